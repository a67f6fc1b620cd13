-- The ledger: what this program knows of the rows that it loads, in its own schema beside Nexus's tables. It forgets nothing.
-- load/ledger.py adds one table per entity, nexus_assets.identity_<entity>, from the entity's declaration.

CREATE TABLE IF NOT EXISTS nexus_assets.about (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  ledger_id uuid NOT NULL DEFAULT gen_random_uuid(),
  database_mark text NOT NULL,
  code_hash text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
DO $$ BEGIN -- only where it is missing: others read this table before they wait for their turn
  IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'nexus_assets.about'::regclass AND attname = 'guarded' AND NOT attisdropped) THEN
    ALTER TABLE nexus_assets.about ADD COLUMN guarded boolean NOT NULL DEFAULT false;
  END IF;
END $$;
COMMENT ON COLUMN nexus_assets.about.guarded IS 'Whether the guard was installed and not removed, whatever is left of it.';
COMMENT ON COLUMN nexus_assets.about.database_mark IS 'The server and database that the ledger was made in: a copy elsewhere is noticed.';

CREATE TABLE IF NOT EXISTS nexus_assets.load (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  entity text NOT NULL,
  run_id text NOT NULL,
  started_at timestamptz NOT NULL,
  finished_at timestamptz NOT NULL,
  mapping_version text NOT NULL,
  sources jsonb NOT NULL,
  date_orders jsonb NOT NULL,
  source_rows bigint NOT NULL,
  outcomes jsonb NOT NULL,
  rejected jsonb NOT NULL,
  notices jsonb NOT NULL,
  healed jsonb NOT NULL
);
ALTER TABLE nexus_assets.load ADD COLUMN IF NOT EXISTS adoption jsonb NOT NULL DEFAULT '{}';
ALTER TABLE nexus_assets.load ADD COLUMN IF NOT EXISTS parents jsonb NOT NULL DEFAULT '{}';
ALTER TABLE nexus_assets.load ADD COLUMN IF NOT EXISTS undoable boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN nexus_assets.load.undoable IS 'Whether before_value holds what the rows that it changed were before.';
COMMENT ON COLUMN nexus_assets.load.parents IS 'The state of each parent that the load saw: with another one its rejected and unlinked rows are read again.';
CREATE INDEX IF NOT EXISTS load_entity ON nexus_assets.load (entity, id DESC);
COMMENT ON TABLE nexus_assets.load IS 'One row per load that was committed: its sources (names and hashes), counts and times.';

CREATE TABLE IF NOT EXISTS nexus_assets.before_value (
  load_id bigint NOT NULL,
  step integer NOT NULL,
  table_name text[] NOT NULL,
  row_key text NOT NULL,
  before jsonb,
  after jsonb
);
CREATE INDEX IF NOT EXISTS before_value_load ON nexus_assets.before_value (load_id, step);
COMMENT ON TABLE nexus_assets.before_value IS 'What a load changed: per row the columns as they were (NULL: there was no row) and as it left them (NULL: it removed it).';

CREATE TABLE IF NOT EXISTS nexus_assets.undone (
  load_id bigint PRIMARY KEY,
  entity text NOT NULL,
  run_id text NOT NULL,
  undone_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  undone_by text NOT NULL,
  load jsonb NOT NULL,
  figures jsonb NOT NULL
);
COMMENT ON TABLE nexus_assets.undone IS 'Loads that a person undid, as they stood in nexus_assets.load, and what came of it.';

CREATE TABLE IF NOT EXISTS nexus_assets.reject (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  entity text NOT NULL,
  row_number bigint NOT NULL,
  source_id text,
  reason text NOT NULL,
  column_name text,
  row_hash bigint NOT NULL,
  payload jsonb NOT NULL,
  first_load bigint NOT NULL,
  resolved_load bigint
);
CREATE INDEX IF NOT EXISTS reject_open ON nexus_assets.reject (entity, reason) WHERE resolved_load IS NULL;
COMMENT ON TABLE nexus_assets.reject IS 'Rows that could not be loaded, with reason and content, until a later load resolves them.';

DO $$ BEGIN -- a ledger of an earlier version
  IF to_regclass('nexus_assets.mended') IS NOT NULL AND to_regclass('nexus_assets.correction') IS NULL THEN
    ALTER TABLE nexus_assets.mended RENAME TO correction;
    ALTER TABLE nexus_assets.correction RENAME COLUMN mended TO corrected;
    ALTER TABLE nexus_assets.correction RENAME COLUMN mended_at TO corrected_at;
  END IF;
END $$;
CREATE TABLE IF NOT EXISTS nexus_assets.correction (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  reject_id bigint NOT NULL UNIQUE,
  entity text NOT NULL,
  export text NOT NULL,
  absent boolean NOT NULL,
  faulty jsonb NOT NULL,
  corrected jsonb NOT NULL,
  corrected_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  idle_since timestamptz
);
COMMENT ON TABLE nexus_assets.correction IS 'Rows that a person corrected, in place of the faulty ones of an export (absent: of none) for as long as it has those; else idle.';

CREATE TABLE IF NOT EXISTS nexus_assets.conflict (
  entity text NOT NULL,
  source_id uuid NOT NULL,
  nexus_id uuid NOT NULL,
  column_name text NOT NULL,
  cause text NOT NULL,
  filemaker_value text,
  nexus_value text,
  first_load bigint NOT NULL,
  resolved_load bigint
);
ALTER TABLE nexus_assets.conflict DROP CONSTRAINT IF EXISTS conflict_cause_check,
  ADD CONSTRAINT conflict_cause_check CHECK (cause IN ('edited', 'adopted', 'deleted', 'refused'));
CREATE UNIQUE INDEX IF NOT EXISTS conflict_open ON nexus_assets.conflict (entity, source_id, column_name) WHERE resolved_load IS NULL;
ALTER TABLE nexus_assets.conflict ADD COLUMN IF NOT EXISTS decision text CHECK (decision IN ('nexus', 'filemaker'));
ALTER TABLE nexus_assets.conflict ADD COLUMN IF NOT EXISTS decided_by text;
ALTER TABLE nexus_assets.conflict ADD COLUMN IF NOT EXISTS decided_at timestamptz;
COMMENT ON COLUMN nexus_assets.conflict.decision IS 'Which side a person said is right; it ends when either side has another value.';
COMMENT ON TABLE nexus_assets.conflict IS 'Values that Nexus and FileMaker have differently and that were kept as Nexus has them.';

CREATE TABLE IF NOT EXISTS nexus_assets.superseded (
  entity text NOT NULL,
  nexus_id uuid NOT NULL,
  source_id uuid,
  current_id uuid NOT NULL,
  load_id bigint,
  learned_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (entity, nexus_id)
);
CREATE INDEX IF NOT EXISTS superseded_current ON nexus_assets.superseded (entity, current_id);
COMMENT ON TABLE nexus_assets.superseded IS 'Ids that a row had before: every reference to one is moved to the current id.';

CREATE TABLE IF NOT EXISTS nexus_assets.check_result (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  asset text NOT NULL,
  check_name text NOT NULL,
  severity text NOT NULL,
  passed boolean NOT NULL,
  violators bigint NOT NULL,
  breakdown jsonb NOT NULL,
  run_id text NOT NULL,
  checked_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE nexus_assets.check_result ADD COLUMN IF NOT EXISTS figures jsonb NOT NULL DEFAULT '{}';
ALTER TABLE nexus_assets.check_result ADD COLUMN IF NOT EXISTS next_step text NOT NULL DEFAULT '';
CREATE INDEX IF NOT EXISTS check_result_latest ON nexus_assets.check_result (asset, check_name, id DESC);
COMMENT ON TABLE nexus_assets.check_result IS 'Each result of each check: the history that the Dagster UI forgets.';

CREATE TABLE IF NOT EXISTS nexus_assets.alert (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  subject text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('check', 'crash', 'load', 'run')),
  asset text NOT NULL,
  severity text NOT NULL,
  violators bigint,
  breakdown jsonb NOT NULL,
  cause text NOT NULL,
  next_step text NOT NULL,
  opened_at timestamptz NOT NULL,
  first_run text NOT NULL,
  last_run text NOT NULL,
  told_at timestamptz,
  told_kind text,
  told_severity text,
  told_violators bigint,
  resolved_at timestamptz
);
ALTER TABLE nexus_assets.alert ADD COLUMN IF NOT EXISTS blocking boolean NOT NULL DEFAULT false;
CREATE UNIQUE INDEX IF NOT EXISTS alert_open ON nexus_assets.alert (subject) WHERE resolved_at IS NULL;
COMMENT ON TABLE nexus_assets.alert IS 'What is or was wrong: opened once, resolved when a check passes or a load succeeds again.';

CREATE TABLE IF NOT EXISTS nexus_assets.alert_message (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  destination text NOT NULL,
  title text NOT NULL,
  body text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  attempts integer NOT NULL DEFAULT 0,
  tried_at timestamptz,
  delivered_at timestamptz
);
CREATE INDEX IF NOT EXISTS alert_message_waiting ON nexus_assets.alert_message (id) WHERE delivered_at IS NULL;
COMMENT ON TABLE nexus_assets.alert_message IS 'What is to be told to whom, until it was; destinations are numbers, never addresses.';

CREATE TABLE IF NOT EXISTS nexus_assets.alert_seen (
  subject text PRIMARY KEY,
  position double precision NOT NULL,
  pending bigint[] NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE nexus_assets.alert_seen IS 'Up to where Dagster''s history has been turned into alerts.';

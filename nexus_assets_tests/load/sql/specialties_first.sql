SELECT c.oid, n.nspname, c.relname, pg_table_is_visible(c.oid), c.relkind = 'p'
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', %s) AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY 2, 3;

WITH RECURSIVE base AS (
  SELECT oid, oid AS under FROM pg_type WHERE typtype <> 'd'
  UNION ALL
  SELECT d.oid, b.under FROM pg_type AS d JOIN base AS b ON b.oid = d.typbasetype WHERE d.typtype = 'd'
)
SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), format_type(t.oid, NULL), t.typcategory = 'S',
       NOT a.attnotnull, a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '', a.attgenerated <> '',
           a.attinhcount > 0,
       CASE WHEN t.typname IN ('varchar', 'bpchar') AND a.atttypmod > 4 THEN a.atttypmod - 4 END
FROM pg_attribute AS a JOIN base AS b ON b.oid = a.atttypid JOIN pg_type AS t ON t.oid = b.under
WHERE a.attrelid = ANY (%s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum;

SELECT k.conrelid, k.contype::text, k.confrelid, k.convalidated,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS c (number, place)
             JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = c.number ORDER BY c.place)
FROM pg_constraint AS k WHERE k.contype IN ('p', 'f') AND k.conrelid = ANY (%(oids)s::oid[])
UNION ALL
SELECT i.indrelid, 'u', 0, true,
       ARRAY(SELECT a.attname::text FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS c (number, place)
             JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = c.number
             WHERE c.place <= i.indnkeyatts ORDER BY c.place)
FROM pg_index AS i WHERE i.indisunique AND i.indrelid = ANY (%(oids)s::oid[])
ORDER BY 1, 2, 5;

SELECT id, app_label, model FROM public.django_content_type ORDER BY id;

SELECT quote_ident(t.tgname), t.tgrelid::regclass::text, t.tgfoid::regprocedure::text
FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND NOT starts_with(t.tgname, %s) ORDER BY 2, 1;

SELECT current_setting('server_version_num')::int, current_setting('server_encoding');

SELECT EXISTS (SELECT FROM pg_class AS c WHERE c.relnamespace = n.oid AND c.relowner <> current_user::regrole)
    OR EXISTS (SELECT FROM pg_proc AS p WHERE p.pronamespace = n.oid AND p.proowner <> current_user::regrole)
FROM pg_namespace AS n WHERE n.nspname = %s;

SELECT EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'nexus_assets' AND c.relname = 'about');

SELECT code_hash FROM nexus_assets.about;

SELECT database_mark FROM nexus_assets.about;

SELECT system_identifier::text || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())
    FROM pg_control_system();

SELECT DISTINCT ON (entity) entity, id, source_rows,
    (SELECT coalesce(sum(value::bigint), 0) FROM jsonb_each_text(rejected)), sources, date_orders, notices,
    mapping_version, outcomes, rejected, parents,
    EXISTS (SELECT FROM nexus_assets.undone AS u WHERE u.entity = l.entity AND u.undone_at > l.finished_at)
    FROM nexus_assets.load AS l WHERE entity = ANY(%s) ORDER BY entity, id DESC;

SELECT DISTINCT c.column_name FROM nexus_assets.conflict AS c
    JOIN nexus_assets.identity_specialties AS l USING (source_id)
WHERE c.entity = 'specialties' AND c.resolved_load IS NULL AND c.decision = 'filemaker' AND l.vanished_load IS NULL;

SET LOCAL default_statistics_target = 10; SET LOCAL work_mem = '64MB'; SET LOCAL parallel_tuple_cost = 0.005;

SELECT nextval(pg_get_serial_sequence('nexus_assets.load', 'id'));

CREATE UNLOGGED TABLE nexus_assets.work_specialties_export (row_number bigint GENERATED ALWAYS AS IDENTITY, c0 text, c1 text, c2 text, c3 text, c4 text, c5 text, c6 text, c7 text, c8 text);

COPY nexus_assets.work_specialties_export (c0, c1, c2, c3, c4, c5, c6, c7, c8)
    FROM STDIN WITH (FORMAT csv, ENCODING 'UTF8', delimiter ',', quote '"');

SELECT count(*), extract(epoch FROM max(corrected_at))::text FROM nexus_assets.correction WHERE export = 'Referrers';

ANALYZE nexus_assets.work_specialties_export;

WITH found AS (
  SELECT heading, code, long, count(*) AS cells, min(row_number) AS first
  FROM nexus_assets.work_specialties_export AS s, LATERAL (VALUES ('contactType', s.c0)) AS cell(heading, text),
      LATERAL (SELECT CASE
    WHEN octet_length(text) <= 60 AND (text LIKE '%<%' OR text LIKE '%#%') AND text ~* concat(
      '^\s*(<(no access|unknown|(unrelated|related|missing) [a-z ]+|[a-z ]+ missing|kein zugriff|[a-zäöü]+ fehlt)>',
      '|#{4,}|#(n/a|ref!|name\?|value!|div/0!|num!|null!|spill!|calc!|field!|nv|bezug!|wert!))\s*$') THEN 'no_value'
    WHEN octet_length(text) <= 9 AND text LIKE '%?%' AND nexus_assets.comparable(text) = '?' THEN 'unshown_value'
    WHEN octet_length(text) <= 35 AND text ~ '^\s*[-+]?[0-9]([.,][0-9]+)?[eE][-+][0-9]{1,3}\s*$' THEN 'shortened_number'
    WHEN octet_length(text) >= 32767
        AND length(text) + length(regexp_replace(text, '[^\U00010000-\U0010FFFF]', '', 'g')) = 32767
      THEN 'cut_text'
    WHEN octet_length(text) BETWEEN 16 AND 35 AND text ~ '^\s*[0-9]{15}0+\s*$' THEN 'shortened_number'
    WHEN strpos(text, '&') > 0 AND text ~* concat(
      '&(amp;)*(#[0-9]{2,5}|#x[0-9a-f]{2,5}|nbsp|quot|apos|amp|[lr]s?quo|[lr]dquo|[mn]dash',
      '|lt|gt|szlig|[aeiounyc](acute|grave|circ|uml|tilde|ring|cedil|slash)|(ae|oe)lig);') THEN 'escaped_text'
    WHEN text LIKE '=%' AND text ~ '^="[^"]*"\s*$' THEN 'escaped_text'
    WHEN octet_length(text) <> length(text) AND text ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]' AND text ~ concat(
      '[\uFFFD\u0080-\u0084\u0086-\u009F]|[ÃÂ][\u00A0-\u00BF\u0152-\u0178\u2020-\u2022\u2030\u20AC\u2122\u0192\u02C6\u02DC]|Ã[\u2013-\u201E](?=[[:alpha:]])|â[€„‚]',
      '|[√¬][†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæøÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü]|‚Ä|[├┬]|ΓÇ|ÔÇ') THEN 'damaged_text'
    END, CASE WHEN octet_length(text) >= 255 THEN length(text) END) AS mark(code, long)
  GROUP BY 1, 2, 3
), longest AS (
  SELECT heading, max(long) AS long FROM found GROUP BY 1
)
SELECT code, heading, cells, first FROM (
  SELECT 1 AS place, code, heading, sum(cells)::bigint AS cells, min(first) AS first FROM found WHERE code IS NOT NULL
      GROUP BY 2, 3
  UNION ALL
  SELECT 2, 'cut_text', heading, sum(cells)::bigint, min(first) FROM found JOIN longest USING (heading, long)
  WHERE long IN (255, 65535, 65536) GROUP BY heading, long HAVING long > 255 OR sum(cells) > 2
) AS marks ORDER BY place, code, heading;

CREATE UNLOGGED TABLE nexus_assets.work_specialties_keyed AS
   SELECT e.*, row_number() OVER (PARTITION BY e.key_id ORDER BY e.row_number) AS key_place
   FROM (SELECT e.*,
   (SELECT nexus_assets.minted_id('specialty', array_to_string(said, E'\x1F', ''))::text
    FROM (SELECT ARRAY[coalesce(nexus_assets.read_uuid(NULL::text)::text, nexus_assets.comparable(NULL::text), nexus_assets.read_uuid(e.c0)::text, nexus_assets.comparable(e.c0))]::text[] AS said) AS parts WHERE said <> array_fill(NULL::text, ARRAY[1]))
AS key_id FROM nexus_assets.work_specialties_export AS e) AS e
   WHERE e.key_id IS NOT NULL;

ANALYZE nexus_assets.work_specialties_keyed;

SELECT count(*) FROM nexus_assets.work_specialties_export;

SELECT CASE WHEN EXISTS (SELECT FROM public.specialties)
    OR EXISTS (SELECT FROM nexus_assets.identity_specialties) THEN FALSE
ELSE (SELECT count(named.id) = count(DISTINCT named.id) FROM nexus_assets.work_specialties_keyed AS x CROSS JOIN LATERAL (SELECT nexus_assets.read_uuid(x.key_id) AS id HAVING TRUE) AS named) END;

CREATE UNLOGGED TABLE nexus_assets.work_specialties_incoming AS
   SELECT s.row_number, s.source_id, s.row_hash, s.known_id, s.is_live, why.reason[1] AS reason,
          why.reason[2] AS reason_column, TRUE AS described, array_remove(ARRAY[]::text[], NULL) AS notices,
              nexus_assets.minted_id('specialties', s.source_id::text) AS nexus_id,
              (coalesce(nexus_assets.read_text(NULL::text), nexus_assets.read_text(s.f1), NULL::text))::text AS new_name
   FROM
   (
     SELECT x.row_number, named.source_id,
         hash_record_extended(ROW(x.key_id, NULL::text, x.c0, NULL::text), <seed>) AS row_hash, NULL::uuid AS known_id,
         FALSE AS is_live,
           FALSE AS disputed, x.key_id AS f0, x.c0 AS f1 FROM nexus_assets.work_specialties_keyed AS x CROSS JOIN LATERAL (SELECT nexus_assets.read_uuid(x.key_id) AS source_id HAVING TRUE) AS named)
AS s
    CROSS
        JOIN LATERAL (SELECT CASE WHEN s.source_id IS NULL THEN ARRAY[CASE WHEN nexus_assets.read_text(s.f0) IS NOT NULL THEN 'bad_id' ELSE 'no_id' END, NULL] WHEN s.disputed THEN ARRAY['duplicate_id', NULL] END AS reason HAVING TRUE) AS why;

UPDATE nexus_assets.work_specialties_incoming SET reason = CASE WHEN new_name IS NULL THEN 'no_name'
    WHEN length(new_name) > 100 THEN 'too_long' END, reason_column = CASE WHEN new_name IS NULL THEN NULL
    WHEN length(new_name) > 100 THEN 'name' END
    WHERE reason IS NULL AND (new_name IS NULL OR length(new_name) > 100)
; ANALYZE nexus_assets.work_specialties_incoming;

SELECT reason, count(*), count(*) FILTER (WHERE new_name IS NULL) FROM nexus_assets.work_specialties_incoming GROUP BY 1
    ORDER BY 2 DESC, 1;

INSERT INTO public.specialties (id, name, created_at)
SELECT d.nexus_id, i.new_name::character varying(100), now() FROM nexus_assets.work_specialties_incoming AS i CROSS
    JOIN LATERAL
  (SELECT i.row_number, i.nexus_id, 'insert'::text AS action WHERE i.reason IS NULL) AS d
WHERE d.action IN ('insert', 'restore') ORDER BY d.row_number;

DO $$ BEGIN
      LOCK TABLE nexus_assets.identity_specialties IN ACCESS EXCLUSIVE MODE NOWAIT;
      ALTER TABLE nexus_assets.identity_specialties DROP CONSTRAINT identity_specialties_pkey,
          DROP CONSTRAINT identity_specialties_nexus_id_key;
    EXCEPTION WHEN lock_not_available OR insufficient_privilege OR undefined_object THEN NULL;
    END $$;
    INSERT INTO nexus_assets.identity_specialties (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_name) SELECT source_id,
        nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_name FROM (
    SELECT d.action, i.source_id, d.nexus_id, i.row_hash,
        hash_record_extended(ROW(i.new_name::character varying(100)), 0) AS target_hash, i.row_number,
           nullif(i.notices, ARRAY[]::text[]) AS notices, 'made' AS origin, <load> AS first_load, <load> AS last_load,
               hash_record_extended(ROW(i.new_name::character varying(100)), 0) AS base_name
    FROM nexus_assets.work_specialties_incoming AS i CROSS JOIN LATERAL
      (SELECT i.row_number, i.nexus_id, 'insert'::text AS action WHERE i.reason IS NULL) AS d
    WHERE d.action IN ('insert', 'restore')
) AS e;
    DO $$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'nexus_assets.identity_specialties'::regclass AND contype = 'p') THEN
        ALTER TABLE nexus_assets.identity_specialties ADD CONSTRAINT identity_specialties_pkey PRIMARY KEY (source_id),
            ADD CONSTRAINT identity_specialties_nexus_id_key UNIQUE (nexus_id);
      END IF;
    END $$;

SELECT EXISTS (SELECT FROM nexus_assets.superseded WHERE entity = %s);

SELECT EXISTS (SELECT FROM nexus_assets.work_specialties_incoming WHERE reason IS NOT NULL)
    OR EXISTS (SELECT FROM nexus_assets.reject WHERE entity = 'specialties' AND resolved_load IS NULL);

SELECT notices, count(*), min(row_number) FROM nexus_assets.identity_specialties WHERE notices IS NOT NULL GROUP BY 1;

INSERT INTO nexus_assets.load (id, entity, run_id, started_at, finished_at, mapping_version, sources, date_orders, source_rows, outcomes, rejected, notices, healed, adoption, parents, undoable) OVERRIDING SYSTEM VALUE
    VALUES (%s, %s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

WITH forgotten AS (
          UPDATE nexus_assets.load AS l SET undoable = FALSE
          WHERE l.entity = 'specialties' AND l.undoable AND (false OR l.id < (
    SELECT x.id FROM nexus_assets.load AS x WHERE x.entity = 'specialties' AND x.undoable
      AND (x.outcomes ->> 'inserted' <> '0' OR EXISTS (SELECT FROM nexus_assets.before_value AS b WHERE b.load_id = x.id))
    ORDER BY x.id DESC OFFSET 9 LIMIT 1
)) RETURNING l.id
        )
        DELETE FROM nexus_assets.before_value AS b USING forgotten AS f WHERE b.load_id = f.id;

DELETE FROM nexus_assets.check_result AS x WHERE asset = 'specialties'
    AND checked_at < now() - make_interval(days => 365)
    AND EXISTS (SELECT FROM nexus_assets.check_result AS later WHERE (later.asset, later.check_name) = (x.asset, x.check_name) AND later.id > x.id); DELETE
    FROM nexus_assets.reject AS x WHERE entity = 'specialties'
    AND resolved_load <= (SELECT max(id) FROM nexus_assets.load WHERE entity = 'specialties' AND finished_at < now() - make_interval(days => 365))
    AND NOT EXISTS (SELECT FROM nexus_assets.load AS u WHERE u.id = x.resolved_load AND u.undoable); DELETE
    FROM nexus_assets.conflict AS x WHERE entity = 'specialties'
    AND resolved_load <= (SELECT max(id) FROM nexus_assets.load WHERE entity = 'specialties' AND finished_at < now() - make_interval(days => 365))
    AND NOT EXISTS (SELECT FROM nexus_assets.load AS u WHERE u.id = x.resolved_load AND u.undoable); DELETE
    FROM nexus_assets.correction AS x WHERE entity = 'specialties'
    AND idle_since < now() - make_interval(days => 365); DELETE FROM nexus_assets.undone AS x
    WHERE entity = 'specialties' AND undone_at < now() - make_interval(days => 365); DELETE FROM nexus_assets.load AS x
    WHERE entity = 'specialties' AND finished_at < now() - make_interval(days => 365)
    AND id NOT IN (SELECT id FROM nexus_assets.load WHERE entity = 'specialties' ORDER BY id DESC LIMIT 2)
    AND NOT (undoable AND (outcomes ->> 'inserted' <> '0' OR EXISTS (SELECT FROM nexus_assets.before_value AS b WHERE b.load_id = x.id)))
    AND NOT EXISTS (SELECT FROM nexus_assets.reject AS r WHERE r.entity = 'specialties' AND r.first_load = x.id AND r.resolved_load IS NULL);

SELECT relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'nexus_assets'
    AND c.relkind = 'r' AND starts_with(relname, %s) ORDER BY c.oid;

DROP TABLE nexus_assets.work_specialties_export, nexus_assets.work_specialties_keyed,
    nexus_assets.work_specialties_incoming;

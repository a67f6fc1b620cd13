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

CREATE UNLOGGED TABLE nexus_assets.work_specialties_seen AS
SELECT s.row_number, s.source_id, s.row_hash, l.nexus_id AS known_id, t.id IS NOT NULL AS is_live,
       coalesce((l.last_load IS NOT NULL AND l.vanished_load IS NULL), false) AS is_current,
       coalesce(l.row_hash = s.row_hash AND l.vanished_load IS NULL AND t.id IS NOT NULL AND l.target_hash = t.target_hash,
                false) AS settled
FROM (SELECT row_number, nexus_assets.read_uuid(s.key_id) AS source_id, hash_record_extended(ROW(s.key_id, NULL::text, s.c0, NULL::text), <seed>) AS row_hash FROM nexus_assets.work_specialties_keyed AS s OFFSET 0) AS s
LEFT JOIN nexus_assets.identity_specialties AS l ON l.source_id = s.source_id
LEFT JOIN (SELECT t.id, hash_record_extended(ROW(t.name), 0) AS target_hash FROM public.specialties AS t OFFSET 0) AS t ON t.id = l.nexus_id;

ANALYZE nexus_assets.work_specialties_seen;

CREATE UNLOGGED TABLE nexus_assets.work_specialties_repeated AS
SELECT s.source_id, min(s.row_number) FILTER (WHERE x.key_place = 1) AS first_row, false AS differ, count(*) - 1 AS more
FROM nexus_assets.work_specialties_seen AS s JOIN nexus_assets.work_specialties_keyed AS x USING (row_number)
    GROUP BY 1 HAVING count(*) > 1;

UPDATE nexus_assets.work_specialties_repeated AS again SET differ = false
FROM (
  SELECT s.source_id FROM nexus_assets.work_specialties_repeated AS d
      JOIN nexus_assets.work_specialties_seen AS s USING (source_id)
      JOIN nexus_assets.work_specialties_keyed AS r USING (row_number)
      WHERE d.differ GROUP BY 1 HAVING min(hash_record_extended(ROW(nexus_assets.read_text(NULL::text), nexus_assets.read_text(r.c0), nexus_assets.read_text(NULL::text)), 0)) = max(hash_record_extended(ROW(nexus_assets.read_text(NULL::text), nexus_assets.read_text(r.c0), nexus_assets.read_text(NULL::text)), 0))) AS same
WHERE same.source_id = again.source_id;

ANALYZE nexus_assets.work_specialties_repeated;

CREATE UNLOGGED TABLE nexus_assets.work_specialties_pending AS
SELECT s.row_number, s.source_id, s.row_hash, s.known_id, s.is_live, coalesce(r.differ, false) AS disputed,
    x.key_id AS f0, x.c0 AS f1
FROM nexus_assets.work_specialties_seen AS s JOIN nexus_assets.work_specialties_keyed AS x USING (row_number)
    LEFT JOIN nexus_assets.work_specialties_repeated AS r ON r.source_id = s.source_id
WHERE (NOT s.settled AND (r.source_id IS NULL OR r.first_row = s.row_number)) OR r.differ;

ANALYZE nexus_assets.work_specialties_pending;

CREATE UNLOGGED TABLE nexus_assets.work_specialties_incoming AS
SELECT s.row_number, s.source_id, s.row_hash, s.known_id, s.is_live, why.reason[1] AS reason,
       why.reason[2] AS reason_column, TRUE AS described, array_remove(ARRAY[]::text[], NULL) AS notices,
           (coalesce(nexus_assets.read_text(NULL::text), nexus_assets.read_text(s.f1), NULL::text))::text AS new_name
FROM nexus_assets.work_specialties_pending AS s
 CROSS
     JOIN LATERAL (SELECT CASE WHEN s.source_id IS NULL THEN ARRAY[CASE WHEN nexus_assets.read_text(s.f0) IS NOT NULL THEN 'bad_id' ELSE 'no_id' END, NULL] WHEN s.disputed THEN ARRAY['duplicate_id', NULL] END AS reason HAVING TRUE) AS why;

UPDATE nexus_assets.work_specialties_incoming SET reason = CASE WHEN new_name IS NULL THEN 'no_name'
    WHEN length(new_name) > 100 THEN 'too_long' END, reason_column = CASE WHEN new_name IS NULL THEN NULL
    WHEN length(new_name) > 100 THEN 'name' END
    WHERE reason IS NULL AND (new_name IS NULL OR length(new_name) > 100)
; ANALYZE nexus_assets.work_specialties_incoming;

CREATE UNLOGGED TABLE nexus_assets.work_specialties_recognised (source_id uuid NOT NULL, nexus_id uuid NOT NULL);

SELECT EXISTS (
    SELECT i.* FROM nexus_assets.work_specialties_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_specialties_recognised AS r WHERE r.source_id = i.source_id)
) AND EXISTS (
    SELECT t.* FROM public.specialties AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_specialties AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_specialties_recognised AS r WHERE r.nexus_id = t.id)
);

SET LOCAL enable_nestloop = off;

INSERT INTO nexus_assets.work_specialties_recognised
    SELECT i.source_id, t.id AS nexus_id FROM (
    SELECT i.* FROM nexus_assets.work_specialties_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_specialties_recognised AS r WHERE r.source_id = i.source_id)
) AS i JOIN (
    SELECT t.* FROM public.specialties AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_specialties AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_specialties_recognised AS r WHERE r.nexus_id = t.id)
) AS t
    ON t.id = nexus_assets.minted_id('specialties', i.source_id::text);

SET LOCAL enable_nestloop TO DEFAULT;

ANALYZE nexus_assets.work_specialties_recognised;

SELECT EXISTS (
    SELECT i.* FROM nexus_assets.work_specialties_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_specialties_recognised AS r WHERE r.source_id = i.source_id)
) AND EXISTS (
    SELECT t.* FROM public.specialties AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_specialties AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_specialties_recognised AS r WHERE r.nexus_id = t.id)
);

SET LOCAL enable_nestloop = off;

INSERT INTO nexus_assets.work_specialties_recognised
    SELECT m.source_id, o.nexus_id FROM (
      SELECT i.source_id, hash_record_extended(ROW(nexus_assets.comparable(i.new_name)), 0) AS content,
          row_number() OVER (PARTITION BY hash_record_extended(ROW(nexus_assets.comparable(i.new_name)), 0) ORDER BY i.row_number) AS k
      FROM (
    SELECT i.* FROM nexus_assets.work_specialties_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_specialties_recognised AS r WHERE r.source_id = i.source_id)
) AS i
    ) AS m JOIN (
      SELECT t.id AS nexus_id, hash_record_extended(ROW(nexus_assets.comparable(t.name)), 0) AS content,
             row_number() OVER (PARTITION BY hash_record_extended(ROW(nexus_assets.comparable(t.name)), 0) ORDER BY t.created_at, t.id) AS k
      FROM (
    SELECT t.* FROM public.specialties AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_specialties AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_specialties_recognised AS r WHERE r.nexus_id = t.id)
) AS t WHERE TRUE
    ) AS o USING (content, k);

SET LOCAL enable_nestloop TO DEFAULT;

-- 2 times:
ANALYZE nexus_assets.work_specialties_recognised;

CREATE UNLOGGED TABLE nexus_assets.work_specialties_decided AS
SELECT i.row_number, i.source_id, i.known_id,
       CASE WHEN i.is_live THEN i.known_id
            ELSE coalesce(r.nexus_id, i.known_id, nexus_assets.minted_id('specialties', i.source_id::text)) END AS nexus_id,
       CASE WHEN i.is_live AND l.last_load IS NOT NULL THEN 'compare'
            WHEN i.is_live OR r.nexus_id IS NOT NULL THEN 'adopt'
            WHEN i.known_id IS NOT NULL THEN 'restore' ELSE 'insert' END AS action
FROM nexus_assets.work_specialties_incoming AS i
    LEFT JOIN nexus_assets.work_specialties_recognised AS r ON r.source_id = i.source_id
LEFT JOIN nexus_assets.identity_specialties AS l ON l.source_id = i.source_id
WHERE i.reason IS NULL;

ANALYZE nexus_assets.work_specialties_decided;

SELECT (SELECT count(*) FROM nexus_assets.identity_specialties AS l WHERE (l.last_load IS NOT NULL AND l.vanished_load IS NULL)),
       count(*) - coalesce(sum(r.more), 0)::bigint
FROM nexus_assets.work_specialties_seen AS s
    LEFT JOIN nexus_assets.work_specialties_repeated AS r ON r.source_id = s.source_id AND r.first_row = s.row_number
WHERE s.is_current;

SELECT reason, count(*), count(*) FILTER (WHERE new_name IS NULL) FROM nexus_assets.work_specialties_incoming GROUP BY 1
    ORDER BY 2 DESC, 1;

CREATE UNLOGGED TABLE nexus_assets.work_specialties_followed AS
SELECT source_id, known_id AS old_id, nexus_id AS new_id FROM nexus_assets.work_specialties_decided
WHERE action = 'adopt' AND known_id <> nexus_id;

CREATE UNLOGGED TABLE nexus_assets.work_specialties_changes AS
SELECT d.row_number, d.source_id, d.nexus_id, d.action,
    ((t.name IS DISTINCT FROM i.new_name AND nexus_assets.read_text(t.name)::character varying(100) IS DISTINCT FROM nexus_assets.read_text(i.new_name)::character varying(100) AND ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.name)::character varying(100) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_name = hash_record_extended(ROW(t.name), 0), FALSE) OR coalesce(l.base_name = hash_record_extended(ROW(nexus_assets.read_text(t.name)::character varying(100)), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_name, '') = coalesce(coalesce(nexus_assets.read_text(NULL::text), nexus_assets.read_text(NULL::text), NULL::text), ''))))) AND ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.name)::character varying(100) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_name = hash_record_extended(ROW(t.name), 0), FALSE) OR coalesce(l.base_name = hash_record_extended(ROW(nexus_assets.read_text(t.name)::character varying(100)), 0), FALSE)))) AS write_name,
    ((t.name IS DISTINCT FROM i.new_name AND nexus_assets.read_text(t.name)::character varying(100) IS DISTINCT FROM nexus_assets.read_text(i.new_name)::character varying(100) AND ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.name)::character varying(100) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_name = hash_record_extended(ROW(t.name), 0), FALSE) OR coalesce(l.base_name = hash_record_extended(ROW(nexus_assets.read_text(t.name)::character varying(100)), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_name, '') = coalesce(coalesce(nexus_assets.read_text(NULL::text), nexus_assets.read_text(NULL::text), NULL::text), ''))))) AND NOT ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.name)::character varying(100) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_name = hash_record_extended(ROW(t.name), 0), FALSE) OR coalesce(l.base_name = hash_record_extended(ROW(nexus_assets.read_text(t.name)::character varying(100)), 0), FALSE)))) AS keep_name
FROM nexus_assets.work_specialties_decided AS d
JOIN nexus_assets.work_specialties_incoming AS i USING (row_number)
JOIN public.specialties AS t ON t.id = d.nexus_id
LEFT JOIN nexus_assets.identity_specialties AS l ON l.source_id = d.source_id
WHERE d.action IN ('compare', 'adopt');

SELECT bool_or(keep_name) FROM nexus_assets.work_specialties_changes;

CREATE UNLOGGED TABLE nexus_assets.work_specialties_kept AS SELECT NULL::uuid AS source_id, NULL::uuid AS nexus_id,
    NULL::text AS column_name, NULL::text AS cause, NULL::text AS filemaker_value, NULL::text AS nexus_value WHERE FALSE
    UNION ALL
    SELECT c.source_id, c.nexus_id, 'name'::text AS column_name,
           CASE WHEN l.base_name IS NULL THEN 'adopted' ELSE 'edited' END AS cause,
           i.new_name::text AS filemaker_value, t.name::text AS nexus_value
    FROM nexus_assets.work_specialties_changes AS c JOIN nexus_assets.work_specialties_incoming AS i USING (row_number)
        JOIN public.specialties AS t ON t.id = c.nexus_id
    LEFT JOIN nexus_assets.identity_specialties AS l ON l.source_id = c.source_id
    WHERE c.keep_name
;
    UPDATE nexus_assets.conflict AS c SET resolved_load = <load>
    WHERE c.entity = 'specialties' AND c.resolved_load IS NULL
      AND EXISTS (SELECT FROM nexus_assets.work_specialties_decided AS d WHERE d.source_id = c.source_id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_specialties_kept AS k WHERE (k.source_id, k.column_name) = (c.source_id, c.column_name));
    WITH written AS (
    INSERT INTO nexus_assets.conflict AS c
      (entity, source_id, nexus_id, column_name, cause, filemaker_value, nexus_value, first_load)
    SELECT 'specialties', source_id, nexus_id, column_name, cause, filemaker_value, nexus_value, <load>
        FROM nexus_assets.work_specialties_kept
    ON CONFLICT (entity, source_id, column_name) WHERE resolved_load IS NULL DO UPDATE
      SET nexus_id = excluded.nexus_id, filemaker_value = excluded.filemaker_value, nexus_value = excluded.nexus_value,
          decision = CASE WHEN (c.filemaker_value, c.nexus_value)
            IS NOT DISTINCT FROM (excluded.filemaker_value, excluded.nexus_value) THEN c.decision END
      WHERE (c.nexus_id, c.filemaker_value, c.nexus_value)
        IS DISTINCT FROM (excluded.nexus_id, excluded.filemaker_value, excluded.nexus_value)
 RETURNING c.entity, c.source_id, c.column_name, to_jsonb(c) AS content)
    INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['nexus_assets','conflict'], concat_ws(' ', w.entity::text, w.source_id::text, w.column_name::text), CASE
        WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
        CASE WHEN was.content IS NULL THEN w.content
        ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
    FROM written AS w
        JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.conflict AS o WHERE o.entity = w.entity AND o.source_id = w.source_id AND o.column_name = w.column_name AND o.resolved_load IS NULL OFFSET 0) AS was ON TRUE;

SELECT count(*),
    count(*) FILTER (WHERE s.settled AND (r.source_id IS NULL OR NOT r.differ AND r.first_row = s.row_number)),
    count(*) FILTER (WHERE s.settled AND (r.source_id IS NULL OR NOT r.differ AND r.first_row = s.row_number) AND c.source_id IS NOT NULL)
FROM nexus_assets.work_specialties_seen AS s LEFT JOIN nexus_assets.work_specialties_repeated AS r USING (source_id)
LEFT JOIN (SELECT DISTINCT source_id FROM nexus_assets.conflict
           WHERE entity = 'specialties' AND resolved_load IS NULL) AS c USING (source_id);

SELECT coalesce(sum(more) FILTER (WHERE NOT differ), 0) FROM nexus_assets.work_specialties_repeated;

SELECT count(*) FILTER (WHERE (c.write_name)), count(*) FILTER (WHERE NOT (c.write_name) AND (c.keep_name)),
       count(*) FILTER (WHERE NOT (c.write_name) AND NOT (c.keep_name)), count(*) FILTER (WHERE c.action = 'adopt'),
       count(*) FILTER (WHERE FALSE)
FROM nexus_assets.work_specialties_changes AS c;

SELECT count(*), count(*) FILTER (WHERE action = 'restore') FROM nexus_assets.work_specialties_decided
    WHERE action IN ('insert', 'restore');

SELECT EXISTS (SELECT FROM nexus_assets.work_specialties_changes WHERE action = 'adopt');

WITH written AS (
   UPDATE public.specialties AS t SET name = CASE WHEN c.write_name THEN i.new_name::character varying(100)
       ELSE t.name END
   FROM nexus_assets.work_specialties_changes AS c JOIN nexus_assets.work_specialties_incoming AS i USING (row_number)
   WHERE t.id = c.nexus_id AND (c.write_name)
RETURNING t.id, (SELECT to_jsonb(v) FROM (SELECT t.name) AS v) AS content)
       INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
       SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
           ARRAY['public','specialties'], concat_ws(' ', w.id::text), CASE
           WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
           CASE WHEN was.content IS NULL THEN w.content
           ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
       FROM written AS w
           LEFT JOIN LATERAL (SELECT (SELECT to_jsonb(v) FROM (SELECT o.name) AS v) AS content FROM public.specialties AS o WHERE o.id = w.id AND TRUE OFFSET 0) AS was ON TRUE;

INSERT INTO public.specialties (id, name, created_at)
SELECT d.nexus_id, i.new_name::character varying(100), now() FROM nexus_assets.work_specialties_decided AS d
    JOIN nexus_assets.work_specialties_incoming AS i USING (row_number)
WHERE d.action IN ('insert', 'restore') ORDER BY d.row_number;

WITH written AS (
   INSERT INTO nexus_assets.identity_specialties AS l
     (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_name)
   SELECT i.source_id, c.nexus_id, i.row_hash, hash_record_extended(ROW(t.name), 0), i.row_number,
       nullif(i.notices, ARRAY[]::text[]), 'adopted', <load>, <load>,
       hash_record_extended(ROW(i.new_name::character varying(100)), 0)
   FROM nexus_assets.work_specialties_changes AS c JOIN nexus_assets.work_specialties_incoming AS i USING (row_number)
       JOIN public.specialties AS t ON t.id = c.nexus_id
   LEFT JOIN nexus_assets.identity_specialties AS l ON l.source_id = c.source_id
   ORDER BY i.source_id
   ON CONFLICT (source_id) DO UPDATE SET nexus_id = excluded.nexus_id, row_hash = excluded.row_hash,
       target_hash = excluded.target_hash, row_number = excluded.row_number, notices = excluded.notices,
       last_load = excluded.last_load, base_name = excluded.base_name,
       first_load = coalesce(l.first_load, excluded.first_load)
   WHERE l.last_load IS NULL OR (l.nexus_id, l.row_hash, l.target_hash, l.notices, l.base_name) IS DISTINCT
       FROM (excluded.nexus_id, excluded.row_hash, excluded.target_hash, excluded.notices, excluded.base_name)
RETURNING l.source_id, to_jsonb(l) AS content)
       INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
       SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
           ARRAY['nexus_assets','identity_specialties'], concat_ws(' ', w.source_id::text), CASE
           WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
           CASE WHEN was.content IS NULL THEN w.content
           ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
       FROM written AS w
           LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_specialties AS o WHERE o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

CREATE UNLOGGED TABLE nexus_assets.work_specialties_entries AS
SELECT d.action, i.source_id, d.nexus_id, i.row_hash,
    hash_record_extended(ROW(i.new_name::character varying(100)), 0) AS target_hash, i.row_number,
       nullif(i.notices, ARRAY[]::text[]) AS notices, 'made' AS origin, <load> AS first_load, <load> AS last_load,
           hash_record_extended(ROW(i.new_name::character varying(100)), 0) AS base_name
FROM nexus_assets.work_specialties_decided AS d JOIN nexus_assets.work_specialties_incoming AS i USING (row_number)
WHERE d.action IN ('insert', 'restore');

INSERT INTO nexus_assets.identity_specialties AS l (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_name) SELECT source_id,
    nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_name
    FROM nexus_assets.work_specialties_entries WHERE action = 'insert' ORDER BY source_id;

INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['public','specialties'], nexus_id::text, NULL, NULL FROM nexus_assets.work_specialties_entries
        WHERE action = 'restore'
;WITH written AS (
    INSERT INTO nexus_assets.identity_specialties AS l (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_name) SELECT source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_name FROM nexus_assets.work_specialties_entries WHERE action = 'restore' ORDER BY source_id ON CONFLICT (source_id) DO UPDATE SET nexus_id = excluded.nexus_id, row_hash = excluded.row_hash, target_hash = excluded.target_hash, row_number = excluded.row_number, notices = excluded.notices, last_load = excluded.last_load, base_name = excluded.base_name, first_load = coalesce(l.first_load, excluded.first_load) RETURNING l.source_id, to_jsonb(l) AS content)
    INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['nexus_assets','identity_specialties'], concat_ws(' ', w.source_id::text), CASE
        WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
        CASE WHEN was.content IS NULL THEN w.content
        ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
    FROM written AS w
        LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_specialties AS o WHERE o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

SELECT EXISTS (SELECT FROM nexus_assets.superseded WHERE entity = %s);

SELECT EXISTS (SELECT FROM nexus_assets.work_specialties_incoming WHERE reason IS NOT NULL)
    OR EXISTS (SELECT FROM nexus_assets.reject WHERE entity = 'specialties' AND resolved_load IS NULL);

UPDATE nexus_assets.identity_specialties AS l SET vanished_load = <load> WHERE vanished_load IS NULL
    AND last_load IS NOT NULL
    AND NOT EXISTS (SELECT FROM nexus_assets.work_specialties_seen AS s WHERE s.source_id = l.source_id);

SET LOCAL enable_nestloop = off;

WITH written AS (
UPDATE nexus_assets.identity_specialties AS l SET vanished_load = NULL WHERE vanished_load IS NOT NULL AND EXISTS (SELECT FROM nexus_assets.work_specialties_seen AS s WHERE s.source_id = l.source_id) RETURNING l.source_id, to_jsonb(l) AS content)
INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
    ARRAY['nexus_assets','identity_specialties'], concat_ws(' ', w.source_id::text), CASE
    WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
    CASE WHEN was.content IS NULL THEN w.content
    ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
FROM written AS w
    LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_specialties AS o WHERE o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

SET LOCAL enable_nestloop TO DEFAULT;

SELECT l.notices, count(DISTINCT l.source_id), min(s.row_number)
FROM nexus_assets.identity_specialties AS l
    LEFT JOIN nexus_assets.work_specialties_seen AS s ON s.source_id = l.source_id
WHERE l.notices IS NOT NULL AND l.vanished_load IS NULL
  AND NOT EXISTS (SELECT FROM nexus_assets.work_specialties_incoming AS i WHERE i.source_id = l.source_id AND i.reason IS NOT NULL)
GROUP BY 1;

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
    nexus_assets.work_specialties_seen, nexus_assets.work_specialties_repeated, nexus_assets.work_specialties_pending,
    nexus_assets.work_specialties_incoming, nexus_assets.work_specialties_recognised,
    nexus_assets.work_specialties_decided, nexus_assets.work_specialties_followed,
    nexus_assets.work_specialties_changes, nexus_assets.work_specialties_kept, nexus_assets.work_specialties_entries;

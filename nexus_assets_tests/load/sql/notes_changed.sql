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
SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), format_type(t.oid, NULL),
    t.typcategory = 'S',
       NOT a.attnotnull, a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '', a.attgenerated <> '',
           a.attinhcount > 0,
       CASE WHEN t.typname IN ('varchar', 'bpchar') AND a.atttypmod > 4 THEN a.atttypmod - 4 END
FROM pg_attribute AS a JOIN base AS b ON b.oid = a.atttypid JOIN pg_type AS t ON t.oid = b.under
WHERE a.attrelid = ANY (%s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum;

SELECT conrelid, contype::text, confrelid, convalidated, conkey FROM pg_constraint
WHERE contype IN ('p', 'f') AND conrelid = ANY (%(oids)s::oid[])
UNION ALL
SELECT indrelid, 'u', 0, TRUE, (indkey::smallint[])[0:indnkeyatts - 1]
FROM pg_index WHERE indisunique AND indrelid = ANY (%(oids)s::oid[]);

SELECT id, app_label, model FROM public.django_content_type ORDER BY id;

SELECT EXISTS (SELECT FROM pg_class AS c WHERE c.relnamespace = n.oid AND c.relowner <> current_user::regrole)
    OR EXISTS (SELECT FROM pg_proc AS p
               WHERE p.oid >= 16384 AND p.pronamespace = n.oid AND p.proowner <> current_user::regrole)
FROM pg_namespace AS n WHERE n.nspname = %s;

SELECT EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'nexus_assets' AND c.relname = 'about');

SELECT code_hash FROM nexus_assets.about;

SELECT quote_ident(t.tgname), t.tgrelid::regclass::text, t.tgfoid::regprocedure::text
FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND NOT starts_with(t.tgname, %s) ORDER BY 2, 1;

SELECT database_mark FROM nexus_assets.about;

SELECT system_identifier::text || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())
    FROM pg_control_system();

SELECT DISTINCT ON (entity) entity, id, source_rows,
    (SELECT coalesce(sum(value::bigint), 0) FROM jsonb_each_text(rejected)), sources, date_orders, notices,
    mapping_version, outcomes, rejected, parents,
    EXISTS (SELECT FROM nexus_assets.undone AS u WHERE u.entity = l.entity AND u.undone_at > l.finished_at)
    FROM nexus_assets.load AS l WHERE entity = ANY(%s) ORDER BY entity, id DESC;

SET LOCAL default_statistics_target = 10; SET LOCAL work_mem = '64MB'; SET LOCAL parallel_tuple_cost = 0.005; SET LOCAL min_parallel_table_scan_size = '1MB'; SET LOCAL random_page_cost = 1.1;

SELECT count(t.id) || ' rows, ' || coalesce(sum(CASE
         WHEN t.id IS NOT NULL THEN hash_record_extended(ROW(k.source_id, t.id, t.carried), 0) END), 0),
       count(*) - count(t.id)
FROM nexus_assets.identity_patients AS k
    LEFT JOIN (SELECT t.id, t.filemaker_metadata ->> 'filemaker_id' AS carried FROM public.patients AS t OFFSET '0') AS t ON t.id = k.nexus_id;

SELECT EXISTS (SELECT FROM pg_constraint WHERE conrelid = %(oid)s AND contype = 'c')
OR EXISTS (SELECT FROM pg_index WHERE indrelid = %(oid)s AND (indisunique OR indisexclusion) AND NOT indisprimary);

SELECT DISTINCT c.column_name FROM nexus_assets.conflict AS c JOIN nexus_assets.identity_notes AS l USING (source_id)
WHERE c.entity = 'notes' AND c.resolved_load IS NULL AND (c.decision = 'filemaker' OR c.cause = 'refused')
    AND l.vanished_load IS NULL;

SELECT nextval(pg_get_serial_sequence('nexus_assets.load', 'id')), (SELECT coalesce(max(id), 0) FROM nexus_assets.load);

CREATE UNLOGGED TABLE nexus_assets.work_notes_export (row_number bigint GENERATED ALWAYS AS IDENTITY, c0 text, c1 text, c2 text, c3 text, c4 text, c5 text);

COPY nexus_assets.work_notes_export (c0, c1, c2, c3, c4, c5)
    FROM STDIN WITH (FORMAT csv, ENCODING 'UTF8', delimiter ',', quote '"');

SELECT count(*), extract(epoch FROM max(corrected_at))::text FROM nexus_assets.correction WHERE export = 'Notes';

ANALYZE nexus_assets.work_notes_export;

CREATE UNLOGGED TABLE nexus_assets.work_notes_seen AS
SELECT s.row_number, s.source_id, s.row_hash, l.nexus_id AS known_id, t.id IS NOT NULL AS is_live,
       coalesce((l.last_load IS NOT NULL AND l.vanished_load IS NULL), false) AS is_current, l.notices,
       coalesce(l.row_hash = s.row_hash AND l.vanished_load IS NULL AND t.id IS NOT NULL AND l.target_hash = t.target_hash,
                false) AS settled
FROM (SELECT row_number, nexus_assets.read_uuid(s.c2) AS source_id, hash_record_extended(ROW(s.c2, s.c4, s.c5, s.c1, s.c0, s.c3, NULL::text), <seed>) AS row_hash FROM nexus_assets.work_notes_export AS s OFFSET '0') AS s
LEFT JOIN nexus_assets.identity_notes AS l ON l.source_id = s.source_id
LEFT JOIN (SELECT t.id, hash_record_extended(ROW(t.patient_id, t.content, t.note_type, t.created_at, t.created_by), 0) AS target_hash FROM public.notes AS t OFFSET '0') AS t ON t.id = l.nexus_id;

ANALYZE nexus_assets.work_notes_seen;

SET LOCAL enable_hashagg = off;

CREATE UNLOGGED TABLE nexus_assets.work_notes_repeated AS
SELECT source_id, min(row_number) AS first_row, min(row_hash) <> max(row_hash) AS differ
FROM nexus_assets.work_notes_seen WHERE source_id IS NOT NULL GROUP BY source_id HAVING count(*) > 1;

SET LOCAL enable_hashagg TO DEFAULT;

UPDATE nexus_assets.work_notes_repeated AS again SET differ = false
FROM (
  SELECT s.source_id FROM nexus_assets.work_notes_repeated AS d JOIN nexus_assets.work_notes_seen AS s USING (source_id)
      JOIN nexus_assets.work_notes_export AS r USING (row_number)
      WHERE d.differ GROUP BY 1 HAVING min(hash_record_extended(ROW(nexus_assets.read_text(r.c4), nexus_assets.read_text(r.c5), nexus_assets.read_text(r.c1), nexus_assets.read_text(r.c0), nexus_assets.read_text(r.c3), nexus_assets.read_text(NULL::text)), 0)) = max(hash_record_extended(ROW(nexus_assets.read_text(r.c4), nexus_assets.read_text(r.c5), nexus_assets.read_text(r.c1), nexus_assets.read_text(r.c0), nexus_assets.read_text(r.c3), nexus_assets.read_text(NULL::text)), 0))) AS same
WHERE same.source_id = again.source_id;

UPDATE nexus_assets.work_notes_seen AS s SET settled = false, is_current = s.is_current AND s.row_number = r.first_row
FROM nexus_assets.work_notes_repeated AS r WHERE r.source_id = s.source_id AND r.differ;
DELETE FROM nexus_assets.work_notes_seen AS s USING nexus_assets.work_notes_repeated AS r
WHERE r.source_id = s.source_id AND NOT r.differ AND r.first_row <> s.row_number;

ANALYZE nexus_assets.work_notes_repeated;

SET LOCAL enable_nestloop = off;

CREATE UNLOGGED TABLE nexus_assets.work_notes_standing AS
SELECT min(s.row_number) AS row_number, min(r.id) AS id, min(r.row_number) AS row_before, min(r.reason) AS reason
FROM nexus_assets.work_notes_seen AS s JOIN nexus_assets.reject AS r ON r.row_hash = s.row_hash
    JOIN nexus_assets.work_notes_export AS x ON x.row_number = s.row_number
WHERE r.entity = 'notes' AND r.resolved_load IS NULL AND r.column_name IS NULL
  AND s.known_id IS NULL
  AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_repeated AS again WHERE again.source_id = s.source_id)
  AND (
    r.reason = ANY(ARRAY['no_patient']) OR FALSE
        OR (
          r.reason = 'unknown_patient'
              AND NOT EXISTS (SELECT FROM nexus_assets.identity_patients AS k JOIN public.patients AS t ON t.id = k.nexus_id
              WHERE coalesce(nexus_assets.read_uuid(t.filemaker_metadata ->> 'filemaker_id') = k.source_id, TRUE) AND k.source_id = nexus_assets.read_uuid(x.c3))))
GROUP BY s.row_hash HAVING count(*) = 1;

SET LOCAL enable_nestloop TO DEFAULT;

ANALYZE nexus_assets.work_notes_standing;

CREATE UNLOGGED TABLE nexus_assets.work_notes_pending AS
SELECT s.row_number, s.source_id, s.row_hash, s.known_id, s.is_live, coalesce(r.differ, false) AS disputed, x.c2 AS f0,
    x.c4 AS f1, x.c5 AS f2, x.c1 AS f3, x.c0 AS f4, x.c3 AS f5
FROM nexus_assets.work_notes_seen AS s JOIN nexus_assets.work_notes_export AS x USING (row_number)
    LEFT JOIN nexus_assets.work_notes_repeated AS r ON r.source_id = s.source_id
WHERE NOT s.settled AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_standing AS n WHERE n.row_number = s.row_number);

ANALYZE nexus_assets.work_notes_pending;

WITH found AS (
  SELECT heading, code, count(*) AS cells, min(row_number) AS first
  FROM nexus_assets.work_notes_pending AS s,
      LATERAL (VALUES ('id', s.f0), ('Note', s.f1), ('Note Type', s.f2), ('Date', s.f3), ('creationAccountName', s.f4), ('id_Key', s.f5)) AS cell(heading, text),
      LATERAL (SELECT CASE
    WHEN octet_length(text) <= 60 AND (text LIKE '%<%' OR text LIKE '%#%') AND text ~* concat(
      '^\s*(<(no access|unknown|(unrelated|related|missing) [a-z ]+|[a-z ]+ missing|kein zugriff|[a-zäöü]+ fehlt)>',
      '|#{4,}|#(n/a|ref!|name\?|value!|div/0!|num!|null!|spill!|calc!|field!|nv|bezug!|wert!))\s*$') THEN 'no_value'
    WHEN octet_length(text) <= 9 AND text LIKE '%?%' AND nexus_assets.comparable(text) = '?' THEN 'unshown_value'
    WHEN octet_length(text) <= 9 AND text ~ '^(NULL|null|\(null\)|NaN|nan|<NA>|\\N)$' THEN 'null_text'
    WHEN octet_length(text) <= 35 AND text ~ '^\s*([-+]?[0-9]([.,][0-9]+)?[eE][-+][0-9]{1,3}|[0-9]{5,}[.]0)\s*$'
      THEN 'shortened_number'
    WHEN octet_length(text) >= 32767
        AND length(text) + length(regexp_replace(text, '[^\U00010000-\U0010FFFF]', '', 'g')) = 32767
      THEN 'cut_text'
    WHEN octet_length(text) BETWEEN 16 AND 35 AND text ~ '^\s*[0-9]{15}0+\s*$' THEN 'shortened_number'
    WHEN strpos(text, '&') > 0 AND text ~* concat(
      '&(amp;)*(#[0-9]{2,5}|#x[0-9a-f]{2,5}|nbsp|quot|apos|amp|[lr]s?quo|[lr]dquo|[mn]dash',
      '|lt|gt|szlig|[aeiounyc](acute|grave|circ|uml|tilde|ring|cedil|slash)|(ae|oe)lig);') THEN 'escaped_text'
    WHEN text LIKE '=%' AND text ~ '^="[^"]*"\s*$' THEN 'escaped_text'
    WHEN octet_length(text) <= 35 AND text ~ '^''[-+=(]?[0-9][-+0-9 ().,/:]{2,}$|\\u[0-9a-f]{4}' THEN 'escaped_text'
    WHEN strpos(text, '_x00') > 0 AND text ~ '_x00[0-9A-F]{2}_' THEN 'escaped_text'
    WHEN octet_length(text) <> length(text) AND text ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]' AND text ~ concat(
      '[\uFFFD\u0080-\u0084\u0086-\u009F]|[ÃÂ][\u00A0-\u00BF\u0152-\u0178\u2020-\u2022\u2030\u20AC\u2122\u0192\u02C6\u02DC]|Ã[\u2013-\u201E](?=[[:alpha:]])|â[€„‚]',
      '|[√¬][†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæøÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü]|‚Ä|[├┬]|ΓÇ|ÔÇ') THEN 'damaged_text'
    END) AS mark(code)
  WHERE (concat_ws(E'\x1F', '', CASE WHEN octet_length(s.f0) <= 35 THEN s.f0 END, CASE WHEN octet_length(s.f1) <= 35 THEN s.f1 END, CASE WHEN octet_length(s.f2) <= 35 THEN s.f2 END, CASE WHEN octet_length(s.f3) <= 35 THEN s.f3 END, CASE WHEN octet_length(s.f4) <= 35 THEN s.f4 END, CASE WHEN octet_length(s.f5) <= 35 THEN s.f5 END, '')
           ~ '[<#&?=''\\\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]|_x00|[0-9]([eE][-+]|[.]0)|[0-9]{16}|\x1F[(]?(NULL|null|NaN|nan)[)]?\x1F'
         OR (octet_length(s.f0) > 35 AND (
      strpos(s.f0, '&') > 0 OR strpos(s.f0, '_x00') > 0
      OR octet_length(s.f0) <= 60 AND (strpos(s.f0, '<') > 0 OR strpos(s.f0, '#') > 0)
      OR s.f0 LIKE '="%' OR octet_length(s.f0) >= 32767
      OR octet_length(s.f0) <> length(s.f0) AND s.f0 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.f1) > 35 AND (
      strpos(s.f1, '&') > 0 OR strpos(s.f1, '_x00') > 0
      OR octet_length(s.f1) <= 60 AND (strpos(s.f1, '<') > 0 OR strpos(s.f1, '#') > 0)
      OR s.f1 LIKE '="%' OR octet_length(s.f1) >= 32767
      OR octet_length(s.f1) <> length(s.f1) AND s.f1 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.f2) > 35 AND (
      strpos(s.f2, '&') > 0 OR strpos(s.f2, '_x00') > 0
      OR octet_length(s.f2) <= 60 AND (strpos(s.f2, '<') > 0 OR strpos(s.f2, '#') > 0)
      OR s.f2 LIKE '="%' OR octet_length(s.f2) >= 32767
      OR octet_length(s.f2) <> length(s.f2) AND s.f2 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.f3) > 35 AND (
      strpos(s.f3, '&') > 0 OR strpos(s.f3, '_x00') > 0
      OR octet_length(s.f3) <= 60 AND (strpos(s.f3, '<') > 0 OR strpos(s.f3, '#') > 0)
      OR s.f3 LIKE '="%' OR octet_length(s.f3) >= 32767
      OR octet_length(s.f3) <> length(s.f3) AND s.f3 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.f4) > 35 AND (
      strpos(s.f4, '&') > 0 OR strpos(s.f4, '_x00') > 0
      OR octet_length(s.f4) <= 60 AND (strpos(s.f4, '<') > 0 OR strpos(s.f4, '#') > 0)
      OR s.f4 LIKE '="%' OR octet_length(s.f4) >= 32767
      OR octet_length(s.f4) <> length(s.f4) AND s.f4 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.f5) > 35 AND (
      strpos(s.f5, '&') > 0 OR strpos(s.f5, '_x00') > 0
      OR octet_length(s.f5) <= 60 AND (strpos(s.f5, '<') > 0 OR strpos(s.f5, '#') > 0)
      OR s.f5 LIKE '="%' OR octet_length(s.f5) >= 32767
      OR octet_length(s.f5) <> length(s.f5) AND s.f5 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]')))
    AND code IS NOT NULL
  GROUP BY 1, 2
), columns AS MATERIALIZED (
  SELECT max(octet_length(s.c2)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c2)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c4)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c4)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c5)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c5)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c1)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c1)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c0)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c0)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c3)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c3)) BETWEEN 65535
      AND 4 * 65536 AS may_be_cut FROM nexus_assets.work_notes_export AS s
), long AS (
  SELECT heading, length(text) AS long, count(*) AS cells, min(row_number) AS first
  FROM nexus_assets.work_notes_export AS s,
      LATERAL (VALUES ('id', s.c2), ('Note', s.c4), ('Note Type', s.c5), ('Date', s.c1), ('creationAccountName', s.c0), ('id_Key', s.c3)) AS cell(heading, text)
  WHERE (SELECT may_be_cut FROM columns)
      AND greatest(octet_length(s.c2), octet_length(s.c4), octet_length(s.c5), octet_length(s.c1), octet_length(s.c0), octet_length(s.c3)) >= 255
      AND octet_length(text) >= 255
  GROUP BY 1, 2
), longest AS (
  SELECT heading, max(long) AS long FROM long GROUP BY 1
)
SELECT code, heading, cells, first FROM (
  SELECT 1 AS place, code, heading, cells, first FROM found
  UNION ALL
  SELECT 2, 'cut_text', heading, cells, first FROM long JOIN longest USING (heading, long)
  WHERE long IN (255, 65535, 65536) AND (long > 255 OR cells > 2)
) AS marks ORDER BY place, code, heading;

SELECT heading, sum(times) FILTER (WHERE is_iso)::bigint, min(first) FILTER (WHERE is_iso)
FROM (SELECT heading, text, count(*) AS times, min(row_number) AS first
      FROM nexus_assets.work_notes_export AS s, LATERAL (VALUES ('Date', s.c1)) AS cell(heading, text)
      WHERE text IS NOT NULL AND EXISTS (SELECT FROM nexus_assets.work_notes_export AS s WHERE s.c1 LIKE '____-__-__%') GROUP BY 1, 2) AS texts,
  LATERAL (SELECT text ~ '^\d{4}-\d\d-\d\d' AS is_iso,
                       regexp_match(text, '^\s*(\d{1,2})[/.-](\d{1,2})[/.-]\d{2,4}') AS said) AS form
WHERE is_iso OR said IS NOT NULL
GROUP BY 1
HAVING count(*) FILTER (WHERE is_iso) > 0 AND count(said) > 0
   AND bool_and(CASE WHEN is_iso THEN substr(text, 9, 2) <= '12' ELSE greatest(said[1]::int, said[2]::int) > 12 END);

DROP TABLE IF EXISTS nexus_assets.work_notes_dates; CREATE UNLOGGED TABLE nexus_assets.work_notes_dates AS SELECT NULL::text AS field,
    NULL::text AS raw, 0::bigint AS times WHERE false UNION ALL SELECT 'Date'::text AS field, raw, times
    FROM (SELECT s.f3 AS raw, count(*) AS times FROM nexus_assets.work_notes_pending AS s GROUP BY 1) AS different
    WHERE nexus_assets.read_text(raw) IS NOT NULL;

SELECT field,
       coalesce(sum(times) FILTER (WHERE second BETWEEN 13 AND 31 AND first <= 12), 0),
       coalesce(sum(times) FILTER (WHERE first BETWEEN 13 AND 31 AND second <= 12), 0),
       coalesce(sum(times) FILTER (WHERE first <= 12 AND second <= 12 AND first <> second), 0)
FROM (SELECT field, times, words[1]::int AS first, words[2]::int AS second
      -- OFFSET 0: the text is split once, not once for every use of its words.
      FROM (
        SELECT field, times,
            string_to_array(translate(ltrim(text, 'abcdefghijklmnopqrstuvwxyz., '), '.-', '//'), '/') AS words
            FROM (SELECT field, times, nexus_assets.comparable(raw) AS text FROM nexus_assets.work_notes_dates) AS dates
            WHERE text ~ concat('^([a-z]+[.,]* )?', -- a weekday
                                '([0-9]{1,2}/[0-9]{1,2}/|[0-9]{1,2}[.][0-9]{1,2}[.]|[0-9]{1,2}-[0-9]{1,2}-)',
                                '([0-9]{4}|[0-9]{2})([^0-9]|$)') OFFSET 0) AS split) AS dates
GROUP BY field ORDER BY field;

ALTER TABLE nexus_assets.work_notes_dates ADD COLUMN value date;UPDATE nexus_assets.work_notes_dates SET value = nexus_assets.read_date(raw, coalesce('{}'::jsonb ->> field, 'mdy'), <today>, '1899-12-30'::date, 'Australia/Sydney');ANALYZE nexus_assets.work_notes_dates;

CREATE UNLOGGED TABLE nexus_assets.work_notes_texts AS SELECT NULL::text AS column_name, NULL::text AS raw,
    NULL::text AS value WHERE FALSE UNION ALL
    SELECT 'note_type', different.raw,
        (SELECT CASE WHEN said ~ 'clinical' THEN 'clinical_notes' WHEN said ~ 'clinic|date' THEN 'clinic_dates' WHEN said ~ 'order' THEN 'order_notes' WHEN said ~ 'admin' THEN 'admin_notes' WHEN said ~ 'referral' THEN 'referral' WHEN said ~ '3d|scan' THEN '3d_scan_data' WHEN said ~ 'workshop' THEN 'workshop_note' ELSE 'other' END FROM (SELECT btrim(regexp_replace(nexus_assets.comparable(different.raw), '[-_.,:;/\\&+() ]+', ' ', 'g')) OFFSET 0) AS ready(said))
        FROM (
      SELECT NULL::text AS raw UNION ALL
      (SELECT s.f2 AS raw FROM nexus_assets.work_notes_pending AS s WHERE s.f2 IS NOT NULL GROUP BY 1)) AS different
; ANALYZE nexus_assets.work_notes_texts;

CREATE UNLOGGED TABLE nexus_assets.work_notes_incoming AS
SELECT r.row_number, r.source_id, r.row_hash, r.known_id, r.is_live,
    (coalesce(r.why, CASE WHEN r.new_content IS NULL THEN ARRAY['empty_note', NULL] WHEN length(r.new_note_type) > 50 THEN ARRAY['too_long', 'note_type'] WHEN length(r.new_created_by) > 100 THEN ARRAY['too_long', 'created_by'] END))[1] AS reason,
    (coalesce(r.why, CASE WHEN r.new_content IS NULL THEN ARRAY['empty_note', NULL] WHEN length(r.new_note_type) > 50 THEN ARRAY['too_long', 'note_type'] WHEN length(r.new_created_by) > 100 THEN ARRAY['too_long', 'created_by'] END))[2] AS reason_column,
       r.described, r.notices, r.new_patient_id, r.new_content, r.new_note_type, r.new_created_at, r.new_created_by
FROM (
  SELECT s.row_number, s.source_id, s.row_hash, s.known_id, s.is_live, CASE
      WHEN s.source_id IS NULL THEN ARRAY[CASE WHEN nexus_assets.read_text(s.f0) IS NOT NULL THEN 'bad_id' ELSE 'no_id' END, NULL]
      WHEN s.disputed THEN ARRAY['duplicate_id', NULL]
      WHEN row_0.id IS NULL THEN ARRAY[CASE WHEN nexus_assets.read_text(s.f5) IS NOT NULL THEN 'unknown_patient' ELSE 'no_patient' END, NULL]
      WHEN (dates_0.raw IS NOT NULL AND dates_0.value IS NULL) THEN ARRAY['unreadable_date', 'created_at'] END AS why,
      TRUE AS described,
         array_remove(ARRAY[]::text[], NULL) AS notices, row_0.id AS new_patient_id,
             (nexus_assets.read_text(s.f1))::text AS new_content,
             (CASE WHEN s.f2 IS NULL THEN no_text_note_type.value ELSE text_note_type.value END)::text AS new_note_type,
             (nexus_assets.local_instant(dates_0.value, NULL, 'Australia/Sydney'))::timestamp with time zone AS new_created_at,
             (coalesce(nexus_assets.read_text(s.f4), 'FileMaker Import'::text))::text AS new_created_by
  FROM nexus_assets.work_notes_pending AS s
  LEFT JOIN (
    SELECT k.source_id AS named, t.* FROM nexus_assets.identity_patients AS k
        JOIN public.patients AS t ON t.id = k.nexus_id
                      WHERE coalesce(nexus_assets.read_uuid(t.filemaker_metadata ->> 'filemaker_id') = k.source_id, TRUE)) AS row_0 ON row_0.named = nexus_assets.read_uuid(s.f5)
                          LEFT JOIN nexus_assets.work_notes_texts AS no_text_note_type ON no_text_note_type.column_name = 'note_type'
                          AND no_text_note_type.raw IS NULL
                          LEFT JOIN nexus_assets.work_notes_texts AS text_note_type ON text_note_type.column_name = 'note_type'
                          AND text_note_type.raw = s.f2
                          LEFT JOIN nexus_assets.work_notes_dates AS dates_0 ON dates_0.field = 'Date'
                          AND dates_0.raw = s.f3 OFFSET '0'
) AS r;

ANALYZE nexus_assets.work_notes_incoming;

CREATE UNLOGGED TABLE nexus_assets.work_notes_recognised (source_id uuid NOT NULL, nexus_id uuid NOT NULL);

SELECT EXISTS (
    SELECT i.* FROM nexus_assets.work_notes_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_recognised AS r WHERE r.source_id = i.source_id)
) AND EXISTS (
    SELECT t.* FROM public.notes AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_notes AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_recognised AS r WHERE r.nexus_id = t.id)
);

SET LOCAL enable_nestloop = off;

INSERT INTO nexus_assets.work_notes_recognised
    SELECT i.source_id, t.id AS nexus_id FROM (
    SELECT i.* FROM nexus_assets.work_notes_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_recognised AS r WHERE r.source_id = i.source_id)
) AS i JOIN (
    SELECT t.* FROM public.notes AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_notes AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_recognised AS r WHERE r.nexus_id = t.id)
) AS t
    ON t.id = nexus_assets.minted_id('notes', i.source_id::text);

SET LOCAL enable_nestloop TO DEFAULT;

ANALYZE nexus_assets.work_notes_recognised;

SELECT EXISTS (
    SELECT i.* FROM nexus_assets.work_notes_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_recognised AS r WHERE r.source_id = i.source_id)
) AND EXISTS (
    SELECT t.* FROM public.notes AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_notes AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_recognised AS r WHERE r.nexus_id = t.id)
);

SET LOCAL enable_nestloop = off;

INSERT INTO nexus_assets.work_notes_recognised
    SELECT m.source_id, o.nexus_id FROM (
      SELECT i.source_id,
          hash_record_extended(ROW(i.new_patient_id, nexus_assets.read_text(i.new_content), i.new_created_at, nexus_assets.read_text(i.new_note_type)), 0) AS content,
          row_number() OVER (PARTITION BY hash_record_extended(ROW(i.new_patient_id, nexus_assets.read_text(i.new_content), i.new_created_at, nexus_assets.read_text(i.new_note_type)), 0) ORDER BY i.row_number) AS k
      FROM (
    SELECT i.* FROM nexus_assets.work_notes_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_recognised AS r WHERE r.source_id = i.source_id)
) AS i
    ) AS m JOIN (
      SELECT t.id AS nexus_id,
          hash_record_extended(ROW(t.patient_id, nexus_assets.read_text(t.content), t.created_at, nexus_assets.read_text(t.note_type)), 0) AS content,
             row_number() OVER (PARTITION BY hash_record_extended(ROW(t.patient_id, nexus_assets.read_text(t.content), t.created_at, nexus_assets.read_text(t.note_type)), 0) ORDER BY t.created_at, t.id) AS k
      FROM (
    SELECT t.* FROM public.notes AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_notes AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_recognised AS r WHERE r.nexus_id = t.id)
) AS t WHERE TRUE
    ) AS o USING (content, k);

SET LOCAL enable_nestloop TO DEFAULT;

ANALYZE nexus_assets.work_notes_recognised;

SELECT EXISTS (
    SELECT i.* FROM nexus_assets.work_notes_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_recognised AS r WHERE r.source_id = i.source_id)
) AND EXISTS (
    SELECT t.* FROM public.notes AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_notes AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_recognised AS r WHERE r.nexus_id = t.id)
);

SET LOCAL enable_nestloop = off;

INSERT INTO nexus_assets.work_notes_recognised
    SELECT m.source_id, o.nexus_id FROM (
      SELECT i.source_id,
          hash_record_extended(ROW(i.new_patient_id, nexus_assets.read_text(i.new_content), nexus_assets.read_text(i.new_created_by)), 0) AS content,
          row_number() OVER (PARTITION BY hash_record_extended(ROW(i.new_patient_id, nexus_assets.read_text(i.new_content), nexus_assets.read_text(i.new_created_by)), 0) ORDER BY i.row_number) AS k
      FROM (
    SELECT i.* FROM nexus_assets.work_notes_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_recognised AS r WHERE r.source_id = i.source_id)
) AS i
    ) AS m JOIN (
      SELECT t.id AS nexus_id,
          hash_record_extended(ROW(t.patient_id, nexus_assets.read_text(t.content), nexus_assets.read_text(t.created_by)), 0) AS content,
             row_number() OVER (PARTITION BY hash_record_extended(ROW(t.patient_id, nexus_assets.read_text(t.content), nexus_assets.read_text(t.created_by)), 0) ORDER BY t.created_at, t.id) AS k
      FROM (
    SELECT t.* FROM public.notes AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_notes AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_recognised AS r WHERE r.nexus_id = t.id)
) AS t WHERE TRUE
    ) AS o USING (content, k);

SET LOCAL enable_nestloop TO DEFAULT;

ANALYZE nexus_assets.work_notes_recognised;

SELECT EXISTS (
    SELECT i.* FROM nexus_assets.work_notes_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_recognised AS r WHERE r.source_id = i.source_id)
) AND EXISTS (
    SELECT t.* FROM public.notes AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_notes AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_recognised AS r WHERE r.nexus_id = t.id)
);

SET LOCAL enable_nestloop = off;

INSERT INTO nexus_assets.work_notes_recognised
    SELECT m.source_id, o.nexus_id FROM (
      SELECT i.source_id,
          hash_record_extended(ROW(i.new_patient_id, nexus_assets.read_text(i.new_content)), 0) AS content,
          row_number() OVER (PARTITION BY hash_record_extended(ROW(i.new_patient_id, nexus_assets.read_text(i.new_content)), 0) ORDER BY i.row_number) AS k
      FROM (
    SELECT i.* FROM nexus_assets.work_notes_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_recognised AS r WHERE r.source_id = i.source_id)
) AS i
    ) AS m JOIN (
      SELECT t.id AS nexus_id, hash_record_extended(ROW(t.patient_id, nexus_assets.read_text(t.content)), 0) AS content,
             row_number() OVER (PARTITION BY hash_record_extended(ROW(t.patient_id, nexus_assets.read_text(t.content)), 0) ORDER BY t.created_at, t.id) AS k
      FROM (
    SELECT t.* FROM public.notes AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_notes AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_recognised AS r WHERE r.nexus_id = t.id)
) AS t WHERE TRUE
    AND (nexus_assets.read_text(t.created_by)::character varying(100) IS NULL OR t.created_by::text ILIKE ANY (ARRAY['%import%']))
    ) AS o USING (content, k);

SET LOCAL enable_nestloop TO DEFAULT;

-- 2 times:
ANALYZE nexus_assets.work_notes_recognised;

CREATE UNLOGGED TABLE nexus_assets.work_notes_decided AS
    SELECT i.row_number, i.source_id, i.known_id,
           CASE WHEN i.is_live THEN i.known_id
                ELSE coalesce(r.nexus_id, i.known_id,
    CASE
        WHEN EXISTS (SELECT FROM nexus_assets.identity_notes AS k WHERE k.nexus_id = nexus_assets.minted_id('notes', i.source_id::text))
         THEN (SELECT other.id FROM generate_series(1, 99) AS n,
                 LATERAL (SELECT nexus_assets.minted_id('notes', concat_ws('/', i.source_id, n)) AS id) AS other
               WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_notes AS k WHERE k.nexus_id = other.id)
                 AND NOT EXISTS (SELECT FROM public.notes AS t WHERE t.id = other.id) ORDER BY n LIMIT 1)
         ELSE nexus_assets.minted_id('notes', i.source_id::text) END
) END AS nexus_id,
           CASE WHEN i.is_live AND l.last_load IS NOT NULL THEN 'compare'
                WHEN i.is_live OR r.nexus_id IS NOT NULL THEN 'adopt'
                WHEN i.known_id IS NOT NULL THEN 'restore' ELSE 'insert' END AS action
    FROM nexus_assets.work_notes_incoming AS i
        LEFT JOIN nexus_assets.work_notes_recognised AS r ON r.source_id = i.source_id
    LEFT JOIN nexus_assets.identity_notes AS l ON l.source_id = i.source_id
    WHERE i.reason IS NULL;

ANALYZE nexus_assets.work_notes_decided;

SELECT (SELECT count(*) FROM nexus_assets.identity_notes AS l WHERE (l.last_load IS NOT NULL AND l.vanished_load IS NULL)),
    count(*) FROM nexus_assets.work_notes_seen WHERE is_current;

SELECT reason, count(*), count(*) FILTER (WHERE new_patient_id IS NULL), count(*) FILTER (WHERE new_content IS NULL),
    count(*) FILTER (WHERE new_note_type IS NULL) FROM nexus_assets.work_notes_incoming GROUP BY 1 ORDER BY 2 DESC, 1;

SELECT reason, count(*) FROM nexus_assets.work_notes_standing GROUP BY 1;

SELECT EXISTS (SELECT FROM nexus_assets.work_notes_decided WHERE action = 'insert') AND EXISTS (
    SELECT t.* FROM public.notes AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_notes AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_recognised AS r WHERE r.nexus_id = t.id)
);

SELECT count(*) FROM nexus_assets.work_notes_decided AS d JOIN nexus_assets.work_notes_incoming AS i USING (row_number)
        WHERE d.action = 'insert'
            AND hash_record_extended(ROW(i.new_patient_id, nexus_assets.read_text(i.new_content)), 0) IN (SELECT hash_record_extended(ROW(t.patient_id, nexus_assets.read_text(t.content)), 0) FROM (
    SELECT t.* FROM public.notes AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_notes AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_recognised AS r WHERE r.nexus_id = t.id)
) AS t);

CREATE UNLOGGED TABLE nexus_assets.work_notes_followed AS
SELECT source_id, known_id AS old_id, nexus_id AS new_id FROM nexus_assets.work_notes_decided
WHERE action = 'adopt' AND known_id <> nexus_id;

CREATE UNLOGGED TABLE nexus_assets.work_notes_changes AS
    SELECT row_number, source_id, nexus_id, action, writes_patient_id IS TRUE AS write_patient_id,
        writes_patient_id IS FALSE AS keep_patient_id, writes_content IS TRUE AS write_content,
        writes_content IS FALSE AS keep_content, writes_note_type IS TRUE AS write_note_type,
        writes_note_type IS FALSE AS keep_note_type, writes_created_at IS TRUE AS write_created_at,
        writes_created_at IS FALSE AS keep_created_at, writes_created_by IS TRUE AS write_created_by,
        writes_created_by IS FALSE AS keep_created_by
    FROM (
      SELECT d.row_number, d.source_id, d.nexus_id, d.action, CASE
          WHEN (
            t.patient_id IS DISTINCT FROM i.new_patient_id AND i.new_patient_id IS NOT NULL) THEN (
              (row_0.id IS NULL AND (t.patient_id IS NOT NULL OR (d.action = 'adopt' AND l.base_patient_id IS NULL)))
                  OR (coalesce(l.base_patient_id = hash_record_extended(ROW(t.patient_id), 0), FALSE) OR EXISTS (
SELECT FROM nexus_assets.superseded AS s
WHERE s.entity = 'patients' AND s.current_id = t.patient_id AND hash_record_extended(ROW(s.nexus_id), 0) = l.base_patient_id))) END AS writes_patient_id,
    CASE
    WHEN (t.content IS DISTINCT FROM i.new_content AND nexus_assets.read_text(t.content)::text IS DISTINCT FROM nexus_assets.read_text(i.new_content)::text AND ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.content)::text IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_content = hash_record_extended(ROW(t.content), 0), FALSE) OR coalesce(l.base_content = hash_record_extended(ROW(nexus_assets.read_text(t.content)::text), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_content, '') = coalesce(nexus_assets.read_text(NULL::text), ''))))) THEN ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.content)::text IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_content = hash_record_extended(ROW(t.content), 0), FALSE) OR coalesce(l.base_content = hash_record_extended(ROW(nexus_assets.read_text(t.content)::text), 0), FALSE))) END AS writes_content,
    CASE
    WHEN (t.note_type IS DISTINCT FROM i.new_note_type AND nexus_assets.read_text(t.note_type)::character varying(50) IS DISTINCT FROM nexus_assets.read_text(i.new_note_type)::character varying(50) AND ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.note_type)::character varying(50) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_note_type = hash_record_extended(ROW(t.note_type), 0), FALSE) OR coalesce(l.base_note_type = hash_record_extended(ROW(nexus_assets.read_text(t.note_type)::character varying(50)), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_note_type, '') = coalesce((SELECT CASE WHEN said ~ 'clinical' THEN 'clinical_notes' WHEN said ~ 'clinic|date' THEN 'clinic_dates' WHEN said ~ 'order' THEN 'order_notes' WHEN said ~ 'admin' THEN 'admin_notes' WHEN said ~ 'referral' THEN 'referral' WHEN said ~ '3d|scan' THEN '3d_scan_data' WHEN said ~ 'workshop' THEN 'workshop_note' ELSE 'other' END FROM (SELECT btrim(regexp_replace(nexus_assets.comparable(NULL::text), '[-_.,:;/\\&+() ]+', ' ', 'g')) OFFSET 0) AS ready(said)), ''))))) THEN ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.note_type)::character varying(50) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_note_type = hash_record_extended(ROW(t.note_type), 0), FALSE) OR coalesce(l.base_note_type = hash_record_extended(ROW(nexus_assets.read_text(t.note_type)::character varying(50)), 0), FALSE))) END AS writes_note_type,
    CASE
    WHEN ((t.created_at IS DISTINCT FROM i.new_created_at AND ((d.action = 'adopt' AND coalesce(t.created_at IS NULL OR FALSE, FALSE)) OR coalesce(l.base_created_at = hash_record_extended(ROW(t.created_at), 0), FALSE) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND i.new_created_at IS NULL)))) AND (i.new_created_at IS NOT NULL)) THEN ((d.action = 'adopt' AND coalesce(t.created_at IS NULL OR FALSE, FALSE)) OR coalesce(l.base_created_at = hash_record_extended(ROW(t.created_at), 0), FALSE)) END AS writes_created_at,
    CASE
    WHEN (t.created_by IS DISTINCT FROM i.new_created_by AND nexus_assets.read_text(t.created_by)::character varying(100) IS DISTINCT FROM nexus_assets.read_text(i.new_created_by)::character varying(100) AND ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.created_by)::character varying(100) IS NULL OR FALSE OR t.created_by::text ILIKE ANY (ARRAY['%import%']), FALSE)) OR (coalesce(l.base_created_by = hash_record_extended(ROW(t.created_by), 0), FALSE) OR coalesce(l.base_created_by = hash_record_extended(ROW(nexus_assets.read_text(t.created_by)::character varying(100)), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_created_by, '') = coalesce(coalesce(nexus_assets.read_text(NULL::text), 'FileMaker Import'::text), ''))))) THEN ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.created_by)::character varying(100) IS NULL OR FALSE OR t.created_by::text ILIKE ANY (ARRAY['%import%']), FALSE)) OR (coalesce(l.base_created_by = hash_record_extended(ROW(t.created_by), 0), FALSE) OR coalesce(l.base_created_by = hash_record_extended(ROW(nexus_assets.read_text(t.created_by)::character varying(100)), 0), FALSE))) END AS writes_created_by
      FROM nexus_assets.work_notes_decided AS d
      JOIN nexus_assets.work_notes_incoming AS i USING (row_number)
      JOIN public.notes AS t ON t.id = d.nexus_id
      LEFT JOIN nexus_assets.identity_notes AS l ON l.source_id = d.source_id
      LEFT JOIN public.patients AS row_0 ON row_0.id = t.patient_id
      WHERE d.action IN ('compare', 'adopt') OFFSET '0'
    ) AS compared;

SELECT bool_or(keep_patient_id), bool_or(keep_content), bool_or(keep_note_type), bool_or(keep_created_at),
    bool_or(keep_created_by) FROM nexus_assets.work_notes_changes;

CREATE UNLOGGED TABLE nexus_assets.work_notes_kept AS SELECT NULL::uuid AS source_id, NULL::uuid AS nexus_id,
    NULL::text AS column_name, NULL::text AS cause, NULL::text AS filemaker_value, NULL::text AS nexus_value WHERE FALSE
    UNION ALL
    SELECT c.source_id, c.nexus_id, 'content'::text AS column_name,
           CASE
               WHEN (c.keep_content AND (coalesce(l.base_content = hash_record_extended(ROW(t.content), 0), FALSE) OR coalesce(l.base_content = hash_record_extended(ROW(nexus_assets.read_text(t.content)::text), 0), FALSE))) THEN 'refused'
               WHEN l.base_content IS NULL THEN 'adopted' ELSE 'edited' END AS cause,
           i.new_content::text AS filemaker_value, t.content::text AS nexus_value
    FROM nexus_assets.work_notes_changes AS c JOIN nexus_assets.work_notes_incoming AS i USING (row_number)
        JOIN public.notes AS t ON t.id = c.nexus_id
    LEFT JOIN nexus_assets.identity_notes AS l ON l.source_id = c.source_id
    WHERE c.keep_content
;
    UPDATE nexus_assets.conflict AS c SET resolved_load = <load>
    WHERE c.entity = 'notes' AND c.resolved_load IS NULL
      AND (EXISTS (SELECT FROM nexus_assets.work_notes_decided AS d WHERE d.source_id = c.source_id)
           OR c.cause = 'deleted' AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_seen AS s WHERE s.source_id = c.source_id))
      AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_kept AS k WHERE (k.source_id, k.column_name) = (c.source_id, c.column_name));
    WITH written AS (
    INSERT INTO nexus_assets.conflict AS c
      (entity, source_id, nexus_id, column_name, cause, filemaker_value, nexus_value, first_load)
    SELECT 'notes', source_id, nexus_id, column_name, cause, filemaker_value, nexus_value, <load>
        FROM nexus_assets.work_notes_kept
    ON CONFLICT (entity, source_id, column_name) WHERE resolved_load IS NULL DO UPDATE
      SET cause = CASE WHEN 'refused' IN (c.cause, excluded.cause) THEN excluded.cause ELSE c.cause END,
          nexus_id = excluded.nexus_id, filemaker_value = excluded.filemaker_value, nexus_value = excluded.nexus_value,
          decision = CASE WHEN (c.filemaker_value, c.nexus_value)
            IS NOT DISTINCT FROM (excluded.filemaker_value, excluded.nexus_value) THEN c.decision END
      WHERE (c.nexus_id, c.filemaker_value, c.nexus_value, c.cause = 'refused')
        IS DISTINCT FROM (excluded.nexus_id, excluded.filemaker_value, excluded.nexus_value, excluded.cause = 'refused')
 RETURNING c.entity, c.source_id, c.column_name, to_jsonb(c) AS content, c.xmax::text <> '0' AS met)
    INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['nexus_assets','conflict'], concat_ws(' ', w.entity::text, w.source_id::text, w.column_name::text), CASE
        WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
        CASE WHEN was.content IS NULL THEN w.content
        ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
    FROM written AS w
      JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.conflict AS o WHERE w.met AND o.entity = w.entity AND o.source_id = w.source_id AND o.column_name = w.column_name AND o.resolved_load IS NULL OFFSET 0) AS was ON TRUE;

SELECT count(*), count(c.source_id) FROM nexus_assets.work_notes_seen AS s
LEFT JOIN (SELECT DISTINCT source_id FROM nexus_assets.conflict
           WHERE entity = 'notes' AND resolved_load IS NULL) AS c USING (source_id)
WHERE s.settled;

SELECT count(*) FILTER (WHERE (c.write_patient_id OR c.write_content OR c.write_note_type OR c.write_created_at OR c.write_created_by)),
    count(*) FILTER (WHERE NOT (c.write_patient_id OR c.write_content OR c.write_note_type OR c.write_created_at OR c.write_created_by) AND (c.keep_patient_id OR c.keep_content OR c.keep_note_type OR c.keep_created_at OR c.keep_created_by)),
       count(*) FILTER (WHERE NOT (c.write_patient_id OR c.write_content OR c.write_note_type OR c.write_created_at OR c.write_created_by) AND NOT (c.keep_patient_id OR c.keep_content OR c.keep_note_type OR c.keep_created_at OR c.keep_created_by)),
           count(*) FILTER (WHERE c.action = 'adopt'),
       count(*) FILTER (WHERE FALSE OR c.write_patient_id)
FROM nexus_assets.work_notes_changes AS c;

SELECT count(*) FILTER (WHERE action <> 'deleted'), count(*) FILTER (WHERE action = 'restore'),
    count(*) FILTER (WHERE action = 'deleted') FROM nexus_assets.work_notes_decided
    WHERE action IN ('insert', 'restore', 'deleted');

WITH written AS (
   UPDATE public.notes AS t SET patient_id = CASE WHEN c.write_patient_id THEN i.new_patient_id::uuid
       ELSE t.patient_id END, content = CASE WHEN c.write_content THEN i.new_content::text ELSE t.content END,
       note_type = CASE WHEN c.write_note_type THEN i.new_note_type::character varying(50) ELSE t.note_type END,
       created_at = CASE WHEN c.write_created_at THEN coalesce(i.new_created_at::timestamp with time zone, now())
       ELSE t.created_at END, created_by = CASE WHEN c.write_created_by THEN i.new_created_by::character varying(100)
       ELSE t.created_by END, updated_at = now()
   FROM nexus_assets.work_notes_changes AS c JOIN nexus_assets.work_notes_incoming AS i USING (row_number)
   WHERE t.id = c.nexus_id
       AND (c.write_patient_id OR c.write_content OR c.write_note_type OR c.write_created_at OR c.write_created_by)
RETURNING t.id, (SELECT to_jsonb(v) FROM (SELECT t.patient_id, t.content, t.note_type, t.created_at, t.created_by, t.updated_at) AS v) AS content)
       INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
       SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
           ARRAY['public','notes'], concat_ws(' ', w.id::text), CASE
           WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
           CASE WHEN was.content IS NULL THEN w.content
           ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
       FROM written AS w
         LEFT JOIN LATERAL (SELECT (SELECT to_jsonb(v) FROM (SELECT o.patient_id, o.content, o.note_type, o.created_at, o.created_by, o.updated_at) AS v) AS content FROM public.notes AS o WHERE o.id = w.id AND TRUE OFFSET 0) AS was ON TRUE;

INSERT INTO public.notes (id, patient_id, content, note_type, created_at, created_by, updated_at)
SELECT d.nexus_id, i.new_patient_id::uuid, i.new_content::text, i.new_note_type::character varying(50),
    coalesce(i.new_created_at::timestamp with time zone, now()), i.new_created_by::character varying(100), now()
    FROM nexus_assets.work_notes_decided AS d JOIN nexus_assets.work_notes_incoming AS i USING (row_number)
WHERE d.action IN ('insert', 'restore') ORDER BY i.new_patient_id, i.new_created_at, d.row_number;

WITH written AS (
   INSERT INTO nexus_assets.identity_notes AS l
     (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_patient_id, base_content, base_note_type, base_created_at, base_created_by)
   SELECT i.source_id, c.nexus_id, i.row_hash,
       hash_record_extended(ROW(t.patient_id, t.content, t.note_type, t.created_at, t.created_by), 0), i.row_number,
       nullif(i.notices, ARRAY[]::text[]), 'adopted', <load>, <load>,
       CASE WHEN i.new_patient_id IS NOT NULL
           OR c.write_patient_id THEN hash_record_extended(ROW(i.new_patient_id::uuid), 0)
            WHEN l.base_patient_id IS NULL AND t.patient_id IS NOT DISTINCT
                FROM i.new_patient_id::uuid THEN hash_record_extended(ROW(i.new_patient_id::uuid), 0)
                ELSE l.base_patient_id END
   , CASE
       WHEN (c.keep_content AND (coalesce(l.base_content = hash_record_extended(ROW(t.content), 0), FALSE) OR coalesce(l.base_content = hash_record_extended(ROW(nexus_assets.read_text(t.content)::text), 0), FALSE))) THEN l.base_content
       ELSE hash_record_extended(ROW(i.new_content::text), 0) END,
       hash_record_extended(ROW(i.new_note_type::character varying(50)), 0),
       CASE WHEN i.new_created_at IS NOT NULL
           OR c.write_created_at THEN hash_record_extended(ROW(coalesce(i.new_created_at::timestamp with time zone, now())), 0)
            WHEN l.base_created_at IS NULL AND t.created_at IS NOT DISTINCT
                FROM coalesce(i.new_created_at::timestamp with time zone, now()) THEN hash_record_extended(ROW(coalesce(i.new_created_at::timestamp with time zone, now())), 0)
                ELSE l.base_created_at END
   , hash_record_extended(ROW(i.new_created_by::character varying(100)), 0)
   FROM nexus_assets.work_notes_changes AS c JOIN nexus_assets.work_notes_incoming AS i USING (row_number)
       JOIN public.notes AS t ON t.id = c.nexus_id
   LEFT JOIN nexus_assets.identity_notes AS l ON l.source_id = c.source_id
   ORDER BY i.source_id
   ON CONFLICT (source_id) DO UPDATE SET nexus_id = excluded.nexus_id, row_hash = excluded.row_hash,
       target_hash = excluded.target_hash, row_number = excluded.row_number, notices = excluded.notices,
       last_load = excluded.last_load, base_patient_id = excluded.base_patient_id, base_content = excluded.base_content,
       base_note_type = excluded.base_note_type, base_created_at = excluded.base_created_at,
       base_created_by = excluded.base_created_by, first_load = coalesce(l.first_load, excluded.first_load)
   WHERE l.last_load IS NULL
       OR (l.nexus_id, l.row_hash, l.target_hash, l.notices, l.base_patient_id, l.base_content, l.base_note_type, l.base_created_at, l.base_created_by) IS DISTINCT
       FROM (excluded.nexus_id, excluded.row_hash, excluded.target_hash, excluded.notices, excluded.base_patient_id, excluded.base_content, excluded.base_note_type, excluded.base_created_at, excluded.base_created_by)
RETURNING l.source_id, to_jsonb(l) AS content, l.xmax::text <> '0' AS met)
       INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
       SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
           ARRAY['nexus_assets','identity_notes'], concat_ws(' ', w.source_id::text), CASE
           WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
           CASE WHEN was.content IS NULL THEN w.content
           ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
       FROM written AS w
         LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_notes AS o WHERE w.met AND o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

CREATE UNLOGGED TABLE nexus_assets.work_notes_entries AS
SELECT d.action, i.source_id, d.nexus_id, i.row_hash,
    hash_record_extended(ROW(i.new_patient_id::uuid, i.new_content::text, i.new_note_type::character varying(50), coalesce(i.new_created_at::timestamp with time zone, now()), i.new_created_by::character varying(100)), 0) AS target_hash,
    i.row_number,
       nullif(i.notices, ARRAY[]::text[]) AS notices, 'made' AS origin, <load> AS first_load, <load> AS last_load,
           hash_record_extended(ROW(i.new_patient_id::uuid), 0) AS base_patient_id,
           hash_record_extended(ROW(i.new_content::text), 0) AS base_content,
           hash_record_extended(ROW(i.new_note_type::character varying(50)), 0) AS base_note_type,
           hash_record_extended(ROW(coalesce(i.new_created_at::timestamp with time zone, now())), 0) AS base_created_at,
           hash_record_extended(ROW(i.new_created_by::character varying(100)), 0) AS base_created_by
FROM nexus_assets.work_notes_decided AS d JOIN nexus_assets.work_notes_incoming AS i USING (row_number)
WHERE d.action IN ('insert', 'restore');

INSERT INTO nexus_assets.identity_notes AS l (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_patient_id, base_content, base_note_type, base_created_at, base_created_by) SELECT source_id,
    nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_patient_id, base_content,
    base_note_type, base_created_at, base_created_by FROM nexus_assets.work_notes_entries WHERE action = 'insert'
    ORDER BY source_id;

INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['public','notes'], nexus_id::text, NULL, NULL FROM nexus_assets.work_notes_entries
        WHERE action = 'restore'
;WITH written AS (
    INSERT INTO nexus_assets.identity_notes AS l (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_patient_id, base_content, base_note_type, base_created_at, base_created_by) SELECT source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_patient_id, base_content, base_note_type, base_created_at, base_created_by FROM nexus_assets.work_notes_entries WHERE action = 'restore' ORDER BY source_id ON CONFLICT (source_id) DO UPDATE SET nexus_id = excluded.nexus_id, row_hash = excluded.row_hash, target_hash = excluded.target_hash, row_number = excluded.row_number, notices = excluded.notices, last_load = excluded.last_load, base_patient_id = excluded.base_patient_id, base_content = excluded.base_content, base_note_type = excluded.base_note_type, base_created_at = excluded.base_created_at, base_created_by = excluded.base_created_by, first_load = coalesce(l.first_load, excluded.first_load) RETURNING l.source_id, to_jsonb(l) AS content, l.xmax::text <> '0' AS met)
    INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['nexus_assets','identity_notes'], concat_ws(' ', w.source_id::text), CASE
        WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
        CASE WHEN was.content IS NULL THEN w.content
        ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
    FROM written AS w
      LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_notes AS o WHERE w.met AND o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

SELECT EXISTS (SELECT FROM nexus_assets.superseded WHERE entity = %s);

SELECT EXISTS (SELECT FROM nexus_assets.work_notes_incoming WHERE reason IS NOT NULL)
    OR EXISTS (SELECT FROM nexus_assets.reject WHERE entity = 'notes' AND resolved_load IS NULL);

CREATE UNLOGGED TABLE nexus_assets.work_notes_rejected AS
    SELECT row_number, source_id, row_hash, reason, reason_column AS column_name,
           row_number() OVER (PARTITION BY row_hash, reason, reason_column ORDER BY row_number) AS k
    FROM nexus_assets.work_notes_incoming WHERE reason IS NOT NULL;
    CREATE UNLOGGED TABLE nexus_assets.work_notes_known_rejects AS
    SELECT id, row_hash, reason, column_name, row_number,
           row_number() OVER (PARTITION BY row_hash, reason, column_name ORDER BY id) AS k
    FROM nexus_assets.reject AS r WHERE entity = 'notes' AND resolved_load IS NULL
      AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_standing AS s WHERE s.id = r.id);
    UPDATE nexus_assets.reject AS r SET resolved_load = <load> FROM nexus_assets.work_notes_known_rejects AS n
    WHERE r.id = n.id
        AND NOT EXISTS (SELECT FROM nexus_assets.work_notes_rejected AS x WHERE (x.row_hash, x.reason, x.k) = (n.row_hash, n.reason, n.k) AND x.column_name IS NOT DISTINCT FROM n.column_name);
    WITH written AS (
    UPDATE nexus_assets.reject AS r SET row_number = now.row_number FROM (
      SELECT n.id, x.row_number FROM nexus_assets.work_notes_known_rejects AS n
          JOIN nexus_assets.work_notes_rejected AS x ON (x.row_hash, x.reason, x.k) = (n.row_hash, n.reason, n.k)
          AND x.column_name IS NOT DISTINCT FROM n.column_name WHERE n.row_number <> x.row_number
      UNION ALL
      SELECT id, row_number FROM nexus_assets.work_notes_standing WHERE row_before <> row_number
    ) AS now WHERE r.id = now.id
 RETURNING r.id, (SELECT to_jsonb(v) FROM (SELECT r.row_number) AS v) AS content)
    INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['nexus_assets','reject'], concat_ws(' ', w.id::text), CASE
        WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
        CASE WHEN was.content IS NULL THEN w.content
        ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
    FROM written AS w
      LEFT JOIN LATERAL (SELECT (SELECT to_jsonb(v) FROM (SELECT o.row_number) AS v) AS content FROM nexus_assets.reject AS o WHERE o.id = w.id AND TRUE OFFSET 0) AS was ON TRUE
;
INSERT INTO nexus_assets.reject (entity, row_number, source_id, reason, column_name, row_hash, payload, first_load)
SELECT 'notes', x.row_number, nexus_assets.read_text(s.c2), x.reason, x.column_name, x.row_hash,
       jsonb_strip_nulls(jsonb_build_object('id', s.c2, 'Note', s.c4, 'Note Type', s.c5, 'Date', s.c1, 'creationAccountName', s.c0, 'id_Key', s.c3)),
           <load>
FROM (SELECT * FROM nexus_assets.work_notes_rejected AS x WHERE NOT EXISTS (SELECT FROM nexus_assets.work_notes_known_rejects AS n WHERE (x.row_hash, x.reason, x.k) = (n.row_hash, n.reason, n.k) AND x.column_name IS NOT DISTINCT FROM n.column_name)) AS x
    JOIN nexus_assets.work_notes_export AS s USING (row_number) ORDER BY x.row_number;

SET LOCAL enable_nestloop = off;

WITH written AS (
UPDATE nexus_assets.identity_notes AS l SET vanished_load = NULL WHERE vanished_load IS NOT NULL AND EXISTS (SELECT FROM nexus_assets.work_notes_seen AS s WHERE s.source_id = l.source_id) RETURNING l.source_id, to_jsonb(l) AS content)
INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
    ARRAY['nexus_assets','identity_notes'], concat_ws(' ', w.source_id::text), CASE
    WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
    CASE WHEN was.content IS NULL THEN w.content
    ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
FROM written AS w
  LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_notes AS o WHERE o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

SET LOCAL enable_nestloop TO DEFAULT;

SELECT notices, count(*), min(row_number) FROM (
  SELECT notices, row_number FROM nexus_assets.work_notes_seen WHERE notices IS NOT NULL AND settled
  UNION ALL
  SELECT l.notices, i.row_number FROM nexus_assets.work_notes_incoming AS i
      JOIN nexus_assets.identity_notes AS l USING (source_id)
  WHERE l.notices IS NOT NULL AND i.reason IS NULL
) AS told GROUP BY 1;

INSERT INTO nexus_assets.load (id, entity, run_id, started_at, finished_at, mapping_version, sources, date_orders, source_rows, outcomes, rejected, notices, healed, adoption, parents, undoable) OVERRIDING SYSTEM VALUE
    VALUES (%s, %s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

WITH forgotten AS (
          UPDATE nexus_assets.load AS l SET undoable = FALSE
          WHERE l.entity = 'notes' AND l.undoable AND (false OR l.id < (
    SELECT x.id FROM nexus_assets.load AS x WHERE x.entity = 'notes' AND x.undoable
      AND (x.outcomes ->> 'inserted' <> '0' OR EXISTS (SELECT FROM nexus_assets.before_value AS b WHERE b.load_id = x.id))
    ORDER BY x.id DESC OFFSET 9 LIMIT 1
)) RETURNING l.id
        )
        DELETE FROM nexus_assets.before_value AS b USING forgotten AS f WHERE b.load_id = f.id;

DELETE FROM nexus_assets.reject AS x
    WHERE (SELECT max(id) FROM nexus_assets.load WHERE entity = 'notes' AND finished_at < now() - make_interval(days => 365)) IS NOT NULL
    AND entity = 'notes'
    AND resolved_load <= (SELECT max(id) FROM nexus_assets.load WHERE entity = 'notes' AND finished_at < now() - make_interval(days => 365))
    AND NOT EXISTS (SELECT FROM nexus_assets.load AS u WHERE u.id = x.resolved_load AND u.undoable); DELETE
    FROM nexus_assets.conflict AS x
    WHERE (SELECT max(id) FROM nexus_assets.load WHERE entity = 'notes' AND finished_at < now() - make_interval(days => 365)) IS NOT NULL
    AND entity = 'notes'
    AND resolved_load <= (SELECT max(id) FROM nexus_assets.load WHERE entity = 'notes' AND finished_at < now() - make_interval(days => 365))
    AND NOT EXISTS (SELECT FROM nexus_assets.load AS u WHERE u.id = x.resolved_load AND u.undoable); DELETE
    FROM nexus_assets.correction AS x WHERE entity = 'notes' AND idle_since < now() - make_interval(days => 365); DELETE
    FROM nexus_assets.undone AS x WHERE entity = 'notes' AND undone_at < now() - make_interval(days => 365); DELETE
    FROM nexus_assets.load AS x WHERE entity = 'notes' AND finished_at < now() - make_interval(days => 365)
    AND id NOT IN (SELECT id FROM nexus_assets.load WHERE entity = 'notes' ORDER BY id DESC LIMIT 2)
    AND NOT (undoable AND (outcomes ->> 'inserted' <> '0' OR EXISTS (SELECT FROM nexus_assets.before_value AS b WHERE b.load_id = x.id)))
    AND NOT EXISTS (SELECT FROM nexus_assets.reject AS r WHERE r.entity = 'notes' AND r.first_load = x.id AND r.resolved_load IS NULL);

SELECT relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'nexus_assets'
    AND c.relkind = 'r' AND starts_with(relname, %s) ORDER BY c.oid;

DROP TABLE nexus_assets.work_notes_export, nexus_assets.work_notes_seen, nexus_assets.work_notes_repeated,
    nexus_assets.work_notes_standing, nexus_assets.work_notes_pending, nexus_assets.work_notes_dates,
    nexus_assets.work_notes_texts, nexus_assets.work_notes_incoming, nexus_assets.work_notes_recognised,
    nexus_assets.work_notes_decided, nexus_assets.work_notes_followed, nexus_assets.work_notes_changes,
    nexus_assets.work_notes_kept, nexus_assets.work_notes_entries, nexus_assets.work_notes_rejected,
    nexus_assets.work_notes_known_rejects;

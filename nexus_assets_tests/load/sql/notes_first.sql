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

SELECT nextval(pg_get_serial_sequence('nexus_assets.load', 'id')), (SELECT coalesce(max(id), 0) FROM nexus_assets.load);

CREATE UNLOGGED TABLE nexus_assets.work_notes_export (row_number bigint GENERATED ALWAYS AS IDENTITY, c0 text, c1 text, c2 text, c3 text, c4 text, c5 text);

COPY nexus_assets.work_notes_export (c0, c1, c2, c3, c4, c5)
    FROM STDIN WITH (FORMAT csv, ENCODING 'UTF8', delimiter ',', quote '"');

SELECT count(*), extract(epoch FROM max(corrected_at))::text FROM nexus_assets.correction WHERE export = 'Notes';

ANALYZE nexus_assets.work_notes_export;

WITH found AS (
  SELECT heading, code, count(*) AS cells, min(row_number) AS first
  FROM nexus_assets.work_notes_export AS s,
      LATERAL (VALUES ('id', s.c2), ('Note', s.c4), ('Note Type', s.c5), ('Date', s.c1), ('creationAccountName', s.c0), ('id_Key', s.c3)) AS cell(heading, text),
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
  WHERE (concat_ws(E'\x1F', '', CASE WHEN octet_length(s.c2) <= 35 THEN s.c2 END, CASE WHEN octet_length(s.c4) <= 35 THEN s.c4 END, CASE WHEN octet_length(s.c5) <= 35 THEN s.c5 END, CASE WHEN octet_length(s.c1) <= 35 THEN s.c1 END, CASE WHEN octet_length(s.c0) <= 35 THEN s.c0 END, CASE WHEN octet_length(s.c3) <= 35 THEN s.c3 END, '')
           ~ '[<#&?=''\\\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]|_x00|[0-9]([eE][-+]|[.]0)|[0-9]{16}|\x1F[(]?(NULL|null|NaN|nan)[)]?\x1F'
         OR (octet_length(s.c2) > 35 AND (
      strpos(s.c2, '&') > 0 OR strpos(s.c2, '_x00') > 0
      OR octet_length(s.c2) <= 60 AND (strpos(s.c2, '<') > 0 OR strpos(s.c2, '#') > 0)
      OR s.c2 LIKE '="%' OR octet_length(s.c2) >= 32767
      OR octet_length(s.c2) <> length(s.c2) AND s.c2 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c4) > 35 AND (
      strpos(s.c4, '&') > 0 OR strpos(s.c4, '_x00') > 0
      OR octet_length(s.c4) <= 60 AND (strpos(s.c4, '<') > 0 OR strpos(s.c4, '#') > 0)
      OR s.c4 LIKE '="%' OR octet_length(s.c4) >= 32767
      OR octet_length(s.c4) <> length(s.c4) AND s.c4 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c5) > 35 AND (
      strpos(s.c5, '&') > 0 OR strpos(s.c5, '_x00') > 0
      OR octet_length(s.c5) <= 60 AND (strpos(s.c5, '<') > 0 OR strpos(s.c5, '#') > 0)
      OR s.c5 LIKE '="%' OR octet_length(s.c5) >= 32767
      OR octet_length(s.c5) <> length(s.c5) AND s.c5 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c1) > 35 AND (
      strpos(s.c1, '&') > 0 OR strpos(s.c1, '_x00') > 0
      OR octet_length(s.c1) <= 60 AND (strpos(s.c1, '<') > 0 OR strpos(s.c1, '#') > 0)
      OR s.c1 LIKE '="%' OR octet_length(s.c1) >= 32767
      OR octet_length(s.c1) <> length(s.c1) AND s.c1 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c0) > 35 AND (
      strpos(s.c0, '&') > 0 OR strpos(s.c0, '_x00') > 0
      OR octet_length(s.c0) <= 60 AND (strpos(s.c0, '<') > 0 OR strpos(s.c0, '#') > 0)
      OR s.c0 LIKE '="%' OR octet_length(s.c0) >= 32767
      OR octet_length(s.c0) <> length(s.c0) AND s.c0 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c3) > 35 AND (
      strpos(s.c3, '&') > 0 OR strpos(s.c3, '_x00') > 0
      OR octet_length(s.c3) <= 60 AND (strpos(s.c3, '<') > 0 OR strpos(s.c3, '#') > 0)
      OR s.c3 LIKE '="%' OR octet_length(s.c3) >= 32767
      OR octet_length(s.c3) <> length(s.c3) AND s.c3 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]')))
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

SELECT CASE WHEN EXISTS (SELECT FROM public.notes) OR EXISTS (SELECT FROM nexus_assets.identity_notes) THEN FALSE
ELSE (SELECT count(id) = count(DISTINCT id) FROM (SELECT nexus_assets.read_uuid(x.c2) AS id FROM nexus_assets.work_notes_export AS x OFFSET '0') AS named) END;

DROP TABLE IF EXISTS nexus_assets.work_notes_dates; CREATE UNLOGGED TABLE nexus_assets.work_notes_dates AS SELECT NULL::text AS field,
    NULL::text AS raw, 0::bigint AS times WHERE false UNION ALL SELECT 'Date'::text AS field, raw, times
    FROM (SELECT s.f3 AS raw, count(*) AS times FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid(x.c2) AS source_id,
         hash_record_extended(ROW(x.c2, x.c4, x.c5, x.c1, x.c0, x.c3, NULL::text), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, x.c2 AS f0, x.c4 AS f1, x.c5 AS f2, x.c1 AS f3, x.c0 AS f4, x.c3 AS f5 FROM nexus_assets.work_notes_export AS x OFFSET '0')
AS s GROUP BY 1) AS different WHERE nexus_assets.read_text(raw) IS NOT NULL;

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
                 (SELECT s.f2 AS raw FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid(x.c2) AS source_id,
         hash_record_extended(ROW(x.c2, x.c4, x.c5, x.c1, x.c0, x.c3, NULL::text), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, x.c2 AS f0, x.c4 AS f1, x.c5 AS f2, x.c1 AS f3, x.c0 AS f4, x.c3 AS f5 FROM nexus_assets.work_notes_export AS x OFFSET '0')
AS s WHERE s.f2 IS NOT NULL GROUP BY 1)) AS different
           ; ANALYZE nexus_assets.work_notes_texts;

CREATE UNLOGGED TABLE nexus_assets.work_notes_incoming AS
   SELECT r.row_number, r.source_id, r.row_hash, r.known_id, r.is_live,
       (coalesce(r.why, CASE WHEN r.new_content IS NULL THEN ARRAY['empty_note', NULL] WHEN length(r.new_note_type) > 50 THEN ARRAY['too_long', 'note_type'] WHEN length(r.new_created_by) > 100 THEN ARRAY['too_long', 'created_by'] END))[1] AS reason,
       (coalesce(r.why, CASE WHEN r.new_content IS NULL THEN ARRAY['empty_note', NULL] WHEN length(r.new_note_type) > 50 THEN ARRAY['too_long', 'note_type'] WHEN length(r.new_created_by) > 100 THEN ARRAY['too_long', 'created_by'] END))[2] AS reason_column,
          r.described, r.notices, CASE
              WHEN coalesce(r.why, CASE WHEN r.new_content IS NULL THEN ARRAY['empty_note', NULL] WHEN length(r.new_note_type) > 50 THEN ARRAY['too_long', 'note_type'] WHEN length(r.new_created_by) > 100 THEN ARRAY['too_long', 'created_by'] END) IS NULL THEN nexus_assets.minted_id('notes', r.source_id::text) END AS nexus_id,
              r.new_patient_id, r.new_content, r.new_note_type, r.new_created_at, r.new_created_by
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
     FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid(x.c2) AS source_id,
         hash_record_extended(ROW(x.c2, x.c4, x.c5, x.c1, x.c0, x.c3, NULL::text), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, x.c2 AS f0, x.c4 AS f1, x.c5 AS f2, x.c1 AS f3, x.c0 AS f4, x.c3 AS f5 FROM nexus_assets.work_notes_export AS x OFFSET '0')
AS s
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

SELECT reason, count(*), count(*) FILTER (WHERE new_patient_id IS NULL), count(*) FILTER (WHERE new_content IS NULL),
    count(*) FILTER (WHERE new_note_type IS NULL) FROM nexus_assets.work_notes_incoming GROUP BY 1 ORDER BY 2 DESC, 1;

INSERT INTO public.notes (id, patient_id, content, note_type, created_at, created_by, updated_at)
SELECT d.nexus_id, i.new_patient_id::uuid, i.new_content::text, i.new_note_type::character varying(50),
    coalesce(i.new_created_at::timestamp with time zone, now()), i.new_created_by::character varying(100), now()
    FROM nexus_assets.work_notes_incoming AS i CROSS JOIN LATERAL
  (SELECT i.row_number, i.nexus_id, 'insert'::text AS action WHERE i.reason IS NULL) AS d
WHERE d.action IN ('insert', 'restore') ORDER BY i.new_patient_id, i.new_created_at, d.row_number;

DO $$ BEGIN
      LOCK TABLE nexus_assets.identity_notes IN ACCESS EXCLUSIVE MODE NOWAIT;
      ALTER TABLE nexus_assets.identity_notes DROP CONSTRAINT identity_notes_pkey,
          DROP CONSTRAINT identity_notes_nexus_id_key;
    EXCEPTION WHEN lock_not_available OR insufficient_privilege OR undefined_object THEN NULL;
    END $$;
    INSERT INTO nexus_assets.identity_notes (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_patient_id, base_content, base_note_type, base_created_at, base_created_by) SELECT source_id,
        nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_patient_id,
        base_content, base_note_type, base_created_at, base_created_by FROM (
    SELECT d.action, i.source_id, d.nexus_id, i.row_hash,
        hash_record_extended(ROW(i.new_patient_id::uuid, i.new_content::text, i.new_note_type::character varying(50), coalesce(i.new_created_at::timestamp with time zone, now()), i.new_created_by::character varying(100)), 0) AS target_hash,
        i.row_number,
           nullif(i.notices, ARRAY[]::text[]) AS notices, 'made' AS origin, <load> AS first_load, <load> AS last_load,
               hash_record_extended(ROW(i.new_patient_id::uuid), 0) AS base_patient_id,
               hash_record_extended(ROW(i.new_content::text), 0) AS base_content,
               hash_record_extended(ROW(i.new_note_type::character varying(50)), 0) AS base_note_type,
               hash_record_extended(ROW(coalesce(i.new_created_at::timestamp with time zone, now())), 0) AS base_created_at,
               hash_record_extended(ROW(i.new_created_by::character varying(100)), 0) AS base_created_by
    FROM nexus_assets.work_notes_incoming AS i CROSS JOIN LATERAL
      (SELECT i.row_number, i.nexus_id, 'insert'::text AS action WHERE i.reason IS NULL) AS d
    WHERE d.action IN ('insert', 'restore')
) AS e;
    DO $$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'nexus_assets.identity_notes'::regclass AND contype = 'p') THEN
        ALTER TABLE nexus_assets.identity_notes ADD CONSTRAINT identity_notes_pkey PRIMARY KEY (source_id),
            ADD CONSTRAINT identity_notes_nexus_id_key UNIQUE (nexus_id);
      END IF;
    END $$;

SELECT EXISTS (SELECT FROM nexus_assets.superseded WHERE entity = %s);

INSERT INTO nexus_assets.reject (entity, row_number, source_id, reason, column_name, row_hash, payload, first_load)
SELECT 'notes', x.row_number, nexus_assets.read_text(s.c2), x.reason, x.column_name, x.row_hash,
       jsonb_strip_nulls(jsonb_build_object('id', s.c2, 'Note', s.c4, 'Note Type', s.c5, 'Date', s.c1, 'creationAccountName', s.c0, 'id_Key', s.c3)),
           <load>
FROM (SELECT *, reason_column AS column_name FROM nexus_assets.work_notes_incoming WHERE reason IS NOT NULL) AS x
    JOIN nexus_assets.work_notes_export AS s USING (row_number) ORDER BY x.row_number;

SELECT notices, count(*), min(row_number) FROM nexus_assets.identity_notes WHERE notices IS NOT NULL GROUP BY 1;

INSERT INTO nexus_assets.load (id, entity, run_id, started_at, finished_at, mapping_version, sources, date_orders, source_rows, outcomes, rejected, notices, healed, adoption, parents, undoable) OVERRIDING SYSTEM VALUE
    VALUES (%s, %s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

SELECT relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'nexus_assets'
    AND c.relkind = 'r' AND starts_with(relname, %s) ORDER BY c.oid;

DROP TABLE nexus_assets.work_notes_export, nexus_assets.work_notes_dates, nexus_assets.work_notes_texts,
    nexus_assets.work_notes_incoming;

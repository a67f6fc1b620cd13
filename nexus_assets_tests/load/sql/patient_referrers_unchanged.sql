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

SELECT count(t.id) || ' rows, ' || coalesce(sum(CASE
         WHEN t.id IS NOT NULL THEN hash_record_extended(ROW(k.source_id, t.id, t.carried), 0) END), 0),
       count(*) - count(t.id)
FROM nexus_assets.identity_referrers AS k
    LEFT JOIN (SELECT t.id, t.filemaker_id AS carried FROM public.referrers AS t OFFSET '0') AS t ON t.id = k.nexus_id;

SELECT EXISTS (SELECT FROM pg_constraint WHERE conrelid = %(oid)s AND contype = 'c')
OR EXISTS (SELECT FROM pg_index WHERE indrelid = %(oid)s AND (indisunique OR indisexclusion) AND NOT indisprimary);

SELECT 'check', k.conname,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS c (number, place)
             JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = c.number ORDER BY c.place),
       pg_get_expr(k.conbin, k.conrelid), NULL, NULL, NULL
FROM pg_constraint AS k
WHERE k.conrelid = %(oid)s AND k.contype = 'c' AND 0 <> ALL (k.conkey)
  AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, TRUE)
  AND NOT EXISTS (SELECT FROM pg_attribute AS a
                  WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND a.attgenerated <> '')
UNION ALL
SELECT CASE WHEN i.indisunique THEN 'unique' ELSE 'with operators' END, n.relname,
       ARRAY(SELECT a.attname::text FROM pg_attribute AS a
             WHERE a.attrelid = i.indrelid AND a.attnum = ANY (named.numbers) ORDER BY a.attnum),
       coalesce(pg_get_expr(i.indpred, i.indrelid), ''),
       ARRAY(SELECT pg_get_indexdef(i.indexrelid, place, FALSE) FROM generate_series(1, i.indnkeyatts) AS place),
       coalesce(
         (SELECT array_agg(CASE s.nspname WHEN 'pg_catalog' THEN o.oprname
                           ELSE format('OPERATOR(%%I.%%s)', s.nspname, o.oprname) END ORDER BY c.place)
          FROM pg_constraint AS k, unnest(k.conexclop) WITH ORDINALITY AS c (id, place)
          JOIN pg_operator AS o ON o.oid = c.id JOIN pg_namespace AS s ON s.oid = o.oprnamespace
          WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid),
         array_fill('='::text, ARRAY[i.indnkeyatts::integer])),
       coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, FALSE)
FROM pg_index AS i JOIN pg_class AS n ON n.oid = i.indexrelid
CROSS JOIN LATERAL (
  SELECT array_agg(number) AS numbers FROM (
    SELECT number FROM unnest((i.indkey::smallint[])[0:i.indnkeyatts - 1]) AS number WHERE number <> 0
    UNION SELECT d.refobjsubid FROM pg_depend AS d
    WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
      AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid
  ) AS c (number)
) AS named
WHERE (i.indisunique OR i.indisexclusion) AND NOT i.indisprimary AND i.indrelid = %(oid)s
  AND strpos(pg_get_indexdef(i.indexrelid), '.*') = 0
  AND NOT EXISTS (SELECT FROM pg_attribute AS a
                  WHERE a.attrelid = i.indrelid AND a.attnum = ANY (named.numbers) AND a.attgenerated <> '')
ORDER BY 1, 3, 2;

SELECT DISTINCT c.column_name FROM nexus_assets.conflict AS c
    JOIN nexus_assets.identity_patient_referrers AS l USING (source_id)
WHERE c.entity = 'patient_referrers' AND c.resolved_load IS NULL AND (c.decision = 'filemaker' OR c.cause = 'refused')
    AND l.vanished_load IS NULL;

SELECT nextval(pg_get_serial_sequence('nexus_assets.load', 'id')), (SELECT coalesce(max(id), 0) FROM nexus_assets.load);

SELECT count(*), extract(epoch FROM max(corrected_at))::text FROM nexus_assets.correction
    WHERE export = 'PatientToReferrer';

SELECT count(*) FILTER (WHERE CASE
         WHEN l.vanished_load IS NULL
             AND l.row_hash IS NOT NULL THEN NOT coalesce(t.id IS NOT NULL AND l.target_hash = t.target_hash, false)
         ELSE FALSE AND t.id IS NULL END) > 0,
       -- An id of Nexus stands in the ledger once.
       count(t.id) = (SELECT count(*) FROM public.patient_referrers)
FROM nexus_assets.identity_patient_referrers AS l
    LEFT JOIN (SELECT t.id, hash_record_extended(ROW(t.patient_id, t.referrer_id, t.referral_date, t.referral_reason, t.status, t.is_primary), 0) AS target_hash FROM public.patient_referrers AS t OFFSET '0') AS t ON t.id = l.nexus_id;

CREATE UNLOGGED TABLE nexus_assets.work_patient_referrers_export (row_number bigint GENERATED ALWAYS AS IDENTITY, c0 text, c1 text, c2 text);

COPY nexus_assets.work_patient_referrers_export (c0, c1, c2)
    FROM STDIN WITH (FORMAT csv, ENCODING 'UTF8', delimiter ',', quote '"');

SELECT count(*), extract(epoch FROM max(corrected_at))::text FROM nexus_assets.correction
    WHERE export = 'PatientToReferrer';

ANALYZE nexus_assets.work_patient_referrers_export;

WITH found AS (
  SELECT heading, code, count(*) AS cells, min(row_number) AS first
  FROM nexus_assets.work_patient_referrers_export AS s,
      LATERAL (VALUES ('id_Contact', s.c1), ('id_Perscriber', s.c2), ('date', s.c0)) AS cell(heading, text),
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
  WHERE (concat_ws(E'\x1F', '', CASE WHEN octet_length(s.c1) <= 35 THEN s.c1 END, CASE WHEN octet_length(s.c2) <= 35 THEN s.c2 END, CASE WHEN octet_length(s.c0) <= 35 THEN s.c0 END, '')
           ~ '[<#&?=''\\\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]|_x00|[0-9]([eE][-+]|[.]0)|[0-9]{16}|\x1F[(]?(NULL|null|NaN|nan)[)]?\x1F'
         OR (octet_length(s.c1) > 35 AND (
      strpos(s.c1, '&') > 0 OR strpos(s.c1, '_x00') > 0
      OR octet_length(s.c1) <= 60 AND (strpos(s.c1, '<') > 0 OR strpos(s.c1, '#') > 0)
      OR s.c1 LIKE '="%' OR octet_length(s.c1) >= 32767
      OR octet_length(s.c1) <> length(s.c1) AND s.c1 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c2) > 35 AND (
      strpos(s.c2, '&') > 0 OR strpos(s.c2, '_x00') > 0
      OR octet_length(s.c2) <= 60 AND (strpos(s.c2, '<') > 0 OR strpos(s.c2, '#') > 0)
      OR s.c2 LIKE '="%' OR octet_length(s.c2) >= 32767
      OR octet_length(s.c2) <> length(s.c2) AND s.c2 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c0) > 35 AND (
      strpos(s.c0, '&') > 0 OR strpos(s.c0, '_x00') > 0
      OR octet_length(s.c0) <= 60 AND (strpos(s.c0, '<') > 0 OR strpos(s.c0, '#') > 0)
      OR s.c0 LIKE '="%' OR octet_length(s.c0) >= 32767
      OR octet_length(s.c0) <> length(s.c0) AND s.c0 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]')))
    AND code IS NOT NULL
  GROUP BY 1, 2
), columns AS MATERIALIZED (
  SELECT max(octet_length(s.c1)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c1)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c2)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c2)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c0)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c0)) BETWEEN 65535
      AND 4 * 65536 AS may_be_cut FROM nexus_assets.work_patient_referrers_export AS s
), long AS (
  SELECT heading, length(text) AS long, count(*) AS cells, min(row_number) AS first
  FROM nexus_assets.work_patient_referrers_export AS s,
      LATERAL (VALUES ('id_Contact', s.c1), ('id_Perscriber', s.c2), ('date', s.c0)) AS cell(heading, text)
  WHERE (SELECT may_be_cut FROM columns) AND greatest(octet_length(s.c1), octet_length(s.c2), octet_length(s.c0)) >= 255
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
      FROM nexus_assets.work_patient_referrers_export AS s, LATERAL (VALUES ('date', s.c0)) AS cell(heading, text)
      WHERE text IS NOT NULL AND EXISTS (SELECT FROM nexus_assets.work_patient_referrers_export AS s WHERE s.c0 LIKE '____-__-__%') GROUP BY 1, 2) AS texts,
  LATERAL (SELECT text ~ '^\d{4}-\d\d-\d\d' AS is_iso,
                       regexp_match(text, '^\s*(\d{1,2})[/.-](\d{1,2})[/.-]\d{2,4}') AS said) AS form
WHERE is_iso OR said IS NOT NULL
GROUP BY 1
HAVING count(*) FILTER (WHERE is_iso) > 0 AND count(said) > 0
   AND bool_and(CASE WHEN is_iso THEN substr(text, 9, 2) <= '12' ELSE greatest(said[1]::int, said[2]::int) > 12 END);

DROP TABLE IF EXISTS nexus_assets.work_patient_referrers_dates_of_records; CREATE UNLOGGED TABLE nexus_assets.work_patient_referrers_dates_of_records AS SELECT NULL::text AS field,
    NULL::text AS raw, 0::bigint AS times WHERE false UNION ALL SELECT 'date'::text AS field, raw, times
    FROM (SELECT s.c0 AS raw, count(*) AS times FROM nexus_assets.work_patient_referrers_export AS s GROUP BY 1) AS different
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
            FROM (SELECT field, times, nexus_assets.comparable(raw) AS text FROM nexus_assets.work_patient_referrers_dates_of_records) AS dates
            WHERE text ~ concat('^([a-z]+[.,]* )?', -- a weekday
                                '([0-9]{1,2}/[0-9]{1,2}/|[0-9]{1,2}[.][0-9]{1,2}[.]|[0-9]{1,2}-[0-9]{1,2}-)',
                                '([0-9]{4}|[0-9]{2})([^0-9]|$)') OFFSET 0) AS split) AS dates
GROUP BY field ORDER BY field;

ALTER TABLE nexus_assets.work_patient_referrers_dates_of_records ADD COLUMN value date;UPDATE nexus_assets.work_patient_referrers_dates_of_records SET value = nexus_assets.read_date(raw, coalesce('{}'::jsonb ->> field, 'mdy'), <today>, '1899-12-30'::date, 'Australia/Sydney');ANALYZE nexus_assets.work_patient_referrers_dates_of_records;

CREATE UNLOGGED TABLE nexus_assets.work_patient_referrers_keyed AS
   SELECT e.*, row_number() OVER (PARTITION BY e.key_pair ORDER BY d.value DESC NULLS LAST, e.row_number) AS place
   FROM (SELECT e.* FROM (SELECT e.*,
   (SELECT nexus_assets.minted_id('pair', array_to_string(said, E'\x1F', ''))::text
    FROM (SELECT ARRAY[coalesce(nexus_assets.read_uuid(e.c1)::text, nexus_assets.comparable(e.c1)), coalesce(nexus_assets.read_uuid(e.c2)::text, nexus_assets.comparable(e.c2))]::text[] AS said) AS parts WHERE said <> array_fill(NULL::text, ARRAY[2]))
AS key_pair FROM nexus_assets.work_patient_referrers_export AS e OFFSET '0') AS e WHERE TRUE AND e.key_pair IS NOT NULL) AS e
    LEFT JOIN nexus_assets.work_patient_referrers_dates_of_records AS d ON d.field = 'date' AND d.raw = e.c0;

ANALYZE nexus_assets.work_patient_referrers_keyed;

SELECT count(*) FROM nexus_assets.work_patient_referrers_export;

CREATE UNLOGGED TABLE nexus_assets.work_patient_referrers_seen AS
SELECT s.row_number, s.source_id, s.row_hash, l.nexus_id AS known_id, t.id IS NOT NULL AS is_live,
       coalesce((l.last_load IS NOT NULL AND l.vanished_load IS NULL), false) AS is_current, l.notices,
       coalesce(l.row_hash = s.row_hash AND l.vanished_load IS NULL AND t.id IS NOT NULL AND l.target_hash = t.target_hash,
                false) AS settled
FROM (SELECT row_number, nexus_assets.read_uuid(s.key_pair) AS source_id, hash_record_extended(ROW(s.key_pair, s.c0, NULL::text, NULL::text, NULL::text, s.c1, s.c2, NULL::text), <seed>) AS row_hash FROM nexus_assets.work_patient_referrers_keyed AS s OFFSET '0') AS s
LEFT JOIN nexus_assets.identity_patient_referrers AS l ON l.source_id = s.source_id
LEFT JOIN (SELECT t.id, hash_record_extended(ROW(t.patient_id, t.referrer_id, t.referral_date, t.referral_reason, t.status, t.is_primary), 0) AS target_hash FROM public.patient_referrers AS t OFFSET '0') AS t ON t.id = l.nexus_id;

ANALYZE nexus_assets.work_patient_referrers_seen;

SET LOCAL enable_hashagg = off;

CREATE UNLOGGED TABLE nexus_assets.work_patient_referrers_repeated AS
SELECT s.source_id, min(s.row_number) FILTER (WHERE x.place = 1) AS first_row, false AS differ
FROM nexus_assets.work_patient_referrers_seen AS s
    JOIN nexus_assets.work_patient_referrers_keyed AS x USING (row_number)
WHERE s.source_id IS NOT NULL GROUP BY 1 HAVING count(*) > count(*) FILTER (WHERE x.place = 1);

SET LOCAL enable_hashagg TO DEFAULT;

UPDATE nexus_assets.work_patient_referrers_repeated AS again SET differ = false
FROM (
  SELECT s.source_id FROM nexus_assets.work_patient_referrers_repeated AS d
      JOIN nexus_assets.work_patient_referrers_seen AS s USING (source_id)
      JOIN nexus_assets.work_patient_referrers_keyed AS r USING (row_number)
      WHERE d.differ GROUP BY 1 HAVING min(hash_record_extended(ROW(nexus_assets.read_text(r.c0), nexus_assets.read_text(NULL::text), nexus_assets.read_text(NULL::text), nexus_assets.read_text(NULL::text), nexus_assets.read_text(r.c1), nexus_assets.read_text(r.c2), nexus_assets.read_text(NULL::text)), 0)) = max(hash_record_extended(ROW(nexus_assets.read_text(r.c0), nexus_assets.read_text(NULL::text), nexus_assets.read_text(NULL::text), nexus_assets.read_text(NULL::text), nexus_assets.read_text(r.c1), nexus_assets.read_text(r.c2), nexus_assets.read_text(NULL::text)), 0))) AS same
WHERE same.source_id = again.source_id;

UPDATE nexus_assets.work_patient_referrers_seen AS s SET settled = false, is_current = s.is_current
    AND s.row_number = r.first_row
FROM nexus_assets.work_patient_referrers_repeated AS r WHERE r.source_id = s.source_id AND r.differ;
DELETE FROM nexus_assets.work_patient_referrers_seen AS s USING nexus_assets.work_patient_referrers_repeated AS r
WHERE r.source_id = s.source_id AND NOT r.differ AND r.first_row <> s.row_number;

ANALYZE nexus_assets.work_patient_referrers_repeated;

SET LOCAL enable_nestloop = off;

CREATE UNLOGGED TABLE nexus_assets.work_patient_referrers_standing AS
SELECT min(s.row_number) AS row_number, min(r.id) AS id, min(r.row_number) AS row_before, min(r.reason) AS reason
FROM nexus_assets.work_patient_referrers_seen AS s JOIN nexus_assets.reject AS r ON r.row_hash = s.row_hash
WHERE r.entity = 'patient_referrers' AND r.resolved_load IS NULL AND r.column_name IS NULL
  AND s.known_id IS NULL
  AND NOT EXISTS (SELECT FROM nexus_assets.work_patient_referrers_repeated AS again WHERE again.source_id = s.source_id)
  AND (r.reason = ANY(ARRAY['no_contact','no_referrer']) OR FALSE OR (r.reason = 'unknown_contact' AND TRUE) OR (r.reason = 'unknown_referrer' AND TRUE))
GROUP BY s.row_hash HAVING count(*) = 1;

SET LOCAL enable_nestloop TO DEFAULT;

ANALYZE nexus_assets.work_patient_referrers_standing;

CREATE UNLOGGED TABLE nexus_assets.work_patient_referrers_pending AS
SELECT s.row_number, s.source_id, s.row_hash, s.known_id, s.is_live, coalesce(r.differ, false) AS disputed,
    x.key_pair AS f0, x.c0 AS f1, x.c1 AS f2, x.c2 AS f3
FROM nexus_assets.work_patient_referrers_seen AS s
    JOIN nexus_assets.work_patient_referrers_keyed AS x USING (row_number)
    LEFT JOIN nexus_assets.work_patient_referrers_repeated AS r ON r.source_id = s.source_id
WHERE NOT s.settled
    AND NOT EXISTS (SELECT FROM nexus_assets.work_patient_referrers_standing AS n WHERE n.row_number = s.row_number);

ANALYZE nexus_assets.work_patient_referrers_pending;

DROP TABLE IF EXISTS nexus_assets.work_patient_referrers_dates; CREATE UNLOGGED TABLE nexus_assets.work_patient_referrers_dates AS SELECT NULL::text AS field,
    NULL::text AS raw, 0::bigint AS times WHERE false UNION ALL SELECT 'date'::text AS field, raw, times
    FROM (SELECT s.f1 AS raw, count(*) AS times FROM nexus_assets.work_patient_referrers_pending AS s GROUP BY 1) AS different
    WHERE nexus_assets.read_text(raw) IS NOT NULL;

ALTER TABLE nexus_assets.work_patient_referrers_dates ADD COLUMN value date;UPDATE nexus_assets.work_patient_referrers_dates SET value = nexus_assets.read_date(raw, coalesce('{}'::jsonb ->> field, 'mdy'), <today>, '1899-12-30'::date, 'Australia/Sydney');ANALYZE nexus_assets.work_patient_referrers_dates;

CREATE UNLOGGED TABLE nexus_assets.work_patient_referrers_texts AS SELECT NULL::text AS column_name, NULL::text AS raw,
    NULL::text AS value WHERE FALSE UNION ALL
    SELECT 'status', different.raw,
        (CASE rtrim(nexus_assets.comparable(different.raw), ' .') WHEN 'active' THEN 'ACTIVE' WHEN 'inactive' THEN 'INACTIVE' WHEN 'pending' THEN 'PENDING' END)
        FROM (
      SELECT NULL::text AS raw UNION ALL
      (SELECT NULL::text AS raw FROM nexus_assets.work_patient_referrers_pending AS s WHERE NULL::text IS NOT NULL GROUP BY 1)) AS different
; ANALYZE nexus_assets.work_patient_referrers_texts;

CREATE UNLOGGED TABLE nexus_assets.work_patient_referrers_incoming AS
SELECT r.row_number, r.source_id, r.row_hash, r.known_id, r.is_live,
    (coalesce(r.why, CASE WHEN length(r.new_status) > 20 THEN ARRAY['too_long', 'status'] END))[1] AS reason,
    (coalesce(r.why, CASE WHEN length(r.new_status) > 20 THEN ARRAY['too_long', 'status'] END))[2] AS reason_column,
       r.described, r.notices, r.new_patient_id, r.new_referrer_id, r.new_referral_date, r.new_referral_reason,
           r.new_status, r.new_is_primary
FROM (
  SELECT s.row_number, s.source_id, s.row_hash, s.known_id, s.is_live, CASE
      WHEN s.source_id IS NULL THEN ARRAY[CASE WHEN nexus_assets.read_text(s.f0) IS NOT NULL THEN 'bad_id' ELSE 'no_id' END, NULL]
      WHEN s.disputed THEN ARRAY['duplicate_id', NULL]
      WHEN row_0.id IS NULL THEN ARRAY[CASE WHEN nexus_assets.read_text(s.f2) IS NOT NULL THEN 'unknown_contact' ELSE 'no_contact' END, NULL]
      WHEN row_1.id IS NULL THEN ARRAY[CASE WHEN nexus_assets.read_text(s.f3) IS NOT NULL THEN 'unknown_referrer' ELSE 'no_referrer' END, NULL]
      WHEN (dates_0.raw IS NOT NULL AND dates_0.value IS NULL) THEN ARRAY['unreadable_date', 'referral_date'] END AS why,
      TRUE AS described,
         array_remove(ARRAY[CASE WHEN (nexus_assets.read_text(NULL::text) IS NOT NULL AND (CASE rtrim(nexus_assets.comparable(NULL::text), ' .') WHEN 'active' THEN 'ACTIVE' WHEN 'inactive' THEN 'INACTIVE' WHEN 'pending' THEN 'PENDING' END) IS NULL) THEN 'unknown_status' END, CASE WHEN (nexus_assets.read_text(NULL::text) IS NOT NULL AND (CASE WHEN nexus_assets.comparable(NULL::text) IN ('yes', 'y', 'true', '1', '1.0') THEN TRUE WHEN nexus_assets.comparable(NULL::text) IN ('no', 'n', 'false', '0', '0.0') THEN FALSE END) IS NULL) THEN 'unknown_flag' END]::text[], NULL) AS notices,
             row_0.id AS new_patient_id, row_1.id AS new_referrer_id, (dates_0.value)::date AS new_referral_date,
             (nexus_assets.read_text(NULL::text))::text AS new_referral_reason,
             (no_text_status.value)::text AS new_status,
             ((CASE WHEN nexus_assets.comparable(NULL::text) IN ('yes', 'y', 'true', '1', '1.0') THEN TRUE WHEN nexus_assets.comparable(NULL::text) IN ('no', 'n', 'false', '0', '0.0') THEN FALSE END))::boolean AS new_is_primary
  FROM nexus_assets.work_patient_referrers_pending AS s
  LEFT JOIN (
    SELECT k.source_id AS named, t.* FROM nexus_assets.identity_patients AS k
        JOIN public.patients AS t ON t.id = k.nexus_id
                      WHERE coalesce(nexus_assets.read_uuid(t.filemaker_metadata ->> 'filemaker_id') = k.source_id, TRUE)) AS row_0 ON row_0.named = nexus_assets.read_uuid(s.f2)
                          LEFT JOIN (
                            SELECT k.source_id AS named, t.* FROM nexus_assets.identity_referrers AS k
                                JOIN public.referrers AS t ON t.id = k.nexus_id
                      WHERE coalesce(t.filemaker_id = k.source_id, TRUE)) AS row_1 ON row_1.named = nexus_assets.read_uuid(s.f3)
                          LEFT JOIN nexus_assets.work_patient_referrers_dates AS dates_0 ON dates_0.field = 'date'
                          AND dates_0.raw = s.f1
                          LEFT JOIN nexus_assets.work_patient_referrers_texts AS no_text_status ON no_text_status.column_name = 'status'
                          AND no_text_status.raw IS NULL OFFSET '0'
) AS r;

ANALYZE nexus_assets.work_patient_referrers_incoming;

CREATE UNLOGGED TABLE nexus_assets.work_patient_referrers_recognised (source_id uuid NOT NULL, nexus_id uuid NOT NULL);

SELECT EXISTS (
    SELECT i.* FROM nexus_assets.work_patient_referrers_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_patient_referrers_recognised AS r WHERE r.source_id = i.source_id)
) AND EXISTS (
    SELECT t.* FROM public.patient_referrers AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_patient_referrers AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_patient_referrers_recognised AS r WHERE r.nexus_id = t.id)
);

ANALYZE nexus_assets.work_patient_referrers_recognised;

CREATE UNLOGGED TABLE nexus_assets.work_patient_referrers_decided AS
    SELECT i.row_number, i.source_id, i.known_id,
           CASE WHEN i.is_live THEN i.known_id
                ELSE coalesce(r.nexus_id, i.known_id,
    CASE
        WHEN EXISTS (SELECT FROM nexus_assets.identity_patient_referrers AS k WHERE k.nexus_id = nexus_assets.minted_id('patient_referrers', i.source_id::text))
         THEN (SELECT other.id FROM generate_series(1, 99) AS n,
                 LATERAL (SELECT nexus_assets.minted_id('patient_referrers', concat_ws('/', i.source_id, n)) AS id) AS other
               WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_patient_referrers AS k WHERE k.nexus_id = other.id)
                 AND NOT EXISTS (SELECT FROM public.patient_referrers AS t WHERE t.id = other.id) ORDER BY n LIMIT 1)
         ELSE nexus_assets.minted_id('patient_referrers', i.source_id::text) END
) END AS nexus_id,
           CASE WHEN i.is_live AND l.last_load IS NOT NULL THEN 'compare'
                WHEN i.is_live OR r.nexus_id IS NOT NULL THEN 'adopt' WHEN i.known_id IS NOT NULL
                    AND (((l.last_load IS NOT NULL AND l.vanished_load IS NULL) AND coalesce(named_0.made_at <= coalesce((SELECT o.finished_at FROM nexus_assets.load AS o WHERE o.id = l.last_load), 'infinity'), false) AND coalesce(named_1.made_at <= coalesce((SELECT o.finished_at FROM nexus_assets.load AS o WHERE o.id = l.last_load), 'infinity'), false)) AND NOT coalesce((i.new_patient_id IS NOT NULL AND l.base_patient_id <> hash_record_extended(ROW(i.new_patient_id::uuid), 0)) OR (i.new_referrer_id IS NOT NULL AND l.base_referrer_id <> hash_record_extended(ROW(i.new_referrer_id::uuid), 0)) OR (i.new_referral_date IS NOT NULL AND l.base_referral_date <> hash_record_extended(ROW(i.new_referral_date::date), 0)) OR (i.new_referral_reason IS NOT NULL AND l.base_referral_reason <> hash_record_extended(ROW(i.new_referral_reason::text), 0)) OR (i.new_status IS NOT NULL AND l.base_status <> hash_record_extended(ROW(i.new_status::character varying(20)), 0)) OR (i.new_is_primary IS NOT NULL AND l.base_is_primary <> hash_record_extended(ROW(i.new_is_primary::boolean), 0)), false) AND NOT EXISTS (SELECT FROM nexus_assets.conflict AS c WHERE c.entity = 'patient_referrers' AND c.source_id = i.source_id AND c.column_name = 'id' AND c.resolved_load IS NULL AND c.decision = 'filemaker')) THEN 'deleted'
                WHEN i.known_id IS NOT NULL THEN 'restore' ELSE 'insert' END AS action
    FROM nexus_assets.work_patient_referrers_incoming AS i
        LEFT JOIN nexus_assets.work_patient_referrers_recognised AS r ON r.source_id = i.source_id
    LEFT JOIN nexus_assets.identity_patient_referrers AS l ON l.source_id = i.source_id
        LEFT JOIN (SELECT hash_record_extended(ROW(p.id), 0) AS hash, p.created_at AS made_at FROM public.patients AS p) AS named_0 ON named_0.hash = l.base_patient_id
        LEFT JOIN (SELECT hash_record_extended(ROW(p.id), 0) AS hash, p.created_at AS made_at FROM public.referrers AS p) AS named_1 ON named_1.hash = l.base_referrer_id
    WHERE i.reason IS NULL;

ANALYZE nexus_assets.work_patient_referrers_decided;

WITH said AS (
  SELECT "the row" AS row_number, "the id" AS nexus_id, "is new" AS is_new, patient_id AS "key 0",
      referrer_id AS "key 1"
      FROM (SELECT i.row_number AS "the row", d.nexus_id AS "the id", TRUE AS "is new", i.new_patient_id::uuid AS patient_id, i.new_referrer_id::uuid AS referrer_id FROM nexus_assets.work_patient_referrers_decided AS d JOIN nexus_assets.work_patient_referrers_incoming AS i USING (row_number) WHERE d.action IN ('insert', 'restore')) AS n
      WHERE TRUE
), claims AS (
  SELECT * FROM said AS n WHERE n."key 0" IS NOT NULL AND n."key 1" IS NOT NULL
), refused AS (
  SELECT n.row_number FROM claims AS n
  WHERE EXISTS (SELECT FROM public.patient_referrers AS o WHERE TRUE AND o.id <> n.nexus_id AND patient_id = n."key 0" AND referrer_id = n."key 1")
  UNION
  SELECT row_number FROM (
    SELECT n.row_number,
        row_number() OVER (PARTITION BY n."key 0", n."key 1" ORDER BY n.is_new DESC, n.row_number) AS place
        FROM claims AS n
  ) AS n WHERE place > 1
), rejected AS (
  UPDATE nexus_assets.work_patient_referrers_incoming AS i SET reason = 'already_there', reason_column = 'patient_id'
  FROM refused AS r WHERE i.row_number = r.row_number
),
    undecided AS (DELETE FROM nexus_assets.work_patient_referrers_decided AS d USING refused AS r WHERE d.row_number = r.row_number)
SELECT count(*), min(row_number) FROM refused;

SELECT (SELECT count(*) FROM nexus_assets.identity_patient_referrers AS l WHERE (l.last_load IS NOT NULL AND l.vanished_load IS NULL)),
    count(*) FROM nexus_assets.work_patient_referrers_seen WHERE is_current;

SELECT reason, count(*), count(*) FILTER (WHERE new_patient_id IS NULL), count(*) FILTER (WHERE new_referrer_id IS NULL)
    FROM nexus_assets.work_patient_referrers_incoming GROUP BY 1 ORDER BY 2 DESC, 1;

SELECT reason, count(*) FROM nexus_assets.work_patient_referrers_standing GROUP BY 1;

CREATE UNLOGGED TABLE nexus_assets.work_patient_referrers_followed AS
SELECT source_id, known_id AS old_id, nexus_id AS new_id FROM nexus_assets.work_patient_referrers_decided
WHERE action = 'adopt' AND known_id <> nexus_id;

CREATE UNLOGGED TABLE nexus_assets.work_patient_referrers_changes AS
    SELECT row_number, source_id, nexus_id, action, writes_patient_id IS TRUE AS write_patient_id,
        writes_patient_id IS FALSE AS keep_patient_id, writes_referrer_id IS TRUE AS write_referrer_id,
        writes_referrer_id IS FALSE AS keep_referrer_id, writes_referral_date IS TRUE AS write_referral_date,
        writes_referral_date IS FALSE AS keep_referral_date, writes_referral_reason IS TRUE AS write_referral_reason,
        writes_referral_reason IS FALSE AS keep_referral_reason, writes_status IS TRUE AS write_status,
        writes_status IS FALSE AS keep_status, writes_is_primary IS TRUE AS write_is_primary,
        writes_is_primary IS FALSE AS keep_is_primary
    FROM (
      SELECT d.row_number, d.source_id, d.nexus_id, d.action, CASE
          WHEN (
            t.patient_id IS DISTINCT FROM i.new_patient_id AND i.new_patient_id IS NOT NULL) THEN (
              (row_0.id IS NULL AND (t.patient_id IS NOT NULL OR (d.action = 'adopt' AND l.base_patient_id IS NULL)))
                  OR (
                    (
                      coalesce(l.base_patient_id = hash_record_extended(ROW(t.patient_id), 0), FALSE)
                          OR (NOT coalesce((l.last_load IS NOT NULL AND l.vanished_load IS NULL), FALSE) AND EXISTS (
SELECT FROM nexus_assets.identity_coordinator_links AS g WHERE g.nexus_id = t.id AND g.last_load IS NOT NULL AND g.base_patient_id = hash_record_extended(ROW(t.patient_id), 0))))
    OR EXISTS (
SELECT FROM nexus_assets.superseded AS s
WHERE s.entity = 'patients' AND s.current_id = t.patient_id AND hash_record_extended(ROW(s.nexus_id), 0) = l.base_patient_id))) END AS writes_patient_id,
    CASE
    WHEN (
      t.referrer_id IS DISTINCT FROM i.new_referrer_id AND i.new_referrer_id IS NOT NULL) THEN (
        (row_1.id IS NULL AND (t.referrer_id IS NOT NULL OR (d.action = 'adopt' AND l.base_referrer_id IS NULL)))
            OR (
              (
                coalesce(l.base_referrer_id = hash_record_extended(ROW(t.referrer_id), 0), FALSE)
                    OR (NOT coalesce((l.last_load IS NOT NULL AND l.vanished_load IS NULL), FALSE) AND EXISTS (
SELECT FROM nexus_assets.identity_coordinator_links AS g WHERE g.nexus_id = t.id AND g.last_load IS NOT NULL AND g.base_referrer_id = hash_record_extended(ROW(t.referrer_id), 0))))
    OR EXISTS (
SELECT FROM nexus_assets.superseded AS s
WHERE s.entity = 'referrers' AND s.current_id = t.referrer_id AND hash_record_extended(ROW(s.nexus_id), 0) = l.base_referrer_id))) END AS writes_referrer_id,
    CASE
    WHEN (
      t.referral_date IS DISTINCT FROM i.new_referral_date
          AND (
            (d.action = 'adopt' AND coalesce(t.referral_date IS NULL OR FALSE, FALSE))
                OR (
                  coalesce(l.base_referral_date = hash_record_extended(ROW(t.referral_date), 0), FALSE)
                      OR (NOT coalesce((l.last_load IS NOT NULL AND l.vanished_load IS NULL), FALSE) AND EXISTS (
SELECT FROM nexus_assets.identity_coordinator_links AS g WHERE g.nexus_id = t.id AND g.last_load IS NOT NULL AND g.base_referral_date = hash_record_extended(
  ROW(
    t.referral_date), 0)))) OR NOT (
      FALSE OR (
        (
          d.action = 'adopt' OR l.origin <> 'made') AND i.new_referral_date IS NULL)))) THEN (
            (d.action = 'adopt' AND coalesce(t.referral_date IS NULL OR FALSE, FALSE))
                OR (
                  coalesce(l.base_referral_date = hash_record_extended(ROW(t.referral_date), 0), FALSE)
                      OR (NOT coalesce((l.last_load IS NOT NULL AND l.vanished_load IS NULL), FALSE) AND EXISTS (
SELECT FROM nexus_assets.identity_coordinator_links AS g WHERE g.nexus_id = t.id AND g.last_load IS NOT NULL AND g.base_referral_date = hash_record_extended(ROW(t.referral_date), 0))))) END AS writes_referral_date,
    CASE
    WHEN ((t.referral_reason IS DISTINCT FROM i.new_referral_reason AND nexus_assets.read_text(t.referral_reason)::text IS DISTINCT FROM nexus_assets.read_text(i.new_referral_reason)::text AND ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.referral_reason)::text IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_referral_reason = hash_record_extended(ROW(t.referral_reason), 0), FALSE) OR coalesce(l.base_referral_reason = hash_record_extended(ROW(nexus_assets.read_text(t.referral_reason)::text), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_referral_reason, '') = coalesce(nexus_assets.read_text(NULL::text), ''))))) AND (i.new_referral_reason IS NOT NULL)) THEN ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.referral_reason)::text IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_referral_reason = hash_record_extended(ROW(t.referral_reason), 0), FALSE) OR coalesce(l.base_referral_reason = hash_record_extended(ROW(nexus_assets.read_text(t.referral_reason)::text), 0), FALSE))) END AS writes_referral_reason,
    CASE
    WHEN (
      (
        t.status IS DISTINCT FROM i.new_status AND nexus_assets.read_text(t.status)::character varying(20) IS DISTINCT
            FROM nexus_assets.read_text(i.new_status)::character varying(20)
            AND (
              (d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.status)::character varying(20) IS NULL OR FALSE, FALSE))
                  OR (
                    (
                      coalesce(l.base_status = hash_record_extended(ROW(t.status), 0), FALSE)
                          OR (NOT coalesce((l.last_load IS NOT NULL AND l.vanished_load IS NULL), FALSE) AND EXISTS (
SELECT FROM nexus_assets.identity_coordinator_links AS g WHERE g.nexus_id = t.id AND g.last_load IS NOT NULL AND g.base_status = hash_record_extended(
  ROW(
    t.status), 0)))) OR coalesce(
      l.base_status = hash_record_extended(
        ROW(
          nexus_assets.read_text(
            t.status)::character varying(
              20)), 0), FALSE)) OR NOT (
                FALSE OR (
                  (
                    d.action = 'adopt' OR l.origin <> 'made') AND coalesce(
                      i.new_status, '') = coalesce(
                        (
                          CASE rtrim(
                            nexus_assets.comparable(
                              NULL::text), ' .') WHEN 'active' THEN 'ACTIVE' WHEN 'inactive' THEN 'INACTIVE' WHEN 'pending' THEN 'PENDING' END), ''))))) AND (
                                i.new_status IS NOT NULL)) THEN (
                                  (d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.status)::character varying(20) IS NULL OR FALSE, FALSE))
                                      OR (
                                        (
                                          coalesce(l.base_status = hash_record_extended(ROW(t.status), 0), FALSE)
                                              OR (
                                                NOT coalesce((l.last_load IS NOT NULL AND l.vanished_load IS NULL), FALSE)
                                                    AND EXISTS (
SELECT FROM nexus_assets.identity_coordinator_links AS g WHERE g.nexus_id = t.id AND g.last_load IS NOT NULL AND g.base_status = hash_record_extended(ROW(t.status), 0)))) OR coalesce(l.base_status = hash_record_extended(ROW(nexus_assets.read_text(t.status)::character varying(20)), 0), FALSE))) END AS writes_status,
    CASE
    WHEN ((t.is_primary IS DISTINCT FROM i.new_is_primary AND ((d.action = 'adopt' AND coalesce(t.is_primary IS NULL OR FALSE OR t.is_primary::text ILIKE ANY (ARRAY['false']), FALSE)) OR coalesce(l.base_is_primary = hash_record_extended(ROW(t.is_primary), 0), FALSE) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND i.new_is_primary IS NULL)))) AND (i.new_is_primary IS NOT NULL)) THEN ((d.action = 'adopt' AND coalesce(t.is_primary IS NULL OR FALSE OR t.is_primary::text ILIKE ANY (ARRAY['false']), FALSE)) OR coalesce(l.base_is_primary = hash_record_extended(ROW(t.is_primary), 0), FALSE)) END AS writes_is_primary
      FROM nexus_assets.work_patient_referrers_decided AS d
      JOIN nexus_assets.work_patient_referrers_incoming AS i USING (row_number)
      JOIN public.patient_referrers AS t ON t.id = d.nexus_id
      LEFT JOIN nexus_assets.identity_patient_referrers AS l ON l.source_id = d.source_id
      LEFT JOIN public.patients AS row_0 ON row_0.id = t.patient_id
          LEFT JOIN public.referrers AS row_1 ON row_1.id = t.referrer_id
      WHERE d.action IN ('compare', 'adopt') OFFSET '0'
    ) AS compared;

WITH said AS (
  SELECT "the row" AS row_number, "the id" AS nexus_id, "is new" AS is_new, patient_id AS "key 0",
      referrer_id AS "key 1"
      FROM (SELECT i.row_number AS "the row", d.nexus_id AS "the id", TRUE AS "is new", i.new_patient_id::uuid AS patient_id, i.new_referrer_id::uuid AS referrer_id FROM nexus_assets.work_patient_referrers_decided AS d JOIN nexus_assets.work_patient_referrers_incoming AS i USING (row_number) WHERE d.action IN ('insert', 'restore') AND EXISTS (SELECT FROM nexus_assets.work_patient_referrers_changes AS c WHERE (c.write_patient_id OR c.write_referrer_id)) UNION ALL SELECT i.row_number AS "the row", c.nexus_id AS "the id", FALSE AS "is new", CASE WHEN c.write_patient_id THEN i.new_patient_id::uuid ELSE t.patient_id END AS patient_id, CASE WHEN c.write_referrer_id THEN i.new_referrer_id::uuid ELSE t.referrer_id END AS referrer_id FROM nexus_assets.work_patient_referrers_changes AS c JOIN nexus_assets.work_patient_referrers_incoming AS i USING (row_number) JOIN public.patient_referrers AS t ON t.id = c.nexus_id WHERE (c.write_patient_id OR c.write_referrer_id)) AS n
      WHERE TRUE
), claims AS (
  SELECT * FROM said AS n WHERE n."key 0" IS NOT NULL AND n."key 1" IS NOT NULL
), refused AS (
  SELECT n.row_number FROM claims AS n
  WHERE EXISTS (SELECT FROM public.patient_referrers AS o WHERE TRUE AND o.id <> n.nexus_id AND patient_id = n."key 0" AND referrer_id = n."key 1")
  UNION
  SELECT row_number FROM (
    SELECT n.row_number,
        row_number() OVER (PARTITION BY n."key 0", n."key 1" ORDER BY n.is_new DESC, n.row_number) AS place
        FROM claims AS n
  ) AS n WHERE place > 1
), kept AS (
  UPDATE nexus_assets.work_patient_referrers_changes AS k SET keep_patient_id = k.keep_patient_id OR k.write_patient_id,
      write_patient_id = FALSE, keep_referrer_id = k.keep_referrer_id OR k.write_referrer_id, write_referrer_id = FALSE
      FROM refused AS r WHERE k.row_number = r.row_number
  RETURNING k.row_number
)
SELECT count(*), min(row_number) FROM kept;

SELECT bool_or(keep_patient_id), bool_or(keep_referrer_id), bool_or(keep_referral_date), bool_or(keep_referral_reason),
    bool_or(keep_status), bool_or(keep_is_primary) FROM nexus_assets.work_patient_referrers_changes;

CREATE UNLOGGED TABLE nexus_assets.work_patient_referrers_kept AS SELECT NULL::uuid AS source_id,
    NULL::uuid AS nexus_id, NULL::text AS column_name, NULL::text AS cause, NULL::text AS filemaker_value,
    NULL::text AS nexus_value WHERE FALSE UNION ALL SELECT source_id, nexus_id, 'id', 'deleted', NULL, NULL
    FROM nexus_assets.work_patient_referrers_decided WHERE action = 'deleted';
   UPDATE nexus_assets.conflict AS c SET resolved_load = <load>
   WHERE c.entity = 'patient_referrers' AND c.resolved_load IS NULL
     AND (EXISTS (SELECT FROM nexus_assets.work_patient_referrers_decided AS d WHERE d.source_id = c.source_id)
          OR c.cause = 'deleted' AND NOT EXISTS (SELECT FROM nexus_assets.work_patient_referrers_seen AS s WHERE s.source_id = c.source_id))
     AND NOT EXISTS (SELECT FROM nexus_assets.work_patient_referrers_kept AS k WHERE (k.source_id, k.column_name) = (c.source_id, c.column_name));
   WITH written AS (
   INSERT INTO nexus_assets.conflict AS c
     (entity, source_id, nexus_id, column_name, cause, filemaker_value, nexus_value, first_load)
   SELECT 'patient_referrers', source_id, nexus_id, column_name, cause, filemaker_value, nexus_value, <load>
       FROM nexus_assets.work_patient_referrers_kept
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

SELECT count(*), count(c.source_id) FROM nexus_assets.work_patient_referrers_seen AS s
LEFT JOIN (SELECT DISTINCT source_id FROM nexus_assets.conflict
           WHERE entity = 'patient_referrers' AND resolved_load IS NULL) AS c USING (source_id)
WHERE s.settled;

SELECT count(*) FILTER (WHERE (c.write_patient_id OR c.write_referrer_id OR c.write_referral_date OR c.write_referral_reason OR c.write_status OR c.write_is_primary)),
    count(*) FILTER (WHERE NOT (c.write_patient_id OR c.write_referrer_id OR c.write_referral_date OR c.write_referral_reason OR c.write_status OR c.write_is_primary) AND (c.keep_patient_id OR c.keep_referrer_id OR c.keep_referral_date OR c.keep_referral_reason OR c.keep_status OR c.keep_is_primary)),
       count(*) FILTER (WHERE NOT (c.write_patient_id OR c.write_referrer_id OR c.write_referral_date OR c.write_referral_reason OR c.write_status OR c.write_is_primary) AND NOT (c.keep_patient_id OR c.keep_referrer_id OR c.keep_referral_date OR c.keep_referral_reason OR c.keep_status OR c.keep_is_primary)),
           count(*) FILTER (WHERE c.action = 'adopt'),
       count(*) FILTER (WHERE FALSE OR c.write_patient_id OR c.write_referrer_id)
FROM nexus_assets.work_patient_referrers_changes AS c;

SELECT count(*) FILTER (WHERE action <> 'deleted'), count(*) FILTER (WHERE action = 'restore'),
    count(*) FILTER (WHERE action = 'deleted') FROM nexus_assets.work_patient_referrers_decided
    WHERE action IN ('insert', 'restore', 'deleted');

WITH written AS (
   UPDATE public.patient_referrers AS t SET patient_id = CASE WHEN c.write_patient_id THEN i.new_patient_id::uuid
       ELSE t.patient_id END, referrer_id = CASE WHEN c.write_referrer_id THEN i.new_referrer_id::uuid
       ELSE t.referrer_id END, referral_date = CASE WHEN c.write_referral_date THEN i.new_referral_date::date
       ELSE t.referral_date END, referral_reason = CASE WHEN c.write_referral_reason THEN i.new_referral_reason::text
       ELSE t.referral_reason END, status = CASE
       WHEN c.write_status THEN coalesce(i.new_status::character varying(20), 'ACTIVE'::character varying(20))
       ELSE t.status END, is_primary = CASE
       WHEN c.write_is_primary THEN coalesce(i.new_is_primary::boolean, false::boolean) ELSE t.is_primary END,
       updated_at = now()
   FROM nexus_assets.work_patient_referrers_changes AS c
       JOIN nexus_assets.work_patient_referrers_incoming AS i USING (row_number)
   WHERE t.id = c.nexus_id
       AND (c.write_patient_id OR c.write_referrer_id OR c.write_referral_date OR c.write_referral_reason OR c.write_status OR c.write_is_primary)
RETURNING t.id, (SELECT to_jsonb(v) FROM (SELECT t.patient_id, t.referrer_id, t.referral_date, t.referral_reason, t.status, t.is_primary, t.updated_at) AS v) AS content)
       INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
       SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
           ARRAY['public','patient_referrers'], concat_ws(' ', w.id::text), CASE
           WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
           CASE WHEN was.content IS NULL THEN w.content
           ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
       FROM written AS w
         LEFT JOIN LATERAL (SELECT (SELECT to_jsonb(v) FROM (SELECT o.patient_id, o.referrer_id, o.referral_date, o.referral_reason, o.status, o.is_primary, o.updated_at) AS v) AS content FROM public.patient_referrers AS o WHERE o.id = w.id AND TRUE OFFSET 0) AS was ON TRUE;

INSERT INTO public.patient_referrers (id, patient_id, referrer_id, referral_date, referral_reason, status, is_primary, created_at, updated_at)
SELECT d.nexus_id, i.new_patient_id::uuid, i.new_referrer_id::uuid, i.new_referral_date::date,
    i.new_referral_reason::text, coalesce(i.new_status::character varying(20), 'ACTIVE'::character varying(20)),
    coalesce(i.new_is_primary::boolean, false::boolean), now(), now()
    FROM nexus_assets.work_patient_referrers_decided AS d
    JOIN nexus_assets.work_patient_referrers_incoming AS i USING (row_number)
WHERE d.action IN ('insert', 'restore') ORDER BY d.row_number;

WITH written AS (
   INSERT INTO nexus_assets.identity_patient_referrers AS l
     (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_patient_id, base_referrer_id, base_referral_date, base_referral_reason, base_status, base_is_primary)
   SELECT i.source_id, c.nexus_id, i.row_hash,
       hash_record_extended(ROW(t.patient_id, t.referrer_id, t.referral_date, t.referral_reason, t.status, t.is_primary), 0),
       i.row_number, nullif(i.notices, ARRAY[]::text[]), 'adopted', <load>, <load>,
       CASE WHEN i.new_patient_id IS NOT NULL
           OR c.write_patient_id THEN hash_record_extended(ROW(i.new_patient_id::uuid), 0)
            WHEN l.base_patient_id IS NULL AND t.patient_id IS NOT DISTINCT
                FROM i.new_patient_id::uuid THEN hash_record_extended(ROW(i.new_patient_id::uuid), 0)
                ELSE l.base_patient_id END
   ,
       CASE WHEN i.new_referrer_id IS NOT NULL
           OR c.write_referrer_id THEN hash_record_extended(ROW(i.new_referrer_id::uuid), 0)
            WHEN l.base_referrer_id IS NULL AND t.referrer_id IS NOT DISTINCT
                FROM i.new_referrer_id::uuid THEN hash_record_extended(ROW(i.new_referrer_id::uuid), 0)
                ELSE l.base_referrer_id END
   , hash_record_extended(ROW(i.new_referral_date::date), 0),
       CASE WHEN i.new_referral_reason IS NOT NULL
           OR c.write_referral_reason THEN hash_record_extended(ROW(i.new_referral_reason::text), 0)
            WHEN l.base_referral_reason IS NULL AND t.referral_reason IS NOT DISTINCT
                FROM i.new_referral_reason::text THEN hash_record_extended(ROW(i.new_referral_reason::text), 0)
                ELSE l.base_referral_reason END
   ,
       CASE WHEN i.new_status IS NOT NULL
           OR c.write_status THEN hash_record_extended(ROW(coalesce(i.new_status::character varying(20), 'ACTIVE'::character varying(20))), 0)
            WHEN l.base_status IS NULL AND t.status IS NOT DISTINCT
                FROM coalesce(i.new_status::character varying(20), 'ACTIVE'::character varying(20)) THEN hash_record_extended(ROW(coalesce(i.new_status::character varying(20), 'ACTIVE'::character varying(20))), 0)
                ELSE l.base_status END
   ,
       CASE WHEN i.new_is_primary IS NOT NULL
           OR c.write_is_primary THEN hash_record_extended(ROW(coalesce(i.new_is_primary::boolean, false::boolean)), 0)
            WHEN l.base_is_primary IS NULL AND t.is_primary IS NOT DISTINCT
                FROM coalesce(i.new_is_primary::boolean, false::boolean) THEN hash_record_extended(ROW(coalesce(i.new_is_primary::boolean, false::boolean)), 0)
                ELSE l.base_is_primary END
   FROM nexus_assets.work_patient_referrers_changes AS c
       JOIN nexus_assets.work_patient_referrers_incoming AS i USING (row_number)
       JOIN public.patient_referrers AS t ON t.id = c.nexus_id
   LEFT JOIN nexus_assets.identity_patient_referrers AS l ON l.source_id = c.source_id
   ORDER BY i.source_id
   ON CONFLICT (source_id) DO UPDATE SET nexus_id = excluded.nexus_id, row_hash = excluded.row_hash,
       target_hash = excluded.target_hash, row_number = excluded.row_number, notices = excluded.notices,
       last_load = excluded.last_load, base_patient_id = excluded.base_patient_id,
       base_referrer_id = excluded.base_referrer_id, base_referral_date = excluded.base_referral_date,
       base_referral_reason = excluded.base_referral_reason, base_status = excluded.base_status,
       base_is_primary = excluded.base_is_primary, first_load = coalesce(l.first_load, excluded.first_load)
   WHERE l.last_load IS NULL
       OR (l.nexus_id, l.row_hash, l.target_hash, l.notices, l.base_patient_id, l.base_referrer_id, l.base_referral_date, l.base_referral_reason, l.base_status, l.base_is_primary) IS DISTINCT
       FROM (excluded.nexus_id, excluded.row_hash, excluded.target_hash, excluded.notices, excluded.base_patient_id, excluded.base_referrer_id, excluded.base_referral_date, excluded.base_referral_reason, excluded.base_status, excluded.base_is_primary)
RETURNING l.source_id, to_jsonb(l) AS content, l.xmax::text <> '0' AS met)
       INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
       SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
           ARRAY['nexus_assets','identity_patient_referrers'], concat_ws(' ', w.source_id::text), CASE
           WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
           CASE WHEN was.content IS NULL THEN w.content
           ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
       FROM written AS w
         LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_patient_referrers AS o WHERE w.met AND o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

CREATE UNLOGGED TABLE nexus_assets.work_patient_referrers_entries AS
SELECT d.action, i.source_id, d.nexus_id, i.row_hash,
    hash_record_extended(ROW(i.new_patient_id::uuid, i.new_referrer_id::uuid, i.new_referral_date::date, i.new_referral_reason::text, coalesce(i.new_status::character varying(20), 'ACTIVE'::character varying(20)), coalesce(i.new_is_primary::boolean, false::boolean)), 0) AS target_hash,
    i.row_number,
       nullif(i.notices, ARRAY[]::text[]) AS notices, 'made' AS origin, <load> AS first_load, <load> AS last_load,
           hash_record_extended(ROW(i.new_patient_id::uuid), 0) AS base_patient_id,
           hash_record_extended(ROW(i.new_referrer_id::uuid), 0) AS base_referrer_id,
           hash_record_extended(ROW(i.new_referral_date::date), 0) AS base_referral_date,
           hash_record_extended(ROW(i.new_referral_reason::text), 0) AS base_referral_reason,
           hash_record_extended(ROW(coalesce(i.new_status::character varying(20), 'ACTIVE'::character varying(20))), 0) AS base_status,
           hash_record_extended(ROW(coalesce(i.new_is_primary::boolean, false::boolean)), 0) AS base_is_primary
FROM nexus_assets.work_patient_referrers_decided AS d
    JOIN nexus_assets.work_patient_referrers_incoming AS i USING (row_number)
WHERE d.action IN ('insert', 'restore');

INSERT INTO nexus_assets.identity_patient_referrers AS l (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_patient_id, base_referrer_id, base_referral_date, base_referral_reason, base_status, base_is_primary) SELECT source_id,
    nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_patient_id,
    base_referrer_id, base_referral_date, base_referral_reason, base_status, base_is_primary
    FROM nexus_assets.work_patient_referrers_entries WHERE action = 'insert' ORDER BY source_id;

INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['public','patient_referrers'], nexus_id::text, NULL, NULL FROM nexus_assets.work_patient_referrers_entries
        WHERE action = 'restore'
;WITH written AS (
    INSERT INTO nexus_assets.identity_patient_referrers AS l (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_patient_id, base_referrer_id, base_referral_date, base_referral_reason, base_status, base_is_primary) SELECT source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_patient_id, base_referrer_id, base_referral_date, base_referral_reason, base_status, base_is_primary FROM nexus_assets.work_patient_referrers_entries WHERE action = 'restore' ORDER BY source_id ON CONFLICT (source_id) DO UPDATE SET nexus_id = excluded.nexus_id, row_hash = excluded.row_hash, target_hash = excluded.target_hash, row_number = excluded.row_number, notices = excluded.notices, last_load = excluded.last_load, base_patient_id = excluded.base_patient_id, base_referrer_id = excluded.base_referrer_id, base_referral_date = excluded.base_referral_date, base_referral_reason = excluded.base_referral_reason, base_status = excluded.base_status, base_is_primary = excluded.base_is_primary, first_load = coalesce(l.first_load, excluded.first_load) RETURNING l.source_id, to_jsonb(l) AS content, l.xmax::text <> '0' AS met)
    INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['nexus_assets','identity_patient_referrers'], concat_ws(' ', w.source_id::text), CASE
        WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
        CASE WHEN was.content IS NULL THEN w.content
        ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
    FROM written AS w
      LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_patient_referrers AS o WHERE w.met AND o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

SELECT EXISTS (SELECT FROM nexus_assets.superseded WHERE entity = %s);

SELECT EXISTS (SELECT FROM nexus_assets.work_patient_referrers_incoming WHERE reason IS NOT NULL)
    OR EXISTS (SELECT FROM nexus_assets.reject WHERE entity = 'patient_referrers' AND resolved_load IS NULL);

CREATE UNLOGGED TABLE nexus_assets.work_patient_referrers_rejected AS
    SELECT row_number, source_id, row_hash, reason, reason_column AS column_name,
           row_number() OVER (PARTITION BY row_hash, reason, reason_column ORDER BY row_number) AS k
    FROM nexus_assets.work_patient_referrers_incoming WHERE reason IS NOT NULL;
    CREATE UNLOGGED TABLE nexus_assets.work_patient_referrers_known_rejects AS
    SELECT id, row_hash, reason, column_name, row_number,
           row_number() OVER (PARTITION BY row_hash, reason, column_name ORDER BY id) AS k
    FROM nexus_assets.reject AS r WHERE entity = 'patient_referrers' AND resolved_load IS NULL
      AND NOT EXISTS (SELECT FROM nexus_assets.work_patient_referrers_standing AS s WHERE s.id = r.id);
    UPDATE nexus_assets.reject AS r SET resolved_load = <load>
        FROM nexus_assets.work_patient_referrers_known_rejects AS n
    WHERE r.id = n.id
        AND NOT EXISTS (SELECT FROM nexus_assets.work_patient_referrers_rejected AS x WHERE (x.row_hash, x.reason, x.k) = (n.row_hash, n.reason, n.k) AND x.column_name IS NOT DISTINCT FROM n.column_name);
    WITH written AS (
    UPDATE nexus_assets.reject AS r SET row_number = now.row_number FROM (
      SELECT n.id, x.row_number FROM nexus_assets.work_patient_referrers_known_rejects AS n
          JOIN nexus_assets.work_patient_referrers_rejected AS x ON (x.row_hash, x.reason, x.k) = (n.row_hash, n.reason, n.k)
          AND x.column_name IS NOT DISTINCT FROM n.column_name WHERE n.row_number <> x.row_number
      UNION ALL
      SELECT id, row_number FROM nexus_assets.work_patient_referrers_standing WHERE row_before <> row_number
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
SELECT 'patient_referrers', x.row_number, nexus_assets.read_text(s.key_pair), x.reason, x.column_name, x.row_hash,
       jsonb_strip_nulls(jsonb_build_object('date', s.c0, 'id_Contact', s.c1, 'id_Perscriber', s.c2)), <load>
FROM (SELECT * FROM nexus_assets.work_patient_referrers_rejected AS x WHERE NOT EXISTS (SELECT FROM nexus_assets.work_patient_referrers_known_rejects AS n WHERE (x.row_hash, x.reason, x.k) = (n.row_hash, n.reason, n.k) AND x.column_name IS NOT DISTINCT FROM n.column_name)) AS x
    JOIN nexus_assets.work_patient_referrers_keyed AS s USING (row_number) ORDER BY x.row_number;

SET LOCAL enable_nestloop = off;

WITH written AS (
UPDATE nexus_assets.identity_patient_referrers AS l SET vanished_load = NULL WHERE vanished_load IS NOT NULL AND EXISTS (SELECT FROM nexus_assets.work_patient_referrers_seen AS s WHERE s.source_id = l.source_id) RETURNING l.source_id, to_jsonb(l) AS content)
INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
    ARRAY['nexus_assets','identity_patient_referrers'], concat_ws(' ', w.source_id::text), CASE
    WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
    CASE WHEN was.content IS NULL THEN w.content
    ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
FROM written AS w
  LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_patient_referrers AS o WHERE o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

SET LOCAL enable_nestloop TO DEFAULT;

SELECT notices, count(*), min(row_number) FROM (
  SELECT notices, row_number FROM nexus_assets.work_patient_referrers_seen WHERE notices IS NOT NULL AND settled
  UNION ALL
  SELECT l.notices, i.row_number FROM nexus_assets.work_patient_referrers_incoming AS i
      JOIN nexus_assets.identity_patient_referrers AS l USING (source_id)
  WHERE l.notices IS NOT NULL AND i.reason IS NULL
) AS told GROUP BY 1;

INSERT INTO nexus_assets.load (id, entity, run_id, started_at, finished_at, mapping_version, sources, date_orders, source_rows, outcomes, rejected, notices, healed, adoption, parents, undoable) OVERRIDING SYSTEM VALUE
    VALUES (%s, %s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

DELETE FROM nexus_assets.reject AS x
    WHERE (SELECT max(id) FROM nexus_assets.load WHERE entity = 'patient_referrers' AND finished_at < now() - make_interval(days => 365)) IS NOT NULL
    AND entity = 'patient_referrers'
    AND resolved_load <= (SELECT max(id) FROM nexus_assets.load WHERE entity = 'patient_referrers' AND finished_at < now() - make_interval(days => 365))
    AND NOT EXISTS (SELECT FROM nexus_assets.load AS u WHERE u.id = x.resolved_load AND u.undoable); DELETE
    FROM nexus_assets.conflict AS x
    WHERE (SELECT max(id) FROM nexus_assets.load WHERE entity = 'patient_referrers' AND finished_at < now() - make_interval(days => 365)) IS NOT NULL
    AND entity = 'patient_referrers'
    AND resolved_load <= (SELECT max(id) FROM nexus_assets.load WHERE entity = 'patient_referrers' AND finished_at < now() - make_interval(days => 365))
    AND NOT EXISTS (SELECT FROM nexus_assets.load AS u WHERE u.id = x.resolved_load AND u.undoable); DELETE
    FROM nexus_assets.correction AS x WHERE entity = 'patient_referrers'
    AND idle_since < now() - make_interval(days => 365); DELETE FROM nexus_assets.undone AS x
    WHERE entity = 'patient_referrers' AND undone_at < now() - make_interval(days => 365); DELETE
    FROM nexus_assets.load AS x WHERE entity = 'patient_referrers' AND finished_at < now() - make_interval(days => 365)
    AND id NOT IN (SELECT id FROM nexus_assets.load WHERE entity = 'patient_referrers' ORDER BY id DESC LIMIT 2)
    AND NOT (undoable AND (outcomes ->> 'inserted' <> '0' OR EXISTS (SELECT FROM nexus_assets.before_value AS b WHERE b.load_id = x.id)))
    AND NOT EXISTS (SELECT FROM nexus_assets.reject AS r WHERE r.entity = 'patient_referrers' AND r.first_load = x.id AND r.resolved_load IS NULL);

SELECT relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'nexus_assets'
    AND c.relkind = 'r' AND starts_with(relname, %s) ORDER BY c.oid;

DROP TABLE nexus_assets.work_patient_referrers_export, nexus_assets.work_patient_referrers_dates_of_records,
    nexus_assets.work_patient_referrers_keyed, nexus_assets.work_patient_referrers_seen,
    nexus_assets.work_patient_referrers_repeated, nexus_assets.work_patient_referrers_standing,
    nexus_assets.work_patient_referrers_pending, nexus_assets.work_patient_referrers_dates,
    nexus_assets.work_patient_referrers_texts, nexus_assets.work_patient_referrers_incoming,
    nexus_assets.work_patient_referrers_recognised, nexus_assets.work_patient_referrers_decided,
    nexus_assets.work_patient_referrers_followed, nexus_assets.work_patient_referrers_changes,
    nexus_assets.work_patient_referrers_kept, nexus_assets.work_patient_referrers_entries,
    nexus_assets.work_patient_referrers_rejected, nexus_assets.work_patient_referrers_known_rejects;

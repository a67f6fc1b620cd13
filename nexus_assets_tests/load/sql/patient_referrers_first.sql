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

SELECT nextval(pg_get_serial_sequence('nexus_assets.load', 'id')), (SELECT coalesce(max(id), 0) FROM nexus_assets.load);

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

SELECT CASE WHEN EXISTS (SELECT FROM public.patient_referrers)
    OR EXISTS (SELECT FROM nexus_assets.identity_patient_referrers) THEN FALSE
ELSE (SELECT count(id) = count(DISTINCT id) FROM (SELECT nexus_assets.read_uuid(x.key_pair) AS id FROM nexus_assets.work_patient_referrers_keyed AS x OFFSET '0') AS named) END;

DROP TABLE IF EXISTS nexus_assets.work_patient_referrers_dates; CREATE UNLOGGED TABLE nexus_assets.work_patient_referrers_dates AS SELECT NULL::text AS field,
    NULL::text AS raw, 0::bigint AS times WHERE false UNION ALL SELECT 'date'::text AS field, raw, times
    FROM (SELECT s.f1 AS raw, count(*) AS times FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid(x.key_pair) AS source_id,
         hash_record_extended(ROW(x.key_pair, x.c0, NULL::text, NULL::text, NULL::text, x.c1, x.c2, NULL::text), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, x.key_pair AS f0, x.c0 AS f1, x.c1 AS f2, x.c2 AS f3 FROM nexus_assets.work_patient_referrers_keyed AS x OFFSET '0')
AS s GROUP BY 1) AS different WHERE nexus_assets.read_text(raw) IS NOT NULL;

ALTER TABLE nexus_assets.work_patient_referrers_dates ADD COLUMN value date;UPDATE nexus_assets.work_patient_referrers_dates SET value = nexus_assets.read_date(raw, coalesce('{}'::jsonb ->> field, 'mdy'), <today>, '1899-12-30'::date, 'Australia/Sydney');ANALYZE nexus_assets.work_patient_referrers_dates;

CREATE UNLOGGED TABLE nexus_assets.work_patient_referrers_texts AS SELECT NULL::text AS column_name, NULL::text AS raw,
    NULL::text AS value WHERE FALSE UNION ALL
               SELECT 'status', different.raw,
                   (CASE rtrim(nexus_assets.comparable(different.raw), ' .') WHEN 'active' THEN 'ACTIVE' WHEN 'inactive' THEN 'INACTIVE' WHEN 'pending' THEN 'PENDING' END)
                   FROM (
                 SELECT NULL::text AS raw UNION ALL
                 (SELECT NULL::text AS raw FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid(x.key_pair) AS source_id,
         hash_record_extended(ROW(x.key_pair, x.c0, NULL::text, NULL::text, NULL::text, x.c1, x.c2, NULL::text), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, x.key_pair AS f0, x.c0 AS f1, x.c1 AS f2, x.c2 AS f3 FROM nexus_assets.work_patient_referrers_keyed AS x OFFSET '0')
AS s WHERE NULL::text IS NOT NULL GROUP BY 1)) AS different
           ; ANALYZE nexus_assets.work_patient_referrers_texts;

CREATE UNLOGGED TABLE nexus_assets.work_patient_referrers_incoming AS
   SELECT r.row_number, r.source_id, r.row_hash, r.known_id, r.is_live,
       (coalesce(r.why, CASE WHEN length(r.new_status) > 20 THEN ARRAY['too_long', 'status'] END))[1] AS reason,
       (coalesce(r.why, CASE WHEN length(r.new_status) > 20 THEN ARRAY['too_long', 'status'] END))[2] AS reason_column,
          r.described, r.notices, CASE
              WHEN coalesce(r.why, CASE WHEN length(r.new_status) > 20 THEN ARRAY['too_long', 'status'] END) IS NULL THEN nexus_assets.minted_id('patient_referrers', r.source_id::text) END AS nexus_id,
              r.new_patient_id, r.new_referrer_id, r.new_referral_date, r.new_referral_reason, r.new_status,
              r.new_is_primary
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
     FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid(x.key_pair) AS source_id,
         hash_record_extended(ROW(x.key_pair, x.c0, NULL::text, NULL::text, NULL::text, x.c1, x.c2, NULL::text), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, x.key_pair AS f0, x.c0 AS f1, x.c1 AS f2, x.c2 AS f3 FROM nexus_assets.work_patient_referrers_keyed AS x OFFSET '0')
AS s
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

WITH said AS (
  SELECT "the row" AS row_number, "the id" AS nexus_id, "is new" AS is_new, patient_id AS "key 0",
      referrer_id AS "key 1"
      FROM (
        SELECT i.row_number AS "the row", d.nexus_id AS "the id", TRUE AS "is new",
            i.new_patient_id::uuid AS patient_id, i.new_referrer_id::uuid AS referrer_id
            FROM nexus_assets.work_patient_referrers_incoming AS i CROSS JOIN LATERAL
  (SELECT i.row_number, i.nexus_id, 'insert'::text AS action WHERE i.reason IS NULL) AS d WHERE d.action IN ('insert', 'restore')) AS n
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
)
SELECT count(*), min(row_number) FROM refused;

SELECT reason, count(*), count(*) FILTER (WHERE new_patient_id IS NULL), count(*) FILTER (WHERE new_referrer_id IS NULL)
    FROM nexus_assets.work_patient_referrers_incoming GROUP BY 1 ORDER BY 2 DESC, 1;

INSERT INTO public.patient_referrers (id, patient_id, referrer_id, referral_date, referral_reason, status, is_primary, created_at, updated_at)
SELECT d.nexus_id, i.new_patient_id::uuid, i.new_referrer_id::uuid, i.new_referral_date::date,
    i.new_referral_reason::text, coalesce(i.new_status::character varying(20), 'ACTIVE'::character varying(20)),
    coalesce(i.new_is_primary::boolean, false::boolean), now(), now()
    FROM nexus_assets.work_patient_referrers_incoming AS i CROSS JOIN LATERAL
  (SELECT i.row_number, i.nexus_id, 'insert'::text AS action WHERE i.reason IS NULL) AS d
WHERE d.action IN ('insert', 'restore') ORDER BY d.row_number;

DO $$ BEGIN
      LOCK TABLE nexus_assets.identity_patient_referrers IN ACCESS EXCLUSIVE MODE NOWAIT;
      ALTER TABLE nexus_assets.identity_patient_referrers DROP CONSTRAINT identity_patient_referrers_pkey,
          DROP CONSTRAINT identity_patient_referrers_nexus_id_key;
    EXCEPTION WHEN lock_not_available OR insufficient_privilege OR undefined_object THEN NULL;
    END $$;
    INSERT INTO nexus_assets.identity_patient_referrers (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_patient_id, base_referrer_id, base_referral_date, base_referral_reason, base_status, base_is_primary) SELECT source_id,
        nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_patient_id,
        base_referrer_id, base_referral_date, base_referral_reason, base_status, base_is_primary FROM (
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
    FROM nexus_assets.work_patient_referrers_incoming AS i CROSS JOIN LATERAL
      (SELECT i.row_number, i.nexus_id, 'insert'::text AS action WHERE i.reason IS NULL) AS d
    WHERE d.action IN ('insert', 'restore')
) AS e;
    DO $$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'nexus_assets.identity_patient_referrers'::regclass AND contype = 'p') THEN
        ALTER TABLE nexus_assets.identity_patient_referrers ADD CONSTRAINT identity_patient_referrers_pkey PRIMARY KEY (source_id),
            ADD CONSTRAINT identity_patient_referrers_nexus_id_key UNIQUE (nexus_id);
      END IF;
    END $$;

SELECT EXISTS (SELECT FROM nexus_assets.superseded WHERE entity = %s);

INSERT INTO nexus_assets.reject (entity, row_number, source_id, reason, column_name, row_hash, payload, first_load)
SELECT 'patient_referrers', x.row_number, nexus_assets.read_text(s.key_pair), x.reason, x.column_name, x.row_hash,
       jsonb_strip_nulls(jsonb_build_object('date', s.c0, 'id_Contact', s.c1, 'id_Perscriber', s.c2)), <load>
FROM (SELECT *, reason_column AS column_name FROM nexus_assets.work_patient_referrers_incoming WHERE reason IS NOT NULL) AS x
    JOIN nexus_assets.work_patient_referrers_keyed AS s USING (row_number) ORDER BY x.row_number;

SELECT notices, count(*), min(row_number) FROM nexus_assets.identity_patient_referrers WHERE notices IS NOT NULL
    GROUP BY 1;

INSERT INTO nexus_assets.load (id, entity, run_id, started_at, finished_at, mapping_version, sources, date_orders, source_rows, outcomes, rejected, notices, healed, adoption, parents, undoable) OVERRIDING SYSTEM VALUE
    VALUES (%s, %s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

SELECT relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'nexus_assets'
    AND c.relkind = 'r' AND starts_with(relname, %s) ORDER BY c.oid;

DROP TABLE nexus_assets.work_patient_referrers_export, nexus_assets.work_patient_referrers_dates_of_records,
    nexus_assets.work_patient_referrers_keyed, nexus_assets.work_patient_referrers_dates,
    nexus_assets.work_patient_referrers_texts, nexus_assets.work_patient_referrers_incoming;

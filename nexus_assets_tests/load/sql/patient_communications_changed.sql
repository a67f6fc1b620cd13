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
         WHEN t.id IS NOT NULL THEN hash_record_extended(ROW(k.source_id, t.id, t.carried, k.vanished_load IS NULL), 0) END), 0),
       count(*) - count(t.id)
FROM nexus_assets.identity_patients AS k
    LEFT JOIN (SELECT t.id, t.filemaker_metadata ->> 'filemaker_id' AS carried FROM public.patients AS t OFFSET '0') AS t ON t.id = k.nexus_id;

SELECT count(t.id) || ' rows, ' || coalesce(sum(CASE
         WHEN t.id IS NOT NULL THEN hash_record_extended(ROW(k.source_id, t.id, t.carried), 0) END), 0),
       count(*) - count(t.id)
FROM nexus_assets.identity_referrers AS k
    LEFT JOIN (SELECT t.id, t.filemaker_id AS carried FROM public.referrers AS t OFFSET '0') AS t ON t.id = k.nexus_id;

SELECT count(t.id) || ' rows, ' || coalesce(sum(CASE
         WHEN t.id IS NOT NULL THEN hash_record_extended(ROW(k.source_id, t.id, t.carried), 0) END), 0),
       count(*) - count(t.id)
FROM nexus_assets.identity_companies AS k
    LEFT JOIN (SELECT t.id, t.filemaker_id AS carried FROM public.companies AS t OFFSET '0') AS t ON t.id = k.nexus_id;

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
    JOIN nexus_assets.identity_patient_communications AS l USING (source_id)
WHERE c.entity = 'patient_communications' AND c.resolved_load IS NULL
    AND (c.decision = 'filemaker' OR c.cause = 'refused') AND l.vanished_load IS NULL;

SELECT nextval(pg_get_serial_sequence('nexus_assets.load', 'id')), (SELECT coalesce(max(id), 0) FROM nexus_assets.load);

SELECT count(*), extract(epoch FROM max(corrected_at))::text FROM nexus_assets.correction WHERE export = 'Coms';

CREATE UNLOGGED TABLE nexus_assets.work_patient_communications_export (row_number bigint GENERATED ALWAYS AS IDENTITY, c0 text, c1 text, c2 text, c3 text, c4 text, c5 text, c6 text, c7 text, c8 text, c9 text, c10 text, c11 text, c12 text, c13 text, c14 text);

COPY nexus_assets.work_patient_communications_export (c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14)
    FROM STDIN WITH (FORMAT csv, ENCODING 'UTF8', delimiter ',', quote '"');

SELECT count(*), extract(epoch FROM max(corrected_at))::text FROM nexus_assets.correction WHERE export = 'Coms';

ANALYZE nexus_assets.work_patient_communications_export;

WITH found AS (
  SELECT heading, code, count(*) AS cells, min(row_number) AS first
  FROM nexus_assets.work_patient_communications_export AS s,
      LATERAL (VALUES ('id.key', s.c6), ('type', s.c14), ('Name', s.c7), ('ph', s.c8), ('PhoneMobileIntFormat', s.c9), ('SMS Phone', s.c11), ('address 1', s.c0), ('address 2', s.c1), ('suburb', s.c13), ('state', s.c12), ('post code', s.c10), ('country', s.c2), ('Full Address one line', s.c4)) AS cell(heading, text),
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
  WHERE (concat_ws(E'\x1F', '', CASE WHEN octet_length(s.c6) <= 35 THEN s.c6 END, CASE WHEN octet_length(s.c14) <= 35 THEN s.c14 END, CASE WHEN octet_length(s.c7) <= 35 THEN s.c7 END, CASE WHEN octet_length(s.c8) <= 35 THEN s.c8 END, CASE WHEN octet_length(s.c9) <= 35 THEN s.c9 END, CASE WHEN octet_length(s.c11) <= 35 THEN s.c11 END, CASE WHEN octet_length(s.c0) <= 35 THEN s.c0 END, CASE WHEN octet_length(s.c1) <= 35 THEN s.c1 END, CASE WHEN octet_length(s.c13) <= 35 THEN s.c13 END, CASE WHEN octet_length(s.c12) <= 35 THEN s.c12 END, CASE WHEN octet_length(s.c10) <= 35 THEN s.c10 END, CASE WHEN octet_length(s.c2) <= 35 THEN s.c2 END, CASE WHEN octet_length(s.c4) <= 35 THEN s.c4 END, '')
           ~ '[<#&?=''\\\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]|_x00|[0-9]([eE][-+]|[.]0)|[0-9]{16}|\x1F[(]?(NULL|null|NaN|nan)[)]?\x1F'
         OR (octet_length(s.c6) > 35 AND (
      strpos(s.c6, '&') > 0 OR strpos(s.c6, '_x00') > 0
      OR octet_length(s.c6) <= 60 AND (strpos(s.c6, '<') > 0 OR strpos(s.c6, '#') > 0)
      OR s.c6 LIKE '="%' OR octet_length(s.c6) >= 32767
      OR octet_length(s.c6) <> length(s.c6) AND s.c6 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c14) > 35 AND (
      strpos(s.c14, '&') > 0 OR strpos(s.c14, '_x00') > 0
      OR octet_length(s.c14) <= 60 AND (strpos(s.c14, '<') > 0 OR strpos(s.c14, '#') > 0)
      OR s.c14 LIKE '="%' OR octet_length(s.c14) >= 32767
      OR octet_length(s.c14) <> length(s.c14) AND s.c14 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c7) > 35 AND (
      strpos(s.c7, '&') > 0 OR strpos(s.c7, '_x00') > 0
      OR octet_length(s.c7) <= 60 AND (strpos(s.c7, '<') > 0 OR strpos(s.c7, '#') > 0)
      OR s.c7 LIKE '="%' OR octet_length(s.c7) >= 32767
      OR octet_length(s.c7) <> length(s.c7) AND s.c7 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c8) > 35 AND (
      strpos(s.c8, '&') > 0 OR strpos(s.c8, '_x00') > 0
      OR octet_length(s.c8) <= 60 AND (strpos(s.c8, '<') > 0 OR strpos(s.c8, '#') > 0)
      OR s.c8 LIKE '="%' OR octet_length(s.c8) >= 32767
      OR octet_length(s.c8) <> length(s.c8) AND s.c8 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c9) > 35 AND (
      strpos(s.c9, '&') > 0 OR strpos(s.c9, '_x00') > 0
      OR octet_length(s.c9) <= 60 AND (strpos(s.c9, '<') > 0 OR strpos(s.c9, '#') > 0)
      OR s.c9 LIKE '="%' OR octet_length(s.c9) >= 32767
      OR octet_length(s.c9) <> length(s.c9) AND s.c9 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c11) > 35 AND (
      strpos(s.c11, '&') > 0 OR strpos(s.c11, '_x00') > 0
      OR octet_length(s.c11) <= 60 AND (strpos(s.c11, '<') > 0 OR strpos(s.c11, '#') > 0)
      OR s.c11 LIKE '="%' OR octet_length(s.c11) >= 32767
      OR octet_length(s.c11) <> length(s.c11) AND s.c11 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c0) > 35 AND (
      strpos(s.c0, '&') > 0 OR strpos(s.c0, '_x00') > 0
      OR octet_length(s.c0) <= 60 AND (strpos(s.c0, '<') > 0 OR strpos(s.c0, '#') > 0)
      OR s.c0 LIKE '="%' OR octet_length(s.c0) >= 32767
      OR octet_length(s.c0) <> length(s.c0) AND s.c0 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c1) > 35 AND (
      strpos(s.c1, '&') > 0 OR strpos(s.c1, '_x00') > 0
      OR octet_length(s.c1) <= 60 AND (strpos(s.c1, '<') > 0 OR strpos(s.c1, '#') > 0)
      OR s.c1 LIKE '="%' OR octet_length(s.c1) >= 32767
      OR octet_length(s.c1) <> length(s.c1) AND s.c1 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c13) > 35 AND (
      strpos(s.c13, '&') > 0 OR strpos(s.c13, '_x00') > 0
      OR octet_length(s.c13) <= 60 AND (strpos(s.c13, '<') > 0 OR strpos(s.c13, '#') > 0)
      OR s.c13 LIKE '="%' OR octet_length(s.c13) >= 32767
      OR octet_length(s.c13) <> length(s.c13) AND s.c13 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c12) > 35 AND (
      strpos(s.c12, '&') > 0 OR strpos(s.c12, '_x00') > 0
      OR octet_length(s.c12) <= 60 AND (strpos(s.c12, '<') > 0 OR strpos(s.c12, '#') > 0)
      OR s.c12 LIKE '="%' OR octet_length(s.c12) >= 32767
      OR octet_length(s.c12) <> length(s.c12) AND s.c12 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c10) > 35 AND (
      strpos(s.c10, '&') > 0 OR strpos(s.c10, '_x00') > 0
      OR octet_length(s.c10) <= 60 AND (strpos(s.c10, '<') > 0 OR strpos(s.c10, '#') > 0)
      OR s.c10 LIKE '="%' OR octet_length(s.c10) >= 32767
      OR octet_length(s.c10) <> length(s.c10) AND s.c10 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c2) > 35 AND (
      strpos(s.c2, '&') > 0 OR strpos(s.c2, '_x00') > 0
      OR octet_length(s.c2) <= 60 AND (strpos(s.c2, '<') > 0 OR strpos(s.c2, '#') > 0)
      OR s.c2 LIKE '="%' OR octet_length(s.c2) >= 32767
      OR octet_length(s.c2) <> length(s.c2) AND s.c2 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c4) > 35 AND (
      strpos(s.c4, '&') > 0 OR strpos(s.c4, '_x00') > 0
      OR octet_length(s.c4) <= 60 AND (strpos(s.c4, '<') > 0 OR strpos(s.c4, '#') > 0)
      OR s.c4 LIKE '="%' OR octet_length(s.c4) >= 32767
      OR octet_length(s.c4) <> length(s.c4) AND s.c4 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]')))
    AND code IS NOT NULL
  GROUP BY 1, 2
), columns AS MATERIALIZED (
  SELECT max(octet_length(s.c6)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c6)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c14)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c14)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c7)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c7)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c8)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c8)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c9)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c9)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c11)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c11)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c0)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c0)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c1)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c1)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c13)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c13)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c12)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c12)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c10)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c10)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c2)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c2)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c4)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c4)) BETWEEN 65535
      AND 4 * 65536 AS may_be_cut FROM nexus_assets.work_patient_communications_export AS s
), long AS (
  SELECT heading, length(text) AS long, count(*) AS cells, min(row_number) AS first
  FROM nexus_assets.work_patient_communications_export AS s,
      LATERAL (VALUES ('id.key', s.c6), ('type', s.c14), ('Name', s.c7), ('ph', s.c8), ('PhoneMobileIntFormat', s.c9), ('SMS Phone', s.c11), ('address 1', s.c0), ('address 2', s.c1), ('suburb', s.c13), ('state', s.c12), ('post code', s.c10), ('country', s.c2), ('Full Address one line', s.c4)) AS cell(heading, text)
  WHERE (SELECT may_be_cut FROM columns)
      AND greatest(octet_length(s.c6), octet_length(s.c14), octet_length(s.c7), octet_length(s.c8), octet_length(s.c9), octet_length(s.c11), octet_length(s.c0), octet_length(s.c1), octet_length(s.c13), octet_length(s.c12), octet_length(s.c10), octet_length(s.c2), octet_length(s.c4)) >= 255
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

CREATE UNLOGGED TABLE nexus_assets.work_patient_communications_keyed AS
   SELECT e.*, row_number() OVER (PARTITION BY e.key_owner, e.alone ORDER BY e.row_number) AS place,
   CASE WHEN row_number() OVER (PARTITION BY e.key_owner, e.alone ORDER BY e.row_number) = 1 THEN coalesce(
     jsonb_agg(e.said) FILTER (WHERE e.said IS NOT NULL) OVER (
       PARTITION BY e.key_owner, e.alone ORDER BY e.row_number ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING),
     '[]')::text END
AS gathered
   FROM (SELECT e.*, nexus_assets.communication(e.c14, e.c7, e.c8, e.c9, e.c11, e.c0, e.c1, e.c13, e.c12, e.c10, e.c2, e.c4) AS said, CASE WHEN NOT (EXISTS (SELECT FROM nexus_assets.identity_patients AS k WHERE k.source_id = nexus_assets.read_uuid(e.key_owner)) OR EXISTS (SELECT FROM nexus_assets.identity_patient_communications AS k WHERE k.source_id = nexus_assets.read_uuid(e.key_owner))) THEN e.row_number END AS alone FROM (SELECT e.*, coalesce(nexus_assets.read_uuid(e.c6)::text, nexus_assets.read_text(e.c6)) AS key_owner FROM nexus_assets.work_patient_communications_export AS e OFFSET '0') AS e WHERE TRUE AND (EXISTS (SELECT FROM nexus_assets.identity_patients AS k WHERE k.source_id = nexus_assets.read_uuid(e.key_owner)) OR NOT (EXISTS (SELECT FROM nexus_assets.identity_referrers AS k WHERE k.source_id = nexus_assets.read_uuid(e.key_owner)) OR EXISTS (SELECT FROM nexus_assets.identity_companies AS k WHERE k.source_id = nexus_assets.read_uuid(e.key_owner))))) AS e;

ANALYZE nexus_assets.work_patient_communications_keyed;

SELECT count(*) FROM nexus_assets.work_patient_communications_export;

SELECT count(*) FILTER (WHERE (NOT (coalesce(nexus_assets.comparable(e.c14), '') = ANY (ARRAY['mobile','phone','fax','email','address'])))),
    min(row_number) FILTER (WHERE (NOT (coalesce(nexus_assets.comparable(e.c14), '') = ANY (ARRAY['mobile','phone','fax','email','address'])))),
    count(*) FILTER (WHERE (coalesce(nexus_assets.comparable(e.c14), '') = ANY (ARRAY['mobile','phone','fax','email','address']))),
    min(row_number) FILTER (WHERE (coalesce(nexus_assets.comparable(e.c14), '') = ANY (ARRAY['mobile','phone','fax','email','address'])))
    FROM nexus_assets.work_patient_communications_keyed AS e WHERE said IS NULL;

CREATE UNLOGGED TABLE nexus_assets.work_patient_communications_seen AS
SELECT s.row_number, s.source_id, s.row_hash, l.nexus_id AS known_id, t.id IS NOT NULL AS is_live,
       coalesce((l.last_load IS NOT NULL AND l.vanished_load IS NULL), false) AS is_current, l.notices,
       coalesce(l.row_hash = s.row_hash AND l.vanished_load IS NULL AND t.id IS NOT NULL AND l.target_hash = t.target_hash,
                false) AS settled
FROM (SELECT row_number, nexus_assets.read_uuid(s.key_owner) AS source_id, hash_record_extended(ROW(s.key_owner, s.gathered, s.c6, NULL::text), <seed>) AS row_hash FROM nexus_assets.work_patient_communications_keyed AS s OFFSET '0') AS s
LEFT JOIN nexus_assets.identity_patient_communications AS l ON l.source_id = s.source_id
LEFT JOIN (SELECT t.id, hash_record_extended(ROW(t.contact_json, t.address_json), 0) AS target_hash FROM public.patients AS t OFFSET '0') AS t ON t.id = l.nexus_id;

ANALYZE nexus_assets.work_patient_communications_seen;

SET LOCAL enable_hashagg = off;

CREATE UNLOGGED TABLE nexus_assets.work_patient_communications_repeated AS
SELECT s.source_id, min(s.row_number) FILTER (WHERE x.place = 1) AS first_row, false AS differ
FROM nexus_assets.work_patient_communications_seen AS s
    JOIN nexus_assets.work_patient_communications_keyed AS x USING (row_number)
WHERE s.source_id IS NOT NULL GROUP BY 1 HAVING count(*) > count(*) FILTER (WHERE x.place = 1);

SET LOCAL enable_hashagg TO DEFAULT;

ANALYZE nexus_assets.work_patient_communications_repeated;

SET LOCAL enable_nestloop = off;

CREATE UNLOGGED TABLE nexus_assets.work_patient_communications_standing AS
SELECT min(s.row_number) AS row_number, min(r.id) AS id, min(r.row_number) AS row_before, min(r.reason) AS reason
FROM nexus_assets.work_patient_communications_seen AS s JOIN nexus_assets.reject AS r ON r.row_hash = s.row_hash
    JOIN nexus_assets.work_patient_communications_keyed AS x ON x.row_number = s.row_number
WHERE r.entity = 'patient_communications' AND r.resolved_load IS NULL AND r.column_name IS NULL
  AND s.known_id IS NULL
  AND NOT EXISTS (SELECT FROM nexus_assets.work_patient_communications_repeated AS again WHERE again.source_id = s.source_id)
  AND (
    r.reason = ANY(ARRAY['no_owner']) OR FALSE
        OR (
          r.reason = 'unknown_owner'
              AND NOT EXISTS (SELECT FROM nexus_assets.identity_patients AS k JOIN public.patients AS t ON t.id = k.nexus_id
              WHERE coalesce(nexus_assets.read_uuid(t.filemaker_metadata ->> 'filemaker_id') = k.source_id, TRUE) AND k.source_id = nexus_assets.read_uuid(x.c6))))
GROUP BY s.row_hash HAVING count(*) = 1;

SET LOCAL enable_nestloop TO DEFAULT;

ANALYZE nexus_assets.work_patient_communications_standing;

CREATE UNLOGGED TABLE nexus_assets.work_patient_communications_pending AS
SELECT s.row_number, s.source_id, s.row_hash, s.known_id, s.is_live, coalesce(r.differ, false) AS disputed,
    x.key_owner AS f0, x.gathered AS f1, x.c6 AS f2
FROM nexus_assets.work_patient_communications_seen AS s
    JOIN nexus_assets.work_patient_communications_keyed AS x USING (row_number)
    LEFT JOIN nexus_assets.work_patient_communications_repeated AS r ON r.source_id = s.source_id
WHERE NOT s.settled
    AND NOT EXISTS (SELECT FROM nexus_assets.work_patient_communications_standing AS n WHERE n.row_number = s.row_number);

ANALYZE nexus_assets.work_patient_communications_pending;

CREATE UNLOGGED TABLE nexus_assets.work_patient_communications_incoming AS
SELECT r.row_number, r.source_id, r.row_hash, r.known_id, r.is_live, (coalesce(r.why, NULL::text[]))[1] AS reason,
    (coalesce(r.why, NULL::text[]))[2] AS reason_column,
       r.described, r.notices, r.new_contact_json, r.new_address_json
FROM (
  SELECT s.row_number, s.source_id, s.row_hash, s.known_id, s.is_live, CASE
      WHEN s.source_id IS NULL THEN ARRAY[CASE WHEN nexus_assets.read_text(s.f0) IS NOT NULL THEN 'unknown_owner' ELSE 'no_owner' END, NULL]
      WHEN s.disputed THEN ARRAY['duplicate_id', NULL]
      WHEN row_0.id IS NULL THEN ARRAY[CASE WHEN nexus_assets.read_text(s.f2) IS NOT NULL THEN 'unknown_owner' ELSE 'no_owner' END, NULL] END AS why,
      TRUE AS described,
         array_remove(ARRAY[]::text[], NULL) AS notices,
             ((SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(nexus_assets.contact_json(s.f1::jsonb, false)) WHERE key = ANY (ARRAY['phones','emails','email'])))::jsonb AS new_contact_json,
             (nexus_assets.address_json(s.f1::jsonb))::jsonb AS new_address_json
  FROM nexus_assets.work_patient_communications_pending AS s
  LEFT JOIN (
    SELECT k.source_id AS named, t.* FROM nexus_assets.identity_patients AS k
        JOIN public.patients AS t ON t.id = k.nexus_id
                      WHERE coalesce(nexus_assets.read_uuid(t.filemaker_metadata ->> 'filemaker_id') = k.source_id, TRUE)) AS row_0 ON row_0.named = nexus_assets.read_uuid(s.f2) OFFSET '0'
) AS r;

ANALYZE nexus_assets.work_patient_communications_incoming;

CREATE UNLOGGED TABLE nexus_assets.work_patient_communications_recognised (source_id uuid NOT NULL, nexus_id uuid NOT NULL);

SELECT EXISTS (
    SELECT i.* FROM nexus_assets.work_patient_communications_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_patient_communications_recognised AS r WHERE r.source_id = i.source_id)
) AND EXISTS (
    SELECT t.* FROM public.patients AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_patient_communications AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_patient_communications_recognised AS r WHERE r.nexus_id = t.id)
);

SET LOCAL enable_nestloop = off;

INSERT INTO nexus_assets.work_patient_communications_recognised
    SELECT i.source_id, t.id AS nexus_id FROM (
    SELECT i.* FROM nexus_assets.work_patient_communications_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_patient_communications_recognised AS r WHERE r.source_id = i.source_id)
) AS i JOIN (
    SELECT t.* FROM public.patients AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_patient_communications AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_patient_communications_recognised AS r WHERE r.nexus_id = t.id)
) AS t
    ON t.id = nexus_assets.minted_id('patient_communications', i.source_id::text);

SET LOCAL enable_nestloop TO DEFAULT;

ANALYZE nexus_assets.work_patient_communications_recognised;

SELECT EXISTS (
    SELECT i.* FROM nexus_assets.work_patient_communications_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_patient_communications_recognised AS r WHERE r.source_id = i.source_id)
) AND EXISTS (
    SELECT t.* FROM public.patients AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_patient_communications AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_patient_communications_recognised AS r WHERE r.nexus_id = t.id)
);

SET LOCAL enable_nestloop = off;

INSERT INTO nexus_assets.work_patient_communications_recognised
    SELECT i.source_id, t.id AS nexus_id FROM (
    SELECT i.* FROM nexus_assets.work_patient_communications_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_patient_communications_recognised AS r WHERE r.source_id = i.source_id)
) AS i
    JOIN nexus_assets.identity_patients AS h ON h.source_id = i.source_id JOIN (
    SELECT t.* FROM public.patients AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_patient_communications AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_patient_communications_recognised AS r WHERE r.nexus_id = t.id)
) AS t ON t.id = h.nexus_id;

SET LOCAL enable_nestloop TO DEFAULT;

-- 2 times:
ANALYZE nexus_assets.work_patient_communications_recognised;

CREATE UNLOGGED TABLE nexus_assets.work_patient_communications_decided AS
    SELECT i.row_number, i.source_id, i.known_id,
           CASE WHEN i.is_live THEN i.known_id
                ELSE coalesce(r.nexus_id, i.known_id,
    CASE
        WHEN EXISTS (SELECT FROM nexus_assets.identity_patient_communications AS k WHERE k.nexus_id = nexus_assets.minted_id('patient_communications', i.source_id::text))
         THEN (SELECT other.id FROM generate_series(1, 99) AS n,
                 LATERAL (SELECT nexus_assets.minted_id('patient_communications', concat_ws('/', i.source_id, n)) AS id) AS other
               WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_patient_communications AS k WHERE k.nexus_id = other.id)
                 AND NOT EXISTS (SELECT FROM public.patients AS t WHERE t.id = other.id) ORDER BY n LIMIT 1)
         ELSE nexus_assets.minted_id('patient_communications', i.source_id::text) END
) END AS nexus_id,
           CASE WHEN i.is_live AND l.last_load IS NOT NULL THEN 'compare'
                WHEN i.is_live OR r.nexus_id IS NOT NULL THEN 'adopt'
                WHEN i.known_id IS NOT NULL THEN 'restore' ELSE 'insert' END AS action
    FROM nexus_assets.work_patient_communications_incoming AS i
        LEFT JOIN nexus_assets.work_patient_communications_recognised AS r ON r.source_id = i.source_id
    LEFT JOIN nexus_assets.identity_patient_communications AS l ON l.source_id = i.source_id
    WHERE i.reason IS NULL;

ANALYZE nexus_assets.work_patient_communications_decided;

SELECT (SELECT count(*) FROM nexus_assets.identity_patient_communications AS l WHERE (l.last_load IS NOT NULL AND l.vanished_load IS NULL)),
    count(*) FROM nexus_assets.work_patient_communications_seen WHERE is_current;

SELECT reason, count(*) FROM nexus_assets.work_patient_communications_incoming GROUP BY 1 ORDER BY 2 DESC, 1;

SELECT reason, count(*) FROM nexus_assets.work_patient_communications_standing GROUP BY 1;

CREATE UNLOGGED TABLE nexus_assets.work_patient_communications_followed AS
SELECT source_id, known_id AS old_id, nexus_id AS new_id FROM nexus_assets.work_patient_communications_decided
WHERE action = 'adopt' AND known_id <> nexus_id;

WITH written AS (
            INSERT INTO nexus_assets.superseded AS s (entity, nexus_id, source_id, current_id, load_id)
            SELECT 'patient_communications', old_id, source_id, new_id, <load>
                FROM nexus_assets.work_patient_communications_followed
            ON CONFLICT (entity, nexus_id) DO UPDATE SET current_id = excluded.current_id, load_id = excluded.load_id
         RETURNING s.entity, s.nexus_id, to_jsonb(s) AS content, s.xmax::text <> '0' AS met)
    INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['nexus_assets','superseded'], concat_ws(' ', w.entity::text, w.nexus_id::text), CASE
        WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
        CASE WHEN was.content IS NULL THEN w.content
        ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
    FROM written AS w
      LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.superseded AS o WHERE w.met AND o.entity = w.entity AND o.nexus_id = w.nexus_id AND TRUE OFFSET 0) AS was ON TRUE
;WITH written AS (
            DELETE FROM nexus_assets.superseded AS s USING nexus_assets.work_patient_communications_followed AS f
            WHERE s.entity = 'patient_communications' AND s.nexus_id = f.new_id
         RETURNING s.entity, s.nexus_id, to_jsonb(s) AS content)
    INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['nexus_assets','superseded'], concat_ws(' ', w.entity::text, w.nexus_id::text), w.content, NULL
        FROM written AS w
;WITH written AS (
            UPDATE nexus_assets.superseded AS s SET current_id = f.new_id
                FROM nexus_assets.work_patient_communications_followed AS f
            WHERE s.entity = 'patient_communications' AND s.source_id = f.source_id AND s.current_id <> f.new_id
         RETURNING s.entity, s.nexus_id, to_jsonb(s) AS content)
    INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['nexus_assets','superseded'], concat_ws(' ', w.entity::text, w.nexus_id::text), CASE
        WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
        CASE WHEN was.content IS NULL THEN w.content
        ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
    FROM written AS w
      LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.superseded AS o WHERE o.entity = w.entity AND o.nexus_id = w.nexus_id AND TRUE OFFSET 0) AS was ON TRUE;

CREATE UNLOGGED TABLE nexus_assets.work_patient_communications_changes AS
SELECT row_number, source_id, nexus_id, action, writes_contact_json IS TRUE AS write_contact_json,
    writes_contact_json IS FALSE AS keep_contact_json, writes_address_json IS TRUE AS write_address_json,
    writes_address_json IS FALSE AS keep_address_json
FROM (
  SELECT d.row_number, d.source_id, d.nexus_id, d.action, CASE
      WHEN (t.contact_json IS DISTINCT FROM i.new_contact_json AND coalesce(t.contact_json, '{}') IS DISTINCT FROM coalesce(i.new_contact_json, '{}') AND ((d.action = 'adopt' AND coalesce((CASE jsonb_typeof(t.contact_json) WHEN 'object' THEN nexus_assets.without_blanks(t.contact_json) = '{}' ELSE NOT (coalesce(jsonb_typeof(t.contact_json), 'null') NOT IN ('object', 'null') AND t.contact_json NOT IN ('[]', '""')) END) OR FALSE OR CASE jsonb_typeof(t.contact_json) WHEN 'object' THEN t.contact_json ?| ARRAY['phones','emails']::text[] AND nexus_assets.without_blanks(t.contact_json - ARRAY['phones','emails','email']::text[]) = '{}' AND coalesce(jsonb_typeof(t.contact_json -> 'phones'), 'array') = 'array' AND coalesce(jsonb_typeof(t.contact_json -> 'emails'), 'array') = 'array' AND coalesce(jsonb_typeof(t.contact_json -> 'email'), 'string') = 'string' ELSE FALSE END, FALSE)) OR (coalesce(l.base_contact_json = hash_record_extended(ROW(t.contact_json), 0), FALSE) OR coalesce(l.base_contact_json = hash_record_extended(ROW(coalesce(t.contact_json, '{}')), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND i.new_contact_json = '{}')))) THEN (((d.action = 'adopt' AND coalesce((CASE jsonb_typeof(t.contact_json) WHEN 'object' THEN nexus_assets.without_blanks(t.contact_json) = '{}' ELSE NOT (coalesce(jsonb_typeof(t.contact_json), 'null') NOT IN ('object', 'null') AND t.contact_json NOT IN ('[]', '""')) END) OR FALSE OR CASE jsonb_typeof(t.contact_json) WHEN 'object' THEN t.contact_json ?| ARRAY['phones','emails']::text[] AND nexus_assets.without_blanks(t.contact_json - ARRAY['phones','emails','email']::text[]) = '{}' AND coalesce(jsonb_typeof(t.contact_json -> 'phones'), 'array') = 'array' AND coalesce(jsonb_typeof(t.contact_json -> 'emails'), 'array') = 'array' AND coalesce(jsonb_typeof(t.contact_json -> 'email'), 'string') = 'string' ELSE FALSE END, FALSE)) OR (CASE jsonb_typeof(t.contact_json) WHEN 'object' THEN nexus_assets.without_blanks(t.contact_json) = '{}' ELSE NOT (coalesce(jsonb_typeof(t.contact_json), 'null') NOT IN ('object', 'null') AND t.contact_json NOT IN ('[]', '""')) END)) OR (coalesce(l.base_contact_json = hash_record_extended(ROW(t.contact_json), 0), FALSE) OR coalesce(l.base_contact_json = hash_record_extended(ROW(coalesce(t.contact_json, '{}')), 0), FALSE))) END AS writes_contact_json,
      CASE
      WHEN (t.address_json IS DISTINCT FROM i.new_address_json AND coalesce(t.address_json, '{}') IS DISTINCT FROM coalesce(i.new_address_json, '{}') AND ((d.action = 'adopt' AND coalesce((CASE jsonb_typeof(t.address_json) WHEN 'object' THEN nexus_assets.without_blanks(t.address_json) = '{}' ELSE NOT (coalesce(jsonb_typeof(t.address_json), 'null') NOT IN ('object', 'null') AND t.address_json NOT IN ('[]', '""')) END) OR FALSE OR CASE jsonb_typeof(t.address_json) WHEN 'object' THEN t.address_json ?| ARRAY['addresses']::text[] AND nexus_assets.without_blanks(t.address_json - ARRAY['addresses','street','suburb','state','postcode']::text[]) = '{}' AND coalesce(jsonb_typeof(t.address_json -> 'addresses'), 'array') = 'array' AND coalesce(jsonb_typeof(t.address_json -> 'street'), 'string') = 'string' AND coalesce(jsonb_typeof(t.address_json -> 'suburb'), 'string') = 'string' AND coalesce(jsonb_typeof(t.address_json -> 'state'), 'string') = 'string' AND coalesce(jsonb_typeof(t.address_json -> 'postcode'), 'string') = 'string' ELSE FALSE END, FALSE)) OR (coalesce(l.base_address_json = hash_record_extended(ROW(t.address_json), 0), FALSE) OR coalesce(l.base_address_json = hash_record_extended(ROW(coalesce(t.address_json, '{}')), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND i.new_address_json = '{}')))) THEN (((d.action = 'adopt' AND coalesce((CASE jsonb_typeof(t.address_json) WHEN 'object' THEN nexus_assets.without_blanks(t.address_json) = '{}' ELSE NOT (coalesce(jsonb_typeof(t.address_json), 'null') NOT IN ('object', 'null') AND t.address_json NOT IN ('[]', '""')) END) OR FALSE OR CASE jsonb_typeof(t.address_json) WHEN 'object' THEN t.address_json ?| ARRAY['addresses']::text[] AND nexus_assets.without_blanks(t.address_json - ARRAY['addresses','street','suburb','state','postcode']::text[]) = '{}' AND coalesce(jsonb_typeof(t.address_json -> 'addresses'), 'array') = 'array' AND coalesce(jsonb_typeof(t.address_json -> 'street'), 'string') = 'string' AND coalesce(jsonb_typeof(t.address_json -> 'suburb'), 'string') = 'string' AND coalesce(jsonb_typeof(t.address_json -> 'state'), 'string') = 'string' AND coalesce(jsonb_typeof(t.address_json -> 'postcode'), 'string') = 'string' ELSE FALSE END, FALSE)) OR (CASE jsonb_typeof(t.address_json) WHEN 'object' THEN nexus_assets.without_blanks(t.address_json) = '{}' ELSE NOT (coalesce(jsonb_typeof(t.address_json), 'null') NOT IN ('object', 'null') AND t.address_json NOT IN ('[]', '""')) END)) OR (coalesce(l.base_address_json = hash_record_extended(ROW(t.address_json), 0), FALSE) OR coalesce(l.base_address_json = hash_record_extended(ROW(coalesce(t.address_json, '{}')), 0), FALSE))) END AS writes_address_json
  FROM nexus_assets.work_patient_communications_decided AS d
  JOIN nexus_assets.work_patient_communications_incoming AS i USING (row_number)
  JOIN public.patients AS t ON t.id = d.nexus_id
  LEFT JOIN nexus_assets.identity_patient_communications AS l ON l.source_id = d.source_id
  LEFT JOIN nexus_assets.identity_patients AS h ON h.nexus_id = t.id AND h.last_load IS NOT NULL
      AND h.vanished_load IS NULL
  WHERE d.action IN ('compare', 'adopt') OFFSET '0'
) AS compared;

SELECT bool_or(keep_contact_json), bool_or(keep_address_json) FROM nexus_assets.work_patient_communications_changes;

CREATE UNLOGGED TABLE nexus_assets.work_patient_communications_kept AS SELECT NULL::uuid AS source_id,
    NULL::uuid AS nexus_id, NULL::text AS column_name, NULL::text AS cause, NULL::text AS filemaker_value,
    NULL::text AS nexus_value WHERE FALSE;
   UPDATE nexus_assets.conflict AS c SET resolved_load = <load>
   WHERE c.entity = 'patient_communications' AND c.resolved_load IS NULL
     AND (EXISTS (SELECT FROM nexus_assets.work_patient_communications_decided AS d WHERE d.source_id = c.source_id)
          OR c.cause = 'deleted' AND NOT EXISTS (SELECT FROM nexus_assets.work_patient_communications_seen AS s WHERE s.source_id = c.source_id))
     AND NOT EXISTS (SELECT FROM nexus_assets.work_patient_communications_kept AS k WHERE (k.source_id, k.column_name) = (c.source_id, c.column_name));
   WITH written AS (
   INSERT INTO nexus_assets.conflict AS c
     (entity, source_id, nexus_id, column_name, cause, filemaker_value, nexus_value, first_load)
   SELECT 'patient_communications', source_id, nexus_id, column_name, cause, filemaker_value, nexus_value, <load>
       FROM nexus_assets.work_patient_communications_kept
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

SELECT count(*), count(c.source_id) FROM nexus_assets.work_patient_communications_seen AS s
LEFT JOIN (SELECT DISTINCT source_id FROM nexus_assets.conflict
           WHERE entity = 'patient_communications' AND resolved_load IS NULL) AS c USING (source_id)
WHERE s.settled;

SELECT count(*) FILTER (WHERE (c.write_contact_json OR c.write_address_json)),
    count(*) FILTER (WHERE NOT (c.write_contact_json OR c.write_address_json) AND (c.keep_contact_json OR c.keep_address_json)),
       count(*) FILTER (WHERE NOT (c.write_contact_json OR c.write_address_json) AND NOT (c.keep_contact_json OR c.keep_address_json)),
           count(*) FILTER (WHERE c.action = 'adopt'),
       count(*) FILTER (WHERE FALSE)
FROM nexus_assets.work_patient_communications_changes AS c;

SELECT count(*) FILTER (WHERE action <> 'deleted'), count(*) FILTER (WHERE action = 'restore'),
    count(*) FILTER (WHERE action = 'deleted') FROM nexus_assets.work_patient_communications_decided
    WHERE action IN ('insert', 'restore', 'deleted');

SELECT count(*) FILTER (WHERE c.write_contact_json AND (CASE jsonb_typeof(t.contact_json) WHEN 'object' THEN nexus_assets.without_blanks(t.contact_json) = '{}' ELSE NOT (coalesce(jsonb_typeof(t.contact_json), 'null') NOT IN ('object', 'null') AND t.contact_json NOT IN ('[]', '""')) END)),
    count(*) FILTER (WHERE c.write_contact_json AND NOT ((CASE jsonb_typeof(t.contact_json) WHEN 'object' THEN nexus_assets.without_blanks(t.contact_json) = '{}' ELSE NOT (coalesce(jsonb_typeof(t.contact_json), 'null') NOT IN ('object', 'null') AND t.contact_json NOT IN ('[]', '""')) END))),
    count(*) FILTER (WHERE c.keep_contact_json),
    count(*) FILTER (WHERE c.write_address_json AND (CASE jsonb_typeof(t.address_json) WHEN 'object' THEN nexus_assets.without_blanks(t.address_json) = '{}' ELSE NOT (coalesce(jsonb_typeof(t.address_json), 'null') NOT IN ('object', 'null') AND t.address_json NOT IN ('[]', '""')) END)),
    count(*) FILTER (WHERE c.write_address_json AND NOT ((CASE jsonb_typeof(t.address_json) WHEN 'object' THEN nexus_assets.without_blanks(t.address_json) = '{}' ELSE NOT (coalesce(jsonb_typeof(t.address_json), 'null') NOT IN ('object', 'null') AND t.address_json NOT IN ('[]', '""')) END))),
    count(*) FILTER (WHERE c.keep_address_json) FROM nexus_assets.work_patient_communications_changes AS c
    JOIN nexus_assets.work_patient_communications_incoming AS i USING (row_number)
    JOIN public.patients AS t ON t.id = c.nexus_id
WHERE c.action = 'adopt';

WITH written AS (
   UPDATE public.patients AS t SET contact_json = CASE WHEN c.write_contact_json THEN i.new_contact_json::jsonb
       ELSE t.contact_json END, address_json = CASE WHEN c.write_address_json THEN i.new_address_json::jsonb
       ELSE t.address_json END, updated_at = now()
   FROM nexus_assets.work_patient_communications_changes AS c
       JOIN nexus_assets.work_patient_communications_incoming AS i USING (row_number)
   WHERE t.id = c.nexus_id AND (c.write_contact_json OR c.write_address_json)
RETURNING t.id, (SELECT to_jsonb(v) FROM (SELECT t.contact_json, t.address_json, t.updated_at) AS v) AS content)
       INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
       SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
           ARRAY['public','patients'], concat_ws(' ', w.id::text), CASE
           WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
           CASE WHEN was.content IS NULL THEN w.content
           ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
       FROM written AS w
         LEFT JOIN LATERAL (SELECT (SELECT to_jsonb(v) FROM (SELECT o.contact_json, o.address_json, o.updated_at) AS v) AS content FROM public.patients AS o WHERE o.id = w.id AND TRUE OFFSET 0) AS was ON TRUE;

INSERT INTO public.patients (id, contact_json, address_json)
SELECT d.nexus_id, i.new_contact_json::jsonb, i.new_address_json::jsonb
    FROM nexus_assets.work_patient_communications_decided AS d
    JOIN nexus_assets.work_patient_communications_incoming AS i USING (row_number)
WHERE d.action IN ('insert', 'restore') ORDER BY d.row_number;

WITH written AS (
   INSERT INTO nexus_assets.identity_patient_communications AS l
     (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_contact_json, base_address_json)
   SELECT i.source_id, c.nexus_id, i.row_hash, hash_record_extended(ROW(t.contact_json, t.address_json), 0),
       i.row_number, nullif(i.notices, ARRAY[]::text[]), 'adopted', <load>, <load>,
       hash_record_extended(ROW(i.new_contact_json::jsonb), 0), hash_record_extended(ROW(i.new_address_json::jsonb), 0)
   FROM nexus_assets.work_patient_communications_changes AS c
       JOIN nexus_assets.work_patient_communications_incoming AS i USING (row_number)
       JOIN public.patients AS t ON t.id = c.nexus_id
   LEFT JOIN nexus_assets.identity_patient_communications AS l ON l.source_id = c.source_id
       LEFT JOIN nexus_assets.identity_patients AS h ON h.nexus_id = c.nexus_id AND h.last_load IS NOT NULL
       AND h.vanished_load IS NULL
   ORDER BY i.source_id
   ON CONFLICT (source_id) DO UPDATE SET nexus_id = excluded.nexus_id, row_hash = excluded.row_hash,
       target_hash = excluded.target_hash, row_number = excluded.row_number, notices = excluded.notices,
       last_load = excluded.last_load, base_contact_json = excluded.base_contact_json,
       base_address_json = excluded.base_address_json, first_load = coalesce(l.first_load, excluded.first_load)
   WHERE l.last_load IS NULL
       OR (l.nexus_id, l.row_hash, l.target_hash, l.notices, l.base_contact_json, l.base_address_json) IS DISTINCT
       FROM (excluded.nexus_id, excluded.row_hash, excluded.target_hash, excluded.notices, excluded.base_contact_json, excluded.base_address_json)
RETURNING l.source_id, to_jsonb(l) AS content, l.xmax::text <> '0' AS met)
       INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
       SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
           ARRAY['nexus_assets','identity_patient_communications'], concat_ws(' ', w.source_id::text), CASE
           WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
           CASE WHEN was.content IS NULL THEN w.content
           ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
       FROM written AS w
         LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_patient_communications AS o WHERE w.met AND o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

CREATE UNLOGGED TABLE nexus_assets.work_patient_communications_entries AS
SELECT d.action, i.source_id, d.nexus_id, i.row_hash,
    hash_record_extended(ROW(i.new_contact_json::jsonb, i.new_address_json::jsonb), 0) AS target_hash, i.row_number,
       nullif(i.notices, ARRAY[]::text[]) AS notices, 'made' AS origin, <load> AS first_load, <load> AS last_load,
           hash_record_extended(ROW(i.new_contact_json::jsonb), 0) AS base_contact_json,
           hash_record_extended(ROW(i.new_address_json::jsonb), 0) AS base_address_json
FROM nexus_assets.work_patient_communications_decided AS d
    JOIN nexus_assets.work_patient_communications_incoming AS i USING (row_number)
WHERE d.action IN ('insert', 'restore');

INSERT INTO nexus_assets.identity_patient_communications AS l (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_contact_json, base_address_json) SELECT source_id,
    nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_contact_json,
    base_address_json FROM nexus_assets.work_patient_communications_entries WHERE action = 'insert' ORDER BY source_id;

INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['public','patients'], nexus_id::text, NULL, NULL FROM nexus_assets.work_patient_communications_entries
        WHERE action = 'restore'
;WITH written AS (
    INSERT INTO nexus_assets.identity_patient_communications AS l (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_contact_json, base_address_json) SELECT source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_contact_json, base_address_json FROM nexus_assets.work_patient_communications_entries WHERE action = 'restore' ORDER BY source_id ON CONFLICT (source_id) DO UPDATE SET nexus_id = excluded.nexus_id, row_hash = excluded.row_hash, target_hash = excluded.target_hash, row_number = excluded.row_number, notices = excluded.notices, last_load = excluded.last_load, base_contact_json = excluded.base_contact_json, base_address_json = excluded.base_address_json, first_load = coalesce(l.first_load, excluded.first_load) RETURNING l.source_id, to_jsonb(l) AS content, l.xmax::text <> '0' AS met)
    INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['nexus_assets','identity_patient_communications'], concat_ws(' ', w.source_id::text), CASE
        WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
        CASE WHEN was.content IS NULL THEN w.content
        ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
    FROM written AS w
      LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_patient_communications AS o WHERE w.met AND o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

SELECT EXISTS (SELECT FROM nexus_assets.superseded WHERE entity = %s);

SELECT EXISTS (
  SELECT FROM public.contact_relationships AS x CROSS
      JOIN (nexus_assets.superseded AS s JOIN public.patients AS t ON t.id = s.current_id)
      WHERE s.entity = 'patient_communications' AND x.from_object_id = s.nexus_id
      AND (x.from_content_type_id = <patients' content type> OR NOT EXISTS (SELECT FROM public.django_content_type AS c WHERE c.id = x.from_content_type_id)) AND NOT EXISTS (SELECT FROM public.patients AS old WHERE old.id = s.nexus_id));

SELECT EXISTS (
  SELECT FROM public.contact_relationships AS x CROSS
      JOIN (nexus_assets.superseded AS s JOIN public.patients AS t ON t.id = s.current_id)
      WHERE s.entity = 'patient_communications' AND x.to_object_id = s.nexus_id
      AND (x.to_content_type_id = <patients' content type> OR NOT EXISTS (SELECT FROM public.django_content_type AS c WHERE c.id = x.to_content_type_id)) AND NOT EXISTS (SELECT FROM public.patients AS old WHERE old.id = s.nexus_id));

SELECT EXISTS (
  SELECT FROM public.documents_document AS x CROSS
      JOIN (nexus_assets.superseded AS s JOIN public.patients AS t ON t.id = s.current_id)
      WHERE s.entity = 'patient_communications' AND x.object_id = s.nexus_id
      AND (x.content_type_id = <patients' content type> OR NOT EXISTS (SELECT FROM public.django_content_type AS c WHERE c.id = x.content_type_id)) AND NOT EXISTS (SELECT FROM public.patients AS old WHERE old.id = s.nexus_id));

SELECT EXISTS (
  SELECT FROM public.images_batch AS x CROSS
      JOIN (nexus_assets.superseded AS s JOIN public.patients AS t ON t.id = s.current_id)
      WHERE s.entity = 'patient_communications' AND x.object_id = s.nexus_id
      AND (x.content_type_id = <patients' content type> OR NOT EXISTS (SELECT FROM public.django_content_type AS c WHERE c.id = x.content_type_id)) AND NOT EXISTS (SELECT FROM public.patients AS old WHERE old.id = s.nexus_id));

SELECT EXISTS (SELECT FROM public.xero_sync_logs AS x CROSS JOIN (nexus_assets.superseded AS s JOIN public.patients AS t ON t.id = s.current_id) WHERE s.entity = 'patient_communications' AND x.local_entity_id = s.nexus_id AND lower(x.local_entity_type) = 'patient' AND NOT EXISTS (SELECT FROM public.patients AS old WHERE old.id = s.nexus_id));

SELECT EXISTS (SELECT FROM nexus_assets.work_patient_communications_incoming WHERE reason IS NOT NULL)
    OR EXISTS (SELECT FROM nexus_assets.reject WHERE entity = 'patient_communications' AND resolved_load IS NULL);

CREATE UNLOGGED TABLE nexus_assets.work_patient_communications_rejected AS
    SELECT row_number, source_id, row_hash, reason, reason_column AS column_name,
           row_number() OVER (PARTITION BY row_hash, reason, reason_column ORDER BY row_number) AS k
    FROM nexus_assets.work_patient_communications_incoming WHERE reason IS NOT NULL;
    CREATE UNLOGGED TABLE nexus_assets.work_patient_communications_known_rejects AS
    SELECT id, row_hash, reason, column_name, row_number,
           row_number() OVER (PARTITION BY row_hash, reason, column_name ORDER BY id) AS k
    FROM nexus_assets.reject AS r WHERE entity = 'patient_communications' AND resolved_load IS NULL
      AND NOT EXISTS (SELECT FROM nexus_assets.work_patient_communications_standing AS s WHERE s.id = r.id);
    UPDATE nexus_assets.reject AS r SET resolved_load = <load>
        FROM nexus_assets.work_patient_communications_known_rejects AS n
    WHERE r.id = n.id
        AND NOT EXISTS (SELECT FROM nexus_assets.work_patient_communications_rejected AS x WHERE (x.row_hash, x.reason, x.k) = (n.row_hash, n.reason, n.k) AND x.column_name IS NOT DISTINCT FROM n.column_name);
    WITH written AS (
    UPDATE nexus_assets.reject AS r SET row_number = now.row_number FROM (
      SELECT n.id, x.row_number FROM nexus_assets.work_patient_communications_known_rejects AS n
          JOIN nexus_assets.work_patient_communications_rejected AS x ON (x.row_hash, x.reason, x.k) = (n.row_hash, n.reason, n.k)
          AND x.column_name IS NOT DISTINCT FROM n.column_name WHERE n.row_number <> x.row_number
      UNION ALL
      SELECT id, row_number FROM nexus_assets.work_patient_communications_standing WHERE row_before <> row_number
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
SELECT 'patient_communications', x.row_number, nexus_assets.read_text(s.key_owner), x.reason, x.column_name, x.row_hash,
       jsonb_strip_nulls(jsonb_build_object('id.key', s.c6, 'type', s.c14, 'Name', s.c7, 'ph', s.c8, 'PhoneMobileIntFormat', s.c9, 'SMS Phone', s.c11, 'address 1', s.c0, 'address 2', s.c1, 'suburb', s.c13, 'state', s.c12, 'post code', s.c10, 'country', s.c2, 'Full Address one line', s.c4)),
           <load>
FROM (SELECT * FROM nexus_assets.work_patient_communications_rejected AS x WHERE NOT EXISTS (SELECT FROM nexus_assets.work_patient_communications_known_rejects AS n WHERE (x.row_hash, x.reason, x.k) = (n.row_hash, n.reason, n.k) AND x.column_name IS NOT DISTINCT FROM n.column_name)) AS x
    JOIN nexus_assets.work_patient_communications_keyed AS s USING (row_number) ORDER BY x.row_number;

SET LOCAL enable_nestloop = off;

WITH written AS (
UPDATE nexus_assets.identity_patient_communications AS l SET vanished_load = NULL WHERE vanished_load IS NOT NULL AND EXISTS (SELECT FROM nexus_assets.work_patient_communications_seen AS s WHERE s.source_id = l.source_id) RETURNING l.source_id, to_jsonb(l) AS content)
INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
    ARRAY['nexus_assets','identity_patient_communications'], concat_ws(' ', w.source_id::text), CASE
    WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
    CASE WHEN was.content IS NULL THEN w.content
    ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
FROM written AS w
  LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_patient_communications AS o WHERE o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

SET LOCAL enable_nestloop TO DEFAULT;

WITH written AS (
UPDATE public.patients AS t SET contact_json = '{}'::jsonb, updated_at = now() FROM nexus_assets.identity_patient_communications AS l WHERE l.nexus_id = t.id AND l.vanished_load IS NOT NULL AND l.base_contact_json <> hash_record_extended(ROW('{}'::jsonb), 0) AND NOT (FALSE) AND l.base_contact_json = hash_record_extended(ROW(t.contact_json), 0) AND t.contact_json <> '{}'::jsonb RETURNING t.id, (SELECT to_jsonb(v) FROM (SELECT t.contact_json, t.updated_at) AS v) AS content)
INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
    ARRAY['public','patients'], concat_ws(' ', w.id::text), CASE
    WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
    CASE WHEN was.content IS NULL THEN w.content
    ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
FROM written AS w
  LEFT JOIN LATERAL (SELECT (SELECT to_jsonb(v) FROM (SELECT o.contact_json, o.updated_at) AS v) AS content FROM public.patients AS o WHERE o.id = w.id AND TRUE OFFSET 0) AS was ON TRUE;

WITH written AS (
UPDATE nexus_assets.identity_patient_communications AS l SET base_contact_json = hash_record_extended(ROW('{}'::jsonb), 0) WHERE l.vanished_load IS NOT NULL AND l.base_contact_json <> hash_record_extended(ROW('{}'::jsonb), 0) AND NOT (FALSE) RETURNING l.source_id, to_jsonb(l) AS content)
INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
    ARRAY['nexus_assets','identity_patient_communications'], concat_ws(' ', w.source_id::text), CASE
    WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
    CASE WHEN was.content IS NULL THEN w.content
    ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
FROM written AS w
  LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_patient_communications AS o WHERE o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

WITH written AS (
UPDATE public.patients AS t SET address_json = '{}'::jsonb, updated_at = now() FROM nexus_assets.identity_patient_communications AS l WHERE l.nexus_id = t.id AND l.vanished_load IS NOT NULL AND l.base_address_json <> hash_record_extended(ROW('{}'::jsonb), 0) AND NOT (FALSE) AND l.base_address_json = hash_record_extended(ROW(t.address_json), 0) AND t.address_json <> '{}'::jsonb RETURNING t.id, (SELECT to_jsonb(v) FROM (SELECT t.address_json, t.updated_at) AS v) AS content)
INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
    ARRAY['public','patients'], concat_ws(' ', w.id::text), CASE
    WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
    CASE WHEN was.content IS NULL THEN w.content
    ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
FROM written AS w
  LEFT JOIN LATERAL (SELECT (SELECT to_jsonb(v) FROM (SELECT o.address_json, o.updated_at) AS v) AS content FROM public.patients AS o WHERE o.id = w.id AND TRUE OFFSET 0) AS was ON TRUE;

WITH written AS (
UPDATE nexus_assets.identity_patient_communications AS l SET base_address_json = hash_record_extended(ROW('{}'::jsonb), 0) WHERE l.vanished_load IS NOT NULL AND l.base_address_json <> hash_record_extended(ROW('{}'::jsonb), 0) AND NOT (FALSE) RETURNING l.source_id, to_jsonb(l) AS content)
INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
    ARRAY['nexus_assets','identity_patient_communications'], concat_ws(' ', w.source_id::text), CASE
    WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
    CASE WHEN was.content IS NULL THEN w.content
    ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
FROM written AS w
  LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_patient_communications AS o WHERE o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

SELECT notices, count(*), min(row_number) FROM (
  SELECT notices, row_number FROM nexus_assets.work_patient_communications_seen WHERE notices IS NOT NULL AND settled
  UNION ALL
  SELECT l.notices, i.row_number FROM nexus_assets.work_patient_communications_incoming AS i
      JOIN nexus_assets.identity_patient_communications AS l USING (source_id)
  WHERE l.notices IS NOT NULL AND i.reason IS NULL
) AS told GROUP BY 1;

INSERT INTO nexus_assets.load (id, entity, run_id, started_at, finished_at, mapping_version, sources, date_orders, source_rows, outcomes, rejected, notices, healed, adoption, parents, undoable) OVERRIDING SYSTEM VALUE
    VALUES (%s, %s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

DELETE FROM nexus_assets.reject AS x
    WHERE (SELECT max(id) FROM nexus_assets.load WHERE entity = 'patient_communications' AND finished_at < now() - make_interval(days => 365)) IS NOT NULL
    AND entity = 'patient_communications'
    AND resolved_load <= (SELECT max(id) FROM nexus_assets.load WHERE entity = 'patient_communications' AND finished_at < now() - make_interval(days => 365))
    AND NOT EXISTS (SELECT FROM nexus_assets.load AS u WHERE u.id = x.resolved_load AND u.undoable); DELETE
    FROM nexus_assets.conflict AS x
    WHERE (SELECT max(id) FROM nexus_assets.load WHERE entity = 'patient_communications' AND finished_at < now() - make_interval(days => 365)) IS NOT NULL
    AND entity = 'patient_communications'
    AND resolved_load <= (SELECT max(id) FROM nexus_assets.load WHERE entity = 'patient_communications' AND finished_at < now() - make_interval(days => 365))
    AND NOT EXISTS (SELECT FROM nexus_assets.load AS u WHERE u.id = x.resolved_load AND u.undoable); DELETE
    FROM nexus_assets.correction AS x WHERE entity = 'patient_communications'
    AND idle_since < now() - make_interval(days => 365); DELETE FROM nexus_assets.undone AS x
    WHERE entity = 'patient_communications' AND undone_at < now() - make_interval(days => 365); DELETE
    FROM nexus_assets.load AS x WHERE entity = 'patient_communications'
    AND finished_at < now() - make_interval(days => 365)
    AND id NOT IN (SELECT id FROM nexus_assets.load WHERE entity = 'patient_communications' ORDER BY id DESC LIMIT 2)
    AND NOT (undoable AND (outcomes ->> 'inserted' <> '0' OR EXISTS (SELECT FROM nexus_assets.before_value AS b WHERE b.load_id = x.id)))
    AND NOT EXISTS (SELECT FROM nexus_assets.reject AS r WHERE r.entity = 'patient_communications' AND r.first_load = x.id AND r.resolved_load IS NULL);

SELECT relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'nexus_assets'
    AND c.relkind = 'r' AND starts_with(relname, %s) ORDER BY c.oid;

DROP TABLE nexus_assets.work_patient_communications_export, nexus_assets.work_patient_communications_keyed,
    nexus_assets.work_patient_communications_seen, nexus_assets.work_patient_communications_repeated,
    nexus_assets.work_patient_communications_standing, nexus_assets.work_patient_communications_pending,
    nexus_assets.work_patient_communications_incoming, nexus_assets.work_patient_communications_recognised,
    nexus_assets.work_patient_communications_decided, nexus_assets.work_patient_communications_followed,
    nexus_assets.work_patient_communications_changes, nexus_assets.work_patient_communications_kept,
    nexus_assets.work_patient_communications_entries, nexus_assets.work_patient_communications_rejected,
    nexus_assets.work_patient_communications_known_rejects;

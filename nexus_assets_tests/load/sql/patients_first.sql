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

CREATE UNLOGGED TABLE nexus_assets.work_patients_export (row_number bigint GENERATED ALWAYS AS IDENTITY, c0 text, c1 text, c2 text, c3 text, c4 text, c5 text, c6 text, c7 text, c8 text, c9 text, c10 text, c11 text, c12 text, c13 text, c14 text, c15 text, c16 text, c17 text, c18 text, c19 text, c20 text);

COPY nexus_assets.work_patients_export (c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19, c20)
    FROM STDIN WITH (FORMAT csv, ENCODING 'UTF8', delimiter ',', quote '"');

SELECT count(*), extract(epoch FROM max(corrected_at))::text FROM nexus_assets.correction WHERE export = 'Contacts';

ANALYZE nexus_assets.work_patients_export;

WITH found AS (
  SELECT heading, code, count(*) AS cells, min(row_number) AS first
  FROM nexus_assets.work_patients_export AS s,
      LATERAL (VALUES ('id', s.c9), ('nameFirst', s.c11), ('nameLast', s.c12), ('nameMiddle', s.c13), ('title', s.c20), ('DOB', s.c5), ('gender', s.c7), ('Health Number', s.c8), ('Clinic_Name', s.c1), ('Area', s.c0), ('contactType', s.c2), ('CYS_ID', s.c3), ('Diabetes', s.c4), ('id_Clinic', s.c10), ('NDIS Coordinator Name', s.c15), ('NDIS Coordinator Email', s.c14), ('NDIS Coordinator Phone', s.c16), ('NDIS Plan Start Date', s.c19), ('NDIS Plan End Date', s.c18), ('NDIS notes', s.c17), ('Funding', s.c6)) AS cell(heading, text),
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
  WHERE (concat_ws(E'\x1F', '', CASE WHEN octet_length(s.c9) <= 35 THEN s.c9 END, CASE WHEN octet_length(s.c11) <= 35 THEN s.c11 END, CASE WHEN octet_length(s.c12) <= 35 THEN s.c12 END, CASE WHEN octet_length(s.c13) <= 35 THEN s.c13 END, CASE WHEN octet_length(s.c20) <= 35 THEN s.c20 END, CASE WHEN octet_length(s.c5) <= 35 THEN s.c5 END, CASE WHEN octet_length(s.c7) <= 35 THEN s.c7 END, CASE WHEN octet_length(s.c8) <= 35 THEN s.c8 END, CASE WHEN octet_length(s.c1) <= 35 THEN s.c1 END, CASE WHEN octet_length(s.c0) <= 35 THEN s.c0 END, CASE WHEN octet_length(s.c2) <= 35 THEN s.c2 END, CASE WHEN octet_length(s.c3) <= 35 THEN s.c3 END, CASE WHEN octet_length(s.c4) <= 35 THEN s.c4 END, CASE WHEN octet_length(s.c10) <= 35 THEN s.c10 END, CASE WHEN octet_length(s.c15) <= 35 THEN s.c15 END, CASE WHEN octet_length(s.c14) <= 35 THEN s.c14 END, CASE WHEN octet_length(s.c16) <= 35 THEN s.c16 END, CASE WHEN octet_length(s.c19) <= 35 THEN s.c19 END, CASE WHEN octet_length(s.c18) <= 35 THEN s.c18 END, CASE WHEN octet_length(s.c17) <= 35 THEN s.c17 END, CASE WHEN octet_length(s.c6) <= 35 THEN s.c6 END, '')
           ~ '[<#&?=''\\\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]|_x00|[0-9]([eE][-+]|[.]0)|[0-9]{16}|\x1F[(]?(NULL|null|NaN|nan)[)]?\x1F'
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
          OR (octet_length(s.c12) > 35 AND (
      strpos(s.c12, '&') > 0 OR strpos(s.c12, '_x00') > 0
      OR octet_length(s.c12) <= 60 AND (strpos(s.c12, '<') > 0 OR strpos(s.c12, '#') > 0)
      OR s.c12 LIKE '="%' OR octet_length(s.c12) >= 32767
      OR octet_length(s.c12) <> length(s.c12) AND s.c12 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c13) > 35 AND (
      strpos(s.c13, '&') > 0 OR strpos(s.c13, '_x00') > 0
      OR octet_length(s.c13) <= 60 AND (strpos(s.c13, '<') > 0 OR strpos(s.c13, '#') > 0)
      OR s.c13 LIKE '="%' OR octet_length(s.c13) >= 32767
      OR octet_length(s.c13) <> length(s.c13) AND s.c13 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c20) > 35 AND (
      strpos(s.c20, '&') > 0 OR strpos(s.c20, '_x00') > 0
      OR octet_length(s.c20) <= 60 AND (strpos(s.c20, '<') > 0 OR strpos(s.c20, '#') > 0)
      OR s.c20 LIKE '="%' OR octet_length(s.c20) >= 32767
      OR octet_length(s.c20) <> length(s.c20) AND s.c20 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c5) > 35 AND (
      strpos(s.c5, '&') > 0 OR strpos(s.c5, '_x00') > 0
      OR octet_length(s.c5) <= 60 AND (strpos(s.c5, '<') > 0 OR strpos(s.c5, '#') > 0)
      OR s.c5 LIKE '="%' OR octet_length(s.c5) >= 32767
      OR octet_length(s.c5) <> length(s.c5) AND s.c5 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
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
          OR (octet_length(s.c2) > 35 AND (
      strpos(s.c2, '&') > 0 OR strpos(s.c2, '_x00') > 0
      OR octet_length(s.c2) <= 60 AND (strpos(s.c2, '<') > 0 OR strpos(s.c2, '#') > 0)
      OR s.c2 LIKE '="%' OR octet_length(s.c2) >= 32767
      OR octet_length(s.c2) <> length(s.c2) AND s.c2 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c3) > 35 AND (
      strpos(s.c3, '&') > 0 OR strpos(s.c3, '_x00') > 0
      OR octet_length(s.c3) <= 60 AND (strpos(s.c3, '<') > 0 OR strpos(s.c3, '#') > 0)
      OR s.c3 LIKE '="%' OR octet_length(s.c3) >= 32767
      OR octet_length(s.c3) <> length(s.c3) AND s.c3 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c4) > 35 AND (
      strpos(s.c4, '&') > 0 OR strpos(s.c4, '_x00') > 0
      OR octet_length(s.c4) <= 60 AND (strpos(s.c4, '<') > 0 OR strpos(s.c4, '#') > 0)
      OR s.c4 LIKE '="%' OR octet_length(s.c4) >= 32767
      OR octet_length(s.c4) <> length(s.c4) AND s.c4 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c10) > 35 AND (
      strpos(s.c10, '&') > 0 OR strpos(s.c10, '_x00') > 0
      OR octet_length(s.c10) <= 60 AND (strpos(s.c10, '<') > 0 OR strpos(s.c10, '#') > 0)
      OR s.c10 LIKE '="%' OR octet_length(s.c10) >= 32767
      OR octet_length(s.c10) <> length(s.c10) AND s.c10 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c15) > 35 AND (
      strpos(s.c15, '&') > 0 OR strpos(s.c15, '_x00') > 0
      OR octet_length(s.c15) <= 60 AND (strpos(s.c15, '<') > 0 OR strpos(s.c15, '#') > 0)
      OR s.c15 LIKE '="%' OR octet_length(s.c15) >= 32767
      OR octet_length(s.c15) <> length(s.c15) AND s.c15 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c14) > 35 AND (
      strpos(s.c14, '&') > 0 OR strpos(s.c14, '_x00') > 0
      OR octet_length(s.c14) <= 60 AND (strpos(s.c14, '<') > 0 OR strpos(s.c14, '#') > 0)
      OR s.c14 LIKE '="%' OR octet_length(s.c14) >= 32767
      OR octet_length(s.c14) <> length(s.c14) AND s.c14 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c16) > 35 AND (
      strpos(s.c16, '&') > 0 OR strpos(s.c16, '_x00') > 0
      OR octet_length(s.c16) <= 60 AND (strpos(s.c16, '<') > 0 OR strpos(s.c16, '#') > 0)
      OR s.c16 LIKE '="%' OR octet_length(s.c16) >= 32767
      OR octet_length(s.c16) <> length(s.c16) AND s.c16 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c19) > 35 AND (
      strpos(s.c19, '&') > 0 OR strpos(s.c19, '_x00') > 0
      OR octet_length(s.c19) <= 60 AND (strpos(s.c19, '<') > 0 OR strpos(s.c19, '#') > 0)
      OR s.c19 LIKE '="%' OR octet_length(s.c19) >= 32767
      OR octet_length(s.c19) <> length(s.c19) AND s.c19 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c18) > 35 AND (
      strpos(s.c18, '&') > 0 OR strpos(s.c18, '_x00') > 0
      OR octet_length(s.c18) <= 60 AND (strpos(s.c18, '<') > 0 OR strpos(s.c18, '#') > 0)
      OR s.c18 LIKE '="%' OR octet_length(s.c18) >= 32767
      OR octet_length(s.c18) <> length(s.c18) AND s.c18 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c17) > 35 AND (
      strpos(s.c17, '&') > 0 OR strpos(s.c17, '_x00') > 0
      OR octet_length(s.c17) <= 60 AND (strpos(s.c17, '<') > 0 OR strpos(s.c17, '#') > 0)
      OR s.c17 LIKE '="%' OR octet_length(s.c17) >= 32767
      OR octet_length(s.c17) <> length(s.c17) AND s.c17 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c6) > 35 AND (
      strpos(s.c6, '&') > 0 OR strpos(s.c6, '_x00') > 0
      OR octet_length(s.c6) <= 60 AND (strpos(s.c6, '<') > 0 OR strpos(s.c6, '#') > 0)
      OR s.c6 LIKE '="%' OR octet_length(s.c6) >= 32767
      OR octet_length(s.c6) <> length(s.c6) AND s.c6 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]')))
    AND code IS NOT NULL
  GROUP BY 1, 2
), columns AS MATERIALIZED (
  SELECT max(octet_length(s.c9)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c9)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c11)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c11)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c12)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c12)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c13)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c13)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c20)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c20)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c5)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c5)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c7)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c7)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c8)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c8)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c1)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c1)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c0)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c0)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c2)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c2)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c3)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c3)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c4)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c4)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c10)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c10)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c15)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c15)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c14)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c14)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c16)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c16)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c19)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c19)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c18)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c18)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c17)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c17)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c6)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c6)) BETWEEN 65535
      AND 4 * 65536 AS may_be_cut FROM nexus_assets.work_patients_export AS s
), long AS (
  SELECT heading, length(text) AS long, count(*) AS cells, min(row_number) AS first
  FROM nexus_assets.work_patients_export AS s,
      LATERAL (VALUES ('id', s.c9), ('nameFirst', s.c11), ('nameLast', s.c12), ('nameMiddle', s.c13), ('title', s.c20), ('DOB', s.c5), ('gender', s.c7), ('Health Number', s.c8), ('Clinic_Name', s.c1), ('Area', s.c0), ('contactType', s.c2), ('CYS_ID', s.c3), ('Diabetes', s.c4), ('id_Clinic', s.c10), ('NDIS Coordinator Name', s.c15), ('NDIS Coordinator Email', s.c14), ('NDIS Coordinator Phone', s.c16), ('NDIS Plan Start Date', s.c19), ('NDIS Plan End Date', s.c18), ('NDIS notes', s.c17), ('Funding', s.c6)) AS cell(heading, text)
  WHERE (SELECT may_be_cut FROM columns)
      AND greatest(octet_length(s.c9), octet_length(s.c11), octet_length(s.c12), octet_length(s.c13), octet_length(s.c20), octet_length(s.c5), octet_length(s.c7), octet_length(s.c8), octet_length(s.c1), octet_length(s.c0), octet_length(s.c2), octet_length(s.c3), octet_length(s.c4), octet_length(s.c10), octet_length(s.c15), octet_length(s.c14), octet_length(s.c16), octet_length(s.c19), octet_length(s.c18), octet_length(s.c17), octet_length(s.c6)) >= 255
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
      FROM nexus_assets.work_patients_export AS s,
          LATERAL (VALUES ('DOB', s.c5), ('NDIS Plan Start Date', s.c19), ('NDIS Plan End Date', s.c18)) AS cell(heading, text)
      WHERE text IS NOT NULL AND EXISTS (SELECT FROM nexus_assets.work_patients_export AS s WHERE s.c5 LIKE '____-__-__%' OR s.c19 LIKE '____-__-__%' OR s.c18 LIKE '____-__-__%') GROUP BY 1, 2) AS texts,
  LATERAL (SELECT text ~ '^\d{4}-\d\d-\d\d' AS is_iso,
                       regexp_match(text, '^\s*(\d{1,2})[/.-](\d{1,2})[/.-]\d{2,4}') AS said) AS form
WHERE is_iso OR said IS NOT NULL
GROUP BY 1
HAVING count(*) FILTER (WHERE is_iso) > 0 AND count(said) > 0
   AND bool_and(CASE WHEN is_iso THEN substr(text, 9, 2) <= '12' ELSE greatest(said[1]::int, said[2]::int) > 12 END);

SELECT coalesce(sum(hash_record_extended(ROW(filemaker_id::text, id), 0)), 0)::text FROM public.clinics;

SELECT coalesce(sum(hash_record_extended(ROW(name::text, id), 0)), 0)::text FROM public.clinics;

SELECT coalesce(sum(hash_record_extended(ROW(name::text, id), 0)), 0)::text FROM public.funding_sources;

SELECT CASE WHEN EXISTS (SELECT FROM public.patients) OR EXISTS (SELECT FROM nexus_assets.identity_patients) THEN FALSE
ELSE (SELECT count(id) = count(DISTINCT id) FROM (SELECT nexus_assets.read_uuid(x.c9) AS id FROM nexus_assets.work_patients_export AS x OFFSET '0') AS named) END;

DROP TABLE IF EXISTS nexus_assets.work_patients_dates; CREATE UNLOGGED TABLE nexus_assets.work_patients_dates AS SELECT NULL::text AS field,
    NULL::text AS raw, 0::bigint AS times WHERE false UNION ALL SELECT 'DOB'::text AS field, raw, times
    FROM (SELECT s.f5 AS raw, count(*) AS times FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid(x.c9) AS source_id,
         hash_record_extended(ROW(x.c9, x.c11, x.c12, x.c13, x.c20, x.c5, x.c7, x.c8, x.c1, x.c0, x.c2, x.c3, x.c4, x.c10, x.c15, x.c14, x.c16, x.c19, x.c18, x.c17, x.c6, NULL::text), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, x.c9 AS f0, x.c11 AS f1, x.c12 AS f2, x.c13 AS f3, x.c20 AS f4, x.c5 AS f5, x.c7 AS f6, x.c8 AS f7, x.c1 AS f8, x.c0 AS f9, x.c2 AS f10, x.c3 AS f11, x.c4 AS f12, x.c10 AS f13, x.c15 AS f14, x.c14 AS f15, x.c16 AS f16, x.c19 AS f17, x.c18 AS f18, x.c17 AS f19, x.c6 AS f20 FROM nexus_assets.work_patients_export AS x OFFSET '0')
AS s GROUP BY 1) AS different WHERE nexus_assets.read_text(raw) IS NOT NULL
    UNION ALL SELECT 'NDIS Plan Start Date'::text AS field, raw, times FROM (SELECT s.f17 AS raw, count(*) AS times FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid(x.c9) AS source_id,
         hash_record_extended(ROW(x.c9, x.c11, x.c12, x.c13, x.c20, x.c5, x.c7, x.c8, x.c1, x.c0, x.c2, x.c3, x.c4, x.c10, x.c15, x.c14, x.c16, x.c19, x.c18, x.c17, x.c6, NULL::text), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, x.c9 AS f0, x.c11 AS f1, x.c12 AS f2, x.c13 AS f3, x.c20 AS f4, x.c5 AS f5, x.c7 AS f6, x.c8 AS f7, x.c1 AS f8, x.c0 AS f9, x.c2 AS f10, x.c3 AS f11, x.c4 AS f12, x.c10 AS f13, x.c15 AS f14, x.c14 AS f15, x.c16 AS f16, x.c19 AS f17, x.c18 AS f18, x.c17 AS f19, x.c6 AS f20 FROM nexus_assets.work_patients_export AS x OFFSET '0')
AS s GROUP BY 1) AS different WHERE nexus_assets.read_text(raw) IS NOT NULL
    UNION ALL SELECT 'NDIS Plan End Date'::text AS field, raw, times FROM (SELECT s.f18 AS raw, count(*) AS times FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid(x.c9) AS source_id,
         hash_record_extended(ROW(x.c9, x.c11, x.c12, x.c13, x.c20, x.c5, x.c7, x.c8, x.c1, x.c0, x.c2, x.c3, x.c4, x.c10, x.c15, x.c14, x.c16, x.c19, x.c18, x.c17, x.c6, NULL::text), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, x.c9 AS f0, x.c11 AS f1, x.c12 AS f2, x.c13 AS f3, x.c20 AS f4, x.c5 AS f5, x.c7 AS f6, x.c8 AS f7, x.c1 AS f8, x.c0 AS f9, x.c2 AS f10, x.c3 AS f11, x.c4 AS f12, x.c10 AS f13, x.c15 AS f14, x.c14 AS f15, x.c16 AS f16, x.c19 AS f17, x.c18 AS f18, x.c17 AS f19, x.c6 AS f20 FROM nexus_assets.work_patients_export AS x OFFSET '0')
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
            FROM (SELECT field, times, nexus_assets.comparable(raw) AS text FROM nexus_assets.work_patients_dates) AS dates
            WHERE text ~ concat('^([a-z]+[.,]* )?', -- a weekday
                                '([0-9]{1,2}/[0-9]{1,2}/|[0-9]{1,2}[.][0-9]{1,2}[.]|[0-9]{1,2}-[0-9]{1,2}-)',
                                '([0-9]{4}|[0-9]{2})([^0-9]|$)') OFFSET 0) AS split) AS dates
GROUP BY field ORDER BY field;

ALTER TABLE nexus_assets.work_patients_dates ADD COLUMN value date;UPDATE nexus_assets.work_patients_dates SET value = nexus_assets.read_date(raw, coalesce('{}'::jsonb ->> field, 'mdy'), <today>, '1899-12-30'::date, 'Australia/Sydney');ANALYZE nexus_assets.work_patients_dates;

CREATE UNLOGGED TABLE nexus_assets.work_patients_texts AS SELECT NULL::text AS column_name, NULL::text AS raw,
    NULL::text AS value WHERE FALSE UNION ALL
               SELECT 'title', different.raw,
                   (CASE rtrim(nexus_assets.comparable(different.raw), ' .') WHEN 'mr' THEN 'Mr' WHEN 'mrs' THEN 'Mrs' WHEN 'ms' THEN 'Ms' WHEN 'miss' THEN 'Miss' WHEN 'dr' THEN 'Dr' WHEN 'prof' THEN 'Prof' END)
                   FROM (
                 SELECT NULL::text AS raw UNION ALL
                 (SELECT s.f4 AS raw FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid(x.c9) AS source_id,
         hash_record_extended(ROW(x.c9, x.c11, x.c12, x.c13, x.c20, x.c5, x.c7, x.c8, x.c1, x.c0, x.c2, x.c3, x.c4, x.c10, x.c15, x.c14, x.c16, x.c19, x.c18, x.c17, x.c6, NULL::text), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, x.c9 AS f0, x.c11 AS f1, x.c12 AS f2, x.c13 AS f3, x.c20 AS f4, x.c5 AS f5, x.c7 AS f6, x.c8 AS f7, x.c1 AS f8, x.c0 AS f9, x.c2 AS f10, x.c3 AS f11, x.c4 AS f12, x.c10 AS f13, x.c15 AS f14, x.c14 AS f15, x.c16 AS f16, x.c19 AS f17, x.c18 AS f18, x.c17 AS f19, x.c6 AS f20 FROM nexus_assets.work_patients_export AS x OFFSET '0')
AS s WHERE s.f4 IS NOT NULL GROUP BY 1)) AS different
            UNION ALL
               SELECT 'sex', different.raw,
                   (CASE rtrim(nexus_assets.comparable(different.raw), ' .') WHEN 'm' THEN 'M' WHEN 'male' THEN 'M' WHEN 'man' THEN 'M' WHEN 'f' THEN 'F' WHEN 'female' THEN 'F' WHEN 'woman' THEN 'F' WHEN 'o' THEN 'O' WHEN 'other' THEN 'O' WHEN 'non-binary' THEN 'O' WHEN 'non binary' THEN 'O' WHEN 'nonbinary' THEN 'O' WHEN 'x' THEN 'O' END)
                   FROM (
                 SELECT NULL::text AS raw UNION ALL
                 (SELECT s.f6 AS raw FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid(x.c9) AS source_id,
         hash_record_extended(ROW(x.c9, x.c11, x.c12, x.c13, x.c20, x.c5, x.c7, x.c8, x.c1, x.c0, x.c2, x.c3, x.c4, x.c10, x.c15, x.c14, x.c16, x.c19, x.c18, x.c17, x.c6, NULL::text), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, x.c9 AS f0, x.c11 AS f1, x.c12 AS f2, x.c13 AS f3, x.c20 AS f4, x.c5 AS f5, x.c7 AS f6, x.c8 AS f7, x.c1 AS f8, x.c0 AS f9, x.c2 AS f10, x.c3 AS f11, x.c4 AS f12, x.c10 AS f13, x.c15 AS f14, x.c14 AS f15, x.c16 AS f16, x.c19 AS f17, x.c18 AS f18, x.c17 AS f19, x.c6 AS f20 FROM nexus_assets.work_patients_export AS x OFFSET '0')
AS s WHERE s.f6 IS NOT NULL GROUP BY 1)) AS different
           ; ANALYZE nexus_assets.work_patients_texts;

CREATE UNLOGGED TABLE nexus_assets.work_patients_incoming AS
   SELECT r.row_number, r.source_id, r.row_hash, r.known_id, r.is_live,
       (coalesce(r.why, CASE WHEN length(r.new_first_name) > 100 THEN ARRAY['too_long', 'first_name'] WHEN r.new_last_name IS NULL THEN ARRAY['no_last_name', NULL] WHEN length(r.new_last_name) > 100 THEN ARRAY['too_long', 'last_name'] WHEN length(r.new_middle_names) > 100 THEN ARRAY['too_long', 'middle_names'] WHEN length(r.new_title) > 10 THEN ARRAY['too_long', 'title'] WHEN length(r.new_sex) > 20 THEN ARRAY['too_long', 'sex'] WHEN length(r.new_health_number) > 50 THEN ARRAY['too_long', 'health_number'] END))[1] AS reason,
       (coalesce(r.why, CASE WHEN length(r.new_first_name) > 100 THEN ARRAY['too_long', 'first_name'] WHEN r.new_last_name IS NULL THEN ARRAY['no_last_name', NULL] WHEN length(r.new_last_name) > 100 THEN ARRAY['too_long', 'last_name'] WHEN length(r.new_middle_names) > 100 THEN ARRAY['too_long', 'middle_names'] WHEN length(r.new_title) > 10 THEN ARRAY['too_long', 'title'] WHEN length(r.new_sex) > 20 THEN ARRAY['too_long', 'sex'] WHEN length(r.new_health_number) > 50 THEN ARRAY['too_long', 'health_number'] END))[2] AS reason_column,
          r.described, r.notices, CASE
              WHEN coalesce(r.why, CASE WHEN length(r.new_first_name) > 100 THEN ARRAY['too_long', 'first_name'] WHEN r.new_last_name IS NULL THEN ARRAY['no_last_name', NULL] WHEN length(r.new_last_name) > 100 THEN ARRAY['too_long', 'last_name'] WHEN length(r.new_middle_names) > 100 THEN ARRAY['too_long', 'middle_names'] WHEN length(r.new_title) > 10 THEN ARRAY['too_long', 'title'] WHEN length(r.new_sex) > 20 THEN ARRAY['too_long', 'sex'] WHEN length(r.new_health_number) > 50 THEN ARRAY['too_long', 'health_number'] END) IS NULL THEN nexus_assets.minted_id('patients', r.source_id::text) END AS nexus_id,
              r.new_clinic_id, r.new_funding_type_id, r.new_first_name, r.new_last_name, r.new_middle_names,
              r.new_title, r.new_dob, r.new_sex, r.new_health_number, r.new_filemaker_metadata
   FROM (
     SELECT s.row_number, s.source_id, s.row_hash, s.known_id, s.is_live, CASE
         WHEN s.source_id IS NULL THEN ARRAY[CASE WHEN nexus_assets.read_text(s.f0) IS NOT NULL THEN 'bad_id' ELSE 'no_id' END, NULL]
         WHEN s.disputed THEN ARRAY['duplicate_id', NULL] END AS why, TRUE AS described,
            array_remove(ARRAY[CASE WHEN (coalesce(clinic_id_0.id, clinic_id_1.id) IS NULL AND (nexus_assets.read_text(s.f13) IS NOT NULL OR nexus_assets.read_text(s.f8) IS NOT NULL)) THEN 'unknown_clinic' END, CASE WHEN (coalesce(funding_type_id_0.id) IS NULL AND (nexus_assets.read_text(s.f20) IS NOT NULL)) THEN 'unknown_funding' END, CASE WHEN (dates_0.raw IS NOT NULL AND (CASE WHEN dates_0.value <= <today> THEN dates_0.value WHEN s.f5 !~ '[0-9]{3}' THEN (dates_0.value - interval '100 years')::date END) IS NULL) THEN 'unreadable_birth_date' END, CASE WHEN (nexus_assets.read_text(s.f6) IS NOT NULL AND (CASE rtrim(nexus_assets.comparable(s.f6), ' .') WHEN 'm' THEN 'M' WHEN 'male' THEN 'M' WHEN 'man' THEN 'M' WHEN 'f' THEN 'F' WHEN 'female' THEN 'F' WHEN 'woman' THEN 'F' WHEN 'o' THEN 'O' WHEN 'other' THEN 'O' WHEN 'non-binary' THEN 'O' WHEN 'non binary' THEN 'O' WHEN 'nonbinary' THEN 'O' WHEN 'x' THEN 'O' END) IS NULL) THEN 'unknown_sex' END]::text[], NULL) AS notices,
                coalesce(clinic_id_0.id, clinic_id_1.id) AS new_clinic_id,
                coalesce(funding_type_id_0.id) AS new_funding_type_id,
                (coalesce(nexus_assets.read_text(s.f1), ''::text))::text AS new_first_name,
                (nexus_assets.read_text(s.f2))::text AS new_last_name,
                (nexus_assets.read_text(s.f3))::text AS new_middle_names,
                (CASE WHEN s.f4 IS NULL THEN no_text_title.value ELSE text_title.value END)::text AS new_title,
                ((CASE WHEN dates_0.value <= <today> THEN dates_0.value WHEN s.f5 !~ '[0-9]{3}' THEN (dates_0.value - interval '100 years')::date END))::date AS new_dob,
                (CASE WHEN s.f6 IS NULL THEN no_text_sex.value ELSE text_sex.value END)::text AS new_sex,
                (nexus_assets.read_text(s.f7))::text AS new_health_number,
                (jsonb_strip_nulls(jsonb_build_object('filemaker_id', nexus_assets.read_text(s.f0), 'clinic_name', nexus_assets.read_text(s.f8), 'area', nexus_assets.read_text(s.f9), 'contact_type', nexus_assets.read_text(s.f10), 'cys_id', nexus_assets.read_text(s.f11), 'diabetes', nexus_assets.read_text(s.f12), 'id_clinic', nexus_assets.read_text(s.f13), 'title', (CASE WHEN (CASE rtrim(nexus_assets.comparable(s.f4), ' .') WHEN 'mr' THEN 'Mr' WHEN 'mrs' THEN 'Mrs' WHEN 'ms' THEN 'Ms' WHEN 'miss' THEN 'Miss' WHEN 'dr' THEN 'Dr' WHEN 'prof' THEN 'Prof' END) IS NULL THEN nexus_assets.read_text(s.f4) END), 'dob', (CASE WHEN (CASE WHEN dates_0.value <= <today> THEN dates_0.value WHEN s.f5 !~ '[0-9]{3}' THEN (dates_0.value - interval '100 years')::date END) IS NULL THEN nexus_assets.read_text(s.f5) END), 'ndis', nullif(jsonb_strip_nulls(jsonb_build_object('coordinator_name', nexus_assets.read_text(s.f14), 'coordinator_email', nexus_assets.read_text(s.f15), 'coordinator_phone', nexus_assets.read_text(s.f16), 'plan_start_date', coalesce(dates_1.value::text, nexus_assets.read_text(s.f17)), 'plan_end_date', coalesce(dates_2.value::text, nexus_assets.read_text(s.f18)), 'notes', nexus_assets.read_text(s.f19))), '{}'))))::jsonb AS new_filemaker_metadata
     FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid(x.c9) AS source_id,
         hash_record_extended(ROW(x.c9, x.c11, x.c12, x.c13, x.c20, x.c5, x.c7, x.c8, x.c1, x.c0, x.c2, x.c3, x.c4, x.c10, x.c15, x.c14, x.c16, x.c19, x.c18, x.c17, x.c6, NULL::text), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, x.c9 AS f0, x.c11 AS f1, x.c12 AS f2, x.c13 AS f3, x.c20 AS f4, x.c5 AS f5, x.c7 AS f6, x.c8 AS f7, x.c1 AS f8, x.c0 AS f9, x.c2 AS f10, x.c3 AS f11, x.c4 AS f12, x.c10 AS f13, x.c15 AS f14, x.c14 AS f15, x.c16 AS f16, x.c19 AS f17, x.c18 AS f18, x.c17 AS f19, x.c6 AS f20 FROM nexus_assets.work_patients_export AS x OFFSET '0')
AS s
     LEFT JOIN (SELECT DISTINCT ON (1) nexus_assets.comparable(filemaker_id::text) AS key, id FROM public.clinics
              ORDER BY 1, created_at, id) AS clinic_id_0 ON clinic_id_0.key = nexus_assets.comparable(s.f13)
                  LEFT JOIN (SELECT DISTINCT ON (1) nexus_assets.comparable(name::text) AS key, id FROM public.clinics
              ORDER BY 1, created_at, id) AS clinic_id_1 ON clinic_id_1.key = nexus_assets.comparable(s.f8)
                  LEFT JOIN (SELECT DISTINCT ON (1) nexus_assets.comparable(name::text) AS key, id FROM public.funding_sources
              ORDER BY 1, created_at, id) AS funding_type_id_0 ON funding_type_id_0.key = nexus_assets.comparable(s.f20)
                  LEFT JOIN nexus_assets.work_patients_texts AS no_text_title ON no_text_title.column_name = 'title'
                  AND no_text_title.raw IS NULL
                  LEFT JOIN nexus_assets.work_patients_texts AS text_title ON text_title.column_name = 'title'
                  AND text_title.raw = s.f4
                  LEFT JOIN nexus_assets.work_patients_dates AS dates_0 ON dates_0.field = 'DOB' AND dates_0.raw = s.f5
                  LEFT JOIN nexus_assets.work_patients_texts AS no_text_sex ON no_text_sex.column_name = 'sex'
                  AND no_text_sex.raw IS NULL
                  LEFT JOIN nexus_assets.work_patients_texts AS text_sex ON text_sex.column_name = 'sex'
                  AND text_sex.raw = s.f6
                  LEFT JOIN nexus_assets.work_patients_dates AS dates_1 ON dates_1.field = 'NDIS Plan Start Date'
                  AND dates_1.raw = s.f17
                  LEFT JOIN nexus_assets.work_patients_dates AS dates_2 ON dates_2.field = 'NDIS Plan End Date'
                  AND dates_2.raw = s.f18 OFFSET '0'
   ) AS r;

ANALYZE nexus_assets.work_patients_incoming;

SELECT reason, count(*), count(*) FILTER (WHERE new_first_name IS NULL), count(*) FILTER (WHERE new_last_name IS NULL)
    FROM nexus_assets.work_patients_incoming GROUP BY 1 ORDER BY 2 DESC, 1;

INSERT INTO public.patients (id, clinic_id, funding_type_id, first_name, last_name, middle_names, title, dob, sex, health_number, filemaker_metadata, archived, plan_dates_json, contact_json, address_json, emergency_json, flags_json, created_at, updated_at)
SELECT d.nexus_id, i.new_clinic_id::uuid, i.new_funding_type_id::uuid, i.new_first_name::character varying(100),
    i.new_last_name::character varying(100), i.new_middle_names::character varying(100),
    i.new_title::character varying(10), i.new_dob::date, i.new_sex::character varying(20),
    i.new_health_number::character varying(50), i.new_filemaker_metadata::jsonb, false::boolean, '[]'::jsonb,
    '{}'::jsonb, '{}'::jsonb, '{}'::jsonb, '{}'::jsonb, now(), now() FROM nexus_assets.work_patients_incoming AS i CROSS
    JOIN LATERAL
  (SELECT i.row_number, i.nexus_id, 'insert'::text AS action WHERE i.reason IS NULL) AS d
WHERE d.action IN ('insert', 'restore') ORDER BY d.row_number;

DO $$ BEGIN
      LOCK TABLE nexus_assets.identity_patients IN ACCESS EXCLUSIVE MODE NOWAIT;
      ALTER TABLE nexus_assets.identity_patients DROP CONSTRAINT identity_patients_pkey,
          DROP CONSTRAINT identity_patients_nexus_id_key;
    EXCEPTION WHEN lock_not_available OR insufficient_privilege OR undefined_object THEN NULL;
    END $$;
    INSERT INTO nexus_assets.identity_patients (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_clinic_id, base_funding_type_id, base_first_name, base_last_name, base_middle_names, base_title, base_dob, base_sex, base_health_number, base_filemaker_metadata) SELECT source_id,
        nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_clinic_id,
        base_funding_type_id, base_first_name, base_last_name, base_middle_names, base_title, base_dob, base_sex,
        base_health_number, base_filemaker_metadata FROM (
    SELECT d.action, i.source_id, d.nexus_id, i.row_hash,
        hash_record_extended(ROW(i.new_clinic_id::uuid, i.new_funding_type_id::uuid, i.new_first_name::character varying(100), i.new_last_name::character varying(100), i.new_middle_names::character varying(100), i.new_title::character varying(10), i.new_dob::date, i.new_sex::character varying(20), i.new_health_number::character varying(50), i.new_filemaker_metadata::jsonb -> 'filemaker_id', i.new_filemaker_metadata::jsonb -> 'clinic_name', i.new_filemaker_metadata::jsonb -> 'area', i.new_filemaker_metadata::jsonb -> 'contact_type', i.new_filemaker_metadata::jsonb -> 'cys_id', i.new_filemaker_metadata::jsonb -> 'diabetes', i.new_filemaker_metadata::jsonb -> 'id_clinic', i.new_filemaker_metadata::jsonb -> 'title', i.new_filemaker_metadata::jsonb -> 'dob', i.new_filemaker_metadata::jsonb -> 'ndis'), 0) AS target_hash,
        i.row_number,
           nullif(i.notices, ARRAY[]::text[]) AS notices, 'made' AS origin, <load> AS first_load, <load> AS last_load,
               hash_record_extended(ROW(i.new_clinic_id::uuid), 0) AS base_clinic_id,
               hash_record_extended(ROW(i.new_funding_type_id::uuid), 0) AS base_funding_type_id,
               hash_record_extended(ROW(i.new_first_name::character varying(100)), 0) AS base_first_name,
               hash_record_extended(ROW(i.new_last_name::character varying(100)), 0) AS base_last_name,
               hash_record_extended(ROW(i.new_middle_names::character varying(100)), 0) AS base_middle_names,
               hash_record_extended(ROW(i.new_title::character varying(10)), 0) AS base_title,
               hash_record_extended(ROW(i.new_dob::date), 0) AS base_dob,
               hash_record_extended(ROW(i.new_sex::character varying(20)), 0) AS base_sex,
               hash_record_extended(ROW(i.new_health_number::character varying(50)), 0) AS base_health_number,
               hash_record_extended(ROW(i.new_filemaker_metadata::jsonb), 0) AS base_filemaker_metadata
    FROM nexus_assets.work_patients_incoming AS i CROSS JOIN LATERAL
      (SELECT i.row_number, i.nexus_id, 'insert'::text AS action WHERE i.reason IS NULL) AS d
    WHERE d.action IN ('insert', 'restore')
) AS e;
    DO $$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'nexus_assets.identity_patients'::regclass AND contype = 'p') THEN
        ALTER TABLE nexus_assets.identity_patients ADD CONSTRAINT identity_patients_pkey PRIMARY KEY (source_id),
            ADD CONSTRAINT identity_patients_nexus_id_key UNIQUE (nexus_id);
      END IF;
    END $$;

SELECT EXISTS (SELECT FROM nexus_assets.superseded WHERE entity = %s);

INSERT INTO nexus_assets.reject (entity, row_number, source_id, reason, column_name, row_hash, payload, first_load)
SELECT 'patients', x.row_number, nexus_assets.read_text(s.c9), x.reason, x.column_name, x.row_hash,
       jsonb_strip_nulls(jsonb_build_object('id', s.c9, 'nameFirst', s.c11, 'nameLast', s.c12, 'nameMiddle', s.c13, 'title', s.c20, 'DOB', s.c5, 'gender', s.c7, 'Health Number', s.c8, 'Clinic_Name', s.c1, 'Area', s.c0, 'contactType', s.c2, 'CYS_ID', s.c3, 'Diabetes', s.c4, 'id_Clinic', s.c10, 'NDIS Coordinator Name', s.c15, 'NDIS Coordinator Email', s.c14, 'NDIS Coordinator Phone', s.c16, 'NDIS Plan Start Date', s.c19, 'NDIS Plan End Date', s.c18, 'NDIS notes', s.c17, 'Funding', s.c6)),
           <load>
FROM (SELECT *, reason_column AS column_name FROM nexus_assets.work_patients_incoming WHERE reason IS NOT NULL) AS x
    JOIN nexus_assets.work_patients_export AS s USING (row_number) ORDER BY x.row_number;

SELECT notices, count(*), min(row_number) FROM nexus_assets.identity_patients WHERE notices IS NOT NULL GROUP BY 1;

INSERT INTO nexus_assets.load (id, entity, run_id, started_at, finished_at, mapping_version, sources, date_orders, source_rows, outcomes, rejected, notices, healed, adoption, parents, undoable) OVERRIDING SYSTEM VALUE
    VALUES (%s, %s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

SELECT relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'nexus_assets'
    AND c.relkind = 'r' AND starts_with(relname, %s) ORDER BY c.oid;

DROP TABLE nexus_assets.work_patients_export, nexus_assets.work_patients_dates, nexus_assets.work_patients_texts,
    nexus_assets.work_patients_incoming;

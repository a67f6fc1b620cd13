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

SELECT DISTINCT c.column_name FROM nexus_assets.conflict AS c JOIN nexus_assets.identity_patients AS l USING (source_id)
WHERE c.entity = 'patients' AND c.resolved_load IS NULL AND (c.decision = 'filemaker' OR c.cause = 'refused')
    AND l.vanished_load IS NULL;

SELECT nextval(pg_get_serial_sequence('nexus_assets.load', 'id')), (SELECT coalesce(max(id), 0) FROM nexus_assets.load);

SELECT coalesce(sum(hash_record_extended(ROW(filemaker_id::text, id), 0)), 0)::text FROM public.clinics;

SELECT coalesce(sum(hash_record_extended(ROW(name::text, id), 0)), 0)::text FROM public.clinics;

SELECT coalesce(sum(hash_record_extended(ROW(name::text, id), 0)), 0)::text FROM public.funding_sources;

CREATE UNLOGGED TABLE nexus_assets.work_patients_export (row_number bigint GENERATED ALWAYS AS IDENTITY, c0 text, c1 text, c2 text, c3 text, c4 text, c5 text, c6 text, c7 text, c8 text, c9 text, c10 text, c11 text, c12 text, c13 text, c14 text, c15 text, c16 text, c17 text, c18 text, c19 text, c20 text);

COPY nexus_assets.work_patients_export (c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19, c20)
    FROM STDIN WITH (FORMAT csv, ENCODING 'UTF8', delimiter ',', quote '"');

SELECT count(*), extract(epoch FROM max(corrected_at))::text FROM nexus_assets.correction WHERE export = 'Contacts';

ANALYZE nexus_assets.work_patients_export;

SELECT coalesce(sum(hash_record_extended(ROW(filemaker_id::text, id), 0)), 0)::text FROM public.clinics;

SELECT coalesce(sum(hash_record_extended(ROW(name::text, id), 0)), 0)::text FROM public.clinics;

SELECT coalesce(sum(hash_record_extended(ROW(name::text, id), 0)), 0)::text FROM public.funding_sources;

CREATE UNLOGGED TABLE nexus_assets.work_patients_seen AS
SELECT s.row_number, s.source_id, s.row_hash, l.nexus_id AS known_id, t.id IS NOT NULL AS is_live,
       coalesce((l.last_load IS NOT NULL AND l.vanished_load IS NULL), false) AS is_current, l.notices,
       coalesce(l.row_hash = s.row_hash AND l.vanished_load IS NULL AND t.id IS NOT NULL AND l.target_hash = t.target_hash,
                false) AS settled
FROM (SELECT row_number, nexus_assets.read_uuid(s.c9) AS source_id, hash_record_extended(ROW(s.c9, s.c11, s.c12, s.c13, s.c20, s.c5, s.c7, s.c8, s.c1, s.c0, s.c2, s.c3, s.c4, s.c10, s.c15, s.c14, s.c16, s.c19, s.c18, s.c17, s.c6, NULL::text), <seed>) AS row_hash FROM nexus_assets.work_patients_export AS s OFFSET '0') AS s
LEFT JOIN nexus_assets.identity_patients AS l ON l.source_id = s.source_id
LEFT JOIN (SELECT t.id, hash_record_extended(ROW(t.clinic_id, t.funding_type_id, t.first_name, t.last_name, t.middle_names, t.title, t.dob, t.sex, t.health_number, t.filemaker_metadata -> 'filemaker_id', t.filemaker_metadata -> 'clinic_name', t.filemaker_metadata -> 'area', t.filemaker_metadata -> 'contact_type', t.filemaker_metadata -> 'cys_id', t.filemaker_metadata -> 'diabetes', t.filemaker_metadata -> 'id_clinic', t.filemaker_metadata -> 'title', t.filemaker_metadata -> 'dob', t.filemaker_metadata -> 'ndis'), 0) AS target_hash FROM public.patients AS t OFFSET '0') AS t ON t.id = l.nexus_id;

ANALYZE nexus_assets.work_patients_seen;

SET LOCAL enable_hashagg = off;

CREATE UNLOGGED TABLE nexus_assets.work_patients_repeated AS
SELECT source_id, min(row_number) AS first_row, min(row_hash) <> max(row_hash) AS differ
FROM nexus_assets.work_patients_seen WHERE source_id IS NOT NULL GROUP BY source_id HAVING count(*) > 1;

SET LOCAL enable_hashagg TO DEFAULT;

UPDATE nexus_assets.work_patients_repeated AS again SET differ = false
FROM (
  SELECT s.source_id FROM nexus_assets.work_patients_repeated AS d
      JOIN nexus_assets.work_patients_seen AS s USING (source_id)
      JOIN nexus_assets.work_patients_export AS r USING (row_number)
      WHERE d.differ GROUP BY 1 HAVING min(hash_record_extended(ROW(nexus_assets.read_text(r.c11), nexus_assets.read_text(r.c12), nexus_assets.read_text(r.c13), nexus_assets.read_text(r.c20), nexus_assets.read_text(r.c5), nexus_assets.read_text(r.c7), nexus_assets.read_text(r.c8), nexus_assets.read_text(r.c1), nexus_assets.read_text(r.c0), nexus_assets.read_text(r.c2), nexus_assets.read_text(r.c3), nexus_assets.read_text(r.c4), nexus_assets.read_text(r.c10), nexus_assets.read_text(r.c15), nexus_assets.read_text(r.c14), nexus_assets.read_text(r.c16), nexus_assets.read_text(r.c19), nexus_assets.read_text(r.c18), nexus_assets.read_text(r.c17), nexus_assets.read_text(r.c6), nexus_assets.read_text(NULL::text)), 0)) = max(hash_record_extended(ROW(nexus_assets.read_text(r.c11), nexus_assets.read_text(r.c12), nexus_assets.read_text(r.c13), nexus_assets.read_text(r.c20), nexus_assets.read_text(r.c5), nexus_assets.read_text(r.c7), nexus_assets.read_text(r.c8), nexus_assets.read_text(r.c1), nexus_assets.read_text(r.c0), nexus_assets.read_text(r.c2), nexus_assets.read_text(r.c3), nexus_assets.read_text(r.c4), nexus_assets.read_text(r.c10), nexus_assets.read_text(r.c15), nexus_assets.read_text(r.c14), nexus_assets.read_text(r.c16), nexus_assets.read_text(r.c19), nexus_assets.read_text(r.c18), nexus_assets.read_text(r.c17), nexus_assets.read_text(r.c6), nexus_assets.read_text(NULL::text)), 0))) AS same
WHERE same.source_id = again.source_id;

UPDATE nexus_assets.work_patients_seen AS s SET settled = false, is_current = s.is_current
    AND s.row_number = r.first_row
FROM nexus_assets.work_patients_repeated AS r WHERE r.source_id = s.source_id AND r.differ;
DELETE FROM nexus_assets.work_patients_seen AS s USING nexus_assets.work_patients_repeated AS r
WHERE r.source_id = s.source_id AND NOT r.differ AND r.first_row <> s.row_number;

ANALYZE nexus_assets.work_patients_repeated;

SET LOCAL enable_nestloop = off;

CREATE UNLOGGED TABLE nexus_assets.work_patients_standing AS
SELECT min(s.row_number) AS row_number, min(r.id) AS id, min(r.row_number) AS row_before, min(r.reason) AS reason
FROM nexus_assets.work_patients_seen AS s JOIN nexus_assets.reject AS r ON r.row_hash = s.row_hash
WHERE r.entity = 'patients' AND r.resolved_load IS NULL AND r.column_name IS NULL
  AND s.known_id IS NULL
  AND NOT EXISTS (SELECT FROM nexus_assets.work_patients_repeated AS again WHERE again.source_id = s.source_id)
  AND (r.reason = ANY('{}') OR FALSE)
GROUP BY s.row_hash HAVING count(*) = 1;

SET LOCAL enable_nestloop TO DEFAULT;

ANALYZE nexus_assets.work_patients_standing;

CREATE UNLOGGED TABLE nexus_assets.work_patients_pending AS
SELECT s.row_number, s.source_id, s.row_hash, s.known_id, s.is_live, coalesce(r.differ, false) AS disputed, x.c9 AS f0,
    x.c11 AS f1, x.c12 AS f2, x.c13 AS f3, x.c20 AS f4, x.c5 AS f5, x.c7 AS f6, x.c8 AS f7, x.c1 AS f8, x.c0 AS f9,
    x.c2 AS f10, x.c3 AS f11, x.c4 AS f12, x.c10 AS f13, x.c15 AS f14, x.c14 AS f15, x.c16 AS f16, x.c19 AS f17,
    x.c18 AS f18, x.c17 AS f19, x.c6 AS f20
FROM nexus_assets.work_patients_seen AS s JOIN nexus_assets.work_patients_export AS x USING (row_number)
    LEFT JOIN nexus_assets.work_patients_repeated AS r ON r.source_id = s.source_id
WHERE NOT s.settled
    AND NOT EXISTS (SELECT FROM nexus_assets.work_patients_standing AS n WHERE n.row_number = s.row_number);

ANALYZE nexus_assets.work_patients_pending;

WITH found AS (
  SELECT heading, code, count(*) AS cells, min(row_number) AS first
  FROM nexus_assets.work_patients_pending AS s,
      LATERAL (VALUES ('id', s.f0), ('nameFirst', s.f1), ('nameLast', s.f2), ('nameMiddle', s.f3), ('title', s.f4), ('DOB', s.f5), ('gender', s.f6), ('Health Number', s.f7), ('Clinic_Name', s.f8), ('Area', s.f9), ('contactType', s.f10), ('CYS_ID', s.f11), ('Diabetes', s.f12), ('id_Clinic', s.f13), ('NDIS Coordinator Name', s.f14), ('NDIS Coordinator Email', s.f15), ('NDIS Coordinator Phone', s.f16), ('NDIS Plan Start Date', s.f17), ('NDIS Plan End Date', s.f18), ('NDIS notes', s.f19), ('Funding', s.f20)) AS cell(heading, text),
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
  WHERE (concat_ws(E'\x1F', '', CASE WHEN octet_length(s.f0) <= 35 THEN s.f0 END, CASE WHEN octet_length(s.f1) <= 35 THEN s.f1 END, CASE WHEN octet_length(s.f2) <= 35 THEN s.f2 END, CASE WHEN octet_length(s.f3) <= 35 THEN s.f3 END, CASE WHEN octet_length(s.f4) <= 35 THEN s.f4 END, CASE WHEN octet_length(s.f5) <= 35 THEN s.f5 END, CASE WHEN octet_length(s.f6) <= 35 THEN s.f6 END, CASE WHEN octet_length(s.f7) <= 35 THEN s.f7 END, CASE WHEN octet_length(s.f8) <= 35 THEN s.f8 END, CASE WHEN octet_length(s.f9) <= 35 THEN s.f9 END, CASE WHEN octet_length(s.f10) <= 35 THEN s.f10 END, CASE WHEN octet_length(s.f11) <= 35 THEN s.f11 END, CASE WHEN octet_length(s.f12) <= 35 THEN s.f12 END, CASE WHEN octet_length(s.f13) <= 35 THEN s.f13 END, CASE WHEN octet_length(s.f14) <= 35 THEN s.f14 END, CASE WHEN octet_length(s.f15) <= 35 THEN s.f15 END, CASE WHEN octet_length(s.f16) <= 35 THEN s.f16 END, CASE WHEN octet_length(s.f17) <= 35 THEN s.f17 END, CASE WHEN octet_length(s.f18) <= 35 THEN s.f18 END, CASE WHEN octet_length(s.f19) <= 35 THEN s.f19 END, CASE WHEN octet_length(s.f20) <= 35 THEN s.f20 END, '')
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
      OR octet_length(s.f5) <> length(s.f5) AND s.f5 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.f6) > 35 AND (
      strpos(s.f6, '&') > 0 OR strpos(s.f6, '_x00') > 0
      OR octet_length(s.f6) <= 60 AND (strpos(s.f6, '<') > 0 OR strpos(s.f6, '#') > 0)
      OR s.f6 LIKE '="%' OR octet_length(s.f6) >= 32767
      OR octet_length(s.f6) <> length(s.f6) AND s.f6 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.f7) > 35 AND (
      strpos(s.f7, '&') > 0 OR strpos(s.f7, '_x00') > 0
      OR octet_length(s.f7) <= 60 AND (strpos(s.f7, '<') > 0 OR strpos(s.f7, '#') > 0)
      OR s.f7 LIKE '="%' OR octet_length(s.f7) >= 32767
      OR octet_length(s.f7) <> length(s.f7) AND s.f7 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.f8) > 35 AND (
      strpos(s.f8, '&') > 0 OR strpos(s.f8, '_x00') > 0
      OR octet_length(s.f8) <= 60 AND (strpos(s.f8, '<') > 0 OR strpos(s.f8, '#') > 0)
      OR s.f8 LIKE '="%' OR octet_length(s.f8) >= 32767
      OR octet_length(s.f8) <> length(s.f8) AND s.f8 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.f9) > 35 AND (
      strpos(s.f9, '&') > 0 OR strpos(s.f9, '_x00') > 0
      OR octet_length(s.f9) <= 60 AND (strpos(s.f9, '<') > 0 OR strpos(s.f9, '#') > 0)
      OR s.f9 LIKE '="%' OR octet_length(s.f9) >= 32767
      OR octet_length(s.f9) <> length(s.f9) AND s.f9 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.f10) > 35 AND (
      strpos(s.f10, '&') > 0 OR strpos(s.f10, '_x00') > 0
      OR octet_length(s.f10) <= 60 AND (strpos(s.f10, '<') > 0 OR strpos(s.f10, '#') > 0)
      OR s.f10 LIKE '="%' OR octet_length(s.f10) >= 32767
      OR octet_length(s.f10) <> length(s.f10) AND s.f10 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.f11) > 35 AND (
      strpos(s.f11, '&') > 0 OR strpos(s.f11, '_x00') > 0
      OR octet_length(s.f11) <= 60 AND (strpos(s.f11, '<') > 0 OR strpos(s.f11, '#') > 0)
      OR s.f11 LIKE '="%' OR octet_length(s.f11) >= 32767
      OR octet_length(s.f11) <> length(s.f11) AND s.f11 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.f12) > 35 AND (
      strpos(s.f12, '&') > 0 OR strpos(s.f12, '_x00') > 0
      OR octet_length(s.f12) <= 60 AND (strpos(s.f12, '<') > 0 OR strpos(s.f12, '#') > 0)
      OR s.f12 LIKE '="%' OR octet_length(s.f12) >= 32767
      OR octet_length(s.f12) <> length(s.f12) AND s.f12 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.f13) > 35 AND (
      strpos(s.f13, '&') > 0 OR strpos(s.f13, '_x00') > 0
      OR octet_length(s.f13) <= 60 AND (strpos(s.f13, '<') > 0 OR strpos(s.f13, '#') > 0)
      OR s.f13 LIKE '="%' OR octet_length(s.f13) >= 32767
      OR octet_length(s.f13) <> length(s.f13) AND s.f13 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.f14) > 35 AND (
      strpos(s.f14, '&') > 0 OR strpos(s.f14, '_x00') > 0
      OR octet_length(s.f14) <= 60 AND (strpos(s.f14, '<') > 0 OR strpos(s.f14, '#') > 0)
      OR s.f14 LIKE '="%' OR octet_length(s.f14) >= 32767
      OR octet_length(s.f14) <> length(s.f14) AND s.f14 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.f15) > 35 AND (
      strpos(s.f15, '&') > 0 OR strpos(s.f15, '_x00') > 0
      OR octet_length(s.f15) <= 60 AND (strpos(s.f15, '<') > 0 OR strpos(s.f15, '#') > 0)
      OR s.f15 LIKE '="%' OR octet_length(s.f15) >= 32767
      OR octet_length(s.f15) <> length(s.f15) AND s.f15 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.f16) > 35 AND (
      strpos(s.f16, '&') > 0 OR strpos(s.f16, '_x00') > 0
      OR octet_length(s.f16) <= 60 AND (strpos(s.f16, '<') > 0 OR strpos(s.f16, '#') > 0)
      OR s.f16 LIKE '="%' OR octet_length(s.f16) >= 32767
      OR octet_length(s.f16) <> length(s.f16) AND s.f16 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.f17) > 35 AND (
      strpos(s.f17, '&') > 0 OR strpos(s.f17, '_x00') > 0
      OR octet_length(s.f17) <= 60 AND (strpos(s.f17, '<') > 0 OR strpos(s.f17, '#') > 0)
      OR s.f17 LIKE '="%' OR octet_length(s.f17) >= 32767
      OR octet_length(s.f17) <> length(s.f17) AND s.f17 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.f18) > 35 AND (
      strpos(s.f18, '&') > 0 OR strpos(s.f18, '_x00') > 0
      OR octet_length(s.f18) <= 60 AND (strpos(s.f18, '<') > 0 OR strpos(s.f18, '#') > 0)
      OR s.f18 LIKE '="%' OR octet_length(s.f18) >= 32767
      OR octet_length(s.f18) <> length(s.f18) AND s.f18 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.f19) > 35 AND (
      strpos(s.f19, '&') > 0 OR strpos(s.f19, '_x00') > 0
      OR octet_length(s.f19) <= 60 AND (strpos(s.f19, '<') > 0 OR strpos(s.f19, '#') > 0)
      OR s.f19 LIKE '="%' OR octet_length(s.f19) >= 32767
      OR octet_length(s.f19) <> length(s.f19) AND s.f19 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.f20) > 35 AND (
      strpos(s.f20, '&') > 0 OR strpos(s.f20, '_x00') > 0
      OR octet_length(s.f20) <= 60 AND (strpos(s.f20, '<') > 0 OR strpos(s.f20, '#') > 0)
      OR s.f20 LIKE '="%' OR octet_length(s.f20) >= 32767
      OR octet_length(s.f20) <> length(s.f20) AND s.f20 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]')))
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

DROP TABLE IF EXISTS nexus_assets.work_patients_dates; CREATE UNLOGGED TABLE nexus_assets.work_patients_dates AS SELECT NULL::text AS field,
    NULL::text AS raw, 0::bigint AS times WHERE false UNION ALL SELECT 'DOB'::text AS field, raw, times
    FROM (SELECT s.f5 AS raw, count(*) AS times FROM nexus_assets.work_patients_pending AS s GROUP BY 1) AS different
    WHERE nexus_assets.read_text(raw) IS NOT NULL UNION ALL SELECT 'NDIS Plan Start Date'::text AS field, raw, times
    FROM (SELECT s.f17 AS raw, count(*) AS times FROM nexus_assets.work_patients_pending AS s GROUP BY 1) AS different
    WHERE nexus_assets.read_text(raw) IS NOT NULL UNION ALL SELECT 'NDIS Plan End Date'::text AS field, raw, times
    FROM (SELECT s.f18 AS raw, count(*) AS times FROM nexus_assets.work_patients_pending AS s GROUP BY 1) AS different
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
      (SELECT s.f4 AS raw FROM nexus_assets.work_patients_pending AS s WHERE s.f4 IS NOT NULL GROUP BY 1)) AS different
 UNION ALL
    SELECT 'sex', different.raw,
        (CASE rtrim(nexus_assets.comparable(different.raw), ' .') WHEN 'm' THEN 'M' WHEN 'male' THEN 'M' WHEN 'man' THEN 'M' WHEN 'f' THEN 'F' WHEN 'female' THEN 'F' WHEN 'woman' THEN 'F' WHEN 'o' THEN 'O' WHEN 'other' THEN 'O' WHEN 'non-binary' THEN 'O' WHEN 'non binary' THEN 'O' WHEN 'nonbinary' THEN 'O' WHEN 'x' THEN 'O' END)
        FROM (
      SELECT NULL::text AS raw UNION ALL
      (SELECT s.f6 AS raw FROM nexus_assets.work_patients_pending AS s WHERE s.f6 IS NOT NULL GROUP BY 1)) AS different
; ANALYZE nexus_assets.work_patients_texts;

CREATE UNLOGGED TABLE nexus_assets.work_patients_incoming AS
SELECT r.row_number, r.source_id, r.row_hash, r.known_id, r.is_live,
    (coalesce(r.why, CASE WHEN length(r.new_first_name) > 100 THEN ARRAY['too_long', 'first_name'] WHEN r.new_last_name IS NULL THEN ARRAY['no_last_name', NULL] WHEN length(r.new_last_name) > 100 THEN ARRAY['too_long', 'last_name'] WHEN length(r.new_middle_names) > 100 THEN ARRAY['too_long', 'middle_names'] WHEN length(r.new_title) > 10 THEN ARRAY['too_long', 'title'] WHEN length(r.new_sex) > 20 THEN ARRAY['too_long', 'sex'] WHEN length(r.new_health_number) > 50 THEN ARRAY['too_long', 'health_number'] END))[1] AS reason,
    (coalesce(r.why, CASE WHEN length(r.new_first_name) > 100 THEN ARRAY['too_long', 'first_name'] WHEN r.new_last_name IS NULL THEN ARRAY['no_last_name', NULL] WHEN length(r.new_last_name) > 100 THEN ARRAY['too_long', 'last_name'] WHEN length(r.new_middle_names) > 100 THEN ARRAY['too_long', 'middle_names'] WHEN length(r.new_title) > 10 THEN ARRAY['too_long', 'title'] WHEN length(r.new_sex) > 20 THEN ARRAY['too_long', 'sex'] WHEN length(r.new_health_number) > 50 THEN ARRAY['too_long', 'health_number'] END))[2] AS reason_column,
       r.described, r.notices, r.new_clinic_id, r.new_funding_type_id, r.new_first_name, r.new_last_name,
           r.new_middle_names, r.new_title, r.new_dob, r.new_sex, r.new_health_number, r.new_filemaker_metadata
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
  FROM nexus_assets.work_patients_pending AS s
  LEFT JOIN (SELECT DISTINCT ON (1) nexus_assets.comparable(filemaker_id::text) AS key, id FROM public.clinics
           ORDER BY 1, created_at, id) AS clinic_id_0 ON clinic_id_0.key = nexus_assets.comparable(s.f13)
               LEFT JOIN (SELECT DISTINCT ON (1) nexus_assets.comparable(name::text) AS key, id FROM public.clinics
           ORDER BY 1, created_at, id) AS clinic_id_1 ON clinic_id_1.key = nexus_assets.comparable(s.f8)
               LEFT JOIN (SELECT DISTINCT ON (1) nexus_assets.comparable(name::text) AS key, id FROM public.funding_sources
           ORDER BY 1, created_at, id) AS funding_type_id_0 ON funding_type_id_0.key = nexus_assets.comparable(s.f20)
               LEFT JOIN nexus_assets.work_patients_texts AS no_text_title ON no_text_title.column_name = 'title'
               AND no_text_title.raw IS NULL
               LEFT JOIN nexus_assets.work_patients_texts AS text_title ON text_title.column_name = 'title'
               AND text_title.raw = s.f4 LEFT JOIN nexus_assets.work_patients_dates AS dates_0 ON dates_0.field = 'DOB'
               AND dates_0.raw = s.f5
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

CREATE UNLOGGED TABLE nexus_assets.work_patients_recognised (source_id uuid NOT NULL, nexus_id uuid NOT NULL);

SELECT EXISTS (
    SELECT i.* FROM nexus_assets.work_patients_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_patients_recognised AS r WHERE r.source_id = i.source_id)
) AND EXISTS (
    SELECT t.* FROM public.patients AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_patients AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_patients_recognised AS r WHERE r.nexus_id = t.id)
);

SET LOCAL enable_nestloop = off;

INSERT INTO nexus_assets.work_patients_recognised
    SELECT i.source_id, t.id AS nexus_id FROM (
    SELECT i.* FROM nexus_assets.work_patients_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_patients_recognised AS r WHERE r.source_id = i.source_id)
) AS i JOIN (
    SELECT t.* FROM public.patients AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_patients AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_patients_recognised AS r WHERE r.nexus_id = t.id)
) AS t
    ON t.id = nexus_assets.minted_id('patients', i.source_id::text);

SET LOCAL enable_nestloop TO DEFAULT;

ANALYZE nexus_assets.work_patients_recognised;

SELECT EXISTS (
    SELECT i.* FROM nexus_assets.work_patients_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_patients_recognised AS r WHERE r.source_id = i.source_id)
) AND EXISTS (
    SELECT t.* FROM public.patients AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_patients AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_patients_recognised AS r WHERE r.nexus_id = t.id)
);

SET LOCAL enable_nestloop = off;

INSERT INTO nexus_assets.work_patients_recognised
    SELECT DISTINCT ON (source_id) source_id, nexus_id FROM (
      SELECT i.source_id, t.id AS nexus_id, t.created_at AS made_at,
             CASE
                 WHEN count(
                   *) OVER (
                     PARTITION BY i.source_id) > 1 THEN (
                       EXISTS (
                         SELECT FROM public.appointments AS x WHERE x.patient_id = t.id) OR EXISTS (
                           SELECT FROM public.encounters AS x WHERE x.patient_id = t.id) OR EXISTS (
                             SELECT FROM public.letters_patientletter AS x WHERE x.patient_id = t.id) OR EXISTS (
                               SELECT FROM public.notes AS x WHERE x.patient_id = t.id) OR EXISTS (
                                 SELECT FROM public.patient_coordinators AS x WHERE x.patient_id = t.id) OR EXISTS (
                                   SELECT FROM public.patient_referrers AS x WHERE x.patient_id = t.id) OR EXISTS (
                                     SELECT FROM public.reminders AS x WHERE x.patient_id = t.id) OR EXISTS (
                                       SELECT FROM public.sms_inbound AS x WHERE x.patient_id = t.id) OR EXISTS (
                                         SELECT FROM public.sms_messages AS x WHERE x.patient_id = t.id) OR EXISTS (
                                           SELECT FROM public.xero_contact_links AS x WHERE x.patient_id = t.id) OR EXISTS (
                                             SELECT FROM public.xero_invoice_links AS x WHERE x.patient_id = t.id) OR EXISTS (
                                               SELECT FROM public.xero_quote_links AS x WHERE x.patient_id = t.id) OR EXISTS (
                                                 SELECT FROM public.contact_relationships AS x WHERE x.from_content_type_id = <patients' content type> AND "x"."from_object_id" = "t".id) OR EXISTS (
                                                   SELECT FROM "public"."contact_relationships" AS x WHERE x."to_content_type_id" = <patients' content type> AND x.to_object_id = t.id) OR EXISTS (
                                                     SELECT FROM public.documents_document AS x
                                                         WHERE x.content_type_id = <patients' content type> AND "x"."object_id" = "t".id)
                                                       OR EXISTS (
                                                         SELECT FROM "public"."images_batch" AS x
                                                             WHERE x."content_type_id" = <patients' content type> AND x.object_id = t.id)) END AS is_referenced
      FROM (
    SELECT i.* FROM nexus_assets.work_patients_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_patients_recognised AS r WHERE r.source_id = i.source_id)
) AS i JOIN (
    SELECT t.* FROM public.patients AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_patients AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_patients_recognised AS r WHERE r.nexus_id = t.id)
) AS t ON nexus_assets.read_uuid(t.filemaker_metadata ->> 'filemaker_id') = i.source_id
    ) AS candidates ORDER BY source_id, is_referenced DESC NULLS LAST, made_at DESC NULLS LAST, nexus_id;

SET LOCAL enable_nestloop TO DEFAULT;

-- 2 times:
ANALYZE nexus_assets.work_patients_recognised;

CREATE UNLOGGED TABLE nexus_assets.work_patients_decided AS
    SELECT i.row_number, i.source_id, i.known_id,
           CASE WHEN i.is_live THEN i.known_id
                ELSE coalesce(r.nexus_id, i.known_id,
    CASE
        WHEN EXISTS (SELECT FROM nexus_assets.identity_patients AS k WHERE k.nexus_id = nexus_assets.minted_id('patients', i.source_id::text))
         THEN (SELECT other.id FROM generate_series(1, 99) AS n,
                 LATERAL (SELECT nexus_assets.minted_id('patients', concat_ws('/', i.source_id, n)) AS id) AS other
               WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_patients AS k WHERE k.nexus_id = other.id)
                 AND NOT EXISTS (SELECT FROM public.patients AS t WHERE t.id = other.id) ORDER BY n LIMIT 1)
         ELSE nexus_assets.minted_id('patients', i.source_id::text) END
) END AS nexus_id,
           CASE WHEN i.is_live AND l.last_load IS NOT NULL THEN 'compare'
                WHEN i.is_live OR r.nexus_id IS NOT NULL THEN 'adopt'
                WHEN i.known_id IS NOT NULL THEN 'restore' ELSE 'insert' END AS action
    FROM nexus_assets.work_patients_incoming AS i
        LEFT JOIN nexus_assets.work_patients_recognised AS r ON r.source_id = i.source_id
    LEFT JOIN nexus_assets.identity_patients AS l ON l.source_id = i.source_id
    WHERE i.reason IS NULL;

ANALYZE nexus_assets.work_patients_decided;

SELECT (SELECT count(*) FROM nexus_assets.identity_patients AS l WHERE (l.last_load IS NOT NULL AND l.vanished_load IS NULL)),
    count(*) FROM nexus_assets.work_patients_seen WHERE is_current;

SELECT reason, count(*), count(*) FILTER (WHERE new_first_name IS NULL), count(*) FILTER (WHERE new_last_name IS NULL)
    FROM nexus_assets.work_patients_incoming GROUP BY 1 ORDER BY 2 DESC, 1;

SELECT reason, count(*) FROM nexus_assets.work_patients_standing GROUP BY 1;

SELECT count(DISTINCT i.source_id) FROM nexus_assets.work_patients_incoming AS i
    JOIN nexus_assets.work_patients_decided AS d USING (row_number)
JOIN public.patients AS t ON hash_record_extended(ROW(i.new_last_name, i.new_first_name, i.new_dob), 0) = hash_record_extended(ROW(t.last_name, t.first_name, t.dob), 0)
JOIN nexus_assets.identity_patients AS l ON l.nexus_id = t.id
WHERE d.action = 'insert'
    AND NOT EXISTS (SELECT FROM nexus_assets.work_patients_seen AS s WHERE s.source_id = l.source_id);

CREATE UNLOGGED TABLE nexus_assets.work_patients_followed AS
SELECT source_id, known_id AS old_id, nexus_id AS new_id FROM nexus_assets.work_patients_decided
WHERE action = 'adopt' AND known_id <> nexus_id;

CREATE UNLOGGED TABLE nexus_assets.work_patients_lost AS SELECT l.source_id, l.nexus_id
    FROM nexus_assets.identity_patients AS l
WHERE NOT EXISTS (SELECT FROM public.patients AS t WHERE t.id = l.nexus_id)
  AND NOT EXISTS (SELECT FROM nexus_assets.work_patients_decided AS d WHERE d.source_id = l.source_id);

WITH written AS (
            INSERT INTO nexus_assets.superseded AS s (entity, nexus_id, source_id, current_id, load_id)
            SELECT 'patients', old_id, source_id, new_id, <load> FROM nexus_assets.work_patients_followed
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
            DELETE FROM nexus_assets.superseded AS s USING nexus_assets.work_patients_followed AS f
            WHERE s.entity = 'patients' AND s.nexus_id = f.new_id
         RETURNING s.entity, s.nexus_id, to_jsonb(s) AS content)
    INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['nexus_assets','superseded'], concat_ws(' ', w.entity::text, w.nexus_id::text), w.content, NULL
        FROM written AS w
;WITH written AS (
            UPDATE nexus_assets.superseded AS s SET current_id = f.new_id FROM nexus_assets.work_patients_followed AS f
            WHERE s.entity = 'patients' AND s.source_id = f.source_id AND s.current_id <> f.new_id
         RETURNING s.entity, s.nexus_id, to_jsonb(s) AS content)
    INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['nexus_assets','superseded'], concat_ws(' ', w.entity::text, w.nexus_id::text), CASE
        WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
        CASE WHEN was.content IS NULL THEN w.content
        ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
    FROM written AS w
      LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.superseded AS o WHERE o.entity = w.entity AND o.nexus_id = w.nexus_id AND TRUE OFFSET 0) AS was ON TRUE;

CREATE UNLOGGED TABLE nexus_assets.work_patients_changes AS
    SELECT row_number, source_id, nexus_id, action, writes_clinic_id IS TRUE AS write_clinic_id,
        writes_clinic_id IS FALSE AS keep_clinic_id, writes_funding_type_id IS TRUE AS write_funding_type_id,
        writes_funding_type_id IS FALSE AS keep_funding_type_id, writes_first_name IS TRUE AS write_first_name,
        writes_first_name IS FALSE AS keep_first_name, writes_last_name IS TRUE AS write_last_name,
        writes_last_name IS FALSE AS keep_last_name, writes_middle_names IS TRUE AS write_middle_names,
        writes_middle_names IS FALSE AS keep_middle_names, writes_title IS TRUE AS write_title,
        writes_title IS FALSE AS keep_title, writes_dob IS TRUE AS write_dob, writes_dob IS FALSE AS keep_dob,
        writes_sex IS TRUE AS write_sex, writes_sex IS FALSE AS keep_sex,
        writes_health_number IS TRUE AS write_health_number, writes_health_number IS FALSE AS keep_health_number,
        writes_filemaker_metadata IS TRUE AS write_filemaker_metadata,
        writes_filemaker_metadata IS FALSE AS keep_filemaker_metadata
    FROM (
      SELECT d.row_number, d.source_id, d.nexus_id, d.action, CASE
          WHEN ((t.clinic_id IS DISTINCT FROM i.new_clinic_id AND ((d.action = 'adopt' AND coalesce(t.clinic_id IS NULL OR FALSE, FALSE)) OR coalesce(l.base_clinic_id = hash_record_extended(ROW(t.clinic_id), 0), FALSE) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND i.new_clinic_id IS NULL)))) AND (i.new_clinic_id IS NOT NULL)) THEN ((d.action = 'adopt' AND coalesce(t.clinic_id IS NULL OR FALSE, FALSE)) OR coalesce(l.base_clinic_id = hash_record_extended(ROW(t.clinic_id), 0), FALSE)) END AS writes_clinic_id,
          CASE
          WHEN ((t.funding_type_id IS DISTINCT FROM i.new_funding_type_id AND ((d.action = 'adopt' AND coalesce(t.funding_type_id IS NULL OR FALSE, FALSE)) OR coalesce(l.base_funding_type_id = hash_record_extended(ROW(t.funding_type_id), 0), FALSE) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND i.new_funding_type_id IS NULL)))) AND (i.new_funding_type_id IS NOT NULL)) THEN ((d.action = 'adopt' AND coalesce(t.funding_type_id IS NULL OR FALSE, FALSE)) OR coalesce(l.base_funding_type_id = hash_record_extended(ROW(t.funding_type_id), 0), FALSE)) END AS writes_funding_type_id,
          CASE
          WHEN (t.first_name IS DISTINCT FROM i.new_first_name AND nexus_assets.read_text(t.first_name)::character varying(100) IS DISTINCT FROM nexus_assets.read_text(i.new_first_name)::character varying(100) AND ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.first_name)::character varying(100) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_first_name = hash_record_extended(ROW(t.first_name), 0), FALSE) OR coalesce(l.base_first_name = hash_record_extended(ROW(nexus_assets.read_text(t.first_name)::character varying(100)), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_first_name, '') = coalesce(coalesce(nexus_assets.read_text(NULL::text), ''::text), ''))))) THEN ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.first_name)::character varying(100) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_first_name = hash_record_extended(ROW(t.first_name), 0), FALSE) OR coalesce(l.base_first_name = hash_record_extended(ROW(nexus_assets.read_text(t.first_name)::character varying(100)), 0), FALSE))) END AS writes_first_name,
          CASE
          WHEN (t.last_name IS DISTINCT FROM i.new_last_name AND nexus_assets.read_text(t.last_name)::character varying(100) IS DISTINCT FROM nexus_assets.read_text(i.new_last_name)::character varying(100) AND ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.last_name)::character varying(100) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_last_name = hash_record_extended(ROW(t.last_name), 0), FALSE) OR coalesce(l.base_last_name = hash_record_extended(ROW(nexus_assets.read_text(t.last_name)::character varying(100)), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_last_name, '') = coalesce(nexus_assets.read_text(NULL::text), ''))))) THEN ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.last_name)::character varying(100) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_last_name = hash_record_extended(ROW(t.last_name), 0), FALSE) OR coalesce(l.base_last_name = hash_record_extended(ROW(nexus_assets.read_text(t.last_name)::character varying(100)), 0), FALSE))) END AS writes_last_name,
          CASE
          WHEN (t.middle_names IS DISTINCT FROM i.new_middle_names AND nexus_assets.read_text(t.middle_names)::character varying(100) IS DISTINCT FROM nexus_assets.read_text(i.new_middle_names)::character varying(100) AND ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.middle_names)::character varying(100) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_middle_names = hash_record_extended(ROW(t.middle_names), 0), FALSE) OR coalesce(l.base_middle_names = hash_record_extended(ROW(nexus_assets.read_text(t.middle_names)::character varying(100)), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_middle_names, '') = coalesce(nexus_assets.read_text(NULL::text), ''))))) THEN ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.middle_names)::character varying(100) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_middle_names = hash_record_extended(ROW(t.middle_names), 0), FALSE) OR coalesce(l.base_middle_names = hash_record_extended(ROW(nexus_assets.read_text(t.middle_names)::character varying(100)), 0), FALSE))) END AS writes_middle_names,
          CASE
          WHEN (
            t.title IS DISTINCT FROM i.new_title AND nexus_assets.read_text(t.title)::character varying(10) IS DISTINCT
                FROM nexus_assets.read_text(i.new_title)::character varying(10)
                AND ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.title)::character varying(10) IS NULL OR
(
  (
    coalesce(
      t.title::text, ''), coalesce(
        i.new_title, '')) IN (
          SELECT coalesce(different.raw, ''),
              coalesce((CASE rtrim(nexus_assets.comparable(different.raw), ' .') WHEN 'mr' THEN 'Mr' WHEN 'mrs' THEN 'Mrs' WHEN 'ms' THEN 'Ms' WHEN 'miss' THEN 'Miss' WHEN 'dr' THEN 'Dr' WHEN 'prof' THEN 'Prof' END), '')
              FROM (
  SELECT DISTINCT t.title::text AS raw FROM public.patients AS t) AS different)) OR FALSE, FALSE))
      OR (coalesce(l.base_title = hash_record_extended(ROW(t.title), 0), FALSE) OR coalesce(l.base_title = hash_record_extended(ROW(nexus_assets.read_text(t.title)::character varying(10)), 0), FALSE))
      OR NOT (
(
  (
    coalesce(
      t.title::text, ''), coalesce(
        i.new_title, '')) IN (
          SELECT coalesce(different.raw, ''),
              coalesce((CASE rtrim(nexus_assets.comparable(different.raw), ' .') WHEN 'mr' THEN 'Mr' WHEN 'mrs' THEN 'Mrs' WHEN 'ms' THEN 'Ms' WHEN 'miss' THEN 'Miss' WHEN 'dr' THEN 'Dr' WHEN 'prof' THEN 'Prof' END), '')
              FROM (
  SELECT DISTINCT t.title::text AS raw FROM public.patients AS t) AS different)) OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_title, '') = coalesce((CASE rtrim(nexus_assets.comparable(NULL::text), ' .') WHEN 'mr' THEN 'Mr' WHEN 'mrs' THEN 'Mrs' WHEN 'ms' THEN 'Ms' WHEN 'miss' THEN 'Miss' WHEN 'dr' THEN 'Dr' WHEN 'prof' THEN 'Prof' END), ''))))) THEN ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.title)::character varying(10) IS NULL OR
(
  (
    coalesce(
      t.title::text, ''), coalesce(
        i.new_title, '')) IN (
          SELECT coalesce(different.raw, ''),
              coalesce((CASE rtrim(nexus_assets.comparable(different.raw), ' .') WHEN 'mr' THEN 'Mr' WHEN 'mrs' THEN 'Mrs' WHEN 'ms' THEN 'Ms' WHEN 'miss' THEN 'Miss' WHEN 'dr' THEN 'Dr' WHEN 'prof' THEN 'Prof' END), '')
              FROM (
  SELECT DISTINCT t.title::text AS raw FROM public.patients AS t) AS different)) OR FALSE, FALSE)) OR (coalesce(l.base_title = hash_record_extended(ROW(t.title), 0), FALSE) OR coalesce(l.base_title = hash_record_extended(ROW(nexus_assets.read_text(t.title)::character varying(10)), 0), FALSE))) END AS writes_title,
      CASE
      WHEN (t.dob IS DISTINCT FROM i.new_dob AND ((d.action = 'adopt' AND coalesce(t.dob IS NULL OR FALSE, FALSE)) OR coalesce(l.base_dob = hash_record_extended(ROW(t.dob), 0), FALSE) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND i.new_dob IS NULL)))) THEN ((d.action = 'adopt' AND coalesce(t.dob IS NULL OR FALSE, FALSE)) OR coalesce(l.base_dob = hash_record_extended(ROW(t.dob), 0), FALSE)) END AS writes_dob,
      CASE
      WHEN (
        t.sex IS DISTINCT FROM i.new_sex AND nexus_assets.read_text(t.sex)::character varying(20) IS DISTINCT
            FROM nexus_assets.read_text(i.new_sex)::character varying(20)
            AND ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.sex)::character varying(20) IS NULL OR
(
  (
    coalesce(
      t.sex::text, ''), coalesce(
        i.new_sex, '')) IN (
          SELECT coalesce(different.raw, ''),
              coalesce((CASE rtrim(nexus_assets.comparable(different.raw), ' .') WHEN 'm' THEN 'M' WHEN 'male' THEN 'M' WHEN 'man' THEN 'M' WHEN 'f' THEN 'F' WHEN 'female' THEN 'F' WHEN 'woman' THEN 'F' WHEN 'o' THEN 'O' WHEN 'other' THEN 'O' WHEN 'non-binary' THEN 'O' WHEN 'non binary' THEN 'O' WHEN 'nonbinary' THEN 'O' WHEN 'x' THEN 'O' END), '')
              FROM (
  SELECT DISTINCT t.sex::text AS raw FROM public.patients AS t) AS different)) OR FALSE, FALSE))
      OR (coalesce(l.base_sex = hash_record_extended(ROW(t.sex), 0), FALSE) OR coalesce(l.base_sex = hash_record_extended(ROW(nexus_assets.read_text(t.sex)::character varying(20)), 0), FALSE))
      OR NOT (
(
  (
    coalesce(
      t.sex::text, ''), coalesce(
        i.new_sex, '')) IN (
          SELECT coalesce(different.raw, ''),
              coalesce((CASE rtrim(nexus_assets.comparable(different.raw), ' .') WHEN 'm' THEN 'M' WHEN 'male' THEN 'M' WHEN 'man' THEN 'M' WHEN 'f' THEN 'F' WHEN 'female' THEN 'F' WHEN 'woman' THEN 'F' WHEN 'o' THEN 'O' WHEN 'other' THEN 'O' WHEN 'non-binary' THEN 'O' WHEN 'non binary' THEN 'O' WHEN 'nonbinary' THEN 'O' WHEN 'x' THEN 'O' END), '')
              FROM (
  SELECT DISTINCT t.sex::text AS raw FROM public.patients AS t) AS different)) OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_sex, '') = coalesce((CASE rtrim(nexus_assets.comparable(NULL::text), ' .') WHEN 'm' THEN 'M' WHEN 'male' THEN 'M' WHEN 'man' THEN 'M' WHEN 'f' THEN 'F' WHEN 'female' THEN 'F' WHEN 'woman' THEN 'F' WHEN 'o' THEN 'O' WHEN 'other' THEN 'O' WHEN 'non-binary' THEN 'O' WHEN 'non binary' THEN 'O' WHEN 'nonbinary' THEN 'O' WHEN 'x' THEN 'O' END), ''))))) THEN ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.sex)::character varying(20) IS NULL OR
(
  (
    coalesce(
      t.sex::text, ''), coalesce(
        i.new_sex, '')) IN (
          SELECT coalesce(different.raw, ''),
              coalesce((CASE rtrim(nexus_assets.comparable(different.raw), ' .') WHEN 'm' THEN 'M' WHEN 'male' THEN 'M' WHEN 'man' THEN 'M' WHEN 'f' THEN 'F' WHEN 'female' THEN 'F' WHEN 'woman' THEN 'F' WHEN 'o' THEN 'O' WHEN 'other' THEN 'O' WHEN 'non-binary' THEN 'O' WHEN 'non binary' THEN 'O' WHEN 'nonbinary' THEN 'O' WHEN 'x' THEN 'O' END), '')
              FROM (
  SELECT DISTINCT t.sex::text AS raw FROM public.patients AS t) AS different)) OR FALSE, FALSE)) OR (coalesce(l.base_sex = hash_record_extended(ROW(t.sex), 0), FALSE) OR coalesce(l.base_sex = hash_record_extended(ROW(nexus_assets.read_text(t.sex)::character varying(20)), 0), FALSE))) END AS writes_sex,
      CASE
      WHEN (t.health_number IS DISTINCT FROM i.new_health_number AND nexus_assets.read_text(t.health_number)::character varying(50) IS DISTINCT FROM nexus_assets.read_text(i.new_health_number)::character varying(50) AND ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.health_number)::character varying(50) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_health_number = hash_record_extended(ROW(t.health_number), 0), FALSE) OR coalesce(l.base_health_number = hash_record_extended(ROW(nexus_assets.read_text(t.health_number)::character varying(50)), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_health_number, '') = coalesce(nexus_assets.read_text(NULL::text), ''))))) THEN ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.health_number)::character varying(50) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_health_number = hash_record_extended(ROW(t.health_number), 0), FALSE) OR coalesce(l.base_health_number = hash_record_extended(ROW(nexus_assets.read_text(t.health_number)::character varying(50)), 0), FALSE))) END AS writes_health_number,
      CASE
      WHEN ((CASE WHEN (coalesce(jsonb_typeof(t.filemaker_metadata), 'null') NOT IN ('object', 'null') AND t.filemaker_metadata NOT IN ('[]', '""')) THEN t.filemaker_metadata ELSE jsonb_strip_nulls(jsonb_build_object('filemaker_id', t.filemaker_metadata -> 'filemaker_id', 'clinic_name', t.filemaker_metadata -> 'clinic_name', 'area', t.filemaker_metadata -> 'area', 'contact_type', t.filemaker_metadata -> 'contact_type', 'cys_id', t.filemaker_metadata -> 'cys_id', 'diabetes', t.filemaker_metadata -> 'diabetes', 'id_clinic', t.filemaker_metadata -> 'id_clinic', 'title', t.filemaker_metadata -> 'title', 'dob', t.filemaker_metadata -> 'dob', 'ndis', t.filemaker_metadata -> 'ndis')) END) IS DISTINCT FROM i.new_filemaker_metadata AND nexus_assets.without_blanks((CASE WHEN (coalesce(jsonb_typeof(t.filemaker_metadata), 'null') NOT IN ('object', 'null') AND t.filemaker_metadata NOT IN ('[]', '""')) THEN t.filemaker_metadata ELSE jsonb_strip_nulls(jsonb_build_object('filemaker_id', t.filemaker_metadata -> 'filemaker_id', 'clinic_name', t.filemaker_metadata -> 'clinic_name', 'area', t.filemaker_metadata -> 'area', 'contact_type', t.filemaker_metadata -> 'contact_type', 'cys_id', t.filemaker_metadata -> 'cys_id', 'diabetes', t.filemaker_metadata -> 'diabetes', 'id_clinic', t.filemaker_metadata -> 'id_clinic', 'title', t.filemaker_metadata -> 'title', 'dob', t.filemaker_metadata -> 'dob', 'ndis', t.filemaker_metadata -> 'ndis')) END)) IS DISTINCT FROM nexus_assets.without_blanks(i.new_filemaker_metadata) AND ((d.action = 'adopt' AND coalesce((i.new_filemaker_metadata @> (nexus_assets.without_blanks((CASE WHEN (coalesce(jsonb_typeof(t.filemaker_metadata), 'null') NOT IN ('object', 'null') AND t.filemaker_metadata NOT IN ('[]', '""')) THEN t.filemaker_metadata ELSE jsonb_strip_nulls(jsonb_build_object('filemaker_id', t.filemaker_metadata -> 'filemaker_id', 'clinic_name', t.filemaker_metadata -> 'clinic_name', 'area', t.filemaker_metadata -> 'area', 'contact_type', t.filemaker_metadata -> 'contact_type', 'cys_id', t.filemaker_metadata -> 'cys_id', 'diabetes', t.filemaker_metadata -> 'diabetes', 'id_clinic', t.filemaker_metadata -> 'id_clinic', 'title', t.filemaker_metadata -> 'title', 'dob', t.filemaker_metadata -> 'dob', 'ndis', t.filemaker_metadata -> 'ndis')) END)) - 'filemaker_id')) OR FALSE, FALSE)) OR (coalesce(l.base_filemaker_metadata = hash_record_extended(ROW((CASE WHEN (coalesce(jsonb_typeof(t.filemaker_metadata), 'null') NOT IN ('object', 'null') AND t.filemaker_metadata NOT IN ('[]', '""')) THEN t.filemaker_metadata ELSE jsonb_strip_nulls(jsonb_build_object('filemaker_id', t.filemaker_metadata -> 'filemaker_id', 'clinic_name', t.filemaker_metadata -> 'clinic_name', 'area', t.filemaker_metadata -> 'area', 'contact_type', t.filemaker_metadata -> 'contact_type', 'cys_id', t.filemaker_metadata -> 'cys_id', 'diabetes', t.filemaker_metadata -> 'diabetes', 'id_clinic', t.filemaker_metadata -> 'id_clinic', 'title', t.filemaker_metadata -> 'title', 'dob', t.filemaker_metadata -> 'dob', 'ndis', t.filemaker_metadata -> 'ndis')) END)), 0), FALSE) OR coalesce(l.base_filemaker_metadata = hash_record_extended(ROW(nexus_assets.without_blanks((CASE WHEN (coalesce(jsonb_typeof(t.filemaker_metadata), 'null') NOT IN ('object', 'null') AND t.filemaker_metadata NOT IN ('[]', '""')) THEN t.filemaker_metadata ELSE jsonb_strip_nulls(jsonb_build_object('filemaker_id', t.filemaker_metadata -> 'filemaker_id', 'clinic_name', t.filemaker_metadata -> 'clinic_name', 'area', t.filemaker_metadata -> 'area', 'contact_type', t.filemaker_metadata -> 'contact_type', 'cys_id', t.filemaker_metadata -> 'cys_id', 'diabetes', t.filemaker_metadata -> 'diabetes', 'id_clinic', t.filemaker_metadata -> 'id_clinic', 'title', t.filemaker_metadata -> 'title', 'dob', t.filemaker_metadata -> 'dob', 'ndis', t.filemaker_metadata -> 'ndis')) END))), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND nexus_assets.without_blanks((CASE WHEN (coalesce(jsonb_typeof(t.filemaker_metadata), 'null') NOT IN ('object', 'null') AND t.filemaker_metadata NOT IN ('[]', '""')) THEN t.filemaker_metadata ELSE jsonb_strip_nulls(jsonb_build_object('filemaker_id', t.filemaker_metadata -> 'filemaker_id', 'clinic_name', t.filemaker_metadata -> 'clinic_name', 'area', t.filemaker_metadata -> 'area', 'contact_type', t.filemaker_metadata -> 'contact_type', 'cys_id', t.filemaker_metadata -> 'cys_id', 'diabetes', t.filemaker_metadata -> 'diabetes', 'id_clinic', t.filemaker_metadata -> 'id_clinic', 'title', t.filemaker_metadata -> 'title', 'dob', t.filemaker_metadata -> 'dob', 'ndis', t.filemaker_metadata -> 'ndis')) END)) @> nexus_assets.without_blanks(i.new_filemaker_metadata))))) THEN ((d.action = 'adopt' AND coalesce((i.new_filemaker_metadata @> (nexus_assets.without_blanks((CASE WHEN (coalesce(jsonb_typeof(t.filemaker_metadata), 'null') NOT IN ('object', 'null') AND t.filemaker_metadata NOT IN ('[]', '""')) THEN t.filemaker_metadata ELSE jsonb_strip_nulls(jsonb_build_object('filemaker_id', t.filemaker_metadata -> 'filemaker_id', 'clinic_name', t.filemaker_metadata -> 'clinic_name', 'area', t.filemaker_metadata -> 'area', 'contact_type', t.filemaker_metadata -> 'contact_type', 'cys_id', t.filemaker_metadata -> 'cys_id', 'diabetes', t.filemaker_metadata -> 'diabetes', 'id_clinic', t.filemaker_metadata -> 'id_clinic', 'title', t.filemaker_metadata -> 'title', 'dob', t.filemaker_metadata -> 'dob', 'ndis', t.filemaker_metadata -> 'ndis')) END)) - 'filemaker_id')) OR FALSE, FALSE)) OR (coalesce(l.base_filemaker_metadata = hash_record_extended(ROW((CASE WHEN (coalesce(jsonb_typeof(t.filemaker_metadata), 'null') NOT IN ('object', 'null') AND t.filemaker_metadata NOT IN ('[]', '""')) THEN t.filemaker_metadata ELSE jsonb_strip_nulls(jsonb_build_object('filemaker_id', t.filemaker_metadata -> 'filemaker_id', 'clinic_name', t.filemaker_metadata -> 'clinic_name', 'area', t.filemaker_metadata -> 'area', 'contact_type', t.filemaker_metadata -> 'contact_type', 'cys_id', t.filemaker_metadata -> 'cys_id', 'diabetes', t.filemaker_metadata -> 'diabetes', 'id_clinic', t.filemaker_metadata -> 'id_clinic', 'title', t.filemaker_metadata -> 'title', 'dob', t.filemaker_metadata -> 'dob', 'ndis', t.filemaker_metadata -> 'ndis')) END)), 0), FALSE) OR coalesce(l.base_filemaker_metadata = hash_record_extended(ROW(nexus_assets.without_blanks((CASE WHEN (coalesce(jsonb_typeof(t.filemaker_metadata), 'null') NOT IN ('object', 'null') AND t.filemaker_metadata NOT IN ('[]', '""')) THEN t.filemaker_metadata ELSE jsonb_strip_nulls(jsonb_build_object('filemaker_id', t.filemaker_metadata -> 'filemaker_id', 'clinic_name', t.filemaker_metadata -> 'clinic_name', 'area', t.filemaker_metadata -> 'area', 'contact_type', t.filemaker_metadata -> 'contact_type', 'cys_id', t.filemaker_metadata -> 'cys_id', 'diabetes', t.filemaker_metadata -> 'diabetes', 'id_clinic', t.filemaker_metadata -> 'id_clinic', 'title', t.filemaker_metadata -> 'title', 'dob', t.filemaker_metadata -> 'dob', 'ndis', t.filemaker_metadata -> 'ndis')) END))), 0), FALSE))) END AS writes_filemaker_metadata
      FROM nexus_assets.work_patients_decided AS d
      JOIN nexus_assets.work_patients_incoming AS i USING (row_number)
      JOIN public.patients AS t ON t.id = d.nexus_id
      LEFT JOIN nexus_assets.identity_patients AS l ON l.source_id = d.source_id
      WHERE d.action IN ('compare', 'adopt') OFFSET '0'
    ) AS compared;

SELECT bool_or(keep_clinic_id), bool_or(keep_funding_type_id), bool_or(keep_first_name), bool_or(keep_last_name),
    bool_or(keep_middle_names), bool_or(keep_title), bool_or(keep_dob), bool_or(keep_sex), bool_or(keep_health_number),
    bool_or(keep_filemaker_metadata) FROM nexus_assets.work_patients_changes;

CREATE UNLOGGED TABLE nexus_assets.work_patients_kept AS SELECT NULL::uuid AS source_id, NULL::uuid AS nexus_id,
    NULL::text AS column_name, NULL::text AS cause, NULL::text AS filemaker_value, NULL::text AS nexus_value WHERE FALSE
    UNION ALL
    SELECT c.source_id, c.nexus_id, 'middle_names'::text AS column_name,
           CASE
               WHEN (c.keep_middle_names AND (coalesce(l.base_middle_names = hash_record_extended(ROW(t.middle_names), 0), FALSE) OR coalesce(l.base_middle_names = hash_record_extended(ROW(nexus_assets.read_text(t.middle_names)::character varying(100)), 0), FALSE))) THEN 'refused'
               WHEN l.base_middle_names IS NULL THEN 'adopted' ELSE 'edited' END AS cause,
           i.new_middle_names::text AS filemaker_value, t.middle_names::text AS nexus_value
    FROM nexus_assets.work_patients_changes AS c JOIN nexus_assets.work_patients_incoming AS i USING (row_number)
        JOIN public.patients AS t ON t.id = c.nexus_id
    LEFT JOIN nexus_assets.identity_patients AS l ON l.source_id = c.source_id
    WHERE c.keep_middle_names
;
    UPDATE nexus_assets.conflict AS c SET resolved_load = <load>
    WHERE c.entity = 'patients' AND c.resolved_load IS NULL
      AND (EXISTS (SELECT FROM nexus_assets.work_patients_decided AS d WHERE d.source_id = c.source_id)
           OR c.cause = 'deleted' AND NOT EXISTS (SELECT FROM nexus_assets.work_patients_seen AS s WHERE s.source_id = c.source_id))
      AND NOT EXISTS (SELECT FROM nexus_assets.work_patients_kept AS k WHERE (k.source_id, k.column_name) = (c.source_id, c.column_name));
    WITH written AS (
    INSERT INTO nexus_assets.conflict AS c
      (entity, source_id, nexus_id, column_name, cause, filemaker_value, nexus_value, first_load)
    SELECT 'patients', source_id, nexus_id, column_name, cause, filemaker_value, nexus_value, <load>
        FROM nexus_assets.work_patients_kept
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

SELECT count(*), count(c.source_id) FROM nexus_assets.work_patients_seen AS s
LEFT JOIN (SELECT DISTINCT source_id FROM nexus_assets.conflict
           WHERE entity = 'patients' AND resolved_load IS NULL) AS c USING (source_id)
WHERE s.settled;

SELECT count(*) FILTER (WHERE (c.write_clinic_id OR c.write_funding_type_id OR c.write_first_name OR c.write_last_name OR c.write_middle_names OR c.write_title OR c.write_dob OR c.write_sex OR c.write_health_number OR c.write_filemaker_metadata)),
    count(*) FILTER (WHERE NOT (c.write_clinic_id OR c.write_funding_type_id OR c.write_first_name OR c.write_last_name OR c.write_middle_names OR c.write_title OR c.write_dob OR c.write_sex OR c.write_health_number OR c.write_filemaker_metadata) AND (c.keep_clinic_id OR c.keep_funding_type_id OR c.keep_first_name OR c.keep_last_name OR c.keep_middle_names OR c.keep_title OR c.keep_dob OR c.keep_sex OR c.keep_health_number OR c.keep_filemaker_metadata)),
       count(*) FILTER (WHERE NOT (c.write_clinic_id OR c.write_funding_type_id OR c.write_first_name OR c.write_last_name OR c.write_middle_names OR c.write_title OR c.write_dob OR c.write_sex OR c.write_health_number OR c.write_filemaker_metadata) AND NOT (c.keep_clinic_id OR c.keep_funding_type_id OR c.keep_first_name OR c.keep_last_name OR c.keep_middle_names OR c.keep_title OR c.keep_dob OR c.keep_sex OR c.keep_health_number OR c.keep_filemaker_metadata)),
           count(*) FILTER (WHERE c.action = 'adopt'),
       count(*) FILTER (WHERE FALSE)
FROM nexus_assets.work_patients_changes AS c;

SELECT count(*) FILTER (WHERE action <> 'deleted'), count(*) FILTER (WHERE action = 'restore'),
    count(*) FILTER (WHERE action = 'deleted') FROM nexus_assets.work_patients_decided
    WHERE action IN ('insert', 'restore', 'deleted');

SELECT count(*) FILTER (WHERE c.write_clinic_id AND t.clinic_id IS NULL),
    count(*) FILTER (WHERE c.write_clinic_id AND NOT (t.clinic_id IS NULL)), count(*) FILTER (WHERE c.keep_clinic_id),
    count(*) FILTER (WHERE c.write_funding_type_id AND t.funding_type_id IS NULL),
    count(*) FILTER (WHERE c.write_funding_type_id AND NOT (t.funding_type_id IS NULL)),
    count(*) FILTER (WHERE c.keep_funding_type_id),
    count(*) FILTER (WHERE c.write_first_name AND nexus_assets.read_text(t.first_name)::character varying(100) IS NULL),
    count(*) FILTER (WHERE c.write_first_name AND NOT (nexus_assets.read_text(t.first_name)::character varying(100) IS NULL)),
    count(*) FILTER (WHERE c.keep_first_name),
    count(*) FILTER (WHERE c.write_last_name AND nexus_assets.read_text(t.last_name)::character varying(100) IS NULL),
    count(*) FILTER (WHERE c.write_last_name AND NOT (nexus_assets.read_text(t.last_name)::character varying(100) IS NULL)),
    count(*) FILTER (WHERE c.keep_last_name),
    count(*) FILTER (WHERE c.write_middle_names AND nexus_assets.read_text(t.middle_names)::character varying(100) IS NULL),
    count(*) FILTER (WHERE c.write_middle_names AND NOT (nexus_assets.read_text(t.middle_names)::character varying(100) IS NULL)),
    count(*) FILTER (WHERE c.keep_middle_names),
    count(*) FILTER (WHERE c.write_title AND nexus_assets.read_text(t.title)::character varying(10) IS NULL),
    count(*) FILTER (WHERE c.write_title AND NOT (nexus_assets.read_text(t.title)::character varying(10) IS NULL)),
    count(*) FILTER (WHERE c.keep_title), count(*) FILTER (WHERE c.write_dob AND t.dob IS NULL),
    count(*) FILTER (WHERE c.write_dob AND NOT (t.dob IS NULL)), count(*) FILTER (WHERE c.keep_dob),
    count(*) FILTER (WHERE c.write_sex AND nexus_assets.read_text(t.sex)::character varying(20) IS NULL),
    count(*) FILTER (WHERE c.write_sex AND NOT (nexus_assets.read_text(t.sex)::character varying(20) IS NULL)),
    count(*) FILTER (WHERE c.keep_sex),
    count(*) FILTER (WHERE c.write_health_number AND nexus_assets.read_text(t.health_number)::character varying(50) IS NULL),
    count(*) FILTER (WHERE c.write_health_number AND NOT (nexus_assets.read_text(t.health_number)::character varying(50) IS NULL)),
    count(*) FILTER (WHERE c.keep_health_number),
    count(*) FILTER (WHERE c.write_filemaker_metadata AND (i.new_filemaker_metadata @> (nexus_assets.without_blanks((CASE WHEN (coalesce(jsonb_typeof(t.filemaker_metadata), 'null') NOT IN ('object', 'null') AND t.filemaker_metadata NOT IN ('[]', '""')) THEN t.filemaker_metadata ELSE jsonb_strip_nulls(jsonb_build_object('filemaker_id', t.filemaker_metadata -> 'filemaker_id', 'clinic_name', t.filemaker_metadata -> 'clinic_name', 'area', t.filemaker_metadata -> 'area', 'contact_type', t.filemaker_metadata -> 'contact_type', 'cys_id', t.filemaker_metadata -> 'cys_id', 'diabetes', t.filemaker_metadata -> 'diabetes', 'id_clinic', t.filemaker_metadata -> 'id_clinic', 'title', t.filemaker_metadata -> 'title', 'dob', t.filemaker_metadata -> 'dob', 'ndis', t.filemaker_metadata -> 'ndis')) END)) - 'filemaker_id'))),
    count(*) FILTER (WHERE c.write_filemaker_metadata AND NOT ((i.new_filemaker_metadata @> (nexus_assets.without_blanks((CASE WHEN (coalesce(jsonb_typeof(t.filemaker_metadata), 'null') NOT IN ('object', 'null') AND t.filemaker_metadata NOT IN ('[]', '""')) THEN t.filemaker_metadata ELSE jsonb_strip_nulls(jsonb_build_object('filemaker_id', t.filemaker_metadata -> 'filemaker_id', 'clinic_name', t.filemaker_metadata -> 'clinic_name', 'area', t.filemaker_metadata -> 'area', 'contact_type', t.filemaker_metadata -> 'contact_type', 'cys_id', t.filemaker_metadata -> 'cys_id', 'diabetes', t.filemaker_metadata -> 'diabetes', 'id_clinic', t.filemaker_metadata -> 'id_clinic', 'title', t.filemaker_metadata -> 'title', 'dob', t.filemaker_metadata -> 'dob', 'ndis', t.filemaker_metadata -> 'ndis')) END)) - 'filemaker_id')))),
    count(*) FILTER (WHERE c.keep_filemaker_metadata) FROM nexus_assets.work_patients_changes AS c
    JOIN nexus_assets.work_patients_incoming AS i USING (row_number) JOIN public.patients AS t ON t.id = c.nexus_id
WHERE c.action = 'adopt';

WITH written AS (
   UPDATE public.patients AS t SET clinic_id = CASE WHEN c.write_clinic_id THEN i.new_clinic_id::uuid
       ELSE t.clinic_id END, funding_type_id = CASE WHEN c.write_funding_type_id THEN i.new_funding_type_id::uuid
       ELSE t.funding_type_id END, first_name = CASE
       WHEN c.write_first_name THEN i.new_first_name::character varying(100) ELSE t.first_name END, last_name = CASE
       WHEN c.write_last_name THEN i.new_last_name::character varying(100) ELSE t.last_name END, middle_names = CASE
       WHEN c.write_middle_names THEN i.new_middle_names::character varying(100) ELSE t.middle_names END, title = CASE
       WHEN c.write_title THEN i.new_title::character varying(10) ELSE t.title END, dob = CASE
       WHEN c.write_dob THEN i.new_dob::date ELSE t.dob END, sex = CASE
       WHEN c.write_sex THEN i.new_sex::character varying(20) ELSE t.sex END, health_number = CASE
       WHEN c.write_health_number THEN i.new_health_number::character varying(50) ELSE t.health_number END,
       filemaker_metadata = CASE
       WHEN c.write_filemaker_metadata THEN (CASE jsonb_typeof(t.filemaker_metadata) WHEN 'object' THEN t.filemaker_metadata - ARRAY['filemaker_id','clinic_name','area','contact_type','cys_id','diabetes','id_clinic','title','dob','ndis']::text[] ELSE '{}' END || i.new_filemaker_metadata::jsonb)
       ELSE t.filemaker_metadata END, updated_at = now()
   FROM nexus_assets.work_patients_changes AS c JOIN nexus_assets.work_patients_incoming AS i USING (row_number)
   WHERE t.id = c.nexus_id
       AND (c.write_clinic_id OR c.write_funding_type_id OR c.write_first_name OR c.write_last_name OR c.write_middle_names OR c.write_title OR c.write_dob OR c.write_sex OR c.write_health_number OR c.write_filemaker_metadata)
RETURNING t.id, (SELECT to_jsonb(v) FROM (SELECT t.clinic_id, t.funding_type_id, t.first_name, t.last_name, t.middle_names, t.title, t.dob, t.sex, t.health_number, t.filemaker_metadata, t.updated_at) AS v) AS content)
       INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
       SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
           ARRAY['public','patients'], concat_ws(' ', w.id::text), CASE
           WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
           CASE WHEN was.content IS NULL THEN w.content
           ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
       FROM written AS w
         LEFT JOIN LATERAL (SELECT (SELECT to_jsonb(v) FROM (SELECT o.clinic_id, o.funding_type_id, o.first_name, o.last_name, o.middle_names, o.title, o.dob, o.sex, o.health_number, o.filemaker_metadata, o.updated_at) AS v) AS content FROM public.patients AS o WHERE o.id = w.id AND TRUE OFFSET 0) AS was ON TRUE;

INSERT INTO public.patients (id, clinic_id, funding_type_id, first_name, last_name, middle_names, title, dob, sex, health_number, filemaker_metadata, archived, plan_dates_json, contact_json, address_json, emergency_json, flags_json, created_at, updated_at)
SELECT d.nexus_id, i.new_clinic_id::uuid, i.new_funding_type_id::uuid, i.new_first_name::character varying(100),
    i.new_last_name::character varying(100), i.new_middle_names::character varying(100),
    i.new_title::character varying(10), i.new_dob::date, i.new_sex::character varying(20),
    i.new_health_number::character varying(50), i.new_filemaker_metadata::jsonb, false::boolean, '[]'::jsonb,
    '{}'::jsonb, '{}'::jsonb, '{}'::jsonb, '{}'::jsonb, now(), now() FROM nexus_assets.work_patients_decided AS d
    JOIN nexus_assets.work_patients_incoming AS i USING (row_number)
WHERE d.action IN ('insert', 'restore') ORDER BY d.row_number;

WITH written AS (
   INSERT INTO nexus_assets.identity_patients AS l
     (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_clinic_id, base_funding_type_id, base_first_name, base_last_name, base_middle_names, base_title, base_dob, base_sex, base_health_number, base_filemaker_metadata)
   SELECT i.source_id, c.nexus_id, i.row_hash,
       hash_record_extended(ROW(t.clinic_id, t.funding_type_id, t.first_name, t.last_name, t.middle_names, t.title, t.dob, t.sex, t.health_number, t.filemaker_metadata -> 'filemaker_id', t.filemaker_metadata -> 'clinic_name', t.filemaker_metadata -> 'area', t.filemaker_metadata -> 'contact_type', t.filemaker_metadata -> 'cys_id', t.filemaker_metadata -> 'diabetes', t.filemaker_metadata -> 'id_clinic', t.filemaker_metadata -> 'title', t.filemaker_metadata -> 'dob', t.filemaker_metadata -> 'ndis'), 0),
       i.row_number, nullif(i.notices, ARRAY[]::text[]), 'adopted', <load>, <load>,
       CASE WHEN i.new_clinic_id IS NOT NULL
           OR c.write_clinic_id THEN hash_record_extended(ROW(i.new_clinic_id::uuid), 0)
            WHEN l.base_clinic_id IS NULL AND t.clinic_id IS NOT DISTINCT
                FROM i.new_clinic_id::uuid THEN hash_record_extended(ROW(i.new_clinic_id::uuid), 0)
                ELSE l.base_clinic_id END
   ,
       CASE WHEN i.new_funding_type_id IS NOT NULL
           OR c.write_funding_type_id THEN hash_record_extended(ROW(i.new_funding_type_id::uuid), 0)
            WHEN l.base_funding_type_id IS NULL AND t.funding_type_id IS NOT DISTINCT
                FROM i.new_funding_type_id::uuid THEN hash_record_extended(ROW(i.new_funding_type_id::uuid), 0)
                ELSE l.base_funding_type_id END
   , hash_record_extended(ROW(i.new_first_name::character varying(100)), 0),
       hash_record_extended(ROW(i.new_last_name::character varying(100)), 0), CASE
       WHEN (c.keep_middle_names AND (coalesce(l.base_middle_names = hash_record_extended(ROW(t.middle_names), 0), FALSE) OR coalesce(l.base_middle_names = hash_record_extended(ROW(nexus_assets.read_text(t.middle_names)::character varying(100)), 0), FALSE))) THEN l.base_middle_names
       ELSE hash_record_extended(ROW(i.new_middle_names::character varying(100)), 0) END,
       hash_record_extended(ROW(i.new_title::character varying(10)), 0), hash_record_extended(ROW(i.new_dob::date), 0),
       hash_record_extended(ROW(i.new_sex::character varying(20)), 0),
       hash_record_extended(ROW(i.new_health_number::character varying(50)), 0),
       hash_record_extended(ROW(i.new_filemaker_metadata::jsonb), 0)
   FROM nexus_assets.work_patients_changes AS c JOIN nexus_assets.work_patients_incoming AS i USING (row_number)
       JOIN public.patients AS t ON t.id = c.nexus_id
   LEFT JOIN nexus_assets.identity_patients AS l ON l.source_id = c.source_id
   ORDER BY i.source_id
   ON CONFLICT (source_id) DO UPDATE SET nexus_id = excluded.nexus_id, row_hash = excluded.row_hash,
       target_hash = excluded.target_hash, row_number = excluded.row_number, notices = excluded.notices,
       last_load = excluded.last_load, base_clinic_id = excluded.base_clinic_id,
       base_funding_type_id = excluded.base_funding_type_id, base_first_name = excluded.base_first_name,
       base_last_name = excluded.base_last_name, base_middle_names = excluded.base_middle_names,
       base_title = excluded.base_title, base_dob = excluded.base_dob, base_sex = excluded.base_sex,
       base_health_number = excluded.base_health_number, base_filemaker_metadata = excluded.base_filemaker_metadata,
       first_load = coalesce(l.first_load, excluded.first_load)
   WHERE l.last_load IS NULL
       OR (l.nexus_id, l.row_hash, l.target_hash, l.notices, l.base_clinic_id, l.base_funding_type_id, l.base_first_name, l.base_last_name, l.base_middle_names, l.base_title, l.base_dob, l.base_sex, l.base_health_number, l.base_filemaker_metadata) IS DISTINCT
       FROM (excluded.nexus_id, excluded.row_hash, excluded.target_hash, excluded.notices, excluded.base_clinic_id, excluded.base_funding_type_id, excluded.base_first_name, excluded.base_last_name, excluded.base_middle_names, excluded.base_title, excluded.base_dob, excluded.base_sex, excluded.base_health_number, excluded.base_filemaker_metadata)
RETURNING l.source_id, to_jsonb(l) AS content, l.xmax::text <> '0' AS met)
       INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
       SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
           ARRAY['nexus_assets','identity_patients'], concat_ws(' ', w.source_id::text), CASE
           WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
           CASE WHEN was.content IS NULL THEN w.content
           ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
       FROM written AS w
         LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_patients AS o WHERE w.met AND o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

CREATE UNLOGGED TABLE nexus_assets.work_patients_entries AS
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
FROM nexus_assets.work_patients_decided AS d JOIN nexus_assets.work_patients_incoming AS i USING (row_number)
WHERE d.action IN ('insert', 'restore');

INSERT INTO nexus_assets.identity_patients AS l (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_clinic_id, base_funding_type_id, base_first_name, base_last_name, base_middle_names, base_title, base_dob, base_sex, base_health_number, base_filemaker_metadata) SELECT source_id,
    nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_clinic_id,
    base_funding_type_id, base_first_name, base_last_name, base_middle_names, base_title, base_dob, base_sex,
    base_health_number, base_filemaker_metadata FROM nexus_assets.work_patients_entries WHERE action = 'insert'
    ORDER BY source_id;

INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['public','patients'], nexus_id::text, NULL, NULL FROM nexus_assets.work_patients_entries
        WHERE action = 'restore'
;WITH written AS (
    INSERT INTO nexus_assets.identity_patients AS l (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_clinic_id, base_funding_type_id, base_first_name, base_last_name, base_middle_names, base_title, base_dob, base_sex, base_health_number, base_filemaker_metadata) SELECT source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_clinic_id, base_funding_type_id, base_first_name, base_last_name, base_middle_names, base_title, base_dob, base_sex, base_health_number, base_filemaker_metadata FROM nexus_assets.work_patients_entries WHERE action = 'restore' ORDER BY source_id ON CONFLICT (source_id) DO UPDATE SET nexus_id = excluded.nexus_id, row_hash = excluded.row_hash, target_hash = excluded.target_hash, row_number = excluded.row_number, notices = excluded.notices, last_load = excluded.last_load, base_clinic_id = excluded.base_clinic_id, base_funding_type_id = excluded.base_funding_type_id, base_first_name = excluded.base_first_name, base_last_name = excluded.base_last_name, base_middle_names = excluded.base_middle_names, base_title = excluded.base_title, base_dob = excluded.base_dob, base_sex = excluded.base_sex, base_health_number = excluded.base_health_number, base_filemaker_metadata = excluded.base_filemaker_metadata, first_load = coalesce(l.first_load, excluded.first_load) RETURNING l.source_id, to_jsonb(l) AS content, l.xmax::text <> '0' AS met)
    INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['nexus_assets','identity_patients'], concat_ws(' ', w.source_id::text), CASE
        WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
        CASE WHEN was.content IS NULL THEN w.content
        ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
    FROM written AS w
      LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_patients AS o WHERE w.met AND o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

INSERT INTO nexus_assets.identity_patients (source_id, nexus_id, origin, noted_load) SELECT source_id, nexus_id,
    'learned', <load> FROM (
    SELECT DISTINCT ON (source_id) source_id, nexus_id FROM (
      SELECT nexus_assets.read_uuid(t.filemaker_metadata ->> 'filemaker_id') AS source_id, t.id AS nexus_id,
          t.created_at AS made_at,
          (
            EXISTS (
              SELECT FROM public.appointments AS x WHERE x.patient_id = t.id) OR EXISTS (
                SELECT FROM public.encounters AS x WHERE x.patient_id = t.id) OR EXISTS (
                  SELECT FROM public.letters_patientletter AS x WHERE x.patient_id = t.id) OR EXISTS (
                    SELECT FROM public.notes AS x WHERE x.patient_id = t.id) OR EXISTS (
                      SELECT FROM public.patient_coordinators AS x WHERE x.patient_id = t.id) OR EXISTS (
                        SELECT FROM public.patient_referrers AS x WHERE x.patient_id = t.id) OR EXISTS (
                          SELECT FROM public.reminders AS x WHERE x.patient_id = t.id) OR EXISTS (
                            SELECT FROM public.sms_inbound AS x WHERE x.patient_id = t.id) OR EXISTS (
                              SELECT FROM public.sms_messages AS x WHERE x.patient_id = t.id) OR EXISTS (
                                SELECT FROM public.xero_contact_links AS x WHERE x.patient_id = t.id) OR EXISTS (
                                  SELECT FROM public.xero_invoice_links AS x WHERE x.patient_id = t.id) OR EXISTS (
                                    SELECT FROM public.xero_quote_links AS x WHERE x.patient_id = t.id) OR EXISTS (
                                      SELECT FROM public.contact_relationships AS x WHERE x.from_content_type_id = <patients' content type> AND "x"."from_object_id" = "t".id) OR EXISTS (
                                        SELECT FROM "public"."contact_relationships" AS x WHERE x."to_content_type_id" = <patients' content type> AND x.to_object_id = t.id) OR EXISTS (
                                          SELECT FROM public.documents_document AS x
                                              WHERE x.content_type_id = <patients' content type> AND "x"."object_id" = "t".id)
                                            OR EXISTS (
                                              SELECT FROM "public"."images_batch" AS x
                                                  WHERE x."content_type_id" = <patients' content type> AND x.object_id = t.id)) AS is_referenced
      FROM public.patients AS t
          WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_patients AS l WHERE l.nexus_id = t.id)
    ) AS living WHERE source_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM nexus_assets.identity_patients AS l WHERE l.source_id = living.source_id)
    ORDER BY source_id, is_referenced DESC, made_at DESC NULLS LAST, nexus_id
) AS u;

SELECT EXISTS (SELECT FROM nexus_assets.superseded WHERE entity = %s);

SELECT EXISTS (
  SELECT FROM public.contact_relationships AS x CROSS
      JOIN (nexus_assets.superseded AS s JOIN public.patients AS t ON t.id = s.current_id) WHERE s.entity = 'patients'
      AND x.from_object_id = s.nexus_id
      AND (x.from_content_type_id = <patients' content type> OR NOT EXISTS (SELECT FROM public.django_content_type AS c WHERE c.id = x.from_content_type_id)) AND NOT EXISTS (SELECT FROM public.patients AS old WHERE old.id = s.nexus_id));

SELECT EXISTS (
  SELECT FROM public.contact_relationships AS x CROSS
      JOIN (nexus_assets.superseded AS s JOIN public.patients AS t ON t.id = s.current_id) WHERE s.entity = 'patients'
      AND x.to_object_id = s.nexus_id
      AND (x.to_content_type_id = <patients' content type> OR NOT EXISTS (SELECT FROM public.django_content_type AS c WHERE c.id = x.to_content_type_id)) AND NOT EXISTS (SELECT FROM public.patients AS old WHERE old.id = s.nexus_id));

SELECT EXISTS (
  SELECT FROM public.documents_document AS x CROSS
      JOIN (nexus_assets.superseded AS s JOIN public.patients AS t ON t.id = s.current_id) WHERE s.entity = 'patients'
      AND x.object_id = s.nexus_id
      AND (x.content_type_id = <patients' content type> OR NOT EXISTS (SELECT FROM public.django_content_type AS c WHERE c.id = x.content_type_id)) AND NOT EXISTS (SELECT FROM public.patients AS old WHERE old.id = s.nexus_id));

SELECT EXISTS (
  SELECT FROM public.images_batch AS x CROSS
      JOIN (nexus_assets.superseded AS s JOIN public.patients AS t ON t.id = s.current_id) WHERE s.entity = 'patients'
      AND x.object_id = s.nexus_id
      AND (x.content_type_id = <patients' content type> OR NOT EXISTS (SELECT FROM public.django_content_type AS c WHERE c.id = x.content_type_id)) AND NOT EXISTS (SELECT FROM public.patients AS old WHERE old.id = s.nexus_id));

SELECT EXISTS (SELECT FROM public.xero_sync_logs AS x CROSS JOIN (nexus_assets.superseded AS s JOIN public.patients AS t ON t.id = s.current_id) WHERE s.entity = 'patients' AND x.local_entity_id = s.nexus_id AND lower(x.local_entity_type) = 'patient' AND NOT EXISTS (SELECT FROM public.patients AS old WHERE old.id = s.nexus_id));

SELECT EXISTS (SELECT FROM nexus_assets.work_patients_incoming WHERE reason IS NOT NULL)
    OR EXISTS (SELECT FROM nexus_assets.reject WHERE entity = 'patients' AND resolved_load IS NULL);

CREATE UNLOGGED TABLE nexus_assets.work_patients_rejected AS
    SELECT row_number, source_id, row_hash, reason, reason_column AS column_name,
           row_number() OVER (PARTITION BY row_hash, reason, reason_column ORDER BY row_number) AS k
    FROM nexus_assets.work_patients_incoming WHERE reason IS NOT NULL;
    CREATE UNLOGGED TABLE nexus_assets.work_patients_known_rejects AS
    SELECT id, row_hash, reason, column_name, row_number,
           row_number() OVER (PARTITION BY row_hash, reason, column_name ORDER BY id) AS k
    FROM nexus_assets.reject AS r WHERE entity = 'patients' AND resolved_load IS NULL
      AND NOT EXISTS (SELECT FROM nexus_assets.work_patients_standing AS s WHERE s.id = r.id);
    UPDATE nexus_assets.reject AS r SET resolved_load = <load> FROM nexus_assets.work_patients_known_rejects AS n
    WHERE r.id = n.id
        AND NOT EXISTS (SELECT FROM nexus_assets.work_patients_rejected AS x WHERE (x.row_hash, x.reason, x.k) = (n.row_hash, n.reason, n.k) AND x.column_name IS NOT DISTINCT FROM n.column_name);
    WITH written AS (
    UPDATE nexus_assets.reject AS r SET row_number = now.row_number FROM (
      SELECT n.id, x.row_number FROM nexus_assets.work_patients_known_rejects AS n
          JOIN nexus_assets.work_patients_rejected AS x ON (x.row_hash, x.reason, x.k) = (n.row_hash, n.reason, n.k)
          AND x.column_name IS NOT DISTINCT FROM n.column_name WHERE n.row_number <> x.row_number
      UNION ALL
      SELECT id, row_number FROM nexus_assets.work_patients_standing WHERE row_before <> row_number
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
SELECT 'patients', x.row_number, nexus_assets.read_text(s.c9), x.reason, x.column_name, x.row_hash,
       jsonb_strip_nulls(jsonb_build_object('id', s.c9, 'nameFirst', s.c11, 'nameLast', s.c12, 'nameMiddle', s.c13, 'title', s.c20, 'DOB', s.c5, 'gender', s.c7, 'Health Number', s.c8, 'Clinic_Name', s.c1, 'Area', s.c0, 'contactType', s.c2, 'CYS_ID', s.c3, 'Diabetes', s.c4, 'id_Clinic', s.c10, 'NDIS Coordinator Name', s.c15, 'NDIS Coordinator Email', s.c14, 'NDIS Coordinator Phone', s.c16, 'NDIS Plan Start Date', s.c19, 'NDIS Plan End Date', s.c18, 'NDIS notes', s.c17, 'Funding', s.c6)),
           <load>
FROM (SELECT * FROM nexus_assets.work_patients_rejected AS x WHERE NOT EXISTS (SELECT FROM nexus_assets.work_patients_known_rejects AS n WHERE (x.row_hash, x.reason, x.k) = (n.row_hash, n.reason, n.k) AND x.column_name IS NOT DISTINCT FROM n.column_name)) AS x
    JOIN nexus_assets.work_patients_export AS s USING (row_number) ORDER BY x.row_number;

SET LOCAL enable_nestloop = off;

WITH written AS (
UPDATE nexus_assets.identity_patients AS l SET vanished_load = NULL WHERE vanished_load IS NOT NULL AND EXISTS (SELECT FROM nexus_assets.work_patients_seen AS s WHERE s.source_id = l.source_id) RETURNING l.source_id, to_jsonb(l) AS content)
INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
    ARRAY['nexus_assets','identity_patients'], concat_ws(' ', w.source_id::text), CASE
    WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
    CASE WHEN was.content IS NULL THEN w.content
    ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
FROM written AS w
  LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_patients AS o WHERE o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

SET LOCAL enable_nestloop TO DEFAULT;

WITH written AS (
UPDATE public.patients AS t SET archived = FALSE, archived_at = NULL, archived_by = NULL, updated_at = now() FROM nexus_assets.identity_patients AS l WHERE l.nexus_id = t.id AND l.vanished_load IS NULL AND l.archived_load IS NOT NULL AND t.archived AND t.archived_by = 'FileMaker Import' RETURNING t.id, (SELECT to_jsonb(v) FROM (SELECT t.archived, t.archived_at, t.archived_by, t.updated_at) AS v) AS content)
INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
    ARRAY['public','patients'], concat_ws(' ', w.id::text), CASE
    WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
    CASE WHEN was.content IS NULL THEN w.content
    ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
FROM written AS w
  LEFT JOIN LATERAL (SELECT (SELECT to_jsonb(v) FROM (SELECT o.archived, o.archived_at, o.archived_by, o.updated_at) AS v) AS content FROM public.patients AS o WHERE o.id = w.id AND TRUE OFFSET 0) AS was ON TRUE;

WITH written AS (
UPDATE nexus_assets.identity_patients AS l SET archived_load = NULL WHERE l.vanished_load IS NULL AND l.archived_load IS NOT NULL RETURNING l.source_id, to_jsonb(l) AS content)
INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
    ARRAY['nexus_assets','identity_patients'], concat_ws(' ', w.source_id::text), CASE
    WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
    CASE WHEN was.content IS NULL THEN w.content
    ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
FROM written AS w
  LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_patients AS o WHERE o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

SELECT notices, count(*), min(row_number) FROM (
  SELECT notices, row_number FROM nexus_assets.work_patients_seen WHERE notices IS NOT NULL AND settled
  UNION ALL
  SELECT l.notices, i.row_number FROM nexus_assets.work_patients_incoming AS i
      JOIN nexus_assets.identity_patients AS l USING (source_id)
  WHERE l.notices IS NOT NULL AND i.reason IS NULL
) AS told GROUP BY 1;

INSERT INTO nexus_assets.load (id, entity, run_id, started_at, finished_at, mapping_version, sources, date_orders, source_rows, outcomes, rejected, notices, healed, adoption, parents, undoable) OVERRIDING SYSTEM VALUE
    VALUES (%s, %s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

WITH forgotten AS (
          UPDATE nexus_assets.load AS l SET undoable = FALSE
          WHERE l.entity = 'patients' AND l.undoable AND (false OR l.id < (
    SELECT x.id FROM nexus_assets.load AS x WHERE x.entity = 'patients' AND x.undoable
      AND (x.outcomes ->> 'inserted' <> '0' OR EXISTS (SELECT FROM nexus_assets.before_value AS b WHERE b.load_id = x.id))
    ORDER BY x.id DESC OFFSET 9 LIMIT 1
)) RETURNING l.id
        )
        DELETE FROM nexus_assets.before_value AS b USING forgotten AS f WHERE b.load_id = f.id;

DELETE FROM nexus_assets.reject AS x
    WHERE (SELECT max(id) FROM nexus_assets.load WHERE entity = 'patients' AND finished_at < now() - make_interval(days => 365)) IS NOT NULL
    AND entity = 'patients'
    AND resolved_load <= (SELECT max(id) FROM nexus_assets.load WHERE entity = 'patients' AND finished_at < now() - make_interval(days => 365))
    AND NOT EXISTS (SELECT FROM nexus_assets.load AS u WHERE u.id = x.resolved_load AND u.undoable); DELETE
    FROM nexus_assets.conflict AS x
    WHERE (SELECT max(id) FROM nexus_assets.load WHERE entity = 'patients' AND finished_at < now() - make_interval(days => 365)) IS NOT NULL
    AND entity = 'patients'
    AND resolved_load <= (SELECT max(id) FROM nexus_assets.load WHERE entity = 'patients' AND finished_at < now() - make_interval(days => 365))
    AND NOT EXISTS (SELECT FROM nexus_assets.load AS u WHERE u.id = x.resolved_load AND u.undoable); DELETE
    FROM nexus_assets.correction AS x WHERE entity = 'patients'
    AND idle_since < now() - make_interval(days => 365); DELETE FROM nexus_assets.undone AS x WHERE entity = 'patients'
    AND undone_at < now() - make_interval(days => 365); DELETE FROM nexus_assets.load AS x WHERE entity = 'patients'
    AND finished_at < now() - make_interval(days => 365)
    AND id NOT IN (SELECT id FROM nexus_assets.load WHERE entity = 'patients' ORDER BY id DESC LIMIT 2)
    AND NOT (undoable AND (outcomes ->> 'inserted' <> '0' OR EXISTS (SELECT FROM nexus_assets.before_value AS b WHERE b.load_id = x.id)))
    AND NOT EXISTS (SELECT FROM nexus_assets.reject AS r WHERE r.entity = 'patients' AND r.first_load = x.id AND r.resolved_load IS NULL);

SELECT relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'nexus_assets'
    AND c.relkind = 'r' AND starts_with(relname, %s) ORDER BY c.oid;

DROP TABLE nexus_assets.work_patients_export, nexus_assets.work_patients_seen, nexus_assets.work_patients_repeated,
    nexus_assets.work_patients_standing, nexus_assets.work_patients_pending, nexus_assets.work_patients_dates,
    nexus_assets.work_patients_texts, nexus_assets.work_patients_incoming, nexus_assets.work_patients_recognised,
    nexus_assets.work_patients_decided, nexus_assets.work_patients_followed, nexus_assets.work_patients_lost,
    nexus_assets.work_patients_changes, nexus_assets.work_patients_kept, nexus_assets.work_patients_entries,
    nexus_assets.work_patients_rejected, nexus_assets.work_patients_known_rejects;

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

CREATE UNLOGGED TABLE nexus_assets.work_appointments_export (row_number bigint GENERATED ALWAYS AS IDENTITY, c0 text, c1 text, c2 text, c3 text, c4 text, c5 text, c6 text, c7 text, c8 text, c9 text);

COPY nexus_assets.work_appointments_export (c0, c1, c2, c3, c4, c5, c6, c7, c8, c9)
    FROM STDIN WITH (FORMAT csv, ENCODING 'UTF8', delimiter ',', quote '"');

SELECT count(*), extract(epoch FROM max(corrected_at))::text FROM nexus_assets.correction WHERE export = 'Appointments';

CREATE UNLOGGED TABLE nexus_assets.work_appointments_companion_clinicians (row_number bigint GENERATED ALWAYS AS IDENTITY, c0 text, c1 text);

COPY nexus_assets.work_appointments_companion_clinicians (c0, c1)
    FROM STDIN WITH (FORMAT csv, ENCODING 'UTF8', delimiter ',', quote '"');

ANALYZE nexus_assets.work_appointments_export;

WITH found AS (
  SELECT heading, code, count(*) AS cells, min(row_number) AS first
  FROM nexus_assets.work_appointments_export AS s,
      LATERAL (VALUES ('id', s.c2), ('startDate', s.c7), ('startTime', s.c8), ('endDate', s.c0), ('endTime', s.c1), ('notes', s.c6), ('id_Contact', s.c5), ('id_Clinic', s.c3), ('id_Clinician', s.c4), ('Type', s.c9)) AS cell(heading, text),
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
  WHERE (concat_ws(E'\x1F', '', CASE WHEN octet_length(s.c2) <= 35 THEN s.c2 END, CASE WHEN octet_length(s.c7) <= 35 THEN s.c7 END, CASE WHEN octet_length(s.c8) <= 35 THEN s.c8 END, CASE WHEN octet_length(s.c0) <= 35 THEN s.c0 END, CASE WHEN octet_length(s.c1) <= 35 THEN s.c1 END, CASE WHEN octet_length(s.c6) <= 35 THEN s.c6 END, CASE WHEN octet_length(s.c5) <= 35 THEN s.c5 END, CASE WHEN octet_length(s.c3) <= 35 THEN s.c3 END, CASE WHEN octet_length(s.c4) <= 35 THEN s.c4 END, CASE WHEN octet_length(s.c9) <= 35 THEN s.c9 END, '')
           ~ '[<#&?=''\\\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]|_x00|[0-9]([eE][-+]|[.]0)|[0-9]{16}|\x1F[(]?(NULL|null|NaN|nan)[)]?\x1F'
         OR (octet_length(s.c2) > 35 AND (
      strpos(s.c2, '&') > 0 OR strpos(s.c2, '_x00') > 0
      OR octet_length(s.c2) <= 60 AND (strpos(s.c2, '<') > 0 OR strpos(s.c2, '#') > 0)
      OR s.c2 LIKE '="%' OR octet_length(s.c2) >= 32767
      OR octet_length(s.c2) <> length(s.c2) AND s.c2 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
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
          OR (octet_length(s.c6) > 35 AND (
      strpos(s.c6, '&') > 0 OR strpos(s.c6, '_x00') > 0
      OR octet_length(s.c6) <= 60 AND (strpos(s.c6, '<') > 0 OR strpos(s.c6, '#') > 0)
      OR s.c6 LIKE '="%' OR octet_length(s.c6) >= 32767
      OR octet_length(s.c6) <> length(s.c6) AND s.c6 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c5) > 35 AND (
      strpos(s.c5, '&') > 0 OR strpos(s.c5, '_x00') > 0
      OR octet_length(s.c5) <= 60 AND (strpos(s.c5, '<') > 0 OR strpos(s.c5, '#') > 0)
      OR s.c5 LIKE '="%' OR octet_length(s.c5) >= 32767
      OR octet_length(s.c5) <> length(s.c5) AND s.c5 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
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
          OR (octet_length(s.c9) > 35 AND (
      strpos(s.c9, '&') > 0 OR strpos(s.c9, '_x00') > 0
      OR octet_length(s.c9) <= 60 AND (strpos(s.c9, '<') > 0 OR strpos(s.c9, '#') > 0)
      OR s.c9 LIKE '="%' OR octet_length(s.c9) >= 32767
      OR octet_length(s.c9) <> length(s.c9) AND s.c9 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]')))
    AND code IS NOT NULL
  GROUP BY 1, 2
), columns AS MATERIALIZED (
  SELECT max(octet_length(s.c2)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c2)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c7)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c7)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c8)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c8)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c0)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c0)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c1)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c1)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c6)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c6)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c5)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c5)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c3)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c3)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c4)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c4)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c9)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c9)) BETWEEN 65535
      AND 4 * 65536 AS may_be_cut FROM nexus_assets.work_appointments_export AS s
), long AS (
  SELECT heading, length(text) AS long, count(*) AS cells, min(row_number) AS first
  FROM nexus_assets.work_appointments_export AS s,
      LATERAL (VALUES ('id', s.c2), ('startDate', s.c7), ('startTime', s.c8), ('endDate', s.c0), ('endTime', s.c1), ('notes', s.c6), ('id_Contact', s.c5), ('id_Clinic', s.c3), ('id_Clinician', s.c4), ('Type', s.c9)) AS cell(heading, text)
  WHERE (SELECT may_be_cut FROM columns)
      AND greatest(octet_length(s.c2), octet_length(s.c7), octet_length(s.c8), octet_length(s.c0), octet_length(s.c1), octet_length(s.c6), octet_length(s.c5), octet_length(s.c3), octet_length(s.c4), octet_length(s.c9)) >= 255
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
      FROM nexus_assets.work_appointments_export AS s,
          LATERAL (VALUES ('startDate', s.c7), ('endDate', s.c0)) AS cell(heading, text)
      WHERE text IS NOT NULL AND EXISTS (SELECT FROM nexus_assets.work_appointments_export AS s WHERE s.c7 LIKE '____-__-__%' OR s.c0 LIKE '____-__-__%') GROUP BY 1, 2) AS texts,
  LATERAL (SELECT text ~ '^\d{4}-\d\d-\d\d' AS is_iso,
                       regexp_match(text, '^\s*(\d{1,2})[/.-](\d{1,2})[/.-]\d{2,4}') AS said) AS form
WHERE is_iso OR said IS NOT NULL
GROUP BY 1
HAVING count(*) FILTER (WHERE is_iso) > 0 AND count(said) > 0
   AND bool_and(CASE WHEN is_iso THEN substr(text, 9, 2) <= '12' ELSE greatest(said[1]::int, said[2]::int) > 12 END);

SELECT coalesce(sum(hash_record_extended(ROW(filemaker_id::text, id), 0)), 0)::text FROM public.clinics;

SELECT coalesce(sum(hash_record_extended(ROW(full_name::text, id), 0)), 0)::text FROM public.clinicians;

SELECT coalesce(sum(hash_record_extended(ROW(name::text, id), 0)), 0)::text FROM public.appointment_types;

SELECT CASE WHEN EXISTS (SELECT FROM public.appointments)
    OR EXISTS (SELECT FROM nexus_assets.identity_appointments) THEN FALSE
ELSE (SELECT count(id) = count(DISTINCT id) FROM (SELECT nexus_assets.read_uuid(x.c2) AS id FROM nexus_assets.work_appointments_export AS x OFFSET '0') AS named) END;

DROP TABLE IF EXISTS nexus_assets.work_appointments_dates; CREATE UNLOGGED TABLE nexus_assets.work_appointments_dates AS SELECT NULL::text AS field,
    NULL::text AS raw, 0::bigint AS times WHERE false UNION ALL SELECT 'startDate'::text AS field, raw, times
    FROM (SELECT s.f1 AS raw, count(*) AS times FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid(x.c2) AS source_id,
         hash_record_extended(ROW(x.c2, x.c7, x.c8, x.c0, x.c1, NULL::text, x.c6, x.c5, x.c3, x.c4, x.c9, NULL::text), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, x.c2 AS f0, x.c7 AS f1, x.c8 AS f2, x.c0 AS f3, x.c1 AS f4, x.c6 AS f5, x.c5 AS f6, x.c3 AS f7, x.c4 AS f8, x.c9 AS f9 FROM nexus_assets.work_appointments_export AS x OFFSET '0')
AS s GROUP BY 1) AS different WHERE nexus_assets.read_text(raw) IS NOT NULL UNION ALL SELECT 'endDate'::text AS field,
    raw, times FROM (SELECT s.f3 AS raw, count(*) AS times FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid(x.c2) AS source_id,
         hash_record_extended(ROW(x.c2, x.c7, x.c8, x.c0, x.c1, NULL::text, x.c6, x.c5, x.c3, x.c4, x.c9, NULL::text), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, x.c2 AS f0, x.c7 AS f1, x.c8 AS f2, x.c0 AS f3, x.c1 AS f4, x.c6 AS f5, x.c5 AS f6, x.c3 AS f7, x.c4 AS f8, x.c9 AS f9 FROM nexus_assets.work_appointments_export AS x OFFSET '0')
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
            FROM (SELECT field, times, nexus_assets.comparable(raw) AS text FROM nexus_assets.work_appointments_dates) AS dates
            WHERE text ~ concat('^([a-z]+[.,]* )?', -- a weekday
                                '([0-9]{1,2}/[0-9]{1,2}/|[0-9]{1,2}[.][0-9]{1,2}[.]|[0-9]{1,2}-[0-9]{1,2}-)',
                                '([0-9]{4}|[0-9]{2})([^0-9]|$)') OFFSET 0) AS split) AS dates
GROUP BY field ORDER BY field;

ALTER TABLE nexus_assets.work_appointments_dates ADD COLUMN value date;UPDATE nexus_assets.work_appointments_dates SET value = nexus_assets.read_date(raw, coalesce('{}'::jsonb ->> field, 'mdy'), <today>, '1899-12-30'::date, 'Australia/Sydney');ANALYZE nexus_assets.work_appointments_dates;

DROP TABLE IF EXISTS nexus_assets.work_appointments_times; CREATE UNLOGGED TABLE nexus_assets.work_appointments_times AS SELECT NULL::text AS field,
    NULL::text AS raw, 0::bigint AS times WHERE false UNION ALL SELECT 'startTime'::text AS field, raw, times
    FROM (SELECT s.f2 AS raw, count(*) AS times FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid(x.c2) AS source_id,
         hash_record_extended(ROW(x.c2, x.c7, x.c8, x.c0, x.c1, NULL::text, x.c6, x.c5, x.c3, x.c4, x.c9, NULL::text), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, x.c2 AS f0, x.c7 AS f1, x.c8 AS f2, x.c0 AS f3, x.c1 AS f4, x.c6 AS f5, x.c5 AS f6, x.c3 AS f7, x.c4 AS f8, x.c9 AS f9 FROM nexus_assets.work_appointments_export AS x OFFSET '0')
AS s GROUP BY 1) AS different WHERE nexus_assets.read_text(raw) IS NOT NULL UNION ALL SELECT 'endTime'::text AS field,
    raw, times FROM (SELECT s.f4 AS raw, count(*) AS times FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid(x.c2) AS source_id,
         hash_record_extended(ROW(x.c2, x.c7, x.c8, x.c0, x.c1, NULL::text, x.c6, x.c5, x.c3, x.c4, x.c9, NULL::text), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, x.c2 AS f0, x.c7 AS f1, x.c8 AS f2, x.c0 AS f3, x.c1 AS f4, x.c6 AS f5, x.c5 AS f6, x.c3 AS f7, x.c4 AS f8, x.c9 AS f9 FROM nexus_assets.work_appointments_export AS x OFFSET '0')
AS s GROUP BY 1) AS different WHERE nexus_assets.read_text(raw) IS NOT NULL;

ALTER TABLE nexus_assets.work_appointments_times ADD COLUMN value interval;UPDATE nexus_assets.work_appointments_times SET value = nexus_assets.read_time(raw); ANALYZE nexus_assets.work_appointments_times;

CREATE UNLOGGED TABLE nexus_assets.work_appointments_texts AS SELECT NULL::text AS column_name, NULL::text AS raw,
    NULL::text AS value WHERE FALSE UNION ALL
               SELECT 'status', different.raw,
                   (CASE rtrim(nexus_assets.comparable(different.raw), ' .') WHEN 'scheduled' THEN 'scheduled' WHEN 'checked in' THEN 'checked_in' WHEN 'checked-in' THEN 'checked_in' WHEN 'checked_in' THEN 'checked_in' WHEN 'completed' THEN 'completed' WHEN 'cancelled' THEN 'cancelled' WHEN 'canceled' THEN 'cancelled' WHEN 'no show' THEN 'no_show' WHEN 'no-show' THEN 'no_show' WHEN 'no_show' THEN 'no_show' END)
                   FROM (
                 SELECT NULL::text AS raw UNION ALL
                 (SELECT NULL::text AS raw FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid(x.c2) AS source_id,
         hash_record_extended(ROW(x.c2, x.c7, x.c8, x.c0, x.c1, NULL::text, x.c6, x.c5, x.c3, x.c4, x.c9, NULL::text), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, x.c2 AS f0, x.c7 AS f1, x.c8 AS f2, x.c0 AS f3, x.c1 AS f4, x.c6 AS f5, x.c5 AS f6, x.c3 AS f7, x.c4 AS f8, x.c9 AS f9 FROM nexus_assets.work_appointments_export AS x OFFSET '0')
AS s WHERE NULL::text IS NOT NULL GROUP BY 1)) AS different
           ; ANALYZE nexus_assets.work_appointments_texts;

CREATE UNLOGGED TABLE nexus_assets.work_appointments_incoming AS
   SELECT r.row_number, r.source_id, r.row_hash, r.known_id, r.is_live,
       (coalesce(r.why, CASE WHEN r.new_start_time IS NULL THEN ARRAY['no_start_date', NULL] WHEN length(r.new_status) > 20 THEN ARRAY['too_long', 'status'] END))[1] AS reason,
       (coalesce(r.why, CASE WHEN r.new_start_time IS NULL THEN ARRAY['no_start_date', NULL] WHEN length(r.new_status) > 20 THEN ARRAY['too_long', 'status'] END))[2] AS reason_column,
          r.described, r.notices, CASE
              WHEN coalesce(r.why, CASE WHEN r.new_start_time IS NULL THEN ARRAY['no_start_date', NULL] WHEN length(r.new_status) > 20 THEN ARRAY['too_long', 'status'] END) IS NULL THEN nexus_assets.minted_id('appointments', r.source_id::text) END AS nexus_id,
              r.new_patient_id, r.new_clinic_id, r.new_clinician_id, r.new_appointment_type_id,
              r.new_filemaker_event_id, r.new_start_time, r.new_end_time, r.new_status, r.new_notes
   FROM (
     SELECT s.row_number, s.source_id, s.row_hash, s.known_id, s.is_live, CASE
         WHEN s.source_id IS NULL THEN ARRAY[CASE WHEN nexus_assets.read_text(s.f0) IS NOT NULL THEN 'bad_id' ELSE 'no_id' END, NULL]
         WHEN s.disputed THEN ARRAY['duplicate_id', NULL]
         WHEN row_0.id IS NULL THEN ARRAY[CASE WHEN nexus_assets.read_text(s.f6) IS NOT NULL THEN 'unknown_contact' ELSE 'no_contact' END, NULL]
         WHEN (dates_0.raw IS NOT NULL AND dates_0.value IS NULL) THEN ARRAY['unreadable_date', 'start_time']
         WHEN (times_1.raw IS NOT NULL AND times_1.value IS NULL) THEN ARRAY['unreadable_time', 'start_time']
         WHEN (dates_2.raw IS NOT NULL AND dates_2.value IS NULL) THEN ARRAY['unreadable_date', 'end_time']
         WHEN (times_3.raw IS NOT NULL AND times_3.value IS NULL) THEN ARRAY['unreadable_time', 'end_time'] END AS why,
         TRUE AS described,
            array_remove(ARRAY[CASE WHEN (coalesce(clinic_id_0.id) IS NULL AND (nexus_assets.read_text(s.f7) IS NOT NULL)) THEN 'unknown_clinic' END, CASE WHEN (coalesce(clinician_id_0.id) IS NULL AND (nexus_assets.read_text(s.f8) IS NOT NULL)) THEN 'unknown_clinician' END, CASE WHEN (coalesce(appointment_type_id_0.id) IS NULL AND (nexus_assets.read_text(s.f9) IS NOT NULL)) THEN 'unknown_appointment_type' END, CASE WHEN ((times_3.value IS NOT NULL AND nexus_assets.local_instant(coalesce(dates_2.value, dates_0.value), times_3.value, 'Australia/Sydney') < nexus_assets.local_instant(dates_0.value, times_1.value, 'Australia/Sydney')) OR dates_2.value < dates_0.value) THEN 'end_before_start' END, CASE WHEN (nexus_assets.local_instant(dates_0.value, times_1.value, 'Australia/Sydney') = nexus_assets.local_instant(dates_0.value, NULL, 'Australia/Sydney') AND greatest(nexus_assets.local_instant(dates_0.value, times_1.value, 'Australia/Sydney'), nexus_assets.local_instant(coalesce(dates_2.value, dates_0.value), times_3.value, 'Australia/Sydney')) = nexus_assets.local_instant(dates_0.value, times_1.value, 'Australia/Sydney')) THEN 'no_time_of_day' END, CASE WHEN (nexus_assets.read_text(NULL::text) IS NOT NULL AND (CASE rtrim(nexus_assets.comparable(NULL::text), ' .') WHEN 'scheduled' THEN 'scheduled' WHEN 'checked in' THEN 'checked_in' WHEN 'checked-in' THEN 'checked_in' WHEN 'checked_in' THEN 'checked_in' WHEN 'completed' THEN 'completed' WHEN 'cancelled' THEN 'cancelled' WHEN 'canceled' THEN 'cancelled' WHEN 'no show' THEN 'no_show' WHEN 'no-show' THEN 'no_show' WHEN 'no_show' THEN 'no_show' END) IS NULL) THEN 'unknown_status' END]::text[], NULL) AS notices,
                row_0.id AS new_patient_id, coalesce(coalesce(clinic_id_0.id), row_0.clinic_id) AS new_clinic_id,
                coalesce(clinician_id_0.id) AS new_clinician_id,
                coalesce(appointment_type_id_0.id) AS new_appointment_type_id,
                (nexus_assets.read_uuid(s.f0))::uuid AS new_filemaker_event_id,
                (nexus_assets.local_instant(dates_0.value, times_1.value, 'Australia/Sydney'))::timestamp with time zone AS new_start_time,
                (greatest(nexus_assets.local_instant(dates_0.value, times_1.value, 'Australia/Sydney'), nexus_assets.local_instant(coalesce(dates_2.value, dates_0.value), times_3.value, 'Australia/Sydney')))::timestamp with time zone AS new_end_time,
                (no_text_status.value)::text AS new_status, (nexus_assets.read_text(s.f5))::text AS new_notes
     FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid(x.c2) AS source_id,
         hash_record_extended(ROW(x.c2, x.c7, x.c8, x.c0, x.c1, NULL::text, x.c6, x.c5, x.c3, x.c4, x.c9, NULL::text), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, x.c2 AS f0, x.c7 AS f1, x.c8 AS f2, x.c0 AS f3, x.c1 AS f4, x.c6 AS f5, x.c5 AS f6, x.c3 AS f7, x.c4 AS f8, x.c9 AS f9 FROM nexus_assets.work_appointments_export AS x OFFSET '0')
AS s
     LEFT JOIN (
       SELECT k.source_id AS named, t.* FROM nexus_assets.identity_patients AS k
           JOIN public.patients AS t ON t.id = k.nexus_id
                         WHERE coalesce(nexus_assets.read_uuid(t.filemaker_metadata ->> 'filemaker_id') = k.source_id, TRUE)) AS row_0 ON row_0.named = nexus_assets.read_uuid(s.f6)
                             LEFT JOIN (
                               SELECT DISTINCT ON (1) nexus_assets.comparable(filemaker_id::text) AS key, id
                                   FROM public.clinics
              ORDER BY 1, created_at, id) AS clinic_id_0 ON clinic_id_0.key = nexus_assets.comparable(s.f7)
                  LEFT JOIN (SELECT DISTINCT ON (1) nexus_assets.comparable(x.c0) AS key, nexus_assets.comparable(x.c1) AS said
                             FROM nexus_assets.work_appointments_companion_clinicians AS x ORDER BY 1, row_number) AS clinician_id_0_through ON clinician_id_0_through.key = nexus_assets.comparable(s.f8)
                                 LEFT JOIN (
                                   SELECT DISTINCT ON (1) nexus_assets.comparable(full_name::text) AS key, id
                                       FROM public.clinicians
              ORDER BY 1, created_at, id) AS clinician_id_0 ON clinician_id_0.key = clinician_id_0_through.said
                  LEFT JOIN (SELECT DISTINCT ON (1) nexus_assets.comparable(name::text) AS key, id FROM public.appointment_types
              ORDER BY 1, created_at, id) AS appointment_type_id_0 ON appointment_type_id_0.key = nexus_assets.comparable(s.f9)
                  LEFT JOIN nexus_assets.work_appointments_dates AS dates_0 ON dates_0.field = 'startDate'
                  AND dates_0.raw = s.f1
                  LEFT JOIN nexus_assets.work_appointments_times AS times_1 ON times_1.field = 'startTime'
                  AND times_1.raw = s.f2
                  LEFT JOIN nexus_assets.work_appointments_dates AS dates_2 ON dates_2.field = 'endDate'
                  AND dates_2.raw = s.f3
                  LEFT JOIN nexus_assets.work_appointments_times AS times_3 ON times_3.field = 'endTime'
                  AND times_3.raw = s.f4
                  LEFT JOIN nexus_assets.work_appointments_texts AS no_text_status ON no_text_status.column_name = 'status'
                  AND no_text_status.raw IS NULL OFFSET '0'
   ) AS r;

ANALYZE nexus_assets.work_appointments_incoming;

SELECT reason, count(*), count(*) FILTER (WHERE new_start_time IS NULL) FROM nexus_assets.work_appointments_incoming
    GROUP BY 1 ORDER BY 2 DESC, 1;

INSERT INTO public.appointments (id, patient_id, clinic_id, clinician_id, appointment_type_id, filemaker_event_id, start_time, end_time, status, notes, needs_followup_reminder, followup_scheduled, is_recurring, invoice_contact_type, billing_notes, sms_confirmed, sms_cancelled, created_at, updated_at)
SELECT d.nexus_id, i.new_patient_id::uuid, i.new_clinic_id::uuid, i.new_clinician_id::uuid,
    i.new_appointment_type_id::uuid, i.new_filemaker_event_id::uuid, i.new_start_time::timestamp with time zone,
    i.new_end_time::timestamp with time zone,
    coalesce(i.new_status::character varying(20), 'scheduled'::character varying(20)), i.new_notes::text,
    false::boolean, false::boolean, false::boolean, 'patient'::character varying(20), ''::text, false::boolean,
    false::boolean, now(), now() FROM nexus_assets.work_appointments_incoming AS i CROSS JOIN LATERAL
  (SELECT i.row_number, i.nexus_id, 'insert'::text AS action WHERE i.reason IS NULL) AS d
WHERE d.action IN ('insert', 'restore') ORDER BY i.new_patient_id, i.new_start_time, d.row_number;

DO $$ BEGIN
      LOCK TABLE nexus_assets.identity_appointments IN ACCESS EXCLUSIVE MODE NOWAIT;
      ALTER TABLE nexus_assets.identity_appointments DROP CONSTRAINT identity_appointments_pkey,
          DROP CONSTRAINT identity_appointments_nexus_id_key;
    EXCEPTION WHEN lock_not_available OR insufficient_privilege OR undefined_object THEN NULL;
    END $$;
    INSERT INTO nexus_assets.identity_appointments (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_patient_id, base_clinic_id, base_clinician_id, base_appointment_type_id, base_filemaker_event_id, base_start_time, base_end_time, base_status, base_notes) SELECT source_id,
        nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_patient_id,
        base_clinic_id, base_clinician_id, base_appointment_type_id, base_filemaker_event_id, base_start_time,
        base_end_time, base_status, base_notes FROM (
    SELECT d.action, i.source_id, d.nexus_id, i.row_hash,
        hash_record_extended(ROW(i.new_patient_id::uuid, i.new_clinic_id::uuid, i.new_clinician_id::uuid, i.new_appointment_type_id::uuid, i.new_filemaker_event_id::uuid, i.new_start_time::timestamp with time zone, i.new_end_time::timestamp with time zone, coalesce(i.new_status::character varying(20), 'scheduled'::character varying(20)), i.new_notes::text), 0) AS target_hash,
        i.row_number,
           nullif(i.notices, ARRAY[]::text[]) AS notices, 'made' AS origin, <load> AS first_load, <load> AS last_load,
               hash_record_extended(ROW(i.new_patient_id::uuid), 0) AS base_patient_id,
               hash_record_extended(ROW(i.new_clinic_id::uuid), 0) AS base_clinic_id,
               hash_record_extended(ROW(i.new_clinician_id::uuid), 0) AS base_clinician_id,
               hash_record_extended(ROW(i.new_appointment_type_id::uuid), 0) AS base_appointment_type_id,
               hash_record_extended(ROW(i.new_filemaker_event_id::uuid), 0) AS base_filemaker_event_id,
               hash_record_extended(ROW(i.new_start_time::timestamp with time zone), 0) AS base_start_time,
               hash_record_extended(ROW(i.new_end_time::timestamp with time zone), 0) AS base_end_time,
               hash_record_extended(ROW(coalesce(i.new_status::character varying(20), 'scheduled'::character varying(20))), 0) AS base_status,
               hash_record_extended(ROW(i.new_notes::text), 0) AS base_notes
    FROM nexus_assets.work_appointments_incoming AS i CROSS JOIN LATERAL
      (SELECT i.row_number, i.nexus_id, 'insert'::text AS action WHERE i.reason IS NULL) AS d
    WHERE d.action IN ('insert', 'restore')
) AS e;
    DO $$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'nexus_assets.identity_appointments'::regclass AND contype = 'p') THEN
        ALTER TABLE nexus_assets.identity_appointments ADD CONSTRAINT identity_appointments_pkey PRIMARY KEY (source_id),
            ADD CONSTRAINT identity_appointments_nexus_id_key UNIQUE (nexus_id);
      END IF;
    END $$;

SELECT EXISTS (SELECT FROM nexus_assets.superseded WHERE entity = %s);

INSERT INTO nexus_assets.reject (entity, row_number, source_id, reason, column_name, row_hash, payload, first_load)
SELECT 'appointments', x.row_number, nexus_assets.read_text(s.c2), x.reason, x.column_name, x.row_hash,
       jsonb_strip_nulls(jsonb_build_object('id', s.c2, 'startDate', s.c7, 'startTime', s.c8, 'endDate', s.c0, 'endTime', s.c1, 'notes', s.c6, 'id_Contact', s.c5, 'id_Clinic', s.c3, 'id_Clinician', s.c4, 'Type', s.c9)),
           <load>
FROM (SELECT *, reason_column AS column_name FROM nexus_assets.work_appointments_incoming WHERE reason IS NOT NULL) AS x
    JOIN nexus_assets.work_appointments_export AS s USING (row_number) ORDER BY x.row_number;

SELECT notices, count(*), min(row_number) FROM nexus_assets.identity_appointments WHERE notices IS NOT NULL GROUP BY 1;

INSERT INTO nexus_assets.load (id, entity, run_id, started_at, finished_at, mapping_version, sources, date_orders, source_rows, outcomes, rejected, notices, healed, adoption, parents, undoable) OVERRIDING SYSTEM VALUE
    VALUES (%s, %s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

SELECT relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'nexus_assets'
    AND c.relkind = 'r' AND starts_with(relname, %s) ORDER BY c.oid;

DROP TABLE nexus_assets.work_appointments_export, nexus_assets.work_appointments_companion_clinicians,
    nexus_assets.work_appointments_dates, nexus_assets.work_appointments_times, nexus_assets.work_appointments_texts,
    nexus_assets.work_appointments_incoming;

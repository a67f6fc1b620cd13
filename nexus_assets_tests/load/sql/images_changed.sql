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
FROM nexus_assets.identity_image_batches AS k
    LEFT JOIN (SELECT t.id, NULL::text AS carried FROM public.images_batch AS t OFFSET '0') AS t ON t.id = k.nexus_id;

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

SELECT DISTINCT c.column_name FROM nexus_assets.conflict AS c JOIN nexus_assets.identity_images AS l USING (source_id)
WHERE c.entity = 'images' AND c.resolved_load IS NULL AND (c.decision = 'filemaker' OR c.cause = 'refused')
    AND l.vanished_load IS NULL;

SELECT nextval(pg_get_serial_sequence('nexus_assets.load', 'id')), (SELECT coalesce(max(id), 0) FROM nexus_assets.load);

CREATE UNLOGGED TABLE nexus_assets.work_images_export (row_number bigint GENERATED ALWAYS AS IDENTITY, c0 text, c1 text, c2 text, c3 text, c4 text, c5 text, c6 text);

COPY nexus_assets.work_images_export (c0, c1, c2, c3, c4, c5, c6)
    FROM STDIN WITH (FORMAT csv, ENCODING 'UTF8', delimiter ',', quote '"');

SELECT count(*), extract(epoch FROM max(corrected_at))::text FROM nexus_assets.correction WHERE export = 'Image_data';

CREATE UNLOGGED TABLE nexus_assets.work_images_listing (
row_number bigint GENERATED ALWAYS AS IDENTITY, key text, file_name text, size bigint, etag text,
mime_type text, record_key text, is_thumbnail boolean);

COPY nexus_assets.work_images_listing (key, file_name, size, etag, mime_type, record_key, is_thumbnail)
    FROM STDIN WITH (FORMAT csv);

ANALYZE nexus_assets.work_images_listing, nexus_assets.work_images_export;

WITH found AS (
  SELECT heading, code, count(*) AS cells, min(row_number) AS first
  FROM nexus_assets.work_images_export AS s,
      LATERAL (VALUES ('recid', s.c5), ('id_Contact', s.c3), ('date', s.c0), ('id', s.c2), ('Name_of_file', s.c4), ('fileName', s.c1), ('Type', s.c6)) AS cell(heading, text),
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
  WHERE (concat_ws(E'\x1F', '', CASE WHEN octet_length(s.c5) <= 35 THEN s.c5 END, CASE WHEN octet_length(s.c3) <= 35 THEN s.c3 END, CASE WHEN octet_length(s.c0) <= 35 THEN s.c0 END, CASE WHEN octet_length(s.c2) <= 35 THEN s.c2 END, CASE WHEN octet_length(s.c4) <= 35 THEN s.c4 END, CASE WHEN octet_length(s.c1) <= 35 THEN s.c1 END, CASE WHEN octet_length(s.c6) <= 35 THEN s.c6 END, '')
           ~ '[<#&?=''\\\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]|_x00|[0-9]([eE][-+]|[.]0)|[0-9]{16}|\x1F[(]?(NULL|null|NaN|nan)[)]?\x1F'
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
          OR (octet_length(s.c4) > 35 AND (
      strpos(s.c4, '&') > 0 OR strpos(s.c4, '_x00') > 0
      OR octet_length(s.c4) <= 60 AND (strpos(s.c4, '<') > 0 OR strpos(s.c4, '#') > 0)
      OR s.c4 LIKE '="%' OR octet_length(s.c4) >= 32767
      OR octet_length(s.c4) <> length(s.c4) AND s.c4 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c1) > 35 AND (
      strpos(s.c1, '&') > 0 OR strpos(s.c1, '_x00') > 0
      OR octet_length(s.c1) <= 60 AND (strpos(s.c1, '<') > 0 OR strpos(s.c1, '#') > 0)
      OR s.c1 LIKE '="%' OR octet_length(s.c1) >= 32767
      OR octet_length(s.c1) <> length(s.c1) AND s.c1 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]'))
          OR (octet_length(s.c6) > 35 AND (
      strpos(s.c6, '&') > 0 OR strpos(s.c6, '_x00') > 0
      OR octet_length(s.c6) <= 60 AND (strpos(s.c6, '<') > 0 OR strpos(s.c6, '#') > 0)
      OR s.c6 LIKE '="%' OR octet_length(s.c6) >= 32767
      OR octet_length(s.c6) <> length(s.c6) AND s.c6 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]')))
    AND code IS NOT NULL
  GROUP BY 1, 2
), columns AS MATERIALIZED (
  SELECT max(octet_length(s.c5)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c5)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c3)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c3)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c0)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c0)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c2)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c2)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c4)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c4)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c1)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c1)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c6)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c6)) BETWEEN 65535
      AND 4 * 65536 AS may_be_cut FROM nexus_assets.work_images_export AS s
), long AS (
  SELECT heading, length(text) AS long, count(*) AS cells, min(row_number) AS first
  FROM nexus_assets.work_images_export AS s,
      LATERAL (VALUES ('recid', s.c5), ('id_Contact', s.c3), ('date', s.c0), ('id', s.c2), ('Name_of_file', s.c4), ('fileName', s.c1), ('Type', s.c6)) AS cell(heading, text)
  WHERE (SELECT may_be_cut FROM columns)
      AND greatest(octet_length(s.c5), octet_length(s.c3), octet_length(s.c0), octet_length(s.c2), octet_length(s.c4), octet_length(s.c1), octet_length(s.c6)) >= 255
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
      FROM nexus_assets.work_images_export AS s, LATERAL (VALUES ('date', s.c0)) AS cell(heading, text)
      WHERE text IS NOT NULL AND EXISTS (SELECT FROM nexus_assets.work_images_export AS s WHERE s.c0 LIKE '____-__-__%') GROUP BY 1, 2) AS texts,
  LATERAL (SELECT text ~ '^\d{4}-\d\d-\d\d' AS is_iso,
                       regexp_match(text, '^\s*(\d{1,2})[/.-](\d{1,2})[/.-]\d{2,4}') AS said) AS form
WHERE is_iso OR said IS NOT NULL
GROUP BY 1
HAVING count(*) FILTER (WHERE is_iso) > 0 AND count(said) > 0
   AND bool_and(CASE WHEN is_iso THEN substr(text, 9, 2) <= '12' ELSE greatest(said[1]::int, said[2]::int) > 12 END);

DROP TABLE IF EXISTS nexus_assets.work_images_dates_of_records; CREATE UNLOGGED TABLE nexus_assets.work_images_dates_of_records AS SELECT NULL::text AS field,
    NULL::text AS raw, 0::bigint AS times WHERE false UNION ALL SELECT 'date'::text AS field, raw, times
    FROM (SELECT s.c0 AS raw, count(*) AS times FROM nexus_assets.work_images_export AS s GROUP BY 1) AS different
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
            FROM (SELECT field, times, nexus_assets.comparable(raw) AS text FROM nexus_assets.work_images_dates_of_records) AS dates
            WHERE text ~ concat('^([a-z]+[.,]* )?', -- a weekday
                                '([0-9]{1,2}/[0-9]{1,2}/|[0-9]{1,2}[.][0-9]{1,2}[.]|[0-9]{1,2}-[0-9]{1,2}-)',
                                '([0-9]{4}|[0-9]{2})([^0-9]|$)') OFFSET 0) AS split) AS dates
GROUP BY field ORDER BY field;

ALTER TABLE nexus_assets.work_images_dates_of_records ADD COLUMN value date;UPDATE nexus_assets.work_images_dates_of_records SET value = nexus_assets.read_date(raw, coalesce('{}'::jsonb ->> field, 'mdy'), <today>, '1899-12-30'::date, 'Australia/Sydney');ANALYZE nexus_assets.work_images_dates_of_records;

CREATE UNLOGGED TABLE nexus_assets.work_images_records AS
    SELECT r.*, CASE WHEN who IS NOT NULL AND (d.raw IS NULL OR d.value IS NOT NULL) THEN
             nexus_assets.minted_id('group', who::text || '/' || coalesce(d.value::text, 'undated'))::text END AS group_id,
           (row_number() OVER (PARTITION BY who, d.value ORDER BY length(recid), recid, r.key) - 1)::text AS position,
           who AS contact, d.value AS group_date
    FROM (
    SELECT f.row_number, CASE WHEN rival.key IS NOT NULL THEN 'ambiguous_file'
        WHEN x.variants > 1 THEN 'ambiguous_record' WHEN x.record_key IS NULL THEN 'no_record'
        WHEN f.size = 0 THEN 'empty_file' END AS flaw, x.export_row, f.key, f.file_name, f.size::text AS size,
        f.mime_type,
           'clinic'::text AS bucket, 's3://' || 'clinic' || '/' || f.key AS url,
           CASE WHEN rival.key IS NULL THEN f.record_key END AS record_key, rival.names AS claimed_by,
           t.key AS thumbnail_key, t.size::text AS thumbnail_size, x.recid, x."id_Contact", x."date", x.id,
               x."Name_of_file", x."fileName", x."Type"
    FROM nexus_assets.work_images_listing AS f
    LEFT JOIN (
    WITH several AS MATERIALIZED (SELECT record_key FROM nexus_assets.work_images_listing WHERE NOT is_thumbnail GROUP BY 1 HAVING count(*) > 1)
    SELECT f.key, shared.names FROM nexus_assets.work_images_listing AS f JOIN (
      SELECT record_key,
          string_agg(
            coalesce(
              substring(
                key FROM '(
                  ?i)((?:[0-9]+|[0-9a-f-]{36})\.[a-z0-9]{1,5}(?:/[0-9a-f-]{36}\.[a-z0-9]{1,5})?)$'), '…'), ',
                      ' ORDER BY key)
        || CASE WHEN count(DISTINCT substring(key FROM '[^/]+$')) < count(*) THEN ' (in different folders)'
            ELSE '' END AS names
      FROM nexus_assets.work_images_listing JOIN several USING (record_key) WHERE NOT is_thumbnail GROUP BY 1) AS shared USING (record_key)
        LEFT JOIN (
          SELECT o.record_key, min(o.key) AS key FROM nexus_assets.work_images_listing AS o
              JOIN public.images_image AS t ON t.s3_key = o.key
                   WHERE NOT o.is_thumbnail GROUP BY 1) AS kept USING (record_key)
    WHERE NOT f.is_thumbnail AND f.key <> coalesce(kept.key, '')
) AS rival ON rival.key = f.key
    LEFT JOIN (
    SELECT DISTINCT ON (record_key) * FROM (
      SELECT *, count(*) OVER (PARTITION BY record_key) AS variants FROM (
        SELECT nexus_assets.comparable(recid) AS record_key, min(row_number) AS export_row, recid, "id_Contact", "date",
            id, "Name_of_file", "fileName", "Type"
        FROM (SELECT row_number, nexus_assets.plain_number(c5) AS recid, c3 AS "id_Contact", c0 AS "date", c2 AS id, c4 AS "Name_of_file", c1 AS "fileName", c6 AS "Type" FROM nexus_assets.work_images_export OFFSET 0) AS rows
            GROUP BY recid, "id_Contact", "date", id, "Name_of_file", "fileName", "Type" OFFSET 0
      ) AS keyed
    ) AS claims ORDER BY record_key, export_row
) AS x ON x.record_key = f.record_key AND rival.key IS NULL
    LEFT JOIN (SELECT DISTINCT ON (record_key) record_key, key, size FROM nexus_assets.work_images_listing WHERE is_thumbnail
               ORDER BY record_key, key) AS t ON t.record_key = f.record_key
    WHERE NOT f.is_thumbnail
) AS r
    CROSS JOIN LATERAL (SELECT nexus_assets.read_uuid(r."id_Contact") AS who) AS named
    LEFT JOIN nexus_assets.work_images_dates_of_records AS d ON d.field = 'date' AND d.raw = r."date"
; ANALYZE nexus_assets.work_images_records;

SELECT * FROM nexus_assets.work_images_records LIMIT 0;

SELECT count(*) FROM (SELECT nexus_assets.plain_number(c5) AS key FROM nexus_assets.work_images_export OFFSET 0) AS x
    WHERE NOT EXISTS
(SELECT FROM nexus_assets.work_images_listing AS f WHERE NOT f.is_thumbnail AND f.record_key = nexus_assets.comparable(x.key));

CREATE UNLOGGED TABLE nexus_assets.work_images_seen AS
SELECT s.row_number, s.source_id, s.row_hash, l.nexus_id AS known_id, t.id IS NOT NULL AS is_live,
       coalesce((l.last_load IS NOT NULL AND l.vanished_load IS NULL), false) AS is_current, l.notices,
       coalesce(l.row_hash = s.row_hash AND l.vanished_load IS NULL AND t.id IS NOT NULL AND l.target_hash = t.target_hash,
                false) AS settled
FROM (SELECT row_number, nexus_assets.read_uuid(s.id) AS source_id, hash_record_extended(ROW(s.id, s.key, s.thumbnail_key, s."Name_of_file", s."fileName", s.file_name, s.size, s.thumbnail_size, s.mime_type, s."Type", s.recid, s."date", s.position, s."id_Contact", s.group_id, s.flaw), <seed>) AS row_hash FROM nexus_assets.work_images_records AS s OFFSET '0') AS s
LEFT JOIN nexus_assets.identity_images AS l ON l.source_id = s.source_id
LEFT JOIN (SELECT t.id, hash_record_extended(ROW(t.batch_id, t.filemaker_id, t.s3_key, t.s3_thumbnail_key, t.original_name, t.file_size, t.thumbnail_size, t.mime_type, t.category, t.caption, t.date_taken, t."order"), 0) AS target_hash FROM public.images_image AS t OFFSET '0') AS t ON t.id = l.nexus_id;

ANALYZE nexus_assets.work_images_seen;

SELECT EXISTS (SELECT FROM nexus_assets.work_images_seen WHERE known_id IS NULL AND source_id IS NOT NULL)
AND EXISTS (SELECT FROM nexus_assets.identity_images AS l WHERE NOT EXISTS (SELECT FROM nexus_assets.work_images_seen AS s WHERE s.source_id = l.source_id));

SET LOCAL enable_hashagg = off;

CREATE UNLOGGED TABLE nexus_assets.work_images_repeated AS
SELECT source_id, min(row_number) AS first_row, min(row_hash) <> max(row_hash) AS differ
FROM nexus_assets.work_images_seen WHERE source_id IS NOT NULL GROUP BY source_id HAVING count(*) > 1;

SET LOCAL enable_hashagg TO DEFAULT;

ANALYZE nexus_assets.work_images_repeated;

SET LOCAL enable_nestloop = off;

CREATE UNLOGGED TABLE nexus_assets.work_images_standing AS
SELECT min(s.row_number) AS row_number, min(r.id) AS id, min(r.row_number) AS row_before, min(r.reason) AS reason
FROM nexus_assets.work_images_seen AS s JOIN nexus_assets.reject AS r ON r.row_hash = s.row_hash
    JOIN nexus_assets.work_images_records AS x ON x.row_number = s.row_number
WHERE r.entity = 'images' AND r.resolved_load IS NULL AND r.column_name IS NULL
  AND s.known_id IS NULL
  AND NOT EXISTS (SELECT FROM nexus_assets.work_images_repeated AS again WHERE again.source_id = s.source_id)
  AND (
    r.reason = ANY(ARRAY['no_contact']) OR FALSE
        OR (
          r.reason = 'unknown_contact'
              AND NOT EXISTS (SELECT FROM nexus_assets.identity_patients AS k JOIN public.patients AS t ON t.id = k.nexus_id
              WHERE coalesce(nexus_assets.read_uuid(t.filemaker_metadata ->> 'filemaker_id') = k.source_id, TRUE) AND k.source_id = nexus_assets.read_uuid(x."id_Contact")))
                  OR (
                    r.reason = 'unknown_batch'
                        AND NOT EXISTS (
                          SELECT FROM nexus_assets.identity_image_batches AS k
                              JOIN public.images_batch AS t ON t.id = k.nexus_id
              WHERE TRUE AND k.source_id = nexus_assets.read_uuid(x.group_id))))
GROUP BY s.row_hash HAVING count(*) = 1;

SET LOCAL enable_nestloop TO DEFAULT;

ANALYZE nexus_assets.work_images_standing;

CREATE UNLOGGED TABLE nexus_assets.work_images_pending AS
SELECT s.row_number, s.source_id, s.row_hash, s.known_id, s.is_live, coalesce(r.differ, false) AS disputed, x.id AS f0,
    x.key AS f1, x.thumbnail_key AS f2, x."Name_of_file" AS f3, x."fileName" AS f4, x.file_name AS f5, x.size AS f6,
    x.thumbnail_size AS f7, x.mime_type AS f8, x."Type" AS f9, x.recid AS f10, x."date" AS f11, x.position AS f12,
    x."id_Contact" AS f13, x.group_id AS f14, x.flaw AS f15, x.export_row AS f16
FROM nexus_assets.work_images_seen AS s JOIN nexus_assets.work_images_records AS x USING (row_number)
    LEFT JOIN nexus_assets.work_images_repeated AS r ON r.source_id = s.source_id
WHERE NOT s.settled
    AND NOT EXISTS (SELECT FROM nexus_assets.work_images_standing AS n WHERE n.row_number = s.row_number);

ANALYZE nexus_assets.work_images_pending;

DROP TABLE IF EXISTS nexus_assets.work_images_dates; CREATE UNLOGGED TABLE nexus_assets.work_images_dates AS SELECT NULL::text AS field,
    NULL::text AS raw, 0::bigint AS times WHERE false UNION ALL SELECT 'date'::text AS field, raw, times
    FROM (SELECT s.f11 AS raw, count(*) AS times FROM nexus_assets.work_images_pending AS s GROUP BY 1) AS different
    WHERE nexus_assets.read_text(raw) IS NOT NULL;

ALTER TABLE nexus_assets.work_images_dates ADD COLUMN value date;UPDATE nexus_assets.work_images_dates SET value = nexus_assets.read_date(raw, coalesce('{}'::jsonb ->> field, 'mdy'), <today>, '1899-12-30'::date, 'Australia/Sydney');ANALYZE nexus_assets.work_images_dates;

CREATE UNLOGGED TABLE nexus_assets.work_images_texts AS SELECT NULL::text AS column_name, NULL::text AS raw,
    NULL::text AS value WHERE FALSE UNION ALL
    SELECT 'category', different.raw,
        (SELECT CASE WHEN said ~ '^(r|rt|right) ?m(id)? ?foot l|^m(id)? ?foot l\w* (r|rt|right)$' THEN 'r_mfoot_length' WHEN said ~ '^(l|lt|left) ?m(id)? ?foot l|^m(id)? ?foot l\w* (l|lt|left)$' THEN 'l_mfoot_length' WHEN said ~ '^(r|rt|right) ?m(id)? ?foot w|^m(id)? ?foot w\w* (r|rt|right)$' THEN 'r_mfoot_width' WHEN said ~ '^(l|lt|left) ?m(id)? ?foot w|^m(id)? ?foot w\w* (l|lt|left)$' THEN 'l_mfoot_width' WHEN said ~ '^(?=.*\m(r|rt|right)\M)(?!.*\m(l|lt|left)\M).*brannock|^rbrannock' THEN 'r_brannock' WHEN said ~ '^(?=.*\m(l|lt|left)\M)(?!.*\m(r|rt|right)\M).*brannock|^lbrannock' THEN 'l_brannock' WHEN said ~ '^(?=.*\m(r|rt|right)\M)(?!.*\m(l|lt|left)\M).*shoe' THEN 'r_shoe' WHEN said ~ '^(?=.*\m(l|lt|left)\M)(?!.*\m(r|rt|right)\M).*shoe' THEN 'l_shoe' WHEN said ~ '^(?=.*\m(r|rt|right)\M)(?!.*\m(l|lt|left)\M).*\mlat' THEN 'right_lat' WHEN said ~ '^(?=.*\m(l|lt|left)\M)(?!.*\m(r|rt|right)\M).*\mlat' THEN 'left_lat' WHEN said ~ '^(?=.*\m(r|rt|right)\M)(?!.*\m(l|lt|left)\M).*\mleg|^(r|rt|right)$' THEN 'right_leg' WHEN said ~ '^(?=.*\m(l|lt|left)\M)(?!.*\m(r|rt|right)\M).*\mleg|^(l|lt|left)$' THEN 'left_leg' WHEN said ~ 'plant[ae]r' THEN 'plantar' WHEN said ~ 'dorsal|dorsum' THEN 'dorsal' WHEN said ~ 'posterior' THEN 'posterior' WHEN said ~ 'anterior' THEN 'anterior' WHEN said ~ 'medial' THEN 'medial' WHEN said ~ '\mlat' THEN 'lateral' WHEN said ~ 'wound' THEN 'wound' WHEN said ~ 'x ?ray doc' THEN 'x_ray_doc' WHEN said ~ 'x ?ray' THEN 'xray' WHEN said ~ '\mcast' THEN 'casts' WHEN said ~ '\mafos?\M' THEN 'afo' WHEN said ~ '\mcmos?\M' THEN 'cmo' WHEN said ~ 'medical' THEN 'medical' WHEN said ~ 'prescription|\mscript' THEN 'prescription' WHEN said ~ 'referral' THEN 'referral' WHEN said ~ 'invoice' THEN 'invoice' WHEN said ~ 'quote|quotation' THEN 'quote' WHEN said ~ 'consent' THEN 'consent' WHEN said ~ 'insurance' THEN 'insurance' ELSE 'other' END FROM (SELECT btrim(regexp_replace(nexus_assets.comparable(different.raw), '[-_.,:;/\\&+() ]+', ' ', 'g')) OFFSET 0) AS ready(said))
        FROM (
      SELECT NULL::text AS raw UNION ALL
      (SELECT s.f9 AS raw FROM nexus_assets.work_images_pending AS s WHERE s.f9 IS NOT NULL GROUP BY 1)) AS different
; ANALYZE nexus_assets.work_images_texts;

CREATE UNLOGGED TABLE nexus_assets.work_images_incoming AS
SELECT r.row_number, r.source_id, r.row_hash, r.known_id, r.is_live,
    (coalesce(r.why, CASE WHEN length(r.new_s3_key) > 500 THEN ARRAY['too_long', 's3_key'] WHEN length(r.new_s3_thumbnail_key) > 500 THEN ARRAY['too_long', 's3_thumbnail_key'] WHEN length(r.new_original_name) > 255 THEN ARRAY['too_long', 'original_name'] WHEN length(r.new_mime_type) > 100 THEN ARRAY['too_long', 'mime_type'] WHEN length(r.new_category) > 100 THEN ARRAY['too_long', 'category'] END))[1] AS reason,
    (coalesce(r.why, CASE WHEN length(r.new_s3_key) > 500 THEN ARRAY['too_long', 's3_key'] WHEN length(r.new_s3_thumbnail_key) > 500 THEN ARRAY['too_long', 's3_thumbnail_key'] WHEN length(r.new_original_name) > 255 THEN ARRAY['too_long', 'original_name'] WHEN length(r.new_mime_type) > 100 THEN ARRAY['too_long', 'mime_type'] WHEN length(r.new_category) > 100 THEN ARRAY['too_long', 'category'] END))[2] AS reason_column,
       r.described, r.notices, r.new_batch_id, r.new_filemaker_id, r.new_s3_key, r.new_s3_thumbnail_key,
           r.new_original_name, r.new_file_size, r.new_thumbnail_size, r.new_mime_type, r.new_category, r.new_caption,
           r.new_date_taken, r.new_order
FROM (
  SELECT s.row_number, s.source_id, s.row_hash, s.known_id, s.is_live, CASE
      WHEN s.f15 IS NOT NULL THEN ARRAY[s.f15, NULL]
      WHEN s.source_id IS NULL THEN ARRAY[CASE WHEN nexus_assets.read_text(s.f0) IS NOT NULL THEN 'bad_id' ELSE 'no_id' END, NULL]
      WHEN s.disputed THEN ARRAY['duplicate_id', NULL]
      WHEN row_0.id IS NULL THEN ARRAY[CASE WHEN nexus_assets.read_text(s.f13) IS NOT NULL THEN 'unknown_contact' ELSE 'no_contact' END, NULL]
      WHEN (nexus_assets.read_integer(s.f6) IS NULL AND nexus_assets.read_text(s.f6) IS NOT NULL) THEN ARRAY['file_too_large', 'file_size']
      WHEN (nexus_assets.read_integer(s.f7) IS NULL AND nexus_assets.read_text(s.f7) IS NOT NULL) THEN ARRAY['file_too_large', 'thumbnail_size']
      WHEN (dates_0.raw IS NOT NULL AND dates_0.value IS NULL) THEN ARRAY['unreadable_date', 'date_taken']
      WHEN (nexus_assets.read_integer(s.f12) IS NULL AND nexus_assets.read_text(s.f12) IS NOT NULL) THEN ARRAY['unreadable_number', 'order']
      WHEN row_1.id IS NULL THEN ARRAY[CASE WHEN nexus_assets.read_text(s.f14) IS NOT NULL THEN 'unknown_batch' ELSE 'unknown_batch' END, NULL] END AS why,
      s.f16 IS NOT NULL AS described,
         array_remove(ARRAY[]::text[], NULL) AS notices, row_1.id AS new_batch_id,
             (nexus_assets.read_uuid(s.f0))::uuid AS new_filemaker_id, (s.f1)::text AS new_s3_key,
             (coalesce(nexus_assets.read_text(s.f2), ''::text))::text AS new_s3_thumbnail_key, (
    (
      SELECT CASE WHEN ending IS NULL
          OR replace(lower(substring(said FROM '\.[^./]+$')), '.jpeg', '.jpg') = replace(ending, '.jpeg', '.jpg') THEN said
                 ELSE regexp_replace(said, '\.(jpe?g|png|gif|bmp|tiff?|heic|webp|pdf|docx?|txt|rtf)$', '', 'i') || ending END
     FROM (SELECT coalesce(nexus_assets.read_text(s.f3), nexus_assets.read_text(s.f4), nexus_assets.read_text(s.f5)) AS said, lower(substring(s.f5 FROM '\.[^./]+$')) AS ending OFFSET 0) AS named)
)::text AS new_original_name, (nexus_assets.read_integer(s.f6))::integer AS new_file_size,
    (nexus_assets.read_integer(s.f7))::integer AS new_thumbnail_size, (s.f8)::text AS new_mime_type,
    (CASE WHEN s.f9 IS NULL THEN no_text_category.value ELSE text_category.value END)::text AS new_category,
    (format('FileMaker: %s (RecordID: %s)', coalesce(nexus_assets.read_text(s.f9), ''), coalesce(nexus_assets.read_text(s.f10), '')))::text AS new_caption,
    (dates_0.value)::date AS new_date_taken, (nexus_assets.read_integer(s.f12))::integer AS new_order
  FROM nexus_assets.work_images_pending AS s
  LEFT JOIN (
    SELECT k.source_id AS named, t.* FROM nexus_assets.identity_patients AS k
        JOIN public.patients AS t ON t.id = k.nexus_id
                      WHERE coalesce(nexus_assets.read_uuid(t.filemaker_metadata ->> 'filemaker_id') = k.source_id, TRUE)) AS row_0 ON row_0.named = nexus_assets.read_uuid(s.f13)
                          LEFT JOIN (
                            SELECT k.source_id AS named, t.* FROM nexus_assets.identity_image_batches AS k
                                JOIN public.images_batch AS t ON t.id = k.nexus_id
                      WHERE TRUE) AS row_1 ON row_1.named = nexus_assets.read_uuid(s.f14)
                          LEFT JOIN nexus_assets.work_images_texts AS no_text_category ON no_text_category.column_name = 'category'
                          AND no_text_category.raw IS NULL
                          LEFT JOIN nexus_assets.work_images_texts AS text_category ON text_category.column_name = 'category'
                          AND text_category.raw = s.f9
                          LEFT JOIN nexus_assets.work_images_dates AS dates_0 ON dates_0.field = 'date'
                          AND dates_0.raw = s.f11 OFFSET '0'
) AS r;

ANALYZE nexus_assets.work_images_incoming;

CREATE UNLOGGED TABLE nexus_assets.work_images_recognised (source_id uuid NOT NULL, nexus_id uuid NOT NULL);

SELECT EXISTS (
    SELECT i.* FROM nexus_assets.work_images_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_images_recognised AS r WHERE r.source_id = i.source_id)
) AND EXISTS (
    SELECT t.* FROM public.images_image AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_images AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_images_recognised AS r WHERE r.nexus_id = t.id)
);

SET LOCAL enable_nestloop = off;

INSERT INTO nexus_assets.work_images_recognised
    SELECT i.source_id, t.id AS nexus_id FROM (
    SELECT i.* FROM nexus_assets.work_images_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_images_recognised AS r WHERE r.source_id = i.source_id)
) AS i JOIN (
    SELECT t.* FROM public.images_image AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_images AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_images_recognised AS r WHERE r.nexus_id = t.id)
) AS t
    ON t.id = nexus_assets.minted_id('images', i.source_id::text);

SET LOCAL enable_nestloop TO DEFAULT;

ANALYZE nexus_assets.work_images_recognised;

SELECT EXISTS (
    SELECT i.* FROM nexus_assets.work_images_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_images_recognised AS r WHERE r.source_id = i.source_id)
) AND EXISTS (
    SELECT t.* FROM public.images_image AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_images AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_images_recognised AS r WHERE r.nexus_id = t.id)
);

SET LOCAL enable_nestloop = off;

INSERT INTO nexus_assets.work_images_recognised
    SELECT DISTINCT ON (source_id) source_id, nexus_id FROM (
      SELECT i.source_id, t.id AS nexus_id, t.uploaded_at AS made_at,
             CASE
                 WHEN count(*) OVER (PARTITION BY i.source_id) > 1 THEN (EXISTS (SELECT FROM public.contact_relationships AS x WHERE x.from_content_type_id = 47 AND x.from_object_id = t.id) OR EXISTS (SELECT FROM public.contact_relationships AS x WHERE x.to_content_type_id = 47 AND x.to_object_id = t.id) OR EXISTS (SELECT FROM public.documents_document AS x WHERE x.content_type_id = 47 AND x.object_id = t.id) OR EXISTS (SELECT FROM public.images_batch AS x WHERE x.content_type_id = 47 AND x.object_id = t.id)) END AS is_referenced
      FROM (
    SELECT i.* FROM nexus_assets.work_images_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_images_recognised AS r WHERE r.source_id = i.source_id)
) AS i JOIN (
    SELECT t.* FROM public.images_image AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_images AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_images_recognised AS r WHERE r.nexus_id = t.id)
) AS t ON t.filemaker_id = i.source_id
    ) AS candidates ORDER BY source_id, is_referenced DESC NULLS LAST, made_at DESC NULLS LAST, nexus_id;

SET LOCAL enable_nestloop TO DEFAULT;

ANALYZE nexus_assets.work_images_recognised;

SELECT EXISTS (
    SELECT i.* FROM nexus_assets.work_images_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_images_recognised AS r WHERE r.source_id = i.source_id)
) AND EXISTS (
    SELECT t.* FROM public.images_image AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_images AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_images_recognised AS r WHERE r.nexus_id = t.id)
);

SET LOCAL enable_nestloop = off;

INSERT INTO nexus_assets.work_images_recognised
    SELECT m.source_id, o.nexus_id FROM (
      SELECT i.source_id, hash_record_extended(ROW(nexus_assets.read_text(i.new_s3_key)), 0) AS content,
          row_number() OVER (PARTITION BY hash_record_extended(ROW(nexus_assets.read_text(i.new_s3_key)), 0) ORDER BY i.row_number) AS k
      FROM (
    SELECT i.* FROM nexus_assets.work_images_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_images_recognised AS r WHERE r.source_id = i.source_id)
) AS i
    ) AS m JOIN (
      SELECT t.id AS nexus_id, hash_record_extended(ROW(nexus_assets.read_text(t.s3_key)), 0) AS content,
             row_number() OVER (PARTITION BY hash_record_extended(ROW(nexus_assets.read_text(t.s3_key)), 0) ORDER BY t.uploaded_at, t.id) AS k
      FROM (
    SELECT t.* FROM public.images_image AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_images AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_images_recognised AS r WHERE r.nexus_id = t.id)
) AS t WHERE TRUE AND t.filemaker_id IS NULL
    ) AS o USING (content, k);

SET LOCAL enable_nestloop TO DEFAULT;

ANALYZE nexus_assets.work_images_recognised;

SELECT EXISTS (
    SELECT i.* FROM nexus_assets.work_images_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_images_recognised AS r WHERE r.source_id = i.source_id)
) AND EXISTS (
    SELECT t.* FROM public.images_image AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_images AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_images_recognised AS r WHERE r.nexus_id = t.id)
);

SET LOCAL enable_nestloop = off;

INSERT INTO nexus_assets.work_images_recognised
    SELECT m.source_id, o.nexus_id FROM (
      SELECT i.source_id, hash_record_extended(ROW(nexus_assets.read_text(i.new_s3_key)), 0) AS content,
          row_number() OVER (PARTITION BY hash_record_extended(ROW(nexus_assets.read_text(i.new_s3_key)), 0) ORDER BY i.row_number) AS k
      FROM (
    SELECT i.* FROM nexus_assets.work_images_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_images_recognised AS r WHERE r.source_id = i.source_id)
) AS i
    ) AS m JOIN (
      SELECT t.id AS nexus_id, hash_record_extended(ROW(nexus_assets.read_text(t.s3_key)), 0) AS content,
             row_number() OVER (PARTITION BY hash_record_extended(ROW(nexus_assets.read_text(t.s3_key)), 0) ORDER BY t.uploaded_at, t.id) AS k
      FROM (
    SELECT t.* FROM public.images_image AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_images AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_images_recognised AS r WHERE r.nexus_id = t.id)
) AS t WHERE TRUE
    ) AS o USING (content, k);

SET LOCAL enable_nestloop TO DEFAULT;

-- 2 times:
ANALYZE nexus_assets.work_images_recognised;

CREATE UNLOGGED TABLE nexus_assets.work_images_decided AS
    SELECT i.row_number, i.source_id, i.known_id,
           CASE WHEN i.is_live THEN i.known_id
                ELSE coalesce(r.nexus_id, i.known_id,
    CASE
        WHEN EXISTS (SELECT FROM nexus_assets.identity_images AS k WHERE k.nexus_id = nexus_assets.minted_id('images', i.source_id::text))
         THEN (SELECT other.id FROM generate_series(1, 99) AS n,
                 LATERAL (SELECT nexus_assets.minted_id('images', concat_ws('/', i.source_id, n)) AS id) AS other
               WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_images AS k WHERE k.nexus_id = other.id)
                 AND NOT EXISTS (SELECT FROM public.images_image AS t WHERE t.id = other.id) ORDER BY n LIMIT 1)
         ELSE nexus_assets.minted_id('images', i.source_id::text) END
) END AS nexus_id,
           CASE WHEN i.is_live AND l.last_load IS NOT NULL THEN 'compare'
                WHEN i.is_live OR r.nexus_id IS NOT NULL THEN 'adopt'
                WHEN i.known_id IS NOT NULL THEN 'restore' ELSE 'insert' END AS action
    FROM nexus_assets.work_images_incoming AS i
        LEFT JOIN nexus_assets.work_images_recognised AS r ON r.source_id = i.source_id
    LEFT JOIN nexus_assets.identity_images AS l ON l.source_id = i.source_id
    WHERE i.reason IS NULL;

ANALYZE nexus_assets.work_images_decided;

WITH said AS (
  SELECT "the row" AS row_number, "the id" AS nexus_id, "is new" AS is_new, filemaker_id AS "key 0"
      FROM (SELECT i.row_number AS "the row", d.nexus_id AS "the id", TRUE AS "is new", i.new_filemaker_id::uuid AS filemaker_id FROM nexus_assets.work_images_decided AS d JOIN nexus_assets.work_images_incoming AS i USING (row_number) WHERE d.action IN ('insert', 'restore')) AS n
      WHERE TRUE
), claims AS (
  SELECT * FROM said AS n WHERE n."key 0" IS NOT NULL
), refused AS (
  SELECT n.row_number FROM claims AS n
  WHERE EXISTS (SELECT FROM public.images_image AS o WHERE TRUE AND o.id <> n.nexus_id AND filemaker_id = n."key 0")
  UNION
  SELECT row_number FROM (
    SELECT n.row_number, row_number() OVER (PARTITION BY n."key 0" ORDER BY n.is_new DESC, n.row_number) AS place
        FROM claims AS n
  ) AS n WHERE place > 1
), rejected AS (
  UPDATE nexus_assets.work_images_incoming AS i SET reason = 'already_there', reason_column = 'filemaker_id'
  FROM refused AS r WHERE i.row_number = r.row_number
), undecided AS (DELETE FROM nexus_assets.work_images_decided AS d USING refused AS r WHERE d.row_number = r.row_number)
SELECT count(*), min(row_number) FROM refused;

SELECT (SELECT count(*) FROM nexus_assets.identity_images AS l WHERE (l.last_load IS NOT NULL AND l.vanished_load IS NULL)),
    count(*) FROM nexus_assets.work_images_seen WHERE is_current;

SELECT reason, count(*), count(*) FILTER (WHERE new_batch_id IS NULL), count(*) FILTER (WHERE new_s3_key IS NULL),
    count(*) FILTER (WHERE new_s3_thumbnail_key IS NULL), count(*) FILTER (WHERE new_original_name IS NULL),
    count(*) FILTER (WHERE new_file_size IS NULL), count(*) FILTER (WHERE new_mime_type IS NULL),
    count(*) FILTER (WHERE new_category IS NULL), count(*) FILTER (WHERE new_caption IS NULL),
    count(*) FILTER (WHERE new_order IS NULL) FROM nexus_assets.work_images_incoming GROUP BY 1 ORDER BY 2 DESC, 1;

SELECT reason, count(*) FROM nexus_assets.work_images_standing GROUP BY 1;

CREATE UNLOGGED TABLE nexus_assets.work_images_followed AS
SELECT source_id, known_id AS old_id, nexus_id AS new_id FROM nexus_assets.work_images_decided
WHERE action = 'adopt' AND known_id <> nexus_id;

CREATE UNLOGGED TABLE nexus_assets.work_images_lost AS SELECT l.source_id, l.nexus_id
    FROM nexus_assets.identity_images AS l
WHERE NOT EXISTS (SELECT FROM public.images_image AS t WHERE t.id = l.nexus_id)
  AND NOT EXISTS (SELECT FROM nexus_assets.work_images_decided AS d WHERE d.source_id = l.source_id);

CREATE UNLOGGED TABLE nexus_assets.work_images_changes AS
    SELECT row_number, source_id, nexus_id, action, writes_batch_id IS TRUE AS write_batch_id,
        writes_batch_id IS FALSE AS keep_batch_id, writes_filemaker_id IS TRUE AS write_filemaker_id,
        writes_filemaker_id IS FALSE AS keep_filemaker_id, writes_s3_key IS TRUE AS write_s3_key,
        writes_s3_key IS FALSE AS keep_s3_key, writes_s3_thumbnail_key IS TRUE AS write_s3_thumbnail_key,
        writes_s3_thumbnail_key IS FALSE AS keep_s3_thumbnail_key, writes_original_name IS TRUE AS write_original_name,
        writes_original_name IS FALSE AS keep_original_name, writes_file_size IS TRUE AS write_file_size,
        writes_file_size IS FALSE AS keep_file_size, writes_thumbnail_size IS TRUE AS write_thumbnail_size,
        writes_thumbnail_size IS FALSE AS keep_thumbnail_size, writes_mime_type IS TRUE AS write_mime_type,
        writes_mime_type IS FALSE AS keep_mime_type, writes_category IS TRUE AS write_category,
        writes_category IS FALSE AS keep_category, writes_caption IS TRUE AS write_caption,
        writes_caption IS FALSE AS keep_caption, writes_date_taken IS TRUE AS write_date_taken,
        writes_date_taken IS FALSE AS keep_date_taken, writes_order IS TRUE AS write_order,
        writes_order IS FALSE AS keep_order
    FROM (
      SELECT d.row_number, d.source_id, d.nexus_id, d.action, CASE
          WHEN (
            t.batch_id IS DISTINCT FROM i.new_batch_id AND i.new_batch_id IS NOT NULL) THEN (
              ((row_1.id IS NULL AND (t.batch_id IS NOT NULL OR (d.action = 'adopt' AND l.base_batch_id IS NULL))) OR ((row_1.name LIKE '%(FileMaker Import)' AND row_1.uploaded_by_id IS NULL) AND (l.base_batch_id IS NULL OR NOT EXISTS (SELECT FROM nexus_assets.identity_image_batches AS k WHERE k.nexus_id = row_1.id))))
                  OR (coalesce(l.base_batch_id = hash_record_extended(ROW(t.batch_id), 0), FALSE) OR EXISTS (
SELECT FROM nexus_assets.superseded AS s
WHERE s.entity = 'image_batches' AND s.current_id = t.batch_id AND hash_record_extended(ROW(s.nexus_id), 0) = l.base_batch_id))) END AS writes_batch_id,
    CASE
    WHEN ((t.filemaker_id IS DISTINCT FROM i.new_filemaker_id AND ((d.action = 'adopt' AND coalesce(t.filemaker_id IS NULL OR FALSE, FALSE)) OR coalesce(l.base_filemaker_id = hash_record_extended(ROW(t.filemaker_id), 0), FALSE) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND i.new_filemaker_id IS NULL)))) AND (i.new_filemaker_id IS NOT NULL)) THEN (t.filemaker_id IS NULL OR coalesce(l.base_filemaker_id = hash_record_extended(ROW(t.filemaker_id), 0), FALSE)) END AS writes_filemaker_id,
    CASE
    WHEN (t.s3_key IS DISTINCT FROM i.new_s3_key AND nullif(t.s3_key, '')::character varying(500) IS DISTINCT FROM nullif(i.new_s3_key, '')::character varying(500) AND ((d.action = 'adopt' AND coalesce(nullif(t.s3_key, '')::character varying(500) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_s3_key = hash_record_extended(ROW(t.s3_key), 0), FALSE) OR coalesce(l.base_s3_key = hash_record_extended(ROW(nullif(t.s3_key, '')::character varying(500)), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_s3_key, '') = coalesce(NULL::text, ''))))) THEN ((d.action = 'adopt' AND coalesce(nullif(t.s3_key, '')::character varying(500) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_s3_key = hash_record_extended(ROW(t.s3_key), 0), FALSE) OR coalesce(l.base_s3_key = hash_record_extended(ROW(nullif(t.s3_key, '')::character varying(500)), 0), FALSE))) END AS writes_s3_key,
    CASE
    WHEN ((t.s3_thumbnail_key IS DISTINCT FROM i.new_s3_thumbnail_key AND nexus_assets.read_text(t.s3_thumbnail_key)::character varying(500) IS DISTINCT FROM nexus_assets.read_text(i.new_s3_thumbnail_key)::character varying(500) AND ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.s3_thumbnail_key)::character varying(500) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_s3_thumbnail_key = hash_record_extended(ROW(t.s3_thumbnail_key), 0), FALSE) OR coalesce(l.base_s3_thumbnail_key = hash_record_extended(ROW(nexus_assets.read_text(t.s3_thumbnail_key)::character varying(500)), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_s3_thumbnail_key, '') = coalesce(coalesce(nexus_assets.read_text(NULL::text), ''::text), ''))))) AND (NOT coalesce(i.new_s3_thumbnail_key::text, '') = '' OR (coalesce(l.base_s3_thumbnail_key = hash_record_extended(ROW(t.s3_thumbnail_key), 0), FALSE) OR coalesce(l.base_s3_thumbnail_key = hash_record_extended(ROW(nexus_assets.read_text(t.s3_thumbnail_key)::character varying(500)), 0), FALSE)))) THEN ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.s3_thumbnail_key)::character varying(500) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_s3_thumbnail_key = hash_record_extended(ROW(t.s3_thumbnail_key), 0), FALSE) OR coalesce(l.base_s3_thumbnail_key = hash_record_extended(ROW(nexus_assets.read_text(t.s3_thumbnail_key)::character varying(500)), 0), FALSE))) END AS writes_s3_thumbnail_key,
    CASE
    WHEN (
      t.original_name IS DISTINCT FROM i.new_original_name
          AND nexus_assets.read_text(t.original_name)::character varying(255) IS DISTINCT
          FROM nexus_assets.read_text(i.new_original_name)::character varying(255)
          AND (
            (d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.original_name)::character varying(255) IS NULL OR FALSE OR t.original_name::text = regexp_replace(t.s3_key::text, '^.*/', ''), FALSE))
                OR (coalesce(l.base_original_name = hash_record_extended(ROW(t.original_name), 0), FALSE) OR coalesce(l.base_original_name = hash_record_extended(ROW(nexus_assets.read_text(t.original_name)::character varying(255)), 0), FALSE))
                OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_original_name, '') = coalesce(
    (
      SELECT CASE WHEN ending IS NULL
          OR replace(lower(substring(said FROM '\.[^./]+$')), '.jpeg', '.jpg') = replace(ending, '.jpeg', '.jpg') THEN said
                 ELSE regexp_replace(said, '\.(jpe?g|png|gif|bmp|tiff?|heic|webp|pdf|docx?|txt|rtf)$', '', 'i') || ending END
     FROM (SELECT coalesce(nexus_assets.read_text(NULL::text), nexus_assets.read_text(NULL::text), nexus_assets.read_text(NULL::text)) AS said, lower(substring(NULL::text FROM '\.[^./]+$')) AS ending OFFSET 0) AS named)
, ''))))) THEN ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.original_name)::character varying(255) IS NULL OR FALSE OR t.original_name::text = regexp_replace(t.s3_key::text, '^.*/', ''), FALSE)) OR (coalesce(l.base_original_name = hash_record_extended(ROW(t.original_name), 0), FALSE) OR coalesce(l.base_original_name = hash_record_extended(ROW(nexus_assets.read_text(t.original_name)::character varying(255)), 0), FALSE))) END AS writes_original_name,
    CASE
    WHEN (t.file_size IS DISTINCT FROM i.new_file_size AND ((d.action = 'adopt' AND coalesce(t.file_size IS NULL OR FALSE, FALSE)) OR coalesce(l.base_file_size = hash_record_extended(ROW(t.file_size), 0), FALSE) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND i.new_file_size IS NULL)))) THEN ((d.action = 'adopt' AND coalesce(t.file_size IS NULL OR FALSE, FALSE)) OR coalesce(l.base_file_size = hash_record_extended(ROW(t.file_size), 0), FALSE)) END AS writes_file_size,
    CASE
    WHEN ((t.thumbnail_size IS DISTINCT FROM i.new_thumbnail_size AND ((d.action = 'adopt' AND coalesce(t.thumbnail_size IS NULL OR FALSE, FALSE)) OR coalesce(l.base_thumbnail_size = hash_record_extended(ROW(t.thumbnail_size), 0), FALSE) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND i.new_thumbnail_size IS NULL)))) AND (NOT coalesce(i.new_thumbnail_size::text, '') = '' OR coalesce(l.base_thumbnail_size = hash_record_extended(ROW(t.thumbnail_size), 0), FALSE))) THEN ((d.action = 'adopt' AND coalesce(t.thumbnail_size IS NULL OR FALSE, FALSE)) OR coalesce(l.base_thumbnail_size = hash_record_extended(ROW(t.thumbnail_size), 0), FALSE)) END AS writes_thumbnail_size,
    CASE
    WHEN (t.mime_type IS DISTINCT FROM i.new_mime_type AND nullif(t.mime_type, '')::character varying(100) IS DISTINCT FROM nullif(i.new_mime_type, '')::character varying(100) AND ((d.action = 'adopt' AND coalesce(nullif(t.mime_type, '')::character varying(100) IS NULL OR FALSE OR t.mime_type::text ILIKE ANY (ARRAY['image/jpeg','application/octet-stream','binary/octet-stream']), FALSE)) OR (coalesce(l.base_mime_type = hash_record_extended(ROW(t.mime_type), 0), FALSE) OR coalesce(l.base_mime_type = hash_record_extended(ROW(nullif(t.mime_type, '')::character varying(100)), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_mime_type, '') = coalesce(NULL::text, ''))))) THEN ((d.action = 'adopt' AND coalesce(nullif(t.mime_type, '')::character varying(100) IS NULL OR FALSE OR t.mime_type::text ILIKE ANY (ARRAY['image/jpeg','application/octet-stream','binary/octet-stream']), FALSE)) OR (coalesce(l.base_mime_type = hash_record_extended(ROW(t.mime_type), 0), FALSE) OR coalesce(l.base_mime_type = hash_record_extended(ROW(nullif(t.mime_type, '')::character varying(100)), 0), FALSE))) END AS writes_mime_type,
    CASE
    WHEN (
      t.category IS DISTINCT FROM i.new_category
          AND nexus_assets.read_text(t.category)::character varying(100) IS DISTINCT
          FROM nexus_assets.read_text(i.new_category)::character varying(100)
          AND ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.category)::character varying(100) IS NULL OR
(
  (
    coalesce(
      t.category::text, ''), coalesce(
        i.new_category, '')) IN (
          SELECT coalesce(different.raw, ''),
              coalesce((SELECT CASE WHEN said ~ '^(r|rt|right) ?m(id)? ?foot l|^m(id)? ?foot l\w* (r|rt|right)$' THEN 'r_mfoot_length' WHEN said ~ '^(l|lt|left) ?m(id)? ?foot l|^m(id)? ?foot l\w* (l|lt|left)$' THEN 'l_mfoot_length' WHEN said ~ '^(r|rt|right) ?m(id)? ?foot w|^m(id)? ?foot w\w* (r|rt|right)$' THEN 'r_mfoot_width' WHEN said ~ '^(l|lt|left) ?m(id)? ?foot w|^m(id)? ?foot w\w* (l|lt|left)$' THEN 'l_mfoot_width' WHEN said ~ '^(?=.*\m(r|rt|right)\M)(?!.*\m(l|lt|left)\M).*brannock|^rbrannock' THEN 'r_brannock' WHEN said ~ '^(?=.*\m(l|lt|left)\M)(?!.*\m(r|rt|right)\M).*brannock|^lbrannock' THEN 'l_brannock' WHEN said ~ '^(?=.*\m(r|rt|right)\M)(?!.*\m(l|lt|left)\M).*shoe' THEN 'r_shoe' WHEN said ~ '^(?=.*\m(l|lt|left)\M)(?!.*\m(r|rt|right)\M).*shoe' THEN 'l_shoe' WHEN said ~ '^(?=.*\m(r|rt|right)\M)(?!.*\m(l|lt|left)\M).*\mlat' THEN 'right_lat' WHEN said ~ '^(?=.*\m(l|lt|left)\M)(?!.*\m(r|rt|right)\M).*\mlat' THEN 'left_lat' WHEN said ~ '^(?=.*\m(r|rt|right)\M)(?!.*\m(l|lt|left)\M).*\mleg|^(r|rt|right)$' THEN 'right_leg' WHEN said ~ '^(?=.*\m(l|lt|left)\M)(?!.*\m(r|rt|right)\M).*\mleg|^(l|lt|left)$' THEN 'left_leg' WHEN said ~ 'plant[ae]r' THEN 'plantar' WHEN said ~ 'dorsal|dorsum' THEN 'dorsal' WHEN said ~ 'posterior' THEN 'posterior' WHEN said ~ 'anterior' THEN 'anterior' WHEN said ~ 'medial' THEN 'medial' WHEN said ~ '\mlat' THEN 'lateral' WHEN said ~ 'wound' THEN 'wound' WHEN said ~ 'x ?ray doc' THEN 'x_ray_doc' WHEN said ~ 'x ?ray' THEN 'xray' WHEN said ~ '\mcast' THEN 'casts' WHEN said ~ '\mafos?\M' THEN 'afo' WHEN said ~ '\mcmos?\M' THEN 'cmo' WHEN said ~ 'medical' THEN 'medical' WHEN said ~ 'prescription|\mscript' THEN 'prescription' WHEN said ~ 'referral' THEN 'referral' WHEN said ~ 'invoice' THEN 'invoice' WHEN said ~ 'quote|quotation' THEN 'quote' WHEN said ~ 'consent' THEN 'consent' WHEN said ~ 'insurance' THEN 'insurance' ELSE 'other' END FROM (SELECT btrim(regexp_replace(nexus_assets.comparable(different.raw), '[-_.,:;/\\&+() ]+', ' ', 'g')) OFFSET 0) AS ready(said)), '')
              FROM (
  SELECT DISTINCT t.category::text AS raw FROM public.images_image AS t) AS different)) OR t.category::text ILIKE ANY (ARRAY['other']) OR FALSE, FALSE))
      OR (coalesce(l.base_category = hash_record_extended(ROW(t.category), 0), FALSE) OR coalesce(l.base_category = hash_record_extended(ROW(nexus_assets.read_text(t.category)::character varying(100)), 0), FALSE))
      OR NOT (
(
  (
    coalesce(
      t.category::text, ''), coalesce(
        i.new_category, '')) IN (
          SELECT coalesce(different.raw, ''),
              coalesce((SELECT CASE WHEN said ~ '^(r|rt|right) ?m(id)? ?foot l|^m(id)? ?foot l\w* (r|rt|right)$' THEN 'r_mfoot_length' WHEN said ~ '^(l|lt|left) ?m(id)? ?foot l|^m(id)? ?foot l\w* (l|lt|left)$' THEN 'l_mfoot_length' WHEN said ~ '^(r|rt|right) ?m(id)? ?foot w|^m(id)? ?foot w\w* (r|rt|right)$' THEN 'r_mfoot_width' WHEN said ~ '^(l|lt|left) ?m(id)? ?foot w|^m(id)? ?foot w\w* (l|lt|left)$' THEN 'l_mfoot_width' WHEN said ~ '^(?=.*\m(r|rt|right)\M)(?!.*\m(l|lt|left)\M).*brannock|^rbrannock' THEN 'r_brannock' WHEN said ~ '^(?=.*\m(l|lt|left)\M)(?!.*\m(r|rt|right)\M).*brannock|^lbrannock' THEN 'l_brannock' WHEN said ~ '^(?=.*\m(r|rt|right)\M)(?!.*\m(l|lt|left)\M).*shoe' THEN 'r_shoe' WHEN said ~ '^(?=.*\m(l|lt|left)\M)(?!.*\m(r|rt|right)\M).*shoe' THEN 'l_shoe' WHEN said ~ '^(?=.*\m(r|rt|right)\M)(?!.*\m(l|lt|left)\M).*\mlat' THEN 'right_lat' WHEN said ~ '^(?=.*\m(l|lt|left)\M)(?!.*\m(r|rt|right)\M).*\mlat' THEN 'left_lat' WHEN said ~ '^(?=.*\m(r|rt|right)\M)(?!.*\m(l|lt|left)\M).*\mleg|^(r|rt|right)$' THEN 'right_leg' WHEN said ~ '^(?=.*\m(l|lt|left)\M)(?!.*\m(r|rt|right)\M).*\mleg|^(l|lt|left)$' THEN 'left_leg' WHEN said ~ 'plant[ae]r' THEN 'plantar' WHEN said ~ 'dorsal|dorsum' THEN 'dorsal' WHEN said ~ 'posterior' THEN 'posterior' WHEN said ~ 'anterior' THEN 'anterior' WHEN said ~ 'medial' THEN 'medial' WHEN said ~ '\mlat' THEN 'lateral' WHEN said ~ 'wound' THEN 'wound' WHEN said ~ 'x ?ray doc' THEN 'x_ray_doc' WHEN said ~ 'x ?ray' THEN 'xray' WHEN said ~ '\mcast' THEN 'casts' WHEN said ~ '\mafos?\M' THEN 'afo' WHEN said ~ '\mcmos?\M' THEN 'cmo' WHEN said ~ 'medical' THEN 'medical' WHEN said ~ 'prescription|\mscript' THEN 'prescription' WHEN said ~ 'referral' THEN 'referral' WHEN said ~ 'invoice' THEN 'invoice' WHEN said ~ 'quote|quotation' THEN 'quote' WHEN said ~ 'consent' THEN 'consent' WHEN said ~ 'insurance' THEN 'insurance' ELSE 'other' END FROM (SELECT btrim(regexp_replace(nexus_assets.comparable(different.raw), '[-_.,:;/\\&+() ]+', ' ', 'g')) OFFSET 0) AS ready(said)), '')
              FROM (
  SELECT DISTINCT t.category::text AS raw FROM public.images_image AS t) AS different)) OR (
    (
      d.action = 'adopt' OR l.origin <> 'made') AND coalesce(
        i.new_category, '') = coalesce(
          (
            SELECT CASE WHEN said ~ '^(
              r|rt|right) ?m(
                id)? ?foot l|^m(
                  id)? ?foot l\w* (
                    r|rt|right)$' THEN 'r_mfoot_length' WHEN said ~ '^(
                      l|lt|left) ?m(
                        id)? ?foot l|^m(
                          id)? ?foot l\w* (
                            l|lt|left)$' THEN 'l_mfoot_length' WHEN said ~ '^(
                              r|rt|right) ?m(
                                id)? ?foot w|^m(
                                  id)? ?foot w\w* (
                                    r|rt|right)$' THEN 'r_mfoot_width' WHEN said ~ '^(
                                      l|lt|left) ?m(
                                        id)? ?foot w|^m(
                                          id)? ?foot w\w* (
                                            l|lt|left)$' THEN 'l_mfoot_width' WHEN said ~ '^(
                                              ?=.*\m(
                                                r|rt|right)\M)(
                                                  ?!.*\m(
                                                    l|lt|left)\M).*brannock|^rbrannock' THEN 'r_brannock' WHEN said ~ '^(
                                                      ?=.*\m(
                                                        l|lt|left)\M)(
                                                          ?!.*\m(
                                                            r|rt|right)\M).*brannock|^lbrannock' THEN 'l_brannock' WHEN said ~ '^(
                                                              ?=.*\m(
                                                                r|rt|right)\M)(
                                                                  ?!.*\m(
                                                                    l|lt|left)\M).*shoe' THEN 'r_shoe' WHEN said ~ '^(
                                                                      ?=.*\m(
                                                                        l|lt|left)\M)(
                                                                          ?!.*\m(
                                                                            r|rt|right)\M).*shoe' THEN 'l_shoe' WHEN said ~ '^(
                                                                              ?=.*\m(
                                                                                r|rt|right)\M)(
                                                                                  ?!.*\m(
                                                                                    l|lt|left)\M).*\mlat' THEN 'right_lat' WHEN said ~ '^(
                                                                                      ?=.*\m(
                                                                                        l|lt|left)\M)(
                                                                                          ?!.*\m(
                                                                                            r|rt|right)\M).*\mlat' THEN 'left_lat' WHEN said ~ '^(
                                                                                              ?=.*\m(
                                                                                                r|rt|right)\M)(
                                                                                                  ?!.*\m(
                                                                                                    l|lt|left)\M).*\mleg|^(
                                                                                                      r|rt|right)$' THEN 'right_leg' WHEN said ~ '^(
                                                                                                        ?=.*\m(
                                                                                                          l|lt|left)\M)(
                                                                                                            ?!.*\m(
                                                                                                              r|rt|right)\M).*\mleg|^(
                                                                                                                l|lt|left)$' THEN 'left_leg' WHEN said ~ 'plant[ae]r' THEN 'plantar' WHEN said ~ 'dorsal|dorsum' THEN 'dorsal' WHEN said ~ 'posterior' THEN 'posterior' WHEN said ~ 'anterior' THEN 'anterior' WHEN said ~ 'medial' THEN 'medial' WHEN said ~ '\mlat' THEN 'lateral' WHEN said ~ 'wound' THEN 'wound' WHEN said ~ 'x ?ray doc' THEN 'x_ray_doc' WHEN said ~ 'x ?ray' THEN 'xray' WHEN said ~ '\mcast' THEN 'casts' WHEN said ~ '\mafos?\M' THEN 'afo' WHEN said ~ '\mcmos?\M' THEN 'cmo' WHEN said ~ 'medical' THEN 'medical' WHEN said ~ 'prescription|\mscript' THEN 'prescription' WHEN said ~ 'referral' THEN 'referral' WHEN said ~ 'invoice' THEN 'invoice' WHEN said ~ 'quote|quotation' THEN 'quote' WHEN said ~ 'consent' THEN 'consent' WHEN said ~ 'insurance' THEN 'insurance' ELSE 'other' END FROM (
                                                                                                                  SELECT btrim(
                                                                                                                    regexp_replace(
                                                                                                                      nexus_assets.comparable(
                                                                                                                        NULL::text), '[-_.,:;/\\&+(
                                                                                                                          ) ]+', ' ', 'g')) OFFSET 0) AS ready(
                                                                                                                            said)), ''))))) THEN (
                                                                                                                              (
                                                                                                                                d.action = 'adopt'
                                                                                                                                    AND coalesce(
                                                                                                                                      nexus_assets.read_text(t.category)::character varying(100) IS NULL
                                                                                                                                          OR
(
  (
    coalesce(
      t.category::text, ''), coalesce(
        i.new_category, '')) IN (
          SELECT coalesce(different.raw, ''),
              coalesce((SELECT CASE WHEN said ~ '^(r|rt|right) ?m(id)? ?foot l|^m(id)? ?foot l\w* (r|rt|right)$' THEN 'r_mfoot_length' WHEN said ~ '^(l|lt|left) ?m(id)? ?foot l|^m(id)? ?foot l\w* (l|lt|left)$' THEN 'l_mfoot_length' WHEN said ~ '^(r|rt|right) ?m(id)? ?foot w|^m(id)? ?foot w\w* (r|rt|right)$' THEN 'r_mfoot_width' WHEN said ~ '^(l|lt|left) ?m(id)? ?foot w|^m(id)? ?foot w\w* (l|lt|left)$' THEN 'l_mfoot_width' WHEN said ~ '^(?=.*\m(r|rt|right)\M)(?!.*\m(l|lt|left)\M).*brannock|^rbrannock' THEN 'r_brannock' WHEN said ~ '^(?=.*\m(l|lt|left)\M)(?!.*\m(r|rt|right)\M).*brannock|^lbrannock' THEN 'l_brannock' WHEN said ~ '^(?=.*\m(r|rt|right)\M)(?!.*\m(l|lt|left)\M).*shoe' THEN 'r_shoe' WHEN said ~ '^(?=.*\m(l|lt|left)\M)(?!.*\m(r|rt|right)\M).*shoe' THEN 'l_shoe' WHEN said ~ '^(?=.*\m(r|rt|right)\M)(?!.*\m(l|lt|left)\M).*\mlat' THEN 'right_lat' WHEN said ~ '^(?=.*\m(l|lt|left)\M)(?!.*\m(r|rt|right)\M).*\mlat' THEN 'left_lat' WHEN said ~ '^(?=.*\m(r|rt|right)\M)(?!.*\m(l|lt|left)\M).*\mleg|^(r|rt|right)$' THEN 'right_leg' WHEN said ~ '^(?=.*\m(l|lt|left)\M)(?!.*\m(r|rt|right)\M).*\mleg|^(l|lt|left)$' THEN 'left_leg' WHEN said ~ 'plant[ae]r' THEN 'plantar' WHEN said ~ 'dorsal|dorsum' THEN 'dorsal' WHEN said ~ 'posterior' THEN 'posterior' WHEN said ~ 'anterior' THEN 'anterior' WHEN said ~ 'medial' THEN 'medial' WHEN said ~ '\mlat' THEN 'lateral' WHEN said ~ 'wound' THEN 'wound' WHEN said ~ 'x ?ray doc' THEN 'x_ray_doc' WHEN said ~ 'x ?ray' THEN 'xray' WHEN said ~ '\mcast' THEN 'casts' WHEN said ~ '\mafos?\M' THEN 'afo' WHEN said ~ '\mcmos?\M' THEN 'cmo' WHEN said ~ 'medical' THEN 'medical' WHEN said ~ 'prescription|\mscript' THEN 'prescription' WHEN said ~ 'referral' THEN 'referral' WHEN said ~ 'invoice' THEN 'invoice' WHEN said ~ 'quote|quotation' THEN 'quote' WHEN said ~ 'consent' THEN 'consent' WHEN said ~ 'insurance' THEN 'insurance' ELSE 'other' END FROM (SELECT btrim(regexp_replace(nexus_assets.comparable(different.raw), '[-_.,:;/\\&+() ]+', ' ', 'g')) OFFSET 0) AS ready(said)), '')
              FROM (
  SELECT DISTINCT t.category::text AS raw FROM public.images_image AS t) AS different)) OR t.category::text ILIKE ANY (ARRAY['other']) OR FALSE, FALSE)) OR (coalesce(l.base_category = hash_record_extended(ROW(t.category), 0), FALSE) OR coalesce(l.base_category = hash_record_extended(ROW(nexus_assets.read_text(t.category)::character varying(100)), 0), FALSE))) END AS writes_category,
      CASE
      WHEN (t.caption IS DISTINCT FROM i.new_caption AND nexus_assets.read_text(t.caption)::text IS DISTINCT FROM nexus_assets.read_text(i.new_caption)::text AND ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.caption)::text IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_caption = hash_record_extended(ROW(t.caption), 0), FALSE) OR coalesce(l.base_caption = hash_record_extended(ROW(nexus_assets.read_text(t.caption)::text), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_caption, '') = coalesce(format('FileMaker: %s (RecordID: %s)', coalesce(nexus_assets.read_text(NULL::text), ''), coalesce(nexus_assets.read_text(NULL::text), '')), ''))))) THEN ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.caption)::text IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_caption = hash_record_extended(ROW(t.caption), 0), FALSE) OR coalesce(l.base_caption = hash_record_extended(ROW(nexus_assets.read_text(t.caption)::text), 0), FALSE))) END AS writes_caption,
      CASE
      WHEN (t.date_taken IS DISTINCT FROM i.new_date_taken AND ((d.action = 'adopt' AND coalesce(t.date_taken IS NULL OR FALSE, FALSE)) OR coalesce(l.base_date_taken = hash_record_extended(ROW(t.date_taken), 0), FALSE) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND i.new_date_taken IS NULL)))) THEN ((d.action = 'adopt' AND coalesce(t.date_taken IS NULL OR FALSE, FALSE)) OR coalesce(l.base_date_taken = hash_record_extended(ROW(t.date_taken), 0), FALSE)) END AS writes_date_taken,
      CASE
      WHEN (t."order" IS DISTINCT FROM i.new_order AND ((d.action = 'adopt' AND coalesce(t."order" IS NULL OR FALSE, FALSE)) OR coalesce(l.base_order = hash_record_extended(ROW(t."order"), 0), FALSE) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND i.new_order IS NULL)))) THEN ((d.action = 'adopt' AND coalesce(t."order" IS NULL OR FALSE, FALSE)) OR coalesce(l.base_order = hash_record_extended(ROW(t."order"), 0), FALSE)) END AS writes_order
      FROM nexus_assets.work_images_decided AS d
      JOIN nexus_assets.work_images_incoming AS i USING (row_number)
      JOIN public.images_image AS t ON t.id = d.nexus_id
      LEFT JOIN nexus_assets.identity_images AS l ON l.source_id = d.source_id
      LEFT JOIN public.images_batch AS row_1 ON row_1.id = t.batch_id
      WHERE d.action IN ('compare', 'adopt') OFFSET '0'
    ) AS compared;

WITH said AS (
  SELECT "the row" AS row_number, "the id" AS nexus_id, "is new" AS is_new, filemaker_id AS "key 0"
      FROM (SELECT i.row_number AS "the row", d.nexus_id AS "the id", TRUE AS "is new", i.new_filemaker_id::uuid AS filemaker_id FROM nexus_assets.work_images_decided AS d JOIN nexus_assets.work_images_incoming AS i USING (row_number) WHERE d.action IN ('insert', 'restore') AND EXISTS (SELECT FROM nexus_assets.work_images_changes AS c WHERE (c.write_filemaker_id)) UNION ALL SELECT i.row_number AS "the row", c.nexus_id AS "the id", FALSE AS "is new", CASE WHEN c.write_filemaker_id THEN i.new_filemaker_id::uuid ELSE t.filemaker_id END AS filemaker_id FROM nexus_assets.work_images_changes AS c JOIN nexus_assets.work_images_incoming AS i USING (row_number) JOIN public.images_image AS t ON t.id = c.nexus_id WHERE (c.write_filemaker_id)) AS n
      WHERE TRUE
), claims AS (
  SELECT * FROM said AS n WHERE n."key 0" IS NOT NULL
), refused AS (
  SELECT n.row_number FROM claims AS n
  WHERE EXISTS (SELECT FROM public.images_image AS o WHERE TRUE AND o.id <> n.nexus_id AND filemaker_id = n."key 0")
  UNION
  SELECT row_number FROM (
    SELECT n.row_number, row_number() OVER (PARTITION BY n."key 0" ORDER BY n.is_new DESC, n.row_number) AS place
        FROM claims AS n
  ) AS n WHERE place > 1
), kept AS (
  UPDATE nexus_assets.work_images_changes AS k SET keep_filemaker_id = k.keep_filemaker_id OR k.write_filemaker_id,
      write_filemaker_id = FALSE FROM refused AS r WHERE k.row_number = r.row_number
  RETURNING k.row_number
)
SELECT count(*), min(row_number) FROM kept;

SELECT bool_or(keep_batch_id), bool_or(keep_filemaker_id), bool_or(keep_s3_key), bool_or(keep_s3_thumbnail_key),
    bool_or(keep_original_name), bool_or(keep_file_size), bool_or(keep_thumbnail_size), bool_or(keep_mime_type),
    bool_or(keep_category), bool_or(keep_caption), bool_or(keep_date_taken), bool_or(keep_order)
    FROM nexus_assets.work_images_changes;

CREATE UNLOGGED TABLE nexus_assets.work_images_kept AS SELECT NULL::uuid AS source_id, NULL::uuid AS nexus_id,
    NULL::text AS column_name, NULL::text AS cause, NULL::text AS filemaker_value, NULL::text AS nexus_value WHERE FALSE
    UNION ALL
    SELECT c.source_id, c.nexus_id, 'category'::text AS column_name,
           CASE
               WHEN (c.keep_category AND (coalesce(l.base_category = hash_record_extended(ROW(t.category), 0), FALSE) OR coalesce(l.base_category = hash_record_extended(ROW(nexus_assets.read_text(t.category)::character varying(100)), 0), FALSE))) THEN 'refused'
               WHEN l.base_category IS NULL THEN 'adopted' ELSE 'edited' END AS cause,
           i.new_category::text AS filemaker_value, t.category::text AS nexus_value
    FROM nexus_assets.work_images_changes AS c JOIN nexus_assets.work_images_incoming AS i USING (row_number)
        JOIN public.images_image AS t ON t.id = c.nexus_id
    LEFT JOIN nexus_assets.identity_images AS l ON l.source_id = c.source_id
    WHERE c.keep_category
;
    UPDATE nexus_assets.conflict AS c SET resolved_load = <load>
    WHERE c.entity = 'images' AND c.resolved_load IS NULL
      AND (EXISTS (SELECT FROM nexus_assets.work_images_decided AS d WHERE d.source_id = c.source_id)
           OR c.cause = 'deleted' AND NOT EXISTS (SELECT FROM nexus_assets.work_images_seen AS s WHERE s.source_id = c.source_id))
      AND NOT EXISTS (SELECT FROM nexus_assets.work_images_kept AS k WHERE (k.source_id, k.column_name) = (c.source_id, c.column_name));
    WITH written AS (
    INSERT INTO nexus_assets.conflict AS c
      (entity, source_id, nexus_id, column_name, cause, filemaker_value, nexus_value, first_load)
    SELECT 'images', source_id, nexus_id, column_name, cause, filemaker_value, nexus_value, <load>
        FROM nexus_assets.work_images_kept
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

SELECT count(*), count(c.source_id) FROM nexus_assets.work_images_seen AS s
LEFT JOIN (SELECT DISTINCT source_id FROM nexus_assets.conflict
           WHERE entity = 'images' AND resolved_load IS NULL) AS c USING (source_id)
WHERE s.settled;

SELECT count(*) FILTER (WHERE (c.write_batch_id OR c.write_filemaker_id OR c.write_s3_key OR c.write_s3_thumbnail_key OR c.write_original_name OR c.write_file_size OR c.write_thumbnail_size OR c.write_mime_type OR c.write_category OR c.write_caption OR c.write_date_taken OR c.write_order)),
    count(*) FILTER (WHERE NOT (c.write_batch_id OR c.write_filemaker_id OR c.write_s3_key OR c.write_s3_thumbnail_key OR c.write_original_name OR c.write_file_size OR c.write_thumbnail_size OR c.write_mime_type OR c.write_category OR c.write_caption OR c.write_date_taken OR c.write_order) AND (c.keep_batch_id OR c.keep_filemaker_id OR c.keep_s3_key OR c.keep_s3_thumbnail_key OR c.keep_original_name OR c.keep_file_size OR c.keep_thumbnail_size OR c.keep_mime_type OR c.keep_category OR c.keep_caption OR c.keep_date_taken OR c.keep_order)),
       count(*) FILTER (WHERE NOT (c.write_batch_id OR c.write_filemaker_id OR c.write_s3_key OR c.write_s3_thumbnail_key OR c.write_original_name OR c.write_file_size OR c.write_thumbnail_size OR c.write_mime_type OR c.write_category OR c.write_caption OR c.write_date_taken OR c.write_order) AND NOT (c.keep_batch_id OR c.keep_filemaker_id OR c.keep_s3_key OR c.keep_s3_thumbnail_key OR c.keep_original_name OR c.keep_file_size OR c.keep_thumbnail_size OR c.keep_mime_type OR c.keep_category OR c.keep_caption OR c.keep_date_taken OR c.keep_order)),
           count(*) FILTER (WHERE c.action = 'adopt'),
       count(*) FILTER (WHERE FALSE OR c.write_batch_id)
FROM nexus_assets.work_images_changes AS c;

SELECT count(*) FILTER (WHERE action <> 'deleted'), count(*) FILTER (WHERE action = 'restore'),
    count(*) FILTER (WHERE action = 'deleted') FROM nexus_assets.work_images_decided
    WHERE action IN ('insert', 'restore', 'deleted');

WITH written AS (
   UPDATE public.images_image AS t SET batch_id = CASE WHEN c.write_batch_id THEN i.new_batch_id::uuid
       ELSE t.batch_id END, filemaker_id = CASE WHEN c.write_filemaker_id THEN i.new_filemaker_id::uuid
       ELSE t.filemaker_id END, s3_key = CASE WHEN c.write_s3_key THEN i.new_s3_key::character varying(500)
       ELSE t.s3_key END, s3_thumbnail_key = CASE
       WHEN c.write_s3_thumbnail_key THEN i.new_s3_thumbnail_key::character varying(500) ELSE t.s3_thumbnail_key END,
       original_name = CASE WHEN c.write_original_name THEN i.new_original_name::character varying(255)
       ELSE t.original_name END, file_size = CASE WHEN c.write_file_size THEN i.new_file_size::integer
       ELSE t.file_size END, thumbnail_size = CASE WHEN c.write_thumbnail_size THEN i.new_thumbnail_size::integer
       ELSE t.thumbnail_size END, mime_type = CASE WHEN c.write_mime_type THEN i.new_mime_type::character varying(100)
       ELSE t.mime_type END, category = CASE WHEN c.write_category THEN i.new_category::character varying(100)
       ELSE t.category END, caption = CASE WHEN c.write_caption THEN i.new_caption::text ELSE t.caption END,
       date_taken = CASE WHEN c.write_date_taken THEN i.new_date_taken::date ELSE t.date_taken END, "order" = CASE
       WHEN c.write_order THEN i.new_order::integer ELSE t."order" END
   FROM nexus_assets.work_images_changes AS c JOIN nexus_assets.work_images_incoming AS i USING (row_number)
   WHERE t.id = c.nexus_id
       AND (c.write_batch_id OR c.write_filemaker_id OR c.write_s3_key OR c.write_s3_thumbnail_key OR c.write_original_name OR c.write_file_size OR c.write_thumbnail_size OR c.write_mime_type OR c.write_category OR c.write_caption OR c.write_date_taken OR c.write_order)
RETURNING t.id, (SELECT to_jsonb(v) FROM (SELECT t.batch_id, t.filemaker_id, t.s3_key, t.s3_thumbnail_key, t.original_name, t.file_size, t.thumbnail_size, t.mime_type, t.category, t.caption, t.date_taken, t."order") AS v) AS content)
       INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
       SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
           ARRAY['public','images_image'], concat_ws(' ', w.id::text), CASE
           WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
           CASE WHEN was.content IS NULL THEN w.content
           ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
       FROM written AS w
         LEFT JOIN LATERAL (SELECT (SELECT to_jsonb(v) FROM (SELECT o.batch_id, o.filemaker_id, o.s3_key, o.s3_thumbnail_key, o.original_name, o.file_size, o.thumbnail_size, o.mime_type, o.category, o.caption, o.date_taken, o."order") AS v) AS content FROM public.images_image AS o WHERE o.id = w.id AND TRUE OFFSET 0) AS was ON TRUE;

INSERT INTO public.images_image (id, batch_id, filemaker_id, s3_key, s3_thumbnail_key, original_name, file_size, thumbnail_size, mime_type, category, caption, date_taken, "order", uploaded_at)
SELECT d.nexus_id, i.new_batch_id::uuid, i.new_filemaker_id::uuid, i.new_s3_key::character varying(500),
    i.new_s3_thumbnail_key::character varying(500), i.new_original_name::character varying(255),
    i.new_file_size::integer, i.new_thumbnail_size::integer, i.new_mime_type::character varying(100),
    i.new_category::character varying(100), i.new_caption::text, i.new_date_taken::date, i.new_order::integer, now()
    FROM nexus_assets.work_images_decided AS d JOIN nexus_assets.work_images_incoming AS i USING (row_number)
WHERE d.action IN ('insert', 'restore') ORDER BY i.new_batch_id, i.new_order, d.row_number;

WITH written AS (
   INSERT INTO nexus_assets.identity_images AS l
     (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_batch_id, base_filemaker_id, base_s3_key, base_s3_thumbnail_key, base_original_name, base_file_size, base_thumbnail_size, base_mime_type, base_category, base_caption, base_date_taken, base_order)
   SELECT i.source_id, c.nexus_id, i.row_hash,
       hash_record_extended(ROW(t.batch_id, t.filemaker_id, t.s3_key, t.s3_thumbnail_key, t.original_name, t.file_size, t.thumbnail_size, t.mime_type, t.category, t.caption, t.date_taken, t."order"), 0),
       i.row_number, nullif(i.notices, ARRAY[]::text[]), 'adopted', <load>, <load>,
       CASE WHEN i.new_batch_id IS NOT NULL OR c.write_batch_id THEN hash_record_extended(ROW(i.new_batch_id::uuid), 0)
            WHEN l.base_batch_id IS NULL AND t.batch_id IS NOT DISTINCT
                FROM i.new_batch_id::uuid THEN hash_record_extended(ROW(i.new_batch_id::uuid), 0)
                ELSE l.base_batch_id END
   ,
       CASE WHEN i.new_filemaker_id IS NOT NULL
           OR c.write_filemaker_id THEN hash_record_extended(ROW(i.new_filemaker_id::uuid), 0)
            WHEN l.base_filemaker_id IS NULL AND t.filemaker_id IS NOT DISTINCT
                FROM i.new_filemaker_id::uuid THEN hash_record_extended(ROW(i.new_filemaker_id::uuid), 0)
                ELSE l.base_filemaker_id END
   , hash_record_extended(ROW(i.new_s3_key::character varying(500)), 0),
       hash_record_extended(ROW(i.new_s3_thumbnail_key::character varying(500)), 0),
       hash_record_extended(ROW(i.new_original_name::character varying(255)), 0),
       hash_record_extended(ROW(i.new_file_size::integer), 0),
       hash_record_extended(ROW(i.new_thumbnail_size::integer), 0),
       hash_record_extended(ROW(i.new_mime_type::character varying(100)), 0), CASE
       WHEN (c.keep_category AND (coalesce(l.base_category = hash_record_extended(ROW(t.category), 0), FALSE) OR coalesce(l.base_category = hash_record_extended(ROW(nexus_assets.read_text(t.category)::character varying(100)), 0), FALSE))) THEN l.base_category
       ELSE hash_record_extended(ROW(i.new_category::character varying(100)), 0) END,
       hash_record_extended(ROW(i.new_caption::text), 0), hash_record_extended(ROW(i.new_date_taken::date), 0),
       hash_record_extended(ROW(i.new_order::integer), 0)
   FROM nexus_assets.work_images_changes AS c JOIN nexus_assets.work_images_incoming AS i USING (row_number)
       JOIN public.images_image AS t ON t.id = c.nexus_id
   LEFT JOIN nexus_assets.identity_images AS l ON l.source_id = c.source_id
   ORDER BY i.source_id
   ON CONFLICT (source_id) DO UPDATE SET nexus_id = excluded.nexus_id, row_hash = excluded.row_hash,
       target_hash = excluded.target_hash, row_number = excluded.row_number, notices = excluded.notices,
       last_load = excluded.last_load, base_batch_id = excluded.base_batch_id,
       base_filemaker_id = excluded.base_filemaker_id, base_s3_key = excluded.base_s3_key,
       base_s3_thumbnail_key = excluded.base_s3_thumbnail_key, base_original_name = excluded.base_original_name,
       base_file_size = excluded.base_file_size, base_thumbnail_size = excluded.base_thumbnail_size,
       base_mime_type = excluded.base_mime_type, base_category = excluded.base_category,
       base_caption = excluded.base_caption, base_date_taken = excluded.base_date_taken,
       base_order = excluded.base_order, first_load = coalesce(l.first_load, excluded.first_load)
   WHERE l.last_load IS NULL
       OR (l.nexus_id, l.row_hash, l.target_hash, l.notices, l.base_batch_id, l.base_filemaker_id, l.base_s3_key, l.base_s3_thumbnail_key, l.base_original_name, l.base_file_size, l.base_thumbnail_size, l.base_mime_type, l.base_category, l.base_caption, l.base_date_taken, l.base_order) IS DISTINCT
       FROM (excluded.nexus_id, excluded.row_hash, excluded.target_hash, excluded.notices, excluded.base_batch_id, excluded.base_filemaker_id, excluded.base_s3_key, excluded.base_s3_thumbnail_key, excluded.base_original_name, excluded.base_file_size, excluded.base_thumbnail_size, excluded.base_mime_type, excluded.base_category, excluded.base_caption, excluded.base_date_taken, excluded.base_order)
RETURNING l.source_id, to_jsonb(l) AS content, l.xmax::text <> '0' AS met)
       INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
       SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
           ARRAY['nexus_assets','identity_images'], concat_ws(' ', w.source_id::text), CASE
           WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
           CASE WHEN was.content IS NULL THEN w.content
           ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
       FROM written AS w
         LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_images AS o WHERE w.met AND o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

CREATE UNLOGGED TABLE nexus_assets.work_images_entries AS
SELECT d.action, i.source_id, d.nexus_id, i.row_hash,
    hash_record_extended(ROW(i.new_batch_id::uuid, i.new_filemaker_id::uuid, i.new_s3_key::character varying(500), i.new_s3_thumbnail_key::character varying(500), i.new_original_name::character varying(255), i.new_file_size::integer, i.new_thumbnail_size::integer, i.new_mime_type::character varying(100), i.new_category::character varying(100), i.new_caption::text, i.new_date_taken::date, i.new_order::integer), 0) AS target_hash,
    i.row_number,
       nullif(i.notices, ARRAY[]::text[]) AS notices, 'made' AS origin, <load> AS first_load, <load> AS last_load,
           hash_record_extended(ROW(i.new_batch_id::uuid), 0) AS base_batch_id,
           hash_record_extended(ROW(i.new_filemaker_id::uuid), 0) AS base_filemaker_id,
           hash_record_extended(ROW(i.new_s3_key::character varying(500)), 0) AS base_s3_key,
           hash_record_extended(ROW(i.new_s3_thumbnail_key::character varying(500)), 0) AS base_s3_thumbnail_key,
           hash_record_extended(ROW(i.new_original_name::character varying(255)), 0) AS base_original_name,
           hash_record_extended(ROW(i.new_file_size::integer), 0) AS base_file_size,
           hash_record_extended(ROW(i.new_thumbnail_size::integer), 0) AS base_thumbnail_size,
           hash_record_extended(ROW(i.new_mime_type::character varying(100)), 0) AS base_mime_type,
           hash_record_extended(ROW(i.new_category::character varying(100)), 0) AS base_category,
           hash_record_extended(ROW(i.new_caption::text), 0) AS base_caption,
           hash_record_extended(ROW(i.new_date_taken::date), 0) AS base_date_taken,
           hash_record_extended(ROW(i.new_order::integer), 0) AS base_order
FROM nexus_assets.work_images_decided AS d JOIN nexus_assets.work_images_incoming AS i USING (row_number)
WHERE d.action IN ('insert', 'restore');

INSERT INTO nexus_assets.identity_images AS l (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_batch_id, base_filemaker_id, base_s3_key, base_s3_thumbnail_key, base_original_name, base_file_size, base_thumbnail_size, base_mime_type, base_category, base_caption, base_date_taken, base_order) SELECT source_id,
    nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_batch_id,
    base_filemaker_id, base_s3_key, base_s3_thumbnail_key, base_original_name, base_file_size, base_thumbnail_size,
    base_mime_type, base_category, base_caption, base_date_taken, base_order FROM nexus_assets.work_images_entries
    WHERE action = 'insert' ORDER BY source_id;

INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['public','images_image'], nexus_id::text, NULL, NULL FROM nexus_assets.work_images_entries
        WHERE action = 'restore'
;WITH written AS (
    INSERT INTO nexus_assets.identity_images AS l (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_batch_id, base_filemaker_id, base_s3_key, base_s3_thumbnail_key, base_original_name, base_file_size, base_thumbnail_size, base_mime_type, base_category, base_caption, base_date_taken, base_order) SELECT source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_batch_id, base_filemaker_id, base_s3_key, base_s3_thumbnail_key, base_original_name, base_file_size, base_thumbnail_size, base_mime_type, base_category, base_caption, base_date_taken, base_order FROM nexus_assets.work_images_entries WHERE action = 'restore' ORDER BY source_id ON CONFLICT (source_id) DO UPDATE SET nexus_id = excluded.nexus_id, row_hash = excluded.row_hash, target_hash = excluded.target_hash, row_number = excluded.row_number, notices = excluded.notices, last_load = excluded.last_load, base_batch_id = excluded.base_batch_id, base_filemaker_id = excluded.base_filemaker_id, base_s3_key = excluded.base_s3_key, base_s3_thumbnail_key = excluded.base_s3_thumbnail_key, base_original_name = excluded.base_original_name, base_file_size = excluded.base_file_size, base_thumbnail_size = excluded.base_thumbnail_size, base_mime_type = excluded.base_mime_type, base_category = excluded.base_category, base_caption = excluded.base_caption, base_date_taken = excluded.base_date_taken, base_order = excluded.base_order, first_load = coalesce(l.first_load, excluded.first_load) RETURNING l.source_id, to_jsonb(l) AS content, l.xmax::text <> '0' AS met)
    INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['nexus_assets','identity_images'], concat_ws(' ', w.source_id::text), CASE
        WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
        CASE WHEN was.content IS NULL THEN w.content
        ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
    FROM written AS w
      LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_images AS o WHERE w.met AND o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

SELECT EXISTS (SELECT FROM nexus_assets.superseded WHERE entity = %s);

WITH written AS (
    INSERT INTO nexus_assets.superseded AS s (entity, nexus_id, source_id, current_id, load_id)
    SELECT 'image_batches', d.id, d.source_id, d.keeper, <load> FROM (
    SELECT p.id, k.id AS keeper, k.source_id FROM public.images_batch AS p JOIN (
      SELECT DISTINCT ON (content_type_id, object_id, name) content_type_id, object_id, name, k.id, l.source_id
      FROM public.images_batch AS k JOIN nexus_assets.identity_image_batches AS l ON l.nexus_id = k.id
      WHERE (k.name LIKE '%(FileMaker Import)' AND k.uploaded_by_id IS NULL) ORDER BY content_type_id, object_id, name,
          l.vanished_load IS NOT NULL, k.id
    ) AS k USING (content_type_id, object_id, name)
    WHERE (p.name LIKE '%(FileMaker Import)' AND p.uploaded_by_id IS NULL)
        AND NOT EXISTS (SELECT FROM nexus_assets.identity_image_batches AS l WHERE l.nexus_id = p.id AND l.vanished_load IS NULL)
        AND p.id <> k.id
) AS d ON CONFLICT DO NOTHING
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
        UPDATE public.images_image AS t SET batch_id = d.keeper FROM (
    SELECT p.id, k.id AS keeper, k.source_id FROM public.images_batch AS p JOIN (
      SELECT DISTINCT ON (content_type_id, object_id, name) content_type_id, object_id, name, k.id, l.source_id
      FROM public.images_batch AS k JOIN nexus_assets.identity_image_batches AS l ON l.nexus_id = k.id
      WHERE (k.name LIKE '%(FileMaker Import)' AND k.uploaded_by_id IS NULL) ORDER BY content_type_id, object_id, name,
          l.vanished_load IS NOT NULL, k.id
    ) AS k USING (content_type_id, object_id, name)
    WHERE (p.name LIKE '%(FileMaker Import)' AND p.uploaded_by_id IS NULL)
        AND NOT EXISTS (SELECT FROM nexus_assets.identity_image_batches AS l WHERE l.nexus_id = p.id AND l.vanished_load IS NULL)
        AND p.id <> k.id
) AS d WHERE t.batch_id = d.id RETURNING t.id, (SELECT to_jsonb(v) FROM (SELECT t.batch_id) AS v) AS content)
        INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
        SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
            ARRAY['public','images_image'], concat_ws(' ', w.id::text), CASE
            WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
            CASE WHEN was.content IS NULL THEN w.content
            ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
        FROM written AS w
          LEFT JOIN LATERAL (SELECT (SELECT to_jsonb(v) FROM (SELECT o.batch_id) AS v) AS content FROM public.images_image AS o WHERE o.id = w.id AND TRUE OFFSET 0) AS was ON TRUE;

WITH removed AS (
      DELETE FROM public.images_batch AS p WHERE (p.name LIKE '%(FileMaker Import)' AND p.uploaded_by_id IS NULL)
          AND NOT EXISTS (SELECT FROM nexus_assets.identity_image_batches AS l WHERE l.nexus_id = p.id AND l.vanished_load IS NULL)
          AND NOT EXISTS (SELECT FROM nexus_assets.identity_image_batches AS l WHERE l.nexus_id = p.id AND (l.base_name <> hash_record_extended(ROW(p.name), 0) OR l.base_description <> hash_record_extended(ROW(p.description), 0)))
          AND NOT (EXISTS (SELECT FROM public.images_image AS x WHERE x.batch_id = p.id) OR EXISTS (SELECT FROM public.contact_relationships AS x WHERE x.from_content_type_id = 75 AND x.from_object_id = p.id) OR EXISTS (SELECT FROM public.contact_relationships AS x WHERE x.to_content_type_id = 75 AND x.to_object_id = p.id) OR EXISTS (SELECT FROM public.documents_document AS x WHERE x.content_type_id = 75 AND x.object_id = p.id) OR EXISTS (SELECT FROM public.images_batch AS x WHERE x.content_type_id = 75 AND x.object_id = p.id))
      RETURNING id, to_jsonb(p) AS content
    ), kept AS (INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['public','images_batch'], id::text, content, NULL FROM removed
), settled AS (
      UPDATE nexus_assets.conflict AS c SET resolved_load = <load> FROM removed AS r
      WHERE c.entity = 'image_batches' AND c.nexus_id = r.id AND c.resolved_load IS NULL
    )
    SELECT count(*) FROM removed;

UPDATE public.images_batch AS p SET image_count = c.number
FROM (
  SELECT b.id, count(t.id) AS number FROM public.images_batch AS b
      LEFT JOIN public.images_image AS t ON t.batch_id = b.id
      GROUP BY b.id) AS c
WHERE c.id = p.id AND p.image_count <> c.number;

SELECT EXISTS (SELECT FROM nexus_assets.work_images_incoming WHERE reason IS NOT NULL)
    OR EXISTS (SELECT FROM nexus_assets.reject WHERE entity = 'images' AND resolved_load IS NULL);

CREATE UNLOGGED TABLE nexus_assets.work_images_rejected AS
    SELECT row_number, source_id, row_hash, reason, reason_column AS column_name,
           row_number() OVER (PARTITION BY row_hash, reason, reason_column ORDER BY row_number) AS k
    FROM nexus_assets.work_images_incoming WHERE reason IS NOT NULL;
    CREATE UNLOGGED TABLE nexus_assets.work_images_known_rejects AS
    SELECT id, row_hash, reason, column_name, row_number,
           row_number() OVER (PARTITION BY row_hash, reason, column_name ORDER BY id) AS k
    FROM nexus_assets.reject AS r WHERE entity = 'images' AND resolved_load IS NULL
      AND NOT EXISTS (SELECT FROM nexus_assets.work_images_standing AS s WHERE s.id = r.id);
    UPDATE nexus_assets.reject AS r SET resolved_load = <load> FROM nexus_assets.work_images_known_rejects AS n
    WHERE r.id = n.id
        AND NOT EXISTS (SELECT FROM nexus_assets.work_images_rejected AS x WHERE (x.row_hash, x.reason, x.k) = (n.row_hash, n.reason, n.k) AND x.column_name IS NOT DISTINCT FROM n.column_name);
    WITH written AS (
    UPDATE nexus_assets.reject AS r SET row_number = now.row_number FROM (
      SELECT n.id, x.row_number FROM nexus_assets.work_images_known_rejects AS n
          JOIN nexus_assets.work_images_rejected AS x ON (x.row_hash, x.reason, x.k) = (n.row_hash, n.reason, n.k)
          AND x.column_name IS NOT DISTINCT FROM n.column_name WHERE n.row_number <> x.row_number
      UNION ALL
      SELECT id, row_number FROM nexus_assets.work_images_standing WHERE row_before <> row_number
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
SELECT 'images', x.row_number, nexus_assets.read_text(s.id), x.reason, x.column_name, x.row_hash,
       jsonb_strip_nulls(jsonb_build_object('id', s.id, 'key', s.key, 'thumbnail_key', s.thumbnail_key, 'Name_of_file', s."Name_of_file", 'fileName', s."fileName", 'file_name', s.file_name, 'size', s.size, 'thumbnail_size', s.thumbnail_size, 'mime_type', s.mime_type, 'Type', s."Type", 'recid', s.recid, 'date', s."date", 'position', s.position, 'id_Contact', s."id_Contact", 'group_id', s.group_id, 'record_key', s.record_key, 'claimed_by', s.claimed_by)),
           <load>
FROM (SELECT * FROM nexus_assets.work_images_rejected AS x WHERE NOT EXISTS (SELECT FROM nexus_assets.work_images_known_rejects AS n WHERE (x.row_hash, x.reason, x.k) = (n.row_hash, n.reason, n.k) AND x.column_name IS NOT DISTINCT FROM n.column_name)) AS x
    JOIN nexus_assets.work_images_records AS s USING (row_number) ORDER BY x.row_number;

SET LOCAL enable_nestloop = off;

WITH written AS (
UPDATE nexus_assets.identity_images AS l SET vanished_load = NULL WHERE vanished_load IS NOT NULL AND EXISTS (SELECT FROM nexus_assets.work_images_seen AS s WHERE s.source_id = l.source_id) RETURNING l.source_id, to_jsonb(l) AS content)
INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
    ARRAY['nexus_assets','identity_images'], concat_ws(' ', w.source_id::text), CASE
    WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
    CASE WHEN was.content IS NULL THEN w.content
    ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
FROM written AS w
  LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_images AS o WHERE o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

SET LOCAL enable_nestloop TO DEFAULT;

SELECT notices, count(*), min(row_number) FROM (
  SELECT notices, row_number FROM nexus_assets.work_images_seen WHERE notices IS NOT NULL AND settled
  UNION ALL
  SELECT l.notices, i.row_number FROM nexus_assets.work_images_incoming AS i
      JOIN nexus_assets.identity_images AS l USING (source_id)
  WHERE l.notices IS NOT NULL AND i.reason IS NULL
) AS told GROUP BY 1;

INSERT INTO nexus_assets.load (id, entity, run_id, started_at, finished_at, mapping_version, sources, date_orders, source_rows, outcomes, rejected, notices, healed, adoption, parents, undoable) OVERRIDING SYSTEM VALUE
    VALUES (%s, %s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

WITH forgotten AS (
          UPDATE nexus_assets.load AS l SET undoable = FALSE
          WHERE l.entity = 'images' AND l.undoable AND (false OR l.id < (
    SELECT x.id FROM nexus_assets.load AS x WHERE x.entity = 'images' AND x.undoable
      AND (x.outcomes ->> 'inserted' <> '0' OR EXISTS (SELECT FROM nexus_assets.before_value AS b WHERE b.load_id = x.id))
    ORDER BY x.id DESC OFFSET 9 LIMIT 1
)) RETURNING l.id
        )
        DELETE FROM nexus_assets.before_value AS b USING forgotten AS f WHERE b.load_id = f.id;

DELETE FROM nexus_assets.reject AS x
    WHERE (SELECT max(id) FROM nexus_assets.load WHERE entity = 'images' AND finished_at < now() - make_interval(days => 365)) IS NOT NULL
    AND entity = 'images'
    AND resolved_load <= (SELECT max(id) FROM nexus_assets.load WHERE entity = 'images' AND finished_at < now() - make_interval(days => 365))
    AND NOT EXISTS (SELECT FROM nexus_assets.load AS u WHERE u.id = x.resolved_load AND u.undoable); DELETE
    FROM nexus_assets.conflict AS x
    WHERE (SELECT max(id) FROM nexus_assets.load WHERE entity = 'images' AND finished_at < now() - make_interval(days => 365)) IS NOT NULL
    AND entity = 'images'
    AND resolved_load <= (SELECT max(id) FROM nexus_assets.load WHERE entity = 'images' AND finished_at < now() - make_interval(days => 365))
    AND NOT EXISTS (SELECT FROM nexus_assets.load AS u WHERE u.id = x.resolved_load AND u.undoable); DELETE
    FROM nexus_assets.correction AS x WHERE entity = 'images'
    AND idle_since < now() - make_interval(days => 365); DELETE FROM nexus_assets.undone AS x WHERE entity = 'images'
    AND undone_at < now() - make_interval(days => 365); DELETE FROM nexus_assets.load AS x WHERE entity = 'images'
    AND finished_at < now() - make_interval(days => 365)
    AND id NOT IN (SELECT id FROM nexus_assets.load WHERE entity = 'images' ORDER BY id DESC LIMIT 2)
    AND NOT (undoable AND (outcomes ->> 'inserted' <> '0' OR EXISTS (SELECT FROM nexus_assets.before_value AS b WHERE b.load_id = x.id)))
    AND NOT EXISTS (SELECT FROM nexus_assets.reject AS r WHERE r.entity = 'images' AND r.first_load = x.id AND r.resolved_load IS NULL);

SELECT relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'nexus_assets'
    AND c.relkind = 'r' AND starts_with(relname, %s) ORDER BY c.oid;

DROP TABLE nexus_assets.work_images_export, nexus_assets.work_images_listing, nexus_assets.work_images_dates_of_records,
    nexus_assets.work_images_records, nexus_assets.work_images_seen, nexus_assets.work_images_repeated,
    nexus_assets.work_images_standing, nexus_assets.work_images_pending, nexus_assets.work_images_dates,
    nexus_assets.work_images_texts, nexus_assets.work_images_incoming, nexus_assets.work_images_recognised,
    nexus_assets.work_images_decided, nexus_assets.work_images_followed, nexus_assets.work_images_lost,
    nexus_assets.work_images_changes, nexus_assets.work_images_kept, nexus_assets.work_images_entries,
    nexus_assets.work_images_rejected, nexus_assets.work_images_known_rejects;

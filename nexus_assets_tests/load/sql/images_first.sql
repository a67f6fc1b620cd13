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

SELECT CASE WHEN EXISTS (SELECT FROM public.images_image)
    OR EXISTS (SELECT FROM nexus_assets.identity_images) THEN FALSE
ELSE (SELECT count(id) = count(DISTINCT id) FROM (SELECT nexus_assets.read_uuid(x.id) AS id FROM nexus_assets.work_images_records AS x OFFSET '0') AS named) END;

DROP TABLE IF EXISTS nexus_assets.work_images_dates; CREATE UNLOGGED TABLE nexus_assets.work_images_dates AS SELECT NULL::text AS field,
    NULL::text AS raw, 0::bigint AS times WHERE false UNION ALL SELECT 'date'::text AS field, raw, times
    FROM (SELECT s.f11 AS raw, count(*) AS times FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid(x.id) AS source_id,
         hash_record_extended(ROW(x.id, x.key, x.thumbnail_key, x."Name_of_file", x."fileName", x.file_name, x.size, x.thumbnail_size, x.mime_type, x."Type", x.recid, x."date", x.position, x."id_Contact", x.group_id, x.flaw), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, x.id AS f0, x.key AS f1, x.thumbnail_key AS f2, x."Name_of_file" AS f3, x."fileName" AS f4, x.file_name AS f5, x.size AS f6, x.thumbnail_size AS f7, x.mime_type AS f8, x."Type" AS f9, x.recid AS f10, x."date" AS f11, x.position AS f12, x."id_Contact" AS f13, x.group_id AS f14, x.flaw AS f15, x.export_row AS f16 FROM nexus_assets.work_images_records AS x OFFSET '0')
AS s GROUP BY 1) AS different WHERE nexus_assets.read_text(raw) IS NOT NULL;

ALTER TABLE nexus_assets.work_images_dates ADD COLUMN value date;UPDATE nexus_assets.work_images_dates SET value = nexus_assets.read_date(raw, coalesce('{}'::jsonb ->> field, 'mdy'), <today>, '1899-12-30'::date, 'Australia/Sydney');ANALYZE nexus_assets.work_images_dates;

CREATE UNLOGGED TABLE nexus_assets.work_images_texts AS SELECT NULL::text AS column_name, NULL::text AS raw,
    NULL::text AS value WHERE FALSE UNION ALL
               SELECT 'category', different.raw,
                   (SELECT CASE WHEN said ~ '^(r|rt|right) ?m(id)? ?foot l|^m(id)? ?foot l\w* (r|rt|right)$' THEN 'r_mfoot_length' WHEN said ~ '^(l|lt|left) ?m(id)? ?foot l|^m(id)? ?foot l\w* (l|lt|left)$' THEN 'l_mfoot_length' WHEN said ~ '^(r|rt|right) ?m(id)? ?foot w|^m(id)? ?foot w\w* (r|rt|right)$' THEN 'r_mfoot_width' WHEN said ~ '^(l|lt|left) ?m(id)? ?foot w|^m(id)? ?foot w\w* (l|lt|left)$' THEN 'l_mfoot_width' WHEN said ~ '^(?=.*\m(r|rt|right)\M)(?!.*\m(l|lt|left)\M).*brannock|^rbrannock' THEN 'r_brannock' WHEN said ~ '^(?=.*\m(l|lt|left)\M)(?!.*\m(r|rt|right)\M).*brannock|^lbrannock' THEN 'l_brannock' WHEN said ~ '^(?=.*\m(r|rt|right)\M)(?!.*\m(l|lt|left)\M).*shoe' THEN 'r_shoe' WHEN said ~ '^(?=.*\m(l|lt|left)\M)(?!.*\m(r|rt|right)\M).*shoe' THEN 'l_shoe' WHEN said ~ '^(?=.*\m(r|rt|right)\M)(?!.*\m(l|lt|left)\M).*\mlat' THEN 'right_lat' WHEN said ~ '^(?=.*\m(l|lt|left)\M)(?!.*\m(r|rt|right)\M).*\mlat' THEN 'left_lat' WHEN said ~ '^(?=.*\m(r|rt|right)\M)(?!.*\m(l|lt|left)\M).*\mleg|^(r|rt|right)$' THEN 'right_leg' WHEN said ~ '^(?=.*\m(l|lt|left)\M)(?!.*\m(r|rt|right)\M).*\mleg|^(l|lt|left)$' THEN 'left_leg' WHEN said ~ 'plant[ae]r' THEN 'plantar' WHEN said ~ 'dorsal|dorsum' THEN 'dorsal' WHEN said ~ 'posterior' THEN 'posterior' WHEN said ~ 'anterior' THEN 'anterior' WHEN said ~ 'medial' THEN 'medial' WHEN said ~ '\mlat' THEN 'lateral' WHEN said ~ 'wound' THEN 'wound' WHEN said ~ 'x ?ray doc' THEN 'x_ray_doc' WHEN said ~ 'x ?ray' THEN 'xray' WHEN said ~ '\mcast' THEN 'casts' WHEN said ~ '\mafos?\M' THEN 'afo' WHEN said ~ '\mcmos?\M' THEN 'cmo' WHEN said ~ 'medical' THEN 'medical' WHEN said ~ 'prescription|\mscript' THEN 'prescription' WHEN said ~ 'referral' THEN 'referral' WHEN said ~ 'invoice' THEN 'invoice' WHEN said ~ 'quote|quotation' THEN 'quote' WHEN said ~ 'consent' THEN 'consent' WHEN said ~ 'insurance' THEN 'insurance' ELSE 'other' END FROM (SELECT btrim(regexp_replace(nexus_assets.comparable(different.raw), '[-_.,:;/\\&+() ]+', ' ', 'g')) OFFSET 0) AS ready(said))
                   FROM (
                 SELECT NULL::text AS raw UNION ALL
                 (SELECT s.f9 AS raw FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid(x.id) AS source_id,
         hash_record_extended(ROW(x.id, x.key, x.thumbnail_key, x."Name_of_file", x."fileName", x.file_name, x.size, x.thumbnail_size, x.mime_type, x."Type", x.recid, x."date", x.position, x."id_Contact", x.group_id, x.flaw), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, x.id AS f0, x.key AS f1, x.thumbnail_key AS f2, x."Name_of_file" AS f3, x."fileName" AS f4, x.file_name AS f5, x.size AS f6, x.thumbnail_size AS f7, x.mime_type AS f8, x."Type" AS f9, x.recid AS f10, x."date" AS f11, x.position AS f12, x."id_Contact" AS f13, x.group_id AS f14, x.flaw AS f15, x.export_row AS f16 FROM nexus_assets.work_images_records AS x OFFSET '0')
AS s WHERE s.f9 IS NOT NULL GROUP BY 1)) AS different
           ; ANALYZE nexus_assets.work_images_texts;

CREATE UNLOGGED TABLE nexus_assets.work_images_incoming AS
   SELECT r.row_number, r.source_id, r.row_hash, r.known_id, r.is_live,
       (coalesce(r.why, CASE WHEN length(r.new_s3_key) > 500 THEN ARRAY['too_long', 's3_key'] WHEN length(r.new_s3_thumbnail_key) > 500 THEN ARRAY['too_long', 's3_thumbnail_key'] WHEN length(r.new_original_name) > 255 THEN ARRAY['too_long', 'original_name'] WHEN length(r.new_mime_type) > 100 THEN ARRAY['too_long', 'mime_type'] WHEN length(r.new_category) > 100 THEN ARRAY['too_long', 'category'] END))[1] AS reason,
       (coalesce(r.why, CASE WHEN length(r.new_s3_key) > 500 THEN ARRAY['too_long', 's3_key'] WHEN length(r.new_s3_thumbnail_key) > 500 THEN ARRAY['too_long', 's3_thumbnail_key'] WHEN length(r.new_original_name) > 255 THEN ARRAY['too_long', 'original_name'] WHEN length(r.new_mime_type) > 100 THEN ARRAY['too_long', 'mime_type'] WHEN length(r.new_category) > 100 THEN ARRAY['too_long', 'category'] END))[2] AS reason_column,
          r.described, r.notices, CASE
              WHEN coalesce(r.why, CASE WHEN length(r.new_s3_key) > 500 THEN ARRAY['too_long', 's3_key'] WHEN length(r.new_s3_thumbnail_key) > 500 THEN ARRAY['too_long', 's3_thumbnail_key'] WHEN length(r.new_original_name) > 255 THEN ARRAY['too_long', 'original_name'] WHEN length(r.new_mime_type) > 100 THEN ARRAY['too_long', 'mime_type'] WHEN length(r.new_category) > 100 THEN ARRAY['too_long', 'category'] END) IS NULL THEN nexus_assets.minted_id('images', r.source_id::text) END AS nexus_id,
              r.new_batch_id, r.new_filemaker_id, r.new_s3_key, r.new_s3_thumbnail_key, r.new_original_name,
              r.new_file_size, r.new_thumbnail_size, r.new_mime_type, r.new_category, r.new_caption, r.new_date_taken,
              r.new_order
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
     FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid(x.id) AS source_id,
         hash_record_extended(ROW(x.id, x.key, x.thumbnail_key, x."Name_of_file", x."fileName", x.file_name, x.size, x.thumbnail_size, x.mime_type, x."Type", x.recid, x."date", x.position, x."id_Contact", x.group_id, x.flaw), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, x.id AS f0, x.key AS f1, x.thumbnail_key AS f2, x."Name_of_file" AS f3, x."fileName" AS f4, x.file_name AS f5, x.size AS f6, x.thumbnail_size AS f7, x.mime_type AS f8, x."Type" AS f9, x.recid AS f10, x."date" AS f11, x.position AS f12, x."id_Contact" AS f13, x.group_id AS f14, x.flaw AS f15, x.export_row AS f16 FROM nexus_assets.work_images_records AS x OFFSET '0')
AS s
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

SELECT reason, count(*), count(*) FILTER (WHERE new_batch_id IS NULL), count(*) FILTER (WHERE new_s3_key IS NULL),
    count(*) FILTER (WHERE new_s3_thumbnail_key IS NULL), count(*) FILTER (WHERE new_original_name IS NULL),
    count(*) FILTER (WHERE new_file_size IS NULL), count(*) FILTER (WHERE new_mime_type IS NULL),
    count(*) FILTER (WHERE new_category IS NULL), count(*) FILTER (WHERE new_caption IS NULL),
    count(*) FILTER (WHERE new_order IS NULL) FROM nexus_assets.work_images_incoming GROUP BY 1 ORDER BY 2 DESC, 1;

INSERT INTO public.images_image (id, batch_id, filemaker_id, s3_key, s3_thumbnail_key, original_name, file_size, thumbnail_size, mime_type, category, caption, date_taken, "order", uploaded_at)
SELECT d.nexus_id, i.new_batch_id::uuid, i.new_filemaker_id::uuid, i.new_s3_key::character varying(500),
    i.new_s3_thumbnail_key::character varying(500), i.new_original_name::character varying(255),
    i.new_file_size::integer, i.new_thumbnail_size::integer, i.new_mime_type::character varying(100),
    i.new_category::character varying(100), i.new_caption::text, i.new_date_taken::date, i.new_order::integer, now()
    FROM nexus_assets.work_images_incoming AS i CROSS JOIN LATERAL
  (SELECT i.row_number, i.nexus_id, 'insert'::text AS action WHERE i.reason IS NULL) AS d
WHERE d.action IN ('insert', 'restore') ORDER BY i.new_batch_id, i.new_order, d.row_number;

DO $$ BEGIN
      LOCK TABLE nexus_assets.identity_images IN ACCESS EXCLUSIVE MODE NOWAIT;
      ALTER TABLE nexus_assets.identity_images DROP CONSTRAINT identity_images_pkey,
          DROP CONSTRAINT identity_images_nexus_id_key;
    EXCEPTION WHEN lock_not_available OR insufficient_privilege OR undefined_object THEN NULL;
    END $$;
    INSERT INTO nexus_assets.identity_images (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_batch_id, base_filemaker_id, base_s3_key, base_s3_thumbnail_key, base_original_name, base_file_size, base_thumbnail_size, base_mime_type, base_category, base_caption, base_date_taken, base_order) SELECT source_id,
        nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, base_batch_id,
        base_filemaker_id, base_s3_key, base_s3_thumbnail_key, base_original_name, base_file_size, base_thumbnail_size,
        base_mime_type, base_category, base_caption, base_date_taken, base_order FROM (
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
    FROM nexus_assets.work_images_incoming AS i CROSS JOIN LATERAL
      (SELECT i.row_number, i.nexus_id, 'insert'::text AS action WHERE i.reason IS NULL) AS d
    WHERE d.action IN ('insert', 'restore')
) AS e;
    DO $$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'nexus_assets.identity_images'::regclass AND contype = 'p') THEN
        ALTER TABLE nexus_assets.identity_images ADD CONSTRAINT identity_images_pkey PRIMARY KEY (source_id),
            ADD CONSTRAINT identity_images_nexus_id_key UNIQUE (nexus_id);
      END IF;
    END $$;

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

INSERT INTO nexus_assets.reject (entity, row_number, source_id, reason, column_name, row_hash, payload, first_load)
SELECT 'images', x.row_number, nexus_assets.read_text(s.id), x.reason, x.column_name, x.row_hash,
       jsonb_strip_nulls(jsonb_build_object('id', s.id, 'key', s.key, 'thumbnail_key', s.thumbnail_key, 'Name_of_file', s."Name_of_file", 'fileName', s."fileName", 'file_name', s.file_name, 'size', s.size, 'thumbnail_size', s.thumbnail_size, 'mime_type', s.mime_type, 'Type', s."Type", 'recid', s.recid, 'date', s."date", 'position', s.position, 'id_Contact', s."id_Contact", 'group_id', s.group_id, 'record_key', s.record_key, 'claimed_by', s.claimed_by)),
           <load>
FROM (SELECT *, reason_column AS column_name FROM nexus_assets.work_images_incoming WHERE reason IS NOT NULL) AS x
    JOIN nexus_assets.work_images_records AS s USING (row_number) ORDER BY x.row_number;

SELECT notices, count(*), min(row_number) FROM nexus_assets.identity_images WHERE notices IS NOT NULL GROUP BY 1;

INSERT INTO nexus_assets.load (id, entity, run_id, started_at, finished_at, mapping_version, sources, date_orders, source_rows, outcomes, rejected, notices, healed, adoption, parents, undoable) OVERRIDING SYSTEM VALUE
    VALUES (%s, %s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

SELECT relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'nexus_assets'
    AND c.relkind = 'r' AND starts_with(relname, %s) ORDER BY c.oid;

DROP TABLE nexus_assets.work_images_export, nexus_assets.work_images_listing, nexus_assets.work_images_dates_of_records,
    nexus_assets.work_images_records, nexus_assets.work_images_dates, nexus_assets.work_images_texts,
    nexus_assets.work_images_incoming;

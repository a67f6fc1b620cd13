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

CREATE UNLOGGED TABLE nexus_assets.work_image_batches_export (row_number bigint GENERATED ALWAYS AS IDENTITY, c0 text, c1 text, c2 text, c3 text, c4 text, c5 text, c6 text);

COPY nexus_assets.work_image_batches_export (c0, c1, c2, c3, c4, c5, c6)
    FROM STDIN WITH (FORMAT csv, ENCODING 'UTF8', delimiter ',', quote '"');

SELECT count(*), extract(epoch FROM max(corrected_at))::text FROM nexus_assets.correction WHERE export = 'Image_data';

CREATE UNLOGGED TABLE nexus_assets.work_image_batches_listing (
row_number bigint GENERATED ALWAYS AS IDENTITY, key text, file_name text, size bigint, etag text,
mime_type text, record_key text, is_thumbnail boolean);

COPY nexus_assets.work_image_batches_listing (key, file_name, size, etag, mime_type, record_key, is_thumbnail)
    FROM STDIN WITH (FORMAT csv);

ANALYZE nexus_assets.work_image_batches_listing, nexus_assets.work_image_batches_export;

WITH found AS (
  SELECT heading, code, count(*) AS cells, min(row_number) AS first
  FROM nexus_assets.work_image_batches_export AS s,
      LATERAL (VALUES ('recid', s.c5), ('id_Contact', s.c3), ('date', s.c0), ('id', s.c2)) AS cell(heading, text),
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
  WHERE (concat_ws(E'\x1F', '', CASE WHEN octet_length(s.c5) <= 35 THEN s.c5 END, CASE WHEN octet_length(s.c3) <= 35 THEN s.c3 END, CASE WHEN octet_length(s.c0) <= 35 THEN s.c0 END, CASE WHEN octet_length(s.c2) <= 35 THEN s.c2 END, '')
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
      OR octet_length(s.c2) <> length(s.c2) AND s.c2 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]')))
    AND code IS NOT NULL
  GROUP BY 1, 2
), columns AS MATERIALIZED (
  SELECT max(octet_length(s.c5)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c5)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c3)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c3)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c0)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c0)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c2)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c2)) BETWEEN 65535
      AND 4 * 65536 AS may_be_cut FROM nexus_assets.work_image_batches_export AS s
), long AS (
  SELECT heading, length(text) AS long, count(*) AS cells, min(row_number) AS first
  FROM nexus_assets.work_image_batches_export AS s,
      LATERAL (VALUES ('recid', s.c5), ('id_Contact', s.c3), ('date', s.c0), ('id', s.c2)) AS cell(heading, text)
  WHERE (SELECT may_be_cut FROM columns)
      AND greatest(octet_length(s.c5), octet_length(s.c3), octet_length(s.c0), octet_length(s.c2)) >= 255
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
      FROM nexus_assets.work_image_batches_export AS s, LATERAL (VALUES ('date', s.c0)) AS cell(heading, text)
      WHERE text IS NOT NULL AND EXISTS (SELECT FROM nexus_assets.work_image_batches_export AS s WHERE s.c0 LIKE '____-__-__%') GROUP BY 1, 2) AS texts,
  LATERAL (SELECT text ~ '^\d{4}-\d\d-\d\d' AS is_iso,
                       regexp_match(text, '^\s*(\d{1,2})[/.-](\d{1,2})[/.-]\d{2,4}') AS said) AS form
WHERE is_iso OR said IS NOT NULL
GROUP BY 1
HAVING count(*) FILTER (WHERE is_iso) > 0 AND count(said) > 0
   AND bool_and(CASE WHEN is_iso THEN substr(text, 9, 2) <= '12' ELSE greatest(said[1]::int, said[2]::int) > 12 END);

DROP TABLE IF EXISTS nexus_assets.work_image_batches_dates_of_records; CREATE UNLOGGED TABLE nexus_assets.work_image_batches_dates_of_records AS SELECT NULL::text AS field,
    NULL::text AS raw, 0::bigint AS times WHERE false UNION ALL SELECT 'date'::text AS field, raw, times
    FROM (SELECT s.c0 AS raw, count(*) AS times FROM nexus_assets.work_image_batches_export AS s GROUP BY 1) AS different
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
            FROM (SELECT field, times, nexus_assets.comparable(raw) AS text FROM nexus_assets.work_image_batches_dates_of_records) AS dates
            WHERE text ~ concat('^([a-z]+[.,]* )?', -- a weekday
                                '([0-9]{1,2}/[0-9]{1,2}/|[0-9]{1,2}[.][0-9]{1,2}[.]|[0-9]{1,2}-[0-9]{1,2}-)',
                                '([0-9]{4}|[0-9]{2})([^0-9]|$)') OFFSET 0) AS split) AS dates
GROUP BY field ORDER BY field;

ALTER TABLE nexus_assets.work_image_batches_dates_of_records ADD COLUMN value date;UPDATE nexus_assets.work_image_batches_dates_of_records SET value = nexus_assets.read_date(raw, coalesce('{}'::jsonb ->> field, 'mdy'), <today>, '1899-12-30'::date, 'Australia/Sydney');ANALYZE nexus_assets.work_image_batches_dates_of_records;

CREATE UNLOGGED TABLE nexus_assets.work_image_batches_records AS
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
           t.key AS thumbnail_key, t.size::text AS thumbnail_size, x.recid, x."id_Contact", x."date", x.id
    FROM nexus_assets.work_image_batches_listing AS f
    LEFT JOIN (
    WITH several AS MATERIALIZED (SELECT record_key FROM nexus_assets.work_image_batches_listing WHERE NOT is_thumbnail GROUP BY 1 HAVING count(*) > 1)
    SELECT f.key, shared.names FROM nexus_assets.work_image_batches_listing AS f JOIN (
      SELECT record_key,
          string_agg(
            coalesce(
              substring(
                key FROM '(
                  ?i)((?:[0-9]+|[0-9a-f-]{36})\.[a-z0-9]{1,5}(?:/[0-9a-f-]{36}\.[a-z0-9]{1,5})?)$'), '…'), ',
                      ' ORDER BY key)
        || CASE WHEN count(DISTINCT substring(key FROM '[^/]+$')) < count(*) THEN ' (in different folders)'
            ELSE '' END AS names
      FROM nexus_assets.work_image_batches_listing JOIN several USING (record_key) WHERE NOT is_thumbnail GROUP BY 1) AS shared USING (record_key)
        LEFT JOIN (
          SELECT o.record_key, min(o.key) AS key FROM nexus_assets.work_image_batches_listing AS o
              JOIN public.images_image AS t ON t.s3_key = o.key
                   WHERE NOT o.is_thumbnail GROUP BY 1) AS kept USING (record_key)
    WHERE NOT f.is_thumbnail AND f.key <> coalesce(kept.key, '')
) AS rival ON rival.key = f.key
    LEFT JOIN (
    SELECT DISTINCT ON (record_key) * FROM (
      SELECT *, count(*) OVER (PARTITION BY record_key) AS variants FROM (
        SELECT nexus_assets.comparable(recid) AS record_key, min(row_number) AS export_row, recid, "id_Contact", "date",
            id
        FROM (SELECT row_number, nexus_assets.plain_number(c5) AS recid, c3 AS "id_Contact", c0 AS "date", c2 AS id FROM nexus_assets.work_image_batches_export OFFSET 0) AS rows
            GROUP BY recid, "id_Contact", "date", id OFFSET 0
      ) AS keyed
    ) AS claims ORDER BY record_key, export_row
) AS x ON x.record_key = f.record_key AND rival.key IS NULL
    LEFT JOIN (
      SELECT DISTINCT ON (record_key) record_key, key, size FROM nexus_assets.work_image_batches_listing
          WHERE is_thumbnail
               ORDER BY record_key, key) AS t ON t.record_key = f.record_key
    WHERE NOT f.is_thumbnail
) AS r
    CROSS JOIN LATERAL (SELECT nexus_assets.read_uuid(r."id_Contact") AS who) AS named
    LEFT JOIN nexus_assets.work_image_batches_dates_of_records AS d ON d.field = 'date' AND d.raw = r."date"
; ANALYZE nexus_assets.work_image_batches_records;

CREATE UNLOGGED TABLE nexus_assets.work_image_batches_groups AS
    SELECT min(row_number) AS row_number, NULL::text AS flaw, group_id, contact::text AS "id_Contact",
           group_date::text AS "date"
    FROM (SELECT r.*, nexus_assets.read_uuid(r.id) AS own, count(*) OVER (PARTITION BY nexus_assets.read_uuid(r.id)) AS of_the_id FROM nexus_assets.work_image_batches_records AS r) AS records
    WHERE flaw IS NULL AND group_id IS NOT NULL AND own IS NOT NULL AND of_the_id = 1
    GROUP BY group_id, contact, group_date
; ANALYZE nexus_assets.work_image_batches_groups;

SELECT * FROM nexus_assets.work_image_batches_groups LIMIT 0;

SELECT CASE WHEN EXISTS (SELECT FROM public.images_batch)
    OR EXISTS (SELECT FROM nexus_assets.identity_image_batches) THEN FALSE
ELSE (SELECT count(id) = count(DISTINCT id) FROM (SELECT nexus_assets.read_uuid(x.group_id) AS id FROM nexus_assets.work_image_batches_groups AS x OFFSET '0') AS named) END;

DROP TABLE IF EXISTS nexus_assets.work_image_batches_dates; CREATE UNLOGGED TABLE nexus_assets.work_image_batches_dates AS SELECT NULL::text AS field,
    NULL::text AS raw, 0::bigint AS times WHERE false UNION ALL SELECT 'date'::text AS field, raw, times
    FROM (SELECT s.f1 AS raw, count(*) AS times FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid(x.group_id) AS source_id,
         hash_record_extended(ROW(x.group_id, x."date", x."id_Contact", x.flaw), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, x.group_id AS f0, x."date" AS f1, x."id_Contact" AS f2, x.flaw AS f3 FROM nexus_assets.work_image_batches_groups AS x OFFSET '0')
AS s GROUP BY 1) AS different WHERE nexus_assets.read_text(raw) IS NOT NULL;

ALTER TABLE nexus_assets.work_image_batches_dates ADD COLUMN value date;UPDATE nexus_assets.work_image_batches_dates SET value = nexus_assets.read_date(raw, coalesce('{}'::jsonb ->> field, 'mdy'), <today>, '1899-12-30'::date, 'Australia/Sydney');ANALYZE nexus_assets.work_image_batches_dates;

CREATE UNLOGGED TABLE nexus_assets.work_image_batches_incoming AS
   SELECT r.row_number, r.source_id, r.row_hash, r.known_id, r.is_live,
       (coalesce(r.why, CASE WHEN length(r.new_name) > 255 THEN ARRAY['too_long', 'name'] END))[1] AS reason,
       (coalesce(r.why, CASE WHEN length(r.new_name) > 255 THEN ARRAY['too_long', 'name'] END))[2] AS reason_column,
          r.described, r.notices, CASE
              WHEN coalesce(r.why, CASE WHEN length(r.new_name) > 255 THEN ARRAY['too_long', 'name'] END) IS NULL THEN nexus_assets.minted_id('image_batches', r.source_id::text) END AS nexus_id,
              r.new_object_id, r.new_content_type_id, r.named_object_id, r.new_name, r.new_description,
              r.new_uploaded_at
   FROM (
     SELECT s.row_number, s.source_id, s.row_hash, s.known_id, s.is_live, CASE
         WHEN s.f3 IS NOT NULL THEN ARRAY[s.f3, NULL]
         WHEN s.source_id IS NULL THEN ARRAY[CASE WHEN nexus_assets.read_text(s.f0) IS NOT NULL THEN 'bad_id' ELSE 'no_id' END, NULL]
         WHEN s.disputed THEN ARRAY['duplicate_id', NULL]
         WHEN row_0.id IS NULL THEN ARRAY[CASE WHEN nexus_assets.read_text(s.f2) IS NOT NULL THEN 'unknown_contact' ELSE 'no_contact' END, NULL]
         WHEN (dates_0.raw IS NOT NULL AND dates_0.value IS NULL) THEN ARRAY['unreadable_date', 'name']
         WHEN (dates_0.raw IS NOT NULL AND dates_0.value IS NULL) THEN ARRAY['unreadable_date', 'uploaded_at'] END AS why,
         TRUE AS described,
            array_remove(ARRAY[]::text[], NULL) AS notices, row_0.id AS new_object_id, CASE
                WHEN row_0.id IS NOT NULL THEN <patients' content type> END AS "new_content_type_id", CASE WHEN "row_0".id IS NULL THEN nexus_assets.read_uuid(
                  "s"."f2") END AS "named_object_id",
                      (format('%s (FileMaker Import)', coalesce(to_char("dates_0".value, 'DD Mon YYYY'), 'Undated')))::text AS "new_name",
                      ('Imported from FileMaker'::text)::text AS "new_description",
                      (nexus_assets.local_instant("dates_0".value, NULL, 'Australia/Sydney'))::timestamp with time zone AS "new_uploaded_at"
     FROM
   (
     SELECT x.row_number, nexus_assets.read_uuid("x"."group_id") AS source_id,
         hash_record_extended(ROW("x"."group_id", "x"."date", "x"."id_Contact", "x"."flaw"), <seed>) AS row_hash,
         NULL::uuid AS known_id, FALSE AS is_live,
           FALSE AS disputed, "x"."group_id" AS "f0", "x"."date" AS "f1", "x"."id_Contact" AS "f2", "x"."flaw" AS "f3" FROM "nexus_assets"."work_image_batches_groups" AS x OFFSET '0')
AS s
     LEFT JOIN (
       SELECT k.source_id AS named, t.* FROM "nexus_assets"."identity_patients" AS k
           JOIN "public"."patients" AS t ON t.id = k.nexus_id
                         WHERE coalesce(nexus_assets.read_uuid("t"."filemaker_metadata" ->> 'filemaker_id') = k.source_id, TRUE)) AS "row_0" ON "row_0".named = nexus_assets.read_uuid("s"."f2")
                             LEFT JOIN "nexus_assets"."work_image_batches_dates" AS "dates_0" ON "dates_0".field = 'date'
                             AND "dates_0".raw = "s"."f1" OFFSET '0'
   ) AS r;

ANALYZE nexus_assets.work_image_batches_incoming;

SELECT reason, count(*), count(*) FILTER (WHERE new_content_type_id IS NULL),
    count(*) FILTER (WHERE new_object_id IS NULL), count(*) FILTER (WHERE new_name IS NULL),
    count(*) FILTER (WHERE new_description IS NULL) FROM nexus_assets.work_image_batches_incoming GROUP BY 1
    ORDER BY 2 DESC, 1;

INSERT INTO public.images_batch (id, content_type_id, object_id, name, description, uploaded_at, image_count)
SELECT d.nexus_id, i.new_content_type_id::integer, i.new_object_id::uuid, i.new_name::character varying(255),
    i.new_description::text, coalesce(i.new_uploaded_at::timestamp with time zone, now()), 0::integer
    FROM nexus_assets.work_image_batches_incoming AS i CROSS JOIN LATERAL
  (SELECT i.row_number, i.nexus_id, 'insert'::text AS action WHERE i.reason IS NULL) AS d
WHERE d.action IN ('insert', 'restore') ORDER BY i.new_object_id, d.row_number;

DO $$ BEGIN
      LOCK TABLE nexus_assets.identity_image_batches IN ACCESS EXCLUSIVE MODE NOWAIT;
      ALTER TABLE nexus_assets.identity_image_batches DROP CONSTRAINT identity_image_batches_pkey,
          DROP CONSTRAINT identity_image_batches_nexus_id_key;
    EXCEPTION WHEN lock_not_available OR insufficient_privilege OR undefined_object THEN NULL;
    END $$;
    INSERT INTO nexus_assets.identity_image_batches (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, named_object_id, base_object_id, base_name, base_description) SELECT source_id,
        nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, named_object_id,
        base_object_id, base_name, base_description FROM (
    SELECT d.action, i.source_id, d.nexus_id, i.row_hash,
        hash_record_extended(ROW(i.new_content_type_id::integer, i.new_object_id::uuid, i.new_name::character varying(255), i.new_description::text), 0) AS target_hash,
        i.row_number,
           nullif(i.notices, ARRAY[]::text[]) AS notices, 'made' AS origin, <load> AS first_load, <load> AS last_load,
               i.named_object_id, hash_record_extended(ROW(i.new_object_id::uuid), 0) AS base_object_id,
               hash_record_extended(ROW(i.new_name::character varying(255)), 0) AS base_name,
               hash_record_extended(ROW(i.new_description::text), 0) AS base_description
    FROM nexus_assets.work_image_batches_incoming AS i CROSS JOIN LATERAL
      (SELECT i.row_number, i.nexus_id, 'insert'::text AS action WHERE i.reason IS NULL) AS d
    WHERE d.action IN ('insert', 'restore')
) AS e;
    DO $$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'nexus_assets.identity_image_batches'::regclass AND contype = 'p') THEN
        ALTER TABLE nexus_assets.identity_image_batches ADD CONSTRAINT identity_image_batches_pkey PRIMARY KEY (source_id),
            ADD CONSTRAINT identity_image_batches_nexus_id_key UNIQUE (nexus_id);
      END IF;
    END $$;

SELECT EXISTS (SELECT FROM nexus_assets.superseded WHERE entity = %s);

SET LOCAL enable_nestloop = off;

UPDATE public.images_batch AS t SET content_type_id = <patients' content type>, "object_id" = p.id
    FROM (
      SELECT "x"."id"::text AS id, x."content_type_id"::text AS content_type_id, "x"."object_id"::text AS object_id,
          'half_null'::text AS reason FROM "public"."images_batch" AS x WHERE x."content_type_id" IS NULL
          AND x."object_id" IS NOT NULL UNION ALL SELECT "x"."id"::text AS id,
          x."content_type_id"::text AS content_type_id, "x"."object_id"::text AS object_id, 'half_null'::text AS reason
          FROM "public"."images_batch" AS x WHERE x."object_id" IS NULL AND x."content_type_id" IS NOT NULL
          UNION ALL SELECT "x"."id"::text AS id, x."content_type_id"::text AS content_type_id,
          "x"."object_id"::text AS object_id, 'content_type_missing'::text AS reason
            FROM (
              WITH RECURSIVE used AS (
                SELECT min("content_type_id") AS id FROM "public"."images_batch"
                UNION ALL
                SELECT (SELECT min(y."content_type_id") FROM "public"."images_batch" AS y WHERE y."content_type_id" > used.id)
                    FROM used WHERE used.id IS NOT NULL
              )
              SELECT id FROM used WHERE id NOT IN (SELECT id FROM "public"."django_content_type")
            ) AS unknown JOIN "public"."images_batch" AS x ON x."content_type_id" = unknown.id
                WHERE x."object_id" IS NOT NULL
         UNION ALL SELECT "x"."id"::text AS id, x."content_type_id"::text AS content_type_id,
             "x"."object_id"::text AS object_id, 'target_missing'::text AS reason
            FROM (
              SELECT DISTINCT y."object_id" AS id FROM "public"."images_batch" AS y
                  LEFT JOIN "public"."patients" AS t ON t."id" = "y"."object_id"
              WHERE y."content_type_id" = <patients' content type> AND y.object_id IS NOT NULL AND t.id IS NULL
            ) AS dead JOIN public.images_batch AS x ON x.object_id = dead.id
                AND x.content_type_id = <patients' content type>
        ) AS o
    JOIN "nexus_assets"."identity_image_batches" AS l ON l.nexus_id = o.id::uuid
    JOIN (
    SELECT hash_record_extended(ROW(l.nexus_id), 0) AS hash, l.nexus_id AS current_id
        FROM "nexus_assets"."identity_patients" AS l
    UNION ALL
    SELECT hash_record_extended(ROW(s.nexus_id), 0), s.current_id FROM nexus_assets.superseded AS s
        WHERE s.entity = 'patients'
) AS k ON k.hash = l.base_object_id
    JOIN public.patients AS p ON p.id = k.current_id
    WHERE t.id = l.nexus_id;

SET LOCAL enable_nestloop TO DEFAULT;

SELECT count(*) FROM (
SELECT FROM public.patients AS p WHERE p.id IN (
  SELECT t.object_id FROM public.images_batch AS t
  WHERE t.content_type_id = <patients' content type> AND t.xmin = pg_current_xact_id_if_assigned()::xid)
FOR KEY SHARE) AS held;

INSERT INTO nexus_assets.reject (entity, row_number, source_id, reason, column_name, row_hash, payload, first_load)
SELECT 'image_batches', x.row_number, nexus_assets.read_text(s.group_id), x.reason, x.column_name, x.row_hash,
       jsonb_strip_nulls(jsonb_build_object('group_id', s.group_id, 'date', s."date", 'id_Contact', s."id_Contact")),
           <load>
FROM (SELECT *, reason_column AS column_name FROM nexus_assets.work_image_batches_incoming WHERE reason IS NOT NULL) AS x
    JOIN nexus_assets.work_image_batches_groups AS s USING (row_number) ORDER BY x.row_number;

SELECT notices, count(*), min(row_number) FROM nexus_assets.identity_image_batches WHERE notices IS NOT NULL GROUP BY 1;

SET LOCAL enable_nestloop = off;

SELECT count(*) FROM (
      SELECT t.object_id AS id, l.base_object_id AS base FROM public.images_batch AS t
          JOIN nexus_assets.identity_image_batches AS l ON l.nexus_id = t.id
      LEFT JOIN public.patients AS p ON p.id = t.object_id
      WHERE (
        (t.content_type_id IS NULL) <> (t.object_id IS NULL)
            OR t.content_type_id = <patients' content type> AND p.id IS NULL)
        AND l.vanished_load IS NULL
        AND NOT EXISTS (SELECT FROM "nexus_assets"."work_image_batches_incoming" AS i WHERE i.source_id = l.source_id AND i.reason IS NOT NULL)
      OFFSET 0
    ) AS dead
    WHERE NOT ((EXISTS (SELECT FROM "nexus_assets"."identity_patients" AS k WHERE k.nexus_id = dead.id)
        OR EXISTS (SELECT FROM nexus_assets.superseded AS s WHERE s.entity = 'patients' AND s.nexus_id = dead.id))
            AND NOT EXISTS (
      SELECT FROM (
    SELECT hash_record_extended(ROW(l.nexus_id), 0) AS hash, l.nexus_id AS current_id
        FROM "nexus_assets"."identity_patients" AS l
    UNION ALL
    SELECT hash_record_extended(ROW(s.nexus_id), 0), s.current_id FROM nexus_assets.superseded AS s
        WHERE s.entity = 'patients'
) AS k JOIN public.patients AS named ON named.id = k.current_id WHERE k.hash = dead.base));

SET LOCAL enable_nestloop TO DEFAULT;

INSERT INTO nexus_assets.load (id, entity, run_id, started_at, finished_at, mapping_version, sources, date_orders, source_rows, outcomes, rejected, notices, healed, adoption, parents, undoable) OVERRIDING SYSTEM VALUE
    VALUES (%s, %s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

SELECT relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'nexus_assets'
    AND c.relkind = 'r' AND starts_with(relname, %s) ORDER BY c.oid;

DROP TABLE nexus_assets.work_image_batches_export, nexus_assets.work_image_batches_listing,
    nexus_assets.work_image_batches_dates_of_records, nexus_assets.work_image_batches_records,
    nexus_assets.work_image_batches_groups, nexus_assets.work_image_batches_dates,
    nexus_assets.work_image_batches_incoming;

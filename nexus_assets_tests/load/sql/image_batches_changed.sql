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

SELECT DISTINCT c.column_name FROM nexus_assets.conflict AS c
    JOIN nexus_assets.identity_image_batches AS l USING (source_id)
WHERE c.entity = 'image_batches' AND c.resolved_load IS NULL AND (c.decision = 'filemaker' OR c.cause = 'refused')
    AND l.vanished_load IS NULL;

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

CREATE UNLOGGED TABLE nexus_assets.work_image_batches_seen AS
SELECT s.row_number, s.source_id, s.row_hash, l.nexus_id AS known_id, t.id IS NOT NULL AS is_live,
       coalesce((l.last_load IS NOT NULL AND l.vanished_load IS NULL), false) AS is_current, l.notices,
       coalesce(
         l.row_hash = s.row_hash AND l.vanished_load IS NULL AND t.id IS NOT NULL AND l.target_hash = t.target_hash
             AND (t.object_id IS NULL OR parent_0.id IS NOT NULL) AND t.object_id IS NOT NULL,
                false) AS settled
FROM (SELECT row_number, nexus_assets.read_uuid(s.group_id) AS source_id, hash_record_extended(ROW(s.group_id, s."date", s."id_Contact", s.flaw), <seed>) AS row_hash FROM nexus_assets.work_image_batches_groups AS s OFFSET '0') AS s
LEFT JOIN nexus_assets.identity_image_batches AS l ON l.source_id = s.source_id
LEFT JOIN (SELECT t.id, t.object_id, hash_record_extended(ROW(t.content_type_id, t.object_id, t.name, t.description), 0) AS target_hash FROM public.images_batch AS t OFFSET '0') AS t ON t.id = l.nexus_id
LEFT JOIN public.patients AS parent_0 ON parent_0.id = t.object_id;

ANALYZE nexus_assets.work_image_batches_seen;

SET LOCAL enable_hashagg = off;

CREATE UNLOGGED TABLE nexus_assets.work_image_batches_repeated AS
SELECT source_id, min(row_number) AS first_row, min(row_hash) <> max(row_hash) AS differ
FROM nexus_assets.work_image_batches_seen WHERE source_id IS NOT NULL GROUP BY source_id HAVING count(*) > 1;

SET LOCAL enable_hashagg TO DEFAULT;

ANALYZE nexus_assets.work_image_batches_repeated;

SET LOCAL enable_nestloop = off;

CREATE UNLOGGED TABLE nexus_assets.work_image_batches_standing AS
SELECT min(s.row_number) AS row_number, min(r.id) AS id, min(r.row_number) AS row_before, min(r.reason) AS reason
FROM nexus_assets.work_image_batches_seen AS s JOIN nexus_assets.reject AS r ON r.row_hash = s.row_hash
    JOIN nexus_assets.work_image_batches_groups AS x ON x.row_number = s.row_number
WHERE r.entity = 'image_batches' AND r.resolved_load IS NULL AND r.column_name IS NULL
  AND s.known_id IS NULL
  AND NOT EXISTS (SELECT FROM nexus_assets.work_image_batches_repeated AS again WHERE again.source_id = s.source_id)
  AND (
    r.reason = ANY(ARRAY['no_contact']) OR FALSE
        OR (
          r.reason = 'unknown_contact'
              AND NOT EXISTS (SELECT FROM nexus_assets.identity_patients AS k JOIN public.patients AS t ON t.id = k.nexus_id
              WHERE coalesce(nexus_assets.read_uuid(t.filemaker_metadata ->> 'filemaker_id') = k.source_id, TRUE) AND k.source_id = nexus_assets.read_uuid(x."id_Contact"))))
GROUP BY s.row_hash HAVING count(*) = 1;

SET LOCAL enable_nestloop TO DEFAULT;

ANALYZE nexus_assets.work_image_batches_standing;

CREATE UNLOGGED TABLE nexus_assets.work_image_batches_pending AS
SELECT s.row_number, s.source_id, s.row_hash, s.known_id, s.is_live, coalesce(r.differ, false) AS disputed,
    x.group_id AS f0, x."date" AS f1, x."id_Contact" AS f2, x.flaw AS f3
FROM nexus_assets.work_image_batches_seen AS s JOIN nexus_assets.work_image_batches_groups AS x USING (row_number)
    LEFT JOIN nexus_assets.work_image_batches_repeated AS r ON r.source_id = s.source_id
WHERE NOT s.settled
    AND NOT EXISTS (SELECT FROM nexus_assets.work_image_batches_standing AS n WHERE n.row_number = s.row_number);

ANALYZE nexus_assets.work_image_batches_pending;

DROP TABLE IF EXISTS nexus_assets.work_image_batches_dates; CREATE UNLOGGED TABLE nexus_assets.work_image_batches_dates AS SELECT NULL::text AS field,
    NULL::text AS raw, 0::bigint AS times WHERE false UNION ALL SELECT 'date'::text AS field, raw, times
    FROM (SELECT s.f1 AS raw, count(*) AS times FROM nexus_assets.work_image_batches_pending AS s GROUP BY 1) AS different
    WHERE nexus_assets.read_text(raw) IS NOT NULL;

ALTER TABLE nexus_assets.work_image_batches_dates ADD COLUMN value date;UPDATE nexus_assets.work_image_batches_dates SET value = nexus_assets.read_date(raw, coalesce('{}'::jsonb ->> field, 'mdy'), <today>, '1899-12-30'::date, 'Australia/Sydney');ANALYZE nexus_assets.work_image_batches_dates;

CREATE UNLOGGED TABLE nexus_assets.work_image_batches_incoming AS
SELECT r.row_number, r.source_id, r.row_hash, r.known_id, r.is_live,
    (coalesce(r.why, CASE WHEN length(r.new_name) > 255 THEN ARRAY['too_long', 'name'] END))[1] AS reason,
    (coalesce(r.why, CASE WHEN length(r.new_name) > 255 THEN ARRAY['too_long', 'name'] END))[2] AS reason_column,
       r.described, r.notices, r.new_object_id, r.new_content_type_id, r.named_object_id, r.new_name, r.new_description,
           r.new_uploaded_at
FROM (
  SELECT s.row_number, s.source_id, s.row_hash, s.known_id, s.is_live, CASE WHEN s.f3 IS NOT NULL THEN ARRAY[s.f3, NULL]
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
  FROM "nexus_assets"."work_image_batches_pending" AS s
  LEFT JOIN (
    SELECT k.source_id AS named, t.* FROM "nexus_assets"."identity_patients" AS k
        JOIN "public"."patients" AS t ON t.id = k.nexus_id
                      WHERE coalesce(nexus_assets.read_uuid("t"."filemaker_metadata" ->> 'filemaker_id') = k.source_id, TRUE)) AS "row_0" ON "row_0".named = nexus_assets.read_uuid("s"."f2")
                          LEFT JOIN "nexus_assets"."work_image_batches_dates" AS "dates_0" ON "dates_0".field = 'date'
                          AND "dates_0".raw = "s"."f1" OFFSET '0'
) AS r;

ANALYZE nexus_assets.work_image_batches_incoming;

CREATE UNLOGGED TABLE nexus_assets.work_image_batches_recognised (source_id uuid NOT NULL, nexus_id uuid NOT NULL);

SELECT EXISTS (
    SELECT i.* FROM nexus_assets.work_image_batches_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_image_batches_recognised AS r WHERE r.source_id = i.source_id)
) AND EXISTS (
    SELECT t.* FROM public.images_batch AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_image_batches AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_image_batches_recognised AS r WHERE r.nexus_id = t.id)
);

SET LOCAL enable_nestloop = off;

INSERT INTO nexus_assets.work_image_batches_recognised
    SELECT i.source_id, t.id AS nexus_id FROM (
    SELECT i.* FROM nexus_assets.work_image_batches_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_image_batches_recognised AS r WHERE r.source_id = i.source_id)
) AS i JOIN (
    SELECT t.* FROM public.images_batch AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_image_batches AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_image_batches_recognised AS r WHERE r.nexus_id = t.id)
) AS t
    ON t.id = nexus_assets.minted_id('image_batches', i.source_id::text);

SET LOCAL enable_nestloop TO DEFAULT;

ANALYZE nexus_assets.work_image_batches_recognised;

SELECT EXISTS (
    SELECT i.* FROM nexus_assets.work_image_batches_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_image_batches_recognised AS r WHERE r.source_id = i.source_id)
) AND EXISTS (
    SELECT t.* FROM public.images_batch AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_image_batches AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_image_batches_recognised AS r WHERE r.nexus_id = t.id)
);

SET LOCAL enable_nestloop = off;

INSERT INTO nexus_assets.work_image_batches_recognised
    WITH said AS MATERIALIZED (
    SELECT f.base_s3_key AS key_hash, owner.current_id AS belongs
    FROM nexus_assets.identity_images AS f
    JOIN (
    SELECT hash_record_extended(ROW(l.nexus_id), 0) AS hash, l.nexus_id AS current_id
        FROM nexus_assets.identity_image_batches AS l
    UNION ALL
    SELECT hash_record_extended(ROW(s.nexus_id), 0), s.current_id FROM nexus_assets.superseded AS s
        WHERE s.entity = 'image_batches'
) AS batch ON batch.hash = f.base_batch_id
    JOIN nexus_assets.identity_image_batches AS l ON l.nexus_id = batch.current_id
    JOIN (
    SELECT hash_record_extended(ROW(l.nexus_id), 0) AS hash, l.nexus_id AS current_id
        FROM nexus_assets.identity_patients AS l
    UNION ALL
    SELECT hash_record_extended(ROW(s.nexus_id), 0), s.current_id FROM nexus_assets.superseded AS s
        WHERE s.entity = 'patients'
) AS owner ON owner.hash = l.base_object_id
)
    SELECT DISTINCT ON (nexus_id) source_id, nexus_id FROM (
      SELECT DISTINCT ON (source_id) source_id, nexus_id, files FROM (
        SELECT i.source_id, t.id AS nexus_id, (t.name LIKE '%(FileMaker Import)' AND t.uploaded_by_id IS NULL) AS made,
            t.uploaded_at AS made_at, count(*) AS files,
               count(*) FILTER (WHERE c.caption <> '' OR c.s3_thumbnail_key <> '') AS described
        FROM (
    SELECT i.* FROM nexus_assets.work_image_batches_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_image_batches_recognised AS r WHERE r.source_id = i.source_id)
) AS i
        JOIN nexus_assets.work_image_batches_records AS r ON r.group_id = i.source_id::text
        JOIN public.images_image AS c ON c.s3_key = r.key
        JOIN (
    SELECT t.* FROM public.images_batch AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_image_batches AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_image_batches_recognised AS r WHERE r.nexus_id = t.id)
) AS t ON t.id = c.batch_id
        WHERE ((t.name LIKE '%(FileMaker Import)' AND t.uploaded_by_id IS NULL) OR t.object_id = i.new_object_id)
          AND NOT EXISTS (SELECT FROM said AS s
                          WHERE s.key_hash = hash_record_extended(ROW(c.s3_key), 0) AND s.belongs = t.object_id AND t.object_id <> i.new_object_id)
        GROUP BY i.source_id, t.id, 3, 4
      ) AS candidates ORDER BY source_id, made DESC, files DESC, described DESC, made_at, nexus_id
    ) AS best ORDER BY nexus_id, files DESC, source_id;

SET LOCAL enable_nestloop TO DEFAULT;

ANALYZE nexus_assets.work_image_batches_recognised;

SELECT EXISTS (
    SELECT i.* FROM nexus_assets.work_image_batches_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_image_batches_recognised AS r WHERE r.source_id = i.source_id)
) AND EXISTS (
    SELECT t.* FROM public.images_batch AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_image_batches AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_image_batches_recognised AS r WHERE r.nexus_id = t.id)
);

SET LOCAL enable_nestloop = off;

INSERT INTO nexus_assets.work_image_batches_recognised
    SELECT m.source_id, o.nexus_id FROM (
      SELECT i.source_id, hash_record_extended(ROW(i.new_object_id, nexus_assets.read_text(i.new_name)), 0) AS content,
          row_number() OVER (PARTITION BY hash_record_extended(ROW(i.new_object_id, nexus_assets.read_text(i.new_name)), 0) ORDER BY i.row_number) AS k
      FROM (
    SELECT i.* FROM nexus_assets.work_image_batches_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_image_batches_recognised AS r WHERE r.source_id = i.source_id)
) AS i
    ) AS m JOIN (
      SELECT t.id AS nexus_id, hash_record_extended(ROW(t.object_id, nexus_assets.read_text(t.name)), 0) AS content,
             row_number() OVER (PARTITION BY hash_record_extended(ROW(t.object_id, nexus_assets.read_text(t.name)), 0) ORDER BY t.uploaded_at, t.id) AS k
      FROM (
    SELECT t.* FROM public.images_batch AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_image_batches AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_image_batches_recognised AS r WHERE r.nexus_id = t.id)
) AS t WHERE TRUE AND (t.name LIKE '%(FileMaker Import)' AND t.uploaded_by_id IS NULL)
    ) AS o USING (content, k);

SET LOCAL enable_nestloop TO DEFAULT;

-- 2 times:
ANALYZE nexus_assets.work_image_batches_recognised;

CREATE UNLOGGED TABLE nexus_assets.work_image_batches_decided AS
    SELECT i.row_number, i.source_id, i.known_id,
           CASE WHEN i.is_live THEN i.known_id
                ELSE coalesce(r.nexus_id, i.known_id,
    CASE
        WHEN EXISTS (SELECT FROM nexus_assets.identity_image_batches AS k WHERE k.nexus_id = nexus_assets.minted_id('image_batches', i.source_id::text))
         THEN (SELECT other.id FROM generate_series(1, 99) AS n,
                 LATERAL (SELECT nexus_assets.minted_id('image_batches', concat_ws('/', i.source_id, n)) AS id) AS other
               WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_image_batches AS k WHERE k.nexus_id = other.id)
                 AND NOT EXISTS (SELECT FROM public.images_batch AS t WHERE t.id = other.id) ORDER BY n LIMIT 1)
         ELSE nexus_assets.minted_id('image_batches', i.source_id::text) END
) END AS nexus_id,
           CASE WHEN i.is_live AND l.last_load IS NOT NULL THEN 'compare'
                WHEN i.is_live OR r.nexus_id IS NOT NULL THEN 'adopt'
                WHEN i.known_id IS NOT NULL THEN 'restore' ELSE 'insert' END AS action
    FROM nexus_assets.work_image_batches_incoming AS i
        LEFT JOIN nexus_assets.work_image_batches_recognised AS r ON r.source_id = i.source_id
    LEFT JOIN nexus_assets.identity_image_batches AS l ON l.source_id = i.source_id
    WHERE i.reason IS NULL;

ANALYZE nexus_assets.work_image_batches_decided;

SELECT (SELECT count(*) FROM nexus_assets.identity_image_batches AS l WHERE (l.last_load IS NOT NULL AND l.vanished_load IS NULL)),
    count(*) FROM nexus_assets.work_image_batches_seen WHERE is_current;

SELECT reason, count(*), count(*) FILTER (WHERE new_content_type_id IS NULL),
    count(*) FILTER (WHERE new_object_id IS NULL), count(*) FILTER (WHERE new_name IS NULL),
    count(*) FILTER (WHERE new_description IS NULL) FROM nexus_assets.work_image_batches_incoming GROUP BY 1
    ORDER BY 2 DESC, 1;

SELECT reason, count(*) FROM nexus_assets.work_image_batches_standing GROUP BY 1;

CREATE UNLOGGED TABLE nexus_assets.work_image_batches_followed AS
SELECT source_id, known_id AS old_id, nexus_id AS new_id FROM nexus_assets.work_image_batches_decided
WHERE action = 'adopt' AND known_id <> nexus_id;

SELECT DISTINCT t.content_type_id FROM nexus_assets.work_image_batches_decided AS d
    JOIN public.images_batch AS t ON t.id = d.nexus_id WHERE t.content_type_id <> <patients' content type>;

CREATE UNLOGGED TABLE nexus_assets.work_image_batches_changes AS
    SELECT row_number, source_id, nexus_id, action, writes_object_id IS TRUE AS write_object_id,
        writes_object_id IS FALSE AS keep_object_id, writes_name IS TRUE AS write_name,
        writes_name IS FALSE AS keep_name, writes_description IS TRUE AS write_description,
        writes_description IS FALSE AS keep_description
    FROM (
      SELECT d.row_number, d.source_id, d.nexus_id, d.action, CASE
          WHEN (
            (t.object_id IS DISTINCT FROM i.new_object_id OR t.content_type_id IS DISTINCT FROM i.new_content_type_id)
                AND (
                  i.new_object_id IS NOT NULL
                      OR (
                        (
                          CASE WHEN (t.content_type_id IS NULL) <> (t.object_id IS NULL) THEN TRUE
                              WHEN t.object_id IS NULL THEN FALSE
                              WHEN t.content_type_id = <patients' content type> THEN "row_0".id IS NULL ELSE NOT EXISTS (
                                SELECT FROM django_content_type AS o WHERE o.id = t."content_type_id") END)
                                    AND NOT (EXISTS (SELECT FROM "nexus_assets"."identity_patients" AS k WHERE k.nexus_id = t."object_id")
    OR EXISTS (
      SELECT FROM nexus_assets.superseded AS s WHERE s.entity = 'patients' AND s.nexus_id = t."object_id"))))) THEN (
        (
          (
            CASE WHEN (t."content_type_id" IS NULL) <> (t."object_id" IS NULL) THEN TRUE
                WHEN t."object_id" IS NULL THEN FALSE
                WHEN t."content_type_id" = <patients' content type> THEN row_0.id IS NULL ELSE NOT EXISTS (
                  SELECT FROM django_content_type AS o WHERE o.id = t.content_type_id) END) OR (t.content_type_id IS NULL AND t.object_id IS NULL AND (d.action = 'adopt' AND l.base_object_id IS NULL)))
                      OR (coalesce(l.base_object_id = hash_record_extended(ROW(t.object_id), 0), FALSE) OR EXISTS (
SELECT FROM nexus_assets.superseded AS s
WHERE s.entity = 'patients' AND s.current_id = t.object_id AND hash_record_extended(ROW(s.nexus_id), 0) = l.base_object_id))) END AS writes_object_id,
    CASE
    WHEN (t.name IS DISTINCT FROM i.new_name AND nexus_assets.read_text(t.name)::character varying(255) IS DISTINCT FROM nexus_assets.read_text(i.new_name)::character varying(255) AND ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.name)::character varying(255) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_name = hash_record_extended(ROW(t.name), 0), FALSE) OR coalesce(l.base_name = hash_record_extended(ROW(nexus_assets.read_text(t.name)::character varying(255)), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND i.new_name IS NULL)))) THEN ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.name)::character varying(255) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_name = hash_record_extended(ROW(t.name), 0), FALSE) OR coalesce(l.base_name = hash_record_extended(ROW(nexus_assets.read_text(t.name)::character varying(255)), 0), FALSE))) END AS writes_name,
    CASE
    WHEN (t.description IS DISTINCT FROM i.new_description AND nexus_assets.read_text(t.description)::text IS DISTINCT FROM nexus_assets.read_text(i.new_description)::text AND ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.description)::text IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_description = hash_record_extended(ROW(t.description), 0), FALSE) OR coalesce(l.base_description = hash_record_extended(ROW(nexus_assets.read_text(t.description)::text), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_description, '') = coalesce('Imported from FileMaker'::text, ''))))) THEN ((d.action = 'adopt' AND coalesce(nexus_assets.read_text(t.description)::text IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_description = hash_record_extended(ROW(t.description), 0), FALSE) OR coalesce(l.base_description = hash_record_extended(ROW(nexus_assets.read_text(t.description)::text), 0), FALSE))) END AS writes_description
      FROM nexus_assets.work_image_batches_decided AS d
      JOIN nexus_assets.work_image_batches_incoming AS i USING (row_number)
      JOIN public.images_batch AS t ON t.id = d.nexus_id
      LEFT JOIN nexus_assets.identity_image_batches AS l ON l.source_id = d.source_id
      LEFT JOIN public.patients AS row_0 ON row_0.id = t.object_id
      WHERE d.action IN ('compare', 'adopt') OFFSET '0'
    ) AS compared;

SELECT bool_or(keep_object_id), bool_or(keep_name), bool_or(keep_description)
    FROM nexus_assets.work_image_batches_changes;

CREATE UNLOGGED TABLE nexus_assets.work_image_batches_kept AS SELECT NULL::uuid AS source_id, NULL::uuid AS nexus_id,
    NULL::text AS column_name, NULL::text AS cause, NULL::text AS filemaker_value, NULL::text AS nexus_value WHERE FALSE
    UNION ALL
    SELECT c.source_id, c.nexus_id, 'description'::text AS column_name,
           CASE
               WHEN (c.keep_description AND (coalesce(l.base_description = hash_record_extended(ROW(t.description), 0), FALSE) OR coalesce(l.base_description = hash_record_extended(ROW(nexus_assets.read_text(t.description)::text), 0), FALSE))) THEN 'refused'
               WHEN l.base_description IS NULL THEN 'adopted' ELSE 'edited' END AS cause,
           i.new_description::text AS filemaker_value, t.description::text AS nexus_value
    FROM nexus_assets.work_image_batches_changes AS c
        JOIN nexus_assets.work_image_batches_incoming AS i USING (row_number)
        JOIN public.images_batch AS t ON t.id = c.nexus_id
    LEFT JOIN nexus_assets.identity_image_batches AS l ON l.source_id = c.source_id
    WHERE c.keep_description
;
    UPDATE nexus_assets.conflict AS c SET resolved_load = <load>
    WHERE c.entity = 'image_batches' AND c.resolved_load IS NULL
      AND (EXISTS (SELECT FROM nexus_assets.work_image_batches_decided AS d WHERE d.source_id = c.source_id)
           OR c.cause = 'deleted' AND NOT EXISTS (SELECT FROM nexus_assets.work_image_batches_seen AS s WHERE s.source_id = c.source_id))
      AND NOT EXISTS (SELECT FROM nexus_assets.work_image_batches_kept AS k WHERE (k.source_id, k.column_name) = (c.source_id, c.column_name));
    WITH written AS (
    INSERT INTO nexus_assets.conflict AS c
      (entity, source_id, nexus_id, column_name, cause, filemaker_value, nexus_value, first_load)
    SELECT 'image_batches', source_id, nexus_id, column_name, cause, filemaker_value, nexus_value, <load>
        FROM nexus_assets.work_image_batches_kept
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

SELECT count(*), count(c.source_id) FROM nexus_assets.work_image_batches_seen AS s
LEFT JOIN (SELECT DISTINCT source_id FROM nexus_assets.conflict
           WHERE entity = 'image_batches' AND resolved_load IS NULL) AS c USING (source_id)
WHERE s.settled;

SELECT count(*) FILTER (WHERE (c.write_object_id OR c.write_name OR c.write_description)),
    count(*) FILTER (WHERE NOT (c.write_object_id OR c.write_name OR c.write_description) AND (c.keep_object_id OR c.keep_name OR c.keep_description)),
       count(*) FILTER (WHERE NOT (c.write_object_id OR c.write_name OR c.write_description) AND NOT (c.keep_object_id OR c.keep_name OR c.keep_description)),
           count(*) FILTER (WHERE c.action = 'adopt'),
       count(*) FILTER (WHERE FALSE OR c.write_object_id)
FROM nexus_assets.work_image_batches_changes AS c;

SELECT count(*) FILTER (WHERE action <> 'deleted'), count(*) FILTER (WHERE action = 'restore'),
    count(*) FILTER (WHERE action = 'deleted') FROM nexus_assets.work_image_batches_decided
    WHERE action IN ('insert', 'restore', 'deleted');

WITH written AS (
   INSERT INTO nexus_assets.superseded AS s (entity, nexus_id, source_id, current_id, load_id)
   SELECT 'patients', taught.old_id, l.source_id, taught.current_id, <load>
   FROM (
     SELECT t.object_id AS old_id, min(i.new_object_id::text)::uuid AS current_id
     FROM nexus_assets.work_image_batches_changes AS c
         JOIN nexus_assets.work_image_batches_incoming AS i USING (row_number)
         JOIN public.images_batch AS t ON t.id = c.nexus_id
     LEFT JOIN public.patients AS living ON living.id = t.object_id
     WHERE c.write_object_id
         AND t.content_type_id = <patients' content type> AND living.id IS NULL AND t."object_id" IS NOT NULL
       AND i."new_object_id" IS NOT NULL
           AND NOT (EXISTS (SELECT FROM "nexus_assets"."identity_patients" AS k WHERE k.nexus_id = t."object_id")
       OR EXISTS (SELECT FROM nexus_assets.superseded AS s WHERE s.entity = 'patients' AND s.nexus_id = t."object_id"))
     GROUP BY 1 HAVING count(DISTINCT i."new_object_id") = 1
   ) AS taught JOIN "nexus_assets"."identity_patients" AS l ON l.nexus_id = taught.current_id
   ON CONFLICT DO NOTHING
RETURNING "s"."entity", "s"."nexus_id", to_jsonb("s") AS content, "s".xmax::text <> '0' AS met)
       INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
       SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
           ARRAY['nexus_assets','superseded'], concat_ws(' ', "w"."entity"::text, "w"."nexus_id"::text), CASE
           WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
           CASE WHEN was.content IS NULL THEN w.content
           ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
       FROM written AS w
         LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.superseded AS o WHERE w.met AND o.entity = w.entity AND o.nexus_id = w.nexus_id AND TRUE OFFSET 0) AS was ON TRUE;

WITH written AS (
   UPDATE public.images_batch AS t SET object_id = CASE WHEN c.write_object_id THEN i.new_object_id::uuid
       ELSE t.object_id END, content_type_id = CASE WHEN c.write_object_id THEN i.new_content_type_id
       ELSE t.content_type_id END, name = CASE WHEN c.write_name THEN i.new_name::character varying(255)
       ELSE t.name END, description = CASE WHEN c.write_description THEN i.new_description::text ELSE t.description END
   FROM nexus_assets.work_image_batches_changes AS c
       JOIN nexus_assets.work_image_batches_incoming AS i USING (row_number)
   WHERE t.id = c.nexus_id AND (c.write_object_id OR c.write_name OR c.write_description)
RETURNING t.id, (SELECT to_jsonb(v) FROM (SELECT t.object_id, t.content_type_id, t.name, t.description) AS v) AS content)
       INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
       SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
           ARRAY['public','images_batch'], concat_ws(' ', w.id::text), CASE
           WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
           CASE WHEN was.content IS NULL THEN w.content
           ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
       FROM written AS w
         LEFT JOIN LATERAL (SELECT (SELECT to_jsonb(v) FROM (SELECT o.object_id, o.content_type_id, o.name, o.description) AS v) AS content FROM public.images_batch AS o WHERE o.id = w.id AND TRUE OFFSET 0) AS was ON TRUE;

INSERT INTO public.images_batch (id, content_type_id, object_id, name, description, uploaded_at, image_count)
SELECT d.nexus_id, i.new_content_type_id::integer, i.new_object_id::uuid, i.new_name::character varying(255),
    i.new_description::text, coalesce(i.new_uploaded_at::timestamp with time zone, now()), 0::integer
    FROM nexus_assets.work_image_batches_decided AS d
    JOIN nexus_assets.work_image_batches_incoming AS i USING (row_number)
WHERE d.action IN ('insert', 'restore') ORDER BY i.new_object_id, d.row_number;

WITH written AS (
   INSERT INTO nexus_assets.identity_image_batches AS l
     (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, named_object_id, base_object_id, base_name, base_description)
   SELECT i.source_id, c.nexus_id, i.row_hash,
       hash_record_extended(ROW(t.content_type_id, t.object_id, t.name, t.description), 0), i.row_number,
       nullif(i.notices, ARRAY[]::text[]), 'adopted', <load>, <load>, i.named_object_id,
       CASE WHEN i.new_object_id IS NOT NULL
           OR c.write_object_id THEN hash_record_extended(ROW(i.new_object_id::uuid), 0)
            WHEN l.base_object_id IS NULL AND t.object_id IS NOT DISTINCT
                FROM i.new_object_id::uuid THEN hash_record_extended(ROW(i.new_object_id::uuid), 0)
                ELSE l.base_object_id END
   , hash_record_extended(ROW(i.new_name::character varying(255)), 0), CASE
       WHEN (c.keep_description AND (coalesce(l.base_description = hash_record_extended(ROW(t.description), 0), FALSE) OR coalesce(l.base_description = hash_record_extended(ROW(nexus_assets.read_text(t.description)::text), 0), FALSE))) THEN l.base_description
       ELSE hash_record_extended(ROW(i.new_description::text), 0) END
   FROM nexus_assets.work_image_batches_changes AS c
       JOIN nexus_assets.work_image_batches_incoming AS i USING (row_number)
       JOIN public.images_batch AS t ON t.id = c.nexus_id
   LEFT JOIN nexus_assets.identity_image_batches AS l ON l.source_id = c.source_id
   ORDER BY i.source_id
   ON CONFLICT (source_id) DO UPDATE SET nexus_id = excluded.nexus_id, row_hash = excluded.row_hash,
       target_hash = excluded.target_hash, row_number = excluded.row_number, notices = excluded.notices,
       last_load = excluded.last_load, named_object_id = excluded.named_object_id,
       base_object_id = excluded.base_object_id, base_name = excluded.base_name,
       base_description = excluded.base_description, first_load = coalesce(l.first_load, excluded.first_load)
   WHERE l.last_load IS NULL
       OR (l.nexus_id, l.row_hash, l.target_hash, l.notices, l.named_object_id, l.base_object_id, l.base_name, l.base_description) IS DISTINCT
       FROM (excluded.nexus_id, excluded.row_hash, excluded.target_hash, excluded.notices, excluded.named_object_id, excluded.base_object_id, excluded.base_name, excluded.base_description)
RETURNING l.source_id, to_jsonb(l) AS content, l.xmax::text <> '0' AS met)
       INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
       SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
           ARRAY['nexus_assets','identity_image_batches'], concat_ws(' ', w.source_id::text), CASE
           WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
           CASE WHEN was.content IS NULL THEN w.content
           ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
       FROM written AS w
         LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_image_batches AS o WHERE w.met AND o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

CREATE UNLOGGED TABLE nexus_assets.work_image_batches_entries AS
SELECT d.action, i.source_id, d.nexus_id, i.row_hash,
    hash_record_extended(ROW(i.new_content_type_id::integer, i.new_object_id::uuid, i.new_name::character varying(255), i.new_description::text), 0) AS target_hash,
    i.row_number,
       nullif(i.notices, ARRAY[]::text[]) AS notices, 'made' AS origin, <load> AS first_load, <load> AS last_load,
           i.named_object_id, hash_record_extended(ROW(i.new_object_id::uuid), 0) AS base_object_id,
           hash_record_extended(ROW(i.new_name::character varying(255)), 0) AS base_name,
           hash_record_extended(ROW(i.new_description::text), 0) AS base_description
FROM nexus_assets.work_image_batches_decided AS d JOIN nexus_assets.work_image_batches_incoming AS i USING (row_number)
WHERE d.action IN ('insert', 'restore');

INSERT INTO nexus_assets.identity_image_batches AS l (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, named_object_id, base_object_id, base_name, base_description) SELECT source_id,
    nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, named_object_id,
    base_object_id, base_name, base_description FROM nexus_assets.work_image_batches_entries WHERE action = 'insert'
    ORDER BY source_id;

INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['public','images_batch'], nexus_id::text, NULL, NULL FROM nexus_assets.work_image_batches_entries
        WHERE action = 'restore'
;WITH written AS (
    INSERT INTO nexus_assets.identity_image_batches AS l (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, named_object_id, base_object_id, base_name, base_description) SELECT source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, named_object_id, base_object_id, base_name, base_description FROM nexus_assets.work_image_batches_entries WHERE action = 'restore' ORDER BY source_id ON CONFLICT (source_id) DO UPDATE SET nexus_id = excluded.nexus_id, row_hash = excluded.row_hash, target_hash = excluded.target_hash, row_number = excluded.row_number, notices = excluded.notices, last_load = excluded.last_load, named_object_id = excluded.named_object_id, base_object_id = excluded.base_object_id, base_name = excluded.base_name, base_description = excluded.base_description, first_load = coalesce(l.first_load, excluded.first_load) RETURNING l.source_id, to_jsonb(l) AS content, l.xmax::text <> '0' AS met)
    INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['nexus_assets','identity_image_batches'], concat_ws(' ', w.source_id::text), CASE
        WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
        CASE WHEN was.content IS NULL THEN w.content
        ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
    FROM written AS w
      LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_image_batches AS o WHERE w.met AND o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

SELECT EXISTS (SELECT FROM nexus_assets.superseded WHERE entity = %s);

SET LOCAL enable_nestloop = off;

WITH written AS (
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
) AS k ON k.hash = l."base_object_id"
    JOIN "public"."patients" AS p ON p.id = k.current_id
    WHERE t.id = l.nexus_id
 RETURNING "t"."id", (SELECT to_jsonb(v) FROM (SELECT "t"."content_type_id", "t"."object_id") AS v) AS content)
        INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
        SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
            ARRAY['public','images_batch'], concat_ws(' ', "w"."id"::text), CASE
            WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
            CASE WHEN was.content IS NULL THEN w.content
            ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
        FROM written AS w
          LEFT JOIN LATERAL (SELECT (SELECT to_jsonb(v) FROM (SELECT o.content_type_id, o.object_id) AS v) AS content FROM public.images_batch AS o WHERE o.id = w.id AND TRUE OFFSET 0) AS was ON TRUE;

SET LOCAL enable_nestloop TO DEFAULT;

SELECT count(*) FROM (
SELECT FROM public.patients AS p WHERE p.id IN (
  SELECT t.object_id FROM public.images_batch AS t
  WHERE t.content_type_id = <patients' content type> AND t.xmin = pg_current_xact_id_if_assigned()::xid)
FOR KEY SHARE) AS held;

SELECT EXISTS (SELECT FROM nexus_assets.work_image_batches_incoming WHERE reason IS NOT NULL)
    OR EXISTS (SELECT FROM nexus_assets.reject WHERE entity = 'image_batches' AND resolved_load IS NULL);

CREATE UNLOGGED TABLE nexus_assets.work_image_batches_rejected AS
    SELECT row_number, source_id, row_hash, reason, reason_column AS column_name,
           row_number() OVER (PARTITION BY row_hash, reason, reason_column ORDER BY row_number) AS k
    FROM nexus_assets.work_image_batches_incoming WHERE reason IS NOT NULL;
    CREATE UNLOGGED TABLE nexus_assets.work_image_batches_known_rejects AS
    SELECT id, row_hash, reason, column_name, row_number,
           row_number() OVER (PARTITION BY row_hash, reason, column_name ORDER BY id) AS k
    FROM nexus_assets.reject AS r WHERE entity = 'image_batches' AND resolved_load IS NULL
      AND NOT EXISTS (SELECT FROM nexus_assets.work_image_batches_standing AS s WHERE s.id = r.id);
    UPDATE nexus_assets.reject AS r SET resolved_load = <load> FROM nexus_assets.work_image_batches_known_rejects AS n
    WHERE r.id = n.id
        AND NOT EXISTS (SELECT FROM nexus_assets.work_image_batches_rejected AS x WHERE (x.row_hash, x.reason, x.k) = (n.row_hash, n.reason, n.k) AND x.column_name IS NOT DISTINCT FROM n.column_name);
    WITH written AS (
    UPDATE nexus_assets.reject AS r SET row_number = now.row_number FROM (
      SELECT n.id, x.row_number FROM nexus_assets.work_image_batches_known_rejects AS n
          JOIN nexus_assets.work_image_batches_rejected AS x ON (x.row_hash, x.reason, x.k) = (n.row_hash, n.reason, n.k)
          AND x.column_name IS NOT DISTINCT FROM n.column_name WHERE n.row_number <> x.row_number
      UNION ALL
      SELECT id, row_number FROM nexus_assets.work_image_batches_standing WHERE row_before <> row_number
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
SELECT 'image_batches', x.row_number, nexus_assets.read_text(s.group_id), x.reason, x.column_name, x.row_hash,
       jsonb_strip_nulls(jsonb_build_object('group_id', s.group_id, 'date', s."date", 'id_Contact', s."id_Contact")),
           <load>
FROM (SELECT * FROM nexus_assets.work_image_batches_rejected AS x WHERE NOT EXISTS (SELECT FROM nexus_assets.work_image_batches_known_rejects AS n WHERE (x.row_hash, x.reason, x.k) = (n.row_hash, n.reason, n.k) AND x.column_name IS NOT DISTINCT FROM n.column_name)) AS x
    JOIN nexus_assets.work_image_batches_groups AS s USING (row_number) ORDER BY x.row_number;

SET LOCAL enable_nestloop = off;

WITH written AS (
UPDATE nexus_assets.identity_image_batches AS l SET vanished_load = NULL WHERE vanished_load IS NOT NULL AND EXISTS (SELECT FROM nexus_assets.work_image_batches_seen AS s WHERE s.source_id = l.source_id) RETURNING l.source_id, to_jsonb(l) AS content)
INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
    ARRAY['nexus_assets','identity_image_batches'], concat_ws(' ', w.source_id::text), CASE
    WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
    CASE WHEN was.content IS NULL THEN w.content
    ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
FROM written AS w
  LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_image_batches AS o WHERE o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

SET LOCAL enable_nestloop TO DEFAULT;

SELECT notices, count(*), min(row_number) FROM (
  SELECT notices, row_number FROM nexus_assets.work_image_batches_seen WHERE notices IS NOT NULL AND settled
  UNION ALL
  SELECT l.notices, i.row_number FROM nexus_assets.work_image_batches_incoming AS i
      JOIN nexus_assets.identity_image_batches AS l USING (source_id)
  WHERE l.notices IS NOT NULL AND i.reason IS NULL
) AS told GROUP BY 1;

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

WITH forgotten AS (
          UPDATE nexus_assets.load AS l SET undoable = FALSE
          WHERE l.entity = 'image_batches' AND l.undoable AND (false OR l.id < (
    SELECT x.id FROM nexus_assets.load AS x WHERE x.entity = 'image_batches' AND x.undoable
      AND (x.outcomes ->> 'inserted' <> '0' OR EXISTS (SELECT FROM nexus_assets.before_value AS b WHERE b.load_id = x.id))
    ORDER BY x.id DESC OFFSET 9 LIMIT 1
)) RETURNING l.id
        )
        DELETE FROM nexus_assets.before_value AS b USING forgotten AS f WHERE b.load_id = f.id;

DELETE FROM nexus_assets.reject AS x
    WHERE (SELECT max(id) FROM nexus_assets.load WHERE entity = 'image_batches' AND finished_at < now() - make_interval(days => 365)) IS NOT NULL
    AND entity = 'image_batches'
    AND resolved_load <= (SELECT max(id) FROM nexus_assets.load WHERE entity = 'image_batches' AND finished_at < now() - make_interval(days => 365))
    AND NOT EXISTS (SELECT FROM nexus_assets.load AS u WHERE u.id = x.resolved_load AND u.undoable); DELETE
    FROM nexus_assets.conflict AS x
    WHERE (SELECT max(id) FROM nexus_assets.load WHERE entity = 'image_batches' AND finished_at < now() - make_interval(days => 365)) IS NOT NULL
    AND entity = 'image_batches'
    AND resolved_load <= (SELECT max(id) FROM nexus_assets.load WHERE entity = 'image_batches' AND finished_at < now() - make_interval(days => 365))
    AND NOT EXISTS (SELECT FROM nexus_assets.load AS u WHERE u.id = x.resolved_load AND u.undoable); DELETE
    FROM nexus_assets.correction AS x WHERE entity = 'image_batches'
    AND idle_since < now() - make_interval(days => 365); DELETE FROM nexus_assets.undone AS x
    WHERE entity = 'image_batches' AND undone_at < now() - make_interval(days => 365); DELETE
    FROM nexus_assets.load AS x WHERE entity = 'image_batches' AND finished_at < now() - make_interval(days => 365)
    AND id NOT IN (SELECT id FROM nexus_assets.load WHERE entity = 'image_batches' ORDER BY id DESC LIMIT 2)
    AND NOT (undoable AND (outcomes ->> 'inserted' <> '0' OR EXISTS (SELECT FROM nexus_assets.before_value AS b WHERE b.load_id = x.id)))
    AND NOT EXISTS (SELECT FROM nexus_assets.reject AS r WHERE r.entity = 'image_batches' AND r.first_load = x.id AND r.resolved_load IS NULL);

SELECT relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'nexus_assets'
    AND c.relkind = 'r' AND starts_with(relname, %s) ORDER BY c.oid;

DROP TABLE nexus_assets.work_image_batches_export, nexus_assets.work_image_batches_listing,
    nexus_assets.work_image_batches_dates_of_records, nexus_assets.work_image_batches_records,
    nexus_assets.work_image_batches_groups, nexus_assets.work_image_batches_seen,
    nexus_assets.work_image_batches_repeated, nexus_assets.work_image_batches_standing,
    nexus_assets.work_image_batches_pending, nexus_assets.work_image_batches_dates,
    nexus_assets.work_image_batches_incoming, nexus_assets.work_image_batches_recognised,
    nexus_assets.work_image_batches_decided, nexus_assets.work_image_batches_followed,
    nexus_assets.work_image_batches_changes, nexus_assets.work_image_batches_kept,
    nexus_assets.work_image_batches_entries, nexus_assets.work_image_batches_rejected,
    nexus_assets.work_image_batches_known_rejects;

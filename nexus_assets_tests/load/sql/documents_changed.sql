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

SELECT DISTINCT c.column_name FROM nexus_assets.conflict AS c
    JOIN nexus_assets.identity_documents AS l USING (source_id)
WHERE c.entity = 'documents' AND c.resolved_load IS NULL AND (c.decision = 'filemaker' OR c.cause = 'refused')
    AND l.vanished_load IS NULL;

SELECT nextval(pg_get_serial_sequence('nexus_assets.load', 'id')), (SELECT coalesce(max(id), 0) FROM nexus_assets.load);

CREATE UNLOGGED TABLE nexus_assets.work_documents_export (row_number bigint GENERATED ALWAYS AS IDENTITY, c0 text, c1 text, c2 text, c3 text, c4 text, c5 text, c6 text);

COPY nexus_assets.work_documents_export (c0, c1, c2, c3, c4, c5, c6)
    FROM STDIN WITH (FORMAT csv, ENCODING 'UTF8', delimiter ',', quote '"');

SELECT count(*), extract(epoch FROM max(corrected_at))::text FROM nexus_assets.correction WHERE export = 'Docs';

CREATE UNLOGGED TABLE nexus_assets.work_documents_listing (
row_number bigint GENERATED ALWAYS AS IDENTITY, key text, file_name text, size bigint, etag text,
mime_type text, record_key text, is_thumbnail boolean);

COPY nexus_assets.work_documents_listing (key, file_name, size, etag, mime_type, record_key, is_thumbnail)
    FROM STDIN WITH (FORMAT csv);

ANALYZE nexus_assets.work_documents_listing, nexus_assets.work_documents_export;

WITH found AS (
  SELECT heading, code, count(*) AS cells, min(row_number) AS first
  FROM nexus_assets.work_documents_export AS s,
      LATERAL (VALUES ('id', s.c1), ('Type', s.c6), ('Date', s.c0), ('id_Contact', s.c2), ('id_Order', s.c3), ('imported', s.c4), ('num', s.c5)) AS cell(heading, text),
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
  WHERE (concat_ws(E'\x1F', '', CASE WHEN octet_length(s.c1) <= 35 THEN s.c1 END, CASE WHEN octet_length(s.c6) <= 35 THEN s.c6 END, CASE WHEN octet_length(s.c0) <= 35 THEN s.c0 END, CASE WHEN octet_length(s.c2) <= 35 THEN s.c2 END, CASE WHEN octet_length(s.c3) <= 35 THEN s.c3 END, CASE WHEN octet_length(s.c4) <= 35 THEN s.c4 END, CASE WHEN octet_length(s.c5) <= 35 THEN s.c5 END, '')
           ~ '[<#&?=''\\\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]|_x00|[0-9]([eE][-+]|[.]0)|[0-9]{16}|\x1F[(]?(NULL|null|NaN|nan)[)]?\x1F'
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
          OR (octet_length(s.c5) > 35 AND (
      strpos(s.c5, '&') > 0 OR strpos(s.c5, '_x00') > 0
      OR octet_length(s.c5) <= 60 AND (strpos(s.c5, '<') > 0 OR strpos(s.c5, '#') > 0)
      OR s.c5 LIKE '="%' OR octet_length(s.c5) >= 32767
      OR octet_length(s.c5) <> length(s.c5) AND s.c5 ~ '[\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ]')))
    AND code IS NOT NULL
  GROUP BY 1, 2
), columns AS MATERIALIZED (
  SELECT max(octet_length(s.c1)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c1)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c6)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c6)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c0)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c0)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c2)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c2)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c3)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c3)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c4)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c4)) BETWEEN 65535 AND 4 * 65536
      OR max(octet_length(s.c5)) BETWEEN 255 AND 4 * 255 OR max(octet_length(s.c5)) BETWEEN 65535
      AND 4 * 65536 AS may_be_cut FROM nexus_assets.work_documents_export AS s
), long AS (
  SELECT heading, length(text) AS long, count(*) AS cells, min(row_number) AS first
  FROM nexus_assets.work_documents_export AS s,
      LATERAL (VALUES ('id', s.c1), ('Type', s.c6), ('Date', s.c0), ('id_Contact', s.c2), ('id_Order', s.c3), ('imported', s.c4), ('num', s.c5)) AS cell(heading, text)
  WHERE (SELECT may_be_cut FROM columns)
      AND greatest(octet_length(s.c1), octet_length(s.c6), octet_length(s.c0), octet_length(s.c2), octet_length(s.c3), octet_length(s.c4), octet_length(s.c5)) >= 255
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
      FROM nexus_assets.work_documents_export AS s, LATERAL (VALUES ('Date', s.c0)) AS cell(heading, text)
      WHERE text IS NOT NULL AND EXISTS (SELECT FROM nexus_assets.work_documents_export AS s WHERE s.c0 LIKE '____-__-__%') GROUP BY 1, 2) AS texts,
  LATERAL (SELECT text ~ '^\d{4}-\d\d-\d\d' AS is_iso,
                       regexp_match(text, '^\s*(\d{1,2})[/.-](\d{1,2})[/.-]\d{2,4}') AS said) AS form
WHERE is_iso OR said IS NOT NULL
GROUP BY 1
HAVING count(*) FILTER (WHERE is_iso) > 0 AND count(said) > 0
   AND bool_and(CASE WHEN is_iso THEN substr(text, 9, 2) <= '12' ELSE greatest(said[1]::int, said[2]::int) > 12 END);

CREATE UNLOGGED TABLE nexus_assets.work_documents_records AS
    SELECT f.row_number, CASE WHEN rival.key IS NOT NULL THEN 'ambiguous_file'
        WHEN x.variants > 1 THEN 'ambiguous_record'   END AS flaw, x.export_row, f.key, f.file_name,
        f.size::text AS size, f.mime_type,
           'clinic'::text AS bucket, 's3://' || 'clinic' || '/' || f.key AS url,
           CASE WHEN rival.key IS NULL THEN f.record_key END AS record_key, rival.names AS claimed_by,
           t.key AS thumbnail_key, t.size::text AS thumbnail_size, x.id, x."Type", x."Date", x."id_Contact",
               x."id_Order", x.imported, x.num
    FROM nexus_assets.work_documents_listing AS f
    LEFT JOIN (
    WITH several AS MATERIALIZED (SELECT record_key FROM nexus_assets.work_documents_listing WHERE NOT is_thumbnail GROUP BY 1 HAVING count(*) > 1)
    SELECT f.key, shared.names FROM nexus_assets.work_documents_listing AS f JOIN (
      SELECT record_key,
          string_agg(
            coalesce(
              substring(
                key FROM '(
                  ?i)((?:[0-9]+|[0-9a-f-]{36})\.[a-z0-9]{1,5}(?:/[0-9a-f-]{36}\.[a-z0-9]{1,5})?)$'), '…'), ',
                      ' ORDER BY key)
        || CASE WHEN count(DISTINCT substring(key FROM '[^/]+$')) < count(*) THEN ' (in different folders)'
            ELSE '' END AS names
      FROM nexus_assets.work_documents_listing JOIN several USING (record_key) WHERE NOT is_thumbnail GROUP BY 1) AS shared USING (record_key)
        LEFT JOIN (
          SELECT o.record_key, min(o.key) AS key FROM nexus_assets.work_documents_listing AS o
              JOIN public.documents_document AS t ON t.s3_key = o.key
                   WHERE NOT o.is_thumbnail GROUP BY 1) AS kept USING (record_key)
    WHERE NOT f.is_thumbnail AND f.key <> coalesce(kept.key, '')
) AS rival ON rival.key = f.key
    LEFT JOIN (
    SELECT DISTINCT ON (record_key) * FROM (
      SELECT *, count(*) OVER (PARTITION BY record_key) AS variants FROM (
        SELECT nexus_assets.comparable(id) AS record_key, min(row_number) AS export_row, id, "Type", "Date",
            "id_Contact", "id_Order", imported, num
        FROM (SELECT row_number, nexus_assets.plain_number(c1) AS id, c6 AS "Type", c0 AS "Date", c2 AS "id_Contact", c3 AS "id_Order", c4 AS imported, c5 AS num FROM nexus_assets.work_documents_export OFFSET 0) AS rows
            GROUP BY id, "Type", "Date", "id_Contact", "id_Order", imported, num OFFSET 0
      ) AS keyed
    ) AS claims ORDER BY record_key, export_row
) AS x ON x.record_key = f.record_key AND rival.key IS NULL
    LEFT JOIN (SELECT DISTINCT ON (record_key) record_key, key, size FROM nexus_assets.work_documents_listing WHERE is_thumbnail
               ORDER BY record_key, key) AS t ON t.record_key = f.record_key
    WHERE NOT f.is_thumbnail
; ANALYZE nexus_assets.work_documents_records;

SELECT * FROM nexus_assets.work_documents_records LIMIT 0;

SELECT count(*) FROM (SELECT nexus_assets.plain_number(c1) AS key FROM nexus_assets.work_documents_export OFFSET 0) AS x
    WHERE NOT EXISTS
(SELECT FROM nexus_assets.work_documents_listing AS f WHERE NOT f.is_thumbnail AND f.record_key = nexus_assets.comparable(x.key));

SELECT count(*) FROM nexus_assets.work_documents_records WHERE export_row IS NULL AND flaw IS NULL;

CREATE UNLOGGED TABLE nexus_assets.work_documents_seen AS
SELECT s.row_number, s.source_id, s.row_hash, l.nexus_id AS known_id, t.id IS NOT NULL AS is_live,
       coalesce((l.last_load IS NOT NULL AND l.vanished_load IS NULL), false) AS is_current, l.notices,
       coalesce(
         l.row_hash = s.row_hash AND l.vanished_load IS NULL AND t.id IS NOT NULL AND l.target_hash = t.target_hash
             AND (t.object_id IS NULL OR parent_0.id IS NOT NULL) AND t.object_id IS NOT NULL,
                false) AS settled
FROM (SELECT row_number, nexus_assets.read_uuid(s.record_key) AS source_id, hash_record_extended(ROW(s.record_key, s.file_name, s.size, s.mime_type, s.bucket, s.key, s.url, s."Type", s."Date", s."id_Contact", s."id_Order", s.imported, s.num, s.flaw), <seed>) AS row_hash FROM nexus_assets.work_documents_records AS s OFFSET '0') AS s
LEFT JOIN nexus_assets.identity_documents AS l ON l.source_id = s.source_id
LEFT JOIN (SELECT t.id, t.object_id, hash_record_extended(ROW(t.content_type_id, t.object_id, t.filemaker_id, t.file_name, t.original_name, t.file_size, t.mime_type, t.s3_bucket, t.s3_key, t.s3_url, t.category, t.document_date, t.filemaker_metadata -> 'filemaker_id', t.filemaker_metadata -> 'id_contact', t.filemaker_metadata -> 'id_order', t.filemaker_metadata -> 'imported', t.filemaker_metadata -> 'num', t.filemaker_metadata -> 'type'), 0) AS target_hash FROM public.documents_document AS t OFFSET '0') AS t ON t.id = l.nexus_id
LEFT JOIN public.patients AS parent_0 ON parent_0.id = t.object_id;

ANALYZE nexus_assets.work_documents_seen;

SET LOCAL enable_hashagg = off;

CREATE UNLOGGED TABLE nexus_assets.work_documents_repeated AS
SELECT source_id, min(row_number) AS first_row, min(row_hash) <> max(row_hash) AS differ
FROM nexus_assets.work_documents_seen WHERE source_id IS NOT NULL GROUP BY source_id HAVING count(*) > 1;

SET LOCAL enable_hashagg TO DEFAULT;

ANALYZE nexus_assets.work_documents_repeated;

SET LOCAL enable_nestloop = off;

CREATE UNLOGGED TABLE nexus_assets.work_documents_standing AS
SELECT min(s.row_number) AS row_number, min(r.id) AS id, min(r.row_number) AS row_before, min(r.reason) AS reason
FROM nexus_assets.work_documents_seen AS s JOIN nexus_assets.reject AS r ON r.row_hash = s.row_hash
    JOIN nexus_assets.work_documents_records AS x ON x.row_number = s.row_number
WHERE r.entity = 'documents' AND r.resolved_load IS NULL AND r.column_name IS NULL
  AND s.known_id IS NULL
  AND NOT EXISTS (SELECT FROM nexus_assets.work_documents_repeated AS again WHERE again.source_id = s.source_id)
  AND (r.reason = ANY('{}') OR FALSE)
GROUP BY s.row_hash HAVING count(*) = 1;

SET LOCAL enable_nestloop TO DEFAULT;

ANALYZE nexus_assets.work_documents_standing;

CREATE UNLOGGED TABLE nexus_assets.work_documents_pending AS
SELECT s.row_number, s.source_id, s.row_hash, s.known_id, s.is_live, coalesce(r.differ, false) AS disputed,
    x.record_key AS f0, x.file_name AS f1, x.size AS f2, x.mime_type AS f3, x.bucket AS f4, x.key AS f5, x.url AS f6,
    x."Type" AS f7, x."Date" AS f8, x."id_Contact" AS f9, x."id_Order" AS f10, x.imported AS f11, x.num AS f12,
    x.flaw AS f13, x.export_row AS f14
FROM nexus_assets.work_documents_seen AS s JOIN nexus_assets.work_documents_records AS x USING (row_number)
    LEFT JOIN nexus_assets.work_documents_repeated AS r ON r.source_id = s.source_id
WHERE NOT s.settled
    AND NOT EXISTS (SELECT FROM nexus_assets.work_documents_standing AS n WHERE n.row_number = s.row_number);

ANALYZE nexus_assets.work_documents_pending;

DROP TABLE IF EXISTS nexus_assets.work_documents_dates; CREATE UNLOGGED TABLE nexus_assets.work_documents_dates AS SELECT NULL::text AS field,
    NULL::text AS raw, 0::bigint AS times WHERE false UNION ALL SELECT 'Date'::text AS field, raw, times
    FROM (SELECT s.f8 AS raw, count(*) AS times FROM nexus_assets.work_documents_pending AS s GROUP BY 1) AS different
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
            FROM (SELECT field, times, nexus_assets.comparable(raw) AS text FROM nexus_assets.work_documents_dates) AS dates
            WHERE text ~ concat('^([a-z]+[.,]* )?', -- a weekday
                                '([0-9]{1,2}/[0-9]{1,2}/|[0-9]{1,2}[.][0-9]{1,2}[.]|[0-9]{1,2}-[0-9]{1,2}-)',
                                '([0-9]{4}|[0-9]{2})([^0-9]|$)') OFFSET 0) AS split) AS dates
GROUP BY field ORDER BY field;

ALTER TABLE nexus_assets.work_documents_dates ADD COLUMN value date;UPDATE nexus_assets.work_documents_dates SET value = nexus_assets.read_date(raw, coalesce('{}'::jsonb ->> field, 'mdy'), <today>, '1899-12-30'::date, 'Australia/Sydney');ANALYZE nexus_assets.work_documents_dates;

CREATE UNLOGGED TABLE nexus_assets.work_documents_texts AS SELECT NULL::text AS column_name, NULL::text AS raw,
    NULL::text AS value WHERE FALSE UNION ALL
    SELECT 'category', different.raw,
        (CASE regexp_replace(nexus_assets.comparable(different.raw), '[ _-]+', '', 'g') WHEN 'erf' THEN 'erf' WHEN 'purchaseorder' THEN 'purchase_order' WHEN 'referral' THEN 'referral' WHEN 'enablenswapplication' THEN 'enablensw_application' WHEN 'remittanceadvice' THEN 'remittance_advice' WHEN 'quote' THEN 'quote' WHEN 'medical' THEN 'medical' WHEN 'prescription' THEN 'prescription' WHEN 'xray' THEN 'xray' WHEN 'consent' THEN 'consent' WHEN 'insurance' THEN 'insurance' WHEN 'invoice' THEN 'invoice' WHEN 'other' THEN 'other' ELSE coalesce(regexp_replace(nexus_assets.comparable(different.raw), '[ _-]+', '-', 'g'), '') END)
        FROM (
      SELECT NULL::text AS raw UNION ALL
      (SELECT s.f7 AS raw FROM nexus_assets.work_documents_pending AS s WHERE s.f7 IS NOT NULL GROUP BY 1)) AS different
; ANALYZE nexus_assets.work_documents_texts;

CREATE UNLOGGED TABLE nexus_assets.work_documents_incoming AS
SELECT r.row_number, r.source_id, r.row_hash, r.known_id, r.is_live,
    (coalesce(r.why, CASE WHEN length(r.new_file_name) > 255 THEN ARRAY['too_long', 'file_name'] WHEN length(r.new_original_name) > 255 THEN ARRAY['too_long', 'original_name'] WHEN length(r.new_mime_type) > 100 THEN ARRAY['too_long', 'mime_type'] WHEN length(r.new_s3_bucket) > 255 THEN ARRAY['too_long', 's3_bucket'] WHEN length(r.new_s3_key) > 512 THEN ARRAY['too_long', 's3_key'] WHEN length(r.new_s3_url) > 1024 THEN ARRAY['too_long', 's3_url'] WHEN length(r.new_category) > 100 THEN ARRAY['too_long', 'category'] END))[1] AS reason,
    (coalesce(r.why, CASE WHEN length(r.new_file_name) > 255 THEN ARRAY['too_long', 'file_name'] WHEN length(r.new_original_name) > 255 THEN ARRAY['too_long', 'original_name'] WHEN length(r.new_mime_type) > 100 THEN ARRAY['too_long', 'mime_type'] WHEN length(r.new_s3_bucket) > 255 THEN ARRAY['too_long', 's3_bucket'] WHEN length(r.new_s3_key) > 512 THEN ARRAY['too_long', 's3_key'] WHEN length(r.new_s3_url) > 1024 THEN ARRAY['too_long', 's3_url'] WHEN length(r.new_category) > 100 THEN ARRAY['too_long', 'category'] END))[2] AS reason_column,
       r.described, r.notices, r.new_object_id, r.new_content_type_id, r.named_object_id, r.new_filemaker_id,
           r.new_file_name, r.new_original_name, r.new_file_size, r.new_mime_type, r.new_s3_bucket, r.new_s3_key,
           r.new_s3_url, r.new_category, r.new_document_date, r.new_filemaker_metadata
FROM (
  SELECT s.row_number, s.source_id, s.row_hash, s.known_id, s.is_live, CASE
      WHEN s.f13 IS NOT NULL THEN ARRAY[s.f13, NULL]
      WHEN s.source_id IS NULL THEN ARRAY[CASE WHEN nexus_assets.read_text(s.f0) IS NOT NULL THEN 'bad_id' ELSE 'no_id' END, NULL]
      WHEN s.disputed THEN ARRAY['duplicate_id', NULL]
      WHEN (nexus_assets.read_integer(s.f2) IS NULL AND nexus_assets.read_text(s.f2) IS NOT NULL) THEN ARRAY['file_too_large', 'file_size']
      WHEN (dates_0.raw IS NOT NULL AND dates_0.value IS NULL) THEN ARRAY['unreadable_date', 'document_date'] END AS why,
      s.f14 IS NOT NULL AS described,
         array_remove(ARRAY[]::text[], NULL) AS notices, row_0.id AS new_object_id, CASE
             WHEN row_0.id IS NOT NULL THEN <patients' content type> END AS "new_content_type_id", CASE WHEN "row_0".id IS NULL THEN nexus_assets.read_uuid(
               "s"."f9") END AS "named_object_id", (nexus_assets.read_uuid("s"."f0"))::uuid AS "new_filemaker_id",
                   ("s"."f1")::text AS "new_file_name", ("s"."f1")::text AS "new_original_name",
                   (nexus_assets.read_integer("s"."f2"))::integer AS "new_file_size",
                   ("s"."f3")::text AS "new_mime_type", ("s"."f4")::text AS "new_s3_bucket",
                   ("s"."f5")::text AS "new_s3_key", ("s"."f6")::text AS "new_s3_url",
                   (CASE WHEN "s"."f7" IS NULL THEN "no_text_category".value ELSE "text_category".value END)::text AS "new_category",
                   ("dates_0".value)::date AS "new_document_date",
                   (jsonb_strip_nulls(jsonb_build_object('filemaker_id', nexus_assets.read_text("s"."f0"), 'id_contact', nexus_assets.read_text("s"."f9"), 'id_order', nexus_assets.read_text("s"."f10"), 'imported', nexus_assets.read_text("s"."f11"), 'num', nexus_assets.read_text("s"."f12"), 'type', nexus_assets.read_text("s"."f7"))))::jsonb AS "new_filemaker_metadata"
  FROM "nexus_assets"."work_documents_pending" AS s
  LEFT JOIN (
    SELECT k.source_id AS named, t.* FROM "nexus_assets"."identity_patients" AS k
        JOIN "public"."patients" AS t ON t.id = k.nexus_id
                      WHERE coalesce(nexus_assets.read_uuid("t"."filemaker_metadata" ->> 'filemaker_id') = k.source_id, TRUE)) AS "row_0" ON "row_0".named = nexus_assets.read_uuid("s"."f9")
                          LEFT JOIN "nexus_assets"."work_documents_texts" AS "no_text_category" ON "no_text_category".column_name = 'category'
                          AND "no_text_category".raw IS NULL
                          LEFT JOIN "nexus_assets"."work_documents_texts" AS "text_category" ON "text_category".column_name = 'category'
                          AND "text_category".raw = "s"."f7"
                          LEFT JOIN "nexus_assets"."work_documents_dates" AS "dates_0" ON "dates_0".field = 'Date'
                          AND "dates_0".raw = "s"."f8" OFFSET '0'
) AS r;

ANALYZE nexus_assets.work_documents_incoming;

CREATE UNLOGGED TABLE nexus_assets.work_documents_recognised (source_id uuid NOT NULL, nexus_id uuid NOT NULL);

SELECT EXISTS (
    SELECT i.* FROM nexus_assets.work_documents_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_documents_recognised AS r WHERE r.source_id = i.source_id)
) AND EXISTS (
    SELECT t.* FROM public.documents_document AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_documents AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_documents_recognised AS r WHERE r.nexus_id = t.id)
);

SET LOCAL enable_nestloop = off;

INSERT INTO nexus_assets.work_documents_recognised
    SELECT i.source_id, t.id AS nexus_id FROM (
    SELECT i.* FROM nexus_assets.work_documents_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_documents_recognised AS r WHERE r.source_id = i.source_id)
) AS i JOIN (
    SELECT t.* FROM public.documents_document AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_documents AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_documents_recognised AS r WHERE r.nexus_id = t.id)
) AS t
    ON t.id = nexus_assets.minted_id('documents', i.source_id::text);

SET LOCAL enable_nestloop TO DEFAULT;

ANALYZE nexus_assets.work_documents_recognised;

SELECT EXISTS (
    SELECT i.* FROM nexus_assets.work_documents_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_documents_recognised AS r WHERE r.source_id = i.source_id)
) AND EXISTS (
    SELECT t.* FROM public.documents_document AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_documents AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_documents_recognised AS r WHERE r.nexus_id = t.id)
);

SET LOCAL enable_nestloop = off;

INSERT INTO nexus_assets.work_documents_recognised
    SELECT DISTINCT ON (source_id) source_id, nexus_id FROM (
      SELECT i.source_id, t.id AS nexus_id, t.uploaded_at AS made_at,
             CASE
                 WHEN count(*) OVER (PARTITION BY i.source_id) > 1 THEN (EXISTS (SELECT FROM public.contact_relationships AS x WHERE x.from_content_type_id = 55 AND x.from_object_id = t.id) OR EXISTS (SELECT FROM public.contact_relationships AS x WHERE x.to_content_type_id = 55 AND x.to_object_id = t.id) OR EXISTS (SELECT FROM public.documents_document AS x WHERE x.content_type_id = 55 AND x.object_id = t.id) OR EXISTS (SELECT FROM public.images_batch AS x WHERE x.content_type_id = 55 AND x.object_id = t.id)) END AS is_referenced
      FROM (
    SELECT i.* FROM nexus_assets.work_documents_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_documents_recognised AS r WHERE r.source_id = i.source_id)
) AS i JOIN (
    SELECT t.* FROM public.documents_document AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_documents AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_documents_recognised AS r WHERE r.nexus_id = t.id)
) AS t ON t.filemaker_id = i.source_id
    ) AS candidates ORDER BY source_id, is_referenced DESC NULLS LAST, made_at DESC NULLS LAST, nexus_id;

SET LOCAL enable_nestloop TO DEFAULT;

ANALYZE nexus_assets.work_documents_recognised;

SELECT EXISTS (
    SELECT i.* FROM nexus_assets.work_documents_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_documents_recognised AS r WHERE r.source_id = i.source_id)
) AND EXISTS (
    SELECT t.* FROM public.documents_document AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_documents AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_documents_recognised AS r WHERE r.nexus_id = t.id)
);

SET LOCAL enable_nestloop = off;

INSERT INTO nexus_assets.work_documents_recognised
    SELECT m.source_id, o.nexus_id FROM (
      SELECT i.source_id, hash_record_extended(ROW(nexus_assets.read_text(i.new_s3_key)), 0) AS content,
          row_number() OVER (PARTITION BY hash_record_extended(ROW(nexus_assets.read_text(i.new_s3_key)), 0) ORDER BY i.row_number) AS k
      FROM (
    SELECT i.* FROM nexus_assets.work_documents_incoming AS i WHERE i.reason IS NULL AND NOT i.is_live
      AND NOT EXISTS (SELECT FROM nexus_assets.work_documents_recognised AS r WHERE r.source_id = i.source_id)
) AS i
    ) AS m JOIN (
      SELECT t.id AS nexus_id, hash_record_extended(ROW(nexus_assets.read_text(t.s3_key)), 0) AS content,
             row_number() OVER (PARTITION BY hash_record_extended(ROW(nexus_assets.read_text(t.s3_key)), 0) ORDER BY t.uploaded_at, t.id) AS k
      FROM (
    SELECT t.* FROM public.documents_document AS t
    WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_documents AS l WHERE l.nexus_id = t.id)
      AND NOT EXISTS (SELECT FROM nexus_assets.work_documents_recognised AS r WHERE r.nexus_id = t.id)
) AS t WHERE TRUE AND t.filemaker_id IS NULL
    ) AS o USING (content, k);

SET LOCAL enable_nestloop TO DEFAULT;

-- 2 times:
ANALYZE nexus_assets.work_documents_recognised;

CREATE UNLOGGED TABLE nexus_assets.work_documents_decided AS
    SELECT i.row_number, i.source_id, i.known_id,
           CASE WHEN i.is_live THEN i.known_id
                ELSE coalesce(r.nexus_id, i.known_id,
    CASE
        WHEN EXISTS (SELECT FROM nexus_assets.identity_documents AS k WHERE k.nexus_id = nexus_assets.minted_id('documents', i.source_id::text))
         THEN (SELECT other.id FROM generate_series(1, 99) AS n,
                 LATERAL (SELECT nexus_assets.minted_id('documents', concat_ws('/', i.source_id, n)) AS id) AS other
               WHERE NOT EXISTS (SELECT FROM nexus_assets.identity_documents AS k WHERE k.nexus_id = other.id)
                 AND NOT EXISTS (SELECT FROM public.documents_document AS t WHERE t.id = other.id) ORDER BY n LIMIT 1)
         ELSE nexus_assets.minted_id('documents', i.source_id::text) END
) END AS nexus_id,
           CASE WHEN i.is_live AND l.last_load IS NOT NULL THEN 'compare'
                WHEN i.is_live OR r.nexus_id IS NOT NULL THEN 'adopt'
                WHEN i.known_id IS NOT NULL THEN 'restore' ELSE 'insert' END AS action
    FROM nexus_assets.work_documents_incoming AS i
        LEFT JOIN nexus_assets.work_documents_recognised AS r ON r.source_id = i.source_id
    LEFT JOIN nexus_assets.identity_documents AS l ON l.source_id = i.source_id
    WHERE i.reason IS NULL;

ANALYZE nexus_assets.work_documents_decided;

WITH said AS (
  SELECT "the row" AS row_number, "the id" AS nexus_id, "is new" AS is_new, filemaker_id AS "key 0"
      FROM (SELECT i.row_number AS "the row", d.nexus_id AS "the id", TRUE AS "is new", i.new_filemaker_id::uuid AS filemaker_id FROM nexus_assets.work_documents_decided AS d JOIN nexus_assets.work_documents_incoming AS i USING (row_number) WHERE d.action IN ('insert', 'restore')) AS n
      WHERE TRUE
), claims AS (
  SELECT * FROM said AS n WHERE n."key 0" IS NOT NULL
), refused AS (
  SELECT n.row_number FROM claims AS n
  WHERE EXISTS (SELECT FROM public.documents_document AS o WHERE TRUE AND o.id <> n.nexus_id AND filemaker_id = n."key 0")
  UNION
  SELECT row_number FROM (
    SELECT n.row_number, row_number() OVER (PARTITION BY n."key 0" ORDER BY n.is_new DESC, n.row_number) AS place
        FROM claims AS n
  ) AS n WHERE place > 1
), rejected AS (
  UPDATE nexus_assets.work_documents_incoming AS i SET reason = 'already_there', reason_column = 'filemaker_id'
  FROM refused AS r WHERE i.row_number = r.row_number
),
    undecided AS (DELETE FROM nexus_assets.work_documents_decided AS d USING refused AS r WHERE d.row_number = r.row_number)
SELECT count(*), min(row_number) FROM refused;

SELECT (SELECT count(*) FROM nexus_assets.identity_documents AS l WHERE (l.last_load IS NOT NULL AND l.vanished_load IS NULL)),
    count(*) FROM nexus_assets.work_documents_seen WHERE is_current;

SELECT reason, count(*), count(*) FILTER (WHERE new_file_name IS NULL),
    count(*) FILTER (WHERE new_original_name IS NULL), count(*) FILTER (WHERE new_file_size IS NULL),
    count(*) FILTER (WHERE new_mime_type IS NULL), count(*) FILTER (WHERE new_s3_bucket IS NULL),
    count(*) FILTER (WHERE new_s3_key IS NULL), count(*) FILTER (WHERE new_s3_url IS NULL),
    count(*) FILTER (WHERE new_category IS NULL) FROM nexus_assets.work_documents_incoming GROUP BY 1 ORDER BY 2 DESC, 1;

SELECT reason, count(*) FROM nexus_assets.work_documents_standing GROUP BY 1;

CREATE UNLOGGED TABLE nexus_assets.work_documents_followed AS
SELECT source_id, known_id AS old_id, nexus_id AS new_id FROM nexus_assets.work_documents_decided
WHERE action = 'adopt' AND known_id <> nexus_id;

CREATE UNLOGGED TABLE nexus_assets.work_documents_lost AS SELECT l.source_id, l.nexus_id
    FROM nexus_assets.identity_documents AS l
WHERE NOT EXISTS (SELECT FROM public.documents_document AS t WHERE t.id = l.nexus_id)
  AND NOT EXISTS (SELECT FROM nexus_assets.work_documents_decided AS d WHERE d.source_id = l.source_id);

SELECT DISTINCT t.content_type_id FROM nexus_assets.work_documents_decided AS d
    JOIN public.documents_document AS t ON t.id = d.nexus_id WHERE t.content_type_id <> <patients' content type>;

CREATE UNLOGGED TABLE nexus_assets.work_documents_changes AS
    SELECT row_number, source_id, nexus_id, action, writes_object_id IS TRUE AS write_object_id,
        writes_object_id IS FALSE AS keep_object_id, writes_filemaker_id IS TRUE AS write_filemaker_id,
        writes_filemaker_id IS FALSE AS keep_filemaker_id, writes_file_name IS TRUE AS write_file_name,
        writes_file_name IS FALSE AS keep_file_name, writes_original_name IS TRUE AS write_original_name,
        writes_original_name IS FALSE AS keep_original_name, writes_file_size IS TRUE AS write_file_size,
        writes_file_size IS FALSE AS keep_file_size, writes_mime_type IS TRUE AS write_mime_type,
        writes_mime_type IS FALSE AS keep_mime_type, writes_s3_bucket IS TRUE AS write_s3_bucket,
        writes_s3_bucket IS FALSE AS keep_s3_bucket, writes_s3_key IS TRUE AS write_s3_key,
        writes_s3_key IS FALSE AS keep_s3_key, writes_s3_url IS TRUE AS write_s3_url,
        writes_s3_url IS FALSE AS keep_s3_url, writes_category IS TRUE AS write_category,
        writes_category IS FALSE AS keep_category, writes_document_date IS TRUE AS write_document_date,
        writes_document_date IS FALSE AS keep_document_date,
        writes_filemaker_metadata IS TRUE AS write_filemaker_metadata,
        writes_filemaker_metadata IS FALSE AS keep_filemaker_metadata
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
    WHEN ((t.filemaker_id IS DISTINCT FROM i.new_filemaker_id AND ((d.action = 'adopt' AND coalesce(t.filemaker_id IS NULL OR FALSE, FALSE)) OR coalesce(l.base_filemaker_id = hash_record_extended(ROW(t.filemaker_id), 0), FALSE) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND i.new_filemaker_id IS NULL)))) AND (i.new_filemaker_id IS NOT NULL)) THEN (t.filemaker_id IS NULL OR coalesce(l.base_filemaker_id = hash_record_extended(ROW(t.filemaker_id), 0), FALSE)) END AS writes_filemaker_id,
    CASE
    WHEN (t.file_name IS DISTINCT FROM i.new_file_name AND nullif(t.file_name, '')::character varying(255) IS DISTINCT FROM nullif(i.new_file_name, '')::character varying(255) AND ((d.action = 'adopt' AND coalesce(nullif(t.file_name, '')::character varying(255) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_file_name = hash_record_extended(ROW(t.file_name), 0), FALSE) OR coalesce(l.base_file_name = hash_record_extended(ROW(nullif(t.file_name, '')::character varying(255)), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_file_name, '') = coalesce(NULL::text, ''))))) THEN ((d.action = 'adopt' AND coalesce(nullif(t.file_name, '')::character varying(255) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_file_name = hash_record_extended(ROW(t.file_name), 0), FALSE) OR coalesce(l.base_file_name = hash_record_extended(ROW(nullif(t.file_name, '')::character varying(255)), 0), FALSE))) END AS writes_file_name,
    CASE
    WHEN (t.original_name IS DISTINCT FROM i.new_original_name AND nullif(t.original_name, '')::character varying(255) IS DISTINCT FROM nullif(i.new_original_name, '')::character varying(255) AND ((d.action = 'adopt' AND coalesce(nullif(t.original_name, '')::character varying(255) IS NULL OR FALSE OR t.original_name::text = regexp_replace(t.s3_key::text, '^.*/', ''), FALSE)) OR (coalesce(l.base_original_name = hash_record_extended(ROW(t.original_name), 0), FALSE) OR coalesce(l.base_original_name = hash_record_extended(ROW(nullif(t.original_name, '')::character varying(255)), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_original_name, '') = coalesce(NULL::text, ''))))) THEN ((d.action = 'adopt' AND coalesce(nullif(t.original_name, '')::character varying(255) IS NULL OR FALSE OR t.original_name::text = regexp_replace(t.s3_key::text, '^.*/', ''), FALSE)) OR (coalesce(l.base_original_name = hash_record_extended(ROW(t.original_name), 0), FALSE) OR coalesce(l.base_original_name = hash_record_extended(ROW(nullif(t.original_name, '')::character varying(255)), 0), FALSE))) END AS writes_original_name,
    CASE
    WHEN (t.file_size IS DISTINCT FROM i.new_file_size AND ((d.action = 'adopt' AND coalesce(t.file_size IS NULL OR FALSE, FALSE)) OR coalesce(l.base_file_size = hash_record_extended(ROW(t.file_size), 0), FALSE) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND i.new_file_size IS NULL)))) THEN ((d.action = 'adopt' AND coalesce(t.file_size IS NULL OR FALSE, FALSE)) OR coalesce(l.base_file_size = hash_record_extended(ROW(t.file_size), 0), FALSE)) END AS writes_file_size,
    CASE
    WHEN (t.mime_type IS DISTINCT FROM i.new_mime_type AND nullif(t.mime_type, '')::character varying(100) IS DISTINCT FROM nullif(i.new_mime_type, '')::character varying(100) AND ((d.action = 'adopt' AND coalesce(nullif(t.mime_type, '')::character varying(100) IS NULL OR FALSE OR t.mime_type::text ILIKE ANY (ARRAY['image/jpeg','application/octet-stream','binary/octet-stream']), FALSE)) OR (coalesce(l.base_mime_type = hash_record_extended(ROW(t.mime_type), 0), FALSE) OR coalesce(l.base_mime_type = hash_record_extended(ROW(nullif(t.mime_type, '')::character varying(100)), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_mime_type, '') = coalesce(NULL::text, ''))))) THEN ((d.action = 'adopt' AND coalesce(nullif(t.mime_type, '')::character varying(100) IS NULL OR FALSE OR t.mime_type::text ILIKE ANY (ARRAY['image/jpeg','application/octet-stream','binary/octet-stream']), FALSE)) OR (coalesce(l.base_mime_type = hash_record_extended(ROW(t.mime_type), 0), FALSE) OR coalesce(l.base_mime_type = hash_record_extended(ROW(nullif(t.mime_type, '')::character varying(100)), 0), FALSE))) END AS writes_mime_type,
    CASE
    WHEN (t.s3_bucket IS DISTINCT FROM i.new_s3_bucket AND nullif(t.s3_bucket, '')::character varying(255) IS DISTINCT FROM nullif(i.new_s3_bucket, '')::character varying(255) AND ((d.action = 'adopt' AND coalesce(nullif(t.s3_bucket, '')::character varying(255) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_s3_bucket = hash_record_extended(ROW(t.s3_bucket), 0), FALSE) OR coalesce(l.base_s3_bucket = hash_record_extended(ROW(nullif(t.s3_bucket, '')::character varying(255)), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_s3_bucket, '') = coalesce(NULL::text, ''))))) THEN ((d.action = 'adopt' AND coalesce(nullif(t.s3_bucket, '')::character varying(255) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_s3_bucket = hash_record_extended(ROW(t.s3_bucket), 0), FALSE) OR coalesce(l.base_s3_bucket = hash_record_extended(ROW(nullif(t.s3_bucket, '')::character varying(255)), 0), FALSE))) END AS writes_s3_bucket,
    CASE
    WHEN (t.s3_key IS DISTINCT FROM i.new_s3_key AND nullif(t.s3_key, '')::character varying(512) IS DISTINCT FROM nullif(i.new_s3_key, '')::character varying(512) AND ((d.action = 'adopt' AND coalesce(nullif(t.s3_key, '')::character varying(512) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_s3_key = hash_record_extended(ROW(t.s3_key), 0), FALSE) OR coalesce(l.base_s3_key = hash_record_extended(ROW(nullif(t.s3_key, '')::character varying(512)), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_s3_key, '') = coalesce(NULL::text, ''))))) THEN ((d.action = 'adopt' AND coalesce(nullif(t.s3_key, '')::character varying(512) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_s3_key = hash_record_extended(ROW(t.s3_key), 0), FALSE) OR coalesce(l.base_s3_key = hash_record_extended(ROW(nullif(t.s3_key, '')::character varying(512)), 0), FALSE))) END AS writes_s3_key,
    CASE
    WHEN (t.s3_url IS DISTINCT FROM i.new_s3_url AND nullif(t.s3_url, '')::character varying(1024) IS DISTINCT FROM nullif(i.new_s3_url, '')::character varying(1024) AND ((d.action = 'adopt' AND coalesce(nullif(t.s3_url, '')::character varying(1024) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_s3_url = hash_record_extended(ROW(t.s3_url), 0), FALSE) OR coalesce(l.base_s3_url = hash_record_extended(ROW(nullif(t.s3_url, '')::character varying(1024)), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND coalesce(i.new_s3_url, '') = coalesce(NULL::text, ''))))) THEN ((d.action = 'adopt' AND coalesce(nullif(t.s3_url, '')::character varying(1024) IS NULL OR FALSE, FALSE)) OR (coalesce(l.base_s3_url = hash_record_extended(ROW(t.s3_url), 0), FALSE) OR coalesce(l.base_s3_url = hash_record_extended(ROW(nullif(t.s3_url, '')::character varying(1024)), 0), FALSE))) END AS writes_s3_url,
    CASE
    WHEN (
      (
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
              coalesce((CASE regexp_replace(nexus_assets.comparable(different.raw), '[ _-]+', '', 'g') WHEN 'erf' THEN 'erf' WHEN 'purchaseorder' THEN 'purchase_order' WHEN 'referral' THEN 'referral' WHEN 'enablenswapplication' THEN 'enablensw_application' WHEN 'remittanceadvice' THEN 'remittance_advice' WHEN 'quote' THEN 'quote' WHEN 'medical' THEN 'medical' WHEN 'prescription' THEN 'prescription' WHEN 'xray' THEN 'xray' WHEN 'consent' THEN 'consent' WHEN 'insurance' THEN 'insurance' WHEN 'invoice' THEN 'invoice' WHEN 'other' THEN 'other' ELSE coalesce(regexp_replace(nexus_assets.comparable(different.raw), '[ _-]+', '-', 'g'), '') END), '')
              FROM (
  SELECT DISTINCT t.category::text AS raw FROM public.documents_document AS t) AS different)) OR t.category::text ILIKE ANY (ARRAY['other']) OR FALSE, FALSE))
      OR (coalesce(l.base_category = hash_record_extended(ROW(t.category), 0), FALSE) OR coalesce(l.base_category = hash_record_extended(ROW(nexus_assets.read_text(t.category)::character varying(100)), 0), FALSE))
      OR NOT (
(
  (
    coalesce(
      t.category::text, ''), coalesce(
        i.new_category, '')) IN (
          SELECT coalesce(different.raw, ''),
              coalesce((CASE regexp_replace(nexus_assets.comparable(different.raw), '[ _-]+', '', 'g') WHEN 'erf' THEN 'erf' WHEN 'purchaseorder' THEN 'purchase_order' WHEN 'referral' THEN 'referral' WHEN 'enablenswapplication' THEN 'enablensw_application' WHEN 'remittanceadvice' THEN 'remittance_advice' WHEN 'quote' THEN 'quote' WHEN 'medical' THEN 'medical' WHEN 'prescription' THEN 'prescription' WHEN 'xray' THEN 'xray' WHEN 'consent' THEN 'consent' WHEN 'insurance' THEN 'insurance' WHEN 'invoice' THEN 'invoice' WHEN 'other' THEN 'other' ELSE coalesce(regexp_replace(nexus_assets.comparable(different.raw), '[ _-]+', '-', 'g'), '') END), '')
              FROM (
  SELECT DISTINCT t.category::text AS raw FROM public.documents_document AS t) AS different)) OR (
    (
      d.action = 'adopt' OR l.origin <> 'made') AND coalesce(
        i.new_category, '') = coalesce(
          (
            CASE regexp_replace(
              nexus_assets.comparable(
                NULL::text), '[ _-]+', '', 'g') WHEN 'erf' THEN 'erf' WHEN 'purchaseorder' THEN 'purchase_order' WHEN 'referral' THEN 'referral' WHEN 'enablenswapplication' THEN 'enablensw_application' WHEN 'remittanceadvice' THEN 'remittance_advice' WHEN 'quote' THEN 'quote' WHEN 'medical' THEN 'medical' WHEN 'prescription' THEN 'prescription' WHEN 'xray' THEN 'xray' WHEN 'consent' THEN 'consent' WHEN 'insurance' THEN 'insurance' WHEN 'invoice' THEN 'invoice' WHEN 'other' THEN 'other' ELSE coalesce(
                  regexp_replace(
                    nexus_assets.comparable(
                      NULL::text), '[ _-]+', '-', 'g'), '') END), ''))))) AND i.described) THEN (
                        (
                          d.action = 'adopt'
                              AND coalesce(nexus_assets.read_text(t.category)::character varying(100) IS NULL OR
(
  (
    coalesce(
      t.category::text, ''), coalesce(
        i.new_category, '')) IN (
          SELECT coalesce(different.raw, ''),
              coalesce((CASE regexp_replace(nexus_assets.comparable(different.raw), '[ _-]+', '', 'g') WHEN 'erf' THEN 'erf' WHEN 'purchaseorder' THEN 'purchase_order' WHEN 'referral' THEN 'referral' WHEN 'enablenswapplication' THEN 'enablensw_application' WHEN 'remittanceadvice' THEN 'remittance_advice' WHEN 'quote' THEN 'quote' WHEN 'medical' THEN 'medical' WHEN 'prescription' THEN 'prescription' WHEN 'xray' THEN 'xray' WHEN 'consent' THEN 'consent' WHEN 'insurance' THEN 'insurance' WHEN 'invoice' THEN 'invoice' WHEN 'other' THEN 'other' ELSE coalesce(regexp_replace(nexus_assets.comparable(different.raw), '[ _-]+', '-', 'g'), '') END), '')
              FROM (
  SELECT DISTINCT t.category::text AS raw FROM public.documents_document AS t) AS different)) OR t.category::text ILIKE ANY (ARRAY['other']) OR FALSE, FALSE)) OR (coalesce(l.base_category = hash_record_extended(ROW(t.category), 0), FALSE) OR coalesce(l.base_category = hash_record_extended(ROW(nexus_assets.read_text(t.category)::character varying(100)), 0), FALSE))) END AS writes_category,
      CASE
      WHEN ((t.document_date IS DISTINCT FROM i.new_document_date AND ((d.action = 'adopt' AND coalesce(t.document_date IS NULL OR FALSE, FALSE)) OR coalesce(l.base_document_date = hash_record_extended(ROW(t.document_date), 0), FALSE) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND i.new_document_date IS NULL)))) AND i.described) THEN ((d.action = 'adopt' AND coalesce(t.document_date IS NULL OR FALSE, FALSE)) OR coalesce(l.base_document_date = hash_record_extended(ROW(t.document_date), 0), FALSE)) END AS writes_document_date,
      CASE
      WHEN (((CASE WHEN (coalesce(jsonb_typeof(t.filemaker_metadata), 'null') NOT IN ('object', 'null') AND t.filemaker_metadata NOT IN ('[]', '""')) THEN t.filemaker_metadata ELSE jsonb_strip_nulls(jsonb_build_object('filemaker_id', t.filemaker_metadata -> 'filemaker_id', 'id_contact', t.filemaker_metadata -> 'id_contact', 'id_order', t.filemaker_metadata -> 'id_order', 'imported', t.filemaker_metadata -> 'imported', 'num', t.filemaker_metadata -> 'num', 'type', t.filemaker_metadata -> 'type')) END) IS DISTINCT FROM i.new_filemaker_metadata AND nexus_assets.without_blanks((CASE WHEN (coalesce(jsonb_typeof(t.filemaker_metadata), 'null') NOT IN ('object', 'null') AND t.filemaker_metadata NOT IN ('[]', '""')) THEN t.filemaker_metadata ELSE jsonb_strip_nulls(jsonb_build_object('filemaker_id', t.filemaker_metadata -> 'filemaker_id', 'id_contact', t.filemaker_metadata -> 'id_contact', 'id_order', t.filemaker_metadata -> 'id_order', 'imported', t.filemaker_metadata -> 'imported', 'num', t.filemaker_metadata -> 'num', 'type', t.filemaker_metadata -> 'type')) END)) IS DISTINCT FROM nexus_assets.without_blanks(i.new_filemaker_metadata) AND ((d.action = 'adopt' AND coalesce((i.new_filemaker_metadata @> (nexus_assets.without_blanks((CASE WHEN (coalesce(jsonb_typeof(t.filemaker_metadata), 'null') NOT IN ('object', 'null') AND t.filemaker_metadata NOT IN ('[]', '""')) THEN t.filemaker_metadata ELSE jsonb_strip_nulls(jsonb_build_object('filemaker_id', t.filemaker_metadata -> 'filemaker_id', 'id_contact', t.filemaker_metadata -> 'id_contact', 'id_order', t.filemaker_metadata -> 'id_order', 'imported', t.filemaker_metadata -> 'imported', 'num', t.filemaker_metadata -> 'num', 'type', t.filemaker_metadata -> 'type')) END)))) OR FALSE, FALSE)) OR (coalesce(l.base_filemaker_metadata = hash_record_extended(ROW((CASE WHEN (coalesce(jsonb_typeof(t.filemaker_metadata), 'null') NOT IN ('object', 'null') AND t.filemaker_metadata NOT IN ('[]', '""')) THEN t.filemaker_metadata ELSE jsonb_strip_nulls(jsonb_build_object('filemaker_id', t.filemaker_metadata -> 'filemaker_id', 'id_contact', t.filemaker_metadata -> 'id_contact', 'id_order', t.filemaker_metadata -> 'id_order', 'imported', t.filemaker_metadata -> 'imported', 'num', t.filemaker_metadata -> 'num', 'type', t.filemaker_metadata -> 'type')) END)), 0), FALSE) OR coalesce(l.base_filemaker_metadata = hash_record_extended(ROW(nexus_assets.without_blanks((CASE WHEN (coalesce(jsonb_typeof(t.filemaker_metadata), 'null') NOT IN ('object', 'null') AND t.filemaker_metadata NOT IN ('[]', '""')) THEN t.filemaker_metadata ELSE jsonb_strip_nulls(jsonb_build_object('filemaker_id', t.filemaker_metadata -> 'filemaker_id', 'id_contact', t.filemaker_metadata -> 'id_contact', 'id_order', t.filemaker_metadata -> 'id_order', 'imported', t.filemaker_metadata -> 'imported', 'num', t.filemaker_metadata -> 'num', 'type', t.filemaker_metadata -> 'type')) END))), 0), FALSE)) OR NOT (FALSE OR ((d.action = 'adopt' OR l.origin <> 'made') AND nexus_assets.without_blanks((CASE WHEN (coalesce(jsonb_typeof(t.filemaker_metadata), 'null') NOT IN ('object', 'null') AND t.filemaker_metadata NOT IN ('[]', '""')) THEN t.filemaker_metadata ELSE jsonb_strip_nulls(jsonb_build_object('filemaker_id', t.filemaker_metadata -> 'filemaker_id', 'id_contact', t.filemaker_metadata -> 'id_contact', 'id_order', t.filemaker_metadata -> 'id_order', 'imported', t.filemaker_metadata -> 'imported', 'num', t.filemaker_metadata -> 'num', 'type', t.filemaker_metadata -> 'type')) END)) @> nexus_assets.without_blanks(i.new_filemaker_metadata))))) AND i.described) THEN ((d.action = 'adopt' AND coalesce((i.new_filemaker_metadata @> (nexus_assets.without_blanks((CASE WHEN (coalesce(jsonb_typeof(t.filemaker_metadata), 'null') NOT IN ('object', 'null') AND t.filemaker_metadata NOT IN ('[]', '""')) THEN t.filemaker_metadata ELSE jsonb_strip_nulls(jsonb_build_object('filemaker_id', t.filemaker_metadata -> 'filemaker_id', 'id_contact', t.filemaker_metadata -> 'id_contact', 'id_order', t.filemaker_metadata -> 'id_order', 'imported', t.filemaker_metadata -> 'imported', 'num', t.filemaker_metadata -> 'num', 'type', t.filemaker_metadata -> 'type')) END)))) OR FALSE, FALSE)) OR (coalesce(l.base_filemaker_metadata = hash_record_extended(ROW((CASE WHEN (coalesce(jsonb_typeof(t.filemaker_metadata), 'null') NOT IN ('object', 'null') AND t.filemaker_metadata NOT IN ('[]', '""')) THEN t.filemaker_metadata ELSE jsonb_strip_nulls(jsonb_build_object('filemaker_id', t.filemaker_metadata -> 'filemaker_id', 'id_contact', t.filemaker_metadata -> 'id_contact', 'id_order', t.filemaker_metadata -> 'id_order', 'imported', t.filemaker_metadata -> 'imported', 'num', t.filemaker_metadata -> 'num', 'type', t.filemaker_metadata -> 'type')) END)), 0), FALSE) OR coalesce(l.base_filemaker_metadata = hash_record_extended(ROW(nexus_assets.without_blanks((CASE WHEN (coalesce(jsonb_typeof(t.filemaker_metadata), 'null') NOT IN ('object', 'null') AND t.filemaker_metadata NOT IN ('[]', '""')) THEN t.filemaker_metadata ELSE jsonb_strip_nulls(jsonb_build_object('filemaker_id', t.filemaker_metadata -> 'filemaker_id', 'id_contact', t.filemaker_metadata -> 'id_contact', 'id_order', t.filemaker_metadata -> 'id_order', 'imported', t.filemaker_metadata -> 'imported', 'num', t.filemaker_metadata -> 'num', 'type', t.filemaker_metadata -> 'type')) END))), 0), FALSE))) END AS writes_filemaker_metadata
      FROM nexus_assets.work_documents_decided AS d
      JOIN nexus_assets.work_documents_incoming AS i USING (row_number)
      JOIN public.documents_document AS t ON t.id = d.nexus_id
      LEFT JOIN nexus_assets.identity_documents AS l ON l.source_id = d.source_id
      LEFT JOIN public.patients AS row_0 ON row_0.id = t.object_id
      WHERE d.action IN ('compare', 'adopt') OFFSET '0'
    ) AS compared;

WITH said AS (
  SELECT "the row" AS row_number, "the id" AS nexus_id, "is new" AS is_new, filemaker_id AS "key 0"
      FROM (SELECT i.row_number AS "the row", d.nexus_id AS "the id", TRUE AS "is new", i.new_filemaker_id::uuid AS filemaker_id FROM nexus_assets.work_documents_decided AS d JOIN nexus_assets.work_documents_incoming AS i USING (row_number) WHERE d.action IN ('insert', 'restore') AND EXISTS (SELECT FROM nexus_assets.work_documents_changes AS c WHERE (c.write_filemaker_id)) UNION ALL SELECT i.row_number AS "the row", c.nexus_id AS "the id", FALSE AS "is new", CASE WHEN c.write_filemaker_id THEN i.new_filemaker_id::uuid ELSE t.filemaker_id END AS filemaker_id FROM nexus_assets.work_documents_changes AS c JOIN nexus_assets.work_documents_incoming AS i USING (row_number) JOIN public.documents_document AS t ON t.id = c.nexus_id WHERE (c.write_filemaker_id)) AS n
      WHERE TRUE
), claims AS (
  SELECT * FROM said AS n WHERE n."key 0" IS NOT NULL
), refused AS (
  SELECT n.row_number FROM claims AS n
  WHERE EXISTS (SELECT FROM public.documents_document AS o WHERE TRUE AND o.id <> n.nexus_id AND filemaker_id = n."key 0")
  UNION
  SELECT row_number FROM (
    SELECT n.row_number, row_number() OVER (PARTITION BY n."key 0" ORDER BY n.is_new DESC, n.row_number) AS place
        FROM claims AS n
  ) AS n WHERE place > 1
), kept AS (
  UPDATE nexus_assets.work_documents_changes AS k SET keep_filemaker_id = k.keep_filemaker_id OR k.write_filemaker_id,
      write_filemaker_id = FALSE FROM refused AS r WHERE k.row_number = r.row_number
  RETURNING k.row_number
)
SELECT count(*), min(row_number) FROM kept;

SELECT bool_or(keep_object_id), bool_or(keep_filemaker_id), bool_or(keep_file_name), bool_or(keep_original_name),
    bool_or(keep_file_size), bool_or(keep_mime_type), bool_or(keep_s3_bucket), bool_or(keep_s3_key),
    bool_or(keep_s3_url), bool_or(keep_category), bool_or(keep_document_date), bool_or(keep_filemaker_metadata)
    FROM nexus_assets.work_documents_changes;

CREATE UNLOGGED TABLE nexus_assets.work_documents_kept AS SELECT NULL::uuid AS source_id, NULL::uuid AS nexus_id,
    NULL::text AS column_name, NULL::text AS cause, NULL::text AS filemaker_value, NULL::text AS nexus_value WHERE FALSE
    UNION ALL
    SELECT c.source_id, c.nexus_id, 'category'::text AS column_name,
           CASE
               WHEN (c.keep_category AND (coalesce(l.base_category = hash_record_extended(ROW(t.category), 0), FALSE) OR coalesce(l.base_category = hash_record_extended(ROW(nexus_assets.read_text(t.category)::character varying(100)), 0), FALSE))) THEN 'refused'
               WHEN l.base_category IS NULL THEN 'adopted' ELSE 'edited' END AS cause,
           i.new_category::text AS filemaker_value, t.category::text AS nexus_value
    FROM nexus_assets.work_documents_changes AS c JOIN nexus_assets.work_documents_incoming AS i USING (row_number)
        JOIN public.documents_document AS t ON t.id = c.nexus_id
    LEFT JOIN nexus_assets.identity_documents AS l ON l.source_id = c.source_id
    WHERE c.keep_category
;
    UPDATE nexus_assets.conflict AS c SET resolved_load = <load>
    WHERE c.entity = 'documents' AND c.resolved_load IS NULL
      AND (EXISTS (SELECT FROM nexus_assets.work_documents_decided AS d WHERE d.source_id = c.source_id)
           OR c.cause = 'deleted' AND NOT EXISTS (SELECT FROM nexus_assets.work_documents_seen AS s WHERE s.source_id = c.source_id))
      AND NOT EXISTS (SELECT FROM nexus_assets.work_documents_kept AS k WHERE (k.source_id, k.column_name) = (c.source_id, c.column_name));
    WITH written AS (
    INSERT INTO nexus_assets.conflict AS c
      (entity, source_id, nexus_id, column_name, cause, filemaker_value, nexus_value, first_load)
    SELECT 'documents', source_id, nexus_id, column_name, cause, filemaker_value, nexus_value, <load>
        FROM nexus_assets.work_documents_kept
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

SELECT count(*), count(c.source_id) FROM nexus_assets.work_documents_seen AS s
LEFT JOIN (SELECT DISTINCT source_id FROM nexus_assets.conflict
           WHERE entity = 'documents' AND resolved_load IS NULL) AS c USING (source_id)
WHERE s.settled;

SELECT count(*) FILTER (WHERE (c.write_object_id OR c.write_filemaker_id OR c.write_file_name OR c.write_original_name OR c.write_file_size OR c.write_mime_type OR c.write_s3_bucket OR c.write_s3_key OR c.write_s3_url OR c.write_category OR c.write_document_date OR c.write_filemaker_metadata)),
    count(*) FILTER (WHERE NOT (c.write_object_id OR c.write_filemaker_id OR c.write_file_name OR c.write_original_name OR c.write_file_size OR c.write_mime_type OR c.write_s3_bucket OR c.write_s3_key OR c.write_s3_url OR c.write_category OR c.write_document_date OR c.write_filemaker_metadata) AND (c.keep_object_id OR c.keep_filemaker_id OR c.keep_file_name OR c.keep_original_name OR c.keep_file_size OR c.keep_mime_type OR c.keep_s3_bucket OR c.keep_s3_key OR c.keep_s3_url OR c.keep_category OR c.keep_document_date OR c.keep_filemaker_metadata)),
       count(*) FILTER (WHERE NOT (c.write_object_id OR c.write_filemaker_id OR c.write_file_name OR c.write_original_name OR c.write_file_size OR c.write_mime_type OR c.write_s3_bucket OR c.write_s3_key OR c.write_s3_url OR c.write_category OR c.write_document_date OR c.write_filemaker_metadata) AND NOT (c.keep_object_id OR c.keep_filemaker_id OR c.keep_file_name OR c.keep_original_name OR c.keep_file_size OR c.keep_mime_type OR c.keep_s3_bucket OR c.keep_s3_key OR c.keep_s3_url OR c.keep_category OR c.keep_document_date OR c.keep_filemaker_metadata)),
           count(*) FILTER (WHERE c.action = 'adopt'),
       count(*) FILTER (WHERE FALSE OR c.write_object_id)
FROM nexus_assets.work_documents_changes AS c;

SELECT count(*) FILTER (WHERE action <> 'deleted'), count(*) FILTER (WHERE action = 'restore'),
    count(*) FILTER (WHERE action = 'deleted') FROM nexus_assets.work_documents_decided
    WHERE action IN ('insert', 'restore', 'deleted');

WITH written AS (
   INSERT INTO nexus_assets.superseded AS s (entity, nexus_id, source_id, current_id, load_id)
   SELECT 'patients', taught.old_id, l.source_id, taught.current_id, <load>
   FROM (
     SELECT t.object_id AS old_id, min(i.new_object_id::text)::uuid AS current_id
     FROM nexus_assets.work_documents_changes AS c JOIN nexus_assets.work_documents_incoming AS i USING (row_number)
         JOIN public.documents_document AS t ON t.id = c.nexus_id
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
   UPDATE public.documents_document AS t SET object_id = CASE WHEN c.write_object_id THEN i.new_object_id::uuid
       ELSE t.object_id END, content_type_id = CASE WHEN c.write_object_id THEN i.new_content_type_id
       ELSE t.content_type_id END, filemaker_id = CASE WHEN c.write_filemaker_id THEN i.new_filemaker_id::uuid
       ELSE t.filemaker_id END, file_name = CASE WHEN c.write_file_name THEN i.new_file_name::character varying(255)
       ELSE t.file_name END, original_name = CASE
       WHEN c.write_original_name THEN i.new_original_name::character varying(255) ELSE t.original_name END,
       file_size = CASE WHEN c.write_file_size THEN i.new_file_size::integer ELSE t.file_size END, mime_type = CASE
       WHEN c.write_mime_type THEN i.new_mime_type::character varying(100) ELSE t.mime_type END, s3_bucket = CASE
       WHEN c.write_s3_bucket THEN i.new_s3_bucket::character varying(255) ELSE t.s3_bucket END, s3_key = CASE
       WHEN c.write_s3_key THEN i.new_s3_key::character varying(512) ELSE t.s3_key END, s3_url = CASE
       WHEN c.write_s3_url THEN i.new_s3_url::character varying(1024) ELSE t.s3_url END, category = CASE
       WHEN c.write_category THEN i.new_category::character varying(100) ELSE t.category END, document_date = CASE
       WHEN c.write_document_date THEN i.new_document_date::date ELSE t.document_date END, filemaker_metadata = CASE
       WHEN c.write_filemaker_metadata THEN (CASE jsonb_typeof(t.filemaker_metadata) WHEN 'object' THEN t.filemaker_metadata - ARRAY['filemaker_id','id_contact','id_order','imported','num','type']::text[] ELSE '{}' END || i.new_filemaker_metadata::jsonb)
       ELSE t.filemaker_metadata END, updated_at = now()
   FROM nexus_assets.work_documents_changes AS c JOIN nexus_assets.work_documents_incoming AS i USING (row_number)
   WHERE t.id = c.nexus_id
       AND (c.write_object_id OR c.write_filemaker_id OR c.write_file_name OR c.write_original_name OR c.write_file_size OR c.write_mime_type OR c.write_s3_bucket OR c.write_s3_key OR c.write_s3_url OR c.write_category OR c.write_document_date OR c.write_filemaker_metadata)
RETURNING t.id, (SELECT to_jsonb(v) FROM (SELECT t.object_id, t.content_type_id, t.filemaker_id, t.file_name, t.original_name, t.file_size, t.mime_type, t.s3_bucket, t.s3_key, t.s3_url, t.category, t.document_date, t.filemaker_metadata, t.updated_at) AS v) AS content)
       INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
       SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
           ARRAY['public','documents_document'], concat_ws(' ', w.id::text), CASE
           WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
           CASE WHEN was.content IS NULL THEN w.content
           ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
       FROM written AS w
         LEFT JOIN LATERAL (SELECT (SELECT to_jsonb(v) FROM (SELECT o.object_id, o.content_type_id, o.filemaker_id, o.file_name, o.original_name, o.file_size, o.mime_type, o.s3_bucket, o.s3_key, o.s3_url, o.category, o.document_date, o.filemaker_metadata, o.updated_at) AS v) AS content FROM public.documents_document AS o WHERE o.id = w.id AND TRUE OFFSET 0) AS was ON TRUE;

INSERT INTO public.documents_document (id, content_type_id, object_id, filemaker_id, file_name, original_name, file_size, mime_type, s3_bucket, s3_key, s3_url, category, document_date, filemaker_metadata, description, tags, uploaded_by, uploaded_at, updated_at, is_active)
SELECT d.nexus_id, i.new_content_type_id::integer, i.new_object_id::uuid, i.new_filemaker_id::uuid,
    i.new_file_name::character varying(255), i.new_original_name::character varying(255), i.new_file_size::integer,
    i.new_mime_type::character varying(100), i.new_s3_bucket::character varying(255),
    i.new_s3_key::character varying(512), i.new_s3_url::character varying(1024), i.new_category::character varying(100),
    i.new_document_date::date, i.new_filemaker_metadata::jsonb, ''::text, '[]'::jsonb,
    'FileMaker Import'::character varying(100), now(), now(), true::boolean
    FROM nexus_assets.work_documents_decided AS d JOIN nexus_assets.work_documents_incoming AS i USING (row_number)
WHERE d.action IN ('insert', 'restore') ORDER BY i.new_object_id, d.row_number;

WITH written AS (
   INSERT INTO nexus_assets.identity_documents AS l
     (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, named_object_id, base_object_id, base_filemaker_id, base_file_name, base_original_name, base_file_size, base_mime_type, base_s3_bucket, base_s3_key, base_s3_url, base_category, base_document_date, base_filemaker_metadata)
   SELECT i.source_id, c.nexus_id, i.row_hash,
       hash_record_extended(ROW(t.content_type_id, t.object_id, t.filemaker_id, t.file_name, t.original_name, t.file_size, t.mime_type, t.s3_bucket, t.s3_key, t.s3_url, t.category, t.document_date, t.filemaker_metadata -> 'filemaker_id', t.filemaker_metadata -> 'id_contact', t.filemaker_metadata -> 'id_order', t.filemaker_metadata -> 'imported', t.filemaker_metadata -> 'num', t.filemaker_metadata -> 'type'), 0),
       i.row_number,
       nullif((i.notices || CASE WHEN t.object_id IS NULL THEN ARRAY['unlinked'] ELSE ARRAY[]::text[] END), ARRAY[]::text[]),
       'adopted', <load>, <load>, i.named_object_id,
       CASE WHEN i.new_object_id IS NOT NULL
           OR c.write_object_id THEN hash_record_extended(ROW(i.new_object_id::uuid), 0)
            WHEN l.base_object_id IS NULL AND t.object_id IS NOT DISTINCT
                FROM i.new_object_id::uuid THEN hash_record_extended(ROW(i.new_object_id::uuid), 0)
                ELSE l.base_object_id END
   ,
       CASE WHEN i.new_filemaker_id IS NOT NULL
           OR c.write_filemaker_id THEN hash_record_extended(ROW(i.new_filemaker_id::uuid), 0)
            WHEN l.base_filemaker_id IS NULL AND t.filemaker_id IS NOT DISTINCT
                FROM i.new_filemaker_id::uuid THEN hash_record_extended(ROW(i.new_filemaker_id::uuid), 0)
                ELSE l.base_filemaker_id END
   , hash_record_extended(ROW(i.new_file_name::character varying(255)), 0),
       hash_record_extended(ROW(i.new_original_name::character varying(255)), 0),
       hash_record_extended(ROW(i.new_file_size::integer), 0),
       hash_record_extended(ROW(i.new_mime_type::character varying(100)), 0),
       hash_record_extended(ROW(i.new_s3_bucket::character varying(255)), 0),
       hash_record_extended(ROW(i.new_s3_key::character varying(512)), 0),
       hash_record_extended(ROW(i.new_s3_url::character varying(1024)), 0), CASE
       WHEN (c.keep_category AND (coalesce(l.base_category = hash_record_extended(ROW(t.category), 0), FALSE) OR coalesce(l.base_category = hash_record_extended(ROW(nexus_assets.read_text(t.category)::character varying(100)), 0), FALSE))) THEN l.base_category
       ELSE CASE WHEN i.described THEN hash_record_extended(ROW(i.new_category::character varying(100)), 0)
       ELSE l.base_category END END, CASE WHEN i.described THEN hash_record_extended(ROW(i.new_document_date::date), 0)
       ELSE l.base_document_date END, CASE
       WHEN i.described THEN hash_record_extended(ROW(i.new_filemaker_metadata::jsonb), 0)
       ELSE l.base_filemaker_metadata END
   FROM nexus_assets.work_documents_changes AS c JOIN nexus_assets.work_documents_incoming AS i USING (row_number)
       JOIN public.documents_document AS t ON t.id = c.nexus_id
   LEFT JOIN nexus_assets.identity_documents AS l ON l.source_id = c.source_id
   ORDER BY i.source_id
   ON CONFLICT (source_id) DO UPDATE SET nexus_id = excluded.nexus_id, row_hash = excluded.row_hash,
       target_hash = excluded.target_hash, row_number = excluded.row_number, notices = excluded.notices,
       last_load = excluded.last_load, named_object_id = excluded.named_object_id,
       base_object_id = excluded.base_object_id, base_filemaker_id = excluded.base_filemaker_id,
       base_file_name = excluded.base_file_name, base_original_name = excluded.base_original_name,
       base_file_size = excluded.base_file_size, base_mime_type = excluded.base_mime_type,
       base_s3_bucket = excluded.base_s3_bucket, base_s3_key = excluded.base_s3_key, base_s3_url = excluded.base_s3_url,
       base_category = excluded.base_category, base_document_date = excluded.base_document_date,
       base_filemaker_metadata = excluded.base_filemaker_metadata,
       first_load = coalesce(l.first_load, excluded.first_load)
   WHERE l.last_load IS NULL
       OR (l.nexus_id, l.row_hash, l.target_hash, l.notices, l.named_object_id, l.base_object_id, l.base_filemaker_id, l.base_file_name, l.base_original_name, l.base_file_size, l.base_mime_type, l.base_s3_bucket, l.base_s3_key, l.base_s3_url, l.base_category, l.base_document_date, l.base_filemaker_metadata) IS DISTINCT
       FROM (excluded.nexus_id, excluded.row_hash, excluded.target_hash, excluded.notices, excluded.named_object_id, excluded.base_object_id, excluded.base_filemaker_id, excluded.base_file_name, excluded.base_original_name, excluded.base_file_size, excluded.base_mime_type, excluded.base_s3_bucket, excluded.base_s3_key, excluded.base_s3_url, excluded.base_category, excluded.base_document_date, excluded.base_filemaker_metadata)
RETURNING l.source_id, to_jsonb(l) AS content, l.xmax::text <> '0' AS met)
       INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
       SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
           ARRAY['nexus_assets','identity_documents'], concat_ws(' ', w.source_id::text), CASE
           WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
           CASE WHEN was.content IS NULL THEN w.content
           ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
       FROM written AS w
         LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_documents AS o WHERE w.met AND o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

CREATE UNLOGGED TABLE nexus_assets.work_documents_entries AS
SELECT d.action, i.source_id, d.nexus_id, i.row_hash,
    hash_record_extended(ROW(i.new_content_type_id::integer, i.new_object_id::uuid, i.new_filemaker_id::uuid, i.new_file_name::character varying(255), i.new_original_name::character varying(255), i.new_file_size::integer, i.new_mime_type::character varying(100), i.new_s3_bucket::character varying(255), i.new_s3_key::character varying(512), i.new_s3_url::character varying(1024), i.new_category::character varying(100), i.new_document_date::date, i.new_filemaker_metadata::jsonb -> 'filemaker_id', i.new_filemaker_metadata::jsonb -> 'id_contact', i.new_filemaker_metadata::jsonb -> 'id_order', i.new_filemaker_metadata::jsonb -> 'imported', i.new_filemaker_metadata::jsonb -> 'num', i.new_filemaker_metadata::jsonb -> 'type'), 0) AS target_hash,
    i.row_number,
       nullif((i.notices || CASE WHEN i.new_object_id IS NULL THEN ARRAY['unlinked'] ELSE ARRAY[]::text[] END), ARRAY[]::text[]) AS notices,
           'made' AS origin, <load> AS first_load, <load> AS last_load, i.named_object_id,
           hash_record_extended(ROW(i.new_object_id::uuid), 0) AS base_object_id,
           hash_record_extended(ROW(i.new_filemaker_id::uuid), 0) AS base_filemaker_id,
           hash_record_extended(ROW(i.new_file_name::character varying(255)), 0) AS base_file_name,
           hash_record_extended(ROW(i.new_original_name::character varying(255)), 0) AS base_original_name,
           hash_record_extended(ROW(i.new_file_size::integer), 0) AS base_file_size,
           hash_record_extended(ROW(i.new_mime_type::character varying(100)), 0) AS base_mime_type,
           hash_record_extended(ROW(i.new_s3_bucket::character varying(255)), 0) AS base_s3_bucket,
           hash_record_extended(ROW(i.new_s3_key::character varying(512)), 0) AS base_s3_key,
           hash_record_extended(ROW(i.new_s3_url::character varying(1024)), 0) AS base_s3_url,
           hash_record_extended(ROW(i.new_category::character varying(100)), 0) AS base_category,
           hash_record_extended(ROW(i.new_document_date::date), 0) AS base_document_date,
           hash_record_extended(ROW(i.new_filemaker_metadata::jsonb), 0) AS base_filemaker_metadata
FROM nexus_assets.work_documents_decided AS d JOIN nexus_assets.work_documents_incoming AS i USING (row_number)
WHERE d.action IN ('insert', 'restore');

INSERT INTO nexus_assets.identity_documents AS l (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, named_object_id, base_object_id, base_filemaker_id, base_file_name, base_original_name, base_file_size, base_mime_type, base_s3_bucket, base_s3_key, base_s3_url, base_category, base_document_date, base_filemaker_metadata) SELECT source_id,
    nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, named_object_id,
    base_object_id, base_filemaker_id, base_file_name, base_original_name, base_file_size, base_mime_type,
    base_s3_bucket, base_s3_key, base_s3_url, base_category, base_document_date, base_filemaker_metadata
    FROM nexus_assets.work_documents_entries WHERE action = 'insert' ORDER BY source_id;

INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['public','documents_document'], nexus_id::text, NULL, NULL FROM nexus_assets.work_documents_entries
        WHERE action = 'restore'
;WITH written AS (
    INSERT INTO nexus_assets.identity_documents AS l (source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, named_object_id, base_object_id, base_filemaker_id, base_file_name, base_original_name, base_file_size, base_mime_type, base_s3_bucket, base_s3_key, base_s3_url, base_category, base_document_date, base_filemaker_metadata) SELECT source_id, nexus_id, row_hash, target_hash, row_number, notices, origin, first_load, last_load, named_object_id, base_object_id, base_filemaker_id, base_file_name, base_original_name, base_file_size, base_mime_type, base_s3_bucket, base_s3_key, base_s3_url, base_category, base_document_date, base_filemaker_metadata FROM nexus_assets.work_documents_entries WHERE action = 'restore' ORDER BY source_id ON CONFLICT (source_id) DO UPDATE SET nexus_id = excluded.nexus_id, row_hash = excluded.row_hash, target_hash = excluded.target_hash, row_number = excluded.row_number, notices = excluded.notices, last_load = excluded.last_load, named_object_id = excluded.named_object_id, base_object_id = excluded.base_object_id, base_filemaker_id = excluded.base_filemaker_id, base_file_name = excluded.base_file_name, base_original_name = excluded.base_original_name, base_file_size = excluded.base_file_size, base_mime_type = excluded.base_mime_type, base_s3_bucket = excluded.base_s3_bucket, base_s3_key = excluded.base_s3_key, base_s3_url = excluded.base_s3_url, base_category = excluded.base_category, base_document_date = excluded.base_document_date, base_filemaker_metadata = excluded.base_filemaker_metadata, first_load = coalesce(l.first_load, excluded.first_load) RETURNING l.source_id, to_jsonb(l) AS content, l.xmax::text <> '0' AS met)
    INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
    SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
        ARRAY['nexus_assets','identity_documents'], concat_ws(' ', w.source_id::text), CASE
        WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
        CASE WHEN was.content IS NULL THEN w.content
        ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
    FROM written AS w
      LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_documents AS o WHERE w.met AND o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

SELECT EXISTS (SELECT FROM nexus_assets.superseded WHERE entity = %s);

SET LOCAL enable_nestloop = off;

WITH written AS (
    UPDATE public.documents_document AS t SET content_type_id = <patients' content type>, "object_id" = p.id, "updated_at" = now()
    FROM (
      SELECT "x"."id"::text AS id, x."content_type_id"::text AS content_type_id, "x"."object_id"::text AS object_id,
          'half_null'::text AS reason FROM "public"."documents_document" AS x WHERE x."content_type_id" IS NULL
          AND x."object_id" IS NOT NULL UNION ALL SELECT "x"."id"::text AS id,
          x."content_type_id"::text AS content_type_id, "x"."object_id"::text AS object_id, 'half_null'::text AS reason
          FROM "public"."documents_document" AS x WHERE x."object_id" IS NULL AND x."content_type_id" IS NOT NULL
          UNION ALL SELECT "x"."id"::text AS id, x."content_type_id"::text AS content_type_id,
          "x"."object_id"::text AS object_id, 'content_type_missing'::text AS reason
            FROM (
              WITH RECURSIVE used AS (
                SELECT min("content_type_id") AS id FROM "public"."documents_document"
                UNION ALL
                SELECT (SELECT min(y."content_type_id") FROM "public"."documents_document" AS y WHERE y."content_type_id" > used.id)
                    FROM used WHERE used.id IS NOT NULL
              )
              SELECT id FROM used WHERE id NOT IN (SELECT id FROM "public"."django_content_type")
            ) AS unknown JOIN "public"."documents_document" AS x ON x."content_type_id" = unknown.id
                WHERE x."object_id" IS NOT NULL
         UNION ALL SELECT "x"."id"::text AS id, x."content_type_id"::text AS content_type_id,
             "x"."object_id"::text AS object_id, 'target_missing'::text AS reason
            FROM (
              SELECT DISTINCT y."object_id" AS id FROM "public"."documents_document" AS y
                  LEFT JOIN "public"."patients" AS t ON t."id" = "y"."object_id"
              WHERE y."content_type_id" = <patients' content type> AND y.object_id IS NOT NULL AND t.id IS NULL
            ) AS dead JOIN public.documents_document AS x ON x.object_id = dead.id
                AND x.content_type_id = <patients' content type>
        ) AS o
    JOIN "nexus_assets"."identity_documents" AS l ON l.nexus_id = o.id::uuid
    JOIN (
    SELECT hash_record_extended(ROW(l.nexus_id), 0) AS hash, l.nexus_id AS current_id
        FROM "nexus_assets"."identity_patients" AS l
    UNION ALL
    SELECT hash_record_extended(ROW(s.nexus_id), 0), s.current_id FROM nexus_assets.superseded AS s
        WHERE s.entity = 'patients'
) AS k ON k.hash = l."base_object_id"
    JOIN "public"."patients" AS p ON p.id = k.current_id
    WHERE t.id = l.nexus_id
 RETURNING "t"."id", (SELECT to_jsonb(v) FROM (SELECT "t"."content_type_id", "t"."object_id", "t"."updated_at") AS v) AS content)
        INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
        SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
            ARRAY['public','documents_document'], concat_ws(' ', "w"."id"::text), CASE
            WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
            CASE WHEN was.content IS NULL THEN w.content
            ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
        FROM written AS w
          LEFT JOIN LATERAL (SELECT (SELECT to_jsonb(v) FROM (SELECT o.content_type_id, o.object_id, o.updated_at) AS v) AS content FROM public.documents_document AS o WHERE o.id = w.id AND TRUE OFFSET 0) AS was ON TRUE;

SET LOCAL enable_nestloop TO DEFAULT;

SELECT count(*) FROM (
SELECT FROM public.patients AS p WHERE p.id IN (
  SELECT t.object_id FROM public.documents_document AS t
  WHERE t.content_type_id = <patients' content type> AND t.xmin = pg_current_xact_id_if_assigned()::xid)
FOR KEY SHARE) AS held;

SELECT EXISTS (SELECT FROM nexus_assets.work_documents_incoming WHERE reason IS NOT NULL)
    OR EXISTS (SELECT FROM nexus_assets.reject WHERE entity = 'documents' AND resolved_load IS NULL);

SET LOCAL enable_nestloop = off;

WITH written AS (
UPDATE nexus_assets.identity_documents AS l SET vanished_load = NULL WHERE vanished_load IS NOT NULL AND EXISTS (SELECT FROM nexus_assets.work_documents_seen AS s WHERE s.source_id = l.source_id) RETURNING l.source_id, to_jsonb(l) AS content)
INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
SELECT <load>, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = <load>),
    ARRAY['nexus_assets','identity_documents'], concat_ws(' ', w.source_id::text), CASE
    WHEN was.content IS NOT NULL THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(was.content) WHERE value IS DISTINCT FROM w.content -> key) END,
    CASE WHEN was.content IS NULL THEN w.content
    ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(w.content) WHERE value IS DISTINCT FROM was.content -> key) END
FROM written AS w
  LEFT JOIN LATERAL (SELECT to_jsonb(o) AS content FROM nexus_assets.identity_documents AS o WHERE o.source_id = w.source_id AND TRUE OFFSET 0) AS was ON TRUE;

SET LOCAL enable_nestloop TO DEFAULT;

SELECT notices, count(*), min(row_number) FROM (
  SELECT notices, row_number FROM nexus_assets.work_documents_seen WHERE notices IS NOT NULL AND settled
  UNION ALL
  SELECT l.notices, i.row_number FROM nexus_assets.work_documents_incoming AS i
      JOIN nexus_assets.identity_documents AS l USING (source_id)
  WHERE l.notices IS NOT NULL AND i.reason IS NULL
) AS told GROUP BY 1;

SET LOCAL enable_nestloop = off;

SELECT count(*) FROM (
      SELECT t.object_id AS id, l.base_object_id AS base FROM public.documents_document AS t
          JOIN nexus_assets.identity_documents AS l ON l.nexus_id = t.id
      LEFT JOIN public.patients AS p ON p.id = t.object_id
      WHERE (
        (t.content_type_id IS NULL) <> (t.object_id IS NULL)
            OR t.content_type_id = <patients' content type> AND p.id IS NULL)
        AND l.vanished_load IS NULL
        AND NOT EXISTS (SELECT FROM "nexus_assets"."work_documents_incoming" AS i WHERE i.source_id = l.source_id AND i.reason IS NOT NULL)
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
          WHERE l.entity = 'documents' AND l.undoable AND (false OR l.id < (
    SELECT x.id FROM nexus_assets.load AS x WHERE x.entity = 'documents' AND x.undoable
      AND (x.outcomes ->> 'inserted' <> '0' OR EXISTS (SELECT FROM nexus_assets.before_value AS b WHERE b.load_id = x.id))
    ORDER BY x.id DESC OFFSET 9 LIMIT 1
)) RETURNING l.id
        )
        DELETE FROM nexus_assets.before_value AS b USING forgotten AS f WHERE b.load_id = f.id;

DELETE FROM nexus_assets.reject AS x
    WHERE (SELECT max(id) FROM nexus_assets.load WHERE entity = 'documents' AND finished_at < now() - make_interval(days => 365)) IS NOT NULL
    AND entity = 'documents'
    AND resolved_load <= (SELECT max(id) FROM nexus_assets.load WHERE entity = 'documents' AND finished_at < now() - make_interval(days => 365))
    AND NOT EXISTS (SELECT FROM nexus_assets.load AS u WHERE u.id = x.resolved_load AND u.undoable); DELETE
    FROM nexus_assets.conflict AS x
    WHERE (SELECT max(id) FROM nexus_assets.load WHERE entity = 'documents' AND finished_at < now() - make_interval(days => 365)) IS NOT NULL
    AND entity = 'documents'
    AND resolved_load <= (SELECT max(id) FROM nexus_assets.load WHERE entity = 'documents' AND finished_at < now() - make_interval(days => 365))
    AND NOT EXISTS (SELECT FROM nexus_assets.load AS u WHERE u.id = x.resolved_load AND u.undoable); DELETE
    FROM nexus_assets.correction AS x WHERE entity = 'documents'
    AND idle_since < now() - make_interval(days => 365); DELETE FROM nexus_assets.undone AS x WHERE entity = 'documents'
    AND undone_at < now() - make_interval(days => 365); DELETE FROM nexus_assets.load AS x WHERE entity = 'documents'
    AND finished_at < now() - make_interval(days => 365)
    AND id NOT IN (SELECT id FROM nexus_assets.load WHERE entity = 'documents' ORDER BY id DESC LIMIT 2)
    AND NOT (undoable AND (outcomes ->> 'inserted' <> '0' OR EXISTS (SELECT FROM nexus_assets.before_value AS b WHERE b.load_id = x.id)))
    AND NOT EXISTS (SELECT FROM nexus_assets.reject AS r WHERE r.entity = 'documents' AND r.first_load = x.id AND r.resolved_load IS NULL);

SELECT relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'nexus_assets'
    AND c.relkind = 'r' AND starts_with(relname, %s) ORDER BY c.oid;

DROP TABLE nexus_assets.work_documents_export, nexus_assets.work_documents_listing, nexus_assets.work_documents_records,
    nexus_assets.work_documents_seen, nexus_assets.work_documents_repeated, nexus_assets.work_documents_standing,
    nexus_assets.work_documents_pending, nexus_assets.work_documents_dates, nexus_assets.work_documents_texts,
    nexus_assets.work_documents_incoming, nexus_assets.work_documents_recognised, nexus_assets.work_documents_decided,
    nexus_assets.work_documents_followed, nexus_assets.work_documents_lost, nexus_assets.work_documents_changes,
    nexus_assets.work_documents_kept, nexus_assets.work_documents_entries;

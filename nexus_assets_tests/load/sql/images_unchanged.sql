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

SELECT count(*), extract(epoch FROM max(corrected_at))::text FROM nexus_assets.correction WHERE export = 'Image_data';

SELECT count(*) FILTER (WHERE CASE
         WHEN l.vanished_load IS NULL
             AND l.row_hash IS NOT NULL THEN NOT coalesce(t.id IS NOT NULL AND l.target_hash = t.target_hash, false)
         ELSE TRUE AND t.id IS NULL END) > 0,
       -- An id of Nexus stands in the ledger once.
       count(t.id) = (SELECT count(*) FROM public.images_image)
FROM nexus_assets.identity_images AS l
    LEFT JOIN (SELECT t.id, hash_record_extended(ROW(t.batch_id, t.filemaker_id, t.s3_key, t.s3_thumbnail_key, t.original_name, t.file_size, t.thumbnail_size, t.mime_type, t.category, t.caption, t.date_taken, t."order"), 0) AS target_hash FROM public.images_image AS t OFFSET '0') AS t ON t.id = l.nexus_id;

SELECT count(*) FROM nexus_assets.identity_images AS l WHERE vanished_load IS NULL
    AND EXISTS (SELECT FROM nexus_assets.conflict AS c WHERE c.entity = 'images' AND c.source_id = l.source_id AND c.resolved_load IS NULL);

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

INSERT INTO nexus_assets.load (id, entity, run_id, started_at, finished_at, mapping_version, sources, date_orders, source_rows, outcomes, rejected, notices, healed, adoption, parents, undoable) OVERRIDING SYSTEM VALUE
    VALUES (%s, %s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

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

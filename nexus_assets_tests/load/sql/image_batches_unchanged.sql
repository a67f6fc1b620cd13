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

SELECT count(*), extract(epoch FROM max(corrected_at))::text FROM nexus_assets.correction WHERE export = 'Image_data';

SELECT count(*) FILTER (WHERE CASE
         WHEN l.vanished_load IS NULL
             AND l.row_hash IS NOT NULL THEN NOT coalesce(t.id IS NOT NULL AND l.target_hash = t.target_hash AND (t.object_id IS NULL OR parent_0.id IS NOT NULL), false)
         ELSE FALSE AND t.id IS NULL END) > 0,
       -- An id of Nexus stands in the ledger once.
       count(t.id) = (SELECT count(*) FROM public.images_batch)
FROM nexus_assets.identity_image_batches AS l
    LEFT JOIN (SELECT t.id, t.object_id, hash_record_extended(ROW(t.content_type_id, t.object_id, t.name, t.description), 0) AS target_hash FROM public.images_batch AS t OFFSET '0') AS t ON t.id = l.nexus_id
    LEFT JOIN public.patients AS parent_0 ON parent_0.id = t.object_id;

SELECT count(*) FROM nexus_assets.identity_image_batches AS l WHERE vanished_load IS NULL
    AND EXISTS (SELECT FROM nexus_assets.conflict AS c WHERE c.entity = 'image_batches' AND c.source_id = l.source_id AND c.resolved_load IS NULL);

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

INSERT INTO nexus_assets.load (id, entity, run_id, started_at, finished_at, mapping_version, sources, date_orders, source_rows, outcomes, rejected, notices, healed, adoption, parents, undoable) OVERRIDING SYSTEM VALUE
    VALUES (%s, %s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

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

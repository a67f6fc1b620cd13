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

SELECT DISTINCT c.column_name FROM nexus_assets.conflict AS c JOIN nexus_assets.identity_notes AS l USING (source_id)
WHERE c.entity = 'notes' AND c.resolved_load IS NULL AND (c.decision = 'filemaker' OR c.cause = 'refused')
    AND l.vanished_load IS NULL;

SELECT nextval(pg_get_serial_sequence('nexus_assets.load', 'id')), (SELECT coalesce(max(id), 0) FROM nexus_assets.load);

SELECT count(*), extract(epoch FROM max(corrected_at))::text FROM nexus_assets.correction WHERE export = 'Notes';

SELECT count(*) FILTER (WHERE CASE
         WHEN l.vanished_load IS NULL
             AND l.row_hash IS NOT NULL THEN NOT coalesce(t.id IS NOT NULL AND l.target_hash = t.target_hash, false)
         ELSE FALSE AND t.id IS NULL END) > 0,
       -- An id of Nexus stands in the ledger once.
       count(t.id) = (SELECT count(*) FROM public.notes)
FROM nexus_assets.identity_notes AS l
    LEFT JOIN (SELECT t.id, hash_record_extended(ROW(t.patient_id, t.content, t.note_type, t.created_at, t.created_by), 0) AS target_hash FROM public.notes AS t OFFSET '0') AS t ON t.id = l.nexus_id;

SELECT count(*) FROM nexus_assets.identity_notes AS l WHERE vanished_load IS NULL
    AND EXISTS (SELECT FROM nexus_assets.conflict AS c WHERE c.entity = 'notes' AND c.source_id = l.source_id AND c.resolved_load IS NULL);

SELECT EXISTS (SELECT FROM nexus_assets.superseded WHERE entity = %s);

INSERT INTO nexus_assets.load (id, entity, run_id, started_at, finished_at, mapping_version, sources, date_orders, source_rows, outcomes, rejected, notices, healed, adoption, parents, undoable) OVERRIDING SYSTEM VALUE
    VALUES (%s, %s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

DELETE FROM nexus_assets.reject AS x
    WHERE (SELECT max(id) FROM nexus_assets.load WHERE entity = 'notes' AND finished_at < now() - make_interval(days => 365)) IS NOT NULL
    AND entity = 'notes'
    AND resolved_load <= (SELECT max(id) FROM nexus_assets.load WHERE entity = 'notes' AND finished_at < now() - make_interval(days => 365))
    AND NOT EXISTS (SELECT FROM nexus_assets.load AS u WHERE u.id = x.resolved_load AND u.undoable); DELETE
    FROM nexus_assets.conflict AS x
    WHERE (SELECT max(id) FROM nexus_assets.load WHERE entity = 'notes' AND finished_at < now() - make_interval(days => 365)) IS NOT NULL
    AND entity = 'notes'
    AND resolved_load <= (SELECT max(id) FROM nexus_assets.load WHERE entity = 'notes' AND finished_at < now() - make_interval(days => 365))
    AND NOT EXISTS (SELECT FROM nexus_assets.load AS u WHERE u.id = x.resolved_load AND u.undoable); DELETE
    FROM nexus_assets.correction AS x WHERE entity = 'notes' AND idle_since < now() - make_interval(days => 365); DELETE
    FROM nexus_assets.undone AS x WHERE entity = 'notes' AND undone_at < now() - make_interval(days => 365); DELETE
    FROM nexus_assets.load AS x WHERE entity = 'notes' AND finished_at < now() - make_interval(days => 365)
    AND id NOT IN (SELECT id FROM nexus_assets.load WHERE entity = 'notes' ORDER BY id DESC LIMIT 2)
    AND NOT (undoable AND (outcomes ->> 'inserted' <> '0' OR EXISTS (SELECT FROM nexus_assets.before_value AS b WHERE b.load_id = x.id)))
    AND NOT EXISTS (SELECT FROM nexus_assets.reject AS r WHERE r.entity = 'notes' AND r.first_load = x.id AND r.resolved_load IS NULL);

SELECT relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'nexus_assets'
    AND c.relkind = 'r' AND starts_with(relname, %s) ORDER BY c.oid;

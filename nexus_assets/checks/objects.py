"""Rows and files, both ways: is each row's file in the bucket and whole, and has each file of the bucket its row?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.checks.check import SAMPLE_ROWS, CheckContext, Finding, loading, violators
from nexus_assets.checks.files import looks_like
from nexus_assets.mapping.entity import Entity

A_FEW, MANY = 20, 500
"""How many files are opened with every load, and by a deep check."""


def objects_sql(context: CheckContext, entity: Entity) -> Composable:
    """Rows (key, size, record_key, is_thumbnail) of the listing's files, and of the files of rows whose key lies elsewhere
    (native ones), whose last two are NULL. In brackets, to be selected from.

    The listing goes along with each query as arrays: a check may only read, and the planner knows how long an array is.
    """
    (listing,) = entity.listings
    if listing not in context.objects:
        prefix = context.files.prefix(listing)
        found = [
            (item.key.removeprefix(prefix), item.size, item.record_key, item.is_thumbnail)
            for item in context.files.listing(listing)
        ]
        elsewhere = context.files.elsewhere(_keys_elsewhere(context, entity, prefix))
        context.objects[listing] = SQL("""
            (SELECT {prefix} || key AS key, size, record_key, is_thumbnail
             FROM unnest({keys}::text[], {sizes}::bigint[], {records}::text[], {thumbnails}::boolean[])
               AS listed (key, size, record_key, is_thumbnail)
             UNION ALL
             SELECT key, size, NULL, NULL FROM unnest({other_keys}::text[], {other_sizes}::bigint[]) AS other (key, size))
        """).format(
            prefix=Literal(prefix),
            **dict(zip(("keys", "sizes", "records", "thumbnails"), _arrays(found, 4), strict=True)),
            **dict(zip(("other_keys", "other_sizes"), _arrays(elsewhere, 2), strict=True)),
        )
    return context.objects[listing]


def _keys_elsewhere(context: CheckContext, entity: Entity, prefix: str) -> list[str]:
    target = context.table(entity.name)
    names = [name for name in ("s3_key", "s3_thumbnail_key") if name in target.columns]
    keys = SQL(" UNION ").join(
        SQL("SELECT {0} FROM {1} WHERE {0} <> '' AND NOT starts_with({0}, {2})").format(
            Identifier(name), target.table, Literal(prefix)
        )
        for name in names
    )
    return [key for (key,) in context.rows(keys)]


def _arrays(rows: Iterable[Sequence[object]], width: int) -> list[Composable]:
    """Each column of the rows as the text of an array: far cheaper to read for the server than ARRAY[…]."""
    columns = list(zip(*rows, strict=True)) or [()] * width
    return [Literal(f"{{{','.join(map(_element, column))}}}") for column in columns]


def _element(value: object) -> str:
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def objects_exist(entity: Entity, context: CheckContext) -> Finding:
    """Rows without an object, with an empty one, or whose `file_size` is not the object's: the download breaks off or
    never ends."""
    objects, target = objects_sql(context, entity), context.table(entity.name)
    query = SQL("""
        SELECT t.id::text AS id, t.file_size::text AS file_size, o.size::text AS object_size,
               CASE WHEN o.key IS NULL THEN 'object_missing' WHEN o.size = 0 THEN 'object_empty'
                    ELSE 'size_differs' END AS reason
        FROM {target} AS t LEFT JOIN {objects} AS o ON o.key = t.s3_key
        WHERE o.key IS NULL OR o.size = 0 OR o.size <> t.file_size
    """).format(target=target.table, objects=objects)
    rows, stored = context.row(
        SQL("SELECT (SELECT count(*) FROM {}), (SELECT count(*) FROM {} WHERE NOT is_thumbnail)").format(
            target.table, objects
        )
    )
    return violators(
        context,
        query,
        f"compare NEXUS_S3_BUCKET and the prefix with where the files are, upload what is missing, then {loading(entity.name)}",
        {"rows": rows, "objects": stored},
        cause=lambda *_: "The bucket has no file at all under the prefix." if not stored else "",
    )


def files_and_rows_agree(entity: Entity, context: CheckContext) -> Finding:
    """Files of the bucket that no row shows and no reject explains, and rows whose thumbnail is not in the bucket.

    A key may hold what a person typed: the sample tells a file by its record id, and only where that is one.
    """
    objects, target = objects_sql(context, entity), context.table(entity.name)
    has_thumbnails = "s3_thumbnail_key" in target.columns
    rejected: Composable = SQL("(SELECT NULL::text AS key, NULL::text AS record_key WHERE FALSE)")
    if context.has_ledger:
        rejected = SQL("""
            (SELECT o.key, o.record_key FROM nexus_assets.reject AS r JOIN objects AS o ON o.key = r.payload ->> 'key'
             WHERE r.entity = {entity} AND r.resolved_load IS NULL)
        """).format(entity=Literal(entity.name))
    shown: Composable = SQL("SELECT s3_key AS key FROM {}").format(target.table)
    if has_thumbnails:
        shown = SQL("{} UNION ALL SELECT s3_thumbnail_key FROM {}").format(shown, target.table)
    query: Composable = SQL("""
        WITH objects AS MATERIALIZED {objects}
        SELECT NULL::text AS id, CASE WHEN o.record_key ~ '^(\\d+|[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})$'
                                      THEN o.record_key END AS record, o.size::text AS object_size,
               CASE WHEN o.is_thumbnail THEN 'thumbnail_without_row' ELSE 'object_without_row' END AS reason
        FROM objects AS o
        WHERE o.is_thumbnail IS NOT NULL
          AND NOT EXISTS (SELECT FROM ({shown}) AS s WHERE s.key = o.key)
          AND NOT EXISTS (SELECT FROM {rejected} AS r WHERE r.key = o.key OR (o.is_thumbnail AND r.record_key = o.record_key))
    """).format(objects=objects, shown=shown, rejected=rejected)
    if has_thumbnails:
        query = SQL("""
            {query} UNION ALL
            SELECT t.id::text, NULL, NULL, 'thumbnail_missing' FROM {target} AS t
            WHERE t.s3_thumbnail_key <> '' AND NOT EXISTS (SELECT FROM objects AS o WHERE o.key = t.s3_thumbnail_key)
        """).format(query=query, target=target.table)
    return violators(context, query, loading(entity.name))


def files_open(entity: Entity, context: CheckContext) -> Finding:
    """Opens a sample of the rows' files, another one each day, through presigned addresses as the front end does; a deep
    check takes a large one. Compares length, first bytes and, where the ETag is one, the MD5."""
    objects, target = objects_sql(context, entity), context.table(entity.name)
    # The date as seed: a finding can be had again on the same day, and another part is seen on the next.
    seed = int(f"{context.now:%Y%m%d}")
    # Rows whose file is missing or of another size are found without opening it.
    chosen = context.rows(
        SQL("""
            SELECT t.id::text, t.s3_key, t.file_size, t.mime_type FROM {target} AS t
            JOIN {objects} AS o ON o.key = t.s3_key AND o.size = t.file_size AND o.size > 0
            ORDER BY hashtextextended(t.id::text, {seed}), t.id LIMIT {number}
        """).format(
            target=target.table, objects=objects, seed=Literal(seed), number=Literal(MANY if context.deep else A_FEW)
        )
    )
    sample, breakdown, compared = [], dict[str, int](), 0
    opened = context.files.open([key for _, key, _, _ in chosen])
    for (id_, _, file_size, mime_type), file in zip(chosen, opened, strict=True):
        compared += file.md5 is not None
        if file.status != 200:
            reason = "not_served"
        elif file.size != file_size:
            reason = "wrong_length"
        elif file.md5 is not None and file.md5 != file.etag:
            reason = "wrong_checksum"
        elif not looks_like(mime_type, file.head):
            reason = "wrong_content"
        else:
            continue
        breakdown[reason] = breakdown.get(reason, 0) + 1
        sample.append({"id": id_, "http_status": str(file.status), "received": str(file.size), "reason": reason})
    return Finding(
        len(sample),
        breakdown,
        tuple(sample[:SAMPLE_ROWS]),
        {"opened": len(chosen), "checksums_compared": compared, "seed": seed},
        f"nexus-assets check --select {entity.name}/files_open --deep, and upload the damaged files again"
        if sample
        else "",
    )

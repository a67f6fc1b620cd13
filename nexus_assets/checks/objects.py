"""Is each row's file in the bucket, as large as the row says?"""

from __future__ import annotations

import csv
import io

from psycopg2.sql import SQL, Identifier, Literal

from nexus_assets.checks.check import Finding, Looking, violators
from nexus_assets.load import contract
from nexus_assets.mapping.entity import Entity


def stage_objects(looking: Looking, listing: str, entity: Entity) -> Identifier:
    """A temporary table (key, size) of the listing's files, and of the files of rows whose key lies elsewhere (native ones)."""
    table = Identifier(f"objects_{listing}")
    cursor = looking.cursor
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (f"pg_temp.objects_{listing}",))
    if cursor.fetchone()[0]:
        return table
    cursor.execute(SQL("CREATE TEMP TABLE {} (key text, size bigint, etag text) ON COMMIT DROP").format(table))
    buffer = io.StringIO()
    csv.writer(buffer).writerows(looking.files.listing(listing))
    buffer.seek(0)
    cursor.copy_expert(SQL("COPY {} FROM STDIN (FORMAT csv)").format(table), buffer)
    target = contract.reflect(cursor, entity)
    elsewhere = looking.rows(
        SQL("SELECT DISTINCT s3_key FROM {} WHERE NOT starts_with(s3_key, {})").format(
            target.table, Literal(looking.files.prefix(listing))
        )
    )
    for (key,) in elsewhere:
        size = looking.files.size_of(key)
        if size is not None:
            cursor.execute(SQL("INSERT INTO {} VALUES (%s, %s)").format(table), (key, size))
    cursor.execute(SQL("ANALYZE {}").format(table))
    return table


def objects_exist(entity: Entity, looking: Looking) -> Finding:
    """Rows without an object, and rows whose `file_size` is not the object's: the download breaks off or never ends."""
    (listing,) = entity.listings
    objects = stage_objects(looking, listing, entity)
    target = contract.reflect(looking.cursor, entity)
    query = SQL("""
        SELECT t.id::text AS id, t.file_size::text AS file_size, o.size::text AS object_size,
               CASE WHEN o.key IS NULL THEN 'object_missing' ELSE 'size_differs' END AS reason
        FROM {target} AS t LEFT JOIN {objects} AS o ON o.key = t.s3_key
        WHERE o.key IS NULL OR o.size <> t.file_size
    """).format(target=target.table, objects=objects)
    (rows,) = looking.row(SQL("SELECT count(*) FROM {}").format(target.table))
    return violators(looking, query, f"dagster asset materialize --select '*{entity.name}'", {"rows": rows})

"""Step 2: the sources as they are, copied into tables of text for the time of the load."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import psycopg2
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.load.work import Relation
from nexus_assets.sources.s3 import ListingDigest, StoredObject, file_name, mime_type

if TYPE_CHECKING:
    from nexus_assets.sources.filemaker import OpenExport

BLOCK = 1 << 18


class _Blocks:
    """A file for COPY over an iterator of blocks. Keeps the error of a block, which the driver would lose."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks: Iterator[bytes] = iter(blocks)
        self.error: BaseException | None = None

    def read(self, _: int = -1) -> bytes:
        try:
            return next(self._blocks, b"")
        except BaseException as error:
            self.error = error
            raise


def _copy(cursor: Cursor, statement: Composable, blocks: Iterable[bytes]) -> None:
    source = _Blocks(blocks)
    try:
        cursor.copy_expert(statement, source, BLOCK)  # type: ignore[arg-type]  # COPY only calls read()
    except BaseException:
        if source.error is not None:
            raise source.error from None
        raise


def stage_export(cursor: Cursor, table: Identifier, export: OpenExport) -> Relation:
    """Copies every record of the export into a new table, with its row number from 1, and returns it.

    Raises ExportError, naming file and record, where the file is not whole or a record has too few or too many columns.
    """
    columns = {position: Identifier(f"c{position}") for position in export.streamed}
    typed = SQL(", ").join(SQL("{} text").format(column) for column in columns.values())
    cursor.execute(
        SQL("CREATE UNLOGGED TABLE {} (row_number bigint GENERATED ALWAYS AS IDENTITY, {})").format(table, typed)
    )
    options = [SQL("{} {}").format(SQL(name), Literal(value)) for name, value in export.copy_options.items()]
    statement = SQL("COPY {} ({}) FROM STDIN WITH ({})").format(
        table, SQL(", ").join(columns.values()), SQL(", ").join([SQL("FORMAT csv"), SQL("ENCODING 'UTF8'"), *options])
    )
    try:
        _copy(cursor, statement, export.blocks())
    except psycopg2.DataError as error:
        line = re.search(r"\bline (\d+)", error.diag.context or "")
        raise export.explain(int(line[1]) if line else None, error.diag.message_primary or "") from None
    export.facts.rows = cursor.rowcount
    return Relation(table, {heading: columns[position] for heading, position in export.positions.items()})


def stage_listing(cursor: Cursor, table: Identifier, objects: Iterable[StoredObject]) -> ListingDigest:
    """Copies a bucket listing into a new table, one row per file in the listing's order; returns its hash and size."""
    cursor.execute(
        SQL("""CREATE UNLOGGED TABLE {} (
            row_number bigint GENERATED ALWAYS AS IDENTITY, key text, file_name text, size bigint, etag text,
            mime_type text, record_key text, is_thumbnail boolean)""").format(table)
    )
    digest = ListingDigest()

    def blocks() -> Iterator[bytes]:
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        for item in objects:
            digest.add(item)
            name = file_name(item.key)
            writer.writerow((item.key, name, item.size, item.etag, mime_type(name), item.record_key, item.is_thumbnail))
            if buffer.tell() >= BLOCK:
                yield buffer.getvalue().encode()
                buffer.seek(0)
                buffer.truncate()
        yield buffer.getvalue().encode()

    columns = SQL("key, file_name, size, etag, mime_type, record_key, is_thumbnail")
    _copy(cursor, SQL("COPY {} ({}) FROM STDIN WITH (FORMAT csv)").format(table, columns), blocks())
    return digest

"""One load or one rival, each in a process of its own: seconds and peak memory of the client."""

from __future__ import annotations

import csv
import multiprocessing
import re
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.entities import ENTITIES
from nexus_assets.ledger.schema import install
from nexus_assets.ledger.tables import identity_table, ledger_table
from nexus_assets.load.incoming import ONCE, hash_sql, hashed_rows_sql
from nexus_assets.load.load import Inputs, load
from nexus_assets.load.planner import tune
from nexus_assets.load.settings import LoadSettings
from nexus_assets.load.sources import stage_all
from nexus_assets.load.work import Work
from nexus_assets.mapping.parse import call
from nexus_assets.nexus import catalog
from nexus_assets.nexus.connection import make_engine, transaction
from nexus_assets.nexus.queries import number
from nexus_assets.resources import content_hash
from nexus_assets.sources.filemaker import find_export, open_export
from nexus_assets.sources.s3 import StoredObject, stored_object

if TYPE_CHECKING:
    from nexus_assets.mapping.entity import Listing

PAGE = 1_000
"""Rows per statement of execute_values: larger pages are no faster."""


WITHOUT_FILEMAKER_ID = {"appointments": "filemaker_event_id", "images": "filemaker_id"}
"""The columns for FileMaker's id that earlier importers left empty."""


@dataclass(frozen=True)
class Taken:
    """What a piece of work took: wall seconds, the client's peak memory in MB, and the rows that it wrote into Nexus.

    `server_seconds` is the processor's time of the database server, which other work on the machine does not lengthen.
    """

    seconds: float
    peak_mb: float
    rows: int
    server_seconds: float = 0.0


def _peak_mb() -> float:
    """This process's peak memory. Linux's own figure: getrusage's starts with what the parent had when it made the child."""
    status = Path("/proc/self/status")
    if status.exists():
        (peak,) = re.findall(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE)
        return int(peak) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _child(work: Callable[..., int], arguments: tuple[Any, ...], answer: Any) -> None:
    started = time.perf_counter()
    rows = work(*arguments)
    seconds = time.perf_counter() - started
    answer.send(Taken(seconds, _peak_mb(), rows))


def measured(work: Callable[..., int], *arguments: Any) -> Taken:
    """Runs the work in a fresh process, which imports everything before its clock starts."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(work, arguments, there))
    process.start()
    there.close()
    try:
        taken = here.recv()
    except EOFError:
        raise RuntimeError(f"{work.__name__} failed; its messages are above") from None
    finally:
        process.join()
    assert isinstance(taken, Taken)
    return taken


def _listing_file(exports: Path, listing: str) -> Path:
    return exports.with_name(f"{exports.name}-{listing}.csv")


def kept_listing(exports: Path, listing: str) -> Iterator[StoredObject]:
    """The listing that belongs to these exports."""
    with _listing_file(exports, listing).open(newline="", encoding="utf-8") as file:
        for key, size, etag, record_key, is_thumbnail in csv.reader(file):
            yield StoredObject(key, int(size), etag, record_key, is_thumbnail == "True")


def keep_listings(exports: Path, scale: int) -> None:
    """Keeps the demo clinic's files as a listing would name them, without a bucket: a listing's own time is S3's."""
    from nexus_assets.local.clinic.plan import Plan
    from nexus_assets.local.clinic.writing import SEED, document_files, image_files

    plan = Plan(seed=SEED, scale=scale, changed=0.0)
    files: dict[Listing, Iterator[tuple[str, bytes]]] = {"images": image_files(plan), "documents": document_files(plan)}
    for listing, written in files.items():
        objects = (stored_object(listing, key, len(content), "") for key, content in written)
        with _listing_file(exports, listing).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(found for found in objects if found is not None)


def _inputs(exports: Path) -> Inputs:
    def export(wanted_export: str, wanted: tuple[str, ...], optional: tuple[str, ...], required: bool) -> Any:
        file = find_export(str(exports), wanted_export, required=required)
        return file and open_export(file, wanted=wanted, optional=optional)

    def digest(wanted_export: str, required: bool) -> str | None:
        file = find_export(str(exports), wanted_export, required=required)
        return None if file is None else content_hash(file)

    return Inputs(export, lambda listing: kept_listing(exports, listing), "bench", digest=digest)


def load_entity(name: str, url: str, exports: Path) -> int:
    """Loads one entity as its asset does; returns the rows that were inserted or updated."""
    with transaction(make_engine(url), lock=ENTITIES[name].locks) as cursor:
        account = load(
            cursor,
            ENTITIES[name],
            _inputs(exports),
            LoadSettings(allow_older_export=True, allow_other_database=True),
            "bench",
            lambda _: None,
        ).account
    return account.inserted + account.updated


def forget_hashes(name: str, url: str) -> None:
    """Makes the next load compare every row, three-way, as after a change of the mapping."""
    with transaction(make_engine(url)) as cursor:
        cursor.execute(SQL("UPDATE {} SET row_hash = 0").format(identity_table(name)))
        cursor.execute("UPDATE nexus_assets.load SET mapping_version = '' WHERE entity = %s", (name,))
    run_alone(url, SQL("VACUUM {}").format(identity_table(name)))


def forget_ledger(name: str, url: str) -> None:
    """Makes the loaded rows those of another importer: the next load adopts each of them."""
    with transaction(make_engine(url)) as cursor:
        cursor.execute(SQL("TRUNCATE {}").format(identity_table(name)))
        cursor.execute("DELETE FROM nexus_assets.load WHERE entity = %s", (name,))
        target = catalog.reflect(cursor, ENTITIES[name])
        if name in WITHOUT_FILEMAKER_ID:
            cursor.execute(SQL("UPDATE {} SET {} = NULL").format(target.table, Identifier(WITHOUT_FILEMAKER_ID[name])))
    run_alone(url, SQL("VACUUM {}").format(target.table))


def run_alone(url: str, statement: str | Composable) -> None:
    """Runs a statement outside any transaction, such as a VACUUM of what preparing has left, which would count as the load's work."""
    with make_engine(url).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.connection.cursor().execute(statement)


def export_finished(name: str, url: str, file: Path) -> int:
    """Writes the loaded rows, finished, into a file for COPY, in the order of the export, and beside it what the ledger knows of
    them and of the rejected ones; returns how many."""
    with transaction(make_engine(url), commit=False) as cursor, file.open("wb") as out:
        target, ledger = catalog.reflect(cursor, ENTITIES[name]), identity_table(name)
        for table, known in remembered(name, file):
            rows = SQL("COPY (SELECT * FROM {} WHERE {} ORDER BY row_number) TO STDOUT")
            of_entity = SQL("TRUE") if table == ledger else SQL("entity = {}").format(Literal(name))
            with known.open("wb") as kept:
                cursor.copy_expert(rows.format(table, of_entity), kept)
        cursor.copy_expert(
            SQL(
                "COPY (SELECT t.* FROM {} AS t JOIN {} AS l ON l.nexus_id = t.id ORDER BY l.row_number) TO STDOUT"
            ).format(target.table, ledger),
            out,
        )
        return int(cursor.rowcount)


def remembered(name: str, finished: Path) -> tuple[tuple[Identifier, Path], ...]:
    """The ledger's tables that know of the rows, each with the file beside that of the finished ones."""
    return (
        (identity_table(name), finished.with_suffix(".ledger")),
        (ledger_table("reject"), finished.with_suffix(".rejects")),
    )


def copy_finished(name: str, url: str, file: Path) -> int:
    """Rival (a): one plain COPY of the finished rows into the same indexed table."""
    with transaction(make_engine(url)) as cursor:
        return _copy(cursor, catalog.reflect(cursor, ENTITIES[name]).table, file)


def floor(name: str, url: str, exports: Path, file: Path) -> int:
    """What no first load can do without: the sources as text in the database, the finished rows in the table, and what the ledger
    keeps of them and of the rejected ones, all but the first ready-made. A load's own work is what it takes beyond that: to read,
    to join, to decide."""
    with transaction(make_engine(url)) as cursor:
        install(cursor)
        stage_all(cursor, ENTITIES[name], _inputs(exports), Work(name), {})
        rows = _copy(cursor, catalog.reflect(cursor, ENTITIES[name]).table, file)
        for table, known in remembered(name, file):
            _copy(cursor, table, known)
    return rows


def floor_of_changed(name: str, url: str, exports: Path) -> int:
    """What no load of a changed export can do without: its rows as text in the database, a hash of each, what the ledger remembers
    under its id, and whether Nexus's row is still as the ledger remembers it (law 2).

    Returns how many are as they were: none, as what this hashes is not what a load does.
    """
    entity = ENTITIES[name]
    with transaction(make_engine(url)) as cursor:
        export = stage_all(cursor, entity, _inputs(exports), Work(name), {}).export
        target = catalog.reflect(cursor, entity)
        tune(cursor)
        return number(
            cursor,
            SQL("""
                SELECT count(*) FILTER (WHERE l.row_hash = s.row_hash AND l.target_hash = t.target_hash)
                FROM (SELECT {source_id} AS source_id, {row_hash} AS row_hash FROM {export} AS s {once}) AS s
                LEFT JOIN {ledger} AS l USING (source_id)
                LEFT JOIN {rows} AS t ON t.id = l.nexus_id
            """).format(
                source_id=call("read_uuid", export.field(entity.source_id, "s")),
                row_hash=hash_sql(*(export.field(field, "s") for field in entity.fields())),
                export=export.table,
                once=ONCE,
                ledger=identity_table(name),
                rows=hashed_rows_sql(target),
            ),
        )


def _copy(cursor: Cursor, table: Composable, file: Path) -> int:
    with file.open("rb") as finished:
        cursor.copy_expert(SQL("COPY {} FROM STDIN").format(table), finished, 1 << 18)
    return int(cursor.rowcount)


_ESCAPED = re.compile(r"\\(.)")
_MEANT = {"n": "\n", "r": "\r", "t": "\t", "v": "\v", "b": "\b", "f": "\f"}


def _finished_rows(file: Path) -> Iterator[list[str | None]]:
    """The rows of a file in COPY's text format."""
    with file.open(encoding="utf-8", newline="\n") as finished:
        for line in finished:
            yield [
                None if field == "\\N" else _ESCAPED.sub(lambda found: _MEANT.get(found[1], found[1]), field)
                for field in line.rstrip("\n").split("\t")
            ]


def insert_values(name: str, url: str, file: Path) -> int:
    """Rival (b): psycopg2's execute_values of the ready-made rows, a thousand a statement, in one transaction."""
    from psycopg2.extras import execute_values

    rows = 0
    with transaction(make_engine(url)) as cursor:
        target = catalog.reflect(cursor, ENTITIES[name])
        template = "({})".format(", ".join(f"%s::{column.sql_type}" for column in target.columns.values()))
        statement = SQL("INSERT INTO {} VALUES %s").format(target.table).as_string(cursor)

        def counted() -> Iterator[list[str | None]]:
            nonlocal rows
            for row in _finished_rows(file):
                rows += 1
                yield row

        execute_values(cursor, statement, counted(), template=template, page_size=PAGE)
    return rows

"""Teaching the ledger the ids that rows had before it existed, from a list or a backup, so that what points at them is moved.

Only the ledger is written: the next load moves the references, with its gates and its account, as it does for every id that
it supersedes. An id of a row that lives is not taught: a load adopts living rows automatically.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.admin.dump import dumped_rows, is_dump
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.ledger import schema
from nexus_assets.ledger.tables import identity_table
from nexus_assets.load import gates
from nexus_assets.load.settings import LoadSettings
from nexus_assets.load.stage import stage_export
from nexus_assets.load.work import Work
from nexus_assets.nexus import catalog, queries
from nexus_assets.nexus.catalog import Target
from nexus_assets.nexus.connection import transaction
from nexus_assets.nexus.references import GenericKey, pointing
from nexus_assets.sources.filemaker import ExportFile, open_export
from nexus_assets.sources.locations import LocalPlace
from nexus_assets.sources.names import FORMATS, export_stem

LEARNABLE = tuple(name for name, entity in ENTITIES.items() if entity.filemaker_id is not None)
"""The entities whose rows carry a FileMaker id: only of those can a list or a backup tell whose an id was."""

ID, FILEMAKER_ID = "id", "filemaker_id"
"""The columns of a list."""

WORK = Work("learn")


class LearnError(NexusAssetsError):
    """A list or backup that contradicts itself or the ledger; nothing was written."""


@dataclass(frozen=True)
class Learned:
    """What became of one entity's rows in the file; each row has one outcome.

    `superseded`: earlier ids of rows that have another one now. `to_restore`: ids of FileMaker records that the ledger did
    not know, which the next import brings back. `known`: nothing new. `living`: rows that are in Nexus under this id.
    `nameless`: rows without a FileMaker id. `references` lead to what was learned, and are moved by the next load.
    """

    rows: int
    superseded: int
    to_restore: int
    known: int
    living: int
    nameless: int
    references: int


def learn(engine: sqlalchemy.Engine, path: Path, entity: str = "patients") -> dict[str, Learned]:
    """Learns from a list (a table with the columns id and filemaker_id, of `entity`) or from a pg_dump file (of all entities).

    Returns what was learned, by entity. Raises NexusAssetsError, and nothing was written, where the file can't be read or
    contradicts itself or the ledger.
    """
    if not path.is_file():
        raise LearnError(f"There is no file {path}.", remedy="Nothing was written. Check its name and folder.")
    from_dump = is_dump(path)
    if not from_dump and export_stem(path.name) is None:
        raise LearnError(
            f"{path} is neither a backup in pg_dump's custom format nor, by its ending, a table ({', '.join(FORMATS)}).",
            remedy="Nothing was written. Make the backup with `pg_dump --format=custom`, or give the table its ending.",
        )
    with transaction(engine, lock=LEARNABLE if from_dump else entity) as cursor:
        schema.install(cursor)
        schema.hold(cursor)
        gates.check_ledger_belongs(cursor, entity, LoadSettings())
        staged = _stage_dump(cursor, path) if from_dump else _stage_list(cursor, path, entity)
        return {name: _learn_one(cursor, name, path, is_list=not from_dump) for name in staged}


# --- the file, staged as rows (row_number, id, filemaker_id) of text ------------------------------------------------------


def _staged(entity: str) -> Identifier:
    return Identifier(f"staged_{entity}")


def _stage_list(cursor: Cursor, path: Path, entity: str) -> Sequence[str]:
    place = LocalPlace(path)
    stamp = place.stamp()
    file = ExportFile(path.name, str(path), stamp.size, stamp.modified, None, place, stamp)
    relation = stage_export(cursor, WORK("export"), open_export(file, wanted=(ID, FILEMAKER_ID)))
    cursor.execute(
        SQL("""
            CREATE TEMP TABLE {staged} ON COMMIT DROP AS
            SELECT row_number, {id} AS id, {filemaker_id} AS filemaker_id FROM {table} AS s;
            DROP TABLE {table}
        """).format(
            staged=_staged(entity),
            id=relation.field(ID, "s"),
            filemaker_id=relation.field(FILEMAKER_ID, "s"),
            table=relation.table,
        )
    )
    return (entity,)


def _stage_dump(cursor: Cursor, path: Path) -> Sequence[str]:
    buffers = {name: io.StringIO() for name in LEARNABLE}
    for row in dumped_rows(path, [ENTITIES[name] for name in LEARNABLE]):
        csv.writer(buffers[row.entity]).writerow((row.row, row.id, row.filemaker_id))
    found = [name for name, buffer in buffers.items() if buffer.tell()]
    for name in found:
        buffers[name].seek(0)
        cursor.execute(
            SQL("CREATE TEMP TABLE {} (row_number bigint, id text, filemaker_id text) ON COMMIT DROP").format(
                _staged(name)
            )
        )
        cursor.copy_expert(SQL("COPY {} FROM STDIN (FORMAT csv)").format(_staged(name)), buffers[name])
    return found


# --- from the staged rows to the ledger -----------------------------------------------------------------------------------


def _learn_one(cursor: Cursor, entity: str, path: Path, *, is_list: bool) -> Learned:
    target = catalog.reflect(cursor, ENTITIES[entity])
    cursor.execute(
        SQL("""
            CREATE TEMP TABLE {taught} ON COMMIT DROP AS
            SELECT row_number, nexus_assets.read_text(id) AS said_id, nexus_assets.read_text(filemaker_id) AS said_source,
                   nexus_assets.read_uuid(id) AS nexus_id, nexus_assets.read_uuid(filemaker_id) AS source_id
            FROM {staged} WHERE nexus_assets.read_text(id) IS NOT NULL OR nexus_assets.read_text(filemaker_id) IS NOT NULL;
            ANALYZE {taught}
        """).format(taught=_taught(entity), staged=_staged(entity))
    )
    for fault in _faults(entity, is_list):
        _refuse(cursor, fault, path, entity, is_list)
    return _write(cursor, target)


def _taught(entity: str) -> Identifier:
    return Identifier(f"taught_{entity}")


@dataclass(frozen=True)
class _Fault:
    """Rows that can't be learned from: a query of their numbers, the column, and what is wrong with it."""

    rows: Composable
    column: str
    wrong: str


def _faults(entity: str, is_list: bool) -> Iterator[_Fault]:
    taught, known = _taught(entity), identity_table(entity)
    if is_list:
        unread = SQL("SELECT row_number FROM {} WHERE {} IS NULL")
        yield _Fault(unread.format(taught, Identifier("nexus_id")), ID, "holds no UUID")
        said = SQL("SELECT row_number FROM {} WHERE said_source IS NOT NULL AND source_id IS NULL")
        yield _Fault(said.format(taught), FILEMAKER_ID, "holds no UUID")
    yield _Fault(
        SQL("""
            SELECT t.row_number FROM {taught} AS t WHERE EXISTS (
              SELECT FROM {taught} AS o WHERE o.nexus_id = t.nexus_id AND o.source_id <> t.source_id
                AND o.row_number < t.row_number)
        """).format(taught=taught),
        FILEMAKER_ID,
        "is another one than an earlier row has for the same id",
    )
    yield _Fault(
        SQL("""
            SELECT t.row_number FROM {taught} AS t JOIN {known} AS l ON l.nexus_id = t.nexus_id
            WHERE l.source_id <> t.source_id
            UNION
            SELECT t.row_number FROM {taught} AS t JOIN nexus_assets.superseded AS s ON s.nexus_id = t.nexus_id
            WHERE s.entity = {entity} AND s.source_id <> t.source_id
        """).format(taught=taught, known=known, entity=Literal(entity)),
        FILEMAKER_ID,
        "is another one than the ledger has for this id",
    )


def _refuse(cursor: Cursor, fault: _Fault, path: Path, entity: str, is_list: bool) -> None:
    rows, first = queries.row(cursor, SQL("SELECT count(*), min(row_number) FROM ({}) AS f").format(fault.rows))
    if not rows:
        return
    others = f" ({rows - 1:,} more records likewise)" if rows > 1 else ""
    in_table = f" (row {first + 1:,} with the headings)" if is_list else ""
    remedy = (
        f"Correct it and run `nexus-assets learn-ids {path}` again."
        if is_list
        else "Write the ids that you trust into a CSV with the columns id and filemaker_id, and learn that."
    )
    raise LearnError(
        f"{path}, {entity}, record {first:,}{in_table}, column {fault.column}: {fault.wrong}{others}.",
        remedy=f"Nothing was written. {remedy}",
    )


def _write(cursor: Cursor, target: Target) -> Learned:
    entity = target.entity.name
    parts = {
        "taught": _taught(entity),
        "judged": Identifier(f"judged_{entity}"),
        "ledger": identity_table(entity),
        "target": target.table,
        "entity": Literal(entity),
    }
    # The first id that the file has for an unknown FileMaker id is the one to restore; the others are its earlier ones.
    cursor.execute(
        SQL("""
            CREATE TEMP TABLE {judged} ON COMMIT DROP AS
            SELECT DISTINCT ON (t.nexus_id, t.source_id, t.nexus_id IS NULL OR t.source_id IS NULL, u.k)
                   t.row_number, t.nexus_id, t.source_id, l.nexus_id AS current_id,
                   CASE WHEN t.nexus_id IS NULL OR t.source_id IS NULL THEN 'nameless'
                        WHEN EXISTS (SELECT FROM {target} AS r WHERE r.id = t.nexus_id) THEN 'living'
                        WHEN l.nexus_id = t.nexus_id OR s.nexus_id IS NOT NULL THEN 'known'
                        WHEN l.source_id IS NOT NULL THEN 'superseded' ELSE 'unknown' END AS outcome
            FROM {taught} AS t
            CROSS JOIN LATERAL (SELECT CASE WHEN t.nexus_id IS NULL OR t.source_id IS NULL THEN t.row_number END AS k) AS u
            LEFT JOIN {ledger} AS l ON l.source_id = t.source_id
            LEFT JOIN nexus_assets.superseded AS s ON s.entity = {entity} AND s.nexus_id = t.nexus_id
            ORDER BY t.nexus_id, t.source_id, t.nexus_id IS NULL OR t.source_id IS NULL, u.k, t.row_number;

            INSERT INTO {ledger} (source_id, nexus_id, origin)
            SELECT DISTINCT ON (source_id) source_id, nexus_id, 'learned' FROM {judged} WHERE outcome = 'unknown'
            ORDER BY source_id, row_number;

            UPDATE {judged} AS j SET current_id = l.nexus_id,
              outcome = CASE WHEN l.nexus_id = j.nexus_id THEN 'to_restore' ELSE 'superseded' END
            FROM {ledger} AS l WHERE l.source_id = j.source_id AND j.outcome = 'unknown';

            INSERT INTO nexus_assets.superseded (entity, nexus_id, source_id, current_id)
            SELECT {entity}, nexus_id, source_id, current_id FROM {judged} WHERE outcome = 'superseded'
        """).format(**parts)
    )
    rows = queries.number(cursor, SQL("SELECT count(*) FROM {taught}").format(**parts))
    cursor.execute(SQL("SELECT outcome, count(*) FROM {judged} GROUP BY 1").format(**parts))
    counted: dict[str, int] = dict(cursor.fetchall())
    # A pair that the file has twice is learned once.
    repeated = rows - sum(counted.values())
    return Learned(
        rows=rows,
        superseded=counted.get("superseded", 0),
        to_restore=counted.get("to_restore", 0),
        known=counted.get("known", 0) + repeated,
        living=counted.get("living", 0),
        nameless=counted.get("nameless", 0),
        references=_references(cursor, target, parts["judged"]),
    )


def _references(cursor: Cursor, target: Target, judged: Composable) -> int:
    """How many rows, anywhere in the database, refer to an id that was learned or known and is not living."""
    lost = SQL("IN (SELECT nexus_id FROM {} WHERE outcome IN ('superseded', 'to_restore', 'known'))").format(judged)
    return sum(
        queries.number(
            cursor, SQL("SELECT count(*) FROM {} AS x WHERE {}").format(found.relation, found.leads_sql(target, lost))
        )
        for found in pointing(cursor, target)
        if (found.is_writable if isinstance(found, GenericKey) else found.is_living)
    )

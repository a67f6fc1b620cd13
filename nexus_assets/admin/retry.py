"""Loading what a person corrected: the rows are kept in place of the faulty ones, and the entities are loaded as ever.

A load reads an export as if it held the corrected rows (load/corrected.py), so that identity, references, gates and the account
are those of every load, and nothing that is not in the workbook seems to have vanished. What is still wrong is rejected
again and stays open, with its new reason.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL

from nexus_assets.admin.reject_workbook import Cells, CorrectedRow, SheetError, cells_of, shown
from nexus_assets.admin.rejects import check_installed
from nexus_assets.entities import ENTITIES
from nexus_assets.ledger.loads import last_load
from nexus_assets.ledger.schema import free_numbers, install
from nexus_assets.load.load import Inputs, LoadResult, load
from nexus_assets.load.settings import LoadSettings
from nexus_assets.mapping.entity import Entity, FileRecords
from nexus_assets.mapping.reasons import NOT_BY_A_CELL
from nexus_assets.nexus.connection import transaction


@dataclass(frozen=True)
class StillWrong:
    """A corrected row that is rejected all the same: where it stands in the workbook, and why."""

    entity: str
    row: int
    reason: str
    column: str


@dataclass
class Retried:
    """What became of a workbook's rows. Every row is in one of the five; `results` are the loads that were made."""

    loaded: Counter[str] = field(default_factory=Counter)
    still_wrong: list[StillWrong] = field(default_factory=list)
    untouched: int = 0
    closed: int = 0
    outdated: int = 0
    results: dict[str, LoadResult] = field(default_factory=dict)


@dataclass(frozen=True)
class _Known:
    """A reject as the ledger has it, with the corrected row that stands for it already, where there is one."""

    entity: Entity
    reason: str
    payload: Cells
    is_open: bool
    faulty: Cells | None
    corrected: Cells | None
    absent: bool


def affected(rows: Sequence[CorrectedRow]) -> list[Entity]:
    """Returns the entities that read an export of which a row is corrected, parents first."""
    exports = {ENTITIES[row.entity].rows_of.export for row in rows}
    return [entity for entity in ENTITIES.values() if entity.rows_of.export in exports]


def retry(
    engine: sqlalchemy.Engine,
    rows: Sequence[CorrectedRow],
    inputs: Callable[[Entity], Inputs],
    settings: LoadSettings,
    run_id: str,
    log: Callable[[str], None],
) -> Retried:
    """Loads the entities of a workbook with its rows in place of the faulty ones, all in one transaction.

    Raises SheetError for a row that corrects nothing that is known, GateError and whatever else a load raises: nothing was
    written then.
    """
    with transaction(engine, lock=_locks(affected(rows))) as cursor:
        check_installed(cursor)
        install(cursor)
        free_numbers(cursor, "correction")
        retried = Retried()
        changed = _keep(cursor, rows, retried)
        for entity in affected(changed):
            if entity.optional and last_load(cursor, entity.name) is None:
                continue
            retried.results[entity.name] = load(cursor, entity, inputs(entity), settings, run_id, log)
        _tell_outcome(cursor, changed, retried)
    return retried


def _locks(entities: Sequence[Entity]) -> list[str]:
    """What the loads of these entities lock, in the order in which every load does."""
    needed = {name for entity in entities for name in entity.locks}
    return [name for name in ENTITIES if name in needed]


def _keep(cursor: Cursor, rows: Sequence[CorrectedRow], retried: Retried) -> list[CorrectedRow]:
    """Keeps the rows that a person has changed; returns those."""
    kept = []
    known = _known(cursor, rows)
    for row in rows:
        reject = known.get(row.reject_id)
        if reject is None or reject.entity.name != row.entity:
            raise SheetError(
                f"Row {row.row} of the sheet {row.entity} corrects the reject {row.reject_id}, which there is not.",
                remedy="Write a new workbook: nexus-assets rejects export FILE --with-data",
            )
        if not reject.is_open and reject.corrected is None:
            retried.closed += 1
            continue
        if reject.reason in NOT_BY_A_CELL and reject.corrected is None:
            raise SheetError(
                f"Row {row.row} of the sheet {row.entity} was rejected as {reject.reason}, which no cell can correct.",
                remedy=NOT_BY_A_CELL[reject.reason],
            )
        before = reject.corrected or cells_of(reject.entity, reject.reason, reject.payload)
        corrected = _corrected(before, row.cells)
        if corrected == before:
            retried.untouched += 1
            continue
        kept.append((row, reject, corrected))
    _write(cursor, kept)
    return [row for row, _, _ in kept]


def _known(cursor: Cursor, rows: Sequence[CorrectedRow]) -> dict[int, _Known]:
    cursor.execute(
        "SELECT r.id, r.entity, reason, payload, resolved_load IS NULL, faulty, corrected, coalesce(absent, reason = 'no_record')"
        " FROM nexus_assets.reject AS r LEFT JOIN nexus_assets.correction AS m ON m.reject_id = r.id WHERE r.id = ANY(%s)",
        ([row.reject_id for row in rows],),
    )
    return {number: _Known(ENTITIES[entity], *found) for number, entity, *found in cursor.fetchall()}


def _corrected(before: Cells, cells: Cells) -> dict[str, str | None]:
    """The cells of a sheet; one that shows what was there before, but for blanks around it, is as it was before: not every
    program keeps those, and not every form of a line end."""
    return {
        heading: before.get(heading) if shown(cell).strip() == shown(before.get(heading)).strip() else cell
        for heading, cell in cells.items()
    }


def _faulty(reject: _Known) -> Cells:
    """The row as FileMaker has it, which the corrected one stands in place of."""
    if reject.faulty is not None:
        return reject.faulty
    faulty = cells_of(reject.entity, reject.reason, reject.payload)
    source = reject.entity.rows_of
    return {source.on: faulty[source.on]} if reject.absent and isinstance(source, FileRecords) else faulty


def _write(cursor: Cursor, kept: Iterable[tuple[CorrectedRow, _Known, Cells]]) -> None:
    """Keeps the corrected rows. They go by COPY: a statement, which a server may write to its log, holds no word of them."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows(
        (
            row.reject_id,
            row.entity,
            reject.entity.rows_of.export,
            reject.absent,
            json.dumps(_faulty(reject)),
            json.dumps(corrected),
        )
        for row, reject, corrected in kept
    )
    buffer.seek(0)
    names = SQL("reject_id, entity, export, absent, faulty, corrected")
    like = SQL("CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT {} FROM nexus_assets.correction WHERE false")
    cursor.execute(like.format(names))
    cursor.copy_expert("COPY kept FROM STDIN (FORMAT csv)", buffer)
    cursor.execute(
        SQL("""
            INSERT INTO nexus_assets.correction ({names}) SELECT {names} FROM kept
            ON CONFLICT (reject_id) DO UPDATE SET corrected = excluded.corrected, corrected_at = clock_timestamp()
        """).format(names=names)
    )


def _tell_outcome(cursor: Cursor, changed: Sequence[CorrectedRow], retried: Retried) -> None:
    """Finds out what became of each row; one that was rejected again is the same reject still, with its new reason."""
    loads = [result.load_id for result in retried.results.values()]
    cursor.execute(
        "SELECT id, entity, row_number, source_id, reason, column_name, payload FROM nexus_assets.reject"
        " WHERE first_load = ANY(%s) AND resolved_load IS NULL ORDER BY id",
        (loads,),
    )
    again = cursor.fetchall()
    cursor.execute(
        "SELECT reject_id, corrected, idle_since IS NOT NULL FROM nexus_assets.correction WHERE reject_id = ANY(%s)",
        ([row.reject_id for row in changed],),
    )
    kept = {number: (corrected, idle) for number, corrected, idle in cursor.fetchall()}
    for row in changed:
        corrected, idle = kept[row.reject_id]
        if idle:
            retried.outdated += 1
            cursor.execute("DELETE FROM nexus_assets.correction WHERE reject_id = %s", (row.reject_id,))
            continue
        found = next((new for new in again if new[1] == row.entity and _is(new[6], corrected)), None)
        if found is None:
            retried.loaded[row.entity] += 1
            continue
        again.remove(found)
        retried.still_wrong.append(StillWrong(row.entity, row.row, found[4], found[5] or ""))
        _stays_open(cursor, row.reject_id, found[0])
    _refuse_quarrels(again, changed)


def _is(payload: Cells, corrected: Mapping[str, Any]) -> bool:
    """Whether a rejected row is what a corrected one says; cells without anything are not kept of a rejected row."""
    return all(payload.get(heading) == cell for heading, cell in corrected.items())


def _stays_open(cursor: Cursor, reject_id: int, again: int) -> None:
    cursor.execute(
        "UPDATE nexus_assets.reject AS r SET row_number = n.row_number, source_id = n.source_id, reason = n.reason,"
        " column_name = n.column_name, row_hash = n.row_hash, payload = n.payload, resolved_load = NULL"
        " FROM nexus_assets.reject AS n WHERE r.id = %s AND n.id = %s",
        (reject_id, again),
    )
    cursor.execute("DELETE FROM nexus_assets.reject WHERE id = %s", (again,))


def _refuse_quarrels(again: Sequence[tuple[Any, ...]], changed: Sequence[CorrectedRow]) -> None:
    """A corrected id that is another row's already would have both rejected: the good one, too."""
    for _, entity, record, _, reason, *_ in again:
        of = [row for row in changed if row.entity == entity]
        if reason == "duplicate_id" and of:
            raise SheetError(
                f"A corrected row of the sheet {entity} carries the FileMaker id of record {record:,} of "
                f"{ENTITIES[entity].rows_of.export}, which says something else.",
                remedy="Nothing was written. Give it an id of its own, or leave it as FileMaker has it.",
            )

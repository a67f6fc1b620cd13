"""Rejected rows as a workbook in which a person corrects them: a sheet per entity, under FileMaker's headings, all cells text."""

from __future__ import annotations

import io
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import python_calamine
import sqlalchemy
import xlsxwriter
from psycopg2.sql import SQL, Literal

from nexus_assets.admin.rejects import check_installed
from nexus_assets.disk import whole_file
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.load.sources import headings
from nexus_assets.mapping.entity import Entity, FileRecords, RecordGroups
from nexus_assets.mapping.reasons import NOT_BY_A_CELL
from nexus_assets.nexus.connection import transaction
from nexus_assets.sources.columns import match_columns
from nexus_assets.sources.quotable import quoted
from nexus_assets.sources.workbook import cell_text
from nexus_assets.wording import counted

ABOUT = ("reject", "record", "reason", "column", "file")
"""The columns before FileMaker's: which reject it is, and what is wrong with it. Only the first one is read back."""

LONGEST_CELL, MOST_ROWS = 32_767, 1_048_575
"""What a cell and a sheet (under its header) can hold, in Excel."""

Cells = Mapping[str, str | None]


class SheetError(NexusAssetsError):
    """A workbook that can't be written or read back; nothing was written."""


@dataclass(frozen=True)
class Written:
    """What a workbook holds: rows by entity; and what was left out, by (entity, reason), because no cell can correct it."""

    rows: Mapping[str, int]
    left_out: Mapping[tuple[str, str], int]
    too_long: int


@dataclass(frozen=True)
class CorrectedRow:
    """A row of a workbook that was read back: its place there, the reject that it is to correct, its cells by heading."""

    entity: str
    row: int
    reject_id: int
    cells: Cells


def sheet_headings(entity: Entity) -> tuple[str, ...]:
    """FileMaker's headings in the sheet of an entity: those that its load reads. None where its rows are no export's rows."""
    return () if isinstance(entity.source, RecordGroups) else tuple(itertools.chain(*headings(entity)))


def shown(cell: str | None) -> str:
    """A cell as a sheet shows it: FileMaker's returns and repetitions, which Excel does not have, are line breaks."""
    text = (cell or "").replace("\r\n", "\n")
    return text.translate(dict.fromkeys((0x0B, 0x0D, 0x1D), "\n"))


def cells_of(entity: Entity, reason: str, payload: Cells) -> dict[str, str | None]:
    """The cells of a rejected row as FileMaker has them; for a file without a record, of the record that it lacks."""
    cells = {heading: payload.get(heading) for heading in sheet_headings(entity)}
    source = entity.source
    if reason == "no_record" and isinstance(source, FileRecords):
        cells[source.on] = payload.get("record_key")
    return cells


def write_sheets(engine: sqlalchemy.Engine, file: Path, entity: str | None, reason: str | None) -> Written:
    """Writes the open rejects into a new workbook that nobody else may read (mode 600). Raises SheetError."""
    rows: dict[str, list[list[str]]] = {}
    left_out: Counter[tuple[str, str]] = Counter()
    too_long = 0
    with transaction(engine, read_only=True) as cursor:
        check_installed(cursor)
        for name in [entity] if entity else [*ENTITIES]:
            cursor.execute(
                SQL("""
                    SELECT id, row_number, reason, column_name, payload FROM nexus_assets.reject
                    WHERE entity = {} AND resolved_load IS NULL AND ({reason}::text IS NULL OR reason = {reason})
                    ORDER BY row_number, id
                """).format(Literal(name), reason=Literal(reason))
            )
            for reject_id, record, why, column, payload in cursor.fetchall():
                if why in NOT_BY_A_CELL or not sheet_headings(ENTITIES[name]):
                    left_out[name, why] += 1
                    continue
                cells = [shown(cell) for cell in cells_of(ENTITIES[name], why, payload).values()]
                if max(map(len, cells)) > LONGEST_CELL:
                    too_long += 1
                    continue
                about = [str(reject_id), str(record), why, column or "", payload.get("key", "")]
                rows.setdefault(name, []).append([*about, *cells])
    if most := next((name for name, of in rows.items() if len(of) > MOST_ROWS), None):
        raise SheetError(
            f"{most} has {len(rows[most]):,} rejects, and a sheet has room for {MOST_ROWS:,}.",
            remedy="Ask for one reason at a time, with --reason.",
        )
    _save(file, _workbook(rows))
    return Written({name: len(of) for name, of in rows.items()}, left_out, too_long)


def _workbook(rows: Mapping[str, Sequence[Sequence[str]]]) -> bytes:
    data = io.BytesIO()
    # In memory: a temporary file would hold patients as well. And no cell is to become a formula, a link or a number.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(data, options) as book:
        bold = book.add_format({"bold": True, "num_format": "@"})
        text = book.add_format({"num_format": "@", "valign": "top"})
        for name, of in rows.items() or {"patients": ()}.items():
            sheet = book.add_worksheet(name)
            columns = (*ABOUT, *sheet_headings(ENTITIES[name]))
            sheet.set_column(0, len(columns) - 1, 16, text)
            sheet.freeze_panes(1, 1)
            for at, heading in enumerate(columns):
                sheet.write_string(0, at, heading, bold)
            for number, cells in enumerate(of, start=1):
                for at, cell in enumerate(cells):
                    if cell:
                        sheet.write_string(number, at, cell, text)
    return data.getvalue()


def _save(file: Path, data: bytes) -> None:
    remedy = "Nothing was written. Give a place in another folder."
    try:
        with whole_file(file, remedy=remedy, replaces=False) as out:
            out.write(data)
    except FileExistsError:
        raise SheetError(
            f"{file} is there already; it may hold somebody's corrections.", remedy="Give another name, or remove it."
        ) from None


def read_sheets(file: Path) -> list[CorrectedRow]:
    """Returns the rows of a workbook that `write_sheets` wrote and a person worked in, parents first.

    Sheets, rows and columns may have been removed, or moved, but for those that a row is read by. Raises SheetError.
    """
    try:
        data = file.read_bytes()
        book = python_calamine.load_workbook(io.BytesIO(data))
        found = {name: book.get_sheet_by_name(name).iter_rows() for name in book.sheet_names}
    except OSError as error:
        raise SheetError(f"{file} can't be read: {error.strerror}.", remedy="Check the path.") from None
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        # The library's own messages may quote the workbook.
        raise SheetError(
            f"{file} is no workbook that can be read.", remedy="Save it as .xlsx, without a password."
        ) from None
    own = [name for name, entity in ENTITIES.items() if sheet_headings(entity)]
    strange = [name for name in found if name not in own]
    if strange:
        raise SheetError(
            f"{file} has {counted(len(strange), 'sheet')} of other names than {quoted(own)}.",
            remedy="Use a workbook that `nexus-assets rejects export` wrote.",
        )
    rows = [row for name in ENTITIES if name in found for row in _read(found[name], name, file)]
    twice = [number for number, times in Counter(row.reject_id for row in rows).items() if times > 1]
    if twice:
        places = [f"row {row.row} of {row.entity}" for row in rows if row.reject_id == twice[0]]
        raise SheetError(
            f"{file} corrects one reject twice: {' and '.join(places)}.", remedy="Keep the row that is right."
        )
    return rows


def _read(rows: Iterator[Sequence[object]], name: str, file: Path) -> Iterator[CorrectedRow]:
    location = f"The sheet {name} of {file}"
    header = [cell_text(cell) or "" for cell in next(rows, [])]  # type: ignore[arg-type]
    at = match_columns(header, (ABOUT[0], *sheet_headings(ENTITIES[name])), (), location)
    for number, row in enumerate(rows, start=2):
        cells = {heading: cell_text(row[column]) for heading, column in at.items()}  # type: ignore[arg-type]
        if not any(cells.values()):
            continue
        reject_id = (cells.pop(ABOUT[0]) or "").strip()
        if not (reject_id.isascii() and reject_id.isdecimal() and len(reject_id) < 19):
            raise SheetError(
                f"{location}: row {number} does not say in the column {ABOUT[0]!r} which reject it corrects.",
                remedy="Correct the rows that the workbook was written with; a new row can't be loaded this way.",
            )
        yield CorrectedRow(name, number, int(reject_id), cells)

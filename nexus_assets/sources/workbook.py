"""Excel workbooks (.xlsx) as an export: the first sheet, its first row the header, every cell as one canonical text."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta

import python_calamine

from nexus_assets.sources import quotable
from nexus_assets.sources.columns import checked_list, count_matches, is_header, match_columns, plain_headings
from nexus_assets.sources.content import Content
from nexus_assets.sources.export import CSV, ExportError, OpenExport, ReadFacts, ReadSettings
from nexus_assets.sources.fields import field_list
from nexus_assets.sources.rows import csv_blocks
from nexus_assets.sources.sheet_cells import OddCell, Oddity
from nexus_assets.sources.workbook_parts import OPEN_AND_SAVE, Parts, check_parts
from nexus_assets.wording import counted

_EXPORT_AGAIN = "Export it again from FileMaker, then run the same command."

LARGEST_FILE = 1 << 28
"""Bytes of a workbook; a sheet that is full has some 100 MB."""

MOST_EMPTY_ROWS = 10_000
"""Empty rows between two records; more means a stray cell far below."""

LONGEST_TIME = 1e6
"""Days that a negative time may last to be shown as one."""

SEARCHED_ROWS = 20
"""Rows at the top of each sheet in which missing headings are looked for."""

Cell = str | float | bool | date | time | datetime | timedelta


def open_workbook(
    content: Content, wanted: Sequence[str], optional: Sequence[str], settings: ReadSettings, facts: ReadFacts
) -> OpenExport:
    """Returns the first sheet as an export. Raises ExportError where the workbook is damaged or lacks a column."""
    data = _whole(content, facts)
    parts = check_parts(data, content.location)
    facts.date_system = "1904" if parts.is_1904 else "1900"
    with _explained(content.location, parts.cells.odd):
        book = python_calamine.load_workbook(io.BytesIO(data))
        names = [each.name for each in book.sheets_metadata if each.typ == python_calamine.SheetTypeEnum.WorkSheet]
        sheet = book.get_sheet_by_name(names[0])
    if sheet.start is None:
        raise ExportError(f"The first sheet of {content.location} is empty.", remedy=_EXPORT_AGAIN)
    if len(names) > 1:
        facts.remarks.append(f"the first of its {len(names)} sheets is read")
    if parts.sheets[0].is_hidden:
        facts.remarks.append("the sheet that is read, the first one, is hidden")
    rows = _read_rows(sheet, parts, content.location)
    header = plain_headings(tuple(cell or "" for cell in next(rows)), wanted)
    listed = settings.header or field_list(content.file)
    if listed and not is_header(header, listed, wanted):
        header, rows = (checked_list(listed, len(header), content.location), _read_rows(sheet, parts, content.location))
    positions = match_columns(
        header, wanted, optional, content.location, lambda: _where_the_headings_are(book, names, parts, wanted)
    )
    _refuse_odd_cells(parts.cells.odd, sheet.start, header, positions, content.location)
    return _Workbook(rows, header, positions, facts)


def _whole(content: Content, facts: ReadFacts) -> bytes:
    """The bytes of the file: calamine wants it whole."""
    blocks, size = [], 0
    for block in content.blocks(facts):
        size += len(block)
        if max(size, content.file.size) > LARGEST_FILE:
            raise ExportError(
                f"{content.location} is larger than {LARGEST_FILE >> 20} MiB: too large for a workbook.",
                remedy="Export it from FileMaker as .csv, then run the same command.",
            )
        blocks.append(block)
    return b"".join(blocks)


def _read_rows(sheet: python_calamine.CalamineSheet, parts: Parts, location: str) -> Iterator[list[str | None]]:
    """The rows from the first one that holds anything on, each cell as text; without the empty ones at the end."""
    first_row, first_column = sheet.start or (0, 0)
    misread = parts.cells.misread
    rows = sheet.iter_rows()
    blanks = 0
    for at in itertools.count(first_row):
        try:
            cells = next(rows, None)
        except BaseException as error:
            if not (isinstance(error, (OverflowError, ValueError)) or _is_panic(error)):
                raise
            raise ExportError(
                f"{location}: row {at + 1:,} has a cell that is shown as a date or time and is too large a number for one.",
                remedy=_EXPORT_AGAIN,
            ) from None
        if cells is None:
            return
        row = [cell_text(cell) for cell in cells]
        if misread:
            _restore(row, cells, misread, at, first_column, is_1904=parts.is_1904)
        if not any(row):
            blanks += 1
            continue
        if blanks > MOST_EMPTY_ROWS:
            raise ExportError(
                f"{location} has something in row {at + 1:,} of its first sheet, below {blanks:,} empty rows.",
                remedy="Delete it, or export again from FileMaker, then run the same command.",
            )
        for _ in range(blanks):
            yield [None] * len(row)
        blanks = 0
        yield row


def _restore(
    row: list[str | None],
    cells: Sequence[Cell],
    misread: Mapping[tuple[int, int], float],
    at: int,
    first_column: int,
    *,
    is_1904: bool,
) -> None:
    """Of a negative number that is shown as a time calamine gives the time a day later, of one shown as a date midnight; and of
    29 February 1900, which Excel shows though there was none, the day before."""
    for column, cell in enumerate(cells):
        number = misread.get((at, column + first_column))
        if number is None or not isinstance(cell, (date, time, datetime)):
            continue
        if -LONGEST_TIME < number < 0:
            row[column] = _clock(timedelta(days=number))
        elif 60 <= number < 61 and not is_1904:
            row[column] = "1900-02-29"


class _Workbook(OpenExport):
    def __init__(
        self, rows: Iterator[list[str | None]], header: tuple[str, ...], positions: dict[str, int], facts: ReadFacts
    ) -> None:
        super().__init__(header, positions, dict(CSV), facts)
        self._rows = rows

    def _records(self) -> Iterator[bytes]:
        return csv_blocks(self.selected(self._rows), self.facts.location)

    def _place(self, record: int) -> str:
        return f"row {record + 1:,} of its first sheet"


def cell_text(value: Cell) -> str | None:
    """Returns a cell as text: `2016-10-18`, `2016-10-18 09:30:00`, `09:30:00`, `36:30:00`, `7`, `0.5`, `1` for true.

    Excel keeps times as fractions of a day, which are seldom exact: they are rounded to the second that was meant.
    """
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (int, float)):
        return str(int(value)) if float(value).is_integer() else repr(value)
    if isinstance(value, datetime):
        return (value + timedelta(microseconds=500_000)).replace(microsecond=0).isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return _clock(timedelta(hours=value.hour, minutes=value.minute, seconds=value.second + value.microsecond / 1e6))
    return _clock(value)


def _clock(value: timedelta) -> str:
    seconds = round(abs(value).total_seconds())
    sign = "-" if value < timedelta(0) and seconds else ""
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _refuse_odd_cells(
    cells: Sequence[OddCell], start: tuple[int, int], header: tuple[str, ...], positions: dict[str, int], location: str
) -> None:
    """What is no value is not an empty one either; in columns that nobody reads it may stay."""
    used = set(positions.values())
    found = sorted(cell for cell in cells if cell.column - start[1] in used and cell.row > start[0])
    for oddity in Oddity:
        if those := [cell for cell in found if cell.oddity is oddity]:
            columns = sorted({quotable.column(header, cell.column - start[1]) for cell in those})
            raise ExportError(
                f"{location} has {counted(len(those), 'cell')} {oddity.value}, the first in row "
                f"{those[0].row + 1:,}, in the {'column' if len(columns) == 1 else 'columns'} {', '.join(columns)}.",
                remedy=_HELPS[oddity],
            )


_HELPS = {
    Oddity.ERROR: "Correct them, or export from FileMaker again, then run the same command.",
    Oddity.FORMULA: "Open it in Excel and save it, so that each formula has its value, or export from FileMaker again; "
    "then run the same command.",
    Oddity.BROKEN: OPEN_AND_SAVE,
    Oddity.MERGED: "Unmerge them in Excel and fill in each cell, or export from FileMaker again; then run the same command.",
}


def _where_the_headings_are(
    book: python_calamine.CalamineWorkbook, names: Sequence[str], parts: Parts, wanted: Sequence[str]
) -> str:
    """Where a person should look who finds no headings in the first row of the first sheet."""
    words = []
    if parts.sheets[0].is_hidden:
        words.append("The sheet that was read, the first one, is hidden.")
    for number, (name, sheet) in enumerate(zip(names, parts.sheets, strict=True), start=1):
        if number > 1 and not sheet.may_be_searched:
            continue
        for at, row in enumerate(
            itertools.islice(book.get_sheet_by_name(name).to_python(nrows=SEARCHED_ROWS), SEARCHED_ROWS), 1
        ):
            if 2 * count_matches([cell_text(cell) or "" for cell in row], wanted) >= len(wanted):
                words.append(
                    f"The headings are in row {at} of sheet {number}: put that sheet first, without rows above them."
                )
                return " ".join(words)
    if len(names) > 1:
        words.append(f"Only the first of its {len(names)} sheets is read.")
    return " ".join(words)


def _is_panic(error: BaseException) -> bool:
    return type(error).__name__ == "PanicException"


@contextmanager
def _explained(location: str, odd: Sequence[OddCell]) -> Iterator[None]:
    """calamine has its own errors, also for Excel's newer error values; and a damaged workbook can make its Rust panic as well: no
    Exception by birth."""
    try:
        yield
    except python_calamine.PasswordError:
        raise ExportError(f"{location} is locked with a password.", remedy="Save it without one.") from None
    except BaseException as error:
        if isinstance(error, Exception) or _is_panic(error):
            if errors := [cell for cell in odd if cell.oddity is Oddity.ERROR]:
                raise ExportError(
                    f"{location} has {counted(len(errors), 'cell')} {Oddity.ERROR.value}, the first in row {min(errors).row + 1:,}.",
                    remedy=_HELPS[Oddity.ERROR],
                ) from None
            # The library's own messages may quote the workbook.
            raise ExportError(
                f"{location} is a damaged workbook, or packed as no spreadsheet program does it.", remedy=OPEN_AND_SAVE
            ) from None
        raise

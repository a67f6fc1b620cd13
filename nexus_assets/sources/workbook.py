"""Excel workbooks (.xlsx) as an export: the first sheet, its first row the header, every cell as one canonical text."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import Any

import python_calamine

from nexus_assets.errors import NexusAssetsError
from nexus_assets.sources import quotable
from nexus_assets.sources.columns import checked_list, is_header, match_columns
from nexus_assets.sources.content import Content
from nexus_assets.sources.export import CSV, ExportError, OpenExport, ReadFacts, ReadSettings, refused
from nexus_assets.sources.fields import field_list
from nexus_assets.sources.rows import csv_blocks
from nexus_assets.sources.workbook_parts import ErrorCell, check_parts

_EXPORT_AGAIN = "Export it again from FileMaker, then run the same command."

Cell = str | float | bool | date | time | datetime | timedelta


def open_workbook(
    content: Content, wanted: Sequence[str], optional: Sequence[str], settings: ReadSettings, facts: ReadFacts
) -> OpenExport:
    """Returns the first sheet as an export. Raises ExportError where the workbook is damaged or lacks a column."""
    data = b"".join(content.blocks(facts))  # calamine wants it whole; a sheet that is full has some 100 MB
    parts = check_parts(data, content.location)
    facts.date_system = "1904" if parts.is_1904 else "1900"
    with _explained(content.location):
        book = python_calamine.load_workbook(io.BytesIO(data))
        names = [each.name for each in book.sheets_metadata if each.typ == python_calamine.SheetTypeEnum.WorkSheet]
        sheet = book.get_sheet_by_name(names[0])
    if sheet.start is None:
        raise ExportError(f"The first sheet of {content.location} is empty.", remedy=_EXPORT_AGAIN)
    if len(names) > 1:
        facts.remarks.append(f"the first of its {len(names)} sheets is read")
    rows = sheet.iter_rows()
    header = tuple(cell_text(cell) or "" for cell in next(rows))
    listed = settings.header or field_list(content.file)
    if listed and not is_header(header, listed, wanted):
        header, rows = checked_list(listed, len(header), content.location), sheet.iter_rows()
    positions = match_columns(header, wanted, optional, content.location)
    _refuse_errors(parts.error_cells, sheet.start, header, positions, content.location)
    return _Workbook(content.location, rows, header, positions, facts)


class _Workbook(OpenExport):
    def __init__(
        self,
        location: str,
        rows: Iterator[list[Any]],
        header: tuple[str, ...],
        positions: dict[str, int],
        facts: ReadFacts,
    ) -> None:
        super().__init__(header, positions, dict(CSV), facts)
        self._location, self._rows = location, rows

    def _records(self) -> Iterator[bytes]:
        return csv_blocks(self._filled(), self._location)

    def _filled(self) -> Iterator[list[str | None]]:
        """A sheet may end in rows that hold nothing but a format: they are no records."""
        blanks = 0
        for cells in self._rows:
            row = [cell_text(cell) for cell in cells]
            if any(row):
                for _ in range(blanks):
                    yield [None] * len(row)
                blanks = 0
                yield row
            else:
                blanks += 1

    def explain(self, copy_error_line: int | None, message: str) -> NexusAssetsError:
        at = "" if copy_error_line is None else f" at or before row {copy_error_line + 1:,} of its first sheet"
        return refused(self._location, at, message)


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


def _refuse_errors(
    cells: Sequence[ErrorCell],
    start: tuple[int, int],
    header: tuple[str, ...],
    positions: dict[str, int],
    location: str,
) -> None:
    """An error cell (#N/A, #REF!) is no value and not an empty one either; in columns that nobody reads it may stay."""
    used = set(positions.values())
    found = sorted(cell for cell in cells if cell.column - start[1] in used and cell.row > start[0])
    if found:
        columns = sorted({quotable.column(header, cell.column - start[1]) for cell in found})
        raise ExportError(
            f"{location} has {len(found)} cell(s) that hold an Excel error instead of a value, the first in row "
            f"{found[0].row + 1:,}, in the column(s) {', '.join(columns)}.",
            remedy="Mend them, or export from FileMaker again, then run the same command.",
        )


@contextmanager
def _explained(location: str) -> Iterator[None]:
    """calamine has its own errors, but a damaged workbook can make its Rust panic as well: no Exception by birth."""
    try:
        yield
    except python_calamine.PasswordError:
        raise ExportError(f"{location} is locked with a password.", remedy="Save it without one.") from None
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            # The library's own words may quote the workbook.
            raise ExportError(f"{location} is a damaged workbook.", remedy=_EXPORT_AGAIN) from None
        raise

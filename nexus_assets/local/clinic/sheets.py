"""Writing rows into the kinds of file that FileMaker exports, one row at a time."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

Cell = str | int | date | datetime | time | timedelta | None
Row = tuple[Cell, ...]
Format = Literal["xlsx", "csv"]

XLSX_ROWS = 1_048_576  # that a sheet can hold, the header among them
FILE_DATE = datetime(2025, 9, 26)  # noqa: DTZ001 - xlsx knows no time zones; fixed, so that the same seed gives the same bytes

# How the cells of an export are shown; the last one is what makes a reader see a duration in place of a time.
NUMBER_FORMATS: dict[type, str] = {
    date: "m/d/yyyy",
    datetime: "m/d/yyyy h:mm:ss",
    time: "h:mm:ss",
    timedelta: "[h]:mm",
}


def write_export(
    folder: Path, name: str, headings: tuple[str, ...], rows: Iterable[Row], file_format: Format
) -> tuple[Path, int]:
    """Writes one export as FileMaker does, its columns in alphabetical order whatever their case.

    Returns the file and its number of rows.
    """
    order = sorted(range(len(headings)), key=lambda place: headings[place].lower())
    in_order = itemgetter(*order)
    write = write_xlsx if file_format == "xlsx" else write_csv
    path = folder / f"{name}.{file_format}"
    return path, write(path, in_order(headings), map(in_order, rows))


def write_xlsx(path: Path, headings: tuple[str, ...], rows: Iterable[Row]) -> int:
    """Writes the rows into the first sheet of a new workbook; returns their number."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as workbook:
        workbook.set_properties({"created": FILE_DATE})
        sheet = workbook.add_worksheet()
        formats = {kind: workbook.add_format({"num_format": shown}) for kind, shown in NUMBER_FORMATS.items()}
        writers = _cell_writers(sheet, formats)
        number = 0
        for column, heading in enumerate(headings):
            sheet.write_string(0, column, heading)
        for number, row in enumerate(rows, start=1):
            for column, cell in enumerate(row):
                if cell is not None and cell != "":
                    writers[type(cell)](number, column, cell)
    return number


def _cell_writers(sheet: Any, formats: dict[type, Any]) -> dict[type, Callable[[int, int, Any], object]]:
    def dated(kind: type) -> Callable[[int, int, Any], object]:
        shown = formats[kind]
        return lambda row, column, cell: sheet.write_datetime(row, column, cell, shown)

    return {str: sheet.write_string, int: sheet.write_number, **{kind: dated(kind) for kind in formats}}


def write_csv(path: Path, headings: tuple[str, ...], rows: Iterable[Row], *, encoding: str = "utf-8") -> int:
    """Writes the rows as FileMaker's csv with a header, every field in quotes; returns their number."""
    number = 0

    def texts() -> Iterator[list[str]]:
        nonlocal number
        for row in rows:
            number += 1
            yield [cell if type(cell) is str and "\n" not in cell else _text(cell) for cell in row]

    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow(headings)
        writer.writerows(texts())
    return number


def _text(cell: Cell) -> str:
    """Returns a cell as FileMaker writes it into a csv: month first, returns as vertical tabs."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return f"{cell.month}/{cell.day}/{cell.year} {cell.hour % 12 or 12}:{cell:%M:%S %p}"
    if isinstance(cell, date):
        return f"{cell.month}/{cell.day}/{cell.year}"
    if isinstance(cell, time):
        return f"{cell.hour}:{cell:%M:%S}"
    if isinstance(cell, timedelta):
        minutes = cell // timedelta(minutes=1)
        return f"{minutes // 60}:{minutes % 60:02d}:00"
    return str(cell).replace("\n", "\x0b")

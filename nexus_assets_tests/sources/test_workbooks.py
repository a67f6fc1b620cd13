"""Cells of a workbook as text: dates, times over a day, numbers; and workbooks that are none."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import openpyxl
import pytest
import xlsxwriter

from nexus_assets.errors import NexusAssetsError
from nexus_assets.sources.workbook import Cell, cell_text
from nexus_assets_tests.sources.conftest import Exports, records
from nexus_assets_tests.sources.writers import csv_file, xlsx_file

DATE, TIME, MOMENT, DURATION, PLAIN = "yyyy-mm-dd", "h:mm:ss AM/PM", "d/mm/yyyy h:mm", "[h]:mm", "General"


def minutes(hours: int, rest: int) -> float:
    """A time as Excel keeps it: a fraction of a day, rarely exact."""
    return (hours * 60 + rest) / 1440


@pytest.mark.parametrize(
    ("number", "form", "text"),
    [
        (42661, DATE, "2016-10-18"),
        (42661, "m/d/yy", "2016-10-18"),
        (42661.0, MOMENT, "2016-10-18"),
        (42661 + minutes(9, 30), MOMENT, "2016-10-18 09:30:00"),
        (42661.999999, MOMENT, "2016-10-19 00:00:00"),
        (22038, DATE, "1960-05-02"),
        (61, DATE, "1900-03-01"),
        (0, TIME, "00:00:00"),
        (minutes(8, 5), TIME, "08:05:00"),
        (0.354166667, TIME, "08:30:00"),
        (0.9999999, TIME, "24:00:00"),
        (1, DURATION, "24:00:00"),
        (minutes(36, 30), DURATION, "36:30:00"),
        (2.520833333, "[h]:mm:ss", "60:30:00"),
        (0, DURATION, "00:00:00"),
        (-minutes(1, 30), DURATION, "-01:30:00"),
        (7, PLAIN, "7"),
        (7.0, "0.00", "7"),
        (0.5, PLAIN, "0.5"),
        (-3, PLAIN, "-3"),
        (1e22, PLAIN, "10000000000000000000000"),
        (42661, PLAIN, "42661"),
        (True, PLAIN, "1"),
        (False, PLAIN, "0"),
        (None, PLAIN, ""),
        ("0012", PLAIN, "0012"),
        ("1 day, 0:00:00", PLAIN, "1 day, 0:00:00"),
        (" A1B2 ", PLAIN, " A1B2 "),
        ("1/2/2016", DATE, "1/2/2016"),
    ],
)
def test_a_cell_is_one_canonical_text(exports: Exports, number: object, form: str, text: str) -> None:
    data = xlsx_file([("id", "cell"), ("7", number)], formats={1: form})
    assert exports.read("Notes.xlsx", data) == [("id", "cell"), ("7", text)]


def test_the_1904_system_is_heeded(exports: Exports) -> None:
    data = xlsx_file([("id", "cell"), ("7", 41199)], date_1904=True, formats={1: DATE})
    assert exports.read("Notes.xlsx", data)[1] == ("7", "2016-10-18")


@pytest.mark.parametrize("date_1904", [False, True], ids=["1900", "1904"])
@pytest.mark.parametrize("form", [DATE, TIME, MOMENT, DURATION, "[mm]:ss", "yyyy-mm-dd hh:mm:ss", "0.00"])
def test_another_library_reads_the_same(exports: Exports, form: str, date_1904: bool) -> None:
    numbers = [0.0, 1 / 86_400, 0.25, 0.354166667, 1.5, 2.520833333, 61.75, 20_000.0, 42_661.395833333, 59_999.5]
    if form in (DATE, MOMENT, "yyyy-mm-dd hh:mm:ss"):
        numbers = [number for number in numbers if number >= 61]
    data = xlsx_file([("id", "cell"), *(("7", number) for number in numbers)], date_1904=date_1904, formats={1: form})
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    theirs = [_as_calamine_has_it(row[1]) for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert [row[1] for row in exports.read("Notes.xlsx", data)[1:]] == [cell_text(cell) for cell in theirs]


def _as_calamine_has_it(cell: object) -> Cell:
    """openpyxl makes a moment of a date."""
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date()
    assert isinstance(cell, (float, int, date, time, timedelta))
    return cell


def test_rows_of_nothing_but_a_format_at_the_end_are_no_records(exports: Exports) -> None:
    rows: Sequence[Sequence[object]] = [("id", "Note"), ("1", "a"), (None, None), ("2", None), (None, None), ("", "")]
    assert exports.read("Notes.xlsx", xlsx_file(rows))[1:] == [("1", "a"), ("", ""), ("2", "")]


def test_a_workbook_may_have_a_list_of_fields_instead_of_a_header(exports: Exports) -> None:
    exports.put("Notes.xlsx", xlsx_file([("1", "a"), ("2", "b")]))
    (exports.folder / "Notes.fields").write_text("id\nNote\n")
    export = exports.open(wanted=("id", "Note"))
    assert records(export) == [("1", "a"), ("2", "b")]


def test_the_first_sheet_is_read_and_the_others_are_mentioned(exports: Exports) -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        for name in ("Export", "Other"):
            book.add_worksheet(name).write_row(0, 0, ["id", name])
    exports.put("Notes.xlsx", buffer.getvalue())
    export = exports.open(wanted=("id", "Export"))
    assert export.facts.remarks == ["the first of its 2 sheets is read"]


def with_error(column: str) -> bytes:
    """A workbook whose row 3 has `#N/A` in a column."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet()
        sheet.write_row("A1", ["id", "Note", "Extra"])
        sheet.write_row("A2", ["1", "a", "b"])
        sheet.write_row("A3", ["2", "a", "b"])
        sheet.write_formula(f"{column}3", "=NA()", None, "#N/A")
    return buffer.getvalue()


def test_an_error_cell_is_no_empty_cell(exports: Exports) -> None:
    exports.put("Notes.xlsx", with_error("B"))
    with pytest.raises(
        NexusAssetsError, match=r"1 cell\(s\) that hold an Excel error.* row 3, in the column\(s\) 'Note'"
    ):
        exports.open(wanted=("id", "Note"))


def test_an_error_in_a_column_that_nobody_reads_is_no_matter(exports: Exports) -> None:
    exports.put("Notes.xlsx", with_error("C"))
    assert len(records(exports.open(wanted=("id", "Note")))) == 2


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


def without_part(name: str) -> bytes:
    """A sound zip, but one part of the workbook is not in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(xlsx_file([("id",)]))) as source, zipfile.ZipFile(buffer, "w") as target:
        for part in source.namelist():
            if part != name:
                target.writestr(part, source.read(part))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (OLE, "is an old Excel file"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "is locked with a password"),
        (b"<html><table><tr><td>id</td></tr></table></html>", "is a web page"),
        (b"\n<!DOCTYPE html>\n<html></html>", "is a web page"),
        (b"%PDF-1.7", "is a PDF"),
        (csv_file([("id", "Note")]), "is no workbook"),
        (b"PK\x03\x04 and no more", "is a damaged workbook"),
        (without_part("xl/workbook.xml"), "is a damaged workbook"),
        (without_part("xl/worksheets/sheet1.xml"), "is a damaged workbook"),
        (xlsx_file([]), "first sheet .* is empty"),
    ],
    ids=[
        "xls",
        "encrypted",
        "html",
        "html doctype",
        "pdf",
        "csv",
        "cut",
        "no workbook part",
        "no sheet",
        "empty sheet",
    ],
)
def test_what_is_no_workbook_is_said_to_be_what_it_is(exports: Exports, data: bytes, words: str) -> None:
    exports.put("Notes.xlsx", data)
    with pytest.raises(NexusAssetsError, match=words) as caught:
        exports.open(wanted=("id",))
    assert caught.value.remedy


def test_a_workbook_that_is_called_csv_is_refused(exports: Exports) -> None:
    exports.put("Notes.csv", xlsx_file([("id",)]))
    with pytest.raises(NexusAssetsError, match="is a workbook or a zip file"):
        exports.open(wanted=("id",))

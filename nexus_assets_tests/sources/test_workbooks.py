"""Cells of a workbook as text: dates, times over a day, numbers; and workbooks that are none."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from nexus_assets.errors import NexusAssetsError
from nexus_assets.sources.content import BLOCK
from nexus_assets.sources.sheet_cells import Cells, SheetScan
from nexus_assets.sources.workbook import Cell, cell_text
from nexus_assets.sources.workbook_parts import check_parts
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
    with pytest.raises(NexusAssetsError, match=r"1 cell with an Excel error.* row 3, in the column 'Note'"):
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
        (b'\xef\xbb\xbf<?xml version="1.0"?><FMPXMLRESULT/>', "is XML, not what .xlsx says"),
        (b"\xef\xbb\xbf\xef\xbb\xbf<FMPXMLRESULT/>", "is XML, not what .xlsx says"),
        (b"\xef\xbb\xbf\xef\xbb\xbf<html></html>", "is a web page"),
        ('\ufeff<?xml version="1.0"?><FMPXMLRESULT/>'.encode("utf-16-le"), "is XML, not what .xlsx says"),
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
        "xml",
        "xml without declaration",
        "html with two marks",
        "xml in UTF-16",
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


def changed_part(data: bytes, part: str, old: str, new: str, encoding: str = "utf-8") -> bytes:
    """A workbook of which one part has another text, in this encoding."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            text = source.read(name).decode()
            assert name != part or old in text
            target.writestr(name, text.replace(old, new).encode(encoding) if name == part else text)
    return buffer.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
SOUND = xlsx_file([("id", "Note", "Extra"), ("1", 5, 7), ("2", 6, 8)])


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ('<c r="B2"><f>1+1</f></c>', "formula without a value, the first in row 2, in the column.* 'Note'"),
        ('<c r="B2"><f>1+1</f><v></v></c>', "formula without a value"),
        ('<c r="B2"><f>1+1</f><v/></c>', "formula without a value"),
        ('<c r="B2"><f t="shared" si="0"/></c>', "formula without a value"),
        ('<c r="B2"><f t="array" ref="B2">SUM(1)</f></c>', "formula without a value"),
        ('<c r="B2" t="str"><f>1+1</f></c>', "formula without a value"),
        ('<c r="B2" t="e"><v>#N/A</v></c>', "Excel error"),
        ('<c t="e" r="B2"><f>NA()</f><v>#N/A</v></c>', "Excel error"),
        ('<c r="B2" t="e" vm="1"><v>#VALUE!</v></c>', "Excel error"),
        ('<c t="e"><v>#NAME?</v></c>', "Excel error.* 'Note'"),
        ('<c r="B2" t="e"/>', "Excel error"),
        ('<c r="B2" t="e"></c>', "Excel error"),
        ('<c r="B2" t="e"><v>#GETTING_DATA</v></c>', "Excel error.*first in row 2"),
        ('<c r="B2" t="e"><v>#SPILL!</v></c>', "Excel error.*first in row 2"),
        ('<c r="B2" t="b"><f>TRUE()</f></c>', "formula without a value"),
        ('<c r="B2"><f t="dataTable" ref="B2:B3" r1="A1"/><v>0</v></c>', "formula without a value"),
        ('<c r="B2" t="inlineStr"><v>5</v></c>', "something else than stated.* 'Note'"),
        ('<c r="B2" t="s"><v>-1</v></c>', "something else than stated"),
        ('<c r="B2" t="s"><v>x</v></c>', "something else than stated"),
        ('<c r="B2"><v><![CDATA[5]]></v></c>', "CDATA"),
        ('<c r="B2" t="inlineStr"><is><t><![CDATA[5]]></t></is></c>', "CDATA"),
        ('<c r="B2"><v>5<?x y?>6</v></c>', "instructions"),
        ('<c r="B2"><v>5<!-- x -->6</v></c>', "comments"),
    ],
)
@pytest.mark.parametrize("block", [100, BLOCK], ids=["many blocks", "one block"])
def test_a_cell_that_holds_something_is_not_read_as_nothing(
    exports: Exports, cell: str, words: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nexus_assets.sources.workbook_parts.BLOCK", block)
    exports.put("Notes.xlsx", changed_part(SOUND, SHEET, '<c r="B2"><v>5</v></c>', cell))
    with pytest.raises(NexusAssetsError, match=words):
        exports.open(wanted=("id", "Note"))


class LookedError(Exception):
    """Raised where each cell is looked at."""


@pytest.fixture
def no_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has LookedError raised where the cells of a sheet would be looked at one by one."""

    read = SheetScan.read

    def look(scan: SheetScan, stream: object) -> Cells:
        if isinstance(stream, zipfile.ZipExtFile):
            raise LookedError
        return read(scan, stream)

    monkeypatch.setattr(SheetScan, "read", look)


ORDINARY = [
    '<c r="B2" s="3"/>',
    '<c r="B2" s="3"></c>',
    '<c r="B2" s="3" t="s"/>',
    '<c r="B2" t="n"><v>5</v></c>',
    '<c r="B2"><v>0</v></c>',
    '<c r="B2"><v>600</v></c>',
    '<c r="B2"><v>43177.395833333336</v></c>',
    '<c r="B2"><v>9.0277777777777776E-2</v></c>',
    '<c r="B2" s="12" t="b"><v>0</v></c>',
    '<c r="B2" t="str"><v>a &amp; b &#10; 0 &lt; 1</v></c>',
    '<c r="B2" t="inlineStr"><is><t>Nguyễn</t></is></c>',
    '<c r="B2" t="inlineStr"><is><t xml:space="preserve"> a.b </t></is></c>',
    '<c r="B2" t="inlineStr"><is><t/></is></c>',
    '</row>\n  <row r="3" spans="1:3" x14ac:dyDescent="0.25"/> <row r="4"></row><row r="5">',
]


@pytest.mark.parametrize("block", [100, BLOCK], ids=["many blocks", "one block"])
@pytest.mark.parametrize("cell", ORDINARY)
@pytest.mark.usefixtures("no_look")
def test_cells_of_an_ordinary_sheet_are_not_looked_at_one_by_one(
    cell: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nexus_assets.sources.workbook_parts.BLOCK", block)
    data = changed_part(SOUND, SHEET, '<c r="B2"><v>5</v></c>', cell)
    data = changed_part(data, SHEET, "</sheetData>", '<row r="9" ht="15" customHeight="1"/></sheetData>')
    assert check_parts(data, "Notes.xlsx").cells == Cells()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('<c r="B2"><v>5</v></c>', cell)
        for cell in (
            '<c r="B2"><v>-5</v></c>',
            '<c r="B2"><v>60</v></c>',
            '<c r="B2"><v>60.5</v></c>',
            '<c r="B2"><v>6E1</v></c>',
            '<c r="B2"><v>060</v></c>',
            '<c r="B2"><v> 60</v></c>',
            '<c r="AAA2"><v>5</v></c>',
            '<c r="B2" cm="1"><v>5</v></c>',
            '<c  r="B2"><v>5</v></c>',
            "<c r='B2'><v>5</v></c>",
            '<x:c xmlns:x="y" r="B2"><x:v>5</x:v></x:c>',
            '<c r="B2" t="str"><v>a & b</v></c>',
            '<c r="B2" t="str"><v>&nbsp;</v></c>',
            '<c r="B2" t="str"><v>a\x01b</v></c>',
            '<c r="B2" t="inlineStr"><is><t>a</t></is><v>5</v></c>',
            '<c r="B2"><v>5</v></c><v>6</v>',
        )
    ]
    + [
        ("</sheetData>", '</sheetData><mergeCells><mergeCell ref="A1:B1"/></mergeCells>'),
        ("</sheetData>", '</sheetData><sheetData><row r="9"/></sheetData>'),
        ("</sheetData>", '</sheetData><sheetData><row r="9"><c r="A9"><v>1</v></c></row></sheetData>'),
        ("</sheetData>", '<c r="B9"><v>5</v></c></sheetData>'),
        ("</sheetData>", '<x:row xmlns:x="y" r="9"/></sheetData>'),
        ("</sheetData>", "<row><c><v>5</v></c></row></sheetData>"),
    ],
)
@pytest.mark.usefixtures("no_look")
def test_cells_of_any_other_sheet_are_looked_at(old: str, new: str) -> None:
    with pytest.raises(LookedError):
        check_parts(changed_part(SOUND, SHEET, old, new), "Notes.xlsx")


@pytest.mark.parametrize("block", [100, BLOCK], ids=["many blocks", "one block"])
@pytest.mark.parametrize(
    ("old", "new"),
    [("</worksheet>", ""), ("<sheetViews>", ""), ("</sheetData>", "</sheetData><a>"), ("</sheetData>", "")],
)
def test_a_sheet_that_is_not_well_formed_is_damaged_whatever_its_cells_are(
    old: str, new: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nexus_assets.sources.workbook_parts.BLOCK", block)
    with pytest.raises(NexusAssetsError, match="is a damaged workbook"):
        check_parts(changed_part(SOUND, SHEET, old, new), "Notes.xlsx")


@pytest.mark.usefixtures("no_look")
def test_a_sheet_that_is_no_utf_8_is_looked_at() -> None:
    old, new = '<c r="B2"><v>5</v></c>', '<c r="B2" t="str"><v>é</v></c>'
    with pytest.raises(LookedError):
        check_parts(changed_part(SOUND, SHEET, old, new, encoding="latin-1"), "Notes.xlsx")


KINDS = ("", *(f' t="{kind}"' for kind in ("n", "s", "b", "str", "inlineStr", "e", "d")))
FORMULAS = ("", "", "<f>1+1</f>", "<f/>")
TEXTS = ("", "", "<is><t>a</t></is>")
NUMBERS = ("", "0", "1", "-1", "60", "60.5", "600", "6e1", "60E-1", "5.", ".5", "x", "#N/A", "2024-03-18", "TRUE", " 7")
VALUES = ("", "<v/>", *(f"<v>{number}</v>" for number in NUMBERS))
CELLS = st.builds('<c r="B2"{}>{}{}{}</c>'.format, *map(st.sampled_from, (KINDS, FORMULAS, TEXTS, VALUES)))


@given(st.lists(CELLS, min_size=1, max_size=2))
def test_no_sheet_that_is_not_looked_at_holds_anything_odd(cells: list[str]) -> None:
    data = changed_part(SOUND, SHEET, '<c r="B2"><v>5</v></c>', "".join(cells))
    if check_parts(data, "Notes.xlsx").cells == Cells():
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(SHEET) as stream:
            found = SheetScan(calculated=True).read(stream)
        assert found.odd == []
        assert [number for number in found.misread.values() if number < 0 or 60 <= number < 61] == []


@pytest.mark.parametrize("cell", ['<c r="C2"><f>1+1</f></c>', '<c r="C2" t="e"><v>#N/A</v></c>'])
def test_a_column_that_nobody_reads_may_hold_it(exports: Exports, cell: str) -> None:
    exports.put("Notes.xlsx", changed_part(SOUND, SHEET, '<c r="C2"><v>7</v></c>', cell))
    assert [row[1] for row in records(exports.open(wanted=("id", "Note")))] == ["5", "6"]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('<c r="B2" t="str"><f>1+1</f><v></v></c>', ""),
        ('<c r="B2" t="str"><f>A1</f><v>x</v></c>', "x"),
        ('<c r="B2"><f>1+1</f><v>2</v></c>', "2"),
        ('<c r="B2" t="inlineStr"><is><r><t>ab</t></r><r><t>c</t></r></is></c>', "abc"),
        ('<c r="B2" t="inlineStr"><is><t>ab</t><rPh sb="0" eb="1"><t>PHON</t></rPh></is></c>', "ab"),
        ('<c r="B2" t="b"><v>1</v></c>', "1"),
        ('<c r="B2" t="d"><v>2024-03-18T09:30:00</v></c>', "2024-03-18 09:30:00"),
        ('<c r="B2" t="d"><v>2024-03-18T09:30:00Z</v></c>', "2024-03-18T09:30:00Z"),
        ("<c><v>5</v></c>", "5"),
    ],
)
def test_odd_but_valid_cells_are_read(exports: Exports, cell: str, text: str) -> None:
    exports.put("Notes.xlsx", changed_part(SOUND, SHEET, '<c r="B2"><v>5</v></c>', cell))
    assert records(exports.open(wanted=("id", "Note")))[0][1] == text


def test_values_that_a_writer_never_calculated_are_none(exports: Exports) -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet()
        sheet.write_row("A1", ["id", "Note"])
        sheet.write_string("A2", "1")
        sheet.write_formula("B2", '="a"&"b"')
    exports.put("Notes.xlsx", buffer.getvalue())
    with pytest.raises(NexusAssetsError, match="formula without a value"):
        exports.open(wanted=("id", "Note"))


def merged(cells: str) -> bytes:
    return changed_part(
        SOUND, SHEET, "</sheetData>", f'</sheetData><mergeCells><mergeCell ref="{cells}"/></mergeCells>'
    )


@pytest.mark.parametrize("cells", ["B2:B3", "A2:B2"])
def test_merged_records_are_refused(exports: Exports, cells: str) -> None:
    exports.put("Notes.xlsx", merged(cells))
    with pytest.raises(NexusAssetsError, match=r"1 cell merged"):
        exports.open(wanted=("id", "Note"))


@pytest.mark.parametrize("cells", ["C2:C3", "A1:C1", "A9:C9"])
def test_merged_cells_elsewhere_do_not_matter(exports: Exports, cells: str) -> None:
    exports.put("Notes.xlsx", merged(cells))
    assert len(records(exports.open(wanted=("id", "Note")))) == 2


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "1900-01-01"),  # read_time knows that the first day is 24:00
        (1.0625, "1900-01-01 01:30:00"),
        (2.25, "1900-01-02 06:00:00"),
        (-0.0625, "-01:30:00"),
        (0.4, "09:36:00"),
    ],
)
def test_times_under_a_time_of_day_format_keep_what_they_are(exports: Exports, number: float, text: str) -> None:
    data = xlsx_file([("id", "cell"), ("7", number)], formats={1: TIME})
    assert exports.read("Notes.xlsx", data)[1] == ("7", text)


@pytest.mark.parametrize(
    ("number", "date_1904", "text"),
    [
        (59, False, "1900-02-28"),
        (60, False, "1900-02-29"),  # Excel shows it, and there was none: no day can be read from it
        (60.5, False, "1900-02-29"),
        (61, False, "1900-03-01"),
        (59, True, "1904-02-29"),
        (60, True, "1904-03-01"),
        (60.5, True, "1904-03-01 12:00:00"),
        (1, True, "1904-01-02"),
        (36525, False, "1999-12-31"),
        (36525, True, "2004-01-01"),
    ],
)
def test_a_day_is_one_that_the_workbook_shows_or_none(
    exports: Exports, number: float, date_1904: bool, text: str
) -> None:
    data = xlsx_file([("id", "cell"), ("7", number)], date_1904=date_1904, formats={1: DATE})
    assert exports.read("Notes.xlsx", data)[1] == ("7", text)


def test_the_day_60_is_found_among_texts(exports: Exports) -> None:
    texts = [(f"record {number}", 7) for number in range(70)]
    data = xlsx_file([("id", "cell"), *texts, ("last", 60)], formats={1: DATE})
    assert exports.read("Notes.xlsx", data)[-1] == ("last", "1900-02-29")


@pytest.mark.parametrize("hiding", ["<![CDATA[1]]>", "1<!-- x -->", "1<?x y?>"])
def test_texts_that_are_hidden_in_the_list_of_texts_are_refused(exports: Exports, hiding: str) -> None:
    exports.put("Notes.xlsx", changed_part(SOUND, "xl/sharedStrings.xml", "<t>1</t>", f"<t>{hiding}</t>"))
    with pytest.raises(NexusAssetsError, match="hide parts of them"):
        exports.open(wanted=("id", "Note"))


@pytest.mark.parametrize("form", [TIME, DURATION, DATE, MOMENT])
@pytest.mark.parametrize("number", [1e9, 1e12, 1e300, -1e12, 3e6, -1.5])
def test_no_number_makes_a_traceback(exports: Exports, number: float, form: str) -> None:
    data = xlsx_file([("id", "cell"), ("7", number)], formats={1: form})
    with contextlib.suppress(NexusAssetsError):
        assert exports.read("Notes.xlsx", data)[1][0] == "7"


def test_a_cell_far_to_the_right_and_below_is_refused(exports: Exports) -> None:
    data = changed_part(
        SOUND, SHEET, "</sheetData>", '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    )
    exports.put("Notes.xlsx", data)
    with pytest.raises(NexusAssetsError, match="spans 1,048,576 rows and 16,384 columns"):
        exports.open(wanted=("id", "Note"))


def test_a_cell_far_below_is_refused(exports: Exports) -> None:
    data = changed_part(SOUND, SHEET, "</sheetData>", '<row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData>')
    exports.put("Notes.xlsx", data)
    with pytest.raises(NexusAssetsError, match="something in row 1,048,576"):
        records(exports.open(wanted=("id", "Note")))


def test_a_cell_of_many_megabytes_is_refused(exports: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nexus_assets.sources.workbook_parts.LONGEST_CELL", 1 << 20)
    text = "".join(f"{number:x}" for number in range(300_000))
    exports.put("Notes.xlsx", xlsx_file([("id", "Note"), ("1", "short")]))
    exports.put(
        "Notes.xlsx",
        changed_part(xlsx_file([("id", "Note"), ("1", "s")]), "xl/sharedStrings.xml", "<t>s<", f"<t>{text}<"),
    )
    with pytest.raises(NexusAssetsError, match="holds a cell of more than"):
        exports.open(wanted=("id", "Note"))


def test_parts_that_state_gigabytes_are_refused(exports: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nexus_assets.sources.workbook_parts.LARGEST_PARTS", 1000)
    exports.put("Notes.xlsx", SOUND)
    with pytest.raises(NexusAssetsError, match="unfolds to"):
        exports.open(wanted=("id", "Note"))


def test_a_large_file_is_refused_by_its_size(exports: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nexus_assets.sources.workbook.LARGEST_FILE", 1000)
    exports.put("Notes.xlsx", SOUND)
    with pytest.raises(NexusAssetsError, match="too large for a workbook"):
        exports.open(wanted=("id", "Note"))


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/sharedStrings.xml", SHEET])
def test_entities_of_its_own_are_refused(exports: Exports, part: str) -> None:
    bomb = '?>\n<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>\n<'
    exports.put("Notes.xlsx", changed_part(SOUND, part, "?>\n<", bomb))
    with pytest.raises(NexusAssetsError, match="uses XML entities"):
        exports.open(wanted=("id", "Note"))


def test_comments_among_the_cells_are_refused(exports: Exports) -> None:
    exports.put("Notes.xlsx", changed_part(SOUND, SHEET, "<v>5</v>", "<v>5<!-- -->0</v>"))
    with pytest.raises(NexusAssetsError, match="has comments among its cells"):
        exports.open(wanted=("id", "Note"))


@pytest.mark.parametrize("columns", [520, 1_600, 3_000])
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_of_a_wide_table_only_the_columns_that_are_read_are_streamed(exports: Exports, columns: int, kind: str) -> None:
    rows = [
        ("id", *(f"f{at}" for at in range(columns)), "Note"),
        ("1", *["x\ny"] * columns, 'a "b"\n'),
        ("2", *[""] * columns, ""),
    ]
    exports.put(f"Notes.{kind}", xlsx_file(rows) if kind == "xlsx" else csv_file(rows))
    assert records(exports.open(wanted=("id", "Note"))) == [("1", 'a "b"\n'), ("2", "")]


def test_a_record_of_a_wide_table_with_too_few_columns_is_named(exports: Exports) -> None:
    rows = [("id", *(f"f{at}" for at in range(520)), "Note"), ("1", *["x"] * 520, "a"), ("2", "b")]
    exports.put("Notes.csv", csv_file(rows))
    with pytest.raises(NexusAssetsError, match=r"record 2 .* another number of columns"):
        records(exports.open(wanted=("id", "Note")))


def sheets(*tables: tuple[str, Sequence[Sequence[str]], bool]) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        for name, rows, hidden in tables:
            sheet = book.add_worksheet(name)
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)
            if hidden:
                sheet.hide()
        book.worksheets()[-1].activate()
    return buffer.getvalue()


HEADED = [("id", "Note"), ("1", "a")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (sheets(("Cover", [("Clinic", "")], False), ("Data", HEADED, False)), "headings are in row 1 of sheet 2"),
        (
            sheets(("Cover", [("Clinic", "")], True), ("Data", HEADED, False)),
            "is hidden.*headings are in row 1 of sheet 2",
        ),
        (sheets(("Data", [("Clinic", ""), ("", ""), *HEADED], False)), "headings are in row 3 of sheet 1"),
        (sheets(("A", [("x", "y")], False), ("B", [("x", "y")], False)), "Only the first of its 2 sheets"),
    ],
    ids=["second sheet", "hidden first", "title above", "nowhere"],
)
def test_a_message_says_where_the_headings_are(exports: Exports, data: bytes, words: str) -> None:
    exports.put("Notes.xlsx", data)
    with pytest.raises(NexusAssetsError, match=words):
        exports.open(wanted=("id", "Note"))

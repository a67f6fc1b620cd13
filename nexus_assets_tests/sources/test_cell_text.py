"""A cell of a workbook as text, to the second, and the place of its column."""

from __future__ import annotations

import io
from datetime import date, datetime, time, timedelta

import pytest

from nexus_assets.sources.sheet_cells import SheetScan, column_index
from nexus_assets.sources.workbook import cell_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", None),
        (" ", " "),
        (True, "1"),
        (False, "0"),
        (7, "7"),
        (7.0, "7"),
        (0.5, "0.5"),
        (datetime.fromisoformat("2016-10-18T09:29:59.500000"), "2016-10-18 09:30:00"),
        (datetime.fromisoformat("2016-10-18T09:29:59.499999"), "2016-10-18 09:29:59"),
        (date(2016, 10, 18), "2016-10-18"),
        (time(9, 29, 59, 600_000), "09:30:00"),
        (time(23, 5, 7), "23:05:07"),
        (timedelta(hours=36, minutes=30, seconds=5), "36:30:05"),
        (timedelta(minutes=-61), "-01:01:00"),
        (timedelta(seconds=-0.4), "00:00:00"),
        (timedelta(0), "00:00:00"),
    ],
)
def test_cells(value: object, text: str | None) -> None:
    assert cell_text(value) == text  # type: ignore[arg-type]


@pytest.mark.parametrize(("letters", "index"), [("A", 0), ("Z", 25), ("AA", 26), ("AB", 27), ("XFD", 16383)])
def test_columns(letters: str, index: int) -> None:
    assert column_index(letters) == index


@pytest.mark.parametrize("range_", ["", "A1", "A1:", "1:2"])
def test_a_merged_range_that_is_none_is_passed_over(range_: str) -> None:
    sheet = f'<s><row r="1"><c r="A1"><v>1</v></c></row><mergeCell ref="{range_}"/></s>'
    cells = SheetScan(calculated=True).read(io.BytesIO(sheet.encode()))
    assert (cells.rows, cells.columns, cells.odd) == (1, 1, [])


@pytest.mark.parametrize("inside", ["<v></v>", "<f>1+1</f>"], ids=["an empty value", "a formula without its value"])
def test_a_cell_that_holds_no_text_is_filled_all_the_same(inside: str) -> None:
    sheet = f'<s><row r="1"><c r="A1"/><c r="B1">{inside}</c></row></s>'
    cells = SheetScan(calculated=True).read(io.BytesIO(sheet.encode()))
    assert (cells.filled, cells.columns) == (1, 2)


def test_a_sheet_that_is_cut_off_is_no_sheet() -> None:
    with pytest.raises(ValueError, match="not well-formed"):
        SheetScan(calculated=True).read(io.BytesIO(b'<s><row r="1"><c r="A1"><v>1</v></c></row>'))

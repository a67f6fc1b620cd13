"""A damaged file reads right, or fails in words: never a wrong record, never another error."""

from __future__ import annotations

from collections.abc import Callable

import psycopg2
import pytest

from nexus_assets.errors import NexusAssetsError
from nexus_assets.sources.filemaker import OpenExport
from nexus_assets_tests.sources.conftest import Cells, Exports
from nexus_assets_tests.sources.writers import (
    WRITERS,
    csv_file,
    gzip_file,
    mer_file,
    tab_file,
    xlsx_file,
    xml_file,
    zip_file,
)

HEADER = ("id", "Note", "by")
ROWS = [("A1", 'é "so", he\x0bsaid', "Zoë"), ("B2", "", "M’s"), ("C3", "a,b;c", "x")]
TABLE = [HEADER, *ROWS]

FILES = {
    "Notes.csv": csv_file(TABLE),
    "Notes.mer": mer_file(TABLE, line_end="\r\n"),
    "Notes.tab": tab_file(TABLE),
    "Notes.xml": xml_file(TABLE, types=("NUMBER", "TEXT", "TEXT")),
    "Notes.xlsx": xlsx_file(TABLE),
    "Notes.csv.gz": gzip_file(csv_file(TABLE)),
    "Notes.zip": zip_file(Notes_csv=csv_file(TABLE)),
}
TEXTS = {
    **{name: data for name, data in FILES.items() if name.endswith((".csv", ".mer", ".tab", ".xml"))},
    "notes.csv": csv_file(TABLE, encoding="mac_roman"),
    "NOTES.csv": csv_file(TABLE, encoding="utf-16-le", mark=b"\xff\xfe"),
}
ALL = {**FILES, **TEXTS}

Load = Callable[[str, bytes], Cells]


@pytest.fixture
def load(exports: Exports, copied: Callable[[OpenExport], Cells]) -> Load:
    """Loads an export as the loader does: a record that the database refuses is explained by the reader."""

    def load(name: str, data: bytes) -> Cells:
        exports.put(name, data)
        export = exports.open(wanted=HEADER)
        try:
            return copied(export)
        except psycopg2.DataError as error:
            raise export.explain(None, str(error)) from error

    return load


@pytest.mark.parametrize("name", ALL)
def test_whole_it_reads_right(load: Load, name: str) -> None:
    assert load(name, ALL[name]) == ROWS


@pytest.mark.parametrize("name", ALL)
def test_cut_anywhere_it_is_refused_or_whole_records(load: Load, name: str) -> None:
    """A text that is cut exactly between two records can't be told from a shorter one."""
    data = ALL[name]
    read = 0
    for length in range(0, len(data), 1 if len(data) < 2_000 else 17):
        try:
            rows = load(name, data[:length])
        except NexusAssetsError:
            continue
        assert rows == ROWS[: len(rows)], f"cut at byte {length}"
        read += 1
    # After each record, and where its line end has two bytes or its last cell is quoted, around that line end too.
    assert read <= {"tab": 4, "csv": 8, "mer": 12}.get(name[-3:], 0)


@pytest.mark.parametrize("flip", [0x01, 0x02, 0x20, 0x80], ids=hex)
@pytest.mark.parametrize("name", TEXTS)
def test_a_flipped_bit_is_refused_or_stays_in_its_cell(load: Load, name: str, flip: int) -> None:
    data = TEXTS[name]
    for at in range(0, len(data), 1 if len(data) < 500 else 5):  # most of the XML is its head
        flipped = data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :]
        try:
            rows = load(name, flipped)
        except NexusAssetsError:
            continue
        changed = sum(
            cell != right
            for row, rights in zip(rows, ROWS, strict=True)
            for cell, right in zip(row, rights, strict=True)
        )
        assert changed <= 1, f"bit {flip:#x} of byte {at}"


@pytest.mark.parametrize("name", ["Notes.xlsx", "Notes.csv.gz", "Notes.zip"])
def test_a_flipped_bit_in_an_archive_is_refused_or_means_nothing(load: Load, name: str) -> None:
    data = FILES[name]
    for at in range(0, len(data), 1 if len(data) < 1000 else 7):
        flipped = data[:at] + bytes([data[at] ^ 0x04]) + data[at + 1 :]
        try:
            rows = load(name, flipped)
        except NexusAssetsError:
            continue
        assert rows == ROWS, f"byte {at}"


@pytest.mark.parametrize("name", ["Notes.csv", "Notes.mer", "Notes.tab", "Notes.xml", "Notes.xlsx"])
def test_columns_may_stand_in_any_order(exports: Exports, name: str) -> None:
    order = (2, 0, 1)
    exports.put(name, WRITERS[name[6:]]([tuple(row[at] for at in order) for row in TABLE]))
    assert exports.open(wanted=HEADER).positions == {"by": 0, "id": 1, "Note": 2}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            'id,Note,by\n1,"a"\n',
            r"record 1 \(line 2\) has another number of columns than the header \(2 instead of 3\)",
        ),
        ("id,Note,by\n1,a,b\n1,a,b,c\n", r"record 2 \(line 3\) .* \(4 instead of 3\)"),
        ('id,Note,by\n1,"x\ny",b\n\n1,a,b\n', r"record 2 \(line 4\) is a blank line in the middle"),
        ('id,Note,by\n1,"a,b\n2,a,b\n', r"record 1 \(line 2\) opens a quotation mark that is never closed"),
        ('id,Note,by\n1,a,b\n2,5" heel,b\n', r"record 2 \(line 3\) has a quotation mark in the middle of a cell"),
        ('id,Note,by\n1,"a" ,b\n', r"record 1 \(line 2\) has a quotation mark in the middle of a cell"),
        ("id,Note,by\n1,a,b\n2,a,b", r"record 2 \(line 3\) has no line end"),
    ],
    ids=["too few columns", "too many", "blank line", "open quote", "stray quote", "blank after quote", "cut value"],
)
def test_the_record_that_is_wrong_is_named(load: Load, text: str, words: str) -> None:
    with pytest.raises(NexusAssetsError, match=words) as caught:
        load("Notes.csv", text.encode())
    assert caught.value.remedy
    assert "heel" not in str(caught.value), "what cells hold is not for messages"

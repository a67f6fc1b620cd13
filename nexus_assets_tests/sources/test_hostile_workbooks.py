"""Workbooks that would take all memory: refused by name, in a process that may have little of it."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from nexus_assets_tests.sources.test_workbooks import SHEET, SOUND, sheets

pytestmark = pytest.mark.extended

READ = r"""
import re, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
from nexus_assets.errors import NexusAssetsError
from nexus_assets.sources.filemaker import find_export, open_export
try:
    export = open_export(find_export(sys.argv[1], "Notes"), wanted=("id", "Note"))
    print("read", sum(map(len, export.blocks())))
except NexusAssetsError as error:
    print("refused:", error)
print(int(re.search(r"VmHWM:\s*(\d+) kB", open("/proc/self/status").read())[1]) // 1024)
"""

Piece = Callable[[bytes], Iterable[bytes]]


def write(folder: Path, parts: Mapping[str, Piece], workbook: bytes = SOUND) -> None:
    """Writes a workbook whose parts of these names are made of other pieces."""
    with (
        zipfile.ZipFile(io.BytesIO(workbook)) as source,
        zipfile.ZipFile(folder / "Notes.xlsx", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target,
    ):
        for name in source.namelist():
            with target.open(name, "w", force_zip64=True) as part:
                for piece in parts[name](source.read(name)) if name in parts else (source.read(name),):
                    part.write(piece)


def read(folder: Path) -> tuple[str, int]:
    """What a process with a gigabyte of address space says of the export, and its memory in MiB."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(folder)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        env={"OPENBLAS_NUM_THREADS": "1", "PATH": ""},
    )
    said, memory = done.stdout.splitlines()
    return said, int(memory)


def after_records(cells: bytes) -> Piece:
    return lambda sheet: [sheet.replace(b"</sheetData>", cells + b"</sheetData>")]


FAR = {
    "last cell of all": b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
    "far right": b'<row r="5000"><c r="XFD5000"><v>1</v></c></row>',
    "far below": b'<row r="1048576"><c r="Z1048576"><v>1</v></c></row>',
    "small letters": b'<row r="90000"><c r="xfd90000"><v>1</v></c></row>',
    "other quotes": b"<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>",
    "blanks": b'<row r = "1048576"><c r = "XFD1048576"><v>1</v></c></row>',
    "line ends": b'<row\nr="1048576"><c\nr="XFD1048576"><v>1</v></c></row>',
    "no row number": b'<row><c r="XFD1048576"><v>1</v></c></row>',
    "no value but a formula": b'<row r="1048576"><c r="XFD1048576"><f>1</f><v>1</v></c></row>',
}


@pytest.mark.parametrize("where", FAR)
def test_a_stray_cell_is_refused_before_memory_is_asked_for(tmp_path: Path, where: str) -> None:
    write(tmp_path, {SHEET: after_records(FAR[where])})
    said, memory = read(tmp_path)
    assert said.startswith("refused:")
    assert "Notes.xlsx spans" in said
    assert memory < 100


def test_a_stray_cell_in_a_large_sheet_is_refused_as_well(tmp_path: Path) -> None:
    rows = b"".join(b'<row r="%d"><c r="A%d"><v>7</v></c></row>' % (at, at) for at in range(4, 130_000))
    assert len(rows) > 1 << 22
    for cell in (FAR["far right"].replace(b"5000", b"200000"), b"<row r='200000'><c r='XFD200000'><v>1</v></c></row>"):
        write(tmp_path, {SHEET: after_records(rows + cell)})
        said, memory = read(tmp_path)
        assert "Notes.xlsx spans 200,000 rows and 16,384 columns" in said
        assert memory < 150


def test_a_stray_cell_in_another_sheet_does_no_harm(tmp_path: Path) -> None:
    book = sheets(("Cover", [("Clinic", "")], False), ("Data", [("id", "Note")], False))
    write(tmp_path, {"xl/worksheets/sheet2.xml": after_records(FAR["last cell of all"])}, book)
    said, memory = read(tmp_path)
    assert "lacks the columns" in said
    assert memory < 100


def test_a_list_of_sheets_that_unfolds_to_hundreds_of_megabytes_is_refused(tmp_path: Path) -> None:
    filler = b"<x>" + b"<a/>" * 100_000 + b"</x>"
    write(tmp_path, {"xl/workbook.xml": lambda book: [book.partition(b"<sheets>")[0], *[filler] * 100, book]})
    said, memory = read(tmp_path)
    assert "unfolds to" in said
    assert memory < 100


@pytest.mark.slow
def test_a_cell_of_five_hundred_megabytes_is_refused(tmp_path: Path) -> None:
    cell = b'<row r="4"><c r="A4" t="inlineStr"><is><t>'
    text = bytes(range(97, 123)) * 40_000
    write(
        tmp_path,
        {SHEET: lambda sheet: [sheet.partition(b"</sheetData>")[0], cell, *[text] * 500, b"</t></is></c></row></sheetData></worksheet>"]},
    )  # fmt: skip
    said, memory = read(tmp_path)
    assert "holds a cell of more than 64 MiB" in said
    assert memory < 100


@pytest.mark.slow
def test_a_sheet_that_unfolds_to_gigabytes_is_refused(tmp_path: Path) -> None:
    rows = b"<row/>" * 170_000
    write(
        tmp_path,
        {SHEET: lambda sheet: [sheet.partition(b"</sheetData>")[0], *[rows] * 1_500, b"</sheetData></worksheet>"]},
    )
    said, memory = read(tmp_path)
    assert "unfolds to" in said
    assert memory < 100

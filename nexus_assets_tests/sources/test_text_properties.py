"""Any text that a FileMaker field can hold comes back as it was, wherever the blocks happen to be cut."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nexus_assets.errors import NexusAssetsError
from nexus_assets.sources.filemaker import OpenExport, ReadSettings
from nexus_assets_tests.sources.conftest import Cells, Exports
from nexus_assets_tests.sources.writers import ENCODINGS, LINE_ENDS, csv_file, tab_file, xlsx_file, xml_file

fixtures_are_stateless = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=30
)

# Cells as they come, with what has a meaning somewhere far more often than chance would have it.
_odd = st.sampled_from(
    ["\x0b", "\x1d", '"', '""', ",", ";", "\t", "\n", "\r", "\r\n", "\\.", "\\", "é", "😀", " ", "\x01"]
)
_any = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
cells = st.lists(st.one_of(_odd, st.text(_any, max_size=4)), max_size=6).map("".join)
line_ends = st.sampled_from(sorted(LINE_ENDS.values()))
block_sizes = st.sampled_from([1, 2, 3, 5, 16, 1 << 18])
unicode = st.sampled_from([ENCODINGS[name] for name in ("utf-8", "utf-16 le with mark", "utf-16 be with mark")])

HEADER = ("id", "Note", "Type")
FIRST = ("7", "", "Zoë")  # a text of which nothing but a rare letter or two is not ASCII may be in another encoding
Tables = list[tuple[str, str, str]]


def tables(cell: st.SearchStrategy[str]) -> st.SearchStrategy[Tables]:
    """Records of an id, which is never empty, and two cells."""
    return st.lists(st.tuples(st.just("7"), cell, cell), max_size=4).map(lambda rows: [FIRST, *rows])


def without(*characters: str) -> st.SearchStrategy[str]:
    """Cells in which none of these is, as FileMaker replaces them before it writes."""
    return cells.map(lambda text: "".join(char for char in text if char not in characters))


@pytest.fixture(scope="module")
def read(copied: Callable[[OpenExport], Cells]) -> Callable[..., Cells]:
    """Writes an export, and copies it into the database in blocks of a size."""
    exports = Exports(Path(tempfile.mkdtemp()))

    def read(name: str, data: bytes, block: int = 1 << 18, encoding: str | None = None) -> Cells:
        exports.put(name, data)
        with patch("nexus_assets.sources.content.BLOCK", block):
            return copied(exports.open(wanted=HEADER, settings=ReadSettings(encoding=encoding)))

    return read


@fixtures_are_stateless
@given(tables(cells), line_ends, unicode, block_sizes)
def test_quoted_cells_hold_anything(
    read: Callable[..., Cells], rows: Tables, line_end: str, encoding: tuple[str, bytes], block: int
) -> None:
    data = csv_file([HEADER, *rows], line_end=line_end, encoding=encoding[0], mark=encoding[1])
    assert read("Notes.csv", data, block) == rows


@fixtures_are_stateless
@given(tables(cells), st.sampled_from([",", ";"]), block_sizes)
def test_cells_may_be_quoted_only_where_they_must(
    read: Callable[..., Cells], rows: Tables, delimiter: str, block: int
) -> None:
    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if set(text) & set('",;\r\n') else text

    lines = [delimiter.join(map(cell, row)) + "\r\n" for row in [HEADER, *rows]]
    assert read("Notes.csv", "".join(lines).encode(), block) == rows


@fixtures_are_stateless
@given(tables(without("\t", "\n", "\r")), line_ends, unicode, block_sizes)
def test_cells_of_tab_files_hold_all_but_tabs_and_line_ends(
    read: Callable[..., Cells], rows: Tables, line_end: str, encoding: tuple[str, bytes], block: int
) -> None:
    data = tab_file([HEADER, *rows], line_end=line_end, encoding=encoding[0], mark=encoding[1])
    assert read("Notes.tab", data, block) == rows


@fixtures_are_stateless
@given(tables(without("\ufffe", "\uffff", *map(chr, range(0xFDD0, 0xFDF0)))), st.booleans(), block_sizes)
def test_cells_of_xml_hold_anything(read: Callable[..., Cells], rows: Tables, pretty: bool, block: int) -> None:
    rows = [(first, second.replace("\n", "\x0b"), third) for first, second, third in rows]
    assert read("Notes.xml", xml_file([HEADER, *rows], pretty=pretty), block) == rows


@fixtures_are_stateless
@given(tables(without("_")))
def test_cells_of_workbooks_hold_anything(read: Callable[..., Cells], rows: Tables) -> None:
    assert read("Notes.xlsx", xlsx_file([HEADER, *rows])) == rows


@fixtures_are_stateless
@given(st.data(), st.sampled_from(["mac_roman", "cp1252"]), block_sizes)
def test_old_encodings_are_read_right_or_not_at_all(
    read: Callable[..., Cells], data: st.DataObject, encoding: str, block: int
) -> None:
    letters = st.text(st.characters(codec=encoding, exclude_characters="\0"), max_size=8)
    rows = data.draw(tables(letters))
    file = csv_file([HEADER, *rows], encoding=encoding)
    assert read("Notes.csv", file, block, encoding=encoding) == rows
    try:
        decided = read("Notes.csv", file, block)
    except NexusAssetsError:
        return
    assert [len(row) for row in decided] == [len(row) for row in rows]


@fixtures_are_stateless
@given(st.binary(max_size=200), st.sampled_from(["csv", "tab", "mer", "xml", "xlsx", "csv.gz", "csv.zip"]), block_sizes)
def test_noise_is_refused_in_words(read: Callable[..., Cells], noise: bytes, ending: str, block: int) -> None:
    with pytest.raises(NexusAssetsError):
        read(f"Notes.{ending}", noise, block)

"""The parts of a workbook file: read through once, which proves that they are whole and shows what calamine would not report.

calamine reads an error (#N/A), a formula without its value and the covered half of a merged cell as nothing, drops the sign
of a negative time, and asks for memory for the whole rectangle between the first and the last cell. Sheets that can hold any
of that are rare: few bytes give them away, and only then is each cell looked at.
"""

from __future__ import annotations

import io
import posixpath
import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from nexus_assets.sources.content import BLOCK, ZIP_ERRORS, refuse_bomb
from nexus_assets.sources.export import ExportError
from nexus_assets.sources.sheet_cells import Cells, SheetScan

LONGEST_CELL = 1 << 26
"""Bytes between two tags of a part; Excel's own limit is 32,767 characters a cell, other programs know none."""

LARGEST_PARTS = 1 << 30
"""Bytes of all parts together. A sheet whose million rows are full has some 500 MB."""

LARGEST_LIST = 1 << 25
"""Bytes of a part that is neither a sheet nor the texts of its cells: a workbook with a hundred sheets has some 50 KB."""

LARGEST_SHEET = 50_000_000
"""Cells of the rectangle that a sheet spans: calamine keeps 24 bytes for each, empty or not."""

SPARSE, MOST_EMPTY = 20, 4_000_000
"""A rectangle of more cells than the second, of which not one in the first holds anything, has a stray cell."""

SMALL = 1 << 22
"""Bytes of a sheet up to which each of its cells is looked at anyway."""

OPEN_AND_SAVE = "Open it in Excel, save it as .xlsx, or export it from FileMaker as .csv; then run the same command."
_EXPORT_AGAIN = "Export or copy it again, then run the same command."

_1904 = re.compile(rb"""<(?:\w+:)?workbookPr\b[^>]*\sdate1904=["'](?:1|true|on)["']""")
_CALCULATE = re.compile(rb"""<(?:\w+:)?calcPr\b[^>]*\sfullCalcOnLoad=["'](?:1|true|on)["']""")
_REMARKABLE = (b't="e"', b"t='e'", b"<f>", b"<f ", b"<f/", b"<mergeCell ")
_NO_NUMBER = re.compile(rb"<v>(?![0-9])")
_NO_INLINE_TEXT = re.compile(rb"inlineStr[^<>]*><v")
_DAY_60 = re.compile(rb"><v>60(?:\.[0-9]*)?</v>")
_INSTRUCTION = re.compile(rb"<\?(?!xml\s)")
_ODDLY_WRITTEN = re.compile(rb"""\sr(?:\s+=|=\s|='|="[a-z])""")
_WIDE = re.compile(rb'r="[A-Z]{2,3}\d')
_COLUMNS_OF_ONE_LETTER = 26
_COLUMNS_OF_TWO_LETTERS = 26 + 26 * 26
_FAR_RIGHT = re.compile(rb'r="[A-Z]{3}\d')
_LAST_ROW = re.compile(rb"""<(?:\w+:)?row\b[^>]*?\sr=["'](\d{1,7})["']""")


@dataclass(frozen=True)
class Sheet:
    """A worksheet as the workbook lists it; `part` is its place in the file. One that is not read is searched if it is small."""

    part: str
    is_hidden: bool
    may_be_searched: bool = False


@dataclass(frozen=True)
class Parts:
    """What calamine does not report of a workbook: its sheets, the cells of the first one, whether its days count from 1904."""

    sheets: list[Sheet]
    cells: Cells
    is_1904: bool


@dataclass
class _Seen:
    """What the bytes of one part give away."""

    remarkable: bool = False
    wide: bool = False
    last_row: int = 0
    cells: int = 0
    since_tag: int = field(default=0, repr=False)


def check_parts(data: bytes, location: str) -> Parts:
    """Returns what the parts of a workbook show. Raises ExportError where one is damaged, or too large to be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _refuse_size(archive, location)
            seen: dict[str, _Seen] = {}
            unfolded = 0
            for part in archive.infolist():
                found = seen[part.filename] = _Seen()
                for text in _blocks(archive, part, found, location):
                    unfolded += text
                    refuse_bomb(location, unfolded, len(data))
            return _parts(archive, seen, location)
    except (*ZIP_ERRORS, ET.ParseError, KeyError):
        raise ExportError(
            f"{location} is a damaged workbook: cut, or changed on its way.", remedy=_EXPORT_AGAIN
        ) from None


def _refuse_size(archive: zipfile.ZipFile, location: str) -> None:
    stated = sum(part.file_size for part in archive.infolist())
    lists = (part for part in archive.infolist() if not part.filename.lower().endswith("sharedstrings.xml"))
    longest = max(
        (part.file_size for part in lists if "/worksheets/" not in f"/{part.filename}".lower() and _is_xml(part)),
        default=0,
    )
    if stated > LARGEST_PARTS or longest > LARGEST_LIST:
        raise ExportError(
            f"{location} unfolds to {stated / 1e6:,.0f} MB: too large for a workbook that holds an export.",
            remedy="Export it from FileMaker as .csv, then run the same command.",
        )


def _is_xml(part: zipfile.ZipInfo) -> bool:
    return part.filename.lower().endswith((".xml", ".rels"))


def _blocks(archive: zipfile.ZipFile, part: zipfile.ZipInfo, seen: _Seen, location: str) -> Iterator[int]:
    """Returns the sizes of a part's blocks, having looked at each."""
    is_sheet = "/worksheets/" in f"/{part.filename}".lower()
    is_xml = _is_xml(part)
    with archive.open(part) as stream:
        carry = b""
        while block := stream.read(BLOCK):
            data = carry + block
            if is_xml:
                _refuse_odd_text(block, data, seen, location, part.filename)
            if is_sheet:
                seen.wide = seen.wide or _WIDE.search(data) is not None
                if not seen.remarkable:
                    seen.remarkable = any(mark in data for mark in _REMARKABLE)
                    seen.remarkable |= seen.wide and _FAR_RIGHT.search(data) is not None
                    seen.remarkable |= _NO_NUMBER.search(data) is not None
                    seen.remarkable |= _NO_INLINE_TEXT.search(data) is not None
                    seen.remarkable |= _ODDLY_WRITTEN.search(data) is not None
                    seen.remarkable |= _may_hold_day_60(data)
                seen.cells += block.count(b"<c ")
                # An ordinary sheet has its rows in order, so that the last one of a block is enough.
                if (last := data.rfind(b"<row ")) >= 0 and (row := _LAST_ROW.match(data, last)):
                    seen.last_row = max(seen.last_row, int(row[1]))
                elif b":row " in data:
                    seen.remarkable = True  # tags with a prefix: each cell is looked at
            carry = block[-64:]
            yield len(block)


def _may_hold_day_60(data: bytes) -> bool:
    """Whether a number is 60 and something, and not the place of a text."""
    return any(data[found.start() - 5 : found.start()] != b't="s"' for found in _DAY_60.finditer(data))


def _refuse_odd_text(block: bytes, data: bytes, seen: _Seen, location: str, part: str) -> None:
    first, last = block.find(b"<"), block.rfind(b"<")
    if (seen.since_tag + (first if first >= 0 else len(block))) > LONGEST_CELL:
        raise ExportError(
            f"{location} holds a cell of more than {LONGEST_CELL >> 20} MiB.",
            remedy="Shorten it in FileMaker, or leave this field out of the export.",
        )
    seen.since_tag = seen.since_tag + len(block) if last < 0 else len(block) - last
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ExportError(f"{location} uses XML entities of its own, which no workbook needs.", remedy=OPEN_AND_SAVE)
    holds_cells = "/worksheets/" in f"/{part}".lower() or part.lower().endswith("sharedstrings.xml")
    if holds_cells and (b"<!--" in data or b"<![CDATA[" in data or (b"<?" in data and _INSTRUCTION.search(data))):
        raise ExportError(
            f"{location} has comments among its cells (or CDATA, or instructions), which hide parts of them.",
            remedy=OPEN_AND_SAVE,
        )


def _parts(archive: zipfile.ZipFile, seen: Mapping[str, _Seen], location: str) -> Parts:
    book = _book(archive)
    text = archive.read(book)
    sheets = _sheets(archive, book, text)
    if not sheets:
        raise ExportError(f"{location} has no worksheet.", remedy=OPEN_AND_SAVE)
    found = seen[sheets[0].part]
    widest = _COLUMNS_OF_TWO_LETTERS if found.wide else _COLUMNS_OF_ONE_LETTER
    is_small = archive.getinfo(sheets[0].part).file_size <= SMALL
    if is_small or found.remarkable or _is_too_large(found.last_row * widest, found.cells):
        with archive.open(sheets[0].part) as stream:
            cells = SheetScan(calculated=_CALCULATE.search(text) is None).read(stream)
        if _is_too_large(cells.rows * cells.columns, cells.filled):
            raise ExportError(
                f"{location} spans {cells.rows:,} rows and {cells.columns:,} columns: a cell far from the others holds something.",
                remedy="Delete the rows and columns behind the last record, or export it from FileMaker as .csv.",
            )
    else:
        cells = Cells()
    sheets[1:] = [replace(sheet, may_be_searched=_is_harmless(archive, sheet.part)) for sheet in sheets[1:]]
    return Parts(sheets, cells, _1904.search(text) is not None)


def _is_harmless(archive: zipfile.ZipFile, part: str) -> bool:
    if archive.getinfo(part).file_size > SMALL:
        return False
    with archive.open(part) as stream:
        cells = SheetScan(calculated=True).read(stream)
    return not _is_too_large(cells.rows * cells.columns, cells.filled)


def _is_too_large(rectangle: int, filled: int) -> bool:
    return rectangle > LARGEST_SHEET or rectangle > max(MOST_EMPTY, SPARSE * filled)


def _relations(archive: zipfile.ZipFile, part: str, kind: str) -> dict[str, str]:
    """The parts of a kind that a part refers to, by their ids there; '' is the file as a whole."""
    folder, name = posixpath.split(part)
    relations = ET.fromstring(archive.read(posixpath.join(folder, "_rels", f"{name}.rels")))
    return {
        relation.attrib["Id"]: posixpath.normpath(posixpath.join("/", folder, relation.attrib["Target"])).lstrip("/")
        for relation in relations
        if relation.attrib["Type"].endswith(f"/{kind}")
    }


def _book(archive: zipfile.ZipFile) -> str:
    return next(iter(_relations(archive, "", "officeDocument").values()), "xl/workbook.xml")


def _sheets(archive: zipfile.ZipFile, book: str, text: bytes) -> list[Sheet]:
    """The worksheets in the workbook's order; sheets of other kinds (charts) are left out."""
    targets = _relations(archive, book, "worksheet")
    return [
        Sheet(targets[value], element.attrib.get("state", "visible") != "visible")
        for element in ET.fromstring(text).iter()
        if element.tag.endswith("}sheet")
        for key, value in element.attrib.items()
        if key.endswith("}id") and value in targets
    ]

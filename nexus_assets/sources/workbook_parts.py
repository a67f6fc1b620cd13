"""The parts of a workbook file: read through once, which proves that they are whole and shows what calamine would not report.

calamine reads an error (#N/A), a formula without its value and the covered half of a merged cell as nothing, drops the sign
of a negative time, and asks for memory for the whole rectangle between the first and the last cell. A sheet whose cells all
have the forms in which programs write texts and plain numbers holds none of that; of any other each cell is looked at.
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
"""Bytes of a sheet that is not read up to which its cells are looked at one by one, to be searched for headings."""

LONGEST_ROW = 1 << 24
"""Bytes of a row up to which it may be an ordinary one."""

OPEN_AND_SAVE = "Open it in Excel, save it as .xlsx, or export it from FileMaker as .csv; then run the same command."
_EXPORT_AGAIN = "Export or copy it again, then run the same command."

_1904 = re.compile(rb"""<(?:\w+:)?workbookPr\b[^>]*\sdate1904=["'](?:1|true|on)["']""")
_CALCULATE = re.compile(rb"""<(?:\w+:)?calcPr\b[^>]*\sfullCalcOnLoad=["'](?:1|true|on)["']""")
_ORDINARY_CELL = re.compile(
    rb"""
    <c\ r="[A-Z]{1,2}[1-9][0-9]{0,6}" (?:\ s="[0-9]+")?
    (?: (?:\ t="(?!e")\w+")? (?:/>|></c>)
      | (?:\ t="n")? ><v> (?!60[.<]) (?:0|[1-9][0-9]*) (?:\.[0-9]+)? (?:[eE]-[0-9]+)? </v></c>
      | \ t="s" ><v> [0-9]+ </v></c>
      | \ t="b" ><v> [01] </v></c>
      | \ t="str" ><v> [^<\x00-\x08\x0b\x0c\x0e-\x1f]* </v></c>
      | \ t="inlineStr" ><is><t (?:\ xml:space="preserve")? (?:/>|> [^<\x00-\x08\x0b\x0c\x0e-\x1f]* </t>)</is></c>
    )""",
    re.VERBOSE,
)
"""A cell that calamine reads as what it is: one without an error, a formula, a number below zero or the day 60, in one of the
first 702 columns."""

_ORDINARY_ROW = re.compile(rb"""\s*<row r="([1-9][0-9]{0,6})"(?: [\w:.]+="[^"<&]*")*(?:/>|>\.*</row>)""")
_ROW_END = b"</row>"
_SHEET_DATA = re.compile(rb"<sheetData>\s*</sheetData>")
_OF_CELLS = re.compile(rb"<(?:\w+:)?(?:sheetData|row|c|v|f|is|mergeCell)[\s/>]")
_REFERENCE = re.compile(rb"&(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9a-fA-F]+);")
_INSTRUCTION = re.compile(rb"<\?(?!xml\s)")
_WIDE = re.compile(rb'r="[A-Z]{2}\d')
_COLUMNS_OF_ONE_LETTER = 26
_COLUMNS_OF_TWO_LETTERS = 26 + 26 * 26


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
    """What the bytes of one part give away, and of a sheet what they leave over once its ordinary rows are taken out."""

    is_odd: bool = False
    wide: bool = False
    last_row: int = 0
    cells: int = 0
    rest: bytes = field(default=b"", repr=False)
    since_tag: int = field(default=0, repr=False)

    def take_rows(self, block: bytes) -> None:
        """Takes the whole rows of the next block, whose cells then need no look: all, or the sheet is no ordinary one."""
        if self.is_odd:
            return
        text = self.rest + block
        # Where the end of a row lies across two blocks, all but its last byte is in the rest.
        end = text.rfind(_ROW_END, max(0, len(self.rest) - len(_ROW_END) + 1))
        if end < 0:
            self.rest = text
        else:
            end += len(_ROW_END)
            rows = text[:end]
            dotted, cells = _ORDINARY_CELL.subn(b".", rows)
            self.cells += cells
            self.last_row = max(self.last_row, *map(int, _ORDINARY_ROW.findall(dotted)), 0)
            self.wide = self.wide or _WIDE.search(rows) is not None
            others = _ORDINARY_ROW.sub(b"", dotted)
            self.is_odd = not _is_text(rows) or _ROW_END in others
            self.rest = others + text[end:]
        self.is_odd = self.is_odd or len(self.rest) > LONGEST_ROW

    @property
    def needs_a_look(self) -> bool:
        """Whether anything is left over, once all of the part was seen, that may hold a cell or say something of one."""
        without, places = _SHEET_DATA.subn(b"", _ORDINARY_ROW.sub(b"", self.rest))
        return self.is_odd or places != 1 or _OF_CELLS.search(without) is not None


def _is_text(xml: bytes) -> bool:
    """Whether this is UTF-8, with no other references to characters than XML's own."""
    try:
        xml.decode()
    except UnicodeDecodeError:
        return False
    return xml.count(b"&") == len(_REFERENCE.findall(xml))


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
                seen.take_rows(block)
            carry = block[-64:]
            yield len(block)


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
    looks = found.needs_a_look or _is_too_large(found.last_row * widest, found.cells)
    # Of an ordinary sheet what its rows left over is read all the same: it must be well-formed, too.
    with archive.open(sheets[0].part) if looks else io.BytesIO(found.rest) as stream:
        cells = SheetScan(calculated=_CALCULATE.search(text) is None).read(stream)
    if _is_too_large(cells.rows * cells.columns, cells.filled):
        raise ExportError(
            f"{location} spans {cells.rows:,} rows and {cells.columns:,} columns: a cell far from the others holds something.",
            remedy="Delete the rows and columns behind the last record, or export it from FileMaker as .csv.",
        )
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

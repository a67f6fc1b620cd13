"""The parts of a workbook file: read through once, which proves their checksums and shows the cells that hold errors.

calamine reads an error cell (#N/A, #REF!) as an empty one; nothing is lost silently, so that they are found here.
"""

from __future__ import annotations

import io
import posixpath
import re
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import dataclass

from nexus_assets.sources.content import BLOCK, ZIP_ERRORS, refuse_bomb
from nexus_assets.sources.export import ExportError

_ERROR_TYPES = b't="e"', b"t='e'"
_ERROR_CELL = re.compile(rb"""<(?:\w+:)?c\s(?=[^>]*\st=["']e["']|t=["']e["'])[^>]*?\br=["']([A-Z]{1,3})(\d{1,7})["']""")


_1904 = re.compile(rb"""<(?:\w+:)?workbookPr\b[^>]*\sdate1904=["'](?:1|true|on)["']""")


@dataclass(frozen=True, order=True)
class ErrorCell:
    """The place of a cell that holds an error; both count from 0."""

    row: int
    column: int


@dataclass(frozen=True)
class Parts:
    """What calamine does not tell of a workbook: the error cells of its first sheet, and whether its days count from 1904."""

    error_cells: list[ErrorCell]
    is_1904: bool


def check_parts(data: bytes, location: str) -> Parts:
    """Returns what the parts of a workbook show. Raises ExportError where any of them is damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            suspects = set()
            unfolded = 0
            for part in archive.infolist():
                with archive.open(part) as stream:
                    carry = b""
                    while block := stream.read(BLOCK):
                        unfolded += len(block)
                        refuse_bomb(location, unfolded, len(data))
                        if any(kind in carry + block for kind in _ERROR_TYPES):
                            suspects.add(part.filename)
                        carry = block[-8:]
            sheet = _first_sheet(archive) if suspects else ""
            found = _error_cells(archive.read(sheet)) if sheet in suspects else []
            return Parts(found, _1904.search(archive.read("xl/workbook.xml")) is not None)
    except (*ZIP_ERRORS, ET.ParseError, KeyError, IndexError):
        raise ExportError(
            f"{location} is a damaged workbook: cut, or changed on its way.",
            remedy="Export or copy it again, then run the same command.",
        ) from None


def _first_sheet(archive: zipfile.ZipFile) -> str:
    targets = {
        relation.attrib["Id"]: relation.attrib["Target"]
        for relation in ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        if relation.attrib["Type"].endswith("/worksheet")
    }
    sheets = (
        targets.get(value)
        for element in ET.fromstring(archive.read("xl/workbook.xml")).iter()
        if element.tag.endswith("}sheet")
        for key, value in element.attrib.items()
        if key.endswith("}id")
    )
    return posixpath.normpath(posixpath.join("/xl", next(filter(None, sheets), ""))).lstrip("/")


def _error_cells(sheet: bytes) -> list[ErrorCell]:
    return [ErrorCell(int(row) - 1, _column(letters)) for letters, row in _ERROR_CELL.findall(sheet)]


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1

"""The grammar of FMPXMLRESULT, in two halves: what surrounds the rows goes through a real parser, the rows through
`str.split`, because a parser's callbacks for millions of cells take ten times as long as the cells themselves.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from xml.parsers import expat

from nexus_assets.sources.export import Row

LONGEST_ERROR_CODE, LONGEST_COUNT = 5, 10
"""Digits of what a file may state: anything longer is no error code and no number of records, and is not repeated."""

GROUP_SEPARATOR = "\x1d"  # between the repetitions of a field, as FileMaker writes it into text files

_PARENTS = {
    "FMPXMLRESULT": "",
    "ERRORCODE": "FMPXMLRESULT",
    "PRODUCT": "FMPXMLRESULT",
    "DATABASE": "FMPXMLRESULT",
    "METADATA": "FMPXMLRESULT",
    "FIELD": "METADATA",
    "RESULTSET": "FMPXMLRESULT",
}

_ROW_TAG = re.compile(r"""\s*<ROW(?:\s+[A-Z]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*\s*""")
_ENTITY = re.compile(r"&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([0-9A-Fa-f]{1,6}));|&")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}

# FileMaker writes control characters of its fields (VT, GS) as they are, though XML has no place for them. Where a
# parser must take them, they travel as Unicode's noncharacters, 32 in a row, which no text holds.
_CONTROL = {code: 0xFDD0 + code for code in range(32) if code not in b"\t\n\r"}
_RESTORED = {there: back for back, there in _CONTROL.items()}


class GrammarError(Exception):
    """The text is not of this grammar; the words finish "Notes.xml …"."""


class Skeleton:
    """What stands around the rows, as far as it has been fed; it states what the rows are."""

    def __init__(self) -> None:
        self.fields: list[str] = []
        self.types: list[str] = []
        self.date_format = self.time_format = ""
        self.records: int | None = None  # in the table
        self.found: int | None = None  # in the found set, which is what was exported
        self._open = [""]
        self._text: list[str] = []
        self._parser = expat.ParserCreate("utf-8")  # whatever the text declares: it comes decoded
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text.append
        self._parser.EntityDeclHandler = self._parser.SkippedEntityHandler = _refuse_entities

    def feed(self, text: str, *, final: bool = False) -> None:
        """Takes more of the text around the rows. Raises GrammarError."""
        try:
            self._parser.Parse(text.encode("utf-8"), final)
        except expat.ExpatError as error:
            if error.code in _CUT:
                raise GrammarError("is cut: its XML has no end") from None
            raise GrammarError(f"is no well-formed XML ({expat.ErrorString(error.code)})") from None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if _PARENTS.get(name) != self._open[-1]:
            raise GrammarError(
                "holds elements that FMPXMLRESULT does not have there"
                if self._open[-1]
                else "is no FMPXMLRESULT: choose this grammar when exporting as XML"
            )
        self._open.append(name)
        self._text.clear()
        if name == "FIELD":
            self.fields.append(attributes.get("NAME", ""))
            self.types.append(attributes.get("TYPE", ""))
        elif name == "DATABASE":
            self.date_format = attributes.get("DATEFORMAT", "")
            self.time_format = attributes.get("TIMEFORMAT", "")
            self.records = _number(attributes.get("RECORDS", ""))
        elif name == "RESULTSET":
            self.found = _number(attributes.get("FOUND", ""))

    def _end(self, name: str) -> None:
        self._open.pop()
        text = "".join(self._text).strip()
        self._text.clear()
        if name == "ERRORCODE" and text != "0":
            is_code = text.isdecimal() and len(text) <= LONGEST_ERROR_CODE
            raise GrammarError(f"reports FileMaker's error {text}" if is_code else "reports an error")


def parse_rows(text: str) -> list[Row]:
    """Returns the rows of a text that holds nothing else and ends with the end of one. Raises GrammarError."""
    if "<!" in text or "<?" in text:
        raise GrammarError("has comments, CDATA or instructions among its rows, which FileMaker never writes")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")  # as XML demands
    text = text.replace("</DATA><DATA>", GROUP_SEPARATOR)
    return [_cells(row) for row in text.split("</ROW>")[:-1]]


def _cells(row: str) -> Row:
    tag, _, body = row.partition("><COL><DATA>")
    if not body.endswith("</DATA></COL>") or _ROW_TAG.fullmatch(tag) is None:
        return _parsed(row)
    body = body[: -len("</DATA></COL>")]
    cells = body.split("</DATA></COL><COL><DATA>")
    if body.count("<") != 4 * (len(cells) - 1):
        return _parsed(row)
    return [_ENTITY.sub(_character, cell) for cell in cells] if "&" in body else cells


def _character(entity: re.Match[str]) -> str:
    name, decimal, hexadecimal = entity.groups()
    if name:
        return _NAMED[name]
    code = int(decimal) if decimal else int(hexadecimal, 16) if hexadecimal else 0
    if not 0 < code <= 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise GrammarError("has a character reference that is none")
    return chr(code)


def _parsed(row: str) -> Row:
    """One row that is written otherwise than FileMaker does (blanks between the tags, empty tags)."""
    try:
        element = ET.fromstring(f"{row.translate(_CONTROL)}</ROW>")
    except ET.ParseError:
        raise GrammarError("is no well-formed XML among its rows") from None
    columns = list(element)
    if any(column.tag != "COL" or any(data.tag != "DATA" or len(data) for data in column) for column in columns):
        raise GrammarError("holds elements that FMPXMLRESULT does not have there")
    cells = (GROUP_SEPARATOR.join(data.text or "" for data in column) for column in columns)
    return [cell.translate(_RESTORED) for cell in cells]


def _refuse_entities(*_: object) -> None:
    raise GrammarError("uses XML entities of its own, which FileMaker never does")


def _number(value: str) -> int | None:
    return int(value) if value.isdecimal() and len(value) <= LONGEST_COUNT else None


_CUT = (
    expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
)

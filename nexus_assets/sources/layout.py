"""How a delimited text is laid out, shown by its first record: delimiter, quotation marks, line end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from nexus_assets.sources.export import ExportError, separated_otherwise
from nexus_assets.sources.normalize_csv import NO_QUOTE, QUOTE, Form

LONGEST_FIRST_RECORD = 1 << 20
DELIMITERS = {".csv": ",;\t", ".mer": ",;\t", ".tab": "\t", ".tsv": "\t", ".txt": "\t,;"}  # the likeliest first
_UNQUOTED = (".tab", ".tsv", ".txt")

_SPELLED_OUT = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}
_RECORD = re.compile(rb'(?:[^"\r\n]+|"[^"]*")*')
_PLAIN_RECORD = re.compile(rb"[^\r\n]*")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_AFTER_A_QUOTED_CELL = re.compile(rb'"[^"]*"([!#-/:-@\[-`{-~])"')


@dataclass(frozen=True)
class FirstRecord:
    """A text's first record as one layout reads it; `length` counts its line end."""

    cells: tuple[str, ...]
    form: Form
    length: int


def readings(text: Iterator[bytes], ending: str, delimiter: str | None, location: str) -> list[FirstRecord]:
    """Returns the first record in each layout that can be meant, the likeliest first; at least one.

    Raises ExportError where it does not end, or can't be cells in any layout.
    """
    delimiters = DELIMITERS[ending] if delimiter is None else _checked(delimiter)
    record, line_end = _first_record(text, ending in _UNQUOTED, location)
    found = []
    for candidate in (each.encode() for each in delimiters):
        is_plain = ending in _UNQUOTED and candidate == b"\t"
        quote = NO_QUOTE if is_plain and not _all_quoted(record, candidate) else QUOTE
        if (cells := _cells(record, candidate, quote)) is not None:
            form = Form(candidate, quote, line_end or b"\n")
            found.append(FirstRecord(cells, form, len(record) + len(line_end)))
    other = None if found else _AFTER_A_QUOTED_CELL.match(record)
    if other is not None and other[1].decode() not in delimiters:
        raise separated_otherwise(location, other[1].decode())
    if not found or (not line_end and found[0].form.quote == NO_QUOTE) or not (line_end or record.endswith(QUOTE)):
        raise _cut(location)
    return found


def _first_record(text: Iterator[bytes], plain: bool, location: str) -> tuple[bytes, bytes]:
    """Returns the first record and its line end, which is nothing where the text ends before."""
    head = b""
    pattern = _PLAIN_RECORD if plain else _RECORD
    for block in text:
        head += block
        record = pattern.match(head)
        end = _LINE_END.match(head, record.end() if record else 0)
        if record and end and end.end() < len(head):  # a CR that ends the block may be half of a CRLF
            return record.group(), end.group()
        if len(head) > LONGEST_FIRST_RECORD:
            raise ExportError(
                f"The first record of {location} does not end within {LONGEST_FIRST_RECORD:,} bytes.",
                remedy="Its line ends or quotation marks are not what they should be: export it again.",
            )
    record = pattern.match(head)
    end = _LINE_END.match(head, record.end() if record else 0)
    if record is None or (end is None and record.end() < len(head)):
        raise _cut(location)
    return record.group(), end.group() if end else b""


def _cells(record: bytes, delimiter: bytes, quote: bytes) -> tuple[str, ...] | None:
    if quote == NO_QUOTE:
        return tuple(record.decode("utf-8").split(delimiter.decode()))
    cell = re.compile(rb'(?:"((?:[^"]|"")*)"|([^"%b]*))(%b|\Z)' % ((re.escape(delimiter),) * 2))
    cells, at, more = [], 0, True
    while more:
        found = cell.match(record, at)
        if found is None:
            return None
        quoted, bare, after = found.groups()
        cells.append((bare if quoted is None else quoted.replace(b'""', b'"')).decode("utf-8"))
        at, more = found.end(), bool(after)
    return tuple(cells)


def _all_quoted(record: bytes, delimiter: bytes) -> bool:
    """FileMaker's .tab never quotes; a text of another program that quotes each of its first cells does."""
    cells = record.split(delimiter)
    return all(len(cell) > 1 and cell.startswith(QUOTE) and cell.endswith(QUOTE) for cell in cells)


def _checked(delimiter: str) -> str:
    char = _SPELLED_OUT.get(delimiter.lower(), delimiter)
    if len(char) != 1 or not char.isascii() or char in '"\r\n\0\x01' or char.isalnum():
        raise ExportError(
            f"The setting says that {delimiter!r} separates the columns: that can't be.",
            remedy="Set a comma, a semicolon or tab.",
        )
    return char


def _cut(location: str) -> ExportError:
    return ExportError(
        f"{location} ends in its first record, or has quotation marks in the middle of a cell there.",
        remedy="Export or copy it again, then run the same command.",
    )

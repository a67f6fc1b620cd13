"""Rows of text, read from whatever holds cells rather than lines, as the CSV that COPY takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nexus_assets.sources.content import BLOCK
from nexus_assets.sources.export import ExportError, Row

QUOTE, TWO_QUOTES = '"', '""'


def csv_blocks(rows: Iterable[Row], location: str) -> Iterator[bytes]:
    """Returns rows as UTF-8 CSV in blocks of some 256 KiB; None becomes an empty cell, which COPY reads as NULL.

    Raises ExportError for what is no text: NUL characters, lone surrogates.
    """
    lines: list[str] = []
    first = record = 1
    length = 0
    for record, row in enumerate(rows, start=1):
        line = _line(row)
        lines.append(line)
        length += len(line)
        if length >= BLOCK:
            yield _encoded("".join(lines), first, record, location)
            lines.clear()
            first, length = record + 1, 0
    if lines:
        yield _encoded("".join(lines), first, record, location)


def _line(row: Row) -> str:
    """A record with every cell that holds something in quotation marks: the csv module looks at each character of a long note
    whether it needs them, which takes longer than all the rest. A lone empty cell has them too, or COPY would see a blank line."""
    if len(row) == 1 and not row[0]:
        return '""\r\n'
    return ",".join([f'"{cell.replace(QUOTE, TWO_QUOTES)}"' if cell else "" for cell in row]) + "\r\n"


def _encoded(text: str, first: int, last: int, location: str) -> bytes:
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:
        what = "half of a character (a lone surrogate)"
    else:
        if "\0" not in text:
            return data
        what = "a NUL character"
    raise ExportError(
        f"{location} holds {what} between its records {first:,} and {last:,}: no text has one.",
        remedy="Correct it in FileMaker, export again, then run the same command.",
    )

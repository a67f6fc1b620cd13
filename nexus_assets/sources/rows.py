"""Rows of text, read from whatever holds cells rather than lines, as the CSV that COPY takes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from nexus_assets.sources.content import BLOCK
from nexus_assets.sources.export import ExportError

Row = Sequence[str | None]


def csv_blocks(rows: Iterable[Row], location: str) -> Iterator[bytes]:
    """Returns rows as UTF-8 CSV in blocks of some 256 KiB; None becomes an empty cell, which COPY reads as NULL.

    Raises ExportError for what is no text: NUL characters, lone surrogates.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")  # so that the writer quotes a cell with either of the two
    first = record = 1
    for record, row in enumerate(rows, start=1):
        writer.writerow(row if len(row) > 1 else _alone(row))
        if text.tell() >= BLOCK:
            yield _encoded(text.getvalue(), first, record, location)
            text.seek(0)
            text.truncate()
            first = record + 1
    if text.tell():
        yield _encoded(text.getvalue(), first, record, location)


def _alone(row: Row) -> Row:
    """A lone `\\.` in a record of one cell would end COPY, quietly, before PostgreSQL 18; its SQL trims blanks."""
    return tuple(f"{cell} " if cell == "\\." else cell for cell in row)


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
        remedy="Mend it in FileMaker, export again, then run the same command.",
    )

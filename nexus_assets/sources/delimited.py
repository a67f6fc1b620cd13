"""Delimited text (.csv .tab .mer) as an export: its header, its layout, its records."""

from __future__ import annotations

import codecs
import csv
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from nexus_assets.errors import NexusAssetsError
from nexus_assets.sources.columns import checked_list, count_matches, is_header, match_columns, plain_headings
from nexus_assets.sources.content import Content
from nexus_assets.sources.csv_errors import BrokenRecordError, Fault, FaultyRecord, first_fault
from nexus_assets.sources.encoding import Encoding, Utf8Reader, decide_encoding
from nexus_assets.sources.export import CSV, ExportError, OpenExport, ReadFacts, ReadSettings, refused
from nexus_assets.sources.fields import field_list
from nexus_assets.sources.layout import readings
from nexus_assets.sources.normalize_csv import LONGEST_RECORD, NO_QUOTE, QUOTE, Form, canonical
from nexus_assets.sources.rows import csv_blocks

_LINE_END_NAMES = {b"\n": "LF", b"\r": "CR", b"\r\n": "CRLF"}
_DELIMITER_LINE = re.compile(rb'"?sep=([^"\r\n])"?(?:\r\n|\r|\n)', re.IGNORECASE)
"""What Excel reads, and some programs write, above the headings."""

SEARCHED_LINES = 20
"""Lines at the top in which missing headings are looked for."""

_SURELY_WHOLE = (
    "Export or copy it again; if it is whole for certain, put a line end after its last record. "
    "Then run the same command again."
)
_EXPORT_AGAIN = "Export or copy it again, then run the same command."


def open_delimited(
    content: Content, wanted: Sequence[str], optional: Sequence[str], settings: ReadSettings, facts: ReadFacts
) -> OpenExport:
    """Returns the export, its header read. Raises ExportError where the header is not what is wanted."""
    encoding = decide_encoding(content.blocks, settings.encoding, content.location)
    reader = Utf8Reader(encoding, content.location, content.blocks)
    text = reader.read(content.blocks())
    start = next(text, b"")
    named = _DELIMITER_LINE.match(start)
    above = named.end() if named else 0
    delimiter = settings.delimiter or (named[1].decode() if named else None)
    text = _without(itertools.chain((start,), text), above)
    found = readings(text, content.format, delimiter, content.location)
    first = max(found, key=lambda reading: count_matches(plain_headings(reading.cells, wanted), wanted))
    header, skipped = plain_headings(first.cells, wanted), above + first.length
    listed = settings.header or field_list(content.file)
    if listed and not is_header(first.cells, listed, wanted):
        first = next((reading for reading in found if len(reading.cells) == len(listed)), first)
        header, skipped = checked_list(listed, len(first.cells), content.location), above
    positions = match_columns(
        header, wanted, optional, content.location, lambda: _where_the_headings_are(start[above:], first.form, wanted)
    )
    if named:
        facts.remarks.append("its first line, Excel's sep=, names the delimiter")
    facts.encoding, facts.encoding_why = reader.encoding.label, reader.encoding.why
    facts.delimiter, facts.line_end = first.form.delimiter.decode(), _LINE_END_NAMES[first.form.line_end]
    export = _DelimitedExport(content, encoding, first.form, skipped, header, positions, facts)
    export.lines_above += named is not None
    return export.as_excel_wrote_it() or export


def _where_the_headings_are(start: bytes, form: Form, wanted: Sequence[str]) -> str:
    """Where a person should look who finds no headings in the first record."""
    lines = start.decode("utf-8", errors="replace").splitlines()[:SEARCHED_LINES]
    for number, cells in enumerate(csv.reader(lines, delimiter=form.delimiter.decode()), start=1):
        if 2 * count_matches(cells, wanted) >= len(wanted):
            return f"The headings are in record {number}: remove what is above them."
    return ""


class _DelimitedExport(OpenExport):
    def __init__(
        self,
        content: Content,
        encoding: Encoding,
        form: Form,
        skipped: int,
        header: tuple[str, ...],
        positions: dict[str, int],
        facts: ReadFacts,
    ) -> None:
        options = {"delimiter": form.delimiter.decode(), "quote": form.quote.decode()}
        super().__init__(header, positions, options, facts)
        self._content, self._encoding, self._form, self._skipped = content, encoding, form, skipped
        self.lines_above = int(skipped > 0)

    def _records(self) -> Iterator[bytes]:
        reader = Utf8Reader(self._encoding, self._content.location, self._content.blocks)
        text = _without(reader.read(self._content.blocks(self.facts)), self._skipped)
        try:
            records = canonical(text, self._form)
            yield from records if len(self.streamed) == len(self.header) else self._narrowed(records)
        except BrokenRecordError as broken:
            raise self._error(self._first_fault(), broken.fault) from None
        self.facts.encoding, self.facts.encoding_why = reader.encoding.label, reader.encoding.why

    def as_excel_wrote_it(self) -> OpenExport | None:
        """Returns the export with its quotation marks understood, where its tabbed text is Excel's: FileMaker never quotes there.

        Excel doubles the marks inside a cell, and every cell with one is in marks itself: no other text is that by chance.
        """
        if self._form.quote != NO_QUOTE or not any(b'""' in block for block in self._content.blocks()):
            return None
        form = replace(self._form, quote=QUOTE)
        found = _DelimitedExport(
            self._content, self._encoding, form, self._skipped, self.header, self.positions, self.facts
        )
        if found._first_fault() is not None:
            return None
        self.facts.remarks.append("its quotation marks are Excel's")
        return found

    def _narrowed(self, records: Iterator[bytes]) -> Iterator[bytes]:
        """The records of a wide table, with the columns that are read; the csv module takes a tenth of COPY's speed."""
        csv.field_size_limit(2 * LONGEST_RECORD)
        rows = csv.reader(_lines(records, self._form.line_end.decode()), strict=True, quotechar=self._form.quote.decode(),
                          delimiter=self._form.delimiter.decode())  # fmt: skip
        self.copy_options = dict(CSV)
        return csv_blocks(self.selected(self._whole(rows)), self._content.location)

    def _whole(self, rows: Iterable[list[str]]) -> Iterator[list[str]]:
        for row in rows:
            if len(row) != len(self.header):
                raise BrokenRecordError(Fault.COLUMNS)
            yield row

    def explain(self, copy_error_line: int | None, message: str) -> NexusAssetsError:
        found = self._first_fault()
        if found is None:
            at = "" if copy_error_line is None else f" near line {copy_error_line:,} after the header"
            return refused(self._content.location, at, message)
        return self._error(found, found.fault)

    def _first_fault(self) -> FaultyRecord | None:
        text = Utf8Reader(self._encoding, self._content.location, self._content.blocks).read(self._content.blocks())
        quote = None if self._form.quote == NO_QUOTE else self._form.quote
        return first_fault(_without(text, self._skipped), self._form.delimiter, quote, len(self.header))

    def _error(self, found: FaultyRecord | None, fault: Fault) -> ExportError:
        if found is None:
            return ExportError(f"{self._content.location}: a record {fault.value}.", remedy=_EXPORT_AGAIN)
        line = found.line + self.lines_above
        counts = f" ({found.columns} instead of {len(self.header)})" if found.fault is Fault.COLUMNS else ""
        return ExportError(
            f"{self._content.location}: record {found.record:,} (line {line:,}) {found.fault.value}{counts}.",
            remedy=_SURELY_WHOLE if found.fault is Fault.CUT else _EXPORT_AGAIN,
        )


def _lines(blocks: Iterator[bytes], line_end: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    carry = ""
    for block in blocks:
        *lines, carry = (carry + decoder.decode(block)).split(line_end)
        yield from (line + line_end for line in lines)
    if carry:
        yield carry


def _without(text: Iterator[bytes], length: int) -> Iterator[bytes]:
    for block in text:
        if length:
            block, length = block[length:], max(length - len(block), 0)
        if block:
            yield block

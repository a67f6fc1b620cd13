"""Delimited text (.csv .tab .mer) as an export: its header, its layout, its records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nexus_assets.errors import NexusAssetsError
from nexus_assets.sources.columns import checked_list, count_matches, is_header, match_columns
from nexus_assets.sources.content import Content
from nexus_assets.sources.csv_errors import BrokenRecordError, Fault, FaultyRecord, first_fault
from nexus_assets.sources.encoding import Encoding, Utf8Reader, decide_encoding
from nexus_assets.sources.export import ExportError, OpenExport, ReadFacts, ReadSettings, refused
from nexus_assets.sources.fields import field_list
from nexus_assets.sources.layout import readings
from nexus_assets.sources.normalize_csv import NO_QUOTE, Form, canonical

_LINE_END_NAMES = {b"\n": "LF", b"\r": "CR", b"\r\n": "CRLF"}
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
    found = readings(reader.read(content.blocks()), content.format, settings.delimiter, content.location)
    first = max(found, key=lambda reading: count_matches(reading.cells, wanted))
    header, skipped = first.cells, first.length
    listed = settings.header or field_list(content.file)
    if listed and not is_header(first.cells, listed, wanted):
        first = next((reading for reading in found if len(reading.cells) == len(listed)), first)
        header, skipped = checked_list(listed, len(first.cells), content.location), 0
    positions = match_columns(header, wanted, optional, content.location)
    facts.encoding, facts.encoding_why = reader.encoding.label, reader.encoding.why
    facts.delimiter, facts.line_end = first.form.delimiter.decode(), _LINE_END_NAMES[first.form.line_end]
    return _DelimitedExport(content, encoding, first.form, skipped, header, positions, facts)


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

    def _records(self) -> Iterator[bytes]:
        reader = Utf8Reader(self._encoding, self._content.location, self._content.blocks)
        text = reader.read(self._content.blocks(self.facts))
        try:
            yield from canonical(_without(text, self._skipped), self._form)
        except BrokenRecordError as broken:
            raise self._error(self._first_fault(), broken.fault) from None
        self.facts.encoding, self.facts.encoding_why = reader.encoding.label, reader.encoding.why

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
        line = found.line + (self._skipped > 0)
        counts = f" ({found.columns} instead of {len(self.header)})" if found.fault is Fault.COLUMNS else ""
        return ExportError(
            f"{self._content.location}: record {found.record:,} (line {line:,}) {found.fault.value}{counts}.",
            remedy=_SURELY_WHOLE if found.fault is Fault.CUT else _EXPORT_AGAIN,
        )


def _without(text: Iterator[bytes], length: int) -> Iterator[bytes]:
    for block in text:
        if length:
            block, length = block[length:], max(length - len(block), 0)
        if block:
            yield block

"""FileMaker's XML (FMPXMLRESULT) as an export: streamed, and held to what it states about itself.

The grammar is in Claris' help under "XML FMPXMLRESULT grammar". Values of DATE, TIME and TIMESTAMP fields become
canonical text by the formats that the file states.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence

from nexus_assets.sources import quotable
from nexus_assets.sources.columns import match_columns, plain_headings
from nexus_assets.sources.content import Content, head
from nexus_assets.sources.datetimes import CONVERTERS, ContradictionError, Converter
from nexus_assets.sources.encoding import Encoding, Utf8Reader, decide_encoding
from nexus_assets.sources.export import CSV, ExportError, OpenExport, ReadFacts, ReadSettings, Row
from nexus_assets.sources.fmpgrammar import GrammarError, Skeleton, parse_rows
from nexus_assets.sources.rows import csv_blocks

LONGEST_ROW = 1 << 26

_EXPORT_AGAIN = "Export it again from FileMaker, then run the same command."
_DECLARED = re.compile(rb"""<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)["']""")
_ROW = re.compile(r"<ROW[\s>/]")
_ROW_END = "</ROW>"


def open_fmpxml(
    content: Content, wanted: Sequence[str], optional: Sequence[str], settings: ReadSettings, facts: ReadFacts
) -> OpenExport:
    """Returns the export, read up to its first rows. Raises ExportError where it is no FMPXMLRESULT or lacks a column."""
    encoding = _encoding(content, settings)
    reader = _Reader(content, encoding)
    next(reader.rows(content.blocks()), None)
    stated = reader.skeleton
    header = plain_headings(stated.fields, wanted)
    positions = match_columns(header, wanted, optional, content.location)
    facts.encoding, facts.encoding_why = encoding.label, encoding.why
    facts.date_format, facts.time_format = map(quotable.stated_format, (stated.date_format, stated.time_format))
    facts.stated_records, facts.table_records = stated.found, stated.records
    if stated.found is not None and stated.records is not None and stated.found < stated.records:
        facts.remarks.append(f"a found set: {stated.found:,} of the {stated.records:,} records of its table")
    return _FmpXml(content, encoding, header, positions, facts)


class _FmpXml(OpenExport):
    def __init__(
        self, content: Content, encoding: Encoding, header: tuple[str, ...], positions: dict[str, int], facts: ReadFacts
    ) -> None:
        super().__init__(header, positions, dict(CSV), facts)
        self._content, self._encoding = content, encoding

    def _records(self) -> Iterator[bytes]:
        reader = _Reader(self._content, self._encoding)
        yield from csv_blocks(self.selected(reader.rows(self._content.blocks(self.facts))), self._content.location)
        self.facts.encoding, self.facts.encoding_why = reader.text.encoding.label, reader.text.encoding.why


class _Reader:
    """Turns blocks of XML into rows of text."""

    def __init__(self, content: Content, encoding: Encoding) -> None:
        self.text = Utf8Reader(encoding, content.location, content.blocks)
        self.skeleton = Skeleton()
        self._location = content.location

    def rows(self, blocks: Iterator[bytes]) -> Iterator[Row]:
        """Returns the rows. Raises ExportError where the XML breaks off, or is not what it states to be."""
        count = 0
        try:
            converters = None
            for rows in self._chunks(blocks):
                if converters is None:
                    converters = self._converters()
                for row in rows:
                    count += 1
                    self._check_length(row, count)
                    yield self._converted(row, converters, count) if converters else row
        except GrammarError as error:
            place = f" (after record {count:,})" if count else ""
            raise ExportError(f"{self._location} {error}{place}.", remedy=_EXPORT_AGAIN) from None
        if count != self.skeleton.found:
            stated = (
                "does not state its number of" if self.skeleton.found is None else f"states {self.skeleton.found:,}"
            )
            raise ExportError(f"{self._location} {stated} records and holds {count:,}.", remedy=_EXPORT_AGAIN)

    def _chunks(self, blocks: Iterator[bytes]) -> Iterator[list[Row]]:
        """Returns rows, a block's worth at a time; what surrounds them goes to the skeleton."""
        carry, before_rows, after_rows = "", True, False
        decoder = codecs.getincrementaldecoder("utf-8")()
        for block in self.text.read(blocks):
            text = carry + decoder.decode(block)
            if before_rows:
                first = _ROW.search(text)
                cut = first.start() if first else max(len(text) - len("<ROW "), 0)
                self.skeleton.feed(text[:cut])
                text, before_rows = text[cut:], first is None
            if not before_rows and not after_rows:
                end = text.rfind(_ROW_END) + len(_ROW_END)
                if end >= len(_ROW_END):
                    yield parse_rows(text[:end])
                    text = text[end:]
                after_rows = "</RESULTSET" in text
            if after_rows:
                self.skeleton.feed(text)
                text = ""
            carry = text
            if len(carry) > LONGEST_ROW:
                raise GrammarError("has a record that is longer than 64 MiB")
        if not before_rows and not after_rows:
            raise GrammarError("is cut: its XML has no end")
        self.skeleton.feed(carry, final=True)

    def _check_length(self, row: Row, record: int) -> None:
        if len(row) != len(self.skeleton.fields):
            raise ExportError(
                f"{self._location}: record {record:,} has {len(row)} columns where the file states "
                f"{len(self.skeleton.fields)}.",
                remedy=_EXPORT_AGAIN,
            )

    def _converters(self) -> list[tuple[int, Converter]]:
        formats = self.skeleton.date_format, self.skeleton.time_format
        return [(at, CONVERTERS[kind](*formats)) for at, kind in enumerate(self.skeleton.types) if kind in CONVERTERS]

    def _converted(self, row: Row, converters: list[tuple[int, Converter]], record: int) -> Row:
        cells = list(row)
        for at, convert in converters:
            if cell := cells[at]:
                try:
                    cells[at] = convert(cell)
                except ContradictionError:
                    raise ExportError(
                        f"{self._location}: record {record:,} has a date in {quotable.column(self.skeleton.fields, at)} "
                        "that is none in the order that the file states "
                        f"({quotable.stated_format(self.skeleton.date_format)}).",
                        remedy="Export it again on the computer whose date format its data follow.",
                    ) from None
        return cells


def _encoding(content: Content, settings: ReadSettings) -> Encoding:
    if settings.encoding is None:
        declared = _DECLARED.match(head(content.blocks()))
        if declared is not None:
            name = declared[1].decode("ascii", errors="replace")
            found = decide_encoding(content.blocks, name, content.location, is_declared=True)
            return Encoding(found.codec, "declared in its first line", bom=found.bom)
    return decide_encoding(content.blocks, settings.encoding, content.location)

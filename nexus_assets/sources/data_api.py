"""A layout of a hosted FileMaker database as an export, read page by page through the Data API.

Somebody may be working in the database meanwhile. Each page begins with the last record of the page before: where
that is another record now, something before it came or went, and a record may have been missed or seen twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

from nexus_assets.sources import quotable
from nexus_assets.sources.columns import match_columns, plain_headings
from nexus_assets.sources.data_api_session import NO_LAYOUT, NO_RECORDS, FileMakerServer, RefusedError, Session
from nexus_assets.sources.datetimes import CONVERTERS, ContradictionError, Converter
from nexus_assets.sources.export import CSV, ExportError, OpenExport, ReadFacts, Row
from nexus_assets.sources.rows import csv_blocks
from nexus_assets.wire import shown_address

GROUP_SEPARATOR = "\x1d"
US_DATES, TIMES = "MM/dd/yyyy", "kk:mm:ss"  # whatever the locale of server and file

_RUN_AGAIN = "Run the same command again, best when nobody changes these records in FileMaker."


@dataclass(frozen=True)
class HostedLayout:
    """A layout that stands for an export, as of now; nothing of it has been read yet."""

    server: FileMakerServer
    name: str  # the layout's
    modified: datetime
    passed_over: tuple[str, ...] = ()
    size: int = 0  # that nobody knows before it is read

    @property
    def location(self) -> str:
        """For people: the layout and where it is."""
        return f"{self.described} on {shown_address(self.server.url)}"

    @property
    def described(self) -> str:
        """The layout and its database."""
        return f"the layout {self.name!r} of {self.server.database}"

    def content_hash(self) -> str:
        """The SHA-256 of all its records as they are now, which means reading them. Raises ExportError."""
        opened = open_layout(self, wanted=())
        for _ in opened.blocks():
            pass
        return opened.facts.sha256


def find_layout(server: FileMakerServer, name: str, *, required: bool = True) -> HostedLayout | None:
    """Returns the layout that stands for the export `name`; None where there is none of its name and none is required.

    Raises ExportError where the server can't be asked.
    """
    found = HostedLayout(server, server.layouts.get(name, name), datetime.now(timezone.utc))
    if not required:
        try:
            _fields(found)
        except RefusedError as error:
            if error.code == NO_LAYOUT:
                return None
            raise
    return found


def open_layout(found: HostedLayout, *, wanted: Sequence[str], optional: Sequence[str] = ()) -> OpenExport:
    """Returns the layout's records as an export; containers are left out, only their names would come anyway.

    Raises ExportError where the server can't be asked, or the layout lacks a field.
    """
    fields = _fields(found)
    header = plain_headings([field.name for field in fields], wanted)
    positions = match_columns(header, wanted, optional, found.location)
    facts = ReadFacts(found.location, "data api", encoding="UTF-8", encoding_why="the protocol's", date_format=US_DATES)
    return _Layout(found.server, found.name, fields, header, positions, facts)


def _fields(found: HostedLayout) -> tuple[_Field, ...]:
    with Session(found.server) as session:
        described = session.get(_path(found.name)).get("fieldMetaData") or []
    return tuple(_field(each) for each in described if each.get("result") != "container")


@dataclass(frozen=True)
class _Field:
    name: str
    repetitions: int
    convert: Converter | None


def _field(described: Mapping[str, Any]) -> _Field:
    make = CONVERTERS.get(str(described.get("result", "")).upper())
    return _Field(str(described["name"]), int(described.get("maxRepeat") or 1), make and make(US_DATES, TIMES))


class _Layout(OpenExport):
    def __init__(
        self,
        server: FileMakerServer,
        layout: str,
        fields: tuple[_Field, ...],
        header: tuple[str, ...],
        positions: dict[str, int],
        facts: ReadFacts,
    ) -> None:
        super().__init__(header, positions, dict(CSV), facts)
        self._server, self._layout, self._fields = server, layout, fields

    def _records(self) -> Iterator[bytes]:
        digest = hashlib.sha256()  # of the records: there is no file
        with Session(self._server) as session:
            for block in csv_blocks(self.selected(self._rows(session)), self.facts.location):
                digest.update(block)
                self.facts.size += len(block)
                yield block
        self.facts.sha256 = digest.hexdigest()

    def _rows(self, session: Session) -> Iterator[Row]:
        count = 0
        for record in self._each_record(session):
            count += 1
            yield [self._cell(record["fieldData"], field, count) for field in self._fields]
        self.facts.stated_records = count

    def _each_record(self, session: Session) -> Iterator[Mapping[str, Any]]:
        read, last = 0, None
        while True:
            overlap = int(last is not None)
            data, found = self._page(session, first=read + 1 - overlap, size=self._server.page + overlap)
            if last is not None:
                if not data or data[0]["recordId"] != last:
                    raise self._changed(read)
                data = data[1:]
            if not data and read < found:
                raise self._changed(read)
            yield from data
            read += len(data)
            if read >= found:
                return
            last = data[-1]["recordId"]

    def _page(self, session: Session, first: int, size: int) -> tuple[list[Mapping[str, Any]], int]:
        parameters = {"_offset": str(first), "_limit": str(size)}
        try:
            answer = session.get(f"{_path(self._layout)}/records", parameters)
        except RefusedError as error:
            if error.code not in NO_RECORDS:
                raise
            if first > 1:
                raise self._changed(first) from None
            return [], 0
        found = answer.get("dataInfo", {}).get("foundCount")
        if found is None:
            raise ExportError(
                f"{self.facts.location}: the server does not say how many records there are.",
                remedy="Its Data API needs FileMaker Server 18 or later.",
            )
        return list(answer.get("data") or []), int(found)

    def _cell(self, data: Mapping[str, Any], field: _Field, record: int) -> str | None:
        names = [field.name]
        if field.repetitions > 1 and field.name not in data:
            names = [f"{field.name}({number})" for number in range(1, field.repetitions + 1)]
            names = [name for name in names if name in data] or names[:1]
        try:
            texts = ["" if data[name] is None else str(data[name]) for name in names]
            if field.convert is not None:
                texts = [field.convert(text) for text in texts]
        except KeyError:
            raise ExportError(
                f"{self.facts.location}: record {record:,} has no field {self._named(field)}.", remedy=_RUN_AGAIN
            ) from None
        except ContradictionError:
            raise ExportError(
                f"{self.facts.location}: record {record:,} has a date in {self._named(field)} that is none in the order "
                f"month, day, year, which the Data API writes.",
                remedy="Look at this field in FileMaker: it must be a date field.",
            ) from None
        return GROUP_SEPARATOR.join(texts) or None

    def _named(self, field: _Field) -> str:
        return quotable.column(self.header, self._fields.index(field))

    def _changed(self, record: int) -> ExportError:
        return ExportError(
            f"{self.facts.location} was changed while it was read, around record {record:,}.", remedy=_RUN_AGAIN
        )


def _path(layout: str) -> str:
    return f"/layouts/{quote(layout, safe='')}"

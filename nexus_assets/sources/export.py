"""What every reader of an export shares: its settings, what it has to say of itself, and its face to the loader."""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from nexus_assets.errors import NexusAssetsError
from nexus_assets.sources.quotable import is_quotable


class ExportError(NexusAssetsError):
    """An export that is missing, unreadable or not what it should be."""


Row = Sequence[str | None]

WIDE = 200
"""Columns up to which a table is streamed whole. A row of PostgreSQL holds at most 1,600, and long texts in half as many."""


@contextmanager
def unquoted(location: str) -> Iterator[None]:
    """Keeps the text of an error that no reader foresaw out of sight, as it may quote the file; states where it arose."""
    try:
        yield
    except NexusAssetsError:
        raise
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        raise ExportError(
            f"{location} could not be read: {type(error).__name__} in {Path(at.filename).name}, line {at.lineno}.",
            remedy="Export it again, in another format where that does not help, then run the same command.",
        ) from None


@dataclass(frozen=True)
class ReadSettings:
    """What a person knows better than the file shows; None leaves it to the evidence."""

    encoding: str | None = None
    delimiter: str | None = None
    header: tuple[str, ...] | None = None


@dataclass
class ReadFacts:
    """How a file was read and why, for metadata: no cell's content, ever. Complete once the database has read `blocks()`."""

    location: str
    format: str
    encoding: str = ""
    encoding_why: str = ""
    delimiter: str = ""
    line_end: str = ""
    columns_used: tuple[str, ...] = ()
    columns_unused: tuple[str, ...] = ()  # those whose headings may be quoted; of the others the number
    columns_unnamed: int = 0
    passed_over: tuple[str, ...] = ()
    rows: int = 0  # that the database took
    stated_records: int | None = None  # where the format states it; equal to what was read, or the read fails
    table_records: int | None = None  # in the table it was exported from: more than those above means a found set
    date_format: str = ""  # FMPXMLRESULT states how its dates and times are written
    time_format: str = ""
    date_system: str = ""  # of a workbook: the year from which the days count that no format shows as dates
    sha256: str = ""  # of the bytes as they are in the folder or the bucket
    size: int = 0
    remarks: list[str] = field(default_factory=list)


class OpenExport(ABC):
    """An export whose header has been read and whose records wait to be streamed to `COPY … (FORMAT csv)`.

    `positions` are the indices of the headings that are read, `streamed` those of the columns that the records hold, in order.
    """

    header: tuple[str, ...]
    streamed: Sequence[int]
    positions: dict[str, int]
    copy_options: dict[str, str]
    facts: ReadFacts
    watch: Callable[[int], None] | None = None  # is told with every block how many records it ends

    def __init__(
        self, header: tuple[str, ...], positions: dict[str, int], copy_options: dict[str, str], facts: ReadFacts
    ) -> None:
        self.header, self.positions, self.copy_options, self.facts = header, positions, copy_options, facts
        self.streamed = sorted({*positions.values()}) if len(header) > WIDE else range(len(header))
        self._streamed = False
        self.name_columns(())

    def name_columns(self, seen: Collection[str]) -> None:
        """Has the facts name the columns that may be quoted; `seen` holds the fingerprints of the last load's headings."""
        used = {*self.positions.values()}
        self.facts.columns_used = tuple(heading for at, heading in enumerate(self.header) if at in used)
        unused = [heading for at, heading in enumerate(self.header) if at not in used]
        self.facts.columns_unused = tuple(heading for heading in unused if is_quotable(heading, seen))
        self.facts.columns_unnamed = len(unused) - len(self.facts.columns_unused)

    @final
    def selected(self, rows: Iterable[Row]) -> Iterable[Row]:
        """Returns the rows with the columns that are streamed: all, or of a wide table those that are read."""
        if len(self.streamed) == len(self.header):
            return rows
        return ([row[at] for at in self.streamed] for row in rows)

    @final
    def blocks(self) -> Iterator[bytes]:
        """Returns the records, without the header, as UTF-8 blocks of some 256 KiB in bounded memory; once only.

        An empty cell is nothing, or `""` where the file has it so: COPY makes NULL of the first, '' of the second.
        Raises ExportError, possibly in the middle, where the file turns out not to be whole and sound: load nothing then.
        """
        if self._streamed:
            raise RuntimeError("blocks() of an export can be read once; open it again")
        self._streamed = True
        return self._sound() if self.watch is None else self._watched(self._sound(), self.watch)

    def _sound(self) -> Iterator[bytes]:
        with unquoted(self.facts.location):
            yield from filter(None, self._records())  # an empty block would tell the driver that the data end here

    def _watched(self, blocks: Iterator[bytes], watch: Callable[[int], None]) -> Iterator[bytes]:
        quote, inside = self.copy_options["quote"].encode(), False
        for block in blocks:
            pieces = block.split(quote)
            outside = b"".join(pieces[int(inside) :: 2])
            inside ^= len(pieces) % 2 == 0
            watch(max(outside.count(b"\n"), outside.count(b"\r")))
            yield block

    @abstractmethod
    def _records(self) -> Iterator[bytes]: ...

    def explain(self, copy_error_line: int | None, message: str) -> NexusAssetsError:
        """Returns, where COPY refused a record, an error that names it: its number, its columns, what was expected.

        May read the file again. `message` is COPY's own one; it may quote cells, so none of it is passed on.
        """
        at = "" if copy_error_line is None else f" at or before {self._place(copy_error_line)}"
        return refused(self.facts.location, at, message)

    def _place(self, record: int) -> str:
        return f"record {record:,}"


CSV = {"delimiter": ",", "quote": '"'}


def separated_otherwise(location: str, mark: str) -> ExportError:
    """Returns the error for a text whose cells are separated by a character that no export of FileMaker has."""
    line = f", or put the line sep={mark} above its headings" if mark.isascii() and mark.isprintable() else ""
    return ExportError(
        f"{location} has its cells separated by {mark!r}.",
        remedy=f"Export it from FileMaker as .csv, .tab, .mer or .xlsx{line}.",
    )


def refused(location: str, at: str, message: str) -> ExportError:
    """Returns the error for a record that COPY refuses though nothing is wrong with its form."""
    known = next((words for words in _COPY_SAYS if words in message), "")
    return ExportError(
        f"{location} was refused by the database{at}{': ' + known if known else ''}.",
        remedy="Export or copy it again, then run the same command.",
    )


# What PostgreSQL says of a record without quoting it (law 6).
_COPY_SAYS = (
    "extra data after last expected column",
    "missing data for column",
    "unterminated CSV quoted field",
    "invalid byte sequence",
    "out of memory",
    "unquoted carriage return",
    "unquoted newline",
)

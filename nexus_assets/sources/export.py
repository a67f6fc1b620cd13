"""What every reader of an export shares: its settings, what it has to say of itself, and its face to the loader."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import final

from nexus_assets.errors import NexusAssetsError


class ExportError(NexusAssetsError):
    """An export that is missing, unreadable or not what it should be."""


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
    columns_unused: tuple[str, ...] = ()
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
    """An export whose header has been read and whose records wait to be streamed to `COPY … (FORMAT csv)`."""

    header: tuple[str, ...]
    positions: dict[str, int]
    copy_options: dict[str, str]
    facts: ReadFacts
    watch: Callable[[int], None] | None = None  # is told with every block how many records it ends

    def __init__(
        self, header: tuple[str, ...], positions: dict[str, int], copy_options: dict[str, str], facts: ReadFacts
    ) -> None:
        self.header, self.positions, self.copy_options, self.facts = header, positions, copy_options, facts
        used = set(positions.values())
        facts.columns_used = tuple(heading for at, heading in enumerate(header) if at in used)
        facts.columns_unused = tuple(heading for at, heading in enumerate(header) if at not in used)
        self._streamed = False

    @final
    def blocks(self) -> Iterator[bytes]:
        """Returns the records, without the header, as UTF-8 blocks of some 256 KiB in bounded memory; once only.

        An empty cell is nothing, or `""` where the file has it so: COPY makes NULL of the first, '' of the second.
        Raises ExportError, possibly in the middle, where the file turns out not to be whole and sound: load nothing then.
        """
        if self._streamed:
            raise RuntimeError("blocks() of an export can be read once; open it again")
        self._streamed = True
        records = filter(None, self._records())  # an empty block would tell the driver that the data end here
        return records if self.watch is None else self._watched(records, self.watch)

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

    @abstractmethod
    def explain(self, copy_error_line: int | None, message: str) -> NexusAssetsError:
        """Returns, where COPY refused a record, an error that names it: its number, its columns, what was expected.

        Reads the file again. `message` is COPY's own one; it may quote cells, so none of it is passed on.
        """


CSV = {"delimiter": ",", "quote": '"'}


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

"""Where a file's bytes are: in a folder or a bucket. Opened as often as wanted, and asked if it is still the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from nexus_assets.sources.export import ExportError
from nexus_assets.sources.s3_causes import PageError, cause_of


@dataclass(frozen=True)
class Stamp:
    """What tells one content of a file from the next without reading it."""

    size: int
    modified: datetime
    tag: str = ""  # S3's ETag


class Place(Protocol):
    """A file's bytes, wherever they are."""

    @property
    def location(self) -> str:
        """The path or s3:// URL, for people."""

    @property
    def name(self) -> str:
        """The file name alone."""

    def stamp(self) -> Stamp:
        """Returns size and age as they are now. Raises ExportError where the file has gone."""

    def open(self) -> BinaryIO:
        """Returns the bytes, from the first one, seekable; the caller closes it."""


@dataclass(frozen=True)
class LocalPlace:
    """A file of a folder."""

    path: Path

    @property
    def location(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        return self.path.name

    def stamp(self) -> Stamp:
        with explained(self.location):
            found = self.path.stat()
        return Stamp(found.st_size, datetime.fromtimestamp(found.st_mtime, timezone.utc), str(found.st_mtime_ns))

    def open(self) -> BinaryIO:
        with explained(self.location):
            return self.path.open("rb", buffering=0)  # read in large blocks: a buffer would only copy


def changed(location: str) -> ExportError:
    """Returns the error for a file that is another one now than when it was found."""
    return ExportError(
        f"{location} changed while it was read.",
        remedy="Wait until FileMaker or the copy has finished writing it, then run the same command again.",
    )


@contextmanager
def explained(location: str) -> Iterator[None]:
    """Turns what goes wrong with a file or an object into an ExportError that says so."""
    try:
        yield
    except FileNotFoundError:
        raise ExportError(f"{location} is gone.", remedy="Export it again, then run the same command.") from None
    except OSError as error:
        raise ExportError(
            f"{location} can't be opened: {error.strerror}.", remedy="Check that this user may read it."
        ) from None
    except (BotoCoreError, ClientError, PageError) as error:
        code = str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))
        if code in ("412", "PreconditionFailed"):
            raise changed(location) from None
        if code in ("404", "NoSuchKey"):
            raise ExportError(f"{location} is gone.", remedy="Export it again, then run the same command.") from None
        cause = cause_of(error)
        raise ExportError(
            f"{location} can't be read: its bucket {cause.problem}.", remedy=cause.remedy, transient=cause.transient
        ) from None

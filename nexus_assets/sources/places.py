"""Where a file's bytes are: in a folder or a bucket. Opened as often as wanted, and asked if it is still the same."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from botocore.exceptions import BotoCoreError, ClientError

from nexus_assets.sources.export import ExportError

S3_TRIES = 4  # a connection that breaks in the middle of a large object is taken up where it broke


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
        with _explained(self.location):
            found = self.path.stat()
        return Stamp(found.st_size, datetime.fromtimestamp(found.st_mtime, timezone.utc), str(found.st_mtime_ns))

    def open(self) -> BinaryIO:
        with _explained(self.location):
            return self.path.open("rb", buffering=0)  # read in large blocks: a buffer would only copy


@dataclass(frozen=True)
class S3Place:
    """An object of a bucket."""

    client: Any  # a boto3 S3 client: it has no published types
    bucket: str
    key: str

    @property
    def location(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def name(self) -> str:
        return self.key.rsplit("/", 1)[-1]

    def stamp(self) -> Stamp:
        with _explained(self.location):
            head = self.client.head_object(Bucket=self.bucket, Key=self.key)
        return Stamp(head["ContentLength"], head["LastModified"], head["ETag"])

    def open(self) -> BinaryIO:
        return cast(BinaryIO, _S3Reader(self, self.stamp()))


class _S3Reader(io.RawIOBase):
    """One object as a seekable file: a single request while it is read in order, a new one after a jump or a break."""

    def __init__(self, place: S3Place, stamp: Stamp) -> None:
        self._place, self._stamp = place, stamp
        self._position = 0
        self._body: Any = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._stamp.size}[whence]
        if base + offset != self._position:
            self._drop()
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int | None = -1) -> bytes:
        wanted = self._stamp.size - self._position if size is None or size < 0 else size
        if wanted <= 0 or self._position >= self._stamp.size:
            return b""
        for attempt in range(1, S3_TRIES + 1):
            try:
                data = cast(bytes, self._stream().read(wanted))
                break
            except (BotoCoreError, OSError) as error:
                self._drop()
                if attempt == S3_TRIES:
                    raise ExportError(
                        f"{self._place.location}: the connection broke {S3_TRIES} times at byte {self._position:,}.",
                        remedy="Nothing was loaded; run the same command again.",
                    ) from error
        self._position += len(data)
        return data

    def close(self) -> None:
        self._drop()
        super().close()

    def _stream(self) -> Any:
        if self._body is None:
            with _explained(self._place.location):
                answer = self._place.client.get_object(
                    Bucket=self._place.bucket,
                    Key=self._place.key,
                    Range=f"bytes={self._position}-",
                    IfMatch=self._stamp.tag,
                )
            if answer["ETag"] != self._stamp.tag:
                raise changed(self._place.location)
            self._body = answer["Body"]
        return self._body

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None


def changed(location: str) -> ExportError:
    """Returns the error for a file that is another one now than when it was found."""
    return ExportError(
        f"{location} changed while it was read.",
        remedy="Wait until FileMaker or the copy has finished writing it, then run the same command again.",
    )


@contextmanager
def _explained(location: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ExportError(f"{location} is gone.", remedy="Export it again, then run the same command.") from error
    except OSError as error:
        raise ExportError(
            f"{location} can't be opened: {error.strerror}.", remedy="Check that this user may read it."
        ) from error
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "unknown"))
        if code in ("412", "PreconditionFailed"):
            raise changed(location) from error
        raise ExportError(
            f"{location} can't be read: S3 answers {code}.",
            remedy="Check the bucket, its credentials and the setting NEXUS_EXPORTS.",
        ) from error
    except BotoCoreError as error:
        raise ExportError(
            f"{location} can't be reached ({type(error).__name__}).",
            remedy="Check the endpoint and the credentials of the bucket.",
        ) from error

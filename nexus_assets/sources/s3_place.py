"""An export in a bucket, read like a file: in one request while it is read in order, taken up again where that breaks."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from botocore.exceptions import BotoCoreError

from nexus_assets.sources import s3_pages
from nexus_assets.sources.export import ExportError
from nexus_assets.sources.locations import Stamp, changed, explained
from nexus_assets.sources.s3_causes import CAPTIVE_PORTAL, CUT_OFF, PageError

TRIES = 4

SLOWEST = 32 * 1024
"""Bytes a second: a download that is slower on the whole, after PAGE_SECONDS, is given up. A byte now and then never runs into a
read timeout."""


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
        with explained(self.location):
            head = s3_pages.within(
                s3_pages.PAGE_SECONDS, lambda: self.client.head_object(Bucket=self.bucket, Key=self.key)
            )
            if not head.keys() >= {"ContentLength", "LastModified", "ETag"}:
                raise PageError(CAPTIVE_PORTAL)
        return Stamp(head["ContentLength"], head["LastModified"], head["ETag"])

    def open(self) -> BinaryIO:
        return cast(BinaryIO, _S3Reader(self, self.stamp()))


class _S3Reader(io.RawIOBase):
    """One object as a seekable file: a single request while it is read in order, a new one after a jump or a break."""

    def __init__(self, place: S3Place, stamp: Stamp) -> None:
        self._place, self._stamp = place, stamp
        self._position = 0
        self._body: Any = None
        self._seconds_left = float(s3_pages.PAGE_SECONDS)

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
        for attempt in range(1, TRIES + 1):
            try:
                data = self._in_time(lambda: cast(bytes, self._stream().read(wanted)), wanted)
                if data:
                    break
                self._drop()  # the answer ended before the object does
            except (BotoCoreError, OSError):
                self._drop()
            if attempt == TRIES:
                raise ExportError(
                    f"{self._place.location}: the connection broke {TRIES} times at byte {self._position:,}.",
                    remedy="Nothing was loaded; run the same command again.",
                    transient=True,
                )
        self._position += len(data)
        return data

    def _in_time(self, read: Callable[[], bytes], wanted: int) -> bytes:
        """What it reads, where this object's reads together are not slower than they may be. Raises ExportError."""
        began = time.monotonic()
        try:
            data = cast(bytes, s3_pages.within(max(self._seconds_left, 0) + wanted / SLOWEST, read))
        except PageError:
            self._body = None  # still read in a thread of its own: closing it here would wait for that
            with explained(self._place.location):
                raise
        finally:
            self._seconds_left -= time.monotonic() - began
        self._seconds_left = min(self._seconds_left + len(data) / SLOWEST, s3_pages.PAGE_SECONDS)
        return data

    def close(self) -> None:
        self._drop()
        super().close()

    def _stream(self) -> Any:
        if self._body is None:
            with explained(self._place.location):
                answer = self._place.client.get_object(
                    Bucket=self._place.bucket,
                    Key=self._place.key,
                    Range=f"bytes={self._position}-",
                    IfMatch=self._stamp.tag,
                )
                self._body = answer["Body"]
                if "ETag" not in answer:
                    raise PageError(CAPTIVE_PORTAL)
                if self._position and not answer.get("ContentRange", "").startswith(f"bytes {self._position}-"):
                    raise PageError(CUT_OFF)  # a server or proxy that knows no ranges begins again
            if answer["ETag"] != self._stamp.tag:
                raise changed(self._place.location)
        return self._body

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None

"""An export in a bucket, read like a file: in one request while it is read in order, taken up again where that breaks."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from botocore.exceptions import BotoCoreError

from nexus_assets.sources.export import ExportError
from nexus_assets.sources.locations import Stamp, changed, explained

TRIES = 4


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
        for attempt in range(1, TRIES + 1):
            try:
                data = cast(bytes, self._stream().read(wanted))
                break
            except (BotoCoreError, OSError):
                self._drop()
                if attempt == TRIES:
                    raise ExportError(
                        f"{self._place.location}: the connection broke {TRIES} times at byte {self._position:,}.",
                        remedy="Nothing was loaded; run the same command again.",
                        transient=True,
                    ) from None
        self._position += len(data)
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
            if answer["ETag"] != self._stamp.tag:
                raise changed(self._place.location)
            self._body = answer["Body"]
        return self._body

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None

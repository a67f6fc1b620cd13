"""Temporary files without a name: the system removes them with the process, however that ends."""

from __future__ import annotations

import errno
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from nexus_assets.errors import NexusAssetsError

FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def room() -> Iterator[None]:
    """While something is written to the temporary folder: says what to do where that has no room, or can't be written to.

    Raises NexusAssetsError in place of OSError.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (*FULL, errno.EACCES, errno.EROFS, errno.ENOENT):
            raise
        try:
            folder = tempfile.gettempdir()
        except FileNotFoundError:  # none of the usual ones can be written to
            folder = os.environ.get("TMPDIR", "/tmp")
        what = "is full" if error.errno in FULL else "can't be written to"
        raise NexusAssetsError(
            f"The temporary folder {folder} {what}.",
            remedy="Nothing was written to Nexus. Free some space, or set TMPDIR to a folder that has it, and run the command again.",
        ) from None


class _Reader(io.RawIOBase):
    """Reads a file from its beginning, whatever others read of it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = os.pread(self._file.fileno(), len(buffer), self._position)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def reader(file: IO[bytes]) -> io.BufferedReader:
    """A new reader of a whole temporary file; any number may read at the same time."""
    return io.BufferedReader(_Reader(file))

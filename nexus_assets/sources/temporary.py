"""Temporary files without a name: the system removes them with the process, however that ends."""

from __future__ import annotations

import io
import os
from typing import IO, Any


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

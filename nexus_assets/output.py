"""What a command prints to: a reader that has gone, a full disk or a poor encoding does not end what the command is doing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any


class Output:
    """A stream that takes everything. `error` is why it could not write the rest, if it could not."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.error: OSError | None = None
        with suppress(AttributeError):
            stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        self._try(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def _try(self, function: Callable[..., object], *arguments: str) -> None:
        if self.error is not None:
            return
        try:
            function(*arguments)
        except OSError as error:
            self.error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def take_over() -> None:
    """From here on everything is printed through an Output, also by libraries. A stream that was closed stays so."""
    for name in ("stdout", "stderr"):
        if (stream := getattr(sys, name)) is not None:
            setattr(sys, name, Output(stream))


def lost() -> str:
    """Why a part of what was printed could not be written; empty where all was, or whoever read it wanted no more."""
    if sys.stdout is None:
        return ""
    sys.stdout.flush()
    error = getattr(sys.stdout, "error", None)
    return "" if error is None or isinstance(error, BrokenPipeError) else str(error.strerror)

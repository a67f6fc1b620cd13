"""Writing to disk: a folder without room is one sentence, and a file that a person asked for is there whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from nexus_assets.errors import NexusAssetsError

FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_ROOM = (*FULL, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EFBIG, errno.ENAMETOOLONG)


@contextmanager
def room(folder: Path | None = None, remedy: str = "") -> Iterator[None]:
    """While something is written to a folder, the temporary one if none is named: says so where that has no room, or can't be
    written to. Raises NexusAssetsError in place of OSError."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        what = "is full" if error.errno in FULL else f"can't be written to: {error.strerror}"
        named = f"The temporary folder {_temporary()}" if folder is None else f"The folder {folder}"
        raise NexusAssetsError(
            f"{named} {what}.",
            remedy=remedy
            or "Nothing was written to Nexus. Free some space, or set TMPDIR to a folder that has it, and run the"
            " command again.",
        ) from None


def _temporary() -> str:
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:  # none of the usual ones can be written to
        return os.environ.get("TMPDIR", "/tmp")


@contextmanager
def whole_file(file: Path, *, remedy: str = "", mode: int = 0o600, replaces: bool = True) -> Iterator[IO[bytes]]:
    """A file to write to: until all of it is on disk, the one of this name stays as it is.

    What is no file (`/dev/stdout`) is written to directly. Raises FileExistsError where it may not replace one that is there,
    NexusAssetsError where the folder has no room or can't be written to; nothing is left then.
    """
    remedy = (
        remedy or "Nothing was written. Free some space, or give a place in another folder, and run the command again."
    )
    with room(file.absolute().parent, remedy):
        if file.exists() and not file.is_file():
            with file.open("wb", buffering=0) as out:
                yield out
            return
        if file.exists() and not replaces:
            raise FileExistsError
        file = file.resolve()
        beside = file.with_name(f".{file.name}.{os.getpid()}.part")
        try:
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as out:
                yield out
                out.flush()
                os.fsync(out.fileno())
            if replaces:
                os.replace(beside, file)
            else:
                _move(beside, file)
        finally:
            with suppress(OSError):
                beside.unlink()


def _move(beside: Path, file: Path) -> None:
    try:
        os.link(beside, file)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        os.rename(beside, file)

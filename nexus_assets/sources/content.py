"""The bytes of an export, unwrapped where zipped, with proof that they are whole and stayed the same while read."""

from __future__ import annotations

import hashlib
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import BinaryIO

from nexus_assets.sources.discovery import ExportFile
from nexus_assets.sources.export import ExportError, ReadFacts
from nexus_assets.sources.locations import changed, explained
from nexus_assets.sources.names import FORMATS, WRAPPINGS, export_stem

BLOCK = 1 << 18
_HEAD = 1 << 16

# Text compresses 5 to 20 times; what unfolds to more than this is made to fill a disk.
BOMB_RATIO = 200
BOMB_FLOOR = 1 << 26

_EXPORT_AGAIN = "Export or copy it again, then run the same command."
ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True)
class Content:
    """What an export file holds: a text or a workbook, that can be read from its start again and again."""

    file: ExportFile

    @property
    def location(self) -> str:
        """The file's path or URL, for people."""
        return self.file.location

    @cached_property
    def format(self) -> str:
        """The ending that tells the format, after unwrapping: ".csv"."""
        name = self.file.place.name.strip().lower()
        if name.endswith(WRAPPINGS):
            name = name.rpartition(".")[0]
            if not name.endswith(FORMATS):  # "Notes.zip"
                name = self.member.filename.lower()
        return PurePosixPath(name).suffix

    @cached_property
    def member(self) -> zipfile.ZipInfo:
        """What a zip file holds."""
        return _only_member(self)

    def blocks(self, facts: ReadFacts | None = None) -> Iterator[bytes]:
        """Returns the unwrapped bytes; once exhausted, `facts` has the file's size and hash.

        Raises ExportError where the archive is broken, or the file is not the one that was found.
        """
        name = self.file.place.name.strip().lower()
        if name.endswith(".zip"):
            return _unzipped(self, facts)
        if name.endswith(".gz"):
            return _gunzipped(self, facts)
        return file_blocks(self.file, facts)


def head(blocks: Iterator[bytes]) -> bytes:
    """Returns the first bytes of a text or workbook, enough to know it by."""
    start = b""
    for block in blocks:
        start += block
        if len(start) >= _HEAD:
            break
    return start


def file_blocks(file: ExportFile, facts: ReadFacts | None = None) -> Iterator[bytes]:
    """Returns the file's bytes as they are stored. Raises ExportError where it changed since it was found."""
    digest = hashlib.sha256()
    size = 0
    with file.open() as stream:
        while block := _read(file, stream):
            size += len(block)
            if facts is not None:
                digest.update(block)
                facts.size = size
            yield block
    if size != file.size or file.place.stamp() != file.stamp:
        raise changed(file.location)
    if facts is not None:
        facts.sha256 = digest.hexdigest()


def _read(file: ExportFile, stream: BinaryIO) -> bytes:
    with explained(file.location):
        return stream.read(BLOCK)


def _gunzipped(content: Content, facts: ReadFacts | None) -> Iterator[bytes]:
    unzip = zlib.decompressobj(wbits=31)
    unfolded = 0
    for block in file_blocks(content.file, facts):
        while block:
            if unzip.eof:  # gzip files may be chained
                unzip = zlib.decompressobj(wbits=31)
            try:
                out = unzip.decompress(block, BLOCK)
            except zlib.error:
                raise _broken(content, "gzip") from None
            unfolded += len(out)
            refuse_bomb(content.location, unfolded, content.file.size)
            if out:
                yield out
            block = unzip.unused_data or unzip.unconsumed_tail
    if not unzip.eof:
        raise ExportError(f"{content.location} is cut: its gzip stream has no end.", remedy=_EXPORT_AGAIN)


def _unzipped(content: Content, facts: ReadFacts | None) -> Iterator[bytes]:
    for _ in file_blocks(content.file, facts):
        pass  # a zip is read from its end, so that the hash of its bytes takes a pass of its own
    member = content.member
    with content.file.open() as stream:
        try:
            with _archive(content, stream) as archive, archive.open(member) as text:
                unfolded = 0
                while block := text.read(BLOCK):
                    unfolded += len(block)
                    refuse_bomb(content.location, unfolded, member.compress_size)
                    yield block
        except ZIP_ERRORS:
            raise _broken(content, "zip") from None
    if content.file.place.stamp() != content.file.stamp:
        raise changed(content.location)


def _only_member(content: Content) -> zipfile.ZipInfo:
    with content.file.open() as stream, _archive(content, stream) as archive:
        members = [
            member
            for member in archive.infolist()
            # Folders inside don't matter, except the one in which macOS keeps attributes under the same names.
            if not member.is_dir() and not member.filename.startswith("__MACOSX/") and _is_export(member.filename)
        ]
    if len(members) != 1:
        # The names of what is in it are a person's own words: only how many there are is given.
        raise ExportError(
            f"{content.location} must hold exactly one export; it holds {len(members) or 'none'}.",
            remedy="Zip each export separately.",
        )
    if members[0].flag_bits & 1:
        raise ExportError(f"{content.location} is locked with a password.", remedy="Zip it without one.")
    return members[0]


def _is_export(name: str) -> bool:
    base = PurePosixPath(name).name
    return export_stem(base) is not None and base.lower().endswith(FORMATS)


def _archive(content: Content, stream: BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(stream)
    except ZIP_ERRORS:
        raise _broken(content, "zip") from None


def refuse_bomb(location: str, unfolded: int, packed: int) -> None:
    """Raises ExportError where more has come out of an archive than text could have been packed into it."""
    if unfolded > BOMB_FLOOR + BOMB_RATIO * packed:
        raise ExportError(
            f"{location} unfolds to more than {BOMB_RATIO} times its size: not an export, or a broken one.",
            remedy="Unpack it yourself and look at it before loading it.",
        )


def _broken(content: Content, kind: str) -> ExportError:
    return ExportError(f"{content.location} is a damaged {kind} file.", remedy=_EXPORT_AGAIN)

"""Which encoding a text is in, by evidence that can be said; and the text as checked UTF-8."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nexus_assets.sources.content import head
from nexus_assets.sources.export import ExportError
from nexus_assets.sources.mac_or_windows import COMMON_UTF8, judge
from nexus_assets.sources.unlikely_text import is_chance_utf8, is_ebcdic, shifted

BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
LABELS = {
    "utf-8": "UTF-8",
    "utf-16-le": "UTF-16 LE",
    "utf-16-be": "UTF-16 BE",
    "mac_roman": "Mac Roman",
    "cp1252": "Windows-1252",
}
_ALIASES = {"macintosh": "mac_roman", "macroman": "mac_roman", "ansi": "cp1252"}  # what FileMaker calls them

_HEADINGS = 256
"""Bytes that are headings, mostly: plain letters also where the records are Chinese."""

Blocks = Callable[[], Iterator[bytes]]


@dataclass(frozen=True)
class Encoding:
    """An encoding and the evidence for it."""

    codec: str
    why: str
    bom: int = 0  # bytes to leave out at the start
    provisional: bool = False  # nothing but ASCII has been seen yet

    @property
    def label(self) -> str:
        """The name that people know."""
        return LABELS.get(self.codec, self.codec)


def decide_encoding(blocks: Blocks, explicit: str | None, location: str, *, is_declared: bool = False) -> Encoding:
    """Returns the encoding of a text: what is set, else what its start shows; ASCII alone leaves it provisional.

    With `is_declared` it is the text itself, not a person's setting, that names the explicit one.
    Raises ExportError for an empty text, a setting that is no encoding, and a text that proves no encoding.
    """
    start = head(blocks())
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise _not_read(location, "UTF-32")
    if not start:
        raise ExportError(f"{location} is empty.", remedy="Export it again, then run the same command.")
    # A program that copied the file may have put a mark of its own before the one that was there.
    bom = next(((_repeated(mark, start), codec) for mark, codec in BOMS if start.startswith(mark)), None)
    if explicit is not None:
        return _as_set(explicit, bom, start, location, is_declared=is_declared)
    if bom is not None:
        return Encoding(bom[1], "byte order mark", bom=len(bom[0]))
    if (codec := _utf16_without_mark(start)) is not None:
        return Encoding(codec, "no byte order mark, but every other byte of its plain letters is zero")
    if is_ebcdic(start):
        raise _not_read(location, "EBCDIC")
    if start.isascii():
        return Encoding("utf-8", "plain ASCII throughout", provisional=True)
    return settle(blocks, start, location)


def _repeated(mark: bytes, start: bytes) -> bytes:
    """The mark as often as the text begins with it."""
    times = 1
    while start.startswith(mark, times * len(mark)):
        times += 1
    return mark * times


def settle(blocks: Blocks, block: bytes, location: str) -> Encoding:
    """Returns the encoding of a text of which `block` is the first that is not ASCII."""
    try:
        if codecs.getincrementaldecoder("utf-8")().decode(block).isascii():
            return _by_whole_text(blocks, location)  # one character, cut by the block's end: no evidence yet
    except UnicodeDecodeError:
        return _by_whole_text(blocks, location)
    return _as_utf8(blocks, location)


def _as_utf8(blocks: Blocks, location: str) -> Encoding:
    if is_chance_utf8(blocks()):
        raise ExportError(
            f"{location} has a few characters only that are no ASCII, and though they are valid UTF-8, nobody writes them so: "
            "the file may be in another encoding.",
            remedy="Export it as Unicode (UTF-8) with more records; or, where it is UTF-8 for certain, set NEXUS_EXPORT_ENCODING=utf-8.",
        )
    return Encoding("utf-8", "its accented characters are valid UTF-8")


def _not_read(location: str, encoding: str) -> ExportError:
    return ExportError(f"{location} is in {encoding}, which is not read.", remedy="Export it as Unicode (UTF-8).")


class Utf8Reader:
    """Turns a text of one encoding into UTF-8 without a byte order mark, block by block.

    `encoding` is what was decided by the start of the text, and once the text was read what holds for all of it.
    """

    def __init__(self, encoding: Encoding, location: str, reread: Blocks) -> None:
        self.encoding, self._location, self._reread = encoding, location, reread
        self._offset = 0

    def read(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Returns the text. Raises ExportError with the byte's place for invalid bytes, lone surrogates and NUL."""
        decoder = codecs.getincrementaldecoder(self.encoding.codec)()
        skip = self.encoding.bom
        for block in blocks:
            if self.encoding.provisional and (other := shifted(block)):
                raise _not_read(self._location, other)
            if self.encoding.provisional and not block.isascii():
                self.encoding = settle(self._reread, block, self._location)
                decoder = codecs.getincrementaldecoder(self.encoding.codec)()
            if skip:
                dropped = min(skip, len(block))
                self._offset, skip, block = self._offset + dropped, skip - dropped, block[dropped:]
            if text := self._decoded(block, decoder):
                yield text
            self._offset += len(block)
        self._decoded(b"", decoder, final=True)

    def _decoded(self, data: bytes, decoder: codecs.IncrementalDecoder, final: bool = False) -> bytes:
        is_utf8 = self.encoding.codec == "utf-8"
        pending = len(decoder.getstate()[0])
        if not is_utf8 or pending or not data.isascii():
            try:
                text = decoder.decode(data, final)
            except UnicodeDecodeError as error:
                raise self._not_text(self._offset - pending + error.start, final) from None  # it would quote the text
            if not is_utf8:
                data = text.encode("utf-8")
        if (at := data.find(b"\0")) >= 0:
            raise ExportError(
                f"{self._location} holds a NUL character {'at' if is_utf8 else 'after'} byte "
                f"{self._offset + (at if is_utf8 else 0) + 1:,}: no text has one.",
                remedy="Export it again; if it was copied, copy it again; if it is UTF-16, set NEXUS_EXPORT_ENCODING=utf-16.",
            )
        return data

    def _not_text(self, at: int, final: bool) -> ExportError:
        if final:
            return ExportError(
                f"{self._location} ends in the middle of a character (byte {at + 1:,}): it is cut.",
                remedy="Export or copy it again, then run the same command.",
            )
        return ExportError(
            f"{self._location}: byte {at + 1:,} is no {self.encoding.label}, which the file is by this evidence: "
            f"{self.encoding.why}. It holds two encodings, or was damaged.",
            remedy="Export it again as Unicode (UTF-8); where the evidence errs, set NEXUS_EXPORT_ENCODING.",
        )


def _as_set(
    explicit: str, bom: tuple[bytes, str] | None, start: bytes, location: str, *, is_declared: bool
) -> Encoding:
    name = explicit.strip().lower().replace(" ", "-")
    try:
        codec = codecs.lookup(_ALIASES.get(name, name)).name
        if codec == "utf-8-sig":
            codec = "utf-8"
        if codec == "utf-16":
            codec = bom[1] if bom and bom[1] != "utf-8" else _utf16_without_mark(start) or "utf-16-le"
        if not codec.startswith("utf-16") and bytes(range(128)).decode(codec) != bytes(range(128)).decode("ascii"):
            raise LookupError(codec)
    except (LookupError, UnicodeError):
        # What a file declares is its own text, and not repeated.
        problem = "declares an encoding" if is_declared else f"is said to be in the encoding {explicit!r},"
        raise ExportError(
            f"{location} {problem} which is none that is known.",
            remedy="Set NEXUS_EXPORT_ENCODING to one of utf-8, utf-16, mac-roman, windows-1252.",
        ) from None
    codec = codec.replace("mac-roman", "mac_roman")
    return Encoding(codec, "set so", bom=len(bom[0]) if bom and bom[1] == codec else 0)


def _utf16_without_mark(start: bytes) -> str | None:
    """UTF-16 text has digits, delimiters and line ends at least: many zero bytes, nearly all of them on one side."""
    start = start[:_HEADINGS]
    pairs = len(start) // 2
    first, second = start[0 : pairs * 2 : 2].count(0), start[1 : pairs * 2 : 2].count(0)
    if 4 * second > pairs and second > 4 * first:
        return "utf-16-le"
    if 4 * first > pairs and first > 4 * second:
        return "utf-16-be"
    return None


def _by_whole_text(blocks: Blocks, location: str) -> Encoding:
    """Where the first accented place is no proof, all of them are looked at: one wrong guess garbles every name."""
    invalid, has_utf8 = _survey(blocks())
    if invalid is None:
        return _as_utf8(blocks, location)
    if has_utf8:
        raise ExportError(
            f"{location} is UTF-8 in some places and something else in others, as at byte {invalid + 1:,}.",
            remedy="Export it again as Unicode (UTF-8), in one piece.",
        )
    verdict = judge(blocks())
    if verdict.codec is None and _is_half_a_character(blocks()):
        raise ExportError(
            f"{location} ends in what may be half of a character (byte {invalid + 1:,}): the file may be cut.",
            remedy="Export or copy it again, then run the same command.",
        )
    if verdict.is_neither:
        raise ExportError(
            f"{location} is no UTF-8 (byte {invalid + 1:,}), and neither Mac Roman nor Windows-1252: most of its accented places "
            "are impossible in both. It may be a DOS code page, or one of another language or script.",
            remedy="Export it as Unicode (UTF-8); or, where its encoding is known for certain, set NEXUS_EXPORT_ENCODING to that "
            "(cp850, for example).",
        )
    if verdict.codec is None:
        raise ExportError(
            f"{location} is no UTF-8 (byte {invalid + 1:,}), and its text proves neither Mac Roman nor Windows-1252: "
            f"of {verdict.places} different accented places {verdict.mac} speak for the one, "
            f"{verdict.windows} for the other.",
            remedy="Export it as Unicode (UTF-8), or set NEXUS_EXPORT_ENCODING to its encoding where that is known for certain "
            "(windows-1252, mac-roman, or another code page such as windows-1250).",
        )
    votes, against = max(verdict.mac, verdict.windows), min(verdict.mac, verdict.windows)
    other = LABELS["cp1252" if verdict.codec == "mac_roman" else "mac_roman"]
    return Encoding(
        verdict.codec,
        f"no UTF-8; of {verdict.places} different accented places {votes} make sense in this encoding only, "
        f"{against} in {other} only",
    )


def _is_half_a_character(blocks: Iterator[bytes]) -> bool:
    """Whether all that is no UTF-8 is the beginning of a character at the very end."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in blocks:
            decoder.decode(block)
    except UnicodeDecodeError:
        return False
    return True


def _survey(blocks: Iterator[bytes]) -> tuple[int | None, bool]:
    """Returns where a text stops being UTF-8, and whether it holds letters that were certainly written as UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    invalid: int | None = None
    offset, last, has_utf8 = 0, b"", False
    for block in blocks:
        if invalid is None:
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                invalid = offset - pending + error.start
        has_utf8 = has_utf8 or COMMON_UTF8.search(last + block) is not None
        offset, last = offset + len(block), block[-2:]
    if invalid is None and (left := decoder.getstate()[0]):
        invalid = offset - len(left)
    return invalid, has_utf8

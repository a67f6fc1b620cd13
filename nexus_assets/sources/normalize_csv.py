"""Records of delimited text: brought, untouched where they are sound, into the one form that COPY takes.

COPY drops a quotation mark that stands inside an unquoted cell, refuses mixed line ends, and before PostgreSQL 18 ends
quietly at a lone `\\.`: the first is refused here, the second evened out, the third quoted. COPY counts the columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from nexus_assets.sources.csv_errors import BrokenRecordError, Fault

QUOTE = b'"'
NO_QUOTE = b"\x01"  # where quotation marks are ordinary characters (.tab), COPY is told that this is one

LONGEST_RECORD = 1 << 26  # 64 MiB without any line end is no record

_LINE_ENDS = b"\r\n"
_NO_LINE_ENDS = bytes(set(range(256)) - set(_LINE_ENDS))
_LINE_END = re.compile(rb"\r\n|\r|\n")
_LONE_BACKSLASH_DOT = re.compile(rb"(?:^|(?<=[\r\n]))\\\.(?=[\r\n]|$)")


@dataclass(frozen=True)
class Form:
    """How delimited text is laid out."""

    delimiter: bytes
    quote: bytes
    line_end: bytes


def canonical(blocks: Iterator[bytes], form: Form) -> Iterator[bytes]:
    """Returns the records with one kind of line end, without blank lines after the last. Raises BrokenRecordError.

    Blocks are cut before a line end, or where a quoted cell is open, so that every piece of text between two
    quotation marks is seen whole.
    """
    inside, carry, begun = False, b"", False
    unended = 0  # bytes since the last line end outside a quoted cell
    for block in blocks:
        data = carry + block
        pieces, carry, ends_inside = _cut(data, inside, form)
        ended = any(b"\n" in piece or b"\r" in piece for piece in pieces[int(inside) :: 2])
        unended = 0 if ended else unended + len(block)
        if max(len(carry), unended) > LONGEST_RECORD:
            raise BrokenRecordError(Fault.TOO_LONG)
        if len(carry) < len(data):
            begun = True
            yield _even(data[: len(data) - len(carry)], pieces, inside, ends_inside, form)
        inside = ends_inside
    if inside and carry != form.quote:
        raise BrokenRecordError(Fault.CUT if carry else Fault.UNTERMINATED)
    if not inside and carry.lstrip(_LINE_ENDS):
        raise BrokenRecordError(Fault.CUT)
    if begun:
        yield (carry if inside else b"") + form.line_end


def _cut(data: bytes, inside: bool, form: Form) -> tuple[list[bytes], bytes, bool]:
    """Returns what can go on, split at its quotation marks; what must wait for the next block; and whether that is
    inside a quoted cell."""
    pieces = data.split(QUOTE) if form.quote == QUOTE else [data]
    if inside ^ (len(pieces) % 2 == 0):
        return pieces, b"", True
    tail = pieces[-1]
    last_line_end = max(tail.rfind(b"\n"), tail.rfind(b"\r"))
    if last_line_end >= 0:
        pieces[-1] = tail[: last_line_end + 1].rstrip(_LINE_ENDS)
        return pieces, tail[len(pieces[-1]) :], False
    if len(pieces) > 1:
        return pieces[:-1], form.quote + tail, True
    return [], data, inside


def _even(data: bytes, pieces: list[bytes], began_inside: bool, ends_inside: bool, form: Form) -> bytes:
    """Returns the data (and its pieces) as it goes on to COPY: as it is, unless something must be corrected."""
    if form.quote == NO_QUOTE and NO_QUOTE in data:
        data = _quoting(data, form)
        pieces = data.split(NO_QUOTE)
    outside = pieces[int(began_inside) :: 2]
    _refuse_stray_quotes(outside, began_inside, ends_inside, form)
    if not _needs_change(data, outside, form.line_end):
        return data
    lone = form.quote + b"\\." + form.quote
    pieces[int(began_inside) :: 2] = [
        _LONE_BACKSLASH_DOT.sub(lambda _: lone, _LINE_END.sub(form.line_end, piece)) for piece in outside
    ]
    return form.quote.join(pieces)


def _refuse_stray_quotes(outside: list[bytes], began_inside: bool, ends_inside: bool, form: Form) -> None:
    """A quotation mark has a delimiter or a line end on its outer side, or another mark, with nothing in between."""
    inner = set(outside[1:-1])  # in a file of quoted cells hardly more than a comma and a line end
    after_mark = {piece[:1] for piece in inner}
    before_mark = {piece[-1:] for piece in inner}
    if began_inside:
        after_mark.update(piece[:1] for piece in outside[:1])
    if ends_inside:
        before_mark.update(piece[-1:] for piece in outside[-1:])
    if len(outside) > 1:
        after_mark.add(outside[-1][:1])
        before_mark.add(outside[0][-1:])
    if not (after_mark | before_mark) <= {b"", form.delimiter, b"\r", b"\n"}:
        raise BrokenRecordError(Fault.STRAY_QUOTE)


def _needs_change(data: bytes, outside: list[bytes], line_end: bytes) -> bool:
    """Tells whether outside quotation marks there is another line end than this one, or what may be a lone `\\.`."""
    if b"\\" not in data and not _is_mixed(data, line_end):
        return False
    return any(b"\\." in piece or _is_mixed(piece, line_end) for piece in set(outside))


def _is_mixed(data: bytes, line_end: bytes) -> bool:
    if line_end == b"\r\n":
        ends = data.translate(None, _NO_LINE_ENDS)
        return ends != line_end * (len(ends) // 2)
    return (b"\n" if line_end == b"\r" else b"\r") in data


def _quoting(data: bytes, form: Form) -> bytes:
    cells = re.compile(rb"[^\r\n%b]*\x01[^\r\n%b]*" % ((re.escape(form.delimiter),) * 2))
    return cells.sub(lambda cell: NO_QUOTE + cell.group().replace(NO_QUOTE, NO_QUOTE * 2) + NO_QUOTE, data)

"""Where delimited text is broken: the number of the record, for a message, found by reading the text once more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Fault(Enum):
    """What is wrong with a record, in words that finish "record 12 …"."""

    STRAY_QUOTE = "has a quotation mark in the middle of a cell"
    UNTERMINATED = "opens a quotation mark that is never closed: the file is cut, or a mark was lost"
    CUT = "has no line end and its last cell no quotation marks: the file may be cut in the middle of it"
    COLUMNS = "has another number of columns than the header"
    BLANK = "is a blank line in the middle of the file"
    TOO_LONG = "is longer than 64 MiB: the line ends or the quotation marks are not what they should be"


class BrokenRecordError(Exception):
    """Raised while streaming, where there is no time to count records."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(frozen=True)
class FaultyRecord:
    """The first record that is broken."""

    fault: Fault
    record: int  # 1 is the first after the header
    line: int  # of those after the header
    columns: int


def first_fault(blocks: Iterator[bytes], delimiter: bytes, quote: bytes | None, columns: int) -> FaultyRecord | None:
    """Returns the first record that is not made of `columns` well-formed cells, or None. Slow: for messages only."""
    marks = [rb"\r\n|\r|\n", re.escape(delimiter), *([re.escape(quote)] if quote else [])]
    scan = _Scan(columns, delimiter, quote)
    token = re.compile(b"|".join(marks))
    carry = b""
    for block in blocks:
        data = carry + block
        carry = data[-1:] if data.endswith(b"\r") else b""  # it may be half of a CRLF
        data = data[: len(data) - len(carry)]
        for found in token.finditer(data):
            if fault := scan.step(found.group(), found.start(), found.end()):
                return fault
        scan.base += len(data)
    if carry and (fault := scan.step(carry, 0, 1)):
        return fault
    return scan.finish(len(carry))


class _Scan:
    """The state between two tokens; positions count from the start of the text."""

    def __init__(self, columns: int, delimiter: bytes, quote: bytes | None) -> None:
        self.expected, self.delimiter, self.quote = columns, delimiter, quote
        self.base = 0
        self.record = self.line = self.columns = self.record_line = 1
        self.inside = False
        self.record_start = self.cell_start = 0
        self.closed = -1  # where the last quoted part of this cell ended
        self.blank: FaultyRecord | None = None

    def step(self, token: bytes, start: int, end: int) -> FaultyRecord | None:
        start, end = start + self.base, end + self.base
        if token == self.quote:
            if not self.inside and start not in (self.cell_start, self.closed):
                return self._fault(Fault.STRAY_QUOTE)
            self.inside, self.closed = not self.inside, end
            return None
        if self.inside:
            self.line += token != self.delimiter
            return None
        if self.closed >= 0 and self.closed != start:
            return self._fault(Fault.STRAY_QUOTE)
        self.closed, self.cell_start = -1, end
        if token == self.delimiter:
            self.columns += 1
            return None
        return self._end_record(start, end)

    def finish(self, carried: int) -> FaultyRecord | None:
        if self.inside:
            return self._fault(Fault.UNTERMINATED)
        if self.blank and self.base + carried > self.record_start:
            return self.blank
        if self.base + carried == self.record_start:
            return None
        if self.closed < 0 or self.closed != self.base + carried:
            return self._fault(Fault.CUT)
        return self._fault(Fault.COLUMNS) if self.columns != self.expected else None

    def _end_record(self, start: int, end: int) -> FaultyRecord | None:
        fault = None
        if start == self.record_start:
            self.blank = self.blank or self._fault(Fault.BLANK)  # harmless if nothing follows
        elif self.blank:
            return self.blank
        elif self.columns != self.expected:
            fault = self._fault(Fault.COLUMNS)
        self.line += 1
        self.record += 1
        self.columns, self.record_start, self.record_line = 1, end, self.line
        return fault

    def _fault(self, fault: Fault) -> FaultyRecord:
        return FaultyRecord(fault, self.record, self.record_line, self.columns)

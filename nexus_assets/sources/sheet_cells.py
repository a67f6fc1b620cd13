"""The cells of one worksheet, looked at one by one: slow, so only where a sheet may hold what calamine does not report."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import BinaryIO
from xml.parsers import expat

_PLACE = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_RANGE = re.compile(r"([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})")


class Oddity(Enum):
    """A cell that calamine reads as nothing though it is none, in words that follow "3 cells"."""

    ERROR = "with an Excel error instead of a value"
    FORMULA = "with a formula without a value"
    MERGED = "merged with others, without their value"
    BROKEN = "with something else than stated"


@dataclass(frozen=True, order=True)
class OddCell:
    """Where such a cell is; both count from 0."""

    row: int
    column: int
    oddity: Oddity = field(compare=False)


@dataclass
class Cells:
    """What was found: the odd cells, the numbers that calamine gives another date or time for (negative ones, and the day 60, Excel's
    29 February 1900), the rows and columns that the sheet spans from A1 on, and how many cells hold something."""

    odd: list[OddCell] = field(default_factory=list)
    misread: dict[tuple[int, int], float] = field(default_factory=dict)
    rows: int = 0
    columns: int = 0
    filled: int = 0


class SheetScan:
    """A pass over the XML of a sheet. `calculated`: the values beside its formulas are theirs, not a writer's zeros."""

    def __init__(self, *, calculated: bool) -> None:
        self._calculated = calculated
        self._cells = Cells()
        self._row, self._column = -1, -1
        self._text: list[str] = []
        self._handlers: dict[str, Callable[[dict[str, str]], None]] = {
            "row": self._start_row,
            "c": self._start_cell,
            "f": self._start_formula,
            "v": self._start_value,
            "mergeCell": self._merge,
        }
        self._kind, self._has_formula, self._value = "", False, None

    _value: str | None

    def read(self, stream: BinaryIO | object) -> Cells:
        """Returns what the sheet holds. Raises ValueError where it is no well-formed XML."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        try:
            parser.ParseFile(stream)  # type: ignore[arg-type]  # it only calls read()
        except expat.ExpatError:
            raise ValueError("not well-formed") from None
        return self._cells

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if handler := self._handlers.get(name.rpartition(" ")[2]):
            handler(attributes)

    def _end(self, name: str) -> None:
        tag = name.rpartition(" ")[2]
        if tag == "v":
            self._value = "".join(self._text).strip()
        elif tag == "c":
            self._end_cell()

    def _start_row(self, attributes: dict[str, str]) -> None:
        self._row = int(attributes["r"]) - 1 if attributes.get("r", "").isdecimal() else self._row + 1
        self._column = -1

    def _start_cell(self, attributes: dict[str, str]) -> None:
        place = _PLACE.fullmatch(attributes.get("r", "").upper())
        if place is None:
            self._column += 1
        else:
            self._column, self._row = column_index(place[1]), int(place[2]) - 1
        self._kind, self._has_formula, self._value = attributes.get("t", "n"), False, None
        self._text.clear()

    def _start_formula(self, _: dict[str, str]) -> None:
        self._has_formula = True

    def _start_value(self, _: dict[str, str]) -> None:
        self._text.clear()

    def _end_cell(self) -> None:
        cells, at = self._cells, (self._row, self._column)
        if self._value is not None or self._has_formula or self._text:
            cells.filled += 1
            cells.rows, cells.columns = max(cells.rows, self._row + 1), max(cells.columns, self._column + 1)
        if self._kind == "e":
            cells.odd.append(OddCell(*at, Oddity.ERROR))
        elif self._has_formula and self._lacks_value():
            cells.odd.append(OddCell(*at, Oddity.FORMULA))
        elif self._value and (self._kind == "inlineStr" or (self._kind == "s" and not self._value.isdecimal())):
            cells.odd.append(OddCell(*at, Oddity.BROKEN))
        elif self._kind == "n" and self._value is not None and self._value.startswith(("-", "60")):
            with suppress(ValueError):
                cells.misread[at] = float(self._value)

    def _lacks_value(self) -> bool:
        """Programs that write formulas without calculating them leave the value out, or write a zero for each; a text that is
        empty is a value."""
        if self._value is None or (self._value == "" and self._kind != "str"):
            return True
        return self._value == "0" and self._kind == "n" and not self._calculated

    def _merge(self, attributes: dict[str, str]) -> None:
        found = _RANGE.fullmatch(attributes.get("ref", ""))
        if found is None:
            return
        left, right = column_index(found[1]), column_index(found[3])
        for row in range(int(found[2]) - 1, min(int(found[4]), self._cells.rows)):
            for column in range(left, min(right + 1, self._cells.columns)):
                if (row, column) != (int(found[2]) - 1, left):
                    self._cells.odd.append(OddCell(row, column, Oddity.MERGED))


def column_index(letters: str) -> int:
    """The place of a column from 0: 0 for A, 27 for AB."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1

"""Dates and times in a format that is stated (FMPXMLRESULT, Data API), as canonical text.

Of a two-digit year only the order is stated: `01/10/50` becomes `1 Oct 50`, and the database decides on the century, as for every
source. What does not follow the format stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

Converter = Callable[[str], str]

_THREE_NUMBERS = re.compile(r"(?<![\d:.])(\d{1,4})[^\w\s:]+(\d{1,4})[^\w\s:]+(\d{1,4})(?!\d)")
_CLOCK_AT_END = re.compile(r"(?<!\d)\d{1,5}:\d{2}(?::\d{2})?\s*(?:[AaPp]\.?[Mm]\.?)?\Z")
_CLOCK = re.compile(r"\s*(\d{1,5}):(\d{2})(?::(\d{2}))?\s*(?:([AaPp])\.?[Mm]\.?)?\s*")


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class ContradictionError(Exception):
    """A date that exists, but not in the order of day and month that is stated."""


def date_converter(date_format: str, _time_format: str = "") -> Converter:
    """Returns what turns the date in a text, of a format (`D/m/yyyy`, `MM/dd/yyyy`), into `2016-10-18`.

    A weekday before it, a time behind it stay: the order that is stated holds for the date all the same.
    """
    order = "".join(dict.fromkeys(letter for letter in date_format.lower() if letter in "dmy"))

    def convert(text: str) -> str:
        return _THREE_NUMBERS.sub(read, text.strip(), count=1)

    def read(numbers: re.Match[str]) -> str:
        if sorted(order) != ["d", "m", "y"] or len(numbers[order.index("y") + 1]) not in (2, 4):
            return numbers[0]
        parts = {letter: int(number) for letter, number in zip(order, numbers.groups(), strict=True)}
        is_short = len(numbers[order.index("y") + 1]) == 2
        year = 2000 + parts["y"] if is_short else parts["y"]  # a year of the same leap days
        if found := _date(year, parts["m"], parts["d"]):
            return f"{found.day} {_MONTHS[found.month - 1]} {parts['y']:02}" if is_short else found.isoformat()
        if _date(year, parts["d"], parts["m"]):
            raise ContradictionError
        return numbers[0]

    return convert


def time_converter(_date_format: str, time_format: str) -> Converter:
    """Returns what turns times (`9:30:00`, `9:30:00 PM`, `36:30:00`) into `09:30:00`; hours over a day stay."""
    twelve_hours = "a" in time_format.lower()

    def convert(text: str) -> str:
        found = _CLOCK.fullmatch(text)
        if found is None or (found[4] and (not twelve_hours or not 1 <= int(found[1]) <= 12)):
            return text
        hours = int(found[1]) % 12 + 12 * (found[4] in "Pp") if found[4] else int(found[1])
        return f"{hours:02}:{found[2]}:{found[3] or '00'}"

    return convert


def timestamp_converter(date_format: str, time_format: str) -> Converter:
    """Returns what turns a date and the time behind it into `2016-10-18 09:30:00`."""
    to_date, to_time = date_converter(date_format), time_converter(date_format, time_format)

    def convert(text: str) -> str:
        return _CLOCK_AT_END.sub(lambda clock: to_time(clock[0]), to_date(text))

    return convert


CONVERTERS: dict[str, Callable[[str, str], Converter]] = {
    "DATE": date_converter,
    "TIME": time_converter,
    "TIMESTAMP": timestamp_converter,
}


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None

"""Numbers of things in a sentence."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """`1 row`, `2,845 rows`; `many` is the plural where it is not `one` with an s: `row is`, `rows are`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"

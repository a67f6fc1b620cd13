"""How many attacks the tests try, counted from what they are parametrised with, and how many succeed, counted as they run.

A test of attacks bears the mark `attack`: who attacks, and how many times each case of it does (`each`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sized
from importlib import import_module
from math import prod
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent
NAME = "attack"


def _modules() -> Iterator[Any]:
    for file in sorted(TESTS.rglob("test_*.py")):
        if f"mark.{NAME}(" in file.read_text("utf-8"):
            yield import_module(".".join((TESTS.name, *file.relative_to(TESTS).with_suffix("").parts)))


def _cases(marks: Iterable[Any]) -> int:
    cases: list[Sized] = [mark.args[1] for mark in marks if mark.name == "parametrize"]
    return prod(map(len, cases))


def tried() -> Counter[str]:
    """Who attacks -> how many attacks all the tests try together."""
    found: Counter[str] = Counter()
    for module in _modules():
        for function in vars(module).values():
            marks = (
                getattr(function, "pytestmark", []) if getattr(function, "__module__", "") == module.__name__ else []
            )
            for mark in marks:
                if mark.name == NAME:
                    found[mark.args[0]] += mark.kwargs.get("each", 1) * _cases(marks)
    return found


def summary(reports: Iterable[Any]) -> Iterator[tuple[str, int, int]]:
    """(who attacks, attacks tried, those that succeeded or of which it is not known) of the tests that ran."""
    made: Counter[str] = Counter()
    effective: Counter[str] = Counter()
    for report in reports:
        for name, value in report.user_properties:
            if name == NAME and (report.when == "call" or report.failed):
                who, each = value
                made[who] += each
                effective[who] += each if report.failed else 0
    for who, number in sorted(made.items()):
        yield who, number, effective[who]

"""The error that people read: what is wrong, where, what was expected, and what to do next."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLINIC_VARIABLE = "NEXUS_CLINIC"
"""The variable that holds the short name of this process's clinic, where there are several."""


def with_own_commands(text: str) -> str:
    """A text whose commands of `nexus-assets` are those on this clinic, so that each of them can be pasted."""
    clinic = os.environ.get(CLINIC_VARIABLE, "").strip()
    return re.sub(r"\bnexus-assets (?=[a-z])", lambda _: f"nexus-assets --clinic {clinic} ", text) if clinic else text


class NexusAssetsError(Exception):
    """Something that a person can correct. The text names file, row and column, never what a cell holds (law 6).

    `remedy` says what to do next, with the command or the setting. `str()` gives both. `transient`: the same may well succeed
    later, so that a run tries it again.
    """

    def __init__(self, problem: str, *, remedy: str = "", transient: bool = False) -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = with_own_commands(remedy)
        self.transient = transient

    def __str__(self) -> str:
        return f"{self.problem} {self.remedy}".rstrip()


@contextmanager
def unforeseen_errors_told_by_kind() -> Iterator[None]:
    """Of an error that nobody foresaw its kind and place are told: its text, which Dagster keeps, may hold what a row holds.

    Dagster's own errors pass as they are.
    """
    try:
        yield
    except NexusAssetsError:
        raise
    except Exception as error:
        if type(error).__module__.startswith("dagster"):
            raise
        at = traceback.extract_tb(error.__traceback__)[-1]
        raise NexusAssetsError(
            f"An error of the kind {type(error).__name__} that nobody foresaw, at line {at.lineno} of {Path(at.filename).name}.",
            remedy="Report it with this sentence.",
        ) from None

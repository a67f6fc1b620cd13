"""The error that people read: what is wrong, where, what was expected, and what to do next."""

from __future__ import annotations


class NexusAssetsError(Exception):
    """Something that a person can mend. The text names file, row and column, never what a cell holds (law 6).

    `remedy` says what to do next, with the command or the setting. `str()` gives both. `transient`: the same may well succeed
    later, so that a run tries it again.
    """

    def __init__(self, problem: str, *, remedy: str = "", transient: bool = False) -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy
        self.transient = transient

    def __str__(self) -> str:
        return f"{self.problem} {self.remedy}".rstrip()

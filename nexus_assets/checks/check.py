"""The words in which a check is declared, and what it answers: how many violators, of which kinds, and what to run next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable

Severity = Literal["ERROR", "WARN"]

SAMPLE_ROWS = 10
"""How many violators a check shows: enough to look one up, few enough to read."""


@dataclass(frozen=True)
class StoredFiles:
    """The bucket as checks see it: a listing's files as (key, size, ETag), its prefix, and the size of any single object."""

    listing: Callable[[str], Iterable[tuple[str, int, str]]]
    prefix: Callable[[str], str]
    size_of: Callable[[str], int | None]


@dataclass(frozen=True)
class Looking:
    """What a check looks with: a cursor in a transaction that is rolled back, and the bucket."""

    cursor: Cursor
    files: StoredFiles

    def rows(self, query: Composable) -> list[tuple[Any, ...]]:
        """Every row that the query answers."""
        self.cursor.execute(query)
        return list(self.cursor.fetchall())

    def row(self, query: Composable) -> tuple[Any, ...]:
        """The one row that the query answers."""
        (answer,) = self.rows(query)
        return answer


@dataclass(frozen=True)
class Finding:
    """A check's answer. `sample` holds our own ids and codes only; `figures` what else is worth a number or a plot."""

    count: int
    breakdown: Mapping[str, int] = field(default_factory=dict)
    sample: tuple[Mapping[str, str], ...] = ()
    figures: Mapping[str, int] = field(default_factory=dict)
    next_step: str = ""

    @property
    def passed(self) -> bool:
        return self.count == 0


@dataclass(frozen=True)
class Check:
    """One question about one entity's table, over all of its rows.

    A `blocking` check of severity ERROR that fails stops the assets downstream in the same run and gives it exit code 1.
    """

    asset: str
    name: str
    description: str
    find: Callable[[Looking], Finding]
    severity: Severity = "ERROR"
    blocking: bool = False


def violators(looking: Looking, query: Composable, next_step: str, figures: Mapping[str, int] | None = None) -> Finding:
    """The finding of a query that returns violators: their reason in column `reason`, the rest their ids.

    The query runs once; counting and sampling look at its result.
    """
    looking.cursor.execute(SQL("CREATE TEMP TABLE violators ON COMMIT DROP AS {}").format(query))
    breakdown = dict(looking.rows(SQL("SELECT reason, count(*) FROM violators GROUP BY 1 ORDER BY 2 DESC, 1")))
    looking.cursor.execute(f"SELECT * FROM violators ORDER BY reason LIMIT {SAMPLE_ROWS}")  # noqa: S608 - a constant
    names = [column.name for column in looking.cursor.description or ()]
    sample = tuple(
        {name: "" if value is None else str(value) for name, value in zip(names, row, strict=True)}
        for row in looking.cursor.fetchall()
    )
    looking.cursor.execute("DROP TABLE violators")
    return Finding(sum(breakdown.values()), breakdown, sample, figures or {}, next_step if breakdown else "")

"""The words in which a check is declared, and what it answers: how many violators, of which kinds, and what to run next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any
from typing import Literal as OneOf

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Literal

from nexus_assets import clinics
from nexus_assets.entities import ENTITIES
from nexus_assets.ledger.schema import is_installed
from nexus_assets.nexus import catalog
from nexus_assets.nexus.catalog import Target

if TYPE_CHECKING:
    from nexus_assets.checks.files import Opened
    from nexus_assets.mapping.entity import Entity, Listing
    from nexus_assets.sources.s3 import StoredObject

Severity = OneOf["ERROR", "WARN"]

SAMPLE_ROWS = 10
"""How many violators a check shows: enough to look one up, few enough to read."""


@dataclass(frozen=True)
class StoredFiles:
    """The bucket as checks see it. `list_first` is called before a transaction is begun, with all listings that will be read.

    `listing` yields every file of a listing, `prefix` is where they lie; `elsewhere` gives the sizes of the files among
    these keys that exist, wherever they lie; `open` fetches files as the front end does, in the order of the keys.
    """

    listing: Callable[[str], Iterable[StoredObject]]
    prefix: Callable[[str], str]
    elsewhere: Callable[[Sequence[str]], Iterable[tuple[str, int]]]
    open: Callable[[Sequence[str]], Iterable[Opened]]
    list_first: Callable[[Iterable[Listing]], None] = lambda _: None


NO_FILES = StoredFiles(lambda _: (), lambda _: "", lambda _: (), lambda _: ())
"""For checks of the database alone."""


@dataclass(frozen=True)
class CheckContext:
    """What checks look with: a cursor in a transaction that may only read, the bucket, the time.

    `deep` asks the checks that look at a sample to take a large one.
    """

    cursor: Cursor
    files: StoredFiles
    deep: bool = False
    objects: dict[str, Composable] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    @cached_property
    def has_ledger(self) -> bool:
        """Whether the database has a ledger, asked once: all checks see one state. Raises UntrustedLedgerError."""
        return is_installed(self.cursor)

    def rows(self, query: Composable) -> list[tuple[Any, ...]]:
        """Every row that the query answers."""
        self.cursor.execute(query)
        return list(self.cursor.fetchall())

    def row(self, query: Composable) -> tuple[Any, ...]:
        """The one row that the query answers."""
        (answer,) = self.rows(query)
        return answer

    def has_table(self, entity: str) -> bool:
        """Whether there is a table to look at: an older Nexus may lack that of an optional entity."""
        return not ENTITIES[entity].optional or catalog.is_there(self.cursor, ENTITIES[entity])

    def table(self, entity: str) -> Target:
        """The entity's table as the database has it. Raises ContractError where it is not there."""
        return catalog.reflect(self.cursor, ENTITIES[entity])


@dataclass(frozen=True)
class Finding:
    """A check's answer. `sample` holds our own ids and codes only; `figures` what else is worth a number or a plot.

    `cause` is one sentence about what most likely happened, where that can be computed: counts, codes and run ids only.
    """

    count: int
    breakdown: Mapping[str, int] = field(default_factory=dict)
    sample: tuple[Mapping[str, str], ...] = ()
    figures: Mapping[str, int] = field(default_factory=dict)
    next_step: str = ""
    cause: str = ""

    @property
    def passed(self) -> bool:
        return self.count == 0


@dataclass(frozen=True)
class Check:
    """One question about one entity's table, over all of its rows, and about the files of these listings.

    A `blocking` check of severity ERROR that fails stops the assets downstream in the same run and gives it exit code 1.
    """

    asset: str
    name: str
    description: str
    find: Callable[[CheckContext], Finding]
    severity: Severity = "ERROR"
    blocking: bool = False
    listings: tuple[Listing, ...] = ()

    @property
    def full_name(self) -> str:
        """`asset/name`, as the command line and alerts say it."""
        return f"{self.asset}/{self.name}"


NOT_EXPORTED = Finding(0, figures={"not_exported": 1})
"""The answer about an optional entity of which nothing was ever loaded."""


def never_loaded(entity: Entity) -> Finding:
    """The answer about an entity of which nothing was ever loaded."""
    return NOT_EXPORTED if entity.optional else Finding(1, {"never_loaded": 1}, next_step=loading(entity.name))


def loading(entity: str, *, with_parents: bool = True) -> str:
    """The command that loads an entity again."""
    return clinics.materialize_command(f"*{entity}" if with_parents else entity)


def violators(
    context: CheckContext,
    query: Composable,
    next_step: str | Callable[[CheckContext, Composable], str],
    figures: Mapping[str, int] | None = None,
    cause: Callable[[CheckContext, Composable], str] | None = None,
) -> Finding:
    """The finding of a query that returns violators: their reason in column `reason`, the rest their ids.

    The query runs once, and once more within `cause` and a computed `next_step` where there are violators: a check writes
    nothing, not even a temporary table. The sample shows every reason.
    """
    ranked = SQL("""
        SELECT * FROM (
          SELECT row_number() OVER (PARTITION BY v.reason ORDER BY v), count(*) OVER (PARTITION BY v.reason), v.* FROM ({query}) AS v
        ) AS ranked (place, of_reason) WHERE place <= {most} ORDER BY place, reason
    """).format(query=query, most=Literal(SAMPLE_ROWS))
    rows = context.rows(ranked)
    names = [column.name for column in context.cursor.description or ()][2:]
    counts = {str(row[2 + names.index("reason")]): int(row[1]) for row in rows}
    breakdown = dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
    sample = tuple(
        {name: "" if value is None else str(value) for name, value in zip(names, row[2:], strict=True)}
        for row in rows[:SAMPLE_ROWS]
    )
    told = cause(context, query) if cause is not None and breakdown else ""
    step = next_step if isinstance(next_step, str) or not breakdown else next_step(context, query)
    return Finding(sum(breakdown.values()), breakdown, sample, figures or {}, str(step) if breakdown else "", told)

"""What a report tells: the last load of every entity, every check with its history, what was healed. Counts and codes only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL

from nexus_assets.checks import CHECKS
from nexus_assets.checks.check import Check, Finding
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.ledger import shared
from nexus_assets.load.sources import remarks
from nexus_assets.mapping.entity import Entity
from nexus_assets.nexus import catalog, queries

HISTORY = 20
"""How many results of a check, and loads of an entity, are shown."""

OUTCOMES = ("inserted", "updated", "unchanged", "kept", "collapsed")
"""Where a source row can have ended beside `rejected`, in the order in which it is shown."""


@dataclass(frozen=True)
class Source:
    """A file or a listing that a load read. `number` counts the bytes of a file, the objects of a listing."""

    name: str
    file: str
    modified: datetime | None
    number: int
    sha256: str


@dataclass(frozen=True)
class Earlier:
    """One of an entity's last loads in three numbers of rows; `written` are those that it inserted or updated."""

    source_rows: int
    written: int
    rejected: int

    @property
    def share_rejected(self) -> float:
        return self.rejected / self.source_rows if self.source_rows else 0.0


@dataclass(frozen=True)
class Load:
    """The last load of an entity; `in_this_run` tells whether the run that the report is of made it."""

    entity: str
    load_id: int
    run_id: str
    started_at: datetime
    finished_at: datetime
    source_rows: int
    outcomes: Mapping[str, int]
    rejected: Mapping[str, int]
    notices: Mapping[str, int]
    healed: Mapping[str, int]
    adoption: Mapping[str, Mapping[str, int]]
    sources: Sequence[Source]
    rows: int
    in_this_run: bool
    remarks: Sequence[str] = ()
    trend: Sequence[Earlier] = ()
    """The entity's last loads, this one last."""

    @property
    def seconds(self) -> float:
        return (self.finished_at - self.started_at).total_seconds()

    @property
    def rejects(self) -> int:
        return sum(self.rejected.values())

    @property
    def loaded(self) -> int:
        """The source rows that are in Nexus."""
        return self.source_rows - self.rejects

    @property
    def success_rate(self) -> float:
        """The share of the source rows that are in Nexus."""
        return self.loaded / self.source_rows if self.source_rows else 1.0

    def accounting(self) -> dict[str, int]:
        """Every outcome with its rows, `rejected` last; they add up to the source rows."""
        return {**{name: self.outcomes.get(name, 0) for name in OUTCOMES}, "rejected": self.rejects}


@dataclass(frozen=True)
class Result:
    """One result of a check, as nexus_assets.check_result keeps it."""

    passed: bool
    violators: int
    checked_at: datetime
    run_id: str = ""
    breakdown: Mapping[str, int] = field(default_factory=dict)
    figures: Mapping[str, int] = field(default_factory=dict)
    next_step: str = ""


@dataclass(frozen=True)
class CheckHistory:
    """A check with its results, newest last, and its last one before the run's loads. `problem`: why it could not run."""

    check: Check
    results: Sequence[Result] = ()
    before: Result | None = None
    problem: str = ""

    @property
    def last(self) -> Result | None:
        return self.results[-1] if self.results else None

    @property
    def passed(self) -> bool:
        return not self.problem and (self.last is None or self.last.passed)

    @property
    def changed(self) -> bool:
        """Whether it ever was otherwise than it is, as far as the results shown go back."""
        return len({result.passed for result in self.results}) > 1

    @property
    def since(self) -> datetime | None:
        """Since when the results shown are as the last one is."""
        found = None
        for result in reversed(self.results):
            if result.passed != self.results[-1].passed:
                break
            found = result.checked_at
        return found


@dataclass(frozen=True)
class Report:
    """All that a report tells. `images_by_month` has the first day of a month; None counts the images without a date."""

    run_id: str
    made_at: datetime
    database: str
    loads: Sequence[Load]
    checks: Sequence[CheckHistory]
    superseded: Mapping[str, int]
    images_by_month: Mapping[Any, int]
    never_loaded: Sequence[str] = ()
    not_exported: Sequence[str] = ()

    @property
    def failed(self) -> list[CheckHistory]:
        """The checks that did not pass."""
        return [each for each in self.checks if not each.passed]

    @property
    def errors(self) -> list[CheckHistory]:
        """Those of them whose failing means that something is wrong, not only unusual."""
        return [each for each in self.failed if each.problem or each.check.severity == "ERROR"]

    @property
    def healed(self) -> list[CheckHistory]:
        """The checks that had violators before the run's loads and have fewer now."""
        return [
            each for each in self.checks if each.before and each.last and each.last.violators < each.before.violators
        ]

    @property
    def images_visible(self) -> tuple[int, int] | None:
        """How many images a person sees, of how many; None where that was not asked."""
        for each in self.checks:
            if each.check.full_name == "images/every_image_visible" and each.last and "visible" in each.last.figures:
                return each.last.figures["visible"], each.last.figures["total"]
        return None


def read_report(
    cursor: Cursor, run_id: str, database: str, answers: Mapping[Check, Finding | NexusAssetsError]
) -> Report:
    """The report of a run from the ledger. `answers` are the checks that were asked for it, beside those already kept."""
    loads = [load for entity in ENTITIES.values() if (load := _last_load(cursor, entity, run_id))]
    loaded = {load.entity for load in loads}
    started = min((load.started_at for load in loads if load.in_this_run), default=None)
    return Report(
        run_id=run_id,
        made_at=datetime.now(timezone.utc),
        database=database,
        loads=loads,
        checks=[_history(cursor, check, started, answers.get(check)) for check in CHECKS],
        superseded=_superseded(cursor),
        images_by_month=_images_by_month(cursor),
        never_loaded=[name for name, entity in ENTITIES.items() if not entity.optional and name not in loaded],
        not_exported=[name for name, entity in ENTITIES.items() if entity.optional and name not in loaded],
    )


def checks_without_result(cursor: Cursor, run_id: str) -> list[Check]:
    """The checks that were not answered since the last load of their entity, nor in this run: they are to be asked."""
    cursor.execute(
        """
        SELECT r.asset, r.check_name FROM nexus_assets.check_result AS r
        LEFT JOIN (SELECT entity, max(finished_at) AS loaded_at FROM nexus_assets.load GROUP BY 1) AS l ON l.entity = r.asset
        WHERE r.run_id = %s OR r.checked_at > coalesce(l.loaded_at, '-infinity')
        GROUP BY 1, 2
        """,
        (run_id,),
    )
    answered = set(cursor.fetchall())
    return [check for check in CHECKS if (check.asset, check.name) not in answered]


def _last_load(cursor: Cursor, entity: Entity, run_id: str) -> Load | None:
    cursor.execute(
        "SELECT id, run_id, started_at, finished_at, source_rows, outcomes, rejected, notices, healed, adoption, sources"
        " FROM nexus_assets.load WHERE entity = %s ORDER BY id DESC LIMIT 1",
        (entity.name,),
    )
    row = cursor.fetchone()
    if row is None:
        return None
    load_id, made_by, started_at, finished_at, source_rows, outcomes, rejected, notices, healed, adoption, sources = row
    own = shared.own_row_sql(entity, SQL("t.id"))
    counted = SQL("SELECT count(*) FROM {} AS t WHERE {}").format(catalog.reflect(cursor, entity).table, own)
    return Load(
        entity=entity.name,
        load_id=load_id,
        run_id=made_by,
        started_at=started_at,
        finished_at=finished_at,
        source_rows=source_rows,
        outcomes=outcomes,
        rejected=_most_first(rejected),
        notices=_most_first(notices),
        healed=_most_first(healed),
        adoption=adoption,
        sources=[_source(name, told) for name, told in sources.items()],
        rows=queries.number(cursor, counted),
        in_this_run=made_by == run_id,
        remarks=remarks(sources),
        trend=_trend(cursor, entity),
    )


def _trend(cursor: Cursor, entity: Entity) -> list[Earlier]:
    cursor.execute(
        "SELECT source_rows, outcomes, rejected FROM nexus_assets.load WHERE entity = %s ORDER BY id DESC LIMIT %s",
        (entity.name, HISTORY),
    )
    return [
        Earlier(rows, outcomes.get("inserted", 0) + outcomes.get("updated", 0), sum(rejected.values()))
        for rows, outcomes, rejected in reversed(cursor.fetchall())
    ]


def _most_first(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _source(name: str, told: Mapping[str, Any]) -> Source:
    modified = datetime.fromisoformat(told["modified"]) if told.get("modified") else None
    number = told.get("objects", told.get("size", 0))
    return Source(name, str(told.get("file", "")), modified, int(number or 0), str(told.get("sha256", "")))


def _history(
    cursor: Cursor, check: Check, started: datetime | None, answer: Finding | NexusAssetsError | None
) -> CheckHistory:
    cursor.execute(
        "SELECT passed, violators, checked_at, run_id, breakdown, figures, next_step FROM nexus_assets.check_result"
        " WHERE asset = %s AND check_name = %s ORDER BY id DESC LIMIT %s",
        (check.asset, check.name, HISTORY),
    )
    results = [Result(*row) for row in reversed(cursor.fetchall())]
    earlier = [result for result in results if started and result.checked_at < started]
    before = earlier[-1] if earlier else None
    if isinstance(answer, NexusAssetsError):
        return CheckHistory(check, results, before, problem=str(answer))
    if answer is not None:
        now = datetime.now(timezone.utc)
        results.append(Result(answer.passed, answer.count, now, "", answer.breakdown, answer.figures, answer.next_step))
    return CheckHistory(check, results[-HISTORY:], before)


def _superseded(cursor: Cursor) -> dict[str, int]:
    # Of a row that another entity brought that one knows the ids, too.
    bringing = [name for name, entity in ENTITIES.items() if entity.adds_rows]
    cursor.execute(
        "SELECT entity, count(*) FROM nexus_assets.superseded WHERE entity = ANY (%s) GROUP BY 1 ORDER BY 1",
        (bringing,),
    )
    return dict(cursor.fetchall())


def _images_by_month(cursor: Cursor) -> dict[Any, int]:
    images = catalog.reflect(cursor, ENTITIES["images"])
    cursor.execute(
        SQL("SELECT date_trunc('month', date_taken)::date, count(*) FROM {} GROUP BY 1 ORDER BY 1").format(images.table)
    )
    return dict(cursor.fetchall())

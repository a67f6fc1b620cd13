"""Was the last load as a load should be? Recent, from a recent export, and about as large as the one before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg2.sql import SQL, Literal

from nexus_assets.checks.check import CheckContext, Finding, loading, never_loaded
from nexus_assets.mapping.entity import Entity


@dataclass(frozen=True)
class Routine:
    """What counts as usual. A change in the number of rows is unusual where it exceeds both `rows` and `share`."""

    load_age: timedelta
    export_age: timedelta
    rows: int
    share: float

    def is_unusual(self, change: int, of: int) -> bool:
        return change > self.rows and change > of * self.share


def last_load_as_usual(routine: Routine, entity: Entity, context: CheckContext) -> Finding:
    """How old the last load and its exports are, and how many rows fewer, or rejects more, it had than the one before."""
    loads = _loads(context, entity.name)
    if not loads:
        return never_loaded(entity)
    finished, source_rows, rejected, sources = loads[0]
    age = context.now - finished
    modified = {
        name: datetime.fromisoformat(source["modified"]) for name, source in sources.items() if "modified" in source
    }
    old = {name: at for name, at in modified.items() if context.now - at > routine.export_age}
    figures = {"hours_since_load": age // timedelta(hours=1)}
    if modified:
        figures["days_since_export"] = (context.now - min(modified.values())) // timedelta(days=1)
    breakdown = {"load_too_old": int(age > routine.load_age), "export_too_old": len(old)}
    if len(loads) > 1:
        _, rows_before, rejected_before, _ = loads[1]
        fewer, more_rejected = rows_before - source_rows, rejected - rejected_before
        figures |= {"rows_fewer": max(0, fewer), "rejects_more": max(0, more_rejected)}
        breakdown["rows_fewer"] = fewer if routine.is_unusual(fewer, rows_before) else 0
        breakdown["rejects_more"] = more_rejected if routine.is_unusual(more_rejected, source_rows) else 0
    breakdown = {reason: number for reason, number in breakdown.items() if number}
    sample = tuple({"export": name, "modified": at.isoformat(timespec="minutes")} for name, at in sorted(old.items()))
    step = ""
    if breakdown:
        step = "put a new export from FileMaker in its place, then " if old else ""
        step += loading(entity.name)
    return Finding(sum(breakdown.values()), breakdown, sample, figures, step)


def _loads(context: CheckContext, entity: str) -> list[tuple[datetime, int, int, dict[str, Any]]]:
    """(finished, source rows, rejected rows, sources) of the last two loads, the last one first."""
    if not context.has_ledger:
        return []
    return context.rows(
        SQL("""
            SELECT finished_at, source_rows, (SELECT coalesce(sum(value::bigint), 0)::bigint FROM jsonb_each_text(rejected)),
                   sources
            FROM nexus_assets.load WHERE entity = {} ORDER BY id DESC LIMIT 2
        """).format(Literal(entity))
    )

"""A plan as one HTML page, for the person who approves it: what would change, by table and column, with our ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from markupsafe import Markup

from nexus_assets.mapping.reasons import NOTICES, REASONS
from nexus_assets.plan.words import ADOPTION, HEALED
from nexus_assets.report import pictures
from nexus_assets.report.page import Verdict, render

if TYPE_CHECKING:
    from nexus_assets.plan.plan import EntityPlan, Plan


@dataclass(frozen=True)
class Line:
    """What would happen to so many rows: its code or column, what that means, and the ids of some of them."""

    rows: int
    name: str
    meaning: str = ""
    ids: tuple[str, ...] = ()


def verdict(plan: Plan) -> Verdict:
    """The first sentence that a person reads."""
    if plan.would_stop:
        return Verdict("bad", "✗", "This load would be stopped.")
    if not plan.would_write:
        return Verdict("good", "✓", "Nothing would be written: Nexus is as the exports and the bucket are.")
    return Verdict("good", "✓", "Nothing would stop this load.")


def _groups(planned: EntityPlan) -> Iterator[tuple[str, list[Line]]]:
    """What would happen, under its heading, where it happens to any row."""

    def ids(kind: str, column: str = "") -> tuple[str, ...]:
        return tuple(planned.ids.get(kind, {}).get(column, ()))

    yield "New", [Line(planned.new, "rows", ids=ids("new"))] if planned.new else []
    yield (
        "Changed, by column",
        [Line(rows, name, ids=ids("changed", name)) for name, rows in planned.changed_columns.items()],
    )
    kept = [Line(rows, name, ids=ids("kept", name)) for name, rows in planned.kept_columns.items()]
    yield "Kept as Nexus has them, by column", kept
    for what, columns in planned.adoption.items():
        yield f"Adopted rows, {what}", [Line(rows, name, ADOPTION[what]) for name, rows in columns.items()]
    healed = {**planned.healed, "superseded": planned.superseded, "vanished": planned.vanished}
    yield (
        "Repaired, or worth knowing",
        [Line(rows, code, HEALED.get(code, "")) for code, rows in healed.items() if rows],
    )
    yield "Rejected", [Line(rows, code, REASONS.get(code, "")) for code, rows in planned.rejected.items()]
    yield "Loaded, with a notice", [Line(rows, code, NOTICES.get(code, "")) for code, rows in planned.noticed.items()]


def _picture(planned: EntityPlan) -> Markup:
    outcomes = {
        "inserted": planned.new,
        "updated": planned.changed,
        "unchanged": planned.unchanged,
        "kept": planned.kept,
        "collapsed": planned.collapsed,
        "rejected": sum(planned.rejected.values()),
    }
    return Markup(pictures.accounting(planned.entity, planned.rows or 0, outcomes))


def to_html(plan: Plan, made_at: datetime, time_zone: str) -> str:
    """The plan's page: counts, codes, names of columns and our ids; no value of any row."""
    reached = [each for each in plan.entities if each.rows is not None]
    return render(
        "plan.html.j2",
        time_zone,
        plan=plan,
        made_at=made_at,
        verdict=verdict(plan),
        reached=reached,
        total={
            "rows": sum(each.rows or 0 for each in reached),
            "new": sum(each.new for each in reached),
            "changed": sum(each.changed for each in reached),
            "kept": sum(each.kept for each in reached),
            "rejected": sum(sum(each.rejected.values()) for each in reached),
        },
        pictures={each.entity: _picture(each) for each in reached},
        groups={each.entity: [(title, lines) for title, lines in _groups(each) if lines] for each in reached},
    )

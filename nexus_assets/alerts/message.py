"""The words of an alert: what, how many, since when, where it began, why, what it stops, what to do. Never patient data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from nexus_assets.alerts.store import Alert, Change
from nexus_assets.asset_keys import asset_address
from nexus_assets.checks import CHECK_NAMES
from nexus_assets.entities import ENTITIES
from nexus_assets.settings import clinic_name

Told = tuple[Change, Alert]

HEADS = {"opened": "New", "changed": "Changed", "reminder": "Still open", "resolved": "Resolved"}
RUN_ID_LENGTH = 8


def headed(text: str) -> str:
    """The subject of a message: who sends it, for which clinic, and what about."""
    return f"{' '.join(filter(None, ('Nexus', clinic_name())))}: {text}"


def title(changes: Sequence[Told]) -> str:
    """One line: the alert that it is about, the worst where there are several, and how many more."""
    if len(changes) == 1:
        ((kind, alert),) = changes
        return headed(f"{HEADS[kind].lower()}: {_what(kind, alert)}")
    # The first is the worst of what is new: a phone shows no more than this.
    ((kind, alert), *others) = _in_order(changes)
    return headed(f"{HEADS[kind].lower()}: {_what(kind, alert)}; and {len(others)} more")


def body(changes: Sequence[Told], *, zone: str, dagster_url: str) -> str:
    """A paragraph for each alert: what is new, then what has changed, is still open, is resolved; errors first."""
    return "\n\n".join(
        _paragraph(kind, alert, ZoneInfo(zone), dagster_url.rstrip("/")) for kind, alert in _in_order(changes)
    )


def _in_order(changes: Sequence[Told]) -> list[Told]:
    return sorted(changes, key=lambda told: (list(HEADS).index(told[0]), told[1].severity, told[1].opened_at))


def blocked_assets(alert: Alert) -> list[str]:
    """What is not loaded in the same run because of this."""
    if alert.resolved_at is not None or not (alert.kind == "load" or (alert.blocking and alert.severity == "ERROR")):
        return []
    blocked: list[str] = []
    for name, entity in ENTITIES.items():  # parents before children
        if {alert.asset, *blocked} & {*entity.upstream}:
            blocked.append(name)
    return blocked


def _what(kind: Change, alert: Alert) -> str:
    said = {"check": alert.named, "crash": f"{alert.named} could not run"}
    what = f"{alert.severity} {said.get(alert.kind, f'{alert.named} failed')}"
    if alert.kind != "check" or alert.violators is None:
        return what
    if kind == "resolved":
        return f"{what}, 0 (was {_number(alert.told_violators)})"
    was = f" (was {_number(alert.told_violators)})" if alert.told_at is not None else " (was 0)"
    return f"{what}, {alert.violators:,}{was}"


def _number(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"


def _paragraph(kind: Change, alert: Alert, zone: ZoneInfo, dagster_url: str) -> str:
    lines = [f"{HEADS[kind]}: {_what(kind, alert)}"]
    check = CHECK_NAMES.get(alert.subject)
    if check is not None:
        lines.append(f"what must hold: {check.description}")
    if kind != "resolved" and alert.breakdown:
        lines.append("reasons: " + ", ".join(f"{number:,} {reason}" for reason, number in alert.breakdown.items()))
    since = f"since {_time(alert.opened_at, zone)}"
    if alert.first_run:
        since += f", first in run {alert.first_run[:RUN_ID_LENGTH]}: {dagster_url}/runs/{alert.first_run}"
    lines.append(since)
    if kind == "resolved" and alert.resolved_at is not None:
        lines.append(f"until {_time(alert.resolved_at, zone)}")
        return "\n".join(f"  {line}" if place else line for place, line in enumerate(lines))
    if alert.cause:
        lines.append(f"likely cause: {alert.cause}" if alert.kind == "check" else f"why: {alert.cause}")
    blocked = blocked_assets(alert)
    if blocked:
        lines.append(f"not loaded meanwhile: {', '.join(blocked)}")
    if alert.next_step:
        lines.append(f"run next: {alert.next_step}")
    if check is not None:
        lines.append(f"see which rows: {dagster_url}/assets/{asset_address(check.asset)}?view=checks")
    return "\n".join(f"  {line}" if place else line for place, line in enumerate(lines))


def _time(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%d %b %Y %H:%M %Z}"

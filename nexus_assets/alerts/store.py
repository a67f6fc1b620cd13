"""The alert book: which alerts are open, what was told of them, and what is still to be delivered; in the ledger's schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from typing import Literal as OneOf

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json
from psycopg2.sql import SQL, Identifier, Literal

from nexus_assets.alerts.policy import PATIENCE
from nexus_assets.nexus import queries
from nexus_assets.run_scope import UNNAMED_JOB

if TYPE_CHECKING:
    from nexus_assets.alerts.events import Event

Change = OneOf["opened", "changed", "reminder", "resolved"]


@dataclass(frozen=True)
class Alert:
    """Something that is or was wrong. `told_…` is what the last message about it said; None where there was none."""

    subject: str
    kind: str
    asset: str
    severity: str
    violators: int | None
    opened_at: datetime
    first_run: str
    last_run: str
    breakdown: Mapping[str, int] = field(default_factory=dict)
    cause: str = ""
    next_step: str = ""
    blocking: bool = False
    told_at: datetime | None = None
    told_kind: str | None = None
    told_severity: str | None = None
    told_violators: int | None = None
    resolved_at: datetime | None = None
    id: int | None = None

    @property
    def named(self) -> str:
        """The subject as people read it."""
        return self.subject.replace(f"{UNNAMED_JOB} ", "of ")


@dataclass(frozen=True)
class Seen:
    """Up to where a subject's history was read, and the records before that which were not over yet (of runs: were told)."""

    position: float
    pending: tuple[int, ...] = ()


@dataclass(frozen=True)
class Waiting:
    """A message that was not delivered yet."""

    id: int
    destination: str
    title: str
    body: str
    attempts: int


def fold(alert: Alert | None, event: Event) -> Alert | None:
    """The alert of a subject after an event: opened by the first bad one, kept up to date, resolved by a good one."""
    at = datetime.fromtimestamp(event.at, timezone.utc)
    if not event.bad:
        return None if alert is None else replace(alert, resolved_at=at)
    if alert is None or alert.resolved_at is not None:
        alert = Alert(event.subject, event.kind, event.asset, event.severity, None, at, event.run_id, event.run_id)
    return replace(
        alert,
        kind=event.kind,
        severity=event.severity,
        violators=event.violators,
        last_run=event.run_id,
        breakdown=event.breakdown,
        cause=event.cause,
        next_step=event.next_step,
        blocking=event.blocking,
    )


def change(alert: Alert, now: datetime) -> Change | None:
    """What is to be told of an alert now, if anything. What was right again before anybody was told is not told at all."""
    if alert.resolved_at is not None:
        return "resolved" if alert.told_at is not None else None
    if alert.told_at is None:
        return "opened"
    patience = PATIENCE[alert.severity]
    if (alert.kind, alert.severity) != (alert.told_kind, alert.told_severity):
        return "changed"
    if patience.is_a_step(alert.told_violators, alert.violators):
        return "changed"
    return "reminder" if now - alert.told_at >= patience.remind_after else None


def told(alert: Alert, now: datetime) -> Alert:
    """The alert after a message about it was written down."""
    return replace(
        alert, told_at=now, told_kind=alert.kind, told_severity=alert.severity, told_violators=alert.violators
    )


def is_kept(cursor: Cursor) -> bool:
    """Whether the database has a book at all."""
    return queries.yes(cursor, "SELECT to_regclass('nexus_assets.alert_message') IS NOT NULL")


class Book:
    """The book of one database, read and written through a cursor in the caller's transaction."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    def seen(self) -> dict[str, Seen]:
        """Up to where the history has been turned into alerts."""
        self._cursor.execute("SELECT subject, position, pending FROM nexus_assets.alert_seen")
        return {subject: Seen(position, tuple(pending)) for subject, position, pending in self._cursor.fetchall()}

    def keep_seen(self, seen: Mapping[str, Seen]) -> None:
        for subject, one in seen.items():
            self._cursor.execute(
                "INSERT INTO nexus_assets.alert_seen AS s (subject, position, pending) VALUES (%s, %s, %s)"
                " ON CONFLICT (subject) DO UPDATE SET position = excluded.position, pending = excluded.pending"
                " WHERE (s.position, s.pending) IS DISTINCT FROM (excluded.position, excluded.pending)",
                (subject, one.position, list(one.pending)),
            )

    def open_alerts(self) -> dict[str, Alert]:
        """The alerts that are not resolved, by subject, the oldest first."""
        self._cursor.execute(
            SQL("SELECT {} FROM nexus_assets.alert WHERE resolved_at IS NULL ORDER BY opened_at, id").format(
                SQL(", ").join(Identifier(each.name) for each in fields(Alert))
            )
        )
        return {alert.subject: alert for alert in (Alert(*row) for row in self._cursor.fetchall())}

    def keep(self, alerts: Iterable[Alert]) -> None:
        """Adds the new ones and updates the known."""
        for alert in alerts:
            kept = {**vars(alert), "breakdown": Json(dict(alert.breakdown))}
            id_ = kept.pop("id")
            statement = (
                SQL("INSERT INTO nexus_assets.alert ({}) VALUES ({})")
                if id_ is None
                else SQL("UPDATE nexus_assets.alert SET ({}) = ROW ({}) WHERE id = {}")
            )
            names, values = map(Identifier, kept), map(Literal, kept.values())
            self._cursor.execute(statement.format(SQL(", ").join(names), SQL(", ").join(values), Literal(id_)))

    def post(self, destination: str, title: str, body: str) -> None:
        """Writes down a message to be delivered."""
        self._cursor.execute(
            "INSERT INTO nexus_assets.alert_message (destination, title, body) VALUES (%s, %s, %s)",
            (destination, title, body),
        )

    def waiting(self) -> list[Waiting]:
        """The messages that were not delivered yet, the oldest first."""
        self._cursor.execute(
            "SELECT id, destination, title, body, attempts FROM nexus_assets.alert_message"
            " WHERE delivered_at IS NULL ORDER BY id"
        )
        return [Waiting(*row) for row in self._cursor.fetchall()]

    def tried(self, message: Waiting, *, delivered: bool) -> None:
        """Keeps what became of an attempt."""
        self._cursor.execute(
            "UPDATE nexus_assets.alert_message SET attempts = attempts + 1, tried_at = clock_timestamp(),"
            " delivered_at = CASE WHEN %s THEN clock_timestamp() END WHERE id = %s",
            (delivered, message.id),
        )

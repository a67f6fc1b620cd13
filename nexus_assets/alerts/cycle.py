"""One round: read what is new in Dagster's history, bring the book up to date, deliver what is waiting, give a sign of life."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from nexus_assets import clinics, settings
from nexus_assets.alerts import message
from nexus_assets.alerts.delivery import DeliveryError, Sender
from nexus_assets.alerts.events import History, OpenSubject, read_note, write_note
from nexus_assets.alerts.policy import TRIES_BEFORE_STATUS_TELLS, UNREACHABLE_FOR, Destination
from nexus_assets.alerts.store import Alert, Book, Change, Waiting, change, fold, told
from nexus_assets.errors import unforeseen_errors_told_by_kind
from nexus_assets.ledger.retention import purge_alerts
from nexus_assets.ledger.schema import free_numbers, install
from nexus_assets.nexus.connection import DatabaseError, transaction, where
from nexus_assets.run_scope import Scope
from nexus_assets.wire import pages_address

if TYPE_CHECKING:
    import dagster as dg
    import sqlalchemy

LOCK = "alerts"
"""Advisory lock: the sensor and `nexus-assets alert` must not tell the same thing at the same time."""

UNREACHABLE = "nexus_assets.alerts.unreachable"
"""The note beside Dagster's history, which clinics may share; the clinic's name follows where there is one."""


@dataclass(frozen=True)
class Round:
    """What a round did, in numbers, and whether the heartbeat was taken."""

    told: dict[str, int]
    open: int
    delivered: int
    heartbeat: bool

    def __str__(self) -> str:
        said = ", ".join(f"{number} {kind}" for kind, number in self.told.items() if number) or "nothing new"
        beat = "" if self.heartbeat else "; the heartbeat was not taken"
        return f"{said}; {self.open} open; {self.delivered} delivered{beat}"


@unforeseen_errors_told_by_kind()
def make_round(
    instance: dg.DagsterInstance, engine: sqlalchemy.Engine, sender: Sender, scope: Scope, now: datetime | None = None
) -> Round:
    """One round. Raises DeliveryError where something could not be delivered (it stays waiting), DatabaseError where the
    book can't be reached (after a while that is reported without it)."""
    now = now or datetime.now(timezone.utc)
    try:
        counts, open_now = _bring_up_to_date(instance, engine, sender, scope, now)
        _tell_reachable_again(instance, engine)
        delivered, refused = _deliver(engine, sender)
    except DatabaseError as error:
        _tell_unreachable(instance, sender, error, now)
        raise
    if refused:
        raise DeliveryError(
            f"{', '.join(refused)} did not take the message.",
            remedy="It is kept and tried again in the next round. Check NEXUS_ALERT_URLS with `nexus-assets alert --test`.",
        )
    return Round(counts, open_now, delivered, sender.ping())


def _bring_up_to_date(
    instance: dg.DagsterInstance, engine: sqlalchemy.Engine, sender: Sender, scope: Scope, now: datetime
) -> tuple[dict[str, int], int]:
    """Folds what is new into the book and writes the messages about it, all or nothing. Returns counts and open alerts."""
    with transaction(engine, lock=LOCK) as cursor:
        install(cursor)
        free_numbers(cursor, "alert", "alert_message")
        book = Book(cursor)
        known = book.open_alerts()
        subjects = [OpenSubject(alert.subject, alert.kind, alert.asset) for alert in known.values()]
        events, seen = History(instance, scope, now).read(book.seen(), subjects)
        alerts: dict[str, Alert] = dict(known)
        over: list[Alert] = []
        for event in events:
            alert = fold(alerts.pop(event.subject, None), event)
            if alert is None:
                continue
            if alert.resolved_at is None:
                alerts[event.subject] = alert
            else:
                over.append(alert)
        changes = [(kind, alert) for alert in (*over, *alerts.values()) if (kind := change(alert, now)) is not None]
        if sender.destinations:
            _post(book, sender.destinations, changes)
            news = {alert.subject for kind, alert in changes if kind != "resolved"}
            alerts = {name: told(alert, now) if name in news else alert for name, alert in alerts.items()}
        book.keep(alert for alert in (*over, *alerts.values()) if alert != known.get(alert.subject))
        book.keep_seen(seen)
        purge_alerts(cursor, settings.RETENTION_DAYS.number())
    counts = {kind: sum(each == kind for each, _ in changes) for kind in message.HEADS}
    return counts, len(alerts)


def _post(book: Book, destinations: Iterable[Destination], changes: list[tuple[Change, Alert]]) -> None:
    """One message for each destination that wants any of it."""
    for destination in destinations:
        wanted = [
            (kind, alert)
            for kind, alert in changes
            # Who was told of a warning is told when it becomes an error, and the other way round.
            if any(
                destination.wants(severity, alert.asset)
                for severity in (alert.severity, alert.told_severity or alert.severity)
            )
        ]
        if wanted:
            text = message.body(wanted, zone=settings.TIME_ZONE.value(), dagster_url=pages_address())
            book.post(destination.name, message.title(wanted), text)


def _deliver(engine: sqlalchemy.Engine, sender: Sender) -> tuple[int, list[str]]:
    """Sends what is waiting, each message marked at once: killed in between, one message at most is sent twice.

    Returns how many were delivered, and the destinations that refused one. What waits behind a refused message keeps its
    order, unless that one was refused again and again: then it is the message, not the receiver, and the others pass it.
    """
    known = {destination.name: destination for destination in sender.destinations}
    delivered, tried, refused, closed = 0, set[int](), list[str](), set[str]()
    while known:
        with transaction(engine, lock=LOCK) as cursor:
            book = Book(cursor)
            found = next(_to_send(book.waiting(), known, tried, closed), None)
            if found is None:
                break
            waiting, destination = found
            taken = sender.send(destination, waiting.title, waiting.body)
            book.tried(waiting, delivered=taken)
        tried.add(waiting.id)
        delivered += taken
        if not taken:
            if destination.name in refused or waiting.attempts < TRIES_BEFORE_STATUS_TELLS:
                closed.add(destination.name)
            refused.append(destination.name)
    return delivered, list(dict.fromkeys(refused))


def _to_send(
    waiting: Iterable[Waiting], known: Mapping[str, Destination], tried: Container[int], closed: Container[str]
) -> Iterator[tuple[Waiting, Destination]]:
    """The waiting messages that may be sent now, with where to. One for a destination that is no longer set goes to the
    first that is: nothing that was to be told is lost by correcting an address."""
    for one in waiting:
        destination = known.get(one.destination) or next(iter(known.values()))
        if one.id not in tried and destination.name not in closed:
            yield one, destination


def _unreachable() -> str:
    return ".".join(filter(None, (UNREACHABLE, settings.clinic_name())))


def _tell_unreachable(instance: dg.DagsterInstance, sender: Sender, error: DatabaseError, now: datetime) -> None:
    """The book itself can't be reached: after a while that is reported to all, once each, noted beside Dagster's history."""
    name = _unreachable()
    note = read_note(instance, name) or {"since": now.timestamp(), "told": []}
    if now.timestamp() - note["since"] >= UNREACHABLE_FOR.total_seconds():
        since = f"{datetime.fromtimestamp(note['since'], timezone.utc):%d %b %Y %H:%M UTC}"
        text = f"{error.problem} Since {since} nothing can be checked or loaded.\n  run next: {clinics.own_command('status')}"
        for destination in sender.destinations:
            if (
                destination.name not in note["told"]
                and destination.wants("ERROR", "")
                and sender.send(destination, message.headed("new: ERROR the Nexus database can't be used"), text)
            ):
                note["told"].append(destination.name)
    write_note(instance, name, note)


def _tell_reachable_again(instance: dg.DagsterInstance, engine: sqlalchemy.Engine) -> None:
    """Posts to everyone who was told of the unreachable book that it is over: delivered, and tried again, like any alert."""
    note = read_note(instance, _unreachable())
    if note is None:
        return
    with transaction(engine, lock=LOCK) as cursor:
        book = Book(cursor)
        for name in note["told"]:
            book.post(
                name,
                message.headed("resolved: ERROR the Nexus database can't be used"),
                f"The database {where(engine)} can be used again.",
            )
    # After the commit: killed in between, it is told twice rather than never.
    write_note(instance, _unreachable(), None)

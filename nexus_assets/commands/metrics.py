"""The status of clinics in Prometheus's text format: counts and ages alone, each with the clinic's name as a label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest

GAUGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "up": ("1 where the clinic's database and bucket could be looked at, 0 otherwise.", ()),
    "load_age_seconds": ("Seconds since the last load of a table ended.", ("entity",)),
    "rows": ("Rows in Nexus.", ("entity",)),
    "orphans": ("Rows whose generic reference leads to no row.", ("entity",)),
    "rejects": ("Rows of the export that could not be loaded and are open.", ("entity", "reason")),
    "images_visible": ("Images that a person sees in Nexus.", ()),
    "failed_checks": ("Checks that fail now.", ("severity",)),
    "open_alerts": ("Alerts that are not resolved.", ("kind", "severity")),
    "undelivered_alerts": ("Messages that nobody received although they were sent again and again.", ()),
}
"""Name after nexus_assets_ -> what it is, and its labels beside the clinic's name."""

Values = Iterable[tuple[str, tuple[str, ...], float]]


def _of_entity(name: str, entity: Mapping[str, Any], now: datetime) -> Values:
    if entity["rows"] is not None:  # the table of an optional entity need not be there
        yield "rows", (name,), entity["rows"]
    yield "orphans", (name,), entity["orphans"]
    for reason, number in entity["rejected"].items():
        yield "rejects", (name, reason), number
    if entity["last_load"]:
        ended = datetime.fromisoformat(entity["last_load"]["finished_at"])
        yield "load_age_seconds", (name,), (now - ended).total_seconds()


def _of_clinic(status: Mapping[str, Any] | None, now: datetime) -> Values:
    yield "up", (), float(status is not None)
    if status is None:
        return
    for name, entity in status["entities"].items():
        yield from _of_entity(name, entity, now)
    yield "images_visible", (), status["images_visible"]
    yield "failed_checks", ("ERROR",), len(status["failed_checks"])
    yield "failed_checks", ("WARN",), len(status["warnings"])
    yield "undelivered_alerts", (), status["alerts"]["undelivered"]
    alerts = Counter((alert["kind"], alert["severity"]) for alert in status["alerts"]["open"])
    for labels, number in alerts.items():
        yield "open_alerts", labels, number


def exposition(statuses: Mapping[str, Mapping[str, Any] | None]) -> str:
    """The metrics of clinics by name, from what `status --json` has of each; None where it could not look.

    Where no clinic is named its name is empty, which to Prometheus is the same as no label.
    """
    registry, now = CollectorRegistry(), datetime.now(timezone.utc)
    gauges = {
        name: Gauge(f"nexus_assets_{name}", text, ("clinic", *labels), registry=registry)
        for name, (text, labels) in GAUGES.items()
    }
    for clinic, status in statuses.items():
        for name, labels, value in _of_clinic(status, now):
            gauges[name].labels(clinic, *labels).set(value)
    return generate_latest(registry).decode()

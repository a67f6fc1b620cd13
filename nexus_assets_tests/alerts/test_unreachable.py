"""When the Nexus database itself is away, where the alerts are kept: that too reaches a person, once."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from nexus_assets.alerts.delivery import DeliveryError
from nexus_assets.nexus.connection import DatabaseError, make_engine
from nexus_assets_tests.alerts.graph import Graph
from nexus_assets_tests.alerts.receivers import Webhook

NOW = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)


def test_database_that_stays_away_is_told_once_and_then_that_it_is_back(graph: Graph, hook: Webhook) -> None:
    there, graph.engine = graph.engine, make_engine("postgresql://nexus:hunter2@127.0.0.1:1/nexus")
    for seconds in (0, 15, 60, 75, 90):
        with pytest.raises(DatabaseError):
            graph.round(hook.url, heartbeat=hook.heartbeat_url, now=NOW + timedelta(seconds=seconds))
    assert [message.title for message in hook.received] == ["Nexus: new: ERROR the Nexus database can't be used"]
    assert "hunter2" not in hook.received[0].body
    assert hook.beats == 0
    graph.engine = there
    graph.round(hook.url, heartbeat=hook.heartbeat_url)
    graph.round(hook.url, heartbeat=hook.heartbeat_url)
    assert [message.title for message in hook.received][1:] == [
        "Nexus: resolved: ERROR the Nexus database can't be used"
    ]
    assert hook.beats == 2


def test_short_absence_is_not_told(graph: Graph, hook: Webhook) -> None:
    there, graph.engine = graph.engine, make_engine("postgresql://nexus:x@127.0.0.1:1/nexus")
    for seconds in (0, 15, 30):
        with pytest.raises(DatabaseError):
            graph.round(hook.url, now=NOW + timedelta(seconds=seconds))
    graph.engine = there
    graph.round(hook.url)
    assert hook.received == []


def test_what_failed_meanwhile_is_told_when_the_database_is_back(graph: Graph, hook: Webhook) -> None:
    there, graph.engine = graph.engine, make_engine("postgresql://nexus:x@127.0.0.1:1/nexus")
    graph.find(no_orphaned_references=3)
    with pytest.raises(DatabaseError):
        graph.round(hook.url, now=NOW)
    graph.engine = there
    graph.round(hook.url)
    assert len(hook.received) == 1


def test_message_that_it_is_back_is_tried_again_until_it_is_taken(graph: Graph, hook: Webhook) -> None:
    there, graph.engine = graph.engine, make_engine("postgresql://nexus:x@127.0.0.1:1/nexus")
    for seconds in (0, 60, 75):
        with pytest.raises(DatabaseError):
            graph.round(hook.url, now=NOW + timedelta(seconds=seconds))
    graph.engine = there
    hook.refuses = "resolved"
    with pytest.raises(DeliveryError):
        graph.round(hook.url)
    hook.refuses = ""
    graph.round(hook.url)
    graph.round(hook.url)
    assert [message.title for message in hook.received][1:] == [
        "Nexus: resolved: ERROR the Nexus database can't be used"
    ]

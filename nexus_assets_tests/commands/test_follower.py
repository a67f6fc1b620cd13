"""What a run says while it goes on is told, its last words too."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from nexus_assets.commands import materialize


def test_what_a_run_said_last_is_told_before_the_command_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(materialize, "_tell", lambda event, _: told.append(event))
    last = SimpleNamespace(event_type="the last")
    record = SimpleNamespace(event_log_entry=SimpleNamespace(dagster_event=last))

    def records(_: str, cursor: str | None) -> SimpleNamespace:
        time.sleep(0.2)
        return SimpleNamespace(cursor="1", records=[] if cursor else [record])

    history: Any = SimpleNamespace(get_records_for_run=records)
    follower = materialize._Follower(history, "run", Console())
    follower.start()
    follower.finish()
    assert told == [last]

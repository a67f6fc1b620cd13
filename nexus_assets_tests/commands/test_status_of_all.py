"""A clinic's row of `status --all`: the oldest of its loads, and what is wrong in it."""

from __future__ import annotations

from typing import Any

import pytest

from nexus_assets.commands.status_of_all import _clinic_row


def status(*finished: str | None) -> dict[str, Any]:
    entities = {
        str(number): {"orphans": number, "last_load": at and {"finished_at": at}} for number, at in enumerate(finished)
    }
    return {"entities": entities, "images_visible": 1200, "failed_checks": ["a"], "alerts": {"open": ["b", "c"]}}


def test_a_row_says_what_is_there_and_the_oldest_load() -> None:
    told = status("2026-03-02T09:00:30+00:00", None, "2026-03-01T08:15:59+00:00")
    assert _clinic_row("north", 1, told) == ["north", "1,200", "3", "1", "2", "2026-03-01 08:15", "errors"]


@pytest.mark.parametrize(("code", "outcome"), [(0, "ok"), (1, "errors"), (2, "could not run"), (130, "could not run")])
def test_the_outcome_is_the_exit_code(code: int, outcome: str) -> None:
    assert _clinic_row("north", code, status())[-2:] == ["never", outcome]
    assert _clinic_row("north", code, None) == ["north", "", "", "", "", "", outcome]

"""What `nexus-assets check` tells of what did not pass."""

from __future__ import annotations

import io
import uuid

import pytest
from rich.console import Console

from nexus_assets.checks import CHECKS
from nexus_assets.checks.check import Finding
from nexus_assets.commands.check import tell
from nexus_assets.load.settings import config_json


@pytest.mark.parametrize("width", [20, 80, 300])
def test_ids_and_commands_are_whole_however_narrow_the_terminal(width: int) -> None:
    sample = [{"nexus_id": str(uuid.uuid4()), "source_id": str(uuid.uuid4()), "cause": "edited"} for _ in range(3)]
    console = Console(file=io.StringIO(), width=width)
    step = f"dagster asset materialize --select notes {config_json('notes', 'filemaker_wins')}"
    tell({CHECKS[0]: Finding(3, {"edited": 3}, sample, {}, step)}, console)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert f"  Run next: {step}" in lines
    for row in sample:
        # Where a row needs more than one line, each value stands whole in one of them.
        assert [value for value in row.values() if not any(value in line.split() for line in lines)] == []

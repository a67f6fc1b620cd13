"""What `nexus-assets check` tells of what did not pass."""

from __future__ import annotations

import io
import uuid

import pytest
from rich.console import Console

from nexus_assets.checks import CHECKS
from nexus_assets.checks.check import Finding
from nexus_assets.commands.check import tell


@pytest.mark.parametrize("width", [20, 80, 300])
def test_no_id_is_cut_however_narrow_the_terminal(width: int) -> None:
    sample = [{"nexus_id": str(uuid.uuid4()), "source_id": str(uuid.uuid4()), "cause": "edited"} for _ in range(3)]
    console = Console(file=io.StringIO(), width=width)
    tell({CHECKS[0]: Finding(3, {"edited": 3}, sample, {}, "nexus-assets status")}, console)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    for row in sample:
        assert any(line.split() == list(row.values()) for line in lines)

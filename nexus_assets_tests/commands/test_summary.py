"""The summary of the last loads where not everything was loaded."""

from __future__ import annotations

import io

from rich.console import Console

from nexus_assets.commands.summary import tell_summary


def test_an_entity_that_was_never_loaded_has_a_line_of_noughts() -> None:
    load = {"source_rows": 30, "inserted": 28, "updated": 0, "unchanged": 0, "kept": 0, "seconds": 1.5}
    console = Console(file=io.StringIO(), width=100)
    tell_summary(
        console,
        {
            "patients": {"last_load": load, "rejected": {"no_last_name": 2}, "orphans": 0},
            "notes": {"last_load": None, "rejected": {}, "orphans": 0},
        },
    )
    assert isinstance(console.file, io.StringIO)
    lines = [line.split() for line in console.file.getvalue().splitlines()]
    assert ["notes", *["0"] * 7, "0.0"] in lines
    assert ["all", "30", "28", "0", "0", "0", "2", "0", "1.5"] in lines

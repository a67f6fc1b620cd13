"""What the last load of each entity did, as a table, read from the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from nexus_assets.commands.tables import indented, tell_collapsed, tell_counts, tell_figures, tell_meanings
from nexus_assets.entities import ENTITIES
from nexus_assets.mapping.entity import FileRecords
from nexus_assets.mapping.reasons import REASONS

HEADINGS = ("entity", "source", "inserted", "updated", "unchanged", "kept", "rejected", "orphans", "seconds")


def tell_summary(console: Console, entities: Mapping[str, Any]) -> None:
    """What the last load of each entity did, in a line each, with totals; why rows were rejected, in a list below."""
    lines: list[list[float]] = []
    for entity in entities.values():
        load = entity["last_load"] or {}
        counts = [load.get(name, 0) for name in ("source_rows", "inserted", "updated", "unchanged", "kept")]
        lines.append([*counts, sum(entity["rejected"].values()), entity["orphans"], load.get("seconds", 0)])
    *totals, seconds = (sum(column) for column in zip(*lines, strict=True))

    def told(name: str, numbers: Sequence[float]) -> list[str]:
        return [name, *(f"{number:,.0f}" for number in numbers[:-1]), f"{numbers[-1]:.1f}"]

    rows = [told(name, line) for name, line in zip(entities, lines, strict=True)]
    tell_figures(console, "Import summary, in rows", HEADINGS, rows, told("all", [*totals, seconds]))
    tell_meanings(console, HEADINGS, rows)
    lasts = {name: entity["last_load"] or {} for name, entity in entities.items()}
    tell_collapsed(console, {name: last.get("collapsed", 0) for name, last in lasts.items()})
    files = [name for name in entities if isinstance(ENTITIES[name].source, FileRecords)]
    if files:
        words = f"source: rows of the exports; of {' and '.join(files)}, files in the bucket."
        console.print(indented(words), style="dim")
    rejected = {name: entity["rejected"] for name, entity in entities.items()}
    tell_counts(console, "Rejected", rejected, REASONS)
    console.print()


def print_summary(console: Console, names: Sequence[str]) -> None:
    """The summary of these entities' last loads; nothing where there is no ledger. Raises NexusAssetsError."""
    from nexus_assets.commands.status import last_loads
    from nexus_assets.resources import NexusDatabase

    found = last_loads(NexusDatabase().engine(), names)
    if found:
        tell_summary(console, found)

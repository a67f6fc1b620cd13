"""`nexus-assets learn-ids FILE`: teach the ledger the ids that rows had before it existed, from a list or a backup."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from nexus_assets import clinics
from nexus_assets.admin.learn import LEARNABLE, Learned, learn
from nexus_assets.commands.tables import tell_figures
from nexus_assets.resources import NexusDatabase

COLUMNS = ("rows", "superseded", "to_restore", "known", "living", "nameless", "references")


def _tell(learned: dict[str, Learned], console: Console) -> None:
    rows = [(name, *(f"{getattr(each, column):,}" for column in COLUMNS)) for name, each in learned.items()]
    tell_figures(console, "Ids learned", ("", *(column.replace("_", " ") for column in COLUMNS)), rows)
    console.print(
        "superseded: earlier ids of rows that have another one; to restore: ids that the next import brings back;"
    )
    console.print(
        "living: rows that have this id now; nameless: rows without a FileMaker id; references: rows that lead there."
    )


@click.command("learn-ids")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--entity", type=click.Choice(LEARNABLE), default="patients", show_default=True, help="What a list's ids are of."
)
def command(file: Path, entity: str) -> None:
    """Learn from FILE: a CSV (or workbook) with the columns id and filemaker_id, or a backup by pg_dump in its custom format.

    Only the ledger is written; the next load moves the references. Exit code 0: learned, 2: nothing was written.
    """
    learned = learn(NexusDatabase().engine(), file, entity)
    _tell(learned, Console())
    if any(each.superseded or each.to_restore or each.references for each in learned.values()):
        select = ",".join(learned) if len(learned) == 1 else "*"
        click.echo(f"Run next: {clinics.materialize_command(select)}")

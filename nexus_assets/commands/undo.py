"""`nexus-assets undo`: what undoing a load would do, and, once that is confirmed, exactly that."""

from __future__ import annotations

import getpass
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.console import Console

from nexus_assets import clinics
from nexus_assets.commands.tables import tell_counts, tell_figures, tell_rows
from nexus_assets.resources import NexusDatabase

if TYPE_CHECKING:
    from nexus_assets.admin.undo import UndoPlan
    from nexus_assets.admin.undo_values import Kept

SHOWN = 20


def _tell(planned: UndoPlan, console: Console) -> None:
    from nexus_assets.admin.undo_values import REASONS

    rows = [
        (
            str(load.load_id),
            load.entity,
            load.finished_at,
            *(f"{n:,}" for n in (load.undoing.removed, sum(load.undoing.put_back.values()), len(load.undoing.kept))),
        )
        for load in planned.loads
    ]
    headings = ("load", "entity", "loaded at", "rows removed", "values put back", "kept")
    tell_figures(console, f"To be undone in {planned.database}", headings, rows, names=3)
    names = {load.load_id: f"{load.load_id} {load.entity}" for load in planned.loads}
    for title, counts in (
        ("Values put back, by table and column", {names[e.load_id]: e.undoing.put_back for e in planned.loads}),
        ("Rows brought back that the load removed", {names[e.load_id]: e.undoing.brought_back for e in planned.loads}),
        ("Open again in the ledger", {names[e.load_id]: e.undoing.reopened for e in planned.loads}),
        ("Withdrawn from the ledger", {names[e.load_id]: e.undoing.withdrawn for e in planned.loads}),
    ):
        tell_counts(console, title, counts, {})
    kept = [each for load in planned.loads for each in load.undoing.kept]
    counted = Counter((each.table, each.reason) for each in kept)
    by_table: dict[str, dict[str, int]] = {}
    for (table, reason), number in counted.items():
        by_table.setdefault(table, {})[reason] = number
    tell_counts(console, "Kept as they are", by_table, REASONS)
    _tell_kept(kept, console)


def _tell_kept(kept: Sequence[Kept], console: Console) -> None:
    if not kept:
        return
    rows = [(each.table, each.id, each.column, each.reason) for each in kept[:SHOWN]]
    tell_rows(console, "Rows and values that stay", ("table", "id", "column", "reason"), rows)
    if len(kept) > SHOWN:
        console.print(f"{len(kept) - SHOWN:,} more: --json shows all of them.")


@click.command("undo")
@click.argument("chosen", metavar="[LOAD]", required=False)
@click.option("--yes", "typed", metavar="DATABASE", help="The database's name, instead of typing it when asked.")
@click.option("--by", help="Who undoes it; the user of this machine by default.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON, and undo nothing.")
def command(chosen: str | None, typed: str | None, by: str | None, as_json: bool) -> None:
    """Undo LOAD (its number, or the id of a run; the last run by default): remove the rows that it made, put back what it changed.
    What people or later loads have changed since is kept and named. The next load brings everything again, under the same ids.

    Exit code 0: undone, or undone before; 1: stopped, nothing was undone; 2: could not run.
    """
    from nexus_assets.admin.undo import UndoError, plan, undo

    engine = NexusDatabase().engine()
    try:
        with Console(stderr=True).status("Undoing, to be rolled back, for the plan"):
            planned = plan(engine, chosen)
        if as_json:
            click.echo(json.dumps(asdict(planned), indent=2))
            return
        if planned.already:
            earlier = clinics.own_command("undo LOAD")
            click.echo(f"{planned.already} There is nothing to undo; `{earlier}` undoes an earlier one.")
            return
        console = Console()
        _tell(planned, console)
        if typed is None and sys.stdin.isatty():
            typed = click.prompt("\nType the database's name to undo this", default="")
        if typed != planned.database:
            words = f"{chosen} " if chosen else ""
            raise UndoError(
                f"The database's name, {planned.database}, was not typed.",
                remedy=f"Nothing was undone. Run `nexus-assets undo {words}--yes {planned.database}` to undo this.",
            )
        with Console(stderr=True).status("Undoing"):
            undo(engine, chosen, planned, by or getpass.getuser())
    except UndoError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    click.echo(f"Undone. Run next: {clinics.own_command('check')}")

"""`nexus-assets reset`: take out what importers made, so that the next import recreates it under the same ids."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click
from rich.console import Console

from nexus_assets import clinics
from nexus_assets.admin.reset import ResetError, ResetPlan, plan, refuse, reset
from nexus_assets.commands.tables import tell_figures
from nexus_assets.resources import NexusDatabase
from nexus_assets.wording import counted

COLUMNS = ("rows", "in Nexus only", "not in FileMaker")


def _tell(planned: ResetPlan, console: Console) -> None:
    rows = [
        (name, *(f"{number:,}" for number in (each.rows, each.known_to_nexus_only, each.gone_from_filemaker)))
        for name, each in planned.removals.items()
    ]
    tell_figures(console, f"To be removed from {planned.database}", ("", *COLUMNS), rows)
    console.print(
        "in Nexus only: rows with a value that FileMaker does not have; not in FileMaker: rows it no longer has."
    )


@click.command("reset")
@click.option("--yes", "typed", metavar="DATABASE", help="The database's name, instead of typing it when asked.")
@click.option("--accept-losses", is_flag=True, help="Remove also what the next import can't bring back.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON, and remove nothing.")
def command(typed: str | None, accept_losses: bool, as_json: bool) -> None:
    """Remove the rows that importers made, children first; the ledger stays, so that the next import restores every id.

    Exit code 0: removed, or nothing to remove; 1: stopped, nothing was removed; 2: could not run.
    """
    engine = NexusDatabase().engine()
    with Console(stderr=True).status("Counting what importers made"):
        planned = plan(engine)
    if as_json:
        told = {"removals": {name: asdict(each) for name, each in planned.removals.items()}, "hanging": planned.hanging}
        click.echo(json.dumps({"database": planned.database, **told}, indent=2))
        sys.exit(0)
    console = Console()
    _tell(planned, console)
    if not planned.rows:
        click.echo("Nothing to remove.")
        sys.exit(0)
    try:
        refuse(planned, accept_losses=accept_losses)
        if typed is None and sys.stdin.isatty():
            typed = click.prompt(f"Type the database's name to remove {counted(planned.rows, 'row')}", default="")
        if typed != planned.database:
            raise ResetError(
                f"The database's name, {planned.database}, was not typed.",
                remedy=f"Nothing was removed. Run `nexus-assets reset --yes {planned.database}` if these rows may go.",
            )
        with Console(stderr=True).status(f"Removing {counted(planned.rows, 'row')}"):
            reset(engine, planned, accept_losses=accept_losses)
    except ResetError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    click.echo(f"Removed {counted(planned.rows, 'row')}. Run next: {clinics.materialize_command('*')}")

"""`nexus-assets guard install|remove|status`: triggers with which no client can commit a dangling generic reference."""

from __future__ import annotations

import json
import sys

import click
from rich.console import Console

from nexus_assets import clinics
from nexus_assets.admin import guard
from nexus_assets.commands.tables import tell_rows
from nexus_assets.nexus.connection import transaction
from nexus_assets.resources import NexusDatabase


def _tell(found: guard.Status, console: Console) -> None:
    unguarded = {name: state for name, state in found.tables.items() if state != "guarded"}
    states = (*found.keys.items(), *((f"leading to {name}", state) for name, state in unguarded.items()))
    rows = [(name, state if state == "guarded" else f"[red]{state}[/red]") for name, state in states]
    tell_rows(console, "Guard", ("generic key", "state"), rows)


@click.group("guard")
def command() -> None:
    """Triggers in the Nexus database that refuse every commit that would leave a dangling generic reference."""


@command.command("install")
def install() -> None:
    """Put the guard up, or bring it up to date after Nexus has changed; refused while references are dangling."""
    found = guard.install(NexusDatabase().engine())
    click.echo(f"Guarded: {', '.join(found.keys)}, and {len(found.tables)} tables that they can lead to.")


@command.command("remove")
def remove() -> None:
    """Take the guard down."""
    number = guard.remove(NexusDatabase().engine())
    click.echo(f"Removed {number} triggers." if number else "There was no guard.")


@command.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print the states as JSON, for programs.")
def status(as_json: bool) -> None:
    """Which generic keys are guarded. Exit code 0: all of them, 1: not all, 2: could not run."""
    with transaction(NexusDatabase().engine(), commit=False) as cursor:
        found = guard.status(cursor)
    if as_json:
        click.echo(json.dumps({"guarded": found.is_whole, "keys": found.keys, "tables": found.tables}, indent=2))
    else:
        _tell(found, Console())
        if not found.is_whole:
            click.echo(f"Run next: {clinics.own_command('guard install')}")
    sys.exit(0 if found.is_whole else 1)

"""`nexus-assets load`: the run that Dagster's command starts, with a progress bar, a summary, and what to do next."""

from __future__ import annotations

import os
import sys

import click
from rich.console import Console

from nexus_assets import clinics

WITH_SETTINGS = click.option(
    "--with",
    "switched_on",
    multiple=True,
    metavar="SETTING",
    help="A setting of the load to switch on, such as allow_vanished; several times if need be.",
)


@click.command("load")
@click.argument("select", default="*")
@WITH_SETTINGS
def command(select: str, switched_on: tuple[str, ...]) -> None:
    """Load SELECT (images, '*images', patients,notes; everything by default) and run its checks, in one run of Dagster's.

    Exit code 0: loaded, and no blocking check failed, 1: otherwise, 2: could not run.
    """
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    console = Console()
    with console.status("Starting"):
        from nexus_assets.commands import dagster_instance
        from nexus_assets.commands.materialize import materialize
        from nexus_assets.commands.summary import print_summary
        from nexus_assets.graph.selection import selected_entities
        from nexus_assets.plan.plan import check_settings

        check_settings(switched_on)
        names = selected_entities(select)
    dagster_instance.use_that_of_the_demo()
    if not dagster_instance.is_kept():
        console.print("DAGSTER_HOME is not set: this run leaves no history in Dagster's pages and sends no alert.")
    config = {name: dict.fromkeys(switched_on, True) for name in names}
    succeeded = materialize(console, None if select == "*" else names, config if switched_on else None)
    if succeeded:
        print_summary(console, names)
        console.print(f"Loaded. Run next, to see what is in Nexus now: {clinics.own_command('status')}")
    else:
        console.print("[red]Not loaded to the end[/red]: the reason is above.")
    sys.exit(0 if succeeded else 1)

"""`nexus-assets demo`: the demo clinic from nothing to a loaded, checked Nexus, with a summary of what came of it."""

from __future__ import annotations

import os
import sys
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from nexus_assets.commands.status import look
from nexus_assets.errors import NexusAssetsError
from nexus_assets.settings import BUCKET, DATABASE_URL, EXPORTS


def _refuse_real_clinic() -> None:
    """The demo writes a clinic of its own: never where the settings name a real one."""
    named = [setting.name for setting in (DATABASE_URL, EXPORTS, BUCKET) if setting.value()]
    if named:
        raise NexusAssetsError(
            f"{', '.join(named)} {'is' if len(named) == 1 else 'are'} set: the demo uses its own clinic only.",
            remedy="Unset them (environment, .env), or run `dagster asset materialize --select '*'` to load that clinic.",
        )


def _summary(status: dict[str, Any]) -> Table:
    table = Table(title="Import summary")
    numbers = ("source rows", "inserted", "updated", "unchanged", "kept")
    table.add_column("entity")
    for name in numbers:
        table.add_column(name, justify="right")
    table.add_column("rejected")
    table.add_column("orphans", justify="right")
    table.add_column("seconds", justify="right")
    totals = dict.fromkeys((*numbers, "rejected", "orphans", "seconds"), 0.0)
    for name, entity in status["entities"].items():
        load = entity["last_load"]
        counts = [load[key.replace(" ", "_")] for key in numbers]
        rejected = sum(entity["rejected"].values())
        reasons = ", ".join(f"{number:,} {reason}" for reason, number in entity["rejected"].items())
        for key, number in zip(
            (*numbers, "rejected", "orphans", "seconds"),
            (*counts, rejected, entity["orphans"], load["seconds"]),
            strict=True,
        ):
            totals[key] += number
        table.add_row(
            name, *(f"{number:,}" for number in counts), reasons, f"{entity['orphans']:,}", f"{load['seconds']:.1f}"
        )
    table.add_section()
    table.add_row(
        "all",
        *(f"{int(totals[key]):,}" for key in numbers),
        f"{int(totals['rejected']):,}",
        f"{int(totals['orphans']):,}",
        f"{totals['seconds']:.1f}",
    )
    return table


@click.command("demo")
@click.option(
    "--scale", type=click.IntRange(1, 1000), default=1, show_default=True, help="How many times the published size."
)
@click.option("--fresh", is_flag=True, help="Throw the local clinic and its database away first.")
def command(scale: int, fresh: bool) -> None:
    """Load the demo clinic into a local Nexus, check everything, and show what came of it."""
    _refuse_real_clinic()
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    console = Console()

    from nexus_assets.local.dagster_home import prepare as prepare_history
    from nexus_assets.local.demo import prepare
    from nexus_assets.local.services import connect

    console.print("Starting the local PostgreSQL and S3 server")
    services = connect()
    os.environ.setdefault("DAGSTER_HOME", str(prepare_history(services.home)))
    prepare(services, scale, fresh=fresh, tell=console.print)

    from nexus_assets.commands.running import materialize_everything

    console.print("Materializing the whole graph")
    succeeded = materialize_everything(console)
    status, findings = look()
    console.print(_summary(status))
    figures = findings["images", "every_image_visible"].figures
    console.print(f"Images that a person sees: {figures['visible']:,} of {figures['total']:,}")
    failed = status["failed_checks"]
    console.print(f"Checks: {len(findings) - len(failed)} passed, {len(failed)} failed {' '.join(failed)}".rstrip())
    console.print("Open the UI: python3 dev.py ui. Daily: dagster asset materialize --select images")
    sys.exit(0 if succeeded and not failed else 1)

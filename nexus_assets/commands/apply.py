"""`nexus-assets apply FILE`: carries out a plan that `nexus-assets plan --out` wrote, if nothing has changed since."""

from __future__ import annotations

import os
import sys
import uuid
from pathlib import Path

import click
from rich.console import Console


@click.command("apply")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def command(file: Path) -> None:
    """Carry out a plan, if exports, bucket and ledger are still those that it was made on; else say what differs.

    Exit code 0: done, 1: not carried out, or not to its end, 2: could not run.
    """
    from nexus_assets import clinics
    from nexus_assets.plan.apply import read_plan, what_differs
    from nexus_assets.resources import ClinicBucket, FileMakerExports, NexusDatabase

    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    console = Console()
    plan = read_plan(file)
    with console.status("Comparing with the plan"):
        differing = list(
            what_differs(plan, NexusDatabase(), FileMakerExports(), ClinicBucket(), f"apply-{uuid.uuid4()}")
        )
    if differing:
        console.print("[bold red]Not carried out[/bold red]; nothing was written:")
        for sentence in differing:
            console.print(f"  {sentence}", highlight=False, markup=False)
        console.print(f"Run `{clinics.own_command('plan')}` again.")
        sys.exit(1)

    from nexus_assets.commands.plan import tell_plan

    console.print(f"Settings switched on: {', '.join(plan.settings) or 'none'}.", highlight=False)
    tell_plan(plan.as_plan(), console, carried_out=True)
    from nexus_assets.commands.materialize import materialize

    succeeded = materialize(console, list(plan.bases), plan.run_config(), plan.run_tags())
    console.print("Carried out as planned." if succeeded else "Not carried out to its end: see above.")
    sys.exit(0 if succeeded else 1)

"""`nexus-assets demo`: the demo clinic from nothing to a loaded, checked Nexus, with a summary of what came of it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

import click
from rich.console import Console

from nexus_assets import clinics
from nexus_assets.commands.status import look
from nexus_assets.commands.summary import tell_summary
from nexus_assets.errors import NexusAssetsError
from nexus_assets.settings import BUCKET, DATABASE_URL, EXPORTS, FILEMAKER_URL

CLINICS = ("north", "south", "east", "west")
SMALL = 0.05
"""The size of each of several clinics, to the published one: what they show is not their size."""


def _demo_of(name: str, scale: float, *, fresh: bool) -> int:
    """Makes the demo clinic of this name in a process of its own; returns its exit code.

    Its settings say no more than where its servers and files are; Dagster's history is shared.
    """
    from nexus_assets.local import dagster_home
    from nexus_assets.local.home import local_home

    dagster_home.use(local_home())
    file = clinics.settings_file(name)
    if not file.exists():
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.write_text(f"NEXUS_LOCAL_HOME={shlex.quote(str(local_home() / clinics.FOLDER / name))}\n", "utf-8")
        file.chmod(0o600)
    click.secho(f"\nClinic {name}", bold=True)
    options = ["--scale", str(scale), *(["--fresh"] if fresh else [])]
    return subprocess.call([sys.executable, "-m", "nexus_assets", "demo", *options], env=clinics.environment(name))


def _whole_above_one(_context: click.Context, _parameter: click.Parameter, scale: float | None) -> float | None:
    if scale is not None and scale > 1 and scale != int(scale):
        raise click.BadParameter("Above 1 it is a whole number.")
    return scale


def refuse_real_clinic() -> None:
    """The demo writes a clinic of its own: never where the settings name a real one."""
    named = [setting.name for setting in (DATABASE_URL, EXPORTS, FILEMAKER_URL, BUCKET) if setting.value()]
    if named:
        raise NexusAssetsError(
            f"{', '.join(named)} {'is' if len(named) == 1 else 'are'} set: the demo uses its own clinic only.",
            remedy="Unset them (environment, .env), or run `nexus-assets load` to load that clinic.",
        )


@click.command("demo")
@click.option(
    "--scale",
    type=click.FloatRange(0.01, 1000),
    callback=_whole_above_one,
    help=f"How many times the published size; 0.05 is a twentieth. By default 1, and {SMALL} with --clinics.",
)
@click.option("--fresh", is_flag=True, help="Throw the local clinic and its database away first.")
@click.option(
    "--clinics",
    "number",
    type=click.IntRange(1, len(CLINICS)),
    help=f"So many clinics on one Dagster, of other people each: {', '.join(CLINICS)}.",
)
def command(scale: float | None, fresh: bool, number: int | None) -> None:
    """Load the demo clinic into a local Nexus, check everything, and show what came of it."""
    refuse_real_clinic()
    if number:
        sys.exit(max(_demo_of(name, scale or SMALL, fresh=fresh) for name in CLINICS[:number]))
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    console = Console()

    from nexus_assets.local import dagster_home
    from nexus_assets.local.demo import prepare
    from nexus_assets.local.home import SOURCE
    from nexus_assets.local.services import connect

    console.print("Starting the local PostgreSQL and S3 server")
    services = connect()
    dagster_home.use(services.home)
    prepare(services, scale or 1, fresh=fresh, tell=console.print)

    from nexus_assets.commands.materialize import materialize
    from nexus_assets.report.write import latest

    console.print("Materializing the whole graph")
    succeeded = materialize(console)
    status, findings = look()
    if not succeeded:
        console.print(
            "\nThis run failed: what went wrong stands above. The rest below is what Nexus holds from earlier loads."
        )
    tell_summary(console, status["entities"])
    figures = findings["images", "every_image_visible"].figures
    console.print(f"Visible images: {figures.get('visible', 0):,} of {figures.get('total', 0):,}")
    failed, warnings = status["failed_checks"], status["warnings"]
    passed = len(findings) - len(failed) - len(warnings)
    console.print(f"Checks: {passed} passed, {len(failed)} failed {' '.join(failed)}".rstrip())
    if warnings:
        console.print(f"Warnings: {' '.join(warnings)}")
    page = latest()
    if succeeded and page is not None:
        console.print(f"Report: {page.as_uri()}", soft_wrap=True)
    in_checkout = (SOURCE / "dev.py").exists()
    console.print(f"Open the UI: {'python3 dev.py ui' if in_checkout else clinics.own_command('webserver')}")
    if in_checkout:
        console.print("In a new shell: source .venv/bin/activate")
    console.print(f"Load again: {clinics.materialize_command('images')}")
    sys.exit(0 if succeeded and not failed else 1)

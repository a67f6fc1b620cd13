"""`nexus-assets incident`: the incident on the stage of the demo clinic: done, seen by the checks, healed by the daily command."""

from __future__ import annotations

import collections
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
from rich.console import Console

from nexus_assets import clinics
from nexus_assets.checks import CHECKS
from nexus_assets.checks.check import StoredFiles
from nexus_assets.checks.run import ask_all, stored_files
from nexus_assets.commands.demo import refuse_real_clinic
from nexus_assets.commands.tables import tell_figures
from nexus_assets.errors import NexusAssetsError
from nexus_assets.local.incident import Figures, is_well, live_in, measure, strike
from nexus_assets.local.services import LocalServices, connect
from nexus_assets.nexus.connection import DatabaseError, make_engine
from nexus_assets.resources import ClinicBucket

HEALING = {
    "*images": "patients, batches, images, and every other row that refers to a patient",
    "appointments,notes,*coordinator_links": "adopts what the other importer recreated, restores the rest",
}
"""What is materialized to heal everything, in this order, and what each of them repairs."""


def _make_well(services: LocalServices, console: Console) -> None:
    """Leaves the demo clinic in the local Nexus loaded and whole, as `demo` does."""
    from nexus_assets.commands.materialize import materialize
    from nexus_assets.local.demo import prepare, written_scale

    prepare(services, written_scale(services) or 1, fresh=False, tell=console.print)
    if not is_well(make_engine(services.database_url)):
        console.print("Loading the demo clinic")
        if not materialize(console):
            raise NexusAssetsError(
                "The demo clinic could not be loaded.", remedy="Run `python3 dev.py demo --fresh`, then this again."
            )


def _list(files: StoredFiles) -> None:
    """Lists what the checks will look at."""
    for listing in ("images", "documents"):
        collections.deque(files.listing(listing), maxlen=0)


def _look(services: LocalServices, files: StoredFiles) -> tuple[Figures, dict[str, int]]:
    """The figures now, and the checks of severity ERROR that fail, with their violators; the others are about taste and time."""
    engine, findings = make_engine(services.database_url), {}
    severe = [check for check in CHECKS if check.severity == "ERROR"]
    for check, answer in ask_all(severe, engine, files):
        if isinstance(answer, NexusAssetsError):
            raise answer
        findings[check] = answer
    (visible,) = (finding for check, finding in findings.items() if check.name == "every_image_visible")
    red = {check.full_name: finding.count for check, finding in findings.items() if not finding.passed}
    return measure(engine, visible.figures["visible"]), red


def _heal(selection: str) -> float:
    """Runs the daily command over a selection; returns its seconds. Raises NexusAssetsError."""
    started = time.monotonic()
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("dagster")),
            "asset",
            "materialize",
            "--select",
            clinics.with_clinic(selection),
        ],
        env={**os.environ, "DAGSTER_CLI_ASSET_MATERIALIZE_MODULE_NAME": "nexus_assets.definitions"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise NexusAssetsError(
            f"`{clinics.materialize_command(selection)}` ended with exit code {done.returncode}:\n{done.stdout[-4000:]}\n",
            remedy="Run it by hand to see all of what it says.",
        )
    return time.monotonic() - started


def _tell_figures(broken: Figures, healed: Figures | None, console: Console) -> None:
    states = {"broken": broken} if healed is None else {"broken": broken, "healed": healed}
    told: dict[str, Callable[[Figures], str]] = {
        "images visible": lambda state: f"{state.images_visible:,} of {state.images:,}",
        "images uploaded by hand, visible": lambda state: f"{state.native_images_visible} of {state.native_images}",
        "image batches": lambda state: f"{state.batches:,}",
        "image batches made by hand": lambda state: f"{state.native_batches}",
        "image batches linked to a patient": lambda state: f"{state.valid_links:.0%}",
        "documents with a dangling link": lambda state: f"{state.documents_leading_nowhere:,}",
        "captions rewritten by people": lambda state: f"{state.captions_rewritten}",
        "notes": lambda state: f"{state.notes:,}",
        "appointments": lambda state: f"{state.appointments:,}",
    }
    rows = [(name, *(figure(state) for state in states.values())) for name, figure in told.items()]
    tell_figures(console, "The incident", ("", *states), rows)


def _say_red(red: Mapping[str, int], console: Console) -> None:
    if not red:
        console.print("[green]Checks: no ERROR[/green]")
        return
    console.print(f"[red]Checks: {len(red)} ERROR[/red]")
    for name, number in red.items():
        console.print(f"  [red]{name}[/red] {number:,}")


@click.command("incident")
@click.option("--unhealed", is_flag=True, help="Leave the database broken, to heal it in the UI.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON, for programs.")
def command(unhealed: bool, as_json: bool) -> None:
    """Replay the incident on the demo clinic, show the checks fail, and repair it with the daily command.

    Exit code 0: everything is repaired (or, with the guard installed, the incident could not happen), 1: otherwise.
    """
    refuse_real_clinic()
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    console = Console(stderr=as_json)
    from nexus_assets.local import dagster_home

    with console.status("Starting the local PostgreSQL and S3 server"):
        services = connect()
    dagster_home.use(services.home)
    _make_well(services, console)
    engine = make_engine(services.database_url)
    files = stored_files(ClinicBucket(), "incident")
    with ThreadPoolExecutor(max_workers=1) as aside:
        # Listed once, while the database is busy: nothing of this changes what lies there.
        listed = aside.submit(_list, files)
        with console.status("Adding what people do in Nexus"):
            live_in(engine, services)
        console.print("The clinic is loaded; people have uploaded a batch by hand and rewritten captions")
        try:
            with console.status("Importing the patients a second time"):
                people = strike(engine)
        except DatabaseError as error:
            console.print(f"Another importer tried, and the database did not let it: {error}")
            sys.exit(0 if is_well(engine) else 1)
        console.print(
            f"Another importer has recreated {people:,} patients under new ids, and imported the images twice"
        )
        with console.status("Listing the bucket"):
            listed.result()
    with console.status("Running the checks"):
        broken, red = _look(services, files)
    _say_red(red, console)
    if unhealed:
        _tell_figures(broken, None, console)
        commands = " && ".join(clinics.materialize_command(selection) for selection in HEALING)
        console.print(f"Heal it: python3 dev.py ui, or {commands}", soft_wrap=True)
        sys.exit(0)
    seconds = 0.0
    for selection, what in HEALING.items():
        console.print(f"$ {clinics.materialize_command(selection)}")
        with console.status("Loading"):
            took = _heal(selection)
        seconds += took
        console.print(f"  {what}: {took:.0f} s", soft_wrap=True)
    with console.status("Running the checks"):
        healed, still_red = _look(services, files)
    _say_red(still_red, console)
    _tell_figures(broken, healed, console)
    if as_json:
        figures = {"broken": broken.as_json(), "healed": healed.as_json(), "red": red, "still_red": still_red}
        click.echo(json.dumps({**figures, "seconds": round(seconds, 1)}, indent=2))
    sys.exit(1 if still_red or healed.references_leading_nowhere else 0)

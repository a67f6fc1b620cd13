"""`nexus-assets status --all`: the status of every clinic, each asked in a process of its own, in one table."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import click
from rich.console import Console

from nexus_assets import clinics
from nexus_assets.commands.metrics import exposition
from nexus_assets.commands.tables import tell_figures
from nexus_assets.errors import NexusAssetsError

CLINICS_AT_ONCE = 2


def _status_of(name: str, options: Sequence[str]) -> tuple[int, dict[str, Any] | None, str]:
    """The exit code of a clinic's `status`, asked in a process with that clinic's settings; its JSON, and what it complained of."""
    done = subprocess.run(
        [sys.executable, "-m", "nexus_assets", "status", "--json", *options],
        env=clinics.environment(name),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr.strip()


def _clinic_row(name: str, code: int, status: dict[str, Any] | None) -> list[str]:
    outcome = {0: "ok", 1: "errors"}.get(code, "could not run")
    if status is None:
        return [name, *[""] * 5, outcome]
    entities = status["entities"].values()
    loaded = [entity["last_load"]["finished_at"] for entity in entities if entity["last_load"]]
    return [
        name,
        f"{status['images_visible']:,}",
        f"{sum(entity['orphans'] for entity in entities):,}",
        f"{len(status['failed_checks']):,}",
        f"{len(status['alerts']['open']):,}",
        min(loaded)[:16].replace("T", " ") if loaded else "never",
        outcome,
    ]


def status_of_all(strict: bool, *, as_json: bool, as_metrics: bool) -> int:
    """Prints the status of all clinics and returns the worst of their exit codes."""
    names = clinics.names()
    if not names:
        raise NexusAssetsError(
            f"There is no {clinics.FOLDER}/NAME.env in this folder.",
            remedy="Without --all, `nexus-assets status` shows the one clinic of the settings.",
        )
    options = ["--strict"] if strict else []
    with Console(stderr=True).status("Checking all clinics"), ThreadPoolExecutor(max_workers=CLINICS_AT_ONCE) as pool:
        answers = dict(zip(names, pool.map(lambda name: _status_of(name, options), names), strict=True))
    if as_json:
        click.echo(
            json.dumps({name: {"exit_code": code, "status": status} for name, (code, status, _) in answers.items()})
        )
    elif as_metrics:
        click.echo(exposition({name: status for name, (_, status, _) in answers.items()}), nl=False)
    else:
        console = Console()
        headings = ("clinic", "images seen", "orphans", "failed checks", "open alerts", "oldest load (UTC)", "status")
        rows = [_clinic_row(name, code, status) for name, (code, status, _) in answers.items()]
        tell_figures(console, "Clinics", headings, rows)
        for name, (code, status, complaint) in answers.items():
            if status is None:
                console.print(f"[red]{name}[/red]: ", end="")
                console.print(complaint, markup=False, highlight=False)
            elif code:
                console.print(f"[red]{name}[/red]. Run next: nexus-assets --clinic {name} status")
    return max(code for code, _, _ in answers.values())

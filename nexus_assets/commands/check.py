"""`nexus-assets check`: every check, or those selected, without loading anything; for a person, a script, or cron."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Mapping
from typing import Any

import click
from rich.console import Console
from rich.padding import Padding

from nexus_assets.checks import CHECKS
from nexus_assets.checks.check import Check, Finding
from nexus_assets.checks.run import ask_all, keep, stored_files
from nexus_assets.cli import EXIT_ERROR
from nexus_assets.commands import dagster_instance
from nexus_assets.commands.tables import tell_rows
from nexus_assets.errors import NexusAssetsError
from nexus_assets.resources import ClinicBucket, NexusDatabase

FOUND_SOMETHING = 1

Answers = Mapping[Check, Finding | NexusAssetsError]


def select(words: tuple[str, ...]) -> list[Check]:
    """The checks of the selected assets, names or asset/name pairs; all of them where nothing is selected.

    Raises click.BadParameter for a word that selects nothing.
    """
    wanted = [part.strip().replace(".", "/") for word in words for part in word.split(",") if part.strip()]
    if not wanted:
        return list(CHECKS)
    for word in wanted:
        if not any(word in (check.asset, check.name, check.full_name) for check in CHECKS):
            raise click.BadParameter(
                f"{word!r} is no asset and no check. `nexus-assets check --list` shows them all.",
                param_hint="--select",
            )
    return [check for check in CHECKS if {check.asset, check.name, check.full_name} & {*wanted}]


def as_json(answers: Answers) -> dict[str, Any]:
    """The answers as programs read them. A check that could not run has `passed` null, and `error`."""
    checks = []
    for check, answer in answers.items():
        entry: dict[str, Any] = {
            "asset": check.asset,
            "check": check.name,
            "severity": check.severity,
            "blocking": check.blocking,
        }
        if isinstance(answer, Finding):
            entry |= {
                "passed": answer.passed,
                "count": answer.count,
                "breakdown": dict(answer.breakdown),
                "sample": [dict(row) for row in answer.sample],
                "figures": dict(answer.figures),
                "cause": answer.cause,
                "next_step": answer.next_step,
            }
        else:
            entry |= {"passed": None, "count": None, "breakdown": {}, "sample": [], "error": str(answer)}
        checks.append(entry)
    return {"checks": checks}


def exit_code(answers: Answers, *, strict: bool = False) -> int:
    """0: no error, and with `strict` no warning either; 1: otherwise; 2: a check could not run."""
    if any(isinstance(answer, NexusAssetsError) for answer in answers.values()):
        return EXIT_ERROR
    failed = (check for check, answer in answers.items() if isinstance(answer, Finding) and not answer.passed)
    return FOUND_SOMETHING if any(strict or check.severity == "ERROR" for check in failed) else 0


def tell(answers: Answers, console: Console) -> None:
    """What did not pass, with its reasons, its likely cause, some ids and what to do; then one line about all."""
    passed = 0
    for check, answer in answers.items():
        if isinstance(answer, NexusAssetsError):
            console.print(f"[red]{check.full_name}[/red] could not run. {answer}")
            continue
        if answer.passed:
            passed += 1
            continue
        colour = "red" if check.severity == "ERROR" else "yellow"
        reasons = ", ".join(f"{number:,} {reason}" for reason, number in answer.breakdown.items())
        console.print(f"[{colour}]{check.severity} {check.full_name}[/{colour}]: {reasons}")
        if answer.cause:
            console.print(f"  {answer.cause}")
        if answer.sample:
            tell_rows(console, "", list(answer.sample[0]), [list(row.values()) for row in answer.sample])
        # As one line, however narrow the terminal: a command that is broken can't be pasted.
        if answer.next_step:
            console.print(f"  Run next: {answer.next_step}", soft_wrap=True)
    console.print(f"{passed} of {len(answers)} checks passed.")


def _list(console: Console) -> None:
    for check in CHECKS:
        blocks = ", blocks" if check.blocking and check.severity == "ERROR" else ""
        console.print(f"[bold]{check.full_name}[/bold] ({check.severity}{blocks})", highlight=False)
        console.print(Padding(check.description, (0, 0, 0, 2)), highlight=False)


def _tell_dagster(findings: Mapping[Check, Finding]) -> None:
    """Adds the findings to Dagster's history, where there is one: the UI shows them, and alerts are sent for them."""
    if not dagster_instance.is_kept():
        return
    from nexus_assets.graph.entity_checks import evaluation

    with dagster_instance.opened() as instance:
        for check, finding in findings.items():
            instance.report_runless_asset_event(evaluation(check, finding))


@click.command("check")
@click.option(
    "--select", "selected", multiple=True, metavar="NAME", help="An asset, a check, or asset/check; several by commas."
)
@click.option("--deep", is_flag=True, help="Open hundreds of files as the front end does, not just a few.")
@click.option("--strict", is_flag=True, help="Exit code 1 for warnings as well.")
@click.option("--json", "wants_json", is_flag=True, help="Print the findings as JSON, for programs.")
@click.option("--list", "wants_list", is_flag=True, help="List all checks, and look at nothing.")
def command(selected: tuple[str, ...], deep: bool, strict: bool, wants_json: bool, wants_list: bool) -> None:
    """Run the checks without loading anything. Exit code 0: no error (warnings are reported), 1: otherwise, 2: could not run."""
    if wants_list:
        _list(Console())
        return
    run_id = f"check-{uuid.uuid4()}"
    engine, files = NexusDatabase().engine(), stored_files(ClinicBucket(), run_id)
    chosen = select(selected)
    with Console(stderr=True).status(f"Running {len(chosen)} checks"):
        answers: Answers = dict(ask_all(chosen, engine, files, deep=deep))
    if wants_json:
        click.echo(json.dumps(as_json(answers), indent=2))
    else:
        tell(answers, Console())
    # Whoever asked has the answers, also where they can't be kept.
    findings = {check: answer for check, answer in answers.items() if isinstance(answer, Finding)}
    keep(findings, engine, run_id)
    _tell_dagster(findings)
    sys.exit(exit_code(answers, strict=strict))

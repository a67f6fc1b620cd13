"""`nexus-assets rejects`: which rows could not be loaded, and the lane on which they come in once somebody corrected them."""

from __future__ import annotations

import json
import shlex
import sys
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from nexus_assets import clinics
from nexus_assets.commands.tables import tell_counts, tell_rows
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.mapping.reasons import NOT_BY_A_CELL, REASONS
from nexus_assets.resources import ClinicBucket, FileMakerExports, NexusDatabase
from nexus_assets.wording import counted

if TYPE_CHECKING:
    from nexus_assets.admin.rejects import Reject
    from nexus_assets.admin.retry import Retried

SHOWN = 20


def _narrowed(function: Callable[..., Any]) -> Callable[..., Any]:
    of = click.option("--entity", type=click.Choice([*ENTITIES]), help="Only the rejects of this entity.")
    why = click.option("--reason", type=click.Choice([*REASONS]), help="Only those of this reason.")
    return of(why(function))


@click.group("rejects", invoke_without_command=True)
@_narrowed
@click.option("--rows", default=SHOWN, show_default=True, type=click.IntRange(0), help="How many rows to list.")
@click.option("--json", "as_json", is_flag=True, help="Print all of them as JSON, for programs.")
@click.pass_context
def command(ctx: click.Context, entity: str | None, reason: str | None, rows: int, as_json: bool) -> None:
    """List the rows that could not be loaded: where they are and why, never what is in them. `rejects export` writes them into a
    workbook to correct, `rejects retry` loads the corrected ones, `rejects purge` removes what is resolved.

    Exit code 0: listed, however many there are; 2: could not run.
    """
    if ctx.invoked_subcommand is not None:
        return
    from nexus_assets.admin.rejects import counts, open_rejects

    found = open_rejects(NexusDatabase().engine(), entity, reason)
    if as_json:
        told = [{**asdict(each), "since": each.since and each.since.isoformat()} for each in found]
        click.echo(json.dumps({"counts": counts(found), "rejects": told}, indent=2))
        return
    console = Console()
    if not found:
        console.print("No row is rejected.")
        return
    tell_counts(console, "Rejected", counts(found), REASONS)
    if rows:
        _tell_rows(found[:rows], console)
    if len(found) > rows:
        console.print(f"{len(found) - rows:,} more: --rows {len(found)}, --entity, --reason or --json show them.")
    here = clinics.own_command("rejects export FILE --with-data")
    console.print(f"\nCorrect them in FileMaker and export again; or here: {here}", soft_wrap=True)


def _tell_rows(rejects: Sequence[Reject], console: Console) -> None:
    headings = ("entity", "record", "reason", "column or files", "FileMaker id")
    rows = [
        (each.entity, f"{each.record:,}", each.reason, each.column or each.files, each.filemaker_id) for each in rejects
    ]
    tell_rows(console, "Rows", headings, rows)


@command.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--with-data", is_flag=True, help="Yes, write what is in the rows: patients' data.")
@_narrowed
def export(file: Path, with_data: bool, entity: str | None, reason: str | None) -> None:
    """Write the rejected rows into a workbook to correct (FILE.xlsx, for your eyes only: mode 600). It holds patients' data.

    A sheet per entity, under FileMaker's headings. Exit code 0: written, 2: not.
    """
    from nexus_assets.admin.reject_workbook import write_sheets

    if not with_data:
        raise NexusAssetsError(
            f"{file} would hold patients' data, and nothing was written.",
            remedy=f"If that is what you want: nexus-assets rejects export {shlex.quote(str(file))} --with-data",
        )
    if file.suffix.lower() != ".xlsx":
        raise NexusAssetsError(f"{file} is to be a workbook.", remedy=f"Name it {file.with_suffix('.xlsx')}.")
    written = write_sheets(NexusDatabase().engine(), file, entity, reason)
    for name, number in written.rows.items():
        click.echo(f"{name}: {counted(number, 'row')}")
    for (name, why), number in written.left_out.items():
        advice = NOT_BY_A_CELL.get(why, "The rows of images make the batches: correct those.")
        click.echo(f"{name}: {number:,} {why} left out. {advice}")
    if written.too_long:
        click.echo(f"{counted(written.too_long, 'row')} left out: a cell there is longer than Excel's can be.")
    click.echo(
        f"{file} holds patients' data: remove it when you are done. Then: {clinics.own_command(f'rejects retry {shlex.quote(str(file))}')}"
    )


@command.command("retry")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def retry(file: Path) -> None:
    """Load the rows that were corrected in FILE, with the exports as they are now, as every load does and in one transaction.

    A corrected row stands in place of FileMaker's faulty one, now and in later loads, until FileMaker's changes. Exit code 0: all
    corrected rows are loaded, 1: some are still wrong, or a gate stopped the load; 2: could not try.
    """
    from nexus_assets.admin.reject_workbook import read_sheets
    from nexus_assets.admin.retry import retry as retry_rows
    from nexus_assets.load.gates import GateError
    from nexus_assets.load.settings import LoadSettings
    from nexus_assets.load_run import resource_inputs

    rows = read_sheets(file)
    exports, bucket, run_id = FileMakerExports(), ClinicBucket(), f"retry-{uuid.uuid4()}"

    def log(text: str) -> None:
        click.echo(text, err=True)

    try:
        retried = retry_rows(
            NexusDatabase().engine(),
            rows,
            lambda entity: resource_inputs(entity, exports, bucket, run_id, log),
            LoadSettings.of_clinic(),
            run_id,
            log,
        )
    except GateError as error:
        click.echo(f"{error.problem} Nothing was written. First load as usual, then run this again.", err=True)
        sys.exit(1)
    _tell_retried(retried)
    sys.exit(1 if retried.still_wrong else 0)


def _tell_retried(retried: Retried) -> None:
    for name, number in retried.loaded.items():
        click.echo(f"{name}: {counted(number, 'corrected row is', 'corrected rows are')} loaded")
    for each in retried.still_wrong:
        column = f" in {each.column}" if each.column else ""
        click.echo(
            f"{each.entity}: row {each.row} is still wrong: {each.reason}{column}. {REASONS.get(each.reason, '')}"
        )
    for number, one, many, words in (
        (retried.untouched, "row is", "rows are", "unchanged since the workbook was written"),
        (retried.closed, "row is", "rows are", "not rejected any more"),
        (retried.outdated, "row has", "rows have", "changed in FileMaker since, which counts"),
    ):
        if number:
            click.echo(f"{counted(number, one, many)} {words}")
    waiting = [name for name, entity in ENTITIES.items() if {*entity.upstream} & {*retried.loaded}]
    if waiting := [name for name in waiting if name not in retried.results]:
        click.echo(f"What refers to them may come in now: {clinics.materialize_command(','.join(waiting))}")
    if retried.results:
        look = clinics.own_command(f"check --select '{','.join(retried.results)}'")
        click.echo(f"Look whether all is well: {look}")


@command.command("purge")
@click.option(
    "--older-than", "days", type=click.IntRange(0), metavar="DAYS", required=True, help="Days since it was resolved."
)
def purge(days: int) -> None:
    """Remove rejects that were resolved more than so many days ago, with what is in them. Open ones stay.

    Exit code 0: done, 2: could not run.
    """
    from nexus_assets.admin.rejects import purge as purge_resolved

    purged = purge_resolved(NexusDatabase().engine(), days)
    for (name, reason), number in purged.rejects.items():
        click.echo(f"Removed: {name}: {number:,} {reason}")
    if purged.corrected:
        click.echo(f"Removed: {purged.corrected:,} corrected rows whose faulty ones no export holds any more")
    if not purged.rejects and not purged.corrected:
        click.echo(f"Nothing was resolved more than {days} days ago: nothing was removed.")

"""`nexus-assets kept`: where Nexus and FileMaker differ, and which of them is right."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import click
from rich.console import Console
from rich.table import Table

from nexus_assets import clinics
from nexus_assets.commands.tables import tell_counts
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.resources import NexusDatabase
from nexus_assets.wording import counted

if TYPE_CHECKING:
    from nexus_assets.admin.kept import KeptValue, Side

SHOWN = 20
UNDECIDED = "undecided"


def _narrowed(function: Callable[..., Any]) -> Callable[..., Any]:
    of = click.option("--entity", type=click.Choice([*ENTITIES]), help="Only the values of this entity.")
    which = click.option("--column", help="Only those of this column in Nexus.")
    return of(which(function))


@click.group("kept", invoke_without_command=True)
@_narrowed
@click.option("--rows", default=SHOWN, show_default=True, type=click.IntRange(0), help="How many values to list.")
@click.option("--show-values", is_flag=True, help="Show both values: patients' data, on a terminal only.")
@click.option("--json", "as_json", is_flag=True, help="Print all of them as JSON, without their values.")
@click.pass_context
def command(
    ctx: click.Context, entity: str | None, column: str | None, rows: int, show_values: bool, as_json: bool
) -> None:
    """List the values that Nexus and FileMaker have differently and that loads keep as Nexus has them: ids and columns.
    `kept decide` records which side is right, for a row, a column or all.

    Exit code 0: listed, however many there are; 2: could not run.
    """
    if ctx.invoked_subcommand is not None:
        return
    from nexus_assets.admin.kept import Selection, kept_values

    if show_values and (as_json or not sys.stdout.isatty()):
        raise NexusAssetsError(
            "--show-values shows patients' data, and only on a terminal.",
            remedy="Run it without a pipe, a file or --json behind it; or without --show-values.",
        )
    found = kept_values(NexusDatabase().engine(), Selection(entity, column), with_values=show_values)
    if as_json:
        told = [{k: v for k, v in asdict(each).items() if not k.endswith("_value")} for each in found]
        click.echo(json.dumps(told, indent=2))
        return
    console = Console()
    if not found:
        console.print("No value is kept: Nexus and FileMaker agree.")
        return
    tell_counts(console, "Kept as Nexus has them, by column", _counts(found), {})
    if rows:
        _tell_values(found[:rows], console)
    if len(found) > rows:
        console.print(f"{len(found) - rows:,} more: --rows {len(found)}, --entity, --column or --json show them.")
    nexus, filemaker = (clinics.own_command(f"kept decide {side} ID") for side in ("nexus", "filemaker"))
    console.print(f"\nWhich side is right? {nexus}, or: {filemaker}", soft_wrap=True)


def _counts(found: Sequence[KeptValue]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for each in found:
        columns = counts.setdefault(each.entity, {})
        columns[each.column] = columns.get(each.column, 0) + 1
    return counts


def _tell_values(found: Sequence[KeptValue], console: Console) -> None:
    """A block per value: two ids and a decision do not fit into one line of 80 characters."""
    from nexus_assets.admin.kept import SIDES

    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for each in found:
        table.add_row(f"\n{each.entity}", f"\n{each.column}: {each.cause}, since load {each.since_load}")
        table.add_row("  id", each.nexus_id)
        table.add_row("  FileMaker id", each.filemaker_id)
        if each.decision:
            table.add_row("  decided", f"{SIDES[each.decision]} is right, by {each.decided_by} at {each.decided_at}")
        if each.nexus_value is not None or each.filemaker_value is not None:
            table.add_row("  in Nexus", _shown(each.nexus_value))
            table.add_row("  in FileMaker", _shown(each.filemaker_value))
    console.print(table, markup=False, highlight=False)


def _shown(value: str | None) -> str:
    return "(nothing)" if value in (None, "") else json.dumps(value, ensure_ascii=False)


@command.command("decide")
@click.argument("side", type=click.Choice(["nexus", "filemaker", UNDECIDED]))
@click.argument("ids", metavar="[ID]...", nargs=-1)
@_narrowed
@click.option("--all", "everything", is_flag=True, help="All values that are kept.")
@click.option("--by", help="Who decides; the user of this machine by default.")
def decide(
    side: str, ids: tuple[str, ...], entity: str | None, column: str | None, everything: bool, by: str | None
) -> None:
    """Record that Nexus or FileMaker is right in the values of a row (ID, in Nexus or FileMaker), of a column, or in all.

    Nexus is right: agrees_with_filemaker is silent about them until either side has another value. FileMaker is right: the
    next load writes its value. `undecided` takes a decision back.

    Exit code 0: recorded, 1: no kept value was chosen, 2: could not run.
    """
    from nexus_assets.admin.kept import SIDES, Selection
    from nexus_assets.admin.kept import decide as record

    if not (ids or entity or column or everything):
        raise NexusAssetsError(
            "Nothing says which values this decides.",
            remedy="Name IDs, --entity, --column, or --all. Nothing was decided.",
        )
    right = None if side == UNDECIDED else cast("Side", side)
    decided = record(NexusDatabase().engine(), Selection(entity, column, ids), right, by or getpass.getuser())
    for name in decided.only_in_nexus:
        click.echo(f"{name} is never overwritten by a load: correct it in Nexus.", err=True)
    if not decided.values:
        click.echo(
            f"No kept value was chosen: nothing was decided. `{clinics.own_command('kept')}` lists them.", err=True
        )
        sys.exit(1)
    said = f"{SIDES[side]} is right" if right else "Undecided again"
    click.echo(f"{said}: {counted(decided.values, 'value')}.")
    if right == "filemaker":
        click.echo(f"Run next: {clinics.own_command('load')}")

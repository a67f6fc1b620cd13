"""`nexus-assets plan`: what a load would do now, shown without writing anything."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from nexus_assets.commands.tables import tell_counts, tell_entities
from nexus_assets.errors import NexusAssetsError
from nexus_assets.mapping.reasons import NOTICES, REASONS

if TYPE_CHECKING:
    from nexus_assets.plan.plan import EntityPlan, Plan

HEALED = {
    "adopted": "Rows of Nexus that are recognised as FileMaker's, and keep their id.",
    "restored": "Rows that Nexus lost and that come back under their old id.",
    "relinked": "Links that led to the wrong row or nowhere.",
    "references_moved": "References to superseded ids, in any table, moved to the current id.",
    "removed_empty_batches": "Duplicate batches merged into the one that holds the images.",
    "counted": "Batches whose image_count is put right.",
}
"""What a load puts right beside loading, by its code in the account."""


def selected_entities(select: str) -> list[str]:
    """The entities that a selection in Dagster's words means (`images`, `*images`, `patients,notes`), in loading order.

    Raises NexusAssetsError where it means none.
    """
    from nexus_assets.entities import ENTITIES

    if select == "*":
        return list(ENTITIES)
    import dagster as dg

    from nexus_assets.definitions import defs

    try:
        keys = dg.AssetSelection.from_coercible(select.split(",")).resolve(defs.resolve_asset_graph())
    except dg.DagsterError:
        keys = set()
    names = [name for name in ENTITIES if dg.AssetKey(name) in keys]
    if not names:
        raise NexusAssetsError(
            f"{select!r} selects nothing that can be loaded.",
            remedy=f"Name one or more of {', '.join(ENTITIES)}; `*images` means images and all that they are made from.",
        )
    return names


def tell_plan(plan: Plan, console: Console) -> None:
    """The plan for a person: a line per entity, then everything that needs words."""
    reached = [each for each in plan.entities if each.rows is not None]
    tell_entities(
        console,
        f"What a load into {plan.database} would do now. Nothing was written.",
        ("entity", "rows", "new", "changed", "unchanged", "kept", "rejected", "vanished"),
        [_line(each) for each in reached],
    )
    tell_counts(console, "Changed, by column", {each.entity: each.changed_columns for each in reached}, {})
    tell_counts(console, "Kept as Nexus has them, by column", {each.entity: each.kept_columns for each in reached}, {})
    tell_counts(console, "Rejected", {each.entity: each.rejected for each in reached}, REASONS)
    tell_counts(console, "Loaded, but worth telling", {each.entity: each.noticed for each in reached}, NOTICES)
    healed = {each.entity: {**each.healed, "superseded": each.superseded} for each in reached}
    meanings = {
        **HEALED,
        "superseded": "Rows that another tool made again under a new id, which becomes the current one.",
    }
    tell_counts(console, "Put right", healed, meanings)
    _tell_stops(plan.entities, console)


def _line(planned: EntityPlan) -> Sequence[str]:
    counts = (
        planned.rows or 0,
        planned.new,
        planned.changed,
        planned.unchanged,
        planned.kept,
        sum(planned.rejected.values()),
        planned.vanished,
    )
    return (planned.entity, *(f"{number:,}" for number in counts))


def _tell_stops(entities: Sequence[EntityPlan], console: Console) -> None:
    console.print()
    if not any(each.stops for each in entities):
        console.print("Nothing would stop it.")
        return
    console.print("[bold red]It would be stopped:[/bold red]")
    for each in entities:
        for stop in each.stops:
            way = (
                f"If this is right: nexus-assets plan --with {stop.setting}, or {stop.setting} in the run's config."
                if stop.setting
                else stop.remedy
            )
            console.print(f"  [red]{each.entity}[/red]: {stop.problem} {way}", highlight=False)
            if stop.setting:
                console.print(f"  (The figures above are those with {stop.setting}.)", highlight=False)


@click.command("plan")
@click.option("--select", default="*", show_default=True, help="What to load, in Dagster's words: images, '*images' …")
@click.option(
    "--with",
    "switched_on",
    multiple=True,
    metavar="SETTING",
    help="A setting of the load to switch on, such as allow_vanished; several times if need be.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON, for programs.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the plan to a file, for `nexus-assets apply`.",
)
def command(select: str, switched_on: tuple[str, ...], as_json: bool, out: Path | None) -> None:
    """Show what a load would do now: new, changed, kept, rejected, healed, and what would stop it. Nothing is written.

    Exit code 0: nothing would stop it, 1: something would, 2: could not look.
    """
    from nexus_assets.plan.plan import make_plan, switches
    from nexus_assets.resources import ClinicBucket, FileMakerExports, NexusDatabase

    unknown = [name for name in switched_on if name not in switches()]
    if unknown:
        raise NexusAssetsError(
            f"{', '.join(unknown)} is not a setting of a load.", remedy=f"There are: {', '.join(switches())}."
        )
    console = Console(stderr=True)
    names = selected_entities(select)
    with console.status("Planning") as status:
        plan = make_plan(
            names,
            switched_on,
            NexusDatabase(),
            FileMakerExports(),
            ClinicBucket(),
            f"plan-{uuid.uuid4()}",
            status.update,
        )
    told = json.dumps(plan.to_json(), indent=2)
    if out is not None:
        out.write_text(told, "utf-8")
    if as_json:
        click.echo(told)
    else:
        tell_plan(plan, Console())
        if out is not None:
            click.echo(f"Written to {out}. Carry it out: nexus-assets apply {out}")
    sys.exit(1 if plan.would_stop else 0)

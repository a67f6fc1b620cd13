"""`nexus-assets plan`: what a load would do now, shown without writing anything."""

from __future__ import annotations

import json
import shlex
import sys
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from nexus_assets import clinics
from nexus_assets.commands.load import WITH_SETTINGS
from nexus_assets.commands.progress_bar import Bars
from nexus_assets.commands.tables import (
    tell_collapsed,
    tell_counts,
    tell_figures,
    tell_meanings,
    tell_missing_grants,
    tell_remarks,
)
from nexus_assets.disk import whole_file
from nexus_assets.load.sources import remarks
from nexus_assets.mapping.reasons import NOTICES, REASONS
from nexus_assets.plan.words import ADOPTION, HEALED, STEPS

if TYPE_CHECKING:
    from nexus_assets.plan.plan import EntityPlan, Plan


HEADINGS = ("entity", "rows", "new", "changed", "unchanged", "kept", "rejected", "vanished")


def tell_plan(plan: Plan, console: Console, *, carried_out: bool = False) -> None:
    """The plan for a person: a line per entity, then everything that needs words. `carried_out`: this begins now."""
    reached = [each for each in plan.entities if each.rows is not None]
    planned = f"What a load into {plan.database} would do now. Nothing was written."
    absent = [each.entity for each in plan.entities if each.not_exported]
    if absent:
        console.print(f"Not exported, so not loaded: {', '.join(absent)}")
    rows = [_line(each) for each in reached]
    tell_figures(console, f"What is loaded into {plan.database} now." if carried_out else planned, HEADINGS, rows)
    tell_meanings(console, HEADINGS, rows)
    tell_collapsed(console, {each.entity: each.collapsed for each in reached})
    console.print(f"Steps of each load: {', '.join(_numbered(step) for step in STEPS)}.", style="dim", highlight=False)
    tell_remarks(console, {each.entity: remarks(each.sources) for each in reached})
    _tell_step(console, "read", "Rejected", {each.entity: each.rejected for each in reached}, REASONS)
    _tell_step(console, "read", "Loaded, with a notice", {each.entity: each.noticed for each in reached}, NOTICES)
    for what, meaning in ADOPTION.items():
        counts = {each.entity: each.adoption.get(what, {}) for each in reached}
        _tell_step(console, "identity", f"Adopted rows, {what}: {meaning}", counts, {})
    _tell_step(console, "write", "Changed, by column", {each.entity: each.changed_columns for each in reached}, {})
    kept = {each.entity: each.kept_columns for each in reached}
    _tell_step(console, "write", "Kept as Nexus has them, by column", kept, {})
    healed = {each.entity: {**each.healed, "superseded": each.superseded} for each in reached}
    _tell_step(console, "tidy and account", "Repaired or noticed", healed, HEALED)
    if not carried_out:
        _tell_stops(plan.entities, console)


def _numbered(step: str) -> str:
    return f"{STEPS.index(step) + 1} {step}"


def _tell_step(
    console: Console, step: str, what: str, counts: Mapping[str, Mapping[str, int]], meanings: Mapping[str, str]
) -> None:
    """What a step would do, in the order in which a load takes them."""
    tell_counts(console, f"{_numbered(step)} · {what}", counts, meanings)


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
        console.print(f"{_numbered('gates')} · Nothing would stop it.", highlight=False)
        return
    console.print("[bold red]It would be stopped:[/bold red]")
    for each in entities:
        for stop in each.stops:
            way = (
                f"If this is right: {clinics.own_command(f'plan --with {stop.setting}')}, or {stop.setting} in the run's config."
                if stop.setting
                else stop.remedy
            )
            console.print(f"  [red]{each.entity}[/red]: {stop.problem} {way}", highlight=False)
            if stop.setting:
                console.print(f"  (The figures above are those with {stop.setting}.)", highlight=False)


def _write_private(file: Path, text: str) -> None:
    """Writes a file that its owner alone can read, also where it was there before."""
    with whole_file(file) as out:
        out.write(text.encode())


def _tell_missing_rights(console: Console) -> None:
    """Names the GRANTs that the role lacks: a load may need them on the day when references have to be moved."""
    from nexus_assets.nexus.connection import transaction
    from nexus_assets.nexus.grants import missing_statements
    from nexus_assets.resources import NexusDatabase

    with transaction(NexusDatabase().engine(), read_only=True) as cursor:
        tell_missing_grants(console, missing_statements(cursor))


@click.command("plan")
@click.option("--select", default="*", show_default=True, help="What to load, in Dagster's words: images, '*images' …")
@WITH_SETTINGS
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON, for programs.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the plan to a file, for `nexus-assets apply`."
)
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the plan as a page, for whoever approves it: figures and ids, no patient data.",
)
def command(select: str, switched_on: tuple[str, ...], as_json: bool, out: Path | None, page: Path | None) -> None:
    """Show what a load would do now: new, changed, kept, rejected, healed, and what would stop it. Nothing is written.

    Exit code 0: nothing would stop it, 1: something would, 2: could not run.
    """
    from nexus_assets.graph.selection import selected_entities
    from nexus_assets.plan.plan import make_plan, seal_key
    from nexus_assets.resources import ClinicBucket, FileMakerExports, NexusDatabase

    console = Console(stderr=True)
    names = selected_entities(select)
    with Bars(console):
        plan = make_plan(
            names,
            switched_on,
            NexusDatabase(),
            FileMakerExports(),
            ClinicBucket(),
            f"plan-{uuid.uuid4()}",
            lambda _: None,
        )
    _tell_missing_rights(console)
    if out is not None:
        _write_private(out, plan.to_text(seal_key(NexusDatabase())))
    if page is not None:
        from nexus_assets import settings
        from nexus_assets.report.plan_page import to_html

        _write_private(page, to_html(plan, datetime.now(timezone.utc), settings.TIME_ZONE.value()))
        console.print(f"The page is in {page}, which you alone can read.", highlight=False, soft_wrap=True)
    if as_json:
        click.echo(json.dumps(plan.to_json(), indent=2))
    else:
        tell_plan(plan, Console())
        if out is not None:
            carrying = f"Carry it out: {clinics.own_command(f'apply {shlex.quote(str(out))}')}"
            click.echo(
                f"Written to {out}. {'Correct what would stop it, and plan again.' if plan.would_stop else carrying}"
            )
    sys.exit(1 if plan.would_stop else 0)

"""The job `plan_import`: the plan as a run of its own, for those who look at Dagster's pages and not at a terminal."""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg
from pydantic import BaseModel, Field

from nexus_assets.asset_keys import clinic_tags
from nexus_assets.graph.resources import ClinicBucket, FileMakerExports, NexusDatabase
from nexus_assets.graph.run_config import config_fields
from nexus_assets.graph.tables import table
from nexus_assets.mapping.reasons import REASONS
from nexus_assets.plan.words import ADOPTION, HEALED
from nexus_assets.wording import counted

FIGURES = ("rows", "new", "changed", "unchanged", "kept", "collapsed", "vanished", "superseded")
"""The figures of a planned load, each a column of the table in the run's metadata."""


class PlanConfig(BaseModel, extra="forbid"):
    """What to plan."""

    select: str = Field("*", description="What to load, in Dagster's words: images, *images, patients,notes or *.")
    switch_on: list[str] = Field([], description="Settings of the load to switch on, such as allow_vanished.")


def _metadata(plan: Any) -> dict[str, Any]:
    """The plan as the run's page shows it: a table of figures, and one for each thing that needs words."""
    figures = [
        {
            "entity": each.entity,
            **{name: getattr(each, name) or 0 for name in FIGURES},
            "rejected": sum(each.rejected.values()),
        }
        for each in plan.entities
        if each.rows is not None
    ]
    metadata: dict[str, Any] = {
        "would_stop": plan.would_stop,
        "would_write": plan.would_write,
        "what_it_would_do": table({"entity": "string", **dict.fromkeys((*FIGURES, "rejected"), "int")}, figures),
    }
    for name, heading, meanings, counts in _details(plan):
        rows = [
            {"entity": entity, heading: code, "rows": number, "meaning": meanings.get(code, "")}
            for entity, codes in counts.items()
            for code, number in codes.items()
        ]
        columns = {"entity": "string", heading: "string", "rows": "int", "meaning": "string"}
        if rows:
            metadata[name] = table(columns, rows)
    if absent := [each.entity for each in plan.entities if each.not_exported]:
        metadata["not_exported"] = ", ".join(absent)
    stops = [
        {"entity": each.entity, "problem": stop.problem, "what_to_do": stop.remedy}
        for each in plan.entities
        for stop in each.stops
    ]
    if stops:
        metadata["it_would_be_stopped"] = table(dict.fromkeys(stops[0], "string"), stops)
    return metadata


def _details(plan: Any) -> Iterable[tuple[str, str, Mapping[str, str], Mapping[str, Mapping[str, int]]]]:
    """What needs words: its name, the heading of its codes, their meanings, the counts by entity and code."""
    yield "changed_by_column", "column", {}, {each.entity: each.changed_columns for each in plan.entities}
    for what in ADOPTION:
        yield f"adopted_rows_{what}", "column", {}, {each.entity: each.adoption.get(what, {}) for each in plan.entities}
    yield "kept_by_column", "column", {}, {each.entity: each.kept_columns for each in plan.entities}
    yield "rejected_by_reason", "reason", REASONS, {each.entity: each.rejected for each in plan.entities}
    yield "put_right", "what", HEALED, {each.entity: each.healed for each in plan.entities}


@dg.op(name="plan", config_schema=config_fields(PlanConfig))
def plan_op(
    context: dg.OpExecutionContext, database: NexusDatabase, exports: FileMakerExports, bucket: ClinicBucket
) -> None:
    """Rehearses the loads in one transaction that is rolled back. Nothing is written, nothing is materialised."""
    from nexus_assets.graph.selection import selected_entities
    from nexus_assets.plan.plan import make_plan

    config = PlanConfig.model_validate(context.op_config)
    names = selected_entities(config.select)
    plan = make_plan(names, config.switch_on, database, exports, bucket, context.run_id, context.log.info)
    for each in plan.entities:
        if each.rows is not None:
            rejected = sum(each.rejected.values())
            context.log.info(
                f"{each.entity}: {counted(each.rows, 'row')}; {each.new:,} new, {each.changed:,} changed, {each.unchanged:,} unchanged,"
                f" {each.kept:,} kept, {rejected:,} rejected, {each.vanished:,} vanished"
            )
        for stop in each.stops:
            context.log.warning(f"{each.entity} would be stopped: {stop.problem}")
    context.add_output_metadata(_metadata(plan))


@dg.job(name="plan_import", tags=clinic_tags())
def plan_import() -> None:
    """Show what an import would do now: new, changed, kept, rejected, healed, and what would stop it. Nothing is written."""
    plan_op()

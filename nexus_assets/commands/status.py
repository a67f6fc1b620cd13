"""`nexus-assets status`: what is in Nexus, what is linked, what was rejected, and when it was loaded."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier
from rich.console import Console

from nexus_assets.checks import CHECKS
from nexus_assets.checks.check import Finding
from nexus_assets.checks.run import ask, stored_files
from nexus_assets.commands.tables import tell_counts, tell_entities
from nexus_assets.database import transaction
from nexus_assets.entities import ENTITIES
from nexus_assets.load import answers, contract
from nexus_assets.load.ledger import is_installed
from nexus_assets.mapping.entity import Entity
from nexus_assets.mapping.reasons import REASONS
from nexus_assets.resources import ClinicBucket, NexusDatabase


def _entity_status(cursor: Cursor, entity: Entity, orphans: int | None) -> dict[str, Any]:
    """Rows, linked, unlinked, orphans, open rejects by reason and the last load of one entity."""
    target = contract.reflect(cursor, entity)
    rows = answers.number(cursor, SQL("SELECT count(*) FROM {}").format(target.table))
    unlinked = sum(
        answers.number(
            cursor, SQL("SELECT count(*) FROM {} WHERE {} IS NULL").format(target.table, Identifier(link.id_column))
        )
        for link in entity.generic_references
    )
    status: dict[str, Any] = {"rows": rows, "linked": None, "unlinked": None, "orphans": orphans or 0}
    if entity.references:
        status |= {"linked": rows - unlinked - (orphans or 0), "unlinked": unlinked}
    return {**status, **_from_ledger(cursor, entity)}


def _from_ledger(cursor: Cursor, entity: Entity) -> dict[str, Any]:
    if not is_installed(cursor):
        return {"rejected": {}, "last_load": None}
    cursor.execute(
        "SELECT reason, count(*) FROM nexus_assets.reject WHERE entity = %s AND resolved_load IS NULL GROUP BY 1 ORDER BY 2 DESC",
        (entity.name,),
    )
    rejected = dict(cursor.fetchall())
    cursor.execute(
        "SELECT id, run_id, started_at, finished_at, source_rows, outcomes, notices, healed FROM nexus_assets.load"
        " WHERE entity = %s ORDER BY id DESC LIMIT 1",
        (entity.name,),
    )
    row = cursor.fetchone()
    if row is None:
        return {"rejected": rejected, "last_load": None}
    load_id, run_id, started, finished, source_rows, outcomes, notices, healed = row
    last_load = {
        "id": load_id,
        "run_id": run_id,
        "started_at": started.isoformat(),
        "finished_at": finished.isoformat(),
        "seconds": round((finished - started).total_seconds(), 2),
        "source_rows": source_rows,
        **outcomes,
        "notices": notices,
        "healed": healed,
    }
    return {"rejected": rejected, "last_load": last_load}


def look() -> tuple[dict[str, Any], dict[tuple[str, str], Finding]]:
    """The status as its JSON has it, and the findings of all checks. Raises NexusAssetsError where it can't look."""
    engine, bucket = NexusDatabase().engine(), ClinicBucket()
    files = stored_files(bucket, "status")
    findings = {(check.asset, check.name): ask(check, engine, files) for check in CHECKS}
    with transaction(engine, commit=False) as cursor:
        entities = {}
        for name, entity in ENTITIES.items():
            finding = findings.get((name, "no_orphaned_references"))
            entities[name] = _entity_status(cursor, entity, finding.count if finding else None)
    visible = findings["images", "every_image_visible"].figures
    failed = [f"{asset}.{name}" for (asset, name), finding in findings.items() if not finding.passed]
    return {"entities": entities, "images_visible": visible["visible"], "failed_checks": failed}, findings


def print_status(status: dict[str, Any], console: Console) -> None:
    """The status as a table, a line per entity; why rows were rejected, in a list below."""
    rows = []
    for name, entity in status["entities"].items():
        counts = [entity[key] for key in ("rows", "linked", "unlinked", "orphans")]
        last = entity["last_load"]
        rows.append(
            [
                name,
                *("" if count is None else f"{count:,}" for count in counts),
                f"{sum(entity['rejected'].values()):,}",
                f"{last['finished_at'][:16].replace('T', ' ')}" if last else "never",
            ]
        )
    headings = ("entity", "rows", "linked", "unlinked", "orphans", "rejected", "loaded (UTC)")
    tell_entities(console, "Nexus", headings, rows)
    tell_counts(console, "Rejected", {name: entity["rejected"] for name, entity in status["entities"].items()}, REASONS)
    console.print(f"\nImages that a person sees: {status['images_visible']:,}")


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print the status as JSON, for programs.")
def command(as_json: bool) -> None:
    """What is in Nexus, linked, orphaned, rejected. Exit code 0: nothing is wrong, 1: something is, 2: could not look."""
    status, findings = look()
    if as_json:
        click.echo(json.dumps(status, indent=2))
    else:
        console = Console()
        print_status(status, console)
        for (asset, name), finding in findings.items():
            if not finding.passed:
                said = ", ".join(f"{number:,} {reason}" for reason, number in finding.breakdown.items())
                console.print(f"[red]{asset}.{name}[/red]: {said}. Run next: {finding.next_step}")
    sys.exit(1 if status["failed_checks"] else 0)

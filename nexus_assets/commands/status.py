"""`nexus-assets status`: what is in Nexus, what is linked, what was rejected, and when it was loaded."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier
from rich.console import Console
from sqlalchemy import Engine

from nexus_assets import clinics
from nexus_assets.alerts.policy import TRIES_BEFORE_STATUS_TELLS
from nexus_assets.alerts.store import Book, is_kept
from nexus_assets.checks import CHECKS
from nexus_assets.checks.check import Finding
from nexus_assets.checks.run import ask_all, stored_files
from nexus_assets.commands.metrics import exposition
from nexus_assets.commands.status_of_all import status_of_all
from nexus_assets.commands.tables import tell_counts, tell_figures, tell_meanings, tell_missing_grants, tell_remarks
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.ledger import shared
from nexus_assets.ledger.schema import SUPPORTED_SERVERS, install, is_installed
from nexus_assets.load.sources import remarks
from nexus_assets.mapping.entity import Entity
from nexus_assets.mapping.reasons import REASONS
from nexus_assets.nexus import catalog, queries
from nexus_assets.nexus.connection import transaction
from nexus_assets.nexus.grants import missing_statements
from nexus_assets.resources import ClinicBucket, NexusDatabase
from nexus_assets.settings import ALLOW_UNVERIFIED, clinic_name
from nexus_assets.wire import unverified
from nexus_assets.wording import counted


def _entity_status(cursor: Cursor, entity: Entity, orphans: int | None) -> dict[str, Any]:
    """Rows, linked, unlinked, orphans, open rejects by reason and the last load of one entity."""
    known = _from_ledger(cursor, entity)
    absent = {"not_exported": entity.optional and known["last_load"] is None}
    if not catalog.is_there(cursor, entity):
        return {"rows": None, "linked": None, "unlinked": None, "orphans": 0, **absent, **known}
    target = catalog.reflect(cursor, entity)
    own = shared.own_row_sql(entity, SQL("t.id")) if is_installed(cursor) else SQL("TRUE")
    rows = queries.number(cursor, SQL("SELECT count(*) FROM {} AS t WHERE {}").format(target.table, own))
    # Where only one half is empty the link is not missing but dangling: an orphan.
    unlinked = sum(
        queries.number(
            cursor,
            SQL("SELECT count(*) FROM {} WHERE {} IS NULL AND {} IS NULL").format(
                target.table, Identifier(link.id_column), Identifier(link.type_column)
            ),
        )
        for link in entity.generic_references
    )
    status: dict[str, Any] = {"rows": rows, "linked": None, "unlinked": None, "orphans": orphans or 0}
    if entity.references:
        status |= {"linked": rows - unlinked - (orphans or 0), "unlinked": unlinked}
    return {**status, **absent, **known}


def _from_ledger(cursor: Cursor, entity: Entity) -> dict[str, Any]:
    if not is_installed(cursor):
        return {"rejected": {}, "last_load": None}
    cursor.execute(
        "SELECT reason, count(*) FROM nexus_assets.reject WHERE entity = %s AND resolved_load IS NULL GROUP BY 1 ORDER BY 2 DESC",
        (entity.name,),
    )
    rejected = dict(cursor.fetchall())
    cursor.execute(
        "SELECT id, run_id, started_at, finished_at, source_rows, outcomes, notices, healed, sources FROM nexus_assets.load"
        " WHERE entity = %s ORDER BY id DESC LIMIT 1",
        (entity.name,),
    )
    row = cursor.fetchone()
    if row is None:
        return {"rejected": rejected, "last_load": None}
    load_id, run_id, started, finished, source_rows, outcomes, notices, healed, facts = row
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
        "remarks": remarks(facts),
    }
    return {"rejected": rejected, "last_load": last_load}


def last_loads(engine: Engine, names: Iterable[str]) -> dict[str, Any]:
    """Open rejects and the last load of each of these entities; of all of them nothing where the database has no ledger."""
    # A load that would leave an orphan is never committed.
    with transaction(engine, commit=False) as cursor:
        if not is_installed(cursor):
            return {}
        found = {name: _from_ledger(cursor, ENTITIES[name]) for name in names}
        return {name: {**each, "orphans": 0} for name, each in found.items() if each["last_load"]}


def _alerts(cursor: Cursor) -> dict[str, Any]:
    """The open alerts, and how many messages could not be delivered although it was tried again and again."""
    if not is_kept(cursor):
        return {"open": [], "undelivered": 0}
    # A ledger of an earlier version may lack a column; whatever this adds is taken back with the transaction.
    install(cursor)
    book = Book(cursor)
    return {
        "open": [
            {
                "subject": alert.named,
                "kind": alert.kind,
                "severity": alert.severity,
                "count": alert.violators,
                "opened_at": alert.opened_at.isoformat(),
                "run_id": alert.first_run,
                "next_step": alert.next_step,
            }
            for alert in book.open_alerts().values()
        ],
        "undelivered": sum(message.attempts >= TRIES_BEFORE_STATUS_TELLS for message in book.waiting()),
    }


def is_wrong(status: Mapping[str, Any]) -> bool:
    """Whether anything is: a failed check of severity ERROR, a load or run that failed and was not repeated successfully, a
    message that nobody received, a right that the role lacks.

    Warnings are ordinary: people edit in Nexus. The alert of a check that passes by now does not count: it is resolved with
    the next look for alerts.
    """
    failed = (alert for alert in status["alerts"]["open"] if alert["kind"] in ("load", "run"))
    lacking = status["connection"]["missing_grants"]
    return bool(status["failed_checks"] or status["alerts"]["undelivered"] or any(failed) or lacking)


def _connection(cursor: Cursor) -> dict[str, Any]:
    """The server's version, what may go without verified TLS, and the GRANTs that the role lacks."""
    return {
        "server": str(queries.row(cursor, "SELECT current_setting('server_version')")[0]),
        "supported": SUPPORTED_SERVERS,
        "unverified": sorted(unverified()),
        "missing_grants": missing_statements(cursor),
    }


def _for_want_of_rights(error: NexusAssetsError, grants: Sequence[str]) -> NexusAssetsError:
    """The error of a check, with the GRANTs to run where the role lacks rights."""
    if not grants:
        return error
    return NexusAssetsError(error.problem, remedy=f"As the tables' owner run: {'; '.join(grants)};")


def _print_connection(connection: Mapping[str, Any], console: Console) -> None:
    console.print(f"\nPostgreSQL {connection['server']} ({connection['supported']} are supported)", highlight=False)
    if connection["unverified"]:
        console.print(
            f"[yellow]Without verified TLS[/yellow] by {ALLOW_UNVERIFIED.name}: {', '.join(connection['unverified'])}"
        )
    tell_missing_grants(console, connection["missing_grants"])


def look() -> tuple[dict[str, Any], dict[tuple[str, str], Finding]]:
    """The status as its JSON has it, and the findings of all checks. Raises NexusAssetsError where it can't look."""
    engine, bucket = NexusDatabase().engine(), ClinicBucket()
    with transaction(engine, read_only=True) as cursor:
        connection = _connection(cursor)
    findings = {}
    for check, answer in ask_all(CHECKS, engine, stored_files(bucket, "status")):
        if isinstance(answer, NexusAssetsError):
            raise _for_want_of_rights(answer, connection["missing_grants"])
        findings[check.asset, check.name] = answer
    with transaction(engine, commit=False) as cursor:
        alerts, entities = _alerts(cursor), {}
        for name, entity in ENTITIES.items():
            finding = findings.get((name, "no_orphaned_references"))
            entities[name] = _entity_status(cursor, entity, finding.count if finding else None)
    visible = findings["images", "every_image_visible"].figures
    red = [key for key, finding in findings.items() if not finding.passed]
    severities = {(check.asset, check.name): check.severity for check in CHECKS}
    status = {
        "entities": entities,
        "images_visible": visible["visible"],
        "failed_checks": [f"{asset}.{name}" for asset, name in red if severities[asset, name] == "ERROR"],
        "warnings": [f"{asset}.{name}" for asset, name in red if severities[asset, name] != "ERROR"],
        "alerts": alerts,
        "connection": connection,
    }
    return status, findings


def _loaded_at(entity: Mapping[str, Any]) -> str:
    if entity["last_load"] is None:
        return "not exported" if entity["not_exported"] else "never"
    return str(entity["last_load"]["finished_at"])[:16].replace("T", " ")


def print_status(status: dict[str, Any], console: Console) -> None:
    """The status as a table, a line per entity; why rows were rejected, in a list below."""
    rows = []
    for name, entity in status["entities"].items():
        counts = [entity[key] for key in ("rows", "linked", "unlinked", "orphans")]
        rows.append(
            [
                name,
                *("" if count is None else f"{count:,}" for count in counts),
                f"{sum(entity['rejected'].values()):,}",
                _loaded_at(entity),
            ]
        )
    headings = ("entity", "rows", "linked", "unlinked", "orphans", "rejected", "loaded (UTC)")
    tell_figures(console, "Rows in Nexus", headings, rows)
    tell_meanings(console, headings, rows)
    tell_counts(console, "Rejected", {name: entity["rejected"] for name, entity in status["entities"].items()}, REASONS)
    lasts = {name: entity["last_load"] for name, entity in status["entities"].items()}
    tell_remarks(console, {name: last["remarks"] for name, last in lasts.items() if last})
    console.print(f"\nVisible images: {status['images_visible']:,}")


def _print_alerts(alerts: Mapping[str, Any], console: Console) -> None:
    for alert in alerts["open"]:
        if alert["kind"] in ("load", "run"):
            since = alert["opened_at"][:16].replace("T", " ")
            run_next = "Run next: " if alert["kind"] == "load" else ""
            console.print(
                f"[red]{alert['subject']} failed[/red] since {since} (UTC). {run_next}{alert['next_step']}",
                soft_wrap=True,
            )
    if alerts["undelivered"]:
        console.print(
            f"[red]{counted(alerts['undelivered'], 'alert')} could not be delivered[/red]. Run next: {clinics.own_command('alert --test')}",
            soft_wrap=True,
        )


@click.command("status")
@click.option("--strict", is_flag=True, help="Exit code 1 for warnings as well.")
@click.option("--json", "as_json", is_flag=True, help="Print the status as JSON, for programs.")
@click.option("--metrics", "as_metrics", is_flag=True, help="Print it in Prometheus's text format.")
@click.option("--all", "of_all", is_flag=True, help="All clinics in one table; the worst exit code.")
def command(strict: bool, as_json: bool, as_metrics: bool, of_all: bool) -> None:
    """What is in Nexus, linked, orphaned, rejected. Exit code 0: no error (warnings are reported), 1: otherwise, 2: could not
    run."""
    if as_json and as_metrics:
        raise click.UsageError("Choose one of --json and --metrics.")
    if of_all:
        sys.exit(status_of_all(strict, as_json=as_json, as_metrics=as_metrics))
    with Console(stderr=True).status("Checking"):
        status, findings = look()
    if as_json:
        click.echo(json.dumps(status, indent=2))
    elif as_metrics:
        click.echo(exposition({clinic_name(): status}), nl=False)
    else:
        console = Console()
        print_status(status, console)
        _print_connection(status["connection"], console)
        for (asset, name), finding in findings.items():
            if not finding.passed:
                said = ", ".join(f"{number:,} {reason}" for reason, number in finding.breakdown.items())
                run_next = f" Run next: {finding.next_step}" if finding.next_step else ""
                colour = "red" if f"{asset}.{name}" in status["failed_checks"] else "yellow"
                console.print(f"[{colour}]{asset}.{name}[/{colour}]: {said}.{run_next}")
        _print_alerts(status["alerts"], console)
    sys.exit(1 if is_wrong(status) or (strict and status["warnings"]) else 0)

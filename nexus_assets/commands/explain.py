"""`nexus-assets explain ID`: what an id stands for, and why it links to what it links to; no patient data in it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import click

from nexus_assets.admin.explain import Explanation, Link, explain, recognition
from nexus_assets.admin.kept import SIDES
from nexus_assets.entities import ENTITIES
from nexus_assets.nexus.connection import transaction
from nexus_assets.resources import NexusDatabase


def _origin(told: Explanation) -> str:
    first = f" by load {told.first_load.id} of {told.first_load.at}" if told.first_load else ""
    return {
        "made": f"made{first}, its id computed from the FileMaker id",
        "adopted": f"adopted{first}, recognised by {recognition(ENTITIES[told.entity])}",
        "learned": f"learned from a list, a backup or another importer's row{', first loaded' + first if first else ', not loaded yet'}",
        "native": "made in Nexus: no FileMaker record is known for it",
        "not_loaded_yet": "made by another importer: the next load adopts it",
        "twin": "carries the FileMaker id of another row, which is the current one",
        "rejected": "rejected: it is not in Nexus",
    }[told.origin]


def _links(links: Sequence[Link], depth: int = 0) -> Iterator[str]:
    for link in links:
        if link.id is not None:
            why = f"{link.rule}: {link.why}" if link.rule else link.why
            yield f"{'  ' * depth}{link.column} -> {link.to} {link.id} ({why})"
            yield from _links(link.then, depth + 1)


def _told(told: Explanation) -> Iterator[tuple[str, str]]:
    if told.nexus_id and not ENTITIES[told.entity].adds_rows:
        yield "also", f"{told.entity}: columns of the same row, from another export"
        yield from _by_the_export(told)
        return
    yield (
        "what",
        f"{told.entity}, table {told.table}{'' if told.is_live or told.nexus_id is None else ', NOT in Nexus now'}",
    )
    yield "origin", _origin(told)
    if told.filemaker_id:
        yield "FileMaker id", told.filemaker_id
    if told.nexus_id and not told.ids:
        yield "id", told.nexus_id
    for known in reversed(told.ids):
        times = [f"since {known.since}" if known.since else "", f"until {known.until}" if known.until else ""]
        how = {"learned": "from before the ledger", "adopted": "made by another importer"}.get(known.how, "")
        name = "id" if known.id == told.nexus_id else "earlier id"
        yield name, " ".join(word for word in (known.id, *times, how) if word)
    yield from _by_the_export(told)
    for line in _links(told.links):
        yield "links to", line
    for name, number in told.referred_to_by.items():
        yield "referred to by", f"{number:,} of {name}"


def _by_the_export(told: Explanation) -> Iterator[tuple[str, str]]:
    """Which row of which export stands behind it, and what of that was not loaded."""
    if told.source_row and told.last_load:
        yield (
            "source",
            f"{told.source_row}, load {told.last_load.id} of {told.last_load.at}, run {told.last_load.run_id}",
        )
    if told.corrected:
        yield "corrected", f"since {told.corrected}: as you corrected it, for as long as FileMaker has the faulty row"
    if told.vanished_load:
        yield "vanished", f"not in the export of load {told.vanished_load.id} of {told.vanished_load.at}"
    for kept in told.kept:
        decided = (
            f"; {SIDES[kept.decision]} is right, by {kept.decided_by} at {kept.decided_at}" if kept.decision else ""
        )
        yield "kept", f"{kept.column}: {kept.cause}, since load {kept.since_load}{decided}"
    for rejected in told.rejected:
        resolved = f", loaded after all by load {rejected.resolved_load}" if rejected.resolved_load else ""
        column = f" in {rejected.column}" if rejected.column else ""
        yield (
            "rejected",
            f"{rejected.reason}{column}, row {rejected.row:,}, load {rejected.first_load}{resolved}: {rejected.meaning}",
        )


@click.command("explain")
@click.argument("id_", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print what is known as JSON, for programs.")
def command(id_: str, as_json: bool) -> None:
    """What ID is: an id of Nexus, a FileMaker id, or the key of a file in the bucket.

    Exit code 0: it is known, 1: it is not, 2: could not run.
    """
    with transaction(NexusDatabase().engine(), commit=False) as cursor:
        found = explain(cursor, id_)
    if as_json:
        click.echo(json.dumps([asdict(told) for told in found], indent=2))
    elif not found:
        click.echo("Nothing is known of it: no row has it, and neither the ledger nor its rejects do.")
    else:
        for told in found:
            for name, value in _told(told):
                click.echo(f"{name:14}  {value}")
            click.echo()
    sys.exit(0 if found else 1)

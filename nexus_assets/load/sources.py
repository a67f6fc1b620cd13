"""Step 2: an entity's sources as it declares them, staged: its export, its companions, its listing, and their join."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier

from nexus_assets.load import corrections, keys, stage
from nexus_assets.load.dates import Dictionaries
from nexus_assets.load.work import Relation, Work
from nexus_assets.mapping.entity import Entity, ExportRows, FileRecords, Listing, RecordGroups
from nexus_assets.nexus import queries
from nexus_assets.nexus.catalog import Target
from nexus_assets.sources.quotable import fingerprint
from nexus_assets.sources.records import export_headings, file_records_sql, record_groups_sql, rows_without_file_sql

if TYPE_CHECKING:
    from nexus_assets.sources.filemaker import OpenExport
    from nexus_assets.sources.s3 import StoredObject


@dataclass(frozen=True)
class Inputs:
    """Where a load reads from. Opened when the load comes to them: `export` by name (None: an optional one is absent).

    `digest` tells the SHA-256 of an export's bytes (name, required) without reading its records; without it, all is read.
    `step` is told what the load comes to next, and with how many rows where those are not all.
    """

    export: Callable[[str, tuple[str, ...], tuple[str, ...], bool], OpenExport | None]
    objects: Callable[[Listing], Iterable[StoredObject]]
    bucket: str = ""
    describe: Callable[[str], Mapping[str, Any]] = field(default=lambda _: {})
    digest: Callable[[str, bool], str | None] | None = None
    step: Callable[..., None] = field(default=lambda *_: None)


@dataclass(frozen=True)
class Staged:
    """The staged sources of one load: tables of text, what is known of the files they came from, and how many of the export's
    rows stand as a person corrected them."""

    export: Relation
    listing: Identifier | None
    companion_exports: Mapping[str, Relation]
    facts: dict[str, Any]
    corrected: int = 0


def digest_of_companions(entity: Entity, facts: Mapping[str, Mapping[str, Any]]) -> str:
    """The hashes of the exports that lookups go through: another one may give an unchanged row another value."""
    return " ".join(str(facts[name]["sha256"]) for name in entity.companion_exports if name in facts)


def stage_all(
    cursor: Cursor, entity: Entity, inputs: Inputs, work: Work, before: Mapping[str, Mapping[str, Any]]
) -> Staged:
    """Copies every source of the entity into tables. `before` is what the last load knew of its sources.

    Raises ExportError where an export is missing or not whole, BucketError where the bucket can't be listed.
    """
    source = entity.rows_of
    facts: dict[str, Any] = {}

    def copy(name: str, wanted: tuple[str, ...], optional: tuple[str, ...], table: Identifier, required: bool) -> Any:
        opened = inputs.export(name, wanted, optional, required)
        if opened is None:
            return None
        relation = stage.stage_export(cursor, table, opened)
        facts[name] = {**inputs.describe(name), **_facts(opened, before.get(name, {}))}
        return relation

    export = copy(source.export, *headings(entity), work("export"), required=True)
    facts[source.export]["corrected"] = corrections.state(cursor, source.export)
    in_place = corrections.put_in_place(cursor, source.export, export) if facts[source.export]["corrected"] else 0
    companion_exports = {}
    for name in entity.companion_exports:
        companion = copy(name, _headings_through(entity, name), (), work.companion(name), required=False)
        if companion is not None:
            companion_exports[name] = companion
    listing = None
    if isinstance(source, FileRecords):
        listing = work("listing")
        digest = stage.stage_listing(cursor, listing, inputs.objects(source.listing))
        facts[f"s3/{source.listing}"] = {
            "bucket": inputs.bucket,
            "objects": digest.objects,
            "sha256": digest.hexdigest(),
        }
    copied = [table for table in (listing, work("export")) if table is not None]
    cursor.execute(SQL("ANALYZE {}").format(SQL(", ").join(copied)))
    return Staged(export, listing, companion_exports, facts, in_place)


def headings(entity: Entity) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The headings that the entity's export must have, and those that it may have."""
    source = entity.rows_of
    if isinstance(source, ExportRows):
        wanted = (name for name in source.headings(entity.fields()) if name not in source.optional_headings)
        return tuple(wanted), source.optional_headings
    # The fields of a group are those of its records.
    fields = () if isinstance(entity.source, RecordGroups) else tuple(entity.fields())
    return export_headings(source, fields), ()


def _headings_through(entity: Entity, companion: str) -> tuple[str, ...]:
    matches = (match for lookup in entity.lookups for match in lookup.matches)
    return tuple(
        heading for match in matches if match.through and match.through[0] == companion for heading in match.through[1:]
    )


SEEN = "columns_seen"
"""Where the ledger keeps the fingerprints of an export's headings; they are for the next load, and shown nowhere."""


def _facts(opened: OpenExport, before: Mapping[str, Any]) -> dict[str, Any]:
    """How the export was read, without the folder it is in; what its format does not have is left out."""
    seen, used = before.get(SEEN), {*opened.positions.values()}
    opened.name_columns(seen or ())
    told = {name: value for name, value in asdict(opened.facts).items() if value not in (None, "")}
    del told["location"]
    told[SEEN] = sorted(map(fingerprint, opened.header))
    new = [at + 1 for at, name in enumerate(opened.header) if at not in used and fingerprint(name) not in (seen or ())]
    if new and seen is not None:
        told["columns_new"] = new
    return told


def shown(facts: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What is known of the sources, without what is for the ledger alone."""
    return {name: {key: value for key, value in each.items() if key != SEEN} for name, each in facts.items()}


def remarks(facts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What is remarkable about the sources, each with the name of its export."""
    return [f"{name}: {remark}" for name, each in facts.items() for remark in each.get("remarks", ())]


def source_rows(
    cursor: Cursor,
    entity: Entity,
    staged: Staged,
    work: Work,
    bucket: str,
    dictionaries: Dictionaries,
    targets: Iterable[Target] = (),
) -> tuple[Relation, dict[str, int]]:
    """The source rows as the entity declares them, and notices about the whole source.

    `targets` are the tables of the load; one of them may hold the files that are loaded.
    The export's rows, or the bucket's files joined with the rows that describe them, or the groups of those.
    """
    source = entity.rows_of
    if isinstance(source, ExportRows) and source.keys:
        rows, notices, remarks = keys.with_keys(cursor, entity, source, staged.export, work, dictionaries)
        staged.facts[source.export].setdefault("remarks", []).extend(remarks)
        return rows, notices
    if isinstance(source, ExportRows) or staged.listing is None:
        return staged.export, {}
    if source.grouped_by is not None:
        dictionaries.read(staged.export, dates=[source.grouped_by[1]], suffix="_of_records")
    wanted, _ = headings(entity)
    columns = {name: staged.export.columns[name] for name in wanted}
    loaded = next((target.table for target in targets if "s3_key" in target.columns), None)
    query = file_records_sql(
        source, staged.listing, bucket, staged.export.table, columns, work("dates_of_records"), loaded
    )
    _make(cursor, work("records"), query)
    if isinstance(entity.source, RecordGroups):
        _make(cursor, work("groups"), record_groups_sql(source, work("records")))
        return _relation(cursor, work("groups")), {}
    return _relation(cursor, work("records")), _mismatches(cursor, source, staged, work("records"), columns)


def _mismatches(
    cursor: Cursor, source: FileRecords, staged: Staged, records: Identifier, columns: Mapping[str, Composable]
) -> dict[str, int]:
    assert staged.listing is not None
    found = {
        "rows_without_file": queries.number(
            cursor, rows_without_file_sql(staged.listing, staged.export.table, columns[source.on])
        ),
        "files_without_row": 0
        if source.record_required
        else queries.number(
            cursor, SQL("SELECT count(*) FROM {} WHERE export_row IS NULL AND flaw IS NULL").format(records)
        ),
    }
    return {code: number for code, number in found.items() if number}


def _make(cursor: Cursor, table: Identifier, query: Composable) -> None:
    cursor.execute(SQL("CREATE UNLOGGED TABLE {table} AS {query}; ANALYZE {table}").format(table=table, query=query))


def _relation(cursor: Cursor, table: Identifier) -> Relation:
    cursor.execute(SQL("SELECT * FROM {} LIMIT 0").format(table))
    return Relation(table, {column.name: Identifier(column.name) for column in cursor.description or ()})

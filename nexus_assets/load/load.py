"""One load of one entity: the steps in their order, in one transaction, under a lock."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json
from psycopg2.sql import SQL, Composable, Identifier

from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.load import account as accounts
from nexus_assets.load import contract, gates, identity, incoming, merge, references, stage
from nexus_assets.load.account import Account, AccountError
from nexus_assets.load.incoming import Scene
from nexus_assets.load.ledger import code_hash, install
from nexus_assets.load.tables import Relation, Target, Work, ledger_table
from nexus_assets.load.tidy import tidy
from nexus_assets.mapping.entity import (
    ByChildren,
    Entity,
    ExportRows,
    FileRecords,
    RecordGroups,
)
from nexus_assets.mapping.parse import Reading
from nexus_assets.sources.records import (
    export_headings,
    file_records_sql,
    record_groups_sql,
    rows_without_file_sql,
)

if TYPE_CHECKING:
    from nexus_assets.load.settings import LoadSettings
    from nexus_assets.sources.filemaker import OpenExport
    from nexus_assets.sources.s3 import StoredObject


class NeverLoadedError(NexusAssetsError):
    """An entity's parents were never loaded into this database; nothing was written."""


@dataclass(frozen=True)
class Inputs:
    """Where a load reads from. Opened when the load comes to them: `export` by name (None: an optional one is absent)."""

    export: Callable[[str, tuple[str, ...], tuple[str, ...], bool], OpenExport | None]
    objects: Callable[[str], Iterable[StoredObject]]
    bucket: str = ""
    describe: Callable[[str], Mapping[str, Any]] = field(default=lambda name: {})


@dataclass
class LoadResult:
    """What a committed (or, in a plan, rolled back) load did; counts and hashes only."""

    entity: str
    load_id: int
    account: Account
    sources: dict[str, Any]
    seconds: float
    columns: Mapping[str, str]


def _check_parents_loaded(cursor: Cursor, entity: Entity) -> None:
    """Raises NeverLoadedError, naming the command, where a parent entity has no load in this database."""
    for name in entity.upstream:
        if gates.last_load(cursor, name) is None:
            raise NeverLoadedError(
                f"{name} was never loaded into this database, and {entity.name} refers to it.",
                remedy=f"Nothing was written. Run `dagster asset materialize --select '*{entity.name}'`.",
            )


def _reflect_all(cursor: Cursor, entity: Entity) -> tuple[Target, dict[str, Target], dict[str, Target]]:
    """The entity's table, its parents', and those of its children that recognise it."""
    target = contract.reflect(cursor, entity)
    contract.check(target)
    parents = {name: contract.reflect(cursor, ENTITIES[name]) for name in entity.upstream}
    children = {
        rule.child: contract.reflect(cursor, ENTITIES[rule.child])
        for rule in entity.recognised_by
        if isinstance(rule, ByChildren)
    }
    return target, parents, children


def _lookup_tables(cursor: Cursor, entity: Entity) -> dict[str, Composable]:
    """The small tables of the entity's lookups by the first of their names."""
    tables: dict[str, Composable] = {}
    for lookup in entity.lookups:
        for match in lookup.matches:
            found = contract.find_table(cursor, match.tables)
            if found is None:
                raise contract.ContractError(
                    f"The database has no table {' or '.join(match.tables)}, in which {entity.name} looks up {lookup.column}.",
                    remedy="Run Nexus's `manage.py migrate`. Nothing was written.",
                )
            tables[match.tables[0]] = Identifier(found[1], found[2])
    return tables


def _seed(
    cursor: Cursor, entity: Entity, settings: LoadSettings, tables: Mapping[str, Composable], scene_parts: Iterable[str]
) -> int:
    """A number that changes with the mapping and with what its lookups find: rows hashed with another one are read again."""
    parts = [repr(entity), code_hash(), settings.time_zone, *scene_parts]
    for lookup in entity.lookups:
        for match in lookup.matches:
            cursor.execute(
                SQL("SELECT coalesce(sum(hash_record_extended(ROW({}::text, id), 0)), 0) FROM {}").format(
                    Identifier(match.column), tables[match.tables[0]]
                )
            )
            parts.append(str(cursor.fetchone()[0]))
    return int.from_bytes(hashlib.sha256("\n".join(parts).encode()).digest()[:8], "big", signed=True)


@dataclass
class _Sources:
    """The staged sources of one load."""

    relation: Relation
    export: Relation
    facts: dict[str, Any]
    alongside: dict[str, Relation] = field(default_factory=dict)
    notices: dict[str, int] = field(default_factory=dict)
    records: FileRecords | None = None
    listing: Identifier | None = None


def _stage(cursor: Cursor, entity: Entity, inputs: Inputs, work: Work) -> _Sources:
    """Step 2: the export, its companions and the listing, as tables of text."""
    source = entity.source.of if isinstance(entity.source, RecordGroups) else entity.source
    if isinstance(source, ExportRows):
        headings = tuple(name for name in entity.fields() if name not in source.optional_headings)
        optional = source.optional_headings
    else:
        headings, optional = export_headings(source, _export_fields(entity)), ()
    opened = inputs.export(source.export, headings, optional, True)
    assert opened is not None
    relation = stage.stage_export(cursor, work("export"), opened)
    staged = _Sources(relation, relation, {source.export: {**inputs.describe(source.export), **_facts(opened)}})
    if isinstance(source, ExportRows):
        for name in source.alongside:
            wanted = tuple(
                heading
                for lookup in entity.lookups
                for match in lookup.matches
                if match.through and match.through[0] == name
                for heading in match.through[1:]
            )
            companion = inputs.export(name, wanted, (), False)
            if companion is not None:
                staged.alongside[name] = stage.stage_export(cursor, work(name.lower()), companion)
                staged.facts[name] = {**inputs.describe(name), **_facts(companion)}
    else:
        listing = stage.stage_listing(cursor, work("listing"), inputs.bucket, inputs.objects(source.listing))
        cursor.execute(SQL("ANALYZE {}").format(work("listing")))
        staged.records, staged.listing = source, work("listing")
        staged.facts[f"s3/{source.listing}"] = {
            "bucket": inputs.bucket,
            "objects": listing.digest.objects,
            "sha256": listing.digest.hexdigest(),
        }
    cursor.execute(SQL("ANALYZE {}").format(work("export")))
    return staged


def _export_fields(entity: Entity) -> tuple[str, ...]:
    """The fields that the file records need: a group's are the records' own."""
    if isinstance(entity.source, RecordGroups):
        return ()
    return tuple(entity.fields())


def _facts(opened: OpenExport) -> dict[str, Any]:
    facts = opened.facts
    return {
        "sha256": facts.sha256,
        "size": facts.size,
        "format": facts.format,
        "encoding": facts.encoding,
        "encoding_why": facts.encoding_why,
        "columns_unused": list(facts.columns_unused),
        "passed_over": list(facts.passed_over),
        "remarks": list(facts.remarks),
    }


def _make(cursor: Cursor, table: Identifier, query: Composable) -> None:
    cursor.execute(SQL("CREATE UNLOGGED TABLE {} AS {}").format(table, query))
    cursor.execute(SQL("ANALYZE {}").format(table))


def _date_orders(
    cursor: Cursor,
    dictionary: Identifier,
    last: gates.LastLoad | None,
    settings: LoadSettings,
    fields: Mapping[str, None],
) -> tuple[dict[str, str], dict[str, int]]:
    """The order of day and month of each date field, from its own values, else the last load's, else the setting."""
    cursor.execute(incoming.date_evidence_sql(dictionary))
    evidence = {row[0]: tuple(int(number) for number in row[1:]) for row in cursor.fetchall()}
    orders, undecided = {}, 0
    for name in fields:
        month_first, day_first, either = evidence.get(name, (0, 0, 0))
        before = last.date_orders.get(name) if last else None
        if month_first != day_first:
            found = "mdy" if month_first > day_first else "dmy"
            decisive = max(month_first, day_first) > VALUES_THAT_OUTWEIGH_THE_LAST_LOAD
            if before and before != found and not decisive:
                found = before
            if before and before != found and not settings.allow_date_order_change:
                raise gates.GateError(
                    f"The dates in column {name} were written {before} in the last load and are {found} in this export.",
                    setting="allow_date_order_change",
                )
            orders[name] = found
        else:
            orders[name] = before or settings.date_order
            undecided += bool(either and not before)
    return orders, {"undecided_date_order": undecided} if undecided else {}


VALUES_THAT_OUTWEIGH_THE_LAST_LOAD = 3
"""Fewer values than this that contradict the order found by the last load are typing errors, and become rejects."""


def _read_dictionaries(
    cursor: Cursor,
    work: Work,
    relation: Relation,
    dates: Mapping[str, None],
    times: Mapping[str, None],
    pending: Composable | None,
    last: gates.LastLoad | None,
    settings: LoadSettings,
    reading: Reading,
    suffix: str = "",
) -> tuple[dict[str, str], dict[str, int]]:
    """Reads each different date and time text once."""
    cursor.execute(incoming.dictionary_sql(work(f"dates{suffix}"), relation, dates, pending))
    orders, noticed = _date_orders(cursor, work(f"dates{suffix}"), last, settings, dates)
    cursor.execute(incoming.read_dates_sql(work(f"dates{suffix}"), orders, reading))
    cursor.execute(incoming.dictionary_sql(work(f"times{suffix}"), relation, times, pending))
    cursor.execute(incoming.read_times_sql(work(f"times{suffix}")))
    return orders, noticed


def _with_flaw(relation: Relation) -> Relation:
    return Relation(relation.table, {**relation.columns, "flaw": Identifier("flaw")})


def _relate(
    cursor: Cursor, entity: Entity, staged: _Sources, work: Work, bucket: str, orders: Callable[[], None]
) -> None:
    """Joins files and records, and groups them, where the entity's source is not the export itself."""
    if staged.records is None or staged.listing is None:
        return
    orders()
    headings = {name: staged.export.columns[name] for name in export_headings(staged.records, _export_fields(entity))}
    query = file_records_sql(
        staged.records, staged.listing, bucket, staged.export.table, dict(headings), work("dates_of_records")
    )
    _make(cursor, work("records"), query)
    table = work("records")
    if isinstance(entity.source, RecordGroups):
        _make(cursor, work("groups"), record_groups_sql(staged.records, table))
        table = work("groups")
    cursor.execute(SQL("SELECT * FROM {} LIMIT 0").format(table))
    named = {column.name: Identifier(column.name) for column in cursor.description}
    staged.relation = _with_flaw(Relation(table, named))
    if not isinstance(entity.source, RecordGroups):
        cursor.execute(
            rows_without_file_sql(staged.records, staged.listing, staged.export.table, headings[staged.records.on])
        )
        missing = int(cursor.fetchone()[0])
        if missing:
            staged.notices["rows_without_file"] = missing


def load(
    cursor: Cursor, entity: Entity, inputs: Inputs, settings: LoadSettings, run_id: str, log: Callable[[str], None]
) -> LoadResult:
    """Loads one entity in the transaction of `cursor`, whose caller holds the entity's lock and commits.

    Raises NexusAssetsError, having changed nothing that a rollback does not undo, where the load must not happen.
    """
    started, clock = datetime.now(timezone.utc), time.monotonic()
    work = Work(entity.name)
    reading = Reading(settings.time_zone, date.today())

    # 1 contract
    install(cursor)
    gates.check_ledger_belongs(cursor, settings)
    _check_parents_loaded(cursor, entity)
    target, parents, children = _reflect_all(cursor, entity)
    tables = _lookup_tables(cursor, entity)
    last = gates.last_load(cursor, entity.name)

    # 2 stage
    staged = _stage(cursor, entity, inputs, work)
    gates.check_sources_not_older(staged.facts, last, settings)
    orders: dict[str, str] = {}

    def read_group_dates() -> None:
        assert staged.records is not None
        name = dict.fromkeys([staged.records.grouped_by[1]] if staged.records.grouped_by else [])
        found, noticed = _read_dictionaries(
            cursor, work, staged.export, name, {}, None, last, settings, reading, "_of_records"
        )
        orders.update(found)
        staged.notices.update(noticed)

    _relate(cursor, entity, staged, work, inputs.bucket, read_group_dates)
    seed = _seed(
        cursor,
        entity,
        settings,
        tables,
        [facts.get("sha256", "") for name, facts in staged.facts.items() if name in staged.alongside],
    )
    scene = Scene(entity, target, parents, children, work, staged.relation, reading, seed, staged.alongside)
    cursor.execute(incoming.seen_sql(scene))
    cursor.execute(SQL("ANALYZE {}").format(work("seen")))
    cursor.execute(incoming.repeated_sql(scene))
    cursor.execute(incoming.pending_sql(scene))
    pending = cursor.rowcount
    cursor.execute(SQL("ANALYZE {}").format(work("pending")))
    log(f"{entity.name}: {pending} rows are new or have changed")
    found, noticed = _read_dictionaries(
        cursor,
        work,
        staged.relation,
        incoming.date_fields(entity),
        incoming.time_fields(entity),
        work("pending"),
        last,
        settings,
        reading,
    )
    orders = {**(last.date_orders if last else {}), **found, **orders}
    staged.notices.update(noticed)
    cursor.execute(incoming.incoming_sql(scene, tables))
    cursor.execute(incoming.reject_reason_sql(scene))
    cursor.execute(SQL("ANALYZE {}").format(work("incoming")))

    # 3 resolve
    identity.recognise(cursor, scene)
    cursor.execute(identity.decide_sql(scene))
    cursor.execute(SQL("ANALYZE {}").format(work("decided")))

    # 4 gate
    gates.check_rows(cursor, scene, last, settings)

    # 5 write
    load_id = _next_load_id(cursor)
    superseded = identity.supersede(cursor, scene, load_id)
    cursor.execute(merge.changes_sql(scene, settings.filemaker_wins))
    accounts.keep_conflicts(cursor, scene, load_id)
    account = accounts.count(cursor, scene)
    cursor.execute(merge.update_sql(scene))
    cursor.execute(merge.insert_sql(scene))
    cursor.execute(merge.ledger_update_sql(scene, load_id))
    cursor.execute(merge.ledger_insert_sql(scene, load_id))
    moved = references.move_superseded(cursor, target)

    # 6 tidy
    for declared in entity.tidy:
        name, number = tidy(declared, cursor, scene, load_id)
        if number:
            account.healed[name] = account.healed.get(name, 0) + number

    # 7 account and verify
    accounts.keep_rejects(cursor, scene, load_id)
    vanished = accounts.mark_vanished(cursor, scene, load_id)
    account.healed |= {
        name: number
        for name, number in {
            "superseded": superseded,
            "references_moved": sum(moved.values()),
            "vanished": vanished,
        }.items()
        if number
    }
    account.notices = {**staged.notices, **accounts.notices(cursor, scene)}
    account.orphans = accounts.orphans(cursor, scene)
    account.add_up(entity.name)
    if account.orphans:
        raise AccountError(
            f"The load of {entity.name} would leave {account.orphans} references that lead nowhere.",
            remedy=f"Nothing was written. Run `dagster asset materialize --select '*{entity.name}'`.",
        )
    seconds = time.monotonic() - clock
    _record(cursor, load_id, entity, run_id, started, seed, staged.facts, orders, account)
    _drop_work(cursor, work)
    return LoadResult(
        entity.name,
        load_id,
        account,
        staged.facts,
        seconds,
        {name: column.sql_type for name, column in target.columns.items()},
    )


def _next_load_id(cursor: Cursor) -> int:
    cursor.execute("SELECT nextval(pg_get_serial_sequence('nexus_assets.load', 'id'))")
    return int(cursor.fetchone()[0])


def _record(
    cursor: Cursor,
    load_id: int,
    entity: Entity,
    run_id: str,
    started: datetime,
    seed: int,
    sources: dict[str, Any],
    orders: dict[str, str],
    account: Account,
) -> None:
    cursor.execute(
        "INSERT INTO nexus_assets.load (id, entity, run_id, started_at, finished_at, mapping_version, sources, date_orders,"
        " source_rows, outcomes, rejected, notices, healed) OVERRIDING SYSTEM VALUE"
        " VALUES (%s, %s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            load_id,
            entity.name,
            run_id,
            started,
            str(seed),
            Json(sources, dumps=lambda value: json.dumps(value, default=str)),
            Json(orders),
            account.source_rows,
            Json(account.outcomes),
            Json(account.rejected),
            Json(account.notices),
            Json(account.healed),
        ),
    )


def _drop_work(cursor: Cursor, work: Work) -> None:
    cursor.execute(
        "SELECT relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'nexus_assets' AND c.relkind = 'r' AND starts_with(relname, %s)",
        (work("").strings[-1],),
    )
    for (name,) in cursor.fetchall():
        cursor.execute(SQL("DROP TABLE {}").format(ledger_table(name)))

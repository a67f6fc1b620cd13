"""One load of one entity: the steps in their order, in one transaction, under a lock."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json
from psycopg2.sql import SQL, Identifier

from nexus_assets.entities import ENTITIES
from nexus_assets.ledger import before_values, retention
from nexus_assets.ledger.loads import last_loads
from nexus_assets.ledger.schema import code_hash, free_numbers, install
from nexus_assets.ledger.tables import ledger_table
from nexus_assets.load import account as accounts
from nexus_assets.load import (
    compare,
    conflicts,
    constraints,
    contract,
    damage,
    decisions,
    first,
    gates,
    heal,
    identity,
    incoming,
    lost_writes,
    merge,
    parents,
    planner,
    record,
    rejects,
    rekey,
    sources,
    standing,
    superseded,
    tidy,
    vanished,
)
from nexus_assets.load.account import Account
from nexus_assets.load.dates import Dictionaries, date_fields, time_fields
from nexus_assets.load.gates import NeverLoadedError
from nexus_assets.load.incoming import LoadContext
from nexus_assets.load.settings import LoadSettings
from nexus_assets.load.sources import Inputs
from nexus_assets.load.unchanged import sources_now, unchanged_account
from nexus_assets.load.work import Relation, Work
from nexus_assets.mapping.entity import ByChildren, Entity, ExportRows
from nexus_assets.mapping.parse import Reading
from nexus_assets.nexus import catalog, queries, relations
from nexus_assets.nexus.catalog import Target
from nexus_assets.nexus.constraints import read_constraints
from nexus_assets.wording import counted

__all__ = ["Inputs", "LoadResult", "NeverLoadedError", "load"]


@dataclass(frozen=True)
class LoadResult:
    """What a committed (or, in a plan, rolled back) load did; counts and hashes only."""

    entity: str
    load_id: int
    account: Account
    sources: dict[str, Any]
    seconds: float
    columns: Mapping[str, str]
    date_orders: Mapping[str, Any]


def load(
    cursor: Cursor, entity: Entity, inputs: Inputs, settings: LoadSettings, run_id: str, log: Callable[[str], None]
) -> LoadResult:
    """Loads one entity in the transaction of `cursor`, whose caller holds the entity's lock and commits.

    Raises NexusAssetsError, having changed nothing that a rollback does not undo, where the load must not happen.
    """
    run = _Run(cursor, inputs, run_id, log)
    reading = Reading(settings.time_zone, run.started.astimezone(settings.zone).date())
    context = LoadContext(entity, catalog.reflect(cursor, entity), Work(entity.name), settings, reading)

    context = _contract(run, context)
    context, staged = _stage(run, context)
    if staged.unchanged is not None:
        return _tidy_and_account(run, context, staged, staged.unchanged)
    read = _read(run, context, staged)
    ids = _identity(run, context, staged, read)
    counts = _gates(run, context, staged, read, ids)
    account = _write(run, context, staged, read, counts)
    return _tidy_and_account(run, context, staged, account, read, ids)


@dataclass(frozen=True)
class _Run:
    """Where a load happens: the transaction, what it reads from, the run that it belongs to, and when it began."""

    cursor: Cursor
    inputs: Inputs
    run_id: str
    log: Callable[[str], None]
    started: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    clock: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class _Staged:
    """What step 2 found: facts and notices of the sources, and how their dates are read. Where nothing can have changed
    since the last load, the account that it would come to stands in `unchanged`, and nothing was copied. `marks` of damage: None
    where they are looked for in the rows that need work alone."""

    facts: dict[str, Any]
    export: Relation | None = None
    dictionaries: Dictionaries | None = None
    marks: Sequence[damage.Mark] | None = ()
    notices: Mapping[str, int] = field(default_factory=dict)
    corrected: int = 0
    unchanged: Account | None = None


@dataclass(frozen=True)
class _Read:
    """How many source rows there are, how many of them need work, how many repeat another one, how many known rows came under a new
    id, and the marks of damage."""

    rows: int
    pending: int
    collapsed: int = 0
    rekeyed: int = 0
    marks: Sequence[damage.Mark] = ()


def _contract(run: _Run, context: LoadContext) -> LoadContext:
    """Step 1: the table is as the entity writes it, the ledger is this database's, the parents are loaded. Completes the
    context with the tables around its own and what the ledger remembers."""
    cursor, entity = run.cursor, context.entity
    contract.check(context.target)
    install(cursor)
    relations.triggers(cursor)
    gates.check_ledger_belongs(cursor, entity.name, context.settings)
    loads = last_loads(cursor, entity.name, *entity.upstream)
    gates.check_parents_loaded(entity, loads)
    parent_tables = _reflected(cursor, entity.upstream)
    planner.tune(cursor)
    states = {
        name: parents.state(cursor, parent, with_vanished=name in entity.hosts)
        for name, parent in {**parent_tables, **_reflected(cursor, _others_there(cursor, entity))}.items()
    }
    incomplete = {name: parent for name, parent in parent_tables.items() if states[name].missing}
    gates.check_parents_there(cursor, entity, incomplete)
    context = replace(
        context,
        parents=parent_tables,
        children=_reflected(cursor, (rule.child for rule in entity.recognised_by if isinstance(rule, ByChildren))),
        lookups=catalog.lookup_tables(cursor, entity),
        parent_states={name: state.digest for name, state in states.items()},
        constraints=read_constraints(cursor, context.target.oid),
        retried_columns=decisions.retried_columns(cursor, entity.name) if entity.name in loads else frozenset(),
        last=loads.get(entity.name),
    )
    return replace(context, load_id=_next_load(cursor))


def _stage(run: _Run, context: LoadContext) -> tuple[LoadContext, _Staged]:
    """Step 2: copies the sources as text, unless nothing can have changed. Completes the context with the source's rows."""
    cursor, entity, inputs, last = run.cursor, context.entity, run.inputs, context.last
    unchanged = _unchanged(run, context)
    if unchanged is not None:
        return unchanged
    staged = sources.stage_all(cursor, entity, inputs, context.work, last.sources if last else {})
    facts = staged.facts
    inputs.step("matching")
    gates.check_sources_not_empty(context, facts)
    gates.check_sources_not_older(context, facts)
    _tell_of_sources(entity, facts, run.log)
    export = entity.rows_of.export
    marks = None if _only_new_can_be_damaged(context, staged.export) else _damage(run, context, staged.export, facts)
    before = last.date_orders if last else None
    date_system = facts[export].get("date_system", "")
    dictionaries = Dictionaries(cursor, context.work, before, context.settings, context.reading, date_system)
    targets = (context.target, *context.children.values())
    source, notices = sources.source_rows(cursor, entity, staged, context.work, inputs.bucket, dictionaries, targets)
    context = replace(
        context, source=source, companion_exports=staged.companion_exports, seed=_seed(cursor, context, facts)
    )
    if last is None and first.applies(cursor, context):
        context = replace(context, is_first=True)
    return context, _Staged(facts, staged.export, dictionaries, marks, notices, staged.corrected)


def _only_new_can_be_damaged(context: LoadContext, export: Relation) -> bool:
    """Whether rows that are not pending have no mark of damage: the last load found none, and the hash by which a row is known
    covers every column that is looked at. (Of rows of one key only the first is ever pending.)"""
    return (
        isinstance(context.entity.source, ExportRows)
        and context.entity.key is None
        and context.last is not None
        and damage.ADVICE.keys().isdisjoint(context.last.notices)
        and export.columns.keys() <= {*context.entity.fields()}
    )


def _damage(
    run: _Run, context: LoadContext, export: Relation, facts: Mapping[str, Any], rows: Relation | None = None
) -> Sequence[damage.Mark]:
    """The marks of damage in the export, or in these of its rows, which become remarks about it."""
    name = context.entity.rows_of.export
    marks = damage.find(run.cursor, export, date_fields(context.entity), f"The export {name}", rows)
    for mark in marks:
        _remark(run, context, facts, str(mark))
    return marks


def _remark(run: _Run, context: LoadContext, facts: Mapping[str, Any], remark: str) -> None:
    """Adds a remark to what is known of the entity's export, and logs it."""
    facts[context.entity.rows_of.export].setdefault("remarks", []).append(remark)
    run.log(f"{context.entity.name}: {remark}")


def _unchanged(run: _Run, context: LoadContext) -> tuple[LoadContext, _Staged] | None:
    """The end of step 2 where nothing can have changed since the last load; None where something may have."""
    last = context.last
    if last is None or context.settings.archive_vanished:
        return None
    now = sources_now(context.entity, run.inputs)
    if now is None:
        return None
    context = replace(context, seed=_seed(run.cursor, context, now))
    account = unchanged_account(run.cursor, context, last, now)
    if account is None:
        return None
    files = ", ".join(facts["file"] for facts in now.values() if "file" in facts)
    run.log(f"{context.entity.name}: the sources ({files}) and all rows are as the last load left them")
    facts = {name: {**last.sources[name], **found} for name, found in now.items()}
    for found in facts.values():
        found.pop("columns_new", None)
    return context, _Staged(facts, unchanged=account)


def _read(run: _Run, context: LoadContext, staged: _Staged) -> _Read:
    """Step 3: the rows that need work, typed, in `incoming`."""
    cursor, entity, dictionaries, export = run.cursor, context.entity, staged.dictionaries, staged.export
    assert dictionaries is not None
    assert export is not None
    if context.is_first:
        run.inputs.step("reading")
        rows = first.read(cursor, context, dictionaries)
        run.log(f"{entity.name}: {counted(rows, 'row')} to read: all are new")
        return _Read(rows, rows, marks=staged.marks or ())
    rows = incoming.build_seen(cursor, context)
    rekeyed = rekey.follow(cursor, context)
    collapsed = incoming.find_repeated(cursor, context)
    standing.find(cursor, context)
    pending = incoming.find_pending(cursor, context)
    marks = staged.marks
    if marks is None:
        marks = _damage(run, context, export, staged.facts, context.pending)
    dictionaries.read(context.pending, date_fields(entity), time_fields(entity), partly=True)
    if dictionaries.read_otherwise_before:
        dictionaries.forget_last()
        standing.forget(cursor, context)
        pending = incoming.find_all_pending(cursor, context)
        dictionaries.read(context.pending, date_fields(entity), time_fields(entity), partly=True)
    run.log(f"{entity.name}: {counted(pending, 'row')} to read: new, changed, or rejected before")
    run.inputs.step("reading", pending)
    incoming.read(cursor, context)
    return _Read(rows, pending, collapsed, rekeyed, marks)


def _identity(run: _Run, context: LoadContext, staged: _Staged, read: _Read) -> vanished.Ids:
    """Step 4: which row of Nexus each accepted row is, in `decided`, and how many known ids the source no longer has."""
    if not context.is_first:
        run.inputs.step("comparing", read.pending)
        identity.resolve(run.cursor, context)
    for remark in constraints.reject_new(run.cursor, context):
        _remark(run, context, staged.facts, remark)
    return vanished.Ids(0, 0) if context.is_first else vanished.count(run.cursor, context)


def _gates(run: _Run, context: LoadContext, staged: _Staged, read: _Read, ids: vanished.Ids) -> incoming.Counts:
    """Step 5: raises GateError where too much vanished, was rejected or came under new ids; nothing is written yet."""
    cursor = run.cursor
    assert staged.export is not None
    without_file = vanished.still_named(cursor, context, staged.export) if ids.vanishing else []
    gates.check_files_there(context, without_file, ids.known)
    # Those were asked about by themselves.
    others = replace(ids, vanishing=ids.vanishing - len(without_file))
    counts = incoming.count(cursor, context, contract.demanding(context.target))
    if not context.is_first:
        counts = counts.with_rejected(standing.count(cursor, context))
    gates.check_rows(cursor, context, read.rows, others, staged.notices, counts)
    contract.check_values(context.target, counts.without)
    return counts


def _write(run: _Run, context: LoadContext, staged: _Staged, read: _Read, counts: incoming.Counts) -> Account:
    """Step 6: what differs is written into Nexus, and remembered in the ledger."""
    cursor, inputs = run.cursor, run.inputs
    if context.is_first:
        inputs.step("writing", read.pending)
        return first.write(cursor, context, read.rows, counts.rejected)
    resembling = identity.count_resembling(cursor, context)
    followed = identity.supersede(cursor, context)
    compare.find_changes(cursor, context)
    for remark in constraints.keep_changed(cursor, context):
        _remark(run, context, staged.facts, remark)
    kept = conflicts.kept_columns(cursor, context)
    conflicts.keep_conflicts(cursor, context, kept)
    account = accounts.count(cursor, context, read.rows, read.collapsed, counts.rejected)
    learned = superseded.learn(cursor, context)
    inputs.step("writing", read.pending)
    cursor.execute(merge.update_sql(context))
    lost_writes.check_updated(cursor, context, account.updated, cursor.rowcount)
    cursor.execute(merge.insert_sql(context))
    lost_writes.check_inserted(cursor, context, account.inserted, cursor.rowcount)
    cursor.execute(record.compared_sql(context, kept))
    record.inserted(cursor, context)
    identity.note_the_unseen(cursor, context)
    for parent in learned:
        account.heal(
            references_moved=sum(superseded.move_superseded(cursor, context.parents[parent], context.kept_for).values())
        )
    # Rows that another entity brought are counted by that one.
    account.heal(superseded=followed if context.entity.adds_rows else 0, rekeyed=read.rekeyed)
    if resembling:
        account.notices["looks_like_an_existing_row"] = resembling
    return account


def _tidy_and_account(
    run: _Run,
    context: LoadContext,
    staged: _Staged,
    account: Account,
    read: _Read | None = None,
    ids: vanished.Ids | None = None,
) -> LoadResult:
    """Step 7: repairs links, keeps rejects, proves the account, keeps it in the ledger, and leaves no work table behind.

    `read` and `ids` are None where nothing was read. Raises AccountError where the account doesn't add up.
    """
    cursor, dictionaries = run.cursor, staged.dictionaries
    if read is not None:
        run.inputs.step("accounting", read.pending)
    _repair_links(cursor, context, account)
    if read is not None and ids is not None:
        rejects.keep_rejects(cursor, context)
        if not context.is_first:
            account.heal(**vanished.follow(cursor, context, ids))
        _add_notices(cursor, context, staged, account, read.marks)
        account.orphans = accounts.orphans(cursor, context)
    account.add_up(context.entity.name)
    date_orders = dictionaries.to_json() if dictionaries else context.last.date_orders if context.last else {}
    _record(run, context, staged.facts, date_orders, account)
    if context.last is not None:
        if account.inserted or account.updated or account.healed:
            before_values.purge(cursor, context.entity.name, context.settings.undoable_loads)
        retention.purge(cursor, context.entity.name, context.settings.retention_days)
    _drop(cursor, context.work)
    types = {name: column.sql_type for name, column in context.target.columns.items()}
    told = sources.shown(staged.facts)
    seconds = time.monotonic() - run.clock
    return LoadResult(context.entity.name, context.load_id, account, told, seconds, types, date_orders)


def _add_notices(
    cursor: Cursor, context: LoadContext, staged: _Staged, account: Account, marks: Iterable[damage.Mark]
) -> None:
    """Adds to the account what is worth telling of the sources, the rows and the dates; lookups that find nothing are remarks too."""
    of_rows, first_rows = accounts.notices(cursor, context)
    account.notices = {**account.notices, **staged.notices, **of_rows}
    for code in [lookup.notice for lookup in context.entity.lookups if lookup.notice in of_rows]:
        remark = f"{code}: {counted(of_rows[code], 'row')}, the first in record {first_rows[code]:,}"
        staged.facts[context.entity.rows_of.export].setdefault("remarks", []).append(remark)
    for mark in marks:
        account.notices[mark.code] = account.notices.get(mark.code, 0) + mark.cells
    dates = staged.dictionaries
    found = {
        "corrected": staged.corrected,
        "undecided_date_order": dates.undecided_columns if dates else 0,
        "doubtful_date_order": dates.doubtful_columns if dates else 0,
    }
    account.notices.update({code: number for code, number in found.items() if number})


def _tell_of_sources(entity: Entity, facts: Mapping[str, Any], log: Callable[[str], None]) -> None:
    """Says what is remarkable about the sources, and once, which columns are new and unused, by their places."""
    for remark in sources.remarks(facts):
        log(f"{entity.name}: {remark}")
    for name, each in facts.items():
        if new := each.get("columns_new"):
            places = ", ".join(map(str, new))
            log(f"{entity.name}: {name} has columns that it did not have before, and that nothing reads: {places}")


def _next_load(cursor: Cursor) -> int:
    """The number of this load. A database restored without its sequences gives numbers that are taken: they catch up first."""
    number, last = queries.row(
        cursor,
        "SELECT nextval(pg_get_serial_sequence('nexus_assets.load', 'id')), (SELECT coalesce(max(id), 0) FROM nexus_assets.load)",
    )
    if number > last:
        return int(number)
    free_numbers(cursor)
    return _next_load(cursor)


def _repair_links(cursor: Cursor, context: LoadContext, account: Account) -> None:
    """Moves references to superseded ids, heals links, and tidies what the entity declares: needed even without news."""
    moved = superseded.move_superseded(cursor, context.target, context.kept_for)
    account.heal(references_moved=sum(moved.values()), relinked=heal.dead_links(cursor, context))
    account.heal(**tidy.tidy_all(cursor, context))
    heal.hold_parents(cursor, context)


def _reflected(cursor: Cursor, names: Iterable[str]) -> dict[str, Target]:
    return {name: catalog.reflect(cursor, ENTITIES[name]) for name in names}


def _others_there(cursor: Cursor, entity: Entity) -> Iterator[str]:
    """The entities that decide whose a row is without being needed, as far as the database has their tables."""
    return (name for name in entity.after if name not in entity.upstream and catalog.is_there(cursor, ENTITIES[name]))


def _seed(cursor: Cursor, context: LoadContext, facts: Mapping[str, Mapping[str, Any]]) -> int:
    """A number that changes with the mapping, the table's columns, what lookups find, and what a bare number means as a day:
    rows hashed with another one are read again."""
    entity, target = context.entity, context.target
    columns = repr([target.columns[name] for name in entity.written_columns])
    parts = [
        repr(entity),
        columns,
        *map(repr, context.constraints),
        code_hash(),
        context.settings.time_zone,
        sources.digest_of_companions(entity, facts),
    ]
    parts += [name for name, each in facts.items() if each.get("date_system") == "1904"]
    for lookup in entity.lookups:
        for match in lookup.matches:
            query = SQL("SELECT coalesce(sum(hash_record_extended(ROW({}::text, id), 0)), 0)::text FROM {}")
            parts += queries.row(cursor, query.format(Identifier(match.column), context.lookups[match.tables[0]]))
    return int.from_bytes(hashlib.sha256("\n".join(parts).encode()).digest()[:8], "big", signed=True)


def _record(
    run: _Run, context: LoadContext, facts: dict[str, Any], date_orders: Mapping[str, Any], account: Account
) -> None:
    """Keeps what this load did, in the ledger."""
    run.cursor.execute(
        "INSERT INTO nexus_assets.load (id, entity, run_id, started_at, finished_at, mapping_version, sources, date_orders,"
        " source_rows, outcomes, rejected, notices, healed, adoption, parents, undoable) OVERRIDING SYSTEM VALUE"
        " VALUES (%s, %s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            context.load_id,
            context.entity.name,
            run.run_id,
            run.started,
            str(context.seed),
            Json(facts, dumps=lambda value: json.dumps(value, default=str)),
            Json(dict(date_orders)),
            account.source_rows,
            Json(account.outcomes),
            Json(account.rejected),
            Json(account.notices),
            Json(account.healed),
            Json(account.adoption),
            Json(dict(context.parent_states)),
            context.can_be_undone,
        ),
    )


def _drop(cursor: Cursor, work: Work) -> None:
    """Drops the tables of this load."""
    cursor.execute(
        "SELECT relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'nexus_assets' AND c.relkind = 'r' AND starts_with(relname, %s) ORDER BY c.oid",
        (work.prefix,),
    )
    names = [ledger_table(name) for (name,) in cursor.fetchall()]
    if names:
        cursor.execute(SQL("DROP TABLE {}").format(SQL(", ").join(names)))

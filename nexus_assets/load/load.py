"""One load of one entity: the steps in their order, in one transaction, under a lock."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json
from psycopg2.sql import SQL, Composable, Identifier

from nexus_assets.entities import ENTITIES
from nexus_assets.ledger import before_values
from nexus_assets.ledger.schema import code_hash, install
from nexus_assets.ledger.tables import ledger_table
from nexus_assets.load import account as accounts
from nexus_assets.load import (
    compare,
    conflicts,
    contract,
    damage,
    decisions,
    first,
    gates,
    heal,
    identity,
    incoming,
    merge,
    parents,
    record,
    rejects,
    rekey,
    sources,
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
from nexus_assets.mapping.entity import ByChildren, Entity
from nexus_assets.mapping.parse import Reading
from nexus_assets.nexus import catalog, queries, relations
from nexus_assets.nexus.catalog import Target

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
    run = _Run(run_id, datetime.now(timezone.utc), time.monotonic())
    work = Work(entity.name)

    # 1 contract
    target = catalog.reflect(cursor, entity)
    contract.check(target)
    relations.triggers(cursor)
    install(cursor)
    gates.check_ledger_belongs(cursor, entity.name, settings)
    gates.check_parents_loaded(cursor, entity)
    parent_tables = _reflected(cursor, entity.upstream)
    setting = _Setting(
        target,
        parent_tables,
        _reflected(cursor, (rule.child for rule in entity.recognised_by if isinstance(rule, ByChildren))),
        catalog.lookup_tables(cursor, entity),
        settings,
        parents.states(cursor, parent_tables),
        decisions.decided_columns(cursor, entity.name),
    )
    last = gates.last_load(cursor, entity.name)
    _tune(cursor)
    gates.check_parents_there(cursor, entity, setting.parents)

    # 2 stage
    load_id = _next_load(cursor)
    if last is not None:
        unchanged = _unchanged_result(cursor, setting, work, inputs, last, run, load_id, log)
        if unchanged is not None:
            return unchanged
    staged = sources.stage_all(cursor, entity, inputs, work, last.sources if last else {})
    inputs.step("matching")
    gates.check_sources_not_empty(entity, staged.facts, last, settings)
    gates.check_sources_not_older(entity.name, staged.facts, last, settings)
    _tell_of_sources(entity, staged.facts, log)
    marks = damage.find(cursor, staged.export, date_fields(entity), f"The export {entity.rows_of.export}")
    for mark in marks:
        staged.facts[entity.rows_of.export].setdefault("remarks", []).append(str(mark))
        log(f"{entity.name}: {mark}")
    date_system = staged.facts[entity.rows_of.export].get("date_system", "")
    before = last.date_orders if last else None
    dictionaries = Dictionaries(cursor, work, before, settings, setting.reading, date_system)
    source, noticed = sources.source_rows(
        cursor, entity, staged, work, inputs.bucket, dictionaries, (target, *setting.children.values())
    )
    context = setting.context(cursor, work, staged.facts, source, staged.companion_exports, load_id)
    if last is None and first.applies(cursor, context):
        context = replace(context, is_first=True)
    read = _read(cursor, context, dictionaries, inputs, log)

    # 5 gates
    without_file = vanished.still_named(cursor, context, staged.export) if read.ids.vanishing else []
    gates.check_files_there(entity, without_file, read.ids.known, last, settings)
    # Those were asked about by themselves.
    ids = replace(read.ids, vanishing=read.ids.vanishing - len(without_file))
    gates.check_rows(cursor, context, read.rows, ids, noticed, last, settings)
    contract.check_values(cursor, target, work("incoming"), incoming.incoming_column)

    # 6 write
    account = _write(cursor, context, read, load_id, inputs)

    # 7 tidy and account
    inputs.step("accounting", read.pending)
    _repair_links(cursor, context, account)
    rejects.keep_rejects(cursor, context, load_id)
    if not context.is_first:
        account.heal(**vanished.follow(cursor, context, read.ids, load_id, settings.archive_vanished))
    account.notices = {**account.notices, **noticed, **accounts.notices(cursor, context)}
    for mark in marks:
        account.notices[mark.code] = account.notices.get(mark.code, 0) + mark.cells
    if staged.mended:
        account.notices["mended"] = staged.mended
    if dictionaries.undecided_columns:
        account.notices["undecided_date_order"] = dictionaries.undecided_columns
    if dictionaries.doubtful_columns:
        account.notices["doubtful_date_order"] = dictionaries.doubtful_columns
    account.orphans = accounts.orphans(cursor, context)
    return _finish(cursor, context, account, staged.facts, dictionaries.to_json(), run, settings)


@dataclass(frozen=True)
class _Read:
    """How many source rows there are, how many need work, which ids vanish, and how many known rows came under a new id."""

    rows: int
    pending: int
    ids: vanished.Ids
    rekeyed: int = 0


def _read(
    cursor: Cursor, context: LoadContext, dictionaries: Dictionaries, inputs: Inputs, log: Callable[[str], None]
) -> _Read:
    """Steps 3 and 4, read and identity: the typed rows in `incoming`, and which row of Nexus each of them is."""
    entity = context.entity
    if context.is_first:
        inputs.step("reading")
        rows = first.read(cursor, context, dictionaries)
        log(f"{entity.name}: {rows} rows to read: all are new")
        return _Read(rows, rows, vanished.Ids(0, 0))
    rows = incoming.build_seen(cursor, context)
    rekeyed = rekey.follow(cursor, context)
    pending = incoming.find_pending(cursor, context)
    dictionaries.read(context.pending, date_fields(entity), time_fields(entity), partly=True)
    if dictionaries.read_otherwise_before:
        dictionaries.forget_last()
        pending = incoming.find_all_pending(cursor, context)
        dictionaries.read(context.pending, date_fields(entity), time_fields(entity), partly=True)
    log(f"{entity.name}: {pending} rows to read: new, changed, or rejected before")
    inputs.step("reading", pending)
    incoming.read(cursor, context)
    inputs.step("comparing", pending)
    identity.resolve(cursor, context)
    return _Read(rows, pending, vanished.count(cursor, context), rekeyed=rekeyed)


def _write(cursor: Cursor, context: LoadContext, read: _Read, load_id: int, inputs: Inputs) -> Account:
    """Step 6: what differs is written into Nexus, and remembered in the ledger."""
    if context.is_first:
        inputs.step("writing", read.pending)
        return first.write(cursor, context, read.rows, load_id)
    resembling = identity.count_resembling(cursor, context)
    followed = identity.supersede(cursor, context, load_id)
    compare.find_changes(cursor, context)
    conflicts.keep_conflicts(cursor, context, load_id)
    account = accounts.count(cursor, context)
    learned = superseded.learn(cursor, context, load_id)
    inputs.step("writing", read.pending)
    cursor.execute(merge.update_sql(context))
    cursor.execute(merge.insert_sql(context))
    cursor.execute(record.compared_sql(context, load_id))
    record.inserted(cursor, context, load_id)
    identity.note_the_unseen(cursor, context, load_id)
    for parent in learned:
        account.heal(
            references_moved=sum(superseded.move_superseded(cursor, context.parents[parent], context.kept_for).values())
        )
    account.heal(superseded=followed, rekeyed=read.rekeyed)
    if resembling:
        account.notices["looks_like_an_existing_row"] = resembling
    return account


@dataclass(frozen=True)
class _Run:
    """The run that a load belongs to, and when the load began, by the calendar and by the clock."""

    run_id: str
    started: datetime
    clock: float


@dataclass(frozen=True)
class _Setting:
    """What a load finds before it reads anything: the tables around its own, and what a person decided."""

    target: Target
    parents: Mapping[str, Target]
    children: Mapping[str, Target]
    lookups: Mapping[str, Composable]
    settings: LoadSettings
    parent_states: Mapping[str, str]
    decided_columns: frozenset[str]

    @property
    def reading(self) -> Reading:
        return Reading(self.settings.time_zone, datetime.now(self.settings.zone).date())

    def context(
        self,
        cursor: Cursor,
        work: Work,
        facts: Mapping[str, Mapping[str, Any]],
        source: Relation,
        companion_exports: Mapping[str, Relation],
        load_id: int,
    ) -> LoadContext:
        """The context of a load that reads these sources."""
        return LoadContext(
            self.target.entity,
            self.target,
            self.parents,
            self.children,
            self.lookups,
            work,
            source,
            companion_exports,
            self.reading,
            _seed(cursor, self.target, self.settings, self.lookups, facts),
            self.settings.filemaker_wins,
            parent_states=self.parent_states,
            decided_columns=self.decided_columns,
            load_id=load_id,
            can_be_undone=self.settings.undoable_loads > 0,
        )


def _tune(cursor: Cursor) -> None:
    # The tables of a load are asked a few plain questions: a tenth of the usual sample plans those as well.
    cursor.execute("SET LOCAL default_statistics_target = 10")
    # Joins of a hundred thousand rows then stay in memory: a tenth of a load's time.
    cursor.execute("SET LOCAL work_mem = '64MB'")
    # What is done to a row (hashing, reading dates and ids) costs far more than handing it from a parallel worker on.
    cursor.execute("SET LOCAL parallel_tuple_cost = 0.005")


def _unchanged_result(
    cursor: Cursor,
    setting: _Setting,
    work: Work,
    inputs: Inputs,
    last: gates.LastLoad,
    run: _Run,
    load_id: int,
    log: Callable[[str], None],
) -> LoadResult | None:
    """The whole load where nothing can have changed since the last one; None where something may have."""
    entity = setting.target.entity
    now = None if setting.settings.archive_vanished else sources_now(entity, inputs)
    if now is None:
        return None
    context = setting.context(cursor, work, now, Relation(work("export"), {}), {}, load_id)
    account = unchanged_account(cursor, context, last, now, setting.settings)
    if account is None:
        return None
    files = ", ".join(facts["file"] for facts in now.values() if "file" in facts)
    log(f"{entity.name}: the sources ({files}) and all rows are as the last load left them")
    _repair_links(cursor, context, account)
    facts = {name: {**last.sources[name], **found} for name, found in now.items()}
    for found in facts.values():
        found.pop("columns_new", None)
    return _finish(cursor, context, account, facts, last.date_orders, run, setting.settings)


def _tell_of_sources(entity: Entity, facts: Mapping[str, Any], log: Callable[[str], None]) -> None:
    """Says what is remarkable about the sources, and once, which columns are new and unused, by their places."""
    for name, each in facts.items():
        for remark in each.get("remarks", ()):
            log(f"{entity.name}: {name}: {remark}")
        if new := each.get("columns_new"):
            places = ", ".join(map(str, new))
            log(f"{entity.name}: {name} has columns that it did not have before, and that nothing reads: {places}")


def _next_load(cursor: Cursor) -> int:
    return queries.number(cursor, "SELECT nextval(pg_get_serial_sequence('nexus_assets.load', 'id'))")


def _repair_links(cursor: Cursor, context: LoadContext, account: Account) -> None:
    """Moves references to superseded ids, heals links, and tidies what the entity declares: needed even without news."""
    moved = superseded.move_superseded(cursor, context.target, context.kept_for)
    account.heal(references_moved=sum(moved.values()), relinked=heal.dead_links(cursor, context))
    account.heal(**tidy.tidy_all(cursor, context, context.load_id))
    heal.hold_parents(cursor, context)


def _finish(
    cursor: Cursor,
    context: LoadContext,
    account: Account,
    facts: dict[str, Any],
    date_orders: Mapping[str, Any],
    run: _Run,
    settings: LoadSettings,
) -> LoadResult:
    """Proves the account, keeps it in the ledger, and leaves no table behind. Raises AccountError where it doesn't add up."""
    account.add_up(context.entity.name)
    load_id = context.load_id
    _record(cursor, load_id, context, run, facts, date_orders, account)
    if account.inserted or account.updated or account.healed:
        before_values.purge(cursor, context.entity.name, settings.undoable_loads)
    _drop(cursor, context.work)
    types = {name: column.sql_type for name, column in context.target.columns.items()}
    told = sources.shown(facts)
    return LoadResult(context.entity.name, load_id, account, told, time.monotonic() - run.clock, types, date_orders)


def _reflected(cursor: Cursor, names: Iterable[str]) -> dict[str, Target]:
    return {name: catalog.reflect(cursor, ENTITIES[name]) for name in names}


def _seed(
    cursor: Cursor,
    target: Target,
    settings: LoadSettings,
    lookups: Mapping[str, Composable],
    facts: Mapping[str, Mapping[str, Any]],
) -> int:
    """A number that changes with the mapping, the table's columns, what lookups find, and what a bare number means as a day:
    rows hashed with another one are read again."""
    entity = target.entity
    columns = repr([target.columns[name] for name in entity.written_columns])
    parts = [repr(entity), columns, code_hash(), settings.time_zone, sources.digest_of_companions(entity, facts)]
    parts += [name for name, each in facts.items() if each.get("date_system") == "1904"]
    for lookup in entity.lookups:
        for match in lookup.matches:
            query = SQL("SELECT coalesce(sum(hash_record_extended(ROW({}::text, id), 0)), 0)::text FROM {}")
            parts += queries.row(cursor, query.format(Identifier(match.column), lookups[match.tables[0]]))
    return int.from_bytes(hashlib.sha256("\n".join(parts).encode()).digest()[:8], "big", signed=True)


def _record(
    cursor: Cursor,
    load_id: int,
    context: LoadContext,
    run: _Run,
    facts: dict[str, Any],
    date_orders: Mapping[str, Any],
    account: Account,
) -> None:
    """Keeps what this load did, in the ledger."""
    cursor.execute(
        "INSERT INTO nexus_assets.load (id, entity, run_id, started_at, finished_at, mapping_version, sources, date_orders,"
        " source_rows, outcomes, rejected, notices, healed, adoption, parents, undoable) OVERRIDING SYSTEM VALUE"
        " VALUES (%s, %s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            load_id,
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
        " WHERE n.nspname = 'nexus_assets' AND c.relkind = 'r' AND starts_with(relname, %s)",
        (work.prefix,),
    )
    names = [ledger_table(name) for (name,) in cursor.fetchall()]
    if names:
        cursor.execute(SQL("DROP TABLE {}").format(SQL(", ").join(names)))

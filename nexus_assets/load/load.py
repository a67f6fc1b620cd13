"""One load of one entity: the steps in their order, in one transaction, under a lock."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json
from psycopg2.sql import SQL, Composable, Identifier

from nexus_assets.entities import ENTITIES
from nexus_assets.load import account as accounts
from nexus_assets.load import (
    answers,
    compare,
    conflicts,
    contract,
    gates,
    identity,
    incoming,
    merge,
    references,
    rejects,
    remember,
    sources,
    tidy,
    vanished,
)
from nexus_assets.load.account import Account
from nexus_assets.load.dates import Dictionaries, date_fields, time_fields
from nexus_assets.load.gates import NeverLoadedError
from nexus_assets.load.incoming import Scene
from nexus_assets.load.ledger import code_hash, install
from nexus_assets.load.settings import LoadSettings
from nexus_assets.load.sources import Inputs, Staged
from nexus_assets.load.tables import Target, Work, ledger_table
from nexus_assets.mapping.entity import ByChildren, Entity
from nexus_assets.mapping.parse import Reading

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


def load(
    cursor: Cursor, entity: Entity, inputs: Inputs, settings: LoadSettings, run_id: str, log: Callable[[str], None]
) -> LoadResult:
    """Loads one entity in the transaction of `cursor`, whose caller holds the entity's lock and commits.

    Raises NexusAssetsError, having changed nothing that a rollback does not undo, where the load must not happen.
    """
    started, clock = datetime.now(timezone.utc), time.monotonic()
    work = Work(entity.name)
    reading = Reading(settings.time_zone, datetime.now(settings.zone).date())

    # 1 contract
    install(cursor)
    gates.check_ledger_belongs(cursor, settings)
    gates.check_parents_loaded(cursor, entity)
    target = contract.reflect(cursor, entity)
    contract.check(target)
    lookups = contract.lookup_tables(cursor, entity)
    last = gates.last_load(cursor, entity.name)

    # 2 stage
    # The tables of a load are asked a few plain questions: a tenth of the usual sample plans those as well.
    cursor.execute("SET LOCAL default_statistics_target = 10")
    staged = sources.stage_all(cursor, entity, inputs, work)
    gates.check_sources_not_older(staged.facts, last, settings)
    dictionaries = Dictionaries(cursor, work, last.date_orders if last else None, settings, reading)
    source, noticed = sources.source_rows(cursor, entity, staged, work, inputs.bucket, dictionaries)
    scene = Scene(
        entity=entity,
        target=target,
        parents=_reflected(cursor, entity.upstream),
        children=_reflected(cursor, (rule.child for rule in entity.recognised_by if isinstance(rule, ByChildren))),
        lookups=lookups,
        work=work,
        source=source,
        alongside=staged.alongside,
        reading=reading,
        seed=_seed(cursor, entity, settings, lookups, staged),
        filemaker_wins=settings.filemaker_wins,
    )
    pending = incoming.find_pending(cursor, scene)
    dictionaries.read(source, date_fields(entity), time_fields(entity), work("pending"))
    if dictionaries.read_otherwise_before:
        pending = incoming.find_all_pending(cursor, scene)
        dictionaries.read(source, date_fields(entity), time_fields(entity), work("pending"))
    log(f"{entity.name}: {pending} rows are new or have changed")
    incoming.read(cursor, scene)

    # 3 resolve
    identity.resolve(cursor, scene)

    # 4 gate
    gates.check_rows(cursor, scene, noticed, last, settings)
    contract.check_values(cursor, target, work("incoming"), incoming.new)

    # 5 write
    load_id = answers.number(cursor, "SELECT nextval(pg_get_serial_sequence('nexus_assets.load', 'id'))")
    superseded = identity.supersede(cursor, scene, load_id)
    compare.find_changes(cursor, scene)
    conflicts.keep_conflicts(cursor, scene, load_id)
    account = accounts.count(cursor, scene)
    cursor.execute(merge.update_sql(scene))
    cursor.execute(merge.insert_sql(scene))
    cursor.execute(remember.compared_sql(scene, load_id))
    cursor.execute(remember.made_sql(scene, load_id))
    moved = references.move_superseded(cursor, target)

    # 6 tidy
    account.heal(**tidy.tidy_all(cursor, scene, load_id))

    # 7 account and verify
    rejects.keep_rejects(cursor, scene, load_id)
    account.heal(superseded=superseded, references_moved=sum(moved.values()))
    account.heal(**vanished.follow(cursor, scene, load_id, settings.archive_vanished))
    account.notices = {**noticed, **accounts.notices(cursor, scene)}
    if dictionaries.undecided_columns:
        account.notices["undecided_date_order"] = dictionaries.undecided_columns
    account.orphans = accounts.orphans(cursor, scene)
    account.add_up(entity.name)
    _record(cursor, load_id, scene, run_id, started, staged.facts, dictionaries.to_json(), account)
    _drop(cursor, work)
    types = {name: column.sql_type for name, column in target.columns.items()}
    return LoadResult(entity.name, load_id, account, staged.facts, time.monotonic() - clock, types)


def _reflected(cursor: Cursor, names: Iterable[str]) -> dict[str, Target]:
    return {name: contract.reflect(cursor, ENTITIES[name]) for name in names}


def _seed(
    cursor: Cursor, entity: Entity, settings: LoadSettings, lookups: Mapping[str, Composable], staged: Staged
) -> int:
    """A number that changes with the mapping and with what its lookups find: rows hashed with another one are read again."""
    parts = [repr(entity), code_hash(), settings.time_zone, staged.digest_of_companions()]
    for lookup in entity.lookups:
        for match in lookup.matches:
            query = SQL("SELECT coalesce(sum(hash_record_extended(ROW({}::text, id), 0)), 0)::text FROM {}")
            parts += answers.row(cursor, query.format(Identifier(match.column), lookups[match.tables[0]]))
    return int.from_bytes(hashlib.sha256("\n".join(parts).encode()).digest()[:8], "big", signed=True)


def _record(
    cursor: Cursor,
    load_id: int,
    scene: Scene,
    run_id: str,
    started: datetime,
    facts: dict[str, Any],
    date_order: dict[str, Any],
    account: Account,
) -> None:
    """Keeps what this load did, in the ledger."""
    cursor.execute(
        "INSERT INTO nexus_assets.load (id, entity, run_id, started_at, finished_at, mapping_version, sources, date_orders,"
        " source_rows, outcomes, rejected, notices, healed) OVERRIDING SYSTEM VALUE"
        " VALUES (%s, %s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            load_id,
            scene.entity.name,
            run_id,
            started,
            str(scene.seed),
            Json(facts, dumps=lambda value: json.dumps(value, default=str)),
            Json(date_order),
            account.source_rows,
            Json(account.outcomes),
            Json(account.rejected),
            Json(account.notices),
            Json(account.healed),
        ),
    )


def _drop(cursor: Cursor, work: Work) -> None:
    """Drops the tables of this load."""
    cursor.execute(
        "SELECT relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'nexus_assets' AND c.relkind = 'r' AND starts_with(relname, %s)",
        (work("").strings[-1],),
    )
    for (name,) in cursor.fetchall():
        cursor.execute(SQL("DROP TABLE {}").format(ledger_table(name)))

"""What a load stands on: the hashes of its sources, the mapping, and what the ledger holds of its entity. A plan is tied to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Literal

from nexus_assets.errors import NexusAssetsError
from nexus_assets.ledger.schema import code_hash
from nexus_assets.ledger.tables import identity_table
from nexus_assets.load.account import Account
from nexus_assets.load.settings import LoadSettings
from nexus_assets.mapping.entity import Entity


class PlanOutdatedError(NexusAssetsError):
    """What a plan was made on is no longer so; nothing was written."""


@dataclass(frozen=True)
class LedgerState:
    """What the ledger holds of one entity: its last load, how many ids it knows, and a hash of all that it knows of them."""

    last_load: int | None = None
    ids: int = 0
    hash: str = "0"


@dataclass(frozen=True)
class Basis:
    """What a load stands on. `sources` are the SHA-256 of each export and each listing by its name."""

    sources: Mapping[str, str]
    ledger: LedgerState
    mapping: str

    def digest(self, settings: LoadSettings, account: Account) -> str:
        """One word for all of it, with the settings of a load and what it did: another load has another one."""
        done = {"rows": account.source_rows, **account.outcomes, "rejected": dict(account.rejected)}
        told = json.dumps([asdict(self), settings.model_dump(), done], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Basis:
        """The basis that `asdict` made this of."""
        return cls(dict(told["sources"]), LedgerState(**told["ledger"]), told["mapping"])


def mapping_version(entity: Entity) -> str:
    """Another one means: another version of this program would read the same row differently."""
    return hashlib.sha256(f"{entity!r}\n{code_hash()}".encode()).hexdigest()


def hashes(sources: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The SHA-256 of each source that a load told of."""
    return {name: str(facts["sha256"]) for name, facts in sources.items()}


def ledger_state(cursor: Cursor, entity: Entity) -> LedgerState:
    """The state of the ledger as to this entity; one that does not exist yet is as an empty one."""
    table = identity_table(entity.name)
    if _row(cursor, SQL("SELECT to_regclass({}) IS NULL").format(Literal(table.as_string(cursor))))[0]:
        return LedgerState()
    state = _row(
        cursor,
        SQL("""
            SELECT (SELECT max(id) FROM nexus_assets.load WHERE entity = {entity}), i.ids,
                   (i.sum + s.sum + c.sum)::text
            FROM (SELECT count(*) AS ids, coalesce(sum(hash_record_extended(l, 0)), 0) AS sum FROM {ledger} AS l) AS i,
                 (SELECT coalesce(sum(hash_record_extended(ROW(nexus_id, source_id, current_id), 0)), 0) AS sum
                  FROM nexus_assets.superseded WHERE entity = {entity}) AS s,
                 (SELECT coalesce(sum(hash_record_extended(ROW(source_id, column_name, decision), 0)), 0) AS sum
                  FROM nexus_assets.conflict WHERE entity = {entity} AND resolved_load IS NULL) AS c
        """).format(ledger=table, entity=Literal(entity.name)),
    )
    return LedgerState(*state)


def _row(cursor: Cursor, query: Composable) -> tuple[Any, ...]:
    cursor.execute(query)
    row = cursor.fetchone()
    assert row is not None
    return tuple(row)


def differences(entity: str, planned: Basis, found: Basis) -> Iterator[str]:
    """What is no longer as it was planned, a sentence each."""
    for name in sorted({*planned.sources, *found.sources}):
        then, now = planned.sources.get(name), found.sources.get(name)
        if then == now:
            continue
        if now is None:
            yield f"{name}, which {entity} were planned from, is not there any more."
        elif then is None:
            yield f"{name} was not there when {entity} were planned."
        else:
            what = "The listing of" if name.startswith("s3/") else "The export"
            yield f"{what} {name} is another one than {entity} were planned from."
    if planned.ledger.last_load != found.ledger.last_load:
        then_, now_ = (f"load {state.last_load or 'none'}" for state in (planned.ledger, found.ledger))
        yield f"{entity} were loaded since: the last load was {then_}, and is {now_}."
    elif planned.ledger != found.ledger:
        yield f"The ledger of {entity} has changed: {planned.ledger.ids:,} ids then, {found.ledger.ids:,} now."
    if planned.mapping != found.mapping:
        yield f"{entity} would be read by another version of this program."

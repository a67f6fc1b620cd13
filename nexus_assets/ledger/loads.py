"""The last committed load of an entity, as the ledger tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg2.extensions import cursor as Cursor


@dataclass(frozen=True)
class LastLoad:
    """The last committed load of an entity, as the ledger tells it. `undone_since`: an earlier one was undone after it."""

    load_id: int
    source_rows: int
    rejected: int
    sources: Mapping[str, Any]
    date_orders: Mapping[str, Any]
    notices: Mapping[str, int] = field(default_factory=dict)
    mapping_version: str = ""
    outcomes: Mapping[str, int] = field(default_factory=dict)
    rejected_by_reason: Mapping[str, int] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)
    undone_since: bool = False


def last_load(cursor: Cursor, entity: str) -> LastLoad | None:
    """The last committed load of the entity, None before the first."""
    return last_loads(cursor, entity).get(entity)


def last_loads(cursor: Cursor, *entities: str) -> dict[str, LastLoad]:
    """The last committed load of each of these entities that was ever loaded."""
    cursor.execute(
        "SELECT DISTINCT ON (entity) entity, id, source_rows,"
        " (SELECT coalesce(sum(value::bigint), 0) FROM jsonb_each_text(rejected)), sources, date_orders, notices,"
        " mapping_version, outcomes, rejected, parents, EXISTS (SELECT FROM nexus_assets.undone AS u"
        " WHERE u.entity = l.entity AND u.undone_at > l.finished_at)"
        " FROM nexus_assets.load AS l WHERE entity = ANY(%s) ORDER BY entity, id DESC",
        ([*entities],),
    )
    return {name: LastLoad(int(id_), int(rows), int(rejected), *rest) for name, id_, rows, rejected, *rest in cursor}

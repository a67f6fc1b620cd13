"""How many rows of each generic key of the database lead nowhere, whoever made them."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL

from nexus_assets.nexus import queries
from nexus_assets.nexus.references import GenericKey, Model, generic_keys, models, orphans_sql, reachable


def lasting_keys(cursor: Cursor) -> list[GenericKey]:
    """Every generic key of the database but those of logs, whose entries outlive what they tell of."""
    return [key for key in generic_keys(cursor) if not key.is_history]


def impossible(key: GenericKey, found: Sequence[Model]) -> list[int]:
    """The content types that no row of the key can have: a uuid leads to no table whose ids are integers."""
    possible = {id_ for id_, _, _ in reachable(key, found)}
    return [id_ for id_, _, _ in found if id_ not in possible]


def leading_nowhere(cursor: Cursor) -> dict[str, int]:
    """The number of orphans by generic key (`table.column`), 0 where there is none."""
    found, orphans = models(cursor), {}
    for key in lasting_keys(cursor):
        tables = [(id_, table) for id_, table, _ in reachable(key, found)]
        dead = orphans_sql(key, tables, impossible(key, found))
        orphans[key.name] = queries.number(cursor, SQL("SELECT count(*) FROM ({}) AS o").format(dead))
    return orphans

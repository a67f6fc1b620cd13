"""How many rows of each generic key of the database are dangling, whoever made them."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL

from nexus_assets.nexus import queries
from nexus_assets.nexus.references import GenericKey, generic_keys, impossible, models, orphans_sql, reachable


def living_keys(cursor: Cursor) -> list[GenericKey]:
    """Every generic key of the database but those of history and copies, which outlive what they point at."""
    return [key for key in generic_keys(cursor) if key.is_living]


def dangling(cursor: Cursor) -> dict[str, int]:
    """The number of orphans by generic key (`table.column`), 0 where there is none."""
    found, orphans = models(cursor), {}
    for key in living_keys(cursor):
        dead = orphans_sql(key, reachable(key, found), impossible(key, found))
        orphans[key.name] = queries.number(cursor, SQL("SELECT count(*) FROM ({}) AS o").format(dead))
    return orphans

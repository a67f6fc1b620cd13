"""Step 6: what an entity declares to be put right after its load: true counts, and no empty duplicates."""

from __future__ import annotations

from functools import singledispatch

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier, Literal

from nexus_assets.load.identity import made_by_importer_sql
from nexus_assets.load.incoming import Scene
from nexus_assets.load.tables import identity_table
from nexus_assets.mapping.entity import RemoveEmptied, Tidy, TrueCount


@singledispatch
def tidy(declared: Tidy, cursor: Cursor, scene: Scene, load_id: int) -> tuple[str, int]:
    """Puts one thing right; returns what it is called in the account and how many rows were touched."""
    raise NotImplementedError(declared)


@tidy.register
def _true_count(declared: TrueCount, cursor: Cursor, scene: Scene, load_id: int) -> tuple[str, int]:
    """The front end sums this column, it does not count: it is a fact, not an opinion, in native rows too."""
    parent = scene.parents[declared.parent]
    cursor.execute(
        SQL("""
            UPDATE {parent} AS p SET {column} = c.number
            FROM (SELECT b.id, count(t.id) AS number FROM {parent} AS b LEFT JOIN {target} AS t ON t.{reference} = b.id
                  GROUP BY b.id) AS c
            WHERE c.id = p.id AND p.{column} <> c.number
        """).format(
            parent=parent.table,
            column=Identifier(declared.column),
            target=scene.target.table,
            reference=Identifier(declared.reference),
        )
    )
    return "counted", cursor.rowcount


@tidy.register
def _remove_emptied(declared: RemoveEmptied, cursor: Cursor, scene: Scene, load_id: int) -> tuple[str, int]:
    """Removes duplicates that an importer made, once their images are in the batch that stays; their ids are remembered."""
    parent = scene.parents[declared.parent]
    ledger = identity_table(declared.parent)
    cursor.execute(
        SQL("""
            CREATE UNLOGGED TABLE {emptied} AS
            SELECT p.id FROM {parent} AS p
            WHERE {made} AND NOT EXISTS (SELECT FROM {target} AS t WHERE t.{reference} = p.id)
              AND NOT EXISTS (SELECT FROM {ledger} AS l WHERE l.nexus_id = p.id);

            INSERT INTO nexus_assets.superseded (entity, nexus_id, source_id, current_id, load_id)
            SELECT {entity}, p.id, l.source_id, k.id, {load}
            FROM {emptied} JOIN {parent} AS p USING (id) JOIN {ledger} AS l ON TRUE JOIN {parent} AS k ON k.id = l.nexus_id
            WHERE k.object_id = p.object_id AND k.name = p.name
            ON CONFLICT (entity, nexus_id) DO NOTHING;

            DELETE FROM {parent} AS p USING {emptied} AS e WHERE p.id = e.id
        """).format(
            emptied=scene.work("emptied"),
            parent=parent.table,
            made=made_by_importer_sql(parent, "p"),
            target=scene.target.table,
            reference=Identifier(declared.reference),
            ledger=ledger,
            entity=Literal(declared.parent),
            load=Literal(load_id),
        )
    )
    return "removed_empty_batches", cursor.rowcount

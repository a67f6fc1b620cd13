"""Step 6: links that lead nowhere in rows that this load did not compare, because FileMaker has them no more or not readably."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.load.identity import ids_by_hash_sql
from nexus_assets.load.incoming import Scene
from nexus_assets.load.ledger import base_column
from nexus_assets.load.planning import without_nested_loops
from nexus_assets.load.references import GenericKey, orphans_sql
from nexus_assets.mapping.entity import GenericReference


def dead_links(cursor: Cursor, scene: Scene) -> int:
    """Links such rows with whom FileMaker last named, under the id of now, where that row lives; returns how many.

    What the ledger can't tell stays as it is: the check over all rows tells of it.
    """
    healed = 0
    with without_nested_loops(cursor):
        for link in scene.entity.generic_references:
            cursor.execute(_heal_sql(scene, link))
            healed += cursor.rowcount
    return healed


def _heal_sql(scene: Scene, link: GenericReference) -> Composable:
    target, parent = scene.target, scene.parents[link.to]
    key = GenericKey(target.schema, target.name, link.type_column, link.id_column, "uuid")
    settings = [
        SQL("{} = {}").format(Identifier(link.type_column), Literal(parent.content_type_id)),
        SQL("{} = p.id").format(Identifier(link.id_column)),
    ]
    if scene.entity.touched:
        settings.append(SQL("{} = now()").format(Identifier(scene.entity.touched)))
    return SQL("""
        UPDATE {target} AS t SET {settings}
        FROM ({orphans}) AS o
        JOIN {ledger} AS l ON l.nexus_id = o.id::uuid
        JOIN ({ids}) AS k ON k.hash = l.{base}
        JOIN {parent} AS p ON p.id = k.current_id
        WHERE t.id = l.nexus_id
    """).format(
        target=target.table,
        settings=SQL(", ").join(settings),
        orphans=orphans_sql(key, [(parent.content_type_id, parent.table)]),
        ledger=scene.ledger,
        ids=ids_by_hash_sql(link.to),
        base=base_column(link.id_column),
        parent=parent.table,
    )

"""Step 6: dangling links in rows that this load did not compare, because FileMaker has them no more or not readably."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.ledger.before_values import updated_sql
from nexus_assets.ledger.schema import base_column
from nexus_assets.load.identity import ids_by_hash_sql
from nexus_assets.load.incoming import LoadContext
from nexus_assets.load.planner import without_nested_loops
from nexus_assets.mapping.entity import GenericReference
from nexus_assets.nexus.models import Model
from nexus_assets.nexus.references import declared_key, orphans_sql


def dead_links(cursor: Cursor, context: LoadContext) -> int:
    """Links such rows with whom FileMaker last named, under the current id, where that row lives; returns how many.

    What the ledger can't tell stays as it is: the check over all rows tells of it.
    """
    healed = 0
    if not context.entity.generic_references:
        return healed
    with without_nested_loops(cursor):
        for link in context.entity.generic_references:
            cursor.execute(_heal_sql(cursor, context, link))
            healed += cursor.rowcount
    return healed


def hold_parents(cursor: Cursor, context: LoadContext) -> None:
    """Locks the rows that the links written by this load lead to, as a foreign key does: until the commit nobody can delete
    one, and where somebody just did, the load fails as transient instead of committing an orphan."""
    for link in context.entity.generic_references:
        parent = context.parents[link.to]
        cursor.execute(
            SQL("""
                SELECT count(*) FROM (
                  SELECT FROM {parent} AS p WHERE p.id IN (
                    SELECT t.{id} FROM {target} AS t
                    WHERE t.{type} = {content_type} AND t.xmin = pg_current_xact_id_if_assigned()::xid)
                  FOR KEY SHARE) AS held
            """).format(
                parent=parent.table,
                target=context.target.table,
                id=Identifier(link.id_column),
                type=Identifier(link.type_column),
                content_type=Literal(parent.content_type_id),
            )
        )


def _heal_sql(cursor: Cursor, context: LoadContext, link: GenericReference) -> Composable:
    target, parent = context.target, context.parents[link.to]
    key = declared_key(cursor, target, link)
    settings = [
        SQL("{} = {}").format(Identifier(link.type_column), Literal(parent.content_type_id)),
        SQL("{} = p.id").format(Identifier(link.id_column)),
    ]
    if context.entity.updated_at:
        settings.append(SQL("{} = now()").format(Identifier(context.entity.updated_at)))
    statement = SQL("""
        UPDATE {target} AS t SET {settings}
        FROM ({orphans}) AS o
        JOIN {ledger} AS l ON l.nexus_id = o.id::uuid
        JOIN ({ids}) AS k ON k.hash = l.{base}
        JOIN {parent} AS p ON p.id = k.current_id
        WHERE t.id = l.nexus_id
    """).format(
        target=target.table,
        settings=SQL(", ").join(settings),
        orphans=orphans_sql(key, [Model(parent.content_type_id, parent.table)]),
        ledger=context.ledger,
        ids=ids_by_hash_sql(link.to),
        base=base_column(link.id_column),
        parent=parent.table,
    )
    columns = [name for name in (link.type_column, link.id_column, context.entity.updated_at) if name]
    return updated_sql(context.kept_for, statement, target.table, "t", ("id",), columns=columns)

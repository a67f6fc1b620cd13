"""Step 3: rows that an earlier load rejected, and that can only be rejected again for the same reason: they are not read."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Literal

from nexus_assets.ledger.tables import identity_table
from nexus_assets.load.incoming import LoadContext, own_row_sql
from nexus_assets.load.planner import without_nested_loops
from nexus_assets.mapping.entity import GenericReference, Reference
from nexus_assets.mapping.parse import call


def find(cursor: Cursor, context: LoadContext) -> None:
    """Makes the table `standing`; run after `repeated` is made.

    A row stands rejected where an open reject has its hash, which covers all that is read of it and the mapping, where the
    reason is that it names nobody or somebody who is not there, and where that somebody is not there now either. Only the row
    itself decides: it has no entry in the ledger, and neither its id nor its hash comes twice.
    """
    unknown = SQL(" OR ").join([SQL("FALSE"), *_still_unknown(context)])
    with without_nested_loops(cursor):
        cursor.execute(
            SQL("""
                CREATE UNLOGGED TABLE {standing} AS
                SELECT min(s.row_number) AS row_number, min(r.id) AS id, min(r.row_number) AS row_before, min(r.reason) AS reason
                FROM {seen} AS s JOIN nexus_assets.reject AS r ON r.row_hash = s.row_hash {source}
                WHERE r.entity = {entity} AND r.resolved_load IS NULL AND r.column_name IS NULL
                  AND s.known_id IS NULL
                  AND NOT EXISTS (SELECT FROM {repeated} AS again WHERE again.source_id = s.source_id)
                  AND (r.reason = ANY({blank}) OR {unknown})
                GROUP BY s.row_hash HAVING count(*) = 1
            """).format(
                standing=context.work("standing"),
                seen=context.work("seen"),
                source=SQL("")
                if _same_parents(context)
                else SQL("JOIN {} AS x ON x.row_number = s.row_number").format(context.source.table),
                entity=Literal(context.entity.name),
                repeated=context.work("repeated"),
                blank=Literal([link.missing for link in context.entity.references if link.missing]),
                unknown=unknown,
            )
        )
    cursor.execute(SQL("ANALYZE {}").format(context.work("standing")))


def forget(cursor: Cursor, context: LoadContext) -> None:
    """Has no row stand: where dates are read in another order than before, each row is looked at again."""
    cursor.execute(SQL("TRUNCATE {}").format(context.work("standing")))


def count(cursor: Cursor, context: LoadContext) -> dict[str, int]:
    """How many rows stand rejected, by reason."""
    cursor.execute(SQL("SELECT reason, count(*) FROM {} GROUP BY 1").format(context.work("standing")))
    return dict(cursor.fetchall())


def _same_parents(context: LoadContext) -> bool:
    """Whether every parent is as the last load saw it (load/parents.py): nobody has to be looked for again."""
    return context.last is not None and context.parent_states == context.last.parents


def _still_unknown(context: LoadContext) -> Iterator[Composable]:
    """Per reference: whether the row was rejected because of it, and whom it names is not there."""
    for link in context.entity.references:
        if link.unknown:
            named = SQL("TRUE") if _same_parents(context) else _nobody_sql(context, link)
            yield SQL("(r.reason = {} AND {})").format(Literal(link.unknown), named)


def _nobody_sql(context: LoadContext, link: Reference | GenericReference) -> Composable:
    parent = context.parents[link.to]
    return SQL("""NOT EXISTS (SELECT FROM {ledger} AS k JOIN {table} AS t ON t.id = k.nexus_id
                              WHERE {own} AND k.source_id = {named})""").format(
        ledger=identity_table(link.to),
        table=parent.table,
        own=own_row_sql(parent),
        named=call("read_uuid", context.source.field(link.field, "x")),
    )

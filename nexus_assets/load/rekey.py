"""Step 2, once the rows are seen: things that FileMaker calls by new ids. Where its id field is computed instead of stored,
an export has other ids than the last one, while a file stays the file that it is."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier

from nexus_assets.ledger.before_values import updated_sql
from nexus_assets.ledger.schema import base_column
from nexus_assets.load import incoming
from nexus_assets.load.adoption import declared_column
from nexus_assets.load.incoming import LoadContext, hash_sql
from nexus_assets.nexus import queries


def follow(cursor: Cursor, context: LoadContext) -> int:
    """Gives the ledger's entries the ids that their things have now, and looks at the source again; returns how many.

    Only an entry whose own id the source does not have, and which is the only one for the thing, takes a new id.
    """
    name = context.entity.stable_key
    if name is None or not queries.yes(cursor, _may_be_needed_sql(context)):
        return 0
    cursor.execute(_follow_sql(context, name))
    followed = int(cursor.rowcount)
    if followed:
        cursor.execute(SQL("DROP TABLE {}").format(context.work("seen")))
        incoming.build_seen(cursor, context)
    return followed


def _may_be_needed_sql(context: LoadContext) -> Composable:
    return SQL("""
        SELECT EXISTS (SELECT FROM {seen} WHERE known_id IS NULL AND source_id IS NOT NULL)
           AND EXISTS (SELECT FROM {ledger} AS l WHERE NOT EXISTS (SELECT FROM {seen} AS s WHERE s.source_id = l.source_id))
    """).format(seen=context.work("seen"), ledger=context.ledger)


def _follow_sql(context: LoadContext, name: str) -> Composable:
    column = declared_column(context.entity, name)
    assert column is not None
    statement = SQL("""
        UPDATE {ledger} AS l SET source_id = called.now
        FROM (
          SELECT {key_hash} AS key_hash, min(s.source_id::text)::uuid AS now
          FROM {seen} AS s JOIN {source} AS r USING (row_number)
          WHERE s.known_id IS NULL AND s.source_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM {ledger} AS k WHERE k.source_id = s.source_id)
          GROUP BY 1 HAVING count(*) = 1
        ) AS called JOIN (
          SELECT {base} AS key_hash, min(k.source_id::text)::uuid AS before FROM {ledger} AS k
          WHERE NOT EXISTS (SELECT FROM {seen} AS s WHERE s.source_id = k.source_id)
          GROUP BY 1 HAVING count(*) = 1
        ) AS known USING (key_hash)
        WHERE l.source_id = known.before
    """).format(
        ledger=context.ledger,
        seen=context.work("seen"),
        source=context.source.table,
        key_hash=hash_sql(
            SQL("{}::{}").format(
                context.source.field(column.fields[0], "r"), SQL(context.target.columns[name].sql_type)
            )
        ),
        base=Identifier("k", base_column(name).strings[0]),
    )
    return updated_sql(context.kept_for, statement, context.ledger, "l", ("source_id",), found_by=("nexus_id",))

"""The short way of a first load: into an empty table, under an empty ledger, nothing is compared, adopted or restored.

It ends in the same state as the full way, which a test proves for every entity; it writes a row four times instead of eight.
"""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL

from nexus_assets.load import incoming, lost_writes, merge, record
from nexus_assets.load.account import Account
from nexus_assets.load.dates import Dictionaries, date_fields, time_fields
from nexus_assets.load.incoming import LoadContext
from nexus_assets.mapping.parse import call
from nexus_assets.nexus import queries


def applies(cursor: Cursor, context: LoadContext) -> bool:
    """Whether neither the entity's table nor its ledger has a row, and no FileMaker id comes twice in the source."""
    return queries.yes(
        cursor,
        SQL("""
            SELECT CASE WHEN EXISTS (SELECT FROM {target}) OR EXISTS (SELECT FROM {ledger}) THEN FALSE
                        ELSE (SELECT count(id) = count(DISTINCT id) FROM (SELECT {id} AS id FROM {source} AS x {once}) AS named) END
        """).format(
            once=incoming.ONCE,
            target=context.target.table,
            ledger=context.ledger,
            source=context.source.table,
            id=call("read_uuid", context.source.field(context.entity.source_id, "x")),
        ),
    )


def read(cursor: Cursor, context: LoadContext, dictionaries: Dictionaries) -> int:
    """Makes the table `incoming` straight from the source: typed values, new ids, reasons. Returns how many rows it has."""
    dictionaries.read(context.pending, date_fields(context.entity), time_fields(context.entity))
    return incoming.read(cursor, context)


def write(cursor: Cursor, context: LoadContext, rows: int, rejected: dict[str, int]) -> Account:
    """Inserts every accepted row of these, and its entry in the ledger; each outcome is counted where it happens."""
    account = Account(source_rows=rows, rejected=rejected)
    cursor.execute(merge.insert_sql(context))
    account.inserted = rows - sum(rejected.values())
    lost_writes.check_inserted(cursor, context, account.inserted, cursor.rowcount)
    cursor.execute(record.first_entries_sql(context))
    return account

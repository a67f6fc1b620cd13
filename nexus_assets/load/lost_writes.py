"""Step 6: proves that Nexus took every row that was written: a trigger or a rule of another program can leave one out in silence."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier

from nexus_assets.errors import NexusAssetsError
from nexus_assets.ledger.schema import base_columns
from nexus_assets.load.compare import changed_rows_sql, write_flag, written_sql
from nexus_assets.load.identity import decided_rows_sql
from nexus_assets.load.incoming import LoadContext
from nexus_assets.load.merge import merged_sql
from nexus_assets.nexus import queries
from nexus_assets.nexus.relations import Trigger, triggers
from nexus_assets.wording import counted


class LostWriteError(NexusAssetsError):
    """Nexus did not take rows that the load wrote, and did not refuse them either. Nothing was written."""


def check_inserted(cursor: Cursor, context: LoadContext, expected: int, written: int) -> None:
    """Raises LostWriteError where fewer rows were inserted than expected, or where they did not get the ids that the ledger gives."""
    if written == expected and not _triggers(cursor, context):
        return
    _raise_if_any(
        cursor,
        context,
        "insert",
        SQL("""
            SELECT d.row_number FROM {decided} WHERE d.action IN ('insert', 'restore')
              AND NOT EXISTS (SELECT FROM {target} AS t WHERE t.id = d.nexus_id)
        """).format(decided=decided_rows_sql(context), target=context.target.table),
    )


def check_updated(cursor: Cursor, context: LoadContext, expected: int, written: int) -> None:
    """Raises LostWriteError where fewer rows were updated than expected."""
    if written == expected:
        return
    differs = SQL(" OR ").join(
        SQL("(c.{} AND t.{} IS DISTINCT FROM {})").format(write_flag(name), Identifier(name), merged_sql(context, name))
        for name in base_columns(context.entity)
    )
    _raise_if_any(
        cursor,
        context,
        "update",
        SQL("""
            SELECT c.row_number FROM {changed}
            WHERE {written} AND ({differs})
        """).format(changed=changed_rows_sql(context), written=written_sql(context), differs=differs),
    )


def _raise_if_any(cursor: Cursor, context: LoadContext, act: str, lost: Composable) -> None:
    rows, first = queries.row(cursor, SQL("SELECT count(*), min(row_number) FROM ({}) AS lost").format(lost))
    if not rows:
        return
    table, found = context.target.name, _triggers(cursor, context)
    named = " or ".join(f"the trigger {trigger.name}" for trigger in found) or "a rule"
    off = "; ".join(f"ALTER TABLE {trigger.table} DISABLE TRIGGER {trigger.name}" for trigger in found)
    raise LostWriteError(
        f"The table {table} did not take the {act} of {counted(rows, 'row')} of {context.entity.name}, the first in record {first:,} of"
        f" {context.entity.rows_of.export}, and reported no error: {named} of the table, which belongs to another program, leaves"
        " rows out or gives them other ids.",
        remedy="Nothing was written. Have that program let the rows of the load through, or switch it off meanwhile: "
        + (off or f"`\\d {table}` in psql lists the table's rules, DROP RULE … ON {table} removes one."),
    )


def _triggers(cursor: Cursor, context: LoadContext) -> list[Trigger]:
    """The triggers that another program put on the table."""
    target = context.target
    return [each for each in triggers(cursor) if each.table in (target.name, f"{target.schema}.{target.name}")]

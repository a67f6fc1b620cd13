"""Step 1: the rows of its parents to which a load can link, and the state in which its snapshot sees them."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier

from nexus_assets.ledger.tables import identity_table
from nexus_assets.load.incoming import ONCE, carried_id_sql, carried_sql, own_row_sql
from nexus_assets.nexus import queries
from nexus_assets.nexus.catalog import Target

MADE_AT = ("created_at", "uploaded_at")
"""The columns by which Nexus tells when a row was made."""


def made_at_sql(target: Target, alias: str) -> Composable:
    """When the row was made, as far as its table tells."""
    for name in MADE_AT:
        if name in target.columns:
            return Identifier(alias, name)
    return SQL("NULL::timestamptz")


@dataclass(frozen=True)
class ParentState:
    """How a load's snapshot sees a parent. `digest`: equal where a row of the child would find the same parents, different where it
    may not. `missing`: how many of the ids that the ledger knows are no row of Nexus."""

    digest: str
    missing: int


def state(cursor: Cursor, parent: Target, *, with_vanished: bool) -> ParentState:
    """Returns the state of a parent; `with_vanished`, its digest also covers which rows its export still has.

    Computed from the rows themselves. The ids and the times of loads say nothing here: of two loads that run at once, neither tells
    which of them the other one's snapshot saw. That also covers ids that were learned, and rows that were deleted or restored in
    Nexus since.
    """
    rule = parent.entity.filemaker_id
    carried: Composable = SQL("NULL::text")
    if rule is not None:
        # As it stands: reading it as a uuid takes far longer, and any change counts.
        carried = carried_sql(rule)
    digest, missing = queries.row(
        cursor,
        SQL("""
            SELECT count(t.id) || ' rows, ' || coalesce(sum(CASE
                     WHEN t.id IS NOT NULL THEN hash_record_extended(ROW(k.source_id, t.id, t.carried{vanished}), 0) END), 0),
                   count(*) - count(t.id)
            FROM {ledger} AS k LEFT JOIN (SELECT t.id, {carried} AS carried FROM {table} AS t {once}) AS t ON t.id = k.nexus_id
        """).format(
            carried=carried,
            vanished=SQL(", k.vanished_load IS NULL") if with_vanished else SQL(""),
            ledger=identity_table(parent.entity.name),
            table=parent.table,
            once=ONCE,
        ),
    )
    return ParentState(str(digest), int(missing))


def there_sql(parent: Target) -> Composable:
    """Rows (named, id) of the parent that live in Nexus: the FileMaker id that the ledger knows each by or, where it knows
    none, the one that the row carries. The first are found by a load of the child, the others after one of the parent."""
    ledger, carried = identity_table(parent.entity.name), carried_id_sql(parent.entity)
    known = SQL("SELECT k.source_id AS named, t.id FROM {} AS k JOIN {} AS t ON t.id = k.nexus_id WHERE {}").format(
        ledger, parent.table, own_row_sql(parent)
    )
    if carried is None:
        return known
    return SQL("""
        {known}
        UNION ALL
        SELECT {carried}, t.id FROM {table} AS t WHERE NOT EXISTS (SELECT FROM {ledger} AS k WHERE k.nexus_id = t.id)
    """).format(known=known, carried=carried, table=parent.table, ledger=ledger)

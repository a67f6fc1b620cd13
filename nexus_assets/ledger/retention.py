"""How long the ledger keeps what is over: of an entity in one list, at the end of each of its loads.

What is open stays, whatever its age; so do the last loads of each entity, and the ids, which are kept forever (law 1).
"""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Literal

from nexus_assets.ledger.tables import ledger_table

LAST_LOADS = 2
"""The checks compare the last load with the one before."""

_LAST_OVER = "(SELECT max(id) FROM nexus_assets.load WHERE entity = {entity} AND finished_at < {before})"

RESOLVED = (
    f"{_LAST_OVER} IS NOT NULL AND entity = {{entity}} AND resolved_load <= {_LAST_OVER}"
    " AND NOT EXISTS (SELECT FROM nexus_assets.load AS u WHERE u.id = x.resolved_load AND u.undoable)"
)
"""Resolved that long ago, by a load that can't be undone any more. The ids of loads grow with time.

Where no load finished that long ago, the server reads no row.
"""

PURGED = (
    ("reject", RESOLVED),
    ("conflict", RESOLVED),
    ("correction", "entity = {entity} AND idle_since < {before}"),
    ("undone", "entity = {entity} AND undone_at < {before}"),
    (
        "load",
        "entity = {entity} AND finished_at < {before}"
        " AND id NOT IN (SELECT id FROM nexus_assets.load WHERE entity = {entity} ORDER BY id DESC LIMIT {last})"
        " AND NOT (undoable AND (outcomes ->> 'inserted' <> '0'"
        " OR EXISTS (SELECT FROM nexus_assets.before_value AS b WHERE b.load_id = x.id)))"
        " AND NOT EXISTS (SELECT FROM nexus_assets.reject AS r"
        " WHERE r.entity = {entity} AND r.first_load = x.id AND r.resolved_load IS NULL)",
    ),
)
"""Each table of the ledger that grows with every load, and which of its rows may go; loads last, as the others ask for them.

A table that is new comes in here. `before_value` goes by the number of loads (before_values.purge), alerts with each round,
results of checks with the next ones: an entity that has no export is checked, too, and never loaded.
"""


def purge(cursor: Cursor, entity: str, days: int) -> None:
    """Removes what is over for longer than so many days, of one entity, whose lock the caller holds."""
    before = SQL("now() - make_interval(days => {})").format(Literal(days))
    values = {"entity": Literal(entity), "before": before, "last": Literal(LAST_LOADS)}
    cursor.execute(
        SQL("; ").join(
            SQL("DELETE FROM {} AS x WHERE {}").format(ledger_table(table), SQL(condition).format(**values))
            for table, condition in PURGED
        )
    )


def purge_check_results(cursor: Cursor, days: int) -> None:
    """Removes results of checks that are older than so many days, but for the last one of each check."""
    cursor.execute(
        "DELETE FROM nexus_assets.check_result AS x WHERE checked_at < now() - make_interval(days => %s)"
        " AND EXISTS (SELECT FROM nexus_assets.check_result AS later"
        " WHERE (later.asset, later.check_name) = (x.asset, x.check_name) AND later.id > x.id)",
        (days,),
    )


def purge_alerts(cursor: Cursor, days: int) -> None:
    """Removes the alerts that were resolved, and the messages that were delivered, more than so many days ago."""
    cursor.execute(
        "DELETE FROM nexus_assets.alert WHERE resolved_at < now() - make_interval(days => %(days)s);"
        " DELETE FROM nexus_assets.alert_message WHERE delivered_at < now() - make_interval(days => %(days)s)",
        {"days": days},
    )

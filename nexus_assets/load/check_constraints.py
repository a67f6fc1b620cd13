"""Steps 4 and 6: rows that a CHECK constraint of their table would refuse. A new one is a reject, a changed one stays as it is."""

from __future__ import annotations

from collections.abc import Callable

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.ledger.schema import base_columns
from nexus_assets.load.compare import changed_rows_sql, keep_instead_sql, written_sql
from nexus_assets.load.identity import decided_rows_sql, undecided_sql
from nexus_assets.load.incoming import LoadContext
from nexus_assets.load.merge import changed_sql, id_columns, inserted_columns, inserted_sql
from nexus_assets.nexus.relations import CheckConstraint

REASON = "refused_by_check"


def reject_new(cursor: Cursor, context: LoadContext) -> list[str]:
    """Rejects the rows to insert or to restore that a constraint refuses; returns a remark on each constraint that refuses any.

    A row that is rejected is not decided any more.
    """
    inserted = inserted_columns(context)
    checks = [
        check
        for check in context.target.checks
        if all(
            name == "id" or name in inserted or not context.target.columns[name].has_default for name in check.columns
        )
    ]
    if not checks:
        return []

    def value(name: str) -> Composable:
        if name == "id":
            return SQL("d.nexus_id")
        if name in inserted:
            return inserted_sql(context, name)
        return SQL("NULL::{}").format(SQL(context.target.columns[name].sql_type))

    cursor.execute(
        SQL("""
            WITH refused AS (
              {refused}
            ), rejected AS (
              UPDATE {incoming} AS i SET reason = {reason}, reason_column = ({columns}::text[])[r.place]
              FROM refused AS r WHERE i.row_number = r.row_number
            ){undecided}
            SELECT place, count(*), min(row_number) FROM refused GROUP BY 1 ORDER BY 1
        """).format(
            refused=_refused_sql(
                checks, value, SQL("{} WHERE d.action IN ('insert', 'restore')").format(decided_rows_sql(context))
            ),
            incoming=context.work("incoming"),
            reason=Literal(REASON),
            columns=Literal([next(iter(_own(context, check)), check.columns[0]) for check in checks]),
            undecided=undecided_sql(context, "refused"),
        )
    )
    return [_remark(context, checks[place - 1], "refuses", rows, first) for place, rows, first in cursor.fetchall()]


def keep_changed(cursor: Cursor, context: LoadContext) -> list[str]:
    """Keeps what Nexus has in the rows that a constraint would refuse, and returns a remark on each such constraint.

    Run after `changes` is made. First the columns of the constraint alone are kept; where another constraint, or the row as it
    is, is still in the way, all of them.
    """
    tracked = base_columns(context.entity)
    written = SQL("{} WHERE {}").format(changed_rows_sql(context), written_sql(context))
    remarks = []
    for narrow in (True, False):
        for check in context.target.checks:
            names = _own(context, check) if narrow else tracked
            if not names:
                continue
            cursor.execute(
                SQL("""
                    WITH kept AS (
                      UPDATE {changes} AS k SET {flags} FROM ({refused}) AS r WHERE k.row_number = r.row_number
                      RETURNING k.row_number
                    )
                    SELECT count(*), min(row_number) FROM kept
                """).format(
                    changes=context.work("changes"),
                    flags=keep_instead_sql(names),
                    refused=_refused_sql([check], lambda name: changed_sql(context, name), written),
                )
            )
            for rows, first in cursor.fetchall():
                if rows:
                    remarks.append(_remark(context, check, "refuses the change of", rows, first))
    return remarks


def _remark(context: LoadContext, check: CheckConstraint, act: str, rows: int, first: int) -> str:
    return (
        f"the constraint {check.name} of the table {context.target.name} {act} {rows:,} row(s), the first in record {first:,}:"
        f" it demands {check.condition}"
    )


def _refused_sql(checks: list[CheckConstraint], value: Callable[[str], Composable], rows: Composable) -> Composable:
    """The row number of each of the rows that a constraint refuses, and the place of the first that does, counted from 1.

    The constraint's text names columns alone: so they are called in a subquery that has nothing else.
    """
    names = dict.fromkeys(name for check in checks for name in check.columns)
    cases = (
        SQL("WHEN ({}) IS FALSE THEN {}").format(SQL(check.condition), Literal(place))
        for place, check in enumerate(checks, 1)
    )
    return SQL("""
        SELECT "the row" AS row_number, place FROM (
          SELECT "the row", CASE {cases} END AS place FROM (SELECT i.row_number AS "the row", {values} FROM {rows}) AS n
        ) AS n WHERE place IS NOT NULL
    """).format(
        cases=SQL(" ").join(cases),
        values=SQL(", ").join(SQL("{} AS {}").format(value(name), Identifier(name)) for name in names),
        rows=rows,
    )


def _own(context: LoadContext, check: CheckConstraint) -> list[str]:
    """The tracked columns of the constraint; a generic link is tracked by its id."""
    halves, tracked = id_columns(context.entity), base_columns(context.entity)
    return list(dict.fromkeys(halves.get(name, name) for name in check.columns if halves.get(name, name) in tracked))

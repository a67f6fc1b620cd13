"""Steps 4 and 6: rows that a unique index, an exclusion constraint or a CHECK constraint of their table would refuse.

A new one is a reject, a changed one stays as it is. Of rows that clash with each other the new ones come first, then those that
come first in the source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.ledger.schema import base_columns
from nexus_assets.load.compare import changed_rows_sql, keep_instead_sql, written_sql
from nexus_assets.load.identity import decided_rows_sql, undecided_sql
from nexus_assets.load.incoming import LoadContext
from nexus_assets.load.merge import changed_sql, id_columns, inserted_columns, inserted_sql
from nexus_assets.nexus.constraints import CheckConstraint, Constraint, Exclusion
from nexus_assets.wording import counted

Value = Callable[[str], Composable]


def reject_new(cursor: Cursor, context: LoadContext) -> list[str]:
    """Rejects the rows to insert or to restore that a constraint refuses; returns a remark on each constraint that refuses any.

    A row that is rejected is not decided any more.
    """
    remarks = []
    for constraint in context.constraints:
        if _sees_what_is_inserted(context, constraint) and not _is_met_by_a_first_load(context, constraint):
            cursor.execute(_reject_new_sql(context, constraint))
            remarks += _remarks(cursor, context, constraint, "refuses")
    return remarks


def keep_changed(cursor: Cursor, context: LoadContext) -> list[str]:
    """Keeps what Nexus has in the rows that a constraint would refuse, and returns a remark on each such constraint.

    Run after `changes` is made. First the columns of the constraint alone are kept; where another constraint, or the row as it
    is, is still in the way, all of them.
    """
    tracked, remarks = base_columns(context.entity), list[str]()
    for narrow in (True, False):
        for constraint in context.constraints:
            own = _own(context, constraint)
            if not own and isinstance(constraint, Exclusion):
                continue  # no change can make rows alike in what a load never changes
            if own if narrow else remarks or not own:
                cursor.execute(_keep_changed_sql(context, constraint, own if narrow else tracked))
                remarks += _remarks(cursor, context, constraint, "refuses the change of")
    return remarks


def _is_met_by_a_first_load(context: LoadContext, constraint: Constraint) -> bool:
    """Whether it tells FileMaker ids apart: the short first load is for sources in which none comes twice (load/first.py)."""
    own = context.entity.filemaker_id
    return (
        context.is_first
        and isinstance(constraint, Exclusion)
        and own is not None
        and own.key is None
        and constraint.columns == (own.column,)
    )


def _sees_what_is_inserted(context: LoadContext, constraint: Constraint) -> bool:
    """Whether what a new row has in the columns of the constraint is known before it is there, and may not meet it."""
    inserted = inserted_columns(context)
    known = all(
        name == "id" or name in inserted or not context.target.columns[name].has_default for name in constraint.columns
    )
    return known and (isinstance(constraint, CheckConstraint) or not {*inserted}.isdisjoint(constraint.columns))


def _remarks(cursor: Cursor, context: LoadContext, constraint: Constraint, act: str) -> list[str]:
    return [
        f"the constraint {constraint.name} of the table {context.target.name} {act} {counted(rows, 'row')}, the first in record {first:,}:"
        f" {constraint.demand}"
        for rows, first in cursor.fetchall()
        if rows
    ]


def _reject_new_sql(context: LoadContext, constraint: Constraint) -> Composable:
    rows = _new_rows_sql(context, constraint)
    return SQL("""
        WITH {refused}, rejected AS (
          UPDATE {incoming} AS i SET reason = {reason}, reason_column = {column}
          FROM refused AS r WHERE i.row_number = r.row_number
        ){undecided}
        SELECT count(*), min(row_number) FROM refused
    """).format(
        refused=_refused_sql(context, constraint, rows),
        incoming=context.work("incoming"),
        reason=Literal("refused_by_check" if isinstance(constraint, CheckConstraint) else "already_there"),
        column=Literal(next(iter(_own(context, constraint)), constraint.columns[0])),
        undecided=undecided_sql(context, "refused"),
    )


def _keep_changed_sql(context: LoadContext, constraint: Constraint, names: Sequence[str]) -> Composable:
    rows = _changed_rows_sql(context, constraint)
    if isinstance(constraint, Exclusion) and _sees_what_is_inserted(context, constraint):
        rows = SQL("{} AND EXISTS (SELECT FROM {} AS c WHERE {}) UNION ALL {}").format(
            _new_rows_sql(context, constraint), context.work("changes"), _has_news_sql(context, constraint), rows
        )
    return SQL("""
        WITH {refused}, kept AS (
          UPDATE {changes} AS k SET {flags} FROM refused AS r WHERE k.row_number = r.row_number
          RETURNING k.row_number
        )
        SELECT count(*), min(row_number) FROM kept
    """).format(
        refused=_refused_sql(context, constraint, rows),
        changes=context.work("changes"),
        flags=keep_instead_sql(names),
    )


def _refused_sql(context: LoadContext, constraint: Constraint, rows: Composable) -> Composable:
    """Parts of a WITH clause, the last of which is `refused`: the row number of each of the rows that the constraint refuses.

    Its text names columns alone: so they are called in a subquery that has nothing else.
    """
    if isinstance(constraint, CheckConstraint):
        return SQL("""refused AS (
          SELECT "the row" AS row_number FROM ({rows}) AS n WHERE ({condition}) IS FALSE
        )""").format(rows=rows, condition=SQL(constraint.condition))
    keys = [Identifier("n", f"key {place}") for place, _ in enumerate(constraint.keys)]
    return SQL("""said AS (
          SELECT "the row" AS row_number, "the id" AS nexus_id, "is new" AS is_new, {values} FROM ({rows}) AS n WHERE {holds}
        ), claims AS (
          SELECT * FROM said AS n WHERE {given}
        ), refused AS (
          SELECT n.row_number FROM claims AS n
          WHERE EXISTS (SELECT FROM {target} AS o WHERE {holds} AND o.id <> n.nexus_id AND {there})
          UNION {among}
        )""").format(
        values=SQL(", ").join(
            SQL("{} AS {}").format(SQL(expression), Identifier(f"key {place}"))
            for place, expression in enumerate(constraint.keys)
        ),
        rows=rows,
        holds=SQL(constraint.condition or "TRUE"),
        given=SQL("TRUE") if constraint.nulls_clash else _all(SQL("{} IS NOT NULL").format(key) for key in keys),
        target=context.target.table,
        there=_clash_sql(constraint, map(SQL, constraint.keys), keys),
        among=_among_sql(constraint, keys),
    )


def _among_sql(constraint: Exclusion, keys: Sequence[Composable]) -> Composable:
    """The rows that clash with one that comes before them."""
    if constraint.is_unique:
        return SQL("""
          SELECT row_number FROM (
            SELECT n.row_number, row_number() OVER (PARTITION BY {} ORDER BY n.is_new DESC, n.row_number) AS place FROM claims AS n
          ) AS n WHERE place > 1""").format(SQL(", ").join(keys))
    others = [Identifier("m", f"key {place}") for place, _ in enumerate(keys)]
    return SQL("""
          SELECT n.row_number FROM claims AS n WHERE EXISTS (
            SELECT FROM claims AS m WHERE (NOT m.is_new, m.row_number) < (NOT n.is_new, n.row_number) AND {}
          )""").format(_clash_sql(constraint, others, keys))


def _clash_sql(constraint: Exclusion, theirs: Iterable[Composable], mine: Iterable[Composable]) -> Composable:
    """Whether two rows clash in every key."""
    same = SQL("({0} {1} {2} OR {0} IS NULL AND {2} IS NULL)" if constraint.nulls_clash else "{0} {1} {2}")
    return _all(
        same.format(key, SQL(operator), own)
        for key, operator, own in zip(theirs, constraint.operators, mine, strict=True)
    )


def _all(conditions: Iterable[Composable]) -> Composable:
    return SQL(" AND ").join([*conditions])


def _rows_sql(constraint: Constraint, id_: str, is_new: str, value: Value, rows: Composable) -> Composable:
    """The rows with what the constraint's columns come to hold in them."""
    return SQL('SELECT i.row_number AS "the row", {} AS "the id", {} AS "is new", {} FROM {}').format(
        SQL(id_),
        SQL(is_new),
        SQL(", ").join(SQL("{} AS {}").format(value(name), Identifier(name)) for name in constraint.columns),
        rows,
    )


def _new_rows_sql(context: LoadContext, constraint: Constraint) -> Composable:
    inserted = inserted_columns(context)

    def value(name: str) -> Composable:
        if name == "id":
            return SQL("d.nexus_id")
        if name in inserted:
            return inserted_sql(context, name)
        return SQL("NULL::{}").format(SQL(context.target.columns[name].sql_type))

    rows = SQL("{} WHERE d.action IN ('insert', 'restore')").format(decided_rows_sql(context))
    return _rows_sql(constraint, "d.nexus_id", "TRUE", value, rows)


def _changed_rows_sql(context: LoadContext, constraint: Constraint) -> Composable:
    rows = SQL("{} WHERE {}").format(changed_rows_sql(context), _has_news_sql(context, constraint))
    return _rows_sql(constraint, "c.nexus_id", "FALSE", lambda name: changed_sql(context, name), rows)


def _has_news_sql(context: LoadContext, constraint: Constraint) -> Composable:
    """Whether the row `c` of `changes` is one that the constraint may refuse: a CHECK sees any change, an exclusion one of its own."""
    return written_sql(context, _own(context, constraint) if isinstance(constraint, Exclusion) else ())


def _own(context: LoadContext, constraint: Constraint) -> list[str]:
    """The tracked columns of the constraint; a generic link is tracked by its id."""
    halves, tracked = id_columns(context.entity), base_columns(context.entity)
    return list(
        dict.fromkeys(halves.get(name, name) for name in constraint.columns if halves.get(name, name) in tracked)
    )

"""Steps 4 and 6: rows that a unique index of their table would refuse. A new one is a reject, a changed one stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.ledger.schema import base_columns
from nexus_assets.load.compare import changed_rows_sql, keep_instead_sql, write_flag
from nexus_assets.load.identity import decided_rows_sql, undecided_sql
from nexus_assets.load.incoming import LoadContext
from nexus_assets.load.merge import changed_sql, inserted_sql

REASON = "already_there"


def reject_new(cursor: Cursor, context: LoadContext) -> None:
    """Rejects the rows to insert or to restore whose unique values another row of the table has, or an earlier one of these.

    A row that is rejected is not decided any more.
    """
    own = context.entity.filemaker_id
    for names in _unique(context):
        # The short first load is for sources in which no FileMaker id comes twice (load/first.py).
        if not (context.is_first and own is not None and own.key is None and names == (own.column,)):
            cursor.execute(_reject_new_sql(context, names))


def keep_changed(cursor: Cursor, context: LoadContext) -> None:
    """Keeps what Nexus has in the rows whose new unique values another row of the table has; run after `changes` is made."""
    for names in _unique(context):
        cursor.execute(_keep_changed_sql(context, names))


def _unique(context: LoadContext) -> list[tuple[str, ...]]:
    """The unique indexes that a load could violate: its ledger sees to it that no id comes twice."""
    compared = {*base_columns(context.entity)}
    return [names for names in context.target.unique if compared.issuperset(names)]


def _reject_new_sql(context: LoadContext, names: Sequence[str]) -> Composable:
    return SQL("""
        WITH new AS (
          SELECT i.row_number, d.nexus_id, {values} FROM {decided}
          WHERE d.action IN ('insert', 'restore')
        ), clashing AS (
          SELECT row_number FROM (
            SELECT n.*, row_number() OVER (PARTITION BY {columns} ORDER BY n.row_number) AS place FROM new AS n WHERE {given}
          ) AS n
          WHERE n.place > 1 OR EXISTS (SELECT FROM {target} AS o WHERE {same} AND o.id <> n.nexus_id)
        ){undecided}
        UPDATE {incoming} AS i SET reason = {reason} FROM clashing AS c WHERE i.row_number = c.row_number
    """).format(
        values=_listed(names, lambda name: SQL("{} AS {}").format(inserted_sql(context, name), Identifier(name))),
        decided=decided_rows_sql(context),
        undecided=undecided_sql(context, "clashing"),
        incoming=context.work("incoming"),
        columns=_listed(names, lambda name: SQL("n.{}").format(Identifier(name))),
        given=_all(names, lambda name: SQL("n.{} IS NOT NULL").format(Identifier(name))),
        same=_all(names, lambda name: SQL("o.{0} = n.{0}").format(Identifier(name))),
        target=context.target.table,
        reason=Literal(REASON),
    )


def _keep_changed_sql(context: LoadContext, names: Sequence[str]) -> Composable:
    return SQL("""
        UPDATE {changes} AS k SET {flags}
        FROM {changed}
        WHERE k.row_number = c.row_number AND ({written})
          AND EXISTS (SELECT FROM {target} AS o WHERE {same} AND o.id <> c.nexus_id)
    """).format(
        changes=context.work("changes"),
        flags=keep_instead_sql(names),
        changed=changed_rows_sql(context),
        target=context.target.table,
        written=SQL(" OR ").join(SQL("c.{}").format(write_flag(name)) for name in names),
        same=_all(names, lambda name: SQL("o.{} = {}").format(Identifier(name), changed_sql(context, name))),
    )


def _listed(names: Sequence[str], of: Callable[[str], Composable]) -> Composable:
    return SQL(", ").join(map(of, names))


def _all(names: Sequence[str], of: Callable[[str], Composable]) -> Composable:
    return SQL(" AND ").join(map(of, names))

"""What the rows that a load changes were before, so that it can be undone: written by the very statement that changes them.

A row that a load inserts needs no entry: the ledger's own entry of it says which load made it. So a first load writes
nothing here, and another one writes what it changes: per row, the columns that are different now, before and after.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal


def noted_sql(load_id: int, table: Identifier, rows: Composable) -> Composable:
    """An INSERT that keeps `rows` of a table, a SELECT list with its FROM clause: (row_key, before, after)."""
    return SQL("""INSERT INTO nexus_assets.before_value (load_id, step, table_name, row_key, before, after)
            SELECT {load}, (SELECT coalesce(max(step), 0) + 1 FROM nexus_assets.before_value WHERE load_id = {load}), {table}, {rows}
        """).format(load=Literal(load_id), table=Literal(list(table.strings)), rows=rows)


def key_sql(alias: str, keys: Sequence[str]) -> Composable:
    """What names a row of the table `alias` in before_value: its key columns as text."""
    return SQL("concat_ws(' ', {})").format(
        SQL(", ").join(SQL("{}::text").format(Identifier(alias, key)) for key in keys)
    )


def updated_sql(
    load_id: int | None,
    statement: Composable,
    table: Identifier,
    alias: str,
    keys: Sequence[str],
    *,
    columns: Sequence[str] = (),
    found_by: Sequence[str] = (),
    only: str = "TRUE",
    with_new: bool = True,
    is_insert: bool = False,
) -> Composable:
    """The statement, an UPDATE or an INSERT that may meet a row of `table AS alias`, such that it keeps what it changes.

    `keys` name a row, `found_by` the columns by which it is found as it was (the keys, unless those are what changes), among
    the rows that the condition `only` is true of. `columns` are the ones that may change: all, where a role may read all.
    A row that is new has NULL before, and is left out unless `with_new`. Without a load id the statement stays as it is.
    The number of rows that it reports is that of the rows it touched.

    The row as it was is looked for only where there was one. An INSERT (`is_insert`) tells a row that it met by its xmax: a
    table that PostgreSQL last saw empty is read from end to end by each lookup, and grows while the INSERT runs.
    """
    if load_id is None:
        return statement

    def values(name: str) -> Composable:
        if not columns:
            return SQL("to_jsonb({})").format(Identifier(name))
        listed = SQL(", ").join(Identifier(name, column) for column in columns)
        return SQL("(SELECT to_jsonb(v) FROM (SELECT {}) AS v)").format(listed)

    def changed(mine: Composable, theirs: Composable) -> Composable:
        return SQL(
            "(SELECT coalesce(jsonb_object_agg(key, value), '{{}}') FROM jsonb_each({}) WHERE value IS DISTINCT FROM {} -> key)"
        ).format(mine, theirs)

    was, became = SQL("was.content"), SQL("w.content")
    returned = dict.fromkeys((*keys, *found_by))
    rows = SQL("""{key}, CASE WHEN {was} IS NOT NULL THEN {before} END, CASE WHEN {was} IS NULL THEN {became} ELSE {after} END
            FROM written AS w
              {join} LATERAL (SELECT {old} AS content FROM {table} AS o WHERE {met}{found} AND {only} OFFSET 0) AS was ON TRUE
        """).format(
        met=SQL("w.met AND " if is_insert else ""),
        key=key_sql("w", keys),
        was=was,
        became=became,
        before=changed(was, became),
        after=changed(became, was),
        join=SQL("LEFT JOIN" if with_new else "JOIN"),
        old=values("o"),
        table=table,
        found=SQL(" AND ").join(SQL("o.{0} = w.{0}").format(Identifier(key)) for key in found_by or keys),
        only=SQL(only),
    )
    return SQL(
        "WITH written AS (\n            {statement} RETURNING {keys}, {content} AS content{met})\n            {insert}"
    ).format(
        statement=statement,
        keys=SQL(", ").join(Identifier(alias, key) for key in returned),
        content=values(alias),
        met=SQL(", {}.xmax::text <> '0' AS met").format(Identifier(alias)) if is_insert else SQL(""),
        insert=noted_sql(load_id, table, rows),
    )


def removed_sql(
    load_id: int | None, statement: Composable, table: Identifier, alias: str, keys: Sequence[str]
) -> Composable:
    """The statement, a DELETE of `table AS alias`, such that it keeps the rows that it removes."""
    if load_id is None:
        return statement
    rows = SQL("{}, w.content, NULL FROM written AS w").format(key_sql("w", keys))
    return SQL(
        "WITH written AS (\n            {statement} RETURNING {keys}, to_jsonb({alias}) AS content)\n            {insert}"
    ).format(
        statement=statement,
        keys=SQL(", ").join(Identifier(alias, key) for key in keys),
        alias=Identifier(alias),
        insert=noted_sql(load_id, table, rows),
    )


def purge(cursor: Cursor, entity: str, loads: int) -> None:
    """Forgets what rows were before all but the last loads of the entity that changed something."""
    oldest = SQL("""
        SELECT x.id FROM nexus_assets.load AS x WHERE x.entity = {entity} AND x.undoable
          AND (x.outcomes ->> 'inserted' <> '0' OR EXISTS (SELECT FROM nexus_assets.before_value AS b WHERE b.load_id = x.id))
        ORDER BY x.id DESC OFFSET {before} LIMIT 1
    """).format(entity=Literal(entity), before=Literal(max(0, loads - 1)))
    cursor.execute(
        SQL("""
            WITH forgotten AS (
              UPDATE nexus_assets.load AS l SET undoable = FALSE
              WHERE l.entity = {entity} AND l.undoable AND ({none} OR l.id < ({oldest})) RETURNING l.id
            )
            DELETE FROM nexus_assets.before_value AS b USING forgotten AS f WHERE b.load_id = f.id
        """).format(entity=Literal(entity), none=Literal(loads < 1), oldest=oldest)
    )

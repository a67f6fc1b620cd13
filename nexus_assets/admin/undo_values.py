"""What one load changed, as it was before: of each row the columns that the load wrote, put back where they are as it left them.

Two temporary tables hold it while a load is undone. `undo_row` (table_name, row_key, was_new, was_removed, content, reason): a
row with a reason stays as it is. `undo_value` (table_name, row_key, column_name, before, after): a column of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.ledger.before_values import key_sql
from nexus_assets.nexus import queries
from nexus_assets.nexus.relations import GUARD_PREFIX, SHOWN_TYPES, Relation, read_uuid_sql, relations

REASONS = {
    "edited": "changed in Nexus since",
    "loaded_since": "changed by a later load",
    "referenced": "other rows refer to it",
    "gone": "no longer in Nexus",
    "target_gone": "what it was linked to is no longer in Nexus",
    "guarded": "the guard allows no dangling link",
}
"""Why a row, or a column of it, stays as it is, and what that means."""


class Kept(NamedTuple):
    """What stays as it is: a row by its id (empty where the table's key may be a person's words), or one column of it."""

    table: str
    id: str
    column: str
    reason: str


@dataclass(frozen=True)
class Place:
    """A table that a load wrote: its key, the columns that it has now, and, of a merged jsonb column, the keys that are ours.

    `only` is true of the rows `x` that the key names; `silent` columns are put back, and nobody is told where they are not.
    """

    table: Identifier
    keys: tuple[str, ...]
    columns: Sequence[str]
    label: str
    shows_ids: bool = True
    merged: Mapping[str, Sequence[str]] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    only: str = "TRUE"

    @property
    def name(self) -> Composable:
        return Literal(list(self.table.strings))

    def key(self, alias: str) -> Composable:
        return key_sql(alias, self.keys)

    def now(self, alias: str) -> Composable:
        """The columns of the row as jsonb: of those alone, for a role may not read all of them."""
        listed = SQL(", ").join(Identifier(alias, column) for column in self.columns)
        return SQL("(SELECT to_jsonb(n) FROM (SELECT {}) AS n)").format(listed)

    def compared(self, value: Composable) -> Composable:
        """A value of the column `v.column_name` as it is compared: of a merged jsonb column our keys."""
        return self._case(value, lambda keys: _only_keys(value, keys))

    def put_back(self) -> Composable:
        """The value that `v.column_name` of the row `x` gets: the one of before, beside what others put into a merged column."""
        now = SQL("{} -> v.column_name").format(self.now("x"))
        return self._case(
            SQL("v.before"),
            lambda keys: SQL("({} || {})").format(
                _only_keys(now, keys, others=True), _only_keys(SQL("v.before"), keys)
            ),
        )

    def _case(self, otherwise: Composable, merged: Callable[[Sequence[str]], Composable]) -> Composable:
        if not self.merged:
            return otherwise
        cases = SQL(" ").join(
            SQL("WHEN v.column_name = {} THEN {}").format(Literal(name), merged(keys))
            for name, keys in self.merged.items()
        )
        return SQL("(CASE {} ELSE {} END)").format(cases, otherwise)


def _only_keys(value: Composable, keys: Sequence[str], *, others: bool = False) -> Composable:
    """Of a jsonb object these keys, or all the others."""
    return SQL(
        "(SELECT coalesce(jsonb_object_agg(key, value), '{{}}') FROM jsonb_each("
        "CASE jsonb_typeof({value}) WHEN 'object' THEN {value} ELSE '{{}}' END) WHERE (key = ANY ({keys})) <> {others})"
    ).format(value=value, keys=Literal(list(keys)), others=Literal(others))


def gather(cursor: Cursor, load_id: int) -> list[tuple[str, ...]]:
    """Makes the two tables of a load; returns the names (schema, table) of the tables that it changed rows of."""
    cursor.execute(
        SQL("""
            DROP TABLE IF EXISTS pg_temp.undo_row, pg_temp.undo_value;
            CREATE TEMP TABLE undo_row ON COMMIT DROP AS
            SELECT table_name, row_key, (array_agg(before ORDER BY step))[1] IS NULL AS was_new,
                   (array_agg(after ORDER BY step DESC))[1] IS NULL AS was_removed,
                   (array_agg(before ORDER BY step))[1] AS content, NULL::text AS reason
            FROM nexus_assets.before_value WHERE load_id = {load} GROUP BY 1, 2;
            CREATE TEMP TABLE undo_value ON COMMIT DROP AS
            SELECT table_name, row_key, column_name, b.value AS before, a.value AS after
            FROM (SELECT DISTINCT ON (table_name, row_key, key) table_name, row_key, key AS column_name, value
                  FROM nexus_assets.before_value, jsonb_each(after) WHERE load_id = {load}
                  ORDER BY table_name, row_key, key, step DESC) AS a
            LEFT JOIN (SELECT DISTINCT ON (table_name, row_key, key) table_name, row_key, key AS column_name, value
                       FROM nexus_assets.before_value, jsonb_each(before) WHERE load_id = {load}
                       ORDER BY table_name, row_key, key, step) AS b USING (table_name, row_key, column_name);
            CREATE INDEX ON undo_row (row_key);
            CREATE INDEX ON undo_value (row_key);
            ANALYZE undo_row, undo_value;
            SELECT DISTINCT table_name FROM undo_row ORDER BY 1
        """).format(load=Literal(load_id))
    )
    return [tuple(name) for (name,) in cursor.fetchall()]


def changed_columns(cursor: Cursor, name: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that the load changed in rows of this table that were there before."""
    cursor.execute(
        SQL("""
            SELECT DISTINCT column_name FROM undo_value JOIN undo_row USING (table_name, row_key)
            WHERE table_name = {} AND NOT was_new ORDER BY 1
        """).format(Literal(list(name)))
    )
    return tuple(column for (column,) in cursor.fetchall())


def native_place(cursor: Cursor, relation: Relation) -> Place | None:
    """A table of Nexus that no entity declares; None where it has no key any more."""
    if not relation.primary_key:
        return None
    found = changed_columns(cursor, (relation.schema, relation.name))
    columns = tuple(name for name in found if name in relation.columns)
    shown = all(relation.columns[key].base_type in SHOWN_TYPES for key in relation.primary_key)
    return Place(relation.table, relation.primary_key, columns, relation.label, shown)


def keep_dangling(cursor: Cursor, place: Place, id_columns: Sequence[str], living: Sequence[Identifier]) -> None:
    """Gives a reason to rows whose former link can't be: a constraint guards it and its target is gone; or the guard does.

    `id_columns` are those of generic keys, `living` the tables whose rows they may lead to.
    """
    before = SQL("(v.before #>> '{}')")
    for column, parents in _guarded(cursor, place, id_columns, living):
        there = SQL(" OR ").join(
            SQL("EXISTS (SELECT FROM {} AS p WHERE p.{}::text = coalesce(({})::text, {}))").format(
                table, Identifier(key), read_uuid_sql(before), before
            )
            for table, key in parents
        )
        cursor.execute(
            SQL("""
                UPDATE undo_row AS r SET reason = {reason} FROM undo_value AS v
                WHERE r.table_name = {name} AND (v.table_name, v.row_key) = (r.table_name, r.row_key) AND r.reason IS NULL
                  AND NOT r.was_new AND v.column_name = {column} AND v.before <> 'null' AND v.before IS DISTINCT FROM v.after
                  AND NOT ({there})
            """).format(
                reason=Literal("guarded" if column in id_columns else "target_gone"),
                name=place.name,
                column=Literal(column),
                there=there,
            )
        )


def _guarded(
    cursor: Cursor, place: Place, id_columns: Sequence[str], living: Sequence[Identifier]
) -> Iterator[tuple[str, list[tuple[Identifier, str]]]]:
    by_oid = relations(cursor)
    relation = next((each for each in by_oid.values() if each.table == place.table), None)
    for column in place.columns:
        link = relation.foreign_key(column) if relation else None
        if link is not None and link.to in by_oid and len(by_oid[link.to].primary_key) == 1:
            yield column, [(by_oid[link.to].table, by_oid[link.to].primary_key[0])]
    if queries.yes(cursor, "SELECT EXISTS (SELECT FROM pg_trigger WHERE starts_with(tgname, %s))", (GUARD_PREFIX,)):
        for column in place.columns:
            if column in id_columns:
                yield column, [(table, "id") for table in living]


def keep_what_changed(cursor: Cursor, place: Place, new_by: Sequence[str]) -> None:
    """Gives a reason to the ledger's rows that are not as the load left them; of a new row the columns `new_by` tell."""
    cursor.execute(
        SQL("""
            UPDATE undo_row AS r SET reason = 'loaded_since'
            FROM undo_value AS v LEFT JOIN {table} AS x ON {key} = v.row_key AND {only}
            WHERE r.table_name = {name} AND (v.table_name, v.row_key) = (r.table_name, r.row_key) AND r.reason IS NULL
              AND (NOT r.was_new OR v.column_name = ANY ({new_by}))
              AND v.after IS DISTINCT FROM to_jsonb(x) -> v.column_name
        """).format(
            name=place.name,
            new_by=Literal(list(new_by)),
            table=place.table,
            key=place.key("x"),
            only=SQL(place.only),
        )
    )


def kept_values(cursor: Cursor, place: Place) -> list[Kept]:
    """What of the changed rows stays as it is: rows with a reason or gone, columns that are not as the load left them."""
    cursor.execute(
        SQL("""
            SELECT r.row_key, '', r.reason FROM undo_row AS r WHERE r.table_name = {name} AND r.reason IS NOT NULL
            UNION ALL
            SELECT r.row_key, '', 'gone' FROM undo_row AS r
            WHERE r.table_name = {name} AND r.reason IS NULL AND NOT r.was_new AND NOT r.was_removed
              AND NOT EXISTS (SELECT FROM {table} AS x WHERE {key} = r.row_key)
            UNION ALL
            SELECT v.row_key, v.column_name, 'edited' FROM {candidates}
            WHERE {is_now} IS DISTINCT FROM {after} AND v.column_name <> ALL ({silent}) AND v.before IS DISTINCT FROM v.after
            ORDER BY 3, 1, 2
        """).format(
            name=place.name,
            table=place.table,
            key=place.key("x"),
            silent=Literal([*place.silent]),
            **_comparison(place),
        )
    )
    shown = cursor.fetchall()
    return [Kept(place.label, row if place.shows_ids else "", column, reason) for row, column, reason in shown]


def _comparison(place: Place) -> dict[str, Composable]:
    candidates = SQL("""undo_value AS v JOIN undo_row AS r USING (table_name, row_key) JOIN {table} AS x
        ON {key} = v.row_key AND {only}""").format(table=place.table, key=place.key("x"), only=SQL(place.only))
    in_play = SQL("{} -> v.column_name").format(place.now("x"))
    return {
        "candidates": SQL("""(SELECT v.*, {now} AS is_now, {put_back} AS put_back, {after} AS was_left FROM {candidates}
            WHERE v.table_name = {name} AND r.reason IS NULL AND NOT r.was_new AND NOT r.was_removed
              AND v.column_name = ANY ({columns})) AS v""").format(
            now=place.compared(in_play),
            put_back=place.put_back(),
            after=place.compared(SQL("v.after")),
            candidates=candidates,
            name=place.name,
            columns=Literal(list(place.columns)),
        ),
        "is_now": SQL("v.is_now"),
        "after": SQL("v.was_left"),
    }


def put_back(cursor: Cursor, place: Place) -> dict[str, int]:
    """Puts the columns back that are as the load left them; returns how many values, by column."""
    if not place.columns:
        return {}
    cursor.execute(
        SQL("""
            DROP TABLE IF EXISTS pg_temp.undo_now;
            CREATE TEMP TABLE undo_now ON COMMIT DROP AS
            SELECT v.row_key, jsonb_object_agg(v.column_name, coalesce(v.put_back, 'null')) AS content FROM {candidates}
            WHERE {is_now} IS NOT DISTINCT FROM {after} GROUP BY 1;
            UPDATE {table} AS t SET {settings}
            FROM undo_now AS u CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, u.content) AS b
            WHERE {key} = u.row_key AND {only};
            SELECT key, count(*) FROM undo_now, jsonb_object_keys(content) AS key GROUP BY 1 ORDER BY 1
        """).format(
            **_comparison(place),
            table=place.table,
            settings=SQL(", ").join(
                SQL("{0} = CASE WHEN u.content ? {1} THEN b.{0} ELSE t.{0} END").format(Identifier(name), Literal(name))
                for name in place.columns
            ),
            key=place.key("t"),
            only=SQL(place.only.replace("x.", "t.")),
        )
    )
    return dict(cursor.fetchall())


def bring_back(cursor: Cursor, place: Place) -> int:
    """Inserts the rows again that the load removed, where their key is free; returns how many."""
    cursor.execute(
        SQL("""
            INSERT INTO {table} SELECT b.* FROM undo_row AS r CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, r.content) AS b
            WHERE r.table_name = {name} AND r.was_removed AND NOT r.was_new AND r.reason IS NULL
              AND NOT EXISTS (SELECT FROM {table} AS x WHERE {key} = r.row_key)
        """).format(table=place.table, name=place.name, key=place.key("x"))
    )
    return int(cursor.rowcount)


def remove_new(cursor: Cursor, place: Place) -> int:
    """Removes the ledger's rows that the load wrote first, where they are as it left them; returns how many."""
    cursor.execute(
        SQL("""
            DELETE FROM {table} AS t USING undo_row AS r
            WHERE {key} = r.row_key AND r.table_name = {name} AND r.was_new AND NOT r.was_removed AND r.reason IS NULL
        """).format(table=place.table, key=place.key("t"), name=place.name)
    )
    return int(cursor.rowcount)

"""References into an entity's table from anywhere in the database: found by looking, moved to current ids, counted when dead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.load.tables import LEDGER_SCHEMA, Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import cursor as Cursor


@dataclass(frozen=True)
class GenericKey:
    """A generic foreign key somewhere in the database: a table with a content type column and an object id column."""

    schema: str
    table: str
    type_column: str
    id_column: str
    id_type: str

    @property
    def relation(self) -> Identifier:
        return Identifier(self.schema, self.table)

    @property
    def name(self) -> str:
        """`table.id_column`, as checks and messages name it."""
        return f"{self.table}.{self.id_column}"


@dataclass(frozen=True)
class ForeignColumn:
    """A column that holds ids of a table, with or without a constraint that guards them."""

    schema: str
    table: str
    column: str
    guarded: bool

    @property
    def relation(self) -> Identifier:
        return Identifier(self.schema, self.table)


GENERIC_KEYS_SQL = """
    SELECT n.nspname, c.relname, type.attname, id.attname, format_type(id.atttypid, NULL)
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS type ON type.attrelid = c.oid AND type.attname ~ 'content_type_id$' AND NOT type.attisdropped
    JOIN pg_attribute AS id ON id.attrelid = c.oid AND NOT id.attisdropped
      AND id.attname = regexp_replace(type.attname, 'content_type_id$', 'object_id')
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', %s) AND n.nspname !~ '^pg_(toast|temp)'
    ORDER BY 1, 2, 3
"""

FOREIGN_COLUMNS_SQL = """
    SELECT n.nspname, c.relname, a.attname, k.oid IS NOT NULL
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_constraint AS k ON k.contype = 'f' AND k.convalidated AND k.conrelid = c.oid AND k.conkey = ARRAY[a.attnum]
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.atttypid = 'uuid'::regtype
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', %(ledger)s) AND n.nspname !~ '^pg_(toast|temp)'
      AND (k.confrelid = %(table)s::regclass OR (k.oid IS NULL AND a.attname = %(column)s))
    ORDER BY 1, 2, 3
"""


def generic_keys(cursor: Cursor) -> list[GenericKey]:
    """Every generic foreign key of the database, by the form that Django gives them; a new Nexus table is found by itself."""
    cursor.execute(GENERIC_KEYS_SQL, (LEDGER_SCHEMA,))
    return [GenericKey(*row) for row in cursor.fetchall()]


def foreign_columns(cursor: Cursor, target: Target) -> list[ForeignColumn]:
    """Every uuid column that refers to the table: by constraint, or only by its name (`patient_id` without one)."""
    model = target.entity.model.label.split(".")[1]
    cursor.execute(
        FOREIGN_COLUMNS_SQL,
        {"ledger": LEDGER_SCHEMA, "table": f'"{target.schema}"."{target.name}"', "column": f"{model}_id"},
    )
    return [ForeignColumn(*row) for row in cursor.fetchall()]


def is_referenced_sql(cursor: Cursor, target: Target, alias: str) -> Composable:
    """Whether anything in the database refers to the row."""
    id_ = SQL("{}.id").format(Identifier(alias))
    tests: list[Composable] = [
        SQL("EXISTS (SELECT FROM {} AS x WHERE x.{} = {})").format(found.relation, Identifier(found.column), id_)
        for found in foreign_columns(cursor, target)
    ]
    tests += [
        SQL("EXISTS (SELECT FROM {} AS x WHERE x.{} = {} AND x.{} = {}::{})").format(
            key.relation,
            Identifier(key.type_column),
            Literal(target.content_type_id),
            Identifier(key.id_column),
            id_,
            SQL(key.id_type),
        )
        for key in generic_keys(cursor)
    ]
    return SQL("({})").format(SQL(" OR ").join(tests)) if tests else SQL("FALSE")


def move_superseded(cursor: Cursor, target: Target) -> dict[str, int]:
    """Moves every reference to a superseded id of the table, in any table, native rows included, to the current id.

    Returns the number of rows moved by `table.column`. A foreign key that a constraint guards can't lead nowhere and is left.
    """
    name = target.entity.name
    cursor.execute("SELECT EXISTS (SELECT FROM nexus_assets.superseded WHERE entity = %s)", (name,))
    if not cursor.fetchone()[0]:
        return {}
    moves: list[tuple[str, Composable]] = []
    for key in generic_keys(cursor):
        # Kept apart by content type where that one still exists; a row whose content type is gone is moved by its id alone.
        moves.append(
            (
                key.name,
                SQL("""
                    UPDATE {relation} AS x SET {id} = s.current_id::{type}, {ct} = {content_type}
                    FROM nexus_assets.superseded AS s JOIN {target} AS t ON t.id = s.current_id
                    WHERE s.entity = {entity} AND x.{id} = s.nexus_id::{type}
                      AND (x.{ct} = {content_type} OR NOT EXISTS (SELECT FROM django_content_type AS c WHERE c.id = x.{ct}))
                      AND NOT EXISTS (SELECT FROM {target} AS old WHERE old.id = s.nexus_id)
                """).format(
                    relation=key.relation,
                    id=Identifier(key.id_column),
                    type=SQL(key.id_type),
                    ct=Identifier(key.type_column),
                    content_type=Literal(target.content_type_id),
                    target=target.table,
                    entity=Literal(name),
                ),
            )
        )
    for found in foreign_columns(cursor, target):
        if not found.guarded:
            moves.append(
                (
                    f"{found.table}.{found.column}",
                    SQL("""
                        UPDATE {relation} AS x SET {column} = s.current_id
                        FROM nexus_assets.superseded AS s JOIN {target} AS t ON t.id = s.current_id
                        WHERE s.entity = {entity} AND x.{column} = s.nexus_id
                          AND NOT EXISTS (SELECT FROM {target} AS old WHERE old.id = s.nexus_id)
                    """).format(
                        relation=found.relation,
                        column=Identifier(found.column),
                        target=target.table,
                        entity=Literal(name),
                    ),
                )
            )
    moved = {}
    for where, statement in moves:
        cursor.execute(statement)
        if cursor.rowcount:
            moved[where] = cursor.rowcount
    return moved


def orphans_sql(key: GenericKey, models: Sequence[tuple[int, Composable]]) -> Composable:
    """Rows (id, content_type_id, object_id, reason) of the key that lead nowhere, over all rows.

    `models` are (content type id, table) of the models whose rows can be looked up. Reasons: `half_null` (one half is
    NULL), `content_type_missing`, `target_missing`.
    """
    type_, id_ = Identifier(key.type_column), Identifier(key.id_column)
    existing = [
        SQL("WHEN x.{} = {} THEN EXISTS (SELECT FROM {} AS t WHERE t.id{} = x.{})").format(
            type_, Literal(content_type), table, SQL("") if key.id_type == "uuid" else SQL("::text"), id_
        )
        for content_type, table in models
    ]
    if not existing:
        existing = [SQL("WHEN FALSE THEN TRUE")]
    return SQL("""
        SELECT id::text AS id, {type}::text AS content_type_id, {id}::text AS object_id, reason FROM (
          SELECT x.id, x.{type}, x.{id},
                 CASE WHEN x.{type} IS NULL AND x.{id} IS NULL THEN NULL
                      WHEN x.{type} IS NULL OR x.{id} IS NULL THEN 'half_null'
                      WHEN NOT EXISTS (SELECT FROM django_content_type AS c WHERE c.id = x.{type}) THEN 'content_type_missing'
                      WHEN NOT (CASE {existing} ELSE TRUE END) THEN 'target_missing' END AS reason
          FROM {relation} AS x) AS judged WHERE reason IS NOT NULL
    """).format(type=type_, id=id_, existing=SQL(" ").join(existing), relation=key.relation)

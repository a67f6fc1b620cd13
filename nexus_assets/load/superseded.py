"""Step 6: every reference to an id that a row had before follows to the id that it has now, native rows included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.nexus import queries
from nexus_assets.nexus.catalog import Target
from nexus_assets.nexus.references import ForeignColumn, GenericKey, foreign_columns, generic_keys


def move_superseded(cursor: Cursor, target: Target) -> dict[str, int]:
    """Moves every reference to a superseded id of the table, in any living table, native rows included, to the current id.

    Returns the number of rows moved by `table.column`. History and copies stay as they are: they record the id of their
    time. A foreign key that a constraint guards can't dangle and is left. A table with nothing to move is only read, so that
    it needs no right to be written.
    """
    name = target.entity.name
    if not queries.yes(cursor, "SELECT EXISTS (SELECT FROM nexus_assets.superseded WHERE entity = %s)", (name,)):
        return {}
    moved: dict[str, int] = {}
    for move in _moves(cursor, target):
        if queries.yes(cursor, move.is_needed_sql(target)):
            cursor.execute(move.sql(target))
            moved[move.name] = int(cursor.rowcount)
    if moved:
        cursor.execute(_hold_sql(target))
    return moved


def _hold_sql(target: Target) -> Composable:
    """Locks the rows to which references were moved until the commit: nobody can delete one of them meanwhile."""
    return SQL("""
        SELECT count(*) FROM (
          SELECT FROM {target} AS t JOIN nexus_assets.superseded AS s ON s.current_id = t.id
          WHERE s.entity = {entity} FOR KEY SHARE OF t) AS held
    """).format(target=target.table, entity=Literal(target.entity.name))


@dataclass(frozen=True)
class _Move:
    """How one column `x` follows from the superseded id `s.nexus_id` to `s.current_id`."""

    name: str
    relation: Composable
    settings: Composable
    refers: Composable

    def sql(self, target: Target) -> Composable:
        return SQL("UPDATE {} AS x SET {} FROM {} WHERE {}").format(
            self.relation, self.settings, self._ids_sql(target), self._condition_sql(target)
        )

    def is_needed_sql(self, target: Target) -> Composable:
        return SQL("SELECT EXISTS (SELECT FROM {} AS x CROSS JOIN {} WHERE {})").format(
            self.relation, self._ids_sql(target), self._condition_sql(target)
        )

    def _ids_sql(self, target: Target) -> Composable:
        return SQL("(nexus_assets.superseded AS s JOIN {} AS t ON t.id = s.current_id)").format(target.table)

    def _condition_sql(self, target: Target) -> Composable:
        return SQL("s.entity = {} AND {} AND NOT EXISTS (SELECT FROM {} AS old WHERE old.id = s.nexus_id)").format(
            Literal(target.entity.name), self.refers, target.table
        )


def _moves(cursor: Cursor, target: Target) -> Iterator[_Move]:
    for key in generic_keys(cursor):
        if key.is_writable and key.can_lead_to_us:
            yield _key_move(key, target)
    for column in foreign_columns(cursor, target):
        if column.is_writable:
            yield _column_move(column)


def _key_move(key: GenericKey, target: Target) -> _Move:
    # Kept apart by content type where that one still exists; a row whose content type is gone is moved by its id alone.
    names = {
        "id": Identifier(key.id_column),
        "as": SQL(key.compared_as),
        "type": Identifier(key.type_column),
        "model": Literal(target.content_type_id),
        "content_types": key.content_types,
    }
    return _Move(
        key.name,
        key.relation,
        SQL("{id} = s.current_id::{as}, {type} = {model}").format(**names),
        SQL(
            "x.{id} = s.nexus_id::{as}"
            " AND (x.{type} = {model} OR NOT EXISTS (SELECT FROM {content_types} AS c WHERE c.id = x.{type}))"
        ).format(**names),
    )


def _column_move(column: ForeignColumn) -> _Move:
    name = Identifier(column.column)
    return _Move(
        column.name,
        column.relation,
        SQL("{} = s.current_id").format(name),
        SQL("x.{} = s.nexus_id").format(name),
    )

"""Ids that a row had before: learned where they stand, and every reference to one moved to the current id, native rows included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.ledger.before_values import updated_sql
from nexus_assets.ledger.tables import identity_table, ledger_table
from nexus_assets.load.compare import changed_rows_sql, write_flag
from nexus_assets.load.identity import is_known_sql
from nexus_assets.load.incoming import LoadContext, incoming_column
from nexus_assets.mapping.entity import GenericReference
from nexus_assets.nexus import queries
from nexus_assets.nexus.catalog import Target
from nexus_assets.nexus.references import ForeignColumn, GenericKey, foreign_columns, generic_keys
from nexus_assets.nexus.relations import Relation

LENGTH = 36
"""Of a uuid's text with its hyphens."""


def move_superseded(cursor: Cursor, target: Target, kept_for: int | None = None) -> dict[str, int]:
    """Moves every reference to a superseded id of the table, in any living table, native rows included, to the current id.

    Returns the number of rows moved by `table.column`. History and copies stay as they are: they record the id of their
    time. A foreign key that a constraint guards can't dangle and is left, and so is a row that a unique index allows once for
    each person, where the current id has its own: which of the two is right only a person knows. A table with nothing to move
    is only read, so that it needs no right to be written. `kept_for`: the load for which it is kept where they led before.
    """
    name = target.entity.name
    if not queries.yes(cursor, "SELECT EXISTS (SELECT FROM nexus_assets.superseded WHERE entity = %s)", (name,)):
        return {}
    moved: dict[str, int] = {}
    for move in _moves(cursor, target):
        if queries.yes(cursor, move.is_needed_sql(target)):
            cursor.execute(move.sql(target, kept_for))
            moved[move.name] = int(cursor.rowcount)
    if moved:
        cursor.execute(_hold_sql(target))
    return moved


def has_to_move(cursor: Cursor, target: Target) -> bool:
    """Whether a load would move any reference to a superseded id of the table."""
    return any(queries.yes(cursor, move.is_needed_sql(target)) for move in _moves(cursor, target))


def _hold_sql(target: Target) -> Composable:
    """Locks the rows to which references were moved until the commit: nobody can delete one of them meanwhile."""
    return SQL("""
        SELECT count(*) FROM (
          SELECT FROM {target} AS t JOIN nexus_assets.superseded AS s ON s.current_id = t.id
          WHERE s.entity = {entity} FOR KEY SHARE OF t) AS held
    """).format(target=target.table, entity=Literal(target.entity.name))


def learn(cursor: Cursor, context: LoadContext) -> list[str]:
    """Learns ids from the rows whose dangling link this load is about to repair; returns the entities of which it learned some.

    A row that FileMaker tells apart is linked to an id that nobody knows, and FileMaker says whose the row is: the id was that
    person's. An id that rows of two people had teaches nothing, nor does one that is a living row's. Run after `changes` is
    made and before it is written.
    """
    learned = []
    for link in context.entity.generic_references:
        cursor.execute(_learn_sql(context, link))
        if cursor.rowcount:
            learned.append(link.to)
    return learned


def _learn_sql(context: LoadContext, link: GenericReference) -> Composable:
    parent = context.parents[link.to]
    id_, said = Identifier(link.id_column), incoming_column(link.id_column)
    statement = SQL("""
        INSERT INTO nexus_assets.superseded AS s (entity, nexus_id, source_id, current_id, load_id)
        SELECT {entity}, taught.old_id, l.source_id, taught.current_id, {load}
        FROM (
          SELECT t.{id} AS old_id, min(i.{said}::text)::uuid AS current_id
          FROM {changed}
          LEFT JOIN {parent} AS living ON living.id = t.{id}
          WHERE c.{written} AND t.{type} = {content_type} AND living.id IS NULL AND t.{id} IS NOT NULL
            AND i.{said} IS NOT NULL AND NOT {known}
          GROUP BY 1 HAVING count(DISTINCT i.{said}) = 1
        ) AS taught JOIN {ledger} AS l ON l.nexus_id = taught.current_id
        ON CONFLICT DO NOTHING
    """).format(
        entity=Literal(link.to),
        load=Literal(context.load_id),
        id=id_,
        said=said,
        changed=changed_rows_sql(context),
        parent=parent.table,
        written=write_flag(link.id_column),
        type=Identifier(link.type_column),
        content_type=Literal(parent.content_type_id),
        known=is_known_sql(link.to, SQL("t.{}").format(id_)),
        ledger=identity_table(link.to),
    )
    return updated_sql(
        context.kept_for, statement, ledger_table("superseded"), "s", ("entity", "nexus_id"), is_insert=True
    )


@dataclass(frozen=True)
class _Move:
    """How one column `x` follows from the superseded id `s.nexus_id` to `s.current_id`."""

    name: str
    home: Relation
    columns: tuple[str, ...]
    settings: Composable
    refers: Composable
    model: Composable | None = None

    def sql(self, target: Target, kept_for: int | None) -> Composable:
        statement = SQL("UPDATE {} AS x SET {} FROM {} WHERE {}").format(
            self.home.table, self.settings, self._ids_sql(target), self._condition_sql(target)
        )
        keys = () if {*self.home.primary_key} & {*self.columns} else self.home.primary_key
        # What has no key, or one that moves, can't be found again.
        return updated_sql(kept_for if keys else None, statement, self.home.table, "x", keys, columns=self.columns)

    def is_needed_sql(self, target: Target) -> Composable:
        return SQL("SELECT EXISTS (SELECT FROM {} AS x CROSS JOIN {} WHERE {})").format(
            self.home.table, self._ids_sql(target), self._condition_sql(target)
        )

    def _ids_sql(self, target: Target) -> Composable:
        return SQL("(nexus_assets.superseded AS s JOIN {} AS t ON t.id = s.current_id)").format(target.table)

    def _condition_sql(self, target: Target) -> Composable:
        condition = SQL("s.entity = {} AND {} AND NOT EXISTS (SELECT FROM {} AS old WHERE old.id = s.nexus_id)").format(
            Literal(target.entity.name), self.refers, target.table
        )
        return SQL(" AND ").join([condition, *map(self._alone_sql, self.home.unique_with(self.columns[-1]))])

    def _alone_sql(self, unique: Sequence[str]) -> Composable:
        """Whether no other row `y` stands where a unique index would allow `x` alone: it is there, or is moved there before."""
        id_ = self.home.uuid_sql("y", self.columns[-1])
        same = [SQL("y.{0} = x.{0}").format(Identifier(name)) for name in unique if name not in self.columns]
        if self.model is not None and self.columns[0] in unique:
            same.append(SQL("y.{} = {}").format(Identifier(self.columns[0]), self.model))
        return SQL("""
            NOT EXISTS (
              SELECT FROM {home} AS y LEFT JOIN nexus_assets.superseded AS e
                ON e.entity = s.entity AND e.current_id = s.current_id AND {id} = e.nexus_id
              WHERE {same} AND ({id} = s.current_id
                OR e.nexus_id IS NOT NULL AND (y.tableoid, y.ctid) < (x.tableoid, x.ctid)))
        """).format(home=self.home.table, id=id_, same=SQL(" AND ").join(same or [SQL("TRUE")]))


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
        "written": _written_sql(key),
        "own": key.id_sql("x"),
        "type": Identifier(key.type_column),
        "model": Literal(target.content_type_id),
        "content_types": key.content_types,
    }
    return _Move(
        key.name,
        key.home,
        (key.type_column, key.id_column),
        SQL("{id} = {written}, {type} = {model}").format(**names),
        SQL(
            "{own} = s.nexus_id AND (x.{type} = {model} OR NOT EXISTS (SELECT FROM {content_types} AS c WHERE c.id = x.{type}))"
        ).format(**names),
        Literal(target.content_type_id),
    )


def _written_sql(key: GenericKey) -> Composable:
    """The current id as Django writes it into the key's column; without hyphens where there is no room for them."""
    if not key.is_text:
        return SQL("s.current_id")
    length = key.home.columns[key.id_column].length
    return SQL("s.current_id::text" if length is None or length >= LENGTH else "replace(s.current_id::text, '-', '')")


def _column_move(column: ForeignColumn) -> _Move:
    name = Identifier(column.column)
    return _Move(
        column.name,
        column.home,
        (column.column,),
        SQL("{} = s.current_id").format(name),
        SQL("x.{} = s.nexus_id AND {}").format(name, column.is_ours_sql()),
    )

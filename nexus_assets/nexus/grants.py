"""The rights that the import's role needs, table by table and column by column: found from the entities and the catalogue.

One list for three readers: the SQL of docs/connecting.md, `plan` and `status`, which say what is missing before a load does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier

from nexus_assets.entities import ENTITIES
from nexus_assets.mapping.entity import Entity, RemoveEmptied, TrueCount
from nexus_assets.nexus import catalog, queries
from nexus_assets.nexus.models import content_type_table, models
from nexus_assets.nexus.references import ForeignColumn, foreign_columns, generic_keys
from nexus_assets.nexus.relations import Relation, find, relations


class Right(NamedTuple):
    """A privilege on columns of a table; on the whole table where there are none."""

    relation: Relation
    privilege: str
    columns: tuple[str, ...] = ()

    def sql(self, role: str) -> Composable:
        """The GRANT. A table that the search path does not lead to is named with its schema."""
        names = [self.relation.name] if self.relation.is_visible else [self.relation.schema, self.relation.name]
        columns = SQL(" ({})").format(SQL(", ").join(map(Identifier, self.columns))) if self.columns else SQL("")
        return SQL("GRANT {}{} ON {} TO {}").format(SQL(self.privilege), columns, Identifier(*names), Identifier(role))


def needed(cursor: Cursor) -> list[Right]:
    """Every right that loads, checks and `status` need in this database, beside the schema that holds the ledger."""
    columns: dict[tuple[int, str], set[str]] = defaultdict(set)
    whole: set[tuple[int, str]] = set()
    for entity in ENTITIES.values():
        found = find(cursor, entity.model.tables)
        if found is None:
            continue
        # Adoption and the three-way comparison read the rows as they are.
        whole.add((found.oid, "SELECT"))
        columns[found.oid, "INSERT"] |= {*entity.written_columns, *entity.on_insert} & {*found.columns}
        columns[found.oid, "UPDATE"] |= {*_updated(entity)} & {*found.columns}
        if entity.name in _emptied():
            whole.add((found.oid, "DELETE"))
        for lookup in entity.lookups:
            for match in lookup.matches:
                table = find(cursor, match.tables)
                if table is not None:
                    columns[table.oid, "SELECT"] |= {"id", match.column, "created_at"}  # the oldest counts
    for relation, names in _read(cursor):
        columns[relation.oid, "SELECT"] |= set(names)
    for relation, names in _moved(cursor):
        columns[relation.oid, "UPDATE"] |= set(names)
    tables = relations(cursor)
    rights = [Right(tables[oid], privilege) for oid, privilege in whole]
    rights += [
        Right(tables[oid], privilege, tuple(name for name in tables[oid].columns if name in names))
        for (oid, privilege), names in columns.items()
        if names and (oid, privilege) not in whole
    ]
    return sorted(rights, key=lambda right: (_ORDER.index(right.privilege), right.relation.schema, right.relation.name))


_ORDER = ("SELECT", "INSERT", "UPDATE", "DELETE")


def _updated(entity: Entity) -> Iterator[str]:
    yield from (name for name in entity.written_columns if name != "id")
    yield from (name for name in (entity.updated_at,) if name)
    if entity.archive:
        yield from (entity.archive.flag, entity.archive.at, entity.archive.by)
    rules = (rule for other in ENTITIES.values() for rule in other.tidy)
    yield from (rule.column for rule in rules if isinstance(rule, TrueCount) and rule.parent == entity.name)


def _emptied() -> set[str]:
    """The entities of which a load deletes rows: duplicates that it has emptied."""
    rules = (rule for entity in ENTITIES.values() for rule in entity.tidy)
    return {rule.parent for rule in rules if isinstance(rule, RemoveEmptied)}


def _read(cursor: Cursor) -> Iterator[tuple[Relation, Iterable[str]]]:
    """What checks read of the other tables: ids and references, no other value."""
    content_types = content_type_table(cursor)
    if content_types is not None:
        yield content_types, ("id", "app_label", "model")
    by_name = {relation.table.strings: relation for relation in relations(cursor).values()}
    followed = [key for key in generic_keys(cursor) if key.is_living]
    for model in models(cursor):
        if any(key.fits(model.id_type) for key in followed):
            yield by_name[model.table.strings], (model.id_column,)
    for key in generic_keys(cursor):
        yield key.home, (*_row_key(key.home), key.type_column, key.id_column, *_unique_with(key.home, key.id_column))
    for column in _foreign_columns(cursor):
        yield column.home, (*_row_key(column.home), *column.columns)
        if column.is_writable:
            yield column.home, _unique_with(column.home, column.column)


def _moved(cursor: Cursor) -> Iterator[tuple[Relation, Iterable[str]]]:
    """What a load moves to a person's current id, wherever it is."""
    for key in generic_keys(cursor):
        if key.can_lead_to_us and key.is_writable:
            yield key.home, (key.type_column, key.id_column)
    for column in _foreign_columns(cursor):
        if column.is_writable:
            yield column.home, (column.column,)


def _unique_with(relation: Relation, column: str) -> list[str]:
    """What tells whether a row can be moved: there may be one that it would be a duplicate of."""
    return [name for names in relation.unique_with(column) for name in names]


def _row_key(relation: Relation) -> tuple[str, ...]:
    return relation.primary_key or tuple(name for name in ("id",) if name in relation.columns)


def _foreign_columns(cursor: Cursor) -> Iterator[ForeignColumn]:
    """Every column that refers to a table of an entity."""
    for entity in catalog.present(cursor):
        yield from foreign_columns(cursor, catalog.reflect(cursor, entity))


def missing(cursor: Cursor) -> list[Right]:
    """The needed rights that the session's role does not have, of each the columns alone that it lacks."""
    rights = needed(cursor)
    cursor.execute(
        """
        SELECT place, column_name FROM unnest(%s::integer[], %s::oid[], %s::text[], %s::text[])
          AS asked (place, oid, privilege, column_name)
        WHERE NOT CASE WHEN column_name = '' THEN has_table_privilege(oid, privilege)
                       ELSE has_column_privilege(oid, column_name, privilege) END
        """,
        [list(column) for column in zip(*_asked(rights), strict=True)] or [[], [], [], []],
    )
    lacking: dict[int, list[str]] = defaultdict(list)
    for place, column in cursor.fetchall():
        lacking[place].append(column)
    return [
        rights[place]._replace(columns=tuple(name for name in rights[place].columns if name in names))
        for place, names in sorted(lacking.items())
    ]


def _asked(rights: list[Right]) -> Iterator[tuple[int, int, str, str]]:
    for place, right in enumerate(rights):
        for column in right.columns or ("",):
            yield place, right.relation.oid, right.privilege, column


def missing_statements(cursor: Cursor) -> list[str]:
    """The GRANTs, ready to be run, that the session's role lacks."""
    (role,) = queries.row(cursor, "SELECT current_user::text")
    return [right.sql(str(role)).as_string(cursor) for right in missing(cursor)]

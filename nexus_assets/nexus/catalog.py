"""The tables of Nexus as the database has them: found by name on the search path, with their columns and content types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import Identifier

from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.mapping.entity import Entity
from nexus_assets.nexus import queries
from nexus_assets.nexus.models import content_type_table, labels
from nexus_assets.nexus.relations import RelationColumn, find, once_a_transaction


class ContractError(NexusAssetsError):
    """The Nexus database is not as this program expects it."""


@dataclass(frozen=True)
class Target:
    """A Nexus table as found: its real name and columns, and the id of its model in django_content_type."""

    entity: Entity
    oid: int
    schema: str
    name: str
    columns: Mapping[str, RelationColumn]
    content_type_id: int

    @property
    def table(self) -> Identifier:
        return Identifier(self.schema, self.name)


@once_a_transaction
def content_types(cursor: Cursor) -> dict[str, int]:
    """The id in django_content_type of every entity's model, by its label; it differs from database to database.

    Django makes these rows after its migrations. Raises ContractError where one is missing or there twice: what refers to
    that model by a generic key could not be told apart.
    """
    if content_type_table(cursor) is None:
        raise _no_table(cursor, ("django_content_type",))
    ids: dict[str, list[int]] = {entity.model.label: [] for entity in ENTITIES.values()}
    for id_, label in labels(cursor).items():
        ids.get(".".join(label), []).append(id_)
    optional = {entity.model.label for entity in ENTITIES.values() if entity.optional}
    missing = [label for label, found in ids.items() if not found and label not in optional]
    if missing:
        raise ContractError(
            f"Nexus's migrations have not run: django_content_type has no row for {', '.join(missing)}.",
            remedy="Run Nexus's `manage.py migrate`, after which Django adds it. Nothing was written.",
        )
    doubled = [label for label, found in ids.items() if len(found) > 1]
    if doubled:
        raise ContractError(
            f"django_content_type has more than one row for {', '.join(doubled)}.",
            remedy="Move what refers to one of them to the other, and delete it. Nothing was written.",
        )
    return {label: id_ for label, found in ids.items() for id_ in found}


def is_there(cursor: Cursor, entity: Entity) -> bool:
    """Whether the database has the entity's table and model, and those of the optional entities that it refers to; an older Nexus
    may lack them."""
    parents = (ENTITIES[name] for name in entity.upstream if ENTITIES[name].optional)
    return (
        find(cursor, entity.model.tables) is not None
        and entity.model.label in content_types(cursor)
        and all(is_there(cursor, parent) for parent in parents)
    )


def present(cursor: Cursor) -> list[Entity]:
    """The entities whose tables the database has."""
    return [entity for entity in ENTITIES.values() if is_there(cursor, entity)]


def reflect(cursor: Cursor, entity: Entity) -> Target:
    """The entity's table as the database has it. Raises ContractError where it is not there."""
    found = find(cursor, entity.model.tables)
    if found is None or (entity.optional and not is_there(cursor, entity)):
        raise _no_table(cursor, entity.model.tables)
    content_type_id = content_types(cursor)[entity.model.label]
    return Target(entity, found.oid, found.schema, found.name, found.columns, content_type_id)


def lookup_tables(cursor: Cursor, entity: Entity) -> dict[str, Identifier]:
    """The small tables of the entity's lookups by the first of their names. Raises ContractError where one is not there."""
    tables: dict[str, Identifier] = {}
    for lookup in entity.lookups:
        for match in lookup.matches:
            found = find(cursor, match.tables)
            if found is None:
                raise _no_table(cursor, match.tables, f"in which {entity.name} looks up {lookup.column}")
            tables[match.tables[0]] = found.table
    return tables


def _no_table(cursor: Cursor, names: Sequence[str], role: str = "") -> ContractError:
    """The error of a table that is not there, and of what has its name instead: a view, or a table of a schema that is not searched."""
    (database,) = queries.row(cursor, "SELECT current_database()")
    named, needed = " or ".join(names), f", {role}" if role else ""
    cursor.execute(
        """
        SELECT format('%%I.%%I', n.nspname, c.relname), quote_ident(n.nspname), c.relkind IN ('r', 'p')
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relname = ANY (%s) AND n.nspname !~ '^pg_temp'
          AND (c.relkind IN ('v', 'm', 'f') OR c.relkind IN ('r', 'p') AND NOT pg_table_is_visible(c.oid))
        ORDER BY pg_table_is_visible(c.oid) DESC, 1 LIMIT 1
        """,
        ([*names],),
    )
    for found, schema, is_table in cursor.fetchall():
        if is_table:
            return ContractError(
                f"The search path of this role leads to no table {named}{needed}; the database {database} has {found}.",
                remedy=f"If that is Nexus's, as an administrator: ALTER ROLE … SET search_path = {schema}. Nothing was written.",
            )
        return ContractError(
            f"The database {database} has no table {named}{needed}: {found} is a view or a foreign table.",
            remedy="Name in NEXUS_DATABASE_URL the database that holds Nexus's tables themselves. Nothing was written.",
        )
    return ContractError(
        f"The database {database} has no table {named}{needed}: it is not a Nexus database, or its migrations have not run.",
        remedy="Check NEXUS_DATABASE_URL, or run Nexus's `manage.py migrate`. Nothing was written.",
    )

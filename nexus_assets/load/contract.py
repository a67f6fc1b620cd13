"""Step 1: the Nexus table as it is, and whether this entity fits it; stops before anything is read or written."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg2.extensions import cursor as Cursor

from nexus_assets.errors import NexusAssetsError
from nexus_assets.load.tables import Target, TargetColumn
from nexus_assets.mapping.entity import Entity, GenericReference, Model, Reference


class ContractError(NexusAssetsError):
    """The Nexus database is not as this program expects it."""


COLUMNS_SQL = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
           a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '',
           CASE WHEN t.typname IN ('varchar', 'bpchar') AND a.atttypmod > 4 THEN a.atttypmod - 4 END
    FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
    WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""


def find_table(cursor: Cursor, names: Sequence[str]) -> tuple[int, str, str] | None:
    """(oid, schema, name) of the first of the names that is a table on the search path; None where there is none."""
    for name in names:
        cursor.execute(
            "SELECT c.oid, n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE c.oid = to_regclass(quote_ident(%s)) AND c.relkind IN ('r', 'p')",
            (name,),
        )
        found = cursor.fetchone()
        if found is not None:
            return int(found[0]), str(found[1]), str(found[2])
    return None


def content_type_id(cursor: Cursor, model: Model, table: str) -> int:
    """The model's id in django_content_type, which differs from database to database; added where Django did not make it."""
    app_label, today = model.label.split(".")
    # A table under Django's default name (images_imagebatch) belongs to the model of that name (imagebatch).
    prefix = f"{app_label}_"
    name = table.removeprefix(prefix) if table.startswith(prefix) else today
    cursor.execute("SELECT id FROM django_content_type WHERE app_label = %s AND model = %s", (app_label, name))
    found = cursor.fetchone()
    if found is None:
        cursor.execute(
            "INSERT INTO django_content_type (app_label, model) VALUES (%s, %s) RETURNING id", (app_label, name)
        )
        found = cursor.fetchone()
    return int(found[0])


def reflect(cursor: Cursor, entity: Entity) -> Target:
    """The entity's table as the database has it. Raises ContractError where it is not there."""
    found = find_table(cursor, entity.model.tables)
    if found is None:
        cursor.execute("SELECT current_database()")
        raise ContractError(
            f"The database {cursor.fetchone()[0]} has no table {' or '.join(entity.model.tables)}: it is not a Nexus"
            " database, or its migrations have not run.",
            remedy="Check NEXUS_DATABASE_URL, or run Nexus's `manage.py migrate`.",
        )
    oid, schema, name = found
    if find_table(cursor, ["django_content_type"]) is None:
        raise ContractError(
            "The database has no table django_content_type: it is not a Nexus database.",
            remedy="Check NEXUS_DATABASE_URL, or run Nexus's `manage.py migrate`.",
        )
    cursor.execute(COLUMNS_SQL, (oid,))
    columns = {row[0]: TargetColumn(*row) for row in cursor.fetchall()}
    return Target(entity, schema, name, columns, content_type_id(cursor, entity.model, name))


def written_columns(entity: Entity) -> tuple[str, ...]:
    """Every column of the table that a load may write, each once."""
    names: list[str] = ["id"]
    for link in entity.references:
        if isinstance(link, GenericReference):
            names += [link.type_column, link.id_column]
        elif isinstance(link, Reference) and link.column:
            names.append(link.column)
    names += [lookup.column for lookup in entity.lookups]
    names += [column.name for column in entity.columns]
    return tuple(dict.fromkeys(names))


def check(target: Target) -> None:
    """Raises ContractError, naming the column, where the entity writes one that is missing or leaves one empty that must be filled."""
    entity = target.entity
    missing = [name for name in written_columns(entity) if name not in target.columns]
    if missing:
        raise ContractError(
            f"The table {target.name} has no column {', '.join(missing)}, which the import of {entity.name} writes.",
            remedy="Nexus has changed: run its migrations, or change"
            f" nexus_assets/entities/{entity.name}.py to what the table is now. Nothing was written.",
        )
    filled = {*written_columns(entity), *entity.on_insert}
    unfilled = [
        column.name
        for column in target.columns.values()
        if not column.nullable and not column.has_default and column.name not in filled
    ]
    if unfilled:
        raise ContractError(
            f"The table {target.name} demands a value in {', '.join(unfilled)}, which the import of {entity.name} does not fill.",
            remedy=f"Add it to on_insert in nexus_assets/entities/{entity.name}.py. Nothing was written.",
        )

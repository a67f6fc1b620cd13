"""Step 1: the Nexus table as it is, and whether this entity fits it; stops before anything is read or written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier

from nexus_assets.errors import NexusAssetsError
from nexus_assets.load import answers
from nexus_assets.load.tables import Target, TargetColumn
from nexus_assets.mapping.entity import Entity, GenericReference, Model


class ContractError(NexusAssetsError):
    """The Nexus database is not as this program expects it."""


FITTING_TYPES: Mapping[str, tuple[str, ...]] = {
    "text": ("text", "character varying", "character"),
    "integer": ("integer", "bigint"),
}
"""The column types that take what a parser makes, where that is more than the very same type."""

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
    label = (app_label, table.removeprefix(prefix) if table.startswith(prefix) else today)
    cursor.execute("SELECT id FROM django_content_type WHERE app_label = %s AND model = %s", label)
    found = cursor.fetchone()
    if found is None:
        return answers.number(
            cursor, "INSERT INTO django_content_type (app_label, model) VALUES (%s, %s) RETURNING id", label
        )
    return int(found[0])


def reflect(cursor: Cursor, entity: Entity) -> Target:
    """The entity's table as the database has it. Raises ContractError where it is not there."""
    found = find_table(cursor, entity.model.tables)
    if found is None:
        (database,) = answers.row(cursor, "SELECT current_database()")
        raise ContractError(
            f"The database {database} has no table {' or '.join(entity.model.tables)}: it is not a Nexus"
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


def _fitting_types(entity: Entity) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every column that a load writes, with the types that take what it writes."""
    yield "id", ("uuid",)
    for link in entity.references:
        if isinstance(link, GenericReference):
            yield link.type_column, FITTING_TYPES["integer"]
            yield link.id_column, ("uuid",)
        elif link.column:
            yield link.column, ("uuid",)
    for lookup in entity.lookups:
        yield lookup.column, ("uuid",)
    for column in entity.columns:
        yield column.name, FITTING_TYPES.get(column.parser.makes, (column.parser.makes,))


def written_columns(entity: Entity) -> tuple[str, ...]:
    """Every column of the table that a load may write, each once."""
    return tuple(name for name, _ in _fitting_types(entity))


def check(target: Target) -> None:
    """Raises ContractError, naming the column, where the entity does not fit the table.

    It writes a column that is missing or of a type that can't hold it, or leaves one empty that must be filled.
    """
    entity = target.entity
    changed = (
        f"Nexus has changed: run its migrations, or change nexus_assets/entities/{entity.name}.py to what the table is now."
        " Nothing was written."
    )
    missing = [name for name in written_columns(entity) if name not in target.columns]
    if missing:
        raise ContractError(
            f"The table {target.name} has no column {', '.join(missing)}, which the import of {entity.name} writes.",
            remedy=changed,
        )
    for name, fitting in _fitting_types(entity):
        found = target.columns[name].sql_type
        if found.partition("(")[0] not in fitting:
            raise ContractError(
                f"The column {target.name}.{name} is of type {found}; the import of {entity.name} writes {fitting[0]}.",
                remedy=changed,
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


def lookup_tables(cursor: Cursor, entity: Entity) -> dict[str, Identifier]:
    """The small tables of the entity's lookups by the first of their names. Raises ContractError where one is not there."""
    tables: dict[str, Identifier] = {}
    for lookup in entity.lookups:
        for match in lookup.matches:
            found = find_table(cursor, match.tables)
            if found is None:
                raise ContractError(
                    f"The database has no table {' or '.join(match.tables)}, in which {entity.name} looks up {lookup.column}.",
                    remedy="Run Nexus's `manage.py migrate`. Nothing was written.",
                )
            tables[match.tables[0]] = Identifier(found[1], found[2])
    return tables


def check_values(cursor: Cursor, target: Target, accepted: Identifier, column_of: Callable[[str], Identifier]) -> None:
    """Raises ContractError where accepted rows have no value for a column of the table that demands one.

    `accepted` holds the typed rows, those with a `reason` are rejected; `column_of` tells its column for a target column.
    """
    demanding = [
        name
        for name in written_columns(target.entity)
        if name != "id" and not target.columns[name].nullable and name not in target.entity.on_insert
    ]
    if not demanding:
        return
    empty = SQL(", ").join(SQL("count(*) FILTER (WHERE {} IS NULL)").format(column_of(name)) for name in demanding)
    counts = answers.row(cursor, SQL("SELECT {} FROM {} WHERE reason IS NULL").format(empty, accepted))
    for name, rows in zip(demanding, counts, strict=True):
        if rows:
            raise ContractError(
                f"The table {target.name} demands a value in {name}; {rows} rows of the import of {target.entity.name} have none.",
                remedy=f"Give the column a default in nexus_assets/entities/{target.entity.name}.py. Nothing was written.",
            )

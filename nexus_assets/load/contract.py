"""Step 1: the Nexus table as it is, and whether this entity fits it; stops before anything is read or written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier

from nexus_assets.mapping.entity import Entity, GenericReference
from nexus_assets.nexus import queries
from nexus_assets.nexus.catalog import ContractError, Target

FITTING_TYPES: Mapping[str, tuple[str, ...]] = {
    "text": ("text", "character varying", "character"),
    "integer": ("integer", "bigint"),
}
"""The column types that take what a parser makes, where that is more than the very same type."""


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


def check(target: Target) -> None:
    """Raises ContractError, naming the column, where the entity does not fit the table.

    It writes a column that is missing or of a type that can't hold it, or leaves one empty that must be filled.
    """
    entity = target.entity
    changed = (
        f"Nexus has changed: run its migrations, or change nexus_assets/entities/{entity.name}.py to what the table is now."
        " Nothing was written."
    )
    missing = [name for name in entity.written_columns if name not in target.columns]
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
    filled = {*entity.written_columns, *entity.on_insert}
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


def check_values(cursor: Cursor, target: Target, accepted: Identifier, column_of: Callable[[str], Identifier]) -> None:
    """Raises ContractError where accepted rows have no value for a column of the table that demands one.

    `accepted` holds the typed rows, those with a `reason` are rejected; `column_of` tells its column for a target column.
    """
    demanding = [
        name
        for name in target.entity.written_columns
        if name != "id" and not target.columns[name].nullable and name not in target.entity.on_insert
    ]
    if not demanding:
        return
    empty = SQL(", ").join(SQL("count(*) FILTER (WHERE {} IS NULL)").format(column_of(name)) for name in demanding)
    counts = queries.row(cursor, SQL("SELECT {} FROM {} WHERE reason IS NULL").format(empty, accepted))
    for name, rows in zip(demanding, counts, strict=True):
        if rows:
            raise ContractError(
                f"The table {target.name} demands a value in {name}; {rows} rows of the import of {target.entity.name} have none.",
                remedy=f"Give the column a default in nexus_assets/entities/{target.entity.name}.py. Nothing was written.",
            )

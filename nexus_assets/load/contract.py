"""Step 1: the Nexus table as it is, and whether this entity fits it; stops before anything is read or written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nexus_assets.mapping.entity import Entity, GenericReference
from nexus_assets.nexus.catalog import ContractError, Target
from nexus_assets.wording import counted

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

    It writes a column that is missing, computed, or of a type that can't hold it, or leaves one empty that must be filled.
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
    generated = [column.name for column in target.columns.values() if column.is_generated and column.name in filled]
    if generated:
        raise ContractError(
            f"The database computes {', '.join(generated)} of the table {target.name}, which the import of {entity.name} writes.",
            remedy=changed,
        )
    if not entity.adds_rows:
        return
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


def demanding(target: Target) -> list[str]:
    """The columns of the table that demand a value, and that the entity writes without a default for it."""
    return [
        name
        for name in target.entity.written_columns
        if name != "id" and not target.columns[name].nullable and name not in target.entity.on_insert
    ]


def check_values(target: Target, without: Mapping[str, int]) -> None:
    """Raises ContractError where accepted rows have no value for a column of the table that demands one; `without` is how many."""
    for name, rows in without.items():
        if rows:
            raise ContractError(
                f"The table {target.name} demands a value in {name};"
                f" {counted(rows, 'row has', 'rows have')} none in the import of {target.entity.name}.",
                remedy=f"Give the column a default in nexus_assets/entities/{target.entity.name}.py. Nothing was written.",
            )

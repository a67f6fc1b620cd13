"""Where each column of an entity's table comes from: for lineage, and in words for the person who looks at the column."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from nexus_assets.entities import ENTITIES
from nexus_assets.mapping.entity import (
    Column,
    Entity,
    ExportRows,
    FileRecords,
    GenericReference,
    Lookup,
    Now,
    Reference,
)
from nexus_assets.sources.records import FILE_FIELDS, GROUP_FIELDS

LISTING_FIELDS = (*FILE_FIELDS, "bucket")


class Origin(NamedTuple):
    """A column of an asset from which another column is made: of an export, of a listing, or of another entity."""

    asset: tuple[str, ...]
    column: str


def export_path(export: str) -> tuple[str, ...]:
    """The asset key of an export: filemaker/image_data_export for Image_data, as the graph shows the last part alone."""
    return ("filemaker", f"{re.sub('(?<=[a-z])(?=[A-Z])', '_', export).lower()}_export")


def listing_path(listing: str) -> tuple[str, ...]:
    """The asset key of a bucket listing: s3/image_files for images, so that nobody takes it for the table."""
    return ("s3", f"{listing.removesuffix('s')}_files")


def sources_of(entity: str) -> tuple[str, ...]:
    """The names of an entity's sources, as the ledger has them: `Contacts`, `s3/images`."""
    declared = ENTITIES[entity]
    return (*declared.exports, *(f"s3/{name}" for name in declared.listings))


def source_path(source: str) -> tuple[str, ...]:
    """The asset key of a source as the ledger names it: `Contacts`, `s3/images`."""
    return listing_path(source.removeprefix("s3/")) if source.startswith("s3/") else export_path(source)


def _of_field(entity: Entity, field: str) -> Iterator[Origin]:
    """What a source field is: a heading of the export, or, of a file, what the listing tells or its group gives."""
    source = entity.rows_of
    if isinstance(source, FileRecords) and field in LISTING_FIELDS:
        yield Origin(listing_path(source.listing), field)
    elif isinstance(source, FileRecords) and field in GROUP_FIELDS:
        for heading in source.grouped_by or ():
            yield Origin(export_path(source.export), heading)
        if field == "position":
            yield Origin(export_path(source.export), source.on)
    elif isinstance(source, ExportRows):
        for heading in source.headings([field]):
            yield Origin(export_path(source.export), heading)
    else:
        yield Origin(export_path(source.export), field)


def _of_reference(entity: Entity, link: Reference | GenericReference) -> list[Origin]:
    return [*_of_field(entity, link.field), Origin((link.to,), "id")]


def _of_lookup(entity: Entity, lookup: Lookup) -> Iterator[Origin]:
    for match in lookup.matches:
        yield from _of_field(entity, match.field)
    if lookup.fallback is not None:
        reference, column = lookup.fallback
        (parent,) = (link.to for link in entity.references if isinstance(link, Reference) and link.column == reference)
        yield Origin((parent,), column)


def origins(entity: Entity) -> dict[str, list[Origin]]:
    """Each target column that the import reads from somewhere, with what it is read from."""
    found = {"id": list(_of_field(entity, entity.source_id))}
    for link in entity.references:
        if isinstance(link, GenericReference):
            found[link.id_column] = found[link.type_column] = _of_reference(entity, link)
        elif link.column is not None:
            found[link.column] = _of_reference(entity, link)
    for lookup in entity.lookups:
        found[lookup.column] = list(_of_lookup(entity, lookup))
    for column in entity.columns:
        found[column.name] = [origin for field in column.fields for origin in _of_field(entity, field)]
    return {name: list(dict.fromkeys(each)) for name, each in found.items() if each}


def feeds(asset: tuple[str, ...]) -> dict[str, list[str]]:
    """The columns of a delivered export or listing that any entity reads, in the order in which they are first read, each with
    the columns of Nexus that it is read into, as `patients.dob`."""
    found: dict[str, dict[str, None]] = {}
    for entity in ENTITIES.values():
        for column, each in origins(entity).items():
            for origin in each:
                if origin.asset == asset:
                    found.setdefault(origin.column, {})[f"{entity.name}.{column}"] = None
    return {name: list(targets) for name, targets in found.items()}


def in_words(entity: Entity, name: str) -> str:
    """Where a column of the entity's table comes from, for a person."""
    for link in entity.references:
        if isinstance(link, GenericReference) and name in (link.type_column, link.id_column):
            return f"The row of {link.to} that {_told(entity, [link.field])} names; the two halves are one link."
        if isinstance(link, Reference) and name == link.column:
            return f"The row of {link.to} that {_told(entity, [link.field])} names."
    for lookup in entity.lookups:
        if name == lookup.column:
            fields = ", else ".join(f"`{match.field}`" for match in lookup.matches)
            return f"The row of {lookup.matches[0].tables[0]} that {fields} names; empty where there is none."
    declared = next((column for column in entity.columns if column.name == name), None)
    if declared is not None:
        return _column_in_words(entity, declared)
    if name == "id":
        return f"Made once from {_told(entity, [entity.source_id])}, and kept forever."
    if name == entity.updated_at:
        return "When the import last changed the row."
    if name in entity.on_insert:
        return f"For a new row {_default_in_words(entity, name)}; Nexus's own from then on."
    return "Nexus's own: never written by the import."


def _told(entity: Entity, fields: Iterable[str]) -> str:
    """`DOB` of Contacts; `size` of the file; both, where both are read."""
    read: dict[str, dict[str, None]] = {}
    for origin in dict.fromkeys(origin for field in fields for origin in _of_field(entity, field)):
        place = entity.rows_of.export if origin.asset[0] == "filemaker" else "the file"
        read.setdefault(place, {})[f"`{origin.column}`"] = None
    return " and ".join(f"{', '.join(columns)} of {place}" for place, columns in read.items())


def _column_in_words(entity: Entity, column: Column) -> str:
    if not column.fields:
        return "The same in every row."
    told = f"From {_told(entity, column.fields)}"
    if column.name in entity.on_insert:
        told += f", else {_default_in_words(entity, column.name)}"
    if column.fill_only:
        return f"{told}; filled where Nexus has nothing."
    if column.insert_only:
        return f"{told}; for a new row only."
    return f"{told}."


def _default_in_words(entity: Entity, name: str) -> str:
    value = entity.on_insert[name]
    if isinstance(value, Now):
        return "the time of the load"
    if isinstance(value, bool):
        return str(value).lower()
    return "empty" if value in ("", "[]", "{}") else f"`{value}`"

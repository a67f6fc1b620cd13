"""The names of the tables that a load of one entity works with: Nexus's, the ledger's, and its own for the time of the load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg2.sql import SQL, Composable, Identifier

from nexus_assets.mapping.entity import Entity

LEDGER_SCHEMA = "nexus_assets"


def ledger_table(name: str) -> Identifier:
    """A table of the ledger's schema."""
    return Identifier(LEDGER_SCHEMA, name)


def identity_table(entity: str) -> Identifier:
    """The ledger of one entity: a row per FileMaker id, with the Nexus id that it has."""
    return ledger_table(f"identity_{entity}")


@dataclass(frozen=True)
class Relation:
    """Rows of text: a table, or a query in parentheses, with the SQL name of each source field that it has."""

    table: Composable
    columns: Mapping[str, Composable]

    def field(self, name: str, alias: str) -> Composable:
        """The field's text in the row `alias`; NULL where the export has no such column."""
        column = self.columns.get(name)
        return SQL("NULL::text") if column is None else SQL("{}.{}").format(Identifier(alias), column)


@dataclass(frozen=True)
class Work:
    """The tables of one load. They are made in its transaction, under its lock, and gone when it ends, however it ends."""

    entity: str

    def __call__(self, name: str) -> Identifier:
        return ledger_table(f"work_{self.entity}_{name}")


@dataclass(frozen=True)
class TargetColumn:
    """A column of a Nexus table as the database has it; `length` limits text, in characters."""

    name: str
    sql_type: str
    nullable: bool
    has_default: bool
    length: int | None


@dataclass(frozen=True)
class Target:
    """A Nexus table as found: its real name and columns, and the id of its model in django_content_type."""

    entity: Entity
    schema: str
    name: str
    columns: Mapping[str, TargetColumn]
    content_type_id: int

    @property
    def table(self) -> Identifier:
        return Identifier(self.schema, self.name)

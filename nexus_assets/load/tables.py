"""The tables that a load of one entity works with for its time: its sources as rows of text, and its work tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg2.sql import SQL, Composable, Identifier

from nexus_assets.ledger.tables import ledger_table


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

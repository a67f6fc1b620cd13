"""The values that Nexus and FileMaker have differently: listed, and decided by a person for a row, a column or all."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal as OneOf

import sqlalchemy
from psycopg2.sql import SQL, Composable, Literal

from nexus_assets.admin.rejects import check_installed
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.ledger.schema import hold, install
from nexus_assets.nexus.connection import transaction

Side = OneOf["nexus", "filemaker"]

SIDES = {"nexus": "Nexus", "filemaker": "FileMaker"}
"""What a decision says is right -> its name for people."""


@dataclass(frozen=True)
class KeptValue:
    """A value that a load left as Nexus has it: whose and which (our ids), why, and what was decided. The two values are
    patients' data, and None unless they were asked for."""

    entity: str
    nexus_id: str
    filemaker_id: str
    column: str
    cause: str
    since_load: int
    decision: Side | None
    decided_by: str | None
    decided_at: str | None
    filemaker_value: str | None = None
    nexus_value: str | None = None


@dataclass(frozen=True)
class Selection:
    """Which kept values: of an entity, of a column, of rows by either of their ids; all that are given must hold."""

    entity: str | None = None
    column: str | None = None
    ids: Sequence[str] = ()

    def __post_init__(self) -> None:
        for id_ in self.ids:
            try:
                uuid.UUID(id_)
            except ValueError:
                raise NexusAssetsError(
                    "An ID is not a UUID.", remedy="Nothing was decided. `nexus-assets kept` lists the ids."
                ) from None

    def sql(self) -> Composable:
        """The condition on the open conflict `c`."""
        tests: list[Composable] = [SQL("c.resolved_load IS NULL")]
        if self.entity is not None:
            tests.append(SQL("c.entity = {}").format(Literal(self.entity)))
        if self.column is not None:
            tests.append(SQL("c.column_name = {}").format(Literal(self.column)))
        if self.ids:
            ids = Literal(list(self.ids))
            tests.append(SQL("(c.nexus_id = ANY ({0}::uuid[]) OR c.source_id = ANY ({0}::uuid[]))").format(ids))
        return SQL(" AND ").join(tests)


def kept_values(engine: sqlalchemy.Engine, chosen: Selection, *, with_values: bool = False) -> list[KeptValue]:
    """The values that are kept now, by entity, column and id. Nothing is written. Raises NoLedgerError."""
    values = SQL("c.filemaker_value, c.nexus_value" if with_values else "NULL, NULL")
    with transaction(engine, commit=False) as cursor:
        check_installed(cursor)
        # Rolled back: a ledger that an earlier version made has no column for decisions.
        install(cursor)
        cursor.execute(
            SQL("""
                SELECT c.entity, c.nexus_id::text, upper(c.source_id::text), c.column_name, c.cause, c.first_load, c.decision,
                       c.decided_by, date_trunc('second', c.decided_at)::text, {values}
                FROM nexus_assets.conflict AS c WHERE {chosen}
                ORDER BY array_position({order}::text[], c.entity), c.column_name, c.nexus_id
            """).format(values=values, chosen=chosen.sql(), order=Literal([*ENTITIES]))
        )
        return [KeptValue(*row) for row in cursor.fetchall()]


@dataclass(frozen=True)
class Decided:
    """How many values a decision is about, and which of the chosen columns only a person can correct, in Nexus."""

    values: int
    only_in_nexus: tuple[str, ...] = ()


def decide(engine: sqlalchemy.Engine, chosen: Selection, side: Side | None, by: str) -> Decided:
    """Records which side is right in the chosen values, and who said so; None takes an earlier decision back.

    Waits for a load that runs. A column that FileMaker never overwrites (an id of its own in Nexus) is left out where
    FileMaker is to be right.
    """
    with transaction(engine, lock=tuple(ENTITIES)) as cursor:
        hold(cursor)
        check_installed(cursor)
        install(cursor)
        fixed = [
            f"{entity.name}.{column.name}"
            for entity in ENTITIES.values()
            for column in entity.columns
            if column.fill_only
        ]
        is_fixed = SQL("c.entity || '.' || c.column_name = ANY ({})").format(
            Literal(fixed if side == "filemaker" else [])
        )
        cursor.execute(
            SQL(
                "SELECT DISTINCT c.entity || '.' || c.column_name FROM nexus_assets.conflict AS c WHERE {} AND {} ORDER BY 1"
            ).format(chosen.sql(), is_fixed)
        )
        left_out = tuple(name for (name,) in cursor.fetchall())
        cursor.execute(
            SQL("""
                UPDATE nexus_assets.conflict AS c
                SET decision = {side}, decided_by = {by}, decided_at = clock_timestamp() WHERE {chosen} AND NOT {is_fixed}
            """).format(side=Literal(side), by=Literal(by), chosen=chosen.sql(), is_fixed=is_fixed)
        )
        return Decided(int(cursor.rowcount), left_out)

"""Tables of Nexus in which rows of several entities are: whose a row is, where more than one names it.

A row that the entity named in `shares` brought with its last load is that one's: its export says more of the thing. The ledger
of the other entity knows the row all the same, so that links can lead to it, and takes over once the first has it no more.
"""

from __future__ import annotations

from collections.abc import Iterable

from psycopg2.sql import SQL, Composable, Literal

from nexus_assets.entities import ENTITIES
from nexus_assets.ledger.schema import base_columns
from nexus_assets.ledger.tables import identity_table
from nexus_assets.mapping.entity import Entity


def others(entity: Entity) -> list[Entity]:
    """The other entities whose rows are in the entity's table."""
    return [each for each in ENTITIES.values() if each.model == entity.model and each.name != entity.name]


def guests(entity: Entity) -> list[Entity]:
    """The entities that share the entity's table: they add rows to it, or write columns of its rows."""
    return [each for each in ENTITIES.values() if each.shares is not None and each.shares.name == entity.name]


def adding(entities: Iterable[Entity]) -> list[Entity]:
    """Those of the entities that add rows of their own."""
    return [each for each in entities if each.adds_rows]


def left_to_host(entity: Entity) -> frozenset[str]:
    """The columns that the entity leaves to the one whose table it shares, in the rows that are that one's."""
    return frozenset(base_columns(entity.shares) if entity.shares else ())


def host_join_sql(entity: Entity, id_: Composable) -> Composable:
    """Joins as `h` the entry by which the row with this id is the host's; nothing for an entity that shares no table."""
    if entity.shares is None:
        return SQL("")
    return SQL("LEFT JOIN {} AS h ON h.nexus_id = {} AND h.last_load IS NOT NULL AND h.vanished_load IS NULL").format(
        identity_table(entity.shares.name), id_
    )


def brought_by_sql(entity: str, id_: Composable) -> Composable:
    """Whether a load of the entity brought the row with this id, whether or not its export still has it.

    An entity that shares a table learns the current id of a row with its own next load; until then its ledger has the earlier
    one.
    """
    known = SQL("EXISTS (SELECT FROM {} AS e WHERE e.nexus_id = {} AND e.last_load IS NOT NULL)")
    host = ENTITIES[entity].shares
    if host is None:
        return known.format(identity_table(entity), id_)
    earlier = SQL("""EXISTS (SELECT FROM nexus_assets.superseded AS s JOIN {} AS e ON e.nexus_id = s.nexus_id
          WHERE s.entity = {} AND s.current_id = {} AND e.last_load IS NOT NULL)""")
    return SQL("({} OR {})").format(
        known.format(identity_table(entity), id_), earlier.format(identity_table(entity), Literal(host.name), id_)
    )


def saying(entity: Entity, column: str) -> list[Entity]:
    """The other entities of the table whose exports say something of the same value: of a merged jsonb column, of one of the same
    keys."""
    mine = _keys(entity, column)
    return [
        each
        for each in others(entity)
        if column in base_columns(each) and (not mine or not (theirs := _keys(each, column)) or mine & theirs)
    ]


def _keys(entity: Entity, column: str) -> set[str]:
    return {key for each in entity.columns if each.name == column for key in each.merged_keys}


def named_sql(entities: Iterable[Entity], id_: Composable) -> Composable:
    """Whether the last load of one of these entities brought the row with this id."""
    tests = [
        SQL(
            "EXISTS (SELECT FROM {} AS e WHERE e.nexus_id = {} AND e.last_load IS NOT NULL AND e.vanished_load IS NULL)"
        ).format(identity_table(each.name), id_)
        for each in entities
    ]
    return SQL("({})").format(SQL(" OR ").join(tests or [SQL("FALSE")]))


def own_row_sql(entity: Entity, id_: Composable) -> Composable:
    """Whether the row with this id counts as the entity's: of a guest what its loads brought, of a host all but what they alone
    brought, rows that people made included."""
    own = brought_by_sql(entity.name, id_)
    if entity.shares is not None:
        return own
    others_sql = [brought_by_sql(guest.name, id_) for guest in adding(guests(entity))]
    if not others_sql:
        return SQL("TRUE")
    return SQL("({} OR NOT ({}))").format(own, SQL(" OR ").join(others_sql))

"""Step 4: rows that a person deleted in Nexus, of the tables in which people do so. They stay deleted until FileMaker changes them.

Nobody records a deletion, and other tools delete too: whole patients, and with them in Django's way what belongs to them. So a
row counts as deleted by a person where those that it names are the very rows that they were when it was last loaded.
"""

from __future__ import annotations

from collections.abc import Mapping

from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.ledger.schema import base_column, base_columns
from nexus_assets.load.incoming import IS_CURRENT, LoadContext, hash_sql, incoming_column
from nexus_assets.load.parents import made_at_sql
from nexus_assets.mapping.entity import Entity, Reference
from nexus_assets.nexus.catalog import Target

COLUMN = "id"
"""Under this column a conflict tells that the row as a whole is missing in Nexus."""


def by_a_person_sql(entity: Entity, tables: Mapping[str, Target]) -> tuple[Composable, Composable]:
    """(Joins, condition) of an entry `l` of the ledger whose row is gone: whether a person deleted it."""
    joins: list[Composable] = []
    conditions: list[Composable] = [IS_CURRENT]
    for number, link in enumerate(entity.references):
        if not isinstance(link, Reference) or link.column is None:
            continue
        named = Identifier(f"named_{number}")
        joins.append(
            SQL("LEFT JOIN (SELECT {} AS hash, {} AS made_at FROM {} AS p) AS {} ON {}.hash = l.{}").format(
                hash_sql(SQL("p.id")),
                made_at_sql(tables[link.to], "p"),
                tables[link.to].table,
                named,
                named,
                base_column(link.column),
            )
        )
        # Made again under its old id since: what belonged to it went with it.
        conditions.append(
            SQL(
                "coalesce({}.made_at <= coalesce((SELECT o.finished_at FROM nexus_assets.load AS o WHERE o.id = l.last_load),"
                " 'infinity'), false)"
            ).format(named)
        )
    return SQL(" ").join(joins), SQL("({})").format(SQL(" AND ").join(conditions))


def stays_deleted_sql(context: LoadContext) -> tuple[Composable, Composable]:
    """(Joins, condition) of the row `i` of `incoming` and its entry `l`: whether a person deleted it in Nexus, FileMaker says
    what it said then, and nobody decided that FileMaker is right."""
    joins, deleted = by_a_person_sql(context.entity, context.parents)
    changed = [
        SQL("(i.{new} IS NOT NULL AND l.{base} <> {said})").format(
            new=incoming_column(name),
            base=base_column(name),
            said=hash_sql(SQL("i.{}::{}").format(incoming_column(name), SQL(context.target.columns[name].sql_type))),
        )
        for name in base_columns(context.entity)
    ]
    decided = SQL(
        "EXISTS (SELECT FROM nexus_assets.conflict AS c WHERE c.entity = {} AND c.source_id = i.source_id AND c.column_name = {}"
        " AND c.resolved_load IS NULL AND c.decision = 'filemaker')"
    ).format(Literal(context.entity.name), Literal(COLUMN))
    return joins, SQL("({} AND NOT coalesce({}, false) AND NOT {})").format(deleted, SQL(" OR ").join(changed), decided)

"""What a person decided of a value that Nexus and FileMaker have differently: which side is right, until either side changes."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.ledger.tables import identity_table
from nexus_assets.load.adoption import declared_column, link_of
from nexus_assets.load.incoming import RETRIED, LoadContext, incoming_column, owned_sql
from nexus_assets.mapping.entity import GenericReference


def retried_columns(cursor: Cursor, entity: str) -> frozenset[str]:
    """The columns of which the next load may write values that the last one kept: because a person decided that FileMaker is
    right, or because a constraint of Nexus refused them, which it may not do any more."""
    cursor.execute(
        SQL("""
            SELECT DISTINCT c.column_name FROM nexus_assets.conflict AS c JOIN {ledger} AS l USING (source_id)
            WHERE c.entity = {entity} AND c.resolved_load IS NULL AND {retried} AND l.vanished_load IS NULL
        """).format(ledger=identity_table(entity), entity=Literal(entity), retried=RETRIED)
    )
    return frozenset(name for (name,) in cursor.fetchall())


def decided_sql(context: LoadContext, name: str, side: str) -> Composable:
    """Whether a person decided that this side is right in this column of the row, and both values are still those of then."""
    filemaker, nexus = shown_values_sql(context, name)
    return SQL("""EXISTS (
        SELECT FROM nexus_assets.conflict AS k
        WHERE k.entity = {entity} AND k.source_id = d.source_id AND k.column_name = {name} AND k.resolved_load IS NULL
          AND k.decision = {side} AND (k.filemaker_value, k.nexus_value) IS NOT DISTINCT FROM ({filemaker}, {nexus}))""").format(
        entity=Literal(context.entity.name), name=Literal(name), side=Literal(side), filemaker=filemaker, nexus=nexus
    )


def shown_values_sql(context: LoadContext, name: str) -> tuple[Composable, Composable]:
    """How a conflict in a tracked column shows FileMaker's value and Nexus's: of a jsonb column the keys that differ, of a
    generic link the model with the id."""
    link, declared = link_of(context.entity, name), declared_column(context.entity, name)
    said, current = SQL("i.{}").format(incoming_column(name)), owned_sql(name, context.target, "t")
    if isinstance(link, GenericReference):
        return (
            _shown_link(SQL("i.{}").format(incoming_column(link.type_column)), said),
            _shown_link(Identifier("t", link.type_column), current),
        )
    if declared is not None and declared.merged_keys:
        return _difference(said, current), _difference(current, said)
    return SQL("{}::text").format(said), SQL("{}::text").format(current)


def _shown_link(type_: Composable, id_: Composable) -> Composable:
    model = SQL("(SELECT o.app_label || '.' || o.model FROM django_content_type AS o WHERE o.id = {})").format(type_)
    return SQL("concat_ws(' ', {}, {}::text)").format(model, id_)


def _difference(mine: Composable, theirs: Composable) -> Composable:
    """Of a jsonb object the keys that another one has not, or has otherwise; where either is no object, all of it."""
    return SQL(
        "(CASE WHEN jsonb_typeof({mine}) = 'object' AND jsonb_typeof({theirs}) = 'object'"
        " THEN (SELECT coalesce(jsonb_object_agg(key, value), '{{}}') FROM jsonb_each({mine})"
        " WHERE value IS DISTINCT FROM {theirs} -> key) ELSE {mine} END)::text"
    ).format(mine=mine, theirs=theirs)

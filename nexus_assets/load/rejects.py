"""The rows that could not be loaded: kept with reason and content until a later load resolves them."""

from __future__ import annotations

import itertools

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Literal

from nexus_assets.ledger.before_values import updated_sql
from nexus_assets.ledger.tables import ledger_table
from nexus_assets.load.incoming import LoadContext
from nexus_assets.load.sources import headings
from nexus_assets.nexus import queries


def keep_rejects(cursor: Cursor, context: LoadContext) -> None:
    """Keeps the rejected rows until a load no longer rejects them; one that is known already stays as it is."""
    if context.is_first:
        kept = SQL("(SELECT *, reason_column AS column_name FROM {} WHERE reason IS NOT NULL)")
        cursor.execute(_insert_sql(context, kept.format(context.work("incoming"))))
    elif _any_to_keep_or_resolve(cursor, context):
        _keep_and_resolve(cursor, context)


def _keep_and_resolve(cursor: Cursor, context: LoadContext) -> None:
    rejected, known = context.work("rejected"), context.work("known_rejects")
    same = SQL(
        "(x.row_hash, x.reason, x.k) = (n.row_hash, n.reason, n.k) AND x.column_name IS NOT DISTINCT FROM n.column_name"
    )
    moved = SQL("""
            UPDATE nexus_assets.reject AS r SET row_number = now.row_number FROM (
              SELECT n.id, x.row_number FROM {known} AS n JOIN {rejected} AS x ON {same} WHERE n.row_number <> x.row_number
              UNION ALL
              SELECT id, row_number FROM {standing} WHERE row_before <> row_number
            ) AS now WHERE r.id = now.id
        """).format(rejected=rejected, known=known, same=same, standing=context.work("standing"))
    new = SQL("(SELECT * FROM {} AS x WHERE NOT EXISTS (SELECT FROM {} AS n WHERE {}))").format(rejected, known, same)
    cursor.execute(
        SQL("""
            CREATE UNLOGGED TABLE {rejected} AS
            SELECT row_number, source_id, row_hash, reason, reason_column AS column_name,
                   row_number() OVER (PARTITION BY row_hash, reason, reason_column ORDER BY row_number) AS k
            FROM {incoming} WHERE reason IS NOT NULL;

            CREATE UNLOGGED TABLE {known} AS
            SELECT id, row_hash, reason, column_name, row_number,
                   row_number() OVER (PARTITION BY row_hash, reason, column_name ORDER BY id) AS k
            FROM nexus_assets.reject AS r WHERE entity = {entity} AND resolved_load IS NULL
              AND NOT EXISTS (SELECT FROM {standing} AS s WHERE s.id = r.id);

            UPDATE nexus_assets.reject AS r SET resolved_load = {load} FROM {known} AS n
            WHERE r.id = n.id AND NOT EXISTS (SELECT FROM {rejected} AS x WHERE {same});

            {moved};

            {inserted}
        """).format(
            rejected=rejected,
            known=known,
            standing=context.work("standing"),
            same=same,
            moved=updated_sql(context.kept_for, moved, ledger_table("reject"), "r", ("id",), columns=("row_number",)),
            inserted=_insert_sql(context, new),
            incoming=context.work("incoming"),
            entity=Literal(context.entity.name),
            load=Literal(context.load_id),
        )
    )


def _insert_sql(context: LoadContext, rejected: Composable) -> Composable:
    """The statement that keeps these rejected rows, each with all that was read of it, to be corrected where it is asked for:
    what the bucket tells of a file, and its record."""
    names = dict.fromkeys(
        (*context.entity.fields(), *itertools.chain(*headings(context.entity)), "record_key", "claimed_by")
    )
    made = context.entity.made_fields
    names = {name: None for name in names if name in context.source.columns and name not in made}
    payload = SQL(", ").join(SQL("{}, {}").format(Literal(name), context.source.field(name, "s")) for name in names)
    return SQL("""
        INSERT INTO nexus_assets.reject (entity, row_number, source_id, reason, column_name, row_hash, payload, first_load)
        SELECT {entity}, x.row_number, nexus_assets.read_text({source_id}), x.reason, x.column_name, x.row_hash,
               jsonb_strip_nulls(jsonb_build_object({payload})), {load}
        FROM {rejected} AS x JOIN {source} AS s USING (row_number) ORDER BY x.row_number
    """).format(
        entity=Literal(context.entity.name),
        source_id=context.source.field(context.entity.source_id, "s"),
        payload=payload,
        load=Literal(context.load_id),
        rejected=rejected,
        source=context.source.table,
    )


def _any_to_keep_or_resolve(cursor: Cursor, context: LoadContext) -> bool:
    return queries.yes(
        cursor,
        SQL(
            "SELECT EXISTS (SELECT FROM {} WHERE reason IS NOT NULL)"
            " OR EXISTS (SELECT FROM nexus_assets.reject WHERE entity = {} AND resolved_load IS NULL)"
        ).format(context.work("incoming"), Literal(context.entity.name)),
    )

"""The values that Nexus and FileMaker have differently and that were kept: listed until both agree."""

from __future__ import annotations

from collections.abc import Collection

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Literal

from nexus_assets.ledger.before_values import updated_sql
from nexus_assets.ledger.schema import base_column, base_columns
from nexus_assets.ledger.tables import ledger_table
from nexus_assets.load import deletions
from nexus_assets.load.compare import changed_rows_sql, keep_flag, refused_sql
from nexus_assets.load.decisions import shown_values_sql
from nexus_assets.load.incoming import LoadContext
from nexus_assets.nexus import queries


def keep_conflicts(cursor: Cursor, context: LoadContext, columns: Collection[str]) -> None:
    """Lists, in these columns, the values that were kept, until Nexus and FileMaker agree; run before the ledger is told of this load."""
    found = SQL("""
            INSERT INTO nexus_assets.conflict AS c
              (entity, source_id, nexus_id, column_name, cause, filemaker_value, nexus_value, first_load)
            SELECT {entity}, source_id, nexus_id, column_name, cause, filemaker_value, nexus_value, {load} FROM {kept}
            ON CONFLICT (entity, source_id, column_name) WHERE resolved_load IS NULL DO UPDATE
              SET cause = CASE WHEN 'refused' IN (c.cause, excluded.cause) THEN excluded.cause ELSE c.cause END,
                  nexus_id = excluded.nexus_id, filemaker_value = excluded.filemaker_value, nexus_value = excluded.nexus_value,
                  decision = CASE WHEN (c.filemaker_value, c.nexus_value)
                    IS NOT DISTINCT FROM (excluded.filemaker_value, excluded.nexus_value) THEN c.decision END
              WHERE (c.nexus_id, c.filemaker_value, c.nexus_value, c.cause = 'refused')
                IS DISTINCT FROM (excluded.nexus_id, excluded.filemaker_value, excluded.nexus_value, excluded.cause = 'refused')
        """).format(kept=context.work("kept"), entity=Literal(context.entity.name), load=Literal(context.load_id))
    cursor.execute(
        SQL("""
            CREATE UNLOGGED TABLE {kept} AS {conflicts};

            UPDATE nexus_assets.conflict AS c SET resolved_load = {load}
            WHERE c.entity = {entity} AND c.resolved_load IS NULL
              AND (EXISTS (SELECT FROM {decided} AS d WHERE d.source_id = c.source_id)
                   OR c.cause = 'deleted' AND NOT EXISTS (SELECT FROM {seen} AS s WHERE s.source_id = c.source_id))
              AND NOT EXISTS (SELECT FROM {kept} AS k WHERE (k.source_id, k.column_name) = (c.source_id, c.column_name));

            {found}
        """).format(
            kept=context.work("kept"),
            found=updated_sql(
                context.kept_for,
                found,
                ledger_table("conflict"),
                "c",
                ("entity", "source_id", "column_name"),
                only="o.resolved_load IS NULL",
                with_new=False,
                is_insert=True,
            ),
            conflicts=_conflicts_sql(context, columns),
            decided=context.work("decided"),
            seen=context.work("seen"),
            entity=Literal(context.entity.name),
            load=Literal(context.load_id),
        )
    )


def kept_columns(cursor: Cursor, context: LoadContext) -> list[str]:
    """The columns in which any row was kept: mostly none, and a query over all of them takes longer to plan than to run."""
    names = base_columns(context.entity)
    kept = SQL(", ").join(SQL("bool_or({})").format(keep_flag(name)) for name in names)
    flags = queries.row(cursor, SQL("SELECT {} FROM {}").format(kept, context.work("changes")))
    return [name for name, flag in zip(names, flags, strict=True) if flag]


NO_CONFLICTS = SQL(
    "SELECT NULL::uuid AS source_id, NULL::uuid AS nexus_id, NULL::text AS column_name, NULL::text AS cause,"
    " NULL::text AS filemaker_value, NULL::text AS nexus_value WHERE FALSE"
)


def _conflicts_sql(context: LoadContext, columns: Collection[str]) -> Composable:
    """Rows (source_id, nexus_id, column_name, cause, filemaker_value, nexus_value) of every value that was kept, and of every row
    that stays deleted."""
    parts = [
        SQL("""
            SELECT c.source_id, c.nexus_id, {name}::text AS column_name,
                   CASE WHEN {refused} THEN 'refused' WHEN l.{base} IS NULL THEN 'adopted' ELSE 'edited' END AS cause,
                   {filemaker} AS filemaker_value, {nexus} AS nexus_value
            FROM {changed}
            LEFT JOIN {ledger} AS l ON l.source_id = c.source_id
            WHERE c.{keep}
        """).format(
            name=Literal(name),
            refused=refused_sql(context, name),
            base=base_column(name),
            filemaker=filemaker,
            nexus=nexus,
            changed=changed_rows_sql(context),
            ledger=context.ledger,
            keep=keep_flag(name),
        )
        for name in columns
        for filemaker, nexus in [shown_values_sql(context, name)]
    ]
    if context.entity.people_delete:
        parts.append(
            SQL("SELECT source_id, nexus_id, {}, 'deleted', NULL, NULL FROM {} WHERE action = 'deleted'").format(
                Literal(deletions.COLUMN), context.work("decided")
            )
        )
    return SQL(" UNION ALL ").join([NO_CONFLICTS, *parts])

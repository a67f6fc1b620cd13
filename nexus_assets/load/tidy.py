"""Step 6: what an entity declares to be corrected after its load: duplicates merged, empty ones removed, true counts."""

from __future__ import annotations

from functools import singledispatch

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.ledger.before_values import noted_sql, updated_sql
from nexus_assets.ledger.schema import base_column
from nexus_assets.ledger.tables import identity_table, ledger_table
from nexus_assets.load.identity import made_by_importer_sql
from nexus_assets.load.incoming import LoadContext, hash_sql, owned_sql
from nexus_assets.mapping.entity import MergeDuplicates, RemoveEmptied, Tidy, TrueCount
from nexus_assets.nexus import queries
from nexus_assets.nexus.catalog import Target
from nexus_assets.nexus.references import is_referenced_sql


def tidy_all(cursor: Cursor, context: LoadContext) -> dict[str, int]:
    """Puts right what the entity declares; returns how many rows were touched, by what was done."""
    return dict(_tidy(declared, cursor, context) for declared in context.entity.tidy)


@singledispatch
def _tidy(declared: Tidy, cursor: Cursor, context: LoadContext) -> tuple[str, int]:
    raise NotImplementedError(declared)


def _standing_sql(parent: str) -> Composable:
    """Whether a source row stands for the row `p`: the ledger knows it, and the last load still had it."""
    return SQL("EXISTS (SELECT FROM {} AS l WHERE l.nexus_id = p.id AND l.vanished_load IS NULL)").format(
        identity_table(parent)
    )


@_tidy.register
def _true_count(declared: TrueCount, cursor: Cursor, context: LoadContext) -> tuple[str, int]:
    """The front end sums this column, it does not count: it is a fact, not an opinion, in native rows too."""
    parent = context.parents[declared.parent]
    cursor.execute(
        SQL("""
            UPDATE {parent} AS p SET {column} = c.number
            FROM (SELECT b.id, count(t.id) AS number FROM {parent} AS b LEFT JOIN {target} AS t ON t.{reference} = b.id
                  GROUP BY b.id) AS c
            WHERE c.id = p.id AND p.{column} <> c.number
        """).format(
            parent=parent.table,
            column=Identifier(declared.column),
            target=context.target.table,
            reference=Identifier(declared.reference),
        )
    )
    return "counted", int(cursor.rowcount)


@_tidy.register
def _merge_duplicates(declared: MergeDuplicates, cursor: Cursor, context: LoadContext) -> tuple[str, int]:
    """Moves what a duplicate holds, whoever put it there, into the row that stays; the duplicate's id is remembered as its."""
    parent = context.parents[declared.parent]
    same = SQL(", ").join(map(Identifier, declared.same))
    duplicates = SQL("""
        SELECT p.id, k.id AS keeper, k.source_id FROM {parent} AS p JOIN (
          SELECT DISTINCT ON ({same}) {same}, k.id, l.source_id
          FROM {parent} AS k JOIN {ledger} AS l ON l.nexus_id = k.id
          WHERE {made_keeper} ORDER BY {same}, l.vanished_load IS NOT NULL, k.id
        ) AS k USING ({same})
        WHERE {made} AND NOT {standing} AND p.id <> k.id
    """).format(
        parent=parent.table,
        ledger=identity_table(declared.parent),
        same=same,
        made_keeper=made_by_importer_sql(parent, "k"),
        made=made_by_importer_sql(parent, "p"),
        standing=_standing_sql(declared.parent),
    )
    names: dict[str, Composable] = {
        "entity": Literal(declared.parent),
        "load": Literal(context.load_id),
        "duplicates": duplicates,
        "target": context.target.table,
        "reference": Identifier(declared.reference),
    }
    learned = SQL("""
        INSERT INTO nexus_assets.superseded AS s (entity, nexus_id, source_id, current_id, load_id)
        SELECT {entity}, d.id, d.source_id, d.keeper, {load} FROM ({duplicates}) AS d ON CONFLICT DO NOTHING
    """).format(**names)
    moved = SQL(
        "UPDATE {target} AS t SET {reference} = d.keeper FROM ({duplicates}) AS d WHERE t.{reference} = d.id"
    ).format(**names)
    kept_for = context.load_id if context.can_be_undone else None
    cursor.execute(
        SQL("{};{}").format(
            updated_sql(kept_for, learned, ledger_table("superseded"), "s", ("entity", "nexus_id"), is_insert=True),
            updated_sql(kept_for, moved, context.target.table, "t", ("id",), columns=(declared.reference,)),
        )
    )
    return "moved_from_duplicates", int(cursor.rowcount)


@_tidy.register
def _remove_emptied(declared: RemoveEmptied, cursor: Cursor, context: LoadContext) -> tuple[str, int]:
    """Removes what an importer made, nobody wrote into, nothing in the database refers to, and no source row stands for."""
    parent = context.parents[declared.parent]
    removed = queries.number(
        cursor,
        SQL("""
            WITH removed AS (
              DELETE FROM {parent} AS p WHERE {made} AND NOT {standing} AND NOT {written} AND NOT {referenced}
              RETURNING id, to_jsonb(p) AS content
            ), {kept} settled AS (
              UPDATE nexus_assets.conflict AS c SET resolved_load = {load} FROM removed AS r
              WHERE c.entity = {entity} AND c.nexus_id = r.id AND c.resolved_load IS NULL
            )
            SELECT count(*) FROM removed
        """).format(
            parent=parent.table,
            made=made_by_importer_sql(parent, "p"),
            standing=_standing_sql(declared.parent),
            written=_written_into_sql(parent),
            referenced=is_referenced_sql(cursor, parent, "p"),
            load=Literal(context.load_id),
            entity=Literal(declared.parent),
            kept=SQL("kept AS ({}),").format(
                noted_sql(context.load_id, parent.table, SQL("id::text, content, NULL FROM removed"))
            )
            if context.can_be_undone
            else SQL(""),
        ),
    )
    return "removed_empty_batches", removed


def _written_into_sql(parent: Target) -> Composable:
    """Whether a person changed a value, not a link, of the row `p` that the ledger knows."""
    changed = [
        SQL("l.{} <> {}").format(base_column(column.name), hash_sql(owned_sql(column.name, parent, "p")))
        for column in parent.entity.columns
        if not column.insert_only
    ]
    return SQL("EXISTS (SELECT FROM {} AS l WHERE l.nexus_id = p.id AND ({}))").format(
        identity_table(parent.entity.name), SQL(" OR ").join(changed)
    )

"""The rows that FileMaker no longer has: marked in the ledger, archived where the settings say so, never deleted."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.ledger import shared
from nexus_assets.ledger.before_values import updated_sql
from nexus_assets.ledger.schema import base_column, base_columns
from nexus_assets.ledger.tables import identity_table
from nexus_assets.load.incoming import IS_CURRENT, LoadContext, hash_sql, owned_sql
from nexus_assets.load.merge import merged_sql
from nexus_assets.load.planner import without_nested_loops
from nexus_assets.load.record import kept_entries_sql
from nexus_assets.load.work import Relation
from nexus_assets.mapping.entity import Archive, End, FileRecords
from nexus_assets.nexus import queries


@dataclass(frozen=True)
class Ids:
    """How many ids past loads brought that have not vanished before, and how many of them this source does not have."""

    known: int
    vanishing: int


def count(cursor: Cursor, context: LoadContext) -> Ids:
    """Counts the ids that are known and those that vanish; run before anything is written. No id is looked for."""
    known, found = queries.row(
        cursor,
        SQL("SELECT (SELECT count(*) FROM {} AS l WHERE {}), count(*) FROM {} WHERE is_current").format(
            context.ledger, IS_CURRENT, context.work("seen")
        ),
    )
    return Ids(known, known - found)


def still_named(cursor: Cursor, context: LoadContext, export: Relation) -> list[str]:
    """The ids in Nexus, in their order, of the rows that vanish because their file is gone while the export still names it."""
    source = context.entity.source
    if not isinstance(source, FileRecords):
        return []
    heading = source.on if context.entity.source_id == "record_key" else context.entity.source_id
    cursor.execute(
        SQL("""
            SELECT l.nexus_id::text FROM {ledger} AS l
            WHERE l.last_load IS NOT NULL AND l.vanished_load IS NULL
              AND NOT EXISTS (SELECT FROM {seen} AS s WHERE s.source_id = l.source_id)
              AND l.source_id IN (SELECT nexus_assets.read_uuid(nexus_assets.plain_number({named})) FROM {export})
            ORDER BY 1
        """).format(
            ledger=context.ledger, seen=context.work("seen"), named=export.columns[heading], export=export.table
        )
    )
    return [nexus_id for (nexus_id,) in cursor.fetchall()]


def follow(cursor: Cursor, context: LoadContext, ids: Ids) -> dict[str, int]:
    """Marks what vanished, unmarks what returned, archives or ends the one and brings back the other; returns how many of each."""
    vanished, returned = _mark(cursor, context, ids)
    archive = context.entity.archive
    archived = brought_back = ended = 0
    if archive is not None:
        brought_back = _bring_back(cursor, context, archive)
        archived = _archive(cursor, context, archive) if context.settings.archive_vanished else 0
    for end in context.entity.ends:
        ended += _end(cursor, context, end)
        brought_back += _begin_again(cursor, context, end)
    return {
        "vanished": vanished,
        "returned": returned,
        "archived": archived,
        "brought_back": brought_back,
        "ended": ended,
    }


def _mark(cursor: Cursor, context: LoadContext, ids: Ids) -> tuple[int, int]:
    """Marks the ids that the source no longer has, and unmarks those that it has again; returns how many of each."""
    seen = SQL("EXISTS (SELECT FROM {} AS s WHERE s.source_id = l.source_id)").format(context.work("seen"))
    if ids.vanishing:
        cursor.execute(
            SQL(
                "UPDATE {} AS l SET vanished_load = {} WHERE vanished_load IS NULL AND last_load IS NOT NULL AND NOT {}"
            ).format(context.ledger, Literal(context.load_id), seen)
        )
        for guest in shared.guests(context.entity):
            # What was left to this entity is for the other one to compare.
            cursor.execute(
                SQL(
                    "UPDATE {} AS g SET target_hash = NULL FROM {} AS l WHERE l.nexus_id = g.nexus_id AND l.vanished_load = {}"
                ).format(identity_table(guest.name), context.ledger, Literal(context.load_id))
            )
    with without_nested_loops(cursor):
        unmark = SQL("UPDATE {} AS l SET vanished_load = NULL WHERE vanished_load IS NOT NULL AND {}").format(
            context.ledger, seen
        )
        cursor.execute(kept_entries_sql(context, unmark))
        returned = int(cursor.rowcount)
    return ids.vanishing, returned


def _archive(cursor: Cursor, context: LoadContext, archive: Archive) -> int:
    """Archives once what vanished: what a person brings back, or archived already, is theirs."""
    condition = SQL("l.vanished_load IS NOT NULL AND l.archived_load IS NULL")
    columns: dict[str, Composable] = {
        archive.flag: SQL("TRUE"),
        archive.at: SQL("now()"),
        archive.by: Literal(archive.name),
    }
    archived = _update(cursor, context, columns, SQL("{} AND NOT t.{}").format(condition, Identifier(archive.flag)))
    cursor.execute(
        SQL("UPDATE {} AS l SET archived_load = {} WHERE {}").format(
            context.ledger, Literal(context.load_id), condition
        )
    )
    return archived


def _bring_back(cursor: Cursor, context: LoadContext, archive: Archive) -> int:
    """Brings back what we archived and FileMaker has again."""
    condition = SQL("l.vanished_load IS NULL AND l.archived_load IS NOT NULL")
    columns: dict[str, Composable] = {archive.flag: SQL("FALSE"), archive.at: SQL("NULL"), archive.by: SQL("NULL")}
    ours = SQL("{} AND t.{} AND t.{} = {}").format(
        condition, Identifier(archive.flag), Identifier(archive.by), Literal(archive.name)
    )
    brought_back = _update(cursor, context, columns, ours)
    unmark = SQL("UPDATE {} AS l SET archived_load = NULL WHERE {}").format(context.ledger, condition)
    cursor.execute(kept_entries_sql(context, unmark))
    return brought_back


def _end(cursor: Cursor, context: LoadContext, end: End) -> int:
    """Ends what vanished and no other entity names. Should FileMaker have it again, the next comparison finds in Nexus what
    FileMaker last said."""
    saying = shared.saying(context.entity, end.column)
    unnamed = SQL("NOT {}").format(shared.named_sql(saying, SQL("l.nexus_id")))
    return _say(cursor, context, end.column, end.value, unnamed)


def _begin_again(cursor: Cursor, context: LoadContext, end: End) -> int:
    """Begins again what ended, and what the entity whose table this is names by now: as its new rows do, unless its export says
    something of the column."""
    host = context.entity.shares
    if host is None or end.column not in base_columns(host):
        return 0
    named = SQL("""EXISTS (SELECT FROM {} AS h WHERE h.nexus_id = l.nexus_id AND h.last_load IS NOT NULL
                     AND h.vanished_load IS NULL AND h.{} IS NULL)""").format(
        identity_table(host.name), base_column(end.column)
    )
    return _say(cursor, context, end.column, host.on_insert[end.column], named)


def _say(cursor: Cursor, context: LoadContext, column: str, value: object, condition: Composable) -> int:
    """Gives the column of what vanished this value where nobody changed it in Nexus, and notes it as what FileMaker last said;
    returns how many rows changed."""
    said = SQL("{}::{}").format(Literal(value), SQL(context.target.columns[column].sql_type))
    names = {"base": base_column(column), "said": hash_sql(said)}
    chosen = SQL("l.vanished_load IS NOT NULL AND l.{base} <> {said} AND {condition}").format(
        **names, condition=condition
    )
    current, value = owned_sql(column, context.target, "t"), merged_sql(context, column, said)
    unchanged = SQL("{} AND l.{} = {} AND {} <> {}").format(chosen, names["base"], hash_sql(current), current, said)
    changed = _update(cursor, context, {column: value}, unchanged)
    noted = SQL("UPDATE {ledger} AS l SET {base} = {said} WHERE {chosen}").format(
        **names, ledger=context.ledger, chosen=chosen
    )
    cursor.execute(kept_entries_sql(context, noted))
    return changed


def _update(cursor: Cursor, context: LoadContext, columns: dict[str, Composable], condition: Composable) -> int:
    """Sets the columns in the rows of Nexus, `t`, whose ledger entry is `l`."""
    if context.entity.updated_at:
        columns[context.entity.updated_at] = SQL("now()")
    statement = SQL("UPDATE {} AS t SET {} FROM {} AS l WHERE l.nexus_id = t.id AND {}").format(
        context.target.table,
        SQL(", ").join(SQL("{} = {}").format(Identifier(name), value) for name, value in columns.items()),
        context.ledger,
        condition,
    )
    cursor.execute(updated_sql(context.kept_for, statement, context.target.table, "t", ("id",), columns=[*columns]))
    return int(cursor.rowcount)

"""Step 5, at its end: what the ledger keeps of the rows that were written or compared."""

from __future__ import annotations

from collections.abc import Callable, Collection

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.ledger import shared
from nexus_assets.ledger.before_values import noted_sql, updated_sql
from nexus_assets.ledger.schema import base_column, base_columns, named_column
from nexus_assets.load.compare import changed_rows_sql, left_to_nexus, refused_sql, said_by_the_export, write_flag
from nexus_assets.load.identity import decided_rows_sql
from nexus_assets.load.incoming import LoadContext, hash_sql, incoming_column, row_hash_sql, target_hash_sql
from nexus_assets.load.merge import inserted_sql, typed_sql

ENTRY = (
    "source_id",
    "nexus_id",
    "row_hash",
    "target_hash",
    "row_number",
    "notices",
    "origin",
    "first_load",
    "last_load",
)
"""The ledger's columns that a load fills for each of its rows, beside the hash per tracked column and whom the row names."""


def _named(context: LoadContext) -> list[Identifier]:
    return [named_column(link) for link in context.entity.generic_references]


def inserted(cursor: Cursor, context: LoadContext) -> None:
    """Remembers the rows that were inserted: for the first time, or again under the id that the ledger knew.

    The first ones apart, because an INSERT that may meet an entry takes half as long again.
    """
    # In a table of their own first: for an INSERT PostgreSQL has no parallel plan, and the hashes are half of the work.
    cursor.execute(SQL("CREATE UNLOGGED TABLE {} AS {}").format(context.work("entries"), _entries_sql(context)))
    cursor.execute(_insert_entries_sql(context, "insert"))
    restored = SQL("{} {}").format(_insert_entries_sql(context, "restore"), _or_followed_up_sql(context))
    cursor.execute(SQL("{}{}").format(_restored_rows_sql(context), kept_entries_sql(context, restored, is_insert=True)))


def kept_entries_sql(context: LoadContext, statement: Composable, *, is_insert: bool = False) -> Composable:
    """The statement, which writes entries `l`, such that what those were before is kept."""
    return updated_sql(context.kept_for, statement, context.ledger, "l", ("source_id",), is_insert=is_insert)


def _restored_rows_sql(context: LoadContext) -> Composable:
    """Keeps that the restored rows were not there: their entries do not tell."""
    if context.kept_for is None:
        return SQL("")
    rows = SQL("nexus_id::text, NULL, NULL FROM {} WHERE action = 'restore'").format(context.work("entries"))
    return SQL("{};").format(noted_sql(context.kept_for, context.target.table, rows))


def first_entries_sql(context: LoadContext) -> Composable:
    """Remembers the rows of a first load: no entry can be met, and the table of their own would be one more write of each.

    The ledger's two indexes are made after its rows, which takes a third of the time. Where somebody reads the ledger at this
    moment, or it is another role's, they stay and grow row by row: nobody waits for the load, nor the load for them.
    """
    columns = _entry_columns(context)
    return SQL("""
        DO $$ BEGIN
          LOCK TABLE {ledger} IN ACCESS EXCLUSIVE MODE NOWAIT;
          ALTER TABLE {ledger} DROP CONSTRAINT {pkey}, DROP CONSTRAINT {key};
        EXCEPTION WHEN lock_not_available OR insufficient_privilege OR undefined_object THEN NULL;
        END $$;
        INSERT INTO {ledger} ({columns}) SELECT {columns} FROM ({entries}) AS e;
        DO $$ BEGIN
          IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = {name}::regclass AND contype = 'p') THEN
            ALTER TABLE {ledger} ADD CONSTRAINT {pkey} PRIMARY KEY (source_id), ADD CONSTRAINT {key} UNIQUE (nexus_id);
          END IF;
        END $$
    """).format(
        ledger=context.ledger,
        name=Literal(".".join(context.ledger.strings)),
        pkey=Identifier(f"{context.ledger.strings[-1]}_pkey"),
        key=Identifier(f"{context.ledger.strings[-1]}_nexus_id_key"),
        columns=columns,
        entries=_entries_sql(context),
    )


def _entry_columns(context: LoadContext) -> Composable:
    return SQL(", ").join((*map(Identifier, ENTRY), *_named(context), *map(base_column, base_columns(context.entity))))


def _or_followed_up_sql(context: LoadContext) -> Composable:
    """The end of an INSERT that may meet the entry of the row, which then follows; when the row first came stays."""
    followed = ("nexus_id", "row_hash", "target_hash", "row_number", "notices", "last_load")
    columns = (*map(Identifier, followed), *_named(context), *map(base_column, base_columns(context.entity)))
    return SQL(
        "ON CONFLICT (source_id) DO UPDATE SET {}, first_load = coalesce(l.first_load, excluded.first_load)"
    ).format(SQL(", ").join(SQL("{0} = excluded.{0}").format(column) for column in columns))


def _insert_entries_sql(context: LoadContext, action: str) -> Composable:
    columns = _entry_columns(context)
    return SQL(
        "INSERT INTO {ledger} AS l ({columns}) SELECT {columns} FROM {entries} WHERE action = {action} ORDER BY source_id"
    ).format(ledger=context.ledger, columns=columns, entries=context.work("entries"), action=Literal(action))


def _entries_sql(context: LoadContext) -> Composable:
    """The entries of the inserted rows: their ids, the hash of what they were read from and of what was written, per
    column."""
    types = [inserted_sql(context, link.type_column) for link in context.entity.generic_references]
    tracked = base_columns(context.entity)
    values = {name: inserted_sql(context, name) for name in tracked}
    return SQL("""
        SELECT d.action, i.source_id, d.nexus_id, i.row_hash, {target_hash} AS target_hash, i.row_number,
               {notices} AS notices, 'made' AS origin, {load} AS first_load, {load} AS last_load, {rest}
        FROM {decided}
        WHERE d.action IN ('insert', 'restore')
    """).format(
        notices=_notices_sql(context, lambda name: SQL("i.{}").format(incoming_column(name))),
        target_hash=row_hash_sql(context.entity, types, values),
        load=Literal(context.load_id),
        rest=SQL(", ").join(
            [
                *(SQL("i.{}").format(name) for name in _named(context)),
                *(SQL("{} AS {}").format(hash_sql(values[name]), base_column(name)) for name in tracked),
            ]
        ),
        decided=decided_rows_sql(context),
    )


def compared_sql(context: LoadContext, kept: Collection[str]) -> Composable:
    """Remembers what existing rows were compared with, `kept` in some columns, and how they are now; entries that say so already
    stay untouched."""
    tracked = base_columns(context.entity)
    compared = ("nexus_id", "row_hash", "target_hash", "notices")
    columns = (*map(Identifier, compared), *_named(context), *map(base_column, tracked))
    statement = SQL("""
        INSERT INTO {ledger} AS l
          ({entry}, {more})
        SELECT i.source_id, c.nexus_id, i.row_hash, {target_hash}, i.row_number, {notices}, 'adopted', {load}, {load}, {rest}
        FROM {changed}
        LEFT JOIN {ledger} AS l ON l.source_id = c.source_id {host}
        ORDER BY i.source_id
        {or_followed_up}
        WHERE l.last_load IS NULL OR ({mine}) IS DISTINCT FROM ({theirs})
    """).format(
        ledger=context.ledger,
        entry=SQL(", ").join(map(Identifier, ENTRY)),
        more=SQL(", ").join([*_named(context), *map(base_column, tracked)]),
        target_hash=target_hash_sql(context.target),
        notices=_notices_sql(context, lambda name: Identifier("t", name)),
        load=Literal(context.load_id),
        rest=SQL(", ").join(
            [
                *(SQL("i.{}").format(name) for name in _named(context)),
                *(_base_sql(context, name, kept) for name in tracked),
            ]
        ),
        changed=changed_rows_sql(context),
        host=shared.host_join_sql(context.entity, SQL("c.nexus_id")),
        or_followed_up=_or_followed_up_sql(context),
        mine=SQL(", ").join(SQL("l.{}").format(name) for name in columns),
        theirs=SQL(", ").join(SQL("excluded.{}").format(name) for name in columns),
    )
    return kept_entries_sql(context, statement, is_insert=True)


def _base_sql(context: LoadContext, name: str, kept: Collection[str]) -> Composable:
    """What FileMaker last said of a column, as a hash: in a row that is another entity's, what that one's export said. What a
    constraint refuses was not said: nobody's edit is in the way of it once it is refused no more."""
    if name in kept:
        said = _base_sql(context, name, ())
        return SQL("CASE WHEN {} THEN l.{} ELSE {} END").format(refused_sql(context, name), base_column(name), said)
    if name in shared.left_to_host(context.entity):
        return SQL("coalesce(h.{}, {})").format(base_column(name), _own_base_sql(context, name))
    return _own_base_sql(context, name)


def _own_base_sql(context: LoadContext, name: str) -> Composable:
    """This time's value, or still the earlier one where FileMaker said nothing now."""
    said = hash_sql(typed_sql(context, name))
    if name in said_by_the_export(context.entity):
        return SQL("CASE WHEN i.described THEN {} ELSE l.{} END").format(said, base_column(name))
    if name in left_to_nexus(context.entity):
        # Where neither side says anything, Nexus has what a new row would have got: that both agree on.
        return SQL("""
            CASE WHEN i.{new} IS NOT NULL OR c.{write} THEN {said}
                 WHEN l.{base} IS NULL AND t.{name} IS NOT DISTINCT FROM {inserted} THEN {inserted_hash} ELSE l.{base} END
        """).format(
            new=incoming_column(name),
            write=write_flag(name),
            said=hash_sql(inserted_sql(context, name)),
            base=base_column(name),
            name=Identifier(name),
            inserted=inserted_sql(context, name),
            inserted_hash=hash_sql(inserted_sql(context, name)),
        )
    return said


def _notices_sql(context: LoadContext, now: Callable[[str], Composable]) -> Composable:
    """The notices of a row, NULL where there is none; `now` gives the value that a column has after the load."""
    notices: Composable = SQL("i.notices")
    for link in context.entity.generic_references:
        if link.notice:
            notices = SQL("({} || CASE WHEN {} IS NULL THEN ARRAY[{}] ELSE ARRAY[]::text[] END)").format(
                notices, now(link.id_column), Literal(link.notice)
            )
    return SQL("nullif({}, ARRAY[]::text[])").format(notices)

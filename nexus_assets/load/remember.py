"""Step 5, at its end: what the ledger keeps of the rows that were written or compared."""

from __future__ import annotations

from collections.abc import Callable

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.load.compare import left_to_nexus, said_by_the_export, write_flag
from nexus_assets.load.incoming import Scene, hash_sql, new, target_hash_sql
from nexus_assets.load.ledger import base_column, base_columns
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
"""The ledger's columns that a load fills for each of its rows, beside the hash per tracked column."""


def inserted(cursor: Cursor, scene: Scene, load_id: int) -> None:
    """Remembers the rows that were inserted: for the first time, or again under the id that the ledger knew.

    The first ones apart, because an INSERT that may meet an entry takes half as long again.
    """
    # In a table of their own first: for an INSERT PostgreSQL has no parallel plan, and the hashes are half of the work.
    cursor.execute(_entries_sql(scene, load_id))
    cursor.execute(_insert_entries_sql(scene, "make"))
    cursor.execute(SQL("{} {}").format(_insert_entries_sql(scene, "restore"), _or_followed_up_sql(scene)))


def _or_followed_up_sql(scene: Scene) -> Composable:
    """The end of an INSERT that may meet the entry of the row, which then follows; when the row first came stays."""
    followed = ("nexus_id", "row_hash", "target_hash", "row_number", "notices", "last_load")
    columns = (*map(Identifier, followed), *map(base_column, base_columns(scene.entity)))
    return SQL(
        "ON CONFLICT (source_id) DO UPDATE SET {}, first_load = coalesce(l.first_load, excluded.first_load)"
    ).format(SQL(", ").join(SQL("{0} = excluded.{0}").format(column) for column in columns))


def _insert_entries_sql(scene: Scene, action: str) -> Composable:
    columns = SQL(", ").join((*map(Identifier, ENTRY), *map(base_column, base_columns(scene.entity))))
    return SQL(
        "INSERT INTO {ledger} AS l ({columns}) SELECT {columns} FROM {entries} WHERE action = {action} ORDER BY source_id"
    ).format(ledger=scene.ledger, columns=columns, entries=scene.work("entries"), action=Literal(action))


def _entries_sql(scene: Scene, load_id: int) -> Composable:
    """The table `entries` of the inserted rows: their ids, the hash of what they were read from and of what was written, per
    column."""
    types = [inserted_sql(scene, link.type_column) for link in scene.entity.generic_references]
    tracked = base_columns(scene.entity)
    values = {name: inserted_sql(scene, name) for name in tracked}
    return SQL("""
        CREATE UNLOGGED TABLE {entries} AS
        SELECT d.action, i.source_id, d.nexus_id, i.row_hash, {target_hash} AS target_hash, i.row_number,
               {notices} AS notices, 'made' AS origin, {load} AS first_load, {load} AS last_load, {hashes}
        FROM {decided} AS d JOIN {incoming} AS i USING (row_number)
        WHERE d.action IN ('make', 'restore')
    """).format(
        entries=scene.work("entries"),
        notices=_notices_sql(scene, lambda name: SQL("i.{}").format(new(name))),
        target_hash=hash_sql(*types, *values.values()),
        load=Literal(load_id),
        hashes=SQL(", ").join(SQL("{} AS {}").format(hash_sql(values[name]), base_column(name)) for name in tracked),
        decided=scene.work("decided"),
        incoming=scene.work("incoming"),
    )


def compared_sql(scene: Scene, load_id: int) -> Composable:
    """Remembers what existing rows were compared with and how they are now; entries that say so already stay untouched."""
    tracked = base_columns(scene.entity)
    compared = ("nexus_id", "row_hash", "target_hash", "notices")
    columns = (*map(Identifier, compared), *map(base_column, tracked))
    return SQL("""
        INSERT INTO {ledger} AS l
          ({entry}, {bases})
        SELECT i.source_id, c.nexus_id, i.row_hash, {target_hash}, i.row_number, {notices}, 'adopted', {load}, {load}, {hashes}
        FROM {changes} AS c JOIN {incoming} AS i USING (row_number) JOIN {target} AS t ON t.id = c.nexus_id
        LEFT JOIN {ledger} AS l ON l.source_id = c.source_id
        ORDER BY i.source_id
        {or_followed_up}
        WHERE l.last_load IS NULL OR ({mine}) IS DISTINCT FROM ({theirs})
    """).format(
        ledger=scene.ledger,
        entry=SQL(", ").join(map(Identifier, ENTRY)),
        bases=SQL(", ").join(map(base_column, tracked)),
        target_hash=target_hash_sql(scene.target, "t"),
        notices=_notices_sql(scene, lambda name: SQL("t.{}").format(Identifier(name))),
        load=Literal(load_id),
        hashes=SQL(", ").join(_base_sql(scene, name) for name in tracked),
        changes=scene.work("changes"),
        incoming=scene.work("incoming"),
        target=scene.target.table,
        or_followed_up=_or_followed_up_sql(scene),
        mine=SQL(", ").join(SQL("l.{}").format(name) for name in columns),
        theirs=SQL(", ").join(SQL("excluded.{}").format(name) for name in columns),
    )


def _base_sql(scene: Scene, name: str) -> Composable:
    """What FileMaker last said of a column, as a hash: this time's value, or still the earlier one where it said nothing now."""
    said = hash_sql(typed_sql(scene, name))
    if name in said_by_the_export(scene.entity):
        return SQL("CASE WHEN i.described THEN {} ELSE l.{} END").format(said, base_column(name))
    if name in left_to_nexus(scene.entity):
        # Where neither side says anything, Nexus has what a new row would have got: that both agree on.
        return SQL("""
            CASE WHEN i.{new} IS NOT NULL OR c.{write} THEN {said}
                 WHEN l.{base} IS NULL AND t.{name} IS NOT DISTINCT FROM {inserted} THEN {inserted_hash} ELSE l.{base} END
        """).format(
            new=new(name),
            write=write_flag(name),
            said=said,
            base=base_column(name),
            name=Identifier(name),
            inserted=inserted_sql(scene, name),
            inserted_hash=hash_sql(inserted_sql(scene, name)),
        )
    return said


def _notices_sql(scene: Scene, now: Callable[[str], Composable]) -> Composable:
    """The notices of a row, NULL where there is none; `now` gives the value that a column has after the load."""
    notices: Composable = SQL("i.notices")
    for link in scene.entity.generic_references:
        if link.notice:
            notices = SQL("({} || CASE WHEN {} IS NULL THEN ARRAY[{}] ELSE ARRAY[]::text[] END)").format(
                notices, now(link.id_column), Literal(link.notice)
            )
    return SQL("nullif({}, ARRAY[]::text[])").format(notices)

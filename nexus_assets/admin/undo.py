"""Undoing loads: which, what would come of it (the undoing itself, rolled back), and doing exactly that, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import sqlalchemy
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.admin.reset import referring
from nexus_assets.admin.undo_rows import Undoing, undo_rows
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.ledger.schema import hold, install, is_installed
from nexus_assets.nexus import catalog, queries
from nexus_assets.nexus.connection import transaction
from nexus_assets.settings import UNDOABLE_LOADS

SHORTEST_RUN = 8
"""So much of a run's id names it, as on Dagster's pages."""


class UndoError(NexusAssetsError):
    """Nothing was undone."""


@dataclass(frozen=True)
class UndoneLoad:
    """One load, and what becomes of what it did."""

    load_id: int
    entity: str
    run_id: str
    finished_at: str
    undoing: Undoing


@dataclass(frozen=True)
class UndoPlan:
    """What undoing these loads does, the last one first; `already`: when they were undone before, and by whom."""

    database: str
    loads: tuple[UndoneLoad, ...]
    already: str = ""


@dataclass(frozen=True)
class _Load:
    id: int
    entity: str
    run_id: str
    finished_at: str
    undoable: bool


def plan(engine: sqlalchemy.Engine, chosen: str | None) -> UndoPlan:
    """What undoing would do now; nothing is written. `chosen`: a load's number, or a run's id; None means the last run.

    Raises UndoError where there is no such load, or it can't be undone any more.
    """
    with transaction(engine, lock=tuple(ENTITIES), commit=False) as cursor:
        return undo_in(cursor, chosen, "")


def undo(engine: sqlalchemy.Engine, chosen: str | None, planned: UndoPlan, by: str) -> None:
    """Does what was planned. Raises UndoError, and nothing was undone, where the database is no longer as it was planned."""
    with transaction(engine, lock=tuple(ENTITIES)) as cursor:
        if undo_in(cursor, chosen, by) != planned:
            raise UndoError(
                "The database has changed since the plan was made.",
                remedy="Nothing was undone. Run `nexus-assets undo` again.",
            )


def undo_in(cursor: Cursor, chosen: str | None, by: str) -> UndoPlan:
    """Undoes the loads in the transaction of the caller, who holds the locks of all entities; returns what that did."""
    hold(cursor)
    if not is_installed(cursor):
        raise UndoError(
            "Nothing was ever loaded into this database by this program.",
            remedy="Nothing was undone. Check NEXUS_DATABASE_URL.",
        )
    install(cursor)
    (database,) = queries.row(cursor, "SELECT current_database()::text")
    loads = _chosen(cursor, chosen)
    if not loads:
        return UndoPlan(database, (), _already(cursor, chosen))
    _check_undoable(loads)
    _check_rights(cursor, {load.entity for load in loads})
    done = []
    for load in loads:
        undoing = undo_rows(cursor, ENTITIES[load.entity], load.id)
        _remember(cursor, load, undoing, by)
        done.append(UndoneLoad(load.id, load.entity, load.run_id, load.finished_at, undoing))
    # What a constraint forbids is found now, not at the commit: the plan tells it.
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return UndoPlan(database, tuple(done))


def _chosen(cursor: Cursor, chosen: str | None) -> list[_Load]:
    """The chosen loads that are not undone yet, the last one first. Raises UndoError where the choice is no single run."""
    cursor.execute(
        SQL("""
            SELECT id, entity, run_id, date_trunc('second', finished_at)::text, undoable FROM nexus_assets.load AS x
            WHERE {} ORDER BY id DESC
        """).format(_choice_sql(chosen, "id"))
    )
    loads = [_Load(*row) for row in cursor.fetchall()]
    if len({load.run_id for load in loads}) > 1:
        raise UndoError("Several runs begin like this.", remedy="Nothing was undone. Name the whole id of the run.")
    return loads


def _choice_sql(chosen: str | None, id_column: str) -> Composable:
    """The condition that chooses loads `x`, by their number or run. Without a choice: the last run, if none of it was undone."""
    if chosen is None:
        return SQL("""x.run_id = (
            SELECT run_id FROM nexus_assets.load WHERE id > coalesce((SELECT max(load_id) FROM nexus_assets.undone), 0)
            ORDER BY id DESC LIMIT 1)""")
    if chosen.isdecimal():
        return SQL("x.{}::text = {}").format(Identifier(id_column), Literal(chosen))
    return SQL("starts_with(x.run_id, {})").format(Literal(_run(chosen)))


def _run(chosen: str) -> str:
    if len(chosen) < SHORTEST_RUN:
        raise UndoError(
            "LOAD is neither a load's number nor the id of a run.",
            remedy="Nothing was undone. `nexus-assets explain ID` names the load of a row; Dagster's pages show the ids of runs.",
        )
    return chosen


def _already(cursor: Cursor, chosen: str | None) -> str:
    """When the chosen loads were undone, in words. Raises UndoError where there never were any."""
    cursor.execute(
        SQL("""
            SELECT load_id, entity, date_trunc('second', undone_at)::text, undone_by FROM nexus_assets.undone AS x
            WHERE {} ORDER BY load_id DESC LIMIT 1
        """).format(SQL("TRUE") if chosen is None else _choice_sql(chosen, "load_id"))
    )
    found = cursor.fetchone()
    if found is None:
        raise UndoError(
            "There is no such load in this database." if chosen else "There is no load in this database.",
            remedy="Nothing was undone. `nexus-assets explain ID` names the load of a row.",
        )
    return "Load {} of {} was undone at {} by {}.".format(*found)


def _check_undoable(loads: Sequence[_Load]) -> None:
    for load in loads:
        if not load.undoable:
            raise UndoError(
                f"Load {load.id} of {load.entity} can't be undone: what rows were before it is not kept (any more).",
                remedy=f"Nothing was undone. {UNDOABLE_LOADS.name} says for how many of the last loads it is. `nexus-assets reset`"
                " removes everything that importers made.",
            )


def _check_rights(cursor: Cursor, entities: set[str]) -> None:
    """Locks the tables from which rows may go, and those that may refer to them. Raises UndoError where a right is missing."""
    targets = [catalog.reflect(cursor, ENTITIES[name]) for name in ENTITIES if name in entities]
    missing = [target for target in targets if not _may(cursor, target.schema, target.name, "DELETE")]
    if missing:
        tables = ", ".join(target.table.as_string(cursor) for target in missing)
        raise UndoError(
            f"The role may not remove rows of {', '.join(target.name for target in missing)}.",
            remedy="Nothing was undone. As the tables' owner run: GRANT DELETE, UPDATE, INSERT ON"
            f" {tables} TO {_role(cursor)}; (REVOKE them afterwards).",
        )
    around = (place for target in targets for place in referring(cursor, target))
    places = dict.fromkeys([*((each.schema, each.name) for each in targets), *around])
    locked = [Identifier(*place) for place in places if _may(cursor, *place, "UPDATE, DELETE, TRUNCATE")]
    # A row that is not referred to now must not be referred to at the commit.
    cursor.execute(SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(SQL(", ").join(locked)))


def _may(cursor: Cursor, schema: str, table: str, privileges: str) -> bool:
    name = Identifier(schema, table).as_string(cursor)
    return queries.yes(cursor, "SELECT has_table_privilege(%s, %s)", (name, privileges))


def _role(cursor: Cursor) -> str:
    (role,) = queries.row(cursor, "SELECT quote_ident(current_user)")
    return str(role)


def _remember(cursor: Cursor, load: _Load, undoing: Undoing, by: str) -> None:
    """Moves the load to those that were undone: whoever asks for the last load finds the one before it."""
    figures = {**asdict(undoing), "kept": len(undoing.kept)}
    cursor.execute(
        SQL("""
            INSERT INTO nexus_assets.undone (load_id, entity, run_id, undone_by, load, figures)
            SELECT l.id, l.entity, l.run_id, {by}, to_jsonb(l), {figures}::jsonb FROM nexus_assets.load AS l WHERE l.id = {load};
            DELETE FROM nexus_assets.load WHERE id = {load};
            DELETE FROM nexus_assets.before_value WHERE load_id = {load}
        """).format(by=Literal(by), figures=Literal(json.dumps(figures)), load=Literal(load.id))
    )

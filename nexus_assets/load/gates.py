"""Step 4: what is so unlike the last good load that nobody should load it unasked; run before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier

from nexus_assets.errors import NexusAssetsError
from nexus_assets.load.incoming import Scene, new
from nexus_assets.load.ledger import database_mark

if TYPE_CHECKING:
    from nexus_assets.load.settings import LoadSettings

VANISHED_ROWS, VANISHED_SHARE = 20, 0.02
"""More vanished rows than both: half an export, or a found set instead of all records."""

REKEYED_SHARE = 0.005
"""A larger share of known people under new FileMaker ids: FileMaker's id field computes its UUID anew."""

REJECTED_SHARE = 0.05
"""A larger share of the source rows rejected beyond the last load's share: a column has changed its form."""


class GateError(NexusAssetsError):
    """The load was stopped before anything was written; `setting` is the run config field that lets it through."""

    def __init__(self, problem: str, *, setting: str) -> None:
        super().__init__(
            problem,
            remedy=f"Nothing was written. If this is right, run the load with `{setting}: true` in its config (Launchpad:"
            f" ops → config → {setting}).",
        )
        self.setting = setting


@dataclass(frozen=True)
class LastLoad:
    """The last committed load of an entity, as the ledger tells it."""

    load_id: int
    source_rows: int
    rejected: int
    sources: Mapping[str, Any]
    date_orders: Mapping[str, str]


def last_load(cursor: Cursor, entity: str) -> LastLoad | None:
    """The last committed load of the entity, None before the first."""
    cursor.execute(
        "SELECT id, source_rows, (SELECT coalesce(sum(value::bigint), 0) FROM jsonb_each_text(rejected)), sources, date_orders"
        " FROM nexus_assets.load WHERE entity = %s ORDER BY id DESC LIMIT 1",
        (entity,),
    )
    row = cursor.fetchone()
    return None if row is None else LastLoad(int(row[0]), int(row[1]), int(row[2]), row[3], row[4])


def check_ledger_belongs(cursor: Cursor, settings: LoadSettings) -> None:
    """Raises GateError where the ledger was made in another database (a copy, a restored dump)."""
    cursor.execute("SELECT database_mark FROM nexus_assets.about")
    known, here = str(cursor.fetchone()[0]), database_mark(cursor)
    if known == here:
        return
    if not settings.allow_other_database:
        raise GateError(
            "The ledger in this database was made in another one: this is a copy or a restored dump.",
            setting="allow_other_database",
        )
    cursor.execute("UPDATE nexus_assets.about SET database_mark = %s", (here,))


def check_sources_not_older(sources: Mapping[str, Any], last: LastLoad | None, settings: LoadSettings) -> None:
    """Raises GateError where an export is older than the one loaded last, by its version or its time."""
    if last is None or settings.allow_older_export:
        return
    for name, source in sources.items():
        before = last.sources.get(name)
        if before is None or "modified" not in source or source.get("sha256") == before.get("sha256"):
            continue
        if (source.get("version") or 0) < (before.get("version") or 0):
            raise GateError(
                f"{source['file']} is version {source.get('version') or 'none'}; version {before['version']} was loaded last.",
                setting="allow_older_export",
            )
        if source["modified"] < before["modified"]:
            raise GateError(
                f"{source['file']} is of {source['modified']}; the one loaded last is of {before['modified']}.",
                setting="allow_older_export",
            )


def _count(cursor: Cursor, statement: Composable) -> int:
    cursor.execute(statement)
    return int(cursor.fetchone()[0])


def check_rows(cursor: Cursor, scene: Scene, last: LastLoad | None, settings: LoadSettings) -> None:
    """Raises GateError where too many rows vanished, came under new ids, or are rejected."""
    if last is None:
        return
    known = _count(cursor, SQL("SELECT count(*) FROM {} WHERE vanished_load IS NULL").format(scene.ledger))
    vanished = _count(
        cursor,
        SQL(
            "SELECT count(*) FROM {} AS l WHERE l.vanished_load IS NULL AND NOT EXISTS"
            " (SELECT FROM {} AS s WHERE s.source_id = l.source_id)"
        ).format(scene.ledger, scene.work("seen")),
    )
    name = scene.entity.name
    rekeyed = _rekeyed(cursor, scene) if vanished and scene.entity.same_thing else 0
    if rekeyed > max(1, known * REKEYED_SHARE) and not settings.allow_rekeyed:
        raise GateError(
            f"{rekeyed} of {known} known {name} come under new FileMaker ids: FileMaker's id field seems to be computed anew"
            " instead of stored.",
            setting="allow_rekeyed",
        )
    if vanished > VANISHED_ROWS and vanished > known * VANISHED_SHARE and not settings.allow_vanished:
        raise GateError(
            f"{vanished} of {known} known rows of {name} are not in this export: it may be cut, or a found set instead of"
            " all records.",
            setting="allow_vanished",
        )
    rows = _count(cursor, SQL("SELECT count(*) FROM {}").format(scene.work("seen")))
    rejected = _count(cursor, SQL("SELECT count(*) FROM {} WHERE reason IS NOT NULL").format(scene.work("incoming")))
    share_before = last.rejected / max(1, last.source_rows)
    if rejected > last.rejected + VANISHED_ROWS and rejected / max(1, rows) > share_before + REJECTED_SHARE:
        if not settings.allow_rejected:
            raise GateError(
                f"{rejected} of {rows} rows of {name} would be rejected; the last load rejected {last.rejected} of"
                f" {last.source_rows}.",
                setting="allow_rejected",
            )


def _rekeyed(cursor: Cursor, scene: Scene) -> int:
    """New source rows that say of a thing what a vanished, still living one says: the same thing under another id."""
    names = scene.entity.same_thing
    mine = SQL(", ").join(SQL("i.{}").format(new(name)) for name in names)
    theirs = SQL(", ").join(SQL("t.{}").format(Identifier(name)) for name in names)
    return _count(
        cursor,
        SQL("""
            SELECT count(DISTINCT i.source_id) FROM {incoming} AS i JOIN {decided} AS d USING (row_number)
            JOIN {target} AS t ON hash_record_extended(ROW({mine}), 0) = hash_record_extended(ROW({theirs}), 0)
            JOIN {ledger} AS l ON l.nexus_id = t.id
            WHERE d.action = 'make' AND NOT EXISTS (SELECT FROM {seen} AS s WHERE s.source_id = l.source_id)
        """).format(
            incoming=scene.work("incoming"),
            decided=scene.work("decided"),
            target=scene.target.table,
            mine=mine,
            theirs=theirs,
            ledger=scene.ledger,
            seen=scene.work("seen"),
        ),
    )

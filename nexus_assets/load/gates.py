"""Step 4: what is so unlike the last good load that nobody should load it unasked; run before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier

from nexus_assets import clinics
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.ledger.loads import LastLoad
from nexus_assets.ledger.schema import database_mark
from nexus_assets.load.identity import gone_sql
from nexus_assets.load.incoming import Counts, LoadContext, incoming_column
from nexus_assets.load.settings import config_json
from nexus_assets.mapping.entity import Entity, ExportRows
from nexus_assets.nexus import queries

if TYPE_CHECKING:
    from nexus_assets.load.settings import LoadSettings
    from nexus_assets.load.vanished import Ids
    from nexus_assets.nexus.catalog import Target

VANISHED_ROWS, VANISHED_SHARE = 20, 0.02
"""More vanished rows than both: half an export, or a found set instead of all records."""

REKEYED_SHARE = 0.005
"""A larger share of known people under new FileMaker ids: FileMaker recalculates its id field."""

SHOWN_IDS = 5
"""So many ids of rows stand in a message."""

WITHOUT_ID = ("no_id", "bad_id")
"""Reasons for a reject of which nobody can say which known row it is: whole columns of them look like rows that vanished."""

REJECTED_ROWS, REJECTED_SHARE = 5, 0.05
"""More rejected rows than both, beyond the last load's number and share: a column has changed its form."""


class GateError(NexusAssetsError):
    """The load was stopped before anything was written; `setting` is the run config field that lets it through."""

    def __init__(self, problem: str, *, setting: str, entity: str) -> None:
        super().__init__(
            problem,
            remedy=f"Nothing was written. If this is right: `{clinics.own_command(f'load {entity} --with {setting}')}`; or run the"
            f" load with `{setting}: true` in its config: in the Launchpad (ops → config → {setting}), or for Dagster's command with"
            f" {config_json(entity, setting)}.",
        )
        self.setting = setting


def _stop(settings: LoadSettings, setting: str, entity: str, problem: str) -> None:
    """Raises GateError unless the setting lets the load through."""
    if not getattr(settings, setting):
        raise GateError(problem, setting=setting, entity=entity)


class NeverLoadedError(NexusAssetsError):
    """An entity's parents were never loaded into this database; nothing was written."""


class ParentsGoneError(NexusAssetsError):
    """Rows that an entity refers to are gone, or have other ids now, and only their own load can tell; nothing was written."""


def check_parents_loaded(entity: Entity, loads: Mapping[str, LastLoad]) -> None:
    """Raises NeverLoadedError, naming the command, where a parent entity has no load in this database."""
    for name in entity.upstream:
        if name not in loads:
            parent = ENTITIES[name]
            first = (
                f"Export {', '.join(parent.exports)} from FileMaker if it is not there, then run"
                if parent.optional
                else "Run"
            )
            raise NeverLoadedError(
                f"{name} was never loaded into this database, and {entity.name} refers to it.",
                remedy=f"Nothing was written. {first} `{clinics.materialize_command('*' + entity.name)}`.",
            )


def check_parents_there(cursor: Cursor, entity: Entity, incomplete: Mapping[str, Target]) -> None:
    """Raises ParentsGoneError, naming the command, where rows of a parent are gone that its own load would bring back or follow.
    `incomplete`: the parents of which the ledger knows rows that are not in Nexus.

    Until then a link to one of them is dangling, and whether a person made it can't be told. Rows that people delete are brought back
    by no load: they stop nothing, and nothing links to them.
    """
    for name, parent in incomplete.items():
        if parent.entity.people_delete:
            continue
        gone = queries.number(cursor, SQL("SELECT count(*) FROM ({}) AS gone").format(gone_sql(parent)))
        if gone:
            raise ParentsGoneError(
                f"{entity.name} refers to {name}, and {gone} of those are not in Nexus under the ids that they had: another tool"
                " deleted them, or recreated them.",
                remedy=f"Nothing was written. Run `{clinics.materialize_command('*' + entity.name)}`: it brings them back"
                " first, or follows them.",
            )


def check_ledger_belongs(cursor: Cursor, entity: str, settings: LoadSettings) -> None:
    """Raises GateError where the ledger was made in another database (a copy, a restored dump)."""
    (known,), here = queries.row(cursor, "SELECT database_mark FROM nexus_assets.about"), database_mark(cursor)
    if known == here:
        return
    problem = "The ledger in this database was made in another one: this is a copy or a restored dump."
    _stop(settings, "allow_other_database", entity, problem)
    cursor.execute("UPDATE nexus_assets.about SET database_mark = %s", (here,))


def check_sources_not_older(context: LoadContext, sources: Mapping[str, Any]) -> None:
    """Raises GateError where an export is older than the one loaded last: by its version where both have one, else by its time."""
    if context.settings.allow_older_export:
        return
    for name, source in sources.items():
        before = context.last.sources.get(name) if context.last else None
        if before is None or "modified" not in before or source.get("sha256") == before.get("sha256"):
            continue
        problem = None
        version, version_before = _version(source), _version(before)
        if version is not None and version_before is not None and version != version_before:
            if version < version_before:
                problem = f"{source['file']} is version {version}; version {version_before} was loaded last."
        elif datetime.fromisoformat(source["modified"]) < datetime.fromisoformat(before["modified"]):
            problem = f"{source['file']} is of {source['modified']}; the one loaded last is of {before['modified']}."
        if problem:
            _stop(context.settings, "allow_older_export", context.entity.name, problem)


def _version(source: Mapping[str, Any]) -> int | None:
    """The number in `V9`: as text, V10 would come before it."""
    digits = "".join(filter(str.isdigit, source.get("version") or ""))
    return int(digits) if digits else None


def check_rows(
    cursor: Cursor, context: LoadContext, rows: int, ids: Ids, noticed: Mapping[str, int], counts: Counts
) -> None:
    """Raises GateError where there is nothing to load, or too many rows vanished, came under new ids, or are rejected.

    `rows` is the number of source rows. `noticed` are notices about the whole source:
    files that lost the rows which describe them are a cut export too.
    """
    name, last, stop = context.entity.name, context.last, partial(_stop, context.settings)
    if not context.settings.allow_empty:
        _check_not_empty(cursor, context, rows, counts.accepted)
    if last is None:
        return
    known, vanished, rejected = ids.known, ids.vanishing, sum(counts.rejected.values())
    rekeyed = _rekeyed(cursor, context) if context.entity.identity_columns else 0
    if rekeyed > max(1, known * REKEYED_SHARE):
        problem = (
            f"{rekeyed:,} of {known:,} known {name} come under new FileMaker ids: FileMaker's id field seems to be computed anew"
            " instead of stored."
        )
        stop("allow_rekeyed", name, problem)
    if _too_many(vanished, known):
        problem = f"{vanished:,} of {known:,} known rows of {name} are not in this export"
        stop("allow_vanished", name, problem + _why_vanished(vanished, known, counts))
    undescribed = noticed.get("files_without_row", 0) - last.notices.get("files_without_row", 0)
    if _too_many(undescribed, known):
        problem = (
            f"{undescribed:,} of {known:,} known {name} have lost their row in {context.entity.exports[0]}: it may be cut, or a"
            " found set instead of all records."
        )
        stop("allow_vanished", name, problem)
    share_before = last.rejected / max(1, last.source_rows)
    if rejected > last.rejected + REJECTED_ROWS and rejected / max(1, rows) > share_before + REJECTED_SHARE:
        problem = (
            f"{rejected:,} of {rows:,} rows of {name} would be rejected; the last load rejected {last.rejected:,} of"
            f" {last.source_rows:,}. The reasons now: {_told(counts.rejected)}."
        )
        stop("allow_rejected", name, problem)


def check_files_there(context: LoadContext, without_file: Sequence[str], known: int) -> None:
    """Raises GateError where the export still names files that are not in the bucket any more, however few: a row whose file
    is gone is an image that nobody sees, and a listing that ended early looks just so. `without_file` are ids in Nexus."""
    if context.last is None or not without_file:
        return
    entity = context.entity
    ids = ", ".join(without_file[:SHOWN_IDS]) + (", …" if len(without_file) > SHOWN_IDS else "")
    problem = (
        f"{len(without_file):,} of {known:,} known {entity.name} have no file in the bucket any more, and {entity.exports[0]} still names"
        f" them (id {ids}): they were deleted or moved, or the bucket was not listed to its end."
    )
    _stop(context.settings, "allow_missing_files", entity.name, problem)


def check_sources_not_empty(context: LoadContext, sources: Mapping[str, Any]) -> None:
    """Raises GateError where the entity's export has no record, or its listing no file: a wrong file, bucket or prefix."""
    entity, last = context.entity, context.last
    for name in (*entity.exports, *(f"s3/{listing}" for listing in entity.listings)):
        size = "rows" if name in entity.exports else "objects"
        if sources[name][size] or (last is not None and last.sources.get(name, {}).get(size) == 0):
            continue
        problem = f"{sources[name].get('file', name)}, the export {name}, has headings and no row."
        if size == "objects":
            listing = name.removeprefix("s3/")
            problem = (
                f"The bucket {sources[name]['bucket']} has no file of {listing}: check NEXUS_S3_BUCKET and"
                f" NEXUS_{listing.upper()}_PREFIX."
            )
        _stop(context.settings, "allow_empty", entity.name, problem)


def _check_not_empty(cursor: Cursor, context: LoadContext, rows: int, accepted: int) -> None:
    """An empty source, or a first one of which no row can be loaded, is a wrong folder, prefix or file, not a clinic's."""
    entity, last = context.entity, context.last
    names_some = bool(entity.owners) or (isinstance(entity.source, ExportRows) and entity.source.only_with is not None)
    if (last is not None and last.source_rows == 0) or (names_some and not rows):
        return
    problem = None
    if not rows:
        places = [*entity.exports, *(f"the bucket's {listing}" for listing in entity.listings)]
        problem = f"There is no row of {entity.name} in {' and '.join(places)}."
    elif last is None and not accepted:
        (reasons,) = queries.row(
            cursor,
            SQL(
                "SELECT string_agg(DISTINCT told, ', ' ORDER BY told)"
                " FROM (SELECT concat_ws(':', reason, reason_column) AS told FROM {} WHERE reason IS NOT NULL) AS rejected"
            ).format(context.work("incoming")),
        )
        problem = f"Not one of the {rows} rows of {entity.name} can be loaded ({reasons})."
    if problem:
        raise GateError(problem, setting="allow_empty", entity=entity.name)


def _why_vanished(vanished: int, known: int, counts: Counts) -> str:
    """What may be the matter with an export that lacks so many known rows: the end of the sentence that says how many."""
    nameless = {reason: counts.rejected[reason] for reason in WITHOUT_ID if reason in counts.rejected}
    if _too_many(sum(nameless.values()), known):
        return (
            f" under their ids, and {_told(nameless)} of its rows can't be told apart: FileMaker's id field was exported in"
            " another form, or another field in its place."
        )
    if vanished == known:
        return ": it may be cut, a found set instead of all records, or another clinic's."
    return ": it may be cut, or a found set instead of all records."


def _told(rejected: Mapping[str, int]) -> str:
    """How many rows were rejected for which reason, in words: 20 bad_id, 3 no_last_name."""
    return ", ".join(f"{rows:,} {reason}" for reason, rows in rejected.items())


def _too_many(rows: int, known: int) -> bool:
    return rows > VANISHED_ROWS and rows > known * VANISHED_SHARE


def _rekeyed(cursor: Cursor, context: LoadContext) -> int:
    """New source rows that say of a thing what a vanished, still living one says: the same thing under another id."""
    names = context.entity.identity_columns
    mine = SQL(", ").join(SQL("i.{}").format(incoming_column(name)) for name in names)
    theirs = SQL(", ").join(Identifier("t", name) for name in names)
    return queries.number(
        cursor,
        SQL("""
            SELECT count(DISTINCT i.source_id) FROM {incoming} AS i JOIN {decided} AS d USING (row_number)
            JOIN {target} AS t ON hash_record_extended(ROW({mine}), 0) = hash_record_extended(ROW({theirs}), 0)
            JOIN {ledger} AS l ON l.nexus_id = t.id
            WHERE d.action = 'insert' AND NOT EXISTS (SELECT FROM {seen} AS s WHERE s.source_id = l.source_id)
        """).format(
            incoming=context.work("incoming"),
            decided=context.work("decided"),
            target=context.target.table,
            mine=mine,
            theirs=theirs,
            ledger=context.ledger,
            seen=context.work("seen"),
        ),
    )

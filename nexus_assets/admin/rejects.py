"""The rows that could not be loaded: which are open, told without what is in them, and the end of those that are resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Literal

from nexus_assets import clinics
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.ledger.schema import install, is_installed
from nexus_assets.nexus import queries
from nexus_assets.nexus.connection import transaction


class NoLedgerError(NexusAssetsError):
    """Nothing was ever loaded into this database."""


@dataclass(frozen=True)
class Reject:
    """A row that could not be loaded: where it is and why, nothing of what is in it.

    `record` counts the export's records from 1, without the header (files of a listing: the files). `filemaker_id` is empty
    where the row's is no UUID: it could be any text. `files` are those that claim one record (`ambiguous_file`).
    """

    id: int
    entity: str
    record: int
    reason: str
    column: str
    filemaker_id: str
    since: datetime | None
    files: str = ""


@dataclass(frozen=True)
class Purged:
    """What was removed: resolved rejects by entity and reason, and corrected rows for which no export has a place any more."""

    rejects: Mapping[tuple[str, str], int]
    corrected: int


def check_installed(cursor: Cursor) -> None:
    """Raises NoLedgerError where the database has no ledger."""
    if not is_installed(cursor):
        raise NoLedgerError(
            "Nothing was ever loaded into this database: no row was rejected, and no value is kept.",
            remedy=f"Run `{clinics.materialize_command('*')}`.",
        )


def open_rejects(engine: sqlalchemy.Engine, entity: str | None, reason: str | None) -> list[Reject]:
    """Returns the open rejects (of one entity, of one reason), parents first, in the order of the export."""
    with transaction(engine, read_only=True) as cursor:
        check_installed(cursor)
        cursor.execute(
            SQL("""
                SELECT r.id, entity, row_number, reason, coalesce(column_name, ''),
                       coalesce(upper(nexus_assets.read_uuid(source_id)::text), ''), l.finished_at,
                       coalesce(payload ->> 'claimed_by', '')
                FROM nexus_assets.reject AS r LEFT JOIN (SELECT id, finished_at FROM nexus_assets.load) AS l
                  ON l.id = r.first_load
                WHERE resolved_load IS NULL AND entity = ANY({entities}) AND ({reason}::text IS NULL OR reason = {reason})
                ORDER BY array_position({entities}, entity), row_number, r.id
            """).format(entities=Literal([entity] if entity else [*ENTITIES]), reason=Literal(reason))
        )
        return [Reject(*row) for row in cursor.fetchall()]


def counts(rejects: Sequence[Reject]) -> dict[str, dict[str, int]]:
    """Returns how many rejects each entity has of each reason, most first."""
    found: dict[str, dict[str, int]] = {}
    for each in rejects:
        of = found.setdefault(each.entity, {})
        of[each.reason] = of.get(each.reason, 0) + 1
    return {name: dict(sorted(of.items(), key=lambda pair: -pair[1])) for name, of in found.items()}


def purge(engine: sqlalchemy.Engine, days: int) -> Purged:
    """Removes what was resolved more than so many days ago, and with it the patients' data in it. Open ones always stay.

    A corrected row stays as long as an export has the faulty one: without it that one would be rejected again.
    """
    with transaction(engine) as cursor:
        check_installed(cursor)
        install(cursor)
        cursor.execute(
            """
            WITH gone AS (
              DELETE FROM nexus_assets.reject AS r USING nexus_assets.load AS l
              WHERE l.id = r.resolved_load AND l.finished_at < now() - make_interval(days => %s)
              RETURNING r.entity, reason)
            SELECT entity, reason, count(*) FROM gone GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2
            """,
            (days,),
        )
        rejects = {(entity, reason): int(number) for entity, reason, number in cursor.fetchall()}
        corrected = queries.number(
            cursor,
            SQL("""
                WITH gone AS (DELETE FROM nexus_assets.correction WHERE idle_since < now() - make_interval(days => {}) RETURNING id)
                SELECT count(*) FROM gone
            """).format(Literal(days)),
        )
    return Purged(rejects, corrected)

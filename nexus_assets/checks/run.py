"""Asking checks, all of them of one state of the database, and keeping their answers: the history that the UI forgets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg2
from psycopg2.extras import Json, execute_values

from nexus_assets import settings
from nexus_assets.checks.check import NOT_EXPORTED, Check, CheckContext, Finding, StoredFiles
from nexus_assets.errors import NexusAssetsError, with_own_commands
from nexus_assets.ledger.retention import purge_check_results
from nexus_assets.ledger.schema import free_numbers, install, is_installed
from nexus_assets.nexus import catalog
from nexus_assets.nexus.connection import sanitized_errors, transaction

if TYPE_CHECKING:
    import sqlalchemy

    from nexus_assets.resources import ClinicBucket


def stored_files(bucket: ClinicBucket, run_id: str) -> StoredFiles:
    """The bucket as checks see it, listed once a run."""
    from nexus_assets.checks.files import EXPIRES_SECONDS, open_files, sizes

    return StoredFiles(
        listing=lambda listing: bucket.objects(listing, run_id),  # type: ignore[arg-type]
        prefix=bucket.prefix,  # type: ignore[arg-type]
        elsewhere=lambda keys: sizes(bucket.client(), bucket.name(), keys),
        open=lambda keys: open_files(bucket.address(EXPIRES_SECONDS), keys),
        list_first=lambda listings: bucket.list_first(listings, run_id),
    )


def ask_all(
    checks: Iterable[Check], engine: sqlalchemy.Engine, files: StoredFiles, *, deep: bool = False
) -> Iterator[tuple[Check, Finding | NexusAssetsError]]:
    """Each check with its finding, or with the reason why it could not run; all see one state of the database.

    Nothing is written. Raises NexusAssetsError where the database can't be reached at all, or is no migrated Nexus.
    """
    chosen = tuple(checks)
    files.list_first(dict.fromkeys(listing for check in chosen for listing in check.listings))
    with transaction(engine, read_only=True, commit=False) as cursor:
        # A check reads tables whole, whatever it finds. Where the planner expects few violators and there are as many as patients,
        # a nested loop reads one of those tables again for each: after the incident, 195 s in place of 2.6 at ten times the demo's size.
        cursor.execute("SET LOCAL enable_nestloop = off")
        catalog.content_types(cursor)
        if is_installed(cursor):
            # A ledger that an earlier version made may lack what the checks read: it is brought up to date for them only, in a
            # transaction that can write, and is rolled back.
            install(cursor)
        context = CheckContext(cursor, files, deep)
        for check in chosen:
            cursor.execute("SAVEPOINT asked")
            try:
                with sanitized_errors(engine):
                    found = check.find(context) if context.has_table(check.asset) else NOT_EXPORTED
                answer: Finding | NexusAssetsError = replace(found, next_step=with_own_commands(found.next_step))
            except NexusAssetsError as error:
                try:
                    cursor.execute("ROLLBACK TO SAVEPOINT asked")
                except psycopg2.Error:
                    # The connection itself is gone: none of the others can look either.
                    raise error from None
                answer = error
            yield check, answer


def keep(answers: Mapping[Check, Finding], engine: sqlalchemy.Engine, run_id: str) -> None:
    """Adds the findings to nexus_assets.check_result, where the database has a ledger, and removes those that are too old."""
    # Two that remove the same rows at once would fail: one waits for the other.
    with transaction(engine, lock="check_result") as cursor:
        if not is_installed(cursor):
            return
        install(cursor)
        free_numbers(cursor, "check_result")
        execute_values(
            cursor,
            "INSERT INTO nexus_assets.check_result"
            " (asset, check_name, severity, passed, violators, breakdown, figures, next_step, run_id) VALUES %s",
            [
                (
                    check.asset,
                    check.name,
                    check.severity,
                    finding.passed,
                    finding.count,
                    Json(dict(finding.breakdown)),
                    Json(dict(finding.figures)),
                    finding.next_step,
                    run_id,
                )
                for check, finding in answers.items()
            ],
        )
        purge_check_results(cursor, settings.RETENTION_DAYS.number())

"""Asking one check, and keeping its answer in the ledger: the history that the Dagster UI forgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg2.extras import Json

from nexus_assets.checks.check import Check, Finding, Looking, StoredFiles
from nexus_assets.database import transaction
from nexus_assets.load.ledger import is_installed

if TYPE_CHECKING:
    import sqlalchemy

    from nexus_assets.resources import ClinicBucket


def stored_files(bucket: ClinicBucket, run_id: str) -> StoredFiles:
    """The bucket as checks see it, listed once a run."""
    from nexus_assets.sources.s3 import object_size

    return StoredFiles(
        listing=lambda name: ((item.key, item.size, item.etag) for item in bucket.objects(name, run_id)),  # type: ignore[arg-type]
        prefix=lambda name: bucket.prefix(name),  # type: ignore[arg-type]
        size_of=lambda key: object_size(bucket.client(), bucket.name(), key),
    )


def ask(check: Check, engine: sqlalchemy.Engine, files: StoredFiles) -> Finding:
    """The check's finding, from one state of the database; nothing is written. Raises NexusAssetsError where it can't look."""
    with transaction(engine, commit=False) as cursor:
        return check.find(Looking(cursor, files))


def keep(check: Check, finding: Finding, engine: sqlalchemy.Engine, run_id: str) -> None:
    """Adds the finding to nexus_assets.check_result, where the database has a ledger."""
    with transaction(engine) as cursor:
        if is_installed(cursor):
            cursor.execute(
                "INSERT INTO nexus_assets.check_result (asset, check_name, severity, passed, violators, breakdown, run_id)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (
                    check.asset,
                    check.name,
                    check.severity,
                    finding.passed,
                    finding.count,
                    Json(dict(finding.breakdown)),
                    run_id,
                ),
            )

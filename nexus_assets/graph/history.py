"""How long Dagster keeps our runs. Dagster itself removes old ticks (`retention` in dagster.yaml), and never a run."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage

from nexus_assets.asset_keys import asset_key
from nexus_assets.checks import CHECKS
from nexus_assets.entities import ENTITIES

FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]

AT_ONCE = 100
"""How many runs one load or round looks at: a history of years is shortened step by step."""


def forget_old_runs(instance: dg.DagsterInstance, days: int) -> int:
    """Removes our runs that ended more than so many days ago, with their events; returns how many.

    What shows how an asset or a check stands stays: the run of its last materialization, or of its last result. Runs of other
    clinics and projects on the same Dagster are not ours to remove.
    """
    before = datetime.now(timezone.utc) - timedelta(days=days)
    old = instance.get_runs(dg.RunsFilter(statuses=FINISHED, updated_before=before), limit=AT_ONCE, ascending=True)
    ours = [run.run_id for run in old if _is_ours(run)]
    needed = _last_runs(instance) if ours else set()
    gone = [run_id for run_id in ours if run_id not in needed]
    for run_id in gone:
        instance.delete_run(run_id)
        _remove_file(instance, run_id)
    return len(gone)


def _is_ours(run: dg.DagsterRun) -> bool:
    """Whether all that a run was about are assets of this clinic."""
    keys = {*(run.asset_selection or ()), *(key.asset_key for key in run.asset_check_selection or ())}
    return bool(keys) and keys <= {asset_key(name) for name in (*ENTITIES, "import_report")}


def _last_runs(instance: dg.DagsterInstance) -> set[str]:
    """The runs in which each asset was last materialized, and each check last asked."""
    storage = instance.event_log_storage
    last = {record.asset_entry.last_run_id for record in storage.get_asset_records()}
    checks = [dg.AssetCheckKey(asset_key(check.asset), check.name) for check in CHECKS]
    found = storage.get_latest_asset_check_execution_by_key(checks)
    return {run_id for run_id in (*last, *(record.run_id for record in found.values())) if run_id}


def _remove_file(instance: dg.DagsterInstance, run_id: str) -> None:
    """SQLite keeps the events of each run in a file of its own, which would stay behind empty."""
    if isinstance(instance.event_log_storage, SqliteEventLogStorage):
        file = Path(instance.event_log_storage.path_for_shard(run_id))
        for each in (file, *(file.with_name(f"{file.name}-{ending}") for ending in ("wal", "shm"))):
            each.unlink(missing_ok=True)

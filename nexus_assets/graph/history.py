"""How long Dagster keeps our runs. Dagster itself removes old ticks (`retention` in dagster.yaml), and never a run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import islice
from pathlib import Path

import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage

from nexus_assets import settings
from nexus_assets.alerts.events import read_note, write_note
from nexus_assets.asset_keys import asset_key
from nexus_assets.checks import CHECKS
from nexus_assets.entities import ENTITIES
from nexus_assets.run_scope import Planned, Scope

FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]

AT_ONCE = 100
"""How many runs are removed at once: a history of years is shortened step by step."""

EVERY = timedelta(hours=1)
NOTE = "nexus_assets.history.shortened"
"""The note beside Dagster's history of when that was last done; the clinic's name follows where there is one."""


def clinic_scope() -> Scope:
    """What is ours wherever it runs: the assets and checks of this clinic."""
    assets = frozenset(asset_key(name) for name in (*ENTITIES, "import_report"))
    return Scope(frozenset(_check_keys()), assets, frozenset())


def shorten(instance: dg.DagsterInstance, scope: Scope) -> None:
    """Removes what the clinic's settings do not keep, once an hour at most, whoever asks."""
    now = datetime.now(timezone.utc)
    name = ".".join(filter(None, (NOTE, settings.clinic_name())))
    last = read_note(instance, name)
    if last is not None and 0 <= now.timestamp() - last["at"] < EVERY.total_seconds():
        return
    if forget_old_runs(instance, settings.RETENTION_DAYS.number(), scope) < AT_ONCE:
        write_note(instance, name, {"at": now.timestamp()})


def forget_old_runs(instance: dg.DagsterInstance, days: int, scope: Scope) -> int:
    """Removes our runs that ended more than so many days ago, with their events; returns how many.

    What shows how an asset or a check stands stays: the run of its last materialization, or of its last result. Runs of other
    clinics and projects on the same Dagster are not ours to remove.
    """
    needed = _last_runs(instance)
    old = _finished_before(instance, datetime.now(timezone.utc) - timedelta(days=days))
    ours = (run.run_id for run in old if run.run_id not in needed and scope.owns(run, _assets(instance, run)))
    gone = list(islice(ours, AT_ONCE))  # a page goes on behind its last run, which has to be there
    for run_id in gone:
        instance.delete_run(run_id)
        _remove_file(instance, run_id)
    return len(gone)


def _finished_before(instance: dg.DagsterInstance, before: datetime) -> Iterator[dg.DagsterRun]:
    """The runs that ended before, oldest first."""
    wanted, cursor = dg.RunsFilter(statuses=FINISHED, updated_before=before), None
    while page := instance.get_runs(wanted, cursor=cursor, limit=AT_ONCE, ascending=True):
        yield from page
        cursor = page[-1].run_id


def _assets(instance: dg.DagsterInstance, run: dg.DagsterRun) -> frozenset[dg.AssetKey]:
    """The assets of a run: those that were chosen, else those of its job."""
    chosen = {*(run.asset_selection or ()), *(key.asset_key for key in run.asset_check_selection or ())}
    return frozenset(chosen) or Planned.of(instance, run.run_id).assets


def _check_keys() -> list[dg.AssetCheckKey]:
    return [dg.AssetCheckKey(asset_key(check.asset), check.name) for check in CHECKS]


def _last_runs(instance: dg.DagsterInstance) -> set[str]:
    """The runs in which each asset was last materialized, and each check last asked."""
    storage = instance.event_log_storage
    last = {record.asset_entry.last_run_id for record in storage.get_asset_records()}
    found = storage.get_latest_asset_check_execution_by_key(_check_keys())
    return {run_id for run_id in (*last, *(record.run_id for record in found.values())) if run_id}


def _remove_file(instance: dg.DagsterInstance, run_id: str) -> None:
    """SQLite keeps the events of each run in a file of its own, which would stay behind empty."""
    if isinstance(instance.event_log_storage, SqliteEventLogStorage):
        file = Path(instance.event_log_storage.path_for_shard(run_id))
        for each in (file, *(file.with_name(f"{file.name}-{ending}") for ending in ("wal", "shm"))):
            each.unlink(missing_ok=True)

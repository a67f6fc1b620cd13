"""What Dagster's history says went wrong or right since last time: checks, crashed checks, failed loads and runs.

Everything here that Dagster does not promise to keep is in this one module (`get_asset_check_execution_history`, its record
and status, the cursors of daemons): pyproject.toml pins Dagster's minor release for its sake.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any, Literal

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus as Status

from nexus_assets.alerts.store import Seen
from nexus_assets.asset_keys import asset_key, asset_name
from nexus_assets.clinics import materialize_command, own_command
from nexus_assets.run_scope import UNNAMED_JOB, Planned, Scope

Kind = Literal["check", "crash", "load", "run"]

PAGE = 50
LOOK_BACK = timedelta(days=1)
"""How far the very first look goes back for failed runs."""

OVERLAP = timedelta(minutes=5)
"""Runs are looked at again for so long: two computers' clocks differ, and a late commit is older than it seems."""

SILENT_AFTER = timedelta(hours=1)
"""A run that goes on without a word for longer was killed, or hangs: no step takes that long."""


@dataclass(frozen=True)
class Event:
    """Something went wrong (`bad`) or right again. `violators` is None where nothing could be counted."""

    subject: str
    kind: Kind
    asset: str
    bad: bool
    at: float
    run_id: str
    severity: str = "ERROR"
    violators: int | None = None
    breakdown: Mapping[str, int] = field(default_factory=dict)
    cause: str = ""
    next_step: str = ""
    blocking: bool = False


@dataclass(frozen=True)
class OpenSubject:
    """What is known to be wrong, so that its end can be looked for."""

    subject: str
    kind: str
    asset: str


class History:
    """One look at the history of an instance."""

    def __init__(self, instance: dg.DagsterInstance, scope: Scope, now: datetime | None = None) -> None:
        self._instance = instance
        self._scope = scope
        self._now = now or datetime.now(timezone.utc)
        self._failed_steps = cache(self._read_failed_steps)

    def read(
        self, seen: Mapping[str, Seen], open_subjects: Iterable[OpenSubject]
    ) -> tuple[list[Event], dict[str, Seen]]:
        """The events since `seen`, in the order of their times, and what is seen now."""
        events: list[Event] = []
        now_seen: dict[str, Seen] = {}
        for key in sorted(self._scope.checks, key=str):
            subject = _subject(key)
            found, position = self._check_events(key, subject, seen.get(subject))
            events += found
            if position is not None and position != seen.get(subject):
                now_seen[subject] = position
        failed, now_seen["runs"] = self._failed_runs(seen.get("runs"))
        silent, now_seen["silent runs"] = self._silent_runs(seen.get("silent runs"))
        # A failure that was read before, and has been made good since, is not told again.
        bad = [event for event in (*failed, *silent) if event.at > _position(seen, event.subject)]
        good = [
            event
            for event in self._ends(open_subjects, bad, seen)
            if event.at
            > max(_position(seen, event.subject), *(each.at for each in bad if each.subject == event.subject), 0)
        ]
        for event in (*bad, *good):
            now_seen[event.subject] = Seen(max(event.at, _position(now_seen, event.subject)))
        return sorted((*events, *bad, *good), key=lambda event: event.at), now_seen

    # --- checks -------------------------------------------------------------------------------------------------------

    def _check_events(self, key: dg.AssetCheckKey, subject: str, seen: Seen | None) -> tuple[list[Event], Seen | None]:
        records = list(self._records(key, seen))
        if not records:
            return [], seen
        events: list[Event] = []
        pending: list[int] = []
        for record in reversed(records):
            if record.status is not Status.PLANNED:
                events.append(_evaluated(record, subject))
                continue
            run = self._instance.get_run_by_id(record.run_id)
            if run is None:
                continue
            if not run.is_finished:
                pending.append(record.id)
            elif run.is_failure:
                error = self._failed_steps(record.run_id).get(_step(record))
                # Where its step did not fail, it was not reached: what stopped the run is reported separately.
                if error is not None:
                    events.append(
                        Event(
                            subject,
                            "crash",
                            asset_name(key.asset_key),
                            True,
                            self._end(record.run_id),
                            record.run_id,
                            cause=error,
                            next_step=own_command(f"check --select {subject}"),
                        )
                    )
        return events, Seen(max(records[0].id, seen.position if seen else 0.0), tuple(pending))

    def _records(self, key: dg.AssetCheckKey, seen: Seen | None) -> Iterator[AssetCheckExecutionRecord]:
        """The records that were not read yet, newest first; the first look goes back to the last evaluation."""
        history = self._instance.event_log_storage.get_asset_check_execution_history
        if seen is None:
            for record in history(key, limit=PAGE):
                yield record
                if record.status is not Status.PLANNED:
                    return
            return
        oldest = min((seen.position + 1, *seen.pending))
        cursor: int | None = None
        while True:
            page = history(key, limit=PAGE, cursor=cursor)
            for record in page:
                if record.id < oldest:
                    return
                if record.id > seen.position or record.id in seen.pending:
                    yield record
            if len(page) < PAGE:
                return
            cursor = page[-1].id

    # --- runs ---------------------------------------------------------------------------------------------------------

    def _failed_runs(self, seen: Seen | None) -> tuple[list[Event], Seen]:
        position = (self._now - LOOK_BACK).timestamp() if seen is None else seen.position
        since = datetime.fromtimestamp(position, timezone.utc) - (OVERLAP if seen else timedelta())
        told = () if seen is None else seen.pending
        records = self._instance.get_run_records(
            dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since), ascending=True
        )
        events: list[Event] = []
        for record in records:
            if record.storage_id not in told:
                events += self._failures(record)
        latest = max((record.update_timestamp.timestamp() for record in records), default=position)
        return events, Seen(max(position, latest), tuple(record.storage_id for record in records))

    def _failures(self, record: Any) -> Iterator[Event]:
        """What failed in a run: the loads of assets; the run itself where no step tells of it. Checks tell of themselves."""
        run = record.dagster_run
        at = record.end_time or record.update_timestamp.timestamp()
        planned = Planned.of(self._instance, run.run_id)
        if not self._scope.holds(run, planned.assets):
            return
        failed = self._failed_steps(run.run_id)
        for step, error in failed.items():
            if step in planned.loads:
                asset = asset_name(planned.loads[step])
                run_next = materialize_command(asset)
                yield Event(f"load {asset}", "load", asset, True, at, run.run_id, cause=error, next_step=run_next)
            elif step not in planned.checks:
                yield _of_run(run, planned, at, f"The step {step} failed. {error}".rstrip())
        if not failed:
            yield _of_run(run, planned, at, "It ended before any step could report why.")

    def _silent_runs(self, seen: Seen | None) -> tuple[list[Event], Seen]:
        told = () if seen is None else seen.pending
        started = dg.RunsFilter(
            statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING],
            updated_before=self._now - SILENT_AFTER,
        )
        events: list[Event] = []
        silent: list[int] = []
        for record in self._instance.get_run_records(started):
            run = record.dagster_run
            planned = Planned.of(self._instance, run.run_id)
            if not self._scope.holds(run, planned.assets):
                continue
            last = self._instance.get_records_for_run(run.run_id, limit=1, ascending=False).records
            at = last[0].event_log_entry.timestamp if last else record.update_timestamp.timestamp()
            if self._now.timestamp() - at > SILENT_AFTER.total_seconds():
                silent.append(record.storage_id)
                if record.storage_id not in told:
                    events.append(
                        _of_run(
                            run,
                            planned,
                            at,
                            "It began and has not said anything for an hour: it was killed or hangs.",
                        )
                    )
        return events, Seen(0.0, tuple(silent))

    def _ends(
        self, open_subjects: Iterable[OpenSubject], bad: Iterable[Event], seen: Mapping[str, Seen]
    ) -> Iterator[Event]:
        """Loads and runs that succeeded, of those that are known to have failed."""
        wrong = {one.subject: one for one in open_subjects if one.kind in ("load", "run")}
        wrong |= {event.subject: OpenSubject(event.subject, event.kind, event.asset) for event in bad}
        for one in wrong.values():
            if one.kind == "load":
                event = self._instance.get_latest_materialization_event(asset_key(*one.asset.split("/")))
                if event is not None:
                    yield Event(one.subject, "load", one.asset, False, event.timestamp, event.run_id)
            else:
                yield from self._success(one.subject, _position(seen, one.subject))

    def _success(self, subject: str, since: float) -> Iterator[Event]:
        """The last run that did to its end what a failed one was to do: the same job, or, of chosen assets, all of them."""
        job, _, chosen = subject.removeprefix("run ").partition(" ")
        wanted = dg.RunsFilter(
            job_name=None if chosen else job,
            statuses=[dg.DagsterRunStatus.SUCCESS],
            updated_after=datetime.fromtimestamp(since, timezone.utc) if since else None,
        )
        cursor: str | None = None
        while True:
            page = self._instance.get_run_records(wanted, limit=PAGE, cursor=cursor)
            for record in page:
                run = record.dagster_run
                planned = Planned.of(self._instance, run.run_id)
                if self._scope.holds(run, planned.assets) and planned.names.issuperset(
                    filter(None, chosen.split(", "))
                ):
                    at = record.end_time or record.update_timestamp.timestamp()
                    yield Event(subject, "run", "", False, at, run.run_id)
                    return
            if len(page) < PAGE:
                return
            cursor = page[-1].dagster_run.run_id

    # --- what a run says of its steps ---------------------------------------------------------------------------------

    def _read_failed_steps(self, run_id: str) -> dict[str, str]:
        """Step -> why it failed, in words without any row's content."""
        failures = self._instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
        return {
            event.dagster_event.step_key or "": plain_error(event.dagster_event.step_failure_data.error)
            for event in failures
            if event.dagster_event is not None
        }

    def _end(self, run_id: str) -> float:
        record = self._instance.get_run_record_by_id(run_id)
        return self._now.timestamp() if record is None or record.end_time is None else record.end_time


def plain_error(error: Any) -> str:
    """What may be told of an error: our own errors' words, which hold no patient data (law 6); of others only their name."""
    name = ""
    while error is not None:
        message = (error.message or "").strip()
        kind, _, text = message.partition(": ")
        if kind.startswith("nexus_assets."):
            return str(text)
        name, error = error.cls_name or name, error.cause
    return f"An error of the kind {name}; see the run's page." if name else ""


def _position(seen: Mapping[str, Seen], subject: str) -> float:
    return seen[subject].position if subject in seen else 0.0


def _subject(key: dg.AssetCheckKey) -> str:
    return f"{asset_name(key.asset_key)}/{key.name}"


def _step(record: AssetCheckExecutionRecord) -> str:
    said = record.event.dagster_event if record.event else None
    return (said.step_key if said else None) or ""


def _of_run(run: dg.DagsterRun, planned: Planned, at: float, cause: str) -> Event:
    chosen = f" {', '.join(sorted(planned.names))}" if run.job_name == UNNAMED_JOB else ""
    return Event(
        f"run {run.job_name}{chosen}",
        "run",
        "",
        True,
        at,
        run.run_id,
        cause=cause,
        next_step="Open the run, correct what it says, run it again",
    )


def _evaluated(record: AssetCheckExecutionRecord, subject: str) -> Event:
    """The event of an evaluation: numbers and codes of its metadata, nothing else of it."""
    evaluation = record.evaluation
    assert evaluation is not None
    assert record.event is not None
    told = evaluation.metadata
    breakdown: dict[str, int] = {}
    table = told.get("breakdown")
    if isinstance(table, dg.TableMetadataValue):
        breakdown = {str(row.data["reason"]): int(str(row.data["rows"])) for row in table.records}
    violators = told.get("violators")
    return Event(
        subject,
        "check",
        asset_name(evaluation.asset_key),
        not evaluation.passed,
        record.event.timestamp,
        record.run_id,
        evaluation.severity.value,
        int(violators.value) if isinstance(violators, dg.IntMetadataValue) and violators.value is not None else None,
        breakdown,
        _text(told.get("likely_cause")),
        _text(told.get("run_next")),
        bool(evaluation.blocking),
    )


def _text(value: object) -> str:
    return str(value.value or "") if isinstance(value, dg.TextMetadataValue) else ""


# --- a note that survives where the Nexus database can't be reached -----------------------------------------------------


def read_note(instance: dg.DagsterInstance, name: str) -> dict[str, Any] | None:
    """What was noted beside Dagster's history under this name; None where nothing was."""
    noted = instance.daemon_cursor_storage.get_cursor_values({name}).get(name)
    found: dict[str, Any] | None = json.loads(noted) if noted else None
    return found


def write_note(instance: dg.DagsterInstance, name: str, content: dict[str, Any] | None) -> None:
    """Notes something beside Dagster's history; None takes the note away."""
    instance.daemon_cursor_storage.set_cursor_values({name: json.dumps(content)})

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

Kind = Literal["check", "crash", "load", "run"]

UNNAMED_JOB = "__ASSET_JOB"
"""What Dagster calls the job of a run of assets that somebody chose."""

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
class Seen:
    """Up to where a subject's history was read, and the records before that which were not over yet (of runs: were told)."""

    position: float
    pending: tuple[int, ...] = ()


@dataclass(frozen=True)
class OpenSubject:
    """What is known to be wrong, so that its end can be looked for."""

    subject: str
    kind: str
    asset: str


class History:
    """One look at the history of an instance."""

    def __init__(self, instance: dg.DagsterInstance, now: datetime | None = None) -> None:
        self._instance = instance
        self._now = now or datetime.now(timezone.utc)
        self._failed_steps = cache(self._read_failed_steps)

    def read(
        self, keys: Iterable[dg.AssetCheckKey], seen: Mapping[str, Seen], open_subjects: Iterable[OpenSubject]
    ) -> tuple[list[Event], dict[str, Seen]]:
        """The events since `seen`, in the order of their times, and what is seen now."""
        events: list[Event] = []
        now_seen: dict[str, Seen] = {}
        for key in sorted(keys, key=str):
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
            for event in self._ends(open_subjects, bad)
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
                # Where its step did not fail, it was not reached: what stopped the run is told by itself.
                if error is not None:
                    events.append(
                        Event(
                            subject,
                            "crash",
                            key.asset_key.to_user_string(),
                            True,
                            self._end(record.run_id),
                            record.run_id,
                            cause=error,
                            next_step=f"nexus-assets check --select {subject}",
                        )
                    )
        return events, Seen(max(records[0].id, _position({subject: seen} if seen else {}, subject)), tuple(pending))

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
        planned = self._planned(run.run_id)
        failed = self._failed_steps(run.run_id)
        for step, error in failed.items():
            kind, asset = planned.get(step, ("run", ""))
            if kind == "load":
                yield Event(
                    f"load {asset}", "load", asset, True, at, run.run_id, cause=error, next_step=_load_again(asset)
                )
            elif kind == "run":
                yield _of_run(run.job_name, at, run.run_id, f"The step {step} failed. {error}".rstrip())
        if not failed:
            yield _of_run(run.job_name, at, run.run_id, "It ended before any step could tell why.")

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
            last = self._instance.get_records_for_run(run.run_id, limit=1, ascending=False).records
            at = last[0].event_log_entry.timestamp if last else record.update_timestamp.timestamp()
            if self._now.timestamp() - at > SILENT_AFTER.total_seconds():
                silent.append(record.storage_id)
                if record.storage_id not in told:
                    events.append(
                        _of_run(
                            run.job_name,
                            at,
                            run.run_id,
                            "It began and has not said anything for an hour: it was killed or hangs.",
                        )
                    )
        return events, Seen(0.0, tuple(silent))

    def _ends(self, open_subjects: Iterable[OpenSubject], bad: Iterable[Event]) -> Iterator[Event]:
        """Loads and runs that succeeded, of those that are known to have failed."""
        wrong = {one.subject: one for one in open_subjects if one.kind in ("load", "run")}
        wrong |= {event.subject: OpenSubject(event.subject, event.kind, event.asset) for event in bad}
        for one in wrong.values():
            if one.kind == "load":
                event = self._instance.get_latest_materialization_event(dg.AssetKey(one.asset.split("/")))
                if event is not None:
                    yield Event(one.subject, "load", one.asset, False, event.timestamp, event.run_id)
            else:
                job = one.subject.removeprefix("run ")
                succeeded = dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.SUCCESS])
                for record in self._instance.get_run_records(succeeded, limit=1):
                    at = record.end_time or record.update_timestamp.timestamp()
                    yield Event(one.subject, "run", "", False, at, record.dagster_run.run_id)

    # --- what a run says of its steps ---------------------------------------------------------------------------------

    def _planned(self, run_id: str) -> dict[str, tuple[str, str]]:
        """Step -> what it was to do: ("load", asset) or ("check", "")."""
        planned = {}
        wanted = {dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED}
        for event in self._instance.all_logs(run_id, of_type=wanted):
            said = event.dagster_event
            if said is not None and said.step_key is not None:
                asset = said.asset_key
                planned[said.step_key] = ("load", asset.to_user_string()) if asset else ("check", "")
        return planned

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
    return f"An error of the kind {name}; the run's page tells more." if name else ""


def _position(seen: Mapping[str, Seen], subject: str) -> float:
    return seen[subject].position if subject in seen else 0.0


def _subject(key: dg.AssetCheckKey) -> str:
    return f"{key.asset_key.to_user_string()}/{key.name}"


def _step(record: AssetCheckExecutionRecord) -> str:
    said = record.event.dagster_event if record.event else None
    return (said.step_key if said else None) or ""


def _load_again(asset: str) -> str:
    return f"dagster asset materialize --select {asset}"


def _of_run(job: str, at: float, run_id: str, cause: str) -> Event:
    return Event(
        f"run {job}",
        "run",
        "",
        True,
        at,
        run_id,
        cause=cause,
        next_step="Open the run, mend what it says, run it again",
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
        evaluation.asset_key.to_user_string(),
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

"""Materializing from a terminal, with the history that the UI shows, a bar of the load that goes on, and a line for every step as
it ends."""

from __future__ import annotations

import getpass
import os
import re
import signal
import threading
import uuid
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.execution.api import execute_run
from rich.console import Console
from rich.markup import escape

from nexus_assets import clinics
from nexus_assets.asset_keys import asset_key, clinic_tags
from nexus_assets.commands import dagster_instance
from nexus_assets.commands.progress_bar import Bars
from nexus_assets.graph.entity_assets import NOT_EXPORTED

LOOK_SECONDS = 0.2
DEFINITIONS = ReconstructableRepository.for_module("nexus_assets.definitions", "defs")
"""The definitions as other processes can find them: those in which the executor of the settings carries out the steps."""


def _tell(event: dg.DagsterEvent, console: Console) -> None:
    if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION:
        metadata = event.materialization.metadata
        if sentence := metadata.get("verdict") or metadata.get(NOT_EXPORTED):
            console.print(f"  {event.materialization.asset_key.to_user_string()}: {sentence.value}")
            return
        counts = [
            f"{metadata[name].value:,} {name}"
            for name in ("inserted", "updated", "unchanged", "kept", "rejected")
            if name in metadata and metadata[name].value
        ]
        seconds = metadata["seconds"].value if "seconds" in metadata else 0
        console.print(f"  {event.materialization.asset_key.to_user_string()}: {', '.join(counts)} ({seconds:.1f} s)")
    elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        evaluation = event.asset_check_evaluation_data
        if not evaluation.passed:
            colour = "red" if evaluation.severity == dg.AssetCheckSeverity.ERROR else "yellow"
            name = f"{evaluation.asset_key.to_user_string()}/{evaluation.check_name}"
            console.print(
                f"  [{colour}]{evaluation.severity.value} {name}[/{colour}]: {escape(evaluation.description or '')}",
                highlight=False,
                soft_wrap=True,
            )
    elif event.event_type == dg.DagsterEventType.STEP_FAILURE:
        error = event.step_failure_data.error
        if _is_interruption(event):
            return
        told = error.cause.message if error and error.cause else (error.message if error else "")
        words = re.sub(r"^nexus_assets\.[\w.]+: ", "", told.strip())
        # A command in it can be pasted: the terminal breaks its lines.
        console.print(f"  [red]{event.step_key} failed[/red]: {escape(words)}", soft_wrap=True)


def _is_interruption(event: dg.DagsterEvent) -> bool:
    """Whether Ctrl-C or SIGTERM ended the run, or one of its steps."""
    if event.event_type == dg.DagsterEventType.STEP_FAILURE:
        error = event.step_failure_data.error
        return bool(error and error.cls_name == "DagsterExecutionInterruptedError")
    return event.event_type == dg.DagsterEventType.RUN_CANCELED


class _Follower(threading.Thread):
    """Tells the events of a run while it goes on."""

    def __init__(self, instance: dg.DagsterInstance, run_id: str, console: Console) -> None:
        super().__init__(daemon=True)
        self._instance, self._run_id, self._console = instance, run_id, console
        self._over = threading.Event()
        self._cursor: str | None = None
        self.interrupted = False

    def run(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self._look()
            if self.interrupted and not self._over.is_set():
                # To Dagster an interruption is the failure of one step: the next one is not to begin either.
                os.kill(os.getpid(), signal.SIGINT)
        self._look()

    def _look(self) -> None:
        records = self._instance.get_records_for_run(self._run_id, cursor=self._cursor)
        self._cursor = records.cursor
        for record in records.records:
            if (event := record.event_log_entry.dagster_event) is not None:
                self.interrupted = self.interrupted or _is_interruption(event)
                _tell(event, self._console)

    def finish(self) -> None:
        self._over.set()
        self.join()


def requested_by() -> dict[str, str]:
    """The tag of a run that a person started from a terminal: the name of their account on this machine."""
    try:
        return {"nexus/requested_by": getpass.getuser()}
    except (KeyError, OSError):  # a container whose user has no name
        return {}


def materialize(
    console: Console,
    names: Sequence[str] | None = None,
    config: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
) -> bool:
    """Materializes these assets (all where none are named) with their checks in one run of the DAGSTER_HOME, if that is set.

    `config` is the run config of each by its name. Returns whether all of it succeeded. A run over everything is one of the job
    `import_everything`, as the schedule starts it. Raises KeyboardInterrupt where it was interrupted.
    """
    run_id = str(uuid.uuid4())
    # Dagster's way of reading the fields of a resource that has none; nobody at a terminal can do anything about it.
    warnings.filterwarnings("ignore", message="The .__fields__. attribute is deprecated")
    job = DEFINITIONS.get_reconstructable_job("__ASSET_JOB" if names else "import_everything")
    selection = frozenset(map(asset_key, names)) if names else None
    subset = job.get_subset(asset_selection=selection) if selection else job
    with dagster_instance.opened(needed=False) as instance, Bars(console):
        follower = _Follower(instance, run_id, console)
        follower.start()
        try:
            run = instance.create_run_for_job(
                subset.get_definition(),
                run_id=run_id,
                tags={**clinic_tags(), **requested_by(), **(tags or {})},
                asset_selection=selection,
                run_config={
                    "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                    "ops": {
                        clinics.step_name(name): {"config": dict(values)} for name, values in (config or {}).items()
                    },
                },
                job_code_origin=job.get_python_origin(),
            )
            result = execute_run(job, run, instance)
        finally:
            follower.finish()
    if follower.interrupted:
        # Dagster has noted the interruption in its history, and kept it to itself.
        raise KeyboardInterrupt
    return bool(result.success)

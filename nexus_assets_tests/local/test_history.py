"""Dagster's history over connections that stay open: what it holds is what Dagster's own storage writes and reads."""

import multiprocessing
import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest
import sqlalchemy as sa
import yaml

from nexus_assets.graph.history import _remove_file
from nexus_assets.graph.resources import NoStoredValues
from nexus_assets.local.history import FILES_OPEN, SqliteHistory

pytestmark = pytest.mark.extended

OURS = {
    "custom": {
        "module": "nexus_assets.local.history",
        "class": "SqliteHistory",
        "config": {"base_dir": {"env": "HERE"}},
    }
}
STORAGES = {"ours": OURS, "Dagster's": {"sqlite": {"base_dir": {"env": "HERE"}}}}

Opened = Callable[[str], Any]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Opens the history of one folder with either storage."""
    monkeypatch.setenv("HERE", str(tmp_path))

    def open_(whose: str) -> Any:
        settings = {"telemetry": {"enabled": False}, "storage": STORAGES[whose]}
        (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(settings))
        return dg.DagsterInstance.from_config(str(tmp_path))

    return open_


@dg.asset(check_specs=[dg.AssetCheckSpec("holds", asset="galahs")])
def galahs() -> dg.MaterializeResult:  # type: ignore[type-arg]
    return dg.MaterializeResult(
        metadata={"rows": 7}, check_results=[dg.AssetCheckResult(passed=True, check_name="holds")]
    )


def materialize(instance: dg.DagsterInstance) -> str:
    result = dg.materialize([galahs], instance=instance)
    assert result.success
    return result.run_id


def _nothing() -> None: ...


def told(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    return [str(entry.dagster_event_type) for entry in instance.all_logs(run_id)]


@pytest.mark.parametrize(("writer", "reader"), [("ours", "Dagster's"), ("Dagster's", "ours")])
def test_either_storage_reads_what_the_other_one_wrote(opened: Opened, writer: str, reader: str) -> None:
    with opened(writer) as instance:
        run_id = materialize(instance)
        before = told(instance, run_id)
    with opened(reader) as instance:
        assert instance.get_run_by_id(run_id).status is dg.DagsterRunStatus.SUCCESS
        assert told(instance, run_id) == before
        event = instance.get_latest_materialization_event(dg.AssetKey("galahs"))
        assert event.asset_materialization.metadata["rows"].value == 7
        key = dg.AssetCheckKey(dg.AssetKey("galahs"), "holds")
        assert instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key].run_id == run_id
        materialize(instance)
        assert instance.get_runs_count() == 2


def test_a_run_opens_few_connections(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    paths: list[str] = []
    connect = sqlite3.dbapi2.connect
    monkeypatch.setattr(sqlite3.dbapi2, "connect", lambda path, **how: paths.append(path) or connect(path, **how))
    connections = {}
    for whose in STORAGES:
        with opened(whose) as instance:
            materialize(instance)
            del paths[:]
            materialize(instance)
            connections[whose] = len(paths)
    # Ours are those in which Dagster creates the tables of the run's file.
    assert 5 * connections["ours"] < connections["Dagster's"]


def test_a_larger_run_opens_hardly_more_connections_to_a_history_in_postgresql(database: str) -> None:
    assets = [dg.asset(name=f"flock_{number}")(_nothing) for number in range(6)]
    connections = []
    with dg.instance_for_test({"storage": {"postgres": {"postgres_url": database}}}) as instance:
        for selected in (assets[:1], assets[:1], assets):  # the first one creates tables
            opened: list[None] = []
            sa.event.listen(sa.pool.Pool, "connect", note := lambda *_, opened=opened: opened.append(None))
            try:
                dg.materialize(selected, instance=instance, resources={"io_manager": NoStoredValues()})
            finally:
                sa.event.remove(sa.pool.Pool, "connect", note)
            connections.append(len(opened))
    assert connections[2] - connections[1] < len(assets) * 2  # 42 over Dagster's own


def test_few_files_stay_open_and_none_when_it_is_closed(opened: Opened) -> None:
    with opened("ours") as instance:
        runs = [materialize(instance) for _ in range(FILES_OPEN + 2)]
        assert [told(instance, run_id) != [] for run_id in runs] == [True] * len(runs)
        assert len({path for path in _open_databases() if "/runs/" in path}) == FILES_OPEN
    assert _open_databases() == []


def _open_databases() -> list[str]:
    return [file.path for file in psutil.Process().open_files() if file.path.endswith(".db")]


def test_a_run_that_was_removed_has_no_event(opened: Opened) -> None:
    with opened("ours") as instance, opened("ours") as another:
        run_id = materialize(instance)
        assert told(another, run_id) != []
        instance.delete_run(run_id)
        _remove_file(instance, run_id)
        assert told(another, run_id) == []
        assert another.get_run_by_id(run_id) is None


def test_files_that_were_removed_meanwhile_are_created_again(opened: Opened, tmp_path: Path) -> None:
    with opened("ours") as instance:
        materialize(instance)
        instance.event_log_storage.wipe()
        for file in tmp_path.rglob("index.db*"):
            file.unlink()
        run_id = materialize(instance)
    with opened("Dagster's") as instance:
        assert instance.get_latest_materialization_event(dg.AssetKey("galahs")).run_id == run_id


def test_a_table_of_a_file_that_was_removed_is_not_taken_for_one_of_the_next(opened: Opened, tmp_path: Path) -> None:
    with opened("ours") as instance:
        log = instance.event_log_storage
        assert not log.has_table("later")
        with log.index_connection() as connection:
            connection.exec_driver_sql("CREATE TABLE later (id integer)")
        assert log.has_table("later")
        for file in tmp_path.rglob("index.db*"):
            file.unlink()
        assert not log.has_table("later")


def test_who_watches_a_run_is_told_of_each_event(opened: Opened) -> None:
    heard = threading.Event()
    with opened("ours") as instance, opened("ours") as another:
        run_id = materialize(instance)
        another.watch_event_logs(run_id, None, lambda *_: heard.set())
        # Some time after it was asked for, the watch begins.
        for _ in range(20):
            instance.report_engine_event("Back.", run_id=run_id, job_name="any")
            if heard.wait(0.5):
                break
        assert heard.is_set()


def test_threads_write_at_once(opened: Opened) -> None:
    with opened("ours") as instance, ThreadPoolExecutor(8) as threads:
        run_id = materialize(instance)

        def work(number: int) -> int:
            instance.report_runless_asset_event(dg.AssetMaterialization("galahs", metadata={"rows": number}))
            return len(told(instance, run_id))

        assert {*threads.map(work, range(40))} == {len(told(instance, run_id))}
        records = instance.fetch_materializations(dg.AssetKey("galahs"), limit=100).records
        written = sorted(record.asset_materialization.metadata["rows"].value for record in records)
        assert written == sorted([*range(40), 7])


def test_a_forked_process_opens_connections_of_its_own(opened: Opened) -> None:
    with opened("ours") as instance:
        run_id = materialize(instance)
        child = multiprocessing.get_context("fork").Process(target=_exit_after_a_run, args=(instance,))
        child.start()
        child.join(60)
        assert child.exitcode == 0
        assert instance.get_runs_count() == 2
        assert told(instance, run_id) != []


def _exit_after_a_run(instance: dg.DagsterInstance) -> None:
    materialize(instance)
    os._exit(0)


def test_home_of_the_user_may_be_written_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert SqliteHistory.from_local("~/dagster").base_dir == str(tmp_path / "dagster")
    assert (tmp_path / "dagster" / "history" / "runs.db").exists()

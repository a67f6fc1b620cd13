"""Dagster's runs go after a while, and with them their events; the last of each asset stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from nexus_assets.graph import history
from nexus_assets.graph.history import clinic_scope, shorten
from nexus_assets.run_scope import Scope

pytestmark = pytest.mark.extended

ALL_ARE_OLD = -1


def forget_old_runs(instance: dg.DagsterInstance, days: int, scope: Scope | None = None) -> int:
    return history.forget_old_runs(instance, days, scope or clinic_scope())


@dg.asset
def patients() -> None: ...


@dg.asset
def somebody_elses() -> None: ...


@dg.asset_check(asset="patients", name="every_row_accounted")
def every_row_accounted() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.op
def look() -> None: ...


@dg.job
def plan_import() -> None:
    look()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance that keeps its history in files, as DAGSTER_HOME does."""
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


@dg.asset(key=["south", "patients"])
def patients_of_another_clinic() -> None: ...


EVERYTHING = dg.Definitions(
    assets=[patients, somebody_elses, patients_of_another_clinic],
    asset_checks=[every_row_accounted],
    jobs=[
        plan_import,
        dg.define_asset_job("import_everything", dg.AssetSelection.assets("patients")),
        dg.define_asset_job("check_everything", dg.AssetSelection.checks_for_assets("patients")),
        dg.define_asset_job("theirs_too", dg.AssetSelection.assets("patients", "somebody_elses")),
        dg.define_asset_job("theirs", dg.AssetSelection.assets("somebody_elses")),
    ],
)


def materialized(instance: dg.DagsterInstance, asset: dg.AssetsDefinition = patients) -> str:
    job = EVERYTHING.resolve_implicit_global_asset_job_def()
    done = job.execute_in_process(instance=instance, asset_selection=[asset.key])
    assert done.success
    return done.run_id


def ran(instance: dg.DagsterInstance, job: str) -> str:
    return EVERYTHING.resolve_job_def(job).execute_in_process(instance=instance).run_id


@pytest.fixture(autouse=True)
def settings_file(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")


def files(folder: Path) -> set[str]:
    return {file.stem for file in (folder / "history" / "runs").glob("*.db")} - {"index"}


def test_old_runs_go_with_their_events_and_files_and_the_last_one_stays(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    runs = [materialized(instance) for _ in range(4)]
    assert forget_old_runs(instance, ALL_ARE_OLD) == 3
    assert [run.run_id for run in instance.get_runs()] == runs[-1:]
    assert files(tmp_path) == {runs[-1]}
    assert instance.get_latest_materialization_event(patients.key) is not None


def test_a_young_run_stays(instance: dg.DagsterInstance) -> None:
    for _ in range(2):
        materialized(instance)
    assert forget_old_runs(instance, 1) == 0
    assert len(instance.get_runs()) == 2


@pytest.mark.parametrize("asset", [somebody_elses, patients_of_another_clinic])
def test_runs_of_other_assets_are_not_ours_to_remove(asset: dg.AssetsDefinition, instance: dg.DagsterInstance) -> None:
    for _ in range(2):
        materialized(instance, asset)
    assert forget_old_runs(instance, ALL_ARE_OLD) == 0


@pytest.mark.parametrize("job", ["import_everything", "check_everything"])
def test_runs_of_a_named_job_go_although_they_select_nothing(job: str, instance: dg.DagsterInstance) -> None:
    runs = [ran(instance, job) for _ in range(3)]
    assert forget_old_runs(instance, ALL_ARE_OLD) == 2
    assert [run.run_id for run in instance.get_runs()] == runs[-1:]


@pytest.mark.parametrize("job", ["theirs", "theirs_too"])
def test_runs_of_a_job_over_assets_of_others_stay(job: str, instance: dg.DagsterInstance) -> None:
    for _ in range(2):
        ran(instance, job)
    assert forget_old_runs(instance, ALL_ARE_OLD) == 0


def test_more_old_runs_of_others_than_are_looked_at_together_do_not_hide_ours(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "AT_ONCE", 2)
    for _ in range(5):
        materialized(instance, somebody_elses)
    runs = [materialized(instance) for _ in range(4)]
    assert forget_old_runs(instance, ALL_ARE_OLD) == 2
    assert forget_old_runs(instance, ALL_ARE_OLD) == 1
    assert {run.run_id for run in instance.get_runs()} & {*runs} == {runs[-1]}


@pytest.mark.parametrize(("location", "left"), [("nexus", 0), ("another", 1)])
def test_a_run_of_a_job_without_assets_goes_where_its_code_location_is_ours(
    location: str, left: int, instance: dg.DagsterInstance
) -> None:
    code = GrpcServerCodeLocationOrigin(host="localhost", port=1, location_name="nexus")
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(code, "__repository__"), "plan_import")
    run = instance.create_run_for_job(plan_import, remote_job_origin=origin)  # type: ignore[call-arg]
    instance.report_run_failed(run)
    forget_old_runs(instance, ALL_ARE_OLD, Scope.of(EVERYTHING.get_repository_def(), location))
    assert len(instance.get_runs()) == left


def test_a_run_without_assets_stays_where_nothing_says_whose_it_is(instance: dg.DagsterInstance) -> None:
    ran(instance, "plan_import")
    assert forget_old_runs(instance, ALL_ARE_OLD, Scope.of(EVERYTHING.get_repository_def())) == 0


def test_the_history_is_looked_at_once_an_hour_whoever_asks(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = list[int]()
    monkeypatch.setattr(history, "forget_old_runs", lambda *_: looked.append(1) or 0)
    for _ in range(3):
        shorten(instance, clinic_scope())
    assert len(looked) == 1


def test_what_is_left_over_is_removed_by_whoever_asks_next(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "AT_ONCE", 1)
    monkeypatch.setattr(history.settings, "RETENTION_DAYS", SimpleNamespace(number=lambda: ALL_ARE_OLD))
    for _ in range(4):
        materialized(instance)
    for _ in range(4):
        shorten(instance, clinic_scope())
    assert len(instance.get_runs()) == 1

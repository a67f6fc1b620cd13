"""Dagster's runs go after a while, and with them their events; the last of each asset stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from nexus_assets.graph.history import forget_old_runs

ALL_ARE_OLD = -1


@dg.asset
def patients() -> None: ...


@dg.asset
def somebody_elses() -> None: ...


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance that keeps its history in files, as DAGSTER_HOME does."""
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


@dg.asset(key=["south", "patients"])
def patients_of_another_clinic() -> None: ...


def materialized(instance: dg.DagsterInstance, asset: dg.AssetsDefinition = patients) -> str:
    job = dg.Definitions(
        assets=[patients, somebody_elses, patients_of_another_clinic]
    ).resolve_implicit_global_asset_job_def()
    done = job.execute_in_process(instance=instance, asset_selection=[asset.key])
    assert done.success
    return done.run_id


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

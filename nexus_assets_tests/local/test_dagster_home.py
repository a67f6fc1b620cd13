"""DAGSTER_HOME of the local environment: made once, whole, whoever asks for it at the same time."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dagster import DagsterInstance

from nexus_assets.local.dagster_home import prepare, use
from nexus_assets.local.home import SOURCE, is_prepared


def test_it_links_to_the_settings_of_the_checkout(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    assert (folder / "dagster.yaml").resolve() == (SOURCE / "dagster.yaml").resolve()
    assert is_prepared(tmp_path)


@pytest.mark.parametrize(
    ("named", "is_made"),
    [
        ("", True),
        ("{home}/dagster", True),
        ("{home}/dagster/", True),
        ("{home}/dagster/../dagster", True),
        ("{home}/../another", False),
    ],
)
def test_it_is_made_where_no_other_folder_is_named(
    named: str, is_made: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "local"
    monkeypatch.setenv("DAGSTER_HOME", named.format(home=home))
    if not named:
        monkeypatch.delenv("DAGSTER_HOME")
    use(home)
    assert is_prepared(home) == is_made
    assert os.environ["DAGSTER_HOME"] == (named or "{home}/dagster").format(home=home)


def test_settings_that_somebody_wrote_there_are_kept(tmp_path: Path) -> None:
    (tmp_path / "dagster").mkdir()
    (tmp_path / "dagster" / "dagster.yaml").write_text("nux: {enabled: true}\n")
    prepare(tmp_path)
    assert (tmp_path / "dagster" / "dagster.yaml").read_text() == "nux: {enabled: true}\n"


def test_every_database_of_the_history_has_its_tables(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    tables = set()
    for file in folder.rglob("*.db"):
        with sqlite3.connect(file) as connection:
            tables |= {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        connection.close()
    assert {"runs", "event_logs", "asset_keys", "jobs", "job_ticks"} <= tables


@pytest.mark.slow
def test_processes_that_prepare_it_at_once_do_not_break_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-m", "nexus_assets.local.dagster_home", str(tmp_path)]
    users = [subprocess.Popen(command, cwd=SOURCE) for _ in range(4)]
    assert [user.wait() for user in users] == [0, 0, 0, 0]
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    with DagsterInstance.get() as instance:
        assert instance.get_runs_count() == 0


def test_no_patient_data_and_no_telemetry_by_default() -> None:
    settings = yaml.safe_load((SOURCE / "dagster.yaml").read_text())
    assert settings["compute_logs"]["class"] == "NoOpComputeLogManager"
    assert settings["telemetry"] == {"enabled": False}

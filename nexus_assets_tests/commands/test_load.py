"""`nexus-assets load` is the run of Dagster's own command: in the history, with its checks and exit codes."""

from __future__ import annotations

import getpass
import shutil
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner, Result

from nexus_assets.commands import load
from nexus_assets.errors import NexusAssetsError
from nexus_assets.local.home import SOURCE
from nexus_assets_tests.graph.conftest import Graph, graph  # noqa: F401 - the fixture


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "history"
    folder.mkdir()
    shutil.copy(SOURCE / "dagster.yaml", folder)
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(load.command, arguments, catch_exceptions=False)


@pytest.mark.usefixtures("history")
def test_everything_is_loaded_in_a_run_of_its_name_tagged_with_who_asked(graph: Graph) -> None:  # noqa: F811
    result = run()
    assert result.exit_code == 0, result.output
    assert graph.clinic.value("SELECT count(*) FROM patients") == 2
    with dg.DagsterInstance.get() as instance:
        (recorded,) = instance.get_runs()
        checks = instance.get_records_for_run(recorded.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    assert recorded.job_name == "import_everything"
    assert recorded.tags["nexus/requested_by"] == getpass.getuser()
    assert len(checks.records) > 40
    assert "Run next, to see what is in Nexus now: nexus-assets status" in result.output


def test_without_a_history_it_is_loaded_all_the_same(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    result = run("patients")
    assert result.exit_code == 0, result.output
    assert "DAGSTER_HOME is not set: this run leaves no history" in result.output
    assert graph.clinic.value("SELECT count(*) FROM patients") == 2


def test_a_history_in_no_folder_is_said_to_be_none(
    graph: Graph,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "gone"))
    with pytest.raises(
        NexusAssetsError, match=r"DAGSTER_HOME is (.*gone), and there is no such folder\..* mkdir -m 700 -p \1 "
    ):
        run("patients")
    assert graph.clinic.value("SELECT count(*) FROM patients") == 0


@pytest.mark.usefixtures("history")
def test_a_selection_loads_what_it_names_and_the_summary_is_of_that(graph: Graph) -> None:  # noqa: F811
    result = run("patients")
    assert result.exit_code == 0, result.output
    assert graph.clinic.value("SELECT count(*) FROM patients") == 2
    assert graph.clinic.value("SELECT count(*) FROM notes") == 0
    assert "patients" in result.output
    assert "notes" not in result.output


@pytest.mark.usefixtures("history")
def test_load_that_is_stopped_ends_with_1_and_its_setting_lets_it_go_on(graph: Graph) -> None:  # noqa: F811
    assert run("patients").exit_code == 0
    (contacts,) = graph.exports.glob("Contacts*")
    lines = contacts.read_text("utf-8").splitlines(keepends=True)
    contacts.write_text(lines[0], "utf-8")
    stopped = run("patients")
    assert stopped.exit_code == 1
    assert "Not loaded to the end" in stopped.output
    assert "Import summary" not in stopped.output  # it would be that of an earlier load
    assert run("patients", "--with", "allow_empty", "--with", "allow_vanished").exit_code == 0


@pytest.mark.usefixtures("history")
def test_why_a_load_failed_is_told_in_one_line_without_the_name_of_a_class(graph: Graph) -> None:  # noqa: F811
    (graph.exports / "Contacts (1).csv").write_text("id\n")
    (told,) = (line for line in run("patients").output.splitlines() if line.startswith("  patients failed: "))
    assert told.startswith("  patients failed: 'Contacts (1).csv', ")
    assert told.endswith("then run the same command again.")


def test_setting_that_there_is_not_is_refused_before_anything_is_loaded() -> None:
    from nexus_assets.errors import NexusAssetsError

    with pytest.raises(NexusAssetsError, match="allow_everything is not a setting of a load"):
        run("patients", "--with", "allow_everything")

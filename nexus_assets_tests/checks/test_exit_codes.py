"""The exit codes that scripts trust: 0 all is well, 1 something was found, 2 could not run; for every way of failing."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nexus_assets import cli
from nexus_assets.alerts import cycle
from nexus_assets.alerts.cycle import Round
from nexus_assets_tests.alerts.graph import CANARY
from nexus_assets_tests.checks.clinic import CheckedClinic

WAYS: dict[str, dict[str, str]] = {
    "no server at the address": {"NEXUS_DATABASE_URL": "postgresql://nexus:hunter2@127.0.0.1:1/nexus"},
    "no address at all": {"NEXUS_DATABASE_URL": "hunter2"},
    "another kind of database": {"NEXUS_DATABASE_URL": "mysql://nexus:hunter2@127.0.0.1/nexus"},
    "half of the settings": {"NEXUS_EXPORTS": ""},
    "no such bucket": {"NEXUS_S3_BUCKET": "no-such-bucket"},
    "no S3 server": {"NEXUS_S3_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"},
}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """Calls a command as a shell does, and returns its exit code."""

    def call(*words: str) -> int:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["nexus-assets", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    return call


COMMANDS = pytest.mark.parametrize("command", ["check", "status"])


@COMMANDS
def test_sound_clinic_is_0_and_a_broken_link_1(
    command: str, settled: CheckedClinic, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command) == 0
    settled.execute("UPDATE {images_batch} SET object_id = gen_random_uuid()")
    assert run(command) == 1
    assert "no_orphaned_references" in capsys.readouterr().out


def test_the_settings_file_comes_before_the_environment_as_it_does_in_dagster(
    settled: CheckedClinic,  # noqa: ARG001
    run: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Else a plan would look at one clinic, and the load write into another."""
    monkeypatch.setenv("NEXUS_DATABASE_URL", os.environ["NEXUS_DATABASE_URL"])  # is put back afterwards
    (tmp_path / ".env").write_text("NEXUS_DATABASE_URL=postgresql://nexus:x@127.0.0.1:1/other\n")
    assert run("status") == 2
    assert "127.0.0.1:1/other" in capsys.readouterr().err


@COMMANDS
@pytest.mark.parametrize("way", WAYS)
def test_what_cannot_be_looked_at_is_2(
    command: str,
    way: str,
    settled: CheckedClinic,  # noqa: ARG001
    run: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("nexus_assets.resources.ATTEMPTS", 1)
    for name, value in WAYS[way].items():
        monkeypatch.setenv(name, value)
    assert run(command) == 2
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert "hunter2" not in said.out + said.err


@COMMANDS
def test_database_without_a_table_is_2(
    command: str, settled: CheckedClinic, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    settled.execute("DROP SCHEMA public CASCADE")
    settled.execute("DROP SCHEMA nexus_assets CASCADE")
    settled.execute("CREATE SCHEMA public")
    assert run(command) == 2
    said = capsys.readouterr()
    assert "migrate" in said.out + said.err


@pytest.mark.parametrize(("command", "code"), [("check", 2), ("status", 2), ("plan", 2)])
def test_nexus_whose_migrations_have_not_run_is_said_to_be_so_once(
    command: str, code: int, settled: CheckedClinic, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    settled.execute("DELETE FROM django_content_type WHERE (app_label, model) = ('images', 'imagebatch')")
    assert run(command) == code
    captured = capsys.readouterr()
    said = " ".join((captured.out + captured.err).split())
    assert said.count("Nexus's migrations have not run: django_content_type has no row for images.imagebatch.") == 1
    assert "`manage.py migrate`" in said


@COMMANDS
def test_nexus_without_a_ledger_is_1(
    command: str, settled: CheckedClinic, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing was ever loaded: that is a finding, and the command to run is said."""
    settled.execute("DROP SCHEMA nexus_assets CASCADE")
    assert run(command) == 1
    said = capsys.readouterr().out
    assert "1 never_loaded" in said
    assert "dagster asset materialize --select" in said
    assert settled.value("SELECT to_regnamespace('nexus_assets') IS NULL")


def test_history_that_cannot_be_opened_is_2_and_the_answers_are_told(
    settled: CheckedClinic,  # noqa: ARG001
    run: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "/nowhere")
    assert run("check") == 2
    said = capsys.readouterr()
    assert "checks passed" in said.out
    assert "DAGSTER_HOME is /nowhere" in said.err
    assert run("alert") == 2


def test_alerts_that_nobody_is_told_of_are_1(
    settled: CheckedClinic,  # noqa: ARG001
    run: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.delenv("NEXUS_ALERT_URLS", raising=False)
    for still_open, code in ((0, 0), (2, 1)):
        done = Round({}, open=still_open, delivered=0, heartbeat=True)
        monkeypatch.setattr(cycle, "make_round", lambda *_, done=done: done)
        assert run("alert") == code
        assert ("NEXUS_ALERT_URLS" in capsys.readouterr().err) is bool(still_open)


def test_error_that_nobody_foresaw_is_2_and_its_text_is_not_shown(
    run: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise ValueError(CANARY)

    monkeypatch.setattr("nexus_assets.commands.status.look", broken)
    assert run("status") == 2
    said = capsys.readouterr().err
    assert "ValueError" in said
    assert CANARY not in said

"""Ctrl-C and SIGTERM of a command: one sentence, exit code 130, no summary of a success, the database as before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import psycopg2
import pytest

from nexus_assets import cli
from nexus_assets_tests.conftest import Bucket
from nexus_assets_tests.load.clinic import Clinic, furnish

ENDS_WITHIN_SECONDS = 20


def ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, raised: Any) -> int:
    """The exit code of the program whose command raises this."""

    @click.command("load")
    def command() -> None:
        raise raised

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli.nexus_assets, "get_command", lambda *_: command)
    monkeypatch.setattr(sys, "argv", ["nexus-assets", "load"])
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as exit_:
            cli.main()
    finally:
        signal.signal(signal.SIGTERM, before)
    return int(str(exit_.value.code))


def test_an_interruption_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, tmp_path, KeyboardInterrupt()) == 130
    said = capsys.readouterr()
    assert (said.out, said.err.strip()) == ("", cli.INTERRUPTED)


def test_a_wrong_option_is_still_refused_in_clicks_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, tmp_path, click.UsageError("No such option: --x")) == 2
    assert "No such option: --x" in capsys.readouterr().err


@pytest.fixture
def settings_of_clinic(living_nexus_database: str, tmp_path: Path, bucket: Bucket) -> dict[str, str]:
    """The environment of a command over a small clinic that is not loaded yet."""
    exports = tmp_path / "exports"
    exports.mkdir()
    with closing(furnish(Clinic(living_nexus_database, exports))) as clinic:
        for name in clinic.exports:
            clinic._write(name)
    home = tmp_path / "dagster"
    home.mkdir()
    return {
        **os.environ,
        "DAGSTER_HOME": str(home),
        "DAGSTER_CLI_ASSET_MATERIALIZE_MODULE_NAME": "nexus_assets.definitions",
        "NEXUS_DATABASE_URL": living_nexus_database.replace("+psycopg2", ""),
        "NEXUS_EXPORTS": str(exports),
        "NEXUS_S3_BUCKET": bucket.name,
        "NEXUS_S3_ENDPOINT_URL": bucket.endpoint_url,
        "AWS_ACCESS_KEY_ID": bucket.access_key_id,
        "AWS_SECRET_ACCESS_KEY": bucket.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "PYTHONWARNINGS": "ignore",
    }


def interrupted(command: list[str], environment: dict[str, str], sent: signal.Signals) -> tuple[int, str, float]:
    """Exit code, output and seconds to the end of a command that is sent a signal while it waits in the middle of a load."""
    with closing(psycopg2.connect(environment["NEXUS_DATABASE_URL"])) as other, other.cursor() as cursor:
        # Whoever loads waits for this one from its first row on.
        cursor.execute("LOCK TABLE patients IN ROW EXCLUSIVE MODE; LOCK TABLE patients IN SHARE MODE")
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=environment,
            cwd=environment["DAGSTER_HOME"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(900):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'patients'::regclass")
            if cursor.fetchone() != (0,) or process.poll() is not None:
                break
            time.sleep(0.1)
        began = time.monotonic()
        process.send_signal(sent)
        output, _ = process.communicate(timeout=120)
        return process.returncode, output, time.monotonic() - began


def loaded_rows(environment: dict[str, str]) -> Any:
    with closing(psycopg2.connect(environment["NEXUS_DATABASE_URL"])) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM patients), to_regclass('nexus_assets.load') IS NULL,"
            " (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            "  AND application_name LIKE 'nexus_assets%' AND state = 'active')"
        )
        return cursor.fetchone()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("command", "sent"),
    [
        (["nexus_assets", "load", "patients"], signal.SIGINT),
        (["nexus_assets", "load", "patients"], signal.SIGTERM),
        (["nexus_assets", "plan", "--select", "patients"], signal.SIGINT),
    ],
    ids=["load, Ctrl-C", "load, SIGTERM", "plan, Ctrl-C"],
)
def test_a_command_of_ours_ends_at_once_with_one_sentence(
    command: list[str], sent: signal.Signals, settings_of_clinic: dict[str, str]
) -> None:
    code, output, seconds = interrupted(command, settings_of_clinic, sent)
    assert (code, output.count("Interrupted: ")) == (130, 1), output
    assert "Traceback" not in output
    assert "Loaded" not in output
    assert seconds < ENDS_WITHIN_SECONDS
    assert loaded_rows(settings_of_clinic) == (0, True, 0)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_dagsters_own_command_ends_at_once(sent: signal.Signals, settings_of_clinic: dict[str, str]) -> None:
    command = ["dagster", "asset", "materialize", "--select", "patients"]
    code, output, seconds = interrupted(command, settings_of_clinic, sent)
    assert code != 0, output
    assert seconds < ENDS_WITHIN_SECONDS
    assert loaded_rows(settings_of_clinic) == (0, True, 0)

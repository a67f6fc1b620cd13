"""A real clinic's runs and the demo's are kept apart, and somebody is told where they are not."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from nexus_assets import clinics
from nexus_assets.commands import dagster_instance
from nexus_assets.graph.run_config import warn_of_the_demo_in_the_history
from nexus_assets.local.home import clinic_stamp, dagster_home

REAL = {
    "NEXUS_DATABASE_URL": "postgresql://somebody@db.example/nexus",
    "NEXUS_EXPORTS": "/srv/exports",
    "NEXUS_S3_BUCKET": "clinic-files",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The local home of a demo that was written and loaded."""
    dagster_home(tmp_path).mkdir()
    clinic_stamp(tmp_path).touch()
    (dagster_home(tmp_path) / "prepared").touch()
    for name in REAL:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NEXUS_LOCAL_HOME", str(tmp_path))
    # Restored after the test, whatever is set by it.
    monkeypatch.setenv("DAGSTER_HOME", "")
    return tmp_path


def _warned(caplog: pytest.LogCaptureFixture) -> bool:
    with caplog.at_level(logging.WARNING, logger="dagster.nexus_assets"):
        logger = logging.getLogger("dagster.nexus_assets")
        logger.addHandler(caplog.handler)
        try:
            warn_of_the_demo_in_the_history()
        finally:
            logger.removeHandler(caplog.handler)
    return "docs/connecting.md" in caplog.text


@pytest.mark.parametrize("history", ["the demo's", "its own"])
@pytest.mark.parametrize("clinic", ["real", "demo"])
def test_real_clinic_in_the_history_of_the_demo_is_warned_of(
    clinic: str, history: str, home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(dagster_home(home) if history == "the demo's" else home / "own"))
    if clinic == "real":
        for name, value in REAL.items():
            monkeypatch.setenv(name, value)
    assert _warned(caplog) == ((clinic, history) == ("real", "the demo's"))


def test_demo_uses_its_history_where_none_is_set(home: Path) -> None:
    dagster_instance.use_that_of_the_demo()
    assert os.environ["DAGSTER_HOME"] == str(dagster_home(home))


@pytest.mark.usefixtures("home")
def test_real_clinic_never_gets_the_history_of_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in REAL.items():
        monkeypatch.setenv(name, value)
    dagster_instance.use_that_of_the_demo()
    assert os.environ["DAGSTER_HOME"] == ""


def test_command_to_run_next_works_where_dagsters_own_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clinics.MODULE, "nexus_assets.definitions")
    assert clinics.materialize_command("*images") == "dagster asset materialize --select '*images'"
    monkeypatch.delenv(clinics.MODULE)
    assert clinics.materialize_command("*images") == "nexus-assets load '*images'"
    monkeypatch.setenv("NEXUS_CLINIC", "north")
    assert clinics.materialize_command("images") == "nexus-assets --clinic north load images"

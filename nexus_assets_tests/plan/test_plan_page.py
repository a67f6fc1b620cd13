"""The plan as a page: what would change, by table and column, with ids and no word of a patient; readable by its owner alone."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from playwright.sync_api import Browser

from nexus_assets import cli
from nexus_assets_tests.graph.conftest import Graph
from nexus_assets_tests.plan.test_plan import _half_an_export, loaded, loaded_once
from nexus_assets_tests.ui.conftest import Shoot, browser, shoot, window

pytestmark = pytest.mark.extended

__all__ = ["browser", "loaded", "loaded_once", "shoot"]

SIZES = {"desktop": (1200, 1350), "phone": (360, 780)}


def written(file: Path, *words: str) -> tuple[Result, str]:
    result = CliRunner().invoke(cli.nexus_assets, ["plan", "--html", str(file), *words])
    return result, file.read_text("utf-8")


@pytest.fixture
def changed(loaded: Graph) -> Graph:
    """A loaded clinic in which both sides change."""
    loaded.clinic.later()
    loaded.clinic.exports["Contacts"][0]["nameFirst"] = "Grevillea"
    loaded.clinic.note(loaded.clinic.exports["Contacts"][0]["id"], "Kurrajong")
    loaded.clinic.execute("UPDATE {appointments} SET notes = 'Boronia'")
    for export in ("Contacts", "Notes"):
        loaded.clinic._write(export)
    return loaded


def test_it_names_columns_and_ids(changed: Graph, tmp_path: Path) -> None:
    result, page = written(tmp_path / "plan.html")
    assert result.exit_code == 0, result.output
    patient = changed.clinic.patient_id(changed.clinic.exports["Contacts"][0]["id"])
    assert patient in page
    assert re.search(r'data-figure="first_name">1<', page)
    assert changed.clinic.value("SELECT min(id::text) FROM {appointments}") in page


def test_it_holds_no_word_of_a_patient(changed: Graph, tmp_path: Path) -> None:
    _, page = written(tmp_path / "plan.html")
    said = {
        value for rows in changed.clinic.exports.values() for row in rows for value in row.values() if len(value) > 4
    }
    for word in {"Grevillea", "Kurrajong", "Boronia", *said}:
        assert word not in page


@pytest.mark.usefixtures("changed")
def test_its_owner_alone_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "plan.html"
    file.write_text("older")
    file.chmod(0o644)
    written(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_it_says_what_would_stop_the_load(graph: Graph, tmp_path: Path) -> None:
    _half_an_export(graph)
    result, page = written(tmp_path / "plan.html")
    assert result.exit_code == 1
    assert "This load would be stopped" in page
    assert "allow_vanished" in page


@pytest.mark.usefixtures("loaded")
def test_the_same_sources_change_nothing(tmp_path: Path) -> None:
    _, page = written(tmp_path / "plan.html")
    assert "Nothing would be written" in page


@pytest.mark.slow
@pytest.mark.usefixtures("changed")
@pytest.mark.parametrize("size", SIZES)
def test_a_browser_shows_it_whole(size: str, tmp_path: Path, browser: Browser, shoot: Shoot) -> None:
    file = tmp_path / "plan.html"
    written(file)
    with window(browser, file.as_uri(), *SIZES[size]) as opened:
        opened.page.goto(file.as_uri())
        for each in opened.page.locator("summary").all():
            each.click()
        assert opened.page.evaluate("document.documentElement.scrollWidth") == SIZES[size][0]
        assert (opened.complaints, opened.asked_elsewhere) == ([], [])
        shoot(opened.page, f"plan-{size}")

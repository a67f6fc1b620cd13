"""Three clinics on one Dagster, with the incident in one of them: red there, green elsewhere, and an alert to its receiver alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from nexus_assets.local.home import dagster_home
from nexus_assets.local.processes import free_port
from nexus_assets.local.services import disconnect
from nexus_assets_tests.alerts.receivers import Webhook, webhook
from nexus_assets_tests.ui.conftest import DESKTOP, Pages, Shoot, window

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

NAMES = ("north", "south", "east")
STRUCK = "south"
SCALE = "0.01"
"""What is shown is not their size."""
PATIENCE_SECONDS = 600


def wait_for(what: Callable[[], Any]) -> Any:
    """The first true answer. Raises AssertionError where there is none."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if answer := what():
            return answer
        time.sleep(0.5)
    raise AssertionError("waited in vain")


@dataclass
class Clinics:
    """A folder with three clinics, each with a receiver of its alerts, and Dagster's pages over all of them."""

    folder: Path
    hooks: dict[str, Webhook] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "local"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "NEXUS_LOCAL_HOME": str(self.home),
            "DAGSTER_HOME": str(dagster_home(self.home)),
            "PYTHONWARNINGS": "ignore",
        }

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / "ui.log").open("w") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *arguments],
                env=self.environment,
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )


@pytest.fixture(scope="module")
def clinics(tmp_path_factory: pytest.TempPathFactory, new_cluster: Callable[[Path], None]) -> Iterator[Clinics]:
    """Three small clinics, loaded; the incident was in one of them, and its checks were run."""
    made = Clinics(tmp_path_factory.mktemp("clinics"))
    for name in NAMES:
        new_cluster(made.home / "clinics" / name / "postgres")
    with ExitStack() as receivers:
        try:
            done = made.command("nexus_assets", "demo", "--clinics", str(len(NAMES)), "--scale", SCALE)
            assert done.returncode == 0, done.stdout + done.stderr
            for name in NAMES:
                made.hooks[name] = receivers.enter_context(webhook())
                with (made.folder / "clinics" / f"{name}.env").open("a") as file:
                    file.write(f"NEXUS_ALERT_URLS={made.hooks[name].url}\n")
            struck = made.command("nexus_assets", "--clinic", STRUCK, "incident", "--unhealed")
            assert struck.returncode == 0, struck.stdout + struck.stderr
            assert made.command("nexus_assets", "--clinic", STRUCK, "check").returncode == 1
            yield made
        finally:
            for name in NAMES:
                disconnect(made.home / "clinics" / name)


@pytest.fixture(scope="module")
def pages(clinics: Clinics) -> Iterator[Pages]:
    """Dagster's pages and its daemon over the three, as `dev.py ui` starts them."""
    pages = Pages(f"http://127.0.0.1:{(port := free_port())}")
    process = clinics.start("nexus_assets.local.ui", "--port", str(port))
    try:
        wait_for(lambda: pages.answer() or process.poll() is not None)
        assert process.poll() is None, (clinics.folder / "ui.log").read_text()
        yield pages
    finally:
        process.terminate()
        process.wait(60)


def test_status_of_all_is_red_for_the_clinic_of_the_incident_alone(clinics: Clinics) -> None:
    done = clinics.command("nexus_assets", "status", "--all", "--json")
    found = json.loads(done.stdout)
    assert {name: each["exit_code"] for name, each in found.items()} == {name: int(name == STRUCK) for name in NAMES}
    assert done.returncode == 1
    orphans = {
        name: sum(each["orphans"] for each in told["status"]["entities"].values()) for name, told in found.items()
    }
    assert {name for name, number in orphans.items() if number} == {STRUCK}


def test_history_of_all_is_the_only_one(clinics: Clinics) -> None:
    homes = (clinics.home, *(clinics.home / "clinics" / name for name in NAMES))
    assert [home for home in homes if dagster_home(home).exists()] == [clinics.home]


def test_metrics_of_all_tell_the_clinics_apart(clinics: Clinics) -> None:
    lines = clinics.command("nexus_assets", "status", "--all", "--metrics").stdout.splitlines()
    (orphans,) = (line for line in lines if f'nexus_assets_orphans{{clinic="{STRUCK}",entity="image_batches"}}' in line)
    assert float(orphans.split()[-1]) > 0
    assert sum(line.startswith("nexus_assets_up{") and line.endswith(" 1.0") for line in lines) == len(NAMES)


def test_alert_goes_to_the_receiver_of_its_clinic_alone(clinics: Clinics, pages: Pages) -> None:  # noqa: ARG001 - its daemon
    wait_for(lambda: clinics.hooks[STRUCK].received)
    time.sleep(2 * 15 + 5)  # two rounds of every clinic's sensor
    titles = {name: [message.title for message in hook.received] for name, hook in clinics.hooks.items()}
    assert all(f"Nexus {STRUCK}" in title for title in titles[STRUCK])
    assert {name: titles[name] for name in NAMES if name != STRUCK} == {name: [] for name in NAMES if name != STRUCK}
    print(f"alerts delivered to the right receiver: {len(titles[STRUCK])} of {sum(map(len, titles.values()))}")  # noqa: T201


@pytest.mark.parametrize("name", NAMES)
def test_pages_show_red_where_the_incident_was_and_green_elsewhere(
    name: str, pages: Pages, browser: Browser, shoot: Shoot
) -> None:
    with window(browser, pages.address, **DESKTOP) as opened:
        page = opened.page
        page.goto(f"{pages.address}/assets/{name}/image_batches?view=checks")
        expect(page.get_by_text("no_orphaned_references", exact=True).first).to_be_visible()
        outcome = "Failed" if name == STRUCK else "Succeeded"
        expect(page.get_by_text(outcome, exact=True).first).to_be_visible()
        page.wait_for_timeout(4000)
        shoot(page, f"clinic-{name}")
        said = page.locator("body").inner_text().splitlines()
        assert ("Failed" in said) == (name == STRUCK)
        assert opened.asked_elsewhere == []

"""What the browser tests share: the loaded demo clinic, Dagster's pages over it, and a browser that reaches nothing else."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, FloatRect, Page, expect, sync_playwright

from nexus_assets.local.home import SOURCE
from nexus_assets.local.processes import free_port
from nexus_assets_tests.conftest import end_server
from nexus_assets_tests.local.test_demo import Demo, copy_of, loaded_demo  # noqa: F401 - the fixture

CHROMIUM = Path("/usr/bin/chromium")
"""Debian's; playwright's own can't be fetched everywhere."""

QUIETLY = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP = {"width": 1440, "height": 1400}
PATIENCE_MS = 60_000
START_SECONDS = RUN_SECONDS = 240
PLAINLY: Any = {"trust_env": False, "verify": False}
"""How a server of this machine is asked; to be ready for TLS takes 18 ms of the processor for each question."""

COLOURS = 128
"""Enough for Dagster's pages and ours, and a quarter of the bytes of all of them."""

Shoot = Callable[..., None]


@pytest.fixture(scope="session")
def demo(loaded_demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:  # noqa: F811
    """The demo clinic, loaded."""
    with copy_of(loaded_demo, tmp_path_factory.mktemp("ui") / "local") as demo:
        yield demo


class Pages:
    """Dagster's web pages, and its GraphQL interface as the witness of what they show."""

    def __init__(self, address: str) -> None:
        self.address = address

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        answer = httpx.post(
            f"{self.address}/graphql", json={"query": query, "variables": variables}, timeout=60, **PLAINLY
        ).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    def answer(self) -> bool:
        try:
            return httpx.get(f"{self.address}/server_info", timeout=2, **PLAINLY).is_success
        except httpx.HTTPError:
            return False

    def last_run(self) -> tuple[str, str]:
        """(id, status) of the run that was started last."""
        (run,) = self.ask("{ runsOrError(limit: 1) { ... on Runs { results { runId status } } } }")["runsOrError"][
            "results"
        ]
        return run["runId"], run["status"]

    def wait_for_run_after(self, before: str) -> str:
        """The status in which the next run after this one ended."""
        deadline = time.monotonic() + RUN_SECONDS
        while time.monotonic() < deadline:
            run, status = self.last_run()
            if run != before and status in ("SUCCESS", "FAILURE", "CANCELED"):
                return status
            time.sleep(0.5)
        raise AssertionError("the run did not end")


@pytest.fixture(scope="module")
def pages(demo: Demo) -> Iterator[Pages]:
    """Dagster's pages over the demo clinic."""
    port = free_port()
    pages = Pages(f"http://127.0.0.1:{port}")
    with (demo.home / "webserver.log").open("w") as log:
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "nexus_assets", "webserver"),
                *("--port", str(port), "--workspace", str(SOURCE / "workspace.yaml")),
            ],
            env={**demo.environment, "PYTHONWARNINGS": "ignore"},
            cwd=demo.home,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + START_SECONDS
            while not pages.answer():
                assert server.poll() is None, (demo.home / "webserver.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.3)
            yield pages
        finally:
            end_server(server)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser. It runs an event loop in this process, beside which Dagster's own would fail: so it ends with its module."""
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing. Run: apt-get install chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(QUIETLY))
        yield browser
        browser.close()


class Window:
    """A browser's page that counts what it complains of and what it asks of anybody but `home`."""

    def __init__(self, page: Page, home: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.asked_elsewhere: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._note(request.url, home))

    def _note(self, url: str, home: str) -> None:
        if not url.startswith((home, "data:", "blob:")):
            self.asked_elsewhere.append(url)


@contextmanager
def window(browser: Browser, home: str, width: int, height: int) -> Iterator[Window]:
    """A window of this size; `home` is the only address that it is supposed to ask."""
    page = browser.new_page(viewport={"width": width, "height": height})
    try:
        yield Window(page, home)
    finally:
        page.close()


@pytest.fixture
def page(browser: Browser, pages: Pages) -> Iterator[Page]:
    """A large window on Dagster's pages."""
    with window(browser, pages.address, **DESKTOP) as opened:
        yield opened.page


@pytest.fixture(scope="session")
def shoot(tmp_path_factory: pytest.TempPathFactory) -> Shoot:
    """Keeps a picture of a window: in the folder that SCREENSHOTS names (docs, or CI's artefacts), else in a temporary one."""
    named = os.environ.get("SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)

    def keep(page: Page, name: str, clip: FloatRect | None = None) -> None:
        picture = Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")
        picture.quantize(COLOURS, dither=Image.Dither.NONE).save(folder / f"{name}.png", optimize=True)

    return keep

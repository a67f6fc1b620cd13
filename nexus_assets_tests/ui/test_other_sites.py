"""A page of another site in a real browser: what it does to Dagster's own web server, and what it can't do to ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright

from nexus_assets.local.processes import free_port
from nexus_assets_tests.conftest import end_server
from nexus_assets_tests.ui.conftest import CHROMIUM, PLAINLY, QUIETLY

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

DEFINITIONS = """
import dagster as dg

@dg.asset
def patients() -> None: ...

@dg.asset_check(asset=patients)
def whole() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False)

defs = dg.Definitions([patients], asset_checks=[whole], jobs=[dg.define_asset_job("job", [patients])])
"""
LAUNCH = """mutation { launchRun(executionParams: {selector: {repositoryLocationName: "tried",
  repositoryName: "__repository__", jobName: "job"}, runConfigData: {}}) { __typename } }"""
PAGE = """<!doctype html><title>Another site</title>
<img src="{target}/graphql?query={launch}">
<iframe name="hidden"></iframe>
<form method="post" target="hidden" action="{target}/report_asset_check/patients?check_name=whole&passed=true"></form>
<iframe id="frame" src="{target}/runs"></iframe>
<script>
  document.forms[0].submit();
  fetch("{target}/graphql", {{method: "POST", mode: "no-cors", headers: {{"Content-Type": "text/plain; application/json"}},
    body: JSON.stringify({{query: {launch_json}}})}}).catch(() => 0);
  const socket = new WebSocket("{target_ws}/graphql", "graphql-ws");
  socket.onopen = () => document.title = "Another site, connected";
</script>"""
SETTLED_SECONDS = 4


@contextmanager
def other_site(target: str) -> Iterator[str]:
    """A site on another origin whose one page attacks the target."""
    page = PAGE.format(
        target=target, target_ws=target.replace("http", "ws"), launch=quote(LAUNCH), launch_json=json.dumps(LAUNCH)
    )

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *arguments: object) -> None:
            """Prints nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://other.example:{server.server_port}/"
        server.shutdown()


Serving = Callable[..., str]


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """The address of a web server over a history of its own, started when it is first asked for."""
    started: dict[str, tuple[subprocess.Popen[bytes], str]] = {}

    def serve(module: str, *arguments: str) -> str:
        if module not in started:
            started[module] = _start(tmp_path_factory.mktemp(module), module, *arguments)
        return started[module][1]

    yield serve
    for process, _ in started.values():
        end_server(process)


def _start(folder: Path, module: str, *arguments: str) -> tuple[subprocess.Popen[bytes], str]:
    (folder / "tried.py").write_text(DEFINITIONS)
    (folder / "dagster.yaml").write_text(
        "telemetry: {enabled: false}\n"
        "run_coordinator: {module: dagster._core.run_coordinator, class: DefaultRunCoordinator}\n"
    )
    workspace = folder / "workspace.yaml"
    workspace.write_text("load_from:\n  - python_file: {relative_path: tried.py, location_name: tried}\n")
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", module, *arguments, "--port", str(port), "--workspace", str(workspace)]
    environment = {**os.environ, "DAGSTER_HOME": str(folder), "PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen(command, env=environment, cwd=folder, start_new_session=True)
    deadline = time.monotonic() + 120
    while True:
        assert process.poll() is None
        assert time.monotonic() < deadline
        try:
            if httpx.get(f"{address}/server_info", **PLAINLY).is_success:
                return process, address
        except httpx.TransportError:
            time.sleep(0.3)


@pytest.fixture(scope="module")
def stranger() -> Iterator[Browser]:
    """A browser for which names of other sites lead to this machine, as they do after DNS rebinding."""
    names = "--host-resolver-rules=MAP *.example 127.0.0.1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*QUIETLY, names])
        yield browser
        browser.close()


def ask(address: str, query: str) -> dict[str, object]:
    answer = httpx.post(f"{address}/graphql", json={"query": query}, timeout=60, **PLAINLY)
    data: dict[str, object] = answer.json()["data"]
    return data


runs = partial(ask, query="{ runsOrError { ... on Runs { count } } }")
checks = partial(
    ask,
    query="""{ assetCheckExecutions(assetKey: {path: ["patients"]}, checkName: "whole", limit: 9) { status } }""",
)


def attack(browser: Browser, target: str) -> str:
    """Opens the other site's page; returns its title, which says whether its WebSocket was accepted."""
    with other_site(target) as address:
        page = browser.new_page()
        page.goto(address)
        page.wait_for_timeout(SETTLED_SECONDS * 1000)
        title = page.title()
        page.close()
    return title


def test_dagsters_own_server_obeys_another_site(serving: Serving, stranger: Browser) -> None:
    """Why there is a server of our own; once this fails, it may go."""
    target = serving("dagster_webserver")
    assert attack(stranger, target) == "Another site, connected"
    assert runs(target) != {"runsOrError": {"count": 0}}
    assert checks(target) != {"assetCheckExecutions": []}


@pytest.mark.attack("A page of another web site, or a request that no browser sends", each=5)
def test_our_server_does_nothing_for_another_site(serving: Serving, stranger: Browser) -> None:
    target = serving("nexus_assets", "webserver")
    assert attack(stranger, target) == "Another site"
    assert runs(target) == {"runsOrError": {"count": 0}}
    assert checks(target) == {"assetCheckExecutions": []}


@pytest.mark.attack("A page of another web site, or a request that no browser sends")
def test_our_server_answers_nothing_under_a_rebound_name(serving: Serving, stranger: Browser) -> None:
    target = serving("nexus_assets", "webserver")
    page = stranger.new_page()
    answer = page.goto(target.replace("127.0.0.1", "rebound.example"))
    assert answer is not None
    assert answer.status == 403
    said = page.evaluate(
        """async () => (await fetch("/graphql", {method: "POST", headers: {"Content-Type": "application/json"},
             body: JSON.stringify({query: "{ version }"})})).status"""
    )
    assert said == 403
    page.goto(target)
    page.get_by_text("Runs", exact=True).first.wait_for()
    page.close()

"""`python3 dev.py ui`: Dagster answers, and a Ctrl-C leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from nexus_assets.local import ui
from nexus_assets.local.home import dagster_home
from nexus_assets.local.processes import free_port, is_free

pytestmark = pytest.mark.timeout(350)  # to begin before files without a limit of their own

DEFINITIONS = """
import dagster as dg

@dg.asset
def endless() -> None:
    import time
    time.sleep(600)

defs = dg.Definitions([endless], jobs=[dg.define_asset_job("job", [endless])], executor=dg.in_process_executor)
"""

LAUNCH = """
mutation {
  launchRun(executionParams: {
    selector: {repositoryLocationName: "tried", repositoryName: "__repository__", jobName: "job"}, runConfigData: {}
  }) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } }
}
"""


@pytest.fixture
def home(tmp_path: Path, new_cluster: Callable[[Path], None]) -> Path:
    new_cluster(tmp_path / "home" / "postgres")
    return tmp_path / "home"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "tried.py").write_text(DEFINITIONS)
    file = tmp_path / "workspace.yaml"
    file.write_text("load_from:\n  - python_file: {relative_path: tried.py, location_name: tried}\n")
    return file


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def running_ui(home: Path, workspace: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A started `ui`, whose pages answer."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nexus_assets.local.ui", "--port", str(port), "--workspace", str(workspace)],
        env={**os.environ, "NEXUS_LOCAL_HOME": str(home), "DAGSTER_HOME": str(dagster_home(home))},
        start_new_session=True,
    )
    try:
        _wait_until(lambda: ui._answers(f"http://127.0.0.1:{port}"), 240)
        yield process
    finally:
        for each in _its_processes(home, process):
            each.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_is_reached_from_here_only_and_ctrl_c_leaves_no_process(
    running_ui: subprocess.Popen[bytes], home: Path, port: int, ending: signal.Signals
) -> None:
    launched = httpx.post(f"http://127.0.0.1:{port}/graphql", json={"query": LAUNCH}, trust_env=False, timeout=30)
    assert launched.json()["data"]["launchRun"]["__typename"] == "LaunchRunSuccess", launched.text
    started = _its_processes(home, running_ui)
    # The supervisor and both servers, Dagster's five, the run, and this `ui`.
    assert len(started) > 8
    assert {address for each in started for address in _listens_on(each)} == {"127.0.0.1"}
    running_ui.send_signal(ending)
    assert running_ui.wait(60) == 0
    left = [each for each in started if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    assert left == []
    assert _its_processes(home, running_ui) == []
    assert is_free(port)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has died")
def test_a_killed_ui_leaves_no_process(running_ui: subprocess.Popen[bytes], home: Path) -> None:
    started = _its_processes(home, running_ui)
    running_ui.kill()
    _wait_until(
        lambda: not [each for each in started if each.is_running() and each.status() != psutil.STATUS_ZOMBIE], 60
    )


def test_a_taken_port_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui.processes, "is_free", lambda port: port >= 3002)
    assert ui._first_free_port() == 3002


def test_settings_of_a_dotenv_file_are_used(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("NEXUS_TIME_ZONE=Australia/Perth\nEMPTY\n")
    assert ui._settings(tmp_path) == {"NEXUS_TIME_ZONE": "Australia/Perth"}


def _its_processes(home: Path, running: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Returns every process of this `ui`: what it started, directly or not, and what serves its home."""
    found = []
    for process in psutil.process_iter():
        try:
            command = " ".join(process.cmdline())
            related = running.pid in (process.pid, *(parent.pid for parent in process.parents()))
            if related or str(home) in command or process.environ().get("NEXUS_LOCAL_HOME") == str(home):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return [each for each in found if each.status() != psutil.STATUS_ZOMBIE]


def _listens_on(process: psutil.Process) -> set[str]:
    with suppress(psutil.NoSuchProcess):
        open_ports = process.net_connections(kind="inet")
        return {each.laddr.ip for each in open_ports if each.status == psutil.CONN_LISTEN}
    return set()


def _wait_until(condition: Callable[[], bool], patience: float) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def test_port_and_workspace_are_chosen_by_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["dev.py ui", "--port", "4001", "--workspace", "workspace.yaml"])
    assert vars(ui._options()) == {"port": 4001, "workspace": Path("workspace.yaml")}
    monkeypatch.setattr(sys, "argv", ["dev.py ui"])
    assert vars(ui._options()) == {"port": None, "workspace": None}

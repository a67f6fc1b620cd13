"""What `nexus-assets` tells of errors that no command foresaw."""

from __future__ import annotations

import errno
import gc
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from runpy import run_path

import pytest

from nexus_assets import cli, memory


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder without settings, and the signal handlers as they were."""
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_home_of_another_user_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def main(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "clinic.json"))

    monkeypatch.setenv("NEXUS_LOCAL_HOME", str(tmp_path))
    monkeypatch.setattr(cli.nexus_assets, "main", main)
    assert cli._run() == cli.EXIT_ERROR
    assert capsys.readouterr().err.startswith(f"Can't use {tmp_path}: Permission denied. Set NEXUS_LOCAL_HOME")


def test_line_of_faulty_code_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "unclosed.py").write_text("ONE = 1\nTWO = (\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(cli.nexus_assets, "main", lambda **_: import_module("unclosed"))
    assert cli._run() == cli.EXIT_ERROR
    assert f'File "{tmp_path}/unclosed.py", line 2' in capsys.readouterr().err


@pytest.fixture
def default_threshold() -> Iterator[None]:
    """That of Python."""
    before = gc.get_threshold()
    gc.set_threshold(700)
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("default_threshold")
def test_a_command_collects_garbage_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["nexus-assets", "--help"])
    with pytest.raises(SystemExit):
        cli.main()
    assert gc.get_threshold()[0] == memory.THRESHOLD


QUESTIONS = ("status", "plan", "report", "explain", "kept", "rejects", "guard", "learn-ids", "reset", "undo")
IMPORTED_LATER = ("nexus_assets.plan.plan", "nexus_assets.graph.selection", "nexus_assets.report.write")
WITHOUT_DAGSTER = f"""import sys
sys.modules["dagster"] = None
from importlib import import_module
from nexus_assets.cli import COMMANDS
for module in (*(COMMANDS[name] for name in {QUESTIONS}), *{IMPORTED_LATER}):
    import_module(module)
"""


def test_commands_that_start_no_run_do_not_import_dagster() -> None:
    """It takes half of their time."""
    subprocess.run([sys.executable, "-c", WITHOUT_DAGSTER], check=True)


@pytest.mark.usefixtures("default_threshold")
def test_a_run_and_a_code_server_of_dagster_collect_garbage_seldom() -> None:
    run_path(str(Path(cli.__file__).with_name("definitions.py")))  # which may be imported already
    assert gc.get_threshold()[0] == memory.THRESHOLD


EIGHT_THREADS = """
import ctypes, sys, threading
from nexus_assets import memory

if sys.argv[1] == "tuned":
    memory.tune()
all_there = threading.Barrier(8)
threads = [threading.Thread(target=lambda: (all_there.wait(), bytearray(9000), all_there.wait())) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc = ctypes.CDLL(None)
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the C library of Linux has a heap for each thread")
@pytest.mark.parametrize(("how", "several"), [("tuned", False), ("by default", True)])
def test_threads_share_one_heap(how: str, several: bool) -> None:
    told = subprocess.run([sys.executable, "-c", EIGHT_THREADS, how], capture_output=True, text=True, check=True).stdout
    assert (told.count("<heap nr=") > 1) is several

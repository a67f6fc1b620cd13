"""What `dev.py ui` refuses before Dagster starts."""

from __future__ import annotations

import socket
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nexus_assets.errors import NexusAssetsError
from nexus_assets.local import ui


def test_port_that_is_taken_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui, "connect", lambda: pytest.fail("a server was started"))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setattr(sys, "argv", ["ui", "--port", str(port)])
        with pytest.raises(SystemExit, match=f"Port {port} is taken"):
            ui.main()


def test_second_ui_over_one_home_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEXUS_LOCAL_HOME", str(tmp_path))
    with ui._alone("http://127.0.0.1:3000"):
        with pytest.raises(NexusAssetsError, match=r"already, at http://127\.0\.0\.1:3000 ") as refused, ui._alone(""):
            pass
        assert str(tmp_path) in str(refused.value)
    with ui._alone("http://127.0.0.1:3001"):
        pass


def test_setting_that_cannot_be_used_is_said_before_a_server_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui, "connect", lambda: pytest.fail("a server was started"))
    monkeypatch.setattr(ui.signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["ui"])
    monkeypatch.setenv("NEXUS_TIME_ZONE", "Mars")
    monkeypatch.delitem(sys.modules, "nexus_assets.definitions", raising=False)
    with pytest.raises(SystemExit, match="NEXUS_TIME_ZONE"):
        ui.main()


def test_daemon_is_silent_about_the_code_servers_that_it_replaces(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, ...]] = []

    def process(*arguments: str) -> Any:
        started.append(arguments)
        return nullcontext(SimpleNamespace(poll=lambda: "daemon" in arguments[1] or None))

    monkeypatch.setattr(ui, "_process", process)
    monkeypatch.setattr(ui, "_answers", lambda _: True)
    with pytest.raises(NexusAssetsError):
        ui._run(3000, Path("workspace.yaml"), ui.GRAPH, [])
    assert started[1][-2:] == ("--code-server-log-level", "error")

"""`dev.py ui --port` where another program listens."""

from __future__ import annotations

import socket
import sys

import pytest

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

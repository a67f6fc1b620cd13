"""Output that can't be written: a reader that has gone, a full disk, an encoding without the characters."""

from __future__ import annotations

import errno
import io
import os
import sys

import click
import pytest
from rich.console import Console

from nexus_assets import cli


class Refusing(io.RawIOBase):
    """A file that takes nothing."""

    def __init__(self, code: int) -> None:
        self._code = code

    def writable(self) -> bool:
        return True

    def write(self, _: object) -> int:
        raise OSError(self._code, os.strerror(self._code))


def ended(monkeypatch: pytest.MonkeyPatch, stream: io.TextIOBase, code: int) -> tuple[int, bool]:
    """The exit code of the program whose command prints in both of our ways and ends with this one, and whether it came to its end."""
    reached = []

    @click.command("load")
    def command() -> None:
        click.echo("12 patients, naïvely…")
        Console().print("12 patients, naïvely…")
        reached.append(True)
        sys.exit(code)

    monkeypatch.setattr(cli.nexus_assets, "get_command", lambda *_: command)
    monkeypatch.setattr(sys, "argv", ["nexus-assets", "load"])
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(cli.signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    return int(str(exit_.value.code)), bool(reached)


@pytest.mark.parametrize("code", [0, 1])
def test_a_reader_that_has_gone_changes_no_exit_code(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    stream = io.TextIOWrapper(io.BufferedWriter(Refusing(errno.EPIPE)))
    assert ended(monkeypatch, stream, code) == (code, True)


@pytest.mark.parametrize("line_buffering", [False, True])
def test_a_full_disk_ends_no_command_and_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line_buffering: bool
) -> None:
    stream = io.TextIOWrapper(io.BufferedWriter(Refusing(errno.ENOSPC)), line_buffering=line_buffering)
    assert ended(monkeypatch, stream, 0) == (2, True)
    assert "its output could not be written to its end: No space left on device" in capsys.readouterr().err


def test_a_character_that_the_encoding_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    assert ended(monkeypatch, io.TextIOWrapper(written, encoding="latin-1"), 0) == (0, True)
    assert written.getvalue().decode("latin-1") == "12 patients, naïvely\\u2026\n" * 2

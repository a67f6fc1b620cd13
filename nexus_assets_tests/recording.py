"""The terminal that README shows: a real run of `incident` over the demo clinic, kept as text and drawn as an SVG.

`python -m nexus_assets_tests.recording` records it again, in a clinic of its own, and draws it; a slow test compares a run of
today with the text, a fast one the text with the drawing.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from nexus_assets.local.home import SOURCE

TEXT = SOURCE / "nexus_assets_tests" / "recording.ansi"
PICTURE = SOURCE / "docs" / "incident.svg"
COLUMNS, ROWS = 80, 50
TYPED = "python3 dev.py incident"

_CONTROL = re.compile(r"(\r|\n|\x1b\[\??[\d;]*[A-Za-z])")

THEME = TerminalTheme(
    (22, 27, 34),
    (225, 228, 232),
    [
        *((72, 79, 88), (255, 123, 114), (86, 211, 100), (227, 179, 65)),
        *((121, 192, 255), (210, 168, 255), (86, 212, 221), (225, 228, 232)),
    ],
)

FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" class="rich-terminal" viewBox="0 0 {width} {height}">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font: bold 18px system-ui, sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""Rich's own frame without the typeface that it fetches from elsewhere."""


def on_screen(printed: str) -> list[str]:
    """The lines that stand on a terminal after all of this was printed: what was drawn over or erased is gone, colours stay."""
    lines, row = [""], 0
    for part in _CONTROL.split(printed):
        if part == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif re.fullmatch(r"\x1b\[\d*A", part):
            row = max(0, row - int(part[2:-1] or 1))
        elif re.fullmatch(r"\x1b\[\d*K", part):
            lines[row] = ""
        elif part != "\r" and (not part.startswith("\x1b[") or part.endswith("m")):
            lines[row] += part
    return [line.rstrip() for line in lines]


def record(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, output: int | None = None
) -> list[str]:
    """Runs a command on a terminal of 80 columns; the lines that it left there, with their colours. Raises CalledProcessError.

    Where there is an `output`, an open file, the command's standard output goes there.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    terminal = {**environment, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
    with subprocess.Popen(
        command, env=terminal, cwd=folder, stdin=theirs, stdout=theirs if output is None else output, stderr=theirs
    ) as process:
        os.close(theirs)
        printed = b""
        try:
            while piece := os.read(ours, 65536):
                printed += piece
        except OSError:  # Linux's way of saying that nobody writes there any more
            pass
    os.close(ours)
    text = printed.decode()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, text)
    return [line for line in on_screen(text) if line.strip("\x1b[0m")]


def untimed(lines: Sequence[str]) -> list[str]:
    """The lines as words, without colours, and without the seconds that no two runs share."""
    return [re.sub(r"\d+(\.\d+)? s\b", "… s", re.sub(r"\x1b\[[\d;]*m", "", line)) for line in lines]


def drawn(lines: Sequence[str]) -> str:
    """The lines as a picture of a terminal."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text("$ ", style="bold green") + Text(TYPED, style="bold"))
    for line in lines:
        console.print(Text.from_ansi(line), no_wrap=True, overflow="ignore", crop=False)
    return console.export_svg(title="nexus_assets", theme=THEME, code_format=FRAME, unique_id="terminal")


def recorded(home: Path, *words: str, output: int | None = None) -> list[str]:
    """What a command of nexus-assets over the clinic in this folder leaves on a terminal."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("NEXUS_", "AWS_", "DAGSTER"))}
    command, environment = [sys.executable, "-m", "nexus_assets", *words], {**own, "NEXUS_LOCAL_HOME": str(home)}
    return record(command, environment, home.parent, output)


def main() -> None:
    """Records, and draws."""
    with TemporaryDirectory() as folder:
        for command in ("demo", "incident"):
            lines = recorded(Path(folder) / "local", command)
    TEXT.write_text("\n".join([*lines, ""]), "utf-8")
    PICTURE.write_text(drawn(lines), "utf-8")


if __name__ == "__main__":
    main()

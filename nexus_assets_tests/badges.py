"""The badges of README, drawn from what they are about: `.ci/run` and pyproject.toml; `python -m nexus_assets_tests.badges` writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nexus_assets.local.home import SOURCE

PICTURE = SOURCE / "docs" / "badges.svg"
CHARACTER, PADDING, HEIGHT, GAP = 6.1, 7, 20, 6
"""Pixels: the width of a character of Verdana in this size on the average, with room; space beside a text, and between two badges."""


def said() -> Iterator[tuple[str, str]]:
    """What each badge says: its subject, and what is so."""
    steps = re.findall(r'step "([^("]+)" &&|step "([^("]+)"', (SOURCE / ".ci" / "run").read_text("utf-8"))
    project = (SOURCE / "pyproject.toml").read_text("utf-8")
    (python,) = re.findall(r'^requires-python = ">=([\d.]+)"', project, re.MULTILINE)
    (dagster,) = re.findall(r'^    "dagster~=(\d+\.\d+)', project, re.MULTILINE)
    # The first step installs what the machine lacks; the last line is the end.
    yield "CI", ", ".join((one or other).lower() for one, other in steps[1:])
    yield "Python", f"{python} or newer"
    yield "Dagster", dagster


def drawn() -> str:
    """The badges beside each other, as one picture."""
    parts, at = [], 0.0
    for name, state in said():
        widths = [round(len(text) * CHARACTER) + 2 * PADDING for text in (name, state)]
        for text, width, colour in zip((name, state), widths, ("#4b5563", "#00684b"), strict=True):
            parts.append(f'<rect x="{at:g}" width="{width}" height="{HEIGHT}" fill="{colour}"/>')
            parts.append(f'<text x="{at + width / 2:g}" y="14" textLength="{width - 2 * PADDING}">{text}</text>')
            at += width
        at += GAP
    label = "; ".join(f"{name}: {state}" for name, state in said())
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{at - GAP:g}" height="{HEIGHT}" role="img" aria-label="{label}">'
    style = '<g fill="#fff" text-anchor="middle" font-family="Verdana, DejaVu Sans, sans-serif" font-size="11">'
    return "\n".join([head, style, *parts, "</g>", "</svg>", ""])


if __name__ == "__main__":
    PICTURE.write_text(drawn(), "utf-8")

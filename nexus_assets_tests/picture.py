"""The picture of docs/architecture.md: which folder imports which, read from the code's own import statements."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from nexus_assets.local.home import SOURCE

PAGE = SOURCE / "docs" / "architecture.md"
ROOMS = (
    *("commands", "admin", "graph", "report", "plan", "alerts", "checks"),
    *("load", "ledger", "nexus", "sources", "entities", "mapping"),
)
"""The folders that are shown, from those that know the most to those that know the least."""

_BETWEEN = re.compile(r"(<!-- begin: picture -->\n).*?(<!-- end: picture -->)", re.DOTALL)


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "nexus_assets":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nexus_assets."):
            yield str(node.module).split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("nexus_assets."))


def imports() -> dict[str, set[str]]:
    """The folders that each folder imports, anywhere in its modules, functions included."""
    found: dict[str, set[str]] = {room: set() for room in ROOMS}
    for room in ROOMS:
        for file in (SOURCE / "nexus_assets" / room).rglob("*.py"):
            found[room] |= {name for name in _imported(file) if name in ROOMS and name != room}
    return found


def _reaches(edges: Mapping[str, set[str]], start: str, end: str) -> bool:
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        room = ahead.pop()
        if room == end:
            return True
        if room not in seen:
            seen.add(room)
            ahead += edges[room]
    return False


def picture() -> str:
    """The folders as a Mermaid flowchart; imports that another path implies are left out."""
    edges = imports()
    for room, other in itertools.product(ROOMS, ROOMS):
        if other in edges[room]:
            edges[room].remove(other)
            if not _reaches(edges, room, other):
                edges[room].add(other)
    lines = [f"  {room} --> {other}" for room, other in itertools.product(ROOMS, ROOMS) if other in edges[room]]
    return "\n".join(["```mermaid", "flowchart LR", *lines, "```", ""])


def with_picture(page: str) -> str:
    """The page with the picture as it is now."""
    return _BETWEEN.sub(lambda found: found[1] + picture() + found[2], page)


if __name__ == "__main__":
    PAGE.write_text(with_picture(PAGE.read_text("utf-8")), "utf-8")

"""The pages for people, README and docs/, and their tables made from the code: `python -m nexus_assets_tests.readme` writes those."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

README = Path(__file__).resolve().parents[1] / "README.md"
PAGES = (README, README.parent / "SECURITY.md", *sorted((README.parent / "docs").glob("*.md")))
"""Every page that a user of the project reads."""
WRITE = ".venv/bin/python -m nexus_assets_tests.readme"


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    lines = [tuple(headings)]
    lines += [("---",) * len(lines[0]), *map(tuple, rows)]
    # A bar inside a cell would begin another one, even within a code span.
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def commands() -> str:
    """Every command of nexus-assets with the first paragraph of its help."""
    from nexus_assets.cli import COMMANDS

    rows = []
    for name, module in COMMANDS.items():
        if find_spec(module) is None:  # announced, not written yet
            continue
        command = import_module(module).command
        rows.append((f"`{name}`", " ".join((command.help or "").split("\n\n")[0].split())))
    return table(("command", "what it does"), rows)


def settings() -> str:
    """Every setting: name, meaning, default."""
    from nexus_assets.settings import SETTINGS

    rows = ((f"`{each.name}`", each.meaning, f"`{each.default}`" if each.default else "") for each in SETTINGS)
    return table(("name", "meaning", "default"), rows)


def reasons() -> str:
    """Every reject reason with its sentence."""
    from nexus_assets.mapping.reasons import REASONS

    return table(("reason", "meaning"), ((f"`{code}`", meaning) for code, meaning in REASONS.items()))


def checks() -> str:
    """Every check: what must hold, where, how severe it is, whether it blocks."""
    from nexus_assets.checks import CHECKS

    places: dict[tuple[str, ...], list[str]] = {}
    for check in CHECKS:
        # One sentence about several entities is said once.
        said = check.description.replace(f" of {check.asset} ", " ")
        blocks = "blocks" if check.blocking and check.severity == "ERROR" else ""
        places.setdefault((f"`{check.name}`", said, check.severity, blocks), []).append(check.asset)
    rows = (
        (name, ", ".join(assets), said, severity, blocks) for (name, said, severity, blocks), assets in places.items()
    )
    return table(("check", "of", "what must hold", "severity", ""), rows)


@cache
def grants() -> str:
    """The SQL that gives the import's role its rights, found in a database with Nexus's tables as the demo has them."""
    import sqlalchemy as sa

    from nexus_assets.local import nexus_schema
    from nexus_assets.local.postgres import Postgres
    from nexus_assets.nexus.connection import make_engine, transaction
    from nexus_assets.nexus.grants import needed

    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        server = Postgres(Path(folder) / "postgres", fsync=False)
        server.start()
        try:
            engine = sa.create_engine(server.url(), poolclass=sa.NullPool)
            nexus_schema.create(engine)
            with engine.begin() as connection:
                nexus_schema.seed(connection)
            with transaction(make_engine(server.url()), read_only=True) as cursor:
                lines = [right.sql("nexus_import").as_string(cursor) for right in needed(cursor)]
        finally:
            server.stop()
    # Names are quoted where they need it alone: people read this.
    plain = [re.sub(r'"(?!order")([a-z][a-z0-9_]*)"', r"\1", line) for line in lines]
    return "\n".join(
        ["```sql owner", "GRANT USAGE ON SCHEMA public TO nexus_import;", *(f"{line};" for line in plain), "```"]
    )


def exports() -> str:
    """Every export: what is loaded from it, the headings that are read, and those that it may lack."""
    from nexus_assets.entities import ENTITIES
    from nexus_assets.load.sources import headings
    from nexus_assets.mapping.entity import Entity

    found: dict[str, list[Entity]] = {}
    for entity in ENTITIES.values():
        found.setdefault(entity.rows_of.export, []).append(entity)

    def row(export: str, entities: list[Entity]) -> tuple[str, ...]:
        needed = {name: None for entity in entities for name in headings(entity)[0]}
        may_lack = {name: None for entity in entities for name in headings(entity)[1] if name not in needed}
        optional = all(entity.optional for entity in entities)
        return (
            f"`{export}`{' (optional)' if optional else ''}",
            ", ".join(entity.name for entity in entities),
            ", ".join(needed),
            ", ".join(may_lack),
        )

    return table(("export", "loaded from it", "headings", "may lack"), (row(*each) for each in found.items()))


def attacks() -> str:
    """Who attacks, and how many attacks the tests try."""
    from nexus_assets_tests.attacks import tried

    return table(("who, or what", "attacks tried"), ((who, f"{number:,}") for who, number in sorted(tried().items())))


TABLES: Mapping[str, Callable[[], str]] = {
    "commands": commands,
    "settings": settings,
    "reasons": reasons,
    "checks": checks,
    "grants": grants,
    "exports": exports,
    "attacks": attacks,
}
"""Name of a table between its marks in one of the pages -> what must stand there."""


def pages_text() -> str:
    """All pages, one after the other."""
    return "\n\n".join(page.read_text("utf-8") for page in PAGES)


def snippet(language: str, name: str) -> str:
    """A block of code of the pages by its language and name, as in ```sql role."""
    (found,) = re.findall(rf"^```{language} {name}\n(.*?)^```", pages_text(), re.DOTALL | re.MULTILINE)
    return str(found)


def block(name: str) -> re.Pattern[str]:
    """The text between a table's marks."""
    return re.compile(rf"(?<=<!-- begin: {name} -->\n).*?(?=<!-- end: {name} -->)", re.DOTALL)


def main() -> None:
    """Writes every table into the page that has its marks."""
    for page in PAGES:
        written = page.read_text("utf-8")
        for name, make in TABLES.items():
            if block(name).search(written):
                made = f"{make()}\n"
                written = block(name).sub(lambda _, made=made: made, written)
        page.write_text(written, "utf-8")


if __name__ == "__main__":
    main()

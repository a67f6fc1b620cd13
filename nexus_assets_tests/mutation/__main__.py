"""`python3 dev.py mutate`: how many semantic changes of the product, one at a time, the tests notice."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from nexus_assets_tests.mutation.changes import Change, changes
from nexus_assets_tests.mutation.coverage_map import ASKED, FOLDER, CoverageMap
from nexus_assets_tests.mutation.trial import Outcome, Tree

ROOT = Path(__file__).resolve().parents[2]
MAP = ROOT / ".local" / "mutation"
MEMORY = Path("/dev/shm")
"""Where files are in memory, where there is such a place: databases are made and dropped twice as fast."""


def chosen(found: Sequence[Change], sample: int, seed: int) -> list[Change]:
    """So many changes, spread like the code: of a line drawn by chance one by chance, every third in the text of SQL."""
    chance, drawn = random.Random(seed), dict[Change, None]()
    by_kind = {kind: _by_line([each for each in found if each.kind == kind]) for kind in ("sql", "python")}
    wanted = min(sample, len(found))
    while len(drawn) < wanted:
        kind = "sql" if by_kind["sql"] and (len(drawn) % 3 == 0 or not by_kind["python"]) else "python"
        lines = by_kind[kind]
        line = chance.choice([*lines])
        drawn[lines[line].pop(chance.randrange(len(lines[line])))] = None
        if not lines[line]:
            del lines[line]
    return [*drawn]


def _by_line(found: Sequence[Change]) -> dict[tuple[str, int], list[Change]]:
    lines: dict[tuple[str, int], list[Change]] = {}
    for each in found:
        lines.setdefault((each.path, each.line), []).append(each)
    return lines


@click.command("dev.py mutate")
@click.argument("folder", default="nexus_assets")
@click.option("--sample", type=click.IntRange(min=1), default=60, show_default=True, help="How many changes are tried.")
@click.option("--seed", type=int, default=1, show_default=True, help="Which: another seed chooses others.")
@click.option(
    "--budget", default=100.0, show_default=True, help="Seconds of tests that are run for one change at most."
)
@click.option(
    "--record", multiple=True, metavar="TESTS", help="Record first which lines these tests execute; a file or folder."
)
@click.option("--map", "map_folder", type=click.Path(path_type=Path, file_okay=False), default=MAP, hidden=True)
def command(folder: str, sample: int, seed: int, budget: float, record: tuple[str, ...], map_folder: Path) -> None:
    """Make one semantic change at a time in FOLDER (default: all of nexus_assets), in a copy, and run the tests that can see it.

    Which tests execute which lines is recorded first where that was never done: half as long as all fast tests.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if record or not map_folder.is_dir():
        record_map(map_folder, record)
    todo = chosen(changes(ROOT, folder), sample, seed)
    scratch = Path(tempfile.mkdtemp(prefix="mutation-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        tree = Tree(ROOT, scratch / "tree", CoverageMap(map_folder))
        outcomes = []
        for number, change in enumerate(todo, start=1):
            outcomes.append(tree.attempt(change, budget, patience=10))
            click.echo(f"{number}/{len(todo)} {told(outcomes[-1])}")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    survivors = [each for each in outcomes if not each.noticed_by]
    noticed = len(outcomes) - len(survivors)
    click.echo(f"seed {seed}: {noticed} of {len(outcomes)} noticed ({noticed / len(outcomes):.0%}). Not noticed:")
    for each in survivors:
        click.echo(told(each))


def told(outcome: Outcome) -> str:
    """The change as a line before and after, and what became of it."""
    what = f"noticed by {outcome.noticed_by}" if outcome.noticed_by else f"NOT NOTICED by {outcome.tests} tests"
    place = f"{outcome.change.path}:{outcome.change.line}"
    return f"{what} ({outcome.seconds:.0f} s)\n  {place}\n  - {outcome.before}\n  + {outcome.after}"


def record_map(folder: Path, tests: Sequence[str]) -> None:
    """Runs these tests, all where none is named, with the plugin that writes into the folder what they execute."""
    folder.mkdir(parents=True, exist_ok=True)
    plugin = ("-p", "nexus_assets_tests.mutation.coverage_map", "-p", "no:cacheprovider", "-q", *ASKED)
    variables = {**os.environ, FOLDER: str(folder)}
    subprocess.run([sys.executable, "-m", "pytest", *plugin, *tests], cwd=ROOT, env=variables, check=False)


if __name__ == "__main__":
    command(prog_name="dev.py mutate")

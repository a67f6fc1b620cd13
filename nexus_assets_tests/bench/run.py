"""The whole benchmark: clinics at several scales, loads and rivals in turn, medians and ratios of one run."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nexus_assets.local.clinic import write_clinic
from nexus_assets_tests.bench import loads, orphans
from nexus_assets_tests.bench.loads import Taken
from nexus_assets_tests.bench.orphans import Asked
from nexus_assets_tests.bench.row_at_a_time import row_at_a_time
from nexus_assets_tests.bench.server import Server

CHANGED = 0.01
EXPORT_ENTITIES = ("patients", "appointments", "notes")
FILE_ENTITIES = ("documents", "image_batches", "images")
FILE_SCALE_LIMIT = 10
"""Documents and images are measured up to this scale: a clinic of a thousand thousand files is no clinic."""

Tell = Callable[[str], None]


@dataclass
class Measured:
    """All rounds of one piece of work."""

    taken: list[Taken] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return statistics.median(each.seconds for each in self.taken)

    @property
    def server_seconds(self) -> float:
        return statistics.median(each.server_seconds for each in self.taken)

    @property
    def peak_mb(self) -> float:
        return max(each.peak_mb for each in self.taken)

    @property
    def rows(self) -> int:
        return self.taken[-1].rows


@dataclass
class Bench:
    """The figures of a benchmark: work by (scale, entity, what)."""

    figures: dict[tuple[int, str, str], Measured] = field(default_factory=dict)

    def add(self, scale: int, entity: str, what: str, taken: Taken) -> None:
        self.figures.setdefault((scale, entity, what), Measured()).taken.append(taken)

    def ratio(self, scale: int, entity: str, what: str, to: str) -> float | None:
        """Median over the rounds of the ratio to another piece of work of the same round."""
        mine, theirs = self.figures.get((scale, entity, what)), self.figures.get((scale, entity, to))
        if mine is None or theirs is None:
            return None
        pairs = zip(mine.taken, theirs.taken, strict=False)
        return statistics.median(one.seconds / other.seconds for one, other in pairs)

    def server_ratio(self, scale: int, entity: str, what: str, to: str) -> float | None:
        """The same, of the processor's time in the database server."""
        mine, theirs = self.figures.get((scale, entity, what)), self.figures.get((scale, entity, to))
        if mine is None or theirs is None:
            return None
        pairs = zip(mine.taken, theirs.taken, strict=False)
        return statistics.median(one.server_seconds / max(0.01, other.server_seconds) for one, other in pairs)

    def as_json(self) -> list[dict[str, Any]]:
        return [
            {
                "scale": scale,
                "entity": entity,
                "what": what,
                "seconds": round(figures.seconds, 3),
                "server_seconds": round(figures.server_seconds, 2),
                "peak_mb": round(figures.peak_mb, 1),
                "rows_written": figures.rows,
                "ratio_to_copy": self.ratio(scale, entity, what, "copy"),
                "server_ratio_to_first": self.server_ratio(scale, entity, what, "first"),
            }
            for (scale, entity, what), figures in self.figures.items()
        ]


def _clinic(folder: Path, scale: int, changed: float, tell: Tell) -> Path:
    exports = folder / f"scale-{scale}{'-changed' if changed else ''}"
    tell(f"Writing the exports of scale {scale}{' with 1 % changed' if changed else ''}")
    write_clinic(exports, folder / "unused", scale=scale, formats="csv", files=False, changed=changed)
    if scale <= FILE_SCALE_LIMIT:
        loads.keep_listings(exports, scale)
    return exports


def _measure_entity(
    bench: Bench,
    server: Server,
    name: str,
    scale: int,
    rounds: int,
    exports: Path,
    changed: Path,
    parents: str,
    folder: Path,
    tell: Tell,
) -> None:
    """First, unchanged and 1 % changed loads, all rows compared and all adopted, beside COPY and execute_values, in turn."""
    finished = folder / f"{name}.copy"
    for number in range(rounds):
        tell(f"{name} at scale {scale}, round {number + 1} of {rounds}")
        with server.copy_of(parents) as url:
            bench.add(scale, name, "first", server.measured(loads.load_entity, name, url, exports))
            if number == 0:
                loads.export_finished(name, url, finished)
            bench.add(scale, name, "unchanged", server.measured(loads.load_entity, name, url, exports))
            if name in EXPORT_ENTITIES:
                with server.copy_of(url) as other:
                    bench.add(
                        scale, name, "1 % changed, floor", server.measured(loads.floor_of_changed, name, other, changed)
                    )
            bench.add(scale, name, "1 % changed", server.measured(loads.load_entity, name, url, changed))
            loads.forget_hashes(name, url)
            bench.add(scale, name, "all compared", server.measured(loads.load_entity, name, url, changed))
            loads.forget_ledger(name, url)
            bench.add(scale, name, "all adopted", server.measured(loads.load_entity, name, url, changed))
        with server.copy_of(parents) as url:
            bench.add(scale, name, "floor", server.measured(loads.floor, name, url, exports, finished))
        with server.copy_of(parents) as url:
            bench.add(scale, name, "copy", server.measured(loads.copy_finished, name, url, finished))
        with server.copy_of(parents) as url:
            bench.add(scale, name, "execute_values", server.measured(loads.insert_values, name, url, finished))
        if scale == 1:
            with server.copy_of(parents) as url:
                bench.add(scale, name, "a row at a time", server.measured(row_at_a_time, name, url, exports))
    for file in (finished, *(known for _, known in loads.remembered(name, finished))):
        file.unlink()


def measure_loads(scales: tuple[int, ...], rounds: int, tell: Tell) -> Bench:
    """The loads of every entity at every scale, beside their rivals."""
    bench = Bench()
    with tempfile.TemporaryDirectory(prefix="nexus-bench-") as scratch, Server(Path(scratch)) as server:
        folder = Path(scratch)
        empty = server.new_nexus()
        for scale in scales:
            exports, changed = _clinic(folder, scale, 0.0, tell), _clinic(folder, scale, CHANGED, tell)
            loaded = server.new(empty)
            entities = (*EXPORT_ENTITIES, *(FILE_ENTITIES if scale <= FILE_SCALE_LIMIT else ()))
            for name in entities:
                with server.copy_of(loaded) as parents:
                    _measure_entity(bench, server, name, scale, rounds, exports, changed, parents, folder, tell)
                if name in ("patients", "image_batches"):
                    loads.load_entity(name, loaded, exports)
            server.drop(loaded)
    return bench


def measure_orphans(scales: tuple[int, ...], rounds: int, tell: Tell) -> dict[tuple[int, str], list[Asked]]:
    """The checks for orphaned references at every scale, each as often as there are rounds: by (scale, check)."""
    figures: dict[tuple[int, str], list[Asked]] = {}
    with tempfile.TemporaryDirectory(prefix="nexus-bench-") as scratch, Server(Path(scratch)) as server:
        for scale in scales:
            url = server.new_nexus()
            tell(f"A Nexus of scale {scale}, for the checks of references")
            orphans.fill(url, scale)
            for number in range(rounds):
                tell(f"References at scale {scale}, round {number + 1} of {rounds}")
                for asked in orphans.ask(url):
                    figures.setdefault((scale, asked.check), []).append(asked)
            server.drop(url)
    return figures


@dataclass(frozen=True)
class Graph:
    """A run of the bare command over the whole graph: wall seconds and peak memory of its largest process, in MB."""

    what: str
    seconds: float
    peak_mb: float


BASE = "import dagster"
"""What no command of Dagster's can do without: the bare command is measured beside it."""

PREPARE = """
from nexus_assets.local import dagster_home, demo, services
local = services.connect()
dagster_home.prepare(local.home)
demo.prepare(local, 1, fresh=True, tell=print)
"""
MATERIALIZE = [sys.executable, "-m", "dagster", "asset", "materialize", "--select"]
IDLE = ["-m", "nexus_assets_tests.bench.idle"]
SIX = (*EXPORT_ENTITIES, *FILE_ENTITIES)
FIRST_LOADS = (
    ("first load of six tables", [*MATERIALIZE, ",".join(SIX)]),
    ("first load, --select '*'", [*MATERIALIZE, "*"]),
)
RUNS = (
    ("--select '*'", [*MATERIALIZE, "*"]),
    ("--select '*', doing nothing", [*MATERIALIZE, "*", *IDLE]),
    ("--select images", [*MATERIALIZE, "images"]),
    ("--select images, doing nothing", [*MATERIALIZE, "images", *IDLE]),
    (BASE, [sys.executable, "-c", BASE]),
)


def measure_graph(rounds: int, tell: Tell) -> list[Graph]:
    """`dagster asset materialize` on the demo clinic at scale 1, first and again, beside importing Dagster, and beside an importer
    that brings six of its tables in row by row."""
    results = []
    with tempfile.TemporaryDirectory(prefix="nexus-bench-") as scratch, Server(Path(scratch) / "rows") as server:
        home = Path(scratch) / "home"
        environment = {**os.environ, "NEXUS_LOCAL_HOME": str(home), "DAGSTER_HOME": str(home / "dagster")}
        exports = _clinic(Path(scratch), 1, 0.0, tell)
        for number in range(rounds):
            tell(f"The whole graph, round {number + 1} of {rounds}")
            for what, command in FIRST_LOADS:
                _timed([sys.executable, "-c", PREPARE], environment)
                results.append(Graph(what, *_timed(command, environment)))
            results += [Graph(what, *_timed(command, environment)) for what, command in RUNS]
            url = server.new_nexus()
            taken = [server.measured(row_at_a_time, name, url, exports) for name in SIX]
            seconds, peak_mb = sum(each.seconds for each in taken), max(each.peak_mb for each in taken)
            results.append(Graph("six tables, a row at a time", seconds, peak_mb))
            server.drop(url)
    return results


def _timed(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            raise RuntimeError(f"{' '.join(command)} failed:\n{said.read().decode(errors='replace')[-2000:]}")
    return seconds, usage.ru_maxrss / 1024

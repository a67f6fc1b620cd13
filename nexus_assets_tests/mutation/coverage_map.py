"""Which tests execute which lines of the product: recorded once, as a plugin of pytest, in one file for each file of tests.

A line is known by its text, not by its number: the map outlives changes elsewhere in a file.
"""

from __future__ import annotations

import json
import linecache
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coverage
import pytest

FOLDER = "COVERAGE_MAP"
"""The variable that names the folder into which a run of pytest with this plugin writes."""

ASKED = ("-m", "not slow")
"""Which tests are asked: the extended ones too."""

CASES = 2
"""How many cases of a test with parameters are run for the map."""


@dataclass(frozen=True)
class Test:
    """A test: its id, the seconds that it takes, and how many lines of the product it executes."""

    id: str
    seconds: float
    breadth: int

    @property
    def file(self) -> str:
        return self.id.partition("::")[0]


class CoverageMap:
    """The tests of all files that were recorded in the folder."""

    def __init__(self, folder: Path) -> None:
        self.tests: list[Test] = []
        self._by_line: dict[tuple[str, str], set[Test]] = {}
        self._by_file: dict[str, set[Test]] = {}
        for file in sorted(folder.glob("*.json")):
            self._add(json.loads(file.read_text()))

    def _add(self, found: dict[str, Any]) -> None:
        breadth: Counter[int] = Counter()
        for texts in found["lines"].values():
            for ran in texts.values():
                breadth.update(ran)
        tests = [Test(*pair, breadth[at]) for at, pair in enumerate(zip(found["tests"], found["seconds"], strict=True))]
        self.tests += tests
        for path, texts in found["lines"].items():
            for text, ran in texts.items():
                seen = {tests[at] for at in ran}
                self._by_line.setdefault((path, text), set()).update(seen)
                self._by_file.setdefault(path, set()).update(seen)

    def of_lines(self, path: str, lines: Iterable[str]) -> set[Test]:
        """The tests that execute one of these lines of the file."""
        return set().union(*(self._by_line.get((path, line.strip()), ()) for line in lines))

    def of_file(self, path: str) -> set[Test]:
        """The tests that execute anything of the file; all, where nothing in it can be executed: it is data."""
        return self._by_file.get(path) or {*self.tests}


def file_of(folder: Path, test_file: str) -> Path:
    """Where the map of a file of tests is kept."""
    return folder / f"{test_file.replace('/', '.')}.json"


class Recorder:
    """Keeps what each test executes, and how long it takes; a test with parameters counts as one, and its first cases are run."""

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder, self._root = folder, root
        self._seconds: dict[str, float] = {}
        self._cases: Counter[str] = Counter()
        self._failed: set[str] = set()
        self._coverage = coverage.Coverage(data_file=None, source=[str(root / "nexus_assets")], config_file=False)
        self._coverage.set_option(
            "run:disable_warnings", ["module-not-measured", "module-not-imported", "no-data-collected"]
        )
        self._coverage.start()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = []
        for item in items:
            test = item.nodeid.partition("[")[0]
            self._cases[test] += 1
            if self._cases[test] <= CASES:
                chosen.append(item)
        items[:] = chosen

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
        test = item.nodeid.partition("[")[0]
        self._coverage.switch_context(test)
        started = time.monotonic()
        try:
            return (yield)
        finally:
            self._seconds[test] = self._seconds.get(test, 0) + time.monotonic() - started
            self._coverage.switch_context("")
            if nextitem is None or nextitem.path != item.path:
                self._write(item.nodeid.partition("::")[0])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.add(report.nodeid.partition("[")[0])

    def _write(self, test_file: str) -> None:
        self._coverage.stop()
        # One that fails as it is notices nothing.
        data, tests = self._coverage.get_data(), [test for test in self._seconds if test not in self._failed]
        number = {test: place for place, test in enumerate(tests)}
        lines: dict[str, dict[str, list[int]]] = {}
        for path in data.measured_files():
            texts = lines.setdefault(str(Path(path).relative_to(self._root)), {})
            for line, contexts in data.contexts_by_lineno(path).items():
                if ran := [number[context] for context in contexts if context in number]:
                    text = linecache.getline(path, line).strip()
                    texts[text] = sorted({*texts.get(text, ()), *ran})
        seconds = [round(self._seconds[test] * max(1, self._cases[test] / CASES), 2) for test in tests]
        found = {"seconds": seconds, "tests": tests, "lines": lines}
        file_of(self._folder, test_file).write_text(json.dumps(found))
        self._seconds = {}
        self._coverage.erase()
        self._coverage.start()


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Recorder(Path(os.environ[FOLDER]), config.rootpath))

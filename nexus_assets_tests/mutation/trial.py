"""One change tried: made in a copy of the tree, and the tests that can see it run there until one fails."""

from __future__ import annotations

import contextlib
import functools
import importlib
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nexus_assets.local.postgres import Postgres
from nexus_assets_tests.mutation.changes import Change
from nexus_assets_tests.mutation.coverage_map import ASKED, CoverageMap, Test

NOT_ASKED = (
    "load/test_golden_sql.py", "test_readme.py", "test_dev.py", "test_architecture.py", "test_privacy_of_files.py",
    "test_wheel.py", "mutation/",
)  # fmt: skip
"""Tests that compare the text of the code, or run nothing of it: to notice another text is no proof."""

INSTALLS_SQL = "nexus_assets/ledger/schema.py"
"""What executes the files of SQL: the tests that run it can see a change of them."""

IMPORTED_FIRST = (
    "nexus_assets.definitions", "nexus_assets.cli", "boto3", "pytest", "pdb", "cmd", "hypothesis.strategies", "openpyxl",
    "httpx", "apprise", "uvicorn", "rich.console", "rich.table",
)  # fmt: skip
"""What is imported once for all changes; of it the product's own modules are imported anew for each."""


class ReadyCluster:
    """A plugin of pytest: its servers of PostgreSQL begin as copies of this folder, a cluster made once for all changes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        made = Postgres(folder, fsync=False)
        made.start()
        made.stop()
        (folder / made.log.name).unlink()

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Callable[[Path], object] | None:
        if fixturedef.argname != "new_cluster":
            return None
        copy = functools.partial(shutil.copytree, self._folder)
        fixturedef.cached_result = (copy, fixturedef.cache_key(request), None)
        return copy


@dataclass(frozen=True)
class Outcome:
    """What came of a change: by which test it was noticed (`time` where one did not end); empty where none did.

    `before` and `after` are the lines that it changes.
    """

    change: Change
    before: str
    after: str
    noticed_by: str
    tests: int
    seconds: float


class Tree:
    """A copy of the tree, in which one change at a time is made."""

    def __init__(self, root: Path, folder: Path, covered: CoverageMap) -> None:
        self._folder, self._covered = folder, covered
        self._time = time.time() - 1_000_000
        self._sound: dict[str, bool] = {}
        files = subprocess.check_output(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=root, text=True)
        for name in filter(None, files.split("\0")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, folder / name)
        for name in IMPORTED_FIRST:
            importlib.import_module(name)
        self._cluster = ReadyCluster(folder.with_name("cluster"))

    def tests(self, change: Change, budget: float) -> list[Test]:
        """The tests that can see the change, for so many seconds: first those that are named after it, those that take little
        time, and those of other files than the ones before."""
        text = (self._folder / change.path).read_text("utf-8").splitlines()
        seen = self._covered.of_lines(change.path, text[change.first - 1 : change.last])
        if not change.is_called:
            seen = self._covered.of_file(INSTALLS_SQL if change.path.endswith(".sql") else change.path)
        subject = re.findall(r"[a-z]{4,}", Path(change.path).stem)
        words = re.findall(r"[a-z]{5,}", text[change.line - 1])

        def worth(test: Test) -> float:
            return 3 * _likeness(test.id, subject) + _likeness(test.id, words) - math.log2(test.seconds + 0.2)

        by_file: dict[str, list[Test]] = {}
        for test in sorted(seen, key=lambda test: (-worth(test), test.breadth, test.id)):
            by_file.setdefault(test.file, []).append(test)
        place = {test: at for tests in by_file.values() for at, test in enumerate(tests)}
        chosen: list[Test] = []
        for test in sorted(seen, key=lambda test: (place[test] / 4 - worth(test), test.breadth, test.id)):
            is_asked = not any(name in test.id for name in NOT_ASKED) and self._has(test)
            if is_asked and sum(each.seconds for each in [*chosen, test]) <= budget:
                chosen.append(test)
        return chosen

    def _has(self, test: Test) -> bool:
        """Whether the test is still there: the map may be older than its name."""
        file = self._folder / test.file
        return file.exists() and f"def {test.id.rpartition('::')[2]}(" in file.read_text("utf-8")

    def attempt(self, change: Change, budget: float, patience: float) -> Outcome:
        """Runs the tests with the change made. `patience`: how many times as long as expected one of them may take."""
        started, chosen = time.monotonic(), self.tests(change, budget)
        limit, noticed_by = 60 + patience * max((test.seconds for test in chosen), default=0), ""
        text = (self._folder / change.path).read_text("utf-8")
        start, end = text.rfind("\n", 0, change.start) + 1, text.find("\n", change.end)
        after = text[start : change.start] + change.new + text[change.end : end]
        while chosen and not noticed_by:
            with self._made(change):
                noticed_by = self._run([test.id for test in chosen], limit)
            if not noticed_by:
                break
            named = [test for test in chosen if noticed_by.startswith(test.id)]
            if named and not self._is_sound(named[0].id, limit):
                chosen, noticed_by = [test for test in chosen if test not in named], ""
        seconds = time.monotonic() - started
        return Outcome(change, text[start:end].strip(), after.strip(), noticed_by, len(chosen), seconds)

    def _is_sound(self, test: str, limit: float) -> bool:
        """Whether the test passes without any change: one that does not, as it needs what the copy lacks, notices nothing."""
        if test not in self._sound:
            self._sound[test] = not self._run([test], limit)
        return self._sound[test]

    @contextlib.contextmanager
    def _made(self, change: Change) -> Iterator[None]:
        file = self._folder / change.path
        text = file.read_text("utf-8")
        self._write(file, change.made_in(text))
        try:
            yield
        finally:
            self._write(file, text)

    def _write(self, file: Path, text: str) -> None:
        file.write_text(text, "utf-8")
        # Python takes compiled code for current by the file's time in whole seconds, and its size.
        self._time += 2
        os.utime(file, (self._time, self._time))

    def _run(self, tests: Sequence[str], limit: float) -> str:
        log = self._folder / "pytest.log"
        log.unlink(missing_ok=True)
        child = os.fork()
        if not child:
            self._be_pytest(tests, log)
        said, deadline = 0, time.monotonic() + limit
        try:
            while time.monotonic() < deadline:
                ended, _ = os.waitpid(child, os.WNOHANG)
                if ended:
                    return _failed(log)
                if log.exists() and log.stat().st_size != said:  # a test has ended
                    said, deadline = log.stat().st_size, time.monotonic() + limit
                time.sleep(0.1)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            shutil.rmtree(self._temporary, ignore_errors=True)
        os.waitpid(child, 0)
        return "time"

    @property
    def _temporary(self) -> Path:
        return self._folder.with_name("tmp")

    def _be_pytest(self, tests: Sequence[str], log: Path) -> None:
        os.setsid()
        os.chdir(self._folder)
        with log.open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        for name in [name for name in sys.modules if name.partition(".")[0] in ("nexus_assets", "nexus_assets_tests")]:
            del sys.modules[name]
        os.environ["PYTHONPATH"] = str(self._folder)
        self._temporary.mkdir(exist_ok=True)
        os.environ["TMPDIR"] = tempfile.tempdir = str(self._temporary)
        sys.path[:] = [str(self._folder), *(path for path in sys.path if "site-packages" in path or "/lib/" in path)]
        code = 70
        try:
            code = pytest.main(
                [
                    *ASKED,
                    "-x",
                    "-q",
                    "-p",
                    "no:cacheprovider",
                    "-Wignore::pytest.PytestAssertRewriteWarning",
                    f"--basetemp={self._temporary}/tests",
                    "--tb=line",
                    *tests,
                ],
                plugins=[self._cluster],
            )
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        os._exit(code)


def _failed(log: Path) -> str:
    """The first test that failed, by pytest's own words; empty where all passed."""
    said = log.read_text("utf-8", errors="replace")
    if re.search(r"^\d+ (passed|skipped)", said, re.MULTILINE) and not re.search(r"\d+ (failed|error)", said):
        return ""
    found = re.search(r"^(?:FAILED|ERROR) (\S.*)$", said, re.MULTILINE)
    if found:
        return found[1][:160]
    if "conftest" in said or "INTERNALERROR" in said:
        return "what tests share"
    raise RuntimeError(f"pytest did not run: {said[-500:]}")


def _likeness(name: str, words: Sequence[str]) -> int:
    return sum(word.rstrip("s") in name for word in {*words})

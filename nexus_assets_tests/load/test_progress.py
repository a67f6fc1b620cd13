"""A long load says how far it is: rows, rows a second and what is left, in the log and on a terminal; a short one says nothing."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from nexus_assets.commands.progress_bar import Bars
from nexus_assets.load import progress as progresses
from nexus_assets.load.progress import NEARLY, SHARES, Progress, _duration
from nexus_assets.sources.export import OpenExport, ReadFacts
from nexus_assets_tests.graph.conftest import Graph, failures, graph  # noqa: F401 - the fixture


@dataclass
class Load:
    """A load of an export of a hundred bytes, with a clock of its own."""

    now: float = 0.0
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.progress = Progress("notes", self.said.append, lambda: self.now)
        self.export: Any = SimpleNamespace(facts=SimpleNamespace(size=0), watch=None)
        self.progress.export(self.export, "Notes.csv", 100)

    def copy(self, rows: int, to_byte: int, seconds: float) -> None:
        self.export.watch(rows)
        self.export.facts.size = to_byte
        self.now += seconds


def test_while_copying_it_tells_rows_speed_and_what_is_left() -> None:
    load = Load()
    load.copy(rows=1000, to_byte=50, seconds=10)
    state = load.progress.state()
    assert (state.rows, state.done) == (1000, 0.05)
    assert state.left == pytest.approx(190)
    assert re.fullmatch(r"notes: copying Notes\.csv, 1,000 rows, 100 rows/s, about 3 min left", state.words())


def test_steps_after_it_are_guessed_from_the_time_that_copying_took() -> None:
    load = Load()
    load.copy(rows=1000, to_byte=100, seconds=20)
    load.progress.step("reading")
    before = load.progress.state().done
    load.now += 10
    state = load.progress.state()
    assert before < state.done < before + SHARES["reading"]
    assert state.words().startswith("notes: reading, 1,000 rows, 10 s so far, about ")
    load.now += 1000
    assert load.progress.state().done == pytest.approx(before + SHARES["reading"] * NEARLY)


def test_step_that_takes_longer_than_guessed_names_no_time_that_is_left() -> None:
    load = Load()
    load.copy(rows=1000, to_byte=100, seconds=20)
    load.progress.step("reading")
    load.now += 1000
    assert load.progress.state().words() == "notes: reading, 1,000 rows, 1000 s so far"


def test_rows_that_did_not_change_take_no_time() -> None:
    load = Load()
    load.copy(rows=1000, to_byte=100, seconds=20)
    load.progress.step("reading", 10)
    left = load.progress.state().left
    assert left is not None
    assert left < 2


def test_before_its_first_source_it_has_done_nothing() -> None:
    state = Progress("notes", lambda _: None, lambda: 0.0).state()
    assert (state.rows, state.done, state.left) == (0, 0, None)
    assert state.words() == "notes: copying the sources, 0 s so far"


def test_whoever_watches_hears_of_every_look(caplog: pytest.LogCaptureFixture) -> None:
    load = Load()
    with caplog.at_level("DEBUG", progresses.WATCHED.name):
        for to_byte in (10, 20):
            load.copy(rows=100, to_byte=to_byte, seconds=0.5)
            load.progress.tell()
    assert [record.state.rows for record in caplog.records] == [100, 200]  # type: ignore[attr-defined]
    assert load.said == []


def test_of_a_listing_its_objects_are_counted_and_nothing_is_guessed() -> None:
    load = Load()
    load.copy(rows=1000, to_byte=100, seconds=20)
    left = load.progress.listing(["a", "b", "c"], "bucket")
    assert [next(left), next(left)] == ["a", "b"]
    load.now += 4
    state = load.progress.state()
    assert (state.rows, state.done, state.left) == (2, 0, None)
    assert state.words() == "notes: copying bucket, 2 rows, 0 rows/s"


def test_load_of_nothing_is_no_division_by_zero() -> None:
    load = Load()
    load.progress.export(load.export, "Notes.csv", 0)
    for step in SHARES:
        load.progress.step(step, 0)
        assert 0 <= load.progress.state().done <= 1


class Quoted(OpenExport):
    """An export in blocks that are cut anywhere, its cells quoted."""

    def __init__(self, blocks: list[bytes]) -> None:
        super().__init__(("id",), {}, {"delimiter": ",", "quote": '"'}, ReadFacts("there", ".csv"))
        self._blocks = blocks

    def _records(self) -> Iterator[bytes]:
        yield from self._blocks

    def explain(self, copy_error_line: int | None, message: str) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize("line_end", [b"\n", b"\r", b"\r\n"])
def test_line_ends_inside_cells_are_no_rows(line_end: bytes) -> None:
    text = (b'1,"two' + line_end + b'lines ""and"" more"' + line_end) * 50
    export = Quoted([text[at : at + 7] for at in range(0, len(text), 7)])
    counted: list[int] = []
    export.watch = counted.append
    assert b"".join(export.blocks()) == text
    # A pair of characters may be cut between two blocks: then it is counted in both.
    assert sum(counted) == 50 or line_end == b"\r\n"


def test_short_load_says_nothing(graph: Graph) -> None:  # noqa: F811
    assert _lines(graph) == []


def test_long_load_says_it_in_the_log_of_the_run(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(progresses, "LOG_SECONDS", 0.01)
    lines = _lines(graph)
    assert lines
    assert all(re.match(r"notes: (copying|matching|reading|comparing|writing|accounting)\b", line) for line in lines)


def _lines(graph: Graph) -> list[str]:  # noqa: F811
    """What the log of a run has of how far it was."""
    assert failures(graph.materialize("patients")) == []
    result = graph.materialize("notes")
    assert failures(result) == []
    records = graph.instance.all_logs(result.run_id)
    return [each.user_message for each in records if re.search(r"rows/s|so far", each.user_message)]


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "no terminal"])
def test_command_shows_it(terminal: bool) -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=terminal, width=140)
    with Bars(console), Progress("notes", lambda _: None, every=0.05) as progress:
        progress.step("writing")
        time.sleep(0.3)
    assert "notes: writing" in written.getvalue()
    assert ("━" in written.getvalue()) == terminal


def test_what_takes_long_is_told_in_minutes() -> None:
    assert [_duration(seconds) for seconds in (0.4, 89.0, 90.0, 3600.0)] == ["0 s", "89 s", "2 min", "60 min"]

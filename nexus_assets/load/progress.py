"""How far a load is: a line in the run's log every few seconds, and more often for whoever draws a bar of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from nexus_assets.wording import counted

if TYPE_CHECKING:
    from nexus_assets.sources.export import OpenExport

LOG_SECONDS = 5.0
"""A load that takes less time than this says nothing of how far it is."""

LOOK_SECONDS = 0.25

SHARES = {"copying": 0.10, "matching": 0.13, "reading": 0.20, "comparing": 0.13, "writing": 0.37, "accounting": 0.07}
"""The steps of a load, and what part of a first load's time each takes: measured on 150,000 notes, and only good for a guess at
what is left."""

NEARLY = 0.95
"""What a step that takes longer than guessed is said to have done, until it is done."""

WATCHED = logging.getLogger(__name__)
"""Whoever wants to draw how far loads are listens here: each record has a State as its `state`. INFO every few seconds, DEBUG often."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class State:
    """How far a load is at a moment. `done` is the guessed part of the whole, 0 to 1; `left` are seconds, None where nobody knows."""

    entity: str
    step: str
    what: str
    rows: int
    step_seconds: float
    done: float
    left: float | None

    def words(self) -> str:
        """The line for the log."""
        told = f"{self.entity}: {self.step} {self.what}".rstrip()
        if self.rows:
            told += f", {counted(self.rows, 'row')}"
        if self.step == "copying" and self.rows and self.step_seconds > 0:
            told += f", {self.rows / self.step_seconds:,.0f} rows/s"
        else:
            told += f", {self.step_seconds:.0f} s so far"
        return told if self.left is None else f"{told}, about {_duration(self.left)} left"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


class Progress:
    """Follows one load and tells how far it is, from a thread of its own: a statement keeps the load's own thread waiting."""

    def __init__(
        self,
        entity: str,
        log: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        every: float | None = None,
    ) -> None:
        self._entity, self._log, self._clock = entity, log, clock
        self._every = LOG_SECONDS if every is None else every
        self._started = self._told = self._step_started = clock()
        self._step, self._what, self._rows, self._copied = "copying", "the sources", 0, 0
        self._share: Callable[[], float] = lambda: 0.0
        self._weights = dict(SHARES)
        self._over = threading.Event()
        self._teller = threading.Thread(target=self._tell_until_over, daemon=True)

    def __enter__(self) -> Progress:
        self._teller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._teller.join()

    def export(self, opened: OpenExport, name: str, size: int) -> OpenExport:
        """Follows an export while its blocks are read; `size` are the bytes of its file."""
        self._begin("copying", name)
        self._share = lambda: opened.facts.size / size if size else 0.0

        def count(rows: int) -> None:
            self._rows += rows

        opened.watch = count
        return opened

    def listing(self, objects: Iterable[Item], name: str) -> Iterator[Item]:
        """Follows a listing while its objects are read; nobody knows beforehand how many there are."""
        self._begin("copying", name)
        for each in objects:
            self._rows += 1
            yield each

    def step(self, step: str, rows: int | None = None) -> None:
        """The load comes to its next step, with so many of the copied rows; all of them where that is not said."""
        if self._step == "copying":
            self._copied = self._rows
        if rows is not None and self._copied:
            # What has not changed costs next to nothing from here on.
            ahead = [*SHARES][[*SHARES].index(step) :]
            self._weights |= {name: SHARES[name] * min(1.0, rows / self._copied) for name in ahead}
        known = self._copied if rows is None else rows
        self._begin(step, "")
        self._rows = known

    def state(self) -> State:
        """How far the load is now."""
        now = self._clock()
        whole, seconds = sum(self._weights.values()), now - self._started
        steps = [*SHARES]
        before = sum(self._weights[name] for name in steps[: steps.index(self._step)])
        weight, in_step = self._weights[self._step], now - self._step_started
        if self._step == "copying":
            share = known = min(1.0, self._share())
        else:
            guessed = weight * (self._step_started - self._started) / before
            known = in_step / guessed if guessed else 1.0
            share = min(NEARLY, known)
        done = (before + weight * share) / whole
        # Of a step that takes longer than guessed nobody knows how much longer: no figure, rather than one that grows.
        left = seconds * (1 - done) / done if done > 0 and known == share else None
        return State(self._entity, self._step, self._what, self._rows, in_step, done, left)

    def _begin(self, step: str, what: str) -> None:
        self._share = lambda: 0.0
        self._step, self._what, self._rows, self._step_started = step, what, 0, self._clock()

    def _tell_until_over(self) -> None:
        while not self._over.wait(min(LOOK_SECONDS, self._every)):
            self.tell()

    def tell(self) -> None:
        """Tells the listeners how far the load is; and the log, when it is time to."""
        state, now = self.state(), self._clock()
        if now - self._told >= self._every:
            self._told = now
            self._log(state.words())
            WATCHED.info("%s", state.words(), extra={"state": state})
        else:
            WATCHED.debug("%s", state.words(), extra={"state": state})

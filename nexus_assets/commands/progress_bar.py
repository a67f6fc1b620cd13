"""How far loads are, on a terminal: a bar for the load that goes on; where there is no terminal, a line every few seconds."""

from __future__ import annotations

import logging

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

from nexus_assets.load.progress import WATCHED, State


class Bars(logging.Handler):
    """Draws while it is entered. What is printed to the same console meanwhile stands above the bar."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.DEBUG if console.is_terminal else logging.INFO)
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._level = WATCHED.level

    def __enter__(self) -> Bars:
        self._level = WATCHED.level
        WATCHED.setLevel(self.level)
        WATCHED.addHandler(self)
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        WATCHED.removeHandler(self)
        WATCHED.setLevel(self._level)

    def emit(self, record: logging.LogRecord) -> None:
        """Shows the state that a record has; the bar of the load before is taken away."""
        state: State = vars(record)["state"]
        if not self._console.is_terminal:
            self._console.print(f"  {state.words()}", highlight=False)
            return
        if state.entity not in self._tasks:
            for task in self._tasks.values():
                self._bar.remove_task(task)
            self._tasks = {state.entity: self._bar.add_task("", total=1.0)}
        self._bar.update(self._tasks[state.entity], completed=state.done, description=state.words())

"""The tables that commands print: names on the left, figures on the right, none of them cut."""

from __future__ import annotations

import io

from rich.console import Console

from nexus_assets.commands.tables import tell_figures, tell_meanings

HEADINGS = ("entity", "what", "rows", "seconds")
ROWS = [("image_batches", "a row at a time", "1,661", "12.50"), ("notes", "first", "11,210", "1.08")]


def told(width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    tell_figures(console, "Loads", HEADINGS, ROWS, ("all", "", "12,871", "13.58"), names=2)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_names_stand_left_and_figures_right() -> None:
    assert told(80) == [
        "",
        "Loads",
        "entity        what              rows seconds",
        "--------------------------------------------",
        "image_batches a row at a time  1,661   12.50",
        "notes         first           11,210    1.08",
        "--------------------------------------------",
        "all                           12,871   13.58",
    ]


def test_nothing_is_cut_where_the_terminal_is_too_narrow() -> None:
    assert told(20) == told(80)


def meanings(*rows: tuple[str, str, str]) -> list[str]:
    console = Console(file=io.StringIO(), width=80)
    tell_meanings(console, ("entity", "kept", "vanished"), rows)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_figure_that_needs_explaining_is_explained_where_it_is_not_0() -> None:
    line, *_ = meanings(("notes", "0", "0"), ("images", "0", "3"))
    assert line.startswith("  vanished: rows that earlier exports had")


def test_nothing_is_explained_of_noughts_or_of_no_rows() -> None:
    assert meanings(("notes", "0", "")) == meanings() == []


def test_explanation_breaks_between_words() -> None:
    first, second, *_ = meanings(("notes", "2", "0"))
    assert len(first) <= 80
    assert second.startswith("  ")

"""The tables that commands print: names on the left, figures on the right, none of them cut."""

from __future__ import annotations

import io
from collections.abc import Callable

from rich.console import Console

from nexus_assets.commands.tables import tell_collapsed, tell_figures, tell_meanings, tell_remarks, tell_rows

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


def printed(tell: Callable[[Console], None], width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    tell(console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


ID, OTHER_ID = "120e0ecc-d24b-81b0-8c1a-af831a5d3407", "0036def8-d18f-4d57-a1de-ac22b036d949"


def test_column_in_which_no_row_has_anything_is_left_out() -> None:
    rows = [("notes", "", ID), ("images", "", OTHER_ID)]
    assert printed(lambda console: tell_rows(console, "", ("entity", "column", "id"), rows)) == [
        "entity id                                  ",
        "-------------------------------------------",
        f"notes  {ID}",
        f"images {OTHER_ID}",
    ]


def test_rows_with_two_ids_take_two_lines_where_one_is_too_wide_for_the_terminal() -> None:
    headings = ("nexus_id", "source_id", "cause", "reason")
    rows = [(ID, OTHER_ID, "edited", "caption")]
    assert printed(lambda console: tell_rows(console, "", headings, rows)) == [
        f"nexus_id {ID}",
        f"  source_id {OTHER_ID}  cause edited  reason caption",
    ]
    assert len(printed(lambda console: tell_rows(console, "", headings, rows), width=100)) == 3


def test_id_is_never_broken_however_narrow_the_terminal() -> None:
    assert printed(lambda console: tell_rows(console, "", ("id",), [(ID,)]), width=20) == [f"id {ID}"]


def test_remark_breaks_between_words() -> None:
    remark = "Appointments: unknown_appointment_type: 346 rows, the first in record 67"
    lines = printed(lambda console: tell_remarks(console, {"appointments": [remark]}))
    assert max(map(len, lines)) <= 80
    assert " ".join(" ".join(lines).split()) == f"Remarks on the exports appointments: {remark}"


def test_rows_that_were_collapsed_are_named_where_there_are_any() -> None:
    said = " ".join(
        " ".join(printed(lambda console: tell_collapsed(console, {"notes": 0, "specialties": 205}))).split()
    )
    assert said.endswith("205 of specialties.")
    assert "notes" not in said
    assert printed(lambda console: tell_collapsed(console, {"notes": 0})) == []

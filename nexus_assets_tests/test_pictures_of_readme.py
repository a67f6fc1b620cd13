"""The terminal and the badges of README are drawn from what they show: a recorded run, .ci/run and pyproject.toml."""

from __future__ import annotations

import re

import pytest

from nexus_assets_tests import badges, recording


def recorded() -> list[str]:
    return recording.TEXT.read_text("utf-8").splitlines()


def test_terminal_is_drawn_from_the_recorded_run() -> None:
    assert recording.drawn(recorded()) == recording.PICTURE.read_text("utf-8")


def test_terminal_shows_the_checks_fail_and_then_pass() -> None:
    text = "\n".join(recording.untimed(recorded()))
    assert text.index("ERROR\n") < text.index("$ dagster asset materialize") < text.index("Checks: no ERROR")


def test_no_line_of_it_is_wider_than_a_terminal() -> None:
    assert [line for line in recording.untimed(recorded()) if len(line) > recording.COLUMNS] == []


def test_pictures_fetch_nothing() -> None:
    for picture in (recording.PICTURE, badges.PICTURE):
        assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", picture.read_text("utf-8")) == []


def test_badges_are_drawn_from_what_they_are_about() -> None:
    assert badges.drawn() == badges.PICTURE.read_text("utf-8")
    assert {name for name, _ in badges.said()} == {"CI", "Python", "Dagster"}


@pytest.mark.parametrize(
    ("printed", "left"),
    [
        ("one\r\ntwo\r\n", ["one", "two", ""]),
        ("\x1b[?25lStarting\r\x1b[2K\x1b[?25hdone", ["done"]),
        ("a\n\x1b[1mspin\x1b[0m\r\x1b[2K\x1b[1A\x1b[2Kb", ["b", ""]),
        ("\x1b[31mred\x1b[0m", ["\x1b[31mred\x1b[0m"]),
    ],
    ids=["lines", "a spinner that ended", "a bar of two lines that ended", "colours"],
)
def test_what_was_erased_is_not_recorded(printed: str, left: list[str]) -> None:
    assert recording.on_screen(printed) == left

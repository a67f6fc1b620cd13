"""The parsers that entities are written with: value, reject reasons and notices of one row."""

from __future__ import annotations

from datetime import date, datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_assets.mapping import parse
from nexus_assets.mapping.parse import Parser
from nexus_assets_tests.mapping.conftest import TODAY, Read

NO_BREAK, VT, GS = "\u00a0", "\x0b", "\x1d"

KNOWN = ("purchase_order", "xray", "other")


@pytest.mark.parametrize(
    ("parser", "texts", "value"),
    [
        pytest.param(parse.text, [f" a{VT}b{GS}"], "a\nb", id="text"),
        pytest.param(parse.text, [NO_BREAK], None, id="text: blank"),
        pytest.param(parse.verbatim, [" a "], " a ", id="verbatim keeps blanks"),
        pytest.param(parse.integer, ["42"], 42, id="integer"),
        pytest.param(
            parse.uuid, ["0A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D "], "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d", id="uuid"
        ),
        pytest.param(parse.constant("it's"), [], "it's", id="constant"),
        pytest.param(parse.first_text(), [" ", None, "c"], "c", id="first text"),
        pytest.param(parse.first_text("none"), [" ", None], "none", id="first text: the default"),
        pytest.param(parse.first_text(), [None, ""], None, id="first text: none"),
        pytest.param(parse.template("%s (%s) 100%%"), ["a", None], "a () 100%", id="filled"),
        pytest.param(parse.template("%s"), ["100%s"], "100%s", id="filled: the text's own % is left alone"),
        pytest.param(
            parse.choice({"mr": "Mr"}, None), [f"MR.{NO_BREAK}"], "Mr", id="choice: case, blanks and a final dot"
        ),
        pytest.param(parse.choice({"mr": "Mr"}, None), ["Mr . "], "Mr", id="choice: a blank before the dot"),
        pytest.param(parse.choice({"mr": "Mr"}, None), ["Mrx"], None, id="choice: unknown"),
        pytest.param(parse.unmatched_text({"mr": "Mr"}), [" Sr. "], "Sr.", id="none of: kept as written"),
        pytest.param(parse.unmatched_text({"mr": "Mr"}), ["mr."], None, id="none of: known"),
        pytest.param(
            parse.first_match([("a b", "x"), ("b", "y")], "z"), ["A-_B"], "x", id="containing: words, not signs"
        ),
        pytest.param(parse.first_match([("a b", "x"), ("b", "y")], "z"), ["AB"], "y", id="containing: the next rule"),
        pytest.param(parse.first_match([("a", "x")], "z"), [None], "z", id="containing: nothing said"),
        pytest.param(parse.known_or_slug(KNOWN), [" Purchase-ORDER"], "purchase_order", id="known"),
        pytest.param(parse.known_or_slug(KNOWN), ["X-Ray"], "xray", id="known with a hyphen inside"),
        pytest.param(parse.known_or_slug(KNOWN), ["Letter  to_GP"], "letter-to-gp", id="slug"),
        pytest.param(parse.known_or_slug(KNOWN), [" "], "", id="slug of nothing"),
        pytest.param(parse.day, ["3/18/2024"], date(2024, 3, 18), id="day"),
        pytest.param(parse.day, [None], None, id="day: none"),
        pytest.param(parse.day_text, ["3/18/2024"], "2024-03-18", id="day text"),
        pytest.param(parse.day_text, ["soon"], "soon", id="day text: as it stands"),
        pytest.param(parse.day_name("%s (Import)", "Undated"), ["3/8/2024"], "08 Mar 2024 (Import)", id="day name"),
        pytest.param(parse.day_name("%s (Import)", "Undated"), [""], "Undated (Import)", id="day name: none"),
    ],
)
def test_values(parser: Parser, texts: list[str | None], value: object, read: Read) -> None:
    assert read(parser, *texts) == (value, [], [])


@pytest.mark.parametrize(
    ("parser", "texts", "reasons"),
    [
        pytest.param(parse.integer, ["4.2"], ["unreadable_number"], id="number"),
        pytest.param(parse.size, ["2147483648"], ["file_too_large"], id="size"),
        pytest.param(parse.day, ["2/30/2024"], ["unreadable_date"], id="date"),
        pytest.param(parse.local_midnight, ["18/3/2024"], ["unreadable_date"], id="date in the other order"),
        pytest.param(parse.day_name("%s", "-"), ["x"], ["unreadable_date"], id="date of a name"),
        pytest.param(parse.past_day, ["x"], ["unreadable_date"], id="date of birth"),
        pytest.param(parse.local_start, ["3/18/2024", "25:00"], ["unreadable_time"], id="time"),
        pytest.param(parse.local_start, ["x", "y"], ["unreadable_date", "unreadable_time"], id="both"),
        pytest.param(parse.local_end, ["x", "y", "3/18/2024", "9:00"], [], id="the end does not judge the start"),
        pytest.param(
            parse.local_end, ["3/18/2024", "9:00", "x", "y"], ["unreadable_date", "unreadable_time"], id="end"
        ),
    ],
)
def test_what_can_not_be_read_has_its_reason(parser: Parser, texts: list[str], reasons: list[str], read: Read) -> None:
    assert read(parser, *texts)[1] == reasons


@given(st.sampled_from(["", " ", NO_BREAK, VT, None]))
def test_blank_is_no_fault_in_any_parser(read: Read, blank: str | None) -> None:
    for parser in (parse.integer, parse.day, parse.past_day, parse.local_midnight):
        assert read(parser, blank) == (None, [], [])
    assert read(parse.local_end, blank, blank, blank, blank) == (None, [], [])


# --- dates of birth ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        pytest.param("4/1/1950", date(1950, 4, 1), id="four digits"),
        pytest.param("4/1/50", date(1950, 4, 1), id="two digits ahead of today"),
        pytest.param("4/1/24", date(2024, 4, 1), id="two digits behind today"),
        pytest.param("1-Apr-50", date(1950, 4, 1), id="two digits behind a month's name"),
        pytest.param("2/29/28", date(1928, 2, 29), id="a leap day a hundred years back"),
        pytest.param("3/2/2026", TODAY, id="today"),
        pytest.param("3/3/2026", None, id="tomorrow"),
        pytest.param("2050-04-01", None, id="an ISO date ahead of today is no short year"),
        pytest.param("4/1/2050", None, id="four digits ahead of today"),
        pytest.param("2/30/50", None, id="no such day"),
    ],
)
def test_a_birth_is_never_after_today(text: str, read_as: date | None, read: Read) -> None:
    value, reasons, _ = read(parse.past_day, text)
    assert value == read_as
    assert reasons == (["unreadable_date"] if read_as is None else [])
    # What can't be read is kept as it was written.
    assert read(parse.unparsed_date, text)[0] == (text if read_as is None else None)


# --- appointments -----------------------------------------------------------------------------------------------------


def sydney(text: str) -> datetime:
    """An instant by its UTC time: in March 2024 Sydney was eleven hours ahead."""
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("start", "end", "ends", "noticed"),
    [
        pytest.param(("3/18/2024", "9:00"), ("3/18/2024", "9:30"), "2024-03-17T22:30", False, id="both given"),
        pytest.param(("3/18/2024", "9:00"), (None, "9:30"), "2024-03-17T22:30", False, id="no end date: the start's"),
        pytest.param(("3/18/2024", "9:00"), (None, None), "2024-03-17T22:00", False, id="no end: the start"),
        pytest.param(("3/18/2024", "9:00"), ("3/18/2024", None), "2024-03-17T22:00", False, id="an end date alone"),
        pytest.param(("3/18/2024", None), ("3/20/2024", None), "2024-03-19T13:00", False, id="days without times"),
        pytest.param(("3/18/2024", "0:00:00"), ("3/18/2024", "24:00:00"), "2024-03-18T13:00", False, id="a whole day"),
        pytest.param(
            ("3/18/2024", "0:00"), ("3/18/2024", "1 day, 0:00:00"), "2024-03-18T13:00", False, id="a timedelta"
        ),
        pytest.param(("3/18/2024", "9:00"), ("3/18/2024", "8:00"), "2024-03-17T22:00", True, id="before the start"),
        pytest.param(("3/18/2024", "9:00"), ("3/17/2024", None), "2024-03-17T22:00", True, id="the day before"),
        pytest.param(("3/18/2024", "9:00"), ("3/18/2024", "9:00"), "2024-03-17T22:00", False, id="when it starts"),
    ],
)
def test_an_appointment_always_ends_and_never_before_it_starts(
    start: tuple[str, str | None], end: tuple[str | None, str | None], ends: str, noticed: bool, read: Read
) -> None:
    assert read(parse.local_end, *start, *end) == (sydney(ends), [], ["end_before_start"] if noticed else [])


days = st.dates(date(1990, 1, 1), date(2036, 1, 1))
times = st.one_of(st.none(), st.times().map(lambda time: time.strftime("%H:%M:%S")), st.just("24:00:00"))


@given(days, times, st.one_of(st.none(), days), times)
def test_no_end_lies_before_its_start(
    read: Read, day: date, time: str | None, end_day: date | None, end_time: str | None
) -> None:
    start, *_ = read(parse.local_start, day.isoformat(), time)
    end, *_ = read(parse.local_end, day.isoformat(), time, end_day and end_day.isoformat(), end_time)
    assert end >= start


def test_an_unknown_status_is_noticed(read: Read) -> None:
    status = parse.choice({"completed": "completed"}, unknown="unknown_status")
    assert read(status, "Completed") == ("completed", [], [])
    assert read(status, "Tentative") == (None, [], ["unknown_status"])
    assert read(status, None) == (None, [], [])


@pytest.mark.parametrize(("text", "meant"), [("Yes", True), ("0", False), (None, None), ("  ", None)])
def test_yes_and_no_are_read(text: str | None, meant: bool | None, read: Read) -> None:
    assert read(parse.flag, text) == (meant, [], [])


def test_what_is_neither_yes_nor_no_is_noticed(read: Read) -> None:
    assert read(parse.flag, "first") == (None, [], ["unknown_flag"])


# --- metadata ---------------------------------------------------------------------------------------------------------

FIELDS, METADATA = parse.json_keys(
    {
        "id": (parse.text, "id"),
        "area": (parse.text, "Area"),
        "plan": {"start": (parse.day_text, "Start"), "note": (parse.text, "Note")},
    }
)


def test_metadata_reads_its_fields_in_their_order() -> None:
    assert FIELDS == ("id", "Area", "Start", "Note")
    assert METADATA.keys == ("id", "area", "plan")
    assert METADATA.dates == (2,)


@pytest.mark.parametrize(
    ("texts", "value"),
    [
        pytest.param(
            ["A", "N", "3/1/2024", "x"],
            {"id": "A", "area": "N", "plan": {"start": "2024-03-01", "note": "x"}},
            id="full",
        ),
        pytest.param(["A", " ", None, "x"], {"id": "A", "plan": {"note": "x"}}, id="blank keys are left out"),
        pytest.param(["A", None, None, None], {"id": "A"}, id="an empty object is left out"),
        pytest.param([None, None, None, None], {}, id="nothing at all"),
    ],
)
def test_metadata_holds_what_is_said(texts: list[str | None], value: object, read: Read) -> None:
    assert read(METADATA, *texts)[0] == value


def test_a_parser_says_what_it_is_in_a_stable_text() -> None:
    for parser in (
        parse.text,
        parse.choice({"a": "b"}, None),
        METADATA,
        parse.first_match([("a", "b")], "c"),
        parse.local_end,
    ):
        assert " at 0x" not in repr(parser)
        assert parser.name in repr(parser)

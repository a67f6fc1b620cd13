"""The reading of FileMaker's text in SQL: what each function makes of it, and that none of them ever fails."""

from __future__ import annotations

import calendar
import hashlib
import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_assets.mapping.parse import EXCEL_EPOCH
from nexus_assets_tests.mapping.conftest import TODAY, Ask

NO_BREAK, NARROW_NO_BREAK, ZERO_WIDTH, BYTE_ORDER_MARK = "\u00a0", "\u202f", "\u200b", "\ufeff"
VT, GS = "\x0b", "\x1d"

# What COPY can bring: PostgreSQL's text holds neither NUL nor half of a character.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
almost_dates = st.text("0123456789/.- :,TJanFebmrMachdthAPM\u00a0\u0663", max_size=24)


@pytest.fixture(scope="session")
def read_date(ask: Ask) -> Callable[..., date | None]:
    def read(text: str | None, date_order: str = "mdy", today: date = TODAY) -> date | None:
        answer: date | None = ask("SELECT nexus_assets.read_date(%s, %s, %s, %s)", text, date_order, today, EXCEL_EPOCH)
        return answer

    return read


@pytest.fixture(scope="session")
def read_time(ask: Ask) -> Callable[[str | None], timedelta | None]:
    def read(text: str | None) -> timedelta | None:
        answer: timedelta | None = ask("SELECT nexus_assets.read_time(%s)", text)
        return answer

    return read


# --- text -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "read"),
    [
        pytest.param(None, None, id="nothing"),
        pytest.param("", None, id="empty"),
        pytest.param(" \t\r\n" + VT + GS + NO_BREAK, None, id="only blanks"),
        pytest.param("  Wattle ", "Wattle", id="blanks around"),
        pytest.param(
            f"{NO_BREAK}Wattle{NARROW_NO_BREAK}{ZERO_WIDTH}", "Wattle", id="no-break and zero-width blanks around"
        ),
        pytest.param(f"{BYTE_ORDER_MARK}Wattle", "Wattle", id="a stray byte order mark"),
        pytest.param("van  der Berg", "van  der Berg", id="blanks inside stay"),
        pytest.param(f"one{VT}two", "one\ntwo", id="VT is a return inside a field"),
        pytest.param(f"one{GS}two", "one\ntwo", id="GS parts repetitions"),
        pytest.param("one\r\ntwo\rthree", "one\ntwo\nthree", id="any line end is one"),
        pytest.param("one\r\n\r\ntwo", "one\n\ntwo", id="an empty line stays"),
        pytest.param("\x1c\x1e\x85", "\x1c\x1e\x85", id="what only Python takes for a blank stays"),
    ],
)
def test_text_is_read_without_the_blanks_around_it(text: str | None, read: str | None, ask: Ask) -> None:
    assert ask("SELECT nexus_assets.read_text(%s)", text) == read


@given(texts)
def test_reading_text_twice_changes_nothing(ask: Ask, text: str) -> None:
    once = ask("SELECT nexus_assets.read_text(%s)", text)
    assert ask("SELECT nexus_assets.read_text(%s)", once) == once


@pytest.mark.parametrize(
    ("text", "read"),
    [
        pytest.param("  NDIS ", "ndis", id="case and blanks around"),
        pytest.param(f"Enable{NO_BREAK} NSW", "enable nsw", id="blanks inside are one"),
        pytest.param(f"Enable{VT}NSW{GS}", "enable nsw", id="returns and repetitions are blanks"),
        pytest.param(" \t", None, id="blank"),
    ],
)
def test_names_are_compared_without_case_and_blanks(text: str, read: str | None, ask: Ask) -> None:
    assert ask("SELECT nexus_assets.comparable(%s)", text) == read


# --- ids --------------------------------------------------------------------------------------------------------------

ID = "0A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D"

# The planner computes what constants give, whatever CASE stands around it: functions whose body takes the place of their
# call must be asked as a load asks them, of a column.
COLUMN = "(SELECT %s::text OFFSET 0) AS columns(given)"


@pytest.mark.parametrize("function", ["read_uuid", "read_uuid_14"], ids=["PostgreSQL 16", "PostgreSQL 14"])
@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param(ID, True, id="upper case"),
        pytest.param(ID.lower(), True, id="lower case"),
        pytest.param(f"  {ID}\t\r\n", True, id="blanks around"),
        pytest.param(f"{NO_BREAK}{ID}{VT}{GS}{BYTE_ORDER_MARK}", True, id="FileMaker's blanks around"),
        pytest.param(f"{{{ID}}}", False, id="in braces"),
        pytest.param(ID.replace("-", ""), False, id="without hyphens"),
        pytest.param("0A1B-2C3D4E5F-4A6B-8C7D-9E0F1A2B3C4D", False, id="36 characters, hyphens elsewhere"),
        pytest.param("{0A1B2C3D-4E5F-4A6B-8C7D9E0F1A2B3C4D}", False, id="36 characters with braces"),
        pytest.param(ID[:-1], False, id="one digit short"),
        pytest.param(ID[:-1] + "G", False, id="no hexadecimal digit"),
        pytest.param(ID.replace("0", "\u0660"), False, id="digits of another script"),
        pytest.param(f"{ID} {ID}", False, id="two of them"),
        pytest.param(ID[:8] + " " + ID[9:], False, id="a blank for a hyphen"),
        pytest.param("", False, id="empty"),
        pytest.param(None, False, id="nothing"),
    ],
)
def test_an_id_is_read_in_its_one_form(text: str | None, found: bool, function: str, ask: Ask) -> None:
    assert ask(f"SELECT nexus_assets.{function}(given)::text FROM {COLUMN}", text) == (ID.lower() if found else None)


@given(st.one_of(texts, st.uuids().map(str), st.text("0123456789abcdefABCDEF-{} ", min_size=34, max_size=38)))
def test_both_servers_read_the_same_ids(ask: Ask, text: str) -> None:
    assert ask(
        "SELECT nexus_assets.read_uuid(given) IS NOT DISTINCT FROM nexus_assets.read_uuid_14(given) FROM " + COLUMN,
        text,
    )


@given(st.text("abc_", min_size=1, max_size=8), st.uuids())
def test_a_minted_id_is_a_name_based_uuid_of_version_8(ask: Ask, entity: str, source: uuid.UUID) -> None:
    minted = uuid.UUID(ask("SELECT nexus_assets.minted_id(%s, %s)::text", entity, str(source)))
    hashed = int.from_bytes(hashlib.sha256(f"nexus_assets:{entity}:{source}".encode()).digest()[:16])
    assert (minted.version, minted.variant) == (8, uuid.RFC_4122)
    version_and_variant = (0xF << 76) | (0xF << 60)
    assert minted.int & ~version_and_variant == hashed & ~version_and_variant


def test_what_a_minted_id_is_never_changes(ask: Ask) -> None:
    # Another value here gives every person of every clinic a new id on the next import into an empty database.
    minted = ask("SELECT nexus_assets.minted_id('patients', %s)::text", ID.lower())
    assert minted == "8cc62e32-5ccf-8429-834d-051a230ef442"


# --- dates ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "read"),
    [
        pytest.param("10/18/2016", date(2016, 10, 18), id="unpadded"),
        pytest.param("3/8/2016", date(2016, 3, 8), id="month first"),
        pytest.param("03/08/2016", date(2016, 3, 8), id="padded"),
        pytest.param("3.8.2016", date(2016, 3, 8), id="points"),
        pytest.param("3-8-2016", date(2016, 3, 8), id="hyphens"),
        pytest.param(f"{NO_BREAK}3/8/2016 ", date(2016, 3, 8), id="blanks around"),
        pytest.param("3/8/2016 9:05 AM", date(2016, 3, 8), id="a time behind it"),
        pytest.param(f"3/8/2016 9:05:00{NARROW_NO_BREAK}PM", date(2016, 3, 8), id="a time as newer macOS writes it"),
        pytest.param("Tue, 3/8/2016", date(2016, 3, 8), id="a weekday before it"),
        pytest.param("2016-10-18", date(2016, 10, 18), id="ISO"),
        pytest.param("2016-10-18 00:00:00", date(2016, 10, 18), id="ISO with a time"),
        pytest.param("2016-10-18T00:00:00", date(2016, 10, 18), id="ISO with T"),
        pytest.param("2016/1/8", date(2016, 1, 8), id="year first"),
        pytest.param("18 Oct 2016", date(2016, 10, 18), id="a month's short name"),
        pytest.param("18-Oct-2016", date(2016, 10, 18), id="hyphens and a name"),
        pytest.param("18-Oct-16", date(2016, 10, 18), id="as Excel saves csv"),
        pytest.param("18 OCTOBER 2016", date(2016, 10, 18), id="a month's whole name"),
        pytest.param("1st Sept. 2016", date(2016, 9, 1), id="an ordinal and four letters"),
        pytest.param("Tuesday, 18 October 2016", date(2016, 10, 18), id="with its weekday"),
        pytest.param("Tuesday, October 18, 2016", date(2016, 10, 18), id="month, day, year"),
        pytest.param("Oct 18 2016", date(2016, 10, 18), id="month, day, year without a comma"),
        pytest.param("42661", date(2016, 10, 18), id="Excel's serial day"),
        pytest.param("42661.375", date(2016, 10, 18), id="Excel's serial day with a time"),
        pytest.param("2/29/2016", date(2016, 2, 29), id="a leap day"),
        pytest.param("2/29/2000", date(2000, 2, 29), id="the leap day of 2000"),
        pytest.param("2/29/2015", None, id="no leap year"),
        pytest.param("2/29/1900", None, id="1900 was no leap year"),
        pytest.param("4/31/2016", None, id="April has thirty days"),
        pytest.param("18/10/2016", None, id="no month 18"),
        pytest.param("0/5/2016", None, id="no month 0"),
        pytest.param("5/0/2016", None, id="no day 0"),
        pytest.param("0000-01-01", None, id="no year 0"),
        pytest.param("1/1/0001", None, id="its midnight in Sydney lies before Christ"),
        pytest.param("3/8/0016", None, id="a year of two digits with noughts before it"),
        pytest.param("1799-12-31", None, id="before any clinic"),
        pytest.param("1/1/2200", None, id="after any of its plans"),
        pytest.param("3/8-2016", None, id="two ways at once"),
        pytest.param("2016.3/8", None, id="two ways at once, year first"),
        pytest.param("3 8/2016", None, id="a blank for one of them"),
        pytest.param("3/8/2016/", None, id="a mark too many"),
        pytest.param("3/8/201", None, id="a year of three digits"),
        pytest.param("3/8/20167", None, id="a year of five digits"),
        pytest.param("18 Octember 2016", None, id="no such month"),
        pytest.param("18 Oc 2016", None, id="two letters are no month"),
        pytest.param("10/2016", None, id="no day at all"),
        pytest.param("4266", None, id="four digits are no serial day"),
        pytest.param("next week", None, id="words"),
        pytest.param("?", None, id="what FileMaker shows for an invalid date"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_dates_month_first(text: str | None, read: date | None, read_date: Callable[..., date | None]) -> None:
    assert read_date(text) == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        pytest.param("8/3/2016", date(2016, 3, 8), id="day first"),
        pytest.param("18/10/2016", date(2016, 10, 18), id="only day first"),
        pytest.param("10/18/2016", None, id="only month first"),
        pytest.param("29/2/2016", date(2016, 2, 29), id="a leap day"),
        pytest.param("8/3/16", date(2016, 3, 8), id="two digits"),
        pytest.param("2016-03-08", date(2016, 3, 8), id="ISO keeps its order"),
        pytest.param("March 8, 2016", date(2016, 3, 8), id="names keep theirs"),
    ],
)
def test_dates_day_first(text: str, read: date | None, read_date: Callable[..., date | None]) -> None:
    assert read_date(text, "dmy") == read


@pytest.mark.parametrize(
    ("digits", "year"),
    [("26", 2026), ("55", 2055), ("56", 1956), ("99", 1999), ("00", 2000)],
    ids=["this year", "29 years ahead", "70 years back", "last century", "2000"],
)
def test_two_digits_of_a_year_lie_in_filemakers_window(
    digits: str, year: int, read_date: Callable[..., date | None]
) -> None:
    assert read_date(f"3/8/{digits}") == date(year, 3, 8)


@given(st.integers(0, 99), st.dates(date(1990, 1, 1), date(2150, 1, 1)))
def test_the_window_moves_with_today(read_date: Callable[..., date | None], year: int, today: date) -> None:
    read = read_date(f"3/8/{year:02}", "mdy", today)
    assert read is not None
    assert read.year % 100 == year
    assert today.year - 70 <= read.year <= today.year + 29


FORMS = [
    "{0.month}/{0.day}/{0.year:04}",
    "{0.month:02}.{0.day:02}.{0.year:04}",
    "{0.year:04}-{0.month:02}-{0.day:02}",
    "{0.year:04}-{0.month:02}-{0.day:02} 00:00:00",
    "{0.day} {month} {0.year:04}",
    "{month} {0.day}, {0.year:04}",
]


@given(st.dates(date(1800, 1, 1), date(2199, 12, 31)), st.sampled_from(FORMS))
def test_every_date_reads_back_in_every_form(read_date: Callable[..., date | None], day: date, form: str) -> None:
    assert read_date(form.format(day, month=calendar.month_name[day.month])) == day


@given(st.dates(date(1928, 1, 1), date(2170, 1, 1)))
def test_every_serial_day_reads_back(read_date: Callable[..., date | None], day: date) -> None:
    assert read_date(str((day - EXCEL_EPOCH).days)) == day


# --- times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        pytest.param("9:05", (9, 5, 0), id="hours and minutes"),
        pytest.param("09:05:30", (9, 5, 30), id="with seconds"),
        pytest.param("9:05:30.250000", (9, 5, 30.25), id="with a fraction"),
        pytest.param("0:00:00", (0, 0, 0), id="midnight"),
        pytest.param("9:05 AM", (9, 5, 0), id="before noon"),
        pytest.param("9:05 pm", (21, 5, 0), id="after noon"),
        pytest.param("9:05:00PM", (21, 5, 0), id="without a blank"),
        pytest.param("9:05 a.m.", (9, 5, 0), id="with points"),
        pytest.param(f"9:05:00{NARROW_NO_BREAK}PM", (21, 5, 0), id="as newer macOS writes it"),
        pytest.param("9 am", (9, 0, 0), id="hours alone"),
        pytest.param("12:00 AM", (0, 0, 0), id="twelve is midnight"),
        pytest.param("12:30 PM", (12, 30, 0), id="twelve is noon"),
        pytest.param("24:00:00", (24, 0, 0), id="the end of the day"),
        pytest.param("1 day, 0:00:00", (24, 0, 0), id="the end of the day as a timedelta"),
        pytest.param("1 days 00:00:00", (24, 0, 0), id="the end of the day as pandas has it"),
        pytest.param("0 days 09:05:00", (9, 5, 0), id="a time as pandas has it"),
        pytest.param("2016-10-18 09:05:00", (9, 5, 0), id="behind a date"),
        pytest.param("1899-12-30T09:05:00", (9, 5, 0), id="behind Excel's day 0"),
        pytest.param("0.375", (9, 0, 0), id="Excel's fraction of a day"),
        pytest.param("0.395833333333333", (9, 30, 0), id="a fraction that does not end"),
        pytest.param("24:00:01", None, id="after the end of the day"),
        pytest.param("1 day, 2:00:00", None, id="tomorrow"),
        pytest.param("-1 day, 23:00:00", None, id="yesterday"),
        pytest.param("9:60", None, id="no minute 60"),
        pytest.param("9:05:60", None, id="no second 60"),
        pytest.param("13:00 PM", None, id="thirteen after noon"),
        pytest.param("0:30 AM", None, id="zero before noon"),
        pytest.param("9", None, id="a bare number"),
        pytest.param("9.30", None, id="a point may be a decimal one"),
        pytest.param("0900", None, id="without a colon"),
        pytest.param("9:5", None, id="one digit of minutes"),
        pytest.param("noon", None, id="words"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_times(
    text: str | None, hours: tuple[int, int, float] | None, read_time: Callable[[str | None], timedelta | None]
) -> None:
    expected = None if hours is None else timedelta(hours=hours[0], minutes=hours[1], seconds=hours[2])
    assert read_time(text) == expected


@given(st.timedeltas(timedelta(0), timedelta(days=1)).map(lambda since: timedelta(seconds=int(since.total_seconds()))))
def test_a_timedelta_reads_back_from_its_own_text(
    read_time: Callable[[str | None], timedelta | None], since: timedelta
) -> None:
    assert read_time(str(since)) == since


# --- instants ---------------------------------------------------------------------------------------------------------

# The hours that are odd: summer time began on 6 October 2024 at 2:00 and ended on 6 April 2025 at 3:00.
BEGINS, ENDS = date(2024, 10, 6), date(2025, 4, 6)


@pytest.mark.parametrize(
    ("day", "since", "instant"),
    [
        pytest.param(date(2024, 7, 1), "9:00", "2024-06-30T23:00", id="winter"),
        pytest.param(date(2024, 12, 1), "9:00", "2024-11-30T22:00", id="summer"),
        pytest.param(BEGINS, "1:59", "2024-10-05T15:59", id="before the gap"),
        pytest.param(BEGINS, "2:00", "2024-10-05T16:00", id="the gap's first minute is 3:00"),
        pytest.param(BEGINS, "2:30", "2024-10-05T16:30", id="in the gap: one hour later"),
        pytest.param(BEGINS, "3:00", "2024-10-05T16:00", id="after the gap"),
        pytest.param(ENDS, "1:59", "2025-04-05T14:59", id="before the hour that comes twice"),
        pytest.param(ENDS, "2:30", "2025-04-05T16:30", id="in the hour that comes twice: the second time"),
        pytest.param(ENDS, "3:00", "2025-04-05T17:00", id="after the hour that comes twice"),
        pytest.param(ENDS, "24:00", "2025-04-06T14:00", id="the end of the long day"),
        pytest.param(BEGINS, None, "2024-10-05T14:00", id="midnight before the short day"),
        pytest.param(None, "9:00", None, id="no day"),
    ],
)
def test_local_time_in_sydney(day: date | None, since: str | None, instant: str | None, ask: Ask) -> None:
    read = ask("SELECT nexus_assets.local_instant(%s, %s, 'Australia/Sydney')", day, since)
    assert read == (None if instant is None else datetime.fromisoformat(instant).replace(tzinfo=timezone.utc))


ZONES = ["Australia/Sydney", "Australia/Lord_Howe", "Europe/London", "America/New_York", "Asia/Kolkata", "UTC"]


@given(st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1)), st.sampled_from(ZONES))  # noqa: DTZ001 - local times
def test_every_instant_shows_its_local_time(ask: Ask, local: datetime, zone: str) -> None:
    read = ask(
        "SELECT nexus_assets.local_instant(%s, %s, %s)",
        local.date(),
        local - datetime.combine(local, datetime.min.time()),
        zone,
    )
    shown = read.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    # Only a time that the clocks skip is shown as another one: later by what they skip.
    gap = ZoneInfo(zone).utcoffset(local.replace(fold=0)), ZoneInfo(zone).utcoffset(local.replace(fold=1))
    skipped = max(timedelta(0), gap[1] - gap[0]) if None not in gap else timedelta(0)  # type: ignore[operator]
    assert shown - local == skipped


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "read"),
    [
        pytest.param("0", 0, id="zero"),
        pytest.param(" 42 ", 42, id="blanks around"),
        pytest.param("-7", -7, id="negative"),
        pytest.param("2147483647", 2147483647, id="the largest"),
        pytest.param("2147483648", None, id="one more than the largest"),
        pytest.param("99999999999999999999", None, id="twenty digits"),
        pytest.param("1.5", None, id="a fraction"),
        pytest.param("\u0664\u0662", None, id="digits of another script"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_whole_numbers(text: str | None, read: int | None, ask: Ask) -> None:
    assert ask("SELECT nexus_assets.read_integer(%s)", text) == read


@given(st.integers(-(2**31), 2**31 - 1))
def test_every_whole_number_reads_back(ask: Ask, number: int) -> None:
    assert ask("SELECT nexus_assets.read_integer(%s)", str(number)) == number


# --- all of them ------------------------------------------------------------------------------------------------------

READERS = {
    "text": "nexus_assets.read_text(given)",
    "comparable": "nexus_assets.comparable(given)",
    "uuid": "nexus_assets.read_uuid(given)",
    "uuid_14": "nexus_assets.read_uuid_14(given)",
    "mdy": f"nexus_assets.read_date(given, 'mdy', '{TODAY}', '{EXCEL_EPOCH}')",
    "dmy": f"nexus_assets.read_date(given, 'dmy', '{TODAY}', '{EXCEL_EPOCH}')",
    "time": "nexus_assets.read_time(given)",
    "integer": "nexus_assets.read_integer(given)",
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@given(text=st.one_of(texts, almost_dates))
def test_no_text_makes_a_reader_fail(ask: Ask, reader: str, text: str) -> None:
    ask(f"SELECT {reader} IS NULL FROM {COLUMN}", text)


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_digits_of_another_script_make_no_reader_fail(parsers: Any, reader: str) -> None:
    # A regular expression takes them for digits under such a collation, ICU's or this one; casts don't.
    with parsers.cursor() as cursor:
        cursor.execute("SELECT '\u0661' COLLATE pg_unicode_fast ~ '\\d'")
        assert cursor.fetchone() == (True,)
        for text in ("\u0661\u0662/\u0663/\u0662\u0660\u0662\u0660", "\u0664\u0662", "\u0669:\u0663\u0660"):
            cursor.execute(
                f"SELECT {reader} FROM (SELECT %s COLLATE pg_unicode_fast OFFSET 0) AS columns(given)", (text,)
            )


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1950-01-19T14:00:00.000Z", date(1950, 1, 20)),
        ("2024-03-17T13:00:00Z", date(2024, 3, 18)),
        ("2024-03-17T12:59:59Z", date(2024, 3, 17)),
        ("2024-03-18T00:00:00+11:00", date(2024, 3, 18)),
        ("2024-03-17T23:00:00-05:00", date(2024, 3, 18)),
        ("2024-03-18T00:00:00+1100", date(2024, 3, 18)),
        ("2024-03-18 00:00:00+11", date(2024, 3, 18)),
        ("2024-03-17 13:00 UTC", date(2024, 3, 18)),
        ("3/17/2024 1:00 PM GMT", date(2024, 3, 18)),
        ("2024-03-18T00:00:00", date(2024, 3, 18)),
        ("2024-03-18T09:30:00,5", date(2024, 3, 18)),
        ("2024-03-18T24:00:00", date(2024, 3, 18)),
        ("3/18/2024 9:30 am", date(2024, 3, 18)),
        ("2024-03-18T09:30:00+99:00", None),
        ("2024-03-18T25:00:00", None),
        ("2024-03-18T09:61:00Z", None),
        ("2024-03-18 09:30:00 AEST", None),
        ("2024-03-18T00:00:00[Australia/Sydney]", None),
        ("3/18/2024 10:00 or later", None),
        ("3/18/2024 9:30-10:30", None),
        ("3/18/2024 tbc", None),
        ("2024-W12-1", None),
    ],
)
def test_a_date_with_a_zone_is_an_instant(text: str, read: date | None, ask: Ask) -> None:
    query = "SELECT nexus_assets.read_date(%s, 'mdy', %s, %s, 'Australia/Sydney')"
    assert ask(query, text, TODAY, EXCEL_EPOCH) == read


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("1900-01-01", 24),
        ("1900-01-01 00:00:00", 24),
        ("1904-01-02", 24),
        ("1900-01-01 01:30:00", None),
        ("1900-01-02 06:00:00", None),
        ("1904-01-03", None),
        ("-01:30:00", None),
        ("1899-12-30 09:00:00", 9),
        ("1899-12-31 09:00:00", 9),
        ("1904-01-01 09:00:00", 9),
        ("2024-03-18 09:00:00", 9),
        ("2024-03-17T22:00:00Z", None),
    ],
)
def test_times_of_more_than_a_day_are_none_whatever_they_are_shown_as(
    text: str, hours: int | None, read_time: Callable[[str | None], timedelta | None]
) -> None:
    assert read_time(text) == (None if hours is None else timedelta(hours=hours))


UNSEEN = "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202c\u202e\u2060\u2064\u2066\u2069\ufe0f\ufeff"
BLANKS = "\u00a0\u2002\u2009\u2028\u202f\u205f\u3000"


@pytest.mark.parametrize("mark", [*UNSEEN, *BLANKS], ids=lambda mark: f"U+{ord(mark):04X}")
def test_marks_that_nobody_sees_around_a_value_are_blanks(ask: Ask, mark: str) -> None:
    def around(text: str) -> str:
        return f"{mark}{text} {mark}"

    assert ask("SELECT nexus_assets.read_text(%s)", around("Wren")) == "Wren"
    assert ask("SELECT nexus_assets.comparable(%s)", around("Wren")) == "wren"
    assert ask("SELECT nexus_assets.read_uuid(%s)::text", around(ID)) == ID.lower()
    assert ask("SELECT nexus_assets.read_uuid_14(%s)::text", around(ID)) == ID.lower()
    assert ask("SELECT nexus_assets.read_date(%s, 'mdy', %s, %s)", around("3/18/2024"), TODAY, EXCEL_EPOCH) == date(
        2024, 3, 18
    )
    assert ask("SELECT nexus_assets.read_time(%s)", around("9:30")) == timedelta(hours=9, minutes=30)
    assert ask("SELECT nexus_assets.read_integer(%s)", around("7")) == 7


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Rene\u0301e Dubois", "Renée Dubois"),
        ("Sean O\u2019Brien", "Sean O'Brien"),
        ("Sean O\u02bcBrien", "Sean O\u2018Brien"),
        ("Zoe\u0308 Mu\u0308ller", "ZOË MÜLLER"),
        ("Anne\u2011Marie", "Anne-Marie"),
        ("Anne \u2013 Marie", "anne - marie"),
        ("Wat\u200btle", "Wattle"),
        ("Wat\u00adtle", "Wattle"),
        ("\u201cKip\u201d Wren", '"Kip" Wren'),
    ],
)
def test_names_are_compared_as_a_person_reads_them(ask: Ask, one: str, other: str) -> None:
    assert ask("SELECT nexus_assets.comparable(%s) = nexus_assets.comparable(%s)", one, other)

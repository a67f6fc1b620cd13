"""The parsers: how the text of source fields becomes a typed value, as SQL over the staged rows (see parse.sql)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from psycopg2.sql import SQL, Composable, Literal

EXCEL_EPOCH = date(1899, 12, 30)
"""Excel's day 0 in its 1900 system, as serial numbers count from March 1900 on (the leap day of 1900 does not exist)."""

EPOCH_1904 = date(1904, 1, 1)
"""The day 0 of workbooks in the 1904 system, which old Macs made."""


@dataclass(frozen=True)
class Reading:
    """What a parser must know beside the row: the clinic's time zone and today's date."""

    time_zone: str
    today: date


NO_DICTIONARY = SQL("no_dictionary")
"""The alias of a dictionary that a field does not have: its parser never refers to it."""


@dataclass(frozen=True)
class Field:
    """One source field as SQL: its text, and its date and time as the dictionaries of this load have read them.

    An export holds few different dates and times in many rows. So each different text is read once (load/incoming.py), and a
    row finds its value by a join: `dates` and `times` are the aliases under which this field's dictionary rows are joined.
    """

    raw: Composable
    dates: Composable = field(default_factory=lambda: NO_DICTIONARY)
    times: Composable = field(default_factory=lambda: NO_DICTIONARY)

    @property
    def text(self) -> Composable:
        return call("read_text", self.raw)

    @property
    def comparable(self) -> Composable:
        return call("comparable", self.raw)

    @property
    def date(self) -> Composable:
        return SQL("{}.value").format(self.dates)

    @property
    def time(self) -> Composable:
        return SQL("{}.value").format(self.times)

    @property
    def unreadable_date(self) -> Composable:
        return SQL("({0}.raw IS NOT NULL AND {0}.value IS NULL)").format(self.dates)

    @property
    def unreadable_time(self) -> Composable:
        return SQL("({0}.raw IS NOT NULL AND {0}.value IS NULL)").format(self.times)


Fields = Sequence[Field]
ToSql = Callable[[Fields, Reading], Composable]
Conditions = Sequence[tuple[str, Composable]]
"""Codes with the SQL condition under which each holds of a row."""


def _never(_: Fields, __: Reading) -> Conditions:
    return ()


@dataclass(frozen=True)
class Parser:
    """A way to read a value of the SQL type `makes`; `value` is its SQL.

    `unreadable` are reject reasons, `notices` codes worth counting, each with the condition under which it holds of a row.
    `low_cardinality`: its one field holds few different texts in many rows, so that each is read once. `name` states parser and
    arguments, so that a change of the mapping is noticed. `dates` and `times` are the positions of
    the fields that are read as dates and times. `keys` are the keys of a jsonb value that the mapping owns.
    """

    name: str
    value: ToSql = field(compare=False, repr=False)
    unreadable: Callable[[Fields, Reading], Conditions] = field(default=_never, compare=False, repr=False)
    notices: Callable[[Fields, Reading], Conditions] = field(default=_never, compare=False, repr=False)
    makes: str = "text"
    low_cardinality: bool = False
    dates: tuple[int, ...] = ()
    times: tuple[int, ...] = ()
    keys: tuple[str, ...] = ()


def call(function: str, *arguments: Composable) -> Composable:
    """A call of one of parse.sql's functions."""
    return SQL("nexus_assets.{}({})").format(SQL(function), SQL(", ").join(arguments))


BLANK = Field(SQL("NULL::text"))
"""A field that FileMaker left empty, for parsers that read neither dates nor times."""


text = Parser("text", lambda fields, _: fields[0].text)
"""Text without the blanks around it; returns inside a field are line breaks; blank is NULL."""

verbatim = Parser("verbatim", lambda fields, _: fields[0].raw)
"""A value that this program made itself (an object's key, a size's digits), or one to keep exactly as FileMaker wrote it."""


def _integer(name: str, reason: str) -> Parser:
    def unread(fields: Fields, _: Reading) -> Conditions:
        read = call("read_integer", fields[0].raw)
        return ((reason, SQL("({} IS NULL AND {} IS NOT NULL)").format(read, fields[0].text)),)

    return Parser(name, lambda fields, _: call("read_integer", fields[0].raw), unread, makes="integer")


integer = _integer("integer", "unreadable_number")
"""A whole number."""

size = _integer("size", "file_too_large")
"""The size of a file: a size in Nexus is less than 2 GiB."""


def _flag_sql(fields: Fields, _: Reading) -> Composable:
    return SQL(
        "(CASE WHEN {0} IN ('yes', 'y', 'true', '1', '1.0') THEN TRUE WHEN {0} IN ('no', 'n', 'false', '0', '0.0') THEN FALSE END)"
    ).format(fields[0].comparable)


def _unknown(code: str, value: ToSql) -> Callable[[Fields, Reading], Conditions]:
    """The notice `code` of rows whose field says something that is read as nothing."""

    def notices(fields: Fields, reading: Reading) -> Conditions:
        return ((code, SQL("({} IS NOT NULL AND {} IS NULL)").format(fields[0].text, value(fields, reading))),)

    return notices


flag = Parser("flag", _flag_sql, notices=_unknown("unknown_flag", _flag_sql), makes="boolean")
"""Yes or no, as people, FileMaker and other programs write it; anything else is NULL, under the notice `unknown_flag`."""

phone_number = Parser("phone_number", lambda fields, _: call("phone_number", fields[0].raw))
"""A telephone number as text, with the leading zero that a spreadsheet takes from one typed as a number."""

uuid = Parser("uuid", lambda fields, _: call("read_uuid", fields[0].raw), makes="uuid")
"""A UUID in any case."""


def constant(value: str) -> Parser:
    """The same text in every row."""
    return Parser(f"constant({value!r})", lambda _, __: SQL("{}::text").format(Literal(value)))


def first_text(default: str | None = None) -> Parser:
    """The first of the fields that is not blank, else `default`."""

    def value(fields: Fields, _: Reading) -> Composable:
        texts = [source.text for source in fields]
        return SQL("coalesce({})").format(SQL(", ").join([*texts, SQL("{}::text").format(Literal(default))]))

    return Parser(f"first_text({default!r})", value)


def captured(pattern: str) -> Parser:
    """The part of the text that the pattern's parentheses hold; NULL where the text does not match it."""

    def value(fields: Fields, _: Reading) -> Composable:
        return call("read_text", SQL("substring({} FROM {})").format(fields[0].text, Literal(pattern)))

    return Parser(f"captured({pattern!r})", value)


FILE_ENDINGS = "jpe?g|png|gif|bmp|tiff?|heic|webp|pdf|docx?|txt|rtf"
"""Endings that a name typed in FileMaker may have, as a regular expression; anything else behind a dot is part of the name."""


def named_as_file() -> Parser:
    """Fields (names ..., the file's own name): the first name that is not blank, with the ending of the file that is there.

    A name that already ends so stays as it is, in any case (`foot.JPG`, `foot.jpeg` for a .jpg).
    """

    def value(fields: Fields, _: Reading) -> Composable:
        name = SQL("coalesce({})").format(SQL(", ").join(source.text for source in fields))
        ending = SQL(r"lower(substring({} FROM '\.[^./]+$'))").format(fields[-1].raw)
        return SQL("""
            (SELECT CASE WHEN ending IS NULL OR {same_said} = {same_ending} THEN said
                         ELSE regexp_replace(said, {endings}, '', 'i') || ending END
             FROM (SELECT {name} AS said, {ending} AS ending OFFSET 0) AS named)
        """).format(
            same_said=SQL(r"replace(lower(substring(said FROM '\.[^./]+$')), '.jpeg', '.jpg')"),
            same_ending=SQL("replace(ending, '.jpeg', '.jpg')"),
            endings=Literal(rf"\.({FILE_ENDINGS})$"),
            name=name,
            ending=ending,
        )

    return Parser("named_as_file()", value)


def template(template: str) -> Parser:
    """A sentence with `%s` for each field (an empty text where the field is blank)."""

    def value(fields: Fields, _: Reading) -> Composable:
        texts = [SQL("coalesce({}, '')").format(source.text) for source in fields]
        return SQL("format({}, {})").format(Literal(template), SQL(", ").join(texts))

    return Parser(f"template({template!r})", value)


def choice(spellings: Mapping[str, str], unknown: str | None) -> Parser:
    """One of the values that Nexus knows, by its spelling without case, blanks and final dot; anything else is NULL.

    Rows that say something else are counted under the notice `unknown`; None is for a text that another column keeps.
    """

    def value(fields: Fields, _: Reading) -> Composable:
        cases = [SQL("WHEN {} THEN {}").format(Literal(said), Literal(meant)) for said, meant in spellings.items()]
        said = SQL("rtrim({}, ' .')").format(fields[0].comparable)
        return SQL("(CASE {} {} END)").format(said, SQL(" ").join(cases))

    notices = _never if unknown is None else _unknown(unknown, value)
    return Parser(f"choice({dict(spellings)!r}, {unknown!r})", value, notices=notices, low_cardinality=True)


def unmatched_text(spellings: Mapping[str, str]) -> Parser:
    """The text that `choice` of the same spellings does not know, so that it is kept somewhere; else NULL."""
    chosen = choice(spellings, unknown=None)

    def value(fields: Fields, reading: Reading) -> Composable:
        return SQL("(CASE WHEN {} IS NULL THEN {} END)").format(chosen.value(fields, reading), fields[0].text)

    return Parser(f"unmatched_text({dict(spellings)!r})", value)


def first_match(rules: Sequence[tuple[str, str]], default: str) -> Parser:
    """The value of the first rule (regular expression, value) that the text matches; else `default`.

    Rules see the text in lower case, its words one blank apart: `R-Brannock`, `R_Brannock` and `r. brannock` are the same.
    """

    def value(fields: Fields, _: Reading) -> Composable:
        said = SQL(r"btrim(regexp_replace({}, '[-_.,:;/\\&+() ]+', ' ', 'g'))").format(fields[0].comparable)
        cases = [SQL("WHEN said ~ {} THEN {}").format(Literal(rule), Literal(meant)) for rule, meant in rules]
        # A subquery of its own (OFFSET 0), so that the text is made ready once and not for every rule.
        return SQL("(SELECT CASE {} ELSE {} END FROM (SELECT {} OFFSET 0) AS ready(said))").format(
            SQL(" ").join(cases), Literal(default), said
        )

    return Parser(f"first_match({list(rules)!r}, {default!r})", value, low_cardinality=True)


def known_or_slug(known: Sequence[str]) -> Parser:
    """A known value where they agree ignoring case, blanks, `-` and `_`; else lower case with `-` for those; else ''."""

    def value(fields: Fields, _: Reading) -> Composable:
        said = SQL("regexp_replace({}, '[ _-]+', '', 'g')").format(fields[0].comparable)
        cases = [SQL("WHEN {} THEN {}").format(Literal(name.replace("_", "")), Literal(name)) for name in known]
        slug = SQL("regexp_replace({}, '[ _-]+', '-', 'g')").format(fields[0].comparable)
        return SQL("(CASE {} {} ELSE coalesce({}, '') END)").format(said, SQL(" ").join(cases), slug)

    return Parser(f"known_or_slug({list(known)!r})", value, low_cardinality=True)


def _unreadable_first_date(fields: Fields, _: Reading) -> Conditions:
    return (("unreadable_date", fields[0].unreadable_date),)


day = Parser("day", lambda fields, _: fields[0].date, _unreadable_first_date, makes="date", dates=(0,))
"""A calendar date."""


def _past_day_sql(fields: Fields, reading: Reading) -> Composable:
    is_short = SQL("{} !~ '[0-9]{{3}}'").format(fields[0].raw)
    return SQL(
        "(CASE WHEN {read} <= {today} THEN {read} WHEN {is_short} THEN ({read} - interval '100 years')::date END)"
    ).format(read=fields[0].date, today=Literal(reading.today), is_short=is_short)


def _unreadable_past_day(fields: Fields, reading: Reading) -> Conditions:
    given = SQL("({}.raw IS NOT NULL AND {} IS NULL)").format(fields[0].dates, _past_day_sql(fields, reading))
    return (("unreadable_date", given),)


past_day = Parser("past_day", _past_day_sql, _unreadable_past_day, makes="date", dates=(0,))
"""A date of birth: never after today. FileMaker's window for two-digit years reaches ahead of today, a birth does not;
one that was written with four digits is taken at its word, and can't be read."""


def _instant_sql(day: Composable, time: Composable, reading: Reading) -> Composable:
    return call("local_instant", day, time, Literal(reading.time_zone))


INSTANT = "timestamp with time zone"

local_midnight = Parser(
    "local_midnight",
    lambda fields, reading: _instant_sql(fields[0].date, SQL("NULL"), reading),
    _unreadable_first_date,
    makes=INSTANT,
    dates=(0,),
)
"""Midnight of a date in the clinic's time zone, as an instant."""


def _start_sql(fields: Fields, reading: Reading) -> Composable:
    return _instant_sql(fields[0].date, fields[1].time, reading)


def _unreadable_moment(fields: Fields, _: Reading) -> Conditions:
    return (("unreadable_date", fields[0].unreadable_date), ("unreadable_time", fields[1].unreadable_time))


local_start = Parser("local_start", _start_sql, _unreadable_moment, makes=INSTANT, dates=(0,), times=(1,))
"""Fields (date, time): local wall-clock time as an instant; without a time, midnight."""


def _stated_end_sql(fields: Fields, reading: Reading) -> Composable:
    return _instant_sql(SQL("coalesce({}, {})").format(fields[2].date, fields[0].date), fields[3].time, reading)


def _end_sql(fields: Fields, reading: Reading) -> Composable:
    return SQL("greatest({}, {})").format(_start_sql(fields, reading), _stated_end_sql(fields, reading))


def _remarkable_end(fields: Fields, reading: Reading) -> Conditions:
    start, end = _start_sql(fields, reading), _stated_end_sql(fields, reading)
    stated = SQL("(({} IS NOT NULL AND {} < {}) OR {} < {})").format(
        fields[3].time, end, start, fields[2].date, fields[0].date
    )
    midnight = _instant_sql(fields[0].date, SQL("NULL"), reading)
    no_time = SQL("({start} = {midnight} AND {end} = {start})").format(
        start=start, midnight=midnight, end=_end_sql(fields, reading)
    )
    return (("end_before_start", stated), ("no_time_of_day", no_time))


local_end = Parser(
    "local_end",
    _end_sql,
    lambda fields, reading: _unreadable_moment(fields[2:], reading),
    _remarkable_end,
    makes=INSTANT,
    dates=(0, 2),
    times=(1, 3),
)
"""Fields (start date, start time, end date, end time): the end as an instant; the start where no end is given, or where the
end would lie before the start (Nexus's calendar fails on an appointment without an end). A day without a time is midnight."""

unparsed_date = Parser(
    "unparsed_date",
    lambda fields, reading: SQL("(CASE WHEN {} IS NULL THEN {} END)").format(
        _past_day_sql(fields, reading), fields[0].text
    ),
    dates=(0,),
)
"""The text of a date of birth that `past_day` can't read, so that it is kept somewhere; else NULL."""


def day_name(template: str, blank: str) -> Parser:
    """The date as `18 Oct 2016` in place of the template's `%s`; `blank` stands there where no date is given."""

    def value(fields: Fields, _: Reading) -> Composable:
        said = SQL("coalesce(to_char({}, 'DD Mon YYYY'), {})").format(fields[0].date, Literal(blank))
        return SQL("format({}, {})").format(Literal(template), said)

    return Parser(f"day_name({template!r}, {blank!r})", value, _unreadable_first_date, dates=(0,))


day_text = Parser(
    "day_text",
    lambda fields, _: SQL("coalesce({}::text, {})").format(fields[0].date, fields[0].text),
    dates=(0,),
)
"""A date as ISO text where it can be read, else the text as it stands: for metadata, which rejects nothing."""

Keys = Mapping[str, "tuple[Parser, str] | Keys"]


def json_keys(keys: Keys) -> tuple[tuple[str, ...], Parser]:
    """The fields to read and the parser of a jsonb object with these keys; blank ones are left out, nested ones allowed."""
    headings: list[str] = []

    def collect(level: Keys) -> None:
        for entry in level.values():
            if isinstance(entry, tuple):
                headings.append(entry[1])
            else:
                collect(entry)

    collect(keys)

    def object_sql(level: Keys, remaining: list[Field], reading: Reading) -> Composable:
        pairs: list[Composable] = []
        for key, entry in level.items():
            if isinstance(entry, tuple):
                pairs.append(SQL("{}, {}").format(Literal(key), entry[0].value([remaining.pop(0)], reading)))
            else:
                inner = object_sql(entry, remaining, reading)
                pairs.append(SQL("{}, nullif({}, '{{}}')").format(Literal(key), inner))
        return SQL("jsonb_strip_nulls(jsonb_build_object({}))").format(SQL(", ").join(pairs))

    def shape(level: Keys) -> dict[str, object]:
        return {
            key: (entry[0].name, entry[1]) if isinstance(entry, tuple) else shape(entry) for key, entry in level.items()
        }

    def value(fields: Fields, reading: Reading) -> Composable:
        return object_sql(keys, list(fields), reading)

    def dated_flags(level: Keys) -> list[bool]:
        flags: list[bool] = []
        for entry in level.values():
            flags += [bool(entry[0].dates)] if isinstance(entry, tuple) else dated_flags(entry)
        return flags

    dated = tuple(position for position, is_date in enumerate(dated_flags(keys)) if is_date)
    parser = Parser(f"json_keys({shape(keys)!r})", value, makes="jsonb", dates=dated, keys=tuple(keys))
    return tuple(headings), parser

"""FMPXMLRESULT is held to what it states about itself: counts, types, formats, grammar."""

from __future__ import annotations

import pytest

from nexus_assets.errors import NexusAssetsError
from nexus_assets.sources.datetimes import date_converter, time_converter, timestamp_converter
from nexus_assets_tests.sources.conftest import Exports, records
from nexus_assets_tests.sources.writers import xml_file

TABLE = [("id", "Note"), ("1", "a"), ("2", "b")]


def test_types_and_formats_become_canonical_text(exports: Exports) -> None:
    rows = [
        ("id", "Date", "Time", "Moment"),
        ("1", "2/1/2016", "9:05:00", "18/10/2016 14:30:00"),
        ("2", "", "36:30:00", "2/1/2016 0:00:00"),
        ("3", "?", "24:00:00", "noon"),
    ]
    data = xml_file(rows, types=("NUMBER", "DATE", "TIME", "TIMESTAMP"))
    assert exports.read("Notes.xml", data)[1:] == [
        ("1", "2016-01-02", "09:05:00", "2016-10-18 14:30:00"),
        ("2", "", "36:30:00", "2016-01-02 00:00:00"),
        ("3", "?", "24:00:00", "noon"),
    ]


@pytest.mark.parametrize(
    ("form", "text", "canonical"),
    [
        ("M/d/yyyy", "1/2/2016", "2016-01-02"),
        ("D/m/yyyy", "1/2/2016", "2016-02-01"),
        ("MM/dd/yyyy", "01/02/2016", "2016-01-02"),
        ("yyyy-MM-dd", "2016-02-01", "2016-02-01"),
        ("dd.MM.yyyy", "01.02.2016", "2016-02-01"),
        ("M/d/yy", "1/2/16", "2 Jan 16"),
        ("M/d/yyyy", "1/2/16", "2 Jan 16"),
        ("", "1/2/2016", "1/2/2016"),
        ("M/d/yyyy", "31/31/2016", "31/31/2016"),
    ],
)
def test_a_date_is_read_in_the_order_that_is_stated(form: str, text: str, canonical: str) -> None:
    assert date_converter(form)(text) == canonical


@pytest.mark.parametrize(
    ("form", "text", "canonical"),
    [
        ("k:mm:ss ", "9:30:00", "09:30:00"),
        ("h:mm:ss a", "9:30:00 AM", "09:30:00"),
        ("h:mm:ss a", "9:30 pm", "21:30:00"),
        ("h:mm:ss a", "12:00:00 AM", "00:00:00"),
        ("h:mm:ss a", "12:15:00 p.m.", "12:15:00"),
        ("h:mm:ss a", "13:00:00 PM", "13:00:00 PM"),
        ("k:mm:ss ", "9:30:00 PM", "9:30:00 PM"),
        ("k:mm:ss ", "100:00:00", "100:00:00"),
        ("k:mm:ss ", "soon", "soon"),
    ],
)
def test_a_time_is_read_as_stated(form: str, text: str, canonical: str) -> None:
    assert time_converter("", form)(text) == canonical


def test_a_moment_is_both() -> None:
    assert timestamp_converter("M/d/yyyy", "h:mm:ss a")("10/18/2016 2:30:00 PM") == "2016-10-18 14:30:00"


def test_a_date_against_the_stated_order_is_refused_with_its_record(exports: Exports) -> None:
    rows = [("id", "Date"), ("1", "1/2/2016"), ("2", "25/12/2016")]
    exports.put("Notes.xml", xml_file(rows, types=("TEXT", "DATE"), date_format="M/d/yyyy"))
    with pytest.raises(NexusAssetsError, match=r"record 2 has a date in 'Date' .* \(M/d/yyyy\)") as caught:
        records(exports.open(wanted=("id", "Date")))
    assert "25/12" not in str(caught.value)


def test_what_it_states_is_told(exports: Exports) -> None:
    exports.put("Notes.xml", xml_file(TABLE, records=2_842))
    facts = exports.open(wanted=("id",)).facts
    assert (facts.stated_records, facts.table_records) == (2, 2_842)
    assert (facts.date_format, facts.time_format) == ("D/m/yyyy", "k:mm:ss ")


@pytest.mark.parametrize(
    ("table", "told"), [(2_842, ["a found set: 2 of the 2,842 records of its table"]), (2, [])], ids=["some", "all"]
)
def test_a_found_set_is_told(exports: Exports, table: int, told: list[str]) -> None:
    exports.put("Notes.xml", xml_file(TABLE, records=table))
    assert exports.open(wanted=("id",)).facts.remarks == told


@pytest.mark.parametrize("found", [1, 3])
def test_a_count_that_is_not_the_stated_one_is_refused(exports: Exports, found: int) -> None:
    exports.put("Notes.xml", xml_file(TABLE, found=found))
    with pytest.raises(NexusAssetsError, match=f"states {found} records and holds 2"):
        records(exports.open(wanted=("id",)))


def test_filemaker_s_error_is_passed_on(exports: Exports) -> None:
    exports.put("Notes.xml", xml_file(TABLE, error="401"))
    with pytest.raises(NexusAssetsError, match="reports FileMaker's error 401"):
        exports.open(wanted=("id",))


BOMB = '<!DOCTYPE FMPXMLRESULT [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
WHOLE = xml_file(TABLE).decode()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (WHOLE.replace("<FMPXMLRESULT", BOMB + "<FMPXMLRESULT"), "uses XML entities of its own"),
        (WHOLE.replace(">a<", ">&b;<"), "character reference that is none"),
        (WHOLE.replace(">a<", ">&#0;<"), "character reference that is none"),
        (WHOLE.replace(">a<", "><![CDATA[a]]><"), "comments, CDATA or instructions"),
        (WHOLE.replace(">a<", "><!-- a -->a<"), "comments, CDATA or instructions"),
        (WHOLE.replace(">a<", "><b>a</b><"), "elements that FMPXMLRESULT does not have"),
        (WHOLE.replace("<COL><DATA>a</DATA></COL>", ""), r"record 1 has 1 columns where the file states 2"),
        (WHOLE.replace("<COL><DATA>a</DATA></COL>", "<COL><DATA>a</DATA></COL>" * 2), "record 1 has 3 columns"),
        (WHOLE.replace("</COL></ROW>", "</ROW>", 1), "no well-formed XML"),
        (WHOLE.replace("</RESULTSET>", "</RESULTS>"), "is cut|no well-formed XML"),
        (WHOLE.replace('FOUND="2"', ""), "does not state its number of records"),
        (WHOLE.replace('FOUND="2"', f'FOUND="{10**9}"'), "states 1,000,000,000 records"),
        (WHOLE.replace('FOUND="2"', f'FOUND="{10**10}"'), "does not state its number of records"),
        (WHOLE.replace("FMPXMLRESULT", "FMPDSORESULT"), "is no FMPXMLRESULT"),
        ("<plist><dict/></plist>", "is no FMPXMLRESULT"),
        (WHOLE.replace("</FMPXMLRESULT>", ""), "is cut"),
        (WHOLE + "<more/>", "no well-formed XML"),
        (WHOLE.replace("UTF-8", "klingon"), "none that is known"),
    ],
    ids=[
        "entities",
        "unknown entity",
        "NUL",
        "CDATA",
        "comment",
        "element in a cell",
        "column short",
        "column over",
        "column open",
        "wrong end",
        "no count",
        "longest count",
        "no such count",
        "other grammar",
        "other xml",
        "cut",
        "more after the end",
        "unknown encoding",
    ],
)
def test_what_filemaker_does_not_write_is_refused(exports: Exports, text: str, words: str) -> None:
    exports.put("Notes.xml", text.encode())
    with pytest.raises(NexusAssetsError, match=words) as caught:
        records(exports.open(wanted=("id", "Note")))
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("inside", "cell"),
    [
        ("<DATA>a &amp; b &lt;c&gt; &#233;&#xE9;&quot;&apos;</DATA>", "a & b <c> éé\"'"),
        ("<DATA>one\rtwo\r\nthree</DATA>", "one\ntwo\nthree"),
        ("<DATA>one&#13;two</DATA>", "one\rtwo"),
        ("<DATA>a</DATA><DATA></DATA><DATA>c</DATA>", "a\x1d\x1dc"),
        ("<DATA>a</DATA> <DATA>c</DATA>", "a\x1dc"),
        ("<DATA/>", ""),
        ("", ""),
        ("<DATA>a\x0bb</DATA>", "a\x0bb"),
        ("<DATA>a\x0bb</DATA>\n", "a\x0bb"),
        ("<DATA>x > y</DATA>", "x > y"),
    ],
)
def test_cells_in_any_writing_are_read_right(exports: Exports, inside: str, cell: str) -> None:
    exports.put("Notes.xml", WHOLE.replace("<DATA>a</DATA>", inside).encode())
    assert records(exports.open(wanted=("id", "Note"))) == [("1", cell), ("2", "b")]


@pytest.mark.parametrize(
    ("form", "text", "read"),
    [
        ("dd/MM/yy", "01/10/50", "1 Oct 50"),
        ("MM/dd/yy", "01/10/50", "10 Jan 50"),
        ("yy.M.d", "50.1.10", "10 Jan 50"),
        ("d-M-yy", "29-2-00", "29 Feb 00"),
        ("D/m/yyyy", "1/10/1950", "1950-10-01"),
        ("dd/MM/yy", "01/10/1950", "1950-10-01"),
        ("d/M/yyyy", "1/10/50", "1 Oct 50"),
        ("dd/MM/yy", "31/02/50", "31/02/50"),
        ("", "1/10/50", "1/10/50"),
        ("EEE d/M/yyyy", "Sun 1/10/1950", "Sun 1950-10-01"),
        ("EEE, d.M.yy", "Sun, 1.10.50", "Sun, 1 Oct 50"),
        ("dd/MM/yyyy", "01/10/1950T09:30:00", "1950-10-01T09:30:00"),
        ("dd/MM/yyyy", "19501001", "19501001"),
    ],
)
def test_the_order_that_a_file_states_holds_for_short_years_too(
    exports: Exports, form: str, text: str, read: str
) -> None:
    data = xml_file([("id", "Date"), ("1", text)], types=["TEXT", "DATE"], date_format=form)
    assert exports.read("Notes.xml", data)[1] == ("1", read)


@pytest.mark.parametrize(
    ("form", "text", "read"),
    [
        ("dd/MM/yy", "01/10/50 9:30:00 PM", "1 Oct 50 21:30:00"),
        ("dd/MM/yyyy", "Sun 01/10/1950 9:30", "Sun 1950-10-01 09:30:00"),
        ("dd/MM/yyyy", "01/10/1950", "1950-10-01"),
        ("dd/MM/yyyy", "soon", "soon"),
        ("dd/MM/yyyy", "01/10/1950 soon", "1950-10-01 soon"),
    ],
)
def test_the_order_that_a_file_states_holds_in_a_moment_too(exports: Exports, form: str, text: str, read: str) -> None:
    data = xml_file(
        [("id", "Date"), ("1", text)], types=["TEXT", "TIMESTAMP"], date_format=form, time_format="h:mm:ss a"
    )
    assert exports.read("Notes.xml", data)[1] == ("1", read)

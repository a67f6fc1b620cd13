"""Whatever format, encoding and line end FileMaker was asked for: the same records are read back."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from nexus_assets.sources.filemaker import OpenExport
from nexus_assets_tests.sources.conftest import Cells, Exports, records
from nexus_assets_tests.sources.writers import (
    ENCODINGS,
    LINE_ENDS,
    WRITERS,
    csv_file,
    gzip_file,
    xlsx_file,
    xml_file,
    zip_file,
)

HEADER = ("id", "id_Key", "Note", "Note Type", "Date", "creationAccountName")
NOTES = (
    ("A1B2", "C3D4", "Renée says: it doesn’t hurt, at 38° or so\x0bSecond line", "clinical", "13/2/2016", "zoë"),
    ("A1B3", "C3D4", 'wears 5" heels; "never" flat', "order, urgent", "1/2/2016", "admin"),
    ("A1B4", "C3D5", "", "", "", ""),
    ("A1B5", "C3D6", "first\x1dsecond\x1d", "3D scan", "2/2/2016", "Jürgen Müßig"),
    ("A1B6", "C3D6", "  blanks around  ", "Ærø – façade", "3/2/2016", "O’Brien"),
    ("A1B7", "C3D6", "\\.", "\\N", "NULL", "\\"),
)
TABLE = (HEADER, *NOTES)
PLAIN = tuple(tuple(cell.replace("\t", " ") for cell in row) for row in TABLE)

TEXT = ("csv", "mer", "tab")


@pytest.mark.parametrize("line_end", LINE_ENDS)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("ending", TEXT)
def test_delimited_text_is_read_back(exports: Exports, ending: str, encoding: str, line_end: str) -> None:
    codec, mark = ENCODINGS[encoding]
    data = WRITERS[ending](TABLE, encoding=codec, mark=mark, line_end=LINE_ENDS[line_end])
    assert exports.read(f"Notes.{ending}", data, wanted=HEADER) == list(TABLE)


@pytest.mark.parametrize("pretty", [False, True], ids=["as FileMaker writes it", "with blanks between the tags"])
@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("UTF-8", b""), ("UTF-8", b"\xef\xbb\xbf"), ("UTF-16", b"\xff\xfe"), ("windows-1252", b"")],
    ids=["utf-8", "utf-8 with mark", "utf-16", "windows-1252"],
)
def test_xml_is_read_back(exports: Exports, encoding: str, mark: bytes, pretty: bool) -> None:
    data = xml_file(TABLE, encoding=encoding, mark=mark, pretty=pretty)
    assert exports.read("Notes.xml", data, wanted=HEADER) == list(TABLE)


def test_a_workbook_is_read_back(exports: Exports) -> None:
    assert exports.read("Notes.xlsx", xlsx_file(TABLE), wanted=HEADER) == list(TABLE)


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("wrapping", ["zip", "gz"])
def test_archives_are_read_through(exports: Exports, ending: str, wrapping: str) -> None:
    write = WRITERS[ending]
    data = write(TABLE)
    packed = gzip_file(data) if wrapping == "gz" else zip_file(**{f"exports/Notes_{ending}": data})
    assert exports.read(f"Notes.{ending}.{wrapping}", packed, wanted=HEADER) == list(TABLE)


@pytest.mark.parametrize("ending", WRITERS)
def test_the_database_reads_the_same_records(
    exports: Exports, copied: Callable[[OpenExport], Cells], ending: str
) -> None:
    write = WRITERS[ending]
    exports.put(f"Notes.{ending}", write(TABLE))
    assert copied(exports.open(wanted=HEADER)) == list(NOTES)


@pytest.mark.parametrize("ends", [*itertools.permutations(LINE_ENDS, 2)], ids="-".join)
def test_mixed_line_ends_are_read_right(
    exports: Exports, copied: Callable[[OpenExport], Cells], ends: tuple[str, str]
) -> None:
    first, second = (LINE_ENDS[end] for end in ends)
    data = csv_file(TABLE[:3], line_end=first) + csv_file(TABLE[3:], line_end=second)
    exports.put("Notes.csv", data)
    assert copied(exports.open(wanted=HEADER)) == list(NOTES)


def test_a_sound_file_goes_through_byte_for_byte(exports: Exports) -> None:
    data = csv_file(TABLE, mark=b"\xef\xbb\xbf", line_end="\r\n")
    exports.put("Notes.csv", data)
    assert b"".join(exports.open(wanted=HEADER).blocks()) == csv_file(NOTES, line_end="\r\n")


@pytest.mark.parametrize("rest", ["\r", "\r\r\r", "\r\n\r\n"], ids=repr)
def test_blank_lines_after_the_last_record_are_nothing(exports: Exports, rest: str) -> None:
    assert exports.read("Notes.csv", csv_file(TABLE) + rest.encode()) == list(TABLE)


@pytest.mark.parametrize("ending", WRITERS)
def test_a_header_alone_is_no_records(exports: Exports, ending: str) -> None:
    write = WRITERS[ending]
    assert exports.read(f"Notes.{ending}", write([HEADER]), wanted=HEADER) == [HEADER]


@pytest.mark.parametrize("ending", WRITERS)
def test_an_empty_file_is_an_error(exports: Exports, ending: str) -> None:
    with pytest.raises(Exception, match=r"Notes\.\w+ is (empty|no workbook)"):
        exports.read(f"Notes.{ending}", b"")


@pytest.mark.parametrize("ending", ["csv", "tab"])
@pytest.mark.parametrize("list_name", ["Notes.fields", "Notes.{}.fields", "notes.txt"])
def test_a_list_of_fields_stands_in_for_the_header(exports: Exports, ending: str, list_name: str) -> None:
    exports.put(f"Notes.{ending}", WRITERS[ending](NOTES))
    fields = "".join(f"Notes::{heading}\r\n" for heading in HEADER)
    (exports.folder / list_name.format(ending)).write_text(fields, newline="")
    export = exports.open(wanted=HEADER)
    assert [export.header, *records(export)] == list(TABLE)


def test_a_list_of_fields_may_be_one_line(exports: Exports) -> None:
    exports.put("Notes.csv", csv_file(NOTES))
    (exports.folder / "Notes.fields").write_text(", ".join(HEADER))
    assert exports.open(wanted=HEADER).header == HEADER


def test_a_list_of_fields_beside_a_file_with_a_header_does_no_harm(exports: Exports) -> None:
    exports.put("Notes.csv", csv_file(TABLE))
    (exports.folder / "Notes.fields").write_text("\n".join(reversed(HEADER)))
    export = exports.open(wanted=HEADER)
    assert [export.header, *records(export)] == list(TABLE)


def test_a_list_of_fields_of_another_length_is_refused(exports: Exports) -> None:
    exports.put("Notes.csv", csv_file(NOTES))
    (exports.folder / "Notes.fields").write_text("id\nNote\n")
    with pytest.raises(Exception, match="has 6 columns, but the list of its fields has 2"):
        exports.open(wanted=("id", "Note"))


@pytest.mark.parametrize(("ending", "delimiter"), [("csv", ";"), ("csv", "\t"), ("mer", ","), ("mer", ";")])
def test_the_delimiter_is_the_one_that_makes_the_header(exports: Exports, ending: str, delimiter: str) -> None:
    data = WRITERS[ending](TABLE, delimiter=delimiter)
    assert exports.read(f"Notes.{ending}", data, wanted=HEADER) == list(TABLE)


def test_settings_come_before_evidence(exports: Exports) -> None:
    data = csv_file(NOTES, delimiter="|", encoding="mac_roman")
    read = exports.read("Notes.csv", data, wanted=HEADER, delimiter="|", encoding="Mac Roman", header=HEADER)
    assert read == list(TABLE)


def test_what_was_read_is_told(exports: Exports) -> None:
    exports.put("Notes.csv", data := csv_file(TABLE, encoding="mac_roman"))
    export = exports.open(wanted=("id", "Note"), optional=("Date", "Status"))
    assert len(records(export)) == len(NOTES)
    assert export.positions == {"id": 0, "Note": 2, "Date": 4}
    facts = export.facts
    assert (facts.format, facts.encoding, facts.line_end, facts.delimiter) == (".csv", "Mac Roman", "CR", ",")
    assert "make sense in this encoding only" in facts.encoding_why
    assert facts.columns_used == ("id", "Note", "Date")
    assert facts.columns_unused == ("id_Key", "Note Type", "creationAccountName")
    assert (facts.size, len(facts.sha256)) == (len(data), 64)


def test_quotation_marks_in_a_tab_file_are_text(exports: Exports) -> None:
    assert exports.read("Notes.tab", b'id\tNote\r1\t"quoted"\r2\t5" heel\r')[1:] == [
        ("1", '"quoted"'),
        ("2", '5" heel'),
    ]


def test_a_tab_file_of_another_program_may_quote_all_its_cells(exports: Exports) -> None:
    assert exports.read("Notes.tab", b'"id"\t"Note"\n"1"\t"a ""b"""\n') == [("id", "Note"), ("1", 'a "b"')]

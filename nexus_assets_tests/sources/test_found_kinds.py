"""Exports that are called or laid out otherwise than FileMaker does it: understood, or said what they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nexus_assets.errors import NexusAssetsError
from nexus_assets.sources.filemaker import find_export
from nexus_assets_tests.sources.conftest import Exports, records
from nexus_assets_tests.sources.writers import csv_file, tab_file, xlsx_file, xml_file

ROWS = [("id", "Note"), ("1", "a"), ("2", "b")]


@pytest.mark.parametrize("line_end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize(("line", "delimiter"), [("sep=,", ","), ("sep=;", ";"), ('"sep=;"', ";"), ("SEP=|", "|")])
def test_excels_sep_line_names_the_delimiter(exports: Exports, line: str, delimiter: str, line_end: str) -> None:
    data = (line + line_end).encode() + csv_file(ROWS, delimiter=delimiter, line_end=line_end)
    assert exports.read("Notes.csv", data, wanted=("id", "Note")) == ROWS


def test_a_fault_below_a_sep_line_has_its_line(exports: Exports) -> None:
    exports.put("Notes.csv", b"sep=,\nid,Note\n1,a\n2\n3,c\n")
    export = exports.open(wanted=("id", "Note"))
    assert "record 2 (line 4)" in str(export.explain(None, ""))


@pytest.mark.parametrize("ending", ["tsv", "txt", "tab"])
def test_tabbed_text_has_several_endings(exports: Exports, ending: str) -> None:
    assert exports.read(f"Notes.{ending}", tab_file(ROWS), wanted=("id", "Note")) == ROWS


def test_a_text_beside_an_export_is_the_list_of_its_fields(exports: Exports) -> None:
    exports.put("Notes.csv", csv_file(ROWS[1:]))
    (exports.folder / "Notes.txt").write_text("id\nNote\n")
    assert records(exports.open(wanted=("id", "Note"))) == ROWS[1:]


def test_a_text_alone_may_have_a_list_of_fields(exports: Exports) -> None:
    exports.put("Notes.txt", tab_file(ROWS[1:]))
    (exports.folder / "Notes.fields").write_text("id\nNote\n")
    assert records(exports.open(wanted=("id", "Note"))) == ROWS[1:]


EXCELS_TAB = 'id\tNote\r\n1\t"wears 5"" heels, ""never"" flat"\r\n2\t"a, b"\r\n3\t"two\nlines"\r\n'
FILEMAKERS_TAB = 'id\tNote\r1\t"never"" flat" today\r2\t5"" heels\r3\t"no"\r'


@pytest.mark.parametrize("ending", ["tab", "tsv", "txt"])
def test_quotation_marks_of_excels_tabbed_text_are_understood(exports: Exports, ending: str) -> None:
    found = exports.read(f"Notes.{ending}", EXCELS_TAB.encode(), wanted=("id", "Note"))
    assert [row[1] for row in found[1:]] == ['wears 5" heels, "never" flat', "a, b", "two\nlines"]


def test_quotation_marks_of_filemakers_tabbed_text_are_its_own(exports: Exports) -> None:
    found = exports.read("Notes.tab", FILEMAKERS_TAB.encode(), wanted=("id", "Note"))
    assert [row[1] for row in found[1:]] == ['"never"" flat" today', '5"" heels', '"no"']


WITH_TABLE = [("Notes::id", "Notes::Note", "Contacts::Name"), ("1", "a", "x")]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("Notes.csv", csv_file(WITH_TABLE)),
        ("Notes.tab", tab_file(WITH_TABLE)),
        ("Notes.xlsx", xlsx_file(WITH_TABLE)),
        ("Notes.xml", xml_file(WITH_TABLE)),
    ],
    ids=["csv", "tab", "xlsx", "xml"],
)
def test_headings_may_carry_their_own_table(exports: Exports, name: str, data: bytes) -> None:
    assert exports.read(name, data, wanted=("id", "Note"))[0] == ("id", "Note", "Contacts::Name")


def test_a_related_field_is_not_taken_for_one_of_the_table(exports: Exports) -> None:
    exports.put("Notes.csv", csv_file([("id", "text", "Contacts::Note"), ("1", "a", "x")]))
    with pytest.raises(NexusAssetsError, match="lacks the column 'Note'"):
        exports.open(wanted=("id", "Note"))


def test_headings_below_a_title_are_found_for_the_message(exports: Exports) -> None:
    exports.put("Notes.csv", csv_file([("Notes of the clinic", ""), ("", ""), *ROWS]))
    with pytest.raises(NexusAssetsError, match="headings are in record 3"):
        exports.open(wanted=("id", "Note"))


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("Notes.xls", "'Notes.xls' is an old Excel workbook"),
        ("Notes.ods", "is an OpenDocument spreadsheet"),
        ("Notes.numbers", "is a Numbers document"),
        ("Notes.fmp12", "is a FileMaker database"),
        ("Notes.csv.crdownload", "is a file that is still being written"),
        ("Notes.docx", "'Notes.docx' is a Word document"),
        ("notes", "'notes' is a file without an ending"),
        ("Notes.gsheet", "is a link to a Google Sheet"),
        ("Notes.csv.lnk", "is a shortcut"),
        ("Notes.webloc", "is a shortcut"),
        ("Notes.slk", "is a SYLK table"),
        ("Notes.xltx", "is an Excel template"),
        (".Notes.csv.icloud", "iCloud has not downloaded"),
    ],
)
def test_a_file_of_another_kind_is_said_to_be_there(exports: Exports, file: str, words: str) -> None:
    (exports.folder / file).write_bytes(b"x")
    with pytest.raises(NexusAssetsError, match=words):
        find_export(str(exports.folder), "Notes")


def test_a_person_in_a_file_name_is_not_quoted(exports: Exports) -> None:
    (exports.folder / "Notes of Wren Wattle.xls").write_bytes(b"x")
    with pytest.raises(NexusAssetsError) as caught:
        find_export(str(exports.folder), "Notes")
    assert "Wattle" not in str(caught.value)


def _make_folder(path: Path) -> None:
    path.mkdir()


def _make_link(path: Path) -> None:
    os.symlink("nowhere", path)


@pytest.mark.parametrize(
    ("make", "words"), [(_make_folder, "is a folder"), (_make_link, "link to a file that does not")]
)
def test_what_is_called_like_an_export_and_is_no_file(exports: Exports, make: object, words: str) -> None:
    make(exports.folder / "Notes.csv")  # type: ignore[operator]
    with pytest.raises(NexusAssetsError, match=f"'Notes.csv' is .*{words[3:]}"):
        find_export(str(exports.folder), "Notes")


@pytest.mark.parametrize(
    "name",
    [
        "Notes (conflicted copy 2024-05-01).csv",
        "Notes (Wren's conflicted copy 2024-05-01).csv",
        "Notes-conflict-2.csv",
        "Notes.sync-conflict-20240501-120000-ABCDEFG.csv",
        "Notes (In Konflikt stehende Kopie von Wren 2024-05-01).csv",
        "Notes (Copie en conflit de Wren 2024-05-01).csv",
        "Notes (Copia en conflicto de Wren).csv",
    ],
)
def test_a_conflicted_copy_beside_an_export_is_a_persons_to_decide(exports: Exports, name: str) -> None:
    exports.put("Notes.csv", csv_file(ROWS))
    (exports.folder / name).write_bytes(csv_file(ROWS))
    os.utime(exports.folder / name, (1, 1))
    with pytest.raises(NexusAssetsError, match="could each be the export"):
        find_export(str(exports.folder), "Notes")


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"[InternetShortcut]\r\nURL=https://clinic.example/\r\n", "a shortcut to a web address"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 12\n", "a pointer of Git LFS"),
        (b"bplist00\xd1", "a shortcut or settings file of macOS"),
        (b"\x00\x05\x16\x07\x00\x02", "AppleDouble"),
        (b"{\\rtf1\\ansi id,Note}", "a word processor"),
        (b'[{"id": 1, "Note": "x"}]', "JSON"),
        (b"SQLite format 3\x00", "an SQLite database"),
    ],
)
@pytest.mark.parametrize("name", ["Notes.csv", "Notes.tab", "Notes.xlsx", "Notes.xml"])
def test_what_lies_there_in_place_of_an_export_is_named(exports: Exports, name: str, start: bytes, words: str) -> None:
    exports.put(name, start)
    with pytest.raises(NexusAssetsError, match=f"is {words}|{words}") as refused:
        exports.open(wanted=("id", "Note"))
    assert ".fields" not in str(refused.value)


@pytest.mark.parametrize("text", ["{a}", "version 2", "[a]", "7z"])
def test_a_first_heading_that_only_looks_like_one_of_them_is_a_heading(exports: Exports, text: str) -> None:
    assert exports.read("Notes.csv", f"{text},id\rx,1\r".encode())[1:] == [("x", "1")]

"""Files of public bug reports as whole loads of a clinic of six: each value is right, or refused, or noticed; never otherwise.

The kinds, by the numbers of issue reports' cases, and their tests here:

1. cells that hold something and read as nothing (02): `test_a_cell_that_reads_as_nothing_stops_the_load`
2. times and zones (04, 05): `test_a_date_with_a_zone_…`, `test_a_date_with_something_behind_it_…`, `test_a_cell_of_a_time_…`
3. two files of one record (12): `test_two_files_of_one_record_…`
4. encodings (01): `test_another_encoding_…`
5. dates that the file states (28, day 60, 1904): `test_a_date_is_the_one_that_the_file_states`
6. marks of damage (06, 07, 17, 23, 24): `test_a_mark_of_damage_…`, `test_a_word_of_filemaker_s_…`
7. blanks nobody sees (13, 15): `test_marks_that_nobody_sees_…`, `test_a_clinician_…`
8. words that lead astray (08, 10, 18, 20, 27): `test_what_is_simply_understood`, `test_a_message_names_what_is_there`
9. the machine decides nothing (11): `test_mime_types_…`
10. wide tables: `test_a_wide_export_…`
"""

from __future__ import annotations

import io
import mimetypes
import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from nexus_assets.admin.rejects import open_rejects
from nexus_assets.errors import NexusAssetsError
from nexus_assets_tests.load.clinic import DOCUMENT_FOLDER, HEADINGS, IMAGE_FOLDER, Clinic, filemaker_id, image_key
from nexus_assets_tests.load.conftest import Prepared
from nexus_assets_tests.sources.test_workbooks import changed_part
from nexus_assets_tests.sources.writers import csv_file, tab_file, xlsx_file, xml_file

pytestmark = pytest.mark.extended

FAMILIES = ("Wattle", "Banksia", "Grevillea", "Acacia", "Boronia", "Correa")
BIRTHS = ("1/20/1950", "2/21/1951", "3/22/1952", "4/23/1953", "5/24/1954", "6/25/1955")
DAY = "3/18/2024"
SHEET = "xl/worksheets/sheet1.xml"
WHOLE = dict.fromkeys(("patients", "appointments", "notes", "documents", "image_batches", "images"), 6)
LINKED = dict.fromkeys(("patients", "notes"), 6)
"""What an export of contacts brings that is read right: everybody, and the notes that name them."""

Table = list[list[str]]


@pytest.fixture
def six(clinic: Clinic) -> Clinic:
    """A clinic of six people; nothing is loaded yet."""
    return of_six(clinic)


def of_six(clinic: Clinic) -> Clinic:
    """Gives the clinic six people, each with one row and one file of everything."""
    for number, (family, birth) in enumerate(zip(FAMILIES, BIRTHS, strict=True), 101):
        contact = clinic.contact(family, DOB=birth, gender="F", **{"Health Number": f"29501{number}"})
        clinic.appointment(contact, DAY)
        clinic.note(contact, f"Seen today, {number}.")
        clinic.document(contact, number)
        clinic.image(contact, DAY, recid=str(number))
    return clinic


def load_six(clinic: Clinic) -> None:
    assert inserted(of_six(clinic)) == WHOLE


@pytest.fixture
def loaded_six(prepared: Prepared) -> Clinic:
    """The clinic of six, loaded once."""
    return prepared(load_six)


def table(clinic: Clinic, export: str) -> Table:
    """An export as its header and rows."""
    headings = HEADINGS[export]
    return [[*headings], *([row.get(name, "") for name in headings] for row in clinic.exports[export])]


def put(clinic: Clinic, export: str, data: bytes, file_name: str = "") -> Path:
    """Gives an export as a file; the clinic writes it no more."""
    clinic.exports.pop(export, None)
    path = clinic.folder / (file_name or f"{export}.csv")
    path.write_bytes(data)
    os.utime(path, (clinic.modified.timestamp(),) * 2)
    return path


def changed(clinic: Clinic, export: str, heading: str, cells: Sequence[object]) -> list[list[object]]:
    """An export with other cells in the first rows of a column."""
    rows: list[list[object]] = [[*row] for row in table(clinic, export)]
    at = HEADINGS[export].index(heading)
    for row, cell in zip(rows[1:], cells, strict=False):
        row[at] = cell
    return rows


def inserted(clinic: Clinic, *names: str, **settings: str) -> dict[str, int]:
    """Loads these, or everything; how many rows of each entity that has any are new."""
    loaded = clinic.load(*names, **settings)
    return {name: found.account.inserted for name, found in loaded.items() if found.account.inserted}


def refused(clinic: Clinic, *words: str) -> str:
    """Loads everything, which is refused in these words and writes nothing."""
    with pytest.raises(NexusAssetsError) as caught:
        clinic.load()
    told = str(caught.value)
    for word in words:
        assert word in told
    assert caught.value.remedy
    assert not any(family in told for family in FAMILIES)
    assert clinic.value("SELECT count(*) FROM patients") == 0
    return told


def births(clinic: Clinic) -> list[str | None]:
    """The dates of birth in the order of the export."""
    return clinic.values("SELECT dob::text FROM {patients} ORDER BY array_position(%s, last_name::text)", [*FAMILIES])


def test_the_clinic_of_six_loads_whole(six: Clinic) -> None:
    assert inserted(six) == WHOLE
    assert births(six)[0] == "1950-01-20"


# --- 1: cells that hold something and read as nothing ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("<f>A1</f>", "formula without a value"),
        ('<f t="shared" si="0"/>', "formula without a value"),
        ("<v><![CDATA[5]]></v>", "CDATA"),
        ("<v>5<?note x?>6</v>", "instructions"),
    ],
)
@pytest.mark.parametrize("heading", ["DOB", "Health Number", "nameFirst"])
def test_a_cell_that_reads_as_nothing_stops_the_load(six: Clinic, heading: str, cell: str, words: str) -> None:
    data = xlsx_file(changed(six, "Contacts", heading, ["", 7.5]))
    put(six, "Contacts", changed_part(data, SHEET, "<v>7.5</v>", cell), "Contacts.xlsx")
    told = refused(six, words)
    assert words != "formula without a value" or ("row 3" in told and heading in told)


@pytest.mark.parametrize(
    "cell", ['t="e"><v>#SPILL!</v>', 't="e"><v>#N/A</v>', 't="inlineStr"><v>5</v>', 't="s"><v>-1</v>']
)
def test_a_cell_that_is_no_value_stops_the_load(six: Clinic, cell: str) -> None:
    data = xlsx_file(changed(six, "Contacts", "Health Number", ["", 7.5]))
    put(six, "Contacts", changed_part(data, SHEET, "><v>7.5</v>", f" {cell}"), "Contacts.xlsx")
    refused(six, "row 3")


def test_a_formula_in_a_column_that_nobody_reads_may_stay(six: Clinic) -> None:
    rows = [[*row, cell] for row, cell in zip(table(six, "Contacts"), ["Extra", 7.5, *[""] * 5], strict=True)]
    put(six, "Contacts", changed_part(xlsx_file(rows), SHEET, "<v>7.5</v>", "<f>A1</f>"), "Contacts.xlsx")
    assert inserted(six, *LINKED) == LINKED


# --- 2: times and zones ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "instant",
    [
        "2024-03-17T13:00:00.000Z",
        "2024-03-17T13:00:00Z",
        "2024-03-17 13:00:00+00",
        "2024-03-18T00:00:00+11:00",
        "2024-03-17T06:00:00-07:00",
        "Mon, 18 Mar 2024 00:30 UTC",
        "2024-03-18T23:59:59",
    ],
)
def test_a_date_with_a_zone_is_the_clinic_s_day(six: Clinic, instant: str) -> None:
    for export, heading in {"Notes": "Date", "Appointments": "startDate", "Docs": "Date", "Image_data": "date"}.items():
        for row in six.exports[export]:
            row[heading] = instant
    six.exports["Contacts"][0]["DOB"] = "1950-01-19T14:00:00Z"
    assert inserted(six) == WHOLE
    assert births(six)[0] == "1950-01-20"
    sydney = "AT TIME ZONE 'Australia/Sydney'"
    assert {*six.values(f"SELECT (created_at {sydney})::text FROM notes")} == {"2024-03-18 00:00:00"}
    assert {*six.values(f"SELECT (start_time {sydney})::text FROM appointments")} == {"2024-03-18 09:00:00"}
    assert {*six.values("SELECT document_date::text FROM documents_document")} == {"2024-03-18"}
    assert {*six.values("SELECT name FROM images_batch")} == {"18 Mar 2024 (FileMaker Import)"}


@pytest.mark.parametrize(
    "text",
    [
        "3/18/2024 AEDT",
        "2024-03-18Z",
        "2024-03-18+11:00",
        "2024-03-18T00:00:00+99:00",
        "3/18/2024 25:00",
        "3/18/2024 9:00-10:00",
        "2024-W12-1",
        "/Date(1710680400000)/",
        "3/18/2024 or 19",
    ],
)
def test_a_date_with_something_behind_it_that_is_no_time_is_unreadable(six: Clinic, text: str) -> None:
    six.exports["Notes"][1]["Date"] = six.exports["Appointments"][1]["startDate"] = text
    found = six.load("patients", "appointments", "notes")
    assert found["notes"].account.rejected == {"unreadable_date": 1}
    assert found["appointments"].account.rejected == {"unreadable_date": 1}


NONE = "unreadable_time"


ENDS = {0.5: "2024-03-18 12:00:00", 1.0: "2024-03-19 00:00:00", 1.0625: NONE, 2.25: NONE, -0.0625: NONE}
"""What a cell holds where a time belongs, and the time that the first appointments then end at."""


@pytest.mark.parametrize("form", ["h:mm:ss AM/PM", "[h]:mm:ss", "h:mm", "d/mm/yyyy h:mm", "General"])
@pytest.mark.parametrize("date_1904", [False, True])
def test_a_cell_of_a_time_is_a_time_of_day_or_unreadable_whatever_its_format(
    six: Clinic, form: str, date_1904: bool
) -> None:
    rows = changed(six, "Appointments", "endTime", [*ENDS])
    at = HEADINGS["Appointments"].index("endTime")
    data = xlsx_file(rows, date_1904=date_1904, formats={at: form})
    put(six, "Appointments", data, "Appointments.xlsx")
    # A bare 1 is no time that anybody can tell.
    expected = {**ENDS, 1.0: NONE} if form == "General" else ENDS
    account = six.load("patients", "appointments")["appointments"].account
    assert account.rejected == {NONE: [*expected.values()].count(NONE)}
    ended = dict(
        six.rows(
            "SELECT upper(filemaker_event_id::text), (end_time AT TIME ZONE 'Australia/Sydney')::text FROM appointments"
        )
    )
    ids = [row[HEADINGS["Appointments"].index("id")] for row in rows[1:]]
    assert [ended.pop(each, NONE) for each in ids[: len(ENDS)]] == [*expected.values()]
    assert ended == {ids[-1]: "2024-03-18 09:30:00"}


@pytest.mark.parametrize(
    "text", ["24:00:01", "25:30", "-1:30", "12:60", "9:05 XM", "13:00 PM", "9:05Z", "09:00+11:00", "9 o'clock", "2 days, 1:00:00"]
)  # fmt: skip
def test_a_text_that_is_no_time_of_day_is_unreadable(six: Clinic, text: str) -> None:
    six.exports["Appointments"][0]["startTime"] = text
    assert six.load("patients", "appointments")["appointments"].account.rejected == {NONE: 1}


# --- 3: two files of one record -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "folder",
    [
        "a b",
        "1+1",
        "%41",
        "é",
        "e\u0301",
        "q'\"",
        "\\",
        "\t",
        "\r",
        "\n",
        "\\.",
        "v1.2",
        "Dr. Oak",
        "",
        ".",
        "{",
        ",;",
        "😀",
    ],
)
def test_a_file_is_found_in_a_folder_of_any_name(folder: str, clinic: Clinic) -> None:
    contact = clinic.contact()
    image, document = clinic.image(contact), clinic.document(contact)
    keys = f"{IMAGE_FOLDER}{folder}/{image['recid']}.jpg", f"{DOCUMENT_FOLDER}{folder}/{document['id']}.pdf"
    clinic.images, clinic.documents = {keys[0]: 2000}, {keys[1]: 1000}
    results = clinic.load("patients", "documents", "image_batches", "images")
    assert (results["images"].account.inserted, results["documents"].account.inserted) == (1, 1)
    assert clinic.row("SELECT i.s3_key, d.s3_key FROM {images_image} AS i, {documents_document} AS d") == keys
    assert clinic.load("images")["images"].account.unchanged == 1


RIVALS = {f"{IMAGE_FOLDER}101.JPG": 5, image_key("102", ".png"): 6, f"{IMAGE_FOLDER}thumbs/103.jpg": 7}


@pytest.mark.commits
def test_two_files_of_one_record_leave_a_loaded_one_and_are_named_both(loaded_six: Clinic) -> None:
    six = loaded_six
    before = six.versions()
    six.images.update(RIVALS)
    account = six.load()["images"].account
    assert account.rejected == {"ambiguous_file": 3}
    assert six.versions() == before
    assert open_images(six) == ["101.JPG, 101.jpg", "102.jpg, 102.png", "103.jpg, 103.jpg (in different folders)"]


def test_two_files_of_one_record_that_are_new_load_neither(six: Clinic) -> None:
    six.images.update(RIVALS)
    found = six.load()
    assert found["images"].account.rejected == {"ambiguous_file": 6}
    assert found["images"].account.inserted == 3
    assert found["image_batches"].account.inserted == 3


def open_images(clinic: Clinic) -> list[str]:
    return [each.files for each in open_rejects(clinic.engine, "images", None)]


# --- 4: encodings ---------------------------------------------------------------------------------------------------------

WESTERN = ("Zoë", "Müller", "Renée", "Noël", "José", "André")
CZECH = ("Jiří", "Růžena", "Šárka", "Žofie", "Dvořák", "Čeněk")


@pytest.mark.parametrize(
    ("encoding", "names"),
    [("cp850", WESTERN), ("cp437", WESTERN), ("cp1250", CZECH), ("mac_latin2", CZECH), ("iso8859-2", CZECH)],
)
def test_another_encoding_is_refused_with_an_advice_that_leads_to_right_names(
    six: Clinic, encoding: str, names: Sequence[str]
) -> None:
    rows = changed(six, "Contacts", "nameFirst", names)
    put(six, "Contacts", csv_file(rows, encoding=encoding))  # type: ignore[arg-type]
    refused(six, "NEXUS_EXPORT_ENCODING", "Unicode (UTF-8)")
    six.encoding = encoding
    assert inserted(six, *LINKED) == LINKED
    assert {*six.values("SELECT first_name FROM patients")} == {*names}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "mac_roman", "cp1252"])
def test_one_of_the_four_encodings_is_read(six: Clinic, encoding: str) -> None:
    put(six, "Contacts", csv_file(changed(six, "Contacts", "nameFirst", WESTERN), encoding=encoding))  # type: ignore[arg-type]
    assert inserted(six, *LINKED) == LINKED
    assert {*six.values("SELECT first_name FROM patients")} == {*WESTERN}


# --- 5: dates that the file states ----------------------------------------------------------------------------------------


def stated(clinic: Clinic, form: str, cells: Sequence[str]) -> None:
    rows = changed(clinic, "Contacts", "DOB", cells)
    types = ["DATE" if name == "DOB" else "TEXT" for name in HEADINGS["Contacts"]]
    put(clinic, "Contacts", xml_file(rows, types=types, date_format=form), "Contacts.xml")  # type: ignore[arg-type]


@pytest.mark.parametrize("order", ["mdy", "dmy"])
@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("dd/MM/yy", "01/10/50"),
        ("MM/dd/yy", "10/01/50"),
        ("yy.M.d", "50.10.1"),
        ("D/m/yyyy", "1/10/1950"),
        ("EEE d/M/yyyy", "Sun 1/10/1950"),
        ("yyyy-MM-dd", "1950-10-01"),
    ],
)
def test_a_date_is_the_one_that_the_file_states(six: Clinic, form: str, text: str, order: str) -> None:
    stated(six, form, [text] * 6)
    assert inserted(six, *LINKED, date_order=order) == LINKED
    assert births(six) == ["1950-10-01"] * 6


@pytest.mark.parametrize(
    ("number", "date_1904", "day"),
    [
        (18_537, False, "1950-10-01"),
        (17_075, True, "1950-10-01"),
        (59, False, "1900-02-28"),
        (60, False, None),  # Excel's 29 February 1900
        (61, False, "1900-03-01"),
        (60, True, "1904-03-01"),
    ],
)
def test_a_date_of_a_workbook_is_the_day_that_it_shows(
    six: Clinic, number: float, date_1904: bool, day: str | None
) -> None:
    rows = changed(six, "Contacts", "DOB", [number, "", "", "", "", ""])
    data = xlsx_file(rows, date_1904=date_1904, formats={HEADINGS["Contacts"].index("DOB"): "d/mm/yyyy"})
    put(six, "Contacts", data, "Contacts.xlsx")
    account = six.load("patients")["patients"].account
    assert births(six)[0] == day
    assert account.notices == ({"unreadable_birth_date": 1} if day is None else {})


# --- 6: marks of damage ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["<No Access>", "<Field Missing>", "<Table Missing>"])
def test_a_word_of_filemaker_s_for_no_value_stops_the_load(six: Clinic, word: str) -> None:
    six.exports["Notes"][2]["Note"] = word
    with pytest.raises(NexusAssetsError, match=r"'Note' \(1, the first in record 3\)"):
        six.load()
    assert six.value("SELECT count(*) FROM notes") == 0


@pytest.mark.parametrize(
    ("export", "heading", "text", "notice"),
    [
        ("Contacts", "Health Number", "8.00361E+15", "shortened_number"),
        ("Contacts", "CYS_ID", "1.20E+05", "shortened_number"),
        ("Contacts", "Health Number", "?", "unshown_value"),
        ("Contacts", "nameFirst", "RenÃ©e", "damaged_text"),
        ("Contacts", "nameFirst", "Ren\ufffde", "damaged_text"),
        ("Notes", "Note", "x" * 32_767, "cut_text"),
        ("Notes", "Note", "itâ€™s", "damaged_text"),
    ],
)
def test_a_mark_of_damage_is_a_notice_of_the_whole_load(
    six: Clinic, export: str, heading: str, text: str, notice: str
) -> None:
    six.exports[export][1][heading] = text
    found = six.load()
    entity = "notes" if export == "Notes" else "patients"
    assert found[entity].account.notices == {notice: 1}
    (remark,) = found[entity].sources[export]["remarks"]
    assert f"1 cell of '{heading}', the first in record 2: " in remark
    assert not any(each.account.notices for name, each in found.items() if name != entity)


def test_dates_that_excel_swapped_are_noticed(six: Clinic) -> None:
    # 1 Feb, 2 Mar and 5 Jun became cells with day and month the wrong way round; beyond the 12th they stayed texts.
    cells = [18_264 + 1, 18_687 + 2, 19_849 + 3, "23/4/1953", "24/5/1954", "25/6/1955"]
    rows = changed(six, "Contacts", "DOB", cells)
    data = xlsx_file(rows, formats={HEADINGS["Contacts"].index("DOB"): "d/mm/yyyy"})
    put(six, "Contacts", data, "Contacts.xlsx")
    found = six.load("patients")["patients"]
    assert found.account.notices == {"swapped_dates": 3}
    (remark,) = found.sources["Contacts"]["remarks"]
    assert "'DOB'" in remark
    assert "Excel" in remark


# --- 7: blanks nobody sees ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", ["\u200e", "\u2060", "\u200b", "\ufeff", "\u00a0", "\u202a", "\u00ad"])
def test_marks_that_nobody_sees_change_nothing(loaded_six: Clinic, mark: str) -> None:
    six = loaded_six
    for export, heading in {
        "Contacts": "id", "Notes": "id_Key", "Appointments": "startTime", "Docs": "id", "Image_data": "recid",
    }.items():  # fmt: skip
        six.exports[export][0][heading] = f"{mark}{six.exports[export][0][heading]}{mark}"
    six.exports["Contacts"][1]["DOB"] += mark
    six.exports["Contacts"][1]["nameLast"] += mark
    six.later()
    for name, found in six.load().items():
        account = found.account
        assert (name, account.inserted, account.updated, account.rejected) == (name, 0, 0, {})


@pytest.mark.parametrize(
    ("exported", "kept"),
    [("Rene\u0301e Dubois", "Ren\u00e9e Dubois"), ("Sean O\u2019Brien", "Sean O'Brien"), ("Wren\u2010Lee", "WREN-LEE")],
)
def test_a_clinician_is_found_however_the_name_is_typed(six: Clinic, exported: str, kept: str) -> None:
    six.execute("UPDATE clinicians SET full_name = %s WHERE id = (SELECT min(id::text)::uuid FROM clinicians)", kept)
    for row in six.exports["Appointments"]:
        row["id_Clinician"] = filemaker_id("clinician")
    put(six, "Clinicians", csv_file([("id", "full name"), (filemaker_id("clinician"), exported)]))
    assert six.load("patients", "appointments")["appointments"].account.notices == {}
    assert six.value("SELECT count(*) FROM appointments WHERE clinician_id IS NOT NULL") == 6


# --- 8: words that lead astray --------------------------------------------------------------------------------------------


def with_sep_line(clinic: Clinic) -> None:
    put(clinic, "Contacts", b"sep=;\r\n" + csv_file(table(clinic, "Contacts"), delimiter=";", line_end="\r\n"))


def with_decimal_record_numbers(clinic: Clinic) -> None:
    for row in clinic.exports["Image_data"]:
        row["recid"] += ".0"


def as_tabbed_text_of_excel(clinic: Clinic) -> None:
    rows = changed(clinic, "Notes", "Note", ['"wears 5"" heels, ""never"" flat"'])
    put(clinic, "Notes", tab_file(rows, line_end="\r\n"), "Notes.txt")  # type: ignore[arg-type]


def with_the_table_in_its_headings(clinic: Clinic) -> None:
    header, *rows = table(clinic, "Contacts")
    put(clinic, "Contacts", csv_file([[f"Contacts::{name}" for name in header], *rows]))


def as_tsv(clinic: Clinic) -> None:
    put(clinic, "Notes", tab_file(table(clinic, "Notes")), "Notes.tsv")


def packed_with_what_a_mac_adds(clinic: Clinic) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("Exports/Notes.csv", csv_file(table(clinic, "Notes")))
        archive.writestr("__MACOSX/Exports/._Notes.csv", b"\0\5\x16\7")
        archive.writestr("Exports/.DS_Store", b"x")
    put(clinic, "Notes", buffer.getvalue(), "Notes.zip")


def as_a_workbook_with_absolute_targets(clinic: Clinic) -> None:
    data = xlsx_file(table(clinic, "Contacts"))
    rels = "xl/_rels/workbook.xml.rels"
    put(clinic, "Contacts", changed_part(data, rels, 'Target="work', 'Target="/xl/work'), "Contacts.xlsx")


def as_a_workbook_of_the_strict_standard(clinic: Clinic) -> None:
    schema, strict = "schemas.openxmlformats.org/spreadsheetml/2006/main", "purl.oclc.org/ooxml/spreadsheetml/main"
    put(clinic, "Contacts", changed_part(xlsx_file(table(clinic, "Contacts")), SHEET, schema, strict), "Contacts.xlsx")


@pytest.mark.parametrize(
    "write",
    [
        with_sep_line,
        with_decimal_record_numbers,
        as_tabbed_text_of_excel,
        with_the_table_in_its_headings,
        as_tsv,
        packed_with_what_a_mac_adds,
        as_a_workbook_with_absolute_targets,
        as_a_workbook_of_the_strict_standard,
    ],
)
def test_what_is_simply_understood(six: Clinic, write: Callable[[Clinic], None]) -> None:
    write(six)
    assert inserted(six) == WHOLE
    first = 'wears 5" heels, "never" flat' if write is as_tabbed_text_of_excel else "Seen today, 101."
    assert first in six.values("SELECT content FROM notes")


def a_folder(path: Path) -> None:
    path.mkdir()


def a_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def a_pointer(path: Path) -> None:
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 12\n")


def a_web_page(path: Path) -> None:
    path.write_bytes(b"<html><body>Sign in</body></html>")


def a_conflicted_copy_beside(path: Path) -> None:
    path.write_bytes(b"id\n1\n")
    path.with_name("Contacts (In Konflikt stehende Kopie).csv").write_bytes(b"id\n1\n")


def a_copy_of_a_sync_beside(path: Path) -> None:
    path.write_bytes(b"id\n1\n")
    path.with_name("Contacts.sync-conflict-20240501-120000-ABCDEFG.csv").write_bytes(b"id\n1\n")


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("Contacts.csv", a_folder, "'Contacts.csv' is a folder"),
        ("Contacts.csv", a_dangling_link, "'Contacts.csv' is a link to a file that does not exist"),
        ("Contacts.csv", a_pointer, "a pointer of Git LFS"),
        ("Contacts.xlsx", a_web_page, "a web page"),
        ("Contacts.xls", a_web_page, "'Contacts.xls' is an old Excel workbook"),
        ("Contacts.ods", a_web_page, "'Contacts.ods' is an OpenDocument spreadsheet"),
        ("Contacts.gsheet", a_web_page, "'Contacts.gsheet' is a link to a Google Sheet"),
        ("Contacts.csv.lnk", a_web_page, "'Contacts.csv.lnk' is a shortcut"),
        ("Contacts.csv", a_conflicted_copy_beside, "could each be the export"),
        ("Contacts.csv", a_copy_of_a_sync_beside, "could each be the export"),
    ],
)
def test_a_message_names_what_is_there(six: Clinic, name: str, make: Callable[[Path], None], words: str) -> None:
    six.exports.pop("Contacts")
    make(six.folder / name)
    told = refused(six, words)
    assert ".fields" not in told


@pytest.mark.parametrize(
    ("above", "words"),
    [([["Contacts of the clinic"]], "headings are in row 2"), ([["Contacts"], [""]], "headings are in row 3")],
)
def test_a_title_above_the_headings_is_named(six: Clinic, above: Table, words: str) -> None:
    put(six, "Contacts", xlsx_file([*above, *table(six, "Contacts")]), "Contacts.xlsx")
    refused(six, words)


# --- 9: the machine decides nothing ---------------------------------------------------------------------------------------

OFFICE = "application/vnd.openxmlformats-officedocument"
TYPES = {
    ".docx": f"{OFFICE}.wordprocessingml.document",
    ".xlsx": f"{OFFICE}.spreadsheetml.sheet",
    ".rtf": "application/rtf",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".dcm": "application/dicom",
    ".PDF": "application/pdf",
    ".msg": "application/vnd.ms-outlook",
    ".unheard-of": "application/octet-stream",
}


@pytest.mark.parametrize("ending", TYPES)
def test_mime_types_of_documents_are_the_same_on_every_machine(
    six: Clinic, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    six.documents = {f"{DOCUMENT_FOLDER}{row['id']}{ending}": 9 for row in six.exports["Docs"]}
    names = ("patients", "documents")
    assert inserted(six, *names) == dict.fromkeys(names, 6)
    assert {*six.values("SELECT mime_type FROM documents_document")} == {TYPES[ending]}
    before = six.versions()
    monkeypatch.setattr(mimetypes, "guess_type", lambda *_, **__: ("text/of-the-machine", None))
    monkeypatch.setattr(mimetypes, "types_map", {ending: "text/of-the-machine"})
    six.later()
    six.load(*names)
    assert six.versions() == before


@pytest.mark.parametrize(
    ("ending", "kind"),
    [(".jfif", "image/jpeg"), (".webp", "image/webp"), (".HEIC", "image/heic"), (".avif", "image/avif"), (".tif", "image/tiff")],
)  # fmt: skip
def test_mime_types_of_images_are_the_same_on_every_machine(six: Clinic, ending: str, kind: str) -> None:
    six.images = {image_key(row["recid"], ending): 9 for row in six.exports["Image_data"]}
    names = ("patients", "image_batches", "images")
    assert inserted(six, *names) == dict.fromkeys(names, 6)
    assert {*six.values("SELECT mime_type FROM images_image")} == {kind}


# --- 10: wide tables ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [520, 1_600])
@pytest.mark.parametrize("kind", [".csv", ".xlsx"])
def test_a_wide_export_is_loaded(six: Clinic, columns: int, kind: str) -> None:
    header, *rows = table(six, "Contacts")
    extra = columns - len(header)
    wide = [[*(f"Extra {n}" for n in range(extra)), *header], *([*["x"] * extra, *row] for row in rows)]
    put(six, "Contacts", csv_file(wide) if kind == ".csv" else xlsx_file(wide), f"Contacts{kind}")
    assert inserted(six, *LINKED) == LINKED
    assert births(six)[0] == "1950-01-20"


def test_a_stray_cell_in_the_last_place_of_a_sheet_is_refused_by_name(six: Clinic) -> None:
    data = xlsx_file(table(six, "Contacts"))
    stray = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    put(six, "Contacts", changed_part(data, SHEET, "</sheetData>", stray), "Contacts.xlsx")
    refused(six, "Contacts.xlsx", "far from the others")


def test_a_file_that_is_larger_than_a_size_in_nexus_can_say_is_a_reject_of_its_own(clinic: Clinic) -> None:
    wattle = clinic.contact("Wattle")
    for size in (2**31 - 1, 2**31):
        clinic.document(wattle, size=size)
        clinic.image(wattle, size=size)
    loaded = clinic.load()
    for name in ("documents", "images"):
        assert (loaded[name].account.inserted, loaded[name].account.rejected) == (1, {"file_too_large": 1})

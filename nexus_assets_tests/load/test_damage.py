"""Marks of damage in an export: they stop a load, or are reported with column, record and what to do."""

from __future__ import annotations

import pytest

from nexus_assets.admin.rejects import open_rejects
from nexus_assets.errors import NexusAssetsError
from nexus_assets.load.damage import ADVICE
from nexus_assets.load.sources import remarks
from nexus_assets.mapping.reasons import NOTICES
from nexus_assets_tests.load.clinic import Clinic, image_key

pytestmark = pytest.mark.extended


@pytest.mark.parametrize(
    "word",
    ["<No Access>", "<Field Missing>", "<Table Missing>", "<unrelated table>", "#N/A", "#REF!", "#NAME?", "########"],
)
@pytest.mark.parametrize("heading", ["nameLast", "Health Number", "DOB"])
def test_a_word_for_no_value_stops_the_load(clinic: Clinic, word: str, heading: str) -> None:
    clinic.contact("Banksia")
    clinic.contact("Wattle", **{heading: word}) if heading != "nameLast" else clinic.contact(word)
    with pytest.raises(NexusAssetsError, match=rf"'{heading}' \(1, the first in record 2\)"):
        clinic.load("patients")
    assert clinic.value("SELECT count(*) FROM patients") == 0


@pytest.mark.parametrize(
    ("heading", "text", "code"),
    [
        ("Health Number", "?", "unshown_value"),
        ("Area", " ? ", "unshown_value"),
        ("Health Number", "8.00361E+15", "shortened_number"),
        ("Health Number", "8,00361E+15", "shortened_number"),
        ("CYS_ID", "1.20E+05", "shortened_number"),
        ("NDIS notes", "x" * 32_767, "cut_text"),
        ("NDIS notes", "x" * 32_765 + "\U0001f9b6", "cut_text"),
        ("nameFirst", "Ren\ufffde", "damaged_text"),
        ("nameFirst", "RenÃ©e", "damaged_text"),
        ("nameFirst", "MÃ¼ller", "damaged_text"),
        ("nameFirst", "Zo√´", "damaged_text"),
        ("nameFirst", "Ren├⌐e", "damaged_text"),
        ("NDIS notes", "itâ€™s", "damaged_text"),
        ("NDIS notes", "it‚Äôs", "damaged_text"),
        ("NDIS notes", "it\u0092s", "damaged_text"),
        ("Health Number", "800361000000000000", "shortened_number"),
        ("NDIS notes", "caf&eacute;", "escaped_text"),
        ("NDIS notes", "caf&amp;eacute;", "escaped_text"),
        ("nameFirst", "O&#39;Neil", "escaped_text"),
        ("CYS_ID", '="0456"', "escaped_text"),
        ("CYS_ID", "'0456", "escaped_text"),
        ("Health Number", "'+61 412 345 678", "escaped_text"),
        ("nameFirst", r"Ren\u00e9e", "escaped_text"),
        ("NDIS notes", "Seen today._x000D_", "escaped_text"),
        ("NDIS notes", "Seen today, and again after two weeks._x000D_\nBetter.", "escaped_text"),
        ("Health Number", "29501101.0", "shortened_number"),
        ("Health Number", "NULL", "null_text"),
        ("NDIS notes", "nan", "null_text"),
        ("Area", "<NA>", "null_text"),
        ("CYS_ID", r"\N", "null_text"),
        ("title", "(null)", "null_text"),
        ("NDIS notes", "x" * 65_535, "cut_text"),
        ("NDIS notes", "RenÃƒÂ©e", "damaged_text"),
    ],
)
def test_a_mark_of_damage_is_a_notice(clinic: Clinic, heading: str, text: str, code: str) -> None:
    clinic.contact("Banksia", nameFirst="Zoë")
    clinic.contact("Wattle", **{heading: text})
    found = clinic.load("patients")["patients"]
    assert found.account.notices == {code: 1}
    (remark,) = found.sources["Contacts"]["remarks"]
    assert f"1 cell of '{heading}', the first in record 2: " in remark
    assert code in NOTICES
    assert text not in remark


@pytest.mark.parametrize(
    "text",
    [
        "Renée",
        "IRMÃ",
        "a <b> c",
        "why?",
        "ROOM 1E5",
        "5",
        "x" * 32_766,
        "CAFÉ’S",
        "38°C",
        "a–b",
        "🦶",
        "#1",
        "R&D; M&M",
        "800361000000001",
        "=5",
        "'70s",
        "'tis well",
        "Nan",
        "Fernanda",
        "None",
        "Null and void",
        "38.0",
        "v29501.0",
        "x_x00",
        r"\\server\users",
        "x" * 255,
    ],
)
def test_sound_text_is_not_remarked_on(clinic: Clinic, text: str) -> None:
    clinic.contact("Wattle", **{"NDIS notes": text})
    assert clinic.load("patients")["patients"].account.notices == {}


@pytest.mark.parametrize(
    ("dates", "swapped"),
    [
        (("1950-01-02", "1951-02-03", "20/1/1952", "21/2/1953"), True),
        (("1950-01-02", "1951-02-03", "1/20/1952"), True),
        (("1950-01-02", "1951-02-23", "20/1/1952"), False),
        (("1950-01-02", "1951-02-03"), False),
        (("1950-01-02", "3/4/1951", "20/1/1952"), False),
    ],
)
def test_dates_that_excel_swapped_are_a_notice(clinic: Clinic, dates: tuple[str, ...], swapped: bool) -> None:
    for at, day in enumerate(dates):
        clinic.contact(f"Wattle {at}", DOB=day)
    assert ("swapped_dates" in clinic.load("patients")["patients"].account.notices) == swapped


def test_texts_that_all_end_at_255_characters_were_cut(clinic: Clinic) -> None:
    for at in range(3):
        clinic.contact(f"Wattle {at}", **{"NDIS notes": chr(97 + at) * 255})
    assert clinic.load("patients")["patients"].account.notices == {"cut_text": 3}


def test_a_longer_text_shows_that_255_is_no_limit(clinic: Clinic) -> None:
    for at in range(4):
        clinic.contact(f"Wattle {at}", **{"NDIS notes": chr(97 + at) * (255 + at // 3)})
    assert clinic.load("patients")["patients"].account.notices == {}


def test_a_plan_states_column_and_record_of_damage(clinic: Clinic) -> None:
    clinic.contact("Wattle", CYS_ID="1.20E+05")
    found = clinic.load("patients", commit=False)["patients"]
    assert remarks(found.sources) == [
        f"Contacts: 1 cell of 'CYS_ID', the first in record 1: {ADVICE['shortened_number']}"
    ]


def test_a_lookup_that_finds_nothing_names_its_row_and_no_value(clinic: Clinic) -> None:
    for _ in range(2):
        clinic.contact("Wattle"), clinic.contact("Banksia", Funding="Nobody")
        (remark,) = remarks(clinic.load("patients")["patients"].sources)
        assert remark == "Contacts: unknown_funding: 1 row, the first in record 2"
        clinic.exports["Contacts"].clear()


@pytest.mark.parametrize("loads", [1, 2])
def test_the_first_row_of_a_notice_is_the_first_whatever_else_is_said_of_it(loads: int, clinic: Clinic) -> None:
    for clinic_name, funding in (("", ""), ("Nowhere", ""), ("Nowhere", "Nobody"), ("", "Nobody")):
        clinic.contact(f"Wattle{clinic_name}{funding}", Clinic_Name=clinic_name, Funding=funding)
    if loads == 2:
        clinic.load("patients")
        clinic.exports["Contacts"][0]["nameFirst"] = "Renamed"
        clinic.later()
    assert sorted(remarks(clinic.load("patients")["patients"].sources)) == [
        "Contacts: unknown_clinic: 2 rows, the first in record 2",
        "Contacts: unknown_funding: 2 rows, the first in record 3",
    ]


@pytest.mark.commits
def test_files_of_one_record_are_named_by_its_number(clinic: Clinic) -> None:
    contact = clinic.contact("Wattle")
    image = clinic.image(contact)
    clinic.images[image_key(image["recid"], ".JPG")] = 7
    clinic.load()
    assert {each.files for each in open_rejects(clinic.engine, "images", None)} == {"1.JPG, 1.jpg"}


@pytest.mark.commits
def test_files_of_one_record_with_typed_names_are_not_quoted(clinic: Clinic) -> None:
    contact = clinic.contact("Wattle")
    clinic.image(contact, recid="wattle wren")
    clinic.images[image_key("wattle wren", ".JPG")] = 7
    clinic.load()
    assert {each.files for each in open_rejects(clinic.engine, "images", None)} == {"…, …"}


def test_a_load_after_one_without_damage_looks_at_new_rows_alone(clinic: Clinic) -> None:
    clinic.contact("Wattle")
    clinic.load("patients")
    clinic.contact("Ren\ufffde")
    account = clinic.load("patients")["patients"].account
    assert account.notices == {"damaged_text": 1}


def test_and_counts_the_damage_of_known_rows_from_then_on(clinic: Clinic) -> None:
    clinic.contact("Wattle")
    clinic.contact("Ren\ufffde")
    clinic.load("patients")
    clinic.contact("Zo\ufffde")
    assert clinic.load("patients")["patients"].account.notices == {"damaged_text": 2}


def test_a_word_for_no_value_in_a_new_row_stops_the_load_too(clinic: Clinic) -> None:
    clinic.contact("Wattle")
    clinic.load("patients")
    clinic.contact("<No Access>")
    with pytest.raises(NexusAssetsError, match=r"'nameLast' \(1, the first in record 2\)"):
        clinic.load("patients")
    assert clinic.value("SELECT count(*) FROM patients") == 1


def test_texts_of_known_rows_are_cut_where_the_longer_one_is_gone(clinic: Clinic) -> None:
    for number in range(3):
        clinic.contact(f"Wattle {number}", **{"NDIS notes": "x" * 255})
    longer = clinic.contact("Banksia", **{"NDIS notes": "x" * 256})
    assert clinic.load("patients")["patients"].account.notices == {}
    clinic.remove("Contacts", longer)
    assert clinic.load("patients")["patients"].account.notices == {"cut_text": 3}

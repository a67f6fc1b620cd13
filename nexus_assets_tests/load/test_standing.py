"""Rows that were rejected before, and can only be rejected again: they are counted, and not read again."""

from __future__ import annotations

import re

import pytest

from nexus_assets.entities import ENTITIES
from nexus_assets.load.load import load
from nexus_assets.load.settings import LoadSettings
from nexus_assets_tests.load.clinic import Clinic, filemaker_id

REJECTS = "SELECT count(*) FROM nexus_assets.reject WHERE resolved_load IS NULL AND entity = 'notes'"


def rows_read(clinic: Clinic, name: str = "notes") -> tuple[int, dict[str, int]]:
    """Loads the entity; returns how many rows were read, and how many were rejected, by reason."""
    told: list[str] = []
    entity = ENTITIES[name]
    with clinic.loading(entity) as cursor:
        result = load(cursor, entity, clinic.inputs(), LoadSettings(allow_empty=True), "test", told.append)
    read = re.search(r"(\d+) rows? to read", " ".join(told))
    assert read is not None, told
    return int(read[1]), result.account.rejected


@pytest.fixture
def rejected(clinic: Clinic) -> Clinic:
    """A clinic with one patient and her note, a note of nobody, and two notes of people who are unknown; loaded."""
    clinic.note(clinic.contact("Wattle"))
    clinic.note("")
    clinic.note(filemaker_id("Banksia"), "Seen at home.")
    clinic.note(filemaker_id("Mallee"))
    account = clinic.load("patients", "notes")["notes"].account
    assert account.rejected == {"unknown_patient": 2, "no_patient": 1}
    return clinic


def test_what_was_rejected_for_its_patient_is_not_read_again(rejected: Clinic) -> None:
    rejected.note(rejected.exports["Contacts"][0]["id"], "New.")
    assert rows_read(rejected) == (1, {"unknown_patient": 2, "no_patient": 1})
    assert rejected.value(REJECTS) == 3


def test_nor_where_another_patient_came_meanwhile(rejected: Clinic) -> None:
    new = rejected.contact("Grevillea")
    rejected.load("patients")
    rejected.note(new, "New.")
    assert rows_read(rejected) == (1, {"unknown_patient": 2, "no_patient": 1})


def test_it_is_read_where_its_patient_came_meanwhile(rejected: Clinic) -> None:
    rejected.contact("Banksia", id=filemaker_id("Banksia"))
    rejected.load("patients")
    assert rows_read(rejected) == (1, {"no_patient": 1, "unknown_patient": 1})
    assert rejected.value("SELECT count(*) FROM notes WHERE content = 'Seen at home.'") == 1
    assert rejected.value(REJECTS) == 2


def test_it_is_read_where_its_words_changed(rejected: Clinic) -> None:
    rejected.exports["Notes"][2]["Note"] = "Seen in the clinic."
    assert rows_read(rejected) == (1, {"unknown_patient": 2, "no_patient": 1})
    assert rejected.value("SELECT count(*) FROM nexus_assets.reject WHERE resolved_load IS NOT NULL") == 1


def test_it_is_resolved_where_the_export_has_it_no_more(rejected: Clinic) -> None:
    del rejected.exports["Notes"][3]
    assert rows_read(rejected)[1] == {"no_patient": 1, "unknown_patient": 1}
    assert rejected.value(REJECTS) == 2


def test_it_is_known_by_its_new_place(rejected: Clinic) -> None:
    rejected.exports["Notes"].reverse()
    rejected.note(rejected.exports["Contacts"][0]["id"], "New.")
    rows_read(rejected)
    places = "SELECT row_number FROM nexus_assets.reject WHERE resolved_load IS NULL ORDER BY 1"
    assert rejected.values(places) == [1, 2, 3]


def test_its_earlier_place_is_kept_for_undo(rejected: Clinic) -> None:
    rejected.exports["Notes"].reverse()
    rejected.note(rejected.exports["Contacts"][0]["id"], "New.")
    rows_read(rejected)
    moved = "SELECT count(*) FROM nexus_assets.before_value WHERE 'reject' = ANY(table_name)"
    assert rejected.value(moved) == 3


def test_each_of_several_equal_rows_is_a_reject(rejected: Clinic) -> None:
    rejected.exports["Notes"][1]["id"] = ""
    rows_read(rejected)
    rejected.exports["Notes"] += [dict(rejected.exports["Notes"][1]), dict(rejected.exports["Notes"][1])]
    account = rejected.load("notes")["notes"].account
    assert account.rejected == {"no_id": 3, "unknown_patient": 2}
    assert rejected.value(REJECTS) == 5


def test_a_row_that_was_loaded_before_is_read_again(rejected: Clinic) -> None:
    rejected.exports["Notes"][0]["id_Key"] = filemaker_id("Banksia")
    assert rows_read(rejected) == (1, {"unknown_patient": 3, "no_patient": 1})
    rejected.note(rejected.exports["Contacts"][0]["id"], "New.")
    assert rows_read(rejected) == (2, {"unknown_patient": 3, "no_patient": 1})


def test_a_reject_that_the_ledger_has_twice_is_resolved_once(rejected: Clinic) -> None:
    rejected.execute(
        "INSERT INTO nexus_assets.reject (entity, row_number, source_id, reason, row_hash, payload, first_load)"
        " SELECT entity, row_number, source_id, reason, row_hash, payload, first_load FROM nexus_assets.reject"
        " WHERE reason = 'no_patient'"
    )
    rejected.note(rejected.exports["Contacts"][0]["id"], "New.")
    assert rows_read(rejected) == (2, {"unknown_patient": 2, "no_patient": 1})
    assert rejected.value(REJECTS) == 3


def test_an_id_that_comes_twice_is_read_again(rejected: Clinic) -> None:
    again = {**rejected.exports["Notes"][2], "Note": "Something else."}
    rejected.exports["Notes"].append(again)
    assert rows_read(rejected) == (2, {"duplicate_id": 2, "no_patient": 1, "unknown_patient": 1})


def test_it_is_read_where_dates_are_read_in_another_order(clinic: Clinic) -> None:
    clinic.appointment(clinic.contact("Wattle"), "3/4/2024")
    clinic.appointment(filemaker_id("Banksia"), "5/6/2024")
    clinic.load("patients", "appointments")
    clinic.appointment(clinic.exports["Contacts"][0]["id"], "25/3/2024")
    clinic.appointment(clinic.exports["Contacts"][0]["id"], "26/3/2024")
    read, rejects = rows_read(clinic, "appointments")
    assert (read, rejects) == (4, {"unknown_contact": 1})


def test_a_load_that_reads_it_not_ends_as_one_that_does(rejected: Clinic) -> None:
    kept = (
        "SELECT row_number, source_id, reason, payload FROM nexus_assets.reject WHERE resolved_load IS NULL ORDER BY 1"
    )
    rejected.note(rejected.exports["Contacts"][0]["id"], "New.")
    short = rejected.load("notes", commit=False)["notes"].account
    before = rejected.rows(kept)
    rejected.execute("UPDATE nexus_assets.reject SET row_hash = row_hash + 1")
    full = rejected.load("notes")["notes"].account
    assert short == full
    assert rejected.rows(kept) == before

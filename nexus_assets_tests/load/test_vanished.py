"""Rows that FileMaker no longer has: marked and reported, never deleted; people archived where the settings say so."""

from __future__ import annotations

from typing import Any

import pytest

from nexus_assets.entities import ENTITIES
from nexus_assets_tests.load.clinic import FURNISHED, Clinic

VANISHING = {
    "patients": "Contacts",
    "appointments": "Appointments",
    "notes": "Notes",
}


@pytest.fixture(params=VANISHING)
def entity(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def marked(clinic: Clinic, entity: str) -> list[str]:
    return clinic.values(
        f"SELECT upper(source_id::text) FROM nexus_assets.identity_{entity} WHERE vanished_load IS NOT NULL"
    )


def test_a_vanished_row_is_marked_and_nothing_is_deleted(loaded: Clinic, entity: str) -> None:
    row = loaded.exports[VANISHING[entity]].pop()
    before = loaded.versions()
    account = loaded.load(entity)[entity].account
    assert account.healed == {"vanished": 1}
    assert account.source_rows == 1
    assert marked(loaded, entity) == [row["id"]]
    assert loaded.versions() == before


def test_it_vanishes_once(loaded: Clinic, entity: str) -> None:
    loaded.exports[VANISHING[entity]].pop()
    loaded.load(entity)
    assert loaded.load(entity)[entity].account.healed == {}


@pytest.mark.parametrize("changed", [False, True], ids=["as it was", "changed"])
def test_a_returned_row_is_unmarked(changed: bool, loaded: Clinic, entity: str) -> None:
    rows = loaded.exports[VANISHING[entity]]
    row = rows.pop()
    loaded.load(entity)
    rows.append({**row, "nameMiddle": "x"} if changed and entity == "patients" else row)
    account = loaded.load(entity)[entity].account
    assert account.healed == {"returned": 1}
    assert account.inserted == 0
    assert marked(loaded, entity) == []


def test_another_row_of_an_id_does_not_stand_in_for_one_that_vanished(loaded: Clinic) -> None:
    gone = loaded.exports["Contacts"].pop()
    (row,) = loaded.exports["Contacts"]
    loaded.exports["Contacts"].append({**row, "nameFirst": "Robin"})
    account = loaded.load("patients", allow_rejected=True)["patients"].account
    assert (account.rejected, account.healed) == ({"duplicate_id": 2}, {"vanished": 1})
    assert marked(loaded, "patients") == [gone["id"]]


def test_a_row_that_returns_unreadable_has_not_vanished(loaded: Clinic) -> None:
    row = loaded.exports["Contacts"].pop()
    loaded.load("patients")
    loaded.exports["Contacts"].append({**row, "nameLast": ""})
    account = loaded.load("patients")["patients"].account
    assert (account.rejected, account.healed) == ({"no_last_name": 1}, {"returned": 1})


@pytest.mark.parametrize("name", ["documents", "images"])
def test_a_file_that_is_gone_leaves_its_row(name: str, loaded: Clinic) -> None:
    files = loaded.images if name == "images" else loaded.documents
    files.popitem()
    before = loaded.versions()
    assert loaded.load(name, allow_missing_files=True)[name].account.healed == {"vanished": 1}
    assert loaded.versions() == before


def test_a_batch_without_files_keeps_its_images(loaded: Clinic) -> None:
    loaded.images.clear()
    before = loaded.versions()
    loaded.load("image_batches", "images", allow_missing_files=True)
    assert loaded.versions() == before


# --- archiving --------------------------------------------------------------------------------------------------------


def state(clinic: Clinic, patient: str) -> tuple[Any, ...]:
    return clinic.row("SELECT archived, archived_at IS NOT NULL, archived_by FROM patients WHERE id = %s", patient)


ARCHIVED, LIVING = (True, True, "FileMaker Import"), (False, False, None)


@pytest.fixture
def gone(loaded: Clinic) -> tuple[Clinic, dict[str, str], str]:
    """A clinic from whose export a person has vanished: (clinic, the row, the Nexus id)."""
    row = loaded.exports["Contacts"].pop()
    return loaded, row, loaded.patient_id(row["id"])


Gone = tuple[Clinic, dict[str, str], str]


def load(clinic: Clinic, archive: bool = True, **settings: Any) -> dict[str, int]:
    """What was healed."""
    return clinic.load("patients", archive_vanished=archive, **settings)["patients"].account.healed


def test_only_the_setting_archives(gone: Gone) -> None:
    clinic, _, patient = gone
    clinic.load("patients")
    assert state(clinic, patient) == LIVING


def test_a_vanished_patient_is_archived_with_who_and_when(gone: Gone) -> None:
    clinic, _, patient = gone
    assert load(clinic) == {"vanished": 1, "archived": 1}
    assert state(clinic, patient) == ARCHIVED
    assert clinic.value("SELECT count(*) FROM patients WHERE archived") == 1


def test_one_that_vanished_before_the_setting_came_is_archived_too(gone: Gone) -> None:
    clinic, _, patient = gone
    clinic.load("patients")
    assert load(clinic) == {"archived": 1}
    assert state(clinic, patient) == ARCHIVED


def test_archiving_twice_writes_nothing(gone: Gone) -> None:
    clinic, *_ = gone
    load(clinic)
    before = clinic.versions()
    assert load(clinic) == {}
    assert clinic.versions() == before


@pytest.mark.parametrize("archive", [True, False], ids=["with the setting", "without it"])
def test_one_who_returns_is_brought_back(archive: bool, gone: Gone) -> None:
    clinic, row, patient = gone
    load(clinic)
    clinic.exports["Contacts"].append(row)
    assert load(clinic, archive) == {"returned": 1, "brought_back": 1}
    assert state(clinic, patient) == LIVING


def test_one_who_returns_and_vanishes_again_is_archived_again(gone: Gone) -> None:
    clinic, row, patient = gone
    load(clinic)
    clinic.exports["Contacts"].append(row)
    load(clinic)
    clinic.exports["Contacts"].pop()
    assert load(clinic) == {"vanished": 1, "archived": 1}
    assert state(clinic, patient) == ARCHIVED


def test_whom_a_person_archived_stays_archived(gone: Gone) -> None:
    clinic, row, patient = gone
    clinic.execute(
        "UPDATE patients SET archived = true, archived_at = now(), archived_by = 'wren' WHERE id = %s", patient
    )
    before = clinic.versions()
    assert load(clinic) == {"vanished": 1}
    clinic.exports["Contacts"].append(row)
    assert load(clinic) == {"returned": 1}
    assert clinic.versions() == before


def test_whom_a_person_brought_back_is_not_archived_again(gone: Gone) -> None:
    clinic, _, patient = gone
    load(clinic)
    clinic.execute(
        "UPDATE patients SET archived = false, archived_at = NULL, archived_by = NULL WHERE id = %s", patient
    )
    assert load(clinic) == {}
    assert state(clinic, patient) == LIVING


def test_whom_a_person_archived_after_us_stays_archived(gone: Gone) -> None:
    clinic, row, patient = gone
    load(clinic)
    clinic.execute("UPDATE patients SET archived_by = 'wren' WHERE id = %s", patient)
    clinic.exports["Contacts"].append(row)
    assert load(clinic) == {"returned": 1}
    assert state(clinic, patient) == (True, True, "wren")


def test_archiving_tells_when_the_row_was_changed(gone: Gone) -> None:
    clinic, _, patient = gone
    before = clinic.value("SELECT updated_at FROM patients WHERE id = %s", patient)
    load(clinic)
    assert clinic.value("SELECT updated_at FROM patients WHERE id = %s", patient) > before


def test_a_native_patient_is_never_archived(loaded: Clinic) -> None:
    loaded.execute(
        "INSERT INTO patients (id, first_name, last_name, archived, created_at, updated_at)"
        " VALUES (gen_random_uuid(), 'Wren', 'Native', false, now(), now())"
    )
    load(loaded)
    assert loaded.value("SELECT count(*) FROM patients WHERE archived") == 0


def test_one_who_vanished_and_was_deleted_is_not_missed(gone: Gone) -> None:
    clinic, _, patient = gone
    for table in ("notes", "appointments"):
        clinic.execute(f"DELETE FROM {table}")
    clinic.execute("DELETE FROM patients WHERE id = %s", patient)
    assert load(clinic) == {"vanished": 1}


@pytest.mark.parametrize(
    "name", [name for name in FURNISHED if ENTITIES[name].archive is None and not ENTITIES[name].ends]
)
def test_nothing_but_patients_is_archived(name: str, loaded: Clinic) -> None:
    for rows in loaded.exports.values():
        del rows[1:]
    before = loaded.versions()
    loaded.load(name, archive_vanished=True)
    assert loaded.versions() == before

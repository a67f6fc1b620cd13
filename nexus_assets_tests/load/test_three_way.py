"""Three-way, column by column: what FileMaker changed is written, what a person changed in Nexus is kept and reported."""

from __future__ import annotations

from typing import Any

import pytest

from nexus_assets.entities import ENTITIES
from nexus_assets_tests.load.clinic import Clinic

# entity: (its export, a heading there, FileMaker's new text, the column, FileMaker's new value, a person's value)
EDITS = {
    "patients": ("Contacts", "Health Number", "F1", "health_number", "F1", "N1"),
    "appointments": ("Appointments", "notes", "From FileMaker", "notes", "From FileMaker", "From Nexus"),
    "notes": ("Notes", "Note", "From FileMaker", "content", "From FileMaker", "From Nexus"),
    "documents": ("Docs", "Date", "7/1/2024", "document_date", "2024-07-01", "2020-02-02"),
    "images": ("Image_data", "Name_of_file", "filemaker.jpg", "original_name", "filemaker.jpg", "nexus.jpg"),
}


class Edited:
    """One row of an entity, to be changed on either side."""

    def __init__(self, clinic: Clinic, name: str) -> None:
        self.clinic, self.name = clinic, name
        self.export, self.heading, self.text, self.column, self.filemakers, self.nexus = EDITS[name]
        self.table = ENTITIES[name].model.tables[0]
        self.row = clinic.exports[self.export][0]
        self.id = clinic.id_of(self.table, self.row)

    def in_filemaker(self, text: str | None = None) -> None:
        self.row[self.heading] = self.text if text is None else text

    def in_nexus(self, value: Any = None) -> None:
        self.clinic.execute(
            f'UPDATE {self.table} SET "{self.column}" = %s WHERE id = %s',
            self.nexus if value is None else value,
            self.id,
        )

    @property
    def value(self) -> Any:
        return self.clinic.value(f'SELECT "{self.column}"::text FROM {self.table} WHERE id = %s', self.id)

    def load(self, **settings: Any) -> tuple[int, int, int]:
        """(updated, kept, unchanged) of one load."""
        account = self.clinic.load(self.name, **settings)[self.name].account
        return account.updated, account.kept, account.unchanged

    def conflicts(self, open_: bool = True) -> list[tuple[str, str, str | None, str | None]]:
        state = "IS NULL" if open_ else "IS NOT NULL"
        return self.clinic.rows(  # type: ignore[return-value]
            "SELECT column_name, cause, filemaker_value, nexus_value FROM nexus_assets.conflict"
            f" WHERE entity = %s AND resolved_load {state} ORDER BY 1",
            self.name,
        )


@pytest.fixture(params=EDITS)
def edited(request: pytest.FixtureRequest, loaded: Clinic) -> Edited:
    return Edited(loaded, request.param)


def test_what_filemaker_changed_is_written(edited: Edited) -> None:
    rest = sum(edited.load()) - 1
    edited.in_filemaker()
    assert edited.load() == (1, 0, rest)
    assert edited.value == edited.filemakers
    assert edited.conflicts() == []


def test_what_a_person_changed_is_kept_and_told_each_time(edited: Edited) -> None:
    before = edited.value
    rest = sum(edited.load()) - 1
    edited.in_nexus()
    for _ in range(3):
        assert edited.load() == (0, 1, rest)
        assert edited.value == edited.nexus
    assert edited.conflicts() == [(edited.column, "edited", before, edited.nexus)]


def test_a_kept_value_writes_nothing_into_nexus(edited: Edited) -> None:
    edited.in_nexus()
    before = edited.clinic.versions()
    edited.load()
    edited.load()
    assert edited.clinic.versions() == before


def test_changed_on_both_sides_it_is_kept(edited: Edited) -> None:
    edited.in_nexus()
    edited.in_filemaker()
    assert edited.load()[1] == 1
    assert edited.value == edited.nexus
    assert edited.conflicts() == [(edited.column, "edited", edited.filemakers, edited.nexus)]


def test_changed_alike_on_both_sides_it_is_no_conflict(edited: Edited) -> None:
    edited.in_nexus(edited.filemakers)
    edited.in_filemaker()
    assert edited.load()[1] == 0
    assert edited.conflicts() == []


def test_put_back_in_nexus_the_conflict_is_resolved(edited: Edited) -> None:
    before = edited.value
    edited.in_nexus()
    edited.load()
    edited.clinic.execute(f'UPDATE {edited.table} SET "{edited.column}" = %s WHERE id = %s', before, edited.id)
    assert edited.load()[1] == 0
    assert edited.conflicts() == []
    assert len(edited.conflicts(open_=False)) == 1
    edited.in_filemaker()
    assert edited.load()[0] == 1
    assert edited.value == edited.filemakers


def test_taken_over_by_filemaker_the_conflict_is_resolved(edited: Edited) -> None:
    edited.in_nexus(edited.filemakers)
    edited.load()
    assert len(edited.conflicts()) == 1
    edited.in_filemaker()
    assert edited.load()[1] == 0
    assert edited.conflicts() == []


def test_after_filemaker_changed_again_the_conflict_shows_the_new_value(edited: Edited) -> None:
    edited.in_nexus()
    edited.load()
    edited.in_filemaker()
    edited.load()
    assert edited.conflicts() == [(edited.column, "edited", edited.filemakers, edited.nexus)]


@pytest.mark.parametrize("before", ["the edit was told", "the edit is new"])
def test_where_filemaker_is_to_win_it_wins(before: str, edited: Edited) -> None:
    original = edited.value
    edited.in_nexus()
    if before == "the edit was told":
        edited.load()
    assert edited.load(filemaker_wins=True)[:2] == (1, 0)
    assert edited.value == original
    assert edited.conflicts() == []
    assert edited.load()[:2] == (0, 0)


def test_a_row_is_not_written_for_columns_that_neither_changed(edited: Edited) -> None:
    edited.in_filemaker()
    edited.load()
    before = edited.clinic.versions()
    edited.row["unheard of"] = "x"
    edited.clinic.extra_headings[edited.export] = ("unheard of",)
    edited.load()
    assert edited.clinic.versions() == before


# --- more than one column ---------------------------------------------------------------------------------------------


@pytest.fixture
def person(loaded: Clinic) -> tuple[Clinic, dict[str, str], str]:
    row = loaded.exports["Contacts"][0]
    return loaded, row, loaded.patient_id(row["id"])


Person = tuple[Clinic, dict[str, str], str]


def test_of_two_columns_one_is_kept_and_the_other_written(person: Person) -> None:
    clinic, row, patient = person
    clinic.execute("UPDATE patients SET first_name = 'Nexus' WHERE id = %s", patient)
    row["nameMiddle"] = "FileMaker"
    account = clinic.load("patients")["patients"].account
    assert (account.updated, account.kept) == (1, 0)
    assert clinic.row("SELECT first_name, middle_names FROM patients WHERE id = %s", patient) == ("Nexus", "FileMaker")
    assert clinic.values("SELECT column_name FROM nexus_assets.conflict") == ["first_name"]
    assert clinic.load("patients")["patients"].account.kept == 1


def test_what_filemaker_emptied_is_emptied(person: Person) -> None:
    clinic, row, patient = person
    row["nameMiddle"] = "Anna"
    clinic.load("patients")
    row["nameMiddle"] = ""
    clinic.load("patients")
    assert clinic.value("SELECT middle_names FROM patients WHERE id = %s", patient) is None


def test_what_a_person_emptied_stays_empty(person: Person) -> None:
    clinic, _, patient = person
    clinic.execute("UPDATE patients SET dob = NULL WHERE id = %s", patient)
    assert clinic.load("patients")["patients"].account.kept == 1
    assert clinic.value("SELECT dob FROM patients WHERE id = %s", patient) is None


def test_what_the_import_does_not_own_is_nobodys_conflict(person: Person) -> None:
    clinic, row, patient = person
    clinic.execute("UPDATE patients SET notes = 'Nexus', mrn = '1', contact_json = '{}' WHERE id = %s", patient)
    assert clinic.load("patients")["patients"].account.unchanged == 2
    row["nameMiddle"] = "Anna"
    clinic.load("patients")
    assert clinic.row("SELECT notes, mrn FROM patients WHERE id = %s", patient) == ("Nexus", "1")


def test_an_update_tells_when(person: Person) -> None:
    clinic, row, patient = person
    before = clinic.value("SELECT updated_at FROM patients WHERE id = %s", patient)
    clinic.load("patients")
    assert clinic.value("SELECT updated_at FROM patients WHERE id = %s", patient) == before
    row["nameMiddle"] = "Anna"
    clinic.load("patients")
    assert clinic.value("SELECT updated_at FROM patients WHERE id = %s", patient) > before


def test_the_creation_of_a_row_is_never_touched(person: Person) -> None:
    clinic, row, patient = person
    clinic.execute("UPDATE patients SET created_at = '2001-01-01' WHERE id = %s", patient)
    row["nameMiddle"] = "Anna"
    clinic.load("patients")
    assert clinic.value("SELECT extract(year FROM created_at)::int FROM patients WHERE id = %s", patient) == 2001


def test_a_batchs_time_is_nexuss_once_it_is_there(loaded: Clinic) -> None:
    loaded.execute("UPDATE images_batch SET uploaded_at = '2001-01-01'")
    assert loaded.load("image_batches")["image_batches"].account.unchanged == 2


def test_a_renamed_batch_stays_renamed(loaded: Clinic) -> None:
    loaded.execute("UPDATE images_batch SET name = 'Left foot, before'")
    for _ in range(2):
        assert loaded.load("image_batches", "images")["image_batches"].account.kept == 2
    assert loaded.values("SELECT DISTINCT name FROM images_batch") == ["Left foot, before"]


# --- metadata ---------------------------------------------------------------------------------------------------------


def metadata(person: Person) -> dict[str, Any]:
    clinic, _, patient = person
    found: dict[str, Any] = clinic.value("SELECT filemaker_metadata FROM patients WHERE id = %s", patient)
    return found


def merge_in_nexus(person: Person, patch: str) -> None:
    clinic, _, patient = person
    clinic.execute(
        "UPDATE patients SET filemaker_metadata = filemaker_metadata || %s::jsonb WHERE id = %s", patch, patient
    )


def test_keys_that_nexus_added_are_kept_and_no_conflict(person: Person) -> None:
    clinic, row, _ = person
    merge_in_nexus(person, '{"nexus_key": [1, 2]}')
    assert clinic.load("patients")["patients"].account.unchanged == 2
    row["Area"] = "North"
    assert clinic.load("patients")["patients"].account.updated == 1
    assert metadata(person) == {"filemaker_id": row["id"], "area": "North", "nexus_key": [1, 2]}


def test_a_key_that_filemaker_emptied_goes(person: Person) -> None:
    clinic, row, _ = person
    row["Area"] = "North"
    clinic.load("patients")
    row["Area"] = ""
    clinic.load("patients")
    assert metadata(person) == {"filemaker_id": row["id"]}


def test_a_key_of_ours_that_a_person_changed_is_kept_and_shown_alone(person: Person) -> None:
    clinic, row, _ = person
    row["Area"], row["Diabetes"] = "North", "No"
    clinic.load("patients")
    merge_in_nexus(person, '{"area": "South"}')
    assert clinic.load("patients")["patients"].account.kept == 1
    assert metadata(person)["area"] == "South"
    shown = clinic.row("SELECT column_name, filemaker_value, nexus_value FROM nexus_assets.conflict")
    assert shown == ("filemaker_metadata", '{"area": "North"}', '{"area": "South"}')


@pytest.mark.parametrize("value", ["NULL", "'[]'", "'\"text\"'"], ids=["nothing", "a list", "a text"])
def test_where_filemaker_wins_metadata_of_another_form_is_replaced(value: str, person: Person) -> None:
    clinic, row, patient = person
    clinic.execute(f"UPDATE patients SET filemaker_metadata = {value} WHERE id = %s", patient)
    assert clinic.load("patients")["patients"].account.kept == 1
    clinic.load("patients", filemaker_wins=True)
    assert metadata(person) == {"filemaker_id": row["id"]}


def test_a_nested_key_comes_and_goes(person: Person) -> None:
    clinic, row, _ = person
    row["NDIS Coordinator Name"], row["NDIS Plan Start Date"] = "Otto", "3/18/2024"
    clinic.load("patients")
    assert metadata(person)["ndis"] == {"coordinator_name": "Otto", "plan_start_date": "2024-03-18"}
    row["NDIS Coordinator Name"] = row["NDIS Plan Start Date"] = ""
    clinic.load("patients")
    assert "ndis" not in metadata(person)


# --- FileMaker id columns ---------------------------------------------------------------------------------------------


def test_a_filemaker_id_that_was_emptied_is_filled_again(loaded: Clinic) -> None:
    loaded.execute("UPDATE appointments SET filemaker_event_id = NULL")
    assert loaded.load("appointments")["appointments"].account.updated == 2
    assert loaded.value("SELECT count(*) FROM appointments WHERE filemaker_event_id IS NULL") == 0


def test_a_filemaker_id_that_is_another_one_is_never_overwritten(loaded: Clinic) -> None:
    row = loaded.exports["Appointments"][0]
    loaded.execute("UPDATE appointments SET filemaker_event_id = gen_random_uuid()")
    theirs = set(loaded.values("SELECT filemaker_event_id::text FROM appointments"))
    row["notes"] = "Changed"
    assert loaded.load("appointments", filemaker_wins=True)["appointments"].account.healed == {}
    assert set(loaded.values("SELECT filemaker_event_id::text FROM appointments")) == theirs


# --- what FileMaker leaves to Nexus -----------------------------------------------------------------------------------


def test_a_status_that_filemaker_does_not_have_is_nexuss(loaded: Clinic) -> None:
    loaded.execute("UPDATE appointments SET status = 'completed'")
    loaded.exports["Appointments"][0]["notes"] = "Changed"
    account = loaded.load("appointments")["appointments"].account
    assert (account.updated, account.kept) == (1, 0)
    assert loaded.values("SELECT DISTINCT status FROM appointments") == ["completed"]


def test_a_status_that_filemaker_has_is_written(loaded: Clinic) -> None:
    loaded.extra_headings["Appointments"] = ("Status",)
    loaded.exports["Appointments"][0]["Status"] = "Checked in"
    loaded.load("appointments")
    assert sorted(loaded.values("SELECT status FROM appointments")) == ["checked_in", "scheduled"]


@pytest.mark.parametrize("name", ["notes", "appointments"])
def test_what_a_person_gave_to_somebody_whom_filemaker_does_not_know_stays_given(name: str, loaded: Clinic) -> None:
    theirs = loaded.copy("patients", loaded.value("SELECT min(id::text) FROM {patients}"), filemaker_metadata=None)
    given = loaded.value(f"SELECT min(id::text) FROM {name}")
    loaded.execute(f"UPDATE {name} SET patient_id = %s WHERE id = %s", theirs, given)
    assert loaded.load(name)[name].account.kept == 1
    assert loaded.value(f"SELECT patient_id::text FROM {name} WHERE id = %s", given) == theirs


def test_an_unknown_clinic_empties_nothing(loaded: Clinic) -> None:
    clinic_id = loaded.value("SELECT id::text FROM clinics LIMIT 1")
    loaded.execute("UPDATE patients SET clinic_id = %s", clinic_id)
    loaded.exports["Contacts"][0]["Clinic_Name"] = "Nowhere"
    account = loaded.load("patients")["patients"].account
    assert account.kept == 0
    assert loaded.values("SELECT DISTINCT clinic_id::text FROM patients") == [clinic_id]


def test_a_file_whose_row_is_gone_keeps_what_its_row_said(loaded: Clinic) -> None:
    row = loaded.exports["Docs"][0]
    document = loaded.id_of("documents_document", row)
    said = "SELECT category, document_date::text, object_id::text, filemaker_metadata FROM documents_document WHERE id = %s"
    before = loaded.row(said, document)
    loaded.remove("Docs", row["id"])
    account = loaded.load("documents")["documents"].account
    assert (account.updated, account.kept, account.notices) == (0, 0, {"files_without_row": 1})
    assert loaded.row(said, document) == before
    # Back again, and changed meanwhile.
    loaded.exports["Docs"].append({**row, "Type": "Quote"})
    assert loaded.load("documents")["documents"].account.updated == 1
    assert loaded.row(said, document)[0] == "quote"


def test_a_file_that_grew_is_measured_again(loaded: Clinic) -> None:
    loaded.images[next(iter(loaded.images))] = 4711
    loaded.load("images")
    assert loaded.value("SELECT count(*) FROM images_image WHERE file_size = 4711") == 1


def test_what_nexus_made_is_never_emptied(loaded: Clinic) -> None:
    """The bucket has no thumbnail of these images; Nexus made some of its own."""
    loaded.execute("UPDATE images_image SET s3_thumbnail_key = 'thumbs/' || id, thumbnail_size = 5")
    before = loaded.versions()
    assert loaded.load("images")["images"].account.kept == 0
    assert loaded.load("images", filemaker_wins=True)["images"].account.updated == 0
    assert loaded.versions() == before


def test_a_thumbnail_that_the_bucket_lost_is_forgotten(loaded: Clinic) -> None:
    thumbnail = next(iter(loaded.images)).replace(".jpg", "_thumb.jpg")
    loaded.images[thumbnail] = 100
    loaded.load("images")
    assert loaded.value("SELECT count(*) FROM images_image WHERE s3_thumbnail_key = %s", thumbnail) == 1
    del loaded.images[thumbnail]
    loaded.load("images")
    assert loaded.value("SELECT count(*) FROM images_image WHERE s3_thumbnail_key = %s", thumbnail) == 0


@pytest.mark.parametrize("adopted", [False, True])
def test_where_neither_side_said_anything_filemaker_may_say_it_later(adopted: bool, furnished: Clinic) -> None:
    furnished.extra_headings["Appointments"] = ("Status",)
    furnished.load()
    if adopted:
        furnished.forget_ledger()
        furnished.load()
    for row in furnished.exports["Contacts"]:
        row["Clinic_Name"] = furnished.value("SELECT min(name) FROM clinics")
    for row in furnished.exports["Appointments"]:
        row["Status"] = "Completed"
    furnished.load()
    assert furnished.value("SELECT count(*) FROM patients WHERE clinic_id IS NULL") == 0
    assert furnished.values("SELECT DISTINCT status FROM appointments") == ["completed"]
    assert furnished.value("SELECT count(*) FROM nexus_assets.conflict WHERE resolved_load IS NULL") == 0

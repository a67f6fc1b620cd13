"""Adopting what the importer in use today left: nothing twice, the empty filled, its leavings replaced, edits kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nexus_assets.entities import ENTITIES
from nexus_assets_tests.load.clinic import Clinic, furnish, image_key
from nexus_assets_tests.load.conftest import Prepared
from nexus_assets_tests.load.importer_in_use import degrade_by
from nexus_assets_tests.load.test_adopting import ids

pytestmark = pytest.mark.extended


@pytest.fixture
def left(prepared: Prepared) -> Clinic:
    """A clinic as that importer left it, with an event of a whole day, titles, a PNG, a PDF, and fields that are blank."""
    return prepared(leave)


def leave(clinic: Clinic) -> None:
    furnish(clinic)
    contact = clinic.contact("Grevillea", title="Mr.", nameMiddle="Anna", gender="Female", Area="North")
    clinic.appointment(contact, "3/19/2024", startTime="0:00:00", endDate="3/19/2024", endTime="1 day, 0:00:00")
    clinic.note(contact, creationAccountName="wren")
    for recid, ending in (("901", ".png"), ("902", ".pdf")):
        clinic.image(contact, recid=recid)
        clinic.images[image_key(recid, ending)] = clinic.images.pop(image_key(recid))
    clinic.load()
    with clinic.transaction() as cursor:
        degrade_by(cursor)


def adoption(clinic: Clinic, *names: str) -> dict[str, dict[str, dict[str, int]]]:
    return {name: result.account.adoption for name, result in clinic.load(*names).items()}


def open_conflicts(clinic: Clinic) -> list[tuple[str, ...]]:
    return clinic.rows(
        "SELECT entity, column_name FROM nexus_assets.conflict WHERE resolved_load IS NULL ORDER BY 1, 2"
    )


def test_nothing_is_there_twice(left: Clinic) -> None:
    before = {name: ids(left, name) for name in ENTITIES}
    accounts = {name: result.account for name, result in left.load().items()}
    assert {name: ids(left, name) for name in ENTITIES} == before
    assert {name: account.inserted for name, account in accounts.items()} == dict.fromkeys(accounts, 0)


def test_leavings_are_replaced_the_empty_is_filled_and_nothing_is_kept(left: Clinic) -> None:
    assert adoption(left) == {
        "patients": {"filled": {}, "replaced": {"title": 1}, "kept": {}},
        "appointments": {"filled": {"filemaker_event_id": 3}, "replaced": {"end_time": 1}, "kept": {}},
        "notes": {"filled": {}, "replaced": {"created_by": 1}, "kept": {}},
        "documents": {"filled": {"document_date": 2}, "replaced": {}, "kept": {}},
        "image_batches": {"filled": {}, "replaced": {}, "kept": {}},
        "images": {
            "filled": {"filemaker_id": 6},
            "replaced": {"category": 6, "mime_type": 2},
            "kept": {},
        },
        **{
            name: {"filled": {}, "replaced": {}, "kept": {}}
            for name in (
                "companies",
                "specialties",
                "referrers",
                "referrer_companies",
                "patient_communications",
                "referrer_communications",
                "company_communications",
            )
        },
    }
    assert open_conflicts(left) == []


def test_the_second_load_writes_nothing(left: Clinic) -> None:
    left.load()
    before = left.versions()
    assert all(result.account.adoption == {} for result in left.load().values())
    assert left.versions() == before


def test_after_everything_is_read_again_nothing_is_written_either(left: Clinic) -> None:
    """As after a change of the mapping."""
    left.load()
    for name in ENTITIES:
        left.execute(f"UPDATE nexus_assets.identity_{name} SET row_hash = row_hash + 1")
    before = left.versions()
    left.tells_hashes = False
    left.load()
    assert left.versions() == before
    assert open_conflicts(left) == []


def test_an_event_of_a_whole_day_ends_a_day_later_again(left: Clinic) -> None:
    left.load("patients", "appointments")
    longest = "SELECT max(end_time - start_time) FROM appointments"
    assert left.value(longest) == timedelta(days=1)


# entity, a column, what a person wrote there
EDITS = [
    ("patients", "first_name", "Theirs"),
    ("patients", "dob", "1901-01-01"),
    ("patients", "title", "Dr"),
    ("notes", "note_type", "workshop_note"),
    ("documents", "document_date", "2001-01-01"),
    ("documents", "category", "quote"),
    ("images", "category", "wound"),
    ("images", "caption", "Before"),
    ("images", "original_name", "before.jpg"),
]


@pytest.mark.parametrize(("name", "column", "value"), EDITS, ids=lambda value: value)
def test_what_a_person_wrote_is_kept_and_named(name: str, column: str, value: str, left: Clinic) -> None:
    table = ENTITIES[name].model.tables[0]
    # FileMaker knows when Wattle was born, and a title of Grevillea.
    who = {"dob": "last_name = 'Wattle'", "title": "last_name = 'Grevillea'"}.get(column, "TRUE")
    row = left.value(f"SELECT id::text FROM {table} WHERE {who} ORDER BY id LIMIT 1")
    left.execute(f"UPDATE {table} SET {column} = %s WHERE id = %s", value, row)
    loaded = dict.fromkeys(("patients", "image_batches", name))
    assert adoption(left, *loaded)[name]["kept"] == {column: 1}
    assert left.value(f"SELECT {column}::text FROM {table} WHERE id = %s", row) == value
    assert open_conflicts(left) == [(name, column)]


def test_an_appointment_with_an_end_of_its_own_is_counted_as_one_that_looks_like_it(left: Clinic) -> None:
    left.execute("UPDATE appointments SET end_time = start_time + interval '1 hour' WHERE end_time = start_time")
    accounts = left.load("patients", "appointments")
    assert accounts["appointments"].account.notices["looks_like_an_existing_row"] == 1


@pytest.mark.parametrize(
    "written",
    ["", "   ", "\N{NO-BREAK SPACE}"],
    ids=["empty", "blank", "no-break"],
)
@pytest.mark.parametrize("column", ["middle_names", "sex", "health_number"])
def test_an_empty_text_is_nothing_and_filemaker_may_fill_it_later(column: str, written: str, left: Clinic) -> None:
    headings = {"middle_names": ("nameMiddle", "Bea"), "sex": ("gender", "M"), "health_number": ("Health Number", "7")}
    left.execute(f"UPDATE patients SET {column} = %s", written)
    left.load("patients")
    assert open_conflicts(left) == []
    heading, text = headings[column]
    for row in left.exports["Contacts"]:
        row[heading] = text
    left.load("patients")
    assert left.values(f"SELECT DISTINCT {column} FROM patients") == [text]


@pytest.mark.parametrize(
    ("written", "filemakers", "expected"),
    [
        ("Mr.", "Mr.", "Mr"),
        ("MR", "Mr", "Mr"),
        ("mrs.", "Mrs", "Mrs"),
        ("Sr.", "Sr.", None),
        ("", "Dr.", "Dr"),
        ("Miss", "Ms", "Miss"),
        ("Prof", "", "Prof"),
    ],
)
def test_a_title_is_as_nexus_accepts_it_and_a_persons_stays(
    written: str, filemakers: str, expected: str | None, clinic: Clinic
) -> None:
    contact = clinic.contact("Wattle", title=filemakers)
    clinic.load("patients")
    with clinic.transaction() as cursor:
        degrade_by(cursor)
    clinic.execute("UPDATE patients SET title = %s", written)
    clinic.load("patients")
    assert clinic.value("SELECT title FROM patients") == expected
    assert clinic.patient_id(contact)
    assert open_conflicts(clinic) == ([("patients", "title")] if written == "Miss" else [])


@pytest.mark.parametrize("left_there", ['{"area": "", "ndis": {"notes": null}}', '{"diabetes": "  "}', "{}"])
def test_blank_keys_of_the_metadata_are_nothing(left_there: str, left: Clinic) -> None:
    left.execute("UPDATE patients SET filemaker_metadata = %s::jsonb || (filemaker_metadata - 'area')", left_there)
    found = adoption(left, "patients")["patients"]
    assert found["filled"] == {"filemaker_metadata": 1}  # only Grevillea lives somewhere
    assert left.values("SELECT filemaker_metadata->>'area' FROM patients WHERE last_name = 'Grevillea'") == ["North"]
    assert open_conflicts(left) == []


def test_a_key_of_the_metadata_that_filemaker_does_not_have_stays(left: Clinic) -> None:
    left.execute('UPDATE patients SET filemaker_metadata = filemaker_metadata || \'{"cys_id": "77"}\'')
    assert adoption(left, "patients")["patients"]["kept"] == {}
    assert set(left.values("SELECT filemaker_metadata->>'cys_id' FROM patients")) == {"77"}


@pytest.mark.parametrize("mime_type", ["image/jpeg", "application/octet-stream", ""])
def test_a_file_type_that_an_importer_gave_to_every_file_is_replaced(mime_type: str, left: Clinic) -> None:
    left.execute("UPDATE images_image SET mime_type = %s", mime_type)
    left.execute("UPDATE documents_document SET mime_type = %s", mime_type)
    left.load("patients", "documents", "image_batches", "images")
    types = left.values("SELECT DISTINCT mime_type FROM images_image ORDER BY 1")
    assert types == ["application/pdf", "image/jpeg", "image/png"]
    assert left.values("SELECT DISTINCT mime_type FROM documents_document") == ["application/pdf"]


def test_a_note_that_is_written_again_by_a_person_is_counted_as_one_that_looks_like_it(left: Clinic) -> None:
    left.execute("UPDATE notes SET created_by = 'Dr Banksia', created_at = now()")
    notices = left.load("patients", "notes")["notes"].account.notices
    assert notices["looks_like_an_existing_row"] == 3
    assert "looks_like_an_existing_row" not in left.load("patients", "notes")["notes"].account.notices


def test_rows_that_an_importer_made_again_after_our_load_are_adopted_as_its_own(left: Clinic) -> None:
    """The incident: what it leaves is known as its leaving, although the ledger knows what FileMaker said."""
    left.load("patients")
    left.execute("UPDATE patients SET title = 'Mr.' WHERE title = 'Mr'")
    left.recreate_patients()
    account = left.load("patients")["patients"].account
    assert (account.healed["superseded"], account.adoption["replaced"]) == (3, {"title": 1})
    assert open_conflicts(left) == []

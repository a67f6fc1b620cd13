"""Ids that nobody knows: learned where they stand, from rows that FileMaker tells apart; what can't be learned blocks nothing."""

from __future__ import annotations

import json
import uuid

import pytest

from nexus_assets.checks import CHECKS
from nexus_assets.checks.check import NO_FILES, Finding
from nexus_assets.checks.run import ask_all
from nexus_assets.nexus.connection import DatabaseError
from nexus_assets_tests.load.clinic import Clinic, filemaker_id
from nexus_assets_tests.load.test_adopting import reminder

pytestmark = pytest.mark.commits


@pytest.fixture
def unknown(loaded: Clinic) -> Clinic:
    """The incident before the first load ever: another importer filled Nexus, deleted the patients and made them again under
    other ids. Every batch and document is dangling, uploads of people and a relationship too, and no ledger knows any id."""
    one, other = (row["id"] for row in loaded.exports["Contacts"])
    loaded.native_batch(one)
    document = loaded.id_of("documents_document", loaded.exports["Docs"][0])
    loaded.copy("documents_document", document, filemaker_id=None, s3_key="uploads/own.pdf")
    loaded.execute(
        "INSERT INTO contact_relationships (id, from_content_type_id, from_object_id, to_content_type_id, to_object_id,"
        " relationship_type, is_active, created_at, updated_at) VALUES (gen_random_uuid(), %s, %s, %s, %s, 'x', true, now(), now())",
        *(loaded.content_type(), loaded.patient_id(one), loaded.content_type(), loaded.patient_id(other)),
    )
    loaded.forget_ledger()
    loaded.recreate_patients()
    return loaded


def findings(clinic: Clinic) -> dict[str, Finding]:
    """The findings of the checks of dangling references that do not pass."""
    chosen = [check for check in CHECKS if check.name in ("no_orphaned_references", "no_unmanaged_orphans")]
    found = {check.full_name: answer for check, answer in ask_all(chosen, clinic.engine, NO_FILES)}
    assert all(isinstance(answer, Finding) for answer in found.values())
    return {name: answer for name, answer in found.items() if isinstance(answer, Finding) and not answer.passed}


def blocked(clinic: Clinic) -> list[str]:
    """The blocking checks that fail."""
    blocking = {check.full_name for check in CHECKS if check.blocking}
    return sorted(blocking & findings(clinic).keys())


@pytest.mark.parametrize("first", ["documents", "image_batches"])
def test_the_incident_before_the_first_load_heals_by_one_load(first: str, unknown: Clinic) -> None:
    assert unknown.orphans() == 6
    unknown.load("patients", first)
    unknown.load()
    assert unknown.orphans() == 0
    assert findings(unknown) == {}
    before = unknown.versions()
    unknown.load()
    assert unknown.versions() == before


def test_uploads_and_relationships_follow_to_the_right_person(unknown: Clinic) -> None:
    one, other = (row["id"] for row in unknown.exports["Contacts"])
    unknown.load()
    native = "SELECT object_id::text FROM images_batch WHERE name = 'Gait study'"
    assert unknown.value(native) == unknown.patient_id(one)
    owner = "SELECT filemaker_metadata->>'filemaker_id' FROM patients WHERE id ="
    upload = unknown.value(f"{owner} (SELECT object_id FROM documents_document WHERE s3_key = 'uploads/own.pdf')")
    assert upload == unknown.exports["Docs"][0]["id_Contact"]
    assert unknown.rows("SELECT from_object_id::text, to_object_id::text FROM contact_relationships") == [
        (unknown.patient_id(one), unknown.patient_id(other))
    ]


def test_what_is_learned_stands_in_the_ledger_as_superseded(unknown: Clinic) -> None:
    (before,) = unknown.row(
        "SELECT array_agg(DISTINCT object_id::text) FROM documents_document WHERE object_id IS NOT NULL"
    )
    unknown.load("patients", "documents")
    learned = unknown.rows(
        "SELECT nexus_id::text, current_id::text FROM nexus_assets.superseded WHERE entity = 'patients'"
    )
    assert sorted(old for old, _ in learned) == sorted(before)
    assert {current for _, current in learned} == {unknown.patient_id(row["id"]) for row in unknown.exports["Contacts"]}


def test_contradictions_teach_nothing(unknown: Clinic) -> None:
    """Rows of two people had one id: whose it was, nobody can say."""
    shared = str(uuid.uuid4())
    unknown.execute("UPDATE documents_document SET object_id = %s WHERE object_id IS NOT NULL", shared)
    unknown.load("patients", "documents")
    assert unknown.value("SELECT count(*) FROM nexus_assets.superseded") == 0
    assert unknown.value("SELECT object_id::text FROM documents_document WHERE s3_key = 'uploads/own.pdf'") == shared


def test_a_living_persons_id_is_not_taken_for_an_old_one(loaded: Clinic) -> None:
    loaded.forget_ledger()
    one, other = (loaded.patient_id(row["id"]) for row in loaded.exports["Contacts"])
    loaded.execute("UPDATE documents_document SET object_id = %s WHERE object_id = %s", one, other)
    loaded.load()
    assert loaded.value("SELECT count(*) FROM nexus_assets.superseded WHERE nexus_id = %s", one) == 0


def test_an_upload_that_nobody_can_resolve_blocks_nothing_and_is_stated(loaded: Clinic) -> None:
    batch = loaded.native_batch(loaded.exports["Contacts"][0]["id"])
    loaded.execute("UPDATE images_batch SET object_id = gen_random_uuid() WHERE id = %s", batch)
    loaded.load()
    assert blocked(loaded) == []
    found = findings(loaded)
    assert set(found) == {"image_batches/no_unmanaged_orphans", "images/no_unmanaged_orphans"}
    stated = found["image_batches/no_unmanaged_orphans"]
    assert (stated.count, stated.next_step) == (1, "nexus-assets learn-ids FILE")
    assert "All 1 point at ids that nobody knows" in stated.cause


def test_a_batch_that_left_filemaker_with_its_person_blocks_nothing(loaded: Clinic) -> None:
    contact = loaded.exports["Contacts"][0]["id"]
    for export in loaded.exports:
        loaded.exports[export] = [
            row
            for row in loaded.exports[export]
            if contact not in (row.get("id"), row.get("id_Contact"), row.get("id_Key"))
        ]
    loaded.later()
    loaded.load(allow_vanished=True)
    loaded.delete_patients(contact)
    loaded.load(allow_vanished=True)
    assert blocked(loaded) == []


@pytest.mark.parametrize("half", ["object_id", "content_type_id"])
def test_half_a_link_of_an_upload_names_where_it_is_linked_or_deleted(half: str, loaded: Clinic) -> None:
    document = loaded.id_of("documents_document", loaded.exports["Docs"][0])
    upload = loaded.copy("documents_document", document, filemaker_id=None, s3_key="uploads/own.pdf")
    loaded.execute(f"UPDATE documents_document SET {half} = NULL WHERE id = %s", upload)
    (found,) = findings(loaded).values()
    assert dict(found.breakdown) == {"half_null": 1}
    assert found.next_step == (
        "nexus-assets check --select documents --json, and link or delete these rows in Nexus: no load answers for them"
    )


def test_a_link_that_a_load_can_move_prints_the_load(loaded: Clinic) -> None:
    one, other = (loaded.patient_id(row["id"]) for row in loaded.exports["Contacts"])
    loaded.execute(
        "INSERT INTO contact_relationships (id, from_content_type_id, from_object_id, to_content_type_id, to_object_id,"
        " relationship_type, is_active, created_at, updated_at) VALUES (gen_random_uuid(), %s, %s, %s, %s, 'x', true, now(), now())",
        *(loaded.content_type(), one, loaded.content_type(), other),
    )
    loaded.recreate_patients()
    assert (
        findings(loaded)["patients/no_orphaned_references"].next_step == "dagster asset materialize --select patients"
    )


# --- triggers of other programs ---------------------------------------------------------------------------------------

REFUSING = "RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'Banksia, 1950'; END$$"
TRIGGERS = {
    "before": "CREATE TRIGGER keep BEFORE UPDATE ON flags FOR EACH ROW EXECUTE FUNCTION keep()",
    "after": "CREATE TRIGGER keep AFTER UPDATE ON flags FOR EACH ROW EXECUTE FUNCTION keep()",
    "at the commit": "CREATE CONSTRAINT TRIGGER keep AFTER UPDATE ON flags DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW EXECUTE FUNCTION keep()",
}


@pytest.mark.parametrize("trigger", TRIGGERS.values(), ids=TRIGGERS.keys())
def test_where_a_trigger_of_another_program_refuses_its_table_is_named(trigger: str, loaded: Clinic) -> None:
    contact = loaded.exports["Contacts"][0]["id"]
    loaded.execute("CREATE TABLE flags (id serial PRIMARY KEY, patient_id uuid)")
    loaded.execute("INSERT INTO flags (patient_id) VALUES (%s)", loaded.patient_id(contact))
    loaded.execute(f"CREATE FUNCTION keep() {REFUSING}")
    loaded.execute(trigger)
    loaded.recreate_patients()
    with pytest.raises(DatabaseError) as refused:
        loaded.load("patients")
    assert "the trigger keep of the table flags" in refused.value.problem
    assert "ALTER TABLE flags DISABLE TRIGGER keep" in refused.value.remedy
    assert "Banksia" not in str(refused.value)


def test_a_trigger_on_a_table_of_nexus_is_named_too(loaded: Clinic) -> None:
    loaded.execute(f"CREATE SCHEMA audit; CREATE FUNCTION audit.keep() {REFUSING}")
    loaded.execute("CREATE TRIGGER watch BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION audit.keep()")
    loaded.note(loaded.exports["Contacts"][0]["id"])
    loaded.later()
    with pytest.raises(DatabaseError, match="the trigger watch of the table notes"):
        loaded.load("notes")


def test_ids_that_only_nexus_has_are_noted_each_once(loaded: Clinic) -> None:
    """Of two rows with one id the one that something refers to, else the newest; what the ledger knows stays as it is."""
    like, before = loaded.patient_id(loaded.exports["Contacts"][0]["id"]), ids_of_people(loaded)
    wanted: dict[str, str] = {}
    for name, days in {"one row": (1,), "two rows": (1, 2), "two rows, the older in use": (2, 1)}.items():
        source = filemaker_id(name).lower()
        for day in days:
            wanted[source] = loaded.copy(
                "patients",
                like,
                filemaker_metadata=json.dumps({"filemaker_id": source}),
                created_at=f"2025-01-0{day}",
            )
    reminder(loaded, wanted[filemaker_id("two rows, the older in use").lower()])
    loaded.load("patients")
    assert ids_of_people(loaded) == {**before, **wanted}
    noted = loaded.values("SELECT source_id::text FROM nexus_assets.identity_patients WHERE origin = 'learned'")
    assert {*noted} == {*wanted}


def ids_of_people(clinic: Clinic) -> dict[str, str]:
    return dict(clinic.rows("SELECT source_id::text, nexus_id::text FROM nexus_assets.identity_patients"))


def test_a_dangling_link_is_counted_once_where_its_person_was_made_again_twice(loaded: Clinic) -> None:
    loaded.recreate_patients()
    loaded.copy("patients", loaded.patient_id(loaded.exports["Contacts"][0]["id"]))
    assert findings(loaded)["documents/no_orphaned_references"].count == 2


def test_a_dangling_link_of_a_row_that_was_rejected_once_is_a_loads_again(loaded: Clinic) -> None:
    faulty = loaded.document(loaded.exports["Contacts"][0]["id"], Date="31/31/2024")
    loaded.later()
    assert loaded.load("documents")["documents"].account.rejected == {"unreadable_date": 1}
    faulty["Date"] = "3/31/2024"
    loaded.later()
    loaded.load("documents")
    loaded.recreate_patients()
    assert findings(loaded)["documents/no_orphaned_references"].count == 3
    assert "documents/no_unmanaged_orphans" not in findings(loaded)

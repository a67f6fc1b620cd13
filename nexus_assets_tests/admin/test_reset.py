"""A reset takes out what importers made, nothing else; the next import makes it anew, every row under its id."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nexus_assets.admin.reset import CHILDREN_FIRST, ResetError, plan, reset
from nexus_assets.entities import ENTITIES
from nexus_assets_tests.admin.conftest import Command
from nexus_assets_tests.load.clinic import Clinic

pytestmark = pytest.mark.extended

TABLES = ("patients", "appointments", "notes", "documents_document", "images_batch", "images_image")
NOW = "now(), now()"


def ids(clinic: Clinic) -> dict[str, set[str]]:
    return {table: set(clinic.values(f"SELECT id::text FROM {{{table}}}")) for table in TABLES}


def contents(clinic: Clinic) -> dict[str, set[str]]:
    """Every row as text, without the times of writing."""
    times = "'created_at', 'updated_at', 'uploaded_at'"
    return {
        table: set(clinic.values(f"SELECT (to_jsonb(t) - ARRAY[{times}])::text FROM {{{table}}} AS t"))
        for table in TABLES
    }


def whole_reset(clinic: Clinic, *, accept_losses: bool = False) -> None:
    reset(clinic.engine, plan(clinic.engine), accept_losses=accept_losses)


# --- what goes and comes back ---------------------------------------------------------------------------------------------


def test_the_plan_counts_everything_and_removes_nothing(loaded: Clinic) -> None:
    before = loaded.versions()
    planned = plan(loaded.engine)
    assert {name: each.rows for name, each in planned.removals.items()} == {
        "company_communications": 0,
        "referrer_communications": 0,
        "patient_communications": 0,
        "coordinator_links": 0,
        "support_coordinators": 0,
        "coordinator_specialty": 0,
        "patient_referrers": 0,
        "referrer_companies": 2,
        "referrers": 2,
        "specialties": 2,
        "companies": 1,
        "images": 4,
        "image_batches": 2,
        "documents": 2,
        "notes": 2,
        "appointments": 2,
        "patients": 2,
    }
    assert tuple(planned.removals) == CHILDREN_FIRST
    assert planned.losses == 0
    assert not planned.hanging
    assert loaded.versions() == before


def test_the_next_import_brings_back_every_row_under_its_id(loaded: Clinic) -> None:
    before = ids(loaded), contents(loaded)
    whole_reset(loaded)
    assert not any(ids(loaded).values())
    results = loaded.load()
    assert (ids(loaded), contents(loaded)) == before
    restored = {name: result.account.healed.get("restored") for name, result in results.items()}
    assert {name: rows for name, rows in restored.items() if ENTITIES[name].adds_rows} == {
        "patients": 2,
        "appointments": 2,
        "notes": 2,
        "documents": 2,
        "image_batches": 2,
        "images": 4,
        "companies": 1,
        "specialties": 2,
        "referrers": 2,
        "referrer_companies": 2,
    }


def test_ids_of_adopted_rows_come_back_too(loaded: Clinic) -> None:
    loaded.execute("CREATE TEMP TABLE again AS SELECT id, gen_random_uuid() AS new FROM {patients}")
    for table in ("notes", "appointments"):
        loaded.execute(f"DELETE FROM {{{table}}}")
    loaded.execute("UPDATE {patients} SET id = new FROM again WHERE again.id = {patients}.id")
    loaded.load()
    before = ids(loaded)
    whole_reset(loaded)
    loaded.load()
    assert ids(loaded) == before


def test_resetting_twice_finds_nothing(loaded: Clinic) -> None:
    whole_reset(loaded)
    planned = plan(loaded.engine)
    assert planned.rows == 0
    reset(loaded.engine, planned)


def test_it_works_over_djangos_own_table_names(loaded_under_django_names: Clinic) -> None:
    clinic = loaded_under_django_names
    before = ids(clinic)
    whole_reset(clinic)
    clinic.load()
    assert ids(clinic) == before


def test_empty_duplicates_of_another_importer_go_too(loaded: Clinic) -> None:
    loaded.execute(
        "INSERT INTO {images_batch} SELECT gen_random_uuid(), content_type_id, object_id, name, description, NULL, now(), 0"
        " FROM {images_batch}"
    )
    assert plan(loaded.engine).removals["image_batches"].rows == 4
    whole_reset(loaded)
    assert loaded.value("SELECT count(*) FROM {images_batch}") == 0


# --- what stops it --------------------------------------------------------------------------------------------------------

NATIVE = {
    "letters_patientletter.patient_id": "INSERT INTO {letters_patientletter} (id, patient_id, letter_type, recipient_name,"
    " subject, pages, created_at, updated_at) SELECT gen_random_uuid(), id, '', '', '', '[]', now(), now() FROM {patients}",
    "reminders.patient_id": "INSERT INTO {reminders} (id, patient_id, note, status, created_at, updated_at)"
    " SELECT gen_random_uuid(), id, '', 'pending', now(), now() FROM {patients}",
    "reminders.appointment_id": "INSERT INTO {reminders} (id, patient_id, appointment_id, note, status, created_at, updated_at)"
    " SELECT gen_random_uuid(), patient_id, id, '', 'pending', now(), now() FROM {appointments}",
    "encounters.patient_id": "INSERT INTO {encounters} (id, patient_id, start_time, created_at, updated_at)"
    " SELECT gen_random_uuid(), id, now(), now(), now() FROM {patients}",
    "sms_inbound.patient_id": "INSERT INTO {sms_inbound} (id, patient_id, from_number, to_number, message,"
    " external_message_id, received_at, is_processed, processed_by, notes)"
    " SELECT gen_random_uuid(), id, '', '', '', '', now(), false, '', '' FROM {patients}",
    "notes.patient_id": "INSERT INTO {notes} (id, patient_id, note_type, content, created_at, updated_at)"
    " SELECT gen_random_uuid(), id, 'other', 'Typed here', now(), now() FROM {patients}",
    "appointments.parent_appointment_id": "INSERT INTO {appointments} (id, parent_appointment_id, start_time, status,"
    " needs_followup_reminder, followup_scheduled, is_recurring, invoice_contact_type, billing_notes, sms_confirmed,"
    " sms_cancelled, created_at, updated_at) SELECT gen_random_uuid(), id, now(), 'scheduled', false, false, false, 'patient',"
    " '', false, false, now(), now() FROM {appointments}",
    "images_batch.object_id": "INSERT INTO {images_batch} SELECT gen_random_uuid(), content_type_id, object_id, 'Wound', '',"
    " NULL, now(), 0 FROM {images_batch}",
    "images_image.batch_id": "INSERT INTO {images_image} (id, batch_id, s3_key, s3_thumbnail_key, original_name, file_size,"
    " mime_type, category, caption, uploaded_at, \"order\") SELECT gen_random_uuid(), id, 'mine.jpg', '', '', 1, '', '',"
    " 'Mine', now(), 0 FROM {images_batch}",
    "documents_document.object_id": "INSERT INTO {documents_document} (id, content_type_id, object_id, file_name, original_name,"
    " file_size, mime_type, s3_bucket, s3_key, s3_url, category, description, tags, uploaded_by, uploaded_at, updated_at,"
    " is_active) SELECT gen_random_uuid(), content_type_id, object_id, '', '', 1, '', '', 'mine.pdf', '', '', '', '[]', 'Wren',"
    " now(), now(), true FROM {documents_document}",
    "contact_relationships.to_object_id": "INSERT INTO {contact_relationships} (id, from_content_type_id, from_object_id,"
    " to_content_type_id, to_object_id, relationship_type, is_active, created_at, updated_at) SELECT gen_random_uuid(),"
    " (SELECT id FROM django_content_type WHERE model = 'clinic'), (SELECT min(id::text)::uuid FROM {clinics}),"
    " content_type_id, object_id, 'parent', true, now(), now() FROM {images_batch}",
}


@pytest.mark.parametrize("column", NATIVE)
def test_it_stops_where_peoples_own_rows_hang_on_one(column: str, loaded: Clinic) -> None:
    loaded.execute(NATIVE[column])
    before = loaded.versions()
    planned = plan(loaded.engine)
    assert planned.hanging[column] == 2
    with pytest.raises(ResetError, match=f"2 in {column}"):
        reset(loaded.engine, planned, accept_losses=True)
    assert loaded.versions() == before


def test_the_log_of_the_admin_does_not_stop_it(loaded: Clinic) -> None:
    loaded.execute(
        "INSERT INTO django_admin_log (action_time, object_id, object_repr, action_flag, change_message, content_type_id, user_id)"
        " SELECT now(), object_id::text, '', 2, '', content_type_id, (SELECT min(id) FROM auth_user) FROM {images_batch}"
    )
    whole_reset(loaded)


def test_peoples_own_rows_that_hang_on_nothing_stay(loaded: Clinic) -> None:
    loaded.execute(
        "INSERT INTO {patients} (id, first_name, last_name, archived, created_at, updated_at)"
        " VALUES (gen_random_uuid(), 'Native', 'Person', false, now(), now())"
    )
    loaded.execute(
        "INSERT INTO {notes} (id, patient_id, note_type, content, created_at, updated_at)"
        " SELECT gen_random_uuid(), id, 'other', 'Typed here', now(), now() FROM {patients} WHERE first_name = 'Native'"
    )
    whole_reset(loaded)
    assert loaded.value("SELECT count(*) FROM {patients}") == 1
    assert loaded.value("SELECT count(*) FROM {notes}") == 1


LOSSES = {
    "a caption that a person rewrote": ("images", "UPDATE {images_image} SET caption = 'Healing well'"),
    "a number that FileMaker does not know": ("patients", "UPDATE {patients} SET mrn = id::text"),
    "an address of a patient": ("patients", """UPDATE {patients} SET address_json = '{"street": "1 Bay Road"}'"""),
    "a key that Nexus added": (
        "patients",
        """UPDATE {patients} SET filemaker_metadata = filemaker_metadata || '{"vip": true}'""",
    ),
    "a document that a person took away": ("documents", "UPDATE {documents_document} SET is_active = false"),
    "an appointment that was kept": ("appointments", "UPDATE {appointments} SET status = 'completed'"),
    "a batch that a person gave to another": (
        "image_batches",
        "UPDATE {images_batch} AS b SET object_id = o.object_id FROM {images_batch} AS o WHERE o.id <> b.id",
    ),
}


@pytest.mark.parametrize(("entity", "statement"), LOSSES.values(), ids=LOSSES.keys())
def test_what_only_nexus_knows_is_not_removed_unasked(entity: str, statement: str, loaded: Clinic) -> None:
    touched = loaded.execute(statement)
    planned = plan(loaded.engine)
    assert {name: each.known_to_nexus_only for name, each in planned.removals.items() if each.losses} == {
        entity: touched
    }
    with pytest.raises(ResetError, match=f"{touched} rows hold what the next import can't bring back"):
        reset(loaded.engine, planned)
    reset(loaded.engine, planned, accept_losses=True)


def test_what_filemaker_no_longer_has_is_not_removed_unasked(loaded: Clinic) -> None:
    loaded.remove("Notes", loaded.exports["Notes"][0]["id"])
    loaded.load("notes")
    planned = plan(loaded.engine)
    assert planned.removals["notes"].gone_from_filemaker == 1
    with pytest.raises(ResetError):
        reset(loaded.engine, planned)


def test_what_is_rejected_now_is_not_removed_unasked(loaded: Clinic) -> None:
    loaded.exports["Notes"][0]["Note"] = ""
    loaded.load("notes")
    assert plan(loaded.engine).removals["notes"].gone_from_filemaker == 1


def test_links_that_followed_their_patient_are_no_loss(loaded: Clinic) -> None:
    for table in ("notes", "appointments"):
        loaded.execute(f"DELETE FROM {{{table}}}")
    loaded.execute("UPDATE {patients} SET id = gen_random_uuid()")
    loaded.load("patients")
    assert plan(loaded.engine).losses == 0


def test_a_native_batch_counts_its_own_images_afterwards(loaded: Clinic) -> None:
    loaded.execute(
        "INSERT INTO {images_batch} SELECT gen_random_uuid(), t.id, c.id, 'Clinic', '', NULL, now(), 2"
        " FROM django_content_type AS t, (SELECT id FROM {clinics} LIMIT 1) AS c WHERE t.model = 'clinic'"
    )
    loaded.execute("UPDATE {images_image} SET batch_id = (SELECT id FROM {images_batch} WHERE name = 'Clinic')")
    whole_reset(loaded, accept_losses=True)
    assert loaded.rows("SELECT name, image_count FROM {images_batch}") == [("Clinic", 0)]


def test_it_stops_where_the_database_changed_since_the_plan(loaded: Clinic) -> None:
    planned = plan(loaded.engine)
    loaded.execute("UPDATE {images_image} SET caption = 'Meanwhile'")
    before = loaded.versions()
    with pytest.raises(ResetError, match="changed since the plan"):
        reset(loaded.engine, planned)
    assert loaded.versions() == before


def test_it_does_nothing_where_this_program_never_loaded(without_ledger: Clinic) -> None:
    with pytest.raises(ResetError, match="was ever loaded"):
        plan(without_ledger.engine)


# --- the command ----------------------------------------------------------------------------------------------------------


def test_it_wants_the_databases_name_typed(loaded: Clinic, command: Callable[[Clinic], Command]) -> None:
    name = loaded.value("SELECT current_database()")
    run = command(loaded)
    for words in ((), ("--yes", "RESET")):
        result = run("reset", *words)
        assert result.exit_code == 1
        assert f"--yes {name}" in result.output
    assert loaded.value("SELECT count(*) FROM {patients}") == 2
    assert run("reset", "--yes", name).exit_code == 0
    assert loaded.value("SELECT count(*) FROM {patients}") == 0
    again = run("reset")
    assert again.exit_code == 0
    assert "Nothing to remove" in again.output


def test_the_command_names_what_hangs(loaded: Clinic, command: Callable[[Clinic], Command]) -> None:
    loaded.execute(NATIVE["letters_patientletter.patient_id"])
    result = command(loaded)("reset", "--yes", loaded.value("SELECT current_database()"))
    assert result.exit_code == 1
    assert "2 in letters_patientletter.patient_id" in result.output

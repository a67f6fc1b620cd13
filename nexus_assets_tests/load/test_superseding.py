"""A person keeps one id: rows that another tool recreated under other UUIDs, and rows that we make again ourselves."""

from __future__ import annotations

import uuid

import pytest

from nexus_assets_tests.load.clinic import Clinic, filemaker_id

CHILDREN = ("appointments", "notes", "documents", "image_batches", "images")


def patients(clinic: Clinic) -> dict[str, str]:
    """The Nexus id of every person, by FileMaker id."""
    return dict(clinic.rows("SELECT filemaker_metadata->>'filemaker_id', id::text FROM {patients}"))


@pytest.fixture(params=["loaded", "loaded_under_django_names"])
def incident(request: pytest.FixtureRequest) -> Clinic:
    """A loaded clinic whose patients another tool deleted and imported again under random UUIDs."""
    clinic: Clinic = request.getfixturevalue(request.param)
    clinic.recreate_patients()
    return clinic


def test_the_incident_orphans_every_batch_and_document(incident: Clinic) -> None:
    assert incident.orphans() == 4


def test_the_live_row_becomes_current(incident: Clinic) -> None:
    theirs = patients(incident)
    account = incident.load("patients")["patients"].account
    assert patients(incident) == theirs
    assert account.healed == {"adopted": 2, "superseded": 2, "references_moved": 4}
    assert dict(incident.rows("SELECT source_id::text, nexus_id::text FROM nexus_assets.identity_patients")) == {
        contact.lower(): patient for contact, patient in theirs.items()
    }


def test_the_old_id_stays_in_the_ledger(loaded: Clinic) -> None:
    ours = patients(loaded)
    loaded.recreate_patients()
    loaded.load("patients")
    superseded = loaded.rows("SELECT nexus_id::text, current_id::text FROM nexus_assets.superseded ORDER BY 1")
    assert dict(superseded) == {ours[contact]: patient for contact, patient in patients(loaded).items()}
    assert loaded.value("SELECT count(*) FROM nexus_assets.identity WHERE superseded_by IS NOT NULL") == 2


def test_the_whole_graph_heals_and_then_rests(incident: Clinic) -> None:
    incident.load()
    assert incident.orphans() == 0
    before = incident.versions()
    incident.load()
    assert incident.versions() == before


def test_nothing_is_made_twice(incident: Clinic) -> None:
    incident.load()
    counts = [
        incident.value(f"SELECT count(*) FROM {{{table}}}")
        for table in ("patients", "notes", "appointments", "documents_document", "images_batch", "images_image")
    ]
    assert counts == [2, 2, 2, 2, 2, 4]


def test_notes_come_back_under_their_ids(loaded: Clinic) -> None:
    before = set(loaded.values("SELECT id::text FROM notes"))
    loaded.recreate_patients()
    loaded.load("patients", "notes")
    assert set(loaded.values("SELECT id::text FROM notes")) == before


def test_one_of_many_is_enough(loaded: Clinic) -> None:
    one, other = (row["id"] for row in loaded.exports["Contacts"])
    ours = patients(loaded)
    loaded.recreate_patients(one)
    assert loaded.load("patients")["patients"].account.healed["superseded"] == 1
    assert patients(loaded)[other] == ours[other]


def test_native_rows_of_any_table_are_moved(loaded: Clinic) -> None:
    one, other = (row["id"] for row in loaded.exports["Contacts"])
    batch = loaded.native_batch(one)
    loaded.execute(
        "CREATE TABLE later (id uuid PRIMARY KEY, referring_patient_id uuid, content_type_id int, object_id uuid)"
    )
    loaded.execute(
        "INSERT INTO later VALUES (gen_random_uuid(), %s, %s, %s)",
        *(loaded.patient_id(one), loaded.content_type(), loaded.patient_id(other)),
    )
    loaded.execute(
        "INSERT INTO contact_relationships (id, from_content_type_id, from_object_id, to_content_type_id, to_object_id,"
        " relationship_type, is_active, created_at, updated_at) VALUES (gen_random_uuid(), %s, %s, %s, %s, 'x', true, now(), now())",
        *(loaded.content_type(), loaded.patient_id(one), loaded.content_type(), loaded.patient_id(other)),
    )
    loaded.recreate_patients()
    loaded.load("patients")
    first, second = loaded.patient_id(one), loaded.patient_id(other)
    assert loaded.value("SELECT object_id::text FROM images_batch WHERE id = %s", batch) == first
    assert loaded.rows("SELECT referring_patient_id::text, object_id::text FROM later") == [(first, second)]
    relationship = "SELECT from_object_id::text, to_object_id::text FROM contact_relationships"
    assert loaded.rows(relationship) == [(first, second)]


def test_a_chain_of_ids_ends_at_the_current_one(loaded: Clinic) -> None:
    contact = loaded.exports["Contacts"][0]["id"]
    seen = [patients(loaded)[contact]]
    for _ in range(3):
        loaded.recreate_patients(contact)
        loaded.load("patients")
        seen.append(patients(loaded)[contact])
    assert len(set(seen)) == 4
    chain = loaded.rows("SELECT nexus_id::text, current_id::text FROM nexus_assets.superseded")
    assert dict(chain) == dict.fromkeys(seen[:-1], seen[-1])
    assert loaded.orphans() == 0


def test_an_id_that_comes_back_is_current_again(loaded: Clinic) -> None:
    contact = loaded.exports["Contacts"][0]["id"]
    first = patients(loaded)[contact]
    loaded.recreate_patients(contact)
    loaded.load("patients")
    second = patients(loaded)[contact]
    # Somebody restores a backup: the first row is there again, and the second is not.
    restored = loaded.copy("patients", second)
    loaded.execute("DELETE FROM patients WHERE id = %s", second)
    loaded.execute("UPDATE patients SET id = %s WHERE id = %s", first, restored)
    loaded.load("patients")
    assert patients(loaded)[contact] == first
    assert loaded.rows("SELECT nexus_id::text, current_id::text FROM nexus_assets.superseded") == [(second, first)]
    assert loaded.orphans() == 0


def test_a_reference_to_an_old_id_that_turns_up_later_follows_too(loaded: Clinic) -> None:
    contact = loaded.exports["Contacts"][0]["id"]
    old = patients(loaded)[contact]
    loaded.recreate_patients()
    loaded.load()
    batch = loaded.native_batch(contact)
    loaded.execute("UPDATE images_batch SET object_id = %s WHERE id = %s", old, batch)  # from a page opened long ago
    assert loaded.load("patients")["patients"].account.healed == {"references_moved": 1}
    assert loaded.value("SELECT object_id::text FROM images_batch WHERE id = %s", batch) == patients(loaded)[contact]


def test_what_filemaker_links_otherwise_meanwhile_is_not_taken_for_an_edit(loaded: Clinic) -> None:
    one, other = (row["id"] for row in loaded.exports["Contacts"])
    document = loaded.exports["Docs"][0]
    loaded.recreate_patients(one)
    document["id_Contact"] = other
    account = loaded.load("patients", "documents")["documents"].account
    assert (account.updated, account.kept) == (1, 0)
    linked = "SELECT object_id::text FROM documents_document WHERE id = %s"
    assert loaded.value(linked, loaded.id_of("documents_document", document)) == patients(loaded)[other]


@pytest.mark.parametrize("why", ["vanished", "rejected"])
def test_one_whom_filemaker_does_not_send_is_followed_too(why: str, loaded: Clinic) -> None:
    row = loaded.exports["Contacts"][0]
    if why == "vanished":
        loaded.exports["Contacts"].remove(row)
    else:
        row["nameLast"] = ""
    loaded.load()
    old = loaded.patient_id(row["id"])
    loaded.recreate_patients()
    account = loaded.load()["patients"].account
    assert account.healed["superseded"] == 2
    assert loaded.orphans() == 0
    known = "SELECT current_id::text FROM nexus_assets.superseded WHERE entity = 'patients' AND nexus_id = %s"
    assert loaded.rows(known, old) == [(loaded.patient_id(row["id"]),)]


@pytest.mark.parametrize("emptied", ["filemaker_metadata", "everything"])
def test_a_patient_that_we_make_again_has_the_old_id(emptied: str, loaded: Clinic) -> None:
    before = patients(loaded)
    for table in ("notes", "appointments"):
        loaded.execute(f"DELETE FROM {table}")
    if emptied == "everything":
        loaded.execute("DELETE FROM images_image")
        loaded.execute("DELETE FROM images_batch")
        loaded.execute("DELETE FROM documents_document")
    loaded.execute("DELETE FROM patients")
    account = loaded.load("patients")["patients"].account
    assert patients(loaded) == before
    assert (account.inserted, account.healed) == (2, {"restored": 2})
    loaded.load(*CHILDREN)
    assert loaded.orphans() == 0


def test_two_living_rows_leave_the_known_one_current(loaded: Clinic) -> None:
    contact = loaded.exports["Contacts"][0]["id"]
    known = patients(loaded)[contact]
    twin = loaded.copy("patients", known)
    account = loaded.load("patients")["patients"].account
    assert account.unchanged == 2
    assert (
        loaded.value("SELECT nexus_id::text FROM nexus_assets.identity_patients WHERE source_id = %s", contact) == known
    )
    assert loaded.value("SELECT count(*) FROM patients WHERE id = %s", twin) == 1


@pytest.mark.parametrize("table", ["documents_document", "images_image"])
def test_rows_with_a_filemaker_id_are_followed_as_people_are(table: str, loaded: Clinic) -> None:
    entity = "documents" if table == "documents_document" else "images"
    loaded.execute(f"UPDATE {table} SET id = gen_random_uuid()")
    theirs = set(loaded.values(f"SELECT id::text FROM {table}"))
    account = loaded.load(entity)[entity].account
    assert account.healed["superseded"] == account.healed["adopted"] == len(theirs)
    assert set(loaded.values(f"SELECT id::text FROM {table}")) == theirs


def test_an_unguarded_column_of_an_appointment_follows_it(loaded: Clinic) -> None:
    row = loaded.exports["Appointments"][0]
    old = loaded.id_of("appointments", row)
    loaded.execute(
        "INSERT INTO reminders (id, patient_id, note, status, appointment_id, created_at, updated_at)"
        " SELECT gen_random_uuid(), patient_id, '', 'pending', id, now(), now() FROM appointments WHERE id = %s",
        old,
    )
    new = str(uuid.uuid4())
    loaded.execute("UPDATE appointments SET id = %s WHERE id = %s", new, old)
    loaded.load("appointments")
    assert loaded.value("SELECT appointment_id::text FROM reminders") == new


def synced(clinic: Clinic, kind: str, id_: str) -> None:
    """Xero's log of a row that was sent: it names the model in words, and no constraint guards the id."""
    clinic.execute(
        "INSERT INTO xero_sync_logs (id, operation_type, status, error_message, local_entity_type, local_entity_id,"
        " xero_entity_id, created_at) VALUES (gen_random_uuid(), 'push', 'success', '', %s, %s, '', now())",
        kind,
        id_,
    )


def test_the_log_of_xero_follows_a_patient_and_names_no_other_model_by_the_same_id(loaded: Clinic) -> None:
    contact = loaded.exports["Contacts"][0]["id"]
    old = loaded.patient_id(contact)
    synced(loaded, "patient", old)
    synced(loaded, "invoice", old)
    loaded.recreate_patients(contact)
    account = loaded.load("patients")["patients"].account
    found = dict(loaded.rows("SELECT local_entity_type, local_entity_id::text FROM xero_sync_logs"))
    assert found == {"patient": loaded.patient_id(contact), "invoice": old}
    assert account.healed["references_moved"] >= 1


def test_the_log_of_xero_follows_a_company(loaded: Clinic) -> None:
    old = loaded.value("SELECT id::text FROM {companies}")
    synced(loaded, "company", old)
    loaded.execute("DELETE FROM {referrer_companies}")
    loaded.execute("UPDATE {companies} SET id = gen_random_uuid()")
    loaded.load("companies")
    new = loaded.value("SELECT id::text FROM {companies}")
    assert loaded.value("SELECT local_entity_id::text FROM xero_sync_logs") == new != old


@pytest.mark.parametrize("sent", [False, True], ids=["not sent", "sent without a last name"])
def test_whom_another_importer_brought_and_filemaker_never_sent_is_followed_too(sent: bool, clinic: Clinic) -> None:
    clinic.contact("Banksia")
    absent = filemaker_id("absent")
    clinic.execute(
        "INSERT INTO patients (id, first_name, last_name, archived, created_at, updated_at, filemaker_metadata)"
        " VALUES (gen_random_uuid(), 'Wren', 'Wattle', false, now(), now(), jsonb_build_object('filemaker_id', %s::text))",
        absent,
    )
    if sent:
        clinic.contact("", id=absent)
    batch = clinic.native_batch(absent)
    clinic.load("patients")
    clinic.recreate_patients(absent)
    clinic.load("patients")
    assert clinic.value("SELECT object_id::text FROM images_batch WHERE id = %s", batch) == clinic.patient_id(absent)
    before = clinic.versions("nexus_assets")
    clinic.load("patients")
    after = clinic.versions("nexus_assets")
    assert after["identity_patients"] == before["identity_patients"]


def test_what_belongs_to_one_whom_another_importer_brought_is_loaded(loaded: Clinic) -> None:
    """The export of notes is the same as before: only its patient is new, and not from FileMaker."""
    absent = filemaker_id("absent")
    note = loaded.note(absent)
    loaded.later()
    assert loaded.load("patients", "notes")["notes"].account.rejected == {"unknown_patient": 1}
    living = loaded.patient_id(loaded.exports["Contacts"][0]["id"])
    loaded.copy("patients", living, filemaker_metadata=f'{{"filemaker_id": "{absent}"}}')
    assert loaded.load("patients", "notes")["notes"].account.inserted == 1
    where = "SELECT patient_id::text FROM notes WHERE id = %s"
    assert loaded.value(where, loaded.id_of("notes", note)) == loaded.patient_id(absent)


def test_one_whom_another_importer_brings_later_is_noted_though_the_export_is_the_same(loaded: Clinic) -> None:
    absent = filemaker_id("absent")
    loaded.copy(
        "patients",
        loaded.patient_id(loaded.exports["Contacts"][0]["id"]),
        filemaker_metadata=f'{{"filemaker_id": "{absent}"}}',
    )
    loaded.load("patients")
    noted = loaded.value("SELECT nexus_id::text FROM nexus_assets.identity_patients WHERE source_id = %s", absent)
    assert noted == loaded.patient_id(absent)


def test_of_two_whom_filemaker_does_not_send_the_one_with_references_is_followed(loaded: Clinic) -> None:
    contact = loaded.exports["Contacts"][0]["id"]
    loaded.remove("Contacts", contact)
    loaded.load("patients")
    loaded.recreate_patients(contact)
    with_references = loaded.patient_id(contact)
    newer = loaded.copy("patients", with_references, mrn=None)
    loaded.execute("UPDATE patients SET created_at = now() + interval '1 hour' WHERE id = %s", newer)
    loaded.execute(
        "INSERT INTO reminders (id, patient_id, note, status, created_at, updated_at)"
        " VALUES (gen_random_uuid(), %s, '', 'pending', now(), now())",
        with_references,
    )
    loaded.load("patients")
    known = "SELECT nexus_id::text FROM nexus_assets.identity_patients WHERE source_id = %s"
    assert loaded.value(known, contact) == with_references


def test_nothing_is_given_to_a_row_that_carries_somebody_elses_id(loaded: Clinic) -> None:
    """Another tool made two people again, each under the other's id: what comes for one must not lie with the other."""
    one, other = (row["id"] for row in loaded.exports["Contacts"])
    names = "first_name, last_name, filemaker_metadata"
    loaded.execute(
        f"UPDATE patients AS p SET ({names}) = (SELECT {names} FROM patients AS q WHERE q.id <> p.id"
        " AND q.filemaker_metadata ->> 'filemaker_id' IN (%s, %s)) WHERE filemaker_metadata ->> 'filemaker_id' IN (%s, %s)",
        *(one, other, one, other),
    )
    loaded.note(one, "Came later.")
    account = loaded.load("patients", "notes")["notes"].account
    assert account.rejected == {"unknown_patient": 1}
    assert loaded.value("SELECT count(*) FROM notes WHERE content = 'Came later.'") == 0

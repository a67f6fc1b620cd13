"""Adopt before mint: a database that another importer filled is taken over without one duplicate, every id kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone

import pytest

from nexus_assets.admin.kept import Selection, decide
from nexus_assets.entities import ENTITIES
from nexus_assets_tests.load.clinic import FURNISHED, Clinic, filemaker_id, furnish, image_key
from nexus_assets_tests.load.conftest import Prepared
from nexus_assets_tests.load.test_load import EXPECTED, LOADED

pytestmark = pytest.mark.extended

every_entity = pytest.mark.parametrize("name", FURNISHED)


@pytest.fixture
def foreign(loaded: Clinic) -> Clinic:
    """The furnished clinic in a database that another importer filled: random UUIDs, no ledger, no FileMaker ids in
    appointments and images."""
    return make_foreign(loaded)


def make_foreign(clinic: Clinic) -> Clinic:
    clinic.forget_ledger()
    with clinic.transaction() as cursor:
        for child, column in (
            ("notes", "patient_id"),
            ("appointments", "patient_id"),
            ("documents_document", "object_id"),
            ("images_batch", "object_id"),
        ):
            cursor.execute(
                f"UPDATE {child} AS c SET {column} = md5('theirs' || p.id::text)::uuid FROM patients AS p WHERE p.id = c.{column}"
            )
        cursor.execute("UPDATE images_image SET batch_id = md5('theirs' || batch_id::text)::uuid")
        for table in ("patients", "notes", "appointments", "documents_document", "images_batch", "images_image"):
            cursor.execute(f"UPDATE {table} SET id = md5('theirs' || id::text)::uuid")
    return clinic


@pytest.fixture
def adopted(prepared: Prepared) -> Clinic:
    """The same, adopted by a load of everything."""
    return prepared(adopt)


def adopt(clinic: Clinic) -> None:
    furnish(clinic).load()
    make_foreign(clinic).load()


def ids(clinic: Clinic, name: str) -> set[str]:
    return set(clinic.values(f'SELECT id::text FROM "{clinic.table(ENTITIES[name].model.tables[0])}"'))


def test_everything_is_adopted_and_nothing_duplicated(foreign: Clinic) -> None:
    before = {name: ids(foreign, name) for name in ENTITIES}
    results = foreign.load()
    assert {name: ids(foreign, name) for name in ENTITIES} == before
    adopted = {
        name: result.account.healed.get("adopted") for name, result in results.items() if ENTITIES[name].adds_rows
    }
    assert adopted == EXPECTED
    assert all(result.account.inserted == 0 for result in results.values())


@every_entity
def test_after_adopting_a_load_writes_nothing(name: str, adopted: Clinic) -> None:
    before = adopted.versions()
    account = adopted.load(name)[name].account
    assert adopted.versions() == before
    assert account.unchanged == LOADED[name]


def test_adopting_fills_the_empty_filemaker_ids(adopted: Clinic) -> None:
    for table, column in (("appointments", "filemaker_event_id"), ("images_image", "filemaker_id")):
        assert adopted.value(f"SELECT count(*) FROM {table} WHERE {column} IS NULL") == 0


def test_adopting_overwrites_nothing_else(foreign: Clinic) -> None:
    foreign.execute("UPDATE patients SET first_name = 'Theirs', health_number = '1', dob = '1900-01-01', sex = 'O'")
    foreign.execute("UPDATE images_image SET caption = 'Theirs', category = 'theirs'")
    foreign.execute("UPDATE documents_document SET category = 'theirs', file_name = 'theirs.pdf'")
    results = foreign.load()
    assert foreign.values("SELECT DISTINCT first_name || health_number || dob || sex FROM patients") == [
        "Theirs11900-01-01O"
    ]
    assert foreign.values("SELECT DISTINCT caption || category FROM images_image") == ["Theirstheirs"]
    assert foreign.values("SELECT DISTINCT category || file_name FROM documents_document") == ["theirstheirs.pdf"]
    assert results["patients"].account.kept == 2
    causes = "SELECT DISTINCT entity, column_name, cause FROM nexus_assets.conflict ORDER BY 1, 2"
    assert foreign.rows(causes) == [
        *(("documents", name, "adopted") for name in ("category", "file_name")),
        *(("images", name, "adopted") for name in ("caption", "category")),
        *(("patients", name, "adopted") for name in ("dob", "first_name")),  # FileMaker has neither sex nor number
    ]


# --- patients ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    ["upper(%s)", "lower(%s)", "'  ' || %s || ' '", "%s || chr(160)"],
    ids=["upper", "lower", "blanks", "no-break"],
)
def test_a_person_is_known_by_the_filemaker_id_in_any_case(written: str, clinic: Clinic) -> None:
    contact = clinic.contact("Wattle")
    clinic.execute(
        "INSERT INTO patients (id, first_name, last_name, archived, created_at, updated_at, filemaker_metadata)"
        f" VALUES (gen_random_uuid(), 'Wren', 'Wattle', false, now(), now(), jsonb_build_object('filemaker_id', {written}))",
        contact,
    )
    account = clinic.load("patients")["patients"].account
    assert (account.inserted, account.healed) == (0, {"adopted": 1})
    assert clinic.value("SELECT count(*) FROM patients") == 1


@pytest.mark.parametrize(
    "metadata", ["NULL", "'{}'", "'[]'", "'\"text\"'", "'{\"filemaker_id\": null}'", "'{\"filemaker_id\": 7}'"]
)
def test_a_native_person_is_left_alone(metadata: str, clinic: Clinic) -> None:
    clinic.execute(
        "INSERT INTO patients (id, first_name, last_name, archived, created_at, updated_at, filemaker_metadata)"
        f" VALUES (gen_random_uuid(), 'Wren', 'Wattle', false, now(), now(), {metadata})"
    )
    before = clinic.versions()["patients"]
    clinic.contact("Wattle")
    clinic.load("patients")
    assert before < clinic.versions()["patients"]
    assert clinic.value("SELECT count(*) FROM patients") == 2


def two_with_one_id(clinic: Clinic) -> tuple[str, str, str]:
    """Two people with one FileMaker id: (that id, the older row's, the newer row's)."""
    contact = clinic.contact("Wattle")
    older, newer = (
        str(
            clinic.value(
                "INSERT INTO patients (id, first_name, last_name, archived, created_at, updated_at, filemaker_metadata)"
                " VALUES (gen_random_uuid(), 'Wren', 'Wattle', false, %s, now(), jsonb_build_object('filemaker_id', %s::text))"
                " RETURNING id::text",
                *(datetime(2025, 1, day, tzinfo=timezone.utc), contact),
            )
        )
        for day in (1, 2)
    )
    return contact, older, newer


def current(clinic: Clinic, contact: str) -> str:
    return str(clinic.value("SELECT nexus_id::text FROM nexus_assets.identity_patients WHERE source_id = %s", contact))


def reminder(clinic: Clinic, patient: str) -> None:
    clinic.execute(
        "INSERT INTO reminders (id, patient_id, note, status, created_at, updated_at)"
        " VALUES (gen_random_uuid(), %s, '', 'pending', now(), now())",
        patient,
    )


@pytest.mark.parametrize(
    ("referred", "expected"),
    [((), "newer"), (("older",), "older"), (("newer",), "newer"), (("older", "newer"), "newer")],
    ids=["nothing refers to either", "to the older", "to the newer", "to both"],
)
def test_of_two_people_with_one_id_the_newest_with_references_is_current(
    referred: tuple[str, ...], expected: str, clinic: Clinic
) -> None:
    contact, older, newer = two_with_one_id(clinic)
    rows = {"older": older, "newer": newer}
    for which in referred:
        reminder(clinic, rows[which])
    before = clinic.versions()["reminders"]
    clinic.load("patients")
    assert current(clinic, contact) == rows[expected]
    # Both are kept, and nothing is moved from the one to the other.
    assert clinic.value("SELECT count(*) FROM patients") == 2
    assert clinic.versions()["reminders"] == before


def test_which_of_two_is_current_does_not_change_again(clinic: Clinic) -> None:
    contact, older, newer = two_with_one_id(clinic)
    clinic.load("patients")
    reminder(clinic, older)
    assert clinic.load("patients")["patients"].account.unchanged == 1
    assert current(clinic, contact) == newer


# --- notes and appointments -------------------------------------------------------------------------------------------


def test_equal_notes_pair_one_to_one(clinic: Clinic) -> None:
    contact = clinic.contact()
    for _ in range(3):
        clinic.note(contact, "Seen today.")
    clinic.load("patients", "notes")
    theirs = ids(clinic, "notes")
    clinic.execute("DELETE FROM nexus_assets.identity_notes")
    clinic.note(contact, "Seen today.")
    account = clinic.load("notes")["notes"].account
    assert (account.healed, account.inserted) == ({"adopted": 3}, 1)
    assert theirs < ids(clinic, "notes")


def test_of_equal_notes_the_first_of_the_export_is_the_one_that_nexus_has(clinic: Clinic) -> None:
    contact = clinic.contact()
    theirs = clinic.note(contact, "Seen today.")
    clinic.load("patients", "notes")
    id_ = clinic.id_of("notes", theirs)
    clinic.execute("DELETE FROM nexus_assets.identity_notes")
    clinic.exports["Notes"].clear()
    first, *_ = [clinic.note(contact, "Seen today.") for _ in range(3)]
    clinic.load("notes")
    assert clinic.id_of("notes", first) == id_


def test_a_note_is_known_without_its_date_where_another_importer_lost_it(foreign: Clinic) -> None:
    foreign.execute("UPDATE notes SET created_at = now(), note_type = 'other'")
    assert foreign.load("patients", "notes")["notes"].account.healed == {"adopted": 2}
    assert foreign.value("SELECT count(*) FROM notes") == 2


def test_the_note_with_the_same_date_goes_before_one_without(clinic: Clinic) -> None:
    contact = clinic.contact()
    first, second = clinic.note(contact, "Seen.", Date="3/18/2024"), clinic.note(contact, "Seen.", Date="3/19/2024")
    clinic.load("patients", "notes")
    kept = {row["id"]: clinic.id_of("notes", row) for row in (first, second)}
    clinic.execute("DELETE FROM nexus_assets.identity_notes")
    clinic.exports["Notes"].reverse()
    clinic.load("notes")
    assert {row["id"]: clinic.id_of("notes", row) for row in (first, second)} == kept


@pytest.mark.parametrize("written", ["Line one\r\nline two", "Line one\rline two\n", "  Line one\nline two"])
def test_a_note_is_the_same_with_other_line_ends(written: str, clinic: Clinic) -> None:
    contact = clinic.contact()
    clinic.note(contact, "Line one\x0bline two")
    clinic.load("patients")
    clinic.execute(
        "INSERT INTO notes (id, patient_id, note_type, content, created_at, updated_at)"
        " VALUES (gen_random_uuid(), %s, 'clinical_notes', %s, now(), now())",
        *(clinic.patient_id(contact), written),
    )
    assert clinic.load("notes")["notes"].account.healed == {"adopted": 1}


def test_a_note_of_another_person_is_not_adopted(foreign: Clinic) -> None:
    foreign.load("patients")
    first, second = foreign.values("SELECT id::text FROM patients ORDER BY 1")
    foreign.execute("UPDATE notes SET patient_id = %s, content = content || patient_id", first)
    foreign.execute("UPDATE notes SET patient_id = %s", second)
    assert foreign.load("notes")["notes"].account.inserted == 2


def test_an_appointment_is_known_by_person_and_time_where_its_notes_differ(foreign: Clinic) -> None:
    foreign.execute("UPDATE appointments SET notes = 'Rang ahead'")
    account = foreign.load("patients", "appointments")["appointments"].account
    assert (account.inserted, account.healed["adopted"]) == (0, 2)
    assert foreign.values("SELECT DISTINCT notes FROM appointments") == ["Rang ahead"]


def test_an_appointment_that_has_another_filemaker_id_is_another_one(foreign: Clinic) -> None:
    foreign.execute("UPDATE appointments SET filemaker_event_id = gen_random_uuid()")
    assert foreign.load("patients", "appointments")["appointments"].account.inserted == 2


SIGNED = "created_by = 'Dr Banksia'"
BY_HAND = f"{SIGNED}, created_at = '2020-01-01'"

# What a row of Nexus has otherwise than FileMaker: entity, change, whether it is still taken for the same.
RECOGNISED: dict[str, tuple[str, str, bool]] = {
    "a note signed by a person, all else the same": ("notes", SIGNED, True),
    "a note signed by a person, of another day": ("notes", BY_HAND, False),
    "a note signed by a person, of another type": ("notes", f"{SIGNED}, note_type = 'referral'", False),
    "a note signed as in FileMaker, of another day and type": (
        "notes",
        "created_by = 'wren', created_at = '2020-01-01', note_type = 'referral'",
        True,
    ),
    "a note that an importer signed in capitals": ("notes", f"{BY_HAND.replace('Dr Banksia', 'OLD IMPORT')}", True),
    "a note that says something else": ("notes", "content = content || '!'", False),
    "a note of another person": ("notes", "patient_id = (SELECT max(id::text)::uuid FROM patients)", False),
    "an appointment of another person": (
        "appointments",
        "patient_id = (SELECT max(id::text)::uuid FROM patients)",
        False,
    ),
    "an appointment that begins earlier, its end and notes the same": (
        "appointments",
        "start_time = start_time - interval '1 hour'",
        False,
    ),
    "an appointment that ends later": ("appointments", "end_time = end_time + interval '1 hour'", False),
    "an appointment without an end": ("appointments", "end_time = start_time", True),
    "an appointment with other notes": ("appointments", "notes = 'Rang ahead'", True),
    "a document under another key": ("documents", "filemaker_id = NULL, s3_key = upper(s3_key)", False),
    "an image under another key": ("images", "s3_key = upper(s3_key)", False),
    "an empty batch of another name": ("image_batches", "name = '01 Jan 2020 (FileMaker Import)'", False),
    "an empty batch that a person put up": (
        "image_batches",
        "uploaded_by_id = (SELECT min(id) FROM auth_user)",
        False,
    ),
    "an empty batch of another person": (
        "image_batches",
        "object_id = (SELECT max(id::text)::uuid FROM patients)",
        False,
    ),
}


@pytest.mark.parametrize("case", RECOGNISED)
def test_a_row_of_nexus_is_taken_for_filemakers_by_all_columns_of_a_rule(case: str, prepared: Prepared) -> None:
    name, change, is_same = RECOGNISED[case]
    clinic = prepared(load_one_of_each)
    table = ENTITIES[name].model.tables[0]
    if name == "image_batches":
        clinic.execute("DELETE FROM images_image")
    clinic.forget_ledger()
    clinic.execute(f"UPDATE {table} SET id = gen_random_uuid(), {change}")
    account = clinic.load("patients", *ENTITIES[name].upstream, name)[name].account
    assert (account.healed.get("adopted", 0), account.inserted) == ((1, 0) if is_same else (0, 1))


def load_one_of_each(clinic: Clinic) -> None:
    """Two people, and a row of everything for the one whose id is the lower."""
    contact = clinic.contact("Wattle", id=filemaker_id("wattle"))
    clinic.contact("Banksia", id=filemaker_id("banksia"))
    clinic.load("patients")
    if clinic.patient_id(contact) == clinic.value("SELECT max(id::text) FROM patients"):
        contact = filemaker_id("banksia")
    clinic.note(contact, creationAccountName="wren")
    clinic.appointment(contact, notes="Ring first")
    clinic.document(contact)
    clinic.image(contact)
    clinic.load()


def test_of_appointments_at_one_time_the_notes_tell_which_is_which(clinic: Clinic) -> None:
    contact = clinic.contact()
    rows = [clinic.appointment(contact, notes=notes) for notes in ("One", "Two", "Three")]
    clinic.load("patients", "appointments")
    known = [clinic.id_of("appointments", row) for row in rows]
    clinic.forget_ledger()
    clinic.exports["Appointments"].reverse()
    clinic.load("patients", "appointments")
    assert [clinic.id_of("appointments", row) for row in rows] == known


REKEYED = {
    "notes": ("Notes", {"id": filemaker_id("again")}),
    "appointments": ("Appointments", {"id": filemaker_id("again")}),
    "image_batches": ("Image_data", {"date": "7/30/2024"}),
}


@pytest.mark.parametrize("name", REKEYED)
def test_a_row_adopted_under_another_filemaker_id_leaves_the_first_one_room_to_come_back(
    name: str, prepared: Prepared
) -> None:
    """The id that the first one's row would get by its FileMaker id is that of the adopted row."""
    clinic = prepared(load_one_of_each)
    export, rekeyed = REKEYED[name]
    (row,) = clinic.exports[export]
    first = dict(row)
    clinic.forget_ledger()
    row.update(rekeyed)
    assert clinic.load(allow_vanished=True)[name].account.healed["adopted"] == 1
    kept = ids(clinic, name)
    if name == "image_batches":
        clinic.image(first["id_Contact"], first["date"])
    else:
        clinic.exports[export].append(first)
    assert clinic.load()[name].account.inserted == 1
    assert len(ids(clinic, name) - kept) == 1 == len(kept)
    before = clinic.versions()
    clinic.load()
    assert clinic.versions() == before


# --- documents and images ---------------------------------------------------------------------------------------------


def test_a_document_is_known_by_its_filemaker_id_wherever_its_file_lies(foreign: Clinic) -> None:
    foreign.execute("UPDATE documents_document SET s3_key = 'elsewhere/' || id")
    account = foreign.load("patients", "documents")["documents"].account
    assert (account.inserted, account.healed["adopted"]) == (0, 2)


def test_a_document_without_a_filemaker_id_is_known_by_its_key(foreign: Clinic) -> None:
    foreign.execute("UPDATE documents_document SET filemaker_id = NULL")
    account = foreign.load("patients", "documents")["documents"].account
    assert (account.inserted, account.healed["adopted"]) == (0, 2)
    assert foreign.value("SELECT count(*) FROM documents_document WHERE filemaker_id IS NULL") == 0


def test_a_document_that_another_importer_left_unlinked_is_linked(foreign: Clinic) -> None:
    foreign.execute("UPDATE documents_document SET content_type_id = NULL, object_id = NULL")
    assert foreign.load("patients", "documents")["documents"].account.healed == {"adopted": 2, "relinked": 2}
    assert foreign.value("SELECT count(*) FROM documents_document WHERE object_id IS NULL") == 0


@pytest.mark.parametrize("emptied", ["after it was adopted", "before"])
def test_a_link_that_a_person_emptied_stays_empty_when_filemaker_names_the_patient_again(
    emptied: str, foreign: Clinic
) -> None:
    """When the document was adopted, FileMaker had no record of it: what another importer leaves unlinked is linked, later too."""
    unlink = "UPDATE documents_document SET content_type_id = NULL, object_id = NULL WHERE filemaker_id = %s"
    record = foreign.exports["Docs"].pop(0)
    if emptied == "before":
        foreign.execute(unlink, record["id"])
    foreign.load("patients", "documents")
    if emptied != "before":
        foreign.execute(unlink, record["id"])
    foreign.exports["Docs"].append(record)
    account = foreign.load("documents")["documents"].account
    found = foreign.value("SELECT object_id::text FROM documents_document WHERE filemaker_id = %s", record["id"])
    told = foreign.rows("SELECT column_name, cause FROM nexus_assets.conflict WHERE entity = 'documents'")
    if emptied == "before":
        assert (found, told) == (foreign.patient_id(record["id_Contact"]), [])
    else:
        assert (found, told, account.kept) == (None, [("object_id", "adopted")], 1)


def test_an_image_is_known_by_its_key_however_often_it_is_there(foreign: Clinic) -> None:
    image = foreign.exports["Image_data"][0]
    twin = foreign.copy_image(foreign.batch_of(image), image_key(image["recid"]))
    account = foreign.load()["images"].account
    assert (account.inserted, account.healed["adopted"]) == (0, 4)
    # What can't be told apart is left: one of the two is the image now, the other stays a row of its own.
    assert foreign.value("SELECT count(*) FROM images_image WHERE s3_key = %s", image_key(image["recid"])) == 2
    assert twin in ids(foreign, "images")


# --- batches ----------------------------------------------------------------------------------------------------------


def test_a_batch_is_known_by_its_images_whatever_it_is_called(foreign: Clinic) -> None:
    before = ids(foreign, "image_batches")
    foreign.execute("UPDATE images_batch SET name = 'Renamed ' || left(id::text, 4)")
    account = foreign.load("patients", "image_batches")["image_batches"].account
    assert (account.inserted, account.kept) == (0, 2)
    assert ids(foreign, "image_batches") == before
    assert foreign.value("SELECT count(*) FROM images_batch WHERE name LIKE 'Renamed%%'") == 2


def test_a_batch_of_another_person_is_not_adopted_for_its_images(foreign: Clinic) -> None:
    # Somebody put the images of one person into a batch of their own making of another one.
    one, other = foreign.exports["Contacts"][0]["id"], foreign.exports["Contacts"][1]["id"]
    foreign.load("patients")
    native = foreign.native_batch(other, "Compare", images=0)
    moved = [row for row in foreign.exports["Image_data"] if row["id_Contact"] == one]
    for row in moved:
        foreign.execute("UPDATE images_image SET batch_id = %s WHERE s3_key = %s", native, image_key(row["recid"]))
    foreign.load("image_batches", "images")
    assert {foreign.batch_of(row) for row in moved} == {native}
    assert foreign.value("SELECT object_id::text FROM images_batch WHERE id = %s", native) == foreign.patient_id(other)
    assert foreign.value("SELECT count(*) FROM nexus_assets.identity_image_batches WHERE nexus_id = %s", native) == 0


@pytest.mark.commits
@pytest.mark.parametrize("lose_ledger", [make_foreign, Clinic.forget_ledger], ids=["their ids", "our ids"])
@pytest.mark.parametrize("renamed", [True, False], ids=["renamed", "as it was"])
def test_an_image_that_filemaker_gave_away_stays_in_a_batch_that_a_person_named_until_one_decides(
    renamed: bool, lose_ledger: Callable[[Clinic], object], loaded: Clinic
) -> None:
    """No ledger shows who put it there: a person may have, where one named the batch. FileMaker's other image keeps that batch."""
    clinic = loaded
    lose_ledger(clinic)
    image = clinic.exports["Image_data"][0]
    batch = clinic.batch_of(image)
    if renamed:
        clinic.execute("UPDATE images_batch SET name = 'Compare' WHERE id = %s", batch)
    other = next(row["id"] for row in clinic.exports["Contacts"] if row["id"] != image["id_Contact"])
    image["id_Contact"] = other
    clinic.load()
    assert clinic.value("SELECT count(*) FROM nexus_assets.identity_image_batches WHERE nexus_id = %s", batch) == 1
    told = "SELECT nexus_id::text, cause FROM nexus_assets.conflict WHERE column_name = 'batch_id' AND resolved_load IS NULL"
    if renamed:
        assert clinic.batch_of(image) == batch
        assert clinic.rows(told) == [(clinic.id_of("images_image", image), "adopted")]
        decide(clinic.engine, Selection("images", "batch_id"), "filemaker", "Ines")
        clinic.load()
    owner = clinic.value("SELECT object_id::text FROM images_batch WHERE id = %s", clinic.batch_of(image))
    assert owner == clinic.patient_id(other)
    assert clinic.rows(told) == []


def test_an_importers_batch_goes_before_a_persons(foreign: Clinic) -> None:
    image = foreign.exports["Image_data"][0]
    importers = foreign.batch_of(image)
    foreign.load("patients")
    native = foreign.native_batch(image["id_Contact"], "Best of")
    foreign.copy_image(native, image_key(image["recid"]))
    foreign.load("image_batches")
    assert foreign.value("SELECT count(*) FROM nexus_assets.identity_image_batches WHERE nexus_id = %s", importers) == 1
    assert foreign.value("SELECT count(*) FROM nexus_assets.identity_image_batches WHERE nexus_id = %s", native) == 0


def test_the_batch_that_holds_most_images_is_the_one(foreign: Clinic) -> None:
    image = foreign.exports["Image_data"][0]
    full = foreign.batch_of(image)
    half = foreign.importers_batch(full)
    foreign.copy_image(half, image_key(image["recid"]))
    foreign.load("patients", "image_batches")
    assert foreign.value("SELECT count(*) FROM nexus_assets.identity_image_batches WHERE nexus_id = %s", full) == 1


def test_an_empty_batch_is_known_by_person_and_name(foreign: Clinic) -> None:
    before = ids(foreign, "image_batches")
    foreign.execute("DELETE FROM images_image")
    account = foreign.load("patients", "image_batches")["image_batches"].account
    assert (account.inserted, account.healed) == (0, {"adopted": 2})
    assert ids(foreign, "image_batches") == before


def test_of_equal_empty_batches_one_is_adopted(foreign: Clinic) -> None:
    foreign.execute("DELETE FROM images_image")
    twin = foreign.importers_batch(foreign.value("SELECT id::text FROM images_batch LIMIT 1"))
    account = foreign.load("patients", "image_batches")["image_batches"].account
    assert (account.inserted, account.healed["adopted"]) == (0, 2)
    assert twin in ids(foreign, "image_batches")


# --- ids taught from a backup -----------------------------------------------------------------------------------------


def learn(clinic: Clinic, entity: str, source: str, nexus: str) -> None:
    clinic.execute(
        f"INSERT INTO nexus_assets.identity_{entity} (source_id, nexus_id, origin) VALUES (%s, %s, 'learned')",
        source,
        nexus,
    )


@pytest.fixture
def taught(loaded: Clinic) -> tuple[Clinic, str, str]:
    """A clinic whose ledger learned, from a backup, the id of a person whom FileMaker sends only now: (clinic, contact, id)."""
    contact = loaded.contact("Backup")
    learned = filemaker_id("nexus").lower()
    learn(loaded, "patients", contact, learned)
    return loaded, contact, learned


def test_a_learned_id_is_given_to_the_person_who_comes(taught: tuple[Clinic, str, str]) -> None:
    clinic, contact, learned = taught
    account = clinic.load("patients")["patients"].account
    assert (account.inserted, account.healed) == (1, {"restored": 1})
    assert clinic.patient_id(contact) == learned


def test_a_learned_id_that_another_row_carries_now_is_superseded(taught: tuple[Clinic, str, str]) -> None:
    clinic, contact, learned = taught
    batch = clinic.value("SELECT id::text FROM images_batch LIMIT 1")
    clinic.execute("UPDATE images_batch SET object_id = %s WHERE id = %s", learned, batch)
    clinic.execute("ALTER TABLE images_batch ALTER COLUMN object_id SET NOT NULL")
    theirs = clinic.copy("patients", clinic.patient_id(clinic.exports["Contacts"][0]["id"]))
    clinic.execute(
        "UPDATE patients SET last_name = 'Backup', filemaker_metadata = jsonb_build_object('filemaker_id', %s::text) WHERE id = %s",
        *(contact, theirs),
    )
    account = clinic.load("patients")["patients"].account
    assert account.healed["superseded"] == 1
    assert clinic.patient_id(contact) == theirs
    assert clinic.value("SELECT object_id::text FROM images_batch WHERE id = %s", batch) == theirs


def test_a_learned_id_of_a_living_row_is_adopted(loaded: Clinic) -> None:
    contact = loaded.exports["Contacts"][0]["id"]
    patient = loaded.patient_id(contact)
    loaded.execute("DELETE FROM nexus_assets.identity_patients WHERE source_id = %s", contact)
    learn(loaded, "patients", contact, patient)
    loaded.execute("UPDATE patients SET first_name = 'Theirs'")
    account = loaded.load("patients")["patients"].account
    assert account.healed == {"adopted": 1}
    assert loaded.values("SELECT DISTINCT first_name FROM patients") == ["Theirs"]
    assert loaded.rows("SELECT cause FROM nexus_assets.conflict WHERE source_id = %s", contact) == [("adopted",)]


def test_a_learned_id_that_filemaker_never_had_is_not_vanished(loaded: Clinic) -> None:
    for number in range(50):
        learn(loaded, "patients", filemaker_id("gone", number), filemaker_id("nexus", number))
    assert loaded.load("patients")["patients"].account.healed == {}
    assert loaded.value("SELECT count(*) FROM nexus_assets.identity_patients WHERE vanished_load IS NOT NULL") == 0


@pytest.mark.slow
def test_adopting_many_rows_takes_about_as_long_as_loading_them(clinic: Clinic) -> None:
    """A plan that compares every row with every other one takes a hundred times as long."""
    contact = clinic.contact()
    for number in range(30_000):
        clinic.note(contact, f"Note {number}")
    clinic.load("patients")
    seconds = []
    for _ in range(2):
        started = time.perf_counter()
        account = clinic.load("notes")["notes"].account
        seconds.append(time.perf_counter() - started)
        clinic.execute("TRUNCATE nexus_assets.identity_notes; DELETE FROM nexus_assets.load WHERE entity = 'notes'")
    assert account.healed == {"adopted": 30_000}
    assert seconds[1] < 3 * seconds[0]


def test_a_note_that_a_person_signed_is_theirs(loaded: Clinic) -> None:
    """It says the same as one of FileMaker's of another day: FileMaker's is a note of its own."""
    contact = loaded.exports["Contacts"][0]["id"]
    theirs = loaded.value(
        "INSERT INTO notes (id, patient_id, note_type, content, created_by, created_at, updated_at)"
        " VALUES (gen_random_uuid(), %s, 'other', 'DNA', 'Dr Banksia', now(), now()) RETURNING id::text",
        loaded.patient_id(contact),
    )
    row = loaded.note(contact, "DNA", Date="1/5/2019")
    account = loaded.load("notes")["notes"].account
    assert (account.inserted, account.healed) == (1, {})
    row["Note"] = "Rang to cancel."
    loaded.load("notes")
    assert loaded.value("SELECT content FROM notes WHERE id = %s", theirs) == "DNA"


def test_an_image_with_another_filemaker_id_is_known_by_its_key(foreign: Clinic) -> None:
    foreign.execute("UPDATE images_image SET filemaker_id = gen_random_uuid()")
    before = ids(foreign, "images")
    account = foreign.load()["images"].account
    assert (account.inserted, account.healed["adopted"], account.kept) == (0, len(before), len(before))
    assert ids(foreign, "images") == before
    assert foreign.values("SELECT DISTINCT column_name FROM nexus_assets.conflict WHERE entity = 'images'") == [
        "filemaker_id"
    ]


@pytest.mark.commits
def test_a_ledger_that_was_seen_empty_is_not_read_for_each_row(clinic: Clinic) -> None:
    """PostgreSQL takes a table that it vacuumed while it was empty for one of no rows, however fast it grows."""
    wattle = clinic.contact()
    for number in range(40):
        clinic.note(wattle, f"Visit {number}.")
    clinic.load("patients", "notes")
    clinic.execute("TRUNCATE nexus_assets.identity_notes")
    clinic.execute("DELETE FROM nexus_assets.load WHERE entity = 'notes'")
    clinic.execute("VACUUM nexus_assets.identity_notes")
    clinic.load("notes")
    assert clinic.value("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'identity_notes'") < 40

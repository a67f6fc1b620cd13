"""Heal, never skip; never delete what a person made: links of batches, documents and images, duplicates, counts."""

from __future__ import annotations

import pytest

from nexus_assets_tests.load.clinic import Clinic, filemaker_id, image_key, patients_alone


@pytest.fixture
def loaded(loaded: Clinic) -> Clinic:
    return patients_alone(loaded)


SOMEBODY = "11111111-1111-4111-8111-111111111111"


def link(clinic: Clinic, table: str, row: str) -> tuple[int | None, str | None]:
    """The generic link of a row."""
    content_type, object_id = clinic.row(f"SELECT content_type_id, object_id::text FROM {table} WHERE id = %s", row)
    return content_type, object_id


def relink(clinic: Clinic, table: str, row: str, content_type: int | None, object_id: str | None) -> None:
    clinic.execute(
        f"UPDATE {table} SET content_type_id = %s, object_id = %s WHERE id = %s", content_type, object_id, row
    )


@pytest.fixture
def document(loaded: Clinic) -> str:
    return loaded.id_of("documents_document", loaded.exports["Docs"][0])


@pytest.fixture
def batch(loaded: Clinic) -> str:
    return loaded.batch_of(loaded.exports["Image_data"][0])


def unguard(clinic: Clinic, *tables: str) -> None:
    """Drops the foreign keys of tables, so that anything may stand in them."""
    for table in tables:
        for (name,) in clinic.rows(
            "SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass", table
        ):
            clinic.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')


# --- generic links ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "state", ["gone", "half without the type", "half without the id", "no such type", "of no uuid"]
)
def test_a_document_that_leads_nowhere_is_linked_again(state: str, loaded: Clinic, document: str) -> None:
    unguard(loaded, "documents_document")
    patient = loaded.content_type()
    right = link(loaded, "documents_document", document)
    broken: tuple[int | None, str | None] = {
        "gone": (patient, SOMEBODY),
        "half without the type": (None, right[1]),
        "half without the id": (patient, None),
        "no such type": (4711, right[1]),
        "of no uuid": (loaded.content_type("auth", "user"), SOMEBODY),
    }[state]
    relink(loaded, "documents_document", document, *broken)
    account = loaded.load("documents")["documents"].account
    assert link(loaded, "documents_document", document) == right
    assert (account.updated, account.healed) == (1, {"relinked": 1})


def test_a_batch_whose_patient_is_dead_is_linked_again(loaded: Clinic, batch: str) -> None:
    right = link(loaded, "images_batch", batch)
    relink(loaded, "images_batch", batch, loaded.content_type(), SOMEBODY)
    loaded.load("image_batches")
    assert link(loaded, "images_batch", batch) == right


def test_a_document_that_leads_nowhere_and_has_no_known_patient_is_unlinked(loaded: Clinic, document: str) -> None:
    loaded.exports["Docs"][0]["id_Contact"] = ""
    relink(loaded, "documents_document", document, loaded.content_type(), SOMEBODY)
    account = loaded.load("documents")["documents"].account
    assert link(loaded, "documents_document", document) == (None, None)
    assert account.notices["unlinked"] == 1


def test_what_was_unlinked_so_is_linked_once_filemaker_knows_the_patient(loaded: Clinic, document: str) -> None:
    right = link(loaded, "documents_document", document)
    row = loaded.exports["Docs"][0]
    contact, row["id_Contact"] = row["id_Contact"], ""
    relink(loaded, "documents_document", document, loaded.content_type(), SOMEBODY)
    loaded.load("documents")
    row["id_Contact"] = contact
    loaded.load("documents")
    assert link(loaded, "documents_document", document) == right


def test_a_document_that_arrived_unlinked_is_linked_once_its_patient_comes(loaded: Clinic) -> None:
    contact = loaded.contact("Late")
    loaded.exports["Contacts"].pop()
    row = loaded.document(contact)
    assert loaded.load("patients", "documents")["documents"].account.notices == {"unlinked": 1}
    loaded.contact("Late")
    account = loaded.load("patients", "documents")["documents"].account
    assert (account.healed, account.notices) == ({"relinked": 1}, {})
    assert link(loaded, "documents_document", loaded.id_of("documents_document", row))[1] == loaded.patient_id(contact)


@pytest.mark.parametrize("emptied", ["", "0A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D"], ids=["no contact", "an unknown one"])
def test_a_live_link_is_never_emptied(emptied: str, loaded: Clinic, document: str) -> None:
    right = link(loaded, "documents_document", document)
    loaded.exports["Docs"][0]["id_Contact"] = emptied
    account = loaded.load("documents")["documents"].account
    assert link(loaded, "documents_document", document) == right
    assert (account.kept, account.healed) == (0, {})


def test_a_person_may_link_a_document_to_something_else(loaded: Clinic, document: str) -> None:
    clinic_id = loaded.value("SELECT id::text FROM clinics LIMIT 1")
    theirs = loaded.content_type("clinicians", "clinic"), clinic_id
    relink(loaded, "documents_document", document, *theirs)
    account = loaded.load("documents")["documents"].account
    assert link(loaded, "documents_document", document) == theirs
    assert (account.kept, account.healed) == (1, {})
    shown = loaded.row("SELECT column_name, filemaker_value, nexus_value FROM nexus_assets.conflict")
    patient = loaded.patient_id(loaded.exports["Docs"][0]["id_Contact"])
    assert shown == ("object_id", f"patients.patient {patient}", f"clinicians.clinic {clinic_id}")


def test_a_link_to_a_dead_row_of_another_model_is_healed(loaded: Clinic, document: str) -> None:
    right = link(loaded, "documents_document", document)
    relink(loaded, "documents_document", document, loaded.content_type("clinicians", "clinic"), SOMEBODY)
    loaded.load("documents")
    assert link(loaded, "documents_document", document) == right


def test_a_link_to_a_model_whose_table_is_unknown_is_a_persons(loaded: Clinic, document: str) -> None:
    theirs = loaded.content_type("sessions", "session"), SOMEBODY
    relink(loaded, "documents_document", document, *theirs)
    assert loaded.load("documents")["documents"].account.kept == 1
    assert link(loaded, "documents_document", document) == theirs


def test_a_person_may_unlink_a_document(loaded: Clinic, document: str) -> None:
    relink(loaded, "documents_document", document, None, None)
    for _ in range(2):
        assert loaded.load("documents")["documents"].account.kept == 1
        assert link(loaded, "documents_document", document) == (None, None)


@pytest.mark.parametrize("why", ["vanished", "vanished before", "rejected"])
@pytest.mark.parametrize("table", ["documents_document", "images_batch"])
def test_a_link_is_healed_though_filemaker_does_not_send_the_row(table: str, why: str, loaded: Clinic) -> None:
    """Whose it is, the ledger knows: also where that person has another id since then."""
    entity = "documents" if table == "documents_document" else "image_batches"
    export, files = ("Docs", loaded.documents) if entity == "documents" else ("Image_data", loaded.images)
    loaded.recreate_patients(loaded.exports["Contacts"][0]["id"])
    wanted = sorted(loaded.patient_id(row["id"]) for row in loaded.exports["Contacts"])

    def not_sent() -> None:
        if why == "rejected":
            loaded.exports[export] += [{**row, "id_Contact": SOMEBODY} for row in loaded.exports[export]]
        else:
            files.clear()

    if why == "vanished before":
        not_sent()
        loaded.load(allow_missing_files=True)
    loaded.execute(f"UPDATE {table} SET object_id = gen_random_uuid()")
    if why != "vanished before":
        not_sent()
    account = loaded.load(allow_missing_files=True, allow_rejected=True)[entity].account
    assert (account.updated, account.healed["relinked"]) == (0, 2)
    assert sorted(loaded.values(f"SELECT object_id::text FROM {table}")) == wanted
    before = loaded.versions()
    loaded.load(allow_vanished=True, allow_rejected=True)
    assert loaded.versions() == before


def test_an_orphan_that_can_not_be_healed_stops_no_load(loaded: Clinic, batch: str) -> None:
    """Its patient is gone for good: the check over all rows tells, and the other rows must come all the same."""
    contact = loaded.exports["Contacts"][0]["id"]
    loaded.find("Contacts", contact)["nameLast"] = ""
    for table in ("notes", "appointments"):
        loaded.execute(f"DELETE FROM {table}")
    loaded.execute("DELETE FROM patients WHERE id = %s", loaded.patient_id(contact))
    loaded.load("patients")
    account = loaded.load("image_batches")["image_batches"].account
    assert (account.rejected, account.orphans) == ({"unknown_contact": 1}, 0)
    assert link(loaded, "images_batch", batch)[1] is not None


# --- images -----------------------------------------------------------------------------------------------------------


def test_an_image_in_an_importers_duplicate_is_put_back(loaded: Clinic, batch: str) -> None:
    duplicate = loaded.importers_batch(batch)
    loaded.execute("UPDATE images_image SET batch_id = %s WHERE batch_id = %s", duplicate, batch)
    account = loaded.load("images")["images"].account
    assert loaded.batch_of(loaded.exports["Image_data"][0]) == batch
    assert account.healed == {"relinked": 2, "removed_empty_batches": 1}
    assert loaded.value("SELECT count(*) FROM images_batch WHERE id = %s", duplicate) == 0


def test_an_image_whose_batch_is_not_there_is_put_back(loaded: Clinic, batch: str) -> None:
    unguard(loaded, "images_image")
    loaded.execute("UPDATE images_image SET batch_id = %s WHERE batch_id = %s", SOMEBODY, batch)
    assert loaded.load("images")["images"].account.healed["relinked"] == 2
    assert loaded.batch_of(loaded.exports["Image_data"][0]) == batch


def test_a_person_may_move_an_image_to_another_batch(loaded: Clinic, batch: str) -> None:
    native = loaded.native_batch(loaded.exports["Contacts"][0]["id"], images=0)
    key = image_key(loaded.exports["Image_data"][0]["recid"])
    loaded.execute("UPDATE images_image SET batch_id = %s WHERE s3_key = %s", native, key)
    for _ in range(2):
        account = loaded.load("image_batches", "images")["images"].account
        assert loaded.batch_of(loaded.exports["Image_data"][0]) == native
        assert account.kept == 1
    assert loaded.values("SELECT image_count FROM images_batch WHERE id IN (%s, %s)", native, batch) == [1, 1]


def test_a_person_may_move_an_image_to_another_importers_batch(loaded: Clinic) -> None:
    other = loaded.batch_of(loaded.exports["Image_data"][-1])
    key = image_key(loaded.exports["Image_data"][0]["recid"])
    loaded.execute("UPDATE images_image SET batch_id = %s WHERE s3_key = %s", other, key)
    assert loaded.load("images")["images"].account.kept == 1
    assert loaded.batch_of(loaded.exports["Image_data"][0]) == other


def test_an_image_that_filemaker_dates_otherwise_moves_to_its_new_batch(loaded: Clinic, batch: str) -> None:
    for row in loaded.exports["Image_data"][:2]:
        row["date"] = "7/1/2024"
    loaded.load("image_batches", "images")
    new = loaded.batch_of(loaded.exports["Image_data"][0])
    assert loaded.value("SELECT name FROM images_batch WHERE id = %s", new) == "01 Jul 2024 (FileMaker Import)"
    # Nothing stands for the old one any more.
    assert new != batch
    assert loaded.value("SELECT count(*) FROM images_batch WHERE id = %s", batch) == 0
    before = loaded.versions()
    loaded.load("image_batches", "images")
    assert loaded.versions() == before


def imported_again_by_another_tool(clinic: Clinic, batch: str) -> str:
    """Another tool's copy of a batch, with the images, under other ids, in the place of the batch; returns the copy's id."""
    copied = clinic.importers_batch(batch)
    for image in clinic.values("SELECT id::text FROM images_image WHERE batch_id = %s", batch):
        clinic.copy("images_image", image, batch_id=copied, filemaker_id=None)
        clinic.execute("DELETE FROM images_image WHERE id = %s", image)
    clinic.execute("DELETE FROM images_batch WHERE id = %s", batch)
    return copied


def owners_of_images(clinic: Clinic) -> list[str]:
    """In whose batch each image of Image_data lies, by FileMaker id, in the order of the export."""
    return [
        clinic.value(
            "SELECT filemaker_metadata ->> 'filemaker_id' FROM patients AS p JOIN images_batch AS b ON b.object_id = p.id"
            " WHERE b.id = %s",
            clinic.batch_of(row),
        )
        for row in clinic.exports["Image_data"]
    ]


def given_to_each_other(clinic: Clinic) -> list[str]:
    """FileMaker gives the images of each of the two people to the other one; returns whose each is now."""
    one, other = (contact["id"] for contact in clinic.exports["Contacts"])
    for row in clinic.exports["Image_data"]:
        row["id_Contact"] = other if row["id_Contact"] == one else one
    return [row["id_Contact"] for row in clinic.exports["Image_data"]]


@pytest.mark.parametrize("day", [None, "7/1/2024"])
@pytest.mark.parametrize("meanwhile", [(), ("image_batches",)])
@pytest.mark.parametrize("made_again", [False, True], ids=["known people", "people made again"])
def test_images_that_filemaker_gives_away_leave_a_batch_that_another_tool_made_again(
    made_again: bool, meanwhile: tuple[str, ...], day: str | None, loaded: Clinic
) -> None:
    """The batch belongs to whom FileMaker named before: nobody gave it to that person."""
    for round_ in range(2):
        for batch in loaded.values("SELECT id::text FROM images_batch"):
            imported_again_by_another_tool(loaded, batch)
        if meanwhile and not round_:
            loaded.load(*meanwhile)
    if made_again:
        loaded.recreate_patients()
    wanted = given_to_each_other(loaded)
    for row in loaded.exports["Image_data"] if day else ():
        row["date"] = day
    loaded.load()
    assert owners_of_images(loaded) == wanted
    assert loaded.value("SELECT count(*) FROM nexus_assets.conflict WHERE resolved_load IS NULL") == 0
    assert loaded.values("SELECT DISTINCT name FROM images_batch") == [
        "01 Jul 2024 (FileMaker Import)" if day else "18 Mar 2024 (FileMaker Import)"
    ]
    before = loaded.versions()
    loaded.load()
    assert loaded.versions() == before


def test_a_batch_that_another_tool_made_again_and_a_person_gave_away_stays_given(loaded: Clinic, batch: str) -> None:
    other = loaded.exports["Contacts"][1]["id"]
    copied = imported_again_by_another_tool(loaded, batch)
    loaded.execute("UPDATE images_batch SET object_id = %s WHERE id = %s", loaded.patient_id(other), copied)
    given = [other if loaded.batch_of(row) == copied else row["id_Contact"] for row in loaded.exports["Image_data"]]
    accounts = loaded.load()
    assert owners_of_images(loaded) == given
    assert accounts["image_batches"].account.kept == 1
    assert loaded.values("SELECT column_name FROM nexus_assets.conflict") == ["object_id"]


def test_a_batch_that_comes_back_has_its_old_id(loaded: Clinic, batch: str) -> None:
    for day in ("7/1/2024", "3/18/2024"):
        for row in loaded.exports["Image_data"][:2]:
            row["date"] = day
        loaded.load("image_batches", "images")
    assert loaded.batch_of(loaded.exports["Image_data"][0]) == batch


# --- duplicates -------------------------------------------------------------------------------------------------------


def test_nine_runs_of_empty_batches_are_cleared_away(loaded: Clinic, batch: str) -> None:
    for _ in range(9):
        loaded.importers_batch(batch)
    account = loaded.load("image_batches", "images")["images"].account
    assert account.healed["removed_empty_batches"] == 9
    assert loaded.value("SELECT count(*) FROM images_batch") == 2
    assert loaded.value("SELECT count(*) FROM nexus_assets.superseded WHERE current_id = %s", batch) == 9


def test_duplicates_become_the_one_that_holds_the_images(loaded: Clinic, batch: str) -> None:
    loaded.execute("UPDATE images_image SET caption = 'Seen by us', s3_thumbnail_key = 'thumb'")
    loaded.forget_ledger()
    loaded.execute("UPDATE images_batch SET object_id = %s", SOMEBODY)  # their patients are dead
    for contact in loaded.exports["Contacts"]:
        for _ in range(2):
            loaded.importers_batch(
                loaded.value("SELECT id::text FROM images_batch LIMIT 1"), object_id=loaded.patient_id(contact["id"])
            )
    loaded.load()
    assert loaded.value("SELECT count(*) FROM images_batch") == 2
    assert batch in loaded.values("SELECT id::text FROM images_batch")
    assert loaded.orphans() == 0
    assert loaded.values("SELECT DISTINCT caption || s3_thumbnail_key FROM images_image") == ["Seen by usthumb"]


def test_what_a_duplicate_holds_moves_into_the_batch_that_stays(loaded: Clinic, batch: str) -> None:
    duplicate = loaded.importers_batch(batch)
    native = loaded.copy_image(duplicate, "uploads/by-hand.jpg")
    account = loaded.load("images")["images"].account
    assert account.healed == {"moved_from_duplicates": 1, "removed_empty_batches": 1, "counted": 1}
    assert loaded.row("SELECT batch_id::text FROM images_image WHERE id = %s", native) == (batch,)
    assert loaded.value("SELECT image_count FROM images_batch WHERE id = %s", batch) == 3


def test_what_several_duplicates_hold_moves_into_the_batch_of_each_that_stays(loaded: Clinic) -> None:
    """Two of one batch and one of another, in one load; and one more in the next."""
    first, second = sorted({loaded.batch_of(row) for row in loaded.exports["Image_data"]})
    by_hand = {}
    for number, stays in enumerate([first, first, second, first]):
        if number == 3:
            assert loaded.load("images")["images"].account.healed["moved_from_duplicates"] == 3
        by_hand[loaded.copy_image(loaded.importers_batch(stays), f"uploads/{number}.jpg")] = stays
    assert loaded.load("images")["images"].account.healed["moved_from_duplicates"] == 1
    assert {
        image: loaded.value("SELECT batch_id::text FROM images_image WHERE id = %s", image) for image in by_hand
    } == by_hand
    assert loaded.rows("SELECT id::text, image_count FROM images_batch ORDER BY 1") == [(first, 5), (second, 3)]


def test_a_batch_of_another_day_is_no_duplicate(loaded: Clinic, batch: str) -> None:
    other = loaded.importers_batch(batch, name="02 Jan 2020 (FileMaker Import)")
    loaded.copy_image(other, "uploads/by-hand.jpg")
    loaded.load("images")
    assert loaded.value("SELECT image_count FROM images_batch WHERE id = %s", other) == 1


def test_an_importers_empty_batch_without_any_patient_goes(loaded: Clinic, batch: str) -> None:
    empty = loaded.importers_batch(batch, object_id=SOMEBODY, name="Undated (FileMaker Import)")
    loaded.load("images")
    assert loaded.value("SELECT count(*) FROM images_batch WHERE id = %s", empty) == 0


@pytest.mark.parametrize(
    "name", ["Gait study", "18 Mar 2024 (FileMaker Import)"], ids=["of their own", "like an import"]
)
def test_a_native_batch_is_never_removed_though_it_is_empty(name: str, loaded: Clinic) -> None:
    native = loaded.native_batch(loaded.exports["Contacts"][0]["id"], name, images=0)
    loaded.load()
    assert loaded.value("SELECT count(*) FROM images_batch WHERE id = %s", native) == 1


@pytest.mark.parametrize(
    "name", ["18 Mar 2024 (filemaker import)", "18 Mar 2024 (FileMaker Import) old", "18 Mar 2024 FileMaker Import"]
)
def test_an_empty_batch_that_does_not_bear_the_importers_very_sign_is_never_removed(
    name: str, loaded: Clinic, batch: str
) -> None:
    resembling = loaded.importers_batch(batch, name=name)
    account = loaded.load("image_batches", "images")["images"].account
    assert loaded.value("SELECT count(*) FROM images_batch WHERE id = %s", resembling) == 1
    assert "removed_empty_batches" not in account.healed


def test_native_images_are_never_touched(loaded: Clinic) -> None:
    native = loaded.native_batch(loaded.exports["Contacts"][0]["id"], images=3)
    before = loaded.rows("SELECT t::text, xmin::text FROM images_image AS t WHERE batch_id = %s ORDER BY 1", native)
    loaded.image(loaded.exports["Contacts"][0]["id"], "7/1/2024")
    loaded.load()
    assert (
        loaded.rows("SELECT t::text, xmin::text FROM images_image AS t WHERE batch_id = %s ORDER BY 1", native)
        == before
    )


def test_an_importers_batch_that_something_else_refers_to_stays(loaded: Clinic, batch: str) -> None:
    loaded.execute("CREATE TABLE later (id uuid PRIMARY KEY, content_type_id int, object_id uuid)")
    empty = loaded.importers_batch(batch)
    loaded.execute(
        "INSERT INTO later VALUES (gen_random_uuid(), %s, %s)", loaded.content_type("images", "imagebatch"), empty
    )
    loaded.load("images")
    assert loaded.value("SELECT count(*) FROM images_batch WHERE id = %s", empty) == 1


# --- counts -----------------------------------------------------------------------------------------------------------


def test_the_count_of_every_batch_is_true_afterwards(loaded: Clinic) -> None:
    loaded.native_batch(loaded.exports["Contacts"][0]["id"], images=3)
    loaded.execute("UPDATE images_batch SET image_count = 7")
    account = loaded.load("images")["images"].account
    assert account.healed == {"counted": 3}
    assert sorted(loaded.values("SELECT image_count FROM images_batch")) == [2, 2, 3]


def test_a_thumbnail_belongs_to_its_image_and_is_none_itself(loaded: Clinic) -> None:
    row = loaded.exports["Image_data"][0]
    loaded.images[image_key(f"{row['recid']}_thumb")] = 77
    account = loaded.load("images")["images"].account
    assert (account.source_rows, account.updated) == (4, 1)
    shown = "SELECT s3_thumbnail_key, thumbnail_size FROM images_image WHERE s3_key = %s"
    assert loaded.row(shown, image_key(row["recid"])) == (image_key(f"{row['recid']}_thumb"), 77)


def test_images_stand_in_the_order_of_their_records(clinic: Clinic) -> None:
    contact = clinic.contact()
    for recid in ("10", "9", "100"):
        clinic.image(contact, recid=recid)
    clinic.load()
    assert clinic.values('SELECT s3_key FROM images_image ORDER BY "order"') == [
        image_key(recid) for recid in ("9", "10", "100")
    ]
    assert clinic.values('SELECT "order" FROM images_image ORDER BY 1') == [0, 1, 2]


def test_images_under_new_filemaker_ids_stay_the_rows_that_they_are(loaded: Clinic) -> None:
    """FileMaker computes the id anew in each export: the file is the same."""
    before = loaded.values("SELECT id::text FROM images_image ORDER BY 1")
    loaded.execute("UPDATE images_image SET category = 'wound' WHERE s3_key = %s", min(loaded.images))
    for row in loaded.exports["Image_data"]:
        row["id"] = filemaker_id("again", row["id"])
    account = loaded.load("image_batches", "images")["images"].account
    assert (account.inserted, account.updated) == (0, 4)
    assert account.healed == {"rekeyed": 4}
    assert loaded.values("SELECT column_name FROM nexus_assets.conflict WHERE resolved_load IS NULL") == ["category"]
    assert loaded.values("SELECT id::text FROM images_image ORDER BY 1") == before
    now = {row["id"].lower() for row in loaded.exports["Image_data"]}
    assert {*loaded.values("SELECT source_id::text FROM nexus_assets.identity_images")} == now
    versions = loaded.versions()
    loaded.load("image_batches", "images")
    assert loaded.versions() == versions


def test_an_emptied_batch_into_which_a_person_wrote_stays(loaded: Clinic, batch: str) -> None:
    loaded.execute("UPDATE images_batch SET description = 'Before the operation' WHERE id = %s", batch)
    for row in loaded.exports["Image_data"][:2]:
        row["date"] = "7/1/2024"
    loaded.load("image_batches", "images")
    assert loaded.row("SELECT description, image_count FROM images_batch WHERE id = %s", batch) == (
        "Before the operation",
        0,
    )


def test_a_removed_batch_leaves_no_conflict(loaded: Clinic, batch: str) -> None:
    other = loaded.patient_id(loaded.exports["Contacts"][1]["id"])
    loaded.execute("UPDATE images_batch SET object_id = %s WHERE id = %s", other, batch)
    loaded.load("image_batches")
    loaded.execute("DELETE FROM images_image WHERE batch_id = %s", batch)
    for row in loaded.exports["Image_data"][:2]:
        row["date"] = "7/1/2024"
    loaded.load("image_batches", "images")
    assert loaded.value("SELECT count(*) FROM images_batch WHERE id = %s", batch) == 0
    assert loaded.values("SELECT resolved_load IS NULL FROM nexus_assets.conflict") == [False]


def test_duplicates_of_a_batch_that_filemaker_no_longer_has_become_one(loaded: Clinic, batch: str) -> None:
    for row in loaded.exports["Image_data"][:2]:
        del loaded.images[image_key(row["recid"])]
    loaded.load("image_batches", "images", allow_missing_files=True)
    duplicate = loaded.importers_batch(batch)
    moved = loaded.value("SELECT min(id::text) FROM images_image WHERE batch_id = %s", batch)
    loaded.execute("UPDATE images_image SET batch_id = %s WHERE id = %s", duplicate, moved)
    loaded.load("image_batches", "images")
    assert loaded.value("SELECT count(*) FROM images_image WHERE batch_id = %s", batch) == 2
    assert loaded.value("SELECT count(*) FROM images_batch WHERE id = %s", duplicate) == 0


def test_no_batch_is_made_for_images_that_are_rejected(clinic: Clinic) -> None:
    contact = clinic.contact()
    clinic.image(contact, "3/18/2024")
    twice = filemaker_id("twice")
    for day, id_ in (("3/19/2024", ""), ("3/20/2024", "none"), ("3/21/2024", twice), ("3/22/2024", twice.lower())):
        clinic.image(contact, day, id=id_)
    assert clinic.load()["images"].account.rejected == {"duplicate_id": 2, "bad_id": 1, "no_id": 1}
    assert clinic.values("SELECT image_count FROM images_batch") == [1]


def test_a_link_to_somebody_who_is_away_is_never_emptied(loaded: Clinic, document: str) -> None:
    """A person linked it, and FileMaker names nobody. Whoever was linked is deleted, not sent for one load, and returns."""
    row = loaded.exports["Contacts"][0]
    patient = loaded.patient_id(row["id"])
    for each in loaded.exports["Docs"]:
        each["id_Contact"] = ""
    loaded.execute("UPDATE documents_document SET object_id = %s WHERE id = %s", patient, document)
    loaded.load()
    loaded.delete_patients(row["id"])
    loaded.remove("Contacts", row["id"])
    loaded.load()
    loaded.exports["Contacts"].append(row)
    loaded.load()
    assert loaded.patient_id(row["id"]) == patient
    assert link(loaded, "documents_document", document)[1] == patient

"""Whatever id a person has in hand, it can be explained, and the explanation holds no patient's data."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable

import pytest

from nexus_assets.admin.explain import Explanation, explain
from nexus_assets.admin.learn import learn
from nexus_assets.entities import ENTITIES
from nexus_assets.nexus.connection import transaction
from nexus_assets_tests.admin.conftest import Command
from nexus_assets_tests.load.clinic import FURNISHED, Clinic, image_key


def explained(clinic: Clinic, text: str, entity: str = "") -> Explanation:
    """What is explained, by the entity that brought the row, or by the one that is named."""
    with transaction(clinic.engine, commit=False) as cursor:
        (told,) = (
            each
            for each in explain(cursor, text)
            if (each.entity == entity or (ENTITIES[each.entity].adds_rows and not entity))
        )
    return told


def contact(clinic: Clinic, number: int = 0) -> str:
    return clinic.exports["Contacts"][number]["id"]


@pytest.mark.parametrize("form", [str.upper, str.lower, lambda text: f" {{{text}}} "], ids=["upper", "lower", "braces"])
def test_a_filemaker_id_is_known_in_any_form(form: Callable[[str], str], loaded: Clinic) -> None:
    told = explained(loaded, form(contact(loaded)))
    assert (told.entity, told.origin, told.is_live) == ("patients", "made", True)
    assert told.nexus_id == loaded.patient_id(contact(loaded))
    assert told.filemaker_id == contact(loaded)


@pytest.mark.parametrize("name", FURNISHED)
def test_an_id_of_ours_leads_to_its_export_row(name: str, loaded: Clinic) -> None:
    nexus_id, row = loaded.row(f"SELECT nexus_id::text, row_number FROM nexus_assets.identity_{name} LIMIT 1")
    told = explained(loaded, nexus_id, name)
    assert told.entity == name
    assert told.last_load is not None
    assert told.last_load.run_id == "test"
    assert f" {row}" in str(told.source_row)
    assert ".csv" in str(told.source_row)


def test_an_s3_key_leads_to_image_batch_and_patient(loaded: Clinic) -> None:
    row = loaded.exports["Image_data"][0]
    told = explained(loaded, image_key(row["recid"]))
    assert (told.entity, told.filemaker_id) == ("images", row["id"])
    (batch,) = told.links
    (patient,) = batch.then
    assert (batch.column, batch.exists, batch.why) == ("batch_id", True, "as FileMaker says")
    assert (patient.column, patient.id) == ("object_id", loaded.patient_id(row["id_Contact"]))
    assert (patient.rule, patient.why) == ("by id_Contact", "as FileMaker says")


def test_a_patient_is_told_with_what_refers_to_it(loaded: Clinic) -> None:
    assert explained(loaded, contact(loaded)).referred_to_by == {
        "appointments.patient_id": 1,
        "documents_document.object_id": 1,
        "images_batch.object_id": 1,
        "notes.patient_id": 1,
    }


def test_every_id_that_a_patient_had_is_told_with_its_times(loaded: Clinic) -> None:
    learned, first, second = str(uuid.uuid4()), loaded.patient_id(contact(loaded)), str(uuid.uuid4())
    path = loaded.folder / "old.csv"
    path.write_text(f"id,filemaker_id\n{learned},{contact(loaded)}\n")
    learn(loaded.engine, path)
    for table in ("notes", "appointments"):
        loaded.execute(f"DELETE FROM {{{table}}}")
    loaded.execute("UPDATE {patients} SET id = %s WHERE id = %s", second, first)
    loaded.load("patients")
    for asked in (learned, first, second, contact(loaded)):
        told = explained(loaded, asked)
        assert [(known.id, known.how, known.is_live) for known in told.ids] == [
            (learned, "learned", False),
            (first, "made", False),
            (second, "adopted", True),
        ]
        before, made, now = told.ids
        assert (before.since, before.until) == (None, None)
        assert (made.since, made.until) == (told.first_load and told.first_load.at, now.since)
        assert now.until is None


def test_a_link_that_followed_its_patient_is_as_filemaker_says(loaded: Clinic) -> None:
    for table in ("notes", "appointments"):
        loaded.execute(f"DELETE FROM {{{table}}}")
    loaded.execute("UPDATE {patients} SET id = gen_random_uuid()")
    loaded.load("patients")
    (link,) = explained(loaded, loaded.exports["Docs"][0]["id"]).links
    assert (link.exists, link.why) == (True, "as FileMaker says")


def test_a_dead_link_is_told(loaded: Clinic) -> None:
    loaded.execute("UPDATE {documents_document} SET object_id = %s", str(uuid.uuid4()))
    (link,) = explained(loaded, loaded.exports["Docs"][0]["id"]).links
    assert (link.exists, link.why) == (False, "dangling")


def test_a_link_that_a_person_set_is_told(loaded: Clinic) -> None:
    loaded.execute("UPDATE {documents_document} SET object_id = %s", loaded.patient_id(contact(loaded, 1)))
    (link,) = explained(loaded, loaded.exports["Docs"][0]["id"]).links
    assert (link.exists, link.why) == (True, "set in Nexus, kept")


def test_what_was_kept_is_told_by_its_column(loaded: Clinic) -> None:
    loaded.execute("UPDATE {images_image} SET caption = 'Healing well'")
    loaded.load("images")
    (kept,) = explained(loaded, loaded.exports["Image_data"][0]["id"]).kept
    assert (kept.column, kept.cause) == ("caption", "edited")


def test_a_rejected_row_is_told_with_its_reason(furnished: Clinic) -> None:
    note = furnished.note(contact(furnished), text="")
    furnished.load()
    told = explained(furnished, note["id"])
    (rejected,) = told.rejected
    assert (told.origin, told.nexus_id) == ("rejected", None)
    assert (rejected.reason, rejected.row, rejected.resolved_load) == ("empty_note", 3, None)
    note["Note"] = "Seen today."
    furnished.load("notes")
    told = explained(furnished, note["id"])
    assert told.is_live
    assert told.first_load is not None
    assert told.rejected[0].resolved_load == told.first_load.id


def test_the_key_of_a_rejected_file_is_told(furnished: Clinic) -> None:
    furnished.images[image_key("4711")] = 10
    furnished.load()
    assert explained(furnished, image_key("4711")).rejected[0].reason == "no_record"


def test_a_persons_own_row_is_native(loaded: Clinic) -> None:
    mine = str(uuid.uuid4())
    loaded.execute(
        "INSERT INTO {images_batch} SELECT %s, content_type_id, object_id, 'Wound', '', NULL, now(), 0 FROM {images_batch} LIMIT 1",
        mine,
    )
    told = explained(loaded, mine)
    assert (told.origin, told.filemaker_id, told.ids) == ("native", None, ())
    assert told.links[0].why == "set in Nexus"


def test_a_row_of_another_importer_is_told_before_the_first_load(furnished: Clinic) -> None:
    furnished.execute(
        "INSERT INTO {patients} (id, first_name, last_name, archived, created_at, updated_at, filemaker_metadata)"
        " VALUES (gen_random_uuid(), 'Wren', 'Wattle', false, now(), now(), jsonb_build_object('filemaker_id', %s::text))",
        contact(furnished),
    )
    assert explained(furnished, contact(furnished)).origin == "not_loaded_yet"


def test_a_twin_is_told_apart_from_the_current_row(loaded: Clinic) -> None:
    loaded.execute(
        "INSERT INTO {patients} (id, first_name, last_name, archived, created_at, updated_at, filemaker_metadata)"
        " VALUES (gen_random_uuid(), 'Wren', 'Wattle', false, now(), now(), jsonb_build_object('filemaker_id', %s::text))",
        contact(loaded),
    )
    with transaction(loaded.engine, commit=False) as cursor:
        found = [told.origin for told in explain(cursor, contact(loaded)) if told.entity == "patients"]
    assert sorted(found) == ["made", "twin"]


@pytest.mark.parametrize("text", ["5f0c6a52-7f0b-4a3e-9c1d-0a1b2c3d4e5f", "nothing/like/it.jpg", "100%", "'; --", ""])
def test_what_is_not_known_exits_1(text: str, loaded: Clinic, command: Callable[[Clinic], Command]) -> None:
    assert command(loaded)("explain", "--", text).exit_code == 1


def test_it_looks_where_nothing_was_ever_loaded(clinic: Clinic, command: Callable[[Clinic], Command]) -> None:
    assert command(clinic)("explain", str(uuid.uuid4())).exit_code == 1


def test_it_writes_nothing(loaded: Clinic) -> None:
    before = loaded.versions(), loaded.versions("nexus_assets")
    explained(loaded, contact(loaded))
    assert (loaded.versions(), loaded.versions("nexus_assets")) == before


def test_no_patients_data_is_told(loaded: Clinic, command: Callable[[Clinic], Command]) -> None:
    loaded.execute("UPDATE {images_image} SET caption = 'Canary caption'")
    loaded.execute("UPDATE {notes} SET content = 'Canary note'")
    loaded.load("images", "notes")
    run = command(loaded)
    for name in ENTITIES:
        for nexus_id in loaded.values(f"SELECT nexus_id::text FROM nexus_assets.identity_{name}"):
            for words in ((nexus_id,), (nexus_id, "--json")):
                output = run("explain", *words).output
                assert nexus_id in output
                for canary in ("Wattle", "Wren", "Banksia", "1950", "Seen today", "Canary"):
                    assert canary not in output


def test_the_json_is_what_the_text_tells(loaded: Clinic, command: Callable[[Clinic], Command]) -> None:
    result = command(loaded)("explain", contact(loaded), "--json")
    assert result.exit_code == 0
    told, numbers = json.loads(result.output)
    assert (told["entity"], numbers["entity"]) == ("patients", "patient_communications")
    assert told["ids"][0]["id"] == loaded.patient_id(contact(loaded))


def test_it_works_over_djangos_own_table_names(loaded_under_django_names: Clinic) -> None:
    assert explained(loaded_under_django_names, contact(loaded_under_django_names)).table == "patients_patient"


def test_the_id_of_a_patient_is_one_story_with_their_numbers(
    loaded: Clinic, command: Callable[[Clinic], Command]
) -> None:
    told = command(loaded)("explain", contact(loaded)).output
    assert [line.split()[0] for line in told.splitlines() if line.startswith(("what", "also", "id ", "origin"))] == [
        *("what", "origin", "id", "also")
    ]
    also = told[told.index("also") :]
    assert "patient_communications" in also
    assert "Coms.csv" in also
    assert "referred to by" not in also

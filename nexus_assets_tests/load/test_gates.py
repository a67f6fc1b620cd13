"""What is so unlike the last load that nobody should load it unasked: stopped before anything is written, with its setting."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from nexus_assets.ledger.schema import database_mark
from nexus_assets.load.gates import GateError, ParentsGoneError
from nexus_assets_tests.load.clinic import Clinic, filemaker_id, image_key, patients_alone


@pytest.fixture
def loaded(loaded: Clinic) -> Clinic:
    return patients_alone(loaded)


PEOPLE = 100
TABLES = {"images": "images_image", "documents": "documents_document"}


@pytest.fixture
def hundred(clinic: Clinic) -> Clinic:
    """A clinic of a hundred people, loaded."""
    for number in range(PEOPLE):
        clinic.contact(f"Wattle {number}", DOB=f"1/{number % 28 + 1}/1950")
    clinic.load("patients")
    return clinic


def stopped(clinic: Clinic, name: str, setting: str, says: str, **settings: Any) -> None:
    """The load stops with this setting in its words, before anything is written; with the setting it goes through."""
    before, ledger = clinic.versions(), clinic.versions("nexus_assets")
    with pytest.raises(GateError, match=says) as raised:
        clinic.load(name, **settings)
    assert raised.value.setting == setting
    assert f"{setting}: true" in str(raised.value)
    assert json.dumps({"ops": {name: {"config": {setting: True}}}}) in str(raised.value)
    assert f"`nexus-assets load {name} --with {setting}`" in str(raised.value)
    assert "Nothing was written" in str(raised.value)
    assert (clinic.versions(), clinic.versions("nexus_assets")) == (before, ledger)
    clinic.load(name, **{**settings, setting: True})


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("entity", "export"), [("images", "Image_data"), ("documents", "Docs")])
def test_one_file_that_is_gone_while_the_export_names_it_stops_the_load(
    entity: str, export: str, loaded: Clinic
) -> None:
    files = getattr(loaded, entity)
    nexus_id = loaded.value(f"SELECT nexus_id::text FROM nexus_assets.identity_{entity} ORDER BY source_id LIMIT 1")
    key = loaded.value(f"SELECT s3_key FROM {TABLES[entity]} WHERE id = '{nexus_id}'")
    size = files.pop(key)
    before = loaded.versions()
    with pytest.raises(GateError, match=f"{export} still names") as refused:
        loaded.load(entity)
    assert refused.value.setting == "allow_missing_files"
    assert nexus_id in str(refused.value)
    assert key not in str(refused.value)
    assert loaded.versions() == before
    assert loaded.load(entity, allow_missing_files=True)[entity].account.healed == {"vanished": 1}
    assert loaded.load(entity)[entity].account.healed == {}
    files[key] = size
    assert loaded.load(entity)[entity].account.healed == {"returned": 1}


@pytest.mark.parametrize(("entity", "export"), [("images", "Image_data"), ("documents", "Docs")])
def test_file_that_is_gone_with_its_row_in_the_export_stops_nothing(entity: str, export: str, loaded: Clinic) -> None:
    key = loaded.value(f"SELECT s3_key FROM {TABLES[entity]} ORDER BY s3_key LIMIT 1")
    del getattr(loaded, entity)[key]
    loaded.exports[export] = [row for row in loaded.exports[export] if not _describes(row, key)]
    assert loaded.load(entity)[entity].account.healed["vanished"] == 1


def _describes(row: Mapping[str, str], key: str) -> bool:
    stem = key.rpartition("/")[2].partition(".")[0].lower()
    return stem in {value.lower() for value in row.values()}


# --- vanished ---------------------------------------------------------------------------------------------------------


def test_half_an_export_is_stopped(hundred: Clinic) -> None:
    del hundred.exports["Contacts"][50:]
    stopped(hundred, "patients", "allow_vanished", "50 of 100 known rows of patients are not in this export")


def test_export_of_another_clinic_is_said_to_be_possible(hundred: Clinic) -> None:
    hundred.exports["Contacts"] = []
    for number in range(100):
        hundred.contact(f"Elsewhere{number}")
    stopped(hundred, "patients", "allow_vanished", "100 of 100 known rows .* or another clinic's")


@pytest.mark.parametrize(
    ("form", "reason"), [("{{{}}}", "bad_id"), ("urn:uuid:{}", "bad_id"), ("", "no_id")], ids=["braces", "urn", "none"]
)
def test_ids_in_another_form_are_not_taken_for_a_cut_export(form: str, reason: str, hundred: Clinic) -> None:
    for row in hundred.exports["Contacts"]:
        row["id"] = form.format(row["id"])
    says = f"under their ids, and 100 {reason} of its rows .* in another form"
    stopped(hundred, "patients", "allow_vanished", says, allow_rejected=True)


@pytest.mark.parametrize("vanish", [1, 20])
def test_a_few_may_vanish(vanish: int, hundred: Clinic) -> None:
    del hundred.exports["Contacts"][-vanish:]
    assert hundred.load("patients")["patients"].account.healed == {"vanished": vanish}


def test_twenty_one_are_too_many(hundred: Clinic) -> None:
    del hundred.exports["Contacts"][-21:]
    stopped(hundred, "patients", "allow_vanished", "21 of 100")


def test_two_percent_of_many_are_not(clinic: Clinic) -> None:
    for number in range(1100):
        clinic.contact(f"Wattle {number}")
    clinic.load("patients")
    del clinic.exports["Contacts"][-22:]
    assert clinic.load("patients")["patients"].account.healed == {"vanished": 22}


def test_what_vanished_before_is_not_counted_again(hundred: Clinic) -> None:
    for _ in range(3):
        del hundred.exports["Contacts"][-15:]
        hundred.load("patients")


def test_rows_that_are_rejected_have_not_vanished(hundred: Clinic) -> None:
    for row in hundred.exports["Contacts"][:50]:
        row["nameLast"] = ""
    stopped(
        hundred, "patients", "allow_rejected", "50 of 100 rows of patients would be rejected.* now: 50 no_last_name"
    )


def test_half_a_listing_is_stopped(clinic: Clinic) -> None:
    contact = clinic.contact()
    for _ in range(50):
        clinic.document(contact)
    clinic.load("patients", "documents")
    clinic.documents = dict(list(clinic.documents.items())[25:])
    stopped(clinic, "documents", "allow_missing_files", "25 of 50 known documents have no file")


def test_files_that_lost_their_rows_are_a_cut_export_too(clinic: Clinic) -> None:
    contact = clinic.contact()
    for _ in range(50):
        clinic.document(contact)
    clinic.load("patients", "documents")
    del clinic.exports["Docs"][25:]
    stopped(clinic, "documents", "allow_vanished", "25 of 50 known documents have lost their row in Docs")


# --- re-keyed ---------------------------------------------------------------------------------------------------------


def rekey(clinic: Clinic, number: int) -> None:
    for row in clinic.exports["Contacts"][:number]:
        row["id"] = filemaker_id("anew", row["id"])


def test_people_under_new_ids_are_stopped(hundred: Clinic) -> None:
    rekey(hundred, 3)
    stopped(hundred, "patients", "allow_rekeyed", "3 of 100 known patients come under new FileMaker ids")


def test_all_people_under_new_ids_are_told_as_such(hundred: Clinic) -> None:
    rekey(hundred, PEOPLE)
    stopped(hundred, "patients", "allow_rekeyed", "100 of 100 known patients", allow_vanished=True)


def test_new_people_with_old_names_are_not_rekeyed_ones(hundred: Clinic) -> None:
    for number in range(10):
        hundred.contact(f"Wattle {number}", id=filemaker_id("namesake", number), DOB=f"1/{number % 28 + 1}/1950")
    assert hundred.load("patients")["patients"].account.inserted == 10


# --- rejected ---------------------------------------------------------------------------------------------------------


def test_six_more_percent_rejected_are_stopped(hundred: Clinic) -> None:
    for row in hundred.exports["Contacts"][:6]:
        row["nameLast"] = ""
    stopped(
        hundred, "patients", "allow_rejected", "6 of 100 rows of patients would be rejected; the last load rejected 0"
    )


def test_five_more_percent_rejected_are_not(hundred: Clinic) -> None:
    for row in hundred.exports["Contacts"][:5]:
        row["nameLast"] = ""
    assert hundred.load("patients")["patients"].account.rejected == {"no_last_name": 5}


def test_rejected_rows_are_measured_against_the_last_load(hundred: Clinic) -> None:
    for row in hundred.exports["Contacts"][:30]:
        row["nameLast"] = ""
    hundred.load("patients", allow_rejected=True)
    hundred.exports["Contacts"][31]["nameLast"] = ""
    assert sum(hundred.load("patients")["patients"].account.rejected.values()) == 31


def test_the_first_load_is_compared_with_nothing(clinic: Clinic) -> None:
    for number in range(50):
        clinic.contact("", id=filemaker_id("first", number))
    assert clinic.load("patients")["patients"].account.rejected == {"no_last_name": 50}


# --- all three at once ------------------------------------------------------------------------------------------------

MANY = 300


@pytest.mark.slow
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate],
)
@given(vanish=st.integers(0, 40), rekeyed=st.integers(0, 3), reject=st.integers(0, 40))
@example(vanish=20, rekeyed=0, reject=0)
@example(vanish=21, rekeyed=0, reject=0)
@example(vanish=0, rekeyed=1, reject=15)
@example(vanish=0, rekeyed=0, reject=16)
@example(vanish=0, rekeyed=2, reject=0)
def test_a_gate_stops_just_what_is_beyond_its_bounds(vanish: int, rekeyed: int, reject: int, clinic: Clinic) -> None:
    if not clinic.exports["Contacts"]:
        for number in range(MANY):
            clinic.contact(f"Wattle {number}", DOB=f"1/{number % 28 + 1}/1950")
        clinic.load("patients")
    whole = clinic.exports["Contacts"]
    clinic.exports["Contacts"] = [dict(row) for row in whole[: MANY - vanish]]
    rekey(clinic, rekeyed)
    for row in clinic.exports["Contacts"][rekeyed : rekeyed + reject]:
        row["nameLast"] = ""
    beyond = {
        "allow_rekeyed": rekeyed > MANY * 0.005,
        "allow_vanished": vanish + rekeyed > 20,
        "allow_rejected": reject > 5 and reject / (MANY - vanish) > 0.05,
    }
    allowed: dict[str, bool] = {}
    for setting in (name for name, is_beyond in beyond.items() if is_beyond):
        with pytest.raises(GateError) as raised:
            clinic.load("patients", commit=False, **allowed)
        assert raised.value.setting == setting
        allowed[setting] = True
    clinic.load("patients", commit=False, **allowed)
    clinic.exports["Contacts"] = whole


# --- older ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def changed(loaded: Clinic) -> Clinic:
    """A loaded clinic with another content in its export: the same one again is not older, whatever its time."""
    loaded.exports["Contacts"][0]["nameMiddle"] = "x"
    return loaded


def test_an_older_export_is_stopped(changed: Clinic) -> None:
    changed.later(timedelta(days=-1))
    stopped(
        changed,
        "patients",
        "allow_older_export",
        r"Contacts.csv is of 2026-03-01T09:00:00.*; the one loaded last is of 2026-03-02",
    )


def test_a_newer_export_is_loaded(changed: Clinic) -> None:
    changed.later()
    assert changed.load("patients")["patients"].account.updated == 1


def test_the_same_export_with_an_older_time_is_the_same(loaded: Clinic) -> None:
    loaded.later(timedelta(days=-1))
    loaded.load("patients")


@pytest.mark.parametrize(
    ("before", "after", "older"),
    [
        ("V9", "V10", False),
        ("V10", "V9", True),
        ("V9", "V8", True),
        ("V99", "V100", False),
    ],
)
def test_versions_are_compared_as_numbers(before: str, after: str, older: bool, loaded: Clinic) -> None:
    loaded.file_names["Image_data"] = f"Image_data{before}.csv"
    (loaded.folder / "Image_data.csv").unlink(missing_ok=True)
    loaded.load("images")
    (loaded.folder / f"Image_data{before}.csv").unlink()
    loaded.file_names["Image_data"] = f"Image_data{after}.csv"
    loaded.exports["Image_data"][0]["fileName"] = "changed.jpg"
    loaded.later(timedelta(days=1 if older else -1))  # the version counts, not the time
    if older:
        number = after.removeprefix("V")
        stopped(loaded, "images", "allow_older_export", f"Image_data{after}.csv is version {number}; version")
    else:
        loaded.load("images")


def test_without_a_version_the_time_counts(loaded: Clinic) -> None:
    loaded.file_names["Image_data"] = "Image_dataV9.csv"
    (loaded.folder / "Image_data.csv").unlink(missing_ok=True)
    loaded.load("images")
    (loaded.folder / "Image_dataV9.csv").unlink()
    del loaded.file_names["Image_data"]
    loaded.exports["Image_data"][0]["fileName"] = "changed.jpg"
    loaded.later(timedelta(days=3))
    loaded.load("images")


# --- another database -------------------------------------------------------------------------------------------------


def test_a_copied_ledger_is_stopped(loaded: Clinic) -> None:
    loaded.execute("UPDATE nexus_assets.about SET database_mark = 'elsewhere'")
    stopped(loaded, "patients", "allow_other_database", "made in another one: this is a copy or a restored dump")
    with loaded.cursor() as cursor:
        here = database_mark(cursor)
    assert loaded.value("SELECT database_mark FROM nexus_assets.about") == here
    loaded.load("patients")


@pytest.mark.commits
def test_a_copied_database_is_noticed(loaded: Clinic, new_database: Callable[[str], str]) -> None:
    loaded.close()
    loaded.engine.dispose()
    del loaded.__dict__["_connection"]
    copied = Clinic(new_database(str(loaded.engine.url.database)), loaded.folder, exports=loaded.exports)
    with pytest.raises(GateError, match="a copy or a restored dump"):
        copied.load("patients")


# --- the order of day and month ---------------------------------------------------------------------------------------


def test_dates_in_another_order_are_stopped(clinic: Clinic) -> None:
    for day in range(13, 28):
        clinic.contact(f"Wattle {day}", DOB=f"4/{day}/1950")
    clinic.load("patients")
    for row in clinic.exports["Contacts"]:
        month, day, year = row["DOB"].split("/")
        row["DOB"] = f"{day}/{month}/{year}"
    stopped(clinic, "patients", "allow_date_order_change", "dates in DOB were written mdy in the last load and are dmy")
    assert clinic.value("SELECT count(*) FROM patients WHERE extract(month FROM dob) = 4") == 15


# --- nothing to load --------------------------------------------------------------------------------------------------


def test_an_export_without_a_row_is_stopped(clinic: Clinic) -> None:
    stopped(
        clinic,
        "patients",
        "allow_empty",
        "Contacts.csv, the export Contacts, has headings and no row",
        allow_empty=False,
    )
    # Somebody said that it is so: not asked again while it is.
    clinic.load("patients", allow_empty=False)


def test_an_export_that_has_no_row_any_more_is_stopped(hundred: Clinic) -> None:
    hundred.exports["Contacts"].clear()
    stopped(hundred, "patients", "allow_empty", "headings and no row", allow_empty=False, allow_vanished=True)


def test_a_bucket_without_a_file_is_stopped(clinic: Clinic) -> None:
    clinic.image(clinic.contact())
    clinic.load("patients")
    clinic.images.clear()
    says = "bucket clinic has no file of images: check NEXUS_S3_BUCKET and NEXUS_IMAGES_PREFIX"
    stopped(clinic, "image_batches", "allow_empty", says, allow_empty=False)


def test_files_of_which_an_empty_export_says_nothing_are_stopped(clinic: Clinic) -> None:
    clinic.document(clinic.contact())
    clinic.load("patients")
    clinic.exports["Docs"].clear()
    stopped(clinic, "documents", "allow_empty", "the export Docs, has headings and no row", allow_empty=False)


def test_files_that_make_no_batch_are_stopped(clinic: Clinic) -> None:
    clinic.image(clinic.contact(), id_Contact="")
    clinic.load("patients")
    says = "no row of image_batches in Image_data and the bucket's images"
    stopped(clinic, "image_batches", "allow_empty", says, allow_empty=False)


def test_a_first_load_of_which_nothing_can_be_loaded_is_stopped(clinic: Clinic) -> None:
    clinic.contact("")
    clinic.contact("x" * 1000)
    says = r"Not one of the 2 rows of patients can be loaded \(no_last_name, too_long:last_name\)"
    stopped(clinic, "patients", "allow_empty", says, allow_empty=False)


# --- parents that are gone --------------------------------------------------------------------------------------------


def refused_until_the_parents_are_there(clinic: Clinic, name: str, parent: str) -> None:
    """The load stops before anything is written, and names the command that brings the parents back first."""
    before, ledger = clinic.versions(), clinic.versions("nexus_assets")
    with pytest.raises(ParentsGoneError, match=rf"refers to {parent}.*--select '\*{name}'"):
        clinic.load(name)
    assert (clinic.versions(), clinic.versions("nexus_assets")) == (before, ledger)
    clinic.load()
    clinic.load(name)


@pytest.mark.parametrize("name", ["appointments", "notes", "documents", "image_batches", "images"])
@pytest.mark.parametrize("gone", ["made again", "deleted"])
def test_a_child_is_not_loaded_while_another_tool_has_its_parents(gone: str, name: str, loaded: Clinic) -> None:
    (loaded.recreate_patients if gone == "made again" else loaded.delete_patients)(loaded.exports["Contacts"][0]["id"])
    refused_until_the_parents_are_there(loaded, name, "patients")


def test_images_are_not_loaded_while_another_tool_has_their_batches(loaded: Clinic) -> None:
    """The image that a person moved into one of them would be put back."""
    other = loaded.batch_of(loaded.exports["Image_data"][-1])
    first = loaded.exports["Image_data"][0]
    loaded.execute("UPDATE images_image SET batch_id = %s WHERE s3_key = %s", other, image_key(first["recid"]))
    loaded.load("images")
    again = loaded.importers_batch(other)
    loaded.execute("UPDATE images_image SET batch_id = %s WHERE batch_id = %s", again, other)
    loaded.execute("DELETE FROM images_batch WHERE id = %s", other)
    refused_until_the_parents_are_there(loaded, "images", "image_batches")
    assert loaded.batch_of(first) == again


@pytest.mark.parametrize("table", ["documents_document", "images_batch"])
def test_what_a_person_gave_to_somebody_whom_another_tool_made_again_stays_given(table: str, loaded: Clinic) -> None:
    entity = "documents" if table == "documents_document" else "image_batches"
    other = loaded.exports["Contacts"][1]["id"]
    row = loaded.value(f"SELECT id::text FROM {table} WHERE object_id <> %s", loaded.patient_id(other))
    loaded.execute(f"UPDATE {table} SET object_id = %s WHERE id = %s", loaded.patient_id(other), row)
    loaded.load(entity)
    loaded.recreate_patients(other)
    refused_until_the_parents_are_there(loaded, entity, "patients")
    assert loaded.value(f"SELECT object_id::text FROM {table} WHERE id = %s", row) == loaded.patient_id(other)


def test_one_who_vanished_and_was_made_again_is_followed_first(loaded: Clinic) -> None:
    contact = loaded.exports["Contacts"][0]["id"]
    loaded.remove("Contacts", contact)
    loaded.load("patients")
    loaded.recreate_patients(contact)
    refused_until_the_parents_are_there(loaded, "documents", "patients")


def test_a_parent_that_was_rejected_once_is_waited_for_like_any_other(loaded: Clinic) -> None:
    row = loaded.exports["Contacts"][0]
    for last_name in ("", "Wattle"):
        row["nameLast"] = last_name
        loaded.later()
        loaded.load("patients")
    loaded.delete_patients(row["id"])
    refused_until_the_parents_are_there(loaded, "documents", "patients")


def test_parents_that_no_load_can_bring_back_stop_nothing(loaded: Clinic) -> None:
    vanished, rejected = loaded.exports["Contacts"]
    loaded.delete_patients(vanished["id"], rejected["id"])
    loaded.remove("Contacts", vanished["id"])
    rejected["nameLast"] = ""
    loaded.load("patients", allow_empty=True)
    assert loaded.load("documents")["documents"].account.orphans == 0


def test_people_who_vanished_before_are_known_under_their_new_ids(hundred: Clinic) -> None:
    gone = hundred.exports["Contacts"][:15]
    del hundred.exports["Contacts"][:15]
    hundred.load("patients")
    hundred.exports["Contacts"] += [{**row, "id": filemaker_id("again", row["id"])} for row in gone]
    stopped(hundred, "patients", "allow_rekeyed", "15 of 85 known patients come under new FileMaker ids")

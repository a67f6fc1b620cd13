"""Records and files that do not pair off as they should: numbers that Excel touched, two files of one record, names in lookups."""

from __future__ import annotations

import pytest

from nexus_assets.sources.s3 import mime_type
from nexus_assets_tests.load.clinic import Clinic, filemaker_id, image_key

IMAGES = ("patients", "image_batches", "images")


@pytest.mark.parametrize("form", ["{}.0", "{}.00", "{},0", " {} ", "{}.", "\u200e{}.0"])
def test_a_record_number_that_became_a_decimal_one_is_the_record(loaded: Clinic, form: str) -> None:
    for row in loaded.exports["Image_data"]:
        row["recid"] = form.format(row["recid"])
    found = loaded.load(*IMAGES)
    for name in IMAGES:
        account = found[name].account
        assert (account.rejected, account.inserted, account.updated, account.notices) == ({}, 0, 0, {})


def test_thousands_of_a_record_number_are_understood(clinic: Clinic) -> None:
    contact = clinic.contact("Wattle")
    image = clinic.image(contact)
    clinic.images = {image_key("12345"): 10}
    image["recid"] = "12,345.00"
    assert clinic.load(*IMAGES)["images"].account.inserted == 1
    assert clinic.value("SELECT caption FROM images_image").endswith("(RecordID: 12345)")


def double(clinic: Clinic) -> str:
    """Gives the first image a second file; returns the first one's key."""
    first = next(iter(clinic.images))
    clinic.images[first.replace(".jpg", ".JPG")] = 77
    clinic.images[first.replace(".jpg", ".png")] = 78
    return first


def test_the_file_that_is_loaded_stays_beside_another_of_its_record(loaded: Clinic) -> None:
    double(loaded)
    before = (
        loaded.rows("SELECT t::text FROM images_image AS t ORDER BY 1"),
        loaded.rows("SELECT t::text FROM images_batch AS t ORDER BY 1"),
    )
    found = loaded.load(*IMAGES)["images"].account
    assert found.rejected == {"ambiguous_file": 2}
    assert (found.inserted, found.updated) == (0, 0)
    assert before == (
        loaded.rows("SELECT t::text FROM images_image AS t ORDER BY 1"),
        loaded.rows("SELECT t::text FROM images_batch AS t ORDER BY 1"),
    )


def test_of_two_new_files_of_one_record_none_is_guessed(furnished: Clinic) -> None:
    first = double(furnished)
    assert furnished.load(*IMAGES)["images"].account.rejected == {"ambiguous_file": 3}
    keys = furnished.values("SELECT payload ->> 'key' FROM nexus_assets.reject WHERE entity = 'images' ORDER BY 1")
    assert {key.casefold().rpartition(".")[0] for key in keys} == {first.casefold().rpartition(".")[0]}


def test_a_file_that_was_removed_resolves_it(loaded: Clinic) -> None:
    first = double(loaded)
    loaded.load(*IMAGES)
    loaded.images = {key: size for key, size in loaded.images.items() if key == first or not key.startswith(first[:-4])}
    assert loaded.load(*IMAGES)["images"].account.rejected == {}
    assert loaded.value("SELECT count(*) FROM nexus_assets.reject WHERE resolved_load IS NULL") == 0


def test_two_document_files_of_one_record_leave_the_loaded_one(loaded: Clinic) -> None:
    first = next(iter(loaded.documents))
    loaded.documents[first.replace(".pdf", ".docx")] = 9
    account = loaded.load("patients", "documents")["documents"].account
    assert (account.rejected, account.updated, account.inserted) == ({"ambiguous_file": 1}, 0, 0)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("101.jpg", "image/jpeg"),
        ("101.JFIF", "image/jpeg"),
        ("101.webp", "image/webp"),
        ("101.heic", "image/heic"),
        ("a.b.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.rtf", "application/rtf"),
        ("a.msg", "application/vnd.ms-outlook"),
        ("a.pdf", "application/pdf"),
        ("a.unknown", "application/octet-stream"),
        ("none", "application/octet-stream"),
    ],
)
def test_a_mime_type_is_the_same_on_every_machine(name: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mimetypes.guess_type", lambda *_, **__: ("text/of-the-machine", None))
    assert mime_type(name) == kind


@pytest.mark.parametrize(
    ("exported", "kept"),
    [
        ("Rene\u0301e Dubois", "Renée Dubois"),
        ("Sean O\u2019Brien", "Sean O'Brien"),
        ("\u200eWren\u00a0Wattle", "wren wattle"),
    ],
)
def test_a_clinician_is_found_as_a_person_reads_the_name(furnished: Clinic, exported: str, kept: str) -> None:
    furnished.execute(
        "UPDATE clinicians SET full_name = %s WHERE id = (SELECT min(id::text)::uuid FROM clinicians)", kept
    )
    for row in furnished.exports["Appointments"]:
        row["id_Clinician"] = filemaker_id("x")
    (furnished.folder / "Clinicians.csv").write_text(f"id,full name\n{filemaker_id('x')},{exported}\n", "utf-8")
    assert "unknown_clinician" not in furnished.load("patients", "appointments")["appointments"].account.notices

"""What is worth telling of rows that were loaded all the same: of all rows, on every run."""

from __future__ import annotations

import pytest

from nexus_assets.entities import ENTITIES
from nexus_assets.local.nexus_seed import CLINICS
from nexus_assets.mapping import parse
from nexus_assets.mapping.entity import Column
from nexus_assets.mapping.reasons import NOTICES
from nexus_assets_tests.load.clinic import DOCUMENT_FOLDER, Clinic, filemaker_id, image_key


def notices(clinic: Clinic, name: str) -> dict[str, int]:
    return clinic.load(name)[name].account.notices


@pytest.fixture
def noticed(clinic: Clinic) -> Clinic:
    """A clinic with something to notice in every way."""
    contact = clinic.contact("A", Clinic_Name="Nowhere", Funding="Nobody", DOB="1/1/2999")
    clinic.contact("B", Clinic_Name="Nowhere")
    clinic.contact("C", Clinic_Name=CLINICS[0].name.upper() + " ", id_Clinic="", Funding=" ndis")
    clinic.appointment(
        contact, endTime="8:00", id_Clinician=filemaker_id("x"), Type="Unheard of", id_Clinic=filemaker_id("y")
    )
    clinic.extra_headings["Appointments"] = ("Status",)
    clinic.appointment(contact, Status="Tentative")
    clinic.document("0A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D")
    clinic.documents["patients/filemaker-import/documents/0A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D.pdf"] = 5
    clinic.add("Docs", id_Contact=contact)
    return clinic


EXPECTED = {
    "patients": {"unknown_clinic": 2, "unknown_funding": 1, "unreadable_birth_date": 1},
    "appointments": {
        "end_before_start": 1,
        "unknown_appointment_type": 1,
        "unknown_clinic": 1,
        "unknown_clinician": 1,
        "unknown_status": 1,
    },
    "notes": {},
    "documents": {"unlinked": 2, "files_without_row": 1, "rows_without_file": 1},
}


def test_notices_are_the_same_on_every_run(noticed: Clinic) -> None:
    for _ in range(3):
        assert {name: notices(noticed, name) for name in EXPECTED} == EXPECTED


def test_the_ledger_keeps_them_too(noticed: Clinic) -> None:
    noticed.load(*EXPECTED)
    noticed.load(*EXPECTED)
    kept = noticed.rows("SELECT DISTINCT ON (entity) entity, notices FROM nexus_assets.load ORDER BY entity, id DESC")
    assert dict(kept) == EXPECTED


def is_read_as_nothing_in_silence(column: Column) -> bool:
    """Whether the column's parser knows some texts only, and neither a notice nor another column tells of the others."""
    knows_some = column.parser == parse.flag or column.parser.name.startswith("choice(")
    return knows_some and column.parser.notices is parse.text.notices


def test_a_text_that_is_read_as_nothing_is_noticed_or_kept_elsewhere() -> None:
    silent = {
        f"{entity.name}.{column.name}"
        for entity in ENTITIES.values()
        for column in entity.columns
        if is_read_as_nothing_in_silence(column)
    }
    # The metadata keeps the text of an unknown title.
    assert silent == {"patients.title"}


def test_what_nexus_does_not_have_is_noticed_on_every_run(clinic: Clinic) -> None:
    clinic.extra_headings["PatientToReferrer"] = ("Status", "Primary")
    clinic.extra_headings["ReferrerToCompanies"] = ("Primary",)
    contact = clinic.contact("A", gender="Not stated", title="Mx")
    referrer, company = clinic.referrer(), clinic.add("Companies", Name="Bunyip Insoles")["id"]
    clinic.referral(contact, referrer, Status="Expired", Primary="first")
    clinic.works_for(referrer, company, Primary="first")
    for _ in range(2):
        assert notices(clinic, "patients") == {"unknown_sex": 1}
        clinic.load("companies", "specialties", "referrers")
        assert notices(clinic, "patient_referrers") == {"unknown_status": 1, "unknown_flag": 1}
        assert notices(clinic, "referrer_companies") == {"unknown_flag": 1}
    assert clinic.value("SELECT filemaker_metadata ->> 'title' FROM patients") == "Mx"


def test_every_notice_has_its_sentence() -> None:
    assert {code for found in EXPECTED.values() for code in found} <= set(NOTICES)
    assert {"unknown_sex", "unknown_flag"} <= set(NOTICES)


def test_a_corrected_row_is_no_longer_counted(noticed: Clinic) -> None:
    noticed.load("patients")
    noticed.exports["Contacts"][1]["Clinic_Name"] = ""
    assert notices(noticed, "patients")["unknown_clinic"] == 1


def test_a_clinic_that_nexus_learned_is_found_in_unchanged_rows(noticed: Clinic) -> None:
    noticed.load("patients")
    noticed.copy("clinics", noticed.value("SELECT id::text FROM clinics LIMIT 1"), name="Nowhere", filemaker_id=None)
    account = noticed.load("patients")["patients"].account
    assert account.updated == 2
    assert "unknown_clinic" not in account.notices


def test_a_row_that_vanished_or_is_rejected_now_is_not_counted(noticed: Clinic) -> None:
    noticed.load("patients")
    noticed.exports["Contacts"][0]["nameLast"] = ""
    noticed.remove("Contacts", noticed.exports["Contacts"][1]["id"])
    assert notices(noticed, "patients") == {}


def test_a_document_that_a_person_linked_is_not_unlinked(noticed: Clinic) -> None:
    noticed.load("patients", "documents")
    noticed.execute(
        "UPDATE documents_document SET content_type_id = %s, object_id = (SELECT id FROM patients LIMIT 1)",
        noticed.content_type(),
    )
    assert "unlinked" not in notices(noticed, "documents")


def test_a_clinicians_export_gives_their_names(noticed: Clinic) -> None:
    noticed.load("patients", "appointments")
    person = noticed.value("SELECT full_name FROM clinicians ORDER BY 1 LIMIT 1")
    (noticed.folder / "Clinicians.csv").write_text(f"id,full name\n{filemaker_id('x')},{person.upper()}\n", "utf-8")
    account = noticed.load("appointments")["appointments"].account
    assert account.updated == 1
    assert "unknown_clinician" not in account.notices


def test_an_appointment_without_a_clinic_is_at_its_patients(clinic: Clinic) -> None:
    contact = clinic.contact("A", id_Clinic=str(CLINICS[0].filemaker_id).upper(), Clinic_Name="Nowhere")
    clinic.appointment(contact)
    clinic.appointment(contact, "3/19/2024", id_Clinic=str(CLINICS[1].filemaker_id))
    clinic.load("patients", "appointments")
    assert clinic.values(
        "SELECT c.name FROM appointments JOIN clinics AS c ON c.id = clinic_id ORDER BY start_time"
    ) == [
        CLINICS[0].name,
        CLINICS[1].name,
    ]


@pytest.mark.parametrize(
    ("start", "end_day", "end", "counted"),
    [
        ("", "", "", True),
        ("0:00:00", "3/18/2024", "0:00:00", True),
        ("00:00", "", "", True),
        ("0:00:00", "3/18/2024", "1 day, 0:00:00", False),
        ("0:00:00", "3/18/2024", "0:30:00", False),
        ("9:00:00", "3/18/2024", "9:00:00", False),
    ],
)
def test_an_appointment_without_a_time_of_day_is_loaded_as_it_is_and_counted(
    start: str, end_day: str, end: str, counted: bool, clinic: Clinic
) -> None:
    clinic.appointment(clinic.contact(), "3/18/2024", startTime=start, endDate=end_day, endTime=end)
    account = clinic.load("patients", "appointments")["appointments"].account
    assert (account.inserted, account.notices.get("no_time_of_day", 0)) == (1, int(counted))


@pytest.mark.parametrize(
    ("said", "ending", "expected"),
    [
        ("foot.jpg", ".pdf", "foot.pdf"),
        ("foot.jpg", ".png", "foot.png"),
        ("foot.JPG", ".jpg", "foot.JPG"),
        ("foot.jpeg", ".jpg", "foot.jpeg"),
        ("Left foot", ".jpg", "Left foot.jpg"),
        ("Dr. Banksia", ".png", "Dr. Banksia.png"),
        ("scan.v2", ".pdf", "scan.v2.pdf"),
        ("", ".png", "77.png"),
    ],
)
def test_an_image_is_called_as_in_filemaker_with_the_ending_of_its_file(
    said: str, ending: str, expected: str, clinic: Clinic
) -> None:
    contact = clinic.contact()
    for recid in ("77", "78") if said else ("77",):
        clinic.image(contact, recid=recid, Name_of_file=said)
        clinic.images[image_key(recid, ending)] = clinic.images.pop(image_key(recid))
    clinic.load()
    assert clinic.values("SELECT DISTINCT original_name FROM images_image") == [expected]
    # Two of one name are told apart by the record's number.
    captions = clinic.values("SELECT caption FROM images_image")
    assert len(set(captions)) == len(captions)


def test_files_without_a_row_are_counted_apart_from_those_with_one(loaded: Clinic) -> None:
    """Two documents have rows in the export; three more files have none."""
    for number in range(3):
        loaded.documents[f"{DOCUMENT_FOLDER}{filemaker_id('no row', number)}.pdf"] = 1000
    assert loaded.load("documents")["documents"].account.notices["files_without_row"] == 3

"""The demo clinic has the published numbers, as a reader finds them that knows nothing of how it was written."""

from __future__ import annotations

import csv
import hashlib
import random
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from PIL import Image

from nexus_assets.local.clinic import CANARIES, PUBLISHED, SEED, documents, images, notes, write_clinic
from nexus_assets.local.clinic.images import FOLDER_MARKER
from nexus_assets.local.clinic.plan import FIRST_DAY, GOOD, LAST_DAY, PATIENTS, Plan
from nexus_assets.local.clinic.sheets import write_csv, write_xlsx
from nexus_assets.local.clinic.small_talk import ADDENDUM
from nexus_assets.local.nexus_seed import CLINICS, FUNDING_SOURCES

if TYPE_CHECKING:
    from nexus_assets_tests.conftest import Bucket

pytestmark = pytest.mark.extended

Record = dict[str, Any]

EXPORTS = ("Contacts", "Appointments", "Notes", "Docs", "Image_dataV9")
DOCUMENTS = "patients/filemaker-import/documents/"
IMAGES = "filemaker-import/images-bulk-dump/"


@dataclass(frozen=True)
class Written:
    """A clinic on disk, read by openpyxl, csv and the file system."""

    exports: Path
    bucket: Path
    told: list[str] = field(default_factory=list)
    _read: dict[str, list[Record]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> list[Record]:
        if name not in self._read:
            xlsx = self.exports / f"{name}.xlsx"
            self._read[name] = _sheet(xlsx) if xlsx.exists() else _csv(self.exports / f"{name}.csv")
        return self._read[name]

    @cached_property
    def keys(self) -> dict[str, int]:
        """The size of every object in the bucket."""
        files = (path for path in self.bucket.rglob("*") if path.is_file())
        return {path.relative_to(self.bucket).as_posix(): path.stat().st_size for path in files}

    @cached_property
    def patients(self) -> set[str]:
        return {_id(row["id"]) for row in self["Contacts"] if _text(row["nameLast"])}

    def image_files(self) -> dict[str, str]:
        """Returns the key of every image that is neither a thumbnail nor a marker, by its record id."""
        stems = ((key.removeprefix(IMAGES).rpartition(".")[0], key) for key in self.keys if key.startswith(IMAGES))
        return {stem: key for stem, key in stems if stem.isdigit()}

    def document_files(self) -> Iterable[str]:
        """Yields the FileMaker id that the path of each document file tells."""
        for key in self.keys:
            if key.startswith(DOCUMENTS):
                _, _, file_or_folder, *_ = key.removeprefix(DOCUMENTS).split("/")
                yield file_or_folder.removesuffix(".pdf")


def _sheet(path: Path) -> list[Record]:
    workbook = openpyxl.load_workbook(path, read_only=True)
    rows = workbook.worksheets[0].iter_rows(values_only=True)
    headings = [str(heading) for heading in next(rows)]
    records = [dict(zip(headings, row, strict=True)) for row in rows]
    workbook.close()
    return records


def _csv(path: Path) -> list[Record]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def _text(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def _id(cell: object) -> str:
    return _text(cell).upper()


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("clinic")
    write_clinic(folder / "exports", folder / "bucket")
    return Written(folder / "exports", folder / "bucket")


@pytest.fixture(scope="module")
def csv_clinic(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return _written_as_csv(tmp_path_factory.mktemp("csv"))


@pytest.fixture(scope="module")
def larger_clinic(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return _written_as_csv(tmp_path_factory.mktemp("larger"), scale=3)


@pytest.fixture(params=[(1, "csv_clinic"), (3, "larger_clinic")], ids=["1", "3"])
def scaled(request: pytest.FixtureRequest) -> tuple[int, Written]:
    """A scale, and the clinic that was written at it."""
    scale, fixture = request.param
    return scale, request.getfixturevalue(fixture)


@pytest.fixture(scope="module")
def changed_clinic(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return _written_as_csv(tmp_path_factory.mktemp("changed"), changed=0.01)


def _written_as_csv(folder: Path, **choices: Any) -> Written:
    written = Written(folder / "exports", folder / "bucket")
    write_clinic(written.exports, written.bucket, formats="csv", files=False, progress=written.told.append, **choices)
    return written


# The numbers


def test_contacts_have_the_published_numbers(clinic: Written) -> None:
    assert len(clinic["Contacts"]) == PUBLISHED.patients.export_rows == 2_845
    assert len(clinic.patients) == PUBLISHED.patients.nexus_rows == 2_842


def test_appointments_have_the_published_numbers(clinic: Written) -> None:
    assert Counter(_appointment_fault(row, clinic.patients) for row in clinic["Appointments"]) == {
        "no_contact": 5_292,
        "unknown_contact": 15,
        "no_start_date": 5,
        "good": 9_837,
    }


def _appointment_fault(row: Record, patients: set[str]) -> str:
    if not _id(row["id_Contact"]):
        return "no_contact"
    if _id(row["id_Contact"]) not in patients:
        return "unknown_contact"
    return "good" if row["startDate"] else "no_start_date"


def test_notes_have_the_published_numbers(clinic: Written) -> None:
    assert Counter(_note_fault(row, clinic.patients) for row in clinic["Notes"]) == {
        "empty_note": 193,
        "unknown_patient": 5,
        "good": 11_210,
    }


def test_referrers_and_their_links_have_the_published_numbers(scaled: tuple[int, Written]) -> None:
    scale, clinic = scaled
    companies = {_id(row["id"]) for row in clinic["Companies"]}
    referrers = {_id(row["id"]) for row in clinic["Referrers"] if _text(row["nameLast"])} - {""}
    assert (len(companies), len(referrers)) == (93 * scale, 228 * scale)
    assert len({_text(row["contactType"]).lower() for row in clinic["Referrers"]} - {""}) == 21
    for export, ones, others, pairs, good in (
        ("PatientToReferrer", clinic.patients, referrers, ("id_Contact", "id_Perscriber"), 1_705),
        ("ReferrerToCompanies", referrers, companies, ("id_Referrer", "id_Company"), 63),
    ):
        found = {(_id(row[pairs[0]]), _id(row[pairs[1]])) for row in clinic[export]}
        assert len({(one, other) for one, other in found if one in ones and other in others}) == good * scale


def test_coordinators_and_their_patients_have_the_published_numbers(scaled: tuple[int, Written]) -> None:
    scale, clinic = scaled
    rows = [row for row in clinic["Contacts"] if _text(row["NDIS Coordinator Name"])]
    names = [" ".join(_text(row["NDIS Coordinator Name"]).lower().replace("\u2013", "-").split()) for row in rows]
    whole = {name for name in names if " " in name.partition(" - ")[0]}
    assert (len(rows), len({*names}), len(whole)) == (250 * scale, 185 * scale, 183 * scale)
    linked = {
        (_id(row["id"]), name) for row, name in zip(rows, names, strict=True) if _id(row["id"]) in clinic.patients
    }
    assert len([name for _, name in linked if name in whole]) == 247 * scale
    referrers = {f"{row['nameFirst']} {row['nameLast']}".lower() for row in clinic["Referrers"]}
    assert len({name for name in whole if name.partition(" - ")[0] in referrers}) >= 4 * scale
    begun = [datetime.strptime(row["NDIS Plan Start Date"], "%m/%d/%Y").date() for row in rows]  # noqa: DTZ007 - a day
    assert FIRST_DAY < min(begun) < max(begun) < LAST_DAY + timedelta(days=30)


def test_communications_have_the_published_numbers_and_faults(scaled: tuple[int, Written]) -> None:
    scale, clinic = scaled
    companies = {_id(row["id"]) for row in clinic["Companies"]}
    referrers = {_id(row["id"]) for row in clinic["Referrers"] if _text(row["nameLast"])} - {""}
    rows = clinic["Coms"]
    valued = [row for row in rows if _text(row["ph"]) or _text(row["suburb"]) or _text(row["PhoneMobileIntFormat"])]
    of = {
        name: [row for row in valued if _id(row["id.key"]) in ids]
        for name, ids in {"patients": clinic.patients, "referrers": referrers, "companies": companies}.items()
    }
    assert len(rows) == 10_697 * scale
    assert sum(map(len, of.values())) == 7_147 * scale
    kinds = Counter(row["type"].title() for row in of["patients"])
    assert (kinds["Phone"] + kinds["Mobile"], kinds["Email"], kinds["Address"]) == (
        3_647 * scale,
        352 * scale,
        2_584 * scale,
    )
    assert len({_id(row["id.key"]) for row in of["patients"]}) == 2_729 * scale
    assert {_text(row["Email default"]) for row in valued if row["type"] == "Email"} == {"1"}
    assert any(len(row["ph"]) == 9 for row in valued if row["type"] == "Mobile")
    assert any(row["suburb"] and not row["address 1"] for row in valued)


def _note_fault(row: Record, patients: set[str]) -> str:
    if not _text(row["Note"]):
        return "empty_note"
    return "good" if _id(row["id_Key"]) in patients else "unknown_patient"


def test_documents_have_the_published_numbers(clinic: Written) -> None:
    patient_of = {_id(row["id"]): _id(row["id_Contact"]) for row in clinic["Docs"]}
    files = list(clinic.document_files())
    assert len(patient_of) == len(clinic["Docs"]) == 11_274
    assert len(files) == len(set(files)) == 10_190
    assert Counter(_document_link(patient_of.get(file), clinic.patients) for file in files) == {
        "linked": 10_148,
        "unknown_patient": 30,
        "absent": 12,
    }


def _document_link(patient: str | None, patients: set[str]) -> str:
    if patient is None:
        return "absent"
    return "linked" if patient in patients else "unknown_patient"


def test_images_have_the_published_numbers(clinic: Written) -> None:
    files = clinic.image_files()
    rows = {row["recid"]: row for row in clinic["Image_dataV9"]}
    with_file = [rows[recid] for recid in files]
    good = [row for row in with_file if _id(row["id_Contact"]) in clinic.patients]
    batches = {(_id(row["id_Contact"]), _day(row["date"])) for row in good}
    assert len(rows) == len(clinic["Image_dataV9"]) == 6_662
    assert len(rows) - len(with_file) == PUBLISHED.image_rows_without_file == 172
    assert len(files) == PUBLISHED.image_files == 6_490
    assert [row["id_Contact"] for row in with_file if _id(row["id_Contact"]) not in clinic.patients] == [""]
    assert len(good) == PUBLISHED.images.nexus_rows == 6_489
    assert len(batches) == PUBLISHED.image_batches == 1_661
    assert len({patient for patient, _ in batches}) == PUBLISHED.image_batch_patients == 1_303
    assert 0 < sum(day is None for _, day in batches) < 10


def _day(text: str) -> datetime | None:
    return datetime.strptime(text.strip(), "%m/%d/%Y") if text.strip() else None  # noqa: DTZ007 - a day, no instant


def test_rejected_rows_and_the_others_are_all_there_are() -> None:
    linked = (PUBLISHED.companies, PUBLISHED.referrers, PUBLISHED.referrer_companies, PUBLISHED.patient_referrers)
    linked += (PUBLISHED.support_coordinators, PUBLISHED.coordinator_links)
    owners = (PUBLISHED.patient_communications, PUBLISHED.referrer_communications, PUBLISHED.company_communications)
    assert sum(each.export_rows for each in owners) == PUBLISHED.communications
    linked += owners
    for outcome in (PUBLISHED.patients, PUBLISHED.appointments, PUBLISHED.notes, *linked):
        assert outcome.export_rows == outcome.nexus_rows + sum(outcome.rejected.values()) + outcome.collapsed
    assert PUBLISHED.image_files == PUBLISHED.images.nexus_rows + sum(PUBLISHED.images.rejected.values())
    assert PUBLISHED.document_files == PUBLISHED.documents_linked + PUBLISHED.documents_unlinked


@pytest.mark.parametrize("export", EXPORTS)
def test_ids_are_uuids_and_differ(clinic: Written, export: str) -> None:
    ids = [_text(row["id"]) for row in clinic[export]]
    assert all(uuid.UUID(identifier) for identifier in ids)
    assert len({identifier.upper() for identifier in ids}) == len(ids)
    assert 0 <= sum(identifier != identifier.upper() for identifier in ids) < len(ids) / 200


# The forms and faults that real exports have


@pytest.mark.parametrize("export", EXPORTS[:-1])
def test_columns_are_in_alphabetical_order_whatever_their_case(clinic: Written, export: str) -> None:
    headings = list(clinic[export][0])
    assert headings == sorted(headings, key=str.lower)


def test_times_come_as_times_durations_and_text(clinic: Written) -> None:
    ends = [row["endTime"] for row in clinic["Appointments"]]
    assert {type(end) for end in ends} == {time, timedelta, str, type(None)}
    assert {"24:00:00", "1 day, 0:00:00", timedelta(days=1)} <= set(ends)
    assert "0:00:00" in {row["startTime"] for row in clinic["Appointments"]}


def test_no_appointment_ends_before_it_starts(clinic: Written) -> None:
    for row in clinic["Appointments"]:
        if row["endTime"] is not None and row["startDate"]:
            assert _minutes(row["endTime"]) > _minutes(row["startTime"])


def _minutes(cell: time | timedelta | str) -> float:
    if isinstance(cell, time):
        return cell.hour * 60 + cell.minute
    if isinstance(cell, timedelta):
        return cell.total_seconds() / 60
    hours, minutes, _ = cell.replace("1 day, 0:", "24:").split(":")
    return int(hours) * 60 + int(minutes)


def test_dates_are_cells_in_some_columns_and_text_in_others(clinic: Written) -> None:
    assert {type(row["startDate"]) for row in clinic["Appointments"]} == {datetime, type(None)}
    assert all(_day(row["Date"]) for row in clinic["Notes"])
    assert any(int(row["Date"].split("/")[1]) > 12 for row in clinic["Notes"])


def test_names_that_look_like_missing_values_are_names(clinic: Written) -> None:
    assert "Null" in {row["nameLast"] for row in clinic["Contacts"]}
    assert {"Nan", "True"} <= {row["nameFirst"] for row in clinic["Contacts"]}


def test_some_ids_stand_between_blanks(clinic: Written) -> None:
    for export, heading in (("Contacts", "id"), ("Appointments", "id_Contact"), ("Notes", "id_Key")):
        assert any(row[heading] and row[heading] != row[heading].strip() for row in clinic[export])


def test_most_clinics_and_fundings_are_known_to_nexus(clinic: Written) -> None:
    known_clinics = {str(clinic.filemaker_id).upper() for clinic in CLINICS}
    known_fundings = {name.lower() for name, _ in FUNDING_SOURCES}
    fundings = [_text(row["Funding"]).lower() for row in clinic["Contacts"]]
    clinics = [_id(row["id_Clinic"]) for row in clinic["Contacts"]]
    assert len(clinics) * 0.7 < sum(identifier in known_clinics for identifier in clinics) < len(clinics)
    assert len(fundings) * 0.7 < sum(funding in known_fundings for funding in fundings) < len(fundings)


def test_some_notes_were_saved_twice(clinic: Written) -> None:
    contents = Counter((_id(row["id_Key"]), row["Note"], row["Date"]) for row in clinic["Notes"] if _text(row["Note"]))
    assert max(contents.values()) == 2


def test_notes_have_the_length_of_notes(clinic: Written) -> None:
    lengths = sorted(len(row["Note"]) for row in clinic["Notes"] if _text(row["Note"]))
    assert lengths[0] >= 50
    assert lengths[-1] <= 1_500
    assert 200 < lengths[len(lengths) // 2] < 300


def test_image_data_has_a_byte_order_mark_and_returns_as_filemaker_writes_them(clinic: Written) -> None:
    content = (clinic.exports / "Image_dataV9.csv").read_bytes()
    header = b"recid,id,id_Contact,date,Type,fileName,Name_of_file,NexusExportDate\r\n"
    assert content.replace(b'"', b"").startswith(b"\xef\xbb\xbf" + header)
    assert content.count(b"\n") == content.count(b"\r\n") == 6_663
    assert b"\x0b" in content


# The bucket


def test_every_image_is_an_image(clinic: Written) -> None:
    keys = [key for key in clinic.keys if key.startswith(IMAGES) and "$" not in key]
    formats: Counter[tuple[str, str | None]] = Counter()
    for key in keys[::50]:
        with Image.open(clinic.bucket / key) as picture:
            picture.load()
            formats[(key.rpartition(".")[2].lower(), picture.format)] += 1
    assert set(formats) == {("jpg", "JPEG"), ("png", "PNG")}


def test_every_document_is_a_pdf_whose_table_of_objects_is_right(clinic: Written) -> None:
    for key in [key for key in clinic.keys if key.startswith(DOCUMENTS)][::500]:
        content = (clinic.bucket / key).read_bytes()
        table = int(content.split(b"startxref\n")[1].split()[0])
        assert content.startswith(b"%PDF-1.4")
        assert content[table:].startswith(b"xref\n0 6\n")
        assert content[int(content[table:].split(b"\n")[3].split()[0]) :].startswith(b"1 0 obj")


def test_no_two_files_are_alike(clinic: Written) -> None:
    for prefix in (IMAGES, DOCUMENTS):
        keys = [key for key in clinic.keys if key.startswith(prefix) and "_thumb" not in key][:3_000]
        assert len({hashlib.sha256((clinic.bucket / key).read_bytes()).digest() for key in keys}) == len(keys)
        assert len({clinic.keys[key] for key in keys}) > 100


def test_thumbnails_belong_to_images_and_a_marker_belongs_to_nothing(clinic: Written) -> None:
    others = {key for key in clinic.keys if key.startswith(IMAGES)} - set(clinic.image_files().values())
    thumbnails = {key for key in others if "_thumb." in key}
    assert {key.replace("_thumb.", ".") for key in thumbnails} <= set(clinic.image_files().values())
    assert len(thumbnails) > 4_000
    assert [clinic.keys[key] for key in others - thumbnails] == [0]


def test_the_folder_marker_is_listed_as_an_object(bucket: Bucket) -> None:
    marker = bucket.folder / FOLDER_MARKER
    marker.parent.mkdir(parents=True)
    marker.touch()
    s3 = bucket.client()
    listed = s3.list_objects_v2(Bucket=bucket.name, Prefix=IMAGES)["Contents"]
    assert [(found["Key"], found["Size"]) for found in listed] == [(FOLDER_MARKER, 0)]


def test_documents_lie_in_folders_of_their_types_and_those_without_one_in_another(clinic: Written) -> None:
    folders = Counter(key.removeprefix(DOCUMENTS).split("/")[1] for key in clinic.keys if key.startswith(DOCUMENTS))
    assert len(folders) > 5
    assert 0 < folders["other"] < folders.total() / 2
    assert "" not in folders


def test_some_documents_lie_in_a_folder_named_like_a_file(clinic: Written) -> None:
    nested = [key for key in clinic.keys if key.count(".pdf") == 2]
    assert 500 < len(nested) < 4_000


# The canaries


@pytest.mark.parametrize("canary", CANARIES)
def test_every_canary_lives_in_the_exports(clinic: Written, canary: str) -> None:
    assert any(canary in str(cell) for export in EXPORTS for row in clinic[export] for cell in row.values())


def test_every_entity_rejects_a_row_with_a_canary(clinic: Written) -> None:
    rejected = (
        [row for row in clinic["Contacts"] if not _text(row["nameLast"])],
        [row for row in clinic["Appointments"] if _appointment_fault(row, clinic.patients) == "unknown_contact"],
        [row for row in clinic["Notes"] if _note_fault(row, clinic.patients) == "unknown_patient"],
        [row for row in clinic["Docs"] if _id(row["id_Contact"]) and _id(row["id_Contact"]) not in clinic.patients],
        [row for row in clinic["Image_dataV9"] if not _id(row["id_Contact"])],
    )
    for rows in rejected:
        assert any(canary in str(cell) for row in rows for cell in row.values() for canary in CANARIES)


# The choices


def test_the_same_seed_gives_the_same_bytes(clinic: Written) -> None:
    before = _digests(clinic)
    write_clinic(clinic.exports, clinic.bucket)  # over what is there: making as many files anew takes a disk longer
    assert _digests(clinic) == before


def _digests(clinic: Written) -> dict[Path, bytes]:
    files = [*clinic.exports.iterdir(), *(path for path in clinic.bucket.rglob("*") if path.is_file())]
    return {path: hashlib.sha256(path.read_bytes()).digest() for path in files}


def test_another_seed_gives_other_people(csv_clinic: Written, tmp_path: Path) -> None:
    other = _written_as_csv(tmp_path, seed=1)
    assert len(other.patients) == len(csv_clinic.patients)
    assert other.patients.isdisjoint(csv_clinic.patients)


@pytest.mark.parametrize("export", EXPORTS)
def test_csv_and_xlsx_tell_the_same(clinic: Written, csv_clinic: Written, export: str) -> None:
    assert len(clinic[export]) == len(csv_clinic[export])
    for from_xlsx, from_csv in zip(clinic[export], csv_clinic[export], strict=True):
        assert from_xlsx.keys() == from_csv.keys()
        assert _same_words(from_xlsx) == _same_words(from_csv)


def _same_words(row: Record) -> dict[str, str]:
    """Returns the cells that no file format has a form of its own for."""
    dated = ("date", "time", "dob")
    return {h: _text(cell).replace("\x0b", "\n") for h, cell in row.items() if not any(d in h.lower() for d in dated)}


def test_csv_is_written_as_filemaker_does(csv_clinic: Written) -> None:
    content = (csv_clinic.exports / "Notes.csv").read_bytes()
    assert content.startswith(b'"@Notes to Contacts::Name Full","creationAccountName"')
    assert content.count(b"\n") == content.count(b"\r\n") == 11_409
    assert b"\x0b" in content


def test_a_larger_clinic_has_as_many_times_the_numbers(larger_clinic: Written) -> None:
    clinic, published = larger_clinic, PUBLISHED.times(3)
    appointments = Counter(_appointment_fault(row, clinic.patients) for row in clinic["Appointments"])
    notes = Counter(_note_fault(row, clinic.patients) for row in clinic["Notes"])
    assert len(clinic.patients) == published.patients.nexus_rows == 3 * 2_842
    assert appointments == {**published.appointments.rejected, "good": published.appointments.nexus_rows}
    assert notes == {**published.notes.rejected, "good": published.notes.nexus_rows}
    assert len({_id(row["id"]) for row in clinic["Docs"]}) == published.documents.export_rows
    assert len({row["recid"] for row in clinic["Image_dataV9"]}) == published.images.export_rows


@pytest.mark.slow
def test_a_larger_clinic_has_as_many_times_the_batches(larger_clinic: Written) -> None:
    plan = Plan(seed=SEED, scale=3, changed=0)
    image_keys = (key for image in images.images(plan) for key in (image.key, image.thumbnail_key) if key)
    clinic = Written(larger_clinic.exports, larger_clinic.bucket)
    clinic.__dict__["keys"] = dict.fromkeys([*image_keys, *documents.keys(plan)], 0)
    rows = {row["recid"]: row for row in clinic["Image_dataV9"]}
    files = [rows[recid] for recid in clinic.image_files()]
    batches = {(_id(row["id_Contact"]), _day(row["date"])) for row in files if _id(row["id_Contact"])}
    assert len(files) == 3 * 6_490
    assert len(batches) == 3 * 1_661
    assert len({patient for patient, _ in batches}) == 3 * 1_303
    assert len(list(clinic.document_files())) == 3 * 10_190


@pytest.mark.slow
def test_memory_does_not_grow_with_the_clinic(tmp_path: Path) -> None:
    used = [_peak_memory(tmp_path, scale) for scale in (2, 4)]
    assert used[1] < used[0] * 1.1


def _peak_memory(folder: Path, scale: int) -> int:
    """Returns how much memory, in KiB, a process of its own needs at most to write the clinic."""
    script = f"""
import re
from pathlib import Path
from nexus_assets.local.clinic import write_clinic
write_clinic(Path({str(folder)!r}), Path({str(folder)!r}), scale={scale}, formats="csv", files=False)
# The kernel's own figure: getrusage would give the parent's, where that is larger.
print(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""
    return int(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True).stdout)


@pytest.mark.parametrize(("export", "headings"), [
    ("Contacts", {"nameFirst"}),
    ("Appointments", {"notes"}),
    ("Notes", {"Note"}),
    ("Docs", {"Type"}),
    ("Image_dataV9", {"Type"}),
])  # fmt: skip
def test_changed_rows_carry_another_content_under_the_same_id(
    csv_clinic: Written, changed_clinic: Written, export: str, headings: set[str]
) -> None:
    pairs = list(zip(csv_clinic[export], changed_clinic[export], strict=True))
    differing = [{heading for heading in before if before[heading] != after[heading]} for before, after in pairs]
    assert 0.006 < sum(bool(each) for each in differing) / len(pairs) <= 0.011
    assert set().union(*differing) == headings
    assert not any(before["id"] != after["id"] for before, after in pairs)


def test_changed_rows_change_no_published_number(tmp_path: Path) -> None:
    clinic = _written_as_csv(tmp_path, changed=0.5)
    assert Counter(_note_fault(row, clinic.patients) for row in clinic["Notes"])["good"] == 11_210
    appointments = Counter(_appointment_fault(row, clinic.patients) for row in clinic["Appointments"])
    assert appointments["good"] == 9_837
    assert len(clinic.patients) == 2_842


def test_what_is_going_on_is_told(csv_clinic: Written) -> None:
    assert csv_clinic.told == [
        "Contacts.csv: 2,845 rows",
        "Appointments.csv: 15,149 rows",
        "Notes.csv: 11,408 rows",
        "Docs.csv: 11,274 rows",
        "Companies.csv: 93 rows",
        "Referrers.csv: 234 rows",
        "ReferrerToCompanies.csv: 72 rows",
        "PatientToReferrer.csv: 1,720 rows",
        "Coms.csv: 10,697 rows",
        "Image_dataV9.csv: 6,662 rows",
    ]


def test_a_clinic_that_no_sheet_can_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="csv"):
        write_clinic(tmp_path, tmp_path, scale=70, files=False)
    assert not list(tmp_path.iterdir())


def test_small_clinic_has_a_share_of_the_people_with_all_that_is_theirs(csv_clinic: Written, tmp_path: Path) -> None:
    small = _written_as_csv(tmp_path, scale=0.05)
    people = {row["id"].strip() for row in small["Contacts"]}
    assert 0.03 < len(people) / PUBLISHED.patients.export_rows < 0.07
    for name, column in (
        ("Notes", "id_Key"),
        ("Docs", "id_Contact"),
        ("Image_dataV9", "id_Contact"),
        ("PatientToReferrer", "id_Contact"),
    ):
        theirs = [row for row in csv_clinic[name] if row[column].strip().upper() in people]
        assert [row for row in small[name] if row[column].strip().upper() in people] == theirs
        assert len(theirs) > 10


@pytest.mark.parametrize("write", [write_xlsx, write_csv])
def test_rows_that_are_written_are_counted(write: Callable[..., int], tmp_path: Path) -> None:
    assert [write(tmp_path / "Notes", ("id",), [("1",)] * rows) for rows in (0, 1, 2)] == [0, 1, 2]


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_every_patient_has_a_rank_of_their_own(scale: int) -> None:
    plan, patients = Plan(seed=7, scale=scale, changed=0.0), range(scale * PATIENTS)
    assert {*map(plan.scattered, patients)} == {*patients}


def test_a_note_with_an_addendum_is_no_longer_than_any_other() -> None:
    longest = max(len(notes._text(GOOD, random.Random(seed))) for seed in range(1000))
    assert longest + len(ADDENDUM) == notes.LONGEST

"""A small clinic with something for every check to look at, and what a breakage needs to break it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import psycopg2

from nexus_assets.checks import CHECKS
from nexus_assets.checks.check import Check, Finding, StoredFiles
from nexus_assets.checks.files import Opened
from nexus_assets.checks.run import ask_all
from nexus_assets.local.clinic import SEED, write_clinic
from nexus_assets.local.clinic.plan import Plan
from nexus_assets.local.clinic.writing import document_files, image_files
from nexus_assets.local.postgres import ADMIN
from nexus_assets.mapping.entity import Entity
from nexus_assets.sources.s3 import StoredObject, stored_object
from nexus_assets_tests.conftest import Bucket
from nexus_assets_tests.load.clinic import DOCUMENT_FOLDER, IMAGE_FOLDER, OPTIONAL_HEADINGS, Clinic

CONTACTS = ("Wattle", "Banksia", "Grevillea")
NATIVE_KEY = "patients/uploads/native.jpg"
JPEG = b"\xff\xd8\xff\xe0"
PDF = b"%PDF-1.4"


@dataclass
class CheckedClinic(Clinic):
    """A clinic whose files can be broken as well as its rows. `files` lie outside of the import's prefixes."""

    files: dict[str, int] = field(default_factory=dict)
    served: dict[str, Opened] = field(default_factory=dict)

    def add_native_rows(self) -> None:
        """What people made in Nexus: none of it is the import's, and none of it is wrong."""
        patient = self.patient_id(self.exports["Contacts"][0]["id"])
        native = str(uuid.UUID(int=1))
        self.execute(
            "INSERT INTO {patients} SELECT (jsonb_populate_record(p, %s::jsonb)).* FROM {patients} AS p WHERE id = %s",
            f'{{"id": "{native}", "filemaker_metadata": null}}',
            patient,
        )
        self.execute(
            "INSERT INTO {images_batch} (id, content_type_id, object_id, name, description, uploaded_at, image_count)"
            " VALUES (%s, %s, %s, 'Our own', '', now(), 1), (%s, %s, %s, 'Our own', '', now(), 0)",
            *(str(uuid.UUID(int=2)), self.content_type(), patient),
            *(str(uuid.UUID(int=3)), self.content_type(), patient),
        )
        self.execute(
            "INSERT INTO {images_image} (id, batch_id, s3_key, s3_thumbnail_key, original_name, file_size, mime_type,"
            " category, caption, uploaded_at, \"order\") VALUES (%s, %s, %s, '', '', 300, 'image/jpeg', '', '', now(), 0)",
            *(str(uuid.UUID(int=4)), str(uuid.UUID(int=2)), NATIVE_KEY),
        )
        self.relate(patient, native)
        # A document of a company, not of a patient.
        company = self.content_type("companies", "company")
        self.execute(
            "INSERT INTO {companies} SELECT (jsonb_populate_record(NULL::{companies}, %s::jsonb)).*",
            f'{{"id": "{uuid.UUID(int=5)}", "name": "Saltbush", "company_type": "OTHER",'
            f' "created_at": "2026-01-01", "updated_at": "2026-01-01"}}',
        )
        self.execute(
            "INSERT INTO {documents_document} SELECT (jsonb_populate_record(d, %s::jsonb)).* FROM {documents_document} AS d"
            " LIMIT 1",
            f'{{"id": "{uuid.UUID(int=6)}", "filemaker_id": null, "content_type_id": {company},'
            f' "object_id": "{uuid.UUID(int=5)}", "s3_key": "companies/native.pdf", "file_size": 400}}',
        )
        self.execute(
            "INSERT INTO django_admin_log (object_id, content_type_id, object_repr, action_flag, change_message, user_id,"
            " action_time) SELECT 'gone', %s, '', 3, '', id, now() FROM auth_user LIMIT 1",
            self.content_type(),
        )

    def relate(self, one: str, other: str) -> None:
        self.execute(
            "INSERT INTO {contact_relationships} (id, from_content_type_id, from_object_id, to_content_type_id, to_object_id,"
            " relationship_type, is_active, created_at, updated_at)"
            " VALUES (gen_random_uuid(), %s, %s, %s, %s, 'parent', true, now(), now())",
            *(self.content_type(), one, self.content_type(), other),
        )

    def unguard(self) -> None:
        """From here on nothing holds the rows to the database's own foreign keys, as where a restore went wrong."""
        (drop,) = self.values(
            "SELECT string_agg(format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname), ';') FROM pg_constraint"
            " WHERE contype = 'f'"
        )
        if drop:
            self.execute(drop)

    def restore(self, statement: str, *parameters: object) -> None:
        """What `pg_restore --disable-triggers` does: constraints are there and not in force, which only a superuser may."""
        # Their password is the same.
        admin = self.engine.url.set(drivername="postgresql", username=ADMIN).render_as_string(hide_password=False)
        with closing(psycopg2.connect(admin)) as connection, connection, connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(self._named(statement), parameters or None)

    def place(self, bucket: Bucket) -> None:
        """Puts the files into a real bucket."""
        for key, size in {**self.images, **self.documents, **self.files}.items():
            path = bucket.folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((PDF if key.endswith(".pdf") else JPEG).ljust(size, b"x"))

    def stored(self) -> StoredFiles:
        """The bucket."""
        every = {**self.images, **self.documents, **self.files}
        return StoredFiles(
            listing=self.listing,
            prefix=lambda name: IMAGE_FOLDER if name == "images" else DOCUMENT_FOLDER,
            elsewhere=lambda keys: ((key, every[key]) for key in keys if key in every),
            open=self._open,
        )

    def _open(self, keys: Sequence[str]) -> Iterator[Opened]:
        every = {**self.images, **self.documents, **self.files}
        for key in keys:
            etag = hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()
            head = PDF if key.lower().endswith(".pdf") else JPEG
            yield self.served.get(key, Opened(key, 200, every[key], head, etag, etag))

    def sampled(self) -> tuple[list[str], list[str]]:
        """The keys of the images and of the PDFs that a deep check opens today, in its order."""
        opened: list[str] = []

        def noted(keys: Sequence[str]) -> Iterator[Opened]:
            opened.extend(keys)
            return self._open(keys)

        chosen = [check for check in CHECKS if check.name == "files_open"]
        assert all(found for _, found in ask_all(chosen, self.engine, replace(self.stored(), open=noted), deep=True))
        return [key for key in opened if key in self.images], [key for key in opened if key.lower().endswith(".pdf")]

    def serve_instead(self, key: str, **changes: object) -> None:
        """Whoever opens this file gets something else than what it is."""
        (opened,) = self._open([key])
        self.served[key] = replace(opened, **changes)  # type: ignore[arg-type]

    def remove_file(self, key: str) -> None:
        for files in (self.images, self.documents, self.files):
            files.pop(key, None)

    def cut_file(self, key: str, size: int) -> None:
        for files in (self.images, self.documents, self.files):
            if key in files:
                files[key] = size

    def copy_file(self, key: str, to: str) -> None:
        for files in (self.images, self.documents, self.files):
            if key in files:
                files[to] = files[key]

    def check(self, *names: str, deep: bool = True) -> dict[Check, Finding]:
        """The findings of the named checks, of all where none is named."""
        chosen = [check for check in CHECKS if not names or check.full_name in names]
        findings = {}
        for check, answer in ask_all(chosen, self.engine, self.stored(), deep=deep):
            assert isinstance(answer, Finding), f"{check.full_name}: {answer}"
            findings[check] = answer
        return findings

    def red(self) -> dict[str, dict[str, int]]:
        """The checks that do not pass, with their breakdowns."""
        return {check.full_name: dict(found.breakdown) for check, found in self.check().items() if not found.passed}


def furnish_for_checks(clinic: CheckedClinic) -> CheckedClinic:
    """Three people with two of everything, on two days; one row that is rejected, and one file without contact."""
    clinic.modified = datetime.now(clinic.modified.tzinfo) - timedelta(hours=1)
    contacts = [clinic.contact(name, DOB="4/1/1950") for name in CONTACTS]
    for contact in contacts:
        for day in ("3/18/2024", "4/22/2024"):
            clinic.appointment(contact, day)
            clinic.note(contact, f"Seen on {day}.", Date=day)
            clinic.document(contact)
            clinic.image(contact, day)
            row = clinic.image(contact, day, Type="Left Lat")
            clinic.images[f"{IMAGE_FOLDER}{row['recid']}_thumb.jpg"] = 50
    clinic.note(contacts[0], "")
    nobody = clinic.image("")
    clinic.images[f"{IMAGE_FOLDER}{nobody['recid']}_thumb.jpg"] = 50
    clinic.document("")
    company = clinic.add("Companies", Name="Bunyip Insoles")["id"]
    clinic.referrer("Mallee", "Podiatrist")
    referrer = clinic.referrer("Coolabah", "GP")
    clinic.works_for(referrer, company)
    clinic.referral(contacts[2], referrer)
    coordinated = {"NDIS Coordinator Name": "Hazel Bluegum - Saltbush Care", "NDIS Plan Start Date": "3/18/2024"}
    clinic.find("Contacts", contacts[2]).update(coordinated)
    for owner in (contacts[2], referrer, company):
        clinic.communication(owner, "Phone", "02 5550 1222")
    clinic.files |= {NATIVE_KEY: 300, "companies/native.pdf": 400}
    return clinic


@dataclass
class DemoClinic(CheckedClinic):
    """The demo clinic, with the published numbers: its exports lie in the folder, its files are those that it lists."""

    def write(self) -> None:
        """Writes the exports, and lists the files."""
        write_clinic(self.folder, self.folder / "unused", formats="csv", files=False)
        plan = Plan(seed=SEED, scale=1, changed=0.0)
        self.images = {key: len(content) for key, content in image_files(plan)}
        self.documents = {key: len(content) for key, content in document_files(plan)}
        self.files = {NATIVE_KEY: 300, "companies/native.pdf": 400}
        self.exports |= {name: [] for name in OPTIONAL_HEADINGS}

    def settle(self) -> None:
        """Loads everything, and adds what people made in Nexus."""
        self.load()
        first = self.value("SELECT min(filemaker_metadata ->> 'filemaker_id') FROM {patients}")
        self.exports["Contacts"] = [{"id": first}]
        self.add_native_rows()

    def names_any(self, entity: Entity) -> bool:  # noqa: ARG002 - its rows lie in the folder
        return True

    def listing(self, name: str) -> Iterator[StoredObject]:
        for key, size in sorted((self.images if name == "images" else self.documents).items()):
            found = stored_object("images" if name == "images" else "documents", key, size, f"etag-{size}")
            if found is not None:
                yield found

    def _write(self, name: str) -> None:
        """The exports were written before."""

"""A clinic small enough to load in a moment: its exports and files as rows of Python, its Nexus as a real database."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg2
import sqlalchemy
from psycopg2.extensions import cursor as Cursor

from nexus_assets.entities import ENTITIES
from nexus_assets.ledger.schema import INSTALL_LOCK, database_mark
from nexus_assets.load.load import Inputs, LoadResult, load
from nexus_assets.load.settings import LoadSettings
from nexus_assets.local.nexus_models import MODELS, Naming, table_name
from nexus_assets.mapping.entity import Entity, ExportRows, Listing
from nexus_assets.nexus.connection import kept_connections, make_engine, transaction
from nexus_assets.nexus.relations import CatalogCursor
from nexus_assets.sources.filemaker import ExportFile, OpenExport, ReadSettings, find_export, open_export
from nexus_assets.sources.s3 import StoredObject, stored_object

HEADINGS: Mapping[str, tuple[str, ...]] = {
    "Contacts": (
        "Area", "Clinic_Name", "contactType", "CYS_ID", "Diabetes", "DOB", "Funding", "gender", "Health Number", "id",
        "id_Clinic", "nameFirst", "nameLast", "nameMiddle", "NDIS Coordinator Email", "NDIS Coordinator Name",
        "NDIS Coordinator Phone", "NDIS notes", "NDIS Plan End Date", "NDIS Plan Start Date", "title",
    ),
    "Appointments": (
        "endDate", "endTime", "id", "id_Clinic", "id_Clinician", "id_Contact", "notes", "startDate", "startTime", "Type",
    ),
    "Notes": ("creationAccountName", "Date", "id", "id_Key", "Note", "Note Type"),
    "Docs": ("Date", "id", "id_Contact", "id_Order", "imported", "num", "Type"),
    "Image_data": ("date", "fileName", "id", "id_Contact", "Name_of_file", "recid", "Type"),
}  # fmt: skip

OPTIONAL_HEADINGS: Mapping[str, tuple[str, ...]] = {
    "Companies": ("_kf_XeroContactID", "ABN", "id", "Location", "Name", "Type"),
    "Referrers": (
        "contactType", "gender", "id", "id_Clinic", "nameFirst", "nameLast", "nameMiddle", "RECORD_ACTIVE_INDICATOR", "title",
    ),
    "ReferrerToCompanies": ("date", "id_Company", "id_Referrer"),
    "PatientToReferrer": ("date", "id_Contact", "id_Perscriber"),
    "Coms": (
        "address 1", "address 2", "country", "Email default", "Full Address one line", "id", "id.key", "Name", "ph",
        "PhoneMobileIntFormat", "post code", "SMS Phone", "state", "suburb", "type",
    ),
}  # fmt: skip
"""Exports that a clinic may do without: written only once they have a row."""

IMAGE_FOLDER = "filemaker-import/images-bulk-dump/"
DOCUMENT_FOLDER = "patients/filemaker-import/documents/"
BUCKET = "clinic"
START = datetime(2026, 3, 2, 9, 0, tzinfo=timezone.utc)

Row = dict[str, str]


def filemaker_id(*names: object) -> str:
    """The FileMaker id of whatever has these names: always the same, upper case, as FileMaker writes it."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(map(str, names)))).upper()


@dataclass
class Clinic:
    """What FileMaker and the bucket hold, to be changed at will between loads into the database at `url`.

    Without `tells_hashes` every load reads its sources, even where the last one has read the very same.
    """

    url: str
    folder: Path
    naming: Naming = "current"
    exports: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in HEADINGS})
    images: dict[str, int] = field(default_factory=dict)
    documents: dict[str, int] = field(default_factory=dict)
    modified: datetime = START
    tells_hashes: bool = True
    encoding: str | None = None
    file_names: dict[str, str] = field(default_factory=dict)
    extra_headings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # --- what FileMaker has -------------------------------------------------------------------------------------------

    def add(self, export: str, *names: object, **cells: str) -> Row:
        """A new row of the export under the id of these names; a cell that is not given is empty."""
        row = {"id": filemaker_id(export, *(names or (next(self._numbers),))), **cells}
        self.exports.setdefault(export, []).append(row)
        return row

    def contact(self, last_name: str = "Wattle", *, id: str = "", **cells: str) -> str:  # noqa: A002 - FileMaker's name
        """A new person; returns the FileMaker id."""
        row = self.add("Contacts", last_name, **{"nameLast": last_name, "nameFirst": "Wren", **cells})
        row["id"] = id or row["id"]
        return row["id"]

    def note(self, contact: str, text: str = "Seen today.", **cells: str) -> Row:
        return self.add(
            "Notes", **{"id_Key": contact, "Note": text, "Note Type": "Clinical", "Date": "3/18/2024", **cells}
        )

    def appointment(self, contact: str, day: str = "3/18/2024", **cells: str) -> Row:
        times = {"startTime": "9:00:00", "endDate": day, "endTime": "9:30:00"}
        return self.add("Appointments", **{"id_Contact": contact, "startDate": day, **times, **cells})

    def document(self, contact: str, *names: object, size: int = 1000, **cells: str) -> Row:
        """A document with its file in the bucket."""
        row = self.add("Docs", *names, **{"id_Contact": contact, "Date": "3/18/2024", "Type": "Referral", **cells})
        self.documents[f"{DOCUMENT_FOLDER}{row['id']}.pdf"] = size
        return row

    def image(self, contact: str, day: str = "3/18/2024", *, size: int = 2000, **cells: str) -> Row:
        """An image with its file in the bucket."""
        row = self.add("Image_data", **{"id_Contact": contact, "date": day, "Type": "Dorsal", **cells})
        row.setdefault("recid", str(len(self.exports["Image_data"])))
        self.images[image_key(row["recid"])] = size
        return row

    def referrer(self, last_name: str = "Coolabah", specialty: str = "GP", **cells: str) -> str:
        """A new referrer; returns the FileMaker id."""
        names = {"title": "Dr.", "nameFirst": "Ines", "nameLast": last_name, "contactType": specialty}
        return self.add("Referrers", last_name, **{**names, **cells})["id"]

    def works_for(self, referrer: str, company: str, **cells: str) -> Row:
        return self._link("ReferrerToCompanies", id_Referrer=referrer, id_Company=company, **cells)

    def referral(self, contact: str, referrer: str, day: str = "3/18/2024", **cells: str) -> Row:
        return self._link("PatientToReferrer", id_Contact=contact, id_Perscriber=referrer, date=day, **cells)

    def communication(self, owner: str, type: str = "Mobile", ph: str = "", **cells: str) -> Row:  # noqa: A002 - FileMaker's name
        """A number or an address of a patient, a referrer or a company."""
        return self.add("Coms", **{"id.key": owner, "type": type, "ph": ph, **cells})

    def _link(self, export: str, **cells: str) -> Row:
        """A new row of an export that has no id."""
        self.exports.setdefault(export, []).append(cells)
        return cells

    def find(self, export: str, id: str) -> Row:  # noqa: A002 - FileMaker's name
        """The row with this id."""
        (row,) = (row for row in self.exports[export] if row["id"] == id)
        return row

    def remove(self, export: str, id: str) -> None:  # noqa: A002 - FileMaker's name
        """Takes the row with this id out of the export."""
        self.exports[export].remove(self.find(export, id))

    # --- loading ------------------------------------------------------------------------------------------------------

    def load(self, *names: str, commit: bool = True, **settings: Any) -> dict[str, LoadResult]:
        """Loads these entities, each in its own transaction; where none is named all whose exports are there."""
        chosen = names or [
            name
            for name, each in ENTITIES.items()
            if not each.optional or ({*each.needed_exports} <= self.exports.keys() and self.names_any(each))
        ]
        with kept_connections():
            return {name: self.load_one(ENTITIES[name], commit=commit, **settings) for name in chosen}

    def names_any(self, entity: Entity) -> bool:
        """Whether the entity's export has a row for it."""
        heading = entity.source.only_with if isinstance(entity.source, ExportRows) else None
        return heading is None or any(row.get(heading) for row in self.exports[entity.source.export])

    def load_one(self, entity: Entity, *, commit: bool = True, **settings: Any) -> LoadResult:
        with self.loading(entity, commit) as cursor:
            chosen = LoadSettings(**{"allow_empty": True, **settings})  # most tests need no row of most entities
            return load(cursor, entity, self.inputs(), chosen, "test", lambda _: None)

    def loading(self, entity: Entity, commit: bool = True) -> AbstractContextManager[Cursor]:
        """The transaction of one load."""
        return transaction(self.engine, commit=commit, lock=entity.locks)

    def inputs(self) -> Inputs:
        """The exports as csv files, the bucket as a listing."""
        found: dict[str, ExportFile] = {}

        def find(name: str, required: bool) -> ExportFile | None:
            if name in self.exports:
                self._write(name)
            file = find_export(str(self.folder), name, required=required)
            if file is not None:
                found[name] = file
            return file

        def export(name: str, wanted: tuple[str, ...], optional: tuple[str, ...], required: bool) -> OpenExport | None:
            file = find(name, required)
            read = ReadSettings(encoding=self.encoding)
            return None if file is None else open_export(file, wanted=wanted, optional=optional, settings=read)

        def digest(name: str, required: bool) -> str | None:
            file = find(name, required)
            if file is None:
                return None
            with file.open() as stream:
                return hashlib.sha256(stream.read()).hexdigest()

        def describe(name: str) -> Mapping[str, Any]:
            file = found[name]
            return {
                "file": Path(file.location).name,
                "modified": file.modified.isoformat(),
                "version": file.version,
            }

        return Inputs(export, self.listing, BUCKET, describe, digest if self.tells_hashes else None)

    def listing(self, name: Listing) -> Iterator[StoredObject]:
        """The files of one folder of the bucket, in the order of their keys."""
        for key, size in sorted((self.images if name == "images" else self.documents).items()):
            found = stored_object(name, key, size, f"etag-{size}")
            if found is not None:
                yield found

    def _write(self, name: str) -> None:
        headings = (*{**HEADINGS, **OPTIONAL_HEADINGS}[name], *self.extra_headings.get(name, ()))
        path = self.folder / self.file_names.get(name, f"{name}.csv")
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, headings, restval="")
        writer.writeheader()
        writer.writerows(self.exports[name])
        # Another load may be reading it: what stays the same is not written again.
        if not path.is_file() or path.read_bytes() != text.getvalue().encode():
            path.write_bytes(text.getvalue().encode())
        # A file's time counts: an older export than the last one is refused.
        os.utime(path, (self.modified.timestamp(),) * 2)

    def later(self, by: timedelta = timedelta(days=1)) -> None:
        """Time passes before the next export."""
        self.modified += by

    # --- what others do in Nexus --------------------------------------------------------------------------------------

    def recreate_patients(self, *contacts: str) -> None:
        """Another tool deletes these people (all of them where none is named), in Django's order, and imports them again under
        random UUIDs. What leads to them by a generic key stays behind, orphaned: the incident."""
        with self.transaction() as cursor:
            self._take_out(cursor, contacts)
            cursor.execute("UPDATE taken_out SET id = gen_random_uuid(), created_at = now(), updated_at = now()")
            cursor.execute(self._named("INSERT INTO {patients} SELECT * FROM taken_out"))

    def delete_patients(self, *contacts: str) -> None:
        """Another tool deletes these people, in Django's order. What leads to them by a generic key stays behind."""
        with self.transaction() as cursor:
            self._take_out(cursor, contacts)

    def _take_out(self, cursor: Cursor, contacts: Sequence[str]) -> None:
        """Deletes people with what goes with them in Django, and leaves a copy of them in the table `taken_out`."""
        chosen = "WHERE filemaker_metadata->>'filemaker_id' = ANY(%s)"
        cursor.execute(self._named("SELECT array_agg(filemaker_metadata->>'filemaker_id') FROM {patients}"))
        of = (list(contacts) or cursor.fetchall()[0][0],)
        for table in ("notes", "appointments", "reminders", "patient_referrers"):
            cursor.execute(
                self._named(f"DELETE FROM {{{table}}} WHERE patient_id IN (SELECT id FROM {{patients}} {chosen})"), of
            )
        cursor.execute("DROP TABLE IF EXISTS pg_temp.taken_out")
        cursor.execute(self._named(f"CREATE TEMP TABLE taken_out AS SELECT * FROM {{patients}} {chosen}"), of)
        cursor.execute(self._named(f"DELETE FROM {{patients}} {chosen}"), of)

    def forget_ledger(self) -> None:
        """The database becomes one that another importer filled: no ledger, and no FileMaker ids where those had none."""
        self.execute("DROP SCHEMA nexus_assets CASCADE")
        self.execute("UPDATE {appointments} SET filemaker_event_id = NULL")
        self.execute("UPDATE {images_image} SET filemaker_id = NULL")

    def native_batch(self, contact: str, name: str = "Gait study", images: int = 1) -> str:
        """A batch that a person made in Nexus, with images of their own; returns its id."""
        batch = str(uuid.uuid4())
        self.execute(
            "INSERT INTO {images_batch} (id, content_type_id, object_id, name, description, uploaded_at, image_count,"
            " uploaded_by_id) SELECT %s, %s, %s, %s, '', now(), %s, min(id) FROM auth_user",
            *(batch, self.content_type(), self.patient_id(contact), name, images),
        )
        for number in range(images):
            self.copy_image(batch, f"uploads/{batch}/{number}.jpg")
        return batch

    def importers_batch(self, like: str, **changes: Any) -> str:
        """Another importer's copy of a batch, empty; returns its id."""
        return self.copy("images_batch", like, uploaded_by_id=None, image_count=0, **changes)

    def copy_image(self, batch: str, key: str) -> str:
        """An image row in this batch, without a FileMaker id; returns its id."""
        image = str(uuid.uuid4())
        self.execute(
            "INSERT INTO {images_image} (id, batch_id, s3_key, s3_thumbnail_key, original_name, file_size, mime_type,"
            " category, caption, uploaded_at, \"order\") VALUES (%s, %s, %s, '', 'x.jpg', 1, 'image/jpeg', '', '', now(), 0)",
            *(image, batch, key),
        )
        return image

    def copy(self, listed: str, id: str, **changes: Any) -> str:  # noqa: A002 - the column's name
        """A copy of a row under a new id, with other values in some columns; returns its id."""
        copied = str(uuid.uuid4())
        columns = self.values(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s", self.table(listed)
        )
        values = {"id": copied, **changes}
        chosen = ", ".join("%s" if name in values else f'"{name}"' for name in columns)
        quoted = ", ".join(f'"{name}"' for name in columns)
        self.execute(
            f"INSERT INTO {{{listed}}} ({quoted}) SELECT {chosen} FROM {{{listed}}} WHERE id = %s",
            *(values[name] for name in columns if name in values),
            id,
        )
        return copied

    # --- what Nexus has -----------------------------------------------------------------------------------------------

    @cached_property
    def engine(self) -> sqlalchemy.Engine:
        return make_engine(self.url)

    @cached_property
    def _connection(self) -> Any:
        connection = psycopg2.connect(self.url.replace("+psycopg2", ""), cursor_factory=CatalogCursor)
        connection.autocommit = True
        return connection

    @contextmanager
    def cursor(self) -> Iterator[Cursor]:
        """A cursor that commits every statement, as another tool or a person at the database has it."""
        with self._connection.cursor() as cursor:
            yield cursor

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """A cursor in one transaction."""
        with self.cursor() as cursor:
            cursor.execute("BEGIN")
            try:
                yield cursor
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.cursor() as cursor:
            cursor.execute(self._named(statement), parameters or None)
            return list(cursor.fetchall())

    def row(self, statement: str, *parameters: Any) -> tuple[Any, ...]:
        (row,) = self.rows(statement, *parameters)
        return row

    def value(self, statement: str, *parameters: Any) -> Any:
        (value,) = self.row(statement, *parameters)
        return value

    def values(self, statement: str, *parameters: Any) -> list[Any]:
        return [value for (value,) in self.rows(statement, *parameters)]

    def execute(self, statement: str, *parameters: Any) -> int:
        """Returns how many rows were touched."""
        with self.cursor() as cursor:
            cursor.execute(self._named(statement), parameters or None)
            return int(cursor.rowcount)

    def table(self, listed: str) -> str:
        """What the table is called in this database's naming."""
        return table_name(listed, self.naming)

    def _named(self, statement: str) -> str:
        """Statements say `{patients}` for the table of that name in either naming."""
        for listed in MODELS:
            statement = statement.replace("{" + listed + "}", self.table(listed))
        return statement

    def patient_id(self, contact: str) -> str:
        """The Nexus id of a person."""
        return str(
            self.value("SELECT id::text FROM {patients} WHERE filemaker_metadata->>'filemaker_id' = %s", contact)
        )

    def id_of(self, listed: str, source: Mapping[str, str]) -> str:
        """The Nexus id of a note, an appointment, a document or an image, by its row in the export."""
        entity = next(entity.name for entity in ENTITIES.values() if listed in entity.model.tables)
        return str(
            self.value(f"SELECT nexus_id::text FROM nexus_assets.identity_{entity} WHERE source_id = %s", source["id"])
        )

    def batch_of(self, image: Mapping[str, str]) -> str:
        """The batch that an image of the export is in."""
        return str(self.value("SELECT batch_id::text FROM {images_image} WHERE s3_key = %s", image_key(image["recid"])))

    def orphans(self) -> int:
        """How many generic references of batches and documents lead to no patient."""
        return sum(
            int(
                self.value(
                    f"SELECT count(*) FROM {{{table}}} AS x WHERE (object_id IS NULL) <> (content_type_id IS NULL)"
                    " OR content_type_id = %s AND NOT EXISTS (SELECT FROM {patients} AS p WHERE p.id = x.object_id)",
                    self.content_type(),
                )
            )
            for table in ("images_batch", "documents_document")
        )

    def content_type(self, app_label: str = "patients", model: str = "patient") -> int:
        return int(
            self.value("SELECT id FROM django_content_type WHERE app_label = %s AND model = %s", app_label, model)
        )

    def versions(self, schema: str = "public") -> dict[str, set[tuple[str, ...]]]:
        """Every row of every table with its version: equal where nothing was written, not even the same again."""
        tables = self.values(
            "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind = 'r'", schema
        )
        found: dict[str, set[tuple[str, ...]]] = {name: set() for name in tables}
        for number, *row in self.of_each(
            f'SELECT {{}}, ctid::text, xmin::text, t::text FROM {schema}."{{}}" AS t', tables
        ):
            found[tables[number]].add(tuple(row))
        return found

    def of_each(self, statement: str, tables: Sequence[str]) -> list[tuple[Any, ...]]:
        """The rows of a statement that names a table by its number and its name, of all these tables: asked in one question, which
        takes a fraction of as many."""
        return self.rows(" UNION ALL ".join(statement.format(*each) for each in enumerate(tables))) if tables else []

    @property
    def has_ledger(self) -> bool:
        return bool(self.value("SELECT to_regclass('nexus_assets.about') IS NOT NULL"))

    def own_ledger(self) -> None:
        """Tells the ledger, come here with a copied database, that it belongs here."""
        if not self.has_ledger:
            return
        with self.cursor() as cursor:
            cursor.execute("UPDATE nexus_assets.about SET database_mark = %s", (database_mark(cursor),))

    def lend(self, clinic: Clinic) -> Clinic:
        """Gives another clinic, over a copy of this one's database, the same exports and files in a folder of its own."""
        shutil.copytree(self.folder, clinic.folder, dirs_exist_ok=True)
        for each in fields(self):
            if each.name not in ("url", "folder", "_numbers"):
                setattr(clinic, each.name, deepcopy(getattr(self, each.name)))
        clinic._numbers = self._numbers
        return clinic

    def close(self) -> None:
        if "_connection" in self.__dict__:
            self._connection.close()


CHECK_ALL = "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED; "


class RolledBack(Clinic):
    """A clinic whose loads, and what others do in Nexus, are one transaction that is rolled back in the end, as those of a plan
    are: the next test finds its database as it was. For what asks neither how a load commits nor what another connection sees.

    It has no `url` that leads anywhere: another connection would wait for this one.
    """

    def begin(self, url: str) -> None:
        self._all = ExitStack()
        # Whoever has the lock makes a ledger in the running transaction.
        cursor = self._all.enter_context(transaction(make_engine(url), commit=False, lock=INSTALL_LOCK))
        self._connection = cursor.connection
        for table in ("load", "reject") if self.has_ledger else ():  # a sequence is not rolled back
            numbers = f"SELECT pg_get_serial_sequence('nexus_assets.{table}', 'id'), coalesce(max(id), 0) + 1"
            cursor.execute(
                f"SELECT setval(s.name, s.next, FALSE) FROM ({numbers} FROM nexus_assets.{table}) AS s (name, next)"
            )

    @contextmanager
    def transaction(self, commit: bool = True) -> Iterator[Cursor]:
        """A cursor in a savepoint, at whose end is checked what waits for a commit."""
        with self._connection.cursor() as cursor:
            cursor.execute("SAVEPOINT part")
            try:
                yield cursor
                cursor.execute(CHECK_ALL + "RELEASE part" if commit else "ROLLBACK TO part")
            except BaseException:
                cursor.execute("ROLLBACK TO part")
                raise

    cursor = transaction

    def loading(self, _: Entity, commit: bool = True) -> AbstractContextManager[Cursor]:
        return self.transaction(commit)

    def close(self) -> None:
        self._all.close()


def image_key(recid: str, ending: str = ".jpg") -> str:
    return f"{IMAGE_FOLDER}{recid}{ending}"


def furnish(clinic: Clinic) -> Clinic:
    """Gives the clinic a little of everything that loads, so that a test has something to look at in every table."""
    wattle, banksia = clinic.contact("Wattle", DOB="4/1/1950"), clinic.contact("Banksia", DOB="12/30/1981")
    for contact in (wattle, banksia):
        clinic.appointment(contact)
        clinic.note(contact)
        clinic.document(contact)
        clinic.image(contact)
        clinic.image(contact, Type="Left Lat")
    clinic.add("Companies", Name="Bunyip Insoles", Type="Medical Practice")
    company = clinic.exports["Companies"][-1]["id"]
    for referrer in (clinic.referrer("Coolabah", "Podiatrist"), clinic.referrer("Mallee", "GP")):
        clinic.works_for(referrer, company)
    for owner in (wattle, banksia, referrer, company):
        clinic.communication(owner, "Phone", "02 5550 1222")
    return clinic


def patients_alone(clinic: Clinic, *others: str) -> Clinic:
    """Leaves the clinic the exports about patients, and these: half of what there is to load, for what is about those."""
    for name in OPTIONAL_HEADINGS.keys() - {*others}:
        clinic.exports.pop(name, None)
    return clinic


FURNISHED = tuple(
    name
    for name, entity in ENTITIES.items()
    if name != "patient_referrers" and (entity.shares is None or not entity.adds_rows)
)
"""What the furnished clinic has exports of."""

LOADED_BY_A_RUN = tuple(
    name for name in ENTITIES if name in (*FURNISHED, "coordinator_specialty", "support_coordinators")
)
"""What a run over it loads: Contacts names no coordinator, so the last two have no row."""

LEDGER_TABLES = (*(f"identity_{name}" for name in ENTITIES), "load", "reject", "conflict", "superseded", "correction")
NATIVE_TABLES = ("reminders", "contact_relationships")
State = Mapping[str, list[str]]


def state(clinic: Clinic) -> State:
    """Every row of the tables that a load writes, in Nexus and in the ledger. Counts are facts, and asked elsewhere."""
    tables = [clinic.table(entity.model.tables[0]) for entity in ENTITIES.values()]
    names = [
        *dict.fromkeys(f'public."{name}"' for name in (*tables, *NATIVE_TABLES)),
        *(f"nexus_assets.{name}" for name in LEDGER_TABLES),
    ]
    found: dict[str, list[str]] = {name: [] for name in names}
    for number, row in sorted(
        clinic.of_each("SELECT {}, (to_jsonb(t) - 'image_count' - 'undoable')::text FROM {} AS t", names)
    ):
        found[names[number]].append(row)
    return found

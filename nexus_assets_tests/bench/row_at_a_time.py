"""Rival (c): an importer of the kind in use today: a transaction a row, the patient found by the JSON field, new ids at random."""

from __future__ import annotations

import csv
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier

from nexus_assets.entities import ENTITIES
from nexus_assets.mapping.entity import Entity, FileRecords, RecordGroups
from nexus_assets.nexus import catalog
from nexus_assets.nexus.catalog import Target
from nexus_assets.nexus.connection import make_engine, transaction
from nexus_assets.sources.filemaker import find_export
from nexus_assets_tests.bench.loads import kept_listing

Record = dict[str, str]


def row_at_a_time(name: str, url: str, exports: Path) -> int:
    """Imports one entity so; returns the rows that it inserted."""
    entity = ENTITIES[name]
    with transaction(make_engine(url), commit=False) as cursor:
        target = catalog.reflect(cursor, entity)
        importer = _Importer(entity, target, catalog.reflect(cursor, ENTITIES["patients"]).content_type_id)
    dsn = make_engine(url).url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection, rows = psycopg2.connect(dsn), 0
    for record in _records(entity, exports):
        with connection, connection.cursor() as cursor:
            rows += importer.insert(cursor, record)
    connection.close()
    return rows


def _records(entity: Entity, exports: Path) -> Iterator[Record]:
    """The rows of the export; of files each with what the export says of it."""
    source = entity.source.of if isinstance(entity.source, RecordGroups) else entity.source
    file = find_export(str(exports), entity.exports[0])
    assert file is not None
    with Path(file.location).open(encoding="utf-8-sig", newline="") as text:
        rows = csv.DictReader(text)
        if not isinstance(source, FileRecords):
            yield from rows
            return
        described = {row[source.on].lower(): row for row in rows}
    for found in kept_listing(exports, source.listing):
        if not found.is_thumbnail:
            yield {**described.get(found.record_key, {}), "key": found.key, "size": str(found.size)}


class _Importer:
    """Makes the row of a record, unless it is there or says too little."""

    def __init__(self, entity: Entity, target: Target, patients: int | None) -> None:
        self._target, self._patients_type = target, patients
        self._values = getattr(self, f"_{entity.name}")
        now = {key: "now()" for key in ("created_at", "updated_at", "uploaded_at") if key in target.columns}
        fixed = {key: value for key, value in entity.on_insert.items() if isinstance(value, (str, bool, int))}
        self._defaults = {**fixed, **now}

    def insert(self, cursor: Cursor, record: Record) -> int:
        values = self._values(cursor, record)
        if values is None:
            return 0
        row = {"id": str(uuid.uuid4()), **self._defaults, **values}
        cursor.execute(
            SQL("INSERT INTO {} ({}) VALUES ({})").format(
                self._target.table, SQL(", ").join(map(Identifier, row)), SQL(", ").join([SQL("%s")] * len(row))
            ),
            [*row.values()],
        )
        return 1

    def _patients(self, cursor: Cursor, record: Record) -> dict[str, Any] | None:
        if not record["nameLast"].strip() or _patient(cursor, record["id"]):
            return None
        metadata = json.dumps({"filemaker_id": record["id"].strip().upper()})
        return {"first_name": record["nameFirst"], "last_name": record["nameLast"], "filemaker_metadata": metadata}

    def _appointments(self, cursor: Cursor, record: Record) -> dict[str, Any] | None:
        patient, event = _patient(cursor, record["id_Contact"]), record["id"].strip()
        if patient is None or not record["startDate"].strip():
            return None
        if _one(cursor, "SELECT 1 FROM appointments WHERE filemaker_event_id = %s", event):
            return None
        # FileMaker's odd times are beside the point here: the day alone is read.
        return {"patient_id": patient, "filemaker_event_id": event, "start_time": record["startDate"]}

    def _notes(self, cursor: Cursor, record: Record) -> dict[str, Any] | None:
        patient = _patient(cursor, record["id_Key"])
        if patient is None or not record["Note"].strip():
            return None
        return {"patient_id": patient, "note_type": "clinical_notes", "content": record["Note"]}

    def _documents(self, cursor: Cursor, record: Record) -> dict[str, Any] | None:
        if _one(cursor, "SELECT 1 FROM documents_document WHERE s3_key = %s", record["key"]):
            return None
        patient = _patient(cursor, record.get("id_Contact", ""))
        name = record["key"].rpartition("/")[2]
        return {
            **({"content_type_id": self._patients_type, "object_id": patient} if patient else {}),
            "file_name": name,
            "original_name": name,
            "file_size": record["size"],
            "mime_type": "application/pdf",
            "s3_bucket": "bench",
            "s3_key": record["key"],
            "s3_url": record["key"],
            "category": record.get("Type") or "other",
            "filemaker_metadata": json.dumps({"filemaker_id": record.get("id")}),
        }

    def _image_batches(self, cursor: Cursor, record: Record) -> dict[str, Any] | None:
        patient = _patient(cursor, record.get("id_Contact", ""))
        if patient is None or _batch(cursor, patient, record["date"]):
            return None
        batch = {"name": _batch_name(record["date"]), "description": "Imported from FileMaker"}
        return {**batch, "content_type_id": self._patients_type, "object_id": patient}

    def _images(self, cursor: Cursor, record: Record) -> dict[str, Any] | None:
        patient = _patient(cursor, record.get("id_Contact", ""))
        batch = patient and _batch(cursor, patient, record["date"])
        if not batch or _one(cursor, "SELECT 1 FROM images_image WHERE s3_key = %s", record["key"]):
            return None
        return {
            "batch_id": batch,
            "s3_key": record["key"],
            "s3_thumbnail_key": "",
            "original_name": record["Name_of_file"] or record["fileName"],
            "file_size": record["size"],
            "mime_type": "image/jpeg",
            "category": record["Type"] or "other",
            "caption": f"FileMaker: {record['Type']}",
            "date_taken": record["date"] or None,
            "order": 0,
        }


def _batch_name(date: str) -> str:
    return f"{date} (FileMaker Import)"


def _patient(cursor: Cursor, filemaker_id: str) -> str | None:
    query = "SELECT id FROM patients WHERE filemaker_metadata ->> 'filemaker_id' = %s"
    return _one(cursor, query, filemaker_id.strip().upper())


def _batch(cursor: Cursor, patient: str, date: str) -> str | None:
    return _one(cursor, "SELECT id FROM images_batch WHERE object_id = %s AND name = %s", patient, _batch_name(date))


def _one(cursor: Cursor, query: str, *values: str) -> str | None:
    cursor.execute(query, values)
    found = cursor.fetchone()
    return found and found[0]

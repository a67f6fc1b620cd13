"""A loaded clinic degraded to what the importer in use today leaves in Nexus: its own ids, no ledger, and its leavings."""

from __future__ import annotations

from contextlib import closing

import psycopg2
from psycopg2.extensions import cursor as Cursor

OWN_IDS = """
    UPDATE notes AS c SET patient_id = md5('theirs' || c.patient_id::text)::uuid;
    UPDATE appointments AS c SET patient_id = md5('theirs' || c.patient_id::text)::uuid;
    UPDATE patient_referrers AS c SET patient_id = md5('theirs' || c.patient_id::text)::uuid;
    UPDATE documents_document AS c SET object_id = md5('theirs' || c.object_id::text)::uuid;
    UPDATE images_batch AS c SET object_id = md5('theirs' || c.object_id::text)::uuid;
    UPDATE images_image SET batch_id = md5('theirs' || batch_id::text)::uuid;
    UPDATE patients SET id = md5('theirs' || id::text)::uuid;
    UPDATE notes SET id = md5('theirs' || id::text)::uuid;
    UPDATE appointments SET id = md5('theirs' || id::text)::uuid;
    UPDATE documents_document SET id = md5('theirs' || id::text)::uuid;
    UPDATE images_batch SET id = md5('theirs' || id::text)::uuid;
    UPDATE images_image SET id = md5('theirs' || id::text)::uuid;
    DROP SCHEMA IF EXISTS nexus_assets CASCADE;
"""

LEAVINGS = {
    "appointments": "UPDATE appointments SET end_time = start_time WHERE end_time - start_time >= interval '23 hours'",
    "event ids": "UPDATE appointments SET filemaker_event_id = NULL",
    "middle names": "UPDATE patients SET middle_names = '' WHERE middle_names IS NULL",
    "sexes": "UPDATE patients SET sex = '' WHERE sex IS NULL",
    "health numbers": "UPDATE patients SET health_number = '' WHERE health_number IS NULL",
    "titles": "UPDATE patients SET title = title || '.' WHERE title IN ('Mr', 'Mrs', 'Ms', 'Dr', 'Prof')",
    "file types": "UPDATE images_image SET mime_type = 'image/jpeg' WHERE mime_type <> 'image/jpeg'",
    "categories": "UPDATE images_image SET category = 'other' WHERE category <> 'other'",
    "image ids": "UPDATE images_image SET filemaker_id = NULL, original_name = regexp_replace(s3_key, '^.*/', '')",
    "document dates": "UPDATE documents_document SET document_date = NULL WHERE document_date IS NOT NULL",
    "signs": "UPDATE notes SET created_by = 'FileMaker Import' WHERE created_by <> 'FileMaker Import'",
}
"""What NEXUS.md lists, by what it is about."""


def degrade_by(cursor: Cursor) -> dict[str, int]:
    """Degrades the clinic in the database; returns how many rows got each kind of leaving."""
    cursor.execute(OWN_IDS)
    touched = {}
    for about, statement in LEAVINGS.items():
        cursor.execute(statement)
        touched[about] = cursor.rowcount
    return touched


def degrade(url: str) -> dict[str, int]:
    """The same over a connection of its own."""
    with (
        closing(psycopg2.connect(url.replace("+psycopg2", ""))) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        return degrade_by(cursor)

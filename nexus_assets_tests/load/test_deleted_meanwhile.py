"""Without the guard: somebody deletes a person while a load writes links to them, and the load commits no orphan."""

from __future__ import annotations

import threading
import time
import uuid
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from nexus_assets.entities import ENTITIES
from nexus_assets.nexus.connection import DatabaseError
from nexus_assets_tests.load.clinic import Clinic

pytestmark = pytest.mark.commits


def deleting(clinic: Clinic, contact: str) -> Connection:
    """A connection of the application that has deleted a person, and has not committed."""
    connection = psycopg2.connect(clinic.url.replace("+psycopg2", ""))
    patient = clinic.patient_id(contact)
    with connection.cursor() as cursor:
        for table, column in (("notes", "patient_id"), ("appointments", "patient_id"), ("patients", "id")):
            cursor.execute(f"DELETE FROM {table} WHERE {column} = %s", (patient,))
    return connection


def until_waiting(clinic: Clinic) -> None:
    """Returns once some statement waits for a row that another transaction holds."""
    for _ in range(200):
        if clinic.value("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')"):
            return
        time.sleep(0.05)
    pytest.fail("the load did not wait for the deletion")


def linked(clinic: Clinic, patient: str) -> int:
    """How many generic references lead to this id."""
    batches = "SELECT object_id FROM images_batch UNION ALL SELECT object_id FROM documents_document"
    return int(clinic.value(f"SELECT count(*) FROM ({batches}) AS x WHERE object_id = %s", patient))


def point_at_an_earlier_id(clinic: Clinic, contact: str) -> None:
    """A document still leads to an id that the person had once."""
    earlier, patient = str(uuid.uuid4()), clinic.patient_id(contact)
    clinic.execute("UPDATE documents_document SET object_id = %s WHERE object_id = %s", earlier, patient)
    clinic.execute(
        "INSERT INTO nexus_assets.superseded (entity, nexus_id, current_id) VALUES ('patients', %s, %s)",
        earlier,
        patient,
    )


WRITES = {
    "a reference that is moved to a current id": ("patients", point_at_an_earlier_id),
    "a new batch": ("image_batches", lambda clinic, contact: clinic.image(contact, "4/19/2024")),
    "a new document": ("documents", lambda clinic, contact: clinic.document(contact)),
    "a document that FileMaker gives to somebody else": (
        "documents",
        lambda clinic, contact: clinic.exports["Docs"][1].update(id_Contact=contact),
    ),
    "a link that is healed": (
        "documents",
        lambda clinic, contact: clinic.execute(
            "UPDATE documents_document SET object_id = gen_random_uuid() WHERE object_id = %s",
            clinic.patient_id(contact),
        ),
    ),
}


@pytest.mark.parametrize("commits", [True, False], ids=["deleted", "not deleted after all"])
@pytest.mark.parametrize(("entity", "write"), WRITES.values(), ids=WRITES.keys())
def test_a_load_waits_for_the_deletion_and_links_nobody_who_is_gone(
    entity: str, write: Any, commits: bool, loaded: Clinic
) -> None:
    contact = loaded.exports["Contacts"][0]["id"]
    write(loaded, contact)
    loaded.later()
    outcome: list[Exception | None] = []

    def run() -> None:
        try:
            loaded.load_one(ENTITIES[entity])
            outcome.append(None)
        except Exception as error:
            outcome.append(error)

    patient = loaded.patient_id(contact)
    with closing(deleting(loaded, contact)) as application:
        links = linked(loaded, patient)
        load = threading.Thread(target=run)
        load.start()
        until_waiting(loaded)
        application.commit() if commits else application.rollback()
        load.join(30)
    if commits:
        assert isinstance(outcome[0], DatabaseError)
        assert outcome[0].transient, "the asset tries it again"
        assert linked(loaded, patient) == links, "what the application itself has left behind, and nothing more"
    else:
        assert outcome == [None]
        assert (linked(loaded, patient), loaded.orphans()) == (links + 1, 0)

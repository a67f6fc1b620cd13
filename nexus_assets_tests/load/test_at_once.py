"""Loads that run at once: they end where one after the other would, and nobody's rows stay unloaded."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nexus_assets.entities import ENTITIES
from nexus_assets.load.load import load
from nexus_assets.load.settings import LoadSettings
from nexus_assets.nexus.connection import transaction
from nexus_assets_tests.load.clinic import Clinic, Row

pytestmark = pytest.mark.commits

CHILDREN: dict[str, tuple[str, Callable[[Clinic, str], Row]]] = {
    "appointments": ("appointments", Clinic.appointment),
    "notes": ("notes", lambda clinic, contact: clinic.note(contact, "Seen for the first time.")),
    "documents": ("documents_document", Clinic.document),
    "image_batches": ("images_batch", Clinic.image),
    "images": ("images_image", Clinic.image),
}


def load_beside(clinic: Clinic, child: str, *parents: str) -> None:
    """A load of the child whose snapshot is older than what loads of its parents have committed when it goes on."""
    inputs = clinic.inputs()
    with transaction(clinic.engine) as cursor:
        cursor.execute("SELECT 1")
        clinic.load(*parents)
        load(cursor, ENTITIES[child], inputs, LoadSettings(allow_empty=True), "test", lambda _: None)


@pytest.mark.parametrize("child", CHILDREN)
def test_rows_of_a_person_who_was_loaded_meanwhile_are_loaded_the_next_time(child: str, loaded: Clinic) -> None:
    listed, add = CHILDREN[child]
    before = loaded.value(f"SELECT count(*) FROM {{{listed}}}")
    add(loaded, loaded.contact("Late"))
    loaded.later()
    parents = ["patients", "image_batches"] if child == "images" else ["patients"]
    load_beside(loaded, child, *parents)
    account = loaded.load(child)[child].account
    assert account.rejected == {}
    assert account.notices.get("unlinked", 0) == 0
    assert loaded.value(f"SELECT count(*) FROM {{{listed}}}") == before + 1
    assert loaded.orphans() == 0


def test_a_document_that_was_loaded_beside_its_patient_is_linked_the_next_time(loaded: Clinic) -> None:
    late = loaded.contact("Late")
    row = loaded.document(late)
    loaded.later()
    load_beside(loaded, "documents", "patients")
    loaded.load("documents")
    document = loaded.id_of("documents_document", row)
    linked = loaded.value("SELECT object_id::text FROM {documents_document} WHERE id = %s", document)
    assert linked == loaded.patient_id(late)


def test_rows_of_a_person_who_vanished_and_whom_somebody_restored_in_nexus_are_loaded_the_next_time(
    loaded: Clinic,
) -> None:
    """The ledger is as it was then: only the person is there again."""
    gone = loaded.contact("Gone")
    loaded.later()
    loaded.load("patients")
    loaded.remove("Contacts", gone)
    loaded.note(gone, "Seen before.")
    loaded.later()
    loaded.load("patients")
    loaded.execute("CREATE TABLE backup AS SELECT * FROM {patients}")
    loaded.delete_patients(gone)
    assert loaded.load("notes")["notes"].account.rejected == {"unknown_patient": 1}
    loaded.execute("INSERT INTO {patients} SELECT * FROM backup AS b WHERE b.id NOT IN (SELECT id FROM {patients})")
    assert loaded.load("notes")["notes"].account.rejected == {}


def test_a_load_that_writes_into_its_parents_rows_locks_them() -> None:
    assert ENTITIES["images"].locks == ("image_batches", "images")
    assert ENTITIES["notes"].locks == ("notes",)

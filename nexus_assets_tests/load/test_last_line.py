"""Where two layers catch one fault, each is tested with the other one gone; the last is the proof before the commit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from psycopg2.sql import SQL

from nexus_assets.load import heal, merge, superseded
from nexus_assets.load.account import AccountError
from nexus_assets_tests.load.clinic import DOCUMENT_FOLDER, Clinic

TABLES = {"documents": "documents_document", "image_batches": "images_batch"}

DAMAGE = {
    "an id that nobody has": "object_id = gen_random_uuid()",
    "no id": "object_id = NULL",
    "no content type": "content_type_id = NULL",
}

Break = Callable[[pytest.MonkeyPatch], None]


def heals_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows that a load does not compare keep their dangling links."""
    monkeypatch.setattr(heal, "dead_links", lambda *_: 0)


def updates_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows that a load compares keep what they have, and are counted as updated."""
    monkeypatch.setattr(merge, "update_sql", lambda _: SQL("SELECT"))


def moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What leads to an id that the load learned stays there."""
    monkeypatch.setattr(superseded, "move_superseded", lambda *_: {})


def damaged(clinic: Clinic, entity: str, damage: str) -> None:
    """One row of the entity's table loses its link, whatever the table allows."""
    table = TABLES[entity]
    clinic.execute(f"ALTER TABLE {table} ALTER object_id DROP NOT NULL, ALTER content_type_id DROP NOT NULL")
    clinic.execute(f"UPDATE {table} SET {DAMAGE[damage]} WHERE id = (SELECT min(id::text)::uuid FROM {table})")


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("entity", TABLES)
def test_a_load_that_would_leave_a_dangling_link_is_not_committed(
    entity: str, damage: str, loaded: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged(loaded, entity, damage)
    for broken in (heals_nothing, updates_nothing, moves_nothing):
        broken(monkeypatch)
    before = loaded.versions(), loaded.value("SELECT count(*) FROM nexus_assets.load")
    with pytest.raises(AccountError, match=f"The load of {entity} would leave 1 dangling references"):
        loaded.load(entity)
    assert (loaded.versions(), loaded.value("SELECT count(*) FROM nexus_assets.load")) == before


@pytest.mark.parametrize("broken", [heals_nothing, updates_nothing, moves_nothing])
@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("entity", TABLES)
def test_a_link_is_repaired_without_any_one_of_the_layers(
    entity: str, damage: str, broken: Break, loaded: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged(loaded, entity, damage)
    broken(monkeypatch)
    loaded.load(entity)
    assert loaded.orphans() == 0


def test_what_has_vanished_and_leads_nowhere_stops_no_load(loaded: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    row = loaded.exports["Docs"].pop(0)
    document = loaded.id_of("documents_document", row)
    loaded.documents.pop(f"{DOCUMENT_FOLDER}{row['id']}.pdf")
    loaded.later()
    loaded.load("documents")
    loaded.execute("UPDATE documents_document SET object_id = gen_random_uuid() WHERE id = %s", document)
    heals_nothing(monkeypatch)
    loaded.document(loaded.exports["Contacts"][0]["id"])
    assert loaded.load("documents")["documents"].account.orphans == 0
    assert loaded.orphans() == 1


def test_what_leads_to_a_person_who_is_gone_for_good_stops_no_load(loaded: Clinic) -> None:
    contact = loaded.exports["Docs"][0]["id_Contact"]
    loaded.remove("Contacts", contact)
    loaded.later()
    loaded.load("patients")
    loaded.delete_patients(contact)
    loaded.tells_hashes = False
    assert loaded.load("documents")["documents"].account.orphans == 0
    assert loaded.orphans() == 2, "the document, and the person's batch"

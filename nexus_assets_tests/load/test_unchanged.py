"""Loads that find the same sources again: what they need not read, and what they must notice all the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nexus_assets.entities import ENTITIES
from nexus_assets.load.load import Inputs, LoadResult, load
from nexus_assets.load.settings import LoadSettings
from nexus_assets_tests.load.clinic import FURNISHED, Clinic, filemaker_id


def again(clinic: Clinic, name: str, said: list[str] | None = None, **settings: bool) -> tuple[LoadResult, list[str]]:
    """A load that may ask for the exports' hashes first; and the exports whose records it read. What it says goes to `said`."""
    inputs, read = clinic.inputs(), []
    heard: list[str] = [] if said is None else said

    def export(wanted: str, *rest: object) -> object:
        read.append(wanted)
        return inputs.export(wanted, *rest)  # type: ignore[arg-type]

    def digest(wanted: str, required: bool) -> str | None:
        opened = inputs.export(wanted, (), (), required)
        return None if opened is None else hashlib.sha256(Path(opened.facts.location).read_bytes()).hexdigest()

    told: Inputs = replace(inputs, export=export, digest=digest)  # type: ignore[arg-type]
    with clinic.loading(ENTITIES[name]) as cursor:
        result = load(cursor, ENTITIES[name], told, LoadSettings(**settings), "test", heard.append)  # type: ignore[arg-type]
    return result, read


@pytest.mark.parametrize("name", FURNISHED)
def test_the_same_sources_are_not_read_again_and_counted_as_before(name: str, loaded: Clinic) -> None:
    first = loaded.load(name)[name].account
    before = loaded.versions()
    said: list[str] = []
    result, read = again(loaded, name, said)
    assert read == []
    assert said == [
        f"{name}: the sources ({ENTITIES[name].exports[0]}.csv) and all rows are as the last load left them"
    ]
    assert result.account == first
    assert loaded.versions() == before


CHANGES: dict[str, tuple[str, Callable[[Clinic], object]]] = {
    "a row was deleted in Nexus": ("notes", lambda clinic: clinic.execute("DELETE FROM {notes}")),
    "a row was edited in Nexus": ("notes", lambda clinic: clinic.execute("UPDATE {notes} SET content = 'edited'")),
    "a link leads nowhere": (
        "documents",
        lambda clinic: clinic.execute("UPDATE {documents_document} SET object_id = gen_random_uuid()"),
    ),
    "the export has another row": (
        "notes",
        lambda clinic: clinic.note(clinic.exports["Contacts"][0]["id"], "One more."),
    ),
    "the bucket has another file": ("images", lambda clinic: clinic.image(clinic.exports["Contacts"][0]["id"])),
    "a clinic was renamed": ("patients", lambda clinic: clinic.execute("UPDATE clinics SET name = name || ' North'")),
    "a rejected row's patient has come": (
        "notes",
        lambda clinic: (clinic.contact("Late"), clinic.later(), clinic.load("patients")),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_may_make_a_difference_has_the_sources_read(change: str, loaded: Clinic) -> None:
    name, make = CHANGES[change]
    loaded.load(name)
    assert again(loaded, name)[1] == []
    make(loaded)
    loaded.later()
    result, read = again(loaded, name)
    assert read != []
    assert result.account.orphans == 0


def test_images_that_came_by_other_ways_are_counted_all_the_same(loaded: Clinic) -> None:
    loaded.load("images")
    loaded.execute("UPDATE {images_batch} SET image_count = 99")
    result, read = again(loaded, "images")
    assert read == []
    assert result.account.healed["counted"] > 0
    assert loaded.value("SELECT count(*) FROM {images_batch} WHERE image_count = 99") == 0


def test_a_conflict_that_is_over_is_not_counted_as_kept(loaded: Clinic) -> None:
    """Of two edited notes one was put back: without reading the sources only the other one counts as kept."""
    first, second = loaded.values("SELECT id::text FROM {notes} ORDER BY 1")
    content = loaded.value("SELECT content FROM {notes} WHERE id = %s", first)
    loaded.execute("UPDATE {notes} SET content = 'edited'")
    assert loaded.load("notes")["notes"].account.kept == 2
    loaded.execute("UPDATE {notes} SET content = %s WHERE id = %s", content, first)
    assert loaded.load("notes")["notes"].account.kept == 1
    result, read = again(loaded, "notes")
    assert read == []
    assert (result.account.kept, result.account.unchanged) == (1, 1)
    assert loaded.value("SELECT content FROM {notes} WHERE id = %s", second) == "edited"


def test_a_document_without_a_patient_is_looked_at_again_and_not_noted_again(loaded: Clinic) -> None:
    loaded.document(filemaker_id("Contacts", "Nobody"))
    loaded.later()
    loaded.load("documents")
    loaded.tells_hashes = False
    before = loaded.versions("nexus_assets")["identity_documents"]
    assert loaded.load("documents")["documents"].account.unchanged == 3
    assert loaded.versions("nexus_assets")["identity_documents"] == before

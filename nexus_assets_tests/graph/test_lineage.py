"""Every column says where it comes from, and its lineage leads to something that is there."""

from __future__ import annotations

import dagster as dg
import pytest

from nexus_assets.definitions import defs
from nexus_assets.entities import ENTITIES
from nexus_assets.graph.lineage import feeds, in_words, origins
from nexus_assets.ledger.schema import base_columns


@pytest.mark.parametrize("name", ENTITIES)
def test_every_column_that_is_read_has_an_origin(name: str) -> None:
    entity = ENTITIES[name]
    constant = {column.name for column in entity.columns if not column.fields}
    assert set(origins(entity)) >= set(base_columns(entity)) - constant


@pytest.mark.parametrize("name", ENTITIES)
def test_lineage_of_columns_follows_the_lineage_of_assets(name: str) -> None:
    parents = defs.resolve_asset_graph().get(dg.AssetKey(name)).parent_keys
    found = {dg.AssetKey(origin.asset) for each in origins(ENTITIES[name]).values() for origin in each}
    assert found <= parents


def test_what_is_delivered_shows_the_columns_that_are_read() -> None:
    graph = defs.resolve_asset_graph()
    schema = graph.get(dg.AssetKey(["filemaker", "contacts_export"])).metadata["dagster/column_schema"]
    assert {column.name: column.description for column in schema.columns}[
        "DOB"
    ] == "Read into patients.dob, patients.filemaker_metadata."
    assert [column.name for column in schema.columns] == list(feeds(("filemaker", "contacts_export")))
    assert {"id", "nameLast", "DOB"} <= {column.name for column in schema.columns}


@pytest.mark.parametrize(
    ("entity", "column", "words"),
    [
        ("patients", "dob", "From `DOB` of Contacts."),
        ("patients", "id", "Made once from `id` of Contacts, and kept forever."),
        ("patients", "mrn", "Nexus's own: never written by the import."),
        ("patients", "archived", "For a new row false; Nexus's own from then on."),
        ("patients", "updated_at", "When the import last changed the row."),
        (
            "patients",
            "clinic_id",
            "The row of clinics that `id_Clinic`, else `Clinic_Name` names; empty where there is none.",
        ),
        ("appointments", "status", "From `Status` of Appointments, else `scheduled`."),
        ("appointments", "filemaker_event_id", "From `id` of Appointments; filled where Nexus has nothing."),
        ("notes", "patient_id", "The row of patients that `id_Key` of Notes names."),
        (
            "documents",
            "object_id",
            "The row of patients that `id_Contact` of Docs names; the two halves are one link.",
        ),
        ("images", "file_size", "From `size` of the file."),
        ("images", "original_name", "From `Name_of_file`, `fileName` of Image_data and `file_name` of the file."),
        ("images", "batch_id", "The row of image_batches that `id_Contact`, `date` of Image_data names."),
        ("image_batches", "description", "The same in every row."),
    ],
)
def test_column_tells_where_it_comes_from(entity: str, column: str, words: str) -> None:
    assert in_words(ENTITIES[entity], column) == words

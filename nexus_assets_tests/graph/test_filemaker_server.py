"""Where the settings name a FileMaker Server, its tables are loaded straight from there, by the same assets."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest

from nexus_assets.errors import NexusAssetsError
from nexus_assets.graph.automation import sources_changed
from nexus_assets.graph.resources import ClinicBucket, FileMakerExports, NexusDatabase
from nexus_assets.settings import clinic
from nexus_assets_tests.graph.conftest import Graph, failure
from nexus_assets_tests.load.clinic import HEADINGS
from nexus_assets_tests.sources.fake_filemaker import FakeFileMaker, serving

pytestmark = pytest.mark.extended

CONTACTS = [(name, "date" if name == "DOB" else "text") for name in HEADINGS["Contacts"]]


@pytest.fixture
def filemaker(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeFileMaker]:
    """A server with the contacts of the small clinic, named by the settings in place of a folder of exports."""
    with serving("Contacts for Nexus", CONTACTS) as server:
        rows = graph.clinic.exports["Contacts"]
        server.table = [
            (number, {**dict.fromkeys(HEADINGS["Contacts"], ""), **row, "DOB": "12/30/1981"})
            for number, row in enumerate(rows, start=1)
        ]
        monkeypatch.delenv("NEXUS_EXPORTS")
        for name, value in {
            "URL": server.url,
            "DATABASE": "Clinic 1",
            "USER": "importer",
            "PASSWORD": "s3cret",
            "LAYOUTS": "Contacts=Contacts for Nexus",
        }.items():
            monkeypatch.setenv(f"NEXUS_FILEMAKER_{name}", value)
        yield server


def test_patients_are_loaded_from_it(graph: Graph, filemaker: FakeFileMaker) -> None:
    result = graph.materialize("patients")
    assert result.success
    assert graph.clinic.values("SELECT last_name FROM patients ORDER BY 1") == ["Banksia", "Wattle"]
    assert {str(day) for day in graph.clinic.values("SELECT dob FROM patients")} == {"1981-12-30"}
    told = graph.clinic.value("SELECT sources->'Contacts' FROM nexus_assets.load")
    assert (told["file"], told["format"], told["rows"]) == (
        "the layout 'Contacts for Nexus' of Clinic 1",
        "data api",
        2,
    )
    assert not filemaker.sessions, "each session is handed back"
    assert "s3cret" not in str(told)


def test_loading_it_twice_writes_nothing(graph: Graph, filemaker: FakeFileMaker) -> None:
    graph.materialize("patients")
    before = graph.clinic.versions()
    assert graph.materialize("patients").success
    assert graph.clinic.versions() == before
    filemaker.table[0][1]["nameFirst"] = "Robin"
    assert graph.materialize("patients").success
    assert graph.clinic.value("SELECT count(*) FROM patients WHERE first_name = 'Robin'") == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, ""), "HTTP status 401"),
        ((402, ""), "license does not cover the Data API"),
        ((401, "952"), "error 952"),
        ((500, "802"), "the database is not open"),
    ],
    ids=["401", "402", "952", "500"],
)
def test_what_it_refuses_is_said_and_nothing_is_written(
    graph: Graph, filemaker: FakeFileMaker, answer: tuple[int, str], words: str
) -> None:
    filemaker.fault = lambda _: answer
    result = graph.materialize("patients")
    assert not result.success
    said = failure(result, "patients")
    assert words in said
    assert "s3cret" not in said
    assert graph.clinic.value("SELECT count(*) FROM patients") == 0


def test_a_page_that_shrinks_under_the_cursor_stops_the_load(graph: Graph, filemaker: FakeFileMaker) -> None:
    (_, wattle), _ = filemaker.table
    filemaker.table = [(number, {**wattle, "id": f"{number:032x}"}) for number in range(1, 1_500)]

    def shrink(page: int) -> None:
        if page % 2 == 0:
            del filemaker.table[:600]

    filemaker.fault = shrink
    result = graph.materialize("patients")
    assert "was changed while it was read" in failure(result, "patients")
    assert graph.clinic.value("SELECT count(*) FROM patients") == 0


@pytest.mark.usefixtures("filemaker")
def test_a_table_that_it_lacks_is_said(graph: Graph) -> None:
    graph.materialize("patients")
    said = failure(graph.materialize("notes"), "notes")
    assert "error 105 for the layout 'Notes': there is no such layout" in said


@pytest.mark.usefixtures("filemaker")
def test_the_sensor_leaves_it_to_the_schedule(graph: Graph) -> None:
    context = dg.build_sensor_context(
        instance=graph.instance,
        resources={"database": NexusDatabase(), "exports": FileMakerExports(), "bucket": ClinicBucket()},
    )
    skipped = sources_changed(context)
    assert isinstance(skipped, dg.SkipReason)
    assert "use the schedule" in str(skipped.skip_message)


@pytest.mark.usefixtures("filemaker")
def test_a_folder_beside_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_EXPORTS", "/exports")
    with pytest.raises(NexusAssetsError, match="NEXUS_EXPORTS and NEXUS_FILEMAKER_URL are both set"):
        clinic()


@pytest.mark.usefixtures("filemaker")
def test_half_an_account_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEXUS_FILEMAKER_PASSWORD")
    with pytest.raises(NexusAssetsError, match="NEXUS_FILEMAKER_PASSWORD is not"):
        clinic()


@pytest.mark.usefixtures("filemaker")
def test_its_password_is_never_shown() -> None:
    assert "s3cret" not in repr(clinic())
    assert "s3cret" not in repr(FileMakerExports().server())

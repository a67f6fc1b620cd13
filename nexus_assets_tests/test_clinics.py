"""Several clinics on one Dagster: each has its own names, settings and alerts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from nexus_assets import clinics, commands
from nexus_assets.alerts.events import History, OpenSubject
from nexus_assets.alerts.message import headed
from nexus_assets.asset_keys import asset_key, asset_name, clinic_tags
from nexus_assets.checks.check import NO_FILES, Check, Finding
from nexus_assets.checks.run import ask_all
from nexus_assets.errors import NexusAssetsError
from nexus_assets.load.settings import config_json
from nexus_assets.nexus.connection import make_engine
from nexus_assets.resources import the_clinic
from nexus_assets.run_scope import Scope

NORTH = {"NEXUS_DATABASE_URL": "postgresql://north@127.0.0.1/north", "NEXUS_S3_BUCKET": "north-files"}
SOUTH = {"NEXUS_DATABASE_URL": "postgresql://south@127.0.0.1/south", "AWS_SECRET_ACCESS_KEY": "of-south"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the settings of two clinics, in a shell that holds those of a third."""
    (tmp_path / "clinics").mkdir()
    for name, settings in {"north": NORTH, "south": SOUTH}.items():
        lines = "".join(f"{key}={value}\n" for key, value in settings.items())
        (tmp_path / "clinics" / f"{name}.env").write_text(lines)
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(clinics.OWN)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NEXUS_EXPORTS", "/exports/of/another")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-another")
    monkeypatch.setenv("PGPASSWORD", "of-another")
    return tmp_path


def _own(environment: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in environment.items() if key.startswith(clinics.OWN)}


@pytest.mark.usefixtures("folder")
def test_environment_holds_the_settings_of_one_clinic_alone() -> None:
    assert _own(clinics.environment("north")) == {**NORTH, "NEXUS_CLINIC": "north"}
    assert _own(clinics.environment("south")) == {**SOUTH, "NEXUS_CLINIC": "south"}


@pytest.mark.usefixtures("folder")
def test_process_takes_the_settings_of_the_clinic_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    clinics.enter("south")
    assert _own(os.environ) == {**SOUTH, "NEXUS_CLINIC": "south"}


@pytest.mark.usefixtures("folder")
def test_container_without_a_file_keeps_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_CLINIC", "east")
    before = dict(os.environ)
    clinics.enter()
    assert dict(os.environ) == before


@pytest.mark.usefixtures("folder")
def test_unknown_clinic_is_refused_with_those_that_are_there() -> None:
    with pytest.raises(NexusAssetsError, match=r"no clinics/west.env.*north, south"):
        clinics.enter("west")


@pytest.mark.parametrize("name", ["North", "no/rth", "1st", "a b", "north-west"])
def test_name_that_can_not_stand_in_a_key_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_CLINIC", name)
    with pytest.raises(NexusAssetsError, match="NEXUS_CLINIC"):
        asset_key("images")


@pytest.mark.parametrize(
    ("selection", "meant"),
    [
        ("*images", "*north/images"),
        ("patients,notes", "north/patients,north/notes"),
        ("image_batches", "north/image_batches"),
        ("north/images", "north/images"),
        ("++north/images,notes*", "++north/images,north/notes*"),
        ("*", "*"),
    ],
)
def test_selection_gets_the_clinic_before_each_name(
    selection: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXUS_CLINIC", "north")
    assert clinics.with_clinic(selection) == meant


def test_commands_that_messages_name_are_those_of_the_clinic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_CLINIC", "north")
    assert (
        clinics.materialize_command("*images")
        == "NEXUS_CLINIC=north dagster asset materialize --select '*north/images'"
    )
    assert clinics.own_command("status") == "nexus-assets --clinic north status"
    assert '"north__images"' in config_json("images", "filemaker_wins")
    assert headed("test") == "Nexus north: test"


def test_errors_and_checks_name_the_clinic_in_what_to_run_next(
    living_nexus_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXUS_CLINIC", "north")
    error = NexusAssetsError("It is so.", remedy="Run `nexus-assets plan`, or nexus-assets --clinic south plan.")
    assert str(error) == "It is so. Run `nexus-assets --clinic north plan`, or nexus-assets --clinic south plan."
    failing = Check("images", "any", "", lambda _: Finding(1, next_step="load; then nexus-assets kept --entity images"))
    ((_, answer),) = ask_all([failing], make_engine(living_nexus_database), NO_FILES)
    assert isinstance(answer, Finding)
    assert answer.next_step == "load; then nexus-assets --clinic north kept --entity images"


def test_no_command_prints_another_one_without_its_clinic() -> None:
    """The errors and the checks do so in one place."""
    printed = re.compile(r"(?:echo|print)\([^\n]*?nexus-assets [a-z]")
    told = {path.name: printed.findall(path.read_text("utf-8")) for path in Path(commands.__path__[0]).glob("*.py")}
    assert {name: found for name, found in told.items() if found} == {}


def test_command_without_a_clinic_beside_several_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEXUS_LOCAL_HOME", str(tmp_path))
    Path(clinics.FOLDER).mkdir()
    for name in ("north", "south"):
        clinics.settings_file(name).touch()
    with pytest.raises(NexusAssetsError, match=r"north, south.*--clinic north"):
        the_clinic()


def test_names_without_a_clinic_are_as_they_always_were() -> None:
    assert asset_key("images") == dg.AssetKey("images")
    assert clinics.with_clinic("*images") == "*images"
    assert clinics.step_name("images") == "images"
    assert headed("test") == "Nexus: test"
    assert clinic_tags() == {}


KEYS = """
import json
from nexus_assets.definitions import defs
graph = defs.get_repository_def().asset_graph
print(json.dumps({
    "assets": sorted(key.to_user_string() for key in graph.get_all_asset_keys()),
    "checks": sorted({key.asset_key.to_user_string() for key in graph.asset_check_keys}),
    "pools": sorted(
        node.definition.pool
        for node in defs.resolve_implicit_global_asset_job_def().graph.nodes
        if node.definition.pool
    ),
    "tags": dict(defs.resolve_job_def("import_everything").tags),
    "plan": dict(defs.resolve_job_def("plan_import").tags),
}))
"""


@pytest.mark.usefixtures("folder")
def test_every_asset_check_pool_and_job_of_a_clinic_bears_its_name() -> None:
    said = subprocess.run(
        [sys.executable, "-c", KEYS], env={**os.environ, "NEXUS_CLINIC": "north"}, capture_output=True, check=True
    )
    found = json.loads(said.stdout)
    assert len(found["assets"]) >= 13
    assert {name.partition("/")[0] for name in (*found["assets"], *found["checks"])} == {"north"}
    assert "north/filemaker/contacts_export" in found["assets"]
    assert len(found["pools"]) >= 6
    assert all(name.startswith("load_north_") for name in found["pools"])
    assert found["tags"]["nexus/clinic"] == found["plan"]["nexus/clinic"] == "north"


@pytest.mark.usefixtures("folder")
def test_workspace_has_one_code_server_for_each_clinic() -> None:
    said = subprocess.run([sys.executable, "-m", "nexus_assets", "clinics"], capture_output=True, check=True)
    servers = [each["grpc_server"] for each in yaml.safe_load(said.stdout)["load_from"]]
    assert [(each["location_name"], each["host"], each["port"]) for each in servers] == [
        ("north", "127.0.0.1", 4000),
        ("south", "127.0.0.1", 4001),
    ]


@pytest.mark.usefixtures("folder")
def test_container_of_a_clinic_is_given_its_own_settings_only() -> None:
    command = [sys.executable, "-m", "nexus_assets", "clinics", "--compose"]
    services = yaml.safe_load(subprocess.run(command, capture_output=True, check=True).stdout)["services"]
    assert services["north"]["env_file"] == "../clinics/north.env"
    assert services["south"]["env_file"] == "../clinics/south.env"
    assert "env_file" not in services["webserver"]
    assert services["daemon"]["depends_on"] == ["north", "south"]


# --- whose runs and checks an alert is about --------------------------------------------------------------------------


def _project(*names: str, failing: bool = True) -> dg.Definitions:
    """A project whose assets of these names fail to load, under the keys that the environment's clinic gives."""

    def made(name: str) -> dg.AssetsDefinition:
        @dg.asset(key=asset_key(*name.split("/")))
        def load() -> None:
            if failing:
                raise ValueError(name)

        return load

    return dg.Definitions(assets=[made(name) for name in names], executor=dg.in_process_executor)


def _run(
    instance: dg.DagsterInstance, project: dg.Definitions, *names: str, tags: Mapping[str, str] | None = None
) -> None:
    project.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        raise_on_error=False,
        tags=dict(tags or {}),
        asset_selection=[asset_key(*name.split("/")) for name in names] or None,
    )


def _subjects(instance: dg.DagsterInstance, project: dg.Definitions, location: str | None = None) -> list[str]:
    events, _ = History(instance, Scope.of(project.get_repository_def(), location)).read({}, [])
    return [event.subject for event in events if event.bad]


def test_failing_load_of_another_clinic_is_not_told(
    dagster_instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXUS_CLINIC", "north")
    north = _project("images")
    _run(dagster_instance, north)
    assert _subjects(dagster_instance, north) == ["load images"]
    monkeypatch.setenv("NEXUS_CLINIC", "south")
    assert _subjects(dagster_instance, _project("images")) == []


def test_failing_run_of_another_project_is_not_told(dagster_instance: dg.DagsterInstance) -> None:
    _run(dagster_instance, _project("warehouse"))
    assert _subjects(dagster_instance, _project("images")) == []


def test_key_of_a_clinic_is_read_back_as_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_CLINIC", "north")
    assert asset_name(asset_key("images")) == "images"
    assert asset_name(asset_key("filemaker", "contacts_export")) == "filemaker/contacts_export"


def test_success_of_notes_does_not_close_the_failure_of_patients(dagster_instance: dg.DagsterInstance) -> None:
    project = _project("patients", "notes", failing=False)
    job = project.resolve_implicit_global_asset_job_def()
    scope = Scope.of(project.get_repository_def())
    broken = dagster_instance.create_run_for_job(job, asset_selection=frozenset({asset_key("patients")}))
    dagster_instance.report_run_failed(broken)
    ((alert,), seen) = History(dagster_instance, scope).read({}, [])
    assert alert.subject == "run __ASSET_JOB patients"
    known = [OpenSubject(alert.subject, alert.kind, alert.asset)]
    _run(dagster_instance, project, "notes")
    assert History(dagster_instance, scope).read(seen, known)[0] == []
    _run(dagster_instance, project, "patients", "notes")
    ((end,), _) = History(dagster_instance, scope).read(seen, known)
    assert (end.subject, end.bad) == (alert.subject, False)


def test_success_of_another_clinic_does_not_close_a_failure(
    dagster_instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXUS_CLINIC", "north")
    north = _project("patients", failing=False)
    broken = dagster_instance.create_run_for_job(north.resolve_implicit_global_asset_job_def())
    dagster_instance.report_run_failed(broken)
    scope = Scope.of(north.get_repository_def())
    ((alert,), seen) = History(dagster_instance, scope).read({}, [])
    monkeypatch.setenv("NEXUS_CLINIC", "south")
    _run(dagster_instance, _project("patients", failing=False))
    monkeypatch.setenv("NEXUS_CLINIC", "north")
    assert History(dagster_instance, scope).read(seen, [OpenSubject(alert.subject, alert.kind, "")])[0] == []


@pytest.mark.parametrize(
    ("location", "told"),
    [("elsewhere", []), ("nexus", ["run __ASSET_JOB images"]), (None, ["run __ASSET_JOB images"])],
)
def test_run_of_another_code_location_is_not_told_although_its_asset_is_called_the_same(
    location: str | None, told: list[str], dagster_instance: dg.DagsterInstance
) -> None:
    project = _project("images")
    run = dagster_instance.create_run_for_job(
        project.resolve_implicit_global_asset_job_def(), remote_job_origin=_origin("nexus"), job_code_origin=None
    )
    dagster_instance.report_run_failed(run)
    assert _subjects(dagster_instance, project, location) == told


def _origin(location: str) -> RemoteJobOrigin:
    server = GrpcServerCodeLocationOrigin(host="127.0.0.1", port=4000, location_name=location)
    return RemoteJobOrigin(RemoteRepositoryOrigin(server, "__repository__"), "__ASSET_JOB")

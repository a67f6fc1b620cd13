"""The config of a run decides switches and names; where data comes from and goes, the settings decide alone."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._config import ConfigType, ConfigTypeKind

from nexus_assets.definitions import defs
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.graph.automation import executor
from nexus_assets.graph.entity_assets import RUN_CONFIG
from nexus_assets.graph.plan_job import PlanConfig
from nexus_assets.load.settings import SWITCHES as DECIDED
from nexus_assets_tests.graph.conftest import QUIET, Graph

JOBS = {job.name: job for job in defs.get_repository_def().get_all_jobs()}
SWITCHES = {f"ops.{name}.config.{field}" for name in ENTITIES for field in RUN_CONFIG}
PLANNING = {f"ops.plan.config.{field}" for field in PlanConfig.model_fields}
LOGGING = {"loggers.console.config.log_level", "loggers.console.config.name"}
"""Of Dagster's own console logger: how much it prints, and under which name."""


def leaves(config: ConfigType, path: str = "") -> Iterator[tuple[str, ConfigType]]:
    """(path, type) of everything that a config can hold."""
    fields = getattr(config, "fields", None)
    if fields is None:
        yield path, config
    for name, field in (fields or {}).items():
        yield from leaves(field.config_type, f"{path}.{name}".removeprefix("."))


@pytest.mark.parametrize("job", JOBS)
def test_config_of_a_run_holds_nothing_but_switches_and_what_to_plan(job: str) -> None:
    found = dict(leaves(JOBS[job].run_config_schema.config_type))
    assert set(found) <= SWITCHES | PLANNING | LOGGING
    assert {config.kind for config in found.values()} <= {ConfigTypeKind.SCALAR, ConfigTypeKind.ARRAY}
    inner = [config.inner_type for config in found.values() if config.kind is ConfigTypeKind.ARRAY]  # type: ignore[attr-defined]
    assert {config.kind for config in inner} <= {ConfigTypeKind.SCALAR}


@pytest.fixture
def stranger() -> Iterator[socket.socket]:
    """A server that waits for what does not come."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        yield server


FOREIGN: dict[str, Any] = {
    "the database": {"resources": {"database": {"config": {"url": "postgresql://x@127.0.0.1:{port}/canary"}}}},
    "the database's name in the environment": {
        "resources": {"database": {"config": {"url": {"env": "CANARY_DATABASE_URL"}}}}
    },
    "a resource's whole config": {"resources": {"database": {"config": "postgresql://x@127.0.0.1:{port}/canary"}}},
    "the exports": {"resources": {"exports": {"config": {"location": "s3://canary/prefix"}}}},
    "the bucket": {"resources": {"bucket": {"config": {"bucket": "canary"}}}},
    "the folder of stored values": {"resources": {"io_manager": {"config": {"base_dir": "/tmp/canary"}}}},
    "a switch from the environment": {"ops": {"patients": {"config": {"allow_empty": {"env": "CANARY_DATABASE_URL"}}}}},
    "a text from the environment": {"ops": {"patients": {"config": {"only_if": {"env": "CANARY_DATABASE_URL"}}}}},
    "an input": {"ops": {"patients": {"inputs": {"filemaker__contacts_export": {"pickle": {"path": "/tmp/canary"}}}}}},
    "an output": {"ops": {"patients": {"outputs": [{"result": {"path": "/tmp/canary"}}]}}},
}


@pytest.mark.attack("A launch, or a run's config, that says where data comes from or goes")
@pytest.mark.parametrize("said", FOREIGN.values(), ids=FOREIGN)
def test_a_run_that_names_what_the_settings_decide_is_refused_before_anything_is_opened(
    said: dict[str, Any],
    graph: Graph,
    stranger: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CANARY_DATABASE_URL", "postgresql://x:canary-password@127.0.0.1/canary")
    before = graph.clinic.versions()
    job = defs.resolve_implicit_global_asset_job_def()
    with pytest.raises(dg.DagsterInvalidConfigError) as refusal:
        job.execute_in_process(
            instance=graph.instance,
            asset_selection=[dg.AssetKey("patients")],
            run_config={**QUIET, **_with_port(said, stranger.getsockname()[1])},
        )
    assert graph.instance.get_runs() == []
    assert graph.clinic.versions() == before
    assert "canary-password" not in str(refusal.value) + "".join(capfd.readouterr())
    with pytest.raises(TimeoutError):
        stranger.accept()


def _with_port(said: Any, port: int) -> Any:
    if isinstance(said, dict):
        return {name: _with_port(value, port) for name, value in said.items()}
    return said.replace("{port}", str(port)) if isinstance(said, str) else said


@pytest.mark.attack("A launch, or a run's config, that says where data comes from or goes", each=3)
def test_plan_takes_no_text_from_the_environment(dagster_instance: dg.DagsterInstance) -> None:
    for config in ({"select": {"env": "PATH"}}, {"switch_on": [{"env": "PATH"}]}, {"switch_on": {"env": "PATH"}}):
        with pytest.raises(dg.DagsterInvalidConfigError):
            JOBS["plan_import"].execute_in_process(
                instance=dagster_instance, run_config={"ops": {"plan": {"config": config}}}
            )
    assert dagster_instance.get_runs() == []


def test_config_of_the_executor_comes_from_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_EXECUTOR", "dagster.multiprocess_executor")
    monkeypatch.setenv("NEXUS_EXECUTOR_CONFIG", '{"max_concurrent": 3}')
    job = dg.Definitions(assets=[dg.AssetSpec("a")], jobs=[JOBS["plan_import"]], executor=executor())
    assert job.executor is not None
    resolved = executor().apply_config_mapping({"config": {}})
    assert resolved.success
    assert resolved.value["config"]["max_concurrent"] == 3


@pytest.mark.parametrize(
    ("executor_name", "config", "named"),
    [
        ("in_process_executor", "max_concurrent=3", "NEXUS_EXECUTOR_CONFIG has no fields"),
        ("in_process_executor", "[1", "NEXUS_EXECUTOR_CONFIG is neither JSON nor YAML"),
        ("in_process_executor", "[1]", "NEXUS_EXECUTOR_CONFIG has no fields"),
        ("multiprocess_executor", "{at_most: 3}", "see at_most"),
        ("multiprocess_executor", "{max_concurrent: canary-password}", "see max_concurrent"),
        ("multiprocess_executor", "{retries: {sometimes: {}}}", "see retries.sometimes"),
    ],
)
def test_config_that_the_executor_does_not_accept_is_named_without_its_values(
    executor_name: str, config: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXUS_EXECUTOR", f"dagster.{executor_name}")
    monkeypatch.setenv("NEXUS_EXECUTOR_CONFIG", config)
    with pytest.raises(NexusAssetsError, match=named) as refusal:
        executor()
    assert "canary-password" not in str(refusal.value)


def test_config_of_the_executor_may_be_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_EXECUTOR", "dagster.multiprocess_executor")
    monkeypatch.setenv("NEXUS_EXECUTOR_CONFIG", "max_concurrent: 3")
    assert executor().apply_config_mapping({"config": {}}).value["config"]["max_concurrent"] == 3


def test_launchpad_offers_what_a_person_may_decide_and_nothing_else() -> None:
    assert set(RUN_CONFIG) == set(DECIDED)

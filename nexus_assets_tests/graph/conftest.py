"""What the tests of the whole graph share: a small clinic whose exports and files really lie where the settings say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
from alembic.script import ScriptDirectory

from nexus_assets.definitions import defs
from nexus_assets.entities import ENTITIES
from nexus_assets.load.settings import LoadSettings
from nexus_assets.load_run import is_exported, run_load
from nexus_assets.nexus.connection import kept_connections
from nexus_assets.resources import ClinicBucket, FileMakerExports, NexusDatabase
from nexus_assets_tests.conftest import Bucket
from nexus_assets_tests.load.clinic import Clinic, furnish

if TYPE_CHECKING:
    from dagster import ExecuteInProcessResult

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class Graph:
    """The graph over one clinic: its settings are in the environment, its history in an instance."""

    clinic: Clinic
    bucket: Bucket
    exports: Path
    instance: dg.DagsterInstance

    def materialize(self, *names: str, config: Mapping[str, Any] | None = None) -> ExecuteInProcessResult:
        """A run of these assets with their checks; of all where none is named. Failures are in the result."""
        return defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey(name) for name in names] or None,
            raise_on_error=False,
            run_config={**QUIET, **(config or {})},
        )

    def load(self, *names: str) -> None:
        """Loads these entities, all where none is named, as their assets do, but without a run: to have them before what a test is
        about, in a third of the time."""
        resources = NexusDatabase(), FileMakerExports(), ClinicBucket()
        with kept_connections():
            for name in names or ENTITIES:
                if is_exported(ENTITIES[name], resources[1]):
                    run_load(ENTITIES[name], LoadSettings.of_clinic(), *resources, "loaded before", lambda _: None)

    def place(self) -> None:
        """Puts the clinic's exports and files where the settings say."""
        for name in self.clinic.exports:
            self.clinic._write(name)
        for key, size in {**self.clinic.images, **self.clinic.documents}.items():
            path = self.bucket.folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x" * size)


@pytest.fixture(scope="session", autouse=True)
def scripts_read_once() -> Iterator[None]:
    """Reads the scripts that change Dagster's tables once a process, not each time that a command opens the history or begins a run."""
    read: dict[str | None, ScriptDirectory] = {}
    from_config = ScriptDirectory.from_config

    def kept(config: Any) -> ScriptDirectory:
        place = config.get_main_option("script_location")
        if place not in read:
            read[place] = from_config(config)
        return read[place]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptDirectory, "from_config", kept)
        yield


@pytest.fixture
def graph(
    living_nexus_database: str,
    bucket: Bucket,
    tmp_path: Path,
    dagster_instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Graph]:
    """The graph over a small clinic with something of everything."""
    for name, value in {
        "NEXUS_DATABASE_URL": living_nexus_database,
        "NEXUS_EXPORTS": str(tmp_path),
        "NEXUS_S3_BUCKET": bucket.name,
        "NEXUS_S3_ENDPOINT_URL": bucket.endpoint_url,
        "AWS_ACCESS_KEY_ID": bucket.access_key_id,
        "AWS_SECRET_ACCESS_KEY": bucket.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    with closing(furnish(Clinic(living_nexus_database, tmp_path))) as clinic:
        graph = Graph(clinic, bucket, tmp_path, dagster_instance)
        graph.place()
        yield graph


def failure(result: ExecuteInProcessResult, step: str) -> str:
    """What a failed step says, as Dagster keeps it, causes included."""
    return "".join(said for failed, said in failures(result) if failed == step)


def failures(result: ExecuteInProcessResult) -> list[tuple[str, str]]:
    """(step, what it says) of every failed step; empty where the run was well."""
    told = []
    for event in result.all_events:
        if event.is_step_failure:
            error, said = event.step_failure_data.error, ""
            while error is not None:
                said, error = said + error.message, error.cause
            told.append((str(event.step_key), said))
    return told

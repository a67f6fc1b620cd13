"""The steps of a run in other processes and on other machines: the executors that docs/deploying.md names, for real."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import psutil
import psycopg2
import pytest
import redis
import yaml

from nexus_assets import clinics
from nexus_assets.entities import ENTITIES
from nexus_assets.local.processes import free_port
from nexus_assets.local.s3 import S3Server
from nexus_assets_tests.conftest import Bucket, kill_group
from nexus_assets_tests.graph.conftest import Graph
from nexus_assets_tests.load.clinic import Clinic, furnish
from nexus_assets_tests.load.test_races import content
from nexus_assets_tests.test_deploying import DEPLOY, PAGE, Server, program, server  # noqa: F401 - the fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1100)]

STEPS = {*ENTITIES, *(f"checks_of_{name}" for name in ENTITIES), "import_report"}
PATIENCE_SECONDS = 600
FORGOTTEN_AFTER_SECONDS = 10
"""After so long Redis gives a dead worker's task to another one; in operation longer than the longest load."""

(FORKED,) = re.findall(r"`(\{start_method: .*?\}\}\})`", PAGE)
(CELERY,) = re.findall(r"```sh celery\n(.*?)```", PAGE, re.DOTALL)


def wait_for(what: Callable[[], Any]) -> Any:
    """The first true answer. Raises AssertionError where there is none."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if answer := what():
            return answer
        time.sleep(0.5)
    raise AssertionError("waited in vain")


@pytest.fixture(scope="module")
def expected(
    kept_database: Callable[..., str], living_nexus_template: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What the clinic of `server` holds when it was loaded in this process."""
    folder = tmp_path_factory.mktemp("in_process")
    with closing(furnish(Clinic(kept_database(living_nexus_template), folder))) as clinic:
        clinic.load()
        return content(clinic)


@dataclass
class Runs:
    """Whole loads over the clinic of a server, with the history in PostgreSQL."""

    server: Server
    executor: str
    config: str

    @property
    def environment(self) -> dict[str, str]:
        """Of every process: of the run, and of the workers."""
        return {**self.server.environment, "NEXUS_EXECUTOR": self.executor, "NEXUS_EXECUTOR_CONFIG": self.config}

    def start(self, *command: str) -> subprocess.Popen[str]:
        """A process that ends its own children when it is killed as a group."""
        return subprocess.Popen(
            [program(command[0]), *command[1:]],
            env=self.environment,
            cwd=self.server.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def end(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        """Exit code and output of a process that was started."""
        try:
            output, _ = process.communicate(timeout=PATIENCE_SECONDS)
        finally:
            kill_group(process)
        return process.returncode, output

    def load(self, *arguments: str) -> tuple[int, str]:
        """Exit code and output of `nexus-assets load`."""
        return self.end(self.start("nexus-assets", "load", *arguments))

    @contextmanager
    def history(self) -> Iterator[dg.DagsterInstance]:
        before = {name: os.environ.get(name) for name in ("DAGSTER_HOME", "DAGSTER_STORAGE_URL")}
        os.environ.update({name: self.environment[name] for name in before})
        try:
            with dg.DagsterInstance.get() as instance:
                yield instance
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})

    def events(self) -> list[dg.EventLogEntry]:
        """What the history has of the last run."""
        with self.history() as instance:
            runs = instance.get_runs(limit=1)
            return instance.all_logs(runs[0].run_id) if runs else []

    def status(self) -> str:
        with self.history() as instance:
            return instance.get_runs(limit=1)[0].status.value

    def succeeded(self) -> set[str]:
        """The steps of the last run that ended well."""
        events = (entry.dagster_event for entry in self.events())
        return {str(event.step_key) for event in events if event and event.is_step_success}

    def begun(self) -> Counter[str]:
        """How often each step of the last run began."""
        events = (entry.dagster_event for entry in self.events())
        return Counter(str(event.step_key) for event in events if event and event.is_step_start)

    def content(self) -> dict[str, Any]:
        """What Nexus holds now."""
        url = self.environment["NEXUS_DATABASE_URL"]
        with closing(Clinic(url, self.server.folder)) as clinic:
            return content(clinic)


def test_steps_have_processes_of_their_own_with_the_history_in_postgresql(
    server: Server,  # noqa: F811
    expected: dict[str, Any],
) -> None:
    runs = Runs(server, "dagster.multiprocess_executor", FORKED)
    code, output = runs.load("*images")
    assert code == 0, output
    began = [entry.dagster_event for entry in runs.events()]
    processes = {
        str(event.step_key): event.event_specific_data.metadata["pid"].value
        for event in began
        if event and event.event_type_value == "STEP_WORKER_STARTED"
    }
    loaded = ("patients", "image_batches", "images")
    assert {*processes} >= {*loaded, *(f"checks_of_{name}" for name in loaded)}
    assert len(set(processes.values())) == len(processes)
    found = runs.content()
    assert {name: found[name] for name in ("patients", "batches", "images")} == {
        name: expected[name] for name in ("patients", "batches", "images")
    }
    assert not list(server.folder.rglob("*.db"))


# --- Celery -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    """The address of a Redis of its own."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: _answers(port))
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _answers(port: int) -> bool:
    try:
        with closing(redis.Redis(port=port)) as client:
            return bool(client.ping())
    except redis.ConnectionError:
        return False


class Celery(Runs):
    """Runs whose steps are carried out by Celery workers, set up as docs/deploying.md says."""

    @classmethod
    def as_documented(cls, server: Server, broker: str, forgotten_after: int) -> Celery:  # noqa: F811
        settings = dict(re.findall(r"^export (\w+)='?(.*?)'?$", CELERY, re.MULTILINE))
        config = settings["NEXUS_EXECUTOR_CONFIG"].replace("redis://redis.example:6379", broker)
        config = re.sub(r"visibility_timeout: \d+", f"visibility_timeout: {forgotten_after}", config)
        return cls(server, settings["NEXUS_EXECUTOR"], config)

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[str]]:
        """A worker in processes of its own, started by the last lines of the documentation; ended with all of them."""
        lines = [line for line in CELERY.splitlines() if line.startswith(("echo ", "dagster-celery "))]
        script = "\n".join(lines).replace("dagster-celery ", f"exec {program('dagster-celery')} ")
        log = self.server.folder / "worker.log"
        with log.open("a") as output:
            process = subprocess.Popen(
                ["sh", "-euc", script],
                env={**self.environment, "PATH": f"{Path(program('celery')).parent}:{os.environ['PATH']}"},
                cwd=self.server.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                yield process
            finally:
                kill_group(process)

    def workers(self) -> dict[str, set[str]]:
        """Worker -> the steps of the last run that it began."""
        told: dict[str, set[str]] = {}
        for entry in self.events():
            event = entry.dagster_event
            if event and event.is_engine_event and "Celery worker" in event.engine_event_data.metadata:
                worker = str(event.engine_event_data.metadata["Celery worker"].value)
                told.setdefault(worker, set()).add(str(event.step_key))
        return told


@pytest.fixture
def celery(server: Server, broker: str) -> Celery:  # noqa: F811
    return Celery.as_documented(server, broker, FORGOTTEN_AFTER_SECONDS)


def ready(broker: str, workers: int) -> bool:
    """Whether so many workers listen."""
    from celery import Celery as App

    with App(broker=f"{broker}/0") as app:
        return len(app.control.inspect(timeout=1).ping() or {}) == workers


def test_whole_graph_runs_on_two_celery_workers(celery: Celery, broker: str, expected: dict[str, Any]) -> None:
    with celery.worker(), celery.worker():
        wait_for(lambda: ready(broker, 2))
        code, output = celery.load()
        assert code == 0, output + (celery.server.folder / "worker.log").read_text()
        took_part = celery.workers()
        assert len(took_part) == 2
        assert set().union(*took_part.values()) >= STEPS
        assert celery.content() == expected


def test_step_of_a_killed_worker_is_carried_out_by_another_one(
    celery: Celery, broker: str, expected: dict[str, Any]
) -> None:
    address = celery.environment["NEXUS_DATABASE_URL"].replace("+psycopg2", "")
    with ExitStack() as running, closing(psycopg2.connect(address)) as other, other.cursor() as cursor:
        first = running.enter_context(celery.worker())
        wait_for(lambda: ready(broker, 1))
        # The load of the notes waits for this one in the middle, with its rows staged.
        cursor.execute("LOCK TABLE notes IN SHARE MODE")
        run = celery.start("nexus-assets", "load", "*notes")
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'notes'::regclass"
        wait_for(lambda: cursor.execute(waiting) or cursor.fetchone() != (0,))
        running.enter_context(celery.worker())
        wait_for(lambda: ready(broker, 2))
        kill_group(first)
        other.rollback()
        killed = time.monotonic()
        code, output = celery.end(run)
        lost = time.monotonic() - killed
    assert code == 0, output + (celery.server.folder / "worker.log").read_text()
    assert len(celery.workers()) == 2
    assert celery.succeeded() >= {"patients", "notes", "checks_of_patients", "checks_of_notes"}
    assert {name: celery.content()[name] for name in ("patients", "notes")} == {
        name: expected[name] for name in ("patients", "notes")
    }
    again = {step: times for step, times in celery.begun().items() if times > 1}
    # A step that takes longer than the timeout begins once more, on a busy machine any of them.
    assert "notes" in again
    print(f"a killed worker cost {again} beginnings, {lost:.0f} s with {FORGOTTEN_AFTER_SECONDS} s of timeout")  # noqa: T201


# --- the queue and the pools, over two clinics ------------------------------------------------------------------------

NAMES = ("north", "south")
LAUNCHED = ("north", "south", "north")
AT_ONCE = 2
(QUEUE,) = re.findall(r"```yaml queue\n(.*?)```", PAGE, re.DOTALL)
LAUNCH = """mutation { launchRun(executionParams: {
  selector: {repositoryLocationName: "%s", repositoryName: "__repository__", jobName: "import_everything"},
  runConfigData: {}
}) { __typename ... on PythonError { message } } }"""


class ManyClinics:
    """Clinics that hold the same, each with a code server that has its settings alone; one web server, one daemon, one history."""

    def __init__(self, folder: Path, settings: Mapping[str, Mapping[str, str]], storage: str) -> None:
        self.folder, self.settings, self.port = folder, settings, free_port()
        self.environment = {
            **os.environ,
            "DAGSTER_HOME": str(folder),
            "DAGSTER_STORAGE_URL": storage,
            "PYTHONWARNINGS": "ignore",
        }
        dagster = yaml.safe_load((DEPLOY / "dagster.yaml").read_text("utf-8"))
        del dagster["run_coordinator"]
        queue = yaml.safe_load(QUEUE)
        queue["concurrency"]["runs"]["max_concurrent_runs"] = AT_ONCE
        (folder / "dagster.yaml").write_text(yaml.safe_dump({**dagster, **queue}))
        (folder / "clinics").mkdir()
        for name, values in settings.items():
            lines = "".join(f"{key}={value}\n" for key, value in values.items())
            (folder / "clinics" / f"{name}.env").write_text(lines)

    @contextmanager
    def runs(self, *command: str, **settings: str) -> Iterator[psutil.Process]:
        with (self.folder / "all.log").open("a") as log:
            process = subprocess.Popen(
                [program(command[0]), *command[1:]],
                env={**self.environment, **settings},
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield psutil.Process(process.pid)
        finally:
            kill_group(process)

    @contextmanager
    def serving(self) -> Iterator[dict[str, psutil.Process]]:
        """The code servers by clinic, with Dagster over them."""
        servers = {name: ("127.0.0.1", free_port()) for name in self.settings}
        workspace = self.folder / "workspace.yaml"
        workspace.write_text(yaml.safe_dump(clinics.workspace(servers)))
        where = ("--workspace", str(workspace))
        with ExitStack() as running:
            pages = ("nexus-assets", "webserver", "--host", "127.0.0.1", "--port", str(self.port), *where)
            processes = {
                name: running.enter_context(
                    self.runs("dagster", *clinics.code_server(name, *server), NEXUS_CLINIC=name)
                )
                for name, server in servers.items()
            }
            running.enter_context(self.runs(*pages))
            wait_for(self.locations)
            running.enter_context(self.runs("dagster-daemon", "run", *where))
            yield processes

    def locations(self) -> bool:
        query = "{ repositoriesOrError { ... on RepositoryConnection { nodes { location { name } } } } }"
        try:
            nodes = self.ask(query)["repositoriesOrError"].get("nodes", ())
        except (httpx.TransportError, KeyError):
            return False
        return len(nodes) == len(self.settings)

    def ask(self, query: str) -> Any:
        address = f"http://127.0.0.1:{self.port}/graphql"
        return httpx.post(address, json={"query": query}, timeout=120, trust_env=False, verify=False).json()["data"]

    @contextmanager
    def history(self) -> Iterator[dg.DagsterInstance]:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("DAGSTER_HOME", "DAGSTER_STORAGE_URL"):
                patch.setenv(name, self.environment[name])
            with dg.DagsterInstance.get() as instance:
                yield instance


@pytest.fixture
def many_clinics(
    new_database: Callable[..., str], living_nexus_template: str, s3_server: S3Server, tmp_path: Path
) -> ManyClinics:
    """Small clinics, not loaded, each with a database, exports and a bucket of its own."""
    settings = {}
    for name in NAMES:
        exports, folder = tmp_path / name, s3_server.folder / f"{name}-{free_port()}"
        exports.mkdir()
        folder.mkdir()
        bucket = Bucket(
            folder.name, folder, s3_server.endpoint_url, s3_server.access_key_id, s3_server.secret_access_key
        )
        url = new_database(living_nexus_template)
        with closing(furnish(Clinic(url, exports))) as clinic:
            Graph(clinic, bucket, exports, None).place()  # type: ignore[arg-type]
        settings[name] = {
            "NEXUS_DATABASE_URL": url,
            "NEXUS_EXPORTS": str(exports),
            "NEXUS_S3_BUCKET": bucket.name,
            "NEXUS_S3_ENDPOINT_URL": bucket.endpoint_url,
            "NEXUS_REPORTS": str(tmp_path / "reports" / name),
            "AWS_ACCESS_KEY_ID": bucket.access_key_id,
            "AWS_SECRET_ACCESS_KEY": bucket.secret_access_key,
            "AWS_DEFAULT_REGION": "us-east-1",
        }
    home = tmp_path / "home"
    home.mkdir()
    return ManyClinics(home, settings, new_database())


def overlapping(spans: list[tuple[float, float]]) -> int:
    """How many of these (start, end) are there at the same time at most."""
    return max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)


def test_queue_runs_so_many_at_once_and_pools_keep_loads_of_one_table_apart(
    many_clinics: ManyClinics, expected: dict[str, Any]
) -> None:
    with many_clinics.serving() as servers, many_clinics.history() as instance:
        for name in LAUNCHED:
            assert many_clinics.ask(LAUNCH % name)["launchRun"]["__typename"] == "LaunchRunSuccess"
        over = {"SUCCESS", "FAILURE", "CANCELED"}
        wait_for(lambda: all(run.status.value in over for run in instance.get_runs()))
        memory = {name: process.memory_info().rss / 1e6 for name, process in servers.items()}
        records = instance.get_run_records()
        assert [record.dagster_run.status.value for record in records] == ["SUCCESS"] * len(LAUNCHED)
        runs = [(record.start_time, record.end_time) for record in records if record.start_time and record.end_time]
        assert overlapping(runs) == AT_ONCE
        loads: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for record in records:
            for step in instance.get_run_step_stats(record.dagster_run.run_id):
                key = (record.dagster_run.tags["nexus/clinic"], step.step_key)
                loads.setdefault(key, []).append((step.start_time, step.end_time))  # type: ignore[arg-type]
    tables = {key: spans for key, spans in loads.items() if key[1].split("__")[-1] in ENTITIES}
    assert len(tables) == len(NAMES) * len(ENTITIES)
    assert {(name, len(spans)) for (name, _), spans in tables.items()} == {*Counter(LAUNCHED).items()}
    assert {key: overlapping(spans) for key, spans in tables.items()} == dict.fromkeys(tables, 1)
    for name, values in many_clinics.settings.items():
        with closing(Clinic(values["NEXUS_DATABASE_URL"], many_clinics.folder)) as clinic:
            assert content(clinic) == expected, name
    print({name: f"{mb:.0f} MB" for name, mb in memory.items()})  # noqa: T201 - memory of a code server

"""What tests share: a real PostgreSQL, a real S3 server, a real Dagster instance, all of them gone when the tests end."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import psutil
import psycopg2
import pytest
import sqlalchemy as sa

from nexus_assets import memory
from nexus_assets.local.postgres import Postgres
from nexus_assets.local.s3 import S3Server
from nexus_assets_tests import attacks

if TYPE_CHECKING:
    from dagster import DagsterInstance

NewDatabase = Callable[..., str]

# No test, and no process that a test starts, may see the settings of whoever runs it, nor touch the real local home.
for name in [name for name in os.environ if name.startswith(("NEXUS_", "DAGSTER_", "AWS_", "PG"))]:
    del os.environ[name]

MEMORY, ROOM = Path("/dev/shm"), 6 << 30
"""A file system in memory, and the bytes that must be free of it for what the tests write."""


def there_is_room_in_memory() -> bool:
    """Whether temporary files fit into memory: each test's database is 500 files, and to make those on a disk takes the
    server several times as long."""
    return MEMORY.is_dir() and min(psutil.disk_usage(str(MEMORY)).free, psutil.virtual_memory().available // 2) >= ROOM


if "TMPDIR" not in os.environ and there_is_room_in_memory():
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)
os.environ["NEXUS_LOCAL_HOME"] = tempfile.mkdtemp(prefix="nexus-assets-tests-")
# What dev.py and the image set: messages then name Dagster's own command.
os.environ["DAGSTER_CLI_ASSET_MATERIALIZE_MODULE_NAME"] = "nexus_assets.definitions"

# A shell has its background jobs ignore Ctrl-C, and what ignores it passes that on to every process it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    patience: dict[Path, float] = {}
    for item in items:
        for mark in item.iter_markers(attacks.NAME):
            item.user_properties.append((attacks.NAME, (mark.args[0], mark.kwargs.get("each", 1))))
        for mark in item.iter_markers("timeout"):
            patience[item.path] = max(mark.args[0], patience.get(item.path, 0))
    # Files that may take longest begin first: the processes of a test run then end at about the same time. Those that wait for
    # most of their time (end to end, machines, canary paths, pages, ui) have limits that keep them apart.
    items.sort(key=lambda item: -patience.get(item.path, 0))


def pytest_collection_finish() -> None:
    """Has no collection of garbage look again at what was imported: 170,000 objects and all tests."""
    gc.collect()
    gc.freeze()
    memory.tune()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Prints how many attacks were tried, and how many succeeded."""
    rows = [*attacks.summary(terminalreporter.getreports("passed") + terminalreporter.getreports("failed"))]
    if rows:
        terminalreporter.section("attacks: tried, effective")
    for who, tried, effective in rows:
        terminalreporter.write_line(f"{who:60} {tried:6,} {effective:6,}")


def pytest_unconfigure() -> None:
    shutil.rmtree(os.environ["NEXUS_LOCAL_HOME"], ignore_errors=True)


@dataclass(frozen=True)
class Bucket:
    """An empty bucket of its own for one test: put files into `folder`, and they are objects."""

    name: str
    folder: Path
    endpoint_url: str
    access_key_id: str
    secret_access_key: str

    def client(self, **changes: str) -> Any:
        """A boto3 client for its server."""
        keys = {"aws_access_key_id": self.access_key_id, "aws_secret_access_key": self.secret_access_key}
        return boto3.client("s3", endpoint_url=self.endpoint_url, region_name="us-east-1", **{**keys, **changes})


@pytest.fixture(scope="session")
def new_cluster(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], None]:
    """Puts a PostgreSQL cluster, not started, into a folder: copying one is faster than making one."""
    made = Postgres(tmp_path_factory.mktemp("cluster") / "postgres", fsync=False)
    made.start()
    made.stop()

    def copy(folder: Path) -> None:
        shutil.copytree(made.folder, folder)
        (folder / made.log.name).unlink()

    return copy


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory, new_cluster: Callable[[Path], None]) -> Iterator[Postgres]:
    """A PostgreSQL server; one for each process of the test run."""
    folder = tmp_path_factory.mktemp("server") / "postgres"
    new_cluster(folder)
    server = Postgres(folder, fsync=False)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder / "data")


@pytest.fixture(scope="session")
def kept_database(postgres: Postgres) -> Iterator[NewDatabase]:
    """Makes an empty database, or a copy of the named one, that lasts as long as its server, and returns its URL.

    `options` are what CREATE DATABASE may say behind the template.
    """
    numbers = itertools.count()
    with _statements(postgres.url()) as run:

        def create(template: str = "template0", options: str = "") -> str:
            name = f"test_{next(numbers)}"
            # Nobody may look at what is copied, as a connection does that a transaction has left to the next one.
            run(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                f" WHERE datname = '{template}' AND usename = current_user"
            )
            # Copying files is faster than copying through the log (50 ms to 64 ms) where nothing is synced.
            run(f"CREATE DATABASE {name} TEMPLATE {template} {options} STRATEGY file_copy")
            return postgres.url(name)

        yield create


@pytest.fixture(scope="session")
def drop_database(postgres: Postgres) -> Iterator[Callable[[str], None]]:
    """Drops the database of a URL, whoever looks at it."""
    # Only the superuser may end a process of autovacuum that looks at the database just now.
    with _statements(postgres.admin_url()) as run:
        yield lambda url: run(f"DROP DATABASE IF EXISTS {database_name(url)} WITH (FORCE)")


@pytest.fixture
def new_database(kept_database: NewDatabase, drop_database: Callable[[str], None]) -> Iterator[NewDatabase]:
    """The same for databases that are dropped with the test: a thousand of them are 14 GB."""
    made: list[str] = []

    def create(template: str = "template0", options: str = "") -> str:
        made.append(kept_database(template, options))
        return made[-1]

    yield create
    for url in made:
        drop_database(url)


@pytest.fixture
def database(new_database: NewDatabase) -> str:
    """The URL of an empty database."""
    return new_database()


@pytest.fixture(scope="session")
def nexus_template(kept_database: NewDatabase) -> str:
    """The name of a database that holds the tables of Nexus, and no row."""
    from nexus_assets.local import nexus_schema

    url = kept_database()
    with _engine(url) as engine:
        nexus_schema.create(engine)
    return database_name(url)


@pytest.fixture(scope="session")
def living_nexus_template(kept_database: NewDatabase, nexus_template: str) -> str:
    """The name of a database that holds what a living Nexus holds before its first import."""
    from nexus_assets.local import nexus_schema

    url = kept_database(nexus_template)
    with _engine(url) as engine, engine.begin() as connection:
        nexus_schema.seed(connection)
    return database_name(url)


@pytest.fixture
def nexus_database(new_database: NewDatabase, nexus_template: str) -> str:
    """The URL of a database with the tables of Nexus, and no row."""
    return new_database(nexus_template)


@pytest.fixture
def living_nexus_database(new_database: NewDatabase, living_nexus_template: str) -> str:
    """The URL of a database of Nexus with clinics, clinicians, content types and so on, but no patient."""
    return new_database(living_nexus_template)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """An S3 server; one for each process of the test run."""
    server = S3Server(tmp_path_factory.mktemp("s3") / "buckets")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def bucket(s3_server: S3Server) -> Iterator[Bucket]:
    """An empty bucket."""
    folder = Path(tempfile.mkdtemp(prefix="clinic-", dir=s3_server.folder))
    # A bucket's name may hold neither underscores nor capitals.
    folder = folder.rename(folder.with_name(folder.name.replace("_", "-").lower()))
    yield Bucket(
        name=folder.name,
        folder=folder,
        endpoint_url=s3_server.endpoint_url,
        access_key_id=s3_server.access_key_id,
        secret_access_key=s3_server.secret_access_key,
    )
    shutil.rmtree(folder)


@pytest.fixture
def dagster_instance() -> Iterator[DagsterInstance]:
    """A Dagster instance that keeps its history in memory."""
    from dagster import DagsterInstance

    with DagsterInstance.ephemeral() as instance:
        yield instance


@contextmanager
def _engine(url: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    yield engine
    engine.dispose()


@contextmanager
def _statements(url: str) -> Iterator[Callable[[str], None]]:
    """Runs statements, each committed, on one connection: to open one takes the processors 10 ms, to copy a database 15."""
    with closing(psycopg2.connect(url.replace("+psycopg2", ""))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor.execute


def kill_group(process: subprocess.Popen[Any]) -> None:
    """SIGKILL for what is left of a process that has a session of its own, and of all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)


def end_server(process: subprocess.Popen[Any]) -> None:
    """Ends a server of Dagster's that has a session of its own, with its code server, which would outlive it."""
    process.terminate()
    process.wait(60)
    kill_group(process)


def database_name(url: str) -> str:
    return str(sa.make_url(url).database)

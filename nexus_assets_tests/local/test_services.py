"""The local servers as those see them who use them: there when needed, shared, and gone with the last user, however it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import boto3
import psutil
import psycopg2
import pytest
import sqlalchemy as sa

from nexus_assets.local.home import SOURCE, local_home
from nexus_assets.local.processes import LocalServiceError, is_free
from nexus_assets.local.services import LocalServices, connect, disconnect, supervisor_pid

pytestmark = pytest.mark.extended

SOON = 15.0

USER = """
import sys, time
from pathlib import Path
from nexus_assets.local.services import connect
services = connect(Path(sys.argv[1]), fsync=False, linger=0.2)
print(services.database_url, flush=True)
time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def home(tmp_path: Path, new_cluster: Callable[[Path], None]) -> Iterator[Path]:
    """A local home whose database was made before; its servers are gone at the end of the test."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    new_cluster(folder / "postgres")
    yield folder
    disconnect(folder)
    pid = supervisor_pid(folder)
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
        _wait_until(lambda: not processes_of(folder))


def user_of(home: Path, seconds: float = 60, code: str = USER) -> subprocess.Popen[bytes]:
    """Starts another process that uses the services, and returns when it does."""
    user = subprocess.Popen([sys.executable, "-c", code, str(home), str(seconds)], stdout=subprocess.PIPE)
    assert user.stdout is not None
    assert user.stdout.readline().startswith(b"postgresql")
    return user


def processes_of(home: Path) -> list[str]:
    """Returns the names of the supervisor and the servers of this home that run now."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        command = process.info["cmdline"] or []
        if process.pid != os.getpid() and any(str(home) in word for word in command) and "-c" not in command[1:2]:
            found.append(" ".join(command))
    return found


def answer(url: str, query: str = "SELECT 1") -> object:
    dsn = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def test_both_servers_answer(home: Path) -> None:
    found = connect(home, fsync=False)
    assert answer(found.database_url) == 1
    assert not is_free(int(found.s3_endpoint_url.rpartition(":")[2]))
    assert found.bucket_folder == home / "buckets" / "nexus-clinic"
    assert found.bucket_folder.is_dir()
    assert found.exports.is_dir()


def test_what_the_supervisor_says_is_kept(home: Path) -> None:
    connect(home, fsync=False)
    assert (home / "logs" / "supervisor.log").is_file()


def test_a_change_in_the_buckets_folder_shows_when_it_is_told(home: Path) -> None:
    found = connect(home, fsync=False)
    client = boto3.client(
        "s3",
        endpoint_url=found.s3_endpoint_url,
        aws_access_key_id=found.s3_access_key_id,
        aws_secret_access_key=found.s3_secret_access_key,
        region_name="us-east-1",
    )
    for number in range(5):
        (found.bucket_folder / f"{number}.jpg").touch()
        found.refresh_bucket()
        _wait_until(lambda expected=number + 1: client.list_objects_v2(Bucket=found.bucket)["KeyCount"] == expected, 1)


def test_connecting_again_costs_nothing(home: Path) -> None:
    first = connect(home, fsync=False)
    began = time.perf_counter()
    assert all(connect(home) == first for _ in range(100))
    assert time.perf_counter() - began < 0.5


def test_threads_may_connect_at_once(home: Path) -> None:
    found: list[LocalServices] = []
    threads = [threading.Thread(target=lambda: found.append(connect(home, fsync=False))) for _ in range(5)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(found)) == 1
    assert len(found) == 5


def test_processes_that_connect_at_once_share_one_supervisor(home: Path) -> None:
    command = [sys.executable, "-c", USER, str(home), "3"]
    with ExitStack() as stack:
        users = [stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE)) for _ in range(4)]
        urls = {user.stdout.readline() for user in users if user.stdout is not None}
        assert len(urls) == 1
        assert sum("supervisor" in process for process in processes_of(home)) == 1


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_they_end_with_their_last_user(home: Path, ending: signal.Signals) -> None:
    with user_of(home) as first, user_of(home) as second:
        first.send_signal(ending)
        first.wait()
        time.sleep(1.5)
        assert supervisor_pid(home) is not None
        second.send_signal(ending)
        second.wait()
        _wait_until(lambda: not processes_of(home))


def test_they_end_at_once_when_the_last_user_says_so(home: Path) -> None:
    connect(home, fsync=False, linger=3600)
    disconnect(home)
    assert processes_of(home) == []


def test_they_end_with_the_last_user_who_waits_for_one_that_is_just_ending(home: Path) -> None:
    connect(home, fsync=False, linger=3600)
    with user_of(home, 1.0):
        disconnect(home, patience=SOON)
    assert processes_of(home) == []


def test_one_user_who_leaves_does_not_end_them_for_others(home: Path) -> None:
    connect(home, fsync=False)
    with user_of(home) as other:
        disconnect(home)
        assert supervisor_pid(home) is not None
        other.kill()


def test_a_forked_child_keeps_them_up(home: Path) -> None:
    code = USER.replace("time.sleep", "import os\nif os.fork(): os._exit(0)\ntime.sleep")
    with user_of(home, 3, code) as parent:
        parent.wait()
        time.sleep(1.5)
        assert supervisor_pid(home) is not None
        _wait_until(lambda: not processes_of(home))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has died")
def test_a_killed_supervisor_takes_its_servers_with_it(home: Path) -> None:
    connect(home, fsync=False)
    pid = supervisor_pid(home)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    _wait_until(lambda: not processes_of(home))


def test_after_a_killed_supervisor_the_next_connect_finds_everything_as_it_was(home: Path) -> None:
    before = connect(home, fsync=False)
    answer(before.database_url, "CREATE TABLE kept AS SELECT 42 AS answer")
    for _ in range(3):
        pid = supervisor_pid(home)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        _wait_until(lambda: supervisor_pid(home) is None)
        assert answer(connect(home, fsync=False).database_url, "SELECT answer FROM kept") == 42
    assert connect(home).home == before.home


def test_a_server_that_dies_is_started_again_by_the_next_connect(home: Path) -> None:
    connect(home, fsync=False)
    for process in psutil.process_iter(["cmdline"]):
        if "rclone" in " ".join(process.info["cmdline"] or []) and str(home) in " ".join(process.info["cmdline"]):
            process.kill()
    _wait_until(lambda: supervisor_pid(home) is None)
    assert answer(connect(home, fsync=False).database_url) == 1


def test_addresses_and_keys_stay_the_same(home: Path) -> None:
    first = connect(home, fsync=False)
    disconnect(home)
    assert connect(home, fsync=False) == first


def test_an_address_that_another_program_took_is_given_up(home: Path) -> None:
    first = connect(home, fsync=False)
    disconnect(home)
    url = sa.make_url(first.database_url)
    assert url.port is not None
    with socket.create_server(("127.0.0.1", url.port)):
        second = connect(home, fsync=False)
        assert sa.make_url(second.database_url).port != url.port
        assert answer(second.database_url) == 1


def test_secrets_are_readable_by_their_owner_only_and_never_printed(home: Path) -> None:
    found = connect(home, fsync=False)
    open_to_others = [
        path for path in home.rglob("*") if path.stat().st_mode & 0o077 and "postgres/data/" not in str(path)
    ]
    assert open_to_others == []
    password = sa.make_url(found.database_url).password
    assert password is not None
    assert password not in repr(found)
    assert found.s3_secret_access_key not in repr(found)
    assert all(password not in process for process in processes_of(home))


def test_a_new_home_is_made_closed_to_others(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    assert answer(connect(home, fsync=False).database_url) == 1
    disconnect(home)
    assert home.stat().st_mode & 0o077 == 0


def test_a_home_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalServiceError, match=r"Can't write to .*file/home.*NEXUS_LOCAL_HOME"):
        connect(tmp_path / "file" / "home")


def test_root_leaves_the_home_of_another_user_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        os.chown(tmp_path, 1234, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(LocalServiceError, match=r"another user's: run the command as that user.*NEXUS_LOCAL_HOME"):
        connect(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_why_a_server_does_not_start_reaches_the_user(home: Path) -> None:
    (home / "postgres" / "data" / "global" / "pg_control").unlink()
    with pytest.raises(LocalServiceError, match=r"(?s)did not start.*pg_control.*run the command again"):
        connect(home, fsync=False)
    assert processes_of(home) == []


def test_a_torn_note_of_the_addresses_is_written_anew(home: Path) -> None:
    (home / "services.json").write_text('{"s3_port": 1')
    assert answer(connect(home, fsync=False).database_url) == 1
    assert json.loads((home / "services.json").read_text())["bucket"] == "nexus-clinic"


def test_connecting_imports_nothing_heavy() -> None:
    code = "import sys, nexus_assets.local.services; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert not {"pandas", "dagster", "boto3", "sqlalchemy"} & set(loaded)


@pytest.mark.parametrize(
    ("named", "expected"),
    [("/somewhere/else", Path("/somewhere/else")), ("", SOURCE / ".local")],
    ids=["by the environment", "by the checkout"],
)
def test_where_the_home_is(named: str, expected: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_LOCAL_HOME", named)
    assert local_home() == expected


def _wait_until(condition: Callable[[], bool], patience: float = SOON) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)

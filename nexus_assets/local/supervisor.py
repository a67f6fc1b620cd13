"""The process that owns the local servers and ends them, and itself, when nobody uses them any more."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from nexus_assets.errors import NexusAssetsError
from nexus_assets.local import processes
from nexus_assets.local.home import HOW_TO_MOVE
from nexus_assets.local.postgres import Postgres
from nexus_assets.local.s3 import S3Server

BUCKET = "nexus-clinic"
LOOK_EVERY_SECONDS = 0.5


def main() -> None:
    """Starts the supervisor in the background; ends when its servers answer, with exit code 1 and the reason if they don't."""
    options = _options()
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        _run_in_background(options, report=writing)
    os.close(writing)
    with open(reading) as pipe:
        problem = pipe.read()
    if problem:
        sys.exit(problem)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--linger", type=float, required=True, help="seconds that the servers stay up unused")
    parser.add_argument(
        "--no-fsync", dest="fsync", action="store_false", help="for tests: a power cut may take the data"
    )
    return parser.parse_args()


def _run_in_background(options: argparse.Namespace, report: int) -> NoReturn:
    """Leaves the terminal and supervises. `report` is told what went wrong, and closed when the servers answer."""
    try:
        os.setsid()
        os.chdir("/")
        _redirect_output(_folder(options.home, "logs") / "supervisor.log")
        lock = _become_the_only_one(options.home / "supervisor")
        if lock is not None:
            _supervise(options, lock, ready=lambda: os.dup2(1, report))
    except NexusAssetsError as error:
        os.write(report, str(error).encode())
    except OSError as error:
        os.write(report, f"{error}. {HOW_TO_MOVE}".encode())
    except BaseException:
        os.write(report, traceback.format_exc().encode())
    finally:
        # A forked child must not run the exit handlers of its parent.
        os._exit(0)


def _become_the_only_one(lock_file: Path) -> int | None:
    """Returns the lock that this process now holds until it dies, or None when another supervisor does."""
    lock = os.open(lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    os.ftruncate(lock, 0)
    return lock


def _supervise(options: argparse.Namespace, lock: int, ready: Callable[[], object]) -> None:
    """Runs the servers until nobody needs them, one of them ends unexpectedly, or we are told to stop."""
    postgres, s3 = _servers(options.home, fsync=options.fsync)
    lease = os.open(options.home / "lease", os.O_RDWR)
    _on_signals(_stop)
    try:
        postgres.start()
        s3.start()
        _write_down(options.home, postgres, s3)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        ready()
        while postgres.running and s3.running and not _unused(lease, options.linger):
            time.sleep(LOOK_EVERY_SECONDS)
    except SystemExit:
        pass
    finally:
        _on_signals(signal.SIG_IGN)
        # Before anything else: who comes now must wait for the next supervisor.
        os.ftruncate(lock, 0)
        s3.stop()
        postgres.stop()


def _unused(lease: int, linger: float) -> bool:
    """Tells whether nobody has held a lease for `linger` seconds; if so, nobody can take one until this process has ended."""
    deadline = time.monotonic() + linger
    while _lock_out_others(lease):
        if time.monotonic() >= deadline:
            return True
        fcntl.flock(lease, fcntl.LOCK_UN)
        time.sleep(LOOK_EVERY_SECONDS)
    return False


def _lock_out_others(lease: int) -> bool:
    try:
        fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _servers(home: Path, *, fsync: bool) -> tuple[Postgres, S3Server]:
    """Returns the two servers, not started yet, at the addresses and with the keys of last time where that can be."""
    last = _written_down(home)
    logs = _folder(home, "logs")
    buckets = _folder(home, "buckets")
    _folder(buckets, BUCKET)
    _folder(home, "exports")
    postgres = Postgres(home / "postgres", last.get("postgres_port"), fsync=fsync, log=logs / "postgres.log")
    s3 = S3Server(
        buckets,
        last.get("s3_port"),
        secret_access_key=last.get("s3_secret_access_key"),
        log=logs / "s3.log",
        cache_seconds=2,
    )
    for server in (postgres, s3):
        server.end_leftover()
        if not processes.is_free(server.port):
            server.port = processes.free_port()
    return postgres, s3


def _written_down(home: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((home / "services.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found


def _write_down(home: Path, postgres: Postgres, s3: S3Server) -> None:
    """Says how to reach the servers, readable by their owner only; replaces the file in one step."""
    content = {
        "database_url": postgres.url(),
        "postgres_port": postgres.port,
        "s3_endpoint_url": s3.endpoint_url,
        "s3_port": s3.port,
        "s3_access_key_id": s3.access_key_id,
        "s3_secret_access_key": s3.secret_access_key,
        "bucket": BUCKET,
    }
    unfinished = home / "services.json.unfinished"
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(content, indent=1))
    unfinished.replace(home / "services.json")


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _redirect_output(log: Path) -> None:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)


def _on_signals(action: Any) -> None:
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, action)


def _stop(*_: object) -> NoReturn:
    raise SystemExit


if __name__ == "__main__":
    main()

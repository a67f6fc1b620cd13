"""Finding or starting the local PostgreSQL and S3 server, which live as long as somebody uses them.

Whoever uses them holds a lease: a shared lock on the file `lease`. The first one starts a supervisor, which owns the
servers and ends them, and itself, once nobody has held a lease for some seconds. The system drops the locks of a process
that dies in any way, so nothing is left behind by `kill -9` either.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from nexus_assets.local.home import HOW_TO_MOVE, SOURCE, local_home, make_private
from nexus_assets.local.processes import LocalServiceError

LINGER_SECONDS = 5.0
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class LocalServices:
    """How to reach the running servers and where their files are. The keys stay out of its printed form."""

    home: Path
    database_url: str = field(repr=False)
    s3_endpoint_url: str
    s3_access_key_id: str
    s3_secret_access_key: str = field(repr=False)
    bucket: str
    exports: Path

    @property
    def bucket_folder(self) -> Path:
        """The folder whose files are the bucket's objects."""
        return self.home / "buckets" / self.bucket

    def refresh_bucket(self) -> None:
        """Makes the S3 server see at once what was changed in `bucket_folder`; on its own it sees it within two seconds."""
        os.kill(int((self.home / "logs" / "s3.pid").read_text()), signal.SIGHUP)


_leases: dict[Path, int] = {}
_leases_lock = threading.Lock()
# A child forked while another thread connects would find the lock taken forever.
os.register_at_fork(after_in_child=lambda: globals().update(_leases_lock=threading.Lock()))


def connect(home: Path | None = None, *, fsync: bool = True, linger: float = LINGER_SECONDS) -> LocalServices:
    """Returns the running servers of `home` (by default `local_home()`), started if need be, and keeps them up.

    They stay up for the rest of this process's life and of the children it forks. Cheap the second time.
    `fsync` and `linger` count for the call that starts them. Raises LocalServiceError with what to do.
    """
    home = (home or local_home()).absolute()
    with _leases_lock:
        if home not in _leases:
            _leases[home] = _take_lease(home)
        _ensure_supervisor(home, fsync=fsync, linger=linger)
        return _read(home)


def disconnect(home: Path | None = None, *, patience: float = 0.0) -> None:
    """Gives this process's lease back, and returns when the servers have ended, if nobody else uses them.

    `patience` are the seconds that others, which are just ending, may take to give theirs back.
    """
    home = (home or local_home()).absolute()
    with _leases_lock:
        lease = _leases.pop(home, None)
        if lease is None:
            return
        try:
            if _held_by_nobody_else(lease, time.monotonic() + patience):
                _end_supervisor(home)
        finally:
            os.close(lease)


def _held_by_nobody_else(lease: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        else:
            return True


def supervisor_pid(home: Path) -> int | None:
    """Returns the process id of the supervisor whose servers answer, or None when there is none (yet)."""
    try:
        pid = int((home / "supervisor").read_text() or 0)
        os.kill(pid, 0)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return pid if pid and _supervised(home) else None


def _take_lease(home: Path) -> int:
    try:
        make_private(home)
        lease = os.open(home / "lease", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise LocalServiceError(f"Can't write to {home}: {error.strerror}.", remedy=HOW_TO_MOVE) from error
    # Waits while the last supervisor is ending its servers.
    fcntl.flock(lease, fcntl.LOCK_SH)
    return lease


def _ensure_supervisor(home: Path, *, fsync: bool, linger: float) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while supervisor_pid(home) is None:
        if time.monotonic() > deadline:
            raise LocalServiceError(
                f"The local servers did not start within {PATIENCE_SECONDS:.0f} s.",
                remedy=f"Look into {home / 'logs'} and run the command again.",
            )
        if _supervised(home):
            time.sleep(0.03)
        else:
            _start_supervisor(home, fsync=fsync, linger=linger)


def _end_supervisor(home: Path) -> None:
    pid = supervisor_pid(home)
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        while _supervised(home):
            time.sleep(0.03)


def _supervised(home: Path) -> bool:
    """Tells whether a supervisor lives, ready or not."""
    try:
        lock = os.open(home / "supervisor", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(lock)


def _start_supervisor(home: Path, *, fsync: bool, linger: float) -> None:
    """Returns when the supervisor's servers answer, or when another one was faster."""
    options = [f"--linger={linger}", *([] if fsync else ["--no-fsync"])]
    started = subprocess.run(
        [sys.executable, "-m", "nexus_assets.local.supervisor", str(home), *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=SOURCE,
        check=False,
    )
    if started.returncode != 0:
        raise LocalServiceError(f"The local servers did not start.\n{started.stderr.strip()}")


def _read(home: Path) -> LocalServices:
    found = json.loads((home / "services.json").read_text())
    return LocalServices(
        home=home,
        database_url=found["database_url"],
        s3_endpoint_url=found["s3_endpoint_url"],
        s3_access_key_id=found["s3_access_key_id"],
        s3_secret_access_key=found["s3_secret_access_key"],
        bucket=found["bucket"],
        exports=home / "exports",
    )

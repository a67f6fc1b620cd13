"""Starting server processes that can't outlive whoever started them, and ending them for certain."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from nexus_assets.errors import NexusAssetsError

NOBODY = 65534

LOG_BYTES = 10_000_000
"""A log that is larger when its server starts becomes NAME.old.log, in place of the one before."""

HOW_TO_INSTALL = "Run `pip install 'nexus-assets[local]'`, or use `python3 dev.py`, which brings it."


class LocalServiceError(NexusAssetsError):
    """A local server can't be started or reached."""


def free_port() -> int:
    """Returns a TCP port of this machine's loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def is_free(port: int) -> bool:
    """Tells whether a server could listen on this loopback port now."""
    with socket.socket() as listener:
        # As servers do: without it, connections of the last server that still linger would count as taken.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def start(
    command: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    parting: signal.Signals,
    prefix: Sequence[str] = (),
) -> subprocess.Popen[bytes]:
    """Starts a server in a session of its own, so that Ctrl-C in a terminal reaches us first; its output goes to `log`.

    When this process dies, however it dies, Linux sends the server the signal `parting`.
    """
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".old.log"))
    with open(log, "ab", opener=_private) as output:
        return subprocess.Popen(
            # The prefix first: a change of user makes Linux forget what is to happen when the parent dies.
            [*prefix, *dying_with_parent(parting), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(environment),
            start_new_session=True,
        )


def stop(process: subprocess.Popen[bytes], *signals: signal.Signals, patience: float = 20) -> None:
    """Ends a process by the first of these signals that works within `patience` seconds, and by SIGKILL if none does."""
    for each in (*signals, signal.SIGKILL):
        if process.poll() is not None:
            return
        process.send_signal(each)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)


def end_leftover(pid_file: Path, marker: str, polite: signal.Signals, patience: float = 20) -> None:
    """Ends the server that a killed owner left behind, if `pid_file` still names it, and removes the file.

    `marker` is a part of the server's command line: another process may have got the number since.
    """
    leftover = _process_named_in(pid_file, marker)
    if leftover is not None:
        for each in (polite, signal.SIGKILL):
            with suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
                leftover.send_signal(each)
                leftover.wait(patience)
    pid_file.unlink(missing_ok=True)


def end_workers_in(folder: Path) -> None:
    """Ends every process whose working folder is `folder`: the ones that a killed server left at work there."""
    workers = [process for process in psutil.process_iter(["cwd"]) if process.info["cwd"] == str(folder)]
    for each in workers:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs(workers, timeout=20)


def dying_with_parent(parting: signal.Signals) -> list[str]:
    """Returns the command prefix under which a program gets this signal when its parent dies in any way."""
    # Elsewhere than on Linux nothing like it exists: there `end_leftover` does the work at the next start.
    return ["setpriv", "--pdeathsig", parting.name.removeprefix("SIG")] if shutil.which("setpriv") else []


def as_ordinary_user() -> list[str]:
    """Returns the command prefix under which a program that refuses to run as root runs nevertheless.

    In a user namespace of its own, the program sees itself as nobody, and the files still belong to root.
    Where containers forbid that, it really becomes nobody, and keeps the one right that it needs to reach its files.
    """
    if os.geteuid() != 0:
        return []
    return _in_namespace() if _namespaces_work() else _as_nobody()


def owner_of_files() -> int:
    """Returns the user id to whom the files of a program under `as_ordinary_user` must belong."""
    return NOBODY if os.geteuid() == 0 and not _namespaces_work() else os.geteuid()


def last_lines(log: Path) -> str:
    """Returns the last five lines of a log, for an error message."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-5:])
    except FileNotFoundError:
        return "(no log)"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _in_namespace() -> list[str]:
    return ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"]


def _as_nobody() -> list[str]:
    if not shutil.which("setpriv"):
        raise LocalServiceError(
            "PostgreSQL refuses to run as root, and there is neither `unshare` nor `setpriv` to lend it another user.",
            remedy="Run `apt-get install util-linux`, or run this command as an ordinary user.",
        )
    rights = "+dac_override"
    return [
        *("setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"),
        *("--inh-caps", rights, "--ambient-caps", rights),
    ]


@functools.cache
def _namespaces_work() -> bool:
    try:
        return subprocess.run([*_in_namespace(), "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _process_named_in(pid_file: Path, marker: str) -> psutil.Process | None:
    try:
        process = psutil.Process(int(pid_file.read_text().split("\n")[0]))
        return process if any(marker in argument for argument in process.cmdline()) else None
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
        return None

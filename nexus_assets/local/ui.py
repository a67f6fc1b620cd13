"""Dagster's web pages and daemon, over the local services and their history, until Ctrl-C; then nothing of it is left."""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import NoReturn

import httpx
import yaml
from dotenv import dotenv_values
from rich.console import Console

from nexus_assets import clinics
from nexus_assets.errors import NexusAssetsError
from nexus_assets.local import processes
from nexus_assets.local.dagster_home import prepare
from nexus_assets.local.home import SOURCE, local_home
from nexus_assets.local.services import connect, disconnect
from nexus_assets.settings import REPORTS, clinic

FIRST_PORT = 3000
GRAPH = "/locations/nexus_assets/asset-groups/nexus/lineage"
"""Dagster's page of the graph; the page at the root is an overview that is empty before the first run."""

ALL_GRAPHS = "/asset-groups"
"""The page of all clinics' graphs."""

PATIENCE_SECONDS = 20.0
LETTING_GO_SECONDS = 2.0

console = Console(stderr=True)


def main() -> None:
    """Runs until interrupted, and ends with 0 then; with 1 when Dagster ended unexpectedly."""
    options = _options()
    os.environ.update(_settings(Path.cwd()))
    if options.port and not processes.is_free(options.port):
        # Else another UI there would be taken for this one.
        sys.exit(f"Port {options.port} is taken: end the program that listens there, or leave out --port.")
    # Some shells start background commands deaf to Ctrl-C, and their children inherit it.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, _interrupt)
    try:
        names = [] if options.workspace else clinics.names()
        if not names and not options.workspace:
            # A setting that can't be used is reported here; Dagster would show an empty graph.
            import_module("nexus_assets.definitions")
        if not names and clinic() is None:
            connect()
        port = options.port or _first_free_port()
        with ExitStack() as servers:
            servers.enter_context(_alone(f"http://127.0.0.1:{port}"))
            if names:
                workspace, page = _serve_clinics(names, servers), ALL_GRAPHS
            else:
                workspace, page = options.workspace or SOURCE / "workspace.yaml", GRAPH
            _run(port, workspace, page, [_reports(name) for name in names])
    except NexusAssetsError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        console.print("Ended.")
    finally:
        # Dagster's processes, just killed, used the servers as well.
        disconnect(patience=LETTING_GO_SECONDS)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 dev.py ui", description=__doc__)
    parser.add_argument("--port", type=int, help=f"of the web pages; by default the first free one from {FIRST_PORT}")
    parser.add_argument(
        "--workspace",
        type=Path,
        help="what Dagster loads; by default every clinic there is, or the one of the settings",
    )
    return parser.parse_args()


@contextmanager
def _alone(address: str) -> Iterator[None]:
    """Holds the local home's history for a `ui` at this address. Raises NexusAssetsError where another one shows it.

    Dagster does not support two daemons over one history: each would start what the schedule and the sensors ask for.
    """
    with (prepare(local_home()) / "ui.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise NexusAssetsError(
                f"Dagster is open over {local_home()} already, at {lock.read()}",
                remedy="(open that address, or end that `ui` with Ctrl-C first).",
            ) from None
        lock.truncate(0)
        lock.write(address)
        lock.flush()
        yield


def _serve_clinics(names: list[str], running: ExitStack) -> Path:
    """Starts a code server for each clinic, which holds the settings of that one alone; returns their workspace."""
    console.print(f"Starting a code server for each of {', '.join(names)}")
    servers = {}
    for name in names:
        port = processes.free_port()
        servers[name] = ("127.0.0.1", port)
        arguments = ("-m", "dagster", *clinics.code_server(name, "127.0.0.1", port))
        running.enter_context(_process(*arguments, environment=clinics.environment(name)))
    file = prepare(local_home()).parent / "clinics.yaml"
    file.write_text(yaml.safe_dump(clinics.workspace(servers)), "utf-8")
    return file


def _reports(name: str) -> Path:
    """Where the reports of a clinic are, by its own settings."""
    its = clinics.environment(name)
    return Path(its.get(REPORTS.name) or Path(its.get("NEXUS_LOCAL_HOME") or local_home()) / "reports").expanduser()


def _run(port: int, workspace: Path, page: str, reports: list[Path]) -> None:
    """Shows Dagster on this port with the reports in these folders, until interrupted."""
    console.print("Starting Dagster (some ten seconds) ...")
    own = ["webserver", "--port", str(port), "--workspace", str(workspace.absolute())]
    for folder in reports:
        own += ["--reports", str(folder.absolute())]
    daemon = ["-m", "dagster._daemon", "run", "--workspace", str(workspace.absolute()), "--log-level", "warning"]
    # It replaces its code servers each minute; the old ones warn that they end.
    daemon += ["--code-server-log-level", "error"]
    with ExitStack() as running:
        # Its pages are those of `nexus-assets webserver`: the server that `dagster dev` brings along obeys any web site.
        dagster = running.enter_context(_process("-m", "nexus_assets", *own))
        address = f"http://127.0.0.1:{port}"
        while not _answers(address):
            if dagster.poll() is not None:
                raise NexusAssetsError("Dagster ended while starting; its messages are above.")
            time.sleep(0.2)
        # Two processes that make a new history at the same time would break it.
        beside = running.enter_context(_process(*daemon))
        console.print(f"Open {address}{page} in a browser. Ctrl-C here ends everything.", soft_wrap=True)
        while dagster.poll() is None and beside.poll() is None:
            time.sleep(0.5)
        raise NexusAssetsError("Dagster ended unexpectedly; its messages are above.")


@contextmanager
def _process(*arguments: str, environment: Mapping[str, str] = os.environ) -> Iterator[subprocess.Popen[bytes]]:
    """Runs Python with these arguments over the local history; at the end, every process of it is ended."""
    home = prepare(local_home())
    process = subprocess.Popen(
        [*processes.dying_with_parent(signal.SIGTERM), sys.executable, *arguments],
        env={"DAGSTER_HOME": str(home), **environment, "PYTHONWARNINGS": "ignore"},
        # In the checkout it would warn that the dagster.yaml there is not the one in DAGSTER_HOME (which links to it).
        cwd=home,
        # Else a Ctrl-C would reach all its processes at once, and they would complain about each other's end.
        start_new_session=True,
    )
    try:
        yield process
    finally:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        _end_all(process)


def _end_all(process: subprocess.Popen[bytes]) -> None:
    """Asks Dagster to end its processes, and ends what is left of them."""
    processes.stop(process, signal.SIGINT, patience=PATIENCE_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _answers(address: str) -> bool:
    try:
        # It speaks plain HTTP; to be ready for TLS takes 18 ms of the processor for each question.
        return httpx.get(f"{address}/server_info", timeout=2, trust_env=False, verify=False).is_success
    except httpx.HTTPError:
        return False


def _first_free_port() -> int:
    return next(port for port in count(FIRST_PORT) if processes.is_free(port))


def _settings(folder: Path) -> dict[str, str]:
    """Returns the settings of the folder's .env, which Dagster's own commands read too."""
    return {name: value for name, value in dotenv_values(folder / ".env").items() if value is not None}


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()

"""Several clinics on one Dagster: each has its settings in clinics/NAME.env, and processes that hold no other clinic's."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from nexus_assets.errors import NexusAssetsError, with_own_commands
from nexus_assets.settings import CLINIC, clinic_name

FOLDER = "clinics"
OWN = ("NEXUS_", "AWS_", "PG")
"""The variables that say where a clinic's data is and how to get at it."""


def settings_file(name: str) -> Path:
    """The file with the settings of a clinic, in the working folder; it need not exist."""
    return Path.cwd() / FOLDER / f"{name}.env"


def names() -> list[str]:
    """The clinics that have a file of settings, by name."""
    return sorted(path.stem for path in Path(FOLDER).glob("*.env"))


def environment(name: str) -> dict[str, str]:
    """The environment of a process of this clinic: ours, with the clinic's settings in place of all others."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith(OWN)}
    file = {key: value for key, value in dotenv_values(settings_file(name)).items() if value is not None}
    return {**ours, **file, CLINIC.name: name}


def enter(name: str = "") -> None:
    """Makes this the process of the clinic that is named, by default in NEXUS_CLINIC: its file's settings are the only ones.

    Where NEXUS_CLINIC names one without a file, the environment stays: a container is given its clinic's settings alone.
    Raises NexusAssetsError for a `name` without a file.
    """
    if name and name not in names():
        raise NexusAssetsError(
            f"There is no {FOLDER}/{name}.env in {Path.cwd()}.",
            remedy=f"The clinics here are: {', '.join(names()) or 'none'}. docs/deploying.md describes how to add one.",
        )
    name = name or clinic_name()
    if not name or not settings_file(name).exists():
        return
    wanted = environment(name)
    for foreign in {*os.environ} - {*wanted}:
        del os.environ[foreign]
    os.environ.update(wanted)


def workspace(servers: dict[str, tuple[str, int]]) -> dict[str, Any]:
    """A workspace of Dagster with one code location a clinic: its name -> host and port of its code server."""
    return {
        "load_from": [
            {"grpc_server": {"host": host, "port": port, "location_name": name}}
            for name, (host, port) in servers.items()
        ]
    }


def code_server(name: str, host: str, port: int) -> list[str]:
    """The arguments of `dagster` that start a clinic's code server; its environment says which clinic."""
    where = ["--host", host, "--port", str(port)]
    return ["api", "grpc", "--module-name", "nexus_assets.definitions", "--location-name", name, *where]


def with_clinic(selection: str) -> str:
    """A selection in Dagster's words with the clinic before each name that lacks it: *images -> *north/images."""
    clinic = clinic_name()
    return re.sub(r"(?<![\w/])([a-z_]+)(?![\w/])", rf"{clinic}/\1", selection) if clinic else selection


MODULE = "DAGSTER_CLI_ASSET_MATERIALIZE_MODULE_NAME"
"""The variable without which Dagster's own command does not know what to load."""


def materialize_command(selection: str) -> str:
    """The command that loads a selection of this clinic's tables, as a person types it: Dagster's, where that works here."""
    if os.environ.get(MODULE):
        of_clinic = f"{CLINIC.name}={clinic_name()} " if clinic_name() else ""
        return f"{of_clinic}dagster asset materialize --select {shlex.quote(with_clinic(selection))}"
    return own_command(f"load {shlex.quote(selection)}")


def own_command(arguments: str) -> str:
    """A command of `nexus-assets` on this clinic, as a person types it."""
    return with_own_commands(f"nexus-assets {arguments}")


def step_name(asset: str) -> str:
    """What Dagster calls the step that makes an asset, in a run's config: images, or north__images."""
    return "__".join(filter(None, (clinic_name(), asset)))

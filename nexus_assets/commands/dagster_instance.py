"""Dagster's history, as a command opens it that is no run itself."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nexus_assets import settings
from nexus_assets.errors import NexusAssetsError
from nexus_assets.local.home import dagster_home, is_prepared, local_home, make_private

if TYPE_CHECKING:
    import dagster as dg


def is_kept() -> bool:
    """Whether there is a history at all."""
    return bool(os.environ.get("DAGSTER_HOME"))


def use_that_of_the_demo() -> None:
    """Where no DAGSTER_HOME is set and no clinic, the demo's history is meant, as its servers are."""
    if not is_kept() and settings.clinic() is None and is_prepared(local_home()):
        os.environ["DAGSTER_HOME"] = str(dagster_home(local_home()))


def _make_that_of_the_demo() -> None:
    """What a checkout's environment names where nothing else is: of a demo that is not made yet, or whose history was deleted."""
    from nexus_assets.resources import the_clinic

    the_clinic()
    from nexus_assets.local.dagster_home import prepare

    prepare(local_home())


@contextmanager
def opened(*, needed: bool = True) -> Iterator[dg.DagsterInstance]:
    """The history in DAGSTER_HOME; where that is not set and none is needed, one that goes with the command.

    Raises NexusAssetsError where it is not set, or is no folder that can be used, and where there is no clinic to have a history.
    """
    home = Path(os.environ.get("DAGSTER_HOME", ""))
    remedy = "Set it to the folder that your runs use, in the environment or in .env."
    if home == dagster_home(local_home()):
        if home.exists():
            make_private(local_home())
        elif settings.clinic() is None:
            _make_that_of_the_demo()
    if needed and not is_kept():
        raise NexusAssetsError("DAGSTER_HOME is not set: without it no run leaves a history to look at.", remedy=remedy)
    if is_kept() and not home.is_absolute():
        raise NexusAssetsError(f"DAGSTER_HOME is {home}, which is no absolute path.", remedy=remedy)
    if is_kept() and not home.is_dir():
        remedy = f"{remedy} A new one is made so: mkdir -m 700 -p {shlex.quote(str(home))} (docs/connecting.md)."
        raise NexusAssetsError(f"DAGSTER_HOME is {home}, and there is no such folder.", remedy=remedy)
    import dagster as dg

    with dg.DagsterInstance.get() if is_kept() else dg.DagsterInstance.local_temp() as instance:
        yield instance

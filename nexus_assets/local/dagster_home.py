"""Making the folder of Dagster's history, once, before two processes could do it at the same time and break it."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nexus_assets.local.home import dagster_home, is_prepared, local_home, make_private


def prepare(home: Path) -> Path:
    """Returns the folder to use as DAGSTER_HOME: with the dagster.yaml beside this file, its databases created."""
    make_private(home)
    folder = dagster_home(home)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(folder / "prepare.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_prepared(home):
            _link_settings(folder)
            _create_databases(folder)
            (folder / "prepared").touch()
    return folder


def use(home: Path) -> None:
    """Has Dagster keep its history in this local home, created if it is not there, unless DAGSTER_HOME names another folder."""
    own = dagster_home(home)
    # However it is written: the environment of a checkout removes `..` from the path.
    if Path(os.environ.setdefault("DAGSTER_HOME", str(own))).resolve() == own.resolve():
        prepare(home)


def _link_settings(folder: Path) -> None:
    link = folder / "dagster.yaml"
    if not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(Path(__file__).with_name("dagster.yaml"), folder.resolve()))


def _create_databases(folder: Path) -> None:
    from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

    with _as_dagster_home(folder), DagsterInstance.get() as instance:
        # Each storage creates its tables when it is first used.
        instance.get_runs_count(RunsFilter(statuses=[DagsterRunStatus.STARTED]))
        instance.all_asset_keys()
        instance.all_instigator_state()


@contextmanager
def _as_dagster_home(folder: Path) -> Iterator[None]:
    before = os.environ.get("DAGSTER_HOME")
    os.environ["DAGSTER_HOME"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["DAGSTER_HOME"]
        else:
            os.environ["DAGSTER_HOME"] = before


if __name__ == "__main__":
    prepare(Path(sys.argv[1]) if len(sys.argv) > 1 else local_home())

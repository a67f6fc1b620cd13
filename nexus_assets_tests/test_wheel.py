"""The wheel, installed on a machine that has no checkout: no `dev.py`, no tests, no `workspace.yaml`; the docs' commands work."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from nexus_assets.local.home import SOURCE
from nexus_assets_tests.checks.clinic import CheckedClinic, furnish_for_checks
from nexus_assets_tests.conftest import Bucket

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

EXPORTED = re.search(r"^export (DAGSTER_CLI.*)$", (SOURCE / "docs" / "deploying.md").read_text("utf-8"), re.MULTILINE)
"""What docs/deploying.md has a shell export for Dagster's own commands."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the files that git knows."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    named = subprocess.run(["git", "ls-files", "-z"], cwd=SOURCE, capture_output=True, text=True, check=True).stdout
    for name in filter(None, named.split("\0")):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SOURCE / name, source / name)
    # As a front end asks for it (PEP 517), of which an environment made by uv has none.
    building = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", building, str(folder)], cwd=source, stdout=subprocess.DEVNULL, check=True)
    (built,) = folder.iterdir()
    return built


@dataclass(frozen=True)
class Machine:
    """An environment with the wheel in it, and an empty folder to work in."""

    python: Path
    folder: Path
    settings: Mapping[str, str]

    def run(self, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """A command of the environment."""
        name, *arguments = command.split()
        module = {"dagster": "dagster", "nexus-assets": "nexus_assets"}[name]
        return subprocess.run(
            [self.python, "-m", module, *arguments],
            env={**self.settings, **variables},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel in it."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment)
    (packages,) = environment.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    # All that it needs is there already; what a .pth file of that folder names, as the checkout, is not taken over.
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return environment


@pytest.fixture
def machine(
    installed: Path, new_database: Callable[..., str], living_nexus_template: str, bucket: Bucket, tmp_path: Path
) -> Machine:
    exports, folder, home = (tmp_path / name for name in ("exports", "empty", "home"))
    for each in (exports, folder, home):
        each.mkdir()
    url = new_database(living_nexus_template)
    with closing(furnish_for_checks(CheckedClinic(url, exports))) as clinic:
        clinic.place(bucket)
        for name in clinic.exports:
            clinic._write(name)
    own = {name: value for name, value in os.environ.items() if not name.startswith(("DAGSTER_", "NEXUS_", "PYTHON"))}
    settings = {
        **own,
        "DAGSTER_HOME": str(home),
        "NEXUS_DATABASE_URL": url,
        "NEXUS_EXPORTS": str(exports),
        "NEXUS_S3_BUCKET": bucket.name,
        "NEXUS_S3_ENDPOINT_URL": bucket.endpoint_url,
        "NEXUS_REPORTS": str(tmp_path / "reports"),
        "AWS_ACCESS_KEY_ID": bucket.access_key_id,
        "AWS_SECRET_ACCESS_KEY": bucket.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "PYTHONWARNINGS": "ignore",
    }
    return Machine(installed / "bin" / "python", folder, settings)


def exported() -> dict[str, str]:
    assert EXPORTED
    return dict(pair.split("=", 1) for pair in EXPORTED[1].split())


def test_clinic_is_loaded_without_a_checkout(machine: Machine) -> None:
    found = subprocess.run(
        [machine.python, "-c", "import nexus_assets; print(nexus_assets.__file__)"],
        capture_output=True,
        text=True,
        cwd=machine.folder,
    )
    assert Path(found.stdout.strip()).is_relative_to(machine.python.parents[1]), found.stdout + found.stderr
    for command in (
        "nexus-assets plan",
        "nexus-assets load",
        "nexus-assets status",
        "nexus-assets check",
        "nexus-assets report",
    ):
        done = machine.run(command)
        assert done.returncode == 0, (command, done.stdout, done.stderr)


def test_dagsters_own_commands_work_with_what_the_docs_export(machine: Machine) -> None:
    for command in (
        "dagster asset list",
        "dagster asset materialize --select *",
        "dagster asset materialize --select images",
    ):
        done = machine.run(command, **exported())
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert machine.run("dagster definitions validate -m nexus_assets.definitions").returncode == 0
    assert machine.run("nexus-assets check").returncode == 0

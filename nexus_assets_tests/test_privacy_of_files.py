"""What a person writes beside the code is ignored by git, and settings that others can read are reported."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nexus_assets.local.dagster_home import prepare
from nexus_assets.local.home import SOURCE


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".env.clinic",
        "clinics/north.env",
        "rejects.xlsx",
        "plan.json",
        "plan.html",
        "ids.csv",
        "nexus.dump",
        "backup.sql",
        "nexus.backup",
        "Contacts.mer",
        "Contacts.csv.gz",
        "Contacts.fields",
        "exports.zip",
        "clinic-ca.pem",
        "client.key",
    ],
)
def test_what_a_person_writes_is_ignored(name: str) -> None:
    assert subprocess.run(["git", "check-ignore", "--quiet", name], cwd=SOURCE, check=False).returncode == 0


def test_nothing_of_the_project_is_ignored() -> None:
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"], cwd=SOURCE, capture_output=True, check=True
    )
    assert done.stdout == b""


@pytest.mark.parametrize(("mode", "reported"), [(0o600, False), (0o644, True), (0o640, True)])
def test_settings_that_others_can_read_are_reported(mode: int, reported: bool, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("NEXUS_TIME_ZONE=Australia/Perth\n")
    (tmp_path / ".env").chmod(mode)
    done = subprocess.run(
        [sys.executable, "-m", "nexus_assets", "--help"],
        cwd=tmp_path,
        env={**os.environ},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("chmod 600 .env" in done.stderr) is reported


def test_settings_of_a_clinic_that_others_can_read_are_reported(tmp_path: Path) -> None:
    (tmp_path / "clinics").mkdir()
    (tmp_path / "clinics" / "north.env").write_text("NEXUS_TIME_ZONE=Australia/Perth\n")
    (tmp_path / "clinics" / "north.env").chmod(0o644)
    done = subprocess.run(
        [sys.executable, "-m", "nexus_assets", "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "chmod 600 clinics/north.env" in done.stderr


def test_local_home_that_others_could_enter_is_closed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    prepare(home)
    assert home.stat().st_mode & 0o777 == 0o700
    assert all(folder.stat().st_mode & 0o077 == 0 for folder in home.iterdir() if folder.is_dir())


def test_only_one_function_writes_what_a_command_writes() -> None:
    """`whole_file`, whose files are the owner's alone; what is in `local/` stands in a home closed to others."""
    writing = re.compile(
        r"write_text\(|write_bytes\(|copyfile\(|mkstemp\(|delete=False|\.touch\(|open\([^)]*[\"'][rb]?[wax][bt+]*[\"']|O_CREAT"
    )
    package = SOURCE / "nexus_assets"
    found = {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if file.relative_to(package).parts[0] != "local" and writing.search(file.read_text("utf-8"))
    }
    assert found == {"disk.py", "commands/demo.py"}
    opened = [
        line for file in package.rglob("*.py") for line in file.read_text("utf-8").splitlines() if "whole_file(" in line
    ]
    # The two files of a report hold counts, and a web server shows them where NEXUS_REPORTS names a folder.
    assert sum("mode=0o666" in line for line in opened) == 2
    assert "file.chmod(0o600)" in (package / "commands" / "demo.py").read_text("utf-8")

"""What a person writes beside the code is ignored by git, and settings that others can read are reported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nexus_assets.local.home import SOURCE


@pytest.mark.parametrize(
    "name", [".env", ".env.clinic", "mend.xlsx", "plan.json", "nexus.dump", "ids.csv", "backup.sql", "Contacts.mer"]
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

"""README's commands of every day, word for word, over a small demo clinic: each does what is said, and ends well."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nexus_assets_tests.local.test_demo import Demo, served
from nexus_assets_tests.readme import README

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def _commands() -> list[str]:
    """The lines of the blocks that carry no name of their own, but for those that start with dev.py: CI runs these itself."""
    blocks = re.findall(r"^```sh\n(.*?)^```", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [line for found in blocks for line in found.splitlines() if "dev.py" not in line]


def test_there_are_commands_of_every_kind() -> None:
    said = " ".join(_commands())
    for word in ("materialize", "plan", "apply", "status", "check", "report"):
        assert word in said


@pytest.fixture
def small_demo(tmp_path_factory: pytest.TempPathFactory, new_cluster: Callable[[Path], None]) -> Iterator[Demo]:
    """A hundredth of the demo clinic, loaded: most of the time of these commands over all of it is that of the local S3 server."""
    home = tmp_path_factory.mktemp("small")
    new_cluster(home / "postgres")
    with served(Demo(home)) as demo:
        done = demo.nexus_assets("demo", "--scale", "0.01")
        assert done.returncode == 0, done.stdout + done.stderr
        yield demo


def test_each_ends_well(small_demo: Demo, tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    failed = []
    for command in _commands():
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=tmp_path,
            env={**small_demo.environment, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            failed.append((command, done.returncode, done.stdout + done.stderr))
    assert failed == []

"""The commands of docs/, word for word, on the demo clinic after the incident: each does what is said, and ends well."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexus_assets_tests import recording
from nexus_assets_tests.local.test_demo import Demo, copy_of, healed_demo, loaded_demo  # noqa: F401 - the fixtures
from nexus_assets_tests.readme import snippet

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

PATIENCE_SECONDS = 400
"""For one command, on a busy machine: undoing the load that healed the incident took longer than that when each of its 11,812
values was looked for in the whole ledger."""


@pytest.fixture(scope="module")
def healed(healed_demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:  # noqa: F811
    with copy_of(healed_demo, tmp_path_factory.mktemp("documented") / "local") as demo:
        yield demo


def test_run_of_today_is_the_recorded_one(healed: Demo) -> None:
    """README's terminal, of which a fast test compares the picture with the record."""
    *_, terminal, _ = healed.said
    assert recording.untimed(terminal.splitlines()) == recording.untimed(recording.TEXT.read_text("utf-8").splitlines())


def typed(demo: Demo, line: str) -> subprocess.CompletedProcess[str]:
    """A command as a reader types it, in the folder of the clinic."""
    return subprocess.run(
        ["sh", "-c", line],
        cwd=demo.home,
        env={**demo.environment, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )


@pytest.mark.parametrize("block", ["kept", "ids", "rejects", "page", "alerts"])
def test_block_works_as_typed(block: str, healed: Demo) -> None:
    told = [(line, typed(healed, line)) for line in snippet("sh", block).splitlines()]
    assert [(line, done.stdout + done.stderr) for line, done in told if done.returncode] == []


def test_explained_id_of_the_page_is_a_patient_of_the_demo(healed: Demo) -> None:
    done = typed(healed, snippet("sh", "ids").splitlines()[0])
    assert "table patients" in done.stdout
    assert "earlier id" in done.stdout


def test_decision_of_the_page_is_about_a_kept_caption(healed: Demo) -> None:
    asked, decide, *_ = snippet("sh", "kept").splitlines()
    assert decide.split()[-1] in typed(healed, asked).stdout
    assert "1 value" in typed(healed, decide).stdout


def test_load_that_repaired_the_links_is_undone_as_typed(healed: Demo) -> None:
    """Last, as it takes away what the others ask about. Without a number, and away from a terminal, nothing is undone."""
    last, numbered = snippet("sh", "undo").splitlines()
    asked, undone = typed(healed, last), typed(healed, numbered)
    assert (asked.returncode, "was not typed" in asked.stderr + asked.stdout) == (1, True)
    assert undone.returncode == 0, undone.stdout + undone.stderr
    ((orphans,),) = healed.rows(
        "SELECT count(*) FROM images_batch AS b LEFT JOIN patients AS p ON p.id = b.object_id WHERE p.id IS NULL"
    )
    assert orphans > 1000

"""docs/architecture.md and CONTRIBUTING.md say what the code is."""

from __future__ import annotations

import re

import pytest

from nexus_assets.local.home import SOURCE
from nexus_assets_tests import picture

PAGE = picture.PAGE.read_text("utf-8")
CONTRIBUTING = (SOURCE / "CONTRIBUTING.md").read_text("utf-8")


def test_the_picture_is_made_of_the_imports() -> None:
    assert picture.with_picture(PAGE) == PAGE, "python3 -m nexus_assets_tests.picture writes it again"


def test_every_module_of_a_step_exists() -> None:
    table = PAGE.split("## The seven steps of a load")[1].split("\n## ")[0]
    named = {name for line in table.split("\n") if line.startswith("| ") for name in re.findall(r"`(\w+)`", line)}
    modules = {file.stem for file in (SOURCE / "nexus_assets" / "load").glob("*.py")}
    assert {"contract", "merge", "account"} <= named
    assert named - {"load"} - modules == set()


def test_every_law_that_the_code_cites_is_stated() -> None:
    stated = set(re.findall(r"^(\d)\. \*\*", PAGE, re.MULTILINE))
    cited = set()
    for file in (SOURCE / "nexus_assets").rglob("*.py"):
        cited |= set(re.findall(r"\blaw (\d)\b", file.read_text("utf-8")))
    assert stated == set("123456789")
    assert cited
    assert cited <= stated


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`(nexus_assets(?:_tests)?/[\w/.]+|docs/[\w.]+)`", CONTRIBUTING)))
)
def test_every_file_that_a_contributor_is_sent_to_exists(path: str) -> None:
    assert (SOURCE / path).exists()


def test_the_package_is_typed() -> None:
    assert (SOURCE / "nexus_assets" / "py.typed").exists()

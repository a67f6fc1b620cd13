"""docs/architecture.md and CONTRIBUTING.md say what the code is."""

from __future__ import annotations

import ast
import inspect
import re

import pytest

from nexus_assets.load.load import load
from nexus_assets.local.home import SOURCE
from nexus_assets.plan.words import STEPS
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


def test_a_load_is_the_seven_steps_of_the_page_in_their_order() -> None:
    steps = re.findall(r"^\| \d (.+?) \|", PAGE, re.MULTILINE)
    assert len(steps) == 7
    assert tuple(steps) == STEPS
    body = ast.parse(inspect.getsource(load)).body[0]
    called = [call.func.id for call in ast.walk(body) if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)]
    private = [name[1:].replace("_", " ") for name in called if name.startswith("_") and name != "_Run"]
    assert sorted({*private}) == sorted(steps)
    source = inspect.getsource(load)
    places = [source.rindex(f"_{step.replace(' ', '_')}(") for step in steps]
    assert places == sorted(places)


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


def _folders() -> dict[str, set[str]]:
    """Each folder of the product, and each module beside them, with those that it imports, at its top or in a function."""
    root = SOURCE / "nexus_assets"
    rooms = {path.stem for path in root.iterdir() if path.is_dir() or path.suffix == ".py"} - {
        "__init__",
        "__pycache__",
    }
    found: dict[str, set[str]] = {room: set() for room in rooms}
    for file in root.rglob("*.py"):
        here = file.relative_to(root).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            imported = {name.split(".")[1] for name in names if name.startswith("nexus_assets.")}
            found.setdefault(here, set()).update(imported & rooms - {here})
    return found


def test_no_folder_imports_one_that_imports_it() -> None:
    folders = _folders()
    assert "nexus" in folders["load"]
    both_ways = {(one, other) for one in folders for other in folders[one] if one < other and one in folders[other]}
    assert both_ways == set()


def test_reading_a_setting_starts_nothing() -> None:
    assert _folders()["settings"] <= {"errors"}

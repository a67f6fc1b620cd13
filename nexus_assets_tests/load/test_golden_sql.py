"""The SQL of a first, a changed and an unchanged load of every entity, as recorded in sql/: a change of it is a diff to read.

`python3 dev.py sql --record` records it again.
"""

from __future__ import annotations

import difflib
import fnmatch
import itertools
import os
import re

import pytest

from nexus_assets.entities import ENTITIES
from nexus_assets.load import work
from nexus_assets_tests.load import golden
from nexus_assets_tests.load.clinic import Clinic

pytestmark = pytest.mark.commits

RECORD = bool(os.environ.get("RECORD_SQL"))
SHOWN_LINES = 80

RECORDED = [
    name
    for name, entity in ENTITIES.items()
    if not entity.optional or name in ("patient_referrers", "patient_communications")
]
"""The entities whose statements are recorded: what the others run differs only in the names of their columns."""


Recorded = list[tuple[str, golden.Recorder]]


@pytest.fixture(scope="module")
def recorded_before() -> dict[str, Recorded]:
    return {}


@pytest.fixture
def recorded(name: str, recorded_before: dict[str, Recorded], request: pytest.FixtureRequest) -> Recorded:
    """The three loads of the entity; they are recorded once."""
    if name not in recorded_before:
        clinic: Clinic = request.getfixturevalue("clinic")
        recorded_before[name] = [*golden.record(clinic, ENTITIES[name])]
    return recorded_before[name]


@pytest.mark.parametrize("name", RECORDED)
def test_a_load_runs_the_statements_that_are_recorded(name: str, recorded: Recorded) -> None:
    different = []
    for kind, recorder in recorded:
        text, file = golden.written(recorder.statements), golden.path(name, kind)
        if RECORD:
            file.write_text(text)
        known = file.read_text() if file.exists() else ""
        different += difflib.unified_diff(known.split("\n"), text.split("\n"), file.name, "this load", lineterm="", n=2)
    assert not different, "\n".join([*different[:SHOWN_LINES], "Record it again: python3 dev.py sql --record"])


@pytest.mark.parametrize(("name", "most"), [("notes", 45), ("images", 60)])
def test_a_first_load_takes_few_statements(name: str, most: int) -> None:
    assert len(re.findall(r";$", golden.path(name, "first").read_text(), re.MULTILINE)) <= most


@pytest.mark.parametrize("name", RECORDED)
def test_every_work_table_has_the_columns_that_are_declared(name: str, recorded: Recorded) -> None:
    declared = {table.name: table.columns for table in work.TABLES}
    seen = set()
    found_columns: dict[str, set[str]] = {}
    for _, recorder in recorded:
        for table, columns in recorder.columns.items():
            short = table.removeprefix(f"work_{name}_")
            (found,) = (each for each in declared if fnmatch.fnmatch(short, each))
            seen.add(found)
            patterns = declared[found]
            assert [each for each in columns if not any(fnmatch.fnmatch(each, one) for one in patterns)] == [], short
            found_columns.setdefault(found, set()).update(columns)
    for found, columns in found_columns.items():
        patterns = declared[found]
        if not ENTITIES[name].generic_references:
            patterns = tuple(one for one in patterns if one != "named_*")
        if not ENTITIES[name].owners:
            patterns = tuple(one for one in patterns if one not in ("said", "gathered", "alone"))
        if not ENTITIES[name].adds_rows:
            patterns = tuple(one for one in patterns if (found, one) != ("incoming", "nexus_id"))
        assert [one for one in patterns if not fnmatch.filter(columns, one)] == [], found
    assert {"export", "seen", "incoming", "decided"} <= seen


def test_every_declared_work_table_is_used_by_some_load() -> None:
    texts = "".join(file.read_text() for file in golden.FOLDER.glob("*.sql"))
    used = set(re.findall(rf"work_(?:{'|'.join(ENTITIES)})_(\w+)", texts))
    assert [table.name for table in work.TABLES if not fnmatch.filter(used, table.name)] == []


def test_only_loads_that_exist_are_recorded() -> None:
    expected = {golden.path(name, kind) for name, kind in itertools.product(RECORDED, golden.KINDS)}
    assert {*golden.FOLDER.glob("*.sql")} == expected

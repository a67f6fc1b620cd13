"""The same breakages in a database of the demo's size: one row among ten thousand is found, with its exact count, and only there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest
import sqlalchemy as sa

from nexus_assets.local import nexus_schema
from nexus_assets_tests.checks.breakages import BREAKAGES, OF_NEW_ROWS, Breakage, Red
from nexus_assets_tests.checks.clinic import DemoClinic

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def demo(kept_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> DemoClinic:
    """The demo clinic, loaded, with nothing wrong in it, and no foreign key in force, as each breakage has it."""
    demo = DemoClinic(kept_database(), tmp_path_factory.mktemp("demo"))
    with demo.engine.begin() as connection:
        nexus_schema.create(connection)
        nexus_schema.seed(connection)
    demo.write()
    demo.settle()
    assert demo.red() == {}
    demo.unguard()
    demo.close()
    return demo


Copied = Callable[[], AbstractContextManager[DemoClinic]]


@pytest.fixture(scope="module")
def copied(demo: DemoClinic, kept_database: Callable[[str], str], drop_database: Callable[[str], None]) -> Copied:
    """Returns a copy of it to break, as a context."""

    @contextmanager
    def copy() -> Iterator[DemoClinic]:
        url = kept_database(str(sa.make_url(demo.url).database))
        clinic = DemoClinic(url, Path(demo.folder), images=dict(demo.images), documents=dict(demo.documents))
        clinic.files = dict(demo.files)
        clinic.exports = deepcopy(demo.exports)
        with closing(clinic):
            clinic.own_ledger()
            yield clinic
        drop_database(url)

    return copy


HERE = [breakage for breakage in BREAKAGES if breakage.__name__ not in OF_NEW_ROWS]

TOGETHER = 4
"""How many breakages are done in one copy and looked at once: to look at everything takes far longer than to break something."""

SHARE_ROWS = (
    {"image_is_there_twice", "image_file_is_cut_short"},
    {"content_type_is_gone", "content_type_is_another_model", "batch_is_there_nine_times"},
    {"imported_document_is_hung_onto_a_living_row_of_another_model", "document_is_there_twice"},
    {"relationship_leads_nowhere", "content_type_has_no_table"},
)
"""Breakages of the same rows, by name. Only one of each set is done in a copy: another one would copy or count what it broke."""


def _groups() -> list[list[Breakage]]:
    """The breakages by the copy in which they are done: each check turns red for one of them at most. Those that stand beside one
    another, as they break the same rows, are in different copies, and those of the guard, which refuses what others do, alone."""
    alone = [[breakage] for breakage in HERE if GUARD in breakage.turns_red]
    others = [breakage for breakage in HERE if [breakage] not in alone]
    groups: list[list[Breakage]] = [[] for _ in range(len(others) // TOGETHER + 1)]
    for number, breakage in enumerate(others):
        fitting = (
            group
            for group in groups[number % len(groups) :] + groups
            if {*breakage.turns_red}.isdisjoint(name for other in group for name in other.turns_red)
            and not any({breakage.__name__, other.__name__} <= rows for other in group for rows in SHARE_ROWS)
        )
        next(fitting, groups[0]).append(breakage)
    return alone + groups


GUARD = "patients/guard_in_force"
GROUPS = _groups()


Look = Callable[..., tuple[dict[Breakage, Red], Red]]


@pytest.fixture(scope="module")
def look(copied: Copied) -> Look:
    """Returns what the checks of a copy, in which this was broken, were expected to say of each breakage, and what they said."""

    @cache
    def broken(*breakages: Breakage) -> tuple[dict[Breakage, Red], Red]:
        with copied() as clinic:
            return {breakage: breakage(clinic) for breakage in breakages}, clinic.red()

    return broken


@pytest.mark.parametrize("breakage", HERE, ids=lambda breakage: breakage.__name__)
def test_breakage_is_found_there_and_only_there(breakage: Breakage, look: Look) -> None:
    (group,) = (group for group in GROUPS if breakage in group)
    expected, found = look(*group)
    if found != _all_of(expected):
        # Two of them have met in a row, or one is not found as it should be: which one, each shows alone.
        expected, found = look(breakage)
    assert found == _all_of(expected)


def _all_of(red: dict[Breakage, Red]) -> Red:
    return {name: each for of_one in red.values() for name, each in of_one.items()}

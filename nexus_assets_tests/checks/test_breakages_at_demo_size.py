"""The same breakages in a database of the demo's size: one row among ten thousand is found, with its exact count, and only there."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from nexus_assets.local import nexus_schema
from nexus_assets_tests.checks.breakages import BREAKAGES, OF_NEW_ROWS, Breakage
from nexus_assets_tests.checks.clinic import DemoClinic

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def demo(kept_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> DemoClinic:
    """The demo clinic, loaded, with nothing wrong in it."""
    demo = DemoClinic(kept_database(), tmp_path_factory.mktemp("demo"))
    with demo.engine.begin() as connection:
        nexus_schema.create(connection)
        nexus_schema.seed(connection)
    demo.write()
    demo.settle()
    assert demo.red() == {}
    demo.close()
    return demo


@pytest.fixture
def clinic(demo: DemoClinic, new_database: Callable[[str], str]) -> Iterator[DemoClinic]:
    """A copy of it to break."""
    url = new_database(str(sa.make_url(demo.url).database))
    clinic = DemoClinic(url, Path(demo.folder), images=dict(demo.images), documents=dict(demo.documents))
    clinic.files = dict(demo.files)
    clinic.exports = copy.deepcopy(demo.exports)
    with closing(clinic):
        clinic.own_ledger()
        yield clinic


HERE = [breakage for breakage in BREAKAGES if breakage.__name__ not in OF_NEW_ROWS]


@pytest.mark.parametrize("breakage", HERE, ids=lambda breakage: breakage.__name__)
def test_breakage_is_found_there_and_only_there(breakage: Breakage, clinic: DemoClinic) -> None:
    expected = breakage(clinic)
    assert clinic.red() == expected

"""What holds for the load of every entity."""

from __future__ import annotations

import pytest

from nexus_assets.entities import ENTITIES
from nexus_assets_tests.load.clinic import Clinic


@pytest.mark.parametrize("name", ENTITIES)
def test_loading_twice_writes_nothing(name: str, loaded: Clinic) -> None:
    before = loaded.versions()
    loaded.load(name)
    assert loaded.versions() == before

"""The incident breaks what it is told to break, its figures say how much, and one load heals it."""

from __future__ import annotations

from dataclasses import fields

import pytest

from nexus_assets.local.incident import Figures, is_well, measure, strike
from nexus_assets_tests.load.clinic import Clinic
from nexus_assets_tests.load.conftest import copied, loaded, loaded_template, opened

__all__ = ["copied", "loaded", "loaded_template", "opened"]

pytestmark = pytest.mark.commits


def test_the_figures_are_those_of_before_once_a_load_has_healed_it(loaded: Clinic) -> None:
    before = measure(loaded.engine, visible=4)
    assert is_well(loaded.engine)
    assert strike(loaded.engine) == 2
    broken = measure(loaded.engine, visible=0)
    assert not is_well(loaded.engine)
    assert (broken.documents_leading_nowhere, broken.references_leading_nowhere) == (2, 4)
    loaded.load()
    assert is_well(loaded.engine)
    assert measure(loaded.engine, visible=4) == before


@pytest.mark.parametrize(("filled", "linked", "share"), [(4, 4, 1.0), (4, 1, 0.25), (4, 0, 0.0), (0, 0, 0.0)])
def test_the_share_of_links_is_that_of_the_batches_with_images(filled: int, linked: int, share: float) -> None:
    nothing = dict.fromkeys((field.name for field in fields(Figures)), 0)
    figures = Figures(**{**nothing, "filled_batches": filled, "filled_batches_linked": linked})
    assert figures.as_json()["valid_links"] == share

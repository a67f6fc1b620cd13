"""Every class of breakage, broken on purpose: the checks that must turn red, with their exact counts, and no other."""

from __future__ import annotations

import pytest

from nexus_assets.checks import CHECKS
from nexus_assets_tests.checks.breakages import BREAKAGES, Breakage
from nexus_assets_tests.checks.clinic import CheckedClinic


def test_nothing_is_red_in_a_sound_clinic(clinic: CheckedClinic) -> None:
    assert clinic.red() == {}


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.__name__)
def test_breakage_is_found_there_and_only_there(breakage: Breakage, clinic: CheckedClinic) -> None:
    expected = breakage(clinic)
    assert clinic.red() == expected


def test_every_check_turns_red_for_some_breakage() -> None:
    """A check that nothing turns red proves nothing."""
    named = {name for breakage in BREAKAGES for name in breakage.turns_red}
    assert {check.full_name for check in CHECKS} - named == set()

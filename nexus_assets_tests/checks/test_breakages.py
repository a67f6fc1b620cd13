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


def test_what_a_load_keeps_is_shown_until_both_sides_agree(clinic: CheckedClinic) -> None:
    edited = clinic.value("SELECT min(nexus_id::text) FROM nexus_assets.identity_patients")
    was = clinic.value("SELECT health_number FROM {patients} WHERE id = %s", edited)
    clinic.execute("UPDATE {patients} SET health_number = 'x' WHERE id = %s", edited)
    clinic.load("patients")
    assert clinic.red() == {"patients/agrees_with_filemaker": {"health_number": 1}}
    clinic.execute("UPDATE {patients} SET health_number = %s WHERE id = %s", was, edited)
    clinic.load("patients")
    assert clinic.red() == {}


@pytest.mark.parametrize("lost", [0, 1, 6])
def test_lost_rows_are_a_figure_of_their_own(lost: int, clinic: CheckedClinic) -> None:
    clinic.execute("DELETE FROM {notes} WHERE id IN (SELECT id FROM {notes} ORDER BY id LIMIT %s)", lost)
    (finding,) = clinic.check("notes/every_row_accounted").values()
    assert finding.figures["lost"] == lost


def test_a_thumbnail_is_explained_by_the_reject_of_its_own_image_alone(clinic: CheckedClinic) -> None:
    rejected = clinic.value("SELECT min(payload ->> 'key') FROM nexus_assets.reject WHERE entity = 'images'")
    clinic.copy_file(rejected, f"{rejected.rpartition('.')[0]}_thumb.jpg")
    assert clinic.red() == {}
    clinic.copy_file(rejected, f"{rejected.rpartition('/')[0]}/99999901_thumb.jpg")
    assert clinic.red() == {"images/files_and_rows_agree": {"thumbnail_without_row": 1}}


def test_every_check_turns_red_for_some_breakage() -> None:
    """A check that nothing turns red proves nothing."""
    named = {name for breakage in BREAKAGES for name in breakage.turns_red}
    assert {check.full_name for check in CHECKS} - named == set()


def test_what_stops_the_children_is_a_dangling_reference_of_a_loaded_row_alone() -> None:
    """Not one of a row that the import did not make, which the checks of patients look for in the whole database."""
    stopping = {(check.name, check.asset != "patients") for check in CHECKS if check.blocking}
    assert stopping == {("no_orphaned_references", True)}
    assert all(
        check.blocking for check in CHECKS if check.name == "no_orphaned_references" and check.asset != "patients"
    )

"""Every class of breakage, broken on purpose: the checks that must turn red, with their exact counts, and no other."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest

from nexus_assets.admin.kept import Selection, decide
from nexus_assets.checks import CHECKS
from nexus_assets.load.gates import GateError
from nexus_assets_tests.checks.breakages import (
    BREAKAGES,
    Breakage,
    imported_document_is_hung_onto_a_living_row_of_another_model,
)
from nexus_assets_tests.checks.clinic import CheckedClinic


def test_nothing_is_red_in_a_sound_clinic(clinic: CheckedClinic) -> None:
    assert clinic.red() == {}


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.__name__)
def test_breakage_is_found_there_and_only_there(breakage: Breakage, clinic: CheckedClinic) -> None:
    expected = breakage(clinic)
    assert clinic.red() == expected


LEDGER_AT_FAULT = {
    "rejects_are_lost",
    "ledger_has_lost_entries",
    "load_does_not_add_up",
    "last_loads_of_optional_entities_are_old_and_do_not_add_up",
}
"""Breakages of the ledger, which no command corrects: `rows_unaccounted` and the like are to be reported."""

A_LOAD_ALONE = re.compile(r"dagster asset materialize --select '?[*\w]+'?")


@pytest.mark.parametrize(
    "breakage",
    [each for each in BREAKAGES if each.__name__ not in LEDGER_AT_FAULT],
    ids=lambda breakage: breakage.__name__,
)
def test_what_a_load_leaves_red_names_more_than_a_load(breakage: Breakage, clinic: CheckedClinic) -> None:
    breakage(clinic)
    with suppress(GateError):
        clinic.load()
    left = {check.full_name: found.next_step for check, found in clinic.check().items() if not found.passed}
    useless = {name for name, step in left.items() if not step or A_LOAD_ALONE.fullmatch(step)}
    assert not useless, left


@pytest.mark.parametrize("value", ["NULL", "'null'", "'[]'", "'5'", """'{"filemaker_id": 5}'"""])
def test_an_id_in_the_metadata_is_restored_by_the_command_that_the_check_names(
    value: str, clinic: CheckedClinic
) -> None:
    person = clinic.patient_id(clinic.exports["Contacts"][0]["id"])
    clinic.execute(f"UPDATE {{patients}} SET filemaker_metadata = {value} WHERE id = %s", person)
    clinic.load("patients")
    (found,) = clinic.check("patients/every_row_accounted").values()
    assert "nexus-assets kept decide filemaker ID" in found.next_step
    decide(clinic.engine, Selection(ids=(person,)), "filemaker", "wren")
    clinic.load("patients")
    assert clinic.red() == {}


def test_links_under_renumbered_content_types_are_no_rows_to_delete(clinic: CheckedClinic) -> None:
    clinic.unguard()
    clinic.execute("UPDATE django_content_type SET id = id + 5000")
    clinic.load()
    for name in ("documents/no_unmanaged_orphans", "images/no_unmanaged_orphans", "patients/no_orphaned_references"):
        (found,) = clinic.check(name).values()
        assert {*found.breakdown} == {"content_type_missing"}
        assert "a model was removed, or its table filled again" in found.cause
        assert "have Nexus's administrator give django_content_type the ids that it had" in found.next_step


def test_a_missing_clinic_of_a_patient_is_to_be_chosen_again(clinic: CheckedClinic) -> None:
    clinic.unguard()
    clinic.execute("UPDATE {patients} SET clinic_id = gen_random_uuid()")
    (found,) = clinic.check("patients/no_orphaned_references").values()
    assert ({*found.breakdown}, found.cause) == ({"lookup_missing"}, "")
    assert found.next_step.endswith("and choose in Nexus what these rows name, or none")


def test_an_imported_document_that_a_person_gave_to_a_company_returns_by_the_command_that_the_check_names(
    clinic: CheckedClinic,
) -> None:
    imported_document_is_hung_onto_a_living_row_of_another_model(clinic)
    clinic.load("documents")
    (document,) = clinic.check("documents/no_orphaned_references").values()
    assert "nexus-assets kept decide filemaker ID" in document.next_step
    decide(clinic.engine, Selection(ids=(str(document.sample[0]["id"]),)), "filemaker", "wren")
    clinic.load("documents")
    assert clinic.red() == {}


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

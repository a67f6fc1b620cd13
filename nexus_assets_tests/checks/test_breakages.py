"""Every class of breakage, broken on purpose: the checks that must turn red, with their exact counts, and no other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from nexus_assets.admin.kept import Selection, decide
from nexus_assets.checks import CHECKS
from nexus_assets.load.gates import GateError
from nexus_assets.nexus.connection import kept_connections
from nexus_assets_tests.checks.breakages import (
    BREAKAGES,
    Breakage,
    Red,
    imported_document_is_hung_onto_a_living_row_of_another_model,
)
from nexus_assets_tests.checks.clinic import CheckedClinic, furnish_for_checks
from nexus_assets_tests.conftest import NewDatabase, database_name

pytestmark = pytest.mark.extended


def test_nothing_is_red_in_a_sound_clinic(clinic: CheckedClinic) -> None:
    assert clinic.red() == {}


LEDGER_AT_FAULT = {
    "rejects_are_lost",
    "ledger_has_lost_entries",
    "load_does_not_add_up",
    "last_loads_of_optional_entities_are_old_and_do_not_add_up",
}
"""Breakages of the ledger, which no command corrects: `rows_unaccounted` and the like are to be reported."""

CORRECTED = [each for each in BREAKAGES if each.__name__ not in LEDGER_AT_FAULT]

A_LOAD_ALONE = re.compile(r"dagster asset materialize --select '?[*\w]+'?")


class Broken(NamedTuple):
    """What the checks of a clinic were expected to say of a breakage, what they said, and what those that stayed red after a load
    have somebody do, by their names; nothing is loaded after a breakage that no command corrects."""

    expected: Red
    found: Red
    left: dict[str, str]


@pytest.fixture(scope="module")
def unguarded_template(
    kept_database: NewDatabase, drop_database: Callable[[str], None], checked_template: str
) -> Iterator[str]:
    """The name of a database in which nothing is wrong and no foreign key is in force, as each breakage has it: they are dropped once."""
    url = kept_database(checked_template)
    with closing(CheckedClinic(url, Path())) as clinic:
        clinic.unguard()
    yield database_name(url)
    drop_database(url)


@pytest.fixture(scope="module")
def broken(
    request: pytest.FixtureRequest,
    kept_database: NewDatabase,
    drop_database: Callable[[str], None],
    unguarded_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Broken]:
    """A clinic that was broken, looked at, loaded and looked at again."""
    url = kept_database(unguarded_template)
    with (
        kept_connections(),
        closing(furnish_for_checks(CheckedClinic(url, tmp_path_factory.mktemp("broken")))) as clinic,
    ):
        clinic.own_ledger()
        expected, left = request.param(clinic), dict[str, str]()
        found = clinic.red()
        if request.param in CORRECTED:
            with suppress(GateError):
                clinic.load()
            left = {check.full_name: found.next_step for check, found in clinic.check().items() if not found.passed}
        yield Broken(expected, found, left)
    drop_database(url)


def each_of(breakages: list[Breakage]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("broken", breakages, ids=lambda each: each.__name__, indirect=True, scope="module")


# In one order in both, so that each is broken once.
@each_of(CORRECTED + [each for each in BREAKAGES if each not in CORRECTED])
def test_breakage_is_found_there_and_only_there(broken: Broken) -> None:
    assert broken.found == broken.expected


@each_of(CORRECTED)
def test_what_a_load_leaves_red_names_more_than_a_load(broken: Broken) -> None:
    assert not {name for name, step in broken.left.items() if not step or A_LOAD_ALONE.fullmatch(step)}, broken.left


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

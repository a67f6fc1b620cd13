"""A link that a person deleted in Nexus stays deleted until FileMaker changes it; one that went with its patient comes back."""

from __future__ import annotations

import pytest

from nexus_assets.admin.kept import Selection, decide
from nexus_assets.admin.undo import plan, undo
from nexus_assets_tests.load.clinic import Clinic, Row


def links(clinic: Clinic) -> int:
    return int(clinic.value("SELECT count(*) FROM {patient_referrers}"))


def referred(clinic: Clinic) -> Row:
    """A referral that was loaded and that a person deleted."""
    row = clinic.referral(clinic.contact("Grevillea"), clinic.referrer("Quandong"))
    clinic.load("patients", "specialties", "referrers", "patient_referrers")
    clinic.execute("DELETE FROM {patient_referrers}")
    return row


def conflicts(clinic: Clinic) -> list[tuple[str, ...]]:
    return clinic.rows("SELECT column_name, cause FROM nexus_assets.conflict WHERE resolved_load IS NULL")


def test_a_deleted_link_stays_deleted_and_is_listed_as_kept(clinic: Clinic) -> None:
    referred(clinic)
    for _ in range(2):
        account = clinic.load("patient_referrers")["patient_referrers"].account
        assert (account.kept, account.inserted, links(clinic)) == (1, 0, 0)
    assert conflicts(clinic) == [("id", "deleted")]


def test_it_returns_when_filemaker_changes_it(clinic: Clinic) -> None:
    row = referred(clinic)
    clinic.load("patient_referrers")
    row["date"] = "4/22/2024"
    account = clinic.load("patient_referrers")["patient_referrers"].account
    assert (account.healed, links(clinic)) == ({"restored": 1}, 1)
    assert conflicts(clinic) == []


@pytest.mark.commits
def test_it_returns_under_its_id_when_somebody_decides_that_filemaker_is_right(clinic: Clinic) -> None:
    referred(clinic)
    known = clinic.value("SELECT nexus_id::text FROM nexus_assets.identity_patient_referrers")
    clinic.load("patient_referrers")
    decide(clinic.engine, Selection("patient_referrers"), "filemaker", "wren")
    clinic.load("patient_referrers")
    assert clinic.values("SELECT id::text FROM {patient_referrers}") == [known]
    assert conflicts(clinic) == []


@pytest.mark.commits
def test_it_stays_deleted_and_is_agreed_on_when_somebody_decides_that_nexus_is_right(clinic: Clinic) -> None:
    referred(clinic)
    clinic.load("patient_referrers")
    decide(clinic.engine, Selection("patient_referrers"), "nexus", "wren")
    clinic.load("patient_referrers")
    assert links(clinic) == 0
    assert clinic.values("SELECT decision FROM nexus_assets.conflict WHERE resolved_load IS NULL") == ["nexus"]


def test_the_same_pair_that_a_person_made_anew_is_adopted(clinic: Clinic) -> None:
    referred(clinic)
    clinic.load("patient_referrers")
    clinic.execute(
        "INSERT INTO {patient_referrers} (id, patient_id, referrer_id, status, is_primary, created_at, updated_at)"
        " SELECT gen_random_uuid(), p.id, r.id, 'ACTIVE', true, now(), now() FROM {patients} AS p, {referrers} AS r"
    )
    account = clinic.load("patient_referrers")["patient_referrers"].account
    assert account.healed["adopted"] == 1
    assert (links(clinic), conflicts(clinic)) == (1, [])
    assert clinic.value("SELECT is_primary FROM {patient_referrers}")


def test_a_pair_that_leaves_filemaker_is_no_conflict_any_more_and_returns_with_it(clinic: Clinic) -> None:
    row = referred(clinic)
    clinic.load("patient_referrers")
    clinic.exports["PatientToReferrer"].remove(row)
    clinic.load("patient_referrers")
    assert conflicts(clinic) == []
    clinic.exports["PatientToReferrer"].append(row)
    clinic.load("patient_referrers")
    assert links(clinic) == 1


def test_links_that_went_with_their_patients_come_back(clinic: Clinic) -> None:
    referred(clinic)
    clinic.load("patient_referrers")
    clinic.recreate_patients()
    clinic.load("patients", "patient_referrers")
    assert (links(clinic), conflicts(clinic)) == (1, [])


@pytest.mark.commits
def test_links_of_patients_that_a_load_restored_come_back(clinic: Clinic) -> None:
    referred(clinic)
    clinic.delete_patients()
    clinic.load("patients", "patient_referrers")
    assert (links(clinic), conflicts(clinic)) == (1, [])


def test_another_mapping_is_no_change_in_filemaker(clinic: Clinic) -> None:
    referred(clinic)
    clinic.execute("UPDATE nexus_assets.identity_patient_referrers SET row_hash = row_hash + 1")
    clinic.load("patient_referrers")
    assert links(clinic) == 0


@pytest.mark.commits
def test_a_load_that_brought_a_link_back_is_undone(clinic: Clinic) -> None:
    row = referred(clinic)
    clinic.load("patient_referrers")
    row["date"] = "4/22/2024"
    clinic.load("patient_referrers")
    load = str(clinic.value("SELECT max(id) FROM nexus_assets.load"))
    undo(clinic.engine, load, plan(clinic.engine, load), "wren")
    assert (links(clinic), conflicts(clinic)) == (0, [("id", "deleted")])

"""Tests of rows that a CHECK constraint of Nexus refuses: the load goes on without them, and names the constraint."""

from __future__ import annotations

import pytest

from nexus_assets_tests.load.clinic import Clinic

LONG_ENOUGH = (
    "ALTER TABLE {patients} ADD CONSTRAINT long_enough CHECK (length(last_name) > 3 AND last_name NOT LIKE '%%!%%')"
)


def clinic_with(clinic: Clinic, loaded_before: bool) -> Clinic:
    """Two contacts, one of whom is refused; a patient may be there before, so that the load is not the short first one."""
    if loaded_before:
        clinic.contact("Coolabah")
        clinic.load("patients")
    clinic.execute(LONG_ENOUGH)
    clinic.contact("Wattle")
    clinic.contact("Oak")
    return clinic


@pytest.mark.parametrize("loaded_before", [False, True], ids=["first load", "later load"])
def test_a_new_row_that_is_refused_is_a_reject_and_the_others_are_loaded(clinic: Clinic, loaded_before: bool) -> None:
    account = clinic_with(clinic, loaded_before).load("patients")["patients"].account
    assert (account.inserted, account.rejected) == (1, {"refused_by_check": 1})
    assert clinic.row("SELECT column_name, row_number FROM nexus_assets.reject") == ("last_name", 2 + loaded_before)


@pytest.mark.parametrize("loaded_before", [False, True], ids=["first load", "later load"])
def test_a_remark_names_the_constraint_its_table_and_the_first_record(clinic: Clinic, loaded_before: bool) -> None:
    result = clinic_with(clinic, loaded_before).load("patients")["patients"]
    (remark,) = result.sources["Contacts"]["remarks"]
    record = 2 + loaded_before
    assert f"the constraint long_enough of the table patients refuses 1 row(s), the first in record {record}:" in remark
    assert "it demands ((length((last_name)::text) > 3)" in remark


def test_the_reject_is_resolved_once_the_constraint_is_gone(clinic: Clinic) -> None:
    clinic_with(clinic, loaded_before=True).load("patients")
    clinic.execute("ALTER TABLE {patients} DROP CONSTRAINT long_enough")
    assert clinic.load("patients")["patients"].account.inserted == 1
    assert clinic.value("SELECT count(*) FROM nexus_assets.reject WHERE resolved_load IS NULL") == 0


def test_a_changed_row_that_is_refused_stays_as_nexus_has_it(clinic: Clinic) -> None:
    contact = clinic.contact("Wattle", nameFirst="Wren")
    clinic.load("patients")
    clinic.execute(LONG_ENOUGH)
    clinic.find("Contacts", contact).update(nameLast="Oak", nameFirst="Wrenna")
    result = clinic.load("patients")["patients"]
    assert (result.account.updated, result.account.inserted, result.account.rejected) == (1, 0, {})
    (remark,) = result.sources["Contacts"]["remarks"]
    assert (
        "the constraint long_enough of the table patients refuses the change of 1 row(s), the first in record 1:"
        in remark
    )
    assert clinic.row("SELECT last_name, first_name FROM {patients}") == ("Wattle", "Wrenna")
    assert clinic.values("SELECT column_name FROM nexus_assets.conflict WHERE resolved_load IS NULL") == ["last_name"]


def test_a_row_that_a_later_constraint_refuses_as_it_is_is_not_touched(clinic: Clinic) -> None:
    contact = clinic.contact("Oak", nameFirst="Wren")
    clinic.load("patients")
    clinic.execute(LONG_ENOUGH + " NOT VALID")
    clinic.find("Contacts", contact)["nameFirst"] = "Wrenna"
    account = clinic.load("patients")["patients"].account
    assert (account.kept, account.updated) == (1, 0)
    clinic.find("Contacts", contact)["nameLast"] = "Oakley"
    assert clinic.load("patients")["patients"].account.updated == 1
    assert clinic.row("SELECT last_name, first_name FROM {patients}") == ("Oakley", "Wren")


def test_a_constraint_on_both_halves_of_a_link_sees_what_the_load_writes(clinic: Clinic) -> None:
    clinic.execute(
        "ALTER TABLE {documents_document} ADD CHECK ((content_type_id IS NULL) = (object_id IS NULL) AND id IS NOT NULL)"
    )
    wattle, coolabah = clinic.contact("Wattle"), clinic.contact("Coolabah")
    document = clinic.document(wattle)
    clinic.load("patients", "documents")
    document["id_Contact"] = coolabah
    account = clinic.load("documents")["documents"].account
    assert (account.updated, account.rejected) == (1, {})


def test_a_deleted_row_that_is_refused_is_a_reject(clinic: Clinic) -> None:
    contact = clinic.contact("Oak")
    clinic.load("patients")
    clinic.execute(LONG_ENOUGH + " NOT VALID")
    clinic.delete_patients(contact)
    assert clinic.load("patients")["patients"].account.rejected == {"refused_by_check": 1}


def test_a_constraint_of_a_column_that_no_load_writes_is_met_by_its_default(clinic: Clinic) -> None:
    clinic.execute("ALTER TABLE {patients} ADD COLUMN region text DEFAULT 'east' CHECK (region IS NOT NULL)")
    clinic.contact("Wattle")
    assert clinic.load("patients")["patients"].account.inserted == 1

"""Tests of rows that a constraint or a unique index of Nexus refuses: the load goes on without them, and names it."""

from __future__ import annotations

import pytest

from nexus_assets.admin.kept import Selection, decide
from nexus_assets_tests.load.clinic import Clinic

pytestmark = pytest.mark.extended

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
    assert f"the constraint long_enough of the table patients refuses 1 row, the first in record {record}:" in remark
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
        "the constraint long_enough of the table patients refuses the change of 1 row, the first in record 1:" in remark
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
    assert clinic.row("SELECT last_name, first_name FROM {patients}") == ("Oakley", "Wrenna")


@pytest.mark.parametrize("way", ["constraint", "FileMaker"])
def test_a_change_that_was_refused_comes_with_a_later_load(clinic: Clinic, way: str) -> None:
    contact = clinic.contact("Wattle")
    clinic.load("patients")
    clinic.execute(LONG_ENOUGH)
    clinic.find("Contacts", contact)["nameLast"] = "Oak"
    for _ in range(2):
        assert clinic.load("patients")["patients"].account.kept == 1
    assert clinic.values("SELECT cause FROM nexus_assets.conflict WHERE resolved_load IS NULL") == ["refused"]
    if way == "constraint":
        clinic.execute("ALTER TABLE {patients} DROP CONSTRAINT long_enough")
    else:
        clinic.find("Contacts", contact)["nameLast"] = "Oakley"
    assert clinic.load("patients")["patients"].account.updated == 1
    assert clinic.value("SELECT count(*) FROM nexus_assets.conflict WHERE resolved_load IS NULL") == 0


@pytest.mark.commits
@pytest.mark.parametrize("side", ["nexus", "person"])
def test_a_change_that_was_refused_does_not_come_against_a_person(clinic: Clinic, side: str) -> None:
    contact = clinic.contact("Wattle")
    clinic.load("patients")
    clinic.execute(LONG_ENOUGH)
    clinic.find("Contacts", contact)["nameLast"] = "Oak"
    clinic.load("patients")
    if side == "nexus":
        decide(clinic.engine, Selection("patients"), "nexus", "Ines")
    else:
        clinic.execute("UPDATE {patients} SET last_name = 'Banksia'")
    clinic.execute("ALTER TABLE {patients} DROP CONSTRAINT long_enough")
    for _ in range(2):
        assert clinic.load("patients")["patients"].account.kept == 1
    cause = "refused" if side == "nexus" else "edited"
    assert clinic.values("SELECT cause FROM nexus_assets.conflict WHERE resolved_load IS NULL") == [cause]


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


# --- unique indexes and exclusion constraints -------------------------------------------------------------------------

ONE_OF_A_NAME = {
    "plain": "CREATE UNIQUE INDEX one ON {patients} (first_name)",
    "of some of the rows": "CREATE UNIQUE INDEX one ON {patients} (first_name) WHERE last_name <> 'Oak'",
    "of an expression": "CREATE UNIQUE INDEX one ON {patients} (lower(first_name))",
    "with a column that no load changes": "CREATE UNIQUE INDEX one ON {patients} (first_name, archived)",
    "of NULLs, too": "CREATE UNIQUE INDEX one ON {patients} (first_name, middle_names) NULLS NOT DISTINCT",
    "of a constraint that waits": "ALTER TABLE {patients} ADD CONSTRAINT one UNIQUE (first_name) DEFERRABLE INITIALLY DEFERRED",
    "of ranges": "ALTER TABLE {patients} ADD CONSTRAINT one"
    " EXCLUDE USING gist (int8range(length(first_name), 1 + length(first_name)) WITH &&)",
}
each_form = pytest.mark.parametrize("form", ONE_OF_A_NAME.values(), ids=ONE_OF_A_NAME.keys())


@each_form
@pytest.mark.parametrize("loaded_before", [False, True], ids=["first load", "later load"])
def test_of_new_rows_that_nexus_takes_once_the_first_is_loaded(form: str, loaded_before: bool, clinic: Clinic) -> None:
    if loaded_before:
        clinic.contact("Coolabah", nameFirst="Tilda")
        clinic.load("patients")
    clinic.execute(form)
    for last_name in ("Wattle", "Banksia"):
        clinic.contact(last_name, nameFirst="Wren")
    result = clinic.load("patients")["patients"]
    assert (result.account.inserted, result.account.rejected) == (1, {"already_there": 1})
    assert clinic.value("SELECT last_name FROM {patients} WHERE first_name = 'Wren'") == "Wattle"
    (remark,) = result.sources["Contacts"]["remarks"]
    record = 2 + loaded_before
    assert f"the constraint one of the table patients refuses 1 row, the first in record {record}: only one" in remark


@each_form
def test_of_rows_that_become_alike_one_is_changed(form: str, clinic: Clinic) -> None:
    contacts = [clinic.contact(last, nameFirst=first) for last, first in (("Wattle", "A"), ("Banksia", "Bo"))]
    clinic.load("patients")
    clinic.execute(form)
    for contact in contacts:
        clinic.find("Contacts", contact)["nameFirst"] = "Tilda"
    result = clinic.load("patients")["patients"]
    assert (result.account.updated, result.account.kept) == (1, 1)
    assert clinic.values("SELECT first_name FROM {patients} ORDER BY last_name") == ["Bo", "Tilda"]
    (remark,) = result.sources["Contacts"]["remarks"]
    assert "the constraint one of the table patients refuses the change of 1 row, the first in record 2:" in remark


@each_form
def test_a_row_that_would_become_like_a_new_one_stays_as_it_is(form: str, clinic: Clinic) -> None:
    contact = clinic.contact("Wattle", nameFirst="A")
    clinic.load("patients")
    clinic.execute(form)
    clinic.find("Contacts", contact)["nameFirst"] = "Wren"
    clinic.contact("Banksia", nameFirst="Wren")
    account = clinic.load("patients")["patients"].account
    assert (account.inserted, account.updated, account.kept) == (1, 0, 1)


@each_form
def test_rows_that_change_places_stay_as_they_are(form: str, clinic: Clinic) -> None:
    names = {"Wattle": "A", "Banksia": "Bo"}
    contacts = [clinic.contact(last, nameFirst=first) for last, first in names.items()]
    clinic.load("patients")
    clinic.execute(form)
    for contact, name in zip(contacts, reversed(names.values()), strict=True):
        clinic.find("Contacts", contact)["nameFirst"] = name
    assert clinic.load("patients")["patients"].account.kept == 2
    assert dict(clinic.rows("SELECT last_name, first_name FROM {patients}")) == names


@each_form
def test_a_row_that_became_like_another_is_changed_once_that_one_is_another(form: str, clinic: Clinic) -> None:
    wattle, banksia = clinic.contact("Wattle", nameFirst="A"), clinic.contact("Banksia", nameFirst="Bo")
    clinic.load("patients")
    clinic.execute(form)
    clinic.find("Contacts", wattle)["nameFirst"] = "Bo"
    assert clinic.load("patients")["patients"].account.kept == 1
    clinic.find("Contacts", banksia)["nameFirst"] = "Tilda"
    clinic.load("patients")
    assert clinic.load("patients")["patients"].account.kept == 0
    assert dict(clinic.rows("SELECT last_name, first_name FROM {patients}")) == {"Wattle": "Bo", "Banksia": "Tilda"}


def test_both_halves_of_a_link_are_told_apart(clinic: Clinic) -> None:
    clinic.execute("CREATE UNIQUE INDEX ON {images_batch} (content_type_id, object_id)")
    wattle, coolabah = clinic.contact("Wattle"), clinic.contact("Coolabah")
    for contact, day in ((wattle, "3/18/2024"), (wattle, "3/19/2024"), (coolabah, "3/18/2024")):
        clinic.image(contact, day)
    account = clinic.load("patients", "image_batches")["image_batches"].account
    assert (account.inserted, account.rejected) == (2, {"already_there": 1})


def test_what_is_kept_for_one_index_meets_the_others(clinic: Clinic) -> None:
    wattle = clinic.contact("Wattle", nameFirst="A", nameMiddle="Bo", gender="F")
    clinic.contact("Banksia", nameFirst="Ines", nameMiddle="Bo", gender="M")
    clinic.contact("Coolabah", nameFirst="Tilda", nameMiddle="Cy", gender="M")
    clinic.load("patients")
    clinic.execute("CREATE UNIQUE INDEX ON {patients} (first_name, middle_names)")
    clinic.execute("CREATE UNIQUE INDEX ON {patients} (middle_names, sex)")
    clinic.find("Contacts", wattle).update(nameFirst="Ines", nameMiddle="Cy", gender="M")
    account = clinic.load("patients")["patients"].account
    assert (account.updated, account.kept) == (0, 1)


def test_an_index_over_generated_or_foreign_values_is_left_to_postgresql(clinic: Clinic) -> None:
    clinic.execute("ALTER TABLE {patients} ADD COLUMN sound text GENERATED ALWAYS AS (upper(last_name)) STORED UNIQUE")
    clinic.execute("ALTER TABLE {patients} ADD COLUMN seat integer GENERATED BY DEFAULT AS IDENTITY UNIQUE")
    for last_name in ("Wattle", "Banksia"):
        clinic.contact(last_name)
    assert clinic.load("patients")["patients"].account.inserted == 2

"""Coms: numbers and addresses in the rows of their owners, in the shape that each kind of page reads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from psycopg2.sql import SQL

from nexus_assets.admin import reset, undo
from nexus_assets.entities import ENTITIES
from nexus_assets.entities.patient_communications import ENTRIES
from nexus_assets.ledger.shared import own_row_sql
from nexus_assets.nexus import catalog, queries
from nexus_assets_tests.load.clinic import Clinic, filemaker_id

pytestmark = pytest.mark.extended

PATIENTS = ("patients", "patient_communications")
ALL = (
    *("patients", "companies", "specialties", "referrers"),
    *("patient_communications", "referrer_communications", "company_communications"),
)
EDITED = {"mobile": {"Mobile": {"value": "0491 570 156", "default": True}}, "phone": {}, "email": {}}
"""As the patient's page saves the whole of contact_json."""


def contact(clinic: Clinic, table: str = "patients") -> Any:
    return clinic.value(f"SELECT contact_json FROM {{{table}}}")


def address(clinic: Clinic, table: str = "patients") -> Any:
    return clinic.value(f"SELECT address_json FROM {{{table}}}")


def edit(clinic: Clinic, value: object, column: str = "contact_json") -> None:
    """A person saves an entry on the page of the one patient."""
    clinic.execute(f"UPDATE {{patients}} SET {column} = %s", json.dumps(value))


def accounted(clinic: Clinic, *names: str) -> dict[str, dict[str, int]]:
    """What became of the rows of the export, by entity; nothing that is not there."""
    results = clinic.load(*names)
    figures = {name: {**each.account.outcomes, **each.account.rejected} for name, each in results.items()}
    return {name: {what: rows for what, rows in each.items() if rows} for name, each in figures.items()}


def conflicts(clinic: Clinic) -> list[tuple[str, str, str]]:
    return clinic.rows(
        "SELECT entity, column_name, cause FROM nexus_assets.conflict WHERE resolved_load IS NULL ORDER BY 1, 2"
    )


def settled(clinic: Clinic, *names: str) -> bool:
    """Whether loads write nothing any more: read in full, and as nothing has changed."""
    for tells_hashes in (False, True):
        clinic.tells_hashes = tells_hashes
        before = clinic.versions()
        clinic.load(*(names or ALL))
        if clinic.versions() != before:
            return False
    return True


@pytest.fixture
def wattle(clinic: Clinic) -> str:
    """The FileMaker id of the one patient."""
    return clinic.contact("Wattle")


# --- the shape that the patient's page reads --------------------------------------------------------------------------


def test_numbers_and_mail_addresses_are_lists_in_the_order_of_the_export(clinic: Clinic, wattle: str) -> None:
    clinic.communication(wattle, "Phone", "02 5550 1222", Name="Home")
    clinic.communication(wattle, "Email", "wren@example.com", **{"Email default": "1"})
    clinic.communication(wattle, "MOBILE ", "0491 570 156")
    clinic.load(*PATIENTS)
    assert contact(clinic) == {
        "phones": [
            {"type": "phone", "number": "02 5550 1222", "label": "Home"},
            {"type": "mobile", "number": "0491 570 156", "label": "Mobile"},
        ],
        "emails": [{"address": "wren@example.com", "label": "Email"}],
        "email": "wren@example.com",
    }


def test_the_first_address_is_what_the_page_shows(clinic: Clinic, wattle: str) -> None:
    first = {"address 1": "1 Bay Road", "address 2": "Unit 2", "suburb": "Acton", "state": "ACT", "post code": "2601"}
    clinic.communication(
        wattle, "Address", **first, **{"Full Address one line": "Unit 2, 1 Bay Road, Acton"}, Name="Home"
    )
    clinic.communication(wattle, "Address", suburb="Darwin", country="New Zealand", **{"post code": "800.0"})
    clinic.load(*PATIENTS)
    assert address(clinic) == {
        "addresses": [
            {
                "line1": "1 Bay Road",
                "line2": "Unit 2",
                "suburb": "Acton",
                "state": "ACT",
                "postcode": "2601",
                "country": "Australia",
                "label": "Home",
                "full_address": "Unit 2, 1 Bay Road, Acton",
            },
            {"suburb": "Darwin", "postcode": "0800", "country": "New Zealand", "label": "Address"},
        ],
        "street": "1 Bay Road",
        "street2": "Unit 2",
        "suburb": "Acton",
        "state": "ACT",
        "postcode": "2601",
        "type": "Home",
        "default": True,
    }


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("491570156", "0491570156"),
        ("255501222.0", "0255501222"),
        ("0491570156", "0491570156"),
        ("131126", "131126"),
        ("1300975707", "1300975707"),
        ("1800975711", "1800975711"),
        ("61491570156", "61491570156"),
        ("+61 491 570 156", "+61 491 570 156"),
        ("5550 1222", "5550 1222"),
        ("491570156 (wife)", "491570156 (wife)"),
        ("4.91570156E8", "0491570156"),
        ("4.9157E8", "0491570000"),
        ("6.1491570156E10", "61491570156"),
        ("4.91570156E+08", "0491570156"),
        ("4.92E+08", "4.92E+08"),
        ("0491570156 wren7@example.com", "0491570156 wren7@example.com"),
        ("4.91570156E2", "4.91570156E2"),
    ],
)
def test_a_number_has_its_leading_zero(typed: str, shown: str, clinic: Clinic, wattle: str) -> None:
    clinic.communication(wattle, "Phone", typed)
    clinic.load(*PATIENTS)
    assert contact(clinic)["phones"][0]["number"] == shown


@pytest.mark.parametrize(("typed", "shown"), [("800", "0800"), ("0800", "0800"), ("2600.0", "2600"), ("2.6E3", "2600")])
def test_a_post_code_has_its_leading_zero(typed: str, shown: str, clinic: Clinic, wattle: str) -> None:
    clinic.communication(wattle, "Address", **{"post code": typed})
    clinic.load(*PATIENTS)
    assert address(clinic)["postcode"] == shown


@pytest.mark.parametrize("kind", ["Mobile", "Phone", "Fax"])
@pytest.mark.parametrize("typed", ["wren@example.com", "wren491570156@example.com"])
def test_a_mail_address_in_the_row_of_a_number_is_a_mail_address(
    typed: str, kind: str, clinic: Clinic, wattle: str
) -> None:
    clinic.communication(wattle, kind, typed)
    clinic.load(*PATIENTS)
    assert contact(clinic) == {"emails": [{"address": typed, "label": "Email"}], "email": typed}


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("0491 570 156", "0491 570 156"),
        ("(02) 5550 1222", "(02) 5550 1222"),
        ("491570156.0", "0491570156"),
        ("+61 491 570 156", "+61 491 570 156"),
        ("0491570156 (wife)", "0491570156 (wife)"),
    ],
)
def test_a_number_in_the_row_of_a_mail_address_is_a_number(typed: str, shown: str, clinic: Clinic, wattle: str) -> None:
    clinic.communication(wattle, "Email", typed)
    clinic.load(*PATIENTS)
    assert contact(clinic) == {"phones": [{"type": "phone", "number": shown, "label": "Phone"}]}


def test_an_address_that_is_in_one_line_only_is_shown(clinic: Clinic, wattle: str) -> None:
    clinic.communication(wattle, "Address", **{"Full Address one line": "1 Bay Road, Acton"})
    clinic.load(*PATIENTS)
    assert address(clinic)["street"] == "1 Bay Road, Acton"


@pytest.mark.parametrize("heading", ["PhoneMobileIntFormat", "SMS Phone"])
def test_a_number_may_be_in_another_field(heading: str, clinic: Clinic, wattle: str) -> None:
    clinic.communication(wattle, "Mobile", " ", **{heading: "61491570156"})
    clinic.load(*PATIENTS)
    assert contact(clinic)["phones"][0]["number"] == "61491570156"


def test_entries_of_one_label_are_all_visible(clinic: Clinic, wattle: str) -> None:
    """The page keeps one entry per label: among mobile numbers, among other numbers, and among mail addresses."""
    for kind, text, label in (
        ("Phone", "02 5550 1222", "Wren"),
        ("Phone", "02 5550 1223", "Wren"),
        ("Phone", "02 5550 1224", "Wren 2"),
        ("Mobile", "0491 570 156", "Wren"),
        ("Email", "a@example.com", "Wren"),
        ("Email", "b@example.com", "Wren"),
        ("Email", "c@example.com", "Primary"),
    ):
        clinic.communication(wattle, kind, text, Name=label)
    clinic.load(*PATIENTS)
    found = contact(clinic)
    assert [(each["type"], each["label"]) for each in found["phones"]] == [
        *[("phone", "Wren"), ("phone", "Wren 2"), ("phone", "Wren 2 2"), ("mobile", "Wren")],
    ]
    # `email` is shown as Primary, too: another address of that label would be hidden.
    assert [each["label"] for each in found["emails"]] == ["Wren", "Wren 2", "Primary 2"]


@pytest.mark.parametrize(
    ("cells", "notice"),
    [
        ({"type": "Phone"}, "entries_without_value"),
        ({"type": "Mobile", "ph": "n/a"}, "entries_without_value"),
        ({"type": "Email", "Email default": "1"}, "entries_without_value"),
        ({"type": "Email", "ph": "1"}, "entries_without_value"),
        ({"type": "Email", "ph": "1.0"}, "entries_without_value"),
        ({"type": "Email", "ph": "Yes"}, "entries_without_value"),
        ({"type": "Address", "state": "NSW", "Full Address one line": "NSW, Australia"}, "entries_without_value"),
        ({"type": "Address", "state": "NSW", "country": "Australia"}, "entries_without_value"),
        ({"type": "Website", "ph": "example.com"}, "entries_of_unknown_type"),
        ({"type": "", "ph": "0491 570 156"}, "entries_of_unknown_type"),
    ],
)
def test_a_row_that_holds_nothing_is_counted_and_named(
    cells: dict[str, str], notice: str, clinic: Clinic, wattle: str
) -> None:
    clinic.communication(wattle, "Phone", "02 5550 1222")
    clinic.communication(wattle, **cells)
    result = clinic.load(*PATIENTS)["patient_communications"]
    assert result.account.notices == {notice: 1}
    assert result.sources["Coms"]["remarks"] == [f"{notice}: 1 row, the first in record 2"]
    assert list(contact(clinic)) == ["phones"]
    assert accounted(clinic, *PATIENTS)["patient_communications"] == {"unchanged": 1, "collapsed": 1}


def test_an_owner_of_whom_nothing_is_said_is_not_touched(clinic: Clinic, wattle: str) -> None:
    clinic.communication(wattle, "Phone")
    assert accounted(clinic, *PATIENTS)["patient_communications"] == {"unchanged": 1}
    assert contact(clinic) == {}


# --- the other pages --------------------------------------------------------------------------------------------------


def test_a_referrer_has_lists_and_an_address(clinic: Clinic) -> None:
    clinic.contact("Wattle")
    referrer = clinic.referrer()
    clinic.communication(referrer, "Fax", "02 5550 1222")
    clinic.communication(referrer, "Email", "rooms@example.com")
    clinic.communication(referrer, "Address", suburb="Acton", state="ACT")
    clinic.load("patients", "specialties", "referrers", "referrer_communications")
    assert contact(clinic, "referrers") == {
        "phones": [{"type": "fax", "number": "02 5550 1222", "label": "Fax"}],
        "emails": [{"address": "rooms@example.com", "label": "Email"}],
    }
    assert (address(clinic, "referrers")["suburb"], address(clinic, "referrers")["state"]) == ("Acton", "ACT")
    assert contact(clinic) == {}


def test_a_company_has_all_in_texts_and_lists_besides(clinic: Clinic) -> None:
    company = clinic.add("Companies", Name="Bunyip Insoles")["id"]
    for kind, text in (
        *(("Phone", "02 5550 1222"), ("Mobile", "491570156"), ("Fax", "02 5550 1223")),
        *(("Email", "a@example.com"), ("Email", "b@example.com")),
    ):
        clinic.communication(company, kind, text)
    clinic.load("companies", "company_communications")
    found = contact(clinic, "companies")
    assert {name: found[name] for name in ("phone", "fax", "email")} == {
        "phone": "02 5550 1222, 0491570156",
        "fax": "02 5550 1223",
        "email": "a@example.com, b@example.com",
    }
    assert [len(found["phones"]), len(found["emails"])] == [3, 2]


def test_what_a_referrer_has_under_other_keys_stays(clinic: Clinic) -> None:
    """A support coordinator who is a referrer, too, has `phone` and `email` from Contacts."""
    clinic.communication(clinic.referrer(), "Phone", "02 5550 1222")
    clinic.load("specialties", "referrers")
    clinic.execute("""UPDATE {referrers} SET contact_json = '{"phone": "1"}'""")
    clinic.load("referrer_communications")
    assert {*contact(clinic, "referrers")} == {"phone", "phones"}


# --- whose a row is ---------------------------------------------------------------------------------------------------


def test_the_rows_of_the_export_are_divided_by_their_owners(clinic: Clinic, wattle: str) -> None:
    company, referrer = clinic.add("Companies", Name="Bunyip Insoles")["id"], clinic.referrer()
    for owner in (
        wattle,
        wattle.lower(),
        referrer,
        company,
        company,
        company,
        "",
        "x",
        filemaker_id("gone"),
        filemaker_id("gone"),
    ):
        clinic.communication(owner, "Phone", "02 5550 1222")
    figures = accounted(clinic, *ALL)
    assert figures["patient_communications"] == {"updated": 1, "collapsed": 1, "no_owner": 1, "unknown_owner": 3}
    assert figures["referrer_communications"] == {"updated": 1}
    assert figures["company_communications"] == {"updated": 1, "collapsed": 2}
    others = {name: result.account.notices["rows_of_others"] for name, result in clinic.load(*ALL[4:]).items()}
    assert others == {"patient_communications": 4, "referrer_communications": 9, "company_communications": 7}
    assert settled(clinic)


def test_each_row_of_an_owner_whom_nobody_knows_is_a_reject_by_itself(clinic: Clinic, wattle: str) -> None:
    """So that correcting one of them leaves the others the rejects that they were."""
    gone = filemaker_id("gone")
    rows = [
        clinic.communication(owner, "Phone", f"02 5550 122{number}")
        for number, owner in enumerate((wattle, gone, gone.lower(), gone))
    ]
    assert accounted(clinic, *PATIENTS)["patient_communications"] == {"updated": 1, "unknown_owner": 3}
    rejects = "SELECT id, row_number FROM nexus_assets.reject WHERE resolved_load IS NULL ORDER BY 1"
    before = clinic.rows(rejects)
    rows[1]["id.key"] = wattle
    assert accounted(clinic, *PATIENTS)["patient_communications"] == {"updated": 1, "collapsed": 1, "unknown_owner": 2}
    assert clinic.rows(rejects) == before[1:]
    assert settled(clinic, *PATIENTS)


def test_rows_of_an_owner_who_was_unknown_are_one_once_the_owner_is_there(clinic: Clinic, wattle: str) -> None:
    late = filemaker_id("Contacts", "Banksia")
    for _ in range(2):
        clinic.communication(late, "Phone", "02 5550 1222")
    clinic.communication(wattle, "Phone", "02 5550 1222")
    clinic.load(*PATIENTS)
    assert clinic.contact("Banksia") == late
    assert accounted(clinic, *PATIENTS)["patient_communications"] == {"updated": 1, "unchanged": 1, "collapsed": 1}
    assert clinic.value("SELECT count(*) FROM nexus_assets.reject WHERE resolved_load IS NULL") == 0
    assert settled(clinic, *PATIENTS)


def test_a_reject_keeps_the_cells_of_its_row_and_nothing_that_is_made_of_them(clinic: Clinic, wattle: str) -> None:
    for owner in (wattle, filemaker_id("gone")):
        clinic.communication(owner, "Phone", "02 5550 1222")
    accounted(clinic, *PATIENTS)
    (cells,) = clinic.values("SELECT payload FROM nexus_assets.reject")
    assert {"id.key", "type", "ph"} <= cells.keys() <= clinic.exports["Coms"][0].keys() | set(ENTRIES.fields)


def test_an_owner_who_arrives_later_has_their_rows(clinic: Clinic, wattle: str) -> None:
    referrer = filemaker_id("Referrers", "Coolabah")
    clinic.communication(wattle, "Phone", "02 5550 1222")
    clinic.communication(referrer, "Phone", "02 5550 1223")
    assert accounted(clinic, *PATIENTS)["patient_communications"] == {"updated": 1, "unknown_owner": 1}
    assert clinic.referrer() == referrer
    figures = accounted(clinic, "specialties", "referrers", "patient_communications", "referrer_communications")
    assert figures["patient_communications"] == {"unchanged": 1}
    assert figures["referrer_communications"] == {"updated": 1}
    assert clinic.values("SELECT count(*) FROM nexus_assets.reject WHERE resolved_load IS NULL") == [0]


def test_no_row_is_inserted(clinic: Clinic, wattle: str) -> None:
    clinic.communication(filemaker_id("gone"), "Phone", "02 5550 1222")
    clinic.communication(wattle, "Phone", "02 5550 1222")
    clinic.load("patients")
    clinic.load("patient_communications")
    assert clinic.value("SELECT count(*) FROM {patients}") == 1


def test_a_clinic_of_which_no_company_has_a_number_loads(clinic: Clinic, wattle: str) -> None:
    clinic.add("Companies", Name="Bunyip Insoles")
    clinic.communication(wattle, "Phone", "02 5550 1222")
    clinic.load(*PATIENTS, "companies")
    clinic.load("company_communications", allow_empty=False)


def test_rows_that_say_the_same_are_one_entry(clinic: Clinic, wattle: str) -> None:
    for name in ("", "Home", "Home", ""):
        clinic.communication(wattle, "Phone", "02 5550 1222", Name=name)
        clinic.communication(wattle, "Email", "wren@example.com", Name=name)
        clinic.communication(wattle, "Address", Name=name, suburb="Acton")
    clinic.load(*PATIENTS)
    labels = {kind: [each["label"] for each in contact(clinic)[kind]] for kind in ("phones", "emails")}
    labels["addresses"] = [each["label"] for each in address(clinic)["addresses"]]
    assert labels == {"phones": ["Phone", "Home"], "emails": ["Email", "Home"], "addresses": ["Address", "Home"]}


# --- what people edit -------------------------------------------------------------------------------------------------


def test_an_edit_before_the_first_load_is_kept(clinic: Clinic, wattle: str) -> None:
    clinic.communication(wattle, "Phone", "02 5550 1222")
    clinic.load("patients")
    edit(clinic, EDITED)
    assert accounted(clinic, *PATIENTS)["patient_communications"] == {"kept": 1}
    assert contact(clinic) == EDITED
    assert conflicts(clinic) == [("patient_communications", "contact_json", "adopted")]
    assert settled(clinic, *PATIENTS)


def test_an_edit_between_loads_is_kept_and_no_conflict_until_filemaker_changes(clinic: Clinic, wattle: str) -> None:
    clinic.communication(wattle, "Phone", "02 5550 1222")
    clinic.load(*PATIENTS)
    edit(clinic, EDITED)
    clinic.later()
    clinic.communication(wattle, "Mobile", "0491 570 157")
    assert accounted(clinic, *PATIENTS)["patient_communications"] == {"kept": 1, "collapsed": 1}
    assert contact(clinic) == EDITED
    assert conflicts(clinic) == [("patient_communications", "contact_json", "edited")]
    assert settled(clinic, *PATIENTS)


def test_a_decision_for_filemaker_replaces_an_edit(clinic: Clinic, wattle: str) -> None:
    clinic.communication(wattle, "Phone", "02 5550 1222")
    clinic.load("patients")
    edit(clinic, EDITED)
    clinic.load(*PATIENTS)
    clinic.execute("UPDATE nexus_assets.conflict SET decision = 'filemaker'")
    clinic.load(*PATIENTS)
    assert list(contact(clinic)) == ["phones"]
    assert conflicts(clinic) == []


def test_an_address_that_a_person_saved_is_kept(clinic: Clinic, wattle: str) -> None:
    clinic.communication(wattle, "Address", suburb="Acton")
    clinic.load(*PATIENTS)
    saved = {"street": "2 Bay Road", "street2": "", "suburb": "Acton", "type": "Home", "default": True}
    edit(clinic, saved, "address_json")
    clinic.load(*PATIENTS)
    assert address(clinic) == saved


@pytest.mark.parametrize(
    "left", [["02 5550 1223"], "call 02 5550 1223", 7, True], ids=["list", "text", "number", "flag"]
)
def test_what_is_no_object_is_kept_until_a_person_decides(left: object, clinic: Clinic) -> None:
    company = clinic.add("Companies", Name="Bunyip Insoles")["id"]
    clinic.communication(company, "Phone", "02 5550 1222")
    save = "UPDATE {companies} SET contact_json = %s"
    clinic.load("companies")
    clinic.execute(save, json.dumps(left))
    for cause in ("adopted", "edited"):
        assert accounted(clinic, "company_communications")["company_communications"]["kept"] == 1
        assert contact(clinic, "companies") == left
        assert conflicts(clinic) == [("company_communications", "contact_json", cause)]
        assert clinic.value("SELECT nexus_value FROM nexus_assets.conflict WHERE resolved_load IS NULL") == json.dumps(
            left
        )
        assert settled(clinic, "companies", "company_communications")
        clinic.execute("UPDATE nexus_assets.conflict SET decision = 'filemaker'")
        clinic.load("company_communications")
        assert {*contact(clinic, "companies")} == {"phone", "phones"}
        assert conflicts(clinic) == []
        clinic.execute(save, json.dumps(left))
        clinic.later()
        clinic.communication(company, "Phone", "02 5550 1224")


@pytest.mark.parametrize("nothing", [None, [], ""], ids=["null", "list", "text"])
def test_an_empty_value_of_any_kind_is_filled(nothing: object, clinic: Clinic) -> None:
    clinic.communication(clinic.add("Companies", Name="Bunyip Insoles")["id"], "Phone", "02 5550 1222")
    clinic.load("companies")
    for _ in range(2):
        clinic.execute("UPDATE {companies} SET contact_json = %s", json.dumps(nothing))
        clinic.load("company_communications")
        assert {*contact(clinic, "companies")} == {"phone", "phones"}
    assert conflicts(clinic) == []


@pytest.mark.parametrize(
    "nothing", [{}, None, {"phone": {}, "mobile": {}, "email": {}}], ids=["empty", "null", "blank"]
)
def test_nothing_is_filled(nothing: object, clinic: Clinic, wattle: str) -> None:
    clinic.communication(wattle, "Phone", "02 5550 1222")
    clinic.load("patients")
    for _ in range(2):
        clinic.execute("UPDATE {patients} SET contact_json = %s", None if nothing is None else json.dumps(nothing))
        clinic.load(*PATIENTS)
        assert list(contact(clinic)) == ["phones"]
    assert conflicts(clinic) == []


@pytest.mark.parametrize(
    ("left", "is_replaced"),
    [
        ({"phones": [{"type": "phone", "number": "255501222", "label": "Home"}], "email": "1"}, True),
        ({"emails": [{"address": "1", "label": "Email"}], "phones": []}, True),
        ({"phones": [], "mobile": {"Mobile": {"value": "1"}}}, False),
        ({"phones": [], "email": {"Email": {"value": "1"}}}, False),
        ({"email": "wren@example.com"}, False),
        ({"phone": {"Home": {"value": "1", "default": False}}}, False),
    ],
)
def test_lists_that_an_importer_left_are_replaced(left: object, is_replaced: bool, clinic: Clinic, wattle: str) -> None:
    clinic.communication(wattle, "Phone", "255501222", Name="Home")
    clinic.load("patients")
    edit(clinic, left)
    clinic.load(*PATIENTS)
    assert (contact(clinic) != left) is is_replaced
    if is_replaced:
        assert contact(clinic)["phones"][0]["number"] == "0255501222"
    assert settled(clinic, *PATIENTS)


@pytest.mark.parametrize(
    ("left", "is_replaced"),
    [
        ({"addresses": [{"line1": "1"}], "street": "1", "suburb": "Acton"}, True),
        ({"addresses": [{"line1": "1"}], "street": "1", "street2": "Unit 2"}, False),
        ({"street": "1", "suburb": "Acton"}, False),
    ],
)
def test_an_address_that_an_importer_left_is_replaced(
    left: object, is_replaced: bool, clinic: Clinic, wattle: str
) -> None:
    clinic.communication(wattle, "Address", suburb="Manuka")
    clinic.load("patients")
    edit(clinic, left, "address_json")
    clinic.load(*PATIENTS)
    assert address(clinic)["suburb"] == "Manuka" if is_replaced else address(clinic) == left


# --- a list that changes ----------------------------------------------------------------------------------------------


def test_a_list_follows_the_export(clinic: Clinic, wattle: str) -> None:
    rows = [clinic.communication(wattle, "Phone", f"02 5550 122{number}") for number in range(3)]
    clinic.load(*PATIENTS)
    for row in rows[:2]:
        clinic.later()
        clinic.exports["Coms"].remove(row)
        clinic.load(*PATIENTS)
        numbers = [each["number"] for each in contact(clinic)["phones"]]
        assert numbers == [each["ph"] for each in clinic.exports["Coms"]]
    clinic.later()
    clinic.communication(wattle, "Mobile", "0491 570 156")
    clinic.load(*PATIENTS)
    assert len(contact(clinic)["phones"]) == 2


@pytest.fixture
def without_rows(clinic: Clinic, wattle: str) -> Clinic:
    """The export names the patient no more, whose number and address were loaded before."""
    clinic.communication(wattle, "Phone", "02 5550 1222")
    clinic.communication(wattle, "Address", suburb="Acton")
    clinic.communication(clinic.contact("Banksia"), "Phone", "02 5550 1223")
    clinic.load(*PATIENTS)
    clinic.later()
    clinic.exports["Coms"] = clinic.exports["Coms"][2:]
    clinic.exports["Contacts"] = clinic.exports["Contacts"][:1]
    clinic.execute("DELETE FROM {patients} WHERE last_name = 'Banksia'")
    clinic.load("patients")
    return clinic


def test_an_owner_whom_the_export_names_no_more_has_nothing_left(without_rows: Clinic) -> None:
    without_rows.load("patient_communications")
    assert (contact(without_rows), address(without_rows)) == ({}, {})
    assert settled(without_rows, *PATIENTS)


def test_an_edit_stays_when_the_export_names_the_owner_no_more(without_rows: Clinic) -> None:
    edit(without_rows, EDITED)
    without_rows.load("patient_communications")
    assert (contact(without_rows), address(without_rows)) == (EDITED, {})


def test_an_owner_whom_the_export_names_again_has_all_again(without_rows: Clinic, wattle: str) -> None:
    without_rows.load("patient_communications")
    without_rows.later()
    without_rows.communication(wattle, "Phone", "02 5550 1222")
    without_rows.load("patient_communications")
    assert list(contact(without_rows)) == ["phones"]


def test_a_person_whom_another_tool_recreated_has_their_numbers(clinic: Clinic, wattle: str) -> None:
    clinic.communication(wattle, "Phone", "02 5550 1222")
    clinic.load(*PATIENTS)
    clinic.recreate_patients()
    clinic.execute("UPDATE {patients} SET contact_json = '{}'")
    clinic.load(*PATIENTS)
    assert list(contact(clinic)) == ["phones"]
    assert settled(clinic, *PATIENTS)


def test_rows_are_counted_also_before_their_load_has_learned_the_current_ids(clinic: Clinic, wattle: str) -> None:
    clinic.communication(wattle, "Phone", "02 5550 1222")
    clinic.load(*PATIENTS)
    clinic.recreate_patients()
    clinic.load("patients")
    communications = ENTITIES["patient_communications"]
    with clinic.transaction() as cursor:
        table = catalog.reflect(cursor, communications).table
        own = own_row_sql(communications, SQL("t.id"))
        assert queries.number(cursor, SQL("SELECT count(*) FROM {} AS t WHERE {}").format(table, own)) == 1


def test_a_person_whom_another_tool_deleted_has_their_numbers_again(clinic: Clinic, wattle: str) -> None:
    clinic.communication(wattle, "Phone", "02 5550 1222")
    clinic.load(*PATIENTS)
    clinic.delete_patients()
    clinic.load(*PATIENTS)
    assert list(contact(clinic)) == ["phones"]
    assert settled(clinic, *PATIENTS)


def test_a_ledger_that_was_lost_adopts_what_it_wrote(clinic: Clinic, wattle: str) -> None:
    clinic.communication(wattle, "Phone", "02 5550 1222")
    clinic.communication(wattle, "Address", suburb="Acton")
    clinic.load(*PATIENTS)
    before = contact(clinic), address(clinic)
    clinic.execute("DROP SCHEMA nexus_assets CASCADE")
    assert accounted(clinic, *PATIENTS)["patient_communications"] == {"unchanged": 1, "collapsed": 1}
    assert (contact(clinic), address(clinic)) == before


# --- between loads ----------------------------------------------------------------------------------------------------


@pytest.mark.commits
def test_a_load_can_be_undone(clinic: Clinic, wattle: str) -> None:
    clinic.communication(wattle, "Phone", "02 5550 1222")
    clinic.load("patients")
    loaded = str(clinic.load("patient_communications")["patient_communications"].load_id)
    undo.undo(clinic.engine, loaded, undo.plan(clinic.engine, loaded), "wren")
    assert contact(clinic) == {}


@pytest.mark.commits
def test_numbers_from_filemaker_are_no_loss_when_the_ledger_begins_again(clinic: Clinic, wattle: str) -> None:
    clinic.communication(wattle, "Phone", "02 5550 1222")
    clinic.load(*PATIENTS)
    planned = reset.plan(clinic.engine)
    assert (planned.losses, planned.removals["patients"].rows) == (0, 1)
    assert planned.removals["patient_communications"].rows == 0


@pytest.mark.commits
def test_a_coordinator_who_has_numbers_in_coms_too_is_no_loss(clinic: Clinic) -> None:
    row = clinic.find("Contacts", clinic.contact("Wattle"))
    row.update({"NDIS Coordinator Name": "Ines Coolabah", "NDIS Coordinator Phone": "255501222"})
    clinic.communication(clinic.referrer(), "Phone", "02 5550 1223")
    names = ("patients", "specialties", "referrers", "coordinator_specialty", "support_coordinators")
    clinic.load(*names, "referrer_communications")
    assert {*contact(clinic, "referrers")} == {"phone", "phones"}
    assert contact(clinic, "referrers")["phone"] == "0255501222"
    assert reset.plan(clinic.engine).losses == 0
    assert settled(clinic, *names, "referrer_communications")

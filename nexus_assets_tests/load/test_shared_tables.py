"""Support coordinators: rows of their own in the tables of referrers and of patients' links, beside those of other exports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nexus_assets.admin import reset, undo
from nexus_assets.entities import ENTITIES
from nexus_assets_tests.load.clinic import Clinic, Row

pytestmark = pytest.mark.extended

COORDINATION = ("coordinator_specialty", "support_coordinators", "coordinator_links")
REFERRALS = ("specialties", "referrers", "patient_referrers")
ALL = ("patients", *REFERRALS, *COORDINATION)
START = "NDIS Plan Start Date"
WREN = "Wren Banksia - Saltbush Care"


def coordinated(clinic: Clinic, contact: str, coordinator: str = WREN, start: str = "3/18/2024", **cells: str) -> Row:
    """A contact whose NDIS plan this coordinator coordinates."""
    row = clinic.find("Contacts", clinic.contact(contact))
    row.update(
        {"NDIS Coordinator Name": coordinator, START: start, **{f"NDIS {name}": text for name, text in cells.items()}}
    )
    return row


@pytest.fixture
def referred(clinic: Clinic) -> Clinic:
    """A clinic in which a patient was referred by a general practitioner."""
    clinic.referral(clinic.contact("Grevillea"), clinic.referrer("Quandong"))
    return clinic


def coordinators(clinic: Clinic) -> list[tuple[str, ...]]:
    return clinic.rows(
        "SELECT r.first_name, r.last_name, r.practice_name, s.name FROM {referrers} AS r"
        " JOIN {specialties} AS s ON s.id = r.specialty_id WHERE r.last_name <> 'Quandong' ORDER BY 2, 1, 3"
    )


def links(clinic: Clinic) -> list[tuple[str, ...]]:
    """(Patient, whom, status) of each link but that of the general practitioner."""
    return clinic.rows(
        "SELECT p.last_name, r.last_name, l.status FROM {patient_referrers} AS l JOIN {patients} AS p ON p.id = l.patient_id"
        " JOIN {referrers} AS r ON r.id = l.referrer_id WHERE r.last_name <> 'Quandong' ORDER BY 1, 2"
    )


def conflicts(clinic: Clinic) -> list[tuple[str, ...]]:
    return clinic.rows(
        "SELECT entity, column_name FROM nexus_assets.conflict WHERE resolved_load IS NULL ORDER BY 1, 2"
    )


def settled(clinic: Clinic) -> bool:
    """Whether loads of all write nothing any more: read in full, and as nothing has changed."""
    for tells_hashes in (False, True):
        clinic.tells_hashes = tells_hashes
        before = clinic.versions()
        clinic.load(*ALL)
        if clinic.versions() != before:
            return False
    return True


# --- coordinators -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "first", "last", "organisation"),
    [
        (WREN, "Wren", "Banksia", "Saltbush Care"),
        ("Wren Banksia", "Wren", "Banksia", None),
        (" Wren  Banksia ", "Wren", "Banksia", None),
        ("Wren Banksia-Wattle", "Wren", "Banksia-Wattle", None),
        ("Wren van Banksia \u2013 Saltbush \u2013 North", "Wren", "van Banksia", "Saltbush \u2013 North"),
        ("Wren Banksia -", "Wren", "Banksia", None),
        ("Wren Banksia -- Saltbush Care", "Wren", "Banksia", "Saltbush Care"),
        ("Wren Banksia\n- Saltbush Care", "Wren", "Banksia", "Saltbush Care"),
    ],
)
def test_a_name_is_split_from_its_organisation(
    text: str, first: str, last: str, organisation: str | None, referred: Clinic
) -> None:
    coordinated(referred, "Wattle", text)
    referred.load(*ALL)
    assert coordinators(referred) == [(first, last, organisation, "Support Coordinator")]


@pytest.mark.parametrize("text", ["Wren", "Wren - Saltbush Care", "- Saltbush Care", "-"])
def test_a_single_word_is_rejected_and_so_is_its_link(text: str, referred: Clinic) -> None:
    coordinated(referred, "Wattle", text)
    results = referred.load(*ALL)
    assert results["support_coordinators"].account.rejected == {"no_last_name": 1}
    assert results["coordinator_links"].account.rejected == {"unknown_coordinator": 1}
    assert (coordinators(referred), links(referred)) == ([], [])


def test_spellings_of_one_text_are_one_coordinator_and_the_latest_plan_tells_the_phone(referred: Clinic) -> None:
    coordinated(referred, "Wattle", WREN, "4/22/2024", **{"Coordinator Phone": "0255501222"})
    coordinated(
        referred, "Mallee", "wren banksia \u2013  SALTBUSH CARE", "3/18/2024", **{"Coordinator Phone": "0255501111"}
    )
    account = referred.load(*ALL)["support_coordinators"].account
    assert (account.source_rows, account.inserted, account.collapsed) == (2, 1, 1)
    assert len(coordinators(referred)) == 1
    assert (
        referred.value("SELECT contact_json ->> 'phone' FROM {referrers} WHERE last_name = 'Banksia'") == "0255501222"
    )


def test_coordinators_of_one_name_and_two_organisations_are_two(referred: Clinic) -> None:
    coordinated(referred, "Wattle", WREN)
    coordinated(referred, "Mallee", "Wren Banksia - Bunyip Plans")
    referred.load(*ALL)
    assert [row[2] for row in coordinators(referred)] == ["Bunyip Plans", "Saltbush Care"]


def test_a_patients_notes_stand_nowhere_but_with_the_patient(referred: Clinic) -> None:
    for contact in ("Wattle", "Mallee"):
        coordinated(referred, contact, notes=f"{contact} manages alone.")
    referred.load(*ALL)
    assert referred.values("SELECT DISTINCT notes FROM {referrers}") == [None]
    assert not referred.value("SELECT bool_or(r::text ~ 'manages') FROM {referrers} AS r")
    assert not referred.value("SELECT bool_or(l::text ~ 'manages') FROM {patient_referrers} AS l")


def test_rows_that_name_no_coordinator_are_none_of_the_sources(referred: Clinic) -> None:
    coordinated(referred, "Wattle", " ")
    for name, result in referred.load(*ALL, allow_empty=False).items():
        if name in COORDINATION:
            assert (result.account.source_rows, result.account.notices) == (0, {"rows_without_key": 2})


def test_the_specialty_is_there_once_whether_or_not_a_referrer_has_it(referred: Clinic) -> None:
    referred.referrer("Mallee", "support  coordinator")
    coordinated(referred, "Wattle")
    referred.load(*ALL)
    assert referred.values("SELECT name FROM {specialties} ORDER BY 1") == ["GP", "support  coordinator"]
    assert settled(referred)


def test_a_coordinator_who_is_in_nexus_already_is_adopted(referred: Clinic) -> None:
    coordinated(referred, "Wattle")
    referred.load(*ALL[:-2])
    referred.execute(
        "INSERT INTO {referrers} (id, first_name, last_name, specialty_id, contact_json, created_at, updated_at)"
        " SELECT gen_random_uuid(), 'WREN', 'banksia', id, '{\"note\": 1}', now(), now() FROM {specialties}"
        " WHERE name = 'Support Coordinator'"
    )
    account = referred.load("support_coordinators")["support_coordinators"].account
    assert account.healed == {"adopted": 1}
    assert len(coordinators(referred)) == 1


def test_coordinators_of_an_importer_that_did_not_split_the_organisation_are_adopted_each_as_its_own(
    referred: Clinic,
) -> None:
    others = ("Wren Banksia - Bunyip Plans", "Wren Banksia")
    for contact, text in zip(("Wattle", "Mallee", "Hakea"), (WREN, *others), strict=True):
        coordinated(referred, contact, text)
    referred.load(*ALL[:-2])
    for last_name in ("Banksia", "Banksia - Bunyip Plans", "BANKSIA \u2013 Saltbush Care"):
        referred.execute(
            "INSERT INTO {referrers} (id, first_name, last_name, specialty_id, notes, created_at, updated_at)"
            " SELECT gen_random_uuid(), 'Wren', %s, id, %s, now(), now() FROM {specialties} WHERE name = 'Support Coordinator'",
            last_name,
            last_name[-4:],
        )
    account = referred.load("support_coordinators")["support_coordinators"].account
    assert (account.healed, account.inserted) == ({"adopted": 3}, 0)
    assert referred.rows(
        "SELECT last_name, practice_name, notes FROM {referrers} WHERE first_name = 'Wren' ORDER BY 2"
    ) == [
        ("Banksia", "Bunyip Plans", "lans"),
        ("Banksia", "Saltbush Care", "Care"),
        ("Banksia", None, "ksia"),
    ]
    assert conflicts(referred) == []


# --- links ------------------------------------------------------------------------------------------------------------


def test_a_patient_is_linked_to_the_coordinator_from_the_start_of_the_plan(referred: Clinic) -> None:
    coordinated(referred, "Wattle")
    referred.load(*ALL)
    assert links(referred) == [("Wattle", "Banksia", "ACTIVE")]
    assert referred.rows(
        "SELECT l.referral_date::text, l.is_primary FROM {patient_referrers} AS l JOIN {referrers} AS r ON r.id = l.referrer_id"
        " WHERE r.last_name = 'Banksia'"
    ) == [("2024-03-18", False)]
    assert settled(referred)


def test_a_start_that_cannot_be_read_is_counted_and_the_link_is_there(referred: Clinic) -> None:
    coordinated(referred, "Wattle", start="soon")
    account = referred.load(*ALL)["coordinator_links"].account
    assert account.notices["unreadable_plan_date"] == 1
    assert links(referred) == [("Wattle", "Banksia", "ACTIVE")]


def test_a_link_ends_when_filemaker_names_another_coordinator_and_begins_again_when_it_names_the_first(
    referred: Clinic,
) -> None:
    row = coordinated(referred, "Wattle")
    referred.load(*ALL)
    row["NDIS Coordinator Name"] = "Ines Coolabah"
    account = referred.load(*ALL)["coordinator_links"].account
    assert account.healed == {"vanished": 1, "ended": 1}
    assert links(referred) == [("Wattle", "Banksia", "INACTIVE"), ("Wattle", "Coolabah", "ACTIVE")]
    assert settled(referred)
    row["NDIS Coordinator Name"] = WREN
    referred.load(*ALL)
    assert links(referred) == [("Wattle", "Banksia", "ACTIVE"), ("Wattle", "Coolabah", "INACTIVE")]
    assert conflicts(referred) == []
    assert settled(referred)


def test_a_link_ends_when_filemaker_names_nobody(referred: Clinic) -> None:
    row = coordinated(referred, "Wattle")
    coordinated(referred, "Mallee")
    referred.load(*ALL)
    row["NDIS Coordinator Name"] = ""
    referred.load(*ALL)
    assert links(referred) == [("Mallee", "Banksia", "ACTIVE"), ("Wattle", "Banksia", "INACTIVE")]


def test_a_status_that_a_person_chose_is_kept_when_the_link_ends_and_when_it_is_back(referred: Clinic) -> None:
    row = coordinated(referred, "Wattle")
    referred.load(*ALL)
    referred.execute("UPDATE {patient_referrers} SET status = 'PENDING'")
    row["NDIS Coordinator Name"] = ""
    referred.load(*ALL)
    assert links(referred) == [("Wattle", "Banksia", "PENDING")]
    row["NDIS Coordinator Name"] = WREN
    referred.load(*ALL)
    assert links(referred) == [("Wattle", "Banksia", "PENDING")]
    assert ("coordinator_links", "status") in conflicts(referred)


def test_a_link_that_a_person_deleted_stays_deleted(referred: Clinic) -> None:
    coordinated(referred, "Wattle")
    referred.load(*ALL)
    referred.execute(
        "DELETE FROM {patient_referrers} WHERE referrer_id IN (SELECT id FROM {referrers} WHERE last_name = 'Banksia')"
    )
    for _ in range(2):
        account = referred.load(*ALL)["coordinator_links"].account
        assert (account.kept, links(referred)) == (1, [])


def test_a_link_of_the_other_export_that_a_person_deleted_stops_nothing(referred: Clinic) -> None:
    row = coordinated(referred, "Wattle")
    referral = referred.exports["PatientToReferrer"][0]
    referred.load(*ALL)
    referred.execute(
        "DELETE FROM {patient_referrers} WHERE referrer_id IN (SELECT id FROM {referrers} WHERE last_name = 'Quandong')"
    )
    row["NDIS Coordinator Name"] = "Ines Coolabah"
    results = referred.load(*ALL)
    assert (results["patient_referrers"].account.kept, results["coordinator_links"].account.inserted) == (1, 1)
    assert links(referred) == [("Wattle", "Banksia", "INACTIVE"), ("Wattle", "Coolabah", "ACTIVE")]
    assert settled(referred)
    referral["date"] = "4/22/2024"
    assert referred.load(*ALL)["patient_referrers"].account.healed == {"restored": 1}
    assert settled(referred)


def test_a_link_that_both_exports_name_stays_deleted_in_both(referred: Clinic) -> None:
    row = coordinated(referred, "Wattle", "Ines Quandong")
    referred.referral(row["id"], referred.exports["Referrers"][0]["id"])
    referred.load(*ALL)
    referred.execute("DELETE FROM {patient_referrers}")
    for _ in range(2):
        results = referred.load(*ALL)
        assert [results[name].account.kept for name in ("patient_referrers", "coordinator_links")] == [2, 1]
        assert referred.value("SELECT count(*) FROM {patient_referrers}") == 0
    assert settled(referred)


def test_a_link_that_both_exports_name_is_one_and_does_not_end_while_one_of_them_does(referred: Clinic) -> None:
    row = coordinated(referred, "Wattle", "Ines Quandong")
    referral = referred.referral(row["id"], referred.exports["Referrers"][0]["id"], "1/8/2024")
    referred.load(*ALL)
    status = (
        "SELECT l.status, l.referral_date::text FROM {patient_referrers} AS l JOIN {patients} AS p ON p.id = l.patient_id"
        " WHERE p.last_name = 'Wattle'"
    )
    assert referred.rows(status) == [("ACTIVE", "2024-01-08")]
    row["NDIS Coordinator Name"] = ""
    referred.load(*ALL)
    assert referred.rows(status) == [("ACTIVE", "2024-01-08")]
    row["NDIS Coordinator Name"] = "Ines Quandong"
    referred.exports["PatientToReferrer"].remove(referral)
    referred.load(*ALL)
    assert referred.rows(status) == [("ACTIVE", "2024-03-18")]
    assert conflicts(referred) == []
    assert settled(referred)


@pytest.mark.parametrize(("status", "expected"), [(None, "ACTIVE"), ("Pending", "PENDING")])
def test_a_link_that_ended_begins_again_where_the_other_export_names_it(
    status: str | None, expected: str, referred: Clinic
) -> None:
    row = coordinated(referred, "Wattle", "Ines Quandong")
    if status is not None:
        referred.extra_headings["PatientToReferrer"] = ("Status",)
    referred.load(*ALL)
    row["NDIS Coordinator Name"] = ""
    referred.load(*ALL)
    patient = "SELECT l.status FROM {patient_referrers} AS l JOIN {patients} AS p ON p.id = l.patient_id WHERE p.last_name = 'Wattle'"
    assert referred.value(patient) == "INACTIVE"
    cells = {} if status is None else {"Status": status}
    referral = referred.referral(row["id"], referred.exports["Referrers"][0]["id"], **cells)
    referred.load(*ALL)
    assert referred.value(patient) == expected
    assert conflicts(referred) == []
    assert settled(referred)
    referred.exports["PatientToReferrer"].remove(referral)
    referred.load(*ALL)
    # A status that stands in that export was its word, and ends by it alone.
    assert referred.value(patient) == ("INACTIVE" if status is None else expected)


def test_a_status_that_a_person_chose_after_the_end_is_kept_where_the_other_export_names_the_link(
    referred: Clinic,
) -> None:
    row = coordinated(referred, "Wattle", "Ines Quandong")
    referred.load(*ALL)
    row["NDIS Coordinator Name"] = ""
    referred.load(*ALL)
    referred.execute("UPDATE {patient_referrers} SET status = 'PENDING' WHERE status = 'INACTIVE'")
    referred.referral(row["id"], referred.exports["Referrers"][0]["id"])
    referred.load(*ALL)
    assert referred.values("SELECT status FROM {patient_referrers} ORDER BY 1") == ["ACTIVE", "PENDING"]
    assert settled(referred)


# --- one person in two exports ----------------------------------------------------------------------------------------


def test_one_who_is_also_in_referrers_stays_one_with_that_exports_specialty(referred: Clinic) -> None:
    coordinated(referred, "Wattle", "INES quandong - Saltbush Care", **{"Coordinator Phone": "0255501222"})
    account = referred.load(*ALL)["support_coordinators"].account
    assert (account.healed["adopted"], account.inserted) == (1, 0)
    assert referred.rows(
        "SELECT r.first_name, r.last_name, s.name, r.practice_name, r.contact_json ->> 'phone' FROM {referrers} AS r"
        " JOIN {specialties} AS s ON s.id = r.specialty_id"
    ) == [("Ines", "Quandong", "GP", None, "0255501222")]
    assert conflicts(referred) == []
    assert referred.value("SELECT count(DISTINCT referrer_id) FROM {patient_referrers}") == 1
    assert settled(referred)


def later_in_referrers(clinic: Clinic) -> Row:
    """A coordinator whom FileMaker has among its referrers by now, as something else."""
    row = coordinated(clinic, "Wattle")
    clinic.load(*ALL)
    clinic.referrer("Banksia", "Plan Manager", nameFirst="Wren", title="Ms")
    return row


def test_one_who_comes_into_referrers_later_stays_one_and_keeps_the_id_and_the_links(referred: Clinic) -> None:
    later_in_referrers(referred)
    known = referred.value("SELECT id::text FROM {referrers} WHERE last_name = 'Banksia'")
    account = referred.load(*ALL)["referrers"].account
    assert account.healed == {"adopted": 1, "relinked": 1}
    assert referred.rows(
        "SELECT r.id::text, r.title, s.name, r.filemaker_id IS NOT NULL FROM {referrers} AS r"
        " JOIN {specialties} AS s ON s.id = r.specialty_id WHERE r.last_name = 'Banksia'"
    ) == [(known, "Ms", "Plan Manager", True)]
    assert links(referred) == [("Wattle", "Banksia", "ACTIVE")]
    assert conflicts(referred) == []
    assert settled(referred)


def test_what_a_person_changed_before_is_kept(referred: Clinic) -> None:
    later_in_referrers(referred)
    referred.execute(
        "INSERT INTO {specialties} (id, name, created_at) VALUES (gen_random_uuid(), 'Social worker', now())"
    )
    referred.execute(
        "UPDATE {referrers} SET specialty_id = (SELECT id FROM {specialties} WHERE name = 'Social worker') WHERE last_name = 'Banksia'"
    )
    referred.load(*ALL)
    assert [row[3] for row in coordinators(referred)] == ["Social worker"]
    assert conflicts(referred) == [("referrers", "specialty_id")]


def test_a_persons_choice_that_the_other_export_happens_to_say_is_a_persons(referred: Clinic) -> None:
    coordinated(referred, "Wattle", "Ines Quandong")
    referred.load(*ALL)
    referred.execute(
        "UPDATE {referrers} SET specialty_id = (SELECT id FROM {specialties} WHERE name = 'Support Coordinator')"
    )
    referred.load(*ALL)
    assert referred.values("SELECT s.name FROM {referrers} AS r JOIN {specialties} AS s ON s.id = r.specialty_id") == [
        "Support Coordinator"
    ]
    assert conflicts(referred) == [("referrers", "specialty_id")]


def test_one_who_leaves_referrers_is_what_the_other_export_says(referred: Clinic) -> None:
    later_in_referrers(referred)
    referred.load(*ALL)
    row = referred.exports["Referrers"].pop()
    referred.load(*ALL)
    assert coordinators(referred) == [("Wren", "Banksia", "Saltbush Care", "Support Coordinator")]
    assert conflicts(referred) == []
    referred.exports["Referrers"].append(row)
    referred.load(*ALL)
    assert [found[3] for found in coordinators(referred)] == ["Plan Manager"]
    assert conflicts(referred) == []
    assert settled(referred)


def test_referrers_that_another_tool_recreated_are_followed_with_their_links(referred: Clinic) -> None:
    later_in_referrers(referred)
    referred.load(*ALL)
    with referred.transaction() as cursor:
        for statement in (
            "CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT * FROM {referrers}",
            "DELETE FROM {patient_referrers}",
            "DELETE FROM {referrers}",
            "UPDATE kept SET id = gen_random_uuid()",
            "INSERT INTO {referrers} SELECT * FROM kept WHERE filemaker_id IS NOT NULL",
        ):
            cursor.execute(referred._named(statement))
    referred.load(*ALL)
    assert referred.value("SELECT count(*) FROM {referrers}") == 2
    assert links(referred) == [("Wattle", "Banksia", "ACTIVE")]
    assert settled(referred)


# --- reset and undo ---------------------------------------------------------------------------------------------------


@pytest.mark.commits
@pytest.mark.parametrize("prepare", [later_in_referrers, lambda clinic: coordinated(clinic, "Wattle", "Ines Quandong")])
def test_a_reset_removes_each_row_once_and_loses_nothing(prepare: Callable[[Clinic], Any], referred: Clinic) -> None:
    prepare(referred)
    referred.load(*ALL)
    ids = "SELECT id::text FROM {referrers} UNION ALL SELECT id::text FROM {patient_referrers} ORDER BY 1"
    before = referred.values(ids)
    planned = reset.plan(referred.engine)
    assert (planned.losses, dict(planned.hanging)) == (0, {})
    assert sum(
        each.rows for each in planned.removals.values() if each.table in ("referrers", "patient_referrers")
    ) == len(before)
    reset.reset(referred.engine, planned)
    assert referred.values(ids) == []
    referred.load(*ALL)
    assert referred.values(ids) == before


@pytest.mark.commits
def test_undoing_the_load_that_took_a_coordinator_over_gives_the_row_back(referred: Clinic) -> None:
    later_in_referrers(referred)
    referred.load("specialties", "referrers")
    load = str(referred.value("SELECT max(id) FROM nexus_assets.load WHERE entity = 'referrers'"))
    undo.undo(referred.engine, load, undo.plan(referred.engine, load), "wren")
    referred.exports["Referrers"].pop()
    assert coordinators(referred) == [("Wren", "Banksia", "Saltbush Care", "Support Coordinator")]
    referred.load(*ALL)
    assert conflicts(referred) == []


@pytest.mark.commits
def test_undoing_the_load_that_made_a_referrer_leaves_one_whom_the_other_export_names(referred: Clinic) -> None:
    referred.load("patients", "specialties", "referrers")
    load = str(referred.value("SELECT max(id) FROM nexus_assets.load WHERE entity = 'referrers'"))
    coordinated(referred, "Wattle", "Ines Quandong")
    referred.load("coordinator_specialty", "support_coordinators")
    planned = undo.plan(referred.engine, load)
    assert [kept.reason for kept in planned.loads[0].undoing.kept] == ["loaded_since"]


@pytest.mark.commits
def test_undoing_the_load_that_ended_a_link_lets_it_begin_again(referred: Clinic) -> None:
    row = coordinated(referred, "Wattle")
    referred.load(*ALL)
    row["NDIS Coordinator Name"] = ""
    referred.load(*ALL)
    load = str(referred.value("SELECT max(id) FROM nexus_assets.load WHERE entity = 'coordinator_links'"))
    undo.undo(referred.engine, load, undo.plan(referred.engine, load), "wren")
    assert links(referred) == [("Wattle", "Banksia", "ACTIVE")]
    referred.load(*ALL)
    assert links(referred) == [("Wattle", "Banksia", "INACTIVE")]


# --- declarations -----------------------------------------------------------------------------------------------------


def test_what_shares_a_table_comes_after_its_owner_and_excludes_it_while_it_loads() -> None:
    order = list(ENTITIES)
    shared = [entity for entity in ENTITIES.values() if entity.shares]
    assert [entity.name for entity in shared if entity.adds_rows] == [*COORDINATION]
    for entity in shared:
        assert entity.shares is not None
        assert entity.model == entity.shares.model
        assert order.index(entity.shares.name) < order.index(entity.name)
        assert entity.locks == (entity.shares.name, entity.name)

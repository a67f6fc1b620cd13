"""Things that FileMaker has no id of: an id made of what the rows say, and one row for all that say the same."""

from __future__ import annotations

import pytest

from nexus_assets.checks import CHECK_NAMES
from nexus_assets.checks.check import NO_FILES
from nexus_assets.checks.run import ask_all
from nexus_assets_tests.load.clinic import Clinic


def specialties(clinic: Clinic) -> list[str]:
    return clinic.values("SELECT name FROM {specialties} ORDER BY name")


def specialty_of(clinic: Clinic, last_name: str) -> str | None:
    return clinic.value(
        "SELECT (SELECT s.name FROM {specialties} AS s WHERE s.id = r.specialty_id) FROM {referrers} AS r WHERE last_name = %s",
        last_name,
    )


def test_texts_that_differ_in_case_and_blanks_are_one_specialty(clinic: Clinic) -> None:
    for name, said in (("Coolabah", "Podiatrist"), ("Mallee", " podiatrist"), ("Quandong", "PODIATRIST ")):
        clinic.referrer(name, said)
    results = clinic.load("specialties", "referrers")
    account = results["specialties"].account
    assert (account.source_rows, account.inserted, account.collapsed) == (3, 1, 2)
    assert specialties(clinic) == ["Podiatrist"]
    assert {specialty_of(clinic, name) for name in ("Coolabah", "Mallee", "Quandong")} == {"Podiatrist"}


def test_a_second_load_of_repeated_keys_writes_nothing(clinic: Clinic) -> None:
    for name, said in (("Coolabah", "GP"), ("Mallee", "gp"), ("Quandong", "Podiatrist")):
        clinic.referrer(name, said)
    clinic.load("specialties", "referrers")
    before = clinic.versions()
    clinic.tells_hashes = False
    account = clinic.load("specialties")["specialties"].account
    assert (account.unchanged, account.collapsed) == (2, 1)
    assert clinic.versions() == before


def test_referrers_without_a_specialty_are_counted_and_loaded(clinic: Clinic) -> None:
    clinic.referrer("Coolabah", "GP")
    clinic.referrer("Mallee", " ")
    results = clinic.load("specialties", "referrers")
    assert results["specialties"].account.notices == {"rows_without_key": 1}
    assert results["specialties"].account.source_rows == 1
    assert results["referrers"].account.inserted == 2
    assert specialty_of(clinic, "Mallee") is None


def test_a_heading_of_its_own_comes_first(clinic: Clinic) -> None:
    clinic.extra_headings["Referrers"] = ("Specialty",)
    clinic.referrer("Coolabah", "Doctor", Specialty="Neurologist")
    clinic.referrer("Mallee", "GP")
    clinic.load("specialties", "referrers")
    assert (specialty_of(clinic, "Coolabah"), specialty_of(clinic, "Mallee")) == ("Neurologist", "GP")


def test_a_specialty_of_nexus_is_recognised_whatever_its_case(clinic: Clinic) -> None:
    clinic.execute("INSERT INTO {specialties} (id, name, created_at) VALUES (gen_random_uuid(), 'gp', now())")
    clinic.referrer("Coolabah", "GP ")
    account = clinic.load("specialties", "referrers")["specialties"].account
    assert account.healed == {"adopted": 1}
    assert (specialties(clinic), specialty_of(clinic, "Coolabah")) == (["gp"], "gp")


def test_a_specialty_that_a_person_renamed_keeps_its_referrers_and_gets_new_ones(clinic: Clinic) -> None:
    clinic.referrer("Coolabah", "GP")
    clinic.load("specialties", "referrers")
    clinic.execute("UPDATE {specialties} SET name = 'General practice'")
    clinic.referrer("Mallee", "gp")
    clinic.load("specialties", "referrers")
    assert specialties(clinic) == ["General practice"]
    assert specialty_of(clinic, "Mallee") == "General practice"


def test_a_referrer_of_nexus_is_recognised_by_name_and_specialty_and_gets_its_id(clinic: Clinic) -> None:
    row = clinic.referrer("Coolabah", "GP")
    clinic.load("specialties")
    clinic.execute(
        "INSERT INTO {referrers} (id, first_name, last_name, specialty_id, created_at, updated_at)"
        " SELECT gen_random_uuid(), 'ines', 'COOLABAH', id, now(), now() FROM {specialties}"
    )
    account = clinic.load("referrers")["referrers"].account
    assert account.healed == {"adopted": 1}
    assert clinic.value("SELECT upper(filemaker_id::text) FROM {referrers}") == row


def test_a_heading_that_an_export_lacks_says_nothing(clinic: Clinic) -> None:
    clinic.extra_headings["Referrers"] = ("Practice",)
    clinic.referrer("Coolabah", "GP", Practice="Saltbush Rooms")
    clinic.load("specialties", "referrers")
    clinic.extra_headings.clear()
    del clinic.exports["Referrers"][0]["Practice"]
    assert clinic.load("referrers")["referrers"].account.updated == 0
    assert clinic.value("SELECT practice_name FROM {referrers}") == "Saltbush Rooms"


@pytest.mark.parametrize(
    ("cells", "reason"), [({"nameLast": " "}, "no_last_name"), ({"id": ""}, "no_id"), ({"id": "7"}, "bad_id")]
)
def test_a_referrer_is_rejected_with_a_reason(cells: dict[str, str], reason: str, clinic: Clinic) -> None:
    clinic.exports["Referrers"] = [
        {"id": "0A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D", "nameLast": "Mallee", "contactType": "GP", **cells}
    ]
    assert clinic.load("specialties", "referrers")["referrers"].account.rejected == {reason: 1}


# --- pairs ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def pair(clinic: Clinic) -> tuple[str, str]:
    """A patient and a referrer that are in Nexus."""
    contact, referrer = clinic.contact("Grevillea"), clinic.referrer("Quandong")
    clinic.load("patients", "specialties", "referrers")
    return contact, referrer


def referral(clinic: Clinic) -> tuple[str, bool]:
    day, primary = clinic.row("SELECT referral_date::text, is_primary FROM {patient_referrers}")
    return day, primary


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_of_several_rows_of_a_pair_the_one_with_the_latest_date_counts(
    order: tuple[int, ...], pair: tuple[str, str], clinic: Clinic
) -> None:
    contact, referrer = pair
    rows = [(contact, "3/18/2024"), (f" {contact.lower()}", "4/22/2024"), (contact, "")]
    for at in order:
        clinic.referral(rows[at][0], referrer, rows[at][1])
    account = clinic.load("patient_referrers")["patient_referrers"].account
    assert (account.source_rows, account.inserted, account.collapsed) == (3, 1, 2)
    assert referral(clinic)[0] == "2024-04-22"


def test_of_equally_late_rows_the_first_in_the_file_counts(pair: tuple[str, str], clinic: Clinic) -> None:
    clinic.extra_headings["PatientToReferrer"] = ("Reason",)
    for reason in ("Knee", "Ankle"):
        clinic.referral(*pair, Reason=reason)
    clinic.load("patient_referrers")
    assert clinic.value("SELECT referral_reason FROM {patient_referrers}") == "Knee"


def test_filemaker_says_who_is_primary_where_it_says_so(pair: tuple[str, str], clinic: Clinic) -> None:
    clinic.extra_headings["PatientToReferrer"] = ("Primary",)
    row = clinic.referral(*pair, Primary="Yes")
    clinic.load("patient_referrers")
    assert referral(clinic)[1] is True
    row["Primary"] = "no"
    clinic.load("patient_referrers")
    assert referral(clinic)[1] is False


def test_people_say_who_is_primary_where_filemaker_does_not(pair: tuple[str, str], clinic: Clinic) -> None:
    row = clinic.referral(*pair)
    clinic.load("patient_referrers")
    assert referral(clinic)[1] is False
    clinic.execute("UPDATE {patient_referrers} SET is_primary = true")
    row["date"] = "4/22/2024"
    account = clinic.load("patient_referrers")["patient_referrers"].account
    assert (account.updated, account.kept) == (1, 0)
    assert referral(clinic) == ("2024-04-22", True)


@pytest.mark.parametrize("mark", ["1", "Yes"])
def test_a_mark_that_filemaker_gives_to_another_link_is_taken_from_the_first(
    mark: str, pair: tuple[str, str], clinic: Clinic
) -> None:
    """A mark that is not set is an empty cell."""
    clinic.extra_headings["PatientToReferrer"] = ("Primary",)
    first, second = clinic.referral(*pair, Primary=mark), clinic.referral(pair[0], clinic.referrer("Saltbush"))
    clinic.load("specialties", "referrers", "patient_referrers")
    primary = "SELECT r.last_name FROM {patient_referrers} AS l JOIN {referrers} AS r ON r.id = l.referrer_id WHERE is_primary"
    assert clinic.values(primary) == ["Quandong"]
    first["Primary"], second["Primary"] = "", mark
    account = clinic.load("patient_referrers")["patient_referrers"].account
    assert (account.updated, clinic.values(primary)) == (2, ["Saltbush"])
    clinic.tells_hashes = False
    before = clinic.versions()
    clinic.load("patient_referrers")
    assert clinic.versions() == before


@pytest.mark.commits
def test_two_primary_links_of_a_patient_are_told_with_what_helps(pair: tuple[str, str], clinic: Clinic) -> None:
    clinic.referral(*pair)
    clinic.referral(pair[0], clinic.referrer("Saltbush"))
    clinic.load("specialties", "referrers", "patient_referrers")
    clinic.execute("UPDATE {patient_referrers} SET is_primary = true")
    ((_, found),) = ask_all([CHECK_NAMES["patient_referrers/no_duplicates"]], clinic.engine, NO_FILES)
    assert found.breakdown == {"second_primary": 1}
    assert "leave one link primary" in found.next_step
    assert "materialize" not in found.next_step, "no load chooses"


def test_a_mark_stays_where_people_set_it_or_the_export_lost_the_heading(pair: tuple[str, str], clinic: Clinic) -> None:
    clinic.extra_headings["PatientToReferrer"] = ("Primary",)
    row = clinic.referral(*pair, Primary="")
    clinic.load("patient_referrers")
    clinic.execute("UPDATE {patient_referrers} SET is_primary = true")
    clinic.load("patient_referrers")
    assert referral(clinic)[1] is True
    row["Primary"] = "1"
    clinic.load("patient_referrers")
    clinic.extra_headings.clear()
    del row["Primary"]
    account = clinic.load("patient_referrers")["patient_referrers"].account
    assert (account.updated, account.kept, referral(clinic)[1]) == (0, 0, True)


def test_links_to_nobody_are_rejected_and_loaded_once_they_lead_somewhere(
    pair: tuple[str, str], clinic: Clinic
) -> None:
    contact, referrer = pair
    stranger = clinic.referrer("Mallee")
    for row in ((contact, stranger), (contact, ""), ("", referrer), ("0A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D", referrer)):
        clinic.referral(*row)
    account = clinic.load("patient_referrers", allow_empty=True)["patient_referrers"].account
    assert account.rejected == {"no_contact": 1, "no_referrer": 1, "unknown_contact": 1, "unknown_referrer": 1}
    clinic.load("referrers")
    assert clinic.load("patient_referrers")["patient_referrers"].account.inserted == 1


def test_two_rows_of_a_company_link_are_one(clinic: Clinic) -> None:
    company, referrer = clinic.add("Companies", Name="Saltbush")["id"], clinic.referrer("Mallee")
    for day in ("3/18/2024", ""):
        clinic.works_for(referrer, company, date=day)
    results = clinic.load("companies", "specialties", "referrers", "referrer_companies")
    account = results["referrer_companies"].account
    assert (account.inserted, account.collapsed) == (1, 1)


# --- what only one row may have ---------------------------------------------------------------------------------------


def link_to(clinic: Clinic, last_name: str, instead_of: str) -> None:
    """A person gives the patient another referrer, in the same row."""
    clinic.execute(
        "UPDATE {patient_referrers} SET referrer_id = (SELECT id FROM {referrers} WHERE last_name = %s)"
        " WHERE referrer_id = (SELECT id FROM {referrers} WHERE last_name = %s)",
        last_name,
        instead_of,
    )


def test_a_pair_that_nexus_has_in_another_row_is_a_reject_until_it_has_not(
    pair: tuple[str, str], clinic: Clinic
) -> None:
    contact, referrer = pair
    others = clinic.referrer("Saltbush"), clinic.referrer("Wilga")
    clinic.referral(contact, referrer)
    clinic.load("specialties", "referrers", "patient_referrers")
    link_to(clinic, "Saltbush", instead_of="Quandong")
    for other in others:
        clinic.referral(contact, other)
    account = clinic.load("patient_referrers")["patient_referrers"].account
    assert (account.rejected, account.inserted, account.kept) == ({"already_there": 1}, 1, 1)
    link_to(clinic, "Quandong", instead_of="Saltbush")
    account = clinic.load("patient_referrers")["patient_referrers"].account
    assert (account.rejected, account.inserted) == ({}, 1)


def test_a_deleted_row_whose_pair_another_row_has_is_a_reject(pair: tuple[str, str], clinic: Clinic) -> None:
    contact, referrer = pair
    row = clinic.referral(contact, referrer)
    clinic.referral(contact, clinic.referrer("Saltbush"))
    clinic.load("specialties", "referrers", "patient_referrers")
    clinic.execute(
        "DELETE FROM {patient_referrers} WHERE referrer_id = (SELECT id FROM {referrers} WHERE last_name = 'Quandong')"
    )
    link_to(clinic, "Quandong", instead_of="Saltbush")
    row["date"] = "4/22/2024"
    account = clinic.load("patient_referrers")["patient_referrers"].account
    assert (account.rejected, account.kept) == ({"already_there": 1}, 1)


def test_a_name_that_another_specialty_has_is_kept_as_nexus_has_it(clinic: Clinic) -> None:
    referrer = clinic.referrer("Coolabah", "gp")
    clinic.load("specialties")
    clinic.execute("INSERT INTO {specialties} (id, name, created_at) VALUES (gen_random_uuid(), 'GP', now())")
    clinic.find("Referrers", referrer)["contactType"] = "GP"
    account = clinic.load("specialties")["specialties"].account
    assert (account.kept, account.updated) == (1, 0)
    assert specialties(clinic) == ["GP", "gp"]


def test_an_id_that_another_company_carries_is_a_reject(clinic: Clinic) -> None:
    clinic.add("Companies", Name="Bunyip Insoles")
    clinic.load("companies")
    late = clinic.add("Companies", Name="Jumbuck Boots")
    clinic.execute("UPDATE {companies} SET filemaker_id = %s", late["id"])
    assert clinic.load("companies")["companies"].account.rejected == {"already_there": 1}


def test_a_first_load_rejects_what_comes_twice_too(clinic: Clinic) -> None:
    clinic.execute("CREATE UNIQUE INDEX ON {patients} (first_name)")
    first = clinic.contact("Wattle", nameFirst="Ines")
    clinic.contact("Coolabah", nameFirst="Ines")
    account = clinic.load("patients")["patients"].account
    assert (account.inserted, account.rejected) == (1, {"already_there": 1})
    clinic.find("Contacts", first)["nameFirst"] = "Tilda"
    account = clinic.load("patients")["patients"].account
    assert (account.inserted, account.updated, account.rejected) == (0, 1, {"already_there": 1})
    account = clinic.load("patients")["patients"].account
    assert (account.inserted, account.rejected) == (1, {})


def test_a_reject_is_resolved_once_the_other_row_is_gone(clinic: Clinic) -> None:
    clinic.execute("CREATE UNIQUE INDEX ON {patients} (first_name)")
    wattle = clinic.contact("Wattle")
    clinic.load("patients")
    native = clinic.copy("patients", clinic.patient_id(wattle), first_name="Ines", filemaker_metadata="{}")
    clinic.contact("Coolabah", nameFirst="Ines")
    assert clinic.load("patients")["patients"].account.rejected == {"already_there": 1}
    clinic.execute("DELETE FROM {patients} WHERE id = %s", native)
    account = clinic.load("patients")["patients"].account
    assert (account.inserted, account.rejected) == (1, {})


def test_a_unique_index_over_some_of_the_rows_rejects_nothing(pair: tuple[str, str], clinic: Clinic) -> None:
    clinic.execute("CREATE UNIQUE INDEX ON {patient_referrers} (patient_id) WHERE status = 'PENDING'")
    clinic.referral(*pair)
    clinic.load("patient_referrers")
    clinic.referral(pair[0], clinic.referrer("Saltbush"))
    clinic.load("specialties", "referrers")
    assert clinic.load("patient_referrers")["patient_referrers"].account.inserted == 1

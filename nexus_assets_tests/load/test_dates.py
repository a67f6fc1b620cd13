"""Which of day and month comes first: by the file's own dates, a column's own where they leave no doubt; else as last time, else
by the setting."""

from __future__ import annotations

import uuid
from datetime import date
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_assets.load import dates
from nexus_assets.load.dates import DateOrder, Evidence
from nexus_assets.load.gates import GateError
from nexus_assets.load.settings import LoadSettings
from nexus_assets_tests.load.clinic import HEADINGS, Clinic
from nexus_assets_tests.sources.writers import xlsx_file

# --- deciding ---------------------------------------------------------------------------------------------------------

decide = partial(dates.decide, "patients")
MDY, DMY = DateOrder("mdy", decided=True), DateOrder("dmy", decided=True)
NOTHING = Evidence("DOB", 0, 0, 0)


def test_the_files_own_dates_decide() -> None:
    assert decide([Evidence("DOB", 5, 0, 9)], None, LoadSettings(date_order="dmy")) == MDY
    assert decide([Evidence("DOB", 0, 5, 9)], None, LoadSettings(date_order="mdy")) == DMY


def test_a_few_typing_errors_do_not() -> None:
    assert decide([Evidence("DOB", 500, 3, 9)], None, LoadSettings(date_order="dmy")) == MDY


def test_one_file_has_one_order() -> None:
    evidence = [
        Evidence("DOB", 0, 500, 9),
        Evidence("NDIS Plan Start Date", 0, 0, 7),
        Evidence("NDIS Plan End Date", 2, 0, 0),
    ]
    assert decide(evidence, None, LoadSettings()) == DMY


def test_a_column_that_clearly_differs_has_its_own_order() -> None:
    evidence = [Evidence("DOB", 0, 500, 9), Evidence("NDIS Plan Start Date", 40, 1, 7), Evidence("other", 0, 0, 7)]
    found = decide(evidence, None, LoadSettings(date_order="dmy"))
    assert found == DateOrder("dmy", False, ("other",), {"DOB": "dmy", "NDIS Plan Start Date": "mdy"})
    assert "by their own dates: DOB dmy, NDIS Plan Start Date mdy" in found.why
    again = decide([Evidence("NDIS Plan Start Date", 2, 0, 7)], found, LoadSettings(date_order="dmy"))
    assert again == found


def test_a_column_of_its_own_order_that_changes_stops_the_load() -> None:
    last = DateOrder("dmy", False, (), {"DOB": "dmy", "Date": "mdy"})
    with pytest.raises(GateError, match="The dates in Date were written mdy in the last load and are dmy"):
        decide([Evidence("Date", 0, 9, 0)], last, LoadSettings())


def test_a_column_that_contradicts_itself_is_doubtful() -> None:
    found = decide([Evidence("DOB", 40, 35, 9)], None, LoadSettings())
    assert (found, found.doubtful) == (MDY, ("DOB",))


def test_without_any_the_setting_decides_and_the_columns_are_told() -> None:
    evidence = [Evidence("startDate", 0, 0, 3), Evidence("endDate", 0, 0, 0)]
    assert decide(evidence, None, LoadSettings(date_order="dmy")) == DateOrder("dmy", False, ("startDate",))


def test_without_any_the_order_that_was_decided_before_holds() -> None:
    assert decide([Evidence("DOB", 0, 0, 3)], DMY, LoadSettings(date_order="mdy")) == DMY
    assert decide([], DMY, LoadSettings(date_order="mdy")) == DMY


def test_what_the_setting_decided_before_the_setting_may_change() -> None:
    last = DateOrder("mdy", False, ("DOB",))
    assert decide([NOTHING], last, LoadSettings(date_order="dmy")) == DateOrder("dmy", False, ("DOB",))


def test_what_the_setting_decided_before_dates_may_decide() -> None:
    assert decide([Evidence("DOB", 0, 1, 0)], DateOrder("mdy", False, ("DOB",)), LoadSettings()) == DMY


@pytest.mark.parametrize("errors", [1, 3])
def test_few_dates_that_contradict_the_last_load_are_errors(errors: int) -> None:
    assert decide([Evidence("DOB", 0, errors, 2)], MDY, LoadSettings()) == MDY


def test_many_stop_the_load() -> None:
    evidence = [Evidence("DOB", 0, 4, 2), Evidence("other", 0, 0, 7)]
    with pytest.raises(
        GateError, match="The dates in DOB were written mdy in the last load and are dmy in this export"
    ):
        decide(evidence, MDY, LoadSettings())
    assert decide(evidence, MDY, LoadSettings(allow_date_order_change=True)) == DMY


counts = st.integers(0, 50)


@given(
    st.lists(st.builds(Evidence, st.sampled_from(["a", "b"]), counts, counts, counts)),
    st.one_of(st.none(), st.just(MDY), st.just(DMY)),
)
def test_what_was_decided_once_is_never_open_again(evidence: list[Evidence], last: DateOrder | None) -> None:
    found = decide(evidence, last, LoadSettings(allow_date_order_change=True))
    assert found.decided or last is None
    assert not (found.decided and found.open_columns)


# --- loading ----------------------------------------------------------------------------------------------------------


def birthdays(clinic: Clinic) -> list[date]:
    return clinic.values("SELECT dob FROM patients ORDER BY last_name")


def test_day_first_is_seen_from_the_file(clinic: Clinic) -> None:
    clinic.contact("A", DOB="3/4/1950")
    clinic.contact("B", DOB="30/4/1950")
    clinic.load("patients")
    assert birthdays(clinic) == [date(1950, 4, 3), date(1950, 4, 30)]


def test_a_column_without_evidence_is_read_as_the_rest_of_its_file(clinic: Clinic) -> None:
    clinic.contact("A", **{"DOB": "30/4/1950", "NDIS Plan Start Date": "3/4/2024"})
    clinic.load("patients")
    assert clinic.value("SELECT filemaker_metadata->'ndis'->>'plan_start_date' FROM patients") == "2024-04-03"


def test_new_rows_are_read_in_the_order_that_is_known(clinic: Clinic) -> None:
    clinic.contact("A", DOB="30/4/1950")
    clinic.load("patients")
    clinic.contact("B", DOB="3/4/1950")
    clinic.load("patients")
    assert birthdays(clinic)[1] == date(1950, 4, 3)


def test_an_order_that_was_only_assumed_is_read_again_once_a_date_decides(clinic: Clinic) -> None:
    clinic.contact("A", DOB="3/4/1950")
    first = clinic.load("patients")["patients"].account
    assert first.notices == {"undecided_date_order": 1}
    assert birthdays(clinic) == [date(1950, 3, 4)]
    clinic.contact("B", DOB="30/4/1950")
    second = clinic.load("patients")["patients"].account
    assert (second.updated, second.notices) == (1, {})
    assert birthdays(clinic) == [date(1950, 4, 3), date(1950, 4, 30)]


def test_an_order_that_the_setting_gave_follows_the_setting(clinic: Clinic) -> None:
    clinic.contact("A", DOB="3/4/1950")
    clinic.load("patients")
    account = clinic.load("patients", date_order="dmy")["patients"].account
    assert (account.updated, account.notices) == (1, {"undecided_date_order": 1})
    assert birthdays(clinic) == [date(1950, 4, 3)]


def test_an_open_order_is_told_on_every_run(clinic: Clinic) -> None:
    clinic.contact("A", DOB="3/4/1950")
    for _ in range(3):
        assert clinic.load("patients")["patients"].account.notices == {"undecided_date_order": 1}


def test_a_changed_order_that_is_let_through_reads_all_again(clinic: Clinic) -> None:
    for day in range(13, 20):
        clinic.contact(f"A{day}", DOB=f"4/{day}/1950")
    clinic.contact("B", DOB="3/4/1950")
    clinic.load("patients")
    for row in clinic.exports["Contacts"][:-1]:
        month, day_, year = row["DOB"].split("/")
        row["DOB"] = f"{day_}/{month}/{year}"
    account = clinic.load("patients", allow_date_order_change=True)["patients"].account
    assert (account.updated, account.unchanged) == (1, 7)
    assert birthdays(clinic)[-1] == date(1950, 4, 3)


def test_columns_of_different_orders_are_each_read_in_their_own(clinic: Clinic) -> None:
    for day in range(13, 20):
        clinic.contact(f"A{day}", DOB=f"4/{day}/1950", **{"NDIS Plan Start Date": f"{day}/4/2024"})
    clinic.contact("B", DOB="3/4/1950", **{"NDIS Plan Start Date": "3/4/2024"})

    def read() -> tuple[str, str]:
        return clinic.row(
            "SELECT dob::text, filemaker_metadata->'ndis'->>'plan_start_date' FROM patients WHERE last_name = %s", "B"
        )

    clinic.load("patients")
    assert read() == ("1950-03-04", "2024-04-03")
    clinic.find("Contacts", clinic.exports["Contacts"][-1]["id"])["NDIS Plan Start Date"] = "4/3/2024"
    clinic.later()
    clinic.load("patients")
    assert read() == ("1950-03-04", "2024-03-04")


def test_a_column_that_turns_out_to_differ_is_read_again_once_that_is_let_through(clinic: Clinic) -> None:
    for day in range(13, 20):
        clinic.contact(f"A{day}", DOB=f"4/{day}/1950")
    clinic.contact("B", DOB="3/4/1950", **{"NDIS Plan Start Date": "3/4/2024"})
    clinic.load("patients")
    for day in range(13, 20):
        clinic.contact(f"C{day}", **{"NDIS Plan Start Date": f"{day}/4/2024"})
    clinic.later()
    with pytest.raises(GateError, match="The dates in NDIS Plan Start Date were written mdy"):
        clinic.load("patients")
    clinic.load("patients", allow_date_order_change=True)
    assert clinic.row(
        "SELECT dob::text, filemaker_metadata->'ndis'->>'plan_start_date' FROM patients WHERE last_name = 'B'"
    ) == ("1950-03-04", "2024-04-03")


@pytest.mark.parametrize("date_1904", [False, True], ids=["1900", "1904"])
def test_a_bare_number_is_a_day_of_its_workbooks_system(clinic: Clinic, date_1904: bool) -> None:
    clinic.file_names["Contacts"] = "unused"
    cells = {"id": str(uuid.uuid4()), "nameLast": "Wattle", "DOB": 41199 - 1462 * date_1904}
    rows = [HEADINGS["Contacts"], [cells.get(heading, "") for heading in HEADINGS["Contacts"]]]
    (clinic.folder / "Contacts.xlsx").write_bytes(xlsx_file(rows, date_1904=date_1904))
    clinic.load("patients")
    assert birthdays(clinic) == [date(2012, 10, 17)]


def test_a_date_against_the_order_is_a_reject(clinic: Clinic) -> None:
    contact = clinic.contact()
    for day in range(13, 20):
        clinic.appointment(contact, f"4/{day}/2024")
    clinic.appointment(contact, "20/4/2024")
    account = clinic.load("patients", "appointments")["appointments"].account
    assert account.rejected == {"unreadable_date": 1}
    assert clinic.value("SELECT column_name FROM nexus_assets.reject") == "start_time"


def test_batches_and_images_agree_on_the_order(clinic: Clinic) -> None:
    contact = clinic.contact()
    clinic.image(contact, "3/4/2024")
    clinic.image(contact, "30/4/2024")
    clinic.load()
    taken = clinic.rows(
        "SELECT date_taken::text, b.name FROM images_image JOIN images_batch AS b ON b.id = batch_id ORDER BY 1"
    )
    assert taken == [("2024-04-03", "03 Apr 2024 (FileMaker Import)"), ("2024-04-30", "30 Apr 2024 (FileMaker Import)")]


def test_an_image_without_a_date_is_in_the_undated_batch(clinic: Clinic) -> None:
    clinic.image(clinic.contact(), "")
    clinic.load()
    assert clinic.values("SELECT name FROM images_batch") == ["Undated (FileMaker Import)"]


def test_an_image_with_an_unreadable_date_is_rejected(clinic: Clinic) -> None:
    contact = clinic.contact()
    clinic.image(contact, "soon")
    clinic.image(contact)
    account = clinic.load()["images"].account
    assert (account.inserted, account.rejected) == (1, {"unreadable_date": 1})

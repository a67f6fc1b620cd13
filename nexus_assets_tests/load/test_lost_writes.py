"""Tests of tables that leave out what a load writes without refusing it: the load stops, and names who does it."""

from __future__ import annotations

import pytest

from nexus_assets.load.lost_writes import LostWriteError
from nexus_assets_tests.load.clinic import Clinic

pytestmark = pytest.mark.commits

FUNCTION = "CREATE FUNCTION public.quiet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NEW; END $$"
TRIGGER = "CREATE TRIGGER quiet BEFORE {event} ON {{patients}} FOR EACH ROW EXECUTE FUNCTION public.quiet()"

LEAVES_OUT = {
    "a trigger leaves a new row out": ("IF NEW.last_name = 'Oak' THEN RETURN NULL; END IF;", "INSERT"),
    "a trigger gives a new row another id": (
        "IF NEW.last_name = 'Oak' THEN NEW.id = gen_random_uuid(); END IF;",
        "INSERT",
    ),
    "a trigger leaves a change out": ("IF NEW.first_name = 'Wrenna' THEN RETURN NULL; END IF;", "UPDATE"),
}


def put_trigger(clinic: Clinic, kind: str) -> None:
    body, event = LEAVES_OUT[kind]
    clinic.execute(FUNCTION.format(body=body))
    clinic.execute(TRIGGER.format(event=event))


@pytest.mark.parametrize("kind", LEAVES_OUT)
def test_a_load_stops_where_a_trigger_leaves_a_row_out(clinic: Clinic, kind: str) -> None:
    contact = clinic.contact("Wattle")
    clinic.load("patients")
    put_trigger(clinic, kind)
    before = clinic.versions()
    clinic.find("Contacts", contact)["nameFirst"] = "Wrenna"
    clinic.contact("Oak")
    record = 1 if "UPDATE" in LEAVES_OUT[kind] else 2
    with pytest.raises(
        LostWriteError, match=rf"1 row of patients, the first in record {record} of Contacts.*trigger quiet"
    ):
        clinic.load("patients")
    assert clinic.versions() == before


def test_its_advice_lets_the_next_load_through(clinic: Clinic) -> None:
    put_trigger(clinic, "a trigger leaves a new row out")
    clinic.contact("Wattle")
    clinic.contact("Oak")
    with pytest.raises(LostWriteError, match="record 2 of Contacts") as stopped:
        clinic.load("patients")
    clinic.execute(stopped.value.remedy[stopped.value.remedy.index("ALTER TABLE") :])
    assert clinic.load("patients")["patients"].account.inserted == 2


def test_a_load_stops_where_a_rule_leaves_rows_out(clinic: Clinic) -> None:
    clinic.execute("CREATE RULE quiet AS ON INSERT TO {patients} DO INSTEAD NOTHING")
    clinic.contact("Wattle")
    with pytest.raises(LostWriteError, match=r"did not take the insert of 1 row of patients.*a rule of the table"):
        clinic.load("patients")


def test_a_trigger_that_lets_rows_through_stops_nothing(clinic: Clinic) -> None:
    clinic.execute(FUNCTION.format(body="NEW.last_name = upper(NEW.last_name);"))
    clinic.execute(TRIGGER.format(event="INSERT OR UPDATE"))
    clinic.contact("Wattle")
    assert clinic.load("patients")["patients"].account.inserted == 1

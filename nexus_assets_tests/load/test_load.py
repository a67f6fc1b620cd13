"""What holds for the load of every entity."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.load import stage
from nexus_assets.load.account import Account, AccountError
from nexus_assets.load.load import NeverLoadedError
from nexus_assets.local.nexus_models import Naming
from nexus_assets.local.postgres import binary
from nexus_assets.mapping.entity import ByFileMakerId
from nexus_assets.nexus import connection
from nexus_assets.nexus.catalog import ContractError
from nexus_assets.nexus.connection import DatabaseError
from nexus_assets.nexus.relations import CatalogCursor
from nexus_assets_tests.load.clinic import Clinic, furnish
from nexus_assets_tests.load.conftest import Begun, Fill

Versions = dict[str, set[tuple[str, ...]]]

EXPECTED = {
    "patients": 2,
    "appointments": 2,
    "notes": 2,
    "documents": 2,
    "image_batches": 2,
    "images": 4,
    "companies": 1,
    "specialties": 2,
    "referrers": 2,
    "referrer_companies": 2,
}
"""How many rows of each entity the furnished clinic has. It has no links of patients to referrers: those of companies are alike."""

LOADED = {**EXPECTED, "patient_communications": 2, "referrer_communications": 1, "company_communications": 1}
"""How many rows a load of each brings, or fills columns of."""

every_entity = pytest.mark.parametrize("name", LOADED)


def count(clinic: Clinic, name: str) -> int:
    return int(clinic.value(f'SELECT count(*) FROM "{clinic.table(ENTITIES[name].model.tables[0])}"'))


def test_the_first_load_brings_everything(furnished: Clinic) -> None:
    results = furnished.load()
    assert {name: result.account.inserted or result.account.updated for name, result in results.items()} == LOADED
    assert {name: count(furnished, name) for name in EXPECTED} == EXPECTED
    assert furnished.orphans() == 0


def test_it_does_so_under_djangos_own_names(loaded_under_django_names: Clinic) -> None:
    assert {name: count(loaded_under_django_names, name) for name in EXPECTED} == EXPECTED
    assert loaded_under_django_names.orphans() == 0


@dataclass(frozen=True)
class Twice:
    """What a load that had nothing to do did, and every row before and after it with its version: of Nexus, and of the ledger."""

    account: Account
    nexus: tuple[Versions, Versions]
    ledger: tuple[Versions, Versions]


Again = Callable[[Naming, bool], Mapping[str, Twice]]


@pytest.fixture(scope="module")
def again(begun: Begun, loaded_template: Fill) -> Again:
    """Returns what a second load of each entity did, in either naming, by the sources' hashes or row by row."""

    @cache
    def load_all(naming: Naming, tells_hashes: bool) -> Mapping[str, Twice]:
        found = {}
        with begun(loaded_template(naming), naming) as clinic:
            furnish(clinic).tells_hashes = tells_hashes
            for name in LOADED:
                before = clinic.versions(), clinic.versions("nexus_assets")
                account = clinic.load(name)[name].account
                nexus, ledger = zip(before, (clinic.versions(), clinic.versions("nexus_assets")), strict=True)
                found[name] = Twice(account, nexus, ledger)
        return found

    return load_all


either_way = pytest.mark.parametrize("tells_hashes", [True, False], ids=["by the hashes", "row by row"])


@every_entity
@either_way
def test_loading_twice_writes_nothing(name: str, tells_hashes: bool, again: Again) -> None:
    found = again("current", tells_hashes)[name]
    before, after = found.nexus
    assert after == before
    assert found.account.outcomes == {**dict.fromkeys(found.account.outcomes, 0), "unchanged": LOADED[name]}


@every_entity
def test_loading_twice_writes_nothing_under_djangos_names(name: str, again: Again) -> None:
    before, after = again("django", True)[name].nexus
    assert after == before


@every_entity
@either_way
def test_loading_twice_changes_the_ledger_by_the_record_of_the_load_alone(
    name: str, tells_hashes: bool, again: Again
) -> None:
    before, after = again("current", tells_hashes)[name].ledger
    assert {table for table in after if after[table] != before[table]} == {"load"}
    assert len(after["load"]) == len(before["load"]) + 1


@every_entity
def test_a_load_leaves_no_table_of_its_own(name: str, again: Again) -> None:
    _, after = again("current", True)[name].ledger
    assert not [table for table in after if table.startswith("work_")]


@pytest.fixture(scope="module")
def ids(begun: Begun, loaded_template: Fill) -> Callable[[str, Naming], Any]:
    """Returns an entity's ids, of either of two databases into which the same was loaded."""

    @cache
    def all_ids(naming: Naming) -> Mapping[str, Any]:
        with begun(loaded_template(naming), naming) as clinic:
            table = "SELECT source_id::text, nexus_id::text FROM nexus_assets.identity_{} ORDER BY 1"
            return {name: clinic.rows(table.format(name)) for name in LOADED}

    return lambda name, naming: all_ids(naming)[name]


@every_entity
def test_an_id_is_the_same_in_every_database(name: str, ids: Callable[[str, Naming], Any]) -> None:
    assert ids(name, "current") == ids(name, "django")


@pytest.mark.parametrize("name", [name for name in EXPECTED if not ENTITIES[name].people_delete])
def test_a_row_that_nexus_lost_comes_back_under_its_id(name: str, loaded: Clinic) -> None:
    table = loaded.table(ENTITIES[name].model.tables[0])
    ids = set(loaded.values(f'SELECT id::text FROM "{table}"'))
    own_table = [each for each, entity in ENTITIES.items() if entity.shares is None]
    for child in own_table[own_table.index(name) :][::-1]:
        loaded.execute(f'DELETE FROM "{loaded.table(ENTITIES[child].model.tables[0])}"')
    account = loaded.load(name)[name].account
    assert set(loaded.values(f'SELECT id::text FROM "{table}"')) == ids
    assert account.healed["restored"] == account.inserted == EXPECTED[name]


# --- nothing half-done ------------------------------------------------------------------------------------------------


class Unplugged(Exception):  # noqa: N818 - an event
    """Somebody pulled the plug."""


@pytest.fixture(scope="module")
def disturbed(
    shared_copy: Callable[[str], str], loaded_template: Fill, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Clinic]:
    """A clinic with something to load in every export, whose loads are killed or rolled back."""
    with closing(
        furnish(Clinic(shared_copy(loaded_template("current")), tmp_path_factory.mktemp("disturbed")))
    ) as clinic:
        _change_everything(clinic)
        clinic.tells_hashes = False  # so that every load reads its sources
        yield clinic


@pytest.fixture(scope="module")
def statements(disturbed: Clinic) -> Callable[[str], int]:
    """Returns how many statements a load of the entity executes."""
    return cache(lambda name: _count_statements(disturbed, name))


@every_entity
def test_killed_half_way_it_leaves_all_as_it_was(
    name: str, disturbed: Clinic, statements: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _kill_and_compare(disturbed, name, statements(name) // 2, monkeypatch)


@pytest.mark.parametrize("ahead_of_the_end", [0, 1, 2, 5, 10, 20])
def test_killed_late_it_leaves_all_as_it_was(
    ahead_of_the_end: int, disturbed: Clinic, statements: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _kill_and_compare(disturbed, "images", statements("images") - ahead_of_the_end, monkeypatch)


ADDED = {"patients": 1, "notes": 1}


def _change_everything(clinic: Clinic) -> None:
    clinic.contact("Added")
    clinic.note(clinic.exports["Contacts"][0]["id"], "")  # which is rejected
    changes = {"Contacts": "nameMiddle", "Appointments": "notes", "Notes": "Note", "Docs": "Type", "Image_data": "Type"}
    for export, heading in changes.items():
        for row in clinic.exports[export]:
            row[heading] = "Changed"


def _kill_and_compare(clinic: Clinic, name: str, victim: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before, ledger = clinic.versions(), clinic.versions("nexus_assets")
    _pull_the_plug_at(clinic, victim, monkeypatch)
    with pytest.raises(DatabaseError, match="connection broke"):
        clinic.load(name)
    monkeypatch.undo()
    assert (clinic.versions(), clinic.versions("nexus_assets")) == (before, ledger)
    # And the next run ends as an undisturbed one.
    assert clinic.load(name, commit=False)[name].account.accounted() == LOADED[name] + ADDED.get(name, 0)


def _count_statements(clinic: Clinic, name: str) -> int:
    with pytest.MonkeyPatch.context() as monkeypatch:
        counted = _pull_the_plug_at(clinic, None, monkeypatch)
        clinic.load(name, commit=False)
    return int(counted())


def _pull_the_plug_at(clinic: Clinic, victim: int | None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Ends the server's process of the next connection before its statement number `victim`."""
    clinic.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    seen = 0

    class Watched(CatalogCursor):
        def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 - psycopg2's name
            nonlocal seen
            seen += 1
            if seen == victim:
                dsn = self.connection.info
                parameters = {"host": dsn.host, "port": dsn.port, "dbname": dsn.dbname, "user": dsn.user}
                with psycopg2.connect(**parameters, password=dsn.password) as other, other.cursor() as killer:
                    killer.execute("SELECT pg_terminate_backend(%s)", (dsn.backend_pid,))
            super().execute(query, vars)

    monkeypatch.setattr(connection, "CatalogCursor", Watched)
    return lambda: seen


@every_entity
def test_a_source_that_breaks_off_leaves_all_as_it_was(
    name: str, disturbed: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, ledger = disturbed.versions(), disturbed.versions("nexus_assets")
    real = stage._copy

    def broken(cursor: Any, statement: Any, blocks: Iterator[bytes]) -> None:
        def unplugged() -> Iterator[bytes]:
            yield from blocks
            raise Unplugged

        real(cursor, statement, unplugged())

    monkeypatch.setattr(stage, "_copy", broken)
    with pytest.raises(Unplugged):
        disturbed.load(name)
    assert (disturbed.versions(), disturbed.versions("nexus_assets")) == (before, ledger)


@pytest.fixture(scope="module")
def never_loaded(
    kept_database: Callable[..., str],
    drop_database: Callable[[str], None],
    living_nexus_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Clinic]:
    """The furnished clinic in a database that has no ledger, whose loads are refused or rolled back."""
    url = kept_database(living_nexus_template)
    with closing(furnish(Clinic(url, tmp_path_factory.mktemp("never_loaded")))) as clinic:
        yield clinic
    drop_database(url)


def test_a_load_that_is_taken_back_leaves_no_trace(never_loaded: Clinic) -> None:
    before = dump(never_loaded)
    never_loaded.load("patients", commit=False)
    assert dump(never_loaded) == before


@pytest.fixture(scope="module")
def as_loaded(disturbed: Clinic) -> str:
    """All that the disturbed clinic holds."""
    return dump(disturbed)


@every_entity
def test_a_later_load_that_is_taken_back_leaves_no_trace(name: str, disturbed: Clinic, as_loaded: str) -> None:
    disturbed.load(name, commit=False)
    assert dump(disturbed) == as_loaded


def dump(clinic: Clinic) -> str:
    """Everything in the clinic's database, as pg_dump writes it, but where sequences stand: a plan sets those back itself."""
    program = binary("pg_dump")
    url = clinic.url.replace("+psycopg2", "")
    told = subprocess.run([program, url], capture_output=True, text=True, check=True).stdout
    return re.sub(r"(?m)^(SELECT pg_catalog\.setval|\\(un)?restrict).*$", "", told)


# --- the account ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def accounts(begun: Begun, empty_ledger_template: str) -> Mapping[str, Account]:
    """The accounts of a load with something wrong in every export."""
    with begun(empty_ledger_template) as furnished:
        furnish(furnished)
        contact = furnished.exports["Contacts"][0]["id"]
        twin = dict(furnished.exports["Notes"][0])
        furnished.exports["Notes"].append(twin)  # the same row twice
        furnished.exports["Contacts"].append(dict(furnished.exports["Contacts"][0]))
        furnished.contact("")  # no last name
        furnished.note(contact, " ")
        furnished.note("0A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D")
        furnished.appointment("")
        furnished.appointment(contact, "13/13/2024")
        furnished.image("")
        furnished.add("Contacts", nameLast="Somebody")["id"] = "not an id"
        return {name: found.account for name, found in furnished.load().items()}


@every_entity
def test_every_source_row_is_accounted_for(name: str, accounts: Mapping[str, Account]) -> None:
    account = accounts[name]
    assert account.source_rows == account.accounted()
    assert account.source_rows == sum(account.outcomes.values()) + sum(account.rejected.values())


def test_an_account_that_does_not_add_up_stops_the_load() -> None:
    with pytest.raises(AccountError, match="2 source rows, 1 accounted for"):
        Account(source_rows=2, inserted=1).add_up("patients")


def test_a_link_that_would_lead_nowhere_stops_the_load() -> None:
    with pytest.raises(AccountError, match="3 dangling references"):
        Account(orphans=3).add_up("documents")


def test_equal_rows_of_one_id_collapse_into_one(clinic: Clinic) -> None:
    contact = clinic.contact("Wattle")
    clinic.exports["Contacts"] *= 3
    account = clinic.load("patients")["patients"].account
    assert (account.inserted, account.collapsed, account.rejected) == (1, 2, {})
    assert clinic.patient_id(contact)
    again = clinic.load("patients")["patients"].account
    assert (again.unchanged, again.collapsed) == (1, 2)


def test_rows_that_differ_in_blanks_or_in_the_case_of_the_id_collapse(clinic: Clinic) -> None:
    contact = clinic.contact("Wattle", nameFirst="Wren")
    row = clinic.find("Contacts", contact)
    clinic.exports["Contacts"] += [{**row, "id": contact.lower()}, {**row, "id": f" {contact} ", "nameFirst": "Wren "}]
    account = clinic.load("patients")["patients"].account
    assert (account.inserted, account.collapsed, account.rejected) == (1, 2, {})
    again = clinic.load("patients")["patients"].account
    assert (again.unchanged, again.collapsed) == (1, 2)
    clinic.exports["Contacts"].append({**row, "nameFirst": "Robin"})
    changed = clinic.load("patients", allow_rejected=True)["patients"].account
    assert (changed.collapsed, changed.rejected) == (0, {"duplicate_id": 4})


def test_different_rows_of_one_id_are_all_rejected(clinic: Clinic) -> None:
    clinic.contact("Wattle", id="0A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D")
    clinic.contact("Banksia", id="0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d")
    account = clinic.load("patients")["patients"].account
    assert (account.inserted, account.rejected) == (0, {"duplicate_id": 2})


@pytest.mark.parametrize(
    ("cells", "reason"),
    [({"id": ""}, "no_id"), ({"id": "4711"}, "bad_id"), ({"nameLast": " "}, "no_last_name")],
    ids=["no id", "no UUID", "no last name"],
)
def test_a_person_is_rejected_with_a_reason(cells: dict[str, str], reason: str, clinic: Clinic) -> None:
    clinic.exports["Contacts"].append({"id": "0A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D", "nameLast": "Wattle", **cells})
    assert clinic.load("patients")["patients"].account.rejected == {reason: 1}


def test_a_rejected_row_is_kept_until_it_is_corrected(loaded: Clinic) -> None:
    note = loaded.note(loaded.exports["Contacts"][0]["id"], "")
    loaded.load("notes")
    kept = "SELECT reason, row_number, source_id, payload->>'Note Type', resolved_load IS NULL FROM nexus_assets.reject"
    assert loaded.rows(kept) == [("empty_note", 3, note["id"], "Clinical", True)]
    loaded.load("notes")
    assert loaded.rows(kept) == [("empty_note", 3, note["id"], "Clinical", True)]
    note["Note"] = "Now there is one."
    assert loaded.load("notes")["notes"].account.inserted == 1
    assert [row[-1] for row in loaded.rows(kept)] == [False]


def test_a_rejected_row_keeps_its_number_when_rows_move(loaded: Clinic) -> None:
    loaded.note(loaded.exports["Contacts"][0]["id"], "")
    loaded.load("notes")
    loaded.exports["Notes"].insert(0, loaded.exports["Notes"].pop())
    loaded.load("notes")
    assert loaded.rows("SELECT row_number, resolved_load FROM nexus_assets.reject") == [(1, None)]


def test_a_known_row_that_is_rejected_stays_as_it_is(loaded: Clinic) -> None:
    note = loaded.exports["Notes"][0]
    before = loaded.versions()
    note["Note"] = ""
    account = loaded.load("notes")["notes"].account
    assert (account.unchanged, account.rejected) == (1, {"empty_note": 1})
    assert loaded.versions() == before
    assert loaded.value("SELECT count(*) FROM nexus_assets.identity_notes WHERE vanished_load IS NOT NULL") == 0


def test_a_value_longer_than_its_column_is_rejected(loaded: Clinic) -> None:
    loaded.execute("ALTER TABLE patients ALTER COLUMN middle_names TYPE varchar(5)")  # an older Nexus
    loaded.contact("Short", nameMiddle="Anna")
    loaded.contact("Long", nameMiddle="Annabelle")
    account = loaded.load("patients")["patients"].account
    assert (account.inserted, account.rejected) == (1, {"too_long": 1})
    assert loaded.value("SELECT column_name FROM nexus_assets.reject") == "middle_names"


def test_a_ledger_restored_without_its_sequences_gives_numbers_that_are_free(loaded: Clinic) -> None:
    for contact in ("Oak", "Elm"):
        loaded.contact(contact, nameLast="")
        loaded.load("patients")
    for table in ("load", "reject"):
        loaded.execute(f"SELECT setval(pg_get_serial_sequence('nexus_assets.{table}', 'id'), 1, FALSE)")
    last = loaded.value("SELECT max(id) FROM nexus_assets.load")
    loaded.contact("Ash", nameLast="")
    assert loaded.load("patients")["patients"].load_id == last + 1
    assert loaded.value("SELECT count(*) FROM nexus_assets.reject") == 3


# --- order ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in EXPECTED if ENTITIES[name].upstream])
def test_without_its_parents_a_load_stops_and_names_the_command(name: str, never_loaded: Clinic) -> None:
    before = never_loaded.versions()
    with pytest.raises(NeverLoadedError, match=re.escape(f"dagster asset materialize --select '*{name}'")):
        never_loaded.load(name)
    assert never_loaded.versions() == before
    assert never_loaded.value("SELECT to_regnamespace('nexus_assets')") is None


def test_images_alone_are_enough_once_their_parents_are_there(loaded: Clinic) -> None:
    loaded.image(loaded.exports["Contacts"][0]["id"])
    loaded.load("image_batches")
    assert loaded.load("images")["images"].account.inserted == 1


def test_an_image_of_a_batch_that_was_not_loaded_waits(loaded: Clinic) -> None:
    loaded.image(loaded.exports["Contacts"][0]["id"], "7/1/2024")
    account = loaded.load("images")["images"].account
    assert account.rejected == {"unknown_batch": 1}
    loaded.load("image_batches")
    assert loaded.load("images")["images"].account.inserted == 1


# --- content types ----------------------------------------------------------------------------------------------------


def test_content_types_are_found_by_label(loaded: Clinic) -> None:
    label = "SELECT DISTINCT c.app_label, c.model FROM {images_batch} AS b JOIN django_content_type AS c ON c.id = content_type_id"
    assert loaded.rows(label) == [("patients", "patient")]
    assert loaded.rows(label.replace("images_batch", "documents_document")) == [("patients", "patient")]


def test_a_content_type_that_nobody_made_is_never_made(nexus_database: str, tmp_path: Path) -> None:
    with closing(Clinic(nexus_database, tmp_path)) as clinic:
        clinic.document(clinic.contact())
        with pytest.raises(ContractError, match="Nexus's migrations have not run"):
            clinic.load("patients", "documents")
        assert clinic.value("SELECT count(*) FROM django_content_type") == 0


# --- settings ---------------------------------------------------------------------------------------------------------


def test_an_unknown_time_zone_is_said(furnished: Clinic) -> None:
    with pytest.raises(NexusAssetsError, match="'Sydney/Australia' is no time zone"):
        furnished.load("patients", time_zone="Sydney/Australia")


def test_an_unknown_date_order_is_said(furnished: Clinic) -> None:
    with pytest.raises(NexusAssetsError, match="'ymd' is no order"):
        furnished.load("patients", date_order="ymd")


def test_another_time_zone_moves_every_instant(loaded: Clinic) -> None:
    account = loaded.load("appointments", time_zone="Australia/Perth")["appointments"].account
    assert account.updated == 2


def test_the_recognition_by_filemaker_id_comes_first() -> None:
    for entity in ENTITIES.values():
        kinds = [type(rule) for rule in entity.recognised_by]
        assert ByFileMakerId not in kinds[1:], entity.name

"""A first load into an empty table takes a shorter way: it ends as the full way does, whatever the source holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL

from nexus_assets.load import first, incoming
from nexus_assets_tests.load.clinic import Clinic, furnish, image_key
from nexus_assets_tests.load.conftest import Begun
from nexus_assets_tests.load.test_matrix import WrittenOtherwise

HOUR = timedelta(hours=1)


def _repeat_every_row(clinic: Clinic) -> None:
    for rows in clinic.exports.values():
        rows += [dict(row) for row in rows]


def _repeat_with_blanks(clinic: Clinic) -> None:
    for rows in clinic.exports.values():
        if "id" in rows[0]:  # the links have none
            rows.append({**rows[0], "id": f" {rows[0]['id'].lower()} "})


def _repeat_otherwise(clinic: Clinic) -> None:
    """The first row of each export again with something else in it, twice; it is also what a required column lacks."""
    for export, heading in (("Contacts", "nameLast"), ("Notes", "Note"), ("Docs", "Type"), ("Image_data", "Type")):
        first_row = clinic.exports[export][0]
        clinic.exports[export] += [{**first_row, heading: ""}, {**first_row, heading: "Another"}]
    clinic.exports["Appointments"].append({**clinic.exports["Appointments"][0], "startDate": ""})


def _reject_something(clinic: Clinic) -> None:
    stranger = clinic.contact("")
    for add in (clinic.note, clinic.appointment, clinic.document, clinic.image):
        add(stranger)
        add("")
    clinic.exports["Notes"].append({**clinic.exports["Notes"][0], "id": ""})
    clinic.exports["Appointments"][0]["startDate"] = "31/31/2024"
    for _ in range(2):
        clinic.exports["Appointments"].append({"id": "not an id", "id_Contact": clinic.exports["Contacts"][0]["id"]})


def _spoil_files(clinic: Clinic) -> None:
    """Files without a row, rows without a file, an empty file, and one of which two rows say different things."""
    clinic.images[image_key("stray")] = 10
    clinic.images[image_key(clinic.exports["Image_data"][0]["recid"])] = 0
    clinic.images.pop(image_key(clinic.exports["Image_data"][1]["recid"]))
    clinic.exports["Image_data"].append({**clinic.exports["Image_data"][2], "Type": "Wound"})
    clinic.documents.pop(next(iter(clinic.documents)))


SOURCES: Mapping[str, Callable[[Clinic], object]] = {
    "as usual": lambda _: None,
    "every row twice": _repeat_every_row,
    "an id written otherwise": _repeat_with_blanks,
    "one id for different rows": _repeat_otherwise,
    "rejects": _reject_something,
    "rejects twice": lambda clinic: (_reject_something(clinic), _repeat_every_row(clinic)),
    "files and rows that do not meet": _spoil_files,
}


def _state(clinic: Clinic) -> dict[str, list[Any]]:
    """Every row of Nexus and of the ledger, times of this test left out."""
    now = datetime.now(timezone.utc)

    def value(found: Any) -> str:
        recent = isinstance(found, datetime) and found.tzinfo is not None and now - found < HOUR
        # A packed file holds the time at which it was packed; what a row was and is holds the times of its updates.
        return "now" if recent else re.sub(r"'(sha256|updated_at)': '[^']+'|'size': \d+", "", repr(found))

    state = {}
    for schema, table in clinic.rows(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
        " AND table_schema IN ('public', 'nexus_assets') AND table_name <> 'about'"
    ):
        rows = clinic.rows(f'SELECT * FROM {schema}."{table}"')
        state[f"{schema}.{table}"] = sorted(repr([value(each) for each in row]) for row in rows)
    return state


@pytest.fixture
def load_both(
    begun: Begun, empty_ledger_template: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[Clinic], object]], None]:
    """Loads a clinic that was prepared so in the short way and in the full one, which are to end alike."""

    def load(prepare: Callable[[Clinic], object]) -> tuple[dict[str, Any], dict[str, list[Any]]]:
        with begun(empty_ledger_template) as clinic:
            prepare(furnish(clinic))
            return {name: asdict(result.account) for name, result in clinic.load().items()}, _state(clinic)

    def load_twice(prepare: Callable[[Clinic], object]) -> None:
        taken: list[bool] = []
        applies = first.applies
        monkeypatch.setattr(first, "applies", lambda *found: taken.append(applies(*found)) or taken[-1])
        accounts, ended = load(prepare)
        assert any(taken)
        monkeypatch.setattr(first, "applies", lambda *_: False)
        accounts_as_full, as_full = load(prepare)
        assert accounts_as_full == accounts
        assert [table for table in as_full if ended[table] != as_full[table]] == []

    return load_twice


@pytest.mark.parametrize("source", SOURCES)
def test_the_short_way_ends_as_the_full_one(
    source: str, load_both: Callable[[Callable[[Clinic], object]], None]
) -> None:
    load_both(SOURCES[source])


FORMATS = ("xlsx", "mer", "tab", "xml", "csv.gz", "csv.zip")


@pytest.mark.parametrize("turn", [0, 1])
def test_it_does_so_from_every_format(turn: int, load_both: Callable[[Callable[[Clinic], object]], None]) -> None:
    """Each export in another format, and each format in another one's turn; every export in every format: `test_matrix`."""

    def write_otherwise(clinic: Clinic) -> None:
        def write(name: str) -> None:
            clinic.ending = FORMATS[([*clinic.exports].index(name) + turn) % len(FORMATS)]  # type: ignore[attr-defined]
            WrittenOtherwise._write(clinic, name)  # type: ignore[arg-type]

        clinic._write = write  # type: ignore[method-assign]

    load_both(write_otherwise)


def test_a_table_with_a_row_of_its_own_takes_the_full_way(furnished: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    furnished.load("patients")
    furnished.execute("DELETE FROM nexus_assets.identity_patients")
    furnished.execute("DELETE FROM nexus_assets.load")
    monkeypatch.setattr(first, "read", None)
    assert furnished.load("patients")["patients"].account.healed["adopted"] == 2


@pytest.mark.commits
@pytest.mark.parametrize("is_read", [False, True], ids=["nobody reads it", "somebody reads it"])
def test_a_first_load_leaves_the_ledger_its_indexes_and_waits_for_no_reader(
    furnished: Clinic, *, is_read: bool
) -> None:
    with furnished.engine.connect() as reader:
        if is_read:
            reader.exec_driver_sql("SELECT FROM nexus_assets.identity_patients")
        furnished.load("patients")
    indexes = "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = %s::regclass ORDER BY 1"
    assert furnished.values(indexes, "nexus_assets.identity_patients") == [
        "nexus_assets.identity_patients_nexus_id_key",
        "nexus_assets.identity_patients_pkey",
    ]


@pytest.mark.parametrize("name", ["patients", "appointments", "notes"])
def test_parallel_workers_read_rows_as_a_whole(furnished: Clinic, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    plans: list[str] = []
    read = incoming.read

    def explained(cursor: Cursor, context: incoming.LoadContext) -> int:
        rows = read(cursor, context)
        _, select = incoming._incoming_sql(context).as_string(cursor).split(" AS\n", 1)
        many = SQL("INSERT INTO {0} (c0) SELECT repeat('x', 100) FROM generate_series(1, 20000); ANALYZE {0}")
        cursor.execute(many.format(context.source.table))
        cursor.execute("SET LOCAL max_parallel_workers_per_gather = 2")
        cursor.execute(f"EXPLAIN (COSTS OFF) {select}")
        plans.extend(line for (line,) in cursor.fetchmany(1))
        return rows

    if name != "patients":
        furnished.load("patients")
    monkeypatch.setattr(incoming, "read", explained)
    furnished.load(name)
    assert plans == ["Gather"]

"""The tables that stand for Nexus are the listed ones, in both namings, and hold what a living Nexus holds."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from importlib import resources
from typing import Any, get_args

import pytest
import sqlalchemy as sa

from nexus_assets.local import nexus_schema
from nexus_assets.local.nexus_models import MODELS, Naming, table_name
from nexus_assets.local.nexus_seed import SINCE

Listed = list[dict[str, str]]


@pytest.fixture(scope="module")
def listed() -> Listed:
    text = resources.files("nexus_assets.local").joinpath("nexus_schema.tsv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t"))


@pytest.fixture(scope="module", params=get_args(Naming))
def naming(request: pytest.FixtureRequest) -> Naming:
    chosen: Naming = request.param
    return chosen


@pytest.fixture(scope="module")
def nexus(naming: Naming, kept_database: Callable[[], str]) -> Iterator[sa.Connection]:
    """A connection to the created and seeded tables."""
    engine = sa.create_engine(kept_database(), poolclass=sa.NullPool)
    nexus_schema.create(engine, naming)
    with engine.begin() as connection:
        nexus_schema.seed(connection)
    with engine.connect() as connection:
        yield connection


def test_columns_are_the_listed_ones(nexus: sa.Connection, naming: Naming, listed: Listed) -> None:
    expected = {(table_name(c["table"], naming), c["column"], c["db_type"], c["null"]) for c in listed}
    tables = {table for table, *_ in expected}
    found = nexus.execute(
        sa.text("""
            SELECT table_name, column_name, is_nullable,
                   CASE data_type
                       WHEN 'character varying' THEN format('varchar(%s)', character_maximum_length)
                       WHEN 'numeric' THEN format('numeric(%s, %s)', numeric_precision, numeric_scale)
                       ELSE data_type
                   END AS db_type
            FROM information_schema.columns WHERE table_schema = 'public'
        """)
    )
    assert {
        (c.table_name, c.column_name, c.db_type, c.is_nullable) for c in found if c.table_name in tables
    } == expected


def test_no_column_has_a_default(nexus: sa.Connection) -> None:
    defaults = (
        "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public' AND column_default IS NOT NULL"
    )
    assert nexus.scalar(sa.text(defaults)) == 0


def test_foreign_keys_are_the_listed_ones_and_deferred(nexus: sa.Connection, naming: Naming, listed: Listed) -> None:
    expected = {
        (table_name(c["table"], naming), c["column"], table_name(c["fk_to"], naming), c["db_on_delete"])
        for c in listed
        if c["fk_to"]
    }
    tables = {table_name(c["table"], naming) for c in listed}
    found = {
        (table, key["constrained_columns"][0], key["referred_table"], _behaviour(key["options"]))
        for table in tables
        for key in sa.inspect(nexus).get_foreign_keys(table)
    }
    assert found == expected


def _behaviour(options: dict[str, Any]) -> str:
    assert options == {"deferrable": True, "initially": "DEFERRED"}  # ON DELETE would be listed too
    return "NO ACTION DEFERRABLE INITIALLY DEFERRED"


def test_unique_columns_are_the_listed_ones(nexus: sa.Connection, naming: Naming, listed: Listed) -> None:
    expected = {(table_name(c["table"], naming), c["column"]) for c in listed if c["unique"] == "True"}
    found = {(table, column) for table, column, *_ in _indexes(nexus, "indisunique AND indnkeyatts = 1")}
    tables = {table for table, _ in expected}
    assert {(table, column) for table, column in found if table in tables} == expected


def test_every_foreign_key_is_indexed(nexus: sa.Connection) -> None:
    indexed = {(table, column) for table, column, *_ in _indexes(nexus, "true")}
    keys = nexus.execute(
        sa.text("""
            SELECT conrelid::regclass::text AS source, attname
            FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1] WHERE contype = 'f'
        """)
    )
    assert {(key.source, key.attname) for key in keys} <= indexed


def test_indexes_carry_the_names_that_django_gives_them(nexus: sa.Connection) -> None:
    names = {name for *_, name in _indexes(nexus, "true")}
    # Known from every Django database there is.
    assert {"auth_user_username_6821ab7c_like", "django_content_type_app_label_model_76bd3d3b_uniq"} <= names


def _indexes(nexus: sa.Connection, condition: str) -> Iterator[tuple[str, str, str]]:
    """Yields table, first column and name of each index."""
    for index in nexus.execute(
        sa.text(f"""
            SELECT indrelid::regclass::text AS source, attname, indexrelid::regclass::text AS name
            FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
            WHERE indrelid::regclass::text NOT LIKE 'pg\\_%' AND {condition}
        """)
    ):
        yield index.source, index.attname, index.name


def test_content_types_are_the_listed_ones_under_ids_that_cannot_be_guessed(nexus: sa.Connection) -> None:
    found = {(row.app_label, row.model): row.id for row in nexus.execute(sa.text("SELECT * FROM django_content_type"))}
    assert sorted(found) == sorted(MODELS.values())
    assert min(found.values()) > 1
    assert sorted(found.values()) != list(found.values())
    assert max(found.values()) > len(found)


def test_every_table_of_the_schema_has_a_model(listed: Listed) -> None:
    assert {c["table"] for c in listed} <= MODELS.keys()


def test_the_next_content_type_gets_an_id_of_its_own(nexus: sa.Connection) -> None:
    added = nexus.scalar(
        sa.text("INSERT INTO django_content_type (app_label, model) VALUES ('later', 'thing') RETURNING id")
    )
    assert added == nexus.scalar(sa.text("SELECT max(id) FROM django_content_type"))
    nexus.rollback()


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("clinics", 6),
        ("clinicians", 5),
        ("appointment_types", 8),
        ("funding_sources", 6),
        ("auth_user", 1),
        ("patients", 0),
    ],
)
def test_a_living_nexus_holds_its_own_rows(nexus: sa.Connection, naming: Naming, table: str, rows: int) -> None:
    name = sa.table(table_name(table, naming))
    assert nexus.scalar(sa.select(sa.func.count()).select_from(name)) == rows


def test_a_note_may_come_before_its_patient_within_a_transaction(nexus: sa.Connection, naming: Naming) -> None:
    tables = nexus_schema.metadata(naming).tables
    notes = tables[table_name("notes", naming)]
    patient = "7f3e3c7c-2f7e-4a54-8f0b-6f6f3f6d9d01"
    note = {"id": patient, "patient_id": patient, "note_type": "other", "content": "-"}
    nexus.execute(notes.insert(), {**note, "created_at": SINCE, "updated_at": SINCE})
    with pytest.raises(sa.exc.IntegrityError):
        nexus.commit()
    nexus.rollback()

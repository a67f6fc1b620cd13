"""What the database refuses, told so that the right thing is done next: tried again, or corrected."""

from __future__ import annotations

import psycopg2
import pytest
import sqlalchemy as sa

from nexus_assets.errors import NexusAssetsError
from nexus_assets.nexus.connection import DatabaseError, make_engine, sanitized_errors, transaction


def test_error_of_the_driver_itself_is_no_lost_connection(database: str) -> None:
    """It would be tried again, and the server be looked at, in vain."""
    told = "could not be used: ProgrammingError"
    with pytest.raises(DatabaseError, match=told) as refused, transaction(make_engine(database)) as cursor:
        cursor.execute("SELECT %s", (object(),))
    assert not refused.value.transient


@pytest.mark.parametrize(("strings", "connections"), [("on", 1), ("off", 2)])
def test_it_connects_again_only_where_strings_are_quoted_otherwise(
    strings: str, connections: int, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, opened, connect = sa.make_url(database).database, [], psycopg2.connect
    with psycopg2.connect(database.replace("+psycopg2", "")) as connection, connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} SET standard_conforming_strings = {strings}")
    monkeypatch.setattr(psycopg2, "connect", lambda **given: opened.append(given) or connect(**given))
    with transaction(make_engine(database)) as cursor:
        cursor.execute("SELECT %s", ("a\\b",))
        assert cursor.fetchall() == [("a\\b",)]
    assert len(opened) == connections


def test_server_without_a_free_connection_says_so_and_is_tried_again(database: str) -> None:
    name = sa.make_url(database).database
    with psycopg2.connect(database.replace("+psycopg2", "")) as connection, connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
    with pytest.raises(DatabaseError, match="no connection left") as refused, transaction(make_engine(database)):
        pass
    assert refused.value.transient


def test_a_password_with_an_at_sign_is_taken_for_no_host() -> None:
    with pytest.raises(NexusAssetsError, match=r"holds an @.*%40") as refused:
        make_engine("postgresql://nexus:wattle@wren@127.0.0.1:5432/nexus")
    assert "wren" not in str(refused.value)
    assert make_engine("postgresql://nexus:wattle%40wren@127.0.0.1/nexus").url.password == "wattle@wren"


def test_a_connection_that_breaks_is_told_in_one_sentence(database: str, caplog: pytest.LogCaptureFixture) -> None:
    with (
        pytest.raises(DatabaseError, match=r"connection broke|admin shutdown") as broke,
        transaction(make_engine(database)) as cursor,
    ):
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert broke.value.transient
    assert caplog.records == []


def test_what_a_trigger_says_is_not_repeated(database: str) -> None:
    """It may quote a cell, under the code of an error that quotes names alone."""
    with (
        pytest.raises(DatabaseError, match="insufficient privilege") as refused,
        transaction(make_engine(database)) as cursor,
    ):
        cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'bad %', 'Wattle' USING ERRCODE = '42501'; END $$")
    assert "Wattle" not in str(refused.value)


def test_names_are_those_of_the_catalogue(nexus_database: str) -> None:
    """A trigger may put a cell in the place of a name."""
    raised = "RAISE EXCEPTION 'no' USING ERRCODE = '23514', TABLE = 'patients', COLUMN = 'Wattle 3/7/1950', CONSTRAINT = 'Wren'"
    with pytest.raises(DatabaseError) as refused, transaction(make_engine(nexus_database)) as cursor:
        cursor.execute(f"DO $$ BEGIN {raised}; END $$")
    assert "check violation [23514], table patients." in str(refused.value)


def test_names_of_a_constraint_are_told(nexus_database: str) -> None:
    with pytest.raises(DatabaseError) as refused, transaction(make_engine(nexus_database)) as cursor:
        cursor.execute("INSERT INTO notes (id) VALUES (gen_random_uuid())")
    assert "not null violation [23502], table notes, column " in str(refused.value)


@pytest.mark.parametrize(
    ("constraint", "definition"),
    [
        (
            "ALTER TABLE notes ADD CONSTRAINT one EXCLUDE (created_by WITH =)",
            "which is EXCLUDE USING btree (created_by WITH =)",
        ),
        (
            "CREATE UNIQUE INDEX one ON notes (lower(created_by)) WHERE note_type = 'other'",
            "which is CREATE UNIQUE INDEX one ON public.notes USING btree (lower(",
        ),
    ],
    ids=["exclusion constraint", "unique index of an expression"],
)
def test_what_a_constraint_demands_is_told_and_what_to_do(
    nexus_database: str, constraint: str, definition: str
) -> None:
    engine = make_engine(nexus_database)
    with transaction(engine) as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'notes' AND is_nullable = 'NO'"
        )
        for (column,) in cursor.fetchall():
            if column != "id":
                cursor.execute(f'ALTER TABLE notes ALTER COLUMN "{column}" DROP NOT NULL')
        cursor.execute(constraint)
    with pytest.raises(DatabaseError) as refused, transaction(engine) as cursor:
        cursor.execute(
            "INSERT INTO notes (id, created_by, note_type) SELECT gen_random_uuid(), 'Wattle', 'other' FROM generate_series(1, 2)"
        )
    assert f"table notes, constraint one, {definition}" in str(refused.value)
    assert "correct it in FileMaker, export and load again" in refused.value.remedy
    assert "Wattle" not in str(refused.value)


def test_an_error_of_a_statement_does_not_quote_its_parameters() -> None:
    assert make_engine("postgresql://nexus:x@127.0.0.1:1/nexus").hide_parameters


def test_an_error_of_the_database_is_told_alike_by_sqlalchemy_and_by_the_driver(database: str) -> None:
    engine = make_engine(database)
    told = r"undefined table \[42P01\]"
    with pytest.raises(DatabaseError, match=told), transaction(engine) as cursor:
        cursor.execute("SELECT FROM absent")
    with pytest.raises(DatabaseError, match=told), sanitized_errors(engine), engine.connect() as connection:
        connection.execute(sa.text("SELECT FROM absent"))

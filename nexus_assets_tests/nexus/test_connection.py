"""What the database refuses, told so that the right thing is done next: tried again, or corrected."""

from __future__ import annotations

import time

import psycopg2
import pytest
import sqlalchemy as sa

from nexus_assets.errors import NexusAssetsError
from nexus_assets.nexus.connection import DatabaseError, kept_connections, make_engine, sanitized_errors, transaction


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


@pytest.mark.parametrize(
    ("state", "advice"), [("53100", "Make room on"), ("53200", "too little memory free"), ("53400", "temp_file_limit")]
)
def test_what_a_server_has_too_little_of_is_told_with_what_helps(nexus_database: str, state: str, advice: str) -> None:
    with pytest.raises(DatabaseError) as refused, transaction(make_engine(nexus_database)) as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$")
    assert advice in refused.value.remedy


def test_an_error_of_a_statement_does_not_quote_its_parameters() -> None:
    assert make_engine("postgresql://nexus:x@127.0.0.1:1/nexus").hide_parameters


def test_an_error_of_the_database_is_told_alike_by_sqlalchemy_and_by_the_driver(database: str) -> None:
    engine = make_engine(database)
    told = r"undefined table \[42P01\]"
    with pytest.raises(DatabaseError, match=told), transaction(engine) as cursor:
        cursor.execute("SELECT FROM absent")
    with pytest.raises(DatabaseError, match=told), sanitized_errors(engine), engine.connect() as connection:
        connection.execute(sa.text("SELECT FROM absent"))


def server_process(database: str, **how: bool) -> int:
    """The server process that a transaction of its own talks to."""
    with transaction(make_engine(database), **how) as cursor:  # type: ignore[arg-type]
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchall()[0][0])


def run(database: str, statement: str) -> None:
    with psycopg2.connect(database.replace("+psycopg2", "")) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def none_is_left(database: str) -> bool:
    """Whether no connection is left a moment after it was closed, which the server learns later than its client."""
    deadline = time.monotonic() + 20
    while connections_of(database) and time.monotonic() < deadline:
        time.sleep(0.05)
    return connections_of(database) == 0


def connections_of(database: str) -> int:
    with psycopg2.connect(database.replace("+psycopg2", "")) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'nexus_assets'"
        )
        ((number,),) = cursor.fetchall()
    connection.close()
    return int(number)


class TestKeptConnections:
    def test_one_transaction_leaves_its_connection_to_the_next(self, database: str) -> None:
        with kept_connections():
            with kept_connections():
                first = server_process(database, read_only=True, commit=False)
            assert [server_process(database), server_process(database, commit=False)] == [first] * 2
            assert connections_of(database) == 1
        assert none_is_left(database)
        assert server_process(database) != server_process(database)

    def test_two_transactions_at_once_have_two(self, database: str) -> None:
        with kept_connections(), transaction(make_engine(database)) as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            assert cursor.fetchall() != [(server_process(database),)]

    def test_one_that_the_server_ended_is_opened_again(self, database: str) -> None:
        with kept_connections():
            first = server_process(database)
            run(database, f"SELECT pg_terminate_backend({first}, 5000)")
            assert server_process(database) != first

    def test_nothing_of_a_transaction_reaches_the_next(self, database: str) -> None:
        engine = make_engine(database)
        with kept_connections():
            with transaction(engine, lock="one") as cursor:
                cursor.execute("CREATE TABLE kept (n int); SET LOCAL lock_timeout = '7s'")
            with transaction(engine, read_only=True, commit=False) as cursor:
                cursor.execute("SHOW transaction_read_only")
                assert cursor.fetchall() == [("on",)]
            with transaction(engine, commit=False) as cursor:
                cursor.execute("INSERT INTO kept VALUES (1)")
            with pytest.raises(DatabaseError), transaction(engine) as cursor:
                cursor.execute("INSERT INTO kept VALUES (2); SELECT 1/0")
            with transaction(engine) as cursor:
                cursor.execute(
                    "SELECT (SELECT count(*) FROM kept), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')"
                )
                assert cursor.fetchall() == [(0, 0)]
                cursor.execute("SHOW lock_timeout")
                assert cursor.fetchall() == [("30s",)]
                cursor.execute("SHOW transaction_isolation")
                assert cursor.fetchall() == [("repeatable read",)]

    def test_a_database_that_may_only_be_read_stays_so(self, database: str) -> None:
        run(database, f"ALTER DATABASE {sa.make_url(database).database} SET default_transaction_read_only = on")
        with kept_connections():
            server_process(database, read_only=True)
            with pytest.raises(NexusAssetsError, match="default_transaction_read_only"):
                server_process(database)

    def test_a_transaction_that_failed_leaves_none(self, database: str) -> None:
        with kept_connections():
            with pytest.raises(DatabaseError), transaction(make_engine(database)) as cursor:
                cursor.execute("SELECT 1/0")
            assert none_is_left(database)

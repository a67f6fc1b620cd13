"""What the database refuses, told so that the right thing is done next: tried again, or mended."""

from __future__ import annotations

import psycopg2
import pytest
import sqlalchemy as sa

from nexus_assets.database import DatabaseError, make_engine, transaction


def test_error_of_the_driver_itself_is_no_lost_connection(database: str) -> None:
    """It would be tried again, and the server be looked at, in vain."""
    told = "could not be used: ProgrammingError"
    with pytest.raises(DatabaseError, match=told) as refused, transaction(make_engine(database)) as cursor:
        cursor.execute("SELECT %s", (object(),))
    assert not refused.value.transient


def test_server_without_a_free_connection_says_so_and_is_tried_again(database: str) -> None:
    name = sa.make_url(database).database
    with psycopg2.connect(database.replace("+psycopg2", "")) as connection, connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
    with pytest.raises(DatabaseError, match="no connection left") as refused, transaction(make_engine(database)):
        pass
    assert refused.value.transient


def test_what_a_trigger_says_is_not_repeated(database: str) -> None:
    """It may quote a cell, under the code of an error that quotes names alone."""
    with (
        pytest.raises(DatabaseError, match="insufficient privilege") as refused,
        transaction(make_engine(database)) as cursor,
    ):
        cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'bad %', 'Wattle' USING ERRCODE = '42501'; END $$")
    assert "Wattle" not in str(refused.value)

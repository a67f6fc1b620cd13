"""A database with the parsers of parse.sql, for all tests of reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from importlib.resources import files
from typing import Any

import psycopg2
import pytest
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.mapping.parse import EXCEL_EPOCH, Conditions, Field, Parser, Reading

TODAY = date(2026, 3, 2)
READING = Reading("Australia/Sydney", TODAY)

Ask = Callable[..., Any]


def code(name: str) -> str:
    return files("nexus_assets.mapping").joinpath(name).read_text("utf-8")


@pytest.fixture(scope="session")
def parsers(kept_database: Callable[..., str]) -> Iterator[Any]:
    """A connection to a database that has the parsers."""
    connection = psycopg2.connect(kept_database().replace("+psycopg2", ""))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA nexus_assets; SET timezone = 'UTC'")
        cursor.execute(code("parse.sql"))
        cursor.execute(code("parse_uuid_14.sql").replace("read_uuid", "read_uuid_14"))
        cursor.execute(code("parse_uuid_16.sql"))
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def ask(parsers: Any) -> Ask:
    """Asks the database for one value."""

    def answer(statement: str, *parameters: Any) -> Any:
        with parsers.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return cursor.fetchone()[0]

    return answer


Read = Callable[..., Any]


@pytest.fixture(scope="session")
def read(parsers: Any) -> Read:
    """Reads texts as a load does: `read(parser, "3/18/2024", …)` gives the value, whatever else the parser has to say after it.

    Returns (value, reject reasons, notices).
    """

    def answer(parser: Parser, *texts: str | None, date_order: str = "mdy") -> tuple[Any, list[str], list[str]]:
        fields = [
            Field(Identifier("source", f"c{at}"), Identifier(f"dates_{at}"), Identifier(f"times_{at}"))
            for at in range(len(texts))
        ]
        columns = SQL(", ").join(
            SQL("{}::text AS {}").format(Literal(text), Identifier(f"c{at}")) for at, text in enumerate(texts)
        )
        joins = [
            SQL(
                "CROSS JOIN LATERAL (SELECT c AS raw, nexus_assets.read_date(c, {order}, {today}, {epoch}) AS value"
                " FROM (SELECT CASE WHEN nexus_assets.read_text({raw}) IS NOT NULL THEN {raw} END) AS given(c)) AS {dates}"
                " CROSS JOIN LATERAL (SELECT c AS raw, nexus_assets.read_time(c) AS value"
                " FROM (SELECT CASE WHEN nexus_assets.read_text({raw}) IS NOT NULL THEN {raw} END) AS given(c)) AS {times}"
            ).format(
                order=Literal(date_order),
                today=Literal(TODAY),
                epoch=Literal(EXCEL_EPOCH),
                raw=source.raw,
                dates=source.dates,
                times=source.times,
            )
            for source in fields
        ]
        query = SQL("SELECT {value}, {reasons}, {notices} FROM (SELECT {columns}) AS source {joins}").format(
            value=parser.value(fields, READING),
            reasons=_holding(parser.unreadable(fields, READING)),
            notices=_holding(parser.notices(fields, READING)),
            columns=columns if texts else SQL("1"),
            joins=SQL(" ").join(joins),
        )
        with parsers.cursor() as cursor:
            cursor.execute(query)
            value, reasons, notices = cursor.fetchone()
            return value, reasons, notices

    return answer


def _holding(conditions: Conditions) -> Composable:
    """The codes whose condition holds, as a text array."""
    parts = [SQL("CASE WHEN {} THEN {}::text END").format(condition, Literal(code)) for code, condition in conditions]
    return SQL("array_remove(ARRAY[{}]::text[], NULL)").format(SQL(", ").join(parts))

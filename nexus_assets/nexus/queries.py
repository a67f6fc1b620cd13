"""The answers of queries that always have one: a row, a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import Composable

Parameters = Mapping[str, Any] | Sequence[Any] | None


def row(cursor: Cursor, statement: str | Composable, parameters: Parameters = None) -> tuple[Any, ...]:
    """The one row that the statement answers."""
    cursor.execute(statement, parameters)
    (answer,) = cursor.fetchall()
    return tuple(answer)


def number(cursor: Cursor, statement: str | Composable, parameters: Parameters = None) -> int:
    """The one number that the statement answers."""
    (answer,) = row(cursor, statement, parameters)
    return int(answer)


def yes(cursor: Cursor, statement: str | Composable, parameters: Parameters = None) -> bool:
    """Whether the statement answers true."""
    (answer,) = row(cursor, statement, parameters)
    return bool(answer)

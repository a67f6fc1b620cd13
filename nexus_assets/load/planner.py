"""What the planner can't know: the rows that this very transaction wrote are in no statistics yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg2.extensions import cursor as Cursor


@contextmanager
def without_nested_loops(cursor: Cursor) -> Iterator[None]:
    """Has tables joined as wholes meanwhile: of a table that seems empty every row would be looked up separately.

    Among 150,000 notes that took seven minutes, and half of the time of a load of documents.
    """
    cursor.execute("SET LOCAL enable_nestloop = off")
    yield
    cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")

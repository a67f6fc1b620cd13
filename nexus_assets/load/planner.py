"""Settings for PostgreSQL's planner, which has no statistics yet of the rows that this very transaction wrote."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg2.extensions import cursor as Cursor


def tune(cursor: Cursor) -> None:
    """Sets the planner up for a load, until the end of the transaction."""
    # The tables of a load are asked a few plain questions: a tenth of the usual sample plans those as well. Joins of a hundred
    # thousand rows then stay in memory: a tenth of a load's time. What is done to a row (hashing, reading dates and ids) costs
    # far more than handing it from a parallel worker on. What is looked up by an index has just been read as a whole.
    cursor.execute(
        "SET LOCAL default_statistics_target = 10; SET LOCAL work_mem = '64MB'; SET LOCAL parallel_tuple_cost = 0.005;"
        " SET LOCAL min_parallel_table_scan_size = '1MB'; SET LOCAL random_page_cost = 1.1"
    )


@contextmanager
def without_nested_loops(cursor: Cursor) -> Iterator[None]:
    """Has tables joined as wholes meanwhile: of a table that seems empty every row would be looked up separately.

    Among 150,000 notes that took seven minutes, and half of the time of a load of documents.
    """
    cursor.execute("SET LOCAL enable_nestloop = off")
    yield
    cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")


@contextmanager
def sorted_groups(cursor: Cursor) -> Iterator[None]:
    """Has rows sorted into their groups meanwhile, where nearly every row is a group of its own: parallel workers share the sorting,
    and none would share a hash table. Among 380,000 rows that takes a quarter less.
    """
    cursor.execute("SET LOCAL enable_hashagg = off")
    yield
    cursor.execute("SET LOCAL enable_hashagg TO DEFAULT")

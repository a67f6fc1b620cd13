"""The threshold of Python's garbage collector in a process that has imported Dagster, boto3 and SQLAlchemy."""

from __future__ import annotations

import gc

THRESHOLD = 10_000
"""New objects before a collection. With Python's default of 700, some ten full collections went through the 300,000 objects of
what was imported: a quarter of the time of a load or a plan of the demo clinic. They freed nothing, and peak memory is the same."""


def raise_threshold() -> None:
    """Raises it for the rest of this process's life."""
    gc.set_threshold(THRESHOLD)

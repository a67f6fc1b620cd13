"""Memory settings of a process that has imported Dagster, boto3 and SQLAlchemy: its garbage collector and its heaps."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

THRESHOLD = 10_000
"""New objects before a collection. With Python's default of 700, some ten full collections went through the 300,000 objects of
what was imported: a quarter of the time of a load or a plan of the demo clinic. They freed nothing, and peak memory is the same."""

M_ARENA_MAX = -8
"""The option of mallopt(3) for how many heaps there are. By default each thread of Dagster and boto3 can get one of its own, which
keeps what was freed in it: 5 MB of a run of the demo clinic."""


def tune() -> None:
    """Sets both for the rest of this process's life; the second on Linux with glibc only."""
    gc.set_threshold(THRESHOLD)
    with suppress(AttributeError, OSError, TypeError):  # no glibc
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)

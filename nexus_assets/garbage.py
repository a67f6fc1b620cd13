"""How often Python looks for garbage in a process that has imported Dagster, boto3 and SQLAlchemy."""

from __future__ import annotations

import gc

AFTER_OBJECTS = 10_000
"""So many objects more. After 700, as by default, ten looks at the 300,000 objects of what was imported took a quarter of the
time of a load or a plan of the demo clinic, and found nothing; memory is the same."""


def look_seldom() -> None:
    """For the rest of this process's life."""
    gc.set_threshold(AFTER_OBJECTS)

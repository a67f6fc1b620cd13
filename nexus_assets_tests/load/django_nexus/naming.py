"""What the tables are called: as in Nexus today, or as Django names them by itself (the Nexus of the incident)."""

import os

DJANGO = os.environ["NEXUS_NAMING"] == "django"


def table(name: str) -> str:
    """Django takes an empty name for its own."""
    return "" if DJANGO else name

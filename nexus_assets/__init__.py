"""FileMaker exports and a clinic's image bucket, made right, linked, checked rows in Nexus, as often as you like.

Read in the order in which the data flows: `sources` (what arrives), `mapping` and `entities` (what each table is), `load`
(how it reaches its table), `checks`, `alerts`, `report`; `definitions` puts them together for Dagster, `cli` for a terminal;
`local` is a real PostgreSQL, a real S3 server and an invented clinic to try it all on.
"""

from __future__ import annotations

from importlib import import_module


def __getattr__(name: str) -> object:
    # Importing the definitions takes seconds, and most users of this package need only a part of it.
    if name == "defs":
        return import_module("nexus_assets.definitions").defs
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

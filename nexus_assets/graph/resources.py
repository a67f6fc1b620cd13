"""The outside world as Dagster resources.

A field of a resource could be set in the config of a run, by anybody who can launch one; so none of them has a field, and Dagster
refuses a run whose config names one.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import PrivateAttr

from nexus_assets import resources
from nexus_assets.errors import NexusAssetsError

if TYPE_CHECKING:
    from nexus_assets.sources.s3 import KeptListing

HISTORY_SECONDS, HISTORY_CONNECTIONS = 5, 20
"""How long a run uses one connection to a history in PostgreSQL, and how many at once. Dagster opens one for each event and
question otherwise, 1,400 in a run of the whole graph: more than half of what that takes of the processor, the server's included.
One that is older may have been closed meanwhile by what stands between."""


class NexusDatabase(dg.ConfigurableResource, resources.NexusDatabase):  # type: ignore[type-arg]
    """The Nexus database."""


class FileMakerExports(dg.ConfigurableResource, resources.FileMakerExports):  # type: ignore[type-arg]
    """FileMaker's tables: exports in a folder or under an s3:// prefix, found by name, or the layouts of a hosted database."""


class ClinicBucket(dg.ConfigurableResource, resources.ClinicBucket):  # type: ignore[type-arg]
    """The bucket with the clinic's image and document files."""

    # pydantic does not call the other __init__.
    _listed: dict[tuple[str, str], Future[KeptListing]] = PrivateAttr(default_factory=dict)
    _made_client: Any = PrivateAttr(default=None)


class Notifier(dg.ConfigurableResource, resources.Notifier):  # type: ignore[type-arg]
    """Where alerts are sent. Addresses hold passwords: they are read from the environment, and shown nowhere."""


class NoStoredValues(dg.ConfigurableIOManager):
    """Assets hand each other nothing but what lies in the database. Dagster's default would store values as pickles, in a
    folder that the config of a run names."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[NoStoredValues]:
        """Itself, for the time of a run; connections to the database and the history stay open meanwhile."""
        from nexus_assets.nexus.connection import kept_connections

        if context.instance is not None:
            # Dagster calls it after its first user, the web server: pooled connections. Over SQLite it changes nothing.
            context.instance.optimize_for_webserver(
                statement_timeout=0, pool_recycle=HISTORY_SECONDS, max_overflow=HISTORY_CONNECTIONS
            )
        with kept_connections():
            yield self

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        raise NexusAssetsError(f"{context.step_key} returned a {type(obj).__name__}: nothing is stored outside Nexus.")

    def load_input(self, context: dg.InputContext) -> object:
        raise NexusAssetsError(f"{context.name} was asked for, but no value is stored outside Nexus.")

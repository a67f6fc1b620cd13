"""The benchmark's own PostgreSQL: databases made and dropped at will, and the processor's time that work takes in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from nexus_assets.local import nexus_schema
from nexus_assets.local.postgres import Postgres
from nexus_assets_tests.bench.loads import Taken, measured, run_alone

PARTING_SECONDS = 0.2
"""A connection's process on the server ends a moment after its client, and is counted then."""


class Server:
    """A PostgreSQL with the settings of the local one."""

    def __init__(self, folder: Path) -> None:
        self._postgres = Postgres(folder / "postgres")
        self._numbers = iter(range(1_000_000))

    def __enter__(self) -> Server:
        self._postgres.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._postgres.stop()

    def new(self, template: str | None = None) -> str:
        """The URL of a new database, empty or a copy of another one."""
        name = f"bench_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {_name(template) if template else 'template0'}")
        return self._postgres.url(name)

    def new_nexus(self) -> str:
        """The URL of a new Nexus: clinics, content types and so on, but no patient."""
        url = self.new()
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        nexus_schema.create(engine)
        with engine.begin() as connection:
            nexus_schema.seed(connection)
        return url

    def drop(self, url: str) -> None:
        """Drops the database."""
        self._run(f"DROP DATABASE {_name(url)} WITH (FORCE)", admin=True)

    @contextmanager
    def copy_of(self, template: str) -> Iterator[str]:
        """The URL of a copy that is dropped at the end."""
        url = self.new(template)
        # What a copied database has on disk must not be written in the time of whoever comes next.
        self._run("CHECKPOINT", admin=True)
        try:
            yield url
        finally:
            self.drop(url)

    def stop_autovacuum(self) -> None:
        """Stops the server's own workers: their processor time would be counted with what is measured, in one run and not in the next."""
        self._run("ALTER SYSTEM SET autovacuum = off", admin=True)
        self._run("SELECT pg_reload_conf()", admin=True)

    def measured(self, work: Callable[..., int], *arguments: Any) -> Taken:
        """What the work takes, here and in the server; nobody else uses that meanwhile."""
        before = self._spent()
        taken = measured(work, *arguments)
        return replace(taken, server_seconds=self._spent() - before)

    def seconds_of(self, work: Callable[..., None], *arguments: Any) -> float:
        """The processor's time that the work takes in the server; it must leave no connection open."""
        before = self._spent()
        work(*arguments)
        return self._spent() - before

    def _spent(self) -> float:
        time.sleep(PARTING_SECONDS)
        return self._postgres.processor_seconds()

    def _run(self, statement: str, *, admin: bool = False) -> None:
        run_alone(self._postgres.admin_url() if admin else self._postgres.url(), statement)


def _name(url: str) -> str:
    return str(sa.make_url(url).database)

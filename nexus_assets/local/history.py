"""Dagster's history in SQLite files, as Dagster itself keeps it, over connections that stay open.

Dagster's own storage opens a connection for each event and each question, and closes it again: in a run of the whole graph
1,400 times, a third of the run's processor time. What the files hold, and where they lie, is the same; either storage reads what
the other one wrote.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from dagster import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData

FILES_OPEN = 4
"""Of how many files connections stay open: that of all runs, and those of the runs that were asked for last."""

BUSY_SECONDS = 30
"""How long to wait for another process that writes, as Dagster does."""


class _Engines:
    """The engines of the files that were used last. One is made anew where its file was removed or replaced meanwhile, and in another
    process than the one that made it: SQLite forbids to use or to close there what a fork took along."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken_along: list[object] = []
        self._pid = os.getpid()
        self._made: dict[str, tuple[int | None, sa.Engine]] = {}

    def kept(self, path: str) -> sa.Engine | None:
        """The engine of a file; None where there is none yet."""
        with self._lock:
            file, engine = self._of_this_process().pop(path, (None, None))
            if engine is None:
                return None
            if file != _inode(path):
                # Before another file has the name: a connection that is closed removes the log that lies beside the name.
                engine.dispose()
                return None
            self._made[path] = file, engine  # the one used last
            return engine

    def keep(self, path: str) -> sa.Engine:
        """A new engine of a file that is there."""
        with self._lock:
            made = self._of_this_process()
            made[path] = _inode(path), _engine(path)
            while len(made) > FILES_OPEN:
                made.pop(next(iter(made)))[1].dispose()
            return made[path][1]

    def dispose(self) -> None:
        """Closes what is open; what is asked for after that is opened again."""
        with self._lock:
            for _, engine in self._of_this_process().values():
                engine.dispose()
            self._made.clear()

    def _of_this_process(self) -> dict[str, tuple[int | None, sa.Engine]]:
        if self._pid != os.getpid():
            self._taken_along.append(self._made)
            self._pid, self._made = os.getpid(), {}
        return self._made


def _inode(path: str) -> int | None:
    """Which file has the name now; None where there is none."""
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return None


def _engine(path: str) -> sa.Engine:
    # As many threads as there are may hold a connection at once, and one of them is kept.
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=path),
        pool_size=1,
        max_overflow=-1,
        connect_args={"timeout": BUSY_SECONDS},
    )

    # Nobody waits for the disk after each event. Dagster's files have a write-ahead log: a failure of power takes the last events at
    # most, and damages no file (https://sqlite.org/pragma.html#pragma_synchronous); what a load did, the ledger knows.
    @sa.event.listens_for(engine, "connect")
    def _(connection: Any, _: object) -> None:
        connection.execute("PRAGMA synchronous = NORMAL")

    return engine


class EventLog(SqliteEventLogStorage):
    """The events: a file for each run, and one for what is asked about all runs."""

    def __init__(self, base_dir: str) -> None:
        self._engines = _Engines()
        self._one_at_a_time = threading.Lock()
        self._held: set[tuple[sa.Engine, str]] = set()
        super().__init__(base_dir)

    @contextmanager
    def run_connection(self, run_id: str | None = None) -> Iterator[sa.Connection]:
        """A transaction on the file of a run."""
        assert run_id is not None
        engine = self._engine(run_id)
        with self._one_at_a_time, engine.begin() as connection:
            yield connection

    def index_connection(self) -> Any:
        """A transaction on the file of all runs."""
        return self.run_connection(INDEX_SHARD_NAME)

    def store_event(self, event: EventLogEntry) -> None:
        """Keeps an event, and has the pages that show its run look again: they wait for a change of the file, which SQLite's log
        reaches when its last connection is closed."""
        super().store_event(event)
        os.utime(self.path_for_shard(event.run_id))

    def has_table(self, table_name: str) -> bool:
        """Whether the file of all runs has a table; Dagster asks for each event, some of them within a transaction."""

        def ask() -> bool:
            with self._engine(INDEX_SHARD_NAME).connect() as connection:
                return sa.inspect(connection).has_table(table_name)

        return self._holds(f"table {table_name}", ask)

    def has_secondary_index(self, name: str) -> bool:
        """Whether Dagster has built an index over the file of all runs; it asks several times for each asset."""
        return self._holds(f"index {name}", lambda: super(EventLog, self).has_secondary_index(name))

    def _holds(self, what: str, ask: Callable[[], bool]) -> bool:
        """Whether the file of all runs holds something, which it then keeps."""
        found = self._engine(INDEX_SHARD_NAME), what
        if found not in self._held and ask():
            self._held.add(found)
        return found in self._held

    def _engine(self, shard: str) -> sa.Engine:
        path = self.path_for_shard(shard)
        engine = self._engines.kept(path)
        if engine is None:
            if not os.path.exists(path):
                self._initialized_dbs.discard(shard)
            with super().run_connection(shard):  # which creates its tables, unless another process has
                engine = self._engines.keep(path)
        return engine

    def dispose(self) -> None:
        super().dispose()
        self._engines.dispose()


class Runs(SqliteRunStorage):
    """The runs, in one file."""

    def __init__(self, conn_string: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines = _Engines()
        super().__init__(conn_string, inst_data)

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """A transaction."""
        path = sa.make_url(self._conn_string).database
        assert path is not None
        with (self._engines.kept(path) or self._engines.keep(path)).begin() as connection:
            yield connection

    def dispose(self) -> None:
        super().dispose()
        self._engines.dispose()


class SqliteHistory(DagsterSqliteStorage):
    """For `storage: custom:` in dagster.yaml, with DAGSTER_HOME as `base_dir`, in which the files lie where Dagster puts them."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self.base_dir = os.path.expanduser(base_dir)
        history = os.path.join(self.base_dir, "history", "")
        self._run_storage = Runs.from_local(history)
        self._event_log_storage = EventLog(os.path.join(history, "runs", ""))
        self._schedule_storage = SqliteScheduleStorage.from_local(os.path.join(self.base_dir, "schedules", ""))
        self._inst_data = inst_data
        super(DagsterSqliteStorage, self).__init__()  # type: ignore[no-untyped-call]

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> SqliteHistory:
        return cls.from_local(inst_data=inst_data, **config_value)

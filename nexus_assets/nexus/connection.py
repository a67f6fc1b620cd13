"""The one place that opens the Nexus database: its URL, its transactions, and errors that carry no patient data."""

from __future__ import annotations

import os
import re
import select
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

import psycopg2
import sqlalchemy
from psycopg2 import errorcodes
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from sqlalchemy.exc import SQLAlchemyError

from nexus_assets.errors import NexusAssetsError
from nexus_assets.nexus import refusals, session
from nexus_assets.nexus.hung import Watch
from nexus_assets.nexus.relations import CatalogCursor
from nexus_assets.wire import database_tls

CONNECT: dict[str, Any] = {
    "application_name": "nexus_assets",
    "client_encoding": "utf8",
    "connect_timeout": 10,
    # A server whose machine is gone is noticed within a minute, idle or in the middle of an answer.
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""libpq's parameters of every connection, where NEXUS_DATABASE_URL does not say otherwise."""

TRANSIENT_CLASSES = ("08", "40", "53", "55P03", "57P")
"""SQLSTATE classes of what may be transient: connection, serialisation and deadlock, resources, a held lock, shutdown."""


class DatabaseError(NexusAssetsError):
    """What the database refused, in words without any row's content."""


_FORM = "Write it as postgresql://user:password@host:5432/database (@ in user or password as %40, % as %25)."


def database_url(url: str) -> sqlalchemy.URL:
    """Any postgres:// or postgresql:// URL as SQLAlchemy's for psycopg2 (SQLAlchemy 2.1 takes the bare one for psycopg 3)."""
    try:
        parsed = sqlalchemy.make_url(url)
    except (SQLAlchemyError, ValueError):  # their texts quote the URL, the second a part of a password taken for a port
        raise NexusAssetsError("NEXUS_DATABASE_URL is not a database URL.", remedy=_FORM) from None
    if parsed.get_backend_name() not in ("postgres", "postgresql"):
        raise NexusAssetsError(
            "NEXUS_DATABASE_URL does not name a PostgreSQL database, where Nexus lives.", remedy=_FORM
        )
    if "@" in (parsed.host or ""):
        # What stands before the last @ may be the rest of a password: it must not be taken for a host, which is shown.
        raise NexusAssetsError("The user or password in NEXUS_DATABASE_URL holds an @.", remedy=_FORM)
    if re.search(r"[@?#]", parsed.database or ""):
        raise NexusAssetsError("The database's name in NEXUS_DATABASE_URL holds an @, ? or #.", remedy=_FORM)
    return parsed.set(drivername="postgresql+psycopg2")


def make_engine(url: str) -> sqlalchemy.Engine:
    """An engine without a pool: a load holds one connection for its time, and a fork must never share one.

    Raises NexusAssetsError for a URL that can't be used, or under which data would travel unverified to another machine.
    """
    parsed = database_url(url)
    dialect = parsed.get_dialect()()
    (_, asked) = dialect.create_connect_args(parsed)
    return sqlalchemy.create_engine(
        parsed,
        poolclass=sqlalchemy.pool.NullPool,
        # Closing ends what is open; a rollback on a connection that broke would be told of with a traceback.
        pool_reset_on_return=None,
        hide_parameters=True,
        connect_args={**CONNECT, **asked, **database_tls(asked)},
    )


def where(engine: sqlalchemy.Engine) -> str:
    """Host, port and database of the engine, for messages; never the password."""
    url = engine.url
    return f"{url.host or 'localhost'}:{url.port or 5432}/{url.database}"


def _connect(engine: sqlalchemy.Engine) -> Connection:
    """Opens a connection. Raises DatabaseError with the cause where it is refused."""
    arguments = _arguments(engine)
    try:
        connection: Connection = psycopg2.connect(**arguments, cursor_factory=CatalogCursor)
        if connection.get_parameter_status("standard_conforming_strings") == "on":
            return connection
        # The driver asks only now how strings are to be quoted, and quotes so until the connection ends.
        connection.close()
        arguments["options"] = f"{arguments.get('options', '')} -c standard_conforming_strings=on".strip()
        connection = psycopg2.connect(**arguments, cursor_factory=CatalogCursor)
    except psycopg2.Error as error:
        if "standard_conforming_strings" in arguments.get("options", ""):
            raise _strings_off(engine) from None
        cause = refusals.cause_of(error, arguments)
        place = where(engine)
        raise DatabaseError(
            cause.problem.format(place=place), remedy=cause.what_helps(), transient=cause.transient
        ) from None
    if connection.get_parameter_status("standard_conforming_strings") != "on":
        connection.close()
        raise _strings_off(engine)
    return connection


def _arguments(engine: sqlalchemy.Engine) -> dict[str, Any]:
    """What libpq is given for a connection of the engine."""
    (_, asked) = engine.dialect.create_connect_args(engine.url)
    return {**CONNECT, **asked, **database_tls(asked)}


def _strings_off(engine: sqlalchemy.Engine) -> session.SessionError:
    return session.SessionError(
        f"standard_conforming_strings is off for this role or database ({where(engine)}), and the pooler before it does not"
        " let a client change that.",
        remedy="Nothing was written. As an administrator: ALTER ROLE … RESET standard_conforming_strings (or ALTER DATABASE"
        " …), or name the server itself in NEXUS_DATABASE_URL.",
    )


@contextmanager
def transaction(
    engine: sqlalchemy.Engine, *, read_only: bool = False, commit: bool = True, lock: str | Sequence[str] = ()
) -> Iterator[Cursor]:
    """A cursor in one transaction that sees one state of the database: committed at the end, rolled back on any error.

    `lock` names what nobody else may do meanwhile; it is taken before the state is seen, several in their order. With
    `commit` False nothing is kept. A row that somebody changes meanwhile makes the transaction fail as transient instead
    of being overwritten. Every setting that our SQL relies on is that of the transaction (`nexus.session`), and nothing
    outlives it on the connection, which a pooler may hand to somebody else.
    Raises DatabaseError for whatever the database says, told without row contents, and SessionError.
    """
    names = (lock,) if isinstance(lock, str) else lock
    connection = _left_by_another(engine) or _connect(engine)
    watch = Watch(connection, _arguments(engine))
    with sanitized_errors(engine, watch):
        try:
            isolation = "READ COMMITTED" if names else "REPEATABLE READ"
            connection.set_session(isolation, readonly=True if read_only else "default")
            with watch.watching(), connection.cursor() as cursor:
                if names:
                    session.take_turn(cursor, names)
                session.prepare(cursor, read_only=read_only)
                yield cursor
                if commit:
                    # Through the cursor, which knows whose trigger it is that refuses now.
                    cursor.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        _leave(engine, connection)


@contextmanager
def kept_connections() -> Iterator[None]:
    """While the block runs, a transaction leaves its connection to the next one of this process. To open one, and to fill the
    caches of its server process again, takes longer than most of what is asked of it."""
    _keepers.append(None)
    try:
        yield
    finally:
        _keepers.pop()
        if not _keepers:
            for place in [place for place in _left if place[0] == os.getpid()]:
                for connection in _left.pop(place):
                    connection.close()


_keepers: list[None] = []
_left: dict[tuple[int, sqlalchemy.URL], list[Connection]] = {}
"""The connections that transactions have left, by process and URL: a fork must never share one, nor close it."""


def _place(engine: sqlalchemy.Engine) -> tuple[int, sqlalchemy.URL]:
    return os.getpid(), engine.url


def _left_by_another(engine: sqlalchemy.Engine) -> Connection | None:
    """A connection that a transaction has left and that the server has not ended since, if there is one."""
    with suppress(IndexError):
        while True:
            connection = _left.get(_place(engine), []).pop()
            # What a server says unasked is that it ends the connection, or that a setting has changed: a new one is right then.
            if not select.select([connection], [], [], 0)[0]:
                return connection
            connection.close()
    return None


def _leave(engine: sqlalchemy.Engine, connection: Connection) -> None:
    """Leaves a connection to the next transaction, or closes it."""
    if _keepers:
        with suppress(psycopg2.Error):
            connection.rollback()
            _left.setdefault(_place(engine), []).append(connection)
            return
    connection.close()


@contextmanager
def sanitized_errors(engine: sqlalchemy.Engine, watch: Watch | None = None) -> Iterator[None]:
    """Turns the driver's and SQLAlchemy's errors into DatabaseError; their text may hold rows (`DETAIL: Key (…)=(…)`)."""
    place = where(engine)
    try:
        yield
    except psycopg2.Error as error:
        raise (_given_up(place) if watch and watch.gave_up else _plain(error, engine)) from None
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None)
        if isinstance(cause, psycopg2.Error):
            raise _plain(cause, engine) from None
        raise DatabaseError(f"The database {place} could not be used: {type(error).__name__}.") from None


def _given_up(place: str) -> DatabaseError:
    return DatabaseError(
        f"The database server {place} stopped answering in the middle of the work.",
        remedy="Nothing was written, unless it was just being committed: run the command again once the server answers.",
        transient=True,
    )


QUOTED_CLASSES = ("0A", "42", "3D", "28", "25", "55", "58", "53")
"""SQLSTATE classes whose messages quote identifiers, settings and the server's own files alone; the others may quote a cell."""


def _plain(error: psycopg2.Error, engine: sqlalchemy.Engine) -> DatabaseError:
    code, place = error.pgcode, where(engine)
    if code is None and not isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError)):
        # The driver itself, before the database was asked: nothing transient.
        return DatabaseError(f"The database {place} could not be used: {type(error).__name__}.")
    if code is None:
        lost = refusals.UNREACHABLE
        return DatabaseError(lost.problem.format(place=place), remedy=lost.what_helps(), transient=True)
    diagnostics = error.diag
    refusing = _refusing_trigger(error)
    if refusing is not None:
        return refusing
    name = errorcodes.lookup(code).lower().replace("_", " ")
    named = "".join(f", {label} {name}" for label, name in _names(diagnostics, engine))
    # What a trigger says may quote a cell, under any code.
    said = f" ({diagnostics.message_primary})" if code[:2] in QUOTED_CLASSES and not diagnostics.context else ""
    return DatabaseError(
        f"The database {place} refused: {name} [{code}]{named}{said}.",
        remedy=_remedy(code, diagnostics.source_function or ""),
        transient=code.startswith(TRANSIENT_CLASSES),
    )


KNOWN_NAMES_SQL = """
    SELECT relname FROM pg_class WHERE relname = ANY(%(names)s)
    UNION SELECT attname FROM pg_attribute WHERE attname = ANY(%(names)s)
    UNION SELECT conname FROM pg_constraint WHERE conname = ANY(%(names)s)
"""

DEFINITION_SQL = """
    SELECT coalesce((SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = c.oid AND conname = %(constraint)s),
                    (SELECT pg_get_indexdef(i.oid) FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
                     WHERE x.indrelid = c.oid AND i.relname = %(constraint)s))
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relname = %(table)s AND n.nspname = %(schema)s
"""


def _names(said: Any, engine: sqlalchemy.Engine) -> list[tuple[str, str]]:
    """(kind, name) of what an error is about, where the catalogue has that name: a trigger may put a cell in its place; last how the
    constraint or index is defined.

    Asked on a connection of its own: the one of the error can't be asked any more. Without one no name is known.
    """
    fields = {"table": said.table_name, "column": said.column_name, "constraint": said.constraint_name}
    known: set[str] = set()
    defined: list[str] = []
    with suppress(NexusAssetsError, psycopg2.Error):
        if asked := [name for name in fields.values() if name]:
            connection = _connect(engine)
            with closing(connection), connection.cursor() as cursor:
                cursor.execute(KNOWN_NAMES_SQL, {"names": asked})
                known = {name for (name,) in cursor.fetchall()}
                if said.constraint_name in known and said.table_name in known:
                    cursor.execute(DEFINITION_SQL, {**fields, "schema": said.schema_name})
                    defined = [text for (text,) in cursor.fetchall() if text]
    named = [(kind, name) for kind, name in fields.items() if name in known]
    return [*named, *(("which is", text) for text in defined)]


def _remedy(code: str, routine: str) -> str:
    if code == errorcodes.INSUFFICIENT_PRIVILEGE and routine in _POLICIES:
        return (
            "Row level security would hide rows from this role. Nothing was written. As an administrator: ALTER ROLE … BYPASSRLS"
            " (docs/connecting.md); an import and its checks must see every row."
        )
    if code == errorcodes.CHECK_VIOLATION and routine == _PARTITIONS:
        return (
            "Nothing was written. The table is partitioned, and no partition takes a row: have Nexus's administrator add one, such as"
            " CREATE TABLE … PARTITION OF … DEFAULT, then run the command again."
        )
    return _REMEDIES.get(code, "Nothing was written.")


_POLICIES = ("check_enable_rls", "get_row_security_policies")
"""The server's functions that refuse a query because of row level security, in whatever language they say so."""

_PARTITIONS = "ExecFindPartition"
"""The server's function that finds no partition for a row."""


def _refusing_trigger(error: psycopg2.Error) -> DatabaseError | None:
    """The error of a trigger that another program put on a table: its table by name, never its text, which may hold a cell."""
    asked = getattr(error, "cursor", None)
    spoke = error.diag.context or ""
    if not spoke or not isinstance(asked, CatalogCursor):
        return None
    # Whatever language the server speaks, it names the function as regprocedure does.
    found = [
        trigger
        for trigger in asked.known.get(("triggers",), ())
        if re.search(rf'(?<![\w."]){re.escape(trigger.function)}', spoke)
    ]
    if not found:
        return None
    said = ", ".join(f"the trigger {trigger.name} of the table {trigger.table}" for trigger in found[:3])
    more = f", or of {len(found) - 3} more tables" if len(found) > 3 else ""
    disabled = "; ".join(f"ALTER TABLE {trigger.table} DISABLE TRIGGER {trigger.name}" for trigger in found[:3])
    return DatabaseError(
        f"The load was refused by {' or '.join(said.split(', '))}{more} [{error.pgcode}], which belongs to another program.",
        remedy=f"Nothing was written. Have that program allow the role of the load to write there, or switch it off meanwhile:"
        f" {disabled}",
        transient=False,
    )


_UNMET = (
    "Nothing was written. A row to be written does not meet this: correct it in FileMaker, export and load again, or have Nexus's"
    " administrator change the constraint."
)

_REMEDIES = {
    **dict.fromkeys((errorcodes.UNIQUE_VIOLATION, errorcodes.EXCLUSION_VIOLATION, errorcodes.CHECK_VIOLATION), _UNMET),
    errorcodes.FOREIGN_KEY_VIOLATION: "Nothing was written. A row refers to one that is not there, perhaps because somebody deleted it"
    " meanwhile: run the command again. If it stays so, have Nexus's administrator look at this foreign key.",
    errorcodes.UNDEFINED_TABLE: "Nothing was written. Check that NEXUS_DATABASE_URL names a Nexus database, and run its `manage.py"
    " migrate`.",
    errorcodes.READ_ONLY_SQL_TRANSACTION: "Nothing was written. Point NEXUS_DATABASE_URL at the writable primary server.",
    errorcodes.INSUFFICIENT_PRIVILEGE: "Nothing was written. Grant the role what docs/connecting.md lists.",
    errorcodes.LOCK_NOT_AVAILABLE: "Nothing was written. Somebody else holds the rows: try again when they are done.",
    errorcodes.QUERY_CANCELED: f"Nothing was written. One statement took longer than {session.STATEMENT_TIMEOUT}, or an administrator"
    " ended it: look at what else the server does, then run the command again.",
    errorcodes.IDLE_IN_TRANSACTION_SESSION_TIMEOUT: f"Nothing was written. This program said nothing for {session.IDLE_TIMEOUT}:"
    " was its machine suspended? Run the command again.",
    errorcodes.DISK_FULL: "Nothing was written. Make room on the database server's disk.",
    errorcodes.OUT_OF_MEMORY: "Nothing was written. The database server has too little memory free, or too low a limit: run the command"
    " again when less goes on there, or have an administrator look at its memory, and at shared_buffers and work_mem.",
    errorcodes.CONFIGURATION_LIMIT_EXCEEDED: "Nothing was written. As an administrator: raise the limit that is named for this role"
    " (ALTER ROLE … SET temp_file_limit = …), or reset it.",
}

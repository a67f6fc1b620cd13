"""The connection to the Nexus database: its URL, its transactions, and errors that carry no patient data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg2
import sqlalchemy
from psycopg2 import errorcodes
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from sqlalchemy.exc import SQLAlchemyError

from nexus_assets.errors import NexusAssetsError
from nexus_assets.nexus.relations import CatalogCursor

CONNECT_TIMEOUT_SECONDS = 10
LOCK_TIMEOUT = "30s"
"""How long a load waits for a row or table that somebody else holds before it gives up and leaves all as it was."""

TRANSIENT_CLASSES = ("08", "40", "53", "55P03", "57P")
"""SQLSTATE classes of what may pass by itself: connection, serialisation and deadlock, resources, a held lock, shutdown."""


class DatabaseError(NexusAssetsError):
    """What the database refused, in words without any row's content. `transient`: the same may well succeed later."""

    def __init__(self, problem: str, *, remedy: str = "", transient: bool = False) -> None:
        super().__init__(problem, remedy=remedy)
        self.transient = transient


def database_url(url: str) -> sqlalchemy.URL:
    """Any postgres:// or postgresql:// URL as SQLAlchemy's for psycopg2 (SQLAlchemy 2.1 takes the bare one for psycopg 3)."""
    try:
        parsed = sqlalchemy.make_url(url)
    except SQLAlchemyError as error:
        raise NexusAssetsError(
            "NEXUS_DATABASE_URL is not a database URL.",
            remedy="Write it as postgresql://user:password@host:5432/database.",
        ) from error
    if parsed.get_backend_name() not in ("postgres", "postgresql"):
        raise NexusAssetsError(
            f"NEXUS_DATABASE_URL names a {parsed.get_backend_name()} database; Nexus lives in PostgreSQL.",
            remedy="Write it as postgresql://user:password@host:5432/database.",
        )
    if "@" in (parsed.host or ""):
        # What stands before the last @ may be the rest of a password: it must not be taken for a host, which is told.
        raise NexusAssetsError(
            "The user or password in NEXUS_DATABASE_URL holds an @.", remedy="Write it as %40 there, and % as %25."
        )
    return parsed.set(drivername="postgresql+psycopg2")


def make_engine(url: str) -> sqlalchemy.Engine:
    """An engine without a pool: a load holds one connection for its time, and a fork must never share one."""
    return sqlalchemy.create_engine(
        database_url(url),
        poolclass=sqlalchemy.pool.NullPool,
        # Closing ends what is open; a rollback on a connection that broke would be told of with a traceback.
        pool_reset_on_return=None,
        hide_parameters=True,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS, "application_name": "nexus_assets"},
    )


def where(engine: sqlalchemy.Engine) -> str:
    """Host, port and database of the engine, for messages; never the password."""
    url = engine.url
    return f"{url.host or 'localhost'}:{url.port or 5432}/{url.database}"


@contextmanager
def transaction(
    engine: sqlalchemy.Engine, *, read_only: bool = False, commit: bool = True, lock: str | Sequence[str] = ()
) -> Iterator[Cursor]:
    """A cursor in one transaction that sees one state of the database: committed at the end, rolled back on any error.

    `lock` names what nobody else may do meanwhile; it is taken before the state is seen, several in their order. With
    `commit` False nothing is kept. A row that somebody changes meanwhile makes the transaction fail as transient instead
    of being overwritten.
    Raises DatabaseError for whatever the database says, told without row contents.
    """
    with sanitized_errors(where(engine)):
        pooled = engine.raw_connection()
        connection: Connection = pooled.driver_connection  # type: ignore[assignment]
        try:
            connection.set_session(isolation_level="REPEATABLE READ", readonly=read_only or None, autocommit=True)
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, false)", (LOCK_TIMEOUT,))
                for name in (lock,) if isinstance(lock, str) else lock:
                    cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (f"nexus_assets:{name}",))
            connection.autocommit = False
            with connection.cursor(cursor_factory=CatalogCursor) as cursor:
                yield cursor
            if commit:
                connection.commit()
        finally:
            pooled.close()


@contextmanager
def sanitized_errors(place: str) -> Iterator[None]:
    """Turns the driver's and SQLAlchemy's errors into DatabaseError; their text may hold rows (`DETAIL: Key (…)=(…)`)."""
    try:
        yield
    except psycopg2.Error as error:
        raise _plain(error, place) from None
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None)
        if isinstance(cause, psycopg2.Error):
            raise _plain(cause, place) from None
        raise DatabaseError(f"The database {place} could not be used: {type(error).__name__}.") from None


def _plain(error: psycopg2.Error, place: str) -> DatabaseError:
    code = error.pgcode
    if code is None and not isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError)):
        # The driver itself, before the database was asked: nothing that passes by itself.
        return DatabaseError(f"The database {place} could not be used: {type(error).__name__}.")
    if code is None:
        return _unreachable(error, place)
    diagnostics = error.diag
    name = errorcodes.lookup(code).lower().replace("_", " ")
    named = [
        f"{label} {value}"
        for label, value in (
            ("table", diagnostics.table_name),
            ("column", diagnostics.column_name),
            ("constraint", diagnostics.constraint_name),
        )
        if value
    ]
    # Only errors about the schema and rights quote identifiers alone; the others, and what a trigger says, may quote a cell.
    quotes_names = code[:2] in ("42", "3D", "28", "25", "55") and not diagnostics.context
    said = f" ({diagnostics.message_primary})" if quotes_names else ""
    return DatabaseError(
        f"The database {place} refused: {name} [{code}]{', ' if named else ''}{', '.join(named)}{said}.",
        remedy=_REMEDIES.get(code, "Nothing was written."),
        transient=code.startswith(TRANSIENT_CLASSES),
    )


_REMEDIES = {
    errorcodes.INVALID_PASSWORD: "Check user and password in NEXUS_DATABASE_URL.",
    errorcodes.INVALID_AUTHORIZATION_SPECIFICATION: "Check user and password in NEXUS_DATABASE_URL.",
    errorcodes.INVALID_CATALOG_NAME: "Check the database's name in NEXUS_DATABASE_URL.",
    errorcodes.UNDEFINED_TABLE: "Nothing was written. Check that NEXUS_DATABASE_URL names a Nexus database, and run its `manage.py"
    " migrate`.",
    errorcodes.READ_ONLY_SQL_TRANSACTION: "Nothing was written. Point NEXUS_DATABASE_URL at the writable primary server.",
    errorcodes.INSUFFICIENT_PRIVILEGE: "Nothing was written. Grant the role what docs/connecting.md lists.",
    errorcodes.LOCK_NOT_AVAILABLE: "Nothing was written. Somebody else holds the rows: try again when they are done.",
    errorcodes.DISK_FULL: "Nothing was written. Make room on the database server's disk.",
}


def _unreachable(error: psycopg2.Error, place: str) -> DatabaseError:
    text = str(error)
    if "password authentication failed" in text or "no password supplied" in text or "role " in text:
        return DatabaseError(
            f"The database {place} does not accept this user and password.",
            remedy="Check user and password in NEXUS_DATABASE_URL.",
        )
    missing = re.search(r'database "([^"]+)" does not exist', text)
    if missing:
        return DatabaseError(
            f"The server has no database named {missing[1]} ({place}).",
            remedy="Check the database's name in NEXUS_DATABASE_URL.",
        )
    if "too many clients" in text or "connection slots" in text or "too many connections" in text:
        return DatabaseError(
            f"The database {place} has no connection left for us.",
            remedy="Try again when others have ended theirs, or raise max_connections on the server.",
            transient=True,
        )
    return DatabaseError(
        f"The database {place} can't be reached, or the connection broke.",
        remedy="Check that the server runs and that NEXUS_DATABASE_URL names its host and port, then run the command again.",
        transient=True,
    )

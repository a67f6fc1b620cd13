"""Why a connection to the database was refused: one table of causes, recognised by SQLSTATE and libpq's own conditions.

The server's sentences are in whatever language it speaks; its SQLSTATE and the name of the function that raised it are not.
libpq keeps both to itself when a connection fails, unless it is asked to be verbose before it begins.
"""

from __future__ import annotations

import ctypes
import re
import select
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2 import extensions

from nexus_assets import settings
from nexus_assets.nexus.libpq import libpq

SECONDS_TO_ASK = 10
_VERBOSE = 2  # libpq's PQERRORS_VERBOSE

CHECK_URL = "Check NEXUS_DATABASE_URL"
AGAIN = "then run the command again."
OF_THE_DEMO = "It is the demo clinic's own server, and has ended. Run the command again, which starts it."


@dataclass(frozen=True)
class Cause:
    """One reason why there is no connection. `{place}` stands for host, port and database.

    `state` is a SQLSTATE, `routine` a regular expression for the server's function that raised it, `text` one for libpq's
    own message (which is in English), or that of a pooler (which has no other language).
    """

    problem: str
    remedy: str
    state: str = ""
    routine: str = ""
    text: str = ""
    transient: bool = False

    def what_helps(self) -> str:
        """The remedy. Where no setting names the database, it is the demo's, whose server each command starts if need be."""
        named = settings.DATABASE_URL.value() or settings.DATABASE_URL.name not in self.remedy
        return self.remedy if named or not self.transient else OF_THE_DEMO


_SLOTS = Cause(
    "The database {place} has no connection left for us.",
    "Try again when others have ended theirs, or raise max_connections (or the role's, database's or pooler's limit).",
    state="53300",
    transient=True,
)
_PASSWORD = Cause(
    "The database {place} does not accept this user and password.",
    f"{CHECK_URL}: user and password (@ is written as %40 there, % as %25).",
    state="28P01",
)
_DATABASE = Cause(
    "The server has no database of that name ({place}).", f"{CHECK_URL}: the database's name.", state="3D000"
)
_STARTING = Cause(
    "The database server {place} is starting, stopping or recovering.",
    f"Wait until it is up, {AGAIN}",
    state="57P03",
    transient=True,
)

CAUSES: tuple[Cause, ...] = (
    # --- what libpq itself found, before or instead of an answer of the server
    Cause(
        "The database {place} can't be reached: its host is not known.",
        f"{CHECK_URL}: the host's name; or the network's name server.",
        text=r"could not translate host name|could not parse network address|could not run up local",
        transient=True,
    ),
    Cause(
        "The database {place} can't be reached: no server listens there.",
        f"Check that the server runs and that NEXUS_DATABASE_URL names its host and port, {AGAIN}",
        text=r"Connection refused|No such file or directory\s+Is the server running",
        transient=True,
    ),
    Cause(
        "The database {place} can't be reached: it did not answer in time.",
        f"Check the host and port in NEXUS_DATABASE_URL, and that no firewall is between, {AGAIN}",
        text=r"timeout expired|Connection timed out|No route to host|Network is unreachable|Host is down",
        transient=True,
    ),
    Cause(
        "The database server {place} does not offer TLS, and the connection would be in the clear.",
        "Set `ssl = on` with a certificate on the server; or, where the network between is trusted, see"
        " NEXUS_ALLOW_UNVERIFIED in docs/connecting.md.",
        text=r"server does not support SSL",
    ),
    Cause(
        "The certificate of the database server {place} is for another host.",
        "Name the host in NEXUS_DATABASE_URL as the certificate does; else it may be another server that answers.",
        text=r"certificate for .* does not match host name",
    ),
    Cause(
        "There is no file with the certificates to trust, so that the database server {place} can't be verified.",
        "Add the file with your authority's certificates to NEXUS_DATABASE_URL: ?sslmode=verify-full&sslrootcert=/path/to/ca.pem"
        " (sslrootcert=system for a public authority).",
        text=r"root certificate file .* does not exist|could not read root certificate|weak sslmode .* may not be used",
    ),
    Cause(
        "The certificate of the database server {place} is not from an authority that we trust, or has expired.",
        "Add the file with your authority's certificates to NEXUS_DATABASE_URL: ?sslmode=verify-full&sslrootcert=/path/to/ca.pem;"
        " else it may be another server that answers.",
        text=r"certificate verify failed",
    ),
    Cause(
        "The client certificate or key for the database {place} can't be used.",
        f"{CHECK_URL}: sslcert and sslkey, and that only this user may read the key (mode 600).",
        text=r"private key file|certificate file|could not load .*key|tlsv1[^:]* alert|certificate required",
    ),
    Cause(
        "What listens at {place} is not PostgreSQL, or ended the connection at once.",
        f"{CHECK_URL}: host and port.",
        text=r"invalid response to SSL negotiation|expected authentication request|server closed the connection"
        r"|SSL SYSCALL error|SSL error",
        transient=True,
    ),
    Cause(
        "NEXUS_DATABASE_URL holds no password, and the database {place} wants one.",
        "Write it as postgresql://user:password@host:5432/database.",
        text=r"no password supplied",
    ),
    Cause(
        "NEXUS_DATABASE_URL has an option that libpq does not know, or one with a wrong value.",
        "Write it as postgresql://user:password@host:5432/database?sslmode=verify-full; options are those of libpq.",
        text=r"invalid dsn|invalid .*(connection option|value)|invalid port number|invalid URI|could not match",
    ),
    # --- what the server answered
    _PASSWORD,
    Cause(
        "The database {place} has no such user, or the user may not log in.",
        f"{CHECK_URL}: the user's name; or, as an administrator: ALTER ROLE … LOGIN.",
        state="28000",
        routine=r"InitializeSessionUserId",
    ),
    Cause(
        "The database server {place} lets nobody in from this host as this user (pg_hba.conf), or only through TLS.",
        "Let an administrator add a line to pg_hba.conf (hostssl … scram-sha-256); where it asks for TLS, connect with"
        " sslmode=verify-full.",
        state="28000",
        routine=r"ClientAuthentication",
    ),
    Cause(
        "The database {place} does not accept this user by the method that its pg_hba.conf demands.",
        f"{CHECK_URL}: the user; or let an administrator look at the line of pg_hba.conf.",
        state="28000",
    ),
    _DATABASE,
    Cause(
        "This user may not connect to the database {place}.",
        "As an administrator: GRANT CONNECT ON DATABASE … TO … (docs/connecting.md has all grants).",
        state="42501",
    ),
    Cause(
        "The database {place} takes no connections now.",
        "As an administrator: ALTER DATABASE … ALLOW_CONNECTIONS true.",
        state="55000",
    ),
    _SLOTS,
    _STARTING,
    Cause(
        "The database server {place} ended the connection: an administrator, or its shutdown.",
        f"Wait until it is up, {AGAIN}",
        state="57P0.",
        transient=True,
    ),
    # --- poolers, which answer most things with one code, in English
    Cause(_PASSWORD.problem, _PASSWORD.remedy, state="08P01", text=r"password|authentication|no such user"),
    Cause(_DATABASE.problem, _DATABASE.remedy, state="08P01", text=r"no such database|database .* does not exist"),
    Cause(_SLOTS.problem, _SLOTS.remedy, state="08P01", text=r"no more connections|max_client_conn", transient=True),
    Cause(
        "The pooler {place} does not accept a parameter that NEXUS_DATABASE_URL sets at the start.",
        f"{CHECK_URL}: leave the option out; or add it to the pooler's ignore_startup_parameters.",
        state="08P01",
        text=r"unsupported startup parameter",
    ),
    Cause(
        "The pooler {place} has no connection to the database server.",
        f"Check that the server behind it runs, {AGAIN}",
        state="08P01|58000",
        text=r"server|query_wait_timeout|pgbouncer",
        transient=True,
    ),
)

UNREACHABLE = Cause(
    "The database {place} can't be reached, or the connection broke.",
    f"Check that the server runs and that NEXUS_DATABASE_URL names its host and port, {AGAIN}",
    transient=True,
)


def cause_of(error: psycopg2.Error, arguments: Mapping[str, Any]) -> Cause:
    """Why connecting with these arguments failed with this error; asks once more, verbosely, where the server answered."""
    told = str(error)
    found = _by_text(told)
    if found is not None:
        return found
    verbose = _ask_verbosely(arguments)
    state = re.search(r": +([0-9A-Z]{5}): ", verbose)
    routine = re.search(r"LOCATION: +(\w+), ", verbose)
    if state is None:
        return _by_text(verbose) or UNREACHABLE
    return by_answer(state[1], routine[1] if routine else "", verbose) or UNREACHABLE


def _by_text(text: str) -> Cause | None:
    own = (cause for cause in CAUSES if cause.text and not cause.state)
    return next((cause for cause in own if re.search(cause.text, text, re.IGNORECASE)), None)


def by_answer(state: str, routine: str, text: str) -> Cause | None:
    """The cause of an answer of the server or pooler; None where the table has none."""
    for cause in CAUSES:
        if (
            cause.state
            and re.fullmatch(cause.state, state)
            and (not cause.routine or re.fullmatch(cause.routine, routine))
            and (not cause.text or re.search(cause.text, text, re.IGNORECASE))
        ):
            return cause
    return None


def _ask_verbosely(arguments: Mapping[str, Any]) -> str:
    """Connects once more and returns what libpq says of it with every detail; nothing of it may be shown."""
    try:
        connection = psycopg2.connect(**{**arguments, "async_": True})
        try:
            libpq().PQsetErrorVerbosity(ctypes.c_void_p(connection.pgconn_ptr), _VERBOSE)
            _wait(connection)
        finally:
            connection.close()
    except psycopg2.Error as error:
        return str(error)
    return ""


def _wait(connection: Any) -> None:
    """Returns when the connection stands or the time is over. Raises psycopg2.Error where it is refused."""
    deadline = time.monotonic() + SECONDS_TO_ASK
    while (left := deadline - time.monotonic()) > 0:
        state = connection.poll()
        if state == extensions.POLL_OK:
            return
        reading = [connection] if state == extensions.POLL_READ else []
        writing = [connection] if state == extensions.POLL_WRITE else []
        select.select(reading, writing, [], left)

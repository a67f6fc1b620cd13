"""What a session must be for our SQL to mean what it says: set for each transaction alone, whatever a role or database has set."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.errors import NexusAssetsError
from nexus_assets.nexus import queries
from nexus_assets.nexus.relations import forget

LOCK_TIMEOUT = "30s"
"""How long a load waits for a row or table that somebody else holds before it gives up and leaves everything as it was."""

STATEMENT_TIMEOUT = "2h"
"""The longest that one statement may take. A COPY takes as long as its source: a whole table of a FileMaker Server."""

IDLE_TIMEOUT = "30min"
"""After how long the server ends a transaction whose client says nothing more (a machine that was suspended): it holds locks."""

FIXED = {
    # What literals, casts and texts mean.
    "standard_conforming_strings": "on",
    "backslash_quote": "safe_encoding",
    "transform_null_equals": "off",
    "array_nulls": "on",
    "client_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "xmloption": "content",
    "quote_all_identifiers": "off",
    # Which rows a query sees. With row_security off, a policy that would hide rows is an error and no shorter answer.
    "row_security": "off",
    "gin_fuzzy_search_limit": "0",
    "restrict_nonsystem_relation_kind": "",
    # How new tables and functions are made.
    "default_table_access_method": "heap",
    "default_tablespace": "",
    "temp_tablespaces": "",
    "check_function_bodies": "on",
    # When the server gives up.
    "statement_timeout": STATEMENT_TIMEOUT,
    "idle_in_transaction_session_timeout": IDLE_TIMEOUT,
    "transaction_timeout": "0",
    "exit_on_error": "off",
}
"""Setting -> the value that the SQL relies on. Planner and memory settings are left alone: they change no result."""


TRUSTED = SQL("""
    (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolsuper OR r.rolname = CURRENT_USER
     UNION SELECT d.datdba FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
""")
"""The roles whose functions may run in a session: its own, the database's owner, superusers."""

PATH = SQL("""
    SELECT pg_catalog.current_schemas(false)::pg_catalog.text[], CURRENT_USER::pg_catalog.text,
      pg_catalog.to_regclass('django_content_type') IS NOT NULL
""")

CATALOG_ALONE = SQL("SET LOCAL search_path = pg_catalog, pg_temp")
"""The path of each question about the role's own path: of all functions and operators on a path, the server takes the one whose types
fit best, whichever schema comes first."""

IS_TRUSTED = SQL("""
    {catalog_alone};
    SELECT nspowner IN {trusted} FROM pg_namespace WHERE nspname = CURRENT_USER
""").format(catalog_alone=CATALOG_ALONE, trusted=TRUSTED)
"""Whether the schema that bears the role's name belongs to somebody whose functions may run."""

OWN_NAMES = SQL("""
    {catalog_alone};
    WITH path AS (SELECT oid FROM pg_namespace WHERE nspname = ANY ({schemas}))
    SELECT EXISTS (SELECT FROM pg_proc WHERE oid >= 16384 AND pronamespace IN (SELECT oid FROM path))
        OR EXISTS (SELECT FROM pg_operator WHERE oid >= 16384 AND oprnamespace IN (SELECT oid FROM path))
""")
"""Whether anybody has made a function or an operator on the path at all: in most databases nobody has, and to ask whose it is takes
longer. The server's own have lower oids than whatever was made since: its 3,400 functions need not be read."""

SHADOWS = SQL("""
    {catalog_alone};
    WITH path AS (SELECT oid FROM pg_namespace WHERE nspname = ANY ({schemas}))
    SELECT s.kind, r.rolname, s.name FROM (
      SELECT 'function', p.oid::regprocedure::text, p.proowner FROM pg_proc AS p
      WHERE p.oid >= 16384 AND p.pronamespace IN (SELECT oid FROM path)
        AND p.proname IN (SELECT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace)
      UNION ALL
      SELECT 'operator', o.oid::regoperator::text, o.oprowner FROM pg_operator AS o
      WHERE o.oid >= 16384 AND o.oprnamespace IN (SELECT oid FROM path)
        AND o.oprname IN (SELECT oprname FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace)
    ) AS s (kind, name, owner) JOIN pg_roles AS r ON r.oid = s.owner
    WHERE s.owner NOT IN {trusted} LIMIT 1
""")
"""A function or operator of another role that has the name of one of the server's own and may be taken in its place."""


def _own_path(cursor: Cursor) -> list[str]:
    """The schemas of the role's own path where they hold Nexus, else `public`.

    Under that path every name is qualified, and no operator is used: it may put somebody's functions before those of the server.
    """
    # A timeout of the role must not end what is about to lift it.
    lifted = SQL("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
    schemas, role, holds_nexus = queries.row(cursor, SQL("; ").join([lifted, PATH]))
    own = [name for name in schemas if not name.startswith("pg_")] if holds_nexus else ["public"]
    # The schema of the role's name comes first by default; where others own it they would decide what each name means.
    if role in own and not queries.yes(cursor, IS_TRUSTED):
        own = [name for name in own if name != role]
    return own or ["public"]


@cache
def _setting_sql(lock_timeout: str) -> Composable:
    fixed = {**FIXED, "lock_timeout": lock_timeout}
    values = SQL(", ").join(SQL("({}, {})").format(Literal(name), Literal(value)) for name, value in fixed.items())
    # One that a server does not have (transaction_timeout came with PostgreSQL 17) is NULL, and skipped.
    return SQL("""
        SELECT count(set_config(f.name, f.value, true)), current_setting('session_replication_role'),
               current_setting('transaction_read_only')::boolean, pg_is_in_recovery()
        FROM (VALUES {values}) AS f (name, value) WHERE current_setting(f.name, true) IS NOT NULL
    """).format(values=values)


class SessionError(NexusAssetsError):
    """The role or database has a setting under which a load must not run, and that only its owner may change."""


def prepare(cursor: Cursor, *, read_only: bool) -> None:
    """Fixes the settings of the running transaction. Raises SessionError, naming the setting, where one can't be fixed."""
    own = _own_path(cursor)
    if queries.yes(cursor, OWN_NAMES.format(catalog_alone=CATALOG_ALONE, schemas=Literal(own))):
        cursor.execute(SHADOWS.format(catalog_alone=CATALOG_ALONE, schemas=Literal(own), trusted=TRUSTED))
        for kind, owner, name in cursor.fetchall():
            raise SessionError(
                f"The {kind} {name} of the role {owner} has the name of one of the server's own and would run in its place.",
                remedy=f"Nothing was written. As an administrator: DROP {kind.upper()} {name}, and REVOKE CREATE ON SCHEMA public"
                " FROM PUBLIC (PostgreSQL 14 grants it to everybody).",
            )
    # pg_catalog comes first, as it is not named.
    path = SQL("SET LOCAL search_path = {}").format(SQL(", ").join(map(Identifier, own)))
    cursor.execute(SQL("; ").join([path, _setting_sql(LOCK_TIMEOUT)]))
    ((_, replication_role, is_read_only, is_standby),) = cursor.fetchall()
    if replication_role != "origin":
        raise SessionError(
            f"session_replication_role is {replication_role!r} for this role or database: no foreign key and no trigger of"
            " Nexus would be checked.",
            remedy="Nothing was written. As an administrator: ALTER ROLE … RESET session_replication_role (or ALTER DATABASE"
            " … RESET session_replication_role).",
        )
    if is_standby and not read_only:
        raise SessionError(
            "The database server is a standby, which can only be read.",
            remedy="Nothing was written. Point NEXUS_DATABASE_URL at the primary server.",
        )
    if is_read_only and not read_only:
        raise SessionError(
            "default_transaction_read_only is on for this role, database or server: nothing may be written.",
            remedy="Nothing was written. Ask whoever set it whether Nexus may be written now; then, as an administrator: ALTER"
            " ROLE … RESET default_transaction_read_only (or ALTER DATABASE …).",
        )


def take_turn(cursor: Cursor, names: Sequence[str]) -> None:
    """Takes the locks of these names, in their order, and begins the transaction again, so that it sees what whoever held them
    committed. It can write, and is still to be prepared: until then every name is qualified."""
    # What the role has set must not end the wait.
    waiting = {name: FIXED[name] for name in ("statement_timeout", "idle_in_transaction_session_timeout")}
    if cursor.connection.server_version >= 170000:
        waiting["transaction_timeout"] = FIXED["transaction_timeout"]
    limits = SQL("; ").join(
        SQL("SET LOCAL {} = {}").format(Identifier(name), Literal(value))
        for name, value in {**waiting, "lock_timeout": LOCK_TIMEOUT}.items()
    )
    cursor.execute(limits)
    keys = [_key(name) for name in names]
    for key in keys:
        cursor.execute(SQL("SELECT pg_catalog.pg_advisory_xact_lock({})").format(key))
    _begin_again(cursor, keys)


def take_another_turn(cursor: Cursor, name: str, timeout: str) -> None:
    """Takes one more lock in a transaction that has written nothing yet, and begins it again, with the locks that it has.

    It can write from then on. Does nothing where it has the lock already. `timeout` is how long another one may keep that.
    """
    cursor.execute(
        SQL("SELECT (classid::bigint << 32) | objid::bigint, (classid::bigint << 32) | objid::bigint = {}"
            " FROM pg_locks JOIN pg_database AS d ON d.oid = database AND datname = current_database()"
            " WHERE locktype = 'advisory' AND objsubid = 1 AND pid = pg_backend_pid()").format(_key(name))
    )  # fmt: skip
    held = cursor.fetchall()
    if any(is_it for _, is_it in held):
        return
    cursor.execute(SQL("SET LOCAL lock_timeout = {}").format(Literal(timeout)))
    cursor.execute(SQL("SELECT pg_advisory_xact_lock({})").format(_key(name)))
    _begin_again(cursor, [_key(name), *(Literal(key) for key, _ in held)])
    prepare(cursor, read_only=False)


def _key(name: str) -> Composable:
    return SQL("pg_catalog.hashtextextended({}, 0)").format(Literal(f"nexus_assets:{name}"))


def _begin_again(cursor: Cursor, keys: Sequence[Composable]) -> None:
    """Begins the transaction again with a new snapshot and these locks, which it holds.

    Of a pooled connection nothing stays but what ends with its transaction: the session's locks bridge the one moment
    between the two transactions, inside one message to the server, which no pooler tears apart.
    """
    hold, take, release = (
        SQL("; ").join(SQL("SELECT pg_catalog.{}({})").format(SQL(function), key) for key in keys)
        for function in ("pg_advisory_lock", "pg_advisory_xact_lock", "pg_advisory_unlock")
    )
    begin = SQL("BEGIN ISOLATION LEVEL REPEATABLE READ")
    cursor.execute(SQL("; ").join([hold, SQL("COMMIT"), begin, take, release]))
    forget(cursor)

"""The ledger's schema: made on first use, followed up when the code or an entity changes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.ledger import trust
from nexus_assets.ledger.tables import identity_table, ledger_table
from nexus_assets.mapping.entity import Entity, GenericReference, Reference
from nexus_assets.nexus import queries, session
from nexus_assets.nexus.relations import GUARD_SCHEMA, LEDGER_SCHEMA, forget, once_a_transaction

SUPPORTED_SERVERS = "14 to 18"
"""The versions of PostgreSQL that are supported, for people; a newer one is not refused."""

OLDEST_SERVER = 140000
"""hash_record_extended, by which rows are compared, came with PostgreSQL 14."""

LATER_COLUMNS = ("notices text[]", "archived_load bigint", "noted_load bigint")
"""Columns of every identity table beside its first ones: the row's notices; the load that archived it as vanished; the load
that found the row in Nexus though no source has it."""

INSTALL_LOCK, INSTALL_TIMEOUT = "ledger", "10min"
"""The lock of whoever creates or changes the ledger's schema, and how long others wait: for all of the load that comes first."""


def base_columns(entity: Entity) -> tuple[str, ...]:
    """The target columns whose last value from FileMaker the ledger remembers (as a hash), one for a generic link."""
    links = (link.id_column for link in entity.generic_references)
    keys = (link.column for link in entity.references if isinstance(link, Reference) and link.column)
    written = (column.name for column in entity.columns if not column.insert_only)
    return (*links, *keys, *(lookup.column for lookup in entity.lookups), *written)


def base_column(name: str) -> Identifier:
    """The ledger's column for the last value of the target column `name`."""
    return Identifier(f"base_{name}")


def named_column(link: GenericReference) -> Identifier:
    """The ledger's column for the FileMaker id that a row names in this link, where that leads to no row; else NULL."""
    return Identifier(f"named_{link.id_column}")


@cache
def _code() -> Mapping[str, str]:
    mapping, ledger = files("nexus_assets.mapping"), files("nexus_assets.ledger")
    return {
        "ledger": ledger.joinpath("schema.sql").read_text("utf-8"),
        "parse": mapping.joinpath("parse.sql").read_text("utf-8"),
        "uuid_16": mapping.joinpath("parse_uuid_16.sql").read_text("utf-8"),
        "uuid_14": mapping.joinpath("parse_uuid_14.sql").read_text("utf-8"),
    }


@cache
def code_hash() -> str:
    """The hash of everything that shapes the schema; another one means: install again."""
    shape = [
        *_code().values(),
        *LATER_COLUMNS,
        *(f"{name}: {base_columns(entity)} {entity.generic_references}" for name, entity in ENTITIES.items()),
    ]
    return hashlib.sha256("\n".join(shape).encode()).hexdigest()


def _identity_sql(entity: Entity) -> Composable:
    table = identity_table(entity.name)
    added = [SQL("ADD COLUMN IF NOT EXISTS {}").format(SQL(declared)) for declared in LATER_COLUMNS]
    added += [SQL("ADD COLUMN IF NOT EXISTS {} bigint").format(base_column(name)) for name in base_columns(entity)]
    added += [SQL("ADD COLUMN IF NOT EXISTS {} uuid").format(named_column(link)) for link in entity.generic_references]
    return SQL("""
        CREATE TABLE IF NOT EXISTS {table} (
          source_id uuid PRIMARY KEY,
          nexus_id uuid NOT NULL UNIQUE,
          row_hash bigint,
          target_hash bigint,
          row_number bigint,
          origin text NOT NULL CHECK (origin IN ('made', 'adopted', 'learned')),
          first_load bigint,
          last_load bigint,
          vanished_load bigint
        );
        ALTER TABLE {table} {added}
    """).format(table=table, added=SQL(", ").join(added))


def _identity_view_sql() -> Composable:
    """One view over all ids ever seen, for people and for `explain`."""
    current = [
        SQL(
            "SELECT {name}::text AS entity, source_id, nexus_id, NULL::uuid AS superseded_by, first_load, last_load,"
            " vanished_load FROM {table}"
        ).format(name=Literal(name), table=identity_table(name))
        for name in ENTITIES
    ]
    earlier = SQL("SELECT entity, source_id, nexus_id, current_id, NULL, load_id, NULL FROM nexus_assets.superseded")
    union = SQL(" UNION ALL ").join([*current, earlier])
    return SQL("CREATE VIEW {} AS {}").format(ledger_table("identity"), union)


def table_names() -> list[str]:
    """The names of the ledger's tables."""
    declared = re.findall(r"CREATE TABLE IF NOT EXISTS nexus_assets\.(\w+)", _code()["ledger"])
    return [*declared, *(identity_table(name).strings[-1] for name in ENTITIES)]


def free_numbers(cursor: Cursor, *tables: str) -> None:
    """Has the sequences of the ids of these tables of the ledger, of all where none is named, give numbers that are free: a
    database restored without its sequences gives those that are taken."""
    for table in map(ledger_table, tables or _numbered_tables(cursor)):
        cursor.execute(
            SQL("""
                SELECT setval(s.name, s.last) FROM (
                  SELECT pg_get_serial_sequence({}, 'id')::regclass AS name, max(id) AS last FROM {}) AS s
                WHERE s.last > coalesce(pg_sequence_last_value(s.name), 0)
            """).format(Literal(".".join(table.strings)), table)
        )


def _numbered_tables(cursor: Cursor) -> list[str]:
    cursor.execute(
        SQL("""
            SELECT c.relname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
            WHERE c.relnamespace = {}::regnamespace AND a.attname = 'id' AND a.attidentity <> '' ORDER BY 1
        """).format(Literal(LEDGER_SCHEMA))
    )
    return [name for (name,) in cursor.fetchall()]


def check_trusted(cursor: Cursor) -> None:
    """Raises UntrustedLedgerError where the ledger is another role's, and not as this program makes it."""
    code = _code()
    uuid = code["uuid_16"] if cursor.connection.server_version >= 160000 else code["uuid_14"]
    trust.check_trusted(cursor, code["parse"] + uuid, table_names())


def hold(cursor: Cursor) -> None:
    """Keeps another role from changing its ledger until the transaction ends. Raises UntrustedLedgerError."""
    trust.hold(cursor, table_names())
    check_trusted(cursor)


@once_a_transaction
def is_installed(cursor: Cursor) -> bool:
    """Whether the database has a ledger at all. Raises UntrustedLedgerError where it is another role's, and was changed."""
    check_trusted(cursor)
    # As the transaction's snapshot has it: to_regclass also finds what was committed since, whose rows can't be seen yet.
    return queries.yes(
        cursor,
        SQL(
            "SELECT EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE n.nspname = {} AND c.relname = 'about')"
        ).format(Literal(LEDGER_SCHEMA)),
    )


def _is_current(cursor: Cursor) -> bool:
    """Whether the ledger is there as this code shapes it."""
    if not is_installed(cursor):
        return False
    cursor.execute("SELECT code_hash FROM nexus_assets.about")
    return cursor.fetchone() == (code_hash(),)


def await_install(cursor: Cursor) -> None:
    """Where the ledger has to be created or changed, waits until nobody else does so, and begins the transaction again.

    Its snapshot then has what the other one committed. To be called before the transaction has written anything; `install`
    does so itself, unless it is called behind a savepoint.
    """
    if not _is_current(cursor):
        session.take_another_turn(cursor, INSTALL_LOCK, INSTALL_TIMEOUT)


def database_mark(cursor: Cursor) -> str:
    """What tells this server and database from every other one, a restored copy included."""
    (mark,) = queries.row(
        cursor,
        "SELECT system_identifier::text || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())"
        " FROM pg_control_system()",
    )
    return str(mark)


def _check_server(cursor: Cursor) -> None:
    version = cursor.connection.server_version
    encoding = cursor.connection.get_parameter_status("server_encoding")
    if version < OLDEST_SERVER:
        raise NexusAssetsError(
            f"The database server is PostgreSQL {version // 10000}; this program needs 14 or newer.",
            remedy="Upgrade the server, or load into a newer one.",
        )
    if encoding != "UTF8":
        raise NexusAssetsError(
            f"The database's encoding is {encoding}; this program needs UTF8, which Django always makes.",
            remedy="Check that NEXUS_DATABASE_URL names the Nexus database.",
        )


def _act_as_owner_of_schema(cursor: Cursor) -> None:
    """Makes the schema where there is none; all in it belongs to its owner, whoever of several roles comes first."""
    cursor.execute(
        "SELECT rolname, rolname <> current_user AND pg_has_role(nspowner, 'MEMBER') FROM pg_namespace"
        " JOIN pg_roles AS owner ON owner.oid = nspowner WHERE nspname = %s",
        (LEDGER_SCHEMA,),
    )
    found = cursor.fetchone()
    if found is None:
        cursor.execute(SQL("CREATE SCHEMA {}").format(Identifier(LEDGER_SCHEMA)))
    elif found[1]:
        cursor.execute(SQL("SET LOCAL ROLE {}").format(Identifier(found[0])))


def install(cursor: Cursor) -> None:
    """Make or follow up the ledger's schema in the running transaction; nothing is written where it is as it should be."""
    _check_server(cursor)
    if _is_current(cursor):
        return
    await_install(cursor)
    if _is_current(cursor):
        return
    code = _code()
    _act_as_owner_of_schema(cursor)
    cursor.execute(code["parse"])
    cursor.execute(code["uuid_16"] if cursor.connection.server_version >= 160000 else code["uuid_14"])
    cursor.execute("DROP VIEW IF EXISTS nexus_assets.identity")
    cursor.execute(code["ledger"])
    for entity in ENTITIES.values():
        cursor.execute(_identity_sql(entity))
    cursor.execute(_identity_view_sql())
    cursor.execute(
        "INSERT INTO nexus_assets.about AS known (database_mark, code_hash, guarded)"
        " VALUES (%s, %s, to_regnamespace(%s) IS NOT NULL)"
        " ON CONFLICT (only_row) DO UPDATE SET code_hash = excluded.code_hash, guarded = known.guarded OR excluded.guarded",
        (database_mark(cursor), code_hash(), GUARD_SCHEMA),
    )
    cursor.execute("RESET ROLE")
    forget(cursor)
    check_trusted(cursor)

"""Whether the ledger is as this program made it: asked before a role uses one that belongs to another role.

A role that owns a table or a function decides what happens where others read, write or call it: by triggers, rules,
policies, defaults, checks, expressions in indexes, or another body. The role that imports may own the ledger; the database's
owner, with more rights, must not run what that role has put into it (law 8).
"""

from __future__ import annotations

import re

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composed, Identifier

from nexus_assets.errors import NexusAssetsError
from nexus_assets.ledger.tables import ledger_table
from nexus_assets.nexus.relations import LEDGER_SCHEMA

FUNCTION = re.compile(
    r"CREATE OR REPLACE FUNCTION nexus_assets\.(\w+)\((.*?)\)\s+RETURNS .*?\$\$(.*?)\$\$;", re.DOTALL | re.IGNORECASE
)
"""A function in the program's own SQL: its name, its arguments, its body."""

EXPRESSIONS = re.compile(
    r"true|false|0|now\(\)|clock_timestamp\(\)|gen_random_uuid\(\)|'\{\}'::(?:jsonb|bigint\[\])|'\w*'::text"
    r"|\(\w+ IS NULL\)|CHECK \(only_row\)|CHECK \(\(\w+ = ANY \(ARRAY\[(?:'\w+'::text(?:, )?)+\]\)\)\)"
)
"""The defaults, conditions of indexes and checks that the ledger's tables have, as PostgreSQL writes them."""

OTHERS_SQL = """
    SELECT EXISTS (SELECT FROM pg_class AS c WHERE c.relnamespace = n.oid AND c.relowner <> current_user::regrole)
        OR EXISTS (SELECT FROM pg_proc AS p
                   WHERE p.oid >= 16384 AND p.pronamespace = n.oid AND p.proowner <> current_user::regrole)
    FROM pg_namespace AS n WHERE n.nspname = %s
"""

TABLES_SQL = """
    SELECT c.relname,
      c.relkind = 'r' AND NOT c.relrowsecurity AND NOT c.relispartition
        AND NOT EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = c.oid)
        AND NOT EXISTS (SELECT FROM pg_rewrite AS r WHERE r.ev_class = c.oid)
        AND NOT EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid)
        AND NOT EXISTS (SELECT FROM pg_inherits AS i WHERE c.oid IN (i.inhrelid, i.inhparent))
        AND NOT EXISTS (SELECT FROM pg_cast AS k JOIN pg_type AS y ON y.oid IN (k.castsource, k.casttarget)
                        WHERE y.typrelid = c.oid OR y.typelem = c.reltype)
        AND NOT EXISTS (SELECT FROM pg_statistic_ext AS s WHERE s.stxrelid = c.oid)
        AND NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND NOT a.attisdropped
                        AND (a.atttypid >= 16384 OR a.attcollation >= 16384 OR a.attgenerated <> ''))
        AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid
                        AND (i.indexprs IS NOT NULL OR EXISTS (SELECT FROM unnest(i.indclass) AS o WHERE o >= 16384))),
      ARRAY(SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef AS d WHERE d.adrelid = c.oid)
        || ARRAY(SELECT pg_get_expr(i.indpred, i.indrelid) FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indpred IS NOT NULL)
        || ARRAY(SELECT pg_get_constraintdef(k.oid) FROM pg_constraint AS k WHERE k.conrelid = c.oid
                 AND k.contype NOT IN ('p', 'u', 'n'))
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relname = ANY(%s) AND c.relowner <> current_user::regrole
    ORDER BY 1
"""

FUNCTIONS_SQL = """
    SELECT p.proname, pg_get_function_arguments(p.oid), p.prosrc,
      p.prokind = 'f' AND NOT p.prosecdef AND p.proconfig IS NULL AND p.prosupport = 0
        AND l.lanname IN ('sql', 'plpgsql') AND p.prosqlbody IS NULL
        -- A domain of another role brings its checks along.
        AND p.prorettype < 16384
    FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace JOIN pg_language AS l ON l.oid = p.prolang
    WHERE n.nspname = %s AND p.proowner <> current_user::regrole AND p.prorettype <> 'trigger'::regtype
    ORDER BY 1, 2
"""


class UntrustedLedgerError(NexusAssetsError):
    """Another role's ledger is not as this program makes it; nothing of it was run."""


def belongs_to_another(cursor: Cursor) -> bool:
    """Whether anything in the ledger's schema belongs to another role than the current one."""
    cursor.execute(OTHERS_SQL, (LEDGER_SCHEMA,))
    found = cursor.fetchone()
    return bool(found and found[0])


def check_trusted(cursor: Cursor, code: str, tables: list[str]) -> None:
    """Raises UntrustedLedgerError, naming tables and functions, where another role's ledger differs from the program's own:
    `code` is the text of its functions, `tables` are the names of its tables."""
    if not belongs_to_another(cursor):
        return
    strange = [*_strange_tables(cursor, tables), *_strange_functions(cursor, code)]
    if strange:
        raise UntrustedLedgerError(
            f"The ledger in the schema {LEDGER_SCHEMA} belongs to another role, and is not as this version makes it:"
            f" {', '.join(strange)}.",
            remedy="Nothing of it was run. Run `nexus-assets check` with that role's NEXUS_DATABASE_URL, which brings the ledger"
            " up to this version. Where that does not help, somebody changed it: look who uses the role's password.",
        )


def _strange_tables(cursor: Cursor, tables: list[str]) -> list[str]:
    cursor.execute(TABLES_SQL, (LEDGER_SCHEMA, tables))
    return [
        f"table {name}"
        for name, is_plain, expressions in cursor.fetchall()
        if not is_plain or not all(map(EXPRESSIONS.fullmatch, expressions))
    ]


def _strange_functions(cursor: Cursor, code: str) -> list[str]:
    own = {(name, _words(arguments), body) for name, arguments, body in FUNCTION.findall(code)}
    cursor.execute(FUNCTIONS_SQL, (LEDGER_SCHEMA,))
    return [
        f"function {name}"
        for name, arguments, body, is_plain in cursor.fetchall()
        if not is_plain or (name, _words(arguments), body) not in own
    ]


def _words(text: str) -> str:
    return " ".join(text.split())


def hold(cursor: Cursor, tables: list[str]) -> None:
    """Keeps another role from changing its ledger until the transaction ends: to be called before it is checked."""
    if not belongs_to_another(cursor):
        return
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'r'", (LEDGER_SCHEMA,)
    )
    there = [name for (name,) in cursor.fetchall() if name in tables]
    if there:
        named = SQL(", ").join(map(ledger_table, there))
        cursor.execute(SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(named))
    cursor.execute(
        "SELECT p.proname, pg_get_function_identity_arguments(p.oid) FROM pg_proc AS p"
        " WHERE p.pronamespace = %s::regnamespace AND p.proowner <> current_user::regrole AND p.prokind = 'f'",
        (LEDGER_SCHEMA,),
    )
    for name, arguments in cursor.fetchall():
        cursor.execute(_touched(name, arguments))


def _touched(name: str, arguments: str) -> Composed:
    """Writes a function's entry in the catalogue again as it is: until the commit nobody else can."""
    return SQL("ALTER FUNCTION {}({}) PARALLEL SAFE").format(Identifier(LEDGER_SCHEMA, name), SQL(arguments))

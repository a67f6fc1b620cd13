"""What constraints demand of the rows of one table, beyond its primary key and its foreign keys."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor


@dataclass(frozen=True)
class CheckConstraint:
    """A CHECK constraint that new rows must meet: its name, its columns, and its condition as SQL that names columns alone."""

    name: str
    columns: tuple[str, ...]
    condition: str

    @property
    def demand(self) -> str:
        """What it demands, for a message."""
        return f"it demands {self.condition}"


@dataclass(frozen=True)
class Exclusion:
    """A unique index or an exclusion constraint: its name, the columns that it names, its keys as SQL, by which operator two rows
    clash in each of them, and which rows it holds for, where that is not all. `nulls_clash`: two NULLs of a key are alike."""

    name: str
    columns: tuple[str, ...]
    keys: tuple[str, ...]
    operators: tuple[str, ...]
    condition: str
    nulls_clash: bool

    @property
    def is_unique(self) -> bool:
        return {*self.operators} == {"="}

    @property
    def demand(self) -> str:
        """What it demands, for a message."""
        keys = ", ".join(
            f"{key}{'' if operator == '=' else f' WITH {operator}'}"
            for key, operator in zip(self.keys, self.operators, strict=True)
        )
        return f"only one row may have the same ({keys})" + (f" where {self.condition}" if self.condition else "")


Constraint = CheckConstraint | Exclusion


_CONSTRAINTS_SQL = """
    SELECT 'check', k.conname,
           ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS c (number, place)
                 JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = c.number ORDER BY c.place),
           pg_get_expr(k.conbin, k.conrelid), NULL, NULL, NULL
    FROM pg_constraint AS k
    WHERE k.conrelid = %(oid)s AND k.contype = 'c' AND 0 <> ALL (k.conkey)
      AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, TRUE)
      AND NOT EXISTS (SELECT FROM pg_attribute AS a
                      WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND a.attgenerated <> '')
    UNION ALL
    SELECT CASE WHEN i.indisunique THEN 'unique' ELSE 'with operators' END, n.relname,
           ARRAY(SELECT a.attname::text FROM pg_attribute AS a
                 WHERE a.attrelid = i.indrelid AND a.attnum = ANY (named.numbers) ORDER BY a.attnum),
           coalesce(pg_get_expr(i.indpred, i.indrelid), ''),
           ARRAY(SELECT pg_get_indexdef(i.indexrelid, place, FALSE) FROM generate_series(1, i.indnkeyatts) AS place),
           coalesce(
             (SELECT array_agg(CASE s.nspname WHEN 'pg_catalog' THEN o.oprname
                               ELSE format('OPERATOR(%%I.%%s)', s.nspname, o.oprname) END ORDER BY c.place)
              FROM pg_constraint AS k, unnest(k.conexclop) WITH ORDINALITY AS c (id, place)
              JOIN pg_operator AS o ON o.oid = c.id JOIN pg_namespace AS s ON s.oid = o.oprnamespace
              WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid),
             array_fill('='::text, ARRAY[i.indnkeyatts::integer])),
           coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, FALSE)
    FROM pg_index AS i JOIN pg_class AS n ON n.oid = i.indexrelid
    CROSS JOIN LATERAL (
      SELECT array_agg(number) AS numbers FROM (
        SELECT number FROM unnest((i.indkey::smallint[])[0:i.indnkeyatts - 1]) AS number WHERE number <> 0
        UNION SELECT d.refobjsubid FROM pg_depend AS d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
          AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid
      ) AS c (number)
    ) AS named
    WHERE (i.indisunique OR i.indisexclusion) AND NOT i.indisprimary AND i.indrelid = %(oid)s
      AND strpos(pg_get_indexdef(i.indexrelid), '.*') = 0
      AND NOT EXISTS (SELECT FROM pg_attribute AS a
                      WHERE a.attrelid = i.indrelid AND a.attnum = ANY (named.numbers) AND a.attgenerated <> '')
    ORDER BY 1, 3, 2
"""


_ANY_SQL = """
    SELECT EXISTS (SELECT FROM pg_constraint WHERE conrelid = %(oid)s AND contype = 'c')
        OR EXISTS (SELECT FROM pg_index WHERE indrelid = %(oid)s AND (indisunique OR indisexclusion) AND NOT indisprimary)
"""
"""Whether there is any to look at: most tables have none, and to plan the statement above takes the server 1 ms."""


def read_constraints(cursor: Cursor, oid: int) -> tuple[Constraint, ...]:
    """What new rows of the table must meet, also what was never validated or is not of all rows; but not the primary key, nor what
    is of whole rows or of generated columns, whose values are not known before a row is written."""
    cursor.execute(_ANY_SQL, {"oid": oid})
    if cursor.fetchone() == (False,):
        return ()
    cursor.execute(_CONSTRAINTS_SQL, {"oid": oid})
    found = list[Constraint]()
    for kind, name, columns, condition, keys, operators, nulls_clash in cursor.fetchall():
        if kind == "check":
            found.append(CheckConstraint(name, tuple(columns), condition))
        else:
            found.append(Exclusion(name, tuple(columns), tuple(keys), tuple(operators), condition, nulls_clash))
    return tuple(found)

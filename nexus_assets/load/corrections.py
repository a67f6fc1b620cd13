"""Step 2: the rows that a person corrected stand in place of FileMaker's faulty ones, for as long as those stay as they were.

`nexus-assets rejects retry` keeps them (admin/retry.py). A load reads them as if the export had them: identity,
references, gates and the account are those of every row. A row that has changed in FileMaker since counts as it is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Literal

from nexus_assets.load.work import Relation
from nexus_assets.nexus import queries


def state(cursor: Cursor, export: str) -> str:
    """What tells one set of corrected rows of an export from another; empty where there are none."""
    number, latest = queries.row(
        cursor,
        SQL(
            "SELECT count(*), extract(epoch FROM max(corrected_at))::text FROM nexus_assets.correction WHERE export = {}"
        ).format(Literal(export)),
    )
    return f"{number} by {latest}" if number else ""


def put_in_place(cursor: Cursor, export: str, staged: Relation) -> int:
    """Replaces the faulty rows among the staged ones, and adds those that FileMaker lacks; returns how many.

    Those for which the export holds another row by now, or none, are marked as idle.
    """
    cursor.execute(
        SQL("SELECT DISTINCT absent, {}, {} FROM nexus_assets.correction WHERE export = {}").format(
            _headings_sql("faulty"), _headings_sql("corrected"), Literal(export)
        )
    )
    used: list[int] = []
    for absent, known, said in cursor.fetchall():
        alike = _Alike(export, staged, known, said)
        cursor.execute(alike.added_sql() if absent else alike.replaced_sql())
        used += [number for (number,) in cursor.fetchall()]
    cursor.execute(
        "UPDATE nexus_assets.correction SET idle_since = CASE WHEN id = ANY(%s) THEN NULL ELSE now() END"
        " WHERE export = %s AND (idle_since IS NULL) <> (id = ANY(%s))",
        (used, export, used),
    )
    return len(used)


def _headings_sql(row: str) -> Composable:
    return SQL("ARRAY(SELECT jsonb_object_keys({}) ORDER BY 1)").format(SQL(row))


@dataclass(frozen=True)
class _Alike:
    """The corrected rows of an export that know the same headings of the faulty row, and say the same ones."""

    export: str
    staged: Relation
    known: Sequence[str]
    said: Sequence[str]

    def replaced_sql(self) -> Composable:
        """Of equal faulty rows the k-th becomes the k-th corrected one. An empty cell and an absent one are the same."""
        equal = [
            SQL("coalesce({}, '') = coalesce(f.faulty ->> {}, '')").format(self._cell(heading), Literal(heading))
            for heading in self._read(self.known)
        ]
        return SQL("""
            WITH those AS ({those}), found AS (
              SELECT e.row_number, f.faulty, row_number() OVER (PARTITION BY f.faulty ORDER BY e.row_number) AS k
              FROM {table} AS e JOIN (SELECT DISTINCT faulty FROM those) AS f ON {equal})
            UPDATE {table} AS e SET {values} FROM found JOIN those AS m USING (faulty, k)
            WHERE e.row_number = found.row_number RETURNING m.id
        """).format(
            those=self._those_sql(absent=False),
            table=self.staged.table,
            equal=SQL(" AND ").join(equal),
            values=SQL(", ").join(
                SQL("{} = m.corrected ->> {}").format(self.staged.columns[heading], Literal(heading))
                for heading in self._read(self.said)
            ),
        )

    def added_sql(self) -> Composable:
        """Rows for files of which FileMaker says nothing, while it still does not."""
        same = [
            SQL("nexus_assets.comparable({}) = nexus_assets.comparable(m.faulty ->> {})").format(
                self._cell(heading), Literal(heading)
            )
            for heading in self._read(self.known)
        ]
        written = self._read(self.said)
        return SQL("""
            WITH those AS ({those}), lacking AS (
              SELECT * FROM those AS m WHERE NOT EXISTS (SELECT FROM {table} AS e WHERE {same})
            ), added AS (INSERT INTO {table} ({columns}) SELECT {values} FROM lacking AS m ORDER BY id)
            SELECT id FROM lacking
        """).format(
            those=self._those_sql(absent=True),
            table=self.staged.table,
            same=SQL(" AND ").join(same),
            columns=SQL(", ").join(self.staged.columns[heading] for heading in written),
            values=SQL(", ").join(SQL("m.corrected ->> {}").format(Literal(heading)) for heading in written),
        )

    def _those_sql(self, *, absent: bool) -> Composable:
        return SQL("""
            SELECT id, faulty, corrected, row_number() OVER (PARTITION BY faulty ORDER BY id) AS k FROM nexus_assets.correction
            WHERE export = {} AND absent = {} AND ({}, {}) = ({}::text[], {}::text[])
        """).format(
            Literal(self.export),
            Literal(absent),
            _headings_sql("faulty"),
            _headings_sql("corrected"),
            Literal([*self.known]),
            Literal([*self.said]),
        )

    def _read(self, headings: Sequence[str]) -> list[str]:
        """Those of the headings that this load reads; another entity of the same export may read fewer."""
        return [heading for heading in headings if heading in self.staged.columns]

    def _cell(self, heading: str) -> Composable:
        return self.staged.field(heading, "e")

"""Step 7: what became of every source row, kept and proved before the load is committed."""

from __future__ import annotations

from dataclasses import dataclass, field

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets import clinics
from nexus_assets.errors import NexusAssetsError
from nexus_assets.ledger.schema import base_column, base_columns
from nexus_assets.load.adoption import is_empty_sql
from nexus_assets.load.compare import changed_rows_sql, keep_flag, kept_sql, write_flag, written_sql
from nexus_assets.load.identity import ids_by_hash_sql, is_known_sql
from nexus_assets.load.incoming import LoadContext, reference_column
from nexus_assets.load.planner import without_nested_loops
from nexus_assets.mapping.entity import GenericReference
from nexus_assets.nexus import queries


class AccountError(NexusAssetsError):
    """The load does not add up, or would leave a dangling reference. Nothing was written."""


@dataclass
class Account:
    """What became of the source rows of one load. Every row has exactly one outcome:

    source_rows = inserted + updated + unchanged + kept + collapsed + the sum of `rejected`. `adoption` counts values of
    adopted rows by column: `filled` where there was none, `replaced` where an importer had left one, `kept`.
    """

    source_rows: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    kept: int = 0
    collapsed: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    notices: dict[str, int] = field(default_factory=dict)
    healed: dict[str, int] = field(default_factory=dict)
    adoption: dict[str, dict[str, int]] = field(default_factory=dict)
    orphans: int = 0

    @property
    def outcomes(self) -> dict[str, int]:
        names = ("inserted", "updated", "unchanged", "kept", "collapsed")
        return {name: getattr(self, name) for name in names}

    def accounted(self) -> int:
        return sum(self.outcomes.values()) + sum(self.rejected.values())

    def heal(self, **numbers: int) -> None:
        """Adds to what was healed, by name; nothing is not mentioned."""
        for name, number in numbers.items():
            if number:
                self.healed[name] = self.healed.get(name, 0) + number

    def add_up(self, entity: str) -> None:
        """Raises AccountError unless every source row has its outcome (law 3), and no link that was loaded is dangling."""
        if self.accounted() != self.source_rows:
            raise AccountError(
                f"The load of {entity} does not add up: {self.source_rows} source rows, {self.accounted()} accounted for.",
                remedy="Nothing was written. This is a defect of the program: report it with these figures.",
            )
        if self.orphans:
            raise AccountError(
                f"The load of {entity} would leave {self.orphans} dangling references.",
                remedy=f"Nothing was written. Run `{clinics.materialize_command('*' + entity)}`.",
            )


def count(cursor: Cursor, context: LoadContext, source_rows: int, collapsed: int, rejected: dict[str, int]) -> Account:
    """Counts the outcomes from the tables of the load, each row of the source once; what is given is counted before."""
    work, account = context.work, Account(source_rows=source_rows, collapsed=collapsed, rejected=rejected)
    settled, settled_but_kept = queries.row(
        cursor,
        SQL("""
            SELECT count(*), count(c.source_id) FROM {seen} AS s
            LEFT JOIN (SELECT DISTINCT source_id FROM nexus_assets.conflict
                       WHERE entity = {entity} AND resolved_load IS NULL) AS c USING (source_id)
            WHERE s.settled
        """).format(seen=work("seen"), entity=Literal(context.entity.name)),
    )
    account.updated, kept, unchanged, adopted, relinked = _compared(cursor, context)
    account.inserted, restored, deleted = queries.row(
        cursor,
        SQL(
            "SELECT count(*) FILTER (WHERE action <> 'deleted'), count(*) FILTER (WHERE action = 'restore'),"
            " count(*) FILTER (WHERE action = 'deleted') FROM {} WHERE action IN ('insert', 'restore', 'deleted')"
        ).format(work("decided")),
    )
    account.kept = kept + settled_but_kept + deleted
    account.unchanged = unchanged + settled - settled_but_kept
    account.adoption = _adopted_values(cursor, context) if adopted else {}
    account.heal(
        # What another entity's load has just inserted was nobody's before.
        adopted=adopted if context.entity.adds_rows else 0,
        restored=restored,
        relinked=relinked,
    )
    return account


def _compared(cursor: Cursor, context: LoadContext) -> tuple[int, int, int, int, int]:
    """(updated, kept, unchanged, adopted, relinked) of the existing rows that were looked at. A relinked one is an updated one."""
    links = [name for link in context.entity.references if (name := reference_column(link)) is not None]
    relinked = SQL(" OR ").join([SQL("FALSE"), *(SQL("c.{}").format(write_flag(name)) for name in links)])
    updated, kept, unchanged, adopted, linked = queries.row(
        cursor,
        SQL("""
            SELECT count(*) FILTER (WHERE {written}), count(*) FILTER (WHERE NOT {written} AND {kept}),
                   count(*) FILTER (WHERE NOT {written} AND NOT {kept}), count(*) FILTER (WHERE c.action = 'adopt'),
                   count(*) FILTER (WHERE {relinked})
            FROM {changes} AS c
        """).format(
            written=written_sql(context), kept=kept_sql(context), relinked=relinked, changes=context.work("changes")
        ),
    )
    return updated, kept, unchanged, adopted, linked


def _adopted_values(cursor: Cursor, context: LoadContext) -> dict[str, dict[str, int]]:
    """The values of adopted rows that were `filled`, `replaced` and `kept`, by column; run before any is written.

    Links are not among those that were written: they are counted as relinked.
    """
    links = {reference_column(link) for link in context.entity.references}
    tests: list[tuple[str, str, Composable]] = []
    for name in base_columns(context.entity):
        if name not in links:
            written, empty = write_flag(name), is_empty_sql(context, name)
            tests.append(("filled", name, SQL("c.{} AND {}").format(written, empty)))
            tests.append(("replaced", name, SQL("c.{} AND NOT ({})").format(written, empty)))
        tests.append(("kept", name, SQL("c.{}").format(keep_flag(name))))
    found = queries.row(
        cursor,
        SQL("""
            SELECT {} FROM {}
            WHERE c.action = 'adopt'
        """).format(
            SQL(", ").join(SQL("count(*) FILTER (WHERE {})").format(test) for *_, test in tests),
            changed_rows_sql(context),
        ),
    )
    counts: dict[str, dict[str, int]] = {"filled": {}, "replaced": {}, "kept": {}}
    for (what, name, _), rows in zip(tests, found, strict=True):
        if rows:
            counts[what][name] = rows
    return counts


def notices(cursor: Cursor, context: LoadContext) -> tuple[dict[str, int], dict[str, int]]:
    """What is worth telling of the rows that are loaded all the same, by notice code: of all rows, not only of the changed ones.

    The second are the numbers of the first such rows.
    """
    of_all = SQL("""
        SELECT notices, count(*), min(row_number) FROM (
          SELECT notices, row_number FROM {seen} WHERE notices IS NOT NULL AND settled
          UNION ALL
          SELECT l.notices, i.row_number FROM {incoming} AS i JOIN {ledger} AS l USING (source_id)
          WHERE l.notices IS NOT NULL AND i.reason IS NULL
        ) AS told GROUP BY 1
    """).format(
        ledger=context.ledger,
        incoming=context.work("incoming"),
        seen=context.work("seen"),
    )
    of_first = SQL("SELECT notices, count(*), min(row_number) FROM {} WHERE notices IS NOT NULL GROUP BY 1")
    cursor.execute(of_first.format(context.ledger) if context.is_first else of_all)
    found: dict[str, int] = {}
    first_rows: dict[str, int] = {}
    for codes, rows, first in cursor.fetchall():
        for code in codes:
            found[code] = found.get(code, 0) + rows
            first_rows[code] = min(first or 0, first_rows.get(code, first or 0))
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))), first_rows


def orphans(cursor: Cursor, context: LoadContext) -> int:
    """The rows of this table that were loaded, now or before, and whose generic link leads to no row of its parent.

    Not counted is what no load could link otherwise: a row that vanished or is rejected now, and one that leads to somebody who
    is gone, while FileMaker names nobody who is there. The check over all rows tells of those.
    """
    if not context.entity.generic_references:
        return 0
    with without_nested_loops(cursor):
        return sum(queries.number(cursor, _orphans_sql(context, link)) for link in context.entity.generic_references)


def _orphans_sql(context: LoadContext, link: GenericReference) -> Composable:
    # OFFSET 0 has those found that lead nowhere, which are few, before it is asked of each whom it names.
    parent = context.parents[link.to]
    return SQL("""
        SELECT count(*) FROM (
          SELECT t.{id} AS id, l.{base} AS base FROM {target} AS t JOIN {ledger} AS l ON l.nexus_id = t.id
          LEFT JOIN {parent} AS p ON p.id = t.{id}
          WHERE ((t.{type} IS NULL) <> (t.{id} IS NULL) OR t.{type} = {content_type} AND p.id IS NULL)
            AND l.vanished_load IS NULL
            AND NOT EXISTS (SELECT FROM {incoming} AS i WHERE i.source_id = l.source_id AND i.reason IS NOT NULL)
          OFFSET 0
        ) AS dead
        WHERE NOT ({known} AND NOT EXISTS (
          SELECT FROM ({ids}) AS k JOIN {parent} AS named ON named.id = k.current_id WHERE k.hash = dead.base))
    """).format(
        target=context.target.table,
        ledger=context.ledger,
        parent=parent.table,
        id=Identifier(link.id_column),
        base=base_column(link.id_column),
        type=Identifier(link.type_column),
        content_type=Literal(parent.content_type_id),
        incoming=context.work("incoming"),
        known=is_known_sql(link.to, SQL("dead.id")),
        ids=ids_by_hash_sql(link.to),
    )

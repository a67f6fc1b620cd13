"""Step 7: what became of every source row, kept and proved before the load is committed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.errors import NexusAssetsError
from nexus_assets.load.incoming import Scene
from nexus_assets.load.merge import conflicts_sql, healed_links_sql, outcomes_sql


class AccountError(NexusAssetsError):
    """The load does not add up, or would leave a reference that leads nowhere. Nothing was written."""


@dataclass
class Account:
    """What became of the source rows of one load. Every row has exactly one outcome:

    source_rows = inserted + updated + unchanged + kept + collapsed + the sum of `rejected`.
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
    orphans: int = 0

    @property
    def outcomes(self) -> dict[str, int]:
        names = ("inserted", "updated", "unchanged", "kept", "collapsed")
        return {name: getattr(self, name) for name in names}

    def accounted(self) -> int:
        return sum(self.outcomes.values()) + sum(self.rejected.values())

    def add_up(self, entity: str) -> None:
        """Raises AccountError unless every source row has its outcome (law 3)."""
        if self.accounted() != self.source_rows:
            raise AccountError(
                f"The load of {entity} does not add up: {self.source_rows} source rows, {self.accounted()} accounted for.",
                remedy="Nothing was written. This is a defect of the program: report it with these figures.",
            )


def _one(cursor: Cursor, statement: Composable) -> tuple[Any, ...]:
    cursor.execute(statement)
    row = cursor.fetchone()
    assert row is not None
    return tuple(row)


def count(cursor: Cursor, scene: Scene) -> Account:
    """Counts the outcomes from the tables of the load, each row of the source once."""
    seen, repeated = scene.work("seen"), scene.work("repeated")
    rows, settled, settled_kept = _one(
        cursor,
        SQL("""
            SELECT count(*), count(*) FILTER (WHERE s.settled AND (r.source_id IS NULL OR NOT r.differ AND r.first_row = s.row_number)),
                   (SELECT count(*) FROM {seen} AS s JOIN (SELECT DISTINCT source_id FROM nexus_assets.conflict
                      WHERE entity = {entity} AND resolved_load IS NULL) AS c USING (source_id)
                    LEFT JOIN {repeated} AS r USING (source_id)
                    WHERE s.settled AND (r.source_id IS NULL OR NOT r.differ AND r.first_row = s.row_number))
            FROM {seen} AS s LEFT JOIN {repeated} AS r USING (source_id)
        """).format(seen=seen, repeated=repeated, entity=Literal(scene.entity.name)),
    )
    account = Account(source_rows=rows)
    (account.collapsed,) = _one(
        cursor, SQL("SELECT coalesce(sum(more) FILTER (WHERE NOT differ), 0)::bigint FROM {}").format(repeated)
    )
    account.updated, account.kept, account.unchanged, adopted = _one(cursor, outcomes_sql(scene))
    account.unchanged += settled - settled_kept
    account.kept += settled_kept
    (account.inserted, restored) = _one(
        cursor,
        SQL(
            "SELECT count(*), count(*) FILTER (WHERE action = 'restore') FROM {} WHERE action IN ('make', 'restore')"
        ).format(scene.work("decided")),
    )
    cursor.execute(
        SQL(
            "SELECT split_part(reason, ':', 1), count(*) FROM {} WHERE reason IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
        ).format(scene.work("incoming"))
    )
    account.rejected = dict(cursor.fetchall())
    relinked = healed_links_sql(scene)
    healed = {"adopted": adopted, "restored": restored, "relinked": _one(cursor, relinked)[0] if relinked else 0}
    account.healed = {name: number for name, number in healed.items() if number}
    return account


def notices(cursor: Cursor, scene: Scene) -> dict[str, int]:
    """What is worth telling of the rows that were looked at and loaded all the same, by notice code."""
    counted: list[tuple[str, Composable]] = [
        (lookup.notice, SQL("{}").format(Identifier(f"unmatched_{lookup.column}"))) for lookup in scene.entity.lookups
    ]
    counted += [
        (column.unreadable, Identifier(f"unread_{column.name}")) for column in scene.entity.columns if column.unreadable
    ]
    counted += [
        (link.notice, SQL("{} IS NULL").format(Identifier(f"new_{link.id_column}")))
        for link in scene.entity.generic_references
        if link.notice
    ]
    if not counted:
        return {}
    totals = SQL(", ").join(SQL("count(*) FILTER (WHERE {})").format(condition) for _, condition in counted)
    row = _one(cursor, SQL("SELECT {} FROM {} WHERE reason IS NULL").format(totals, scene.work("incoming")))
    return {code: number for (code, _), number in zip(counted, row, strict=True) if number}


def keep_rejects(cursor: Cursor, scene: Scene, load_id: int) -> None:
    """Keeps the rejected rows until a load no longer rejects them; one that is known already stays as it is."""
    payload = SQL(", ").join(
        SQL("{}, {}").format(Literal(name), scene.source.field(name, "s")) for name in scene.entity.fields()
    )
    cursor.execute(
        SQL("""
            CREATE UNLOGGED TABLE {rejected} AS
            SELECT row_number, source_id, row_hash, split_part(reason, ':', 1) AS reason,
                   nullif(split_part(reason, ':', 2), '') AS column_name,
                   row_number() OVER (PARTITION BY row_hash, reason ORDER BY row_number) AS k
            FROM {incoming} WHERE reason IS NOT NULL;

            CREATE UNLOGGED TABLE {known} AS
            SELECT id, row_hash, reason, column_name, row_number, row_number() OVER (PARTITION BY row_hash, reason, column_name ORDER BY id) AS k
            FROM nexus_assets.reject WHERE entity = {entity} AND resolved_load IS NULL;

            UPDATE nexus_assets.reject AS r SET resolved_load = {load} FROM {known} AS n
            WHERE r.id = n.id AND NOT EXISTS (
              SELECT FROM {rejected} AS x WHERE (x.row_hash, x.reason, x.k) = (n.row_hash, n.reason, n.k)
                AND x.column_name IS NOT DISTINCT FROM n.column_name);

            UPDATE nexus_assets.reject AS r SET row_number = x.row_number FROM {known} AS n, {rejected} AS x
            WHERE r.id = n.id AND (x.row_hash, x.reason, x.k) = (n.row_hash, n.reason, n.k)
              AND x.column_name IS NOT DISTINCT FROM n.column_name AND n.row_number <> x.row_number;

            INSERT INTO nexus_assets.reject (entity, row_number, source_id, reason, column_name, row_hash, payload, first_load)
            SELECT {entity}, x.row_number, nexus_assets.read_text({source_id}), x.reason, x.column_name, x.row_hash,
                   jsonb_strip_nulls(jsonb_build_object({payload})), {load}
            FROM {rejected} AS x JOIN {source} AS s USING (row_number)
            WHERE NOT EXISTS (
              SELECT FROM {known} AS n WHERE (x.row_hash, x.reason, x.k) = (n.row_hash, n.reason, n.k)
                AND x.column_name IS NOT DISTINCT FROM n.column_name)
            ORDER BY x.row_number
        """).format(
            rejected=scene.work("rejected"),
            known=scene.work("known_rejects"),
            incoming=scene.work("incoming"),
            entity=Literal(scene.entity.name),
            load=Literal(load_id),
            payload=payload,
            source=scene.source.table,
            source_id=scene.source.field(scene.entity.source_id, "s"),
        )
    )


def keep_conflicts(cursor: Cursor, scene: Scene, load_id: int) -> None:
    """Lists the values that were kept, until Nexus and FileMaker agree; run before the ledger is told of this load."""
    cursor.execute(
        SQL("""
            CREATE UNLOGGED TABLE {kept} AS {conflicts};

            UPDATE nexus_assets.conflict AS c SET resolved_load = {load}
            WHERE c.entity = {entity} AND c.resolved_load IS NULL
              AND EXISTS (SELECT FROM {decided} AS d WHERE d.source_id = c.source_id)
              AND NOT EXISTS (SELECT FROM {kept} AS k WHERE (k.source_id, k.column_name) = (c.source_id, c.column_name));

            INSERT INTO nexus_assets.conflict AS c
              (entity, source_id, nexus_id, column_name, cause, filemaker_value, nexus_value, first_load)
            SELECT {entity}, source_id, nexus_id, column_name, cause, filemaker_value, nexus_value, {load} FROM {kept}
            ON CONFLICT (entity, source_id, column_name) WHERE resolved_load IS NULL DO UPDATE
              SET nexus_id = excluded.nexus_id, filemaker_value = excluded.filemaker_value, nexus_value = excluded.nexus_value
              WHERE (c.nexus_id, c.filemaker_value, c.nexus_value)
                IS DISTINCT FROM (excluded.nexus_id, excluded.filemaker_value, excluded.nexus_value)
        """).format(
            kept=scene.work("kept"),
            conflicts=conflicts_sql(scene),
            decided=scene.work("decided"),
            entity=Literal(scene.entity.name),
            load=Literal(load_id),
        )
    )


def mark_vanished(cursor: Cursor, scene: Scene, load_id: int) -> int:
    """Marks the ids that the source no longer has; returns how many vanished with this load. Nothing is deleted for it."""
    cursor.execute(
        SQL("""
            UPDATE {ledger} AS l SET vanished_load = {load}
            WHERE l.vanished_load IS NULL AND NOT EXISTS (SELECT FROM {seen} AS s WHERE s.source_id = l.source_id)
        """).format(ledger=scene.ledger, load=Literal(load_id), seen=scene.work("seen"))
    )
    return int(cursor.rowcount)


def orphans(cursor: Cursor, scene: Scene) -> int:
    """The rows of this table, among those that the ledger answers for, whose link leads nowhere."""
    total = 0
    for link in scene.entity.generic_references:
        parent = scene.parents[link.to]
        (number,) = _one(
            cursor,
            SQL("""
                SELECT count(*) FROM {target} AS t JOIN {ledger} AS l ON l.nexus_id = t.id
                LEFT JOIN {parent} AS p ON p.id = t.{id} AND t.{type} = {content_type}
                WHERE (t.{type} IS NOT NULL OR t.{id} IS NOT NULL) AND p.id IS NULL AND l.vanished_load IS NULL
                  AND (t.{type} IS NULL OR t.{id} IS NULL OR t.{type} = {content_type})
            """).format(
                target=scene.target.table,
                ledger=scene.ledger,
                parent=parent.table,
                id=Identifier(link.id_column),
                type=Identifier(link.type_column),
                content_type=Literal(parent.content_type_id),
            ),
        )
        total += number
    return total


def summary(account: Account) -> Mapping[str, int | dict[str, int]]:
    """The account as plain numbers, for metadata and JSON."""
    return {
        "source_rows": account.source_rows,
        **account.outcomes,
        "rejected": account.rejected,
        "notices": account.notices,
        "healed": account.healed,
        "orphans": account.orphans,
    }

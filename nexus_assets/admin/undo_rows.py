"""One load undone, in the transaction of the caller: the rows that it made, what it changed, and what the ledger kept of it.

The order: removed rows come back; what stays is found, by the ledger's entries; values and links go back, made rows go, and at
last the ledger is as before. A row that stays keeps its entry, so that the next load finds it as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.admin import undo_values as values
from nexus_assets.admin.reset import differences
from nexus_assets.admin.undo_values import Kept, Place
from nexus_assets.entities import ENTITIES
from nexus_assets.ledger import shared
from nexus_assets.ledger.tables import identity_table, ledger_table
from nexus_assets.mapping.entity import Entity, TrueCount
from nexus_assets.nexus import catalog
from nexus_assets.nexus.catalog import Target
from nexus_assets.nexus.references import generic_keys, is_referenced_sql
from nexus_assets.nexus.relations import relations

NEW_ENTRY = ("nexus_id", "last_load")
"""By which an entry that a load wrote first is known to be as that load left it; another load may mark it as vanished."""


@dataclass
class Undoing:
    """What becomes of one load: rows removed, values put back and rows brought back by column or table, the ledger's
    rejects and conflicts that are open again or withdrawn, and what stays."""

    removed: int = 0
    put_back: dict[str, int] = field(default_factory=dict)
    brought_back: dict[str, int] = field(default_factory=dict)
    reopened: dict[str, int] = field(default_factory=dict)
    withdrawn: dict[str, int] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)


def undo_rows(cursor: Cursor, entity: Entity, load_id: int) -> Undoing:
    """Undoes what the load did to rows, in Nexus and in the ledger; its entry in the list of loads stays."""
    return _Undo(cursor, catalog.reflect(cursor, entity), load_id).run()


class _Undo:
    def __init__(self, cursor: Cursor, target: Target, load_id: int) -> None:
        self.cursor, self.target, self.load_id = cursor, target, load_id
        self.entity = target.entity
        self.names: Mapping[str, Composable] = {
            "ledger": identity_table(self.entity.name),
            "ledger_name": Literal(list(identity_table(self.entity.name).strings)),
            "target": target.table,
            "target_name": Literal([target.schema, target.name]),
            "entity": Literal(self.entity.name),
            "load": Literal(load_id),
        }
        self.result = Undoing()

    def _run(self, statement: str, **more: Composable) -> int:
        self.cursor.execute(SQL(statement).format(**self.names, **more))
        return int(self.cursor.rowcount)

    def run(self) -> Undoing:
        written = values.gather(self.cursor, self.load_id)
        places = [place for name in written if (place := self._place(name)) is not None]
        for place in places:
            # First, for links may lead to them.
            if back := values.bring_back(self.cursor, place):
                self.result.brought_back[place.label] = back
        self._find_what_stays(places)
        made_to_stay = self._gather_made()
        for place in places:
            self.result.kept += values.kept_values(self.cursor, place)
        self.result.kept += made_to_stay
        counted = self._gather_counted()
        for place in places:
            for column, number in values.put_back(self.cursor, place).items():
                if column not in place.silent:
                    self.result.put_back[f"{place.label}.{column}"] = number
        self._remove_made()
        for place in (self._entries(), self._ledger("superseded", ("entity", "nexus_id"))):
            values.put_back(self.cursor, place)
            values.bring_back(self.cursor, place)
            values.remove_new(self.cursor, place)
        self._restore_marks()
        self._restore_open_items()
        self._count(counted)
        return self.result

    # --- the tables ---------------------------------------------------------------------------------------------------

    def _place(self, name: tuple[str, ...]) -> Place | None:
        """A table of Nexus that the load wrote; None for the ledger's own, and for one that is not there any more."""
        for entity in (self.entity, *catalog.present(self.cursor)):
            target = catalog.reflect(self.cursor, entity)
            if (target.schema, target.name) == name:
                merged = {column.name: column.merged_keys for column in entity.columns if column.merged_keys}
                silent = frozenset(each for each in (entity.updated_at,) if each)
                columns = tuple(each for each in values.changed_columns(self.cursor, name) if each in target.columns)
                return Place(target.table, ("id",), columns, target.name, True, merged, silent)
        relation = next((each for each in relations(self.cursor).values() if (each.schema, each.name) == name), None)
        return None if relation is None else values.native_place(self.cursor, relation)

    def _entries(self) -> Place:
        return self._ledger(identity_table(self.entity.name).strings[-1], ("source_id",))

    def _ledger(self, name: str, keys: tuple[str, ...], only: str = "TRUE") -> Place:
        table = ledger_table(name)
        return Place(table, keys, values.changed_columns(self.cursor, table.strings), name, only=only)

    # --- what stays ---------------------------------------------------------------------------------------------------

    def _find_what_stays(self, places: list[Place]) -> None:
        """Gives a reason to entries that another load changed or that can't be as before, and to the rows that go with them."""
        values.keep_what_changed(self.cursor, self._entries(), NEW_ENTRY)
        values.keep_what_changed(
            self.cursor, self._ledger("superseded", ("entity", "nexus_id")), ("current_id", "load_id")
        )
        self._run("""
            UPDATE undo_row AS r SET reason = 'gone' FROM {ledger} AS l
            WHERE r.table_name = {ledger_name} AND r.reason IS NULL AND r.was_new AND l.source_id::text = r.row_key
              AND NOT EXISTS (SELECT FROM {target} AS t WHERE t.id = l.nexus_id)
        """)
        self._run("""
            UPDATE undo_row AS r SET reason = 'loaded_since'
            FROM undo_value AS v JOIN (
              SELECT source_id::text AS row_key, 'source_id' AS column_name, to_jsonb(source_id) AS value FROM {ledger}
              UNION ALL SELECT source_id::text, 'nexus_id', to_jsonb(nexus_id) FROM {ledger}
            ) AS k ON (k.column_name, k.value) = (v.column_name, v.before)
            WHERE r.table_name = {ledger_name} AND r.reason IS NULL AND NOT r.was_new
              AND (v.table_name, v.row_key) = (r.table_name, r.row_key) AND k.row_key <> r.row_key
        """)
        living = [catalog.reflect(self.cursor, entity).table for entity in catalog.present(self.cursor)]
        for place in places:
            ids = [key.id_column for key in generic_keys(self.cursor) if key.relation == place.table]
            values.keep_dangling(self.cursor, place, ids, living)
        for mine, theirs in (("target_name", "ledger_name"), ("ledger_name", "target_name")):
            self._run(
                """
                UPDATE undo_row AS r SET reason = o.reason FROM undo_row AS o, {ledger} AS l
                WHERE r.table_name = {mine} AND o.table_name = {theirs} AND o.reason IS NOT NULL AND r.reason IS NULL
                  AND r.row_key = {my_key} AND o.row_key = {their_key}
                """,
                mine=self.names[mine],
                theirs=self.names[theirs],
                my_key=SQL("l.nexus_id::text" if mine == "target_name" else "l.source_id::text"),
                their_key=SQL("l.source_id::text" if mine == "target_name" else "l.nexus_id::text"),
            )

    def _gather_made(self) -> list[Kept]:
        """Makes the table undo_made of the rows that the load inserted; returns those that stay."""
        self._run(
            """
            DROP TABLE IF EXISTS pg_temp.undo_made;
            CREATE TEMP TABLE undo_made ON COMMIT DROP AS
            SELECT l.source_id, l.nexus_id, m.is_restored, CASE
                     WHEN e.reason IS NOT NULL THEN e.reason
                     WHEN l.last_load IS DISTINCT FROM {load} THEN 'loaded_since'
                     WHEN EXISTS (SELECT FROM nexus_assets.superseded AS s
                                  WHERE s.entity = {entity} AND s.current_id = l.nexus_id AND s.load_id > {load}) THEN 'loaded_since'
                     WHEN t.id IS NULL THEN NULL
                     WHEN {named_by_another} THEN 'loaded_since'
                     WHEN {edited} THEN 'edited'
                     WHEN {referenced} THEN 'referenced' END AS reason
            FROM (
              SELECT k.source_id, FALSE AS is_restored FROM {ledger} AS k
              WHERE k.first_load = {load} AND k.origin = 'made' AND NOT EXISTS (
                SELECT FROM undo_row AS r WHERE r.table_name = {ledger_name} AND r.row_key = k.source_id::text)
              UNION ALL
              SELECT k.source_id, TRUE FROM undo_row AS r JOIN {ledger} AS k ON k.nexus_id::text = r.row_key
              WHERE r.table_name = {target_name} AND r.was_new AND r.was_removed
            ) AS m JOIN {ledger} AS l USING (source_id) LEFT JOIN {target} AS t ON t.id = l.nexus_id
            LEFT JOIN undo_row AS e ON e.table_name = {ledger_name} AND e.row_key = l.source_id::text
            """,
            named_by_another=shared.named_sql(shared.others(self.entity), SQL("t.id")),
            edited=SQL("({})").format(SQL(" OR ").join(differences(self.target))),
            referenced=is_referenced_sql(self.cursor, self.target, "t"),
        )
        # The entry of a restored row that stays is as the load left it; what it was before is no longer true.
        self._run("""
            UPDATE undo_row AS r SET reason = m.reason FROM undo_made AS m
            WHERE r.table_name = {ledger_name} AND r.row_key = m.source_id::text AND m.is_restored AND m.reason IS NOT NULL
        """)
        self._run("UPDATE undo_row SET reason = NULL WHERE table_name = {target_name} AND was_new AND was_removed")
        self._run("SELECT nexus_id::text, reason FROM undo_made WHERE reason IS NOT NULL ORDER BY 2, 1")
        return [Kept(self.target.name, id_, "", reason) for id_, reason in self.cursor.fetchall()]

    # --- rows and the ledger ------------------------------------------------------------------------------------------

    def _remove_made(self) -> None:
        self.result.removed = self._run(
            "DELETE FROM {target} AS t USING undo_made AS m WHERE m.nexus_id = t.id AND m.reason IS NULL"
        )
        self._run(
            "DELETE FROM {ledger} AS l USING undo_made AS m"
            " WHERE m.source_id = l.source_id AND m.reason IS NULL AND NOT m.is_restored"
        )

    def _restore_marks(self) -> None:
        """Entries that the load marked as vanished or archived, or only noted."""
        self._run("UPDATE {ledger} SET vanished_load = NULL WHERE vanished_load = {load}")
        self._run("UPDATE {ledger} SET archived_load = NULL WHERE archived_load = {load}")
        self._run("DELETE FROM {ledger} WHERE noted_load = {load} AND last_load IS NULL")

    def _restore_open_items(self) -> None:
        """Rejects and conflicts: those of the load go, those that it resolved are open again; not those of rows that stay, nor
        what a person has worked on since."""
        values.put_back(self.cursor, self._ledger("reject", ("id",)))
        values.put_back(
            self.cursor, self._ledger("conflict", ("entity", "source_id", "column_name"), "x.resolved_load IS NULL")
        )
        stays = SQL("""(SELECT source_id FROM undo_made WHERE reason IS NOT NULL
            UNION ALL SELECT row_key::uuid FROM undo_row WHERE table_name = {ledger_name} AND reason IS NOT NULL)""").format(
            **self.names
        )
        for table, source, worked_on in (
            (
                "reject",
                "nexus_assets.read_uuid(x.source_id)",
                "EXISTS (SELECT FROM nexus_assets.correction AS m WHERE m.reject_id = x.id)",
            ),
            ("conflict", "x.source_id", "x.decision IS NOT NULL"),
        ):
            own = SQL("NOT (x.entity = {entity} AND coalesce({source} IN {stays}, FALSE))").format(
                **self.names, source=SQL(source), stays=stays
            )
            more = {"table": ledger_table(table), "own": own}
            withdrawn = self._run(
                "DELETE FROM {table} AS x WHERE x.first_load = {load} AND coalesce(x.resolved_load, {load}) = {load} AND NOT {worked_on}"
                " AND {own}",
                worked_on=SQL(worked_on),
                **more,
            )
            twin = SQL("FALSE")
            if table == "conflict":
                twin = SQL("""EXISTS (SELECT FROM nexus_assets.conflict AS o WHERE o.resolved_load IS NULL
                    AND (o.entity, o.source_id, o.column_name) = (x.entity, x.source_id, x.column_name))""")
            reopened = self._run(
                "UPDATE {table} AS x SET resolved_load = NULL WHERE x.resolved_load = {load} AND {own} AND NOT {twin}",
                twin=twin,
                **more,
            )
            for counts, number in ((self.result.withdrawn, withdrawn), (self.result.reopened, reopened)):
                if number:
                    counts[table] = number

    # --- counts -------------------------------------------------------------------------------------------------------

    def _gather_counted(self) -> list[tuple[TrueCount, list[str]]]:
        """The rows whose count may be another one afterwards: where rows go, and where links come from and go to."""
        found = []
        for declared in self.entity.tidy:
            if isinstance(declared, TrueCount):
                self._run(
                    """
                    SELECT DISTINCT t.{reference}::text FROM {target} AS t JOIN undo_made AS m ON m.nexus_id = t.id
                    UNION SELECT v.each #>> '{{}}' FROM undo_value, LATERAL (VALUES (before), (after)) AS v (each)
                    WHERE table_name = {target_name} AND column_name = {name} AND v.each #>> '{{}}' IS NOT NULL
                    """,
                    reference=Identifier(declared.reference),
                    name=Literal(declared.reference),
                )
                found.append((declared, [id_ for (id_,) in self.cursor.fetchall()]))
        return found

    def _count(self, counted: list[tuple[TrueCount, list[str]]]) -> None:
        """A count is a fact, not a value to be put back: it is counted again."""
        for declared, ids in counted:
            parent = catalog.reflect(self.cursor, ENTITIES[declared.parent])
            self._run(
                """
                UPDATE {parent} AS p SET {column} = (SELECT count(*) FROM {target} AS t WHERE t.{reference} = p.id)
                WHERE p.id = ANY ({ids}::uuid[])
                  AND p.{column} <> (SELECT count(*) FROM {target} AS t WHERE t.{reference} = p.id)
                """,
                parent=parent.table,
                column=Identifier(declared.column),
                reference=Identifier(declared.reference),
                ids=Literal(ids),
            )

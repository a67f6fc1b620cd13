"""What an id stands for: every id that the row had and when, the export row behind it, what it links to and by which rule.

Ids, codes, counts and times only: no value of any row (law 6).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.entities import ENTITIES
from nexus_assets.ledger import shared
from nexus_assets.ledger.schema import base_column, install, is_installed
from nexus_assets.ledger.tables import identity_table
from nexus_assets.load.incoming import carried_sql, hash_sql
from nexus_assets.mapping.entity import (
    ByChildren,
    ByContent,
    ByFileMakerId,
    Entity,
    ExportRows,
    GenericReference,
    Lookup,
    RecordGroups,
    Reference,
)
from nexus_assets.mapping.reasons import REASONS
from nexus_assets.nexus import catalog, queries
from nexus_assets.nexus.catalog import Target
from nexus_assets.nexus.references import pointing
from nexus_assets.nexus.relations import find

KEY_COLUMNS = ("s3_key", "s3_thumbnail_key")
"""The columns in which Nexus keeps where a file lies."""


@dataclass(frozen=True)
class Load:
    """A load that the ledger knows. `files` are the names of its exports and listings."""

    id: int
    at: str
    run_id: str
    files: Mapping[str, str]


@dataclass(frozen=True)
class KnownId:
    """An id in Nexus that the row has or had, with how it came by it, since and until when; None: not known."""

    id: str
    how: str
    since: str | None
    until: str | None
    is_live: bool


@dataclass(frozen=True)
class Link:
    """What a column of the row leads to: by which rule (none where a person set it), and how it stands to what FileMaker
    last said; `then` what that row itself leads to."""

    column: str
    to: str
    id: str | None
    exists: bool
    rule: str
    why: str
    then: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Kept:
    """A column in which Nexus differs from FileMaker and was left as it is, since which load, and what was decided about it."""

    column: str
    cause: str
    since_load: int
    decision: str | None = None
    decided_by: str | None = None
    decided_at: str | None = None


@dataclass(frozen=True)
class Rejected:
    """Why a row of the source was not loaded. `resolved_load` is the load that took it after all."""

    reason: str
    meaning: str
    column: str | None
    row: int
    first_load: int
    resolved_load: int | None


@dataclass(frozen=True)
class Explanation:
    """All that is known of one thing: a FileMaker record, a row of Nexus, or both. `corrected` is since when a row that a
    person corrected stands in place of FileMaker's faulty one."""

    entity: str
    table: str
    nexus_id: str | None
    filemaker_id: str | None
    is_live: bool
    origin: str
    ids: tuple[KnownId, ...] = ()
    first_load: Load | None = None
    last_load: Load | None = None
    vanished_load: Load | None = None
    source_row: str | None = None
    corrected: str | None = None
    links: tuple[Link, ...] = ()
    referred_to_by: Mapping[str, int] = field(default_factory=dict)
    kept: tuple[Kept, ...] = ()
    rejected: tuple[Rejected, ...] = ()


@dataclass(frozen=True)
class _Asked:
    """What was asked for: an id, or the key of a file."""

    id: str | None
    key: str


def explain(cursor: Cursor, text: str) -> list[Explanation]:
    """What is known of an id of ours, a FileMaker id in any case, or the key of a file; nothing where it is not known."""
    if not text.strip():
        return []  # an image without a thumbnail has an empty key
    try:
        asked = _Asked(str(uuid.UUID(text.strip())), text)
    except ValueError:
        asked = _Asked(None, text)
    found = []
    has_ledger = is_installed(cursor)
    if has_ledger:
        install(cursor)
    for entity in catalog.present(cursor):
        explainer = _Explainer(cursor, entity, catalog.reflect(cursor, entity), has_ledger)
        known = dict.fromkeys(explainer.find(asked))
        found += [explainer.explain(source_id, nexus_id) for source_id, nexus_id in known]
        sources = {source_id for source_id, _ in known}
        found += [
            explainer.explain_rejected(source_id, rejected)
            for source_id, rejected in explainer.rejected(asked).items()
            if source_id not in sources
        ]
    return found


@dataclass(frozen=True)
class _Explainer:
    """One entity's table and ledger, as far as there is a ledger."""

    cursor: Cursor
    entity: Entity
    target: Target
    has_ledger: bool

    def _rows(self, query: Composable, *parameters: Any) -> list[tuple[Any, ...]]:
        self.cursor.execute(query, parameters or None)
        return list(self.cursor.fetchall())

    # --- finding ------------------------------------------------------------------------------------------------------

    def find(self, asked: _Asked) -> Iterator[tuple[str | None, str | None]]:
        """(FileMaker id, Nexus id) of what was asked for; either may be unknown."""
        if self.has_ledger and asked.id:
            query = SQL("""
                SELECT source_id::text, nexus_id::text FROM {ledger} WHERE %s::uuid IN (source_id, nexus_id)
                UNION
                SELECT l.source_id::text, l.nexus_id::text FROM nexus_assets.superseded AS s
                JOIN {ledger} AS l ON l.source_id = s.source_id OR l.nexus_id = s.current_id
                WHERE s.entity = %s AND s.nexus_id = %s
            """).format(ledger=identity_table(self.entity.name))
            yield from self._rows(query, asked.id, self.entity.name, asked.id)
        for nexus_id, carried in self._rows(self._live_sql(asked)):
            if (owner := self._owner(nexus_id)) is not None:
                yield owner
            elif self.entity.shares is None and not self._is_a_guests(nexus_id):
                yield carried, nexus_id

    def _live_sql(self, asked: _Asked) -> Composable:
        """Live rows (id, the FileMaker id that they carry) that have the id, carry it, or hold the key."""
        carried = self._carried()
        if asked.id is None:
            columns = [name for name in KEY_COLUMNS if name in self.target.columns]
            tests: list[Composable] = [
                SQL("t.{} = {}").format(Identifier(name), Literal(asked.key)) for name in columns
            ]
        else:
            tests = [SQL("t.id = {}::uuid").format(Literal(asked.id))]
            if carried is not None:
                tests.append(SQL("lower({}) = {}").format(carried, Literal(asked.id)))
        return SQL("SELECT t.id::text, lower({}) FROM {} AS t WHERE {}").format(
            carried or SQL("NULL::text"), self.target.table, SQL(" OR ").join([SQL("FALSE"), *tests])
        )

    def _carried(self) -> Composable | None:
        """The FileMaker id that a row carries, as text."""
        rule = self.entity.filemaker_id
        return None if rule is None else SQL("btrim(({})::text)").format(carried_sql(rule))

    def _owner(self, nexus_id: str) -> tuple[str, str] | None:
        if not self.has_ledger:
            return None
        query = SQL("SELECT source_id::text, nexus_id::text FROM {} WHERE nexus_id = %s")
        rows = self._rows(query.format(identity_table(self.entity.name)), nexus_id)
        return (rows[0][0], rows[0][1]) if rows else None

    def _is_a_guests(self, nexus_id: str) -> bool:
        """Whether the row is of an entity that shares the table."""
        return self.has_ledger and any(
            queries.yes(self.cursor, SQL("SELECT {}").format(shared.brought_by_sql(guest.name, Literal(nexus_id))))
            for guest in shared.adding(shared.guests(self.entity))
        )

    def rejected(self, asked: _Asked) -> dict[str | None, tuple[Rejected, ...]]:
        """The rejects of what was asked for, by FileMaker id."""
        if not self.has_ledger:
            return {}
        by = SQL("lower(btrim(source_id)) = %s") if asked.id else SQL("payload ->> 'key' = %s")
        rows = self._rows(
            SQL("""
                SELECT lower(btrim(source_id)), reason, column_name, row_number, first_load, resolved_load
                FROM nexus_assets.reject WHERE entity = %s AND {} ORDER BY id
            """).format(by),
            self.entity.name,
            asked.id or asked.key,
        )
        found: dict[str | None, tuple[Rejected, ...]] = {}
        for source_id, reason, column, row, first, resolved in rows:
            told = Rejected(reason, REASONS.get(reason, ""), column, row, first, resolved)
            found[source_id] = (*found.get(source_id, ()), told)
        return found

    # --- telling ------------------------------------------------------------------------------------------------------

    def explain_rejected(self, source_id: str | None, rejected: tuple[Rejected, ...]) -> Explanation:
        """A record of FileMaker that is not in Nexus, because it was rejected."""
        return self._explanation(source_id, None, False, "rejected", rejected=rejected)

    def explain(self, source_id: str | None, nexus_id: str | None) -> Explanation:
        is_live = bool(nexus_id and self._exists(self.target.table, nexus_id))
        told: dict[str, Any] = {
            "links": self.links(nexus_id) if nexus_id and is_live else (),
            "referred_to_by": self._referring(nexus_id) if nexus_id else {},
        }
        row = self._ledger_row(source_id) if source_id else None
        if row is None or row["nexus_id"] != nexus_id:
            origin = "native" if source_id is None else "not_loaded_yet" if row is None else "twin"
            return self._explanation(source_id, nexus_id, is_live, origin, **told)
        loads = {name: self._load(row[name]) for name in ("first_load", "last_load", "vanished_load")}
        return self._explanation(
            source_id,
            nexus_id,
            is_live,
            row["origin"],
            ids=self._ids(row, loads["first_load"], is_live),
            source_row=self._source_row(row["row_number"], loads["last_load"]),
            corrected=self._corrected(row["source_id"]),
            kept=self._kept(row["source_id"]),
            rejected=self.rejected(_Asked(row["source_id"], "")).get(row["source_id"], ()),
            **loads,
            **told,
        )

    def _explanation(
        self, source_id: str | None, nexus_id: str | None, is_live: bool, origin: str, **told: Any
    ) -> Explanation:
        filemaker_id = source_id.upper() if source_id else None
        return Explanation(self.entity.name, self.target.name, nexus_id, filemaker_id, is_live, origin, **told)

    def _exists(self, table: Composable, id_: str) -> bool:
        return bool(self._rows(SQL("SELECT FROM {} WHERE id = %s").format(table), id_))

    def _ledger_row(self, source_id: str) -> dict[str, Any] | None:
        if not self.has_ledger:
            return None
        names = ("source_id", "nexus_id", "origin", "row_number", "first_load", "last_load", "vanished_load")
        query = SQL("SELECT source_id::text, nexus_id::text, {} FROM {} WHERE source_id = %s").format(
            SQL(", ").join(map(Identifier, names[2:])), identity_table(self.entity.name)
        )
        rows = self._rows(query, source_id)
        return dict(zip(names, rows[0], strict=True)) if rows else None

    def _load(self, load_id: int | None) -> Load | None:
        query = SQL("SELECT id, finished_at, run_id, sources FROM nexus_assets.load WHERE id = %s")
        for id_, at, run_id, sources in self._rows(query, load_id):
            files = {name: facts.get("file", name) for name, facts in sources.items()}
            return Load(id_, at.isoformat(timespec="seconds"), run_id, files)
        return None

    def _ids(self, row: Mapping[str, Any], first: Load | None, is_live: bool) -> tuple[KnownId, ...]:
        """Every id that the row had, the oldest first. An id that an old backup taught has no times: it was before us."""
        rows = self._rows(
            SQL("""
                SELECT nexus_id::text, load_id, learned_at FROM nexus_assets.superseded
                WHERE entity = %s AND (source_id = %s OR current_id = %s)
                ORDER BY load_id NULLS FIRST, learned_at, nexus_id
            """),
            self.entity.name,
            row["source_id"],
            row["nexus_id"],
        )
        found: list[KnownId] = []
        since, how = first.at if first else None, row["origin"]
        for id_, load_id, at in rows:
            live = self._exists(self.target.table, id_)
            if load_id is None:
                found.append(KnownId(id_, "learned", None, None, live))
            else:
                until = at.isoformat(timespec="seconds")
                found.append(KnownId(id_, how, since, until, live))
                # Somebody else made the row again; this id was found in Nexus.
                since, how = until, "adopted"
        return (*found, KnownId(row["nexus_id"], how, since, None, is_live))

    def _source_row(self, number: int | None, load: Load | None) -> str | None:
        if number is None or load is None:
            return None
        source = self.entity.source.of if isinstance(self.entity.source, RecordGroups) else self.entity.source
        export = load.files.get(source.export, source.export)
        if isinstance(source, ExportRows):
            return f"record {number:,} of {export} (row {number + 1:,} with the headings)"
        place = f"file {number:,} of the listing s3/{source.listing}"
        if isinstance(self.entity.source, RecordGroups):
            return f"the group that begins with {place}, by {export}"
        return f"{place}, and its row in {export}"

    def _corrected(self, source_id: str) -> str | None:
        # Under which heading a row has its id differs from export to export; no other row of the entity has it in any cell.
        query = SQL("""
            SELECT corrected_at FROM nexus_assets.correction WHERE entity = %s AND idle_since IS NULL AND EXISTS (
              SELECT FROM jsonb_each_text(faulty || corrected) AS cell WHERE nexus_assets.read_uuid(cell.value) = %s::uuid)
            ORDER BY corrected_at DESC LIMIT 1
        """)
        rows = self._rows(query, self.entity.name, source_id)
        return str(rows[0][0].isoformat(timespec="seconds")) if rows else None

    def _kept(self, source_id: str) -> tuple[Kept, ...]:
        query = SQL("""
            SELECT column_name, cause, first_load, decision, decided_by, date_trunc('second', decided_at)::text
            FROM nexus_assets.conflict
            WHERE entity = %s AND source_id = %s AND resolved_load IS NULL ORDER BY 1
        """)
        return tuple(Kept(*row) for row in self._rows(query, self.entity.name, source_id))

    def _referring(self, nexus_id: str) -> dict[str, int]:
        """How many rows of which columns, anywhere in the database, refer to the row.

        History and copies record the id of their time: they are looked up by every id that the row had.
        """
        counts: dict[str, int] = {}
        ever = self._ids_ever(nexus_id)
        for found in pointing(self.cursor, self.target):
            ids = SQL("= ANY ({}::uuid[])").format(Literal([nexus_id] if found.is_living else ever))
            query = SQL("SELECT count(*) FROM {} AS x WHERE {}")
            counts[found.name] = queries.number(
                self.cursor, query.format(found.relation, found.leads_sql(self.target, ids))
            )
        return {name: number for name, number in counts.items() if number}

    def _ids_ever(self, nexus_id: str) -> list[str]:
        """The id, and every one that the row had before it."""
        if not self.has_ledger:
            return [nexus_id]
        query = SQL("SELECT nexus_id::text FROM nexus_assets.superseded WHERE entity = {} AND current_id = {}::uuid")
        rows = self._rows(query.format(Literal(self.entity.name), Literal(nexus_id)))
        return [nexus_id, *(id_ for (id_,) in rows)]

    # --- links --------------------------------------------------------------------------------------------------------

    def links(self, nexus_id: str, *, lookups: bool = True) -> tuple[Link, ...]:
        """What the live row's references lead to, and on from there; and its lookups."""
        found = []
        for reference in self.entity.references:
            if isinstance(reference, GenericReference):
                found.append(self._link(nexus_id, reference.id_column, reference.to, f"by {reference.field}"))
            elif isinstance(reference, Reference) and reference.column:
                found.append(self._link(nexus_id, reference.column, reference.to, f"by {reference.field}"))
        if lookups:
            found += [self._lookup(nexus_id, lookup) for lookup in self.entity.lookups]
        return tuple(found)

    def _value(self, nexus_id: str, column: str) -> tuple[str | None, str]:
        """The id in a link's column, and how it stands to what FileMaker last said."""
        name = Identifier(column)
        if not self.has_ledger:
            query = SQL("SELECT {}::text, 'native' FROM {} WHERE id = %s").format(name, self.target.table)
        else:
            # A link that followed its row to another id is still what FileMaker says.
            query = SQL("""
                SELECT t.{column}::text, CASE
                  WHEN l.source_id IS NULL THEN 'native'
                  WHEN l.{base} IS NULL THEN 'FileMaker says nothing'
                  WHEN l.{base} = {hash} OR EXISTS (SELECT FROM nexus_assets.superseded AS s
                         WHERE s.current_id = t.{column} AND l.{base} = {earlier}) THEN 'as FileMaker says'
                  ELSE 'set in Nexus, kept' END
                FROM {target} AS t LEFT JOIN {ledger} AS l ON l.nexus_id = t.id WHERE t.id = %s
            """).format(
                column=name,
                base=base_column(column),
                hash=hash_sql(SQL("t.{}").format(name)),
                earlier=hash_sql(SQL("s.nexus_id")),
                target=self.target.table,
                ledger=identity_table(self.entity.name),
            )
        ((id_, says),) = self._rows(query, nexus_id)
        return id_, says

    def _link(self, nexus_id: str, column: str, to: str, rule: str) -> Link:
        id_, says = self._value(nexus_id, column)
        other = _Explainer(self.cursor, ENTITIES[to], catalog.reflect(self.cursor, ENTITIES[to]), self.has_ledger)
        exists = bool(id_) and other._exists(other.target.table, str(id_))
        then = other.links(str(id_), lookups=False) if exists else ()
        return Link(column, to, id_, exists, *_why(id_, exists, rule, says), then)

    def _lookup(self, nexus_id: str, lookup: Lookup) -> Link:
        id_, says = self._value(nexus_id, lookup.column)
        rule = ", then ".join(f"by {match.field}" for match in lookup.matches)
        table = find(self.cursor, lookup.matches[0].tables)
        exists = bool(id_ and table and self._exists(table.table, id_))
        to = table.name if table else lookup.matches[0].tables[0]
        return Link(lookup.column, to, id_, exists, *_why(id_, exists, rule, says))


def _why(id_: str | None, exists: bool, rule: str, says: str) -> tuple[str, str]:
    """The rule behind a link, empty where a person set it, and how it stands to it."""
    if says == "native":
        return "", "set in Nexus" if exists else "set in Nexus, dangling"
    if id_ is None:
        return rule, "empty"
    if not exists:
        return rule, "dangling"
    return rule, says


def recognition(entity: Entity) -> str:
    """How rows that other importers made are recognised, in the order of the rules."""
    said = []
    for rule in entity.recognised_by:
        if isinstance(rule, ByFileMakerId):
            said.append(f"the FileMaker id in {rule.column}")
        elif isinstance(rule, ByContent):
            said.append(f"equal {', '.join(rule.columns)}")
        elif isinstance(rule, ByChildren):
            said.append(f"the {rule.child} in it")
    return ", else by ".join(said)

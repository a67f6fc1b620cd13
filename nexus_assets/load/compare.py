"""Step 5, first half: how FileMaker and Nexus differ, three-way, column by column: what is written and what is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.ledger import shared
from nexus_assets.ledger.schema import base_column, base_columns
from nexus_assets.ledger.tables import identity_table
from nexus_assets.load.adoption import (
    declared_column,
    gives_way_sql,
    link_of,
    nothing_sql,
    reads_alike_sql,
    says_nothing_sql,
    significant_sql,
)
from nexus_assets.load.decisions import decided_sql
from nexus_assets.load.identity import is_known_sql, made_by_importer_sql
from nexus_assets.load.incoming import (
    IS_CURRENT,
    ONCE,
    LoadContext,
    hash_sql,
    incoming_column,
    owned_sql,
    reference_column,
)
from nexus_assets.mapping import parse
from nexus_assets.mapping.entity import Entity, ExportRows, FileRecords, GenericReference, Now, Reference
from nexus_assets.nexus.references import models
from nexus_assets.sources.records import FILE_FIELDS, GROUP_FIELDS


def write_flag(name: str) -> Identifier:
    """The flag in `changes`: this column is written."""
    return Identifier(f"write_{name}")


def keep_flag(name: str) -> Identifier:
    """The flag in `changes`: Nexus has this column differently, and keeps it."""
    return Identifier(f"keep_{name}")


def keep_instead_sql(names: Iterable[str]) -> Composable:
    """The SET clause by which the row `k` of `changes` keeps these columns where it would have written them."""
    flags = (SQL("{0} = k.{0} OR k.{1}, {1} = FALSE").format(keep_flag(name), write_flag(name)) for name in names)
    return SQL(", ").join(flags)


def written_sql(context: LoadContext, names: Iterable[str] = ()) -> Composable:
    """Whether any column, or any of these, of the row `c` of `changes` is written."""
    return _any_of(write_flag(name) for name in names or base_columns(context.entity))


def kept_sql(context: LoadContext) -> Composable:
    """Whether any column of the row `c` of `changes` is kept."""
    return _any_of(keep_flag(name) for name in base_columns(context.entity))


def refused_sql(context: LoadContext, name: str) -> Composable:
    """Whether this column of the row `c` of `changes` is kept though nobody changed it in Nexus (`t`): a constraint refuses it."""
    return SQL("(c.{} AND {})").format(keep_flag(name), unchanged_sql(context, name))


def changed_rows_sql(context: LoadContext) -> Composable:
    """The FROM clause of the existing rows that have news: `c`, what is done, `i`, what FileMaker says, and `t`, the row of Nexus."""
    return SQL("{} AS c JOIN {} AS i USING (row_number) JOIN {} AS t ON t.id = c.nexus_id").format(
        context.work("changes"), context.work("incoming"), context.target.table
    )


def _any_of(flags: Iterable[Identifier]) -> Composable:
    return SQL("({})").format(SQL(" OR ").join(SQL("c.{}").format(flag) for flag in flags))


def default_sql(context: LoadContext, name: str) -> Composable:
    """The value that a new row has in a column where FileMaker says nothing, of the column's own type."""
    value = context.entity.on_insert[name]
    sql_type = SQL(context.target.columns[name].sql_type)
    return SQL("now()") if isinstance(value, Now) else SQL("{}::{}").format(Literal(value), sql_type)


def left_to_nexus(entity: Entity) -> set[str]:
    """The columns in which an empty value from FileMaker says nothing, and so changes nothing: also those of headings that an
    export may lack."""
    headings = entity.source.optional_headings if isinstance(entity.source, ExportRows) else ()
    optional = (
        column.name
        for column in entity.columns
        if column.fill_only
        or column.name in entity.on_insert
        or (column.fields and {*headings}.issuperset(column.fields))
    )
    links = (reference_column(link) for link in entity.references)
    return {*optional, *(name for name in links if name), *(lookup.column for lookup in entity.lookups)}


def said_by_the_export(entity: Entity) -> set[str]:
    """The columns about which a file without a row in the export says nothing."""
    source = entity.source
    if not isinstance(source, FileRecords) or source.record_required:
        return set()
    own = {*FILE_FIELDS, *GROUP_FIELDS, "bucket"}
    return {column.name for column in entity.columns if not own.issuperset(column.fields)}


@dataclass(frozen=True)
class _Comparison:
    """How one tracked column of an existing row compares: its value now, whether it differs, and what may overwrite it.

    `never_wins`: no setting lets FileMaker overwrite what is not its own.
    """

    name: str
    current: Composable
    differs: Composable
    healed: Composable | None = None
    never_wins: bool = False


@dataclass(frozen=True)
class _Comparing:
    """What a comparison is made with: the referenced row of each link, and for each generic one whether it is dead."""

    context: LoadContext
    rows: Mapping[str, Identifier]
    dead: Mapping[str, Composable]

    def column(self, name: str) -> _Comparison:
        """How the tracked column compares."""
        link, declared = link_of(self.context.entity, name), declared_column(self.context.entity, name)
        current: Composable = owned_sql(name, self.context.target, "t")
        said = SQL("i.{}").format(incoming_column(name))
        if isinstance(link, GenericReference):
            return self._generic_link(link)
        if isinstance(link, Reference):
            other = SQL("({0} IS DISTINCT FROM {1} AND {1} IS NOT NULL)").format(current, said)
            return _Comparison(name, current, other, self._healed(link, name))
        differs = self._differs(name, current, said)
        if name in said_by_the_export(self.context.entity):
            differs = SQL("({} AND i.described)").format(differs)
        if name in left_to_nexus(self.context.entity):
            has_news = SQL(" OR ").join([SQL("{} IS NOT NULL").format(said), *self._withdrawn(name, current)])
            differs = SQL("({} AND ({}))").format(differs, has_news)
        if declared is not None and declared.fill_only:
            return _Comparison(name, current, differs, SQL("{} IS NULL").format(current), never_wins=True)
        if declared is not None and declared.keep_if_blank:
            nothing = SQL("coalesce({}::text, '') = ''").format(said)
            differs = SQL("({} AND (NOT {} OR {}))").format(differs, nothing, unchanged_sql(self.context, name))
        healed = gives_way_sql(self.context, name)
        if self.context.entity.shares is not None and declared is not None and declared.parser.makes == "jsonb":
            # The other entity restored the row, and knows nothing of this; no page of Nexus leaves such a value empty.
            healed = SQL("({} OR {})").format(healed, nothing_sql(self.context.target, name))
        return _Comparison(name, current, differs, healed)

    def _withdrawn(self, name: str, current: Composable) -> list[Composable]:
        """Whether the cell of a mark is empty that FileMaker had set before (another row has it by now): the column takes again what a
        new row has. A heading that the export lacks says nothing."""
        declared, columns = declared_column(self.context.entity, name), self.context.source.columns
        if declared is None or declared.parser != parse.flag or not columns.keys() >= {*declared.fields}:
            return []
        default = default_sql(self.context, name)
        test = SQL("coalesce(l.{} <> {} AND {} <> {}, FALSE)")
        return [test.format(base_column(name), hash_sql(default), current, default)]

    def _differs(self, name: str, current: Composable, said: Composable) -> Composable:
        """Whether the values differ as they are compared; in an adopted row only where FileMaker has one, or had Nexus's.

        The cheap test comes first: hardly any value differs, and only then the texts are read.
        """
        mine, theirs = (significant_sql(self.context.target, name, value) for value in (current, said))
        declared = declared_column(self.context.entity, name)
        if declared is not None and declared.merged_keys:
            silent: Composable = SQL("{} @> {}").format(mine, theirs)
        else:
            silent = says_nothing_sql(self.context, name)
        differ = SQL("{} IS DISTINCT FROM {}").format(current, said)
        if (mine, theirs) != (current, said):
            differ = SQL("{} AND {} IS DISTINCT FROM {}").format(differ, mine, theirs)
        return SQL("({differ} AND ({gives_way} OR {ours} OR NOT ({alike} OR ({adopted} AND {silent}))))").format(
            differ=differ,
            silent=silent,
            alike=reads_alike_sql(self.context, name),
            adopted=SQL("(d.action = 'adopt' OR l.origin <> 'made')"),
            ours=unchanged_sql(self.context, name),
            gives_way=gives_way_sql(self.context, name),
        )

    def _generic_link(self, link: GenericReference) -> _Comparison:
        """Both halves are one value. A dead link is healed, an empty one of a row that is adopted now is filled, a live one never
        emptied; nor is one to somebody who was here, and who may return."""
        type_, id_ = SQL("t.{}").format(Identifier(link.type_column)), SQL("t.{}").format(Identifier(link.id_column))
        dead, said = self.dead[link.id_column], SQL("i.{}").format(incoming_column(link.id_column))
        differs = SQL(
            "(({id} IS DISTINCT FROM {said} OR {type} IS DISTINCT FROM i.{new_type})"
            " AND ({said} IS NOT NULL OR ({dead} AND NOT {known})))"
        ).format(
            id=id_,
            said=said,
            type=type_,
            new_type=incoming_column(link.type_column),
            dead=dead,
            known=is_known_sql(link.to, id_),
        )
        healed = SQL("({dead} OR ({type} IS NULL AND {id} IS NULL AND {may_fill}))").format(
            dead=dead, type=type_, id=id_, may_fill=_may_fill_sql(link.id_column)
        )
        return _Comparison(link.id_column, id_, differs, healed)

    def _healed(self, link: Reference, name: str) -> Composable:
        row, base = self.rows[name], base_column(name)
        # A row that is not there, which only a database without constraints can have; or nothing, in a row that is adopted now.
        healed = SQL("({row}.id IS NULL AND (t.{column} IS NOT NULL OR {may_fill}))").format(
            row=row, column=Identifier(name), may_fill=_may_fill_sql(name)
        )
        if not link.heals:
            return healed
        # Away from what an importer made, unless a person moved it to where the ledger knows a row.
        return SQL(
            "({healed} OR ({made} AND (l.{base} IS NULL OR NOT EXISTS (SELECT FROM {ledger} AS k WHERE k.nexus_id = {row}.id))))"
        ).format(
            healed=healed,
            made=made_by_importer_sql(self.context.parents[link.to], row.strings[-1]),
            base=base,
            ledger=identity_table(link.to),
            row=row,
        )


def _may_fill_sql(name: str) -> Composable:
    """Whether FileMaker may fill an empty link of which it said nothing before: only in the load that adopts the row. A link that
    was empty when its row was adopted has a base; one without a base led somewhere then, and somebody has emptied it since."""
    return SQL("(d.action = 'adopt' AND l.{} IS NULL)").format(base_column(name))


def unchanged_sql(context: LoadContext, name: str) -> Composable:
    """Whether Nexus (`t`) has what FileMaker last said (`l`): the same value, or in a link the row that it became under a newer
    id."""
    base, current = base_column(name), owned_sql(name, context.target, "t")
    same = SQL("coalesce(l.{} = {}, FALSE)").format(base, hash_sql(current))
    for guest in shared.guests(context.entity):
        if name in base_columns(guest):
            same = SQL("({} OR {})").format(same, _last_said_by_sql(guest, name, current))
    link = link_of(context.entity, name)
    if link is None:
        significant = significant_sql(context.target, name, current)
        if significant == current:
            return same
        return SQL("({} OR coalesce(l.{} = {}, FALSE))").format(same, base, hash_sql(significant))
    return SQL("""({same} OR EXISTS (
        SELECT FROM nexus_assets.superseded AS s
        WHERE s.entity = {parent} AND s.current_id = {current} AND {hash} = l.{base}))""").format(
        same=same, parent=Literal(link.to), current=current, hash=hash_sql(SQL("s.nexus_id")), base=base
    )


def _last_said_by_sql(guest: Entity, name: str, current: Composable) -> Composable:
    """Whether Nexus has what the guest's export said, in a row that is not this entity's yet, or not any more."""
    return SQL("""(NOT coalesce({is_ours}, FALSE) AND EXISTS (
        SELECT FROM {ledger} AS g WHERE g.nexus_id = t.id AND g.last_load IS NOT NULL AND g.{base} = {hash}))""").format(
        is_ours=IS_CURRENT, ledger=identity_table(guest.name), base=base_column(name), hash=hash_sql(current)
    )


def find_changes(cursor: Cursor, context: LoadContext) -> None:
    """Makes the table `changes`: per existing row that has news, for each column, whether it is written or kept.

    Written: it differs, and Nexus has it as FileMaker last said (or it is a dead link, or FileMaker wins by setting). Kept: it
    differs, and Nexus's value is not FileMaker's last: a person changed it, or the row was adopted and never was FileMaker's.
    """
    joins, rows, dead = [], {}, {}
    for number, link in enumerate(context.entity.references):
        column = reference_column(link)
        if column is None:
            continue
        row = rows[column] = Identifier(f"row_{number}")
        condition = SQL("{}.id = t.{}").format(row, Identifier(column))
        joins.append(SQL("LEFT JOIN {} AS {} ON {}").format(context.parents[link.to].table, row, condition))
        if isinstance(link, GenericReference):
            dead[column] = _dead_sql(cursor, context, link, row)
    comparing = _Comparing(context, rows, dead)
    left_to_host = shared.left_to_host(context.entity)
    verdicts: list[Composable] = []
    flags: list[Composable] = []
    for name in base_columns(context.entity):
        compared = comparing.column(name)
        may_write = [] if compared.healed is None else [compared.healed]
        wins = context.filemaker_wins and not compared.never_wins
        unchanged = unchanged_sql(context, name)
        if name in context.retried_columns:
            unchanged = SQL("({} AND NOT {})").format(unchanged, decided_sql(context, name, "nexus"))
            if not compared.never_wins:
                may_write.append(decided_sql(context, name, "filemaker"))
        may_write.append(SQL("TRUE") if wins else unchanged)
        allowed, differs = SQL(" OR ").join(may_write), compared.differs
        if name in left_to_host:
            differs = SQL("(h.{} IS NULL AND {})").format(base_column(name), differs)
        verdict = Identifier(f"writes_{name}")
        verdicts.append(SQL("CASE WHEN {} THEN ({}) END AS {}").format(differs, allowed, verdict))
        flags.append(SQL("{0} IS TRUE AS {1}, {0} IS FALSE AS {2}").format(verdict, write_flag(name), keep_flag(name)))
    cursor.execute(
        SQL("""
            CREATE UNLOGGED TABLE {changes} AS
            SELECT row_number, source_id, nexus_id, action, {flags}
            FROM (
              SELECT d.row_number, d.source_id, d.nexus_id, d.action, {verdicts}
              FROM {decided} AS d
              JOIN {incoming} AS i USING (row_number)
              JOIN {target} AS t ON t.id = d.nexus_id
              LEFT JOIN {ledger} AS l ON l.source_id = d.source_id
              {joins}
              WHERE d.action IN ('compare', 'adopt') {once}
            ) AS compared
        """).format(
            changes=context.work("changes"),
            flags=SQL(", ").join(flags),
            verdicts=SQL(", ").join(verdicts),
            once=ONCE,
            decided=context.work("decided"),
            incoming=context.work("incoming"),
            target=context.target.table,
            ledger=context.ledger,
            joins=SQL(" ").join([*joins, shared.host_join_sql(context.entity, SQL("t.id"))]),
        )
    )


def _dead_sql(cursor: Cursor, context: LoadContext, link: GenericReference, row: Identifier) -> Composable:
    """Whether a generic link is dangling: one half is empty, its content type is gone, or its row is not there.

    A person may have linked to another model's row: that one is looked for too, where the model's table is known.
    """
    type_, id_ = SQL("t.{}").format(Identifier(link.type_column)), SQL("t.{}").format(Identifier(link.id_column))
    cases = [
        SQL("WHEN ({} IS NULL) <> ({} IS NULL) THEN TRUE WHEN {} IS NULL THEN FALSE").format(type_, id_, id_),
        SQL("WHEN {} = {} THEN {}.id IS NULL").format(type_, Literal(context.parents[link.to].content_type_id), row),
    ]
    cursor.execute(
        SQL("SELECT DISTINCT {} FROM {} AS d JOIN {} AS t ON t.id = d.nexus_id WHERE {} <> {}").format(
            type_,
            context.work("decided"),
            context.target.table,
            type_,
            Literal(context.parents[link.to].content_type_id),
        )
    )
    others = [content_type for (content_type,) in cursor.fetchall()]
    for model in models(cursor) if others else ():
        if model.content_type in others:
            found = (
                SQL("NOT EXISTS (SELECT FROM {} AS o WHERE o.{} = {})").format(
                    model.table, Identifier(model.id_column), id_
                )
                if model.id_type == "uuid"
                else SQL("TRUE")
            )
            cases.append(SQL("WHEN {} = {} THEN {}").format(type_, Literal(model.content_type), found))
    return SQL("(CASE {} ELSE NOT EXISTS (SELECT FROM django_content_type AS o WHERE o.id = {}) END)").format(
        SQL(" ").join(cases), type_
    )

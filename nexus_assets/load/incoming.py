"""Step 2, second half: which staged rows need work, and what they say, typed as their target columns are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.ledger.loads import LastLoad
from nexus_assets.ledger.schema import base_columns, named_column
from nexus_assets.ledger.tables import identity_table
from nexus_assets.load.planner import sorted_groups
from nexus_assets.load.settings import LoadSettings
from nexus_assets.load.work import NOTHING, PLACE, Relation, Work
from nexus_assets.mapping.entity import ByFileMakerId, Column, Entity, GenericReference, Lookup, Match, Reference
from nexus_assets.mapping.parse import NO_DICTIONARY, Conditions, Field, Reading, call
from nexus_assets.nexus.catalog import Target
from nexus_assets.nexus.constraints import Constraint

FLAW, EXPORT_ROW = "flaw", "export_row"
"""Fields that a source may have beside the entity's own: what is wrong with the row as a whole; the row of the export that
describes a file."""


@dataclass(frozen=True)
class LoadContext:
    """All that the SQL of one load refers to. It is made first; steps 1 and 2 complete it.

    Of step 1: the tables around its own as found (`lookups`: the small ones of the entity's lookups), what `constraints` demand of
    new rows, the `last` load, and `parent_states`, in which the load's snapshot sees each parent (load/parents.py).
    `retried_columns`: those of which a value that was kept may be written now (load/decisions.py). Of step 2: the staged rows; `seed`,
    a number that changes with the mapping; `is_first`: neither the table nor the ledger has a row, so that all rows are new.
    """

    entity: Entity
    target: Target
    work: Work
    settings: LoadSettings
    reading: Reading
    parents: Mapping[str, Target] = field(default_factory=dict)
    children: Mapping[str, Target] = field(default_factory=dict)
    lookups: Mapping[str, Composable] = field(default_factory=dict)
    parent_states: Mapping[str, str] = field(default_factory=dict)
    constraints: tuple[Constraint, ...] = ()
    retried_columns: frozenset[str] = frozenset()
    last: LastLoad | None = None
    load_id: int = 0
    source: Relation = NOTHING
    companion_exports: Mapping[str, Relation] = field(default_factory=dict)
    seed: int = 0
    is_first: bool = False

    @property
    def filemaker_wins(self) -> bool:
        return self.settings.filemaker_wins

    @property
    def can_be_undone(self) -> bool:
        """Whether what rows were before is kept (ledger/before_values.py)."""
        return self.settings.undoable_loads > 0

    @property
    def ledger(self) -> Identifier:
        return identity_table(self.entity.name)

    @property
    def kept_for(self) -> int | None:
        """The load for which what rows were before is kept; None where it is not. A first load changes no row of its table."""
        return self.load_id if self.can_be_undone and not self.is_first else None

    @cached_property
    def pending(self) -> Relation:
        """The source rows that need work, with every field that the mapping reads."""
        names = (name for name in (*self.entity.fields(), FLAW, EXPORT_ROW) if name in self.source.columns)
        columns = {name: Identifier(f"f{at}") for at, name in enumerate(names)}
        return Relation(_all_rows_sql(self, columns) if self.is_first else self.work("pending"), columns)


ONCE = SQL("OFFSET '0'")
"""The end of a subquery whose values are worked out once a row, however often they are used: it is not merged into the query around
it. In quotes, because a plain 0 is converted to bigint first, and PostgreSQL then plans the query around without parallel workers."""


def incoming_column(name: str) -> Identifier:
    """The column of `incoming` that holds the value for the target column `name`."""
    return Identifier(f"new_{name}")


def reference_column(link: Reference | GenericReference) -> str | None:
    """The target column that holds the id of the referenced row."""
    return link.id_column if isinstance(link, GenericReference) else link.column


def owned_sql(column: str, target: Target, alias: str) -> Composable:
    """A target column's value as the import compares it: of a merged jsonb object only the keys that are ours. A list or a text
    in its place is no object's, and is compared as it is: to write keys would replace it."""
    value = Identifier(alias, column)
    if keys := _owned_keys(target.entity, column):
        pairs = SQL(", ").join(SQL("{}, {} -> {}").format(Literal(key), value, Literal(key)) for key in keys)
        return SQL("(CASE WHEN {} THEN {} ELSE jsonb_strip_nulls(jsonb_build_object({})) END)").format(
            is_other_json_sql(value), value, pairs
        )
    return value


def is_other_json_sql(value: Composable) -> Composable:
    """Whether a jsonb value is something, and no object."""
    return SQL("(coalesce(jsonb_typeof({0}), 'null') NOT IN ('object', 'null') AND {0} NOT IN ('[]', '\"\"'))").format(
        value
    )


def _owned_keys(entity: Entity, column: str) -> Sequence[str]:
    """The keys of a merged jsonb column that are ours; none of any other column."""
    return next((declared.parser.keys for declared in entity.columns if declared.name == column), ())


def carried_sql(rule: ByFileMakerId) -> Composable:
    """What the row `t` of Nexus carries in the place of a FileMaker id, as it stands there."""
    column = Identifier("t", rule.column)
    return column if rule.key is None else SQL("{} ->> {}").format(column, Literal(rule.key))


def filemaker_id_sql(rule: ByFileMakerId) -> Composable:
    """The FileMaker id that the row `t` of Nexus carries, as uuid; NULL where it carries none."""
    carried = carried_sql(rule)
    return carried if rule.key is None else call("read_uuid", carried)


def carried_id_sql(entity: Entity) -> Composable | None:
    """The same by entity; None where its table has no place for a FileMaker id."""
    return None if entity.filemaker_id is None else filemaker_id_sql(entity.filemaker_id)


def own_row_sql(parent: Target) -> Composable:
    """Whether the row `t` of Nexus is who the ledger's entry `k` says: one that carries another FileMaker id is somebody else's,
    whatever its own id is."""
    carried = carried_id_sql(parent.entity)
    return SQL("TRUE") if carried is None else SQL("coalesce({} = k.source_id, TRUE)").format(carried)


def hash_sql(*values: Composable, seed: int = 0) -> Composable:
    """The 64-bit hash of typed values, NULLs included: what the ledger keeps in place of patient data."""
    return SQL("hash_record_extended(ROW({}), {})").format(SQL(", ").join(values), Literal(seed))


def target_hash_sql(target: Target) -> Composable:
    """The hash of the part of the row `t` of Nexus that the import answers for."""
    types = [Identifier("t", link.type_column) for link in target.entity.generic_references]
    names = base_columns(target.entity)
    return row_hash_sql(target.entity, types, {name: Identifier("t", name) for name in names})


def row_hash_sql(entity: Entity, types: Iterable[Composable], values: Mapping[str, Composable]) -> Composable:
    """The same of these values by column. Of merged jsonb each key that is ours is hashed by itself: to make an object of them
    takes thrice the time of all else."""
    hashed: list[Composable] = [*types]
    for name, value in values.items():
        keys = _owned_keys(entity, name)
        hashed += [SQL("{} -> {}").format(value, Literal(key)) for key in keys] if keys else [value]
    return hash_sql(*hashed)


def hashed_rows_sql(target: Target) -> Composable:
    """Nexus's rows as a subquery: `id`, the ids of generic links, and `target_hash`.

    Each row is hashed before it is joined: joins then carry a few numbers of it instead of all its texts.
    """
    links = [Identifier("t", link.id_column) for link in target.entity.generic_references]
    return SQL("(SELECT {}, {} AS target_hash FROM {} AS t {})").format(
        SQL(", ").join([SQL("t.id"), *links]), target_hash_sql(target), target.table, ONCE
    )


def as_left_sql(context: LoadContext) -> tuple[Composable, Composable]:
    """(Joins, condition) of a row `t` of `hashed_rows_sql` that is as the last load left it, by its entry `l` of the ledger: it is there,
    it has the hash that it had, and the row that each of its generic links names exists. NULL means: it is not.

    The short way asks it of the whole table (load/unchanged.py), `seen` of every source row.
    """
    joins: list[Composable] = []
    conditions: list[Composable] = [SQL("t.id IS NOT NULL"), SQL("l.target_hash = t.target_hash")]
    for number, link in enumerate(context.entity.generic_references):
        alias, column = Identifier(f"parent_{number}"), Identifier(link.id_column)
        table = context.parents[link.to].table
        joins.append(SQL("LEFT JOIN {} AS {} ON {}.id = t.{}").format(table, alias, alias, column))
        conditions.append(SQL("(t.{} IS NULL OR {}.id IS NOT NULL)").format(column, alias))
    return SQL(" ").join(joins), SQL(" AND ").join(conditions)


def _row_hash(context: LoadContext, alias: str) -> Composable:
    """The hash of all that the mapping reads of a source row, and of what is wrong with it as a whole."""
    fields = [context.source.field(name, alias) for name in (*context.entity.fields(), FLAW)]
    return hash_sql(*fields, seed=context.seed)


RETRIED = SQL("(c.decision = 'filemaker' OR c.cause = 'refused')")
"""Whether the next load may write the value of the conflict `c`."""

IS_CURRENT = SQL("(l.last_load IS NOT NULL AND l.vanished_load IS NULL)")
"""Whether a load brought the ledger's entry `l`, and it has not vanished since."""


def build_seen(cursor: Cursor, context: LoadContext) -> int:
    """Makes the table `seen`: every source row, and what is known of it; returns how many there are."""
    cursor.execute(_seen_sql(context))
    rows = int(cursor.rowcount)
    cursor.execute(SQL("ANALYZE {}").format(context.work("seen")))
    return rows


def _all_rows_sql(context: LoadContext, columns: Mapping[str, Composable]) -> Composable:
    """The rows of a first load, in the form of `pending`: all of them are to be read, and none is known.

    A LATERAL subquery for the id would keep the plan from parallel workers: what refers to another row's column runs in none.
    """
    return SQL("""
        (SELECT x.row_number, {source_id} AS source_id, {row_hash} AS row_hash, NULL::uuid AS known_id, FALSE AS is_live,
                FALSE AS disputed, {fields} FROM {source} AS x {once})
    """).format(
        once=ONCE,
        source_id=call("read_uuid", context.source.field(context.entity.source_id, "x")),
        row_hash=_row_hash(context, "x"),
        fields=SQL(", ").join(
            SQL("{} AS {}").format(context.source.field(name, "x"), column) for name, column in columns.items()
        ),
        source=context.source.table,
    )


def find_repeated(cursor: Cursor, context: LoadContext) -> int:
    """Makes the table `repeated` out of `seen`, where one row stays of each id, and each of those whose id is disputed: that one is
    never settled, and its id counts once. Returns how many rows are gone."""
    with sorted_groups(cursor):
        cursor.execute(_repeated_sql(context))
        repeated = cursor.rowcount
    collapsed = 0
    if repeated:
        cursor.execute(_repeated_in_words_only_sql(context))
        cursor.execute(
            SQL("""
                UPDATE {seen} AS s SET settled = false, is_current = s.is_current AND s.row_number = r.first_row
                FROM {repeated} AS r WHERE r.source_id = s.source_id AND r.differ;
                DELETE FROM {seen} AS s USING {repeated} AS r
                WHERE r.source_id = s.source_id AND NOT r.differ AND r.first_row <> s.row_number
            """).format(seen=context.work("seen"), repeated=context.work("repeated"))
        )
        collapsed = cursor.rowcount
    cursor.execute(SQL("ANALYZE {}").format(context.work("repeated")))
    return collapsed


def find_all_pending(cursor: Cursor, context: LoadContext) -> int:
    """Has every row looked at again, settled or not; returns how many there are."""
    cursor.execute(SQL("UPDATE {} SET settled = false WHERE settled").format(context.work("seen")))
    cursor.execute(SQL("DROP TABLE {}").format(context.work("pending")))
    return find_pending(cursor, context)


def find_pending(cursor: Cursor, context: LoadContext) -> int:
    """Makes the table `pending` out of `seen`, `repeated` and `standing`; returns how many rows need work."""
    cursor.execute(_pending_sql(context))
    pending = cursor.rowcount
    cursor.execute(SQL("ANALYZE {}").format(context.work("pending")))
    return int(pending)


def _seen_sql(context: LoadContext) -> Composable:
    """Every source row with its id, its hash, what the ledger knows of it, and whether all is settled.

    Settled: the ledger saw this very row under this mapping, and Nexus's row is as the last load left it (`as_left_sql`), its
    generic links set. Rows that Nexus lost or changed are not settled, however old the export is; nor are
    those with a value that Nexus kept and that may be written now: FileMaker is to win by setting or by decision, or a constraint
    was in the way. Source rows are hashed before they are joined, as Nexus's are.
    """
    links, as_left = as_left_sql(context)
    live = [
        as_left,
        *(SQL("t.{} IS NOT NULL").format(Identifier(each.id_column)) for each in context.entity.generic_references),
    ]
    if context.filemaker_wins or context.retried_columns:
        live.append(
            SQL(
                "NOT EXISTS (SELECT FROM nexus_assets.conflict AS c WHERE c.entity = {} AND c.resolved_load IS NULL"
                " AND c.source_id = s.source_id AND ({} OR {}))"
            ).format(Literal(context.entity.name), Literal(context.filemaker_wins), RETRIED)
        )
    return SQL("""
        CREATE UNLOGGED TABLE {seen} AS
        SELECT s.row_number, s.source_id, s.row_hash, l.nexus_id AS known_id, t.id IS NOT NULL AS is_live,
               coalesce({is_current}, false) AS is_current, l.notices,
               coalesce(l.row_hash = s.row_hash AND l.vanished_load IS NULL AND {live},
                        false) AS settled
        FROM (SELECT row_number, {source_id} AS source_id, {row_hash} AS row_hash FROM {source} AS s {once}) AS s
        LEFT JOIN {ledger} AS l ON l.source_id = s.source_id
        LEFT JOIN {rows} AS t ON t.id = l.nexus_id
        {links}
    """).format(
        seen=context.work("seen"),
        once=ONCE,
        is_current=IS_CURRENT,
        rows=hashed_rows_sql(context.target),
        live=SQL(" AND ").join(live),
        source_id=call("read_uuid", context.source.field(context.entity.source_id, "s")),
        row_hash=_row_hash(context, "s"),
        source=context.source.table,
        ledger=context.ledger,
        links=links,
    )


def _repeated_sql(context: LoadContext) -> Composable:
    """FileMaker ids that come more than once: `differ` where their rows do not say the same.

    Rows of one key never dispute it: the first by their place stands for all, unless each of them has the first place.
    """
    if context.entity.key is not None:
        return SQL("""
            CREATE UNLOGGED TABLE {repeated} AS
            SELECT s.source_id, min(s.row_number) FILTER (WHERE x.{place} = 1) AS first_row, false AS differ
            FROM {seen} AS s JOIN {source} AS x USING (row_number)
            WHERE s.source_id IS NOT NULL GROUP BY 1 HAVING count(*) > count(*) FILTER (WHERE x.{place} = 1)
        """).format(
            repeated=context.work("repeated"), seen=context.work("seen"), source=context.source.table, place=PLACE
        )
    return SQL("""
        CREATE UNLOGGED TABLE {repeated} AS
        SELECT source_id, min(row_number) AS first_row, min(row_hash) <> max(row_hash) AS differ
        FROM {seen} WHERE source_id IS NOT NULL GROUP BY source_id HAVING count(*) > 1
    """).format(repeated=context.work("repeated"), seen=context.work("seen"))


def _repeated_in_words_only_sql(context: LoadContext) -> Composable:
    """Rows of one id that differ in blanks around a value, or in how the id is written, say the same."""
    fields = [
        SQL("nexus_assets.read_text({})").format(context.source.field(name, "r"))
        for name in (*context.entity.fields(), FLAW)
        if name != context.entity.source_id
    ]
    said = hash_sql(*fields)
    return SQL("""
        UPDATE {repeated} AS again SET differ = false
        FROM (SELECT s.source_id FROM {repeated} AS d JOIN {seen} AS s USING (source_id) JOIN {source} AS r USING (row_number)
              WHERE d.differ GROUP BY 1 HAVING min({said}) = max({said})) AS same
        WHERE same.source_id = again.source_id
    """).format(repeated=context.work("repeated"), seen=context.work("seen"), source=context.source.table, said=said)


def _pending_sql(context: LoadContext) -> Composable:
    """The rows that need work: all that are not settled and do not stand rejected.

    With their texts, so that the whole source is not joined again for each use of them.
    """
    return SQL("""
        CREATE UNLOGGED TABLE {pending} AS
        SELECT s.row_number, s.source_id, s.row_hash, s.known_id, s.is_live, coalesce(r.differ, false) AS disputed, {fields}
        FROM {seen} AS s JOIN {source} AS x USING (row_number) LEFT JOIN {repeated} AS r ON r.source_id = s.source_id
        WHERE NOT s.settled AND NOT EXISTS (SELECT FROM {standing} AS n WHERE n.row_number = s.row_number)
    """).format(
        pending=context.pending.table,
        fields=SQL(", ").join(
            SQL("{} AS {}").format(context.source.field(name, "x"), column)
            for name, column in context.pending.columns.items()
        ),
        seen=context.work("seen"),
        source=context.source.table,
        repeated=context.work("repeated"),
        standing=context.work("standing"),
    )


@dataclass(frozen=True)
class _Reason:
    """The code of a reject, under which condition a row is rejected for it, and the column that it is about, if any."""

    condition: Composable
    code: Composable
    column: str | None = None


_READ_AS = {"dates": "NULL::date", "times": "NULL::interval"}
"""What a dictionary holds for a text that means nothing."""


class _Joins:
    """The FROM clause of `incoming` as it grows: each dictionary and parent is joined once."""

    def __init__(self, context: LoadContext) -> None:
        self.context = context
        self.clauses: list[Composable] = []
        self._aliases: dict[tuple[str, str], Identifier] = {}

    def dictionary(self, kind: str, name: str) -> Identifier:
        """The alias of the row of the `kind` dictionary that belongs to the field's text."""
        alias = self._aliases.get((kind, name))
        if alias is None:
            alias = self._aliases[kind, name] = Identifier(f"{kind}_{len(self._aliases)}")
            if name not in self.context.pending.columns:
                return self._nothing(alias, raw=SQL("NULL::text"), value=SQL(_READ_AS[kind]))
            self.clauses.append(
                SQL("LEFT JOIN {table} AS {alias} ON {alias}.field = {name} AND {alias}.raw = {text}").format(
                    table=self.context.work(kind),
                    alias=alias,
                    name=Literal(name),
                    text=self.context.pending.field(name, "s"),
                )
            )
        return alias

    def fields(self, column: Column) -> list[Field]:
        """The source fields of a column; those that its parser reads as dates or times have their dictionary joined."""
        return [
            Field(
                self.context.pending.field(name, "s"),
                self.dictionary("dates", name) if at in column.parser.dates else NO_DICTIONARY,
                self.dictionary("times", name) if at in column.parser.times else NO_DICTIONARY,
            )
            for at, name in enumerate(column.fields)
        ]

    def text(self, column: Column) -> Composable:
        """The column's value for the field's text, or for none, by the `texts` dictionary.

        What none means is joined, too: worked out in place it would be a subquery, which keeps the statement from parallel workers.
        """
        alias, nothing = Identifier(f"text_{column.name}"), Identifier(f"no_text_{column.name}")
        table, name = self.context.work("texts"), Literal(column.name)
        of_column = SQL("LEFT JOIN {} AS {} ON {}.column_name = {} AND {}.raw")
        self.clauses.append(SQL("{} IS NULL").format(of_column.format(table, nothing, nothing, name, nothing)))
        if column.fields[0] not in self.context.pending.columns:
            return SQL("{}.value").format(nothing)
        text = self.context.pending.field(column.fields[0], "s")
        self.clauses.append(SQL("{} = {}").format(of_column.format(table, alias, alias, name, alias), text))
        return SQL("CASE WHEN {} IS NULL THEN {}.value ELSE {}.value END").format(text, nothing, alias)

    def parent(self, number: int, link: Reference | GenericReference) -> Identifier:
        """The alias of the referenced row, found through the ledger; NULLs where it does not exist, or is not who it was."""
        parent, row = self.context.parents[link.to], Identifier(f"row_{number}")
        self.clauses.append(
            SQL("""LEFT JOIN (SELECT k.source_id AS named, t.* FROM {ledger} AS k JOIN {table} AS t ON t.id = k.nexus_id
                              WHERE {own}) AS {row} ON {row}.named = {id}""").format(
                ledger=identity_table(link.to),
                table=parent.table,
                own=own_row_sql(parent),
                row=row,
                id=call("read_uuid", self.context.pending.field(link.field, "s")),
            )
        )
        return row

    def match(self, name: str, match: Match, table: Composable) -> Identifier:
        """The alias of the small table's row that the field names."""
        alias = Identifier(name)
        nothing = SQL("(NULL::{}).id").format(table)
        if match.field not in self.context.pending.columns:
            return self._nothing(alias, id=nothing)
        compared = call("comparable", self.context.pending.field(match.field, "s"))
        if match.through is not None:
            export, id_heading, name_heading = match.through
            relation = self.context.companion_exports.get(export)
            if relation is None:
                return self._nothing(alias, id=nothing)
            through = Identifier(f"{name}_through")
            self.clauses.append(
                SQL("""LEFT JOIN (SELECT DISTINCT ON (1) nexus_assets.comparable({id}) AS key, nexus_assets.comparable({said}) AS said
                                  FROM {table} AS x ORDER BY 1, row_number) AS {through} ON {through}.key = {compared}""").format(
                    id=relation.field(id_heading, "x"),
                    said=relation.field(name_heading, "x"),
                    table=relation.table,
                    through=through,
                    compared=compared,
                )
            )
            compared = SQL("{}.said").format(through)
        self.clauses.append(
            SQL("""LEFT JOIN (SELECT DISTINCT ON (1) nexus_assets.comparable({column}::text) AS key, id FROM {table}
                   ORDER BY 1, created_at, id) AS {alias} ON {alias}.key = {compared}""").format(
                column=Identifier(match.column), table=table, alias=alias, compared=compared
            )
        )
        return alias

    def _nothing(self, alias: Identifier, **values: Composable) -> Identifier:
        """The alias with NULLs in place of what a field that the source does not have would be joined with.

        A join on a text that is NULL finds nothing either, and PostgreSQL runs all that follows it without parallel workers.
        """
        columns = SQL(", ").join(SQL("{} AS {}").format(value, Identifier(name)) for name, value in values.items())
        self.clauses.append(SQL("CROSS JOIN (SELECT {}) AS {}").format(columns, alias))
        return alias


def _column_sql(column: Column, fields: list[Field], context: LoadContext, joins: _Joins) -> Composable:
    value = joins.text(column) if column.parser.low_cardinality else column.parser.value(fields, context.reading)
    sql_type = context.target.columns[column.name].sql_type
    # A cast to varchar(n) would cut a longer text silently; to text it is compared with n afterwards (`too_long`).
    wide = "text" if context.target.columns[column.name].length else sql_type
    return SQL("({})::{}").format(value, SQL(wide))


def _given(context: LoadContext, name: str) -> Composable:
    return SQL("nexus_assets.read_text({}) IS NOT NULL").format(context.pending.field(name, "s"))


def _one_of(blank: str, unknown: str, given: Composable) -> Composable:
    """The reason for an id whose row is not there: there is none, or it is not known. Text is looked at only then."""
    return SQL("CASE WHEN {} THEN {} ELSE {} END").format(given, Literal(unknown), Literal(blank))


def _lookup_sql(
    context: LoadContext, joins: _Joins, lookup: Lookup, parents: Mapping[str, Identifier]
) -> tuple[Composable, Composable]:
    """(The id that the lookup finds, whether the row names something that is not there.)"""
    found = [
        SQL("{}.id").format(joins.match(f"{lookup.column}_{at}", match, context.lookups[match.tables[0]]))
        for at, match in enumerate(lookup.matches)
    ]
    matched = SQL("coalesce({})").format(SQL(", ").join(found))
    named = SQL(" OR ").join(_given(context, match.field) for match in lookup.matches)
    value = matched
    if lookup.fallback is not None:
        reference, column = lookup.fallback
        value = SQL("coalesce({}, {}.{})").format(matched, parents[reference], Identifier(column))
    return value, SQL("({} IS NULL AND ({}))").format(matched, named)


def _described(context: LoadContext) -> Composable:
    """Whether FileMaker says anything of the row: of a file without a row in the export it doesn't."""
    row = context.pending.columns.get(EXPORT_ROW)
    return SQL("TRUE") if row is None else SQL("s.{} IS NOT NULL").format(row)


def read(cursor: Cursor, context: LoadContext) -> int:
    """Makes the table `incoming`: every pending row with what it says, or the reason why it is rejected; returns how many."""
    if any(column.parser.low_cardinality for column in context.entity.columns):
        cursor.execute(SQL("{}; ANALYZE {}").format(_texts_sql(context), context.work("texts")))
    cursor.execute(_incoming_sql(context))
    rows = int(cursor.rowcount)
    cursor.execute(SQL("ANALYZE {}").format(context.work("incoming")))
    return rows


@dataclass(frozen=True)
class Counts:
    """How many rows of `incoming` are accepted, how many are rejected for each reason, the most frequent first, and how many of
    the accepted ones have no value for a column."""

    accepted: int
    rejected: dict[str, int]
    without: dict[str, int]

    def with_rejected(self, more: Mapping[str, int]) -> Counts:
        """These counts with other rejected rows added."""
        rejected = {reason: self.rejected.get(reason, 0) + more.get(reason, 0) for reason in {*self.rejected, *more}}
        return replace(self, rejected=dict(sorted(rejected.items(), key=lambda pair: (-pair[1], pair[0]))))


def count(cursor: Cursor, context: LoadContext, columns: Sequence[str]) -> Counts:
    """Counts the rows of `incoming`; `columns` are those of which it is asked whether they have a value."""
    empty = [SQL(", count(*) FILTER (WHERE {} IS NULL)").format(incoming_column(name)) for name in columns]
    cursor.execute(
        SQL("SELECT reason, count(*){} FROM {} GROUP BY 1 ORDER BY 2 DESC, 1").format(
            SQL("").join(empty), context.work("incoming")
        )
    )
    found = {reason: numbers for reason, *numbers in cursor.fetchall()}
    accepted, *without = found.pop(None, [0] * (len(columns) + 1))
    rejected = {reason: numbers[0] for reason, numbers in found.items()}
    return Counts(accepted, rejected, dict(zip(columns, without, strict=True)))


def _texts_sql(context: LoadContext) -> Composable:
    """Each different text of the columns that have few of them, and none, with the value that it means."""
    parts: list[Composable] = [
        SQL("SELECT NULL::text AS column_name, NULL::text AS raw, NULL::text AS value WHERE FALSE")
    ]
    for column in context.entity.columns:
        if column.parser.low_cardinality:
            text = Field(SQL("different.raw"))
            parts.append(
                SQL("""
                    SELECT {name}, different.raw, {value} FROM (
                      SELECT NULL::text AS raw UNION ALL
                      (SELECT {raw} AS raw FROM {pending} AS s WHERE {raw} IS NOT NULL GROUP BY 1)) AS different
                """).format(
                    name=Literal(column.name),
                    value=column.parser.value([text], context.reading),
                    raw=context.pending.field(column.fields[0], "s"),
                    pending=context.pending.table,
                )
            )
    return SQL("CREATE UNLOGGED TABLE {} AS {}").format(context.work("texts"), SQL(" UNION ALL ").join(parts))


def _incoming_sql(context: LoadContext) -> Composable:
    """Every pending row with its typed values, its references' rows, its notices, and the first reason why it can't be read."""
    joins = _Joins(context)
    no_id = ("no_owner", "unknown_owner") if context.entity.owners else ("no_id", "bad_id")
    reasons = [
        _Reason(SQL("s.source_id IS NULL"), _one_of(*no_id, _given(context, context.entity.source_id))),
        _Reason(SQL("s.disputed"), Literal("duplicate_id")),
    ]
    if FLAW in context.pending.columns:
        flaw = context.pending.field(FLAW, "s")
        reasons.insert(0, _Reason(SQL("{} IS NOT NULL").format(flaw), flaw))
    # Last, because a cell that can't be read may be why there is no id: an image with such a date has no batch.
    unknown: list[_Reason] = []
    values: list[tuple[Identifier, Composable]] = []
    notices: list[tuple[str, Composable]] = []
    parents: dict[str, Identifier] = {}
    for number, link in enumerate(context.entity.references):
        row = joins.parent(number, link)
        column_name = reference_column(link)
        if column_name is not None:
            parents[column_name] = row
            values.append((incoming_column(column_name), SQL("{}.id").format(row)))
        if isinstance(link, GenericReference):
            type_id = Literal(context.parents[link.to].content_type_id)
            linked = SQL("CASE WHEN {}.id IS NOT NULL THEN {} END").format(row, type_id)
            named = call("read_uuid", context.pending.field(link.field, "s"))
            unfound = SQL("CASE WHEN {}.id IS NULL THEN {} END").format(row, named)
            values += [(incoming_column(link.type_column), linked), (named_column(link), unfound)]
        given = _given(context, link.field)
        if link.unknown:
            dangling = _one_of(link.missing or link.unknown, link.unknown, given)
            (reasons if link.missing else unknown).append(_Reason(SQL("{}.id IS NULL").format(row), dangling))
        elif link.missing:
            reasons.append(_Reason(SQL("({}.id IS NULL AND NOT {})").format(row, given), Literal(link.missing)))
    for lookup in context.entity.lookups:
        value, unmatched = _lookup_sql(context, joins, lookup, parents)
        values.append((incoming_column(lookup.column), value))
        notices.append((lookup.notice, unmatched))
    for column in context.entity.columns:
        fields = joins.fields(column)
        values.append((incoming_column(column.name), _column_sql(column, fields, context, joins)))
        notices += column.parser.notices(fields, context.reading)
        for reason, condition in column.parser.unreadable(fields, context.reading):
            if column.unreadable:
                notices.append((column.unreadable, condition))
            else:
                reasons.append(_Reason(condition, Literal(reason), column.name))
    why = SQL("coalesce(r.why, {})").format(_first_reason_sql(_typed_reasons(context)))
    minted = SQL("CASE WHEN {} IS NULL THEN nexus_assets.minted_id({}, r.source_id::text) END AS nexus_id, ")
    return SQL("""
        CREATE UNLOGGED TABLE {incoming} AS
        SELECT r.row_number, r.source_id, r.row_hash, r.known_id, r.is_live, ({why})[1] AS reason, ({why})[2] AS reason_column,
               r.described, r.notices, {minted}{names}
        FROM (
          SELECT s.row_number, s.source_id, s.row_hash, s.known_id, s.is_live, {unread} AS why, {described} AS described,
                 {notices} AS notices, {values}
          FROM {pending} AS s
          {joins} {once}
        ) AS r
    """).format(
        incoming=context.work("incoming"),
        once=ONCE,
        minted=minted.format(why, Literal(context.entity.name)) if context.is_first else SQL(""),
        names=SQL(", ").join(SQL("r.{}").format(name) for name, _ in values),
        why=why,
        unread=_first_reason_sql([*reasons, *unknown]),
        described=_described(context),
        notices=_holding(notices),
        values=SQL(", ").join(SQL("{} AS {}").format(value, name) for name, value in values),
        pending=context.pending.table,
        joins=SQL(" ").join(joins.clauses),
    )


def _first_reason_sql(reasons: Iterable[_Reason]) -> Composable:
    """[Code, column] of the first reason that holds, without a column where it is about the whole row; NULL where none holds."""
    cases = [
        SQL("WHEN {} THEN ARRAY[{}, {}]").format(each.condition, each.code, Literal(each.column)) for each in reasons
    ]
    return SQL("CASE {} END").format(SQL(" ").join(cases)) if cases else SQL("NULL::text[]")


def _holding(conditions: Conditions) -> Composable:
    """The codes whose condition holds, in their order."""
    codes = [SQL("CASE WHEN {} THEN {} END").format(condition, Literal(code)) for code, condition in conditions]
    return SQL("array_remove(ARRAY[{}]::text[], NULL)").format(SQL(", ").join(codes))


def _typed_reasons(context: LoadContext) -> Iterator[_Reason]:
    """What only the typed values of the row `r` show: a required one that is empty, one too long for its column."""
    for column in context.entity.columns:
        value = SQL("r.{}").format(incoming_column(column.name))
        if column.required:
            yield _Reason(SQL("{} IS NULL").format(value), Literal(column.required))
        length = context.target.columns[column.name].length
        if length is not None:
            yield _Reason(SQL("length({}) > {}").format(value, Literal(length)), Literal("too_long"), column.name)

"""Step 3, first half: which staged rows need work, and what they say, typed as their target columns are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.load.ledger import base_columns
from nexus_assets.load.tables import Relation, Target, Work, identity_table
from nexus_assets.mapping.entity import Column, Entity, GenericReference, Lookup, Match, Reference
from nexus_assets.mapping.parse import EXCEL_EPOCH, Field, Reading, call


@dataclass(frozen=True)
class Scene:
    """All that the SQL of one load refers to: the entity, its table and its parents' tables as found, its staged rows."""

    entity: Entity
    target: Target
    parents: Mapping[str, Target]
    children: Mapping[str, Target]
    work: Work
    source: Relation
    reading: Reading
    seed: int
    alongside: Mapping[str, Relation]

    @property
    def ledger(self) -> Identifier:
        return identity_table(self.entity.name)


def new(name: str) -> Identifier:
    """The column of `incoming` that holds the value for the target column `name`."""
    return Identifier(f"new_{name}")


def reference_column(link: Reference | GenericReference) -> str | None:
    """The target column that holds the id of the referenced row."""
    return link.id_column if isinstance(link, GenericReference) else link.column


def owned_sql(column: str, target: Target, alias: str) -> Composable:
    """A target column's value as the import compares it: of a merged jsonb column only the keys that are ours."""
    for declared in target.entity.columns:
        if declared.name == column and declared.parser.keys:
            pairs = [
                SQL("{}, {}.{} -> {}").format(Literal(key), Identifier(alias), Identifier(column), Literal(key))
                for key in declared.parser.keys
            ]
            return SQL("jsonb_strip_nulls(jsonb_build_object({}))").format(SQL(", ").join(pairs))
    return SQL("{}.{}").format(Identifier(alias), Identifier(column))


def hash_sql(*values: Composable, seed: int = 0) -> Composable:
    """The 64-bit hash of typed values, NULLs included: what the ledger keeps in place of patient data."""
    return SQL("hash_record_extended(ROW({}), {})").format(SQL(", ").join(values), Literal(seed))


def target_hash_sql(target: Target, alias: str) -> Composable:
    """The hash of the part of a Nexus row that the import answers for."""
    types = [
        SQL("{}.{}").format(Identifier(alias), Identifier(link.type_column))
        for link in target.entity.generic_references
    ]
    return hash_sql(*types, *(owned_sql(name, target, alias) for name in base_columns(target.entity)))


def _fields(scene: Scene, alias: str) -> list[Composable]:
    return [scene.source.field(name, alias) for name in scene.entity.fields()]


def seen_sql(scene: Scene) -> Composable:
    """Every source row with its id, its hash, what the ledger knows of it, and whether all is settled.

    Settled: the ledger saw this very row under this mapping, and Nexus's row is as the last load left it, its generic
    links leading to rows that exist. Rows that Nexus lost or changed are not settled, however old the export is.
    """
    live, links = [SQL("t.id IS NOT NULL")], []
    for number, link in enumerate(scene.entity.generic_references):
        alias = Identifier(f"parent_{number}")
        links.append(
            SQL("LEFT JOIN {} AS {} ON {}.id = t.{}").format(
                scene.parents[link.to].table, alias, alias, Identifier(link.id_column)
            )
        )
        live.append(SQL("{}.id IS NOT NULL").format(alias))
    return SQL("""
        CREATE UNLOGGED TABLE {seen} AS
        SELECT s.row_number, s.source_id, s.row_hash, l.nexus_id AS known_id, t.id IS NOT NULL AS is_live,
               coalesce(l.row_hash = s.row_hash AND l.vanished_load IS NULL AND l.target_hash = {target_hash} AND {live},
                        false) AS settled
        FROM (SELECT row_number, {source_id} AS source_id, {row_hash} AS row_hash FROM {source} AS s) AS s
        LEFT JOIN {ledger} AS l ON l.source_id = s.source_id
        LEFT JOIN {target} AS t ON t.id = l.nexus_id
        {links}
    """).format(
        seen=scene.work("seen"),
        target_hash=target_hash_sql(scene.target, "t"),
        live=SQL(" AND ").join(live),
        source_id=call("read_uuid", scene.source.field(scene.entity.source_id, "s")),
        row_hash=hash_sql(*_fields(scene, "s"), seed=scene.seed),
        source=scene.source.table,
        ledger=scene.ledger,
        target=scene.target.table,
        links=SQL(" ").join(links),
    )


def repeated_sql(scene: Scene) -> Composable:
    """FileMaker ids that come more than once: `differ` where their rows do not say the same."""
    return SQL("""
        CREATE UNLOGGED TABLE {repeated} AS
        SELECT source_id, min(row_number) AS first_row, min(row_hash) <> max(row_hash) AS differ, count(*) - 1 AS more
        FROM {seen} WHERE source_id IS NOT NULL GROUP BY source_id HAVING count(*) > 1
    """).format(repeated=scene.work("repeated"), seen=scene.work("seen"))


def pending_sql(scene: Scene) -> Composable:
    """The rows that need work: all that are not settled, and every one of those whose id is disputed."""
    return SQL("""
        CREATE UNLOGGED TABLE {pending} AS
        SELECT s.row_number, s.source_id, s.row_hash, s.known_id, s.is_live, coalesce(r.differ, false) AS disputed
        FROM {seen} AS s LEFT JOIN {repeated} AS r ON r.source_id = s.source_id
        WHERE (NOT s.settled AND (r.source_id IS NULL OR r.first_row = s.row_number)) OR r.differ
    """).format(pending=scene.work("pending"), seen=scene.work("seen"), repeated=scene.work("repeated"))


def dictionary_sql(
    table: Composable, relation: Relation, fields: Mapping[str, None], pending: Composable | None
) -> Composable:
    """Each different text of the fields with how often it comes: an export holds few different dates and times.

    Where `pending` is given only its rows are looked at.
    """
    narrowed = SQL("") if pending is None else SQL("JOIN {} AS p USING (row_number)").format(pending)
    parts = [
        SQL(
            "SELECT {name}::text AS field, {text} AS raw, count(*) AS times FROM {table} AS s {narrowed}"
            " WHERE nexus_assets.read_text({text}) IS NOT NULL GROUP BY 2"
        ).format(name=Literal(name), text=relation.field(name, "s"), table=relation.table, narrowed=narrowed)
        for name in fields
    ]
    nothing = SQL("SELECT NULL::text AS field, NULL::text AS raw, 0::bigint AS times WHERE false")
    return SQL("CREATE UNLOGGED TABLE {} AS {}").format(table, SQL(" UNION ALL ").join([nothing, *parts]))


def date_evidence_sql(dictionary: Composable) -> Composable:
    """Per field: how many values can only be month first, only day first, and either."""
    return SQL(r"""
        SELECT field,
               coalesce(sum(times) FILTER (WHERE second > 12 AND first <= 12), 0),
               coalesce(sum(times) FILTER (WHERE first > 12 AND second <= 12), 0),
               coalesce(sum(times) FILTER (WHERE first <= 12 AND second <= 12 AND first <> second), 0)
        FROM (SELECT field, times, words[1]::int AS first, words[2]::int AS second
              FROM (SELECT field, times, regexp_match(raw, '^\s*(\d{{1,2}})[/.-](\d{{1,2}})[/.-]\d{{2,4}}\M') AS words
                    FROM {}) AS matched WHERE words IS NOT NULL) AS dates
        GROUP BY field
    """).format(dictionary)


def read_dates_sql(dictionary: Composable, orders: Mapping[str, str], reading: Reading) -> Composable:
    """Gives every date text of the dictionary its value."""
    cases = [SQL("WHEN {} THEN {}").format(Literal(name), Literal(order)) for name, order in orders.items()]
    order = SQL("CASE field {} ELSE 'mdy' END").format(SQL(" ").join(cases)) if cases else SQL("'mdy'")
    return SQL(
        "ALTER TABLE {table} ADD COLUMN value date;"
        "UPDATE {table} SET value = nexus_assets.read_date(raw, {order}, {today}, {epoch}); ANALYZE {table}"
    ).format(table=dictionary, order=order, today=Literal(reading.today), epoch=Literal(EXCEL_EPOCH))


def read_times_sql(dictionary: Composable) -> Composable:
    """Gives every time text of the dictionary its value."""
    return SQL(
        "ALTER TABLE {table} ADD COLUMN value interval;"
        "UPDATE {table} SET value = nexus_assets.read_time(raw); ANALYZE {table}"
    ).format(table=dictionary)


def date_fields(entity: Entity) -> dict[str, None]:
    """The source fields that hold dates."""
    return dict.fromkeys(column.fields[at] for column in entity.columns for at in column.parser.dates)


def time_fields(entity: Entity) -> dict[str, None]:
    """The source fields that hold times of day."""
    return dict.fromkeys(column.fields[at] for column in entity.columns for at in column.parser.times)


class _Joins:
    """The FROM clause of `incoming` as it grows: each dictionary and parent is joined once."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.clauses: list[Composable] = []
        self._aliases: dict[tuple[str, str], Identifier] = {}

    def dictionary(self, kind: str, name: str) -> Identifier:
        """The alias of the row of the `kind` dictionary that belongs to the field's text."""
        alias = self._aliases.get((kind, name))
        if alias is None:
            alias = self._aliases[kind, name] = Identifier(f"{kind}_{len(self._aliases)}")
            self.clauses.append(
                SQL("LEFT JOIN {table} AS {alias} ON {alias}.field = {name} AND {alias}.raw = {text}").format(
                    table=self.scene.work(kind),
                    alias=alias,
                    name=Literal(name),
                    text=self.scene.source.field(name, "s"),
                )
            )
        return alias

    def field(self, name: str, has_date: bool, has_time: bool) -> Field:
        absent = SQL("(SELECT NULL::text AS raw, NULL::date AS value)")
        return Field(
            self.scene.source.field(name, "s"),
            self.dictionary("dates", name) if has_date else absent,
            self.dictionary("times", name) if has_time else absent,
        )

    def parent(self, number: int, link: Reference | GenericReference) -> Identifier:
        """The alias of the referenced row, found through the ledger; NULLs where it does not exist."""
        known, row = Identifier(f"known_{number}"), Identifier(f"row_{number}")
        self.clauses.append(
            SQL(
                "LEFT JOIN {ledger} AS {known} ON {known}.source_id = {id} LEFT JOIN {table} AS {row} ON {row}.id = {known}.nexus_id"
            ).format(
                ledger=identity_table(link.to),
                known=known,
                row=row,
                table=self.scene.parents[link.to].table,
                id=call("read_uuid", self.scene.source.field(link.field, "s")),
            )
        )
        return row

    def match(self, name: str, match: Match, table: Composable) -> Identifier:
        """The alias of the small table's row that the field names."""
        alias = Identifier(name)
        compared = call("comparable", self.scene.source.field(match.field, "s"))
        if match.through is not None:
            export, id_heading, name_heading = match.through
            relation = self.scene.alongside.get(export)
            if relation is None:
                compared = SQL("NULL::text")
            else:
                through = Identifier(f"{name}_through")
                self.clauses.append(
                    SQL("""LEFT JOIN (SELECT DISTINCT ON (1) nexus_assets.comparable({id}) AS key, {said} AS said FROM {table} AS x
                           ORDER BY 1, row_number) AS {through} ON {through}.key = {compared}""").format(
                        id=relation.field(id_heading, "x"),
                        said=relation.field(name_heading, "x"),
                        table=relation.table,
                        through=through,
                        compared=compared,
                    )
                )
                compared = call("comparable", SQL("{}.said").format(through))
        self.clauses.append(
            SQL("""LEFT JOIN (SELECT DISTINCT ON (1) nexus_assets.comparable({column}::text) AS key, id FROM {table}
                   ORDER BY 1, created_at, id) AS {alias} ON {alias}.key = {compared}""").format(
                column=Identifier(match.column), table=table, alias=alias, compared=compared
            )
        )
        return alias


def _column_sql(column: Column, fields: list[Field], scene: Scene) -> Composable:
    sql_type = scene.target.columns[column.name].sql_type
    # A cast to varchar(n) would cut a longer text silently; to text it is compared with n afterwards (`too_long`).
    wide = "text" if scene.target.columns[column.name].length else sql_type
    return SQL("({})::{} AS {}").format(column.parser.value(fields, scene.reading), SQL(wide), new(column.name))


def _given(scene: Scene, name: str) -> Composable:
    return SQL("nexus_assets.read_text({}) IS NOT NULL").format(scene.source.field(name, "s"))


def _lookup_sql(
    scene: Scene, joins: _Joins, lookup: Lookup, tables: Mapping[str, Composable], parents: Mapping[str, Identifier]
) -> list[Composable]:
    found = [
        SQL("{}.id").format(joins.match(f"{lookup.column}_{at}", match, tables[match.tables[0]]))
        for at, match in enumerate(lookup.matches)
    ]
    matched = SQL("coalesce({})").format(SQL(", ").join(found))
    named = SQL(" OR ").join(_given(scene, match.field) for match in lookup.matches)
    value = matched
    if lookup.fallback is not None:
        reference, column = lookup.fallback
        value = SQL("coalesce({}, {}.{})").format(matched, parents[reference], Identifier(column))
    return [
        SQL("{} AS {}").format(value, new(lookup.column)),
        SQL("(({}) AND {} IS NULL) AS {}").format(named, matched, Identifier(f"unmatched_{lookup.column}")),
    ]


def incoming_sql(scene: Scene, lookup_tables: Mapping[str, Composable]) -> Composable:
    """Every pending row with its typed values, its resolved references, and the first reason why it can't be read."""
    joins = _Joins(scene)
    reasons = [
        SQL("WHEN {} IS NOT NULL THEN {}").format(scene.source.field("flaw", "s"), scene.source.field("flaw", "s")),
        SQL("WHEN NOT {} THEN 'no_id'").format(_given(scene, scene.entity.source_id)),
        SQL("WHEN p.source_id IS NULL THEN 'bad_id'"),
        SQL("WHEN p.disputed THEN 'duplicate_id'"),
    ]
    values: list[Composable] = []
    parents: dict[str, Identifier] = {}
    for number, link in enumerate(scene.entity.references):
        row = joins.parent(number, link)
        column = reference_column(link)
        if column is not None:
            parents[column] = row
            values.append(SQL("{}.id AS {}").format(row, new(column)))
        if isinstance(link, GenericReference):
            type_id = Literal(scene.parents[link.to].content_type_id)
            values.append(
                SQL("CASE WHEN {}.id IS NOT NULL THEN {} END AS {}").format(row, type_id, new(link.type_column))
            )
        if link.missing:
            reasons.append(SQL("WHEN NOT {} THEN {}").format(_given(scene, link.field), Literal(link.missing)))
        if link.unknown:
            reasons.append(SQL("WHEN {}.id IS NULL THEN {}").format(row, Literal(link.unknown)))
    for lookup in scene.entity.lookups:
        values += _lookup_sql(scene, joins, lookup, lookup_tables, parents)
    for column in scene.entity.columns:
        fields = [
            joins.field(name, at in column.parser.dates, at in column.parser.times)
            for at, name in enumerate(column.fields)
        ]
        values.append(_column_sql(column, fields, scene))
        for reason, condition in column.parser.unreadable(fields, scene.reading):
            if column.unreadable:
                values.append(SQL("{} AS {}").format(condition, Identifier(f"unread_{column.name}")))
            else:
                reasons.append(SQL("WHEN {} THEN {}").format(condition, Literal(f"{reason}:{column.name}")))
    return SQL("""
        CREATE UNLOGGED TABLE {incoming} AS
        SELECT p.row_number, p.source_id, p.row_hash, p.known_id, p.is_live, CASE {reasons} END AS reason, {values}
        FROM {pending} AS p JOIN {source} AS s USING (row_number)
        {joins}
    """).format(
        incoming=scene.work("incoming"),
        reasons=SQL(" ").join(reasons),
        values=SQL(", ").join(values),
        pending=scene.work("pending"),
        source=scene.source.table,
        joins=SQL(" ").join(joins.clauses),
    )


def reject_reason_sql(scene: Scene) -> Composable:
    """Completes the reasons with what the typed values show: a required one that is empty, one too long for its column."""
    cases = []
    for column in scene.entity.columns:
        value = new(column.name)
        if column.required:
            cases.append(SQL("WHEN {} IS NULL THEN {}").format(value, Literal(column.required)))
        length = scene.target.columns[column.name].length
        if length is not None:
            cases.append(
                SQL("WHEN length({}) > {} THEN {}").format(value, Literal(length), Literal(f"too_long:{column.name}"))
            )
    if not cases:
        return SQL("SELECT 0")
    conditions = SQL("CASE {} END").format(SQL(" ").join(cases))
    return SQL(
        "UPDATE {incoming} SET reason = {conditions} WHERE reason IS NULL AND ({conditions}) IS NOT NULL"
    ).format(incoming=scene.work("incoming"), conditions=conditions)

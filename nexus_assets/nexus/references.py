"""References into an entity's table from anywhere in the database: found by looking, moved to current ids, counted when dead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.entities import ENTITIES
from nexus_assets.ledger.tables import LEDGER_SCHEMA
from nexus_assets.nexus import queries
from nexus_assets.nexus.catalog import Target

HISTORY_TABLES = ("django_admin_log",)
"""Logs whose entries outlive what they tell of: an entry about a deleted row is no orphan, and keeps no row alive. An entry
about a person who has another id now moves with them all the same, so that the history of a person stays whole."""

TEXTS = ("text", "character varying", "character")
INTEGERS = ("smallint", "integer", "bigint")
"""The types of a generic key's id column beside uuid: text leads to ids of any type, a number only to numbers."""

Model = tuple[int, Identifier, str]
"""Content type id, table and type of its id, of a Django model whose table was found."""


@dataclass(frozen=True)
class GenericKey:
    """A generic foreign key somewhere in the database: a table with a content type column and an object id column."""

    schema: str
    table: str
    type_column: str
    id_column: str
    id_type: str

    @property
    def relation(self) -> Identifier:
        return Identifier(self.schema, self.table)

    @property
    def name(self) -> str:
        """`table.id_column`, as checks and messages name it."""
        return f"{self.table}.{self.id_column}"

    @property
    def is_text(self) -> bool:
        """Whether it holds ids as text."""
        return self.id_type in TEXTS

    @property
    def compared_as(self) -> str:
        """The type to which an id is cast, to be compared with it."""
        return "text" if self.is_text else self.id_type

    @property
    def can_lead_to_us(self) -> bool:
        """Whether it can hold an id of the import's tables, which are uuids."""
        return self.is_text or self.id_type == "uuid"

    def fits(self, id_type: str) -> bool:
        """Whether it can lead to ids of this type."""
        return self.is_text or self.id_type == id_type or {self.id_type, id_type} <= {*INTEGERS}

    @property
    def is_history(self) -> bool:
        """Whether its rows may outlive what they refer to."""
        return self.table in HISTORY_TABLES


@dataclass(frozen=True)
class ForeignColumn:
    """A column that holds ids of a table, with or without a constraint that guards them."""

    schema: str
    table: str
    column: str
    guarded: bool

    @property
    def relation(self) -> Identifier:
        return Identifier(self.schema, self.table)


GENERIC_KEYS_SQL = """
    SELECT n.nspname, c.relname, type.attname, id.attname, format_type(id.atttypid, NULL)
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS type ON type.attrelid = c.oid AND type.attname ~ 'content_type_id$' AND NOT type.attisdropped
    JOIN pg_attribute AS id ON id.attrelid = c.oid AND NOT id.attisdropped
      AND id.attname = regexp_replace(type.attname, 'content_type_id$', 'object_id')
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', %s) AND n.nspname !~ '^pg_(toast|temp)'
    ORDER BY 1, 2, 3
"""

# A column without a constraint is known by its name: patient_id, referring_patient_id, patient_uuid.
FOREIGN_COLUMNS_SQL = """
    SELECT DISTINCT n.nspname, c.relname, a.attname, k.oid IS NOT NULL AND k.convalidated
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_constraint AS k ON k.contype = 'f' AND k.conrelid = c.oid AND k.conkey = ARRAY[a.attnum]
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.atttypid = 'uuid'::regtype
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', %(ledger)s) AND n.nspname !~ '^pg_(toast|temp)'
      AND (k.confrelid = %(table)s::regclass OR (k.oid IS NULL AND a.attname ~ %(name)s))
    ORDER BY 1, 2, 3
"""


def generic_keys(cursor: Cursor) -> list[GenericKey]:
    """Every generic foreign key of the database, by the form that Django gives them; a new Nexus table is found by itself."""
    cursor.execute(GENERIC_KEYS_SQL, (LEDGER_SCHEMA,))
    return [GenericKey(*row) for row in cursor.fetchall()]


def foreign_columns(cursor: Cursor, target: Target) -> list[ForeignColumn]:
    """Every uuid column that refers to the table: by constraint, or only by its name (`patient_id` without one).

    A constraint that was never validated names the table, but guards no row that was there before it.
    """
    model = target.entity.model.label.split(".")[1]
    cursor.execute(
        FOREIGN_COLUMNS_SQL,
        {
            "ledger": LEDGER_SCHEMA,
            "table": target.table.as_string(cursor),
            "name": f"(^|_){model}(_id|_uuid)?$",
        },
    )
    return [ForeignColumn(*row) for row in cursor.fetchall()]


def models(cursor: Cursor) -> list[Model]:
    """Every Django model whose table can be found: ours by their names, the others by Django's or by the model's plural."""
    known = {tuple(entity.model.label.split(".")): entity.model.tables for entity in ENTITIES.values()}
    cursor.execute("""
        SELECT c.relname, n.nspname, format_type(id.atttypid, NULL)
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        LEFT JOIN pg_attribute AS id ON id.attrelid = c.oid AND id.attname = 'id'
        WHERE c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid)
    """)
    tables = {name: (schema, id_type) for name, schema, id_type in cursor.fetchall()}
    # The model `fundingsource` lives in the table `funding_sources`: nothing says where its words part.
    joined = {name.replace("_", ""): name for name in tables}
    found = []
    cursor.execute("SELECT id, app_label, model FROM django_content_type ORDER BY id")
    content_types = cursor.fetchall()
    # A stale content type may be called as a table of ours is (images.batch, images_batch): it is not that table's model.
    ours = {name for names in known.values() for name in names}
    exact = {
        id_: next((name for name in known.get((app, model), {f"{app}_{model}"} - ours) if name in tables), None)
        for id_, app, model in content_types
    }
    # Of two models of one name neither can be said to own the table that is called as both.
    shared = Counter(model for id_, _, model in content_types if exact[id_] is None)
    for id_, _, model in content_types:
        name = exact[id_]
        if name is None and shared[model] == 1:
            plurals = (f"{model}s", f"{model.removesuffix('y')}ies", model)
            name = next(
                (joined[plural] for plural in plurals if plural in joined and joined[plural] not in exact.values()),
                None,
            )
        if name is not None and tables[name][1] is not None:
            found.append((id_, Identifier(tables[name][0], name), tables[name][1]))
    return found


def reachable(key: GenericKey, found: Sequence[Model]) -> list[Model]:
    """The models that the key can lead to: a uuid column not to a table whose ids are integers, a text column anywhere."""
    return [model for model in found if key.fits(model[2])]


def is_referenced_sql(cursor: Cursor, target: Target, alias: str) -> Composable:
    """Whether anything in the database refers to the row `alias` of the table; entries of logs do not count."""
    id_ = SQL("{}.id").format(Identifier(alias))
    tests: list[Composable] = [
        SQL("EXISTS (SELECT FROM {} AS x WHERE x.{} = {})").format(found.relation, Identifier(found.column), id_)
        for found in foreign_columns(cursor, target)
    ]
    tests += [
        SQL("EXISTS (SELECT FROM {} AS x WHERE x.{} = {} AND x.{} = {}::{})").format(
            key.relation,
            Identifier(key.type_column),
            Literal(target.content_type_id),
            Identifier(key.id_column),
            id_,
            SQL(key.compared_as),
        )
        for key in generic_keys(cursor)
        if key.can_lead_to_us and not key.is_history
    ]
    return SQL("({})").format(SQL(" OR ").join(tests)) if tests else SQL("FALSE")


def move_superseded(cursor: Cursor, target: Target) -> dict[str, int]:
    """Moves every reference to a superseded id of the table, in any table, native rows included, to the current id.

    Returns the number of rows moved by `table.column`. A foreign key that a constraint guards can't lead nowhere and is left.
    """
    name = target.entity.name
    if not queries.yes(cursor, "SELECT EXISTS (SELECT FROM nexus_assets.superseded WHERE entity = %s)", (name,)):
        return {}
    moved: dict[str, int] = {}
    for where, statement in _moves(cursor, target):
        cursor.execute(statement)
        if cursor.rowcount:
            moved[where] = cursor.rowcount
    return moved


def _moves(cursor: Cursor, target: Target) -> Iterator[tuple[str, Composable]]:
    for key in filter(lambda key: key.can_lead_to_us, generic_keys(cursor)):
        # Kept apart by content type where that one still exists; a row whose content type is gone is moved by its id alone.
        yield (
            key.name,
            SQL("""
                UPDATE {relation} AS x SET {id} = s.current_id::{type}, {ct} = {content_type}
                FROM nexus_assets.superseded AS s JOIN {target} AS t ON t.id = s.current_id
                WHERE s.entity = {entity} AND x.{id} = s.nexus_id::{type}
                  AND (x.{ct} = {content_type} OR NOT EXISTS (SELECT FROM django_content_type AS c WHERE c.id = x.{ct}))
                  AND NOT EXISTS (SELECT FROM {target} AS old WHERE old.id = s.nexus_id)
            """).format(
                relation=key.relation,
                id=Identifier(key.id_column),
                type=SQL(key.compared_as),
                ct=Identifier(key.type_column),
                content_type=Literal(target.content_type_id),
                target=target.table,
                entity=Literal(target.entity.name),
            ),
        )
    for found in foreign_columns(cursor, target):
        if not found.guarded:
            yield (
                f"{found.table}.{found.column}",
                SQL("""
                    UPDATE {relation} AS x SET {column} = s.current_id
                    FROM nexus_assets.superseded AS s JOIN {target} AS t ON t.id = s.current_id
                    WHERE s.entity = {entity} AND x.{column} = s.nexus_id
                      AND NOT EXISTS (SELECT FROM {target} AS old WHERE old.id = s.nexus_id)
                """).format(
                    relation=found.relation,
                    column=Identifier(found.column),
                    target=target.table,
                    entity=Literal(target.entity.name),
                ),
            )


def orphans_sql(
    key: GenericKey, models: Sequence[tuple[int, Composable]], not_allowed: Sequence[int] = ()
) -> Composable:
    """Rows (id, content_type_id, object_id, reason) of the key that lead nowhere, over all rows.

    `models` are (content type id, table) of the models whose rows can be looked up, `not_allowed` the content types that no
    row of this key can have (a uuid leads to no integer). Reasons: `half_null` (one half is NULL), `content_type_missing`,
    `content_type_not_allowed`, `target_missing`. A content type without a known table is taken at its word.

    No part reads the table itself where there is nothing to find, but the index that Django makes over the pair: which types
    there are by skipping from one to the next, which ids lead nowhere by one anti-join a model.
    """
    type_, id_ = Identifier(key.type_column), Identifier(key.id_column)
    names = {"relation": key.relation, "type": type_, "id": id_}
    parts: list[tuple[str, Composable]] = [
        ("half_null", SQL("FROM {relation} AS x WHERE x.{type} IS NULL AND x.{id} IS NOT NULL").format(**names)),
        ("half_null", SQL("FROM {relation} AS x WHERE x.{id} IS NULL AND x.{type} IS NOT NULL").format(**names)),
        (
            "content_type_missing",
            SQL("""
                FROM (
                  WITH RECURSIVE used AS (
                    SELECT min({type}) AS id FROM {relation}
                    UNION ALL
                    SELECT (SELECT min(y.{type}) FROM {relation} AS y WHERE y.{type} > used.id) FROM used WHERE used.id IS NOT NULL
                  )
                  SELECT id FROM used WHERE id NOT IN (SELECT id FROM django_content_type)
                ) AS unknown JOIN {relation} AS x ON x.{type} = unknown.id WHERE x.{id} IS NOT NULL
            """).format(**names),
        ),
    ]
    if not_allowed:
        parts.append(
            (
                "content_type_not_allowed",
                SQL("FROM {relation} AS x WHERE x.{id} IS NOT NULL AND x.{type} = ANY({not_allowed})").format(
                    **names, not_allowed=Literal(list(not_allowed))
                ),
            )
        )
    parts += [
        (
            "target_missing",
            SQL("""
                FROM (
                  SELECT DISTINCT y.{id} AS id FROM {relation} AS y LEFT JOIN {table} AS t ON t.id{cast} = y.{id}
                  WHERE y.{type} = {content_type} AND y.{id} IS NOT NULL AND t.id IS NULL
                ) AS dead JOIN {relation} AS x ON x.{id} = dead.id AND x.{type} = {content_type}
            """).format(
                **names,
                table=table,
                cast=SQL("::text" if key.is_text else ""),
                content_type=Literal(content_type),
            ),
        )
        for content_type, table in models
        if content_type not in not_allowed
    ]
    return SQL(" UNION ALL ").join(
        SQL(
            "SELECT x.id::text AS id, x.{}::text AS content_type_id, x.{}::text AS object_id, {}::text AS reason {}"
        ).format(type_, id_, Literal(reason), found)
        for reason, found in parts
    )

"""Every way in which a row of the database points at another: generic keys, and columns that hold ids of a table.

Found once a transaction from the catalogue: what a table is, is decided by its schema, its primary key and the
django_content_type to which its foreign key leads. History and copies are known by their form: they point at rows of
their time, so that no load writes them and nothing that they point at is missed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal as OneOf

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.entities import ENTITIES
from nexus_assets.mapping.entity import GenericReference, Reference
from nexus_assets.nexus.catalog import ContractError, Target
from nexus_assets.nexus.models import Model as Model
from nexus_assets.nexus.models import content_type_table, model_relations
from nexus_assets.nexus.models import models as models
from nexus_assets.nexus.relations import (
    Relation,
    RelationColumn,
    find,
    is_copy,
    is_history,
    once_a_transaction,
    relations,
)

Kind = OneOf["living", "history", "copy"]
"""What a table is. `living`: its rows are what they are now; `history`: they tell of rows as they were; `copy`: put aside."""

INTEGERS = ("smallint", "integer", "bigint")

ID_COLUMNS = (("content_type_id", "object_pk"), ("content_type_id", "object_id"))
"""How the two columns of a generic key end, by Django's convention, the likelier first: where auditlog has both, `object_pk`
holds every id and `object_id` only those that are numbers."""

ID_COLUMNS_BY_CONSTRAINT = (
    *ID_COLUMNS,
    ("content_type_id", "id"),
    ("type_id", "id"),
    ("ct_id", "id"),
    ("ct_id", "object_id"),
)
"""The same where a foreign key to django_content_type proves what the first column is."""


UNTYPED = "content_type_missing"
"""The reason of an orphan whose content type is gone."""

NOT_ALLOWED = "content_type_not_allowed"
"""The reason of a generic reference that leads to a row of a model to which it may not lead."""


class _Pointing:
    """What points at rows of other tables: the table that it is in, and what that is."""

    home: Relation
    kind: Kind

    @property
    def schema(self) -> str:
        return self.home.schema

    @property
    def table(self) -> str:
        return self.home.name

    @property
    def relation(self) -> Identifier:
        return self.home.table

    @property
    def is_living(self) -> bool:
        return self.kind == "living"


@dataclass(frozen=True)
class GenericKey(_Pointing):
    """A generic foreign key: a table of Nexus's database with a content type column and an object id column."""

    home: Relation
    type_column: str
    id_column: str
    content_types: Identifier
    kind: Kind = "living"

    @property
    def name(self) -> str:
        """`table.id_column`, as checks and messages name it."""
        return f"{self.home.label}.{self.id_column}"

    @property
    def id_type(self) -> str:
        """The type of its ids; that of the base, where it is a domain."""
        return self.home.columns[self.id_column].base_type

    @property
    def is_text(self) -> bool:
        """Whether it holds ids as text."""
        return self.home.columns[self.id_column].is_text

    @property
    def can_lead_to_us(self) -> bool:
        """Whether it can hold an id of the import's tables, which are uuids."""
        return self.is_text or self.id_type == "uuid"

    @property
    def holds(self) -> bool:
        """Whether a row that it names must stay."""
        return self.is_living

    @property
    def is_writable(self) -> bool:
        """Whether a load may move it: a generated column follows the one that it is made from."""
        return self.is_living and not self.home.columns[self.id_column].is_generated

    def fits(self, id_type: str) -> bool:
        """Whether it can lead to ids of this type."""
        return self.is_text or self.id_type == id_type or {self.id_type, id_type} <= {*INTEGERS}

    def compared_as(self, id_type: str = "uuid") -> str:
        """The type in which `id_sql` is compared with ids of this type."""
        if not self.is_text:
            return self.id_type
        return "uuid" if id_type == "uuid" else "text"

    def id_sql(self, alias: str, id_type: str = "uuid") -> Composable:
        """The id in the row `alias`, to be compared with ids of this type: where those are uuids, a text is read as one."""
        if self.is_text and id_type == "uuid":
            return self.home.uuid_sql(alias, self.id_column)
        return Identifier(alias, self.id_column)

    def leads_sql(self, target: Target, ids: Composable) -> Composable:
        """Whether the row `x` leads to rows of the table; `ids` is what is asked of their ids, such as `= t.id`."""
        type_ = Identifier(self.type_column)
        return SQL("x.{} = {} AND {} {}").format(type_, Literal(target.content_type_id), self.id_sql("x"), ids)

    def shown_id_sql(self) -> Composable:
        """The id in the row `x` as text for messages; NULL where a text is neither a number nor a uuid."""
        id_ = SQL("{}::text").format(Identifier("x", self.id_column))
        if not self.is_text:
            return id_
        return SQL("coalesce(({})::text, CASE WHEN {} ~ '^[0-9]{{1,20}}$' THEN {} END)").format(
            self.id_sql("x"), id_, id_
        )


@dataclass(frozen=True)
class ForeignColumn(_Pointing):
    """A column that holds ids of a table, with or without a constraint that guards them.

    `type_column`: the column beside it that names the model of the row, by which it holds ids of many tables; those of this
    table where it says `model`. Such a row is a record of what was done, and may outlive what it names.
    """

    home: Relation
    column: str
    guarded: bool
    kind: Kind = "living"
    type_column: str | None = None
    model: str = ""

    @property
    def name(self) -> str:
        """`table.column`, as checks and messages name it."""
        return f"{self.home.label}.{self.column}"

    @property
    def holds(self) -> bool:
        """Whether a row that it names must stay: a constraint demands it, or it is no mere record of what was."""
        return self.guarded or (self.is_living and self.type_column is None)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read to follow it."""
        return (self.column,) if self.type_column is None else (self.column, self.type_column)

    def leads_sql(self, _: Target, ids: Composable) -> Composable:
        """Whether the row `x` leads to rows of the table; `ids` is what is asked of their ids, such as `= t.id`."""
        leads = SQL("x.{} {}").format(Identifier(self.column), ids)
        return leads if self.type_column is None else SQL("{} AND {}").format(leads, self.is_ours_sql())

    def is_ours_sql(self) -> Composable:
        """Whether the id in the row `x` is one of this table."""
        if self.type_column is None:
            return SQL("TRUE")
        return SQL("lower({}) = {}").format(Identifier("x", self.type_column), Literal(self.model))

    @property
    def is_writable(self) -> bool:
        """Whether a load may move it. What a constraint guards can't dangle, and is left."""
        return self.is_living and not self.guarded and not self.home.columns[self.column].is_generated


@once_a_transaction
def generic_keys(cursor: Cursor) -> list[GenericKey]:
    """Every generic foreign key whose content types are Nexus's, by schema, table and column; a later table is found automatically."""
    content_types = content_type_table(cursor)
    if content_types is None:
        return []
    found = [key for relation in relations(cursor).values() for key in _keys_of(cursor, relation, content_types)]
    originals = [key.home for key in found if key.home.is_visible and _is_models(cursor, key.home)]
    return [
        replace(key, kind=_kind(cursor, key.home, originals))
        for key in sorted(found, key=lambda key: (key.schema, key.table, key.id_column))
    ]


def declared_key(cursor: Cursor, target: Target, link: GenericReference) -> GenericKey:
    """The generic key of an entity's table that the entity declares. Raises ContractError where the database has none."""
    for key in generic_keys(cursor):
        if (key.schema, key.table, key.id_column) == (target.schema, target.name, link.id_column):
            return key
    raise ContractError(
        f"The generic reference {target.name}.{link.id_column} of {target.entity.name} was not found in the database.",
        remedy="Check NEXUS_DATABASE_URL, or run Nexus's `manage.py migrate`.",
    )


def _keys_of(cursor: Cursor, relation: Relation, content_types: Relation) -> Iterator[GenericKey]:
    for column in relation.columns.values():
        if column.base_type not in INTEGERS or column.is_inherited:
            continue
        if not _leads_to(cursor, relation, column, content_types):
            continue
        endings = ID_COLUMNS if relation.foreign_key(column.name) is None else ID_COLUMNS_BY_CONSTRAINT
        candidates = (
            column.name.removesuffix(type_) + id_ for type_, id_ in endings if re.search(f"(^|_){type_}$", column.name)
        )
        id_column = next((name for name in candidates if _may_hold_ids(relation, name)), None)
        if id_column is not None:
            yield GenericKey(relation, column.name, id_column, content_types.table)


def _may_hold_ids(relation: Relation, name: str) -> bool:
    """Whether the column may be the second half of a generic key: no key of its own, as that of a permission beside its type."""
    return name in relation.columns and relation.primary_key != (name,) and relation.foreign_key(name) is None


def _leads_to(cursor: Cursor, relation: Relation, column: RelationColumn, content_types: Relation) -> bool:
    """Whether the column leads to these content types: by its foreign key; without one, unless others are nearer."""
    link = relation.foreign_key(column.name)
    if link is not None:
        return link.to == content_types.oid
    return column.name.endswith("content_type_id") and not _has_own(cursor, relation, content_types)


def _has_own(cursor: Cursor, relation: Relation, other: Relation) -> bool:
    """Whether the relation's schema holds a table of the other's name: another Django, or another Nexus, lives there."""
    return any(
        each.schema == relation.schema and each.name == other.name and each.oid != other.oid
        for each in relations(cursor).values()
    )


def _is_models(cursor: Cursor, relation: Relation) -> bool:
    return any(relation.oid == other.oid for other in model_relations(cursor).values())


def _is_entitys(cursor: Cursor, relation: Relation) -> bool:
    named = (find(cursor, entity.model.tables) for entity in ENTITIES.values())
    return any(other is not None and other.oid == relation.oid for other in named)


def _kind(cursor: Cursor, relation: Relation, originals: Sequence[Relation]) -> Kind:
    """What the table is. Nexus's own tables live, however they were restored."""
    if _is_entitys(cursor, relation):
        return "living"
    if is_history(relation):
        return "history"
    if not _is_models(cursor, relation) and is_copy(relation, originals):
        return "copy"
    return "living"


@once_a_transaction
def _columns_to(cursor: Cursor, entity_name: str) -> list[ForeignColumn]:
    entity = ENTITIES[entity_name]
    target = find(cursor, entity.model.tables)
    assert target is not None
    words = {
        entity.model.label.split(".")[1],
        *(name.rpartition("_")[2] for name in entity.model.tables if "_" in name),
    }
    by_name = re.compile(rf"(^|_)({'|'.join(sorted(map(re.escape, words)))})(_id|_uuid)?$")
    declared = {
        (found.oid, link.column)
        for other in ENTITIES.values()
        for link in other.references
        if isinstance(link, Reference) and link.column and link.to == entity_name
        if (found := find(cursor, other.model.tables)) is not None
    }
    found_columns: list[tuple[Relation, str, bool, str | None]] = []
    for relation in relations(cursor).values():
        for column in relation.columns.values():
            if column.base_type != "uuid" or column.is_inherited:
                continue
            link = relation.foreign_key(column.name)
            if link is not None:
                if link.to == target.oid:
                    found_columns.append((relation, column.name, link.guards_all_rows, None))
            elif (relation.oid, column.name) in declared or (
                by_name.search(column.name) and not _has_own(cursor, relation, target)
            ):
                found_columns.append((relation, column.name, False, None))
            elif (type_column := _model_column(relation, column.name)) and not _has_own(cursor, relation, target):
                found_columns.append((relation, column.name, False, type_column))
    originals = [relation for relation, *_ in found_columns if relation.is_visible and _is_models(cursor, relation)]
    model = entity.model.label.split(".")[1]
    return [
        ForeignColumn(relation, column, guarded, _kind(cursor, relation, originals), type_column, model)
        for relation, column, guarded, type_column in sorted(
            found_columns, key=lambda each: (each[0].schema, each[0].name, each[1])
        )
    ]


def _model_column(relation: Relation, column: str) -> str | None:
    """The text beside an id that tells of which model it is: `local_entity_type` beside `local_entity_id`."""
    name = column.removesuffix("_id") + "_type"
    return name if column.endswith("_id") and name in relation.columns and relation.columns[name].is_text else None


def foreign_columns(cursor: Cursor, target: Target) -> list[ForeignColumn]:
    """Every uuid column that refers to the table: by constraint, only by its name (`patient_id` without one), or by the model
    that the column beside it names (`local_entity_type`, `local_entity_id`).

    A constraint that was never validated names the table, but guards no row that was there before it.
    """
    return _columns_to(cursor, target.entity.name)


def pointing(cursor: Cursor, target: Target) -> list[GenericKey | ForeignColumn]:
    """Everything in the database that can lead to rows of the table."""
    return [*foreign_columns(cursor, target), *(key for key in generic_keys(cursor) if key.can_lead_to_us)]


def reachable(key: GenericKey, found: Sequence[Model]) -> list[Model]:
    """The models that the key can lead to: a uuid column not to a table whose ids are integers, a text column anywhere."""
    return [model for model in found if key.fits(model.id_type)]


def impossible(key: GenericKey, found: Sequence[Model]) -> list[int]:
    """The content types that no row of the key can have: a uuid leads to no table whose ids are integers.

    A key that can hold no uuid is not asked: what it means by a number beside a patient's content type is its own affair.
    """
    if not key.can_lead_to_us:
        return []
    return [model.content_type for model in found if not key.fits(model.id_type)]


def is_referenced_sql(cursor: Cursor, target: Target, alias: str) -> Composable:
    """Whether anything in the database refers to the row `alias` of the table; history and copies do not count."""
    id_ = SQL("{}.id").format(Identifier(alias))
    tests = [
        SQL("EXISTS (SELECT FROM {} AS x WHERE {})").format(
            found.relation, found.leads_sql(target, SQL("= {}").format(id_))
        )
        for found in pointing(cursor, target)
        if found.holds
    ]
    return SQL("({})").format(SQL(" OR ").join(tests)) if tests else SQL("FALSE")


def orphans_sql(key: GenericKey, models: Sequence[Model], not_allowed: Sequence[int] = ()) -> Composable:
    """Rows (id, content_type_id, object_id, reason) of the key that are dangling, over all rows.

    `id` is the row's primary key, whatever it is called. `models` are those whose rows can be looked up, `not_allowed` the
    content types that no row of this key can have (a uuid leads to no integer). Reasons: `half_null` (one half is NULL),
    `content_type_missing`, `content_type_not_allowed`, `target_missing`. A content type without a known table is taken at
    its word.

    No part reads the table itself where there is nothing to find, but the index that Django makes over the pair: which types
    there are by skipping from one to the next, which ids are dangling by one anti-join a model.
    """
    type_, id_ = Identifier(key.type_column), Identifier(key.id_column)
    names = {"relation": key.relation, "type": type_, "id": id_, "content_types": key.content_types}
    parts: list[tuple[str, Composable]] = [
        ("half_null", SQL("FROM {relation} AS x WHERE x.{type} IS NULL AND x.{id} IS NOT NULL").format(**names)),
        ("half_null", SQL("FROM {relation} AS x WHERE x.{id} IS NULL AND x.{type} IS NOT NULL").format(**names)),
        (
            UNTYPED,
            SQL("""
                FROM (
                  WITH RECURSIVE used AS (
                    SELECT min({type}) AS id FROM {relation}
                    UNION ALL
                    SELECT (SELECT min(y.{type}) FROM {relation} AS y WHERE y.{type} > used.id) FROM used WHERE used.id IS NOT NULL
                  )
                  SELECT id FROM used WHERE id NOT IN (SELECT id FROM {content_types})
                ) AS unknown JOIN {relation} AS x ON x.{type} = unknown.id WHERE x.{id} IS NOT NULL
            """).format(**names),
        ),
    ]
    if not_allowed:
        parts.append(
            (
                NOT_ALLOWED,
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
                  SELECT DISTINCT y.{id} AS id FROM {relation} AS y LEFT JOIN {table} AS t ON t.{key}{cast} = {own}
                  WHERE y.{type} = {content_type} AND y.{id} IS NOT NULL AND t.{key} IS NULL
                ) AS dead JOIN {relation} AS x ON x.{id} = dead.id AND x.{type} = {content_type}
            """).format(
                **names,
                table=model.table,
                key=Identifier(model.id_column),
                own=key.id_sql("y", model.id_type),
                cast=SQL("::text" if key.compared_as(model.id_type) == "text" else ""),
                content_type=Literal(model.content_type),
            ),
        )
        for model in models
        if model.content_type not in not_allowed
    ]
    return SQL(" UNION ALL ").join(
        SQL("SELECT {} AS id, x.{}::text AS content_type_id, {} AS object_id, {}::text AS reason {}").format(
            key.home.row_name_sql(), type_, key.shown_id_sql(), Literal(reason), found
        )
        for reason, found in parts
    )

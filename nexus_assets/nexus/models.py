"""The Django models of the database: which table stands behind each row of django_content_type.

Django keeps no table's name, so it is found: ours by the names that entities declare, the others by Django's rule
(`app_model`) or by the model's plural. Where neither fits the model has no known table, and is taken at its word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier

from nexus_assets.entities import ENTITIES
from nexus_assets.nexus.relations import Relation, find, once_a_transaction, relations, visible


class Model(NamedTuple):
    """A Django model whose table was found: its content type, its table, and its primary key with that one's type."""

    content_type: int
    table: Identifier
    id_type: str = "uuid"
    id_column: str = "id"


@once_a_transaction
def content_type_table(cursor: Cursor) -> Relation | None:
    """Nexus's django_content_type, the one beside its patients: another schema may hold another Django's."""
    patients = find(cursor, ENTITIES["patients"].model.tables)
    named = [relation for relation in relations(cursor).values() if relation.name == "django_content_type"]
    beside = [relation for relation in named if patients is not None and relation.schema == patients.schema]
    return next(iter(beside or [relation for relation in named if relation.is_visible]), None)


@once_a_transaction
def labels(cursor: Cursor) -> Mapping[int, tuple[str, str]]:
    """Every content type of Nexus: (app_label, model) by its id."""
    found = content_type_table(cursor)
    if found is None:
        return {}
    cursor.execute(SQL("SELECT id, app_label, model FROM {} ORDER BY id").format(found.table))
    return {id_: (app_label, model) for id_, app_label, model in cursor.fetchall()}


@once_a_transaction
def model_relations(cursor: Cursor) -> Mapping[int, Relation]:
    """The table of each content type whose table can be found."""
    known = {tuple(entity.model.label.split(".")): entity.model.tables for entity in ENTITIES.values()}
    tables_there = visible(cursor)
    # The model `fundingsource` lives in the table `funding_sources`: nothing says where its words part.
    joined = {name.replace("_", ""): name for name in tables_there}
    named = labels(cursor)
    # A stale content type may be called as a table of ours is (images.batch, images_batch): it is not that table's model.
    ours = {name for names in known.values() for name in names}
    exact = {
        id_: next((name for name in known.get((app, model), {f"{app}_{model}"} - ours) if name in tables_there), None)
        for id_, (app, model) in named.items()
    }
    # Of two models of one name neither can be said to own the table that is called as both.
    shared = Counter(model for id_, (_, model) in named.items() if exact[id_] is None)
    tables = dict(exact)
    for id_, (_, model) in named.items():
        if exact[id_] is None and shared[model] == 1:
            plurals = (f"{model}s", f"{model.removesuffix('y')}ies", model)
            tables[id_] = next(
                (joined[plural] for plural in plurals if plural in joined and joined[plural] not in exact.values()),
                None,
            )
    return {id_: tables_there[name] for id_, name in tables.items() if name is not None}


def models(cursor: Cursor) -> list[Model]:
    """Every Django model whose table can be found and has a primary key of one column, to which a generic key can lead."""
    return [*_models(cursor)]


def _models(cursor: Cursor) -> Iterator[Model]:
    for id_, relation in model_relations(cursor).items():
        # A table that was restored without its constraints has its ids all the same.
        key = relation.primary_key or tuple(name for name in ("id",) if name in relation.columns)
        if len(key) == 1:
            yield Model(id_, relation.table, relation.columns[key[0]].base_type, key[0])

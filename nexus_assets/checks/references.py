"""Does every reference lead to a row that exists? Every generic foreign key of the database, every row of it."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier, Literal

from nexus_assets.checks.check import Finding, Looking, violators
from nexus_assets.entities import ENTITIES
from nexus_assets.load import contract
from nexus_assets.load.references import GenericKey, generic_keys, orphans_sql
from nexus_assets.mapping.entity import Entity

HISTORY_TABLES = ("django_admin_log",)
"""Logs whose entries outlive what they tell of: a reference from there to a deleted row is no fault."""


Model = tuple[int, Identifier, str]
"""Content type id, table and type of its id, of a model whose table was found."""


def models(cursor: Cursor) -> list[Model]:
    """Every model whose table can be found: ours by their names, the others by Django's or by the model's plural."""
    known = {tuple(entity.model.label.split(".")): entity.model.tables for entity in ENTITIES.values()}
    cursor.execute("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND pg_table_is_visible(oid)")
    # The model `fundingsource` lives in the table `funding_sources`: nothing says where its words part.
    joined = {name.replace("_", ""): name for (name,) in cursor.fetchall()}
    found = []
    cursor.execute("SELECT id, app_label, model FROM django_content_type ORDER BY id")
    for id_, app_label, model in cursor.fetchall():
        plurals = (
            joined[plural] for plural in (f"{model}s", f"{model.removesuffix('y')}ies", model) if plural in joined
        )
        names = (*known.get((app_label, model), ()), f"{app_label}_{model}", *plurals)
        table = contract.find_table(cursor, names)
        id_type = _id_type(cursor, table[0]) if table is not None else None
        if table is not None and id_type is not None:
            found.append((id_, Identifier(table[1], table[2]), id_type))
    return found


def _id_type(cursor: Cursor, oid: int) -> str | None:
    cursor.execute(
        "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = %s AND attname = 'id'", (oid,)
    )
    found = cursor.fetchone()
    return None if found is None else str(found[0])


def reachable(key: GenericKey, found: Sequence[Model]) -> list[Model]:
    """The models that the key can lead to: a uuid column not to a table whose ids are integers, a text column anywhere."""
    return [model for model in found if key.id_type in (model[2], "text", "character varying")]


def _orphans(looking: Looking, keys: Sequence[GenericKey], next_step: str) -> Finding:
    found = models(looking.cursor)
    parts = []
    for key in keys:
        tables = [(id_, table) for id_, table, _ in reachable(key, found)]
        parts.append(SQL("SELECT {} AS key, o.* FROM ({}) AS o").format(Literal(key.name), orphans_sql(key, tables)))
    if not parts:
        return Finding(0)
    return violators(looking, SQL(" UNION ALL ").join(parts), next_step)


def entity_references(entity: Entity, looking: Looking) -> Finding:
    """The declared generic references of one entity's table."""
    table = contract.find_table(looking.cursor, entity.model.tables)
    declared = {link.id_column for link in entity.generic_references}
    keys = [
        key for key in generic_keys(looking.cursor) if table and key.table == table[2] and key.id_column in declared
    ]
    if len(keys) != len(declared):
        raise contract.ContractError(
            f"The generic references of {entity.name} were not found in the database.",
            remedy="Check NEXUS_DATABASE_URL, or run Nexus's `manage.py migrate`.",
        )
    return _orphans(looking, keys, f"dagster asset materialize --select '*{entity.name}'")


def other_references(looking: Looking) -> Finding:
    """Every generic key that no entity declares: found by looking, so that a new Nexus table is covered by itself."""
    declared = {name for entity in ENTITIES.values() if entity.generic_references for name in entity.model.tables}
    keys = [key for key in generic_keys(looking.cursor) if key.table not in (*declared, *HISTORY_TABLES)]
    return _orphans(looking, keys, "dagster asset materialize --select patients")


def images_in_batches(looking: Looking) -> Finding:
    """Images whose batch is not there, or whose batch leads to no patient."""
    images, batches, patients = (
        contract.reflect(looking.cursor, ENTITIES[name]) for name in ("images", "image_batches", "patients")
    )
    query = SQL("""
        SELECT i.id::text AS image_id, i.batch_id::text AS batch_id,
               CASE WHEN b.id IS NULL THEN 'batch_missing' ELSE 'batch_leads_nowhere' END AS reason
        FROM {images} AS i LEFT JOIN {batches} AS b ON b.id = i.batch_id
        LEFT JOIN {patients} AS p ON p.id = b.object_id AND b.content_type_id = {content_type}
        WHERE b.id IS NULL OR (b.content_type_id = {content_type} AND p.id IS NULL)
    """).format(
        images=images.table,
        batches=batches.table,
        patients=patients.table,
        content_type=Literal(patients.content_type_id),
    )
    return violators(looking, query, "dagster asset materialize --select '*images'")

"""Does every reference lead to a row that exists? Every generic key of the database, and every column that names a row of ours.

A constraint guards most of those columns; but not in a database that was restored without, and a check believes what it sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.checks.check import CheckContext, Finding, loading, violators
from nexus_assets.entities import ENTITIES
from nexus_assets.ledger.schema import is_installed
from nexus_assets.ledger.tables import identity_table
from nexus_assets.load.identity import made_by_importer_sql
from nexus_assets.mapping.entity import Entity, Reference
from nexus_assets.nexus import catalog
from nexus_assets.nexus.models import Model, labels
from nexus_assets.nexus.references import (
    GenericKey,
    declared_key,
    foreign_columns,
    generic_keys,
    impossible,
    models,
    orphans_sql,
    reachable,
)


def _declared_keys(context: CheckContext, entity: Entity) -> list[GenericKey]:
    return [declared_key(context.cursor, context.table(entity.name), link) for link in entity.generic_references]


def _other_keys(context: CheckContext) -> list[GenericKey]:
    """The living generic keys that no entity declares."""
    declared = [key for entity in ENTITIES.values() for key in _declared_keys(context, entity)]
    return [key for key in generic_keys(context.cursor) if key.is_living and key not in declared]


def _named(key: GenericKey, query: Composable) -> Composable:
    return SQL("SELECT {} AS key, o.* FROM ({}) AS o").format(Literal(key.name), query)


def entity_references(entity: Entity, context: CheckContext) -> Finding:
    """The declared generic references of one entity's table: what the import made leads to a patient, what people made to
    whatever they chose, if that is there."""
    found = models(context.cursor)
    parts = [_named(key, _declared_orphans_sql(context, entity, key, found)) for key in _declared_keys(context, entity)]
    return violators(context, SQL(" UNION ALL ").join(parts), loading(entity.name), cause=likely_cause)


def _declared_orphans_sql(context: CheckContext, entity: Entity, key: GenericKey, found: Sequence[Model]) -> Composable:
    target = context.table(entity.name)
    (link,) = (link for link in entity.generic_references if link.id_column == key.id_column)
    parent = context.table(link.to)
    others = [id_ for id_ in labels(context.cursor) if id_ != parent.content_type_id]
    orphans = orphans_sql(key, [Model(parent.content_type_id, parent.table)], others)
    elsewhere = [
        SQL("(o.content_type_id = {}::text AND EXISTS (SELECT FROM {} AS e WHERE e.{} = o.object_id::uuid))").format(
            Literal(model.content_type), model.table, Identifier(model.id_column)
        )
        for model in reachable(key, found)
        if model.content_type != parent.content_type_id
    ]
    imported = [made_by_importer_sql(target, "t")] if entity.made_by_importer else []
    if is_installed(context.cursor):
        ledger = identity_table(entity.name)
        imported.append(SQL("EXISTS (SELECT FROM {} AS l WHERE l.nexus_id = t.id)").format(ledger))
    return SQL("""
        SELECT o.* FROM ({orphans}) AS o
        WHERE o.reason <> 'content_type_not_allowed' OR NOT ({elsewhere})
           OR EXISTS (SELECT FROM {target} AS t WHERE t.id::text = o.id AND ({imported}))
    """).format(
        orphans=orphans,
        elsewhere=SQL(" OR ").join(elsewhere or [SQL("FALSE")]),
        target=target.table,
        imported=SQL(" OR ").join(imported or [SQL("FALSE")]),
    )


def _column_orphans_sql(
    name: str, relation: Composable, row_name: Composable, column: str, parent: Composable
) -> Composable:
    """Rows (key, id, content_type_id, object_id, reason) whose column names no row of the parent; `row_name` names the row `x`."""
    return SQL("""
        SELECT {name} AS key, {row_name} AS id, NULL::text AS content_type_id, x.{column}::text AS object_id,
               'target_missing'::text AS reason
        FROM ({dead}) AS dead JOIN {relation} AS x ON x.{column} = dead.id
    """).format(
        name=Literal(name),
        relation=relation,
        row_name=row_name,
        column=Identifier(column),
        dead=_dead_ids_sql(relation, column, parent),
    )


def _dead_ids_sql(relation: Composable, column: str, parent: Composable) -> Composable:
    """The ids in a column that are those of no row of the parent, each once: read from the column's index alone."""
    return SQL("""
        SELECT DISTINCT y.{column} AS id FROM {relation} AS y LEFT JOIN {parent} AS p ON p.id = y.{column}
        WHERE y.{column} IS NOT NULL AND p.id IS NULL
    """).format(relation=relation, column=Identifier(column), parent=parent)


def _declared_columns(context: CheckContext, entity: Entity) -> dict[str, Composable]:
    """The columns of the entity's table that name a row of another table, with that table."""
    links = (link for link in entity.references if isinstance(link, Reference) and link.column)
    columns: dict[str, Composable] = {str(link.column): context.table(link.to).table for link in links}
    small = catalog.lookup_tables(context.cursor, entity)
    return columns | {lookup.column: small[lookup.matches[0].tables[0]] for lookup in entity.lookups}


def _own_orphans_sql(context: CheckContext, entity: Entity) -> list[Composable]:
    target = context.table(entity.name)
    return [
        _column_orphans_sql(f"{target.name}.{column}", target.table, SQL("x.id::text"), column, parent)
        for column, parent in _declared_columns(context, entity).items()
    ]


def own_references(entity: Entity, context: CheckContext) -> Finding:
    """The columns of one entity's table that name a row of another one: the patient, the clinic, the clinician …"""
    orphans = SQL(" UNION ALL ").join(_own_orphans_sql(context, entity))
    query = SQL("SELECT key, id, object_id, reason FROM ({}) AS o").format(orphans)
    return violators(context, query, loading(entity.name), cause=likely_cause)


def _foreign_orphans_sql(context: CheckContext) -> list[Composable]:
    """The columns of all other tables that name a row of ours: by a constraint, and a patient's also by the column's name."""
    tables = {name: context.table(name) for name in ENTITIES}
    declared = {
        (tables[name].schema, tables[name].name, column)
        for name, entity in ENTITIES.items()
        for column in _declared_columns(context, entity)
    }
    return [
        _column_orphans_sql(found.name, found.relation, found.home.row_name_sql("x"), found.column, target.table)
        for name, target in tables.items()
        for found in foreign_columns(context.cursor, target)
        if found.is_living and (found.guarded or name == "patients")
        if (found.schema, found.table, found.column) not in declared
    ]


def other_references(context: CheckContext) -> Finding:
    """Every reference that no other check looks at: found by looking, so that a new Nexus table is covered by itself."""
    found = models(context.cursor)
    parts = [*_own_orphans_sql(context, ENTITIES["patients"]), *_foreign_orphans_sql(context)]
    for key in _other_keys(context):
        parts.append(_named(key, orphans_sql(key, reachable(key, found), impossible(key, found))))
    return violators(
        context, SQL(" UNION ALL ").join(parts), loading("patients", with_parents=False), cause=likely_cause
    )


def images_in_batches(context: CheckContext) -> Finding:
    """Images whose batch is not there, or whose batch leads nowhere."""
    images, batches = context.table("images"), context.table("image_batches")
    (key,) = _declared_keys(context, batches.entity)
    query = SQL("""
        SELECT i.id::text AS image_id, i.batch_id::text AS batch_id, o.object_id, 'batch_leads_nowhere' AS reason
        FROM {images} AS i JOIN ({orphans}) AS o ON o.id::uuid = i.batch_id
        UNION ALL
        SELECT i.id::text, i.batch_id::text, NULL, 'batch_missing' FROM ({missing}) AS m JOIN {images} AS i ON i.batch_id = m.id
    """).format(
        images=images.table,
        missing=_dead_ids_sql(images.table, "batch_id", batches.table),
        orphans=_declared_orphans_sql(context, batches.entity, key, models(context.cursor)),
    )
    return violators(context, query, loading("images"), cause=likely_cause)


def entity_doubts(entity: Entity, context: CheckContext) -> Finding:
    """The declared generic references that lead to an archived patient."""
    return _doubts(context, _declared_keys(context, entity), entity.name)


def other_doubts(context: CheckContext) -> Finding:
    """Every other generic key: references to archived patients, and those that can't be followed at all."""
    return _doubts(context, _other_keys(context), "patients")


def _doubts(context: CheckContext, keys: Sequence[GenericKey], asset: str) -> Finding:
    parts = [part for key in keys for part in _doubts_sql(context, key)]
    if not parts:
        return Finding(0)
    step = f"nexus-assets check --select {asset}/no_doubtful_references --json, and look the ids up in Nexus"
    return violators(context, SQL(" UNION ALL ").join(parts), step)


def _doubts_sql(context: CheckContext, key: GenericKey) -> Iterator[Composable]:
    patients = context.table("patients")
    names = {
        "name": Literal(key.name),
        "row": key.home.row_name_sql("x"),
        "shown": key.shown_id_sql("x"),
        "id": Identifier(key.id_column),
        "type": Identifier(key.type_column),
        "relation": key.relation,
    }
    if key.can_lead_to_us:
        yield SQL("""
            SELECT {name} AS key, {row} AS id, {shown} AS object_id, 'target_archived' AS reason
            FROM {relation} AS x JOIN {patients} AS p ON p.id{cast} = x.{id}
            WHERE x.{type} = {content_type} AND p.archived
        """).format(
            **names,
            patients=patients.table,
            cast=SQL("::text" if key.is_text else ""),
            content_type=Literal(patients.content_type_id),
        )
    yield SQL("""
        SELECT {name} AS key, {row} AS id, {shown} AS object_id, 'table_not_found' AS reason
        FROM {relation} AS x JOIN {content_types} AS c ON c.id = x.{type}
        WHERE x.{id} IS NOT NULL AND c.id <> ALL ({followed}::bigint[])
    """).format(
        **names,
        content_types=key.content_types,
        followed=Literal([model.content_type for model in models(context.cursor)]),
    )


def likely_cause(context: CheckContext, violators: Composable) -> str:
    """What the ledger knows of the patients that the violators point at in vain."""
    if not is_installed(context.cursor):
        return ""
    patients = context.table("patients")
    orphans, superseded, lost, back = context.row(
        SQL("""
            SELECT count(*), count(s.nexus_id), count(l.nexus_id), count(t.source_id)
            FROM ({violators}) AS v
            LEFT JOIN nexus_assets.superseded AS s ON s.entity = 'patients' AND s.nexus_id::text = v.object_id
            LEFT JOIN {ledger} AS l ON l.nexus_id::text = v.object_id
              AND NOT EXISTS (SELECT FROM {patients} AS p WHERE p.id = l.nexus_id)
            LEFT JOIN (SELECT DISTINCT nexus_assets.read_uuid(filemaker_metadata->>'filemaker_id') AS source_id
                       FROM {patients}) AS t ON t.source_id = l.source_id
        """).format(ledger=identity_table("patients"), patients=patients.table, violators=violators)
    )
    runs = context.rows(
        SQL("""
            SELECT DISTINCT o.run_id FROM ({}) AS v JOIN nexus_assets.superseded AS s
              ON s.entity = 'patients' AND s.nexus_id::text = v.object_id
            JOIN nexus_assets.load AS o ON o.id = s.load_id ORDER BY 1 LIMIT 3
        """).format(violators)
    )
    if superseded:
        during = f" in run {', '.join(run for (run,) in runs)}" if runs else ""
        return f"{_of(superseded, orphans)} point at ids of patients that were superseded{during}."
    if back:
        return (
            f"{_of(back, orphans)} point at patients that were deleted and are there again under other ids: another tool"
            " imported them anew."
        )
    if lost:
        return f"{_of(lost, orphans)} point at patients that the last load left there and somebody has deleted since."
    return ""


def _of(some: int, all_: int) -> str:
    return f"All {all_:,}" if some == all_ else f"{some:,} of {all_:,}"

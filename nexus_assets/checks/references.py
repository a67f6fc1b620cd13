"""Does every reference lead to a row that exists? Every generic key of the database, and every column that names a row of ours.

A constraint guards most of those columns; but not in a database that was restored without, and a check believes what it sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.checks.check import CheckContext, Finding, loading, violators
from nexus_assets.checks.patient_links import by_hash_sql
from nexus_assets.entities import ENTITIES
from nexus_assets.ledger import shared
from nexus_assets.ledger.schema import base_column
from nexus_assets.ledger.tables import identity_table
from nexus_assets.load.identity import is_known_sql, made_by_importer_sql
from nexus_assets.load.superseded import has_to_move
from nexus_assets.mapping.entity import Entity, GenericReference, Reference
from nexus_assets.nexus import catalog
from nexus_assets.nexus.models import Model, labels
from nexus_assets.nexus.references import (
    NOT_ALLOWED,
    UNTYPED,
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


def entity_references(entity: Entity, context: CheckContext, *, managed: bool = True) -> Finding:
    """The declared generic references of one entity's table: what the import made leads to a patient, what people made to
    whatever they chose, if that is there.

    `managed`: those that a load answers for, else all others (uploads, rows that left FileMaker, links that nobody can
    resolve).
    """
    parts = []
    for link in entity.generic_references:
        key = declared_key(context.cursor, context.table(entity.name), link)
        orphans = _declared_orphans_sql(context, entity, key, models(context.cursor))
        chosen = _chosen_sql(context, entity, orphans, link, managed=managed)
        parts.append(_named(key, chosen))
    step = loading(entity.name) if managed else _step(entity.name)
    found = violators(context, SQL(" UNION ALL ").join(parts), step, cause=likely_cause)
    if not managed or NOT_ALLOWED not in found.breakdown:
        return found
    # A load keeps the row of another model to which a person linked it.
    return replace(
        found, next_step=f"{step}; where a person linked it, nexus-assets kept decide filemaker ID, and load again"
    )


def _chosen_sql(
    context: CheckContext, entity: Entity, orphans: Composable, link: GenericReference | None = None, *, managed: bool
) -> Composable:
    """Those of the orphans whose row a load answers for, or all others.

    A load answers for a row that is in the ledger and in the last export, not rejected, and whose link is not to somebody who
    is gone and whom FileMaker does not name either.
    """
    if not context.has_ledger:
        return SQL("SELECT * FROM ({}) AS o WHERE {}").format(orphans, Literal(not managed))
    resolvable: Composable = SQL("TRUE")
    named: Composable = SQL("")
    if link is not None:
        known = is_known_sql(link.to, SQL("o.object_id::uuid"))
        resolvable = SQL("(o.reason <> 'target_missing' OR named.hash IS NOT NULL OR NOT {})").format(known)
        named = SQL("LEFT JOIN (SELECT DISTINCT hash FROM ({}) AS k) AS named ON named.hash = l.{}").format(
            by_hash_sql(context.table(link.to)), base_column(link.id_column)
        )
    return SQL("""
        SELECT o.* FROM ({orphans}) AS o LEFT JOIN {ledger} AS l ON l.nexus_id = o.id::uuid
        LEFT JOIN (SELECT DISTINCT nexus_assets.read_uuid(source_id) AS source_id FROM nexus_assets.reject
                   WHERE entity = {entity} AND resolved_load IS NULL) AS rejected ON rejected.source_id = l.source_id
        {named}
        WHERE (l.nexus_id IS NOT NULL AND l.vanished_load IS NULL AND rejected.source_id IS NULL AND {resolvable}) = {managed}
          AND {alone}
    """).format(
        orphans=orphans,
        ledger=identity_table(entity.name),
        entity=Literal(entity.name),
        named=named,
        resolvable=resolvable,
        managed=Literal(managed),
        # Of a row of another entity of the table that one's own check tells.
        alone=SQL("TRUE")
        if managed
        else SQL("NOT {}").format(shared.named_sql(shared.adding(shared.others(entity)), SQL("o.id::uuid"))),
    )


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
    if context.has_ledger:
        ledger = identity_table(entity.name)
        imported.append(SQL("EXISTS (SELECT FROM {} AS l WHERE l.nexus_id = t.id)").format(ledger))
    return SQL("""
        SELECT o.* FROM ({orphans}) AS o
        WHERE o.reason <> {not_allowed} OR NOT ({elsewhere})
           OR EXISTS (SELECT FROM {target} AS t WHERE t.id::text = o.id AND ({imported}))
    """).format(
        orphans=orphans,
        not_allowed=Literal(NOT_ALLOWED),
        elsewhere=SQL(" OR ").join(elsewhere or [SQL("FALSE")]),
        target=target.table,
        imported=SQL(" OR ").join(imported or [SQL("FALSE")]),
    )


LOOKUP_MISSING = "lookup_missing"
"""The reason of a row that names no clinic, clinician, funding or type that is there: no patient's id, which could be learned."""


def _column_orphans_sql(
    name: str,
    relation: Composable,
    row_name: Composable,
    column: str,
    parent: Composable,
    reason: str = "target_missing",
) -> Composable:
    """Rows (key, id, content_type_id, object_id, reason) whose column names no row of the parent; `row_name` names the row `x`."""
    return SQL("""
        SELECT {name} AS key, {row_name} AS id, NULL::text AS content_type_id, x.{column}::text AS object_id,
               {reason}::text AS reason
        FROM ({dead}) AS dead JOIN {relation} AS x ON x.{column} = dead.id
    """).format(
        name=Literal(name),
        reason=Literal(reason),
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
    target, small = context.table(entity.name), {lookup.column for lookup in entity.lookups}
    return [
        _column_orphans_sql(
            f"{target.name}.{column}",
            target.table,
            SQL("x.id::text"),
            column,
            parent,
            reason=LOOKUP_MISSING if column in small else "target_missing",
        )
        for column, parent in _declared_columns(context, entity).items()
    ]


def own_references(entity: Entity, context: CheckContext, *, managed: bool = True) -> Finding:
    """The columns of one entity's table that name a row of another one: the patient, the clinic, the clinician …"""
    orphans = SQL(" UNION ALL ").join(_own_orphans_sql(context, entity))
    chosen = _chosen_sql(context, entity, orphans, managed=managed)
    query = SQL("SELECT key, id, object_id, reason FROM ({}) AS o").format(chosen)
    found = violators(context, query, loading(entity.name) if managed else _step(entity.name), cause=likely_cause)
    if not managed or LOOKUP_MISSING not in found.breakdown:
        return found
    return replace(found, next_step=f"{found.next_step}; where that changes nothing, {_choose(entity.name)}")


def _choose(asset: str) -> str:
    return f"nexus-assets check --select {asset} --json, and choose in Nexus what these rows name, or none"


def _foreign_orphans_sql(context: CheckContext) -> list[Composable]:
    """The columns of all other tables that name a row of ours: by a constraint, and a patient's also by the column's name."""
    tables = {
        name: context.table(name) for name, entity in ENTITIES.items() if not entity.shares and context.has_table(name)
    }
    declared = {
        (tables[name].schema, tables[name].name, column)
        for name in tables
        for column in _declared_columns(context, ENTITIES[name])
    }
    return [
        _column_orphans_sql(found.name, found.relation, found.home.row_name_sql(), found.column, target.table)
        for name, target in tables.items()
        for found in foreign_columns(context.cursor, target)
        if found.is_living and found.holds and (found.guarded or name == "patients")
        if (found.schema, found.table, found.column) not in declared
    ]


def other_references(context: CheckContext) -> Finding:
    """Every reference that no other check looks at: found by looking, so that a new Nexus table is covered automatically."""
    found = models(context.cursor)
    parts = [*_own_orphans_sql(context, ENTITIES["patients"]), *_foreign_orphans_sql(context)]
    for key in _other_keys(context):
        parts.append(_named(key, orphans_sql(key, reachable(key, found), impossible(key, found))))
    return violators(context, SQL(" UNION ALL ").join(parts), _step("patients"), cause=likely_cause)


def images_in_batches(context: CheckContext, *, managed: bool = True) -> Finding:
    """Images whose batch is not there, or whose batch is dangling."""
    images, batches = context.table("images"), context.table("image_batches")
    (link,) = batches.entity.generic_references
    key = declared_key(context.cursor, batches, link)
    orphans = _declared_orphans_sql(context, batches.entity, key, models(context.cursor))
    dangling = _chosen_sql(context, batches.entity, orphans, link, managed=True)
    chosen = _chosen_sql(context, images.entity, _images_sql(context, dangling), managed=True)
    if not managed:
        chosen = SQL("({}) EXCEPT ALL ({})").format(_images_sql(context, orphans), chosen)
    query = SQL("SELECT id AS image_id, batch_id, object_id, reason FROM ({}) AS o").format(chosen)
    return violators(context, query, loading("images") if managed else _step("images"), cause=likely_cause)


def _images_sql(context: CheckContext, dangling_batches: Composable) -> Composable:
    """Rows (id, batch_id, object_id, reason) of the images that are in one of these batches, or in none that exists."""
    images, batches = context.table("images"), context.table("image_batches")
    return SQL("""
        SELECT i.id::text AS id, i.batch_id::text AS batch_id, o.object_id,
               CASE o.reason WHEN {untyped} THEN o.reason ELSE 'batch_leads_nowhere' END AS reason
        FROM {images} AS i JOIN ({dangling}) AS o ON o.id::uuid = i.batch_id
        UNION ALL
        SELECT i.id::text, i.batch_id::text, NULL, 'batch_missing' FROM ({missing}) AS m JOIN {images} AS i ON i.batch_id = m.id
    """).format(
        images=images.table,
        untyped=Literal(UNTYPED),
        missing=_dead_ids_sql(images.table, "batch_id", batches.table),
        dangling=dangling_batches,
    )


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
        "row": key.home.row_name_sql(),
        "shown": key.shown_id_sql(),
        "id": Identifier(key.id_column),
        "type": Identifier(key.type_column),
        "relation": key.relation,
    }
    if key.can_lead_to_us:
        yield SQL("""
            SELECT {name} AS key, {row} AS id, {shown} AS object_id, 'target_archived' AS reason
            FROM {relation} AS x JOIN {patients} AS p ON p.id = {own}
            WHERE x.{type} = {content_type} AND p.archived
        """).format(
            **names,
            patients=patients.table,
            own=key.id_sql("x"),
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


@dataclass(frozen=True)
class _Known:
    """What the ledger knows of the ids at which `violators` point in vain: how many rows point at any id, at one that is
    superseded, at one of a patient who is gone, at one who is there again, and at one that nobody knows; how many name a content
    type that is gone, and how many something else than a patient."""

    all: int
    superseded: int
    lost: int
    back: int
    unknown: int
    untyped: int
    small: int


def _known(context: CheckContext, violators: Composable) -> _Known:
    patients = context.table("patients")
    return _Known(
        *context.row(
            SQL("""
                SELECT count(*), count(s.nexus_id), count(l.nexus_id), count(t.source_id),
                       count(*) FILTER (WHERE v.reason IN ('target_missing', 'batch_leads_nowhere') AND v.object_id IS NOT NULL
                                          AND s.nexus_id IS NULL AND k.nexus_id IS NULL),
                       count(*) FILTER (WHERE v.reason = {untyped}),
                       count(*) FILTER (WHERE v.reason = {lookup_missing})
                FROM ({violators}) AS v
                LEFT JOIN nexus_assets.superseded AS s ON s.entity = 'patients' AND s.nexus_id::text = v.object_id
                LEFT JOIN {ledger} AS k ON k.nexus_id::text = v.object_id
                LEFT JOIN {ledger} AS l ON l.nexus_id::text = v.object_id
                  AND NOT EXISTS (SELECT FROM {patients} AS p WHERE p.id = l.nexus_id)
                LEFT JOIN (SELECT DISTINCT nexus_assets.read_uuid(filemaker_metadata->>'filemaker_id') AS source_id
                           FROM {patients}) AS t ON t.source_id = l.source_id
            """).format(
                ledger=identity_table("patients"),
                patients=patients.table,
                violators=violators,
                untyped=Literal(UNTYPED),
                lookup_missing=Literal(LOOKUP_MISSING),
            )
        )
    )


LEARN = "nexus-assets learn-ids FILE"
"""What can still help where nobody knows whose an id was: a list, or a backup from before the ids changed."""


def _step(asset: str) -> Callable[[CheckContext, Composable], str]:
    """What to run next where no load answers for the rows: a load only if it can help, else what teaches the ledger ids."""

    def step(context: CheckContext, violators: Composable) -> str:
        if not context.has_ledger:
            return loading(asset)
        known = _known(context, violators)
        if known.back or (known.superseded and has_to_move(context.cursor, context.table("patients"))):
            return loading("patients", with_parents=False)
        if known.superseded:
            # A unique index has no room for what would be moved.
            return f"nexus-assets check --select {asset} --json, and delete these rows in Nexus: the patient has others like them"
        if known.untyped:
            return (
                f"nexus-assets check --select {asset} --json, and have Nexus's administrator give django_content_type the ids that it had,"
                " or these rows those that it has"
            )
        if known.unknown:
            return LEARN
        if known.small:
            return _choose(asset)
        return f"nexus-assets check --select {asset} --json, and link or delete these rows in Nexus: no load answers for them"

    return step


def likely_cause(context: CheckContext, violators: Composable) -> str:
    """What the ledger knows of the patients at which the violators point in vain."""
    if not context.has_ledger:
        return ""
    known = _known(context, violators)
    runs = context.rows(
        SQL("""
            SELECT DISTINCT o.run_id FROM ({}) AS v JOIN nexus_assets.superseded AS s
              ON s.entity = 'patients' AND s.nexus_id::text = v.object_id
            JOIN nexus_assets.load AS o ON o.id = s.load_id ORDER BY 1 LIMIT 3
        """).format(violators)
    )
    if known.superseded:
        during = f" in run {', '.join(run for (run,) in runs)}" if runs else ""
        return f"{_of(known.superseded, known.all)} point at ids of patients that were superseded{during}."
    if known.back:
        return (
            f"{_of(known.back, known.all)} point at patients that were deleted and are there again under other ids: another tool"
            " imported them again."
        )
    if known.lost:
        return f"{_of(known.lost, known.all)} point at patients that the last load left there and somebody has deleted since."
    if known.untyped:
        return f"{_of(known.untyped, known.all)} name a content type that is gone: a model was removed, or its table filled again."
    if known.unknown:
        return f"{_of(known.unknown, known.all)} point at ids that nobody knows: a list or a backup from before can tell whose they were."
    return ""


def _of(some: int, all_: int) -> str:
    return f"All {all_:,}" if some == all_ else f"{some:,} of {all_:,}"

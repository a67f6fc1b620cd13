"""Is it the right person? The linked patient compared with the one that FileMaker names, as the ledger remembers it.

The ledger keeps the hash of each link as FileMaker last said it. The hashes of all patients' ids tell which one it was.
Of a row that names somebody who was unknown when it was loaded it keeps the FileMaker id: nothing else tells when they are there.
"""

from __future__ import annotations

from dataclasses import replace

from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.checks.check import CheckContext, Finding, loading, violators
from nexus_assets.ledger.schema import base_column, named_column
from nexus_assets.ledger.tables import identity_table
from nexus_assets.load.incoming import carried_id_sql, hash_sql
from nexus_assets.load.parents import there_sql
from nexus_assets.mapping.entity import Entity, GenericReference, Reference
from nexus_assets.nexus.catalog import Target

ONE_RECORD = (("documents", "images"),)
"""Entities that are made of files: one FileMaker record may have one in each, and they are then of the same person."""

NEVER_LINKED = "never_linked"
"""What a check reports of a row whose patient was unknown when it was loaded, and is there now."""


def patient_link(entity: Entity) -> Reference | GenericReference | None:
    """The reference that is written into the entity's table and leads to a patient."""
    for link in entity.references:
        if link.to == "patients" and (isinstance(link, GenericReference) or link.column):
            return link
    return None


def _column(entity: Entity) -> str:
    link = patient_link(entity)
    assert link is not None
    return link.id_column if isinstance(link, GenericReference) else str(link.column)


def by_hash_sql(target: Target) -> Composable:
    """Rows (id, hash): every id that the table has or had, as the row's id of today and as the hash that the ledger keeps."""
    carried = carried_id_sql(target.entity)
    parts = [
        SQL("SELECT id, {hash} AS hash FROM {table}").format(hash=hash_sql(SQL("id")), table=target.table),
        SQL("""
            SELECT s.current_id, {hash} FROM nexus_assets.superseded AS s
            WHERE s.entity = {entity} AND NOT EXISTS (SELECT FROM {table} AS still WHERE still.id = s.nexus_id)
        """).format(hash=hash_sql(SQL("s.nexus_id")), entity=Literal(target.entity.name), table=target.table),
    ]
    if carried is not None:
        # Another tool made the row again under an id that the next load will learn.
        parts.append(
            SQL("""
                SELECT t.id, {hash} FROM {ledger} AS l JOIN {table} AS t ON {carried} = l.source_id
                WHERE NOT EXISTS (SELECT FROM {table} AS still WHERE still.id = l.nexus_id)
            """).format(
                hash=hash_sql(SQL("l.nexus_id")),
                ledger=identity_table(target.entity.name),
                table=target.table,
                carried=carried,
            )
        )
    return SQL(" UNION ALL ").join(parts)


def named_patients(entity: Entity, context: CheckContext) -> Finding:
    """Rows that are linked to another patient than FileMaker names, or to none although it names one that is here.

    Where somebody decided that Nexus is right, it is."""
    if not context.has_ledger:
        return Finding(0)
    target, patients, link = context.table(entity.name), context.table("patients"), _column(entity)
    declared = patient_link(entity)
    unlinked = SQL("t.{} IS NULL").format(Identifier(link))
    if isinstance(declared, GenericReference):
        # One half alone is dangling, and is found as such.
        unlinked = SQL("({} AND t.{} IS NULL)").format(unlinked, Identifier(declared.type_column))
    query = SQL("""
        SELECT t.id::text AS id, t.{link}::text AS linked_patient, named.id::text AS named_patient,
               CASE WHEN t.{link} IS NULL THEN 'link_removed' ELSE 'other_patient' END AS reason
        FROM {target} AS t
        JOIN {ledger} AS l ON l.nexus_id = t.id
        LEFT JOIN {patients} AS p ON p.id = t.{link}
        LEFT JOIN ({by_hash}) AS named ON named.hash = l.{base}
        WHERE l.vanished_load IS NULL AND l.{base} <> {current} AND l.{base} <> {nobody}
          AND named.id IS DISTINCT FROM t.{link}
          AND (p.id IS NOT NULL OR ({unlinked} AND named.id IS NOT NULL))
          AND NOT EXISTS (SELECT FROM nexus_assets.conflict AS c WHERE c.entity = {entity} AND c.source_id = l.source_id
                          AND c.column_name = {column} AND c.resolved_load IS NULL AND c.decision = 'nexus')
    """).format(
        entity=Literal(entity.name),
        column=Literal(link),
        link=Identifier(link),
        target=target.table,
        ledger=identity_table(entity.name),
        patients=patients.table,
        by_hash=by_hash_sql(patients),
        base=base_column(link),
        current=hash_sql(Identifier("t", link)),
        nobody=hash_sql(SQL("NULL::uuid")),
        unlinked=unlinked,
    )
    if isinstance(declared, GenericReference):
        query = SQL("{} UNION ALL {}").format(query, _never_linked_sql(context, entity, declared))
    step = (
        f"nexus-assets check --select {entity.name}/linked_to_named_patient --json, and correct the link in Nexus,"
        " or decide that it is right: nexus-assets kept decide nexus ID"
    )
    found = violators(context, query, step)
    if not found.breakdown.get(NEVER_LINKED):
        return found
    # A load links those; what is left then is for a person to decide.
    return replace(found, next_step=loading(entity.name))


def _never_linked_sql(context: CheckContext, entity: Entity, link: GenericReference) -> Composable:
    """Rows whose patient was unknown when they were loaded, that nobody linked since, and whose patient is in Nexus."""
    # Two columns that are NULL together are taken for far fewer rows by the planner, for each of which it then reads all patients.
    return SQL("""
        SELECT t.id::text, NULL, p.id::text, {reason}
        FROM {target} AS t JOIN {ledger} AS l ON l.nexus_id = t.id JOIN ({there}) AS p ON p.named = l.{named}
        WHERE l.vanished_load IS NULL AND num_nonnulls(t.{id}, t.{type}) = 0
    """).format(
        reason=Literal(NEVER_LINKED),
        target=context.table(entity.name).table,
        ledger=identity_table(entity.name),
        there=there_sql(context.table(link.to)),
        named=named_column(link),
        id=Identifier(link.id_column),
        type=Identifier(link.type_column),
    )


def records_agree(context: CheckContext) -> Finding:
    """Images that lie with another patient than the batch of their own FileMaker record, and documents and images of one
    record that belong to different people."""
    if not context.has_ledger:
        return Finding(0)
    images, batches, patients = (context.table(name) for name in ("images", "image_batches", "patients"))
    parts = [
        SQL("""
            SELECT i.id::text AS id, lies.object_id::text AS linked_patient, home.object_id::text AS record_patient,
                   'image_and_batch' AS reason
            FROM {images} AS i
            JOIN {ledger} AS l ON l.nexus_id = i.id AND l.vanished_load IS NULL
            JOIN {batches} AS lies ON lies.id = i.batch_id
            JOIN ({by_hash}) AS said ON said.hash = l.{base}
            JOIN {batches} AS home ON home.id = said.id
            WHERE home.id <> lies.id AND home.object_id <> lies.object_id
              AND EXISTS (SELECT FROM {patients} AS p WHERE p.id = lies.object_id)
              AND EXISTS (SELECT FROM {patients} AS p WHERE p.id = home.object_id)
        """).format(
            images=images.table,
            batches=batches.table,
            patients=patients.table,
            ledger=identity_table("images"),
            by_hash=by_hash_sql(batches),
            base=base_column("batch_id"),
        )
    ]
    for one, other in ONE_RECORD:
        parts.append(
            SQL("""
                SELECT y.id::text, y.patient::text, x.patient::text, {reason}
                FROM ({one}) AS x JOIN ({other}) AS y USING (source_id) WHERE x.patient <> y.patient
            """).format(
                one=_patients_of_records_sql(context, one),
                other=_patients_of_records_sql(context, other),
                reason=Literal(f"{one}_and_{other}"),
            )
        )
    step = (
        "nexus-assets check --select images/records_agree_on_patient --json, and move the image or the batch in Nexus"
    )
    return violators(context, SQL(" UNION ALL ").join(parts), step)


def _patients_of_records_sql(context: CheckContext, entity: str) -> Composable:
    """Rows (source_id, id, patient) of the entity's rows that belong to a patient who exists."""
    target, patients, batches = context.table(entity), context.table("patients"), context.table("image_batches")
    through_batch = entity == "images"
    return SQL("""
        SELECT l.source_id, t.id, p.id AS patient FROM {ledger} AS l JOIN {target} AS t ON t.id = l.nexus_id {joined}
        JOIN {patients} AS p ON p.id = {owner}.object_id WHERE l.vanished_load IS NULL
    """).format(
        ledger=identity_table(entity),
        target=target.table,
        joined=SQL("JOIN {} AS b ON b.id = t.batch_id").format(batches.table) if through_batch else SQL(""),
        patients=patients.table,
        owner=SQL("b") if through_batch else SQL("t"),
    )

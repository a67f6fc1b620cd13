"""Does a person see it? The definition of a visible image in docs/architecture.md, asked of every image."""

from __future__ import annotations

from dataclasses import replace

from psycopg2.sql import SQL, Literal

from nexus_assets.checks.check import CheckContext, Finding, loading, violators
from nexus_assets.checks.objects import objects_sql
from nexus_assets.entities import ENTITIES


def every_image_visible(context: CheckContext) -> Finding:
    """Images that the front end does not show, each with the first reason. A patient's archiving hides images on purpose:
    those are counted as `hidden_by_archiving`, not as violators."""
    objects = objects_sql(context, ENTITIES["images"])
    images, batches, patients = (context.table(name) for name in ("images", "image_batches", "patients"))
    judged = SQL("""
        SELECT i.id::text AS image_id, b.id::text AS batch_id, b.object_id::text AS object_id,
               CASE WHEN b.id IS NULL THEN 'batch_missing'
                    WHEN b.content_type_id <> {content_type} THEN 'batch_not_of_a_patient'
                    WHEN p.id IS NULL THEN 'patient_missing'
                    WHEN b.image_count <> count(i.id) OVER (PARTITION BY i.batch_id) THEN 'image_count_wrong'
                    WHEN o.key IS NULL THEN 'object_missing'
                    WHEN o.size = 0 THEN 'object_empty'
                    WHEN o.size <> i.file_size THEN 'size_differs'
                    WHEN p.archived THEN 'archived' END AS reason
        FROM {images} AS i
        LEFT JOIN {batches} AS b ON b.id = i.batch_id
        LEFT JOIN {patients} AS p ON p.id = b.object_id
        LEFT JOIN {objects} AS o ON o.key = i.s3_key
    """).format(
        content_type=Literal(patients.content_type_id),
        images=images.table,
        batches=batches.table,
        patients=patients.table,
        objects=objects,
    )
    step = f"{loading('images')}; what no load repairs, nexus-assets check --select images,image_batches names, and what helps"
    finding = violators(context, SQL("SELECT * FROM ({}) AS judged WHERE reason <> 'archived'").format(judged), step)
    total, archived = context.row(
        SQL("SELECT count(*), count(*) FILTER (WHERE reason = 'archived') FROM ({}) AS judged").format(judged)
    )
    figures = {"visible": total - archived - finding.count, "total": total, "hidden_by_archiving": archived}
    return replace(finding, figures=figures)

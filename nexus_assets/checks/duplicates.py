"""Is anything there twice? Two patients with one FileMaker id, two rows of one file, two batches of one patient and day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from psycopg2.sql import SQL, Composable, Literal

from nexus_assets.checks.check import CheckContext, Finding, loading, violators
from nexus_assets.entities import ENTITIES
from nexus_assets.load.identity import made_by_importer_sql
from nexus_assets.load.parents import made_at_sql

SECOND_PRIMARY, SAME_DAY = "second_primary", "same_patient_and_day"

ONE_TOO_MANY: dict[str, dict[str, str]] = {
    "patients": {"same_filemaker_id": "lower(btrim(t.filemaker_metadata ->> 'filemaker_id'))"},
    "documents": {"same_file": "t.s3_key"},
    "image_batches": {SAME_DAY: "ROW(t.content_type_id, t.object_id, t.name)"},
    "images": {"same_file": "t.s3_key"},
    "companies": {"same_filemaker_id": "t.filemaker_id"},
    "specialties": {"same_name": "lower(btrim(t.name))"},
    "referrers": {"same_filemaker_id": "t.filemaker_id"},
    "referrer_companies": {
        "same_pair": "ROW(t.referrer_id, t.company_id)",
        SECOND_PRIMARY: "CASE WHEN t.is_primary THEN t.referrer_id END",
    },
    "patient_referrers": {
        "same_pair": "ROW(t.patient_id, t.referrer_id)",
        SECOND_PRIMARY: "CASE WHEN t.is_primary AND t.status = 'ACTIVE' THEN t.patient_id END",
    },
}
"""Reason of a duplicate -> what no two rows of the table may have in common. Of batches only those that an importer made
count: their name is the day, while people may name two batches alike."""


def _surplus_sql(context: CheckContext, entity: str) -> Composable:
    """Rows (table, id, twin_of, reason): each row beyond the first, which is the oldest, that has the same in common."""
    target = context.table(entity)
    counted = made_by_importer_sql(target, "t") if ENTITIES[entity].made_by_importer else SQL("TRUE")
    parts = [
        SQL("""
            SELECT {entity} AS entity, id::text AS id, twin::text AS twin_of, {reason} AS reason FROM (
              SELECT t.id, first_value(t.id) OVER same AS twin, row_number() OVER same AS place
              FROM {target} AS t WHERE ({common}) IS NOT NULL AND {counted}
              WINDOW same AS (PARTITION BY {common} ORDER BY {made_at}, t.id)
            ) AS numbered WHERE place > 1
        """).format(
            entity=Literal(entity),
            reason=Literal(reason),
            target=target.table,
            common=SQL(common),
            counted=counted,
            made_at=made_at_sql(target, "t"),
        )
        for reason, common in ONE_TOO_MANY[entity].items()
    ]
    return SQL(" UNION ALL ").join(parts)


def no_duplicates(entities: tuple[str, ...], context: CheckContext) -> Finding:
    """Rows of these tables that are there a second time; the count is of those that are too many."""
    query = SQL(" UNION ALL ").join(_surplus_sql(context, entity) for entity in entities)
    found = violators(context, query, "")
    return replace(found, next_step="; then ".join(_steps(entities[-1], found.breakdown)))


def _steps(asset: str, reasons: Mapping[str, int]) -> Iterator[str]:
    """What helps: a load joins the batches that it made, and never chooses among two rows of people, nor among primary links."""
    look = f"nexus-assets check --select {asset}/no_duplicates --json"
    if SAME_DAY in reasons:
        yield f"{loading(asset)}, and where batches stay that a person linked, move their images into one in Nexus"
    if {*reasons} - {SAME_DAY, SECOND_PRIMARY}:
        yield f"{look}, and merge each row with its twin in Nexus: no load chooses"
    if SECOND_PRIMARY in reasons:
        yield "leave one link primary, in Nexus, and where the export has a column Primary in FileMaker: no load chooses"


def image_counts_true(context: CheckContext) -> Finding:
    """Batches whose `image_count`, which the front end adds up instead of counting, is not the number of their images."""
    batches, images = context.table("image_batches"), context.table("images")
    query = SQL("""
        SELECT b.id::text AS batch_id, b.image_count::text AS image_count, coalesce(i.number, 0)::text AS images,
               CASE WHEN b.image_count > coalesce(i.number, 0) THEN 'too_high' ELSE 'too_low' END AS reason
        FROM {batches} AS b
        LEFT JOIN (SELECT batch_id, count(*) AS number FROM {images} GROUP BY 1) AS i ON i.batch_id = b.id
        WHERE b.image_count <> coalesce(i.number, 0)
    """).format(batches=batches.table, images=images.table)
    return violators(context, query, loading("images"))

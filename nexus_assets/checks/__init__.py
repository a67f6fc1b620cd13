"""The questions that are asked of what was loaded, over all rows: one file per question; `CHECKS` lists every check."""

from __future__ import annotations

from functools import partial

from nexus_assets.checks.accounting import every_row_accounted
from nexus_assets.checks.check import Check
from nexus_assets.checks.objects import objects_exist
from nexus_assets.checks.references import entity_references, images_in_batches, other_references
from nexus_assets.checks.visibility import every_image_visible
from nexus_assets.entities import ENTITIES

CHECKS: tuple[Check, ...] = (
    *(
        Check(
            entity.name,
            "no_orphaned_references",
            f"Every generic reference of {entity.name} leads to a row that exists.",
            partial(entity_references, entity),
            blocking=True,
        )
        for entity in ENTITIES.values()
        if entity.generic_references
    ),
    Check(
        "images",
        "no_orphaned_references",
        "Every image is in a batch that exists and leads to a patient.",
        images_in_batches,
        blocking=True,
    ),
    Check(
        "patients",
        "no_orphaned_references",
        "Every other generic reference in the database, found by looking, leads to a row that exists.",
        other_references,
        blocking=False,
    ),
    *(
        Check(
            entity.name,
            "every_row_accounted",
            "Every row of the export was loaded, kept, collapsed into its twin, or rejected with a reason.",
            partial(every_row_accounted, entity),
        )
        for entity in ENTITIES.values()
    ),
    *(
        Check(
            entity.name,
            "objects_exist",
            "Every row's file is in the bucket, as large as the row says.",
            partial(objects_exist, entity),
        )
        for entity in ENTITIES.values()
        if entity.listings and entity.name != "image_batches"
    ),
    Check(
        "images",
        "every_image_visible",
        "Every image is one that a person sees in Nexus.",
        every_image_visible,
    ),
)
"""Every check, in the order in which they are shown: severity and what blocks is said here and nowhere else."""

"""The questions that are asked of what was loaded, over all rows: one file per question; `CHECKS` lists every check.

What is severe, what blocks and what counts as usual is said here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from nexus_assets.checks.accounting import every_row_accounted
from nexus_assets.checks.check import Check, CheckContext, Finding, Severity
from nexus_assets.checks.conflicts import agrees_with_filemaker
from nexus_assets.checks.duplicates import image_counts_true, no_duplicates
from nexus_assets.checks.guard_state import guard_in_force
from nexus_assets.checks.load_health import Routine, last_load_as_usual
from nexus_assets.checks.objects import files_and_rows_agree, files_open, objects_exist
from nexus_assets.checks.patient_links import named_patients, patient_link, records_agree
from nexus_assets.checks.references import (
    entity_doubts,
    entity_references,
    images_in_batches,
    other_doubts,
    other_references,
    own_references,
)
from nexus_assets.checks.visibility import every_image_visible
from nexus_assets.entities import ENTITIES
from nexus_assets.mapping.entity import Entity, Reference

USUAL = Routine(load_age=timedelta(days=8), export_age=timedelta(days=31), rows=20, share=0.02)
"""A clinic loads at least weekly until it switches over; more than 20 rows and 2 % fewer, or more rejects, is unusual."""


def _each(
    entities: list[Entity],
    name: str,
    description: str,
    find: Callable[[Entity, CheckContext], Finding],
    severity: Severity = "ERROR",
    *,
    blocking: bool = False,
    of_files: bool = False,
) -> list[Check]:
    """The check for each of the entities; `of_files`: with their files in the bucket."""
    return [
        Check(
            entity.name,
            name,
            description.format(entity.name),
            partial(find, entity),
            severity,
            blocking,
            entity.listings if of_files else (),
        )
        for entity in entities
    ]


_ALL = list(ENTITIES.values())
_GENERIC = [entity for entity in _ALL if entity.generic_references]
_OF_PATIENTS = [entity for entity in _ALL if patient_link(entity)]
_BY_COLUMN = [
    entity
    for entity in _ALL
    if entity.name != "images" and any(isinstance(link, Reference) and link.column for link in entity.references)
]
_FILES = [entity for entity in _ALL if any(column.name == "s3_key" for column in entity.columns)]


CHECKS: tuple[Check, ...] = (
    *_each(
        _GENERIC,
        "no_orphaned_references",
        "Every generic reference of {} for which a load answers leads to a row that exists.",
        entity_references,
        blocking=True,
    ),
    *(
        Check(
            entity.name,
            "no_orphaned_references",
            f"Every loaded row of {entity.name} belongs to a patient who exists, and what else it names exists."
            if entity in _OF_PATIENTS
            else f"What a loaded row of {entity.name} names exists.",
            partial(own_references, entity),
            blocking=True,
        )
        for entity in _BY_COLUMN
    ),
    Check(
        "images",
        "no_orphaned_references",
        "Every loaded image is in a batch that exists and leads to a patient.",
        images_in_batches,
        blocking=True,
    ),
    *(
        check
        for entities, find in (
            (_GENERIC, entity_references),
            ([each for each in _BY_COLUMN if not each.shares], own_references),
            ([ENTITIES["images"]], lambda _, context, managed: images_in_batches(context, managed=managed)),
        )
        for check in _each(
            entities,
            "no_unmanaged_orphans",
            "Every row of {} for which no load answers (an upload, a row that left FileMaker) leads to a row that exists.",
            partial(find, managed=False),
        )
    ),
    Check(
        "patients",
        "no_orphaned_references",
        "Every other reference to these tables, and every other generic one in the database, found by looking, leads to a row that"
        " exists.",
        other_references,
        # The import does not make these rows: what is loaded from FileMaker is right all the same.
        blocking=False,
    ),
    *_each(
        _GENERIC,
        "no_doubtful_references",
        "No generic reference of {} leads to an archived patient.",
        entity_doubts,
        "WARN",
    ),
    Check(
        "patients",
        "no_doubtful_references",
        "No other generic reference leads to an archived patient, or to a table that can't be found.",
        other_doubts,
        "WARN",
    ),
    Check(
        "patients",
        "guard_in_force",
        "Where the guard was installed, it is in force at every generic reference and every table that one can lead to.",
        guard_in_force,
        "WARN",
    ),
    *_each(
        _OF_PATIENTS,
        "linked_to_named_patient",
        "Every row of {} is linked to the patient that FileMaker names.",
        named_patients,
        "WARN",
    ),
    Check(
        "images",
        "records_agree_on_patient",
        "What comes from one FileMaker record (an image and its batch, an image and a document) is of one patient.",
        records_agree,
    ),
    Check("patients", "no_duplicates", "No two patients have one FileMaker id.", partial(no_duplicates, ("patients",))),
    Check(
        "documents", "no_duplicates", "No two documents are one file.", partial(no_duplicates, ("documents",)), "WARN"
    ),
    Check(
        "images",
        "no_duplicates",
        "No two images are one file, and no patient has two imported batches of one day.",
        # The batches' duplicates go when the images that they hold have moved: with the load of the images.
        partial(no_duplicates, ("image_batches", "images")),
        "WARN",
    ),
    *(
        Check(name, "no_duplicates", description, partial(no_duplicates, (name,)), "WARN")
        for name, description in {
            "companies": "No two companies have one FileMaker id.",
            "specialties": "No two specialties have one name, case and blanks aside.",
            "referrers": "No two referrers have one FileMaker id.",
            "referrer_companies": "No referrer is linked twice to one company, and none has two primary companies.",
            "patient_referrers": "No patient is linked twice to one referrer, and none has two primary referrers.",
        }.items()
    ),
    Check(
        "images",
        "image_counts_true",
        "The image count of every batch, which the front end adds up, is the number of its images.",
        image_counts_true,
    ),
    *_each(
        _ALL,
        "every_row_accounted",
        "Every row of the last export of {} was loaded, kept, collapsed or rejected with a reason, and is still there"
        " under its id.",
        every_row_accounted,
    ),
    *_each(
        _ALL,
        "agrees_with_filemaker",
        "No value of {} is kept in Nexus that FileMaker has differently.",
        agrees_with_filemaker,
        "WARN",
    ),
    *_each(
        _ALL,
        "last_load_as_usual",
        "The last load of {} is recent, from a recent export, and about as large as the one before.",
        partial(last_load_as_usual, USUAL),
        "WARN",
    ),
    *_each(
        _FILES,
        "objects_exist",
        "Every row of {} has its file in the bucket, not empty and as large as the row says.",
        objects_exist,
        of_files=True,
    ),
    *_each(
        _FILES,
        "files_and_rows_agree",
        "Every file of {} in the bucket has its row or a reject that says why not, and every thumbnail is there.",
        files_and_rows_agree,
        "WARN",
        of_files=True,
    ),
    *_each(
        _FILES,
        "files_open",
        "A sample of the files of {} opens as the front end opens it: whole, unchanged, and what it says it is.",
        files_open,
        of_files=True,
    ),
    Check(
        "images",
        "every_image_visible",
        "Every image is one that a person sees in Nexus.",
        every_image_visible,
        listings=ENTITIES["images"].listings,
    ),
)
"""Every check, in the order in which they are shown."""

CHECK_NAMES = {check.full_name: check for check in CHECKS}

"""The questions that are asked of what was loaded, over all rows: one file per question; `CHECKS` lists every check.

What is severe, what blocks and what counts as usual is said here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from nexus_assets.checks.accounting import every_row_accounted
from nexus_assets.checks.check import Check, CheckContext, Finding
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


def _each(entities: list[Entity], find: Callable[..., Finding]) -> dict[str, Callable[[CheckContext], Finding]]:
    return {entity.name: partial(find, entity) for entity in entities}


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
    *(
        Check(
            name,
            "no_orphaned_references",
            f"Every generic reference of {name} for which a load answers leads to a row that exists.",
            find,
            blocking=True,
        )
        for name, find in _each(_GENERIC, entity_references).items()
    ),
    *(
        Check(
            name,
            "no_orphaned_references",
            f"Every loaded row of {name} belongs to a patient who exists, and what else it names exists."
            if ENTITIES[name] in _OF_PATIENTS
            else f"What a loaded row of {name} names exists.",
            find,
            blocking=True,
        )
        for name, find in _each(_BY_COLUMN, own_references).items()
    ),
    Check(
        "images",
        "no_orphaned_references",
        "Every loaded image is in a batch that exists and leads to a patient.",
        images_in_batches,
        blocking=True,
    ),
    *(
        Check(
            name,
            "no_unmanaged_orphans",
            f"Every row of {name} for which no load answers (an upload, a row that left FileMaker) leads to a row that exists.",
            find,
        )
        for name, find in {
            **_each(_GENERIC, partial(entity_references, managed=False)),
            **_each([each for each in _BY_COLUMN if not each.shares], partial(own_references, managed=False)),
            **_each([ENTITIES["images"]], lambda _, context: images_in_batches(context, managed=False)),
        }.items()
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
    *(
        Check(
            name,
            "no_doubtful_references",
            f"No generic reference of {name} leads to an archived patient.",
            find,
            "WARN",
        )
        for name, find in _each(_GENERIC, entity_doubts).items()
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
    *(
        Check(
            name,
            "linked_to_named_patient",
            f"Every row of {name} is linked to the patient that FileMaker names.",
            find,
            "WARN",
        )
        for name, find in _each(_OF_PATIENTS, named_patients).items()
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
    *(
        Check(
            name,
            "every_row_accounted",
            f"Every row of the last export of {name} was loaded, kept, collapsed or rejected with a reason, and is still there"
            " under its id.",
            find,
        )
        for name, find in _each(_ALL, every_row_accounted).items()
    ),
    *(
        Check(
            name,
            "agrees_with_filemaker",
            f"No value of {name} is kept in Nexus that FileMaker has differently.",
            find,
            "WARN",
        )
        for name, find in _each(_ALL, agrees_with_filemaker).items()
    ),
    *(
        Check(
            entity.name,
            "last_load_as_usual",
            f"The last load of {entity.name} is recent, from a recent export, and about as large as the one before.",
            partial(last_load_as_usual, entity, USUAL),
            "WARN",
        )
        for entity in _ALL
    ),
    *(
        Check(
            name,
            "objects_exist",
            f"Every row of {name} has its file in the bucket, not empty and as large as the row says.",
            find,
            listings=ENTITIES[name].listings,
        )
        for name, find in _each(_FILES, objects_exist).items()
    ),
    *(
        Check(
            name,
            "files_and_rows_agree",
            f"Every file of {name} in the bucket has its row or a reject that says why not, and every thumbnail is there.",
            find,
            "WARN",
            listings=ENTITIES[name].listings,
        )
        for name, find in _each(_FILES, files_and_rows_agree).items()
    ),
    *(
        Check(
            name,
            "files_open",
            f"A sample of the files of {name} opens as the front end opens it: whole, unchanged, and what it says it is.",
            find,
            listings=ENTITIES[name].listings,
        )
        for name, find in _each(_FILES, files_open).items()
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

"""What can go wrong, each done on purpose: a breakage changes a sound clinic and returns what every check must then say."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nexus_assets.admin import guard
from nexus_assets.entities import ENTITIES
from nexus_assets_tests.checks.clinic import CheckedClinic

Red = dict[str, dict[str, int]]
OPTIONAL = tuple(name for name, entity in ENTITIES.items() if entity.optional)
OWN_TABLE = tuple(name for name in OPTIONAL if ENTITIES[name].shares is None)
NOWHERE = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Breakage:
    """`turns_red` names every check that must not pass afterwards; all others must."""

    turns_red: tuple[str, ...]
    breaks: Callable[[CheckedClinic], Red]

    @property
    def __name__(self) -> str:
        return self.breaks.__name__

    def __call__(self, clinic: CheckedClinic) -> Red:
        """Breaks a clinic whose foreign keys were dropped before; returns what the checks are to find."""
        expected = self.breaks(clinic)
        assert {*expected} == {*self.turns_red}
        return expected


BREAKAGES: list[Breakage] = []


def turns_red(*names: str) -> Callable[[Callable[[CheckedClinic], Red]], Callable[[CheckedClinic], Red]]:
    def register(breaks: Callable[[CheckedClinic], Red]) -> Callable[[CheckedClinic], Red]:
        BREAKAGES.append(Breakage(names, breaks))
        return breaks

    return register


IMPORTED_BATCH = """
    SELECT b.id::text FROM {images_batch} AS b JOIN nexus_assets.identity_image_batches AS l ON l.nexus_id = b.id
    ORDER BY b.id LIMIT 1
"""
LINKED_DOCUMENT = """
    SELECT d.id::text FROM {documents_document} AS d JOIN nexus_assets.identity_documents AS l ON l.nexus_id = d.id
    WHERE d.object_id IS NOT NULL ORDER BY d.id LIMIT 1
"""
IMPORTED_IMAGE = """
    SELECT i.id::text, i.s3_key, i.batch_id::text FROM {images_image} AS i
    JOIN nexus_assets.identity_images AS l ON l.nexus_id = i.id WHERE i.s3_thumbnail_key <> '' ORDER BY i.id LIMIT 1
"""
PERSON_WITH_EVERYTHING = """
    SELECT p.id::text FROM {patients} AS p JOIN nexus_assets.identity_patients AS l ON l.nexus_id = p.id
    WHERE EXISTS (SELECT FROM {images_batch} AS b WHERE b.object_id = p.id AND b.image_count > 0)
      AND EXISTS (SELECT FROM {documents_document} AS d WHERE d.object_id = p.id)
      AND NOT EXISTS (SELECT FROM {contact_relationships} AS r WHERE p.id IN (r.from_object_id, r.to_object_id))
      AND NOT EXISTS (SELECT FROM {patient_referrers} AS r WHERE r.patient_id = p.id)
    ORDER BY p.id LIMIT 1
"""
ANOTHER_PERSON = """
    SELECT p.id::text FROM {patients} AS p JOIN nexus_assets.identity_patients AS l ON l.nexus_id = p.id
    WHERE p.id <> %s ORDER BY p.id LIMIT 1
"""


def _loaded(entity: str) -> str:
    """The first id in Nexus of a row that was loaded, and that no other entity brought, too, as a statement."""
    others = [
        name
        for name, each in ENTITIES.items()
        if each.adds_rows and each.model == ENTITIES[entity].model and name != entity
    ]
    ids = " EXCEPT ".join(
        f"SELECT nexus_id::text AS id FROM nexus_assets.identity_{name}" for name in (entity, *others)
    )
    return f"SELECT min(id) FROM ({ids}) AS ids"


def _images_in(clinic: CheckedClinic, batch: str) -> int:
    return int(clinic.value("SELECT count(*) FROM {images_image} WHERE batch_id = %s", batch))


def _copy(clinic: CheckedClinic, table: str, id_: str, **changes: Any) -> None:
    """The row once more under an id of its own; `changes` are SQL expressions."""
    columns = clinic.values(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
        clinic.table(table),
    )
    changed = {"id": "gen_random_uuid()", **changes}
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(changed.get(name, f'"{name}"') for name in columns)
    assert clinic.execute(f"INSERT INTO {{{table}}} ({names}) SELECT {values} FROM {{{table}}} WHERE id = %s", id_) == 1


# --- 1 · references ---------------------------------------------------------------------------------------------------


@turns_red("documents/no_orphaned_references")
def half_of_a_link_is_empty(clinic: CheckedClinic) -> Red:
    clinic.execute("UPDATE {documents_document} SET object_id = NULL WHERE id = %s", clinic.value(LINKED_DOCUMENT))
    return {"documents/no_orphaned_references": {"half_null": 1}}


@turns_red("image_batches/no_orphaned_references", "images/no_orphaned_references", "images/every_image_visible")
def content_type_is_gone(clinic: CheckedClinic) -> Red:
    batch = clinic.value(IMPORTED_BATCH)
    clinic.execute("UPDATE {images_batch} SET content_type_id = 999999 WHERE id = %s", batch)
    return {
        "image_batches/no_orphaned_references": {"content_type_missing": 1},
        "images/no_orphaned_references": {"content_type_missing": _images_in(clinic, batch)},
        "images/every_image_visible": {"batch_not_of_a_patient": _images_in(clinic, batch)},
    }


@turns_red("image_batches/no_orphaned_references", "images/no_orphaned_references", "images/every_image_visible")
def content_type_is_another_model(clinic: CheckedClinic) -> Red:
    batch = clinic.value(IMPORTED_BATCH)
    company = clinic.content_type("companies", "company")
    clinic.execute("UPDATE {images_batch} SET content_type_id = %s WHERE id = %s", company, batch)
    return {
        "image_batches/no_orphaned_references": {"content_type_not_allowed": 1},
        "images/no_orphaned_references": {"batch_leads_nowhere": _images_in(clinic, batch)},
        "images/every_image_visible": {"batch_not_of_a_patient": _images_in(clinic, batch)},
    }


@turns_red("documents/no_orphaned_references")
def imported_document_is_hung_onto_a_living_row_of_another_model(clinic: CheckedClinic) -> Red:
    company = clinic.content_type("companies", "company")
    clinic.execute(
        "UPDATE {documents_document} SET content_type_id = %s, object_id = (SELECT id FROM {companies} LIMIT 1) WHERE id = %s",
        company,
        clinic.value(LINKED_DOCUMENT),
    )
    return {"documents/no_orphaned_references": {"content_type_not_allowed": 1}}


@turns_red(
    "image_batches/no_orphaned_references",
    "documents/no_orphaned_references",
    "images/no_orphaned_references",
    "images/every_image_visible",
    "patients/every_row_accounted",
)
def person_was_imported_anew_by_another_tool(clinic: CheckedClinic) -> Red:
    """The incident: the same person under a new random id; nothing that refers by a generic key follows."""
    person = clinic.value(PERSON_WITH_EVERYTHING)
    batches = clinic.values("SELECT id::text FROM {images_batch} WHERE object_id = %s", person)
    documents = clinic.value("SELECT count(*) FROM {documents_document} WHERE object_id = %s", person)
    new = clinic.value("UPDATE {patients} SET id = gen_random_uuid() WHERE id = %s RETURNING id::text", person)
    for table in ("appointments", "notes"):
        clinic.execute(f"UPDATE {{{table}}} SET patient_id = %s WHERE patient_id = %s", new, person)
    images = sum(_images_in(clinic, batch) for batch in batches)
    return {
        "image_batches/no_orphaned_references": {"target_missing": len(batches)},
        "documents/no_orphaned_references": {"target_missing": documents},
        "images/no_orphaned_references": {"batch_leads_nowhere": images},
        "images/every_image_visible": {"patient_missing": images},
        "patients/every_row_accounted": {"under_another_id": 1},
    }


@turns_red("images/no_orphaned_references", "images/every_image_visible", "image_batches/every_row_accounted")
def batch_is_gone(clinic: CheckedClinic) -> Red:
    batch = clinic.value(IMPORTED_BATCH)
    clinic.execute("DELETE FROM {images_batch} WHERE id = %s", batch)
    return {
        "images/no_orphaned_references": {"batch_missing": _images_in(clinic, batch)},
        "images/every_image_visible": {"batch_missing": _images_in(clinic, batch)},
        "image_batches/every_row_accounted": {"row_lost": 1},
    }


@turns_red("patients/no_orphaned_references")
def relationship_leads_nowhere(clinic: CheckedClinic) -> Red:
    person = clinic.value(PERSON_WITH_EVERYTHING)
    clinic.relate(person, NOWHERE)
    clinic.relate(NOWHERE, person)
    return {"patients/no_orphaned_references": {"target_missing": 2}}


@turns_red("patients/no_orphaned_references")
def reference_in_a_table_that_nobody_declared_leads_nowhere(clinic: CheckedClinic) -> Red:
    clinic.execute("CREATE TABLE scans_scan (id serial PRIMARY KEY, content_type_id integer, object_id uuid)")
    user = clinic.content_type("auth", "user")
    for type_, id_ in (
        (clinic.content_type(), NOWHERE),
        (user, NOWHERE),
        (None, NOWHERE),
        (clinic.content_type(), None),
    ):
        clinic.execute("INSERT INTO scans_scan (content_type_id, object_id) VALUES (%s, %s)", type_, id_)
    return {
        "patients/no_orphaned_references": {"half_null": 2, "content_type_not_allowed": 1, "target_missing": 1},
    }


@turns_red(
    "documents/no_unmanaged_orphans",
    "image_batches/no_unmanaged_orphans",
    "images/no_unmanaged_orphans",
    "images/every_image_visible",
)
def uploads_lead_nowhere(clinic: CheckedClinic) -> Red:
    """What people made themselves: no load answers for it, so that nothing is blocked by it."""
    native = str(uuid.UUID(int=2))
    clinic.execute("UPDATE {images_batch} SET object_id = %s WHERE id = %s", NOWHERE, native)
    clinic.execute("UPDATE {documents_document} SET object_id = %s WHERE id = %s", NOWHERE, str(uuid.UUID(int=6)))
    return {
        "documents/no_unmanaged_orphans": {"content_type_not_allowed": 1},
        "image_batches/no_unmanaged_orphans": {"target_missing": 1},
        "images/no_unmanaged_orphans": {"batch_leads_nowhere": 1},
        "images/every_image_visible": {"patient_missing": 1},
    }


@turns_red("appointments/no_unmanaged_orphans", "notes/no_unmanaged_orphans")
def native_appointments_and_notes_belong_to_nobody(clinic: CheckedClinic) -> Red:
    for table, more in (("appointments", {"filemaker_event_id": "NULL"}), ("notes", {})):
        row = clinic.value(f"SELECT min(id::text) FROM {{{table}}}")
        _copy(clinic, table, row, patient_id=f"'{NOWHERE}'::uuid", **more)
    return {
        "appointments/no_unmanaged_orphans": {"target_missing": 1},
        "notes/no_unmanaged_orphans": {"target_missing": 1},
    }


@turns_red("appointments/no_orphaned_references", "notes/no_orphaned_references")
def appointments_and_notes_belong_to_nobody(clinic: CheckedClinic) -> Red:
    """As where a backup was restored without its constraints."""
    clinic.execute("UPDATE {notes} SET patient_id = %s WHERE id = (SELECT min(id::text)::uuid FROM {notes})", NOWHERE)
    clinic.execute(
        "UPDATE {appointments} SET patient_id = %s, appointment_type_id = %s"
        " WHERE id = (SELECT min(id::text)::uuid FROM {appointments})",
        *(NOWHERE, NOWHERE),
    )
    return {
        "appointments/no_orphaned_references": {"lookup_missing": 1, "target_missing": 1},
        "notes/no_orphaned_references": {"target_missing": 1},
    }


LINKS = {
    "referrers": ("specialty_id", "specialty_id"),
    "referrer_companies": ("company_id", "referrer_id"),
    "patient_referrers": ("referrer_id", "patient_id"),
}
"""Of each optional entity that refers to others a column to break in a loaded row, and one in a person's own."""


@turns_red(*(f"{name}/{check}" for name in LINKS for check in ("no_orphaned_references", "no_unmanaged_orphans")))
def referrers_and_their_links_name_rows_that_are_not_there(clinic: CheckedClinic) -> Red:
    for name, (ours, theirs) in LINKS.items():
        loaded = clinic.value(_loaded(name))
        _copy(clinic, name, loaded, filemaker_id="NULL", **{theirs: f"'{NOWHERE}'::uuid"})
        clinic.execute(f"UPDATE {{{name}}} SET {ours} = %s WHERE id = %s", NOWHERE, loaded)
    return {
        f"{name}/{check}": {"target_missing": 1}
        for name in LINKS
        for check in ("no_orphaned_references", "no_unmanaged_orphans")
    }


@turns_red("patient_referrers/linked_to_named_patient")
def referral_is_somebody_elses(clinic: CheckedClinic) -> Red:
    return _linked_to_somebody_else(clinic, "patient_referrers")


@turns_red("coordinator_links/linked_to_named_patient")
def link_to_a_coordinator_is_somebody_elses(clinic: CheckedClinic) -> Red:
    return _linked_to_somebody_else(clinic, "coordinator_links")


def _linked_to_somebody_else(clinic: CheckedClinic, entity: str) -> Red:
    link = clinic.value(_loaded(entity))
    patient = clinic.value("SELECT patient_id::text FROM {patient_referrers} WHERE id = %s", link)
    clinic.execute(
        "UPDATE {patient_referrers} SET patient_id = %s WHERE id = %s", clinic.value(ANOTHER_PERSON, patient), link
    )
    return {f"{entity}/linked_to_named_patient": {"other_patient": 1}}


@turns_red("support_coordinators/no_orphaned_references", "coordinator_links/no_orphaned_references")
def coordinators_and_their_links_name_rows_that_are_not_there(clinic: CheckedClinic) -> Red:
    clinic.execute(
        "UPDATE {referrers} SET specialty_id = %s WHERE id = %s",
        NOWHERE,
        clinic.value(_loaded("support_coordinators")),
    )
    clinic.execute(
        "UPDATE {patient_referrers} SET referrer_id = %s WHERE id = %s",
        NOWHERE,
        clinic.value(_loaded("coordinator_links")),
    )
    return {
        "support_coordinators/no_orphaned_references": {"target_missing": 1},
        "coordinator_links/no_orphaned_references": {"target_missing": 1},
    }


@turns_red("patients/no_orphaned_references")
def columns_that_name_a_row_of_ours_lead_nowhere(clinic: CheckedClinic) -> Red:
    """A patient's clinic; a column of a new table that is a patient's by its name; one whose constraint was not in force."""
    clinic.execute("UPDATE {patients} SET clinic_id = %s WHERE id = %s", NOWHERE, clinic.value(PERSON_WITH_EVERYTHING))
    clinic.execute("CREATE TABLE scans_scan (patient_id uuid, image_id uuid REFERENCES {images_image})")
    clinic.restore("INSERT INTO scans_scan VALUES (%s, %s), (NULL, NULL)", NOWHERE, NOWHERE)
    return {"patients/no_orphaned_references": {"lookup_missing": 1, "target_missing": 2}}


@turns_red("patients/no_doubtful_references")
def content_type_has_no_table(clinic: CheckedClinic) -> Red:
    stale = clinic.value(
        "INSERT INTO django_content_type (app_label, model) VALUES ('scans', 'forgotten') RETURNING id"
    )
    clinic.relate(clinic.value(PERSON_WITH_EVERYTHING), NOWHERE)
    clinic.execute("UPDATE {contact_relationships} SET to_content_type_id = %s WHERE to_object_id = %s", stale, NOWHERE)
    return {"patients/no_doubtful_references": {"table_not_found": 1}}


@turns_red(
    "image_batches/no_doubtful_references", "documents/no_doubtful_references", "patients/no_doubtful_references"
)
def person_is_archived(clinic: CheckedClinic) -> Red:
    person = clinic.value(PERSON_WITH_EVERYTHING)
    clinic.relate(person, clinic.value(ANOTHER_PERSON, person))
    clinic.execute("UPDATE {patients} SET archived = true WHERE id = %s", person)
    count = "SELECT count(*) FROM {%s} WHERE object_id = %%s"
    return {
        "image_batches/no_doubtful_references": {"target_archived": clinic.value(count % "images_batch", person)},
        "documents/no_doubtful_references": {"target_archived": clinic.value(count % "documents_document", person)},
        "patients/no_doubtful_references": {"target_archived": 1},
    }


# --- 2 · the right person ---------------------------------------------------------------------------------------------


@turns_red("documents/linked_to_named_patient")
def document_is_linked_to_somebody_else(clinic: CheckedClinic) -> Red:
    document = clinic.value(LINKED_DOCUMENT)
    owner = clinic.value("SELECT object_id::text FROM {documents_document} WHERE id = %s", document)
    clinic.execute(
        "UPDATE {documents_document} SET object_id = %s WHERE id = %s", clinic.value(ANOTHER_PERSON, owner), document
    )
    return {"documents/linked_to_named_patient": {"other_patient": 1}}


@turns_red("documents/linked_to_named_patient")
def document_is_linked_to_nobody_any_more(clinic: CheckedClinic) -> Red:
    clinic.execute(
        "UPDATE {documents_document} SET object_id = NULL, content_type_id = NULL WHERE id = %s",
        clinic.value(LINKED_DOCUMENT),
    )
    return {"documents/linked_to_named_patient": {"link_removed": 1}}


@turns_red("appointments/linked_to_named_patient", "notes/linked_to_named_patient")
def appointments_and_notes_are_somebody_elses(clinic: CheckedClinic) -> Red:
    for table in ("appointments", "notes"):
        row, owner = clinic.row(f"SELECT id::text, patient_id::text FROM {{{table}}} ORDER BY id LIMIT 1")
        other = clinic.value(ANOTHER_PERSON, owner)
        clinic.execute(f"UPDATE {{{table}}} SET patient_id = %s WHERE id = %s", other, row)
    return {
        "appointments/linked_to_named_patient": {"other_patient": 1},
        "notes/linked_to_named_patient": {"other_patient": 1},
    }


@turns_red("patients/guard_in_force")
def table_came_after_the_guard(clinic: CheckedClinic) -> Red:
    whole = guard.install(clinic.engine)
    clinic.execute(
        "CREATE TABLE sketches (id uuid PRIMARY KEY, content_type_id integer REFERENCES django_content_type, object_id uuid)"
    )
    return {"patients/guard_in_force": {"guard_missing": 1, "guard_outdated": len(whole.tables)}}


@turns_red("patients/guard_in_force")
def guard_is_switched_off(clinic: CheckedClinic) -> Red:
    guard.install(clinic.engine)
    clinic.execute("ALTER TABLE {images_batch} DISABLE TRIGGER USER")
    return {"patients/guard_in_force": {"guard_disabled": 2}}


@turns_red("patients/guard_in_force")
def nothing_of_the_guard_came_back_with_a_backup(clinic: CheckedClinic) -> Red:
    whole = guard.install(clinic.engine)
    for table, name in clinic.rows(
        "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgname ~ '^nexus_assets_guard'"
    ):
        clinic.execute(f"DROP TRIGGER {name} ON {table}")
    return {"patients/guard_in_force": {"guard_missing": len(whole.keys) + len(whole.tables)}}


@turns_red("image_batches/linked_to_named_patient")
def batch_is_somebody_elses(clinic: CheckedClinic) -> Red:
    batch = clinic.value(IMPORTED_BATCH)
    owner = clinic.value("SELECT object_id::text FROM {images_batch} WHERE id = %s", batch)
    clinic.execute(
        "UPDATE {images_batch} SET object_id = %s, name = 'Moved' WHERE id = %s",
        clinic.value(ANOTHER_PERSON, owner),
        batch,
    )
    return {"image_batches/linked_to_named_patient": {"other_patient": 1}}


@turns_red("images/records_agree_on_patient")
def image_lies_in_a_batch_of_somebody_else(clinic: CheckedClinic) -> Red:
    image, _, batch = clinic.row(IMPORTED_IMAGE)
    other = clinic.value(
        "SELECT b.id::text FROM {images_batch} AS b JOIN {images_batch} AS home ON home.id = %s"
        " JOIN nexus_assets.identity_image_batches AS l ON l.nexus_id = b.id"
        " WHERE b.object_id <> home.object_id ORDER BY b.id LIMIT 1",
        batch,
    )
    clinic.execute("UPDATE {images_image} SET batch_id = %s WHERE id = %s", other, image)
    # Nexus keeps its counts itself when a person moves an image.
    clinic.execute("UPDATE {images_batch} SET image_count = image_count - 1 WHERE id = %s", batch)
    clinic.execute("UPDATE {images_batch} SET image_count = image_count + 1 WHERE id = %s", other)
    return {"images/records_agree_on_patient": {"image_and_batch": 1}}


@turns_red("images/records_agree_on_patient")
def document_and_image_of_one_record_are_of_two_people(clinic: CheckedClinic) -> Red:
    image, _, batch = clinic.row(IMPORTED_IMAGE)
    owner = clinic.value("SELECT object_id::text FROM {images_batch} WHERE id = %s", batch)
    document, record = clinic.row(
        "SELECT d.id::text, l.source_id::text FROM {documents_document} AS d"
        " JOIN nexus_assets.identity_documents AS l ON l.nexus_id = d.id WHERE d.object_id <> %s ORDER BY d.id LIMIT 1",
        owner,
    )
    clinic.execute("UPDATE {images_image} SET filemaker_id = %s WHERE id = %s", record, image)
    clinic.execute("UPDATE nexus_assets.identity_images SET source_id = %s WHERE nexus_id = %s", record, image)
    assert document
    return {"images/records_agree_on_patient": {"documents_and_images": 1}}


# --- 3 · duplicates ---------------------------------------------------------------------------------------------------


@turns_red("images/no_duplicates")
def image_is_there_twice(clinic: CheckedClinic) -> Red:
    image, _, batch = clinic.row(IMPORTED_IMAGE)
    _copy(clinic, "images_image", image, filemaker_id="NULL")
    clinic.execute("UPDATE {images_batch} SET image_count = image_count + 1 WHERE id = %s", batch)
    return {"images/no_duplicates": {"same_file": 1}}


@turns_red("images/no_duplicates")
def batch_is_there_nine_times(clinic: CheckedClinic) -> Red:
    """Nine empty batches beside each good one, as nine runs of the old importer left them."""
    for _ in range(9):
        _copy(clinic, "images_batch", clinic.value(IMPORTED_BATCH), image_count="0", uploaded_at="now()")
    return {"images/no_duplicates": {"same_patient_and_day": 9}}


@turns_red("patients/no_duplicates")
def person_is_there_twice(clinic: CheckedClinic) -> Red:
    _copy(clinic, "patients", clinic.value(PERSON_WITH_EVERYTHING), created_at="now()", mrn="NULL")
    return {"patients/no_duplicates": {"same_filemaker_id": 1}}


@turns_red("documents/no_duplicates")
def document_is_there_twice(clinic: CheckedClinic) -> Red:
    _copy(clinic, "documents_document", clinic.value(LINKED_DOCUMENT), filemaker_id="NULL")
    return {"documents/no_duplicates": {"same_file": 1}}


@turns_red(*(f"{name}/no_duplicates" for name in OWN_TABLE))
def rows_are_there_twice_where_no_constraint_forbids_it(clinic: CheckedClinic) -> Red:
    for name in OWN_TABLE:
        for constraint in clinic.values(
            "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'u'", clinic.table(name)
        ):
            clinic.execute(f"ALTER TABLE {{{name}}} DROP CONSTRAINT {constraint}")
        loaded = clinic.value(_loaded(name))
        if name in ("referrer_companies", "patient_referrers"):
            clinic.execute(f"UPDATE {{{name}}} SET is_primary = true WHERE id = %s", loaded)
        _copy(clinic, name, loaded, **({"name": "upper(name) || ' '"} if name == "specialties" else {}))
    return {
        "companies/no_duplicates": {"same_filemaker_id": 1},
        "referrers/no_duplicates": {"same_filemaker_id": 1},
        "specialties/no_duplicates": {"same_name": 1},
        "referrer_companies/no_duplicates": {"same_pair": 1, "second_primary": 1},
        "patient_referrers/no_duplicates": {"same_pair": 1, "second_primary": 1},
    }


# --- 4 · counts -------------------------------------------------------------------------------------------------------


@turns_red("images/image_counts_true", "images/every_image_visible")
def image_count_is_wrong(clinic: CheckedClinic) -> Red:
    batch = clinic.value(IMPORTED_BATCH)
    clinic.execute("UPDATE {images_batch} SET image_count = image_count + 1 WHERE id = %s", batch)
    return {
        "images/image_counts_true": {"too_high": 1},
        "images/every_image_visible": {"image_count_wrong": _images_in(clinic, batch)},
    }


@turns_red("notes/every_row_accounted", "appointments/every_row_accounted")
def rows_are_lost(clinic: CheckedClinic) -> Red:
    for table in ("notes", "appointments"):
        clinic.execute(f"DELETE FROM {{{table}}} WHERE id IN (SELECT id FROM {{{table}}} ORDER BY id LIMIT 3)")
    return {"notes/every_row_accounted": {"row_lost": 3}, "appointments/every_row_accounted": {"row_lost": 3}}


@turns_red("documents/every_row_accounted", "patients/every_row_accounted")
def filemaker_ids_are_changed(clinic: CheckedClinic) -> Red:
    clinic.execute(
        "UPDATE {documents_document} SET filemaker_id = %s WHERE id = %s", NOWHERE, clinic.value(LINKED_DOCUMENT)
    )
    clinic.execute(
        "UPDATE {patients} SET filemaker_metadata = filemaker_metadata - 'filemaker_id' WHERE id = %s",
        clinic.value(PERSON_WITH_EVERYTHING),
    )
    return {
        "documents/every_row_accounted": {"filemaker_id_changed": 1},
        "patients/every_row_accounted": {"filemaker_id_changed": 1},
    }


@turns_red("notes/every_row_accounted", "images/every_row_accounted", "images/files_and_rows_agree")
def rejects_are_lost(clinic: CheckedClinic) -> Red:
    """A file whose reject is forgotten is a file without a row and without a reason."""
    keys = clinic.values("SELECT payload ->> 'key' FROM nexus_assets.reject WHERE entity = 'images'")
    records = [f"{key.rpartition('.')[0]}_thumb." for key in keys if key in clinic.images]
    thumbnails = sum(key.startswith(tuple(records)) for key in clinic.images)
    notes, images = (
        clinic.execute("DELETE FROM nexus_assets.reject WHERE entity = %s", entity) for entity in ("notes", "images")
    )
    unexplained = {"object_without_row": len(records), "thumbnail_without_row": thumbnails}
    return {
        "notes/every_row_accounted": {"rejects_not_kept": notes},
        "images/every_row_accounted": {"rejects_not_kept": images},
        "images/files_and_rows_agree": {reason: number for reason, number in unexplained.items() if number},
    }


@turns_red("appointments/every_row_accounted")
def ledger_has_lost_entries(clinic: CheckedClinic) -> Red:
    clinic.execute(
        "DELETE FROM nexus_assets.identity_appointments WHERE source_id IN"
        " (SELECT source_id FROM nexus_assets.identity_appointments ORDER BY 1 LIMIT 2)"
    )
    return {"appointments/every_row_accounted": {"ledger_too_small": 2}}


@turns_red("images/every_row_accounted")
def load_does_not_add_up(clinic: CheckedClinic) -> Red:
    clinic.execute("UPDATE nexus_assets.load SET source_rows = source_rows + 7 WHERE entity = 'images'")
    return {"images/every_row_accounted": {"rows_unaccounted": 7}}


# --- 5 · files --------------------------------------------------------------------------------------------------------


@turns_red("images/objects_exist", "images/every_image_visible")
def image_file_is_gone(clinic: CheckedClinic) -> Red:
    _, key, _ = clinic.row(IMPORTED_IMAGE)
    clinic.remove_file(key)
    return {
        "images/objects_exist": {"object_missing": 1},
        "images/every_image_visible": {"object_missing": 1},
    }


@turns_red("images/objects_exist", "images/every_image_visible")
def image_file_is_cut_short(clinic: CheckedClinic) -> Red:
    _, key, _ = clinic.row(IMPORTED_IMAGE)
    clinic.cut_file(key, 17)
    return {"images/objects_exist": {"size_differs": 1}, "images/every_image_visible": {"size_differs": 1}}


@turns_red("documents/objects_exist")
def document_file_is_empty(clinic: CheckedClinic) -> Red:
    document = clinic.value(LINKED_DOCUMENT)
    clinic.cut_file(clinic.value("SELECT s3_key FROM {documents_document} WHERE id = %s", document), 0)
    return {"documents/objects_exist": {"object_empty": 1}}


@turns_red("images/files_and_rows_agree", "documents/files_and_rows_agree")
def files_have_no_row(clinic: CheckedClinic) -> Red:
    _, image, _ = clinic.row(IMPORTED_IMAGE)
    clinic.copy_file(image, image.rpartition("/")[0] + "/99999901.jpg")
    document = clinic.value("SELECT s3_key FROM {documents_document} WHERE id = %s", clinic.value(LINKED_DOCUMENT))
    clinic.copy_file(document, document.partition("documents/")[0] + f"documents/{NOWHERE}.pdf")
    return {
        "images/files_and_rows_agree": {"object_without_row": 1},
        "documents/files_and_rows_agree": {"object_without_row": 1},
    }


@turns_red("images/files_and_rows_agree")
def thumbnail_is_gone(clinic: CheckedClinic) -> Red:
    image, _, _ = clinic.row(IMPORTED_IMAGE)
    clinic.remove_file(clinic.value("SELECT s3_thumbnail_key FROM {images_image} WHERE id = %s", image))
    return {"images/files_and_rows_agree": {"thumbnail_missing": 1}}


@turns_red("images/files_open", "documents/files_open")
def files_do_not_open(clinic: CheckedClinic) -> Red:
    """Of the right size in the listing, and something else when opened: found where the sample meets it."""
    images, documents = clinic.sampled()
    for key, broken in zip(
        images, ({"status": 403}, {"md5": "0" * 32}, {"head": b"<!DOCTYPE html>"}, {"size": 1}), strict=False
    ):
        clinic.serve_instead(key, **broken)
    clinic.serve_instead(documents[0], head=b"not a PDF")
    return {
        "images/files_open": {"not_served": 1, "wrong_checksum": 1, "wrong_content": 1, "wrong_length": 1},
        "documents/files_open": {"wrong_content": 1},
    }


# --- 7 · the last load ------------------------------------------------------------------------------------------------


@turns_red(*(f"{name}/last_load_as_usual" for name, entity in ENTITIES.items() if not entity.optional))
def loads_and_exports_are_old(clinic: CheckedClinic) -> Red:
    clinic.execute(
        "UPDATE nexus_assets.load SET finished_at = finished_at - interval '9 days' WHERE entity <> 'notes' AND entity <> ALL (%s)",
        [*OPTIONAL],
    )
    clinic.execute(
        "UPDATE nexus_assets.load SET sources = jsonb_set(sources, '{Notes,modified}', '\"2020-01-01T00:00:00+00:00\"')"
        " WHERE entity = 'notes'"
    )
    others = ("patients", "appointments", "documents", "image_batches", "images")
    return {
        **{f"{entity}/last_load_as_usual": {"load_too_old": 1} for entity in others},
        "notes/last_load_as_usual": {"export_too_old": 1},
    }


@turns_red("notes/last_load_as_usual", "patients/last_load_as_usual")
def load_is_unlike_the_one_before(clinic: CheckedClinic) -> Red:
    before = (
        "INSERT INTO nexus_assets.load (id, entity, run_id, started_at, finished_at, mapping_version, sources, date_orders,"
        " source_rows, outcomes, rejected, notices, healed) OVERRIDING SYSTEM VALUE"
        " SELECT -id, entity, run_id, started_at, finished_at, mapping_version, sources, date_orders, %s, outcomes, %s,"
        " notices, healed FROM nexus_assets.load WHERE entity = %s AND id > 0"
    )
    rows = clinic.value("SELECT source_rows FROM nexus_assets.load WHERE entity = 'patients'")
    rejected = clinic.value(
        "SELECT sum(value::int)::int FROM nexus_assets.load, jsonb_each_text(rejected) WHERE entity = 'notes'"
    )
    notes = clinic.value("SELECT source_rows FROM nexus_assets.load WHERE entity = 'notes'")
    clinic.execute(before, rows + 4000, "{}", "patients")
    more = 3000 + rejected
    clinic.execute(before, notes, "{}", "notes")
    clinic.execute(
        "UPDATE nexus_assets.load SET rejected = rejected || jsonb_build_object('too_long', 3000),"
        " source_rows = source_rows + 3000 WHERE entity = 'notes' AND id > 0"
    )
    clinic.execute(
        "INSERT INTO nexus_assets.reject (entity, row_number, reason, row_hash, payload, first_load)"
        " SELECT 'notes', n, 'too_long', n, '{}', 1 FROM generate_series(1, 3000) AS n"
    )
    return {
        "patients/last_load_as_usual": {"rows_fewer": 4000},
        "notes/last_load_as_usual": {"rejects_more": more},
    }


@turns_red(*(f"{name}/{check}" for name in OPTIONAL for check in ("last_load_as_usual", "every_row_accounted")))
def last_loads_of_optional_entities_are_old_and_do_not_add_up(clinic: CheckedClinic) -> Red:
    clinic.execute(
        "INSERT INTO nexus_assets.load (entity, run_id, started_at, finished_at, mapping_version, sources, date_orders,"
        " source_rows, outcomes, rejected, notices, healed) SELECT name, '', now(), now(), '', '{}', '{}', 0, '{}', '{}', '{}', '{}'"
        " FROM unnest(%s::text[]) AS name WHERE name NOT IN (SELECT entity FROM nexus_assets.load)",
        [*OPTIONAL],
    )
    clinic.execute(
        "UPDATE nexus_assets.load SET finished_at = finished_at - interval '9 days', source_rows = source_rows + 7"
        " WHERE entity = ANY (%s)",
        [*OPTIONAL],
    )
    old = {f"{name}/last_load_as_usual": {"load_too_old": 1} for name in OPTIONAL}
    return old | {f"{name}/every_row_accounted": {"rows_unaccounted": 7} for name in OPTIONAL}


@turns_red(*(f"{entity}/agrees_with_filemaker" for entity in ENTITIES))
def values_are_kept_that_a_person_changed(clinic: CheckedClinic) -> Red:
    clinic.execute(
        "INSERT INTO nexus_assets.conflict (entity, source_id, nexus_id, column_name, cause, first_load)"
        " SELECT entity, gen_random_uuid(), gen_random_uuid(), name, 'edited', 1"
        " FROM unnest(%s::text[]) AS entity, unnest(ARRAY['one', 'one', 'other']) AS name",
        [*ENTITIES],
    )
    return {f"{entity}/agrees_with_filemaker": {"one": 2, "other": 1} for entity in ENTITIES}


# --- 4 · what a load must have seen -----------------------------------------------------------------------------------


@turns_red("notes/every_row_accounted", "appointments/every_row_accounted", "documents/linked_to_named_patient")
def patient_came_after_the_rows_that_name_them(clinic: CheckedClinic) -> Red:
    """What a load leaves that ran beside the load of its patients."""
    late = clinic.contact("Late")
    clinic.note(late)
    clinic.appointment(late)
    clinic.document(late)
    clinic.load("notes", "appointments", "documents", "patients")
    return {
        "notes/every_row_accounted": {"reason_no_longer_true": 1},
        "appointments/every_row_accounted": {"reason_no_longer_true": 1},
        "documents/linked_to_named_patient": {"never_linked": 1},
    }


@turns_red("images/every_row_accounted")
def batch_came_after_its_images(clinic: CheckedClinic) -> Red:
    clinic.image(clinic.exports["Contacts"][0]["id"], "5/6/2024")
    clinic.load("images", "image_batches")
    return {"images/every_row_accounted": {"reason_no_longer_true": 1}}


OF_NEW_ROWS = ("patient_came_after_the_rows_that_name_them", "batch_came_after_its_images")
"""Those that add rows to the exports: the demo's are written once, and not row by row."""

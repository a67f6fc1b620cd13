"""Patients, one per FileMaker contact that has a last name."""

from nexus_assets.mapping import parse
from nexus_assets.mapping.entity import (
    Archive,
    AsInFileMaker,
    ByFileMakerId,
    Column,
    Entity,
    ExportRows,
    Lookup,
    Match,
    Model,
    Now,
)

TITLES = {title.lower(): title for title in ("Mr", "Mrs", "Ms", "Miss", "Dr", "Prof")}
"""The titles that Nexus accepts on a later edit; FileMaker's carry a final dot or another case."""

SEXES = {
    **dict.fromkeys(("m", "male", "man"), "M"),
    **dict.fromkeys(("f", "female", "woman"), "F"),
    **dict.fromkeys(("o", "other", "non-binary", "non binary", "nonbinary", "x"), "O"),
}

METADATA, METADATA_PARSER = parse.json_keys(
    {
        "filemaker_id": (parse.text, "id"),
        "clinic_name": (parse.text, "Clinic_Name"),
        "area": (parse.text, "Area"),
        "contact_type": (parse.text, "contactType"),
        "cys_id": (parse.text, "CYS_ID"),
        "diabetes": (parse.text, "Diabetes"),
        "id_clinic": (parse.text, "id_Clinic"),
        "title": (parse.unmatched_text(TITLES), "title"),
        "dob": (parse.unparsed_date, "DOB"),
        "ndis": {
            "coordinator_name": (parse.text, "NDIS Coordinator Name"),
            "coordinator_email": (parse.text, "NDIS Coordinator Email"),
            "coordinator_phone": (parse.text, "NDIS Coordinator Phone"),
            "plan_start_date": (parse.day_text, "NDIS Plan Start Date"),
            "plan_end_date": (parse.day_text, "NDIS Plan End Date"),
            "notes": (parse.text, "NDIS notes"),
        },
    }
)

PATIENTS = Entity(
    name="patients",
    description="People of the clinic, from FileMaker's Contacts. A person keeps one id forever.",
    model=Model("patients.patient", ("patients", "patients_patient")),
    source=ExportRows("Contacts"),
    source_id="id",
    columns=(
        Column("first_name", ("nameFirst",), parse.first_text(default="")),
        Column("last_name", ("nameLast",), parse.text, required="no_last_name"),
        Column("middle_names", ("nameMiddle",), parse.text),
        Column("title", ("title",), parse.choice(TITLES, unknown=None), left_by_importers=(AsInFileMaker(),)),
        Column("dob", ("DOB",), parse.past_day, unreadable="unreadable_birth_date"),
        Column("sex", ("gender",), parse.choice(SEXES, unknown="unknown_sex"), left_by_importers=(AsInFileMaker(),)),
        Column("health_number", ("Health Number",), parse.text),
        Column("filemaker_metadata", METADATA, METADATA_PARSER),
    ),
    lookups=(
        Lookup(
            "clinic_id",
            (
                Match(("clinics", "clinicians_clinic"), "filemaker_id", "id_Clinic"),
                Match(("clinics", "clinicians_clinic"), "name", "Clinic_Name"),
            ),
            notice="unknown_clinic",
        ),
        Lookup(
            "funding_type_id",
            (Match(("funding_sources", "settings_fundingsource"), "name", "Funding"),),
            notice="unknown_funding",
        ),
    ),
    recognised_by=(ByFileMakerId("filemaker_metadata", key="filemaker_id"),),
    on_insert={
        "archived": False,
        "plan_dates_json": "[]",
        "contact_json": "{}",
        "address_json": "{}",
        "emergency_json": "{}",
        "flags_json": "{}",
        "created_at": Now(),
        "updated_at": Now(),
    },
    updated_at="updated_at",
    identity_columns=("last_name", "first_name", "dob"),
    archive=Archive("archived", at="archived_at", by="archived_by", name="FileMaker Import"),
)

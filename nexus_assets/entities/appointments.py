"""Appointments, one per FileMaker appointment of a known contact with a start date."""

from nexus_assets.mapping import parse
from nexus_assets.mapping.entity import (
    ByContent,
    ByFileMakerId,
    Column,
    Entity,
    ExportRows,
    Lookup,
    Match,
    Model,
    Now,
    Reference,
    SameAs,
)

STATUSES = {
    "scheduled": "scheduled",
    "checked in": "checked_in",
    "checked-in": "checked_in",
    "checked_in": "checked_in",
    "completed": "completed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "no show": "no_show",
    "no-show": "no_show",
    "no_show": "no_show",
}

APPOINTMENTS = Entity(
    name="appointments",
    description="Appointments of patients, from FileMaker's Appointments.",
    model=Model("appointments.appointment", ("appointments", "appointments_appointment")),
    source=ExportRows("Appointments", optional_headings=("Status",), companion_exports=("Clinicians",)),
    source_id="id",
    references=(Reference("patient_id", "id_Contact", to="patients", missing="no_contact", unknown="unknown_contact"),),
    columns=(
        Column("filemaker_event_id", ("id",), parse.uuid, fill_only=True),
        Column("start_time", ("startDate", "startTime"), parse.local_start, required="no_start_date"),
        Column(
            "end_time",
            ("startDate", "startTime", "endDate", "endTime"),
            parse.local_end,
            left_by_importers=(SameAs("start_time"),),  # all-day events
        ),
        Column("status", ("Status",), parse.choice(STATUSES, unknown="unknown_status")),
        Column("notes", ("notes",), parse.text),
    ),
    lookups=(
        Lookup(
            "clinic_id",
            (Match(("clinics", "clinicians_clinic"), "filemaker_id", "id_Clinic"),),
            notice="unknown_clinic",
            fallback=("patient_id", "clinic_id"),
        ),
        Lookup(
            "clinician_id",
            (
                Match(
                    ("clinicians", "clinicians_clinician"),
                    "full_name",
                    "id_Clinician",
                    through=("Clinicians", "id", "full name"),
                ),
            ),
            notice="unknown_clinician",
        ),
        Lookup(
            "appointment_type_id",
            (Match(("appointment_types", "appointments_appointmenttype"), "name", "Type"),),
            notice="unknown_appointment_type",
        ),
    ),
    recognised_by=(
        ByFileMakerId("filemaker_event_id"),
        ByContent(("patient_id", "start_time", "end_time", "notes"), unless="filemaker_event_id"),
        ByContent(("patient_id", "start_time", "end_time"), unless="filemaker_event_id"),
        ByContent(("patient_id", "start_time"), unless="filemaker_event_id", left_in="end_time"),
    ),
    on_insert={
        "status": "scheduled",
        "needs_followup_reminder": False,
        "followup_scheduled": False,
        "is_recurring": False,
        "invoice_contact_type": "patient",
        "billing_notes": "",
        "sms_confirmed": False,
        "sms_cancelled": False,
        "created_at": Now(),
        "updated_at": Now(),
    },
    updated_at="updated_at",
    resembles=("patient_id", "start_time"),
    insert_order=("patient_id", "start_time"),
)

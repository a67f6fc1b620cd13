"""Which Django model stands behind each table of Nexus, and what the table is called in either naming."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Naming = Literal["current", "django"]
Model = tuple[str, str]

# Only patients, notes, appointments and the batch are known for certain; the other labels follow their tables' names.
MODELS: Mapping[str, Model] = {
    "patients": ("patients", "patient"),
    "appointments": ("appointments", "appointment"),
    "appointment_types": ("appointments", "appointmenttype"),
    "encounters": ("appointments", "encounter"),
    "clinics": ("clinics", "clinic"),
    "clinicians": ("clinicians", "clinician"),
    "funding_sources": ("patients", "fundingsource"),
    "notes": ("notes", "note"),
    "documents_document": ("documents", "document"),
    "images_batch": ("images", "batch"),
    "images_image": ("images", "image"),
    "contact_relationships": ("contacts", "contactrelationship"),
    "reminders": ("reminders", "reminder"),
    "letters_patientletter": ("letters", "patientletter"),
    "referrers": ("referrers", "referrer"),
    "patient_referrers": ("referrers", "patientreferrer"),
    "coordinators": ("coordinators", "coordinator"),
    "patient_coordinators": ("coordinators", "patientcoordinator"),
    "companies": ("companies", "company"),
    "sms_templates": ("sms", "smstemplate"),
    "sms_messages": ("sms", "smsmessage"),
    "sms_inbound": ("sms", "smsinbound"),
    "xero_connections": ("xero", "xeroconnection"),
    "xero_contact_links": ("xero", "xerocontactlink"),
    "xero_invoice_links": ("xero", "xeroinvoicelink"),
    "xero_quote_links": ("xero", "xeroquotelink"),
    "auth_user": ("auth", "user"),
    "django_content_type": ("contenttypes", "contenttype"),
    "django_admin_log": ("admin", "logentry"),
}

# Django's own apps chose these names themselves, in every naming.
FIXED_NAMES = frozenset({"auth_user", "django_content_type", "django_admin_log"})


def model_of(table: str, naming: Naming = "current") -> Model:
    """Returns (`app_label`, `model`) of a table listed in `nexus_schema.tsv`."""
    if table == "images_batch" and naming == "django":
        return "images", "imagebatch"  # as in the Nexus of the incident
    return MODELS[table]


def table_name(table: str, naming: Naming = "current") -> str:
    """Returns what the table listed as `table` is called in this naming."""
    if naming == "current" or table in FIXED_NAMES:
        return table
    return "_".join(model_of(table, naming))

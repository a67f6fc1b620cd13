"""Who referred a patient, one per pair that FileMaker has, however often; the latest referral tells date and reason."""

from nexus_assets.entities.referrer_companies import NOT_CHOSEN
from nexus_assets.mapping import parse
from nexus_assets.mapping.entity import ByContent, Column, Entity, ExportRows, Key, Model, Now, Reference

PAIR = Key("pair", (("id_Contact",), ("id_Perscriber",)), latest="date")
"""The second heading is FileMaker's own spelling."""

STATUSES = {"active": "ACTIVE", "inactive": "INACTIVE", "pending": "PENDING"}

PATIENT_REFERRERS = Entity(
    name="patient_referrers",
    description="Who referred patients, from FileMaker's PatientToReferrer.",
    optional=True,
    model=Model("referrers.patientreferrer", ("patient_referrers", "referrers_patientreferrer")),
    source=ExportRows("PatientToReferrer", optional_headings=("Reason", "Status", "Primary"), keys=(PAIR,)),
    source_id=PAIR.name,
    references=(
        Reference("patient_id", "id_Contact", to="patients", missing="no_contact", unknown="unknown_contact"),
        Reference("referrer_id", "id_Perscriber", to="referrers", missing="no_referrer", unknown="unknown_referrer"),
    ),
    columns=(
        Column("referral_date", ("date",), parse.day),
        Column("referral_reason", ("Reason",), parse.text),
        Column("status", ("Status",), parse.choice(STATUSES, unknown="unknown_status")),
        Column("is_primary", ("Primary",), parse.flag, left_by_importers=(NOT_CHOSEN,)),
    ),
    recognised_by=(ByContent(("patient_id", "referrer_id")),),
    on_insert={"status": "ACTIVE", "is_primary": False, "created_at": Now(), "updated_at": Now()},
    updated_at="updated_at",
    people_delete=True,
)

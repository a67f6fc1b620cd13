"""Which support coordinator a patient has, one per pair that FileMaker has; a link ends when FileMaker names another one."""

from nexus_assets.entities.coordinator_specialty import COORDINATOR, NAME
from nexus_assets.entities.patient_referrers import PATIENT_REFERRERS
from nexus_assets.mapping import parse
from nexus_assets.mapping.entity import ByContent, Column, End, Entity, ExportRows, Key, Now, Reference

PAIR = Key("pair", (("id",), (NAME,)), latest="NDIS Plan Start Date")

COORDINATOR_LINKS = Entity(
    name="coordinator_links",
    description="The support coordinators of patients, from FileMaker's Contacts.",
    optional=True,
    shares=PATIENT_REFERRERS,
    model=PATIENT_REFERRERS.model,
    source=ExportRows("Contacts", keys=(PAIR, COORDINATOR), only_with=NAME),
    source_id=PAIR.name,
    references=(
        Reference("patient_id", "id", to="patients", missing="no_contact", unknown="unknown_contact"),
        Reference("referrer_id", COORDINATOR.name, to="support_coordinators", unknown="unknown_coordinator"),
    ),
    columns=(
        Column("referral_date", ("NDIS Plan Start Date",), parse.day, unreadable="unreadable_plan_date"),
        Column("status", (), parse.constant("ACTIVE")),
    ),
    recognised_by=(ByContent(("patient_id", "referrer_id")),),
    on_insert={"is_primary": False, "created_at": Now(), "updated_at": Now()},
    updated_at="updated_at",
    people_delete=True,
    ends=(End("status", "INACTIVE"),),
)

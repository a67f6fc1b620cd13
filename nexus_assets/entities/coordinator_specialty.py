"""The specialty by which Nexus knows support coordinators among the referrers: one row, once FileMaker names a coordinator."""

from nexus_assets.entities.specialties import SPECIALTIES
from nexus_assets.mapping import parse
from nexus_assets.mapping.entity import ByContent, Column, Entity, ExportRows, Key, Now

NAME = "NDIS Coordinator Name"
COORDINATOR = Key("coordinator", ((NAME,),), latest="NDIS Plan Start Date")
"""FileMaker has no id of coordinators, only the text that each of their patients has."""

SUPPORT_COORDINATOR = "Support Coordinator"
"""The front end's page of coordinators lists the referrers whose specialty contains this."""

SPECIALTY = Key("specialty", COORDINATOR.parts, means=SUPPORT_COORDINATOR)

COORDINATOR_SPECIALTY = Entity(
    name="coordinator_specialty",
    description="The specialty of NDIS support coordinators.",
    optional=True,
    shares=SPECIALTIES,
    model=SPECIALTIES.model,
    source=ExportRows("Contacts", keys=(SPECIALTY,), only_with=NAME),
    source_id=SPECIALTY.name,
    columns=(Column("name", (), parse.constant(SUPPORT_COORDINATOR)),),
    recognised_by=(ByContent(("name",), ignoring_case=True),),
    on_insert={"created_at": Now()},
)

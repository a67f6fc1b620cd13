"""NDIS support coordinators, one per text that FileMaker has of one, as the front end reads them: referrers with their specialty."""

from nexus_assets.entities.coordinator_specialty import COORDINATOR, NAME, SPECIALTY
from nexus_assets.entities.referrers import REFERRERS
from nexus_assets.mapping import parse
from nexus_assets.mapping.entity import ByContent, Column, Entity, ExportRows, Now, Placeholder, Reference

DASH = r"[-\u2010-\u2015\u2212]+(?:\s|$)"
"""Dashes that stand alone: behind them comes the organisation, as in `Wren Banksia - Saltbush Care`."""

FIRST = rf"^(?!{DASH})(\S+)"
LAST = rf"^(?!{DASH})\S+\s+((?!{DASH})\S+(?:\s+(?!{DASH})\S+)*)"
ORGANISATION = rf"\s{DASH}\s*(\S.*)$"

WHOLE = ("last_name", "first_name", "practice_name")
UNSPLIT = Placeholder(("% - %", "% \u2013 %", "% \u2014 %"))
"""What an importer left as the last name: the organisation stands behind it."""

CONTACT, CONTACT_PARSER = parse.json_keys(
    {"phone": (parse.phone_number, "NDIS Coordinator Phone"), "email": (parse.text, "NDIS Coordinator Email")}
)
"""As the pages of referrers and coordinators read one phone number and one address. A patient's NDIS notes stay with the patient."""

SUPPORT_COORDINATORS = Entity(
    name="support_coordinators",
    description="NDIS support coordinators, from FileMaker's Contacts. One who is also in Referrers is that referrer.",
    optional=True,
    shares=REFERRERS,
    model=REFERRERS.model,
    source=ExportRows("Contacts", keys=(COORDINATOR, SPECIALTY), only_with=NAME),
    source_id=COORDINATOR.name,
    references=(Reference("specialty_id", SPECIALTY.name, to="coordinator_specialty"),),
    columns=(
        Column("first_name", (NAME,), parse.captured(FIRST)),
        Column("last_name", (NAME,), parse.captured(LAST), required="no_last_name", left_by_importers=(UNSPLIT,)),
        Column("practice_name", (NAME,), parse.captured(ORGANISATION)),
        Column("contact_json", CONTACT, CONTACT_PARSER),
    ),
    recognised_by=(
        ByContent(("last_name", "first_name"), of="referrers", ignoring_case=True),
        ByContent(
            (*WHOLE, "specialty_id"), unless="filemaker_id", spread_over=("first_name", "last_name"), ignoring_case=True
        ),
        ByContent(("last_name", "first_name", "specialty_id"), unless="filemaker_id", ignoring_case=True),
    ),
    on_insert={"address_json": "{}", "created_at": Now(), "updated_at": Now()},
    updated_at="updated_at",
)

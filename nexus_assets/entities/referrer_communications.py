"""Telephone numbers, mail addresses and addresses of referrers, from the rows of FileMaker's Coms that name one."""

from nexus_assets.entities.patient_communications import COMS, ENTRIES, OWNER, TO_NOTHING
from nexus_assets.entities.referrers import REFERRERS
from nexus_assets.mapping import communications
from nexus_assets.mapping.entity import ByHost, Column, Entity, ListsOfImporter, Reference

REFERRER_COMMUNICATIONS = Entity(
    name="referrer_communications",
    description="Telephone numbers, mail addresses and addresses of referrers, from FileMaker's Coms.",
    optional=True,
    shares=REFERRERS,
    model=REFERRERS.model,
    source=COMS,
    source_id=OWNER.name,
    references=(Reference(None, "id.key", to="referrers", missing="no_owner", unknown="unknown_owner"),),
    columns=(
        Column(
            "contact_json",
            (ENTRIES.name,),
            communications.contact(*communications.CONTACT_LISTS, merged=True),
            left_by_importers=(ListsOfImporter(communications.CONTACT_LISTS),),
        ),
        Column(
            "address_json",
            (ENTRIES.name,),
            communications.address(merged=True),
            left_by_importers=(ListsOfImporter(communications.ADDRESS_LISTS, texts=communications.ADDRESS_TEXTS),),
        ),
    ),
    recognised_by=(ByHost(),),
    updated_at="updated_at",
    ends=TO_NOTHING,
)

"""What each table is: one file per entity, data without control flow. `ENTITIES` lists them in the order of loading."""

from nexus_assets.entities.appointments import APPOINTMENTS
from nexus_assets.entities.companies import COMPANIES
from nexus_assets.entities.company_communications import COMPANY_COMMUNICATIONS
from nexus_assets.entities.coordinator_links import COORDINATOR_LINKS
from nexus_assets.entities.coordinator_specialty import COORDINATOR_SPECIALTY
from nexus_assets.entities.documents import DOCUMENTS
from nexus_assets.entities.image_batches import IMAGE_BATCHES
from nexus_assets.entities.images import IMAGES
from nexus_assets.entities.notes import NOTES
from nexus_assets.entities.patient_communications import PATIENT_COMMUNICATIONS
from nexus_assets.entities.patient_referrers import PATIENT_REFERRERS
from nexus_assets.entities.patients import PATIENTS
from nexus_assets.entities.referrer_communications import REFERRER_COMMUNICATIONS
from nexus_assets.entities.referrer_companies import REFERRER_COMPANIES
from nexus_assets.entities.referrers import REFERRERS
from nexus_assets.entities.specialties import SPECIALTIES
from nexus_assets.entities.support_coordinators import SUPPORT_COORDINATORS
from nexus_assets.mapping.entity import Entity

_ALWAYS = (PATIENTS, APPOINTMENTS, NOTES, DOCUMENTS, IMAGE_BATCHES, IMAGES)
_WHERE_EXPORTED = (
    COMPANIES,
    SPECIALTIES,
    REFERRERS,
    REFERRER_COMPANIES,
    PATIENT_REFERRERS,
    COORDINATOR_SPECIALTY,
    SUPPORT_COORDINATORS,
    COORDINATOR_LINKS,
    PATIENT_COMMUNICATIONS,
    REFERRER_COMMUNICATIONS,
    COMPANY_COMMUNICATIONS,
)

ENTITIES: dict[str, Entity] = {entity.name: entity for entity in (*_ALWAYS, *_WHERE_EXPORTED)}
"""Every entity by its name, which is its asset key; parents before children."""

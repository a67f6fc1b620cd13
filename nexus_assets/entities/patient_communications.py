"""Telephone numbers, mail addresses and addresses of patients, from the rows of FileMaker's Coms that name one."""

from nexus_assets.entities.patients import PATIENTS
from nexus_assets.mapping import communications
from nexus_assets.mapping.entity import (
    ByHost,
    Column,
    End,
    Entity,
    ExportRows,
    Gathered,
    Key,
    ListsOfImporter,
    Reference,
)

OWNER = Key("owner", (("id.key",),), owners=("patients", "referrers", "companies"))
"""Whose number or address a row holds, whatever they are."""

ENTRIES = Gathered(
    "entries",
    (
        "type", "Name", "ph", "PhoneMobileIntFormat", "SMS Phone", "address 1", "address 2", "suburb", "state", "post code",
        "country", "Full Address one line",
    ),
    communications.entry,
)  # fmt: skip
"""`Email default` is not read: it holds 1, never an address."""

COMS = ExportRows("Coms", keys=(OWNER,), gathered=ENTRIES)

TO_NOTHING = (End("contact_json", "{}"), End("address_json", "{}"))
"""Of an owner whom Coms names no more."""

PATIENT_COMMUNICATIONS = Entity(
    name="patient_communications",
    description="Telephone numbers, mail addresses and addresses of patients, from FileMaker's Coms.",
    optional=True,
    shares=PATIENTS,
    model=PATIENTS.model,
    source=COMS,
    source_id=OWNER.name,
    references=(Reference(None, "id.key", to="patients", missing="no_owner", unknown="unknown_owner"),),
    columns=(
        Column(
            "contact_json",
            (ENTRIES.name,),
            communications.contact(*communications.CONTACT_LISTS, "email"),
            left_by_importers=(ListsOfImporter(communications.CONTACT_LISTS, texts=("email",)),),
        ),
        Column(
            "address_json",
            (ENTRIES.name,),
            communications.address(),
            left_by_importers=(ListsOfImporter(communications.ADDRESS_LISTS, texts=communications.ADDRESS_TEXTS),),
        ),
    ),
    recognised_by=(ByHost(),),
    updated_at="updated_at",
    ends=TO_NOTHING,
)

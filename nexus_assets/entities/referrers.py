"""Referrers, one per FileMaker referrer that has a last name: the doctors and others who send patients."""

from nexus_assets.entities.specialties import SPECIALTY
from nexus_assets.mapping import parse
from nexus_assets.mapping.entity import ByContent, ByFileMakerId, Column, Entity, ExportRows, Model, Now, Reference

REFERRERS = Entity(
    name="referrers",
    description="Who refers patients, from FileMaker's Referrers.",
    optional=True,
    model=Model("referrers.referrer", ("referrers", "referrers_referrer")),
    source=ExportRows("Referrers", optional_headings=("Specialty", "Practice"), keys=(SPECIALTY,)),
    source_id="id",
    references=(Reference("specialty_id", SPECIALTY.name, to="specialties"),),
    columns=(
        Column("filemaker_id", ("id",), parse.uuid, fill_only=True),
        Column("title", ("title",), parse.text),
        Column("first_name", ("nameFirst",), parse.first_text(default="")),
        Column("last_name", ("nameLast",), parse.text, required="no_last_name"),
        Column("practice_name", ("Practice",), parse.text),
    ),
    recognised_by=(
        ByFileMakerId("filemaker_id"),
        ByContent(("last_name", "first_name", "specialty_id"), unless="filemaker_id", ignoring_case=True),
        ByContent(("last_name", "first_name"), unless="filemaker_id", of="support_coordinators", ignoring_case=True),
    ),
    on_insert={"contact_json": "{}", "address_json": "{}", "created_at": Now(), "updated_at": Now()},
    updated_at="updated_at",
    identity_columns=("last_name", "first_name"),
)

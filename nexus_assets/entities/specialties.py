"""Specialties, one per text that any of FileMaker's referrers has as what they practise."""

from nexus_assets.mapping import parse
from nexus_assets.mapping.entity import ByContent, Column, Entity, ExportRows, Key, Model, Now

SPECIALTY = Key("specialty", (("Specialty", "contactType"),))
"""A referrer's specialty: FileMaker has it as a text, and in some exports under a heading of its own."""

SPECIALTIES = Entity(
    name="specialties",
    description="What referrers practise, from FileMaker's Referrers.",
    optional=True,
    model=Model("referrers.specialty", ("specialties", "referrers_specialty")),
    source=ExportRows("Referrers", optional_headings=("Specialty",), keys=(SPECIALTY,)),
    source_id=SPECIALTY.name,
    columns=(Column("name", SPECIALTY.headings, parse.first_text(), required="no_name"),),
    recognised_by=(ByContent(("name",), ignoring_case=True),),
    on_insert={"created_at": Now()},
)

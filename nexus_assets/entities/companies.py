"""Companies, one per FileMaker company that has a name: practices, and the providers that pay for patients."""

from nexus_assets.mapping import parse
from nexus_assets.mapping.entity import (
    ByContent,
    ByFileMakerId,
    Column,
    Entity,
    ExportRows,
    Model,
    Now,
    Placeholder,
)

TYPES = (("ndis", "NDIS_PROVIDER"), (r"\mmedical practice\M", "MEDICAL_PRACTICE"))
"""The first rule that FileMaker's free text contains decides; Nexus knows these types and `OTHER`."""

COMPANIES = Entity(
    name="companies",
    description="Companies that refer or pay, from FileMaker's Companies.",
    optional=True,
    model=Model("companies.company", ("companies", "companies_company")),
    source=ExportRows("Companies"),
    source_id="id",
    columns=(
        Column("filemaker_id", ("id",), parse.uuid, fill_only=True),
        Column("name", ("Name",), parse.text, required="no_name"),
        Column("abn", ("ABN",), parse.text),
        Column(
            "company_type",
            ("Type",),
            parse.first_match(TYPES, default="OTHER"),
            left_by_importers=(Placeholder(("OTHER",)),),
        ),
    ),
    recognised_by=(
        ByFileMakerId("filemaker_id"),
        ByContent(("name",), unless="filemaker_id", ignoring_case=True),
    ),
    on_insert={"contact_json": "{}", "address_json": "{}", "created_at": Now(), "updated_at": Now()},
    updated_at="updated_at",
)

"""Which company a referrer works for, one per pair that FileMaker has, however often."""

from nexus_assets.mapping import parse
from nexus_assets.mapping.entity import (
    ByContent,
    Column,
    Entity,
    ExportRows,
    Key,
    Model,
    Now,
    Placeholder,
    Reference,
)

PAIR = Key("pair", (("id_Referrer",), ("id_Company",)), latest="date")

NOT_CHOSEN = Placeholder(("false",))
"""What every link has in `is_primary` of which nobody said anything."""

REFERRER_COMPANIES = Entity(
    name="referrer_companies",
    description="Which companies referrers work for, from FileMaker's ReferrerToCompanies.",
    optional=True,
    model=Model("referrers.referrercompany", ("referrer_companies", "referrers_referrercompany")),
    source=ExportRows("ReferrerToCompanies", optional_headings=("Position", "Primary"), keys=(PAIR,)),
    source_id=PAIR.name,
    references=(
        Reference("referrer_id", "id_Referrer", to="referrers", missing="no_referrer", unknown="unknown_referrer"),
        Reference("company_id", "id_Company", to="companies", missing="no_company", unknown="unknown_company"),
    ),
    columns=(
        Column("position", ("Position",), parse.text),
        Column("is_primary", ("Primary",), parse.flag, left_by_importers=(NOT_CHOSEN,)),
    ),
    recognised_by=(ByContent(("referrer_id", "company_id")),),
    on_insert={"is_primary": False, "created_at": Now(), "updated_at": Now()},
    updated_at="updated_at",
    people_delete=True,
)

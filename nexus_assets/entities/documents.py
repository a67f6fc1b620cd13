"""Documents, one per document file in the bucket; linked to its patient where Docs names one that exists."""

from nexus_assets.mapping import parse
from nexus_assets.mapping.entity import (
    AsInFileMaker,
    ByContent,
    ByFileMakerId,
    Column,
    Entity,
    FileRecords,
    GenericReference,
    Model,
    Now,
    Placeholder,
    SameAs,
)

CATEGORIES = (
    "erf",
    "purchase_order",
    "referral",
    "enablensw_application",
    "remittance_advice",
    "quote",
    "medical",
    "prescription",
    "xray",
    "consent",
    "insurance",
    "invoice",
    "other",
)
"""The document categories that Nexus knows; free text is allowed beside them."""

IMPORTERS_MIME_TYPE = Placeholder(("image/jpeg", "application/octet-stream", "binary/octet-stream"))
"""The types that importers give to every file, whatever it is."""

METADATA, METADATA_PARSER = parse.json_keys(
    {
        "filemaker_id": (parse.text, "record_key"),
        "id_contact": (parse.text, "id_Contact"),
        "id_order": (parse.text, "id_Order"),
        "imported": (parse.text, "imported"),
        "num": (parse.text, "num"),
        "type": (parse.text, "Type"),
    }
)

DOCUMENTS = Entity(
    name="documents",
    description="Document files in the bucket, with what FileMaker's Docs says of them.",
    model=Model("documents.document", ("documents_document",)),
    source=FileRecords(listing="documents", export="Docs", on="id"),
    source_id="record_key",
    references=(GenericReference("content_type_id", "object_id", "id_Contact", to="patients", notice="unlinked"),),
    columns=(
        Column("filemaker_id", ("record_key",), parse.uuid, fill_only=True),
        Column("file_name", ("file_name",), parse.verbatim),
        Column("original_name", ("file_name",), parse.verbatim, left_by_importers=(SameAs("s3_key"),)),
        Column("file_size", ("size",), parse.size),
        Column("mime_type", ("mime_type",), parse.verbatim, left_by_importers=(IMPORTERS_MIME_TYPE,)),
        Column("s3_bucket", ("bucket",), parse.verbatim),
        Column("s3_key", ("key",), parse.verbatim),
        Column("s3_url", ("url",), parse.verbatim),
        Column(
            "category",
            ("Type",),
            parse.known_or_slug(CATEGORIES),
            left_by_importers=(Placeholder(("other",)), AsInFileMaker()),
        ),
        Column("document_date", ("Date",), parse.day),
        Column("filemaker_metadata", METADATA, METADATA_PARSER),
    ),
    recognised_by=(ByFileMakerId("filemaker_id"), ByContent(("s3_key",), unless="filemaker_id")),
    on_insert={
        "description": "",
        "tags": "[]",
        "uploaded_by": "FileMaker Import",
        "uploaded_at": Now(),
        "updated_at": Now(),
        "is_active": True,
    },
    updated_at="updated_at",
    insert_order=("object_id",),
)

"""Images, one per image file in the bucket whose row in Image_data names a known contact."""

from nexus_assets.entities.image_batches import IMAGE_RECORDS
from nexus_assets.mapping import parse
from nexus_assets.mapping.entity import (
    ByContent,
    ByFileMakerId,
    Column,
    Entity,
    Model,
    Now,
    Reference,
    RemoveEmptied,
    TrueCount,
)

CATEGORIES = (
    ("^(r|right)[ -]?brannock", "r_brannock"),
    ("^(l|left)[ -]?brannock", "l_brannock"),
    ("^(r|right)[ -]?m-?foot[ -]?l", "r_mfoot_length"),
    ("^(r|right)[ -]?m-?foot[ -]?w", "r_mfoot_width"),
    ("^(l|left)[ -]?m-?foot[ -]?l", "l_mfoot_length"),
    ("^(l|left)[ -]?m-?foot[ -]?w", "l_mfoot_width"),
    ("^(l|left)[ -]?lat", "left_lat"),
    ("^(r|right)[ -]?lat", "right_lat"),
    ("^(l|left)[ -]?leg", "left_leg"),
    ("^(r|right)[ -]?leg", "right_leg"),
    ("^(l|left)[ -]?shoe", "l_shoe"),
    ("^(r|right)[ -]?shoe", "r_shoe"),
    ("plant[ae]r", "plantar"),
    ("dorsal", "dorsal"),
    ("posterior", "posterior"),
    ("anterior", "anterior"),
    ("medial", "medial"),
    ("lateral", "lateral"),
    ("wound", "wound"),
    ("x[ -_]?ray[ -_]?doc", "x_ray_doc"),
    ("x[ -_]?ray", "xray"),
    ("cast", "casts"),
    ("afo", "afo"),
    ("cmo", "cmo"),
    ("medical", "medical"),
    ("prescription|script", "prescription"),
    ("referral", "referral"),
    ("invoice", "invoice"),
    ("quote", "quote"),
    ("consent", "consent"),
    ("insurance", "insurance"),
)
"""The first rule that FileMaker's image type matches decides; what fits none is `other`."""

IMAGES = Entity(
    name="images",
    description="Image files in the bucket, with what FileMaker's Image_data says of them, in their patient's batch.",
    model=Model("images.image", ("images_image",)),
    source=IMAGE_RECORDS,
    source_id="id",
    references=(
        Reference(None, "id_Contact", to="patients", missing="no_contact", unknown="unknown_contact"),
        Reference("batch_id", "group_id", to="image_batches", unknown="unknown_batch", heals=True),
    ),
    columns=(
        Column("filemaker_id", ("id",), parse.uuid, fill_only=True),
        Column("s3_key", ("key",), parse.verbatim),
        Column("s3_thumbnail_key", ("thumbnail_key",), parse.first_text(default="")),
        Column("original_name", ("Name_of_file", "fileName", "file_name"), parse.first_text()),
        Column("file_size", ("size",), parse.integer),
        Column("thumbnail_size", ("thumbnail_size",), parse.integer),
        Column("mime_type", ("mime_type",), parse.verbatim),
        Column("category", ("Type",), parse.containing(CATEGORIES, default="other")),
        Column("caption", ("Type", "recid"), parse.filled("FileMaker: %s (RecordID: %s)")),
        Column("date_taken", ("date",), parse.day),
        Column("order", ("position",), parse.integer),
    ),
    recognised_by=(
        ByFileMakerId("filemaker_id"),
        ByContent(("s3_key",), unless="filemaker_id"),
    ),
    on_insert={"uploaded_at": Now()},
    insert_order=("batch_id", "order"),
    tidy=(
        RemoveEmptied("image_batches", reference="batch_id"),
        TrueCount("image_batches", column="image_count", reference="batch_id"),
    ),
)

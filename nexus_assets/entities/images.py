"""Images, one per image file in the bucket whose row in Image_data names a known contact."""

from nexus_assets.entities.documents import IMPORTERS_MIME_TYPE
from nexus_assets.entities.image_batches import IMAGE_RECORDS
from nexus_assets.mapping import parse
from nexus_assets.mapping.entity import (
    AsInFileMaker,
    ByContent,
    ByFileMakerId,
    Column,
    Entity,
    MergeDuplicates,
    Model,
    Now,
    Placeholder,
    Reference,
    RemoveEmptied,
    SameAs,
    TrueCount,
)

RIGHT = r"^(?=.*\m(r|rt|right)\M)(?!.*\m(l|lt|left)\M).*"
LEFT = r"^(?=.*\m(l|lt|left)\M)(?!.*\m(r|rt|right)\M).*"
"""A text that names this side and not the other one."""

CATEGORIES = (
    (r"^(r|rt|right) ?m(id)? ?foot l|^m(id)? ?foot l\w* (r|rt|right)$", "r_mfoot_length"),
    (r"^(l|lt|left) ?m(id)? ?foot l|^m(id)? ?foot l\w* (l|lt|left)$", "l_mfoot_length"),
    (r"^(r|rt|right) ?m(id)? ?foot w|^m(id)? ?foot w\w* (r|rt|right)$", "r_mfoot_width"),
    (r"^(l|lt|left) ?m(id)? ?foot w|^m(id)? ?foot w\w* (l|lt|left)$", "l_mfoot_width"),
    (RIGHT + "brannock|^rbrannock", "r_brannock"),
    (LEFT + "brannock|^lbrannock", "l_brannock"),
    (RIGHT + "shoe", "r_shoe"),
    (LEFT + "shoe", "l_shoe"),
    (RIGHT + r"\mlat", "right_lat"),
    (LEFT + r"\mlat", "left_lat"),
    (RIGHT + r"\mleg|^(r|rt|right)$", "right_leg"),
    (LEFT + r"\mleg|^(l|lt|left)$", "left_leg"),
    (r"plant[ae]r", "plantar"),
    (r"dorsal|dorsum", "dorsal"),
    (r"posterior", "posterior"),
    (r"anterior", "anterior"),
    (r"medial", "medial"),
    (r"\mlat", "lateral"),
    (r"wound", "wound"),
    (r"x ?ray doc", "x_ray_doc"),
    (r"x ?ray", "xray"),
    (r"\mcast", "casts"),
    (r"\mafos?\M", "afo"),
    (r"\mcmos?\M", "cmo"),
    (r"medical", "medical"),
    (r"prescription|\mscript", "prescription"),
    (r"referral", "referral"),
    (r"invoice", "invoice"),
    (r"quote|quotation", "quote"),
    (r"consent", "consent"),
    (r"insurance", "insurance"),
)
"""The first rule that FileMaker's image type matches decides; what fits none is `other`. A side alone says which leg."""

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
        Column("s3_thumbnail_key", ("thumbnail_key",), parse.first_text(default=""), keep_if_blank=True),
        Column(
            "original_name",
            ("Name_of_file", "fileName", "file_name"),
            parse.named_as_file(),
            left_by_importers=(SameAs("s3_key"),),
        ),
        Column("file_size", ("size",), parse.size),
        Column("thumbnail_size", ("thumbnail_size",), parse.size, keep_if_blank=True),
        Column("mime_type", ("mime_type",), parse.verbatim, left_by_importers=(IMPORTERS_MIME_TYPE,)),
        Column(
            "category",
            ("Type",),
            parse.first_match(CATEGORIES, default="other"),
            left_by_importers=(Placeholder(("other",)), AsInFileMaker()),
        ),
        Column("caption", ("Type", "recid"), parse.template("FileMaker: %s (RecordID: %s)")),
        Column("date_taken", ("date",), parse.day),
        Column("order", ("position",), parse.integer),
    ),
    recognised_by=(
        ByFileMakerId("filemaker_id"),
        ByContent(("s3_key",), unless="filemaker_id"),
        ByContent(("s3_key",)),
    ),
    stable_key="s3_key",
    on_insert={"uploaded_at": Now()},
    insert_order=("batch_id", "order"),
    tidy=(
        MergeDuplicates("image_batches", reference="batch_id", same=("content_type_id", "object_id", "name")),
        RemoveEmptied("image_batches", reference="batch_id"),
        TrueCount("image_batches", column="image_count", reference="batch_id"),
    ),
)

"""Image batches, one per patient and date of the image files in the bucket."""

from nexus_assets.mapping import parse
from nexus_assets.mapping.entity import (
    ByChildren,
    ByContent,
    Column,
    Entity,
    FileRecords,
    GenericReference,
    MadeByImporter,
    Model,
    Now,
    RecordGroups,
)

IMAGE_RECORDS = FileRecords(
    listing="images",
    export="Image_data",
    on="recid",
    record_required=True,
    grouped_by=("id_Contact", "date"),
    own_id="id",
)
"""The image files of the bucket with their rows of Image_data, and the batch that each belongs to."""

IMAGE_BATCHES = Entity(
    name="image_batches",
    description="Groups of a patient's images of one day, from the image files in the bucket and FileMaker's Image_data.",
    model=Model("images.imagebatch", ("images_batch", "images_imagebatch")),
    source=RecordGroups(IMAGE_RECORDS),
    source_id="group_id",
    references=(
        GenericReference(
            "content_type_id",
            "object_id",
            "id_Contact",
            to="patients",
            missing="no_contact",
            unknown="unknown_contact",
        ),
    ),
    columns=(
        Column("name", ("date",), parse.day_name("%s (FileMaker Import)", blank="Undated")),
        Column("description", (), parse.constant("Imported from FileMaker")),
        Column("uploaded_at", ("date",), parse.local_midnight, insert_only=True),
    ),
    recognised_by=(
        ByChildren(belongs="object_id", child="images", child_column="batch_id", child_key="s3_key"),
        ByContent(("object_id", "name"), made_by_importer=True),
    ),
    on_insert={"image_count": 0, "uploaded_at": Now()},
    insert_order=("object_id",),
    made_by_importer=MadeByImporter("name", "%(FileMaker Import)", unless="uploaded_by_id"),
)

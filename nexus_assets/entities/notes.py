"""Clinical notes, one per FileMaker note that has a text and a known patient."""

from nexus_assets.mapping import parse
from nexus_assets.mapping.entity import ByContent, Column, Entity, ExportRows, Model, Now, Placeholder, Reference

NOTE_TYPES = (
    ("clinical", "clinical_notes"),
    ("clinic|date", "clinic_dates"),
    ("order", "order_notes"),
    ("admin", "admin_notes"),
    ("referral", "referral"),
    ("3d|scan", "3d_scan_data"),
    ("workshop", "workshop_note"),
)
"""The first rule that FileMaker's note type contains decides; Nexus knows these types and `other`."""

IMPORTERS_SIGN = Placeholder(("%import%",))
"""What importers put in place of a person's name, this one included."""

NOTES = Entity(
    name="notes",
    description="Clinical notes of patients, from FileMaker's Notes.",
    model=Model("notes.note", ("notes", "notes_note")),
    source=ExportRows("Notes"),
    source_id="id",
    references=(Reference("patient_id", "id_Key", to="patients", missing="no_patient", unknown="unknown_patient"),),
    columns=(
        Column("content", ("Note",), parse.text, required="empty_note"),
        Column("note_type", ("Note Type",), parse.first_match(NOTE_TYPES, default="other")),
        Column("created_at", ("Date",), parse.local_midnight),
        Column(
            "created_by",
            ("creationAccountName",),
            parse.first_text(default="FileMaker Import"),
            left_by_importers=(IMPORTERS_SIGN,),
        ),
    ),
    recognised_by=(
        ByContent(("patient_id", "content", "created_at", "note_type")),
        ByContent(("patient_id", "content", "created_by")),
        ByContent(("patient_id", "content"), left_in="created_by"),
    ),
    on_insert={"created_at": Now(), "updated_at": Now()},
    updated_at="updated_at",
    resembles=("patient_id", "content"),
    insert_order=("patient_id", "created_at"),
)

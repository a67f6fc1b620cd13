"""What each entity declares: that it is whole, fits Nexus, and reads FileMaker's spellings."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping

import pytest

from nexus_assets.entities import ENTITIES, documents, images, notes
from nexus_assets.entities.appointments import STATUSES
from nexus_assets.entities.patients import SEXES, TITLES
from nexus_assets.mapping import parse
from nexus_assets.mapping.entity import Column, Entity, ExportRows, FileRecords, GenericReference, RecordGroups
from nexus_assets.mapping.parse import Parser
from nexus_assets.mapping.reasons import NOTICES, REASONS
from nexus_assets.sources.records import FILE_FIELDS, GROUP_FIELDS
from nexus_assets_tests.load.clinic import HEADINGS, OPTIONAL_HEADINGS
from nexus_assets_tests.mapping.conftest import READING, Read

every_entity = pytest.mark.parametrize("entity", ENTITIES.values(), ids=ENTITIES)


def spelled(meaning: str, spellings: Mapping[str, str | None]) -> pytest.MarkDecorator:
    """A case for each of FileMaker's spellings."""
    return pytest.mark.parametrize(("said", meaning), spellings.items(), ids=map(repr, spellings))


# As NEXUS.md lists them.
IMAGE_CATEGORIES = {
    *("medical", "prescription", "referral", "xray", "invoice", "quote", "consent", "insurance", "dorsal", "plantar"),
    *("posterior", "anterior", "medial", "lateral", "wound", "right_leg", "left_leg", "l_brannock", "r_brannock"),
    *("r_mfoot_length", "r_mfoot_width", "l_mfoot_length", "l_mfoot_width", "casts", "left_lat", "right_lat", "r_shoe"),
    *("l_shoe", "afo", "x_ray_doc", "cmo", "other"),
}
NOTE_TYPES = {
    *(
        "clinical_notes",
        "clinic_dates",
        "order_notes",
        "admin_notes",
        "referral",
        "3d_scan_data",
        "workshop_note",
        "other",
    ),
}


def column(entity: str, name: str) -> Parser:
    """The parser of an entity's column."""
    return next(found.parser for found in ENTITIES[entity].columns if found.name == name)


# --- wholeness --------------------------------------------------------------------------------------------------------


@every_entity
def test_an_entity_refers_only_to_earlier_ones(entity: Entity) -> None:
    names = list(ENTITIES)
    assert all(names.index(parent) < names.index(entity.name) for parent in entity.upstream)


@every_entity
def test_no_column_is_written_twice(entity: Entity) -> None:
    links = [link.column if not isinstance(link, GenericReference) else link.id_column for link in entity.references]
    written = [*filter(None, links), *(lookup.column for lookup in entity.lookups), *(c.name for c in entity.columns)]
    assert len(written) == len(set(written))


@every_entity
def test_every_field_comes_from_the_export_or_the_file(entity: Entity) -> None:
    source = entity.source.of if isinstance(entity.source, RecordGroups) else entity.source
    known = {*{**HEADINGS, **OPTIONAL_HEADINGS}[source.export]}
    if isinstance(source, FileRecords):
        known |= {*FILE_FIELDS, *GROUP_FIELDS, "bucket"}
    else:
        known |= {*source.optional_headings}
    assert {*(source.headings(entity.fields()) if isinstance(source, ExportRows) else entity.fields())} <= known


@every_entity
def test_every_code_that_an_entity_may_give_has_its_sentence(entity: Entity) -> None:
    reasons = {*(column.required for column in entity.columns)}
    reasons |= {code for link in entity.references for code in (link.missing, link.unknown)}
    notices = {lookup.notice for lookup in entity.lookups} | {column.unreadable for column in entity.columns}
    notices |= {link.notice for link in entity.generic_references}
    for column, (unreadable, noticed) in _conditions(entity):
        reasons |= set() if column.unreadable else unreadable
        notices |= noticed
    assert reasons - {None} <= set(REASONS)
    assert notices - {None} <= set(NOTICES)


def _conditions(entity: Entity) -> Iterator[tuple[Column, tuple[set[str], set[str]]]]:
    from psycopg2.sql import SQL

    from nexus_assets.mapping.parse import Field

    for column in entity.columns:
        fields = [Field(SQL("x"), SQL("d"), SQL("t"))] * max(1, len(column.fields))
        unreadable = {code for code, _ in column.parser.unreadable(fields, READING)}
        noticed = {code for code, _ in column.parser.notices(fields, READING)}
        yield column, (unreadable, noticed)


@every_entity
def test_every_default_is_for_a_column_of_the_table(entity: Entity) -> None:
    from nexus_assets.local.nexus_schema import metadata

    columns = metadata().tables[entity.model.tables[0]].columns
    assert {*entity.on_insert, *entity.written_columns} <= {name.name for name in columns}
    assert entity.updated_at is None or entity.updated_at in columns


def test_an_entity_is_the_same_text_in_every_process() -> None:
    # The hash of this text tells rows that another mapping read: an address in it would have all rows read again each time.
    said = {name: repr(entity) for name, entity in ENTITIES.items()}
    assert not any(re.search(r" at 0x|<function|<lambda", text) for text in said.values())
    script = "from nexus_assets.entities import ENTITIES; import sys; sys.stdout.write(repr(list(map(repr, ENTITIES.values()))))"
    for seed in ("1", "2"):
        other = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        )
        assert other.stdout == repr(list(said.values()))


# --- spellings --------------------------------------------------------------------------------------------------------


@spelled(
    "title",
    {
        **{title: title for title in ("Mr", "Mrs", "Ms", "Miss", "Dr", "Prof")},
        "MR.": "Mr",
        " dr. ": "Dr",
        "prof": "Prof",
        "Sr": None,
        "Mr & Mrs": None,
        "": None,
    },
)
def test_titles(said: str, title: str | None, read: Read) -> None:
    assert read(column("patients", "title"), said)[0] == title
    # What Nexus would refuse is not lost: it stays in the metadata.
    assert read(parse.unmatched_text(TITLES), said)[0] == (None if title or not said else said)


def test_every_title_fits_and_is_one_that_nexus_takes() -> None:
    assert set(TITLES.values()) == {"Mr", "Mrs", "Ms", "Miss", "Dr", "Prof"}


@spelled(
    "sex",
    {
        "M": "M",
        "male": "M",
        "Man": "M",
        "F": "F",
        "FEMALE": "F",
        "woman": "F",
        "O": "O",
        "Other": "O",
        "non-binary": "O",
        "Non binary": "O",
        "x": "O",
        "X.": "O",
        "unknown": None,
        "": None,
        "MF": None,
    },
)
def test_sexes(said: str, sex: str | None, read: Read) -> None:
    assert read(column("patients", "sex"), said)[0] == sex
    assert set(SEXES.values()) == {"M", "F", "O"}


@spelled(
    "type_",
    {
        "Clinical Notes": "clinical_notes",
        "clinical": "clinical_notes",
        "Clinic dates": "clinic_dates",
        "Clinic": "clinic_dates",
        "Date seen": "clinic_dates",
        "Order notes": "order_notes",
        "ADMIN": "admin_notes",
        "Referral": "referral",
        "3D scan data": "3d_scan_data",
        "3D": "3d_scan_data",
        "Scan": "3d_scan_data",
        "Workshop Note": "workshop_note",
        "Phone call": "other",
        "Clincal note": "other",
        "": "other",
    },
)
def test_note_types(said: str, type_: str, read: Read) -> None:
    assert read(column("notes", "note_type"), said)[0] == type_


def test_note_types_are_those_of_nexus() -> None:
    assert {meant for _, meant in notes.NOTE_TYPES} | {"other"} == NOTE_TYPES


@spelled(
    "category",
    {
        **{name.replace("_", " ").title(): name for name in sorted(IMAGE_CATEGORIES - {"other"})},
        **{name: name for name in sorted(IMAGE_CATEGORIES - {"other"})},
        "Left Plantar": "plantar",
        "planter": "plantar",
        "Right planter ": "plantar",
        "R-Brannock": "r_brannock",
        "L_Brannock": "l_brannock",
        "Right Brannock": "r_brannock",
        "Brannock - Left": "l_brannock",
        "RBrannock": "r_brannock",
        "Brannock": "other",
        "L & R Brannock": "other",
        "R-Mfoot Length": "r_mfoot_length",
        "L-Mfoot Width": "l_mfoot_width",
        "Left Midfoot Length": "l_mfoot_length",
        "R M-Foot L": "r_mfoot_length",
        "Mfoot width right": "r_mfoot_width",
        "Left Lat": "left_lat",
        "R Lat.": "right_lat",
        "Right Lateral": "right_lat",
        "Lateral": "lateral",
        "Lat": "lateral",
        "R Shoe": "r_shoe",
        "Left shoes": "l_shoe",
        "Shoe (right)": "r_shoe",
        "Shoe": "other",
        "Left Leg": "left_leg",
        "R. leg": "right_leg",
        "left": "left_leg",
        "Right": "right_leg",
        "R": "right_leg",
        "Left Foot": "other",
        "Dorsal": "dorsal",
        "DORSUM": "dorsal",
        "Posterior": "posterior",
        "Anterior view": "anterior",
        "Medial": "medial",
        "Medical": "medical",
        "X-Ray": "xray",
        "xray": "xray",
        "X-ray doc": "x_ray_doc",
        "X Ray Document": "x_ray_doc",
        "Cast": "casts",
        "AFOs": "afo",
        "Script": "prescription",
        "Quotation": "quote",
        "gait": "other",
        "Orthoses": "other",
        "": "other",
    },
)
def test_image_categories(said: str, category: str, read: Read) -> None:
    assert read(column("images", "category"), said)[0] == category


def test_image_categories_are_those_of_nexus() -> None:
    assert {meant for _, meant in images.CATEGORIES} | {"other"} == IMAGE_CATEGORIES


@spelled(
    "category",
    {
        **{name: name for name in documents.CATEGORIES},
        **{name.replace("_", " ").upper(): name for name in documents.CATEGORIES},
        "enable NSW application": "enablensw_application",
        "Purchase-Order": "purchase_order",
        "X-Ray": "xray",
        "NDIS Plan": "ndis-plan",
        "Letter to GP": "letter-to-gp",
        "": "",
    },
)
def test_document_categories(said: str, category: str, read: Read) -> None:
    assert read(column("documents", "category"), said)[0] == category


@spelled(
    "status",
    {
        **{status: status for status in ("scheduled", "checked_in", "completed", "cancelled", "no_show")},
        "Checked In": "checked_in",
        "No-show": "no_show",
        "Canceled": "cancelled",
        "Tentative": None,
        "": None,
    },
)
def test_statuses(said: str, status: str | None, read: Read) -> None:
    value, _, noticed = read(column("appointments", "status"), said)
    assert value == status
    assert noticed == (["unknown_status"] if said and not status else [])
    assert set(STATUSES.values()) == {"scheduled", "checked_in", "completed", "cancelled", "no_show"}


def test_a_caption_tells_type_and_record(read: Read) -> None:
    assert read(column("images", "caption"), "Left Lat", "4711")[0] == "FileMaker: Left Lat (RecordID: 4711)"


def test_a_batch_is_named_as_the_front_end_reads_it(read: Read) -> None:
    assert read(column("image_batches", "name"), "2016-10-18")[0] == "18 Oct 2016 (FileMaker Import)"
    assert read(column("image_batches", "name"), None)[0] == "Undated (FileMaker Import)"

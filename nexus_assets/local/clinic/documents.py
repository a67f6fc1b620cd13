"""The rows of Docs and the document files in the bucket, which tell of each other by the FileMaker id in a file's name."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from nexus_assets.local.clinic import words
from nexus_assets.local.clinic.plan import Plan, Spellings, carelessly, day_at
from nexus_assets.local.clinic.published import PUBLISHED
from nexus_assets.local.clinic.sheets import Row

HEADINGS = ("id", "id_Contact", "Date", "Type", "id_Order", "imported", "num")

PREFIX = "patients/filemaker-import/documents"
TYPES = Spellings(words.DOCUMENT_TYPES)

LINKED, UNKNOWN_PATIENT, WITHOUT_FILE, WITHOUT_ROW = "linked", "unknown_patient", "without_file", "without_row"
KINDS: Mapping[str, int] = {
    LINKED: PUBLISHED.documents_linked,
    UNKNOWN_PATIENT: PUBLISHED.documents_of_unknown_patients,
    WITHOUT_ROW: PUBLISHED.documents_absent_from_export,
    WITHOUT_FILE: PUBLISHED.documents.export_rows
    - PUBLISHED.documents_linked
    - PUBLISHED.documents_of_unknown_patients,
}
DOCUMENTS = sum(KINDS.values())


@dataclass(frozen=True)
class Document:
    """A document as the export tells it, and where its file lies."""

    kind: str
    row: Row
    key: str


def rows(plan: Plan) -> Iterator[Row]:
    """Yields the rows of Docs, in the order of HEADINGS."""
    return (document.row for document in _documents(plan) if document.kind != WITHOUT_ROW)


def keys(plan: Plan) -> Iterator[str]:
    """Yields the key of every document file in the bucket."""
    return (document.key for document in _documents(plan) if document.kind != WITHOUT_FILE)


def _documents(plan: Plan) -> Iterator[Document]:
    for part in range(plan.scale):
        chance = plan.chance("documents", part)
        kinds = plan.faults("documents", part, KINDS, DOCUMENTS)
        changed = plan.changed_rows("documents", part, [n for n, kind in enumerate(kinds) if kind == LINKED])
        for place, kind in enumerate(kinds):
            document = _document(plan, part * DOCUMENTS + place, kind, chance)
            if not plan.keeps(document.row[1], document.row[0]):
                continue
            yield replace(document, row=_changed(document.row)) if place in changed else document


def _changed(row: Row) -> Row:
    identifier, contact, day, doc_type, *others = row
    return identifier, contact, day, "Other" if doc_type != "Other" else "Quote", *others


def _document(plan: Plan, number: int, kind: str, chance: random.Random) -> Document:
    identifier = plan.id("document", number)
    contact = plan.any_contact(chance)
    day = day_at(number / (plan.scale * DOCUMENTS), chance)
    # Most people send one kind of paper again and again. It also spares the disk some thousand folders.
    doc_type = TYPES.habit(contact) if chance.random() < 0.7 else TYPES.pick(chance)
    row = (
        carelessly(identifier, chance),
        _contact_id(plan, number, kind, contact, chance),
        None if chance.random() < 0.03 else day,
        doc_type,
        plan.id("order", number // 3) if chance.random() < 0.3 else "",
        1 if chance.random() < 0.8 else None,
        _number(number, kind, chance),
    )
    return Document(kind, row, _key(plan, number, identifier, contact, doc_type, chance))


def _contact_id(plan: Plan, number: int, kind: str, contact: int, chance: random.Random) -> str:
    if kind == UNKNOWN_PATIENT:
        return plan.unknown_contact_id("document", number)
    if kind == WITHOUT_FILE and chance.random() < 0.1:
        return ""
    return carelessly(plan.contact_id(contact), chance)


def _number(number: int, kind: str, chance: random.Random) -> int | str | None:
    """Returns `num`: a number, except where somebody typed words into it."""
    if kind == UNKNOWN_PATIENT:
        return f"{number} {words.CANARY_FILE_NAME}"
    return number if chance.random() < 0.9 else None


def _key(plan: Plan, number: int, identifier: str, contact: int, doc_type: str, chance: random.Random) -> str:
    """Returns where the file lies: under the id that its patient had when it was uploaded, which means nothing now."""
    stale_patient = plan.id("patient before the incident", contact).lower()
    # An early upload kept the types as they were typed, blanks included.
    folder = doc_type if number % 50 == 0 else "-".join(doc_type.lower().replace("_", "-").split())
    path = f"{PREFIX}/{stale_patient}/{folder or 'other'}/{identifier}.pdf"
    if chance.random() < 0.1:  # a later upload took the file's name for a folder's
        return f"{path}/{plan.id('upload', number).lower()}.pdf"
    return path

"""The rows of Notes: what clinicians wrote about patients."""

from __future__ import annotations

import random
from collections.abc import Iterator

from nexus_assets.local.clinic import small_talk, words
from nexus_assets.local.clinic.people import first_and_last_name
from nexus_assets.local.clinic.plan import GOOD, Plan, Spellings, carelessly, day_at, typed_date
from nexus_assets.local.clinic.published import PUBLISHED
from nexus_assets.local.clinic.sheets import Row

HEADINGS = ("id", "id_Key", "Note", "Note Type", "Date", "creationAccountName", "@Notes to Contacts::Name Full")

ROWS = PUBLISHED.notes.export_rows
TYPES = Spellings(words.NOTE_TYPES)
EMPTY_NOTES = ("", "", "", " ", "\n", "  \n ")
LONGEST = 1_500


def notes(plan: Plan) -> Iterator[Row]:
    """Yields the rows of Notes, in the order of HEADINGS."""
    for part in range(plan.scale):
        chance = plan.chance("notes", part)
        faults = plan.faults("notes", part, PUBLISHED.notes.rejected, ROWS)
        changed = plan.changed_rows("notes", part, [place for place in range(ROWS) if faults[place] == GOOD])
        previous: Row | None = None
        for place, fault in enumerate(faults):
            number = part * ROWS + place
            row = _note(plan, number, fault, chance)
            if fault == GOOD:
                # Now and then a note was saved twice: two ids with equal content.
                row = (row[0], *previous[1:]) if previous and number % 397 == 0 else row
                previous = row
            if plan.keeps(row[1]):
                yield _changed(row) if place in changed else row


def _changed(row: Row) -> Row:
    identifier, patient, text, *others = row
    return identifier, patient, f"{text}{small_talk.ADDENDUM}", *others


def _note(plan: Plan, number: int, fault: str, chance: random.Random) -> Row:
    contact = plan.any_contact(chance)
    name = " ".join(first_and_last_name(plan, contact))
    is_unknown = fault == "unknown_patient"
    return (
        carelessly(plan.id("note", number), chance),
        plan.unknown_contact_id("note", number) if is_unknown else carelessly(plan.contact_id(contact), chance),
        chance.choice(EMPTY_NOTES) if fault == "empty_note" else _text(fault, chance),
        TYPES.pick(chance),
        typed_date(day_at(number / (plan.scale * ROWS), chance)),
        chance.choice(words.ACCOUNTS),
        f"{words.CANARY_FIRST_NAME} {words.CANARY_LAST_NAME}" if is_unknown else name,
    )


def _text(fault: str, chance: random.Random) -> str:
    """Returns 50 to 1,500 characters, 250 in the middle; most are one paragraph."""
    opening = chance.choice(small_talk.OPENINGS).format(
        side=chance.choice(small_talk.SIDES),
        place=chance.choice(small_talk.PLACES),
        number=chance.randrange(2, 40),
        other=chance.randrange(2, 400),
    )
    sentences = chance.sample(small_talk.SENTENCES, min(int(chance.lognormvariate(1.08, 0.8)), 24))
    if fault != GOOD or chance.random() < 0.01:
        sentences.insert(0, f"Heart: {words.CANARY_NOTE}, known.")
    joint = chance.choice(small_talk.LINE_BREAKS) if chance.random() < 0.08 else " "
    return joint.join((opening, *sentences))[: LONGEST - len(small_talk.ADDENDUM)].rstrip()

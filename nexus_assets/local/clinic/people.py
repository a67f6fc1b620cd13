"""The rows of Contacts: invented people."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from nexus_assets.local.clinic import coordination, words
from nexus_assets.local.clinic.plan import CONTACTS, NAMELESS, Plan, Spellings, carelessly, day_at
from nexus_assets.local.clinic.sheets import Row
from nexus_assets.local.nexus_seed import CLINICS

HEADINGS = (
    *("id", "nameFirst", "nameLast", "nameMiddle", "title", "DOB", "gender", "Health Number", "Clinic_Name"),
    *("id_Clinic", "Funding", "Area", "contactType", "CYS_ID", "Diabetes"),
    *coordination.HEADINGS,
    *("creationTimestamp", "modificationTimestamp", "_kf_XeroContactID"),
)

TITLES = Spellings(words.TITLES)
GENDERS = Spellings(words.GENDERS)
FUNDINGS = Spellings(words.FUNDINGS)

EXPORTED = datetime(2025, 9, 26, 16, 15)  # noqa: DTZ001 - FileMaker writes local time


def contacts(plan: Plan) -> Iterator[Row]:
    """Yields the rows of Contacts, in the order of HEADINGS."""
    for part in range(plan.scale):
        chance = plan.chance("contacts", part)
        named = [place for place in range(CONTACTS) if place not in NAMELESS]
        changed = plan.changed_rows("contacts", part, named)
        coordinated = coordination.coordination(plan, part)
        for place in range(CONTACTS):
            row = _contact(plan, part * CONTACTS + place, chance, coordinated.get(place, coordination.NONE))
            if plan.keeps(row[0]):
                yield _changed(row) if place in changed else row


def first_and_last_name(plan: Plan, contact: int) -> tuple[str, str]:
    """Returns the names of the contact in this row of Contacts; the last name is empty where the row has none."""
    mixed = (contact * 2_654_435_761 + plan.seed * 40_503) % 2**32  # Knuth's multiplier: neighbours differ
    first = words.FIRST_NAMES[mixed % len(words.FIRST_NAMES)]
    last = words.LAST_NAMES[mixed // 128 % len(words.LAST_NAMES)]
    if contact % CONTACTS in NAMELESS:
        return words.CANARY_FIRST_NAME, ""
    if contact % 97 == 5:
        return first, words.CANARY_LAST_NAME
    if contact % 97 == 6:
        return words.CANARY_FIRST_NAME, last
    return first, last


def _changed(row: Row) -> Row:
    identifier, first, *others = row
    return identifier, f"{first} Jo", *others


def _contact(plan: Plan, contact: int, chance: random.Random, coordinated: coordination.Coordination) -> Row:
    first, last = first_and_last_name(plan, contact)
    created = datetime.combine(
        day_at(contact / (plan.scale * CONTACTS), chance), time(8 + chance.randrange(9), chance.randrange(60))
    )
    return (
        f"{plan.contact_id(contact)} " if contact % CONTACTS in (300, 1_900) else plan.contact_id(contact),
        first,
        f" {last} " if contact % 211 == 3 else last,
        chance.choice(words.MIDDLE_NAMES),
        TITLES.pick(chance),
        _birthday(chance),
        GENDERS.pick(chance),
        _health_number(contact, chance),
        *_clinic(chance),
        FUNDINGS.pick(chance),
        chance.choice(words.AREAS),
        chance.choice(words.CONTACT_TYPES),
        10_000 + contact if chance.random() < 0.4 else None,
        chance.choice(words.DIABETES),
        *coordinated,
        created,
        min(created + timedelta(days=chance.randrange(900), minutes=chance.randrange(600)), EXPORTED),
        plan.id("xero", contact).lower() if chance.random() < 0.2 else "",
    )


def _birthday(chance: random.Random) -> date | None:
    if chance.random() < 0.02:
        return None
    return date(1930, 1, 1) + timedelta(days=chance.randrange(85 * 365))


def _health_number(contact: int, chance: random.Random) -> str:
    """Returns text, never a number: many begin with zeros. Real ones have ten digits and no letters."""
    luck = chance.random()
    if contact % 53 == 1 or contact % CONTACTS in NAMELESS:
        return f"{words.CANARY_HEALTH_NUMBER}-{contact}"
    return "" if luck < 0.15 else f"00{contact:06d}X"


def _clinic(chance: random.Random) -> tuple[str, str]:
    """Returns Clinic_Name and id_Clinic: mostly both, sometimes only one of them, sometimes a clinic that Nexus lacks."""
    clinic = chance.choice(CLINICS)
    identifier = carelessly(str(clinic.filemaker_id).upper(), chance)
    luck = chance.random()
    if luck < 0.80:
        return clinic.name, identifier
    if luck < 0.90:
        return f"{clinic.name.upper()} ", ""
    if luck < 0.94:
        return "", identifier
    return ("Old Mill Rooms", "") if luck < 0.97 else ("", "")

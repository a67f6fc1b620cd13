"""The rows of Coms: numbers, mail addresses and addresses of patients, referrers and companies, with the faults of what was typed."""

from __future__ import annotations

import random
from collections.abc import Iterator

from nexus_assets.local.clinic import words
from nexus_assets.local.clinic.plan import PATIENTS, Plan, carelessly
from nexus_assets.local.clinic.published import PUBLISHED
from nexus_assets.local.clinic.referrers import COMPANIES, GOOD_REFERRERS, good_referrer
from nexus_assets.local.clinic.sheets import Row

HEADINGS = (
    *("id", "id.key", "type", "Name", "ph", "PhoneMobileIntFormat", "SMS Phone", "Email default"),
    *("address 1", "address 2", "suburb", "state", "post code", "country", "Full Address one line"),
)

PATIENTS_ENTRIES = {"Phone": 1_460, "Mobile": 2_187, "Email": 352, "Address": 2_584}
"""Published: 3,647 numbers, 352 mail addresses and 2,584 addresses of 2,729 patients."""
OTHERS_ENTRIES = {
    "referrer": {"Phone": 220, "Fax": 64, "Email": 60, "Address": 40},
    "company": {"Phone": 93, "Fax": 27, "Email": 30, "Address": 30},
}
OUTCOMES = {
    "patient": PUBLISHED.patient_communications,
    "referrer": PUBLISHED.referrer_communications,
    "company": PUBLISHED.company_communications,
}
VALUELESS = ("Phone", "Email", "Address")


def communications(plan: Plan) -> Iterator[Row]:
    """Yields the rows of Coms, in the order of HEADINGS."""
    for part in range(plan.scale):
        chance = plan.chance("communications", part)
        rows = [*_rows_of(plan, part, chance)]
        changed = plan.changed_rows("communications", part, [at for at, row in enumerate(rows) if row[2] == "Mobile"])
        for place, number in enumerate(chance.sample(range(len(rows)), len(rows))):
            owner, kind, *cells = rows[number][1:]
            if number in changed:
                cells[1] = f"0491571{chance.randrange(1000):03d}"
            yield plan.id("communication", part * PUBLISHED.communications + place), owner, kind, *cells


def _rows_of(plan: Plan, part: int, chance: random.Random) -> Iterator[Row]:
    for kind, entries in {"patient": PATIENTS_ENTRIES, **OTHERS_ENTRIES}.items():
        outcome = OUTCOMES[kind]
        owners = [_owner(plan, part, kind, number) for number in range(outcome.nexus_rows)]
        types = [name for name, count in entries.items() for _ in range(count)]
        # Each owner has one entry at least: what comes first goes round.
        rows = [_entry(owners[number % len(owners)], name, chance) for number, name in enumerate(types)]
        rows += [
            _without_value(chance.choice(owners), VALUELESS[number % 3], chance)
            for number in range(outcome.nexus_rows + outcome.collapsed - len(types))
        ]
        yield from (row for row in rows if kind != "patient" or plan.keeps(row[1]))
    rejected = PUBLISHED.patient_communications.rejected
    for number in range(rejected["unknown_owner"]):
        yield _entry(plan.id("deleted owner", part * 1_000 + number), "Phone", chance)
    for _ in range(rejected["no_owner"]):
        yield _entry("", "Phone", chance)


def _owner(plan: Plan, part: int, kind: str, number: int) -> str:
    if kind == "patient":
        return plan.contact_id(plan.contact_of_patient(part * PATIENTS + number))
    if kind == "referrer":
        return good_referrer(plan, part * len(GOOD_REFERRERS) + number)
    return plan.id("company", part * COMPANIES + number)


def _entry(owner: str, kind: str, chance: random.Random) -> Row:
    label = chance.choice(words.COMMUNICATION_LABELS)
    head = ("", carelessly(owner, chance) if owner else "", kind if chance.random() > 0.01 else kind.upper(), label)
    if kind == "Address":
        return (*head, "", "", "", "", *_address(chance))
    if kind == "Email":
        return (*head, f"{label.lower() or 'post'}{chance.randrange(900)}@home.invalid", "", "", 1, *[""] * 7)
    digits = f"491570{chance.randrange(1000):03d}" if kind == "Mobile" else f"25550{chance.randrange(10_000):04d}"
    luck = chance.random()
    if kind == "Mobile" and luck < 0.05:
        return (*head, "", f"61{digits}", "", "", *[""] * 7)
    # A third was typed as a number, and has lost its zero.
    return (
        *head,
        int(digits) if luck < 0.35 else f"0{digits}",
        "",
        f"0{digits}" if kind == "Mobile" else "",
        "",
        *[""] * 7,
    )


def _without_value(owner: str, kind: str, chance: random.Random) -> Row:
    head = ("", owner, kind, chance.choice(words.COMMUNICATION_LABELS))
    if kind == "Address":
        return (*head, "", "", "", "", "", "", "", "NSW", "", "Australia", "")
    return (*head, "", "", "", 1 if kind == "Email" else "", *[""] * 7)


def _address(chance: random.Random) -> tuple[str, ...]:
    suburb, state, post_code = chance.choice(words.SUBURBS)
    street = "" if chance.random() < 0.03 else f"{chance.randrange(1, 200)} {chance.choice(words.STREETS)}"
    line = ", ".join(filter(None, (street, f"{suburb} {state} {post_code}")))
    return (
        street,
        f"Unit {chance.randrange(1, 20)}" if street and chance.random() < 0.1 else "",
        suburb,
        state,
        post_code,
        "",
        line,
    )

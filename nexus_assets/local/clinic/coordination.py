"""The NDIS columns of Contacts: who coordinates whose plan, with the faults of a text that is typed anew for each patient."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import timedelta

from nexus_assets.local.clinic import referrers, words
from nexus_assets.local.clinic.plan import CONTACTS, NAMELESS, Plan, day_at, typed_date
from nexus_assets.local.clinic.published import PUBLISHED

HEADINGS = (
    "NDIS Coordinator Name",
    "NDIS Coordinator Email",
    "NDIS Coordinator Phone",
    "NDIS Plan Start Date",
    "NDIS Plan End Date",
    "NDIS notes",
)
Coordination = tuple[str, str, str, str, str, str]
NONE: Coordination = ("", "", "", "", "", "")

COORDINATORS, LINKS = PUBLISHED.support_coordinators.nexus_rows, PUBLISHED.coordinator_links.nexus_rows
ALSO_REFERRERS = 4
"""So many coordinators of each part are among its referrers, too."""


def coordination(plan: Plan, part: int) -> Mapping[int, Coordination]:
    """Returns what the contacts of a part have in the columns of HEADINGS, by their place; those without a coordinator are left out."""
    chance = plan.chance("coordination", part)
    named = [place for place in range(CONTACTS) if place not in NAMELESS]
    texts = [*_coordinators(plan, part), *_single_words(part)]
    again = [_typed_again(text, number) for number, text in enumerate(texts[: LINKS - COORDINATORS])]
    places = chance.sample(named, len(texts) + len(again))
    found = dict(zip(places, (*texts, *again), strict=True))
    found[NAMELESS[0]] = texts[0]
    return {place: _coordinated(text, chance) for place, text in found.items()}


def _coordinators(plan: Plan, part: int) -> list[str]:
    """The text that each coordinator of the part is known by: mostly `First Last - Organisation`."""
    texts = [f"{name} - {words.ORGANISATIONS[0]}" for name in referrers.names(plan, part)[:ALSO_REFERRERS]]
    for number in range(part * COORDINATORS + len(texts), (part + 1) * COORDINATORS):
        turn, place = divmod(number, len(words.FIRST_NAMES) * len(words.LAST_NAMES))
        again, first = divmod(place, len(words.FIRST_NAMES))
        last = words.LAST_NAMES[(again + first) % len(words.LAST_NAMES)]
        organisation = words.ORGANISATIONS[number % len(words.ORGANISATIONS)]
        behind = "" if number % 5 == 0 and not turn else f" - {organisation}{f' {turn + 1}' if turn else ''}"
        texts.append(f"{words.FIRST_NAMES[first]} {last}{behind}")
    return texts


def _single_words(part: int) -> list[str]:
    return [f"{'Plan-manager' if number else 'Mallee'}{part or ''}" for number in range(2)]


def _typed_again(text: str, number: int) -> str:
    """The same coordinator as another patient's contact has it: in capitals, with a longer dash, with one blank more."""
    return (text, text.upper(), text.replace(" - ", " \u2013 "), text.replace(" ", "  ", 1))[number % 4]


def _coordinated(text: str, chance: random.Random) -> Coordination:
    start = day_at(0.6 + 0.4 * chance.random(), chance)
    return (
        text,
        f"coordinator{chance.randrange(900)}@support.invalid",
        f"0255501{chance.randrange(1000):03d}",
        typed_date(start),
        typed_date(start + timedelta(days=364)),
        chance.choice(("", f"Self managed, {words.CANARY_NOTE}", "Plan managed", "Review due\nin spring")),
    )

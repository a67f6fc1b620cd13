"""What a demo clinic is made from: its seed, scale and share of changed rows, and the rules by which rows get ids, faults and dates.

Every value is a function of the seed and of a row's number, never of rows written before: so no list of people is held
in memory, at any scale. A clinic of scale N is N parts, each with exactly the published numbers; only patients are
referred to across parts, so that neighbouring rows do not belong to neighbouring patients.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from nexus_assets.local.clinic.published import PUBLISHED

FIRST_DAY = date(2012, 2, 6)
LAST_DAY = date(2025, 9, 5)

GOOD = ""

# Where in each part of the clinic the contacts without a last name stand, in ascending order.
NAMELESS = (811, 1_604, 2_333)
CONTACTS = PUBLISHED.patients.export_rows
PATIENTS = PUBLISHED.patients.nexus_rows


@dataclass(frozen=True)
class Plan:
    """The choices that decide every byte of the clinic."""

    seed: int
    scale: int
    changed: float
    one_in: int = 1

    def keeps(self, *ids: object) -> bool:
        """Whether the row of the first of these ids that is not blank is in the clinic.

        A small clinic has one in `one_in` of the people, with all that is theirs, and of what is nobody's.
        """
        identifier = next(text for each in ids if (text := str(each or "").strip()))
        return self.one_in == 1 or int(identifier[:8], 16) % self.one_in == 0

    def chance(self, subject: str, part: int) -> random.Random:
        """Returns a source of chance of its own for a subject, so that no subject's rows depend on another's."""
        return random.Random(f"{self.seed}/{subject}/{part}")

    def id(self, subject: str, number: int) -> str:
        """Returns a FileMaker id: a UUID in upper case, always the same for the same subject and number."""
        digits = hashlib.md5(f"{self.seed}/{subject}/{number}".encode(), usedforsecurity=False).hexdigest().upper()
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-A{digits[17:20]}-{digits[20:]}"

    def contact_id(self, contact: int) -> str:
        """Returns the FileMaker id of the contact in this row (from 0) of Contacts."""
        return self.id("contact", contact)

    def any_contact(self, chance: random.Random) -> int:
        """Returns the row number of a contact that becomes a patient; some people come far more often than others."""
        rank = int(self.scale * PATIENTS * chance.random() ** 1.6)
        return self.contact_of_patient(self.scattered(rank))

    def scattered(self, rank: int) -> int:
        """Returns another number of a patient for each rank: often seen people are not the first ones of Contacts."""
        return (rank * 1_000_003 + self.seed) % (self.scale * PATIENTS)  # a prime: no two ranks meet

    def contact_of_patient(self, patient: int) -> int:
        """Returns the row number in Contacts of the n-th contact that has a last name."""
        part, place = divmod(patient, PATIENTS)
        for nameless in NAMELESS:
            place += place >= nameless
        return part * CONTACTS + place

    def nameless_contact(self, part: int) -> int:
        """Returns the row number of a contact without a last name: known to FileMaker, never to Nexus."""
        return part * CONTACTS + NAMELESS[part % len(NAMELESS)]

    def unknown_contact_id(self, subject: str, number: int) -> str:
        """Returns an id that leads to nobody in Nexus: mostly a deleted contact, now and then one without a last name."""
        if number % 7 == 0:
            return self.contact_id(self.nameless_contact(number % self.scale))
        return self.id(f"{subject} deleted contact", number)

    def faults(self, subject: str, part: int, kinds: Mapping[str, int], rows: int) -> list[str]:
        """Returns for each row of a part which of `kinds` (with how many of each) it is; all others are GOOD."""
        spread = [kind for kind, count in kinds.items() for _ in range(count)]
        spread += [GOOD] * (rows - len(spread))
        self.chance(f"{subject} faults", part).shuffle(spread)
        return spread

    def changed_rows(self, subject: str, part: int, candidates: Sequence[int]) -> frozenset[int]:
        """Returns the rows of a part that carry another content than in the unchanged clinic."""
        count = min(round(self.changed * len(candidates)), len(candidates))
        return frozenset(self.chance(f"{subject} changed", part).sample(candidates, count))


def day_at(progress: float, chance: random.Random) -> date:
    """Returns a working day that far (0 to 1) into the clinic's years, give or take some days."""
    day = FIRST_DAY + timedelta(days=int((LAST_DAY - FIRST_DAY).days * progress) + chance.randint(-20, 20))
    return day - timedelta(days=max(0, day.weekday() - 4))


def typed_date(day: date) -> str:
    """Returns a date as this clinic's FileMaker writes it into text: month first, without leading zeros."""
    return f"{day.month}/{day.day}/{day.year}"


def carelessly(identifier: str, chance: random.Random) -> str:
    """Returns the id, now and then in another case or between blanks, as ids end up that were pasted by hand."""
    luck = chance.random()
    if luck > 0.004:
        return identifier
    return identifier.lower() if luck < 0.002 else f" {identifier} "


class Spellings:
    """Picks words as often as their weights say."""

    def __init__(self, weights: Mapping[str, int]) -> None:
        # One entry per unit of weight: picking is then one draw, ten times faster than random.choices.
        self._spread = [word for word, weight in weights.items() for _ in range(weight)]

    def pick(self, chance: random.Random) -> str:
        return self._spread[int(chance.random() * len(self._spread))]

    def habit(self, number: int) -> str:
        """Returns always the same word for the same number."""
        return self._spread[number * 7_919 % len(self._spread)]

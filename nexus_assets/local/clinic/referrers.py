"""The rows of Companies, Referrers, ReferrerToCompanies and PatientToReferrer: who sends patients, and from where."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

from nexus_assets.local.clinic import words
from nexus_assets.local.clinic.plan import GOOD, Plan, Spellings, carelessly, day_at, typed_date
from nexus_assets.local.clinic.published import PUBLISHED, Outcome
from nexus_assets.local.clinic.sheets import Row
from nexus_assets.local.nexus_seed import CLINICS

COMPANY_HEADINGS = ("id", "Name", "ABN", "Type", "Location", "_kf_XeroContactID")
REFERRER_HEADINGS = (
    *("id", "title", "nameFirst", "nameMiddle", "nameLast", "gender", "contactType", "id_Clinic"),
    *("RECORD_ACTIVE_INDICATOR", "Name Full"),
)
COMPANY_LINK_HEADINGS = ("id_Referrer", "id_Company", "date")
PATIENT_LINK_HEADINGS = ("id_Contact", "id_Perscriber", "date")

COMPANIES, REFERRERS = PUBLISHED.companies.export_rows, PUBLISHED.referrers.export_rows
COMPANY_TYPES = Spellings(words.COMPANY_TYPES)
SPECIALTIES = Spellings(words.SPECIALTIES)
FAULTY_REFERRERS = {88: "no_id", **dict.fromkeys((23, 57, 119, 160, 201), "no_last_name")}
GOOD_REFERRERS = [place for place in range(REFERRERS) if place not in FAULTY_REFERRERS]
SEEN_BY_TWO = 600
"""So many patients of each part were referred by two."""


def companies(plan: Plan) -> Iterator[Row]:
    """Yields the rows of Companies, in the order of COMPANY_HEADINGS."""
    for part in range(plan.scale):
        chance = plan.chance("companies", part)
        changed = plan.changed_rows("companies", part, range(COMPANIES))
        for place in range(COMPANIES):
            number = part * COMPANIES + place
            turn, name = divmod(number, len(words.LAST_NAMES))
            kind = words.COMPANY_KINDS[(number + turn) % len(words.COMPANY_KINDS)]
            yield (
                plan.id("company", number),
                f"{words.LAST_NAMES[name]} {kind}{' No. 2' if place in changed else ''}",
                "" if chance.random() < 0.4 else f"{chance.randrange(10, 99)} 000 {number:03d} 000",
                COMPANY_TYPES.pick(chance),
                str(chance.choice(CLINICS).filemaker_id).upper() if chance.random() < 0.3 else "",
                plan.id("company in xero", number).lower() if chance.random() < 0.2 else "",
            )


def referrers(plan: Plan) -> Iterator[Row]:
    """Yields the rows of Referrers, in the order of REFERRER_HEADINGS."""
    for part in range(plan.scale):
        changed = plan.changed_rows("referrers", part, GOOD_REFERRERS)
        for place, row in enumerate(_referrers_of(plan, part)):
            yield (*row[:2], f"{row[2]} Jo", *row[3:]) if place in changed else row


def _referrers_of(plan: Plan, part: int) -> Iterator[Row]:
    chance = plan.chance("referrers", part)
    for place in range(REFERRERS):
        yield _referrer(plan, part * REFERRERS + place, FAULTY_REFERRERS.get(place, GOOD), chance)


def names(plan: Plan, part: int) -> list[str]:
    """Returns the full names of the part's first referrers who have one and can be loaded."""
    rows = enumerate(_referrers_of(plan, part))
    return [str(row[9]) for place, row in rows if place not in FAULTY_REFERRERS and row[2] and row[4]]


def _referrer(plan: Plan, number: int, fault: str, chance: random.Random) -> Row:
    first = "" if number % 61 == 7 else chance.choice(words.FIRST_NAMES)
    last = "" if fault == "no_last_name" else chance.choice(words.LAST_NAMES)
    # The first ones have every specialty once: their number is that of the words, whatever chance brings.
    specialties = [*words.SPECIALTIES]
    place = number % REFERRERS
    return (
        "" if fault == "no_id" else carelessly(plan.id("referrer", number), chance),
        chance.choice(("Dr", "Dr.", "Dr", "Mr", "Ms", "Prof", "")),
        first,
        "",
        last,
        chance.choice(("M", "F", "")),
        specialties[place] if place < len(specialties) else SPECIALTIES.pick(chance),
        str(chance.choice(CLINICS).filemaker_id).upper() if chance.random() < 0.2 else "",
        "Archived" if chance.random() < 0.03 else "",
        f"{first} {last}".strip(),
    )


def good_referrer(plan: Plan, rank: int) -> str:
    """Returns the id of a referrer who can be loaded; ranks go round."""
    part, place = divmod(rank % (plan.scale * len(GOOD_REFERRERS)), len(GOOD_REFERRERS))
    return plan.id("referrer", part * REFERRERS + GOOD_REFERRERS[place])


def company_links(plan: Plan) -> Iterator[Row]:
    """Yields the rows of ReferrerToCompanies, in the order of COMPANY_LINK_HEADINGS."""
    outcome = PUBLISHED.referrer_companies
    for part in range(plan.scale):
        chance = plan.chance("company links", part)
        previous: Row | None = None
        for place, fault in enumerate(_faults(plan, "company links", part, outcome)):
            number = part * outcome.export_rows + place
            company = plan.id("company", number * 7 % (plan.scale * COMPANIES))
            link = (
                plan.id("deleted referrer", number) if fault == "unknown_referrer" else good_referrer(plan, number),
                plan.id("deleted company", number) if fault == "unknown_company" else carelessly(company, chance),
                typed_date(day_at(chance.random(), chance)),
            )
            yield link if fault != "again" or previous is None else (*previous[:2], link[2])
            previous = link if fault == GOOD else previous


def patient_links(plan: Plan) -> Iterator[Row]:
    """Yields the rows of PatientToReferrer, in the order of PATIENT_LINK_HEADINGS. No pair comes twice, but for those that are to."""
    outcome = PUBLISHED.patient_referrers
    once = (outcome.export_rows - SEEN_BY_TWO) * plan.scale
    for part in range(plan.scale):
        chance = plan.chance("patient links", part)
        previous: Row | None = None
        for place, fault in enumerate(_faults(plan, "patient links", part, outcome)):
            number = part * outcome.export_rows + place
            turn, rank = divmod(number, once)
            contact = plan.contact_id(plan.contact_of_patient(plan.scattered(rank)))
            referrer = good_referrer(plan, rank * 17 + turn)
            day = day_at(chance.random(), chance)
            link: Row = (
                plan.unknown_contact_id("referral", number)
                if fault == "unknown_contact"
                else carelessly(contact, chance),
                plan.id("deleted referrer", number) if fault == "unknown_referrer" else carelessly(referrer, chance),
                "" if chance.random() < 0.05 else typed_date(day),
            )
            if fault == "again" and previous is not None:
                link = (*previous[:2], typed_date(day + timedelta(days=30)))
            if plan.keeps(link[0]):
                yield link
            previous = link if fault == GOOD else previous


def _faults(plan: Plan, subject: str, part: int, outcome: Outcome) -> list[str]:
    """Which fault each row of a part has; the first row is good, so that one which repeats another has one to repeat."""
    kinds = {**outcome.rejected, "again": outcome.collapsed}
    return [GOOD, *plan.faults(subject, part, kinds, outcome.export_rows - 1)]

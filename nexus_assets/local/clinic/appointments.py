"""The rows of Appointments: visits of patients, and the staff's own diary entries, which name no contact."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, time, timedelta

from nexus_assets.local.clinic import words
from nexus_assets.local.clinic.plan import GOOD, Plan, Spellings, carelessly, day_at
from nexus_assets.local.clinic.published import PUBLISHED
from nexus_assets.local.clinic.sheets import Cell, Row
from nexus_assets.local.nexus_seed import CLINICIANS, CLINICS

HEADINGS = (
    *("id", "id_Contact", "id_Clinic", "id_Clinician", "startDate", "startTime", "endDate", "endTime"),
    *("Type", "notes"),
)

ROWS = PUBLISHED.appointments.export_rows
TYPES = Spellings(words.APPOINTMENT_TYPES)

# All-day entries as they come out of FileMaker and through other people's spreadsheets: all end at the day's end.
ALL_DAY_ENDS: tuple[Cell, ...] = ("24:00:00", "1 day, 0:00:00", timedelta(days=1), "24:00:00")


def appointments(plan: Plan) -> Iterator[Row]:
    """Yields the rows of Appointments, in the order of HEADINGS."""
    for part in range(plan.scale):
        chance = plan.chance("appointments", part)
        faults = plan.faults("appointments", part, PUBLISHED.appointments.rejected, ROWS)
        changed = plan.changed_rows("appointments", part, [place for place in range(ROWS) if faults[place] == GOOD])
        previous: Row | None = None
        for place, fault in enumerate(faults):
            number = part * ROWS + place
            row = _entry(plan, number, fault, chance)
            if fault == GOOD:
                # Now and then the same visit was entered twice: two ids with equal content.
                row = (row[0], *previous[1:]) if previous and number % 401 == 0 else row
                previous = row
            if plan.keeps(row[1], row[0]):
                yield _changed(row) if place in changed else row


def _changed(row: Row) -> Row:
    return *row[:-1], f"{row[-1]} (confirmed)".strip()


def _entry(plan: Plan, number: int, fault: str, chance: random.Random) -> Row:
    day = day_at(number / (plan.scale * ROWS), chance)
    return (
        carelessly(plan.id("appointment", number), chance),
        _contact(plan, number, fault, chance),
        _clinic(chance),
        plan.id("clinician", chance.randrange(len(CLINICIANS))) if chance.random() < 0.9 else "",
        *_times(day, number, fault, chance),
        TYPES.pick(chance) if fault != "no_contact" else "",
        _notes(fault, chance),
    )


def _contact(plan: Plan, number: int, fault: str, chance: random.Random) -> str:
    if fault == "no_contact":
        return "  " if number % 1_500 == 0 else ""
    if fault == "unknown_contact":
        return plan.unknown_contact_id("appointment", number)
    return carelessly(plan.contact_id(plan.any_contact(chance)), chance)


def _clinic(chance: random.Random) -> str:
    luck = chance.random()
    if luck < 0.08:
        return ""
    if luck < 0.09:
        return "00000000-0000-4000-A000-00000000DEAD"  # a clinic that closed before Nexus
    return str(chance.choice(CLINICS).filemaker_id).upper()


def _times(day: date, number: int, fault: str, chance: random.Random) -> tuple[Cell, Cell, Cell, Cell]:
    """Returns startDate, startTime, endDate, endTime, in the kinds that the cells of one column really have."""
    start = time(8 + chance.randrange(9), 5 * chance.randrange(12))
    end = _later(start, 15 * chance.randrange(1, 7))
    luck = chance.random()
    if fault == "no_start_date":
        return None, start, None, end
    if luck < 0.90:
        return day, start, day, end
    if luck < 0.93:  # cells formatted [h]:mm
        return day, _since_midnight(start), day, _since_midnight(end)
    if luck < 0.95:
        return day, f"{start.hour}:{start:%M:%S}", day, f"{end.hour}:{end:%M:%S}"
    if luck < 0.97:
        return day, "0:00:00", day, ALL_DAY_ENDS[number % len(ALL_DAY_ENDS)]
    if luck < 0.98:
        return day, start, None, end
    if luck < 0.99:
        return day, start, None, None
    return day, None, None, None


def _later(start: time, minutes: int) -> time:
    total = start.hour * 60 + start.minute + minutes
    return time(total // 60, total % 60)


def _since_midnight(moment: time) -> timedelta:
    return timedelta(hours=moment.hour, minutes=moment.minute)


def _notes(fault: str, chance: random.Random) -> str:
    if fault == "no_contact":
        entry = chance.choice(words.DIARY_ENTRIES)
        return f"{entry} ({words.CANARY_NOTE})" if chance.random() < 0.01 else entry
    text = chance.choice(words.APPOINTMENT_NOTES)
    if fault != GOOD or chance.random() < 0.01:
        return f"{text} {words.CANARY_NOTE}".strip()
    return text

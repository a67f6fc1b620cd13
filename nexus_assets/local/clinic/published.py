"""The numbers that the demo clinic has at scale 1: those published for the real import (docs/architecture.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

Counted = TypeVar("Counted", "Outcome", "Published")


@dataclass(frozen=True)
class Outcome:
    """What becomes of one export: its rows, the rows that Nexus holds afterwards, the rejected ones by reason code, and those
    that repeat another one."""

    export_rows: int
    nexus_rows: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    collapsed: int = 0


@dataclass(frozen=True)
class Published:
    """Every published number; `times(n)` is what a clinic of scale n has."""

    patients: Outcome = Outcome(2_845, 2_842, {"no_last_name": 3})
    appointments: Outcome = Outcome(15_149, 9_837, {"no_contact": 5_292, "unknown_contact": 15, "no_start_date": 5})
    notes: Outcome = Outcome(11_408, 11_210, {"empty_note": 193, "unknown_patient": 5})
    documents: Outcome = Outcome(11_274, 10_190)
    images: Outcome = Outcome(6_662, 6_489, {"no_contact": 1})
    companies: Outcome = Outcome(93, 93)
    referrers: Outcome = Outcome(234, 228, {"no_last_name": 5, "no_id": 1})
    referrer_companies: Outcome = Outcome(72, 63, {"unknown_referrer": 3, "unknown_company": 5}, collapsed=1)
    support_coordinators: Outcome = Outcome(250, 183, {"no_last_name": 2}, collapsed=65)
    coordinator_links: Outcome = Outcome(250, 247, {"unknown_coordinator": 2, "unknown_contact": 1})
    patient_communications: Outcome = Outcome(9_848, 2_729, {"unknown_owner": 60, "no_owner": 5}, collapsed=7_054)
    referrer_communications: Outcome = Outcome(574, 220, collapsed=354)
    company_communications: Outcome = Outcome(275, 93, collapsed=182)
    patient_referrers: Outcome = Outcome(1_720, 1_705, {"unknown_contact": 5, "unknown_referrer": 4}, collapsed=6)

    document_files: int = 10_190
    documents_linked: int = 10_148
    documents_unlinked: int = 42
    documents_of_unknown_patients: int = 30
    documents_absent_from_export: int = 12

    communications: int = 10_697
    communication_entries: int = 7_147

    image_files: int = 6_490
    image_rows_without_file: int = 172
    image_batches: int = 1_661
    image_batch_patients: int = 1_303

    def times(self, scale: int) -> Published:
        """Returns the numbers of a clinic `scale` times as large."""
        return _times(self, scale)


def _times(counted: Counted, scale: int) -> Counted:
    return replace(counted, **{f.name: _value_times(getattr(counted, f.name), scale) for f in fields(counted)})


def _value_times(value: Any, scale: int) -> Any:
    if isinstance(value, int):
        return value * scale
    if isinstance(value, Mapping):
        return {reason: count * scale for reason, count in value.items()}
    return _times(value, scale)


PUBLISHED = Published()

SPECIALTIES = 21
"""So many specialties a clinic of any scale has."""

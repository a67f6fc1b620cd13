"""What a living Nexus holds before its first import: content types, clinics, clinicians, appointment types, funding, a user."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from typing import Any

from nexus_assets.local.nexus_models import MODELS

SINCE = datetime(2024, 1, 15, 22, 30, tzinfo=timezone.utc)
NAMESPACE = uuid.UUID("5f0c8f0e-5f5b-4e0c-9d53-0d5a6d2a7b11")

CANNOT_LOG_IN = "!demo"  # Django: a password that starts with "!" never matches


@dataclass(frozen=True)
class Clinic:
    """A clinic with its names and ids at both ends."""

    name: str
    phone: str

    @cached_property
    def filemaker_id(self) -> uuid.UUID:
        return stable_id("filemaker clinic", self.name)


CLINICS = (
    Clinic("Billabong Foot Clinic", "02 5550 0101"),
    Clinic("Wattle Street Podiatry", "02 5550 0102"),
    Clinic("Banksia Bay Orthotics", "02 5550 0103"),
    Clinic("Kurrajong Mobile Clinic", "02 5550 0104"),
    Clinic("Saltbush Community Rooms", "02 5550 0105"),
    Clinic("Ironbark Workshop", "02 5550 0106"),
)
CLINICIANS = (
    ("Wren Figtree", "CPed"),
    ("Jasper Quoll", "CPed"),
    ("Marnie Lillypilly", "Podiatrist"),
    ("Otto Bandicoot", "Orthotist"),
    ("Hazel Potoroo", None),
)
APPOINTMENT_TYPES = (
    ("Initial Consult", 60),
    ("Review", 30),
    ("Fitting", 45),
    ("Casting", 45),
    ("Scan", 30),
    ("Delivery", 15),
    ("Home Visit", 90),
    ("Workshop", 60),
)
FUNDING_SOURCES = (
    ("NDIS", "NDIS"),
    ("Enable NSW", "ENABLE"),
    ("DVA", "DVA"),
    ("Private", "PRIV"),
    ("Medicare", "MCARE"),
    ("Workers Compensation", "WCOMP"),
)


def stable_id(*names: str) -> uuid.UUID:
    """Returns the same id for the same names, always."""
    return uuid.uuid5(NAMESPACE, "/".join(names))


def seed_rows() -> Mapping[str, list[dict[str, Any]]]:
    """Returns the rows by listed table name, parents before children, with every NOT NULL column filled."""
    return {
        "django_content_type": list(_content_types()),
        "auth_user": [_user()],
        "clinics": [_clinic(clinic) for clinic in CLINICS],
        "clinicians": [
            _clinician(name, credential, CLINICS[place % len(CLINICS)])
            for place, (name, credential) in enumerate(CLINICIANS)
        ],
        "appointment_types": [
            _row("appointment_types", name, name=name, default_duration_minutes=minutes, is_active=True)
            for name, minutes in APPOINTMENT_TYPES
        ],
        "funding_sources": [
            _row("funding_sources", name, name=name, code=code, active=True, order=place)
            for place, (name, code) in enumerate(FUNDING_SOURCES)
        ],
    }


def _content_types() -> Iterator[dict[str, Any]]:
    """Ids with gaps, in no order: in a real Nexus they tell the history of its migrations, so nothing may guess them."""
    ids = random.Random("content types").sample(range(7, 7 + 2 * len(MODELS)), len(MODELS))
    for number, (app_label, model) in zip(ids, MODELS.values(), strict=True):
        yield {"id": number, "app_label": app_label, "model": model}


def _user() -> dict[str, Any]:
    return {
        "password": CANNOT_LOG_IN,
        "is_superuser": False,
        "username": "wren",
        "first_name": "Wren",
        "last_name": "Figtree",
        "email": "wren@clinic.invalid",
        "is_staff": True,
        "is_active": True,
        "date_joined": SINCE,
    }


def _clinic(clinic: Clinic) -> dict[str, Any]:
    return _row(
        "clinics",
        clinic.name,
        name=clinic.name,
        phone=clinic.phone,
        address_json={},
        sms_reminders_enabled=True,
        filemaker_id=clinic.filemaker_id,
    )


def _clinician(name: str, credential: str | None, clinic: Clinic) -> dict[str, Any]:
    return _row(
        "clinicians",
        name,
        full_name=name,
        credential=credential,
        clinic_id=stable_id("clinics", clinic.name),
        active=True,
    )


def _row(table: str, name: str, /, **values: Any) -> dict[str, Any]:
    return {"id": stable_id(table, name), **values, "created_at": SINCE, "updated_at": SINCE}

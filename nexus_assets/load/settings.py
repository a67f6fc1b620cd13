"""What a person may decide about a load: the fields of the run's config, as the Launchpad shows them."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, Field

from nexus_assets import clinics, settings
from nexus_assets.errors import NexusAssetsError


def config_json(entity: str, setting: str) -> str:
    """The option of `dagster asset materialize` that sets one of these for the load of an entity."""
    return f"--config-json '{json.dumps({'ops': {clinics.step_name(entity): {'config': {setting: True}}}})}'"


def _switch(description: str) -> Any:
    return Field(default=False, description=description)


class LoadSettings(BaseModel, extra="forbid", frozen=True):
    """How one load is to be done; every default is the safe choice. A person decides the switches, the settings the rest.

    `time_zone` is the clinic's; `date_order` decides where a file can't: mdy or dmy. `undoable_loads`: for how many last loads of
    each entity it is kept what rows were before; `retention_days`: for how long the ledger keeps what is over.
    Raises NexusAssetsError for another `date_order`.
    """

    allow_empty: bool = _switch("Load although the source has no row, or none that can be loaded.")
    allow_vanished: bool = _switch("Load although many rows that were loaded before are missing.")
    allow_missing_files: bool = _switch("Load although files that the export still names are gone.")
    allow_rekeyed: bool = _switch("Load although many known people come under new FileMaker ids.")
    allow_rejected: bool = _switch("Load although many more rows than last time are rejected.")
    allow_older_export: bool = _switch("Load although an export is older than the one loaded last.")
    allow_other_database: bool = _switch("Load although the ledger was made in another database.")
    allow_date_order_change: bool = _switch("Load although a column's dates have another order.")
    filemaker_wins: bool = _switch("Overwrite what was changed in Nexus with what FileMaker says.")
    archive_vanished: bool = _switch("Archive patients that FileMaker no longer has.")
    time_zone: str = settings.TIME_ZONE.default
    date_order: str = settings.DATE_ORDER.default
    undoable_loads: int = int(settings.UNDOABLE_LOADS.default)
    retention_days: int = int(settings.RETENTION_DAYS.default)

    @classmethod
    def of_clinic(cls, **switches: bool) -> LoadSettings:
        """These switches, with the clinic's own settings."""
        return cls(
            time_zone=settings.TIME_ZONE.value(),
            date_order=settings.DATE_ORDER.value(),
            undoable_loads=settings.UNDOABLE_LOADS.number(),
            retention_days=settings.RETENTION_DAYS.number(),
            **switches,
        )

    def model_post_init(self, _context: object) -> None:
        if self.date_order not in ("mdy", "dmy"):
            raise NexusAssetsError(
                f"{self.date_order!r} is no order of day and month.", remedy="Set NEXUS_DATE_ORDER to mdy or dmy."
            )

    @property
    def zone(self) -> ZoneInfo:
        """The clinic's time zone. Raises NexusAssetsError where there is none of that name."""
        try:
            return ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise NexusAssetsError(
                f"{self.time_zone!r} is no time zone.",
                remedy="Set NEXUS_TIME_ZONE to a name of the tz database, such as Australia/Sydney.",
            ) from None


SWITCHES = tuple(name for name, field in LoadSettings.model_fields.items() if field.annotation is bool)
"""What a person may switch on for one load, in the config of its run or with `--with`."""

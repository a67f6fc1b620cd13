"""What a person may decide about a load: the fields of the run's config, as the Launchpad shows them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nexus_assets import clinics
from nexus_assets.errors import NexusAssetsError


def config_json(entity: str, setting: str) -> str:
    """The option of `dagster asset materialize` that sets one of these for the load of an entity."""
    return f"--config-json '{json.dumps({'ops': {clinics.step_name(entity): {'config': {setting: True}}}})}'"


@dataclass(frozen=True)
class LoadSettings:
    """Every default is the safe choice. `time_zone` is the clinic's; `date_order` decides where a file can't: mdy or dmy.
    `undoable_loads`: for how many last loads of each entity it is kept what rows were before."""

    time_zone: str = "Australia/Sydney"
    date_order: str = "mdy"
    filemaker_wins: bool = False
    allow_missing_files: bool = False
    archive_vanished: bool = False
    allow_empty: bool = False
    allow_vanished: bool = False
    allow_rekeyed: bool = False
    allow_rejected: bool = False
    allow_older_export: bool = False
    allow_other_database: bool = False
    allow_date_order_change: bool = False
    undoable_loads: int = 10

    def __post_init__(self) -> None:
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

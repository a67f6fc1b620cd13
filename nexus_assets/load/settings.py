"""What a person may decide about a load: the fields of the run's config, as the Launchpad shows them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LoadSettings:
    """Every default is the safe choice. `time_zone` is the clinic's; `date_order` decides where a file can't: mdy or dmy."""

    time_zone: str = "Australia/Sydney"
    date_order: str = "mdy"
    filemaker_wins: bool = False
    archive_vanished: bool = False
    allow_vanished: bool = False
    allow_rekeyed: bool = False
    allow_rejected: bool = False
    allow_older_export: bool = False
    allow_other_database: bool = False
    allow_date_order_change: bool = False

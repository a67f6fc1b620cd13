"""Who is told what, how often, and what counts as a change worth telling: data, and the reading of NEXUS_ALERT_URLS."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError


@dataclass(frozen=True)
class ReminderPolicy:
    """How long an alert that stays open is left unmentioned, and which share of its count makes a change."""

    remind_after: timedelta
    step: float

    def is_a_step(self, told: int | None, now: int | None) -> bool:
        """Whether the count has changed enough since it was told; a count that can't be had any more always is."""
        if told is None or now is None:
            return told is not now
        return abs(now - told) >= max(1, told * self.step)


PATIENCE: Mapping[str, ReminderPolicy] = {
    "ERROR": ReminderPolicy(remind_after=timedelta(days=1), step=0.1),
    "WARN": ReminderPolicy(remind_after=timedelta(days=7), step=0.1),
}

TRIES_BEFORE_STATUS_TELLS = 3
"""A message that could not be delivered so many times shows in `nexus-assets status` and its exit code; it is tried on."""

UNREACHABLE_FOR = timedelta(seconds=45)
"""How long the Nexus database, where alerts are kept, may be away before that is reported."""

SEVERITIES = ("ERROR", "WARN")
ASSETS = (*ENTITIES, "import_report")


@dataclass(frozen=True)
class Destination:
    """One address of NEXUS_ALERT_URLS with what goes there: these severities, of these assets (all where none is named).

    `name` is its kind and its place in the list (`mailto 1`): what logs, the ledger and messages call it.
    """

    name: str
    url: str = field(repr=False)
    severities: tuple[str, ...] = SEVERITIES
    assets: tuple[str, ...] = ()

    def wants(self, severity: str, asset: str) -> bool:
        """Whether an alert goes there; one that is of no asset (a failed run) goes to all of its severity."""
        return severity in self.severities and (not asset or not self.assets or asset in self.assets)


_RULE = r"(?:(?P<severity>ERROR|WARN|\*)(?::(?P<assets>[a-z_/|]+))?=)?"
_SCHEME = r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
_BETWEEN = re.compile(
    rf"[,\s]+(?={_RULE.replace('?P<severity>', '?:').replace('?P<assets>', '?:')}[A-Za-z][A-Za-z0-9+.-]*://)"
)


def destinations(text: str) -> tuple[Destination, ...]:
    """The destinations of NEXUS_ALERT_URLS: addresses apart by blanks or commas, each with an optional rule before it.

    `ERROR=mailto://…` gets errors only, `ERROR:images|documents=slack://…` those of two assets, `*:patients=json://…` all of
    one. Raises NexusAssetsError, naming the place but not the address, for one that is no address, and for a rule that
    names an asset which does not exist: nothing would ever be told there.
    """
    found = []
    for place, word in enumerate(filter(None, _BETWEEN.split(text.strip())), start=1):
        match = re.match(rf"{_RULE}{_SCHEME}", word)
        if match is None:
            raise NexusAssetsError(
                f"The address number {place} in NEXUS_ALERT_URLS can't be read.",
                remedy="Write it as Apprise does, e.g. mailto://user:password@host?to=you@clinic.example, with an optional rule:"
                " ERROR:images=mailto://… .",
            )
        url = word[match.start("scheme") :]
        severity, assets = match["severity"], match["assets"]
        unknown = {*assets.split("|")} - {*ASSETS} if assets else set[str]()
        if unknown:
            raise NexusAssetsError(
                f"The address number {place} in NEXUS_ALERT_URLS is for {', '.join(sorted(unknown))}: there is no such asset.",
                remedy=f"The assets are {', '.join(ASSETS)}.",
            )
        found.append(
            Destination(
                f"{match['scheme'].lower()} {place}",
                url,
                SEVERITIES if severity in (None, "*") else (severity,),
                tuple(assets.split("|")) if assets else (),
            )
        )
    return tuple(found)

"""How assets are called in Dagster: by their name, under the clinic's name where NEXUS_CLINIC gives one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexus_assets.settings import clinic_name

if TYPE_CHECKING:
    import dagster as dg

CLINIC_TAG = "nexus/clinic"
"""The run tag that says whose run it is."""


def asset_key(*path: str) -> dg.AssetKey:
    """The key of an asset: images, or north/images for the clinic `north`."""
    import dagster as dg

    return dg.AssetKey(_parts(*path))


def asset_address(*path: str) -> str:
    """The same as a part of the address of its page: images, or north/images."""
    return "/".join(_parts(*path))


def _parts(*path: str) -> list[str]:
    clinic = clinic_name()
    return [clinic, *path] if clinic else list(path)


def asset_name(key: dg.AssetKey) -> str:
    """The reverse: an asset's name without the clinic, its parts apart by slashes."""
    clinic = clinic_name()
    return "/".join(key.path[1:] if clinic and key.path[0] == clinic else key.path)


ONLY_IF_TAG = "nexus/only_if"
"""The one tag of a run of `nexus-assets apply`: of each entity what its load must still find as it was planned, as JSON."""


def clinic_tags() -> dict[str, str]:
    """The tags of a run of this clinic; none where no clinic is named."""
    clinic = clinic_name()
    return {CLINIC_TAG: clinic} if clinic else {}

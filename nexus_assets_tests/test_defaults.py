"""What nobody says of a thing is nothing: counts begin at 0, and what is special about it is said where it is made."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator

import nexus_assets

OTHERS = {
    "Place.shows_ids": True,
    "FileMakerServer.page": 1000,
    "FileMakerServer.timeout": 60.0,
    "FileMakerServer.first_wait": 0.5,
}
"""Fields that stand for something although nobody says so."""


def defaults() -> Iterator[tuple[str, float]]:
    """Each number and switch of a dataclass that need not be given; not those of the demo clinic, which has published numbers."""
    for module in pkgutil.walk_packages(nexus_assets.__path__, "nexus_assets."):
        if module.name.endswith("__main__") or module.name.startswith("nexus_assets.local.clinic"):
            continue
        for made in vars(importlib.import_module(module.name)).values():
            if dataclasses.is_dataclass(made) and isinstance(made, type) and made.__module__ == module.name:
                for field in dataclasses.fields(made):
                    if isinstance(field.default, (int, float)):
                        yield f"{made.__name__}.{field.name}", field.default


def test_whatever_nobody_says_is_nothing() -> None:
    found = dict(defaults())
    assert len(found) > 50
    assert {name: value for name, value in found.items() if value} == OTHERS

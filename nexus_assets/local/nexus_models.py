"""Which Django model stands behind each table of Nexus (`nexus_models.tsv`), and what the table is called in either naming."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from importlib import resources
from typing import Literal

Naming = Literal["current", "django"]
Model = tuple[str, str]


def _listed() -> Mapping[str, Model]:
    text = resources.files("nexus_assets.local").joinpath("nexus_models.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t")
    return {row["table"]: (row["app_label"], row["model"]) for row in rows}


MODELS: Mapping[str, Model] = _listed()
"""(`app_label`, `model`) of every table of Nexus, as its `django_content_type` has them. Neither name tells the other:
the batch is `images.imagebatch` on the table `images_batch`."""


def table_name(table: str, naming: Naming = "current") -> str:
    """Returns what the table is called: as in Nexus today, or by Django's default (`images_imagebatch`), as in older ones.

    Django's own apps name their tables themselves, in every naming.
    """
    if naming == "current" or table.startswith("django_"):
        return table
    return "_".join(MODELS[table])

"""What the config of a run may decide: switches and names of entities, never where data comes from or goes (law 8)."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import get_origin

import dagster as dg
from pydantic import BaseModel


def warn_of_open_pages() -> None:
    """Logs a warning where the definitions are loaded for `dagster dev`, whose web server obeys any web site."""
    if os.environ.get("DAGSTER_IS_DEV_CLI"):
        logging.getLogger("dagster.nexus_assets").warning(
            "`dagster dev` serves pages that carry out what any web site asks of them. Beside clinical data, use `python3 dev.py ui`"
            " or `nexus-assets webserver` (docs/deploying.md)."
        )


def config_fields(model: type[BaseModel], names: Iterable[str] | None = None) -> dict[str, dg.Field]:
    """The fields of a model, or those of these names, each with a default, as config that takes plain values.

    `dg.Config` takes `{env: NAME}` for every value as well: a run that was launched with the name of a secret would repeat
    the secret in the error about it, and the run's history keeps that.
    """
    return {
        name: dg.Field(
            [str] if get_origin(field.annotation) is list else field.annotation,
            default_value=field.default,
            is_required=False,
            description=field.description,
        )
        for name, field in model.model_fields.items()
        if names is None or name in names
    }

"""What the config of a run may decide: switches and names of entities, never where data comes from or goes (law 8)."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import get_origin

import dagster as dg
from pydantic import BaseModel

from nexus_assets import settings
from nexus_assets.local.home import dagster_home, is_demo, local_home


def warn_of_open_pages() -> None:
    """Logs a warning where the definitions are loaded for `dagster dev`, whose web server obeys any web site."""
    if os.environ.get("DAGSTER_IS_DEV_CLI"):
        logging.getLogger("dagster.nexus_assets").warning(
            "`dagster dev` serves pages that carry out what any web site asks of them. Beside clinical data, use `python3 dev.py ui`"
            " or `nexus-assets webserver` (docs/deploying.md)."
        )


def warn_of_the_demo_in_the_history() -> None:
    """Logs a warning where the settings name a real clinic and Dagster's history is the one of the demo on this machine."""
    home = local_home()
    if settings.DATABASE_URL.value() and is_demo(home) and os.environ.get("DAGSTER_HOME") == str(dagster_home(home)):
        logging.getLogger("dagster.nexus_assets").warning(
            f"The runs of this clinic go into the history of the demo clinic ({dagster_home(home)})."
            " Set DAGSTER_HOME in .env to a folder of their own (docs/connecting.md)."
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

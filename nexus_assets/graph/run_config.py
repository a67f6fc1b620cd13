"""What the config of a run may decide: switches and names of entities, never where data comes from or goes (law 8)."""

from __future__ import annotations

from typing import get_origin

import dagster as dg
from pydantic import BaseModel


def config_fields(model: type[BaseModel]) -> dict[str, dg.Field]:
    """The fields of a model, each with a default, as config that takes plain values.

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
    }

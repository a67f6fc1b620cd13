"""Which table stands behind a content type: a wrong one would make sound references look dead, and dead ones sound."""

from __future__ import annotations

import pytest
from psycopg2.sql import Identifier

from nexus_assets.checks.references import models
from nexus_assets.local import nexus_schema
from nexus_assets.local.nexus_models import MODELS, Naming, table_name
from nexus_assets.nexus.connection import make_engine, transaction

UNTABLED = {"django_content_type", "django_admin_log"}
"""Django's own: nothing in Nexus refers to them by a generic key."""


@pytest.mark.parametrize("naming", ["current", "django"])
def test_every_model_is_found_behind_its_content_type(naming: Naming, database: str) -> None:
    engine = make_engine(database)
    with engine.begin() as connection:
        nexus_schema.create(connection, naming)
        tables = nexus_schema.metadata(naming).tables
        nexus_schema.seed(connection)
    with transaction(engine, commit=False) as cursor:
        cursor.execute("SELECT id, app_label, model FROM django_content_type")
        named = {id_: (app_label, model) for id_, app_label, model in cursor.fetchall()}
        found = {named[model.content_type]: model.table for model in models(cursor)}
    expected = {
        model: Identifier("public", table_name(listed, naming))
        for listed, model in MODELS.items()
        if listed not in UNTABLED and table_name(listed, naming) in tables
    }
    assert found == expected

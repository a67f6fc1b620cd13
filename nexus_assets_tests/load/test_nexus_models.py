"""One list says which model stands behind which table; entities, the demo's schema and the tests' Django project agree with it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from nexus_assets.entities import ENTITIES
from nexus_assets.local import nexus_schema
from nexus_assets.local.nexus_models import MODELS, table_name
from nexus_assets.local.postgres import Postgres
from nexus_assets.mapping.entity import Entity
from nexus_assets.nexus.catalog import ContractError
from nexus_assets_tests.load.clinic import Clinic
from nexus_assets_tests.load.test_django import Django, start

pytestmark = pytest.mark.commits

every_entity = pytest.mark.parametrize("entity", ENTITIES.values(), ids=ENTITIES)
BATCH = "(app_label, model) = ('images', 'imagebatch')"


def names(table: str) -> tuple[str, ...]:
    """What the listed table is called, today's name first."""
    return tuple(dict.fromkeys((table, table_name(table, "django"))))


# --- the list and what is made from it --------------------------------------------------------------------------------


@every_entity
def test_an_entitys_model_and_tables_are_the_listed_ones(entity: Entity) -> None:
    assert entity.model.label == ".".join(MODELS[entity.model.tables[0]])
    assert entity.model.tables == names(entity.model.tables[0])


@every_entity
def test_the_tables_that_an_entity_looks_something_up_in_are_the_listed_ones(entity: Entity) -> None:
    found = [match.tables for lookup in entity.lookups for match in lookup.matches]
    assert found == [names(table) for table, *_ in found]


def test_the_demos_content_types_are_the_listed_ones(living_nexus_database: str) -> None:
    with sa.create_engine(living_nexus_database, poolclass=sa.NullPool).connect() as connection:
        found = connection.execute(sa.text("SELECT app_label, model FROM django_content_type")).all()
    assert sorted(map(tuple, found)) == sorted(MODELS.values())
    assert nexus_schema.metadata().tables.keys() <= MODELS.keys()


def test_the_django_projects_models_are_the_listed_ones(database: str, tmp_path: Path, postgres: Postgres) -> None:
    with closing(Clinic(database, tmp_path)) as clinic, start("current", postgres) as project:
        found = {table: tuple(model) for table, model in Django(project, clinic)("models").items()}
    assert found == {table: MODELS[table] for table in found}
    assert {entity.model.tables[0] for entity in ENTITIES.values()} <= found.keys()


# --- where django_content_type is not as the list says ----------------------------------------------------------------


@every_entity
def test_a_model_that_is_missing_stops_every_load_before_it_reads(entity: Entity, loaded: Clinic) -> None:
    loaded.execute(f"DELETE FROM django_content_type WHERE {BATCH}")
    (loaded.folder / "Contacts.csv").unlink(missing_ok=True)
    loaded.exports.clear()
    before = loaded.versions()
    with pytest.raises(ContractError, match=r"migrations have not run: .* no row for images\.imagebatch\..*migrate"):
        loaded.load(entity.name)
    assert loaded.versions() == before


@pytest.mark.parametrize(
    ("app_label", "model"), [("images", "batch"), ("images", "ImageBatch"), ("gallery", "imagebatch")]
)
def test_a_model_by_another_name_is_not_taken_for_it(app_label: str, model: str, loaded: Clinic) -> None:
    loaded.execute(f"UPDATE django_content_type SET app_label = %s, model = %s WHERE {BATCH}", app_label, model)
    with pytest.raises(ContractError, match=r"no row for images\.imagebatch"):
        loaded.load("image_batches")


def test_a_stale_content_type_beside_the_models_own_changes_nothing(loaded: Clinic) -> None:
    loaded.execute("INSERT INTO django_content_type (app_label, model) VALUES ('images', 'batch'), ('notes', 'Note')")
    before = loaded.versions()
    assert all(not result.account.inserted + result.account.updated for result in loaded.load().values())
    assert loaded.versions() == before


def test_a_model_that_is_there_twice_stops_the_load(loaded: Clinic) -> None:
    """As in a database that was restored without its constraints, and migrated again."""
    loaded.execute("ALTER TABLE django_content_type DROP CONSTRAINT django_content_type_app_label_model_76bd3d3b_uniq")
    loaded.execute(
        f"INSERT INTO django_content_type (app_label, model) SELECT app_label, model FROM django_content_type WHERE {BATCH}"
    )
    with pytest.raises(ContractError, match=r"more than one row for images\.imagebatch"):
        loaded.load("patients")

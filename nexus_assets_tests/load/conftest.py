"""What the tests of loading share: a tiny clinic over a Nexus database of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import sqlalchemy

from nexus_assets.local import nexus_schema
from nexus_assets.local.nexus_models import Naming
from nexus_assets.nexus.connection import kept_connections
from nexus_assets.nexus.relations import CatalogCursor
from nexus_assets_tests.load.clinic import Clinic, furnish

Fill = Callable[[Naming], str]
Prepare = Callable[[Clinic], object]
Prepared = Callable[[Prepare], Clinic]


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """What a test does one thing after the other it does on one connection, as a run of Dagster does. To open another one for each
    load, and to have its server process read the catalogue again, is a tenth of what the tests take."""
    with kept_connections():
        yield


@pytest.fixture
def clinic(living_nexus_database: str, tmp_path: Path) -> Iterator[Clinic]:
    """A clinic without anything in it yet."""
    with closing(Clinic(living_nexus_database, tmp_path)) as clinic:
        yield clinic


@pytest.fixture
def furnished(clinic: Clinic) -> Clinic:
    """A clinic with two people and something of everything for each; nothing is loaded yet."""
    return furnish(clinic)


@pytest.fixture(scope="session")
def shared_nexus(kept_database: Callable[..., str], living_nexus_template: str) -> Iterator[Any]:
    """A connection to a Nexus without a patient."""
    url = kept_database(living_nexus_template).replace("+psycopg2", "")
    with closing(psycopg2.connect(url, cursor_factory=CatalogCursor)) as connection:
        yield connection


@pytest.fixture
def nexus_connection(shared_nexus: Any) -> Iterator[Any]:
    """A connection to an empty Nexus; whatever a test does there is rolled back."""
    yield shared_nexus
    shared_nexus.rollback()


@pytest.fixture(scope="session")
def prepared_once(
    kept_database: Callable[..., str], living_nexus_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Prepared:
    """Returns the one clinic that was prepared so, to be copied."""
    made: dict[Prepare, Clinic] = {}

    def prepare(how: Prepare) -> Clinic:
        if how not in made:
            folder = tmp_path_factory.mktemp("prepared")
            with closing(Clinic(kept_database(living_nexus_template), folder)) as clinic:
                how(clinic)
            made[how] = clinic
        return made[how]

    return prepare


@pytest.fixture
def prepared(prepared_once: Prepared, new_database: Callable[..., str], tmp_path: Path) -> Iterator[Prepared]:
    """Returns a clinic of the test's own that was prepared so: a copy of one that was, with its exports and its database."""
    with ExitStack() as stack:

        def prepare(how: Prepare) -> Clinic:
            made = prepared_once(how)
            clinic = made.copied(new_database(str(sqlalchemy.make_url(made.url).database)), tmp_path)
            return stack.enter_context(closing(clinic))

        yield prepare


@pytest.fixture(scope="session")
def loaded_template(kept_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Fill:
    """Returns the name of a database that holds the furnished clinic, loaded once, in either naming."""
    made: dict[Naming, str] = {}

    def fill(naming: Naming) -> str:
        if naming not in made:
            url = kept_database()
            with closing(furnish(Clinic(url, tmp_path_factory.mktemp(naming), naming))) as clinic:
                with clinic.engine.begin() as connection:
                    nexus_schema.create(connection, naming)
                    nexus_schema.seed(connection)
                clinic.load()
            made[naming] = str(sqlalchemy.make_url(url).database)
        return made[naming]

    return fill


@pytest.fixture
def loaded(new_database: Callable[..., str], loaded_template: Fill, tmp_path: Path) -> Iterator[Clinic]:
    """The furnished clinic, loaded once."""
    with closing(furnish(Clinic(new_database(loaded_template("current")), tmp_path))) as clinic:
        clinic.own_ledger()
        yield clinic


@pytest.fixture
def loaded_under_django_names(
    new_database: Callable[..., str], loaded_template: Fill, tmp_path: Path
) -> Iterator[Clinic]:
    """The furnished clinic, loaded once into tables that have Django's own names, as in the incident."""
    with closing(furnish(Clinic(new_database(loaded_template("django")), tmp_path, "django"))) as clinic:
        clinic.own_ledger()
        yield clinic

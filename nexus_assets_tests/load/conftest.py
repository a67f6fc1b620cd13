"""What the tests of loading share: a tiny clinic over a Nexus database of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from nexus_assets.ledger.schema import install
from nexus_assets.local import nexus_schema
from nexus_assets.local.nexus_models import Naming
from nexus_assets.nexus.connection import kept_connections, make_engine, transaction
from nexus_assets.nexus.relations import CatalogCursor
from nexus_assets_tests.conftest import database_name
from nexus_assets_tests.load.clinic import Clinic, RolledBack, furnish

Open = Callable[..., Clinic]
Begun = Callable[..., AbstractContextManager[Clinic]]
Fill = Callable[[Naming], str]
Prepare = Callable[[Clinic], object]
Prepared = Callable[[Prepare], Clinic]


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """What a test does one thing after the other it does on one connection, as a run of Dagster does. To open another one for each
    load, and to have its server process read the catalogue again, is a tenth of what the tests take."""
    with kept_connections():
        yield


@pytest.fixture(scope="session")
def empty_ledger_template(kept_database: Callable[..., str], living_nexus_template: str) -> str:
    """The name of a database of Nexus without a patient, with a ledger in which nothing stands: to make one takes as long as a load."""
    url = kept_database(living_nexus_template)
    with transaction(make_engine(url)) as cursor:
        install(cursor)
    return database_name(url)


@pytest.fixture
def copied(new_database: Callable[..., str], tmp_path: Path) -> Iterator[Open]:
    """Returns a clinic over a copy of the named database, in which a load commits."""
    with ExitStack() as stack:

        def over(template: str, naming: Naming = "current") -> Clinic:
            clinic = stack.enter_context(closing(Clinic(new_database(template), tmp_path, naming)))
            clinic.own_ledger()
            return clinic

        yield over


@pytest.fixture(scope="module")
def shared_copy(
    kept_database: Callable[..., str], drop_database: Callable[[str], None]
) -> Iterator[Callable[[str], str]]:
    """Returns the URL of the copy of the named database that the tests of a module share; its connection is left to the next one."""
    made: dict[str, str] = {}

    def copy(template: str) -> str:
        if template not in made:
            made[template] = kept_database(template)
            with closing(Clinic(made[template], Path())) as clinic:
                clinic.own_ledger()
        return made[template]

    with kept_connections():
        yield copy
    for url in made.values():
        drop_database(url)


@pytest.fixture(scope="module")
def begun(shared_copy: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Begun:
    """Returns a clinic over the named database as a context, at whose end nothing stays of what was done."""

    @contextmanager
    def begin(template: str, naming: Naming = "current", folder: Path | None = None) -> Iterator[Clinic]:
        clinic = RolledBack("mark the test `commits`", folder or tmp_path_factory.mktemp("clinic"), naming)
        clinic.begin(shared_copy(template))
        with closing(clinic):
            yield clinic
            is_bloated = clinic.value("SELECT pg_relation_size('pg_attribute') > 2000000")
        if is_bloated:
            # Every load reads the catalogue, in which the tables of those that were rolled back lie about.
            with closing(Clinic(shared_copy(template), clinic.folder)) as cleaner:
                cleaner.execute("VACUUM pg_attribute, pg_class, pg_constraint, pg_depend, pg_index, pg_type")

    return begin


@pytest.fixture
def rolled_back(begun: Begun, tmp_path: Path) -> Iterator[Open]:
    """Returns a clinic over the named database, in which nothing stays of what a test does."""
    with ExitStack() as stack:
        yield lambda template, naming="current": stack.enter_context(begun(template, naming, tmp_path))


@pytest.fixture
def opened(request: pytest.FixtureRequest) -> Open:
    """Returns a clinic over the named database: a copy for a test that is marked `commits`, else one that is rolled back."""
    chosen: Open = request.getfixturevalue("copied" if request.node.get_closest_marker("commits") else "rolled_back")
    return chosen


@pytest.fixture
def clinic(opened: Open, empty_ledger_template: str) -> Clinic:
    """A clinic without anything in it yet."""
    return opened(empty_ledger_template)


@pytest.fixture
def without_ledger(living_nexus_database: str, tmp_path: Path) -> Iterator[Clinic]:
    """The same where this program was never used; its loads commit."""
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
    kept_database: Callable[..., str], empty_ledger_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Prepared:
    """Returns the one clinic that was prepared so, to be copied."""
    made: dict[Prepare, Clinic] = {}

    def prepare(how: Prepare) -> Clinic:
        if how not in made:
            folder = tmp_path_factory.mktemp("prepared")
            with closing(Clinic(kept_database(empty_ledger_template), folder)) as clinic:
                clinic.own_ledger()
                how(clinic)
            made[how] = clinic
        return made[how]

    return prepare


@pytest.fixture
def prepared(prepared_once: Prepared, opened: Open) -> Prepared:
    """Returns a clinic of the test's own that was prepared so: with the exports and the database of one that was."""

    def prepare(how: Prepare) -> Clinic:
        made = prepared_once(how)
        return made.lend(opened(database_name(made.url)))

    return prepare


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
            made[naming] = database_name(url)
        return made[naming]

    return fill


@pytest.fixture
def loaded(opened: Open, loaded_template: Fill) -> Clinic:
    """The furnished clinic, loaded once."""
    return furnish(opened(loaded_template("current")))


@pytest.fixture
def loaded_under_django_names(opened: Open, loaded_template: Fill) -> Clinic:
    """The furnished clinic, loaded once into tables that have Django's own names, as in the incident."""
    return furnish(opened(loaded_template("django"), "django"))

"""A Nexus that Django made, read and changed through Django's own models: its tables, content types, generic keys, cascades."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nexus_assets.admin import guard
from nexus_assets.checks import CHECKS
from nexus_assets.checks.check import NO_FILES, Finding
from nexus_assets.checks.run import ask_all
from nexus_assets.local.nexus_models import Naming
from nexus_assets.local.postgres import Postgres
from nexus_assets.nexus.connection import transaction
from nexus_assets_tests.conftest import database_name
from nexus_assets_tests.load.clinic import Clinic, furnish
from nexus_assets_tests.load.importer_in_use import degrade

pytestmark = [pytest.mark.commits, pytest.mark.extended]

Open = Callable[[str], Clinic]
PROJECT = Path(__file__).parent / "django_nexus" / "project.py"


Project = subprocess.Popen[str]


@dataclass(frozen=True)
class Django:
    """The Django project over one clinic's database."""

    project: Project
    clinic: Clinic

    def __call__(self, *command: str) -> Any:
        assert self.project.stdin is not None
        assert self.project.stdout is not None
        print(json.dumps([database_name(self.clinic.url), *command]), file=self.project.stdin, flush=True)
        answer = json.loads(self.project.stdout.readline())
        assert "told" in answer, answer["error"]
        return answer["told"]


@pytest.fixture(scope="module", params=["current", "django"])
def naming(request: pytest.FixtureRequest) -> Naming:
    return request.param  # type: ignore[no-any-return]


def start(naming: Naming, postgres: Postgres) -> Project:
    """Starts the project; the end of what it reads ends it."""
    environment = {**os.environ, "NEXUS_DATABASE_URL": postgres.url().replace("+psycopg2", ""), "NEXUS_NAMING": naming}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen([sys.executable, PROJECT], env=environment, text=True, **pipes)


@pytest.fixture(scope="module")
def project(naming: Naming, postgres: Postgres) -> Iterator[Project]:
    """The Django project, running: to start it takes longer than all that a test asks of it."""
    with start(naming, postgres) as project:
        yield project


@pytest.fixture(scope="module")
def made_by_django(
    naming: Naming, project: Project, kept_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The name of a database that Django made and a clinic was loaded into."""
    url = kept_database()
    with closing(Clinic(url, tmp_path_factory.mktemp(naming), naming)) as clinic:
        Django(project, clinic)("create")
        furnish(clinic)
        # Once more, with everything that Nexus may refuse later.
        contact = clinic.contact("Grevillea", title="Sr.", gender="unknown", DOB="1/1/2999", nameFirst="")
        clinic.note(contact, "Rang.", **{"Note Type": "Phone call", "creationAccountName": ""})
        clinic.appointment(contact, endTime="8:00", Type="Unheard of")
        clinic.document("", Type="")
        clinic.image(contact, "", Type="")
        clinic.load()
    return database_name(url)


@pytest.fixture(scope="module")
def read(
    naming: Naming, project: Project, made_by_django: str, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """What Django reads of the clinic as it was loaded."""
    with closing(Clinic(postgres.url(made_by_django), tmp_path_factory.mktemp("read"), naming)) as clinic:
        return Django(project, clinic)("read")


@pytest.fixture
def opened(naming: Naming, new_database: Callable[..., str], tmp_path: Path) -> Iterator[Open]:
    """Returns the clinic over a copy of the named database."""
    with ExitStack() as stack:

        def over(name: str) -> Clinic:
            clinic = stack.enter_context(closing(Clinic(new_database(name), tmp_path, naming)))
            clinic.own_ledger()
            return furnish(clinic)

        yield over


@pytest.fixture
def clinic(made_by_django: str, opened: Open) -> Clinic:
    return opened(made_by_django)


@pytest.fixture
def django(project: Project, clinic: Clinic) -> Django:
    return Django(project, clinic)


def test_every_row_is_read_and_none_refused(read: Any) -> None:
    assert read["rows"] == {
        "patients.patient": 3,
        "appointments.appointment": 3,
        "notes.note": 3,
        "documents.document": 3,
        "images.imagebatch": 3,
        "images.image": 5,
        "companies.company": 1,
        "referrers.specialty": 2,
        "referrers.referrer": 2,
        "referrers.referrercompany": 2,
    }
    assert read["refused"] == []


def test_no_adopted_row_is_refused_by_a_later_edit_in_nexus(django: Django) -> None:
    """What the importer in use today leaves, a title with its dot for one, Nexus would refuse."""
    clinic = django.clinic
    if clinic.naming == "django":
        return  # today's importer writes into today's tables
    for row in clinic.exports["Contacts"]:
        row["title"] = "Mr."
    clinic.execute("UPDATE patients SET title = 'Mr'")
    degrade(clinic.url)
    assert {field for each in django("read")["refused"] for errors in each.values() for field in errors} == {"title"}
    clinic.execute("UPDATE patients SET title = NULL WHERE last_name = 'Grevillea'")  # who has left FileMaker
    clinic.load()
    told = django("read")
    assert (told["refused"], told["leads_nowhere"]) == ([], 0)


def test_the_content_object_of_every_batch_and_document_is_its_patient(read: Any) -> None:
    assert read["leads_to"] == {"images.imagebatch -> patients.patient": 3, "documents.document -> patients.patient": 2}
    assert read["leads_nowhere"] == 0


def test_the_front_end_sees_every_album_in_its_order(read: Any) -> None:
    albums = {owner: rest for owner, *rest in read["albums"]}
    assert albums == {
        "Wattle": ["18 Mar 2024 (FileMaker Import)", 2, [0, 1]],
        "Banksia": ["18 Mar 2024 (FileMaker Import)", 2, [0, 1]],
        "Grevillea": ["Undated (FileMaker Import)", 1, [0]],
    }


def test_djangos_content_types_are_used_and_none_is_added(django: Django) -> None:
    found = django.clinic.rows("SELECT app_label, model FROM django_content_type")
    assert sorted(map(list, found)) == sorted(django("models").values())


def test_whom_django_deletes_comes_back_under_the_old_id_and_nothing_is_orphaned(django: Django) -> None:
    clinic = django.clinic
    contact = clinic.exports["Contacts"][0]["id"]
    before = clinic.patient_id(contact)
    assert django("delete", contact) == {"patients.Patient": 1, "notes.Note": 1, "protected": 1}
    assert django("read")["leads_nowhere"] == 2
    clinic.load(allow_vanished=True)
    assert clinic.patient_id(contact) == before
    told = django("read")
    assert told["leads_nowhere"] == 0
    assert told["rows"]["notes.note"] == 3


# --- under the guard --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def under_guard(
    naming: Naming,
    project: Project,
    made_by_django: str,
    kept_database: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], str]:
    """Returns the name of a database with the guard up, in which Django ran this migration, or none; each is made once."""
    made: dict[str, str] = {}

    def make(operation: str) -> str:
        if operation not in made:
            url = kept_database(make("") if operation else made_by_django)
            with closing(Clinic(url, tmp_path_factory.mktemp("guarded"), naming)) as clinic:
                clinic.own_ledger()
                if operation:
                    assert Django(project, clinic)("migrate", operation) == {"migrated": operation}
                else:
                    assert guard.install(clinic.engine).is_whole
            made[operation] = database_name(url)
        return made[operation]

    return make


@pytest.fixture
def guarded(project: Project, under_guard: Callable[[str], str], opened: Open) -> Django:
    """The same with the guard up."""
    return Django(project, opened(under_guard("")))


@pytest.fixture
def migrated(under_guard: Callable[[str], str], opened: Open) -> Open:
    """Returns the clinic with the guard up, whose Nexus Django has migrated so."""
    return lambda operation: opened(under_guard(operation))


@pytest.fixture
def looked_at(naming: Naming, under_guard: Callable[[str], str], postgres: Postgres, tmp_path: Path) -> Iterator[Open]:
    """The same, over the one database that every test only reads."""
    with ExitStack() as stack:
        yield lambda operation: stack.enter_context(
            closing(Clinic(postgres.url(under_guard(operation)), tmp_path, naming))
        )


def test_django_reads_and_relinks_under_the_guard(guarded: Django) -> None:
    one, other, _ = guarded.clinic.values(
        "SELECT filemaker_metadata->>'filemaker_id' FROM {patients} ORDER BY last_name = 'Grevillea', 1"
    )
    assert guarded("relink", one, other) == 2
    told = guarded("read")
    assert (told["refused"], told["leads_nowhere"]) == ([], 0)


def test_django_is_refused_a_person_whose_batches_would_stay(guarded: Django) -> None:
    clinic, contact = guarded.clinic, guarded.clinic.exports["Contacts"][0]["id"]
    before = clinic.versions()
    assert guarded("delete_under_guard", contact, "alone") == {
        "refused": f"guard_holds_public_{clinic.table('patients')}"
    }
    assert clinic.versions() == before


@pytest.mark.parametrize("order", ["person first", "person last"])
def test_django_deletes_a_person_with_all_that_is_theirs_in_any_order(order: str, guarded: Django) -> None:
    contact = guarded.clinic.exports["Contacts"][0]["id"]
    assert guarded("delete_under_guard", contact, order)["deleted"] == {
        "patients.Patient": 1,
        "notes.Note": 1,
        "images.ImageBatch": 1,
        "images.Image": 2,
        "documents.Document": 1,
    }
    told = guarded("read")
    assert (told["rows"]["patients.patient"], told["leads_nowhere"]) == (2, 0)


def test_whom_django_deleted_under_the_guard_the_next_import_brings_back_whole(guarded: Django) -> None:
    clinic, contact = guarded.clinic, guarded.clinic.exports["Contacts"][0]["id"]
    before = {row["id"]: clinic.id_of("images_image", row) for row in clinic.exports["Image_data"]}
    patient = clinic.patient_id(contact)
    guarded("delete_under_guard", contact, "person first")
    clinic.load(allow_vanished=True)
    assert clinic.patient_id(contact) == patient
    assert {row["id"]: clinic.id_of("images_image", row) for row in clinic.exports["Image_data"]} == before
    told = guarded("read")
    assert (told["leads_nowhere"], told["rows"]["images.image"]) == (0, 5)


# --- migrations of Nexus under the guard ------------------------------------------------------------------------------

CHANGES_A_KEY = (
    "AlterField",
    "RenameField",
    "AlterModelTable",
    "RemoveField",
    "DeleteModel",
    "CreateModel with a generic key",
    "AddField of a generic key",
    # PostgreSQL alters no table on which a trigger is still to fire in the same transaction.
    "RunPython and AlterField",
    "RunPython and RenameField",
    "squashed",
)
CHANGES_NONE = ("AddField", "RunPython", "RunPython and AddField", "deleted rows and AddField")
CHANGES_WHAT_WE_LOAD = ("RenameModel", "AlterField of the key referred to")
"""After these a load and its checks refuse: the model, or ids that are uuids, are not there."""


def write_everywhere(clinic: Clinic) -> None:
    """Writes and deletes in every table that the guard stands at, whatever they are called by now."""
    batches = clinic.value(
        "SELECT coalesce(to_regclass('albums'), to_regclass('images_album'), to_regclass(%s))::text",
        clinic.table("images_batch"),
    )
    clinic.execute(f"UPDATE {batches} SET image_count = image_count")
    clinic.execute(f"CREATE TEMP TABLE kept AS SELECT * FROM {batches}")
    images = clinic.value("SELECT conrelid::regclass::text FROM pg_constraint WHERE confrelid = %s::regclass", batches)
    for table in (images, batches):
        clinic.execute(f"DELETE FROM {table}")
    if clinic.value("SELECT to_regclass(%s) IS NOT NULL", clinic.table("documents_document")):
        clinic.execute(f"DELETE FROM {clinic.table('documents_document')}")
    clinic.execute(f"INSERT INTO {batches} SELECT * FROM kept")
    clinic.execute(f"DELETE FROM {batches}")
    for table in ("notes", "appointments", "patients"):
        clinic.execute(f"DELETE FROM {clinic.table(table)}")


def reported(clinic: Clinic) -> Finding:
    """What the guard's own check answers."""
    chosen = [check for check in CHECKS if check.name == "guard_in_force"]
    ((_, found),) = ask_all(chosen, clinic.engine, NO_FILES)
    assert isinstance(found, Finding)
    return found


@pytest.mark.parametrize("operation", [*CHANGES_A_KEY, *CHANGES_NONE, *CHANGES_WHAT_WE_LOAD])
def test_a_migration_succeeds_and_leaves_every_table_writable(operation: str, migrated: Open) -> None:
    write_everywhere(migrated(operation))


@pytest.mark.parametrize("operation", [*CHANGES_A_KEY, *CHANGES_NONE])
def test_after_a_migration_the_guards_check_reports_where_it_steps_aside(operation: str, looked_at: Open) -> None:
    found = reported(looked_at(operation))
    assert (found.passed, found.next_step) == (
        (True, "") if operation in CHANGES_NONE else (False, "nexus-assets guard install")
    )


@pytest.mark.parametrize("operation", CHANGES_WHAT_WE_LOAD)
def test_guard_of_a_nexus_that_is_another_is_not_whole(operation: str, looked_at: Open) -> None:
    with transaction(looked_at(operation).engine, commit=False) as cursor:
        assert not guard.status(cursor).is_whole


def test_no_load_is_advised_where_ids_are_no_uuids_any_more(migrated: Open) -> None:
    clinic = migrated("AlterField of the key referred to")
    with pytest.raises(guard.GuardError, match=r"id is of type character varying.*Take the migration") as refused:
        guard.install(clinic.engine)
    assert "materialize" not in str(refused.value)


@pytest.mark.parametrize("operation", CHANGES_A_KEY)
def test_after_a_migration_the_guard_is_installed_again(operation: str, migrated: Open) -> None:
    clinic = migrated(operation)
    assert guard.install(clinic.engine).is_whole
    assert reported(clinic).passed


def test_the_guard_says_at_once_that_it_steps_aside(migrated: Open) -> None:
    clinic = migrated("RenameField")
    with closing(clinic.engine.raw_connection()) as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {clinic.table('images_image')}")
            cursor.execute(f"DELETE FROM {clinic.table('images_batch')}")
            cursor.execute(f"DELETE FROM {clinic.table('notes')}")
            cursor.execute(f"DELETE FROM {clinic.table('appointments')}")
            cursor.execute(f"DELETE FROM {clinic.table('documents_document')}")
            cursor.execute(f"DELETE FROM {clinic.table('patients')}")
        connection.commit()
        assert any(
            "does not know" in notice and "guard install" in notice for notice in connection.driver_connection.notices
        )

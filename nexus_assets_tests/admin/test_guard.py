"""With the guard up no client can commit a dangling generic reference, and nothing else is refused."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy
from psycopg2.extensions import cursor as Cursor

from nexus_assets.admin import guard, reset
from nexus_assets.checks import CHECKS
from nexus_assets.checks.check import NO_FILES, Finding
from nexus_assets.checks.run import ask_all
from nexus_assets.nexus.connection import DatabaseError, make_engine, transaction
from nexus_assets_tests.admin.conftest import Command
from nexus_assets_tests.load.clinic import Clinic, furnish
from nexus_assets_tests.load.conftest import Fill

NOBODY = str(uuid.uuid4())


@pytest.fixture(scope="session")
def guarded_template(kept_database: Callable[..., str], loaded_template: Fill) -> str:
    """The name of a database that holds the furnished clinic, loaded, with the guard up."""
    url = kept_database(loaded_template("current"))
    guard.install(make_engine(url))
    return str(sqlalchemy.make_url(url).database)


@pytest.fixture
def guarded(new_database: Callable[..., str], guarded_template: str, tmp_path: Path) -> Iterator[Clinic]:
    """The furnished clinic, loaded, with the guard up."""
    with closing(furnish(Clinic(new_database(guarded_template), tmp_path))) as clinic:
        clinic.own_ledger()
        yield clinic


@contextmanager
def client(clinic: Clinic) -> Iterator[Cursor]:
    """One transaction of another client, as Django has it: READ COMMITTED, committed at the end."""
    connection = psycopg2.connect(clinic.url.replace("+psycopg2", ""))
    with closing(connection), connection, connection.cursor() as cursor:
        yield cursor


def patient(clinic: Clinic) -> str:
    return str(clinic.value("SELECT id::text FROM {patients} ORDER BY id LIMIT 1"))


def copy_batch(object_id: str) -> str:
    return (
        "INSERT INTO images_batch SELECT gen_random_uuid(), content_type_id, "
        f"'{object_id}', name, description, uploaded_by_id, uploaded_at, 0 FROM images_batch LIMIT 1"
    )


def copy_patient(old: str, new: str) -> str:
    return (
        "INSERT INTO patients (id, first_name, last_name, archived, created_at, updated_at)"
        f" SELECT '{new}', first_name, last_name, archived, created_at, updated_at FROM patients WHERE id = '{old}'"
    )


ORPHANING = {
    "inserting one": copy_batch(NOBODY),
    "pointing one at nobody": f"UPDATE documents_document SET object_id = '{NOBODY}'",
    "pointing one at a model that is not there": "UPDATE documents_document SET content_type_id = NULL",
    "emptying half of one": "UPDATE documents_document SET object_id = NULL",
    "pointing a uuid at a model whose ids are numbers": "UPDATE images_batch SET content_type_id ="
    " (SELECT id FROM django_content_type WHERE (app_label, model) = ('auth', 'user'))",
    "giving the row another id": "DELETE FROM {appointments}; DELETE FROM {notes}; UPDATE {patients} SET id = gen_random_uuid()",
    "deleting the row": "DELETE FROM {appointments}; DELETE FROM {notes}; DELETE FROM {patients}",
}


@pytest.mark.parametrize("statement", ORPHANING.values(), ids=ORPHANING.keys())
def test_no_client_can_commit_an_orphan(statement: str, guarded: Clinic) -> None:
    before = guarded.versions()
    with pytest.raises(psycopg2.errors.ForeignKeyViolation), client(guarded) as cursor:
        cursor.execute(guarded._named(statement))
    assert guarded.versions() == before


@pytest.mark.parametrize("statement", ORPHANING.values(), ids=ORPHANING.keys())
def test_without_the_guard_each_of_these_is_let_through(statement: str, loaded: Clinic) -> None:
    with client(loaded) as cursor:
        cursor.execute(loaded._named(statement))


def test_emptying_a_whole_table_is_refused(guarded: Clinic) -> None:
    tables = guarded.values(
        "SELECT DISTINCT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND confrelid = 'appointment_types'::regclass"
    )
    guarded.execute(
        "UPDATE documents_document SET (content_type_id, object_id) = (SELECT c.id, a.id FROM django_content_type AS c,"
        " appointment_types AS a WHERE (c.app_label, c.model) = ('appointments', 'appointmenttype') LIMIT 1)"
    )
    with pytest.raises(psycopg2.errors.ForeignKeyViolation), client(guarded) as cursor:
        cursor.execute(f"TRUNCATE appointment_types, {', '.join(tables)} CASCADE")


FREE_ORDERS: dict[str, list[str]] = {
    "a batch before its patient": [copy_batch(NOBODY), copy_patient("{who}", NOBODY)],
    "a patient before what refers to it": [
        "DELETE FROM patients",
        "DELETE FROM images_image",
        "DELETE FROM images_batch",
        "DELETE FROM documents_document",
        "DELETE FROM notes",
        "DELETE FROM appointments",
    ],
    "an orphan that is gone again": [copy_batch(NOBODY), f"DELETE FROM images_batch WHERE object_id = '{NOBODY}'"],
    "an orphan that is corrected": [
        f"UPDATE documents_document SET object_id = '{NOBODY}'",
        "UPDATE documents_document SET object_id = '{who}'",
    ],
    "both halves emptied": ["UPDATE documents_document SET object_id = NULL, content_type_id = NULL"],
    "a reference to another model": [
        "UPDATE images_batch SET (content_type_id, object_id) = (SELECT t.id, c.id FROM django_content_type AS t, clinics AS c"
        " WHERE (t.app_label, t.model) = ('clinicians', 'clinic') LIMIT 1)"
    ],
    "an id that goes and comes back": [
        "CREATE TEMP TABLE kept AS SELECT * FROM patients WHERE id = '{who}'",
        "DELETE FROM patients WHERE id = '{who}'",
        "INSERT INTO patients SELECT * FROM kept",
    ],
}


@pytest.mark.parametrize("statements", FREE_ORDERS.values(), ids=FREE_ORDERS.keys())
def test_only_what_is_committed_counts(statements: list[str], guarded: Clinic) -> None:
    with client(guarded) as cursor:
        for statement in statements:
            cursor.execute(statement.format(who=patient(guarded)))


@pytest.mark.parametrize("first", ["the reference", "the deletion"])
def test_of_two_clients_at_once_the_later_one_is_refused(first: str, guarded: Clinic) -> None:
    who = patient(guarded)
    with client(guarded) as cursor:
        cursor.execute(
            "UPDATE documents_document SET object_id = NULL, content_type_id = NULL WHERE object_id = %s", (who,)
        )
        for table in ("notes", "appointments"):
            cursor.execute(f"DELETE FROM {table} WHERE patient_id = %s", (who,))
        cursor.execute(
            "DELETE FROM images_image USING images_batch AS b WHERE b.id = batch_id AND b.object_id = %s", (who,)
        )
        cursor.execute("DELETE FROM images_batch WHERE object_id = %s", (who,))
    statements = {"the reference": copy_batch(who), "the deletion": f"DELETE FROM patients WHERE id = '{who}'"}
    (second,) = {*statements} - {first}
    checked = {name: threading.Event() for name in statements}
    outcomes: dict[str, str] = {}

    def run(name: str) -> None:
        try:
            with client(guarded) as cursor:
                if name == second:
                    checked[first].wait(20)
                # The check that the commit makes, made already: both clients have made theirs before either commits.
                cursor.execute(f"{statements[name]}; SET CONSTRAINTS ALL IMMEDIATE")
                checked[name].set()
                if name == first:
                    checked[second].wait(1)
            outcomes[name] = "committed"
        except psycopg2.errors.ForeignKeyViolation:
            outcomes[name] = "refused"

    threads = [threading.Thread(target=run, args=(name,)) for name in statements]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert outcomes == {first: "committed", second: "refused"}


def test_the_error_is_one_that_django_knows_and_names_no_person(guarded: Clinic) -> None:
    with pytest.raises(psycopg2.errors.ForeignKeyViolation) as refused, client(guarded) as cursor:
        cursor.execute(copy_batch(NOBODY))
    told = str(refused.value)
    assert refused.value.diag.table_name == "images_batch"
    assert NOBODY in told
    assert "Wattle" not in told


# --- our own loads --------------------------------------------------------------------------------------------------------


def test_a_first_load_runs_under_the_guard(furnished: Clinic) -> None:
    guard.install(furnished.engine)
    furnished.load()
    assert furnished.value("SELECT count(*) FROM {images_image}") == 4


def test_superseding_runs_under_the_guard(guarded: Clinic) -> None:
    guard.remove(guarded.engine)
    with client(guarded) as cursor:
        cursor.execute("CREATE TEMP TABLE again AS SELECT id, gen_random_uuid() AS new FROM patients")
        cursor.execute("UPDATE notes SET patient_id = new FROM again WHERE again.id = patient_id")
        cursor.execute("UPDATE appointments SET patient_id = new FROM again WHERE again.id = patient_id")
        cursor.execute("UPDATE patients SET id = new FROM again WHERE again.id = patients.id")
    with pytest.raises(guard.GuardError):
        guard.install(guarded.engine)
    guarded.load("patients")
    assert guard.install(guarded.engine).is_whole
    guarded.load()
    assert guarded.load()["image_batches"].account.unchanged == 2


def test_an_edit_of_a_patient_meanwhile_does_not_fail_a_load(guarded: Clinic) -> None:
    guarded.image(guarded.exports["Contacts"][0]["id"], "4/19/2024")
    with transaction(guarded.engine) as cursor:
        cursor.execute("SELECT count(*) FROM patients")
        guarded.execute("UPDATE patients SET notes = 'edited', updated_at = now()")
        cursor.execute(copy_batch(patient(guarded)))


# --- installing, removing, looking ----------------------------------------------------------------------------------------


def test_it_is_refused_while_references_lead_nowhere(loaded: Clinic, command: Callable[[Clinic], Command]) -> None:
    loaded.execute("UPDATE {images_batch} SET object_id = gen_random_uuid()")
    result = command(loaded)("guard", "install")
    told = str(result.exception)
    assert "2 of images_batch.object_id" in told
    assert "dagster asset materialize --select '*'" in told
    assert command(loaded)("guard", "status").exit_code == 1


def test_installing_twice_changes_nothing(guarded: Clinic) -> None:
    query = "SELECT oid, tgrelid, tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"
    before = guarded.rows(query)
    assert guard.install(guarded.engine).is_whole
    assert guarded.rows(query) == before


def test_removing_leaves_nothing_behind(guarded: Clinic) -> None:
    guard.remove(guarded.engine)
    assert guarded.values("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal") == []
    assert guarded.values("SELECT proname FROM pg_proc WHERE proname LIKE 'guard%'") == []


def status(clinic: Clinic) -> guard.Status:
    with transaction(clinic.engine, commit=False) as cursor:
        return guard.status(cursor)


def test_status_knows_every_generic_key_and_exits_0(guarded: Clinic, command: Callable[[Clinic], Command]) -> None:
    found = status(guarded)
    assert set(found.keys) == {
        "contact_relationships.from_object_id",
        "contact_relationships.to_object_id",
        "documents_document.object_id",
        "images_batch.object_id",
    }
    assert "patients" in found.tables
    assert command(guarded)("guard", "status").exit_code == 0


def test_a_new_table_of_nexus_is_missed(guarded: Clinic, command: Callable[[Clinic], Command]) -> None:
    guarded.execute(
        "CREATE TABLE sketches (id uuid PRIMARY KEY, content_type_id integer REFERENCES django_content_type, object_id uuid)"
    )
    assert status(guarded).keys["sketches.object_id"] == "missing"
    assert command(guarded)("guard", "status").exit_code == 1
    assert guard.install(guarded.engine).keys["sketches.object_id"] == "guarded"
    with pytest.raises(psycopg2.errors.ForeignKeyViolation), client(guarded) as cursor:
        cursor.execute(f"INSERT INTO sketches SELECT gen_random_uuid(), content_type_id, '{NOBODY}' FROM images_batch")


def test_a_new_model_makes_it_outdated(guarded: Clinic) -> None:
    guarded.execute("CREATE TABLE gait_trial (id uuid PRIMARY KEY)")
    guarded.execute("INSERT INTO django_content_type (app_label, model) VALUES ('gait', 'trial')")
    found = status(guarded)
    assert found.keys["images_batch.object_id"] == "outdated"
    assert found.tables["gait_trial"] == "missing"
    assert guard.install(guarded.engine).is_whole


def test_a_disabled_trigger_is_seen(guarded: Clinic) -> None:
    guarded.execute("ALTER TABLE {images_batch} DISABLE TRIGGER USER")
    assert status(guarded).keys["images_batch.object_id"] == "disabled"


def test_a_reference_by_text_is_guarded_too(guarded: Clinic) -> None:
    guarded.execute(
        "CREATE TABLE remarks (id uuid PRIMARY KEY, content_type_id integer REFERENCES django_content_type, object_id varchar(255))"
    )
    guard.install(guarded.engine)
    who = patient(guarded)
    insert = "INSERT INTO remarks SELECT gen_random_uuid(), content_type_id, '{}' FROM images_batch LIMIT 1"
    with client(guarded) as cursor:
        cursor.execute(insert.format(who))
    with pytest.raises(psycopg2.errors.ForeignKeyViolation), client(guarded) as cursor:
        cursor.execute(insert.format(NOBODY))
    tables = ("notes", "appointments", "images_image", "images_batch", "documents_document", "patients")
    with pytest.raises(psycopg2.errors.ForeignKeyViolation), client(guarded) as cursor:
        cursor.execute(";".join(f"DELETE FROM {table}" for table in tables))


def test_it_stands_over_djangos_own_table_names(loaded_under_django_names: Clinic) -> None:
    clinic = loaded_under_django_names
    assert guard.install(clinic.engine).is_whole
    with pytest.raises(psycopg2.errors.ForeignKeyViolation), client(clinic) as cursor:
        cursor.execute(clinic._named("UPDATE {images_batch} SET object_id = gen_random_uuid()"))
    clinic.load()


def test_a_partitioned_table_is_guarded_once_and_let_go(loaded: Clinic) -> None:
    loaded.execute(
        "CREATE TABLE audit (id uuid, content_type_id int, object_id uuid, at date) PARTITION BY RANGE (at);"
        " CREATE TABLE audit_1 PARTITION OF audit FOR VALUES FROM ('2020-01-01') TO ('2030-01-01')"
    )
    for _ in range(2):
        guard.install(loaded.engine)
        with loaded.cursor() as cursor:
            assert guard.status(cursor).is_whole
    row = "INSERT INTO audit VALUES (gen_random_uuid(), %s, gen_random_uuid(), '2024-01-01')"
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        loaded.execute(row, loaded.content_type())
    guard.remove(loaded.engine)
    loaded.execute(row, loaded.content_type())


def test_who_writes_into_a_partition_by_its_own_name_is_guarded_too(loaded: Clinic) -> None:
    loaded.execute(
        "CREATE TABLE audit (id uuid, content_type_id int, object_id uuid, at date) PARTITION BY RANGE (at);"
        " CREATE TABLE audit_1 PARTITION OF audit FOR VALUES FROM ('2020-01-01') TO ('2030-01-01')"
    )
    guard.install(loaded.engine)
    loaded.execute("INSERT INTO audit_1 SELECT id, content_type_id, object_id, '2024-01-01' FROM images_batch")
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        loaded.execute("UPDATE audit_1 SET object_id = gen_random_uuid()")


# --- a part of it dropped ---------------------------------------------------------------------------------------------

DROPPED = {
    "all of it": "DROP SCHEMA nexus_guard CASCADE",
    "a trigger's function": "DROP FUNCTION nexus_guard.guard_notes_public_images_batch_object_id CASCADE",
    "every trigger's function": "DO $$ DECLARE f regprocedure; BEGIN FOR f IN SELECT oid FROM pg_proc WHERE pronamespace ="
    " 'nexus_guard'::regnamespace LOOP EXECUTE format('DROP FUNCTION %s CASCADE', f); END LOOP; END $$",
    "a function that checks": "DROP FUNCTION nexus_guard.guard_refers_public_images_batch_object_id",
    "the function at commit": "DROP FUNCTION nexus_guard.guard_commit CASCADE",
    "what is pending": "DROP TABLE nexus_guard.pending",
    "one trigger": "DROP TRIGGER nexus_assets_guard_object_id_insert ON images_batch",
    "a function's text": "CREATE OR REPLACE FUNCTION nexus_guard.guard_commit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
    " SET search_path = pg_catalog AS $$ BEGIN RETURN NULL; END $$",
}


def reported(clinic: Clinic) -> Finding:
    """What the guard's own check answers."""
    ((_, found),) = ask_all([check for check in CHECKS if check.name == "guard_in_force"], clinic.engine, NO_FILES)
    assert isinstance(found, Finding)
    return found


@pytest.mark.parametrize("dropped", DROPPED.values(), ids=DROPPED.keys())
def test_a_guard_of_which_a_part_is_gone_is_missed(dropped: str, guarded: Clinic) -> None:
    assert reported(guarded).passed
    guarded.execute(dropped)
    found = reported(guarded)
    assert (found.passed, found.next_step) == (False, "nexus-assets guard install")
    # Nobody is kept from writing by what is left, and the guard comes back whole.
    with client(guarded) as cursor:
        cursor.execute(copy_batch(patient(guarded)))
        cursor.execute("UPDATE images_batch SET name = 'Gait study'; UPDATE patients SET notes = 'edited'")
    assert guard.install(guarded.engine).is_whole
    assert reported(guarded).passed
    with pytest.raises(psycopg2.errors.ForeignKeyViolation), client(guarded) as cursor:
        cursor.execute(copy_batch(NOBODY))


def test_a_guard_that_was_there_before_the_first_load_is_missed_as_well(furnished: Clinic) -> None:
    guard.install(furnished.engine)
    furnished.load("patients")
    furnished.execute(DROPPED["all of it"])
    assert reported(furnished).breakdown.keys() == {"guard_missing"}


def test_a_guard_that_was_removed_is_not_missed(guarded: Clinic) -> None:
    guard.remove(guarded.engine)
    assert reported(guarded).passed


# --- row level security -----------------------------------------------------------------------------------------------

HIDING = (
    "ALTER TABLE patients ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE patients FORCE ROW LEVEL SECURITY",
    "CREATE POLICY theirs ON patients USING (last_name <> 'Wattle') WITH CHECK (true)",
)


def hide_rows(clinic: Clinic) -> None:
    """From here on nobody but a superuser sees every patient, not even the owner of the table."""
    for statement in HIDING:
        clinic.execute(statement)


def test_it_is_not_installed_where_it_would_not_see_every_row(loaded: Clinic) -> None:
    hide_rows(loaded)
    with pytest.raises(DatabaseError, match="Row level security"):
        guard.install(loaded.engine)
    assert loaded.values("SELECT tgname FROM pg_trigger WHERE tgname ~ '^nexus_assets_guard'") == []


def test_it_refuses_no_link_that_it_cannot_see_and_its_status_says_so(guarded: Clinic) -> None:
    who = guarded.value("SELECT id::text FROM patients WHERE last_name = 'Wattle'")
    hide_rows(guarded)
    with client(guarded) as cursor:
        cursor.execute(copy_batch(who))
        connection = cursor.connection
    assert any("guard install" in notice for notice in connection.notices)
    assert status(guarded).tables["patients"] == "disabled"


def test_a_reset_that_does_not_see_every_row_removes_none(loaded: Clinic) -> None:
    hide_rows(loaded)
    before = loaded.value("SELECT count(*) FROM notes")
    with pytest.raises(DatabaseError, match="Row level security"):
        reset.plan(loaded.engine)
    assert loaded.value("SELECT count(*) FROM notes") == before

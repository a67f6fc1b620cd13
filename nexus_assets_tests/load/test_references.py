"""References found by looking at the database: generic keys, columns without a constraint; orphans; and moving to current ids."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from psycopg2.sql import Identifier

from nexus_assets.entities import ENTITIES
from nexus_assets.load.superseded import move_superseded
from nexus_assets.nexus import catalog
from nexus_assets.nexus.orphans import dangling
from nexus_assets.nexus.references import (
    Model,
    foreign_columns,
    generic_keys,
    is_referenced_sql,
    models,
    orphans_sql,
    reachable,
)
from nexus_assets_tests.load.clinic import Clinic

SOMEBODY = "11111111-1111-4111-8111-111111111111"


# --- finding ----------------------------------------------------------------------------------------------------------


def test_every_generic_key_of_nexus_is_found(nexus_connection: Any) -> None:
    with nexus_connection.cursor() as cursor:
        assert [key.name for key in generic_keys(cursor)] == [
            "contact_relationships.from_object_id",
            "contact_relationships.to_object_id",
            "django_admin_log.object_id",
            "documents_document.object_id",
            "images_batch.object_id",
        ]


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("later (id uuid, content_type_id int, object_id uuid)", "later.object_id"),
        ("later (id uuid, subject_content_type_id int, subject_object_id uuid)", "later.subject_object_id"),
        ("later (id int, content_type_id bigint, object_id varchar(50))", "later.object_id"),
        ('"Later" (id int, content_type_id int, object_id text)', "Later.object_id"),
        ("later (id int, content_type_id int, object_id uuid) PARTITION BY HASH (id)", "later.object_id"),
    ],
    ids=["plain", "with a prefix", "as text", "with capitals", "partitioned"],
)
def test_a_later_table_is_found_by_itself(table: str, key: str, nexus_connection: Any) -> None:
    with nexus_connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {table}")
        assert key in [found.name for found in generic_keys(cursor)]


def test_a_later_schema_is_looked_at_and_the_ledger_is_not(loaded: Clinic) -> None:
    loaded.execute("CREATE SCHEMA later")
    loaded.execute("CREATE TABLE later.thing (id uuid, content_type_id int, object_id uuid)")
    loaded.execute("CREATE TABLE nexus_assets.thing (id uuid, content_type_id int, object_id uuid)")
    with loaded.cursor() as cursor:
        found = generic_keys(cursor)
    assert [(key.schema, key.table) for key in found if key.table == "thing"] == [("later", "thing")]


def test_the_admin_log_is_history(nexus_connection: Any) -> None:
    with nexus_connection.cursor() as cursor:
        assert [key.table for key in generic_keys(cursor) if key.kind == "history"] == ["django_admin_log"]


def test_columns_that_refer_to_patients_are_found_with_and_without_a_constraint(nexus_connection: Any) -> None:
    with nexus_connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE later (referring_patient_id uuid, patient uuid, patient_id text, impatient_id uuid)"
        )
        target = catalog.reflect(cursor, ENTITIES["patients"])
        found = {f"{column.table}.{column.column}": column.guarded for column in foreign_columns(cursor, target)}
    assert found["notes.patient_id"] is True
    assert found["later.referring_patient_id"] is False
    assert found["later.patient"] is False
    assert "later.patient_id" not in found
    assert "later.impatient_id" not in found


def test_reminders_hold_appointments_without_a_constraint(nexus_connection: Any) -> None:
    with nexus_connection.cursor() as cursor:
        target = catalog.reflect(cursor, ENTITIES["appointments"])
        found = {f"{column.table}.{column.column}": column.guarded for column in foreign_columns(cursor, target)}
    assert found["reminders.appointment_id"] is False
    assert found["sms_messages.appointment_id"] is True


@pytest.mark.parametrize("naming", ["loaded", "loaded_under_django_names"])
def test_the_tables_of_models_are_found_in_either_naming(naming: str, request: pytest.FixtureRequest) -> None:
    clinic: Clinic = request.getfixturevalue(naming)
    with clinic.cursor() as cursor:
        tables = {model.content_type: (model.table.strings[-1], model.id_type) for model in models(cursor)}
    assert tables[clinic.content_type("patients", "patient")] == (clinic.table("patients"), "uuid")
    assert tables[clinic.content_type("settings", "fundingsource")] == (clinic.table("funding_sources"), "uuid")
    assert tables[clinic.content_type("auth", "user")] == ("auth_user", "integer")
    assert clinic.content_type("sessions", "session") not in tables


def test_a_stale_content_type_is_not_the_model_of_a_table_that_is_called_as_it_is(loaded: Clinic) -> None:
    loaded.execute("INSERT INTO django_content_type (app_label, model) VALUES ('images', 'batch')")
    with loaded.cursor() as cursor:
        found = {model.content_type: model.table.strings[-1] for model in models(cursor)}
    assert loaded.content_type("images", "batch") not in found
    assert found[loaded.content_type("images", "imagebatch")] == "images_batch"


def test_a_uuid_leads_to_no_integer(loaded: Clinic) -> None:
    with loaded.cursor() as cursor:
        found = models(cursor)
        keys = {key.table: key for key in generic_keys(cursor)}
    user = loaded.content_type("auth", "user")
    assert user not in [model[0] for model in reachable(keys["images_batch"], found)]
    assert user in [model[0] for model in reachable(keys["django_admin_log"], found)]


# --- orphans ----------------------------------------------------------------------------------------------------------


def orphans(clinic: Clinic, table: str, not_allowed: tuple[int, ...] = ()) -> list[tuple[str, str]]:
    """(object id, reason) of the orphans of the table's generic key."""
    with clinic.cursor() as cursor:
        (key,) = (key for key in generic_keys(cursor) if key.table == table)
        cursor.execute(orphans_sql(key, reachable(key, models(cursor)), not_allowed))
        return sorted((object_id or "", reason) for _, _, object_id, reason in cursor.fetchall())


def relink(clinic: Clinic, content_type: int | None, object_id: str | None) -> None:
    """Changes one document's link."""
    clinic.execute(
        "UPDATE documents_document SET content_type_id = %s, object_id = %s"
        " WHERE id = (SELECT id FROM documents_document ORDER BY id LIMIT 1)",
        *(content_type, object_id),
    )


def test_a_healthy_database_has_no_orphan(loaded: Clinic) -> None:
    with loaded.cursor() as cursor:
        tables = [key.table for key in generic_keys(cursor)]
    assert {table: orphans(loaded, table) for table in set(tables) - {"contact_relationships"}} == {
        "django_admin_log": [],
        "documents_document": [],
        "images_batch": [],
    }


def test_a_row_that_is_not_there_is_missing(loaded: Clinic) -> None:
    relink(loaded, loaded.content_type(), SOMEBODY)
    assert orphans(loaded, "documents_document") == [(SOMEBODY, "target_missing")]


def test_another_models_row_is_looked_for_in_its_table(loaded: Clinic) -> None:
    clinic_id = loaded.value("SELECT id::text FROM clinics LIMIT 1")
    relink(loaded, loaded.content_type("clinicians", "clinic"), clinic_id)
    assert orphans(loaded, "documents_document") == []
    relink(loaded, loaded.content_type("clinicians", "clinic"), SOMEBODY)
    assert orphans(loaded, "documents_document") == [(SOMEBODY, "target_missing")]


@pytest.mark.parametrize("half", ["content_type_id", "object_id"])
def test_half_a_link_is_an_orphan(half: str, loaded: Clinic) -> None:
    loaded.execute(f"UPDATE documents_document SET {half} = NULL")
    assert [reason for _, reason in orphans(loaded, "documents_document")] == ["half_null", "half_null"]


def test_no_link_at_all_is_no_orphan(loaded: Clinic) -> None:
    relink(loaded, None, None)
    assert orphans(loaded, "documents_document") == []


def test_a_content_type_that_is_gone_is_missing(loaded: Clinic) -> None:
    loaded.execute(
        "ALTER TABLE documents_document DROP CONSTRAINT " + constraint(loaded, "documents_document", "content_type_id")
    )
    relink(loaded, 4711, SOMEBODY)
    assert orphans(loaded, "documents_document") == [(SOMEBODY, "content_type_missing")]


def test_a_missing_content_type_is_found_wherever_it_stands_among_those_in_use(loaded: Clinic) -> None:
    """Below all others, between them, and above them; the ones beside it exist."""
    loaded.execute(
        "ALTER TABLE documents_document DROP CONSTRAINT " + constraint(loaded, "documents_document", "content_type_id")
    )
    patient = loaded.content_type()
    loaded.execute("UPDATE django_content_type SET id = id + 100 WHERE id > %s", patient)
    clinic_type, clinic_id = loaded.content_type("clinicians", "clinic"), loaded.value("SELECT id FROM clinics LIMIT 1")
    (like,) = loaded.values("SELECT id::text FROM documents_document ORDER BY id LIMIT 1")
    missing = {-1: "0" * 8, patient + 1: "1" * 8, patient + 50: "2" * 8, 9999: "3" * 8}
    for content_type, start in missing.items():
        loaded.copy(
            "documents_document", like, content_type_id=content_type, object_id=start + SOMEBODY[8:], filemaker_id=None
        )
    loaded.copy("documents_document", like, content_type_id=clinic_type, object_id=clinic_id, filemaker_id=None)
    found = orphans(loaded, "documents_document")
    assert found == [(start + SOMEBODY[8:], "content_type_missing") for start in missing.values()]


def test_a_content_type_that_can_not_be_is_not_allowed(loaded: Clinic) -> None:
    user = loaded.content_type("auth", "user")
    relink(loaded, user, SOMEBODY)
    assert orphans(loaded, "documents_document", (user,)) == [(SOMEBODY, "content_type_not_allowed")]


def test_a_content_type_without_a_known_table_is_taken_at_its_word(loaded: Clinic) -> None:
    relink(loaded, loaded.content_type("sessions", "session"), SOMEBODY)
    assert orphans(loaded, "documents_document") == []


def test_an_id_as_text_is_compared_as_text(loaded: Clinic) -> None:
    user = loaded.value("SELECT id FROM auth_user LIMIT 1")
    for object_id in (str(user), "4711"):
        loaded.execute(
            "INSERT INTO django_admin_log (action_time, object_id, object_repr, action_flag, change_message,"
            " content_type_id, user_id) VALUES (now(), %s, '', 1, '', %s, %s)",
            *(object_id, loaded.content_type("auth", "user"), user),
        )
    assert orphans(loaded, "django_admin_log") == [("4711", "target_missing")]


def test_each_model_is_looked_up_by_an_anti_join(loaded: Clinic) -> None:
    loaded.execute("ANALYZE")
    with loaded.cursor() as cursor:
        (key,) = (key for key in generic_keys(cursor) if key.table == "images_batch")
        query = orphans_sql(key, [Model(loaded.content_type(), Identifier("patients"))]).as_string(cursor)
        cursor.execute("EXPLAIN " + query)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert plan.count("Anti Join") == 1
    assert len([line for line in plan.splitlines() if " on patients " in line]) == 1


def constraint(clinic: Clinic, table: str, column: str) -> str:
    return str(
        clinic.value(
            "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f' AND conkey ="
            " ARRAY[(SELECT attnum FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s)]",
            *(table, table, column),
        )
    )


# --- being referred to ------------------------------------------------------------------------------------------------


def is_referenced(clinic: Clinic, patient: str) -> bool:
    with clinic.cursor() as cursor:
        condition = is_referenced_sql(cursor, catalog.reflect(cursor, ENTITIES["patients"]), "t").as_string(cursor)
    return bool(clinic.value(f"SELECT {condition} FROM patients AS t WHERE id = %s", patient))


def test_whoever_has_anything_is_referred_to(loaded: Clinic) -> None:
    contact = loaded.contact("Alone")
    loaded.load("patients")
    assert is_referenced(loaded, loaded.patient_id(loaded.exports["Contacts"][0]["id"]))
    assert not is_referenced(loaded, loaded.patient_id(contact))


@pytest.mark.parametrize("by", ["note", "document", "log"])
def test_what_refers_to_a_person(by: str, loaded: Clinic) -> None:
    patient = _alone(loaded)
    if by == "note":
        loaded.copy("notes", loaded.value("SELECT id::text FROM notes LIMIT 1"), patient_id=patient)
    elif by == "document":
        relink(loaded, loaded.content_type(), patient)
    else:
        loaded.execute(
            "INSERT INTO django_admin_log (action_time, object_id, object_repr, action_flag, change_message,"
            " content_type_id, user_id) SELECT now(), %s, '', 3, '', %s, min(id) FROM auth_user",
            *(patient, loaded.content_type()),
        )
    # What a log tells of a row keeps it no more alive than a diary does.
    assert is_referenced(loaded, patient) is (by != "log")


def _alone(clinic: Clinic) -> str:
    contact = clinic.contact("Alone")
    clinic.load("patients")
    return clinic.patient_id(contact)


# --- moving -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def superseded(loaded: Clinic) -> tuple[Clinic, str, str]:
    """A clinic in which one person had an earlier id: (clinic, that id, the current one)."""
    old, current = str(uuid.uuid4()), loaded.patient_id(loaded.exports["Contacts"][0]["id"])
    loaded.execute(
        "INSERT INTO nexus_assets.superseded (entity, nexus_id, source_id, current_id) VALUES ('patients', %s, %s, %s)",
        *(old, loaded.exports["Contacts"][0]["id"], current),
    )
    return loaded, old, current


def move(clinic: Clinic, entity: str = "patients") -> dict[str, int]:
    with clinic.cursor() as cursor:
        return move_superseded(cursor, catalog.reflect(cursor, ENTITIES[entity]))


def test_nothing_to_move_moves_nothing(loaded: Clinic) -> None:
    before = loaded.versions()
    assert move(loaded) == {}
    assert loaded.versions() == before


def test_native_rows_of_any_table_follow_to_the_current_id(superseded: tuple[Clinic, str, str]) -> None:
    clinic, old, current = superseded
    patient = clinic.content_type()
    clinic.execute(
        "CREATE TABLE later (id uuid PRIMARY KEY, content_type_id int, object_id uuid, referring_patient_id uuid)"
    )
    clinic.execute("INSERT INTO later VALUES (gen_random_uuid(), %s, %s, %s)", patient, old, old)
    clinic.execute(
        "INSERT INTO contact_relationships (id, from_content_type_id, from_object_id, to_content_type_id, to_object_id,"
        " relationship_type, is_active, created_at, updated_at) VALUES (gen_random_uuid(), %s, %s, %s, %s, 'parent', true,"
        " now(), now())",
        *(patient, old, patient, current),
    )
    clinic.execute(
        "INSERT INTO django_admin_log (action_time, object_id, object_repr, action_flag, change_message, content_type_id,"
        " user_id) SELECT now(), %s, '', 2, '', %s, min(id) FROM auth_user",
        *(old, patient),
    )
    relink(clinic, patient, old)
    clinic.execute("UPDATE images_batch SET object_id = %s", old)
    assert move(clinic) == {
        "contact_relationships.from_object_id": 1,
        "documents_document.object_id": 1,
        "images_batch.object_id": 2,
        "later.object_id": 1,
        "later.referring_patient_id": 1,
    }
    assert clinic.rows("SELECT object_id::text, referring_patient_id::text FROM later") == [(current, current)]
    assert move(clinic) == {}


def test_a_link_whose_content_type_is_gone_is_known_by_its_id(superseded: tuple[Clinic, str, str]) -> None:
    clinic, old, current = superseded
    clinic.execute(
        "ALTER TABLE documents_document DROP CONSTRAINT " + constraint(clinic, "documents_document", "content_type_id")
    )
    relink(clinic, 4711, old)
    assert move(clinic) == {"documents_document.object_id": 1}
    assert clinic.value("SELECT content_type_id FROM documents_document WHERE object_id = %s LIMIT 1", current) == (
        clinic.content_type()
    )


def test_the_same_id_of_another_model_stays(superseded: tuple[Clinic, str, str]) -> None:
    clinic, old, _ = superseded
    relink(clinic, clinic.content_type("clinicians", "clinic"), old)
    assert move(clinic) == {}


def test_an_id_that_lives_again_keeps_what_refers_to_it(superseded: tuple[Clinic, str, str]) -> None:
    clinic, old, current = superseded
    copied = clinic.copy("patients", current)
    clinic.execute("UPDATE patients SET id = %s WHERE id = %s", old, copied)
    relink(clinic, clinic.content_type(), old)
    assert move(clinic) == {}


def test_nothing_moves_to_a_row_that_is_not_there(loaded: Clinic) -> None:
    old = str(uuid.uuid4())
    loaded.execute(
        "INSERT INTO nexus_assets.superseded (entity, nexus_id, current_id) VALUES ('patients', %s, %s)", old, SOMEBODY
    )
    relink(loaded, loaded.content_type(), old)
    assert move(loaded) == {}


def test_a_load_moves_and_counts(superseded: tuple[Clinic, str, str]) -> None:
    clinic, old, _ = superseded
    clinic.execute("UPDATE images_batch SET object_id = %s", old)
    assert clinic.load("patients")["patients"].account.healed == {"references_moved": 2}
    assert clinic.load("patients")["patients"].account.healed == {}


# --- databases of other forms -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("id_type", ["smallint", "integer", "bigint"])
def test_a_generic_key_that_holds_numbers_is_no_hindrance(id_type: str, loaded: Clinic) -> None:
    """Such as a tag's. It leads to models whose ids are numbers, of whatever width, and never to ours."""
    loaded.execute(f"CREATE TABLE tags (id serial PRIMARY KEY, content_type_id integer, object_id {id_type})")
    loaded.execute("CREATE TABLE shop_order (id bigserial PRIMARY KEY)")
    loaded.execute("INSERT INTO django_content_type (app_label, model) VALUES ('shop', 'order')")
    order = loaded.value("INSERT INTO shop_order DEFAULT VALUES RETURNING id")
    for id_ in (order, order + 1):
        loaded.execute(
            "INSERT INTO tags (content_type_id, object_id) VALUES (%s, %s)", loaded.content_type("shop", "order"), id_
        )
    loaded.recreate_patients()
    loaded.load()
    with loaded.cursor() as cursor:
        assert dangling(cursor)["tags.object_id"] == 1


@pytest.mark.parametrize("id_type", ["char(36)", "varchar(255)", "text"])
def test_an_id_as_text_of_any_kind_follows(id_type: str, loaded: Clinic) -> None:
    contact = loaded.exports["Contacts"][0]["id"]
    loaded.execute(f"CREATE TABLE marks (id serial PRIMARY KEY, content_type_id integer, object_id {id_type})")
    loaded.execute(
        "INSERT INTO marks (content_type_id, object_id) VALUES (%s, %s)",
        loaded.content_type(),
        loaded.patient_id(contact),
    )
    loaded.recreate_patients()
    loaded.load("patients")
    assert loaded.value("SELECT object_id FROM marks") == loaded.patient_id(contact)


def test_of_two_models_of_one_name_neither_owns_the_table_called_as_both(loaded: Clinic) -> None:
    loaded.execute("CREATE TABLE messages (id uuid PRIMARY KEY)")
    loaded.execute("INSERT INTO django_content_type (app_label, model) VALUES ('chat', 'message'), ('sms', 'message')")
    document = loaded.id_of("documents_document", loaded.exports["Docs"][0])
    link = (loaded.content_type("sms", "message"), SOMEBODY)
    loaded.execute("UPDATE documents_document SET content_type_id = %s, object_id = %s WHERE id = %s", *link, document)
    with loaded.cursor() as cursor:
        assert dangling(cursor)["documents_document.object_id"] == 0
    loaded.load("documents")
    assert loaded.row("SELECT content_type_id, object_id::text FROM documents_document WHERE id = %s", document) == link


def test_a_constraint_that_was_never_validated_names_its_table(loaded: Clinic) -> None:
    contact = loaded.exports["Contacts"][0]["id"]
    loaded.execute("CREATE TABLE consents (id serial PRIMARY KEY, signed_for uuid)")
    loaded.execute("INSERT INTO consents (signed_for) VALUES (%s)", loaded.patient_id(contact))
    loaded.recreate_patients()
    loaded.execute("ALTER TABLE consents ADD FOREIGN KEY (signed_for) REFERENCES patients (id) NOT VALID")
    loaded.load("patients")
    assert loaded.value("SELECT signed_for::text FROM consents") == loaded.patient_id(contact)

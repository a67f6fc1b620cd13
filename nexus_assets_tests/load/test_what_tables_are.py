"""What else stands in a Nexus database: tags, audit trails, copies, another Django. None of it is written, none is an error."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import psycopg2
import pytest

from nexus_assets.admin import explain, guard
from nexus_assets.checks import CHECKS
from nexus_assets.checks.check import Finding, StoredFiles
from nexus_assets.checks.run import ask_all
from nexus_assets.entities import ENTITIES
from nexus_assets.nexus import catalog
from nexus_assets.nexus.connection import transaction
from nexus_assets.nexus.references import foreign_columns, generic_keys
from nexus_assets.nexus.relations import CatalogCursor
from nexus_assets_tests.load.clinic import Clinic, patients_alone

pytestmark = [pytest.mark.commits, pytest.mark.extended]


@pytest.fixture
def loaded(loaded: Clinic) -> Clinic:
    return patients_alone(loaded)


NOBODY = "11111111-1111-4111-8111-111111111111"
REFERENCE_CHECKS = ("no_orphaned_references", "no_doubtful_references")
NO_FILES = StoredFiles(lambda _: (), lambda _: "", lambda _: (), lambda _: ())
PATIENTS = "(SELECT id FROM django_content_type WHERE (app_label, model) = ('patients', 'patient'))"
USERS = "(SELECT id FROM django_content_type WHERE (app_label, model) = ('auth', 'user'))"
CT = "content_type_id integer NOT NULL REFERENCES django_content_type"


def red(clinic: Clinic) -> dict[str, dict[str, int]]:
    """The checks of references that do not pass, with their breakdowns; one that could not run is an error of the test."""
    found = {}
    chosen = [check for check in CHECKS if check.name.startswith(REFERENCE_CHECKS)]
    for check, answer in ask_all(chosen, clinic.engine, NO_FILES):
        assert isinstance(answer, Finding), f"{check.full_name}: {answer}"
        if not answer.passed:
            found[check.full_name] = dict(answer.breakdown)
    return found


def content(clinic: Clinic, table: str) -> list[tuple[str, ...]]:
    """Every row of the table with its version: the same where nobody wrote, not even the same again."""
    return sorted(clinic.rows(f"SELECT ctid::text, xmin::text, t::text FROM {table} AS t"))


def survive_everything(clinic: Clinic, *tables: str) -> None:
    """Checks, guard, the incident and its repair go as without the tables, and each is as it was."""
    before = {table: content(clinic, table) for table in tables}
    assert red(clinic) == {}
    assert guard.install(clinic.engine).is_whole
    guard.remove(clinic.engine)
    clinic.recreate_patients()
    clinic.load()
    assert clinic.orphans() == 0
    assert red(clinic) == {}
    assert guard.install(clinic.engine).is_whole
    assert {table: content(clinic, table) for table in tables} == before


# --- keys whose ids are no uuids --------------------------------------------------------------------------------------

NUMBERS = ("smallint", "integer", "bigint", "numeric", "oid", "numeric(10,2)")


def test_a_key_that_holds_no_uuid_is_never_compared_with_one(loaded: Clinic) -> None:
    tables = []
    for number, id_type in enumerate([*NUMBERS, "date", "jsonb", "timestamptz", "inet", "uuid[]"]):
        value = {"date": "'2026-03-01'", "jsonb": "'7'", "timestamptz": "now()", "inet": "'10.0.0.1'"}.get(id_type, "7")
        value = f"ARRAY['{NOBODY}']" if id_type == "uuid[]" else value
        empty, full = names = f"empty_{number}", f"full_{number}"
        for table in names:
            loaded.execute(f"CREATE TABLE {table} (id serial PRIMARY KEY, object_id {id_type} NOT NULL, {CT})")
        loaded.execute(f"INSERT INTO {full} (object_id, content_type_id) VALUES ({value}::{id_type}, {PATIENTS})")
        tables += [empty, full]
    survive_everything(loaded, *tables)


def test_a_number_that_leads_to_no_user_is_found(loaded: Clinic) -> None:
    loaded.execute(f"CREATE TABLE votes (id serial PRIMARY KEY, object_id bigint NOT NULL, {CT})")
    loaded.execute(f"INSERT INTO votes (object_id, content_type_id) VALUES (4711, {USERS})")
    assert red(loaded) == {"patients/no_orphaned_references": {"target_missing": 1}}


def test_a_key_that_holds_uuids_in_any_form_follows_to_the_current_id(loaded: Clinic) -> None:
    contact = loaded.exports["Contacts"][0]["id"]
    loaded.execute("CREATE DOMAIN patient_key AS uuid; CREATE DOMAIN patient_text AS varchar(64)")
    types = ("uuid", "text", "varchar(40)", "char(36)", "patient_key", "patient_text")
    for number, id_type in enumerate(types):
        loaded.execute(f"CREATE TABLE flags_{number} (id serial PRIMARY KEY, object_id {id_type}, {CT})")
        flag = f"INSERT INTO flags_{number} (object_id, content_type_id) VALUES (%s::{id_type}, {PATIENTS})"
        loaded.execute(flag, loaded.patient_id(contact))
    loaded.recreate_patients()
    assert red(loaded)["patients/no_orphaned_references"] == {"target_missing": len(types)}
    loaded.load()
    for number, id_type in enumerate(types):
        assert loaded.value(f"SELECT object_id::text FROM flags_{number}") == loaded.patient_id(contact), id_type
    assert red(loaded) == {}


FORMS: dict[str, Callable[[str], str]] = {
    "as Django writes it": str,
    "upper case": str.upper,
    "without hyphens": lambda id_: id_.replace("-", ""),
    "upper case without hyphens": lambda id_: id_.replace("-", "").upper(),
    "in braces": "{{{}}}".format,
    "urn:uuid:": "urn:uuid:{}".format,
    "hyphens elsewhere": lambda id_: f"{id_[:4]}-{id_[4:]}",
}
"""The texts that Django reads as one and the same uuid."""


def flag(clinic: Clinic, *forms: Callable[[str], str]) -> str:
    """Gives the clinic rows that refer to a patient by a text in these forms; returns the patient's FileMaker id."""
    contact = clinic.exports["Contacts"][0]["id"]
    clinic.execute(f"CREATE TABLE flags (id serial PRIMARY KEY, object_id varchar(64), {CT})")
    for form in forms:
        text = form(clinic.patient_id(contact))
        clinic.execute(f"INSERT INTO flags (object_id, content_type_id) VALUES (%s, {PATIENTS})", text)
        assert uuid.UUID(text) == uuid.UUID(clinic.patient_id(contact)), "Django would not read it"
    return contact


def test_a_uuid_leads_to_its_row_however_it_is_written(loaded: Clinic) -> None:
    contact = flag(loaded, *FORMS.values())
    assert red(loaded) == {}
    with loaded.cursor() as cursor:
        (found, *_) = explain.explain(cursor, loaded.patient_id(contact))
    assert found.referred_to_by["flags.object_id"] == len(FORMS)


def test_a_uuid_follows_to_the_current_id_however_it_is_written(loaded: Clinic) -> None:
    contact = flag(loaded, *FORMS.values())
    loaded.recreate_patients()
    assert red(loaded)["patients/no_orphaned_references"] == {"target_missing": len(FORMS)}
    loaded.load()
    assert loaded.values("SELECT object_id FROM flags") == [loaded.patient_id(contact)] * len(FORMS)
    assert red(loaded) == {}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_the_guard_knows_a_uuid_however_it_is_written(form: Callable[[str], str], loaded: Clinic) -> None:
    flag(loaded, form)
    assert guard.install(loaded.engine).is_whole
    loaded.execute("UPDATE flags SET object_id = object_id || '0'; UPDATE flags SET object_id = left(object_id, -1)")
    tables = ("notes", "appointments", "images_image", "images_batch", "documents_document", "patients")
    with pytest.raises(psycopg2.errors.ForeignKeyViolation, match="flags"):
        loaded.execute(";".join(f"DELETE FROM {table}" for table in tables))
    with pytest.raises(psycopg2.errors.ForeignKeyViolation, match="flags"):
        loaded.execute("UPDATE flags SET object_id = translate(object_id, '012345678', '123456780')")


def test_an_archived_patient_is_doubtful_however_its_id_is_written(loaded: Clinic) -> None:
    contact = flag(loaded, *FORMS.values())
    loaded.execute("UPDATE {patients} SET archived = TRUE WHERE id = %s", loaded.patient_id(contact))
    assert red(loaded)["patients/no_doubtful_references"]["target_archived"] == len(FORMS)


def test_a_column_without_room_for_hyphens_gets_the_current_id_without_them(loaded: Clinic) -> None:
    contact = loaded.exports["Contacts"][0]["id"]
    loaded.execute(f"CREATE TABLE flags (id serial PRIMARY KEY, object_id varchar(32), {CT})")
    loaded.execute(
        f"INSERT INTO flags (object_id, content_type_id) VALUES (%s, {PATIENTS})",
        loaded.patient_id(contact).replace("-", ""),
    )
    loaded.recreate_patients()
    loaded.load()
    assert loaded.value("SELECT object_id FROM flags") == loaded.patient_id(contact).replace("-", "")
    assert red(loaded) == {}


@pytest.mark.parametrize("wrapped", [" {}", "{}\n", "{}0", "x{}"])
def test_a_text_in_which_django_finds_no_uuid_is_dangling(wrapped: str, loaded: Clinic) -> None:
    text = wrapped.format(loaded.patient_id(loaded.exports["Contacts"][0]["id"]))
    with pytest.raises(ValueError, match="badly formed"):
        uuid.UUID(text)
    loaded.execute(f"CREATE TABLE flags (id serial PRIMARY KEY, object_id text, {CT})")
    loaded.execute(f"INSERT INTO flags (object_id, content_type_id) VALUES (%s, {PATIENTS})", text)
    assert red(loaded) == {"patients/no_orphaned_references": {"target_missing": 1}}


def test_a_generated_id_follows_the_column_that_it_is_made_from(loaded: Clinic) -> None:
    contact = loaded.exports["Contacts"][0]["id"]
    loaded.execute(
        f"CREATE TABLE flags (id serial PRIMARY KEY, patient_id uuid, {CT},"
        " object_id uuid GENERATED ALWAYS AS (patient_id) STORED)"
    )
    loaded.execute(
        f"INSERT INTO flags (patient_id, content_type_id) VALUES (%s, {PATIENTS})", loaded.patient_id(contact)
    )
    loaded.recreate_patients()
    loaded.load()
    assert loaded.value("SELECT object_id::text FROM flags") == loaded.patient_id(contact)


# --- tables whose primary key is not `id` -----------------------------------------------------------------------------

KEYED = {
    "token": f"(token uuid PRIMARY KEY, {CT}, object_id uuid)",
    "none but a constraint": f"({CT}, object_id uuid)",
    "two columns, partitioned": f"(number bigint, at timestamptz, {CT}, object_id uuid, PRIMARY KEY (number, at))"
    " PARTITION BY RANGE (at); CREATE TABLE attachment_1 PARTITION OF attachment DEFAULT",
    "of a parent": f"(document_ptr_id uuid PRIMARY KEY REFERENCES documents_document, {CT}, object_id uuid)",
    "text": f"(slug text PRIMARY KEY, {CT}, object_id uuid)",
    "unlogged": f"(token uuid PRIMARY KEY, {CT}, object_id uuid); ALTER TABLE attachment SET UNLOGGED",
    "both halves": f"({CT}, object_id uuid, PRIMARY KEY (content_type_id, object_id))",
    "both halves and a person": f"({CT}, object_id text, user_id integer, PRIMARY KEY (user_id, content_type_id, object_id))",
    "a column dropped": f"(token uuid PRIMARY KEY, id uuid, {CT}, object_id uuid); ALTER TABLE attachment DROP COLUMN id",
}


def test_a_table_without_an_id_is_as_any_other(loaded: Clinic) -> None:
    tables = [f"attachment_to_{number}" for number in range(len(KEYED))]
    for table, columns in zip(tables, KEYED.values(), strict=True):
        loaded.execute(f"CREATE TABLE {table} {columns.replace('attachment', table)}")
    survive_everything(loaded, *tables)


@pytest.mark.parametrize(
    "columns", ["target_type_id integer{ct}, target_id uuid", "thing_ct_id integer{ct}, thing_object_id uuid"]
)
def test_a_key_of_other_names_is_known_by_its_foreign_key(columns: str, loaded: Clinic) -> None:
    columns = columns.format(ct=" REFERENCES django_content_type")
    loaded.execute(f"CREATE TABLE flags (id serial PRIMARY KEY, {columns})")
    loaded.execute(f"INSERT INTO flags SELECT 1, {PATIENTS}, '{NOBODY}'")
    assert red(loaded) == {"patients/no_orphaned_references": {"target_missing": 1}}


def test_a_permission_is_no_generic_key(loaded: Clinic) -> None:
    loaded.execute(f"CREATE TABLE permission (id serial PRIMARY KEY, {CT}, codename text)")
    loaded.execute(f"INSERT INTO permission (content_type_id) VALUES ({PATIENTS})")
    survive_everything(loaded, "permission")


UNIQUE = {
    "a generic key": f"marks (id serial PRIMARY KEY, {CT}, object_id uuid, UNIQUE (content_type_id, object_id))",
    "a text": f"marks (id serial PRIMARY KEY, {CT}, object_id varchar(40), UNIQUE (object_id, content_type_id))",
    "a primary key": f"marks ({CT}, object_id uuid, PRIMARY KEY (content_type_id, object_id))",
    "a generic key and a tag": f"marks (id serial PRIMARY KEY, {CT}, object_id uuid, tag integer DEFAULT 7,"
    " UNIQUE (tag, content_type_id, object_id))",
    "a condition": f"marks (id serial PRIMARY KEY, {CT}, object_id uuid, tag integer DEFAULT 7); CREATE UNIQUE INDEX ON marks"
    " (object_id) WHERE tag = 7",
    "a deferred one": f"marks (id serial PRIMARY KEY, {CT}, object_id uuid, UNIQUE (object_id) DEFERRABLE INITIALLY DEFERRED)",
}


def test_a_row_that_may_be_there_once_a_person_stays_where_they_have_one_and_holds_up_nothing(loaded: Clinic) -> None:
    """Both programs marked the person, one under each id; the incident heals all the same, and the rest follows."""
    first, second = (contact["id"] for contact in loaded.exports["Contacts"][:2])
    old = loaded.patient_id(first)
    tables = [f"marks_{number}" for number in range(len(UNIQUE))]
    for table, made in zip(tables, UNIQUE.values(), strict=True):
        loaded.execute(f"CREATE TABLE {made.replace('marks', table)}")
    mark = f"INSERT INTO {{}} (content_type_id, object_id) SELECT {PATIENTS}, %s"
    for table in tables:
        for contact in (first, second):
            loaded.execute(mark.format(table), loaded.patient_id(contact))
    loaded.recreate_patients()
    loaded.load()
    for table in tables:
        loaded.execute(mark.format(table), old)
    loaded.load()
    everybody = {old, loaded.patient_id(first), loaded.patient_id(second)}
    for table, kind in zip(tables, UNIQUE, strict=True):
        assert set(loaded.values(f"SELECT object_id::text FROM {table}")) == everybody, kind
    assert loaded.orphans() == 0
    chosen = [check for check in CHECKS if check.full_name == "patients/no_orphaned_references"]
    ((_, found),) = ask_all(chosen, loaded.engine, NO_FILES)
    assert isinstance(found, Finding)
    assert found.count == len(UNIQUE)
    assert "delete these rows" in found.next_step
    for table in tables:
        loaded.execute(f"DELETE FROM {table} WHERE object_id::text = %s", old)
    assert red(loaded) == {}


def test_of_rows_under_two_old_ids_of_one_person_one_follows(loaded: Clinic) -> None:
    contact = loaded.exports["Contacts"][0]["id"]
    loaded.execute("CREATE TABLE profile (id serial PRIMARY KEY, patient_id uuid UNIQUE)")
    for _ in range(2):
        loaded.execute("INSERT INTO profile (patient_id) VALUES (%s)", loaded.patient_id(contact))
        loaded.recreate_patients(contact)
    loaded.load()
    loaded.load()
    found = loaded.values("SELECT patient_id::text FROM profile")
    assert (len(found), found.count(loaded.patient_id(contact))) == (2, 1)


def test_a_row_is_named_by_its_primary_key(loaded: Clinic) -> None:
    loaded.execute(f"CREATE TABLE attachment {KEYED['token']}")
    loaded.execute(f"INSERT INTO attachment VALUES ('{NOBODY}', {PATIENTS}, gen_random_uuid())")
    (sample,) = _samples(loaded)
    assert (sample["key"], sample["id"]) == ("attachment.object_id", NOBODY)


def test_a_row_of_a_partitioned_table_is_named_by_both_columns(loaded: Clinic) -> None:
    loaded.execute(f"CREATE TABLE attachment {KEYED['two columns, partitioned']}")
    loaded.execute(f"INSERT INTO attachment VALUES (7, '2026-03-01 00:00+00', {PATIENTS}, gen_random_uuid())")
    (sample,) = _samples(loaded)
    assert sample["id"].startswith("7/2026-03-01")


def test_a_key_of_text_is_never_shown(loaded: Clinic) -> None:
    loaded.execute(f"CREATE TABLE attachment {KEYED['text']}")
    loaded.execute(f"INSERT INTO attachment VALUES ('Banksia 1950', {PATIENTS}, gen_random_uuid())")
    (sample,) = _samples(loaded)
    assert sample["id"] == ""


def test_a_text_that_is_no_id_is_never_shown(loaded: Clinic) -> None:
    loaded.execute(f"CREATE TABLE flags (id serial PRIMARY KEY, object_id text, {CT})")
    loaded.execute(f"INSERT INTO flags (object_id, content_type_id) VALUES ('Banksia 1950', {PATIENTS})")
    (sample,) = _samples(loaded)
    assert sample["object_id"] == ""


def test_names_with_capitals_blanks_quotes_and_percent_signs_are_only_names(loaded: Clinic) -> None:
    contact = loaded.exports["Contacts"][0]["id"]
    loaded.execute(
        'CREATE TABLE "100% ""Sure"" Flags" (id serial PRIMARY KEY, "Content_content_type_id" integer'
        ' REFERENCES django_content_type, "Content_object_id" uuid, "50%_patient_id" uuid)'
    )
    with loaded.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "100% ""Sure"" Flags" ("Content_content_type_id", "Content_object_id", "50%_patient_id")'
            f" SELECT {PATIENTS}, '{loaded.patient_id(contact)}', '{loaded.patient_id(contact)}'"
        )
    loaded.recreate_patients()
    loaded.load()
    assert red(loaded) == {}
    assert guard.install(loaded.engine).is_whole
    with loaded.cursor() as cursor:
        found = explain.explain(cursor, loaded.patient_id(contact))
    assert found[0].referred_to_by['100% "Sure" Flags.Content_object_id'] == 1


def test_a_child_of_an_inherited_table_is_counted_once(loaded: Clinic) -> None:
    loaded.execute(
        f"CREATE TABLE flags (id serial PRIMARY KEY, object_id uuid, {CT}); CREATE TABLE more () INHERITS (flags)"
    )
    loaded.execute(f"INSERT INTO more (object_id, content_type_id) VALUES ('{NOBODY}', {PATIENTS})")
    assert red(loaded) == {"patients/no_orphaned_references": {"target_missing": 1}}


@pytest.mark.parametrize("kind", ["VIEW", "MATERIALIZED VIEW"])
def test_a_view_of_a_table_is_none(kind: str, loaded: Clinic) -> None:
    loaded.execute(f"CREATE {kind} batches AS SELECT * FROM images_batch")
    assert red(loaded) == {}
    assert guard.install(loaded.engine).is_whole


def _samples(clinic: Clinic) -> list[dict[str, str]]:
    chosen = [check for check in CHECKS if check.full_name == "patients/no_orphaned_references"]
    ((_, found),) = ask_all(chosen, clinic.engine, NO_FILES)
    assert isinstance(found, Finding)
    return [dict(each) for each in found.sample]


# --- history ----------------------------------------------------------------------------------------------------------

GONE = f"SELECT {PATIENTS}, gen_random_uuid()"
HISTORY = {
    "simple-history": "images_historicalbatch (id uuid, history_id serial PRIMARY KEY, history_type text,"
    f" content_type_id integer, object_id uuid); INSERT INTO images_historicalbatch (content_type_id, object_id) {GONE}",
    "simple-history by uuid": "images_historicalbatch (id uuid, history_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),"
    " history_date timestamptz, history_type varchar(1), content_type_id integer, object_id uuid);"
    f" INSERT INTO images_historicalbatch (content_type_id, object_id) {GONE}",
    "simple-history of notes": "images_historicalbatch (id uuid, patient_id uuid, history_id serial PRIMARY KEY,"
    " history_type text); INSERT INTO images_historicalbatch (patient_id) SELECT gen_random_uuid()",
    "pghistory": "images_historicalbatch (pgh_id bigserial PRIMARY KEY, pgh_created_at timestamptz, pgh_label text,"
    " id uuid, patient_id uuid); INSERT INTO images_historicalbatch (patient_id) SELECT gen_random_uuid()",
    "pghistory of batches": f"images_historicalbatch (pgh_id bigserial PRIMARY KEY, pgh_obj_id uuid, {CT},"
    f" object_id uuid); INSERT INTO images_historicalbatch (content_type_id, object_id) {GONE}",
    "auditlog": "images_historicalbatch (id bigserial PRIMARY KEY, object_pk varchar(255) NOT NULL, object_id bigint,"
    f" {CT}, changes jsonb); INSERT INTO images_historicalbatch (content_type_id, object_pk) {GONE}",
    "reversion": f"images_historicalbatch (id serial PRIMARY KEY, object_id varchar(191), {CT}, db text, format text,"
    f" serialized_data text, object_repr text); INSERT INTO images_historicalbatch (content_type_id, object_id) {GONE}",
    "easyaudit": f"images_historicalbatch (id serial PRIMARY KEY, event_type smallint, object_id varchar(255), {CT},"
    f" object_json_repr text); INSERT INTO images_historicalbatch (content_type_id, object_id) {GONE}",
    "field-history": f"images_historicalbatch (id serial PRIMARY KEY, object_id text, {CT}, field_name text,"
    f" serialized_data text); INSERT INTO images_historicalbatch (content_type_id, object_id) {GONE}",
    "written by hand": "images_historicalbatch (audit_id bigserial PRIMARY KEY, operation text, id uuid, patient_id uuid);"
    " INSERT INTO images_historicalbatch (patient_id) SELECT gen_random_uuid()",
}


def test_history_is_never_written_and_never_an_error(loaded: Clinic) -> None:
    tables = [f"images_historicalbatch_{number}" for number in range(len(HISTORY))]
    for table, made in zip(tables, HISTORY.values(), strict=True):
        loaded.execute(f"CREATE TABLE {made.replace('images_historicalbatch', table)}")
    survive_everything(loaded, *tables)


def test_the_admin_log_records_the_id_of_its_time_and_explain_finds_it(loaded: Clinic) -> None:
    contact = loaded.exports["Contacts"][0]["id"]
    loaded.execute(
        "INSERT INTO django_admin_log (action_time, object_id, object_repr, action_flag, change_message, content_type_id,"
        f" user_id) SELECT now(), %s, '', 2, '', {PATIENTS}, min(id) FROM auth_user",
        loaded.patient_id(contact),
    )
    survive_everything(loaded, "django_admin_log")
    with loaded.cursor() as cursor:
        (found, *_) = explain.explain(cursor, loaded.patient_id(contact))
    assert found.referred_to_by["django_admin_log.object_id"] == 1


def test_an_append_only_audit_trail_lets_the_incident_heal(loaded: Clinic) -> None:
    loaded.execute(
        "CREATE TABLE patients_noteevent (pgh_id bigserial PRIMARY KEY, pgh_created_at timestamptz DEFAULT now(),"
        " pgh_label text, id uuid, patient_id uuid)"
    )
    loaded.execute("INSERT INTO patients_noteevent (id, patient_id) SELECT id, patient_id FROM notes")
    loaded.execute(
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'append only'; END$$"
    )
    loaded.execute(
        "CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON patients_noteevent FOR EACH ROW EXECUTE FUNCTION keep()"
    )
    survive_everything(loaded, "patients_noteevent")


# --- copies, and other schemas ----------------------------------------------------------------------------------------

COPIES = {
    "in another schema": "CREATE TABLE backup.batches AS TABLE images_batch",
    "of the same name": "CREATE TABLE backup.images_batch AS TABLE images_batch",
    "with its key": "CREATE TABLE backup.images_batch (LIKE images_batch INCLUDING ALL);"
    " INSERT INTO backup.images_batch SELECT * FROM images_batch",
    "with its key and a column more": "CREATE TABLE backup.images_batch (LIKE images_batch INCLUDING ALL, kept_at date);"
    " INSERT INTO backup.images_batch SELECT * FROM images_batch",
    "of notes": "CREATE TABLE backup.notes AS TABLE notes",
    "of notes with its key": "CREATE TABLE backup.notes (LIKE notes INCLUDING ALL); INSERT INTO backup.notes SELECT * FROM notes",
    "of some columns": "CREATE TABLE backup.links AS SELECT id, content_type_id, object_id FROM documents_document",
}


@pytest.mark.parametrize("schema", ["backup", "public"])
def test_a_copy_is_never_written_and_never_an_error(schema: str, loaded: Clinic) -> None:
    tables = []
    for number, copied in enumerate(COPIES.values()):
        name = copied.split()[2]
        if schema == "public":
            table = f"{name.removeprefix('backup.')}_2026030{number}"
        else:
            table = name.replace("backup", f"backup_{number}")
            loaded.execute(f"CREATE SCHEMA backup_{number}")
        loaded.execute(copied.replace(name, table))
        tables.append(table)
    survive_everything(loaded, *tables)


SHOP = (
    "CREATE SCHEMA shop; CREATE TABLE shop.django_content_type (id integer PRIMARY KEY, app_label text, model text);"
    f" INSERT INTO shop.django_content_type SELECT {PATIENTS}, 'cart', 'order';"
)
SECOND = {
    "by its foreign key": "CREATE TABLE shop.review (id serial PRIMARY KEY, content_type_id integer REFERENCES"
    " shop.django_content_type, object_id uuid)",
    "by its schema": "CREATE TABLE shop.review (id serial PRIMARY KEY, content_type_id integer, object_id uuid)",
    "its key elsewhere": "CREATE SCHEMA other; CREATE TABLE other.review (id serial PRIMARY KEY, content_type_id integer"
    " REFERENCES shop.django_content_type, object_id uuid)",
    "a Nexus of its own": "CREATE TABLE shop.patients (id uuid PRIMARY KEY); CREATE TABLE shop.review (id serial PRIMARY KEY,"
    " patient_id uuid, content_type_id integer, object_id uuid)",
}


def test_the_keys_of_another_django_are_not_ours(loaded: Clinic) -> None:
    patient = loaded.patient_id(loaded.exports["Contacts"][0]["id"])
    tables = []
    for number, made in enumerate(SECOND.values()):
        loaded.execute(re.sub(r"\b(shop|other)\b", rf"\1_{number}", f"{SHOP} {made}"))
        table = f"{'other' if 'other.review' in made else 'shop'}_{number}.review"
        for id_ in (NOBODY, patient):
            loaded.execute(f"INSERT INTO {table} (content_type_id, object_id) SELECT {PATIENTS}, '{id_}'")
        tables.append(table)
    survive_everything(loaded, *tables)


def test_a_living_table_of_another_schema_is_named_with_it(loaded: Clinic) -> None:
    loaded.execute(f"CREATE SCHEMA later; CREATE TABLE later.flags (id serial PRIMARY KEY, object_id uuid, {CT})")
    loaded.execute(f"INSERT INTO later.flags (object_id, content_type_id) VALUES ('{NOBODY}', {PATIENTS})")
    (sample,) = _samples(loaded)
    assert sample["key"] == "later.flags.object_id"


def test_nexus_restored_without_any_constraint_is_nexus_all_the_same(loaded: Clinic) -> None:
    for table, name in loaded.rows(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype IN ('f', 'p')"
        " AND connamespace = 'public'::regnamespace ORDER BY contype"
    ):
        loaded.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name} CASCADE")
    with loaded.cursor() as cursor:
        living = {key.name for key in generic_keys(cursor) if key.is_living}
        notes = [
            found for found in foreign_columns(cursor, catalog.reflect(cursor, ENTITIES["patients"])) if found.is_living
        ]
    assert {"images_batch.object_id", "documents_document.object_id", "contact_relationships.to_object_id"} <= living
    assert "notes.patient_id" in {found.name for found in notes}
    loaded.recreate_patients()
    loaded.load()
    assert loaded.orphans() == 0


# --- once a run -------------------------------------------------------------------------------------------------------


class Counting(CatalogCursor):
    """A cursor that counts its statements."""

    statements = 0

    def execute(self, query: object, vars: object = None) -> None:  # noqa: A002 - psycopg2's name
        self.statements += 1
        super().execute(query, vars)  # type: ignore[arg-type]


def test_the_catalogue_is_read_once_a_transaction(loaded: Clinic) -> None:
    with transaction(loaded.engine) as cursor, cursor.connection.cursor(cursor_factory=Counting) as counting:
        for _ in range(2):
            for entity in ENTITIES.values():
                foreign_columns(counting, catalog.reflect(counting, entity))
            generic_keys(counting)
        # Tables, columns, keys, content types.
        assert counting.statements == 4

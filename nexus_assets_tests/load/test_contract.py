"""What a load demands of the Nexus database, and how it says what is not so, before anything is written."""

from __future__ import annotations

import psycopg2
import pytest

from nexus_assets.entities import ENTITIES
from nexus_assets.load import contract
from nexus_assets.mapping.entity import Entity
from nexus_assets.nexus import catalog
from nexus_assets.nexus.catalog import ContractError
from nexus_assets.nexus.connection import DatabaseError, make_engine, transaction
from nexus_assets.nexus.session import SessionError
from nexus_assets_tests.load.clinic import Clinic

pytestmark = pytest.mark.extended

every_entity = pytest.mark.parametrize("entity", ENTITIES.values(), ids=ENTITIES)


def table_of(clinic: Clinic, entity: Entity) -> str:
    return clinic.table(entity.model.tables[0])


@every_entity
@pytest.mark.parametrize("naming", ["loaded", "loaded_under_django_names"])
def test_nexus_as_it_is_fits(entity: Entity, naming: str, request: pytest.FixtureRequest) -> None:
    clinic: Clinic = request.getfixturevalue(naming)
    with clinic.cursor() as cursor:
        target = catalog.reflect(cursor, entity)
        contract.check(target)
    assert target.name == table_of(clinic, entity)


@pytest.mark.parametrize(
    ("entity", "column"),
    [(entity, column) for entity in ENTITIES.values() for column in entity.written_columns if column != "id"],
    ids=lambda value: value.name if isinstance(value, Entity) else value,
)
def test_a_missing_column_is_named(
    entity: Entity, column: str, nexus_connection: psycopg2.extensions.connection
) -> None:
    with nexus_connection.cursor() as cursor:
        cursor.execute(f'ALTER TABLE "{entity.model.tables[0]}" RENAME COLUMN "{column}" TO gone')
        with pytest.raises(ContractError, match=f"no column {column}, which the import of {entity.name} writes"):
            contract.check(catalog.reflect(cursor, entity))


@pytest.mark.parametrize(
    ("entity", "column", "sql_type"),
    [
        ("patients", "dob", "timestamptz"),
        ("patients", "filemaker_metadata", "json"),
        ("patients", "last_name", "integer"),
        ("patients", "clinic_id", "bigint"),
        ("patients", "id", "bigint"),
        ("appointments", "start_time", "timestamp"),
        ("appointments", "patient_id", "text"),
        ("documents", "file_size", "text"),
        ("documents", "object_id", "text"),
        ("image_batches", "content_type_id", "uuid"),
        ("images", "order", "text"),
    ],
)
def test_a_column_of_another_type_is_named(
    entity: str, column: str, sql_type: str, nexus_connection: psycopg2.extensions.connection
) -> None:
    table = ENTITIES[entity].model.tables[0]
    with nexus_connection.cursor() as cursor:
        cursor.execute(f'ALTER TABLE "{table}" DROP COLUMN "{column}" CASCADE')
        cursor.execute(f'ALTER TABLE "{table}" ADD COLUMN "{column}" {sql_type}')
        with pytest.raises(ContractError, match=f"column {table}.{column} is of type"):
            contract.check(catalog.reflect(cursor, ENTITIES[entity]))


@pytest.mark.parametrize("sql_type", ["text", "varchar", "varchar(500)"])
def test_text_of_any_length_fits(sql_type: str, nexus_connection: psycopg2.extensions.connection) -> None:
    with nexus_connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE patients ALTER COLUMN last_name TYPE {sql_type}")
        contract.check(catalog.reflect(cursor, ENTITIES["patients"]))


def demand_more(clinic: Clinic, entity: Entity) -> str:
    """Adds a column that every new row has to fill, as Django leaves it; returns the table's name."""
    table = table_of(clinic, entity)
    clinic.execute(f'ALTER TABLE "{table}" ADD COLUMN consent_level integer NOT NULL DEFAULT 0')
    clinic.execute(f'ALTER TABLE "{table}" ALTER COLUMN consent_level DROP DEFAULT')
    return table


@pytest.mark.parametrize("name", [name for name, entity in ENTITIES.items() if entity.adds_rows])
def test_a_later_nexus_that_demands_more_stops_the_load(name: str, loaded: Clinic) -> None:
    table = demand_more(loaded, ENTITIES[name])
    before = loaded.versions()
    with pytest.raises(ContractError, match=f"{table} demands a value in consent_level"):
        loaded.load(name)
    assert loaded.versions() == before


@pytest.mark.parametrize("name", [name for name, entity in ENTITIES.items() if not entity.adds_rows])
def test_what_inserts_no_row_is_loaded_whatever_new_rows_demand(name: str, loaded: Clinic) -> None:
    demand_more(loaded, ENTITIES[name])
    for row in loaded.exports["Coms"]:
        row["ph"] = "0299990000"
    assert loaded.load(name)[name].account.updated > 0


@pytest.mark.parametrize("declared", ["integer NOT NULL DEFAULT 0", "integer", "integer GENERATED ALWAYS AS IDENTITY"])
def test_a_later_nexus_with_a_column_that_fills_itself_is_loaded(declared: str, loaded: Clinic) -> None:
    loaded.execute(f"ALTER TABLE patients ADD COLUMN later {declared}")
    loaded.contact("Added")
    assert loaded.load("patients")["patients"].account.inserted == 1


def test_a_column_that_is_demanded_now_but_empty_in_filemaker_stops_the_load(furnished: Clinic) -> None:
    furnished.execute("ALTER TABLE patients ALTER COLUMN middle_names SET NOT NULL")
    with pytest.raises(
        ContractError, match=r"patients demands a value in middle_names; 2 rows have none in the import of patients"
    ):
        furnished.load("patients")
    assert furnished.value("SELECT count(*) FROM patients") == 0


@every_entity
def test_a_database_that_is_no_nexus_is_said_to_be_none(entity: Entity, database: str) -> None:
    no_nexus = pytest.raises(ContractError, match=r"has no table .*: it is not a Nexus database")
    with transaction(make_engine(database)) as cursor, no_nexus:
        catalog.reflect(cursor, entity)


def test_a_missing_lookup_table_is_named(loaded: Clinic) -> None:
    loaded.execute("ALTER TABLE funding_sources RENAME TO gone")
    with pytest.raises(
        ContractError, match="no table funding_sources or settings_fundingsource, in which patients looks up"
    ):
        loaded.load("patients")


@pytest.mark.parametrize("table", ["patients", "clinics", "django_content_type"])
@pytest.mark.parametrize("kind", ["VIEW", "MATERIALIZED VIEW"])
def test_a_view_in_the_place_of_a_table_is_said_to_be_one(kind: str, table: str, loaded: Clinic) -> None:
    loaded.execute(f"ALTER TABLE {table} RENAME TO apart; CREATE {kind} {table} AS SELECT * FROM apart")
    with pytest.raises(ContractError, match=rf"has no table .*: public\.{table} is a view") as raised:
        loaded.load("patients")
    assert "Name in NEXUS_DATABASE_URL the database that holds Nexus's tables themselves." in raised.value.remedy


@pytest.mark.parametrize("table", ["patients", "clinics"])
def test_a_table_that_the_search_path_does_not_lead_to_is_said_to_be_there(table: str, loaded: Clinic) -> None:
    loaded.execute(f'CREATE SCHEMA "App"; ALTER TABLE {table} SET SCHEMA "App"')
    with pytest.raises(
        ContractError, match=rf'leads to no table {table} .*; the database .* has "App"\.{table}'
    ) as raised:
        loaded.load("patients")
    assert 'SET search_path = "App"' in raised.value.remedy


def test_an_optional_table_without_its_content_type_is_no_matter_of_the_search_path(loaded: Clinic) -> None:
    loaded.execute("UPDATE django_content_type SET model = 'gone' WHERE model = 'company'")
    with pytest.raises(ContractError, match="or its migrations have not run"):
        loaded.load("companies")


@pytest.mark.parametrize("column", ["created_by", "updated_at"], ids=["of FileMaker's", "with a default"])
def test_a_column_that_the_database_computes_now_is_named(column: str, loaded: Clinic) -> None:
    loaded.execute(f"ALTER TABLE notes DROP COLUMN {column}")
    loaded.execute(f"ALTER TABLE notes ADD COLUMN {column} text GENERATED ALWAYS AS (upper(note_type)) STORED")
    with pytest.raises(ContractError, match=rf"computes {column} of the table notes, which the import of notes writes"):
        loaded.load("notes")


@pytest.mark.commits
def test_a_row_that_no_partition_takes_is_said_to_be_one(clinic: Clinic) -> None:
    clinic.execute("CREATE TABLE parted (LIKE {notes}) PARTITION BY RANGE (created_at); DROP TABLE {notes} CASCADE")
    clinic.execute("ALTER TABLE parted RENAME TO notes")
    clinic.note(clinic.contact())
    with pytest.raises(DatabaseError, match="table notes") as raised:
        clinic.load("patients", "notes")
    assert "no partition takes a row" in raised.value.remedy


@pytest.mark.commits
def test_a_foreign_key_that_a_row_does_not_meet_is_no_dead_end(clinic: Clinic) -> None:
    clinic.execute("CREATE TABLE names (name varchar(100) PRIMARY KEY)")
    clinic.execute("ALTER TABLE {patients} ADD CONSTRAINT named FOREIGN KEY (first_name) REFERENCES names")
    clinic.contact()
    with pytest.raises(DatabaseError, match=r"constraint named, which is FOREIGN KEY") as raised:
        clinic.load("patients")
    assert "run the command again. If it stays so" in raised.value.remedy


@pytest.mark.commits
def test_a_database_that_is_read_only_is_left_alone(furnished: Clinic) -> None:
    furnished.execute(
        "ALTER DATABASE " + str(furnished.engine.url.database) + " SET default_transaction_read_only = on"
    )
    with pytest.raises(SessionError, match="default_transaction_read_only is on"):
        furnished.load("patients")

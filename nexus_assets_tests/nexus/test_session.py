"""Whatever a role or database has set: a load and its checks do what they do under the defaults, or refuse by the setting's name."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import sqlalchemy as sa

from nexus_assets.checks import CHECKS
from nexus_assets.checks.run import ask_all
from nexus_assets.errors import NexusAssetsError
from nexus_assets.ledger.schema import install
from nexus_assets.local.postgres import ADMIN
from nexus_assets.nexus import session
from nexus_assets.nexus.connection import DatabaseError, make_engine, transaction
from nexus_assets.nexus.session import FIXED, SessionError
from nexus_assets_tests.checks.clinic import CheckedClinic
from nexus_assets_tests.load.clinic import Clinic, furnish

SETTINGS = {
    # Meaning of texts and values
    "standard_conforming_strings": "off",
    "backslash_quote": "on",
    "escape_string_warning": "off",
    "transform_null_equals": "on",
    "array_nulls": "off",
    "client_encoding": "LATIN1",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Pacific/Chatham",
    "extra_float_digits": "-5",
    "bytea_output": "escape",
    "xmloption": "document",
    "xmlbinary": "hex",
    "quote_all_identifiers": "on",
    "lc_numeric": "C",
    "default_text_search_config": "pg_catalog.simple",
    # Rows and names
    "search_path": "",
    "row_security": "on",
    "gin_fuzzy_search_limit": "1",
    "restrict_nonsystem_relation_kind": "view",
    "synchronize_seqscans": "off",
    # Transactions and time
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "synchronous_commit": "off",
    "exit_on_error": "on",
    "statement_timeout": "100ms",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "500ms",
    "idle_session_timeout": "30s",
    "transaction_timeout": "500ms",
    "deadlock_timeout": "1ms",
    # Making tables and functions
    "default_tablespace": "pg_global",
    "temp_tablespaces": "",
    "check_function_bodies": "off",
    "default_toast_compression": "pglz",
    "createrole_self_grant": "set",
    "plpgsql.extra_errors": "all",
    "plpgsql.variable_conflict": "use_column",
    # Planning
    "constraint_exclusion": "on",
    "plan_cache_mode": "force_generic_plan",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_nestloop": "off",
    "enable_seqscan": "off",
    "enable_indexscan": "off",
    "enable_sort": "off",
    "enable_hashagg": "off",
    "enable_material": "off",
    "jit": "on",
    "jit_above_cost": "0",
    "work_mem": "64kB",
    "maintenance_work_mem": "1MB",
    "from_collapse_limit": "1",
    "join_collapse_limit": "1",
    "geqo_threshold": "2",
    "debug_parallel_query": "on",
    "max_parallel_workers_per_gather": "0",
    "cursor_tuple_fraction": "0",
    # Messages
    "lc_messages": "C",
    "client_min_messages": "error",
}
"""Setting -> a value that is not its default, and that could change what SQL means, or whether it comes to its end."""

REFUSED = {"session_replication_role": "replica", "default_transaction_read_only": "on"}


@contextmanager
def altered(clinic: Clinic, *settings: tuple[str, str]) -> Iterator[None]:
    """The database has these settings for whoever connects to it, as ALTER DATABASE … SET leaves it."""
    name = clinic.engine.url.database
    try:
        with administrator(clinic) as cursor:
            for setting, value in settings:
                is_list = setting == "search_path" and value
                cursor.execute(f"ALTER DATABASE {name} SET {setting} = {value if is_list else '%s'}", (value,))
        yield
    finally:
        with administrator(clinic) as cursor:
            cursor.execute(f"ALTER DATABASE {name} RESET ALL")


@contextmanager
def administrator(clinic: Clinic, database: str = ADMIN) -> Iterator[Any]:
    """A cursor of the superuser, whose password is the same."""
    url = sa.make_url(clinic.url).set(drivername="postgresql", username=ADMIN, database=database)
    with closing(psycopg2.connect(url.render_as_string(hide_password=False))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


def content(clinic: Clinic) -> dict[str, list[str]]:
    """Every row of Nexus's tables and of the ledger's entries, without what differs from load to load: times of loading."""
    tables = ("patients", "appointments", "notes", "documents_document", "images_batch", "images_image")
    ledger = [f"nexus_assets.identity_{name}" for name in ("patients", "notes", "images")]
    since = datetime.now(timezone.utc) - timedelta(hours=1)
    found: dict[str, list[str]] = {}
    with (
        psycopg2.connect(clinic.url.replace("+psycopg2", ""), options="-c TimeZone=UTC") as connection,
        connection.cursor() as cursor,
    ):
        for table in (*tables, *ledger):
            cursor.execute(
                f"SELECT jsonb_object_agg(key, CASE WHEN value ~ '^20\\d\\d-\\d\\d-\\d\\dT' AND value::timestamptz > %s"
                f" THEN 'now' ELSE value END)::text FROM {table} AS t, jsonb_each_text(to_jsonb(t)) GROUP BY t.ctid",
                (since,),
            )
            found[table] = sorted(row for (row,) in cursor.fetchall())
    connection.close()
    return found


def asked(clinic: CheckedClinic) -> dict[str, Any]:
    """What each check answers."""
    return {check.full_name: answer for check, answer in ask_all(CHECKS, clinic.engine, clinic.stored())}


@pytest.fixture
def checked(living_nexus_database: str, tmp_path: Path) -> Iterator[CheckedClinic]:
    """The furnished clinic, its contacts' names with what settings trip over; nothing is loaded yet."""
    with closing(CheckedClinic(living_nexus_database, tmp_path)) as clinic:
        yield _fill(clinic)


def _fill(clinic: CheckedClinic) -> CheckedClinic:
    furnish(clinic)
    clinic.modified = datetime.now(timezone.utc)
    clinic.note(clinic.exports["Contacts"][0]["id"], "C:\\new\\table 'quoted' — naïve ß")
    return clinic


@pytest.fixture(scope="session")
def usual(
    kept_database: Callable[..., str], living_nexus_template: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[str]]:
    """What two loads leave under the defaults."""
    with closing(
        _fill(CheckedClinic(kept_database(living_nexus_template), tmp_path_factory.mktemp("usual")))
    ) as clinic:
        clinic.load()
        clinic.load()
        return content(clinic)


def loads_as_usual(clinic: CheckedClinic, usual: dict[str, list[str]], *settings: tuple[str, str]) -> None:
    """Loads twice and checks under the settings."""
    with altered(clinic, *settings):
        first, second, answers = clinic.load(), clinic.load(), asked(clinic)
    assert [result.account.inserted for result in first.values()][:6] == [2, 2, 3, 2, 2, 4]
    assert [result.account.inserted + result.account.updated for result in second.values()] == [0] * len(first)
    assert {name: answer for name, answer in answers.items() if isinstance(answer, NexusAssetsError)} == {}
    assert {name for name, answer in answers.items() if not answer.passed} == set()
    assert content(clinic) == usual


def test_all_settings_at_once_change_nothing(checked: CheckedClinic, usual: dict[str, list[str]]) -> None:
    loads_as_usual(checked, usual, *(pair for pair in SETTINGS.items() if not pair[0].startswith("enable_")))


HANDS = 10
"""Into so many the settings are dealt, so that neighbours, which are about the same, are in different ones."""


@pytest.mark.slow
@pytest.mark.parametrize("hand", [[*SETTINGS][number::HANDS] for number in range(HANDS)], ids=", ".join)
def test_settings_that_have_nothing_to_do_with_each_other_change_nothing(
    checked: CheckedClinic, usual: dict[str, list[str]], hand: list[str]
) -> None:
    loads_as_usual(checked, usual, *((setting, SETTINGS[setting]) for setting in hand))


@pytest.mark.parametrize("setting", REFUSED)
def test_setting_that_cannot_be_changed_is_refused_by_its_name(checked: CheckedClinic, setting: str) -> None:
    told = f"{setting} is .*Nothing was written.*RESET {setting}"
    with altered(checked, (setting, REFUSED[setting])), pytest.raises(SessionError, match=told):
        checked.load("patients")
    assert checked.value("SELECT count(*) FROM patients") == 0
    assert checked.value("SELECT to_regnamespace('nexus_assets') IS NULL")


def test_checks_may_run_where_nothing_may_be_written(checked: CheckedClinic) -> None:
    checked.load()
    with altered(checked, ("default_transaction_read_only", "on")):
        assert all(answer.passed for answer in asked(checked).values())


def test_no_transaction_is_open_while_the_bucket_is_listed(checked: CheckedClinic) -> None:
    """It would be idle for as long as that takes, with the locks that it holds."""
    open_ones: list[int] = []

    def list_first(_: Any) -> None:
        where = "datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'nexus_assets'"
        open_ones.append(checked.value(f"SELECT count(*) FROM pg_stat_activity WHERE {where}"))

    list(ask_all(CHECKS, checked.engine, replace(checked.stored(), list_first=list_first)))
    assert open_ones == [0]


def test_every_fixed_setting_is_one_of_the_matrix() -> None:
    with_own_tests = {"default_table_access_method"}
    assert {name.lower() for name in FIXED} - with_own_tests <= {name.lower() for name in SETTINGS}


@pytest.mark.parametrize("setting", ["statement_timeout", "idle_in_transaction_session_timeout", "transaction_timeout"])
def test_load_outlasts_a_timeout_of_the_role(checked: CheckedClinic, setting: str) -> None:
    with altered(checked, (setting, "400ms")), transaction(checked.engine, lock="patients") as cursor:
        cursor.execute("SELECT pg_sleep(0.6)")
        time.sleep(0.6)
        cursor.execute("SELECT current_setting(%s)", (setting,))
        assert cursor.fetchall() == [(FIXED[setting],)]


@pytest.mark.parametrize("setting", ["statement_timeout", "lock_timeout", "transaction_timeout"])
def test_whoever_waits_for_a_turn_outlasts_a_timeout_of_the_role(checked: CheckedClinic, setting: str) -> None:
    turns: list[str] = []

    def second() -> None:
        with transaction(checked.engine, lock="turn"):
            turns.append("second")

    other = threading.Thread(target=second)
    with altered(checked, (setting, "400ms")):
        with transaction(checked.engine, lock="turn"):
            other.start()
            time.sleep(1)
            turns.append("first")
        other.join()
    assert turns == ["first", "second"]


def test_what_a_role_has_set_counts_no_more_than_what_a_database_has(checked: CheckedClinic) -> None:
    with administrator(checked) as cursor:
        cursor.execute("ALTER ROLE nexus SET statement_timeout = '10ms'")
        cursor.execute("ALTER ROLE nexus SET standard_conforming_strings = off")
    try:
        assert checked.load("patients")["patients"].account.inserted == 2
    finally:
        with administrator(checked) as cursor:
            cursor.execute("ALTER ROLE nexus RESET ALL")
    assert checked.value("SELECT count(*) FROM patients WHERE dob IS NOT NULL") == 2


def test_nexus_in_another_schema_of_the_path_is_found(checked: CheckedClinic) -> None:
    checked.execute("ALTER SCHEMA public RENAME TO clinic")
    checked.execute("CREATE SCHEMA public")
    with altered(checked, ("search_path", "clinic, public, pg_catalog")):
        assert checked.load("patients")["patients"].account.inserted == 2
    assert checked.value("SELECT count(*) FROM clinic.patients") == 2


def test_functions_of_a_schema_on_the_path_never_stand_before_those_of_the_server(checked: CheckedClinic) -> None:
    """A path may name pg_catalog last: whoever may create functions could then have the load call theirs."""
    checked.execute("CREATE FUNCTION public.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'taken over' $$")
    # What is called before the path is fixed, by whoever takes a lock.
    before = ["pg_advisory_lock(bigint)", "pg_advisory_xact_lock(bigint)", "pg_advisory_unlock(bigint)"]
    for function in [*before, "hashtextextended(text, bigint)"]:
        checked.execute(
            f"CREATE FUNCTION public.{function} RETURNS bigint LANGUAGE sql AS $$ SELECT (1 / 0)::bigint $$"
        )
    # Operators can't be qualified without being unreadable: none may be used before.
    for of in ("name", "oid"):
        checked.execute(
            f"CREATE FUNCTION public.compared({of}, {of}) RETURNS boolean LANGUAGE sql AS $$ SELECT 1 / 0 > 0 $$"
        )
        for operator in ("=", "<>"):
            checked.execute(f"CREATE OPERATOR public.{operator} (FUNCTION = compared, LEFTARG = {of}, RIGHTARG = {of})")
    with altered(checked, ("search_path", "public, pg_catalog")), transaction(checked.engine, lock="turn") as cursor:
        cursor.execute("SELECT lower('A')")
        assert cursor.fetchall() == [("a",)]


def test_row_level_security_is_an_error_and_no_shorter_answer(checked: CheckedClinic) -> None:
    checked.load()
    with administrator(checked) as cursor:
        cursor.execute("CREATE ROLE reader LOGIN PASSWORD 'reader'")
    checked.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    checked.execute("ALTER TABLE notes ENABLE ROW LEVEL SECURITY")
    reader = sa.make_url(checked.url).set(username="reader", password="reader")
    try:
        with (
            pytest.raises(DatabaseError, match=r"Row level security would hide rows.*BYPASSRLS"),
            transaction(sa.create_engine(reader, poolclass=sa.NullPool), read_only=True) as cursor,
        ):
            cursor.execute("SELECT count(*) FROM notes")
    finally:
        with administrator(checked, str(checked.engine.url.database)) as cursor:
            cursor.execute("DROP OWNED BY reader; DROP ROLE reader")


def test_nothing_outlives_the_transaction(checked: CheckedClinic) -> None:
    """Settings and locks of a connection that a pooler hands on to somebody else."""
    seen: list[Any] = []
    with transaction(checked.engine, lock=["one", "two"]) as cursor:
        connection = cursor.connection
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchall() == [(2,)]
        connection.commit()
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        seen += cursor.fetchall()
        cursor.execute("SELECT name FROM pg_settings WHERE source = 'session' AND name <> 'transaction_isolation'")
        seen += cursor.fetchall()
    assert seen == [(0,)]


def test_whoever_waited_sees_what_was_committed_meanwhile(checked: CheckedClinic) -> None:
    """The state of the database is taken when the lock is had, not when it is asked for."""
    checked.execute("CREATE TABLE turns (number integer)")
    waiting, counted = threading.Event(), []

    def second() -> None:
        waiting.set()
        with transaction(checked.engine, lock="turn") as cursor:
            cursor.execute("SELECT count(*) FROM turns")
            counted.extend(cursor.fetchall())

    other = threading.Thread(target=second)
    with transaction(checked.engine, lock="turn") as cursor:
        other.start()
        waiting.wait()
        while not checked.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
            pass
        cursor.execute("INSERT INTO turns VALUES (1)")
    other.join()
    assert counted == [(1,)]


@pytest.mark.parametrize("lock", [(), "turn", ("one", "two")], ids=["no lock", "a lock", "two locks"])
def test_a_transaction_sees_one_state_of_the_database(lock: Any, checked: CheckedClinic) -> None:
    checked.execute("CREATE TABLE turns (number integer)")
    with transaction(checked.engine, lock=lock) as cursor:
        cursor.execute("SELECT count(*) FROM turns")
        checked.execute("INSERT INTO turns VALUES (1)")
        cursor.execute("SELECT count(*) FROM turns UNION ALL SELECT count(*) FROM turns")
        assert cursor.fetchall() == [(0,), (0,)]


@pytest.mark.parametrize("lock", [(), "turn"], ids=["no lock", "a lock"])
def test_what_somebody_changed_meanwhile_is_not_overwritten(lock: Any, checked: CheckedClinic) -> None:
    checked.execute("CREATE TABLE turns (number integer)")
    checked.execute("INSERT INTO turns VALUES (1)")

    def change(cursor: Any) -> None:
        cursor.execute("SELECT count(*) FROM turns")
        checked.execute("UPDATE turns SET number = 2")
        cursor.execute("UPDATE turns SET number = 3")

    with pytest.raises(DatabaseError) as caught, transaction(checked.engine, lock=lock) as cursor:
        change(cursor)
    assert caught.value.transient
    assert checked.values("SELECT number FROM turns") == [2]


def test_whoever_waits_too_long_for_a_row_gives_up_and_may_try_again(
    checked: CheckedClinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "LOCK_TIMEOUT", "100ms")
    checked.execute("CREATE TABLE turns (number integer)")
    checked.execute("INSERT INTO turns VALUES (1)")
    told = pytest.raises(DatabaseError, match="Somebody else holds the rows")
    with checked.transaction() as other:
        other.execute("UPDATE turns SET number = 2")
        with told as caught, transaction(checked.engine, lock="turn") as cursor:
            cursor.execute("SET LOCAL statement_timeout = '20s'; UPDATE turns SET number = 3")
    assert caught.value.transient


@pytest.mark.parametrize("lock", [(), "turn"], ids=["no lock", "a lock"])
def test_every_setting_is_as_it_is_fixed(lock: Any, checked: CheckedClinic) -> None:
    wanted = {**FIXED, "lock_timeout": session.LOCK_TIMEOUT}
    with transaction(checked.engine, lock=lock) as cursor:
        cursor.execute("SELECT name, current_setting(name) FROM pg_settings")
        found = {name: value for name, value in cursor.fetchall() if name in wanted}
    assert found == {name: value for name, value in wanted.items() if name in found}
    assert {"lock_timeout", "statement_timeout", "row_security"} <= found.keys()


def test_a_database_in_another_encoding_is_refused(new_database: Callable[..., str]) -> None:
    url = new_database(options="ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    with pytest.raises(NexusAssetsError, match="encoding is LATIN1"), transaction(make_engine(url)) as cursor:
        install(cursor)

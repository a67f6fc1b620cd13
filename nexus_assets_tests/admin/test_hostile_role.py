"""The role that imports may replace whatever it owns: whoever has more rights and runs a command then runs nothing of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import click
import psycopg2
import pytest
import sqlalchemy as sa

from nexus_assets.admin import guard
from nexus_assets.admin.learn import learn
from nexus_assets.admin.reset import plan as plan_reset
from nexus_assets.admin.reset import reset
from nexus_assets.cli import nexus_assets
from nexus_assets.errors import NexusAssetsError
from nexus_assets.ledger import schema
from nexus_assets.local.postgres import ADMIN
from nexus_assets.nexus.connection import transaction
from nexus_assets_tests.admin.conftest import Command
from nexus_assets_tests.conftest import NewDatabase, database_name
from nexus_assets_tests.load.clinic import Clinic, furnish
from nexus_assets_tests.load.conftest import Fill, Open

pytestmark = pytest.mark.extended

ROLE = "importer_gone_bad"

EVIL = """
    CREATE FUNCTION elsewhere.act() RETURNS void LANGUAGE plpgsql AS $evil$
    BEGIN
      -- Whoever calls this does it with their own rights, which SET ROLE does not take away.
      BEGIN PERFORM set_config('role', session_user, false); EXCEPTION WHEN OTHERS THEN NULL; END;
      BEGIN EXECUTE 'INSERT INTO public.canary VALUES (current_user)'; EXCEPTION WHEN OTHERS THEN NULL; END;
    END $evil$;
    -- Immutable, so that indexes, generated columns and checks take it; what it calls may write all the same.
    CREATE FUNCTION elsewhere.evil() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
      $evil$ BEGIN PERFORM elsewhere.act(); RETURN true; END $evil$;
    CREATE FUNCTION elsewhere.evil_trigger() RETURNS trigger LANGUAGE plpgsql AS
      $evil$ BEGIN PERFORM elsewhere.evil(); RETURN coalesce(NEW, OLD); END $evil$;
"""

EACH_TABLE = """
    DO $$ DECLARE t text; BEGIN
      FOR t IN SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND relnamespace = 'nexus_assets'::regnamespace LOOP
        EXECUTE format({}, t);
      END LOOP;
    END $$
"""
BODY = "LANGUAGE plpgsql AS $$ BEGIN PERFORM elsewhere.evil(); RETURN {}; END $$"

ATTACKS = {
    "a function": f"CREATE OR REPLACE FUNCTION nexus_assets.read_uuid(value text) RETURNS uuid {BODY.format('value::uuid')};"
    f"CREATE OR REPLACE FUNCTION nexus_assets.read_text(value text) RETURNS text {BODY.format('value')}",
    "an overloaded function": f"CREATE FUNCTION nexus_assets.read_uuid(value varchar) RETURNS uuid {BODY.format('NULL')}",
    "a default of a function's argument": "DROP FUNCTION nexus_assets.read_uuid(text); CREATE FUNCTION"
    " nexus_assets.read_uuid(value text, b boolean DEFAULT elsewhere.evil()) RETURNS uuid LANGUAGE sql AS 'SELECT value::uuid'",
    "triggers": EACH_TABLE.format(
        "'CREATE TRIGGER evil BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION elsewhere.evil_trigger()'"
    ),
    "rules": EACH_TABLE.format("'CREATE RULE evil AS ON INSERT TO %s DO ALSO SELECT elsewhere.evil()'"),
    "row policies": EACH_TABLE.format(
        "'CREATE POLICY evil ON %1$s USING (elsewhere.evil()); ALTER TABLE %1$s ENABLE ROW LEVEL SECURITY'"
    ),
    "defaults": "ALTER TABLE nexus_assets.load ALTER id DROP IDENTITY, ALTER id SET DEFAULT elsewhere.evil()::int;"
    " ALTER TABLE nexus_assets.superseded ALTER learned_at SET DEFAULT CASE WHEN elsewhere.evil() THEN now() END",
    "a view for a table": "ALTER TABLE nexus_assets.about RENAME TO about_then;"
    " CREATE VIEW nexus_assets.about AS SELECT * FROM nexus_assets.about_then WHERE elsewhere.evil()",
    "checks": EACH_TABLE.format("'ALTER TABLE %s ADD CHECK (elsewhere.evil()) NOT VALID'"),
    "indexes": EACH_TABLE.format("'CREATE INDEX ON %s (elsewhere.evil())'"),
    "a type": "DROP VIEW nexus_assets.identity; CREATE DOMAIN nexus_assets.word AS text CHECK (elsewhere.evil());"
    " ALTER TABLE nexus_assets.superseded ALTER entity TYPE nexus_assets.word",
    "a generated column": EACH_TABLE.format(
        "'ALTER TABLE %s ADD evil boolean GENERATED ALWAYS AS (elsewhere.evil()) STORED'"
    ),
    "heirs": EACH_TABLE.format(
        "'CREATE TABLE %1$s_heir () INHERITS (%1$s); CREATE POLICY evil ON %1$s_heir USING (elsewhere.evil())'"
    ),
    "what a function returns": "ALTER FUNCTION nexus_assets.read_uuid(text) RENAME TO read_uuid_then;"
    " CREATE DOMAIN nexus_assets.own_uuid AS uuid CHECK (elsewhere.evil());"
    " DO $$ BEGIN EXECUTE replace(replace(pg_get_functiondef('nexus_assets.read_uuid_then(text)'::regprocedure),"
    " 'read_uuid_then', 'read_uuid'), 'RETURNS uuid', 'RETURNS nexus_assets.own_uuid'); END $$;"
    " DROP FUNCTION nexus_assets.read_uuid_then(text)",
    "casts": EACH_TABLE.format(
        "'CREATE FUNCTION elsewhere.as_text(%1$s) RETURNS text LANGUAGE plpgsql AS"
        " $f$ BEGIN PERFORM elsewhere.evil(); RETURN NULL; END $f$;"
        " CREATE CAST (%1$s AS text) WITH FUNCTION elsewhere.as_text(%1$s) AS IMPLICIT'"
    ),
    "the ledger's absence": "DROP TABLE nexus_assets.about; CREATE TRIGGER evil BEFORE INSERT ON nexus_assets.superseded"
    " FOR EACH ROW EXECUTE FUNCTION elsewhere.evil_trigger()",
}


OWN_OPERATOR = (
    "CREATE FUNCTION elsewhere.same({0}, {0}) RETURNS boolean LANGUAGE plpgsql AS"
    " $$ BEGIN PERFORM elsewhere.evil(); RETURN $1::text = $2::text; END $$;"
    "CREATE OPERATOR {1}.= (FUNCTION = elsewhere.same, LEFTARG = {0}, RIGHTARG = {0})"
)
OWN_CAST = (
    "CREATE FUNCTION elsewhere.as_uuid({0}) RETURNS uuid LANGUAGE plpgsql AS"
    " $$ BEGIN PERFORM elsewhere.evil(); RETURN NULL; END $$; CREATE CAST ({0} AS uuid) WITH FUNCTION elsewhere.as_uuid({0})"
)
DEFAULT_PRIVILEGES = "ALTER DEFAULT PRIVILEGES {0} GRANT ALL ON {1} TO PUBLIC"

PREPARED = {
    "an operator in the ledger's schema": OWN_OPERATOR.format("varchar", "nexus_assets"),
    "an operator of its own type": "CREATE TYPE elsewhere.mood AS ENUM ('sad');"
    + OWN_OPERATOR.format("elsewhere.mood", "nexus_assets"),
    "a cast of its own type": "CREATE TYPE elsewhere.mood AS ENUM ('sad');" + OWN_CAST.format("elsewhere.mood"),
    "default privileges": ";".join(
        DEFAULT_PRIVILEGES.format("", kind) for kind in ("TABLES", "FUNCTIONS", "SCHEMAS", "TYPES")
    ),
    "default privileges in the ledger's schema": DEFAULT_PRIVILEGES.format("IN SCHEMA nexus_assets", "FUNCTIONS"),
}
"""What the role may create in advance, and which changes nothing for whoever comes after it."""

REFUSED = {
    "an event trigger": "CREATE FUNCTION elsewhere.evil_event() RETURNS event_trigger LANGUAGE plpgsql AS"
    " $$ BEGIN PERFORM elsewhere.evil(); END $$;"
    "CREATE EVENT TRIGGER evil ON ddl_command_end EXECUTE FUNCTION elsewhere.evil_event()",
    "a cast of the server's types": OWN_CAST.format("text"),
    "an operator among the server's own": OWN_OPERATOR.format("varchar", "pg_catalog"),
    "default privileges of the owner": DEFAULT_PRIVILEGES.format("FOR ROLE nexus", "FUNCTIONS"),
    "a search path of the owner": "ALTER ROLE nexus SET search_path = elsewhere",
    "a trigger on a table of Nexus": "CREATE TRIGGER evil BEFORE INSERT ON public.patients FOR EACH ROW"
    " EXECUTE FUNCTION elsewhere.evil_trigger()",
}
"""What would strike whoever comes after it, so that PostgreSQL lets only its owner or an administrator make it."""

MAY_CREATE = "GRANT CREATE ON SCHEMA public TO {role}; GRANT CREATE ON DATABASE {database} TO {role}"
"""What PostgreSQL 14 lets everybody do, or an administrator has granted for convenience."""

SHADOWS = {
    "a function of the server's name": "CREATE FUNCTION public.lower(varchar) RETURNS text LANGUAGE plpgsql AS"
    " $$ BEGIN PERFORM elsewhere.evil(); RETURN lower($1::text); END $$",
    "a function of the name of an aggregate": "CREATE FUNCTION public.count(varchar) RETURNS bigint LANGUAGE plpgsql AS"
    " $$ BEGIN PERFORM elsewhere.evil(); RETURN 1; END $$",
    "an operator of the server's name": "CREATE FUNCTION elsewhere.same(varchar, varchar) RETURNS boolean LANGUAGE plpgsql AS"
    " $$ BEGIN PERFORM elsewhere.evil(); RETURN $1::text = $2::text; END $$;"
    "CREATE OPERATOR public.= (FUNCTION = elsewhere.same, LEFTARG = varchar, RIGHTARG = varchar)",
    "an operator that would hide itself": "CREATE FUNCTION elsewhere.at_least(oid, integer) RETURNS boolean LANGUAGE plpgsql AS"
    " $$ BEGIN PERFORM elsewhere.evil(); RETURN false; END $$;"
    "CREATE OPERATOR public.>= (FUNCTION = elsewhere.at_least, LEFTARG = oid, RIGHTARG = integer)",
    "a schema of the owner's name": "CREATE SCHEMA nexus; GRANT USAGE ON SCHEMA nexus TO nexus;"
    "CREATE FUNCTION nexus.lower(varchar) RETURNS text LANGUAGE plpgsql AS"
    " $$ BEGIN PERFORM elsewhere.evil(); RETURN lower($1::text); END $$",
    "tables in a schema of the owner's name": "CREATE SCHEMA nexus; GRANT USAGE ON SCHEMA nexus TO nexus;"
    "CREATE TABLE nexus.patients (LIKE public.patients INCLUDING ALL);"
    "CREATE TABLE nexus.django_content_type (LIKE public.django_content_type INCLUDING ALL);"
    "INSERT INTO nexus.django_content_type SELECT * FROM public.django_content_type;"
    "CREATE TRIGGER evil BEFORE INSERT ON nexus.patients FOR EACH ROW EXECUTE FUNCTION elsewhere.evil_trigger();"
    "CREATE POLICY evil ON nexus.patients USING (elsewhere.evil()); ALTER TABLE nexus.patients ENABLE ROW LEVEL SECURITY;"
    "GRANT ALL ON ALL TABLES IN SCHEMA nexus TO nexus",
}


def superuser(clinic: Clinic) -> sa.URL:
    return sa.make_url(clinic.url).set(drivername="postgresql", username=ADMIN)


def execute(url: sa.URL, statements: str) -> None:
    with closing(psycopg2.connect(url.render_as_string(hide_password=False))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statements)


@pytest.fixture(scope="module")
def owned_template(
    loaded_template: Fill, kept_database: NewDatabase, drop_database: Callable[[str], None]
) -> Iterator[str]:
    """The name of a database with a loaded clinic, whose ledger belongs to the role that imports."""
    url = kept_database(loaded_template("current"))
    with closing(Clinic(url, Path())) as clinic:
        execute(
            superuser(clinic),
            f"""
            CREATE ROLE {ROLE} LOGIN PASSWORD 'bad';
            CREATE SCHEMA elsewhere AUTHORIZATION {ROLE};
            GRANT USAGE ON SCHEMA elsewhere TO public;
            GRANT {ROLE} TO nexus;
            GRANT USAGE ON SCHEMA public TO {ROLE};
            GRANT SELECT ON ALL TABLES IN SCHEMA public TO {ROLE};
            ALTER SCHEMA nexus_assets OWNER TO {ROLE};
            DO $$ DECLARE o record; BEGIN
              FOR o IN SELECT oid::regclass AS name, relkind FROM pg_class
                       WHERE relnamespace = 'nexus_assets'::regnamespace AND relkind IN ('r', 'v') LOOP
                EXECUTE format('ALTER TABLE %s OWNER TO {ROLE}', o.name);
              END LOOP;
              FOR o IN SELECT oid::regprocedure AS name FROM pg_proc WHERE pronamespace = 'nexus_assets'::regnamespace LOOP
                EXECUTE format('ALTER FUNCTION %s OWNER TO {ROLE}', o.name);
              END LOOP;
            END $$;
            """,
        )
        clinic.execute("CREATE TABLE canary (caught text)")
        yield database_name(url)
        drop_database(url)
        execute(superuser(clinic).set(database=ADMIN), f"DROP ROLE {ROLE}")


@pytest.fixture
def owned(owned_template: str, opened: Open) -> Clinic:
    """A loaded clinic whose ledger belongs to the role that imports; its owner may use it as well."""
    return furnish(opened(owned_template))


def role(clinic: Clinic) -> sa.URL:
    return superuser(clinic).set(username=ROLE, password="bad")


def every_command(folder: Path, contact: str = "") -> tuple[tuple[str, ...], ...]:
    """All that the owner may run of `nexus-assets`."""
    plan, rows = str(folder / "plan.json"), str(folder / "rows.xlsx")
    return (
        ("guard", "install"), ("guard", "status"), ("status",), ("check", "--select", "patients"), ("explain", contact),
        ("kept",), ("rejects",), ("rejects", "export", rows), ("rejects", "retry", rows), ("rejects", "purge", "--older-than", "0"),
        ("report",), ("alert",), ("plan", "--select", "patients", "--out", plan), ("apply", plan), ("undo", "--json"),
        ("guard", "remove"),
    )  # fmt: skip


FUNCTIONS: dict[str, Callable[[Clinic, Path], object]] = {
    "learn-ids": lambda clinic, folder: learn(clinic.engine, folder / "old.csv"),
    "load": lambda clinic, _: clinic.load("patients"),
    "reset": lambda clinic, _: reset(clinic.engine, plan_reset(clinic.engine), accept_losses=True),
}
"""The other commands, as what they call."""


def run_every_command(clinic: Clinic, run: Command, folder: Path) -> dict[str, int]:
    """Runs all that the owner may run; returns the exit codes, or 2 where a function was refused."""
    contact = clinic.exports["Contacts"][0]["id"]
    (folder / "old.csv").write_text(f"id,filemaker_id\n{uuid.uuid4()},{contact}\n", "utf-8")
    codes = {" ".join(words[:2]): run(*words).exit_code for words in every_command(folder, contact)}
    for name, function in FUNCTIONS.items():
        codes[name] = 2
        with suppress(NexusAssetsError):
            function(clinic, folder)
            codes[name] = 0
    return codes


def test_what_the_role_wants_run_would_be_caught(owned: Clinic) -> None:
    """Else no attack below could succeed."""
    execute(role(owned), EVIL)
    owned.execute("SELECT elsewhere.evil()")
    assert owned.values("SELECT * FROM canary") == ["nexus"]


@pytest.mark.attack("The role of the import, against the database's owner and the guard")
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_no_command_of_the_owner_runs_what_the_role_has_replaced(
    attack: str, owned: Clinic, command: Callable[[Clinic], Command], tmp_path: Path
) -> None:
    execute(role(owned), EVIL + attack)
    assert owned.values("SELECT * FROM canary") == [], "the attack itself has no such right"
    codes = run_every_command(owned, command(owned), tmp_path)
    assert owned.values("SELECT * FROM canary") == []
    assert codes["guard install"] == codes["guard status"] == 0, "which need nothing of the ledger"
    assert codes["reset"] == codes["learn-ids"] == codes["load"] == 2, "an attack is noticed, not evaded by chance"


@pytest.mark.attack("The role of the import, against the database's owner and the guard")
@pytest.mark.parametrize("attack", SHADOWS.values(), ids=SHADOWS.keys())
def test_no_command_of_the_owner_runs_what_takes_the_servers_place(
    attack: str, owned: Clinic, command: Callable[[Clinic], Command], tmp_path: Path
) -> None:
    database = sa.make_url(owned.url).database
    execute(superuser(owned), MAY_CREATE.format(role=ROLE, database=database))
    execute(role(owned), EVIL + attack)
    codes = run_every_command(owned, command(owned), tmp_path)
    assert owned.values("SELECT * FROM canary") == []
    # A schema that is not the owner's is left out of the path; what bears a name of the server's is refused.
    is_left_out = "CREATE SCHEMA nexus;" in attack
    assert {codes[name] == 0 for name in ("guard status", "learn-ids", "load", "reset")} == {is_left_out}


@pytest.mark.attack("The role of the import, against the database's owner and the guard")
@pytest.mark.parametrize("attack", PREPARED.values(), ids=PREPARED.keys())
def test_what_the_role_prepares_changes_no_command_and_gives_it_no_right(
    attack: str, owned: Clinic, command: Callable[[Clinic], Command], tmp_path: Path
) -> None:
    execute(role(owned), EVIL + attack)
    codes = run_every_command(owned, command(owned), tmp_path)
    assert owned.values("SELECT * FROM canary") == []
    assert codes["guard install"] == codes["reset"] == codes["learn-ids"] == codes["load"] == 0
    assert guard.install(owned.engine).is_whole
    gained = (
        "SELECT count(*) FROM pg_proc AS p JOIN pg_class AS c ON c.relnamespace = p.pronamespace AND c.relkind = 'r'"
        " WHERE p.pronamespace = 'nexus_guard'::regnamespace AND (has_function_privilege(%s, p.oid, 'EXECUTE')"
        " OR has_table_privilege(%s, c.oid, 'SELECT, INSERT, UPDATE, DELETE') OR has_schema_privilege(%s, 'nexus_guard', 'USAGE'))"
    )
    assert owned.value(gained, ROLE, ROLE, ROLE) == 0


@pytest.mark.attack("The role of the import, against the database's owner and the guard")
@pytest.mark.parametrize("attack", REFUSED.values(), ids=REFUSED.keys())
def test_the_role_may_not_create_what_strikes_others(attack: str, owned: Clinic) -> None:
    execute(role(owned), EVIL)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        execute(role(owned), attack)


def test_a_ledger_that_nobody_changed_is_used_whoever_owns_it(
    owned: Clinic, command: Callable[[Clinic], Command], tmp_path: Path
) -> None:
    codes = run_every_command(owned, command(owned), tmp_path)
    assert codes["reset"] == codes["learn-ids"] == codes["load"] == codes["rejects"] == 0


def test_what_another_role_brings_up_to_date_belongs_to_the_schemas_owner(owned: Clinic) -> None:
    owned.execute("UPDATE nexus_assets.about SET code_hash = ''")
    with transaction(owned.engine) as cursor:
        schema.install(cursor)
    owner = "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'nexus_assets.identity'::regclass"
    assert owned.value(owner) == ROLE


def test_the_role_can_not_change_its_ledger_while_a_command_uses_it(owned: Clinic) -> None:
    with transaction(owned.engine) as cursor:
        schema.hold(cursor)
        for table in ("load", "identity_patients", "conflict"):
            assert owned.values(
                "SELECT mode FROM pg_locks WHERE relation = %s::regclass AND mode LIKE 'Share%%Exclusive%%'",
                f"nexus_assets.{table}",
            ) == ["ShareRowExclusiveLock"]


def test_whoever_brings_the_ledger_up_to_date_goes_on_with_their_own_rights(owned: Clinic) -> None:
    """The ledger's functions are made as its owner, who has no right to write into Nexus."""
    owned.execute("UPDATE nexus_assets.about SET code_hash = 'another'")
    with transaction(owned.engine) as cursor:
        schema.install(cursor)
        cursor.execute("SELECT current_user, (SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = %s)",
                       ("nexus_assets",))  # fmt: skip
        assert cursor.fetchall() == [("nexus", ROLE)]
        cursor.execute("SELECT code_hash FROM nexus_assets.about")
        assert cursor.fetchall() == [(schema.code_hash(),)]


def test_every_command_is_among_them(tmp_path: Path) -> None:
    tried = {*FUNCTIONS, *(words[0] for words in every_command(tmp_path))}
    assert set(nexus_assets.list_commands(click.Context(nexus_assets))) - tried == {
        "clinics",
        "demo",
        "incident",
        "webserver",
    }


def test_what_was_changed_is_named_and_what_to_do(owned: Clinic) -> None:
    execute(role(owned), EVIL + ATTACKS["triggers"])
    with (
        pytest.raises(NexusAssetsError, match=r"belongs to another role.*table about, table alert") as caught,
        transaction(owned.engine) as cursor,
    ):
        schema.install(cursor)
    assert "NEXUS_DATABASE_URL" in caught.value.remedy


GUARD_ATTACKS = {
    "drop its functions": "DROP FUNCTION nexus_guard.guard_holds_public_patients(bigint, text[]) CASCADE",
    "drop its schema": "DROP SCHEMA nexus_guard CASCADE",
    "drop a trigger": "DROP TRIGGER nexus_assets_guard_delete ON patients",
    "turn a trigger off": "ALTER TABLE patients DISABLE TRIGGER nexus_assets_guard_delete",
    "replace a function": "CREATE OR REPLACE FUNCTION nexus_guard.guard_holds_public_patients(the_type bigint, the_ids text[])"
    " RETURNS void LANGUAGE plpgsql AS 'BEGIN END'",
    "call a function": "SELECT nexus_guard.guard_holds_public_patients(NULL, NULL)",
    "use a function": "CREATE TABLE nexus_assets.own (id uuid); CREATE TRIGGER own AFTER INSERT ON nexus_assets.own FOR EACH"
    " ROW EXECUTE FUNCTION nexus_guard.guard_notes_public_images_batch_object_id()",
    "write what is to be checked": "DELETE FROM nexus_guard.pending",
}


@pytest.mark.attack("The role of the import, against the database's owner and the guard")
@pytest.mark.parametrize("attack", GUARD_ATTACKS.values(), ids=GUARD_ATTACKS.keys())
def test_the_role_can_neither_drop_nor_change_nor_use_the_guard(attack: str, owned: Clinic) -> None:
    guard.install(owned.engine)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        execute(role(owned), attack)


def test_the_guard_needs_no_ledger(owned: Clinic) -> None:
    guard.install(owned.engine)
    execute(role(owned), "DROP SCHEMA nexus_assets CASCADE")
    with transaction(owned.engine) as cursor:
        assert guard.status(cursor).is_whole


@pytest.mark.attack("The role of the import, against the database's owner and the guard")
def test_the_guard_is_not_put_into_a_schema_of_somebody_else(owned: Clinic) -> None:
    execute(superuser(owned), f"CREATE SCHEMA nexus_guard AUTHORIZATION {ROLE}")
    with pytest.raises(guard.GuardError, match="belongs to another role"):
        guard.install(owned.engine)
    assert owned.value("SELECT count(*) FROM pg_trigger WHERE tgname ~ '^nexus_assets_guard'") == 0

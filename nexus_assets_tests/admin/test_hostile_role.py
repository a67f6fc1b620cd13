"""The role that imports may replace whatever it owns: whoever has more rights and runs a command then runs nothing of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy as sa

from nexus_assets.admin import guard
from nexus_assets.admin.learn import learn
from nexus_assets.admin.reset import plan as plan_reset
from nexus_assets.admin.reset import reset
from nexus_assets.errors import NexusAssetsError
from nexus_assets.ledger import schema
from nexus_assets.local.postgres import ADMIN
from nexus_assets.nexus.connection import transaction
from nexus_assets_tests.admin.conftest import Command
from nexus_assets_tests.load.clinic import Clinic

ROLE = "importer_gone_bad"

EVIL = """
    CREATE FUNCTION nexus_assets.evil() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $evil$
    BEGIN
      -- Whoever calls this does it with their own rights, which SET ROLE does not take away.
      BEGIN PERFORM set_config('role', session_user, false); EXCEPTION WHEN OTHERS THEN NULL; END;
      BEGIN EXECUTE 'INSERT INTO public.canary VALUES (current_user)'; EXCEPTION WHEN OTHERS THEN NULL; END;
      RETURN true;
    END $evil$;
    CREATE FUNCTION nexus_assets.evil_trigger() RETURNS trigger LANGUAGE plpgsql AS
      $evil$ BEGIN PERFORM nexus_assets.evil(); RETURN coalesce(NEW, OLD); END $evil$;
"""

EACH_TABLE = """
    DO $$ DECLARE t text; BEGIN
      FOR t IN SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND relnamespace = 'nexus_assets'::regnamespace LOOP
        EXECUTE format({}, t);
      END LOOP;
    END $$
"""
BODY = "LANGUAGE plpgsql AS $$ BEGIN PERFORM nexus_assets.evil(); RETURN {}; END $$"

ATTACKS = {
    "a function": f"CREATE OR REPLACE FUNCTION nexus_assets.read_uuid(value text) RETURNS uuid {BODY.format('value::uuid')};"
    f"CREATE OR REPLACE FUNCTION nexus_assets.read_text(value text) RETURNS text {BODY.format('value')}",
    "an overloaded function": f"CREATE FUNCTION nexus_assets.read_uuid(value varchar) RETURNS uuid {BODY.format('NULL')}",
    "a default of a function's argument": "DROP FUNCTION nexus_assets.read_uuid(text); CREATE FUNCTION"
    " nexus_assets.read_uuid(value text, b boolean DEFAULT nexus_assets.evil()) RETURNS uuid LANGUAGE sql AS 'SELECT value::uuid'",
    "triggers": EACH_TABLE.format(
        "'CREATE TRIGGER evil BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION nexus_assets.evil_trigger()'"
    ),
    "rules": EACH_TABLE.format("'CREATE RULE evil AS ON INSERT TO %s DO ALSO SELECT nexus_assets.evil()'"),
    "row policies": EACH_TABLE.format(
        "'CREATE POLICY evil ON %1$s USING (nexus_assets.evil()); ALTER TABLE %1$s ENABLE ROW LEVEL SECURITY'"
    ),
    "defaults": "ALTER TABLE nexus_assets.load ALTER id DROP IDENTITY, ALTER id SET DEFAULT nexus_assets.evil()::int;"
    " ALTER TABLE nexus_assets.superseded ALTER learned_at SET DEFAULT CASE WHEN nexus_assets.evil() THEN now() END",
    "a view for a table": "ALTER TABLE nexus_assets.about RENAME TO about_then;"
    " CREATE VIEW nexus_assets.about AS SELECT * FROM nexus_assets.about_then WHERE nexus_assets.evil()",
    "checks": EACH_TABLE.format("'ALTER TABLE %s ADD CHECK (nexus_assets.evil()) NOT VALID'"),
    "indexes": EACH_TABLE.format("'CREATE INDEX ON %s (nexus_assets.evil())'"),
    "a type": "DROP VIEW nexus_assets.identity; CREATE DOMAIN nexus_assets.word AS text CHECK (nexus_assets.evil());"
    " ALTER TABLE nexus_assets.superseded ALTER entity TYPE nexus_assets.word",
    "a generated column": EACH_TABLE.format(
        "'ALTER TABLE %s ADD evil boolean GENERATED ALWAYS AS (nexus_assets.evil()) STORED'"
    ),
    "heirs": EACH_TABLE.format(
        "'CREATE TABLE %1$s_heir () INHERITS (%1$s); CREATE POLICY evil ON %1$s_heir USING (nexus_assets.evil())'"
    ),
    "the ledger's absence": "DROP TABLE nexus_assets.about; CREATE TRIGGER evil BEFORE INSERT ON nexus_assets.superseded"
    " FOR EACH ROW EXECUTE FUNCTION nexus_assets.evil_trigger()",
}


def superuser(clinic: Clinic) -> sa.URL:
    return sa.make_url(clinic.url).set(drivername="postgresql", username=ADMIN)


def execute(url: sa.URL, statements: str) -> None:
    with closing(psycopg2.connect(url.render_as_string(hide_password=False))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statements)


@pytest.fixture
def owned(loaded: Clinic) -> Iterator[Clinic]:
    """A loaded clinic whose ledger belongs to the role that imports; its owner may use it as well."""
    execute(
        superuser(loaded),
        f"""
        CREATE ROLE {ROLE} LOGIN PASSWORD 'bad';
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
    loaded.execute("CREATE TABLE canary (caught text)")
    yield loaded
    execute(superuser(loaded), f"DROP OWNED BY {ROLE} CASCADE; DROP ROLE {ROLE}")


def role(clinic: Clinic) -> sa.URL:
    return superuser(clinic).set(username=ROLE, password="bad")


def run_every_command(clinic: Clinic, run: Command, folder: Path) -> dict[str, int]:
    """Runs all that the owner may run; returns the exit codes, or 2 where a function was refused."""
    (folder / "old.csv").write_text(f"id,filemaker_id\n{uuid.uuid4()},{clinic.exports['Contacts'][0]['id']}\n", "utf-8")
    contact = clinic.exports["Contacts"][0]["id"]
    commands = (
        ("guard", "install"), ("guard", "status"), ("status",), ("check", "--select", "patients"), ("explain", contact),
        ("rejects",), ("rejects", "purge", "--older-than", "0"), ("report",), ("alert",), ("plan", "--select", "patients"),
        ("guard", "remove"),
    )  # fmt: skip
    codes = {" ".join(words): run(*words).exit_code for words in commands}
    functions: dict[str, Callable[[], object]] = {
        "learn-ids": lambda: learn(clinic.engine, folder / "old.csv"),
        "load": lambda: clinic.load("patients"),
        "reset": lambda: reset(clinic.engine, plan_reset(clinic.engine), accept_losses=True),
    }
    for name, function in functions.items():
        codes[name] = 2
        with suppress(NexusAssetsError):
            function()
            codes[name] = 0
    return codes


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


def test_a_ledger_that_nobody_changed_is_used_whoever_owns_it(
    owned: Clinic, command: Callable[[Clinic], Command], tmp_path: Path
) -> None:
    codes = run_every_command(owned, command(owned), tmp_path)
    assert codes["reset"] == codes["learn-ids"] == codes["load"] == codes["rejects"] == 0


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


def test_what_was_changed_is_named_and_what_to_do(owned: Clinic) -> None:
    execute(role(owned), EVIL + ATTACKS["triggers"])
    with (
        pytest.raises(NexusAssetsError, match=r"belongs to another role.*table about, table alert") as caught,
        transaction(owned.engine) as cursor,
    ):
        schema.install(cursor)
    assert "function evil" in caught.value.problem
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


def test_the_guard_is_not_put_into_a_schema_of_somebody_else(owned: Clinic) -> None:
    execute(superuser(owned), f"CREATE SCHEMA nexus_guard AUTHORIZATION {ROLE}")
    with pytest.raises(guard.GuardError, match="belongs to another role"):
        guard.install(owned.engine)
    assert owned.value("SELECT count(*) FROM pg_trigger WHERE tgname ~ '^nexus_assets_guard'") == 0

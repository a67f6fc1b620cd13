"""README and docs/ are true: their tables are those of the code, their commands run, their examples load."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import sqlalchemy as sa
from botocore.client import BaseClient
from dotenv import dotenv_values

from nexus_assets.admin import guard
from nexus_assets.admin.reset import plan as plan_reset
from nexus_assets.admin.reset import reset
from nexus_assets.checks import CHECKS
from nexus_assets.entities import ENTITIES
from nexus_assets.local.home import SOURCE
from nexus_assets.local.postgres import ADMIN
from nexus_assets.nexus.connection import make_engine
from nexus_assets.settings import SETTINGS
from nexus_assets_tests.graph.conftest import Graph, failures, graph  # noqa: F401 - the fixture
from nexus_assets_tests.readme import PAGES, README, TABLES, WRITE, block, pages_text, snippet

pytestmark = pytest.mark.timeout(450)  # to begin before files without a limit of their own

ROLE = "nexus_import"


def test_tables_with_patients_data_are_those_of_the_ledger() -> None:
    section = (
        (README.parent / "SECURITY.md").read_text("utf-8").split("## What the database keeps")[1].split("\n## ")[0]
    )
    named = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    declared = files("nexus_assets.ledger").joinpath("schema.sql").read_text("utf-8")
    values = r"CREATE TABLE IF NOT EXISTS nexus_assets\.(\w+) \([^;]*?(?:before|payload|faulty|filemaker_value) (?:jsonb|text)"
    assert named == set(re.findall(values, declared))


@pytest.mark.parametrize("name", TABLES)
def test_table_is_as_the_code_has_it(name: str) -> None:
    (found,) = block(name).findall(pages_text())
    assert found.strip() == TABLES[name]().strip(), f"Run: {WRITE}"


def test_every_place_that_it_names_exists() -> None:
    root = README.parent
    named = re.findall(r"`((?:nexus_assets|nexus_assets_tests|docs)/[\w/.]*)`", pages_text())
    assert named
    # The clinics of the example are not there: it tells how to add them.
    assert [place for place in named if not (root / place).exists()] == ["nexus_assets/entities/clinics.py"]


def test_every_link_leads_somewhere() -> None:
    places = [
        (page, place) for page in PAGES for place in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))
    ]
    assert places
    assert [(page.name, place) for page, place in places if not (page.parent / place).exists()] == []


def test_every_heading_that_readme_links_to_is_there() -> None:
    readme = README.read_text("utf-8")
    headings = re.findall(r"^## (.+)$", readme, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    linked = set(re.findall(r"\]\(#([^)]+)\)", readme))
    assert linked
    assert linked <= anchors


def test_readme_is_short() -> None:
    assert len(README.read_bytes()) <= 6500


def test_definitions_merge_into_another_project() -> None:
    told = subprocess.run(
        [sys.executable, "-c", f"{snippet('python', 'merge')}\nprint(len(list(defs.resolve_all_asset_keys())))"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert int(told.stdout.splitlines()[-1]) > len(ENTITIES)


@pytest.mark.parametrize("name", sorted({check.name for check in CHECKS}))
def test_check_that_is_red_has_a_paragraph_that_says_what_to_do(name: str) -> None:
    (paragraph,) = re.findall(rf"^### `{name}`\n\n(.+?)(?=\n\n#)", pages_text(), re.DOTALL | re.MULTILINE)
    assert len(paragraph.split()) > 10


def test_no_paragraph_is_about_a_check_that_is_gone() -> None:
    part = pages_text().split("## When a check fails")[1].split("\n## ")[0]
    assert set(re.findall(r"^### `(\w+)`", part, re.MULTILINE)) == {check.name for check in CHECKS}


# --- connecting to a real Nexus ---------------------------------------------------------------------------------------


@pytest.fixture
def as_role(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> Iterator[Graph]:  # noqa: F811
    """The graph, its settings naming the role that README's SQL makes."""
    owner = sa.make_url(graph.clinic.url).set(drivername="postgresql")
    made = snippet("sql", "administrator").replace("DATABASE nexus ", f"DATABASE {owner.database} ")
    _execute(owner.set(username=ADMIN), made)  # whose password is the same here
    for statement in snippet("sql", "owner").strip().split("\n"):
        # The tests' own Django project has a part of Nexus's tables.
        table = statement.split(" ON ")[1].split(" TO ")[0]
        if table.startswith("SCHEMA") or graph.clinic.value("SELECT to_regclass(%s) IS NOT NULL", table):
            _execute(owner, statement)
    role = owner.set(username=ROLE, password="choose one")
    monkeypatch.setenv("NEXUS_DATABASE_URL", role.render_as_string(hide_password=False))
    yield graph
    _execute(owner.set(username=ADMIN), f"DROP OWNED BY {ROLE} CASCADE; DROP ROLE {ROLE}")


def _execute(url: sa.URL, statements: str) -> None:
    with closing(psycopg2.connect(url.render_as_string(hide_password=False))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statements)


def test_role_of_least_privilege_loads_everything_and_heals(as_role: Graph) -> None:
    as_role.load()
    clinic = as_role.clinic
    for table in ("appointments", "notes"):
        clinic.execute(f"DELETE FROM {table}")
    clinic.execute("UPDATE patients SET id = gen_random_uuid()")
    assert clinic.value("SELECT count(*) FROM images_batch WHERE object_id NOT IN (SELECT id FROM patients)") > 0
    assert failures(as_role.materialize()) == []
    assert clinic.value("SELECT count(*) FROM images_batch WHERE object_id NOT IN (SELECT id FROM patients)") == 0


def test_role_may_delete_nobody_and_owns_the_ledger_alone(as_role: Graph) -> None:
    as_role.load()
    ask = as_role.clinic.value
    for table in ("patients", "notes", "appointments", "images_image", "documents_document"):
        assert not ask("SELECT has_table_privilege(%s, %s, 'DELETE')", ROLE, table), table
    owned = (
        "SELECT count(*) FROM pg_class WHERE relowner = %s::regrole AND relnamespace <> 'nexus_assets'::regnamespace"
    )
    assert ask(f"{owned} AND relnamespace::regnamespace::text !~ '^pg_'", ROLE) == 0


@pytest.mark.parametrize("first", ["the role", "the owner"])
def test_role_and_owner_use_one_ledger_whoever_makes_it(as_role: Graph, first: str) -> None:
    owner = make_engine(as_role.clinic.url)
    if first == "the owner":
        assert guard.install(owner).is_whole
    as_role.load()
    assert guard.install(owner).is_whole
    assert as_role.clinic.value("SELECT count(*) FROM patients") > 0
    reset(owner, plan_reset(owner))
    assert as_role.clinic.value("SELECT count(*) FROM patients") == 0
    assert failures(as_role.materialize()) == []
    owners = "SELECT array_agg(DISTINCT relowner::regrole::text) FROM pg_class WHERE relnamespace = 'nexus_assets'::regnamespace"
    assert as_role.clinic.value(owners) == [ROLE]


def test_policy_allows_what_is_asked_of_the_bucket_and_no_more(
    graph: Graph,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: set[str] = set()
    ask = BaseClient._make_api_call

    def note(self: Any, operation: str, parameters: Any) -> Any:
        asked.add(operation)
        return ask(self, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", note)
    # Exports that lie in the bucket are read under the same policy.
    shutil.copytree(graph.exports, graph.bucket.folder / "exports")
    monkeypatch.setenv("NEXUS_EXPORTS", f"s3://{graph.bucket.name}/exports")
    assert failures(graph.materialize()) == []
    needed = {
        {"ListObjectsV2": "s3:ListBucket", "HeadObject": "s3:GetObject"}.get(name, f"s3:{name}") for name in asked
    }
    statements = json.loads(snippet("json", "policy"))["Statement"]
    assert needed <= {statement["Action"] for statement in statements}
    assert {statement["Action"] for statement in statements} == {"s3:ListBucket", "s3:GetObject"}
    for statement in statements:
        of_bucket = statement["Resource"] == "arn:aws:s3:::clinic-files"
        assert of_bucket == (statement["Action"] == "s3:ListBucket"), statement


def test_settings_of_the_example_are_settings() -> None:
    (text,) = re.findall(r"^```dotenv\n(.*?)^```", pages_text(), re.DOTALL | re.MULTILINE)
    named = dotenv_values(stream=io.StringIO(text))
    known = {setting.name for setting in SETTINGS}
    assert {name for name in named if not name.startswith(("AWS_", "DAGSTER_"))} <= known
    assert sa.make_url(str(named["NEXUS_DATABASE_URL"])).password == "choose one"


def _shell(commands: str, folder: Path, environment: dict[str, str]) -> list[tuple[str, int, str]]:
    """Runs a block's commands one after the other in a shell; (command, exit code, all that it said)."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    told = []
    for command in commands.strip().splitlines():
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=folder,
            env={**os.environ, "DAGSTER_CLI_ASSET_MATERIALIZE_MODULE_NAME": "nexus_assets.definitions"}
            | environment
            | {"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        told.append((command, done.returncode, done.stdout + done.stderr))
    return told


def test_history_of_a_clinic_is_a_private_folder_that_keeps_nothing_printed(tmp_path: Path) -> None:
    folder = tmp_path / "history"
    told = _shell(snippet("sh", "history").replace("/srv/nexus/history", str(folder)), SOURCE, {})
    assert [code for _, code, _ in told] == [0, 0], told
    assert folder.stat().st_mode & 0o077 == 0
    assert "NoOpComputeLogManager" in (folder / "dagster.yaml").read_text("utf-8")


@pytest.mark.slow
def test_real_nexus_is_looked_at_and_loaded_with_the_settings_of_a_file(
    as_role: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The steps of "Connecting to a real Nexus", in a folder with a .env and no other setting."""
    folder, history = tmp_path / "work", tmp_path / "history"
    folder.mkdir()
    history.mkdir()
    named = [name for name in os.environ if name.startswith(("NEXUS_", "AWS_"))]
    (folder / ".env").write_text("".join(f"{name}={os.environ[name]}\n" for name in named))
    for name in named:
        monkeypatch.delenv(name)
    assert as_role.clinic.value("SELECT count(*) FROM patients") == 0
    told = _shell(snippet("sh", "real"), folder, {"DAGSTER_HOME": str(history)})
    # The files of this small clinic are no pictures, and status says so.
    assert [code for _, code, _ in told] == [0, 0, 1], told
    assert "wrong_content" in told[-1][2]
    assert as_role.clinic.value("SELECT count(*) FROM patients") == 2


@pytest.mark.slow
def test_ids_are_looked_up_learned_and_guarded(graph: Graph, tmp_path: Path) -> None:  # noqa: F811
    assert failures(graph.materialize()) == []
    clinic = graph.clinic
    contact = clinic.exports["Contacts"][0]["id"]
    commands = snippet("sh", "ids")
    (named,) = re.findall(r"(?<=explain )\S+", commands)
    commands = commands.replace(named, contact)
    told = _shell(commands, tmp_path, {"DAGSTER_HOME": str(tmp_path)})
    assert [code for _, code, _ in told] == [0] * 6, told
    assert f"{clinic.patient_id(contact)}" in told[0][2]


@pytest.mark.slow
def test_entity_is_added_in_three_steps(graph: Graph, tmp_path: Path) -> None:  # noqa: F811
    copy = tmp_path / "copy"
    shutil.copytree(SOURCE / "nexus_assets", copy / "nexus_assets", ignore=shutil.ignore_patterns("__pycache__"))
    # 1
    (example,) = re.findall(r'^```python\n("""Clinics, .*?)^```', pages_text(), re.DOTALL | re.MULTILINE)
    (copy / "nexus_assets" / "entities" / "clinics.py").write_text(example)
    # 2
    entities = copy / "nexus_assets" / "entities" / "__init__.py"
    text = entities.read_text()
    assert "(PATIENTS, " in text
    first_import = text.index("from nexus_assets.entities.")
    text = f"{text[:first_import]}from nexus_assets.entities.clinics import CLINICS\n{text[first_import:]}"
    entities.write_text(text.replace("(PATIENTS, ", "(CLINICS, PATIENTS, "))
    reasons = copy / "nexus_assets" / "mapping" / "reasons.py"
    reasons.write_text(
        reasons.read_text().replace('    "no_id"', '    "no_name": "The clinic has no name.",\n    "no_id"', 1)
    )
    # 3
    rows = (
        "id,Name,Phone",
        "5F6C3A1E-0000-4000-8000-000000000001,Harbour,0299990000",
        "5F6C3A1E-0000-4000-8000-000000000002,,",
    )
    (graph.exports / "Clinics.csv").write_text("\n".join(rows) + "\n")
    before = graph.clinic.value("SELECT count(*) FROM clinics")
    history = tmp_path / "history"
    history.mkdir()
    told = _shell(snippet("sh", "entity"), tmp_path, {"PYTHONPATH": str(copy), "DAGSTER_HOME": str(history)})
    assert [(command, code) for command, code, _ in told if code] == [], told
    assert graph.clinic.value("SELECT count(*) FROM clinics") == before + 1
    assert graph.clinic.value("SELECT reason FROM nexus_assets.reject WHERE entity = 'clinics'") == "no_name"

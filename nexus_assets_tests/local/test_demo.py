"""The demo clinic as a new user has it: published numbers, nothing written twice, no patient's words in any log, and kills survived."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from click.testing import CliRunner, Result
from dagster._cli import ENV_PREFIX
from dagster._cli import cli as dagster

from nexus_assets.local.clinic import CANARIES, PUBLISHED
from nexus_assets.local.home import dagster_home
from nexus_assets.local.services import connect, disconnect
from nexus_assets_tests import recording

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore:.*asset_materialize_command"),
]

TABLES = ("patients", "appointments", "notes", "documents_document", "images_batch", "images_image")
DAGSTER = (sys.executable, "-m", "dagster", "asset", "materialize")


@dataclass
class Demo:
    """A local home of its own, and all that its commands ever said."""

    home: Path
    said: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "NEXUS_LOCAL_HOME": str(self.home),
            "DAGSTER_HOME": str(dagster_home(self.home)),
            "DAGSTER_CLI_ASSET_MATERIALIZE_MODULE_NAME": "nexus_assets.definitions",
        }

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(command, env=self.environment, cwd=self.home, capture_output=True, text=True, check=False)
        self.said += [done.stdout, done.stderr]
        return done

    def nexus_assets(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "nexus_assets", *arguments)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        url = connect(self.home).database_url.replace("+psycopg2", "")
        with contextlib.closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def versions(self) -> dict[str, Any]:
        """The number of rows of each table and what PostgreSQL itself knows of who wrote them last."""
        query = "SELECT count(*), sum(hashtextextended(ctid::text || xmin::text, 0)) FROM {}"
        return {table: self.rows(query.format(table)) for table in TABLES}

    def contents(self, table: str) -> Any:
        """A hash over all rows of a table, without the times at which they were written."""
        return self.rows(
            f"SELECT count(*), sum(hashtextextended((to_jsonb(t) - 'updated_at')::text, 0)) FROM {table} AS t"
        )


def materialize_here(selection: str, environment: Mapping[str, str]) -> Result:
    """What `dagster asset materialize` does, in this process: one of its own takes a second to import what is here already."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        words = ("asset", "materialize", "--select", selection)
        return CliRunner().invoke(dagster, words, auto_envvar_prefix=ENV_PREFIX)


@contextlib.contextmanager
def served(demo: Demo) -> Iterator[Demo]:
    """Its servers stay up from one command to the next."""
    connect(demo.home)
    try:
        yield demo
    finally:
        disconnect(demo.home)


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Demo]) -> Demo:
    """A clinic that the first process of a test run to ask for it makes, its servers ended."""
    of_process = factory.getbasetemp()
    folder = (of_process.parent if "PYTEST_XDIST_WORKER" in os.environ else of_process) / name
    home, said = folder / "local", folder / "said.json"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            said.write_text(json.dumps(make(home).said))
    return Demo(home, json.loads(said.read_text()))


@contextlib.contextmanager
def copy_of(loaded: Demo, home: Path) -> Iterator[Demo]:
    """A loaded clinic in a folder of its own, with what its commands said, and served."""
    shutil.copytree(loaded.home, home)
    # Two copies that start at the same time would both find the ports of the first one free.
    (home / "services.json").unlink()
    with served(Demo(home, [*loaded.said])) as demo:
        yield demo


@pytest.fixture(scope="session")
def loaded_demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo clinic, loaded."""

    def load(home: Path) -> Demo:
        home.mkdir()
        with served(Demo(home)) as demo:
            done = demo.nexus_assets("demo")
        assert done.returncode == 0, done.stdout + done.stderr
        return demo

    return made_once(tmp_path_factory, "loaded", load)


@pytest.fixture(scope="session")
def healed_demo(loaded_demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo clinic after the incident and its repair, so that people have changed something and every table was loaded twice.

    `said` ends with what then stood on the terminal, and with the figures as JSON.
    """

    def heal(home: Path) -> Demo:
        figures = home.with_name("figures.json")
        with copy_of(loaded_demo, home) as demo, figures.open("w") as output:
            terminal = recording.recorded(home, "incident", "--json", output=output.fileno())
        demo.said += ["\n".join(terminal), figures.read_text()]
        return demo

    return made_once(tmp_path_factory, "healed", heal)


@pytest.fixture(scope="module")
def demo(loaded_demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with copy_of(loaded_demo, tmp_path_factory.mktemp("demo") / "local") as demo:
        yield demo


def test_the_demo_clinic_has_exactly_the_published_numbers(demo: Demo) -> None:
    done = demo.nexus_assets("status", "--json")
    assert done.returncode == 0
    status = json.loads(done.stdout)
    entities = status["entities"]
    linked = (
        "companies",
        "referrers",
        "referrer_companies",
        "patient_referrers",
        "support_coordinators",
        "coordinator_links",
        "patient_communications",
        "referrer_communications",
        "company_communications",
    )
    for name in ("patients", "appointments", "notes", "documents", "images", *linked):
        published = getattr(PUBLISHED, name)
        assert entities[name]["rows"] == published.nexus_rows, name
        assert entities[name]["rejected"] == dict(published.rejected), name
        assert entities[name]["orphans"] == 0
    ((entries,),) = demo.rows(
        "SELECT sum(jsonb_array_length(value)) FROM (SELECT contact_json, address_json FROM patients"
        " UNION ALL SELECT contact_json, address_json FROM referrers UNION ALL SELECT contact_json, address_json FROM companies"
        ") AS owner, jsonb_each(contact_json || address_json) WHERE key IN ('phones', 'emails', 'addresses')"
    )
    assert entries == PUBLISHED.communication_entries
    assert entities["documents"]["linked"] == PUBLISHED.documents_linked
    assert entities["documents"]["unlinked"] == PUBLISHED.documents_unlinked
    assert entities["image_batches"]["rows"] == PUBLISHED.image_batches
    assert status["images_visible"] == PUBLISHED.images.nexus_rows
    ((patients,),) = demo.rows("SELECT count(DISTINCT object_id) FROM images_batch")
    assert patients == PUBLISHED.image_batch_patients


def test_the_bare_command_over_everything_writes_no_row_the_second_time(demo: Demo) -> None:
    before = demo.versions()
    done = demo.run(*DAGSTER, "--select", "*")
    assert done.returncode == 0, done.stderr
    assert demo.versions() == before


@pytest.mark.parametrize("selection", ["images", "*images"])
def test_the_daily_commands_succeed(selection: str, demo: Demo) -> None:
    before = demo.versions()
    assert demo.run(*DAGSTER, "--select", selection).returncode == 0
    assert demo.versions() == before


def test_a_failing_load_ends_with_exit_code_1_and_says_what_to_do(demo: Demo) -> None:
    demo.rows("ALTER TABLE notes RENAME COLUMN content TO body")
    try:
        done = demo.run(*DAGSTER, "--select", "notes")
    finally:
        demo.rows("ALTER TABLE notes RENAME COLUMN body TO content")
    assert done.returncode == 1
    assert "has no column content" in done.stdout + done.stderr


STEPS = {
    "while the export is copied": "COPY",
    "while rows are read": "work_notes_incoming",
    "while rows are inserted": 'INSERT INTO "public"."notes"',
    "while the ledger is written": 'INSERT INTO "nexus_assets"."identity_notes"',
}


@pytest.mark.parametrize("moment", STEPS)
def test_a_load_killed_in_the_middle_leaves_nothing_and_the_next_one_ends_as_undisturbed(
    moment: str, demo: Demo
) -> None:
    undisturbed = demo.contents("notes")
    demo.rows("DELETE FROM notes")
    process = subprocess.Popen(
        [*DAGSTER, "--select", "notes"],
        env=demo.environment,
        cwd=demo.home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    watched = (
        f"SELECT count(*), count(*) FILTER (WHERE state = 'active' AND query LIKE '%{STEPS[moment]}%')"
        " FROM pg_stat_activity WHERE application_name = 'nexus_assets' AND pid <> pg_backend_pid()"
    )
    url = connect(demo.home).database_url.replace("+psycopg2", "")
    with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        while process.poll() is None:
            cursor.execute(watched)
            connections, there = cursor.fetchone()
            if there:
                process.kill()
                break
            if not connections:
                time.sleep(0.01)
        assert process.wait() == -9, "the load was over before it could be killed"
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'nexus_assets'")
            if cursor.fetchone()[0] == 0:
                break
            time.sleep(0.01)
    assert demo.rows("SELECT count(*) FROM notes") == [(0,)]
    done = materialize_here("notes", demo.environment)
    demo.said.append(done.output)
    assert done.exit_code == 0, done.output
    assert demo.contents("notes") == undisturbed


def test_the_incident_is_seen_and_healed_by_the_daily_command(healed_demo: Demo) -> None:
    """The table of the incident's report, from before to after; people's own batch and captions are among it."""
    published = PUBLISHED.images.nexus_rows
    *_, terminal, figures = healed_demo.said
    assert "$ dagster asset materialize --select '*images'" in recording.untimed(terminal.splitlines())
    told = json.loads(figures)
    broken, healed = told["broken"], told["healed"]
    assert (broken["images_visible"], healed["images_visible"]) == (0, published)
    assert (broken["batches"], healed["batches"]) == (3 * PUBLISHED.image_batches, PUBLISHED.image_batches)
    assert (broken["valid_links"], healed["valid_links"]) == (0.0, 1.0)
    assert (broken["documents_leading_nowhere"], healed["documents_leading_nowhere"]) == (PUBLISHED.documents_linked, 0)
    assert (broken["native_images_visible"], healed["native_images_visible"]) == (0, 3)
    assert (broken["native_batches"], healed["native_batches"]) == (1, 1)
    assert (broken["captions_rewritten"], healed["captions_rewritten"]) == (13, 13)
    assert (healed["images"], healed["references_leading_nowhere"]) == (published, 0)
    assert {"image_batches/no_orphaned_references", "images/every_image_visible"} <= told["red"].keys()
    assert told["still_red"] == {}


def test_the_history_of_every_command_is_kept_for_the_ui(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    from dagster import AssetKey, DagsterInstance

    monkeypatch.setenv("DAGSTER_HOME", str(dagster_home(demo.home)))
    with DagsterInstance.get() as instance:
        assert instance.get_runs_count() >= 4
        assert instance.get_latest_materialization_event(AssetKey("images")) is not None


@pytest.mark.parametrize("runs", ["demo", "healed_demo"])
def test_no_word_of_a_patient_is_in_any_log_or_history(runs: str, request: pytest.FixtureRequest) -> None:
    """Last of this module: after full runs, runs with rejects, failed and killed ones, and after the incident and its repair."""
    clinic: Demo = request.getfixturevalue(runs)
    kept = [path for path in clinic.home.rglob("*") if path.is_file() and not path.is_symlink()]
    data = ("postgres/data", "exports", "buckets")
    logs = [path for path in kept if not any(f"/{part}/" in f"/{path.relative_to(clinic.home)}" for part in data)]
    assert any(path.suffix == ".db" or "dagster" in path.parts for path in logs)
    texts = {str(path.relative_to(clinic.home)): path.read_bytes() for path in logs}
    texts["what the commands said"] = "".join(clinic.said).encode()
    found = [(name, canary) for name, content in texts.items() for canary in CANARIES if canary.encode() in content]
    assert found == []

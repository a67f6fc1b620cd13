"""From a command that fails to the mail that a person reads: the real command line, Dagster's daemon, SMTP and a webhook."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg2
import pytest
import sqlalchemy as sa
import yaml
from dagster._core.scheduler.instigation import TickStatus

from nexus_assets.checks import CHECK_NAMES
from nexus_assets.local.home import SOURCE
from nexus_assets_tests.alerts.receivers import Mailbox, Webhook
from nexus_assets_tests.checks.clinic import CONTACTS, CheckedClinic
from nexus_assets_tests.checks.conftest import checked_template, clinic, settled  # noqa: F401 - the fixtures
from nexus_assets_tests.load.clinic import HEADINGS
from nexus_assets_tests.local.test_demo import materialize_here

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),  # among the first to begin: it waits most of its time, while others use the processor
    pytest.mark.filterwarnings("ignore:.*asset_materialize_command"),
]

WORDS_OF_PEOPLE = (*CONTACTS, "Seen on", "1950-04-01", "kookaburra")
NATIVE_BATCH = str(uuid.UUID(int=2))
NOWHERE = "00000000-0000-4000-8000-000000000000"
LINK = "images/no_unmanaged_orphans"
TICKS_DOWN = 10
OFTEN = """
from nexus_assets.graph.alert_sensor import check_failed

check_failed._min_interval = 3
from nexus_assets.definitions import defs
"""
"""A module with the product's definitions whose sensor looks every 3 seconds."""


@dataclass
class Office:
    """A clinic whose history Dagster keeps in `home`, all that its commands said, and who is told of what goes wrong."""

    clinic: CheckedClinic
    home: Path
    hook: Webhook
    box: Mailbox
    open: ExitStack
    said: list[bytes] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DAGSTER_HOME": str(self.home),
            "DAGSTER_CLI_ASSET_MATERIALIZE_MODULE_NAME": "nexus_assets.definitions",
            "NEXUS_ALERT_URLS": f"{self.hook.url} {self.box.url}",
            "NEXUS_HEARTBEAT_URL": self.hook.heartbeat_url,
            "PYTHONWARNINGS": "ignore",
        }

    def run(self, *command: str) -> int:
        """Returns the exit code of a Python command."""
        done = subprocess.run(
            [sys.executable, "-m", *command], env=self.environment, cwd=self.home, capture_output=True, check=False
        )
        self.said += [done.stdout, done.stderr]
        return done.returncode

    def materialize(self, selection: str) -> int:
        return self.run("dagster", "asset", "materialize", "--select", selection)

    def materialize_here(self, selection: str) -> int:
        """The same in this process."""
        done = materialize_here(selection, self.environment)
        self.said.append(done.output_bytes)
        return done.exit_code

    @cached_property
    def history(self) -> dg.DagsterInstance:
        """Open as long as the test lasts: to open it takes a tenth of a second of the processor."""
        return self.open.enter_context(dg.DagsterInstance.from_config(str(self.home)))

    @contextmanager
    def daemon(self, module: str = "nexus_assets.definitions") -> Iterator[subprocess.Popen[bytes]]:
        """Dagster's daemon; killed at the end, as with a machine that goes down."""
        log = self.home / "daemon.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "dagster._daemon", "run", "-m", module],
                env=self.environment,
                cwd=self.home,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def mislead(self) -> None:
        """One native batch has a dangling link: no load may correct it, for nobody knows whose it is."""
        self.clinic.execute("UPDATE {images_batch} SET object_id = %s WHERE id = %s", NOWHERE, NATIVE_BATCH)

    def correct(self) -> None:
        self.clinic.execute(
            "UPDATE {images_batch} SET object_id = (SELECT id FROM {patients} WHERE NOT archived ORDER BY id LIMIT 1)"
            " WHERE id = %s",
            NATIVE_BATCH,
        )

    def failed_ticks(self) -> int:
        """How many looks Dagster's pages show as failed."""
        failed = [TickStatus.FAILURE]
        looks = [each for each in self.history.all_instigator_state() if each.instigator_name == "check_failed"]
        return sum(
            len(self.history.get_ticks(each.instigator_origin_id, each.selector_id, statuses=failed)) for each in looks
        )

    def evaluated_at(self, check: str) -> float:
        """When the check was last asked."""
        key = dg.AssetCheckKey(dg.AssetKey(check.split("/")[0]), check.split("/")[1])
        record = self.history.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
        assert record.event is not None
        return float(record.event.timestamp)


@pytest.fixture
def office(
    request: pytest.FixtureRequest,
    settled: CheckedClinic,  # noqa: F811
    hook: Webhook,
    box: Mailbox,
    tmp_path: Path,
    new_database: Callable[..., str],
) -> Iterator[Office]:
    """The office of a sound clinic, whose history begins with one good run; in SQLite where a test does not say otherwise."""
    settled.exports["Notes"][0]["Note"] = "Heard a kookaburra."
    for name in HEADINGS:
        settled._write(name)
    home = tmp_path / "dagster"
    home.mkdir()
    configured: dict[str, Any] = yaml.safe_load((SOURCE / "dagster.yaml").read_text())
    configured["storage"]["custom"]["config"]["base_dir"] = str(home)
    if getattr(request, "param", "sqlite") == "postgresql":
        url = sa.make_url(new_database())
        place = {"username": url.username, "password": url.password, "hostname": url.host, "port": url.port}
        configured["storage"] = {
            "postgres": {"postgres_db": {**place, "db_name": url.database, "scheme": "postgresql+psycopg2"}}
        }
    (home / "dagster.yaml").write_text(yaml.safe_dump(configured))
    with ExitStack() as opened:
        office = Office(settled, home, hook, box, opened)
        assert office.materialize_here("*") == 0, b"".join(office.said).decode()[-2000:]
        yield office


def _wait_until(condition: Callable[[], bool], patience: float) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(1)


def _told(received: list[Any], subject: str) -> list[str]:
    """What a receiver was told of one subject, in order: the first word of each paragraph about it."""
    paragraphs = [paragraph for message in received for paragraph in message.body.split("\n\n")]
    return [each.split(": ")[0] for each in paragraphs if f" {subject}" in each.splitlines()[0]]


@pytest.mark.parametrize("office", ["sqlite", "postgresql"], indirect=True)
def test_failing_command_reaches_a_person_within_a_minute_and_once(
    office: Office, record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    hook, box = office.hook, office.box
    with office.daemon():
        _wait_until(lambda: hook.beats > 0, 180)
        assert hook.received == []
        office.mislead()
        # No load answers for a row of a person: the check fails, is reported, and stops nothing.
        assert office.materialize("images") == 0
        ended = time.time()
        for received in (hook.received, box.received):
            _wait_until(lambda received=received: LINK in "".join(each.body for each in received), 120)
            (message,) = (each for each in received if LINK in each.body)
            seconds = {"finding": message.at - office.evaluated_at(LINK), "exit": message.at - ended}
            with capsys.disabled():
                who = "webhook" if received is hook.received else "mail"
                sys.stdout.write(f"\n{who}: {seconds['finding']:.1f} s after the finding\n")
            record_property(f"{who}_seconds", seconds)
            assert seconds["finding"] < 60
        office.correct()
        assert office.materialize_here("images") == 0
        for received in (hook.received, box.received):
            _wait_until(lambda received=received: "Resolved" in _told(received, LINK), 120)
        beats = hook.beats
        _wait_until(lambda: hook.beats >= beats + 2, 120)
    for received in (hook.received, box.received):
        assert _told(received, LINK) == ["New", "Resolved"]


def test_ten_ticks_without_a_receiver_lose_nothing_and_double_nothing(office: Office) -> None:
    hook, box = office.hook, office.box
    hook.down = True
    (office.home / "often.py").write_text(OFTEN)
    with office.daemon("often"):
        office.mislead()
        # No load answers for a row of a person: the check fails, is reported, and stops nothing.
        assert office.materialize("images") == 0
        _wait_until(lambda: office.failed_ticks() >= TICKS_DOWN // 2, 400)
    beats = hook.beats  # the daemon may have looked before anything was wrong
    with office.daemon("often"):
        office.correct()
        assert office.materialize_here("images") == 0
        _wait_until(lambda: office.failed_ticks() >= TICKS_DOWN, 400)
        assert hook.beats == beats
        assert office.run("nexus_assets", "status") == 1
        hook.down = False
        _wait_until(lambda: hook.beats >= beats + 2, 120)
        assert office.run("nexus_assets", "status") == 0
    for received in (hook.received, box.received):
        assert _told(received, LINK) == ["New", "Resolved"]


def test_nothing_that_is_kept_or_told_holds_a_word_of_a_person_or_a_secret(office: Office) -> None:
    """Every check that can be made to find something, a load that the database refuses, and a check that can't look."""
    office.clinic.unguard()
    office.clinic.execute("UPDATE {images_batch} SET object_id = %s, image_count = 7", NOWHERE)
    office.clinic.execute("UPDATE {documents_document} SET object_id = NULL, file_size = 1")
    office.clinic.execute("DELETE FROM {appointments}")
    office.clinic.execute(
        "ALTER TABLE {notes} ADD CONSTRAINT refused CHECK (notes::text !~ ('kooka' || 'burra')) NOT VALID"
    )
    office.clinic.execute("DELETE FROM {notes}")
    assert office.run("nexus_assets", "check", "--deep") == 1
    assert office.materialize("notes") == 1
    assert office.run("nexus_assets", "alert") == 0
    office.hook.down = True
    office.clinic.execute("ALTER TABLE {documents_document} RENAME COLUMN s3_key TO key")
    assert office.materialize("documents") == 1
    assert office.run("nexus_assets", "alert") == 1
    assert {"load notes", "load documents"} <= {*office.clinic.values("SELECT subject FROM nexus_assets.alert")}
    kept = {str(path): path.read_bytes() for path in office.home.rglob("*") if path.is_file()}
    kept["what the commands said"] = b"".join(office.said)
    kept["messages"] = "".join(
        each.title + each.body for each in (*office.hook.received, *office.box.received)
    ).encode()
    with psycopg2.connect(office.clinic.url.replace("+psycopg2", "")) as connection, connection.cursor() as cursor:
        for table in ("alert", "alert_message", "alert_seen", "check_result", "load"):
            cursor.execute(f"SELECT t::text FROM nexus_assets.{table} AS t")
            kept[table] = "".join(row for (row,) in cursor.fetchall()).encode()
    assert len(kept["messages"]) > 1000
    secrets = (*WORDS_OF_PEOPLE, office.hook.token, str(sa.make_url(office.clinic.url).password))
    assert [(name, word) for name, content in kept.items() for word in secrets if word.encode() in content] == []
    assert len(CHECK_NAMES) == office.clinic.value(
        "SELECT count(DISTINCT (asset, check_name)) FROM nexus_assets.check_result"
    )

"""Every way out of the program, walked over a clinic whose every cell, file name and secret is marked: none of the marks gets out."""

from __future__ import annotations

import base64
import gc
import json
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
import yaml

from nexus_assets import cli, errors, load_run, log_redaction
from nexus_assets.alerts import message
from nexus_assets.commands import explain
from nexus_assets.commands import rejects as rejects_command
from nexus_assets.local.dagster_home import prepare
from nexus_assets.local.home import SOURCE
from nexus_assets.local.postgres import Postgres
from nexus_assets.nexus import connection
from nexus_assets.plan.apply import WrittenPlan
from nexus_assets.plan.plan import Plan
from nexus_assets.report import page
from nexus_assets.sources import quotable, s3_causes
from nexus_assets_tests.alerts.receivers import Mailbox, Webhook, mailbox, webhook
from nexus_assets_tests.canaries import Planter, canaries, put_files
from nexus_assets_tests.graph.conftest import Graph, graph  # noqa: F401 - the fixture
from nexus_assets_tests.load.clinic import IMAGE_FOLDER
from nexus_assets_tests.nexus.test_server_log import TALKATIVE
from nexus_assets_tests.nexus.test_session import altered
from nexus_assets_tests.sources.writers import xlsx_file
from nexus_assets_tests.test_readme import as_role  # noqa: F401 - the fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(800)]


@dataclass
class Walk:
    """A clinic full of marks, and all places where something of it could come to light."""

    graph: Graph
    server: Postgres
    home: Path
    hook: Webhook
    mails: Mailbox
    output: pytest.CaptureFixture[str]
    logs: pytest.LogCaptureFixture
    planter: Planter = field(default_factory=lambda: Planter(37))
    planted: int = 0
    log_from: int = 0
    looked_at: dict[Path, tuple[int, int, int]] = field(default_factory=dict)
    rows_seen: set[int] = field(default_factory=set)

    def mark(self) -> str:
        self.planted += 1
        return self.planter.word()

    def number(self) -> str:
        self.planted += 1
        return self.planter.number()

    def furnish(self) -> None:
        """A person whose cells are all marked, with something of everything."""
        clinic, mark = self.graph.clinic, self.mark
        contact = clinic.contact(
            mark(), nameFirst=mark(), nameMiddle=mark(), DOB="3/7/1977", **{"Health Number": self.number(), "NDIS notes": mark()}
        )  # fmt: skip
        clinic.appointment(contact, notes=mark(), Type=mark())
        clinic.note(contact, f"{mark()} {mark()}", creationAccountName=mark(), **{"Note Type": mark()})
        clinic.document(contact, Type=mark())
        clinic.image(contact, Type=mark(), Name_of_file=mark(), fileName=mark())
        clinic.images[f"{IMAGE_FOLDER}{mark()}.jpg"] = 7
        self.place()

    def place(self) -> None:
        self.graph.clinic.later()
        self.graph.place()

    def run(self, *words: str) -> int:
        """A command as a terminal starts it; its exit code."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["nexus-assets", *words])
            try:
                cli.main()
            except SystemExit as ended:
                return int(ended.code or 0)
        return 0

    def run_under(self, environment: Mapping[str, str], *commands: tuple[str, ...]) -> None:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            for words in commands:
                self.run(*words)

    def texts(self) -> Iterator[tuple[str, str]]:
        """(where, text) of all that came to light since the last time, files that were written among it."""
        captured = self.output.readouterr()
        yield "stdout", captured.out
        yield "stderr", captured.err
        yield "logs", self.logs.text
        self.logs.clear()
        logged = self.server.log.read_text(errors="replace")
        yield "the server's log", logged[self.log_from :]
        self.log_from = len(logged)
        for file in (*self.home.rglob("*"), *Path(tempfile.gettempdir()).rglob("*")):
            if self._is_as_it_was(file):
                continue
            yield "a file's name", file.name
            if file.suffix == ".db":
                yield from ((file.name, text) for row in self._new_rows(file) for text in _values(row))
            elif file.is_file() and not file.name.endswith((".db-wal", ".db-shm")):
                yield file.name, file.read_bytes().decode("latin-1")
        yield from (("an alert", f"{each.title}\n{each.body}") for each in (*self.hook.received, *self.mails.received))

    def _is_as_it_was(self, file: Path) -> bool:
        state = file.stat()
        before, self.looked_at[file] = self.looked_at.get(file), (state.st_ino, state.st_mtime_ns, state.st_size)
        return before == self.looked_at[file]

    def _new_rows(self, file: Path) -> Iterator[tuple[Any, ...]]:
        """The rows of Dagster's database that came, or were changed, since the last time."""
        with closing(sqlite3.connect(file)) as database:
            for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                for row in database.execute(f'SELECT * FROM "{table}"'):
                    if (known := hash((file, table, row))) not in self.rows_seen:
                        self.rows_seen.add(known)
                        yield row

    def escaped(self) -> list[str]:
        """What of the marks has come to light since the last time, each with where it is."""
        names = (str(self.graph.exports), self.graph.bucket.name)
        return [f"{mark} in {where}" for where, text in self.texts() for mark in canaries(text, *names)]


def _values(row: tuple[Any, ...]) -> Iterator[str]:
    """The values of a row, unpacked: packed bytes hold runs of any letters by chance, and hide those that are there."""
    for value in row:
        if isinstance(value, bytes):
            with suppress(zlib.error):
                value = zlib.decompress(value)
            yield value.decode("latin-1")
        else:
            yield str(value)


Walked = Callable[[Walk], None]

PLANS = ("plan", "--select", "patients")
PLANNED, APPLIED, REPORTED, REJECTS = ("plan", "--out", "plan.json"), ("apply", "plan.json"), ("report",), ("rejects",)


def success(walk: Walk) -> None:
    walk.furnish()
    assert walk.run("load") == 0, walk.output.readouterr()


def rejects(walk: Walk) -> None:
    clinic = walk.graph.clinic
    contact = clinic.contact(walk.mark(), DOB=walk.mark())
    clinic.note(contact, walk.mark(), Date=walk.mark())
    clinic.note(walk.mark(), walk.mark())
    clinic.appointment(contact, day=walk.mark())
    walk.place()
    walk.run("load")
    assert walk.run("rejects") == walk.run("rejects", "--json") == 0
    assert walk.run("rejects", "export", "rejects.xlsx") == cli.EXIT_ERROR


def damaged_files(walk: Walk) -> None:
    file = walk.graph.exports / "Contacts.csv"
    lines = file.read_text().splitlines()
    for header in (f"{lines[0]},{lines[1]}", lines[0].replace("nameLast", walk.mark()), lines[-1]):
        file.write_text("\n".join([header, *lines[2:], ""]))
        walk.run(*PLANS)
        walk.run("load", "patients")
    for seed in range(2):
        planter = Planter(seed)
        put_files(walk.graph.exports, planter, "Contacts")
        walk.planted += planter.made
        walk.run(*PLANS)
        walk.run("load", "patients")
    for file in walk.graph.exports.glob("*"):
        if file.is_file():
            file.unlink()
    walk.place()


RAISED = """CREATE OR REPLACE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {} END $$;
CREATE TRIGGER tell BEFORE INSERT OR UPDATE ON patients FOR EACH ROW EXECUTE FUNCTION tell()"""
REFUSALS = {
    "text": RAISED.format("RAISE EXCEPTION 'not %', NEW USING ERRCODE = '42501';"),
    "names": RAISED.format(
        "RAISE EXCEPTION 'no' USING ERRCODE='23514', TABLE=NEW.last_name, COLUMN=NEW.first_name, CONSTRAINT=NEW.last_name;"
    ),
    "notice": RAISED.format("RAISE WARNING '%', NEW; RETURN NEW;"),
    "detail": "ALTER TABLE patients ADD CONSTRAINT tell CHECK (false) NOT VALID",
}


def database_errors(walk: Walk) -> None:
    for refusal in REFUSALS.values():
        refused(walk, refusal, PLANS, ("load", "patients"))


def refused(walk: Walk, refusal: str, *commands: tuple[str, ...]) -> None:
    clinic = walk.graph.clinic
    clinic.execute(refusal)
    somebody_comes(walk)
    for words in commands:
        walk.run(*words)
    clinic.execute("DROP TRIGGER IF EXISTS tell ON patients; ALTER TABLE patients DROP CONSTRAINT IF EXISTS tell")


def somebody_comes(walk: Walk) -> None:
    walk.graph.clinic.contact(walk.mark(), nameFirst=walk.mark())
    walk.place()


def errors_nobody_foresaw(walk: Walk) -> None:
    text = walk.mark()

    def fail(*_: Any) -> None:
        raise ValueError(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load_run, "resource_inputs", fail)
        assert walk.run("load", "patients") == 1


def killed(walk: Walk) -> None:
    kill(walk)
    walk.run("load")


def kill(walk: Walk) -> None:
    somebody_comes(walk)
    with walk.graph.clinic.transaction() as cursor:
        cursor.execute("LOCK TABLE images_image, patients")
        with (walk.home / "killed.txt").open("w") as said:
            running = subprocess.Popen([sys.executable, "-m", "nexus_assets", "load"], stdout=said, stderr=said)
        deadline = time.monotonic() + 120
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation IN ('patients'::regclass, 'images_image'::regclass)"
        while time.monotonic() < deadline:
            cursor.execute(waiting)
            if cursor.fetchall()[0][0]:
                break
            time.sleep(0.2)
        os.kill(running.pid, signal.SIGKILL)
        running.wait()


def plan_and_apply(walk: Walk) -> None:
    somebody_comes(walk)
    for words in (("plan", "--json"), PLANNED, APPLIED):
        walk.run(*words)


def report_and_questions(walk: Walk) -> None:
    contact = walk.graph.clinic.exports["Contacts"][-1]["id"]
    for words in (
        REPORTED, ("status",), ("status", "--json"), ("check",), ("check", "--json"), ("kept",), ("explain", contact),
        ("explain", contact, "--json"), ("explain", walk.mark()),
    ):  # fmt: skip
        walk.run(*words)


def incident(walk: Walk) -> None:
    walk.graph.clinic.recreate_patients()
    walk.run("check")
    walk.run("alert")
    walk.run("load")
    walk.run("alert")


def alerts(walk: Walk) -> None:
    walk.run("load", "patients")
    walk.run("alert")  # closes what an earlier path has opened
    an_alert(walk)
    dead = f"mailto://{walk.mark()}:{walk.mark()}@127.0.0.1:1 json://127.0.0.1:1/{walk.mark()} other://{walk.mark()}"
    for address in dead.split():
        walk.run_under(
            {"NEXUS_ALERT_URLS": address, "NEXUS_HEARTBEAT_URL": f"http://127.0.0.1:1/{walk.mark()}"},
            ("alert",),
            ("alert", "--test"),
        )


def an_alert(walk: Walk) -> None:
    refused(walk, REFUSALS["text"], ("load", "patients"))
    told = len(walk.hook.received) + len(walk.mails.received)
    walk.run("alert")
    assert len(walk.hook.received) + len(walk.mails.received) > told


def debug_logging(walk: Walk) -> None:
    """Dagster keeps what every logger says, by name and at the root."""
    file = Path(os.environ["DAGSTER_HOME"]) / "dagster.yaml"
    told = yaml.safe_load(file.read_text())
    names = ["root", "botocore", "botocore.parsers", "urllib3.connectionpool"]
    file.write_text(
        yaml.safe_dump({**told, "python_logs": {"python_log_level": "DEBUG", "managed_python_loggers": names}})
    )
    walk.graph.clinic.images[f"{IMAGE_FOLDER}{walk.mark()}.jpg"] = 8
    walk.place()
    walk.run("load", "images")
    file.write_text(yaml.safe_dump(told))


def secrets_of_connections(walk: Walk) -> None:
    """Every command that connects, with addresses that can't be used and hold a user, a password and a token each."""
    plan, rows, contact = "plan.json", "rows.xlsx", walk.graph.clinic.exports["Contacts"][0]["id"]
    walk.run("plan", "--select", "patients", "--out", plan)
    (walk.home / "ids.csv").write_text(f"id,filemaker_id\n{contact},{contact}\n")
    (walk.home / rows).write_bytes(xlsx_file([["id"]]))
    commands = (
        ("load", "images"), ("plan", "--select", "images"), ("apply", plan), ("check", "--select", "images"), ("status",),
        ("explain", contact), ("kept",), ("rejects",), ("rejects", "export", "new.xlsx"), ("rejects", "retry", rows),
        ("rejects", "purge", "--older-than", "1"), ("guard", "status"), ("guard", "install"), ("learn-ids", "ids.csv"),
        ("undo", "--json"), ("reset", "--json"), ("report",), ("alert",), ("alert", "--test"),
    )  # fmt: skip
    tried = {words[0] for words in commands}
    assert set(cli.COMMANDS) - tried == {"clinics", "demo", "incident", "webserver"}
    few = (("load", "images"), ("plan", "--select", "images"), ("check", "--select", "images"), ("status",))
    for number, wrong in enumerate(_wrong_addresses(walk.mark)):
        walk.run_under(wrong, *(few if number else commands))


def runs(*commands: tuple[str, ...]) -> Walked:
    """The path of these commands alone."""
    return lambda walk: walk.run_under({}, *commands)


def explanation(walk: Walk) -> None:
    walk.run("explain", walk.graph.clinic.exports["Contacts"][-1]["id"])


def a_strange_heading(walk: Walk) -> None:
    file = walk.graph.exports / "Contacts.csv"
    file.write_text(file.read_text().replace("nameLast", walk.mark(), 1))
    walk.run(*PLANS)


def a_wrong_endpoint(walk: Walk) -> None:
    address = f"http://{walk.mark()}:{walk.mark()}@127.0.0.1:1/?token={walk.mark()}"
    walk.run_under({"NEXUS_S3_ENDPOINT_URL": address}, ("plan", "--select", "images"))


def _wrong_addresses(mark: Callable[[], str]) -> Iterator[dict[str, str]]:
    def hidden(scheme: str) -> str:
        return f"{scheme}://{mark()}:{mark()}@127.0.0.1:1/nexus?token={mark()}"

    yield {"NEXUS_DATABASE_URL": hidden("postgresql")}
    yield {"NEXUS_DATABASE_URL": f"postgresql://nexus:{mark()}@127.0.0.1:1/nexus?application_name={mark()}"}
    yield {"NEXUS_DATABASE_URL": hidden("mysql")}
    yield {"NEXUS_DATABASE_URL": f"postgresql://nexus@127.0.0.1:{mark()}/nexus"}
    yield {"NEXUS_DATABASE_URL": f"postgresql://nexus:{mark()}@{mark()}@127.0.0.1:1/nexus"}
    yield {"NEXUS_DATABASE_URL": f"host=127.0.0.1 port=1 password={mark()}"}
    yield {"NEXUS_DATABASE_URL": f"postgresql://nexus:{mark()}@127.0.0.1:1/nexus#{mark()}"}
    yield {"NEXUS_S3_ENDPOINT_URL": hidden("http"), "AWS_SECRET_ACCESS_KEY": mark(), "AWS_SESSION_TOKEN": mark()}
    yield {"NEXUS_S3_ENDPOINT_URL": f"http://127.0.0.1:{mark()}/"}
    yield {"NEXUS_S3_BUCKET": hidden("https")}
    yield {"NEXUS_EXPORTS": hidden("s3")}
    yield {"NEXUS_EXPORTS": hidden("https")}
    hosted = {"NEXUS_FILEMAKER_DATABASE": "Clinic", "NEXUS_FILEMAKER_USER": mark(), "NEXUS_FILEMAKER_PASSWORD": mark()}
    yield {**hosted, "NEXUS_EXPORTS": "", "NEXUS_FILEMAKER_URL": hidden("https")}


PATHS: tuple[Walked, ...] = (
    *(success, rejects, damaged_files, database_errors, errors_nobody_foresaw, killed, plan_and_apply),
    *(report_and_questions, incident, alerts, debug_logging, secrets_of_connections),
)


@pytest.fixture
def walk(
    as_role: Graph,  # noqa: F811
    postgres: Postgres,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> Iterator[Walk]:
    home, temporary = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("temporary")
    dagster = prepare(home)
    (dagster / "dagster.yaml").unlink()
    (dagster / "dagster.yaml").write_text((SOURCE / "dagster.yaml").read_text())
    with ExitStack() as stack:
        hook, mails = stack.enter_context(webhook()), stack.enter_context(mailbox())
        hook.token = Planter(73).word()
        for name, value in {
            "DAGSTER_HOME": str(dagster),
            "NEXUS_LOCAL_HOME": str(home),
            "TMPDIR": str(temporary),
            "NEXUS_ALERT_URLS": f"{hook.url} {mails.url}",
            "NEXUS_HEARTBEAT_URL": hook.heartbeat_url,
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(tempfile, "tempdir", str(temporary))
        monkeypatch.chdir(home)
        caplog.set_level(logging.DEBUG)
        stack.enter_context(altered(as_role.clinic, *TALKATIVE))
        since = len(postgres.log.read_text(errors="replace"))
        yield Walk(as_role, postgres, home, hook, mails, capfd, caplog, log_from=since)


def test_nothing_that_is_planted_escapes(walk: Walk) -> None:
    rows, found = [], {}
    for path in PATHS:
        before = walk.planted
        path(walk)
        gc.collect()  # what is left of a command may have something to say at its end
        found[path.__name__] = walk.escaped()
        rows.append((path.__name__, walk.planted - before, len(found[path.__name__])))
    with walk.output.disabled():
        print(f"\n{'path':24} {'planted':>8} {'escaped':>8}")  # noqa: T201 - the table that the test is for
        for name, planted, escaped in rows:
            print(f"{name:24} {planted:8} {escaped:8}")  # noqa: T201
    assert all(planted for name, planted, _ in rows if name != "incident")
    assert {name: marks[:5] for name, marks in found.items() if marks} == {}


def test_marks_in_the_database_and_the_payloads_are_real(walk: Walk) -> None:
    """Else nothing could have escaped."""
    success(walk)
    ((name, born),) = walk.graph.clinic.rows("SELECT last_name, dob::text FROM patients WHERE dob = '1977-03-07'")
    for told in (name, born, "7/3/1977", json.dumps({"patients": [{"name": name}]}, indent=4), f"a\n    {name}"):
        assert canaries(told), told


def _telling(error: Any, *_: Any) -> Exception:
    return connection.DatabaseError(f"{error} {error.diag.table_name}")


def _printing(command: Any, walk: Walk) -> Callable[..., Any]:
    """The function of a command, which now also prints somebody's name."""

    def leaking(*arguments: Any, **named: Any) -> Any:
        click.echo(walk.mark())
        return command(*arguments, **named)

    return leaking


def leak_the_database_text(patch: pytest.MonkeyPatch, _: Walk) -> None:
    patch.setattr(connection, "_plain", _telling)
    patch.setattr(connection, "_refusing_trigger", lambda _: None)


def leak_headings(patch: pytest.MonkeyPatch, _: Walk) -> None:
    patch.setattr(quotable, "is_quotable", lambda *_: True)


def leak_an_address(patch: pytest.MonkeyPatch, _: Walk) -> None:
    patch.setattr(s3_causes, "shown_address", str)


def leak_what_boto_logs(patch: pytest.MonkeyPatch, _: Walk) -> None:
    patch.setattr(log_redaction, "TALKATIVE", ())


def leak_into_the_report(patch: pytest.MonkeyPatch, walk: Walk) -> None:
    patch.setattr(page, "to_html", _adding(page.to_html, walk))


def leak_into_the_reports_json(patch: pytest.MonkeyPatch, walk: Walk) -> None:
    patch.setattr(page, "to_json", _adding(page.to_json, walk))


def leak_into_an_alert(patch: pytest.MonkeyPatch, walk: Walk) -> None:
    patch.setattr(message, "_what", _adding(message._what, walk))


def leak_into_a_plan(patch: pytest.MonkeyPatch, walk: Walk) -> None:
    real = Plan.to_json
    patch.setattr(Plan, "to_json", lambda planned: {**real(planned), "name": walk.mark()})


def leak_while_applying(patch: pytest.MonkeyPatch, walk: Walk) -> None:
    patch.setattr(WrittenPlan, "run_config", _printing(WrittenPlan.run_config, walk))


def leak_an_explanation(patch: pytest.MonkeyPatch, walk: Walk) -> None:
    patch.setattr(explain, "_origin", _adding(explain._origin, walk))


def leak_a_reject(patch: pytest.MonkeyPatch, walk: Walk) -> None:
    patch.setattr(rejects_command, "_tell_rows", _printing(rejects_command._tell_rows, walk))


def leak_a_file_of_the_killed(patch: pytest.MonkeyPatch, walk: Walk) -> None:
    """A copy of an export that only its process would remove."""
    at_start = walk.home / "at_start"
    at_start.mkdir(exist_ok=True)
    (at_start / "sitecustomize.py").write_text(
        "import base64, tempfile\n"
        f"open(tempfile.mkstemp()[1], 'wb').write(base64.b64decode({base64.b64encode(walk.mark().encode())!r}))\n"
    )
    patch.setenv("PYTHONPATH", str(at_start))


def leak_an_unforeseen_error(patch: pytest.MonkeyPatch, _: Walk) -> None:
    def quoted(_: Any) -> list[Any]:
        return [SimpleNamespace(lineno=sys.exc_info()[1], filename="load.py")]

    patch.setattr(errors.traceback, "extract_tb", quoted)


def _adding(function: Callable[..., str], walk: Walk) -> Callable[..., str]:
    """The function, whose text now also holds somebody's name."""
    return lambda *arguments, **named: f"{function(*arguments, **named)} {walk.mark()}"


LEAKS: dict[Callable[[pytest.MonkeyPatch, Walk], None], tuple[Walked, str]] = {
    leak_the_database_text: (lambda walk: refused(walk, REFUSALS["text"], PLANS), "stdout"),
    leak_headings: (a_strange_heading, "std"),
    leak_an_address: (a_wrong_endpoint, "std"),
    leak_what_boto_logs: (debug_logging, ".db"),
    leak_into_the_report: (runs(REPORTED), ".html"),
    leak_into_the_reports_json: (runs(REPORTED), ".json"),
    leak_into_an_alert: (an_alert, "an alert"),
    leak_into_a_plan: (runs(PLANNED), "plan.json"),
    leak_while_applying: (runs(PLANNED, APPLIED), "stdout"),
    leak_an_explanation: (explanation, "stdout"),
    leak_a_reject: (runs(REJECTS), "stdout"),
    leak_a_file_of_the_killed: (kill, "tmp"),
    leak_an_unforeseen_error: (errors_nobody_foresaw, "std"),
}
"""A change of the product by which something gets out -> the path on which it does, and where it comes to light."""


def test_each_leak_is_seen(walk: Walk) -> None:
    walk.furnish()
    walk.run("load")
    before = set(walk.escaped())
    assert before == set()
    unseen = {}
    for leak, (path, where) in LEAKS.items():
        with pytest.MonkeyPatch.context() as patch:
            leak(patch, walk)
            path(walk)
        walk.place()
        after = set(walk.escaped())
        places = {each.partition(" in ")[2] for each in after - before}
        if not any(where in place for place in places):
            unseen[leak.__name__] = places
        before |= after
    assert unseen == {}

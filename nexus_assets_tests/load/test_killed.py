"""A load that is killed between its statements, and a server that crashes in one: the database is as before."""

from __future__ import annotations

import itertools
import os
import re
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.sql import Composable

from nexus_assets.entities import ENTITIES
from nexus_assets.load.load import load
from nexus_assets.load.settings import LoadSettings
from nexus_assets.local import nexus_schema
from nexus_assets.local.postgres import Postgres
from nexus_assets.nexus.connection import DatabaseError, transaction
from nexus_assets.nexus.relations import CatalogCursor
from nexus_assets.sources.s3 import KeptListing
from nexus_assets_tests.load.clinic import Clinic, furnish

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SURVIVED = 0


LASTING = re.compile(
    r"COMMIT|\b(INSERT INTO|UPDATE|DELETE FROM|(CREATE|ALTER|DROP) TABLE( IF (NOT )?EXISTS)?)\s+"
    r'(?!"nexus_assets"\."work_)"?(public|nexus_assets)\b'
)
"""A statement that writes what stays, as opposed to the tables that a load works with."""


@pytest.fixture
def one_connection() -> None:
    """Instead of the one that all tests of loads have: a killed load's connection is its own, and nobody else has any."""


@contextmanager
def each_statement(before: Callable[[str], None]) -> Iterator[None]:
    """Calls this before each statement of a load with its text."""

    def told(run: Callable[..., Any]) -> Callable[..., Any]:
        def telling(cursor: Any, statement: Any, *arguments: Any) -> Any:
            if not cursor.connection.autocommit:  # as that of the clinic is
                before(statement.as_string(cursor) if isinstance(statement, Composable) else str(statement))
            return run(cursor, statement, *arguments)

        return telling

    with pytest.MonkeyPatch.context() as patch:
        for name in ("execute", "copy_expert"):
            patch.setattr(CatalogCursor, name, told(getattr(psycopg2.extensions.cursor, name)), raising=False)
        yield


def form(statement: str) -> str:
    """A statement up to its first name, value or parenthesis."""
    return " ".join(re.split(r"[\"'(]", statement)[0].split())


@dataclass
class Looked:
    """What was seen of a load from outside: at how many points of death, and the statements before which it is killed for real."""

    points: int = 0
    to_kill: list[int] = field(default_factory=list)


def look_everywhere(clinic: Clinic, entity: str, tried: set[str]) -> Looked:
    """Has others look at the database and at the temporary files before the statements of its next load, which is rolled back: what
    they see then is what stays of it if its process ends there.

    They look at the start of every step, before and after every statement that writes what stays, and before each form of
    statement that was not `tried` in an earlier load. It is killed for real before the first of each form and step that was not
    tried, where they would have to wait, and before the commit."""
    before, looked, tried_earlier = state(clinic), Looked(), {*tried}
    numbers, step, last = itertools.count(), "", ""

    def begin(name: str, *_: Any) -> None:
        nonlocal step
        step = name

    def look(statement: str) -> None:
        nonlocal step, last
        number, kinds = next(numbers), {form(statement), *([f"step {step}"] if step else ())}
        must_die = not kinds <= tried
        if not kinds <= tried_earlier or step or LASTING.search(statement) or LASTING.search(last):
            looked.points += 1
            try:
                assert state(clinic) == before, f"before statement {number}, {form(statement)}"
            except psycopg2.errors.LockNotAvailable:
                must_die = True
            assert list(temporary_folder(clinic).iterdir()) == []
        if must_die:
            looked.to_kill.append(number)
        tried.update(kinds)
        step, last = "", statement

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(temporary_folder(clinic)))
        load_once(clinic, entity, look, begin, commit=False)
    looked.to_kill.append(next(numbers))
    looked.points += 1
    return looked


def load_once(
    clinic: Clinic,
    entity: str,
    before: Callable[[str], None],
    step: Callable[..., None] = lambda *_: None,
    *,
    commit: bool = True,
) -> None:
    """A load whose listings lie in temporary files, as those of a run do."""
    kept = {name: KeptListing(clinic.listing(name)) for name in ("images", "documents")}  # type: ignore[arg-type]
    inputs = replace(clinic.inputs(), objects=lambda name: iter(kept[name]), step=step)
    with each_statement(before), transaction(clinic.engine, commit=commit, lock=ENTITIES[entity].locks) as cursor:
        load(cursor, ENTITIES[entity], inputs, LoadSettings(allow_empty=True), "test", lambda _: None)


def temporary_folder(clinic: Clinic) -> Path:
    folder = clinic.folder.parent / "temporary"
    folder.mkdir(exist_ok=True)
    return folder


def killed_before(clinic: Clinic, entity: str, number: int | None) -> bool:
    """Loads in a process of its own that is killed before its statement of this number; whether it came that far."""
    temporary, counted = temporary_folder(clinic), itertools.count()

    def count(_: str) -> None:
        if next(counted) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        try:
            tempfile.tempdir = str(temporary)
            load_once(clinic, entity, count)
            os._exit(SURVIVED)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert list(temporary.iterdir()) == []
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == SURVIVED, "the load failed by itself"
    return os.WIFSIGNALED(status)


def until_the_server_noticed(clinic: Clinic) -> None:
    for _ in range(200):
        if not clinic.value(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
            " AND pid <> pg_backend_pid()"
        ):
            return
        time.sleep(0.02)
    pytest.fail("a connection of the killed load is still there")


def state(clinic: Clinic) -> Any:
    """Every table of Nexus and of the ledger with a hash over its rows and their versions, in one question, which the server plans once
    for the same tables: that takes longer than to answer it."""
    tables = clinic.rows(
        "SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname IN ('public', 'nexus_assets') AND c.relkind = 'r' ORDER BY 1, 2"
    )
    name = f"state_{hash(tuple(tables)) % (1 << 32)}"
    if not clinic.values("SELECT name FROM pg_prepared_statements WHERE name = %s", name):
        each = "SELECT '{0}.{1}', count(*), sum(hashtextextended(ctid::text || xmin::text || t::text, 0)) FROM {0}.\"{1}\" AS t"
        clinic.execute(f"PREPARE {name} AS {' UNION ALL '.join(each.format(*table) for table in tables)} ORDER BY 1")
    return clinic.rows(f"EXECUTE {name}")


def kill_everywhere(clinic: Clinic, entity: str, tried: set[str]) -> Looked:
    """Looks at a load at its points of death, kills some for real, and lets one live."""
    before = state(clinic)
    looked = look_everywhere(clinic, entity, tried)
    assert state(clinic) == before
    for number in looked.to_kill:
        assert killed_before(clinic, entity, number), f"there is no statement {number}"
        until_the_server_noticed(clinic)
        assert state(clinic) == before, f"killed before statement {number}"
    assert not killed_before(clinic, entity, None)
    return looked


def change_everything(clinic: Clinic) -> None:
    """Something changes, comes, goes and becomes a reject in every export."""
    wattle, banksia = (row["id"] for row in clinic.exports["Contacts"][:2])
    clinic.find("Contacts", wattle).update({"nameFirst": "Wilga", "NDIS Coordinator Name": "Ines Mallee"})
    late = clinic.contact("Late")
    for contact in (late, banksia):
        clinic.note(contact, "Seen late.")
        clinic.appointment(contact)
        clinic.document(contact)
        clinic.image(contact, "4/19/2024")
    clinic.note(banksia, "")
    clinic.exports["PatientToReferrer"][0]["date"] = "4/19/2024"
    for contact in (late, banksia):
        clinic.referral(contact, clinic.exports["Referrers"][-1]["id"])
    clinic.exports["Docs"][0]["id_Contact"] = banksia
    clinic.exports["Image_data"][0]["Type"] = "Plantar"
    clinic.exports["Appointments"][0]["notes"] = "Moved."
    clinic.exports["Notes"].pop(0)
    clinic.later()


def test_killed_around_each_write_of_a_first_and_a_changed_load(
    without_ledger: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    furnished = furnish(without_ledger)
    for row in furnished.exports["Contacts"][:2]:
        row["NDIS Coordinator Name"] = "Hazel Bluegum - Saltbush Care"
        furnished.referral(row["id"], furnished.exports["Referrers"][0]["id"])
    furnished.execute("SET lock_timeout = '50ms'")  # for who looks at what a load has locked
    looked: dict[str, Looked] = {}
    for kind in ("first", "changed"):
        tried: set[str] = set()
        if kind == "changed":
            change_everything(furnished)
        for entity in [name for name, each in ENTITIES.items() if {*each.needed_exports} <= furnished.exports.keys()]:
            looked[f"{kind} {entity}"] = kill_everywhere(furnished, entity, tried)
    settled = furnished.versions()
    furnished.load()
    assert furnished.versions() == settled, "the next load writes no row"
    assert furnished.orphans() == 0
    points, kills = (
        {name: count(each) for name, each in looked.items()} for count in (lambda x: x.points, lambda x: len(x.to_kill))
    )
    with capsys.disabled():
        print(f"\n{sum(points.values())} points, {sum(kills.values())} kills, 0 violations: {points} {kills}")  # noqa: T201 - the figures of the test
    assert min(points.values()) > 5


def test_a_server_that_crashes_leaves_nothing_of_the_staging(
    tmp_path: Path, new_cluster: Callable[[Path], None]
) -> None:
    new_cluster(tmp_path / "postgres")
    server = Postgres(tmp_path / "postgres", fsync=False)
    server.start()
    crashed = False

    def crash(step: str, *_: object) -> None:
        nonlocal crashed
        if step == "accounting" and not crashed:
            crashed = True
            os.kill(int((server.folder / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
            time.sleep(1)

    try:
        with closing(furnish(Clinic(server.url(), tmp_path))) as clinic:
            with clinic.engine.begin() as connection:
                nexus_schema.create(connection)
                nexus_schema.seed(connection)
            clinic.load("patients")
            for number in range(2000):
                clinic.note(clinic.exports["Contacts"][0]["id"], f"Kookaburra {number} " * 40)
            inputs = replace(clinic.inputs(), step=crash)
            with pytest.raises(DatabaseError), transaction(clinic.engine, lock="notes") as cursor:
                load(cursor, ENTITIES["notes"], inputs, LoadSettings(), "test", lambda _: None)
        server.stop()
        server.start()
        with (
            closing(psycopg2.connect(server.url().replace("+psycopg2", ""))) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'work%'")
            assert cursor.fetchone() == (0,)
            cursor.execute("SELECT oid::text FROM pg_database WHERE datname = current_database()")
            (database,) = cursor.fetchone() or ("",)
            cursor.execute("SELECT pg_relation_filenode(oid)::text FROM pg_class WHERE relkind IN ('r', 'i', 't')")
            known = {name for (name,) in cursor.fetchall()}
        left = {
            file.name: file.read_bytes()
            for file in (server.folder / "data" / "base" / database).iterdir()
            if file.name[0].isdigit() and file.name.split("_")[0].split(".")[0] not in known
        }
        # The server empties what was not logged; an index has one page that says so. What a first load was just making stays as
        # a file that nothing knows: the ledger's two indexes, which hold ids and nothing else.
        assert [name for name, content in left.items() if b"Kookaburra" in content] == []
        assert len([name for name, content in left.items() if len(content) > 8192]) <= 2
    finally:
        server.stop()

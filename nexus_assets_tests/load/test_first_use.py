"""First use by two at once: whoever comes second waits until the ledger is there, and both succeed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nexus_assets.alerts.cycle import LOCK
from nexus_assets.alerts.store import Book
from nexus_assets.checks import CHECKS
from nexus_assets.checks.check import NO_FILES, Finding
from nexus_assets.checks.run import ask_all, keep
from nexus_assets.commands.status import last_loads
from nexus_assets.entities import ENTITIES
from nexus_assets.ledger import schema
from nexus_assets.load.gates import NeverLoadedError
from nexus_assets.load.load import load
from nexus_assets.load.settings import LoadSettings
from nexus_assets.nexus.connection import transaction
from nexus_assets_tests.load.clinic import FURNISHED, Clinic, furnish

pytestmark = pytest.mark.commits

WAITS_SECONDS = 30


@pytest.fixture
def before_first_use(without_ledger: Clinic) -> Clinic:
    return furnish(without_ledger)


@pytest.fixture
def before_an_upgrade(new_database: Callable[..., str], loaded_template: Any, tmp_path: Path) -> Iterator[Clinic]:
    """The loaded clinic, its ledger made by another version of the program."""
    with closing(furnish(Clinic(new_database(loaded_template("current")), tmp_path))) as clinic:
        clinic.own_ledger()
        clinic.execute("UPDATE nexus_assets.about SET code_hash = 'another'")
        yield clinic


def in_a_thread(work: Callable[[], object]) -> tuple[threading.Thread, list[Any]]:
    """Starts the work; the list has its outcome, or the error that it raised, once it is over."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(work())
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


def until_somebody_waits(clinic: Clinic, lock: str = "advisory") -> None:
    for _ in range(WAITS_SECONDS * 20):
        if clinic.value("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = %s", lock):
            return
        time.sleep(0.05)
    pytest.fail("the second one did not wait for the first one")


def a_load(name: str) -> Callable[[Clinic], object]:
    def run(clinic: Clinic) -> object:
        with transaction(clinic.engine, lock=ENTITIES[name].locks) as cursor:
            return load(cursor, ENTITIES[name], clinic.inputs(), LoadSettings(allow_empty=True), "t", lambda _: None)

    return run


def an_alert_round(clinic: Clinic) -> object:
    with transaction(clinic.engine, lock=LOCK) as cursor:
        schema.install(cursor)
        return Book(cursor).open_alerts()


def an_install(clinic: Clinic) -> object:
    with transaction(clinic.engine) as cursor:
        schema.install(cursor)


def kept_findings(clinic: Clinic) -> object:
    return keep({CHECKS[0]: Finding(0)}, clinic.engine, "run")


SECONDS: dict[str, Callable[[Clinic], object]] = {
    "a load of the same": a_load("patients"),
    "a load of another entity": a_load("image_batches"),
    "an alert round": an_alert_round,
    "an install": an_install,
    "a status": lambda clinic: last_loads(clinic.engine, ENTITIES),
    "kept findings": kept_findings,
}


def both(clinic: Clinic, second: Callable[[Clinic], object], *, waits: bool, lock: str = "advisory") -> Any:
    """The outcome of the second one, which began before the first one, a load that creates the ledger, has committed."""
    entity = ENTITIES["patients"]
    with transaction(clinic.engine, lock=("another", "patients")) as cursor:
        load(cursor, entity, clinic.inputs(), LoadSettings(), "first", lambda _: None)
        thread, outcome = in_a_thread(lambda: second(clinic))
        if waits:
            until_somebody_waits(clinic, lock)
        else:
            thread.join(WAITS_SECONDS)
    thread.join(WAITS_SECONDS)
    assert clinic.value("SELECT count(*) FROM nexus_assets.load WHERE run_id = 'first'") == 1
    assert clinic.value("SELECT count(*) FROM nexus_assets.about") == 1
    return outcome[0]


def succeeded(outcome: Any) -> bool:
    return not isinstance(outcome, Exception)


@pytest.mark.parametrize("second", ["a load of the same", "a load of another entity", "an alert round", "an install"])
def test_the_second_waits_for_the_first_use_and_succeeds(second: str, before_first_use: Clinic) -> None:
    assert succeeded(both(before_first_use, SECONDS[second], waits=True))


@pytest.mark.parametrize("second", SECONDS)
def test_the_second_waits_for_an_upgrade_of_the_ledger_and_succeeds(second: str, before_an_upgrade: Clinic) -> None:
    # Who only reads asks for no lock of ours: the changed tables' own keep it waiting.
    lock = "relation" if second == "a status" else "advisory"
    assert succeeded(both(before_an_upgrade, SECONDS[second], waits=True, lock=lock))


@pytest.mark.parametrize("second", ["a status", "kept findings"])
def test_who_only_reads_sees_no_ledger_during_the_first_use(second: str, before_first_use: Clinic) -> None:
    assert succeeded(both(before_first_use, SECONDS[second], waits=False))


def test_a_load_that_waited_sees_what_the_first_use_has_loaded(before_first_use: Clinic) -> None:
    clinic = before_first_use
    result = both(clinic, a_load("image_batches"), waits=True)
    assert result.account.inserted == 2
    assert clinic.orphans() == 0


def test_a_load_that_waited_keeps_its_own_lock(before_first_use: Clinic) -> None:
    clinic = before_first_use
    held: list[int] = []

    def second(clinic: Clinic) -> None:
        with transaction(clinic.engine, lock=ENTITIES["images"].locks) as cursor:
            schema.install(cursor)
            held.append(clinic.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"))
            with pytest.raises(NeverLoadedError):
                load(cursor, ENTITIES["images"], clinic.inputs(), LoadSettings(), "t", lambda _: None)

    assert succeeded(both(clinic, second, waits=True))
    assert held == [3], "the locks of images and their batches, and of the ledger"
    assert clinic.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


def test_the_first_use_that_fails_leaves_it_to_the_second(before_first_use: Clinic) -> None:
    clinic = before_first_use
    with transaction(clinic.engine, commit=False, lock="patients") as cursor:
        load(cursor, ENTITIES["patients"], clinic.inputs(), LoadSettings(), "first", lambda _: None)
        thread, outcome = in_a_thread(lambda: an_alert_round(clinic))
        until_somebody_waits(clinic)
    thread.join(WAITS_SECONDS)
    assert outcome == [{}]
    assert clinic.value("SELECT count(*) FROM nexus_assets.load") == 0


def test_two_whole_loads_begin_at_once(before_first_use: Clinic) -> None:
    clinic = before_first_use
    barrier = threading.Barrier(4)

    def whole(inputs: Any) -> None:
        barrier.wait(WAITS_SECONDS)
        for entity in map(ENTITIES.__getitem__, FURNISHED):
            with transaction(clinic.engine, lock=entity.locks) as cursor:
                load(cursor, entity, inputs, LoadSettings(allow_empty=True), "t", lambda _: None)

    prepared = [clinic.inputs() for _ in range(4)]
    running = [in_a_thread(lambda inputs=inputs: whole(inputs)) for inputs in prepared]  # type: ignore[misc]
    for thread, _ in running:
        thread.join(2 * WAITS_SECONDS)
    assert [outcome for _, outcome in running] == [[None]] * 4
    assert clinic.value("SELECT count(*) FROM {images_image}") == 4
    assert clinic.value("SELECT count(*) FROM nexus_assets.load") == 4 * len(FURNISHED)


def test_checks_are_asked_of_a_ledger_that_another_version_made(before_an_upgrade: Clinic) -> None:
    chosen = [check for check in CHECKS if not check.listings]
    unanswered = [
        (check.full_name, str(answer))
        for check, answer in ask_all(chosen, before_an_upgrade.engine, NO_FILES)
        if isinstance(answer, Exception)
    ]
    assert unanswered == []
    assert before_an_upgrade.value("SELECT code_hash FROM nexus_assets.about") == "another", "they write nothing"

"""Commands that write into the tables of several entities wait for whoever loads one of them."""

from __future__ import annotations

import pkgutil
import uuid
from collections.abc import Callable

import pytest

from nexus_assets.admin import guard, undo
from nexus_assets.admin.kept import Selection, decide
from nexus_assets.admin.learn import learn
from nexus_assets.admin.reset import plan, reset
from nexus_assets.entities import ENTITIES
from nexus_assets.nexus.connection import transaction
from nexus_assets.plan.plan import _numbers_given_back
from nexus_assets_tests.load.clinic import Clinic
from nexus_assets_tests.load.test_first_use import WAITS_SECONDS, in_a_thread, until_somebody_waits


def a_list_of_ids(clinic: Clinic) -> None:
    file = clinic.folder / "old.csv"
    file.write_text(f"id,filemaker_id\n{uuid.uuid4()},{clinic.exports['Contacts'][0]['id']}\n", "utf-8")
    learn(clinic.engine, file)


COMMANDS: dict[str, Callable[[Clinic], object]] = {
    "reset": lambda clinic: reset(clinic.engine, plan(clinic.engine)),
    "undo's plan": lambda clinic: undo.plan(clinic.engine, None),
    "undo": lambda clinic: undo.undo(clinic.engine, None, undo.plan(clinic.engine, None), "wren"),
    "decide": lambda clinic: decide(clinic.engine, Selection(), "nexus", "wren"),
}


def waits(clinic: Clinic, lock: str, command: Callable[[Clinic], object]) -> None:
    with transaction(clinic.engine, lock=lock):
        thread, outcome = in_a_thread(lambda: command(clinic))
        until_somebody_waits(clinic)
        assert outcome == []
    thread.join(WAITS_SECONDS)
    assert not isinstance(outcome[0], Exception)


@pytest.mark.parametrize("entity", [next(iter(ENTITIES)), next(reversed(ENTITIES))])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_waits_for_a_load_of_any_entity(name: str, entity: str, loaded: Clinic) -> None:
    waits(loaded, entity, COMMANDS[name])


def test_learning_from_a_list_waits_for_a_load_of_the_same_entity(loaded: Clinic) -> None:
    waits(loaded, "patients", a_list_of_ids)


@pytest.mark.parametrize("command", [guard.install, guard.remove])
def test_the_guard_is_put_up_and_taken_down_by_one_at_a_time(command: Callable[..., object], loaded: Clinic) -> None:
    waits(loaded, "guard", lambda clinic: command(clinic.engine))


def held_on(clinic: Clinic, table: str) -> list[str]:
    return clinic.values(
        "SELECT mode FROM pg_locks WHERE relation = %s::regclass AND granted AND mode LIKE 'Share%%Exclusive%%'", table
    )


@pytest.mark.parametrize(
    ("look", "command", "table"),
    [
        ("nexus_assets.admin.guard._refuse_orphans", lambda clinic: guard.install(clinic.engine), "patients"),
        ("nexus_assets.admin.guard._refuse_orphans", lambda clinic: guard.install(clinic.engine), "images_batch"),
        ("nexus_assets.admin.undo.undo_rows", lambda clinic: undo.plan(clinic.engine, None), "patients"),
        ("nexus_assets.admin.undo.undo_rows", lambda clinic: undo.plan(clinic.engine, None), "reminders"),
    ],
)
def test_from_its_look_to_its_commit_nobody_else_writes(
    look: str, command: Callable[[Clinic], object], table: str, loaded: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, original = list[list[str]](), pkgutil.resolve_name(look)

    def looks(*arguments: object) -> object:
        held.append(held_on(loaded, table))
        return original(*arguments)

    monkeypatch.setattr(look, looks)
    command(loaded)
    assert held[0] == ["ShareRowExclusiveLock"]


@pytest.mark.parametrize("table", ["nexus_assets.load", "nexus_assets.reject"])
def test_nobody_takes_a_number_that_a_plan_gives_back(table: str, loaded: Clinic) -> None:
    with transaction(loaded.engine, commit=False) as cursor, _numbers_given_back(cursor):
        assert held_on(loaded, table) == ["ShareRowExclusiveLock"]


@pytest.mark.parametrize("table", ["patients", "reminders"])
def test_a_reset_lets_nobody_write_between_its_look_and_its_commit(
    table: str, loaded: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither into a table from which rows go, nor into one whose rows may refer to them."""
    planned, held = plan(loaded.engine), list[str]()

    def looked(*_: object) -> object:
        held.extend(held_on(loaded, table))
        return planned

    monkeypatch.setattr("nexus_assets.admin.reset._plan", looked)
    monkeypatch.setattr("nexus_assets.admin.reset._remove", lambda *_: None)
    reset(loaded.engine, planned)
    assert held == ["ShareRowExclusiveLock"]

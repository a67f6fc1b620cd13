"""What Nexus and FileMaker have differently is listed and decided: for a row, a column or all, until either side changes."""

from __future__ import annotations

import getpass
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from nexus_assets.admin.explain import explain
from nexus_assets.admin.kept import Decided, KeptValue, Selection, Side, decide, kept_values
from nexus_assets.checks import CHECKS
from nexus_assets.checks.check import NO_FILES, CheckContext
from nexus_assets.nexus.connection import transaction
from nexus_assets_tests.admin.conftest import Command
from nexus_assets_tests.load.clinic import Clinic
from nexus_assets_tests.load.test_unchanged import again
from nexus_assets_tests.readme import snippet

# entity: (table, a column that people edit, a value of theirs)
EDITS = {
    "patients": ("patients", "health_number", "N1"),
    "appointments": ("appointments", "notes", "From Nexus"),
    "notes": ("notes", "content", "From Nexus"),
    "documents": ("documents_document", "category", "from-nexus"),
    "image_batches": ("images_batch", "description", "From Nexus"),
    "images": ("images_image", "caption", "From Nexus"),
}


def edit(clinic: Clinic, name: str, value: str | None = None) -> str:
    """A person changes one row of the entity, and a load keeps that; returns the row's id."""
    table, column, usual = EDITS[name]
    (id_,) = clinic.values(f"SELECT min(id::text) FROM {{{table}}}")
    clinic.execute(f"UPDATE {{{table}}} SET {column} = %s WHERE id = %s", value or usual, id_)
    clinic.load(name)
    return str(id_)


def value(clinic: Clinic, name: str, id_: str) -> Any:
    table, column, _ = EDITS[name]
    return clinic.value(f"SELECT {column} FROM {{{table}}} WHERE id = %s", id_)


def reported(clinic: Clinic, name: str, check: str = "agrees_with_filemaker") -> int:
    """How many violators a check of the entity reports."""
    (found,) = (each for each in CHECKS if each.full_name == f"{name}/{check}")
    with transaction(clinic.engine, read_only=True) as cursor:
        return found.find(CheckContext(cursor, NO_FILES)).count


def decided(clinic: Clinic, side: Side | None, **chosen: Any) -> Decided:
    return decide(clinic.engine, Selection(**chosen), side, "wren")


def listed(clinic: Clinic) -> list[KeptValue]:
    return kept_values(clinic.engine, Selection())


@pytest.fixture(params=EDITS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# --- Nexus is right ---------------------------------------------------------------------------------------------------


def test_where_nexus_is_right_the_check_is_silent_and_loads_write_nothing(name: str, loaded: Clinic) -> None:
    id_ = edit(loaded, name)
    assert reported(loaded, name) == 1
    assert decided(loaded, "nexus", ids=[id_]) == Decided(1)
    before = loaded.versions()
    loaded.load(name)
    assert reported(loaded, name) == 0
    assert loaded.versions() == before


def test_the_same_conflict_found_again_stays_decided(name: str, loaded: Clinic) -> None:
    """Something else of the row changes in FileMaker, so that it is compared again."""
    id_ = edit(loaded, name)
    decided(loaded, "nexus", ids=[id_])
    loaded.execute(f"UPDATE nexus_assets.identity_{name} SET row_hash = 0")
    loaded.load(name)
    assert [(each.decision, each.decided_by) for each in listed(loaded)] == [("nexus", "wren")]


def test_a_new_value_in_nexus_ends_the_decision(name: str, loaded: Clinic) -> None:
    id_ = edit(loaded, name)
    decided(loaded, "nexus", ids=[id_])
    edit(loaded, name, "again")
    assert [each.decision for each in listed(loaded)] == [None]
    assert reported(loaded, name) == 1


def test_a_new_value_in_filemaker_ends_the_decision(loaded: Clinic) -> None:
    edit(loaded, "patients")
    decided(loaded, "nexus")
    for row in loaded.exports["Contacts"]:
        row["Health Number"] = "F2"
    loaded.later()
    loaded.load("patients")
    assert [each.decision for each in listed(loaded)] == [None]
    assert reported(loaded, "patients") == 1


def test_a_decision_taken_back_is_reported_again(loaded: Clinic) -> None:
    edit(loaded, "notes")
    decided(loaded, "nexus")
    assert decided(loaded, None) == Decided(1)
    assert reported(loaded, "notes") == 1


def test_a_link_that_nexus_is_right_about_is_no_wrong_patient(loaded: Clinic) -> None:
    wattle, banksia = (loaded.patient_id(row["id"]) for row in loaded.exports["Contacts"])
    loaded.execute("UPDATE {documents_document} SET object_id = %s WHERE object_id = %s", wattle, banksia)
    loaded.load("documents")
    assert reported(loaded, "documents", "linked_to_named_patient") == 1
    decided(loaded, "nexus", entity="documents", column="object_id")
    assert reported(loaded, "documents", "linked_to_named_patient") == 0


# --- FileMaker is right -----------------------------------------------------------------------------------------------


def test_where_filemaker_is_right_the_next_load_writes_its_value(name: str, loaded: Clinic) -> None:
    table, column, _ = EDITS[name]
    before = loaded.rows(f"SELECT id::text, {column} FROM {{{table}}}")
    id_ = edit(loaded, name)
    decided(loaded, "filemaker", ids=[id_.upper()])
    again(loaded, name)  # the sources are the very same
    assert sorted(loaded.rows(f"SELECT id::text, {column} FROM {{{table}}}")) == sorted(before)
    assert listed(loaded) == []
    before_second = loaded.versions()
    loaded.load(name)
    assert loaded.versions() == before_second


def test_it_is_right_in_the_chosen_rows_alone(loaded: Clinic) -> None:
    loaded.execute("UPDATE {notes} SET content = 'From Nexus'")
    loaded.load("notes")
    chosen, other = (each.nexus_id for each in listed(loaded))
    decided(loaded, "filemaker", ids=[chosen])
    loaded.load("notes")
    assert value(loaded, "notes", chosen) != "From Nexus"
    assert value(loaded, "notes", other) == "From Nexus"


def test_it_is_right_in_the_chosen_column_of_a_row_alone(loaded: Clinic) -> None:
    """Also where the two columns hold the same on either side."""
    for row in loaded.exports["Contacts"]:
        row["Health Number"] = row["nameFirst"]
    loaded.later()
    loaded.load("patients")
    loaded.execute("UPDATE {patients} SET health_number = 'N1', first_name = 'N1'")
    loaded.load("patients")
    one, other = sorted({each.nexus_id for each in listed(loaded)})
    decided(loaded, "filemaker", ids=[one], column="health_number")
    decided(loaded, "filemaker", ids=[other], column="first_name")
    loaded.load("patients")
    kept = {(each.nexus_id, each.column) for each in listed(loaded)}
    assert kept == {(one, "first_name"), (other, "health_number")}


def test_what_a_person_changed_after_deciding_for_filemaker_is_kept(name: str, loaded: Clinic) -> None:
    table, column, _ = EDITS[name]
    id_ = edit(loaded, name)
    decided(loaded, "filemaker")
    loaded.execute(f"UPDATE {{{table}}} SET {column} = 'again' WHERE id = %s", id_)
    loaded.load(name)
    assert value(loaded, name, id_) == "again"
    assert [each.decision for each in listed(loaded)] == [None]


def test_what_filemaker_changed_after_the_decision_is_not_written(loaded: Clinic) -> None:
    id_ = edit(loaded, "patients")
    decided(loaded, "filemaker")
    for row in loaded.exports["Contacts"]:
        row["Health Number"] = "F2"
    loaded.later()
    loaded.load("patients")
    assert value(loaded, "patients", id_) == "N1"


def test_a_link_of_which_filemaker_is_right_is_set_back(loaded: Clinic) -> None:
    wattle, banksia = (loaded.patient_id(row["id"]) for row in loaded.exports["Contacts"])
    loaded.execute("UPDATE {images_batch} SET object_id = %s", wattle)
    loaded.load("image_batches")
    assert decided(loaded, "filemaker", column="object_id") == Decided(1)
    loaded.load("image_batches")
    assert set(loaded.values("SELECT object_id::text FROM {images_batch}")) == {wattle, banksia}


def test_an_id_column_is_left_to_a_person(loaded: Clinic) -> None:
    loaded.execute("UPDATE {appointments} SET filemaker_event_id = gen_random_uuid()")
    loaded.load("appointments")
    assert decided(loaded, "filemaker") == Decided(0, ("appointments.filemaker_event_id",))
    assert decided(loaded, "nexus") == Decided(2)


def test_a_plan_made_before_a_decision_is_outdated(loaded: Clinic) -> None:
    from nexus_assets.entities import ENTITIES
    from nexus_assets.load.plan_basis import ledger_state

    edit(loaded, "notes")
    with transaction(loaded.engine) as cursor:
        before = ledger_state(cursor, ENTITIES["notes"])
    decided(loaded, "filemaker")
    with transaction(loaded.engine) as cursor:
        assert ledger_state(cursor, ENTITIES["notes"]) != before


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [(), ("--json",), ("decide", "nexus", "--all")], ids=" ".join)
def test_without_a_load_nothing_is_said_to_agree(
    without_ledger: Clinic, command: Callable[[Clinic], Command], arguments: tuple[str, ...]
) -> None:
    result = command(without_ledger)("kept", *arguments)
    assert "Nothing was ever loaded" in str(result.exception)


def test_the_command_lists_ids_and_columns_and_no_value(loaded: Clinic, command: Callable[[Clinic], Command]) -> None:
    id_ = edit(loaded, "notes")
    shown = command(loaded)("kept")
    assert shown.exit_code == 0
    assert id_ in shown.output
    assert "content" in shown.output
    assert "From Nexus" not in shown.output
    (told,) = json.loads(command(loaded)("kept", "--json").output)
    assert (told["entity"], told["column"], told["nexus_id"]) == ("notes", "content", id_)
    assert not [key for key in told if "value" in key]


def test_values_are_shown_on_a_terminal_alone(loaded: Clinic, command: Callable[[Clinic], Command]) -> None:
    edit(loaded, "notes")
    shown = command(loaded)("kept", "--show-values")
    assert shown.exit_code != 0
    assert "only on a terminal" in str(shown.exception)
    assert "From Nexus" not in shown.output


def test_values_are_shown_where_they_are_asked_for(loaded: Clinic) -> None:
    edit(loaded, "notes")
    (shown,) = kept_values(loaded.engine, Selection(), with_values=True)
    assert shown.nexus_value == "From Nexus"


def test_the_command_decides_and_takes_back(loaded: Clinic, command: Callable[[Clinic], Command]) -> None:
    id_ = edit(loaded, "notes")
    run = command(loaded)
    told = run("kept", "decide", "nexus", id_)
    assert (told.exit_code, told.output) == (0, "Nexus is right: 1 value.\n")
    assert "Nexus is right, by" in run("kept").output
    with transaction(loaded.engine) as cursor:
        (kept,) = explain(cursor, id_)[0].kept
    assert (kept.decision, kept.decided_by) == ("nexus", getpass.getuser())
    assert "Nexus is right" in run("explain", id_).output
    assert run("kept", "decide", "undecided", "--all").exit_code == 0
    assert "is right, by" not in run("kept").output


def test_the_command_says_that_the_next_load_writes_what_filemaker_is_right_about(
    loaded: Clinic, command: Callable[[Clinic], Command]
) -> None:
    told = command(loaded)("kept", "decide", "filemaker", edit(loaded, "notes"))
    assert told.output == "FileMaker is right: 1 value.\nRun next: nexus-assets load\n"


@pytest.mark.parametrize(
    "words", [("nexus", "6a0c6c3e-8d4e-4a53-8a42-1d4f0f3b0000"), ("filemaker", "--entity", "images")]
)
def test_a_choice_of_nothing_ends_with_1(
    words: tuple[str, ...], loaded: Clinic, command: Callable[[Clinic], Command]
) -> None:
    edit(loaded, "notes")
    assert command(loaded)("kept", "decide", *words).exit_code == 1


@pytest.mark.parametrize("words", [(), ("no-uuid",)])
def test_a_decision_names_what_it_is_about(
    words: tuple[str, ...], loaded: Clinic, command: Callable[[Clinic], Command]
) -> None:
    edit(loaded, "notes")
    stopped = command(loaded)("kept", "decide", "nexus", *words)
    assert stopped.exception is not None
    assert "Nothing was decided" in str(stopped.exception)
    assert [each.decision for each in listed(loaded)] == [None]


def test_the_examples_of_the_docs_work_as_typed(loaded: Clinic, command: Callable[[Clinic], Command]) -> None:
    loaded.execute("UPDATE {patients} SET title = 'Prof', middle_names = 'Wren'")
    loaded.load("patients")
    run = command(loaded)
    for line in snippet("sh", "kept").splitlines():
        # On the demo clinic they work as they stand (local/test_documented_commands.py); this one has edited patients.
        line = line.replace("images", "patients").replace("caption", "title")
        words = re.sub(r"(?<=decide nexus )\S+", listed(loaded)[0].nexus_id, line).split()
        assert run(*words[1:]).exit_code == 0, line

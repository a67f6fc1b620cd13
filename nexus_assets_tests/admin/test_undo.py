"""An undone load leaves everything as it was before it, but for what people and later loads have changed since."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest

from nexus_assets.admin import guard
from nexus_assets.admin import undo as undo_module
from nexus_assets.admin.kept import Selection, decide, kept_values
from nexus_assets.admin.undo import UndoError, UndoPlan, plan, undo
from nexus_assets.entities import ENTITIES
from nexus_assets.ledger.schema import install
from nexus_assets.nexus.connection import transaction
from nexus_assets_tests.admin.conftest import Command
from nexus_assets_tests.load.clinic import FURNISHED, Clinic, State, furnish, patients_alone, state
from nexus_assets_tests.load.conftest import Prepared
from nexus_assets_tests.load.test_unchanged import again
from nexus_assets_tests.readme import snippet

pytestmark = pytest.mark.extended


@pytest.fixture
def loaded(loaded: Clinic) -> Clinic:
    """With what stands in the rows of patients: what changes below has nothing to do with referrers and companies."""
    return patients_alone(loaded, "Coms")


def undone(clinic: Clinic, chosen: str | None = None) -> UndoPlan:
    planned = plan(clinic.engine, chosen)
    undo(clinic.engine, chosen, planned, "wren")
    return planned


def run(clinic: Clinic, *names: str, **settings: Any) -> list[int]:
    """Loads these in one run of their own; returns the numbers of the loads."""
    loads = [result.load_id for result in clinic.load(*names, **settings).values()]
    clinic.execute("UPDATE nexus_assets.load SET run_id = %s WHERE id = ANY(%s)", f"run-of-load-{loads[0]}", loads)
    return loads


def kept(planned: UndoPlan) -> list[tuple[str, str, str]]:
    return [(each.table, each.column, each.reason) for load in planned.loads for each in load.undoing.kept]


def no_times(found: State) -> State:
    """The same without the numbers and times of loads, to compare two loads of the same."""

    def stable(row: str) -> str:
        known = json.loads(row)
        ids = ("nexus_id", "source_id", "current_id")
        times = ("_at", "_load", "load_id", "run_id", "id")
        return json.dumps(
            {k: v for k, v in known.items() if k in ids or (k == "id" and len(str(v)) == 36) or not k.endswith(times)}
        )

    return {name: sorted(map(stable, rows)) for name, rows in found.items() if not name.endswith(".load")}


def filemaker_changes(clinic: Clinic) -> None:
    """In every export a changed, a new, a removed and a faulty row."""
    clinic.later()
    clinic.exports["Contacts"][0].update(nameFirst="Renamed", title="Dr")
    late = clinic.contact("Late")
    clinic.contact("")
    for add in (clinic.appointment, clinic.note, clinic.document, clinic.image):
        add(late)
    clinic.exports["Notes"][0]["Note"] = "Changed in FileMaker"
    clinic.exports["Appointments"][0]["notes"] = "Changed in FileMaker"
    clinic.exports["Docs"][0]["Type"] = "Invoice"
    clinic.exports["Image_data"][0]["Type"] = "Dorsal"
    clinic.exports["Image_data"][1]["date"] = "3/3/2021"
    clinic.note(late, "")
    clinic.exports["Notes"].pop(1)


def moved_to_another(clinic: Clinic) -> None:
    """FileMaker gives everything of one person to the other."""
    clinic.later()
    wattle, banksia = (row["id"] for row in clinic.exports["Contacts"])
    for export, heading in (
        ("Notes", "id_Key"),
        ("Appointments", "id_Contact"),
        ("Docs", "id_Contact"),
        ("Image_data", "id_Contact"),
    ):
        for row in clinic.exports[export]:
            row[heading] = {banksia: wattle}.get(row[heading], row[heading])


def recreated(clinic: Clinic) -> None:
    """The incident: another tool makes everybody again under other ids; a person's own rows point at the old ones."""
    native_rows(clinic)
    clinic.recreate_patients()


def native_rows(clinic: Clinic) -> None:
    clinic.execute(
        "INSERT INTO contact_relationships (id, from_content_type_id, from_object_id, to_content_type_id, to_object_id,"
        " relationship_type, is_active, created_at, updated_at) SELECT gen_random_uuid(), content_type_id, object_id,"
        " content_type_id, object_id, 'x', true, now(), now() FROM {images_batch}"
    )


def children_deleted(clinic: Clinic) -> None:
    """Another tool deletes what belongs to people; the load restores it."""
    for table in ("notes", "appointments", "documents_document", "images_image", "images_batch"):
        clinic.execute(f"DELETE FROM {{{table}}}")


def links_broken(clinic: Clinic) -> None:
    for table in ("documents_document", "images_batch"):
        clinic.execute(f"UPDATE {{{table}}} SET object_id = gen_random_uuid()")


def duplicate_batches(clinic: Clinic) -> None:
    for batch in clinic.values("SELECT id::text FROM {images_batch}"):
        copied = clinic.importers_batch(batch)
        clinic.importers_batch(batch)
        clinic.execute("UPDATE {images_image} SET batch_id = %s WHERE batch_id = %s", copied, batch)


def people_edit(clinic: Clinic) -> None:
    """The load finds conflicts, and FileMaker changes what was in conflict before."""
    clinic.execute("UPDATE {notes} SET content = 'From Nexus'")
    clinic.load("notes")
    clinic.execute("UPDATE {patients} SET title = 'Prof'")
    clinic.exports["Notes"][0]["Note"] = "From FileMaker"
    clinic.exports["Notes"][1]["Note"] = "From Nexus"
    clinic.later()


def ledger_lost(clinic: Clinic) -> None:
    """Every row is another importer's: the load adopts them."""
    clinic.forget_ledger()
    clinic.execute("UPDATE {patients} SET title = 'Mr.', middle_names = ''")
    clinic.execute("UPDATE {images_image} SET category = 'other'")


def half_the_ids(clinic: Clinic) -> None:
    """FileMaker calls files by new ids, as an id field that computes them does."""
    clinic.later()
    for row in clinic.exports["Image_data"]:
        row["id"] = row["id"][:-4] + "ABCD"


CHANGES: dict[str, Callable[[Clinic], None]] = {
    change.__name__: change
    for change in (
        filemaker_changes,
        moved_to_another,
        recreated,
        children_deleted,
        links_broken,
        duplicate_batches,
        people_edit,
        half_the_ids,
    )
}


@pytest.fixture(params=CHANGES)
def change(request: pytest.FixtureRequest) -> Callable[[Clinic], None]:
    return CHANGES[request.param]


def changed_by_filemaker(clinic: Clinic) -> None:
    furnish(clinic).load()
    patients_alone(clinic, "Coms")
    filemaker_changes(clinic)
    run(clinic)


@pytest.fixture
def by_filemaker(prepared: Prepared) -> Clinic:
    """The furnished clinic, loaded, and once more in a run after FileMaker changed something of everything."""
    return prepared(changed_by_filemaker)


# --- as before --------------------------------------------------------------------------------------------------------


def test_an_undone_run_leaves_everything_as_before(change: Callable[[Clinic], None], loaded: Clinic) -> None:
    change(loaded)
    before = state(loaded)
    run(loaded)
    after = state(loaded)
    assert after != before
    planned = undone(loaded)
    assert kept(planned) == []
    assert state(loaded) == before
    run(loaded)
    assert no_times(state(loaded)) == no_times(after)


def test_loads_of_the_same_entity_are_undone_one_by_one(loaded: Clinic) -> None:
    states = [state(loaded)]
    loads = []
    for number in range(3):
        loaded.later()
        loaded.exports["Notes"][0]["Note"] = f"Version {number}"
        loaded.note(loaded.exports["Contacts"][0]["id"], f"New {number}")
        loads += run(loaded, "notes")
        states.append(state(loaded))
    while loads:
        assert state(loaded) == states.pop()
        undone(loaded, str(loads.pop()))
    assert state(loaded) == states.pop()


def test_a_first_load_is_undone_and_comes_back_under_the_same_ids(furnished: Clinic) -> None:
    furnished.referral(furnished.exports["Contacts"][0]["id"], furnished.exports["Referrers"][0]["id"])
    with transaction(furnished.engine) as cursor:
        install(cursor)
    for name in ENTITIES:
        before = state(furnished)
        run(furnished, name)
        after = state(furnished)
        assert kept(undone(furnished)) == [], name
        assert state(furnished) == before, name
        run(furnished, name)
        assert no_times(state(furnished)) == no_times(after), name


def test_the_first_run_of_all_is_undone(furnished: Clinic) -> None:
    with transaction(furnished.engine) as cursor:
        install(cursor)
    before = state(furnished)
    run(furnished)
    assert kept(undone(furnished)) == []
    assert state(furnished) == before


def test_adopted_rows_stay_and_have_their_values_of_before(loaded: Clinic) -> None:
    ledger_lost(loaded)
    with transaction(loaded.engine) as cursor:
        install(cursor)
    before = state(loaded)
    run(loaded)
    after = state(loaded)
    assert after != before
    assert kept(undone(loaded)) == []
    assert state(loaded) == before
    run(loaded)
    assert no_times(state(loaded)) == no_times(after)


def test_a_second_undo_writes_nothing(by_filemaker: Clinic) -> None:
    undone(by_filemaker)
    before = by_filemaker.versions(), by_filemaker.versions("nexus_assets")
    planned = undone(by_filemaker)
    assert planned.loads == ()
    assert "was undone at" in planned.already
    assert (by_filemaker.versions(), by_filemaker.versions("nexus_assets")) == before


def test_the_plan_writes_nothing(by_filemaker: Clinic) -> None:
    before = by_filemaker.versions(), by_filemaker.versions("nexus_assets")
    planned = plan(by_filemaker.engine, None)
    assert sum(load.undoing.removed for load in planned.loads) > 0
    assert (by_filemaker.versions(), by_filemaker.versions("nexus_assets")) == before


def test_references_of_peoples_rows_lead_where_they_led(loaded: Clinic) -> None:
    native_rows(loaded)
    led = loaded.rows("SELECT id::text, from_object_id::text FROM {contact_relationships}")
    loaded.recreate_patients()
    run(loaded)
    assert loaded.rows("SELECT id::text, from_object_id::text FROM {contact_relationships}") != led
    undone(loaded)
    assert sorted(loaded.rows("SELECT id::text, from_object_id::text FROM {contact_relationships}")) == sorted(led)


def test_vanished_and_archived_people_are_as_before(loaded: Clinic) -> None:
    gone = loaded.contact("Gone")
    loaded.later()
    run(loaded, "patients")
    loaded.exports["Contacts"].pop()
    before = state(loaded)
    run(loaded, "patients", archive_vanished=True)
    assert state(loaded) != before
    undone(loaded)
    assert state(loaded) == before
    run(loaded, "patients", archive_vanished=True)
    loaded.contact("Gone", id=gone)
    archived = state(loaded)
    run(loaded, "patients")
    assert kept(undone(loaded)) == []
    assert state(loaded) == archived


# --- what people and later loads have changed since ---------------------------------------------------------------------


def test_what_a_person_changed_since_is_kept_and_named(by_filemaker: Clinic) -> None:
    changed = by_filemaker.id_of("notes", by_filemaker.exports["Notes"][0])
    late = by_filemaker.exports["Contacts"][-2]
    by_filemaker.execute("UPDATE {notes} SET content = 'From a person' WHERE id = %s", changed)
    by_filemaker.execute("UPDATE {patients} SET mrn = '77' WHERE id = %s", by_filemaker.patient_id(late["id"]))
    planned = undone(by_filemaker)
    assert set(kept(planned)) == {("notes", "content", "edited"), ("patients", "", "edited")}
    assert by_filemaker.value("SELECT content FROM {notes} WHERE id = %s", changed) == "From a person"
    assert by_filemaker.patient_id(late["id"])
    by_filemaker.load()
    assert by_filemaker.value("SELECT content FROM {notes} WHERE id = %s", changed) == "From a person"


def test_rows_to_which_people_refer_stay_with_their_ids(by_filemaker: Clinic) -> None:
    late = by_filemaker.patient_id(by_filemaker.exports["Contacts"][-2]["id"])
    by_filemaker.execute(
        "INSERT INTO {reminders} (id, patient_id, note, status, created_at, updated_at)"
        " VALUES (gen_random_uuid(), %s, '', 'pending', now(), now())",
        late,
    )
    planned = undone(by_filemaker)
    assert kept(planned) == [("patients", "", "referenced")]
    assert by_filemaker.value("SELECT count(*) FROM {patients} WHERE id = %s", late) == 1
    by_filemaker.load()
    assert by_filemaker.value("SELECT count(*) FROM {patients}") == 3
    assert by_filemaker.orphans() == 0


def test_a_batch_that_a_person_has_put_an_image_into_stays(by_filemaker: Clinic) -> None:
    batch = by_filemaker.batch_of(by_filemaker.exports["Image_data"][-1])
    by_filemaker.copy_image(batch, "uploads/own.jpg")
    assert ("images_batch", "", "referenced") in kept(undone(by_filemaker))
    assert by_filemaker.value("SELECT image_count FROM {images_batch} WHERE id = %s", batch) == 1


def test_keys_that_people_added_to_a_merged_column_stay(loaded: Clinic) -> None:
    loaded.later()
    contact = loaded.exports["Contacts"][0]
    contact["Area"] = "North"
    run(loaded, "patients")
    loaded.execute("UPDATE {patients} SET filemaker_metadata = filemaker_metadata || '{\"own\": 1}'")
    assert kept(undone(loaded)) == []
    found = loaded.value("SELECT filemaker_metadata FROM {patients} WHERE id = %s", loaded.patient_id(contact["id"]))
    assert found["own"] == 1
    assert found.get("area") != "North"


def test_what_a_later_load_changed_is_kept_and_named_and_comes_to_the_same(loaded: Clinic) -> None:
    loaded.later()
    for number, row in enumerate(loaded.exports["Notes"]):
        row["Note"] = f"First {number}"
    (first,) = run(loaded, "notes")
    loaded.later()
    loaded.exports["Notes"][0]["Note"] = "Second"
    run(loaded, "notes")
    after = no_times(state(loaded))
    planned = undone(loaded, str(first))
    assert kept(planned) == [("notes", "", "loaded_since")]
    assert planned.loads[0].undoing.put_back["notes.content"] == 1
    again(loaded, "notes")  # the sources are those of the last load, and must be read all the same
    assert no_times(state(loaded)) == after


def test_a_restored_row_that_a_later_load_changed_is_named_once(loaded: Clinic) -> None:
    loaded.execute("DELETE FROM {notes}")
    restored = run(loaded, "notes")
    loaded.exports["Notes"][0]["Note"] = "Changed in FileMaker"
    loaded.later()
    run(loaded, "notes")
    planned = undone(loaded, str(restored[0]))
    assert kept(planned) == [("notes", "", "loaded_since")]


def test_a_link_to_a_row_that_is_gone_is_not_put_back(loaded: Clinic) -> None:
    moved_to_another(loaded)
    banksia = loaded.exports["Contacts"][1]["id"]
    run(loaded)
    loaded.execute("DELETE FROM {images_batch} WHERE object_id = %s", loaded.patient_id(banksia))
    loaded.execute("DELETE FROM {patients} WHERE id = %s", loaded.patient_id(banksia))
    assert ("notes", "", "target_gone") in kept(undone(loaded))


def test_a_reject_of_a_row_that_stays_is_not_opened_again(loaded: Clinic) -> None:
    note = loaded.find("Notes", loaded.exports["Notes"][1]["id"])
    note["Date"] = "31/31/2024"
    loaded.later()
    run(loaded, "notes")
    note["Date"] = "3/18/2024"
    moved_to_another(loaded)
    run(loaded)
    banksia = loaded.patient_id(loaded.exports["Contacts"][1]["id"])
    loaded.execute("DELETE FROM {images_batch} WHERE object_id = %s", banksia)
    loaded.execute("DELETE FROM {patients} WHERE id = %s", banksia)
    assert ("notes", "", "target_gone") in kept(undone(loaded))
    assert loaded.values("SELECT reason FROM nexus_assets.reject WHERE resolved_load IS NULL") == []


def test_the_guard_keeps_links_from_leading_nowhere(loaded: Clinic) -> None:
    recreated(loaded)
    run(loaded)
    guard.install(loaded.engine)
    assert "guarded" in {reason for *_, reason in kept(undone(loaded))}
    assert loaded.orphans() == 0


def test_the_guard_lets_a_link_go_back_to_a_row_that_is_there(loaded: Clinic) -> None:
    before = loaded.values("SELECT object_id::text FROM {documents_document} ORDER BY id")
    moved_to_another(loaded)
    run(loaded)
    assert loaded.values("SELECT object_id::text FROM {documents_document} ORDER BY id") != before
    guard.install(loaded.engine)
    assert kept(undone(loaded)) == []
    assert loaded.values("SELECT object_id::text FROM {documents_document} ORDER BY id") == before


def test_an_adopted_row_that_is_gone_keeps_its_id(loaded: Clinic) -> None:
    ledger_lost(loaded)
    loaded.execute("UPDATE {notes} SET id = gen_random_uuid()")
    run(loaded)
    known = loaded.rows("SELECT source_id, nexus_id FROM nexus_assets.identity_notes ORDER BY 1")
    loaded.execute("DELETE FROM {notes}")
    undone(loaded)
    assert loaded.rows("SELECT source_id, nexus_id FROM nexus_assets.identity_notes ORDER BY 1") == known


def test_a_decision_taken_since_stays(loaded: Clinic) -> None:
    loaded.execute("UPDATE {notes} SET content = 'From Nexus'")
    run(loaded, "notes")
    decide(loaded.engine, Selection(), "nexus", "wren")
    undone(loaded)
    run(loaded, "notes")
    assert [each.decision for each in kept_values(loaded.engine, Selection())] == ["nexus", "nexus"]


# --- what can't be undone, and when ---------------------------------------------------------------------------------------


def test_only_the_last_loads_can_be_undone(loaded: Clinic) -> None:
    loads = []
    for number in range(3):
        loaded.later()
        loaded.exports["Notes"][0]["Note"] = f"Version {number}"
        loads += run(loaded, "notes", undoable_loads=2)
        run(loaded, "notes", undoable_loads=2)  # changes nothing, and counts for nothing
    kept_for = loaded.values(
        "SELECT DISTINCT b.load_id FROM nexus_assets.before_value AS b JOIN nexus_assets.load AS l ON l.id = b.load_id"
        " WHERE l.entity = 'notes' ORDER BY 1"
    )
    assert kept_for == loads[1:]
    with pytest.raises(UndoError, match="can't be undone"):
        plan(loaded.engine, str(loads[0]))
    assert plan(loaded.engine, str(loads[1])).loads


def test_nothing_is_kept_where_nothing_is_to_be(loaded: Clinic) -> None:
    loaded.execute("DELETE FROM nexus_assets.before_value")  # of loads that wrote columns of rows that were there
    filemaker_changes(loaded)
    run(loaded, undoable_loads=0)
    assert loaded.value("SELECT count(*) FROM nexus_assets.before_value") == 0
    with pytest.raises(UndoError, match="can't be undone"):
        plan(loaded.engine, None)


def test_a_first_load_keeps_nothing_beside_its_rows(furnished: Clinic) -> None:
    furnished.load(*(name for name in FURNISHED if ENTITIES[name].adds_rows))
    assert furnished.value("SELECT count(*) FROM nexus_assets.before_value") == 0


def test_a_load_that_nobody_knows_can_not_be_undone(loaded: Clinic) -> None:
    for chosen in ("99999", "no-such-run", "x"):
        with pytest.raises(UndoError, match="Nothing was undone"):
            plan(loaded.engine, chosen)


def test_a_change_since_the_plan_stops_it(by_filemaker: Clinic) -> None:
    planned = plan(by_filemaker.engine, None)
    by_filemaker.execute("UPDATE {notes} SET content = 'meanwhile'")
    before = state(by_filemaker)
    with pytest.raises(UndoError, match="has changed since"):
        undo(by_filemaker.engine, None, planned, "wren")
    assert state(by_filemaker) == before


def test_killed_in_the_middle_nothing_is_undone(by_filemaker: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = plan(by_filemaker.engine, None)
    before = state(by_filemaker)
    done = iter(range(3))
    real = undo_module.undo_rows

    def dies(*arguments: Any) -> Any:
        if next(done, None) is None:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(undo_module, "undo_rows", dies)
    with pytest.raises(KeyboardInterrupt):
        undo(by_filemaker.engine, None, planned, "wren")
    assert state(by_filemaker) == before


def test_a_load_waits_for_an_undo_and_brings_everything_again(by_filemaker: Clinic) -> None:
    after = no_times(state(by_filemaker))
    planned = plan(by_filemaker.engine, None)
    began = threading.Event()
    failed: list[BaseException] = []

    def load_beside() -> None:
        began.set()
        try:
            by_filemaker.load()
        except BaseException as error:
            failed.append(error)

    with transaction(by_filemaker.engine, lock=tuple(ENTITIES)) as cursor:
        beside = threading.Thread(target=load_beside)
        beside.start()
        began.wait()
        assert undo_module.undo_in(cursor, None, "wren") == planned
    beside.join()
    assert failed == []
    assert no_times(state(by_filemaker)) == after


# --- the command ----------------------------------------------------------------------------------------------------------


def test_the_command_shows_the_plan_and_asks_for_the_database(
    by_filemaker: Clinic, command: Callable[[Clinic], Command]
) -> None:
    before = state(by_filemaker)
    run_command = command(by_filemaker)
    stopped = run_command("undo")
    assert stopped.exit_code == 1
    assert "rows removed" in stopped.output
    assert state(by_filemaker) == before
    database = by_filemaker.value("SELECT current_database()")
    done = run_command("undo", "--yes", database)
    assert (done.exit_code, "Undone." in done.output) == (0, True)
    again_ = run_command("undo", "--yes", database)
    assert (again_.exit_code, "nothing to undo" in again_.output) == (0, True)
    for word in ("Renamed", "Changed in FileMaker", "Late"):
        assert word not in stopped.output + done.output


def test_the_command_names_what_is_kept(by_filemaker: Clinic, command: Callable[[Clinic], Command]) -> None:
    changed = by_filemaker.id_of("notes", by_filemaker.exports["Notes"][0])
    by_filemaker.execute("UPDATE {notes} SET content = 'From a person' WHERE id = %s", changed)
    shown = command(by_filemaker)("undo")
    assert changed in shown.output
    assert "changed in Nexus since" in shown.output
    told = json.loads(command(by_filemaker)("undo", "--json").output)
    assert "From a person" not in str(told)


def test_what_is_kept_is_listed_by_its_reason(loaded: Clinic) -> None:
    first, second = sorted(loaded.exports["Notes"], key=lambda row: loaded.id_of("notes", row))
    for row in (first, second):
        row["Note"] = "Changed in FileMaker."
    loaded.later()
    run(loaded, "notes")
    loaded.execute("DELETE FROM {notes} WHERE id = %s", loaded.id_of("notes", first))
    loaded.execute("UPDATE {notes} SET content = 'From a person'")
    assert [reason for *_, reason in kept(plan(loaded.engine, None))] == ["edited", "gone"]


def test_a_role_that_may_not_remove_rows_is_told_the_grant(loaded: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    filemaker_changes(loaded)
    run(loaded, "notes")
    monkeypatch.setattr(undo_module, "_may", lambda *asked: asked[-1] != "DELETE")
    with pytest.raises(UndoError, match="may not remove rows of notes") as raised:
        plan(loaded.engine, None)
    assert 'GRANT DELETE, UPDATE, INSERT ON "public"."notes" TO' in raised.value.remedy


def test_the_examples_of_the_docs_work_as_typed(loaded: Clinic, command: Callable[[Clinic], Command]) -> None:
    filemaker_changes(loaded)
    (load,) = run(loaded, "notes")
    database = loaded.value("SELECT current_database()")
    asked, done = snippet("sh", "undo").splitlines()
    assert "rows removed" in command(loaded)(*asked.split()[1:]).output
    words = re.sub(r" \d+ ", f" {load} ", done).replace("--yes nexus", f"--yes {database}").split()
    assert command(loaded)(*words[1:]).exit_code == 0


def test_what_a_load_changed_is_kept_in_its_steps_each_load_from_1(loaded: Clinic) -> None:
    """Undone is the last step first: a row may be changed by several."""
    for name in ("Quandong", "Myrtle"):
        row = loaded.contact(name)
        loaded.exports["Contacts"][0]["nameFirst"] = name
        loaded.later()
        loaded.load("patients", undoable_loads=5)
        loaded.remove("Contacts", row)
        loaded.exports["Contacts"][0]["nameFirst"] += "s"
        loaded.later()
        loaded.load("patients", undoable_loads=5, allow_vanished=True)
    steps = loaded.rows(
        "SELECT min(step), max(step), count(DISTINCT step) FROM nexus_assets.before_value GROUP BY load_id ORDER BY load_id"
    )
    assert [first for first, _, _ in steps] == [1] * len(steps)
    assert all(last == number for _, last, number in steps)
    assert max(number for _, _, number in steps) > 1

"""What is over goes after a while; what is open, and the last of each, stays."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg2.errors
import pytest

from nexus_assets.checks.check import Check, Finding
from nexus_assets.checks.run import keep
from nexus_assets.ledger.retention import PURGED, purge, purge_alerts, purge_check_results
from nexus_assets.nexus.connection import transaction
from nexus_assets_tests.load.clinic import FURNISHED, Clinic

pytestmark = pytest.mark.commits

GROWS = {"load": "finished_at", "correction": "idle_since", "undone": "undone_at"}


def days_pass(clinic: Clinic, days: int = 1) -> None:
    """Everything that the ledger has becomes older."""
    clinic.later()
    clinic.execute(
        "UPDATE nexus_assets.load SET started_at = started_at - make_interval(days => %(days)s),"
        " finished_at = finished_at - make_interval(days => %(days)s)".replace("%(days)s", str(days))
    )
    clinic.execute(f"UPDATE nexus_assets.check_result SET checked_at = checked_at - make_interval(days => {days})")


def checked(clinic: Clinic, name: str = "no_duplicates", *, asset: str = "patients", days: int = 30) -> None:
    """Keeps a result of a check, as whoever asks it does."""
    check = Check(asset, name, "", lambda _: Finding(1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEXUS_RETENTION_DAYS", str(days))
        keep({check: check.find(None)}, clinic.engine, "run")  # type: ignore[arg-type]


def count(clinic: Clinic, table: str, condition: str = "TRUE") -> int:
    return int(clinic.value(f"SELECT count(*) FROM nexus_assets.{table} WHERE {condition}"))


def load(clinic: Clinic, *names: str, days: int = 30, undoable: int = 0) -> None:
    clinic.load(*names, retention_days=days, undoable_loads=undoable)


def test_checks_are_kept_in_a_ledger_restored_without_its_sequences(loaded: Clinic) -> None:
    checked(loaded)
    checked(loaded)
    loaded.execute("SELECT setval(pg_get_serial_sequence('nexus_assets.check_result', 'id'), 1, FALSE)")
    checked(loaded)
    assert count(loaded, "check_result") == 3


def test_old_loads_go_but_the_last_two_of_each_entity(loaded: Clinic) -> None:
    loaded.execute("UPDATE nexus_assets.load SET undoable = FALSE")
    for _ in range(3):
        load(loaded)
        days_pass(loaded, 40)
    load(loaded)
    assert count(loaded, "load") == 2 * len(FURNISHED)


def test_the_last_result_of_each_check_stays_however_old(loaded: Clinic) -> None:
    for name in ("no_duplicates", "no_duplicates", "every_row_accounted"):
        checked(loaded, name)
    days_pass(loaded, 40)
    checked(loaded, "last_load_fresh")
    assert loaded.values("SELECT check_name FROM nexus_assets.check_result ORDER BY 1") == [
        "every_row_accounted",
        "last_load_fresh",
        "no_duplicates",
    ]


def test_results_go_also_of_an_entity_that_is_never_loaded(loaded: Clinic) -> None:
    for _ in range(3):
        checked(loaded, asset="patient_referrers")
        assert count(loaded, "check_result") == 1
        days_pass(loaded, 40)


def test_two_that_remove_the_same_results_at_once_both_succeed(loaded: Clinic) -> None:
    for _ in range(2):
        checked(loaded, days=1000)
    days_pass(loaded, 40)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as pool:
        with transaction(loaded.engine, lock="check_result") as cursor:
            purge_check_results(cursor, 30)
            other = pool.submit(checked, loaded)
            while not other.done() and not loaded.value(waiting):
                time.sleep(0.05)
        other.result()
    assert count(loaded, "check_result") == 1


def reject_resolved(clinic: Clinic) -> None:
    """A note is rejected, and loaded the next time."""
    row = clinic.note(clinic.exports["Contacts"][0]["id"], "")
    clinic.later()
    load(clinic, "notes")
    row["Note"] = "Seen after all."
    clinic.later()
    load(clinic, "notes")


def test_a_reject_that_was_resolved_goes_after_a_while(loaded: Clinic) -> None:
    reject_resolved(loaded)
    load(loaded, "notes")
    assert count(loaded, "reject") == 1, "not at once"
    days_pass(loaded, 40)
    load(loaded, "notes")
    assert count(loaded, "reject") == 0


def test_a_reject_that_an_undo_brings_back_stays(loaded: Clinic) -> None:
    loaded.note(loaded.exports["Contacts"][0]["id"], "")
    loaded.later()
    load(loaded, "notes")
    loaded.exports["Notes"][-1]["Note"] = "Seen after all."
    loaded.later()
    load(loaded, "notes", undoable=5)
    days_pass(loaded, 40)
    load(loaded, "notes", undoable=5)
    assert count(loaded, "reject") == 1


@pytest.mark.parametrize("text", ["Another.", None], ids=["it changed a row", "it made a row"])
def test_a_load_that_can_be_undone_stays(text: str | None, loaded: Clinic) -> None:
    loaded.exports["Notes"][0].update({"Note": text} if text else {})
    if text is None:
        loaded.note(loaded.exports["Contacts"][0]["id"])
    loaded.later()
    load(loaded, "notes", undoable=9)
    made = loaded.value("SELECT max(id) FROM nexus_assets.load")
    for _ in range(3):
        days_pass(loaded, 40)
        load(loaded, "notes", undoable=9)
    assert count(loaded, "load", f"id = {made}") == 1


def test_an_open_reject_stays_with_the_load_that_found_it(loaded: Clinic) -> None:
    loaded.note(loaded.exports["Contacts"][0]["id"], "")
    loaded.later()
    load(loaded, "notes")
    first = loaded.value("SELECT first_load FROM nexus_assets.reject")
    for _ in range(4):
        days_pass(loaded, 40)
        load(loaded, "notes")
    assert count(loaded, "reject", "resolved_load IS NULL") == 1
    assert count(loaded, "load", f"id = {first}") == 1


def test_a_conflict_goes_when_it_was_resolved_and_stays_while_it_is_open(loaded: Clinic) -> None:
    for open_ in (True, False):
        loaded.execute(
            "INSERT INTO nexus_assets.conflict (entity, source_id, nexus_id, column_name, cause, first_load, resolved_load)"
            " VALUES ('patients', gen_random_uuid(), gen_random_uuid(), 'x', 'edited', 1,"
            f" {'NULL' if open_ else '(SELECT max(id) FROM nexus_assets.load)'})"
        )
    loaded.execute("UPDATE nexus_assets.conflict SET resolved_load = 1 WHERE resolved_load IS NOT NULL")
    loaded.execute("UPDATE nexus_assets.load SET undoable = FALSE")
    days_pass(loaded, 40)
    with transaction(loaded.engine, lock="patients") as cursor:
        from nexus_assets.ledger.retention import purge

        purge(cursor, "patients", 30)
    assert loaded.values("SELECT resolved_load FROM nexus_assets.conflict") == [None]


@pytest.mark.parametrize(("table", "over"), [("alert", "resolved_at"), ("alert_message", "delivered_at")])
def test_alerts_go_when_they_are_over_and_stay_while_they_are_open(table: str, over: str, loaded: Clinic) -> None:
    columns = {
        "alert": "(subject, kind, asset, severity, breakdown, cause, next_step, opened_at, first_run, last_run, resolved_at)"
        " SELECT s, 'check', '', 'ERROR', '{}', '', '', now() - interval '1 year', '', '', at",
        "alert_message": "(destination, title, body, created_at, delivered_at) SELECT s, '', '', now() - interval '1 year', at",
    }
    loaded.execute(
        f"INSERT INTO nexus_assets.{table} {columns[table]} FROM (VALUES ('open', NULL),"
        " ('over', now() - interval '40 days'), ('new', now())) AS v (s, at)"
    )
    with transaction(loaded.engine) as cursor:
        purge_alerts(cursor, 30)
    assert count(loaded, table) == 2
    assert count(loaded, table, f"{over} < now() - interval '30 days'") == 0


OVER = """
    INSERT INTO nexus_assets.correction (reject_id, entity, export, absent, faulty, corrected, idle_since)
      SELECT 10 * {number} + n, '{entity}', 'x', false, '{{}}', '{{}}', now() - since
      FROM unnest(ARRAY[interval '40 days', '20 days', NULL]) WITH ORDINALITY AS s (since, n);
    INSERT INTO nexus_assets.undone (load_id, entity, run_id, undone_at, undone_by, load, figures)
      SELECT 10 * {number} + n, '{entity}', 'x', now() - since, 'x', '{{}}', '{{}}'
      FROM unnest(ARRAY[interval '40 days', '20 days']) WITH ORDINALITY AS s (since, n);
    INSERT INTO nexus_assets.reject (entity, row_number, reason, row_hash, payload, first_load, resolved_load)
      SELECT '{entity}', n, 'x', 0, '{{}}', 0, CASE n WHEN 1 THEN min(l.id) WHEN 2 THEN max(l.id) END
      FROM nexus_assets.load AS l, generate_series(1, 3) AS n WHERE l.entity = '{entity}' GROUP BY n;
    INSERT INTO nexus_assets.conflict (entity, source_id, nexus_id, column_name, cause, first_load, resolved_load)
      SELECT '{entity}', gen_random_uuid(), gen_random_uuid(), n, 'edited', 0, CASE n WHEN 1 THEN min(l.id) WHEN 2 THEN max(l.id) END
      FROM nexus_assets.load AS l, generate_series(1, 3) AS n WHERE l.entity = '{entity}' GROUP BY n;
"""
"""In each table of an entity the first row is over for long, the second not for long, and the third is open."""


def test_of_one_entity_what_is_over_for_long_goes_and_nothing_else(loaded: Clinic) -> None:
    days_pass(loaded, 40)
    loaded.contact("Grevillea")
    loaded.note(loaded.exports["Contacts"][0]["id"], "Seen.")
    loaded.later()
    load(loaded, "patients", "notes", days=1000)
    loaded.execute("UPDATE nexus_assets.load SET undoable = false")
    for number, entity in enumerate(("notes", "patients")):
        loaded.execute(OVER.format(number=number, entity=entity))
    with transaction(loaded.engine) as cursor:
        purge(cursor, "notes", 30)
    for table, left in {"correction": 2, "undone": 1, "reject": 2, "conflict": 2}.items():
        assert count(loaded, table, "entity = 'notes'") == left, table
        assert count(loaded, table, "entity = 'patients'") == left + 1, table


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO about SELECT (jsonb_populate_record(a, '{\"only_row\": false}')).* FROM about AS a",
        "INSERT INTO about SELECT * FROM about",
        "INSERT INTO conflict SELECT * FROM conflict",
        "UPDATE conflict SET cause = 'x'",
        "UPDATE conflict SET decision = 'x'",
        "UPDATE correction SET reject_id = 1",
    ],
)
def test_what_can_not_be_is_refused_by_the_ledger_itself(statement: str, loaded: Clinic) -> None:
    loaded.execute(OVER.format(number=0, entity="notes"))
    with pytest.raises(psycopg2.errors.IntegrityError):
        loaded.execute(f"SET search_path = nexus_assets; {statement}")


def test_what_was_resolved_may_come_again(loaded: Clinic) -> None:
    loaded.execute(OVER.format(number=0, entity="notes"))
    loaded.execute(
        "INSERT INTO nexus_assets.conflict SELECT * FROM nexus_assets.conflict WHERE resolved_load IS NOT NULL"
    )
    assert count(loaded, "conflict") == 5


def test_every_table_that_a_load_adds_to_is_bounded() -> None:
    named = {table.split()[0] for table, _ in PURGED}
    assert {*GROWS, "reject", "conflict"} == named


@pytest.mark.slow
def test_thirty_loads_in_a_row_are_bounded(loaded: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    """A day passes between two loads, each changes, rejects and resolves something; five days are kept. An entity is like any other
    to what purges: two that change, and one that does not, are loaded."""
    names = ("patients", "notes", "companies")
    sizes: list[dict[str, int]] = []
    for day in range(30):
        loaded.find("Contacts", loaded.exports["Contacts"][0]["id"])["nameFirst"] = f"Wren {day}"
        if day % 2:
            loaded.exports["Notes"][-1]["Note"] = f"Seen on day {day}."
        else:
            loaded.note(loaded.exports["Contacts"][0]["id"], "")
        for entity in names:
            checked(loaded, "every_row_accounted", asset=entity, days=5)
        load(loaded, *names, days=5, undoable=3)
        tables = loaded.values(
            "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('nexus_assets') AND relkind = 'r' ORDER BY 1"
        )
        sizes.append({name: count(loaded, name) for name in tables if not name.startswith("identity_")})
        days_pass(loaded)
    with capsys.disabled():
        sys.stdout.write("\nrows after 10, 20, 30 loads:\n")
        sys.stdout.writelines(
            f"  {name}: {sizes[9][name]}, {sizes[19][name]}, {sizes[29][name]}\n" for name in sizes[-1]
        )
    for name in ("load", "check_result", "reject", "conflict", "before_value"):
        assert sizes[29][name] <= sizes[11][name] + 6, name

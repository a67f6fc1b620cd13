"""From a run that went wrong to the message that a person reads: once opened, once resolved, nothing lost, nothing doubled."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

import dagster as dg
import pytest

from nexus_assets.alerts.cycle import _deliver
from nexus_assets.alerts.delivery import DeliveryError, Sender
from nexus_assets.alerts.policy import Destination, destinations
from nexus_assets.alerts.store import Book
from nexus_assets.nexus.connection import DatabaseError, transaction
from nexus_assets_tests.alerts.graph import CANARY, CHECKS, Graph
from nexus_assets_tests.alerts.receivers import Mailbox, Webhook

pytestmark = pytest.mark.extended

ORPHANS = "image_batches/no_orphaned_references"
DOUBTS = "image_batches/no_doubtful_references"


def test_one_message_opens_and_one_resolves(stored_graph: Graph, hook: Webhook, box: Mailbox) -> None:
    graph = stored_graph
    urls = (hook.url, box.url)
    graph.find(no_orphaned_references=1661)
    graph.round(*urls)
    graph.round(*urls)
    graph.find(no_orphaned_references=1661)
    graph.round(*urls)
    graph.find(no_orphaned_references=0)
    graph.round(*urls)
    graph.round(*urls)
    for received in (hook.received, box.received):
        assert [message.title for message in received] == [
            f"Nexus: new: ERROR {ORPHANS}, 1,661 (was 0)",
            f"Nexus: resolved: ERROR {ORPHANS}, 0 (was 1,661)",
        ]
    assert graph.open_alerts() == {}


def test_alerts_go_on_in_a_ledger_restored_without_its_sequences(graph: Graph, hook: Webhook) -> None:
    for number in (1661, 0):
        graph.find(no_orphaned_references=number)
        graph.round(hook.url)
    for table in ("alert", "alert_message"):
        graph.rows(f"SELECT setval(pg_get_serial_sequence('nexus_assets.{table}', 'id'), 1, FALSE)")
    graph.find(no_orphaned_references=3)
    graph.round(hook.url)
    assert hook.received[-1].title == f"Nexus: new: ERROR {ORPHANS}, 3 (was 0)"


def test_message_says_what_how_many_since_when_why_what_it_stops_and_what_to_do(graph: Graph, hook: Webhook) -> None:
    graph.cause = "All 1,661 point at ids of patients that were superseded in run 7."
    run = graph.find(no_orphaned_references=1661)
    graph.round(hook.url)
    (message,) = hook.received
    assert f"{ORPHANS}, 1,661 (was 0)" in message.body
    assert (
        "what must hold: Every generic reference of image_batches for which a load answers leads to a row that exists."
        in message.body
    )
    assert "reasons: 1,661 target_missing" in message.body
    assert f"first in run {run[:8]}: http://127.0.0.1:3000/runs/{run}" in message.body
    assert f"likely cause: {graph.cause}" in message.body
    assert "not loaded meanwhile: images" in message.body
    assert "run next: correct it" in message.body
    assert "see which rows: http://127.0.0.1:3000/assets/image_batches?view=checks" in message.body


def test_warnings_and_errors_and_passes_are_all_seen(graph: Graph, hook: Webhook) -> None:
    graph.find(no_orphaned_references=3, no_doubtful_references=5)
    graph.round(hook.url)
    assert graph.open_alerts() == {ORPHANS: 3, "image_batches/no_doubtful_references": 5}
    (message,) = hook.received
    assert message.title == f"Nexus: new: ERROR {ORPHANS}, 3 (was 0); and 1 more"


def test_change_by_less_than_a_step_is_not_told(graph: Graph, hook: Webhook) -> None:
    for count in (100, 105, 109, 111, 112, 50):
        graph.find(no_orphaned_references=count)
        graph.round(hook.url)
    assert [message.title.rpartition(", ")[2] for message in hook.received] == [
        "100 (was 0)",
        "111 (was 100)",
        "50 (was 111)",
    ]


def test_open_alert_is_reminded_of_after_its_time(graph: Graph, hook: Webhook) -> None:
    graph.find(no_orphaned_references=3)
    now = datetime.now(timezone.utc)
    for hours in (0, 23, 25, 26, 50):
        graph.round(hook.url, now=now + timedelta(hours=hours))
    assert [message.title.partition(": ")[2].partition(":")[0] for message in hook.received] == [
        "new",
        "still open",
        "still open",
    ]


def test_crashed_check_is_told_once_and_resolved_by_a_pass(graph: Graph, hook: Webhook) -> None:
    graph.find(no_doubtful_references=None)
    graph.round(hook.url)
    graph.round(hook.url)
    graph.find(no_doubtful_references=0)
    graph.round(hook.url)
    assert [message.title for message in hook.received] == [
        "Nexus: new: ERROR image_batches/no_doubtful_references could not run",
        "Nexus: resolved: ERROR image_batches/no_doubtful_references could not run",
    ]
    assert "why: The bucket can't be reached. Check NEXUS_S3_BUCKET." in hook.received[0].body


def test_crash_that_is_older_than_a_newer_evaluation_is_not_missed(stored_graph: Graph, hook: Webhook) -> None:
    """A long run crashes in the end, after a short one found nothing."""
    graph = stored_graph
    graph.round(hook.url)
    graph.violators["no_doubtful_references"] = 0
    job = graph.definitions().resolve_implicit_global_asset_job_def()
    planned = graph.instance.create_run_for_job(job_def=job)
    graph.round(hook.url)
    graph.find()
    graph.round(hook.url)
    assert hook.received == []
    graph.violators["no_doubtful_references"] = None
    for _ in dg._core.execution.api.execute_run_iterator(_job(graph), planned, graph.instance):  # type: ignore[attr-defined]
        pass
    graph.round(hook.url)
    assert graph.open_alerts() == {"image_batches/no_doubtful_references": None}


def _job(graph: Graph) -> object:
    from dagster._core.definitions.job_base import InMemoryJob

    return InMemoryJob(graph.definitions().resolve_implicit_global_asset_job_def())


def test_failed_load_is_told_and_resolved_by_the_next_good_one(stored_graph: Graph, hook: Webhook) -> None:
    graph = stored_graph
    graph.failing["images"] = ValueError(CANARY)
    run = graph.run()
    graph.round(hook.url)
    graph.round(hook.url)
    assert graph.rows("SELECT subject, first_run FROM nexus_assets.alert") == [("load images", run)]
    graph.failing.clear()
    graph.run("images")
    graph.round(hook.url)
    assert [message.title for message in hook.received] == [
        "Nexus: new: ERROR load images failed",
        "Nexus: resolved: ERROR load images failed",
    ]


def test_check_that_was_never_reached_is_not_told(graph: Graph, hook: Webhook) -> None:
    graph.failing["image_batches"] = ValueError("broken")
    graph.run()
    graph.round(hook.url)
    assert graph.open_alerts() == {"load image_batches": None}
    (message,) = hook.received
    assert "not loaded meanwhile: images" in message.body


def test_first_look_goes_back_behind_a_run_that_never_reached_the_check(stored_graph: Graph, hook: Webhook) -> None:
    graph = stored_graph
    graph.find(no_orphaned_references=3)
    graph.failing["image_batches"] = ValueError("broken")
    graph.run()
    graph.round(hook.url)
    assert graph.open_alerts() == {ORPHANS: 3, "load image_batches": None}


def test_failed_check_is_not_told_as_a_failed_run_too(graph: Graph, hook: Webhook) -> None:
    graph.violators["no_orphaned_references"] = 2
    graph.run()
    graph.round(hook.url)
    assert graph.open_alerts() == {ORPHANS: 2}


def test_finding_outside_of_any_run_is_told_as_well(graph: Graph, hook: Webhook) -> None:
    """As `nexus-assets check` leaves them."""
    graph.round(hook.url)
    graph.instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey("image_batches"),
            check_name="no_orphaned_references",
            passed=False,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={"violators": 4},
        )
    )
    graph.round(hook.url)
    assert graph.open_alerts() == {ORPHANS: 4}
    assert "first in run" not in hook.received[0].body


def test_run_that_went_silent_is_told_once(stored_graph: Graph, hook: Webhook) -> None:
    """As one that was killed: Dagster itself never notices."""
    graph = stored_graph
    job = graph.definitions().resolve_implicit_global_asset_job_def()
    run = graph.instance.create_run_for_job(job_def=job)
    graph.instance.handle_new_event(_started(run))
    later = datetime.now(timezone.utc) + timedelta(hours=2)
    for _ in range(3):
        graph.round(hook.url, now=later)
    (message,) = hook.received
    assert message.title == "Nexus: new: ERROR run of image_batches, images failed"
    assert "killed or hangs" in message.body
    graph.run()
    graph.round(hook.url, now=later)
    assert graph.open_alerts() == {}


def _started(run: dg.DagsterRun) -> object:
    from dagster._core.events import DagsterEvent, DagsterEventType
    from dagster._core.events.log import EventLogEntry

    return EventLogEntry(
        error_info=None,
        level=20,
        user_message="",
        run_id=run.run_id,
        timestamp=time.time(),
        job_name=run.job_name,
        dagster_event=DagsterEvent(DagsterEventType.RUN_START.value, run.job_name),
    )


# --- receivers that are down ------------------------------------------------------------------------------------------


def test_ten_rounds_without_a_receiver_lose_nothing_and_double_nothing(
    graph: Graph, hook: Webhook, box: Mailbox
) -> None:
    hook.down = True
    for count in (10, 10, 20, 20, 20, 0, 0, 7, 7, 7):
        graph.find(no_orphaned_references=count)
        with pytest.raises(DeliveryError, match="json 1 did not take the message"):
            graph.round(hook.url, box.url)
    assert hook.received == []
    assert len(box.received) == 4
    hook.down = False
    graph.round(hook.url, box.url)
    graph.round(hook.url, box.url)
    titles = [message.title.rpartition(", ")[2] for message in hook.received]
    assert titles == ["10 (was 0)", "20 (was 10)", "0 (was 20)", "7 (was 0)"]
    assert [message.title for message in box.received] == [message.title for message in hook.received]


def test_message_for_an_address_that_was_corrected_goes_to_the_new_one(graph: Graph, hook: Webhook) -> None:
    graph.find(no_orphaned_references=3)
    with pytest.raises(DeliveryError):
        graph.round("mailto://127.0.0.1:1?from=a@clinic.invalid&to=b@clinic.invalid&mode=insecure")
    graph.round(hook.url)
    assert len(hook.received) == 1


def test_message_that_is_refused_for_ever_holds_nothing_back(graph: Graph, hook: Webhook) -> None:
    hook.refuses = "3 (was 0)"
    for count in (3, 30, 300):
        graph.find(no_orphaned_references=count)
        with pytest.raises(DeliveryError):
            graph.round(hook.url)
    assert hook.received == []
    for _ in range(2):
        with pytest.raises(DeliveryError):
            graph.round(hook.url)
    assert [message.title.rpartition(", ")[2] for message in hook.received] == ["30 (was 3)", "300 (was 30)"]
    hook.refuses = ""
    graph.round(hook.url)
    assert len(hook.received) == 3


def test_text_that_is_too_long_for_a_receiver_comes_in_parts(hook: Webhook) -> None:
    sender = Sender(destinations(hook.url))
    lines = [f"reason number {number}" for number in range(3000)]
    assert sender.send(sender.destinations[0], "Nexus: test", "\n".join(lines))
    assert len(hook.received) > 1
    assert [line for message in hook.received for line in message.body.splitlines()] == lines


def test_heartbeat_is_given_after_good_rounds_only(graph: Graph, hook: Webhook) -> None:
    graph.round(hook.url, heartbeat=hook.heartbeat_url)
    assert hook.beats == 1
    graph.find(no_orphaned_references=3)
    hook.down = True
    with pytest.raises(DeliveryError):
        graph.round(hook.url, heartbeat=hook.heartbeat_url)
    assert hook.beats == 1


def test_what_goes_wrong_a_second_time_is_told_and_ends_as_the_first_time(graph: Graph, hook: Webhook) -> None:
    for violators in (3, 0, 3, 0):
        graph.find(no_orphaned_references=violators)
        graph.round(hook.url)
    assert [message.title.split(":")[1] for message in hook.received] == [" new", " resolved"] * 2


def test_of_a_subject_no_two_alerts_are_open(graph: Graph) -> None:
    graph.find(no_orphaned_references=3)
    graph.round()
    columns = "subject, kind, asset, severity, breakdown, opened_at, first_run, last_run, cause, next_step, blocking"
    with pytest.raises(DatabaseError, match="unique violation"), transaction(graph.engine) as cursor:
        cursor.execute(f"INSERT INTO nexus_assets.alert ({columns}) SELECT {columns} FROM nexus_assets.alert")


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/alive", "http://[", "http://127.0.0.1:{}/unknown"])
def test_a_heartbeat_that_is_not_taken_is_said(address: str, graph: Graph, hook: Webhook) -> None:
    assert str(graph.round(heartbeat=address.format(hook.port))).endswith("; the heartbeat was not taken")
    assert "heartbeat" not in str(graph.round(heartbeat=hook.heartbeat_url))


def test_open_alerts_are_listed_the_oldest_first(graph: Graph) -> None:
    for check in ("no_doubtful_references", "no_orphaned_references"):
        graph.find(**{check: 3})
        graph.round()
    with transaction(graph.engine) as cursor:
        assert [*Book(cursor).open_alerts()] == [DOUBTS, ORPHANS]


def test_nobody_to_tell_keeps_the_alert_until_there_is_somebody(graph: Graph, hook: Webhook) -> None:
    graph.find(no_orphaned_references=3)
    graph.round()
    assert graph.open_alerts() == {ORPHANS: 3}
    graph.round(hook.url)
    assert len(hook.received) == 1


def test_rules_decide_who_is_told(graph: Graph, hook: Webhook, box: Mailbox) -> None:
    graph.find(no_orphaned_references=3, no_doubtful_references=5)
    graph.round(f"ERROR={hook.url}", f"*:patients|images={box.url}")
    (message,) = hook.received
    assert "no_doubtful_references" not in message.body
    assert box.received == []


def test_who_gets_errors_only_is_told_when_a_warning_becomes_one_and_when_it_ends(
    graph: Graph, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_errors = f"ERROR={hook.url}"
    said = []
    for severity, count in (("WARN", 5), ("ERROR", 5), ("WARN", 5), ("WARN", 50), ("WARN", 0)):
        monkeypatch.setitem(CHECKS, "no_doubtful_references", severity)
        graph.find(no_doubtful_references=count)
        graph.round(only_errors)
        said.append([message.title.partition(": ")[2].partition(" image")[0] for message in hook.received])
        hook.received.clear()
    assert said == [[], ["changed: ERROR"], ["changed: WARN"], [], []]


def test_a_check_between_two_loads_does_not_end_the_alert_of_the_failed_one(graph: Graph, hook: Webhook) -> None:
    graph.failing["image_batches"] = ValueError("broken")
    graph.run()
    graph.round(hook.url)
    graph.instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey("image_batches"),
            check_name="no_orphaned_references",
            passed=True,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={"violators": 0},
        )
    )
    graph.round(hook.url)
    assert graph.open_alerts() == {"load image_batches": None}
    graph.failing.clear()
    graph.run()
    graph.round(hook.url)
    assert graph.open_alerts() == {}


@dataclass(frozen=True)
class SlowSender(Sender):
    """Holds the first message until it is let go, as a receiver that takes its time."""

    sent: list[str] = field(default_factory=list)
    begun: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def send(self, destination: Destination, title: str, body: str) -> bool:
        self.sent.append(title)
        self.begun.set()
        self.go_on.wait(30)
        return super().send(destination, title, body)


def test_two_rounds_at_once_deliver_a_message_once(graph: Graph, hook: Webhook) -> None:
    graph.find(no_orphaned_references=3)
    hook.down = True
    with pytest.raises(DeliveryError):
        graph.round(hook.url)
    hook.down = False
    sender = SlowSender(destinations(hook.url))
    rounds = [threading.Thread(target=_deliver, args=(graph.engine, sender)) for _ in range(2)]
    rounds[0].start()
    assert sender.begun.wait(30)
    rounds[1].start()
    for _ in range(100):
        if len(sender.sent) > 1 or graph.rows("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
            break
        time.sleep(0.05)
    sender.go_on.set()
    for each in rounds:
        each.join(30)
    assert len(sender.sent) == len(hook.received) == 1


def test_nothing_that_is_told_or_kept_holds_patient_data_or_an_address(
    graph: Graph, hook: Webhook, box: Mailbox
) -> None:
    graph.failing["images"] = ValueError(CANARY)
    graph.find(no_orphaned_references=3)
    graph.run("images")
    hook.down = True
    with pytest.raises(DeliveryError) as refused:
        graph.round(hook.url, box.url)
    kept = [str(graph.rows(f"SELECT * FROM nexus_assets.{name}")) for name in ("alert", "alert_message", "alert_seen")]
    told = [message.title + message.body for message in box.received]
    for text in (*kept, *told, str(refused.value)):
        assert CANARY not in text
        assert hook.token not in text

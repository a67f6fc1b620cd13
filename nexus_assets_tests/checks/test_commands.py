"""`nexus-assets check` and `status` over a real database and a real bucket: what they print, and the exit codes that scripts trust."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from click.testing import CliRunner, Result
from prometheus_client.parser import text_string_to_metric_families

from nexus_assets.checks import CHECKS
from nexus_assets.commands import check, status
from nexus_assets.commands.metrics import exposition
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.mapping.reasons import REASONS
from nexus_assets_tests.checks.clinic import CheckedClinic
from nexus_assets_tests.conftest import Bucket

BATCH_WITH_IMAGES = """
    SELECT b.id::text FROM {images_batch} AS b JOIN nexus_assets.identity_image_batches AS l ON l.nexus_id = b.id
    WHERE b.image_count = 2 ORDER BY b.id LIMIT 1
"""
NOWHERE = "00000000-0000-4000-8000-000000000000"


def run(command: Any, *arguments: str) -> Result:
    result = CliRunner().invoke(command, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def orphan_a_batch(clinic: CheckedClinic) -> str:
    batch = str(clinic.value(BATCH_WITH_IMAGES))
    clinic.execute("UPDATE {images_batch} SET object_id = %s WHERE id = %s", NOWHERE, batch)
    return batch


def test_all_checks_pass_in_a_sound_clinic(settled: CheckedClinic) -> None:
    result = run(check.command, "--deep")
    assert result.output.strip() == f"{len(CHECKS)} of {len(CHECKS)} checks passed."
    assert result.exit_code == 0
    assert settled.value("SELECT count(*) FROM nexus_assets.check_result WHERE passed") == len(CHECKS)


def test_json_of_a_failed_check_is_the_contract(settled: CheckedClinic) -> None:
    batch = orphan_a_batch(settled)
    result = run(check.command, "--json", "--select", "image_batches/no_orphaned_references")
    assert result.exit_code == 1
    (found,) = json.loads(result.output)["checks"]
    contract = ("asset", "check", "severity", "passed", "count", "breakdown", "sample")
    assert {name: found[name] for name in contract} == {
        "asset": "image_batches",
        "check": "no_orphaned_references",
        "severity": "ERROR",
        "passed": False,
        "count": 1,
        "breakdown": {"target_missing": 1},
        "sample": [
            {
                "key": "images_batch.object_id",
                "id": batch,
                "content_type_id": str(settled.content_type()),
                "object_id": NOWHERE,
                "reason": "target_missing",
            }
        ],
    }
    assert found["next_step"] == "dagster asset materialize --select '*image_batches'"


@pytest.mark.parametrize(
    ("selection", "count"),
    [("images", 12), ("images,notes", 18), ("no_duplicates", 8), ("images.objects_exist", 1)],
    ids=["an asset", "two assets", "a check", "one of one"],
)
def test_selection(settled: CheckedClinic, selection: str, count: int) -> None:  # noqa: ARG001
    assert f"{count} of {count} checks passed." in run(check.command, "--select", selection).output


def test_selection_that_selects_nothing_is_refused(settled: CheckedClinic) -> None:  # noqa: ARG001
    result = run(check.command, "--select", "imagse")
    assert result.exit_code == 2
    assert "is no asset and no check" in result.output


@pytest.mark.parametrize("command", [check.command, status.command], ids=["check", "status"])
def test_warning_is_reported_and_is_no_failure_unless_it_is_asked_for(settled: CheckedClinic, command: Any) -> None:
    settled.execute("UPDATE {patients} SET archived = true")
    lenient = run(command)
    assert lenient.exit_code == 0
    assert "no_doubtful_references" in lenient.output
    assert run(command, "--strict").exit_code == 1


def test_bucket_that_cannot_be_listed_is_exit_code_2_and_the_rest_is_told(
    settled: CheckedClinic,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NEXUS_S3_BUCKET", "no-such-bucket")
    result = run(check.command, "--json")
    assert result.exit_code == 2
    found = json.loads(result.output)["checks"]
    blind = {f"{each['asset']}/{each['check']}" for each in found if each["passed"] is None}
    assert blind == {
        *(
            f"{asset}/{name}"
            for asset in ("documents", "images")
            for name in ("objects_exist", "files_and_rows_agree", "files_open")
        ),
        "images/every_image_visible",
    }
    assert all("no-such-bucket" in each["error"] for each in found if each["passed"] is None)
    assert all(each["passed"] for each in found if each["passed"] is not None)


def test_database_that_cannot_be_reached_is_an_error_of_its_own(
    settled: CheckedClinic,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NEXUS_DATABASE_URL", "postgresql://nexus:hunter2@127.0.0.1:1/nexus")
    for command in (check.command, status.command):
        with pytest.raises(NexusAssetsError, match="can't be reached"):
            run(command)


def test_findings_are_in_dagsters_history_where_there_is_one(
    settled: CheckedClinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    orphan_a_batch(settled)
    run(check.command, "--select", "image_batches")
    key = dg.AssetCheckKey(dg.AssetKey("image_batches"), "no_orphaned_references")
    with dg.DagsterInstance.get() as instance:
        found = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key].evaluation
    assert found is not None
    assert (found.passed, found.metadata["violators"].value) == (False, 1)


def test_list_shows_every_check_and_looks_at_nothing() -> None:
    output = run(check.command, "--list").output
    assert all(each.name in output for each in CHECKS)


# --- status -----------------------------------------------------------------------------------------------------------


def test_status_of_a_sound_clinic(settled: CheckedClinic) -> None:  # noqa: ARG001
    result = run(status.command, "--json")
    found = json.loads(result.output)
    assert result.exit_code == 0
    assert found["alerts"] == {"open": [], "undelivered": 0}
    assert found["entities"]["documents"]["unlinked"] == 1
    assert found["images_visible"] == 13


def metrics(settled: CheckedClinic) -> dict[str, float]:  # noqa: ARG001 - its settings
    """Name with labels -> value, as Prometheus reads it."""
    families = text_string_to_metric_families(run(status.command, "--metrics").output)
    return {
        f"{sample.name.removeprefix('nexus_assets_')} {' '.join(filter(None, sample.labels.values()))}".strip(): sample.value
        for family in families
        for sample in family.samples
    }


def test_metrics_of_a_sound_clinic(settled: CheckedClinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_CLINIC", "north")
    found, told = metrics(settled), json.loads(run(status.command, "--json").output)
    for name, entity in told["entities"].items():
        assert found[f"rows north {name}"] == entity["rows"]
        assert found[f"orphans north {name}"] == 0
        if entity["last_load"] is not None:
            assert 0 <= found[f"load_age_seconds north {name}"] < 24 * 3600
        for reason, number in entity["rejected"].items():
            assert found[f"rejects north {name} {reason}"] == number
    assert any(name.startswith("rejects ") for name in found)
    assert found["images_visible north"] == 13
    assert found["up north"] == 1
    assert found["failed_checks north ERROR"] == found["failed_checks north WARN"] == 0


def test_metrics_show_orphans_failed_checks_and_open_alerts(settled: CheckedClinic) -> None:
    orphan_a_batch(settled)
    settled.execute(
        "INSERT INTO nexus_assets.alert (subject, kind, asset, severity, breakdown, cause, next_step, opened_at, first_run,"
        " last_run) VALUES ('load images', 'load', 'images', 'ERROR', '{}', '', 'try again', now(), 'r', 'r')"
    )
    found = metrics(settled)
    assert found["orphans image_batches"] == 1
    assert found["failed_checks ERROR"] >= 1
    assert found["open_alerts load ERROR"] == 1
    assert run(status.command, "--metrics").exit_code == 1


def test_metrics_hold_names_of_ours_and_numbers_only(settled: CheckedClinic) -> None:  # noqa: ARG001
    output = run(status.command, "--metrics").output
    labels = {value for _, value in re.findall(r'(\w+)="([^"]*)"', output)}
    assert labels <= {"", *ENTITIES, *REASONS, "ERROR", "WARN"}


def test_metrics_of_a_clinic_without_a_table_and_of_one_that_could_not_be_looked_at() -> None:
    absent = {"rows": None, "orphans": 0, "rejected": {}, "last_load": None}
    nothing = {"images_visible": 0, "failed_checks": [], "warnings": [], "alerts": {"open": [], "undelivered": 0}}
    told = exposition({"north": {"entities": {"companies": absent}, **nothing}, "south": None})
    assert 'nexus_assets_up{clinic="north"} 1.0' in told
    assert 'nexus_assets_up{clinic="south"} 0.0' in told
    assert "nexus_assets_rows{" not in told


def test_metrics_and_json_exclude_each_other() -> None:
    assert "Choose one" in CliRunner().invoke(status.command, ["--json", "--metrics"]).output


def test_half_a_link_is_an_orphan_and_not_an_unlinked_row(settled: CheckedClinic) -> None:
    settled.execute(
        "UPDATE {documents_document} SET object_id = NULL WHERE id ="
        " (SELECT id FROM {documents_document} WHERE object_id IS NOT NULL AND filemaker_id IS NOT NULL LIMIT 1)"
    )
    result = run(status.command, "--json")
    documents = json.loads(result.output)["entities"]["documents"]
    assert (documents["unlinked"], documents["orphans"]) == (1, 1)
    assert documents["linked"] == documents["rows"] - 2
    assert result.exit_code == 1


def test_message_that_nobody_got_is_seen_in_status_and_its_exit_code(settled: CheckedClinic) -> None:
    for attempts, code in ((2, 0), (3, 1)):
        settled.execute("TRUNCATE nexus_assets.alert_message")
        settled.execute(
            "INSERT INTO nexus_assets.alert_message (destination, title, body, attempts) VALUES ('mailto 1', 'a', 'b', %s)",
            attempts,
        )
        assert run(status.command).exit_code == code
    assert "1 alert could not be delivered" in run(status.command).output


def test_failed_load_that_was_not_made_good_is_seen_in_status(settled: CheckedClinic) -> None:
    settled.execute(
        "INSERT INTO nexus_assets.alert (subject, kind, asset, severity, breakdown, cause, next_step, opened_at, first_run,"
        " last_run) VALUES ('load images', 'load', 'images', 'ERROR', '{}', '', 'try again', '2026-03-02 20:14+11', 'r', 'r')"
    )
    result = run(status.command)
    assert result.exit_code == 1
    assert "load images failed since 2026-03-02 09:14 (UTC). Run next: try again\n" in result.output


def test_checks_of_one_run_read_the_bucket_once(settled: CheckedClinic, bucket: Bucket) -> None:
    """A listing of a real bucket takes seconds: seven checks look at the same one."""
    from nexus_assets.resources import ClinicBucket

    listed = []
    original = ClinicBucket.objects

    def counted(self: ClinicBucket, listing: Any, run_id: str) -> Any:
        listed.append(listing)
        return original(self, listing, run_id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClinicBucket, "objects", counted)
        run(check.command)
    assert sorted(listed) == ["documents", "images"]
    assert bucket.name
    assert settled.url

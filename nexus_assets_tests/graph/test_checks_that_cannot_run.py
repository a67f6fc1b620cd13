"""A check that can't run fails the step that asks it, with its name and the reason; what the others found is kept all the same."""

from __future__ import annotations

import dagster as dg
import pytest

from nexus_assets.checks.check import Check, CheckContext, Finding
from nexus_assets.errors import NexusAssetsError
from nexus_assets.graph.entity_checks import RETRIES, _checks_of
from nexus_assets.graph.resources import ClinicBucket, NexusDatabase
from nexus_assets_tests.graph.conftest import QUIET, Graph, failures

ASKED: list[str] = []


def finds_nothing(_: CheckContext) -> Finding:
    ASKED.append("finds_nothing")
    return Finding(0)


def cannot_run(_: CheckContext) -> Finding:
    ASKED.append("cannot_run")
    raise NexusAssetsError("The table is not there.", remedy="Run `manage.py migrate`.")


def is_interrupted(_: CheckContext) -> Finding:
    ASKED.append("is_interrupted")
    raise NexusAssetsError("The bucket is throttled.", remedy="Try again.", transient=True)


def has_a_defect(_: CheckContext) -> Finding:
    ASKED.append("has_a_defect")
    raise ZeroDivisionError("Wilhelmina Canary")


def asked(graph: Graph, *finds: object) -> dg.ExecuteInProcessResult:
    ASKED.clear()
    checks = [Check("notes", find.__name__, "A check.", find) for find in finds]  # type: ignore[attr-defined, arg-type]

    @dg.asset
    def notes() -> None:
        pass

    job = dg.Definitions(
        assets=[notes],
        asset_checks=[_checks_of("notes", checks)],
        resources={"database": NexusDatabase(), "bucket": ClinicBucket()},
        executor=dg.in_process_executor,
    ).resolve_implicit_global_asset_job_def()
    return job.execute_in_process(instance=graph.instance, raise_on_error=False, run_config=QUIET)


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nexus_assets.graph.entity_assets.RETRY_SECONDS", 0)


def found(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {each.check_name: each.passed for each in result.get_asset_check_evaluations()}


def test_the_step_fails_and_the_others_are_kept(graph: Graph) -> None:
    graph.clinic.load()
    result = asked(graph, cannot_run, finds_nothing)
    assert not result.success
    ((step, said),) = failures(result)
    assert step == "checks_of_notes"
    assert "notes/cannot_run could not run. The table is not there." in said
    assert "Run `manage.py migrate`." in said
    assert found(result) == {"finds_nothing": True}
    assert graph.clinic.rows("SELECT check_name, passed FROM nexus_assets.check_result") == [("finds_nothing", True)]
    assert sorted(ASKED) == ["cannot_run", "finds_nothing"], "what will not pass by itself is not tried again"


def test_what_may_pass_by_itself_is_tried_again_and_then_fails_the_step(graph: Graph) -> None:
    graph.clinic.load()
    result = asked(graph, is_interrupted, finds_nothing)
    assert not result.success
    assert ASKED.count("is_interrupted") == 1 + RETRIES
    assert found(result) == {"finds_nothing": True}
    assert "notes/is_interrupted could not run. The bucket is throttled." in failures(result)[-1][1]
    assert graph.clinic.value("SELECT count(*) FROM nexus_assets.check_result") == 1


def test_a_defect_fails_the_step_and_is_told_by_its_kind(graph: Graph) -> None:
    graph.clinic.load()
    result = asked(graph, finds_nothing, has_a_defect)
    assert not result.success
    assert "ZeroDivisionError" in failures(result)[-1][1]
    assert "Wilhelmina" not in failures(result)[-1][1]


def test_where_all_can_run_the_step_succeeds(graph: Graph) -> None:
    graph.clinic.load()
    assert asked(graph, finds_nothing).success

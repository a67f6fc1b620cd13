"""Nothing that stands in a file reaches Dagster's history, a plan, a log, or the facts that are shown of a load."""

from __future__ import annotations

import json
import os
from collections import Counter

import pytest
from dagster._serdes import serialize_value

from nexus_assets import load_run
from nexus_assets.load.settings import SWITCHES
from nexus_assets.plan.plan import make_plan
from nexus_assets.resources import ClinicBucket, FileMakerExports, NexusDatabase
from nexus_assets_tests.canaries import Planter, canaries, put_files
from nexus_assets_tests.graph.conftest import Graph, failure

pytestmark = pytest.mark.extended

LOADS = (("patients", "Contacts"), ("notes", "Notes"), ("documents", "Docs"), ("image_batches", "Image_data"))
SEEDS = 12
LENIENT = dict.fromkeys(SWITCHES, True)


@pytest.mark.attack("A damaged file whose cells, member names and encoding are marked", each=SEEDS)
@pytest.mark.parametrize(("entity", "export"), LOADS)
def test_no_damaged_file_is_repeated(
    entity: str, export: str, graph: Graph, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    graph.load(*dict.fromkeys(("patients", entity)))
    said: list[str] = []
    outcomes: Counter[bool] = Counter()
    for seed in range(SEEDS):
        planter = Planter(seed)
        put_files(graph.exports, planter, export)
        for path in graph.exports.iterdir():
            os.utime(path, (graph.clinic.modified.timestamp() + 60 * seed + 60,) * 2)
        planned = make_plan(
            [entity], [], NexusDatabase(), FileMakerExports(), ClinicBucket(), f"plan {seed}", said.append
        )
        said.append(json.dumps(planned.to_json(), default=str))
        result = graph.materialize(entity, config={"ops": {entity: {"config": LENIENT}}})
        outcomes[result.success] += 1
        said += [serialize_value(record) for record in graph.instance.all_logs(result.run_id)]
        found = canaries("\n".join([*said, caplog.text, *capfd.readouterr()]), str(graph.exports), graph.bucket.name)
        assert not found, f"{planter.how}: {found}"
        said.clear()
        caplog.clear()
    assert outcomes[False], "damaged files were tried"
    assert outcomes[True] or entity != "patients", "and files that can be loaded"


def test_error_that_nobody_foresaw_is_told_by_its_kind(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its text may hold a cell, and Dagster keeps the text of whatever fails."""

    def fail(*_: object) -> None:
        raise ValueError(Planter(0).word())

    monkeypatch.setattr(load_run, "resource_inputs", fail)
    result = graph.materialize("patients")
    assert "ValueError that nobody foresaw" in failure(result, "patients")
    assert canaries("\n".join(map(serialize_value, graph.instance.all_logs(result.run_id)))) == []

"""Whatever happens, in any order: imports, edits in Nexus, deletions and re-creations by another tool, partial exports."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from nexus_assets_tests.load.sequence import AnySequence

pytestmark = pytest.mark.extended


def run(new_database: Callable[..., str], template: str, examples: int, steps: int) -> None:
    machine = type("Sequence", (AnySequence,), {"new_database": staticmethod(new_database), "template": template})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        ),
    )


@pytest.mark.timeout(900)  # some hundred loads of every entity: two minutes alone, several beside other tests
def test_any_sequence_ends_well(new_database: Callable[..., str], living_nexus_template: str) -> None:
    run(new_database, living_nexus_template, examples=4, steps=8)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_any_long_sequence_ends_well(new_database: Callable[..., str], living_nexus_template: str) -> None:
    run(new_database, living_nexus_template, examples=9, steps=28)

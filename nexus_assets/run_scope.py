"""Which runs of a Dagster history are ours: what a run was to load and check, and whether that is of this clinic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nexus_assets.asset_keys import CLINIC_TAG, asset_name
from nexus_assets.settings import clinic_name

if TYPE_CHECKING:
    import dagster as dg

UNNAMED_JOB = "__ASSET_JOB"
"""What Dagster calls the job of a run of assets that somebody chose."""


@dataclass(frozen=True)
class Planned:
    """What a run was to do: its steps, each with the asset that it loads or checks."""

    loads: Mapping[str, dg.AssetKey]
    checks: Mapping[str, dg.AssetKey]

    @classmethod
    def of(cls, instance: dg.DagsterInstance, run_id: str) -> Planned:
        """What a run was to do; it is written down when the run is made, before any of its steps begins."""
        import dagster as dg

        loads: dict[str, dg.AssetKey] = {}
        checks: dict[str, dg.AssetKey] = {}
        wanted = {dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED}
        for event in instance.all_logs(run_id, of_type=wanted):
            said = event.dagster_event
            if said is None or said.step_key is None:
                continue
            if said.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED:
                assert said.asset_key is not None
                loads[said.step_key] = said.asset_key
            else:
                checks[said.step_key] = said.asset_check_planned_data.asset_key
        return cls(loads, checks)

    @property
    def assets(self) -> frozenset[dg.AssetKey]:
        """Every asset that the run is about."""
        return frozenset((*self.loads.values(), *self.checks.values()))

    @property
    def names(self) -> frozenset[str]:
        """The loads by their assets' names; the steps of checks where the run was to load nothing."""
        return frozenset(map(asset_name, self.loads.values())) or frozenset(self.checks)


@dataclass(frozen=True)
class Scope:
    """Which part of a history is ours: the checks, assets and jobs of one code location, and of one clinic.

    `location` is None where it is not known, as on the command line: assets and jobs then decide alone.
    """

    checks: frozenset[dg.AssetCheckKey]
    assets: frozenset[dg.AssetKey]
    jobs: frozenset[str]
    location: str | None = None

    @classmethod
    def of(cls, repository: dg.RepositoryDefinition, location: str | None = None) -> Scope:
        """Everything that a repository defines."""
        graph = repository.asset_graph
        jobs = {job.name for job in repository.get_all_jobs()} - {UNNAMED_JOB}
        return cls(frozenset(graph.asset_check_keys), frozenset(graph.executable_asset_keys), frozenset(jobs), location)

    def holds(self, run: dg.DagsterRun, assets: Iterable[dg.AssetKey]) -> bool:
        """Whether a run that was to materialize or check these assets is about anything of ours."""
        origin = run.remote_job_origin
        if origin is not None and self.location is not None and origin.location_name != self.location:
            return False
        its_clinic = run.tags.get(CLINIC_TAG, "")
        if its_clinic == clinic_name() and (its_clinic or run.job_name in self.jobs):
            return True
        return not self.assets.isdisjoint(assets)

    def owns(self, run: dg.DagsterRun, assets: frozenset[dg.AssetKey]) -> bool:
        """Whether it is about nothing else. A job without assets needs a known origin: others may have one of its name."""
        is_known = bool(assets) or bool(run.remote_job_origin and self.location) or CLINIC_TAG in run.tags
        return is_known and assets <= self.assets and self.holds(run, assets)

"""A graph of two assets whose loads and checks go as a test wants, run for real; and the rounds over its history."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import dagster as dg
import sqlalchemy

from nexus_assets.alerts.cycle import Round, make_round
from nexus_assets.alerts.delivery import Sender
from nexus_assets.alerts.policy import destinations
from nexus_assets.checks.check import Finding
from nexus_assets.errors import NexusAssetsError
from nexus_assets.graph.entity_checks import metadata
from nexus_assets.nexus.connection import transaction
from nexus_assets.run_scope import Scope

CANARY = "Wilhelmina Canary 1950-04-01"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
CHECKS = {"no_orphaned_references": "ERROR", "no_doubtful_references": "WARN"}


@dataclass
class Graph:
    """`violators` says what each check of `image_batches` finds; None: it crashes. `failing` names assets whose load fails."""

    instance: dg.DagsterInstance
    engine: sqlalchemy.Engine
    violators: dict[str, int | None] = field(default_factory=lambda: dict.fromkeys(CHECKS, 0))
    failing: dict[str, Exception] = field(default_factory=dict)
    cause: str = ""
    _made: dict[tuple[str, ...], dg.Definitions] = field(default_factory=dict)

    def definitions(self) -> dg.Definitions:
        """The graph, made once for each severity that a test gives its checks."""
        severities = tuple(CHECKS.values())
        if severities not in self._made:
            self._made[severities] = self._make()
        return self._made[severities]

    def _make(self) -> dg.Definitions:
        def load(name: str, deps: tuple[str, ...]) -> dg.AssetsDefinition:
            @dg.asset(name=name, deps=list(deps))
            def loaded() -> None:
                if name in self.failing:
                    raise self.failing[name]

            return loaded

        specs = [
            dg.AssetCheckSpec(name, asset="image_batches", blocking=severity == "ERROR")
            for name, severity in CHECKS.items()
        ]

        @dg.multi_asset_check(name="checks_of_image_batches", specs=specs, can_subset=True)
        def asked(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
            crashed = False
            for key in sorted(context.selected_asset_check_keys, key=str):
                number = self.violators[key.name]
                if number is None:
                    crashed = True
                    continue
                yield self._result(key.name, number)
            if crashed:
                raise NexusAssetsError("The bucket can't be reached.", remedy="Check NEXUS_S3_BUCKET.")

        return dg.Definitions(
            assets=[load("image_batches", ()), load("images", ("image_batches",))],
            asset_checks=[asked],
            executor=dg.in_process_executor,
        )

    def _result(self, name: str, number: int) -> dg.AssetCheckResult:
        found = Finding(number, {"target_missing": number} if number else {}, next_step="correct it", cause=self.cause)
        return dg.AssetCheckResult(
            asset_key="image_batches",
            check_name=name,
            passed=found.passed,
            severity=dg.AssetCheckSeverity(CHECKS[name]),
            # The sample is not ours to tell: an alert must not hold it.
            metadata={**metadata(found), "sample": CANARY},
            description=CANARY,
        )

    def run(self, *assets: str) -> str:
        """Materialises the assets with their checks as the command line does; returns the run's id."""
        job = self.definitions().resolve_implicit_global_asset_job_def()
        selection = [dg.AssetKey(name) for name in assets] or None
        result = job.execute_in_process(
            instance=self.instance, raise_on_error=False, run_config=QUIET, asset_selection=selection
        )
        return str(result.run_id)

    def find(self, **violators: int | None) -> str:
        """A run in which the checks find so many."""
        self.violators |= violators
        return self.run("image_batches")

    @property
    def scope(self) -> Scope:
        return Scope.of(self.definitions().get_repository_def())

    def round(self, *urls: str, heartbeat: str = "", now: datetime | None = None) -> Round:
        """One round, with these addresses to tell."""
        return make_round(self.instance, self.engine, Sender(destinations(" ".join(urls)), heartbeat), self.scope, now)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with transaction(self.engine) as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def open_alerts(self) -> Mapping[str, int | None]:
        """Open subjects with their counts."""
        return dict(self.rows("SELECT subject, violators FROM nexus_assets.alert WHERE resolved_at IS NULL"))  # type: ignore[arg-type]

"""The checks as Dagster asset checks: all those of one asset in one step, so that they see one state of the database."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import dagster as dg

from nexus_assets.asset_keys import asset_key
from nexus_assets.checks import CHECKS, USUAL
from nexus_assets.checks.check import Check, Finding
from nexus_assets.errors import NexusAssetsError, unforeseen_errors_told_by_kind
from nexus_assets.graph.entity_assets import another_try
from nexus_assets.graph.resources import ClinicBucket, NexusDatabase
from nexus_assets.graph.tables import table
from nexus_assets.wording import counted

RETRIES = 1
"""Checks that lost their connection, or could not list the bucket for a reason that may pass, look once more; longer, and
whoever is to know would know late."""


def check_key(check: Check) -> dg.AssetCheckKey:
    """The check as Dagster names it."""
    return dg.AssetCheckKey(asset_key(check.asset), check.name)


def metadata(finding: Finding) -> dict[str, Any]:
    """What the UI shows of a finding: numbers are plotted over time, breakdown and sample are tables."""
    shown: dict[str, Any] = {"violators": finding.count, **finding.figures}
    if finding.breakdown:
        rows = ({"reason": reason, "rows": number} for reason, number in finding.breakdown.items())
        shown["breakdown"] = table({"reason": "string", "rows": "int"}, rows)
    if finding.sample:
        shown["sample"] = table(dict.fromkeys(finding.sample[0], "string"), finding.sample)
    if finding.cause:
        shown["likely_cause"] = finding.cause
    if finding.next_step:
        shown["run_next"] = finding.next_step
    return shown


def said(finding: Finding) -> str:
    """One sentence about a finding that did not pass."""
    if finding.passed:
        return ""
    run_next = f" Run next: {finding.next_step}" if finding.next_step else ""
    return f"{counted(finding.count, 'violator')}.{run_next}"


def _told(check: Check, finding: Finding) -> dict[str, Any]:
    return {
        "asset_key": asset_key(check.asset),
        "check_name": check.name,
        "passed": finding.passed,
        "severity": dg.AssetCheckSeverity(check.severity),
        "metadata": metadata(finding),
        "description": said(finding) or None,
    }


def evaluation(check: Check, finding: Finding) -> dg.AssetCheckEvaluation:
    """A finding made outside of any run, for Dagster's history: the UI and the alerts see it as any other."""
    return dg.AssetCheckEvaluation(**_told(check, finding))


def _checks_of(asset: str, checks: list[Check]) -> dg.AssetChecksDefinition:
    specs = [
        dg.AssetCheckSpec(check.name, asset=asset_key(asset), description=check.description, blocking=check.blocking)
        for check in checks
    ]

    @dg.multi_asset_check(name=f"checks_of_{asset}", specs=specs, can_subset=True)
    def asked(
        context: dg.AssetCheckExecutionContext, database: NexusDatabase, bucket: ClinicBucket
    ) -> Iterator[dg.AssetCheckResult]:
        from nexus_assets.checks.run import ask_all, keep, stored_files

        engine, run_id = database.engine(), context.run.run_id
        chosen = [check for check in checks if check_key(check) in context.selected_asset_check_keys]
        try:
            with unforeseen_errors_told_by_kind():
                answers = dict(ask_all(chosen, engine, stored_files(bucket, run_id)))
                for answer in answers.values():
                    if isinstance(answer, NexusAssetsError) and answer.transient and context.retry_number < RETRIES:
                        raise answer
                findings = {check: answer for check, answer in answers.items() if isinstance(answer, Finding)}
                keep(findings, engine, run_id)
        except NexusAssetsError as error:
            if error.transient:
                raise another_try(context.retry_number, RETRIES) from error
            raise
        for check, finding in findings.items():
            if not finding.passed:
                report = context.log.error if check.severity == "ERROR" else context.log.warning
                report(f"{check.severity} {check.full_name}: {said(finding)}")
            yield dg.AssetCheckResult(**_told(check, finding))
        # The others could not run: that is a failure of the step, after what was found has been told.
        for check, answer in answers.items():
            if isinstance(answer, NexusAssetsError):
                raise NexusAssetsError(f"{check.full_name} could not run. {answer.problem}", remedy=answer.remedy)

    return asked


def with_freshness(assets: Iterable[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """The assets under one policy: a table whose last load is older than `last_load_as_usual` allows is shown as overdue."""
    policy = dg.FreshnessPolicy.time_window(fail_window=USUAL.load_age, warn_window=USUAL.load_age * 0.9)
    return [asset.map_asset_specs(lambda spec: spec.replace_attributes(freshness_policy=policy)) for asset in assets]


def entity_checks() -> list[dg.AssetChecksDefinition]:
    """The asset checks of all entities."""
    by_asset = sorted(CHECKS, key=lambda check: check.asset)
    return [_checks_of(asset, list(checks)) for asset, checks in groupby(by_asset, key=lambda check: check.asset)]

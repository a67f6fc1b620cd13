"""One Dagster asset check per declared check."""

from typing import Any

import dagster as dg

from nexus_assets.checks import CHECKS
from nexus_assets.checks.check import Check, Finding
from nexus_assets.resources import ClinicBucket, NexusDatabase


def _metadata(finding: Finding) -> dict[str, Any]:
    metadata: dict[str, Any] = {"violators": finding.count, **finding.figures}
    if finding.breakdown:
        metadata["breakdown"] = dg.MetadataValue.table(
            [dg.TableRecord({"reason": reason, "rows": number}) for reason, number in finding.breakdown.items()],
            schema=dg.TableSchema([dg.TableColumn("reason"), dg.TableColumn("rows", "int")]),
        )
    if finding.sample:
        metadata["sample"] = dg.MetadataValue.table(
            [dg.TableRecord(dict(row)) for row in finding.sample],
            schema=dg.TableSchema([dg.TableColumn(name) for name in finding.sample[0]]),
        )
    if finding.next_step:
        metadata["run_next"] = finding.next_step
    return metadata


def _asset_check(check: Check) -> dg.AssetChecksDefinition:
    severity = dg.AssetCheckSeverity(check.severity)

    @dg.asset_check(asset=check.asset, name=check.name, description=check.description, blocking=check.blocking)
    def asked(
        context: dg.AssetCheckExecutionContext, database: NexusDatabase, bucket: ClinicBucket
    ) -> dg.AssetCheckResult:
        from nexus_assets.checks.run import ask, keep, stored_files

        engine = database.engine()
        finding = ask(check, engine, stored_files(bucket, context.run.run_id))
        keep(check, finding, engine, context.run.run_id)
        said = "" if finding.passed else f"{finding.count} violators. Run next: {finding.next_step}"
        return dg.AssetCheckResult(
            passed=finding.passed, severity=severity, metadata=_metadata(finding), description=said or None
        )

    return asked


def entity_checks() -> list[dg.AssetChecksDefinition]:
    """The asset checks of all entities."""
    return [_asset_check(check) for check in CHECKS]

"""The asset `import_report`: one page per run of what was loaded, what became of every row, and whether every record is whole."""

from typing import Any

import dagster as dg

from nexus_assets.asset_keys import asset_key
from nexus_assets.entities import ENTITIES
from nexus_assets.graph.resources import ClinicBucket, NexusDatabase
from nexus_assets.graph.source_assets import GROUP, OWNERS
from nexus_assets.graph.tables import table


def _metadata(written: Any) -> dict[str, Any]:
    from nexus_assets.report.facts import OUTCOMES
    from nexus_assets.report.page import totals, verdict

    report, sums = written.report, totals(written.report)
    rows = (
        {
            "entity": load.entity,
            "source_rows": load.source_rows,
            **load.accounting(),
            "success_rate": f"{load.success_rate:.1%}",
        }
        for load in report.loads
    )
    counts = ("source_rows", *OUTCOMES, "rejected")
    columns = {"entity": "string", **dict.fromkeys(counts, "int"), "success_rate": "string"}
    metadata: dict[str, Any] = {
        "report": dg.MetadataValue.url(written.link),
        "file": dg.MetadataValue.path(str(written.page)),
        "verdict": verdict(report).words,
        "summary": table(columns, rows),
        "source_rows": int(sums["source_rows"]),
        "loaded": int(sums["loaded"]),
        "rejected": int(sums["rejected"]),
        "success_rate": round(sums["success_rate"] * 100, 2),
        "checks_failed": len(report.failed),
    }
    if report.images_visible:
        metadata["images_visible"], metadata["images"] = report.images_visible
    return metadata


@dg.asset(
    key=asset_key("import_report"),
    deps=[asset_key(name) for name in ENTITIES],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"html"},
    config_schema={},
)
def import_report(
    context: dg.AssetExecutionContext, database: NexusDatabase, bucket: ClinicBucket
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One page per run, to be shown to people: what was loaded, what became of every row, whether every record is whole.

    The page is self-contained, asks no server for anything, and holds no patient data. Its link is in the metadata.
    """
    from nexus_assets.report.write import write_report

    written = write_report(database, bucket, context.run.run_id)
    context.log.info(f"The report is {written.address}")
    return dg.MaterializeResult(metadata=_metadata(written))

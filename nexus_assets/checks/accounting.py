"""Did every row of the export end somewhere? Loaded, kept, collapsed into its twin, or rejected with a reason."""

from __future__ import annotations

from psycopg2.sql import SQL, Literal

from nexus_assets.checks.check import Finding, Looking
from nexus_assets.load.ledger import is_installed
from nexus_assets.load.tables import identity_table
from nexus_assets.mapping.entity import Entity


def every_row_accounted(entity: Entity, looking: Looking) -> Finding:
    """The last load's figures add up, and agree with what the ledger and the list of rejects hold today."""
    command = f"dagster asset materialize --select '*{entity.name}'"
    if not is_installed(looking.cursor):
        return Finding(1, {"never_loaded": 1}, next_step=command)
    loads = looking.rows(
        SQL(
            "SELECT source_rows, outcomes, rejected FROM nexus_assets.load WHERE entity = {} ORDER BY id DESC LIMIT 1"
        ).format(Literal(entity.name))
    )
    if not loads:
        return Finding(1, {"never_loaded": 1}, next_step=command)
    source_rows, outcomes, rejected = loads[0]
    loaded = sum(number for name, number in outcomes.items() if name != "collapsed")
    (in_ledger,) = looking.row(
        SQL("SELECT count(*) FROM {} WHERE vanished_load IS NULL AND row_hash IS NOT NULL").format(
            identity_table(entity.name)
        )
    )
    open_rejects = dict(
        looking.rows(
            SQL(
                "SELECT reason, count(*) FROM nexus_assets.reject WHERE entity = {} AND resolved_load IS NULL GROUP BY 1"
            ).format(Literal(entity.name))
        )
    )
    differences = {
        "rows_unaccounted": abs(source_rows - sum(outcomes.values()) - sum(rejected.values())),
        "rejects_not_kept": sum(
            abs(rejected.get(name, 0) - open_rejects.get(name, 0)) for name in {*rejected, *open_rejects}
        ),
        # A known row that is rejected today stays in the ledger, so the ledger may hold more than was loaded, never less.
        "ledger_too_small": max(0, loaded - in_ledger),
    }
    breakdown = {name: number for name, number in differences.items() if number}
    figures = {"source_rows": source_rows, **outcomes, "rejected": sum(rejected.values())}
    return Finding(sum(breakdown.values()), breakdown, figures=figures, next_step=command if breakdown else "")

"""Everything that Dagster loads, in the order of the flow; no logic."""
# ruff: noqa: E402 - the clinic's settings come before everything that reads one.

import dagster as dg

from nexus_assets import clinics, memory

clinics.enter()
memory.tune()

from nexus_assets.graph.alert_sensor import check_failed
from nexus_assets.graph.automation import (
    check_everything,
    executor,
    import_everything,
    import_images,
    import_schedule,
    sources_changed,
)
from nexus_assets.graph.entity_assets import entity_assets
from nexus_assets.graph.entity_checks import entity_checks, with_freshness
from nexus_assets.graph.plan_job import plan_import
from nexus_assets.graph.report_asset import import_report
from nexus_assets.graph.resources import ClinicBucket, FileMakerExports, NexusDatabase, NoStoredValues, Notifier
from nexus_assets.graph.run_config import warn_of_open_pages, warn_of_the_demo_in_the_history
from nexus_assets.graph.source_assets import source_assets

warn_of_open_pages()
warn_of_the_demo_in_the_history()

defs = dg.Definitions(
    assets=[*source_assets(), *with_freshness(entity_assets()), import_report],
    asset_checks=entity_checks(),
    jobs=[plan_import, import_everything, import_images, check_everything],
    schedules=[import_schedule()],
    sensors=[sources_changed, check_failed],
    resources={
        "database": NexusDatabase(),
        "exports": FileMakerExports(),
        "bucket": ClinicBucket(),
        "notifier": Notifier(),
        "io_manager": NoStoredValues(),
    },
    # In one process by default: a process for each load would cost five seconds apiece.
    executor=executor(),
)

"""The sensor that makes the rounds: it runs by default, wherever Dagster's daemon does."""

import dagster as dg

from nexus_assets.graph.history import shorten
from nexus_assets.graph.resources import NexusDatabase, Notifier

SECONDS = 15
"""A failing check is to reach a person within a minute: seen after 15 seconds at most, and sent at once."""


@dg.sensor(
    minimum_interval_seconds=SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells of checks that fail or crash, loads and runs that fail, whoever started them; and when they are right again.",
)
def check_failed(context: dg.SensorEvaluationContext, database: NexusDatabase, notifier: Notifier) -> dg.SkipReason:
    """One round over Dagster's history. A round that could not deliver is a failed tick, and the next one tries again."""
    from nexus_assets.alerts.cycle import make_round
    from nexus_assets.run_scope import Scope

    assert context.repository_def is not None
    origin = context.code_location_origin
    scope = Scope.of(context.repository_def, origin.location_name if origin else None)
    shorten(context.instance, scope)
    return dg.SkipReason(str(make_round(context.instance, database.engine(), notifier.sender(), scope)))

"""`nexus-assets alert`: one round of alerting without Dagster's daemon, for cron; and a test message to every destination."""

from __future__ import annotations

import sys

import click

from nexus_assets.alerts.delivery import DeliveryError, Sender
from nexus_assets.alerts.message import headed
from nexus_assets.commands import dagster_instance
from nexus_assets.errors import NexusAssetsError
from nexus_assets.resources import NexusDatabase, Notifier

NOT_DELIVERED = 1


@click.command("alert")
@click.option("--test", "is_test", is_flag=True, help="Send a test message to every destination, and look at nothing.")
def command(is_test: bool) -> None:
    """Look once for what went wrong, send alerts, and exit: 0 all sent, 1 not all delivered, 2 could not run."""
    sender = Notifier().sender()
    if is_test:
        _test(sender)
        return
    with dagster_instance.opened() as instance:
        from nexus_assets.alerts.cycle import make_round
        from nexus_assets.definitions import defs
        from nexus_assets.run_scope import Scope

        try:
            done = make_round(instance, NexusDatabase().engine(), sender, Scope.of(defs.get_repository_def()))
            click.echo(str(done))
            if done.open and not sender.destinations:
                raise DeliveryError(
                    "No alerts are set up.", remedy="Set NEXUS_ALERT_URLS: docs/alerts.md describes how."
                )
        except DeliveryError as error:
            click.echo(str(error), err=True)
            sys.exit(NOT_DELIVERED)


def _test(sender: Sender) -> None:
    if not sender.destinations:
        raise NexusAssetsError(
            "No alerts are set up: NEXUS_ALERT_URLS is not set.",
            remedy="Set it in the environment or in .env, e.g. mailto://user:password@host?to=you@clinic.example .",
        )
    failed = False
    for destination in sender.destinations:
        taken = sender.send(destination, headed("test"), "This is how alerts of the Nexus import will arrive.")
        click.echo(f"{destination.name}: {'taken' if taken else 'refused'}")
        failed = failed or not taken
    sys.exit(NOT_DELIVERED if failed else 0)

"""`nexus-assets report`: the report of what is in Nexus now, without loading anything."""

from __future__ import annotations

import sys
import uuid

import click
from rich.console import Console


@click.command("report")
def command() -> None:
    """Write the import report of the last loads now, as after a run that failed; print where it is.

    Exit code 0: no check failed, 1: otherwise, 2: could not run.
    """
    with Console(stderr=True).status("Running checks and writing the report"):
        from nexus_assets.report.write import write_report
        from nexus_assets.resources import ClinicBucket, NexusDatabase

        written = write_report(NexusDatabase(), ClinicBucket(), str(uuid.uuid4()))
    click.echo(written.address)
    sys.exit(1 if written.report.errors or written.report.never_loaded else 0)

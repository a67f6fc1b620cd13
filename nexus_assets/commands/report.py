"""`nexus-assets report`: the report of what is in Nexus now, without loading anything."""

from __future__ import annotations

import sys
import uuid

import click


@click.command("report")
def command() -> None:
    """Write the import report of the last loads now, as after a run that failed; print where it is.

    Exit code 0: every record is whole, 1: something is wrong, 2: could not look.
    """
    from nexus_assets.report.write import write_report
    from nexus_assets.resources import ClinicBucket, NexusDatabase

    written = write_report(NexusDatabase(), ClinicBucket(), str(uuid.uuid4()))
    click.echo(written.address)
    sys.exit(1 if written.report.errors or written.report.never_loaded else 0)

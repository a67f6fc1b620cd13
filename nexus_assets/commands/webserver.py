"""`nexus-assets webserver`: Dagster's pages, closed to other web sites."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("webserver")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=3000, show_default=True, help="The port to listen on.")
@click.option(
    "--workspace",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=Path("workspace.yaml"),
    show_default=True,
    help="What Dagster loads.",
)
def command(host: str, port: int, workspace: Path) -> None:
    """Serve Dagster's pages as dagster-webserver does, but closed to other web sites (docs/deploying.md)."""
    from nexus_assets.commands.dagster_instance import opened
    from nexus_assets.graph.webserver import serve

    with opened() as instance:
        serve(instance, workspace.absolute(), host, port)

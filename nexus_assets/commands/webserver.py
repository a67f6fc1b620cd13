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
    help="What Dagster loads; workspace.yaml by default, or this clinic alone where there is none.",
)
@click.option(
    "--reports",
    type=click.Path(file_okay=False, path_type=Path),
    multiple=True,
    help="A folder of import reports to show; several times if need be. By default the one that NEXUS_REPORTS names.",
)
def command(host: str, port: int, workspace: Path | None, reports: tuple[Path, ...]) -> None:
    """Serve Dagster's pages and the import reports as dagster-webserver would, but closed to other web sites (docs/deploying.md)."""
    from nexus_assets.commands.dagster_instance import opened, use_that_of_the_demo
    from nexus_assets.graph.webserver import serve
    from nexus_assets.report.write import folder

    use_that_of_the_demo()
    with opened() as instance:
        shown = [each.absolute() for each in reports] or [folder()]
        serve(instance, workspace or Path("workspace.yaml"), shown, host, port)

"""`nexus-assets clinics`: what Dagster and Compose need to serve the clinics of clinics/*.env, each from a code server of its own."""

from __future__ import annotations

from typing import Any

import click
import yaml

from nexus_assets import clinics
from nexus_assets.errors import NexusAssetsError

PORT = 4000


def compose(names: list[str]) -> dict[str, Any]:
    """What is laid over deploy/compose.yaml: a code server a clinic, with that clinic's settings alone."""
    storage = "postgresql+psycopg2://dagster:${DAGSTER_STORAGE_PASSWORD}@storage/dagster"
    services: dict[str, Any] = {
        name: {
            "image": "nexus-assets",
            "command": ["dagster", *clinics.code_server(name, "0.0.0.0", PORT)],
            "env_file": f"../{clinics.FOLDER}/{name}.env",
            "environment": {
                "NEXUS_CLINIC": name,
                "NEXUS_EXPORTS": "/srv/exports",
                "NEXUS_REPORTS": f"/srv/reports/{name}",
                "DAGSTER_STORAGE_URL": storage,
            },
            "volumes": [f"${{EXPORTS_FOLDER}}/{name}:/srv/exports:ro", "reports:/srv/reports"],
            "depends_on": {"storage": {"condition": "service_healthy"}},
            "init": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "restart": "unless-stopped",
        }
        for name in names
    }
    mounted = {"volumes": [f"../{clinics.FOLDER}/workspace.yaml:/srv/workspace.yaml:ro"], "depends_on": names}
    pages = ["nexus-assets", "webserver", "--host", "0.0.0.0", "--port", "3000"]
    reports = [word for name in names for word in ("--reports", f"/srv/reports/{name}")]
    services["webserver"] = {**mounted, "command": [*pages, "--workspace", "/srv/workspace.yaml", *reports]}
    services["daemon"] = {**mounted, "command": ["dagster-daemon", "run", "--workspace", "/srv/workspace.yaml"]}
    return {"services": services}


@click.command("clinics")
@click.option("--compose", "for_compose", is_flag=True, help="What to lay over deploy/compose.yaml, instead.")
@click.option(
    "--in-compose", is_flag=True, help="The workspace for the containers, whose hosts are the clinics' names."
)
def command(for_compose: bool, in_compose: bool) -> None:
    """Print the workspace.yaml of the clinics in clinics/*.env: a code location each, on ports from 4000."""
    names = clinics.names()
    if not names:
        raise NexusAssetsError(
            f"There is no {clinics.FOLDER}/NAME.env in this folder.",
            remedy="Write one for each clinic, as .env.example shows. docs/deploying.md describes the rest.",
        )
    servers = {name: (name, PORT) if in_compose else ("127.0.0.1", PORT + number) for number, name in enumerate(names)}
    click.echo(yaml.safe_dump(compose(names) if for_compose else clinics.workspace(servers), sort_keys=False), nl=False)

"""Dagster's pages, served behind the rules of page_access."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget, WorkspaceFileTarget, WorkspaceLoadTarget
from dagster._utils.interrupts import setup_interrupt_handlers
from dagster_graphql.schema.runs import parse_run_config_input
from dagster_webserver.version import __version__
from dagster_webserver.webserver import DagsterWebserver
from graphql import GraphQLError, GraphQLResolveInfo

from nexus_assets import settings
from nexus_assets.graph.page_access import PageAccess, Rules
from nexus_assets.graph.report_pages import ReportPages

STATEMENT_TIMEOUT_MS, POOL_RECYCLE_SECONDS, MAX_OVERFLOW = 15_000, 3600, 20
"""What `dagster-webserver` uses for its history in PostgreSQL."""

LOCATION = "nexus_assets"
"""The name of the code location, as workspace.yaml has it."""

SERVER: dict[str, Any] = {"http": "h11", "log_level": "warning", "server_header": False, "timeout_graceful_shutdown": 3}
"""How uvicorn serves: of its two parsers h11 refuses what HTTP forbids, and shows a request line that names another host."""

DECIDED_BY_SETTINGS = ("resources", "execution", "inputs")
PLACING_TAGS = ("dagster-k8s/", "dagster-celery/", "ecs/", "docker/")
"""Run tags by which Dagster's launchers take another image, command or environment."""


def refuse_foreign_config(resolve: Callable[..., Any], root: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    """Refuses a mutation that says for a run what the settings decide.

    Dagster keeps the config of a backfill, and of a resource that the selected assets don't use, without validating it.
    """
    if info.parent_type.name == "Mutation":
        for name, value in _values(arguments):
            if name == "runConfigData" and any(map(_says_something, _decided(value))):
                raise GraphQLError("Resources and execution come from the settings, not from the config of a run.")
            if name == "key" and str(value).startswith(PLACING_TAGS):
                raise GraphQLError("Where a run is executed comes from dagster.yaml, not from its tags.")
    return resolve(root, info, **arguments)


def _values(given: Any) -> Iterator[tuple[str, Any]]:
    """(name, value) of every argument, however deep."""
    if isinstance(given, Mapping):
        for name, value in given.items():
            yield name, value
            yield from _values(value)
    elif isinstance(given, list):
        for value in given:
            yield from _values(value)


def _decided(run_config: Any) -> Iterator[Any]:
    parsed = parse_run_config_input(run_config, raise_on_error=False)
    if isinstance(parsed, Mapping):
        yield from (parsed.get(name) for name in DECIDED_BY_SETTINGS)


def _says_something(config: Any) -> bool:
    """Whether any value stands in it: the Launchpad writes empty configs."""
    if isinstance(config, Mapping):
        return any(map(_says_something, config.values()))
    return config is not None


class ClosedWebserver(DagsterWebserver):  # type: ignore[type-arg]
    """Dagster's web server with one more rule for mutations."""

    def build_graphql_middleware(self) -> list[Any]:
        """The rule, for every way in which arguments can be written."""
        return [refuse_foreign_config]


def create_app(context: WorkspaceProcessContext, reports: Sequence[Path]) -> PageAccess:
    """Dagster's pages, and the reports in these folders, as an ASGI application behind the rules.

    Raises NexusAssetsError for a setting that can't be used.
    """
    rules = Rules.of(settings.DAGSTER_URL.value(), settings.DAGSTER_PASSWORD.value())
    return PageAccess(ReportPages(ClosedWebserver(context).create_asgi_app(), reports), rules)


def workspace_context(instance: dg.DagsterInstance, target: WorkspaceLoadTarget) -> WorkspaceProcessContext:
    """The code locations of a workspace, with the history in the instance; to be used as a context manager."""
    return WorkspaceProcessContext(
        instance, version=__version__, workspace_load_target=target, code_server_log_level="warning"
    )


def serve(instance: dg.DagsterInstance, workspace: Path, reports: Sequence[Path], host: str, port: int) -> None:
    """Serves the pages, and the reports in these folders, until the process is interrupted.

    Where there is no such workspace file, the pages are those of this package's definitions.
    """
    setup_interrupt_handlers()
    instance.optimize_for_webserver(STATEMENT_TIMEOUT_MS, POOL_RECYCLE_SECONDS, MAX_OVERFLOW)
    module = ModuleTarget("nexus_assets.definitions", None, str(Path.cwd()), LOCATION)
    target = WorkspaceFileTarget([str(workspace.absolute())]) if workspace.exists() else module
    with workspace_context(instance, target) as context:
        uvicorn.run(create_app(context, reports), host=host, port=port, **SERVER)

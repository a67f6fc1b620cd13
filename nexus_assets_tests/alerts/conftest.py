"""What the tests of alerts share: a small graph whose checks and loads fail on demand, its history, its book, its receivers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
import yaml

from nexus_assets.local.home import SOURCE
from nexus_assets.nexus.connection import make_engine
from nexus_assets_tests.alerts.graph import Graph
from nexus_assets_tests.alerts.receivers import Mailbox, Webhook, mailbox, webhook
from nexus_assets_tests.load.conftest import one_connection

__all__ = ["one_connection"]


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as receiver:
        yield receiver


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as receiver:
        yield receiver


@pytest.fixture
def graph(database: str, dagster_instance: dg.DagsterInstance) -> Graph:
    """The graph over an empty history, which is kept in memory."""
    return Graph(dagster_instance, make_engine(database))


@pytest.fixture(params=["sqlite", "postgresql"])
def stored_graph(
    request: pytest.FixtureRequest, database: str, new_database: Callable[..., str], tmp_path: Path
) -> Iterator[Graph]:
    """The graph over an empty history in each of the places where a clinic may keep it."""
    settings: dict[str, Any] = yaml.safe_load((SOURCE / "dagster.yaml").read_text("utf-8"))
    settings["storage"]["custom"]["config"] = {"base_dir": str(tmp_path)}
    if request.param == "postgresql":
        url = sa.make_url(new_database())
        place = {
            "username": url.username,
            "password": url.password,
            "hostname": url.host,
            "port": url.port,
            "db_name": url.database,
            "scheme": "postgresql+psycopg2",
        }
        settings["storage"] = {"postgres": {"postgres_db": place}}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(settings))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield Graph(instance, make_engine(database))

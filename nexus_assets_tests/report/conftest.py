"""What the tests of reports share: the graph over a small clinic, and its reports."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from nexus_assets.local.s3 import S3Server
from nexus_assets_tests.conftest import Bucket, database_name
from nexus_assets_tests.graph.conftest import Graph, failures, graph
from nexus_assets_tests.load.clinic import Clinic, furnish

__all__ = ["graph"]


@dataclass(frozen=True)
class Made:
    """A report as it was written: its page and its figures."""

    page: str
    figures: dict[str, Any]
    file: Path

    def on_page(self, name: str, entity: str = "") -> list[int]:
        """The numbers that the page shows under a name, within an entity's part of it where one is named."""
        text = self.page
        if entity:
            text = " ".join(re.findall(rf'data-entity="{entity}">(.*?)(?=data-entity=|<section>)', text, re.DOTALL))
        shown = re.findall(rf'data-figure="{re.escape(name)}">([\d,]+)', text)
        return [int(number.replace(",", "")) for number in shown]


def materialize_with_report(graph: Graph, folder: Path, *names: str) -> Made:
    """Materialises these assets, all where none is named, and returns the report of that run."""
    before = set(folder.glob("*.html"))
    assert failures(graph.materialize(*names, *(["import_report"] if names else []))) == []
    (page,) = set(folder.glob("*.html")) - before
    return Made(page.read_text("utf-8"), json.loads(page.with_suffix(".json").read_text("utf-8")), page)


@pytest.fixture
def report(
    graph: Graph, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Made]:
    """Materialises these assets, all where none is named, and returns the report of that run."""
    folder = tmp_path_factory.mktemp("reports")
    monkeypatch.setenv("NEXUS_REPORTS", str(folder))
    return lambda *names: materialize_with_report(graph, folder, *names)


@pytest.fixture(scope="module")
def first(
    kept_database: Callable[..., str],
    living_nexus_template: str,
    s3_server: S3Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Graph, Made]]:
    """A clinic that was loaded once, not all of it could be, and the report of that: to look at, not to change."""
    folder, url = tmp_path_factory.mktemp("exports"), kept_database(living_nexus_template)
    files = s3_server.folder / "first-report"
    bucket = Bucket(files.name, files, s3_server.endpoint_url, s3_server.access_key_id, s3_server.secret_access_key)
    settings = {
        "NEXUS_DATABASE_URL": url,
        "NEXUS_EXPORTS": str(folder),
        "NEXUS_S3_BUCKET": bucket.name,
        "NEXUS_S3_ENDPOINT_URL": bucket.endpoint_url,
        "NEXUS_REPORTS": str(tmp_path_factory.mktemp("first")),
        "AWS_ACCESS_KEY_ID": bucket.access_key_id,
        "AWS_SECRET_ACCESS_KEY": bucket.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with (
        pytest.MonkeyPatch.context() as patch,
        dg.DagsterInstance.ephemeral() as instance,
        closing(furnish(Clinic(url, folder))) as clinic,
    ):
        for name, value in settings.items():
            patch.setenv(name, value)
        clinic.contact("")
        clinic.note(clinic.contact("Ironbark"), text="")
        graph = Graph(clinic, bucket, folder, instance)
        graph.place()
        yield graph, materialize_with_report(graph, Path(settings["NEXUS_REPORTS"]))
    shutil.rmtree(files)


@pytest.fixture
def reported(
    first: tuple[Graph, Made],
    new_database: Callable[..., str],
    dagster_instance: dg.DagsterInstance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Graph]:
    """The clinic of the first report in a copy of its database, to be loaded and reported of once more."""
    graph, _ = first
    graph.clinic.close()
    url = new_database(database_name(graph.clinic.url))
    monkeypatch.setenv("NEXUS_DATABASE_URL", url)
    monkeypatch.setenv("NEXUS_REPORTS", str(tmp_path))
    with closing(replace(graph.clinic, url=url)) as clinic:
        clinic.own_ledger()
        yield replace(graph, clinic=clinic, instance=dagster_instance)

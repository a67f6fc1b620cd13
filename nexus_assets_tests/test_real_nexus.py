"""A Nexus that Django made under its real names, connected as README says, is planned, loaded, looked at and checked."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import pytest

from nexus_assets import cli
from nexus_assets.local.postgres import Postgres
from nexus_assets_tests.checks.clinic import JPEG, PDF
from nexus_assets_tests.graph.conftest import Graph, failures, graph  # noqa: F401 - the fixture
from nexus_assets_tests.load.clinic import Clinic
from nexus_assets_tests.load.test_django import Django, start
from nexus_assets_tests.test_readme import as_role  # noqa: F401 - the fixture

pytestmark = pytest.mark.extended


@pytest.fixture
def living_nexus_database(database: str, postgres: Postgres, tmp_path: Path) -> str:
    """In place of the demo's schema: what Nexus's own migrations make."""
    with start("current", postgres) as project, closing(Clinic(database, tmp_path)) as clinic:
        Django(project, clinic)("create")
    return database


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Calls a command as a shell does, and returns its exit code."""

    def call(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["nexus-assets", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    return call


def test_role_of_readme_loads_a_nexus_that_django_made(
    as_role: Graph,  # noqa: F811
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    clinic = as_role.clinic
    clinic.modified = datetime.now(timezone.utc)
    as_role.place()
    for key, size in {**clinic.images, **clinic.documents}.items():
        (as_role.bucket.folder / key).write_bytes((PDF if key.endswith(".pdf") else JPEG).ljust(size, b"x"))
    content_types = clinic.rows("SELECT * FROM django_content_type")
    assert run("plan") == 0
    assert failures(as_role.materialize()) == []
    assert [run("status"), run("check")] == [0, 0], capsys.readouterr().out
    assert clinic.row(
        "SELECT (SELECT count(*) FROM patients), (SELECT count(*) FROM appointments), (SELECT count(*) FROM notes),"
        " (SELECT count(*) FROM documents_document), (SELECT count(*) FROM images_batch), (SELECT count(*) FROM images_image)"
    ) == (2, 2, 2, 2, 2, 4)
    loaded = clinic.versions()
    as_role.load()
    assert clinic.versions() == loaded
    assert clinic.rows("SELECT * FROM django_content_type") == content_types

"""What the tests of admin/ share: the tiny clinic of the loads, and the commands over its database."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from nexus_assets.cli import nexus_assets
from nexus_assets_tests.load.clinic import Clinic
from nexus_assets_tests.load.conftest import (
    clinic,
    copied,
    empty_ledger_template,
    furnished,
    loaded,
    loaded_template,
    loaded_under_django_names,
    one_connection,
    prepared,
    prepared_once,
    without_ledger,
)
from nexus_assets_tests.nexus.conftest import opened

__all__ = [
    "clinic",
    "copied",
    "empty_ledger_template",
    "furnished",
    "loaded",
    "loaded_template",
    "loaded_under_django_names",
    "one_connection",
    "opened",
    "prepared",
    "prepared_once",
    "without_ledger",
]

Command = Callable[..., Result]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Clinic], Command]:
    """Runs a command of nexus-assets over the clinic's database, as a terminal would."""

    def over(clinic: Clinic) -> Command:
        monkeypatch.setenv("NEXUS_DATABASE_URL", clinic.url)
        monkeypatch.setenv("NEXUS_EXPORTS", str(clinic.folder))
        monkeypatch.setenv("NEXUS_S3_BUCKET", "clinic")
        return lambda *words: CliRunner().invoke(nexus_assets, words)

    return over

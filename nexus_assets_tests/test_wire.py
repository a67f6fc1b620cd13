"""Addresses are shown without what they keep secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexus_assets import settings, wire
from nexus_assets.errors import NexusAssetsError
from nexus_assets.nexus.connection import database_url
from nexus_assets.report.write import WrittenReport

HIDING = "https://user:word@dagster.example:8443/pages/?token=word#word"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (HIDING, "https://dagster.example:8443/pages"),
        ("http://word@[::1]:3000", "http://[::1]:3000"),
        ("s3://word:word@bucket/exports?token=word", "s3://bucket/exports"),
        ("https://host:word/", "an address that can't be read"),
        ("word", "an address that can't be read"),
    ],
)
def test_address_is_shown_without_user_password_and_query(address: str, shown: str) -> None:
    assert wire.shown_address(address) == shown


def test_links_to_pages_and_reports_hold_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_DAGSTER_URL", HIDING)
    monkeypatch.setenv("NEXUS_REPORTS_URL", HIDING)
    assert wire.pages_address() == "https://dagster.example:8443/pages"
    written = WrittenReport(None, Path("import-1.html"))  # type: ignore[arg-type]
    assert written.link == "https://dagster.example:8443/pages/import-1.html"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NEXUS_S3_BUCKET", "https://user:word@s3.example/clinic?token=word"),
        ("NEXUS_S3_BUCKET", "user:word@clinic"),
        ("NEXUS_EXPORTS", "s3://user:word@clinic/exports"),
        ("NEXUS_EXPORTS", "s3://clinic/exports?token=word"),
        ("NEXUS_EXPORTS", "https://user:word@files.example/exports"),
    ],
)
def test_place_that_is_an_address_with_a_password_is_refused_unrepeated(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = {
        "NEXUS_DATABASE_URL": "postgresql://127.0.0.1/nexus",
        "NEXUS_EXPORTS": "s3://clinic/exports",
        "NEXUS_S3_BUCKET": "clinic",
    }
    for setting, told in usual.items():
        monkeypatch.setenv(setting, told)
    assert settings.clinic() is not None
    monkeypatch.setenv(name, value)
    with pytest.raises(NexusAssetsError, match=name) as refusal:
        settings.clinic()
    assert "word" not in refusal.value.problem


@pytest.mark.parametrize("end", ["#word", "@word"])
def test_database_whose_name_may_hold_a_secret_is_refused_unrepeated(end: str) -> None:
    with pytest.raises(NexusAssetsError, match="NEXUS_DATABASE_URL") as refusal:
        database_url(f"postgresql://nexus@127.0.0.1/nexus{end}")
    assert "word" not in refusal.value.problem

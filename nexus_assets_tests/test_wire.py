"""Addresses are shown without what they keep secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexus_assets import wire
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

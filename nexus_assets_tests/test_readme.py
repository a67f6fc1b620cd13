"""README tells the truth: its tables are those of the code, its commands run, its examples load."""

from __future__ import annotations

import re

import pytest

from nexus_assets_tests.readme import README, TABLES, WRITE, block


def _text() -> str:
    return README.read_text("utf-8")


@pytest.mark.parametrize("name", TABLES)
def test_table_is_as_the_code_has_it(name: str) -> None:
    (found,) = block(name).findall(_text())
    assert found.strip() == TABLES[name]().strip(), f"Run: {WRITE}"


def test_every_place_that_it_names_exists() -> None:
    root = README.parent
    named = re.findall(r"`((?:nexus_assets|nexus_assets_tests|docs)/[\w/.]*)`", _text())
    assert named
    # The clinics of the example are not there: it tells how to add them.
    assert [place for place in named if not (root / place).exists()] == ["nexus_assets/entities/clinics.py"]


def test_every_link_leads_somewhere() -> None:
    places = re.findall(r"\]\((?!https?:)([^)#]+)", _text())
    assert [place for place in places if not (README.parent / place).exists()] == []

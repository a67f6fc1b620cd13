"""What the tests of the connection share: a clinic over a Nexus database of its own."""

from __future__ import annotations

import pytest

from nexus_assets_tests.load.conftest import (
    Open,
    clinic,
    copied,
    empty_ledger_template,
    furnished,
    loaded,
    loaded_template,
)

__all__ = ["clinic", "copied", "empty_ledger_template", "furnished", "loaded", "loaded_template"]


@pytest.fixture
def opened(copied: Open) -> Open:
    """What is tested opens connections of its own."""
    return copied

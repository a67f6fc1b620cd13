"""What the tests of the connection share: a clinic over a Nexus database of its own."""

from __future__ import annotations

from nexus_assets_tests.load.conftest import clinic, furnished, loaded, loaded_template

__all__ = ["clinic", "furnished", "loaded", "loaded_template"]

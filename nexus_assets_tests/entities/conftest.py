"""The parsers, for the tests of what entities declare."""

from nexus_assets_tests.mapping.conftest import ask, parsers, read

__all__ = ["ask", "parsers", "read"]

"""What the tests of plans share: the graph over a small clinic."""

from nexus_assets_tests.graph.conftest import graph

__all__ = ["graph"]

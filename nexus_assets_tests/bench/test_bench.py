"""The benchmark: what it fills for the checks of references is sound, a check that says otherwise is no figure, and the graph that does
nothing is as large as the graph."""

from __future__ import annotations

import pytest
from psycopg2.sql import SQL

from nexus_assets.checks import CHECKS
from nexus_assets.definitions import defs as graph
from nexus_assets.nexus.connection import make_engine, transaction
from nexus_assets_tests.bench import orphans
from nexus_assets_tests.bench.idle import defs as graph_that_does_nothing


def test_graph_that_does_nothing_has_the_assets_and_checks_of_the_graph() -> None:
    idle, real = (each.resolve_asset_graph() for each in (graph_that_does_nothing, graph))
    assert idle.get_all_asset_keys() == real.get_all_asset_keys()
    assert idle.asset_check_keys == real.asset_check_keys
    assert {key: idle.get(key).parent_keys for key in idle.get_all_asset_keys()} == {
        key: real.get(key).parent_keys for key in real.get_all_asset_keys()
    }


def test_every_check_for_references_is_measured(living_nexus_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "ROWS", dict.fromkeys(orphans.ROWS, 7))
    orphans.fill(living_nexus_database, scale=3)
    asked = {each.check: each for each in orphans.ask(living_nexus_database)}
    assert {*asked} == {check.full_name for check in CHECKS if check.name in orphans.MEASURED}
    assert {each.rows for each in asked.values()} == {21}
    with transaction(make_engine(living_nexus_database)) as cursor:
        cursor.execute(SQL("UPDATE documents_document SET object_id = gen_random_uuid()"))
    with pytest.raises(RuntimeError, match="documents/no_unmanaged_orphans found 21"):
        list(orphans.ask(living_nexus_database))

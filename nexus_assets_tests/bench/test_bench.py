"""The benchmark of the checks for references: what it fills is sound, and a check that says otherwise is no figure."""

from __future__ import annotations

import pytest
from psycopg2.sql import SQL

from nexus_assets.checks import CHECKS
from nexus_assets.nexus.connection import make_engine, transaction
from nexus_assets_tests.bench import orphans


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

"""The demo clinic as the importer in use today leaves it, at published size and without a ledger: adopted and healed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner, Result

from nexus_assets.cli import nexus_assets
from nexus_assets.entities import ENTITIES
from nexus_assets.local.services import connect
from nexus_assets.sources import s3
from nexus_assets_tests.load.importer_in_use import degrade
from nexus_assets_tests.local.test_demo import TABLES, Demo, copy_of, loaded_demo, materialize_here  # noqa: F401 - the fixture

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.filterwarnings("ignore:.*asset_materialize_command"),
]

PUBLISHED = [2_842, 9_837, 11_210, 10_190, 1_661, 6_489]
"""Rows of TABLES."""

INCIDENT = """
    CREATE TEMP TABLE again AS SELECT id, gen_random_uuid() AS new FROM patients;
    UPDATE notes SET patient_id = new FROM again WHERE again.id = patient_id;
    UPDATE appointments SET patient_id = new FROM again WHERE again.id = patient_id;
    UPDATE patient_referrers SET patient_id = new FROM again WHERE again.id = patient_id;
    UPDATE patients SET id = new FROM again WHERE again.id = patients.id
"""
"""Every patient is recreated under a new id, and what refers to them by a generic key keeps the old one."""

DANGLING = """
    SELECT (SELECT count(*) FROM images_batch AS b WHERE NOT EXISTS (SELECT FROM patients AS p WHERE p.id = b.object_id)),
           (SELECT count(*) FROM documents_document AS d WHERE d.object_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM patients AS p WHERE p.id = d.object_id))
"""


@pytest.fixture(scope="module")
def loaded(loaded_demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:  # noqa: F811
    """Its commands run in this process. The bucket, in which nothing changes, is listed once: the local server takes three seconds."""
    listed: dict[str, list[s3.StoredObject]] = {}
    list_objects = s3.list_objects

    def list_once(client: Any, bucket: str, prefix: str, listing: Any) -> Iterator[s3.StoredObject]:
        if prefix not in listed:
            listed[prefix] = [*list_objects(client, bucket, prefix, listing)]
        return iter(listed[prefix])

    with (
        copy_of(loaded_demo, tmp_path_factory.mktemp("importer") / "local") as demo,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(s3, "list_objects", list_once)
        for name, value in demo.environment.items():
            patch.setenv(name, value)
        yield demo


@dataclass(frozen=True)
class Left:
    """The clinic as that importer leaves it, and how many rows have each kind of its leavings."""

    demo: Demo
    leavings: dict[str, int]


@pytest.fixture
def left(loaded: Demo) -> Left:
    """Rows under ids of its own, no ledger, and its leavings."""
    return Left(loaded, degrade(connect(loaded.home).database_url))


def ids(demo: Demo) -> dict[str, set[tuple[Any, ...]]]:
    return {table: set(demo.rows(f"SELECT id::text FROM {table}")) for table in TABLES}


def adoption(demo: Demo) -> dict[str, dict[str, dict[str, int]]]:
    """Of each entity's last load: what was filled, replaced and kept, by column."""
    found = demo.rows("SELECT DISTINCT ON (entity) entity, adoption FROM nexus_assets.load ORDER BY entity, id DESC")
    return dict(found)


def open_conflicts(demo: Demo) -> list[tuple[Any, ...]]:
    return demo.rows(
        "SELECT entity, column_name, count(*) FROM nexus_assets.conflict WHERE resolved_load IS NULL GROUP BY 1, 2 ORDER BY 1"
    )


def run(*words: str) -> Result:
    return CliRunner().invoke(nexus_assets, words)


def materialize() -> int:
    """The exit code of the one command that loads everything."""
    return materialize_here("*", {}).exit_code


def exit_codes() -> dict[str, int]:
    """Of that command, and of those that look at the result."""
    return {"materialize": materialize(), "status": run("status").exit_code, "check": run("check").exit_code}


def test_its_rows_are_adopted_under_their_ids(left: Left) -> None:
    demo = left.demo
    before = ids(demo)
    assert [len(before[table]) for table in TABLES] == PUBLISHED
    planned = run("plan", "--json")
    assert planned.exit_code == 0, planned.output
    assert exit_codes() == {"materialize": 0, "status": 0, "check": 0}
    assert ids(demo) == before
    rows, found = left.leavings, adoption(demo)
    assert {name: of["filled"] for name, of in found.items() if of["filled"]} == {
        "appointments": {"filemaker_event_id": rows["event ids"]},
        "documents": {"document_date": rows["document dates"]},
        "images": {"filemaker_id": rows["image ids"]},
    }
    assert {name: of["replaced"] for name, of in found.items() if of["replaced"]} == {
        "patients": {"title": rows["titles"]},
        "appointments": {"end_time": rows["appointments"]},
        "notes": {"created_by": rows["signs"]},
        "images": {"category": rows["categories"], "mime_type": rows["file types"], "original_name": rows["image ids"]},
    }
    assert {name: of["kept"] for name, of in found.items()} == {name: {} for name in ENTITIES}
    assert {name: of["adoption"] for name, of in json.loads(planned.stdout)["entities"].items()} == found
    assert open_conflicts(demo) == []
    versions = demo.versions()
    assert materialize() == 0
    assert demo.versions() == versions


def test_only_what_a_person_edited_is_kept_and_named(left: Left) -> None:
    demo = left.demo
    demo.rows("UPDATE patients SET first_name = 'Theirs' WHERE id IN (SELECT id FROM patients ORDER BY id LIMIT 3)")
    demo.rows(
        "UPDATE images_image SET caption = 'Before' WHERE id IN (SELECT id FROM images_image ORDER BY id LIMIT 2)"
    )
    assert exit_codes() == {"materialize": 0, "status": 0, "check": 0}
    assert open_conflicts(demo) == [("images", "caption", 2), ("patients", "first_name", 3)]


def test_the_incident_before_the_first_load_ever_is_healed_by_one_command(left: Left) -> None:
    demo = left.demo
    demo.rows(INCIDENT)
    assert demo.rows(DANGLING) == [(1_661, 10_148)]
    before = ids(demo)
    planned = run("plan")
    assert planned.exit_code == 0, planned.output
    assert exit_codes() == {"materialize": 0, "status": 0, "check": 0}
    assert demo.rows(DANGLING) == [(0, 0)]
    assert ids(demo) == before
    versions = demo.versions()
    assert materialize() == 0
    assert demo.versions() == versions

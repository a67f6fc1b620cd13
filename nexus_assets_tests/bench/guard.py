"""What the guard costs: the same ten thousand rows written without and with it, in the server's own time."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nexus_assets.admin import guard
from nexus_assets.nexus.connection import make_engine, transaction
from nexus_assets_tests.bench.server import Server

ROWS = 10_000

PREPARED = """
    INSERT INTO patients (id, first_name, last_name, archived, created_at, updated_at)
    SELECT md5('patient ' || n)::uuid, 'Wren', 'Wattle', false, now(), now() FROM generate_series(1, 2 * %(rows)s) AS n;
    INSERT INTO images_batch (id, content_type_id, object_id, name, description, uploaded_at, image_count)
    SELECT md5('batch ' || n)::uuid, (SELECT id FROM django_content_type WHERE (app_label, model) = ('patients', 'patient')),
           md5('patient ' || n)::uuid, 'Gait study', '', now(), 0 FROM generate_series(1, %(rows)s) AS n
"""
"""Twice as many patients as batches: every batch has a patient of its own, and half of the patients have none."""

WORK = {
    "insert batches": "INSERT INTO images_batch (id, content_type_id, object_id, name, description, uploaded_at, image_count)"
    " SELECT gen_random_uuid(), content_type_id, object_id, name, description, uploaded_at, 0 FROM images_batch",
    "give batches to others": "UPDATE images_batch AS b SET object_id = p.id FROM (SELECT id, row_number() OVER (ORDER BY id) AS k"
    " FROM patients) AS p, (SELECT id, row_number() OVER (ORDER BY id) AS k FROM images_batch) AS o"
    " WHERE p.k = o.k AND o.id = b.id",
    "rename batches": "UPDATE images_batch SET name = 'Gait'",
    "delete patients": "DELETE FROM patients AS p WHERE NOT EXISTS (SELECT FROM images_batch AS b WHERE b.object_id = p.id)",
}
"""What is written, ten thousand rows each; renaming touches no reference, and the patients deleted have no batch."""


@dataclass(frozen=True)
class Cost:
    """The server's seconds for ten thousand rows, without and with the guard."""

    what: str
    without: float
    guarded: float


def measure_guard(rounds: int, tell: Callable[[str], None]) -> list[Cost]:
    """Each kind of work without and with the guard, in turn; medians."""
    taken: dict[tuple[str, bool], list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="nexus-bench-") as scratch, Server(Path(scratch)) as server:
        bare, guarded = _prepared(server, guarded=False), _prepared(server, guarded=True)
        for number in range(rounds):
            tell(f"The guard, round {number + 1} of {rounds}")
            for what, statement in WORK.items():
                for template, is_guarded in ((bare, False), (guarded, True)):
                    with server.copy_of(template) as url:
                        took = server.seconds_of(_write, url, statement)
                        taken.setdefault((what, is_guarded), []).append(took)
    return [Cost(what, *(statistics.median(taken[what, guarded]) for guarded in (False, True))) for what in WORK]


def _prepared(server: Server, *, guarded: bool) -> str:
    url = server.new_nexus()
    with transaction(make_engine(url)) as cursor:
        cursor.execute(PREPARED, {"rows": ROWS})
    if guarded:
        guard.install(make_engine(url))
    return url


def _write(url: str, statement: str) -> None:
    with transaction(make_engine(url)) as cursor:
        cursor.execute(statement)
        if cursor.rowcount != ROWS:
            raise RuntimeError(f"{cursor.rowcount:,} rows were written instead of {ROWS:,}")

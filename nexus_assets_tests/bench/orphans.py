"""The checks for orphaned references over a database of any scale, each beside a plain count over the same table."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.checks import CHECKS
from nexus_assets.checks.check import Check, CheckContext, StoredFiles
from nexus_assets.entities import ENTITIES
from nexus_assets.ledger.schema import install
from nexus_assets.load.incoming import reference_column
from nexus_assets.local.clinic import PUBLISHED
from nexus_assets.local.clinic.coordination import ALSO_REFERRERS
from nexus_assets.local.clinic.published import SPECIALTIES
from nexus_assets.mapping.entity import GenericReference
from nexus_assets.nexus import catalog, queries
from nexus_assets.nexus.catalog import Target
from nexus_assets.nexus.connection import make_engine, transaction
from nexus_assets.nexus.relations import RelationColumn
from nexus_assets_tests.bench.loads import run_alone

MEASURED = ("no_orphaned_references", "no_unmanaged_orphans")
"""The checks that look at every reference."""

ROWS = {
    "patients": PUBLISHED.patients.nexus_rows,
    "appointments": PUBLISHED.appointments.nexus_rows,
    "notes": PUBLISHED.notes.nexus_rows,
    "documents": PUBLISHED.documents.nexus_rows,
    "image_batches": PUBLISHED.image_batches,
    "images": PUBLISHED.images.nexus_rows,
    "companies": PUBLISHED.companies.nexus_rows,
    "specialties": SPECIALTIES + 1,
    "referrers": PUBLISHED.referrers.nexus_rows + PUBLISHED.support_coordinators.nexus_rows - ALSO_REFERRERS,
    "referrer_companies": PUBLISHED.referrer_companies.nexus_rows,
    "patient_referrers": PUBLISHED.patient_referrers.nexus_rows + PUBLISHED.coordinator_links.nexus_rows,
}
"""How many rows each table has at scale 1, with those of the entities that share it."""

TEXT = 40
"""How long a made-up text is; it begins with the number of its row, as some columns are unique."""

NO_FILES = StoredFiles(lambda _: (), str, lambda _: (), lambda _: ())


@dataclass(frozen=True)
class Asked:
    """One check over all rows of its table: its seconds, and those of a plain count over the table just before."""

    check: str
    rows: int
    seconds: float
    count_seconds: float


def fill(url: str, scale: int) -> None:
    """Fills the tables of an empty Nexus with sound rows that say nothing, as many as a clinic of that scale has."""
    with transaction(make_engine(url)) as cursor:
        install(cursor)
        for name, rows in ROWS.items():
            target = catalog.reflect(cursor, ENTITIES[name])
            values = {column: _value(cursor, target, known, scale) for column, known in target.columns.items()}
            filled = {column: value for column, value in values.items() if value is not None}
            cursor.execute(
                SQL("INSERT INTO {} ({}) SELECT {} FROM generate_series(1, {}) AS n").format(
                    target.table,
                    SQL(", ").join(map(Identifier, filled)),
                    SQL(", ").join(filled.values()),
                    Literal(rows * scale),
                )
            )
    run_alone(url, "VACUUM ANALYZE")  # as autovacuum leaves them


def _id_sql(entity: str, number: Composable) -> Composable:
    return SQL("md5({} || ({})::text)::uuid").format(Literal(entity), number)


def _value(cursor: Cursor, target: Target, column: RelationColumn, scale: int) -> Composable | None:
    """What the column holds in row n; None where it may stay empty."""
    if column.name == "id":
        return _id_sql(target.entity.name, SQL("n"))
    for link in target.entity.references:
        if isinstance(link, GenericReference) and column.name == link.type_column:
            return Literal(catalog.reflect(cursor, ENTITIES[link.to]).content_type_id)
        if column.name == reference_column(link):
            # Neighbours in the table belong to people far apart, as after years of use.
            return _id_sql(link.to, SQL("1 + n * 7919::bigint % {}").format(Literal(ROWS[link.to] * scale)))
    if column.nullable or column.has_default:
        return None
    by_type = {
        "uuid": SQL("gen_random_uuid()"),
        "boolean": SQL("false"),
        "jsonb": SQL("'{}'::jsonb"),
        "text": SQL("rpad(n::text, {}, 'x')").format(Literal(TEXT)),
    }
    if column.sql_type.startswith(("character", "varchar")):
        return SQL("rpad(n::text, {}, 'x')").format(Literal(min(TEXT, column.length or TEXT)))
    if column.sql_type.startswith(("timestamp", "date")):
        return SQL("now()")
    return by_type.get(column.sql_type, SQL("0"))


def ask(url: str) -> Iterator[Asked]:
    """Asks each of the checks once, with the indexes that Nexus has."""
    for check in CHECKS:
        if check.name in MEASURED:
            yield _asked(url, check)


def _asked(url: str, check: Check) -> Asked:
    with transaction(make_engine(url), commit=False) as cursor:
        table = catalog.reflect(cursor, ENTITIES[check.asset]).table
        started = time.perf_counter()
        rows = queries.number(cursor, SQL("SELECT count(*) FROM {}").format(table))
        counted = time.perf_counter()
        finding = check.find(CheckContext(cursor, NO_FILES))
        seconds = time.perf_counter() - counted
    if not finding.passed:
        raise RuntimeError(f"{check.full_name} found {finding.count:,} violators among rows that have none.")
    return Asked(check.full_name, rows, seconds, counted - started)

"""The tables of Nexus as Django creates them on PostgreSQL, for the embedded database and the tests.

`nexus_schema.tsv` lists the tables that matter, `nexus_schema_around.tsv` smaller versions of the ones that those refer to.
Neither database defaults nor ON DELETE actions exist: Django does both in Python, so whoever writes these tables must too.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from nexus_assets.local.nexus_models import Naming, table_name
from nexus_assets.local.nexus_seed import seed_rows

Row = Mapping[str, str]

UNIQUE_PAIRS: Mapping[str, tuple[str, str]] = {
    "django_content_type": ("app_label", "model"),
    "referrer_companies": ("referrer_id", "company_id"),
    "patient_referrers": ("patient_id", "referrer_id"),
}

LONGEST_NAME = 63  # PostgreSQL cuts longer ones

PLAIN_TYPES: Mapping[str, TypeEngine[Any]] = {
    "boolean": sa.Boolean(),
    "date": sa.Date(),
    "integer": sa.Integer(),
    "jsonb": postgresql.JSONB(),
    "smallint": sa.SmallInteger(),
    "text": sa.Text(),
    "timestamp with time zone": sa.DateTime(timezone=True),
    "uuid": sa.Uuid(),
}


def create(bind: sa.Connection | sa.Engine, naming: Naming = "current") -> None:
    """Creates every table, key and index of Nexus in an empty database.

    `naming="current"` uses the names of Nexus today, `"django"` Django's own (`patients_patient`, `images_imagebatch` …).
    On an engine it commits; on a connection it leaves that to the caller.
    """
    if isinstance(bind, sa.Engine):
        with bind.begin() as connection:
            create(connection, naming)
    else:
        # checkfirst would ask once per table and index; an existing table is an error here anyway.
        metadata(naming).create_all(bind, checkfirst=False)


def seed(connection: sa.Connection) -> None:
    """Fills the created tables with what a living Nexus holds before its first import; always the same rows."""
    naming: Naming = "current" if sa.inspect(connection).has_table("patients") else "django"
    tables = metadata(naming).tables
    for listed_name, rows in seed_rows().items():
        connection.execute(tables[table_name(listed_name, naming)].insert(), rows)
    _move_sequence_past(tables["django_content_type"].c.id, connection)


def _move_sequence_past(identity: sa.Column[Any], connection: sa.Connection) -> None:
    """Makes the next id a new one, as it is wherever Django handed out the existing ones itself."""
    sequence = sa.func.pg_get_serial_sequence(identity.table.name, identity.name)
    connection.execute(sa.select(sa.func.setval(sequence, sa.func.max(identity))))


def metadata(naming: Naming = "current") -> sa.MetaData:
    """Returns the whole schema as SQLAlchemy tables, from the two TSV files."""
    schema = sa.MetaData()
    for listed_name, rows in itertools.groupby(_listed_columns(), key=lambda row: row["table"]):
        name = table_name(listed_name, naming)
        table = sa.Table(name, schema, *(_column(name, row, naming) for row in rows))
        _add_indexes(table)
    for listed_name, columns in UNIQUE_PAIRS.items():
        table = schema.tables[table_name(listed_name, naming)]
        table.append_constraint(sa.UniqueConstraint(*columns, name=_django_name(table.name, [*columns], "_uniq")))
    return schema


def _listed_columns() -> Iterator[Row]:
    for file in ("nexus_schema.tsv", "nexus_schema_around.tsv"):
        text = resources.files("nexus_assets.local").joinpath(file).read_text(encoding="utf-8")
        yield from csv.DictReader(text.splitlines(), delimiter="\t")


def _column(table: str, row: Row, naming: Naming) -> sa.Column[Any]:
    is_key = row["column"] == "id"
    return sa.Column(
        row["column"],
        _type(row["db_type"]),
        *_identity(row),
        *_foreign_key(table, row, naming),
        primary_key=is_key,
        nullable=row["null"] == "YES",
        unique=row["unique"] == "True" and not is_key,
    )


def _type(db_type: str) -> TypeEngine[Any]:
    sized = re.fullmatch(r"(varchar|numeric)\((\d+)(?:, (\d+))?\)", db_type)
    if sized is None:
        return PLAIN_TYPES[db_type]
    name, size, scale = sized.groups()
    return sa.String(int(size)) if name == "varchar" else sa.Numeric(int(size), int(scale))


def _identity(row: Row) -> Iterator[sa.Identity]:
    if row["column"] == "id" and row["db_type"] == "integer":
        yield sa.Identity(always=False)


def _foreign_key(table: str, row: Row, naming: Naming) -> Iterator[sa.ForeignKey]:
    if not row["fk_to"]:
        return
    target = table_name(row["fk_to"], naming)
    yield sa.ForeignKey(
        f"{target}.id",
        name=_django_name(table, [row["column"]], f"_fk_{target}_id"),
        deferrable=True,
        initially="DEFERRED",
    )


def _add_indexes(table: sa.Table) -> None:
    """Adds the indexes that Django makes: foreign keys, LIKE on unique text, and the pairs that generic keys declare."""
    for column in table.columns:
        if column.foreign_keys and not column.unique:
            sa.Index(_django_name(table.name, [column.name], ""), column)
        if column.unique and isinstance(column.type, sa.String):
            sa.Index(
                _django_name(table.name, [column.name], "_like"),
                column,
                postgresql_ops={column.name: "varchar_pattern_ops"},
            )
        # The admin log's object_id is text: Django declares no index for that pair.
        object_id = table.columns.get(column.name.replace("content_type_id", "object_id"))
        if object_id is not None and object_id is not column and isinstance(object_id.type, sa.Uuid):
            sa.Index(_django_name(table.name, [column.name, object_id.name], "_idx"), column, object_id)


def _django_name(table: str, columns: list[str], suffix: str) -> str:
    """Returns the name that Django gives an index or constraint (`BaseDatabaseSchemaEditor._create_index_name`)."""
    digest = hashlib.md5("".join([table, *columns]).encode(), usedforsecurity=False).hexdigest()[:8]
    ending = f"{digest}{suffix}"
    name = f"{table}_{'_'.join(columns)}_{ending}"
    if len(name) <= LONGEST_NAME:
        return name
    ending = ending[: LONGEST_NAME // 3]
    rest = (LONGEST_NAME - len(ending)) // 2 - 1
    return f"{table[:rest]}_{'_'.join(columns)[:rest]}_{ending}"

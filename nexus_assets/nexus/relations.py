"""Every table of the database as the catalogue defines it: its schema, columns, primary key, foreign keys, and what it holds.

Read once a transaction, in three statements, whatever the tables are called. Partitions are part of their table, as are the
columns that a table inherits; views, foreign tables and temporary tables hold no rows of their own to look after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, NamedTuple, TypeVar

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

LEDGER_SCHEMA = "nexus_assets"
"""The schema in which this program keeps what it remembers: no part of Nexus."""

Answer = TypeVar("Answer")


class CatalogCursor(Cursor):
    """A cursor that remembers what the catalogue answered: within one transaction nobody changes a table under it."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.known: dict[tuple[Any, ...], Any] = {}


def once_a_transaction(read: Callable[..., Answer]) -> Callable[..., Answer]:
    """Has a reader of the catalogue, `read(cursor, *of)`, asked once by a CatalogCursor; by any other cursor each time."""

    @wraps(read)
    def remembered(cursor: Cursor, *of: Any) -> Answer:
        if not isinstance(cursor, CatalogCursor):
            return read(cursor, *of)
        question = (read.__name__, *of)
        if question not in cursor.known:
            cursor.known[question] = read(cursor, *of)
        return cursor.known[question]  # type: ignore[no-any-return]

    return remembered


def forget(cursor: Cursor) -> None:
    """Has everything asked again, where this program itself has changed the catalogue or begun another transaction."""
    if isinstance(cursor, CatalogCursor):
        cursor.known.clear()


class RelationColumn(NamedTuple):
    """A column; `base_type` is its type without a length, or the one under its domain, `is_text` whether that is text."""

    name: str
    sql_type: str
    base_type: str
    is_text: bool
    nullable: bool
    has_default: bool
    is_generated: bool
    is_inherited: bool
    length: int | None


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key that a constraint guards: the columns, and the oid of the table to which they lead.

    One that was never validated, or is not enforced, names that table all the same.
    """

    columns: tuple[str, ...]
    to: int
    guards_all_rows: bool


@dataclass(frozen=True)
class Relation:
    """A table with rows of its own. `is_visible`: its bare name leads to it, by the search path.

    `unique`: the columns of each unique index.
    """

    oid: int
    schema: str
    name: str
    is_visible: bool
    is_partitioned: bool
    columns: Mapping[str, RelationColumn]
    primary_key: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...]
    unique: tuple[tuple[str, ...], ...]

    @property
    def table(self) -> Identifier:
        return Identifier(self.schema, self.name)

    @property
    def label(self) -> str:
        """Its name for messages, with the schema where the search path does not lead there."""
        return self.name if self.is_visible else f"{self.schema}.{self.name}"

    def foreign_key(self, column: str) -> ForeignKey | None:
        """The foreign key of this column alone."""
        return next((key for key in self.foreign_keys if key.columns == (column,)), None)

    def uuid_sql(self, alias: str, column: str) -> Composable:
        """The id in a column of the row `alias` as a uuid; of a text what Django reads as one, NULL of any other."""
        id_ = Identifier(alias, column)
        return read_uuid_sql(id_) if self.columns[column].is_text else id_

    def unique_with(self, column: str) -> list[tuple[str, ...]]:
        """The columns of each unique index that this column is part of; what an index computes is not among them."""
        return [names for names in self.unique if column in names]

    def row_name_sql(self) -> Composable:
        """What names the row `x`: its primary key as text, of several columns parted by `/`; NULL where it has none.

        Only numbers, uuids and times are shown: a key of text may hold anything, a name or a session's secret.
        """
        names = self.primary_key or tuple(name for name in ("id",) if name in self.columns)
        shown = [name for name in names if self.columns[name].base_type in SHOWN_TYPES]
        if not shown:
            return SQL("NULL::text")
        return SQL(" || '/' || ").join(SQL("{}::text").format(Identifier("x", name)) for name in shown)


def read_uuid_sql(text: Composable) -> Composable:
    """A text as a uuid where Python's `uuid.UUID`, by which Django reads an id, takes it for one; NULL of any other.

    Hexadecimal digits in any case, with hyphens or without; braces around them or `urn:uuid:` before them. Blanks are not
    ignored: Django finds no row by such a text.
    """
    return SQL("CASE WHEN {0}::text ~ {1} THEN right(translate({0}::text, '{{}}-', ''), 32)::uuid END").format(
        text, Literal(r"^(urn:)?(uuid:)?[{]*[0-9a-fA-F](-*[0-9a-fA-F]){31}[}]*$")
    )


SHOWN_TYPES = (
    "uuid",
    "smallint",
    "integer",
    "bigint",
    "oid",
    "timestamp with time zone",
    "timestamp without time zone",
)

_TABLES_SQL = """
    SELECT c.oid, n.nspname, c.relname, pg_table_is_visible(c.oid), c.relkind = 'p'
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', %s) AND n.nspname !~ '^pg_(toast|temp)'
    ORDER BY 2, 3
"""

_COLUMNS_SQL = """
    WITH RECURSIVE base AS (
      SELECT oid, oid AS under FROM pg_type WHERE typtype <> 'd'
      UNION ALL
      SELECT d.oid, b.under FROM pg_type AS d JOIN base AS b ON b.oid = d.typbasetype WHERE d.typtype = 'd'
    )
    SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), format_type(t.oid, NULL), t.typcategory = 'S',
           NOT a.attnotnull, a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '', a.attgenerated <> '', a.attinhcount > 0,
           CASE WHEN t.typname IN ('varchar', 'bpchar') AND a.atttypmod > 4 THEN a.atttypmod - 4 END
    FROM pg_attribute AS a JOIN base AS b ON b.oid = a.atttypid JOIN pg_type AS t ON t.oid = b.under
    WHERE a.attrelid = ANY (%s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum
"""

_KEYS_SQL = """
    SELECT conrelid, contype::text, confrelid, convalidated, conkey FROM pg_constraint
    WHERE contype IN ('p', 'f') AND conrelid = ANY (%(oids)s::oid[])
    UNION ALL
    SELECT indrelid, 'u', 0, TRUE, (indkey::smallint[])[0:indnkeyatts - 1]
    FROM pg_index WHERE indisunique AND indrelid = ANY (%(oids)s::oid[])
"""


@once_a_transaction
def relations(cursor: Cursor) -> Mapping[int, Relation]:
    """Every table of the database by its oid, the ledger's own aside."""
    cursor.execute(_TABLES_SQL, (LEDGER_SCHEMA,))
    tables = cursor.fetchall()
    oids = [oid for oid, *_ in tables]
    columns: dict[int, dict[str, RelationColumn]] = {oid: {} for oid in oids}
    numbered: dict[tuple[int, int], str] = {}
    cursor.execute(_COLUMNS_SQL, (oids,))
    for oid, number, name, *rest in cursor.fetchall():
        columns[oid][name] = RelationColumn(name, *rest)
        numbered[oid, number] = name
    primary: dict[int, tuple[str, ...]] = {}
    foreign: dict[int, list[ForeignKey]] = {oid: [] for oid in oids}
    unique: dict[int, list[tuple[str, ...]]] = {oid: [] for oid in oids}
    cursor.execute(_KEYS_SQL, {"oids": oids})
    for oid, kind, to, guards_all_rows, numbers in cursor.fetchall():
        # What an index computes has no number.
        names = tuple(numbered[oid, number] for number in numbers if number)
        if kind == "p":
            primary[oid] = names
        elif kind == "f":
            foreign[oid].append(ForeignKey(names, int(to), guards_all_rows))
        else:
            unique[oid].append(names)
    return {
        oid: Relation(
            oid,
            schema,
            name,
            visible,
            partitioned,
            columns[oid],
            primary.get(oid, ()),
            tuple(sorted(foreign[oid], key=lambda key: key.columns)),
            tuple(sorted(unique[oid])),
        )
        for oid, schema, name, visible, partitioned in tables
    }


@once_a_transaction
def visible(cursor: Cursor) -> Mapping[str, Relation]:
    """Every table on the search path by its name."""
    return {relation.name: relation for relation in relations(cursor).values() if relation.is_visible}


def find(cursor: Cursor, names: Sequence[str]) -> Relation | None:
    """The first of the names that is a table on the search path; None where there is none."""
    tables = visible(cursor)
    return next((tables[name] for name in names if name in tables), None)


GUARD_PREFIX = "nexus_assets_guard"
"""How the names of the guard's own triggers begin."""

GUARD_SCHEMA = "nexus_guard"
"""The schema of the guard's functions, where it is installed; earlier versions had them in the ledger's, which belongs to the role
that imports."""


@dataclass(frozen=True)
class Trigger:
    """A trigger that somebody put on a table, and its function as PostgreSQL names it in an error's context."""

    name: str
    table: str
    function: str


@once_a_transaction
def triggers(cursor: Cursor) -> tuple[Trigger, ...]:
    """Every trigger of the database that is not the guard's; asked before a load writes, so that one that refuses can be named."""
    cursor.execute(
        """
        SELECT quote_ident(t.tgname), t.tgrelid::regclass::text, t.tgfoid::regprocedure::text
        FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
        WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND NOT starts_with(t.tgname, %s) ORDER BY 2, 1
        """,
        (GUARD_PREFIX,),
    )
    return tuple(Trigger(*row) for row in cursor.fetchall())


# --- history and copies -----------------------------------------------------------------------------------------------

HISTORY_FORMS: Sequence[frozenset[str]] = tuple(
    frozenset(form.split())
    for form in (
        "history_id history_type",  # django-simple-history
        "history_date history_type",
        "pgh_id pgh_label",  # django-pghistory
        "pgh_id pgh_created_at",
        "pgh_id pgh_obj_id",
        "content_type_id object_repr",  # Django's admin log; auditlog, easyaudit and reversion say an object's text likewise
        "content_type_id serialized_data",  # reversion, django-field-history
        "content_type_id object_pk changes",  # auditlog
        "content_type_id object_id changed_fields",  # easyaudit
        "content_type_id object_id object_json_repr",
        "action_id action_date action_type",  # django-audit-log
    )
)
"""Columns by which a table is known as history: its rows outlive what they tell of, and nobody may rewrite them."""

ALIKE = 0.75
"""Of the columns of two tables together, by name and type, this share in common makes the one a copy of the other."""

TELLING = 5
"""Fewer columns than these make no table unmistakable."""


def is_history(relation: Relation) -> bool:
    """Whether the table's rows tell of other rows as they were: by the columns of a known program, or because it holds the
    `id` of a row beside a primary key of its own, so that it may hold one row many times."""
    if any(form <= relation.columns.keys() for form in HISTORY_FORMS):
        return True
    return "id" in relation.columns and bool(relation.primary_key) and "id" not in relation.primary_key


def is_copy(relation: Relation, originals: Iterable[Relation]) -> bool:
    """Whether the table is a copy that somebody put aside: nothing ties it to other tables, and it has no key of its own
    (CREATE TABLE AS) or has the columns of one of the originals (LIKE, or a dump restored without constraints)."""
    if relation.foreign_keys:
        return False
    without_key = not relation.primary_key and not relation.is_partitioned
    return without_key or any(_is_like(relation, original) for original in originals)


def _is_like(relation: Relation, original: Relation) -> bool:
    mine, theirs = _shape(relation), _shape(original)
    if relation.oid == original.oid or len(theirs) < TELLING:
        return False
    return theirs <= mine or len(mine & theirs) >= ALIKE * len(mine | theirs)


def _shape(relation: Relation) -> frozenset[tuple[str, str]]:
    return frozenset((column.name, column.base_type) for column in relation.columns.values())

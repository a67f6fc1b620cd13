"""The work tables of a load: what each holds, its columns, the alias it has in the load's SQL, and where it lives.

Every work table is an unlogged table in the ledger's schema, named `work_<entity>_<table>`. Unlogged, because its rows are
worth nothing once the transaction ends, and writing them to the log would double the bytes of a load. Not temporary, because
parallel workers cannot read a temporary table, and hashing and reading rows in parallel is half of a load's speed. Two loads
never share one: they are created in the load's transaction, under the entity's lock, and dropped before it commits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg2.sql import SQL, Composable, Identifier

from nexus_assets.ledger.tables import ledger_table


@dataclass(frozen=True)
class WorkTable:
    """One work table. A column that ends in `*` stands for a family of columns, such as one per column that the load writes."""

    name: str
    alias: str
    columns: tuple[str, ...]
    sentence: str


_ROW = ("row_number", "source_id", "row_hash")

TABLES: tuple[WorkTable, ...] = (
    # 2 stage
    WorkTable("export", "e", ("row_number", "c*"), "The entity's export as text: a column c0, c1, ... per heading."),
    WorkTable("companion_*", "x", ("row_number", "c*"), "An optional export that a lookup goes through, as text."),
    WorkTable(
        "listing",
        "f",
        ("row_number", "key", "file_name", "size", "etag", "mime_type", "record_key", "is_thumbnail"),
        "The files of one bucket folder, in the order in which the bucket lists them.",
    ),
    WorkTable(
        "dates_of_records",
        "d",
        ("field", "raw", "times", "value"),
        "Each different text of the date by which files are grouped, or rows of one key ranked, with how often it occurs and the"
        " date that it means.",
    ),
    WorkTable(
        "keyed",
        "e",
        ("row_number", "c*", "key_*", "place", "said", "gathered", "alone"),
        "The export with the ids that are made of its headings, and where one of them is the entity's each row's place among those of"
        " one id: the first stands for all. Where what they hold is gathered, said: what the row holds; gathered: all of it, in the"
        " first; alone: tells rows of an unknown owner apart.",
    ),
    WorkTable("records", "r", ("row_number", "flaw", "export_row", "*"), "Each file with the export row that describes it."),
    WorkTable("groups", "g", ("row_number", "flaw", "group_id", "*"), "Each batch of files: a patient and a date."),
    # 3 read
    WorkTable(
        "seen",
        "s",
        (*_ROW, "known_id", "is_live", "is_current", "notices", "settled"),
        "Every source row by its hash, what the ledger knows of it, and whether there is nothing to do for it; of equal rows of one"
        " id the first.",
    ),
    WorkTable(
        "repeated",
        "r",
        ("source_id", "first_row", "differ"),
        "The FileMaker ids that occur more than once, and whether their rows differ.",
    ),
    WorkTable(
        "standing",
        "n",
        ("row_number", "id", "row_before", "reason"),
        "The rows that are rejected as an earlier load rejected them, with the id of that reject.",
    ),
    WorkTable(
        "pending",
        "s",
        (*_ROW, "known_id", "is_live", "disputed", "f*"),
        "The source rows that need work, with the text of every field that the mapping reads.",
    ),
    WorkTable("dates", "d", ("field", "raw", "times", "value"), "Each different date text with the date that it means."),
    WorkTable("times", "d", ("field", "raw", "times", "value"), "Each different time text with the time that it means."),
    WorkTable(
        "texts",
        "d",
        ("column_name", "raw", "value"),
        "Each different text of the columns that hold few of them, with the value that it means.",
    ),
    WorkTable(
        "incoming",
        "i",
        (*_ROW, "known_id", "is_live", "reason", "reason_column", "described", "notices", "nexus_id", "new_*", "named_*"),
        "Every pending row as typed values, one new_ column per column that the load writes, or the reason why it is rejected;"
        " in a first load with the id that it gets; named_: whom a generic link names that leads to no row.",
    ),
    # 4 identity
    WorkTable("recognised", "r", ("source_id", "nexus_id"), "Source rows found to be a row of Nexus that the ledger did not know."),
    WorkTable(
        "decided",
        "d",
        ("row_number", "source_id", "known_id", "nexus_id", "action"),
        "Which row of Nexus each accepted row is, and what is done: compare, adopt, restore, insert, or leave it deleted.",
    ),
    # 6 write
    WorkTable("followed", "f", ("source_id", "old_id", "new_id"), "Rows that another tool recreated under a new id."),
    WorkTable("lost", "l", ("source_id", "nexus_id"), "Ids of the ledger that are in neither Nexus nor the source."),
    WorkTable(
        "changes",
        "c",
        ("row_number", "source_id", "nexus_id", "action", "write_*", "keep_*"),
        "Every existing row with news: per column, whether FileMaker's value is written or Nexus's is kept.",
    ),
    WorkTable(
        "kept",
        "k",
        ("source_id", "nexus_id", "column_name", "cause", "filemaker_value", "nexus_value"),
        "The values of Nexus that are kept although FileMaker differs.",
    ),
    WorkTable(
        "entries",
        "e",
        ("action", "source_id", "nexus_id", "row_hash", "target_hash", "row_number", "notices", "origin", "first_load",
         "last_load", "named_*", "base_*"),
        "The ledger's entries of the inserted rows, hashed in parallel before they are inserted.",
    ),
    # 7 account
    WorkTable("rejected", "x", (*_ROW, "reason", "column_name", "k"), "The rejected rows; equal ones are numbered by k."),
    WorkTable(
        "known_rejects",
        "n",
        ("id", "row_hash", "reason", "column_name", "row_number", "k"),
        "The open rejects of earlier loads, numbered the same way.",
    ),
)  # fmt: skip
"""Every work table, in the order in which a load creates them."""

NAMES = frozenset(table.name for table in TABLES)


@dataclass(frozen=True)
class Relation:
    """Rows of text: a table, or a query in parentheses, with the SQL name of each source field that it has."""

    table: Composable
    columns: Mapping[str, Composable]

    def field(self, name: str, alias: str) -> Composable:
        """The field's text in the row `alias`; NULL where the export has no such column."""
        column = self.columns.get(name)
        return SQL("NULL::text") if column is None else SQL("{}.{}").format(Identifier(alias), column)


PLACE = Identifier("place")
"""The column of `keyed` that tells which of the rows of one id stands for all."""

NOTHING = Relation(SQL(""), {})
"""The source of a load that has staged nothing yet."""


@dataclass(frozen=True)
class Work:
    """The work tables of one load. They are gone when it ends, however it ends."""

    entity: str

    def __call__(self, name: str) -> Identifier:
        """The table of this name. Raises KeyError where it is not declared above."""
        if name not in NAMES:
            raise KeyError(f"{name} is not declared in nexus_assets/load/work.py")
        return ledger_table(f"{self.prefix}{name}")

    def companion(self, export: str) -> Identifier:
        """The table of an optional export."""
        return ledger_table(f"{self.prefix}companion_{export.lower()}")

    @property
    def prefix(self) -> str:
        """What the names of this load's tables begin with."""
        return f"work_{self.entity}_"

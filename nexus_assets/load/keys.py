"""Step 2: ids that are made of what an export says, for things that FileMaker has no id of: a specialty, a pair of a link."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.load.dates import Dictionaries
from nexus_assets.load.work import PLACE, Relation, Work
from nexus_assets.mapping.entity import Entity, ExportRows, Key
from nexus_assets.mapping.parse import call
from nexus_assets.nexus import queries


def with_keys(
    cursor: Cursor, entity: Entity, source: ExportRows, export: Relation, work: Work, dictionaries: Dictionaries
) -> tuple[Relation, dict[str, int]]:
    """The export's rows with a field per key, and how many rows of the export are left out: those that name nothing."""
    if entity.key is not None and entity.key.latest is not None:
        dictionaries.read(export, dates=[entity.key.latest], suffix="_of_records")
    cursor.execute(_keyed_sql(entity, source, export, work))
    rows = int(cursor.rowcount)
    cursor.execute(SQL("ANALYZE {}").format(work("keyed")))
    keyed = Relation(work("keyed"), {**export.columns, **{key.name: _column(key) for key in source.keys}})
    without = queries.number(cursor, SQL("SELECT count(*) FROM {}").format(export.table)) - rows
    return keyed, {"rows_without_key": without} if without else {}


def _column(key: Key) -> Identifier:
    return Identifier(f"key_{key.name}")


def _keyed_sql(entity: Entity, source: ExportRows, export: Relation, work: Work) -> Composable:
    conditions: list[Composable] = [SQL("TRUE")]
    if source.only_with is not None:
        conditions.append(SQL("{} IS NOT NULL").format(call("read_text", export.field(source.only_with, "e"))))
    place: Composable = SQL("")
    dates: Composable = SQL("")
    if entity.key is not None:
        conditions.append(SQL("e.{} IS NOT NULL").format(_column(entity.key)))
        place, dates = _place_sql(entity.key, export, work)
    return SQL("""
        CREATE UNLOGGED TABLE {keyed} AS
        SELECT e.*{place}
        FROM (SELECT e.*, {keys} FROM {export} AS e) AS e {dates}
        WHERE {conditions}
    """).format(
        keyed=work("keyed"),
        place=place,
        keys=SQL(", ").join(SQL("{} AS {}").format(key_sql(key, export, "e"), _column(key)) for key in source.keys),
        export=export.table,
        dates=dates,
        conditions=SQL(" AND ").join(conditions),
    )


def _place_sql(key: Key, export: Relation, work: Work) -> tuple[Composable, Composable]:
    """(Column, join) of a row's place among those of one id: the latest first, of equally late ones the first in the export."""
    latest: Composable = SQL("")
    dates: Composable = SQL("")
    if key.latest is not None:
        latest = SQL("d.value DESC NULLS LAST, ")
        dates = SQL("LEFT JOIN {} AS d ON d.field = {} AND d.raw = {}").format(
            work("dates_of_records"), Literal(key.latest), export.field(key.latest, "e")
        )
    place = SQL(", row_number() OVER (PARTITION BY e.{} ORDER BY {}e.row_number) AS {}").format(
        _column(key), latest, PLACE
    )
    return place, dates


def key_sql(key: Key, export: Relation, alias: str) -> Composable:
    """The id of the row `alias` of the export as text; NULL where all parts of the key are blank."""
    parts = SQL(", ").join(_part_sql(part, export, alias) for part in key.parts)
    named: Composable = SQL("array_to_string(said, E'\\x1F', '')")
    if key.means is not None:
        named = call("comparable", Literal(key.means))
    return SQL("""
        (SELECT nexus_assets.minted_id({name}, {named})::text
         FROM (SELECT ARRAY[{parts}]::text[] AS said) AS parts WHERE said <> array_fill(NULL::text, ARRAY[{number}]))
    """).format(name=Literal(key.name), named=named, parts=parts, number=Literal(len(key.parts)))


def _part_sql(headings: tuple[str, ...], export: Relation, alias: str) -> Composable:
    """The first of the headings that is not blank as it is compared: an id as a uuid, any other text without case and blanks."""
    texts = (export.field(heading, alias) for heading in headings)
    said = (SQL("{}::text, {}").format(call("read_uuid", text), call("comparable", text)) for text in texts)
    return SQL("coalesce({})").format(SQL(", ").join(said))

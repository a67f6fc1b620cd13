"""Step 2: ids that are made of what an export says, for things that FileMaker has no id of: a specialty, a pair of a link."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Literal

from nexus_assets.load.dates import Dictionaries
from nexus_assets.load.work import KEY, PLACE, Relation, Work
from nexus_assets.mapping.entity import Entity, Key
from nexus_assets.mapping.parse import call
from nexus_assets.nexus import queries


def with_key(
    cursor: Cursor, entity: Entity, key: Key, export: Relation, work: Work, dictionaries: Dictionaries
) -> tuple[Relation, dict[str, int]]:
    """The export's rows with the field `key`, and how many rows have none, where the key is the entity's id: they are left out."""
    if key.latest is not None:
        dictionaries.read(export, dates=[key.latest], suffix="_of_records")
    cursor.execute(_keyed_sql(entity, key, export, work))
    rows = int(cursor.rowcount)
    cursor.execute(SQL("ANALYZE {}").format(work("keyed")))
    keyed = Relation(work("keyed"), {**export.columns, key.name: KEY})
    without = queries.number(cursor, SQL("SELECT count(*) FROM {}").format(export.table)) - rows
    return keyed, {"rows_without_key": without} if without else {}


def _keyed_sql(entity: Entity, key: Key, export: Relation, work: Work) -> Composable:
    latest: Composable = SQL("")
    dates: Composable = SQL("")
    if key.latest is not None:
        latest = SQL("d.value DESC NULLS LAST, ")
        dates = SQL("LEFT JOIN {} AS d ON d.field = {} AND d.raw = {}").format(
            work("dates_of_records"), Literal(key.latest), export.field(key.latest, "e")
        )
    return SQL("""
        CREATE UNLOGGED TABLE {keyed} AS
        SELECT e.*, row_number() OVER (PARTITION BY e.{key} ORDER BY {latest}e.row_number) AS {place}
        FROM (SELECT e.*, {value} AS {key} FROM {export} AS e) AS e {dates}
        WHERE {chosen}
    """).format(
        keyed=work("keyed"),
        key=KEY,
        place=PLACE,
        latest=latest,
        value=key_sql(key, export, "e"),
        export=export.table,
        dates=dates,
        chosen=SQL("e.{} IS NOT NULL").format(KEY) if entity.key is not None else SQL("TRUE"),
    )


def key_sql(key: Key, export: Relation, alias: str) -> Composable:
    """The id of the row `alias` of the export as text; NULL where all parts of the key are blank."""
    parts = SQL(", ").join(_part_sql(part, export, alias) for part in key.parts)
    return SQL("""
        (SELECT nexus_assets.minted_id({name}, array_to_string(said, E'\\x1F', ''))::text
         FROM (SELECT ARRAY[{parts}]::text[] AS said) AS parts WHERE said <> array_fill(NULL::text, ARRAY[{number}]))
    """).format(name=Literal(key.name), parts=parts, number=Literal(len(key.parts)))


def _part_sql(headings: tuple[str, ...], export: Relation, alias: str) -> Composable:
    """The first of the headings that is not blank as it is compared: an id as a uuid, any other text without case and blanks."""
    texts = (export.field(heading, alias) for heading in headings)
    said = (SQL("{}::text, {}").format(call("read_uuid", text), call("comparable", text)) for text in texts)
    return SQL("coalesce({})").format(SQL(", ").join(said))

"""Step 2: ids that are made of what an export says, for things that FileMaker has no id of: a specialty, a pair of a link."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.ledger.tables import identity_table
from nexus_assets.load.dates import Dictionaries
from nexus_assets.load.incoming import ONCE
from nexus_assets.load.work import PLACE, Relation, Work
from nexus_assets.mapping.entity import Entity, ExportRows, Gathered, Key
from nexus_assets.mapping.parse import Field, Reading, call
from nexus_assets.nexus import queries
from nexus_assets.wording import counted


def with_keys(
    cursor: Cursor, entity: Entity, source: ExportRows, export: Relation, work: Work, dictionaries: Dictionaries
) -> tuple[Relation, dict[str, int], list[str]]:
    """The export's rows with a field per key, notices of the rows of the export that are left out or say nothing, and remarks
    that name the first of the latter."""
    if entity.key is not None and entity.key.latest is not None:
        dictionaries.read(export, dates=[entity.key.latest], suffix="_of_records")
    cursor.execute(_keyed_sql(entity, source, export, work, dictionaries.reading))
    rows = int(cursor.rowcount)
    cursor.execute(SQL("ANALYZE {}").format(work("keyed")))
    keyed = Relation(work("keyed"), {**export.columns, **{key.name: _column(key) for key in source.keys}})
    without = queries.number(cursor, SQL("SELECT count(*) FROM {}").format(export.table)) - rows
    notices = {"rows_of_others" if entity.owners else "rows_without_key": without} if without else {}
    if source.gathered is None:
        return keyed, notices, []
    gathered = source.gathered
    found = _notices(cursor, gathered, keyed, dictionaries.reading)
    remarks = [
        f"{code}: {counted(rows, 'row')}, the first in record {first:,}" for code, (rows, first) in found.items()
    ]
    columns = {**keyed.columns, gathered.name: Identifier("gathered")}
    return Relation(keyed.table, columns), {**notices, **{code: rows for code, (rows, _) in found.items()}}, remarks


def _fields(gathered: Gathered, export: Relation, alias: str) -> list[Field]:
    return [Field(export.field(heading, alias)) for heading in gathered.fields]


def _notices(cursor: Cursor, gathered: Gathered, keyed: Relation, reading: Reading) -> dict[str, tuple[int, int]]:
    """How many rows of which the parser makes nothing there are for each of its notices, and which is the first."""
    conditions = gathered.parser.notices(_fields(gathered, keyed, "e"), reading)
    counts = [
        SQL("count(*) FILTER (WHERE {0}), min(row_number) FILTER (WHERE {0})").format(condition)
        for _, condition in conditions
    ]
    if not counts:
        return {}
    numbers = queries.row(
        cursor, SQL("SELECT {} FROM {} AS e WHERE said IS NULL").format(SQL(", ").join(counts), keyed.table)
    )
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return {code: (rows, first) for (code, _), (rows, first) in zip(conditions, pairs, strict=True) if rows}


def _column(key: Key) -> Identifier:
    return Identifier(f"key_{key.name}")


def _keyed_sql(entity: Entity, source: ExportRows, export: Relation, work: Work, reading: Reading) -> Composable:
    conditions: list[Composable] = [SQL("TRUE")]
    if source.only_with is not None:
        conditions.append(SQL("{} IS NOT NULL").format(call("read_text", export.field(source.only_with, "e"))))
    place: Composable = SQL("")
    dates: Composable = SQL("")
    said: Composable = SQL("")
    if entity.key is not None:
        conditions.append(_own_sql(entity, entity.key))
        place, dates = _place_sql(entity, entity.key, export, work)
        if source.gathered is not None:
            said = SQL(", {} AS said").format(
                source.gathered.parser.value(_fields(source.gathered, export, "e"), reading)
            )
            place = SQL("{}, {} AS gathered").format(place, _gathered_sql(_partition_sql(entity, entity.key)))
        said = SQL("{}{}").format(said, _alone_sql(entity, entity.key))
    return SQL("""
        CREATE UNLOGGED TABLE {keyed} AS
        SELECT e.*{place}
        FROM (SELECT e.*{said} FROM (SELECT e.*, {made} FROM {export} AS e {once}) AS e WHERE {conditions}) AS e {dates}
    """).format(
        keyed=work("keyed"),
        once=ONCE,
        place=place,
        said=said,
        made=SQL(", ").join(SQL("{} AS {}").format(key_sql(key, export, "e"), _column(key)) for key in source.keys),
        export=export.table,
        dates=dates,
        conditions=SQL(" AND ").join(conditions),
    )


def _own_sql(entity: Entity, key: Key) -> Composable:
    """Whether the row `e` is one of the entity's: it has a key or, where owners divide the rows, its owner is the host's; the
    first host's entity also takes those whose owner nobody knows."""
    if not key.owners:
        return SQL("e.{} IS NOT NULL").format(_column(key))

    (host,) = entity.hosts
    if not entity.reports_unknown_owners:
        return _known_sql(host, key)
    others = SQL(" OR ").join(_known_sql(owner, key) for owner in key.owners if owner != host)
    return SQL("({} OR NOT ({}))").format(_known_sql(host, key), others)


def _known_sql(entity: str, key: Key) -> Composable:
    """Whether the entity's ledger knows the id that is the key of the row `e`."""
    return SQL("EXISTS (SELECT FROM {} AS k WHERE k.source_id = {})").format(
        identity_table(entity), call("read_uuid", SQL("e.{}").format(_column(key)))
    )


def _alone_sql(entity: Entity, key: Key) -> Composable:
    """The column that tells rows of one key apart where nobody knows their owner: each is rejected, and corrected, by itself."""
    if not entity.reports_unknown_owners:
        return SQL("")
    known = SQL(" OR ").join(_known_sql(name, key) for name in (*entity.hosts, entity.name))
    return SQL(", CASE WHEN NOT ({}) THEN e.row_number END AS alone").format(known)


def _partition_sql(entity: Entity, key: Key) -> Composable:
    return SQL("PARTITION BY e.{}{}").format(_column(key), SQL(", e.alone" if entity.reports_unknown_owners else ""))


def _gathered_sql(rows_of_a_key: Composable) -> Composable:
    """The list of what the rows of a key say, in the first of them; NULL in the others."""
    return SQL("""
        CASE WHEN row_number() OVER ({rows_of_a_key} ORDER BY e.row_number) = 1 THEN coalesce(
          jsonb_agg(e.said) FILTER (WHERE e.said IS NOT NULL) OVER (
            {rows_of_a_key} ORDER BY e.row_number ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING),
          '[]')::text END
    """).format(rows_of_a_key=rows_of_a_key)


def _place_sql(entity: Entity, key: Key, export: Relation, work: Work) -> tuple[Composable, Composable]:
    """(Column, join) of a row's place among those of one id: the latest first, of equally late ones the first in the export."""
    latest: Composable = SQL("")
    dates: Composable = SQL("")
    if key.latest is not None:
        latest = SQL("d.value DESC NULLS LAST, ")
        dates = SQL("LEFT JOIN {} AS d ON d.field = {} AND d.raw = {}").format(
            work("dates_of_records"), Literal(key.latest), export.field(key.latest, "e")
        )
    place = SQL(", row_number() OVER ({} ORDER BY {}e.row_number) AS {}").format(
        _partition_sql(entity, key), latest, PLACE
    )
    return place, dates


def key_sql(key: Key, export: Relation, alias: str) -> Composable:
    """The id of the row `alias` of the export as text; NULL where all parts of the key are blank."""
    if key.owners:
        (given,) = (export.field(heading, alias) for part in key.parts for heading in part)
        return SQL("coalesce({}::text, {})").format(call("read_uuid", given), call("read_text", given))
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

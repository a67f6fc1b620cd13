"""The dates and times of an export: which of day and month comes first, and each different text read once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json
from psycopg2.sql import SQL, Composable, Literal

from nexus_assets.load.gates import GateError
from nexus_assets.load.work import Relation, Work
from nexus_assets.mapping.entity import Entity
from nexus_assets.mapping.parse import EPOCH_1904, EXCEL_EPOCH, Reading

if TYPE_CHECKING:
    from nexus_assets.load.settings import LoadSettings

VALUES_THAT_OUTWEIGH_THE_LAST_LOAD = 3
"""Fewer values than this that contradict the order found by the last load are typing errors, and become rejects."""

ERRORS_SHARE = 0.1
"""A column with a larger share of dates that contradict its others has no order of its own."""


@dataclass(frozen=True)
class DateOrder:
    """The order of day and month in a file: 'mdy' or 'dmy'. `decided` by the file's own dates, this time or before, else by
    the setting; then `open_columns` are those with dates that read both ways. Where columns clearly differ, `columns` has
    the order of each that has one of its own. `doubtful` ones contradict themselves. `why` is for people."""

    order: str
    decided: bool
    open_columns: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    doubtful: tuple[str, ...] = field(default=(), compare=False)
    why: str = field(default="", compare=False)


@dataclass(frozen=True)
class Evidence:
    """How many dates of one column can only be month first, only day first, or either."""

    column: str
    month_first: int
    day_first: int
    either: int

    @property
    def own_order(self) -> str | None:
        """The order of the column itself, where its dates leave no doubt; typing errors among them are allowed for."""
        most, least = max(self.month_first, self.day_first), min(self.month_first, self.day_first)
        if most <= VALUES_THAT_OUTWEIGH_THE_LAST_LOAD or least > most * ERRORS_SHARE:
            return None
        return "mdy" if self.month_first > self.day_first else "dmy"

    @property
    def is_doubtful(self) -> bool:
        """Whether its dates contradict each other too often for typing errors: those that read both ways are anybody's guess."""
        return min(self.month_first, self.day_first) > VALUES_THAT_OUTWEIGH_THE_LAST_LOAD and self.own_order is None


def decide(entity: str, evidence: Sequence[Evidence], last: DateOrder | None, settings: LoadSettings) -> DateOrder:
    """The order of an entity's file, and of the columns that clearly have another one: from their dates, else as in the last load, else
    by the setting.

    Raises GateError where the dates clearly have another order than those of the last load.
    """
    own = {each.column: order for each in evidence if (order := each.own_order) is not None}
    doubtful = tuple(each.column for each in evidence if each.is_doubtful)
    before = dict(last.columns) if last is not None else {}
    if not before and len({*own.values()}) < 2:
        return replace(_of_the_file(entity, evidence, last, settings), doubtful=doubtful)
    if last is not None and not settings.allow_date_order_change:
        for column, order in own.items():
            known = before.get(column, last.order if last.decided else None)
            if known not in (None, order):
                raise _changed(entity, [column], str(known), order)
    rest = [each for each in evidence if each.column not in {**before, **own}]
    found = _of_the_file(entity, rest, last, settings)
    columns = {**before, **own}
    told = ", ".join(f"{column} {order}" for column, order in columns.items())
    return replace(found, columns=columns, doubtful=doubtful, why=f"{found.why}; by their own dates: {told}")


def _of_the_file(
    entity: str, evidence: Sequence[Evidence], last: DateOrder | None, settings: LoadSettings
) -> DateOrder:
    """One order for all these columns."""
    month_first, day_first = sum(each.month_first for each in evidence), sum(each.day_first for each in evidence)
    known = last.order if last is not None and last.decided else None
    why = (
        f"{max(month_first, day_first):,} dates can only be read so, {min(month_first, day_first):,} only the other way"
    )
    if month_first == day_first:
        if known is not None:
            return DateOrder(known, decided=True, why="as decided before; no new date shows it")
        before = last.open_columns if last is not None else ()
        either = (each.column for each in evidence if each.either)
        return DateOrder(
            settings.date_order,
            decided=False,
            open_columns=tuple(dict.fromkeys((*before, *either))),
            why="by the setting NEXUS_DATE_ORDER: no date shows it",
        )
    found = "mdy" if month_first > day_first else "dmy"
    if known is None or known == found:
        return DateOrder(found, decided=True, why=why)
    if max(month_first, day_first) <= VALUES_THAT_OUTWEIGH_THE_LAST_LOAD:
        return DateOrder(known, decided=True, why="as decided before; the few dates against it are errors")
    if not settings.allow_date_order_change:
        raise _changed(entity, [each.column for each in evidence if each.month_first or each.day_first], known, found)
    return DateOrder(found, decided=True, why=why)


def _changed(entity: str, columns: Sequence[str], before: str, now: str) -> GateError:
    return GateError(
        f"The dates in {', '.join(columns)} were written {before} in the last load and are {now} in this export.",
        setting="allow_date_order_change",
        entity=entity,
    )


class Dictionaries:
    """Each different date and time text of a load's source, read once: an export holds few of them in many rows."""

    def __init__(
        self,
        cursor: Cursor,
        work: Work,
        last: Mapping[str, Any] | None,
        settings: LoadSettings,
        reading: Reading,
        date_system: str = "",
    ) -> None:
        self._epoch = EPOCH_1904 if date_system == "1904" else EXCEL_EPOCH
        self._cursor, self._work, self._settings, self.reading = cursor, work, settings, reading
        self._last = None if last is None else _from_json(last)
        self.order: DateOrder | None = None
        self._by_all_rows = False

    def read(
        self,
        relation: Relation,
        dates: Collection[str],
        times: Collection[str] = (),
        *,
        partly: bool = False,
        suffix: str = "",
    ) -> None:
        """Makes the tables `dates` and `times` of these fields, where there are any. `partly`: the rows are not all of the file.

        The file's order is decided by the dates that come first: those of a later call are read in the same one.
        """
        self._by_all_rows = self._by_all_rows or (not partly and self.order is None)
        for kind, fields, read_sql in (("dates", dates, self._read_dates_sql), ("times", times, _read_times_sql)):
            if not fields:
                continue
            table = self._work(f"{kind}{suffix}")
            self._cursor.execute(_dictionary_sql(table, relation, fields))
            self._cursor.execute(read_sql(table))

    def _read_dates_sql(self, table: Composable) -> Composable:
        if self.order is None:
            self._cursor.execute(_evidence_sql(table))
            evidence = [Evidence(row[0], *map(int, row[1:])) for row in self._cursor.fetchall()]
            self.order = decide(self._work.entity, evidence, self._last, self._settings)
        return SQL(
            "ALTER TABLE {table} ADD COLUMN value date;"
            "UPDATE {table} SET value = nexus_assets.read_date(raw, coalesce({own}::jsonb ->> field, {order}), {today}, {epoch}, {zone});"
            "ANALYZE {table}"
        ).format(
            table=table,
            own=Literal(Json(dict(self.order.columns))),
            order=Literal(self.order.order),
            today=Literal(self.reading.today),
            epoch=Literal(self._epoch),
            zone=Literal(self.reading.time_zone),
        )

    @property
    def read_otherwise_before(self) -> bool:
        """Whether the last load read this file's dates in another order: then every row must be read again."""
        if self._last is None or self.order is None:
            return False
        return (self._last.order, self._last.columns) != (self.order.order, self.order.columns)

    def forget_last(self) -> None:
        """Has the order decided again by all rows, that are read next, if it was by those that are pending."""
        if not self._by_all_rows:
            self._last = self.order = None

    @property
    def undecided_columns(self) -> int:
        """The number of date columns in which every value reads both ways."""
        return 0 if self.order is None else len(self.order.open_columns)

    @property
    def doubtful_columns(self) -> int:
        """The number of date columns whose dates contradict each other too often for typing errors."""
        return 0 if self.order is None else len(self.order.doubtful)

    def to_json(self) -> dict[str, Any]:
        """What the ledger keeps of the order."""
        return {} if self.order is None else asdict(self.order)


def _from_json(kept: Mapping[str, Any]) -> DateOrder | None:
    if "order" not in kept:
        return None
    return DateOrder(kept["order"], bool(kept["decided"]), tuple(kept["open_columns"]), kept.get("columns", {}))


def follows_setting(kept: Mapping[str, Any]) -> bool:
    """Whether the setting alone decided the order that the ledger keeps."""
    found = _from_json(kept)
    return found is not None and not found.decided


def date_fields(entity: Entity) -> dict[str, None]:
    """The source fields that hold dates."""
    return dict.fromkeys(column.fields[at] for column in entity.columns for at in column.parser.dates)


def time_fields(entity: Entity) -> dict[str, None]:
    """The source fields that hold times of day."""
    return dict.fromkeys(column.fields[at] for column in entity.columns for at in column.parser.times)


def _dictionary_sql(table: Composable, relation: Relation, fields: Iterable[str]) -> Composable:
    """Each different text of the fields with how often it comes."""
    parts = [
        # Grouped first: whether a text is blank is asked once of each, not of every row.
        SQL(
            "SELECT {name}::text AS field, raw, times FROM (SELECT {text} AS raw, count(*) AS times FROM {table} AS s"
            " GROUP BY 1) AS different WHERE nexus_assets.read_text(raw) IS NOT NULL"
        ).format(name=Literal(name), text=relation.field(name, "s"), table=relation.table)
        for name in fields
    ]
    nothing = SQL("SELECT NULL::text AS field, NULL::text AS raw, 0::bigint AS times WHERE false")
    return SQL("DROP TABLE IF EXISTS {table}; CREATE UNLOGGED TABLE {table} AS {parts}").format(
        table=table, parts=SQL(" UNION ALL ").join([nothing, *parts])
    )


def _evidence_sql(dictionary: Composable) -> Composable:
    """Per field: how many values can only be month first, only day first, and either."""
    return SQL(r"""
        SELECT field,
               coalesce(sum(times) FILTER (WHERE second BETWEEN 13 AND 31 AND first <= 12), 0),
               coalesce(sum(times) FILTER (WHERE first BETWEEN 13 AND 31 AND second <= 12), 0),
               coalesce(sum(times) FILTER (WHERE first <= 12 AND second <= 12 AND first <> second), 0)
        FROM (SELECT field, times, words[1]::int AS first, words[2]::int AS second
              -- OFFSET 0: the text is split once, not once for every use of its words.
              FROM (SELECT field, times, string_to_array(translate(ltrim(text, 'abcdefghijklmnopqrstuvwxyz., '), '.-', '//'), '/') AS words
                    FROM (SELECT field, times, nexus_assets.comparable(raw) AS text FROM {}) AS dates
                    WHERE text ~ concat('^([a-z]+[.,]* )?', -- a weekday
                                        '([0-9]{{1,2}}/[0-9]{{1,2}}/|[0-9]{{1,2}}[.][0-9]{{1,2}}[.]|[0-9]{{1,2}}-[0-9]{{1,2}}-)',
                                        '([0-9]{{4}}|[0-9]{{2}})([^0-9]|$)') OFFSET 0) AS split) AS dates
        GROUP BY field ORDER BY field
    """).format(dictionary)


def _read_times_sql(table: Composable) -> Composable:
    return SQL(
        "ALTER TABLE {table} ADD COLUMN value interval;"
        "UPDATE {table} SET value = nexus_assets.read_time(raw); ANALYZE {table}"
    ).format(table=table)

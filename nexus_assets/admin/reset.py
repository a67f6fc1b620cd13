"""Taking out of Nexus what importers made, children first, in one transaction; the ledger stays, so that every id comes back.

What importers made: the rows that the ledger has seen loaded, made or adopted (an adopted row carries a FileMaker id, or is what
FileMaker says of a person), and the batches that carry an importer's name. All else is a person's: where it hangs on such
a row nothing is removed. A row that says something which FileMaker does not is not removed unasked either: the next import
could not bring that back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import sqlalchemy
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets import clinics
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.ledger import shared
from nexus_assets.ledger.schema import base_column, base_columns, hold, is_installed
from nexus_assets.ledger.tables import identity_table
from nexus_assets.load.identity import made_by_importer_sql
from nexus_assets.load.incoming import hash_sql, owned_sql, reference_column
from nexus_assets.mapping.entity import Entity, Now, TrueCount
from nexus_assets.nexus import catalog, queries
from nexus_assets.nexus.catalog import Target
from nexus_assets.nexus.connection import transaction
from nexus_assets.nexus.references import pointing
from nexus_assets.wording import counted

CHILDREN_FIRST = tuple(reversed(ENTITIES))


class ResetError(NexusAssetsError):
    """Nothing was removed."""


@dataclass(frozen=True)
class Removal:
    """One table: how many rows would go, and how many of them the next import could not bring back as they are.

    `known_to_nexus_only`: a person, or an earlier importer, put in what FileMaker does not say. `gone_from_filemaker`: the
    last export does not have the row, or it was rejected.
    """

    table: str
    rows: int
    known_to_nexus_only: int
    gone_from_filemaker: int

    @property
    def losses(self) -> int:
        return self.known_to_nexus_only + self.gone_from_filemaker


@dataclass(frozen=True)
class ResetPlan:
    """What a reset would remove, by entity, children first, and what of people's own hangs on it, by `table.column`."""

    database: str
    removals: Mapping[str, Removal]
    hanging: Mapping[str, int]
    tables: tuple[tuple[str, str], ...] = field(repr=False)

    @property
    def rows(self) -> int:
        return sum(removal.rows for removal in self.removals.values())

    @property
    def losses(self) -> int:
        return sum(removal.losses for removal in self.removals.values())


def plan(engine: sqlalchemy.Engine) -> ResetPlan:
    """What a reset would do now; nothing is written. Raises ResetError where this program never loaded anything."""
    with transaction(engine, commit=False) as cursor:
        return _plan(cursor)


def reset(engine: sqlalchemy.Engine, planned: ResetPlan, *, accept_losses: bool = False) -> None:
    """Does what was planned, in one transaction, while nobody else writes to these tables.

    Raises ResetError, and nothing was removed, where people's own data hangs on a row, where something would be lost that
    was not accepted, and where the database is no longer as it was planned.
    """
    refuse(planned, accept_losses=accept_losses)
    with transaction(engine, lock=tuple(ENTITIES)) as cursor:
        # Before anything is looked at: what is planned under the lock stays so until the commit.
        cursor.execute(
            SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(
                SQL(", ").join(Identifier(*table) for table in planned.tables)
            )
        )
        hold(cursor)
        if _plan(cursor) != planned:
            raise ResetError(
                "The database has changed since the plan was made.",
                remedy="Nothing was removed. Run `nexus-assets reset` again.",
            )
        for name, removal in planned.removals.items():
            _remove(cursor, catalog.reflect(cursor, ENTITIES[name]), removal)


def refuse(planned: ResetPlan, *, accept_losses: bool = False) -> None:
    """Raises ResetError where the plan must not be carried out."""
    if planned.hanging:
        hanging = ", ".join(f"{number:,} in {column}" for column, number in planned.hanging.items())
        raise ResetError(
            f"People's own rows refer to what would be removed: {hanging}.",
            remedy="Nothing was removed. Delete or move them in Nexus first; `nexus-assets explain ID` shows what an id is.",
        )
    if planned.losses and not accept_losses:
        raise ResetError(
            f"{counted(planned.losses, 'row holds', 'rows hold')} what the next import can't bring back.",
            remedy="Nothing was removed. Run `nexus-assets reset --accept-losses` if they may go.",
        )


def _plan(cursor: Cursor) -> ResetPlan:
    if not is_installed(cursor):
        raise ResetError(
            "Nothing was ever loaded into this database by this program: it can't tell an importer's rows from people's.",
            remedy=f"Nothing was removed. Check NEXUS_DATABASE_URL, or run `{clinics.materialize_command('*')}` first.",
        )
    present = (ENTITIES[name] for name in CHILDREN_FIRST if catalog.is_there(cursor, ENTITIES[name]))
    targets = {entity.name: catalog.reflect(cursor, entity) for entity in present}
    for target in targets.values():
        _gather(cursor, target)
    hanging = {
        column: number for target in targets.values() for column, number in _hanging(cursor, target, targets) if number
    }
    tables = dict.fromkeys(place for target in targets.values() for place in referring(cursor, target))
    (database,) = queries.row(cursor, "SELECT current_database()::text")
    return ResetPlan(
        database,
        {name: _removal(cursor, target) for name, target in targets.items()},
        hanging,
        tuple(dict.fromkeys([*((target.schema, target.name) for target in targets.values()), *tables])),
    )


def _going(entity: str) -> Identifier:
    """The temporary table of the ids that would go."""
    return Identifier(f"going_{entity}")


def _gather(cursor: Cursor, target: Target) -> None:
    """Makes the table of the rows that importers made: those in the ledger, and those with an importer's mark."""
    marked = made_by_importer_sql(target, "t") if target.entity.made_by_importer else SQL("FALSE")
    cursor.execute(
        SQL("""
            CREATE TEMP TABLE {going} ON COMMIT DROP AS
            SELECT t.id, l.source_id FROM {target} AS t LEFT JOIN {ledger} AS l ON l.nexus_id = t.id
            WHERE (l.last_load IS NOT NULL OR {marked}) AND NOT {is_hosts} AND {adds_rows};
            CREATE UNIQUE INDEX ON {going} (id); ANALYZE {going}
        """).format(
            going=_going(target.entity.name),
            target=target.table,
            ledger=identity_table(target.entity.name),
            marked=marked,
            adds_rows=Literal(target.entity.adds_rows),
            # Each row goes once, and is judged by what that entity's export says of it.
            is_hosts=shared.brought_by_sql(target.entity.shares.name, SQL("t.id"))
            if target.entity.shares
            else SQL("FALSE"),
        )
    )


def _removal(cursor: Cursor, target: Target) -> Removal:
    rows, edited, gone = queries.row(
        cursor,
        SQL("""
            SELECT count(*), count(*) FILTER (WHERE NOT gone AND edited), count(*) FILTER (WHERE gone) FROM (
              SELECT l.vanished_load IS NOT NULL OR r.source_id IS NOT NULL AS gone,
                     l.source_id IS NOT NULL AND ({edited}) AS edited
              FROM {going} AS g JOIN {target} AS t USING (id) LEFT JOIN {ledger} AS l ON l.source_id = g.source_id
              LEFT JOIN (SELECT DISTINCT nexus_assets.read_uuid(source_id) AS source_id FROM nexus_assets.reject
                         WHERE entity = {entity} AND resolved_load IS NULL) AS r ON r.source_id = g.source_id
            ) AS judged
        """).format(
            entity=Literal(target.entity.name),
            edited=SQL(" OR ").join(differences(target)),
            going=_going(target.entity.name),
            target=target.table,
            ledger=identity_table(target.entity.name),
        ),
    )
    return Removal(target.name, int(rows), int(edited), int(gone))


def differences(target: Target) -> Iterator[Composable]:
    """Column by column: whether the row `t` holds what neither FileMaker (`l`) nor an insert puts there."""
    entity = target.entity
    tracked = base_columns(entity)
    links = {name for link in entity.references if (name := reference_column(link)) is not None}
    for name in tracked:
        value, base = owned_sql(name, target, "t"), SQL("l.{}").format(base_column(name))
        unsaid = _unless_a_guests(target, name, SQL("{} IS NOT NULL").format(value))
        differs = SQL("CASE WHEN {base} IS NULL THEN {unsaid} ELSE {base} <> {hash} END").format(
            base=base, unsaid=unsaid, hash=hash_sql(value)
        )
        if name in links:
            # A link that followed its row to another id is still what FileMaker says.
            differs = SQL(
                "({} AND NOT EXISTS (SELECT FROM nexus_assets.superseded AS s WHERE s.current_id = {} AND {} = {}))"
            ).format(differs, value, base, hash_sql(SQL("s.nexus_id")))
        yield differs
    for column in entity.columns:
        if column.merged_keys and column.name in target.columns:
            yield SQL("coalesce(t.{} - {}::text[], '{{}}') <> '{{}}'").format(
                Identifier(column.name), Literal(list(column.merged_keys))
            )
    yield from _untracked_differences(target, {*tracked, *_not_a_persons(entity)})


def _untracked_differences(target: Target, known: set[str]) -> Iterator[Composable]:
    defaults = target.entity.on_insert
    for name, column in target.columns.items():
        if name in known:
            continue
        value = Identifier("t", name)
        differs = SQL("{} IS NOT NULL").format(value)
        if name in defaults:
            differs = SQL("{} IS DISTINCT FROM {}::{}").format(value, Literal(defaults[name]), SQL(column.sql_type))
        yield _unless_a_guests(target, name, differs)


def _unless_a_guests(target: Target, name: str, differs: Composable) -> Composable:
    """The condition, but not where the column holds what the export of an entity said that shares the table."""
    guests = [replace(target, entity=each) for each in shared.guests(target.entity) if name in base_columns(each)]
    if not guests:
        return differs
    keys = {
        key for each in guests for column in each.entity.columns if column.name == name for key in column.merged_keys
    }
    said = [_said_by_sql(each, name, is_part=bool(keys)) for each in guests]
    if keys:
        said.append(SQL("t.{} - {}::text[] = '{{}}'").format(Identifier(name), Literal(sorted(keys))))
    return SQL("({} AND NOT coalesce({}, FALSE))").format(differs, SQL(" AND ").join(said))


def _said_by_sql(guest: Target, name: str, *, is_part: bool) -> Composable:
    """Whether the column of the row `t` holds what the export of the entity that shares the table said; `is_part`: among its own
    keys of a jsonb object, of which there may be none."""
    owned = owned_sql(name, guest, "t")
    # The row may have another id since, which the load of this entity has not learned yet.
    return SQL("""({} OR EXISTS (SELECT FROM {} AS g WHERE g.{} = {} AND (g.nexus_id = t.id OR EXISTS (
        SELECT FROM nexus_assets.superseded AS s WHERE s.nexus_id = g.nexus_id AND s.current_id = t.id))))""").format(
        SQL("{} = '{{}}'").format(owned) if is_part else SQL("FALSE"),
        identity_table(guest.entity.name),
        base_column(name),
        hash_sql(owned),
    )


def _not_a_persons(entity: Entity) -> Iterator[str]:
    """Columns that are none of a person's words: ids, content types, times of writing, counts."""
    yield "id"
    yield from (link.type_column for link in entity.generic_references)
    yield from (column.name for column in entity.columns if column.insert_only)
    yield from (name for name, value in entity.on_insert.items() if isinstance(value, Now))
    yield from (
        declared.column
        for other in ENTITIES.values()
        for declared in other.tidy
        if isinstance(declared, TrueCount) and declared.parent == entity.name
    )


def referring(cursor: Cursor, target: Target) -> Iterator[tuple[str, str]]:
    """The tables, by schema and name, whose rows may hold on to rows of the target."""
    return ((found.schema, found.table) for found in pointing(cursor, target) if found.holds)


def _hanging(cursor: Cursor, target: Target, targets: Mapping[str, Target]) -> Iterator[tuple[str, int]]:
    """(`table.column`, rows) that stay and refer to a row that would go."""
    going = _going(target.entity.name)

    def stays(place: tuple[str, str]) -> Composable:
        going_too = [name for name, other in targets.items() if (other.schema, other.name) == place]
        return SQL(" AND ").join(
            [
                SQL("TRUE"),
                *(SQL("NOT EXISTS (SELECT FROM {} AS o WHERE o.id = x.id)").format(_going(name)) for name in going_too),
            ]
        )

    for found in pointing(cursor, target):
        if found.holds:
            query = SQL("SELECT count(*) FROM {} AS x JOIN {} AS g ON {} WHERE {}").format(
                found.relation, going, found.leads_sql(target, SQL("= g.id")), stays((found.schema, found.table))
            )
            yield found.name, queries.number(cursor, query)


def _remove(cursor: Cursor, target: Target, removal: Removal) -> None:
    cursor.execute(
        SQL("DELETE FROM {} AS t USING {} AS g WHERE g.id = t.id").format(target.table, _going(target.entity.name))
    )
    if cursor.rowcount != removal.rows:
        raise ResetError(
            f"{cursor.rowcount:,} rows of {target.name} would go instead of the {removal.rows:,} that were planned.",
            remedy="Nothing was removed. This is a defect of the program: report it with these figures.",
        )
    for declared in target.entity.tidy:
        if isinstance(declared, TrueCount):
            # A person's own batch may have held an importer's image.
            parent = catalog.reflect(cursor, ENTITIES[declared.parent])
            cursor.execute(
                SQL("""
                    UPDATE {parent} AS p SET {column} = c.number
                    FROM (SELECT b.id, count(t.id) AS number FROM {parent} AS b LEFT JOIN {target} AS t
                          ON t.{reference} = b.id GROUP BY b.id) AS c
                    WHERE c.id = p.id AND p.{column} <> c.number AND NOT EXISTS (SELECT FROM {going} AS g WHERE g.id = p.id)
                """).format(
                    parent=parent.table,
                    column=Identifier(declared.column),
                    target=target.table,
                    reference=Identifier(declared.reference),
                    going=_going(declared.parent),
                )
            )

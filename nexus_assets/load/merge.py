"""Step 5: new rows in, FileMaker's changes over, links healed, Nexus's own edits kept: three-way, column by column."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.load.identity import made_by_importer_sql
from nexus_assets.load.incoming import Scene, hash_sql, new, owned_sql, reference_column, target_hash_sql
from nexus_assets.load.ledger import base_column, base_columns
from nexus_assets.load.tables import identity_table
from nexus_assets.mapping.entity import Column, Entity, GenericReference, Now, Reference


def _write(name: str) -> Identifier:
    """The flag in `changes`: this column is written."""
    return Identifier(f"write_{name}")


def _keep(name: str) -> Identifier:
    """The flag in `changes`: Nexus has this column differently, and keeps it."""
    return Identifier(f"keep_{name}")


def _declared(entity: Entity, name: str) -> Column | None:
    return next((column for column in entity.columns if column.name == name), None)


def _link(entity: Entity, name: str) -> Reference | GenericReference | None:
    return next((link for link in entity.references if reference_column(link) == name), None)


def _left_to_nexus(entity: Entity) -> set[str]:
    """The columns in which an empty value from FileMaker says nothing, and so changes nothing."""
    optional = (column.name for column in entity.columns if column.fill_only or column.name in entity.on_insert)
    links = (reference_column(link) for link in entity.references)
    return {*optional, *(name for name in links if name), *(lookup.column for lookup in entity.lookups)}


def _default_sql(scene: Scene, name: str) -> Composable:
    value = scene.entity.on_insert[name]
    sql_type = SQL(scene.target.columns[name].sql_type)
    return SQL("now()") if isinstance(value, Now) else SQL("{}::{}").format(Literal(value), sql_type)


def _inserted_sql(scene: Scene, name: str) -> Composable:
    """The value that a new row gets in a column, of the column's own type, so that its hash is that of the row."""
    if name not in _read_columns(scene.entity):
        return _default_sql(scene, name)
    value = SQL("i.{}::{}").format(new(name), SQL(scene.target.columns[name].sql_type))
    if name in scene.entity.on_insert:
        return SQL("coalesce({}, {})").format(value, _default_sql(scene, name))
    return value


def _read_columns(entity: Entity) -> tuple[str, ...]:
    """Every target column that `incoming` has a value for."""
    types = (link.type_column for link in entity.generic_references)
    initial = (column.name for column in entity.columns if column.initial)
    return (*types, *base_columns(entity), *initial)


def insert_sql(scene: Scene) -> Composable:
    """Inserts the rows to make and to restore, in the order that keeps neighbouring index entries together."""
    present = [name for name in scene.entity.on_insert if name in scene.target.columns]
    names = list(dict.fromkeys((*_read_columns(scene.entity), *present)))
    order = [SQL("i.{}").format(new(name)) for name in scene.entity.insert_order]
    return SQL("""
        INSERT INTO {target} (id, {names})
        SELECT d.nexus_id, {values} FROM {decided} AS d JOIN {incoming} AS i USING (row_number)
        WHERE d.action IN ('make', 'restore') ORDER BY {order}
    """).format(
        target=scene.target.table,
        names=SQL(", ").join(map(Identifier, names)),
        values=SQL(", ").join(_inserted_sql(scene, name) for name in names),
        decided=scene.work("decided"),
        incoming=scene.work("incoming"),
        order=SQL(", ").join([*order, SQL("d.row_number")]),
    )


def ledger_insert_sql(scene: Scene, load_id: int) -> Composable:
    """Remembers the inserted rows: their ids, the hash of what they were read from and of what was written, per column."""
    types = [_inserted_sql(scene, link.type_column) for link in scene.entity.generic_references]
    tracked = base_columns(scene.entity)
    values = {name: _inserted_sql(scene, name) for name in tracked}
    return SQL("""
        INSERT INTO {ledger} AS l (source_id, nexus_id, row_hash, target_hash, row_number, origin, first_load, last_load, {bases})
        SELECT i.source_id, d.nexus_id, i.row_hash, {target_hash}, i.row_number, 'made', {load}, {load}, {hashes}
        FROM {decided} AS d JOIN {incoming} AS i USING (row_number)
        WHERE d.action IN ('make', 'restore') ORDER BY i.source_id
        ON CONFLICT (source_id) DO UPDATE SET nexus_id = excluded.nexus_id, row_hash = excluded.row_hash,
          target_hash = excluded.target_hash, row_number = excluded.row_number, last_load = excluded.last_load,
          vanished_load = NULL, first_load = coalesce(l.first_load, excluded.first_load), {updated}
    """).format(
        ledger=scene.ledger,
        bases=SQL(", ").join(map(base_column, tracked)),
        target_hash=hash_sql(*types, *values.values()),
        load=Literal(load_id),
        hashes=SQL(", ").join(hash_sql(values[name]) for name in tracked),
        decided=scene.work("decided"),
        incoming=scene.work("incoming"),
        updated=SQL(", ").join(SQL("{0} = excluded.{0}").format(base_column(name)) for name in tracked),
    )


@dataclass(frozen=True)
class _Comparison:
    """How one tracked column of an existing row compares: its value now, whether it differs, and what may overwrite it."""

    name: str
    current: Composable
    differs: Composable
    healed: Composable
    kept_for_ever: bool


def _compare(scene: Scene, name: str, aliases: dict[str, Identifier]) -> _Comparison:
    link, declared = _link(scene.entity, name), _declared(scene.entity, name)
    current = owned_sql(name, scene.target, "t")
    differs = SQL("{} IS DISTINCT FROM i.{}").format(current, new(name))
    healed: Composable = SQL("FALSE")
    if isinstance(link, GenericReference):
        # Both halves are one value. A link is dead where its row is not there; a live one is never emptied.
        type_ = Identifier(link.type_column)
        dead = SQL("((t.{type} IS NULL) <> (t.{id} IS NULL) OR (t.{id} IS NOT NULL AND {row}.id IS NULL))").format(
            type=type_, id=Identifier(name), row=aliases[name]
        )
        differs = SQL(
            "(({current} IS DISTINCT FROM i.{id} OR t.{type} IS DISTINCT FROM i.{new_type}) AND (i.{id} IS NOT NULL OR {dead}))"
        ).format(current=current, id=new(name), type=type_, new_type=new(link.type_column), dead=dead)
        healed = dead
    elif isinstance(link, Reference) and link.heals:
        # Away from a duplicate that an importer made, unless a person put it into a batch that the ledger knows.
        parent = scene.parents[link.to]
        healed = SQL(
            "({made} AND (l.{base} IS NULL OR NOT EXISTS (SELECT FROM {ledger} AS k WHERE k.nexus_id = {row}.id)))"
        ).format(
            made=SQL("coalesce({}, TRUE)").format(_made_sql(scene, link, aliases[name])),
            base=base_column(name),
            ledger=identity_table(parent.entity.name),
            row=aliases[name],
        )
    elif name in _left_to_nexus(scene.entity):
        differs = SQL("({} AND i.{} IS NOT NULL)").format(differs, new(name))
    if declared is not None and declared.fill_only:
        healed = SQL("{} IS NULL").format(current)
    return _Comparison(name, current, differs, healed, bool(declared and declared.fill_only))


def _made_sql(scene: Scene, link: Reference, row: Identifier) -> Composable:
    parent = scene.parents[link.to]
    return made_by_importer_sql(parent, row.strings[-1])


def changes_sql(scene: Scene, filemaker_wins: bool) -> Composable:
    """Per existing row that has news: for each column, whether it is written or kept.

    Written: it differs, and Nexus has it as FileMaker last said (or it is a dead link, or FileMaker wins by setting). Kept: it differs, and
    Nexus's value is not FileMaker's last: a person changed it, or the row was adopted and never was FileMaker's.
    """
    joins, aliases = [], {}
    for number, link in enumerate(scene.entity.references):
        column = reference_column(link)
        if column is not None:
            row = aliases[column] = Identifier(f"row_{number}")
            guard = (
                SQL(" AND t.{} = {}").format(
                    Identifier(link.type_column), Literal(scene.parents[link.to].content_type_id)
                )
                if isinstance(link, GenericReference)
                else SQL("")
            )
            joins.append(
                SQL("LEFT JOIN {} AS {} ON {}.id = t.{}{}").format(
                    scene.parents[link.to].table, row, row, Identifier(column), guard
                )
            )
    flags: list[Composable] = []
    for name in base_columns(scene.entity):
        compared = _compare(scene, name, aliases)
        unchanged_in_nexus = SQL("coalesce(l.{} = {}, FALSE)").format(base_column(name), hash_sql(compared.current))
        wins = SQL("TRUE") if filemaker_wins and not compared.kept_for_ever else SQL("FALSE")
        may_write = SQL("({} OR {} OR {})").format(
            compared.healed, wins, SQL("FALSE") if compared.kept_for_ever else unchanged_in_nexus
        )
        flags.append(SQL("({} AND {}) AS {}").format(compared.differs, may_write, _write(name)))
        flags.append(SQL("({} AND NOT {}) AS {}").format(compared.differs, may_write, _keep(name)))
    return SQL("""
        CREATE UNLOGGED TABLE {changes} AS
        SELECT d.row_number, d.source_id, d.nexus_id, d.action, {flags}
        FROM {decided} AS d
        JOIN {incoming} AS i USING (row_number)
        JOIN {target} AS t ON t.id = d.nexus_id
        LEFT JOIN {ledger} AS l ON l.source_id = d.source_id
        {joins}
        WHERE d.action IN ('compare', 'adopt')
    """).format(
        changes=scene.work("changes"),
        flags=SQL(", ").join(flags),
        decided=scene.work("decided"),
        incoming=scene.work("incoming"),
        target=scene.target.table,
        ledger=scene.ledger,
        joins=SQL(" ").join(joins),
    )


def _any(scene: Scene, flag: object) -> Composable:
    make = _write if flag == "write" else _keep
    return SQL("({})").format(SQL(" OR ").join(SQL("c.{}").format(make(name)) for name in base_columns(scene.entity)))


def _merged_sql(scene: Scene, name: str) -> Composable:
    """What is written into a column: of a merged jsonb column our keys are replaced, the others stay."""
    declared = _declared(scene.entity, name)
    value = SQL("i.{}::{}").format(new(name), SQL(scene.target.columns[name].sql_type))
    if declared is not None and declared.parser.keys:
        return SQL("(coalesce(t.{column}, '{{}}') - {keys}::text[]) || {value}").format(
            column=Identifier(name), keys=Literal(list(declared.parser.keys)), value=value
        )
    return value


def update_sql(scene: Scene) -> Composable:
    """Writes the columns that are to be written; rows without one are not touched."""
    settings = []
    for name in base_columns(scene.entity):
        link = _link(scene.entity, name)
        pairs = [(name, _merged_sql(scene, name))]
        if isinstance(link, GenericReference):
            pairs.append((link.type_column, SQL("i.{}").format(new(link.type_column))))
        for column, value in pairs:
            settings.append(
                SQL("{0} = CASE WHEN c.{1} THEN {2} ELSE t.{0} END").format(Identifier(column), _write(name), value)
            )
    if scene.entity.touched:
        settings.append(SQL("{} = now()").format(Identifier(scene.entity.touched)))
    return SQL("""
        UPDATE {target} AS t SET {settings}
        FROM {changes} AS c JOIN {incoming} AS i USING (row_number)
        WHERE t.id = c.nexus_id AND {written}
    """).format(
        target=scene.target.table,
        settings=SQL(", ").join(settings),
        changes=scene.work("changes"),
        incoming=scene.work("incoming"),
        written=_any(scene, "write"),
    )


def ledger_update_sql(scene: Scene, load_id: int) -> Composable:
    """Remembers what existing rows were compared with and how they are now; entries that say so already stay untouched."""
    tracked = base_columns(scene.entity)
    left_to_nexus = _left_to_nexus(scene.entity)
    hashes = [
        SQL("CASE WHEN i.{} IS NOT NULL THEN {} ELSE l.{} END").format(
            new(name), hash_sql(_typed(scene, name)), base_column(name)
        )
        if name in left_to_nexus
        else hash_sql(_typed(scene, name))
        for name in tracked
    ]
    compared = (Identifier("nexus_id"), Identifier("row_hash"), Identifier("target_hash"), *map(base_column, tracked))
    return SQL("""
        INSERT INTO {ledger} AS l (source_id, nexus_id, row_hash, target_hash, row_number, origin, first_load, last_load, {bases})
        SELECT i.source_id, c.nexus_id, i.row_hash, {target_hash}, i.row_number, 'adopted', {load}, {load}, {hashes}
        FROM {changes} AS c JOIN {incoming} AS i USING (row_number) JOIN {target} AS t ON t.id = c.nexus_id
        LEFT JOIN {ledger} AS l ON l.source_id = c.source_id
        ORDER BY i.source_id
        ON CONFLICT (source_id) DO UPDATE SET nexus_id = excluded.nexus_id, row_hash = excluded.row_hash,
          target_hash = excluded.target_hash, row_number = excluded.row_number, last_load = excluded.last_load,
          vanished_load = NULL, first_load = coalesce(l.first_load, excluded.first_load), {updated}
        WHERE l.vanished_load IS NOT NULL OR ({mine}) IS DISTINCT FROM ({theirs})
    """).format(
        ledger=scene.ledger,
        bases=SQL(", ").join(map(base_column, tracked)),
        target_hash=target_hash_sql(scene.target, "t"),
        load=Literal(load_id),
        hashes=SQL(", ").join(hashes),
        changes=scene.work("changes"),
        incoming=scene.work("incoming"),
        target=scene.target.table,
        updated=SQL(", ").join(SQL("{0} = excluded.{0}").format(base_column(name)) for name in tracked),
        mine=SQL(", ").join(SQL("l.{}").format(name) for name in compared),
        theirs=SQL(", ").join(SQL("excluded.{}").format(name) for name in compared),
    )


def _typed(scene: Scene, name: str) -> Composable:
    return SQL("i.{}::{}").format(new(name), SQL(scene.target.columns[name].sql_type))


def conflicts_sql(scene: Scene) -> Composable:
    """Rows (source_id, nexus_id, column_name, cause, filemaker_value, nexus_value) of every value that was kept."""
    parts = [
        SQL("""
            SELECT c.source_id, c.nexus_id, {name}::text AS column_name,
                   CASE WHEN c.action = 'adopt' AND l.{base} IS NULL THEN 'adopted' ELSE 'edited' END AS cause,
                   i.{new}::text AS filemaker_value, {current}::text AS nexus_value
            FROM {changes} AS c JOIN {incoming} AS i USING (row_number) JOIN {target} AS t ON t.id = c.nexus_id
            LEFT JOIN {ledger} AS l ON l.source_id = c.source_id
            WHERE c.{keep}
        """).format(
            name=Literal(name),
            base=base_column(name),
            new=new(name),
            current=owned_sql(name, scene.target, "t"),
            changes=scene.work("changes"),
            incoming=scene.work("incoming"),
            target=scene.target.table,
            ledger=scene.ledger,
            keep=_keep(name),
        )
        for name in base_columns(scene.entity)
    ]
    return SQL(" UNION ALL ").join(parts)


def outcomes_sql(scene: Scene) -> Composable:
    """One row (updated, kept, unchanged, adopted) over the existing rows that were compared."""
    written, kept = _any(scene, "write"), _any(scene, "keep")
    return SQL("""
        SELECT count(*) FILTER (WHERE {written}), count(*) FILTER (WHERE NOT {written} AND {kept}),
               count(*) FILTER (WHERE NOT {written} AND NOT {kept}), count(*) FILTER (WHERE c.action = 'adopt')
        FROM {changes} AS c
    """).format(written=written, kept=kept, changes=scene.work("changes"))


def healed_links_sql(scene: Scene) -> Composable | None:
    """The number of existing rows whose link was written; None where the entity has no reference to write."""
    links = [name for link in scene.entity.references if (name := reference_column(link)) is not None]
    if not links:
        return None
    written = SQL(" OR ").join(SQL("c.{}").format(_write(name)) for name in links)
    return SQL("SELECT count(*) FROM {} AS c WHERE {}").format(scene.work("changes"), written)

"""Step 5, second half: new rows in, FileMaker's changes over, links healed."""

from __future__ import annotations

from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.load.compare import declared_column, link_of, write_flag, written_sql
from nexus_assets.load.incoming import Scene, new
from nexus_assets.load.ledger import base_columns
from nexus_assets.mapping.entity import Entity, GenericReference, Now


def _default_sql(scene: Scene, name: str) -> Composable:
    value = scene.entity.on_insert[name]
    sql_type = SQL(scene.target.columns[name].sql_type)
    return SQL("now()") if isinstance(value, Now) else SQL("{}::{}").format(Literal(value), sql_type)


def inserted_sql(scene: Scene, name: str) -> Composable:
    """The value that a new row gets in a column, of the column's own type, so that its hash is that of the row."""
    if name not in _read_columns(scene.entity):
        return _default_sql(scene, name)
    value = typed_sql(scene, name)
    if name in scene.entity.on_insert:
        return SQL("coalesce({}, {})").format(value, _default_sql(scene, name))
    return value


def _read_columns(entity: Entity) -> tuple[str, ...]:
    """Every target column that `incoming` has a value for."""
    types = (link.type_column for link in entity.generic_references)
    initial = (column.name for column in entity.columns if column.initial)
    return (*types, *base_columns(entity), *initial)


def typed_sql(scene: Scene, name: str) -> Composable:
    """What FileMaker says of a column, of the column's own type."""
    return SQL("i.{}::{}").format(new(name), SQL(scene.target.columns[name].sql_type))


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
        values=SQL(", ").join(inserted_sql(scene, name) for name in names),
        decided=scene.work("decided"),
        incoming=scene.work("incoming"),
        order=SQL(", ").join([*order, SQL("d.row_number")]),
    )


def _merged_sql(scene: Scene, name: str) -> Composable:
    """What is written into a column: of a merged jsonb column our keys are replaced, the others stay."""
    declared = declared_column(scene.entity, name)
    value = typed_sql(scene, name)
    if declared is not None and declared.parser.keys:
        return SQL(
            "(CASE jsonb_typeof(t.{column}) WHEN 'object' THEN t.{column} - {keys}::text[] ELSE '{{}}' END || {value})"
        ).format(column=Identifier(name), keys=Literal(list(declared.parser.keys)), value=value)
    return value


def update_sql(scene: Scene) -> Composable:
    """Writes the columns that are to be written; rows without one are not touched."""
    settings = []
    for name in base_columns(scene.entity):
        link = link_of(scene.entity, name)
        pairs = [(name, _merged_sql(scene, name))]
        if isinstance(link, GenericReference):
            pairs.append((link.type_column, SQL("i.{}").format(new(link.type_column))))
        for column, value in pairs:
            settings.append(
                SQL("{0} = CASE WHEN c.{1} THEN {2} ELSE t.{0} END").format(Identifier(column), write_flag(name), value)
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
        written=written_sql(scene),
    )

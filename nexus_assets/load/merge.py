"""Step 5, second half: new rows in, FileMaker's changes over, links healed."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.ledger.before_values import updated_sql
from nexus_assets.ledger.schema import base_columns
from nexus_assets.load.adoption import declared_column
from nexus_assets.load.compare import default_sql, write_flag, written_sql
from nexus_assets.load.identity import decided_rows_sql
from nexus_assets.load.incoming import LoadContext, incoming_column
from nexus_assets.mapping.entity import Entity


def inserted_sql(context: LoadContext, name: str) -> Composable:
    """The value that a new row gets in a column, of the column's own type, so that its hash is that of the row."""
    if name not in _read_columns(context.entity):
        return default_sql(context, name)
    value = typed_sql(context, name)
    if name in context.entity.on_insert:
        return SQL("coalesce({}, {})").format(value, default_sql(context, name))
    return value


def inserted_columns(context: LoadContext) -> list[str]:
    """The columns in which a new row gets a value, besides its id."""
    present = [name for name in context.entity.on_insert if name in context.target.columns]
    return list(dict.fromkeys((*_read_columns(context.entity), *present)))


def _read_columns(entity: Entity) -> tuple[str, ...]:
    """Every target column that `incoming` has a value for."""
    types = (link.type_column for link in entity.generic_references)
    initial = (column.name for column in entity.columns if column.insert_only)
    return (*types, *base_columns(entity), *initial)


def typed_sql(context: LoadContext, name: str) -> Composable:
    """What FileMaker says of a column, of the column's own type."""
    return SQL("i.{}::{}").format(incoming_column(name), SQL(context.target.columns[name].sql_type))


def insert_sql(context: LoadContext) -> Composable:
    """Inserts the rows to make and to restore, in the order that keeps neighbouring index entries together."""
    names = inserted_columns(context)
    order = [SQL("i.{}").format(incoming_column(name)) for name in context.entity.insert_order]
    return SQL("""
        INSERT INTO {target} (id, {names})
        SELECT d.nexus_id, {values} FROM {decided}
        WHERE d.action IN ('insert', 'restore') ORDER BY {order}
    """).format(
        target=context.target.table,
        names=SQL(", ").join(map(Identifier, names)),
        values=SQL(", ").join(inserted_sql(context, name) for name in names),
        decided=decided_rows_sql(context),
        order=SQL(", ").join([*order, SQL("d.row_number")]),
    )


def merged_sql(context: LoadContext, name: str, value: Composable | None = None) -> Composable:
    """What is written into a column for this value (else FileMaker's): of a merged jsonb column our keys, the others stay."""
    declared = declared_column(context.entity, name)
    value = inserted_sql(context, name) if value is None else value
    if declared is not None and declared.parser.keys:
        return SQL(
            "(CASE jsonb_typeof(t.{column}) WHEN 'object' THEN t.{column} - {keys}::text[] ELSE '{{}}' END || {value})"
        ).format(column=Identifier(name), keys=Literal(list(declared.parser.keys)), value=value)
    return value


def changed_sql(context: LoadContext, name: str) -> Composable:
    """What a column of the row `t` comes to hold, by the row `c` of `changes`. Both halves of a generic link are written as one."""
    if name == context.entity.updated_at:
        return SQL("now()")
    now = Identifier("t", name)
    link_column = id_columns(context.entity).get(name)
    tracked = link_column or name
    if tracked not in base_columns(context.entity):
        return now
    written = SQL("i.{}").format(incoming_column(name)) if link_column else merged_sql(context, name)
    return SQL("CASE WHEN c.{} THEN {} ELSE {} END").format(write_flag(tracked), written, now)


def id_columns(entity: Entity) -> Mapping[str, str]:
    """The column of the id by the column of the type, of each generic link."""
    return {link.type_column: link.id_column for link in entity.generic_references}


def update_sql(context: LoadContext) -> Composable:
    """Writes the columns that are to be written, and keeps what they were; rows without one are not touched."""
    types = {id_column: type_column for type_column, id_column in id_columns(context.entity).items()}
    columns = [each for name in base_columns(context.entity) for each in (name, types.get(name)) if each]
    if context.entity.updated_at:
        columns.append(context.entity.updated_at)
    statement = SQL("""
        UPDATE {target} AS t SET {settings}
        FROM {changes} AS c JOIN {incoming} AS i USING (row_number)
        WHERE t.id = c.nexus_id AND {written}
    """).format(
        target=context.target.table,
        settings=SQL(", ").join(
            SQL("{} = {}").format(Identifier(name), changed_sql(context, name)) for name in columns
        ),
        changes=context.work("changes"),
        incoming=context.work("incoming"),
        written=written_sql(context),
    )
    return updated_sql(context.kept_for, statement, context.target.table, "t", ("id",), columns=columns)

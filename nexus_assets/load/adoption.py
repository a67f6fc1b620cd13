"""What an earlier importer left in a row of Nexus: what counts as empty or as the same, and what FileMaker's value replaces."""

from __future__ import annotations

from functools import singledispatch

from psycopg2.sql import SQL, Composable, Identifier, Literal

from nexus_assets.ledger.tables import ledger_table
from nexus_assets.load.incoming import LoadContext, incoming_column, is_other_json_sql, owned_sql, reference_column
from nexus_assets.mapping import parse
from nexus_assets.mapping.entity import (
    AsInFileMaker,
    Column,
    Entity,
    GenericReference,
    Leaving,
    ListsOfImporter,
    Placeholder,
    Reference,
    SameAs,
)
from nexus_assets.nexus.catalog import Target


def declared_column(entity: Entity, name: str) -> Column | None:
    """The declaration of an ordinary column."""
    return next((column for column in entity.columns if column.name == name), None)


def link_of(entity: Entity, name: str) -> Reference | GenericReference | None:
    """The declaration of a reference by the column that holds the id."""
    return next((link for link in entity.references if reference_column(link) == name), None)


def is_text(target: Target, name: str) -> bool:
    return target.columns[name].sql_type.startswith(("text", "character"))


def significant_sql(target: Target, name: str, value: Composable) -> Composable:
    """A value as it is compared, of the column's own type: an empty text is NULL, blanks around one do not count (in a value
    that is verbatim they do), and blank keys of a jsonb object are left out."""
    declared = declared_column(target.entity, name)
    if declared is not None and declared.merged_keys:
        return SQL("{}({})").format(ledger_table("without_blanks"), value)
    if declared is not None and declared.parser.makes == "jsonb":
        return SQL("coalesce({}, '{{}}')").format(value)
    if not is_text(target, name):
        return value
    verbatim = declared is not None and declared.parser == parse.verbatim
    text = SQL("nullif({}, '')").format(value) if verbatim else parse.call("read_text", value)
    return SQL("{}::{}").format(text, SQL(target.columns[name].sql_type))


def says_nothing_sql(context: LoadContext, name: str) -> Composable:
    """Whether FileMaker has no value for the column: what the row `i` says is what an empty field would say."""
    declared, said = declared_column(context.entity, name), SQL("i.{}").format(incoming_column(name))
    if declared is not None and declared.parser.makes == "jsonb":
        return SQL("{} = '{{}}'").format(said)
    if declared is None or not is_text(context.target, name) or declared.parser.dates or declared.parser.times:
        return SQL("{} IS NULL").format(said)
    nothing = declared.parser.value([parse.BLANK] * len(declared.fields), context.reading)
    return SQL("coalesce({}, '') = coalesce({}, '')").format(said, nothing)


def nothing_sql(target: Target, name: str) -> Composable:
    """Whether the row `t` has nothing in a jsonb column, or nothing but blank keys."""
    value = owned_sql(name, target, "t")
    blanks = SQL("{}({})").format(ledger_table("without_blanks"), value)
    return SQL("(CASE jsonb_typeof({0}) WHEN 'object' THEN {1} = '{{}}' ELSE NOT {2} END)").format(
        value, blanks, is_other_json_sql(value)
    )


def is_empty_sql(context: LoadContext, name: str) -> Composable:
    """Whether the row `t` of Nexus has nothing in the column; in a jsonb object, nothing that FileMaker has otherwise."""
    current, declared = owned_sql(name, context.target, "t"), declared_column(context.entity, name)
    significant = significant_sql(context.target, name, current)
    if declared is not None and declared.parser.makes == "jsonb" and not declared.merged_keys:
        return nothing_sql(context.target, name)
    if declared is None or not declared.merged_keys:
        return SQL("{} IS NULL").format(significant)
    rule = context.entity.filemaker_id
    # The row was found by its FileMaker id: that can be written otherwise, but it is no other one.
    own = SQL("") if rule is None or rule.key is None else SQL(" - {}").format(Literal(rule.key))
    return SQL("(i.{} @> ({}{}))").format(incoming_column(name), significant, own)


@singledispatch
def _is_leaving(leaving: Leaving, target: Target, name: str) -> Composable:
    """Whether the column of the row `t` holds what importers leave there, as far as the row alone tells."""
    raise NotImplementedError(leaving)


@_is_leaving.register
def _placeholder(leaving: Placeholder, _: Target, name: str) -> Composable:
    return SQL("t.{}::text ILIKE ANY ({})").format(Identifier(name), Literal(list(leaving.patterns)))


@_is_leaving.register
def _same_as(leaving: SameAs, _: Target, name: str) -> Composable:
    other = SQL("regexp_replace(t.{}::text, '^.*/', '')").format(Identifier(leaving.column))
    return SQL("t.{}::text = {}").format(Identifier(name), other)


@_is_leaving.register
def _as_in_filemaker(leaving: AsInFileMaker, _: Target, name: str) -> Composable:  # noqa: ARG001 - only FileMaker's value tells
    return SQL("FALSE")


@_is_leaving.register
def _lists_of_importer(leaving: ListsOfImporter, target: Target, name: str) -> Composable:
    value = owned_sql(name, target, "t")
    known = Literal([*leaving.lists, *leaving.texts])
    rest = SQL("{}({} - {}::text[]) = '{{}}'").format(ledger_table("without_blanks"), value, known)
    lists, texts = (
        [
            SQL("coalesce(jsonb_typeof({} -> {}), {}) = {}").format(value, Literal(key), Literal(kind), Literal(kind))
            for key in keys
        ]
        for keys, kind in ((leaving.lists, "array"), (leaving.texts, "string"))
    )
    return SQL("CASE jsonb_typeof({0}) WHEN 'object' THEN {0} ?| {1}::text[] AND {2} ELSE FALSE END").format(
        value, Literal([*leaving.lists]), SQL(" AND ").join([rest, *lists, *texts])
    )


def left_in_sql(target: Target, name: str) -> Composable:
    """Whether nobody but an importer can have left the column of the row `t` as it is: it is empty, or holds a leaving."""
    declared = declared_column(target.entity, name)
    assert declared is not None
    tests: list[Composable] = [SQL("{} IS NULL").format(significant_sql(target, name, Identifier("t", name)))]
    tests += [_is_leaving(leaving, target, name) for leaving in declared.left_by_importers]
    return SQL("({})").format(SQL(" OR ").join(tests))


def reads_alike_sql(context: LoadContext, name: str) -> Composable:
    """Whether the parser of a column that importers fill as FileMaker has it makes FileMaker's value of Nexus's."""
    declared = declared_column(context.entity, name)
    if declared is None or not any(isinstance(leaving, AsInFileMaker) for leaving in declared.left_by_importers):
        return SQL("FALSE")
    # Each different text is read once. A parser may have more regular expressions than PostgreSQL keeps compiled (32): they would take
    # 1 ms for each row.
    return SQL("""
        ((coalesce(t.{name}::text, ''), coalesce(i.{said}, '')) IN (SELECT coalesce(different.raw, ''), coalesce({read}, '') FROM (
          SELECT DISTINCT t.{name}::text AS raw FROM {target} AS t) AS different))""").format(
        name=Identifier(name),
        said=incoming_column(name),
        read=declared.parser.value([parse.Field(SQL("different.raw"))], context.reading),
        target=context.target.table,
    )


def gives_way_sql(context: LoadContext, name: str) -> Composable:
    """Whether FileMaker's value takes the place of what the row `t` has: it is adopted now, and there nothing, or a leaving."""
    declared = declared_column(context.entity, name)
    tests = [is_empty_sql(context, name), reads_alike_sql(context, name)]
    tests += [
        _is_leaving(leaving, context.target, name) for leaving in (declared.left_by_importers if declared else ())
    ]
    return SQL("(d.action = 'adopt' AND coalesce({}, FALSE))").format(SQL(" OR ").join(tests))

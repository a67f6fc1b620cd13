"""Deferred constraint triggers on the generic foreign keys, both ways: with them no client can commit an orphan.

They do what a real foreign key does: the check comes at commit, so a transaction's statements may come in any order, and
the row referred to is locked against deletion until then. Each generic key, and each table that one can lead to, has a
function of its own, written out from what the database holds when the guard is installed.

The functions are in a schema of whoever installs the guard, and call nothing but PostgreSQL's own functions: the role that
imports can neither change nor drop them. Each asks the catalogue first whether the columns that it knows are still there. Where
Django's migrations have renamed, retyped or removed one, it steps aside with a WARNING, until the guard is installed again;
`guard status` reports that. No trigger is bound to a column, so that a migration may change any.

What a trigger can't do: see what others committed after the snapshot of a REPEATABLE READ transaction that deletes. Nexus
(Django) runs in READ COMMITTED, where it sees them; our own loads delete nothing that a person can link to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import sqlalchemy
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Composed, Identifier
from psycopg2.sql import Literal as Value

from nexus_assets import clinics
from nexus_assets.errors import NexusAssetsError
from nexus_assets.nexus.connection import transaction
from nexus_assets.nexus.models import content_type_table
from nexus_assets.nexus.orphans import leading_nowhere, living_keys
from nexus_assets.nexus.references import GenericKey, Model, impossible, models, reachable
from nexus_assets.nexus.relations import GUARD_PREFIX, LEDGER_SCHEMA

PREFIX = GUARD_PREFIX
"""How the names of all triggers of the guard begin."""

SCHEMA = "nexus_guard"
"""The schema of the guard's functions; earlier versions had them in the ledger's, which belongs to the role that imports."""

LONGEST_NAME = 63
"""PostgreSQL cuts longer names."""

State = Literal["guarded", "missing", "outdated", "disabled"]
"""`outdated`: a trigger is there that was written before the database changed (a new model, another content type)."""

WORST_FIRST: tuple[State, ...] = ("missing", "disabled", "outdated", "guarded")


class GuardError(NexusAssetsError):
    """The guard can't be installed; the database is as it was."""


@dataclass(frozen=True)
class Trigger:
    """One trigger, and the function that it calls. `guards` names the generic key or the table that it stands at."""

    guards: str
    schema: str
    table: str
    name: str
    event: Composable
    function: str
    body: str

    @property
    def relation(self) -> Identifier:
        return Identifier(self.schema, self.table)

    def function_sql(self) -> Composed:
        """The function has the rights of whoever installed the guard, as the check of a foreign key has its table's owner's."""
        return SQL(
            "CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
            " SET search_path = pg_catalog, pg_temp AS {body}; REVOKE ALL ON FUNCTION {name}() FROM PUBLIC"
        ).format(name=Identifier(SCHEMA, self.function), body=Value(self.body))

    def trigger_sql(self) -> Composed:
        return SQL("CREATE {} EXECUTE FUNCTION {}()").format(self.event, Identifier(SCHEMA, self.function))


@dataclass(frozen=True)
class Status:
    """How each generic key, and each table that one can lead to, is guarded, by its name."""

    keys: Mapping[str, State]
    tables: Mapping[str, State]

    @property
    def is_whole(self) -> bool:
        return bool(self.keys) and all(state == "guarded" for state in (*self.keys.values(), *self.tables.values()))


# --- what the guard consists of -------------------------------------------------------------------------------------------


def wanted(cursor: Cursor) -> list[Trigger]:
    """Every trigger that the guard of this database consists of."""
    keys, found = living_keys(cursor), models(cursor)
    triggers = [trigger for key in keys for trigger in _at_key(cursor, key, found)]
    leading: dict[tuple[str, str], list[GenericKey]] = {}
    content_types: dict[tuple[str, str], list[int]] = {}
    ids: dict[tuple[str, str], tuple[str, str]] = {}
    for model in found:
        place = (model.table.strings[0], model.table.strings[1])
        ids[place] = model.id_column, model.id_type
        content_types.setdefault(place, []).append(model.content_type)
        leading[place] = [key for key in keys if key.fits(model.id_type)]
    for place, those in leading.items():
        if those:
            triggers += _at_table(cursor, *place, ids[place], content_types[place], those)
    return triggers


def _name(*parts: str) -> str:
    name = "_".join(parts)
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: LONGEST_NAME - 9]}_{digest}"


def _refusal_sql(key: Composable, detail: Composable, schema: str, table: str, name: str) -> Composed:
    """An error that every client takes for a foreign key's: its code, its table, and a name for the constraint."""
    return SQL("""
        RAISE EXCEPTION USING ERRCODE = 'foreign_key_violation', SCHEMA = {schema}, TABLE = {table}, CONSTRAINT = {name},
          MESSAGE = {key} || ' would lead to a row that does not exist', DETAIL = {detail},
          HINT = 'The guard of nexus_assets keeps every generic reference whole: delete or move what refers to the row too.';
    """).format(schema=Value(schema), table=Value(table), name=Value(name), key=key, detail=detail)


def _same_id(key: GenericKey, id_type: str, id_: Composable, value: Composable) -> Composed:
    """Whether a row's id is the one that the key holds, asked so that the index over the ids answers."""
    if not key.is_text:
        return SQL("{} = {}").format(id_, value)
    if id_type == "uuid":
        return SQL("{id} = CASE WHEN {value} ~ {uuid} THEN {value}::uuid END").format(
            id=id_, value=value, uuid=Value("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
        )
    return SQL("{}::text = {}").format(id_, value)


def _known(relation: Identifier, types: Mapping[str, str]) -> Composed:
    """Whether a table still has these columns, of these types ('' for any): else a migration has changed it."""
    of_type = SQL(
        " AND (SELECT coalesce(nullif(y.typbasetype, 0), y.oid) FROM pg_type AS y WHERE y.oid = a.atttypid) = {}::regtype"
    )
    columns = SQL(" OR ").join(
        SQL("a.attname = {}{}").format(Value(name), of_type.format(Value(type_)) if type_ else SQL(""))
        for name, type_ in types.items()
    )
    return SQL(
        "(SELECT count(*) = {number} FROM pg_attribute AS a WHERE a.attrelid = to_regclass({relation}) AND a.attnum > 0"
        " AND NOT a.attisdropped AND ({columns}))"
    ).format(
        number=Value(len(types)),
        relation=Value(".".join('"' + part.replace('"', '""') + '"' for part in relation.strings)),
        columns=columns,
    )


def _step_aside(guards: str) -> Composed:
    return SQL("RAISE WARNING USING MESSAGE = {}, HINT = {};").format(
        Value(f"The guard of nexus_assets does not know {guards} any more and lets everything pass there."),
        Value("Run `nexus-assets guard install` as the owner of the database."),
    )


def _key_columns(key: GenericKey) -> Composed:
    return _known(key.relation, {key.type_column: "", key.id_column: key.id_type})


def _at_key(cursor: Cursor, key: GenericKey, found: Sequence[Model]) -> list[Trigger]:
    """The triggers of the referring side: a new or changed reference must lead to a row that stays until the commit."""
    type_, id_ = Identifier(key.type_column), Identifier(key.id_column)
    new_type, new_id = SQL("NEW.{}").format(type_), SQL("NEW.{}").format(id_)
    function = _name("guard_refers", key.schema, key.table, key.id_column)
    cases = [
        SQL("WHEN {} THEN IF NOT {} THEN {} RETURN NULL; END IF; PERFORM FROM {} AS t WHERE {} FOR KEY SHARE;").format(
            Value(model.content_type),
            _known(model.table, {model.id_column: model.id_type}),
            _step_aside(model.table.strings[-1]),
            model.table,
            _same_id(key, model.id_type, SQL("t.{}").format(Identifier(model.id_column)), new_id),
        )
        for model in reachable(key, found)
    ]
    cases += [SQL("WHEN {} THEN NULL;").format(Value(content_type)) for content_type in impossible(key, found)]
    body = SQL("""
        BEGIN
          IF NOT {known} THEN {step_aside} RETURN NULL; END IF;
          IF {new_type} IS NOT NULL AND {new_id} IS NOT NULL THEN
            CASE {new_type} {cases} ELSE PERFORM FROM {content_types} AS c WHERE c.id = {new_type}; END CASE;
            IF FOUND THEN RETURN NULL; END IF;
            -- Only what is committed counts: the row may have been changed or deleted later in the transaction.
            PERFORM FROM {relation} AS x WHERE x.{type} = {new_type} AND x.{id} = {new_id};
          ELSIF {new_type} IS NULL AND {new_id} IS NULL THEN
            RETURN NULL;
          ELSE
            PERFORM FROM {relation} AS x
            WHERE x.{type} IS NOT DISTINCT FROM {new_type} AND x.{id} IS NOT DISTINCT FROM {new_id};
          END IF;
          IF FOUND THEN {refusal} END IF;
          RETURN NULL;
        END
    """).format(
        known=_key_columns(key),
        step_aside=_step_aside(key.name),
        new_type=new_type,
        new_id=new_id,
        # Without a model whose table is known, CASE still needs a branch.
        cases=SQL(" ").join(cases) if cases else SQL("WHEN NULL THEN NULL;"),
        content_types=_content_types(cursor),
        relation=key.relation,
        type=type_,
        id=id_,
        refusal=_refusal_sql(
            Value(key.name),
            SQL("format('Content type %s, id %s.', {}, {})").format(new_type, new_id),
            key.schema,
            key.table,
            function,
        ),
    )
    changed = SQL("WHEN ({})").format(SQL(" OR ").join(map(_changed, (key.type_column, key.id_column))))
    events = (("insert", SQL("INSERT"), SQL("")), ("update", SQL("UPDATE"), changed))
    return [
        Trigger(
            key.name,
            key.schema,
            key.table,
            (name := _name(PREFIX, key.id_column, suffix)),
            _deferred(name, event, key.relation, condition),
            function,
            body.as_string(cursor),
        )
        for suffix, event, condition in events
    ]


def _changed(column: str) -> Composed:
    """Whether an update has changed a column, of whatever type it is then: a condition on the column itself would bind it."""
    return SQL("to_jsonb(OLD.*) -> {0} IS DISTINCT FROM to_jsonb(NEW.*) -> {0}").format(Value(column))


def _at_table(
    cursor: Cursor,
    schema: str,
    table: str,
    ids: tuple[str, str],
    content_types: Sequence[int],
    keys: Sequence[GenericKey],
) -> list[Trigger]:
    """The triggers of the side referred to: a row that is gone at commit, or has another id, must not be referred to."""
    (id_column, id_type), relation = ids, Identifier(schema, table)
    id_ = Identifier(id_column)
    types = SQL(", ").join(map(Value, content_types))

    def looked_up(key: GenericKey, condition: Composable) -> Composed:
        return SQL(
            "IF NOT {known} THEN {step_aside}"
            " ELSIF EXISTS (SELECT FROM {relation} AS x WHERE x.{type} IN ({types}){condition}) THEN referring := {name};"
            " END IF;"
        ).format(
            known=_key_columns(key),
            step_aside=_step_aside(key.name),
            relation=key.relation,
            type=Identifier(key.type_column),
            types=types,
            condition=condition,
            name=Value(key.name),
        )

    def body(lookups: Iterable[Composable], is_gone: Composable, detail: Composable, function: str) -> str:
        return (
            SQL("""
            DECLARE referring text;
            BEGIN
              IF NOT {known} THEN {step_aside} RETURN NULL; END IF;
              {lookups}
              IF referring IS NOT NULL THEN
                IF {is_gone} THEN {refusal} END IF;
              END IF;
              RETURN NULL;
            END
        """)
            .format(
                known=_known(relation, {id_column: id_type}),
                step_aside=_step_aside(table),
                lookups=SQL(" ").join(lookups),
                is_gone=is_gone,
                refusal=_refusal_sql(SQL("referring"), detail, schema, table, function),
            )
            .as_string(cursor)
        )

    def to_row(key: GenericKey) -> Composable:
        kind = SQL("::{}").format(SQL(key.compared_as)) if key.is_text else SQL("")
        return SQL(" AND x.{} = OLD.{}{}").format(Identifier(key.id_column), id_, kind)

    holds, emptied = _name("guard_holds", schema, table), _name("guard_emptied", schema, table)
    row_body = body(
        (looked_up(key, to_row(key)) for key in keys),
        # It may be back under its id: deleted and made again in one transaction.
        SQL("NOT EXISTS (SELECT FROM {0} AS t WHERE t.{1} = OLD.{1})").format(relation, id_),
        SQL("format('%s %s.', {}::text, OLD.{})").format(Value(table), id_),
        holds,
    )
    table_body = body((looked_up(key, SQL("")) for key in keys), SQL("TRUE"), Value(f"{table} was truncated."), emptied)
    deleted, renamed, truncated = (_name(PREFIX, event) for event in ("delete", "update_id", "truncate"))
    moved = SQL("WHEN ({})").format(_changed(id_column))
    after_truncate = SQL("TRIGGER {} AFTER TRUNCATE ON {} FOR EACH STATEMENT").format(Identifier(truncated), relation)
    rows = (
        (deleted, _deferred(deleted, SQL("DELETE"), relation, SQL("")), holds, row_body),
        (renamed, _deferred(renamed, SQL("UPDATE"), relation, moved), holds, row_body),
        (truncated, after_truncate, emptied, table_body),
    )
    return [Trigger(table, schema, table, name, event, function, body_) for name, event, function, body_ in rows]


def _deferred(name: str, event: Composable, relation: Composable, condition: Composable) -> Composed:
    return SQL("CONSTRAINT TRIGGER {} AFTER {} ON {} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {}").format(
        Identifier(name), event, relation, condition
    )


def _content_types(cursor: Cursor) -> Identifier:
    found = content_type_table(cursor)
    assert found is not None
    return found.table


# --- installing, removing, looking ----------------------------------------------------------------------------------------


def install(engine: sqlalchemy.Engine) -> Status:
    """Puts the guard up, or brings it up to date; returns how it stands.

    Raises GuardError, naming counts and the command that heals, while references lead nowhere.
    """
    with transaction(engine, commit=False) as cursor:
        tables = dict.fromkeys((trigger.schema, trigger.table) for trigger in wanted(cursor))
    if not tables:
        raise GuardError("The database has no generic foreign key.", remedy="Check NEXUS_DATABASE_URL.")
    with transaction(engine, lock="guard") as cursor:
        # Before anything is looked at, so that nobody can commit an orphan between the look and the lock.
        cursor.execute(
            SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(
                SQL(", ").join(Identifier(*place) for place in tables)
            )
        )
        _refuse_orphans(cursor)
        _bring_up(cursor)
        return status(cursor)


def _refuse_orphans(cursor: Cursor) -> None:
    orphans = {name: number for name, number in leading_nowhere(cursor).items() if number}
    if orphans:
        raise GuardError(
            f"References lead nowhere: {', '.join(f'{number:,} of {name}' for name, number in orphans.items())}.",
            remedy=f"Nothing was changed. Run `{clinics.materialize_command('*')}`, then `nexus-assets guard install`.",
        )


def _bring_up(cursor: Cursor) -> None:
    triggers, present = wanted(cursor), _present(cursor)
    if len(triggers) == len(present) and all(_state(trigger, present) == "guarded" for trigger in triggers):
        return
    _make_schema(cursor)
    _take_down(cursor)
    for function in {trigger.function: trigger.function_sql() for trigger in triggers}.values():
        cursor.execute(function)
    for trigger in triggers:
        cursor.execute(trigger.trigger_sql())


def _make_schema(cursor: Cursor) -> None:
    """Makes the schema of the functions. Raises GuardError where there is one that somebody else can change."""
    cursor.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(SCHEMA)))
    cursor.execute("SELECT nspowner = current_user::regrole FROM pg_namespace WHERE nspname = %s", (SCHEMA,))
    if cursor.fetchall() != [(True,)]:
        raise GuardError(
            f"The schema {SCHEMA}, which is to hold the guard's functions, belongs to another role.",
            remedy="Nothing was changed. Remove it, or run the command as the role that it belongs to.",
        )


def remove(engine: sqlalchemy.Engine) -> int:
    """Takes the guard down; returns how many triggers there were."""
    with transaction(engine, lock="guard") as cursor:
        triggers = _take_down(cursor)
        cursor.execute(SQL("DROP SCHEMA IF EXISTS {}").format(Identifier(SCHEMA)))
        return triggers


def _take_down(cursor: Cursor) -> int:
    present = _present(cursor)
    for schema, table, name in present:
        cursor.execute(SQL("DROP TRIGGER {} ON {}").format(Identifier(name), Identifier(schema, table)))
    cursor.execute(
        "SELECT n.nspname, p.proname FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace"
        " WHERE n.nspname IN (%s, %s) AND p.proname ~ '^guard_(refers|holds|emptied)_'",
        (LEDGER_SCHEMA, SCHEMA),
    )
    for place in cursor.fetchall():
        cursor.execute(SQL("DROP FUNCTION {}()").format(Identifier(*place)))
    return len(present)


def status(cursor: Cursor) -> Status:
    """How each generic key and each table that one can lead to is guarded now; found by looking."""
    present = _present(cursor)
    keys = {key.name for key in living_keys(cursor)}
    found: dict[str, State] = {}
    for trigger in wanted(cursor):
        state = _state(trigger, present)
        found[trigger.guards] = min(found.get(trigger.guards, "guarded"), state, key=WORST_FIRST.index)
    return Status(
        {name: state for name, state in found.items() if name in keys},
        {name: state for name, state in found.items() if name not in keys},
    )


def _present(cursor: Cursor) -> dict[tuple[str, str, str], tuple[str, str]]:
    """The triggers of the guard that are there, by schema, table and name: whether they fire, and their function's text."""
    cursor.execute(
        "SELECT n.nspname, c.relname, t.tgname, t.tgenabled, CASE WHEN f.nspname = %s AND p.prosecdef THEN p.prosrc ELSE '' END"
        " FROM pg_trigger AS t"
        " JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " JOIN pg_proc AS p ON p.oid = t.tgfoid JOIN pg_namespace AS f ON f.oid = p.pronamespace"
        " WHERE starts_with(t.tgname, %s) AND NOT t.tgisinternal AND t.tgparentid = 0",
        (SCHEMA, PREFIX),
    )
    return {(schema, table, name): (enabled, text) for schema, table, name, enabled, text in cursor.fetchall()}


def _state(trigger: Trigger, present: Mapping[tuple[str, str, str], tuple[str, str]]) -> State:
    there = present.get((trigger.schema, trigger.table, trigger.name))
    if there is None:
        return "missing"
    enabled, text = there
    if enabled not in ("O", "A"):
        return "disabled"
    return "guarded" if text == trigger.body else "outdated"

"""Triggers on the generic foreign keys, both ways: with them no client can commit an orphan.

They do what a real foreign key does: the check comes at commit, so a transaction's statements may come in any order, and
the row referred to is locked against deletion until then. Each generic key, and each table that one can lead to, has a
function of its own, written out from what the database holds when the guard is installed.

What is still to be checked stands in a table of the guard's own, and only that table has a deferred trigger. A deferred
trigger on Nexus's tables would leave them with pending events, and PostgreSQL then refuses to alter them in the same
transaction, as a migration does that first changes links and then the table.

The functions are in a schema of whoever installs the guard, and call nothing but PostgreSQL's own functions: the role that
imports can neither change nor drop them. Each asks the catalogue first whether the columns that it knows are still there. Where
Django's migrations have renamed, retyped or removed one, it steps aside with a WARNING, until the guard is installed again;
`guard status` and the check `guard_in_force` report that. No trigger is bound to a column, so that a migration may change any.
The guard steps aside in the same way where row level security would hide rows from whoever installed it.

What a trigger can't do: see what others committed after the snapshot of a REPEATABLE READ transaction that deletes. Nexus
(Django) runs in READ COMMITTED, where it sees them; our own loads delete nothing that a person can link to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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


PENDING = Identifier(SCHEMA, "pending")
"""What the running transactions have still to check at their commit; nobody else ever sees a row of it."""

MACHINERY = """
    CREATE UNLOGGED TABLE {pending} (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, guard name, type text, id text);
    CREATE FUNCTION {schema}.guard_note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
      SET search_path = pg_catalog, pg_temp AS {note};
    CREATE FUNCTION {schema}.guard_commit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
      SET search_path = pg_catalog, pg_temp AS {commit};
    REVOKE ALL ON {pending} FROM PUBLIC;
    REVOKE ALL ON FUNCTION {schema}.guard_note(), {schema}.guard_commit() FROM PUBLIC;
    CREATE CONSTRAINT TRIGGER {name} AFTER INSERT ON {pending} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
      EXECUTE FUNCTION {schema}.guard_commit()
"""
"""What all triggers share."""

NOTE = """
    -- TG_ARGV: the function that checks it, the column of the content type ('' at a table that is referred to), that of the id.
    DECLARE it jsonb := CASE WHEN TG_ARGV[1] = '' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
    BEGIN
      INSERT INTO nexus_guard.pending (guard, type, id) VALUES (TG_ARGV[0], it ->> TG_ARGV[1], it ->> TG_ARGV[2]);
      RETURN NULL;
    END
"""

COMMIT = """
    BEGIN
      DELETE FROM nexus_guard.pending WHERE number = NEW.number;
      EXECUTE format('SELECT nexus_guard.%I($1, $2)', NEW.guard) USING NEW.type, NEW.id;
      RETURN NULL;
    END
"""


@dataclass(frozen=True)
class Trigger:
    """One trigger, and the function that checks. `guards` names the generic key or the table that it stands at.

    `columns` are those of the content type ('' where there is none) and the id that are noted to be checked at commit; without
    them the function is the trigger's own.
    """

    guards: str
    schema: str
    table: str
    name: str
    event: Composable
    function: str
    body: str
    columns: tuple[str, str] | None = None

    @property
    def relation(self) -> Identifier:
        return Identifier(self.schema, self.table)

    @property
    def arguments(self) -> tuple[str, ...]:
        return (self.function, *self.columns) if self.columns else ()

    @property
    def called(self) -> str:
        """The function that the trigger itself calls."""
        return "guard_note" if self.columns else self.function

    def function_sql(self) -> Composed:
        """The function has the rights of whoever installed the guard, as the check of a foreign key has its table's owner's."""
        signature = SQL("(the_type text, the_id text) RETURNS void" if self.columns else "() RETURNS trigger")
        return SQL(
            "CREATE FUNCTION {name}{signature} LANGUAGE plpgsql SECURITY DEFINER"
            " SET search_path = pg_catalog, pg_temp AS {body}; REVOKE ALL ON FUNCTION {name} FROM PUBLIC"
        ).format(name=Identifier(SCHEMA, self.function), signature=signature, body=Value(self.body))

    def trigger_sql(self) -> Composed:
        return SQL("CREATE TRIGGER {} AFTER {} EXECUTE FUNCTION {}({})").format(
            Identifier(self.name),
            self.event,
            Identifier(SCHEMA, self.called),
            SQL(", ").join(map(Value, self.arguments)),
        )


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
    """Whether a table still has these columns, of these types ('' for any), and all of its rows can be seen."""
    of_type = SQL(
        " AND (SELECT coalesce(nullif(y.typbasetype, 0), y.oid) FROM pg_type AS y WHERE y.oid = a.atttypid) = {}::regtype"
    )
    columns = SQL(" OR ").join(
        SQL("a.attname = {}{}").format(Value(name), of_type.format(Value(type_)) if type_ else SQL(""))
        for name, type_ in types.items()
    )
    return SQL(
        "((SELECT count(*) = {number} FROM pg_attribute AS a WHERE a.attrelid = to_regclass({relation}) AND a.attnum > 0"
        " AND NOT a.attisdropped AND ({columns}))"
        " AND row_security_active(to_regclass({relation})) IS NOT TRUE)"
    ).format(
        number=Value(len(types)),
        relation=Value(".".join('"' + part.replace('"', '""') + '"' for part in relation.strings)),
        columns=columns,
    )


def _step_aside(guards: str) -> Composed:
    return SQL("RAISE WARNING USING MESSAGE = {}, HINT = {};").format(
        Value(
            f"The guard of nexus_assets does not know {guards} any more, or not all of its rows, and lets everything pass."
        ),
        Value("Run `nexus-assets guard install` as the owner of the database."),
    )


def _key_columns(key: GenericKey) -> Composed:
    return _known(key.relation, {key.type_column: "", key.id_column: key.id_type})


def _at_key(cursor: Cursor, key: GenericKey, found: Sequence[Model]) -> list[Trigger]:
    """The triggers of the referring side: a new or changed reference must lead to a row that stays until the commit."""
    type_, id_ = Identifier(key.type_column), Identifier(key.id_column)
    new_type, new_id = SQL("the_type::bigint"), SQL("the_id::{}").format(SQL(key.compared_as))
    function = _name("guard_refers", key.schema, key.table, key.id_column)
    cases = [
        SQL("WHEN {} THEN IF NOT {} THEN {} RETURN; END IF; PERFORM FROM {} AS t WHERE {} FOR KEY SHARE;").format(
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
          IF NOT {known} THEN {step_aside} RETURN; END IF;
          IF {new_type} IS NOT NULL AND {new_id} IS NOT NULL THEN
            CASE {new_type} {cases} ELSE PERFORM FROM {content_types} AS c WHERE c.id = {new_type}; END CASE;
            IF FOUND THEN RETURN; END IF;
            -- Only what is committed counts: the row may have been changed or deleted later in the transaction.
            PERFORM FROM {relation} AS x WHERE x.{type} = {new_type} AND x.{id} = {new_id};
          ELSIF {new_type} IS NULL AND {new_id} IS NULL THEN
            RETURN;
          ELSE
            PERFORM FROM {relation} AS x
            WHERE x.{type} IS NOT DISTINCT FROM {new_type} AND x.{id} IS NOT DISTINCT FROM {new_id};
          END IF;
          IF FOUND THEN {refusal} END IF;
          RETURN;
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
            SQL("format('Content type %s, id %s.', the_type, the_id)"),
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
            _name(PREFIX, key.id_column, suffix),
            SQL("{} ON {} FOR EACH ROW {}").format(event, key.relation, condition),
            function,
            body.as_string(cursor),
            (key.type_column, key.id_column),
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

    def body(lookups: Iterable[Composable], is_gone: Composable, detail: Composable, function: str, done: str) -> str:
        return (
            SQL("""
            DECLARE referring text;
            BEGIN
              IF NOT {known} THEN {step_aside} {done} END IF;
              {lookups}
              IF referring IS NOT NULL THEN
                IF {is_gone} THEN {refusal} END IF;
              END IF;
              {done}
            END
        """)
            .format(
                known=_known(relation, {id_column: id_type}),
                step_aside=_step_aside(table),
                lookups=SQL(" ").join(lookups),
                is_gone=is_gone,
                refusal=_refusal_sql(SQL("referring"), detail, schema, table, function),
                done=SQL(done),
            )
            .as_string(cursor)
        )

    old_id = SQL("the_id::{}").format(SQL(id_type))

    def to_row(key: GenericKey) -> Composable:
        return SQL(" AND x.{} = {}").format(Identifier(key.id_column), SQL("the_id") if key.is_text else old_id)

    holds, emptied = _name("guard_holds", schema, table), _name("guard_emptied", schema, table)
    row_body = body(
        (looked_up(key, to_row(key)) for key in keys),
        # It may be back under its id: deleted and made again in one transaction.
        SQL("NOT EXISTS (SELECT FROM {} AS t WHERE t.{} = {})").format(relation, id_, old_id),
        SQL("format('%s %s.', {}::text, the_id)").format(Value(table)),
        holds,
        "RETURN;",
    )
    table_body = body(
        (looked_up(key, SQL("")) for key in keys),
        SQL("TRUE"),
        Value(f"{table} was truncated."),
        emptied,
        "RETURN NULL;",
    )
    row = SQL("{} ON {} FOR EACH ROW {}")
    deleted = row.format(SQL("DELETE"), relation, SQL(""))
    moved = row.format(SQL("UPDATE"), relation, SQL("WHEN ({})").format(_changed(id_column)))
    truncated = SQL("TRUNCATE ON {} FOR EACH STATEMENT").format(relation)
    noted = ("", id_column)
    return [
        Trigger(table, schema, table, _name(PREFIX, "delete"), deleted, holds, row_body, noted),
        Trigger(table, schema, table, _name(PREFIX, "update_id"), moved, holds, row_body, noted),
        Trigger(table, schema, table, _name(PREFIX, "truncate"), truncated, emptied, table_body),
    ]


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
    cursor.execute(
        SQL(MACHINERY).format(
            pending=PENDING,
            schema=Identifier(SCHEMA),
            note=Value(NOTE),
            commit=Value(COMMIT),
            name=Identifier(f"{PREFIX}_commit"),
        )
    )
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
    cursor.execute(SQL("DROP TABLE IF EXISTS {}").format(PENDING))
    cursor.execute(
        "SELECT n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)"
        " FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace"
        " WHERE n.nspname IN (%s, %s) AND p.proname ~ '^guard_(refers|holds|emptied)_|^guard_(note|commit)$'",
        (LEDGER_SCHEMA, SCHEMA),
    )
    for schema, name, arguments in cursor.fetchall():
        cursor.execute(SQL("DROP FUNCTION {}({})").format(Identifier(schema, name), SQL(arguments)))
    return len(present)


def was_installed(cursor: Cursor) -> bool:
    """Whether somebody installed the guard and did not remove it, whatever is left of it."""
    cursor.execute("SELECT to_regnamespace(%s) IS NOT NULL", (SCHEMA,))
    ((has_schema,),) = cursor.fetchall()
    return has_schema or bool(_present(cursor))


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


@dataclass(frozen=True)
class _Present:
    """A trigger of the guard that is there: what it calls, and whether that is in force."""

    function: str
    arguments: tuple[str, ...]
    body: str
    in_force: bool


def _present(cursor: Cursor) -> dict[tuple[str, str, str], _Present]:
    """The triggers of the guard that are there, by schema, table and name.

    They are not in force where they are switched off, or the one at the commit is, and where row level security hides rows.
    """
    cursor.execute(
        """
        SELECT n.nspname, c.relname, t.tgname, CASE WHEN f.nspname = %s THEN p.proname ELSE '' END, t.tgargs,
               t.tgenabled IN ('O', 'A')
               AND NOT (c.relrowsecurity AND NOT o.rolsuper AND NOT o.rolbypassrls
                        AND (c.relforcerowsecurity OR NOT pg_has_role(o.oid, c.relowner, 'USAGE')))
        FROM pg_trigger AS t
        JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_proc AS p ON p.oid = t.tgfoid JOIN pg_namespace AS f ON f.oid = p.pronamespace
        JOIN pg_roles AS o ON o.oid = p.proowner
        WHERE starts_with(t.tgname, %s) AND NOT t.tgisinternal AND t.tgparentid = 0
        """,
        (SCHEMA, PREFIX),
    )
    triggers = cursor.fetchall()
    cursor.execute(
        "SELECT proname, prosrc FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace"
        " WHERE n.nspname = %s AND p.prosecdef",
        (SCHEMA,),
    )
    bodies = dict(cursor.fetchall())
    found = {}
    for schema, table, name, function, arguments, enabled in triggers:
        words = tuple(each.decode() for each in bytes(arguments).split(b"\0")[:-1])
        found[schema, table, name] = _Present(function, words, bodies.get(words[0] if words else function, ""), enabled)
    at_commit = found.pop((SCHEMA, PENDING.strings[1], f"{PREFIX}_commit"), None)
    if at_commit is None or not at_commit.in_force or (bodies.get("guard_note"), at_commit.body) != (NOTE, COMMIT):
        found = {place: replace(each, in_force=each.in_force and not each.arguments) for place, each in found.items()}
    return found


def _state(trigger: Trigger, present: Mapping[tuple[str, str, str], _Present]) -> State:
    there = present.get((trigger.schema, trigger.table, trigger.name))
    if there is None:
        return "missing"
    if not there.in_force:
        return "disabled"
    wanted_now = (trigger.called, trigger.arguments, trigger.body)
    return "guarded" if (there.function, there.arguments, there.body) == wanted_now else "outdated"

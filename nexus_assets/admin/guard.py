"""Triggers on the generic foreign keys, both ways: with them no client can commit an orphan.

They do what a real foreign key does: the check comes at commit, so a transaction's statements may come in any order, and
the row referred to is locked against deletion until then. Each generic key, and each table that one can lead to, has
functions of its own, written out from what the database holds when the guard is installed.

A statement's rows are noted and checked as a set, whether it is one row or a hundred thousand. What is still to be checked
stands in a table of the guard's own, and only that table has a deferred trigger. A deferred trigger on Nexus's tables would
leave them with pending events, and PostgreSQL then refuses to alter them in the same transaction, as a migration does that
first changes links and then the table.

The functions are in a schema of whoever installs the guard, and call nothing but PostgreSQL's own functions: the role that
imports can neither change nor drop them. Each asks the catalogue first whether the columns that it knows are still there. Where
Django's migrations have renamed, retyped or removed one, or somebody has dropped a part of the guard, it steps aside with a
WARNING, until the guard is installed again; `guard status` and the check `guard_in_force` report that. No trigger is bound to a
column, so that a migration may change any. The guard steps aside in the same way where row level security would hide rows from
whoever installed it.

What a trigger can't do: see what others committed after the snapshot of a REPEATABLE READ transaction that deletes. Nexus
(Django) runs in READ COMMITTED, where it sees them; our own loads delete nothing that a person can link to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import sqlalchemy
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Composed, Identifier
from psycopg2.sql import Literal as Value

from nexus_assets import clinics
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.ledger import schema
from nexus_assets.ledger.trust import UntrustedLedgerError
from nexus_assets.nexus import queries
from nexus_assets.nexus.connection import transaction
from nexus_assets.nexus.models import content_type_table, labels
from nexus_assets.nexus.orphans import dangling, living_keys
from nexus_assets.nexus.references import GenericKey, Model, impossible, models, reachable
from nexus_assets.nexus.relations import (
    GUARD_PREFIX,
    GUARD_SCHEMA,
    LEDGER_SCHEMA,
    Relation,
    once_a_transaction,
    read_uuid_sql,
    relations,
)

LONGEST_NAME = 63
"""PostgreSQL cuts longer names."""

State = Literal["guarded", "missing", "outdated", "disabled"]
"""`outdated`: a trigger is there that was written before the database changed (a new model, another content type)."""

WORST_FIRST: tuple[State, ...] = ("missing", "disabled", "outdated", "guarded")


class GuardError(NexusAssetsError):
    """The guard can't be installed; the database is as it was."""


PENDING = Identifier(GUARD_SCHEMA, "pending")
"""What the running transactions have still to check at their commit; nobody else ever sees a row of it.

A row is what one statement did to links of one content type (NULL at a table that is referred to): the ids, and which
function checks them.
"""

MACHINERY = """
    CREATE UNLOGGED TABLE {pending} (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, guard name, type bigint, ids text[]);
    CREATE FUNCTION {schema}.guard_commit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
      SET search_path = pg_catalog, pg_temp AS {commit};
    REVOKE ALL ON {pending} FROM PUBLIC;
    REVOKE ALL ON FUNCTION {schema}.guard_commit() FROM PUBLIC;
    CREATE CONSTRAINT TRIGGER {name} AFTER INSERT ON {pending} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
      EXECUTE FUNCTION {schema}.guard_commit()
"""
"""What all triggers share."""

COMMIT = """
    BEGIN
      DELETE FROM nexus_guard.pending WHERE number = NEW.number;
      IF to_regprocedure(format('nexus_guard.%I(bigint, text[])', NEW.guard)) IS NULL THEN
        RAISE WARNING USING MESSAGE = format('The guard of nexus_assets has lost its function %I, and lets everything pass.', NEW.guard),
          HINT = 'Run `nexus-assets guard install` as the owner of the database.';
      ELSE
        EXECUTE format('SELECT nexus_guard.%I($1, $2)', NEW.guard) USING NEW.type, NEW.ids;
      END IF;
      RETURN NULL;
    END
"""

AT_ONCE = 50_000
"""How many ids are checked as one set; a statement may write any number of rows."""


@dataclass(frozen=True)
class Function:
    """A function of the guard: a trigger's own, or one that checks ids of one content type at commit."""

    name: str
    body: str
    checks: bool = False

    def sql(self) -> Composed:
        """The function has the rights of whoever installed the guard, as the check of a foreign key has its table's owner's."""
        signature = SQL("(the_type bigint, the_ids text[]) RETURNS void" if self.checks else "() RETURNS trigger")
        return SQL(
            "CREATE FUNCTION {name}{signature} LANGUAGE plpgsql SECURITY DEFINER"
            " SET search_path = pg_catalog, pg_temp AS {body}; REVOKE ALL ON FUNCTION {name} FROM PUBLIC"
        ).format(name=Identifier(GUARD_SCHEMA, self.name), signature=signature, body=Value(self.body))


@dataclass(frozen=True)
class Trigger:
    """One trigger. `guards` names the generic key or the table that it stands at.

    It calls the first of its functions; a second one checks at commit what the first has noted.
    """

    guards: str
    schema: str
    table: str
    name: str
    event: Composable
    functions: tuple[Function, ...]

    def sql(self) -> Composed:
        return SQL("CREATE TRIGGER {} AFTER {} EXECUTE FUNCTION {}()").format(
            Identifier(self.name), self.event, Identifier(GUARD_SCHEMA, self.functions[0].name)
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


@once_a_transaction
def wanted(cursor: Cursor) -> list[Trigger]:
    """Every trigger that the guard of this database consists of."""
    keys, found = living_keys(cursor), models(cursor)
    homes = {relation.table.strings: relation for relation in relations(cursor).values()}
    triggers = [trigger for key in keys for trigger in _at_key(cursor, key, found)]
    content_types: dict[tuple[str, ...], list[int]] = {}
    ids: dict[tuple[str, ...], tuple[str, str]] = {}
    for model in found:
        ids[model.table.strings] = model.id_column, model.id_type
        content_types.setdefault(model.table.strings, []).append(model.content_type)
    for place, (id_column, id_type) in ids.items():
        leading = [key for key in keys if key.fits(id_type)]
        if leading:
            triggers += _at_table(cursor, homes[place], (id_column, id_type), content_types[place], leading)
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


def _has_columns(names: Sequence[str]) -> Composed:
    """Whether the trigger's table still has these columns, whatever they hold."""
    return SQL(
        "(SELECT count(*) = {} FROM pg_attribute AS a WHERE a.attrelid = TG_RELID AND a.attname IN ({}) AND NOT a.attisdropped)"
    ).format(Value(len(names)), SQL(", ").join(map(Value, names)))


def _step_aside(guards: str) -> Composed:
    return SQL("RAISE WARNING USING MESSAGE = {}, HINT = {};").format(
        Value(
            f"The guard of nexus_assets does not know {guards} any more, or not all of its rows, and lets everything pass."
        ),
        Value("Run `nexus-assets guard install` as the owner of the database."),
    )


def _key_columns(key: GenericKey) -> Composed:
    return _known(key.relation, {key.type_column: "", key.id_column: key.id_type})


_SEEN = {
    "INSERT": "NEW TABLE AS new_rows",
    "DELETE": "OLD TABLE AS old_rows",
    "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
}
"""What a statement's trigger sees of its rows, by event."""


def _event(event: str, home: Relation) -> Composed:
    """Once a statement; at a partitioned table once a row, which sees as well who writes into a partition by its own name."""
    if home.is_partitioned:
        return SQL("{} ON {} FOR EACH ROW").format(SQL(event), home.table)
    seen = SQL("REFERENCING {} FOR EACH STATEMENT").format(SQL(_SEEN[event]))
    return SQL("{} ON {} {}").format(SQL(event), home.table, seen)


def _note(
    cursor: Cursor,
    name: str,
    home: Relation,
    columns: tuple[str | None, str],
    check: str,
    counts: Literal["new", "old"],
) -> Function:
    """The triggers' function that notes which pairs of content type and id a statement has brought (`new`) or taken (`old`)."""
    type_, id_ = columns

    def pairs(version: str) -> Composed:
        row = SQL(version.upper() if home.is_partitioned else "r")
        rows = SQL("") if home.is_partitioned else SQL(" FROM {} AS r").format(SQL(f"{version}_rows"))
        of_type = SQL("{}.{}::bigint").format(row, Identifier(type_)) if type_ else SQL("NULL::bigint")
        return SQL("SELECT {} AS type, {}.{}::text AS id{}").format(of_type, row, Identifier(id_), rows)

    def noted(changed: Composable) -> Composed:
        return SQL("""
            INSERT INTO {pending} (guard, type, ids)
            SELECT {check}, type, array_agg(id)
            FROM (SELECT type, id, row_number() OVER () / {at_once} AS part FROM ({changed}) AS c) AS pairs
            WHERE type IS NOT NULL OR id IS NOT NULL GROUP BY type, part;
        """).format(pending=PENDING, check=Value(check), at_once=Value(AT_ONCE), changed=changed)

    other = "old" if counts == "new" else "new"
    body = SQL("""
        BEGIN
          IF to_regclass({table}) IS NULL OR NOT {known} THEN {step_aside}
          ELSIF TG_OP = 'UPDATE' THEN {updated}
          ELSE {others}
          END IF;
          RETURN NULL;
        END
    """).format(
        table=Value(".".join(PENDING.strings)),
        known=_has_columns([name for name in columns if name]),
        step_aside=_step_aside(home.label),
        updated=noted(SQL("{} EXCEPT {}").format(pairs(counts), pairs(other))),
        others=noted(SQL("SELECT DISTINCT p.* FROM ({}) AS p").format(pairs(counts))),
    )
    return Function(name, body.as_string(cursor))


def _at_key(cursor: Cursor, key: GenericKey, found: Sequence[Model]) -> list[Trigger]:
    """The triggers of the referring side: a new or changed reference must lead to a row that stays until the commit."""
    name = _name("guard_refers", key.schema, key.table, key.id_column)
    check = Function(name, _refers_sql(cursor, key, found, name).as_string(cursor), checks=True)
    note = _note(
        cursor,
        _name("guard_notes", key.schema, key.table, key.id_column),
        key.home,
        (key.type_column, key.id_column),
        name,
        "new",
    )
    return [
        Trigger(
            key.name,
            key.schema,
            key.table,
            _name(GUARD_PREFIX, key.id_column, event.lower()),
            _event(event, key.home),
            (note, check),
        )
        for event in ("INSERT", "UPDATE")
    ]


def _refers_sql(cursor: Cursor, key: GenericKey, found: Sequence[Model], name: str) -> Composed:
    """The body of the function that checks ids of one content type: only those of rows that are there may be referred to."""
    cases = [
        SQL("WHEN {} THEN IF NOT {} THEN {} RETURN; END IF; {}").format(
            Value(model.content_type),
            _known(model.table, {model.id_column: model.id_type}),
            _step_aside(model.table.strings[-1]),
            _missing_sql(key, model),
        )
        for model in reachable(key, found)
    ]
    cases += [SQL("WHEN {} THEN missing := the_ids;").format(Value(type_)) for type_ in impossible(key, found)]
    return SQL("""
        DECLARE missing text[]; dead text;
        BEGIN
          IF NOT {known} THEN {step_aside} RETURN; END IF;
          CASE the_type {cases} ELSE
            missing := CASE WHEN EXISTS (SELECT FROM {content_types} AS c WHERE c.id = the_type) THEN '{{}}' ELSE the_ids END;
          END CASE;
          IF the_type IS NOT NULL AND array_position(the_ids, NULL) IS NOT NULL THEN
            -- One half alone is dangling.
            PERFORM FROM {relation} AS x WHERE x.{type} = the_type AND x.{id} IS NULL;
            IF FOUND THEN {refusal} END IF;
          END IF;
          IF missing <> '{{}}' THEN
            -- Only what is committed counts: the row may have been changed or deleted later in the transaction.
            SELECT min(x.{id}::text) INTO dead FROM {relation} AS x
            WHERE (x.{type} = the_type OR the_type IS NULL AND x.{type} IS NULL) AND x.{id} = ANY(missing::{array});
            IF dead IS NOT NULL THEN {refusal} END IF;
          END IF;
        END
    """).format(
        known=_key_columns(key),
        step_aside=_step_aside(key.name),
        # Without a model whose table is known, CASE still needs a branch.
        cases=SQL(" ").join(cases) if cases else SQL("WHEN NULL THEN NULL;"),
        content_types=_content_types(cursor),
        relation=key.relation,
        type=Identifier(key.type_column),
        id=Identifier(key.id_column),
        array=SQL(f"{'text' if key.is_text else key.id_type}[]"),
        refusal=_refusal_sql(
            Value(key.name),
            SQL("format('Content type %s, id %s.', the_type, dead)"),
            key.schema,
            key.table,
            name,
        ),
    )


def _missing_sql(key: GenericKey, model: Model) -> Composed:
    """Locks the rows of a model that are referred to, and finds the ids of none; asked so that the index over the ids answers."""
    own = Identifier("t", model.id_column)
    as_ = key.compared_as(model.id_type)
    id_ = SQL("{}::text").format(own) if as_ == "text" else own
    read: Composable = SQL("i::{}").format(SQL(as_))
    # Cast as a whole the array is a constant to the planner, which can then hash it.
    asked: Composable = SQL("the_ids::{}[]").format(SQL(as_))
    if key.is_text and as_ == "uuid":
        read = read_uuid_sql(SQL("i"))
        asked = SQL("ARRAY(SELECT {} FROM unnest(the_ids) AS i)").format(read)
    return SQL("""
        WITH held AS MATERIALIZED (
          SELECT {id} AS id FROM {table} AS t WHERE {id} = ANY({asked}) FOR KEY SHARE)
        SELECT coalesce(array_agg(i), '{{}}') INTO missing FROM unnest(the_ids) AS i
        WHERE NOT EXISTS (SELECT FROM held WHERE held.id = {read});
    """).format(id=id_, table=model.table, asked=asked, read=read)


def _at_table(
    cursor: Cursor, home: Relation, ids: tuple[str, str], content_types: Sequence[int], keys: Sequence[GenericKey]
) -> list[Trigger]:
    """The triggers of the side referred to: a row that is gone at commit, or has another id, must not be referred to."""
    id_column, id_type = ids
    holds, emptied = (_name(kind, home.schema, home.name) for kind in ("guard_holds", "guard_emptied"))
    held = SQL("""
        DECLARE gone {id_type}[]; dead text;
        BEGIN
          IF NOT {known} THEN {step_aside} RETURN; END IF;
          -- It may be back under its id: deleted and recreated in one transaction.
          gone := ARRAY(SELECT i FROM unnest(the_ids::{id_type}[]) AS i WHERE NOT EXISTS (SELECT FROM {relation} AS t WHERE t.{id} = i));
          {lookups}
        END
    """).format(
        id_type=SQL(id_type),
        known=_known(home.table, {id_column: id_type}),
        step_aside=_step_aside(home.label),
        relation=home.table,
        id=Identifier(id_column),
        lookups=SQL(" ").join(_lookup_sql(key, home, id_type, content_types, holds) for key in keys),
    )
    empty = SQL("DECLARE dead text; BEGIN {} RETURN NULL; END").format(
        SQL(" ").join(_lookup_sql(key, home, id_type, content_types, emptied, of_gone=False) for key in keys)
    )
    note = _note(cursor, _name("guard_notes", home.schema, home.name), home, (None, id_column), holds, "old")
    check = Function(holds, held.as_string(cursor), checks=True)
    truncated = SQL("TRUNCATE ON {} FOR EACH STATEMENT").format(home.table)

    def trigger(name: str, event: Composable, *functions: Function) -> Trigger:
        return Trigger(home.label, home.schema, home.name, _name(GUARD_PREFIX, name), event, functions)

    return [
        trigger("delete", _event("DELETE", home), note, check),
        trigger("update_id", _event("UPDATE", home), note, check),
        trigger("truncate", truncated, Function(emptied, empty.as_string(cursor))),
    ]


def _lookup_sql(
    key: GenericKey, home: Relation, id_type: str, content_types: Sequence[int], name: str, *, of_gone: bool = True
) -> Composed:
    """Refuses where a row of the key refers to one of those that are gone, or, of a table that was emptied, to any."""
    ids = SQL(" AND {} = ANY(gone::{}[])").format(key.id_sql("x", id_type), SQL(key.compared_as(id_type)))
    return SQL("""
        IF NOT {known} THEN {step_aside}
        ELSE
          -- Not the first one found: the planner would rather read the table than its index.
          SELECT min(x.{id}::text) INTO dead FROM {relation} AS x WHERE x.{type} IN ({types}){ids};
          IF dead IS NOT NULL THEN {refusal} END IF;
        END IF;
    """).format(
        known=_key_columns(key),
        step_aside=_step_aside(key.name),
        relation=key.relation,
        type=Identifier(key.type_column),
        id=Identifier(key.id_column),
        types=SQL(", ").join(map(Value, content_types)),
        ids=ids if of_gone else SQL(""),
        refusal=_refusal_sql(
            Value(key.name), SQL("format('%s %s.', {}, dead)").format(Value(home.label)), home.schema, home.name, name
        ),
    )


def _content_types(cursor: Cursor) -> Identifier:
    found = content_type_table(cursor)
    assert found is not None
    return found.table


# --- installing, removing, looking ----------------------------------------------------------------------------------------


def install(engine: sqlalchemy.Engine) -> Status:
    """Puts the guard up, or brings it up to date; returns how it stands.

    Raises GuardError, naming counts and the command that heals, while references are dangling.
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
        _remember(cursor, True)
        return status(cursor)


def _refuse_orphans(cursor: Cursor) -> None:
    orphans = {name: number for name, number in dangling(cursor).items() if number}
    if not orphans:
        return
    told = f"References are dangling: {', '.join(f'{number:,} of {name}' for name, number in orphans.items())}."
    ours = {entity.model.label for entity in ENTITIES.values()}
    for model in models(cursor):
        if model.id_type != "uuid" and ".".join(labels(cursor)[model.content_type]) in ours:
            raise GuardError(
                f"{told} The column {model.table.strings[-1]}.{model.id_column} is of type {model.id_type}: what holds a uuid can't"
                " lead there.",
                remedy="Nothing was changed, and no load repairs that. Take the migration of Nexus back that changed the type, or use"
                " a version of nexus_assets that knows it.",
            )
    raise GuardError(
        told,
        remedy=f"Nothing was changed. Run `{clinics.materialize_command('*')}`, then `nexus-assets guard install`. Where that is"
        " refused again, `nexus-assets check` names what no load can repair, and what helps.",
    )


def _bring_up(cursor: Cursor) -> None:
    triggers, present = wanted(cursor), _present(cursor)
    if len(triggers) == len(present.triggers) and all(_state(trigger, present) == "guarded" for trigger in triggers):
        return
    _make_schema(cursor)
    _take_down(cursor)
    cursor.execute(
        SQL(MACHINERY).format(
            pending=PENDING,
            schema=Identifier(GUARD_SCHEMA),
            commit=Value(COMMIT),
            name=Identifier(f"{GUARD_PREFIX}_commit"),
        )
    )
    for function in {each.name: each for trigger in triggers for each in trigger.functions}.values():
        cursor.execute(function.sql())
    for trigger in triggers:
        cursor.execute(trigger.sql())


def _make_schema(cursor: Cursor) -> None:
    """Makes the schema of the functions. Raises GuardError where there is one that somebody else can change."""
    cursor.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(GUARD_SCHEMA)))
    cursor.execute("SELECT nspowner = current_user::regrole FROM pg_namespace WHERE nspname = %s", (GUARD_SCHEMA,))
    if cursor.fetchall() != [(True,)]:
        raise GuardError(
            f"The schema {GUARD_SCHEMA}, which is to hold the guard's functions, belongs to another role.",
            remedy="Nothing was changed. Remove it, or run the command as the role that it belongs to.",
        )


def remove(engine: sqlalchemy.Engine) -> int:
    """Takes the guard down; returns how many triggers there were."""
    with transaction(engine, lock="guard") as cursor:
        triggers = _take_down(cursor)
        cursor.execute(SQL("DROP SCHEMA IF EXISTS {}").format(Identifier(GUARD_SCHEMA)))
        _remember(cursor, False)
        return triggers


def _remember(cursor: Cursor, is_wanted: bool) -> None:
    """Notes in the ledger, where there is one, whether the guard is wanted: nothing else is left where all of it was dropped.

    The guard does without a ledger that can't be trusted.
    """
    with suppress(UntrustedLedgerError):
        if schema.is_installed(cursor):
            schema.install(cursor)
            schema.hold(cursor)
            cursor.execute("UPDATE nexus_assets.about SET guarded = %s WHERE guarded <> %s", (is_wanted, is_wanted))


def _take_down(cursor: Cursor) -> int:
    present = _present(cursor)
    for place in present.triggers:
        cursor.execute(SQL("DROP TRIGGER {} ON {}").format(Identifier(place[2]), Identifier(*place[:2])))
    cursor.execute(SQL("DROP TABLE IF EXISTS {}").format(PENDING))
    cursor.execute(
        "SELECT n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)"
        " FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace"
        " WHERE n.nspname IN (%s, %s) AND p.proname ~ '^guard_(refers|holds|emptied|notes)_|^guard_(note|commit)$'",
        (LEDGER_SCHEMA, GUARD_SCHEMA),
    )
    for home, name, arguments in cursor.fetchall():
        cursor.execute(SQL("DROP FUNCTION {}({})").format(Identifier(home, name), SQL(arguments)))
    return len(present.triggers)


def was_installed(cursor: Cursor) -> bool:
    """Whether somebody installed the guard and did not remove it, whatever is left of it."""
    if queries.yes(cursor, SQL("SELECT to_regnamespace({}) IS NOT NULL").format(Value(GUARD_SCHEMA))):
        return True
    if schema.is_installed(cursor) and queries.yes(cursor, "SELECT guarded FROM nexus_assets.about"):
        return True
    return bool(_present(cursor).triggers)


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
    """The triggers of the guard that are there, by schema, table and name: the function that each calls, and whether it is in
    force; the bodies of the guard's functions by name; whether what is noted is checked at commit."""

    triggers: Mapping[tuple[str, str, str], tuple[str, bool]]
    bodies: Mapping[str, str]
    checks_at_commit: bool


def _present(cursor: Cursor) -> _Present:
    """A trigger is not in force where it is switched off, and where row level security hides rows from the guard's owner."""
    cursor.execute(
        """
        SELECT n.nspname, c.relname, t.tgname, CASE WHEN f.nspname = %s THEN p.proname ELSE '' END,
               t.tgenabled IN ('O', 'A')
               AND NOT (c.relrowsecurity AND NOT o.rolsuper AND NOT o.rolbypassrls
                        AND (c.relforcerowsecurity OR NOT pg_has_role(o.oid, c.relowner, 'USAGE')))
        FROM pg_trigger AS t
        JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_proc AS p ON p.oid = t.tgfoid JOIN pg_namespace AS f ON f.oid = p.pronamespace
        JOIN pg_roles AS o ON o.oid = p.proowner
        WHERE starts_with(t.tgname, %s) AND NOT t.tgisinternal AND t.tgparentid = 0
        """,
        (GUARD_SCHEMA, GUARD_PREFIX),
    )
    triggers = {
        (schema, table, name): (function, in_force) for schema, table, name, function, in_force in cursor.fetchall()
    }
    cursor.execute(
        "SELECT proname, prosrc FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace"
        " WHERE n.nspname = %s AND p.prosecdef",
        (GUARD_SCHEMA,),
    )
    _, checks = triggers.pop((GUARD_SCHEMA, PENDING.strings[1], f"{GUARD_PREFIX}_commit"), ("", False))
    return _Present(triggers, dict(cursor.fetchall()), checks)


def _state(trigger: Trigger, present: _Present) -> State:
    function, in_force = present.triggers.get((trigger.schema, trigger.table, trigger.name), (None, False))
    if function is None:
        return "missing"
    noting, *checking = trigger.functions
    if not in_force or (checking and not present.checks_at_commit):
        return "disabled"
    bodies = [(each.name, each.body) for each in trigger.functions]
    bodies += [("guard_commit", COMMIT)] if checking else []
    is_as_wanted = function == noting.name and all(present.bodies.get(name) == body for name, body in bodies)
    return "guarded" if is_as_wanted else "outdated"

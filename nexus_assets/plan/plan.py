"""A plan: the very loads, entity after entity in one transaction that is rolled back, and what each of them would have done."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier, Literal

from nexus_assets.checks import CHECKS
from nexus_assets.checks.check import NO_FILES, CheckContext
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError, unforeseen_errors_told_by_kind
from nexus_assets.ledger.schema import await_install, base_columns, is_installed
from nexus_assets.load.gates import GateError
from nexus_assets.load.load import LoadResult, load
from nexus_assets.load.plan_basis import Basis, hashes, ledger_state, mapping_version
from nexus_assets.load.progress import Progress
from nexus_assets.load.settings import SWITCHES, LoadSettings
from nexus_assets.load_run import is_exported, resource_inputs
from nexus_assets.mapping.entity import Entity
from nexus_assets.nexus import catalog, queries
from nexus_assets.nexus.connection import DatabaseError, sanitized_errors, transaction, where
from nexus_assets.nexus.relations import forget
from nexus_assets.resources import ClinicBucket, FileMakerExports, NexusDatabase

FORMAT = 2
"""The version of a plan's JSON; `apply` refuses another one."""


@dataclass(frozen=True)
class Stop:
    """What would stop a load before it wrote anything; `setting`, where there is one, lets it through."""

    problem: str
    remedy: str
    setting: str = ""


@dataclass(frozen=True)
class EntityPlan:
    """What the load of one entity would do. Where `stops` has a gate, the figures are those behind it: with it let through.

    `rows` is None where the load can't come to its end at all, or where the export of an optional entity is not there.
    `changed_columns` and `kept_columns` count rows by column; `adoption` has, of the rows that are adopted, the columns that
    are `filled`, `replaced` and `kept`. `ids` has some ids in Nexus of the rows that are `new` (under no column), `changed` and
    `kept`, by column.
    """

    entity: str
    rows: int | None = None
    new: int = 0
    changed: int = 0
    changed_columns: Mapping[str, int] = field(default_factory=dict)
    adoption: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    unchanged: int = 0
    kept: int = 0
    kept_columns: Mapping[str, int] = field(default_factory=dict)
    collapsed: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    noticed: Mapping[str, int] = field(default_factory=dict)
    vanished: int = 0
    superseded: int = 0
    healed: Mapping[str, int] = field(default_factory=dict)
    stops: tuple[Stop, ...] = ()
    sources: Mapping[str, Any] = field(default_factory=dict)
    basis: Basis | None = None
    digest: str = ""
    ids: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    not_exported: bool = False

    @property
    def stops_others(self) -> bool:
        """Whether what is downstream would not be reached: the load itself stops, or a blocking check fails after it."""
        return (self.rows is None and not self.not_exported) or any(not stop.setting for stop in self.stops)


@dataclass(frozen=True)
class Plan:
    """What a load of the selected entities would do, and the settings it was made with."""

    entities: tuple[EntityPlan, ...]
    database: str
    settings: Sequence[str] = ()

    @property
    def would_stop(self) -> bool:
        """Whether a gate or an error would stop one of the loads."""
        return any(each.stops for each in self.entities)

    @property
    def would_write(self) -> bool:
        """Whether any row of any table would be written."""
        return any(each.new or each.changed or each.vanished or each.healed for each in self.entities)

    def to_json(self) -> dict[str, Any]:
        """The plan as plain data; counts, codes and hashes only."""
        told = {"format": FORMAT, "would_stop": self.would_stop, "would_write": self.would_write}
        entities = {each.entity: asdict(each) for each in self.entities}
        for each in entities.values():
            del each["entity"]
        return {**told, "database": self.database, "settings": list(self.settings), "entities": entities}

    def to_text(self, key: str) -> str:
        """The plan as `apply` reads it, sealed with this key."""
        told = self.to_json()
        return json.dumps({**told, "seal": seal(told, key)}, indent=2)


def seal(told: Mapping[str, Any], key: str) -> str:
    """The HMAC of a plan's JSON: settings, figures and all that it stands on. Who lacks the key can't write a plan that holds."""
    return hmac.new(key.encode(), json.dumps(told, sort_keys=True).encode(), "sha256").hexdigest()


def seal_key(database: NexusDatabase) -> str:
    """The key of plans for this database: its URL with the password, which who may load has anyway."""
    return database.engine().url.render_as_string(hide_password=False)


def check_settings(switched_on: Sequence[str]) -> None:
    """Raises NexusAssetsError where one of these is not a setting of a load."""
    unknown = [name for name in switched_on if name not in SWITCHES]
    if unknown:
        raise NexusAssetsError(
            f"{', '.join(unknown)} is not a setting of a load.", remedy=f"There are: {', '.join(SWITCHES)}."
        )


@unforeseen_errors_told_by_kind()
def make_plan(
    names: Sequence[str],
    switched_on: Sequence[str],
    database: NexusDatabase,
    exports: FileMakerExports,
    bucket: ClinicBucket,
    run_id: str,
    log: Callable[[str], None],
) -> Plan:
    """Plans the load of these entities. Nobody can load meanwhile; nothing is written, not even a sequence's next number.

    Raises NexusAssetsError where it can't look; what would stop one of the loads is in the plan instead.
    """
    check_settings(switched_on)
    engine = database.engine()
    load_settings = LoadSettings.of_clinic(**dict.fromkeys(switched_on, True))
    selected = [entity for name, entity in ENTITIES.items() if name in names]
    planned: list[EntityPlan] = []
    bucket.list_first(dict.fromkeys(listing for entity in selected for listing in entity.listings), run_id)
    with transaction(engine, commit=False, lock=[*ENTITIES]) as cursor, _numbers_given_back(cursor):
        before = {entity.name: ledger_state(cursor, entity) for entity in selected}
        for entity in selected:
            if not is_exported(entity, exports):
                planned.append(EntityPlan(entity.name, not_exported=True))
                continue
            log(f"{entity.name}: looking what a load would do")
            blocking = [each.entity for each in planned if each.stops_others and each.entity in entity.upstream]
            if blocking:
                problem = f"{entity.name} would not be reached: {' and '.join(blocking)} would stop before."
                planned.append(EntityPlan(entity.name, stops=(Stop(problem, ""),)))
                continue

            def rehearse(settings: LoadSettings, entity: Entity = entity) -> EntityPlan:
                with sanitized_errors(engine), Progress(entity.name, log) as progress:
                    inputs = resource_inputs(entity, exports, bucket, run_id, log, progress)
                    remembered = _remember(cursor, entity)
                    result = load(cursor, entity, inputs, settings, run_id, log)
                    basis = Basis(hashes(result.sources), before[entity.name], mapping_version(entity))
                    digest = basis.digest(settings, result.account)
                    return replace(_told(cursor, entity, result, remembered), basis=basis, digest=digest)

            planned.append(_checked(cursor, _past_the_gates(cursor, entity, load_settings, rehearse)))
    return Plan(tuple(planned), where(engine), switched_on)


def _checked(cursor: Cursor, planned: EntityPlan) -> EntityPlan:
    """The plan of an entity with the blocking checks that would fail after its load: they end the run there."""
    if planned.rows is None:
        return planned
    stops = []
    for check in CHECKS:
        if check.blocking and check.asset == planned.entity:
            found = check.find(CheckContext(cursor, NO_FILES))
            if not found.passed:
                said = ", ".join(f"{number:,} {reason}" for reason, number in found.breakdown.items())
                remedy = f"Run `{found.next_step}`." if found.next_step else ""
                stops.append(Stop(f"The check {check.full_name} would fail after the load: {said}.", remedy))
    return replace(planned, stops=(*planned.stops, *stops))


def _past_the_gates(
    cursor: Cursor, entity: Entity, settings: LoadSettings, rehearse: Callable[[LoadSettings], EntityPlan]
) -> EntityPlan:
    """Rehearses a load; at each gate that stops it, notes what the gate says, lets it through, and tries again."""
    stops: list[Stop] = []
    while True:
        cursor.execute("SAVEPOINT rehearsal")
        forget(cursor)  # the ledger, where the last rehearsal created it
        try:
            return replace(rehearse(settings), stops=tuple(stops))
        except GateError as gate:
            cursor.execute("ROLLBACK TO SAVEPOINT rehearsal")
            stops.append(Stop(gate.problem, gate.remedy, gate.setting))
            settings = settings.model_copy(update={gate.setting: True})
        except NexusAssetsError as error:
            if isinstance(error, DatabaseError) and error.transient:
                raise
            cursor.execute("ROLLBACK TO SAVEPOINT rehearsal")
            return EntityPlan(entity.name, stops=(*stops, Stop(error.problem, error.remedy)))


@contextmanager
def _numbers_given_back(cursor: Cursor) -> Iterator[None]:
    """Sets the ledger's sequences back: they are the one thing that a rollback does not undo.

    Nobody else can have taken a number meanwhile: the tables that use them are locked against writing.
    """
    await_install(cursor)
    if not is_installed(cursor):
        yield
        return
    tables = ("nexus_assets.load", "nexus_assets.reject")
    cursor.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE")
    numbers = []
    for table in tables:
        (sequence,) = queries.row(cursor, "SELECT pg_get_serial_sequence(%s, 'id')", (table,))
        state = SQL("SELECT last_value, is_called FROM {}").format(Identifier(*sequence.split(".")))
        numbers.append((sequence, *queries.row(cursor, state)))
    yield
    for sequence, last_value, is_called in numbers:
        cursor.execute("SELECT setval(%s::regclass, %s, %s)", (sequence, last_value, is_called))


def _remember(cursor: Cursor, entity: Entity) -> Identifier:
    """A copy of what the import answers for in the entity's table, to be compared with the table after the load."""
    target = catalog.reflect(cursor, entity)
    copy = Identifier(f"before_{entity.name}")
    columns = [name for name in base_columns(entity) if name in target.columns]
    cursor.execute(
        SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT id, {} FROM {}").format(
            copy, SQL(", ").join(map(Identifier, columns)), target.table
        )
    )
    return copy


def _changed_columns(cursor: Cursor, entity: Entity, copy: Identifier) -> dict[str, int]:
    """How many of the rows that were there have another value now, by column: from the table itself, not the load's counts."""
    target = catalog.reflect(cursor, entity)
    columns = [name for name in base_columns(entity) if name in target.columns]
    counts = SQL(", ").join(
        SQL("count(*) FILTER (WHERE b.{0} IS DISTINCT FROM t.{0})").format(Identifier(name)) for name in columns
    )
    counted = SQL("SELECT {} FROM {} AS b JOIN {} AS t USING (id)").format(counts, copy, target.table)
    return _most_first(zip(columns, queries.row(cursor, counted), strict=True))


SHOWN_IDS = 10
"""So many rows of each kind are named."""


def _ids(cursor: Cursor, entity: Entity, copy: Identifier, columns: Iterable[str]) -> dict[str, dict[str, list[str]]]:
    """Some ids of the rows that are new, changed (by column) and kept (by column)."""
    target = catalog.reflect(cursor, entity)
    parts = [
        SQL("SELECT 'new', '', id::text FROM {} AS t WHERE NOT EXISTS (SELECT FROM {} AS b WHERE b.id = t.id)").format(
            target.table, copy
        ),
        SQL(
            "SELECT 'kept', column_name, nexus_id::text FROM nexus_assets.conflict WHERE entity = {} AND resolved_load IS NULL"
        ).format(Literal(entity.name)),
    ]
    parts += [
        SQL(
            "SELECT 'changed', {}, t.id::text FROM {} AS b JOIN {} AS t USING (id) WHERE b.{} IS DISTINCT FROM t.{}"
        ).format(Literal(name), copy, target.table, Identifier(name), Identifier(name))
        for name in columns
    ]
    cursor.execute(
        SQL("""
            SELECT kind, column_name, (array_agg(id ORDER BY id))[1:{most}] FROM ({parts}) AS found (kind, column_name, id)
            GROUP BY 1, 2 ORDER BY 1, 2
        """).format(most=Literal(SHOWN_IDS), parts=SQL(" UNION ALL ").join(parts))
    )
    found: dict[str, dict[str, list[str]]] = {}
    for kind, column, ids in cursor.fetchall():
        found.setdefault(kind, {})[column] = ids
    return found


def _told(cursor: Cursor, entity: Entity, result: LoadResult, copy: Identifier) -> EntityPlan:
    cursor.execute(
        "SELECT column_name, count(*) FROM nexus_assets.conflict WHERE entity = %s AND resolved_load IS NULL GROUP BY 1",
        (entity.name,),
    )
    kept = _most_first(cursor.fetchall())
    account = result.account
    healed = dict(account.healed)
    changed_columns = _changed_columns(cursor, entity, copy) if account.updated else {}
    return EntityPlan(
        entity.name,
        rows=account.source_rows,
        new=account.inserted,
        changed=account.updated,
        changed_columns=changed_columns,
        adoption={what: _most_first(columns.items()) for what, columns in account.adoption.items()},
        unchanged=account.unchanged,
        kept=account.kept,
        kept_columns=kept,
        collapsed=account.collapsed,
        rejected=account.rejected,
        noticed=account.notices,
        vanished=healed.pop("vanished", 0),
        superseded=healed.pop("superseded", 0),
        healed=healed,
        sources=result.sources,
        ids=_ids(cursor, entity, copy, changed_columns),
    )


def _most_first(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    return dict(sorted(((name, number) for name, number in counts if number), key=lambda pair: -pair[1]))

"""Carrying out a plan: only where exports, listings, ledger, database and program are those that it was made on."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nexus_assets.asset_keys import ONLY_IF_TAG
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.load.plan_basis import Basis, differences, hashes, ledger_state, mapping_version
from nexus_assets.load.unchanged import sources_now
from nexus_assets.load_run import resource_inputs
from nexus_assets.nexus.connection import transaction, where
from nexus_assets.plan.plan import FORMAT, EntityPlan, Plan, seal, seal_key
from nexus_assets.resources import ClinicBucket, FileMakerExports, NexusDatabase


@dataclass(frozen=True)
class WrittenPlan:
    """A plan as `nexus-assets plan --out` wrote it."""

    told: Mapping[str, Any]
    database: str
    settings: tuple[str, ...]
    entities: Mapping[str, EntityPlan]
    bases: Mapping[str, Basis]

    def run_config(self) -> dict[str, dict[str, Any]]:
        """The config of each load: the plan's settings."""
        return {name: dict.fromkeys(self.settings, True) for name in self.entities}

    def run_tags(self) -> dict[str, str]:
        """What must still be so when each load writes."""
        return {ONLY_IF_TAG: json.dumps({name: each.digest for name, each in self.entities.items()})}

    def holds(self, key: str) -> bool:
        """Whether it is just what `plan` wrote with this key."""
        told = {name: value for name, value in self.told.items() if name != "seal"}
        return hmac.compare_digest(str(self.told.get("seal", "")).encode(), seal(told, key).encode())

    def as_plan(self) -> Plan:
        """The plan, to be shown."""
        return Plan(tuple(self.entities.values()), self.database, self.settings)


def read_plan(file: Path) -> WrittenPlan:
    """The plan in the file. Raises NexusAssetsError where it is none, or one that can't be carried out."""
    try:
        told = json.loads(file.read_text("utf-8"))
        if told["format"] != FORMAT:
            raise NexusAssetsError(
                f"{file} was written by another version of this program.", remedy="Run `nexus-assets plan --out` again."
            )
        stopped = [name for name, each in told["entities"].items() if each["stops"]]
        if stopped:
            raise NexusAssetsError(
                f"The plan in {file} would be stopped, at {', '.join(stopped)}.",
                remedy="Correct what it names, or let it through with `nexus-assets plan --with SETTING --out`.",
            )
        written = {name: told["entities"][name] for name in ENTITIES if name in told["entities"]}
        bases = {name: Basis.from_json(each["basis"]) for name, each in written.items() if not each["not_exported"]}
        entities = {
            name: EntityPlan(**{**each, "entity": name, "basis": bases.get(name)}) for name, each in written.items()
        }
        return WrittenPlan(told, told["database"], tuple(told["settings"]), entities, bases)
    except OSError as error:
        raise NexusAssetsError(f"{file} can't be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NexusAssetsError(f"{file} is not a plan.", remedy="Write one: nexus-assets plan --out FILE.") from None


def what_differs(
    plan: WrittenPlan, database: NexusDatabase, exports: FileMakerExports, bucket: ClinicBucket, run_id: str
) -> Iterator[str]:
    """What is no longer as it was when the plan was made, a sentence each; nothing where the plan still holds.

    Raises NexusAssetsError where it can't look.
    """
    engine = database.engine()
    if where(engine) != plan.database:
        yield f"The plan is for the database {plan.database}; NEXUS_DATABASE_URL names {where(engine)}."
        return
    if not plan.holds(seal_key(database)):
        yield "The plan was changed after it was written, or was written with another password of the database."
        return
    with transaction(engine, commit=False) as cursor:
        ledger = {name: ledger_state(cursor, ENTITIES[name]) for name in plan.bases}
    for name, planned in plan.bases.items():
        entity = ENTITIES[name]
        sources = sources_now(entity, resource_inputs(entity, exports, bucket, run_id, lambda _: None)) or {}
        yield from differences(name, planned, Basis(hashes(sources), ledger[name], mapping_version(entity)))

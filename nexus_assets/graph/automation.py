"""What starts loads: the jobs, a schedule, and a sensor on what FileMaker and the bucket deliver. The last two are off until
somebody turns them on. And what carries them out."""

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib import import_module
from typing import Any

import dagster as dg
import yaml
from dagster._config import validate_config

from nexus_assets import settings
from nexus_assets.asset_keys import asset_key, clinic_tags
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.graph.lineage import sources_of
from nexus_assets.graph.resources import ClinicBucket, FileMakerExports, NexusDatabase
from nexus_assets.graph.source_assets import observation
from nexus_assets.resources import content_hash

LOOK_SECONDS = 60
ABSENT = "absent"

import_everything = dg.define_asset_job(
    "import_everything",
    selection=dg.AssetSelection.assets(*map(asset_key, ENTITIES)).downstream(),
    description="Every export and the bucket into Nexus, with all checks.",
    tags=clinic_tags(),
)
import_images = dg.define_asset_job(
    "import_images",
    selection=dg.AssetSelection.assets(asset_key("image_batches"), asset_key("images")),
    description="The images and their batches; patients are those of the last load.",
    tags=clinic_tags(),
)
check_everything = dg.define_asset_job(
    "check_everything",
    selection=dg.AssetSelection.checks_for_assets(*map(asset_key, ENTITIES)),
    description="All checks over all rows; nothing is loaded.",
    tags=clinic_tags(),
)


def executor() -> dg.ExecutorDefinition:
    """The executor that is set, with the config that is set: a run's config can't send its steps elsewhere.

    Raises NexusAssetsError where there is no such one.
    """
    module, _, name = settings.EXECUTOR.value().rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError):
        found = None
    if not isinstance(found, dg.ExecutorDefinition):
        raise NexusAssetsError(
            f"{settings.EXECUTOR.name}={settings.EXECUTOR.value()} is no executor of Dagster's, or its library is not installed.",
            remedy=f"Leave it out ({settings.EXECUTOR.default}), or install what docs/deploying.md names.",
        )
    config = _executor_config(found)
    return found.configured(lambda _: config, config_schema={})


def _executor_config(executor: dg.ExecutorDefinition) -> dict[str, Any]:
    """The executor's settings. Errors name fields and never repeat a value: an address may hold a password."""
    remedy = "docs/deploying.md shows examples."
    try:
        config = yaml.safe_load(settings.EXECUTOR_CONFIG.value())
    except yaml.YAMLError:
        raise NexusAssetsError(f"{settings.EXECUTOR_CONFIG.name} is neither JSON nor YAML.", remedy=remedy) from None
    if not isinstance(config, dict):
        raise NexusAssetsError(f"{settings.EXECUTOR_CONFIG.name} has no fields with values.", remedy=remedy)
    result = validate_config(executor.config_schema.config_type, config)
    if not result.success:
        fields = sorted({_field(error) for error in result.errors or ()})
        raise NexusAssetsError(
            f"{settings.EXECUTOR.value()} does not accept {settings.EXECUTOR_CONFIG.name}: see {', '.join(fields)}.",
            remedy=remedy,
        )
    return config


def _field(error: Any) -> str:
    """Where in a config an error is: config_source, or brokers for a field that there is not."""
    path = [entry.field_name for entry in error.stack.entries if hasattr(entry, "field_name")]
    unknown = getattr(error.error_data, "field_names", None) or [getattr(error.error_data, "field_name", "")]
    return ".".join(filter(None, [*path, ", ".join(map(str, unknown))])) or "its form"


def import_schedule() -> dg.ScheduleDefinition:
    """Imports everything at the set time, once it is turned on in the UI. Raises NexusAssetsError for a time that is none."""
    try:
        return dg.ScheduleDefinition(
            name="import_daily",
            job=import_everything,
            cron_schedule=settings.IMPORT_SCHEDULE.value(),
            execution_timezone=settings.TIME_ZONE.value(),
            default_status=dg.DefaultScheduleStatus.STOPPED,
            description=f"Off until it is turned on. {settings.IMPORT_SCHEDULE.name} says when.",
        )
    except dg.DagsterInvalidDefinitionError:
        raise NexusAssetsError(
            f"{settings.IMPORT_SCHEDULE.name} ({settings.IMPORT_SCHEDULE.value()}) or {settings.TIME_ZONE.name}"
            f" ({settings.TIME_ZONE.value()}) can't be read.",
            remedy="Write the one as cron does, e.g. 0 5 * * * for five in the morning, the other as Australia/Sydney.",
        ) from None


@dataclass(frozen=True)
class Watched:
    """What the last look saw: of each source how it looked from outside, and the hash of its content while it looks so."""

    looks: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_cursor(cls, cursor: str | None) -> "Watched":
        return cls(**json.loads(cursor)) if cursor else cls()

    def cursor(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


def stale(versions: Mapping[str, str], loaded: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The entities to load: those whose sources are not what they were last loaded from, what is made from them, and the
    parents of all: what another tool did to those meanwhile is corrected first, else the load of a child would stop.

    `versions` are the sources that are there; an entity that lacks one is left out, with what is made from it.
    """
    wanted: list[str] = []
    lacking: set[str] = set()
    for name, entity in ENTITIES.items():  # parents before children
        sources = sources_of(name)
        if any(source not in versions for source in sources) or lacking & {*entity.upstream}:
            lacking.add(name)
        elif {*wanted} & {*entity.after} or any(
            loaded.get(name, {}).get(source) != versions.get(source) for source in (*sources, *entity.companion_exports)
        ):
            wanted.append(name)
    with_parents = set(wanted)
    for name in reversed(list(ENTITIES)):
        if name in with_parents:
            with_parents.update(ENTITIES[name].upstream)
    return [name for name in ENTITIES if name in with_parents]


def _looks(exports: FileMakerExports, bucket: ClinicBucket) -> dict[str, str]:
    """How every source looks from outside: name, size and time of an export, the hash of a listing."""
    from nexus_assets.sources.filemaker import ExportFile
    from nexus_assets.sources.s3 import ListingDigest

    looks = {}
    for name in dict.fromkeys(
        name for entity in ENTITIES.values() for name in (*entity.exports, *entity.companion_exports)
    ):
        file = exports.find(name, required=False)
        looks[name] = (
            f"{file.location} {file.size} {file.modified.isoformat()}" if isinstance(file, ExportFile) else ABSENT
        )
    for listing in dict.fromkeys(listing for entity in ENTITIES.values() for listing in entity.listings):
        digest = ListingDigest()
        for item in bucket.objects(listing, uuid.uuid4().hex):
            digest.add(item)
        looks[f"s3/{listing}"] = digest.hexdigest()
    return looks


def _versions(exports: FileMakerExports, looks: Mapping[str, str], before: Watched) -> dict[str, str]:
    """The content hash of every source that is there; read only where it looks otherwise than before."""
    versions = {}
    for name, look in looks.items():
        if look == ABSENT:
            continue
        if name.startswith("s3/"):
            versions[name] = look
        elif before.looks.get(name) == look and name in before.versions:
            versions[name] = before.versions[name]
        else:
            file = exports.find(name)
            assert file is not None
            versions[name] = content_hash(file)
    return versions


def _loaded(database: NexusDatabase) -> dict[str, dict[str, str]]:
    """Of each entity, the hashes of the sources that it was last loaded from."""
    from nexus_assets.ledger.schema import is_installed
    from nexus_assets.nexus.connection import transaction

    with transaction(database.engine(), read_only=True) as cursor:
        if not is_installed(cursor):
            return {}
        cursor.execute("SELECT DISTINCT ON (entity) entity, sources FROM nexus_assets.load ORDER BY entity, id DESC")
        return {
            entity: {name: str(facts.get("sha256", "")) for name, facts in sources.items()}
            for entity, sources in cursor.fetchall()
        }


def _observations(versions: Mapping[str, str], before: Watched) -> Iterator[dg.AssetObservation]:
    required = {name for entity in ENTITIES for name in sources_of(entity)}
    for name, version in versions.items():
        if name in required and before.versions.get(name) != version:
            yield observation(name, version)


def _request(wanted: Iterable[str], versions: Mapping[str, str]) -> dg.RunRequest:
    names = list(wanted)
    sources = {source for name in names for source in (*sources_of(name), *ENTITIES[name].companion_exports)}
    basis = {source: versions.get(source) for source in sources}
    # The same content is asked for once only: a load that was refused waits for another export or for a person.
    key = hashlib.sha256(json.dumps([settings.clinic_name(), names, sorted(basis.items())]).encode()).hexdigest()
    return dg.RunRequest(run_key=key, asset_selection=[asset_key(name) for name in names], tags=clinic_tags())


@dg.sensor(
    target=dg.AssetSelection.assets(*map(asset_key, ENTITIES)),
    minimum_interval_seconds=LOOK_SECONDS,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Off until it is turned on. Loads what a new or changed export, or a changed bucket, makes stale, and"
    " what that refers to, as soon as nothing has changed for a minute.",
)
def sources_changed(
    context: dg.SensorEvaluationContext, database: NexusDatabase, exports: FileMakerExports, bucket: ClinicBucket
) -> Any:
    """Looks at every source from outside; where two looks in a row see the same, asks for a run of what is stale."""
    if exports.server() is not None:
        return dg.SkipReason(
            "A FileMaker Server does not report what has changed without being read: use the schedule."
        )
    before = Watched.from_cursor(context.cursor)
    looks = _looks(exports, bucket)
    changing = [name for name, look in looks.items() if before.looks.get(name) != look]
    if changing:
        context.update_cursor(Watched(looks, {n: v for n, v in before.versions.items() if n not in changing}).cursor())
        return dg.SkipReason(f"{', '.join(changing)} changed since the last look: waiting until nothing does any more.")
    versions = _versions(exports, looks, before)
    wanted = stale(versions, _loaded(database))
    return dg.SensorResult(
        run_requests=[_request(wanted, versions)] if wanted else [],
        skip_reason=None if wanted else dg.SkipReason("Everything is loaded from what is there."),
        cursor=Watched(looks, versions).cursor(),
        asset_events=list(_observations(versions, before)),
    )

"""One Dagster asset per entity: the load, its lineage, and what it tells of itself."""

import warnings
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from importlib.resources import files
from typing import Any

import dagster as dg
from pydantic import BaseModel, Field

from nexus_assets import settings
from nexus_assets.asset_keys import asset_key
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.graph.lineage import export_path, in_words, listing_path, origins
from nexus_assets.graph.run_config import config_fields
from nexus_assets.graph.source_assets import GROUP, OWNERS
from nexus_assets.load.settings import LoadSettings
from nexus_assets.mapping.entity import Entity
from nexus_assets.mapping.reasons import NOTICES, REASONS
from nexus_assets.resources import ClinicBucket, FileMakerExports, NexusDatabase, content_hash, describe

RETRIES, RETRY_SECONDS = 3, 5
"""A load that failed for what may pass by itself (a lost connection, a throttled bucket, another load of the same table) is
tried again as a whole, after 5, 10 and 20 seconds; nothing else is."""


class LoadConfig(BaseModel, extra="forbid"):
    """What a person may decide about one load; every default is the safe choice."""

    allow_empty: bool = Field(False, description="Load although the source has no row, or none that can be loaded.")
    allow_vanished: bool = Field(False, description="Load although many rows that were loaded before are missing.")
    allow_missing_files: bool = Field(False, description="Load although files that the export still names are gone.")
    allow_rekeyed: bool = Field(False, description="Load although many known people come under new FileMaker ids.")
    allow_rejected: bool = Field(False, description="Load although many more rows than last time are rejected.")
    allow_older_export: bool = Field(False, description="Load although an export is older than the one loaded last.")
    allow_other_database: bool = Field(False, description="Load although the ledger was made in another database.")
    allow_date_order_change: bool = Field(False, description="Load although a column's dates have another order.")
    filemaker_wins: bool = Field(False, description="Overwrite what was changed in Nexus with what FileMaker says.")
    archive_vanished: bool = Field(False, description="Archive patients that FileMaker no longer has.")
    only_if: str = Field("", description="Set by `nexus-assets apply`: what the plan was made on must still be so.")

    def load_settings(self) -> LoadSettings:
        """The settings of the load: these fields, and the clinic's time zone and date order."""
        return LoadSettings(
            time_zone=settings.TIME_ZONE.value(),
            date_order=settings.DATE_ORDER.value(),
            undoable_loads=settings.UNDOABLE_LOADS.number(),
            **self.model_dump(exclude={"only_if"}),
        )


def another_try(retry_number: int, at_most: int) -> dg.RetryRequested:
    """To be raised where a step failed for what may pass by itself: it is run again after a wait that doubles."""
    return dg.RetryRequested(max_retries=at_most, seconds_to_wait=RETRY_SECONDS * 2**retry_number)


def export_key(export: str) -> dg.AssetKey:
    """The external asset of an export: filemaker/contacts for Contacts."""
    return asset_key(*export_path(export))


def listing_key(listing: str) -> dg.AssetKey:
    """The external asset of a bucket listing: s3/image_files."""
    return asset_key(*listing_path(listing))


def upstream_keys(entity: Entity) -> list[dg.AssetKey]:
    """Everything that the entity is made from: its exports, its listings, the entities that it refers to."""
    return [
        *(export_key(name) for name in entity.exports),
        *(listing_key(name) for name in entity.listings),
        *(asset_key(name) for name in entity.upstream),
    ]


def _table(rows: Mapping[str, int], meanings: Mapping[str, str], name: str) -> dg.TableMetadataValue:
    records = [
        dg.TableRecord({name: code, "rows": number, "meaning": meanings.get(code, "")}) for code, number in rows.items()
    ]
    schema = dg.TableSchema([dg.TableColumn(name), dg.TableColumn("rows", "int"), dg.TableColumn("meaning")])
    return dg.MetadataValue.table(records, schema=schema)


SOURCE_COLUMNS = ("source", "file", "age", "size", "rows", "how", "sha256")


def _how(facts: Mapping[str, Any]) -> str:
    """How a file was read, and why so, in words."""
    words = [facts.get("format", "")]
    if facts.get("encoding"):
        words.append(f"{facts['encoding']} ({facts.get('encoding_why')})")
    if facts.get("columns_new"):
        words.append(f"new columns that nothing reads: {', '.join(map(str, facts['columns_new']))}")
    return "; ".join(filter(None, [*words, *facts.get("remarks", ())]))


def _sources_table(sources: Mapping[str, Mapping[str, Any]]) -> dg.TableMetadataValue:
    """What was read: each file or listing, how old it was, how large, how it was read, and its hash."""
    now = datetime.now(timezone.utc)
    records = []
    for name, facts in sources.items():
        modified = datetime.fromisoformat(facts["modified"]) if facts.get("modified") else None
        size = f"{facts['objects']:,} objects" if "objects" in facts else f"{facts.get('size') or 0:,} bytes"
        records.append(
            dg.TableRecord(
                {
                    "source": name,
                    "file": str(facts.get("file", "")),
                    "age": f"{(now - modified).total_seconds() / 3600:.1f} hours" if modified else "",
                    "size": size,
                    "rows": f"{facts['rows']:,}" if "rows" in facts else "",
                    "how": _how(facts),
                    "sha256": str(facts.get("sha256", ""))[:12],
                }
            )
        )
    schema = dg.TableSchema([dg.TableColumn(name) for name in SOURCE_COLUMNS])
    return dg.MetadataValue.table(records, schema=schema)


def _column_schema(entity: Entity, types: Mapping[str, str]) -> dg.TableSchema:
    """The table's columns with where each comes from, in words."""
    return dg.TableSchema(
        [dg.TableColumn(name, type=sql_type, description=in_words(entity, name)) for name, sql_type in types.items()]
    )


def _column_lineage(entity: Entity) -> dg.TableColumnLineage:
    """Each column that is read from somewhere, down to FileMaker's fields and what the bucket tells of a file."""
    return dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(asset_key(*origin.asset), origin.column) for origin in found]
            for name, found in origins(entity).items()
        }
    )


def _metadata(entity: Entity, result: Any) -> dict[str, Any]:
    account = result.account
    metadata: dict[str, Any] = {
        "source_rows": account.source_rows,
        **account.outcomes,
        "rejected": sum(account.rejected.values()),
        "orphans": account.orphans,
        "seconds": round(result.seconds, 2),
        "load_id": result.load_id,
        **{f"healed_{name}": number for name, number in account.healed.items()},
    }
    # An empty table says less than none.
    if account.rejected:
        metadata["rejected_by_reason"] = _table(account.rejected, REASONS, "reason")
    if account.notices:
        metadata["noticed"] = _table(account.notices, NOTICES, "notice")
    if result.date_orders:
        metadata["date_order"] = f"{result.date_orders['order']}: {result.date_orders.get('why', '')}"
    return {
        **metadata,
        "read": _sources_table(result.sources),
        "how_it_was_read": dg.MetadataValue.json(result.sources),
        "dagster/column_schema": _column_schema(entity, result.columns),
        "dagster/column_lineage": _column_lineage(entity),
    }


def resource_inputs(
    entity: Entity,
    exports: FileMakerExports,
    bucket: ClinicBucket,
    run_id: str,
    log: Callable[[str], None],
    progress: Any = None,
) -> Any:
    """The Inputs of a load from the resources; `log` is told which files are read, a Progress how far."""
    # Only a load needs the database driver and SQLAlchemy: importing the definitions stays fast without them.
    from nexus_assets.load.load import Inputs

    described: dict[str, Mapping[str, Any]] = {}

    def tell(name: str, file: Any) -> None:
        told_before, described[name] = name in described, describe(file)
        if file.passed_over and not told_before:
            log(f"{entity.name}: passed over beside {described[name]['file']}: {', '.join(file.passed_over)}")

    def open_export(name: str, wanted: tuple[str, ...], optional: tuple[str, ...], required: bool) -> Any:
        file = exports.find(name, required=required)
        if file is None:
            return None
        tell(name, file)
        log(f"{entity.name}: reading {described[name]['file']}")
        opened = exports.open(file, wanted, optional)
        return progress.export(opened, described[name]["file"], file.size) if progress else opened

    def objects(listing: Any) -> Any:
        listed = bucket.objects(listing, run_id)
        return progress.listing(listed, f"the bucket's list of {listing}") if progress else listed

    def digest(name: str, required: bool) -> str | None:
        file = exports.find(name, required=required)
        if file is None:
            return None
        tell(name, file)
        return content_hash(file)

    return Inputs(
        export=open_export,
        objects=objects,
        bucket=bucket.name() if entity.listings else "",
        describe=lambda name: described[name],
        digest=digest,
        step=progress.step if progress else lambda *_: None,
    )


def run_load(
    entity: Entity,
    load_settings: LoadSettings,
    database: NexusDatabase,
    exports: FileMakerExports,
    bucket: ClinicBucket,
    run_id: str,
    log: Any,
    *,
    only_if: str = "",
) -> Any:
    """Loads one entity from the resources in one transaction; returns its LoadResult. Raises NexusAssetsError.

    With `only_if`, a Basis's digest, nothing is kept unless the load stood on just that and did what was planned.
    """
    from nexus_assets.load.load import load
    from nexus_assets.load.plan_basis import Basis, PlanOutdatedError, hashes, ledger_state, mapping_version
    from nexus_assets.load.progress import Progress
    from nexus_assets.nexus.connection import transaction

    engine = database.engine()
    bucket.list_first(entity.listings, run_id)
    with transaction(engine, lock=entity.locks) as cursor, Progress(entity.name, log) as progress:
        inputs = resource_inputs(entity, exports, bucket, run_id, log, progress)
        before = ledger_state(cursor, entity) if only_if else None
        result = load(cursor, entity, inputs, load_settings, run_id, log)
        if (
            before
            and Basis(hashes(result.sources), before, mapping_version(entity)).digest(load_settings, result.account)
            != only_if
        ):
            raise PlanOutdatedError(
                f"The load of {entity.name} would not do what was planned: its sources, its settings, the ledger or Nexus changed.",
                remedy="Nothing was written. Run `nexus-assets plan` again.",
            )
        return result


def _declaration(entity: Entity) -> dg.CodeReferencesMetadataValue:
    """The link to the file that declares the entity."""
    file = files("nexus_assets.entities").joinpath(f"{entity.name}.py")
    with warnings.catch_warnings():
        # Dagster may still change this class; pyproject.toml pins its minor release.
        warnings.simplefilter("ignore", dg.BetaWarning)
        reference = dg.LocalFileCodeReference(file_path=str(file), line_number=1, label="how the table is mapped")
        return dg.CodeReferencesMetadataValue(code_references=[reference])


def entity_asset(entity: Entity) -> dg.AssetsDefinition:
    """The asset of an entity. It needs no other asset in the same run: its parents are in the ledger and the database."""

    @dg.asset(
        key=asset_key(entity.name),
        deps=upstream_keys(entity),
        group_name=GROUP,
        owners=OWNERS,
        kinds={"postgres", "filemaker"} | ({"s3"} if entity.listings else set()),
        description=entity.description,
        tags={"nexus/model": entity.model.label},
        metadata={"dagster/code_references": _declaration(entity)},
        pool="_".join(filter(None, ("load", settings.clinic_name(), entity.name))),
        config_schema=config_fields(LoadConfig),
    )
    def load_entity(
        context: dg.AssetExecutionContext,
        database: NexusDatabase,
        exports: FileMakerExports,
        bucket: ClinicBucket,
    ) -> dg.MaterializeResult:  # type: ignore[type-arg]
        config = LoadConfig.model_validate(context.op_execution_context.op_config)
        try:
            result = run_load(
                entity,
                config.load_settings(),
                database,
                exports,
                bucket,
                context.run.run_id,
                context.log.info,
                only_if=config.only_if,
            )
        except NexusAssetsError as error:
            if error.transient:
                raise another_try(context.retry_number, RETRIES) from error
            raise
        account = result.account
        counts = {**account.outcomes, "rejected": sum(account.rejected.values())}
        context.log.info(
            f"{entity.name}: loaded {account.source_rows:,} rows: "
            + ", ".join(f"{number:,} {name}" for name, number in counts.items() if number)
        )
        return dg.MaterializeResult(metadata=_metadata(entity, result))

    return load_entity


def entity_assets() -> list[dg.AssetsDefinition]:
    """The assets of all entities."""
    return [entity_asset(entity) for entity in ENTITIES.values()]

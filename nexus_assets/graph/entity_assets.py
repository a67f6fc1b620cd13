"""One Dagster asset per entity: the load, its lineage, and what it tells of itself."""

import json
import warnings
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib.resources import files
from typing import Any

import dagster as dg

from nexus_assets import settings
from nexus_assets.asset_keys import ONLY_IF_TAG, asset_key
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.graph.history import clinic_scope, shorten
from nexus_assets.graph.lineage import export_path, in_words, listing_path, origins
from nexus_assets.graph.resources import ClinicBucket, FileMakerExports, NexusDatabase
from nexus_assets.graph.run_config import config_fields
from nexus_assets.graph.source_assets import GROUP, OWNERS
from nexus_assets.graph.tables import table
from nexus_assets.load.settings import SWITCHES, LoadSettings
from nexus_assets.load_run import is_exported, run_load
from nexus_assets.mapping.entity import Entity, Listing
from nexus_assets.mapping.reasons import NOTICES, REASONS
from nexus_assets.wording import counted

RETRIES, RETRY_SECONDS = 3, 5
"""A load that failed for a reason that may pass (a lost connection, a throttled bucket, another load of the same table) is
tried again as a whole, after 5, 10 and 20 seconds; nothing else is."""


RUN_CONFIG = config_fields(LoadSettings, SWITCHES)
"""What the config of a run may say of a load: what a person may decide, as the Launchpad shows it."""


def another_try(retry_number: int, at_most: int) -> dg.RetryRequested:
    """To be raised where a step failed for a reason that may pass: it is run again after a wait that doubles."""
    return dg.RetryRequested(max_retries=at_most, seconds_to_wait=RETRY_SECONDS * 2**retry_number)


def export_key(export: str) -> dg.AssetKey:
    """The external asset of an export: filemaker/contacts_export for Contacts."""
    return asset_key(*export_path(export))


def listing_key(listing: str) -> dg.AssetKey:
    """The external asset of a bucket listing: s3/image_files."""
    return asset_key(*listing_path(listing))


def upstream_keys(entity: Entity) -> list[dg.AssetKey]:
    """Everything that the entity is made from: its exports, its listings, the entities that it refers to."""
    return [
        *(export_key(name) for name in entity.exports),
        *(listing_key(name) for name in entity.listings),
        *(asset_key(name) for name in entity.after),
    ]


def _counts(rows: Mapping[str, int], meanings: Mapping[str, str], name: str) -> dg.TableMetadataValue:
    columns = {name: "string", "rows": "int", "meaning": "string"}
    return table(columns, ({name: code, "rows": of, "meaning": meanings.get(code, "")} for code, of in rows.items()))


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
    return table(dict.fromkeys(SOURCE_COLUMNS, "string"), records)


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


IN_THE_TABLE = ("inserted", "updated", "unchanged", "kept")
"""The outcomes of rows that are in Nexus after the load."""


def _metadata(entity: Entity, result: Any) -> dict[str, Any]:
    account = result.account
    metadata: dict[str, Any] = {
        "source_rows": account.source_rows,
        **account.outcomes,
        "rejected": sum(account.rejected.values()),
        "orphans": account.orphans,
        "seconds": round(result.seconds, 2),
        "load_id": str(result.load_id),  # a number would be drawn over time
        **{f"healed_{name}": number for name, number in account.healed.items()},
    }
    # An empty table says less than none.
    if account.rejected:
        metadata["rejected_by_reason"] = _counts(account.rejected, REASONS, "reason")
    if account.notices:
        metadata["noticed"] = _counts(account.notices, NOTICES, "notice")
    if result.date_orders:
        metadata["date_order"] = f"{result.date_orders['order']}: {result.date_orders.get('why', '')}"
    return {
        **metadata,
        "read": _sources_table(result.sources),
        "how_it_was_read": dg.MetadataValue.json(result.sources),
        "dagster/row_count": sum(account.outcomes.get(name, 0) for name in IN_THE_TABLE),
        "dagster/column_schema": _column_schema(entity, result.columns),
        "dagster/column_lineage": _column_lineage(entity),
    }


NOT_EXPORTED = "not_exported"
"""What the metadata of an optional entity says of a run in which its export is not there."""


def _declaration(entity: Entity) -> dg.CodeReferencesMetadataValue:
    """The link to the file that declares the entity."""
    file = files("nexus_assets.entities").joinpath(f"{entity.name}.py")
    with warnings.catch_warnings():
        # Dagster may still change this class; pyproject.toml pins its minor release.
        warnings.simplefilter("ignore", dg.BetaWarning)
        reference = dg.LocalFileCodeReference(file_path=str(file), line_number=1, label="how the table is mapped")
        return dg.CodeReferencesMetadataValue(code_references=[reference])


IN_ONE_PROCESS = ("in_process", "execute_in_process_executor")
"""The names of Dagster's executors that carry out all steps of a run in one process."""


def _listings_of_process(context: dg.AssetExecutionContext) -> list[Listing]:
    """What the steps that this process carries out will list: of the whole run, where no step has a process of its own."""
    if context.job_def.executor_def.name not in IN_ONE_PROCESS:
        return []
    keys = context.job_def.asset_layer.executable_asset_keys
    return sorted({each for entity in ENTITIES.values() if asset_key(entity.name) in keys for each in entity.listings})


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
        metadata={
            "dagster/code_references": _declaration(entity),
            "dagster/table_name": entity.model.tables[0],
        },
        # What waits for a listing of the bucket comes last: the others load while it is listed.
        op_tags={"dagster/priority": "-1"} if entity.listings else {},
        pool="_".join(filter(None, ("load", settings.clinic_name(), entity.name))),
        config_schema=RUN_CONFIG,
    )
    def load_entity(
        context: dg.AssetExecutionContext,
        database: NexusDatabase,
        exports: FileMakerExports,
        bucket: ClinicBucket,
    ) -> dg.MaterializeResult:  # type: ignore[type-arg]
        if not is_exported(entity, exports):
            missing = f"There is no export {' or '.join(entity.needed_exports)}: nothing was loaded. A clinic may do without it."
            context.log.info(f"{entity.name}: {missing}")
            return dg.MaterializeResult(metadata={NOT_EXPORTED: missing})
        config = dict(context.op_execution_context.op_config)
        bucket.list_ahead(_listings_of_process(context), context.run.run_id)
        try:
            result = run_load(
                entity,
                LoadSettings.of_clinic(**config),
                database,
                exports,
                bucket,
                context.run.run_id,
                context.log.info,
                only_if=json.loads(context.run.tags.get(ONLY_IF_TAG, "{}")).get(entity.name, ""),
            )
        except NexusAssetsError as error:
            if error.transient:
                raise another_try(context.retry_number, RETRIES) from error
            raise
        shorten(context.instance, clinic_scope())
        account = result.account
        counts = {**account.outcomes, "rejected": sum(account.rejected.values())}
        context.log.info(
            f"{entity.name}: loaded {counted(account.source_rows, 'row')}: "
            + ", ".join(f"{number:,} {name}" for name, number in counts.items() if number)
        )
        # That of the result would be stored a second time, in the event of the step's output.
        context.add_asset_metadata(_metadata(entity, result))
        return dg.MaterializeResult()

    return load_entity


def entity_assets() -> list[dg.AssetsDefinition]:
    """The assets of all entities."""
    return [entity_asset(entity) for entity in ENTITIES.values()]

"""A load with the world that the settings name: its exports, its bucket, its database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nexus_assets.errors import unforeseen_errors_told_by_kind
from nexus_assets.load.settings import LoadSettings
from nexus_assets.mapping.entity import Entity
from nexus_assets.resources import ClinicBucket, FileMakerExports, NexusDatabase, content_hash, describe


def is_exported(entity: Entity, exports: FileMakerExports) -> bool:
    """Whether there is anything to load: the exports of an optional entity may be missing, or those of the entity whose table it
    shares. Raises ExportError."""
    return not entity.optional or all(exports.find(name, required=False) for name in entity.needed_exports)


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
            log(f"{entity.name}: skipped beside {described[name]['file']}: {', '.join(file.passed_over)}")

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


@unforeseen_errors_told_by_kind()
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

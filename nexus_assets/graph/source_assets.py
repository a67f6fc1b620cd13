"""What the clinic delivers, as external assets: each export's and each listing's data version is the hash of its content."""

import uuid
from collections.abc import Callable
from typing import Any

import dagster as dg

from nexus_assets.entities import ENTITIES
from nexus_assets.graph.lineage import export_path, listing_path, read_columns
from nexus_assets.resources import ClinicBucket, FileMakerExports, content_hash, describe


def _columns(path: tuple[str, ...]) -> dict[str, dg.TableSchema]:
    """The columns that are read of what is delivered, for the lineage of the tables' columns."""
    return {"dagster/column_schema": dg.TableSchema([dg.TableColumn(name, "text") for name in read_columns(path)])}


def _observed(
    path: tuple[str, ...], description: str
) -> Callable[[Callable[..., dg.ObserveResult]], dg.AssetsDefinition]:
    """The external asset that a function observes. Of Dagster's decorators this one takes no config from a run."""
    spec = dg.AssetSpec(
        dg.AssetKey(path),
        group_name=path[0],
        metadata=_columns(path),
        kinds={path[0]},
        description=description,
    )
    decorator: Callable[..., Any] = dg.multi_observable_source_asset(specs=[spec], name="__".join(path))
    return decorator


def _export_source(export: str) -> dg.AssetsDefinition:
    @_observed(export_path(export), f"FileMaker's export {export}; its version is the hash of the file.")
    def observe_export(exports: FileMakerExports) -> dg.ObserveResult:
        from nexus_assets.sources.filemaker import ExportFile

        file = exports.find(export)
        assert file is not None
        metadata = {name: value for name, value in describe(file).items() if value is not None}
        if isinstance(file, ExportFile):
            metadata["bytes"] = file.size
        return dg.ObserveResult(data_version=dg.DataVersion(content_hash(file)), metadata=metadata)

    return observe_export


def _listing_source(listing: str) -> dg.AssetsDefinition:
    @_observed(
        listing_path(listing),
        f"The {listing} in the clinic's bucket; their version is the hash of keys, sizes and ETags.",
    )
    def observe_listing(bucket: ClinicBucket) -> dg.ObserveResult:
        from nexus_assets.sources.s3 import ListingDigest

        digest = ListingDigest()
        for item in bucket.objects(listing, uuid.uuid4().hex):  # type: ignore[arg-type]
            digest.add(item)
        return dg.ObserveResult(data_version=dg.DataVersion(digest.hexdigest()), metadata={"objects": digest.objects})

    return observe_listing


def source_assets() -> list[dg.AssetsDefinition]:
    """One per export and per listing that any entity reads."""
    exports = dict.fromkeys(name for entity in ENTITIES.values() for name in entity.exports)
    listings = dict.fromkeys(name for entity in ENTITIES.values() for name in entity.listings)
    return [*map(_export_source, exports), *map(_listing_source, listings)]

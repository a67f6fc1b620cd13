"""What the clinic delivers, as external assets: each export's and each listing's data version is the hash of its content."""

import uuid

import dagster as dg

from nexus_assets.entities import ENTITIES
from nexus_assets.resources import ClinicBucket, FileMakerExports, content_hash, describe


def _export_source(export: str) -> dg.SourceAsset:
    @dg.observable_source_asset(
        key=dg.AssetKey(["filemaker", export.lower()]),
        group_name="filemaker",
        description=f"FileMaker's export {export}; its version is the hash of the file.",
    )
    def observe_export(exports: FileMakerExports) -> dg.ObserveResult:
        file = exports.find(export)
        assert file is not None
        metadata = {name: value for name, value in describe(file).items() if value is not None}
        return dg.ObserveResult(
            data_version=dg.DataVersion(content_hash(file)), metadata={**metadata, "bytes": file.size}
        )

    return observe_export


def _listing_source(listing: str) -> dg.SourceAsset:
    @dg.observable_source_asset(
        key=dg.AssetKey(["s3", listing]),
        group_name="s3",
        description=f"The {listing} in the clinic's bucket; their version is the hash of keys, sizes and ETags.",
    )
    def observe_listing(bucket: ClinicBucket) -> dg.ObserveResult:
        from nexus_assets.sources.s3 import ListingDigest

        digest = ListingDigest()
        for item in bucket.objects(listing, uuid.uuid4().hex):  # type: ignore[arg-type]
            digest.add(item)
        return dg.ObserveResult(data_version=dg.DataVersion(digest.hexdigest()), metadata={"objects": digest.objects})

    return observe_listing


def source_assets() -> list[dg.SourceAsset]:
    """One per export and per listing that any entity reads."""
    exports = dict.fromkeys(name for entity in ENTITIES.values() for name in entity.exports)
    listings = dict.fromkeys(name for entity in ENTITIES.values() for name in entity.listings)
    return [*map(_export_source, exports), *map(_listing_source, listings)]

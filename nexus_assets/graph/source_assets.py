"""What the clinic delivers, as external assets: each export and each listing of the bucket, with the columns that are read of it.

The sensor records an observation of each that is new: its data version is the hash of its content.
"""

import dagster as dg

from nexus_assets.asset_keys import asset_key
from nexus_assets.entities import ENTITIES
from nexus_assets.graph.lineage import export_path, feeds, listing_path, source_path
from nexus_assets.settings import clinic_name

GROUP = clinic_name() or "nexus"
"""One group for everything of a clinic: Dagster then draws the graph from left to right, without boxes that lines have to cross."""

OWNERS = ["team:clinic-data"]


def _source(path: tuple[str, ...], description: str) -> dg.AssetSpec:
    columns = [
        dg.TableColumn(name, "text", description=f"Read into {', '.join(targets)}.")
        for name, targets in feeds(path).items()
    ]
    return dg.AssetSpec(
        asset_key(*path),
        group_name=GROUP,
        owners=OWNERS,
        kinds={path[0]},
        description=description,
        metadata={"dagster/column_schema": dg.TableSchema(columns)},
    )


def source_assets() -> list[dg.AssetSpec]:
    """One per export and per listing that any entity reads."""
    described: dict[tuple[str, ...], str] = {}
    for name in (name for entity in ENTITIES.values() for name in entity.exports):
        described[export_path(name)] = f"FileMaker's export {name}; its version is the hash of the file."
    for name in (name for entity in ENTITIES.values() for name in entity.listings):
        told = f"The files of {name} in the clinic's bucket; their version is the hash of keys, sizes and ETags."
        described[listing_path(name)] = told
    return [_source(path, description) for path, description in described.items()]


def observation(source: str, version: str) -> dg.AssetObservation:
    """That a source, named as the ledger names it (`Contacts`, `s3/images`), was seen with this content hash."""
    return dg.AssetObservation(asset_key(*source_path(source)), tags={"dagster/data_version": version})

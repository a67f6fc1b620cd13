"""What a person selects, in the words of Dagster's own commands, as the names of entities."""

from __future__ import annotations

from nexus_assets import clinics
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError


def selected_entities(select: str) -> list[str]:
    """The entities that `images`, `*images`, `patients,notes` or `*` mean, in the order of loading.

    Raises NexusAssetsError where there is none.
    """
    named = ENTITIES.keys() if select == "*" else {*select.split(",")}
    if named <= ENTITIES.keys():
        # Plain names are the rule. For anything else all assets are made, to ask Dagster: a quarter of a second of the processor.
        return [name for name in ENTITIES if name in named]
    import dagster as dg

    from nexus_assets.asset_keys import asset_key
    from nexus_assets.graph.entity_assets import entity_assets

    try:
        keys = dg.AssetSelection.from_coercible(clinics.with_clinic(select).split(",")).resolve(entity_assets())
    except dg.DagsterError:
        keys = set()
    names = [name for name in ENTITIES if asset_key(name) in keys]
    if not names:
        raise NexusAssetsError(
            f"{select!r} selects nothing that can be loaded.",
            remedy=f"Name one or more of {', '.join(ENTITIES)}; '*images' means images and all that they are made from.",
        )
    return names

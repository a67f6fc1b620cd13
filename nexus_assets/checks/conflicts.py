"""What did a load keep? The values that Nexus and FileMaker have differently, for a person to decide."""

from __future__ import annotations

from psycopg2.sql import SQL, Literal

from nexus_assets.checks.check import CheckContext, Finding, violators
from nexus_assets.mapping.entity import Entity


def agrees_with_filemaker(entity: Entity, context: CheckContext) -> Finding:
    """Values that the last loads kept because a person changed them, or an adopted row had them; the kind is the column.

    A value of which somebody decided that Nexus is right is agreed on until either side changes."""
    if not context.has_ledger:
        return Finding(0)
    query = SQL("""
        SELECT nexus_id::text AS nexus_id, source_id::text AS source_id, cause, column_name AS reason
        FROM nexus_assets.conflict WHERE entity = {} AND resolved_load IS NULL AND decision IS DISTINCT FROM 'nexus'
    """).format(Literal(entity.name))
    step = (
        f"nexus-assets kept --entity {entity.name}, and make both sides say the same, or decide which one is right:"
        f" nexus-assets kept decide nexus ID (or: filemaker ID, which the next load writes)"
    )
    return violators(context, query, step)

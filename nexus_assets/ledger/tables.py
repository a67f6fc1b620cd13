"""The names of the ledger's tables, in a schema of their own in the Nexus database."""

from __future__ import annotations

from psycopg2.sql import Identifier

from nexus_assets.nexus.relations import LEDGER_SCHEMA


def ledger_table(name: str) -> Identifier:
    """A table of the ledger's schema."""
    return Identifier(LEDGER_SCHEMA, name)


def identity_table(entity: str) -> Identifier:
    """The ledger of one entity: a row per FileMaker id, with the Nexus id that it has."""
    return ledger_table(f"identity_{entity}")

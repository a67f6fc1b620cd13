"""Tables in the metadata that Dagster's pages show."""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg


def table(columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> dg.TableMetadataValue:
    """The rows as a table; `columns` are their names with the kind of each: string or int."""
    schema = dg.TableSchema([dg.TableColumn(name, kind) for name, kind in columns.items()])
    return dg.MetadataValue.table([dg.TableRecord(dict(row)) for row in rows], schema=schema)

"""The door to FileMaker's exports: find one, open it, stream its records to the database, whatever its format."""

from __future__ import annotations

from collections.abc import Sequence

from nexus_assets.sources.content import Content
from nexus_assets.sources.delimited import open_delimited
from nexus_assets.sources.discovery import ExportFile, find_export
from nexus_assets.sources.export import ExportError, OpenExport, ReadFacts, ReadSettings, unquoted
from nexus_assets.sources.file_signature import refuse_disguised
from nexus_assets.sources.fmpxml import open_fmpxml
from nexus_assets.sources.workbook import open_workbook

__all__ = ["ExportError", "ExportFile", "OpenExport", "ReadFacts", "ReadSettings", "find_export", "open_export"]

_READERS = {
    ".xlsx": open_workbook,
    ".csv": open_delimited,
    ".mer": open_delimited,
    ".tab": open_delimited,
    ".tsv": open_delimited,
    ".txt": open_delimited,
    ".xml": open_fmpxml,
}


def open_export(
    file: ExportFile,
    *,
    wanted: Sequence[str],
    optional: Sequence[str] = (),
    settings: ReadSettings = ReadSettings(),  # noqa: B008 - frozen
) -> OpenExport:
    """Returns an export whose header has been read and holds every heading of `wanted`.

    Raises ExportError where the file is not what its ending says, its header lacks a column, or its text proves no
    encoding.
    """
    content = Content(file)
    with unquoted(file.location):
        facts = ReadFacts(file.location, content.format, passed_over=file.passed_over)
        refuse_disguised(content)
        return _READERS[content.format](content, wanted, optional, settings, facts)

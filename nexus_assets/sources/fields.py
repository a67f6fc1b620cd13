"""The list of fields that stands beside an export which FileMaker wrote without field names."""

from __future__ import annotations

import re

from nexus_assets.sources.columns import without_own_table
from nexus_assets.sources.discovery import ExportFile
from nexus_assets.sources.encoding import Utf8Reader, decide_encoding
from nexus_assets.sources.locations import Place

LONGEST = 1 << 20


def field_list(file: ExportFile) -> tuple[str, ...] | None:
    """Returns the fields, in order, from the list beside an export; None where there is no list.

    One field per line or all in one line; FileMaker's own field order writes `Table::Field`, and the table that most
    fields are of is the export's own, which FileMaker leaves out of its headings.
    """
    if file.field_list is None:
        return None
    text = _text(file.field_list)
    names = [part.strip(' \t"') for part in re.split(_separator(text), text)]
    return tuple(without_own_table([name for name in names if name]))


def _text(place: Place) -> str:
    with place.open() as stream:
        data = stream.read(LONGEST)
    encoding = decide_encoding(lambda: iter([data]), None, place.location)
    reader = Utf8Reader(encoding, place.location, lambda: iter([data]))
    return b"".join(reader.read(iter([data]))).decode("utf-8").strip()


def _separator(text: str) -> str:
    return r",?[\r\n]+" if re.search(r"[\r\n]", text) else r"[,;\t]"

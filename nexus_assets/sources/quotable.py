"""What of a file may be quoted in a message, a log, or metadata: the one place that decides it (law 6).

A heading is quoted where an entity declares it, or where an earlier load has read the export under it. Any other text of a
header may be a cell: a line end was lost, a header was cut off. Of such columns the number and the place are given, never
the text. A file's name is quoted where nothing is in it but an export's name, numbers, and words such as "copy".
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path

from nexus_assets.entities import ENTITIES
from nexus_assets.mapping.entity import ExportRows, FileRecords
from nexus_assets.sources.names import export_stem, letters, says_only_what_it_is
from nexus_assets.wording import counted

_DATE_FORMAT = re.compile(r"[DdMmYy]{1,4}(?:[-./ ][DdMmYy]{1,4}){2}")
_TIME_FORMAT = re.compile(r"[HhKk]{1,2}(?::mm(?::ss)?)? ?a? ?")
_MISSPELLED = 0.85
"""How like an export's name a file's name must be to be a misspelling of it: two letters swapped, one more or less."""


def folded(heading: str) -> str:
    """Returns a heading as it is compared when the exact spelling is not there."""
    return heading.strip().casefold()


@lru_cache(maxsize=1)
def _declared() -> frozenset[str]:
    """Every heading that an entity declares, of any export."""
    found: set[str] = set()
    for entity in ENTITIES.values():
        fields, source = entity.fields(), entity.rows_of
        found.update(source.headings(fields) if isinstance(source, ExportRows) else fields)
        if isinstance(source, FileRecords):
            found.update((source.on, *(source.grouped_by or ()), *filter(None, (source.own_id,))))
        for match in (match for lookup in entity.lookups for match in lookup.matches):
            found.update((match.through or ())[1:])
    return frozenset(map(folded, found))


def fingerprint(heading: str) -> str:
    """By what the ledger knows a heading again that a load has seen."""
    return hashlib.sha256(heading.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def is_quotable(heading: str, seen: Collection[str] = ()) -> bool:
    """Whether a heading may be quoted; `seen` holds the fingerprints of those that an earlier load has seen."""
    return folded(heading) in _declared() or fingerprint(heading) in seen


def column(header: Sequence[str], at: int, seen: Collection[str] = ()) -> str:
    """A column for a sentence: its heading, or where that may not be quoted its place, counted from 1."""
    return repr(header[at]) if is_quotable(header[at], seen) else f"column {at + 1}"


def headings(header: Sequence[str], seen: Collection[str] = ()) -> str:
    """The headings of a file for a sentence: those that may be quoted, and the number of the others."""
    names = [name for name in header if name]
    shown = sorted(name for name in names if is_quotable(name, seen))
    others = len(names) - len(shown)
    number = counted(others, "other heading" if shown else "heading")
    return " and ".join(filter(None, (quoted(shown), number if others or not shown else "")))


def stated_format(text: str) -> str:
    """The format of dates or times that a file states, where it is one; what else stands there is not repeated."""
    return text if _DATE_FORMAT.fullmatch(text) or _TIME_FORMAT.fullmatch(text) else ""


def file_name(name: str) -> str | None:
    """A file's name as far as it may be quoted: whole, or the export's that it begins with and its ending; else None."""
    exports = dict.fromkeys(export for entity in ENTITIES.values() for export in entity.exports)
    if any(says_only_what_it_is(name, export) or _is_misspelled(name, export) for export in exports):
        return name
    stem = letters(export_stem(name) or "")
    begins = next((export for export in exports if re.match(rf"{re.escape(letters(export))}(?![a-z])", stem)), None)
    return None if begins is None else f"{begins}…{Path(name).suffix}"


def file_names(names: Sequence[str]) -> tuple[str, int]:
    """The file names that may be quoted, for a sentence, and the number of the others."""
    shown = sorted(filter(None, map(file_name, names)))
    return quoted(shown), len(names) - len(shown)


def quoted(names: Sequence[str]) -> str:
    """Names that are the program's own for a sentence."""
    return ", ".join(repr(name) for name in names)


def _is_misspelled(name: str, export: str) -> bool:
    stem, wanted = letters(export_stem(name) or ""), letters(export)
    near = difflib.SequenceMatcher(None, stem, wanted).ratio() >= _MISSPELLED
    return near and abs(len(stem) - len(wanted)) <= 1

"""File names of exports: which are exports at all, and whose, in any spelling that FileMaker's users give them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

FORMATS = (".xlsx", ".csv", ".tab", ".tsv", ".mer", ".xml")
PLAIN_TEXT = ".txt"  # an export where there is no other, else the list of its fields
WRAPPINGS = (".zip", ".gz")
FIELD_LISTS = (".fields", ".fields.txt", ".txt")

# "Image_data", "Image_dataV9", "Image_data V11", "Contacts (2)", "Contacts copy 2", "Contacts 2", "Image_dataV9 copy"
_STEM = re.compile(
    r"(?P<name>.+?)(?:[ _-]*v[ ._-]?(?P<version>\d+))?"
    r"(?:[ _-]*(?P<copy>\(\d+\)|(?:-[ ]*)?copy(?:[ ]*\(?\d+\)?)?|(?<=[ _-])\d{1,2}))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Spelling:
    """How a file name spells an export's name: with a version, or without."""

    version: int | None


def spelling(file_name: str, name: str) -> Spelling | None:
    """Returns how a file name means the export `name`: case, blanks, underscores, hyphens and format don't matter.

    Copies that a computer numbers ("Contacts (2).xlsx") count as versions of nothing. Returns None for other files.
    """
    stem = export_stem(file_name)
    if stem is None:
        return None
    if letters(stem) == letters(name):
        return Spelling(None)
    parts = _STEM.fullmatch(stem)
    if parts is None or letters(parts["name"]) != letters(name):
        return None
    return Spelling(None if parts["version"] is None else int(parts["version"]))


def begins_like(file_name: str, name: str) -> bool:
    """Tells whether a person might take an export for `name` that is not: "Contacts 2024-05-01.xlsx", "Contacts_new.xlsx"."""
    stem = export_stem(file_name)
    if stem is None:
        return False
    return re.match(rf"{re.escape(letters(name))}(?![a-z])", letters(stem)) is not None or _rest(stem, name) is not None


def newer_by_its_words(file_name: str, name: str) -> bool | None:
    """Tells whether a file that begins like the export says that it is a later one ("Notes_final"); None where what it has
    beside the name are numbers alone ("Notes 2026-11-25"), False for other words and other files."""
    stem = export_stem(file_name)
    rest = None if stem is None else _rest(stem, name)
    if rest is None:
        return False
    words = {word for part in rest if (word := re.sub(r"[^a-z]+", "", part.casefold()))}
    return None if not words else words <= _LATER


_LATER = {
    *("final", "new", "newer", "newest", "neu", "latest", "current", "aktuell", "updated", "update", "corrected"),
    *("fixed", "full", "complete", "all", "export", "exported", "copy", "kopie", "copie", "copia"),
}


def _rest(stem: str, name: str) -> list[str] | None:
    """The words of a file name that come after the export's name; None where it does not begin with that."""
    words = re.split(r"[\s_-]+", stem)
    return next((words[at:] for at in range(1, len(words)) if letters("".join(words[:at])) == letters(name)), None)


def hinted_version(file_name: str, name: str) -> int | None:
    """Returns the version of a file that is not spelled as an export `name` is, and yet seems to be one: 10 of
    "Image_dataV10_final.csv"."""
    stem = export_stem(file_name)
    hint = stem and re.match(rf"{re.escape(letters(name))}v[.]?(\d+)", letters(stem))
    return int(hint[1]) if hint and spelling(file_name, name) is None else None


_UNREADABLE = {
    ".xls": "an old Excel workbook",
    ".xlsb": "a binary Excel workbook",
    ".xlsm": "an Excel workbook with macros",
    ".ods": "an OpenDocument spreadsheet",
    ".numbers": "a Numbers document",
    ".fmp12": "a FileMaker database",
    ".fp7": "an old FileMaker database",
    ".gsheet": "a link to a Google Sheet",
    ".slk": "a SYLK table",
    ".dif": "a DIF table",
    ".xltx": "an Excel template",
    ".pdf": "a PDF",
    ".docx": "a Word document",
    ".htm": "a web page",
    ".html": "a web page",
    ".json": "JSON",
    ".dbf": "a dBase table",
    ".7z": "a 7-Zip archive",
    ".rar": "a RAR archive",
    ".tar": "a tar archive",
    **dict.fromkeys((".lnk", ".url", ".webloc"), "a shortcut"),
    **dict.fromkeys((".crdownload", ".part", ".partial", ".download", ".tmp"), "a file that is still being written"),
}


def unreadable_kind(file_name: str, name: str) -> str | None:
    """Returns what a file is that means the export by its name and is of a kind that is not read; None for other files."""
    stem, dot, ending = file_name.strip().rpartition(".")
    if export_stem(file_name) is not None:
        return None
    bare = export_stem(stem) or stem
    if not dot or spelling(f"{bare}{FORMATS[0]}", name) is None:
        return "a file without an ending" if not dot and letters(file_name) == letters(name) else None
    return _UNREADABLE.get(f"{dot}{ending}".lower())


def is_conflicted(file_name: str, name: str) -> bool:
    """Tells whether a file is what OneDrive, Dropbox or iCloud make where two computers changed an export: which of the two
    counts, only a person knows."""
    said = letters(file_name)
    return begins_like(file_name, name) and any(word in said for word in ("conflict", "conflit", "konflikt"))


def says_only_what_it_is(file_name: str, name: str) -> bool:
    """Tells whether a file name has nothing but the export's name, numbers, "copy" and the like: a person may have typed
    anything else."""
    stem = export_stem(file_name)
    if stem is None or not letters(stem).startswith(letters(name)):
        return False
    words = "|".join(sorted(_LATER, key=len, reverse=True))
    return re.fullmatch(rf"v?(?:{words}|[\W\d_])*", letters(stem)[len(letters(name)) :]) is not None


@lru_cache(maxsize=1024)
def export_stem(file_name: str) -> str | None:
    """Returns an export's file name without its endings; None for what is none: lock files, half-written ones, others."""
    if file_name.startswith((".", "~$")):
        return None
    stem = file_name.strip()
    for wrapping in WRAPPINGS:
        if stem.lower().endswith(wrapping):
            bare = stem[: -len(wrapping)]
            return export_stem(bare) or (bare if wrapping == ".zip" else None)
    for ending in FORMATS:
        if stem.lower().endswith(ending):
            return stem[: -len(ending)].strip()
    return None


@lru_cache(maxsize=1024)
def letters(text: str) -> str:
    """Returns what counts of a name when names are compared."""
    return re.sub(r"[\s_-]+", "", text).casefold()

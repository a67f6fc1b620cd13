"""Finding an export in a folder or a bucket, in any spelling that FileMaker's users give its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from botocore.exceptions import BotoCoreError, ClientError

from nexus_assets.sources import quotable
from nexus_assets.sources.export import ExportError
from nexus_assets.sources.locations import LocalPlace, Place, Stamp
from nexus_assets.sources.names import (
    FIELD_LISTS,
    FORMATS,
    PLAIN_TEXT,
    Spelling,
    begins_like,
    export_stem,
    hinted_version,
    is_conflicted,
    newer_by_its_words,
    spelling,
    unreadable_kind,
)
from nexus_assets.sources.s3_causes import PageError, cause_of, code_of
from nexus_assets.sources.s3_pages import entries
from nexus_assets.sources.s3_place import S3Place
from nexus_assets.wire import shown_place

# A file without a version counts as older than "V1", unless it is so much younger that somebody went back to this name.
_CLEARLY_YOUNGER = timedelta(days=1)


@dataclass(frozen=True)
class ExportFile:
    """An export that was found; nothing of it has been read yet."""

    name: str  # canonical: "Contacts", "Image_data"
    location: str  # for people: a path or an s3:// URL
    size: int
    modified: datetime
    version: str | None  # "V9" of "Image_dataV9.csv"
    place: Place = field(repr=False)
    stamp: Stamp = field(repr=False)
    field_list: Place | None = field(default=None, repr=False)
    # Older versions, and other exports whose names begin like this: for the log.
    passed_over: tuple[str, ...] = ()

    def open(self) -> BinaryIO:
        """Returns the file's bytes; can be called again and again."""
        return self.place.open()


def find_export(location: str, name: str, *, s3_client: Any = None, required: bool = True) -> ExportFile | None:
    """Returns the newest export called `name` in a folder or an `s3://bucket/prefix`.

    Case, blanks, underscores, hyphens and the format don't matter; `V10` is newer than `V9`.
    Returns None where there is none and none is required.
    Raises ExportError where it is missing, or where two files could be meant and nothing shows which.
    """
    places = list(_listing(location, s3_client))
    candidates = [
        _Candidate(place, found.version) for place in places if (found := spelling(place.name, name)) is not None
    ]
    if not candidates:
        candidates = [_Candidate(place, found.version) for place in places if (found := _plain_text(place.name, name))]
    if not candidates:
        if required:
            raise _not_there(location, name, places)
        return None
    others = [place for place in places if spelling(place.name, name) is None]
    doubtful = [place for place in others if hinted_version(place.name, name) is not None]
    best = _newest(name, candidates, doubtful, [place for place in others if place not in doubtful])
    stamp = best.place.stamp()
    return ExportFile(
        name=name,
        location=best.place.location,
        size=stamp.size,
        modified=stamp.modified,
        version=None if best.version is None else f"V{best.version}",
        place=best.place,
        stamp=stamp,
        field_list=_field_list(best.place, places),
        passed_over=tuple(sorted(_also_there(name, places) - {best.place.name})),
    )


def _plain_text(file_name: str, name: str) -> Spelling | None:
    """How a `.txt` means the export: beside an export of another format it is the list of its fields."""
    stem, ending = file_name[: -len(PLAIN_TEXT)], file_name[-len(PLAIN_TEXT) :]
    return spelling(f"{stem}{FORMATS[0]}", name) if ending.lower() == PLAIN_TEXT else None


@dataclass(frozen=True)
class _Candidate:
    place: Place
    version: int | None


def _also_there(name: str, places: Sequence[Place]) -> set[str]:
    """The names of such files, as far as they may be quoted."""
    found = [place.name for place in places if spelling(place.name, name) is not None or begins_like(place.name, name)]
    return {quotable.file_name(each) or f"{name}…{Path(each).suffix}" for each in found}


def _seems_newer(place: Place, best: Place, name: str) -> bool:
    """Whether a file of another name is a later export by its name and its time, as `Notes_final` beside `Notes`."""
    says_so = newer_by_its_words(place.name, name)
    if says_so is False:
        return False
    age = place.stamp().modified - best.stamp().modified
    return age > (timedelta(0) if says_so else _CLEARLY_YOUNGER)


def _newest(
    name: str, candidates: Sequence[_Candidate], doubtful: Sequence[Place], alike: Sequence[Place]
) -> _Candidate:
    """The newest of the candidates. Raises ExportError where another one could be meant, such as a `V10_final` beside `V9`."""
    highest = max((c.version for c in candidates if c.version is not None), default=None)
    best = [c for c in candidates if c.version == highest]
    if highest is not None and len(best) == 1:
        age = best[0].place.stamp().modified
        best += [c for c in candidates if c.version is None and c.place.stamp().modified - age > _CLEARLY_YOUNGER]
    newer = [place for place in doubtful if (hinted_version(place.name, name) or 0) >= (highest or 0)]
    newer += [place for place in alike if is_conflicted(place.name, name) or _seems_newer(place, best[0].place, name)]
    if len(best) > 1 or newer:
        named = [place.name for place in (*(c.place for c in best), *newer)]
        shown, others = quotable.file_names(named)
        others_too = f" and {others} of other names" if others else ""
        raise ExportError(
            f"{shown}{others_too} could each be the export {name!r}, and nothing shows which one counts.",
            remedy="Keep the one to load in this folder, move the others elsewhere, then run the same command again.",
        )
    return best[0]


def _field_list(export: Place, places: Sequence[Place]) -> Place | None:
    name = export.name.casefold()
    stems = {name, (export_stem(export.name) or name.removesuffix(PLAIN_TEXT)).casefold()}
    names = {stem + ending for stem in stems for ending in FIELD_LISTS}
    found = [place for place in places if place.name.casefold() in names - {name}]
    if len(found) > 1:
        raise ExportError(
            f"{len(found)} files could each be the list of the fields of {export.name!r}: those of its name that end in "
            f"{', '.join(FIELD_LISTS)}.",
            remedy="Keep one of them.",
        )
    return found[0] if found else None


def _not_there(location: str, name: str, places: Sequence[Place]) -> ExportError:
    exports = [place.name for place in places if export_stem(place.name) is not None]
    shown, others = quotable.file_names(exports)
    there = f"There is {shown}." if shown else "There is none of its kind."
    if others:
        there += f" Files of other names: {others}."
    there += "".join(f" {place.name!r} is {what}." for place in places if (what := unreadable_kind(place.name, name)))
    if not location.startswith("s3://"):
        there += "".join(f" {file!r} is {what}." for file, what in _no_files(Path(location).expanduser(), name))
    return ExportError(
        f"No export {name!r} in {shown_place(location)}: looked for {name} with any of {', '.join(FORMATS)}, "
        f"zipped or not, with or without a version such as V2. {there}",
        remedy=f"Export {name} from FileMaker into this folder, or point the setting NEXUS_EXPORTS to the folder "
        "that holds the exports, then run the same command again.",
    )


def _listing(location: str, s3_client: Any) -> Iterator[Place]:
    if location.startswith("s3://"):
        return _objects(location, s3_client)
    return _files(location)


def _files(location: str) -> Iterator[Place]:
    try:
        for path in sorted(Path(location).expanduser().iterdir()):
            if path.is_file():
                yield LocalPlace(path)
    except OSError as error:
        raise ExportError(
            f"The folder of the exports, {shown_place(location)}, can't be read: {error.strerror}.",
            remedy="Point the setting NEXUS_EXPORTS to the folder that holds the exports.",
        ) from None


def _no_files(folder: Path, name: str) -> Iterator[tuple[str, str]]:
    """Names in a folder that mean the export and are no files, each with what it is."""
    for path in sorted(folder.iterdir()):
        if path.name.endswith(".icloud") and spelling(path.name[1:].removesuffix(".icloud"), name):
            yield path.name, "a placeholder: iCloud has not downloaded the file yet"
        elif spelling(path.name, name) and path.is_dir():
            yield path.name, "a folder"
        elif spelling(path.name, name) and path.is_symlink() and not path.exists():
            yield path.name, "a link to a file that does not exist"


def _objects(location: str, s3_client: Any) -> Iterator[Place]:
    if s3_client is None:
        raise ExportError(
            f"{shown_place(location)} is in S3, but no S3 client is configured.",
            remedy="Configure the bucket, or point the setting NEXUS_EXPORTS to a folder.",
        )
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    prefix = prefix.strip("/")
    try:
        for found in entries(s3_client, bucket, f"{prefix}/" if prefix else "", delimiter="/"):
            if not found["Key"].endswith("/"):
                yield S3Place(s3_client, bucket, found["Key"])
    except (ClientError, BotoCoreError, PageError) as error:
        cause, code = cause_of(error), code_of(error)
        raise ExportError(
            f"The exports at {shown_place(location)} can't be listed: {code}. The bucket {cause.problem}.",
            remedy=cause.remedy,
            transient=cause.transient,
        ) from None

"""The clinic's bucket: one proven listing per prefix, as records of files; no request per object."""

from __future__ import annotations

import csv
import hashlib
import io
import posixpath
import re
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from nexus_assets.disk import room
from nexus_assets.sources.mime_types import MIME_TYPES
from nexus_assets.sources.s3_causes import BucketError as BucketError
from nexus_assets.sources.s3_causes import sanitized_errors as sanitized_errors
from nexus_assets.sources.s3_pages import entries
from nexus_assets.sources.temporary import reader

if TYPE_CHECKING:
    from nexus_assets.mapping.entity import Listing

THUMBNAIL = re.compile(r"^(?P<record>.+)_thumb$", re.IGNORECASE)
"""`<recid>_thumb.<ext>` is the thumbnail of the image `<recid>.<ext>`."""


class StoredObject(NamedTuple):
    """One object of the listing: its key, size in bytes, ETag and, where the key has one, the record that it belongs to."""

    key: str
    size: int
    etag: str
    record_key: str
    is_thumbnail: bool = False


def file_name(key: str) -> str:
    """The file's own name: the last part of the key, or the folder that is named like a file (`…/<FMid>.pdf/<uuid>.pdf`), by an
    ending that is known or the same: not each folder with a dot is (`v1.2/`, `Dr. Oak/`)."""
    folders, _, name = key.rpartition("/")
    folder = folders.rstrip("/").rpartition("/")[2]
    ending = _ending(folder)
    return folder if ending in MIME_TYPES or (len(ending) > 1 and ending == _ending(name)) else name


def _ending(name: str) -> str:
    return posixpath.splitext(name)[1].strip().lower()


def mime_type(name: str) -> str:
    """The MIME type of a file, by the ending of its name: the same on every machine, whatever its /etc/mime.types says."""
    return MIME_TYPES.get(_ending(name), "application/octet-stream")


def _record(listing: Listing, key: str) -> tuple[str, bool] | None:
    """(record key, is a thumbnail) of an object; None for what is no file (folder markers, hidden files)."""
    name = file_name(key)
    stem, suffix = posixpath.splitext(name)
    if key.endswith("/") or name.startswith(".") or len(suffix) < 2:
        return None
    stem = stem.strip().lower()
    thumbnail = THUMBNAIL.match(stem) if listing == "images" else None
    return (thumbnail["record"], True) if thumbnail else (stem, False)


def stored_object(listing: Listing, key: str, size: int, etag: str) -> StoredObject | None:
    """The object with the record that its key names; None for what is no file."""
    record = _record(listing, key)
    return None if record is None else StoredObject(key, size, etag, *record)


def list_objects(client: Any, bucket: str, prefix: str, listing: Listing) -> Iterator[StoredObject]:
    """Every file under the prefix, in key order, a thousand a request. Raises BucketError where the listing is not whole."""
    with sanitized_errors(bucket, client.meta.endpoint_url):
        for entry in entries(client, bucket, prefix):
            found = stored_object(listing, entry["Key"], entry["Size"], entry.get("ETag", "").strip('"'))
            if found is not None:
                yield found


class KeptListing:
    """The files of a listing, kept in a temporary file: asked for once, read as often as needed, and never all in memory.

    Raises NexusAssetsError where the temporary folder has no room.
    """

    def __init__(self, objects: Iterable[StoredObject]) -> None:
        with room():
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as this lives
        weakref.finalize(self, self._file.close)
        with room():
            text = io.TextIOWrapper(self._file, "utf-8", newline="")
            csv.writer(text).writerows((*item[:-1], int(item.is_thumbnail)) for item in objects)
            text.detach()  # with what it holds; closing it would close the file

    def __iter__(self) -> Iterator[StoredObject]:
        with io.TextIOWrapper(reader(self._file), "utf-8", newline="") as file:
            for key, size, etag, record_key, is_thumbnail in csv.reader(file):
                yield StoredObject(key, int(size), etag, record_key, is_thumbnail == "1")


class ListingDigest:
    """The data version of a listing: a hash over keys, sizes and ETags in order."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.objects = 0

    def add(self, item: StoredObject) -> None:
        self._hash.update(f"{item.key}\0{item.size}\0{item.etag}\n".encode())
        self.objects += 1

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def object_size(client: Any, bucket: str, key: str) -> int | None:
    """The size of one object in bytes, None where there is none. Raises BucketError where the bucket can't be asked.

    It is asked for by a listing of that key: an answer to HEAD proves nothing, as it has no body.
    """
    with sanitized_errors(bucket, client.meta.endpoint_url):
        # In key order, the key itself comes before those that begin with it.
        first = next(entries(client, bucket, key, at_once=1), None)
        return int(first["Size"]) if first is not None and first["Key"] == key else None

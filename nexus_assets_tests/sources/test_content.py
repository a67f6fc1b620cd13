"""The bytes of an export: whole, the same from the first to the last, out of an archive that holds nothing else."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexus_assets.errors import NexusAssetsError
from nexus_assets.sources import content
from nexus_assets.sources.filemaker import find_export, open_export
from nexus_assets_tests.conftest import Bucket
from nexus_assets_tests.sources.conftest import Exports, records
from nexus_assets_tests.sources.writers import csv_file, gzip_file, xlsx_file, zip_file

TABLE = [("id", "Note"), ("1", "a"), ("2", "b")]
NOTES = csv_file(TABLE)


@pytest.mark.parametrize("name", ["Notes.csv", "Notes.csv.gz", "Notes.zip", "Notes.xlsx"])
def test_the_hash_is_that_of_the_file(exports: Exports, name: str) -> None:
    data = {"csv": NOTES, "gz": gzip_file(NOTES), "zip": zip_file(Notes_csv=NOTES), "xlsx": xlsx_file(TABLE)}
    file = data[name.rpartition(".")[2]]
    exports.put(name, file)
    export = exports.open(wanted=("id", "Note"))
    assert records(export) == [("1", "a"), ("2", "b")]
    assert (export.facts.sha256, export.facts.size) == (hashlib.sha256(file).hexdigest(), len(file))


@pytest.mark.parametrize("change", ["grows", "shrinks", "is written anew", "goes"])
def test_a_file_that_changes_while_it_is_read_is_noticed(exports: Exports, change: str) -> None:
    exports.put("Notes.csv", csv_file([("id", "Note"), *[("1", "x" * 100)] * 10_000]))
    path = exports.folder / "Notes.csv"
    export = exports.open(wanted=("id", "Note"))
    blocks = export.blocks()
    next(blocks)
    if change == "grows":
        with path.open("ab") as file:
            file.write(csv_file([("2", "later")]))
    elif change == "shrinks":
        os.truncate(path, path.stat().st_size - len(csv_file([("1", "x" * 100)])))
    elif change == "is written anew":
        os.utime(path, ns=(1, 1))
    else:
        path.unlink()
    with pytest.raises(NexusAssetsError, match=r"changed while it was read|is gone"):
        list(blocks)


def test_a_file_that_changed_since_it_was_found_is_noticed(exports: Exports) -> None:
    exports.put("Notes.csv", NOTES)
    found = find_export(str(exports.folder), "Notes")
    assert found is not None
    (exports.folder / "Notes.csv").write_bytes(NOTES + csv_file([("3", "c")]))
    with pytest.raises(NexusAssetsError, match="changed while it was read"):
        list(open_export(found, wanted=("id", "Note")).blocks())


def test_blocks_are_streamed_once(exports: Exports) -> None:
    exports.put("Notes.csv", NOTES)
    export = exports.open()
    list(export.blocks())
    with pytest.raises(RuntimeError, match="once"):
        export.blocks()


def locked_zip() -> bytes:
    """A zip that says of its member that it is encrypted."""
    data = bytearray(zip_file(Notes_csv=NOTES))
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(header) + flags] |= 1
    return bytes(data)


def evil_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../Notes.csv", NOTES)
        archive.writestr("__MACOSX/._Notes.csv", b"attributes")
        archive.writestr("__MACOSX/Notes.csv", b"attributes")
        archive.writestr("folder/", b"")
        archive.writestr("read me.txt", b"hello")
    return buffer.getvalue()


def test_only_the_export_in_a_zip_counts_and_nothing_is_unpacked(exports: Exports) -> None:
    assert exports.read("Notes.zip", evil_zip()) == TABLE
    assert [path.name for path in exports.folder.iterdir()] == ["Notes.zip"]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        (
            "Notes.zip",
            zip_file(Notes_csv=NOTES, Docs_csv=NOTES),
            "exactly one export; it holds 2",
        ),
        ("Notes.zip", zip_file(read_me=b""), "exactly one export; it holds none"),
        ("Notes.zip", zip_file(Notes_zip=zip_file(Notes_csv=NOTES)), "exactly one export; it holds none"),
        ("Notes.zip", locked_zip(), "is locked with a password"),
        ("Notes.zip", NOTES, "is a damaged zip"),
        ("Notes.csv.gz", NOTES, "is a damaged gzip"),
        ("Notes.csv.gz", gzip_file(NOTES)[:-9], "is cut|damaged gzip"),
        ("Notes.csv.gz", gzip_file(NOTES) + b"more", "is a damaged gzip"),
        ("Notes.csv", gzip_file(NOTES), "is a gzip file"),
    ],
    ids=["two", "none", "a zip in it", "locked", "no zip", "no gzip", "cut gzip", "gzip and more", "gzip called csv"],
)
def test_archives_that_are_not_one_export_are_refused(exports: Exports, name: str, data: bytes, words: str) -> None:
    exports.put(name, data)
    with pytest.raises(NexusAssetsError, match=words):
        records(exports.open())


def test_chained_gzip_is_one_text(exports: Exports) -> None:
    data = gzip_file(csv_file(TABLE[:2])) + gzip_file(csv_file(TABLE[2:]))
    assert exports.read("Notes.csv.gz", data) == TABLE


@pytest.mark.parametrize("name", ["Notes.csv.gz", "Notes.zip", "Notes.xlsx"])
def test_an_archive_made_to_fill_the_disk_is_refused(
    exports: Exports, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "BOMB_FLOOR", 1 << 20)
    rows = [("id", "Note"), *[("1", " " * 10_000)] * 600]
    files = {
        "Notes.csv.gz": lambda: gzip_file(csv_file(rows)),
        "Notes.zip": lambda: zip_file(Notes_csv=csv_file(rows)),
        "Notes.xlsx": lambda: xlsx_file([("id", "Note"), *(("1", " " * 10_000 + str(at)) for at in range(600))]),
    }
    exports.put(name, files[name]())
    with pytest.raises(NexusAssetsError, match="unfolds to more than 200 times its size"):
        records(exports.open())


@pytest.fixture
def client(bucket: Bucket) -> Iterator[Any]:
    client = bucket.client()
    yield client
    client.close()


@pytest.mark.parametrize("name", ["Notes.csv", "notesV2.csv.gz", "Notes.zip", "Notes.xlsx"])
def test_exports_are_read_from_a_bucket(bucket: Bucket, client: Any, name: str) -> None:
    data = {"csv": NOTES, "gz": gzip_file(NOTES), "zip": zip_file(Notes_csv=NOTES), "xlsx": xlsx_file(TABLE)}
    folder = bucket.folder / "exports" / "today"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(data[name.rpartition(".")[2]])
    (folder / "Notes.fields").write_bytes(b"id\nNote\n")
    (bucket.folder / "exports" / "Notes.csv").write_bytes(b"another folder's")
    found = find_export(f"s3://{bucket.name}/exports/today/", "Notes", s3_client=client)
    assert found is not None
    assert found.location == f"s3://{bucket.name}/exports/today/{name}"
    assert records(open_export(found, wanted=("id", "Note"))) == [("1", "a"), ("2", "b")]


def test_an_object_that_changed_since_it_was_found_is_noticed(bucket: Bucket, client: Any) -> None:
    path: Path = bucket.folder / "Notes.csv"
    path.write_bytes(NOTES)
    found = find_export(f"s3://{bucket.name}", "Notes", s3_client=client)
    assert found is not None
    path.write_bytes(NOTES + csv_file([("3", "c")]))
    with pytest.raises(NexusAssetsError, match="changed while it was read"):
        list(open_export(found, wanted=("id", "Note")).blocks())


def test_a_bucket_that_is_not_there_is_said(client: Any) -> None:
    with pytest.raises(NexusAssetsError, match="can't be listed: NoSuchBucket"):
        find_export("s3://no-such-bucket/exports", "Notes", s3_client=client)


def test_s3_without_a_client_is_said() -> None:
    with pytest.raises(NexusAssetsError, match="no S3 client is configured"):
        find_export("s3://bucket/exports", "Notes")


class BreakingBody:
    """A connection that breaks after some bytes."""

    def __init__(self, body: Any, lasts: int) -> None:
        self._body, self._left = body, lasts

    def read(self, size: int) -> bytes:
        if self._left <= 0:
            raise ConnectionResetError("the connection broke")
        data: bytes = self._body.read(min(size, self._left))
        self._left -= len(data)
        return data

    def close(self) -> None:
        self._body.close()


class BreakingClient:
    """An S3 client whose every connection breaks after `lasts` bytes."""

    def __init__(self, client: Any, lasts: int) -> None:
        self._client, self._lasts = client, lasts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_object(self, **request: Any) -> Any:
        answer = self._client.get_object(**request)
        return {**answer, "Body": BreakingBody(answer["Body"], self._lasts)}


def test_a_connection_that_breaks_is_taken_up_where_it_broke(bucket: Bucket, client: Any) -> None:
    rows = [("id", "Note"), *[(str(number), "x" * 100) for number in range(1_000)]]
    (bucket.folder / "Notes.csv").write_bytes(csv_file(rows))
    found = find_export(f"s3://{bucket.name}", "Notes", s3_client=BreakingClient(client, 40_000))
    assert found is not None
    assert records(open_export(found, wanted=("id", "Note"))) == rows[1:]


def test_a_connection_that_never_gives_anything_is_an_error(bucket: Bucket, client: Any) -> None:
    (bucket.folder / "Notes.csv").write_bytes(NOTES)
    found = find_export(f"s3://{bucket.name}", "Notes", s3_client=BreakingClient(client, 0))
    assert found is not None
    with pytest.raises(NexusAssetsError, match="the connection broke 4 times at byte 0"):
        open_export(found, wanted=("id", "Note"))

"""What the keys of a bucket say of their files, and how a listing is read."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexus_assets.disk import room
from nexus_assets.errors import NexusAssetsError
from nexus_assets.resources import ClinicBucket
from nexus_assets.sources.s3 import (
    KeptListing,
    StoredObject,
    file_name,
    list_objects,
    mime_type,
    stored_object,
)
from nexus_assets_tests.conftest import Bucket

PREFIX = "filemaker-import/"


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("images/12.jpg", "12.jpg"),
        ("12.jpg", "12.jpg"),
        ("documents/A1.pdf/0f.pdf", "A1.pdf"),
        ("documents/A1.pdf/0f", "A1.pdf"),
        ("documents/v1./0f.pdf", "0f.pdf"),
        ("documents/.old/0f.pdf", "0f.pdf"),
        ("documents//0f.pdf", "0f.pdf"),
        ("documents/A1.pdf//0f", "A1.pdf"),
        ("documents/A1.PDF /0f.pdf", "A1.PDF "),
        ("documents/A1.unheard/0f.Unheard", "A1.unheard"),
        ("documents/v1.2/0f.pdf", "0f.pdf"),
        ("documents/Dr. Oak/0f.pdf", "0f.pdf"),
        ("documents/v1.2/0f", "0f"),
    ],
)
def test_a_file_has_the_name_of_its_key_or_of_the_folder_that_is_named_like_a_file(key: str, name: str) -> None:
    assert file_name(key) == name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("12.JPG", "image/jpeg"),
        ("12.jpg ", "image/jpeg"),
        ("12.left.png", "image/png"),
        ("A1.pdf", "application/pdf"),
        ("list.csv.gz", "application/gzip"),
        ("12.unheard", "application/octet-stream"),
        ("pdf", "application/octet-stream"),
    ],
)
def test_the_endings_of_its_name_tell_what_a_file_is(name: str, said: str) -> None:
    assert mime_type(name) == said


@pytest.mark.parametrize("key", ["images/", "a.pdf/", "images/.hidden.jpg", "images/no-suffix", "images/12."])
def test_what_is_no_file_is_passed_over(key: str) -> None:
    assert stored_object("images", key, 1, "") is None


@pytest.mark.parametrize(
    ("listing", "key", "record", "is_thumbnail"),
    [
        ("images", "images/12.JPG", "12", False),
        ("images", "images/12_THUMB.jpg", "12", True),
        ("images", "images/ 12 .jpg", "12", False),
        ("images", "images/12.left.jpg", "12.left", False),
        ("documents", "documents/A1_thumb.pdf", "a1_thumb", False),
        ("documents", "documents/A1.PDF/0f.pdf", "a1", False),
    ],
)
def test_the_key_names_the_record(listing: Any, key: str, record: str, is_thumbnail: bool) -> None:
    found = stored_object(listing, key, 7, "e")
    assert found == StoredObject(key, 7, "e", record, is_thumbnail)


@pytest.fixture
def client(bucket: Bucket) -> Iterator[Any]:
    client = bucket.client()
    yield client
    client.close()


@pytest.fixture
def settings_of(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("NEXUS_EXPORTS", str(bucket.folder))
    monkeypatch.setenv("NEXUS_S3_BUCKET", bucket.name)
    monkeypatch.setenv("NEXUS_S3_ENDPOINT_URL", bucket.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", bucket.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", bucket.secret_access_key)


@pytest.mark.usefixtures("settings_of")
def test_a_listing_is_the_same_without_the_times_that_nobody_reads(bucket: Bucket, client: Any) -> None:
    (bucket.folder / PREFIX).mkdir()
    for number in range(1_001):
        (bucket.folder / PREFIX / f"{number} & <é>.jpg").write_bytes(b"x" * (number % 7))
    plain = list(list_objects(client, bucket.name, PREFIX, "images"))
    (first, *_) = client.list_objects_v2(Bucket=bucket.name)["Contents"]
    assert len(plain) == 1_001
    faster = ClinicBucket().client()
    assert list(list_objects(faster, bucket.name, PREFIX, "images")) == plain
    found = faster.list_objects_v2(Bucket=bucket.name)["Contents"][0]
    assert {**found, "LastModified": None} == {**first, "LastModified": None}
    assert isinstance(found["LastModified"], str)


def test_a_kept_listing_is_read_by_several_at_once_and_has_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    objects = [StoredObject(f"images/{n} é,\n.jpg", n, "e", str(n), n % 2 == 0) for n in range(5_000)]
    kept = KeptListing(iter(objects))
    assert list(zip(kept, kept, strict=True)) == list(zip(objects, objects, strict=True))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "told"), [(errno.ENOSPC, "is full"), (errno.EDQUOT, "is full"), (errno.EACCES, "can't be written")]
)
def test_a_temporary_folder_without_room_is_told_with_what_to_do(code: int, told: str) -> None:
    with pytest.raises(NexusAssetsError, match=told) as refused, room():
        raise OSError(code, "no")
    assert "TMPDIR" in refused.value.remedy


@pytest.mark.usefixtures("settings_of")
def test_a_bucket_makes_one_client() -> None:
    clinic = ClinicBucket()
    assert clinic.client() is clinic.client()
    assert clinic.client() is not ClinicBucket().client()
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in clinic.address(60)("a.jpg")


@pytest.mark.usefixtures("settings_of")
def test_a_request_is_tried_four_times() -> None:
    assert ClinicBucket().client().meta.config.retries == {"total_max_attempts": 4, "mode": "standard"}

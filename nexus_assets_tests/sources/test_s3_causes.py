"""Each reason why the bucket can't be used has its own sentence; one test a row of the table, and the real thing where it can be had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import exceptions
from botocore.exceptions import ClientError

from nexus_assets.errors import NexusAssetsError
from nexus_assets.resources import ClinicBucket
from nexus_assets.sources.s3_causes import CAUSES, CERTIFICATE, BucketError, cause_of, sanitized_errors
from nexus_assets_tests.conftest import Bucket
from nexus_assets_tests.tls import speaking_tls


@pytest.mark.parametrize("name", [name for cause in CAUSES for name in cause.names if hasattr(exceptions, name)])
def test_error_of_the_library_is_told_by_its_row(name: str) -> None:
    kind = getattr(exceptions, name)
    error = kind.__new__(kind)  # each wants words of its own
    assert name in cause_of(error).names


@pytest.mark.parametrize("code", [name for cause in CAUSES for name in cause.names if not hasattr(exceptions, name)])
def test_answer_of_the_server_is_told_by_its_row(code: str) -> None:
    if code == CERTIFICATE:
        error: Exception = exceptions.SSLError(endpoint_url="https://x", error=f"[SSL: {CERTIFICATE}] …")
    elif code in ("ValueError", "LoginRefreshRequired", "TokenRefreshRequired"):
        error = type(code, (ValueError,), {})()
    else:
        error = ClientError({"Error": {"Code": code, "Message": "Wattle"}}, "ListObjectsV2")
    assert code in cause_of(error).names


def test_every_row_has_a_sentence_of_its_own() -> None:
    assert len({cause.problem for cause in CAUSES}) == len(CAUSES)


@pytest.fixture
def place(bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bucket:
    """The settings name a bucket that can be listed; a test then breaks one of them."""
    (bucket.folder / "filemaker-import/images-bulk-dump").mkdir(parents=True)
    for name, value in {
        "NEXUS_DATABASE_URL": "postgresql://nexus:x@127.0.0.1/nexus",
        "NEXUS_EXPORTS": str(tmp_path),
        "NEXUS_S3_BUCKET": bucket.name,
        "NEXUS_S3_ENDPOINT_URL": bucket.endpoint_url,
        "AWS_ACCESS_KEY_ID": bucket.access_key_id,
        "AWS_SECRET_ACCESS_KEY": bucket.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("nexus_assets.resources.ATTEMPTS", 1)
    # boto3 keeps its first session, and with it the settings of that time.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return bucket


def listed() -> list[Any]:
    return list(ClinicBucket().objects("images", "test"))


def test_bucket_that_is_as_the_settings_say_is_listed(place: Bucket) -> None:  # noqa: ARG001
    assert listed() == []


PROCESS = "[profile clinic]\ncredential_process = /bin/false\n"
SSO = (
    "[profile clinic]\nsso_session = clinic\nsso_account_id = 111111111111\nsso_role_name = reader\n"
    "[sso-session clinic]\nsso_region = us-east-1\nsso_start_url = https://clinic.awsapps.example/start\n"
)


@pytest.mark.parametrize(
    ("changes", "config", "told"),
    [
        ({"AWS_PROFILE": "nobody"}, "", "profile"),
        ({"AWS_SECRET_ACCESS_KEY": ""}, "", "half a key|no credentials"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "", "no credentials"),
        (
            {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "clinic"},
            PROCESS,
            "process or service",
        ),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "clinic"}, SSO, "sign-in"),
        ({}, "[profile\nx", "AWS configuration"),
        ({"AWS_ACCESS_KEY_ID": "someone"}, "", "no credentials that S3 knows|AccessDenied|secret key"),
        ({"AWS_SECRET_ACCESS_KEY": "wren"}, "", "secret key|AccessDenied"),
        ({"NEXUS_S3_BUCKET": "no-such-bucket"}, "", "does not exist"),
        ({"NEXUS_S3_BUCKET": "s3://clinic/"}, "", "name that no bucket can have"),
        ({"NEXUS_S3_ENDPOINT_URL": "s3.example:9000"}, "", "not an address"),
        ({"NEXUS_S3_ENDPOINT_URL": "http://127.0.0.1:1"}, "", "nothing answers"),
    ],
    ids=[
        *("profile", "half a key", "no key", "credential process", "sso", "config", "key", "secret", "bucket"),
        *("bucket's name", "endpoint", "port"),
    ],
)
def test_real_failure_is_told_in_one_sentence(
    place: Bucket,  # noqa: ARG001
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, str],
    config: str,
    told: str,
) -> None:
    (tmp_path / "config").write_text(config)
    for name, value in changes.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
    with pytest.raises(BucketError, match=told) as refused:
        listed()
    assert "wren" not in str(refused.value)


def test_server_without_tls_and_one_with_a_foreign_certificate_are_told_apart(
    place: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXUS_S3_ENDPOINT_URL", place.endpoint_url.replace("http:", "https:"))
    with pytest.raises(BucketError, match="does not offer TLS"):
        listed()
    with speaking_tls(tmp_path, directly=True) as port:
        monkeypatch.setenv("NEXUS_S3_ENDPOINT_URL", f"https://127.0.0.1:{port}")
        with pytest.raises(BucketError, match="not from an authority that we trust"):
            listed()


def test_bucket_behind_an_expired_certificate_is_told_as_what_it_is(
    place: Bucket,  # noqa: ARG001
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with speaking_tls(tmp_path, "127.0.0.1", directly=True, expired=True) as port:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "cert.pem"))
        monkeypatch.setenv("NEXUS_S3_ENDPOINT_URL", f"https://127.0.0.1:{port}")
        with pytest.raises(BucketError, match="has expired"):
            listed()


@pytest.mark.parametrize("name", ["NEXUS_S3_ENDPOINT_URL", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_bucket_on_another_machine_without_tls_is_not_used(
    place: Bucket,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.delenv("NEXUS_S3_ENDPOINT_URL")
    monkeypatch.setenv(name, "http://wattle:wren@s3.example:9000/?token=wren")
    with pytest.raises(
        NexusAssetsError, match=r"http://s3\.example:9000, which is no https.*NEXUS_ALLOW_UNVERIFIED=s3"
    ) as refused:
        listed()
    assert "wren" not in str(refused.value)


def test_endpoint_is_shown_without_what_it_keeps_secret() -> None:
    with (
        pytest.raises(BucketError) as refused,
        sanitized_errors("clinic", "https://wattle:wren@s3.example/a?token=wren#wren"),
    ):
        raise exceptions.EndpointConnectionError(endpoint_url="https://wattle:wren@s3.example")
    assert "bucket clinic at https://s3.example/a" in str(refused.value)
    assert "wren" not in str(refused.value)
    assert refused.value.__suppress_context__

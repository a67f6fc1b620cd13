"""A listing is whole or it is refused: every page that does not prove itself, for the loads, the checks and the search for exports."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from threading import Barrier
from typing import Any

import boto3
import pytest

from nexus_assets.checks.files import ASKED_ONE_BY_ONE, sizes
from nexus_assets.mapping.entity import Listing
from nexus_assets.resources import ClinicBucket
from nexus_assets.sources.discovery import _objects
from nexus_assets.sources.export import ExportError
from nexus_assets.sources.s3 import BucketError, StoredObject, object_size
from nexus_assets_tests.conftest import Bucket
from nexus_assets_tests.sources.page_server import PREFIX, Answer, page, refusal, serving, speaking_connect

pytestmark = pytest.mark.extended

HTML = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><p>Welcome<br></body></html>"
WELL_FORMED = b"<html><body><p>Welcome</p></body></html>"
LISTINGS: tuple[Listing, ...] = ("images", "documents")
FIRST = page("1.jpg", "2.jpg", token="a")
WHOLE = page("3.jpg", "4.jpg").body


@pytest.fixture
def clinic(monkeypatch: pytest.MonkeyPatch) -> ClinicBucket:
    """The clinic's bucket, whose server a test sets."""
    for name, value in {
        "NEXUS_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "NEXUS_EXPORTS": "/nowhere",
        "NEXUS_S3_BUCKET": "clinic",
        "NEXUS_IMAGES_PREFIX": PREFIX,
        "AWS_ACCESS_KEY_ID": "magpie",
        "AWS_SECRET_ACCESS_KEY": "magpie-magpie",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("nexus_assets.resources.ATTEMPTS", 1)
    return ClinicBucket()


def listed(clinic: ClinicBucket, monkeypatch: pytest.MonkeyPatch, *answers: Answer) -> list[str]:
    """The keys that the clinic's bucket lists if its server answers this."""
    with serving(answers) as (address, _):
        monkeypatch.setenv("NEXUS_S3_ENDPOINT_URL", address)
        return [found.key.removeprefix(PREFIX) for found in clinic.objects("images", "test")]


def test_pages_that_follow_one_another_are_listed(clinic: ClinicBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving([FIRST, page(token="b"), page("3.jpg")]) as (address, requests):
        monkeypatch.setenv("NEXUS_S3_ENDPOINT_URL", address)
        assert [found.key for found in clinic.objects("images", "test")] == [f"files/{n}.jpg" for n in (1, 2, 3)]
    assert ["continuation-token" in request for request in requests] == [False, True, True]
    assert "continuation-token=b" in requests[-1]


@pytest.mark.parametrize(
    ("answer", "told", "transient"),
    [
        (Answer(HTML), "captive portal", True),
        (Answer(WELL_FORMED), "captive portal", True),
        (Answer(HTML, 403), "captive portal", True),
        (Answer(status=302, headers={"Location": "http://127.0.0.1:1/"}), "captive portal", True),
        (Answer(status=307, headers={"Location": "http://127.0.0.1:1/"}), "captive portal", True),
        (Answer(status=511), "captive portal", True),
        (Answer(status=407), "asks for a user and a password", False),
        (Answer(HTML, 407, {"Proxy-Authenticate": "Basic"}), "asks for a user and a password", False),
        (Answer(WHOLE.replace(b"files/4", b"files/%FF")), "not UTF-8", False),
        (Answer(WHOLE.replace(b"files/4", b"files/4%ED%A0%80")), "not UTF-8", False),
        (Answer(WHOLE.replace(b"files/4", b"files/4%00")), "NUL", False),
        (Answer(), "empty, cut off or garbled", True),
        (Answer(b" \n"), "empty, cut off or garbled", True),
        (Answer(WHOLE[:-30]), "empty, cut off or garbled", True),
        (Answer(WHOLE[:-30], missing=30), "empty, cut off or garbled", True),
        (Answer(WHOLE.replace(b"<Contents>", b"<Contents><")), "empty, cut off or garbled", True),
        (Answer(WHOLE.replace(b"<Size>7", b"<Size>seven")), "can't be read", False),
        (Answer(b"It works!"), "empty, cut off or garbled", True),
        (page("3.jpg", root="ListVersionsResult"), "no ListBucketResult", False),
        (page("3.jpg", truncated=""), "IsTruncated", False),
        (page("3.jpg", truncated="True"), "IsTruncated", False),
        (page("3.jpg", truncated="true"), "where it goes on is not said", False),
        (page("3.jpg", token="a"), "never end", False),
        (page("1.jpg", "2.jpg", token="b"), "a page was repeated", False),
        (page("4.jpg", "3.jpg"), "do not come after one another", False),
        (page("3.jpg", "3.jpg"), "do not come after one another", False),
        (page("\N{GRINNING FACE}.jpg", "\uffee.jpg"), "do not come after one another", False),
        (Answer(WHOLE.replace(b"<Key>files/", b"<Key>other/")), "prefix", False),
        (Answer(WHOLE.replace(b"<Size>7</Size>", b"")), "no key or no size", False),
        (Answer(WHOLE.replace(b"<Size>7", b"<Size>-7")), "below zero", False),
        (
            Answer(WHOLE.replace(b"<IsTruncated>", b"<IsTruncated>maybe</IsTruncated><IsTruncated>")),
            "IsTruncated",
            False,
        ),
        (Answer(WHOLE.replace(b"<IsTruncated>false</IsTruncated>", b"<IsTruncated/>")), "IsTruncated", False),
        (page("3.jpg", count=2), "holds 1 entries and says 2", False),
        (page(count=1), "holds 0 entries and says 1", False),
        (refusal("SlowDown", 503), "throttled", True),
        (refusal("SlowDown", 200), "throttled", True),
        (refusal("InternalError", 500), "out of order", True),
        (Answer(b"<html><body>Bad Gateway</body></html>", 502), "out of order", True),
        (refusal("ExpiredToken", 400), "token has expired", False),
        (refusal("RequestTimeTooSkewed", 403), "clock", False),
        (refusal("AccessDenied", 403), "AccessDenied", False),
    ],
)
def test_listing_with_such_a_last_page_is_refused_in_words_of_its_own(
    clinic: ClinicBucket, monkeypatch: pytest.MonkeyPatch, answer: Answer, told: str, transient: bool
) -> None:
    with pytest.raises(BucketError, match=told) as refused:
        listed(clinic, monkeypatch, FIRST, answer)
    assert refused.value.transient is transient
    assert refused.value.remedy
    assert ".jpg" not in str(refused.value)
    assert "Welcome" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("name", ["Zo\u00eb", "\ufffd", "\U0001f600", "50% off", "a%2Fb"])
def test_key_that_is_text_is_kept_as_it_is(name: str, clinic: ClinicBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    assert listed(clinic, monkeypatch, page(f"{name}.jpg")) == [f"{name}.jpg"]


def test_listing_that_is_packed_although_nobody_asked_for_it_is_refused(
    clinic: ClinicBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BucketError, match="empty, cut off or garbled"):
        listed(clinic, monkeypatch, Answer(gzip.compress(WHOLE), headers={"Content-Encoding": "gzip"}))


def test_listing_of_another_content_type_is_a_listing(clinic: ClinicBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    assert listed(clinic, monkeypatch, Answer(WHOLE, headers={"Content-Type": "text/html"})) == ["3.jpg", "4.jpg"]


@pytest.mark.parametrize(
    "entity", ['<!DOCTYPE x [<!ENTITY n "9">]>', '<!DOCTYPE x [<!ENTITY n SYSTEM "file:///etc/hostname">]>']
)
def test_listing_with_entities_of_its_own_is_refused(
    entity: str, clinic: ClinicBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = WHOLE.replace(b"<ListBucketResult", entity.encode() + b"<ListBucketResult", 1).replace(b"/4", b"/&n;")
    with pytest.raises(BucketError, match=r"portal|no ListBucketResult|garbled"):
        listed(clinic, monkeypatch, FIRST, Answer(body))


def test_proxy_that_lets_nobody_through_without_a_login_is_told_as_what_it_is(
    clinic: ClinicBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with speaking_connect(407) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("NEXUS_S3_ENDPOINT_URL", "https://s3.clinic.example")
        with pytest.raises(BucketError, match="asks for a user and a password") as refused:
            list(clinic.objects("images", "test"))
    assert "HTTPS_PROXY" in refused.value.remedy


def test_longer_loop_is_noticed(clinic: ClinicBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BucketError, match="never end"):
        listed(clinic, monkeypatch, page(token="a"), page(token="b"), page(token="a"), page("1.jpg"))


def test_page_that_hangs_ends_in_the_time_that_is_set(clinic: ClinicBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nexus_assets.resources.READ_SECONDS", 0.5)
    monkeypatch.setattr("nexus_assets.resources.ATTEMPTS", 2)
    began = time.monotonic()
    with pytest.raises(BucketError, match="did not answer in time") as gave_up:
        listed(clinic, monkeypatch, FIRST, Answer(hangs=True))
    assert time.monotonic() - began < 30
    assert gave_up.value.transient


def test_page_that_trickles_for_ever_ends_in_the_time_that_is_set(
    clinic: ClinicBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nexus_assets.sources.s3_pages.PAGE_SECONDS", 1)
    began = time.monotonic()
    with pytest.raises(BucketError, match="did not answer in time") as gave_up:
        listed(clinic, monkeypatch, FIRST, Answer(WHOLE, trickles=True))
    assert time.monotonic() - began < 30
    assert gave_up.value.transient


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(status=302, headers={"Location": "http://127.0.0.1:1/"}), "portal"),
        (Answer(status=307, headers={"Location": "http://127.0.0.1:1/"}), "portal"),
        (Answer(status=511), "portal"),
        (Answer(status=503), "out of order"),
        (Answer(status=429), "throttled"),
        (Answer(HTML), "portal"),
        (Answer(HTML, 404), "portal"),
        (Answer(HTML, 407), "asks for a user"),
        (Answer(), "cut off"),
        (refusal("SlowDown", 503), "throttled"),
        (refusal("ExpiredToken", 400), "token has expired"),
        (refusal("RequestTimeTooSkewed", 403), "clock"),
    ],
)
def test_question_for_one_file_is_refused_in_words_of_its_own(
    clinic: ClinicBucket, monkeypatch: pytest.MonkeyPatch, answer: Answer, told: str
) -> None:
    with serving([answer]) as (address, _):
        monkeypatch.setenv("NEXUS_S3_ENDPOINT_URL", address)
        with pytest.raises(BucketError, match=told) as refused:
            object_size(clinic.client(), "clinic", "files/1.jpg")
    assert refused.value.transient is (told not in ("token has expired", "clock", "asks for a user"))


@pytest.mark.parametrize(("key", "size"), [("1.jpg", 3), ("1", 2), ("1.jp", None), ("1.jpg2", None), ("2", None)])
def test_question_for_one_file_is_about_that_key_alone(key: str, size: int | None, bucket: Bucket) -> None:
    (bucket.folder / PREFIX).mkdir(exist_ok=True)
    for name, length in {"1": 2, "1.jpg": 3, "1.jpg.jpg": 4, "3": 5}.items():
        (bucket.folder / PREFIX / name).write_bytes(b"x" * length)
    assert object_size(bucket.client(), bucket.name, PREFIX + key) == size


def test_question_for_one_file_whose_answer_trickles_ends_in_the_time_that_is_set(
    clinic: ClinicBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nexus_assets.sources.s3_pages.PAGE_SECONDS", 1)
    with serving([Answer(trickles_headers=True)]) as (address, _):
        monkeypatch.setenv("NEXUS_S3_ENDPOINT_URL", address)
        with pytest.raises(BucketError, match="did not answer in time") as gave_up:
            object_size(clinic.client(), "clinic", "files/1.jpg")
    assert gave_up.value.transient


def test_request_is_tried_as_often_as_is_set(clinic: ClinicBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nexus_assets.resources.ATTEMPTS", 2)
    with serving([refusal("SlowDown", 503)]) as (address, requests):
        monkeypatch.setenv("NEXUS_S3_ENDPOINT_URL", address)
        with pytest.raises(BucketError, match="throttled"):
            list(clinic.objects("images", "test"))
    assert len(requests) == 2


def test_page_that_comes_whole_the_second_time_is_listed(clinic: ClinicBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nexus_assets.resources.ATTEMPTS", 2)
    assert listed(clinic, monkeypatch, FIRST, Answer(WHOLE[:-30]), page("3.jpg")) == ["1.jpg", "2.jpg", "3.jpg"]


def test_failure_of_a_listing_is_shown_to_everybody_in_the_run_until_it_is_listed_again(
    clinic: ClinicBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving([Answer(), page("1.jpg")]) as (address, requests):
        monkeypatch.setenv("NEXUS_S3_ENDPOINT_URL", address)
        clinic.list_first(["images"], "test")
        for _ in range(2):
            with pytest.raises(BucketError):
                list(clinic.objects("images", "test"))
        assert len(requests) == 1
        clinic.list_first(["images"], "test")
        assert len(list(clinic.objects("images", "test"))) == 1


def test_listings_are_begun_at_once_and_awaited_where_they_are_read(
    clinic: ClinicBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = Barrier(3, timeout=30)

    def list_objects(_: Any, __: str, prefix: str, listing: Listing) -> Iterator[StoredObject]:
        both.wait()
        yield StoredObject(f"{prefix}1.jpg", 1, "", listing)

    monkeypatch.setattr("nexus_assets.sources.s3.list_objects", list_objects)
    monkeypatch.setattr(ClinicBucket, "client", lambda _: None)
    clinic.list_ahead(LISTINGS, "test")
    both.wait()
    clinic.list_ahead(LISTINGS, "test")
    assert [found.record_key for name in LISTINGS for found in clinic.objects(name, "test")] == [*LISTINGS]


def client_of(address: str) -> Any:
    keys = {"aws_access_key_id": "magpie", "aws_secret_access_key": "magpie-magpie", "region_name": "us-east-1"}
    return boto3.client("s3", endpoint_url=address, **keys)


@pytest.mark.parametrize("answer", [Answer(WELL_FORMED), page(truncated=""), Answer()])
def test_search_for_exports_takes_no_broken_page_for_a_folder_without_them(answer: Answer) -> None:
    with serving([answer]) as (address, _), pytest.raises(ExportError, match="can't be listed"):
        list(_objects("s3://clinic/files", client_of(address)))


def test_checks_take_no_broken_page_for_files_that_are_missing() -> None:
    keys = [f"files/{number}.jpg" for number in range(ASKED_ONE_BY_ONE + 1)]
    with serving([FIRST, Answer(WELL_FORMED)]) as (address, _), pytest.raises(BucketError, match="portal"):
        list(sizes(client_of(address), "clinic", keys))


def test_order_and_counts_of_a_real_server_are_those_that_are_asked_for(
    clinic: ClinicBucket, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [
        "a/b",
        "a-b",
        "a.b/c",
        "a b",
        "a/b/c",
        "a/b-c",
        "é",
        "e\u0301",
        "Z",
        "z",
        "a+b&c<d>",
        "a%2Fb",
        "\uffee",
        "\U0001f600",
    ]
    for name in (*names, *(f"a/{number}" for number in range(1_500))):
        (bucket.folder / PREFIX / f"{name}.jpg").parent.mkdir(parents=True, exist_ok=True)
        (bucket.folder / PREFIX / f"{name}.jpg").write_bytes(b"x")
    monkeypatch.setenv("NEXUS_S3_ENDPOINT_URL", bucket.endpoint_url)
    monkeypatch.setenv("NEXUS_S3_BUCKET", bucket.name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", bucket.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", bucket.secret_access_key)
    found = [item.key.removeprefix(PREFIX).removesuffix(".jpg") for item in clinic.objects("images", "test")]
    assert len(found) == 1_500 + len(names)
    assert {*names} <= {*found}
    assert len(list(_objects(f"s3://{bucket.name}/{PREFIX}", clinic.client()))) == 10

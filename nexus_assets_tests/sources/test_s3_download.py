"""The download of an export from a bucket: whole and in time, or an error that says what to do."""

from __future__ import annotations

import time
from typing import Any

import boto3
import pytest
from botocore.config import Config

from nexus_assets.sources.export import ExportError
from nexus_assets.sources.s3_pages import refuse_portals
from nexus_assets.sources.s3_place import S3Place
from nexus_assets_tests.sources.page_server import Answer, refusal, serving

BODY = b"id,Note\r\n" + b"1,wattle and banksia\r\n" * 40
FACTS = {"ETag": '"one"', "Last-Modified": "Fri, 02 Jan 2026 03:04:05 GMT"}
HEAD = Answer(BODY, headers=FACTS)
WEB_PAGE = b"<html><body><p>Welcome</p></body></html>"


def part(start: int) -> Answer:
    size = len(BODY)
    return Answer(BODY[start:], 206, {**FACTS, "Content-Range": f"bytes {start}-{size - 1}/{size}"})


def place(address: str) -> S3Place:
    keys = {"aws_access_key_id": "magpie", "aws_secret_access_key": "magpie-magpie", "region_name": "us-east-1"}
    config = Config(retries={"total_max_attempts": 1}, read_timeout=5)
    client: Any = boto3.client("s3", endpoint_url=address, config=config, **keys)
    return S3Place(refuse_portals(client), "clinic", "Notes.csv")


def downloaded(*answers: Answer) -> bytes:
    with serving(answers) as (address, _), place(address).open() as file:
        return b"".join(iter(lambda: file.read(100), b""))


def test_an_object_is_read_whole() -> None:
    assert downloaded(HEAD, part(0)) == BODY


def test_a_download_that_breaks_goes_on_where_it_broke() -> None:
    broken = Answer(BODY[:200], 206, {**FACTS, "Content-Range": "bytes 0-888/889"}, missing=len(BODY) - 200)
    assert downloaded(HEAD, broken, part(200)) == BODY


def test_an_answer_that_ends_early_and_says_so_is_no_end_of_the_file() -> None:
    short = Answer(BODY[:200], 206, {**FACTS, "Content-Range": "bytes 0-199/889"})
    assert downloaded(HEAD, short, part(200)) == BODY
    with pytest.raises(ExportError, match="broke 4 times at byte 200"):
        downloaded(HEAD, short, Answer(b"", 206, {**FACTS, "Content-Range": "bytes 200-200/889"}))


@pytest.mark.parametrize("status", [200, 206])
def test_a_server_that_begins_again_in_place_of_going_on_is_refused(status: int) -> None:
    broken = Answer(BODY[:200], 206, {**FACTS, "Content-Range": "bytes 0-888/889"}, missing=len(BODY) - 200)
    with pytest.raises(ExportError, match="cut off or garbled"):
        downloaded(HEAD, broken, Answer(BODY, status, FACTS))


@pytest.mark.parametrize("answers", [[HEAD], [HEAD, part(0)]], ids=["facts", "body"])
def test_a_download_that_trickles_for_ever_ends_in_the_time_that_is_set(
    answers: list[Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nexus_assets.sources.s3_pages.PAGE_SECONDS", 1)
    *first, last = answers
    slow = Answer(last.body, last.status, last.headers, trickles=bool(first), trickles_headers=not first)
    began = time.monotonic()
    with pytest.raises(ExportError, match="did not answer in time") as gave_up:
        downloaded(*first, slow)
    assert time.monotonic() - began < 30
    assert gave_up.value.transient


def test_a_download_that_is_slow_but_not_too_slow_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nexus_assets.sources.s3_pages.PAGE_SECONDS", 0.1)
    monkeypatch.setattr("nexus_assets.sources.s3_place.SLOWEST", 0.5)
    answer = part(len(BODY) - 5)
    with serving([HEAD, Answer(answer.body, 206, answer.headers, trickles=True)]) as (address, _):
        file = place(address).open()
        file.seek(len(BODY) - 5)
        assert file.read(5) == BODY[-5:]


PORTAL = Answer(status=302, headers={"Location": "http://127.0.0.1:1/"})
PROXY = Answer(WEB_PAGE, 407, {"Proxy-Authenticate": "Basic"})


@pytest.mark.parametrize("first", [[], [HEAD]], ids=["facts", "body"])
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (PORTAL, "captive portal"),
        (Answer(status=307, headers={"Location": "http://127.0.0.1:1/"}), "captive portal"),
        (Answer(WEB_PAGE), "captive portal"),
        (PROXY, "asks for a user and a password"),
        (refusal("SlowDown", 503), "throttled|out of order"),
    ],
    ids=["302", "307", "page", "407", "503"],
)
def test_what_is_no_answer_of_s3_is_told_as_what_it_is(first: list[Answer], answer: Answer, told: str) -> None:
    with pytest.raises(ExportError, match=told) as refused:
        downloaded(*first, answer)
    assert refused.value.remedy


def test_an_object_that_is_another_one_by_now_is_not_read() -> None:
    with pytest.raises(ExportError, match="changed while it was read"):
        downloaded(HEAD, refusal("PreconditionFailed", 412))

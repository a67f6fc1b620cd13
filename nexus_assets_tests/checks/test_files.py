"""Files as the front end fetches them, from a server that does to them what storage can do."""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from nexus_assets.checks import files
from nexus_assets.checks.files import Opened, looks_like, open_files, sizes
from nexus_assets.local.processes import free_port
from nexus_assets_tests.conftest import Bucket
from nexus_assets_tests.tls import write_certificate

CONTENT = b"\xff\xd8\xff\xe0" + b"x" * 5000
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


class _Storage(BaseHTTPRequestHandler):
    """`/sound` and its siblings: the same content, told of in different ways."""

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        self.send_response(403 if name == "forbidden" else 200)
        self.send_header("Content-Length", str(len(CONTENT) * (2 if name == "cut" else 1)))
        etags = {"damaged": "0" * 32, "in-parts": f"{MD5}-2", "with-a-key": "1" * 32, "capitals": MD5.upper()}
        self.send_header("ETag", f'"{etags.get(name, MD5)}"')
        if name == "with-a-key":
            self.send_header("x-amz-server-side-encryption", "aws:kms")
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """The storage, over TLS where it has a context; its port."""
    server = ThreadingHTTPServer(("127.0.0.1", free_port()), _Storage)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def storage() -> Iterator[str]:
    with serving() as port:
        yield f"http://127.0.0.1:{port}"


def opened(storage: str, name: str) -> Opened:
    (found,) = open_files(lambda key: f"{storage}/{key}", [name])
    return found


@pytest.mark.parametrize(
    ("name", "md5", "etag"),
    [
        ("sound", MD5, MD5),
        ("capitals", MD5, MD5),
        ("damaged", MD5, "0" * 32),
        ("in-parts", None, f"{MD5}-2"),
        ("with-a-key", None, "1" * 32),
    ],
)
def test_checksum_is_compared_where_the_etag_is_one(storage: str, name: str, md5: str | None, etag: str) -> None:
    found = opened(storage, name)
    assert (found.status, found.size, found.md5, found.etag) == (200, len(CONTENT), md5, etag)
    assert found.head == CONTENT[: len(found.head)]


@pytest.mark.parametrize(("name", "status"), [("forbidden", 403), ("cut", 0)])
def test_what_is_not_served_whole_is_told(storage: str, name: str, status: int) -> None:
    assert opened(storage, name) == Opened(name, status)


def test_server_that_is_not_there_is_told() -> None:
    assert opened(f"http://127.0.0.1:{free_port()}", "sound").status == 0


def test_files_are_asked_for_as_the_s3_client_asks_over_its_proxy(
    storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", storage)
    assert opened("http://files.example", "sound").status == HTTPStatus.OK


@pytest.mark.parametrize(("trusted", "status"), [(True, HTTPStatus.OK), (False, 0)])
def test_files_are_asked_for_of_a_server_whose_authority_the_s3_client_trusts(
    trusted: bool, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_certificate(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    if trusted:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "cert.pem"))
    with serving(context) as port:
        assert opened(f"https://localhost:{port}", "sound").status == status


def test_files_come_in_the_order_of_their_keys(storage: str) -> None:
    names = [f"{number}" for number in range(40)]
    assert [each.key for each in open_files(lambda key: f"{storage}/{key}", names)] == names


def test_an_address_is_made_when_the_turn_of_its_file_comes(storage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It expires, and many files take longer than that."""
    done, fetch = list[str](), files._fetch

    def made(key: str) -> str:
        done.append(f"made {key}")
        return f"{storage}/{key}"

    def fetched(*given: Any) -> Opened:
        done.append(f"fetched {given[2]}")
        return fetch(*given)

    monkeypatch.setattr(files, "AT_ONCE", 1)
    monkeypatch.setattr(files, "_fetch", fetched)
    assert len(list(open_files(made, ["1", "2"]))) == 2
    assert done[1:] == ["made 1", "fetched 1", "made 2", "fetched 2"]


@pytest.mark.parametrize(
    ("mime_type", "head", "is_so"),
    [
        ("image/jpeg", CONTENT, True),
        ("image/png", b"\x89PNG\r\n\x1a\n....", True),
        ("image/webp", b"RIFF....WEBP", True),
        ("image/heic", b"\0\0\0\x18ftypheic", True),
        ("image/jpeg", b"<html>not found</html>", False),
        ("image/jpeg", b"", False),
        ("application/pdf", b"%PDF-1.7", True),
        ("application/pdf", b"<Error><Code>AccessDenied", False),
        ("text/plain", b"anything", True),
    ],
)
def test_first_bytes_tell_what_a_file_is(mime_type: str, head: bytes, is_so: bool) -> None:
    assert looks_like(mime_type, head) is is_so


@pytest.mark.parametrize("one_by_one", [200, 0], ids=["one by one", "by listing"])
def test_sizes_of_files_anywhere_in_the_bucket(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, one_by_one: int
) -> None:
    monkeypatch.setattr(files, "ASKED_ONE_BY_ONE", one_by_one)
    for name, size in {
        "uploads/one.jpg": 3,
        "uploads/two.jpg": 0,
        "letters/three.pdf": 5,
        "uploads/other.jpg": 1,
    }.items():
        path = bucket.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * size)
    client = bucket.client()
    keys = ["uploads/one.jpg", "uploads/two.jpg", "letters/three.pdf", "letters/missing.pdf"]
    found = dict(sizes(client, bucket.name, keys))
    assert found == {"uploads/one.jpg": 3, "uploads/two.jpg": 0, "letters/three.pdf": 5}

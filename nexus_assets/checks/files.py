"""Files of the bucket: how large they are wherever they lie, and opened as the front end does, by a presigned address."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from nexus_assets.log_redaction import silence_libraries
from nexus_assets.sources.s3 import object_size, sanitized_errors
from nexus_assets.sources.s3_pages import entries

if TYPE_CHECKING:
    from botocore.httpsession import URLLib3Session

ASKED_ONE_BY_ONE = 200
"""More files than this are looked up in listings of a thousand each: one request per file takes too long."""

AT_ONCE = 8
"""How many files are fetched at a time: about as many as a browser does."""

EXPIRES_SECONDS = 300
TIMEOUT_SECONDS = 30.0
HEAD_BYTES = 1024

PLAIN_MD5 = re.compile(r"[0-9a-f]{32}")
"""An ETag of this form is the content's MD5, unless the object was encrypted with a key of its own."""

KEYED_ENCRYPTION = ("aws:kms", "aws:kms:dsse")

IMAGE_SIGNATURES = (
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG\r\n\x1a\n",
    b"GIF8",
    b"BM",
    b"II*\x00",  # TIFF
    b"MM\x00*",
)


@dataclass(frozen=True)
class Opened:
    """What came of opening one file. `status` is HTTP's, 0 where nothing answered; `md5` and `etag` only where they compare."""

    key: str
    status: int
    size: int = 0
    head: bytes = b""
    md5: str | None = None
    etag: str | None = None


def sizes(client: Any, bucket: str, keys: Sequence[str]) -> Iterator[tuple[str, int]]:
    """(key, size) of those of the files that exist. Raises BucketError where the bucket can't be asked."""
    if len(keys) <= ASKED_ONE_BY_ONE:
        found = ((key, object_size(client, bucket, key)) for key in keys)
        yield from ((key, size) for key, size in found if size is not None)
        return
    wanted = set(keys)
    with sanitized_errors(bucket, client.meta.endpoint_url):
        for folder in sorted({key.partition("/")[0] for key in keys}):
            for entry in entries(client, bucket, folder):
                if entry["Key"] in wanted:
                    yield entry["Key"], entry["Size"]


def open_files(address: Callable[[str], str], keys: Sequence[str]) -> Iterable[Opened]:
    """Each file, fetched whole through its presigned address, in the order of the keys; over the proxy, and trusting the
    authorities, that the S3 client uses (AWS_CA_BUNDLE)."""
    silence_libraries()
    if not keys:
        return
    with closing(_http(address(keys[0]))) as http, ThreadPoolExecutor(AT_ONCE) as pool:
        # An address is made when its file's turn comes: it expires.
        yield from pool.map(lambda key: _fetch(http, address(key), key), keys)


def _http(address: str) -> URLLib3Session:
    """botocore's own: a run has imported it for its listings, where another library would take 80 ms."""
    import botocore.session
    from botocore.httpsession import URLLib3Session
    from botocore.utils import get_environ_proxies

    return URLLib3Session(
        verify=botocore.session.get_session().get_config_variable("ca_bundle")
        or os.environ.get("REQUESTS_CA_BUNDLE", True),
        proxies=get_environ_proxies(address),
        timeout=TIMEOUT_SECONDS,
        max_pool_connections=AT_ONCE,
    )


def _fetch(http: URLLib3Session, address: str, key: str) -> Opened:
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import BotoCoreError
    from urllib3.exceptions import HTTPError

    digest, size, head = hashlib.md5(usedforsecurity=False), 0, b""
    try:
        response = http.send(AWSRequest("GET", address, stream_output=True).prepare())
        with closing(response.raw) as body:
            if response.status_code != HTTPStatus.OK:
                return Opened(key, response.status_code)
            for part in body.stream(decode_content=False):
                digest.update(part)
                size += len(part)
                if len(head) < HEAD_BYTES:
                    head += part[: HEAD_BYTES - len(head)]
    except (BotoCoreError, HTTPError):
        return Opened(key, 0)
    if response.headers.get("Content-Length", str(size)) != str(size):
        return Opened(key, 0)  # cut off
    etag = response.headers.get("ETag", "").strip('"').lower()
    compares = PLAIN_MD5.fullmatch(etag) and (
        response.headers.get("x-amz-server-side-encryption") not in KEYED_ENCRYPTION
    )
    return Opened(key, response.status_code, size, head, digest.hexdigest() if compares else None, etag)


def looks_like(mime_type: str, head: bytes) -> bool:
    """Whether a file's first bytes are those of an image or a PDF, where it says that it is one; anything else passes."""
    if mime_type == "application/pdf":
        return b"%PDF-" in head
    if mime_type.startswith("image/") and mime_type != "image/svg+xml":
        # WebP, and the HEIC and AVIF of phones, say what they are after a length.
        in_a_box = head[:4] == b"RIFF" or head[4:8] == b"ftyp"
        return head.startswith(IMAGE_SIGNATURES) or in_a_box
    return True

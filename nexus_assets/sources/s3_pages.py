"""The pages of a bucket's listing: each proves that it is one, whole, and follows the page before, or the listing is refused."""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from nexus_assets.sources.s3_causes import CAPTIVE_PORTAL, CUT_OFF, PROXY_LOGIN, TOO_SLOW, Cause, PageError, unproven

_ROOT = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:\w+:)?([\w!.-]+)", re.DOTALL)
_END = re.compile(rb"</(?:\w+:)?ListBucketResult\s*>\s*\Z")
_IS_TRUNCATED = re.compile(rb"<(?:\w+:)?IsTruncated\b[^>]*>(.*?)</", re.DOTALL)
"""botocore takes any other word, and a page without one, for false: for the end of the listing."""

_END_BYTES = 100

_ESCAPED = re.compile(rb"<(?:\w+:)?Key>([^<]*%(?:[89A-Fa-f][0-9A-Fa-f]|00)[^<]*)</")
"""A key with bytes that are no ASCII, or a NUL: botocore makes U+FFFD, silently, of those that are no UTF-8."""

NO_TEXT = Cause(
    (),
    "holds an object whose key has bytes that are not UTF-8, or a NUL: no database can keep such a name",
    "Nothing was written. `aws s3api list-objects-v2 --encoding-type url` shows such bytes as %FF; rename or delete the object, then run"
    " the command again.",
)

PAGE_SECONDS = 300
"""How long a page may take, tries included. A server that sends a byte now and then never runs into a read timeout."""


def within(seconds: float, call: Callable[[], Any]) -> Any:
    """What the call returns or raises; PageError where that takes longer. The call is then left to itself, in a daemon thread."""
    outcomes: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcomes.put((call(), None))
        except BaseException as error:
            outcomes.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        result, error = outcomes.get(timeout=seconds)
    except queue.Empty:
        raise PageError(TOO_SLOW) from None
    if error is not None:
        raise error
    return result


def entries(
    client: Any, bucket: str, prefix: str, *, delimiter: str = "", at_once: int = 1000
) -> Iterator[Mapping[str, Any]]:
    """Every object under the prefix as S3 lists it (Key, Size, ETag, …), in key order, so many at a time.

    Raises PageError at a page that does not prove itself, and botocore's errors. What S3 promises of a page:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
    """
    refuse_portals(client).meta.events.register(
        "before-parse.s3.ListObjectsV2", _refuse_what_is_no_page, unique_id="nexus-assets-pages"
    )
    request: dict[str, Any] = {
        "Bucket": bucket,
        "Prefix": prefix,
        "MaxKeys": at_once,
        **({"Delimiter": delimiter} if delimiter else {}),
    }
    tokens, last_key = set[str](), b""
    while True:
        page = _page(client, request)
        last_key = _last_key(page, prefix, last_key)
        token = page.get("NextContinuationToken", "")
        if page["IsTruncated"] and not token:
            raise unproven("more is to follow, but where it goes on is not said")
        if page["IsTruncated"] and token in tokens:
            raise unproven("it goes on where an earlier page went on: the listing would never end")
        yield from page.get("Contents", ())
        if not page["IsTruncated"]:
            return
        tokens.add(token)
        request["ContinuationToken"] = token


def _page(client: Any, request: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return dict(within(PAGE_SECONDS, lambda: client.list_objects_v2(**request)))
    except ValueError:  # a number that is none, or text that is no UTF-8; either may be quoted
        raise unproven("a number or a text in it can't be read") from None


def refuse_portals(client: Any) -> Any:
    """The client, to which an answer that sends it elsewhere, or a web page, is an error of its own whatever it asked for.

    botocore follows a redirect without a region forever.
    """
    client.meta.events.register("before-parse.s3", _refuse_portal, unique_id="nexus-assets-portals")
    return client


def _refuse_portal(response_dict: dict[str, Any], **_: Any) -> None:
    status, root = response_dict["status_code"], _root(response_dict)
    # S3 itself answers so in another region, and names that.
    sent_elsewhere = 300 <= status < 400 and status != 304 and root != b"error"
    if status == 407:
        _become(response_dict, PROXY_LOGIN, status)
    elif (root in (b"html", b"!doctype") and status <= 500 and status != 200) or (
        sent_elsewhere and "x-amz-bucket-region" not in response_dict["headers"]
    ):
        _become(response_dict, CAPTIVE_PORTAL)


def _root(response_dict: Mapping[str, Any]) -> bytes:
    """The name of the root element of an answer, in lower case; empty for what is no markup, or is not read yet."""
    body = response_dict["body"]
    return match[1].lower() if isinstance(body, bytes) and (match := _ROOT.match(body)) else b""


def _refuse_what_is_no_page(response_dict: dict[str, Any], **_: Any) -> None:
    """Before botocore reads an answer: one that is no page becomes an error, which is tried again like one of S3's.

    botocore takes a web page for an empty last page. Raises PageError for a page that says too little; trying again would
    not help. (Of a page that is no XML, botocore has already made a 500.)
    """
    status, body, root = response_dict["status_code"], response_dict["body"], _root(response_dict)
    if root in (b"html", b"!doctype") and status <= 500 and status != 407:
        _become(response_dict, CAPTIVE_PORTAL)
    elif root == b"error" or (status >= 300 and status != 500):
        return
    elif status == 500 or not body.strip() or (root == b"listbucketresult" and not _END.search(body[-_END_BYTES:])):
        _become(response_dict, CUT_OFF)
    elif root != b"listbucketresult":
        raise unproven("it is no ListBucketResult")
    elif _IS_TRUNCATED.findall(body) not in ([b"true"], [b"false"]):
        raise unproven("whether more is to follow (IsTruncated) is not said")
    elif not all(map(_is_text, _ESCAPED.findall(body))):
        raise PageError(NO_TEXT)


def _is_text(escaped: bytes) -> bool:
    key = unquote_to_bytes(escaped)
    try:
        return "\0" not in key.decode("utf-8")
    except UnicodeDecodeError:
        return False


def _become(response_dict: dict[str, Any], cause: Cause, status: int = 500) -> None:
    """Makes the answer an error of this cause; as a 500 it is tried again."""
    code = cause.names[0]
    response_dict.update(status_code=status, body=f"<Error><Code>{code}</Code></Error>".encode())


def _last_key(page: Mapping[str, Any], prefix: str, last_key: bytes) -> bytes:
    """The last key of the page, that of the page before where it has none. Raises PageError where its entries can't be right."""
    found = page.get("Contents", [])
    for entry in found:
        if "Key" not in entry or "Size" not in entry:
            raise unproven("an object has no key or no size")
        if entry["Size"] < 0:
            raise unproven("an object has a size below zero")
        key = entry["Key"].encode()
        if not entry["Key"].startswith(prefix):
            raise unproven("a key does not begin with the prefix that was asked for")
        if key <= last_key:
            raise unproven("its keys do not come after one another: a page was repeated, or pages are mixed up")
        last_key = key
    listed = len(found) + len(page.get("CommonPrefixes", ()))
    if page.get("KeyCount", listed) != listed:
        raise unproven(f"it holds {listed:,} entries and says {page['KeyCount']:,}")
    return last_key

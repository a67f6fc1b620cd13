"""A session with FileMaker Server's Data API: logging in and out, asking, and asking again where that helps.

The protocol is in Claris' "FileMaker Data API Guide". A session is lent for 15 minutes after its last use; a server
gives out few of them, so that each one is handed back.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

import httpx

from nexus_assets.log_redaction import silence_libraries
from nexus_assets.sources.export import ExportError
from nexus_assets.wire import require_https, shown_address

TRIES = 5

_BUSY = (429, 500, 502, 503, 504)  # 500 only where FileMaker gives no code of its own: then it's the web server's
_INVALID_TOKEN = "952"

NO_LAYOUT = "105"
NO_RECORDS = ("101", "401")  # what an empty table answers: "record is missing", "no records match"

# What FileMaker's codes mean for somebody who sets up an import.
_MEANINGS = {
    "9": "the account may not do this: give it read access and the extended privilege fmrest",
    "101": "a record is missing",
    "102": "a field is missing from the layout",
    "105": "there is no such layout",
    "212": "the account or its password is wrong",
    "802": "the database is not open on the server",
    "812": "the server has no free session: wait some minutes, or close other users of its Data API",
    "952": "the session was refused",
    "960": "the server does not know a parameter: it needs FileMaker Server 18 or later",
}
_STATUSES = {
    401: "the account or its password is wrong, or it lacks the extended privilege fmrest",
    402: "the server's license does not cover the Data API, or its yearly allowance is used up",
    403: "the account may not use the Data API: give it the extended privilege fmrest",
    404: "there is no Data API at this address: switch it on in the server's admin console",
}


@dataclass(frozen=True)
class FileMakerServer:
    """Where a FileMaker Server is, and as whom to ask it."""

    url: str  # https://fm.clinic.example
    database: str
    account: str
    password: str = field(repr=False)
    layouts: Mapping[str, str] = field(default_factory=dict)  # export name -> layout, where they differ
    page: int = 1_000  # records a request; FileMaker's own default is 100
    timeout: float = 60.0  # seconds without an answer
    first_wait: float = 0.5  # seconds before the second try; doubled from try to try


def layouts_by_export(text: str) -> dict[str, str]:
    """Returns what a setting like `Contacts=Contacts for Nexus; Notes=All notes` says. Raises ExportError where it says nothing."""
    found = {}
    for pair in filter(str.strip, text.split(";")):
        name, equals, layout = (part.strip() for part in pair.partition("="))
        if not (name and equals and layout):
            raise ExportError(
                f"{pair.strip()!r} does not say which layout stands for which export.",
                remedy="Write NEXUS_FILEMAKER_LAYOUTS like this: Contacts=Contacts for Nexus; Notes=All notes",
            )
        found[name] = layout
    return found


class RefusedError(ExportError):
    """FileMaker's answer was an error; `code` is its number, or nothing."""

    def __init__(self, problem: str, *, remedy: str, code: str = "") -> None:
        super().__init__(problem, remedy=remedy)
        self.code = code


class Session:
    """A session, for a `with`. Asking raises ExportError when the answer is an error or there is none."""

    def __init__(self, server: FileMakerServer) -> None:
        require_https(server.url, of="filemaker", setting="NEXUS_FILEMAKER_URL")
        silence_libraries()
        self._server = server
        self._base = f"{server.url.rstrip('/')}/fmi/data/vLatest/databases/{quote(server.database, safe='')}"
        self._client = httpx.Client(timeout=server.timeout)
        self._token = ""

    def __enter__(self) -> Session:
        try:
            self._log_in()
        except BaseException:
            self._client.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(httpx.HTTPError):  # the server forgets it too, only later
            self._client.delete(f"{self._base}/sessions/{self._token}")
        self._client.close()

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Returns the `response` of an answer, its numbers as text. A session that expired is renewed once."""
        try:
            return self._ask("GET", path, parameters)
        except RefusedError as error:
            if error.code != _INVALID_TOKEN:
                raise
        self._log_in()
        return self._ask("GET", path, parameters)

    def _log_in(self) -> None:
        self._token = ""
        answer = self._ask("POST", "/sessions", None)
        self._token = str(answer.get("token", ""))

    def _ask(self, method: str, path: str, parameters: Mapping[str, str] | None) -> dict[str, Any]:
        for attempt in range(1, TRIES + 1):
            try:
                status, answer = self._send(method, path, parameters)
            except httpx.TransportError as error:
                if "SSL: " in str(error):
                    raise self._unverified(str(error)) from None
                if attempt == TRIES:
                    raise self._unreachable(
                        type(error).__name__
                    ) from None  # its text may hold the address with a token
            else:
                code = _code(answer)
                if code == "0" and status == httpx.codes.OK:
                    return dict(answer.get("response") or {})
                if code or status not in _BUSY or attempt == TRIES:
                    raise self._refused(status, code, path)
            time.sleep(self._server.first_wait * 2 ** (attempt - 1))
        raise AssertionError("unreachable")

    def _send(self, method: str, path: str, parameters: Mapping[str, str] | None) -> tuple[int, dict[str, Any]]:
        basic = httpx.BasicAuth(self._server.account, self._server.password)
        answer = self._client.request(
            method,
            self._base + path,
            params=dict(parameters) if parameters else None,
            headers={"Authorization": f"Bearer {self._token}"} if self._token else {},
            auth=None if self._token else basic,
            json={} if method == "POST" else None,
        )
        try:
            body = json.loads(answer.content, parse_int=str, parse_float=str)
        except ValueError:
            body = {}  # a web server's own page
        return answer.status_code, body if isinstance(body, dict) else {}

    def _refused(self, status: int, code: str, path: str) -> RefusedError:
        meaning = _MEANINGS.get(code) or _STATUSES.get(status) or "see FileMaker's list of error codes"
        number = f"error {code}" if code else f"HTTP status {status}"
        layout = f" for the layout {unquote(path.split('/')[2])!r}" if path.startswith("/layouts/") else ""
        return RefusedError(
            f"{shown_address(self._server.url)} answers {number}{layout}: {meaning}.",
            remedy="Correct this on the FileMaker Server or in the settings, then run the same command again.",
            code=code,
        )

    def _unverified(self, said: str) -> ExportError:
        if "CERTIFICATE_VERIFY_FAILED" in said:
            return ExportError(
                f"The certificate of {shown_address(self._server.url)} is not from an authority that we trust, is for another"
                " host, or has expired.",
                remedy="Give the FileMaker Server a certificate of a known authority, or name the file of your own authority in"
                " SSL_CERT_FILE. Else it may be another server that answers.",
            )
        return ExportError(
            f"{shown_address(self._server.url)} does not offer TLS.",
            remedy="Check host and port of NEXUS_FILEMAKER_URL, and that the server's web server answers to https.",
        )

    def _unreachable(self, what: str) -> ExportError:
        return ExportError(
            f"{shown_address(self._server.url)} did not answer {TRIES} times ({what}).",
            remedy="Check that the FileMaker Server runs and can be reached, then run the same command again.",
        )


def _code(answer: Mapping[str, Any]) -> str:
    messages = answer.get("messages") or [{}]
    first = messages[0] if isinstance(messages, list) else {}
    return str(first.get("code", "")) if isinstance(first, dict) else ""

"""A FileMaker Server of the tests' own: it speaks the documented Data API, with its errors."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Fault = Callable[[int], tuple[int, str] | None]


class FakeFileMaker(ThreadingHTTPServer):
    """One database, "Clinic 1", with one layout of these fields (name, type); account importer, password s3cret.

    `fault` may answer the n-th request for records with a status and a code instead.
    """

    def __init__(self, layout: str, fields: Sequence[tuple[str, str]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.layout = layout
        self.fields: list[dict[str, Any]] = [{"name": name, "result": kind, "maxRepeat": 1} for name, kind in fields]
        self.table: list[tuple[int, dict[str, Any]]] = []
        self.sessions: set[str] = set()
        self.logins = 0
        self.pages: list[tuple[int, int]] = []
        self.fault: Fault | None = None
        self.says_counts = True

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"


class _Handler(BaseHTTPRequestHandler):
    server: FakeFileMaker

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass

    def answer(self, status: int, code: str, response: dict[str, Any] | None = None) -> None:
        body = json.dumps({"messages": [{"code": code, "message": "…"}], "response": response or {}}).encode()
        if not code:
            body = b"<html>Service Unavailable</html>"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        expected = "Basic " + base64.b64encode(b"importer:s3cret").decode()
        if self.headers["Authorization"] != expected:
            return self.answer(401, "212")
        self.server.logins += 1
        token = f"token-{self.server.logins}"
        self.server.sessions.add(token)
        return self.answer(200, "0", {"token": token})

    def do_DELETE(self) -> None:
        self.server.sessions.discard(self.path.rpartition("/")[2])
        self.answer(200, "0")

    def do_GET(self) -> None:
        if self.headers["Authorization"].removeprefix("Bearer ") not in self.server.sessions:
            return self.answer(401, "952")
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        assert path.startswith("/fmi/data/vLatest/databases/Clinic%201/")
        parts = [unquote(part) for part in path.split("/")[6:]]
        if parts[:2] != ["layouts", self.server.layout]:
            return self.answer(500, "105")
        if parts[2:] != ["records"]:
            return self.answer(200, "0", {"fieldMetaData": self.server.fields})
        return self.records(int(query["_offset"][0]), int(query["_limit"][0]))

    def records(self, offset: int, limit: int) -> None:
        self.server.pages.append((offset, limit))
        if self.server.fault and (fault := self.server.fault(len(self.server.pages))):
            return self.answer(*fault)
        table = self.server.table
        if offset > len(table):
            return self.answer(500, "101")
        page = [
            {"fieldData": data, "portalData": {}, "recordId": str(number), "modId": "0"}
            for number, data in table[offset - 1 : offset - 1 + limit]
        ]
        info = {"foundCount": len(table), "returnedCount": len(page), "totalRecordCount": len(table)}
        return self.answer(200, "0", {"data": page, **({"dataInfo": info} if self.server.says_counts else {})})


@contextmanager
def serving(layout: str, fields: Sequence[tuple[str, str]]) -> Iterator[FakeFileMaker]:
    """Runs the server for the time of a `with`."""
    with FakeFileMaker(layout, fields) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

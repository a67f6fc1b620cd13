"""Reading from a FileMaker Server: a small server of the tests' own speaks the documented protocol, and its errors."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from nexus_assets.errors import NexusAssetsError
from nexus_assets.sources.data_api import open_layout
from nexus_assets.sources.data_api_session import TRIES, FileMakerServer
from nexus_assets.sources.filemaker import OpenExport
from nexus_assets_tests.sources.conftest import records

FIELDS = (("id", "text"), ("Note", "text"), ("Date", "date"), ("At", "timeStamp"), ("num", "number"))

Fault = Callable[[int], tuple[int, str] | None]


class FakeFileMaker(ThreadingHTTPServer):
    """One database with one layout. `fault` may answer the n-th request for records with a status and a code instead."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.fields: list[dict[str, Any]] = [{"name": name, "result": kind, "maxRepeat": 1} for name, kind in FIELDS]
        self.table: list[tuple[int, dict[str, Any]]] = []
        self.sessions: set[str] = set()
        self.logins = 0
        self.pages: list[tuple[int, int]] = []
        self.fault: Fault | None = None
        self.says_counts = True

    def fill(self, count: int) -> None:
        self.table = [(number, record(number)) for number in range(1, count + 1)]


def record(number: int) -> dict[str, Any]:
    return {"id": f"A{number}", "Note": f"one\rtwo é {number}", "Date": "10/18/2016", "At": "", "num": number}


def row(number: int) -> tuple[str, ...]:
    return (f"A{number}", f"one\rtwo é {number}", "2016-10-18", "", str(number))


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
        if parts[:2] != ["layouts", "Notes / export"]:
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


@pytest.fixture
def filemaker() -> Iterator[FakeFileMaker]:
    with FakeFileMaker() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def settings(filemaker: FakeFileMaker) -> FileMakerServer:
    host, port = filemaker.server_address[:2]
    return FileMakerServer(
        url=f"http://{host!s}:{port}",
        database="Clinic 1",
        account="importer",
        password="s3cret",
        layouts={"Notes": "Notes / export"},
        page=10,
        timeout=5,
        first_wait=0,
    )


def opened(settings: FileMakerServer) -> OpenExport:
    return open_layout(settings, "Notes", wanted=("id", "Note"))


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 21, 37])
def test_every_page_is_read(filemaker: FakeFileMaker, settings: FileMakerServer, count: int) -> None:
    filemaker.fill(count)
    export = opened(settings)
    assert records(export) == [row(number) for number in range(1, count + 1)]
    assert export.facts.stated_records == count
    assert not filemaker.sessions, "each session is handed back"


def test_fields_become_text_as_everywhere_else(filemaker: FakeFileMaker, settings: FileMakerServer) -> None:
    filemaker.fields += [
        {"name": "Photo", "result": "container", "maxRepeat": 1},
        {"name": "Allergy", "result": "text", "maxRepeat": 3},
    ]
    data = record(1) | {"num": 12345678901234567890, "At": "01/02/2016 14:30:00", "Photo": "https://…/photo.jpg"}
    filemaker.table = [(7, data | {"Allergy(1)": "latex", "Allergy(2)": "", "Allergy(3)": "wool", "Note": None})]
    export = opened(settings)
    assert export.header == ("id", "Note", "Date", "At", "num", "Allergy")
    assert records(export) == [
        ("A1", "", "2016-10-18", "2016-01-02 14:30:00", "12345678901234567890", "latex\x1d\x1dwool")
    ]


def test_a_missing_field_is_said(settings: FileMakerServer) -> None:
    with pytest.raises(NexusAssetsError, match="lacks the column 'nameLast'"):
        open_layout(settings, "Notes", wanted=("id", "Note", "nameLast"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "wrong"}, "error 212: the account or its password is wrong"),
        ({"layouts": {}}, "error 105 for the layout 'Notes': there is no such layout"),
        ({"url": "http://fm.clinic.example"}, "no https:// address"),
    ],
    ids=["password", "layout", "in the clear"],
)
def test_wrong_settings_are_said(settings: FileMakerServer, change: dict[str, Any], words: str) -> None:
    with pytest.raises(NexusAssetsError, match=words) as caught:
        opened(replace(settings, **change))
    assert "s3cret" not in repr(caught.value)
    assert "wrong" not in repr(replace(settings, password="wrong")), "a password is never shown"


def test_an_expired_session_is_renewed(filemaker: FakeFileMaker, settings: FileMakerServer) -> None:
    def expire(page: int) -> None:
        if page == 2:
            filemaker.sessions.clear()

    filemaker.fill(35)
    filemaker.fault = expire
    assert len(records(opened(settings))) == 35


def test_a_session_that_can_t_be_renewed_is_an_error(filemaker: FakeFileMaker, settings: FileMakerServer) -> None:
    filemaker.fill(35)
    filemaker.fault = lambda page: (401, "952") if page > 1 else None
    with pytest.raises(NexusAssetsError, match=r"error 952 .*: the session was refused"):
        records(opened(settings))


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_a_passing_failure_is_asked_again(filemaker: FakeFileMaker, settings: FileMakerServer, status: int) -> None:
    filemaker.fill(25)
    filemaker.fault = lambda page: (status, "") if page in (2, 3) else None
    assert len(records(opened(settings))) == 25


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (500, "", "HTTP status 500"),
        (402, "", "license does not cover the Data API"),
        (403, "", "extended privilege fmrest"),
        (404, "", "no Data API at this address"),
        (500, "802", "the database is not open"),
        (500, "1630", "error 1630 .* see FileMaker's list"),
        (200, "500", "error 500"),
    ],
)
def test_a_lasting_failure_is_said(
    filemaker: FakeFileMaker, settings: FileMakerServer, status: int, code: str, words: str
) -> None:
    filemaker.fill(25)
    filemaker.fault = lambda page: (status, code) if page > 1 else None
    with pytest.raises(NexusAssetsError, match=words):
        records(opened(settings))
    assert not filemaker.sessions, "each session is handed back"


def test_an_answer_that_takes_too_long_is_asked_for_again(filemaker: FakeFileMaker, settings: FileMakerServer) -> None:
    def linger(page: int) -> None:
        if page == 2:
            time.sleep(0.6)

    filemaker.fill(25)
    filemaker.fault = linger
    assert len(records(opened(replace(settings, timeout=0.3)))) == 25


def test_a_server_that_is_not_there_is_said(settings: FileMakerServer) -> None:
    with pytest.raises(NexusAssetsError, match=rf"did not answer {TRIES} times \(ConnectError\)"):
        opened(replace(settings, url="http://127.0.0.1:9"))


def remove(*numbers: int) -> Callable[[FakeFileMaker], None]:
    def change(server: FakeFileMaker) -> None:
        server.table = [each for each in server.table if each[0] not in numbers]

    return change


def replace_early(server: FakeFileMaker) -> None:
    """One goes and one comes: the count stays."""
    server.table = [*server.table[1:], (99, record(99))]


@pytest.mark.parametrize(
    "change", [remove(3), remove(10), remove(*range(5, 36)), replace_early], ids=["one", "the last", "most", "replaced"]
)
def test_a_record_that_goes_under_the_cursor_is_noticed(
    filemaker: FakeFileMaker, settings: FileMakerServer, change: Callable[[FakeFileMaker], None]
) -> None:
    def fault(page: int) -> None:
        if page == 2:
            change(filemaker)

    filemaker.fill(35)
    filemaker.fault = fault
    with pytest.raises(NexusAssetsError, match="was changed while it was read"):
        records(opened(settings))


@pytest.mark.parametrize(
    ("change", "numbers"),
    [
        (remove(30), [*range(1, 30), *range(31, 36)]),
        (lambda server: server.table.append((36, record(36))), [*range(1, 37)]),
    ],
    ids=["gone", "new"],
)
def test_what_changes_ahead_of_the_cursor_is_read_as_it_is_then(
    filemaker: FakeFileMaker,
    settings: FileMakerServer,
    change: Callable[[FakeFileMaker], None],
    numbers: list[int],
) -> None:
    def fault(page: int) -> None:
        if page == 2:
            change(filemaker)

    filemaker.fill(35)
    filemaker.fault = fault
    assert records(opened(settings)) == [row(number) for number in numbers]


def test_a_server_that_does_not_say_how_many_there_are_is_refused(
    filemaker: FakeFileMaker, settings: FileMakerServer
) -> None:
    filemaker.fill(3)
    filemaker.says_counts = False
    with pytest.raises(NexusAssetsError, match="needs FileMaker Server 18"):
        records(opened(settings))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"id": "A1"}, "record 1 has no field 'Note'"),
        (record(1) | {"Date": "18/10/2016"}, "record 1 has a date in 'Date'"),
        (record(1) | {"Note": "\ud800"}, "half of a character"),
        (record(1) | {"Note": "\0"}, "a NUL character"),
    ],
    ids=["no field", "date", "surrogate", "NUL"],
)
def test_records_that_can_t_be_so_are_refused(
    filemaker: FakeFileMaker, settings: FileMakerServer, data: dict[str, Any], words: str
) -> None:
    filemaker.table = [(1, data)]
    with pytest.raises(NexusAssetsError, match=words):
        records(opened(settings))

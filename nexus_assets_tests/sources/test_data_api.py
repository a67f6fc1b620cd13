"""Reading from a FileMaker Server: a small server of the tests' own speaks the documented protocol, and its errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nexus_assets.errors import NexusAssetsError
from nexus_assets.sources.data_api import HostedLayout, find_layout, open_layout
from nexus_assets.sources.data_api_session import TRIES, FileMakerServer, layouts_by_export
from nexus_assets.sources.filemaker import OpenExport
from nexus_assets_tests.sources.conftest import records
from nexus_assets_tests.sources.fake_filemaker import FakeFileMaker, serving
from nexus_assets_tests.tls import speaking_tls

FIELDS = (("id", "text"), ("Note", "text"), ("Date", "date"), ("At", "timeStamp"), ("num", "number"))


def fill(server: FakeFileMaker, count: int) -> None:
    server.table = [(number, record(number)) for number in range(1, count + 1)]


def record(number: int) -> dict[str, Any]:
    return {"id": f"A{number}", "Note": f"one\rtwo é {number}", "Date": "10/18/2016", "At": "", "num": number}


def row(number: int) -> tuple[str, ...]:
    return (f"A{number}", f"one\rtwo é {number}", "2016-10-18", "", str(number))


@pytest.fixture
def filemaker() -> Iterator[FakeFileMaker]:
    with serving("Notes / export", FIELDS) as server:
        yield server


@pytest.fixture
def settings(filemaker: FakeFileMaker) -> FileMakerServer:
    return FileMakerServer(
        url=filemaker.url,
        database="Clinic 1",
        account="importer",
        password="s3cret",
        layouts={"Notes": "Notes / export"},
        page=10,
        timeout=5,
        first_wait=0,
    )


def found(settings: FileMakerServer) -> HostedLayout:
    layout = find_layout(settings, "Notes")
    assert layout is not None
    return layout


def opened(settings: FileMakerServer) -> OpenExport:
    return open_layout(found(settings), wanted=("id", "Note"))


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 21, 37])
def test_every_page_is_read(filemaker: FakeFileMaker, settings: FileMakerServer, count: int) -> None:
    fill(filemaker, count)
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
        open_layout(found(settings), wanted=("id", "Note", "nameLast"))


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

    fill(filemaker, 35)
    filemaker.fault = expire
    assert len(records(opened(settings))) == 35


def test_a_session_that_can_t_be_renewed_is_an_error(filemaker: FakeFileMaker, settings: FileMakerServer) -> None:
    fill(filemaker, 35)
    filemaker.fault = lambda page: (401, "952") if page > 1 else None
    with pytest.raises(NexusAssetsError, match=r"error 952 .*: the session was refused"):
        records(opened(settings))


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_a_passing_failure_is_asked_again(filemaker: FakeFileMaker, settings: FileMakerServer, status: int) -> None:
    fill(filemaker, 25)
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
    fill(filemaker, 25)
    filemaker.fault = lambda page: (status, code) if page > 1 else None
    with pytest.raises(NexusAssetsError, match=words):
        records(opened(settings))
    assert not filemaker.sessions, "each session is handed back"


def test_an_answer_that_takes_too_long_is_asked_for_again(filemaker: FakeFileMaker, settings: FileMakerServer) -> None:
    def linger(page: int) -> None:
        if page == 2:
            time.sleep(0.6)

    fill(filemaker, 25)
    filemaker.fault = linger
    assert len(records(opened(replace(settings, timeout=0.3)))) == 25


def test_a_server_that_is_not_there_is_said(settings: FileMakerServer) -> None:
    with pytest.raises(NexusAssetsError, match=rf"did not answer {TRIES} times \(ConnectError\)"):
        opened(replace(settings, url="http://127.0.0.1:9"))


def test_a_server_without_tls_is_told_as_what_it_is(settings: FileMakerServer) -> None:
    with pytest.raises(NexusAssetsError, match="does not offer TLS"):
        opened(replace(settings, url=settings.url.replace("http:", "https:")))


@pytest.mark.parametrize(
    ("name", "trusted", "expired"),
    [("127.0.0.1", False, False), ("another.example", True, False), ("127.0.0.1", True, True)],
    ids=["authority", "host", "expired"],
)
def test_a_certificate_that_proves_nothing_is_told_as_what_it_is(
    settings: FileMakerServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    name: str,
    trusted: bool,
    expired: bool,
) -> None:
    with speaking_tls(tmp_path, name, directly=True, expired=expired) as port:
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        with pytest.raises(NexusAssetsError, match=r"certificate of .* is not from an authority .*, or has expired"):
            opened(replace(settings, url=f"https://127.0.0.1:{port}"))


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

    fill(filemaker, 35)
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

    fill(filemaker, 35)
    filemaker.fault = fault
    assert records(opened(settings)) == [row(number) for number in numbers]


def test_a_server_that_does_not_say_how_many_there_are_is_refused(
    filemaker: FakeFileMaker, settings: FileMakerServer
) -> None:
    fill(filemaker, 3)
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


def test_a_layout_that_is_not_required_may_be_missing(settings: FileMakerServer) -> None:
    assert find_layout(settings, "Clinicians", required=False) is None
    assert find_layout(settings, "Notes", required=False) is not None
    with pytest.raises(NexusAssetsError, match="password is wrong"):
        find_layout(replace(settings, password="wrong"), "Clinicians", required=False)


def test_its_hash_is_that_of_its_records(filemaker: FakeFileMaker, settings: FileMakerServer) -> None:
    fill(filemaker, 25)
    export = opened(settings)
    records(export)
    assert found(settings).content_hash() == export.facts.sha256
    filemaker.table[20][1]["Note"] = "another"
    assert found(settings).content_hash() != export.facts.sha256


def test_layouts_of_other_names_are_told_by_a_setting() -> None:
    assert layouts_by_export("") == {}
    assert layouts_by_export("Contacts=Contacts, all; Notes = Notes = old;") == {
        "Contacts": "Contacts, all",
        "Notes": "Notes = old",
    }
    with pytest.raises(NexusAssetsError, match="'Contacts' does not say which layout"):
        layouts_by_export("Contacts")

"""Each cause of a refused connection has its own sentence, whatever language the server speaks; one test a row of the table."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy as sa
from psycopg2.extensions import cursor as Cursor

from nexus_assets.errors import NexusAssetsError
from nexus_assets.local.postgres import ADMIN
from nexus_assets.local.processes import free_port
from nexus_assets.nexus import hung
from nexus_assets.nexus.connection import DatabaseError, _arguments, make_engine, transaction
from nexus_assets.nexus.refusals import CAUSES, by_answer
from nexus_assets_tests.tls import speaking_tls

# SQLSTATE, function, what a German, Russian or Japanese server says -> what we say
ANSWERS = {
    "password": (
        "28P01",
        "auth_failed",
        "Passwort-Authentifizierung für Benutzer »x« fehlgeschlagen",
        "user and password",
    ),
    "no such user": ("28000", "InitializeSessionUserId", 'роль "x" не существует', "no such user"),
    "pg_hba": ("28000", "ClientAuthentication", "kein pg_hba.conf-Eintrag für Host »::1«", "pg_hba.conf"),
    "ident": ("28000", "auth_failed", 'ユーザー"x"のPeer認証に失敗しました', "by the method"),
    "database": ("3D000", "InitPostgres", "Datenbank »x« existiert nicht", "no database of that name"),
    "no right": ("42501", "CheckMyDatabase", "keine Berechtigung für Datenbank »x«", "may not connect"),
    "closed": (
        "55000",
        "CheckMyDatabase",
        "Datenbank »x« akzeptiert gerade keine Verbindungen",
        "takes no connections",
    ),
    "no slot": ("53300", "InitProcess", "tut mir leid, schon zu viele Verbindungen", "no connection left"),
    "starting": ("57P03", "ProcessStartupPacket", "das Datenbanksystem startet", "starting, stopping"),
    "stopped": ("57P01", "ProcessInterrupts", "Verbindung wird abgebrochen", "ended the connection"),
    "pooler password": ("08P01", "", "SASL authentication failed", "user and password"),
    "pooler database": ("08P01", "", "no such database: x", "no database of that name"),
    "pooler slots": ("08P01", "", "no more connections allowed (max_client_conn)", "no connection left"),
    "pooler parameter": ("08P01", "", "unsupported startup parameter: options", "does not accept a parameter"),
    "pooler alone": ("08P01", "", "server login has been failing", "no connection to the database server"),
}
FOUND_BY_LIBPQ = {
    "host": ({"host": "no-such-host.invalid"}, "its host is not known"),
    "port": ({"port": 1}, "no server listens there"),
    "no TLS": ({"query": {"sslmode": "require"}}, "does not offer TLS"),
    "no password": ({"password": None}, "holds no password"),
    "unknown option": ({"query": {"sslmod": "require"}}, "option that libpq does not know"),
    "wrong value": ({"query": {"sslmode": "sometimes"}}, "option that libpq does not know"),
}


@contextmanager
def answering(state: str, routine: str, text: str) -> Iterator[int]:
    """A server that answers whoever connects with this error; its port."""

    def error() -> bytes:
        fields = {
            "S": "FATAL",
            "V": "FATAL",
            "C": state,
            "M": text,
            **({"F": "x.c", "L": "1", "R": routine} if routine else {}),
        }
        body = b"".join(key.encode() + value.encode() + b"\0" for key, value in fields.items()) + b"\0"
        return b"E" + struct.pack("!i", len(body) + 4) + body

    def serve() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            with client:
                length, code = struct.unpack("!ii", client.recv(8))
                if code in (80877103, 80877104):  # asks for TLS or GSS
                    client.sendall(b"N")
                    length, code = struct.unpack("!ii", client.recv(8))
                client.recv(length)
                client.sendall(error())

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("case", ANSWERS)
def test_answer_of_a_server_is_told_by_its_code(case: str) -> None:
    state, routine, text, told = ANSWERS[case]
    with (
        answering(state, routine, text) as port,
        pytest.raises(DatabaseError, match=told) as refused,
        transaction(make_engine(f"postgresql://wattle:wren@127.0.0.1:{port}/x")),
    ):
        pass
    assert text not in str(refused.value)
    assert "wren" not in str(refused.value)


@pytest.mark.parametrize("case", FOUND_BY_LIBPQ)
def test_what_libpq_finds_is_told(database: str, case: str) -> None:
    change, told = FOUND_BY_LIBPQ[case]
    url = sa.make_url(database)
    if "password" in change:
        url = sa.URL.create(url.drivername, url.username, None, url.host, url.port, url.database)
    engine = make_engine(url.set(**change).render_as_string(hide_password=False))  # type: ignore[arg-type]
    with pytest.raises(DatabaseError, match=told), transaction(engine):
        pass


def test_file_of_authorities_that_is_not_there_is_told(tmp_path: Path) -> None:
    with speaking_tls(tmp_path) as port:
        engine = make_engine(
            f"postgresql://wattle:wren@127.0.0.1:{port}/x?sslmode=verify-full&sslrootcert={tmp_path}/no.pem"
        )
        with pytest.raises(DatabaseError, match="no file with the certificates to trust"), transaction(engine):
            pass


def test_every_row_that_a_server_answers_has_a_test() -> None:
    asked = {by_answer(state, routine, text) for state, routine, text, _ in ANSWERS.values()}
    assert [cause for cause in CAUSES if cause.state and cause not in asked] == []


def test_role_that_may_not_log_in_and_role_that_is_not_there_on_a_real_server(database: str) -> None:
    admin = sa.make_url(database).set(drivername="postgresql", username=ADMIN)
    with (
        closing(psycopg2.connect(admin.render_as_string(hide_password=False))) as connection,
        connection.cursor() as cursor,
    ):
        connection.autocommit = True
        cursor.execute("CREATE ROLE resting PASSWORD 'resting'")
        try:
            url = (
                sa.make_url(database).set(username="resting", password="resting").render_as_string(hide_password=False)
            )
            with pytest.raises(DatabaseError, match="may not log in"), transaction(make_engine(url)):
                pass
        finally:
            cursor.execute("DROP ROLE resting")


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trusted", "told"),
    [(False, "not from an authority that we trust"), (True, "is for another host")],
    ids=["authority", "host"],
)
def test_foreign_certificate_is_told_as_what_it_is(tmp_path: Path, *, trusted: bool, told: str) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with speaking_tls(tmp_path) as port, speaking_tls(other):
        root = (tmp_path if trusted else other) / "cert.pem"
        url = f"postgresql://wattle:wren@127.0.0.1:{port}/x?sslmode=verify-full&sslrootcert={root}"
        with pytest.raises(DatabaseError, match=told), transaction(make_engine(url)):
            pass


def test_expired_certificate_is_told_as_what_it_is(tmp_path: Path) -> None:
    with speaking_tls(tmp_path, "127.0.0.1", expired=True) as port:
        url = f"postgresql://wattle:wren@127.0.0.1:{port}/x?sslmode=verify-full&sslrootcert={tmp_path}/cert.pem"
        with pytest.raises(DatabaseError, match="has expired"), transaction(make_engine(url)):
            pass


# --- servers that say nothing -----------------------------------------------------------------------------------------


class Gate:
    """Passes on what client and server say, until it is closed: then it accepts and keeps everything, and says nothing."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.closed = False
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.create_connection(self._server)
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with one, suppress(OSError):
            while data := one.recv(65536):
                if not self.closed:
                    other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


def _ask_closed(gate: Gate, cursor: Cursor) -> None:
    gate.closed = True
    cursor.execute("SELECT 1")


def test_server_that_falls_silent_is_given_up(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hung, "SECONDS_BETWEEN", 0.2)
    url = sa.make_url(database)
    with closing(Gate(str(url.host), int(url.port or 0))) as gate:
        engine = make_engine(
            url.set(port=gate.port, query={"connect_timeout": "2"}).render_as_string(hide_password=False)
        )
        with pytest.raises(DatabaseError, match="stopped answering") as gave_up, transaction(engine) as cursor:
            _ask_closed(gate, cursor)
    assert gave_up.value.transient


def test_server_that_only_takes_long_is_waited_for(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hung, "SECONDS_BETWEEN", 0.05)
    with transaction(make_engine(database)) as cursor:
        cursor.execute("SELECT pg_sleep(1.5)")


# --- what is refused before anything is opened ------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require", "verify-ca"])
def test_database_on_another_machine_is_verified_or_not_used(mode: str) -> None:
    with pytest.raises(
        NexusAssetsError, match=f"sslmode={mode} would send patients' data.*NEXUS_ALLOW_UNVERIFIED=database"
    ):
        make_engine(f"postgresql://wattle:wren@db.example/nexus?sslmode={mode}")


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://w:x@db.example/nexus",
        "postgresql://w:x@/nexus?host=127.0.0.1:1&host=db.example:2",
        "postgresql:///nexus?service=clinic",
    ],
    ids=["host", "one of several", "service"],
)
def test_without_a_word_about_it_a_database_on_another_machine_is_verified(address: str) -> None:
    assert _arguments(make_engine(address))["sslmode"] == "verify-full"


def test_unverified_database_is_used_where_a_setting_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_ALLOW_UNVERIFIED", "database")
    make_engine("postgresql://wattle:wren@db.example/nexus?sslmode=disable")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://wattle:wr@en@db.example/nexus",
        "postgresql://wattle:wr@en:x@db/nexus",
        "wattle:wren",
        "postgresql://u:wr:en@h:wren/d",
        "mysql://u:wren@h/d",
    ],
)
def test_url_that_cannot_be_read_is_not_repeated_nor_chained(url: str) -> None:
    with pytest.raises(NexusAssetsError, match="NEXUS_DATABASE_URL") as refused:
        make_engine(url)
    error: BaseException | None = refused.value
    while error is not None:
        assert "wr" not in str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@pytest.mark.parametrize(
    ("url", "helps"), [("", "the demo clinic's own server"), ("postgresql://x@y/z", "NEXUS_DATABASE_URL")]
)
def test_what_helps_names_no_setting_that_is_not_set(monkeypatch: pytest.MonkeyPatch, url: str, helps: str) -> None:
    monkeypatch.setenv("NEXUS_DATABASE_URL", url)
    with (
        pytest.raises(DatabaseError) as refused,
        transaction(make_engine(f"postgresql://wattle@127.0.0.1:{free_port()}/x")),
    ):
        pass
    assert helps in refused.value.remedy

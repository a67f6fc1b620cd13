"""Who receives alerts in the tests: a real SMTP server and a real webhook on this machine, which can be down."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

from nexus_assets.local.processes import free_port

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Received:
    """A message as it arrived."""

    title: str
    body: str
    at: float = field(default_factory=time.time, compare=False)


@dataclass
class Webhook:
    """Takes messages by HTTP; answers 503 while it is `down`, and to titles that hold what it `refuses`.

    `token` is the secret in its address.
    """

    port: int
    token: str = "s3cret-token"
    down: bool = False
    refuses: str = ""
    refused: int = 0
    received: list[Received] = field(default_factory=list)
    beats: int = 0

    @property
    def url(self) -> str:
        return f"json://{HOST}:{self.port}/hook/{self.token}"

    @property
    def heartbeat_url(self) -> str:
        return f"http://{HOST}:{self.port}/alive/{self.token}"


@dataclass
class Mailbox:
    """Takes mail by SMTP; answers 451 while it is `down`."""

    port: int
    down: bool = False
    received: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"mailto://{HOST}:{self.port}?from=nexus@clinic.invalid&to=office@clinic.invalid&mode=insecure"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.down:
            return "451 Try again later"
        message = message_from_bytes(envelope.content, policy=policy.default)
        body = message.get_body(("plain",))
        assert body is not None
        self.received.append(Received(str(message["Subject"]), str(body.get_content())))
        return "250 OK"


@contextmanager
def webhook() -> Iterator[Webhook]:
    """A webhook that answers until the end of the block."""
    hook = Webhook(free_port())

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if hook.down or (hook.refuses and hook.refuses in content["title"]):
                hook.refused += 1
                self._answer(503)
                return
            hook.received.append(Received(content["title"], content["message"]))
            self._answer(200)

        def do_GET(self) -> None:
            hook.beats += self.path in hook.heartbeat_url
            self._answer(200 if self.path in hook.heartbeat_url else 404)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer((HOST, hook.port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """An SMTP server that answers until the end of the block."""
    box = Mailbox(free_port())
    controller = Controller(box, hostname=HOST, port=box.port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()

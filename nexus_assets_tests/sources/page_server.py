"""An S3 server on loopback that answers listings with the pages that a test writes, one after the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

PREFIX = "files/"


@dataclass(frozen=True)
class Answer:
    """One answer. `missing` bytes are announced and not sent; `hangs` sends nothing until the test is over, `trickles` a byte now
    and then, and so do its headers with `trickles_headers`."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    missing: int = 0
    hangs: bool = False
    trickles: bool = False
    trickles_headers: bool = False


def page(
    *names: str, token: str = "", count: int | None = None, truncated: str | None = None, root: str = "ListBucketResult"
) -> Answer:
    """A page with files of these names; a token says that more follows. The rest breaks a promise of S3."""
    contents = "".join(
        f"<Contents><Key>{quote(PREFIX + name)}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
        f"<ETag>&quot;e&quot;</ETag><Size>7</Size></Contents>"
        for name in names
    )
    said = ("true" if token else "false") if truncated is None else truncated
    more = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    number = len(names) if count is None else count
    return Answer(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>clinic</Name><Prefix>{quote(PREFIX)}</Prefix><KeyCount>{number}</KeyCount><MaxKeys>1000</MaxKeys>"
        f"<EncodingType>url</EncodingType>{f'<IsTruncated>{said}</IsTruncated>' if said else ''}{contents}{more}</{root}>".encode()
    )


def refusal(code: str, status: int) -> Answer:
    """An error as S3 sends it."""
    return Answer(f"<Error><Code>{code}</Code><Message>Wattle</Message></Error>".encode(), status)


@contextmanager
def speaking_connect(status: int) -> Iterator[str]:
    """The address of a proxy that answers every request for a tunnel with this status."""

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with _running(Handler) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _running(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serving(answers: Sequence[Answer]) -> Iterator[tuple[str, list[str]]]:
    """The address of a server that gives these answers in turn, the last one forever, and the requests that it got."""
    requests: list[str] = []
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers[min(len(requests), len(answers) - 1)]
            requests.append(self.path)
            if answer.hangs:
                over.wait()
                return
            self.send_response(answer.status)
            while answer.trickles_headers:
                self.send_header("X-Slow", "a")
                self.flush_headers()
                if over.wait(0.2):
                    return
            for name, value in {**answer.headers, "Content-Length": str(len(answer.body) + answer.missing)}.items():
                self.send_header(name, value)
            self.end_headers()
            if answer.trickles:
                for at in range(len(answer.body)):
                    self.wfile.write(answer.body[at : at + 1])
                    if over.wait(0.2):
                        return
            elif self.command != "HEAD":
                self.wfile.write(answer.body)

        do_HEAD = do_GET  # noqa: N815 - its name is http.server's

        def log_message(self, *_: object) -> None:
            pass

    with _running(Handler) as port:
        try:
            yield f"http://127.0.0.1:{port}", requests
        finally:
            over.set()

"""Which requests reach Dagster's pages: those of a person who opened them, never those of another web site (law 8).

Dagster's own server carries out mutations by GET, takes forms and any Host, and asks nobody who they are: any page on the web
that a person's browser shows could launch runs, forge check results and, by DNS rebinding, read the history.
"""

from __future__ import annotations

import base64
import re
import secrets
from dataclasses import dataclass
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from nexus_assets.errors import NexusAssetsError

DEFAULT_PORTS = {"http": 80, "https": 443}
HEALTH = "/server_info"
"""Holds versions alone; a health check asks for it without a password."""
GRAPHQL = "/graphql"
NO_PAGES = re.compile(r"/(graphql|report_asset_\w+|logs|notebook|dagit|download_debug)(/|$)")
"""Where Dagster answers with data or acts: no link on another site leads there."""
PLACE = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:(?P<port>\d{1,5}))?", re.IGNORECASE | re.ASCII)
ORIGIN = re.compile(rf"(?P<scheme>https?)://{PLACE.pattern}", re.IGNORECASE | re.ASCII)
HEADERS = {
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True)
class Refusal:
    """Why a request is not carried out."""

    status: int
    reason: str


@dataclass(frozen=True)
class Place:
    """Where a browser believes that it is: a host in lower case, without brackets and final dot, and a port."""

    host: str
    port: int | None

    @property
    def is_loopback(self) -> bool:
        """Whether no other machine can have this name."""
        try:
            return self.host == "localhost" or ip_address(self.host).is_loopback
        except ValueError:
            return False


def _place(match: re.Match[str] | None, scheme: str = "") -> Place | None:
    if match is None:
        return None
    port = int(match["port"]) if match["port"] else DEFAULT_PORTS.get(scheme)
    return Place(match["host"].lower().strip("[]").removesuffix("."), port)


def _origin(text: str) -> tuple[str, Place] | None:
    match = ORIGIN.fullmatch(text)
    place = _place(match, match["scheme"].lower()) if match else None
    return (match["scheme"].lower(), place) if match and place else None


@dataclass(frozen=True)
class Rules:
    """Who is let in: `own` is the origin at which people open the pages, beside loopback; `password` may be empty."""

    own: tuple[str, Place]
    password: str = ""

    @classmethod
    def of(cls, pages_url: str, password: str) -> Rules:
        """The rules for pages at this address. Raises NexusAssetsError where it is none."""
        match = ORIGIN.match(pages_url)
        own = _origin(match[0]) if match and pages_url[match.end() :][:1] in ("", "/") else None
        if own is None:
            raise NexusAssetsError(
                "NEXUS_DAGSTER_URL is not the address of a web page.", remedy="Write it as https://dagster.example."
            )
        return cls(own, password)

    def refusal(self, scope: Scope) -> Refusal | None:
        """Why this request or WebSocket is refused; None where it is let in."""
        headers = Headers(scope=scope)
        return (
            self._of_host(headers)
            or self._of_site(scope, headers)
            or self._of_method(scope, headers)
            or self._of_password(scope, headers)
        )

    def _of_host(self, headers: Headers) -> Refusal | None:
        place = _only_place(headers)
        if place is not None and (place.is_loopback or place.host == self.own[1].host):
            return None
        return Refusal(403, "This is not the address of these pages. NEXUS_DAGSTER_URL names it.")

    def _of_site(self, scope: Scope, headers: Headers) -> Refusal | None:
        refused = Refusal(403, "Requests of other web sites are refused.")
        origins = headers.getlist("origin")
        if len(origins) > 1 or (origins and not self._is_own(origins[0], headers)):
            return refused
        sites = headers.getlist("sec-fetch-site")
        if all(site in ("same-origin", "none") for site in sites) or _is_followed_link(scope, headers):
            return None
        return refused

    def _is_own(self, text: str, headers: Headers) -> bool:
        origin, here = _origin(text), _only_place(headers)
        if origin is None or here is None:
            return False
        scheme, place = origin
        return origin == self.own or place == Place(here.host, here.port or DEFAULT_PORTS[scheme])

    def _of_method(self, scope: Scope, headers: Headers) -> Refusal | None:
        if scope["type"] == "websocket":
            return None
        method, path = scope["method"], scope["path"]
        if not path.startswith("/"):
            return Refusal(400, "The request line names no path of these pages.")
        if method == "POST":
            kinds = headers.getlist("content-type")
            is_json = len(kinds) == 1 and kinds[0].partition(";")[0].strip().lower() == "application/json"
            return None if is_json else Refusal(415, "Send it as application/json.")
        if method not in ("GET", "HEAD"):
            return Refusal(405, "Only GET, HEAD and POST are carried out.")
        if path.rstrip("/") == GRAPHQL and not (method == "GET" and "text/html" in headers.get("accept", "")):
            return Refusal(405, "Send queries and mutations by POST.")
        return None

    def _of_password(self, scope: Scope, headers: Headers) -> Refusal | None:
        if not self.password or scope["path"] == HEALTH:
            return None
        given = _password(headers.get("authorization", ""))
        if secrets.compare_digest(given.encode(), self.password.encode()):
            return None
        return Refusal(401, "A password is needed: NEXUS_DAGSTER_PASSWORD.")


def _only_place(headers: Headers) -> Place | None:
    hosts = headers.getlist("host")
    return _place(PLACE.fullmatch(hosts[0])) if len(hosts) == 1 else None


def _is_followed_link(scope: Scope, headers: Headers) -> bool:
    """Whether a person follows a link to a page, as from an alert in a web mail: no frame, no script, no data."""
    return (
        scope["type"] == "http"
        and scope["method"] in ("GET", "HEAD")
        and headers.getlist("sec-fetch-mode") == ["navigate"]
        and headers.getlist("sec-fetch-dest") == ["document"]
        and not NO_PAGES.match(scope["path"])
    )


def _password(authorization: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


class PageAccess:
    """ASGI middleware that lets in what the rules allow, and forbids other sites to frame or embed what it answers."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self.app = app
        self.rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refusal = self.rules.refusal(scope)
        if refusal is None:
            await self.app(scope, receive, _closed_to_frames(send))
        elif scope["type"] == "websocket":
            await WebSocket(scope, receive, send).close(1008)
        else:
            # No browser may keep the answer of one request for another.
            headers = {"Cache-Control": "no-store", "Connection": "close"}
            if refusal.status == 401:
                headers["WWW-Authenticate"] = 'Basic realm="nexus_assets", charset="UTF-8"'
            await PlainTextResponse(refusal.reason, refusal.status, headers)(scope, receive, send)


def _closed_to_frames(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.append("Content-Security-Policy", "frame-ancestors 'none'")
        await send(message)

    return with_headers

"""Requests as bytes on a socket: what no client library sends, a stranger or a proxy may."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping

import pytest
import uvicorn

from nexus_assets.graph.webserver import SERVER
from nexus_assets_tests.graph.test_webserver import FORGED, OUTSIDE, PATIENTS, Pages, serving

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*environment_vars:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:websockets"),
]

ASKED = json.dumps({"query": FORGED})
LINK = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"
SOCKET = (
    "GET /graphql HTTP/1.1\r\nHost: HERE\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-ws\r\n"
)


def get(path: str, headers: str = "", host: str = "Host: HERE\r\n", method: str = "GET") -> str:
    return f"{method} {path} HTTP/1.1\r\n{host}{headers}\r\n"


def post(headers: str, body: str = ASKED, path: str = "/graphql", host: str = "Host: HERE\r\n") -> str:
    return f"POST {path} HTTP/1.1\r\n{host}{headers}Content-Length: {len(body)}\r\n\r\n{body}"


JSON = "Content-Type: application/json\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
HOSTS: Mapping[str, str] = {
    "none": "",
    "empty": "Host: \r\n",
    "twice": "Host: HERE\r\nHost: evil.example\r\n",
    "twice, ours last": "Host: evil.example\r\nHost: HERE\r\n",
    "two in one line": "Host: HERE, evil.example\r\n",
    "a blank before the colon": "Host : HERE\r\n",
    "a folded line": "Host: evil.example\r\n HERE\r\n",
    "a NUL": "Host: 127.0.0.1\0.evil.example\r\n",
    "upper case": "HOST: EVIL.EXAMPLE\r\n",
    "two final dots": "Host: localhost..\r\n",
    "a final dot": "Host: evil.example.\r\n",
    "a longer name": "Host: localhost.evil.example\r\n",
    "a user": "Host: localhost:3000@evil.example\r\n",
    "a fragment": "Host: 127.0.0.1#.evil.example\r\n",
    "two ports": "Host: localhost:3000:80\r\n",
    "another alphabet": "Host: loc\u0430lhost\r\n",
    "one number": "Host: 2130706433\r\n",
    "hexadecimal": "Host: 0x7f.0.0.1\r\n",
    "too short": "Host: 127.1\r\n",
    "every address": "Host: [::]:3000\r\n",
    "a mapped address": "Host: [::ffff:192.168.1.5]\r\n",
    "a zone": "Host: [::1%25lo]:3000\r\n",
    "a socket's path": "Host: /tmp/socket\r\n",
}
ORIGINS: Mapping[str, str] = {
    "null": "Origin: null\r\n",
    "empty": "Origin: \r\n",
    "upper case": "Origin: HTTPS://EVIL.EXAMPLE\r\n",
    "another port": "Origin: http://127.0.0.1:1\r\n",
    "another port of IPv6": "Origin: http://[::1]:1\r\n",
    "another loopback address": "Origin: http://127.0.0.2:PORT\r\n",
    "our host in the clear": "Origin: http://dagster.clinic.example\r\n",
    "twice": "Origin: http://HERE\r\nOrigin: https://evil.example\r\n",
    "two in one line": "Origin: http://HERE https://evil.example\r\n",
    "a file": "Origin: file://\r\n",
    "an extension": "Origin: chrome-extension://evil\r\n",
    "a path": "Origin: http://HERE/evil\r\n",
    "the same site": "Sec-Fetch-Site: same-site\r\n",
    "upper case of a site": "Sec-Fetch-Site: Cross-Site\r\n",
    "two sites": "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n",
    "two sites in one line": "Sec-Fetch-Site: same-origin, cross-site\r\n",
}
TYPES: Mapping[str, str] = {
    "none": "",
    "empty": "Content-Type: \r\n",
    "twice": f"{JSON}Content-Type: text/plain\r\n",
    "two in one line": "Content-Type: text/plain, application/json\r\n",
    "as a parameter": "Content-Type: text/plain; x=application/json\r\n",
    "a form's": "Content-Type: multipart/form-data; boundary=application/json\r\n",
    "one that begins alike": "Content-Type: application/jsonp\r\n",
    "one that ends alike": "Content-Type: x-application/json\r\n",
    "a GraphQL upload": "Content-Type: multipart/form-data; boundary=b\r\nApollo-Require-Preflight: true\r\n",
}
REQUESTS: Mapping[str, str] = {
    **{f"Host: {name}": post(JSON, host=host) for name, host in HOSTS.items()},
    **{f"Origin: {name}": post(JSON + origin) for name, origin in ORIGINS.items()},
    **{f"type: {name}": post(kind, path=f"/graphql?query={FORGED}".replace(" ", "%20")) for name, kind in TYPES.items()},
    **{f"socket, Origin: {name}": f"{SOCKET}{origin}\r\n" for name, origin in ORIGINS.items()},
    **{
        f"method {method}": get("/graphql", JSON, method=method)
        for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "get", "post", "PROPFIND")
    },
    "method CONNECT": get("evil.example:443", method="CONNECT"),
    "every resource": get("*", method="OPTIONS"),
    "another method in a header": get(
        f"/graphql?query={FORGED}".replace(" ", "%20"), "X-HTTP-Method-Override: POST\r\nX-HTTP-Method: POST\r\n" + JSON
    ),
    "another method in a form": post(FORM, "_method=POST&query=" + FORGED),
    "another path in a header": get("/", f"X-Original-URL: /graphql?query={FORGED}\r\n{LINK.replace('document', 'iframe')}"),
    "another host in a header": post(JSON + "X-Forwarded-Host: HERE\r\nForwarded: host=HERE\r\n", host="Host: evil.example\r\n"),
    "an address for a path": post(JSON, path="http://evil.example/graphql"),
    "our address for a path": post(JSON, path="http://HERE/graphql"),
    "our address for a path by GET": get(f"http://HERE/graphql?query={FORGED}".replace(" ", "%20")),
    "HTTP/1.0": "GET /runs HTTP/1.0\r\n\r\n",
    "a form in chunks": f"POST /graphql?query={{version}} HTTP/1.1\r\nHost: HERE\r\n{FORM}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a second request behind the end": post(FORM + "Transfer-Encoding: chunked\r\n", "0\r\n\r\n" + post(JSON)),
    "a second request behind a refused one": post(FORM, "") + post(JSON + "Origin: https://evil.example\r\n"),
    "HTTP/2 in the clear": get(
        f"/graphql?query={FORGED}".replace(" ", "%20"), "Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    ),
    **{
        f"link to {path}": get(path, LINK)
        for path in ("/logs/a/out", "/notebook?path=a.ipynb&repoLocName=x", "/dagit/notebook?path=a.ipynb", "/download_debug/x",
                     "/graphql", "/report_asset_check/patients")
    },
    **{
        f"{path} of another site": get(path, "Sec-Fetch-Site: cross-site\r\n")
        for path in ("/", "/runs", "/server_info", "/dagit_info", "/logs/a/out", "/notebook", "/download_debug/x", "/favicon.png")
    },
    **{
        f"{path} by a form": post(FORM, "passed=true&check_name=no_duplicates", path=f"{path}/patients")
        for path in ("/report_asset_check", "/report_asset_materialization", "/report_asset_observation")
    },
}  # fmt: skip
PATHS = (
    "//graphql",
    "/./graphql",
    "/x/../graphql",
    "/graphql;x",
    "/GRAPHQL",
    "/graphql%2f",
    "/graphql%00",
    "/%2e/graphql",
    "/graphql/.",
)
"""Ways to write the path of GraphQL that are others for Dagster too."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pages, int]]:
    """The pages on a socket of their own, with the server that `nexus-assets webserver` uses; and its port."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEXUS_DAGSTER_URL", f"{OUTSIDE}/")
        with serving(tmp_path_factory.mktemp("history")) as pages:
            server = uvicorn.Server(
                uvicorn.Config(pages.client.app, port=0, lifespan="off", **{**SERVER, "log_level": "critical"})
            )
            thread = threading.Thread(target=server.run, daemon=True)
            thread.start()
            while not server.started:
                time.sleep(0.05)
            yield pages, server.servers[0].sockets[0].getsockname()[1]
            server.should_exit = True
            thread.join(20)


def said(request: str, port: int) -> str:
    """What the server answers until it closes the connection or is silent for a while."""
    written = request.replace("HERE", f"127.0.0.1:{port}").replace("PORT", str(port))
    answer = b""
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(written.encode())
        connection.settimeout(20)
        try:
            while block := connection.recv(65536):
                answer += block
                if b"\r\n\r\n" in answer:
                    connection.settimeout(0.3)
        except (TimeoutError, ConnectionResetError):
            pass
    return answer.decode("latin-1")


def left(pages: Pages) -> tuple[int, int, int]:
    return len(pages.instance.get_runs()), len(pages.instance.get_backfills()), pages.events()


@pytest.mark.attack("A page of another web site, or a request that no browser sends")
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_request_is_refused(request_: str, served: tuple[Pages, int]) -> None:
    pages, port = served
    answer = said(request_, port)
    statuses = {line.split(" ")[1] for line in answer.splitlines() if line.startswith("HTTP/1.")}
    assert statuses <= {"400", "403", "404", "405", "415"}, answer
    assert '"data"' not in answer
    assert "access-control-allow" not in answer.lower()
    assert left(pages) == (0, 0, 0)


@pytest.mark.attack("A page of another web site, or a request that no browser sends")
@pytest.mark.parametrize("path", PATHS)
def test_path_that_is_written_otherwise_carries_out_nothing(path: str, served: tuple[Pages, int]) -> None:
    answer = said(get(f"{path}?query={{version}}"), served[1])
    assert answer
    assert '"version"' not in answer


def test_own_requests_are_carried_out(served: tuple[Pages, int]) -> None:
    """Else every request would be refused."""
    asked = json.dumps({"query": "{ version }"})
    assert '"version"' in said(post(JSON, asked), served[1])
    assert '"version"' in said(post(f"{JSON}Origin: http://HERE\r\nSec-Fetch-Site: same-origin\r\n", asked), served[1])
    assert " 101 " in said(f"{SOCKET}Origin: http://HERE\r\n\r\n", served[1])


BODIES: Mapping[str, object] = {
    "a batch": [{"query": FORGED}, {"query": FORGED}],
    "a stored query": {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}},
    "a number": 7,
    "a query that is none": {"query": ["mutation"]},
}


@pytest.mark.attack("A page of another web site, or a request that no browser sends")
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_body_that_is_no_query_carries_out_nothing(body: object, served: tuple[Pages, int]) -> None:
    assert '"data": {"' not in said(post(JSON, json.dumps(body)), served[1])


@pytest.mark.attack("A page of another web site, or a request that no browser sends")
@pytest.mark.parametrize(
    "path", ["/logs/..%2f..%2f..%2fetc/passwd", "/logs/../../../etc/passwd", "/logs/%2e%2e/%2e%2e/dagster.yaml/out"]
)
def test_log_that_is_asked_for_stays_in_its_folder(path: str, served: tuple[Pages, int]) -> None:
    answer = said(get(path), served[1])
    assert "root:" not in answer
    assert "telemetry" not in answer


@pytest.mark.attack("A launch, or a run's config, that says where data comes from or goes")
@pytest.mark.parametrize("question", ["isPipelineConfigValid", "executionPlanOrError"])
def test_question_about_a_config_repeats_no_variable_of_the_environment(
    question: str, served: tuple[Pages, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages, _ = served
    monkeypatch.setenv("NEXUS_SOMETHING", "canary.example")
    config = {
        "ops": {"patients": {"config": {"only_if": {"env": "NEXUS_SOMETHING"}}}},
        "resources": {"x": {"env": "NEXUS_SOMETHING"}},
    }
    query = (
        f'query($s: PipelineSelector!, $c: RunConfigData!) {{ {question}(pipeline: $s, mode: "default", runConfigData: $c)'
        " { __typename ... on RunConfigValidationInvalid { errors { message reason } } } }"
    )
    answer = pages.ask(query, s=PATIENTS, c=config)
    assert "RunConfigValidationInvalid" in answer.text
    assert "canary.example" not in answer.text


@pytest.mark.attack("A page of another web site, or a request that no browser sends")
def test_mutation_over_a_web_socket_is_not_carried_out(served: tuple[Pages, int]) -> None:
    pages, _ = served
    wipe = 'mutation { wipeAssets(assetPartitionRanges: [{assetKey: {path: ["patients"]}}]) { __typename } }'
    headers = {"Origin": "http://127.0.0.1:3000", "Host": "127.0.0.1:3000"}
    with pages.client.websocket_connect("/graphql", subprotocols=["graphql-ws"], headers=headers) as talk:
        talk.send_json({"type": "start", "id": "1", "payload": {"query": wipe}})
        assert "wipeAssets" not in json.dumps(talk.receive_json().get("payload", {}).get("data"))

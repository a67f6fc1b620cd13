"""Dagster's pages do nothing for another web site, and a launch that names what the settings decide leaves no trace."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from nexus_assets.errors import NexusAssetsError
from nexus_assets.graph.page_access import Rules
from nexus_assets.graph.webserver import create_app, workspace_context

# Dagster reads its own deprecated property when it describes a schedule within one process.
pytestmark = pytest.mark.filterwarnings("ignore:.*environment_vars:DeprecationWarning")

HERE = "http://127.0.0.1:3000"
OUTSIDE = "https://dagster.clinic.example"
EVIL = "https://evil.example"
PASSWORD = "a long password"
JSON = {"Content-Type": "application/json"}
JOB = {"repositoryLocationName": "nexus_assets", "repositoryName": "__repository__", "pipelineName": "__ASSET_JOB"}
PATIENTS = {**JOB, "assetSelection": [{"path": ["patients"]}]}
FORGED = "mutation { setNuxSeen }"
CHECK = {"asset_key": "patients", "check_name": "no_duplicates", "passed": True}


class Pages:
    """The served pages over a history in a folder, where every mutation that is carried out leaves something."""

    def __init__(self, app: Any, instance: dg.DagsterInstance, folder: Path) -> None:
        self.client = TestClient(app, base_url=HERE, follow_redirects=False)
        self.instance, self.folder = instance, folder

    def ask(self, query: str, **variables: Any) -> Any:
        return self.client.post("/graphql", json={"query": query, "variables": variables})

    def holds(self, text: str) -> list[str]:
        """The files of the history in which a text stands."""
        return [str(file) for file in self.folder.rglob("*") if file.is_file() and text.encode() in file.read_bytes()]

    def events(self) -> int:
        """How many events of assets the history holds, reported ones among them."""
        keys = [dg.AssetCheckKey(dg.AssetKey("patients"), "no_duplicates")]
        checks = self.instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
        return len(checks) + len(self.instance.all_asset_keys())


@contextmanager
def serving(folder: Path) -> Iterator[Pages]:
    origin = InProcessCodeLocationOrigin(
        LoadableTargetOrigin(module_name="nexus_assets.definitions"), location_name="nexus_assets"
    )
    with (
        dg.DagsterInstance.local_temp(str(folder), overrides={"telemetry": {"enabled": False}}) as instance,
        workspace_context(instance, InProcessWorkspaceLoadTarget([origin])) as context,
    ):
        yield Pages(create_app(context, [folder / "reports"]), instance, folder)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEXUS_DAGSTER_URL", f"{OUTSIDE}/")
        with serving(tmp_path_factory.mktemp("history")) as pages:
            yield pages


@pytest.fixture
def untouched(pages: Pages) -> Iterator[None]:
    """Nothing was launched and nothing reported, whatever the test sent."""
    before = pages.events()
    yield
    assert (pages.instance.get_runs(), pages.instance.get_backfills(), pages.events()) == ([], [], before)


def site(kind: str, mode: str = "no-cors", dest: str = "image", **others: str) -> dict[str, str]:
    return {"Sec-Fetch-Site": kind, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest, **others}


BODY = json.dumps({"query": FORGED})
ATTACKS: Mapping[str, tuple[str, str, Mapping[str, str], str]] = {
    "image tag": ("GET", f"/graphql?query={FORGED}", site("cross-site"), ""),
    "image tag of an old browser": ("GET", f"/graphql?query={FORGED}", {}, ""),
    "image tag that asks": ("GET", "/graphql?query={version}", {}, ""),
    "HEAD": ("HEAD", f"/graphql?query={FORGED}", {}, ""),
    "address written otherwise": ("GET", f"/%67raphql/?query={FORGED}", {}, ""),
    "form": ("POST", f"/graphql?query={FORGED}", {"Content-Type": "application/x-www-form-urlencoded"}, "a=b"),
    "form with files": ("POST", f"/graphql?query={FORGED}", {"Content-Type": "multipart/form-data; boundary=x"}, ""),
    "text": ("POST", "/graphql", {"Content-Type": "text/plain"}, BODY),
    "text that names JSON": ("POST", "/graphql", {"Content-Type": "text/plain; application/json"}, BODY),
    "graphql": ("POST", "/graphql", {"Content-Type": "application/graphql"}, FORGED),
    "no type": ("POST", f"/graphql?query={FORGED}", {}, ""),
    "JSON of another site": ("POST", "/graphql", {**JSON, "Origin": EVIL}, BODY),
    "JSON of another port": ("POST", "/graphql", {**JSON, "Origin": "http://127.0.0.1:8888"}, BODY),
    "JSON of another scheme": ("POST", "/graphql", {**JSON, "Origin": OUTSIDE.replace("https", "http")}, BODY),
    "JSON of the same site": ("POST", "/graphql", {**JSON, **site("same-site", "cors", "empty")}, BODY),
    "JSON of a file or a sandbox": ("POST", "/graphql", {**JSON, "Origin": "null"}, BODY),
    "JSON of a name that begins like ours": ("POST", "/graphql", {**JSON, "Origin": f"{OUTSIDE}.evil.example"}, BODY),
    "JSON of a user at ours": ("POST", "/graphql", {**JSON, "Origin": "http://127.0.0.1:3000@evil.example"}, BODY),
    "another method": ("PUT", "/graphql", JSON, BODY),
    "deletion": ("DELETE", "/graphql", JSON, ""),
    "preflight": ("OPTIONS", "/graphql", {"Origin": EVIL, "Access-Control-Request-Method": "POST"}, ""),
    "forged check by a form": (
        "POST",
        "/report_asset_check/patients?check_name=no_duplicates&passed=true",
        {"Content-Type": "application/x-www-form-urlencoded"},
        "",
    ),
    "forged check without a body": (
        "POST",
        "/report_asset_check/patients?check_name=no_duplicates&passed=true",
        {},
        "",
    ),
    "forged check by JSON": ("POST", "/report_asset_check/", {**JSON, "Origin": EVIL}, json.dumps(CHECK)),
    "forged load": ("POST", "/report_asset_materialization/patients", {}, ""),
    "forged observation": ("POST", "/report_asset_observation/patients", {}, ""),
    "rebound name": ("POST", "/graphql", {**JSON, "Host": "evil.example:3000"}, BODY),
    "rebound name reads a page": ("GET", "/", {"Host": "evil.example:3000"}, ""),
    "rebound name reads a run": ("GET", "/download_debug/x", {"Host": "evil.example:3000"}, ""),
    "every address": ("GET", "/", {"Host": "0.0.0.0:3000"}, ""),
    "an address of the network": ("GET", "/server_info", {"Host": "192.168.1.5:3000"}, ""),
    "a name that begins like ours": ("GET", "/", {"Host": "127.0.0.1.evil.example"}, ""),
    "a name that ends like ours": ("GET", "/", {"Host": "evil-dagster.clinic.example"}, ""),
    "a user before the name": ("GET", "/", {"Host": "127.0.0.1@evil.example"}, ""),
    "forwarded name": ("GET", "/", {"Host": "evil.example", "X-Forwarded-Host": "127.0.0.1"}, ""),
    "no name": ("GET", "/", {"Host": ""}, ""),
    "frame": ("GET", "/", site("cross-site", "navigate", "iframe"), ""),
    "script": ("GET", "/", site("cross-site", "no-cors", "script"), ""),
    "link to GraphiQL": (
        "GET",
        f"/graphql?query={FORGED}",
        site("cross-site", "navigate", "document", Accept="text/html"),
        "",
    ),
    "link to a run's file": ("GET", "/download_debug/x", site("cross-site", "navigate", "document"), ""),
    "log read by another site": ("GET", "/logs/x", site("cross-site"), ""),
    "report read by another site": ("GET", "/reports/import-20261128-090000-0a1b2c3d.json", site("cross-site"), ""),
    "report in a frame": (
        "GET",
        "/reports/import-20261128-090000-0a1b2c3d.html",
        site("cross-site", "navigate", "iframe"),
        "",
    ),
    "rebound name reads a report": (
        "GET",
        "/reports/import-20261128-090000-0a1b2c3d.html",
        {"Host": "evil.example:3000"},
        "",
    ),
}


@pytest.mark.attack("A page of another web site, or a request that no browser sends")
@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_other_sites_are_refused(attack: tuple[str, str, Mapping[str, str], str], pages: Pages) -> None:
    method, path, headers, body = attack
    answer = pages.client.request(method, path, headers=headers, content=body)
    assert answer.status_code in (400, 403, 405, 415), answer.text
    assert "access-control-allow-origin" not in answer.headers
    assert "evil" not in answer.text


@pytest.mark.parametrize(
    ("names", "status"),
    [
        ((b"127.0.0.1", b"evil.example"), 403),
        ((b"evil.example", b"127.0.0.1"), 403),
        ((b"127.0.0.1",), None),
        ((), 403),
    ],
)
def test_one_host_is_named(names: tuple[bytes, ...], status: int | None) -> None:
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", name) for name in names]}
    refusal = Rules.of(OUTSIDE, "").refusal(scope)
    assert (refusal.status if refusal else None) == status


@pytest.mark.attack("A page of another web site, or a request that no browser sends")
def test_path_that_is_an_address_is_refused() -> None:
    scope = {"type": "http", "method": "GET", "path": "http://evil.example/", "headers": [(b"host", b"127.0.0.1")]}
    refusal = Rules.of(OUTSIDE, "").refusal(scope)
    assert refusal is not None
    assert refusal.status == 400


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:3000",
        "localhost",
        "LOCALHOST:8080",
        "localhost.:3000",
        "[::1]:3000",
        "127.0.0.2",
        "dagster.clinic.example",
    ],
)
def test_own_names_are_let_in(host: str, pages: Pages) -> None:
    assert pages.client.get("/server_info", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": HERE, **site("same-origin", "cors", "empty")},
        {"Origin": OUTSIDE},
        {"Origin": OUTSIDE, "Host": "dagster.clinic.example"},
        {"Content-Type": "application/json; charset=utf-8"},
    ],
    ids=["a program", "the pages", "behind a proxy", "behind a proxy that passes its name on", "with a charset"],
)
def test_people_and_programs_are_let_in(headers: Mapping[str, str], pages: Pages) -> None:
    answer = pages.client.post("/graphql", headers={**JSON, **headers}, content=json.dumps({"query": "{ version }"}))
    assert answer.json()["data"]["version"]


def test_link_in_an_alert_opens_its_page(pages: Pages) -> None:
    answer = pages.client.get("/runs/x", headers=site("cross-site", "navigate", "document"))
    assert answer.status_code == 200
    assert answer.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.fixture
def reports(pages: Pages) -> Path:
    """The folder of reports: two of one run, and what somebody else keeps there."""
    folder = pages.folder / "reports"
    folder.mkdir(exist_ok=True)
    for name in ("import-20261128-090000-0a1b2c3d.html", "import-20261128-090000-0a1b2c3d.json", "notes.html"):
        (folder / name).write_text(name)
    return folder


@pytest.mark.usefixtures("reports")
@pytest.mark.parametrize(("ending", "kind"), [("html", "text/html; charset=utf-8"), ("json", "application/json")])
def test_report_is_shown_beside_the_pages(pages: Pages, ending: str, kind: str) -> None:
    name = f"import-20261128-090000-0a1b2c3d.{ending}"
    answer = pages.client.get(f"/reports/{name}", headers=site("same-origin", "navigate", "document"))
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (200, name, kind)
    assert answer.headers["x-frame-options"] == "DENY"


@pytest.mark.usefixtures("reports")
@pytest.mark.parametrize(
    "name",
    [
        "notes.html",
        "import-20261128-090000-ffffffff.html",
        "",
        "%2e%2e/reports/import-20261128-090000-0a1b2c3d.html",
        "..%2fnotes.html",
        "import-20261128-090000-0a1b2c3d.html%00",
        "import-20261128-090000-0a1b2c3d.html%0a",
        "import-20261128-090000-0a1b2c3d.html/../notes.html",
    ],
)
def test_only_reports_are_shown_of_their_folder(pages: Pages, name: str) -> None:
    answer = pages.client.get(f"/reports/{name}")
    assert "import-20261128" not in answer.text
    assert answer.text != "notes.html"


@pytest.mark.attack("A page of another web site, or a request that no browser sends")
@pytest.mark.parametrize(
    "headers", [{"Origin": EVIL}, {"Origin": "null"}, {"Host": "evil.example"}, site("cross-site")]
)
def test_foreign_web_socket_is_refused(headers: Mapping[str, str], pages: Pages) -> None:
    with (
        pytest.raises(WebSocketDisconnect) as refusal,
        pages.client.websocket_connect("/graphql", subprotocols=["graphql-ws"], headers=dict(headers)),
    ):
        pass
    assert refusal.value.code == 1008


def test_own_web_socket_is_let_in(pages: Pages) -> None:
    headers = {"Origin": HERE, "Host": "127.0.0.1:3000"}
    with pages.client.websocket_connect("/graphql", subprotocols=["graphql-ws"], headers=headers) as socket:
        socket.send_json({"type": "connection_init"})
        assert socket.receive_json() == {"type": "connection_ack"}


LAUNCHES = {
    "launchRun": ("ExecutionParams!", "executionParams: $p", "__typename"),
    "launchMultipleRuns": ("[ExecutionParams!]!", "executionParamsList: $p", "__typename"),
    "launchRunReexecution": ("ExecutionParams!", "executionParams: $p", "__typename"),
    "launchPipelineExecution": ("ExecutionParams!", "executionParams: $p", "__typename"),
    "launchPartitionBackfill": ("LaunchBackfillParams!", "backfillParams: $p", "__typename"),
}
OVERRIDES: Mapping[str, Any] = {
    "the database": {"resources": {"database": {"config": {"url": "postgresql://canary.example/x"}}}},
    "the database as text": 'resources: {database: {config: {url: "postgresql://canary.example/x"}}}',
    "a resource that the assets don't use": {"resources": {"notifier": {"config": {"urls": "json://canary.example"}}}},
    "a resource that there is not": {"resources": {"canary": {"config": "canary.example"}}},
    "the executor": {"execution": {"config": {"broker": "redis://canary.example"}}},
}


@pytest.mark.attack("A launch, or a run's config, that says where data comes from or goes")
@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("launch", LAUNCHES)
@pytest.mark.parametrize("override", OVERRIDES.values(), ids=OVERRIDES)
def test_launch_that_names_what_the_settings_decide_leaves_no_trace(launch: str, override: Any, pages: Pages) -> None:
    kind, argument, wanted = LAUNCHES[launch]
    said: Any = {"selector": PATIENTS, "mode": "default", "runConfigData": override}
    if launch == "launchPartitionBackfill":
        said = {"assetSelection": [{"path": ["patients"]}], "allPartitions": True, "runConfigData": override}
    if kind.startswith("["):
        said = [said]
    answer = pages.ask(f"mutation($p: {kind}) {{ {launch}({argument}) {{ {wanted} }} }}", p=said)
    assert "come from the settings" in answer.text
    assert pages.holds("canary.example") == []


@pytest.mark.attack("A launch, or a run's config, that says where data comes from or goes")
@pytest.mark.usefixtures("untouched")
def test_launch_written_without_variables_is_refused_as_well(pages: Pages) -> None:
    config = '{resources: {database: {config: {url: "canary.example"}}}}'
    answer = pages.ask(
        "mutation { other: launchPartitionBackfill(backfillParams:"
        f' {{assetSelection: [{{path: ["patients"]}}], allPartitions: true, runConfigData: {config}}}) {{ __typename }} }}'
    )
    assert "come from the settings" in answer.text
    assert pages.holds("canary.example") == []


@pytest.mark.attack("A launch, or a run's config, that says where data comes from or goes")
@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("key", ["dagster-k8s/config", "dagster-celery/queue", "ecs/task_overrides", "docker/image"])
def test_tag_that_takes_a_run_elsewhere_is_refused(key: str, pages: Pages) -> None:
    tags = [{"key": key, "value": '{"container_config": {"image": "canary.example"}}'}]
    said = {"selector": PATIENTS, "mode": "default", "runConfigData": {}, "executionMetadata": {"tags": tags}}
    answer = pages.ask("mutation($p: ExecutionParams!) { launchRun(executionParams: $p) { __typename } }", p=said)
    assert "dagster.yaml" in answer.text
    assert pages.holds("canary.example") == []


def test_launch_as_the_launchpad_writes_it_is_let_in(tmp_path: Path) -> None:
    written = "resources:\n  database:\n    config: {}\nexecution:\n  config: {}\nops:\n  patients:\n    config: {allow_empty: false}\n"
    with serving(tmp_path) as pages:
        said = {"selector": PATIENTS, "mode": "default", "runConfigData": written}
        answer = pages.ask("mutation($p: ExecutionParams!) { launchRun(executionParams: $p) { __typename } }", p=said)
        assert answer.json()["data"]["launchRun"]["__typename"] == "LaunchRunSuccess", answer.text


def test_pages_ask_for_the_password_that_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_DAGSTER_PASSWORD", PASSWORD)
    right, wrong = (base64.b64encode(f"anybody:{word}".encode()).decode() for word in (PASSWORD, "wrong"))
    with serving(tmp_path) as pages:
        for header in ({}, {"Authorization": f"Basic {wrong}"}, {"Authorization": "Basic ?"}, {"Authorization": right}):
            refused = pages.client.get("/", headers=header)
            assert (refused.status_code, "Basic" in refused.headers["www-authenticate"]) == (401, True)
            assert PASSWORD not in refused.text
        assert pages.client.get("/", headers={"Authorization": f"Basic {right}"}).status_code == 200
        assert pages.client.get("/server_info").status_code == 200
        forged = pages.client.get(f"/graphql?query={FORGED}", headers={"Authorization": f"Basic {right}"})
        assert forged.status_code == 405


@pytest.mark.parametrize(
    "address",
    ["dagster.clinic.example", "https://user:word@dagster.clinic.example", "https://dagster.clinic.example?a"],
)
def test_address_of_the_pages_that_is_none_is_named(address: str) -> None:
    with pytest.raises(NexusAssetsError, match="NEXUS_DAGSTER_URL") as refusal:
        Rules.of(address, "")
    assert "word" not in str(refusal.value)

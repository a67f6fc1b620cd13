"""What must not be loaded: each bad input gets one clear message that says what to do, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nexus_assets_tests.graph.conftest import Graph, failure, failures

# ruff: noqa: ARG001 - every breakage has the same form, whichever of the two it needs.

Breakage = Callable[[Graph, pytest.MonkeyPatch], None]


def wrong_password(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    url = graph.clinic.url
    user = url.split("//")[1].split(":")[0]
    monkeypatch.setenv("NEXUS_DATABASE_URL", url.replace(url.split(f"{user}:")[1].split("@")[0], "wrong"))


def wrong_database(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_DATABASE_URL", graph.clinic.url.rpartition("/")[0] + "/no_such_database")


def unreachable_database(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_DATABASE_URL", "postgresql://nexus:x@127.0.0.1:1/nexus")


def not_a_postgres_url(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_DATABASE_URL", "mysql://nexus@127.0.0.1/nexus")


def half_the_settings(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEXUS_S3_BUCKET")


def not_a_nexus_database(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    graph.clinic.execute("ALTER TABLE {patients} RENAME TO people")


def migrations_have_not_run(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    graph.clinic.execute("DELETE FROM django_content_type WHERE model = 'imagebatch'")


def column_is_missing(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    graph.clinic.execute("ALTER TABLE {patients} DROP COLUMN health_number")


def column_must_be_filled(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    graph.clinic.execute("ALTER TABLE {patients} ADD COLUMN consent boolean NOT NULL")


def read_only_database(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    name = graph.clinic.url.rpartition("/")[2]
    graph.clinic.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")


def no_exports(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in graph.exports.glob("*.csv"):
        file.unlink()


def no_export_folder(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_EXPORTS", str(graph.exports / "nowhere"))


def corrupt_workbook(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    (graph.exports / "Contacts.csv").unlink()
    (graph.exports / "Contacts.xlsx").write_bytes(b"PK\x03\x04 this is no workbook")


def cut_export(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    file = graph.exports / "Contacts.csv"
    file.write_bytes(file.read_bytes()[:-9])


def heading_is_missing(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    file = graph.exports / "Contacts.csv"
    file.write_text(file.read_text("utf-8").replace("nameLast", "surname"), "utf-8")


REFUSED = {
    wrong_password: "NEXUS_DATABASE_URL",
    wrong_database: "NEXUS_DATABASE_URL",
    unreachable_database: "NEXUS_DATABASE_URL",
    not_a_postgres_url: "where Nexus lives",
    half_the_settings: "NEXUS_S3_BUCKET",
    not_a_nexus_database: "manage.py migrate",
    migrations_have_not_run: "images.imagebatch",
    column_is_missing: "health_number",
    column_must_be_filled: "consent",
    read_only_database: "default_transaction_read_only",
    no_exports: "Contacts",
    no_export_folder: "NEXUS_EXPORTS",
    corrupt_workbook: "Contacts.xlsx",
    cut_export: "Contacts.csv",
    heading_is_missing: "nameLast",
}


@pytest.mark.parametrize("breakage", REFUSED, ids=lambda breakage: breakage.__name__)
def test_bad_input_is_refused_with_what_to_do_and_nothing_is_written(
    breakage: Breakage, graph: Graph, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    breakage(graph, monkeypatch)
    before = graph.clinic.versions()
    monkeypatch.setattr("nexus_assets.graph.entity_assets.RETRIES", 0)
    result = graph.materialize("patients")
    assert not result.success
    said = failure(result, "patients")
    assert REFUSED[breakage] in said
    # A missing ledger shows that nothing of ours was left behind either.
    assert graph.clinic.versions() == before
    assert graph.clinic.value("SELECT to_regnamespace('nexus_assets') IS NULL")
    for row in graph.clinic.exports["Contacts"]:
        assert row["nameLast"] not in said + "".join(capfd.readouterr())


def wrong_keys(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")


def no_such_bucket(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_S3_BUCKET", "no-such-bucket")


def unreachable_bucket(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_S3_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr("nexus_assets.resources.ATTEMPTS", 1)
    monkeypatch.setattr("nexus_assets.graph.entity_assets.RETRY_SECONDS", 0)


REFUSED_BUCKETS = {
    wrong_keys: "AWS_SECRET_ACCESS_KEY",
    no_such_bucket: "NEXUS_S3_BUCKET",
    unreachable_bucket: "NEXUS_S3_ENDPOINT_URL",
}


@pytest.mark.parametrize("breakage", REFUSED_BUCKETS, ids=lambda breakage: breakage.__name__)
def test_a_bucket_that_can_not_be_listed_stops_the_load(
    breakage: Breakage, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert failures(graph.materialize("patients")) == []
    breakage(graph, monkeypatch)
    before = graph.clinic.versions()
    result = graph.materialize("documents")
    assert not result.success
    assert REFUSED_BUCKETS[breakage] in failure(result, "documents")
    assert graph.clinic.versions() == before


@pytest.mark.parametrize("name", ["appointments", "notes", "documents", "image_batches", "images"])
def test_an_entity_whose_parents_were_never_loaded_stops_and_names_the_command(name: str, graph: Graph) -> None:
    before = graph.clinic.versions()
    result = graph.materialize(name)
    assert not result.success
    assert f"dagster asset materialize --select '*{name}'" in failure(result, name)
    assert graph.clinic.versions() == before


def test_the_bucket_of_an_empty_folder_is_no_bucket_of_vanished_files(graph: Graph) -> None:
    """A listing that is suddenly empty stops at the gate instead of marking everything as vanished."""
    contact = graph.clinic.exports["Contacts"][0]["id"]
    for number in range(25):
        graph.clinic.document(contact, "many", number)
    graph.place()
    assert failures(graph.materialize("patients", "documents")) == []
    for file in graph.bucket.folder.rglob("*.pdf"):
        file.unlink()
    result = graph.materialize("documents")
    assert not result.success
    assert "allow_empty" in failure(result, "documents")

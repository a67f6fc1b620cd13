"""The import's role: the rights that the docs give are those that are needed, and what is missing is named before a load needs it."""

from __future__ import annotations

import sys

import pytest
import sqlalchemy as sa

from nexus_assets import cli
from nexus_assets.nexus.connection import make_engine, transaction
from nexus_assets.nexus.grants import missing_statements
from nexus_assets_tests.graph.conftest import Graph, graph  # noqa: F401 - the fixture
from nexus_assets_tests.test_readme import ROLE, as_role  # noqa: F401 - the fixture

pytestmark = pytest.mark.extended


def lacking(graph: Graph) -> list[str]:  # noqa: F811
    """What the role lacks, as it sees it itself."""
    role = sa.make_url(graph.clinic.url).set(username=ROLE, password="choose one")
    with transaction(make_engine(role.render_as_string(hide_password=False)), read_only=True) as cursor:
        return missing_statements(cursor)


def test_nothing_is_missing_after_what_the_docs_say(as_role: Graph) -> None:  # noqa: F811
    assert lacking(as_role) == []


@pytest.mark.parametrize(
    ("revoked", "granted"),
    [
        ("SELECT (id) ON general_contacts", 'GRANT SELECT ("id") ON "general_contacts" TO "nexus_import"'),
        ("UPDATE (appointment_id) ON reminders", 'GRANT UPDATE ("appointment_id") ON "reminders" TO "nexus_import"'),
        ("SELECT ON patients", 'GRANT SELECT ON "patients" TO "nexus_import"'),
        ("INSERT (content) ON notes", 'GRANT INSERT ("content") ON "notes" TO "nexus_import"'),
        (
            "UPDATE (image_count) ON images_batch",
            'GRANT UPDATE ("image_count") ON "images_batch" TO "nexus_import"',
        ),
        ("DELETE ON images_batch", 'GRANT DELETE ON "images_batch" TO "nexus_import"'),
    ],
    ids=["another table's id", "a reference", "a table", "a column", "a count", "deleting"],
)
def test_missing_right_is_named_with_its_grant(as_role: Graph, revoked: str, granted: str) -> None:  # noqa: F811
    as_role.clinic.execute(f"REVOKE {revoked} FROM {ROLE}")
    assert lacking(as_role) == [granted]
    as_role.clinic.execute(granted)
    assert lacking(as_role) == []


def test_table_that_nexus_adds_later_is_named(as_role: Graph) -> None:  # noqa: F811
    as_role.clinic.execute(
        "CREATE TABLE recalls (id uuid PRIMARY KEY, patient_id uuid REFERENCES patients, content text)"
    )
    assert lacking(as_role) == ['GRANT SELECT ("id", "patient_id") ON "recalls" TO "nexus_import"']


@pytest.mark.parametrize(
    ("table", "column"), [("auth_user", "password"), ("letters_patientletter", "content"), ("sms_messages", "body")]
)
def test_role_reads_of_other_tables_ids_and_references_alone(as_role: Graph, table: str, column: str) -> None:  # noqa: F811
    exists = "SELECT count(*) FROM information_schema.columns WHERE table_name = %s"
    assert as_role.clinic.value(exists, table) > 0
    columns = as_role.clinic.values(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
        " AND has_column_privilege(%s, table_name::regclass, column_name::text, 'SELECT')",
        *(table, ROLE),
    )
    assert column not in columns
    assert all(name.endswith("id") for name in columns)


@pytest.mark.parametrize("command", ["status", "plan"])
def test_plan_and_status_print_the_grant_to_run(
    as_role: Graph,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    as_role.load()
    as_role.clinic.execute(f"REVOKE UPDATE (appointment_id) ON reminders FROM {ROLE}")
    _run(command, monkeypatch)
    said = capsys.readouterr()
    assert 'GRANT UPDATE ("appointment_id") ON "reminders" TO "nexus_import";' in said.out + said.err


def test_status_that_may_not_read_says_what_to_grant(
    as_role: Graph,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    as_role.clinic.execute(f"REVOKE SELECT ON notes FROM {ROLE}")
    assert _run("status", monkeypatch) == 2
    assert 'GRANT SELECT ON "notes" TO "nexus_import";' in capsys.readouterr().err


def _run(command: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["nexus-assets", command])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)

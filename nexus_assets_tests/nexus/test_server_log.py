"""What reaches the server's log: nothing of a patient, with the settings that the docs give the role, whatever the server logs."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import sqlalchemy as sa

from nexus_assets.admin import retry
from nexus_assets.admin.reject_workbook import CorrectedRow
from nexus_assets.entities import ENTITIES
from nexus_assets.errors import NexusAssetsError
from nexus_assets.local.postgres import Postgres
from nexus_assets.nexus.connection import make_engine, transaction
from nexus_assets_tests.graph.conftest import Graph, failures, graph  # noqa: F401 - the fixture
from nexus_assets_tests.nexus.test_session import altered
from nexus_assets_tests.test_readme import ROLE, as_role  # noqa: F401 - the fixture

pytestmark = pytest.mark.extended

TALKATIVE = (
    ("log_min_messages", "debug1"),
    ("log_min_error_statement", "debug1"),
    ("log_error_verbosity", "verbose"),
    ("log_statement", "all"),
    ("log_min_duration_statement", "0"),
    ("log_parameter_max_length_on_error", "-1"),
)
CANARY = "Quollbury"


def failing_statements(engine: sa.Engine) -> None:
    """Errors of each kind whose text, statement or detail quotes a value."""
    for statement in (
        f"SELECT '{CANARY}'::date",
        f"INSERT INTO notes (id) SELECT id FROM patients WHERE last_name = '{CANARY}'",
        f"DO $$ BEGIN RAISE EXCEPTION '{CANARY}'; END $$",
        f"DO $$ BEGIN RAISE WARNING '{CANARY}'; END $$",
    ):
        with suppress(NexusAssetsError), transaction(engine) as cursor:
            cursor.execute(statement)


def logged(server: Postgres, since: int) -> int:
    """How many lines of the server's log hold the canary."""
    return server.log.read_text(errors="replace")[since:].count(CANARY)


def test_nothing_of_a_patient_reaches_the_log(as_role: Graph, postgres: Postgres) -> None:  # noqa: F811
    clinic = as_role.clinic
    clinic.note(clinic.contact(CANARY), f"{CANARY} was here.")
    clinic.note(clinic.exports["Contacts"][0]["id"], f"{CANARY} too", Date=f"{CANARY}")
    as_role.place()
    since = len(postgres.log.read_text(errors="replace"))
    role = make_engine(
        sa.make_url(clinic.url).set(username=ROLE, password="choose one").render_as_string(hide_password=False)
    )
    with altered(clinic, *TALKATIVE):
        as_role.materialize()
        failing_statements(role)
    assert logged(postgres, since) == 0
    assert clinic.value("SELECT count(*) FROM patients WHERE last_name = %s", CANARY) == 1


def test_without_those_settings_the_same_reaches_the_log(as_role: Graph, postgres: Postgres) -> None:  # noqa: F811
    """Else the test above could not fail."""
    since = len(postgres.log.read_text(errors="replace"))
    with altered(as_role.clinic, *TALKATIVE):
        failing_statements(make_engine(as_role.clinic.url))
    assert logged(postgres, since) > 0


def test_corrected_rows_go_by_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """No statement holds a word of them, so that no setting of a server can log it."""
    statements: list[str] = []

    class Listening:
        def execute(self, statement: Any, parameters: Any = None) -> None:
            statements.append(f"{statement} {parameters}")

        def copy_expert(self, statement: str, file: Any) -> None:
            statements.append(statement)
            assert CANARY in file.read()

    monkeypatch.setattr(retry, "_faulty", lambda _: {"Note": CANARY})
    row = CorrectedRow("notes", 2, 1, {"Note": CANARY})
    reject = retry._Known(ENTITIES["notes"], "empty_note", {}, True, None, None, False)
    retry._write(Listening(), [(row, reject, {"Note": CANARY})])  # type: ignore[arg-type]
    assert statements
    assert not any(CANARY in statement for statement in statements)

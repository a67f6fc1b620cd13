"""What a check tells of its violators: how many for each reason, and ten of them at most that show every reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from psycopg2.sql import SQL, Composable

from nexus_assets.checks.check import NO_FILES, SAMPLE_ROWS, Check, CheckContext, Finding, violators
from nexus_assets.checks.references import likely_cause
from nexus_assets.checks.run import ask_all
from nexus_assets_tests.checks.clinic import CheckedClinic


@pytest.fixture
def context(database: str) -> Iterator[CheckContext]:
    """A check's context over a database that holds nothing."""
    with closing(psycopg2.connect(database.replace("+psycopg2", ""))) as connection, connection.cursor() as cursor:
        yield CheckContext(cursor, NO_FILES)


def found(context: CheckContext, **reasons: int) -> Finding:
    """Of each reason so many violators, whose ids are numbers of two digits; in disorder."""
    rows = " UNION ALL ".join(
        f"(SELECT to_char(n, 'FM00') AS id, '{reason}' AS reason FROM generate_series(1, {number}) AS n ORDER BY n % 7)"
        for reason, number in reasons.items()
    )
    return violators(context, SQL(rows), next_step="correct it")


def test_as_many_as_a_sample_holds_are_all_in_it_in_order(context: CheckContext) -> None:
    finding = found(context, one=SAMPLE_ROWS)
    assert [row["id"] for row in finding.sample] == [f"{number:02}" for number in range(1, SAMPLE_ROWS + 1)]


def test_a_sample_shows_every_reason_and_no_more_than_it_holds(context: CheckContext) -> None:
    finding = found(context, many=25, few=3)
    assert len(finding.sample) == SAMPLE_ROWS
    assert [(row["reason"], row["id"]) for row in finding.sample[:6]] == [
        (reason, f"0{number}") for number in (1, 2, 3) for reason in ("few", "many")
    ]


def test_all_are_counted_the_most_frequent_reason_first_and_equal_ones_by_name(context: CheckContext) -> None:
    finding = found(context, rare=2, often=25, also=2)
    assert finding.count == 29
    assert [*finding.breakdown.items()] == [("often", 25), ("also", 2), ("rare", 2)]


def test_reasons_and_next_step_are_asked_for_where_there_are_violators_alone(context: CheckContext) -> None:
    asked = []

    def say(_: CheckContext, query: Composable) -> str:
        asked.append(query)
        return "said"

    nobody, one = SQL("SELECT 1 AS id, 'r' AS reason WHERE FALSE"), SQL("SELECT 1 AS id, 'r' AS reason")
    assert violators(context, nobody, say, cause=say).passed
    assert asked == []
    finding = violators(context, one, say, cause=say)
    assert (finding.cause, finding.next_step, asked) == ("said", "said", [one, one])


def test_no_table_is_read_again_for_each_violator(clinic: CheckedClinic) -> None:
    plans = []

    def find(context: CheckContext) -> Finding:
        context.cursor.execute("ANALYZE images_batch, nexus_assets.superseded")
        few = SQL("SELECT 'target_missing' AS reason, object_id::text FROM images_batch WHERE name || 'x' = 'x'")
        likely_cause(context, few)
        context.cursor.execute(b"EXPLAIN " + context.cursor.query)
        plans.extend(context.cursor.fetchall())
        return Finding(0)

    ((_, answer),) = ask_all([Check("images", "asked", "", find)], clinic.engine, NO_FILES)
    assert answer == Finding(0)
    assert "Nested Loop" not in str(plans)
    assert "Join" in str(plans)

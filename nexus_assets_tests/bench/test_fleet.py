"""What docs/scale.md says follows from what was measured, by a straight line, and its tables are those of the command."""

from __future__ import annotations

import re

import pytest

from nexus_assets_tests.bench.fleet import LIST_PRICE, MONTH, PAGE, ROUND_SECONDS, SIZES, Cost, Measured, tables

SMALL, LARGE = Cost(1.0, 4.0, 10, 500, 300), Cost(3.0, 4.0, 30, 500, 300)
MEASURED = Measured((SMALL, LARGE), (SMALL, LARGE), round_seconds=0.3, server_mb=150)


@pytest.mark.parametrize(("size", "seconds"), [(SIZES[0], 1.0), (SIZES[1], 3.0), (sum(SIZES) / 2, 2.0)])
def test_cost_lies_on_the_line_through_both_sizes(size: float, seconds: float) -> None:
    assert MEASURED.at("first", size).database_seconds == pytest.approx(seconds)


def test_what_does_not_grow_costs_the_same_at_any_size() -> None:
    assert MEASURED.at("unchanged", 100).events == 500


def test_no_cost_is_below_none() -> None:
    assert Measured((LARGE, SMALL), (LARGE, SMALL), 0, 0).at("first", 100).database_seconds == 0


def test_thirty_clinics_cost_thirty_times_one() -> None:
    one, thirty = (_cells(number) for number in (1, 30))
    assert thirty[1] == pytest.approx(30 * one[1], rel=0.02)  # requests
    assert thirty[4] == pytest.approx(30 * 0.15)  # memory
    assert thirty[5] == pytest.approx(30 * 0.3 / ROUND_SECONDS)
    requests = MEASURED.at("unchanged", 1).requests * MONTH
    assert thirty[2] == pytest.approx(30 * requests * LIST_PRICE, abs=0.01)


def _cells(number: int) -> list[float]:
    (line,) = (line for line in tables(MEASURED).splitlines() if line.startswith(f"| {number} |"))
    return [float(cell.strip(" $").replace(",", "")) for cell in line.split("|")[2:-1]]


def test_tables_of_the_page_are_those_of_the_command() -> None:
    (written,) = re.findall(r"<!-- begin: fleet -->\n(.*?)\n<!-- end: fleet -->", PAGE.read_text("utf-8"), re.DOTALL)

    def shape(text: str) -> list[str]:
        """Headings whole, of other lines the first cell: what was measured differs."""
        blocks = [block.splitlines() for block in text.split("\n\n")]
        return [line for head, rule, *rows in blocks for line in (head, rule, *(row.split("|")[1] for row in rows))]

    assert shape(written) == shape(tables(MEASURED))

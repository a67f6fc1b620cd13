"""What is changed is what the code means; which changes are tried is told by the seed alone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from nexus_assets_tests.mutation.__main__ import ROOT, chosen
from nexus_assets_tests.mutation.changes import changes
from nexus_assets_tests.mutation.trial import _failed

PYTHON = {
    "a comparison": ("return a <= b", {"return a < b"}),
    "identity": ("return a is not None", {"return a is None"}),
    "a connective": ("return a and b or c", {"return a or b or c", "return a and b and c"}),
    "a negation": ("return not (a)", {"return (a)"}),
    "arithmetic": ("return a + b", {"return a - b"}),
    "a limit": ("return 30", {"return 31"}),
    "a switch": ("f(a, deep=True)", {"f(a, deep=False)", "pass"}),
    "the least": ("return min(a)", {"return max(a)"}),
    "a lock": ("with lock(a):\n        b", {'with __import__("contextlib").nullcontext():\n        b'}),
    "an early end": ("if a:\n        return", {"if False:\n        return"}),
    "a text, its annotation and its docstring": ('"""1 < 2"""\n    a: int | None = "a < b"', set()),
    "statistics": ('cursor.execute(SQL("ANALYZE {}").format(a))', set()),
    "a way to the same rows": ("with without_nested_loops(a):\n        b", set()),
    "a pause": ("time.sleep(1)", set()),
    "a time to wait": ("return f(a, timeout=20)", set()),
    "letters of two bytes before it": ("return f('ü') == b", {"return f('ü') != b"}),
}
SQL = {
    "a comparison": ("SELECT a WHERE b = c", {"SELECT a WHERE b <> c"}),
    "no assignment": ("UPDATE t SET b = c", set()),
    "a null": ("SELECT a IS NULL", {"SELECT a IS NOT NULL"}),
    "the least": ("SELECT min(a)", {"SELECT max(a)"}),
    "a lock": ("SELECT a FOR KEY SHARE OF t", {"SELECT a"}),
    "a negation": ("SELECT NOT a", {"SELECT a"}),
    "a default": ("SELECT coalesce(a, b)", {"SELECT coalesce(b, a)"}),
    "a default of two that are filled in": ("SELECT coalesce({}, {})", set()),
    "an order": ("SELECT a ORDER BY b LIMIT 1", {"SELECT a ORDER BY b DESC LIMIT 1", "SELECT a ORDER BY b LIMIT 1 OFFSET 1"}),
    "a join": ("SELECT a FROM b LEFT JOIN c", {"SELECT a FROM b JOIN c"}),
    "a pattern": ("SELECT a LIKE 'b%'", {"SELECT a ILIKE 'b%'"}),
    "a pattern without letters": ("SELECT a LIKE '%:%'", set()),
    "an index": ("CREATE INDEX a ON b (c) WHERE d IS NULL;", set()),
    "a unique index": ("CREATE UNIQUE INDEX a ON b (c) WHERE d IS NULL;", {"CREATE UNIQUE INDEX a ON b (c) WHERE d IS NOT NULL;"}),
    "a range": ("SELECT a BETWEEN b AND c", set()),
    "a sentence": ("No row is there and this OR that is NOT said of it.", set()),
}  # fmt: skip


def made(folder: Path, name: str, text: str) -> set[str]:
    (folder / name).write_text(text, "utf-8")
    return {each.made_in(text) for each in changes(folder, ".")}


@pytest.mark.parametrize("case", PYTHON)
def test_python_is_changed_by_its_meaning(case: str, tmp_path: Path) -> None:
    before, after = PYTHON[case]
    function = "def f(a, b, c):\n    {}\n".format
    assert made(tmp_path, "code.py", function(before)) == {function(each) for each in after}


@pytest.mark.parametrize("case", SQL)
def test_sql_is_changed_by_its_meaning(case: str, tmp_path: Path) -> None:
    before, after = SQL[case]
    statement = "def f():\n    g(SQL({!r}))\n".format
    assert made(tmp_path, "code.py", statement(before)) - {"def f():\n    pass\n"} == {
        statement(each) for each in after
    }


def test_a_removed_predicate_is_one_of_the_changes(tmp_path: Path) -> None:
    assert "SELECT a WHERE b = c\n" in made(tmp_path, "code.sql", "SELECT a WHERE b = c AND d IS NULL\n")


def test_every_change_of_the_product_is_code() -> None:
    found = changes(ROOT)
    assert len(found) > 5000
    texts = {path: (ROOT / path).read_text("utf-8") for path in {each.path for each in found}}
    for each in chosen(found, 300, 0):
        if each.path.endswith(".py"):
            ast.parse(each.made_in(texts[each.path]))


def test_a_sample_is_told_by_its_seed_and_a_third_of_it_is_sql() -> None:
    found = changes(ROOT)
    sample = chosen(found, 60, 7)
    assert sample == chosen(found, 60, 7)
    assert len({*sample}) == 60
    assert [*sample] != chosen(found, 60, 8)
    assert sum(each.kind == "sql" for each in sample) == 20


SAID = {
    "all passed": ("3 passed in 1.00s\n", ""),
    "one failed": ("FAILED a.py::test_b - assert 1 == 2\n1 failed, 2 passed in 1.00s\n", "a.py::test_b - assert 1 == 2"),
    "one could not begin": ("ERROR tests/test_a.py::test_b\n2 passed, 1 error in 1.00s\n", "tests/test_a.py::test_b"),
    "the shared part broke": ("ImportError while loading conftest 'tests/conftest.py'.\n", "what tests share"),
}  # fmt: skip


@pytest.mark.parametrize("case", SAID)
def test_a_change_is_noticed_by_a_test_that_fails(case: str, tmp_path: Path) -> None:
    said, noticed_by = SAID[case]
    (tmp_path / "log").write_text(said)
    assert _failed(tmp_path / "log") == noticed_by


def test_a_run_without_any_test_counts_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("no tests ran in 0.01s\n")
    with pytest.raises(RuntimeError, match="pytest did not run"):
        _failed(tmp_path / "log")

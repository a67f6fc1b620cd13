"""Numbers of things in a sentence."""

import pytest

from nexus_assets.wording import counted


@pytest.mark.parametrize(("number", "told"), [(0, "0 rows"), (1, "1 row"), (2845, "2,845 rows")])
def test_one_thing_is_no_plural(number: int, told: str) -> None:
    assert counted(number, "row") == told


def test_verb_goes_with_the_number() -> None:
    assert [counted(number, "row is", "rows are") for number in (1, 2)] == ["1 row is", "2 rows are"]

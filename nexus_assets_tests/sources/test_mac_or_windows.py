"""Where a sign may stand, and what proves an apostrophe: by this a text is known to be in Mac Roman or in Windows-1252."""

from __future__ import annotations

import pytest

from nexus_assets.sources.mac_or_windows import (
    _has_case_of_word,
    _is_apostrophe,
    _may_join,
    _sign_may_stand,
    accented_places,
    judge,
)

MAY_STAND = "l·l L·L 1·2 m²; 10m² cm²; )² 5² it’s well—known l’eau O’Brien 1º aº ‘a “a «a …a °a µg a… a” a’ a° a€ a£ a® €5 ¥5 1“a 1”"
MAY_NOT = "a·b ·b a· room² ² a²b m²b Mar’a G—mez ab—cde Lu’i º aºb 1ªb a‚ a„ a• a© ·a ¢a £a ¤1 ¦ ¥ ¥a 1¡ a“ 1“ 1‘ a¬"


@pytest.mark.parametrize(
    ("text", "may"), [*((text, True) for text in MAY_STAND.split()), *((text, False) for text in MAY_NOT.split())]
)
def test_where_a_sign_may_stand(text: str, may: bool) -> None:
    at = next(place for place, char in enumerate(text) if char > "\x7f")
    assert _sign_may_stand(text[:at], text[at], text[at + 1 :]) is may


@pytest.mark.parametrize(
    ("word", "rest", "is_one"),
    [
        ("it", "s", True),
        ("can", "t", True),
        ("cat", "t", False),
        ("we", "ll", True),
        ("I", "m", True),
        ("Luí", "s", False),
        ("Lu", "s", False),
        ("Beck", "s", True),
        ("O", "Brien", True),
        ("Mc O", "Brien", True),
        ("X", "Brien", False),
        ("l", "eau", True),
        ("z", "eau", False),
        ("l", "pau", False),
        ("", "s", False),
        ("it", "", False),
    ],
)
def test_what_proves_an_apostrophe(word: str, rest: str, is_one: bool) -> None:
    assert bool(_is_apostrophe(word, rest)) is is_one


@pytest.mark.parametrize(
    ("word", "sign", "rest", "may"),
    [
        ("abc", "—", "def", True),
        ("ab", "—", "cde", False),
        ("abc", "—", "de", False),
        ("O", "’", "Brien", True),
        ("Mar", "’", "a", False),
        ("L", "’", "eau", True),
        ("x", "’", "eau", False),
        ("x", "’", "ll", True),
    ],
)
def test_what_joins_two_words(word: str, sign: str, rest: str, may: bool) -> None:
    assert _may_join(word, sign, rest) is may


@pytest.mark.parametrize(
    ("two_before", "before", "char", "after", "has"),
    [
        ("", "", "ß", "A", True),
        ("", "a", "é", "b", True),
        ("", "a", "é", "B", False),
        ("A", "B", "é", "b", False),
        ("1", "B", "é", "b", True),
        ("é", "B", "é", "b", False),
        ("", "A", "é", "b", True),
        ("", "", "É", "b", True),
        ("", "a", "É", "b", False),
        ("", "A", "É", "b", False),
        ("A", "B", "É", "C", True),
    ],
)
def test_capitals_and_small_letters_of_a_word(two_before: str, before: str, char: str, after: str, has: bool) -> None:
    assert _has_case_of_word(two_before, before, char, after) is has


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 21])
def test_places_are_the_same_in_whatever_blocks_a_text_comes(size: int) -> None:
    text = b"\x83va Brown,Ren\x8e,Wattle Avenue,No\x91l\x91,gar\x8don"
    blocks = [text[at : at + size] for at in range(0, len(text), size)]
    assert accented_places(blocks) == accented_places([text])
    assert len(accented_places([text])) == 5


@pytest.mark.parametrize(("impossible", "is_neither"), [(0, False), (1, False), (2, True)])
def test_a_tenth_of_impossible_places_is_room_for_typing_errors(impossible: int, is_neither: bool) -> None:
    places = [b"Ren\x8e,%04d" % number for number in range(10 - impossible)]
    places += [b"%04dabc\x81def____" % number for number in range(impossible)]
    verdict = judge([b",".join(places)])
    assert (verdict.places, verdict.is_neither) == (10, is_neither)

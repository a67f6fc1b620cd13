"""Mac Roman or Windows-1252: told apart by which of the two makes text that somebody could have written.

Both read nearly any byte, so validity proves nothing. But "Renée" written as one and read as the other is "RenŽe" or
"RenÈe": a capital in the middle of a word. Each accented place of the text that is possible in one reading and
impossible in the other is a vote; without votes, or with contradicting ones, nothing is decided.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MAC, WINDOWS = "mac_roman", "cp1252"

ENOUGH = 4_000  # different places; more would not change the verdict
_BEFORE, _AFTER = 2, 3

# One-letter words and initials that stand alone in the languages that these encodings serve.
_ALONE = set("àèéåøöÀÈÉÅØÖ")
_NOT_IN_WORDS = set("ƒıªºΩπµ∏∂∑ﬁﬂ")
_SUPERSCRIPTS = set("²³¹")
_PUNCTUATION = set("‘’‚“”„‹›«»–—…•\u00a0¿¡£€¥¢§©®™°·±×÷¼½¾†‡‰")
_NEVER_BETWEEN_LETTERS = set("‚„‹›«»…•¿¡£€¥¢§°±×÷¼½¾†‡‰©")
_NEVER_AFTER_LETTERS = set("‚„‰†‡•¼½¾¤")
"""Signs that open something or stand for themselves: behind a letter they are the accented letters of a DOS code page."""
_ENGLISH = re.compile(r"’(?:ll|ve)\b|(?<=n)’t\b")

_HIGH = re.compile(rb"[\x80-\xff]")

# Letters and punctuation of western Europe, written in UTF-8: the sign that a file holds two encodings.
COMMON_UTF8 = re.compile(rb"\xc3[\x80-\xbf]|\xe2\x80[\x90-\xa6]|\xe2\x82\xac|\xc2[\xa0-\xbf]")


@dataclass(frozen=True)
class Verdict:
    """How many different places of a text speak for each reading, and how many places there are."""

    mac: int
    windows: int
    places: int
    mac_wrong: int
    windows_wrong: int

    @property
    def is_neither(self) -> bool:
        """Whether more places than typing errors explain are impossible in both readings: the text is in a third encoding."""
        return 10 * min(self.mac_wrong, self.windows_wrong) > self.places

    @property
    def codec(self) -> str | None:
        """The reading that the text proves, or None."""
        for codec, votes, against, wrong in (
            (MAC, self.mac, self.windows, self.mac_wrong),
            (WINDOWS, self.windows, self.mac, self.windows_wrong),
        ):
            # A tenth is room for signs that people use in odd places; more means a third encoding, or two in one file.
            if votes > 10 * against and 10 * wrong <= self.places and not self.is_neither:
                return codec
        return None


def judge(blocks: Iterable[bytes]) -> Verdict:
    """Returns what the text's own accented places say; reads no further than it needs."""
    places = accented_places(blocks)
    mac = mac_wrong = windows = windows_wrong = 0
    for place in places:
        as_mac, as_windows = _plausible(place, MAC), _plausible(place, WINDOWS)
        mac += as_mac > as_windows
        windows += as_windows > as_mac
        mac_wrong += as_mac < 0
        windows_wrong += as_windows < 0
    return Verdict(mac, windows, len(places), mac_wrong, windows_wrong)


def accented_places(blocks: Iterable[bytes]) -> set[tuple[bytes, int]]:
    """Returns different surroundings of bytes over 0x7F, at most `ENOUGH`, each with the byte's index in it."""
    places: set[tuple[bytes, int]] = set()
    carry, skip = b"", 0
    for block in blocks:
        data = carry + block
        end = len(data) - _AFTER
        _collect(data, skip, end, places)
        if len(places) >= ENOUGH:
            return places
        start = max(end - _BEFORE, 0)
        carry, skip = data[start:], max(end, 0) - start
    _collect(carry, skip, len(carry), places)
    return places


def _collect(data: bytes, start: int, end: int, places: set[tuple[bytes, int]]) -> None:
    for found in _HIGH.finditer(data, start, max(end, start)):
        at = found.start()
        places.add((data[max(at - _BEFORE, 0) : at + 1 + _AFTER], min(at, _BEFORE)))
        if len(places) >= ENOUGH:
            return


def _plausible(place: tuple[bytes, int], codec: str) -> int:
    """Returns 1 for text that is surely so, 0 for possible, -1 for impossible."""
    data, at = place
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        if error.start == at:
            return -1
        text = data.decode(codec, errors="replace")
    before, char, after = text[at - 1 : at], text[at], text[at + 1 : at + 2]
    if char.isalpha() and char not in _NOT_IN_WORDS:
        return _letter(before, char, after)
    if _ENGLISH.match(text, at) and before.isalpha():
        return 1
    return _sign(before, char, after)


def _letter(before: str, char: str, after: str) -> int:
    if before.isdigit() or after.isdigit():
        return -1
    if not before.isalpha() and not after.isalpha():
        return 0 if char in _ALONE else -1
    if before > "\x7f" and after > "\x7f" and before.isalpha() and after.isalpha():
        return -1  # three in a row: Cyrillic, Greek, or another script of two bytes a letter
    if char.islower():
        return -1 if after.isupper() and char != "ß" else 0
    if before.islower():
        return -1
    return -1 if before.isalpha() and after.islower() else 0


def _sign(before: str, char: str, after: str) -> int:
    between_letters = before.isalpha() and after.isalpha()
    if char in _NEVER_AFTER_LETTERS and (before.isalpha() or (char in "¼½¾¤" and after.isalpha())):
        return -1
    if char in _SUPERSCRIPTS:
        return 0 if before.isalnum() or before == ")" else -1
    if char in "ªº":
        return 0 if before.isalnum() else -1
    if char in _PUNCTUATION:
        if char in "¡“‘" and before.isalnum() and (char == "¡" or not after.isalpha()):
            return -1  # they open something
        if char == "¥" and not after.isdigit():
            return -1  # the bullet of Mac Roman
        return -1 if between_letters and char in _NEVER_BETWEEN_LETTERS else 0
    if char == "µ":
        return 0
    if ord(char) < 0xA0:
        return -1
    return -1 if before.isalnum() or after.isalpha() else 0

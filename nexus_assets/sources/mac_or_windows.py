"""Mac Roman or Windows-1252: told apart by which of the two makes text that somebody could have written.

Both read nearly any byte, and so do dozens of other code pages, so validity proves nothing. But "Renée" written in one and
read in the other is "RenŽe" or "RenÈe", and the Polish "Gdańsk" read in either is "Gdañsk": letters that do not meet in the
languages for which the two were made. Each accented place of the text is looked at in both readings; the reading that
counts has hardly an impossible place, a proof, and no letter that is never at home.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from importlib import resources

MAC, WINDOWS = "mac_roman", "cp1252"

ENOUGH = 4_000  # different places; more would not change the verdict
_BEFORE, _AFTER = 8, 4

EDGE_BEFORE, EDGE_AFTER = "^", "$"

ALONE = set("àèéåøöÀÈÉÅØÖ")
"""One-letter words and initials that stand alone in the languages that these encodings serve."""

_SHARED = set("äöüßéšž")
"""Letters that the related code pages have in the same place."""

_NOT_IN_WORDS = set("ƒıªºΩπµ∏∂∑ﬁﬂ")
_SUPERSCRIPTS = set("²³¹")
_PUNCTUATION = set("‘’‚“”„‹›«»–—…•\u00a0¿¡£€¥¢§©®™°·±×÷¼½¾†‡‰")
_NEVER_BETWEEN_LETTERS = set("‚„‹›«»…•¿¡£€¥¢§°±×÷¼½¾†‡‰©®™")
_BESIDE_SIGNS = set("’‘“”«»–—…°\u00a0")
_AFTER_LETTERS = set("’‘”…–—°ªº®™»\u00a0€£·")
"""Signs that may stand behind a letter; any other one is, there, a letter of another code page."""
_BEFORE_LETTERS = set("’‘“–—«\u00a0…·°")
_OPENS_A_CELL = set(' "\t,;\r\n')

_ENGLISH = re.compile(
    r"it|he|she|that|what|there|who|here|let|where|how|today|patient|doctor|mother|"
    r"father|wife|husband|son|daughter|wait|no|yes|ok|then|pain|and|but|so|i"
)
"""Words behind which an apostrophe or an ellipsis can be nothing else."""

_ENDINGS = re.compile(r"s|t|d|m|ll|ve|re|n|em|am|er")
_ELIDED = re.compile(
    r"o|d|l|m|j|n|s|t|c|qu|un|all|dall|dell|nell|sull|quest|bell|sant|lorsqu|jusqu|puisqu|quelqu|aujourd|al|el|entr"
)
"""What stands after an apostrophe in English, and before one in French, Italian and Catalan."""

_HIGH = re.compile(rb"[\x80-\xff]")
_WORD_BEFORE, _WORD_AFTER = re.compile(r"[^\W\d_]*\Z"), re.compile(r"[^\W\d_]*")

# Letters and punctuation of western Europe, written in UTF-8: the sign that a file holds two encodings.
COMMON_UTF8 = re.compile(rb"\xc3[\x80-\xbf]|\xe2\x80[\x90-\xa6]|\xe2\x82\xac|\xc2[\xa0-\xbf]")


class Look(IntEnum):
    """What one place looks like in one reading."""

    IMPOSSIBLE = -1
    POSSIBLE = 0
    PROOF = 1
    CERTAIN = 2


@dataclass(frozen=True)
class Verdict:
    """The reading that a text proves, or None; how many different places speak for each, and how many places there are."""

    codec: str | None
    mac: int
    windows: int
    places: int
    is_neither: bool
    """Whether more places than typing errors explain are impossible in both readings: the text is in a third encoding."""


def judge(blocks: Iterable[bytes]) -> Verdict:
    """Returns what the text's own accented places say; reads no further than it needs."""
    places = [*accented_places(blocks)]
    looks = {codec: [_look(place, codec) for place in places] for codec in (MAC, WINDOWS)}
    mac = sum(map(_speaks_for, looks[MAC], looks[WINDOWS]))
    windows = sum(map(_speaks_for, looks[WINDOWS], looks[MAC]))
    codec = None
    # A tenth is room for signs that people use in odd places; more means a third encoding, or two in one file.
    for reading, votes, against in ((MAC, mac, windows), (WINDOWS, windows, mac)):
        if votes > 10 * against and _is_at_home(places, looks[reading], reading):
            codec = reading
    wrong = min(each.count(Look.IMPOSSIBLE) for each in looks.values())
    return Verdict(codec, mac, windows, len(places), 10 * wrong > len(places))


def _speaks_for(look: Look, other: Look) -> bool:
    return look > other and (other is Look.IMPOSSIBLE or look is Look.CERTAIN)


def _is_at_home(places: list[tuple[bytes, int]], looks: list[Look], codec: str) -> bool:
    """Whether a reading explains the text as a whole, and each of its letters.

    A text in a related code page (Windows-1250 for Windows-1252) has most letters in common with it: those that it does not
    share are nowhere at home, or always where they can be others.
    """
    wrong = looks.count(Look.IMPOSSIBLE)
    if 10 * wrong > len(places):
        return False
    letters: dict[str, Counter[Look]] = defaultdict(Counter)
    for (data, at), look in zip(places, looks, strict=True):
        char = data[at : at + 1].decode(codec, errors="replace").lower()
        if char.isalpha() or char in "®™«»ªº\u00a0":
            letters[char][look] += 1
    unproved = [each for char, each in letters.items() if char not in _SHARED and not each[Look.PROOF]]
    if any(each[Look.IMPOSSIBLE] > max(each[Look.POSSIBLE], len(places) / 50) for each in unproved):
        return False
    possible = sum(each[Look.POSSIBLE] for each in letters.values())
    if possible >= 8 and 20 * wrong <= len(places):
        return True  # that so many fit by chance does not happen
    doubts = sum(each[Look.POSSIBLE] for each in unproved)
    own_proofs = sum(each[Look.PROOF] for char, each in letters.items() if char not in _SHARED)
    return max(looks) >= Look.PROOF and (
        5 * doubts < len(places) or doubts <= own_proofs or (len(places) >= 10 and 3 * doubts <= len(places))
    )


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


@lru_cache(maxsize=1)
def _neighbours() -> Mapping[str, Mapping[str, str]]:
    """What `western_letters.tsv` holds, by letter and the one before it: the columns of its row.

    Counted in the word lists of wordfreq (https://github.com/rspeer/wordfreq; the lists: CC BY-SA 4.0) for thirteen western
    languages and in invented names; it holds neighbours of letters, no word and no frequency. "Doubtful" is what also comes about,
    less than ten times more seldom, where words in another code page are read in this one.
    """
    found: dict[str, Mapping[str, str]] = {}
    text = (resources.files("nexus_assets.sources") / "western_letters.tsv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines(), delimiter="\t"):
        found[row["letter"] + row["before"]] = {
            "": row["after"],
            WINDOWS: row["doubtful_in_windows"],
            MAC: row["doubtful_in_mac"],
        }
    return found


def _look(place: tuple[bytes, int], codec: str) -> Look:
    data, at = place
    text = data.decode(codec, errors="replace")  # both have one character a byte
    char, before, after = text[at], text[at - 1 : at], text[at + 1 : at + 2]
    if char == "\ufffd" or not (_fits_beside(before) and _fits_beside(after)):
        return Look.IMPOSSIBLE
    if char.isalpha() and char not in _NOT_IN_WORDS:
        look = _letter(text[at - 2 : at - 1] if at > 1 else "", before, char, after, codec)
        # Words of two letters are too short a proof: two bytes of Chinese look like them.
        is_short = len(_word(_WORD_BEFORE.search(text[:at])) + _word(_WORD_AFTER.match(text[at + 1 :]))) < 2
        return min(look, Look.POSSIBLE) if is_short else look
    return _sign(text[:at], char, text[at + 1 :])


def _fits_beside(other: str) -> bool:
    return other <= "\x7f" or other.isalpha() or other in _BESIDE_SIGNS


def _letter(two_before: str, before: str, char: str, after: str, codec: str) -> Look:
    in_word = before.isalpha() or after.isalpha()
    if not in_word and not (before.isdigit() or after.isdigit()):
        return Look.POSSIBLE if char in ALONE else Look.IMPOSSIBLE
    if not in_word or before.isdigit() or after.isdigit() or not _has_case_of_word(two_before, before, char, after):
        return Look.IMPOSSIBLE
    if before > "\x7f" and after > "\x7f" and before.isalpha() and after.isalpha():
        return Look.IMPOSSIBLE  # three in a row: Cyrillic, Greek, or another script of two bytes a letter
    found = _neighbours().get(char.lower() + (before.lower() if before.isalpha() else EDGE_BEFORE))
    next_one = after.lower() if after.isalpha() else EDGE_AFTER
    if found is None or next_one not in found[""]:
        return Look.IMPOSSIBLE
    in_capitals = char.isupper() and (before.isupper() or after.isupper()) and char.lower() not in "öüé"
    return Look.POSSIBLE if in_capitals or next_one in found[codec] else Look.PROOF


def _has_case_of_word(two_before: str, before: str, char: str, after: str) -> bool:
    """A capital does not stand within a word, nor a small letter within capitals."""
    if char == "ß":
        return True
    if char.islower():
        within_capitals = before.isupper() and (two_before.isalpha() or two_before > "\x7f")
        return not after.isupper() and not within_capitals
    return not before.islower() and not (before.isalpha() and after.islower())


def _sign(text_before: str, char: str, text_after: str) -> Look:
    before, after = text_before[-1:], text_after[:1]
    if not _sign_may_stand(text_before, char, text_after):
        return Look.IMPOSSIBLE
    word = _word(_WORD_BEFORE.search(text_before))
    opens_a_cell = not before or before in _OPENS_A_CELL
    proved = {
        "’": _is_apostrophe(word, _word(_WORD_AFTER.match(text_after))),
        "…": _ENGLISH.fullmatch(word.lower()),
        "°": before.isdigit(),
        "“": opens_a_cell and after.isalpha() and (before == " " or after.isupper()),
        "”": before in (".", ",", "!", "?"),
        **dict.fromkeys("–—•", opens_a_cell and after == " "),
        **dict.fromkeys("€£", before.isdigit() or after.isdigit()),
    }
    if not proved.get(char):
        return Look.POSSIBLE
    return Look.CERTAIN if char == "’" else Look.PROOF


def _sign_may_stand(text_before: str, char: str, text_after: str) -> bool:
    before, after = text_before[-1:], text_after[:1]
    if char == "·":
        return not (before.isalpha() or after.isalpha()) or (before.lower(), after.lower()) == ("l", "l")  # Catalan
    if char in _SUPERSCRIPTS:
        footnote = before.isalpha() and text_before[-3:-2].isalpha()
        return (before.isalnum() or before == ")") and not after.isalpha() and not footnote
    if before.isalpha() and after.isalpha() and char in "’–—":
        return _may_join(_word(_WORD_BEFORE.search(text_before)), char, _word(_WORD_AFTER.match(text_after)))
    if char in "ªº":
        return before.isalnum() and not after.isalpha()
    if (before.isalpha() and char not in _AFTER_LETTERS) or (after.isalpha() and char not in _BEFORE_LETTERS | {"µ"}):
        return False
    if char in "¤¦" or (char == "¥" and not after.isdigit()):
        return False  # nobody types the first two; the third is the bullet of Mac Roman
    if char in _PUNCTUATION:
        opens = char in "¡“‘" and before.isalnum() and (char == "¡" or not after.isalpha())
        return not opens and not (before.isalpha() and after.isalpha() and char in _NEVER_BETWEEN_LETTERS)
    return char == "µ" or (ord(char) >= 0xA0 and not before.isalnum() and not after.isalpha())


def _may_join(word: str, char: str, rest: str) -> bool:
    """Whether two words are written so with a dash or an apostrophe between them: "Mar’a" and "G—mez" are María and Gómez."""
    if char != "’":
        return min(len(word), len(rest)) > 2
    return rest[0].isupper() or bool(_ENDINGS.fullmatch(rest.lower()) or _ELIDED.fullmatch(word.lower()))


def _is_apostrophe(word: str, rest: str) -> bool:
    """Whether what stands around an apostrophe is English, Irish, French or Italian: `it’s`, `O’Brien`, `l’eau`."""
    if not (word and rest and word.isascii() and rest.isascii()):
        return False
    if rest.lower() in ("ll", "ve", "re") or (rest.lower() == "t" and word.lower().endswith("n")):
        return True
    if rest in ("s", "d", "m") and _ENGLISH.fullmatch(word.lower()):
        return True
    if rest == "s":
        return word[-1] not in "aeiourlsnt"  # "Luís" and "París" in Mac Roman are "Lu’s" and "Par’s" in Windows-1252
    if rest[0].isupper():
        return word in ("O", "D", "d", "l") or word.endswith((" O", " D"))
    return word in ("l", "d", "j", "qu", "n", "s", "c", "L", "D", "J", "C") and rest[0] in "aeiouyh"


def _word(found: re.Match[str] | None) -> str:
    return found.group() if found else ""

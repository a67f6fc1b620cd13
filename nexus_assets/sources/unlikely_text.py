"""Bytes that are valid ASCII or UTF-8 and yet another encoding: shift sequences, UTF-7, EBCDIC, a chance sequence of UTF-8."""

from __future__ import annotations

import base64
import codecs
import re
import unicodedata
from collections.abc import Iterable, Iterator

from nexus_assets.sources.mac_or_windows import ALONE

_ISO_2022 = re.compile(rb"\x1b[$(]|\x0e[!-~]+\x0f")
_HZ = re.compile(rb"~\{(?:[!-~]{2})+~\}")
_SHIFTED = re.compile(rb"\+([A-Za-z0-9+/]*)")

_WORDS = re.compile(r"[^\W\d_]*[^\x00-\x7f][^\W\d_]*")
_ENOUGH_WORDS = 5
_RARE = re.compile(
    r"[\u0132\u0133\u0138\u0149\u017f-\u0217\u021c-\u02ff\u03d0-\u03ff\u0460-\u048f\u0500-\u05cf\u0700-\u07ff]"
)
"""Ligatures, phonetic signs and scripts in which hardly any clinic writes; two bytes of Chinese or Korean are often these."""

_MIXED = {"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "MODIFIER", "FEMININE", "MASCULINE"}
"""Scripts of which one word may have several."""

_GLOTTAL_STOPS = dict.fromkeys(map(ord, "\u02bb\u02bc\u02be\u02bf"))
"""Letters of Polynesian and transcribed Arabic names, beside letters of ASCII."""


def shifted(data: bytes) -> str:
    """Returns the name of the encoding that ASCII bytes carry in shift sequences, or ''."""
    if (b"\x1b" in data or b"\x0e" in data) and _ISO_2022.search(data):
        return "ISO-2022"
    if b"~{" in data and _HZ.search(data):
        return "HZ"
    return "UTF-7" if b"+" in data and _is_utf7(data) else ""


def _is_utf7(data: bytes) -> bool:
    """In UTF-7 every plus sign begins letters in base 64, or is written `+-`."""
    runs = {found[1] for found in _SHIFTED.finditer(data) if not data.startswith(b"-", found.end()) or found[1]}
    return bool(runs) and all(map(_holds_letters, runs))


def _holds_letters(run: bytes) -> bool:
    size = len(run) * 6 // 16 * 2
    if not size or run.isdigit() or len(run) * 6 % 16 >= 6:
        return False
    whole = base64.b64decode(run + b"A" * (-len(run) % 4))
    text = whole[:size].decode("utf-16-be", errors="replace")
    return not any(whole[size:]) and all(char > "\x7f" and unicodedata.category(char)[0] in "LMPS" for char in text)


def is_ebcdic(start: bytes) -> bool:
    """Whether a text has neither delimiters nor blanks of ASCII, but those of EBCDIC, and hardly a letter of ASCII."""
    if len(start) < 8 or any(byte in start for byte in b" ,;\t"):
        return False
    return 2 * sum(byte > 0x80 for byte in start) > len(start) and (b"\x6b" in start or b"\x05" in start)


def is_chance_utf8(blocks: Iterable[bytes]) -> bool:
    """Whether the only words of a text that are not ASCII, a few, are what nobody writes: other encodings can be valid UTF-8."""
    words: set[str] = set()
    for text in _lines(blocks):
        for word in _WORDS.finditer(text):
            if _is_written(word.group(), text[word.start() - 1 : word.start()], text[word.end() :][:1]):
                return False
            words.add(word.group())
            if len(words) > _ENOUGH_WORDS:
                return False
    return bool(words)


def _lines(blocks: Iterable[bytes]) -> Iterator[str]:
    """The text in pieces that end with lines, more or less: whole words."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")
    carry = ""
    for block in blocks:
        carry += decoder.decode(block)
        end = max(carry.rfind(mark) for mark in "\r\n,;\t ") + 1
        yield carry[:end]
        carry = carry[end:]
    yield carry


def _is_written(word: str, before: str, after: str) -> bool:
    if len(bare := word.translate(_GLOTTAL_STOPS)) > 1 and bare.isascii():
        return True
    if _RARE.search(word):
        return False
    if not word.isalpha():
        return len(word) > 1 or word > "\u07ff" or before.isalnum() or " " in (before, after)
    scripts = {unicodedata.name(char, "?").partition(" ")[0] for char in word}
    if len(scripts) > 1 and not scripts <= _MIXED:
        return False
    return len(word) > 1 or word in ALONE or word > "\u07ff"

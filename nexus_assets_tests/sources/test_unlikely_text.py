"""What is valid ASCII or UTF-8 and yet another encoding is known by its marks, and nothing else is taken for it."""

from __future__ import annotations

import pytest

from nexus_assets.sources.unlikely_text import is_chance_utf8, is_ebcdic, shifted


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"Zo+AOs-, Ren+AOk", "UTF-7"),
        (b"a +- b, Zo+AOs-", "UTF-7"),
        (b"a +- b", ""),
        (b"no sign", ""),
        (b"phone +000-111", ""),
        (b"phone +61 412 345 678", ""),
        (b"Zo+AOs-, 1 + 1", ""),
        (b"bits left over: +AOt-", ""),
        (b"a letter too many: +AOsA-", ""),
        (b"no letter: +AKA-", ""),
        (b"ASCII: +AEE-", ""),
        (b"\x1b$B%3%s\x1b(B", "ISO-2022"),
        (b"\x0eabc\x0f", "ISO-2022"),
        (b"\x0eabc", ""),
        (b"\x1babc", ""),
        (b"~{VPND~}", "HZ"),
        (b"~{VPN~}", ""),
    ],
)
def test_shift_sequences(data: bytes, encoding: str) -> None:
    assert shifted(data) == encoding


@pytest.mark.parametrize(
    ("start", "is_one"),
    [
        ("NAME,DOB".encode("cp037"), True),
        ("NAME\tDOB".encode("cp037"), True),
        ("NAME,DO".encode("cp037"), False),
        ("NAME;DOB".encode("cp037"), False),
        ("NAME,DOB".encode("cp037") + b" ", False),
        ("NAME,DOB".encode("cp037") + b"abcdef", False),
        ("NAME,DOB".encode("cp037") + b"abcde", True),
        ("NAME,DOB".encode("cp037") + bytes([0x80] * 6), False),
        ("Привет,мир".encode("koi8-r"), False),
        (b"NAME,DOB", False),
    ],
)
def test_ebcdic(start: bytes, is_one: bool) -> None:
    assert is_ebcdic(start) is is_one


@pytest.mark.parametrize(
    ("text", "by_chance"),
    [
        ("plain", False),
        ("Zoë", False),
        ("\u0250\u0251", True),
        ("\u0250\u0251, Zoë", False),
        (", ".join("\u0250" + letter for letter in "\u0251\u0252\u0253\u0254\u0255"), True),
        (", ".join("\u0250" + letter for letter in "\u0251\u0252\u0253\u0254\u0255\u0256"), False),
        (", ".join(["\u0250\u0251"] * 20), True),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_few_words_that_nobody_writes(text: str, by_chance: bool, size: int) -> None:
    data = text.encode()
    assert is_chance_utf8(data[at : at + size] for at in range(0, len(data), size)) is by_chance

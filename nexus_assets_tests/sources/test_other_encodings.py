"""Exports in some eighty encodings, by names of fitting languages: each is read right or refused, none wrong."""

from __future__ import annotations

import sys
from collections import Counter

import pytest

from nexus_assets.errors import NexusAssetsError
from nexus_assets.sources.filemaker import ReadSettings
from nexus_assets_tests.sources.conftest import Exports
from nexus_assets_tests.sources.languages import export

CENTRAL = ("polish", "czech", "hungarian", "romanian", "croatian")
WESTERN = ("english", "french", "german", "spanish", "portuguese", "italian", "nordic", "icelandic", "finnish")
BALTIC, CYRILLIC = ("baltic", "estonian"), ("russian", "ukrainian")

LANGUAGES = {
    CENTRAL: ("cp1250", "iso8859-2", "cp852", "mac_latin2"),
    ("romanian",): ("iso8859-16", "mac_romanian"),
    ("croatian",): ("mac_croatian",),
    ("turkish",): ("cp1254", "iso8859-9", "iso8859-3", "cp857", "mac_turkish"),
    BALTIC: ("cp1257", "iso8859-13", "iso8859-4"),
    ("baltic",): ("cp775",),
    ("french", "german", "spanish", "italian", "nordic"): ("cp437", "cp850", "cp858"),
    ("portuguese",): ("cp860",),
    ("icelandic",): ("cp861", "mac_iceland"),
    ("french",): ("cp863", "utf-32", "utf-32-le"),
    ("nordic",): ("cp865",),
    ("french", "german", "finnish"): ("iso8859-15",),
    ("icelandic", "nordic"): ("iso8859-10",),
    ("greek",): ("cp737", "cp869", "cp1253", "iso8859-7", "mac_greek"),
    CYRILLIC: ("cp1251", "cp866", "koi8-u", "iso8859-5", "mac_cyrillic", "cp855"),
    ("hebrew",): ("cp1255", "iso8859-8", "cp862"),
    ("arabic",): ("cp1256", "iso8859-6"),
    ("thai",): ("cp874",),
    ("vietnamese",): ("cp1258",),
    ("japanese",): ("shift_jis", "cp932", "euc_jp", "iso2022_jp"),
    ("chinese", "taiwanese"): ("gb18030",),
    ("chinese",): ("gb2312", "hz"),
    ("taiwanese",): ("big5",),
    ("korean",): ("euc_kr", "cp949", "johab", "iso2022_kr"),
    ("french", "polish", "russian", "greek", "japanese", "chinese"): ("utf-7",),
    ("french", "german"): ("cp037", "cp500"),
}
OTHERS = {codec: languages for languages, codecs in LANGUAGES.items() for codec in codecs}
OURS = {
    "utf-8": (*WESTERN, *CENTRAL, *BALTIC, *CYRILLIC, "turkish", "greek", "japanese", "chinese", "korean", "arabic", "hebrew"),
    **dict.fromkeys(("utf-16-le", "utf-16-be"), ("french", "russian", "japanese", "chinese")),
    **dict.fromkeys(("cp1252", "mac_roman"), WESTERN),
}  # fmt: skip


def outcomes(exports: Exports, codec: str, languages: tuple[str, ...], files: int) -> Counter[str]:
    """How many of so many exports are right, refused or wrong; an export that is refused has an advice."""
    found: Counter[str] = Counter()
    for number in range(files):
        text = export(languages[number % len(languages)], codec, number)
        if text is None:
            continue
        exports.put("Notes.csv", text.encode(codec))
        try:
            read = b"".join(exports.open(wanted=("id", "by", "Note")).blocks()).decode()
        except NexusAssetsError as error:
            found["refused" if "(UTF-8)" in str(error) else "refused without advice"] += 1
        else:
            _, *lines = text.splitlines()
            found["right" if read.splitlines() == lines else "wrong"] += 1
    return found


@pytest.mark.parametrize("codec", OTHERS)
def test_a_text_in_another_encoding_is_never_read_wrong(exports: Exports, codec: str) -> None:
    found = outcomes(exports, codec, OTHERS[codec], 12)
    assert set(found) <= {"right", "refused"}
    assert found


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_of_a_hundred_files_of_each_encoding_none_is_read_wrong(exports: Exports) -> None:
    table = {codec: outcomes(exports, codec, languages, 100) for codec, languages in {**OTHERS, **OURS}.items()}
    lines = [f"\n{'encoding':14}{'files':>7}{'right':>7}{'refused':>9}{'wrong':>7}"]
    for codec, found in table.items():
        lines.append(f"{codec:14}{found.total():7}{found['right']:7}{found['refused']:9}{found['wrong']:7}")
    sys.stdout.write("\n".join(lines))
    assert {codec for codec, found in table.items() if found["wrong"]} == set()
    assert min(found.total() for found in table.values()) >= 60


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-16-be"])
def test_unicode_is_always_read(exports: Exports, codec: str) -> None:
    assert set(outcomes(exports, codec, OURS[codec], 60)) == {"right"}


@pytest.mark.parametrize("codec", ["cp1252", "mac_roman"])
def test_the_old_encodings_are_read_but_for_words_that_prove_nothing(exports: Exports, codec: str) -> None:
    found = outcomes(exports, codec, WESTERN, 90)
    assert found["wrong"] == 0
    assert found["refused"] <= 9


ENGLISH = (
    "café", "Zoë", "Renée", "José", "it’s", "doesn’t", "patient’s", "she’ll", "can’t walk", "O’Brien", "38°C", "“Stop.”",
    "wait… no", "5 – 7 mm", "• feet", "Chloë", "fiancée", "André", "the doctor’s note", "we’ve",
)  # fmt: skip


@pytest.mark.parametrize("codec", ["cp1252", "mac_roman"])
@pytest.mark.parametrize("text", ENGLISH)
def test_an_english_export_with_a_single_sign_or_accent_is_read(exports: Exports, text: str, codec: str) -> None:
    rows = [f'{number},"seen today, plain"\r' for number in range(400)]
    exports.put("Notes.csv", "".join(["id,Note\r", *rows, f'401,"note: {text}, all well"\r']).encode(codec))
    assert f"note: {text}, all".encode() in b"".join(exports.open(wanted=("id", "Note")).blocks())


@pytest.mark.parametrize(
    ("codec", "words"), [("utf-7", "UTF-7"), ("iso2022_jp", "ISO-2022"), ("hz", "HZ"), ("cp037", "EBCDIC"), ("utf-32", "UTF-32")]
)  # fmt: skip
def test_what_is_recognised_is_named(exports: Exports, codec: str, words: str) -> None:
    name = "田中" if codec == "iso2022_jp" else "王芳" if codec == "hz" else "Zoë Müller"
    exports.put("Notes.csv", f"id,Note\r1,{name}\r2,plain\r".encode(codec))
    with pytest.raises(NexusAssetsError, match=f"is in {words}, which is not read"):
        b"".join(exports.open(wanted=("id", "Note")).blocks())


@pytest.mark.parametrize(
    "text", ["+61 2 9999", "+61412345678", "B+ or A+/B-", "left+right", "1+1=2, O+AB-", "C++", "~{x}", "+"]
)
def test_plus_signs_are_no_utf7(exports: Exports, text: str) -> None:
    exports.put("Notes.csv", f'id,Note\r1,"{text}"\r'.encode())
    assert text.encode() in b"".join(exports.open(wanted=("id", "Note")).blocks())


def test_chinese_that_happens_to_be_valid_utf8_is_not_read_as_that(exports: Exports) -> None:
    data = "id,Note\r1,牵头\r".encode("gb2312")
    data.decode("utf-8")
    exports.put("Notes.csv", data)
    with pytest.raises(NexusAssetsError, match="nobody writes them so"):
        b"".join(exports.open(wanted=("id", "Note")).blocks())
    assert b"".join(exports.open(settings=ReadSettings(encoding="gb18030")).blocks()) == "1,牵头\r".encode()

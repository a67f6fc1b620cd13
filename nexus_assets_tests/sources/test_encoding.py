"""Which encoding a text is in: proved by what it holds, or asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from nexus_assets.errors import NexusAssetsError
from nexus_assets.sources.encoding import settle
from nexus_assets.sources.filemaker import ReadSettings
from nexus_assets.sources.mac_or_windows import accented_places
from nexus_assets.sources.unlikely_text import is_chance_utf8
from nexus_assets_tests.sources.conftest import Exports, records
from nexus_assets_tests.sources.writers import csv_file, tab_file

# What clinics write; every line is possible in both old encodings, and proves the one that it is in.
PROOFS = [
    "Renée",
    "Zoë",
    "Müller",
    "François",
    "Þórður",
    "Bjørn Ærø",
    "RENÉE DÜRR",
    "O’Brien doesn’t",
    "can’t",
    "says “Stop.”",
    "38°C",
    "• feet",
    "wait… no",
    "l’été à Besançon",
    "5 – 7 mm",
    "GROSSE STRAßE, Köln",
]
# What can be read both ways.
DOUBTS = ["Mary’s", "señora", "says “stop”.", "Miloš", "Luís", "— —"]


def fits(text: str, codec: str) -> bool:
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def lines(texts: list[str]) -> Iterator[object]:
    for text in texts:
        for codec, label in (("mac_roman", "Mac Roman"), ("cp1252", "Windows-1252")):
            if fits(text, codec):
                yield pytest.param(text, codec, label, id=f"{text} in {label}")


@pytest.mark.parametrize(("text", "codec", "label"), [*lines(PROOFS)])
def test_the_text_proves_its_encoding(exports: Exports, text: str, codec: str, label: str) -> None:
    exports.put("Notes.csv", csv_file([("id", "Note"), ("1", f"plain, {text}, plain")], encoding=codec))
    export = exports.open(wanted=("id", "Note"))
    assert records(export) == [("1", f"plain, {text}, plain")]
    assert export.facts.encoding == label


@pytest.mark.parametrize(("text", "codec", "label"), [*lines(DOUBTS)])
def test_a_text_that_can_be_read_both_ways_is_never_read_wrong(
    exports: Exports, text: str, codec: str, label: str
) -> None:
    exports.put("Notes.csv", csv_file([("id", "Note"), ("1", text)], encoding=codec))
    export, told = None, ""
    try:
        export = exports.open(wanted=("id", "Note"))
    except NexusAssetsError as error:
        told = str(error)
    if export is None:
        assert re.search(r"proves neither Mac Roman nor Windows-1252.* or set NEXUS_EXPORT_ENCODING", told)
    else:
        assert (records(export), export.facts.encoding) == ([("1", text)], label)
    assert records(exports.open(settings=ReadSettings(encoding=codec))) == [("1", text)]


@pytest.mark.parametrize("codec", ["utf-8", "mac_roman", "cp1252"])
def test_the_first_accented_letter_may_come_late(exports: Exports, codec: str) -> None:
    rows = [("id", "Note"), *[("1", "plain text " * 10)] * 6_000, ("2", "Renée Müller’s"), ("3", "Zoë")]
    exports.put("Notes.csv", csv_file(rows, encoding=codec))
    export = exports.open(wanted=("id", "Note"))
    assert export.facts.encoding_why == "plain ASCII throughout"
    assert records(export)[-2:] == [("2", "Renée Müller’s"), ("3", "Zoë")]
    assert export.facts.encoding_why != "plain ASCII throughout"


@pytest.mark.parametrize(
    ("first", "second"),
    [("utf-8", "cp1252"), ("cp1252", "utf-8"), ("utf-8", "mac_roman"), ("mac_roman", "utf-8"), ("utf-8", "utf-16-le")],
)
@pytest.mark.parametrize("between", [0, 6_000], ids=["at once", "far apart"])
def test_two_encodings_in_one_file_are_refused(exports: Exports, first: str, second: str, between: int) -> None:
    exports.put(
        "Notes.csv",
        csv_file([("id", "Note"), ("1", "Renée"), *[("2", "plain text " * 10)] * between], encoding=first)
        + csv_file([("3", "François")], encoding=second),
    )
    with pytest.raises(NexusAssetsError, match=r"byte [\d,]+"):
        records(exports.open(wanted=("id", "Note")))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"id,Note\r1,a\0b\r", "holds a NUL character at byte 12"),
        (b"\xef\xbb\xbfid,Note\r1,a\0b\r", "holds a NUL character at byte 15"),
        (b"\xef\xbb\xbfid,Note\r1,\xed\xa0\x80\r", "byte 14 is no UTF-8"),
        ("id,Note\r1,é\r".encode() + b"2,\xff\r", "byte 16"),
        (b"\xff\xfe" + "id,Note\r1,".encode("utf-16-le") + b"\x00\xd8" + "\r".encode("utf-16-le"), "byte 23"),
        ("id,Note\r1,é".encode()[:-1], "the file may be cut"),
    ],
    ids=["NUL", "NUL after a mark", "lone surrogate", "invalid byte", "lone surrogate in UTF-16", "cut character"],
)
def test_what_is_no_text_is_refused_with_its_place(exports: Exports, data: bytes, words: str) -> None:
    exports.put("Notes.csv", data)
    with pytest.raises(NexusAssetsError, match=words):
        records(exports.open(wanted=("id", "Note")))


@pytest.mark.parametrize("setting", ["hex", "klingon", "utf-7", "cp037", ""])
def test_a_setting_that_is_no_encoding_is_refused(exports: Exports, setting: str) -> None:
    exports.put("Notes.csv", csv_file([("id", "Note")]))
    with pytest.raises(NexusAssetsError, match="none that is known"):
        exports.open(settings=ReadSettings(encoding=setting))


@pytest.mark.parametrize("setting", ["utf-8", "UTF8", "Mac Roman", "macintosh", "Windows-1252", "cp1252", "utf-16"])
def test_an_encoding_goes_by_any_of_its_names(exports: Exports, setting: str) -> None:
    codec = {"u": "utf-8", "m": "mac_roman", "w": "cp1252", "c": "cp1252"}[setting[0].lower()]
    codec = "utf-16" if setting == "utf-16" else codec
    exports.put("Notes.csv", csv_file([("id", "Note"), ("1", "Zoë")], encoding="utf-8").decode().encode(codec))
    assert records(exports.open(settings=ReadSettings(encoding=setting))) == [("1", "Zoë")]


LATIN, CYRILLIC = ("José", "André", "Chloé", "René"), ("Иванов", "Петров", "Смирнов")


@pytest.mark.parametrize(
    ("codec", "names"),
    [
        ("cp850", LATIN),
        ("cp437", LATIN),
        ("cp866", CYRILLIC),
        ("cp1251", CYRILLIC),
        ("koi8-r", CYRILLIC),
        ("utf-32", LATIN),
    ],
)
def test_a_third_encoding_is_refused_with_advice_that_leads_to_right_names(
    exports: Exports, codec: str, names: tuple[str, ...]
) -> None:
    rows = [("id", "Note"), *((str(at), name) for at, name in enumerate(names))]
    exports.put("Notes.csv", csv_file(rows, encoding=codec))
    with pytest.raises(NexusAssetsError, match=r"neither Mac Roman nor Windows-1252|UTF-32") as caught:
        exports.open(wanted=("id", "Note"))
    assert "mac-roman or windows-1252" not in str(caught.value)
    if codec != "utf-32":
        assert records(exports.open(settings=ReadSettings(encoding=codec))) == rows[1:]


@pytest.mark.parametrize(
    "name", ["\u02bbOkina", "Tu\u02bcipulotu", "\u0100rini", "\u0141ukasz", "\u017bak", "\u674e", "Jos\u00e9"]
)
def test_one_name_alone_does_not_make_utf8_doubtful(name: str) -> None:
    assert not is_chance_utf8([f"id,name\n1,{name}\n2,Smith\n".encode()])


ACCENTED = "Zoë".encode("cp1252") + b"x" * 40 + "Renée, Müller".encode("cp1252") + b"y" * 20 + "Ærø".encode("cp1252")


@pytest.mark.parametrize("size", [1, 2, 7, 16, 1000])
def test_every_accented_letter_is_looked_at_however_the_text_is_cut_into_blocks(size: int) -> None:
    """The first and the last one, too."""
    blocks = [ACCENTED[start : start + size] for start in range(0, len(ACCENTED), size)]
    places = accented_places(blocks)
    assert places == accented_places([ACCENTED])
    assert sorted(data[at] for data, at in places) == sorted(byte for byte in ACCENTED if byte > 0x7F)


@pytest.mark.parametrize(("letter", "cut"), [("é", 1), ("—", 1), ("—", 2), ("😀", 3)])
def test_a_first_accented_letter_of_utf8_may_lie_on_two_blocks(letter: str, cut: int) -> None:
    whole = letter.encode()
    blocks = [b"Ren" + whole[:cut], whole[cut:]]
    assert settle(lambda: iter(blocks), blocks[0], "Contacts.csv").codec == "utf-8"


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_known_where_a_third_is_ascii(exports: Exports, codec: str) -> None:
    rows = [("id", "Note"), *((str(number), "Пациент осмотрен") for number in range(100, 150))]
    exports.put("Notes.tab", tab_file(rows, encoding=codec))
    export = exports.open(wanted=("id", "Note"))
    assert records(export) == rows[1:]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_byte_order_marks_may_stand_one_after_the_other(exports: Exports, encoding: str) -> None:
    data = '\ufeff\ufeff"id","Note"\n"1","é"\n'.encode(encoding)
    assert exports.read("Notes.csv", data, wanted=("id", "Note")) == [("id", "Note"), ("1", "é")]

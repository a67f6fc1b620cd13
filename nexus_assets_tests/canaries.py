"""Damaged exports of every format with marked text in each place that has room, and how that text is known again."""

from __future__ import annotations

import gzip
import io
import random
import re
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

from nexus_assets_tests.load.clinic import HEADINGS
from nexus_assets_tests.sources.writers import csv_file, gzip_file, mer_file, tab_file, xlsx_file, xml_file

LETTERS, DIGITS = "qxzjvk", "37"
YEAR = "1977"
DATE = rf"\b0?[37][/.-]0?[37][/.-]{YEAR}\b|\b{YEAR}[/.-]?0[37][/.-]?0[37]\b"
CANARY = re.compile(rf"[{LETTERS}{LETTERS.upper()}]{{4,}}|[{DIGITS}]{{6,}}|{DATE}")
"""What planted text is known by, however it was cut or mixed."""

CHANCE = re.compile(
    r"\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b"  # ids
    r"|\b(?=\d*[a-f])[0-9a-f]{16,}\b|0x[0-9a-f]+"  # hashes, addresses in memory
    r"|\b1[67]\d{8}(?:\.\d+)?\b|\b\d{1,4}\.\d{4,}|:\d\d\.\d+"  # times, durations
    r"|base64,[\w+/=]+"  # pictures and fonts of a page
    r'|\\?"log_key\\?": \\?"[a-z]{8}\\?"'  # Dagster's names of a step's output
    r"|(?:nexus-listing-|clinic-|nexus-assets-tests-|tmp)\w{8}",  # temporary names
    re.IGNORECASE,
)
"""What chance has made, where it may make a mark."""

Files = dict[str, bytes]


class Planter:
    """One damaged set of files, and how it was made, from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.how: list[str] = []
        self.made = 0
        """How many marks it has made."""

    def word(self) -> str:
        self.made += 1
        letters = [self.random.choice(LETTERS) for _ in range(self.random.randint(8, 14))]
        return "".join(letters).capitalize() if self.random.random() < 0.5 else "".join(letters)

    def number(self) -> str:
        self.made += 1
        return "".join(self.random.choice(DIGITS) for _ in range(self.random.randint(12, 30)))

    def cell(self) -> str:
        kinds = (
            self.word,
            self.word,
            self.number,
            lambda: f"{self.word()} {self.word()}",
            lambda: f"{self.word()}\v{self.word()}",
        )
        return self.random.choice(kinds)()

    def one(self, **choices: Callable[[], Files]) -> Files:
        name = self.random.choice(sorted(choices))
        self.how.append(name)
        return choices[name]()


def table(planter: Planter, export: str) -> list[list[str]]:
    """An export's header and some records, every cell planted; sometimes with headings that nobody declares. Half of the
    tables can be loaded: their ids are ids."""
    header = [*HEADINGS[export]]
    header += [planter.word() for _ in range(planter.random.choice((0, 0, 1, 3)))]
    rows = [[planter.cell() for _ in header] for _ in range(planter.random.randint(1, 6))]
    if planter.random.random() < 0.5:
        planter.how.append("with ids")
        for number, row in enumerate(rows):
            row[header.index("id")] = f"{number:08}-ABCD-4ABC-8ABC-ABCDEFABCDEF"
    return [header, *rows]


def spoil_header(planter: Planter, rows: list[list[str]]) -> list[list[str]]:
    """The header is cut off, has other headings, comes twice, lost or gained columns."""
    header, *records = rows
    at = planter.random.randrange(len(header))
    spoilt = {
        "header whole": lambda: rows,
        "header cut off": lambda: records,
        "header cut short": lambda: [header[at:], *records],
        "heading replaced": lambda: [[*header[:at], planter.cell(), *header[at + 1 :]], *records],
        "half of it replaced": lambda: [[planter.cell() if n % 2 else name for n, name in enumerate(header)], *records],
        "heading twice": lambda: [[*header, header[at]], *records],
        "a cell behind a heading": lambda: [[*header[:-1], f"{header[-1]}{planter.cell()}"], *records],
        "a record shorter": lambda: [header, *records[:-1], records[-1][:at]],
        "a record longer": lambda: [header, *records, [*records[0], planter.cell()]],
    }
    planter.how.append(name := planter.random.choice(["header whole"] * 8 + sorted(spoilt)))
    return spoilt[name]() or rows


def spoil_bytes(planter: Planter, data: bytes) -> bytes:
    """Cut, bytes swapped, flipped or doubled, line ends and quotation marks lost, another encoding."""
    choose = planter.random
    at, to = sorted((choose.randrange(len(data) + 1), choose.randrange(len(data) + 1)))
    first_end = re.search(rb"\r\n|\r|\n", data)
    flips = bytearray(data)
    for _ in range(choose.choice((1, 3, 20))):
        flips[choose.randrange(len(flips))] = choose.randrange(256)
    spoilt = {
        "bytes whole": lambda: data,
        "cut": lambda: data[:to],
        "start cut": lambda: data[at:],
        "middle cut": lambda: data[:at] + data[to:],
        "two parts swapped": lambda: data[to:] + data[:to],
        "two bytes swapped": lambda: data[:at] + data[at : at + 2][::-1] + data[at + 2 :],
        "bytes flipped": lambda: bytes(flips),
        "first line end lost": lambda: data[: first_end.start()] + data[first_end.end() :] if first_end else data,
        "all line ends lost": lambda: re.sub(rb"\r\n|\r|\n", b"", data),
        "a quotation mark lost": lambda: data.replace(b'"', b"", choose.randint(1, 3)),
        "a quotation mark more": lambda: data[:at] + b'"' + data[at:],
        "another delimiter": lambda: data.replace(b",", choose.choice((b";", b"\t", b"|"))),
        "a NUL": lambda: data[:at] + b"\0" + data[at:],
        "an accent": lambda: data[:at] + choose.choice((b"\x8e", b"\xe9", b"\xc3", b"\xff\xfe")) + data[at:],
        "twice": lambda: data + data,
        "a byte order mark inside": lambda: (
            data[:at] + choose.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")) + data[at:]
        ),
        "in UTF-32": lambda: data.decode("latin-1").encode("utf-32"),
        "as a page of the web": lambda: b"<!DOCTYPE html><html><title>" + data[:60] + b"</title><table><tr><td>" + data,
        "lines in another order": lambda: b"\n".join(sorted(data.splitlines())),
        "in UTF-16": lambda: data.decode("latin-1").encode("utf-16-le"),
        "half in UTF-16": lambda: data[:at] + data[at:].decode("latin-1").encode("utf-16-le"),
    }
    planter.how.append(name := planter.random.choice(sorted(spoilt)))
    return spoilt[name]()


def xml(planter: Planter, rows: list[list[str]]) -> bytes:
    """FMPXMLRESULT whose statements of itself are planted too, now and then."""
    clean = [[re.sub(r"[^\w ]", "_", cell) for cell in row] for row in rows]
    width = len(clean[0])
    rare = lambda planted, usual: planted if planter.random.random() < 0.15 else usual  # noqa: E731 - a word of this function
    types = [planter.random.choice(("TEXT", "TEXT", "DATE", "TIME", "TIMESTAMP", "NUMBER")) for _ in range(width)]
    data = xml_file(
        [row[:width] + [""] * (width - len(row)) if planter.random.random() < 0.9 else row for row in clean],
        types=[rare(planter.word(), kind) for kind in types],
        error=rare(planter.cell(), "0"),
        date_format=rare(planter.word(), planter.random.choice(("D/m/yyyy", "M/d/yyyy", "yyyy-mm-dd"))),
        time_format=rare(planter.word(), "k:mm:ss "),
    )
    for old, new in (
        (b'encoding="UTF-8"', f'encoding="{planter.word()}"'),
        (b"<METADATA>", f"<{planter.word()}><METADATA>"),
        (b"<DATA>", f"<DATA><{planter.word()}/>"),
        (b"<ROW ", f'<ROW {planter.word().upper()}="{planter.word()}" '),
        (b"</COL>", f"&{planter.word()};</COL>"),
        (b"<FMPXMLRESULT", f'<!DOCTYPE FMPXMLRESULT [<!ENTITY {planter.word()} "{planter.word()}">]><FMPXMLRESULT'),
        (b'FOUND="', f'FOUND="{planter.number()}'),
        (b'RECORDS="', f'RECORDS="{planter.number()}'),
        (b"3/7/1973", "13/7/1973"),
    ):
        if planter.random.random() < 0.08:
            planter.how.append(f"xml: {new.partition('=')[0][:10]}")
            data = data.replace(old, new.encode(), 1)
    return data


def workbook(planter: Planter, rows: list[list[str]]) -> bytes:
    """A workbook; its parts are changed and packed again, so that what they hold is read, not just refused as damaged."""
    with zipfile.ZipFile(io.BytesIO(xlsx_file(rows))) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    sheet, book, relations, texts = (
        *("xl/worksheets/sheet1.xml", "xl/workbook.xml"),
        *("xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml"),
    )
    word, times = planter.word(), planter.random.randint(1, 90)

    def changed(part: str, pattern: bytes, new: str) -> Callable[[], bytes]:
        return lambda: re.sub(pattern, new.encode(), parts[part], count=times)

    planter.how.append(how := planter.random.choice(["as it is"] * 5 + ["changed"] * 12 + ["part renamed"]))
    if how == "part renamed":
        parts[f"xl/worksheets/{word}.xml"] = parts.pop(sheet)
    if how == "changed":
        part, change = planter.random.choice(
            [
                (book, changed(book, rb'name="Sheet1"', f'name="{word}"')),
                (sheet, changed(sheet, rb' t="s"><v>\d+</v>', f' t="e"><v>#{word}</v>')),
                (sheet, changed(sheet, rb' t="s"><v>\d+</v>', f"><v>{word}</v>")),
                (sheet, changed(sheet, rb't="s"', f't="{word}"')),
                (sheet, changed(sheet, rb"<v>", f"<f>{word}()</f><v>")),
                (
                    sheet,
                    changed(sheet, rb'r="B', f'r="{word.upper()[:2]}'),
                ),  # no further: a sheet is as wide as its last cell
                (sheet, changed(sheet, rb"<v>\d+</v>", "<v>99999</v>")),
                (sheet, changed(sheet, rb'encoding="UTF-8"', f'encoding="{word}"')),
                (relations, changed(relations, rb"sheet1.xml", f"{word}.xml")),
                *((each, lambda each=each: spoil_bytes(planter, parts[each])) for each in (sheet, book, texts)),  # type: ignore[misc]
            ]
        )
        parts[part] = change()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


WRITERS: dict[str, Callable[[Planter, list[list[str]]], bytes]] = {
    ".csv": lambda _, rows: csv_file(rows),
    ".mer": lambda _, rows: mer_file(rows),
    ".tab": lambda _, rows: tab_file(rows),
    ".xml": xml,
    ".xlsx": workbook,
}


def wrapped(planter: Planter, name: str, data: bytes) -> Files:
    """The file as it is, in a gzip file, or in a zip file whose members are called by somebody's words."""
    stem, ending = Path(name).stem, Path(name).suffix

    def packed(*members: tuple[str, bytes], spoil: bool = False) -> Files:
        out = io.BytesIO()
        with warnings.catch_warnings(), zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            warnings.simplefilter("ignore")
            for member, content in members:
                archive.writestr(member, content)
        found = out.getvalue()
        return {f"{stem}.zip": spoil_bytes(planter, found) if spoil else found}

    def renamed_inside() -> Files:
        """The two places of a zip that give a member's name disagree."""
        (zipped,) = packed((f"{planter.word()}{ending}", data)).values()
        at = zipped.find(ending.encode()) - 2
        return {f"{stem}.zip": zipped[:at] + planter.word()[:2].encode() + zipped[at + 2 :]}

    def flagged(offset: int, value: int) -> Files:
        """A member that claims to be encrypted, or packed by a method of its own, in both places that say so."""
        (zipped,) = packed((member, data)).values()
        spoilt = bytearray(zipped)
        for signature, shift in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
            spoilt[zipped.find(signature) + offset + shift] = value
        return {f"{stem}.zip": bytes(spoilt)}

    def named_gzip() -> Files:
        out = io.BytesIO()
        with gzip.GzipFile(f"{planter.word()}{ending}", "wb", fileobj=out, mtime=0) as file:
            file.write(data)
        return {f"{name}.gz": out.getvalue()}

    if planter.random.random() < 0.5:
        return {name: data}
    member = f"{planter.word()}{ending}"
    return planter.one(
        gzip_named=named_gzip,
        gzipped_twice=lambda: {f"{name}.gz": gzip.compress(gzip.compress(data, mtime=0), mtime=0)},
        zip_encrypted=lambda: flagged(6, 1),
        zip_of_another_method=lambda: flagged(8, 99),
        zip_in_zip=lambda: packed((f"{planter.word()}.zip", next(iter(packed((member, data)).values())))),
        zip_for_a_table=lambda: {name: next(iter(packed((member, data)).values()))},
        tape=lambda: {f"{name}.gz": gzip.compress(member.encode().ljust(512, b"\0") + data, mtime=0)},
        gzipped=lambda: {f"{name}.gz": gzip_file(data)},
        gzip_spoilt=lambda: {f"{name}.gz": spoil_bytes(planter, gzip.compress(data, mtime=0))},
        zipped=lambda: packed((member, data)),
        zipped_twice=lambda: packed((member, data), (f"{planter.word()}/{planter.word()}.csv", data)),
        zip_spoilt=lambda: packed((member, data), spoil=True),
        zip_without=lambda: packed((f"{planter.word()}.txt", data)),
        zip_of_two_names=renamed_inside,
    )


def files(planter: Planter, export: str) -> Files:
    """The files of a folder: an export, damaged, and what lies beside it."""
    ending = planter.random.choice(sorted(WRITERS))
    planter.how.append(ending)
    rows = spoil_header(planter, table(planter, export))
    data = WRITERS[ending](planter, rows)
    if planter.random.random() < 0.5:
        data = spoil_bytes(planter, data)
    named = planter.random.choice([ending] * 12 + sorted(WRITERS))
    found = wrapped(planter, f"{export}{named}", data)
    beside = {
        "nothing": dict,
        "a list of fields": lambda: {f"{export}.fields": "\n".join(rows[0]).encode()},
        "a list of other fields": lambda: {f"{export}.fields": "\n".join(planter.word() for _ in rows[0]).encode()},
        "a damaged list": lambda: {f"{export}.fields": spoil_bytes(planter, "\n".join(rows[0]).encode())},
        "two lists": lambda: {f"{export}.fields": b"id", f"{export}.txt": planter.word().encode()},
        "a newer file": lambda: {f"{export} {planter.word()}{ending}": data, f"{export}V9{planter.word()}.csv": data},
        "names alone": lambda: {f"{export[:-1]}{planter.word()}.csv": data, f"{planter.word()}.xlsx": data},
    }  # fmt: skip
    planter.how.append(name := planter.random.choice(["nothing"] * 8 + sorted(beside)))
    if name == "names alone" and planter.random.random() < 0.5:
        found = {}
    return {**found, **beside[name]()}


def put_files(folder: Path, planter: Planter, export: str) -> None:
    """Writes the files of a planter in place of those that the folder has of this export or of no export."""
    for old in folder.iterdir():
        if old.is_file() and (old.name.startswith(export[:-1]) or CANARY.search(old.name)):
            old.unlink()
    for name, data in files(planter, export).items():
        (folder / name).write_bytes(data)


def canaries(text: str, *names: str) -> list[str]:
    """What of the planted text is in a text, but for these names, which chance has made."""
    if not CANARY.search(text):
        return []
    for name in names:
        text = text.replace(name, "")
    text = CHANCE.sub("", text)
    # A traceback quotes the program's own lines.
    text = re.sub(r'(?m)^(\s+File "[^"\n]*", line \d+.*)\n    .*$', r"\1", text)
    return [found[0] for found in CANARY.finditer(text)]

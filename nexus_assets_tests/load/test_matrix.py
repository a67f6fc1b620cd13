"""One clinic's data in every format, encoding, line end and order of day and month: always the same rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL

from nexus_assets.ledger.schema import install
from nexus_assets.load.dates import Dictionaries
from nexus_assets.load.settings import LoadSettings
from nexus_assets.load.stage import stage_export
from nexus_assets.load.work import Work
from nexus_assets.mapping.parse import Reading
from nexus_assets.sources.filemaker import find_export, open_export
from nexus_assets_tests.load.clinic import HEADINGS, OPTIONAL_HEADINGS, Clinic
from nexus_assets_tests.load.test_load import LOADED
from nexus_assets_tests.sources.writers import ENCODINGS, LINE_ENDS, WRITERS, gzip_file, xlsx_file, xml_file, zip_file

pytestmark = [pytest.mark.commits, pytest.mark.extended]

HEADER = ("Date", "id", "Note", "Note Type")
NOTES = [
    (date(2016, 2, 13), "A1", "Renée says: it doesn’t hurt, at 38° or so\x0bSecond line", "Ærø – façade"),
    (date(2016, 2, 1), "A2", 'wears 5" heels; "never" flat', "order, urgent"),
    (date(2020, 12, 31), "A3", "first\x1dsecond", "Jürgen Müßig"),
    (date(2020, 3, 4), "A4", "", "O’Brien"),
    (date(1999, 10, 11), "A5", "\\.", "NULL"),
    (None, "A6", "undated", ""),
]
READ = [
    (day, id_, note.replace("\x0b", "\n").replace("\x1d", "\n") or None, kind or None) for day, id_, note, kind in NOTES
]
ORDERS = {"mdy": "{0.month}/{0.day}/{0.year}", "dmy": "{0.day}/{0.month}/{0.year}", "ymd": "{0:%Y-%m-%d}"}


def table(order: str) -> list[tuple[str, ...]]:
    return [HEADER, *((ORDERS[order].format(day) if day else "", *cells) for day, *cells in NOTES)]


@pytest.fixture(scope="module")
def cursor(shared_nexus: Any) -> Iterator[Cursor]:
    with shared_nexus.cursor() as cursor:
        install(cursor)
        yield cursor
    shared_nexus.rollback()


def read(cursor: Cursor, folder: Path, name: str, data: bytes, setting: str) -> list[tuple[Any, ...]]:
    """What the database has of the export, its dates read, in a clinic whose setting says this order."""
    (folder / name).write_bytes(data)
    found = find_export(str(folder), "Notes")
    assert found is not None
    cursor.execute("SAVEPOINT reading")
    work = Work("matrix")
    staged = stage_export(cursor, work("export"), open_export(found, wanted=HEADER))
    settings = LoadSettings(date_order=setting)
    Dictionaries(cursor, work, None, settings, Reading("Australia/Sydney", date(2026, 1, 1))).read(staged, ["Date"])
    cursor.execute(
        SQL("""
            SELECT d.value, {id}, nexus_assets.read_text({note}), nexus_assets.read_text({kind})
            FROM {export} AS e LEFT JOIN {dates} AS d ON d.raw = {date} ORDER BY row_number
        """).format(
            id=staged.field("id", "e"),
            note=staged.field("Note", "e"),
            kind=staged.field("Note Type", "e"),
            date=staged.field("Date", "e"),
            export=staged.table,
            dates=work("dates"),
        )
    )
    rows = cursor.fetchall()
    cursor.execute("ROLLBACK TO SAVEPOINT reading")
    (folder / name).unlink()
    return rows


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("ending", ["csv", "mer", "tab"])
def test_text_is_read_the_same(cursor: Cursor, tmp_path: Path, ending: str, encoding: str, order: str) -> None:
    codec, mark = ENCODINGS[encoding]
    for line_end in LINE_ENDS.values():
        data = WRITERS[ending](table(order), encoding=codec, mark=mark, line_end=line_end)
        for setting in ("mdy", "dmy"):
            assert read(cursor, tmp_path, f"Notes.{ending}", data, setting) == READ, (line_end, setting)


@pytest.mark.parametrize(("order", "stated"), [("mdy", "MM/dd/yyyy"), ("dmy", "D/m/yyyy"), ("ymd", "yyyy-MM-dd")])
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "windows-1252", "macintosh"])
@pytest.mark.parametrize("kind", ["DATE", "TEXT"])
def test_xml_is_read_the_same(
    cursor: Cursor, tmp_path: Path, encoding: str, order: str, stated: str, kind: str
) -> None:
    types = [kind, "TEXT", "TEXT", "TEXT"]
    mark = b"\xff\xfe" if encoding == "UTF-16" else b""
    data = xml_file(table(order), types=types, date_format=stated, encoding=encoding, mark=mark)
    assert read(cursor, tmp_path, "Notes.xml", data, "mdy") == READ


@pytest.mark.parametrize("order", [*ORDERS, "Excel's own"])
@pytest.mark.parametrize("date_1904", [False, True], ids=["1900", "1904"])
def test_a_workbook_is_read_the_same(cursor: Cursor, tmp_path: Path, date_1904: bool, order: str) -> None:
    rows: list[tuple[object, ...]] = [*table(order if order in ORDERS else "ymd")]
    formats = {}
    if order not in ORDERS:
        epoch = date(1904, 1, 1) if date_1904 else date(1899, 12, 30)
        rows[1:] = [((day - epoch).days if day else "", *cells) for day, *cells in NOTES]
        formats = {0: "d/m/yyyy"}
    data = xlsx_file(rows, date_1904=date_1904, formats=formats)
    assert read(cursor, tmp_path, "Notes.xlsx", data, "mdy") == READ


# --- the whole clinic -------------------------------------------------------------------------------------------------


@dataclass
class WrittenOtherwise(Clinic):
    """A clinic whose exports are not csv."""

    ending: str = "csv"

    def _write(self, name: str) -> None:
        headings = {**HEADINGS, **OPTIONAL_HEADINGS}[name]
        rows = [headings, *([row.get(heading, "") for heading in headings] for row in self.exports[name])]
        kind, _, packed = self.ending.partition(".")
        data = WRITERS[kind](rows)
        if packed:
            data = gzip_file(data) if packed == "gz" else zip_file(**{f"{name.replace('_', '-')}_{kind}": data})
        path = self.folder / f"{name}.{self.ending}"
        path.write_bytes(data)
        os.utime(path, (self.modified.timestamp(),) * 2)


@pytest.mark.parametrize("ending", ["xlsx", "mer", "tab", "xml", "csv.gz", "csv.zip"])
def test_every_entity_is_the_same_from_every_format(loaded: Clinic, ending: str) -> None:
    loaded.load("patients")  # writes nothing but the exports
    for file in loaded.folder.glob("*.csv"):
        file.unlink()
    same = WrittenOtherwise(
        loaded.url,
        loaded.folder,
        exports=loaded.exports,
        images=loaded.images,
        documents=loaded.documents,
        ending=ending,
    )
    before = loaded.versions()
    with closing(same):
        same.later()
        unchanged = {name: result.account.unchanged for name, result in same.load().items()}
    assert unchanged == LOADED
    assert loaded.versions() == before

"""Reading an export beside other libraries' plain readers, on the same file, each in a process of its own."""

from __future__ import annotations

import csv
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

import pandas

from nexus_assets.local.clinic import write_clinic
from nexus_assets.local.clinic.sheets import XLSX_ROWS, write_xlsx
from nexus_assets.sources.filemaker import find_export, open_export
from nexus_assets_tests.bench.loads import Taken, measured

with suppress(ImportError):  # only the developers' environment has it
    import openpyxl

EXPORT, WANTED = "Notes", ("id", "id_Key", "Note")
OURS = "nexus_assets"

Work = Callable[[Path], int]


def ours(file: Path) -> int:
    """Reads the export as a load does: decoded, checked, hashed, as the blocks that COPY takes; returns their bytes."""
    found = find_export(str(file.parent), EXPORT)
    assert found is not None
    return sum(map(len, open_export(found, wanted=WANTED).blocks()))


def _layout(file: Path) -> tuple[str, Literal[0, 3]]:
    """The separator, and whether cells are quoted (csv.QUOTE_MINIMAL) or never are (csv.QUOTE_NONE)."""
    return ("\t", 3) if file.suffix == ".tab" else (",", 0)


def _pandas_text(file: Path) -> int:
    separator, quoting = _layout(file)
    chunks = pandas.read_csv(
        file, sep=separator, quoting=quoting, dtype=str, keep_default_na=False, encoding="utf-8-sig", chunksize=100_000
    )
    return sum(map(len, chunks))


def _standard_csv(file: Path) -> int:
    with file.open(newline="", encoding="utf-8-sig") as text:
        separator, quoting = _layout(file)
        return sum(1 for _ in csv.reader(text, delimiter=separator, quoting=quoting))


def _pandas_calamine(file: Path) -> int:
    return len(pandas.read_excel(file, engine="calamine", dtype=str, keep_default_na=False))


def _openpyxl(file: Path) -> int:
    sheet = openpyxl.load_workbook(file, read_only=True).worksheets[0]
    return sum(1 for _ in sheet.iter_rows(values_only=True))


def _element_tree(file: Path) -> int:
    rows = 0
    for _, element in ET.iterparse(file):
        if element.tag.endswith("}ROW"):
            rows += bool([data.text for column in element for data in column])
            element.clear()
    return rows


def rivals(ending: str) -> Mapping[str, Work]:
    """The plain readers of other libraries for a format, by name."""
    if ending in (".csv", ".tab"):
        return {"pandas": _pandas_text, "csv of the standard library": _standard_csv}
    if ending == ".xml":
        return {"ElementTree of the standard library": _element_tree}
    return {"pandas with calamine": _pandas_calamine, **({"openpyxl": _openpyxl} if "openpyxl" in globals() else {})}


@dataclass(frozen=True)
class Read:
    """One reading of one file."""

    file: str
    mb: float
    what: str
    taken: Taken


def _write(folder: Path, ending: str, header: list[str], rows: Iterable[list[str]]) -> Path:
    """Writes an export in another format than the demo clinic's."""
    file = folder / f"{EXPORT}{ending}"
    if ending == ".xlsx":
        write_xlsx(file, tuple(header), map(tuple, rows))
        return file
    with file.open("w", newline="", encoding="utf-8") as out:
        if ending == ".tab":
            clean = str.maketrans("\t\r\n", "  \x0b")
            out.writelines("\t".join(cell.translate(clean) for cell in row) + "\r\n" for row in (header, *rows))
        else:
            # FileMaker's VT, which XML has no place for: the rival's parser would refuse it.
            out.writelines(_xml(header, [[cell.replace("\x0b", "\n") for cell in row] for row in rows]))
    return file


def _xml(header: list[str], rows: list[list[str]]) -> Iterator[str]:
    fields = "".join(f'<FIELD EMPTYOK="YES" MAXREPEAT="1" NAME={quoteattr(name)} TYPE="TEXT"/>' for name in header)
    yield (
        '<?xml version="1.0" encoding="UTF-8" ?><FMPXMLRESULT xmlns="http://www.filemaker.com/fmpxmlresult">'
        '<ERRORCODE>0</ERRORCODE><PRODUCT BUILD="" NAME="FileMaker" VERSION=""/>'
        f'<DATABASE DATEFORMAT="D/m/yyyy" LAYOUT="" NAME="" RECORDS="{len(rows)}" TIMEFORMAT="k:mm:ss "/>'
        f'<METADATA>{fields}</METADATA><RESULTSET FOUND="{len(rows)}">'
    )
    for row in rows:
        cells = "".join(f"<COL><DATA>{escape(cell)}</DATA></COL>" for cell in row)
        yield f'<ROW MODID="0" RECORDID="1">{cells}</ROW>'
    yield "</RESULTSET></FMPXMLRESULT>"


def measure_reading(scale: int, rounds: int, tell: Callable[[str], None]) -> list[Read]:
    """Reads the demo clinic's notes, so many times the published number, in every format; all readers in turn."""
    results = []
    with tempfile.TemporaryDirectory(prefix="nexus-bench-") as scratch:
        source = Path(scratch) / "source"
        tell(f"Writing the notes of scale {scale}")
        write_clinic(source, Path(scratch) / "unused", scale=scale, formats="csv", files=False)
        with (source / f"{EXPORT}.csv").open(newline="", encoding="utf-8-sig") as text:
            header, *rows = csv.reader(text)
        for ending in (".csv", ".tab", ".xml", ".xlsx"):
            if ending == ".xlsx" and len(rows) >= XLSX_ROWS:
                continue
            folder = Path(scratch) / ending[1:]
            folder.mkdir()
            if ending == ".csv":
                file = (source / f"{EXPORT}.csv").rename(folder / f"{EXPORT}.csv")
            else:
                file = _write(folder, ending, header, rows)
            mb = file.stat().st_size / 1e6
            for number in range(rounds):
                tell(f"Reading {file.name} ({len(rows):,} records, {mb:.0f} MB), round {number + 1} of {rounds}")
                for what, work in {OURS: ours, **rivals(ending)}.items():
                    results.append(Read(file.name, mb, what, measured(work, file)))
            file.unlink()
    return results

"""Writes exports the way FileMaker does, without anything of the reader's: one function a format, bytes out."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from xml.sax.saxutils import escape, quoteattr

import xlsxwriter

Rows = Sequence[Sequence[str]]

ENCODINGS = {
    "utf-8": ("utf-8", b""),
    "utf-8 with mark": ("utf-8", b"\xef\xbb\xbf"),
    "utf-16 le with mark": ("utf-16-le", b"\xff\xfe"),
    "utf-16 be with mark": ("utf-16-be", b"\xfe\xff"),
    "utf-16 le": ("utf-16-le", b""),
    "utf-16 be": ("utf-16-be", b""),
    "mac roman": ("mac_roman", b""),
    "windows-1252": ("cp1252", b""),
}
LINE_ENDS = {"CR": "\r", "LF": "\n", "CRLF": "\r\n"}


def csv_file(
    rows: Rows, *, encoding: str = "utf-8", line_end: str = "\r", delimiter: str = ",", mark: bytes = b""
) -> bytes:
    """Every cell quoted, quotation marks doubled; FileMaker has made VT of line breaks in fields before."""
    text = "".join(delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) + line_end for row in rows)
    return mark + text.encode(encoding)


def tab_file(rows: Rows, *, encoding: str = "utf-8", line_end: str = "\r", mark: bytes = b"") -> bytes:
    """No quoting whatever; FileMaker has made blanks of tabs in fields before."""
    return mark + "".join("\t".join(row) + line_end for row in rows).encode(encoding)


def mer_file(
    rows: Rows, *, encoding: str = "utf-8", line_end: str = "\r", delimiter: str = ";", mark: bytes = b""
) -> bytes:
    return csv_file(rows, encoding=encoding, line_end=line_end, delimiter=delimiter, mark=mark)


def xml_file(
    rows: Rows,
    *,
    types: Sequence[str] | None = None,
    found: int | None = None,
    records: int | None = None,
    error: str = "0",
    date_format: str = "D/m/yyyy",
    time_format: str = "k:mm:ss ",
    pretty: bool = False,
    encoding: str = "UTF-8",
    mark: bytes = b"",
) -> bytes:
    """FMPXMLRESULT; GS in a cell separates repetitions, each of which is a DATA of its own."""
    header, *records_ = rows
    count = len(records_)
    gap = "\n    " if pretty else ""
    fields = "".join(
        f'<FIELD EMPTYOK="YES" MAXREPEAT="1" NAME={quoteattr(name)} TYPE="{kind}"/>'
        for name, kind in zip(header, types or ["TEXT"] * len(header), strict=True)
    )
    body = "".join(
        f'{gap}<ROW MODID="0" RECORDID="{number}">'
        + "".join(f"{gap}<COL>{gap}{_data(cell, gap)}{gap}</COL>" for cell in row)
        + f"{gap}</ROW>"
        for number, row in enumerate(records_, start=1)
    )
    text = (
        f'<?xml version="1.0" encoding="{encoding}" ?>'
        '<FMPXMLRESULT xmlns="http://www.filemaker.com/fmpxmlresult">'
        f'<ERRORCODE>{error}</ERRORCODE><PRODUCT BUILD="11-22-2023" NAME="FileMaker" VERSION="Pro 20.3.2"/>'
        f'<DATABASE DATEFORMAT="{date_format}" LAYOUT="" NAME="Clinic.fmp12" '
        f'RECORDS="{count if records is None else records}" TIMEFORMAT="{time_format}"/>'
        f'<METADATA>{fields}</METADATA><RESULTSET FOUND="{count if found is None else found}">{body}</RESULTSET>'
        "</FMPXMLRESULT>"
    )
    return mark + text.encode({"UTF-8": "utf-8", "UTF-16": "utf-16-le"}.get(encoding, encoding))


def _data(cell: str, gap: str) -> str:
    return gap.join(f"<DATA>{escape(part)}</DATA>".replace("\r", "&#13;") for part in cell.split("\x1d"))


def xlsx_file(
    rows: Sequence[Sequence[object]], *, date_1904: bool = False, formats: dict[int, str] | None = None
) -> bytes:
    """The first sheet, header first; `formats` gives a number format for a column's cells below the header."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "date_1904": date_1904, "strings_to_numbers": False}) as book:
        book.set_properties({"created": datetime(2024, 1, 1, tzinfo=timezone.utc).replace(tzinfo=None)})
        sheet = book.add_worksheet()
        styles = {at: book.add_format({"num_format": form}) for at, form in (formats or {}).items()}
        for row, cells in enumerate(rows):
            for at, cell in enumerate(cells):
                style = styles.get(at) if row else None
                if isinstance(cell, str):
                    sheet.write_string(row, at, cell)
                elif isinstance(cell, bool):
                    sheet.write_boolean(row, at, cell)
                elif cell is not None:
                    sheet.write_number(row, at, cell, style)
    return buffer.getvalue()


def zip_file(**members: bytes) -> bytes:
    """A zip of members named `Notes_csv` for "Notes.csv"."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("_", "."), data)
    return buffer.getvalue()


def gzip_file(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


WRITERS: dict[str, Callable[..., bytes]] = {
    "csv": csv_file,
    "mer": mer_file,
    "tab": tab_file,
    "xml": xml_file,
    "xlsx": xlsx_file,
}

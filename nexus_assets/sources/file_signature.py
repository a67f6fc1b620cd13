"""Files that are not what their ending says: told apart by their first bytes, each with its own advice."""

from __future__ import annotations

import re

from nexus_assets.sources.content import Content, head
from nexus_assets.sources.export import ExportError

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_HTML = re.compile(rb"\s*(?:\xef\xbb\xbf)*\s*<(?:!doctype\s+html|html|table|meta|head)\b", re.IGNORECASE)
_XML = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)*\s*<(?:\?xml|FMPXMLRESULT|FMPDSORESULT)\b")

_OTHERS = {
    b"[InternetShortcut]": "a shortcut to a web address",
    b"bplist00": "a shortcut or settings file of macOS",
    b"L\0\0\0\x01\x14\x02\0": "a shortcut of Windows",
    b"\0\x05\x16\x07": "the attributes of a file of macOS (AppleDouble)",
    b"version https://git-lfs": "a pointer of Git LFS, whose file was not fetched",
    b"{\\rtf": "a text of a word processor (RTF)",
    b'[{"': "JSON",
    b'{"': "JSON",
    b"PAR1": "a Parquet file",
    b"SQLite format 3\0": "an SQLite database",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
}


def refuse_disguised(content: Content) -> None:
    """Raises ExportError where an export's first bytes show another format than its ending."""
    truth = _truth(head(content.blocks()), content)
    if truth is not None:
        what, remedy = truth
        raise ExportError(f"{content.location} is {what}, not what {content.format} says.", remedy=remedy)


def _truth(start: bytes, content: Content) -> tuple[str, str] | None:
    is_xlsx = content.format == ".xlsx"
    if start.startswith(_OLE):
        if is_xlsx and any(_ENCRYPTED in block for block in content.blocks()):
            return "locked with a password", "Save it without one."
        return "an old Excel file (.xls)", "Export it from FileMaker as .xlsx, or save it as .xlsx in Excel."
    if _HTML.match(start):
        return "a web page", "Export it from FileMaker as .xlsx or .csv; a download may have brought an error page."
    # UTF-16 has a zero beside each letter.
    if _XML.match(start.replace(b"\0", b"")) and content.format != ".xml":
        return "XML", "Name it so: let it end in .xml."
    if start.startswith(b"%PDF"):
        return "a PDF", "Export it from FileMaker as .xlsx or .csv."
    if start.startswith(b"\x1f\x8b"):
        return "a gzip file", "Name it so: let it end in .gz."
    if (what := next((what for mark, what in _OTHERS.items() if start.startswith(mark)), None)) is not None:
        return what, "Put the file itself here: export it from FileMaker as .xlsx or .csv."
    if not is_xlsx and start.startswith(b"PK\x03\x04"):
        return "a workbook or a zip file", "Name it so: let it end in .xlsx or .zip."
    if is_xlsx and not start.startswith(b"PK"):
        return "no workbook", "Export it again from FileMaker as .xlsx, then run the same command."
    return None

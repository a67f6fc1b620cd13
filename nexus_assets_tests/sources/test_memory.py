"""Memory does not grow with the export."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from nexus_assets_tests.sources.writers import WRITERS

FEW, MANY = 40_000, 1_000_000
HEADER = ("id", "id_Key", "Note", "Date")
LINES = 10_000  # written at a time

READ = r"""
import re, sys
from nexus_assets.sources.filemaker import find_export, open_export
export = open_export(find_export(sys.argv[1], "Notes"), wanted=("id", "Note"))
size = sum(map(len, export.blocks()))
# The kernel's own figure: getrusage would give the parent's, where that is larger.
print(size, int(re.search(r"VmHWM:\s*(\d+) kB", open("/proc/self/status").read())[1]) // 1024)
"""


def write(path: Path, ending: str, count: int) -> None:
    """Writes an export of so many records, in pieces: the writers hold what they write in memory."""
    rows = [(f"A{number}", f"C{number}", f"wears orthoses, é {number}", "18/10/2016") for number in range(LINES)]
    head, body = WRITERS[ending]([HEADER]), WRITERS[ending]([HEADER, *rows])
    if ending == "xml":
        start, end = body.index(b"<ROW "), body.rindex(b"</RESULTSET>")
        head, records, tail = body[:start], body[start:end], body[end:]
        head = head.replace(b'FOUND="%d"' % LINES, b'FOUND="%d"' % count)
    else:
        records, tail = body[len(head) :], b""
    with path.open("wb") as file:
        file.write(head)
        for _ in range(count // LINES):
            file.write(records)
        file.write(tail)


def peak(folder: Path) -> int:
    """Returns the memory, in MiB, of a process of its own that reads the export."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", READ, str(folder)], cwd=root, capture_output=True, text=True, check=True
    )
    return int(done.stdout.split()[1])


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("ending", ["csv", "tab", "xml", "csv.zip"])
def test_memory_is_flat_from_forty_thousand_to_a_million_records(tmp_path: Path, ending: str) -> None:
    peaks = []
    for count in (FEW, MANY):
        folder = tmp_path / str(count)
        folder.mkdir()
        path = folder / f"Notes.{ending.removesuffix('.zip')}"
        write(path, path.suffix[1:], count)
        if ending.endswith(".zip"):
            with zipfile.ZipFile(folder / "Notes.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                archive.write(path, path.name)
            path.unlink()
        peaks.append(peak(folder))
        for file in folder.iterdir():
            file.unlink()
    few, many = peaks
    assert many <= few + 2  # two bytes a record
    assert many < 60

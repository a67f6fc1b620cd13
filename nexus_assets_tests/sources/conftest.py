"""Reading an export the way the loader does: found by name, opened, its blocks copied."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from sqlalchemy import make_url

from nexus_assets.sources.filemaker import OpenExport, ReadSettings, find_export, open_export

Cells = list[tuple[str, ...]]


class Exports:
    """A folder of exports. An empty cell reads as '' in every format, as the loader's SQL takes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, name: str, data: bytes) -> None:
        """Writes an export, and removes what was there before."""
        for old in self.folder.iterdir():
            old.unlink()
        (self.folder / name).write_bytes(data)

    def open(
        self,
        name: str = "Notes",
        wanted: Sequence[str] = (),
        optional: Sequence[str] = (),
        settings: ReadSettings | None = None,
    ) -> OpenExport:
        """Opens the export of that name, expecting only the headings asked for."""
        found = find_export(str(self.folder), name)
        assert found is not None
        return open_export(found, wanted=wanted, optional=optional, settings=settings or ReadSettings())

    def read(self, file_name: str, data: bytes, wanted: Sequence[str] = (), **settings: Any) -> Cells:
        """Writes an export, and returns its header and its records as they are read back."""
        self.put(file_name, data)
        export = self.open(wanted=wanted, settings=ReadSettings(**settings))
        return [export.header, *records(export)]


def records(export: OpenExport) -> Cells:
    """Returns an export's records, parsed as CSV."""
    text = b"".join(export.blocks()).decode("utf-8")
    delimiter, quote = export.copy_options["delimiter"], export.copy_options["quote"]
    return [
        tuple(row)
        for row in csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter, quotechar=quote)
    ]


@pytest.fixture
def exports(tmp_path: Path) -> Exports:
    """An empty folder for exports."""
    folder = tmp_path / "exports"
    folder.mkdir()
    return Exports(folder)


@pytest.fixture(scope="session")
def exports_folder(tmp_path_factory: pytest.TempPathFactory) -> Exports:
    """A folder for properties, which write one export after the other into it."""
    return Exports(tmp_path_factory.mktemp("exports"))


@pytest.fixture(scope="session")
def copied(kept_database: Callable[..., str]) -> Iterator[Callable[[OpenExport], Cells]]:
    """Copies an export's blocks into a real PostgreSQL, and returns the records as the database has them."""
    url = make_url(kept_database()).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg2.connect(url)

    def copy(export: OpenExport) -> Cells:
        with connection.cursor() as cursor:
            columns = ", ".join(f"c{at} text" for at in range(len(export.header)))
            cursor.execute(f"CREATE TEMPORARY TABLE stage (n int GENERATED ALWAYS AS IDENTITY, {columns})")
            names = ", ".join(f"c{at}" for at in range(len(export.header)))
            options = ", ".join(
                cursor.mogrify(f"{name} %s", (value,)).decode() for name, value in export.copy_options.items()
            )
            try:
                statement = f"COPY stage ({names}) FROM STDIN (FORMAT csv, {options})"
                cursor.copy_expert(statement, io.BytesIO(b"".join(export.blocks())))
                cursor.execute(f"SELECT {names} FROM stage ORDER BY n")
                return [tuple(cell or "" for cell in row) for row in cursor.fetchall()]
            finally:
                connection.rollback()

    yield copy
    connection.close()

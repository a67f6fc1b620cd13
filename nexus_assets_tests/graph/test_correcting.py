"""The lane of the rejected rows from end to end, by its commands, over the sources that the settings name."""

from __future__ import annotations

from pathlib import Path

import openpyxl
from click.testing import CliRunner, Result

from nexus_assets.cli import nexus_assets
from nexus_assets_tests.graph.conftest import Graph


def run(*words: str) -> Result:
    return CliRunner().invoke(nexus_assets, words)


def fill(file: Path, sheet: str, heading: str, text: str) -> None:
    book = openpyxl.load_workbook(file)
    (column,) = (cell.column for cell in book[sheet][1] if cell.value == heading)
    book[sheet].cell(2, column).value = text
    book.save(file)


def test_a_row_is_written_out_corrected_and_loaded(graph: Graph, tmp_path: Path) -> None:
    graph.clinic.contact("", nameFirst="Grevil", DOB="1/2/1950")
    graph.place()
    assert graph.materialize("patients").success
    file = tmp_path / "rejects.xlsx"
    assert run("rejects", "export", str(file), "--with-data").exit_code == 0
    untouched = run("rejects", "retry", str(file))
    assert (untouched.exit_code, "1 row is unchanged since" in untouched.output) == (0, True)

    fill(file, "patients", "nameLast", "x" * 300)
    wrong = run("rejects", "retry", str(file))
    assert wrong.exit_code == 1
    assert "patients: row 2 is still wrong: too_long in last_name" in wrong.output
    assert "too_long" in run("rejects").output

    fill(file, "patients", "nameLast", "Grevillea")
    right = run("rejects", "retry", str(file))
    assert (right.exit_code, right.exception) == (0, None)
    assert "patients: 1 corrected row is loaded" in right.output
    assert "dagster asset materialize --select appointments,notes,documents,image_batches,images" in right.output
    assert "No row is rejected." in run("rejects").output
    assert graph.clinic.value("SELECT count(*) FROM patients WHERE last_name = 'Grevillea'") == 1
    for told in (untouched, wrong, right):
        assert "Grevil" not in told.output
        assert "xxx" not in told.output

"""What COPY refuses in the middle of an export is reported with file and record, and nothing of what is in its cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nexus_assets.errors import NexusAssetsError
from nexus_assets.ledger.schema import install
from nexus_assets.load.stage import stage_export
from nexus_assets.load.work import Work
from nexus_assets.sources.filemaker import find_export, open_export

WHOLE = "id,Note\n1,one\n2,two\n"
FAULTS = {
    "too many cells": ("3,Canary,too many\n4,four\n", r"Notes\.csv: record 3 \(line 4\).* \(3 instead of 2\)"),
    "too few cells": ("3\n4,four\n", r"Notes\.csv: record 3 \(line 4\).* \(1 instead of 2\)"),
    "a line in a cell before it": ('3,"a\nb"\n4,Canary,too many\n5,five\n', r"Notes\.csv: record 4 \(line 6\)"),
    "a quotation mark that is never closed": ('3,"Canary\n4,four\n', r"Notes\.csv: record 3 \(line 4\)"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_record_that_copy_refuses_is_named(fault: str, nexus_connection: Any, tmp_path: Path) -> None:
    rows, told = FAULTS[fault]
    (tmp_path / "Notes.csv").write_text(WHOLE + rows, "utf-8")
    found = find_export(str(tmp_path), "Notes")
    assert found is not None
    with nexus_connection.cursor() as cursor:
        install(cursor)
        with pytest.raises(NexusAssetsError, match=told) as caught:
            stage_export(cursor, Work("faults")("export"), open_export(found, wanted=("id", "Note")))
    assert "Canary" not in str(caught.value)


def test_what_copy_alone_refuses_is_named_by_its_line(tmp_path: Path) -> None:
    """Nothing is wrong with the form of the record: the database has no room for what is in it."""
    (tmp_path / "Notes.csv").write_text(WHOLE, "utf-8")
    found = find_export(str(tmp_path), "Notes")
    assert found is not None
    said = str(open_export(found, wanted=("id", "Note")).explain(2, "out of memory"))
    assert "Notes.csv was refused by the database near line 2 after the header: out of memory" in said

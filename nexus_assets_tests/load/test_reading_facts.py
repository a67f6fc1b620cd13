"""A load tells how each file was read, and why so: in the ledger, in the metadata of its asset, in the log."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from nexus_assets.entities import ENTITIES
from nexus_assets.graph.entity_assets import _metadata
from nexus_assets.load.load import LoadResult, load
from nexus_assets.load.settings import LoadSettings
from nexus_assets_tests.load.clinic import Clinic


def logged(clinic: Clinic, name: str) -> tuple[LoadResult, list[str]]:
    said: list[str] = []
    with clinic.loading(ENTITIES[name]) as cursor:
        return load(cursor, ENTITIES[name], clinic.inputs(), LoadSettings(), "test", said.append), said


def sources(clinic: Clinic, name: str) -> Any:
    return clinic.value("SELECT sources FROM nexus_assets.load WHERE entity = %s ORDER BY id DESC LIMIT 1", name)


def test_the_ledger_has_all_that_was_found_out(clinic: Clinic) -> None:
    clinic.extra_headings["Contacts"] = ("Shoe size",)
    clinic.contact("Wattle", DOB="13/2/1950", nameFirst="Zoë")
    clinic.load("patients")
    told = sources(clinic, "patients")["Contacts"]
    used = told.pop("columns_used")
    assert len(told.pop("columns_seen")) == len(used) + 1, "by which the next load knows the headings again"
    assert {"id", "nameLast"} <= {*used}
    data = (clinic.folder / "Contacts.csv").read_bytes()
    assert told == {
        "file": "Contacts.csv",
        "modified": clinic.modified.isoformat(),
        "version": None,
        "format": ".csv",
        "encoding": "UTF-8",
        "encoding_why": "its accented characters are valid UTF-8",
        "delimiter": ",",
        "line_end": "CRLF",
        "columns_unused": [],
        "columns_unnamed": 1,
        "passed_over": [],
        "rows": 1,
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "remarks": [],
        "corrected": "",
    }
    order = clinic.value("SELECT date_orders FROM nexus_assets.load")
    assert (order["order"], order["why"]) == ("dmy", "1 dates can only be read so, 0 only the other way")


def test_so_have_the_metadata(clinic: Clinic) -> None:
    clinic.contact("Wattle", DOB="13/2/1950", nameFirst="Zoë")
    told = _metadata(ENTITIES["patients"], logged(clinic, "patients")[0])
    (read,) = told["read"].records
    assert read.data["how"] == ".csv; UTF-8 (its accented characters are valid UTF-8)"
    assert read.data["rows"] == "1"
    assert told["date_order"] == "dmy: 1 dates can only be read so, 0 only the other way"
    assert told["how_it_was_read"].data["Contacts"]["columns_unused"] == []


@pytest.mark.parametrize("tells_hashes", [True, False], ids=["by the hashes", "row by row"])
def test_a_new_column_that_nothing_reads_is_said_once(clinic: Clinic, tells_hashes: bool) -> None:
    clinic.tells_hashes = tells_hashes
    clinic.contact("Wattle")
    said = "patients: Contacts has columns that it did not have before, and that nothing reads: 22"
    assert said not in logged(clinic, "patients")[1]
    clinic.extra_headings["Contacts"] = ("Shoe size",)
    clinic.later()
    result, log = logged(clinic, "patients")
    assert said in log
    assert result.sources["Contacts"]["columns_new"] == [22]
    result, log = logged(clinic, "patients")
    assert said not in log
    assert "columns_new" not in result.sources["Contacts"]


def test_a_heading_that_no_entity_declares_is_named_once_a_load_has_seen_it(clinic: Clinic) -> None:
    clinic.tells_hashes = False
    clinic.extra_headings["Contacts"] = ("Shoe size",)
    clinic.contact("Wattle")
    first, second = (logged(clinic, "patients")[0].sources["Contacts"] for _ in range(2))
    assert (first["columns_unused"], first["columns_unnamed"]) == ((), 1)
    assert (second["columns_unused"], second["columns_unnamed"]) == (("Shoe size",), 0)
    assert "columns_seen" not in second, "is for the ledger alone"

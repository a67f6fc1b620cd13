"""Columns are found by their headings; what is wrong with them is said without showing a patient's data."""

from __future__ import annotations

import re

import pytest

from nexus_assets.errors import NexusAssetsError
from nexus_assets.sources.columns import match_columns
from nexus_assets_tests.sources.conftest import Exports

HEADER = ("id", "nameFirst", "nameLast", "Health Number", "DOB")


def test_case_and_blanks_around_don_t_matter() -> None:
    header = ("ID ", " NameFirst", "nameLast", "health number")
    positions = match_columns(header, ("id", "nameFirst", "nameLast"), ("Health Number", "DOB"), "Contacts.csv")
    assert positions == {"id": 0, "nameFirst": 1, "nameLast": 2, "Health Number": 3}


def test_the_exact_spelling_comes_first() -> None:
    assert match_columns(("ID", "id"), ("id",), (), "Contacts.csv") == {"id": 1}


def test_a_wanted_column_that_is_there_twice_is_refused() -> None:
    with pytest.raises(NexusAssetsError, match="2 columns 'id'"):
        match_columns((*HEADER, "id"), ("id",), (), "Contacts.csv")


def test_an_unwanted_column_may_be_there_twice() -> None:
    assert match_columns((*HEADER, "x", "x"), ("id",), (), "Contacts.csv") == {"id": 0}


def test_a_renamed_column_is_guessed_for_the_person_not_for_the_load() -> None:
    with pytest.raises(NexusAssetsError, match=r"Did 'name_Last' become 'nameLast'\?") as caught:
        match_columns(HEADER, ("id", "nameFirst", "name_Last"), (), "Contacts.csv")
    assert "lacks the column 'name_Last'" in str(caught.value)
    assert "'Health Number'" in str(caught.value), "the headings that are there"


@pytest.mark.parametrize("quote", ["", '"'], ids=["plain", "quoted"])
@pytest.mark.parametrize("mark", ["|", "^", ":", "~"])
def test_another_separator_is_named_and_its_advice_helps(exports: Exports, mark: str, quote: str) -> None:
    cells = [("id", "Note", "Date"), ("A1", "Fits well", "1/2/2020")]
    text = "".join(mark.join(f"{quote}{cell}{quote}" for cell in row) + "\n" for row in cells)
    with pytest.raises(NexusAssetsError, match=rf"separated by '{re.escape(mark)}'") as caught:
        exports.read("Notes.csv", text.encode(), wanted=("id", "Note", "Date"))
    assert f"line sep={mark} above" in caught.value.remedy
    assert exports.read("Notes.csv", f"sep={mark}\n{text}".encode(), wanted=("id", "Note", "Date")) == cells


@pytest.mark.parametrize("mark", ["\u00a6", "\x01"])
def test_a_separator_that_no_line_can_name_is_to_be_exported_otherwise(exports: Exports, mark: str) -> None:
    with pytest.raises(NexusAssetsError, match="separated by") as caught:
        exports.read("Notes.csv", f"id{mark}Note\nA1{mark}Fits\n".encode(), wanted=("id", "Note"))
    assert "sep=" not in caught.value.remedy


@pytest.mark.parametrize("mark", [",", ";"])
def test_quotation_marks_in_a_heading_are_not_taken_for_another_separator(exports: Exports, mark: str) -> None:
    text = mark.join(('"id"', '"N"o"te"', '"Date"')) + "\n"
    with pytest.raises(NexusAssetsError, match="quotation marks in the middle of a cell"):
        exports.read("Notes.csv", text.encode(), wanted=("id", "Note", "Date"))


def test_a_first_record_that_is_no_header_is_not_shown() -> None:
    patient = ("A1B2", "Jane", "Citizen", "2950 12345 6", "1/2/1960")
    with pytest.raises(NexusAssetsError, match=r"\(5 cells\) holds 0") as caught:
        match_columns(patient, ("id", "nameFirst", "nameLast"), (), "Contacts.csv")
    assert not any(cell in str(caught.value) for cell in patient)
    assert ".fields" in caught.value.remedy

"""Which export a file's name means, and what of a name may be quoted: no person's."""

from __future__ import annotations

import pytest

from nexus_assets.sources.names import Spelling, begins_like, hinted_version, newer_by_its_words, spelling
from nexus_assets.sources.quotable import file_name


@pytest.mark.parametrize(
    ("file", "export", "means"),
    [
        ("Contacts.csv", "Contacts", Spelling(None)),
        ("CON tacts.XLSX", "Contacts", Spelling(None)),
        ("Image_dataV10.csv", "Image_data", Spelling(10)),
        ("Image_data.csv", "Image_data", Spelling(None)),
        ("Contacts2.csv", "Image_data", None),
        ("Contactss.csv", "Contacts", None),
        ("Contacts.pdf", "Contacts", None),
    ],
)
def test_how_a_name_spells_an_export(file: str, export: str, means: Spelling | None) -> None:
    assert spelling(file, export) == means


@pytest.mark.parametrize(
    ("file", "begins"),
    [
        ("Contacts 2024-05-01.xlsx", True),
        ("Contacts_new.xlsx", True),
        ("Contacts2.csv", True),
        ("Contactsheet.csv", False),
        ("Old Contacts.csv", False),
        ("Contacts_new.pdf", False),
    ],
)
def test_what_a_person_might_take_for_an_export(file: str, begins: bool) -> None:
    assert begins_like(file, "Contacts") is begins


@pytest.mark.parametrize(
    ("file", "newer"),
    [
        ("Notes_final.csv", True),
        ("Notes_final_copy.csv", True),
        ("Notes 2026-11-25.csv", None),
        ("Notes_final_wattle.csv", False),
        ("Notes_wattle.csv", False),
        ("Contacts_final.csv", False),
        ("Notes_final.pdf", False),
    ],
)
def test_words_that_say_that_a_file_is_a_later_one(file: str, newer: bool | None) -> None:
    assert newer_by_its_words(file, "Notes") is newer


@pytest.mark.parametrize(
    ("file", "version"),
    [("Image_dataV10_final.csv", 10), ("Image_dataV10.csv", None), ("Image_data_final.csv", None), ("V10.csv", None)],
)
def test_the_version_of_a_file_that_is_not_spelled_as_an_export(file: str, version: int | None) -> None:
    assert hinted_version(file, "Image_data") == version


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("Contacts.csv", "Contacts.csv"),
        ("Contacs.csv", "Contacs.csv"),
        ("Contacttss.csv", None),
        ("Contacts 2024 Wren Wattle.csv", "Contacts….csv"),
        ("Contacts of Wren Wattle.csv", None),
        ("Wren Wattle.csv", None),
    ],
)
def test_what_of_a_file_name_is_quoted(name: str, quoted: str | None) -> None:
    assert file_name(name) == quoted

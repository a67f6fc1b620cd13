"""Which file in a folder is meant by the name of an export."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from nexus_assets.errors import NexusAssetsError
from nexus_assets.sources.filemaker import ExportFile, find_export

DAY = 86_400


def put(folder: Path, *names: str) -> str:
    for name in names:
        (folder / name).write_bytes(b"id\n")
        os.utime(folder / name, (1_700_000_000, 1_700_000_000))
    return str(folder)


def found(folder: Path, name: str) -> ExportFile:
    export = find_export(str(folder), name)
    assert export is not None
    return export


@pytest.mark.parametrize(
    "file_name",
    [
        "Image_data.csv",
        "image data.CSV",
        "IMAGE-DATA.xlsx",
        "ImageData.tab",
        "Image_data.mer",
        "Image_data.xml",
        "Image_data.csv.gz",
        "Image_data.zip",
        "image_data.csv.ZIP",
        "Image_dataV9.csv",
        "Image_data V11.csv",
        "image_data_v3.xlsx",
        "Image_data (2).csv",
        "Image_data copy.csv",
        "Image_data - Copy.csv",
        "Image_data 2.csv",
    ],
)
def test_any_spelling_is_found(tmp_path: Path, file_name: str) -> None:
    put(tmp_path, file_name, "Notes.csv", "Image_data_old_list.txt")
    assert found(tmp_path, "Image_data").place.name == file_name


@pytest.mark.parametrize(
    "file_name",
    [
        "~$Contacts.xlsx",
        ".Contacts.xlsx",
        "._Contacts.csv",
        "Contacts.xlsx.tmp",
        "Contacts.csv.part",
        "Contacts.crdownload",
        "Contacts",
        "MyContacts.csv",
        "Contactsheet.csv",
        "Contacts of the clinic.csv",
    ],
)
def test_other_files_are_not_taken_for_it(tmp_path: Path, file_name: str) -> None:
    put(tmp_path, file_name)
    assert find_export(str(tmp_path), "Contacts", required=False) is None


def test_the_newest_version_counts_by_number(tmp_path: Path) -> None:
    put(tmp_path, "Image_dataV9.csv", "Image_dataV10.csv", "Image_data V2.csv", "Image_data.csv")
    export = found(tmp_path, "Image_data")
    assert (export.place.name, export.version) == ("Image_dataV10.csv", "V10")
    assert export.passed_over == ("Image_data V2.csv", "Image_data.csv", "Image_dataV9.csv")


def test_what_only_looks_like_it_is_told(tmp_path: Path) -> None:
    put(tmp_path, "Contacts.xlsx", "Contacts 2024-05-01.xlsx", "Contactsheet.csv")
    assert found(tmp_path, "Contacts").passed_over == ("Contacts 2024-05-01.xlsx",)


@pytest.mark.parametrize(
    "names",
    [
        ("Contacts.xlsx", "contacts.csv"),
        ("Contacts.csv", "Contacts.csv.gz"),
        ("Contacts.csv", "Contacts (2).csv"),
        ("ContactsV3.csv", "contacts v3.xlsx"),
    ],
    ids=" and ".join,
)
def test_two_that_nothing_orders_are_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    with pytest.raises(NexusAssetsError, match="nothing shows which one counts") as caught:
        find_export(put(tmp_path, *names), "Contacts")
    assert all(name in str(caught.value) for name in names)
    assert "Keep the one to load" in caught.value.remedy


def test_a_file_without_version_that_is_clearly_younger_is_no_older_version(tmp_path: Path) -> None:
    put(tmp_path, "Image_data.csv", "Image_dataV9.csv")
    os.utime(tmp_path / "Image_data.csv", (1_700_000_000 + 2 * DAY,) * 2)
    with pytest.raises(NexusAssetsError, match="nothing shows which one counts"):
        find_export(str(tmp_path), "Image_data")


def test_a_missing_export_names_what_is_there_and_what_to_do(tmp_path: Path) -> None:
    put(tmp_path, "Notes.csv", "Docs.xlsx", "passwords.txt")
    with pytest.raises(NexusAssetsError) as caught:
        find_export(str(tmp_path), "Contacts")
    for words in (str(tmp_path), "Contacts", ".xlsx", "'Docs.xlsx', 'Notes.csv'", "NEXUS_EXPORTS"):
        assert words in str(caught.value)
    assert "passwords" not in str(caught.value)


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(NexusAssetsError, match=re.escape(f"{tmp_path}/none, can't be read: No such file")):
        find_export(f"{tmp_path}/none", "Contacts")


def test_a_file_instead_of_a_folder_is_said(tmp_path: Path) -> None:
    put(tmp_path, "Contacts.csv")
    with pytest.raises(NexusAssetsError, match="Not a directory"):
        find_export(str(tmp_path / "Contacts.csv"), "Contacts")


def test_names_that_people_typed_are_counted_only(tmp_path: Path) -> None:
    put(tmp_path, "Wattle John.csv", "Contcats.csv")
    with pytest.raises(NexusAssetsError) as caught:
        find_export(str(tmp_path), "Contacts")
    assert "There is 'Contcats.csv'. Files of other names: 1." in str(caught.value)
    assert "Wattle" not in str(caught.value)
    put(tmp_path, "Contacts.csv", "Contacts 2024 Wattle John.csv")
    assert found(tmp_path, "Contacts").passed_over == ("Contacts….csv",)


@pytest.mark.parametrize(
    "newer", ["Image_dataV10_final.csv", "Image_dataV9 copy.csv", "Image_dataV9_final.csv", "Image_dataV9.1.csv"]
)
def test_a_file_that_seems_newer_is_never_passed_over(newer: str, tmp_path: Path) -> None:
    put(tmp_path, "Image_dataV9.csv", "Image_dataV8_final.csv", newer)
    with pytest.raises(NexusAssetsError, match="nothing shows which one counts") as caught:
        find_export(str(tmp_path), "Image_data")
    assert newer in str(caught.value)
    assert "V8" not in str(caught.value)


@pytest.mark.parametrize(
    ("other", "younger", "is_meant"),
    [
        ("Notes_final.xlsx", 1, True),
        ("Notes new.xlsx", 1, True),
        ("Notes - Kopie.xlsx", 1, True),
        ("Notes_final.xlsx", -1, False),
        ("Notes 2026-11-25.xlsx", 2 * DAY, True),
        ("Notes 2026-11-25.xlsx", 60, False),
        ("Notes templates.xlsx", 2 * DAY, False),
        ("Notes old.xlsx", 2 * DAY, False),
    ],
)
def test_a_younger_file_that_says_it_is_later_is_asked_about(
    other: str, younger: int, is_meant: bool, tmp_path: Path
) -> None:
    put(tmp_path, "Notes.xlsx", other)
    os.utime(tmp_path / other, (1_700_000_000 + younger,) * 2)
    if is_meant:
        with pytest.raises(NexusAssetsError, match="nothing shows which one counts") as caught:
            find_export(str(tmp_path), "Notes")
        assert repr(other) in str(caught.value)
    else:
        export = found(tmp_path, "Notes")
        assert export.place.name == "Notes.xlsx"
        assert len(export.passed_over) == 1


def test_numbered_copies_are_refused_however_many_digits_they_have(tmp_path: Path) -> None:
    put(tmp_path, "Image_data_9.csv", "Image_data_10.csv")
    with pytest.raises(NexusAssetsError, match="nothing shows which one counts"):
        find_export(str(tmp_path), "Image_data")


@pytest.mark.parametrize(
    "location", ["https://wattle:wren@fm.example/exports?token=wren", "ftp://wattle:wren@fm.example#wren", "x://wren"]
)
def test_address_in_place_of_a_folder_is_shown_without_what_it_keeps_secret(location: str) -> None:
    with pytest.raises(NexusAssetsError) as refused:
        find_export(location, "Contacts")
    assert ":wren" not in str(refused.value)
    assert "token" not in str(refused.value)
    assert refused.value.__suppress_context__

"""A row that could not be loaded is listed, written out, corrected and loaded: by the same way as every row, and for good."""

from __future__ import annotations

import datetime
import json
import stat
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from nexus_assets.admin.reject_workbook import SheetError, read_sheets, sheet_headings, write_sheets
from nexus_assets.admin.rejects import counts, open_rejects
from nexus_assets.admin.retry import Retried, retry
from nexus_assets.entities import ENTITIES
from nexus_assets.load.gates import GateError
from nexus_assets.load.settings import LoadSettings
from nexus_assets_tests.admin.conftest import Command
from nexus_assets_tests.load.clinic import Clinic, filemaker_id, furnish, image_key
from nexus_assets_tests.load.conftest import Prepared

pytestmark = pytest.mark.extended

Edits = Mapping[str, Mapping[int, Mapping[str, object]]]


def correct(clinic: Clinic, edits: Edits, name: str = "rejects.xlsx") -> Path:
    """Writes the rejects out, changes cells (sheet -> row from 2 -> heading -> text) as a person would, in another program."""
    file = clinic.folder / name
    if not file.exists():
        write_sheets(clinic.engine, file, None, None)
    book = openpyxl.load_workbook(file)
    for sheet, rows in edits.items():
        columns = {cell.value: cell.column for cell in book[sheet][1]}
        for row, cells in rows.items():
            for heading, value in cells.items():
                book[sheet].cell(row, columns[heading]).value = value
    book.save(file)
    return file


def retried(clinic: Clinic, file: Path) -> Retried:
    rows = read_sheets(file)
    return retry(clinic.engine, rows, lambda _: clinic.inputs(), LoadSettings(), "retry", lambda _: None)


def open_reasons(clinic: Clinic) -> dict[str, dict[str, int]]:
    return counts(open_rejects(clinic.engine, None, None))


def everything(clinic: Clinic) -> dict[str, Any]:
    return {**clinic.versions(), **clinic.versions("nexus_assets")}


@pytest.fixture
def faulty(prepared: Prepared) -> Clinic:
    """The furnished clinic with a faulty row of every kind, loaded."""
    return prepared(load_faulty)


def load_faulty(clinic: Clinic) -> None:
    furnish(clinic).load()
    (wattle, _) = (row["id"] for row in clinic.exports["Contacts"])
    clinic.contact("Grevillea", nameLast="", id="5D3C5A2B-7B1E-4E1F-9C57-0000000000AA")
    clinic.note(wattle, "", creationAccountName="wren")
    clinic.note(wattle, "an\x0bold\x1dnote", Date="31/31/2024")
    clinic.appointment("", notes="Ring first")
    clinic.image(wattle, id_Contact="")
    clinic.image(wattle, recid="77")
    clinic.exports["Image_data"].pop()  # a file of which FileMaker says nothing
    clinic.later()
    clinic.load()


# --- listing ----------------------------------------------------------------------------------------------------------


def test_the_list_tells_where_and_why_and_nothing_of_what_is_in_them(
    faulty: Clinic, command: Callable[[Clinic], Command]
) -> None:
    shown = command(faulty)("rejects")
    assert shown.exit_code == 0
    for word in ("no_last_name", "empty_note", "unreadable_date", "no_contact", "no_record"):
        assert word in shown.output
    for word in ("Wren", "wren", "Ring first", "31/31", "old"):
        assert word not in shown.output
    told = json.loads(command(faulty)("rejects", "--json", "--entity", "notes").output)
    assert told["counts"] == {"notes": {"empty_note": 1, "unreadable_date": 1}}
    assert [(each["record"], each["reason"], each["column"]) for each in told["rejects"]] == [
        (3, "empty_note", ""),
        (4, "unreadable_date", "created_at"),
    ]
    assert told["rejects"][0]["filemaker_id"] == faulty.exports["Notes"][2]["id"]


def test_an_id_that_is_no_uuid_is_not_shown(loaded: Clinic) -> None:
    loaded.contact("Grevillea", id="Wren Grevillea")
    loaded.later()
    loaded.load("patients")
    assert [each.filemaker_id for each in open_rejects(loaded.engine, None, "bad_id")] == [""]


def test_more_rows_than_fit_are_counted(faulty: Clinic, command: Callable[[Clinic], Command]) -> None:
    assert "5 more: --rows 6" in command(faulty)("rejects", "--rows", "1").output


def test_without_a_load_there_is_nothing_to_list(without_ledger: Clinic, command: Callable[[Clinic], Command]) -> None:
    result = command(without_ledger)("rejects")
    assert "Nothing was ever loaded" in str(result.exception)


# --- the workbook -----------------------------------------------------------------------------------------------------


def test_the_workbook_is_asked_for_by_its_flag(
    faulty: Clinic, command: Callable[[Clinic], Command], tmp_path: Path
) -> None:
    file = tmp_path / "rejects.xlsx"
    refused = command(faulty)("rejects", "export", str(file))
    assert "--with-data" in str(refused.exception)
    assert not file.exists()
    written = command(faulty)("rejects", "export", str(file), "--with-data")
    assert written.exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = command(faulty)("rejects", "export", str(file), "--with-data")
    assert "is there already" in str(again.exception)


def test_the_workbook_has_a_sheet_per_entity_under_filemakers_headings(faulty: Clinic, tmp_path: Path) -> None:
    file = tmp_path / "rejects.xlsx"
    written = write_sheets(faulty.engine, file, None, None)
    assert written.rows == {"patients": 1, "appointments": 1, "notes": 2, "images": 2}
    book = openpyxl.load_workbook(file)
    header, first, second = ([cell.value for cell in row] for row in book["notes"])
    assert header[:5] == ["reject", "record", "reason", "column", "file"]
    assert {*header[5:]} == {"id", "id_Key", "Note", "Note Type", "Date", "creationAccountName"}
    told = dict(zip(header, second, strict=True))
    assert (told["Date"], told["Note"], told["reason"]) == ("31/31/2024", "an\nold\nnote", "unreadable_date")
    assert dict(zip(header, first, strict=True))["Note"] is None


def test_a_cell_is_never_a_formula(loaded: Clinic, tmp_path: Path) -> None:
    loaded.appointment("", notes='=HYPERLINK("http://evil.example")')
    loaded.later()
    loaded.load("appointments")
    write_sheets(loaded.engine, tmp_path / "rejects.xlsx", None, None)
    (cell,) = (
        cell
        for row in openpyxl.load_workbook(tmp_path / "rejects.xlsx")["appointments"].iter_rows(min_row=2)
        for cell in row
        if str(cell.value).startswith("=")
    )
    assert cell.data_type == "s"


def test_what_nobody_touched_is_not_tried_again(faulty: Clinic) -> None:
    before = everything(faulty)
    outcome = retried(faulty, correct(faulty, {}))
    assert (outcome.untouched, outcome.loaded, outcome.results) == (6, {}, {})
    assert everything(faulty) == before


# --- retrying ---------------------------------------------------------------------------------------------------------


def test_blanks_that_a_program_did_not_keep_correct_nothing(loaded: Clinic) -> None:
    (wattle, _) = (row["id"] for row in loaded.exports["Contacts"])
    loaded.note(wattle, " \n", creationAccountName=" wren ")
    loaded.later()
    loaded.load("notes")
    before = everything(loaded)
    done = retried(loaded, correct(loaded, {"notes": {2: {"Note": None, "creationAccountName": "wren"}}}))
    assert (done.untouched, done.results) == (1, {})
    assert everything(loaded) == before


def test_a_corrected_row_is_loaded_and_its_reject_is_closed(faulty: Clinic) -> None:
    wattle = faulty.exports["Contacts"][0]["id"]
    file = correct(
        faulty,
        {
            "patients": {2: {"nameLast": "Grevillea"}},
            "notes": {2: {"Note": "Felt well."}, 3: {"Date": "3/31/2024"}},
            "appointments": {2: {"id_Contact": wattle.lower()}},
            "images": {2: {"id_Contact": wattle}},
        },
    )
    outcome = retried(faulty, file)
    assert outcome.loaded == {"patients": 1, "notes": 2, "appointments": 1, "images": 1}
    assert not outcome.still_wrong
    assert open_reasons(faulty) == {"images": {"no_record": 1}}
    assert faulty.value("SELECT count(*) FROM {patients} WHERE last_name = 'Grevillea'") == 1
    # What nobody touched is as FileMaker has it, returns and repetitions included.
    assert faulty.values("SELECT content FROM {notes} WHERE content LIKE 'an%'") == ["an\nold\nnote"]
    for name in ("patients", "notes", "appointments", "images"):
        account = outcome.results[name].account
        assert account.inserted == outcome.loaded[name]
        assert account.healed.get("vanished") is None, "the rows that are not in the workbook are still there"
        assert account.notices["corrected"] == outcome.loaded[name]


def test_rows_of_an_owner_whom_nobody_knows_are_corrected_one_after_the_other(loaded: Clinic) -> None:
    wattle = loaded.exports["Contacts"][0]["id"]
    for number in range(3):
        loaded.communication(filemaker_id("gone"), "Mobile", f"0491 570 15{number}")
    loaded.load("patient_communications")
    for left, row in ((2, 3), (1, 2), (0, 4)):
        outcome = retried(loaded, correct(loaded, {"patient_communications": {row: {"id.key": wattle}}}))
        assert (outcome.loaded, outcome.still_wrong) == ({"patient_communications": 1}, [])
        assert sum(open_reasons(loaded).get("patient_communications", {}).values()) == left
    phones = loaded.value("SELECT contact_json -> 'phones' FROM {patients} WHERE last_name = 'Wattle'")
    assert [each["number"] for each in phones] == ["02 5550 1222", *(f"0491 570 15{number}" for number in range(3))]


def test_a_corrected_image_gets_its_batch(faulty: Clinic) -> None:
    wattle = faulty.exports["Contacts"][0]["id"]
    record = {"id_Contact": wattle, "date": "12/24/2024", "id": str(uuid.uuid4()), "Type": "Dorsal"}
    outcome = retried(faulty, correct(faulty, {"images": {3: record}}))
    assert outcome.loaded == {"images": 1}
    assert outcome.results["image_batches"].account.inserted == 1
    batch = faulty.value("SELECT batch_id::text FROM {images_image} WHERE s3_key = %s", image_key("77"))
    assert faulty.row("SELECT name, image_count FROM {images_batch} WHERE id = %s", batch) == (
        "24 Dec 2024 (FileMaker Import)",
        1,
    )


def test_what_is_still_wrong_stays_open_with_its_new_reason(faulty: Clinic) -> None:
    before = {each.reason: each.id for each in open_rejects(faulty.engine, "notes", None)}
    file = correct(faulty, {"notes": {2: {"Note": "Felt well.", "id_Key": str(uuid.uuid4())}}})
    outcome = retried(faulty, file)
    assert [(each.entity, each.row, each.reason) for each in outcome.still_wrong] == [("notes", 2, "unknown_patient")]
    after = {each.reason: each.id for each in open_rejects(faulty.engine, "notes", None)}
    assert after == {"unknown_patient": before["empty_note"], "unreadable_date": before["unreadable_date"]}
    # The same workbook, corrected further, is enough.
    outcome = retried(faulty, correct(faulty, {"notes": {2: {"id_Key": faulty.exports["Contacts"][0]["id"]}}}))
    assert outcome.loaded == {"notes": 1}
    assert open_reasons(faulty)["notes"] == {"unreadable_date": 1}


def test_a_corrected_row_may_be_corrected_again(faulty: Clinic) -> None:
    retried(faulty, correct(faulty, {"patients": {2: {"nameLast": "Grevilea"}}}))
    outcome = retried(faulty, correct(faulty, {"patients": {2: {"nameLast": "Grevillea"}}}))
    assert outcome.results["patients"].account.updated == 1
    assert faulty.value("SELECT count(*) FROM {patients} WHERE last_name = 'Grevillea'") == 1


def test_rows_are_corrected_in_a_ledger_restored_without_its_sequences(faulty: Clinic) -> None:
    retried(faulty, correct(faulty, {"patients": {2: {"nameLast": "Grevillea"}}}))
    faulty.execute("SELECT setval(pg_get_serial_sequence('nexus_assets.correction', 'id'), 1, FALSE)")
    assert retried(faulty, correct(faulty, {"notes": {2: {"Note": "Felt well."}}})).loaded == {"notes": 1}


def test_excels_own_dates_are_dates(faulty: Clinic) -> None:
    outcome = retried(faulty, correct(faulty, {"notes": {3: {"Date": datetime.date(2024, 12, 5)}}}))
    assert outcome.loaded == {"notes": 1}
    assert (
        faulty.value(
            "SELECT (created_at AT TIME ZONE 'Australia/Sydney')::date::text FROM {notes} WHERE content LIKE 'an%'"
        )
        == "2024-12-05"
    )


# --- what later exports do --------------------------------------------------------------------------------------------


@pytest.fixture
def corrected(faulty: Clinic) -> Clinic:
    """The faulty clinic after its patient and its image without a contact were corrected."""
    wattle = faulty.exports["Contacts"][0]["id"]
    file = correct(faulty, {"patients": {2: {"nameLast": "Grevillea"}}, "images": {2: {"id_Contact": wattle}}})
    retried(faulty, file)
    return faulty


@pytest.mark.parametrize("tells_hashes", [True, False], ids=["by the hashes", "row by row"])
def test_a_corrected_row_counts_while_filemaker_has_the_faulty_one(corrected: Clinic, tells_hashes: bool) -> None:
    corrected.tells_hashes = tells_hashes
    before, rejects = corrected.versions(), open_reasons(corrected)
    results = corrected.load()
    assert corrected.versions() == before
    assert open_reasons(corrected) == rejects
    assert results["patients"].account.notices["corrected"] == 1
    corrected.contact("Telopea")
    corrected.later()
    corrected.load()
    assert "patients" not in open_reasons(corrected)
    assert corrected.value("SELECT count(*) FROM {patients} WHERE last_name = 'Grevillea'") == 1


@pytest.mark.parametrize("row", [0, 1], ids=["the earlier one", "the later one"])
def test_either_of_two_corrected_rows_that_is_corrected_again_is_read_again(row: int, loaded: Clinic) -> None:
    """The load finds nothing else changed: not the export, not how many rows are corrected."""
    contacts = [loaded.contact(f"Grevillea {number}", nameLast="") for number in range(2)]
    loaded.later()
    loaded.load()
    for number in range(2):
        retried(
            loaded, correct(loaded, {"patients": {2: {"nameLast": f"Grevillea {number}"}}}, f"correct-{number}.xlsx")
        )
    assert loaded.load("patients")["patients"].account.updated == 0
    loaded.execute(
        'UPDATE nexus_assets.correction SET corrected = corrected || \'{"nameLast": "Telopea"}\', corrected_at = clock_timestamp()'
        " WHERE id = (SELECT id FROM nexus_assets.correction ORDER BY id OFFSET %s LIMIT 1)",
        row,
    )
    assert loaded.load("patients")["patients"].account.updated == 1
    (changed,) = loaded.values("SELECT filemaker_metadata->>'filemaker_id' FROM {patients} WHERE last_name = 'Telopea'")
    assert changed == contacts[row]


def test_corrections_survive_an_upgrade_from_a_ledger_that_called_them_mended(corrected: Clinic) -> None:
    corrected.execute("ALTER TABLE nexus_assets.correction RENAME COLUMN corrected TO mended")
    corrected.execute("ALTER TABLE nexus_assets.correction RENAME COLUMN corrected_at TO mended_at")
    corrected.execute("ALTER TABLE nexus_assets.correction RENAME TO mended")
    corrected.execute("UPDATE nexus_assets.about SET code_hash = 'another'")
    corrected.tells_hashes = False
    results = corrected.load()
    assert results["patients"].account.notices["corrected"] == 1
    assert "patients" not in open_reasons(corrected)


def test_a_corrected_row_is_explained_as_one(corrected: Clinic, command: Callable[[Clinic], Command]) -> None:
    whole, faulty = (corrected.exports["Contacts"][at]["id"] for at in (0, 2))
    assert "as you corrected it" in command(corrected)("explain", faulty).output
    assert "corrected" not in command(corrected)("explain", whole).output, "its id is in the corrected row of an image"
    corrected.exports["Contacts"][2]["nameLast"] = "Grevillea"
    corrected.later()
    corrected.load()
    assert "corrected" not in command(corrected)("explain", faulty).output


def test_a_row_that_changes_in_filemaker_counts_as_it_is_there(corrected: Clinic) -> None:
    corrected.exports["Contacts"][2]["nameFirst"] = "Robin"
    corrected.later()
    account = corrected.load("patients")["patients"].account
    assert open_reasons(corrected)["patients"] == {"no_last_name": 1}
    assert "corrected" not in account.notices
    corrected.exports["Contacts"][2]["nameLast"] = "Grevillea-Smith"
    corrected.later()
    corrected.load("patients")
    assert "patients" not in open_reasons(corrected), "a reject that a later export corrects is closed"
    assert corrected.values("SELECT last_name FROM {patients} WHERE last_name LIKE 'Grev%'") == ["Grevillea-Smith"]


def test_a_row_that_changed_before_it_was_corrected_is_told(faulty: Clinic) -> None:
    file = correct(faulty, {"patients": {2: {"nameLast": "Grevillea"}}})
    faulty.exports["Contacts"][2]["nameFirst"] = "Robin"
    faulty.later()
    outcome = retried(faulty, file)
    assert (outcome.outdated, outcome.loaded) == (1, {})
    assert faulty.value("SELECT count(*) FROM nexus_assets.correction") == 0
    assert open_reasons(faulty)["patients"] == {"no_last_name": 1}


def test_equal_faulty_rows_are_corrected_one_by_one(loaded: Clinic) -> None:
    for _ in range(3):
        loaded.note(loaded.exports["Contacts"][0]["id"], "Twin.")["id"] = ""
    loaded.later()
    loaded.load("notes")
    ids = [str(uuid.uuid4()) for _ in range(2)]
    outcome = retried(loaded, correct(loaded, {"notes": {2: {"id": ids[0]}, 3: {"id": ids[1]}}}))
    assert outcome.loaded == {"notes": 2}
    assert loaded.value("SELECT count(*) FROM {notes} WHERE content = 'Twin.'") == 2
    assert open_reasons(loaded) == {"notes": {"no_id": 1}}


# --- what is refused --------------------------------------------------------------------------------------------------


def test_a_gate_stops_a_retry_like_any_load(faulty: Clinic) -> None:
    file = correct(faulty, {"patients": {2: {"nameLast": "Grevillea"}}})
    for number in range(40):
        faulty.contact(f"Extra {number}")
    faulty.later()
    faulty.load("patients")
    del faulty.exports["Contacts"][3:]
    faulty.later()
    before = everything(faulty)
    with pytest.raises(GateError, match="known rows of patients are not in this export"):
        retried(faulty, file)
    assert everything(faulty) == before


def test_a_retry_that_a_gate_stops_is_told_by_its_exit_code(
    faulty: Clinic, command: Callable[[Clinic], Command]
) -> None:
    file = correct(faulty, {"patients": {2: {"nameLast": "Grevillea"}}})
    file_of_patients = faulty.folder / "Contacts.csv"
    file_of_patients.write_text(file_of_patients.read_text("utf-8").splitlines(keepends=True)[0], "utf-8")
    stopped = command(faulty)("rejects", "retry", str(file))
    assert "Nothing was written. First load as usual" in stopped.output
    assert (stopped.exit_code, type(stopped.exception)) == (1, SystemExit)


def test_an_id_that_another_row_has_is_refused(faulty: Clinic) -> None:
    taken = faulty.exports["Notes"][0]["id"]
    file = correct(faulty, {"notes": {2: {"Note": "Felt well.", "id": taken}}})
    before = everything(faulty)
    with pytest.raises(SheetError, match="carries the FileMaker id of record 1 of Notes") as caught:
        retried(faulty, file)
    assert "well" not in str(caught.value)
    assert everything(faulty) == before


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"reject": "999"}, "Row 2 of the sheet patients corrects the reject 999, which there is not"),
        ({"reject": None}, "row 2 does not say in the column 'reject'"),
        ({"reject": "Wren"}, "row 2 does not say in the column 'reject'"),
    ],
    ids=["unknown", "none", "a word"],
)
def test_a_row_that_corrects_nothing_is_named(faulty: Clinic, cells: Mapping[str, object], words: str) -> None:
    with pytest.raises(SheetError, match=words):
        retried(faulty, correct(faulty, {"patients": {2: cells}}))


def test_two_rows_for_one_reject_are_refused(faulty: Clinic) -> None:
    number = open_rejects(faulty.engine, "notes", "empty_note")[0].id
    with pytest.raises(SheetError, match="corrects one reject twice: row 2 of notes and row 3 of notes"):
        retried(faulty, correct(faulty, {"notes": {3: {"reject": number}}}))


@pytest.mark.parametrize(
    ("sheet", "header", "words"),
    [
        ("Patients", ["reject"], r"1 sheet of other names than 'patients', "),
        ("patients", ["reject", "id"], "lacks the columns 'nameFirst'"),
    ],
    ids=["sheet", "column"],
)
def test_a_workbook_of_another_shape_is_refused(tmp_path: Path, sheet: str, header: list[str], words: str) -> None:
    with xlsxwriter.Workbook(tmp_path / "other.xlsx") as book:
        book.add_worksheet(sheet).write_row(0, 0, header)
    with pytest.raises(Exception, match=words):
        read_sheets(tmp_path / "other.xlsx")


def notes_sheet(folder: Path, *rejects: str) -> list[int]:
    """The rejects that a sheet of notes corrects whose first column holds these; the other cells of a row say so, too."""
    headings = ("reject", *sheet_headings(ENTITIES["notes"]))
    with xlsxwriter.Workbook(folder / "notes.xlsx") as book:
        sheet = book.add_worksheet("notes")
        for row, cells in enumerate((headings, *([reject] * len(headings) for reject in rejects))):
            sheet.write_row(row, 0, cells)
    return [row.reject_id for row in read_sheets(folder / "notes.xlsx")]


def test_rows_without_anything_are_no_corrections(tmp_path: Path) -> None:
    assert notes_sheet(tmp_path, "1", "", "2", "") == [1, 2]


@pytest.mark.parametrize("reject", ["x", "-1", "1.5", "\u0663", "1" * 19])
def test_a_row_that_names_no_reject_is_refused_by_its_number(reject: str, tmp_path: Path) -> None:
    with pytest.raises(SheetError, match="row 4 does not say in the column 'reject'"):
        notes_sheet(tmp_path, "1" * 18, "", reject)


def test_a_file_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rejects.xlsx").write_bytes(b"Wren Wattle")
    with pytest.raises(SheetError, match="no workbook that can be read"):
        read_sheets(tmp_path / "rejects.xlsx")
    with pytest.raises(SheetError, match="can't be read: No such file"):
        read_sheets(tmp_path / "gone.xlsx")


# --- the end of it ----------------------------------------------------------------------------------------------------


def test_a_purge_removes_what_is_resolved_and_old_and_says_so(
    corrected: Clinic, command: Callable[[Clinic], Command]
) -> None:
    nexus_assets = command(corrected)
    assert "nothing was removed" in nexus_assets("rejects", "purge", "--older-than", "30").output
    corrected.execute("UPDATE nexus_assets.load SET finished_at = finished_at - interval '40 days'")
    opened = open_reasons(corrected)
    told = nexus_assets("rejects", "purge", "--older-than", "30").output
    assert "Removed: patients: 1 no_last_name" in told
    assert "Removed: images: 1 no_contact" in told
    assert open_reasons(corrected) == opened
    assert corrected.value("SELECT count(*) FROM nexus_assets.reject WHERE resolved_load IS NOT NULL") == 0
    # What stands for a row that is faulty still is needed.
    corrected.tells_hashes = False
    corrected.load("patients")
    assert "patients" not in open_reasons(corrected)


def test_a_purge_removes_a_corrected_row_that_nothing_needs(
    corrected: Clinic, command: Callable[[Clinic], Command]
) -> None:
    corrected.remove("Contacts", corrected.exports["Contacts"][2]["id"])
    corrected.later()
    corrected.load("patients")
    corrected.execute("UPDATE nexus_assets.correction SET idle_since = idle_since - interval '40 days'")
    told = command(corrected)("rejects", "purge", "--older-than", "30").output
    assert "Removed: 1 corrected rows" in told
    assert corrected.value("SELECT count(*) FROM nexus_assets.correction") == 1

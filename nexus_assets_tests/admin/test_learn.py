"""Lists and backups teach the ledger the ids that rows had before it existed; nothing is written where one is wrong."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from nexus_assets.admin.learn import Learned, learn
from nexus_assets.errors import NexusAssetsError
from nexus_assets.local.postgres import binary
from nexus_assets_tests.admin.conftest import Command
from nexus_assets_tests.load.clinic import Clinic

pytestmark = pytest.mark.extended

OLD, OLDER = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))


def written(clinic: Clinic, text: str, name: str = "old ids.csv", encoding: str = "utf-8") -> Path:
    path = clinic.folder / name
    path.write_text(text, encoding)
    return path


def contact(clinic: Clinic, number: int = 0) -> str:
    return clinic.exports["Contacts"][number]["id"]


def superseded(clinic: Clinic, entity: str = "patients") -> set[tuple[str, str]]:
    return set(
        clinic.rows("SELECT nexus_id::text, current_id::text FROM nexus_assets.superseded WHERE entity = %s", entity)
    )


def outcomes(learned: Learned) -> dict[str, int]:
    return {name: number for name, number in vars(learned).items() if number and name != "rows"}


LISTS = {
    "as asked for": "id,filemaker_id\n{old},{contact}\n",
    "columns the other way round": "filemaker_id,id\n{contact},{old}\n",
    "headings and ids in any case": "FileMaker_ID,ID\n{lower},{upper}\n",
    "other columns, blanks, a line without anything": "mrn,id,filemaker_id\n1, {old} , {contact} \n,,\n",
    "semicolons": "id;filemaker_id\n{old};{contact}\n",
    "the same pair twice": "id,filemaker_id\n{old},{contact}\n{old},{contact}\n",
    "rows without a FileMaker id": "id,filemaker_id\n{older},\n{old},{contact}\n",
}


@pytest.mark.parametrize("text", LISTS.values(), ids=LISTS.keys())
def test_an_earlier_id_of_a_known_patient_is_superseded(text: str, loaded: Clinic) -> None:
    who = contact(loaded)
    filled = text.format(old=OLD, older=OLDER, contact=who, lower=who.lower(), upper=OLD.upper())
    learn(loaded.engine, written(loaded, filled))
    assert superseded(loaded) == {(OLD, loaded.patient_id(who))}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_the_encoding_of_a_list_is_found(encoding: str, loaded: Clinic) -> None:
    learn(loaded.engine, written(loaded, f"id,filemaker_id\n{OLD},{contact(loaded)}\n", encoding=encoding))
    assert len(superseded(loaded)) == 1


def test_the_next_load_moves_what_points_at_a_learned_id(loaded: Clinic) -> None:
    who = loaded.patient_id(contact(loaded))
    for table in ("images_batch", "documents_document"):
        loaded.execute(f"UPDATE {{{table}}} SET object_id = %s WHERE object_id = %s", OLD, who)
    learned = learn(loaded.engine, written(loaded, f"id,filemaker_id\n{OLD},{contact(loaded)}\n"))["patients"]
    assert outcomes(learned) == {"superseded": 1, "references": 2}
    assert loaded.value("SELECT count(*) FROM {images_batch} WHERE object_id = %s", OLD) == 1
    assert loaded.load("patients")["patients"].account.healed == {"references_moved": 2}
    assert loaded.value("SELECT count(*) FROM {images_batch} WHERE object_id = %s", who) == 1


def test_a_person_that_was_never_loaded_gets_the_learned_id_at_the_first_load(furnished: Clinic) -> None:
    learned = learn(furnished.engine, written(furnished, f"id,filemaker_id\n{OLD},{contact(furnished)}\n"))["patients"]
    assert outcomes(learned) == {"to_restore": 1}
    result = furnished.load("patients")["patients"]
    assert furnished.patient_id(contact(furnished)) == OLD
    assert result.account.healed == {"restored": 1}


def test_of_two_earlier_ids_of_an_unknown_person_the_first_is_restored(furnished: Clinic) -> None:
    who = contact(furnished)
    learned = learn(furnished.engine, written(furnished, f"id,filemaker_id\n{OLDER},{who}\n{OLD},{who}\n"))["patients"]
    assert outcomes(learned) == {"to_restore": 1, "superseded": 1}
    furnished.load("patients")
    assert furnished.patient_id(who) == OLDER
    assert superseded(furnished) == {(OLD, OLDER)}


def test_a_row_that_another_importer_made_meanwhile_supersedes_the_learned_id(furnished: Clinic) -> None:
    who, living = contact(furnished), str(uuid.uuid4())
    furnished.execute(
        "INSERT INTO {patients} (id, first_name, last_name, archived, created_at, updated_at, filemaker_metadata)"
        " VALUES (%s, 'Wren', 'Wattle', false, now(), now(), jsonb_build_object('filemaker_id', %s::text))",
        living,
        who,
    )
    learn(furnished.engine, written(furnished, f"id,filemaker_id\n{OLD},{who}\n{living},{who}\n"))
    furnished.load("patients")
    assert furnished.patient_id(who) == living
    assert superseded(furnished) == {(OLD, living)}


def test_learned_ids_that_filemaker_does_not_have_stop_no_load(loaded: Clinic) -> None:
    rows = "".join(f"{uuid.uuid4()},{uuid.uuid4()}\n" for _ in range(100))
    learn(loaded.engine, written(loaded, f"id,filemaker_id\n{rows}"))
    assert loaded.load("patients")["patients"].account.unchanged == 2


def test_learning_twice_learns_nothing_new(loaded: Clinic) -> None:
    stranger = str(uuid.uuid4())
    path = written(loaded, f"id,filemaker_id\n{OLD},{contact(loaded)}\n{OLDER},{stranger}\n")
    learn(loaded.engine, path)
    before = loaded.versions("nexus_assets")
    assert outcomes(learn(loaded.engine, path)["patients"]) == {"known": 2}
    assert loaded.versions("nexus_assets") == before


def test_living_rows_are_left_to_the_load(loaded: Clinic) -> None:
    who = contact(loaded)
    learned = learn(loaded.engine, written(loaded, f"id,filemaker_id\n{loaded.patient_id(who)},{who}\n"))["patients"]
    assert outcomes(learned) == {"living": 1}


@pytest.mark.parametrize("entity", ["appointments", "documents", "images"])
def test_lists_of_other_entities_are_learned(entity: str, loaded: Clinic) -> None:
    export = {"appointments": "Appointments", "documents": "Docs", "images": "Image_data"}[entity]
    path = written(loaded, f"id,filemaker_id\n{OLD},{loaded.exports[export][0]['id']}\n")
    assert outcomes(learn(loaded.engine, path, entity)[entity]) == {"superseded": 1}
    assert len(superseded(loaded, entity)) == 1


def test_a_workbook_is_read_like_a_list(loaded: Clinic) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["id", "filemaker_id"])
    book.active.append([OLD, contact(loaded)])
    book.save(loaded.folder / "old ids.xlsx")
    learn(loaded.engine, loaded.folder / "old ids.xlsx")
    assert len(superseded(loaded)) == 1


# --- what is refused ------------------------------------------------------------------------------------------------------

WRONG = {
    "an id that is none": (
        "{old},{contact}\nWattle Wren,{other}\n",
        "record 2 (row 3 with the headings), column id: holds no UUID",
    ),
    "no id": ("{old},{contact}\n,{other}\n", "record 2 (row 3 with the headings), column id: holds no UUID"),
    "a FileMaker id that is none": (
        "{old},{contact}\n{older},Wattle Wren\n",
        "record 2 (row 3 with the headings), column filemaker_id: holds no UUID",
    ),
    "one id of two people": (
        "{old},{contact}\n{old},{other}\n",
        "record 2 (row 3 with the headings), column filemaker_id: is another one than an earlier",
    ),
    "a living person's id": (
        "{id},{other}\n",
        "record 1 (row 2 with the headings), column filemaker_id: is another one than the ledger has",
    ),
}


@pytest.mark.parametrize(("rows", "told"), WRONG.values(), ids=WRONG.keys())
def test_a_list_that_is_wrong_is_refused_by_row_and_column(rows: str, told: str, loaded: Clinic) -> None:
    who, other = contact(loaded), contact(loaded, 1)
    filled = rows.format(old=OLD, older=OLDER, contact=who, other=other, id=loaded.patient_id(who))
    before = loaded.versions("nexus_assets")
    path = written(loaded, f"id,filemaker_id\n{filled}")
    with pytest.raises(NexusAssetsError) as refused:
        learn(loaded.engine, path)
    assert f"{path}, patients, {told}" in str(refused.value)
    assert "Wattle Wren" not in str(refused.value)
    assert "learn-ids" in str(refused.value)
    assert loaded.versions("nexus_assets") == before


def test_an_id_that_the_ledger_knows_as_anothers_is_refused(loaded: Clinic) -> None:
    learn(loaded.engine, written(loaded, f"id,filemaker_id\n{OLD},{contact(loaded)}\n"))
    with pytest.raises(NexusAssetsError, match="another one than the ledger has"):
        learn(loaded.engine, written(loaded, f"id,filemaker_id\n{OLD},{contact(loaded, 1)}\n"))


def test_a_list_without_its_columns_is_refused(loaded: Clinic) -> None:
    with pytest.raises(NexusAssetsError, match="lacks the column"):
        learn(loaded.engine, written(loaded, f"id,mrn\n{OLD},1\n"))


def test_a_file_that_is_not_there_is_refused(loaded: Clinic) -> None:
    with pytest.raises(NexusAssetsError, match="There is no file"):
        learn(loaded.engine, loaded.folder / "none.csv")


@pytest.mark.parametrize("name", ["nexus.sql", "ids", ".csv"])
def test_a_file_that_is_neither_backup_nor_table_is_refused(name: str, loaded: Clinic) -> None:
    path = loaded.folder / name
    path.write_text("COPY public.patients (id, filemaker_metadata) FROM stdin;\n")
    with pytest.raises(NexusAssetsError, match=r"neither a backup .* `pg_dump --format=custom`"):
        learn(loaded.engine, path)


def test_the_ledger_of_another_database_is_not_taught(loaded: Clinic) -> None:
    loaded.execute("UPDATE nexus_assets.about SET database_mark = 'elsewhere'")
    with pytest.raises(NexusAssetsError, match="made in another one"):
        learn(loaded.engine, written(loaded, f"id,filemaker_id\n{OLD},{contact(loaded)}\n"))


# --- backups --------------------------------------------------------------------------------------------------------------


def backup(clinic: Clinic, *options: str) -> Path:
    path = clinic.folder / "backup.dump"
    url = clinic.url.replace("+psycopg2", "")
    subprocess.run([binary("pg_dump"), f"--file={path}", *(options or ("--format=custom",)), url], check=True)
    return path


def test_a_backup_of_insert_statements_is_refused(loaded: Clinic) -> None:
    """Read as if it held nothing, it would teach nothing, and nobody would know."""
    with pytest.raises(NexusAssetsError, match=r"--inserts.*Nothing was written"):
        learn(loaded.engine, backup(loaded, "--format=custom", "--inserts"))


@pytest.mark.parametrize("naming", ["current", "django"])
def test_a_backup_teaches_every_entity(naming: str, loaded: Clinic, loaded_under_django_names: Clinic) -> None:
    clinic = loaded if naming == "current" else loaded_under_django_names
    before = {table: set(clinic.values(f"SELECT id::text FROM {{{table}}}")) for table in ("patients", "images_image")}
    path = backup(clinic)
    for table in ("images_image", "images_batch", "documents_document", "notes", "appointments", "patients"):
        clinic.execute(f"DELETE FROM {{{table}}}")
    clinic.execute("DROP SCHEMA nexus_assets CASCADE")
    learned = learn(clinic.engine, path)
    assert {name: outcomes(each) for name, each in learned.items()} == {
        "patients": {"to_restore": 2},
        "appointments": {"to_restore": 2},
        "documents": {"to_restore": 2},
        "images": {"to_restore": 4},
        "companies": {"living": 1},
        "referrers": {"living": 2},
    }
    clinic.load()
    for table, ids in before.items():
        assert set(clinic.values(f"SELECT id::text FROM {{{table}}}")) == ids


def test_patients_of_a_backup_supersede_and_heal(loaded: Clinic) -> None:
    path = backup(loaded)
    for table in ("notes", "appointments"):
        loaded.execute(f"DELETE FROM {{{table}}}")
    loaded.execute("DROP SCHEMA nexus_assets CASCADE")
    loaded.execute("UPDATE {patients} SET id = gen_random_uuid()")
    loaded.load("patients")
    assert loaded.value("SELECT count(*) FROM {images_batch} AS b JOIN {patients} AS p ON p.id = b.object_id") == 0
    assert learn(loaded.engine, path)["patients"].superseded == 2
    loaded.load("patients")
    assert loaded.value("SELECT count(*) FROM {images_batch} AS b JOIN {patients} AS p ON p.id = b.object_id") == 2


def test_odd_characters_in_a_backups_rows_change_nothing(loaded: Clinic) -> None:
    loaded.execute(
        "UPDATE {patients} SET notes = E'a\\tb\\nc\\\\d\\\\.', filemaker_metadata = filemaker_metadata || jsonb_build_object("
        """'said', E'tab\\t, quote", backslash\\\\, line\\n, é, \\u2028')"""
    )
    loaded.execute(
        "UPDATE {notes} SET content = E'COPY public.patients (id, filemaker_metadata) FROM stdin;\\n\\\\.\\n'"
    )
    path = backup(loaded)
    loaded.execute("DROP SCHEMA nexus_assets CASCADE")
    loaded.execute("DELETE FROM {notes}; DELETE FROM {appointments}; DELETE FROM {patients}")
    assert outcomes(learn(loaded.engine, path)["patients"]) == {"to_restore": 2, "references": 4}


def test_patients_without_a_filemaker_id_are_counted(loaded: Clinic) -> None:
    loaded.execute(
        "INSERT INTO {patients} (id, first_name, last_name, archived, created_at, updated_at, filemaker_metadata)"
        " VALUES (gen_random_uuid(), 'Native', 'Person', false, now(), now(), NULL),"
        " (gen_random_uuid(), 'Odd', 'Person', false, now(), now(), '[]'),"
        " (gen_random_uuid(), 'Odder', 'Person', false, now(), now(), '{\"filemaker_id\": \"none\"}')"
    )
    assert outcomes(learn(loaded.engine, backup(loaded))["patients"]) == {"nameless": 3, "living": 2}


def test_a_backup_that_is_cut_short_is_refused(loaded: Clinic) -> None:
    path = backup(loaded)
    path.write_bytes(path.read_bytes()[:-2000])
    before = loaded.versions("nexus_assets")
    with pytest.raises(NexusAssetsError, match=r"ends in the middle of a table|could not read"):
        learn(loaded.engine, path)
    assert loaded.versions("nexus_assets") == before


def test_a_backup_of_something_else_is_refused(loaded: Clinic) -> None:
    with pytest.raises(NexusAssetsError, match="holds no table patients"):
        learn(loaded.engine, backup(loaded, "--format=custom", "--table=clinics"))


def test_a_backup_that_contradicts_the_ledger_is_refused_with_a_way_out(loaded: Clinic) -> None:
    path = backup(loaded)
    loaded.execute("UPDATE nexus_assets.identity_patients SET nexus_id = gen_random_uuid()")
    loaded.execute(
        "UPDATE nexus_assets.identity_patients SET nexus_id = (SELECT min(id::text)::uuid FROM {patients})"
        " WHERE source_id = (SELECT max(source_id::text)::uuid FROM nexus_assets.identity_patients)"
    )
    loaded.execute("UPDATE {patients} SET filemaker_metadata = '{}'")
    with pytest.raises(NexusAssetsError, match="Write the ids that you trust into a CSV"):
        learn(loaded.engine, path)


# --- the command ----------------------------------------------------------------------------------------------------------


def test_the_command_says_what_it_learned_and_what_to_run_next(
    loaded: Clinic, command: Callable[[Clinic], Command]
) -> None:
    path = written(loaded, f"id,filemaker_id\n{OLD},{contact(loaded)}\n")
    result = command(loaded)("learn-ids", str(path))
    assert result.exit_code == 0
    assert "patients" in result.output
    assert "dagster asset materialize --select patients" in result.output

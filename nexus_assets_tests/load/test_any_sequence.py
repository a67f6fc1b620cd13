"""Whatever happens, in any order: imports, edits in Nexus, deletions and re-creations by another tool, partial exports."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from nexus_assets.load.references import generic_keys, models, orphans_sql, reachable
from nexus_assets_tests.load.clinic import Clinic, Row, image_key

NATIVE_TABLES = ("images_batch", "images_image", "documents_document", "reminders", "contact_relationships")
LET_THROUGH = dict.fromkeys(("allow_vanished", "allow_rekeyed", "allow_rejected"), True)

DATES = ("3/18/2024", "7/30/2024")

# What a person may change: table, column, and what they write there.
EDITABLE = {
    "patients": ("first_name", "middle_names", "health_number"),
    "notes": ("content", "created_by"),
    "appointments": ("notes", "status"),
    "documents_document": ("category", "file_name"),
    "images_image": ("caption", "category"),
    "images_batch": ("name",),
}

# What FileMaker may change.
CHANGEABLE = {
    "Contacts": ("nameFirst", "nameMiddle", "Health Number", "Area"),
    "Notes": ("Note", "creationAccountName"),
    "Appointments": ("notes",),
    "Docs": ("Type", "num"),
    "Image_data": ("Type", "fileName"),
}

picks = st.integers(0, 1000)


class AnySequence(RuleBasedStateMachine):
    """A clinic to which everything may happen; after each import all laws hold."""

    new_database: Callable[[str], str]
    template: str

    @initialize()
    def open_the_clinic(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="any-sequence-"))
        self.clinic = Clinic(self.new_database(self.template), self.folder)
        self.numbers = itertools.count()
        self.absent: list[tuple[str, Row]] = []
        self.edits: dict[tuple[str, str, str], str | None] = {}
        self.native: dict[str, set[str]] = {table: set() for table in NATIVE_TABLES}
        self.is_loaded = False
        for _ in range(2):
            self.a_person_comes(0)

    def teardown(self) -> None:
        if hasattr(self, "clinic"):
            self.filemaker_has_everything_again()
            self.import_all()
            self.clinic.close()
            shutil.rmtree(self.folder)

    # --- FileMaker ----------------------------------------------------------------------------------------------------

    def contact(self, pick: int) -> str:
        """Somebody whom FileMaker has, or had."""
        rows = [*self.clinic.exports["Contacts"], *(row for export, row in self.absent if export == "Contacts")]
        return rows[pick % len(rows)]["id"]

    @rule(pick=picks)
    def a_person_comes(self, pick: int) -> None:
        contact = self.clinic.contact(f"Wattle {next(self.numbers)}", DOB="12/30/1950")
        self.clinic.note(contact, f"First note {next(self.numbers)}")
        self.clinic.appointment(contact)
        self.clinic.document(contact)
        self.clinic.image(contact, DATES[pick % 2], recid=str(next(self.numbers) + 100))

    @rule(pick=picks)
    def an_image_comes(self, pick: int) -> None:
        self.clinic.image(self.contact(pick), DATES[pick % 2], recid=str(next(self.numbers) + 100))

    @rule(pick=picks)
    def the_same_note_comes_again(self, pick: int) -> None:
        self.clinic.note(self.contact(pick), "Seen today.")

    @rule(export=st.sampled_from(sorted(CHANGEABLE)), pick=picks)
    def filemaker_changes(self, export: str, pick: int) -> None:
        rows = self.clinic.exports[export]
        if rows:
            headings = CHANGEABLE[export]
            rows[pick % len(rows)][headings[pick % len(headings)]] = f"fm {next(self.numbers)}"

    @rule(pick=picks)
    def filemaker_moves_an_image_to_another_day(self, pick: int) -> None:
        rows = self.clinic.exports["Image_data"]
        if rows:
            row = rows[pick % len(rows)]
            row["date"] = DATES[1 - DATES.index(row["date"])]

    @rule(export=st.sampled_from(["Contacts", "Notes", "Appointments", "Docs"]), pick=picks)
    def an_export_lacks_a_row(self, export: str, pick: int) -> None:
        rows = self.clinic.exports[export]
        if rows:
            self.absent.append((export, rows.pop(pick % len(rows))))

    @rule()
    def filemaker_has_everything_again(self) -> None:
        for export, row in self.absent:
            self.clinic.exports[export].append(row)
        self.absent.clear()

    # --- people in Nexus ----------------------------------------------------------------------------------------------

    @precondition(lambda self: self.is_loaded)
    @rule(table=st.sampled_from(sorted(EDITABLE)), pick=picks)
    def a_person_edits(self, table: str, pick: int) -> None:
        ids = self.clinic.values(f"SELECT id::text FROM {table} ORDER BY 1")
        if ids:
            row, column = ids[pick % len(ids)], EDITABLE[table][pick % len(EDITABLE[table])]
            self._edit(table, row, column, f"nx {next(self.numbers)}")

    @precondition(lambda self: self.is_loaded)
    @rule(pick=picks)
    def a_person_unlinks_a_document(self, pick: int) -> None:
        ids = self.clinic.values("SELECT id::text FROM documents_document ORDER BY 1")
        if ids:
            row = ids[pick % len(ids)]
            self._edit("documents_document", row, "object_id", None)
            self.clinic.execute("UPDATE documents_document SET content_type_id = NULL WHERE id = %s", row)

    @precondition(lambda self: self.is_loaded)
    @rule(pick=picks)
    def a_person_moves_an_image(self, pick: int) -> None:
        images = self.clinic.values("SELECT id::text FROM images_image ORDER BY 1")
        batches = sorted(self.native["images_batch"])
        if images and batches:
            self._edit("images_image", images[pick % len(images)], "batch_id", batches[pick % len(batches)])

    @precondition(lambda self: self.is_loaded)
    @rule(pick=picks)
    def a_person_adds_what_is_theirs(self, pick: int) -> None:
        patients = self.clinic.values("SELECT id::text FROM patients ORDER BY 1")
        patient, other = patients[pick % len(patients)], patients[(pick + 1) % len(patients)]
        contact = self.clinic.value("SELECT filemaker_metadata->>'filemaker_id' FROM patients WHERE id = %s", patient)
        batch = self.clinic.native_batch(contact, "18 Mar 2024 (FileMaker Import)" if pick % 2 else "Gait study")
        self.native["images_batch"].add(batch)
        self.native["images_image"] |= set(
            self.clinic.values("SELECT id::text FROM images_image WHERE batch_id = %s", batch)
        )
        self._native(
            "reminders",
            "INSERT INTO reminders (id, patient_id, note, status, created_at, updated_at)"
            " VALUES (gen_random_uuid(), %s, '', 'pending', now(), now()) RETURNING id::text",
            patient,
        )
        self._native(
            "contact_relationships",
            "INSERT INTO contact_relationships (id, from_content_type_id, from_object_id, to_content_type_id, to_object_id,"
            " relationship_type, is_active, created_at, updated_at)"
            " VALUES (gen_random_uuid(), %s, %s, %s, %s, 'x', true, now(), now()) RETURNING id::text",
            *(self.clinic.content_type(), patient, self.clinic.content_type(), other),
        )

    def _edit(self, table: str, row: str, column: str, value: str | None) -> None:
        self.clinic.execute(f'UPDATE {table} SET "{column}" = %s WHERE id = %s', value, row)
        self.edits[table, self._name(table, row), column] = value

    def _native(self, table: str, statement: str, *parameters: Any) -> None:
        self.native[table].add(self.clinic.value(statement, *parameters))

    def _name(self, table: str, row: str) -> str:
        """What a row is called in spite of all that happens to it: a person by the FileMaker id, any other by its own."""
        if table != "patients":
            return row
        return str(self.clinic.value("SELECT filemaker_metadata->>'filemaker_id' FROM patients WHERE id = %s", row))

    # --- another tool -------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.is_loaded)
    @rule(pick=picks, everybody=st.booleans())
    def another_tool_makes_patients_again(self, pick: int, everybody: bool) -> None:
        known = self.clinic.values("SELECT filemaker_metadata->>'filemaker_id' FROM patients ORDER BY 1")
        self.clinic.recreate_patients(*([] if everybody else [known[pick % len(known)]]))
        self._forget_deleted()

    @precondition(lambda self: self.is_loaded)
    @rule(pick=picks)
    def another_tool_makes_empty_batches(self, pick: int) -> None:
        batches = self.clinic.values("SELECT id::text FROM images_batch WHERE name LIKE '%%Import)' ORDER BY 1")
        for batch in batches[: pick % 3 + 1]:
            self.clinic.importers_batch(batch)

    @precondition(lambda self: self.is_loaded)
    @rule(pick=picks)
    def another_tool_puts_images_into_a_batch_of_its_own(self, pick: int) -> None:
        batches = self.clinic.values("SELECT id::text FROM images_batch WHERE uploaded_by_id IS NULL ORDER BY 1")
        if batches:
            batch = batches[pick % len(batches)]
            copied = self.clinic.importers_batch(batch, name="01 Jan 2020 (FileMaker Import)")
            moved = self.clinic.values("SELECT id::text FROM images_image WHERE batch_id = %s", batch)
            self.clinic.execute("UPDATE images_image SET batch_id = %s WHERE batch_id = %s", copied, batch)
            for image in moved:
                self.edits.pop(("images_image", image, "batch_id"), None)

    @precondition(lambda self: self.is_loaded)
    @rule(pick=picks)
    def another_tool_breaks_links(self, pick: int) -> None:
        for table in ("documents_document", "images_batch"):
            ids = self.clinic.values(f"SELECT id::text FROM {table} WHERE object_id IS NOT NULL ORDER BY 1")
            ids = [row for row in ids if row not in self.native.get(table, ())]
            if ids:
                self.clinic.execute(
                    f"UPDATE {table} SET object_id = gen_random_uuid() WHERE id = %s", ids[pick % len(ids)]
                )

    @precondition(lambda self: self.is_loaded)
    @rule(table=st.sampled_from(["notes", "appointments", "documents_document", "images_image"]), pick=picks)
    def another_tool_deletes_rows(self, table: str, pick: int) -> None:
        ids = [
            row
            for row in self.clinic.values(f"SELECT id::text FROM {table} ORDER BY 1")
            if row not in self.native.get(table, ())
        ]
        self.clinic.execute(f"DELETE FROM {table} WHERE id = ANY(%s::uuid[])", ids[: pick % 3])
        self._forget_deleted()

    @precondition(lambda self: self.is_loaded)
    @rule()
    def the_ledger_is_lost(self) -> None:
        self.clinic.execute("DROP SCHEMA nexus_assets CASCADE")
        # What was FileMaker's and what a person's can't be told any more: what stands in Nexus is kept, all of it.

    def _forget_deleted(self) -> None:
        """Edits of rows that are gone are gone; so are the native rows that went with a person, in Django's way."""
        for table, name, column in list(self.edits):
            if table != "patients" and not self._exists(table, name):
                del self.edits[table, name, column]
        for table, ids in self.native.items():
            if table == "reminders":
                ids &= set(self.clinic.values("SELECT id::text FROM reminders"))

    def _exists(self, table: str, row: str) -> bool:
        return bool(self.clinic.value(f"SELECT EXISTS (SELECT FROM {table} WHERE id = %s)", row))

    # --- the import, and the laws -------------------------------------------------------------------------------------

    @rule()
    def import_all(self) -> None:
        self.clinic.later()
        self.clinic.load(**LET_THROUGH)
        self.is_loaded = True
        self._everyone_is_one_person()
        self._no_link_leads_nowhere()
        self._no_native_row_is_lost()
        self._no_edit_is_overwritten()
        self._every_count_is_true()
        self._every_file_has_one_row()
        self._the_next_run_writes_nothing()

    def _everyone_is_one_person(self) -> None:
        twice = self.clinic.rows(
            "SELECT upper(filemaker_metadata->>'filemaker_id'), count(*) FROM patients GROUP BY 1 HAVING count(*) > 1"
        )
        assert not twice
        known = self.clinic.rows("SELECT upper(source_id::text), nexus_id::text FROM nexus_assets.identity_patients")
        living = dict(self.clinic.rows("SELECT upper(filemaker_metadata->>'filemaker_id'), id::text FROM patients"))
        assert {contact: patient for contact, patient in known if contact in living} == living

    def _no_link_leads_nowhere(self) -> None:
        """Of everybody whom FileMaker has: one whom another tool deleted while FileMaker did not send them is gone."""
        with self.clinic.cursor() as cursor:
            found = models(cursor)
            for key in generic_keys(cursor):
                if not key.is_history:
                    cursor.execute(orphans_sql(key, [(model[0], model[1]) for model in reachable(key, found)]))
                    assert cursor.fetchall() == [], key.name

    def _no_native_row_is_lost(self) -> None:
        for table, ids in self.native.items():
            assert ids <= set(self.clinic.values(f"SELECT id::text FROM {table}")), table

    def _no_edit_is_overwritten(self) -> None:
        for (table, name, column), value in self.edits.items():
            where = "filemaker_metadata->>'filemaker_id'" if table == "patients" else "id::text"
            found = self.clinic.rows(f'SELECT "{column}"::text FROM {table} WHERE {where} = %s', name)
            assert found == [(value,)], (table, column)

    def _every_count_is_true(self) -> None:
        wrong = self.clinic.rows(
            "SELECT b.id FROM images_batch AS b WHERE image_count <> (SELECT count(*) FROM images_image WHERE batch_id = b.id)"
        )
        assert not wrong

    def _every_file_has_one_row(self) -> None:
        keys = self.clinic.values("SELECT s3_key FROM images_image WHERE s3_key LIKE 'filemaker-import/%%'")
        assert len(keys) == len(set(keys))
        present = {image_key(row["recid"]) for row in self.clinic.exports["Image_data"]}
        assert present <= set(keys)

    def _the_next_run_writes_nothing(self) -> None:
        before = self.clinic.versions()
        self.clinic.load(**LET_THROUGH)
        assert self.clinic.versions() == before


def run(new_database: Callable[..., str], template: str, examples: int, steps: int) -> None:
    machine = type("Sequence", (AnySequence,), {"new_database": staticmethod(new_database), "template": template})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        ),
    )


def test_any_sequence_ends_well(new_database: Callable[..., str], living_nexus_template: str) -> None:
    run(new_database, living_nexus_template, examples=6, steps=10)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_any_long_sequence_ends_well(new_database: Callable[..., str], living_nexus_template: str) -> None:
    run(new_database, living_nexus_template, examples=150, steps=40)

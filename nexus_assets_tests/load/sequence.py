"""Everything that may happen to a clinic, as steps that hypothesis puts into any order; after each import the laws are asked."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg2
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nexus_assets.admin import guard
from nexus_assets.admin.learn import learn
from nexus_assets.admin.reset import ResetError, plan, reset
from nexus_assets.admin.undo import undo_in
from nexus_assets.admin.undo_values import Kept
from nexus_assets.entities import ENTITIES
from nexus_assets.ledger import schema
from nexus_assets.load.gates import ParentsGoneError
from nexus_assets.nexus.connection import transaction
from nexus_assets_tests.load.clinic import Clinic, Row, image_key, state
from nexus_assets_tests.load.laws import Laws, Person

LET_THROUGH = dict.fromkeys(("allow_vanished", "allow_rekeyed", "allow_rejected", "allow_missing_files"), True)

DATES = ("3/18/2024", "7/30/2024")

EXPORTED = tuple(name for name, each in ENTITIES.items() if not each.optional)

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

# What names the person in each export.
WHOSE = {"Notes": "id_Key", "Appointments": "id_Contact", "Docs": "id_Contact", "Image_data": "id_Contact"}

picks = st.integers(0, 1000)


def undo_load(clinic: Clinic, load: int) -> list[Kept]:
    """Undoes one load; returns what stays."""
    with transaction(clinic.engine, lock=tuple(ENTITIES)) as cursor:
        return [each for done in undo_in(cursor, str(load), "wren").loads for each in done.undoing.kept]


class AnySequence(RuleBasedStateMachine):
    """A clinic to which everything may happen."""

    new_database: Callable[[str], str]
    template: str

    @initialize(guarded=st.booleans(), tells_hashes=st.booleans(), lived_in=st.sampled_from([True, True, False]))
    def open_the_clinic(self, guarded: bool, tells_hashes: bool, lived_in: bool) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="any-sequence-"))
        self.clinic = Clinic(self.new_database(self.template), self.folder, tells_hashes=tells_hashes)
        self.laws = Laws(self.clinic)
        self.numbers = itertools.count()
        self.absent: list[tuple[str, Row]] = []
        self.is_loaded = False
        self.is_whole = False
        self.ledger_knows_all = False
        self.is_guarded = guarded
        for _ in range(2):
            self.a_person_comes(0)
        if guarded:
            guard.install(self.clinic.engine)
            with transaction(self.clinic.engine) as cursor:
                schema.install(cursor)  # the laws look into the ledger, which the guard does without
        if lived_in:
            # Most of what may happen takes an import, and people's own rows, to do any harm.
            self.import_all(archive=False)
            for pick in range(2):
                self.a_person_adds_what_is_theirs(pick)

    def teardown(self) -> None:
        if hasattr(self, "laws"):
            self.filemaker_has_everything_again()
            self.import_all(archive=False)
            self.clinic.engine.dispose()
            self.clinic.close()
            shutil.rmtree(self.folder)

    @rule()
    def a_day_passes(self) -> None:
        """Hypothesis takes the first rule of fewest arguments far more often than any other one: this is it."""
        self.clinic.later()

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

    @rule(export=st.sampled_from(sorted(WHOSE)), pick=picks, other=picks)
    def filemaker_gives_something_to_another_person(self, export: str, pick: int, other: int) -> None:
        rows = self.clinic.exports[export]
        if rows:
            rows[pick % len(rows)][WHOSE[export]] = self.contact(other)

    @rule(export=st.sampled_from(["Contacts", *WHOSE]), pick=picks)
    def an_export_lacks_a_row(self, export: str, pick: int) -> None:
        rows = self.clinic.exports[export]
        if rows:
            self.absent.append((export, rows.pop(pick % len(rows))))

    @rule(pick=picks)
    def the_bucket_lacks_a_file(self, pick: int) -> None:
        files = self.clinic.images if pick % 2 else self.clinic.documents
        if files:
            del files[sorted(files)[pick % len(files)]]

    @rule()
    def filemaker_has_everything_again(self) -> None:
        for export, row in self.absent:
            self.clinic.exports[export].append(row)
        self.absent.clear()
        for row in self.clinic.exports["Image_data"]:
            self.clinic.images[image_key(row["recid"])] = 2000

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
        ids = self.clinic.values(
            "SELECT id::text FROM documents_document JOIN nexus_assets.identity_documents ON nexus_id = id"
            " WHERE object_id IS NOT NULL AND last_load IS NOT NULL ORDER BY 1"
        )
        if ids:
            row = ids[pick % len(ids)]
            self.clinic.execute(
                "UPDATE documents_document SET content_type_id = NULL, object_id = NULL WHERE id = %s", row
            )
            self.laws.edited("documents_document", row, "object_id", None)

    @precondition(lambda self: self.is_loaded)
    @rule(table=st.sampled_from(["documents_document", "images_batch"]), pick=picks, other=picks)
    def a_person_gives_something_to_another_person(self, table: str, pick: int, other: int) -> None:
        ids = self.clinic.values(f"SELECT id::text FROM {table} ORDER BY 1")
        living = self.clinic.rows("SELECT id::text, filemaker_metadata->>'filemaker_id' FROM patients ORDER BY 1")
        if ids and living:
            row, (patient, contact) = ids[pick % len(ids)], living[other % len(living)]
            if self.clinic.value(f"SELECT object_id::text FROM {table} WHERE id = %s", row) == patient:
                return  # it is theirs already: nothing changes, so no load can know of it
            self.clinic.execute(
                f"UPDATE {table} SET content_type_id = %s, object_id = %s WHERE id = %s",
                *(self.clinic.content_type(), patient, row),
            )
            self.laws.edited(table, row, "object_id", Person(contact))

    @precondition(lambda self: self.is_loaded)
    @rule(pick=picks)
    def a_person_moves_an_image(self, pick: int) -> None:
        images = self.clinic.values("SELECT id::text FROM images_image ORDER BY 1")
        batches = self.laws.native_ids("images_batch")
        if images and batches:
            self._edit("images_image", images[pick % len(images)], "batch_id", batches[pick % len(batches)])

    @precondition(lambda self: self.is_loaded)
    @rule(pick=picks)
    def a_person_adds_what_is_theirs(self, pick: int) -> None:
        living = self.clinic.rows("SELECT id::text, filemaker_metadata->>'filemaker_id' FROM patients ORDER BY 1")
        if not living:
            return
        patient, contact = living[pick % len(living)]
        other, other_contact = living[(pick + 1) % len(living)]
        content_type = self.clinic.content_type()
        batch = self.clinic.native_batch(contact, "18 Mar 2024 (FileMaker Import)" if pick % 2 else "Gait study")
        self.laws.made_by_a_person("images_batch", batch, object_id=contact)
        for image in self.clinic.values("SELECT id::text FROM images_image WHERE batch_id = %s", batch):
            self.laws.made_by_a_person("images_image", image)
        own = self.clinic.value(
            "INSERT INTO reminders (id, patient_id, note, status, created_at, updated_at)"
            " VALUES (gen_random_uuid(), %s, '', 'pending', now(), now()) RETURNING id::text",
            patient,
        )
        self.laws.made_by_a_person("reminders", own, patient_id=contact)
        own = self.clinic.value(
            "INSERT INTO contact_relationships (id, from_content_type_id, from_object_id, to_content_type_id, to_object_id,"
            " relationship_type, is_active, created_at, updated_at)"
            " VALUES (gen_random_uuid(), %s, %s, %s, %s, 'x', true, now(), now()) RETURNING id::text",
            *(content_type, patient, content_type, other),
        )
        self.laws.made_by_a_person("contact_relationships", own, from_object_id=contact, to_object_id=other_contact)
        own = self.clinic.value(
            "INSERT INTO notes (id, patient_id, note_type, content, created_by, created_at, updated_at)"
            " VALUES (gen_random_uuid(), %s, 'other', %s, 'A person', now(), now()) RETURNING id::text",
            *(patient, f"nx {next(self.numbers)}"),
        )
        self.laws.made_by_a_person("notes", own, patient_id=contact)

    def _edit(self, table: str, row: str, column: str, value: str) -> None:
        self.clinic.execute(f'UPDATE {table} SET "{column}" = %s WHERE id = %s', value, row)
        self.laws.edited(table, row, column, value)

    # --- another tool -------------------------------------------------------------------------------------------------

    @contextmanager
    def _another_tool(self) -> Iterator[None]:
        """Whatever another tool does ends well, or the guard refuses it."""
        self.laws.note_the_living()
        try:
            yield
        except psycopg2.errors.ForeignKeyViolation:
            assert self.is_guarded
        else:
            self.is_whole = self.is_guarded
            self.laws.look_what_is_gone()

    @precondition(lambda self: self.is_loaded)
    @rule(pick=picks, everybody=st.booleans())
    def another_tool_makes_patients_again(self, pick: int, everybody: bool) -> None:
        known = self.clinic.values("SELECT filemaker_metadata->>'filemaker_id' FROM patients ORDER BY 1")
        if known:
            with self._another_tool():
                self.clinic.recreate_patients(*([] if everybody else [known[pick % len(known)]]))

    @precondition(lambda self: self.is_loaded)
    @rule(pick=picks)
    def another_tool_deletes_a_patient(self, pick: int) -> None:
        known = self.clinic.values("SELECT filemaker_metadata->>'filemaker_id' FROM patients ORDER BY 1")
        if known:
            with self._another_tool():
                self.clinic.delete_patients(known[pick % len(known)])

    @precondition(lambda self: self.is_loaded)
    @rule(pick=picks)
    def another_tool_makes_empty_batches(self, pick: int) -> None:
        batches = self.clinic.values("SELECT id::text FROM images_batch WHERE name LIKE '%%Import)' ORDER BY 1")
        with self._another_tool():
            for batch in batches[: pick % 3 + 1]:
                self.clinic.importers_batch(batch)

    @precondition(lambda self: self.is_loaded)
    @rule(pick=picks)
    def another_tool_puts_images_into_a_batch_of_its_own(self, pick: int) -> None:
        batches = self.clinic.values("SELECT id::text FROM images_batch WHERE uploaded_by_id IS NULL ORDER BY 1")
        if batches:
            batch = batches[pick % len(batches)]
            copied = self.clinic.importers_batch(batch, name="01 Jan 2020 (FileMaker Import)")
            self.laws.may_be_kept(batch, copied)
            moved = self.clinic.values("SELECT id::text FROM images_image WHERE batch_id = %s", batch)
            self.clinic.execute("UPDATE images_image SET batch_id = %s WHERE batch_id = %s", copied, batch)
            for image in moved:
                self.laws.edits.pop(("images_image", image, "batch_id"), None)

    @precondition(lambda self: self.is_loaded)
    @rule(pick=picks)
    def another_tool_imports_a_batch_again(self, pick: int) -> None:
        """It deletes an imported batch, its images with it, and makes both again under random ids, whosever the batch is now."""
        batches = self.clinic.values("SELECT id::text FROM images_batch WHERE uploaded_by_id IS NULL ORDER BY 1")
        if batches:
            batch = batches[pick % len(batches)]
            with self._another_tool():
                copied = self.clinic.importers_batch(batch)
                self.laws.goes_on_as("images_batch", batch, copied)
                for image in self.clinic.values("SELECT id::text FROM images_image WHERE batch_id = %s", batch):
                    if image not in self.laws.native_ids("images_image"):
                        self.clinic.copy("images_image", image, batch_id=copied, filemaker_id=None)
                        self.clinic.execute("DELETE FROM images_image WHERE id = %s", image)
                if not self.clinic.values("SELECT 1 FROM images_image WHERE batch_id = %s", batch):
                    self.clinic.execute("DELETE FROM images_batch WHERE id = %s", batch)

    @precondition(lambda self: self.is_loaded)
    @rule(table=st.sampled_from(["documents_document", "images_batch"]), pick=picks)
    def another_tool_breaks_a_link(self, table: str, pick: int) -> None:
        ids = self._imported(table, "object_id IS NOT NULL")
        if ids:
            row = ids[pick % len(ids)]
            with self._another_tool():
                self.clinic.execute(f"UPDATE {table} SET object_id = gen_random_uuid() WHERE id = %s", row)
                self.laws.edits.pop((table, row, "object_id"), None)

    @precondition(lambda self: self.is_loaded)
    @rule(table=st.sampled_from(["notes", "appointments", "documents_document", "images_image"]), pick=picks)
    def another_tool_deletes_rows(self, table: str, pick: int) -> None:
        with self._another_tool():
            self.clinic.execute(f"DELETE FROM {table} WHERE id = ANY(%s::uuid[])", self._imported(table)[: pick % 3])

    def _imported(self, table: str, condition: str = "true") -> list[str]:
        """The rows that no person made."""
        own = self.laws.native_ids(table)
        ids = self.clinic.values(f"SELECT id::text FROM {table} WHERE {condition} ORDER BY 1")
        return [row for row in ids if row not in own]

    # --- the ledger ---------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.is_loaded)
    @rule()
    def the_ledger_is_lost_and_learned_from_a_list(self) -> None:
        """What was FileMaker's and what a person's can't be told any more: what stands in Nexus is kept, all of it.

        Whose id a living row's is, the next load notes.
        """
        ids = self.clinic.rows("SELECT nexus_id, source_id FROM nexus_assets.identity WHERE entity = 'patients'")
        taught = self.folder / "ids.csv"
        taught.write_text(
            "".join(f"{nexus_id},{source_id}\n" for nexus_id, source_id in [("id", "filemaker_id"), *ids])
        )
        self.laws.before_an_import()
        self.clinic.execute("DROP SCHEMA nexus_assets CASCADE")
        learn(self.clinic.engine, taught)
        self.clinic.load("patients", **LET_THROUGH)
        # The guard stays: its functions are in a schema of their own.
        self.ledger_knows_all = False
        self.laws.ledger_is_lost()

    @precondition(lambda self: self.is_whole)
    @rule()
    def a_person_resets(self) -> None:
        self.is_whole = False  # a second one has nothing left, or is refused as the first one was
        planned = plan(self.clinic.engine)
        try:
            reset(self.clinic.engine, planned, accept_losses=True)
        except ResetError:
            assert planned.hanging
        else:
            self.laws.look_what_is_gone()

    # --- the import ---------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.ledger_knows_all)  # else the load stops, and asks for the parents first
    @rule(name=st.sampled_from(EXPORTED))
    def import_one(self, name: str) -> None:
        """Without its parents; where those were deleted or recreated, the load refuses to guess."""
        self.clinic.later()
        self.laws.before_an_import(of_patients=name == "patients")
        with suppress(ParentsGoneError):
            self.clinic.load(name, **LET_THROUGH)

    @rule(archive=st.booleans())
    def import_all(self, archive: bool) -> None:
        self.clinic.later()
        self.laws.before_an_import()
        settings: dict[str, Any] = {**LET_THROUGH, "archive_vanished": archive}
        self.clinic.load(**settings)
        self.is_loaded = self.is_whole = self.ledger_knows_all = True
        self.laws.hold()
        before = self.clinic.versions()
        self.clinic.load(**settings)
        assert self.clinic.versions() == before

    @rule()
    def an_import_is_undone(self) -> None:
        """Everything is as before, but for the rows that the undoing names."""
        self.clinic.later()
        with transaction(self.clinic.engine) as cursor:
            schema.install(cursor)  # the states that are compared have a ledger
        before = state(self.clinic)
        loads = [result.load_id for result in self.clinic.load(**LET_THROUGH).values()]
        stays = [each for load in reversed(loads) for each in undo_load(self.clinic, load)]
        after = state(self.clinic)
        named = {each.id for each in stays}
        for entity in ENTITIES:
            known = f"SELECT source_id::text FROM nexus_assets.identity_{entity} WHERE nexus_id::text = ANY(%s)"
            named |= {id_ for source in self.clinic.values(known, [*named]) for id_ in (source, source.upper())}
        for name, rows in after.items():
            differing = {*rows} ^ {*before.get(name, ())}
            assert [row for row in differing if not any(id_ in row for id_ in named)] == [], name

    @invariant()
    def nothing_is_orphaned_under_the_guard(self) -> None:
        if hasattr(self, "laws") and self.is_guarded:
            self.laws.no_link_leads_nowhere(self.laws.living())

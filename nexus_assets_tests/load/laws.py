"""What must hold after every import, whatever happened to the clinic before."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from functools import cached_property

from nexus_assets.admin.explain import explain
from nexus_assets.entities import ENTITIES
from nexus_assets.ledger.tables import identity_table
from nexus_assets.nexus.connection import transaction
from nexus_assets.nexus.references import GenericKey, generic_keys, models, orphans_sql, reachable
from nexus_assets_tests.load.clinic import Clinic, image_key

WORDS = ("Wattle", "First note", "Seen today", "nx ", "fm ")
"""Something of all that people and FileMaker write here: it must not come out of the database."""


@dataclass(frozen=True)
class Person:
    """A link that a person set: to whom, by FileMaker id, for their Nexus id may become another one."""

    contact: str


ANYBODY = Person("")
"""To one of whom nobody can tell any more who it was."""


@dataclass
class Laws:
    """What people did in Nexus, to be found again, and the ids that rows had."""

    clinic: Clinic
    edits: dict[tuple[str, str, str], str | Person | None] = field(default_factory=dict)
    native: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    patients: dict[str, str] = field(default_factory=dict)
    every_id: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    imported: set[str] = field(default_factory=set)
    ids: dict[str, dict[str, str]] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    forgot: bool = False

    # --- what happened ------------------------------------------------------------------------------------------------

    def edited(self, table: str, row: str, column: str, value: str | Person | None) -> None:
        """A person wrote this into a row; a row that they made themselves is theirs anyway."""
        if (table, row) not in self.native:
            self.edits[table, self._name(table, row), column] = value
        elif isinstance(value, Person):
            self.native[table, row][column] = value.contact

    def goes_on_as(self, table: str, row: str, copied: str) -> None:
        """Another tool copied the row: what a person wrote into it stands in the copy as well."""
        copies = {(table, copied, each[2]): value for each, value in self.edits.items() if each[:2] == (table, row)}
        self.edits.update(copies)
        self.may_be_kept(row, copied)

    def may_be_kept(self, batch: str, copied: str) -> None:
        """Another tool made the batch after one that a person gave to somebody: whose it is may be kept, where that is told."""
        if batch in self.given or ("images_batch", batch, "object_id") in self.edits:
            self.given.add(copied)

    def made_by_a_person(self, table: str, row: str, **links: str) -> None:
        """A person made this row; `links` tell to whom its columns lead, by FileMaker id."""
        self.native[table, row] = links

    def native_ids(self, table: str) -> list[str]:
        return sorted(row for where, row in self.native if where == table)

    def look_what_is_gone(self) -> None:
        """Edits of rows that are gone are gone; so are the native rows that went with a person, in Django's way.

        Nobody can tell whose an id was under which no import saw a person, or one alone that was undone: a native link to one who
        is gone is dangling, and a row of FileMaker's that a person gave to them may be anybody's.
        """
        told = {*self.living().values()} | self.imported
        for (table, name, column), value in list(self.edits.items()):
            found = self._found(table, name, column)
            if not found:
                del self.edits[table, name, column]
            elif isinstance(value, Person) and not {*found} & told:
                self.edits[table, name, column] = ANYBODY
        for table, row in list(self.native):
            if table in ("reminders", "notes") and not self._found(table, row, "id"):
                del self.native[table, row]
        for (table, row), links in self.native.items():
            for column in list(links):
                if not {*self._found(table, row, column)} & told:
                    del links[column]

    def ledger_is_lost(self) -> None:
        """What was FileMaker's can't be told any more; a link that a person emptied looks like one that no importer made."""
        self.ids.clear()
        self.forgot = True
        self.edits = {edit: value for edit, value in self.edits.items() if value is not None}

    def note_the_living(self) -> None:
        """Keeps who lives under which id, before that may change."""
        self.patients = self.living()
        for contact, patient in self.patients.items():
            self.every_id[contact].add(patient)

    def before_an_import(self, *, of_patients: bool = True) -> None:
        """Keeps who lives, and which of the rows that were imported before are still there."""
        self.note_the_living()
        if of_patients:
            self.imported |= {*self.patients.values()}
        for entity, ids in self.ids.items():
            there = set(self.clinic.values(f"SELECT id::text FROM {ENTITIES[entity].model.tables[0]}"))
            self.ids[entity] = {source: row for source, row in ids.items() if row in there}

    def _name(self, table: str, row: str) -> str:
        """What a row is called in spite of all that happens to it: a person by the FileMaker id, any other by its own."""
        if table != "patients":
            return row
        return str(self.clinic.value("SELECT filemaker_metadata->>'filemaker_id' FROM patients WHERE id = %s", row))

    def _found(self, table: str, name: str, column: str) -> list[str | None]:
        where = "filemaker_metadata->>'filemaker_id'" if table == "patients" else "id::text"
        return self.clinic.values(f'SELECT "{column}"::text FROM {table} WHERE {where} = %s', name)

    def living(self) -> dict[str, str]:
        return dict(self.clinic.rows("SELECT filemaker_metadata->>'filemaker_id', id::text FROM patients"))

    # --- what must hold -----------------------------------------------------------------------------------------------

    def hold(self) -> None:
        living = self.living()
        self.everyone_is_one_person(living)
        self.no_row_changed_its_id()
        self.no_link_leads_nowhere(living)
        self.no_native_row_is_lost(living)
        self.no_edit_is_overwritten(living)
        self.everything_is_the_right_persons(living)
        self.every_count_is_true()
        self.every_file_has_one_row()
        self.nothing_of_a_patient_is_told()

    def everyone_is_one_person(self, living: dict[str, str]) -> None:
        """Nobody is there twice; who was there before has the id of then; everybody whom FileMaker has is there."""
        assert self.clinic.value("SELECT count(*) FROM patients") == len(living)
        known = self.clinic.rows("SELECT upper(source_id::text), nexus_id::text FROM nexus_assets.identity_patients")
        assert {contact: patient for contact, patient in known if contact in living} == living
        assert {contact: self.patients.get(contact, patient) for contact, patient in living.items()} == living
        # One who was made anew and deleted between two imports comes back under the last id that an import saw.
        assert all(patient in self.every_id.get(contact, {patient}) for contact, patient in living.items())
        assert {row["id"] for row in self.clinic.exports["Contacts"]} <= set(living)

    def no_row_changed_its_id(self) -> None:
        for entity in ENTITIES:
            table = identity_table(entity).strings[1]
            now = dict(self.clinic.rows(f"SELECT source_id::text, nexus_id::text FROM nexus_assets.{table}"))
            assert {source: now.get(source) for source in self.ids.get(entity, {})} == self.ids.get(entity, {}), entity
            self.ids[entity] = now

    def no_link_leads_nowhere(self, living: dict[str, str]) -> None:
        """But to people whom another tool deleted and FileMaker does not have, to ids that no import saw, and of files of which
        nothing tells whose they are."""
        sent = {row["id"] for row in self.clinic.exports["Contacts"]}
        excused = {
            patient
            for contact, ids in self.every_id.items()
            for patient in (ids if contact not in sent else ids - self.imported)
        }
        nobodys = self._rows_of_nobody_living(living)
        for key, orphans_of in self._living_keys:
            orphans = [row for row, _, link, _ in self.clinic.rows(orphans_of) if link not in excused]
            assert [row for row in orphans if row not in nobodys.get(key.table, ())] == [], key.name

    @cached_property
    def _living_keys(self) -> list[tuple[GenericKey, str]]:
        """The generic keys, each with the question for its orphans: what happens here makes no table, and no content type."""
        with self.clinic.cursor() as cursor:
            found = models(cursor)
            keys = [key for key in generic_keys(cursor) if key.is_living]
            return [(key, orphans_sql(key, reachable(key, found)).as_string(cursor)) for key in keys]

    def _rows_of_nobody_living(self, living: dict[str, str]) -> dict[str, set[str]]:
        """By table, the imported rows whose file FileMaker has no more and of which the ledger names nobody who lives."""
        found = {}
        ids = [id_ for contact in living for id_ in {*self.every_id.get(contact, ()), living[contact]}]
        for entity in ("documents", "image_batches"):
            table = ENTITIES[entity].model.tables[0]
            known = self.clinic.values(
                f"SELECT nexus_id::text FROM nexus_assets.identity_{entity} WHERE (vanished_load IS NULL AND %s)"
                " OR base_object_id IN (SELECT hash_record_extended(ROW(id), 0) FROM unnest(%s::uuid[]) AS id)",
                *(entity == "documents", ids),
            )
            there = self.clinic.values(f"SELECT id::text FROM {table}")
            found[table] = set(there) - set(known) - set(self.native_ids(table))
        return found

    def no_native_row_is_lost(self, living: dict[str, str]) -> None:
        for (table, row), links in self.native.items():
            assert self._found(table, row, "id"), table
            for column, contact in links.items():
                if contact in living:
                    assert self._found(table, row, column) == [living[contact]], (table, column)

    def no_edit_is_overwritten(self, living: dict[str, str]) -> None:
        for (table, name, column), value in list(self.edits.items()):
            if value is ANYBODY:
                continue
            if isinstance(value, Person) and value.contact not in living:
                # A link to somebody who is gone for good is dangling: it is healed.
                del self.edits[table, name, column]
                continue
            found = self._found(table, name, column)
            if table == "images_batch" and not found:
                # An importer's batch that FileMaker has no more, and that holds nothing, goes with whatever was done to it.
                standing = (
                    "SELECT 1 FROM nexus_assets.identity_image_batches WHERE nexus_id = %s AND vanished_load IS NULL"
                )
                assert not self.clinic.values(standing, name)
                del self.edits[table, name, column]
                continue
            wanted = living[value.contact] if isinstance(value, Person) else value
            assert found == [wanted], (table, column)
            if self.forgot and column == "batch_id" and self._stands_in_filemakers_batch(name):
                # Without the ledger a batch of a person's that looks like an importer's is taken for FileMaker's: from now on both
                # say the same of the image, and it follows FileMaker.
                del self.edits[table, name, column]

    def _stands_in_filemakers_batch(self, image: str) -> bool:
        return bool(
            self.clinic.values(
                "SELECT 1 FROM images_image AS t JOIN nexus_assets.identity_images AS l ON l.nexus_id = t.id"
                " WHERE t.id = %s AND l.base_batch_id = hash_record_extended(ROW(t.batch_id), 0)",
                image,
            )
        )

    def everything_is_the_right_persons(self, living: dict[str, str]) -> None:
        """Every row belongs to whom FileMaker names, unless a person gave it to somebody else; where a load tells that it kept
        what was there, also under a ledger that was lost, and in a batch that another tool made after one of a person's."""
        kept = self.clinic.values(
            "SELECT nexus_id::text FROM nexus_assets.conflict"
            " WHERE cause = 'adopted' AND column_name IN ('object_id', 'patient_id') AND resolved_load IS NULL AND %s",
            self.forgot,
        )
        for export, entity, heading, column in (
            ("Notes", "notes", "id_Key", "patient_id"),
            ("Appointments", "appointments", "id_Contact", "patient_id"),
            ("Docs", "documents", "id_Contact", "object_id"),
        ):
            table = ENTITIES[entity].model.tables[0]
            for row in self.clinic.exports[export]:
                for (id_,) in self.clinic.rows(
                    f"SELECT nexus_id::text FROM nexus_assets.identity_{entity} WHERE source_id = %s", row["id"]
                ):
                    contact = living.get(row[heading])
                    if (
                        contact is not None
                        and (table, id_, column) not in self.edits
                        and id_ not in kept
                        and self._has_its_file(row, entity)
                    ):
                        assert self._found(table, id_, column) == [contact], entity
        told = dict(
            self.clinic.rows(
                "SELECT nexus_id::text, cause FROM nexus_assets.conflict WHERE resolved_load IS NULL"
                " AND (entity, column_name) IN (('images', 'batch_id'), ('image_batches', 'object_id'))"
            )
        )
        known = self.clinic.values("SELECT nexus_id::text FROM nexus_assets.identity_image_batches")
        for row in self.clinic.exports["Image_data"]:
            key, contact = image_key(row["recid"]), living.get(row["id_Contact"])
            if contact is None or key not in self.clinic.images:
                continue
            for image, batch, patient in self.clinic.rows(
                "SELECT i.id::text, b.id::text, b.object_id::text FROM images_image AS i"
                " JOIN images_batch AS b ON b.id = i.batch_id WHERE i.s3_key = %s",
                key,
            ):
                edited = {("images_image", image, "batch_id"), ("images_batch", batch, "object_id")}
                given = batch in self.given and not {batch, image}.isdisjoint(told)
                # A batch that a person gave a name looks like one of theirs, with what lies in it, unless the ledger tells that an
                # importer made the one and put the other there: that is told.
                unknown = image in told and (batch not in known or told[image] == "adopted")
                named = unknown and ("images_batch", batch, "name") in self.edits
                if not edited & self.edits.keys() and batch not in kept and not named and not given:
                    assert patient == contact, "images"

    def _has_its_file(self, row: dict[str, str], entity: str) -> bool:
        return entity != "documents" or any(row["id"] in key for key in self.clinic.documents)

    def every_count_is_true(self) -> None:
        wrong = self.clinic.rows(
            "SELECT b.id FROM images_batch AS b WHERE image_count <> (SELECT count(*) FROM images_image WHERE batch_id = b.id)"
        )
        assert not wrong

    def every_file_has_one_row(self) -> None:
        keys = self.clinic.values("SELECT s3_key FROM images_image WHERE s3_key LIKE 'filemaker-import/%%'")
        assert len(keys) == len(set(keys))
        living = self.living()
        described = {
            image_key(row["recid"]) for row in self.clinic.exports["Image_data"] if row["id_Contact"] in living
        }
        assert described & set(self.clinic.images) <= set(keys)

    def nothing_of_a_patient_is_told(self) -> None:
        """One id of each kind is explained: no word of a person is in it."""
        with transaction(self.clinic.engine, commit=False) as cursor:
            for entity in ENTITIES:
                cursor.execute(f"SELECT min(nexus_id::text) FROM nexus_assets.identity_{entity}")
                ((id_,),) = cursor.fetchall()
                told = [asdict(each) for each in explain(cursor, id_ or "")]
                assert bool(told) == bool(id_)
                assert not [word for word in WORDS if word in str(told)], entity

"""The incident that this project exists for, done to the demo clinic: what people had made, what another importer did, what is left.

Facts and order of events: the report of the incident, of which docs/architecture.md holds the gist. Everything here is plain SQL with
the constraints that Nexus has, so that it shows what the database itself let happen.
"""

from __future__ import annotations

import shutil
import uuid
from dataclasses import asdict, dataclass

import sqlalchemy
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier, Literal

from nexus_assets.entities import ENTITIES
from nexus_assets.ledger import schema
from nexus_assets.ledger.loads import last_load
from nexus_assets.local.clinic.images import PREFIX
from nexus_assets.local.nexus_seed import stable_id
from nexus_assets.local.services import LocalServices
from nexus_assets.nexus import queries
from nexus_assets.nexus.connection import transaction
from nexus_assets.nexus.orphans import dangling

NATIVE_BATCH = stable_id("incident", "native batch")
NATIVE_IMAGES = tuple(stable_id("incident", "native image", str(number)) for number in range(3))
RELATIONSHIP = stable_id("incident", "relationship")
NATIVE_CAPTION = "Taken in the room, seen with the patient"

REWRITTEN_CAPTIONS = 13
"""As many captions as the repair in use once lost images."""
REWRITTEN_CAPTION = "Rewritten in Nexus"

IMPORTS_AGAIN = 2
"""How often the other importer's image import runs: with the batches that there are, 4,983 of them."""


@dataclass(frozen=True)
class Figures:
    """What a person has of the clinic's images; `imported` and `native` ones counted apart."""

    images: int
    images_visible: int
    native_images: int
    native_images_visible: int
    batches: int
    native_batches: int
    filled_batches: int
    filled_batches_linked: int
    documents_leading_nowhere: int
    references_leading_nowhere: int
    captions_rewritten: int
    notes: int
    appointments: int

    @property
    def valid_links(self) -> float:
        """The share of the batches with images, native ones too, that lead to a patient."""
        return self.filled_batches_linked / max(1, self.filled_batches)

    def as_json(self) -> dict[str, int | float]:
        return {**asdict(self), "valid_links": self.valid_links}


def is_well(engine: sqlalchemy.Engine) -> bool:
    """Whether every entity was loaded into this database and no reference is dangling."""
    with transaction(engine, commit=False) as cursor:
        if not schema.is_installed(cursor) or any(
            last_load(cursor, name) is None for name, entity in ENTITIES.items() if not entity.optional
        ):
            return False
        return not any(dangling(cursor).values())


def live_in(engine: sqlalchemy.Engine, services: LocalServices) -> None:
    """What people have made in Nexus: a batch with images of their own, a relationship, and better captions than FileMaker's.

    Made once: where it is there already nothing changes.
    """
    sizes = [_store_native_image(services, number, id_) for number, id_ in enumerate(NATIVE_IMAGES)]
    with transaction(engine) as cursor:
        cursor.execute(
            """
            INSERT INTO images_batch (id, content_type_id, object_id, name, description, uploaded_by_id, uploaded_at, image_count)
            SELECT %(batch)s, b.content_type_id, b.object_id, 'Review', '', (SELECT min(id) FROM auth_user), now(), %(count)s
            FROM images_batch AS b ORDER BY b.name, b.id LIMIT 1 ON CONFLICT (id) DO NOTHING
            """,
            {"batch": str(NATIVE_BATCH), "count": len(NATIVE_IMAGES)},
        )
        for number, (id_, size) in enumerate(zip(NATIVE_IMAGES, sizes, strict=True)):
            cursor.execute(
                """
                INSERT INTO images_image (id, batch_id, s3_key, s3_thumbnail_key, original_name, file_size, mime_type, category,
                  caption, uploaded_by_id, uploaded_at, "order")
                VALUES (%s, %s, %s, '', %s, %s, 'image/jpeg', 'wound', %s, (SELECT min(id) FROM auth_user), now(), %s)
                ON CONFLICT (id) DO NOTHING
                """,
                (str(id_), str(NATIVE_BATCH), _native_key(id_), f"{number + 1}.jpg", size, NATIVE_CAPTION, number),
            )
        cursor.execute(
            """
            INSERT INTO contact_relationships (id, from_content_type_id, from_object_id, to_content_type_id, to_object_id,
              relationship_type, is_active, created_at, updated_at)
            SELECT %s, content_type_id, min(object_id::text)::uuid, content_type_id, max(object_id::text)::uuid, 'parent', true,
              now(), now()
            FROM images_batch GROUP BY content_type_id LIMIT 1 ON CONFLICT (id) DO NOTHING
            """,
            (str(RELATIONSHIP),),
        )
        cursor.execute(
            """
            UPDATE images_image SET caption = %(caption)s WHERE caption <> %(caption)s
              AND id IN (SELECT nexus_id FROM nexus_assets.identity_images ORDER BY source_id LIMIT %(count)s)
            """,
            {"caption": REWRITTEN_CAPTION, "count": REWRITTEN_CAPTIONS},
        )


def _native_key(id_: uuid.UUID) -> str:
    return f"images/{id_}.jpg"


def _store_native_image(services: LocalServices, number: int, id_: uuid.UUID) -> int:
    """Puts a real image file under the native image's key; returns its size."""
    stored = services.bucket_folder / _native_key(id_)
    if not stored.exists():
        given = sorted((services.bucket_folder / PREFIX).glob("*[0-9].jpg"))[number]
        stored.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(given, stored)
    return stored.stat().st_size


def strike(engine: sqlalchemy.Engine) -> int:
    """Another importer deletes the patients and imports everything again; returns how many patients came under new ids.

    Patients, notes, appointments and referrals come back under random ids; batches and documents keep pointing at the old ones; the
    image import recreates every batch each time it runs and skips every image, because its key is known.
    """
    with transaction(engine) as cursor:
        cursor.execute(
            "CREATE TEMP TABLE again ON COMMIT DROP AS SELECT id AS old_id, gen_random_uuid() AS new_id FROM patients"
        )
        cursor.execute("CREATE UNIQUE INDEX ON again (old_id); ANALYZE again")
        for table, forgotten in (("notes", ()), ("appointments", ("filemaker_event_id",)), ("patient_referrers", ())):
            _make_again(cursor, table, "patient_id", forgotten)
        _make_again(cursor, "patients", "id", ())
        people = queries.number(cursor, "SELECT count(*) FROM again")
        cursor.execute(
            SQL("""
            INSERT INTO images_batch (id, content_type_id, object_id, name, description, uploaded_at, image_count)
            SELECT gen_random_uuid(), b.content_type_id, a.new_id, b.name, b.description, now(), 0
            FROM images_batch AS b JOIN again AS a ON a.old_id = b.object_id, generate_series(1, {times})
            WHERE b.id <> {native}
            """).format(times=Literal(IMPORTS_AGAIN), native=Literal(str(NATIVE_BATCH)))
        )
    return people


def _make_again(cursor: Cursor, table: str, key: str, forgotten: tuple[str, ...]) -> None:
    """Deletes every row of a patient and inserts it again under a new id, of the new patient, without what is forgotten."""
    cursor.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attname <> ALL (%s)",
        (table, ["id", key, *forgotten]),
    )
    columns = SQL(", ").join(Identifier(name) for (name,) in cursor.fetchall())
    old = Identifier("t", key)
    keys = SQL("id") if key == "id" else SQL("id, {}").format(Identifier(key))
    values = SQL("a.new_id") if key == "id" else SQL("gen_random_uuid(), a.new_id")
    cursor.execute(
        SQL("""
        CREATE TEMP TABLE leaving ON COMMIT DROP AS SELECT t.id FROM {table} AS t JOIN again AS a ON a.old_id = {old};
        INSERT INTO {table} ({keys}, {columns}) SELECT {values}, {columns} FROM {table} AS t JOIN again AS a ON a.old_id = {old};
        DELETE FROM {table} AS t USING leaving AS l WHERE l.id = t.id;
        DROP TABLE leaving
        """).format(table=Identifier(table), old=old, keys=keys, columns=columns, values=values)
    )


def measure(engine: sqlalchemy.Engine, visible: int) -> Figures:
    """The figures now; `visible` is how many images the check every_image_visible counts as seen, native ones included."""
    with transaction(engine, commit=False) as cursor:
        patient = SQL("EXISTS (SELECT FROM patients AS p WHERE p.id = b.object_id AND NOT p.archived)")
        native = SQL("b.id = {}").format(Literal(str(NATIVE_BATCH)))
        filled = SQL("EXISTS (SELECT FROM images_image AS i WHERE i.batch_id = b.id)")
        cursor.execute(
            SQL("""
            SELECT count(*) FILTER (WHERE NOT {native}), count(*) FILTER (WHERE {native}), count(*) FILTER (WHERE {filled}),
              count(*) FILTER (WHERE {filled} AND {patient}) FROM images_batch AS b
            """).format(native=native, filled=filled, patient=patient)
        )
        ((batches, native_batches, filled_batches, linked),) = cursor.fetchall()
        cursor.execute(
            SQL("""
            SELECT count(*) FILTER (WHERE NOT {native}), count(*) FILTER (WHERE {native}),
              count(*) FILTER (WHERE {native} AND {patient} AND b.image_count = {count}), count(*) FILTER (WHERE i.caption = {caption})
            FROM images_image AS i JOIN images_batch AS b ON b.id = i.batch_id
            """).format(
                native=native, patient=patient, count=Literal(len(NATIVE_IMAGES)), caption=Literal(REWRITTEN_CAPTION)
            )
        )
        ((images, native_images, native_visible, captions),) = cursor.fetchall()
        dead = dangling(cursor)
        notes, appointments = queries.row(
            cursor, "SELECT (SELECT count(*) FROM notes), (SELECT count(*) FROM appointments)"
        )
    return Figures(
        images=images,
        images_visible=visible - native_visible,
        native_images=native_images,
        native_images_visible=native_visible,
        batches=batches,
        native_batches=native_batches,
        filled_batches=filled_batches,
        filled_batches_linked=linked,
        documents_leading_nowhere=dead.get("documents_document.object_id", 0),
        references_leading_nowhere=sum(dead.values()),
        captions_rewritten=captions,
        notes=notes,
        appointments=appointments,
    )

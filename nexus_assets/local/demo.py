"""The demo clinic in the local home: its files written once, its Nexus database made once."""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Callable

import sqlalchemy as sa

from nexus_assets.disk import room
from nexus_assets.errors import NexusAssetsError
from nexus_assets.local import nexus_schema
from nexus_assets.local.clinic import SEED, write_clinic
from nexus_assets.local.home import HOW_TO_MOVE, clinic_stamp
from nexus_assets.local.services import LocalServices
from nexus_assets.nexus.connection import make_engine, sanitized_errors
from nexus_assets.settings import clinic_name

Tell = Callable[[str], None]


def written_scale(services: LocalServices) -> float | None:
    """The scale of the clinic that lies in the local home; None where none was written to its end."""
    try:
        return float(json.loads(clinic_stamp(services.home).read_text("utf-8"))["scale"])
    except (FileNotFoundError, ValueError, KeyError):
        return None


def prepare(services: LocalServices, scale: float, *, fresh: bool, tell: Tell) -> None:
    """Makes the Nexus database and writes the clinic's files, each where it is not there yet; `fresh` recreates both.

    Raises NexusAssetsError where a clinic of another scale is there and `fresh` was not asked for.
    """
    present = written_scale(services)
    if present is not None and present != scale and not fresh:
        raise NexusAssetsError(
            f"The local clinic has scale {present:g}; scale {scale:g} was asked for.",
            remedy=f"Run `python3 dev.py demo --scale {present:g}`, or `python3 dev.py demo --fresh --scale {scale:g}`"
            " to replace it.",
        )
    engine = make_engine(services.database_url)
    with sanitized_errors(engine):
        if fresh:
            _drop_everything(engine)
        if not sa.inspect(engine).has_table("django_content_type"):
            tell("Creating the Nexus database")
            with engine.begin() as connection:
                nexus_schema.create(connection)
                nexus_schema.seed(connection)
    if present is None or fresh:
        with room(services.home, HOW_TO_MOVE):
            clinic_stamp(services.home).unlink(missing_ok=True)
            shutil.rmtree(services.exports, ignore_errors=True)
            shutil.rmtree(services.bucket_folder, ignore_errors=True)
            tell(f"Writing the demo clinic, scale {scale:g} (all of its people are invented)")
            write_clinic(services.exports, services.bucket_folder, scale=scale, seed=_seed(), progress=tell)
            clinic_stamp(services.home).write_text(json.dumps({"scale": scale}), "utf-8")


def _seed() -> int:
    """Each clinic has its own people."""
    return SEED + zlib.crc32(clinic_name().encode())


def _drop_everything(engine: sa.Engine) -> None:
    """Empties the local database: this is the demo's own, never a clinic's."""
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA IF EXISTS nexus_assets CASCADE")
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")

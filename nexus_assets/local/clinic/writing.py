"""Writing the whole demo clinic: its exports into one folder, the files of the bucket into another."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from nexus_assets.local.clinic import appointments, communications, documents, images, notes, people, referrers
from nexus_assets.local.clinic.pictures import Pictures, pdf
from nexus_assets.local.clinic.plan import Plan
from nexus_assets.local.clinic.published import PUBLISHED
from nexus_assets.local.clinic.sheets import XLSX_ROWS, Format, write_csv, write_export

SEED = 20161018

Progress = Callable[[str], None]


def write_clinic(
    exports: Path,
    bucket: Path,
    *,
    scale: float = 1,
    seed: int = SEED,
    formats: Format = "xlsx",
    files: bool = True,
    changed: float = 0.0,
    progress: Progress | None = None,
) -> None:
    """Writes the demo clinic: `scale` times the published numbers, the same bytes for the same arguments.

    Below 1 it has about that share of the people, with all that is theirs; above, it is a whole number.

    With `changed=0.01`, one row in a hundred of each export carries another content under the same id; the bucket's
    files never differ. `files=False` leaves the bucket alone. Existing files of the same name are overwritten, others
    stay. Raises ValueError, before anything is written, where a sheet can't hold the rows.
    """
    parts, one_in = max(1, int(scale)), max(1, round(1 / scale))
    _refuse_what_no_sheet_holds(formats, parts)
    plan = Plan(seed=seed, scale=parts, changed=changed, one_in=one_in)
    tell = progress or (lambda _: None)
    _write_exports(exports, plan, formats, tell)
    if files:
        tell(f"{_write_files(bucket, document_files(plan)):,} documents")
        tell(f"{_write_files(bucket, image_files(plan)):,} images, thumbnails and a folder marker")


def _refuse_what_no_sheet_holds(formats: Format, scale: int) -> None:
    longest = PUBLISHED.times(scale).appointments.export_rows
    if formats == "xlsx" and longest >= XLSX_ROWS:
        raise ValueError(f"Appointments would have {longest:,} rows, an xlsx sheet holds {XLSX_ROWS:,}: write csv.")


def _write_exports(folder: Path, plan: Plan, file_format: Format, tell: Progress) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, headings, rows in (
        ("Contacts", people.HEADINGS, people.contacts(plan)),
        ("Appointments", appointments.HEADINGS, appointments.appointments(plan)),
        ("Notes", notes.HEADINGS, notes.notes(plan)),
        ("Docs", documents.HEADINGS, documents.rows(plan)),
        ("Companies", referrers.COMPANY_HEADINGS, referrers.companies(plan)),
        ("Referrers", referrers.REFERRER_HEADINGS, referrers.referrers(plan)),
        ("ReferrerToCompanies", referrers.COMPANY_LINK_HEADINGS, referrers.company_links(plan)),
        ("PatientToReferrer", referrers.PATIENT_LINK_HEADINGS, referrers.patient_links(plan)),
        ("Coms", communications.HEADINGS, communications.communications(plan)),
    ):
        path, count = write_export(folder, name, headings, rows, file_format)
        tell(f"{path.name}: {count:,} rows")
    # FileMaker never exported this one as xlsx, and it has a byte order mark.
    path = folder / "Image_dataV9.csv"
    tell(f"{path.name}: {write_csv(path, images.HEADINGS, images.rows(plan), encoding='utf-8-sig'):,} rows")


def document_files(plan: Plan) -> Iterator[tuple[str, bytes]]:
    """The document files of the bucket: key and content."""
    return ((key, pdf(number)) for number, key in enumerate(documents.keys(plan)))


def image_files(plan: Plan) -> Iterator[tuple[str, bytes]]:
    """The image files of the bucket, thumbnails and folder marker included: key and content."""
    originals, thumbnails = Pictures(96, 64), Pictures(24, 16)
    yield images.FOLDER_MARKER, b""
    for number, image in enumerate(images.images(plan)):
        for key, pictures in ((image.key, originals), (image.thumbnail_key, thumbnails)):
            if key:
                yield key, pictures.picture(number, key.rpartition(".")[2])


def _write_files(bucket: Path, files: Iterator[tuple[str, bytes]]) -> int:
    """Writes the files, with as few calls to the system as it takes: there are tens of thousands of them."""
    count = 0
    for key, content in files:
        path = f"{bucket}/{key}"
        try:
            file = _create(path)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            file = _create(path)
        try:
            os.write(file, content)
        finally:
            os.close(file)
        count += 1
    return count


def _create(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)

"""The rows of Image_data and the image files in the bucket, which tell of each other by FileMaker's record id."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from nexus_assets.local.clinic import words
from nexus_assets.local.clinic.plan import PATIENTS, Plan, Spellings, carelessly, day_at, typed_date
from nexus_assets.local.clinic.published import PUBLISHED
from nexus_assets.local.clinic.sheets import Row

# In this order, unlike FileMaker's own exports: the file was put together by hand, nine times.
HEADINGS = ("recid", "id", "id_Contact", "date", "Type", "fileName", "Name_of_file", "NexusExportDate")

PREFIX = "filemaker-import/images-bulk-dump"
# FileMaker's upload made folder objects. `rclone serve s3` can't hold a key that ends in "/" (it stores a file without
# the slash), so this is the other usual form of one, an empty object as Hadoop's tools leave it: also listed among the
# images, also not an image.
FOLDER_MARKER = f"{PREFIX}/thumbnails_$folder$"

TYPES = Spellings(words.IMAGE_TYPES)
EXTENSIONS = Spellings({"jpg": 180, "JPG": 12, "png": 8})
EXPORTED = "9/26/2025 4:15:07 PM"

GOOD_IMAGES = PUBLISHED.images.nexus_rows
IMAGES_OF_NOBODY = PUBLISHED.image_files - GOOD_IMAGES
BATCHES = PUBLISHED.image_batches
BATCH_PATIENTS = PUBLISHED.image_batch_patients
ROWS = PUBLISHED.images.export_rows

FIRST_RECORD = 912  # so that record ids have three to five digits, and their order as text is wrong
RECORDS_PER_PART = 3 * ROWS
UNDATED_BATCHES = 6


@dataclass(frozen=True)
class Picture:
    """An image as the export tells it."""

    patient: int | None
    day: date | None
    has_file: bool
    is_changed: bool = False


@dataclass(frozen=True)
class Image:
    """A row of Image_data with the place of its file, if it has one."""

    row: Row
    key: str | None
    thumbnail_key: str | None


def rows(plan: Plan) -> Iterator[Row]:
    """Yields the rows of Image_data, in the order of HEADINGS."""
    return (image.row for image in images(plan))


def images(plan: Plan) -> Iterator[Image]:
    """Yields every image in the order of its record id."""
    for part in range(plan.scale):
        chance = plan.chance("images", part)
        record = FIRST_RECORD + part * RECORDS_PER_PART
        for place, picture in enumerate(_pictures(plan, part)):
            record_step = chance.randint(1, 3)
            image = _image(plan, part * ROWS + place, record, picture, chance)
            if plan.keeps(image.row[2], image.row[1]):
                yield image
            record += record_step


def _pictures(plan: Plan, part: int) -> list[Picture]:
    """Returns one part's pictures by date: exactly as many batches, patients, images and rows as published."""
    chance = plan.chance("pictures", part)
    batches = _batches(plan, part, chance)
    # One picture for every batch, and the rest where luck puts them: some days have one picture, some have twenty.
    more = [batches[int(len(batches) * chance.random() ** 1.5)] for _ in range(GOOD_IMAGES - len(batches))]
    good = [Picture(patient, day, has_file=True) for patient, day in batches + more]
    changed = plan.changed_rows("images", part, range(len(good)))
    pictures = [Picture(p.patient, p.day, p.has_file, is_changed=place in changed) for place, p in enumerate(good)]
    pictures += [Picture(None, day_at(chance.random(), chance), has_file=True)] * IMAGES_OF_NOBODY
    pictures += [_picture_without_file(plan, batches, chance) for _ in range(PUBLISHED.image_rows_without_file)]
    # Undated ones were scanned from paper on some day; a day's pictures stay together, in no order of their own.
    return sorted(pictures, key=lambda p: (p.day or day_at(chance.random(), chance), p.patient or 0, chance.random()))


def _batches(plan: Plan, part: int, chance: random.Random) -> list[tuple[int, date | None]]:
    """Returns different pairs of patient and day, at least one for each of the part's pictured patients."""
    patients = [plan.scattered(part * BATCH_PATIENTS + place) for place in range(BATCH_PATIENTS)]
    days: dict[int, list[date | None]] = {patient: [day_at(chance.random(), chance)] for patient in patients}
    for patient in patients[:UNDATED_BATCHES]:
        days[patient].append(None)
    missing = BATCHES - BATCH_PATIENTS - UNDATED_BATCHES
    while missing:
        of_patient, day = days[chance.choice(patients)], day_at(chance.random(), chance)
        if day not in of_patient:
            of_patient.append(day)
            missing -= 1
    pairs = [(patient, day) for patient, of_patient in days.items() for day in of_patient]
    chance.shuffle(pairs)
    return pairs


def _picture_without_file(plan: Plan, batches: list[tuple[int, date | None]], chance: random.Random) -> Picture:
    """Returns a row whose file was never uploaded: of a batch, of a day without any file, or of nobody."""
    luck = chance.random()
    if luck < 0.5:
        return Picture(*chance.choice(batches), has_file=False)
    patient = chance.randrange(plan.scale * PATIENTS) if luck < 0.9 else None
    return Picture(patient, day_at(chance.random(), chance), has_file=False)


def _image(plan: Plan, number: int, record: int, picture: Picture, chance: random.Random) -> Image:
    extension = EXTENSIONS.pick(chance)
    image_type = TYPES.pick(chance)
    row = (
        record,
        carelessly(plan.id("image", number), chance),
        _contact_id(plan, picture, chance),
        _typed_day(picture.day, chance),
        "Old orthosis" if picture.is_changed else image_type,
        f"IMG_{number % 9_999:04d}.{extension}",
        _typed_name(picture, extension, chance),
        EXPORTED,
    )
    has_thumbnail = chance.random() < 0.75
    stem = f"{PREFIX}/{record}"
    return Image(
        row,
        key=f"{stem}.{extension}" if picture.has_file else None,
        thumbnail_key=f"{stem}_thumb.{extension}" if picture.has_file and has_thumbnail else None,
    )


def _contact_id(plan: Plan, picture: Picture, chance: random.Random) -> str:
    if picture.patient is None:
        return ""
    return carelessly(plan.contact_id(plan.contact_of_patient(picture.patient)), chance)


def _typed_day(day: date | None, chance: random.Random) -> str:
    """Returns the day as text; one in fifty was typed with leading zeros, and is the same day all the same."""
    if day is None:
        return ""
    return f"{day:%m/%d/%Y}" if chance.random() < 0.02 else typed_date(day)


def _typed_name(picture: Picture, extension: str, chance: random.Random) -> str:
    """Returns what somebody called the picture: often nothing, now and then with a return in it."""
    luck = chance.random()
    if picture.patient is None or luck < 0.005:
        return f"{words.CANARY_FILE_NAME} {chance.randrange(100)}.{extension}"
    if luck < 0.4:
        return ""
    name = chance.choice(words.PICTURE_NAMES)
    return f"{name}\nsecond visit.{extension}" if luck < 0.42 else f"{name}.{extension}"

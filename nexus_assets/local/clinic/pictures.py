"""The bytes of the demo clinic's files: small real images and PDFs, no two alike."""

from __future__ import annotations

import colorsys
import io
import struct
import zlib
from collections.abc import Mapping
from typing import Literal

PictureFormat = Literal["JPEG", "PNG"]

FORMATS: Mapping[str, PictureFormat] = {"jpg": "JPEG", "png": "PNG"}
TEMPLATES = 36
PNG_SIGNATURE_AND_HEADER = 8 + 25
BIGGEST_REMARK = 1_200


class Pictures:
    """Images made from a few dozen drawn ones, each with a remark of its own inside."""

    def __init__(self, width: int, height: int) -> None:
        self._templates = {
            extension: [_drawing(number, width, height, file_format) for number in range(TEMPLATES)]
            for extension, file_format in FORMATS.items()
        }

    def picture(self, number: int, extension: str) -> bytes:
        """Returns a valid image; its content and size depend on the number."""
        extension = extension.lower()
        template = self._templates[extension][number % TEMPLATES]
        remark = _remark(number)
        return _with_jpeg_remark(template, remark) if extension == "jpg" else _with_png_remark(template, remark)


def pdf(number: int) -> bytes:
    """Returns a valid one-page PDF; its content and size depend on the number."""
    # Before startxref a comment moves no object, so the offsets in the table stay right.
    return PDF_BODY + b"%" + _remark(number) + b"\n" + PDF_END


def _remark(number: int) -> bytes:
    return b"demo clinic, nobody's %d " % number + b"." * (number * 37 % BIGGEST_REMARK)


def _drawing(number: int, width: int, height: int, file_format: PictureFormat) -> bytes:
    from PIL import Image, ImageDraw

    # Odd templates are upright, and each has its own shade: a person tells them apart in the UI.
    size = (height, width) if number % 2 else (width, height)
    shade = tuple(round(255 * part) for part in colorsys.hsv_to_rgb(number / TEMPLATES, 0.35, 0.9))
    picture = Image.new("RGB", size, shade)
    foot = (size[0] // 4, size[1] // 8, size[0] * 3 // 4, size[1] * 7 // 8)
    ImageDraw.Draw(picture).ellipse(foot, outline="black", fill="white")
    file = io.BytesIO()
    picture.save(file, file_format)
    return file.getvalue()


def _with_jpeg_remark(picture: bytes, remark: bytes) -> bytes:
    start_of_image = picture[:2]
    return start_of_image + b"\xff\xfe" + struct.pack(">H", len(remark) + 2) + remark + picture[2:]


def _with_png_remark(picture: bytes, remark: bytes) -> bytes:
    content = b"tEXtComment\0" + remark
    chunk = struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
    return picture[:PNG_SIGNATURE_AND_HEADER] + chunk + picture[PNG_SIGNATURE_AND_HEADER:]


def _pdf_parts() -> tuple[bytes, bytes]:
    """Returns a PDF up to its trailer, and what must come last."""
    drawing = b"BT /F1 18 Tf 40 160 Td (Demo clinic: nobody's document) Tj ET"
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 320 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(drawing), drawing),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    table += b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer\n<</Size %d/Root 1 0 R>>\n" % (len(objects) + 1)
    return body + table + trailer, b"startxref\n%d\n%%%%EOF\n" % len(body)


PDF_BODY, PDF_END = _pdf_parts()

"""The MIME types of what a clinic keeps in its bucket, by ending, as IANA registers them.

A table of our own: Python's mimetypes reads the files of the machine, and its built-in table differs between versions.
"""

from __future__ import annotations

_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"

_ENDINGS = {
    "image/jpeg": "jpg jpeg jpe jfif pjpeg pjp",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/heic": "heic",
    "image/heif": "heif hif",
    "image/avif": "avif",
    "image/tiff": "tif tiff",
    "image/bmp": "bmp dib",
    "image/svg+xml": "svg",
    "image/vnd.microsoft.icon": "ico",
    "image/jp2": "jp2",
    "image/vnd.adobe.photoshop": "psd",
    "application/dicom": "dcm",
    "application/pdf": "pdf",
    "application/postscript": "ps eps ai",
    "application/rtf": "rtf",
    "text/plain": "txt text log",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv tab",
    "text/html": "html htm",
    "text/xml": "xml",
    "text/markdown": "md",
    "text/calendar": "ics",
    "text/vcard": "vcf",
    "application/json": "json",
    "application/msword": "doc dot",
    f"{_OFFICE}.wordprocessingml.document": "docx",
    f"{_OFFICE}.wordprocessingml.template": "dotx",
    "application/vnd.ms-word.document.macroEnabled.12": "docm",
    "application/vnd.ms-excel": "xls",
    f"{_OFFICE}.spreadsheetml.sheet": "xlsx",
    "application/vnd.ms-excel.sheet.macroEnabled.12": "xlsm",
    "application/vnd.ms-powerpoint": "ppt pps",
    f"{_OFFICE}.presentationml.presentation": "pptx",
    "application/vnd.ms-outlook": "msg",
    "message/rfc822": "eml",
    "application/vnd.apple.pages": "pages",
    "application/vnd.apple.numbers": "numbers",
    f"{_OPEN}.text": "odt",
    f"{_OPEN}.spreadsheet": "ods",
    f"{_OPEN}.presentation": "odp",
    "application/zip": "zip",
    "application/gzip": "gz",
    "application/x-7z-compressed": "7z",
    "application/vnd.rar": "rar",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/wav": "wav",
    "video/mp4": "mp4 m4v",
    "video/quicktime": "mov",
    "video/x-msvideo": "avi",
    "video/webm": "webm",
    "video/mpeg": "mpg mpeg",
    "model/stl": "stl",
    "model/obj": "obj",
}

MIME_TYPES = {f".{ending}": kind for kind, endings in _ENDINGS.items() for ending in endings.split()}
"""The MIME type of each ending, which has its dot and is in lower case."""

"""Step 2: marks of damage that an export took on its way: in other programs, or because the account may not see a field."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Literal

from nexus_assets.load.work import Relation
from nexus_assets.sources.export import ExportError

NO_VALUE = "no_value"
"""Cells that hold a program's word for "no value": they stop a load, or a patient would be called `<No Access>`."""

ADVICE = {
    "unshown_value": "FileMaker writes a question mark where it can't show a number or date: correct them, and export again",
    "shortened_number": "Excel has shortened these numbers: export again from FileMaker, without opening the file in Excel",
    "cut_text": "255, 32,767 or 65,535 characters are as much as a cell of another program holds: export again as .csv, .mer or .xml",
    "damaged_text": "letters were lost, or read in a wrong encoding before: correct them in FileMaker, and export again",
    "escaped_text": 'another program has written them so (&eacute;, ="0123"): export again from FileMaker, without it in between',
    "swapped_dates": "Excel has swapped day and month of those up to the 12th: export again from FileMaker, without Excel in between",
}
"""How to export again without the damage, by the code of the notice."""


@dataclass(frozen=True)
class Mark:
    """One kind of damage in one column: how many cells have it, and the first record with it, counted from 1."""

    code: str
    column: str
    cells: int
    first: int

    def __str__(self) -> str:
        return f"{self.cells:,} cell(s) of {self.column!r}, the first in record {self.first:,}: {ADVICE[self.code]}"


def find(cursor: Cursor, export: Relation, dates: Collection[str], location: str) -> list[Mark]:
    """Returns the marks of damage in the columns that are read; `dates` are those that hold dates.

    Raises ExportError where cells hold a word for "no value" in place of one.
    """
    cells = SQL(", ").join(SQL("({}, {})").format(Literal(name), export.field(name, "s")) for name in export.columns)
    cursor.execute(_MARKS.format(cells=cells, table=export.table))
    marks = [Mark(*found) for found in cursor.fetchall()]
    if words := [mark for mark in marks if mark.code == NO_VALUE]:
        places = ", ".join(f"{mark.column!r} ({mark.cells:,}, the first in record {mark.first:,})" for mark in words)
        raise ExportError(
            f"{location} holds words such as <No Access>, <Field Missing> or #N/A in place of values: {places}.",
            remedy="Export it again with an account that may see these fields, and without another program in between.",
        )
    cursor.execute(_CUT.format(cells=cells, table=export.table))
    marks += [Mark("cut_text", *found) for found in cursor.fetchall()]
    dated = [(name, export.field(name, "s")) for name in dates if name in export.columns]
    if dated:
        cells = SQL(", ").join(SQL("({}, {})").format(Literal(name), field) for name, field in dated)
        cursor.execute(_SWAPPED.format(cells=cells, table=export.table))
        marks += [Mark("swapped_dates", *found) for found in cursor.fetchall()]
    return marks


_MARKS = SQL(r"""
    SELECT code, heading, count(*), min(row_number)
    FROM {table} AS s, LATERAL (VALUES {cells}) AS cell(heading, text), LATERAL (SELECT CASE
      WHEN octet_length(text) <= 60 AND (text LIKE '%<%' OR text LIKE '%#%') AND text ~* concat(
        '^\s*(<(no access|unknown|(unrelated|related|missing) [a-z ]+|[a-z ]+ missing|kein zugriff|[a-zäöü]+ fehlt)>',
        '|#{{4,}}|#(n/a|ref!|name\?|value!|div/0!|num!|null!|spill!|calc!|field!|nv|bezug!|wert!))\s*$') THEN 'no_value'
      WHEN octet_length(text) <= 9 AND nexus_assets.comparable(text) = '?' THEN 'unshown_value'
      WHEN octet_length(text) <= 40 AND text ~* '^\s*[-+]?[0-9]([.,][0-9]+)?e[-+][0-9]{{1,3}}\s*$' THEN 'shortened_number'
      WHEN octet_length(text) >= 32767 AND length(text) + length(regexp_replace(text, '[^\U00010000-\U0010FFFF]', '', 'g')) = 32767
        THEN 'cut_text'
      WHEN octet_length(text) BETWEEN 16 AND 40 AND text ~ '^\s*[0-9]{{15}}0+\s*$' THEN 'shortened_number'
      WHEN text LIKE '%&%;%' AND text ~* concat('&(amp;)*(#[0-9]{{2,5}}|#x[0-9a-f]{{2,5}}|nbsp|quot|apos|amp|[lr]s?quo|[lr]dquo|[mn]dash',
        '|lt|gt|szlig|[aeiounyc](acute|grave|circ|uml|tilde|ring|cedil|slash)|(ae|oe)lig);') THEN 'escaped_text'
      WHEN text LIKE '=%' AND text ~ '^="[^"]*"\s*$' THEN 'escaped_text'
      WHEN octet_length(text) <> length(text) AND text ~ concat(
        '[\uFFFD\u0080-\u0084\u0086-\u009F]|[ÃÂ][\u00A0-\u00BF\u0152-\u0178\u2020-\u2022\u2030\u20AC\u2122\u0192\u02C6\u02DC]|Ã[\u2013-\u201E](?=[[:alpha:]])|â[€„‚]',
        '|[√¬][†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæøÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü]|‚Ä|[├┬]|ΓÇ|ÔÇ') THEN 'damaged_text'
      END AS code) AS found
    WHERE code IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
""")

# As long as other programs let a text be, and no text of the column is longer: one of 65,535, or several of 255.
_CUT = SQL("""
    SELECT heading, count(*), min(row_number)
    FROM (SELECT heading, row_number, length(text) AS long, max(length(text)) OVER (PARTITION BY heading) AS longest
          FROM {table} AS s, LATERAL (VALUES {cells}) AS cell(heading, text) WHERE octet_length(text) >= 255) AS texts
    WHERE long = longest AND longest IN (255, 65535, 65536)
    GROUP BY heading, longest HAVING longest > 255 OR count(*) > 2
""")

# Dates that a program has read (ISO) are all up to the 12th, and those that it could not read all beyond.
_SWAPPED = SQL(r"""
    SELECT heading, count(*) FILTER (WHERE is_iso), min(row_number) FILTER (WHERE is_iso)
    FROM {table} AS s, LATERAL (VALUES {cells}) AS cell(heading, text),
      LATERAL (SELECT text ~ '^\d{{4}}-\d\d-\d\d' AS is_iso,
                           regexp_match(text, '^\s*(\d{{1,2}})[/.-](\d{{1,2}})[/.-]\d{{2,4}}') AS said) AS form
    WHERE is_iso OR said IS NOT NULL
    GROUP BY 1
    HAVING count(*) FILTER (WHERE is_iso) > 0 AND count(said) > 0
       AND bool_and(CASE WHEN is_iso THEN substr(text, 9, 2) <= '12' ELSE greatest(said[1]::int, said[2]::int) > 12 END)
""")

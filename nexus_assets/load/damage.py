"""Step 2: marks of damage that an export took on its way: in other programs, or because the account may not see a field."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Literal

from nexus_assets.load.work import Relation
from nexus_assets.sources.export import ExportError
from nexus_assets.wording import counted

NO_VALUE = "no_value"
"""Cells that hold a program's word for "no value": they stop a load, or a patient would be called `<No Access>`."""

ADVICE = {
    "unshown_value": "FileMaker writes a question mark where it can't show a number or date: correct them, and export again",
    "null_text": "another program writes so where there is no value: export again from FileMaker, without it in between",
    "shortened_number": "another program, such as Excel, has rewritten these numbers: export again from FileMaker, without it in between",
    "cut_text": "255, 32,767 or 65,535 characters are as much as a cell of another program holds: export again as .csv, .mer or .xml",
    "damaged_text": "letters were lost, or read in a wrong encoding before: correct them in FileMaker, and export again",
    "escaped_text": 'another program has written them so (&eacute;, ="0123", _x000D_): export again from FileMaker, without it in between',
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
        return (
            f"{counted(self.cells, 'cell')} of {self.column!r}, the first in record {self.first:,}: {ADVICE[self.code]}"
        )


def find(
    cursor: Cursor, export: Relation, dates: Collection[str], location: str, rows: Relation | None = None
) -> list[Mark]:
    """Returns the marks of damage in the columns that are read; `dates` are those that hold dates.

    `rows`: those of the export in which alone there can be a mark that a cell shows by itself. Raises ExportError where cells
    hold a word for "no value" in place of one.
    """
    looked_at = rows or export
    texts = [looked_at.field(name, "s") for name in export.columns]
    lengths = [SQL("octet_length({})").format(export.field(name, "s")) for name in export.columns]
    cursor.execute(
        _MARKS.format(
            table=looked_at.table,
            letters=_LETTERS,
            null=_NULL,
            cells=_cells(looked_at, export.columns),
            short=SQL(", ").join(_SHORT.format(text=text) for text in texts),
            long=SQL(" OR ").join(_LONG.format(text=text, letters=_LETTERS) for text in texts),
            export=export.table,
            export_cells=_cells(export, export.columns),
            longest=SQL(", ").join(lengths),
            may_be_cut=SQL(" OR ").join(_MAY_BE_CUT.format(length=length) for length in lengths),
        )
    )
    marks = [Mark(*found) for found in cursor.fetchall()]
    if words := [mark for mark in marks if mark.code == NO_VALUE]:
        places = ", ".join(f"{mark.column!r} ({mark.cells:,}, the first in record {mark.first:,})" for mark in words)
        raise ExportError(
            f"{location} holds words such as <No Access>, <Field Missing> or #N/A in place of values: {places}.",
            remedy="Export it again with an account that may see these fields, and without another program in between.",
        )
    dated = [name for name in dates if name in export.columns]
    if dated:
        iso = SQL(" OR ").join(SQL("{} LIKE '____-__-__%'").format(export.field(name, "s")) for name in dated)
        cursor.execute(_SWAPPED.format(cells=_cells(export, dated), table=export.table, iso=iso))
        marks += [Mark("swapped_dates", *found) for found in cursor.fetchall()]
    return marks


def _cells(export: Relation, headings: Iterable[str]) -> Composable:
    return SQL(", ").join(SQL("({}, {})").format(Literal(name), export.field(name, "s")) for name in headings)


# Whether a row has a sign of damage: a regular expression over its short cells at once, and what a byte tells of the long ones;
# the letters are those of which damaged text always has one.
# The short ones end before the 36 bytes of a uuid, some of which look like a number with an exponent.
_LETTERS = SQL(r"\uFFFD\u0080-\u009FÃÂâ√¬‚├┬ΓÔ")
_NULL = SQL(r"(NULL|null|\(null\)|NaN|nan|<NA>|\\N)")
_SHORT = SQL("CASE WHEN octet_length({text}) <= 35 THEN {text} END")
_LONG = SQL(r"""(octet_length({text}) > 35 AND (
          strpos({text}, '&') > 0 OR strpos({text}, '_x00') > 0
          OR octet_length({text}) <= 60 AND (strpos({text}, '<') > 0 OR strpos({text}, '#') > 0)
          OR {text} LIKE '="%' OR octet_length({text}) >= 32767
          OR octet_length({text}) <> length({text}) AND {text} ~ '[{letters}]'))""")

# Whether the longest text of a column can have 255, 65,535 or 65,536 characters, of one to four bytes each.
_MAY_BE_CUT = SQL("max({length}) BETWEEN 255 AND 4 * 255 OR max({length}) BETWEEN 65535 AND 4 * 65536")

# Only in rows with a sign of damage each cell is looked at. What can be told of a cell from its length or from a byte in it is
# asked first: a regular expression takes longer than all else that a load does to a cell. Cut is also what is as long as other
# programs let a text be, where no text of the column is longer: one of 65,535 characters, or several of 255.
_MARKS = SQL(r"""
    WITH found AS (
      SELECT heading, code, count(*) AS cells, min(row_number) AS first
      FROM {table} AS s, LATERAL (VALUES {cells}) AS cell(heading, text), LATERAL (SELECT CASE
        WHEN octet_length(text) <= 60 AND (text LIKE '%<%' OR text LIKE '%#%') AND text ~* concat(
          '^\s*(<(no access|unknown|(unrelated|related|missing) [a-z ]+|[a-z ]+ missing|kein zugriff|[a-zäöü]+ fehlt)>',
          '|#{{4,}}|#(n/a|ref!|name\?|value!|div/0!|num!|null!|spill!|calc!|field!|nv|bezug!|wert!))\s*$') THEN 'no_value'
        WHEN octet_length(text) <= 9 AND text LIKE '%?%' AND nexus_assets.comparable(text) = '?' THEN 'unshown_value'
        WHEN octet_length(text) <= 9 AND text ~ '^{null}$' THEN 'null_text'
        WHEN octet_length(text) <= 35 AND text ~ '^\s*([-+]?[0-9]([.,][0-9]+)?[eE][-+][0-9]{{1,3}}|[0-9]{{5,}}[.]0)\s*$'
          THEN 'shortened_number'
        WHEN octet_length(text) >= 32767 AND length(text) + length(regexp_replace(text, '[^\U00010000-\U0010FFFF]', '', 'g')) = 32767
          THEN 'cut_text'
        WHEN octet_length(text) BETWEEN 16 AND 35 AND text ~ '^\s*[0-9]{{15}}0+\s*$' THEN 'shortened_number'
        WHEN strpos(text, '&') > 0 AND text ~* concat(
          '&(amp;)*(#[0-9]{{2,5}}|#x[0-9a-f]{{2,5}}|nbsp|quot|apos|amp|[lr]s?quo|[lr]dquo|[mn]dash',
          '|lt|gt|szlig|[aeiounyc](acute|grave|circ|uml|tilde|ring|cedil|slash)|(ae|oe)lig);') THEN 'escaped_text'
        WHEN text LIKE '=%' AND text ~ '^="[^"]*"\s*$' THEN 'escaped_text'
        WHEN octet_length(text) <= 35 AND text ~ '^''[-+=(]?[0-9][-+0-9 ().,/:]{{2,}}$|\\u[0-9a-f]{{4}}' THEN 'escaped_text'
        WHEN strpos(text, '_x00') > 0 AND text ~ '_x00[0-9A-F]{{2}}_' THEN 'escaped_text'
        WHEN octet_length(text) <> length(text) AND text ~ '[{letters}]' AND text ~ concat(
          '[\uFFFD\u0080-\u0084\u0086-\u009F]|[ÃÂ][\u00A0-\u00BF\u0152-\u0178\u2020-\u2022\u2030\u20AC\u2122\u0192\u02C6\u02DC]|Ã[\u2013-\u201E](?=[[:alpha:]])|â[€„‚]',
          '|[√¬][†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæøÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü]|‚Ä|[├┬]|ΓÇ|ÔÇ') THEN 'damaged_text'
        END) AS mark(code)
      WHERE (concat_ws(E'\x1F', '', {short}, '')
               ~ '[<#&?=''\\{letters}]|_x00|[0-9]([eE][-+]|[.]0)|[0-9]{{16}}|\x1F[(]?(NULL|null|NaN|nan)[)]?\x1F'
             OR {long})
        AND code IS NOT NULL
      GROUP BY 1, 2
    ), columns AS MATERIALIZED (
      SELECT {may_be_cut} AS may_be_cut FROM {export} AS s
    ), long AS (
      SELECT heading, length(text) AS long, count(*) AS cells, min(row_number) AS first
      FROM {export} AS s, LATERAL (VALUES {export_cells}) AS cell(heading, text)
      WHERE (SELECT may_be_cut FROM columns) AND greatest({longest}) >= 255 AND octet_length(text) >= 255
      GROUP BY 1, 2
    ), longest AS (
      SELECT heading, max(long) AS long FROM long GROUP BY 1
    )
    SELECT code, heading, cells, first FROM (
      SELECT 1 AS place, code, heading, cells, first FROM found
      UNION ALL
      SELECT 2, 'cut_text', heading, cells, first FROM long JOIN longest USING (heading, long)
      WHERE long IN (255, 65535, 65536) AND (long > 255 OR cells > 2)
    ) AS marks ORDER BY place, code, heading
""")

# Dates that a program has read (ISO) are all up to the 12th, and those that it could not read all beyond. Each different text is
# looked at once, and none where no date is ISO.
_SWAPPED = SQL(r"""
    SELECT heading, sum(times) FILTER (WHERE is_iso)::bigint, min(first) FILTER (WHERE is_iso)
    FROM (SELECT heading, text, count(*) AS times, min(row_number) AS first
          FROM {table} AS s, LATERAL (VALUES {cells}) AS cell(heading, text)
          WHERE text IS NOT NULL AND EXISTS (SELECT FROM {table} AS s WHERE {iso}) GROUP BY 1, 2) AS texts,
      LATERAL (SELECT text ~ '^\d{{4}}-\d\d-\d\d' AS is_iso,
                           regexp_match(text, '^\s*(\d{{1,2}})[/.-](\d{{1,2}})[/.-]\d{{2,4}}') AS said) AS form
    WHERE is_iso OR said IS NOT NULL
    GROUP BY 1
    HAVING count(*) FILTER (WHERE is_iso) > 0 AND count(said) > 0
       AND bool_and(CASE WHEN is_iso THEN substr(text, 9, 2) <= '12' ELSE greatest(said[1]::int, said[2]::int) > 12 END)
""")

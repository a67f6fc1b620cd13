"""Records the statements of a load as readable SQL, and prints those that are recorded in sql/ with what their tables hold.

Run by `dev.py sql ENTITY [first|changed|unchanged]`. Identifiers and values that differ from run to run are replaced by names
in angle brackets; parameters stay placeholders.
"""

from __future__ import annotations

import argparse
import fnmatch
import itertools
import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from psycopg2.sql import Composable

from nexus_assets.entities import ENTITIES
from nexus_assets.ledger.schema import install
from nexus_assets.load import work
from nexus_assets.load.load import load
from nexus_assets.load.settings import LoadSettings
from nexus_assets.mapping.entity import Entity
from nexus_assets.nexus.connection import transaction
from nexus_assets.nexus.relations import CatalogCursor
from nexus_assets_tests.load.clinic import Clinic, furnish

FOLDER = Path(__file__).parent / "sql"
KINDS = ("first", "changed", "unchanged")
WIDTH = 120

CHANGED = {
    "Contacts": "nameMiddle",
    "Appointments": "notes",
    "Notes": "Note",
    "Docs": "Type",
    "Image_data": "Type",
    "PatientToReferrer": "date",
}

PATIENTS_CONTENT_TYPE = 7001
"""The id that the model of patients gets in django_content_type, to be found again in a statement."""

LOAD_ID = 9001
"""The id of the first load that is recorded, likewise."""

STEP = 10
"""How much higher the id of the next one is: its parents are loaded in between."""

# A word that PostgreSQL reserves keeps its quotes, as does a heading of an export.
_PLAIN = re.compile(r"--[^\n]*|'(?:[^']|'')*'|\"(?!order\"|date\")([a-z_][a-z0-9_]*)\"")


def path(entity: str, kind: str) -> Path:
    """The file in which these statements are recorded."""
    return FOLDER / f"{entity}_{kind}.sql"


class Recorder(CatalogCursor):
    """A cursor that keeps the text of every statement, and looks which columns the work tables had before they are dropped."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.statements: list[str] = []
        self.columns: dict[str, list[str]] = {}

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 - psycopg2's name
        text = query.as_string(self) if isinstance(query, Composable) else str(query)
        self.statements.append(text)
        if text.startswith("DROP TABLE"):
            self._look()
        super().execute(query, vars)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        self.statements.append(sql.as_string(self) if isinstance(sql, Composable) else str(sql))
        super().copy_expert(sql, file, size)

    def _look(self) -> None:
        super().execute(
            "SELECT relname, array_agg(attname::text ORDER BY attnum) FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
            " WHERE starts_with(relname, 'work_') AND relkind = 'r' AND attnum > 0 GROUP BY 1"
        )
        self.columns.update(dict(self.fetchall()))


def record(clinic: Clinic, entity: Entity) -> Iterator[tuple[str, Recorder]]:
    """The first load of the entity, one of changed sources and a changed Nexus, and one of the very same: (kind, recorder)."""
    clinic.execute(
        "UPDATE django_content_type SET id = %s WHERE app_label = 'patients' AND model = 'patient'",
        PATIENTS_CONTENT_TYPE,
    )
    with transaction(clinic.engine) as cursor:
        install(cursor)
    parents = _ancestors(entity)
    _fill(clinic)
    for number, kind in enumerate(KINDS):
        if kind == "changed":
            _change(clinic, entity)
        for parent in parents if kind != "unchanged" else ():
            clinic.load(parent)
        yield kind, _recorded(clinic, entity, LOAD_ID + STEP * number)


def _ancestors(entity: Entity) -> list[str]:
    """Every entity that this one refers to, in the order in which they are loaded."""
    names = {*entity.upstream, *itertools.chain(*(_ancestors(ENTITIES[name]) for name in entity.upstream))}
    return [name for name in ENTITIES if name in names]


def _recorded(clinic: Clinic, entity: Entity, load_id: int) -> Recorder:
    with (
        transaction(clinic.engine, lock=entity.name) as cursor,
        cursor.connection.cursor(cursor_factory=Recorder) as recorder,
    ):
        cursor.execute("SELECT setval(pg_get_serial_sequence('nexus_assets.load', 'id'), %s, false)", (load_id,))
        result = load(recorder, entity, clinic.inputs(), LoadSettings(), "golden", lambda _: None)
        cursor.execute("SELECT mapping_version FROM nexus_assets.load WHERE id = %s", (result.load_id,))
        ((seed,),) = cursor.fetchall()
    names = {str(seed): "<seed>", str(load_id): "<load>", str(load_id - STEP): "<last load>"}
    names[str(PATIENTS_CONTENT_TYPE)] = "<patients' content type>"
    recorder.statements = [_named(statement, names) for statement in recorder.statements]
    return recorder


def _fill(clinic: Clinic) -> None:
    """Two people with something of everything, and in each export a row that is rejected."""
    furnish(clinic)
    (clinic.folder / "Clinicians.csv").write_text("id,full name\n", "utf-8")
    clinic.contact("")
    stranger = clinic.contact("Kurrajong")
    clinic.remove("Contacts", stranger)
    for add in (clinic.note, clinic.appointment, clinic.document, clinic.image):
        add(stranger)
    referrer = clinic.exports["Referrers"][0]["id"]
    for contact in (*(row["id"] for row in clinic.exports["Contacts"][:2]), stranger):
        clinic.referral(contact, referrer)


def _change(clinic: Clinic, entity: Entity) -> None:
    """In each export a new row and a changed one that comes twice; in Nexus an edited row, a person's own, and a recreated person."""
    clinic.later()
    banksia = clinic.exports["Contacts"][1]["id"]
    grevillea = clinic.contact("Grevillea")
    for add in (clinic.note, clinic.appointment, clinic.document, clinic.image):
        add(grevillea)
    for export, heading in CHANGED.items():
        rows = clinic.exports[export]
        rows[0][heading] = "Changed"
        rows.append(dict(rows[0]))
    table = entity.model.tables[0]
    edited = {"patients": "middle_names", "appointments": "notes", "notes": "content", "images_batch": "description"}
    edited |= {"patient_referrers": "referral_reason"}
    column = edited.get(table, "category")
    clinic.execute(f'UPDATE "{table}" SET "{column}" = coalesce("{column}", \'\') || %s', " edited")
    if table == "patients":
        clinic.recreate_patients(banksia)
    own = clinic.value(f'SELECT min(id::text) FROM "{table}"')
    if table not in ("appointments", "patient_referrers"):
        others = {"filemaker_id": None, "name": "Our own"}
        clinic.copy(table, own, **{name: value for name, value in others.items() if name in _columns(clinic, table)})
    clinic.exports["Docs"].pop(1)


def _columns(clinic: Clinic, table: str) -> list[str]:
    return [
        str(each)
        for each in clinic.values("SELECT column_name FROM information_schema.columns WHERE table_name = %s", table)
    ]


# --- formatting -------------------------------------------------------------------------------------------------------


def _named(statement: str, names: dict[str, str]) -> str:
    """The statement without what differs from run to run."""
    for found, name in names.items():
        statement = re.sub(rf"(?<![\w'-]){re.escape(found)}(?![\w'])", name, statement)
    # The driver writes a negative number with a blank before it.
    return re.sub(r"'20\d\d-\d\d-\d\d'::date", "<today>", statement.replace("  <seed>", " <seed>"))


def written(statements: Sequence[str]) -> str:
    """The statements one after the other, each formatted; one that follows itself is written once."""
    parts = []
    for statement, same in itertools.groupby(statements):
        times = len([*same])
        note = f"-- {times} times:\n" if times > 1 else ""
        parts.append(f"{note}{formatted(statement)};\n")
    return "\n".join(parts)


def formatted(statement: str) -> str:
    """A statement with its line breaks as it was composed, without quotes that PostgreSQL does not need, in lines of a width."""
    plain = _PLAIN.sub(lambda found: found[1] or found[0], statement)
    first, _, rest = plain.strip().partition("\n")
    text = f"{first}\n{textwrap.dedent(rest)}".rstrip()
    lines = itertools.chain.from_iterable(_broken(line.rstrip()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line.strip())


def _broken(line: str) -> Iterator[str]:
    """A line that is too long, broken behind the commas and before the words that its outermost level has."""
    if len(line) <= WIDTH:
        yield line
        return
    indent = len(line) - len(line.lstrip())
    pieces = _pieces(line.strip())
    if len(pieces) == 1:
        yield from _broken_deeper(line)
        return
    current = " " * indent + pieces[0]
    for piece in pieces[1:]:
        if len(current) + 1 + len(piece) <= WIDTH:
            current += f" {piece}"
            continue
        yield from _broken_deeper(current)
        current = " " * (indent + 4) + piece
    yield from _broken_deeper(current)


def _broken_deeper(line: str) -> Iterator[str]:
    """A piece that is still too long is broken inside its outermost parentheses."""
    opening = line.find("(")
    if len(line) <= WIDTH or opening < 0:
        yield line
        return
    head, inner = line[: opening + 1], line[opening + 1 :]
    broken = [*_broken(" " * (len(line) - len(line.lstrip()) + 2) + inner)]
    if len(broken) == 1:
        yield line
        return
    yield head
    yield from broken


_BREAK = re.compile(
    r", |(?<!LEFT) (?=(?:AND|OR|WHEN|ELSE|FROM|LEFT JOIN|JOIN|WHERE|GROUP BY|ORDER BY|UNION ALL|VALUES)\b)"
)


def _pieces(text: str) -> list[str]:
    depth, lowest, quoted, breaks = 0, 0, False, []
    found = {match.start(): match for match in _BREAK.finditer(text)}
    for at, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
            if depth < lowest:
                lowest, breaks = depth, []
        if at in found and depth == lowest:
            breaks.append(found[at])
    pieces, start = [], 0
    for match in breaks:
        pieces.append(text[start : match.start()] + match[0].rstrip())
        start = match.end()
    return [*pieces, text[start:]]


# --- printing ---------------------------------------------------------------------------------------------------------


def explained(entity: str, text: str) -> str:
    """The recorded statements below a list of the work tables that they use."""
    used = {name.removeprefix(f"work_{entity}_") for name in re.findall(r"work_\w+", text)}
    tables = [
        f"-- {table.name} ({table.alias}): {table.sentence}\n--     {', '.join(table.columns)}\n"
        for table in work.TABLES
        if any(fnmatch.fnmatch(name, table.name) for name in used)
    ]
    return "".join([f"-- Work tables, nexus_assets.work_{entity}_...\n", *tables, "\n", text])


def main() -> None:
    """Prints the recorded statements of the loads that are asked for."""
    parser = argparse.ArgumentParser(
        prog="dev.py sql", description="Prints the SQL of a load, as the tests compare it."
    )
    parser.add_argument("entity", choices=[*ENTITIES])
    parser.add_argument("kind", choices=KINDS, nargs="?", help="a first load, one of changed sources, one of the same")
    chosen = parser.parse_args()
    for kind in [chosen.kind] if chosen.kind else KINDS:
        print(f"-- {kind} load of {chosen.entity}\n" + explained(chosen.entity, path(chosen.entity, kind).read_text()))  # noqa: T201


if __name__ == "__main__":
    main()

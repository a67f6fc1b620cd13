"""Finding the columns that are wanted among a file's headings, by name and never by place."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Sequence

from nexus_assets.sources import quotable
from nexus_assets.sources.export import ExportError, separated_otherwise
from nexus_assets.sources.quotable import folded, quoted


def match_columns(
    header: Sequence[str],
    wanted: Sequence[str],
    optional: Sequence[str],
    location: str,
    elsewhere: Callable[[], str] = lambda: "",
) -> dict[str, int]:
    """Returns for each wanted heading, and each optional one that is there, its index in `header`.

    A heading counts when it is exactly the one asked for, else when only case and surrounding blanks differ.
    Raises ExportError where a wanted one is missing, or any of them is there twice; where most are missing, `elsewhere`
    is asked for a sentence that says where else in the file they are.
    """
    positions: dict[str, int] = {}
    missing = []
    for heading in dict.fromkeys((*wanted, *optional)):
        found = _indices(header, heading)
        if len(found) > 1:
            raise ExportError(
                f"{location} has {len(found)} columns {heading!r}: which one counts can't be told.",
                remedy="Export it again with this field once.",
            )
        if found:
            positions[heading] = found[0]
        elif heading in wanted:
            missing.append(heading)
    if missing:
        raise _missing(header, wanted, missing, location, elsewhere)
    return positions


def count_matches(header: Sequence[str], headings: Sequence[str]) -> int:
    """Returns how many of `headings` a record holds: the more, the surer it is a header and rightly split."""
    return sum(bool(_indices(header, heading)) for heading in headings)


def is_header(cells: Sequence[str], listed: Sequence[str], wanted: Sequence[str]) -> bool:
    """Tells whether a first record holds headings after all, though a list of fields lies beside the export."""
    same = [folded(cell) for cell in cells] == [folded(name) for name in listed]
    return same or count_matches(cells, wanted) == len(wanted)


def checked_list(listed: Sequence[str], columns: int, location: str) -> tuple[str, ...]:
    """Returns a list of fields as the header of an export without one. Raises ExportError where their numbers differ."""
    if len(listed) != columns:
        raise ExportError(
            f"{location} has {columns} columns, but the list of its fields has {len(listed)}.",
            remedy="Bring the list in line with the field order of the export, or export with field names.",
        )
    return tuple(listed)


def plain_headings(header: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """Returns a header whose own table's name is left out, as FileMaker does it, where that makes more of its headings known."""
    plain = without_own_table(header)
    return tuple(plain if count_matches(plain, wanted) > count_matches(header, wanted) else header)


def without_own_table(names: Sequence[str]) -> list[str]:
    """Returns fields that are written `Table::Field` without the table that most of them are of: the export's own."""
    tables = Counter(name.strip().partition("::")[0] for name in names if "::" in name)
    own, times = tables.most_common(1)[0] if tables else ("", 0)
    if 2 * times <= len([name for name in names if name]):
        return [*names]
    return [name.strip().removeprefix(f"{own}::") for name in names]


def _indices(header: Sequence[str], heading: str) -> list[int]:
    exact = [at for at, name in enumerate(header) if name == heading]
    return exact or [at for at, name in enumerate(header) if folded(name) == folded(heading)]


def _missing(
    header: Sequence[str], wanted: Sequence[str], missing: Sequence[str], location: str, elsewhere: Callable[[], str]
) -> ExportError:
    problem = f"{location} lacks the column{'s' * (len(missing) > 1)} {quoted(missing)}."
    if 2 * count_matches(header, wanted) < len(wanted):
        if (separator := _separator(header, wanted)) is not None:
            return separated_otherwise(location, separator)
        found = f" {words}" if (words := elsewhere()) else ""
        # The first record may be a patient's, not a header: what it holds is not for messages (law 6).
        return ExportError(
            f"{problem} Of the {len(wanted)} headings expected, its first record ({len(header)} cells) holds "
            f"{count_matches(header, wanted)}: another table's export, or one without field names.{found}",
            remedy="Export it with field names as the first row, or put the list of its fields, in order and "
            "one per line, into a file beside it that is named like it but ends in .fields.",
        )
    close = {heading: _near(heading, header) for heading in missing}
    likely = "".join(f" Did {heading!r} become {' or '.join(names)}?" for heading, names in close.items() if names)
    return ExportError(
        f"{problem}{likely} It has {quotable.headings(header)}.",
        remedy="Export it again with the fields that are missing, under these names.",
    )


def _separator(header: Sequence[str], wanted: Sequence[str]) -> str | None:
    """The character that separates most of the wanted headings in a header of one cell; None where there is none."""
    if len(header) != 1:
        return None
    marks = {mark: header[0].split(mark) for mark in header[0] if not mark.isalnum() and mark not in ' _"'}
    return next((mark for mark, cells in marks.items() if 2 * count_matches(cells, wanted) >= len(wanted)), None)


def _near(heading: str, header: Sequence[str]) -> list[str]:
    names = {folded(name): name for name, times in Counter(header).items() if name and times == 1}
    near = difflib.get_close_matches(folded(heading), names, n=2, cutoff=0.7)
    return [quotable.column(header, header.index(names[match])) for match in near]

"""Tables and lists for a terminal of 80 columns: one line per entity; what needs words comes in a list below."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.box import Box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from nexus_assets.plan.words import FIGURES

RULED = Box("    \n    \n -- \n    \n -- \n -- \n    \n    \n", ascii=True)
"""Lines above and below the rows, one blank between the columns: nine columns of figures fit into 80 characters."""


def indented(sentence: str) -> Padding:
    """A sentence below a table, broken between its words."""
    return Padding(Text(sentence), (0, 0, 0, 2), expand=False)


def tell_figures(
    console: Console,
    title: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    total: Sequence[str] | None = None,
    names: int = 1,
) -> None:
    """A table whose first columns, `names` of them, are names and whose others are figures; `total` is its last line."""
    if title:
        console.print(f"\n[italic]{title}[/italic]", highlight=False)
    table = Table(box=RULED, padding=0, pad_edge=False, show_edge=False)
    for at, heading in enumerate(headings):
        table.add_column(heading, justify="left" if at < names else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    if total is not None:
        table.add_section()
        table.add_row(*total)
    # A figure is never cut: where there are too many digits for the terminal, the line is longer than it is wide.
    table.width = console.measure(table, options=console.options.update(width=1000)).maximum
    console.print(table, crop=False, overflow="ignore", no_wrap=True)


def tell_meanings(console: Console, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Below a table, what those of its headings mean that need explaining and have a figure other than 0."""
    for at, heading in enumerate(headings):
        if heading in FIGURES and {row[at] for row in rows} - {"0", ""}:
            console.print(indented(f"{heading}: {FIGURES[heading]}."), style="dim")


def tell_collapsed(console: Console, collapsed: Mapping[str, int]) -> None:
    """Below a table whose columns do not add up to the rows of the source, the rows that are in none of them."""
    if any(collapsed.values()):
        told = ", ".join(f"{number:,} of {name}" for name, number in collapsed.items() if number)
        console.print(
            indented(f"collapsed: further rows of one id, pair or owner, accounted for by the first of them: {told}."),
            style="dim",
        )


def tell_rows(console: Console, title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows by their ids and codes, without columns in which no row has anything. An id that is cut can't be asked about: where a
    table would be wider than the terminal, each value follows its heading, and a row has as many lines as it needs."""
    rows = [tuple(map(str, row)) for row in rows]
    used = [at for at in range(len(headings)) if any(row[at] for row in rows)]
    headings, rows = [headings[at] for at in used], [[row[at] for at in used] for row in rows]
    widths = (max(len(cell) for cell in column) + 1 for column in zip(headings, *rows, strict=True))
    if sum(widths) - 1 <= console.width:
        tell_figures(console, title, headings, rows, names=len(headings))
        return
    if title:
        console.print(f"\n[italic]{title}[/italic]", highlight=False)
    for row in rows:
        _tell_row(console, [f"{heading} {cell}" for heading, cell in zip(headings, row, strict=True) if cell])


def _tell_row(console: Console, words: Sequence[str]) -> None:
    """One row, as many of its words on a line as the terminal has room for; the lines after the first are indented."""
    line = ""
    for word in words:
        if line and len(line) + len(word) + 2 > console.width:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
            line = "  "
        line += f"  {word}" if line.strip() else word
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def tell_remarks(console: Console, remarks: Mapping[str, Sequence[str]]) -> None:
    """What is remarkable about the exports, by entity: damage with its column and record, and how to export again."""
    if any(remarks.values()):
        console.print("\nRemarks on the exports", style="italic")
    for name, each in remarks.items():
        for remark in each:
            console.print(indented(f"{name}: {remark}"))


def tell_counts(
    console: Console, title: str, counts: Mapping[str, Mapping[str, int]], meanings: Mapping[str, str]
) -> None:
    """A list below a table: each code of each entity, how many rows it has, and what it means. Nothing where there is none."""
    lines = [(entity, code, number) for entity, codes in counts.items() for code, number in codes.items() if number]
    if not lines:
        return
    console.print(f"\n[italic]{title}[/italic]", highlight=False)
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(no_wrap=True)
    table.add_column()
    told = ""
    for entity, code, number in lines:
        table.add_row("" if entity == told else entity, f"{number:,}", code, meanings.get(code, ""))
        told = entity
    console.print(table)


def tell_missing_grants(console: Console, grants: Sequence[str]) -> None:
    """The GRANTs that the role lacks, as its tables' owner can run them. Nothing where there is none."""
    if grants:
        console.print("[red]The role lacks rights that a load or check needs[/red]. As the tables' owner run:")
    for statement in grants:
        console.print(f"  {statement};", markup=False, highlight=False, soft_wrap=True)

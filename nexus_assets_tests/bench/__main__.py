"""`python3 dev.py bench`: how fast and in how much memory, as ratios to other ways measured in the same run."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from nexus_assets.commands.tables import tell_figures


@click.command("dev.py bench")
@click.option(
    "--scale",
    "scales",
    type=click.IntRange(1, 1000),
    multiple=True,
    default=(1, 25),
    show_default=True,
    help="Times the published size; may be given again.",
)
@click.option("--rounds", type=click.IntRange(1, 20), default=3, show_default=True, help="How often each is measured.")
@click.option(
    "--graph/--no-graph",
    default=True,
    help="Measure the bare command, first and again, beside a row-at-a-time importer.",
)
@click.option("--loads/--no-loads", default=True, help="Measure the loads.")
@click.option("--reading/--no-reading", default=True, help="Measure reading exports beside other libraries.")
@click.option("--guard/--no-guard", default=True, help="Measure what the guard costs.")
@click.option("--orphans/--no-orphans", default=True, help="Measure the checks for orphaned references.")
@click.option(
    "--json", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures there as JSON."
)
def command(
    scales: tuple[int, ...],
    rounds: int,
    graph: bool,
    loads: bool,
    reading: bool,
    guard: bool,
    orphans: bool,
    file: Path | None,
) -> None:
    """Measure loads beside COPY, execute_values, a row-at-a-time importer and what no load can do without (floor), runs beside those
    of a graph that does nothing, and reading beside other libraries. Takes minutes; scale 100 half an hour."""
    console = Console()

    def tell(text: str) -> None:
        console.print(text, style="dim")

    figures: dict[str, object] = {}
    if graph:
        figures["graph"] = _graph(rounds, tell, console)
    if reading:
        figures["reading"] = [entry for scale in scales for entry in _reading(scale, rounds, tell, console)]
    if guard:
        figures["guard"] = _guard(rounds, tell, console)
    if orphans:
        figures["orphans"] = _orphans(scales, rounds, tell, console)
    if loads:
        figures["loads"] = _loads(scales, rounds, tell, console)
    if file is not None:
        file.write_text(json.dumps(figures, indent=2), "utf-8")


def _graph(rounds: int, tell: Callable[[str], None], console: Console) -> object:
    from nexus_assets_tests.bench.run import BASE, measure_graph

    runs = measure_graph(rounds, tell)
    rows, base = [], statistics.median(run.seconds for run in runs if run.what == BASE)
    for what in dict.fromkeys(run.what for run in runs):
        mine = [run for run in runs if run.what == what]
        seconds = statistics.median(run.seconds for run in mine)
        rows.append((what, f"{seconds:.1f}", f"{seconds / base:.1f}", f"{max(run.peak_mb for run in mine):.0f}"))
    title = "The bare command on the demo clinic, beside an importer of one row at a time (medians)"
    tell_figures(console, title, ("what", "seconds", f"to {BASE}", "peak MB"), rows)
    return [vars(run) for run in runs]


def _reading(scale: int, rounds: int, tell: Callable[[str], None], console: Console) -> list[dict[str, object]]:
    from nexus_assets_tests.bench.reading import OURS, measure_reading

    reads = measure_reading(scale, rounds, tell)
    title = f"Reading the notes of scale {scale} (medians; ratio of the same round to {OURS})"
    rows, figures = [], list[dict[str, object]]()
    for file, what in dict.fromkeys((read.file, read.what) for read in reads):
        mine = [read.taken for read in reads if (read.file, read.what) == (file, what)]
        of_ours = [read.taken for read in reads if (read.file, read.what) == (file, OURS)]
        (mb,) = {read.mb for read in reads if read.file == file}
        seconds = statistics.median(taken.seconds for taken in mine)
        ratio = statistics.median(one.seconds / other.seconds for one, other in zip(mine, of_ours, strict=True))
        peak_mb = max(taken.peak_mb for taken in mine)
        rows.append((file, what, f"{seconds:.2f}", f"{mb / seconds:.0f}", f"{ratio:.2f}", f"{peak_mb:.0f}"))
        told = {"scale": scale, "file": file, "mb": round(mb, 1), "what": what, "seconds": round(seconds, 3)}
        figures.append({**told, "ratio_to_ours": round(ratio, 2), "peak_mb": round(peak_mb, 1)})
    tell_figures(console, title, ("file", "what", "seconds", "MB/s", f"to {OURS}", "peak MB"), rows, names=2)
    return figures


def _guard(rounds: int, tell: Callable[[str], None], console: Console) -> object:
    from nexus_assets_tests.bench.guard import ROWS, measure_guard

    costs = measure_guard(rounds, tell)
    title = f"The guard: {ROWS:,} rows, seconds of the server's processor (medians)"
    rows = [
        (cost.what, f"{cost.without:.2f}", f"{cost.guarded:.2f}", f"{cost.guarded - cost.without:.2f}")
        for cost in costs
    ]
    tell_figures(console, title, ("what", "without", "with", "added"), rows)
    return [vars(cost) for cost in costs]


def _orphans(scales: tuple[int, ...], rounds: int, tell: Callable[[str], None], console: Console) -> object:
    from nexus_assets_tests.bench.run import measure_orphans

    rows, figures = [], []
    for (scale, check), asked in measure_orphans(scales, rounds, tell).items():
        seconds = statistics.median(each.seconds for each in asked)
        ratio = statistics.median(each.seconds / each.count_seconds for each in asked)
        rows.append((str(scale), check, f"{asked[0].rows:,}", f"{seconds:.2f}", f"{ratio:.1f}"))
        figures.append(
            {"scale": scale, "check": check, "rows": asked[0].rows, "seconds": seconds, "ratio_to_count": ratio}
        )
    title = "Orphaned references, all rows (medians; ratio to SELECT count(*) over the same table just before)"
    tell_figures(console, title, ("scale", "check", "rows", "seconds", "to count"), rows, names=2)
    return figures


def _loads(scales: tuple[int, ...], rounds: int, tell: Callable[[str], None], console: Console) -> object:
    from nexus_assets_tests.bench.run import measure_loads

    bench = measure_loads(scales, rounds, tell)
    rows = []
    for (scale, entity, what), measured in bench.figures.items():
        to_copy = bench.ratio(scale, entity, what, "copy")
        to_first = bench.server_ratio(scale, entity, what, "first")
        rows.append(
            (
                str(scale),
                entity,
                what,
                f"{measured.seconds:.2f}",
                "" if to_copy is None else f"{to_copy:.2f}",
                f"{measured.server_seconds:.2f}",
                "" if to_first is None else f"{to_first:.2f}",
                f"{measured.rows:,}",
                f"{measured.peak_mb:.0f}",
            )
        )
    tell_figures(
        console,
        "Loads (medians; ratios of one round: seconds to plain COPY of the finished rows, server's processor to a first load)",
        ("scale", "entity", "what", "seconds", "to COPY", "server s", "to first", "written", "peak MB"),
        rows,
        names=3,
    )
    return bench.as_json()


if __name__ == "__main__":
    command()

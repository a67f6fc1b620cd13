"""`nexus-assets bench`: how fast and in how much memory, as ratios to other ways measured in the same run."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table


@click.command("bench")
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
@click.option("--graph/--no-graph", default=True, help="Measure the bare command over the whole graph, too.")
@click.option(
    "--json", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures there as JSON."
)
def command(scales: tuple[int, ...], rounds: int, graph: bool, file: Path | None) -> None:
    """Measure loads beside COPY, execute_values and a row-at-a-time importer. Takes minutes; scale 100 half an hour."""
    from nexus_assets.local.bench.run import measure_graph, measure_loads

    console = Console()

    def tell(text: str) -> None:
        console.print(text, style="dim")

    figures: dict[str, object] = {}
    if graph:
        runs = measure_graph(rounds, tell)
        table = Table(title="The bare command, demo clinic, nothing changed")
        for name in ("what", "seconds", "peak MB"):
            table.add_column(name, justify="left" if name == "what" else "right")
        for what in dict.fromkeys(run.what for run in runs):
            mine = [run for run in runs if run.what == what]
            table.add_row(
                what, f"{statistics.median(run.seconds for run in mine):.1f}", f"{max(run.peak_mb for run in mine):.0f}"
            )
        console.print(table)
        figures["graph"] = [vars(run) for run in runs]
    bench = measure_loads(scales, rounds, tell)
    table = Table(title="Loads (medians; ratio of the same round to plain COPY of the finished rows)")
    for name in ("scale", "entity", "what", "seconds", "to COPY", "rows written", "peak MB"):
        table.add_column(name, justify="left" if name in ("entity", "what") else "right")
    for (scale, entity, what), measured in bench.figures.items():
        ratio = bench.ratio(scale, entity, what, "copy")
        table.add_row(
            str(scale),
            entity,
            what,
            f"{measured.seconds:.2f}",
            "" if ratio is None else f"{ratio:.2f}",
            f"{measured.rows:,}",
            f"{measured.peak_mb:.0f}",
        )
    console.print(table)
    figures["loads"] = bench.as_json()
    if file is not None:
        file.write_text(json.dumps(figures, indent=2), "utf-8")

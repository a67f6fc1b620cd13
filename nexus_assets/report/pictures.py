"""The pictures of a report, as SVG to stand in its page: their text is text, their meaning does not hang on colour."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, SOFT, RULE = "#1b1f24", "#57606a", "#d0d7de"

LOOKS: dict[str, tuple[str, str]] = {
    "inserted": ("#009e73", ""),
    "updated": ("#0072b2", "///"),
    "unchanged": ("#9aa5b1", ""),
    "kept": ("#e69f00", "|||"),
    "collapsed": ("#cc79a7", "\\\\\\"),
    "rejected": ("#d55e00", "xxx"),
}
"""Colour (Okabe and Ito's, told apart by the colour-blind) and hatching (told apart in black and white) of each outcome."""

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "nexus_assets",
    "font.family": "sans-serif",
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "hatch.linewidth": 0.7,
    "hatch.color": "white",
}

WIDTH = 4.0
"""Inches; the narrowest phone shows a picture of this width with its text still readable."""

MOST_LABELS = 6
"""More labels than this below a picture touch each other."""


def _svg(figure: Figure, name: str, label: str) -> str:
    """The figure as an <svg> element whose ids are its own in the page, with a label for those who can't see it."""
    buffer = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", svg)
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert size is not None
    svg = re.sub(
        r"<svg[^>]*?viewBox",
        f'<svg role="img" aria-label="{label}" style="max-width:{float(size[1]) * 1.5:.0f}px" viewBox',
        svg,
        count=1,
        flags=re.DOTALL,
    )
    return svg.replace("\n", " ")


def _bare(figure: Figure) -> Axes:
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    return axes


def accounting(name: str, source_rows: int, outcomes: Mapping[str, int]) -> str:
    """Source rows on the left flowing into their outcomes on the right, each as high as its share; the sum is below."""
    shown = {outcome: number for outcome, number in outcomes.items() if number}
    least, gap = 0.035, 0.06
    shares = np.array([number / max(1, source_rows) for number in shown.values()])
    # What is few is drawn a little larger than it is, so that it can be seen at all; its number stands beside it.
    heights = np.maximum(shares, least)
    heights = heights / heights.sum() if len(heights) else heights
    full = 1 + gap * max(0, len(shown) - 1)
    spread = max(full, 0.36 * len(shown))
    gap = (spread - 1) / max(1, len(shown) - 1)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.61 + 0.85 * spread))
        axes = _bare(figure)
        axes.set_xlim(0, 1)
        axes.set_ylim(-0.32, spread + 0.12)
        left_top = right_top = spread
        left_top -= (spread - 1) / 2
        axes.add_patch(Rectangle((0.27, left_top - 1), 0.02, 1, color=INK))
        axes.text(0.255, left_top - 0.42, f"{source_rows:,}", ha="right", va="center", fontsize=12, fontweight="bold")
        axes.text(0.255, left_top - 0.62, "source rows", ha="right", va="center", color=SOFT)
        for (outcome, number), height in zip(shown.items(), heights, strict=True):
            colour, hatch = LOOKS[outcome]
            axes.add_patch(_flow(0.29, left_top, 0.60, right_top, height, colour))
            axes.add_patch(
                Rectangle((0.60, right_top - height), 0.035, height, facecolor=colour, hatch=hatch, linewidth=0)
            )
            axes.text(0.655, right_top - height / 2, f"{number:,} {outcome}", ha="left", va="center")
            left_top -= height
            right_top -= height + gap
        total = " + ".join(f"{number:,}" for number in shown.values())
        axes.text(0, -0.2, f"{total or 0} = {source_rows:,}", color=SOFT, va="center")
    words = ", ".join(f"{number:,} {outcome}" for outcome, number in shown.items())
    return _svg(figure, f"accounting-{name}", f"{source_rows:,} source rows of {name}: {words}")


def _flow(x0: float, top0: float, x1: float, top1: float, height: float, colour: str) -> PathPatch:
    middle = (x0 + x1) / 2
    points = [
        (x0, top0), (middle, top0), (middle, top1), (x1, top1),
        (x1, top1 - height), (middle, top1 - height), (middle, top0 - height), (x0, top0 - height), (x0, top0),
    ]  # fmt: skip
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    return PathPatch(Path(points, codes), facecolor=colour, alpha=0.28, linewidth=0)


def by_month(counts: Mapping[date | None, int]) -> dict[date, int]:
    """The dated ones of these counts (by the first day of the month), from the first month to the last without a gap."""
    dated = {month: number for month, number in counts.items() if month is not None}
    if not dated:
        return {}
    first, last = min(dated), max(dated)
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return {month: dated.get(month, 0) for month in (date(at // 12, at % 12 + 1, 1) for at in months)}


def images_per_month(counts: Mapping[date | None, int]) -> str:
    """How many images were taken in each month."""
    months = by_month(counts)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 1.9))
        axes = figure.add_axes((0.12, 0.17, 0.85, 0.76))
        axes.stairs(list(months.values()), np.arange(len(months) + 1), fill=True, color=LOOKS["updated"][0])
        axes.set_xlim(0, max(1, len(months)))
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color(RULE)
        axes.grid(axis="y", color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(length=0, pad=5)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        places = _months_to_name(list(months))
        axes.set_xticks([at for at, _ in places], [name for _, name in places])
    return _svg(figure, "months", f"{sum(months.values()):,} images by the month in which they were taken")


def _months_to_name(months: Sequence[date]) -> list[tuple[float, str]]:
    """Where a label stands, and what it says: years, or months where there are few."""
    januaries = [(float(at), str(month.year)) for at, month in enumerate(months) if month.month == 1]
    named = januaries if len(januaries) > 2 else [(at + 0.5, f"{month:%Y-%m}") for at, month in enumerate(months)]
    return named[:: max(1, -(-len(named) // MOST_LABELS))]


def before_after(changes: Sequence[tuple[str, int, int]]) -> str:
    """For each (what, violators before, violators now) two bars: hatched as it was, full as it is."""
    names, before, after = zip(*changes, strict=True)
    places = np.arange(len(changes))[::-1].astype(float)
    with matplotlib.rc_context({**STYLE, "hatch.color": LOOKS["rejected"][0]}):
        figure = Figure(figsize=(WIDTH, 0.35 + 0.62 * len(changes)))
        axes = _bare(figure)
        most = max(1, *before, *after)
        axes.set_xlim(0, most * 1.45)
        axes.set_ylim(-0.5, len(changes) - 0.25)
        axes.barh(
            places + 0.02, before, 0.2, facecolor="white", edgecolor=LOOKS["rejected"][0], hatch="////", linewidth=0.8
        )
        axes.barh(places - 0.22, after, 0.2, color=LOOKS["inserted"][0])
        for place, name, was, now in zip(places, names, before, after, strict=True):
            axes.text(0, place + 0.24, name, va="center", fontweight="bold")
            axes.text(was + most * 0.02, place + 0.02, f"{was:,} before", va="center", color=SOFT)
            axes.text(now + most * 0.02, place - 0.22, f"{now:,} after", va="center", color=SOFT)
    words = "; ".join(f"{name}: {was:,} before, {now:,} after" for name, was, now in changes)
    return _svg(figure, "healed", words)

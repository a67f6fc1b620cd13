"""The pictures of a report, as SVG to stand in its page: their text is text, their meaning does not hang on colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from itertools import pairwise

INK, SOFT, RULE = "#1b1f24", "#57606a", "#d0d7de"

LOOKS: dict[str, tuple[str, str]] = {
    "inserted": ("#009e73", ""),
    "updated": ("#0072b2", "M0 6L6 0"),
    "unchanged": ("#9aa5b1", ""),
    "kept": ("#e69f00", "M3 0V6"),
    "collapsed": ("#cc79a7", "M0 0L6 6"),
    "rejected": ("#d55e00", "M0 0L6 6M0 6L6 0"),
}
"""Colour (Okabe and Ito's, told apart by the colour-blind) and hatching (told apart in black and white) of each outcome; the
hatching as the path of a tile of 6 by 6."""

WIDTH = 288
"""The width of a picture in its own units, in which text is 9.5 high: it stays readable on the narrowest phone."""

ZOOM = 1.5
"""CSS pixels a unit, at most: a wide page does not draw a picture larger."""

LINE = 13
"""The height of a line of text."""

MOST_LABELS = 6
"""More labels than this below a picture touch each other."""


def _svg(height: float, label: str, parts: Sequence[str]) -> str:
    """The parts as an <svg> element, with a label for those who can't see it."""
    return (
        f'<svg role="img" aria-label="{escape(label)}" style="max-width:{WIDTH * ZOOM:.0f}px" viewBox="0 0 {WIDTH} {height:.1f}"'
        f' font-size="9.5" fill="{INK}">{"".join(parts)}</svg>'
    )


def _text(x: float, middle: float, words: str, look: str = "") -> str:
    """Words whose line has its middle at this height."""
    return f'<text x="{x:.1f}" y="{middle + 3.3:.1f}" {look}>{escape(words)}</text>'


def _bar(x: float, y: float, width: float, height: float, look: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" {look}/>'


def _hatch(name: str, tile: str, ground: str, lines: str) -> str:
    """A pattern that `fill="url(#name)"` fills a shape with; its name is the page's only one."""
    return (
        f'<pattern id="{name}" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="{ground}"/>'
        f'<path d="{tile}" stroke="{lines}" stroke-width="0.8"/></pattern>'
    )


def accounting(name: str, source_rows: int, outcomes: Mapping[str, int]) -> str:
    """Source rows on the left flowing into their outcomes on the right, each as high as its share; the sum is below."""
    shown = {outcome: number for outcome, number in outcomes.items() if number}
    # What is few is drawn a little larger than it is, so that it can be seen at all; its number stands beside it.
    shares = [max(number / max(1, source_rows), 0.035) for number in shown.values()]
    whole, top, between = 62.0, 8.0, max(1, len(shown) - 1)
    heights = [whole * share / sum(shares) for share in shares]
    apart = max((LINE - (one + other) / 2 for one, other in pairwise(heights)), default=0.0)
    spread = max(whole * (1 + 0.06 * between), 23.0 * len(shown), whole + apart * between)
    gap = (spread - whole) / between
    left, right = top + (spread - whole) / 2, top
    parts = [
        _bar(78, left, 6, whole, ""),
        _text(73, left + 26, f"{source_rows:,}", 'text-anchor="end" font-size="12" font-weight="bold"'),
        _text(73, left + 39, "source rows", f'text-anchor="end" fill="{SOFT}"'),
    ]
    for (outcome, number), height in zip(shown.items(), heights, strict=True):
        colour, tile = LOOKS[outcome]
        fill = colour
        if tile:
            fill = f"url(#accounting-{name}-{outcome})"
            parts.append(_hatch(f"accounting-{name}-{outcome}", tile, colour, "white"))
        parts.append(_flow(84, left, 173, right, height, colour))
        parts.append(_bar(173, right, 10, height, f'fill="{fill}"'))
        parts.append(_text(189, right + height / 2, f"{number:,} {outcome}"))
        left += height
        right += height + gap
    total = " + ".join(f"{number:,}" for number in shown.values())
    parts.append(_text(0, top + spread + LINE, f"{total or 0} = {source_rows:,}", f'fill="{SOFT}"'))
    words = ", ".join(f"{number:,} {outcome}" for outcome, number in shown.items())
    return _svg(top + spread + 2 * LINE, f"{source_rows:,} source rows of {name}: {words}", parts)


def _flow(x0: float, top0: float, x1: float, top1: float, height: float, colour: str) -> str:
    middle = (x0 + x1) / 2
    upper = f"M{x0} {top0:.1f}C{middle} {top0:.1f} {middle} {top1:.1f} {x1} {top1:.1f}v{height:.1f}"
    lower = f"C{middle} {top1 + height:.1f} {middle} {top0 + height:.1f} {x0} {top0 + height:.1f}z"
    return f'<path d="{upper}{lower}" fill="{colour}" opacity="0.28"/>'


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
    top, high, left = 10.0, 100.0, 36.0
    step = _round_step(max(months.values(), default=0))
    most = step * max(1, -(-max(months.values(), default=0) // step))
    wide = (WIDTH - left - 9) / max(1, len(months))
    parts = []
    for number in range(0, most + 1, step):
        y = top + high * (1 - number / most)
        parts.append(_bar(left, y, WIDTH - left - 9, 0.6, f'fill="{RULE}"'))
        parts.append(_text(left - 5, y, f"{number:,}", f'text-anchor="end" fill="{SOFT}"'))
    for at, number in enumerate(months.values()):
        tall = high * number / most
        # Without smoothing, or lines of the page would shine through between neighbours.
        look = f'fill="{LOOKS["updated"][0]}" shape-rendering="crispEdges"'
        parts.append(_bar(left + at * wide, top + high - tall, wide, tall, look))
    for place, name in _months_to_name(list(months)):
        parts.append(_text(left + place * wide, top + high + LINE, name, f'text-anchor="middle" fill="{SOFT}"'))
    label = f"{sum(months.values()):,} images by the month in which they were taken"
    return _svg(top + high + 2 * LINE, label, parts)


def _round_step(most: int) -> int:
    """1, 2 or 5 times a power of ten, of which at most five reach up to the number."""
    power = int(10 ** max(0, len(str(most)) - 2))
    return next(step for step in (power, 2 * power, 5 * power, 10 * power, 20 * power) if step * 5 >= most)


def _months_to_name(months: Sequence[date]) -> list[tuple[float, str]]:
    """Where a label stands, and what it says: years, or months where there are few."""
    januaries = [(float(at), str(month.year)) for at, month in enumerate(months) if month.month == 1]
    named = januaries if len(januaries) > 2 else [(at + 0.5, f"{month:%Y-%m}") for at, month in enumerate(months)]
    return named[:: max(1, -(-len(named) // MOST_LABELS))]


def before_after(changes: Sequence[tuple[str, int, int]]) -> str:
    """For each (what, violators before, violators now) two bars: hatched as it was, full as it is."""
    most = max(1, *(max(was, now) for _, was, now in changes))
    red, green = LOOKS["rejected"][0], LOOKS["inserted"][0]
    parts, top = [_hatch("before", "M0 6L6 0", "white", red)], 4.0
    for name, was, now in changes:
        parts.append(_text(0, top + 5, name, 'font-weight="bold"'))
        for number, word, y, look in (
            (was, "before", top + 13, f'fill="url(#before)" stroke="{red}" stroke-width="0.8"'),
            (now, "after", top + 26, f'fill="{green}"'),
        ):
            wide = (WIDTH - 90) * number / most
            parts.append(_bar(0.5, y, wide, 9, look))
            parts.append(_text(wide + 4, y + 4.5, f"{number:,} {word}", f'fill="{SOFT}"'))
        top += 45
    words = "; ".join(f"{name}: {was:,} before, {now:,} after" for name, was, now in changes)
    return _svg(top, words, parts)
